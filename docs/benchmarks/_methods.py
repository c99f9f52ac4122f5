"""The methods of the table of accuracies: each is fitted, timed, and scored on the test part.

Times are processor time of the fit, with the scaling and the features that belong to it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from _generated_sets import DataSet
from _packages import Missing
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import Callback
from skrnn.preprocessing import SequenceScaler

EMBEDDING = 16  # of tokens, which skrnn takes for numbers unless it is told
CHECKPOINTS = 10
AROUND = 7  # steps before and after one, from which its class is predicted


class Result(NamedTuple):
    """Score on the test part and seconds of the fit.

    `curve` has pairs on the way there: the share of the fit that is done, and the score. `note`
    says what was chosen by looking at the training part.
    """

    score: float
    seconds: float
    curve: list[tuple[float, float]] = []  # noqa: RUF012 (never changed)
    note: str = ""


def score(data: DataSet, predictions: Any) -> float:
    """Return accuracy or R² of predictions for the test part."""
    if data.kind == "numbers":
        return float(r2_score(data.y_test, predictions))
    if data.kind == "steps":
        return float(accuracy_score(np.concatenate(data.y_test), np.concatenate(predictions)))
    return float(accuracy_score(data.y_test, predictions))


# --- skrnn ---------------------------------------------------------------------------------------


def skrnn_model(data: DataSet, seed: int, **parameters: Any) -> Pipeline:
    """Return the estimator with nothing set but what the data ask for."""
    if data.n_tokens:
        parameters |= {"embedding_dim": EMBEDDING, "n_tokens": data.n_tokens}
    if data.kind == "steps":
        parameters["return_sequences"] = True
    estimator = RNNRegressor if data.kind == "numbers" else RNNClassifier
    network = ("rnn", estimator(random_state=seed, **parameters))
    return Pipeline([network] if data.n_tokens else [("scaler", SequenceScaler()), network])


class Checkpoints(Callback):
    """Scores the network on the test part every so many epochs."""

    def __init__(self, every: int, judge: Callable[[Any], float]):
        self.every = every
        self.judge = judge
        self.scores: list[tuple[int, float]] = []

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Score, if it is time."""
        n_epochs = context.task_id + 1
        if context.task_name == "epoch" and n_epochs % self.every == 0:
            self.scores.append((n_epochs, self.judge(fitted_estimator)))


