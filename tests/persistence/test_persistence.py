"""skrnn.save and skrnn.load: what is kept, what is refused, and what no file can do."""

from __future__ import annotations

import collections
import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import fuzz_files
import numpy as np
import pytest
from own_parts import SCALED_TANH, Averaged, Leaky, LogCosh, Total
from saved_models import GOLDEN, UNFITTED, X3, Y, answers, assert_same_answers, fitted, reg
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

import skrnn
from skrnn import RNNRegressor
from skrnn._pickling import InconsistentVersionWarning
from skrnn.callbacks import EarlyStopping
from skrnn.core.cells import CELLS
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.persistence._content import from_bytes, to_bytes
from skrnn.persistence._safetensors import TEXT, packed, sealed, unpacked
from skrnn.persistence._types import name_of
from skrnn.preprocessing import SequenceScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"
)


def again(value):
    return from_bytes(to_bytes(value), "file")


# --- what is kept --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNFITTED)
def test_a_model_answers_as_it_did_to_the_bit(name):
    est, X = fitted(name)
    loaded = again(est)
    assert_same_answers(loaded, X, answers(est, X))
    assert type(loaded) is type(est)
    assert vars(loaded).keys() == vars(est).keys()


def test_a_file_is_written_and_read(tmp_path):
    est, X = fitted("frame with names")
    skrnn.save(est, tmp_path / "model.safetensors")
    loaded = skrnn.load(str(tmp_path / "model.safetensors"))
    assert list(loaded.feature_names_in_) == list(X.columns)
    assert loaded.get_params() == est.get_params()
    assert_same_answers(loaded, X, answers(est, X))


STOCHASTIC = [name for name, optimizer in OPTIMIZERS.items() if not optimizer.full_batch]


@pytest.mark.parametrize("optimizer", [*STOCHASTIC, OPTIMIZERS["nadam"]()], ids=str)
def test_partial_fit_goes_on_equal_to_the_bit(optimizer):
    est = reg(optimizer=optimizer, dropout=0.2, hidden_layer_sizes=(3, 2)).partial_fit(X3, Y)
    loaded = again(est)
    for _ in range(2):
        loaded.partial_fit(X3, Y)
        est.partial_fit(X3, Y)
    np.testing.assert_array_equal(loaded.predict(X3), est.predict(X3))


def test_a_warm_start_goes_on_equal_to_the_bit():
    est = reg(warm_start=True, shuffle=True).fit(X3, Y)
    loaded = again(est)
    np.testing.assert_array_equal(loaded.fit(X3, Y).predict(X3), est.fit(X3, Y).predict(X3))


def test_what_is_one_object_is_one_object_again():
    est = reg(optimizer=OPTIMIZERS["adam"]()).partial_fit(X3, Y)
    loaded = again({"a": est, "b": est})
    assert loaded["a"] is loaded["b"]
    assert loaded["a"]._optimizer[0] is loaded["a"].optimizer


def test_an_estimator_that_is_not_fitted_is_saved_too():
    est = reg(hidden_layer_sizes=(4, 2), alpha=0.5)
    assert again(est).get_params() == est.get_params()


def test_callbacks_are_left_out():
    est = reg().set_callbacks(EarlyStopping()).fit(X3, Y)
    assert "_skl_callbacks" not in vars(again(est))
    assert est._skl_callbacks


