"""Which channel and which time step a prediction depends on."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn._typing import AttributionMethod
from skrnn.inspection import input_attributions
from skrnn.inspection._opened import open_fitted
from skrnn.plotting._style import axes, count_steps, of_sequence


class AttributionDisplay:
    """What every channel adds to a prediction at every time step.

    Parameters
    ----------
    attributions : ndarray of shape (n_timesteps, n_channels)
        Of one sequence.
    x : ndarray of shape (n_timesteps, n_channels), default=None
        The sequence, drawn as lines over the map where it has at most three channels.
    channels : list of str, default=None
        Names.

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
    >>> from skrnn.plotting import AttributionDisplay
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, tol=0.1, random_state=0).fit(X, y)
    >>> display = AttributionDisplay.from_estimator(clf, X, 0)
    """

    figure_: Any
    ax_: Any
    image_: Any

    def __init__(
        self,
        attributions: np.ndarray,
        x: np.ndarray | None = None,
        channels: list[str] | None = None,
    ):
        self.attributions = attributions
        self.x = x
        self.channels = channels

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        i: int = 0,
        *,
        method: AttributionMethod = "integrated_gradients",
        target: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> AttributionDisplay:
        """Compute and draw the attributions of a sequence.

        Parameters
        ----------
        estimator : estimator
            Fitted.
        X : array-like
            Sequences.
        i : int, default=0
            Which of them.
        method : {"integrated_gradients", "gradient_x_input", "occlusion"}, \
default="integrated_gradients"
            As in :func:`skrnn.inspection.input_attributions`.
        target : label or int, default=None
            The output whose attributions to draw, as there.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the image, as in `plot`.

        Returns
        -------
        AttributionDisplay
        """
        attributions = of_sequence(input_attributions(estimator, X, method, target=target), i)
        sequences = open_fitted(estimator, X).sequences
        return cls(attributions, sequences.rows(i), sequences.channels).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> AttributionDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.imshow``.

        Returns
        -------
        self : AttributionDisplay
            With the parts of the figure.
        """
        self.figure_, self.ax_ = axes(ax)
        attributions = np.asarray(self.attributions, dtype=float)
        n_channels = attributions.shape[1]
        bound = np.abs(attributions).max() or 1.0
        style = {"cmap": "RdBu_r", "vmin": -bound, "vmax": bound, "aspect": "auto"}
        self.image_ = self.ax_.imshow(
            attributions.T, **{**style, "interpolation": "nearest", **kwargs}
        )
        channels = self.channels or [str(channel) for channel in range(n_channels)]
        self.ax_.set_yticks(range(n_channels), channels)
        self.ax_.set(xlabel="time step", ylabel="channel")
        count_steps(self.ax_)
        if self.x is not None and n_channels <= 3:
            self._plot_values(np.asarray(self.x, dtype=float))
        self.figure_.colorbar(self.image_, ax=self.ax_, label="adds to the prediction")
        return self

    def _plot_values(self, x: np.ndarray) -> None:
        """Draw every channel within its row of the map."""
        for channel, values in enumerate(x.T):
            spread = np.ptp(values) or 1.0
            height = (values - values.min()) / spread
            self.ax_.plot(channel + 0.4 - 0.8 * height, color="black", linewidth=1.0)
