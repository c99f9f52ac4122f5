"""Checkpoint: a resumed fit is equal to the bit."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from own_parts import Averaged
from sklearn.model_selection import GridSearchCV
from small_fits import (
    N_SAMPLES,
    N_TIMESTEPS,
    Recorder,
    fail,
    fitted_attributes,
    interrupt,
    make_data,
    small,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import Callback, Checkpoint, EarlyStopping, LiveLoss
from skrnn.callbacks._checkpoint import _load, fingerprint_of
from skrnn.core.optimizers import LBFGS, OPTIMIZERS
from skrnn.core.training import SCHEDULES
from skrnn.estimators._data import Dataset
from skrnn.persistence._content import to_bytes

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:Training interrupted",
)


STOCHASTIC = sorted(name for name, optimizer in OPTIMIZERS.items() if not optimizer.full_batch)


def killed_and_resumed(path, at, X, y, cls=RNNRegressor, callbacks=(), **parameters):
    """Fit until an exception at an epoch, then with a new estimator from the file."""
    every = parameters.pop("every", 1)
    killer = Recorder(at=at, act=fail)
    est = small(cls, **parameters).set_callbacks(Checkpoint(path, every=every), *callbacks, killer)
    with pytest.raises(RuntimeError, match="on purpose"):
        est.fit(X, y)
    recorder = Recorder()
    est = small(cls, **parameters).set_callbacks(
        Checkpoint(path, every=every), *callbacks, recorder
    )
    return est.fit(X, y), sum(hook.startswith("end epoch") for hook in recorder.hooks)


CASES = {
    **{f"optimizer {name}": {"optimizer": name} for name in STOCHASTIC},
    **{f"schedule {name}": {"learning_rate": name} for name in SCHEDULES},
    "adaptive and impatient": {"learning_rate": "adaptive", "tol": 9.0, "n_iter_no_change": 1},
    "early stopping": {"early_stopping": True, "learning_rate_init": 0.2, "n_iter_no_change": 2},
    "batches and dropout": {"batch_size": 5, "dropout": 0.5},
    "two layers": {"hidden_layer_sizes": (3, 2), "bidirectional": True},
    "seldom": {"every": 3},
}


@pytest.mark.parametrize("case", CASES)
def test_a_resumed_fit_ends_equal_to_the_bit(case, tmp_path):
    parameters = {"max_iter": 9, **CASES[case]}
    est, n_epochs = killed_and_resumed(tmp_path / "file", 5, *make_data(), **parameters)
    parameters.pop("every", None)
    expected = small(**parameters).fit(*make_data())
    assert 0 < n_epochs < expected.n_iter_
    assert fitted_attributes(est) == fitted_attributes(expected)


def test_a_resumed_classifier_on_float32_ends_equal_to_the_bit(tmp_path):
    X, y = make_data()
    X, y = X.astype(np.float32), np.where(y > 0, "up", "down")
    est, _ = killed_and_resumed(tmp_path / "file", 3, X, y, RNNClassifier)
    assert fitted_attributes(est) == fitted_attributes(small(RNNClassifier).fit(X, y))


def test_without_a_seed_the_validation_split_is_the_same_after_resuming(tmp_path, monkeypatch):
    path = tmp_path / "file"
    parameters = {"random_state": None, "early_stopping": True}
    hold_out, splits = Dataset.hold_out, []

    def noted(data, *args):
        training, held_out = hold_out(data, *args)
        splits.append(held_out.sequences.values)
        return training, held_out

    monkeypatch.setattr(Dataset, "hold_out", noted)
    killed_and_resumed(path, 3, *make_data(), **parameters)
    np.testing.assert_array_equal(*splits)


def test_other_callbacks_are_resumed_too(tmp_path):
    def stop():
        return EarlyStopping(patience=3, min_delta=0.3)

    expected = small(max_iter=50).set_callbacks(stop()).fit(*make_data())
    resumed_stop = stop()
    est, n_epochs = killed_and_resumed(
        tmp_path / "file", 3, *make_data(), max_iter=50, callbacks=(resumed_stop,)
    )
    assert n_epochs < expected.n_iter_ < 50
    assert fitted_attributes(est) == fitted_attributes(expected)
    assert len(resumed_stop.scores_) == expected.n_iter_


def test_a_finished_fit_is_read_from_its_file(tmp_path):
    recorder = Recorder()
    est = small().set_callbacks(Checkpoint(tmp_path / "file"), recorder).fit(*make_data())
    first = fitted_attributes(est)
    recorder.hooks.clear()
    assert fitted_attributes(est.fit(*make_data())) == first
    assert recorder.hooks == ["setup", "begin fit 0", "end fit 0", "teardown"]


def test_an_interrupted_fit_can_be_resumed(tmp_path):
    path = tmp_path / "file"
    killer = Recorder(at=3, act=interrupt)
    small().set_callbacks(Checkpoint(path), killer).fit(*make_data())
    est = small().set_callbacks(Checkpoint(path)).fit(*make_data())
    assert fitted_attributes(est) == fitted_attributes(small().fit(*make_data()))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"alpha": 1.0}, "alpha"),
        ({"cell": "rnn", "max_iter": 7}, "cell, max_iter"),
        ({"X": np.ones((N_SAMPLES, N_TIMESTEPS))}, "X"),
        ({"y": np.ones(N_SAMPLES)}, "y"),
        ({"sample_weight": np.ones(N_SAMPLES)}, "sample_weight"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(changes, name, tmp_path):
    X, y = make_data()
    small().set_callbacks(Checkpoint(tmp_path / "file")).fit(X, y)
    changes = dict(changes)
    data = {name: changes.pop(name) for name in ("X", "y", "sample_weight") if name in changes}
    est = small(**changes).set_callbacks(Checkpoint(tmp_path / "file"))
    with pytest.raises(ValueError, match=rf"another fit, which differs in: {name}\."):
        est.fit(**{"X": X, "y": y, **data})


def test_what_cannot_be_recognised_is_refused(tmp_path):
    est = small(init=lambda rng, n_in, n_out: np.ones((n_in, n_out)))
    with pytest.raises(ValueError, match=r"recognise init=<function .* cannot be pickled"):
        est.set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def test_a_state_handed_to_a_fit_that_fails_does_not_reach_the_next(tmp_path):
    checkpoint = Checkpoint(tmp_path / "file")
    est = small().set_callbacks(checkpoint).fit(*make_data())

    class FailingBegin(Callback):
        def on_fit_task_begin(self, estimator, context):
            fail()

    with pytest.raises(RuntimeError, match="on purpose"):
        est.set_callbacks(checkpoint, FailingBegin()).fit(*make_data())
    recorder = Recorder()
    est.set_callbacks(recorder).fit(*make_data())
    assert len(recorder.fitted) == 6 + 1


def test_verbose_may_differ(tmp_path):
    small().set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())
    small(verbose=2).set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def test_a_warm_start_is_another_fit(tmp_path):
    est = small(warm_start=True).set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())
    with pytest.raises(ValueError, match="the weights to start from"):
        est.fit(*make_data())


@pytest.mark.parametrize(
    "content", [b"", b"text", pickle.dumps({"a": 1}), pickle.dumps([1]), b"\x80\x05c"]
)
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="no checkpoint of skrnn"):
        small().set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def mutations(content, n, seed=0):
    """Yield damaged copies: flipped bits, changed, lost, added and swapped bytes."""
    rng = np.random.default_rng(seed)
    for k in range(n):
        damaged, at = bytearray(content), int(rng.integers(len(content)))
        match k % 5:
            case 0:
                damaged[at] ^= 1 << int(rng.integers(8))
            case 1:
                del damaged[at:]
            case 2:
                del damaged[at : at + 1 + int(rng.integers(9))]
            case 3:
                damaged[at:at] = rng.bytes(1 + int(rng.integers(9)))
            case _:
                damaged[at:] = damaged[at:][::-1]
        yield bytes(damaged)


@pytest.mark.parametrize("allow_pickle", [False, True])
def test_no_damaged_file_is_resumed_and_none_is_unpickled(allow_pickle, tmp_path, monkeypatch):
    path = tmp_path / "file"
    checkpoint = Checkpoint(path, allow_pickle=allow_pickle)
    small().set_callbacks(checkpoint).fit(*make_data())
    content = path.read_bytes()
    # Bytes all over what is not the state, too, and 300 damages anywhere.
    damaged = [content[:at] + b"#" + content[at + 1 :] for at in range(0, 400, 7)]
    damaged += [each for each in mutations(content, 300) if each != content]

    def unpickle(pickled):
        pytest.fail("a damaged file was unpickled")

    monkeypatch.setattr("skrnn.callbacks._checkpoint.pickle.loads", unpickle)
    X, y = make_data()
    est = small().set_callbacks(checkpoint)
    fingerprint = fingerprint_of(est, X=X, y=y)
    for k, each in enumerate(damaged):
        path.write_bytes(each)
        with pytest.raises(ValueError, match=r"is damaged|is no checkpoint of skrnn"):
            est.fit(X, y) if k % 20 == 0 else _load(path, fingerprint, allow_pickle=True)


def test_a_checkpoint_of_another_fit_is_not_unpickled(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path / "file", allow_pickle=True)
    small().set_callbacks(checkpoint).fit(*make_data())
    monkeypatch.delattr("skrnn.callbacks._checkpoint.pickle.loads")
    with pytest.raises(ValueError, match=r"differs in: alpha\."):
        small(alpha=1.0).set_callbacks(checkpoint).fit(*make_data())


def test_a_file_without_a_pickle_is_the_default_and_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.delattr("skrnn.callbacks._checkpoint.pickle.loads")
    est, n_epochs = killed_and_resumed(tmp_path / "file", 3, *make_data())
    assert 0 < n_epochs < est.n_iter_
    assert fitted_attributes(est) == fitted_attributes(small().fit(*make_data()))


def test_a_pickle_is_read_only_where_it_is_allowed(tmp_path):
    small().set_callbacks(Checkpoint(tmp_path / "file", allow_pickle=True)).fit(*make_data())
    with pytest.raises(ValueError, match=r"holds a pickle, which may run code.*allow_pickle=True"):
        small().set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def test_a_file_without_a_pickle_is_read_where_pickles_are_allowed_too(tmp_path):
    killed_with(tmp_path / "file")
    checkpoint = Checkpoint(tmp_path / "file", allow_pickle=True)
    est = small().set_callbacks(checkpoint).fit(*make_data())
    assert fitted_attributes(est) == fitted_attributes(small().fit(*make_data()))


def test_a_part_of_the_users_own_needs_a_pickle_which_is_said_before_the_first_epoch(tmp_path):
    recorder, path = Recorder(), tmp_path / "file"
    est = small(optimizer=Averaged()).set_callbacks(Checkpoint(path, every=5), recorder)
    with pytest.raises(ValueError, match=r"part optimizer is a own_parts\.Averaged.*allow_pickle"):
        est.fit(*make_data())
    assert not any(hook.startswith("end epoch") for hook in recorder.hooks)
    assert not path.exists()
    est.set_callbacks(Checkpoint(path, allow_pickle=True)).fit(*make_data())
    assert path.exists()


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_allow_pickle_is_a_bool(value):
    with pytest.raises(TypeError, match="allow_pickle must be an instance of bool"):
        Checkpoint("file", allow_pickle=value)


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (pickle.dumps([1]), "holds a list in place of the state of a fit"),
        (b"cno.such.module\nName\n.", "cannot be resumed here: ModuleNotFoundError: .*'no'"),
    ],
)
def test_a_whole_file_with_another_content_is_refused(pickled, message, tmp_path, monkeypatch):
    monkeypatch.setattr("skrnn.callbacks._checkpoint.pickle.dumps", lambda *_, **__: pickled)
    checkpoint = Checkpoint(tmp_path / "file", allow_pickle=True)
    small().set_callbacks(checkpoint).fit(*make_data())
    with pytest.raises(ValueError, match=message):
        small().set_callbacks(checkpoint).fit(*make_data())


def test_a_whole_file_without_a_state_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("skrnn.callbacks._checkpoint.to_bytes", lambda state: to_bytes([1]))
    small().set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())
    with pytest.raises(ValueError, match="holds a list in place of the state of a fit"):
        small().set_callbacks(Checkpoint(tmp_path / "file")).fit(*make_data())


def test_lbfgs_and_missing_directories_are_refused(tmp_path):
    est = small(optimizer="lbfgs").set_callbacks(Checkpoint(tmp_path / "file"))
    with pytest.raises(ValueError, match="lbfgs"):
        est.fit(*make_data())
    with pytest.raises(FileNotFoundError, match="no directory"):
        small().set_callbacks(Checkpoint(tmp_path / "no" / "file")).fit(*make_data())


def test_a_directory_holds_a_file_for_every_fit_of_a_search(tmp_path):
    recorder = Recorder()
    est = small().set_callbacks(Checkpoint(tmp_path), recorder)
    search = GridSearchCV(est, {"alpha": [0.0, 1.0]}, cv=2, error_score="raise")
    first = search.fit(*make_data()).cv_results_["mean_test_score"]
    assert len(list(tmp_path.iterdir())) == 5
    recorder.hooks.clear()
    np.testing.assert_array_equal(search.fit(*make_data()).cv_results_["mean_test_score"], first)
    assert not any("epoch" in hook for hook in recorder.hooks)


def test_a_failed_write_leaves_the_last_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "file"
    small().set_callbacks(Checkpoint(path)).fit(*make_data())
    whole = path.read_bytes()

    def no_space(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        small().set_callbacks(Checkpoint(path)).fit(*make_data())
    assert path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


KILLED = """
import os, signal, sys
import numpy as np
from skrnn import RNNRegressor
from skrnn.callbacks import Callback, Checkpoint

