"""A model around a graph of our own: what goes in, what comes out, and in which versions."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skrnn._innermost import inside, is_search
from skrnn._portable import network_of
from skrnn._version import __version__
from skrnn.core.network import Network
from skrnn.forecasting import WindowScaledRegressor
from skrnn.onnx._answers import (
    check_targets,
    classifier_answers,
    columns_of,
    is_of_classes,
    label_dtype,
    regressor_answers,
)
from skrnn.onnx._network import check_network
from skrnn.onnx._nodes import LEAST_OPSET, Nodes, OwnNodes
from skrnn.onnx._transformers import check_transformers

# Of ai.onnx.ml, in which LabelEncoder and ZipMap are.
ML_OPSET = 3
MOST_OPSET = 21
ZIPMAPS = (False, True)


def require_onnx() -> None:
    """Raise ImportError, with the name of the extra, where onnx is not installed."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Exporting to ONNX needs the package onnx: pip install skrnn[onnx]."
        ) from error


def opened(est: Any) -> tuple[list[Any], Any]:
    """Return the transformers of a pipeline, and the estimator at its end.

    Parameters
    ----------
    est : estimator
        Fitted: RNNClassifier or RNNRegressor, alone, in pipelines, in a WindowScaledRegressor,
        in a search or frozen.

    Raises
    ------
    TypeError
        If there is another estimator at the end.
    ValueError
        If a part of it cannot be exported.
    """
    transformers: list[Any] = []
    while True:
        if isinstance(est, Pipeline):
            steps = (step for _, step in est.steps[:-1] if step not in (None, "passthrough"))
            transformers += steps
            est = est.steps[-1][1]
        elif isinstance(est, FrozenEstimator) or (
            is_search(est) and hasattr(est, "best_estimator_")
        ):
            est = inside(est)
        elif isinstance(est, WindowScaledRegressor):
            check_is_fitted(est)
            transformers.append(est)
            est = est.regressor_
        else:
            break
    flat: list[Any] = []
    for each in transformers:
        flat += _flattened(each)
    network = network_of(est)
    check_network(network.architecture)
    check_targets(est._targets, network.architecture.n_outputs)
    check_transformers(flat, network.architecture.embedding)
    _check_scaled_windows(flat, network.architecture.readout is None)
    return flat, est


def _check_scaled_windows(transformers: list[Any], per_step: bool) -> None:
    """Raise ValueError where predictions have no one scale to be taken back to."""
    n_scalings = sum(isinstance(each, WindowScaledRegressor) for each in transformers)
    if n_scalings > 1 or (n_scalings == 1 and per_step):
        raise ValueError(
            "A WindowScaledRegressor inside another one, or with a prediction at every step, "
            "cannot be exported."
        )


def _flattened(transformer: Any) -> list[Any]:
    """Return the transformers of a pipeline of transformers."""
    if isinstance(transformer, FrozenEstimator):
        return _flattened(transformer.estimator)
    if not isinstance(transformer, Pipeline):
        return [transformer]
    steps = [step for _, step in transformer.steps if step not in (None, "passthrough")]
    return [each for step in steps for each in _flattened(step)]


