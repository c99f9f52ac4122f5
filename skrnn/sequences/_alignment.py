"""Objects of pandas that belong together have their rows in one order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from skrnn.sequences._windows import Windows


def check_same_order(X: Any, **others: Any) -> None:
    """Raise an error if the labels of `X` stand in another order in what goes with it.

    Rows are matched by their place, as everywhere in scikit-learn. Two indexes that hold the
    same labels in another order say that the places do not match.

    Parameters
    ----------
    X : object
        Sequences; only a Series or DataFrame has labels, and windows of a time series moments.
    **others : object
        What has an entry for every sequence, by its name in errors. None stands for nothing.

    Raises
    ------
    ValueError
        If an index has the labels of that of `X`, each once, in another order, or dates whose order
        is not that of the windows.

    Examples
    --------
    >>> import pandas as pd
    >>> from skrnn.sequences import check_same_order
    >>> X = pd.DataFrame({"pulse": [[60.0, 80.0], [75.0]]}, index=["b", "a"])
    >>> check_same_order(X, y=pd.Series([1, 0], index=["b", "a"]))
    >>> check_same_order(X, y=pd.Series([0, 1], index=["a", "b"]))
    Traceback (most recent call last):
        ...
    ValueError: X and y have the same labels in another order: the first sequence of X is 'b', ...
    """
    if isinstance(X, Windows):
        _check_in_time(X, others)
    if not isinstance(X, (pd.Series, pd.DataFrame)):
        return
    for name, other in others.items():
        if isinstance(other, (pd.Series, pd.DataFrame)) and _is_reordered(X.index, other.index):
            raise ValueError(
                f"X and {name} have the same labels in another order: the first sequence of X is "
                f"{X.index.tolist()[0]!r}, the first row of {name} {other.index.tolist()[0]!r}. "
                f"Pass {name}.loc[X.index], or {name}.to_numpy() if the rows do belong together "
                "as they stand."
            )


def _check_in_time(X: Windows, others: dict[str, Any]) -> None:
    """Raise an error if the dates of what goes with windows go back where the windows go on."""
    if X.moments is None:
        return
    for name, other in others.items():
        if not isinstance(other, (pd.Series, pd.DataFrame)) or len(other) != len(X):
            continue
        stamps = other.index.get_level_values(-1)
        if not isinstance(stamps, (pd.DatetimeIndex, pd.PeriodIndex)):
            continue
        # The dates are those of the windows' last rows or, of one horizon, of the targets.
        steps = np.sign(np.diff(X.moments, axis=0)) * np.sign(np.diff(stamps.asi8))[:, np.newaxis]
        wrong = (steps < 0).all(axis=1)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise ValueError(
                f"X and {name} are in another order: from window {i} to window {i + 1} X goes one "
                f"way in time and the index of {name} the other, from {stamps[i]} to "
                f"{stamps[i + 1]}. Pass X and y of make_windows in one order, or "
                f"{name}.to_numpy() if the rows do belong together as they stand."
            )


def _is_reordered(ours: pd.Index, theirs: pd.Index) -> bool:
    if ours is theirs or len(ours) != len(theirs) or ours.nlevels != theirs.nlevels:
        return False
    if ours.equals(theirs) or not (ours.is_unique and theirs.is_unique):
        return False
    return bool((ours.get_indexer(theirs) >= 0).all())