class Kill(Callback):
    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch" and context.task_id == 4:
            os.kill(os.getpid(), signal.SIGKILL)

X = np.random.default_rng(0).normal(size=(24, 4))
reg = RNNRegressor(3, max_iter=6, random_state=0, batch_size=5, early_stopping=True,
    learning_rate="constant", n_iter_no_change=10)
reg.set_callbacks(Checkpoint(sys.argv[1]), Kill()).fit(X, X.sum(axis=1))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
def test_a_fit_whose_process_was_killed_is_resumed(tmp_path):
    path = tmp_path / "file"
    run = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(KILLED), str(path)], check=False
    )
    assert run.returncode == -signal.SIGKILL
    parameters = {"batch_size": 5, "early_stopping": True}
    recorder = Recorder()
    est = small(**parameters).set_callbacks(Checkpoint(path), recorder).fit(*make_data())
    assert sum(hook.startswith("end epoch") for hook in recorder.hooks) == 2
    assert fitted_attributes(est) == fitted_attributes(small(**parameters).fit(*make_data()))


# --- notes of other callbacks --------------------------------------------------------------------


class Counter(Callback):
    """Counts the epochs in its notes."""

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            notes = self.notes(estimator)
            notes["epochs"] = self.epochs = notes.get("epochs", 0) + 1


