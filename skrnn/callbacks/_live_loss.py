"""The loss as it changes, on the screen."""

from __future__ import annotations

import sys
from typing import Any, Literal

import numpy as np

from skrnn.callbacks._base import Callback, check_count


class LiveLoss(Callback):
    """Shows the training loss, and the validation score if there is one, while they change.

    Parameters
    ----------
    kind : {'text', 'plot'}, default='text'
        A line of text that is overwritten, or a picture that is redrawn: in a notebook below the
        cell, elsewhere in a window. `'plot'` needs matplotlib.
    every : int, default=1
        Epochs between two updates, >= 1.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import LiveLoss
    >>> reg = RNNRegressor(8).set_callbacks(LiveLoss(every=10))
    """

    def __init__(self, kind: Literal["text", "plot"] = "text", *, every: int = 1):
        if kind not in ("text", "plot"):
            raise ValueError(f"kind must be 'text' or 'plot'. Got {kind!r} instead.")
        self.kind = kind
        self.every: int = check_count(every, "every")

    def setup(self, estimator: Any, context: Any) -> None:
        """Open what is drawn on."""
        super().setup(estimator, context)
        self._screen: Any = _TextScreen() if self.kind == "text" else _PlotScreen()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Finish the line, or release the picture."""
        if hasattr(self, "_screen"):
            self._screen.close()
            del self._screen

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Show every `every`-th epoch, and at the end of the fit the last one."""
        its_turn = len(estimator.loss_curve_) % self.every == 0
        if its_turn == (context.task_name == "epoch"):
            self._screen.show(estimator.loss_curve_, estimator.validation_scores_)


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Any, width: int = 32) -> str:
    """Draw numbers as a line of bars.

    Parameters
    ----------
    values : array-like of shape (n_values,)
        At least one number.
    width : int, default=32
        Bars at the most. Of more values each bar shows the mean of a piece.

    Returns
    -------
    str
        The lowest bar for the least value, the highest for the largest.

    Raises
    ------
    ValueError
        If there is no number, or one that is not finite.

    Examples
    --------
    >>> from skrnn.callbacks import sparkline
    >>> sparkline([0, 1, 2, 7])
    '▁▂▃█'
    """
    values = np.asarray(values, dtype=float)
    check_count(width, "width")
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(
            "values must be a sequence of one or more finite numbers, got an array of shape "
            f"{values.shape}{'' if np.isfinite(values).all() else ' with NaN or infinity'}."
        )
    pieces = np.array([piece.mean() for piece in np.array_split(values, min(width, len(values)))])
    span = pieces.max() - pieces.min()
    heights = (pieces - pieces.min()) / (span or 1.0)
    return "".join(BARS[int(height * (len(BARS) - 1) + 0.5)] for height in heights)


class _TextScreen:
    width = 0

    def show(self, losses: list[float], scores: list[float] | None) -> None:
        line = f"epoch {len(losses)}  {sparkline(losses)}  loss {losses[-1]:.4g}"
        if scores:
            line += f"  validation {scores[-1]:.4g}"
        sys.stdout.write("\r" + line.ljust(self.width))
        sys.stdout.flush()
        self.width = len(line)

    def close(self) -> None:
        if self.width:
            sys.stdout.write("\n")


class _PlotScreen:
    def __init__(self) -> None:
        try:
            from matplotlib import pyplot
        except ImportError as error:
            raise ImportError(
                "LiveLoss(kind='plot') needs matplotlib: pip install 'skrnn[plot]'."
            ) from error
        self.pyplot, self.figure = pyplot, pyplot.figure()
        self.handle = _display_in_notebook(self.figure)

    def show(self, losses: list[float], scores: list[float] | None) -> None:
        from skrnn.plotting import LossCurveDisplay

        self.figure.clear()
        display = LossCurveDisplay({"loss": losses}, {"loss": scores} if scores else None)
        display.plot(ax=self.figure.add_subplot())
        if self.handle is None:
            self.pyplot.pause(0.001)  # lets the window draw itself
        else:
            self.handle.update(self.figure)

    def close(self) -> None:
        # A notebook shows every figure left open once more; a window stays for the user.
        if self.handle is not None:
            self.pyplot.close(self.figure)


def _display_in_notebook(figure: Any) -> Any:
    """Return the handle of a figure shown below the cell, None outside of a notebook."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.display import display

    return display(figure, display_id=True)
