"""Fit both estimators to random data: `python tests/tables/fuzz_estimators.py 5000`.

A case draws a form and a type of X, with missing values and static columns, targets and weights of
samples or of time steps, and parameters. It may end in two ways: with the model that the same
sequences give as a plain list of arrays, or with an error that somebody wrote. Where X and y are in
order, the plain list has to be refused as well.

Beside the plain list stand plain targets: a time step without a target has one of another step,
and a weight of zero.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from ragged_forms import object_array
from random_forms import Case, is_written, random_case

from skrnn import RNNClassifier, RNNRegressor
from skrnn.sequences import as_sequences

# --- parameters ----------------------------------------------------------------------------------

PARAMETERS: dict[str, list] = {
    "hidden_layer_sizes": [1, 3, (2, 2)],
    "cell": ["rnn", "gru", "lstm"],
    "activation": ["tanh", "relu", "logistic"],
    "init": ["xavier_uniform", "he_normal"],
    "recurrent_init": ["orthogonal", "identity"],
    "optimizer": ["adam", "sgd", "lbfgs", "rmsprop", "adamw"],
    "readout": ["last", "mean", "max"],
    "bidirectional": [False, True],
    "dropout": [0.0, 0.4],
    "batch_size": [1, 2, 200],
    "learning_rate": ["constant", "cosine", "adaptive", "invscaling"],
    "learning_rate_init": [0.001, 0.1],
    "bptt_steps": [None, 1, 3],
    "max_grad_norm": [None, 1.0],
    "alpha": [0.0, 0.01],
    "shuffle": [True, False],
    "early_stopping": [False, False, False, True],
    "frame_length": [1, 2],
    "differences": [True, False],
    "static": ["readout", "channels"],
}
OF_CLASSIFIER: dict[str, list] = {"class_weight": [None, "balanced"]}
OF_REGRESSOR: dict[str, list] = {
    "loss": [
        "squared_error",
        "absolute_error",
        "huber",
        "quantile",
        "gaussian",
        "negative_binomial",
    ],
    "quantile": [0.5, [0.1, 0.9]],
    "normalize_y": [True, False],
}
BAD_PARAMETERS: dict[str, list] = {
    "hidden_layer_sizes": [0, (), "64", None, 2.5],
    "cell": ["ltsm", None, 3],
    "activation": ["tan"],
    "optimizer": ["adm", 1],
    "readout": ["first"],
    "dropout": [1.5, -0.1, "half"],
    "batch_size": [0, -1, 1.5],
    "n_channels": [0, -2, 1.5, "two"],
    "bptt_steps": [0],
    "alpha": [-1.0, np.nan],
    "max_iter": [0, "many"],
    "learning_rate_init": [0.0, -1.0],
    "random_state": [-1, "seed"],
    "static": ["top", None],
    "missing_values": ["forward", None, np.nan],
}


def random_parameters(rng: np.random.Generator, cls: type) -> dict[str, Any]:
    """Draw a few parameters; one in ten sets has one that is not valid."""
    table = {**PARAMETERS, **(OF_CLASSIFIER if cls is RNNClassifier else OF_REGRESSOR)}
    names = rng.choice(list(table), rng.integers(0, 6), replace=False)
    parameters = {str(name): _one_of(rng, table[name]) for name in names}
    if rng.random() < 0.1:
        name = str(rng.choice(list(BAD_PARAMETERS)))
        parameters[name] = _one_of(rng, BAD_PARAMETERS[name])
    return parameters


def _one_of(rng: np.random.Generator, values: list) -> Any:
    return values[rng.integers(len(values))]


# --- targets: n samples -> y ---------------------------------------------------------------------


def _without_some(values: np.ndarray, missing: Any) -> np.ndarray:
    """Two outputs, the second of which is missing in every third row."""
    values[::3, 1] = missing
    return values


LABELS = {
    "integers": lambda rng, n: rng.integers(0, 3, n),
    "list": lambda rng, n: rng.integers(0, 2, n).tolist(),
    "strings": lambda rng, n: np.array(list("abc"))[rng.integers(0, 3, n)],
    "objects": lambda rng, n: np.array(list("ab"), object)[rng.integers(0, 2, n)],
    "bool": lambda rng, n: rng.random(n) < 0.5,
    "series": lambda rng, n: pd.Series(rng.integers(0, 2, n)),
    "category": lambda rng, n: pd.Series(
        np.array(list("xy"))[rng.integers(0, 2, n)], dtype="category"
    ),
    "one class": lambda rng, n: np.zeros(n, int),
    "whole numbers": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "column": lambda rng, n: rng.integers(0, 2, (n, 1)),
    "multilabel": lambda rng, n: rng.integers(0, 2, (n, 2)),
    "some missing": lambda rng, n: _without_some(rng.integers(0, 2, (n, 2)).astype(object), None),
}
NUMBERS = {
    "floats": lambda rng, n: rng.normal(size=n),
    "float32": lambda rng, n: rng.normal(size=n).astype("f4"),
    "integers": lambda rng, n: rng.integers(-9, 9, n),
    "list": lambda rng, n: rng.normal(size=n).tolist(),
    "series": lambda rng, n: pd.Series(rng.normal(size=n)),
    "constant": lambda rng, n: np.full(n, 3.0),
    "outputs": lambda rng, n: rng.normal(size=(n, 2)),
    "frame": lambda rng, n: pd.DataFrame(rng.normal(size=(n, 2))),
    "some missing": lambda rng, n: _without_some(rng.normal(size=(n, 2)), np.nan),
}
BAD_TARGETS = {
    "NaN": lambda rng, n: np.full(n, np.nan),
    "inf": lambda rng, n: np.full(n, np.inf),
    "None": lambda rng, n: None,
    "too many": lambda rng, n: rng.integers(0, 2, n + 1),
    "none": lambda rng, n: [],
    "dict": lambda rng, n: dict.fromkeys(range(n), 1.0),
    "generator": lambda rng, n: (i for i in range(n)),
    "complex": lambda rng, n: np.full(n, 1j),
    "not a time": lambda rng, n: np.full(n, np.datetime64("NaT", "D")),
    "3-D": lambda rng, n: np.zeros((n, 2, 2, 2)),
}
WEIGHTS = {
    "no weights": lambda rng, n: None,
    "weights": lambda rng, n: rng.random(n) + 0.1,
    "whole weights": lambda rng, n: rng.integers(1, 4, n),
}
BAD_WEIGHTS = {
    "negative": lambda rng, n: np.full(n, -1.0),
    "NaN": lambda rng, n: np.full(n, np.nan),
    "too few": lambda rng, n: np.ones(n + 1),
    "all zero": lambda rng, n: np.zeros(n),
}


class Drawn(NamedTuple):
    """Everything that is passed to a fit, and whether it is as it should be.

    Attributes
    ----------
    name : str
        What it is.
    y, weight : object
        Targets and weights.
    valid : bool
        Whether they are in order.
    classes : ndarray or None
        The labels that there are, of a valid `y` of labels.
    plain : tuple of (y, weight)
        Targets and weights that mean the same, of which none is missing.
    """

    name: str
    y: Any
    weight: Any
    valid: bool
    classes: Any
    plain: tuple[Any, Any]


def random_targets(
    rng: np.random.Generator, cls: type, lengths: list[int], *, per_step: bool
) -> Drawn:
    """Draw targets and weights; one in ten is not valid."""
    good = LABELS if cls is RNNClassifier else NUMBERS
    n = len(lengths)
    kinds, weights, valid = good, WEIGHTS, True
    if rng.random() < 0.05:
        kinds, valid = BAD_TARGETS, False
    elif rng.random() < 0.05:
        weights, valid = BAD_WEIGHTS, False
    kind, weighing = str(rng.choice(list(kinds))), str(rng.choice(list(weights)))
    if not (per_step and kinds is good):
        y, weight = kinds[kind](rng, n), weights[weighing](rng, n)
        classes = _classes(np.asarray(y)) if valid and cls is RNNClassifier else None
        return Drawn(f"{kind}, {weighing}", y, weight, valid, classes, (y, weight))
    steps = [np.asarray(good[kind](rng, length)) for length in lengths]
    if weights is WEIGHTS and rng.random() < 0.4:
        weights, weighing = STEP_WEIGHTS, str(rng.choice(list(STEP_WEIGHTS)))
        if rng.random() < 0.1:
            weights, weighing, valid = (*_bad_step_weights(rng), False)
        weight = [weights[weighing](rng, length) for length in lengths]
    else:
        weight = weights[weighing](rng, n)
    y, plain = steps, (steps, weight)
    gap = str(rng.choice(list(GAPS))) if valid and rng.random() < 0.5 else "all labelled"
    if gap != "all labelled":
        y, plain = _unlabelled(rng, steps, weight, GAPS[gap])
    classes = _classes(np.concatenate(plain[0])) if cls is RNNClassifier else None
    y = y if rng.random() < 0.5 else object_array(y)
    return Drawn(f"{kind}, {weighing}, {gap}", y, weight, valid, classes, plain)


def _classes(y: np.ndarray) -> Any:
    return np.unique(y) if y.shape[1:] in ((), (1,)) else [0, 1]


STEP_WEIGHTS = {
    "weights of steps": lambda rng, n: rng.random(n) + 0.1,
    "whole weights of steps": lambda rng, n: rng.integers(1, 4, n).tolist(),
    "some weights of zero": lambda rng, n: rng.permutation(np.arange(n) % 2),
}
BAD_STEP_WEIGHTS = {
    "a negative one of a step": lambda rng, n: np.arange(n) - 1.0,
    "NaN of a step": lambda rng, n: np.where(np.arange(n) == 0, np.nan, 1.0),
    "too few of steps": lambda rng, n: np.ones(n - 1),
    "zeros of steps": lambda rng, n: np.zeros(n),
}
# What stands where a time step has no target.
GAPS = {"NaN": np.nan, "None": None, "NA": pd.NA}


def _bad_step_weights(rng: np.random.Generator) -> tuple[dict, str]:
    return BAD_STEP_WEIGHTS, str(rng.choice(list(BAD_STEP_WEIGHTS)))


def _unlabelled(
    rng: np.random.Generator, steps: list[np.ndarray], weight: Any, gap: Any
) -> tuple[list[np.ndarray], tuple[Any, Any]]:
    """Return targets with gaps, and plain ones of the same meaning with their weights."""
    holes = [rng.random(len(step)) < 0.4 for step in steps]
    holes[0][0] = False
    there = np.concatenate([step[~hole] for step, hole in zip(steps, holes, strict=True)])
    y, plain, weights = [], [], []
    for i, (step, hole) in enumerate(zip(steps, holes, strict=True)):
        is_float = step.dtype.kind == "f" and gap is not None and gap is not pd.NA
        gappy = step.astype(step.dtype if is_float else object)
        gappy[hole] = gap
        filled = step.copy()
        filled[hole] = there[0]
        y.append(gappy)
        plain.append(filled)
        own = 1.0 if weight is None else weight[i]
        weights.append(np.where(hole, 0.0, own))
    return y, (plain, weights)


# --- a case --------------------------------------------------------------------------------------


def run_case(seed: int) -> str:
    """Run one case and return how it ended; an AssertionError says what is wrong.

    Returns
    -------
    {"model", "refused"}
    """
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    cls = RNNClassifier if rng.random() < 0.5 else RNNRegressor
    per_step = rng.random() < 0.2
    parameters = {
        "hidden_layer_sizes": 2,
        "n_channels": 1 if case.samples is None else case.samples[0].shape[1],
        "max_iter": 3,
        "random_state": 0,
        "return_sequences": per_step,
        "missing_values": "decay" if rng.random() < 0.7 else "error",
        **random_parameters(rng, cls),
    }
    lengths = [3] if case.samples is None else [len(sample) for sample in case.samples]
    targets = random_targets(rng, cls, lengths, per_step=per_step)
    method = "partial_fit" if rng.random() < 0.15 else "fit"
    told = f"seed {seed}: {cls.__name__}({parameters}).{method}({case.name}; {targets.name})"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        return _compare(cls, parameters, method, case, targets, told)


def _compare(
    cls: type, parameters: dict, method: str, case: Case, targets: Drawn, told: str
) -> str:
    passed = targets.y, targets.weight
    found, error = _answers(cls, parameters, method, case.X, passed, targets.classes)
    if error is not None:
        assert isinstance(error, (TypeError, ValueError, AttributeError)), f"{told}: {error!r}"
        assert is_written(error), f"{told}: {error!r}"
    refuses_gaps = case.has_gaps and parameters["missing_values"] == "error"
    if case.samples is None or not targets.valid or refuses_gaps:
        assert error is not None, f"{told}: not refused"
        return "refused"
    dtype = np.float64
    if error is None:
        n_channels = parameters["n_channels"]
        dtype = as_sequences(case.X, n_channels=n_channels, allow_nan=True).dtype
    plain = case._replace(samples=[sample.astype(dtype) for sample in case.samples]).plain
    expected, plain_error = _answers(cls, parameters, method, plain, targets.plain, targets.classes)
    if error is not None:
        assert plain_error is not None, f"{told}: {error!r}, but as a list it is not refused"
        return "refused"
    assert plain_error is None, f"{told}: as a list it is refused: {plain_error!r}"
    for one, other in zip(found, expected, strict=True):
        for i in range(len(case.samples)):
            _check_equal(one[i], other[i], f"{told}, sample {i}")
    return "model"


def _answers(
    cls: type, parameters: dict, method: str, X: Any, passed: tuple[Any, Any], classes: Any
) -> tuple[list, BaseException | None]:
    """What a fitted model predicts for its X, and the error if there is none."""
    y, weight = passed
    more = {}
    if method == "partial_fit" and classes is not None:
        more = {"classes": classes}
    try:
        model = cls(**parameters)
        getattr(model, method)(X, y, weight, **more)
        found = [model.predict(X)]
        if cls is RNNClassifier:
            found.append(model.predict_proba(X))
        assert np.isfinite(model.score(X, y, weight)) or len(found[0]) < 2
    except AssertionError:
        raise
    except Exception as error:
        return [], error
    return found, None


def _check_equal(found: Any, expected: Any, told: str) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    if expected.dtype.kind == "f":
        assert np.isfinite(found).all(), f"{told}: {found}"
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=told)
    else:
        assert (found == expected).all(), f"{told}: {found} instead of {expected}"


def main(n_cases: int) -> None:
    """Run so many cases and print how they ended; stop at none that is wrong."""
    ends: Counter[str] = Counter()
    wrong = []
    for seed in range(n_cases):
        try:
            ends[run_case(seed)] += 1
        except AssertionError as error:
            wrong.append(str(error))
    print(*wrong, sep="\n")
    print(f"{n_cases} cases: {dict(ends)}, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