def killed_with(path, *followers):
    """Leave a checkpoint behind that holds three epochs."""
    killer = Recorder(at=3, act=fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        small().set_callbacks(Checkpoint(path), *followers, killer).fit(*make_data())


def named(callback, name):
    callback.name = name
    return callback


@pytest.mark.parametrize(
    "others",
    [[LiveLoss(every=9)], [EarlyStopping(patience=99)], [Recorder(), LiveLoss(every=9)]],
    ids=["one", "one with notes", "two"],
)
def test_a_callback_added_in_front_does_not_mix_up_the_notes(others, tmp_path):
    killed_with(tmp_path / "file", Counter())
    counter = Counter()
    small().set_callbacks(*others, Checkpoint(tmp_path / "file"), counter).fit(*make_data())
    assert counter.epochs == 6


def test_a_callback_taken_away_from_the_front_does_not_mix_up_the_notes(tmp_path):
    killed_with(tmp_path / "file", EarlyStopping(patience=99), Counter())
    counter = Counter()
    small().set_callbacks(counter, Checkpoint(tmp_path / "file")).fit(*make_data())
    assert counter.epochs == 6


def test_a_named_callback_finds_its_notes_among_others_of_its_type(tmp_path):
    killed_with(tmp_path / "file", named(Counter(), "old"))
    new, old = named(Counter(), "new"), named(Counter(), "old")
    small().set_callbacks(new, Checkpoint(tmp_path / "file"), old).fit(*make_data())
    assert (new.epochs, old.epochs) == (3, 6)


def test_an_optimizer_that_takes_all_samples_at_once_is_refused_whatever_its_name(tmp_path):
    class Own(LBFGS):
        pass

    est = small(optimizer=Own()).set_callbacks(Checkpoint(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"cannot save a fit with optimizer=.*Own"):
        est.fit(*make_data())
