"""The example of a service answers as the model does that it was made of."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from skrnn.datasets import load_japanese_vowels

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("fastapi")
pytest.importorskip("httpx")

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "production" / "serve_onnx.py"

pytestmark = [
    pytest.mark.skipif(not SCRIPT.exists(), reason="there is no documentation beside the tests"),
    # Of the client of the tests.
    pytest.mark.filterwarnings("ignore:Using `httpx`", "default::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The pipeline that was trained, and a client of the service."""
    spec = importlib.util.spec_from_file_location("serve_onnx", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Where pydantic looks for the names in annotations.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    path = str(tmp_path_factory.mktemp("model") / "speakers.onnx")
    pipeline = module.train(path)
    from fastapi.testclient import TestClient

    yield pipeline, TestClient(module.create_app(path))
    del sys.modules[spec.name]


def some_sequences(n):
    frame, _ = load_japanese_vowels(split="test", return_X_y=True)
    return frame[:n], [np.column_stack(cells).tolist() for cells in frame[:n].to_numpy()]


def test_the_service_answers_for_sequences_of_any_lengths(served):
    pipeline, client = served
    frame, sequences = some_sequences(20)
    response = client.post("/predict", json={"sequences": sequences})
    assert response.status_code == 200
    answer = response.json()
    assert answer["labels"] == pipeline.predict(frame).tolist()
    np.testing.assert_allclose(answer["probabilities"], pipeline.predict_proba(frame), atol=1e-5)


def test_an_answer_does_not_depend_on_what_else_is_in_the_request(served):
    _, client = served
    _, sequences = some_sequences(5)
    together = client.post("/predict", json={"sequences": sequences}).json()["probabilities"]
    alone = [
        client.post("/predict", json={"sequences": [each]}).json()["probabilities"][0]
        for each in sequences
    ]
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    "sequences",
    [[], [[]], [[[1.0, 2.0]]], [[["a"] * 12]], [[[1e39] * 12]], "text", [[1.0] * 12]],
    ids=["none", "empty", "channels", "text", "too large", "string", "flat"],
)
def test_a_wrong_request_is_refused(served, sequences):
    _, client = served
    response = client.post("/predict", json={"sequences": sequences})
    assert response.status_code == 422
    assert response.json()["detail"]
