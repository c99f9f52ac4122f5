"""scikit-learn's tools in one table: which forms of X, and of step targets, each of them takes.

Every entry of `TOOLS` runs a tool on one form of X, every entry of `STEP_TOOLS` on one form of
targets at every time step. Where scikit-learn refuses a form, the entry records the message and a
way round it. `test_toolbox.py` proves every cell, `toolbox_table.py` writes the table of the
documentation.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ragged_forms import object_array, padded
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes Halving* importable
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SequentialFeatureSelector,
)
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    LeavePGroupsOut,
    LeavePOut,
    PredefinedSplit,
    RandomizedSearchCV,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skrnn import RNNClassifier, RNNRegressor, inspection
from skrnn.inspection import HiddenStates, hidden_states
from skrnn.metrics import step_scorer
from skrnn.model_selection import StratifiedSequenceKFold, sequence_labels
from skrnn.preprocessing import SequenceScaler, Windows, from_long
from skrnn.sequences import as_sequences

# --- Data: the sign of channel x is one label, that of channel y another -------------------------

N_SAMPLES = 32
SIGNS = np.column_stack([np.arange(N_SAMPLES) % 2, np.arange(N_SAMPLES) // 2 % 2]) * 2 - 1
LABELS = np.where(SIGNS[:, 0] > 0, "up", "down")
NUMBERS = SIGNS[:, 0].astype(float)
TWO_LABELS = (SIGNS > 0).astype(int)
THREE_CLASSES = np.where(SIGNS[:, 0] < 0, "left", np.where(SIGNS[:, 1] < 0, "low", "high"))
GROUPS = np.arange(N_SAMPLES) // 4 % 3

EQUAL = [4] * N_SAMPLES
RAGGED = np.random.default_rng(1).integers(2, 6, N_SAMPLES).tolist()


@cache
def samples(lengths: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        signs + 0.3 * rng.normal(size=(length, 2))
        for signs, length in zip(SIGNS, lengths, strict=True)
    ]


def ragged_list() -> list[np.ndarray]:
    return list(samples(tuple(RAGGED)))


def array_3d() -> np.ndarray:
    return np.stack(samples(tuple(EQUAL)))


def frame_2d() -> pd.DataFrame:
    columns = [f"{channel}_{step}" for step in range(EQUAL[0]) for channel in "xy"]
    return pd.DataFrame(array_3d().reshape(N_SAMPLES, -1), columns=columns)


def padded_array() -> np.ndarray:
    return padded(ragged_list(), extra_steps=0)


def framed(sequences: Any) -> pd.DataFrame:
    """A DataFrame whose cells are the sequences."""
    frames = [pd.DataFrame(s, columns=["x", "y"]).assign(id=i) for i, s in enumerate(sequences)]
    return from_long(pd.concat(frames, ignore_index=True), id="id")


@cache
def sequence_frame() -> pd.DataFrame:
    return framed(ragged_list())


def arrow_frame() -> pd.DataFrame:
    pa = pytest.importorskip("pyarrow")
    return sequence_frame().astype(pd.ArrowDtype(pa.list_(pa.float64())))


@cache
def windows() -> Windows:
    """Samples of the same signs, every fourth, are overlapping runs of rows of one series."""
    step, n_timesteps = 2, EQUAL[0]
    n_rows = step * (N_SAMPLES // 4 - 1) + n_timesteps
    noise = np.random.default_rng(9).normal(size=(4 * n_rows, 2))
    table = np.repeat(SIGNS[:4], n_rows, axis=0) + 0.3 * noise
    samples = np.arange(N_SAMPLES)
    starts = samples % 4 * n_rows + samples // 4 * step
    return Windows(table, starts, n_timesteps, channels=["x", "y"])


FORMS: dict[str, Callable[[], Any]] = {
    "2-D frame": frame_2d,
    "3-D array": array_3d,
    "windows": windows,
    "ragged list": ragged_list,
    "sequence frame": sequence_frame,
    "Arrow frame": arrow_frame,
}
# The same sequences as a plain 3-D array, which every form has to give the result of.
PLAIN: dict[str, Callable[[], Any]] = dict.fromkeys(FORMS, padded_array)
PLAIN["2-D frame"] = PLAIN["3-D array"] = array_3d
PLAIN["windows"] = lambda: np.asarray(windows())


@cache
def step_samples(lengths: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    shapes = [(length, 2) for length in lengths]
    return [rng.choice([-1, 1], shape) + 0.3 * rng.normal(size=shape) for shape in shapes]


def step_labels(sequences: Any) -> list[np.ndarray]:
    """The label of a step is the sign of channel x there."""
    return [np.where(sequence[:, 0] > 0, "up", "down") for sequence in sequences]


def step_array() -> tuple[np.ndarray, np.ndarray]:
    X = np.stack(step_samples(tuple(EQUAL)))
    return X, np.stack(step_labels(X))


def step_list() -> tuple[list[np.ndarray], list[np.ndarray]]:
    X = list(step_samples(tuple(RAGGED)))
    return X, step_labels(X)


def step_objects() -> tuple[list[np.ndarray], np.ndarray]:
    X, y = step_list()
    return X, object_array(y)


def step_frame() -> tuple[list[np.ndarray], pd.DataFrame]:
    X, y = step_objects()
    return X, pd.DataFrame({"label": y})


# X, and the form of y that the name says.
STEP_FORMS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "2-D array": step_array,
    "ragged list": step_list,
    "object array": step_objects,
    "sequence frame": step_frame,
}
PLAIN_STEPS = dict.fromkeys(STEP_FORMS, step_list)
PLAIN_STEPS["2-D array"] = step_array

# --- Estimators of a few milliseconds ------------------------------------------------------------

QUICK = {
    "hidden_layer_sizes": 4,
    "cell": "rnn",
    "readout": "mean",
    "n_channels": 2,
    "learning_rate_init": 0.2,
    "learning_rate": "cosine",  # ends at max_iter by plan, without a warning
    "max_iter": 8,
    "random_state": 0,
}


def classifier(**parameters: Any) -> RNNClassifier:
    return RNNClassifier(**{**QUICK, **parameters})


def regressor(**parameters: Any) -> RNNRegressor:
    return RNNRegressor(**{**QUICK, **parameters})


def two(make: Callable) -> list[tuple[str, Any]]:
    return [("rnn", make(cell="rnn")), ("gru", make(cell="gru"))]


def means(X: Any) -> np.ndarray:
    """The mean of every channel, of sequences in any form: features of a plain table."""
    sequences = as_sequences(X, n_channels=2)
    sums = np.add.reduceat(sequences.values, sequences.starts)
    return sums / sequences.lengths[:, np.newaxis]


def take(X: Any, samples: Any) -> Any:
    if isinstance(X, list):
        return [X[i] for i in samples]
    return X.iloc[samples] if hasattr(X, "iloc") else X[samples]


def channel(X: Any, name: str) -> Any:
    """One channel of `X`, in the form of `X`; that of a 2-D frame are columns of one channel."""
    if isinstance(X, pd.DataFrame):
        return X[columns_of(X, name)]
    c = "xy".index(name)
    return [s[:, [c]] for s in X] if isinstance(X, list) else X[:, :, [c]]


def columns_of(X: Any, name: str) -> list[str]:
    """The columns of a channel; what is no DataFrame has none, and is asked for `name` itself."""
    return [column for column in getattr(X, "columns", [name]) if column.startswith(name)]


def flat(X: Any) -> np.ndarray:
    return np.asarray(X).reshape(len(X), -1)


def after(change: Callable[[Any], Any], run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Run a tool on X in another form."""
    return lambda X: run(change(X))


