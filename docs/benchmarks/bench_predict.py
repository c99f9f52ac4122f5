"""Time inference against PyTorch and ONNX Runtime, and one prediction against a perceptron's.

The network is one recurrent layer with an output layer at its last state, float32. All three
compute the same raw prediction from the same weights in one process, taking turns; that they
agree is checked first.

    python docs/benchmarks/bench_predict.py --threads 1 2
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import NamedTuple

import _measure
import numpy as np
import onnx
import onnxruntime
import threadpoolctl
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.neural_network import MLPClassifier

from skrnn import RNNClassifier
from skrnn.core.cells import CELLS
from skrnn.core.initializers import orthogonal, xavier_uniform
from skrnn.core.network import Architecture, Network
from skrnn.core.readouts import READOUTS

N_CLASSES = 10
# Gates of PyTorch and of ONNX, by their place among skrnn's.
TORCH_GATES = {"lstm": [0, 1, 2, 3], "gru": [1, 0, 2], "rnn": [0]}
ONNX_GATES = {"lstm": [0, 3, 1, 2], "gru": [0, 1, 2], "rnn": [0]}
TORCH_CELLS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}


class Weights(NamedTuple):
    """Weights with one row for each gate's unit, as PyTorch and ONNX have them."""

    W_x: np.ndarray
    W_h: np.ndarray
    b_x: np.ndarray
    b_h: np.ndarray


def make_network(cell: str, n_inputs: int, hidden_size: int) -> Network:
    architecture = Architecture(
        CELLS[cell], n_inputs, (hidden_size,), N_CLASSES, readout=READOUTS["last"]
    )
    rng = np.random.RandomState(0)
    return Network.initialize(architecture, rng, xavier_uniform, orthogonal, dtype=np.float32)


def reordered(network: Network, gates: list[int]) -> Weights:
    """Return the weights with the gates in another order."""
    weights = network.weights(0)
    hidden_size = len(weights["W_h"])
    columns = np.concatenate([np.arange(hidden_size) + gate * hidden_size for gate in gates])
    b_x, b_h = weights["b"], np.zeros_like(weights["b"])
    if "b_hn" in weights:
        b_h[-hidden_size:] = weights["b_hn"]
    return Weights(
        np.ascontiguousarray(weights["W_x"][:, columns].T),
        np.ascontiguousarray(weights["W_h"][:, columns].T),
        b_x[columns],
        b_h[columns],
    )


def run_skrnn(network: Network, x: np.ndarray) -> Callable[[], np.ndarray]:
    n_active = np.full(len(x), x.shape[1])
    return lambda: network.predict(x, n_active)


def run_torch(network: Network, x: np.ndarray, cell: str) -> Callable[[], np.ndarray]:
    layer = TORCH_CELLS[cell](x.shape[2], network.architecture.hidden_sizes[0])
    output = torch.nn.Linear(layer.hidden_size, N_CLASSES)
    parameters = [*layer.parameters(), *output.parameters()]
    W, b = network.parameters["output.W"], network.parameters["output.b"]
    for parameter, value in zip(
        parameters, [*reordered(network, TORCH_GATES[cell]), W.T, b], strict=True
    ):
        parameter.data = torch.from_numpy(np.ascontiguousarray(value))
    sequences = torch.from_numpy(x)

    def run() -> np.ndarray:
        with torch.inference_mode():
            return output(layer(sequences)[0][-1]).numpy()

    return run


