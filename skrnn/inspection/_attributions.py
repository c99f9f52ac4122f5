"""Which channel and which time step a prediction depends on."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, overload

import numpy as np
from sklearn.utils import check_scalar

from skrnn._shown import python_value
from skrnn._typing import AttributionMethod
from skrnn.core.network import static_gradient
from skrnn.core.readouts import real_steps
from skrnn.inspection._opened import Opened, open_fitted, predicted_codes
from skrnn.sequences import Batch

METHODS = ("gradient_x_input", "integrated_gradients", "occlusion")


@overload
def input_attributions(
    est: Any,
    X: Any,
    method: AttributionMethod = "integrated_gradients",
    *,
    target: Any = None,
    baseline: Any = 0.0,
    n_steps: int = 32,
    window: int = 1,
    static_baseline: Any = 0.0,
    return_static: Literal[False] = False,
) -> np.ndarray: ...
@overload
def input_attributions(
    est: Any,
    X: Any,
    method: AttributionMethod = "integrated_gradients",
    *,
    target: Any = None,
    baseline: Any = 0.0,
    n_steps: int = 32,
    window: int = 1,
    static_baseline: Any = 0.0,
    return_static: Literal[True],
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def input_attributions(
    est: Any,
    X: Any,
    method: AttributionMethod = "integrated_gradients",
    *,
    target: Any = None,
    baseline: Any = 0.0,
    n_steps: int = 32,
    window: int = 1,
    static_baseline: Any = 0.0,
    return_static: bool = False,
) -> Any: ...
def input_attributions(
    est: Any,
    X: Any,
    method: AttributionMethod = "integrated_gradients",
    *,
    target: Any = None,
    baseline: Any = 0.0,
    n_steps: int = 32,
    window: int = 1,
    static_baseline: Any = 0.0,
    return_static: bool = False,
) -> Any:
    r"""Tell how much every channel at every time step adds to the prediction.

    With :math:`F` the output of a sequence and :math:`x'` the baseline,

    ========================  ===================================================================
    ``gradient_x_input``      :math:`(x - x') \, \partial F / \partial x`, the first order
    ``integrated_gradients``  :math:`(x - x') \int_0^1 \partial F(x' + u (x - x')) / \partial x \,
                              du` [1]_, by a Gauss-Legendre rule: sums to :math:`F(x) - F(x')`
    ``occlusion``             :math:`F(x) - F(x` with `window` steps of the channel put to the
                              baseline :math:`)` [2]_, shared equally among these steps
    ========================  ===================================================================

    A missing value adds nothing, and is missing from the baseline too: what a network makes of it
    is counted for the value that it comes from.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
        Fitted. The attributions are those of the network's own input and output: of a Pipeline
        of what arrives at its last step, of a TransformedTargetRegressor in units of the
        transformed target.
    X : array-like, list of array-like or DataFrame
        Sequences, in any form that the estimator takes.
    method : {"integrated_gradients", "gradient_x_input", "occlusion"}
        See above. The first is the default.
    target : label, int or None, default=None
        Whose output is explained: a class of the classifier, the number of an output of the
        regressor (with several quantiles that nearest to the median, with a distribution its
        mean). None is the predicted class of every sequence (at every time step), or output 0.
    baseline : float or array-like of shape (n_channels,), default=0.0
        What stands for "no information"; 0 is the mean of channels that are standardised. Of a
        channel with an embedding it is what every entry of the vector is put to: 0 is the vector
        that says nothing. What the entries of a vector add is summed, so that every token has one
        number.
    n_steps : int, default=32
        Points of the integral, >= 1.
    window : int, default=1
        Steps that are occluded at once, >= 1.
    static_baseline : float or array-like of shape (n_static,), default=0.0
        As `baseline`, of the static features.
    return_static : bool, default=False
        Whether to return the attributions of the static features as well: columns of single
        values in a DataFrame whose other cells are sequences. With ``static="channels"`` of the
        estimator they are the sums over the time steps.

    Returns
    -------
    attributions : ndarray of shape (n_samples, n_timesteps, n_channels)
        In the units of `decision_function` (of the target's log odds for two classes), or of
        the target for regression. With `return_sequences=True` of the sum over the time steps.
        For sequences of different lengths an object array of one array of shape (n_timesteps,
        n_channels) for every sequence.
    static : ndarray of shape (n_samples, n_static)
        Only with `return_static`; without static features it has no columns.

    Raises
    ------
    ValueError
        If a parameter is not valid.
    NotFittedError
        If `est` is not fitted.

    References
    ----------
    .. [1] Sundararajan, Taly & Yan (2017). Axiomatic attribution for deep networks. ICML.
    .. [2] Zeiler & Fergus (2014). Visualizing and understanding convolutional networks. ECCV.

    Examples
    --------
    The adding problem marks two values with a 1 in channel 1:

    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.inspection import input_attributions
    >>> X, y = make_adding_problem(500, n_timesteps=10, random_state=0)
    >>> reg = RNNRegressor(16, random_state=0, tol=1e-3, batch_size=50).fit(X, y)
    >>> attributions = input_attributions(reg, X[:50])
    >>> attributions.shape
    (50, 10, 2)
    >>> marked = X[:50, :, 1] == 1
    >>> importance = np.abs(attributions).sum(axis=2)
    >>> bool(importance[marked].mean() > 3 * importance[~marked].mean())
    True
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}, got {method!r}.")
    check_scalar(n_steps, "n_steps", Integral, min_val=1)
    check_scalar(window, "window", Integral, min_val=1)
    opened = open_fitted(est, X)
    sequences, n_static = opened.sequences, opened.n_static
    # At the read-out they are apart, as channels the last ones.
    n_channels = sequences.n_channels + sequences.n_static - n_static
    reference = np.concatenate(
        [
            _baseline(baseline, n_channels, "channels", sequences.dtype),
            _baseline(static_baseline, n_static, "static features", sequences.dtype),
        ]
    )
    of_steps, of_samples = _attributions(opened, method, target, reference, n_steps, window)
    answer = opened.unpack(of_steps[:, :n_channels])
    if not return_static:
        return answer
    as_channels = np.add.reduceat(of_steps[:, n_channels:], sequences.starts)
    return answer, np.hstack([as_channels, of_samples])


