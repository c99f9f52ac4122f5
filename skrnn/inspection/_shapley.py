"""Shapley values of channels and time windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils import _safe_indexing, check_random_state, check_scalar

from skrnn._innermost import innermost
from skrnn._shown import python_value
from skrnn._typing import Seed
from skrnn.inspection._permutation_importance import _read
from skrnn.sequences import Sequences, has_sequence_cells, in_form_of

METHODS = ("predict_proba", "decision_function", "predict")
# Sequences of a default background.
N_BACKGROUND = 20
# Values that are handed to the estimator at once.
AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class ShapleyValues:
    """What :func:`shapley_values` returns: shares of the predictions, with all axes named.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_windows, n_channels, n_outputs)
        The Shapley values, in the units of the response.
    base_values : ndarray of shape (n_samples, n_outputs)
        The response where nothing of the sequence is seen.
    bounds : ndarray of shape (n_samples, n_windows + 1)
        Time steps at which the windows begin and end: window `k` of sample `i` is steps
        ``bounds[i, k]`` to ``bounds[i, k + 1] - 1``.
    channels : list of str
        Names of the channels, or their numbers.
    outputs : list
        The classes, or the numbers of the outputs.
    """

    values: np.ndarray
    base_values: np.ndarray
    bounds: np.ndarray
    channels: list[str]
    outputs: list[Any]

    def __repr__(self) -> str:
        names = ("n_samples", "n_windows", "n_channels", "n_outputs")
        sizes = (f"{name}={n}" for name, n in zip(names, self.values.shape, strict=True))
        return f"ShapleyValues({', '.join(sizes)})"

    @property
    def predictions(self) -> np.ndarray:
        """The response, (n_samples, n_outputs): `base_values` and the sum of `values`."""
        return self.base_values + self.values.sum(axis=(1, 2))

    @property
    def steps(self) -> list[np.ndarray]:
        """`values` shared equally among the steps of a window.

        One ndarray of shape (n_timesteps, n_channels, n_outputs) for every sequence, as
        :class:`skrnn.plotting.AttributionDisplay` draws one output of it.
        """
        n_steps = np.diff(self.bounds)
        shares = self.values / np.maximum(n_steps, 1)[:, :, np.newaxis, np.newaxis]
        return [np.repeat(one, n, axis=0) for one, n in zip(shares, n_steps, strict=True)]

    def explanation(self) -> Any:
        """Return the values for the plots of the library SHAP, a channel in a window each.

        Returns
        -------
        shap.Explanation of shape (n_samples, n_windows * n_channels, n_outputs)
            For example for ``shap.plots.bar(result.explanation()[..., 0])``.

        Raises
        ------
        ImportError
            If SHAP is not installed (``pip install "skrnn[shap]"``).
        """
        try:
            import shap
        except ImportError as error:
            raise ImportError("explanation() needs SHAP: pip install 'skrnn[shap]'.") from error
        n_samples, n_windows, _, n_outputs = self.values.shape
        features = [
            f"{channel}, window {k + 1} of {n_windows}"
            for k in range(n_windows)
            for channel in self.channels
        ]
        return shap.Explanation(
            self.values.reshape(n_samples, -1, n_outputs),
            self.base_values,
            feature_names=features,
            output_names=[str(output) for output in self.outputs],
        )


def shapley_values(
    est: Any,
    X: Any,
    background: Any = None,
    *,
    n_windows: int = 5,
    response_method: Literal["auto", "predict_proba", "decision_function", "predict"] = "auto",
    n_permutations: int = 10,
    random_state: Seed = None,
) -> ShapleyValues:
    r"""Share out what a prediction has more than usual among channels and windows of time.

    A player is a channel within a window; a coalition :math:`S` of players sees the sequence where
    it is theirs, and the sequences :math:`b` of the background elsewhere:

    .. math::
        v(S) = \frac{1}{n_b} \sum_b f(x_S, b_{\bar S}) \qquad
        \phi_i = \sum_{S \not\ni i} \frac{|S|! \, (P - |S| - 1)!}{P!} \, (v(S \cup i) - v(S))

    These are the Shapley values [1]_ that the library SHAP [2]_ made known: computed exactly where
    the :math:`2^P` coalitions of the :math:`P` players are no more than would be drawn, else from
    permutations [3]_, each of which is also read backwards. Either way they sum to :math:`f(x) -
    v(\emptyset)`. Sequences may have different lengths: windows are shares of a sequence, and one
    of the background is stretched to its length, step by step.

    Parameters
    ----------
    est : estimator
        Fitted; anything that takes `X` and gives one answer for every sequence.
    X : array-like, list of array-like or DataFrame
        Sequences to explain, in any form that the estimator takes, of numbers or, in the cells of
        a DataFrame, of tokens. Columns of single values beside these are no players: they stay
        those of the sequence.
    background : as `X`, default=None
        Sequences that say what is usual, such as 20 to 100 of the training data. None takes at
        most 20 of `X`, evenly spaced.
    n_windows : int, default=5
        Windows that every sequence is cut into, as equal as its steps allow, >= 1. Of a sequence
        with fewer steps some windows are empty, and their values 0.
    response_method : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        What is explained. "auto" is `predict_proba` of a classifier that has it, else `predict`.
    n_permutations : int, default=10
        Permutations of the players, >= 1: more of them come closer to the exact values.
    random_state : int, RandomState instance or None, default=None
        Source of the permutations.

    Returns
    -------
    ShapleyValues
        The values, with what they sum to and the names of all axes.

    Raises
    ------
    ValueError
        If a parameter is not valid, if `background` has other channels than `X`, or if the
        estimator answers for every time step.

    See Also
    --------
    input_attributions : By gradients, for every step, and without a background.

    References
    ----------
    .. [1] Shapley (1953). A value for n-person games. Contributions to the Theory of Games 2.
    .. [2] Lundberg & Lee (2017). A unified approach to interpreting model predictions. NeurIPS.
    .. [3] Castro, Gómez & Tejada (2009). Polynomial calculation of the Shapley value based on
           sampling. Computers & Operations Research 36(5).

    Examples
    --------
    What decides the label is the last third of channel 1:

    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> from skrnn.inspection import shapley_values
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(length, 2)) for length in rng.integers(6, 12, size=100)]
    >>> y = [x[-2:, 1].mean() > 0 for x in X]
    >>> clf = RNNClassifier(8, random_state=0).fit(X, y)
    >>> result = shapley_values(clf, X[:20], X[50:70], n_windows=3, random_state=0)
    >>> result
    ShapleyValues(n_samples=20, n_windows=3, n_channels=2, n_outputs=2)
    >>> importance = np.abs(result.values[..., 1]).mean(axis=0)
    >>> [int(place) for place in np.unravel_index(importance.argmax(), importance.shape)]
    [2, 1]
    """
    for name, value in {"n_windows": n_windows, "n_permutations": n_permutations}.items():
        check_scalar(value, name, Integral, min_val=1)
    rng = check_random_state(random_state)
    if response_method not in ("auto", *METHODS):
        raise ValueError(
            f"response_method must be one of {['auto', *METHODS]}, got {response_method!r}."
        )
    respond, outputs = _response(est, response_method)
    read = _reader(est)
    sequences, usual = read(X), _background(X, background, read)
    game = _Game(respond, read, X, sequences, usual, n_windows)
    shared = [
        _shared_out(game.of_sample(i), game.n_players, n_permutations, rng)
        for i in range(sequences.n_samples)
    ]
    values = np.stack([values for values, _ in shared])
    base_values = np.stack([base for _, base in shared])
    n_outputs = base_values.shape[1]
    if outputs is None or len(outputs) != n_outputs:
        outputs = list(range(n_outputs))
    shape = (sequences.n_samples, n_windows, sequences.n_channels, n_outputs)
    return ShapleyValues(
        values.reshape(shape), base_values, game.bounds, _names(X, sequences), outputs
    )


def _names(X: Any, sequences: Sequences) -> list[str]:
    """Return the names of the channels, or their numbers."""
    if sequences.channels is not None:
        return list(sequences.channels)
    if isinstance(X, pd.DataFrame) and sequences.kind == "nested":  # of tokens
        return [str(name) for name in _sequence_columns(X).columns]
    return [str(j) for j in range(sequences.n_channels)]


def _reader(est: Any) -> Callable[[Any], Sequences]:
    n_channels = getattr(innermost(est), "n_channels", 1)
    return lambda X: _read(_sequence_columns(X), n_channels=n_channels)


def _sequence_columns(X: Any) -> Any:
    """Return a DataFrame without columns of single values, anything else as it is."""
    if not isinstance(X, pd.DataFrame) or not has_sequence_cells(X):
        return X
    of_sequences = [has_sequence_cells(X.iloc[:, [j]]) for j in range(X.shape[1])]
    return X if all(of_sequences) else X.loc[:, of_sequences]


def _with_sequences(X: Any, read: Callable[[Any], Sequences], values: np.ndarray) -> Any:
    """Return `X` with other time steps."""
    columns = _sequence_columns(X)
    changed = in_form_of(columns, read(X), values)
    if columns is X:
        return changed
    whole = X.copy(deep=False)
    for k, name in enumerate(columns.columns):
        whole[name] = changed.iloc[:, k].array
    return whole


def _response(est: Any, method: str) -> tuple[Callable[[Any], np.ndarray], list[Any] | None]:
    """Return what is explained, as a function with two axes, and the names of the outputs."""
    classes = getattr(est, "classes_", None)
    if method == "auto":
        method = "predict_proba" if hasattr(est, "predict_proba") else "predict"
    if not hasattr(est, method):
        raise ValueError(f"{type(est).__name__} has no {method}; choose another response_method.")

    def respond(X: Any) -> np.ndarray:
        try:
            answer = np.asarray(getattr(est, method)(X), dtype=np.float64)
        except (TypeError, ValueError) as error:
            if classes is None or method != "predict":
                raise
            raise ValueError(
                f"Labels cannot be shared out: explain predict_proba or decision_function of "
                f"{type(est).__name__}."
            ) from error
        if answer.ndim > 2 or len(answer) != len(X):
            raise ValueError(_per_step(est))
        return answer.reshape(len(answer), -1)

    if getattr(innermost(est), "return_sequences", False):
        raise ValueError(_per_step(est))
    return respond, None if classes is None else python_value(list(classes))


def _per_step(est: Any) -> str:
    return (
        f"shapley_values explains one answer for every sequence, and {type(est).__name__} answers "
        "for every time step. skrnn.inspection.input_attributions explains their sum."
    )


def _background(X: Any, background: Any, read: Callable[[Any], Sequences]) -> list[np.ndarray]:
    """Return the sequences that say what is usual."""
    sequences = read(X)
    if background is None:
        some = np.linspace(0, sequences.n_samples - 1, min(N_BACKGROUND, sequences.n_samples))
        return [sequences.rows(i) for i in some.astype(int)]
    usual = read(background)
    if usual.n_channels != sequences.n_channels:
        raise ValueError(
            f"background has {usual.n_channels} channels, but X has {sequences.n_channels}."
        )
    return [usual.rows(i) for i in range(usual.n_samples)]


class _Game:
    """Sequences of which some players see their part, and the others that of the background."""

    def __init__(
        self,
        respond: Callable[[Any], np.ndarray],
        read: Callable[[Any], Sequences],
        X: Any,
        sequences: Sequences,
        usual: list[np.ndarray],
        n_windows: int,
    ):
        self.respond, self.read = respond, read
        self.X, self.sequences, self.usual = X, sequences, usual
        self.n_windows, self.n_channels = n_windows, sequences.n_channels
        self.n_players = n_windows * sequences.n_channels
        edges = np.linspace(0, sequences.lengths, n_windows + 1, axis=1)
        self.bounds = np.round(edges).astype(int)

    def of_sample(self, i: int) -> Callable[[np.ndarray], np.ndarray]:
        """Return ``v(coalitions)``, of shape (n_coalitions, n_outputs), of one sequence."""
        x, length = self.sequences.rows(i), int(self.sequences.lengths[i])
        window = np.repeat(np.arange(self.n_windows), np.diff(self.bounds[i]))
        # Of every background sequence the step at the same share of its length.
        stretched = [
            rows[((np.arange(length) + 0.5) * len(rows) / length).astype(int)]
            for rows in self.usual
        ]
        others = np.stack(stretched)
        at_once = max(1, AT_ONCE // others.size)

        def value(coalitions: np.ndarray) -> np.ndarray:
            seen = coalitions.reshape(-1, 1, self.n_windows, self.n_channels)
            parts = np.array_split(seen, -(-len(seen) // at_once))
            mixed = (np.where(part[:, :, window], x, others) for part in parts)
            return np.concatenate([self._mean_response(i, each) for each in mixed])

        return value

    def _mean_response(self, i: int, mixed: np.ndarray) -> np.ndarray:
        """Return the mean over the background of the responses to sequences like sample `i`."""
        n_coalitions, n_usual, _, n_channels = mixed.shape
        like = _safe_indexing(self.X, np.full(n_coalitions * n_usual, i))
        values = np.ascontiguousarray(mixed.reshape(-1, n_channels), self.sequences.dtype)
        response = self.respond(_with_sequences(like, self.read, values))
        return response.reshape(n_coalitions, n_usual, -1).mean(axis=1)


Value = Callable[[np.ndarray], np.ndarray]


def _shared_out(
    value: Value, n_players: int, n_permutations: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Return Shapley values, (n_players, n_outputs), and the value of the empty coalition."""
    if 2**n_players <= 2 * n_permutations * (n_players - 1) + 2:
        return _exact(value, n_players)
    orders = [rng.permutation(n_players) for _ in range(n_permutations)]
    return _of_orders(value, np.array([*orders, *(order[::-1] for order in orders)]))


