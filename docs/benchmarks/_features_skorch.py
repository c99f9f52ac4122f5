"""The attempts of `features.py` with skorch and PyTorch."""

from __future__ import annotations

import io
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import _features as data
import numpy as np
import torch
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch import Tensor, nn


class Last(nn.Module):
    """A GRU, read out at its last step."""

    def __init__(self, n_inputs: int = data.CHANNELS, n_outputs: int = 2) -> None:
        super().__init__()
        self.gru = nn.GRU(n_inputs, 4, batch_first=True)
        self.output = nn.Linear(4, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.gru(x)[1][-1])


class Packed(Last):
    """The same for padded sequences, which come with their lengths."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        return self.output(self.gru(packed)[1][-1])


def net(module: type[nn.Module] = Last, **parameters: Any) -> NeuralNetClassifier:
    torch.manual_seed(0)
    usual = {"criterion": nn.CrossEntropyLoss, "max_epochs": 2, "verbose": 0, "train_split": None}
    return NeuralNetClassifier(module, **{**usual, **parameters})


def padded() -> Any:
    from skorch.helper import SliceDict

    return SliceDict(x=data.PADDED, lengths=data.LENGTHS)


def fitted() -> NeuralNetClassifier:
    return net().fit(data.X, data.LABELS)


@data.own_code
def different_lengths() -> str:
    data.finite(net(Packed).fit(padded(), data.LABELS).predict_proba(padded()))
    return "padded arrays with their lengths, and a module that packs them"


def cells() -> None:
    net().fit(data.CELLS, data.LABELS)


@data.own_code
def missing() -> str:
    class WithGaps(Last):
        def __init__(self) -> None:
            super().__init__(n_inputs=2 * data.CHANNELS)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(torch.cat([x.nan_to_num(), x.isnan().float()], dim=2))

    data.finite(net(WithGaps).fit(data.GAPS, data.LABELS).predict_proba(data.GAPS))
    return "a module that fills gaps and marks them"


@data.own_code
def static() -> str:
    class Beside(Last):
        def __init__(self) -> None:
            super().__init__()
            self.output = nn.Linear(5, 2)

        def forward(self, x: Tensor, age: Tensor) -> Tensor:
            return self.output(torch.cat([self.gru(x)[1][-1], age[:, None]], dim=1))

    net(Beside).fit({"x": data.X, "age": data.AGE / 80}, data.LABELS)
    return "a module with two inputs"


@data.own_code
def strings() -> str:
    class OfWords(Last):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(4, data.CHANNELS, padding_idx=0)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(self.embedding(x))

    numbers = {"not": 1, "bad": 2, "good": 3}
    ids = [[numbers[word] for word in words] for words in data.WORDS]
    padded_ids = np.array([row + [0] * (3 - len(row)) for row in ids])
    net(OfWords).fit(padded_ids, data.LABELS)
    return "numbers in place of words, padded, and a module with an embedding"


@data.own_code
def steps() -> str:
    class EveryStep(Last):
        def forward(self, x: Tensor) -> Tensor:
            return self.output(self.gru(x)[0]).transpose(1, 2)

    net(EveryStep).fit(data.X, data.STEP_LABELS)
    return "a module that answers at every step"


@data.own_code
def sample_weight() -> str:
    class WithWeight(Last):
        def forward(self, x: Tensor, sample_weight: Tensor) -> Tensor:
            return super().forward(x)

    class Weighted(NeuralNetClassifier):
        def get_loss(self, y_pred: Tensor, y_true: Tensor, X: Any, **other: Any) -> Tensor:
            each = super().get_loss(y_pred, y_true, X, **other)
            return (X["sample_weight"] * each).mean()

    model = Weighted(
        WithWeight, criterion=nn.CrossEntropyLoss, criterion__reduction="none", verbose=0,
        max_epochs=2, train_split=None,
    )  # fmt: skip
    model.fit({"x": data.X, "sample_weight": data.AGE}, data.LABELS)
    return "weights within `X`, and a loss that takes them"


def class_weight() -> str:
    net(criterion__weight=torch.tensor([1.0, 2.0])).fit(data.X, data.LABELS)
    return "`criterion__weight`, as numbers"


def partial_fit() -> None:
    fitted().partial_fit(data.X, data.LABELS)


def early_stopping() -> None:
    from skorch.callbacks import EarlyStopping
    from skorch.dataset import ValidSplit

    net(callbacks=[EarlyStopping()], train_split=ValidSplit(4)).fit(data.X, data.LABELS)


def callbacks() -> None:
    from skorch.callbacks import LRScheduler

    net(callbacks=[LRScheduler()]).fit(data.X, data.LABELS)


def seed() -> None:
    NeuralNetClassifier(Last, random_state=0).initialize()


def checks() -> str:
    class OfRows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.Linear(4, 3))

        def forward(self, X: Tensor) -> Tensor:
            return self.layers(X)

    return data.checked(net(OfRows))


@data.own_code
def search() -> str:
    GridSearchCV(net(Packed), {"lr": [0.01, 0.1]}, cv=2, error_score="raise").fit(
        padded(), data.LABELS
    )
    return "as above, in a `SliceDict`"


def pickles() -> None:
    model = fitted()
    data.same(pickle.loads(pickle.dumps(model)).predict(data.X), model.predict(data.X))


@data.own_code
def quantiles() -> str:
    class Ordered(Last):
        def __init__(self) -> None:
            super().__init__(n_outputs=3)

        def forward(self, x: Tensor) -> Tensor:
            raw = super().forward(x)
            widths = nn.functional.softplus(raw[:, 1:])
            return torch.cat([raw[:, :1], raw[:, :1] + widths.cumsum(dim=1)], dim=1)

    class Pinball(nn.Module):
        def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
            levels, error = torch.tensor(data.LEVELS), target - predicted
            return torch.maximum(levels * error, (levels - 1) * error).mean()

    model = NeuralNetRegressor(Ordered, criterion=Pinball, max_epochs=2, verbose=0)
    data.ordered(model.fit(data.X, data.NUMBERS[:, None]).predict(10 * data.X))
    return "a loss, and a module whose outputs are ordered"


@data.own_code
def spread() -> str:
    class Normal(Last):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            raw = super().forward(x)
            return raw[:, :1], nn.functional.softplus(raw[:, 1:])

    class OfNormal(nn.Module):
        def forward(self, predicted: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
            return nn.functional.gaussian_nll_loss(predicted[0], target, predicted[1])

    model = NeuralNetRegressor(Normal, criterion=OfNormal, max_epochs=2, verbose=0)
    model.fit(data.X, data.NUMBERS[:, None])
    data.finite(model.forward(torch.from_numpy(data.X))[1])
    return "a loss, and a module with two outputs"


def alone() -> None:
    model = net(Packed).fit(padded(), data.LABELS)
    together = model.predict_proba(padded())
    by_one = [
        model.predict_proba({"x": x[None], "lengths": np.array([len(x)])})[0] for x in data.RAGGED
    ]
    data.same(by_one, together)


def attributions() -> None:
    import skorch

    data.named(skorch, "attribution", "shapley", "saliency")


def diagnosis() -> str:
    from skorch.helper import SkorchDoctor

    doctor = SkorchDoctor(net())
    doctor.fit(data.X, data.LABELS)
    assert isinstance(doctor.gradient_recs_, (Mapping, list))
    return "`SkorchDoctor`: by layer, records for you to judge"


def safe_file() -> str:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.safetensors"
        model = fitted()
        model.save_params(f_params=file, use_safetensors=True)
        loaded = net().initialize()
        loaded.load_params(f_params=file, use_safetensors=True)
        data.same(loaded.predict(data.X), model.predict(data.X))
    return "the weights"


def onnx() -> str:
    exported = torch.onnx.export(fitted().module_.eval(), (torch.from_numpy(data.X[:2]),))
    assert exported is not None
    exported.save(io.BytesIO())
    return "by `torch.onnx`"


@data.own_code
def streaming() -> str:
    module = fitted().module_.eval()
    state = None
    for row in torch.from_numpy(data.X[0]):
        _, state = module.gru(row[None, None], state)
    assert torch.allclose(module.output(state[-1]), module(torch.from_numpy(data.X[:1])), atol=1e-6)
    return "the layer takes and returns its state"


def on_device() -> None:
    net(device="cuda").fit(data.X, data.LABELS)


def gpu() -> str:
    try:
        on_device()
    except (AssertionError, RuntimeError) as error:
        if "cuda" not in str(error).lower():
            raise
        return '`device="cuda"` is handed to PyTorch; there was none on the machine of this run'
    return '`device="cuda"`'


def own_layer() -> str:
    fitted()
    return "the module is yours"


def other_networks() -> str:
    class Convolution(nn.Sequential):
        def __init__(self) -> None:
            super().__init__(nn.Conv1d(data.STEPS, 4, 2), nn.Flatten(), nn.LazyLinear(2))

    net(Convolution).fit(data.X, data.LABELS)
    return "anything that PyTorch can"


def other_tasks() -> None:
    import skorch

    data.named(skorch, "cluster", "distance")
