"""Axes, colours and lines, alike in all pictures.

The colours are those of Okabe and Ito [1]_, which all kinds of colour vision tell apart, each with
a line style of its own, so that the pictures can be read in grey print.

References
----------
.. [1] Okabe & Ito (2008). Color universal design: how to make figures and presentations that are
       friendly to colorblind people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skrnn._innermost import innermost
from skrnn.inspection._opened import check_recurrent

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
GREY, PALE = "#595959", "#d9d9d9"


def pyplot() -> Any:
    """Return matplotlib's pyplot, imported when something is drawn."""
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError(
            'Drawing needs matplotlib. Install it with: pip install "skrnn[plot]"'
        ) from error
    return plt


def axes(ax: Any, figsize: tuple[float, float] = (6.4, 4.0)) -> tuple[Any, Any]:
    """Return figure and axes to draw in, without a frame above and to the right."""
    if ax is None:
        _, ax = pyplot().subplots(figsize=figsize, layout="constrained")
    check_axes(ax)
    ax.spines[["top", "right"]].set_visible(False)
    return ax.figure, ax


def check_axes(ax: Any) -> None:
    """Raise TypeError if `ax` is nothing to draw in, as an array of Axes is not."""
    if not (hasattr(ax, "spines") and hasattr(ax, "figure")):
        raise TypeError(
            f"ax must be an Axes of matplotlib or None. Got {type(ax).__name__} instead; of an "
            "array of Axes pass one, such as axs[0]."
        )


def line_style(k: int) -> dict[str, Any]:
    """Return the style of the `k`-th line of a picture."""
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": LINE_STYLES[k % len(LINE_STYLES)],
        "linewidth": 1.8,
    }


def named(estimators: Any) -> dict[str, Any]:
    """Return estimators by name: of a mapping, of a list, or of a single one."""
    if isinstance(estimators, Mapping):
        return dict(estimators)
    if not isinstance(estimators, (list, tuple)):
        estimators = [estimators]
    names = [describe(est) for est in estimators]
    if len(set(names)) < len(names):
        names = [f"{name} ({k})" for k, name in enumerate(names, start=1)]
    return dict(zip(names, estimators, strict=True))


def describe(est: Any) -> str:
    """Return cell and activation, such as "rnn, relu"."""
    est = innermost(est)
    check_recurrent(est)
    parts = [cell_name(est)]
    if est.activation != "tanh":
        parts.append(est.activation if isinstance(est.activation, str) else est.activation.name)
    return ", ".join(parts)


def cell_name(est: Any) -> str:
    """Return the name of the cell of a recurrent estimator."""
    return est.cell if isinstance(est.cell, str) else type(est.cell).__name__


def legend_above(ax: Any, n: int) -> None:
    """Put the legend where it hides nothing."""
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=min(n, 4))


def count_steps(ax: Any) -> None:
    """Let the ticks of the axis of time steps (or of epochs) be whole numbers."""
    ax.xaxis.get_major_locator().set_params(integer=True)


def of_sequence(values: Any, i: Any) -> np.ndarray:
    """Return the values of sequence `i`."""
    n_samples = len(values)
    is_number = isinstance(i, (int, np.integer)) and not isinstance(i, bool)
    if not is_number or not -n_samples <= i < n_samples:
        raise ValueError(
            f"i must be the number of one of the {n_samples} sequences in X, an int in the range "
            f"[{-n_samples}, {n_samples - 1}]. Got {i!r} instead."
        )
    return np.asarray(values[i])