def run_onnx(network: Network, x: np.ndarray, cell: str, threads: int) -> Callable[[], np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Its threads would spin on into the turns of the others.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        onnx_model(network, cell, x.shape[2]).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    return lambda: session.run(None, {"x": x})[0]


def onnx_model(network: Network, cell: str, n_inputs: int) -> onnx.ModelProto:
    """Return the network as an ONNX graph: the recurrent operator, then Gemm on its last state."""
    weights = reordered(network, ONNX_GATES[cell])
    constants = {
        "W": weights.W_x[None],
        "R": weights.W_h[None],
        "B": np.concatenate([weights.b_x, weights.b_h])[None],
        "first": np.array([0], dtype=np.int64),
        "W_out": network.parameters["output.W"],
        "b_out": network.parameters["output.b"],
    }
    hidden_size = network.architecture.hidden_sizes[0]
    options = {"linear_before_reset": 1} if cell == "gru" else {}
    nodes = [
        helper.make_node(
            cell.upper(), ["x", "W", "R", "B"], ["", "h"], hidden_size=hidden_size, **options
        ),
        helper.make_node("Squeeze", ["h", "first"], ["last"]),
        helper.make_node("Gemm", ["last", "W_out", "b_out"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None, n_inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, N_CLASSES])],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    # Versions that every ONNX Runtime of recent years reads.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


class Row(NamedTuple):
    """Times in milliseconds of skrnn, PyTorch and ONNX Runtime."""

    cell: str
    shape: tuple[int, ...]
    threads: int
    times: list[np.ndarray]

    @property
    def ratio(self) -> float:
        """How many times faster than the faster of the two."""
        return min(_measure.ratio(theirs, self.times[0]) for theirs in self.times[1:])

    def cells(self) -> list[str]:
        shape = ", ".join(map(str, self.shape))
        times = map(_measure.describe, self.times)
        return [f"{self.cell}: {shape}", str(self.threads), *times, f"**{self.ratio:.2f}**"]


def measure(cell: str, shape: tuple[int, ...], threads: int, seconds: float) -> Row:
    n_samples, n_timesteps, n_inputs, hidden_size = shape
    network = make_network(cell, n_inputs, hidden_size)
    x = np.random.RandomState(1).normal(size=(n_timesteps, n_samples, n_inputs))
    x = x.astype(np.float32)
    runs = [run_skrnn(network, x), run_torch(network, x, cell), run_onnx(network, x, cell, threads)]
    for other in runs[1:]:
        np.testing.assert_allclose(other(), runs[0](), rtol=1e-3, atol=1e-3)
    return Row(cell, shape, threads, _measure.alternate(runs, seconds))


def one_sequence(seconds: float) -> str:
    """Return a line on `predict` of one sequence against a perceptron's `predict` of one row."""
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(50, 100, 8)).astype(np.float32), np.arange(50) % N_CLASSES
    flat = X.reshape(len(X), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # trained for one epoch, which is enough to predict
        ours = RNNClassifier(64, max_iter=1).fit(X, y)
        theirs = MLPClassifier(64, max_iter=1).fit(flat, y)
    runs = [lambda: ours.predict(X[:1]), lambda: theirs.predict(flat[:1])]
    times = _measure.alternate(runs, seconds)
    return (
        "`predict` of one sequence (100 steps of 8, hidden 64, GRU): "
        f"{_measure.describe(times[0])} ms; `MLPClassifier.predict` of a row of 800: "
        f"{_measure.describe(times[1])} ms; skrnn takes {_measure.ratio(*times):.2f} times as long."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", choices=list(TORCH_CELLS), default=list(TORCH_CELLS))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each line of the table")
    arguments = _measure.parse(parser)
    shapes = [*_measure.SHAPES, *((1, *shape[1:]) for shape in _measure.SHAPES)]
    rows = []
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        with threadpoolctl.threadpool_limits(threads):
            rows += [
                measure(cell, shape, threads, arguments.seconds)
                for cell in arguments.cells
                for shape in shapes
            ]
    header = ["batch, steps, inputs, hidden", "threads", "skrnn, ms", "PyTorch, ms"]
    text = _measure.table(
        [*header, "ONNX Runtime, ms", "faster of both / skrnn"], (row.cells() for row in rows)
    )
    sections = [text, one_sequence(arguments.seconds)]
    packages = ["torch", "onnxruntime"]
    _measure.publish(arguments, "bench_predict", "Inference", sections, packages)
    _measure.plot_bars(
        arguments,
        "bench_predict",
        labels=[f"{r.cell} {', '.join(map(str, r.shape))}; {r.threads}" for r in rows],
        series={"ratio": [row.ratio for row in rows]},
        xlabel="how many times faster than the faster of PyTorch and ONNX Runtime",
    )


if __name__ == "__main__":
    main()