def by_row_numbers(tool: Callable[[Any], Any], X: Any, y: Any) -> np.ndarray:
    """Let a tool see a table of row numbers; a step before the network looks the rows up."""
    look_up = FunctionTransformer(lambda rows: take(X, np.ravel(rows).astype(int)))
    rows = np.arange(len(X)).reshape(-1, 1)
    return tool(make_pipeline(look_up, classifier())).fit(rows, y).predict(rows)


# --- The table -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Refusal:
    """What scikit-learn says, and what to do instead (a key of REMEDIES), which is run too."""

    message: str
    remedy: str
    instead: Callable[..., Any]


@dataclass(frozen=True)
class Tool:
    """A tool of scikit-learn.

    Attributes
    ----------
    name : str
        As in the documentation.
    run : callable
        ``run(X)``, or ``run(X, y)`` of step targets; returns numbers or labels that depend on
        all the tool does.
    right : callable
        Whether the result is what the data make it.
    refusals : dict of str to Refusal
        By the name of the form.
    """

    name: str
    run: Callable[..., Any]
    right: Callable[[Any], bool]
    refusals: dict[str, Refusal] = field(default_factory=dict)


DIM_3 = "Found array with dim 3"
CELL = "setting an array element with a sequence"
NO_NAMES = "Unable to generate feature names without n_features_in_"
NO_COEF = "should have `coef_` or `feature_importances_` attribute"
AMBIGUOUS = "The truth value of an array with more than one element is ambiguous"

REMEDIES = {
    "flatten": "Pass the 2-D form, `np.asarray(X).reshape(len(X), -1)`, and set `n_channels`.",
    "frame": "Pass a DataFrame whose cells are the sequences, as `from_long` returns it.",
    "rows": "Pass a table of row numbers, and look the sequences up in front of the network: "
    "[below](#row-numbers-in-place-of-sequences).",
    "bagging": "Take `BaggingClassifier` or `BaggingRegressor`, with a DataFrame whose cells are "
    "the sequences.",
    "scaler": "Take `skrnn.preprocessing.SequenceScaler`, which takes every form.",
    "importance": "Take `skrnn.inspection.permutation_importance`, which permutes channels or "
    "time steps of every form.",
    "channels": "Choose channels in a step of the pipeline and search over the choice: "
    "[below](#which-channels-matter).",
    "pick": "Let a `FunctionTransformer` take the channels: [below](#which-channels-matter).",
    "columns": "Only a DataFrame has columns of sequences beside others: put the sequences into "
    "its cells, as `from_long` does.",
    "select": "A recurrent network has no `coef_`: take `SequentialFeatureSelector`.",
    "states": "Let `HiddenStates` turn the sequences into a table first: "
    "[below](#hidden-states-as-a-table).",
    "stratified": "Take `skrnn.model_selection.StratifiedSequenceKFold`, or give scikit-learn's "
    "splitter `sequence_labels(y)`: [targets at every step](step_targets.md#cross-validation).",
    "scorer": 'Pass `scoring=step_scorer("accuracy")`, or leave `scoring=None`: '
    "[targets at every step](step_targets.md#scores).",
    "estimators": "Keep the estimators and indices of `cross_validate`: "
    "[below](#probabilities-of-every-fold).",
    "lengths": "Pass `groups=` the lengths, so that only sequences of one length exchange targets, "
    "and `cv=list(KFold(5).split(X))`, which has no use for groups.",
    "average": "Average the members' answers: [below](#averages-of-step-predictions).",
    "step states": "Take the states of all time steps as the rows of a table: "
    "[below](#hidden-states-as-a-table).",
    "several labels": "`RNNClassifier` itself takes several labels a step, `y` of shape "
    "`(n_samples, n_timesteps, n_labels)`.",
    "transform": "Transform the targets of every sequence before `fit`, and the predictions back.",
    "summary": "Give the final estimator numbers in place of the sequences: a summary of them as "
    "one more member of the ensemble.",
}