class Model:
    """A graph of our own, with its inputs and outputs.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Fitted.
    opset : int
        Version of the standard operators.

    Attributes
    ----------
    nodes : OwnNodes
        The nodes of the graph.
    """

    def __init__(self, estimator: Any, opset: Any):
        if not isinstance(opset, int) or not LEAST_OPSET <= opset <= MOST_OPSET:
            raise ValueError(
                f"target_opset must be a version from {LEAST_OPSET} to {MOST_OPSET} of ONNX's "
                f"standard operators; got {opset!r}."
            )
        self.estimator = estimator
        self.nodes: OwnNodes = OwnNodes(opset)
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    @property
    def network(self) -> Network:
        """The network of the estimator."""
        return self.estimator.network_

    def take(self, name: str, dtype: type, *shape: Any) -> str:
        """Declare an input, and return its name."""
        if name in {each.name for each in self._inputs}:
            raise ValueError(f"The graph would have two inputs named {name!r}; rename the channel.")
        self._inputs.append(_info(name, dtype, shape))
        return name

    def give(self, name: str, x: str, dtype: type, *shape: Any) -> None:
        """Declare an output, with a name of its own for what has been computed."""
        self.nodes.named(x, name)
        self._outputs.append(_info(name, dtype, shape))

    def answer(
        self,
        raw: str,
        rows: tuple[str, ...],
        zipmap: bool,
        real: str | None,
        back: tuple[str, str] | None = None,
    ) -> None:
        """Declare what the estimator answers as outputs.

        Parameters
        ----------
        raw : str
            Name of the raw prediction, with the axes `rows` and that of the outputs.
        rows : tuple of str
            Names of these axes.
        zipmap : bool
            Whether probabilities are maps of label to number.
        real : str or None
            Mask of the real steps, zero where there is nothing to predict; None if all are.
        back : tuple of str, default=None
            As in `Values`.
        """
        targets = self.estimator._targets
        n_outputs = self.network.architecture.n_outputs
        if not is_of_classes(targets):
            self._answer_numbers(raw, rows, real, back)
            return
        label, proba = classifier_answers(self.nodes, targets, raw)
        proba = _zeroed(self.nodes, proba, real)
        columns = (n_outputs,) if targets.multilabel else ()
        names = ("output_label", "output_probability") if zipmap else ("label", "probabilities")
        self.give(names[0], label, label_dtype(targets), *rows, *columns)
        if zipmap:
            self._give_maps(names[1], proba)
        else:
            self.give(names[1], proba, np.float32, *rows, targets.n_classes)

    def _answer_numbers(
        self,
        raw: str,
        rows: tuple[str, ...],
        real: str | None,
        back: tuple[str, str] | None,
    ) -> None:
        """Declare the answers of a regressor."""
        targets = self.estimator._targets
        answers = regressor_answers(self.nodes, targets, raw, len(rows), back)
        for name, columns in columns_of(targets).items():
            of_rows = real
            if real is not None and len(columns) == 2:
                of_rows = self.nodes.unsqueeze(real, -1)
            y = _zeroed(self.nodes, answers[name], of_rows)
            self.give(name, y, np.float32, *rows, *columns)

    def _give_maps(self, name: str, proba: str) -> None:
        """Declare probabilities as a sequence of maps, as skl2onnx does by default."""
        from onnx import TensorProto, helper

        targets = self.estimator._targets
        labels: dict[str, Any]
        if label_dtype(targets) is str:
            labels = {"classlabels_strings": [str(label) for label in targets.classes]}
            key = TensorProto.STRING
        else:
            labels = {"classlabels_int64s": [int(label) for label in targets.classes]}
            key = TensorProto.INT64
        node = helper.make_node("ZipMap", [proba], [name], domain="ai.onnx.ml", **labels)
        self.nodes.nodes.append(node)
        number = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
        maps = helper.make_sequence_type_proto(helper.make_map_type_proto(key, number))
        self._outputs.append(helper.make_value_info(name, maps))

    def built(self) -> Any:
        """Return the model, checked by onnx."""
        import onnx
        from onnx import helper

        opsets = [helper.make_opsetid("", self.nodes.opset)]
        if any(node.domain for node in self.nodes.nodes):
            opsets.append(helper.make_opsetid("ai.onnx.ml", ML_OPSET))
        graph = helper.make_graph(
            self.nodes.nodes,
            type(self.estimator).__name__,
            self._inputs,
            self._outputs,
            self.nodes.initializers,
        )
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            # The oldest that has these operators: older runtimes read it, too.
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name="skrnn",
            producer_version=__version__,
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def check_zipmap(estimator: Any, zipmap: bool) -> None:
    """Raise ValueError where there can be no maps of label to probability."""
    if zipmap not in ZIPMAPS:
        raise ValueError(f"zipmap must be True or False; got {zipmap!r}.")
    targets = estimator._targets
    if not zipmap:
        return
    per_step = estimator.network_.architecture.readout is None
    if not is_of_classes(targets) or targets.multilabel or per_step:
        raise ValueError(
            "zipmap=True makes one map of label to probability for every sequence: that takes a "
            "classifier of one label, without return_sequences. Set zipmap=False."
        )
    if label_dtype(targets) is np.float32:
        raise ValueError("zipmap=True needs labels that are whole numbers or strings.")


def _zeroed(nodes: Nodes, x: str, real: str | None) -> str:
    return x if real is None else nodes.add("Where", real, x, nodes.constant(np.float32(0)))


def _info(name: str, dtype: type, shape: tuple[Any, ...]) -> Any:
    from onnx import TensorProto, helper

    if dtype is str:
        return helper.make_tensor_value_info(name, TensorProto.STRING, shape)
    tensor_dtype = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, tensor_dtype, shape)
