"""Networks in PyTorch compute what they compute here, and come back as they were."""

from __future__ import annotations

import copy
import pickle
import sys

import interop_cases as cases
import numpy as np
import onnx_cases
import pytest
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.core.activations import TANH
from skrnn.core.cells import GRU
from skrnn.core.losses import Gaussian
from skrnn.core.readouts import Last
from skrnn.interop import from_torch, to_torch
from skrnn.preprocessing import SequenceScaler

torch = pytest.importorskip("torch")

LENGTHS = onnx_cases.LENGTHS


@pytest.fixture(autouse=True)
def reproducible():
    torch.manual_seed(0)


def module_says(module, X):
    """The module's answers for ragged sequences, one row after the other."""
    stacked = torch.as_tensor(onnx_cases.padded(X, 0))
    answers = module(stacked, LENGTHS).detach().numpy()
    if answers.ndim == 3:
        answers = np.concatenate([row[:n] for row, n in zip(answers, LENGTHS, strict=True)])
    return answers


@pytest.mark.parametrize("case", cases.TORCH_CASES)
def test_the_module_answers_as_the_estimator_does(case):
    kind, dtype, parameters = cases.TORCH_CASES[case]
    est, X = cases.fitted(kind, dtype, parameters)
    got = module_says(to_torch(est), X)
    assert got.dtype == dtype
    onnx_cases.assert_close(got, cases.raw(est, X), cases.TOLERANCES[dtype])


@pytest.mark.parametrize("case", cases.TORCH_CASES)
def test_weights_come_back_as_they_were(case):
    est, X = cases.fitted(*cases.TORCH_CASES[case])
    again = from_torch(to_torch(est), like=est)
    assert np.array_equal(again.network_.parameters.vector, est.network_.parameters.vector)
    assert np.array_equal(cases.raw(again, X), cases.raw(est, X))


def test_without_lengths_all_sequences_fill_the_time_axis():
    est = onnx_cases.fitted("several", bidirectional=True, frame_length=2)
    X = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    got = to_torch(est)(torch.as_tensor(X)).detach().numpy()
    onnx_cases.assert_close(got, est.decision_function(X), 1e-6)


def test_ids_go_through_the_embedding():
    ids = [np.arange(n) % 4 for n in LENGTHS]
    y = onnx_cases.targets("several")
    est = RNNClassifier(4, embedding_dim=3, **onnx_cases.QUICK).fit(ids, y)
    module = to_torch(est)
    stacked = onnx_cases.padded([each[:, None] for each in ids], 0)
    got = module(torch.as_tensor(stacked), LENGTHS).detach().numpy()
    onnx_cases.assert_close(got, est.decision_function(ids), 1e-12)
    again = from_torch(module, like=est)
    assert np.array_equal(again.decision_function(ids), est.decision_function(ids))


def test_a_module_learns_and_comes_back():
    X, y = onnx_cases.sequences(), onnx_cases.targets("two")
    est = onnx_cases.fitted("two", dropout=0.2, readout="mean", cell="lstm")
    module = to_torch(est).train()
    stacked, wanted = torch.as_tensor(onnx_cases.padded(X, 0)), torch.as_tensor(y)[:, None].float()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = loss_of(module(stacked, LENGTHS), wanted)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    again = from_torch(module, like=est)
    assert again.score(X, y) == 1.0
    assert again.loss_curve_ == []
    assert again.n_iter_ == 0
    onnx_cases.assert_close(module_says(module.eval(), X), cases.raw(again, X), 1e-6)


def test_every_weight_gets_the_gradient_that_it_has_here():
    est, X = cases.fitted("number", np.float64, {"cell": "gru", "readout": "attention"})
    module = to_torch(est)
    stacked = torch.as_tensor(onnx_cases.padded(X, 0))
    module(stacked, LENGTHS).sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in module.parameters())


def test_dropout_silences_the_same_units_at_all_steps_in_training_only():
    y = [np.full(n, 1.0) * n for n in LENGTHS]
    est = RNNRegressor(8, return_sequences=True, dropout=0.5, **onnx_cases.QUICK)
    est.fit(onnx_cases.sequences(), y)
    module = to_torch(est)
    x = torch.as_tensor(onnx_cases.padded(onnx_cases.sequences(), 0))
    assert torch.equal(module(x), module(x))
    outputs = module.train()._dropped(torch.ones(5, 7, 8))
    assert (outputs == outputs[:, :1]).all()
    assert set(outputs.unique().tolist()) == {0.0, 2.0}


