"""TokenEncoder: every form of tokens becomes ids in the same form."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from ragged_forms import object_array
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, check_param_validation

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceScaler, TokenEncoder, from_long

TEXTS = ["The cat sat", "a dog ran away", "the dog", "cat"]
SEQUENCES = [text.lower().split() for text in TEXTS]
VOCABULARY = {"cat": 1, "dog": 2, "the": 3, "a": 4, "away": 5, "ran": 6, "sat": 7}
IDS = [[3, 1, 7], [4, 2, 6, 5], [3, 2], [1]]


def as_arrow(values, kind):
    pa = pytest.importorskip("pyarrow")
    types = {
        "text": pa.string(),
        "list": pa.list_(pa.string()),
        "large": pa.large_list(pa.string()),
    }
    return pd.Series(values, dtype=pd.ArrowDtype(types[kind]))


FORMS = {
    "list of texts": lambda: TEXTS,
    "tuple of texts": lambda: tuple(TEXTS),
    "array of texts": lambda: np.array(TEXTS),
    "object array of texts": lambda: object_array(TEXTS),
    "Series of texts": lambda: pd.Series(TEXTS, index=list("wxyz"), name="text"),
    "Arrow Series of texts": lambda: as_arrow(TEXTS, "text"),
    "frame of texts": lambda: pd.DataFrame({"text": TEXTS}, index=list("wxyz")),
    "column of texts": lambda: np.array(TEXTS)[:, np.newaxis],
    "list of lists": lambda: SEQUENCES,
    "list of tuples": lambda: [tuple(tokens) for tokens in SEQUENCES],
    "list of arrays": lambda: [np.array(tokens) for tokens in SEQUENCES],
    "list of Series": lambda: [pd.Series(tokens) for tokens in SEQUENCES],
    "object array of lists": lambda: object_array(SEQUENCES),
    "Series of lists": lambda: pd.Series(SEQUENCES),
    "Arrow Series of lists": lambda: as_arrow(SEQUENCES, "list"),
    "frame of arrays": lambda: pd.DataFrame({"tokens": map(np.array, SEQUENCES)}),
    "frame of lists": lambda: pd.DataFrame({"tokens": SEQUENCES}),
    "frame of Arrow lists": lambda: as_arrow(SEQUENCES, "large").to_frame("tokens"),
    "2-D object array of lists": lambda: pd.DataFrame({"tokens": SEQUENCES}).to_numpy(),
}


def cells_of(X):
    return np.asarray(X).ravel() if isinstance(X, pd.DataFrame) or hasattr(X, "ravel") else list(X)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_encoded_alike(form):
    encoder = TokenEncoder().fit(FORMS[form]())
    assert encoder.vocabulary_ == VOCABULARY
    assert encoder.vocabularies_ == [VOCABULARY]
    encoded = encoder.transform(FORMS[form]())
    assert [ids.tolist() for ids in cells_of(encoded)] == IDS
    assert all(ids.dtype == np.int64 for ids in cells_of(encoded))


@pytest.mark.parametrize("form", FORMS)
def test_the_output_has_the_form_of_the_input(form):
    X = FORMS[form]()
    encoded = TokenEncoder().fit_transform(X)
    assert type(encoded) is type(X)
    for attribute in ("shape", "name"):
        assert getattr(encoded, attribute, None) == getattr(X, attribute, None)
    for attribute in ("index", "columns"):
        if hasattr(X, attribute) and not callable(getattr(X, attribute)):
            assert getattr(encoded, attribute).equals(getattr(X, attribute))


@pytest.mark.parametrize("form", FORMS)
def test_inverse_transform_returns_the_tokens(form):
    encoder = TokenEncoder().fit(FORMS[form]())
    tokens = encoder.inverse_transform(encoder.transform(FORMS[form]()))
    assert [list(cell) for cell in cells_of(tokens)] == SEQUENCES


@pytest.mark.parametrize("form", FORMS)
def test_the_network_takes_every_form(form):
    options = {"embedding_dim": 2, "max_iter": 2, "learning_rate": "constant"}
    model = make_pipeline(TokenEncoder(), RNNClassifier(2, **options))
    with pytest.warns(match="Maximum iterations"):
        model.fit(FORMS[form](), [0, 1, 0, 1])
    assert model.predict(FORMS[form]()).shape == (4,)


@pytest.mark.parametrize("as_frame", [False, True])
def test_a_table_of_tokens_has_a_sequence_as_every_row(as_frame):
    X = np.array([["a", "b", "a"], ["b", "c", "a"]])
    X = pd.DataFrame(X, columns=["t0", "t1", "t2"]) if as_frame else X
    encoder = TokenEncoder().fit(X)
    encoded = encoder.transform(X)
    assert type(encoded) is type(X)
    assert np.asarray(encoded).tolist() == [[1, 2, 1], [2, 3, 1]]
    assert (np.asarray(encoder.inverse_transform(encoded)) == np.asarray(X)).all()
    assert encoder.get_feature_names_out().tolist() == (list(X) if as_frame else ["x0", "x1", "x2"])


# --- the vocabulary ------------------------------------------------------------------------------


def test_ids_do_not_depend_on_the_order_of_the_samples():
    assert TokenEncoder().fit(TEXTS[::-1]).vocabulary_ == VOCABULARY


def test_tokens_may_be_anything_hashable():
    encoder = TokenEncoder().fit([[1, "1", (2, 3)], [1, None.__class__]])
    assert set(encoder.vocabulary_) == {1, "1", (2, 3), type(None)}
    assert encoder.vocabulary_[1] == 1


def test_rare_and_unseen_tokens_become_unknown():
    encoder = TokenEncoder(min_frequency=2).fit(SEQUENCES)
    assert encoder.vocabulary_ == {"cat": 1, "dog": 2, "the": 3}
    (ids,) = encoder.transform([["the", "sat", "cow", "cat"]])
    assert ids.tolist() == [3, 0, 0, 1]


def test_max_tokens_counts_the_unknown_one():
    encoder = TokenEncoder(max_tokens=3).fit(SEQUENCES)
    assert encoder.vocabulary_ == {"cat": 1, "dog": 2}


def test_handle_unknown_error():
    encoder = TokenEncoder(min_frequency=2, handle_unknown="error").fit(SEQUENCES)
    assert encoder.transform([["sat"]])[0].tolist() == [0]
    with pytest.raises(ValueError, match=r"token 'cow' at sample 1, time step 2.*handle_unknown"):
        encoder.transform([["the"], ["the", "dog", "cow"]])


@pytest.mark.parametrize("as_text", [False, True])
def test_an_empty_sequence_is_one_unknown_token(as_text):
    encoder = TokenEncoder().fit(SEQUENCES)
    encoded = encoder.transform(["cat", "", "the cat", ""] if as_text else [["cat"], [], ["the"]])
    assert encoded[1].tolist() == [0]
    assert encoded[0].tolist() == [1]
    assert len(encoded[2]) == (2 if as_text else 1)


def test_a_model_answers_an_empty_text():
    model = make_pipeline(
        TokenEncoder(), RNNClassifier(2, embedding_dim=2, learning_rate="cosine", max_iter=2)
    )
    assert model.fit(TEXTS, [0, 1, 0, 1]).predict(["", "?!"]).shape == (2,)


def test_partial_fit_keeps_the_ids():
    encoder = TokenEncoder(min_frequency=2, max_tokens=4)
    encoder.partial_fit([["b", "b", "a"]])
    assert encoder.vocabulary_ == {"b": 1}
    encoder.partial_fit([["a", "c", "c", "c"], ["d", "d"]])
    assert encoder.vocabulary_ == {"b": 1, "c": 2, "a": 3}
    encoder.partial_fit([["e"] * 9])
    assert encoder.vocabulary_ == {"b": 1, "c": 2, "a": 3}
    assert encoder.fit([["e"] * 9]).vocabulary_ == {"e": 1}


# --- texts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "tokens"),
    [
        ({}, ["i", "saw", "a", "cat"]),
        ({"lowercase": False}, ["I", "saw", "a", "Cat"]),
        ({"token_pattern": r"\w\w+"}, ["saw", "cat"]),
        ({"analyzer": "char"}, list("i saw a cat!")),
        ({"analyzer": str.split}, ["I", "saw", "a", "Cat!"]),
    ],
)
def test_texts_are_split(parameters, tokens):
    encoder = TokenEncoder(**parameters).fit(["I saw a Cat!"])
    assert list(encoder.inverse_transform(encoder.transform(["I saw a Cat!"]))[0]) == tokens


def test_sequences_of_tokens_are_not_split():
    assert TokenEncoder(analyzer="char").fit([["Two words"]]).vocabulary_ == {"Two words": 1}


# --- several channels ----------------------------------------------------------------------------


def make_events():
    return pd.DataFrame(
        {
            "event": [["in", "out"], ["in"]],
            "user": [["u1", "u2"], ["u2"]],
            "amount": [np.array([5.0, 2.0]), np.array([1.0])],
            "code": [[7, 9], [9]],
            "flag": [np.array([True, False]), np.array([True])],
        },
        index=["x", "y"],
    )


def test_only_tokens_are_encoded():
    X = make_events()
    encoder = TokenEncoder().fit(X)
    assert encoder.vocabularies_ == [{"in": 1, "out": 2}, {"u2": 1, "u1": 2}, None, None, None]
    encoded = encoder.transform(X)
    assert encoded.index.equals(X.index)
    assert encoded["user"].map(list).tolist() == [[2, 1], [1]]
    pd.testing.assert_frame_equal(encoded.iloc[:, 2:], X.iloc[:, 2:])
    back = encoder.inverse_transform(encoded)
    assert back["event"].map(list).tolist() == X["event"].tolist()


def test_channels_are_named():
    X = make_events()
    encoder = TokenEncoder(channels=["code", "event"]).fit(X)
    assert encoder.vocabularies_ == [{"in": 1, "out": 2}, None, None, {9: 1, 7: 2}, None]
    assert encoder.transform(X)["user"].tolist() == X["user"].tolist()
    assert TokenEncoder(channels="event").fit(X).vocabulary_ == {"in": 1, "out": 2}


def test_one_of_several_vocabularies_is_asked_for():
    with pytest.raises(AttributeError, match="2 encoded channels, not one: see vocabularies_"):
        _ = TokenEncoder().fit(make_events()).vocabulary_


def test_an_empty_row_of_numbers_stays_empty():
    encoder = TokenEncoder().fit(make_events())
    empty = pd.DataFrame({name: [[]] for name in make_events()})
    assert encoder.transform(empty).map(len).to_numpy().sum() == 0


def test_the_channels_of_a_frame_are_checked():
    encoder = TokenEncoder().fit(make_events())
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(make_events().iloc[:, ::-1])


def test_a_long_table_of_events():
    log = pd.DataFrame(
        {"id": [1, 1, 2], "kind": [1, 2, 1], "amount": np.array([3, 4, 5], dtype=np.float32)}
    )
    X = from_long(log, id="id", channels=["kind", "amount"])
    encoded = TokenEncoder(channels=["kind"], dtype=np.float32).fit_transform(X)
    assert encoded["kind"].map(list).tolist() == [[1, 2], [1]]
    assert encoded["kind"].iloc[0].dtype == np.float32
    assert SequenceScaler().fit_transform(X[["amount"]]).shape == (2, 1)


# --- bad input -----------------------------------------------------------------------------------

BAD_X = {
    "one text": ("the cat", "X is str; expected a list of texts"),
    "no sequences": (None, "X is NoneType; expected"),
    "nothing": ([], r"0 sample\(s\) while"),
    "no columns": (np.empty((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\)"),
    "three axes": (np.zeros((2, 2, 2)), r"X has shape \(2, 2, 2\); expected"),
    "a sparse matrix": (sp.csr_matrix(np.eye(2)), "sparse input is not supported"),
    "a missing text": (["a", np.nan], r"X\[1\] is nan; expected a text"),
    "a missing sequence": ([["a"], None], r"X\[1\] is None; expected a text"),
    "a missing token": ([["a"], ["b", None]], r"missing token \(None\) at sample 1, time step 1"),
    "NaN as a token": ([["a", np.nan]], r"missing token \(nan\) at sample 0, time step 1"),
    "tokens in tokens": ([[["a"]]], "A token must be hashable.*unhashable type: 'list'"),
    "channels in an array": (
        [np.array([["a", "b"]])],
        r"X\[0\] has shape \(1, 2\); expected .* 1-D sequence",
    ),
    "a cell that is none": (
        pd.DataFrame({"a": [["x"], 3.0]}),
        "X in row 1, column 'a', is 3.0; expected a text or a 1-D sequence",
    ),
    "numbers alone": (pd.DataFrame({"a": [[1, 2]]}), r"hold sequences of numbers.*in channels"),
}


@pytest.mark.parametrize("case", BAD_X)
def test_bad_X(case):
    X, message = BAD_X[case]
    with pytest.raises((ValueError, TypeError), match=message):
        TokenEncoder().fit(X)


@pytest.mark.parametrize("channels", [["evnt"], []])
def test_unknown_channels(channels):
    with pytest.raises(ValueError, match=r"channels must name columns of X.*'event', 'user'"):
        TokenEncoder(channels=channels).fit(make_events())


def test_ids_are_numbers():
    with pytest.raises(ValueError, match=r"dtype must be one of numbers.*Got <class 'str'>"):
        TokenEncoder(dtype=str).fit(TEXTS)


def test_unknown_ids_cannot_be_inverted():
    encoder = TokenEncoder().fit(SEQUENCES)
    assert encoder.inverse_transform([[0, 1]])[0].tolist() == [None, "cat"]
    with pytest.raises(ValueError, match="X has 8 at sample 0, time step 1, but the known ids"):
        encoder.inverse_transform([[0, 8]])


def test_strings_lead_to_the_encoder():
    with pytest.raises(ValueError, match=r"X holds strings.*TokenEncoder.*embedding_dim"):
        RNNClassifier().fit(np.array(TEXTS), [0, 1, 0, 1])


# --- as scikit-learn expects ---------------------------------------------------------------------

# What holds for numbers and not for tokens: any number is one, missing ones excepted, and an
# answer is a list where the question was one.
NOT_FOR_TOKENS = {
    "check_complex_data",
    "check_estimators_nan_inf",
    "check_fit2d_predict1d",
    "check_transformer_data_not_an_array",
}


class TokensOfNumbers(TokenEncoder):
    """Lets the checks in that need a table of numbers, whose rows are read as sequences."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


def test_checks_of_scikit_learn():
    results = check_estimator(TokensOfNumbers(), on_fail=None, on_skip=None)
    assert len(results) > 30
    failed = {result["check_name"] for result in results if result["status"] == "failed"}
    assert failed <= NOT_FOR_TOKENS


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_checks_of_the_tags():
    check_estimator(TokenEncoder(), on_skip=None)
    assert get_tags(TokenEncoder()).input_tags.string


def test_parameters_are_validated():
    check_param_validation("TokenEncoder", TokenEncoder())


def test_clone_and_pickle():
    encoder = TokenEncoder(min_frequency=2, analyzer="char").fit(TEXTS)
    copy = pickle.loads(pickle.dumps(encoder))
    assert copy.vocabulary_ == encoder.vocabulary_
    assert clone(encoder).get_params() == encoder.get_params()
    assert not hasattr(clone(encoder), "vocabulary_")
    assert "TokenEncoder" in encoder._repr_html_()