def equals(expected: np.ndarray) -> Callable[[Any], bool]:
    return partial(np.array_equal, expected)


def same_sign(result: Any) -> bool:
    return np.array_equal(np.sign(result), NUMBERS)


def high(scores: Any) -> bool:
    """Far above chance, which is 0.5."""
    return bool(np.mean(scores) > 0.75)


def fit_predict(estimator: Any, y: np.ndarray) -> Callable[[Any], np.ndarray]:
    return lambda X: clone(estimator).fit(X, y).predict(X)


def scores_of(splitter: Any, **options: Any) -> Callable[[Any], np.ndarray]:
    return lambda X: cross_val_score(
        classifier(), X, LABELS, cv=splitter, error_score="raise", **options
    )


def scores_of_few(splitter: Any) -> Callable[[Any], np.ndarray]:
    """Scores of splitters that make very many splits of many samples."""
    return lambda X: cross_val_score(
        classifier(), take(X, range(6)), LABELS[:6], cv=splitter, error_score="raise"
    )


def search_of(search: Callable, **options: Any) -> Callable[[Any], np.ndarray]:
    grid = {"cell": ["rnn", "gru"], "init": ["he_normal"]}

    def run(X):
        fitted = search(classifier(), grid, error_score="raise", **options).fit(X, LABELS)
        assert fitted.score(X, LABELS) == 1
        return fitted.cv_results_["mean_test_score"]

    return run


def split_fit_score(X: Any) -> float:
    X_train, X_test, y_train, y_test = train_test_split(
        X, LABELS, test_size=12, stratify=LABELS, random_state=0
    )
    assert type(X_train) is type(X)
    return classifier().fit(X_train, y_train).score(X_test, y_test)


def cross_validate_many(X: Any) -> np.ndarray:
    scoring = ["accuracy", "neg_log_loss", "roc_auc"]
    scores = cross_validate(classifier(), X, LABELS, cv=2, scoring=scoring, error_score="raise")
    assert scores["test_neg_log_loss"].min() > -0.5
    return np.array([scores["test_accuracy"], scores["test_roc_auc"]])


def curve(function: Callable, **options: Any) -> Callable[[Any], np.ndarray]:
    return lambda X: function(classifier(), X, LABELS, cv=2, error_score="raise", **options)[-1]


def permutation_test(X: Any) -> np.ndarray:
    score, permuted, _ = permutation_test_score(
        classifier(), X, LABELS, cv=2, n_permutations=3, random_state=0
    )
    return np.array([score, *permuted])


def importance(function: Callable) -> Callable[[Any], np.ndarray]:
    """How much the score falls without channel x and without channel y."""

    def run(X):
        result = function(classifier().fit(X, LABELS), X, LABELS, n_repeats=3, random_state=0)
        return result.importances_mean.reshape(-1, 2).mean(axis=0)

    return run


def x_matters(result: np.ndarray) -> bool:
    return result[0] > result[1] + 0.05


def scaled_pipeline(scaler: Any) -> Callable[[Any], np.ndarray]:
    return fit_predict(make_pipeline(scaler, classifier()), LABELS)


def column_pipeline(X: Any) -> np.ndarray:
    columns = ColumnTransformer([("x", SequenceScaler(), columns_of(X, "x"))])
    return fit_predict(make_pipeline(columns, classifier(n_channels=1)), LABELS)(X)


def states_beside_columns(X: Any) -> np.ndarray:
    """Sequences and an ordinary column in one DataFrame, each with the transformer it needs."""
    if isinstance(X, pd.DataFrame):
        X = X.assign(age=SIGNS[:, 1] * 10.0)
    columns = ColumnTransformer(
        [
            ("states", HiddenStates(classifier(n_channels=1)), columns_of(X, "x")),
            ("age", StandardScaler(), ["age"]),
        ]
    )
    return fit_predict(make_pipeline(columns, LogisticRegression()), THREE_CLASSES)(X)


def named_columns(X: Any) -> ColumnTransformer:
    columns = [("scale", SequenceScaler(), columns_of(X, "x"))]
    return ColumnTransformer(columns, verbose_feature_names_out=False)


def first_name_in_pandas(X: Any) -> str:
    """The channel of the first name that reaches the network."""
    columns = named_columns(X).set_output(transform="pandas")
    pipeline = make_pipeline(columns, classifier(n_channels=1)).fit(X, LABELS)
    return pipeline[-1].feature_names_in_[0][0]


def picked_by_function(X: Any) -> np.ndarray:
    pick = FunctionTransformer(channel, kw_args={"name": "x"})
    return fit_predict(make_pipeline(pick, classifier(n_channels=1)), LABELS)(X)


def channel_search(X: Any) -> str:
    pipeline = make_pipeline(FunctionTransformer(channel), classifier(n_channels=1))
    grid = {"functiontransformer__kw_args": [{"name": "x"}, {"name": "y"}]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, LABELS)
    return search.best_params_["functiontransformer__kw_args"]["name"]


def selected(selector: Any) -> Callable[[Any], str]:
    """The channel of the one column that a selector keeps."""
    return lambda X: selector.fit(X, LABELS).get_feature_names_out()[0][0]


def is_x(result: str) -> bool:
    return result == "x"


