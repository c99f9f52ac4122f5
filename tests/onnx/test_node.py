"""An exported model runs outside Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx_cases as cases
import pytest
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.onnx import to_onnx
from skrnn.preprocessing import SequenceScaler

pytest.importorskip("onnx")

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "production" / "onnx_in_node.mjs"
# A folder with node_modules in which there is onnxruntime-web.
FOLDER = os.environ.get("SKRNN_NODE_FOLDER")

pytestmark = pytest.mark.skipif(
    FOLDER is None or shutil.which("node") is None or not SCRIPT.exists(),
    reason="needs Node, and SKRNN_NODE_FOLDER with onnxruntime-web in it",
)


def described(array):
    kinds = {"f": "float32", "i": "int64"}
    return {"type": kinds[array.dtype.kind], "dims": array.shape, "data": array.ravel().tolist()}


@pytest.mark.parametrize("cell", ["lstm", "lru"])
def test_node_answers_as_the_estimator_does(cell, tmp_path):
    X = cases.sequences()
    network = RNNClassifier((5, 4), cell=cell, bidirectional=True, frame_length=2, **cases.QUICK)
    est = make_pipeline(SequenceScaler(), network).fit(X, cases.targets("several"))
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(est).SerializeToString())
    feeds = {"X": cases.padded(X, 0), "lengths": cases.LENGTHS}
    done = subprocess.run(
        ["node", str(SCRIPT), str(path)],
        input=json.dumps({name: described(array) for name, array in feeds.items()}),
        cwd=FOLDER,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)
    assert outputs["label"]["data"] == est.predict(X).tolist()
    got = np.reshape(outputs["probabilities"]["data"], outputs["probabilities"]["dims"])
    cases.assert_close(got, est.predict_proba(X))
