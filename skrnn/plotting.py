"""Pictures of recurrent networks, by scikit-learn's Display convention.

A display is made by `from_estimator` (or from arrays, by its constructor), draws itself with
`plot(ax=None)`, and then has the artists in attributes that end in an underscore, with `ax_` and
`figure_`. matplotlib is imported only when something is drawn: ``pip install "skrnn[plot]"``.

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
from sklearn.utils.validation import check_is_fitted

from skrnn.inspection import (
    diagnose,
    gradient_flow,
    hidden_states,
    input_attributions,
    unrolled,
)

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
GREY, PALE = "#595959", "#d9d9d9"


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            'Drawing needs matplotlib. Install it with: pip install "skrnn[plot]"'
        ) from error
    return pyplot


def _axes(ax: Any, figsize: tuple[float, float] = (6.4, 4.0)) -> tuple[Any, Any]:
    """Return figure and axes to draw in, without a frame above and to the right."""
    if ax is None:
        _, ax = _pyplot().subplots(figsize=figsize, layout="constrained")
    ax.spines[["top", "right"]].set_visible(False)
    return ax.figure, ax


def _style(k: int) -> dict[str, Any]:
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": LINE_STYLES[k % len(LINE_STYLES)],
        "linewidth": 1.8,
    }


def _named(estimators: Any) -> dict[str, Any]:
    """Return estimators by name: of a mapping, of a list, or of a single one."""
    if isinstance(estimators, Mapping):
        return dict(estimators)
    if not isinstance(estimators, (list, tuple)):
        estimators = [estimators]
    names = [_describe(est) for est in estimators]
    if len(set(names)) < len(names):
        names = [f"{name} ({k})" for k, name in enumerate(names, start=1)]
    return dict(zip(names, estimators, strict=True))


def _describe(est: Any) -> str:
    """Return cell and activation, such as "rnn, relu"."""
    est = getattr(est, "best_estimator_", est)
    est = est[-1] if hasattr(est, "steps") else est
    parts = [est.cell if isinstance(est.cell, str) else type(est.cell).__name__]
    if est.activation != "tanh":
        parts.append(est.activation if isinstance(est.activation, str) else est.activation.name)
    return ", ".join(parts)


def _legend_above(ax: Any, n: int) -> None:
    """Put the legend where it hides nothing."""
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=min(n, 4))


def _count_steps(ax: Any) -> None:
    """Let the ticks of the axis of time steps (or of epochs) be whole numbers."""
    ax.xaxis.get_major_locator().set_params(integer=True)


def _of_sequence(values: Any, i: int) -> np.ndarray:
    return np.asarray(values[i])


class LossCurveDisplay:
    """How loss and validation score went over the epochs.

    Parameters
    ----------
    curves : dict of str to array-like
        Training loss of every epoch, by the name of the network.
    scores : dict of str to array-like, default=None
        Validation scores of some of them, drawn on an axis of their own.

    Attributes
    ----------
    lines_ : list of Line2D
        The losses; after `plot`.
    score_lines_ : list of Line2D
        The scores.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.plotting import LossCurveDisplay
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, tol=0.1, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    """

    def __init__(self, curves: Mapping[str, Any], scores: Mapping[str, Any] | None = None):
        self.curves = curves
        self.scores = scores

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw the curves that training recorded.

        Parameters
        ----------
        estimator : estimator, list of estimator or dict of str to estimator
            Fitted; several are drawn in one picture.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the lines, as in `plot`.

        Returns
        -------
        LossCurveDisplay
        """
        curves, scores = {}, {}
        for name, est in _named(estimator).items():
            est = getattr(est, "best_estimator_", est)
            est = est[-1] if hasattr(est, "steps") else est
            check_is_fitted(est, "loss_curve_")
            curves[name] = est.loss_curve_
            if est.validation_scores_ is not None:
                scores[name] = est.validation_scores_
        return cls(curves, scores).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.plot`` of the losses.

        Returns
        -------
        self : LossCurveDisplay
        """
        self.figure_, self.ax_ = _axes(ax)
        self.lines_: list[Any] = []
        self.score_lines_: list[Any] = []
        for k, (name, curve) in enumerate(self.curves.items()):
            epochs = np.arange(1, len(curve) + 1)
            self.lines_ += self.ax_.plot(epochs, curve, **{**_style(k), "label": name, **kwargs})
        self.ax_.set(xlabel="epoch", ylabel="training loss")
        _count_steps(self.ax_)
        if all(np.min(curve, initial=1) > 0 for curve in self.curves.values()):
            self.ax_.set_yscale("log")
        if self.scores:
            self._plot_scores()
        if len(self.curves) > 1:
            _legend_above(self.ax_, len(self.curves))
        return self

    def _plot_scores(self) -> None:
        right = self.ax_.twinx()
        right.spines[["top"]].set_visible(False)
        names = list(self.curves)
        assert self.scores is not None
        for name, scores in self.scores.items():
            style = {**_style(names.index(name)), "linewidth": 1.0, "alpha": 0.8}
            epochs = np.arange(1, len(scores) + 1)
            self.score_lines_ += right.plot(
                epochs,
                scores,
                marker="o",
                markersize=3,
                markevery=max(1, len(scores) // 20),
                **style,
            )
        right.set_ylabel("validation score (dots)")


class GradientFlowDisplay:
    """How much of an error's gradient is left, going back in time.

    Parameters
    ----------
    flows : dict of str to Bunch
        What :func:`skrnn.inspection.gradient_flow` returned, by the name of the network.
    layer : int, default=0
        Which layer is drawn.

    Attributes
    ----------
    lines_ : list of Line2D
        One for every network; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.plotting import GradientFlowDisplay
    >>> X, y = make_adding_problem(20, n_timesteps=50, random_state=0)
    >>> networks = [RNNRegressor(16, cell=cell, random_state=0) for cell in ("rnn", "gru")]
    >>> display = GradientFlowDisplay.from_estimator(networks, X, y)
    """

    def __init__(self, flows: Mapping[str, Any], layer: int = 0):
        self.flows = flows
        self.layer = layer

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, layer: int = 0, ax: Any = None, **kwargs: Any
    ) -> GradientFlowDisplay:
        """Measure and draw the gradient flow.

        Parameters
        ----------
        estimator : estimator, list of estimator or dict of str to estimator
            Fitted or not; several are drawn in one picture.
        X, y : array-like
            As in :func:`skrnn.inspection.gradient_flow`.
        layer : int, default=0
            Which layer.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the lines, as in `plot`.

        Returns
        -------
        GradientFlowDisplay
        """
        flows = {
            name: gradient_flow(est, X, y, n_jacobian_samples=0)
            for name, est in _named(estimator).items()
        }
        return cls(flows, layer).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, floor: float = 1e-12, **kwargs: Any) -> GradientFlowDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        floor : float, default=1e-12
            The smallest share that is shown.
        **kwargs
            For ``ax.plot``.

        Returns
        -------
        self : GradientFlowDisplay
        """
        self.figure_, self.ax_ = _axes(ax, (8.0, 4.0))
        self.lines_ = []
        lowest, highest = 1.0, 1.0
        for k, (name, flow) in enumerate(self.flows.items()):
            left = np.asarray(flow.retained[self.layer], dtype=float)
            shown = np.where(left > floor, left, np.nan)
            label = f"{name} ({flow.verdict[self.layer]})"
            self.lines_ += self.ax_.plot(
                flow.lags, shown, **{**_style(k), "label": label, **kwargs}
            )
            lowest = min(lowest, np.nanmin(shown, initial=1.0))
            highest = max(highest, np.nanmax(shown, initial=1.0))
        flow = next(iter(self.flows.values()))
        limit = flow.thresholds["vanishing"]
        self.ax_.set_yscale("log")
        self.ax_.set_ylim(max(floor, min(lowest, limit) / 3), max(highest * 3, 3))
        self.ax_.axhline(limit, color=GREY, linewidth=0.8)
        right = max(len(flow.lags) - 1, 1)
        self.ax_.annotate(
            "1 % is left",
            (right, limit),
            xytext=(0, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=GREY,
            fontsize="small",
        )
        self.ax_.set_xlim(0, right)
        self.ax_.set(
            xlabel="lag: steps back in time",
            ylabel=r"gradient left, $\|\partial L_t/\partial h_{t-lag}\|$ relative to lag 0",
        )
        self.ax_.legend(
            frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize="small"
        )
        return self


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
        return cls(_of_sequence(named[name], i), name).plot(ax=ax, **kwargs)

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
        """
        self.figure_, self.ax_ = _axes(ax)
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
        _count_steps(self.ax_)
        self.figure_.colorbar(self.image_, ax=self.ax_, label=rf"${self.name}_t$")
        return self


def _alike(states: np.ndarray) -> np.ndarray:
    """Return the order of the units by their weight in the first principal component."""
    centred = states - states.mean(axis=0)
    _, _, components = np.linalg.svd(centred, full_matrices=False)
    return np.argsort(components[0], kind="stable")


class SaturationDisplay:
    """How much of every state and gate is in the flat region of its non-linearity.

    Parameters
    ----------
    flat : list of dict of str to float
        For every layer the share of flat values by the letter of the quantity, in [0, 1].

    Attributes
    ----------
    bars_ : BarContainer
        One bar for every quantity; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.plotting import SaturationDisplay
    >>> X, y = make_adding_problem(20, random_state=0)
    >>> display = SaturationDisplay.from_estimator(RNNRegressor(cell="lstm"), X, y)
    """

    def __init__(self, flat: list[dict[str, float]]):
        self.flat = flat

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **kwargs: Any
    ) -> SaturationDisplay:
        """Measure and draw the saturation.

        Parameters
        ----------
        estimator : estimator
            Fitted or not.
        X, y : array-like
            As in :func:`skrnn.inspection.diagnose`.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the bars, as in `plot`.

        Returns
        -------
        SaturationDisplay
        """
        return cls(diagnose(estimator, X, y).measurements["flat"]).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> SaturationDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.barh``.

        Returns
        -------
        self : SaturationDisplay
        """
        several = len(self.flat) > 1
        shares = {
            (f"layer {layer}: {name}" if several else name): share
            for layer, named in enumerate(self.flat)
            for name, share in named.items()
        }
        if not shares:
            raise ValueError(
                "Nothing can saturate here: the activation has no flat region on both sides."
            )
        self.figure_, self.ax_ = _axes(ax, (6.4, 0.8 + 0.45 * len(shares)))
        colours = [COLOURS[1] if share >= 0.5 else COLOURS[0] for share in shares.values()]
        self.bars_ = self.ax_.barh(
            list(shares), list(shares.values()), **{"color": colours, "height": 0.6, **kwargs}
        )
        self.ax_.bar_label(self.bars_, fmt="{:.0%}", padding=3, color=GREY)
        self.ax_.axvline(0.5, color=GREY, linewidth=0.8)
        self.ax_.set_xlim(0, 1.08)
        self.ax_.xaxis.set_major_formatter("{x:.0%}")
        self.ax_.set_xticks(np.linspace(0, 1, 6))
        self.ax_.invert_yaxis()
        self.ax_.set(xlabel="values in the flat region (more than half is too much)")
        return self


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
        method: str = "integrated_gradients",
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
        method : str, default="integrated_gradients"
            As in :func:`skrnn.inspection.input_attributions`.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the image, as in `plot`.

        Returns
        -------
        AttributionDisplay
        """
        attributions = _of_sequence(input_attributions(estimator, X, method), i)
        x = unrolled(estimator, X, i).x
        names = getattr(estimator, "feature_names_in_", None)
        channels = list(names) if names is not None and len(names) == x.shape[1] else None
        return cls(attributions, x, channels).plot(ax=ax, **kwargs)

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
        """
        self.figure_, self.ax_ = _axes(ax)
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
        _count_steps(self.ax_)
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


class ForecastDisplay:
    """True and predicted values of a series over time.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        In the order of time.
    time : array-like of shape (n_samples,), default=None
        Time stamps, as anything that matplotlib draws (or a PeriodIndex); None counts steps.
    split : object, default=None
        The first time that the model was not trained on: marked in the picture.

    Attributes
    ----------
    line_true_, line_pred_ : Line2D
        The series; after `plot`.
    ax_, figure_ : Axes, Figure
        Where they are.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn.plotting import ForecastDisplay
    >>> display = ForecastDisplay.from_predictions(np.arange(9.0), np.arange(9.0) + 0.5)
    """

    def __init__(self, y_true: Any, y_pred: Any, *, time: Any = None, split: Any = None):
        self.y_true = y_true
        self.y_pred = y_pred
        self.time = time
        self.split = split

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        time: Any = None,
        split: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> ForecastDisplay:
        """Predict windows of a series and draw.

        Parameters
        ----------
        estimator : estimator
            A fitted regressor.
        X, y : array-like
            Windows in the order of time, and what follows each.
        time, split : object, default=None
            As in the constructor.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the line of predictions, as in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        display = cls(y, estimator.predict(X), time=time, split=split)
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_pred: Any,
        *,
        time: Any = None,
        split: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> ForecastDisplay:
        """Draw given predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            In the order of time.
        time, split : object, default=None
            As in the constructor.
        ax : Axes, default=None
            Where to draw.
        **kwargs
            For the line of predictions, as in `plot`.

        Returns
        -------
        ForecastDisplay
        """
        return cls(y_true, y_pred, time=time, split=split).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> ForecastDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a figure.
        **kwargs
            For ``ax.plot`` of the predictions.

        Returns
        -------
        self : ForecastDisplay
        """
        self.figure_, self.ax_ = _axes(ax, (7.6, 3.8))
        time = np.arange(len(self.y_true)) if self.time is None else _stamps(self.time)
        (self.line_true_,) = self.ax_.plot(
            time, np.asarray(self.y_true), color="black", linewidth=1.2, label="true"
        )
        style = {**_style(1), "linewidth": 1.6, "label": "predicted"}
        (self.line_pred_,) = self.ax_.plot(time, np.asarray(self.y_pred), **{**style, **kwargs})
        if self.split is not None:
            split = _stamps([self.split])[0]
            self.ax_.axvspan(split, time[-1], color=PALE, alpha=0.5, linewidth=0)
            self.ax_.annotate(
                "not trained on",
                (split, 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, -4),
                textcoords="offset points",
                va="top",
                color=GREY,
                fontsize="small",
            )
        name = getattr(self.y_true, "name", None)
        self.ax_.set(xlabel="time step" if self.time is None else "", ylabel=name or "value")
        self.ax_.margins(x=0.01)
        self.ax_.legend(frameon=False, loc="upper left")
        return self


def _stamps(time: Any) -> np.ndarray:
    """Return what matplotlib can draw: the beginnings of periods, anything else as it is."""
    return np.asarray([getattr(stamp, "start_time", stamp) for stamp in time])


class UnrolledNetworkDisplay:
    """The network unrolled over time: layers upwards, steps to the right, shapes at the arrows.

    The same weights stand at every step; backpropagation through time goes the arrows back.

    Parameters
    ----------
    layers : list of dict
        For every layer ``name`` (the cell), ``n_inputs``, ``hidden_size``, ``n_gates``.
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

    def __init__(
        self,
        layers: list[dict[str, Any]],
        n_timesteps: int,
        n_outputs: int,
        *,
        per_step: bool = False,
        bidirectional: bool = False,
        readout: str = "last",
    ):
        self.layers = layers
        self.n_timesteps = n_timesteps
        self.n_outputs = n_outputs
        self.per_step = per_step
        self.bidirectional = bidirectional
        self.readout = readout

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
        last = estimator[-1] if hasattr(estimator, "steps") else estimator
        name = last.cell if isinstance(last.cell, str) else type(last.cell).__name__
        layers = []
        for layer in net.layers:
            W_x, W_h = (layer.forward.weights[key] for key in ("W_x", "W_h"))
            layers.append(
                {
                    "name": name,
                    "n_inputs": W_x.shape[0],
                    "hidden_size": W_h.shape[0],
                    "n_gates": W_h.shape[1] // W_h.shape[0],
                }
            )
        display = cls(
            layers,
            len(net.x),
            net.raw_prediction.shape[1],
            per_step=last.return_sequences,
            bidirectional=last.bidirectional,
            readout=last.readout,
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
        """
        columns = self._columns()
        if ax is None:
            size = (2.0 + 1.7 * len(columns), 2.2 + 1.25 * len(self.layers))
            _, ax = _pyplot().subplots(figsize=size, layout="constrained")
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
            shapes = (
                rf"$h$: {layer['hidden_size']} units"
                f"\n$W_x$: {layer['n_inputs']} × {width}\n$W_h$: {layer['hidden_size']} × {width}"
            )
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
        n_features = self.layers[-1]["hidden_size"] * (2 if self.bidirectional else 1)
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