UNION = FeatureUnion(
    [("states", HiddenStates(classifier())), ("means", FunctionTransformer(means))]
)
ENSEMBLES = [
    (
        BaggingClassifier(classifier(), n_estimators=3, random_state=0),
        AdaBoostClassifier(classifier(), n_estimators=3, random_state=0),
        LABELS,
        equals(LABELS),
    ),
    (
        BaggingRegressor(regressor(), n_estimators=3, random_state=0),
        AdaBoostRegressor(regressor(), n_estimators=3, random_state=0),
        NUMBERS,
        same_sign,
    ),
]
STACKING = StackingClassifier(two(classifier), LogisticRegression(), cv=2)
WITH_MEANS = StackingClassifier(
    [
        ("rnn", classifier()),
        ("means", make_pipeline(FunctionTransformer(means), LogisticRegression())),
    ],
    LogisticRegression(),
    cv=2,
)
STACKING_OF_ROWS = StackingClassifier([("linear", LogisticRegression())], cv=2)
# Of so many random codes one is the same for all classes: only then is X checked as a table.
OUTPUT_CODE = OutputCodeClassifier(classifier(), code_size=3, random_state=0)
# The labels before it in a chain are further time steps of one channel.
FOR_CHAINS = {"n_channels": 1, "readout": "last", "cell": "gru", "max_iter": 60}
SEQUENTIAL = SequentialFeatureSelector(classifier(n_channels=1), n_features_to_select=1, cv=2)
PARTLY_LABELLED = np.where(np.arange(N_SAMPLES) % 3 == 0, -1, TWO_LABELS[:, 0])


def states_then(final: Any, y: np.ndarray, estimator: Any = None) -> Callable[[Any], np.ndarray]:
    return fit_predict(make_pipeline(HiddenStates(estimator or classifier()), final), y)


def refused_tables(
    instead_of_3d: tuple[str, Callable], instead: tuple[str, Callable], forms: dict[str, str]
) -> dict[str, Refusal]:
    """Refusals of a tool that checks X as a table: `forms` gives the messages of the others."""
    return {
        **dict.fromkeys(THREE_AXES, Refusal(DIM_3, *instead_of_3d)),
        **{form: Refusal(message, *instead) for form, message in forms.items()},
    }


THREE_AXES = ["3-D array", "windows"]
UNTIDY = {"ragged list": CELL, "sequence frame": CELL, "Arrow frame": AMBIGUOUS}
NO_COLUMNS = {
    **dict.fromkeys(THREE_AXES, "only supported for dataframes"),
    "ragged list": "Expected 2D array, got 1D array instead",
}

SPLITTERS = {
    KFold(2): scores_of,
    StratifiedKFold(2): scores_of,
    GroupKFold(2): partial(scores_of, groups=GROUPS),
    StratifiedGroupKFold(2): partial(scores_of, groups=GROUPS),
    TimeSeriesSplit(2): scores_of,
    ShuffleSplit(2, random_state=0): scores_of,
    StratifiedShuffleSplit(2, random_state=0): scores_of,
    GroupShuffleSplit(2, random_state=0): partial(scores_of, groups=GROUPS),
    RepeatedKFold(n_splits=2, n_repeats=2, random_state=0): scores_of,
    RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0): scores_of,
    LeaveOneGroupOut(): partial(scores_of, groups=GROUPS),
    LeavePGroupsOut(2): partial(scores_of, groups=GROUPS),
    PredefinedSplit(GROUPS): scores_of,
    LeaveOneOut(): scores_of_few,
    LeavePOut(2): scores_of_few,
}