def _exact(value: Value, n_players: int) -> tuple[np.ndarray, np.ndarray]:
    """Ask all coalitions; player `i` is bit `i` of the number of a coalition."""
    numbers, bits = np.arange(2**n_players), 1 << np.arange(n_players)
    coalitions = (numbers[:, np.newaxis] & bits) > 0
    v, sizes = value(coalitions), coalitions.sum(axis=1)
    weights = np.array(
        [1 / (n_players * math.comb(n_players - 1, size)) for size in range(n_players)]
    )
    values = []
    for bit in bits:
        without = numbers[(numbers & bit) == 0]
        values.append(weights[sizes[without]] @ (v[without | bit] - v[without]))
    return np.array(values), v[0]


def _of_orders(value: Value, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let the players join in some orders; the value of each is what it brings, on average."""
    n_orders, n_players = orders.shape
    place = np.argsort(orders, axis=1)
    # joined[o, k]: the first k + 1 players of an order; with all of them every order ends.
    joined = place[:, np.newaxis] <= np.arange(n_players - 1)[:, np.newaxis]
    ends = np.repeat([[False], [True]], n_players, axis=1)
    v = value(np.concatenate([ends, joined.reshape(-1, n_players)]))
    chains = np.empty((n_orders, n_players + 1, v.shape[1]))
    chains[:, 0], chains[:, -1] = v[0], v[1]
    chains[:, 1:-1] = v[2:].reshape(n_orders, n_players - 1, -1)
    brought = np.take_along_axis(np.diff(chains, axis=1), place[:, :, np.newaxis], axis=1)
    return brought.mean(axis=0), v[0]
