"""The compiled kernels do what the NumPy lines of the cells do.

Every instruction set that the processor has is tested.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from kernel_cases import (
    TWINS,
    Case,
    assert_twins_agree,
    make_case,
    make_cell,
    random_case,
    run,
)
from scipy.special import expit
from threadpoolctl import threadpool_limits

from skrnn import RNNRegressor
from skrnn.core import kernels
from skrnn.core.activations import ACTIVATIONS, Activation
from skrnn.core.cells import CELLS, LSTM
from skrnn.core.losses import softmax_cross_entropy
from skrnn.core.network import add_decay
from skrnn.core.optimizers import moment_update, sum_of_squares

COMPILED = kernels.backends()[:-1]
pytestmark = pytest.mark.skipif(not COMPILED, reason="skrnn was installed without a compiler")

CELLS_WITH_TWINS = [make_cell(*twin) for twin in TWINS]
CELL_IDS = ["-".join(twin) for twin in TWINS]
each_cell = pytest.mark.parametrize("cell", CELLS_WITH_TWINS, ids=CELL_IDS)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(params=COMPILED, autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test on one instruction set."""
    before = kernels.backend()
    kernels.use_backend(request.param)
    yield request.param
    kernels.use_backend(before)


@pytest.fixture
def no_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a cell's NumPy lines would run."""

    def fail(*args: object) -> None:
        raise AssertionError("the NumPy lines ran")

    for module in ("simple_rnn", "lstm", "gru", "lru"):
        monkeypatch.setattr(f"skrnn.core.cells.{module}.project_inputs", fail)
    monkeypatch.setattr("skrnn.core.cells.base.affine_gradients", fail)


