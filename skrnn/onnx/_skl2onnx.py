"""Converters for skl2onnx: pipelines of scikit-learn that end in a network of ours."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from skrnn.onnx._answers import (
    check_targets,
    classifier_answers,
    columns_of,
    is_of_classes,
    label_dtype,
    regressor_answers,
)
from skrnn.onnx._export import with_lengths_by_nan
from skrnn.onnx._memory import WholeSequences
from skrnn.onnx._network import Values, check_network, raw_prediction
from skrnn.onnx._nodes import LEAST_OPSET, Nodes
from skrnn.onnx._readouts import masked
from skrnn.onnx._transformers import check_transformers, run_transformer


def register_converters() -> None:
    """Teach skl2onnx to convert RNNClassifier, RNNRegressor, SequenceScaler and SequenceImputer.

    After it, ``skl2onnx.to_onnx`` takes them in pipelines with transformers of scikit-learn, in
    searches, and in whatever else skl2onnx knows. `X` may be 2-D, a row for a sequence, or 3-D,
    where time steps at the end that are all NaN are padding, as the estimators read it. Names of
    outputs and the option ``zipmap`` are those of skl2onnx. To call it again changes nothing.

    A regressor has one output there: of a distribution the mean. Its standard deviation is an
    output of `to_onnx`, which is also the way for static features: they have no place in an `X`
    that is one array.

    Raises
    ------
    ImportError
        If skl2onnx is not installed: ``pip install skrnn[onnx]``.

    See Also
    --------
    to_onnx : Without skl2onnx, with lengths, tokens and free time axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrnn import RNNRegressor
    >>> from skrnn.onnx import register_converters
    >>> X = np.random.default_rng(0).normal(size=(20, 12)).astype(np.float32)
    >>> model = make_pipeline(StandardScaler(), RNNRegressor(4, max_iter=1, learning_rate="cosine"))
    >>> model = model.fit(X, X.mean(axis=1))
    >>> register_converters()  # doctest: +SKIP
    >>> import skl2onnx  # doctest: +SKIP
    >>> onnx_model = skl2onnx.to_onnx(model, X[:1])  # doctest: +SKIP
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            "Converting pipelines needs the package skl2onnx: pip install skrnn[onnx]."
        ) from error
    from skrnn.estimators import RNNClassifier, RNNRegressor
    from skrnn.preprocessing import SequenceImputer, SequenceScaler

    update_registered_converter(
        RNNClassifier,
        "SkrnnRNNClassifier",
        _shapes_of_classifier,
        _convert_estimator,
        options={
            "zipmap": [True, False, "columns"],
            "nocl": [True, False],
            "raw_scores": [True, False],
        },
    )
    update_registered_converter(
        RNNRegressor, "SkrnnRNNRegressor", _shapes_of_regressor, _convert_estimator
    )
    for transformer in (SequenceScaler, SequenceImputer):
        update_registered_converter(
            transformer,
            f"Skrnn{transformer.__name__}",
            _shapes_of_transformer,
            _convert_transformer,
        )