def test_a_module_can_be_copied_and_pickled():
    module = to_torch(onnx_cases.fitted("number"))
    x = torch.as_tensor(onnx_cases.padded(onnx_cases.sequences(), 0))
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(other(x, LENGTHS), module(x, LENGTHS))


def test_the_estimator_keeps_its_own_weights():
    est = onnx_cases.fitted("several")
    before = est.network_.parameters.vector.copy()
    module = to_torch(est)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    assert np.array_equal(est.network_.parameters.vector, before)
    from_torch(module, like=est)
    assert np.array_equal(est.network_.parameters.vector, before)


@pytest.mark.parametrize("lengths", [[1, 2], [0] * 8, [10] * 8], ids=str)
def test_wrong_lengths_are_refused(lengths):
    module = to_torch(onnx_cases.fitted("several"))
    x = torch.as_tensor(onnx_cases.padded(onnx_cases.sequences(), 0))
    with pytest.raises(ValueError, match="lengths must hold one number from 1 to 9"):
        module(x, lengths)


# --- modules of the user's own -------------------------------------------------------------------


class Plain(torch.nn.Module):
    """What people write."""

    def __init__(self, kind, n_outputs, both=False, n_layers=2, **options):
        super().__init__()
        kinds = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
        self.rnn = kinds[kind](3, 5, n_layers, bidirectional=both, batch_first=True, **options)
        self.fc = torch.nn.Linear(5 * (1 + both), n_outputs)

    def forward(self, x):
        _, h = self.rnn(x)
        h = h[0] if isinstance(h, tuple) else h
        n_directions = 2 if self.rnn.bidirectional else 1
        return self.fc(torch.cat(list(h[-n_directions:]), dim=1))


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("dtype", cases.TOLERANCES)
def test_a_module_of_ones_own_becomes_a_fitted_classifier(kind, both, dtype):
    module = Plain(kind, 4, both).to(getattr(torch, dtype.__name__))
    x = np.random.default_rng(0).normal(size=(6, 7, 3)).astype(dtype)
    est = from_torch(module, like=RNNClassifier(cell=kind), classes=["a", "b", "c", "d"])
    assert est.network_.parameters.vector.dtype == dtype
    logits = module(torch.as_tensor(x)).detach().numpy()
    onnx_cases.assert_close(est.decision_function(x), logits, cases.TOLERANCES[dtype])
    assert est.predict(x).tolist() == np.array(list("abcd"))[logits.argmax(axis=1)].tolist()
    assert est.get_params()["hidden_layer_sizes"] == (5, 5)


def test_a_state_is_enough():
    module = Plain("gru", 1, n_layers=1)
    est = from_torch(module.state_dict(), like=RNNRegressor())
    x = np.random.default_rng(0).normal(size=(6, 7, 3)).astype(np.float32)
    onnx_cases.assert_close(est.predict(x)[:, None], module(torch.as_tensor(x)).detach().numpy())


def test_several_outputs_are_those_of_a_regressor():
    module = Plain("lstm", 3)
    est = from_torch(module, like=RNNRegressor(cell="lstm"))
    x = np.random.default_rng(0).normal(size=(6, 7, 3)).astype(np.float32)
    onnx_cases.assert_close(est.predict(x), module(torch.as_tensor(x)).detach().numpy())


def test_a_softmax_of_two_becomes_one_logit():
    module = Plain("gru", 2).double()
    est = from_torch(module, like=RNNClassifier(), classes=[False, True])
    x = np.random.default_rng(0).normal(size=(6, 7, 3))
    proba = module(torch.as_tensor(x)).softmax(1).detach().numpy()
    onnx_cases.assert_close(est.predict_proba(x), proba, 1e-12)


def test_biases_may_be_missing():
    module = Plain("gru", 1, bias=False)
    module.fc = torch.nn.Linear(5, 1, bias=False)
    est = from_torch(module, like=RNNRegressor())
    x = np.random.default_rng(0).normal(size=(6, 7, 3)).astype(np.float32)
    onnx_cases.assert_close(est.predict(x)[:, None], module(torch.as_tensor(x)).detach().numpy())


