"""The network, unrolled over time."""

from __future__ import annotations

from typing import Any

from skrnn._innermost import innermost
from skrnn.inspection import unrolled
from skrnn.plotting._style import COLOURS, GREY, PALE, cell_name, check_axes, pyplot


class UnrolledNetworkDisplay:
    """The network unrolled over time: layers upwards, steps to the right, shapes at the arrows.

    The same weights stand at every step; backpropagation through time goes the arrows back.

    Parameters
    ----------
    layers : list of dict
        For every layer ``name`` (the cell), ``n_inputs``, ``hidden_size``, ``n_gates``, and
        ``has_W_h`` (default=True), whether there is a recurrent matrix.
    n_timesteps : int
        Length of the sequence.
    n_outputs : int
        Width of the output layer.
    per_step : bool, default=False
        Whether there is an output at every step.
    bidirectional : bool, default=False
        Whether arrows go both ways.
    readout : str, default="last"
        What the output layer sees.
    n_features : int, default=None
        How much it sees of that; None is one number for every unit of the top layer.

    Attributes
    ----------
    boxes_ : list of Patch
        The cells; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.plotting import UnrolledNetworkDisplay
    >>> X, y = make_adding_problem(20, random_state=0)
    >>> display = UnrolledNetworkDisplay.from_estimator(RNNRegressor((16, 8)), X, y)
    """

    figure_: Any
    ax_: Any

    def __init__(
        self,
        layers: list[dict[str, Any]],
        n_timesteps: int,
        n_outputs: int,
        *,
        per_step: bool = False,
        bidirectional: bool = False,
        readout: str = "last",
        n_features: int | None = None,
    ):
        self.layers = layers
        self.n_timesteps = n_timesteps
        self.n_outputs = n_outputs
        self.per_step = per_step
        self.bidirectional = bidirectional
        self.readout = readout
        self.n_features = n_features

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any = None, *, i: int = 0, ax: Any = None, **kwargs: Any
    ) -> UnrolledNetworkDisplay:
        """Draw the network of an estimator, unrolled over a sequence.

        Parameters
        ----------
        estimator : estimator
            Fitted; or, with `y`, not.
        X, y : array-like
            As in :func:`skrnn.inspection.unrolled`.
        i : int, default=0
            Which sequence.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the boxes, as in `plot`.

        Returns
        -------
        UnrolledNetworkDisplay
        """
        net = unrolled(estimator, X, i, y)
        last = innermost(estimator)
        layers = []
        for layer in net.layers:
            n_inputs, n_columns = layer.forward.weights["W_x"].shape
            hidden_size = layer.forward.h.shape[1]
            layers.append(
                {
                    "name": cell_name(last),
                    "n_inputs": n_inputs,
                    "hidden_size": hidden_size,
                    "n_gates": n_columns // hidden_size,
                    "has_W_h": "W_h" in layer.forward.weights,
                }
            )
        display = cls(
            layers,
            len(net.x),
            net.raw_prediction.shape[1],
            per_step=last.return_sequences,
            bidirectional=last.bidirectional,
            readout=_readout_name(last.readout),
            n_features=net.features.shape[1],
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> UnrolledNetworkDisplay:
        """Draw; of long sequences the first two steps and the last two.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For the boxes of the cells (``matplotlib.patches.FancyBboxPatch``).

        Returns
        -------
        self : UnrolledNetworkDisplay
            With the parts of the figure.
        """
        columns = self._columns()
        if ax is None:
            size = (2.0 + 1.7 * len(columns), 2.2 + 1.25 * len(self.layers))
            _, ax = pyplot().subplots(figsize=size, layout="constrained")
        check_axes(ax)
        self.figure_, self.ax_ = ax.figure, ax
        self.boxes_: list[Any] = []
        top = len(self.layers)
        for column, t in enumerate(columns):
            if t is None:
                for row in range(1, top + 1):
                    self._text(column, row, r"$\cdots$", fontsize="x-large")
                continue
            self._text(column, 0, rf"$x_{{{t}}}$")
            for row in range(1, top + 1):
                self._box(column, row, **kwargs)
                self._arrow((column, row - (0.82 if row == 1 else 0.72)), (column, row - 0.3))
        for row in range(1, top + 1):
            self._recurrence(columns, row)
        self._output(columns, top + 1)
        self._labels(len(columns), top)
        ax.set(xlim=(-1.05, len(columns) + 0.75), ylim=(-0.5, top + 1.55))
        ax.set_axis_off()
        return self

    def _columns(self) -> list[int | None]:
        n = self.n_timesteps
        return list(range(n)) if n <= 5 else [0, 1, None, n - 2, n - 1]

    def _box(self, column: int, row: int, **kwargs: Any) -> None:
        from matplotlib.patches import FancyBboxPatch

        style = {"facecolor": "#dceaf5", "edgecolor": COLOURS[0], "linewidth": 1.4, **kwargs}
        box = FancyBboxPatch(
            (column - 0.28, row - 0.26), 0.56, 0.52, boxstyle="round,pad=0.02", **style
        )
        self.ax_.add_patch(box)
        self.boxes_.append(box)
        self._text(column, row, self.layers[row - 1]["name"])

    def _recurrence(self, columns: list[int | None], row: int) -> None:
        offset = 0.09 if self.bidirectional else 0.0
        for column in range(len(columns) - 1):
            left, right = (column + 0.32, row + offset), (column + 0.68, row + offset)
            self._arrow(left, right, color=COLOURS[1])
            if self.bidirectional:
                self._arrow((right[0], row - offset), (left[0], row - offset), color=COLOURS[2])
            t = columns[column]
            if t is not None:
                layer = f"^{{({row - 1})}}" if len(self.layers) > 1 else ""
                self._text(column + 0.5, row + 0.2, rf"$h_{{{t}}}{layer}$", fontsize="small")

    def _output(self, columns: list[int | None], row: int) -> None:
        last = len(columns) - 1
        steps = range(len(columns)) if self.per_step else [last]
        for column in steps:
            if columns[column] is None:
                continue
            self._arrow((column, row - 0.72), (column, row - 0.16))
            label = rf"$\hat{{y}}_{{{columns[column]}}}$" if self.per_step else r"$\hat{y}$"
            self._text(column, row, label)
        if not self.per_step and self.readout != "last":
            for column in range(last):
                self._arrow((column, row - 0.72), (last - 0.14, row - 0.08), color=PALE)

    def _labels(self, n_columns: int, top: int) -> None:
        """Write the shapes: of the input, of the weights of every layer, of the output."""
        x = n_columns - 0.55
        for row, layer in enumerate(self.layers, start=1):
            width = layer["n_gates"] * layer["hidden_size"]
            shapes = rf"$h$: {layer['hidden_size']} units"
            shapes += f"\n$W_x$: {layer['n_inputs']} × {width}"
            if layer.get("has_W_h", True):
                shapes += f"\n$W_h$: {layer['hidden_size']} × {width}"
            self._text(x, row, shapes, ha="left", fontsize="small", color=GREY)
        n_channels = self.layers[0]["n_inputs"]
        self._text(
            x,
            0,
            f"$x$: {n_channels} channel{'s' if n_channels > 1 else ''}",
            ha="left",
            fontsize="small",
            color=GREY,
        )
        seen = "every state" if self.per_step else f"the {self.readout} state"
        n_units = self.layers[-1]["hidden_size"] * (2 if self.bidirectional else 1)
        n_features = n_units if self.n_features is None else self.n_features
        output = f"$W$: {n_features} × {self.n_outputs}\nof {seen}"
        self._text(x, top + 1, output, ha="left", fontsize="small", color=GREY)
        self._text(
            -0.95,
            -0.35,
            f"{self.n_timesteps} steps, the same weights at each",
            ha="left",
            fontsize="small",
            color=GREY,
        )

    def _text(self, x: float, y: float, text: str, **style: Any) -> None:
        self.ax_.text(x, y, text, **{"ha": "center", "va": "center", **style})

    def _arrow(
        self, start: tuple[float, float], end: tuple[float, float], color: str = "black"
    ) -> None:
        arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 1.3, "shrinkA": 0, "shrinkB": 0}
        self.ax_.annotate("", end, xytext=start, arrowprops=arrow)


def _readout_name(readout: Any) -> str:
    """Return the name of a read-out, or the names of several."""
    if isinstance(readout, tuple | list):
        return ", ".join(_readout_name(one) for one in readout)
    return readout if isinstance(readout, str) else type(readout).__name__
