"""Pickles: what is in them, what is not, who wrote them; and models mapped from a file."""

from __future__ import annotations

import copy
import io
import pickle
from functools import cached_property

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.fixes import parse_version
from small_fits import N_SAMPLES, make_data, small, vector_of

from skrnn import RNNClassifier, RNNRegressor, _pickling
from skrnn.callbacks import Callback, EarlyStopping, MedianPruning
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.preprocessing import HiddenStates, SequenceScaler, TokenEncoder

PRUNING = pytest.param(
    MedianPruning,
    marks=pytest.mark.skipif(
        parse_version(sklearn.__version__) < parse_version("1.9"),
        reason="scikit-learn 1.9 tells a fit of its search",
    ),
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


X, Y = make_data()
IDS = np.round(abs(X)) % 3
ESTIMATORS = {
    "classifier": lambda: small(RNNClassifier).fit(X, Y > 0),
    "regressor": lambda: small().fit(X, Y),
    "steps": lambda: small(RNNClassifier, return_sequences=True).fit(X, X > 0),
    "frames": lambda: small(frame_length=2, frame_units=3, bidirectional=True).fit(X, Y),
    "tokens": lambda: small(n_tokens=3, embedding_dim=2).fit(IDS, Y),
    "after partial_fit": lambda: small().partial_fit(X, Y),
    "scaler": lambda: SequenceScaler().fit(X),
    "encoder": lambda: TokenEncoder().fit(["a b", "b c"]),
    "states": lambda: HiddenStates(small()).fit(X, Y),
}


@pytest.fixture(params=ESTIMATORS)
def est(request):
    """A fitted estimator of every kind."""
    return ESTIMATORS[request.param]()


def answer(est):
    """What an estimator says of data that it takes."""
    of = ["a b"] if isinstance(est, TokenEncoder) else IDS
    return np.asarray((est.predict if hasattr(est, "predict") else est.transform)(of))


# --- the version -------------------------------------------------------------------------------


def test_a_pickle_of_this_version_is_loaded_without_a_warning(est):
    loaded = pickle.loads(pickle.dumps(est))
    assert vars(loaded).keys() == vars(est).keys()


@pytest.mark.parametrize("version", ["0.0.1", None])
def test_a_pickle_of_another_version_warns(est, version, monkeypatch):
    monkeypatch.setattr(_pickling, "__version__", version)
    state = est.__getstate__()
    monkeypatch.undo()
    if version is None:
        del state[_pickling.KEY]
    loaded = object.__new__(type(est))
    with pytest.warns(InconsistentVersionWarning) as caught:
        loaded.__setstate__(state)
    (warning,) = (w.message for w in caught)
    assert warning.original_skrnn_version == (version or "unknown")
    assert f"{type(est).__name__} was saved by skrnn {version or 'unknown'}" in str(warning)
    assert vars(loaded).keys() == vars(est).keys()


def test_the_warning_itself_can_be_pickled():
    warning = _pickling.InconsistentVersionWarning(
        estimator_name="A", current_skrnn_version="2", original_skrnn_version="1"
    )
    assert str(pickle.loads(pickle.dumps(warning))) == str(warning)


# --- what a pickle does not hold -----------------------------------------------------------------


def reachable(root):
    """Every object that hangs together with `root` by attributes and containers."""
    seen, waiting = {}, [root]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, (str, bytes, type, np.ndarray)):
            continue
        seen[id(value)] = value
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting += value
        elif hasattr(value, "__dict__"):
            waiting += vars(value).values()
    return seen.values()


def test_no_cached_property_reaches_the_state_of_anything(est):
    for part in reachable(est):
        cached = {
            key
            for cls in type(part).__mro__
            for key, value in vars(cls).items()
            if isinstance(value, cached_property)
        }
        if cached:
            assert not cached & set(part.__getstate__())


def test_use_does_not_make_a_pickle_grow(est):
    before = len(pickle.dumps(est))
    answer(est)
    assert len(pickle.dumps(est)) == before


def validation_data(mark):
    """A validation set that can be found again in bytes."""
    return X + mark, Y + mark


def holds(pickled, *arrays):
    return any(row.tobytes() in pickled for array in arrays for row in array[:2])


@pytest.mark.parametrize("saved", ["pickle", "joblib"])
@pytest.mark.parametrize("make", [EarlyStopping, PRUNING])
def test_a_fitted_estimator_is_saved_without_the_validation_set_of_its_callbacks(make, saved):
    X_val, y_val = validation_data(mark=0.125)
    est = small().set_callbacks(make(X_val=X_val, y_val=y_val)).fit(X, Y)
    file = io.BytesIO()
    (pickle if saved == "pickle" else joblib).dump(est, file)
    assert not holds(file.getvalue(), X_val, y_val)
    file.seek(0)
    loaded = (pickle if saved == "pickle" else joblib).load(file)
    np.testing.assert_array_equal(loaded.predict(X_val), est.predict(X_val))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_pickle_holds_nothing_of_what_fit_was_given(early_stopping):
    X_val, y_val = validation_data(mark=0.125)
    est = small(early_stopping=early_stopping).fit(X, Y, X_val=X_val, y_val=y_val)
    assert not holds(pickle.dumps(est), X, X_val, y_val)


