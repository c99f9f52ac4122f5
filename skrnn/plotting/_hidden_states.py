"""The states of a layer over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.inspection import hidden_states
from skrnn.plotting._style import axes, count_steps, of_sequence


class HiddenStateDisplay:
    """The states of a layer over one sequence, as a map of units and time steps.

    Parameters
    ----------
    states : ndarray of shape (n_timesteps, n_units)
        What to draw.
    name : str, default="h"
        The quantity's letter, for the label.

    Attributes
    ----------
    image_ : AxesImage
        The map; after `plot`.
    ax_, figure_ : Axes, Figure
        Where it is.

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.plotting import HiddenStateDisplay
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, tol=0.1, random_state=0).fit(X, y)
    >>> display = HiddenStateDisplay.from_estimator(clf, X, 0, name="z")
    """

    figure_: Any
    ax_: Any
    image_: Any

    def __init__(self, states: np.ndarray, name: str = "h"):
        self.states = states
        self.name = name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        i: int = 0,
        *,
        layer: int = 0,
        name: str = "h",
        ax: Any = None,
        **kwargs: Any,
    ) -> HiddenStateDisplay:
        """Run the network over a sequence and draw its states.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : array-like
            Sequences.
        i : int, default=0
            Which of them.
        layer : int, default=0
            Which layer.
        name : str, default="h"
            States or gates, by their letter in :func:`skrnn.inspection.hidden_states`.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the image, as in `plot`.

        Returns
        -------
        HiddenStateDisplay
        """
        named = hidden_states(estimator, X).layers[layer]
        if name not in named:
            raise ValueError(f"name must be one of {sorted(named)}, got {name!r}.")
        return cls(of_sequence(named[name], i), name).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, sort: bool = True, **kwargs: Any) -> HiddenStateDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        sort : bool, default=True
            Whether units that behave alike stand together (by their first principal
            component), rather than in their own order.
        **kwargs
            For ``ax.imshow``.

        Returns
        -------
        self : HiddenStateDisplay
            With the parts of the figure.
        """
        self.figure_, self.ax_ = axes(ax)
        states = np.asarray(self.states, dtype=float)
        if sort:
            states = states[:, _alike(states)]
        positive = states.min() >= 0
        bound = np.abs(states).max() or 1.0
        style = {
            "cmap": "cividis" if positive else "RdBu_r",
            "vmin": 0 if positive else -bound,
            "vmax": bound,
            "aspect": "auto",
            "interpolation": "nearest",
            "origin": "lower",
        }
        self.image_ = self.ax_.imshow(states.T, **{**style, **kwargs})
        unit = "unit, alike ones together" if sort else "unit"
        self.ax_.set(xlabel="time step", ylabel=unit)
        count_steps(self.ax_)
        self.figure_.colorbar(self.image_, ax=self.ax_, label=rf"${self.name}_t$")
        return self


def _alike(states: np.ndarray) -> np.ndarray:
    """Return the order of the units by their weight in the first principal component."""
    centred = states - states.mean(axis=0)
    _, _, components = np.linalg.svd(centred, full_matrices=False)
    return np.argsort(components[0], kind="stable")
