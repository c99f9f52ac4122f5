"""Fit over a hundred networks in two versions of skrnn and compare all their numbers.

A change that only moves code must not move a number. The configurations cover every cell with
every activation, the optimizers, schedules, read-outs, losses, initialisations, forms of input
and ways of training; of each the weights, predictions and training curves are compared, and of
some the results of `skrnn.inspection`. With the kernels all must be equal bit for bit. On NumPy
the order of a sum may change from version to version: there a difference of 1e-12 is accepted
(in double precision; as many units in the last place in single), relative to the largest entry
of its array.

    python docs/benchmarks/same_numbers.py --write numbers.npz      # in the one version
    python docs/benchmarks/same_numbers.py --compare numbers.npz    # in the other
    python docs/benchmarks/same_numbers.py --against HEAD~1         # both, by a commit

The exit status is 1 if there is a difference that is not accepted. ``SKRNN_BACKEND`` chooses the
back end, as everywhere. ``--against`` checks the commit out into a temporary folder; its kernels
are compiled there (with CMake and nanobind) unless their sources are those of this checkout.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import _measure
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

import skrnn
from skrnn import RNNClassifier, RNNRegressor
from skrnn.core import kernels
from skrnn.inspection import (
    diagnose,
    gradient_flow,
    hidden_states,
    input_attributions,
    permutation_importance,
    unrolled,
)
from skrnn.preprocessing import SequenceScaler, TokenEncoder, make_windows

ROOT = Path(__file__).resolve().parents[2]
KERNELS = Path("skrnn", "core", "kernels")
PARTS = ("weights", "predictions", "curves", "inspection")
ACCEPTED_ON_NUMPY = 1e-12
SEPARATOR = "|"  # between the names of configuration, part and array in the file
HEADER = ("backend", "folder")

# --- data ----------------------------------------------------------------------------------------

N_SAMPLES, N_TIMESTEPS = 24, 7
RNG = np.random.RandomState(0)
X = RNG.normal(size=(N_SAMPLES, N_TIMESTEPS, 2))
NUMBERS = X[:, :, 0].sum(axis=1) + X[:, 0, 1] + 3
CLASSES = np.digitize(NUMBERS, np.quantile(NUMBERS, [1 / 3, 2 / 3]))
TWO_CLASSES = np.where(NUMBERS > 3, "up", "down")
TWO_NUMBERS = np.column_stack([NUMBERS, X[:, -1, 1]])
COUNTS = np.floor(np.exp(0.3 * NUMBERS))
LABELS = np.column_stack([X[:, :, 0].sum(axis=1) > 0, X[:, -1, 1] > 0, X[:, 0, 0] > 0]).astype(int)
STEP_NUMBERS = np.cumsum(X[:, :, 0], axis=1)
STEP_CLASSES = (STEP_NUMBERS > 0).astype(int)
WEIGHT = RNG.uniform(0.5, 2, size=N_SAMPLES)
WEIGHT_WITH_ZEROS = WEIGHT * (np.arange(N_SAMPLES) % 5 > 0)

LENGTHS = RNG.permutation(np.arange(N_SAMPLES) % 8 + 2)
RAGGED = [RNG.normal(size=(length, 2)) for length in LENGTHS]
RAGGED_NUMBERS = np.array([x[:, 0].sum() for x in RAGGED])
RAGGED_CLASSES = (RAGGED_NUMBERS > 0).astype(int)
RAGGED_STEPS = [np.cumsum(x[:, 0]) for x in RAGGED]
RAGGED_LABELS = [(steps > 0).astype(int) for steps in RAGGED_STEPS]
FRAME = pd.DataFrame({"a": [x[:, 0] for x in RAGGED], "b": [x[:, 1] for x in RAGGED]})
FRAMES = [pd.DataFrame(x, columns=["a", "b"]) for x in RAGGED]
PADDED = np.full((N_SAMPLES, LENGTHS.max(), 2), np.nan)
for row, x in zip(PADDED, RAGGED, strict=True):
    row[: len(x)] = x
IDS = RNG.randint(6, size=(N_SAMPLES, N_TIMESTEPS, 1)).astype(float)
MIXED = np.concatenate([IDS, X], axis=2)
WORDS = np.array(["sun", "rain", "snow", "wind", "fog", "hail"])
TEXTS = [" ".join(WORDS[RNG.randint(6, size=length)]) for length in LENGTHS]
# Large enough for what the kernels do with large batches: blocks of rows, memory used again.
MANY = [RNG.normal(size=(length, 3)) for length in RNG.randint(20, 40, size=600)]
MANY_CLASSES = np.array([x[:, 0].sum() > 0 for x in MANY]).astype(int)
SERIES = pd.DataFrame({"wave": np.sin(np.arange(40) / 3), "trend": np.arange(40) / 40})
WINDOWS = make_windows(SERIES, window=8, horizon=2, target="wave")
MORE_WINDOWS = make_windows(SERIES, window=6, horizon=[1, 3], target=["wave", "trend"], stride=2)
STEP_WINDOWS = make_windows(SERIES, window=6, target="wave", return_sequences=True)

# --- ways of training ----------------------------------------------------------------------------


def fit(est: Any, X: Any, y: Any, **parameters: Any) -> Any:
    return est.fit(X, y, **parameters)


def fit_twice(est: Any, X: Any, y: Any, **parameters: Any) -> Any:
    """The second time with `warm_start`, from the weights of the first."""
    return est.fit(X, y, **parameters).fit(X, y, **parameters)


def fit_in_parts(est: Any, X: Any, y: Any, **parameters: Any) -> Any:
    """Three calls of `partial_fit`, the second with half of the data."""
    half = len(X) // 2
    est.partial_fit(X, y, **parameters)
    return est.partial_fit(X[:half], y[:half]).partial_fit(X, y)


class Case(NamedTuple):
    """An estimator, its data, and how it is trained on them."""

    estimator: Any
    X: Any
    y: Any
    parameters: dict[str, Any] = {}  # noqa: RUF012 - never written to
    train: Callable[..., Any] = fit
    inspected: bool = False


SHORT = {
    "hidden_layer_sizes": 6,
    "max_iter": 4,
    "n_iter_no_change": 4,
    "tol": 0.0,
    "batch_size": 8,
    "random_state": 0,
}
CASE_FIELDS = ("parameters", "train", "inspected")


def case(kind: type, X: Any, y: Any, /, **settings: Any) -> Case:
    """Return a case of a small network; settings that `Case` does not have are the network's."""
    own = {name: settings.pop(name) for name in CASE_FIELDS if name in settings}
    return Case(kind(**{**SHORT, **settings}), X, y, **own)