TOOLS = [
    Tool("`train_test_split`", split_fit_score, high),
    *[Tool(f"`{type(cv).__name__}`", make(cv), high) for cv, make in SPLITTERS.items()],
    Tool("`cross_validate`, several scores", cross_validate_many, high),
    Tool(
        "`cross_val_predict`",
        lambda X: cross_val_predict(classifier(), X, LABELS, cv=2),
        equals(LABELS),
    ),
    Tool(
        '`cross_val_predict(method="predict_proba")`',
        lambda X: cross_val_predict(classifier(), X, LABELS, cv=2, method="predict_proba"),
        lambda proba: np.array_equal(proba[:, 1] > 0.5, LABELS == "up"),
    ),
    Tool("`GridSearchCV`", search_of(GridSearchCV, cv=2), high),
    Tool(
        "`RandomizedSearchCV`",
        search_of(RandomizedSearchCV, cv=2, n_iter=2, random_state=0),
        high,
    ),
    Tool(
        "`HalvingGridSearchCV`",
        search_of(HalvingGridSearchCV, cv=2, min_resources=10, random_state=0),
        high,
    ),
    Tool(
        "`HalvingRandomSearchCV`",
        search_of(HalvingRandomSearchCV, cv=2, n_candidates=2, min_resources=10, random_state=0),
        high,
    ),
    Tool("`learning_curve`", curve(learning_curve, train_sizes=[8, 16]), high),
    Tool(
        "`validation_curve`",
        curve(validation_curve, param_name="alpha", param_range=[0, 1e-3]),
        high,
    ),
    Tool("`permutation_test_score`", permutation_test, lambda s: s[0] > s[1:].max() + 0.1),
    Tool(
        "`permutation_importance`",
        importance(permutation_importance),
        x_matters,
        {
            form: Refusal(message, "importance", importance(inspection.permutation_importance))
            for form, message in {
                **dict.fromkeys(THREE_AXES, DIM_3),
                "ragged list": CELL,
                "sequence frame": "All channels of a sequence must be equally long",
                "Arrow frame": "All channels of a sequence must be equally long",
            }.items()
        },
    ),
    Tool(
        "`Pipeline` with `SequenceScaler`",
        scaled_pipeline(SequenceScaler(n_channels=2)),
        equals(LABELS),
    ),
    Tool(
        "`Pipeline` with `StandardScaler`",
        scaled_pipeline(StandardScaler()),
        equals(LABELS),
        refused_tables(
            ("scaler", scaled_pipeline(SequenceScaler())),
            ("scaler", scaled_pipeline(SequenceScaler())),
            {**UNTIDY, "Arrow frame": CELL},
        ),
    ),
    Tool(
        "`ColumnTransformer` that scales and picks channels",
        column_pipeline,
        equals(LABELS),
        {
            form: Refusal(message, "pick", picked_by_function)
            for form, message in NO_COLUMNS.items()
        },
    ),
    Tool(
        '`ColumnTransformer.set_output(transform="pandas")`',
        first_name_in_pandas,
        is_x,
        {
            form: Refusal(message, "columns", after(framed, first_name_in_pandas))
            for form, message in NO_COLUMNS.items()
        },
    ),
    Tool(
        "`ColumnTransformer`: hidden states beside ordinary columns",
        states_beside_columns,
        equals(THREE_CLASSES),
        {
            form: Refusal(message, "columns", after(framed, states_beside_columns))
            for form, message in NO_COLUMNS.items()
        },
    ),
    Tool(
        "`FeatureUnion` of hidden states and other features",
        fit_predict(make_pipeline(UNION, LogisticRegression()), THREE_CLASSES),
        equals(THREE_CLASSES),
    ),
    Tool(
        "`TransformedTargetRegressor`",
        fit_predict(
            TransformedTargetRegressor(regressor(), func=np.sinh, inverse_func=np.arcsinh), NUMBERS
        ),
        same_sign,
    ),
    Tool(
        "`VotingClassifier`",
        fit_predict(VotingClassifier(two(classifier), voting="soft"), LABELS),
        equals(LABELS),
    ),
    Tool("`VotingRegressor`", fit_predict(VotingRegressor(two(regressor)), NUMBERS), same_sign),
    Tool("`StackingClassifier`", fit_predict(STACKING, LABELS), equals(LABELS)),
    Tool(
        "`StackingRegressor`",
        fit_predict(StackingRegressor(two(regressor), Ridge(), cv=2), NUMBERS),
        same_sign,
    ),
    Tool(
        "`StackingClassifier(passthrough=True)`",
        fit_predict(clone(STACKING).set_params(passthrough=True), LABELS),
        equals(LABELS),
        {
            form: Refusal(message, "summary", fit_predict(WITH_MEANS, LABELS))
            for form, message in {
                **dict.fromkeys(THREE_AXES, "must have same number of dimensions"),
                "ragged list": CELL,
                "sequence frame": CELL,
                "Arrow frame": CELL,
            }.items()
        },
    ),
    *[
        Tool(
            f"`{type(bagging).__name__}`",
            fit_predict(bagging, y),
            right,
            refused_tables(
                ("flatten", after(flat, fit_predict(bagging, y))),
                ("frame", after(framed, fit_predict(bagging, y))),
                {"ragged list": CELL},
            ),
        )
        for bagging, _, y, right in ENSEMBLES
    ],
    *[
        Tool(
            f"`{type(boosting).__name__}`",
            fit_predict(boosting, y),
            right,
            {
                "ragged list": Refusal(CELL, "bagging", after(framed, fit_predict(bagging, y))),
                "sequence frame": Refusal(AMBIGUOUS, "bagging", fit_predict(bagging, y)),
                "Arrow frame": Refusal(AMBIGUOUS, "bagging", fit_predict(bagging, y)),
            },
        )
        for bagging, boosting, y, right in ENSEMBLES
    ],
    Tool(
        "`CalibratedClassifierCV`",
        fit_predict(CalibratedClassifierCV(classifier(), cv=2), LABELS),
        equals(LABELS),
    ),
    Tool(
        "`CalibratedClassifierCV` of a `FrozenEstimator`",
        lambda X: (
            CalibratedClassifierCV(FrozenEstimator(classifier().fit(X, LABELS)), cv=2)
            .fit(X, LABELS)
            .predict(X)
        ),
        equals(LABELS),
    ),
    Tool(
        "`TunedThresholdClassifierCV`",
        fit_predict(TunedThresholdClassifierCV(classifier(), thresholds=5, cv=2), LABELS),
        equals(LABELS),
    ),
    Tool(
        "`FixedThresholdClassifier`",
        fit_predict(FixedThresholdClassifier(classifier(), threshold=0.5, pos_label="up"), LABELS),
        equals(LABELS),
    ),
    Tool(
        "`OneVsRestClassifier`",
        fit_predict(OneVsRestClassifier(classifier()), THREE_CLASSES),
        equals(THREE_CLASSES),
    ),
    Tool(
        "`OneVsOneClassifier`",
        fit_predict(OneVsOneClassifier(classifier()), THREE_CLASSES),
        equals(THREE_CLASSES),
        refused_tables(
            (
                "flatten",
                after(flat, fit_predict(OneVsOneClassifier(classifier()), THREE_CLASSES)),
            ),
            ("rows", lambda X: by_row_numbers(OneVsOneClassifier, X, THREE_CLASSES)),
            {"ragged list": CELL, "sequence frame": CELL},
        ),
    ),
    Tool(
        "`OutputCodeClassifier`",
        fit_predict(OUTPUT_CODE, THREE_CLASSES),
        equals(THREE_CLASSES),
        refused_tables(
            ("flatten", after(flat, fit_predict(OUTPUT_CODE, THREE_CLASSES))),
            ("frame", after(framed, fit_predict(OUTPUT_CODE, THREE_CLASSES))),
            {"ragged list": CELL},
        ),
    ),
    Tool(
        "`MultiOutputClassifier`",
        fit_predict(MultiOutputClassifier(classifier()), TWO_LABELS),
        equals(TWO_LABELS),
    ),
    Tool(
        "`MultiOutputRegressor`",
        fit_predict(MultiOutputRegressor(regressor()), SIGNS),
        lambda result: np.array_equal(np.sign(result), SIGNS),
    ),
    Tool(
        "`ClassifierChain`",
        fit_predict(ClassifierChain(classifier(**FOR_CHAINS)), TWO_LABELS),
        lambda result: (result == TWO_LABELS).mean() > 0.9,
        refused_tables(
            *[("states", states_then(ClassifierChain(LogisticRegression()), TWO_LABELS))] * 2,
            UNTIDY,
        ),
    ),
    Tool(
        "`RegressorChain`",
        fit_predict(RegressorChain(regressor(**FOR_CHAINS)), SIGNS),
        lambda result: (np.sign(result) == SIGNS).mean() > 0.9,
        refused_tables(
            *[("states", states_then(RegressorChain(Ridge()), SIGNS, regressor()))] * 2, UNTIDY
        ),
    ),
    Tool(
        "`SelfTrainingClassifier`",
        fit_predict(SelfTrainingClassifier(classifier()), PARTLY_LABELLED),
        equals(TWO_LABELS[:, 0]),
        refused_tables(
            (
                "flatten",
                after(flat, fit_predict(SelfTrainingClassifier(classifier()), PARTLY_LABELLED)),
            ),
            ("rows", lambda X: by_row_numbers(SelfTrainingClassifier, X, PARTLY_LABELLED)),
            {"ragged list": CELL, "sequence frame": CELL},
        ),
    ),
    Tool(
        "`SequentialFeatureSelector`",
        selected(SEQUENTIAL),
        is_x,
        refused_tables(
            *[("channels", channel_search)] * 2, {"ragged list": CELL, "sequence frame": CELL}
        ),
    ),
    Tool(
        "`RFE`",
        selected(RFE(classifier(n_channels=1), n_features_to_select=1)),
        is_x,
        {
            "2-D frame": Refusal(NO_COEF, "select", selected(SEQUENTIAL)),
            **refused_tables(
                *[("channels", channel_search)] * 2, {**UNTIDY, "Arrow frame": NO_COEF}
            ),
        },
    ),
    Tool(
        "`SelectFromModel`",
        selected(SelectFromModel(classifier(n_channels=1), max_features=1)),
        is_x,
        {
            "2-D frame": Refusal(NO_COEF, "select", selected(SEQUENTIAL)),
            **{
                form: Refusal(
                    NO_NAMES if form in ("3-D array", "ragged list") else NO_COEF,
                    "channels",
                    channel_search,
                )
                for form in FORMS
                if "2" not in form
            },
        },
    ),
    Tool(
        "`SelectKBest`",
        selected(SelectKBest(k=1)),
        is_x,
        refused_tables(*[("channels", channel_search)] * 2, UNTIDY),
    ),
]