def test_the_size_of_a_pickle_does_not_depend_on_the_size_of_the_data():
    few, many = small().fit(X, Y), small().fit(np.tile(X, (9, 1)), np.tile(Y, 9))
    assert len(pickle.dumps(few)) == pytest.approx(len(pickle.dumps(many)), abs=100)


def test_a_callback_without_its_validation_set_follows_no_other_fit():
    X_val, y_val = validation_data(mark=1.0)
    stop = EarlyStopping(X_val=X_val, y_val=y_val)
    est = small().set_callbacks(stop).fit(X, Y)
    loaded = pickle.loads(pickle.dumps(est))
    with pytest.raises(ValueError, match=r"leaves out its X_val and y_val.*a new EarlyStopping"):
        loaded.fit(X, Y)
    assert loaded.set_callbacks(stop).fit(X, Y).n_iter_ == est.n_iter_
    assert stop.X_val is X_val


def test_what_is_still_to_be_fitted_keeps_the_validation_set_of_its_callbacks():
    X_val, y_val = validation_data(mark=0.125)
    est = small().set_callbacks(EarlyStopping(X_val=X_val, y_val=y_val))
    for copied in (pickle.loads(pickle.dumps(est)), clone(est.fit(X, Y))):
        (stop,) = copied._skl_callbacks
        np.testing.assert_array_equal(stop.X_val, X_val)


def test_a_copy_made_in_a_fit_holds_nothing_of_the_fit_that_runs():
    class Saves(Callback):
        def on_fit_task_end(self, estimator, context):
            if context.task_name == "epoch":
                self.saved = pickle.dumps(estimator)

        def __reduce__(self):
            return Callback, ()

    saves = Saves()
    est = small().set_callbacks(saves).fit(X, Y)
    saved = pickle.loads(saves.saved)
    assert set(vars(saved)) <= set(vars(est))
    np.testing.assert_array_equal(saved.predict(X), est.predict(X))
    assert not holds(saves.saved, X)


# --- models mapped from a file -------------------------------------------------------------------


def mapped(est, path, mode):
    joblib.dump(est, path)
    return joblib.load(path, mmap_mode=mode)


STOCHASTIC = sorted(name for name, optimizer in OPTIMIZERS.items() if not optimizer.full_batch)
TRAIN_ON = {
    "partial_fit": lambda est: est.partial_fit(X, Y),
    "warm_start": lambda est: est.set_params(warm_start=True).fit(X, Y),
    "fit": lambda est: est.fit(X, Y),
    "warm_start and early_stopping": lambda est: est.set_params(
        warm_start=True, early_stopping=True
    ).fit(X, Y),
    "warm_start and a callback": lambda est: (
        est.set_params(warm_start=True).set_callbacks(EarlyStopping(X_val=X, y_val=Y)).fit(X, Y)
    ),
    "fit, then partial_fit": lambda est: (
        est.set_params(warm_start=True).fit(X, Y).partial_fit(X, Y)
    ),
}


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
@pytest.mark.parametrize("way", TRAIN_ON)
def test_a_model_mapped_from_a_file_trains_on_as_any_other(way, mode, tmp_path):
    est = small().partial_fit(X, Y)
    loaded = mapped(est, tmp_path / "file", mode)
    content = (tmp_path / "file").read_bytes()
    TRAIN_ON[way](loaded)
    TRAIN_ON[way](est)
    np.testing.assert_array_equal(vector_of(loaded), vector_of(est))
    assert (tmp_path / "file").read_bytes() == content


@pytest.mark.parametrize("optimizer", [*STOCHASTIC, "lbfgs"])
def test_the_moments_of_every_optimizer_go_on_from_a_mapped_file(optimizer, tmp_path):
    if optimizer == "lbfgs":
        est, go_on = small(optimizer=optimizer, warm_start=True).fit(X, Y), RNNRegressor.fit
    else:
        est, go_on = small(optimizer=optimizer).partial_fit(X, Y), RNNRegressor.partial_fit
    loaded = mapped(est, tmp_path / "file", "r")
    for _ in range(2):
        go_on(loaded, X, Y)
        go_on(est, X, Y)
    np.testing.assert_array_equal(vector_of(loaded), vector_of(est))


def test_a_scaler_mapped_from_a_file_goes_on(tmp_path):
    scaler = SequenceScaler().fit(X)
    loaded = mapped(scaler, tmp_path / "file", "r").partial_fit(X + 1)
    np.testing.assert_array_equal(loaded.center_, scaler.partial_fit(X + 1).center_)


# --- skops ---------------------------------------------------------------------------------------


def test_skops_saves_and_loads_it(est):
    skops_io = pytest.importorskip("skops.io")
    saved = skops_io.dumps(est)
    loaded = skops_io.loads(saved, trusted=skops_io.get_untrusted_types(data=saved))
    np.testing.assert_array_equal(answer(loaded), answer(est))


def test_a_deep_copy_predicts_alike_and_shares_nothing():
    est = small().fit(X, Y)
    copied = copy.deepcopy(est)
    est.network_.parameters.vector[:] = 0
    assert len(copied.predict(X)) == N_SAMPLES
    assert vector_of(copied).any()