def test_an_embedding_in_front_is_read():
    class Words(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = torch.nn.Embedding(11, 3)
            self.plain = Plain("gru", 1)

        def forward(self, ids):
            return self.plain(self.table(ids))

    module = Words()
    ids = np.random.default_rng(0).integers(0, 11, size=(6, 7))
    est = from_torch(module, like=RNNClassifier(embedding_dim=3))
    assert (est.n_tokens, est.embedding_dim) == (11, 3)
    logits = module(torch.as_tensor(ids)).detach().numpy()[:, 0]
    X = ids[:, :, None].astype(np.float32)
    onnx_cases.assert_close(est.decision_function(X), logits, 1e-5)


def test_what_comes_back_can_be_trained_on_and_saved():
    X, y = onnx_cases.sequences(), onnx_cases.targets("two")
    like = RNNClassifier(learning_rate="constant", tol=0.1, warm_start=True, random_state=0)
    est = from_torch(Plain("gru", 1), like=like, classes=[False, True])
    again = pickle.loads(pickle.dumps(est))
    assert np.array_equal(again.predict_proba(X), est.predict_proba(X))
    before = est.network_.parameters["layers.0.forward.W_x"].copy()
    est.fit(X, y)
    after = est.network_.parameters["layers.0.forward.W_x"]
    assert 0 < np.abs(after - before).max() < 1
    est.partial_fit(X, y)


# --- what does not go ----------------------------------------------------------------------------


class OwnCell(GRU):
    def __repr__(self):
        return "OwnCell()"


class OwnGaussian(Gaussian):
    def __repr__(self):
        return "OwnGaussian()"


class OwnReadout(Last):
    def __repr__(self):
        return "OwnReadout()"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cell": "lru"}, "PyTorch has no layer for the cell LRU"),
        ({"cell": OwnCell()}, r"the cell OwnCell\(\)"),
        ({"cell": "gru", "activation": "relu"}, "GRU has no activation 'relu'"),
        ({"cell": "rnn", "activation": "logistic"}, "RNN has no activation 'logistic'"),
        (
            {"cell": "rnn", "activation": TANH._replace(function=lambda a: np.tanh(a / 2))},
            "no activation 'tanh'",
        ),
        ({"readout": OwnReadout()}, r"read-out OwnReadout\(\)"),
        ({"loss": OwnGaussian()}, r"loss OwnGaussian\(\)"),
    ],
    ids=["lru", "own cell", "gru", "rnn", "own activation", "read-out", "distribution"],
)
@pytest.mark.filterwarnings("ignore")
def test_a_part_that_pytorch_has_no_layer_for_is_named(parameters, message):
    est = onnx_cases.estimator("number", **parameters)
    est._validate_params()
    est, _, _ = est._for_inspection(onnx_cases.sequences(), onnx_cases.targets("number"))
    with pytest.raises(ValueError, match=message):
        to_torch(est)


