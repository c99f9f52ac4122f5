"""Named views and the flat vector are one memory, whatever happens to the object."""

import copy
import pickle

import numpy as np
import pytest

from skrnn.core.parameters import Parameters, part_of, with_prefix

SHAPES = {"W": (2, 3), "b": (3,), "scale": ()}


def as_is(parameters):
    return parameters


def through_pickle(parameters):
    return pickle.loads(pickle.dumps(parameters))


def test_arrays_lie_one_after_the_other_in_the_vector():
    parameters = Parameters(SHAPES, np.arange(10.0))
    np.testing.assert_array_equal(parameters["W"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(parameters["b"], [6, 7, 8])
    assert parameters["scale"] == 9


@pytest.mark.parametrize("transport", [as_is, copy.copy, copy.deepcopy, through_pickle])
def test_views_share_memory_with_the_vector(transport):
    parameters = transport(Parameters(SHAPES))
    parameters["W"][1, 0] = 5.0
    assert parameters.vector[3] == 5.0
    parameters.vector[7] = 4.0
    assert parameters["b"][1] == 4.0
    assert all(np.shares_memory(view, parameters.vector) for view in parameters.values())


@pytest.mark.parametrize("transport", [copy.deepcopy, through_pickle])
def test_a_deep_copy_does_not_share_memory_with_its_original(transport):
    parameters = Parameters(SHAPES, np.arange(10.0))
    transport(parameters)["W"][:] = -1
    np.testing.assert_array_equal(parameters.vector, np.arange(10.0))


def test_the_given_vector_is_used_and_not_copied():
    vector = np.zeros(10)
    Parameters(SHAPES, vector)["b"][:] = 1
    np.testing.assert_array_equal(vector[6:9], 1)


def test_it_is_a_mapping_in_the_order_of_the_vector():
    parameters = Parameters(SHAPES)
    assert list(parameters) == list(SHAPES)
    assert len(parameters) == 3
    assert {name: view.shape for name, view in parameters.items()} == SHAPES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_empty_like_has_the_same_names_and_dtype_and_its_own_memory(dtype):
    parameters = Parameters(SHAPES, np.ones(10, dtype))
    other = parameters.empty_like()
    assert other.shapes == parameters.shapes
    assert other.vector.dtype == dtype
    assert not np.shares_memory(other.vector, parameters.vector)


def test_a_part_is_what_has_its_prefix_and_writes_through():
    parameters = Parameters({"layers.1.W": (2,), "layers.10.W": (3,), "layers.1.b": (1,)})
    part = part_of(parameters, "layers.1.")
    assert {name: array.shape for name, array in part.items()} == {"W": (2,), "b": (1,)}
    part["W"][:] = 1
    np.testing.assert_array_equal(parameters.vector, [1, 1, 0, 0, 0, 0])
    assert list(with_prefix("layers.1.", part)) == ["layers.1.W", "layers.1.b"]


@pytest.mark.parametrize("transport", [as_is, copy.copy, copy.deepcopy, through_pickle])
def test_a_part_asked_for_again_still_shares_memory_with_the_vector(transport):
    original = Parameters(SHAPES)
    part_of(original, "")
    parameters = transport(original)
    part_of(parameters, "")["b"][:] = 1
    np.testing.assert_array_equal(parameters.vector, [0, 0, 0, 0, 0, 0, 1, 1, 1, 0])


def test_a_part_follows_a_new_vector():
    parameters = Parameters(SHAPES)
    part_of(parameters, "")
    parameters.vector = np.arange(10.0)
    np.testing.assert_array_equal(part_of(parameters, "")["b"], [6, 7, 8])


def test_what_is_put_into_a_part_stays_there():
    parameters = Parameters(SHAPES)
    part_of(parameters, "")["b"] = np.ones(3)
    np.testing.assert_array_equal(part_of(parameters, "")["b"], np.zeros(3))


def test_a_part_that_was_asked_for_is_not_pickled():
    parameters = Parameters(SHAPES)
    before = pickle.dumps(parameters)
    part_of(parameters, "")
    assert pickle.dumps(parameters) == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_new_vector_is_zero_and_of_the_dtype_asked_for(dtype):
    np.testing.assert_array_equal(
        Parameters(SHAPES, dtype=dtype).vector, np.zeros(10, dtype), strict=True
    )


def test_a_read_only_vector_can_be_read_and_not_written():
    vector = np.arange(10.0)
    vector.flags.writeable = False
    parameters = Parameters(SHAPES, vector)
    np.testing.assert_array_equal(parameters["b"], [6, 7, 8])
    with pytest.raises(ValueError, match="read-only"):
        parameters["b"][0] = 1


def test_a_memory_mapped_vector_is_read_from_its_file(tmp_path):
    np.save(tmp_path / "vector.npy", np.arange(10.0))
    parameters = Parameters(SHAPES, np.load(tmp_path / "vector.npy", mmap_mode="r"))
    assert isinstance(parameters["W"], np.memmap)
    np.testing.assert_array_equal(parameters["W"], [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("shape", [(9,), (11,), (10, 1)])
def test_a_vector_of_the_wrong_shape_is_an_error(shape):
    with pytest.raises(ValueError, match=r"need a vector of shape \(10,\); got \("):
        Parameters(SHAPES, np.zeros(shape))


def test_without_shapes_the_vector_is_empty():
    assert Parameters({}).vector.shape == (0,)


def test_repr_shows_shapes_and_dtype():
    assert repr(Parameters({"b": (3,)})) == "Parameters({'b': (3,)}, dtype=float64)"


def test_an_array_is_set_by_its_name():
    parameters = Parameters(SHAPES, dtype=np.float32)
    vector = parameters.vector
    parameters["b"] = [1, 2, 3]
    parameters["scale"] = 4
    assert parameters.vector is vector
    assert vector.tolist() == [0, 0, 0, 0, 0, 0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("b", np.ones(2), ValueError, r"'b' has the shape \(3,\); got \(2,\)"),
        # It would be broadcast.
        ("W", np.ones(3), ValueError, r"'W' has the shape \(2, 3\); got \(3,\)"),
        ("b", 1.0, ValueError, r"got \(\)"),
        ("v", np.ones(3), KeyError, "There is no 'v'; the parameters are W, b"),
    ],
    ids=["short", "broadcast", "number", "unknown"],
)
def test_an_array_of_another_name_or_shape_is_refused(name, value, error, message):
    parameters = Parameters({"W": (2, 3), "b": (3,)})
    with pytest.raises(error, match=message):
        parameters[name] = value
    assert not parameters.vector.any()
