"""
Serve a model with ONNX Runtime
===============================

A service that answers for sequences of any lengths, without skrnn or scikit-learn on the machine
that runs it: FastAPI takes the requests, ONNX Runtime computes. Train once, and write the model:

.. code-block:: shell

    pip install "skrnn[onnx]" fastapi uvicorn
    python serve_onnx.py speakers.onnx

Then serve it, where ``fastapi``, ``uvicorn``, ``numpy`` and ``onnxruntime`` are all that is needed:

.. code-block:: shell

    MODEL=speakers.onnx uvicorn --factory serve_onnx:create_app
    curl -X POST localhost:8000/predict -H 'Content-Type: application/json' \
        -d '{"sequences": [[[0.1, 0.2], [0.3, 0.4]]]}'
"""

# sphinx_gallery_thumbnail_path = "_static/logo.svg"

import os
import sys
from typing import Annotated

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

# %%
# Training is the only part that needs skrnn. The scaler becomes a part of the model, so that the
# service takes the numbers as they were measured.


def train(path: str):
    """Fit a pipeline on the Japanese vowels, and write it as an ONNX model."""
    from sklearn.pipeline import make_pipeline

    from skrnn import RNNClassifier
    from skrnn.datasets import load_japanese_vowels
    from skrnn.onnx import to_onnx
    from skrnn.preprocessing import SequenceScaler

    X, y = load_japanese_vowels(split="train", return_X_y=True)
    network = RNNClassifier(hidden_layer_sizes=32, readout="max", random_state=0)
    pipeline = make_pipeline(SequenceScaler(), network).fit(X, y)
    with open(path, "wb") as file:
        file.write(to_onnx(pipeline).SerializeToString())
    return pipeline


# %%
# A request holds sequences as lists of time steps. They are padded to an array, and the model is
# told their lengths: what stands at padding has no effect.

Steps = Annotated[list[list[float]], Field(min_length=1, max_length=10_000)]


class Request(BaseModel):
    """Sequences, every one a list of time steps, and a time step a list of channels."""

    sequences: Annotated[list[Steps], Field(min_length=1, max_length=1_000)]


class Answer(BaseModel):
    """The label of every sequence, and the probabilities of all classes."""

    labels: list[str | int]
    probabilities: list[list[float]]


def padded(sequences: list[list[list[float]]], n_channels: int) -> dict[str, np.ndarray]:
    """Return the inputs of the model."""
    lengths = np.array([len(steps) for steps in sequences])
    X = np.zeros((len(lengths), lengths.max(), n_channels), dtype=np.float32)
    for row, (values, steps) in enumerate(zip(X, sequences, strict=True)):
        if any(len(step) != n_channels for step in steps):
            raise HTTPException(
                422, f"Sequence {row}: a time step is to have {n_channels} numbers."
            )
        with np.errstate(over="ignore"):  # of what is too large there is no answer
            values[: len(steps)] = steps
    return {"X": X, "lengths": lengths}


# %%
# One session serves all requests; it may be called from several threads.


def create_app(path: str | None = None) -> FastAPI:
    """Return the service of a model; without a path, of the one that MODEL names."""
    session = onnxruntime.InferenceSession(
        path or os.environ["MODEL"], providers=["CPUExecutionProvider"]
    )
    n_channels = session.get_inputs()[0].shape[2]
    app = FastAPI(title="Sequences")

    @app.post("/predict")
    def predict(request: Request) -> Answer:
        labels, probabilities = session.run(
            ["label", "probabilities"], padded(request.sequences, n_channels)
        )
        if not np.isfinite(probabilities).all():
            raise HTTPException(422, "A number is too large.")
        return Answer(labels=labels.tolist(), probabilities=probabilities.tolist())

    return app


if __name__ == "__main__":
    train(sys.argv[1])