@pytest.mark.parametrize(
    ("module", "like", "message"),
    [
        (Plain("lstm", 1), RNNRegressor(cell="gru"), "The module has LSTM"),
        (Plain("lstm", 1).state_dict(), RNNRegressor(cell="gru"), r"4 gate\(s\)"),
        (Plain("rnn", 1, nonlinearity="relu"), RNNRegressor(cell="rnn"), "RNN_RELU"),
        (Plain("gru", 1), RNNRegressor(activation="relu"), "activation"),
        (Plain("gru", 1), RNNRegressor(cell="lru"), "no layer for the cell"),
        (Plain("gru", 1), RNNRegressor(readout=("last", "max")), r"output.W: \(5, 1\)"),
        (Plain("gru", 1), RNNRegressor(readout="attention"), "missing"),
        (Plain("gru", 1), RNNRegressor(frame_length=2), "frame_length=2"),
        (Plain("gru", 1), RNNRegressor(embedding_dim=3), "embedding"),
        (Plain("gru", 1), RNNRegressor(loss="nothing"), "loss"),
        (torch.nn.Linear(3, 1), RNNRegressor(), "no weights of nn.RNN"),
        (torch.nn.GRU(3, 5), RNNRegressor(), "nn.Linear as its last"),
        (Plain("lstm", 1, proj_size=2), RNNRegressor(cell="lstm"), "proj_size"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_weights_of_another_kind_are_refused(module, like, message):
    with pytest.raises(ValueError, match=message):
        from_torch(module, like=like)


def test_weights_of_another_size_are_refused():
    est = onnx_cases.fitted("several", hidden_layer_sizes=(4,))
    other = onnx_cases.fitted("several", hidden_layer_sizes=(5,))
    with pytest.raises(ValueError, match=r"layers.0.forward.W_x: \(3, 15\), expected \(3, 12\)"):
        from_torch(to_torch(other), like=est)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([0, 1, 2], "of 4 classes; got 3"),
        ([0, 0, 1, 2], "different labels in ascending order"),
        ([3, 2, 1, 0], "ascending"),
    ],
    ids=str,
)
def test_classes_are_those_of_the_outputs(classes, message):
    with pytest.raises(ValueError, match=message):
        from_torch(Plain("gru", 4), like=RNNClassifier(), classes=classes)


def test_classes_are_not_for_others():
    with pytest.raises(ValueError, match="RNNRegressor has none"):
        from_torch(Plain("gru", 1), like=RNNRegressor(), classes=[0, 1])
    est = onnx_cases.fitted("several")
    with pytest.raises(ValueError, match="leave classes out"):
        from_torch(to_torch(est), like=est, classes=[0, 1, 2])


@pytest.mark.parametrize("like", [RNNClassifier, "gru", None], ids=["class", "str", "none"])
def test_like_is_an_estimator(like):
    with pytest.raises(TypeError, match="like must be an RNNClassifier"):
        from_torch(Plain("gru", 1), like=like)


def test_a_missing_library_is_told_by_its_extra(monkeypatch):
    est = onnx_cases.fitted("several")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install skrnn\[torch\]"):
        to_torch(est)


def test_of_a_pipeline_the_last_step_is_asked_for():
    pipeline = make_pipeline(SequenceScaler(), onnx_cases.estimator("number"))
    with pytest.raises(TypeError, match=r"got Pipeline\. Pass its last step"):
        to_torch(pipeline)


@pytest.mark.parametrize("readout", ["last", "attention", ("max", "attention")], ids=str)
@pytest.mark.parametrize("kind", ["several", "number", "numbers", "counts"])
@pytest.mark.parametrize("as_state", [False, True])
def test_an_estimator_that_is_not_fitted_reads_all_that_the_module_has(readout, kind, as_state):
    est = onnx_cases.fitted(kind, readout=readout, bidirectional=True, hidden_layer_sizes=(5, 4))
    X, module = onnx_cases.sequences(), to_torch(est)
    like = onnx_cases.estimator(kind, readout=readout)
    classes = getattr(est, "classes_", None)
    again = from_torch(module.state_dict() if as_state else module, like=like, classes=classes)
    onnx_cases.assert_close(cases.raw(again, X), cases.raw(est, X), 1e-6)


def test_the_scale_of_the_target_is_that_of_the_module():
    module = to_torch(est := onnx_cases.fitted("number"))
    other = RNNRegressor(**onnx_cases.QUICK).fit(onnx_cases.sequences(), np.arange(8.0))
    X = onnx_cases.sequences()
    onnx_cases.assert_close(from_torch(module, like=other).predict(X), est.predict(X), 1e-6)
    assert other.predict(X).max() < 10


@pytest.mark.parametrize(
    ("kind", "like", "message"),
    [
        ("counts", RNNRegressor(), "predicts by exp"),
        ("number", RNNRegressor(loss="gamma"), "predicts by the identity"),
        ("number", RNNClassifier(), "made of a regressor; like is a classifier"),
        ("two", RNNRegressor(), "made of a classifier; like is a regressor"),
    ],
    ids=["exp", "identity", "classifier", "regressor"],
)
def test_a_module_of_another_kind_of_target_is_refused(kind, like, message):
    parameters = {"bidirectional": False, "hidden_layer_sizes": (4,)}
    with pytest.raises(ValueError, match=message):
        from_torch(to_torch(onnx_cases.fitted(kind, **parameters)), like=like)