def assert_equal(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert got.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(got[name], expected[name], err_msg=name)


@each_dtype
@each_cell
@pytest.mark.parametrize("hidden_size", [1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 40, 64])
def test_both_twins_agree_at_every_width(cell, hidden_size, dtype, rng):
    assert_twins_agree(make_case(rng, cell, (4, 5, 3), hidden_size, dtype))


@each_cell
@pytest.mark.parametrize("option", ["ragged", "state", "dstate", "cut", "total"])
def test_both_twins_agree_with(option, cell, rng):
    assert_twins_agree(make_case(rng, cell, (7, 9, 2), 11, **{option: True}))


@pytest.mark.parametrize("seed", range(60))
def test_both_twins_agree_on_a_random_layer(seed):
    assert_twins_agree(random_case(np.random.default_rng(seed)))


@each_cell
def test_both_twins_agree_on_a_large_batch(cell, rng):
    assert_twins_agree(make_case(rng, cell, (5, 530, 7), 24, ragged=True))


@each_dtype
@each_cell
def test_the_kernel_runs_for(cell, dtype, rng, no_numpy):
    run(make_case(rng, cell, (3, 4, 2), 5, dtype, ragged=True, state=True, cut=True, total=True))


@each_cell
def test_any_number_of_threads_gives_the_same_bits(cell, rng):
    case = make_case(rng, cell, (40, 150, 20), 48, np.float32, ragged=True)
    results = []
    for threads in (1, 2, 3, 4):
        with threadpool_limits(threads):
            assert kernels.n_threads() in (1, threads)  # 1 where it was built without OpenMP
            results.append(run(case))
    for result in results[1:]:
        assert_equal(result, results[0])


@each_dtype
@each_cell
@pytest.mark.parametrize("hidden_size", [3, 16, 37])
def test_states_do_not_depend_on_the_sequences_beside_them(cell, hidden_size, dtype, rng):
    case = make_case(rng, cell, (6, 61, 4), hidden_size, dtype)
    h = case.cell.predict(case.x, case.n_active, case.weights)
    for first, stop in [(0, 1), (1, 3), (5, 12), (17, 61), (60, 61)]:
        n_active = np.full(6, stop - first)
        alone = case.cell.predict(case.x[:, first:stop], n_active, case.weights)
        np.testing.assert_array_equal(alone, h[:, first:stop])


@each_cell
def test_states_do_not_depend_on_the_lengths_of_others(cell, rng):
    case = make_case(rng, cell, (6, 9, 4), 13)
    whole = case.cell.predict(case.x, case.n_active, case.weights)
    ragged = case.cell.predict(case.x, np.array([9, 8, 5, 5, 2, 2]), case.weights)
    np.testing.assert_array_equal(ragged[:, :2], whole[:, :2])


@each_cell
def test_predict_and_forward_give_the_same_bits(cell, rng):
    case = make_case(rng, cell, (6, 9, 4), 13, state=True)
    arguments = case.x, case.n_active, case.weights, case.state
    np.testing.assert_array_equal(cell.predict(*arguments), cell.forward(*arguments)[0])


@each_cell
def test_padding_is_zero(cell, rng):
    case = make_case(rng, cell, (6, 9, 4), 5, ragged=True)
    results = run(case)
    padding = ~case.active
    assert padding.any()
    for name, values in [("h", results["h"][1:]), ("dx", results["dx"])]:
        assert not values[padding].any(), name


LAYOUTS = {
    "reversed in time": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "batch-major": lambda a: np.stack(a, axis=min(1, a.ndim - 1)).swapaxes(0, min(1, a.ndim - 1)),
    "every other unit": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "Fortran": np.asfortranarray,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "unaligned": lambda a: np.ndarray(a.shape, a.dtype, b"?" + a.tobytes(), offset=1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@each_cell
def test_memory_may_lie_as_it_likes(layout, cell, rng, no_numpy):
    case = make_case(rng, cell, (4, 6, 3), 7, state=True, cut=True)
    expected = run(case)
    lay = LAYOUTS[layout]
    moved = Case(
        cell, lay(case.x), case.n_active, {name: lay(w) for name, w in case.weights.items()},
        tuple(map(lay, case.state)), lay(case.dh), None, lay(case.cut), need_dx=True,
    )  # fmt: skip
    np.testing.assert_array_equal(moved.x, case.x)
    assert_equal(run(moved), expected)


@each_cell
def test_backward_takes_the_cache_of_the_numpy_twin(cell, rng):
    case = make_case(rng, cell, (4, 6, 3), 7)
    _, cache = type(cell).forward.__wrapped__(cell, case.x, case.n_active, case.weights)
    _, own = cell.forward(case.x, case.n_active, case.weights)
    _, dweights, _ = cell.backward(case.dh, cache, case.weights)
    _, expected, _ = cell.backward(case.dh, own, case.weights)
    for name in expected:
        np.testing.assert_allclose(dweights[name], expected[name], atol=1e-10)


@pytest.mark.parametrize(
    ("name", "activation"), [("lstm", "relu"), ("gru", "elu"), ("rnn", "softsign")]
)
def test_a_cell_without_a_kernel_runs_on_numpy(name, activation, rng):
    case = make_case(rng, make_cell(name, activation), (3, 4, 2), 5)
    assert_equal(run(case), run(case, reference=True))


def test_mixed_types_run_on_numpy(rng):
    case = make_case(rng, CELLS["lstm"], (3, 4, 2), 5, np.float32)
    case.weights = {name: w.astype(np.float64) for name, w in case.weights.items()}
    h, _ = case.cell.forward(case.x, case.n_active, case.weights)
    assert h.dtype == np.float64


def test_a_derived_cell_does_not_inherit_the_kernel(rng):
    class Doubled(LSTM):
        def forward(self, x, n_active, weights, state=None):
            return super().forward(2 * x, n_active, weights, state)

    case = make_case(rng, LSTM(), (3, 4, 2), 5)
    expected = LSTM().predict(2 * case.x, case.n_active, case.weights)
    got = Doubled().predict(case.x, case.n_active, case.weights)
    np.testing.assert_allclose(got, expected, atol=1e-12)


def lecun(a):
    return 1.7159 * np.tanh(2 * a / 3)


def lecun_derivative(h):
    return 2 / 3 * (1.7159 - h * h / 1.7159)


class UnhashableLecun:
    """The same function as an object, as a dataclass with parameters would be."""

    def __call__(self, a):
        return lecun(a)

    def __eq__(self, other):
        return isinstance(other, UnhashableLecun)

    __hash__ = None


@each_cell
@pytest.mark.parametrize("function", [lecun, UnhashableLecun()], ids=["function", "object"])
def test_an_own_activation_is_not_taken_for_the_one_of_the_same_name(function, cell, rng):
    case = make_case(rng, cell, (4, 6, 3), 7, cut=True)
    results = []
    for name in (cell.activation.name, "lecun"):
        case.cell = cell.with_activation(Activation(name, function, lecun_derivative))
        results.append(run(case))
        assert_equal(results[-1], run(case, reference=True))
    assert_equal(*results)


@pytest.mark.parametrize("name", ["tanh", "relu", "logistic", "identity"])
def test_an_own_activation_of_a_known_name_gives_the_same_on_every_back_end(name, backend):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 5, 2)), rng.normal(size=12)
    model = RNNRegressor(4, Activation(name, lecun, lecun_derivative), cell="rnn", random_state=0)
    got = copy.deepcopy(model).partial_fit(X, y).predict(X)
    kernels.use_backend("numpy")
    np.testing.assert_allclose(got, model.partial_fit(X, y).predict(X), rtol=0, atol=1e-12)


COPIES = {"pickled": lambda model: pickle.loads(pickle.dumps(model)), "copied": copy.deepcopy}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize(("cell", "activation"), TWINS)
def test_a_copy_of_an_estimator_still_runs_on_the_kernel(cell, activation, how, no_numpy):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 4, 2)), rng.normal(size=6)
    model = RNNRegressor(3, activation, cell=cell, random_state=0).partial_fit(X, y)
    np.testing.assert_array_equal(COPIES[how](model).predict(X), model.predict(X))