def skrnn(data: DataSet, seed: int, **parameters: Any) -> Result:
    """`make_pipeline(SequenceScaler(), RNNClassifier())`, and whatever is given beside.

    The curve comes from a second fit, which is the same but is looked at on its way.
    """
    model = skrnn_model(data, seed, **parameters)
    start = time.process_time()
    model.fit(together(data.X_train), data.y_train)
    seconds = time.process_time() - start
    reached = score(data, model.predict(together(data.X_test)))
    n_epochs = model["rnn"].n_iter_
    X_test = together(data.X_test)
    for _, transformer in model.steps[:-1]:
        X_test = transformer.transform(X_test)
    watcher = Checkpoints(
        -(-n_epochs // CHECKPOINTS), lambda fitted: score(data, fitted.predict(X_test))
    )
    watched = skrnn_model(data, seed, **parameters)
    watched["rnn"].set_callbacks(watcher)
    watched.fit(together(data.X_train), data.y_train)
    curve = [(epoch / n_epochs, value) for epoch, value in watcher.scores if epoch < n_epochs]
    return Result(reached, seconds, [*curve, (1.0, reached)], f"{n_epochs} epochs")


def skrnn_early(data: DataSet, seed: int) -> Result:
    """The same with `early_stopping=True`."""
    return skrnn(data, seed, early_stopping=True)


SPACE: dict[str, list[Any]] = {
    "hidden_layer_sizes": [(64,), (128,)],
    "bidirectional": ["auto", True],
    "readout": ["auto", "max", ("last", "mean", "max")],
    "differences": ["auto", True],
    "frame_stride": ["auto", 4],
    "dropout": [0.0, 0.2],
    "learning_rate_init": [5e-3, 1e-2],
}
NOT_OF_TOKENS = {"differences", "frame_stride"}


def skrnn_search(data: DataSet, seed: int) -> Result:
    """The best of six configurations of `SPACE`, by three folds each: 19 fits with the last."""
    leave_out = NOT_OF_TOKENS if data.n_tokens else {"readout"} if data.kind == "steps" else set()
    search = RandomizedSearchCV(
        skrnn_model(data, seed),
        {f"rnn__{name}": SPACE[name] for name in SPACE if name not in leave_out},
        n_iter=6,
        cv=3,
        random_state=seed,
    )
    start = time.process_time()
    search.fit(together(data.X_train), data.y_train)
    seconds = time.process_time() - start
    note = ", ".join(f"{name[5:]}={value}" for name, value in search.best_params_.items())
    return Result(score(data, search.predict(together(data.X_test))), seconds, note=note)


def together(X: list[np.ndarray]) -> Any:
    """Return a 3D array if the sequences are equally long, else the list."""
    return np.stack(X) if len({len(x) for x in X}) == 1 else X


# --- scikit-learn --------------------------------------------------------------------------------


def perceptron(data: DataSet, seed: int) -> Result:
    """`MLPClassifier` or `MLPRegressor` behind a StandardScaler, on the steps side by side.

    Short sequences are filled up with zeros, long ones cut to the longest in training; tokens are
    one-hot. For a class at every step a window around it is what the perceptron sees.
    """
    estimator = MLPRegressor if data.kind == "numbers" else MLPClassifier
    return _fit_rows(data, make_pipeline(StandardScaler(), estimator(random_state=seed)), flat)


def boosting(data: DataSet, seed: int) -> Result:
    """`HistGradientBoosting...` on simple features; leaves of 5, because many sets are small."""
    numbers = data.kind == "numbers"
    estimator = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
    features = flat if data.kind == "steps" else simple_features
    return _fit_rows(data, estimator(min_samples_leaf=5, random_state=seed), features)


Features = Callable[[DataSet, list[np.ndarray]], np.ndarray]


def _fit_rows(data: DataSet, model: Any, features: Features) -> Result:
    """Fit and score a model of plain rows; steps are rows one after the other."""
    per_step = data.kind == "steps"
    start = time.process_time()
    model.fit(
        features(data, data.X_train), np.concatenate(data.y_train) if per_step else data.y_train
    )
    seconds = time.process_time() - start
    predictions = model.predict(features(data, data.X_test))
    return Result(score(data, [predictions] if per_step else predictions), seconds)


def flat(data: DataSet, X: list[np.ndarray]) -> np.ndarray:
    """Return the steps of a sequence, or those around each step, side by side."""
    X = one_hot(data, X)
    if data.kind == "steps":
        padded = [np.pad(x, ((AROUND, AROUND), (0, 0))) for x in X]
        width = 2 * AROUND + 1
        views = [np.lib.stride_tricks.sliding_window_view(x, width, axis=0) for x in padded]
        return np.concatenate([view.reshape(len(view), -1) for view in views])
    return padded_to(X, max(map(len, data.X_train))).reshape(len(X), -1)


def padded_to(X: list[np.ndarray], length: int) -> np.ndarray:
    """Return sequences of one length, filled up with zeros or cut."""
    out = np.zeros((len(X), length, X[0].shape[1]), np.float32)
    for row, x in zip(out, X, strict=True):
        row[: len(x)] = x[:length]
    return out


def one_hot(data: DataSet, X: list[np.ndarray]) -> list[np.ndarray]:
    """Return one channel for every token; real channels as they are."""
    if not data.n_tokens:
        return X
    return [np.eye(data.n_tokens, dtype=np.float32)[x[:, 0].astype(int)] for x in X]


def simple_features(data: DataSet, X: list[np.ndarray]) -> np.ndarray:
    """Return what one would write down of a sequence first, one row each.

    Of every channel mean, standard deviation, five quantiles, smallest, largest, first and last
    value, where the smallest and the largest stand, slope, and size and correlation of the
    differences; of tokens how often each comes, and each pair of neighbours, and the ends.
    """
    rows = [_token_features(x, data.n_tokens) if data.n_tokens else _features(x) for x in X]
    return np.array(rows)


def _features(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    t = np.linspace(-1, 1, len(x))
    change = np.diff(x, axis=0) if len(x) > 1 else np.zeros_like(x)
    power = np.maximum((change**2).sum(axis=0), 1e-12)
    own = [
        x.mean(axis=0),
        x.std(axis=0),
        *np.quantile(x, [0.1, 0.25, 0.5, 0.75, 0.9], axis=0),
        x.min(axis=0),
        x.max(axis=0),
        x[0],
        x[-1],
        x.argmin(axis=0) / len(x),
        x.argmax(axis=0) / len(x),
        t @ x / max(t @ t, 1e-12),
        abs(change).mean(axis=0),
        change.std(axis=0),
        (change[1:] * change[:-1]).sum(axis=0) / power,
    ]
    return np.append(np.concatenate(own), len(x))


def _token_features(x: np.ndarray, n_tokens: int) -> np.ndarray:
    ids = x[:, 0].astype(int)
    pairs = np.zeros((n_tokens, n_tokens))
    np.add.at(pairs, (ids[:-1], ids[1:]), 1 / len(ids))
    counts = np.bincount(ids, minlength=n_tokens) / len(ids)
    return np.concatenate([counts, pairs.ravel(), [ids[0], ids[-1], len(ids)]])


# --- others --------------------------------------------------------------------------------------


def minirocket(data: DataSet, seed: int) -> Result:
    """aeon's MiniRocket, 10,000 random convolutions, and ridge regression with its own alpha.

    Short sequences are filled up with zeros. Before the clock runs, it compiles itself.
    """
    if find_spec("aeon") is None:
        raise Missing("aeon is not installed.")
    if data.kind == "steps":
        raise Missing("MiniRocket predicts nothing step by step.")
    from aeon.transformations.collection.convolution_based import MiniRocket

    length = max(9, *map(len, data.X_train))  # its kernels have nine weights
    scaler = SequenceScaler()

    def padded(X: list[np.ndarray]) -> np.ndarray:
        scaled = one_hot(data, X) if data.n_tokens else scaler.transform(X)
        return padded_to(scaled, length).transpose(0, 2, 1)

    scaler.fit(data.X_train)
    MiniRocket(random_state=seed, n_jobs=1).fit_transform(padded(data.X_train[:2]))
    alphas = np.logspace(-3, 3, 10)
    ridge = RidgeCV(alphas) if data.kind == "numbers" else RidgeClassifierCV(alphas)
    rocket = MiniRocket(random_state=seed, n_jobs=1)
    model = make_pipeline(StandardScaler(with_mean=False), ridge)
    start = time.process_time()
    scaler.fit(data.X_train)
    model.fit(rocket.fit_transform(padded(data.X_train)), data.y_train)
    seconds = time.process_time() - start
    return Result(score(data, model.predict(rocket.transform(padded(data.X_test)))), seconds)


def pytorch(data: DataSet, seed: int, readout: str = "") -> Result:
    """The network of `_torch_network`; `readout` is the one chosen for this set, if it is known."""
    if find_spec("torch") is None:
        raise Missing("PyTorch is not installed.")
    import _torch_network
    import torch

    torch.set_num_threads(1)
    readout = readout or _torch_network.choose_readout(data)
    per_step = data.kind == "steps"
    trained = _torch_network.train(
        data,
        seed,
        readout,
        lambda predictions: score(data, [predictions] if per_step else predictions),
    )
    return Result(trained.score, trained.seconds, trained.curve, readout)


class Method(NamedTuple):
    """A column of the table; `by` is the distribution whose version its results are tied to."""

    run: Callable[..., Result]
    by: str
    random: bool = True


METHODS = {
    "skrnn": Method(skrnn, "skrnn"),
    "MLP": Method(perceptron, "scikit-learn"),
    "boosting": Method(boosting, "scikit-learn", random=False),
    "MiniRocket": Method(minirocket, "aeon"),
    "PyTorch": Method(pytorch, "torch"),
    "early stopping": Method(skrnn_early, "skrnn"),
    "search": Method(skrnn_search, "skrnn"),
}


def run(name: str, data: DataSet, seed: int, **known: Any) -> Result:
    """Run a method without its warnings: what was not learned, the scores tell."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return METHODS[name].run(data, seed, **known)