# --- The table of targets at every time step -----------------------------------------------------

STEPS = {"return_sequences": True}


def as_numbers(y: Any) -> Any:
    """Step labels as -1 and 1, in their form."""
    if isinstance(y, pd.DataFrame):
        return y.assign(label=as_numbers(y["label"].to_numpy()))
    if isinstance(y, np.ndarray) and y.dtype != object:
        return np.where(y == "up", 1.0, -1.0)
    numbers = [as_numbers(steps) for steps in y]
    return numbers if isinstance(y, list) else object_array(numbers)


def per_sequence(y: Any) -> list[np.ndarray]:
    return list(y["label"] if isinstance(y, pd.DataFrame) else y)


def joined(answer: Any) -> np.ndarray:
    """What was predicted for all time steps, one after the other."""
    return np.concatenate(list(answer))


def mostly_right(labels: np.ndarray) -> bool:
    form = step_array if len(labels) == sum(EQUAL) else step_list
    return high(labels == joined(form()[1]))


def step_scores_of(splitter: Any, **options: Any) -> Callable[[Any, Any], np.ndarray]:
    return lambda X, y: cross_val_score(
        classifier(**STEPS), X, y, cv=splitter, error_score="raise", **options
    )


def stratified_folds(X: Any, y: Any) -> np.ndarray:
    return step_scores_of(StratifiedSequenceKFold(2))(X, y)


def stratified_group_folds(X: Any, y: Any) -> np.ndarray:
    labels = sequence_labels(y)
    return step_scores_of(list(StratifiedGroupKFold(2).split(X, labels, GROUPS)))(X, y)


def split_steps(stratify: Callable[[Any], Any]) -> Callable[[Any, Any], float]:
    def run(X, y):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, stratify=stratify(y), random_state=0
        )
        assert type(y_train) is type(y)
        return classifier(**STEPS).fit(X_train, y_train).score(X_test, y_test)

    return run


def step_search(search: Callable, **options: Any) -> Callable[[Any, Any], np.ndarray]:
    scoring = step_scorer("balanced_accuracy")

    def run(X, y):
        fitted = search(
            classifier(**STEPS),
            {"cell": ["rnn", "gru"]},
            cv=KFold(2),
            scoring=scoring,
            error_score="raise",
            **options,
        ).fit(X, y)
        assert fitted.score(X, y) > 0.85
        return fitted.cv_results_["mean_test_score"]

    return run


def step_curve(function: Callable, **options: Any) -> Callable[[Any, Any], np.ndarray]:
    return lambda X, y: function(
        classifier(**STEPS), X, y, cv=KFold(2), error_score="raise", **options
    )[-1]