class ContainerNodes(Nodes):
    """Nodes of a graph that skl2onnx makes.

    Parameters
    ----------
    scope, container : object
        What skl2onnx hands to a converter.
    """

    def __init__(self, scope: Any, container: Any):
        self.scope, self.container = scope, container
        self.opset = container.target_opset
        if self.opset < LEAST_OPSET:
            raise ValueError(
                f"skrnn's networks need target_opset={LEAST_OPSET} or more; got {self.opset}."
            )

    def constant(self, value: Any) -> str:
        from onnx import TensorProto, numpy_helper

        value = np.asarray(value)
        name = self.scope.get_unique_variable_name("constant")
        if value.dtype.kind in "UO":
            texts = [str(text).encode() for text in value.ravel()]
            self.container.add_initializer(name, TensorProto.STRING, value.shape, texts)
        else:
            tensor = numpy_helper.from_array(value, name)
            self.container.add_initializer(name, tensor.data_type, value.shape, tensor)
        return name

    def several(
        self, op: str, *inputs: str, n_outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        outputs = [self.scope.get_unique_variable_name(op.lower()) for _ in range(n_outputs)]
        name = self.scope.get_unique_operator_name(op)
        self.container.add_node(
            op, list(inputs), outputs, op_domain=domain, name=name, **attributes
        )
        return outputs


def _input(nodes: Nodes, operator: Any, n_channels: int) -> Values:
    """Return the sequences that enter an operator, (n_samples, n_timesteps, n_channels)."""
    variables = operator.inputs
    dtype = _dtype_of(variables[0])
    x = nodes.concat(*(each.full_name for each in variables), axis=1)
    if _n_axes(operator) == 2:
        return Values(nodes.reshape(x, 0, -1, n_channels), dtype, None)
    values = Values(x, dtype, None)
    return values if dtype is np.int64 else with_lengths_by_nan(nodes, values)


def _n_axes(operator: Any) -> int:
    """Return the number of axes of `X`, which is to be 2 or 3."""
    n_axes = {len(each.type.shape) for each in operator.inputs}
    if n_axes == {2} or (n_axes == {3} and len(operator.inputs) == 1):
        return n_axes.pop()
    shapes = [each.type.shape for each in operator.inputs]
    raise ValueError(
        f"{type(operator.raw_operator).__name__} takes one 2-D or 3-D input; got the shapes "
        f"{shapes}."
    )


def _dtype_of(variable: Any) -> type:
    from skl2onnx.common.data_types import guess_numpy_type

    dtype = guess_numpy_type(variable.type)
    if dtype not in (np.float32, np.float64, np.int64):
        raise ValueError(f"X is to be float32, float64 or int64; got {variable.type}.")
    return dtype


def _rows(operator: Any) -> list[Any]:
    """Return the axes before that of the outputs: of samples, and perhaps of time steps."""
    estimator, shape = operator.raw_operator, operator.inputs[0].type.shape
    if estimator.network_.architecture.readout is not None:
        return [shape[0]]
    return [shape[0], shape[1] if _n_axes(operator) == 3 else None]


def _check(operator: Any) -> Any:
    estimator = operator.raw_operator
    architecture = estimator.network_.architecture
    check_network(architecture)
    check_targets(estimator._targets, architecture.n_outputs)
    _check_no_static(estimator)
    return estimator


def _check_no_static(estimator: Any) -> None:
    if getattr(estimator, "n_static_in_", 0):
        raise ValueError(
            f"{type(estimator).__name__} was fitted with static features, for which skl2onnx has "
            "no input. Use skrnn.onnx.to_onnx."
        )


def _shapes_of_classifier(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    estimator = _check(operator)
    targets, rows = estimator._targets, _rows(operator)
    options = operator.scope_inst.get_options(estimator, {"zipmap": True})
    if options["zipmap"] and len(rows) == 2:
        raise ValueError(
            "A classifier with return_sequences=True has no maps of label to probability; pass "
            "options={'zipmap': False} to skl2onnx.to_onnx."
        )
    dtype = label_dtype(_targets(operator))
    tensor_type = {str: StringTensorType, np.int64: Int64TensorType, np.float32: FloatTensorType}
    columns = [targets.n_outputs] if targets.multilabel else []
    operator.outputs[0].set_type(tensor_type[dtype]([*rows, *columns]))
    operator.outputs[1].set_type(FloatTensorType([*rows, targets.n_classes]))


def _shapes_of_regressor(operator: Any) -> None:
    from skl2onnx.common.data_types import FloatTensorType

    estimator = _check(operator)
    columns = columns_of(estimator._targets)["variable"]
    operator.outputs[0].set_type(FloatTensorType([*_rows(operator), *columns]))


def _targets(operator: Any) -> Any:
    """Return the targets of a classifier; with the option nocl the labels are their numbers."""
    targets = operator.raw_operator._targets
    options = operator.scope_inst.get_options(operator.raw_operator, {"nocl": False})
    if options["nocl"]:
        targets = copy(targets)
        targets.classes = np.arange(targets.n_classes)
    return targets


def _convert_estimator(scope: Any, operator: Any, container: Any) -> None:
    nodes, estimator = ContainerNodes(scope, container), operator.raw_operator
    values = _input(nodes, operator, estimator.network_.architecture.n_inputs)
    raw = raw_prediction(nodes, estimator.network_, values)
    answers: tuple[str, ...]
    if is_of_classes(estimator._targets):
        answers = classifier_answers(nodes, _targets(operator), raw)
        options = container.get_options(estimator, {"raw_scores": False})
        if options["raw_scores"]:
            answers = (answers[0], _decisions(nodes, estimator._targets, raw))
    else:
        n_axes = len(_rows(operator))
        answers = (regressor_answers(nodes, estimator._targets, raw, n_axes)["variable"],)
    if len(_rows(operator)) == 2 and values.lengths is not None:
        n_columns = 1
        if not is_of_classes(estimator._targets):
            n_columns = len(columns_of(estimator._targets)["variable"])
        zeroed = _zero_at_padding(nodes, answers[-1], values.lengths, n_columns)
        answers = (*answers[:-1], zeroed)
    for answer, variable in zip(answers, operator.outputs, strict=True):
        container.add_node("Identity", [answer], [variable.full_name], name=variable.full_name)


def _decisions(nodes: Nodes, targets: Any, raw: str) -> str:
    """Return the confidence in every class; skl2onnx has two columns for two classes as well."""
    if targets.multilabel or targets.n_classes != 2:
        return raw
    return nodes.concat(nodes.add("Neg", raw), raw, axis=-1)


def _zero_at_padding(nodes: Nodes, answer: str, lengths: str, n_columns: int) -> str:
    """Put zeros where there was nothing to predict, (n_samples, n_timesteps, *columns)."""
    real = _real(nodes, answer, lengths)
    return masked(nodes, answer, nodes.unsqueeze(real, 3) if n_columns == 2 else real, 0.0)


def _real(nodes: Nodes, x: str, lengths: str) -> str:
    """Return the mask of the real steps of a tensor (n_samples, n_timesteps, ...).

    Its shape is (n_samples, n_timesteps, 1).
    """
    t = nodes.unsqueeze(nodes.counting(nodes.size(x, 1)), 0, 2)
    return nodes.add("Less", t, nodes.unsqueeze(lengths, 1, 2))


def _n_channels_out(transformer: Any) -> int:
    """Return the columns of a time step that leave a transformer."""
    return transformer.n_channels_in_ + len(getattr(transformer, "_added", list)())


def _shapes_of_transformer(operator: Any) -> None:
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    transformer = operator.raw_operator
    check_transformers([transformer], None)
    _check_no_static(transformer)
    n_axes = _n_axes(operator)
    single = _dtype_of(operator.inputs[0]) is np.float32
    shape = list(operator.inputs[0].type.shape)
    n_channels = _n_channels_out(transformer)
    if n_axes == 2:
        shape[1] = transformer.n_features_in_ // transformer.n_channels_in_ * n_channels
    else:
        shape[2] = n_channels
    operator.outputs[0].set_type((FloatTensorType if single else DoubleTensorType)(shape))


def _convert_transformer(scope: Any, operator: Any, container: Any) -> None:
    nodes, transformer = ContainerNodes(scope, container), operator.raw_operator
    values = _input(nodes, operator, transformer.n_channels_in_)
    if values.dtype is np.int64:
        values = values._replace(x=nodes.cast(values.x, np.float64), dtype=np.float64)
    memory = WholeSequences(values.x)
    x = run_transformer(nodes, transformer, values, memory, "transformer").x
    if values.lengths is not None:
        # Padding stays so: whoever comes next finds the lengths by it.
        nan = nodes.constant(values.dtype(np.nan))
        x = nodes.add("Where", _real(nodes, x, values.lengths), x, nan)
    if _n_axes(operator) == 2:
        x = nodes.reshape(x, 0, -1)
    name = operator.outputs[0].full_name
    container.add_node("Identity", [x], [name], name=name)