SOURCES = Path(__file__).parents[2] / "skrnn" / "core" / "kernels"
KERNEL_NAMES = sorted(name for cell in CELLS.values() for name in type(cell).kernels.values())
ROWS = sorted({name.partition("_")[0] for name in KERNEL_NAMES})


def test_every_kernel_is_named_by_a_cell():
    assert sorted(kernels._kernels.twins()) == KERNEL_NAMES


@pytest.mark.parametrize("row", ROWS)
def test_a_cell_is_one_row_of_one_table(row):
    rows = [
        (path.name, found[1])
        for path in SOURCES.glob("*.[ch]pp")
        for found in re.finditer(rf'(\w*<\w+>)?\(?"{row}"', path.read_text())
    ]
    (place,) = rows
    assert place[0] == "instruction_set.cpp"
    assert re.fullmatch(r"row<\w+>", place[1])


@pytest.mark.parametrize("row", ROWS)
def test_a_cell_with_a_kernel_is_one_header(row):
    table = (SOURCES / "instruction_set.cpp").read_text()
    (cell,) = re.findall(rf'row<(\w+)>\("{row}"\)', table)
    code = {  # without comments
        path.name: re.sub("//.*", "", path.read_text()) for path in SOURCES.glob("*.[ch]pp")
    }
    (header,) = (
        name
        for name, text in code.items()
        if re.search(rf"\b{cell}\b", text) and name != "instruction_set.cpp"
    )
    assert f'#include "{header}"' in table


def test_numpy_is_a_back_end_too(rng):
    kernels.use_backend("numpy")
    assert kernels.backend() == "numpy"
    case = make_case(rng, CELLS["gru"], (3, 4, 2), 5, np.float32)
    assert_equal(run(case), run(case, reference=True))


def test_an_unknown_back_end_is_an_error():
    with pytest.raises(ValueError, match=r"'mmx' is not available here; choose one of"):
        kernels.use_backend("mmx")


@pytest.mark.parametrize("name", [*COMPILED, "numpy"])
def test_the_environment_chooses_the_back_end(name):
    code = "from skrnn.core import kernels; print(kernels.backend())"
    environment = {**os.environ, "SKRNN_BACKEND": name}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == name


def test_a_name_that_no_kernel_knows_is_an_error(rng):
    vector = rng.normal(size=3)
    with pytest.raises(TypeError, match=r"There is no argument vectro"):
        kernels._kernels.sum_of_squares({"vector": vector, "vectro": vector})