def step_permutation_test(X: Any, y: Any, groups: Any = None) -> np.ndarray:
    score, permuted, _ = permutation_test_score(
        classifier(**STEPS),
        X,
        y,
        groups=groups,
        cv=list(KFold(2).split(X)),
        n_permutations=3,
        random_state=0,
    )
    return np.array([score, *permuted])


def several_step_scores(X: Any, y: Any) -> np.ndarray:
    scoring = step_scorer(["accuracy", "f1_macro", "roc_auc"])
    scores = cross_validate(
        classifier(**STEPS), X, y, cv=KFold(2), scoring=scoring, error_score="raise"
    )
    return np.array([scores[f"test_{name}"] for name in ("accuracy", "f1_macro", "roc_auc")])


def step_importance(function: Callable) -> Callable[[Any, Any], np.ndarray]:
    return lambda X, y: (
        function(
            classifier(**STEPS).fit(X, y), X, y, scoring=step_scorer("accuracy"), random_state=0
        ).importances_mean
    )


def step_predictions(estimator: Any) -> Callable[[Any, Any], np.ndarray]:
    return lambda X, y: joined(clone(estimator).fit(X, y).predict(X))


def step_probabilities(X: Any, y: Any) -> np.ndarray:
    with warnings.catch_warnings():
        # Of a 2-D y, before the error: it is taken for several outputs.
        warnings.filterwarnings("ignore", "Number of classes in training fold", RuntimeWarning)
        return cross_val_predict(classifier(**STEPS), X, y, cv=KFold(2), method="predict_proba")


def probabilities_of_folds(X: Any, y: Any) -> np.ndarray:
    folds = cross_validate(
        classifier(**STEPS), X, y, cv=KFold(2), return_estimator=True, return_indices=True
    )
    proba = np.empty(len(X), dtype=object)
    for fitted, test in zip(folds["estimator"], folds["indices"]["test"], strict=True):
        proba[test] = object_array(list(fitted.predict_proba(take(X, test))))
    return np.where(joined(proba)[:, 1] > 0.5, "up", "down")


def average_of(estimators: list[Any], X: Any, y: Any) -> np.ndarray:
    proba = sum(joined(estimator.fit(X, y).predict_proba(X)) for estimator in estimators)
    return np.where(proba[:, 1] > len(estimators) / 2, "up", "down")


def average_of_two(X: Any, y: Any) -> np.ndarray:
    return average_of([estimator for _, estimator in two(partial(classifier, **STEPS))], X, y)


def average_of_numbers(X: Any, y: Any) -> np.ndarray:
    members = [estimator for _, estimator in two(partial(regressor, **STEPS))]
    mean = sum(joined(member.fit(X, as_numbers(y)).predict(X)) for member in members)
    return np.where(mean > 0, "up", "down")


def states_of_steps_then(final: Any) -> Callable[[Any, Any], np.ndarray]:
    def run(X, y):
        network = classifier(**STEPS).fit(X, y)
        rows = joined(hidden_states(network, X).layers[-1].h)
        return clone(final).fit(rows, joined(per_sequence(y))).predict(rows)

    return run


def several_labels(X: Any, y: Any) -> np.ndarray:
    twice = [np.column_stack([steps, steps[::-1]]) == "up" for steps in per_sequence(y)]
    y_pred = joined(classifier(**STEPS, bidirectional=True).fit(X, twice).predict(X))
    return np.where(y_pred[:, 0] == 1, "up", "down")


def regress(estimator: Any) -> Callable[[Any, Any], np.ndarray]:
    def run(X, y):
        y_pred = joined(clone(estimator).fit(X, as_numbers(y)).predict(X))
        return np.where(y_pred > 0, "up", "down")

    return run


def transform_targets(X: Any, y: Any) -> np.ndarray:
    stretched = [np.sinh(steps) for steps in per_sequence(as_numbers(y))]
    y_pred = np.arcsinh(joined(regressor(**STEPS).fit(X, stretched).predict(X)))
    return np.where(y_pred > 0, "up", "down")


def refused_steps(
    remedy: str, instead: Callable, array: str | None, ragged: str, objects: str, frame: str
) -> dict[str, Refusal]:
    """Refusals by the messages for the four forms of y; no message for one that is taken."""
    messages = zip(STEP_FORMS, (array, ragged, objects, frame), strict=True)
    return {form: Refusal(text, remedy, instead) for form, text in messages if text is not None}


TYPES = "Supported target types are"
UNKNOWN = "Unknown label type"
ONE_D = "y should be a 1d array"
NO_TABLE = {"2-D array": DIM_3, **dict.fromkeys(list(STEP_FORMS)[1:], CELL)}