VALUES = {
    "plain": [None, True, 3, 10**40, "text", "ä\n\"'", 0.1, -0.0],
    "floats": [np.nan, np.inf, -np.inf, 5e-324],
    "containers": [(1, (2,)), {1, 2}, frozenset({"a"}), {(1, "a"): [2], None: 3}, {}, (), []],
    "dicts": [collections.Counter("abca"), Bunch(a=1, b=[2])],
    "NumPy numbers": [
        np.float32(0.1),
        np.int8(-3),
        np.bool_(True),
        np.str_("a"),
        np.float64("nan"),
    ],
    "dtypes": [np.dtype("float32"), np.dtype(object), np.float32, float, object],
    "others": [slice(1, None, 2), b"\x00\xff"],
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_come_back_as_they_were(kind):
    loaded = again(VALUES[kind])
    assert repr(loaded) == repr(VALUES[kind])
    assert [type(value) for value in loaded] == [type(value) for value in VALUES[kind]]


ARRAYS = {
    **{dtype: np.arange(6).reshape(2, 3).astype(dtype) for dtype in "?bBhHiIlLefdF"},
    "big-endian": np.arange(3, dtype=">f8"),
    "no axis": np.array(2.5),
    "empty": np.empty((0, 3)),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "parts": np.arange(12.0).reshape(3, 4)[::2, ::-1],
    "texts": np.array([["a", "long"], ["", "ä"]], dtype="<U9"),
    "objects": np.array([["a", 1], [None, (2.5, "b")]], dtype=object),
    "times": np.array(["2024-01-01", "NaT"], dtype="datetime64[ns]"),
    "time spans": np.array([3, 4], dtype="timedelta64[s]"),
    "infinite": np.array([np.nan, np.inf, -0.0]),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_come_back_as_they_were(kind):
    array, loaded = ARRAYS[kind], again(ARRAYS[kind])
    assert loaded.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(loaded, array)
    assert loaded.flags.writeable
    assert loaded.flags.f_contiguous == array.flags.f_contiguous or kind == "parts"


def test_weights_have_names_that_other_programs_find(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    est, _ = fitted("pipeline")
    skrnn.save(est, tmp_path / "file")
    arrays = safetensors.load_file(tmp_path / "file")
    for name, weights in est[-1].network_.parameters.items():
        np.testing.assert_array_equal(arrays[f"steps.1.1.network_.{name}"], weights)


def test_a_file_that_another_program_wrote_is_refused(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    safetensors.save_file({"a": np.ones(3)}, tmp_path / "file", {"format": "np"})
    with pytest.raises(ValueError, match=r"cannot be loaded: its header has no SHA-256"):
        skrnn.load(tmp_path / "file")


# --- what is refused -----------------------------------------------------------------------------


class OwnScaler(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class OwnRegressor(RNNRegressor):
    pass


def own_function(X):
    return X


OWN = {
    "cell": (reg(cell=Leaky()), "its part cell is a own_parts.Leaky"),
    "activation": (reg(activation=SCALED_TANH), "its part activation.function is the function"),
    "readout": (reg(readout=("last", Total())), "its part readout.1 is a own_parts.Total"),
    "loss": (reg(loss=LogCosh()), "its part loss is a own_parts.LogCosh"),
    "optimizer": (reg(optimizer=Averaged()), "its part optimizer is a own_parts.Averaged"),
    "init": (reg(init=own_function), "its part init is the function or class .*own_function"),
    "step": (make_pipeline(OwnScaler(), reg()), r"its part steps.0.1 is a .*\.OwnScaler"),
    "itself": (OwnRegressor(), r"; it is a .*\.OwnRegressor"),
    "function": (make_pipeline(FunctionTransformer(own_function)), "part steps.0.1.func is the"),
    "class": ({"a": OwnScaler}, "its part a is the function or class .*OwnScaler"),
}


@pytest.mark.parametrize("kind", OWN)
def test_a_part_of_the_users_own_is_refused_by_name(kind, tmp_path):
    est, message = OWN[kind]
    with pytest.raises(TypeError, match=f"{message}.*pickle or joblib.*skops"):
        skrnn.save(est, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("est", "message"),
    [
        (RandomForestClassifier(2).fit([[0], [1]], [0, 1]), r"tree\._tree\.Tree.*skops\.io\.dump"),
        (GridSearchCV(reg(), {"alpha": [0.1]}, cv=2).fit(X3, Y), "Of a search, save best_estima"),
    ],
    ids=["forest", "search"],
)
def test_a_state_of_scikit_learn_that_is_more_than_numbers_is_refused(est, message):
    with pytest.raises(TypeError, match=message):
        to_bytes(est)


def test_the_best_estimator_of_a_search_is_saved():
    search = GridSearchCV(reg(), {"alpha": [0.1, 0.2]}, cv=2).fit(X3, Y)
    np.testing.assert_array_equal(again(search.best_estimator_).predict(X3), search.predict(X3))


def test_a_cache_of_pickles_is_refused(tmp_path):
    pipeline = make_pipeline(SequenceScaler(), reg(), memory=str(tmp_path))
    with pytest.raises(TypeError, match=r"Pipeline has memory=.*Set memory=None"):
        to_bytes(pipeline)


def circle():
    values = []
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (circle(), "nested too deeply, or contains itself"),
        ({"a": np.ones(2, np.complex128)}, "a is an array of complex128"),
        (np.ones(2, "f8,i4"), "is an array of"),
        ([np.dtype("S3")], "0 is the dtype"),
        (np.random.RandomState(np.random.PCG64()), "a RandomState on PCG64"),
        (2 + 1j, "it is a builtins.complex"),
        ((x for x in "a"), "it is a builtins.generator"),
    ],
    ids=["circle", "complex", "records", "bytes", "generator", "number", "iterator"],
)
def test_values_without_a_place_in_a_file_are_refused(value, message):
    with pytest.raises(TypeError, match=message):
        to_bytes(value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no directory"):
        skrnn.save(reg(), tmp_path / "no" / "file")
    with pytest.raises(FileNotFoundError):
        skrnn.load(tmp_path / "file")


def test_what_is_no_file_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match="it is no regular file"):
        skrnn.load(tmp_path)
    with pytest.raises(TypeError, match="path must be a str or path-like"):
        skrnn.save(tmp_path / "file", reg())
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="it is no regular file"):
            skrnn.load(tmp_path / "pipe")


def test_a_pickle_is_refused_and_not_read(tmp_path):
    class Bomb:
        def __reduce__(self):
            return pytest.fail, ("it was unpickled",)

    (tmp_path / "file").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="no safetensors file"):
        skrnn.load(tmp_path / "file")


def test_a_failed_write_leaves_the_last_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "file"
    skrnn.save(reg(alpha=0.5), path)

    def no_space(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="no space"):
        skrnn.save(reg(), path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert skrnn.load(path).alpha == 0.5


# --- files of other versions ---------------------------------------------------------------------


FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*/*.safetensors"))


def test_there_are_golden_files_of_this_version():  # written by .ci/release
    names = {f"{name.replace(' ', '_')}.safetensors" for name in GOLDEN}
    assert {path.name for path in FILES if path.parent.name == skrnn.__version__} == names


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_files_of_all_versions_are_loaded_and_answer_as_they_did(path):
    saved = skrnn.load(path)
    found = answers(saved["model"], saved["X"])
    assert found.keys() == saved["answers"].keys()
    for name, answer in found.items():
        expected = saved["answers"][name]
        if np.asarray(expected).dtype.kind in "fc":
            # Another processor, or NumPy in place of the kernels.
            np.testing.assert_allclose(answer, expected, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(answer, expected)


def edited(content, edit, *, text=None):
    """Return a file whose nodes were changed and whose SHA-256 is right again."""
    arrays, found = unpacked(content)
    del found["sha256"]
    tree = json.loads(found["tree"])
    edit(tree)
    return packed(arrays, {**found, "tree": json.dumps(tree), **(text or {})})


def untouched(tree):
    pass


def test_a_file_of_a_newer_version_warns_and_one_of_an_older_does_not():
    content = to_bytes(reg())
    with pytest.warns(InconsistentVersionWarning, match=r"saved by skrnn 99\.0 and is loaded by"):
        from_bytes(edited(content, untouched, text={"skrnn_version": "99.0"}), "file")
    from_bytes(edited(content, untouched, text={"skrnn_version": "0.0.1"}), "file")


def test_a_newer_format_is_refused():
    content = edited(to_bytes(reg()), untouched, text={"skrnn_format": "2"})
    with pytest.raises(ValueError, match=r"file cannot be loaded: skrnn .* newer format: upgrade"):
        from_bytes(content, "file")


def object_nodes(tree, name):
    return [node for node in tree if node.get("object", "").endswith(name)]


def test_a_class_may_move_within_its_package():
    assert name_of(type(CELLS["lstm"])) == "skrnn.core.LSTM"
    assert name_of(RNNRegressor) == "skrnn.estimators.RNNRegressor"


@pytest.mark.parametrize(
    ("name", "attribute"),
    [
        ("RNNRegressor", "frame_shift"),
        ("Architecture", "frames"),
        ("Architecture", "dropout"),
    ],
)
def test_what_is_newer_than_a_file_has_its_default(name, attribute):
    def forget(tree):
        (node,) = object_nodes(tree, f".{name}")
        del node["state"][attribute]

    est, X = fitted("ragged")
    loaded = from_bytes(edited(to_bytes(est), forget), "file")
    assert loaded.get_params() == est.get_params()
    np.testing.assert_array_equal(loaded.predict(X), est.predict(X))


# --- hostile files -------------------------------------------------------------------------------


def set_first(kind, value, **others):
    def edit(tree):
        node = next(node for node in tree if kind in node)
        node.update({kind: value, **others})

    return edit


def set_state(name, attribute, value):
    def edit(tree):
        object_nodes(tree, name)[0]["state"][attribute] = value

    return edit


def bomb(tree):
    tree[:] = [{"list": []}, *({"list": [[i], [i]]} for i in range(60))]


def deep(tree):
    tree[:] = [{"list": []}, *({"list": [[i]]} for i in range(200))]


def unpaired(tree):
    tree[:] = [{"list": [1]}]


def position(tree):
    (node,) = (node for node in tree if "RandomState" in node)
    node["RandomState"][1] = 10**6


HOSTILE = {
    "a function": (set_first("object", "os.system"), "names the type 'os.system'"),
    "a class of Python": (set_first("object", "builtins.type"), "names the type"),
    "a hidden module": (set_first("object", "sklearn.utils.Bunch"), "names the type"),
    "a dotted path": (set_first("object", "sklearn.pipeline.os.system"), "names the type"),
    "a module to import": (set_first("object", "sklearn.no.Thing"), "names the type"),
    "a callback": (
        set_first("object", "skrnn.callbacks._checkpoint.Checkpoint"),
        "names the type",
    ),
    "a special attribute": (set_state("Regressor", "__class__", 1), "an attribute in it is none"),
    "no attribute": (set_state("Regressor", "a b", 1), "an attribute in it is none"),
    "a cache of pickles": (set_state("Regressor", "memory", "folder"), "a folder of pickles"),
    "another network": (set_state("Architecture", "n_outputs", 2), "not those of its network"),
    "a huge network": (set_state("Architecture", "n_outputs", 10**12), "not those of its network"),
    "a circle": (set_first("list", [[10**6]]), "refers to what does not stand before it"),
    "a reference to a name": (set_first("list", [["a"]]), "refers to what does not"),
    "a bomb": (bomb, "a larger object than its size allows"),
    "a deep nest": (deep, "a larger object than its size allows"),
    "arrays of nobody": (unpaired, "nothing refers to its array"),
    "a random state": (position, "the state of a random generator in it is none"),
    "a wide text": (
        set_first("strings", ["a"], shape=[1], width=10**9),
        "the width of a text in it is none",
    ),
    "a large shape": (set_first("strings", ["a"], shape=[10**9], width=1), "shape of an array"),
    "an unhashable key": (set_first("dict", [[[0], 1]]), "a key in it is no plain value"),
    "a kind of its own": (set_first("list", [], code="x"), None),
    "no node": (lambda tree: tree.insert(0, 3), "not as skrnn.save writes it"),
    "an unknown kind": (lambda tree: tree.insert(0, {"eval": "1"}), "not as skrnn.save writes"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_forged_file_is_refused(case):
    edit, message = HOSTILE[case]
    content = to_bytes({"names": np.array(["a"]), "list": [1], "model": fitted("ragged")[0]})
    forged = edited(content, edit)
    if message is None:  # other keys of a node mean nothing
        from_bytes(forged, "file")
        return
    with pytest.raises(ValueError, match=rf"^file cannot be loaded: .*{message}"):
        from_bytes(forged, "file")


def with_header(change):
    """Return a small file with a changed header, sealed again."""
    content = to_bytes([np.arange(4.0), np.array([True, False])])
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    change(header)
    line = json.dumps(header, separators=(",", ":")).encode()
    return sealed(struct.pack("<Q", len(line)) + line + content[8 + length :])


HEADERS = {
    "shape": (lambda h: h["0"].update(shape=[5]), "does not lie where its header says"),
    "dtype": (lambda h: h["0"].update(dtype="F32"), "does not lie where its header says"),
    "unknown dtype": (lambda h: h["0"].update(dtype="O"), "not as skrnn.save writes it"),
    "negative": (lambda h: h["0"].update(shape=[-2, -2]), "are no counts"),
    "beyond": (lambda h: h["1"].update(data_offsets=[32, 99], shape=[67]), "does not lie where"),
    "overlap": (lambda h: h["1"].update(data_offsets=[0, 2]), "does not lie where"),
    "left over": (lambda h: h["1"].update(data_offsets=[32, 33], shape=[1]), "behind its last"),
    "missing": (lambda h: h.pop("1"), "behind its last array"),
    "no booleans": (lambda h: h["0"].update(dtype="BOOL", shape=[32]), "those of booleans"),
    "metadata": (lambda h: h[TEXT].update(tree=3), "other metadata than text"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_arrays_lie_where_they_should(case):
    change, message = HEADERS[case]
    with pytest.raises(ValueError, match=rf"^file cannot be loaded: .*{message}"):
        from_bytes(with_header(change), "file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has 0 bytes"),
        (b"text of some length", "no safetensors file, or it was cut off"),
        (struct.pack("<Q", 2**62) + b"{}", "no safetensors file, or it was cut off"),
        (struct.pack("<Q", 2) + b"{}", "no SHA-256 as skrnn writes it"),
        (to_bytes([1])[:-1], "cut off"),
        (to_bytes([np.ones(9)])[:-1], "the SHA-256 differs"),
    ],
    ids=["empty", "text", "long", "other", "cut header", "cut"],
)
def test_a_damaged_file_is_refused(content, message):
    with pytest.raises(ValueError, match=rf"^file cannot be loaded: .*{message}"):
        from_bytes(content, "file")


def test_random_changes_are_refused_or_harmless():
    outcomes = fuzz_files.run(600, seed=0)
    assert outcomes["damaged: refused"] > 290
    assert "damaged: loaded, answers" not in outcomes
    assert outcomes["forged: refused"] > 100
    assert outcomes["forged: loaded, answers"] > 10


def test_importing_skrnn_loads_none_of_it():
    code = "import skrnn, sys; print('skrnn.persistence' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"


@pytest.mark.skipif(os.name == "nt", reason="there is no umask")
def test_others_may_read_a_file_as_they_may_any_new_one(tmp_path):
    skrnn.save(reg(), tmp_path / "model")
    (tmp_path / "plain").touch()
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "plain").stat().st_mode
