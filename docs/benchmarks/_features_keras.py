"""The attempts of `features.py` with Keras, on PyTorch, and its wrappers for scikit-learn."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any

import _features as data
import keras
import numpy as np
from keras import layers, ops
from keras.wrappers import SKLearnClassifier
from sklearn.model_selection import GridSearchCV

SPARSE = "sparse_categorical_crossentropy"


def network(*parts: Any, loss: Any = SPARSE, outputs: int = 2, activation: Any = "softmax") -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([*parts, layers.GRU(4), layers.Dense(outputs, activation=activation)])
    model.compile("adam", loss)
    return model


def fitted() -> Any:
    model = network(layers.Input((None, data.CHANNELS)))
    model.fit(data.X, data.LABELS, epochs=2, verbose=0)
    return model


def wrapped(X: Any, y: Any) -> Any:
    return network(layers.Masking())


def different_lengths() -> str:
    model = network(layers.Masking())
    X = keras.utils.pad_sequences(data.RAGGED, dtype="float32", padding="post")
    model.fit(X, data.LABELS, verbose=0)
    data.finite(model.predict(X, verbose=0))
    return "padded by `pad_sequences`, with a mask"


def cells() -> None:
    network().fit(data.CELLS, data.LABELS, verbose=0)


@data.own_code
def missing() -> str:
    X = np.concatenate([np.nan_to_num(data.GAPS), np.isnan(data.GAPS)], axis=2)
    network().fit(X, data.LABELS, verbose=0)
    try:
        model = network()
        model.fit(data.GAPS, data.LABELS, verbose=0)
        data.finite(model.predict(data.GAPS, verbose=0))
    except ValueError:
        return "filled and marked beforehand; as they are, the predictions are NaN"
    raise AssertionError("Keras takes missing values.")


def static() -> str:
    sequence, age = layers.Input((None, data.CHANNELS)), layers.Input((1,))
    together = layers.Concatenate()([layers.GRU(4)(sequence), age])
    model = keras.Model([sequence, age], layers.Dense(2, activation="softmax")(together))
    model.compile("adam", SPARSE)
    model.fit([data.X, data.AGE / 80], data.LABELS, verbose=0)
    return "two inputs of the functional interface"


@data.own_code
def strings() -> str:
    numbers = {"not": 1, "bad": 2, "good": 3}
    ids = [[numbers[word] for word in words] for words in data.WORDS]
    model = network(layers.Embedding(4, 2, mask_zero=True))
    model.fit(keras.utils.pad_sequences(ids), data.LABELS, verbose=0)
    return "numbers in place of words; `TextVectorization` needs TensorFlow"


def steps() -> None:
    model = keras.Sequential(
        [layers.GRU(4, return_sequences=True), layers.Dense(2, activation="softmax")]
    )
    model.compile("adam", SPARSE)
    model.fit(data.X, data.STEP_LABELS, verbose=0)


def sample_weight() -> None:
    network().fit(data.X, data.LABELS, sample_weight=data.AGE, verbose=0)


def class_weight() -> str:
    network().fit(data.X, data.LABELS, class_weight={0: 1.0, 1: 2.0}, verbose=0)
    return "as numbers"


def partial_fit() -> None:
    fitted().train_on_batch(data.X, data.LABELS)


def early_stopping() -> None:
    stop = keras.callbacks.EarlyStopping(patience=1)
    network().fit(data.X, data.LABELS, validation_split=0.2, callbacks=[stop], verbose=0)


def callbacks() -> None:
    network().fit(data.X, data.LABELS, callbacks=[keras.callbacks.History()], verbose=0)


def seed() -> None:
    SKLearnClassifier(wrapped, random_state=0)


def checks() -> str:
    def of_rows(X: Any, y: Any) -> Any:
        inputs = layers.Input((X.shape[1],))
        n_outputs = y.shape[1] if y.ndim == 2 else 1
        model = keras.Model(inputs, layers.Dense(n_outputs, activation="softmax")(inputs))
        model.compile("adam", "categorical_crossentropy")
        return model

    return data.checked(SKLearnClassifier(of_rows, fit_kwargs={"verbose": 0}))


def search() -> None:
    search = GridSearchCV(
        SKLearnClassifier(one_hot, fit_kwargs={"verbose": 0}),
        {"fit_kwargs": [{"epochs": 1, "verbose": 0}, {"epochs": 2, "verbose": 0}]},
        cv=2,
        error_score="raise",
    )
    search.fit(keras.utils.pad_sequences(data.RAGGED, dtype="float32"), data.LABELS)


def one_hot(X: Any, y: Any) -> Any:
    return network(layers.Masking(), loss="categorical_crossentropy")


def pickles() -> None:
    model = fitted()
    loaded = pickle.loads(pickle.dumps(model))
    data.same(loaded.predict(data.X, verbose=0), model.predict(data.X, verbose=0))


@data.own_code
def quantiles() -> str:
    class Ordered(layers.Layer):
        def call(self, raw: Any) -> Any:
            widths = ops.softplus(raw[:, 1:])
            return ops.concatenate([raw[:, :1], raw[:, :1] + ops.cumsum(widths, axis=1)], axis=1)

    def pinball(target: Any, predicted: Any) -> Any:
        levels, error = ops.convert_to_tensor(data.LEVELS), target - predicted
        return ops.mean(ops.maximum(levels * error, (levels - 1) * error))

    model = keras.Sequential([layers.GRU(4), layers.Dense(3), Ordered()])
    model.compile("adam", pinball)
    model.fit(data.X, data.NUMBERS[:, None], verbose=0)
    data.ordered(model.predict(10 * data.X, verbose=0))
    return "a loss, and a layer whose outputs are ordered"


@data.own_code
def spread() -> str:
    def of_normal(target: Any, raw: Any) -> Any:
        scale = ops.softplus(raw[:, 1:]) + 1e-3
        return ops.mean(ops.log(scale) + 0.5 * ops.square((target - raw[:, :1]) / scale))

    model = network(loss=of_normal, activation=None)
    model.fit(data.X, data.NUMBERS[:, None], verbose=0)
    data.finite(model.predict(data.X, verbose=0))
    return "a loss of two outputs"


def alone() -> None:
    model = network(layers.Masking())
    model.fit(data.PADDED, data.LABELS, verbose=0)
    together = model.predict(data.PADDED, verbose=0)
    data.same([model.predict(x[None], verbose=0)[0] for x in data.RAGGED], together)


def attributions() -> None:
    data.named(keras, "attribution", "shapley", "saliency")


def diagnosis() -> None:
    data.named(keras.callbacks, "gradient", "diagnos")


def safe_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model = fitted()
        model.save(file)
        loaded = keras.saving.load_model(file)
        data.same(loaded.predict(data.X, verbose=0), model.predict(data.X, verbose=0))


def onnx() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fitted().export(str(Path(folder) / "model.onnx"), format="onnx", verbose=False)


def streaming() -> str:
    model = keras.Sequential(
        [layers.Input((1, data.CHANNELS), batch_size=1), layers.GRU(4, stateful=True)]
    )
    whole = keras.Sequential([layers.Input((None, data.CHANNELS)), layers.GRU(4)])
    whole.set_weights(model.get_weights())
    for row in data.X[0]:
        answer = model.predict(row[None, None], verbose=0)
    np.testing.assert_allclose(answer, whole.predict(data.X[:1], verbose=0), atol=1e-5)
    return "`stateful=True`"


def gpu() -> str:
    try:
        with keras.device("gpu:0"):
            network().fit(data.X, data.LABELS, verbose=0)
    except (AssertionError, RuntimeError) as error:
        if "cuda" not in str(error).lower():
            raise
        return "handed to PyTorch; there was none on the machine of this run"
    return ""


def own_layer() -> None:
    class Twice(layers.Layer):
        def call(self, x: Any) -> Any:
            return 2 * ops.sin(x)

    network(Twice()).fit(data.X, data.LABELS, verbose=0)


def other_networks() -> None:
    model = keras.Sequential(
        [layers.Conv1D(4, 3), layers.GlobalMaxPooling1D(), layers.Dense(2, activation="softmax")]
    )
    model.compile("adam", SPARSE)
    model.fit(data.X, data.LABELS, verbose=0)


def other_tasks() -> None:
    data.named(keras, "cluster", "distance")