STEP_TOOLS = [
    Tool("`KFold`", step_scores_of(KFold(2)), high),
    Tool("`cv=2`: folds without stratification", step_scores_of(2), high),
    Tool("`GroupKFold`", step_scores_of(GroupKFold(2), groups=GROUPS), high),
    Tool("`LeaveOneGroupOut`", step_scores_of(LeaveOneGroupOut(), groups=GROUPS), high),
    Tool("`TimeSeriesSplit`", step_scores_of(TimeSeriesSplit(2)), high),
    Tool("`ShuffleSplit`", step_scores_of(ShuffleSplit(2, random_state=0)), high),
    Tool(
        "`StratifiedKFold`",
        step_scores_of(StratifiedKFold(2)),
        high,
        refused_steps("stratified", stratified_folds, TYPES, CELL, AMBIGUOUS, AMBIGUOUS),
    ),
    Tool(
        "`StratifiedGroupKFold`",
        step_scores_of(StratifiedGroupKFold(2), groups=GROUPS),
        high,
        refused_steps("stratified", stratified_group_folds, TYPES, CELL, TYPES, TYPES),
    ),
    Tool("`train_test_split`", split_steps(lambda y: None), high),
    Tool(
        "`train_test_split(stratify=y)`",
        split_steps(lambda y: y),
        high,
        refused_steps(
            "stratified",
            split_steps(sequence_labels),
            "The least populated class",
            CELL,
            AMBIGUOUS,
            AMBIGUOUS,
        ),
    ),
    Tool("`cross_validate(scoring=step_scorer([...]))`", several_step_scores, high),
    Tool(
        '`cross_val_score(scoring="accuracy")`',
        step_scores_of(KFold(2), scoring="accuracy"),
        high,
        refused_steps(
            "scorer",
            step_scores_of(KFold(2), scoring=step_scorer("accuracy")),
            "multiclass-multioutput is not supported",
            *["operands could not be broadcast together"] * 3,
        ),
    ),
    Tool(
        "`cross_val_predict`",
        lambda X, y: joined(cross_val_predict(classifier(**STEPS), X, y, cv=KFold(2))),
        mostly_right,
    ),
    Tool(
        '`cross_val_predict(method="predict_proba")`',
        step_probabilities,
        mostly_right,
        refused_steps(
            "estimators",
            probabilities_of_folds,
            "could not be broadcast to indexing result",
            CELL,
            *["Encoders require their input argument must be uniformly strings or numbers"] * 2,
        ),
    ),
    Tool("`GridSearchCV`", step_search(GridSearchCV), high),
    Tool("`RandomizedSearchCV`", step_search(RandomizedSearchCV, n_iter=2, random_state=0), high),
    Tool(
        "`HalvingGridSearchCV`",
        step_search(HalvingGridSearchCV, min_resources=16, random_state=0),
        high,
    ),
    Tool("`learning_curve`", step_curve(learning_curve, train_sizes=[8, 16]), high),
    Tool(
        "`validation_curve`",
        step_curve(validation_curve, param_name="alpha", param_range=[0, 1e-3]),
        high,
    ),
    Tool(
        "`permutation_test_score`",
        step_permutation_test,
        lambda scores: scores[0] > scores[1:].max() + 0.1,
        refused_steps(
            "lengths",
            lambda X, y: step_permutation_test(X, y, groups=[len(s) for s in X]),
            None,
            *["With return_sequences=True give one target per time step"] * 3,
        ),
    ),
    Tool(
        "`permutation_importance`",
        step_importance(permutation_importance),
        x_matters,
        {
            form: Refusal(message, "importance", step_importance(inspection.permutation_importance))
            for form, message in NO_TABLE.items()
        },
    ),
    Tool(
        "`Pipeline` with `SequenceScaler`",
        step_predictions(make_pipeline(SequenceScaler(), classifier(**STEPS))),
        mostly_right,
    ),
    Tool(
        "`VotingClassifier`",
        step_predictions(VotingClassifier(two(partial(classifier, **STEPS)), voting="soft")),
        mostly_right,
        refused_steps(
            "average",
            average_of_two,
            "Multilabel and multi-output classification are not supported",
            *[UNKNOWN] * 3,
        ),
    ),
    Tool(
        "`VotingRegressor`",
        regress(VotingRegressor(two(partial(regressor, **STEPS)))),
        mostly_right,
        refused_steps("average", average_of_numbers, ONE_D, CELL, None, "A column-vector y"),
    ),
    Tool(
        "`BaggingClassifier`",
        step_predictions(BaggingClassifier(classifier(**STEPS))),
        mostly_right,
        {form: Refusal(message, "average", average_of_two) for form, message in NO_TABLE.items()},
    ),
    Tool(
        "`StackingClassifier`",
        step_predictions(StackingClassifier([("rnn", classifier(**STEPS))], cv=KFold(2))),
        mostly_right,
        refused_steps("step states", states_of_steps_then(STACKING_OF_ROWS), ONE_D, *[UNKNOWN] * 3),
    ),
    Tool(
        "`CalibratedClassifierCV`",
        step_predictions(CalibratedClassifierCV(classifier(**STEPS), cv=KFold(2))),
        mostly_right,
        refused_steps(
            "step states",
            states_of_steps_then(CalibratedClassifierCV(LogisticRegression(), cv=2)),
            ONE_D,
            *[UNKNOWN] * 3,
        ),
    ),
    Tool(
        "`TunedThresholdClassifierCV`",
        step_predictions(TunedThresholdClassifierCV(classifier(**STEPS), cv=KFold(2))),
        mostly_right,
        refused_steps(
            "step states",
            states_of_steps_then(
                TunedThresholdClassifierCV(LogisticRegression(), thresholds=5, cv=2)
            ),
            *["Only binary classification is supported"] * 4,
        ),
    ),
    Tool(
        "`OneVsRestClassifier`",
        step_predictions(OneVsRestClassifier(classifier(**STEPS))),
        mostly_right,
        refused_steps(
            "step states",
            states_of_steps_then(OneVsRestClassifier(LogisticRegression())),
            "Multioutput target data is not supported with label binarization",
            UNKNOWN,
            AMBIGUOUS,
            UNKNOWN,
        ),
    ),
    Tool(
        "`MultiOutputClassifier`",
        step_predictions(MultiOutputClassifier(classifier(**STEPS))),
        mostly_right,
        refused_steps(
            "several labels",
            several_labels,
            "one target per time step is needed",
            CELL,
            AMBIGUOUS,
            AMBIGUOUS,
        ),
    ),
    Tool(
        "`TransformedTargetRegressor`",
        regress(
            TransformedTargetRegressor(
                regressor(**STEPS), func=np.sinh, inverse_func=np.arcsinh, check_inverse=False
            )
        ),
        mostly_right,
        refused_steps("transform", transform_targets, None, CELL, CELL, CELL),
    ),
]