classes = partial(case, RNNClassifier, X, CLASSES)
numbers = partial(case, RNNRegressor, X, NUMBERS)
many = partial(
    case, RNNClassifier, MANY, MANY_CLASSES, hidden_layer_sizes=40, batch_size=150, max_iter=2
)
steps = partial(case, RNNRegressor, X, STEP_NUMBERS, return_sequences=True)


def scaled(y: Any, kind: type, **settings: Any) -> Case:
    made = case(kind, 5 * X + 2, y, **settings)
    return made._replace(estimator=make_pipeline(SequenceScaler(), made.estimator))


def of_texts(**settings: Any) -> Case:
    made = case(RNNClassifier, TEXTS, RAGGED_CLASSES, embedding_dim=4, **settings)
    return made._replace(estimator=make_pipeline(TokenEncoder(), made.estimator))


# --- the configurations --------------------------------------------------------------------------
# Written out, as the registries of two versions need not have the same entries.

CELLS = ("rnn", "lstm", "gru")
ACTIVATIONS = ("tanh", "relu", "logistic", "identity", "leaky_relu", "elu", "softsign")
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "nadam", "lbfgs")
SCHEDULES = ("constant", "invscaling", "adaptive", "cosine")
READOUTS = ("last", "mean", "max")
LOSSES = ("squared_error", "absolute_error", "huber", "quantile")
INITS = (
    *("xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "lecun_uniform"),
    *("lecun_normal", "orthogonal", "identity", "uniform", "normal", "zeros"),
)


def products() -> Iterator[tuple[str, Callable[[], Case]]]:
    """Every entry of a list, beside the same or a few others."""
    for cell in CELLS:
        for activation in ACTIVATIONS:
            yield f"{cell}, {activation}", partial(classes, cell=cell, activation=activation)
        wide = partial(numbers, cell=cell, hidden_layer_sizes=37)
        yield f"{cell}, 37 units", wide
        yield (
            f"{cell}, 37 units, float32",
            partial(case, RNNRegressor, X.astype(np.float32), NUMBERS, **wide.keywords),
        )
        yield (
            f"{cell}, float32, ragged, inspected",
            partial(
                *(case, RNNClassifier, [x.astype(np.float32) for x in RAGGED], RAGGED_CLASSES),
                cell=cell,
                inspected=True,
            ),
        )
        yield f"{cell}, inspected", partial(classes, cell=cell, inspected=True)
        yield f"{cell}, many long sequences", partial(many, cell=cell)
    for optimizer in OPTIMIZERS:
        yield f"optimizer {optimizer}", partial(numbers, optimizer=optimizer, alpha=0.01)
    for schedule in SCHEDULES:
        yield (
            f"schedule {schedule}",
            partial(numbers, learning_rate=schedule, max_iter=8, n_iter_no_change=1, tol=1.0),
        )
    for readout in READOUTS:
        ragged = partial(case, RNNClassifier, RAGGED, RAGGED_CLASSES, readout=readout)
        yield f"read-out {readout}, ragged", partial(ragged, inspected=True)
        yield f"read-out {readout}, bidirectional", partial(ragged, bidirectional=True)
    for loss in LOSSES:
        yield f"loss {loss}", partial(numbers, loss=loss, quantile=0.8, huber_delta=0.5)
    for init in INITS:
        yield f"init {init}", partial(numbers, cell="rnn", init=init, recurrent_init=init)


CONFIGURATIONS: dict[str, Callable[[], Case]] = {
    **dict(products()),
    # optimizers and steps
    "plain sgd": partial(numbers, optimizer="sgd", momentum=0.0, nesterovs_momentum=False),
    "sgd with momentum": partial(numbers, optimizer="sgd", nesterovs_momentum=False),
    "moments forgotten soon": partial(numbers, beta_1=0.5, beta_2=0.9, epsilon=1e-3),
    "lbfgs, classes, relu": partial(
        classes, cell="rnn", activation="relu", recurrent_init="identity", optimizer="lbfgs"
    ),
    "many long sequences, two bidirectional layers": partial(
        many, hidden_layer_sizes=(33, 20), bidirectional=True, dropout=0.2, bptt_steps=8
    ),
    "many long sequences, lbfgs, float32": partial(
        *(case, RNNClassifier, [x.astype(np.float32) for x in MANY[:150]], MANY_CLASSES[:150]),
        optimizer="lbfgs",
        hidden_layer_sizes=33,
        max_iter=3,
    ),
    "lbfgs, float32": partial(
        case, RNNRegressor, X.astype(np.float32), NUMBERS, optimizer="lbfgs", inspected=True
    ),
    "never clipped": partial(numbers, max_grad_norm=None),
    "always clipped": partial(numbers, max_grad_norm=0.01, inspected=True),
    "not shuffled": partial(numbers, shuffle=False),
    "automatic batch size": partial(numbers, batch_size="auto"),
    "stopped by tol": partial(numbers, max_iter=30, n_iter_no_change=2, tol=0.05),
    "no penalty": partial(numbers, alpha=0.0),
    # shape of the network
    "three layers": partial(classes, hidden_layer_sizes=(6, 5, 4), inspected=True),
    "bidirectional lstm": partial(classes, cell="lstm", bidirectional=True, inspected=True),
    "two bidirectional layers, ragged": partial(
        *(case, RNNRegressor, RAGGED, RAGGED_NUMBERS),
        hidden_layer_sizes=(5, 4),
        bidirectional=True,
        readout="mean",
        inspected=True,
    ),
    "dropout": partial(classes, dropout=0.3),
    "dropout, two bidirectional layers, ragged": partial(
        *(case, RNNClassifier, RAGGED, RAGGED_CLASSES),
        hidden_layer_sizes=(6, 6),
        bidirectional=True,
        dropout=0.5,
    ),
    # back through time
    "3 steps back": partial(numbers, bptt_steps=3, inspected=True),
    "2 steps back, ragged lstm": partial(
        case, RNNClassifier, RAGGED, RAGGED_CLASSES, cell="lstm", bptt_steps=2, inspected=True
    ),
    "2 steps back, bidirectional, per step": partial(
        steps, cell="rnn", bptt_steps=2, bidirectional=True
    ),
    # targets
    "two classes": partial(case, RNNClassifier, X, TWO_CLASSES),
    "one class": partial(case, RNNClassifier, X, np.ones(N_SAMPLES, dtype=int)),
    "multilabel": partial(case, RNNClassifier, X, LABELS, inspected=True),
    "multi-output": partial(case, RNNRegressor, X, TWO_NUMBERS, inspected=True),
    "poisson": partial(case, RNNRegressor, X, COUNTS, loss="poisson", inspected=True),
    "poisson, not scaled": partial(
        case, RNNRegressor, X, COUNTS, loss="poisson", normalize_y=False
    ),
    "target not scaled": partial(numbers, normalize_y=False, inspected=True),
    "constant target": partial(case, RNNRegressor, X, np.full(N_SAMPLES, 7.0)),
    "per step": partial(steps, inspected=True),
    "per step, classes, lstm": partial(
        case, RNNClassifier, X, STEP_CLASSES, cell="lstm", return_sequences=True, inspected=True
    ),
    "per step, ragged": partial(
        case, RNNRegressor, RAGGED, RAGGED_STEPS, return_sequences=True, bidirectional=True
    ),
    "per step, classes, ragged": partial(
        *(case, RNNClassifier, RAGGED, RAGGED_LABELS),
        return_sequences=True,
        hidden_layer_sizes=(5, 4),
        dropout=0.2,
    ),
    # forms of input
    "2-D, two channels": partial(
        case, RNNRegressor, X.reshape(N_SAMPLES, -1), NUMBERS, n_channels=2, inspected=True
    ),
    "2-D frame": partial(case, RNNRegressor, pd.DataFrame(X[:, :, 0]).add_prefix("t"), NUMBERS),
    "nested frame": partial(case, RNNClassifier, FRAME, RAGGED_CLASSES, inspected=True),
    "list of frames": partial(case, RNNClassifier, FRAMES, RAGGED_CLASSES),
    "padded with nan": partial(case, RNNClassifier, PADDED, RAGGED_CLASSES),
    "windows": partial(case, RNNRegressor, WINDOWS.X, WINDOWS.y, inspected=True),
    "windows, several horizons": partial(case, RNNRegressor, MORE_WINDOWS.X, MORE_WINDOWS.y),
    "windows, per step": partial(
        case, RNNRegressor, STEP_WINDOWS.X, STEP_WINDOWS.y, return_sequences=True
    ),
    "embedding": partial(case, RNNClassifier, IDS, CLASSES, embedding_dim=3, inspected=True),
    "embedding of one of three channels": partial(
        case, RNNRegressor, MIXED, NUMBERS, embedding_dim={0: 3}, n_tokens={0: 9}, inspected=True
    ),
    "frames": partial(case, RNNClassifier, X, CLASSES, frame_length=2),
    "learnt frames that overlap, ragged": partial(
        case,
        RNNClassifier,
        FRAMES,
        RAGGED_CLASSES,
        bidirectional=True,
        frame_length=3,
        frame_stride=2,
        frame_units=4,
    ),
    "frames, per step": partial(
        case, RNNRegressor, X, STEP_NUMBERS, frame_length=2, return_sequences=True
    ),
    "texts": of_texts,
    "texts, two layers, adamw": partial(of_texts, hidden_layer_sizes=(5, 5), optimizer="adamw"),
    "scaler, classes": partial(scaled, CLASSES, RNNClassifier, inspected=True),
    "scaler, per step": partial(scaled, STEP_NUMBERS, RNNRegressor, return_sequences=True),
    # weights
    "sample weights": partial(numbers, parameters={"sample_weight": WEIGHT}),
    "sample weights with zeros": partial(classes, parameters={"sample_weight": WEIGHT_WITH_ZEROS}),
    "sample weights, per step": partial(steps, parameters={"sample_weight": WEIGHT}),
    "balanced classes": partial(
        classes, class_weight="balanced", parameters={"sample_weight": WEIGHT}
    ),
    "class weights": partial(classes, class_weight={0: 1.0, 1: 2.5, 2: 0.5}),
    "class weights, multilabel": partial(
        case, RNNClassifier, X, LABELS, class_weight=[{0: 1, 1: 2}, {0: 3, 1: 1}, {0: 1, 1: 1}]
    ),
    # ways of training
    "early stopping": partial(classes, early_stopping=True, max_iter=10, n_iter_no_change=3),
    "early stopping, weighted": partial(
        numbers, early_stopping=True, validation_fraction=0.3, parameters={"sample_weight": WEIGHT}
    ),
    "early stopping, per step, ragged": partial(
        *(case, RNNClassifier, RAGGED, RAGGED_LABELS),
        return_sequences=True,
        early_stopping=True,
        max_iter=8,
    ),
    "early stopping, windows": partial(
        case, RNNRegressor, WINDOWS.X, WINDOWS.y, early_stopping=True, max_iter=8
    ),
    "early stopping, lbfgs": partial(numbers, early_stopping=True, optimizer="lbfgs", max_iter=8),
    "warm start": partial(numbers, warm_start=True, train=fit_twice),
    "warm start, lbfgs": partial(classes, warm_start=True, optimizer="lbfgs", train=fit_twice),
    "partial_fit, classes": partial(classes, train=fit_in_parts, parameters={"classes": [0, 1, 2]}),
    "partial_fit": partial(numbers, train=fit_in_parts, cell="lstm", inspected=True),
    "partial_fit, ragged": partial(
        case, RNNRegressor, RAGGED, RAGGED_NUMBERS, train=fit_in_parts, optimizer="nadam"
    ),
}

# --- their numbers -------------------------------------------------------------------------------

CURVES = (
    *("loss_curve_", "grad_norm_curve_", "clip_rate_curve_", "update_ratio_curve_"),
    *("validation_scores_", "best_validation_score_", "best_loss_", "loss_", "n_iter_", "t_"),
)
METHODS = ("gradient_x_input", "integrated_gradients", "occlusion")


def measure(case: Case) -> dict[str, Any]:
    """Train and return everything that can be compared, by the names of `PARTS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        est = case.train(clone(case.estimator), case.X, case.y, **case.parameters)
    network = est[-1] if hasattr(est, "steps") else est
    answers = ("predict", "predict_proba", "predict_log_proba", "decision_function")
    return {
        "weights": dict(network.network_.parameters),
        "predictions": {name: getattr(est, name)(case.X) for name in answers if hasattr(est, name)}
        | {"score": est.score(case.X, case.y)},
        "curves": {name: getattr(network, name) for name in CURVES},
        "inspection": inspect(est, case) if case.inspected else None,
    }


def inspect(est: Any, case: Case) -> dict[str, Any]:
    report = diagnose(est, case.X, case.y)
    return {
        "gradient_flow": gradient_flow(est, case.X, case.y, n_jacobian_samples=3),
        "gradient_flow before": gradient_flow(clone(case.estimator), case.X, case.y),
        "unrolled": [unrolled(est, case.X, i, case.y) for i in (0, -1)],
        "states": hidden_states(est, case.X),
        "attributions": {name: input_attributions(est, case.X, name) for name in METHODS},
        "permutation importance": permutation_importance(
            est, case.X, case.y, n_repeats=2, random_state=0
        ),
        "findings": [[finding.name, finding.severity] for finding in report],
        "evidence": [list(finding.evidence.values()) for finding in report],
    }


def arrays_in(value: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Walk through dicts and lists down to the arrays; None is left out."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from arrays_in(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple) and not all(isinstance(part, Real) for part in value):
        for i, part in enumerate(value):
            yield from arrays_in(part, f"{name}[{i}]")
    elif value is not None:
        array = np.asarray(value)
        if array.dtype == object:  # an array of every sequence
            yield f"{name}, lengths", np.array([len(part) for part in array])
            array = np.concatenate(list(array))
        yield name, array


def all_numbers() -> dict[str, np.ndarray]:
    """Fit all configurations: every array by ``configuration|part|name``."""
    found: dict[str, np.ndarray] = {}
    with threadpool_limits(1):
        for configuration, make in CONFIGURATIONS.items():
            for part, values in measure(make()).items():
                for name, array in arrays_in(values):
                    found[SEPARATOR.join((configuration, part, name))] = array
    return found


def write(path: Path) -> None:
    header = {"backend": kernels.backend(), "folder": str(Path(skrnn.__file__).parent)}
    with path.open("wb") as file:
        np.savez(file, **header, **all_numbers())


# --- two versions --------------------------------------------------------------------------------


class Difference(NamedTuple):
    """Of two arrays, or the largest of several pairs."""

    equal: bool = True
    absolute: float = 0.0
    relative: float = 0.0
    accepted: bool = True

    def __or__(self, other: Any) -> Difference:
        return Difference(
            self.equal and other.equal,
            max(self.absolute, other.absolute),
            max(self.relative, other.relative),
            self.accepted and other.accepted,
        )


UNLIKE = Difference(False, np.inf, np.inf, False)


def difference(
    before: np.ndarray, after: np.ndarray | None, bound: float = ACCEPTED_ON_NUMPY
) -> Difference:
    """Compare bits, then values; a relative difference up to `bound` is accepted."""
    if after is None or before.dtype != after.dtype or before.shape != after.shape:
        return UNLIKE
    if before.tobytes() == after.tobytes():
        return Difference()
    if before.dtype.kind != "f":
        return UNLIKE
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    if not np.isfinite([before[~same], after[~same]]).all():
        return UNLIKE
    absolute = float(np.abs(before - after, where=~same, out=np.zeros_like(before)).max())
    size = np.abs(before[np.isfinite(before)]).max(initial=0)
    relative = absolute / float(size) if size > 0 else np.inf if absolute else 0.0
    return Difference(False, absolute, relative, relative <= bound)


def bounds_of(found: dict[str, np.ndarray]) -> dict[str, float]:
    """Return what is accepted of every configuration, by the precision of its weights."""
    bounds = {}
    for key, array in found.items():
        configuration, part, _ = key.split(SEPARATOR, 2)
        if part == "weights":
            unit = np.finfo(array.dtype).eps / np.finfo(np.float64).eps
            bounds[configuration] = float(ACCEPTED_ON_NUMPY * unit)
    return bounds


def compare(before: dict[str, np.ndarray], after: dict[str, np.ndarray], exact: bool) -> bool:
    """Print a table of the differences; tell whether all of them are accepted."""
    found: dict[str, dict[str, Difference]] = {}
    culprits: list[str] = []
    bounds = bounds_of({**after, **before})
    # What the later version tells beyond that is no difference in a number.
    for key in before:
        configuration, part, _ = key.split(SEPARATOR, 2)
        parts = found.setdefault(configuration, {})
        of_key = difference(before[key], after.get(key), bounds[configuration])
        parts[part] = parts.get(part, Difference()) | of_key
        if not (of_key.equal if exact else of_key.accepted):
            culprits.append(
                f"{key}: {of_key.absolute:.1e} absolute, {of_key.relative:.1e} relative"
            )
    header = ["configuration", "bits equal"]
    header += [f"{part}, {kind}" for part in PARTS for kind in ("absolute", "relative")]
    print(_measure.table(header, [row_of(name, parts) for name, parts in found.items()]))
    for culprit in culprits[:40]:
        print(f"not accepted: {culprit}")
    if len(culprits) > 40:
        print(f"not accepted: {len(culprits) - 40} more arrays")
    print(f"\n{summary({name: total(parts) for name, parts in found.items()}, bounds)}")
    return not culprits


def total(parts: dict[str, Difference]) -> Difference:
    whole = Difference()
    for part in parts.values():
        whole |= part
    return whole


def row_of(configuration: str, parts: dict[str, Difference]) -> list[str]:
    row = [configuration, "yes" if total(parts).equal else "no"]
    for part in PARTS:
        known = part in parts
        row += [
            f"{parts[part].absolute:.2g}" if known else "",
            f"{parts[part].relative:.2g}" if known else "",
        ]
    return row


def summary(totals: dict[str, Difference], bounds: dict[str, float]) -> str:
    """Count what is equal; rounding in single precision is of another size."""
    equal = sum(whole.equal for whole in totals.values())
    text = f"{equal} of {len(totals)} equal bit for bit ({kernels.backend()}); largest difference"
    for precision in ("double", "single"):
        of_precision = Difference()
        for name, whole in totals.items():
            if (bounds[name] == ACCEPTED_ON_NUMPY) == (precision == "double"):
                of_precision |= whole
        text += (
            f"\n  in {precision} precision {of_precision.absolute:.2g} absolute, "
            f"{of_precision.relative:.2g} relative"
        )
    return text


def compare_with(path: Path) -> bool:
    with np.load(path) as file:
        before = dict(file)
    header = {name: str(before.pop(name)) for name in HEADER}
    backend = kernels.backend()
    if header["backend"] != backend:
        raise SystemExit(f"{path} was written on {header['backend']}, but this is {backend}.")
    print(f"{header['folder']} against {Path(skrnn.__file__).parent}:\n")
    return compare(before, all_numbers(), exact=backend != "numpy")


# --- a commit ------------------------------------------------------------------------------------

# The finder of an editable install would find the checkout first.
WITHOUT_EDITABLE = """\
import sys
sys.meta_path[:] = [
    finder for finder in sys.meta_path if type(finder).__name__ != "ScikitBuildRedirectingFinder"
]
"""


def write_of_commit(revision: str, path: Path, folder: Path) -> None:
    """Check `revision` out into `folder` and write its numbers to `path`."""
    archive = _git("archive", "--format=tar", revision, "skrnn").stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    (folder / "sitecustomize.py").write_text(WITHOUT_EDITABLE)
    if kernels.backend() != "numpy":
        bring_kernels(revision, folder)
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, __file__, "--write", str(path)]
    subprocess.run(command, env=environment, check=True)
    with np.load(path) as file:
        imported = Path(str(file["folder"]))
    if imported != folder / "skrnn":
        raise SystemExit(f"Not {revision} ran, but the skrnn of {imported}.")


def bring_kernels(revision: str, folder: Path) -> None:
    """Copy the compiled kernels of this checkout, or compile those of `revision`."""
    sources = [str(KERNELS / pattern) for pattern in ("*.hpp", "*.cpp", "CMakeLists.txt")]
    changed = _git("diff", "--quiet", revision, "--", *sources, check=False).returncode
    ours = list((ROOT / KERNELS).glob("_kernels.*"))
    if not changed and ours:
        for module in ours:
            shutil.copy(module, folder / KERNELS)
        return
    build = folder / "build"
    python = f"-DPython_EXECUTABLE={sys.executable}"
    for command in (
        ["-S", folder / KERNELS, "-B", build, python],
        ["--build", build],
        ["--install", build, "--prefix", folder],
    ):
        subprocess.run(["cmake", *command], check=True, stdout=subprocess.DEVNULL)


def _git(*arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=check, stdout=subprocess.PIPE)


def compare_with_commit(revision: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        resolved = Path(folder).resolve()
        path = resolved / "numbers.npz"
        write_of_commit(revision, path, resolved)
        return compare_with(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=Path, metavar="FILE", help="write the numbers to FILE (.npz)")
    what.add_argument("--compare", type=Path, metavar="FILE", help="compare with those of FILE")
    what.add_argument("--against", metavar="REV", help="compare with a commit of this repository")
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.write)
    elif arguments.compare:
        sys.exit(0 if compare_with(arguments.compare) else 1)
    else:
        sys.exit(0 if compare_with_commit(arguments.against) else 1)


if __name__ == "__main__":
    main()
