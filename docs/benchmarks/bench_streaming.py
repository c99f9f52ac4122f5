"""Time one step of a stream against PyTorch's and ONNX Runtime's, and against its own kernel.

The network is one recurrent layer, float32, with a row of one sensor a call and the state kept
between calls. skrnn's step is all that a user calls: it checks the row, runs layer and output layer
and returns a label. PyTorch's is the call of the layer alone, with one time step and the state of
the call before; ONNX Runtime's is a graph of layer and output layer with the state going in and
out. Their states after a sequence are compared first.

    python docs/benchmarks/bench_streaming.py
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import _measure
import numpy as np
import onnx
import onnxruntime
import threadpoolctl
import torch
from bench_predict import ONNX_GATES, TORCH_CELLS, TORCH_GATES, reordered
from onnx import TensorProto, helper, numpy_helper
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.core.network import Network
from skrnn.preprocessing import SequenceScaler
from skrnn.streaming import SequenceStream

N_CLASSES = 3
SHAPES = [(1, 32), (8, 32), (8, 64), (16, 128)]
# Steps of a timing: one takes too little time to be told from the clock.
N_STEPS = 200

Step = Callable[[np.ndarray], Any]


def fitted(cell: str, n_inputs: int, hidden_size: int, *, scaled: bool = False) -> Any:
    """Return a classifier trained for one epoch, which is enough to predict."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(30, 20, n_inputs)).astype(np.float32)
    model = RNNClassifier(
        hidden_size, cell=cell, bidirectional=False, readout="last", differences=False, max_iter=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        est = make_pipeline(SequenceScaler(), model) if scaled else model
        return est.fit(X, np.arange(30) % N_CLASSES)


def torch_step(network: Network, cell: str) -> tuple[Step, Callable[[], np.ndarray]]:
    """Return PyTorch's step, and what its hidden state is now."""
    layer = TORCH_CELLS[cell](network.architecture.n_inputs, network.architecture.hidden_sizes[0])
    for parameter, value in zip(
        layer.parameters(), reordered(network, TORCH_GATES[cell]), strict=True
    ):
        parameter.data = torch.from_numpy(np.ascontiguousarray(value))
    state: list[Any] = [None]

    def step(x: np.ndarray) -> None:
        _, state[0] = layer(torch.from_numpy(x), state[0])

    def hidden() -> np.ndarray:
        h = state[0][0] if cell == "lstm" else state[0]
        return h.numpy().ravel()

    return step, hidden


def onnx_step(network: Network, cell: str) -> tuple[Step, Callable[[], np.ndarray]]:
    """Return ONNX Runtime's step, and what its hidden state is now."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        streaming_graph(network, cell).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    zeros = np.zeros((1, 1, network.architecture.hidden_sizes[0]), np.float32)
    names = ["h", "c"] if cell == "lstm" else ["h"]
    state = dict.fromkeys(names, zeros)

    def step(x: np.ndarray) -> None:
        _, *after = session.run(None, {"x": x, **state})
        state.update(zip(names, after, strict=True))

    return step, lambda: state["h"].ravel()


def streaming_graph(network: Network, cell: str) -> onnx.ModelProto:
    """Return a graph of one step: the recurrent operator with its state, and Gemm on it."""
    weights = reordered(network, ONNX_GATES[cell])
    hidden_size = network.architecture.hidden_sizes[0]
    constants = {
        "W": weights.W_x[None],
        "R": weights.W_h[None],
        "B": np.concatenate([weights.b_x, weights.b_h])[None],
        "first": np.array([0], dtype=np.int64),
        "W_out": network.parameters["output.W"],
        "b_out": network.parameters["output.b"],
    }
    states = ["h", "c"] if cell == "lstm" else ["h"]
    after = [f"{name}_after" for name in states]
    options = {"linear_before_reset": 1} if cell == "gru" else {}
    inputs = ["x", "W", "R", "B", "", *states]
    nodes = [
        helper.make_node(cell.upper(), inputs, ["", *after], hidden_size=hidden_size, **options),
        helper.make_node("Squeeze", ["h_after", "first"], ["last"]),
        helper.make_node("Gemm", ["last", "W_out", "b_out"], ["y"]),
    ]
    n_inputs, state_shape = network.architecture.n_inputs, [1, 1, hidden_size]

    def info(name: str, shape: list[int]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "step",
        [info("x", [1, 1, n_inputs]), *(info(name, state_shape) for name in states)],
        [info("y", [1, N_CLASSES]), *(info(name, state_shape) for name in after)],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


class Row(NamedTuple):
    """Microseconds of a step: kernel, skrnn, skrnn with a scaler, PyTorch, ONNX Runtime."""

    name: str
    times: list[np.ndarray]

    def cells(self) -> list[str]:
        kernel, ours, *_ = (np.median(times) for times in self.times)
        theirs = (_measure.ratio(times, self.times[1]) for times in self.times[3:])
        return [
            self.name,
            *map(_measure.describe, self.times),
            f"{ours - kernel:.2g}",
            *(f"**{ratio:.1f}**" for ratio in theirs),
        ]


def measure(cell: str, shape: tuple[int, int], seconds: float) -> Row:
    n_inputs, hidden_size = shape
    est = fitted(cell, n_inputs, hidden_size)
    network, scaled = est.network_, fitted(cell, n_inputs, hidden_size, scaled=True)
    rows = np.random.RandomState(1).normal(size=(N_STEPS, 1, n_inputs)).astype(np.float32)
    stream, scaled_stream = SequenceStream(est), SequenceStream(scaled)
    torch_run, torch_hidden = torch_step(network, cell)
    onnx_run, onnx_hidden = onnx_step(network, cell)
    batches, n_active = rows[:, np.newaxis], np.ones(N_STEPS, np.int64)
    for step, xs in ((stream.step, rows), (torch_run, batches), (onnx_run, batches)):
        for x in xs:
            step(x)
    ours = stream.get_state()["network.layers.0.0"].ravel()
    for theirs in (torch_hidden(), onnx_hidden()):
        np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-4)
    kernel, weights = network.architecture.cell, network.weights(0)

    def loop(step: Step, xs: np.ndarray) -> Callable[[], None]:
        def run() -> None:
            for x in xs:
                step(x)

        return run

    runs = [
        lambda: kernel.advance(rows, n_active, weights),
        loop(stream.step, rows),
        loop(scaled_stream.step, rows),
        loop(torch_run, batches),
        loop(onnx_run, batches),
    ]
    times = _measure.alternate(runs, seconds)
    return Row(f"{cell}: {n_inputs}, {hidden_size}", [1e3 * one / N_STEPS for one in times])


def against_predict(seconds: float) -> str:
    """Return a line on a step after 10,000 others against `predict` of the whole prefix."""
    est = fitted("lstm", 8, 64)
    X = np.random.RandomState(1).normal(size=(1, 10_000, 8)).astype(np.float32)
    stream = SequenceStream(est)
    stream.steps(X)
    row = X[:, 0]
    times = _measure.alternate([lambda: stream.step(row), lambda: est.predict(X)], seconds)
    step, whole = (float(np.median(one)) for one in times)
    return (
        f"After 10,000 rows (LSTM, 8 channels, hidden 64) a single call of `step` takes "
        f"{1e3 * step:.1f} µs, `predict` of the sequence so far {whole:.1f} ms."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cells", nargs="+", choices=list(TORCH_CELLS), default=list(TORCH_CELLS))
    parser.add_argument("--seconds", type=float, default=3.0, help="for each line of the table")
    arguments = _measure.parse(parser)
    torch.set_num_threads(1)
    with threadpoolctl.threadpool_limits(1), torch.inference_mode():
        rows = [
            measure(cell, shape, arguments.seconds) for cell in arguments.cells for shape in SHAPES
        ]
        line = against_predict(arguments.seconds)
    header = [
        "cell: inputs, hidden",
        "kernel alone, µs",
        "`step`, µs",
        "`step` with a scaler, µs",
        "PyTorch, µs",
        "ONNX Runtime, µs",
        "above the kernel, µs",
        "PyTorch / skrnn",
        "ONNX Runtime / skrnn",
    ]
    notes = (
        f"One row a call, one thread; {N_STEPS} calls a timing. *Kernel alone* is the layer's "
        "share of a step in one call over a whole sequence, with no Python in between."
    )
    table = _measure.table(header, (row.cells() for row in rows))
    packages = ["torch", "onnxruntime"]
    _measure.publish(arguments, "bench_streaming", "Streaming", [notes, table, line], packages)


if __name__ == "__main__":
    main()
