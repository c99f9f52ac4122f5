"""Which channel and which time step a prediction depends on."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import check_scoring
from sklearn.utils import Bunch, check_random_state, check_scalar

from skrnn.core.readouts import real_steps
from skrnn.inspection._model import Model, open_fitted
from skrnn.sequences import (
    Batch,
    Sequences,
    as_sequences,
    flatten_cells,
    has_sequence_cells,
    in_form_of,
)

METHODS = ("gradient_x_input", "integrated_gradients", "occlusion")


def input_attributions(
    est: Any,
    X: Any,
    method: str = "integrated_gradients",
    *,
    target: Any = None,
    baseline: Any = 0.0,
    n_steps: int = 32,
    window: int = 1,
) -> np.ndarray:
    r"""Tell how much every channel at every time step adds to the prediction.

    With :math:`F` the output of a sequence and :math:`x'` the baseline,

    ========================  ===================================================================
    ``gradient_x_input``      :math:`(x - x') \, \partial F / \partial x`, the first order
    ``integrated_gradients``  :math:`(x - x') \int_0^1 \partial F(x' + u (x - x')) / \partial x \,
                              du` [1]_, by a Gauss-Legendre rule: sums to :math:`F(x) - F(x')`
    ``occlusion``             :math:`F(x) - F(x` with `window` steps of the channel put to the
                              baseline :math:`)` [2]_, shared equally among these steps
    ========================  ===================================================================

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, Pipeline or search
        Fitted. Of a Pipeline the last step: attributions are those of its own input.
    X : array-like, list of array-like or DataFrame
        Sequences, in any form that the estimator takes.
    method : {"integrated_gradients", "gradient_x_input", "occlusion"}
        See above. The first is the default.
    target : label, int or None, default=None
        Whose output is explained: a class of the classifier, the number of an output of the
        regressor. None is the predicted class of every sequence (at every time step), or
        output 0.
    baseline : float or array-like of shape (n_channels,), default=0.0
        What stands for "no information"; 0 is the mean of channels that are standardised. Of a
        channel with an embedding it is what every entry of the vector is put to: 0 is the vector
        that says nothing. What the entries of a vector add is summed, so that every token has one
        number.
    n_steps : int, default=32
        Points of the integral, >= 1.
    window : int, default=1
        Steps that are occluded at once, >= 1.

    Returns
    -------
    ndarray of shape (n_samples, n_timesteps, n_channels)
        In the units of `decision_function` (of the target's log odds for two classes), or of
        the target for regression. With `return_sequences=True` of the sum over the time steps.
        For sequences of different lengths an object array of one array of shape (n_timesteps,
        n_channels) for every sequence.

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
    model = open_fitted(est, X)
    sequences = model.sequences
    values = np.zeros((sequences.n_steps, sequences.n_channels), dtype=sequences.dtype)
    reference = _baseline(baseline, sequences)
    widths = model.input_widths
    reference = np.repeat(reference, widths)
    first_columns = np.cumsum(widths) - widths
    for batch in model.batches():
        batch = batch._replace(x=model.network.embed(batch.x, batch.n_active))
        output = _Output(model, batch, target)
        real = real_steps(batch.n_active, batch.x.shape[1])
        x0 = np.where(real[:, :, None], reference, 0).astype(batch.x.dtype)
        if method == "occlusion":
            attribution = _occlusion(output, batch, x0, window, widths)
        else:
            nodes, weights = np.polynomial.legendre.leggauss(n_steps)
            if method == "gradient_x_input":
                nodes, weights = np.ones(1), np.full(1, 2.0)
            attribution = np.zeros_like(batch.x)
            for node, weight in zip(nodes, weights, strict=True):
                point = x0 + 0.5 * (node + 1) * (batch.x - x0)
                attribution += 0.5 * weight * output.gradient(point.astype(x0.dtype))
            attribution *= batch.x - x0
            attribution = np.add.reduceat(attribution, first_columns, axis=2)
        values[batch.steps] = attribution[real]
    return model.unpack(values)


def _baseline(baseline: Any, sequences: Sequences) -> np.ndarray:
    reference = np.asarray(baseline, dtype=sequences.dtype)
    if reference.shape not in ((), (sequences.n_channels,)):
        raise ValueError(
            f"baseline must be a number or one for each of the {sequences.n_channels} channels; "
            f"got shape {reference.shape}."
        )
    return np.broadcast_to(reference, sequences.n_channels)


class _Output:
    """The output that is explained, one number for every sequence of a batch of embedded inputs."""

    def __init__(self, model: Model, batch: Batch, target: Any):
        self.network, self.batch = model.network.above_embedding(), batch
        raw = self.network.predict(batch.x, batch.n_active)
        self.selector = _selector(model.estimator, raw, target)
        samples = np.arange(batch.x.shape[1])
        if model.per_step:
            samples = np.nonzero(real_steps(batch.n_active, len(samples)))[1]
        self.sample_of_row = samples

    def __call__(self, x: np.ndarray) -> np.ndarray:
        raw = self.network.predict(x, self.batch.n_active)
        rows = (raw * self.selector).sum(axis=1)
        return np.bincount(self.sample_of_row, weights=rows, minlength=x.shape[1])

    def gradient(self, x: np.ndarray) -> np.ndarray:
        run = self.network.forward(x, self.batch.n_active)
        dh = self.network.gradient_of_top(self.selector, run)
        return self.network.state_gradients(dh, run)[0]


def _selector(est: Any, raw: np.ndarray, target: Any) -> np.ndarray:
    """Return weights of the outputs, (n_rows, n_outputs): what of `raw` is explained."""
    selector = np.zeros_like(raw)
    if not hasattr(est, "classes_"):
        output = 0 if target is None else target
        if not isinstance(output, (int, np.integer)) or not 0 <= output < raw.shape[1]:
            raise ValueError(f"target must be an output, 0 to {raw.shape[1] - 1}; got {target!r}.")
        # The network predicts standardised targets.
        scale = est._targets.scale[output] if est._make_loss().link.additive else 1.0
        selector[:, output] = scale
        return selector
    if target is None:
        code = raw.argmax(axis=1) if raw.shape[1] > 1 else (raw[:, 0] > 0).astype(int)
    else:
        known = np.flatnonzero(est.classes_ == target)
        if len(known) != 1:
            raise ValueError(f"target must be one of the classes {est.classes_}; got {target!r}.")
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


def permutation_importance(
    est: Any,
    X: Any,
    y: Any,
    *,
    by: str = "channel",
    scoring: Any = None,
    n_repeats: int = 5,
    random_state: Any = None,
    sample_weight: Any = None,
) -> Bunch:
    """Tell how much the score falls if a channel, or a time step, comes from other sequences.

    scikit-learn's function of this name [1]_ permutes the columns of a table; this one permutes
    what belongs together in sequences.

    Parameters
    ----------
    est : estimator
        Fitted; anything that takes `X`.
    X : array-like, list of array-like or DataFrame
        Sequences of numbers, in any form that the estimator takes, or a DataFrame with
        sequences of tokens, or of both, in its cells.
    y : array-like
        Targets.
    by : {"channel", "time_step"}, default="channel"
        "channel": every sequence gets a channel of another one, in whole; a longer one is cut,
        a shorter one repeated. "time_step": the values of all channels at a step are permuted
        among the sequences that have that step.
    scoring : str, callable or None, default=None
        As in scikit-learn; None is the estimator's own `score`.
    n_repeats : int, default=5
        Permutations of each, >= 1.
    random_state : int, RandomState instance or None, default=None
        Source of the permutations.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights in the score.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        With `n` the number of channels or of time steps of the longest sequence:
        importances_mean and importances_std of shape (n,), importances of shape (n,
        n_repeats): the score of `X` less that of the permuted `X`.

    Raises
    ------
    ValueError
        If a parameter is not valid.

    References
    ----------
    .. [1] Breiman (2001). Random forests. Machine Learning 45(1).

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.inspection import permutation_importance
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, tol=0.1, random_state=0).fit(X, y)
    >>> result = permutation_importance(clf, X, y, random_state=0)
    >>> result.importances.shape
    (12, 5)
    """
    if by not in ("channel", "time_step"):
        raise ValueError(f"by must be 'channel' or 'time_step', got {by!r}.")
    check_scalar(n_repeats, "n_repeats", Integral, min_val=1)
    scorer, rng = check_scoring(est, scoring=scoring), check_random_state(random_state)
    last = est.steps[-1][1] if hasattr(est, "steps") else getattr(est, "best_estimator_", est)
    sequences = _read(X, n_channels=getattr(last, "n_channels", 1))
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    baseline = scorer(est, X, y, **weights)
    if isinstance(baseline, dict):
        raise ValueError(
            f"scoring must give one number, got those of {list(baseline)}. Call once for each."
        )
    permute = _permute_channel if by == "channel" else _permute_step
    n = sequences.n_channels if by == "channel" else int(sequences.lengths.max())
    importances = np.empty((n, n_repeats))
    for k in range(n):
        for repeat in range(n_repeats):
            permuted = in_form_of(X, sequences, permute(sequences, k, rng))
            importances[k, repeat] = baseline - scorer(est, permuted, y, **weights)
    return Bunch(
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )


def _read(X: Any, n_channels: int) -> Sequences:
    """Read sequences to permute, of numbers or, in the cells of a frame, of tokens."""
    if isinstance(X, pd.DataFrame) and has_sequence_cells(X):
        columns, lengths = flatten_cells(X, "X", lambda cell, _: np.asarray(cell))
        if any(column.dtype.kind in "OUS" for column in columns):
            table = np.column_stack([column.astype(object) for column in columns])
            return Sequences(table, lengths, "nested")
    return as_sequences(X, n_channels=n_channels)


def _permute_channel(sequences: Sequences, channel: int, rng: np.random.RandomState) -> np.ndarray:
    values = sequences.values.copy()
    donors = rng.permutation(sequences.n_samples)
    step = np.concatenate([np.arange(length) for length in sequences.lengths])
    donor = np.repeat(donors, sequences.lengths)
    source = sequences.starts[donor] + step % sequences.lengths[donor]
    values[:, channel] = sequences.values[source, channel]
    return values


def _permute_step(sequences: Sequences, step: int, rng: np.random.RandomState) -> np.ndarray:
    values = sequences.values.copy()
    rows = (sequences.starts + step)[sequences.lengths > step]
    values[rows] = sequences.values[rng.permutation(rows)]
    return values