def test_an_argument_that_is_missing_is_an_error():
    with pytest.raises(TypeError, match=r"vector must be given"):
        kernels._kernels.sum_of_squares({"vector": None})


WRONG = {
    "W_x": ((4, 20), r"W_x must have shape \(3, 20\); got \(4, 20\)"),
    "W_h": ((5, 19), r"W_x must have shape|W_h must have shape \(5, 20\); got \(5, 19\)"),
    "b": ((21,), r"b must have shape \(20,\); got \(21,\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_shape_is_an_error(name, rng):
    case = make_case(rng, CELLS["lstm"], (4, 2, 3), 5)
    shape, message = WRONG[name]
    weights = {**case.weights, name: np.zeros(shape)}
    with pytest.raises(ValueError, match=message):
        case.cell.forward(case.x, case.n_active, weights)


def test_a_wrong_state_is_an_error(rng):
    case = make_case(rng, CELLS["gru"], (4, 2, 3), 5)
    with pytest.raises(ValueError, match=r"h0 must have shape \(2, 5\); got \(5,\)"):
        case.cell.forward(case.x, case.n_active, case.weights, (np.zeros(5),))


@pytest.mark.parametrize("n_active", [[2, 2, 3, 1], [3, 2, 1, 1], [2, 1, 0, -1]])
def test_a_wrong_n_active_is_an_error(n_active, rng):
    case = make_case(rng, CELLS["rnn"], (4, 2, 3), 5)
    with pytest.raises(ValueError, match=r"n_active must not increase and lie in 0 \.\.\. 2; got"):
        case.cell.predict(case.x, np.array(n_active), case.weights)


def test_a_wrong_gradient_is_an_error(rng):
    case = make_case(rng, CELLS["rnn"], (4, 2, 3), 5)
    _, cache = case.cell.forward(case.x, case.n_active, case.weights)
    with pytest.raises(ValueError, match=r"dh must have shape \(5, 2, 5\); got \(4, 2, 5\)"):
        case.cell.backward(case.dh[1:], cache, case.weights)


def grid(dtype):
    """Arguments over the whole range of the type, dense where the functions bend."""
    info = np.finfo(dtype)
    tail = np.geomspace(float(info.tiny), float(info.max) / 4, 20_000)
    bends = [np.linspace(0, stop, 40_001) for stop in (1, 40, -np.log(float(info.tiny)))]
    positive = np.concatenate([tail, *bends, [info.smallest_subnormal, np.inf]])
    return np.concatenate([-positive, positive]).astype(dtype)


def activate(name, a):
    """Return the activation as a network of one unit and one step computes it."""
    one = np.ones((1, 1), a.dtype)
    weights = {"W_x": one, "W_h": one, "b": np.zeros(1, a.dtype)}
    cell = make_cell("rnn", name)
    return cell.predict(a[None, :, None], np.array([len(a)]), weights)[1, :, 0]


EXACT = {"tanh": np.tanh, "logistic": expit}
# Units in the last place, and from which argument on: as activations.hpp and docs/kernels.md say.
LARGEST_ERROR = {"tanh": 3.0, "logistic": 2.5}
EXP_LIMIT = {np.float32: 87.3, np.float64: 708.3}


@each_dtype
@pytest.mark.parametrize("name", LARGEST_ERROR)
def test_activations_are_good_to_a_few_units_in_the_last_place(name, dtype, no_numpy):
    a = grid(dtype)
    if name == "logistic":
        a = a[a >= -EXP_LIMIT[dtype]]
    exact = EXACT[name](a.astype(np.longdouble))
    ulp = np.maximum(np.spacing(np.abs(exact).astype(dtype)), np.finfo(dtype).tiny)
    assert (np.abs(activate(name, a) - exact) / ulp).max() < LARGEST_ERROR[name]


@each_dtype
def test_logistic_stays_about_the_smallest_normal_number_where_it_would_fall_below(dtype, no_numpy):
    a, tiny = grid(dtype), np.finfo(dtype).tiny
    below = activate("logistic", a[a < -EXP_LIMIT[dtype]])
    assert below.min() >= tiny
    assert below.max() <= 1.2 * tiny


@each_dtype
@pytest.mark.parametrize("name", ["relu", "identity"])
def test_activations_without_an_exponential_are_exact(name, dtype, no_numpy):
    a = grid(dtype)[np.abs(grid(dtype)) >= np.finfo(dtype).tiny]
    np.testing.assert_array_equal(activate(name, a), ACTIVATIONS[name].function(a))


@each_dtype
@pytest.mark.parametrize("name", ["tanh", "relu", "logistic", "identity"])
def test_activations_hand_on_what_is_not_a_number(name, dtype, no_numpy):
    assert np.isnan(activate(name, np.array([np.nan, 1], dtype))).tolist() == [True, False]


# What a training step does beside its layers.


def make_moments(rng, size, dtype, *, with_m=True):
    vector, gradient, m = rng.normal(size=(3, size)).astype(dtype)
    return vector, gradient, m if with_m else None, rng.exponential(size=size).astype(dtype)


def make_batch_of_classes(rng, dtype, n_rows=7, n_classes=10):
    raw_prediction = (5 * rng.normal(size=(n_rows, n_classes))).astype(dtype)
    y = rng.integers(n_classes, size=n_rows)
    return raw_prediction, y, rng.uniform(size=n_rows).astype(dtype)


FACTORS = {"m_factor": 0.03, "g_factor": 0.01, "epsilon": 1e-3}
# Less than a vector, whole vectors, a rest, and more than one task.
SIZES = [1, 16, 37, 50_000]
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}


@each_dtype
@pytest.mark.parametrize("with_m", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_both_twins_take_the_same_step(size, with_m, dtype, rng):
    moments = make_moments(rng, size, dtype, with_m=with_m)
    expected = copy.deepcopy(moments)
    moment_update.__wrapped__(*expected, 0.9, 0.999, **FACTORS)
    moment_update(*moments, 0.9, 0.999, **FACTORS)
    for got, array in zip(moments, expected, strict=True):
        if array is not None:
            np.testing.assert_allclose(got, array, TOLERANCE[dtype], TOLERANCE[dtype])


@each_dtype
@pytest.mark.parametrize("size", SIZES)
def test_both_twins_add_the_same_decay(size, dtype, rng):
    gradient, weights = rng.normal(size=(2, size)).astype(dtype)
    expected = gradient.copy()
    squares = add_decay.__wrapped__(expected, weights, 0.1)
    assert add_decay(gradient, weights, 0.1) == pytest.approx(squares, rel=TOLERANCE[dtype] * 10)
    np.testing.assert_allclose(gradient, expected, TOLERANCE[dtype], TOLERANCE[dtype])


@each_dtype
@pytest.mark.parametrize("size", SIZES)
def test_both_twins_sum_the_same_squares(size, dtype, rng):
    vector = rng.normal(size=size).astype(dtype)
    expected = sum_of_squares.__wrapped__(vector)
    assert sum_of_squares(vector) == pytest.approx(expected, rel=TOLERANCE[dtype] * 10)


@each_dtype
@pytest.mark.parametrize("n_classes", [2, 3, 10, 16, 40])
def test_both_twins_agree_on_the_loss(n_classes, dtype, rng):
    batch = make_batch_of_classes(rng, dtype, n_classes=n_classes)
    expected, d_expected = softmax_cross_entropy.__wrapped__(*batch)
    loss, d_raw = softmax_cross_entropy(*batch)
    assert loss == pytest.approx(expected, rel=TOLERANCE[dtype])
    np.testing.assert_allclose(d_raw, d_expected, atol=TOLERANCE[dtype])


@each_dtype
def test_the_loss_stays_finite_far_from_zero(dtype, rng):
    raw_prediction = np.array([[-1e30, 0, 1e30], [88, -88, 0]], dtype)
    loss, d_raw = softmax_cross_entropy(raw_prediction, np.array([2, 0]), np.ones(2, dtype))
    assert loss == pytest.approx(0, abs=1e-30)
    np.testing.assert_allclose(d_raw, 0, atol=1e-30)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_the_loss_hands_on_what_is_not_a_number(wrong, rng):
    raw_prediction, y, weight = make_batch_of_classes(rng, np.float32)
    raw_prediction[3, 4] = wrong
    loss, d_raw = softmax_cross_entropy(raw_prediction, y, weight)
    assert np.isnan(loss)
    assert np.isnan(d_raw[3]).all()
    assert np.isfinite(np.delete(d_raw, 3, axis=0)).all()


@each_dtype
def test_the_kernels_run_for_a_step(dtype, rng, monkeypatch):
    moments, batch = make_moments(rng, 20, dtype), make_batch_of_classes(rng, dtype)
    for module in ("optimizers", "losses._base", "network"):
        monkeypatch.setattr(f"skrnn.core.{module}.np", None)
    moment_update(*moments, 0.9, 0.999, **FACTORS)
    add_decay(moments[0], moments[1], 0.1)
    sum_of_squares(moments[0])
    softmax_cross_entropy(*batch)


def test_a_step_is_equal_to_the_bit_for_any_number_of_threads(rng):
    moments = make_moments(rng, 300_000, np.float32)
    results = []
    for threads in (1, 2, 3, 4):
        arrays = copy.deepcopy(moments)
        with threadpool_limits(threads):
            moment_update(*arrays, 0.9, 0.999, **FACTORS)
        results.append(np.stack(arrays))
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_a_step_of_mixed_types_runs_on_numpy(rng):
    vector, gradient, m, v = make_moments(rng, 20, np.float64)
    mixed = vector.copy(), gradient.astype(np.float32), m.copy(), v.copy()
    moment_update(*mixed, 0.9, 0.999, **FACTORS)
    moment_update(vector, gradient, m, v, 0.9, 0.999, **FACTORS)
    np.testing.assert_allclose(mixed[0], vector, rtol=1e-5)


def test_a_step_of_wrong_shape_is_an_error(rng):
    vector, gradient, m, v = make_moments(rng, 20, np.float32)
    with pytest.raises(ValueError, match=r"gradient must have shape \(20,\); got \(19,\)"):
        moment_update(vector, gradient[:19], m, v, 0.9, 0.999, **FACTORS)
    with pytest.raises(ValueError, match=r"gradient must have shape \(20,\); got \(19,\)"):
        add_decay(gradient[:19], vector, 0.1)


@pytest.mark.parametrize("code", [-1, 10])
def test_a_class_that_is_not_there_is_an_error(code, rng):
    raw_prediction, y, weight = make_batch_of_classes(rng, np.float32)
    y[2] = code
    with pytest.raises(ValueError, match=rf"y must lie in 0 \.\.\. 9; got {code}"):
        softmax_cross_entropy(raw_prediction, y, weight)


def _predict_in_child(case, queue):
    queue.put((kernels.n_threads(), case.cell.predict(case.x, case.n_active, case.weights)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork() here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_works_on_one_thread(rng):
    case = make_case(rng, CELLS["lstm"], (20, 64, 16), 32)
    with threadpool_limits(2):
        expected = case.cell.predict(case.x, case.n_active, case.weights)
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        child = context.Process(target=_predict_in_child, args=(case, queue), daemon=True)
        child.start()
        threads, got = queue.get()
        child.join(timeout=60)
    assert threads == 1
    np.testing.assert_array_equal(got, expected)


@each_cell
@each_dtype
def test_a_pass_counts_subnormal_numbers_as_zero(cell, dtype, rng):
    case = make_case(rng, cell, (4, 3, 2), 5, dtype)
    dh = np.full_like(case.dh, np.finfo(dtype).smallest_subnormal)
    _, cache = cell.forward(case.x, case.n_active, case.weights)
    _, dweights, _ = cell.backward(dh, cache, case.weights)
    assert all(not dweight.any() for dweight in dweights.values())


def test_subnormal_numbers_are_back_after_a_pass(rng):
    case = make_case(rng, CELLS["lstm"], (4, 3, 2), 5, np.float32)
    CELLS["lstm"].forward(case.x, case.n_active, case.weights)
    tiny = np.full(64, np.finfo(np.float32).smallest_subnormal)
    assert (tiny * np.float32(1) > 0).all()