def _attributions(
    opened: Opened, method: str, target: Any, reference: np.ndarray, n_steps: int, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the attributions of all time steps and of static features at the read-out."""
    sequences = opened.sequences
    of_steps = np.zeros((sequences.n_steps, sequences.n_channels), dtype=sequences.dtype)
    of_samples = np.zeros((sequences.n_samples, sequences.n_static), dtype=sequences.dtype)
    widths = opened.input_widths
    static_reference = reference[sequences.n_channels :]
    reference = np.repeat(reference[: sequences.n_channels], widths)
    first_columns = np.cumsum(widths) - widths
    for batch in opened.batches():
        batch = batch._replace(x=opened.network.embed(batch.x, batch.n_active))
        output = _Output(opened, batch, target)
        real = real_steps(batch.n_active, batch.x.shape[1])
        x0 = np.where(real[:, :, None], reference, 0).astype(batch.x.dtype)
        # A gap stays one: what the network makes of it comes from the value before.
        x0[np.isnan(batch.x)] = np.nan
        if method == "occlusion":
            attribution = _occlusion(output, batch, x0, window, widths)
            of_static = _occluded_static(output, batch, static_reference)
        else:
            nodes, weights = np.polynomial.legendre.leggauss(n_steps)
            if method == "gradient_x_input":
                nodes, weights = np.ones(1), np.full(1, 2.0)
            rule = list(zip(nodes.tolist(), weights.tolist(), strict=True))
            attribution, of_static = _integrated(output, batch, x0, static_reference, rule)
            attribution = np.add.reduceat(attribution, first_columns, axis=2)
        of_steps[batch.steps] = attribution[real]
        of_samples[batch.samples] = of_static
    return of_steps, of_samples


def _integrated(
    output: _Output,
    batch: Batch,
    x0: np.ndarray,
    static0: np.ndarray,
    rule: list[tuple[float, float]],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance from the baseline times the mean gradient on the way, for all inputs.

    The `rule` has points of the way, in [-1, 1], and their weights, which sum to 2.
    """
    static = output.static
    # Where a value is missing, it is so all the way: there is none to go.
    way, static_way = np.nan_to_num(batch.x - x0), static - static0
    attribution, of_static = np.zeros_like(batch.x), np.zeros_like(static)
    for node, weight in rule:
        share = 0.5 * (node + 1)
        point, static_point = x0 + share * way, static0 + share * static_way
        dx, d_static = output.gradient(point.astype(x0.dtype), static_point.astype(static.dtype))
        attribution += 0.5 * weight * dx
        of_static += 0.5 * weight * d_static
    return attribution * way, of_static * static_way


def _occluded_static(output: _Output, batch: Batch, static0: np.ndarray) -> np.ndarray:
    """Return what the output loses where a static feature is put to the baseline."""
    lost = np.zeros_like(output.static)
    whole = output(batch.x)
    for j, value in enumerate(static0):
        occluded = output.static.copy()
        occluded[:, j] = value
        lost[:, j] = whole - output(batch.x, occluded)
    return lost


def _baseline(baseline: Any, n: int, what: str, dtype: np.dtype) -> np.ndarray:
    reference = np.asarray(baseline, dtype=dtype)
    if reference.shape not in ((), (n,)):
        name = "baseline" if what == "channels" else "static_baseline"
        raise ValueError(
            f"{name} must be a number or one for each of the {n} {what}; got shape "
            f"{reference.shape}."
        )
    return np.broadcast_to(reference, n)


class _Output:
    """The output that is explained, one number for every sequence of a batch of embedded inputs."""

    def __init__(self, opened: Opened, batch: Batch, target: Any):
        self.network, self.batch = opened.network.above_embedding(), batch
        n_samples = batch.x.shape[1]
        none = np.empty((n_samples, 0), batch.x.dtype)
        self.static = none if batch.static is None else batch.static
        raw = self._raw(batch.x, self.static)
        self.selector = _selector(opened, raw, target)
        samples = np.arange(n_samples)
        if opened.per_step:
            samples = np.nonzero(real_steps(batch.n_active, len(samples)))[1]
        self.sample_of_row = samples

    def _raw(self, x: np.ndarray, static: np.ndarray) -> np.ndarray:
        return self.network.predict(x, self.batch.n_active, static if static.size else None)

    def __call__(self, x: np.ndarray, static: np.ndarray | None = None) -> np.ndarray:
        raw = self._raw(x, self.static if static is None else static)
        rows = (raw * self.selector).sum(axis=1)
        return np.bincount(self.sample_of_row, weights=rows, minlength=x.shape[1])

    def gradient(self, x: np.ndarray, static: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the gradients of the inputs and of the static features."""
        given = static if static.size else None
        run = self.network.forward(x, self.batch.n_active, static=given)
        dh = self.network.gradient_of_top(self.selector, run)
        d_static = static_gradient(self.network, self.selector, run)
        dx = self.network.state_gradients(dh, run)[0]
        return dx, np.zeros_like(static) if d_static is None else d_static


def _selector(opened: Opened, raw: np.ndarray, target: Any) -> np.ndarray:
    """Return weights of the outputs, (n_rows, n_outputs): which part of `raw` is explained."""
    selector, classes = np.zeros_like(raw), getattr(opened.estimator, "classes_", None)
    if classes is None:
        output = 0 if target is None else target
        # The network predicts standardised targets.
        scale = opened.target_scale
        if not isinstance(output, (int, np.integer)) or not 0 <= output < len(scale):
            raise ValueError(
                f"target must be an output, 0 to {len(scale) - 1}; got {python_value(target)!r}."
            )
        # Of several raw numbers a target, the first says where it lies.
        selector[:, output * (raw.shape[1] // len(scale))] = scale[output]
        return selector
    if target is None:
        code = predicted_codes(raw)
    else:
        known = np.flatnonzero(classes == target)
        if len(known) != 1:
            raise ValueError(
                f"target must be one of the classes {classes}; got {python_value(target)!r}."
            )
        code = np.full(len(raw), known[0])
    if raw.shape[1] == 1:
        selector[:, 0] = np.where(code == 1, 1, -1)
    else:
        selector[np.arange(len(raw)), code] = 1
    return selector


def _occlusion(
    output: Callable[[np.ndarray], np.ndarray],
    batch: Batch,
    x0: np.ndarray,
    window: int,
    widths: np.ndarray,
) -> np.ndarray:
    """Return the attribution of every channel, which takes as many columns as `widths` says."""
    attribution = np.zeros((*batch.x.shape[:2], len(widths)), dtype=batch.x.dtype)
    stops = np.cumsum(widths)
    whole = output(batch.x)
    for start in range(0, len(batch.x), window):
        steps = slice(start, start + window)
        n = int(batch.n_active[start])
        n_occluded = (np.arange(n) < batch.n_active[steps, None]).sum(axis=0)
        for channel, (stop, width) in enumerate(zip(stops, widths, strict=True)):
            columns = slice(stop - width, stop)
            occluded = batch.x.copy()
            occluded[steps, :, columns] = x0[steps, :, columns]
            lost = (whole - output(occluded))[:n] / n_occluded
            attribution[steps, :n, channel] = lost
    return attribution
