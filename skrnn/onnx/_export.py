"""A fitted estimator, or a pipeline that ends in one, as an ONNX model."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn._portable import n_static_channels
from skrnn.onnx._memory import Memory, WholeSequences
from skrnn.onnx._model import Model, check_zipmap, opened, require_onnx
from skrnn.onnx._network import Values, nothing_if_known, raw_prediction, static_as_channels
from skrnn.onnx._nodes import Nodes
from skrnn.onnx._transformers import encoded, run_transformer, token_dtype
from skrnn.preprocessing import TokenEncoder

PADDINGS = ("lengths", "nan", None)
ROWS: tuple[str, ...] = ("n_samples", "n_timesteps")
# What most runtimes in use have.
DEFAULT_OPSET = 17


def to_onnx(
    est: Any,
    *,
    padding: str | None = "lengths",
    zipmap: bool = False,
    input_dtype: Any = np.float32,
    target_opset: int = DEFAULT_OPSET,
) -> Any:
    """Return an ONNX model that answers as a fitted estimator does.

    The recurrence is that of ONNX's own operators ``RNN``, ``LSTM`` and ``GRU``, so that every
    runtime has fast code for it; linear recurrent units run in ``Scan``. The numbers of samples
    and of time steps are free. All is computed in single precision, but for the scaling of inputs
    and of targets.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, Pipeline, or a search of these
        Fitted. In front of the network a pipeline may have `SequenceScaler`, `SequenceImputer`
        (but for ``strategy="interpolate"``) and, as its first step, `TokenEncoder`. A regressor may
        be in a `WindowScaledRegressor`.

    padding : {"lengths", "nan"} or None, default="lengths"
        How the graph knows where sequences end.

        - ``"lengths"``: by an input of that name, int64 of shape (n_samples,), each from 1 to
          n_timesteps: another is an error of the runtime, or its answer is NaN. What stands behind
          a sequence's end has no effect.
        - ``"nan"``: by time steps at the end in which all channels are NaN, as the estimators
          read a 3-D array.
        - None: all sequences fill the time axis.

    zipmap : bool, default=False
        Whether the probabilities of a classifier are a sequence of maps of label to number, as
        skl2onnx has it by default, in place of one tensor.

    input_dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Type of the input `X` of numbers. With float64, `SequenceScaler` sees numbers that single
        precision has not enough digits for.

    target_opset : int, default=17
        Version of the standard operators, from 14 to 21.

    Returns
    -------
    onnx.ModelProto
        Its inputs and outputs, in this order:

        - ``X``, float32 of shape (n_samples, n_timesteps, n_channels); int64 if all channels are
          ids, and strings or int64 in front of a `TokenEncoder`;
        - ``static``, of the type of numbers and shape (n_samples, n_static), the static features
          in the order of their columns, if the network was fitted with any;
        - ``lengths``, int64 of shape (n_samples,), with ``padding="lengths"``;
        - out of classifiers ``label`` of shape (n_samples,), int64 (of booleans 0 and 1) or
          strings, and ``probabilities``, float32 of shape (n_samples, n_classes);
        - out of regressors ``variable``, float32 of shape (n_samples, n_outputs). Of several
          quantiles it has the shape that `predict` returns, the levels last; beside the means of a
          distribution stands ``std``, of the same shape.

        A 2-D array of rows is to be reshaped to the three axes of `X`.

        These are the names of skl2onnx; with ``zipmap=True`` the outputs are ``output_label`` and
        ``output_probability``. With a prediction at every step there is an axis of time steps
        after that of the samples; at padding, probabilities and numbers are zero, and labels have
        no meaning. In front of a `TokenEncoder` of several channels every channel is an input of
        its own, (n_samples, n_timesteps), with the name of its column. The tokens are those that
        the encoder's `analyzer` gives: splitting texts is no part of the graph.

        Missing values, NaN, are what they are to the estimator. Where it raises an error, for an
        infinite value or with ``missing_values="error"``, the answer is NaN.

    Raises
    ------
    ImportError
        If onnx is not installed: ``pip install skrnn[onnx]``.
    NotFittedError
        If `est` is not fitted.
    TypeError
        If `est` does not end in an RNNClassifier or RNNRegressor.
    ValueError
        If a part of it cannot be exported, such as a cell of your own, with the part's name, or
        if the options do not go together.

    See Also
    --------
    to_streaming_onnx : A model that takes the time steps as they come.
    register_converters : For skl2onnx, and pipelines with transformers of scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> clf = RNNClassifier(8, max_iter=1, learning_rate="cosine").fit(X, y)
    >>> from skrnn.onnx import to_onnx
    >>> model = to_onnx(clf)  # doctest: +SKIP
    >>> [each.name for each in model.graph.input]  # doctest: +SKIP
    ['X', 'lengths']
    """
    require_onnx()
    if padding not in PADDINGS:
        raise ValueError(f"padding must be 'lengths', 'nan' or None; got {padding!r}.")
    transformers, estimator = opened(est)
    check_zipmap(estimator, zipmap)
    model = Model(estimator, target_opset)
    nodes, architecture = model.nodes, estimator.network_.architecture
    values = take_values(model, transformers, input_dtype, *ROWS)
    if padding == "lengths":
        values = values._replace(lengths=model.take("lengths", np.int64, "n_samples"))
    elif padding == "nan":
        if values.dtype not in (np.float32, np.float64) or _reads_tokens(transformers):
            raise ValueError("padding='nan' is for numbers; tokens and ids take 'lengths' or None.")
        values = with_lengths_by_nan(nodes, values)
    values = transformed(nodes, transformers, values, WholeSequences(values.x))
    values = beside_static(nodes, estimator, values)
    raw = raw_prediction(nodes, estimator.network_, values)
    real = None
    if architecture.readout is None and values.lengths is not None:
        real = _real(nodes, raw, values.lengths)
    rows = ROWS if architecture.readout is None else ROWS[:1]
    model.answer(raw, rows, zipmap, real, values.back)
    return model.built()


def take_values(model: Model, transformers: list[Any], input_dtype: Any, *rows: str) -> Values:
    """Declare the inputs of sequences, and return what the first transformer makes of tokens.

    Parameters
    ----------
    model : Model
        Whose inputs they are.
    transformers : list
        Those in front of the network.
    input_dtype : type
        Of numbers, as the user asks for it.
    *rows : str
        Names of the axes of samples and time steps.
    """
    if input_dtype not in (np.float32, np.float64, "float32", "float64"):
        raise ValueError(f"input_dtype must be numpy.float32 or float64; got {input_dtype!r}.")
    number = np.dtype(input_dtype).type
    if _reads_tokens(transformers):
        values = _take_tokens(model, transformers[0], *rows)
    else:
        values = _take_numbers(model, transformers, number, *rows)
    return _with_static(model, values, number, rows[0])


def _take_tokens(model: Model, encoder: TokenEncoder, *rows: str) -> Values:
    """Declare the inputs of an encoder, and return what it makes of them."""
    is_static = getattr(model.estimator, "_X_static", ())
    places = [
        i for i in range(len(encoder.vocabularies_)) if i >= len(is_static) or not is_static[i]
    ]
    dtypes = [_dtype_of_channel(encoder, i) for i in places]
    if len(encoder.vocabularies_) == 1:
        x = model.take("X", dtypes[0], *rows, 1)
        channels = [model.nodes.squeeze(x, 2)]
    else:
        default = [f"channel_{i}" for i in range(len(encoder.vocabularies_))]
        names = getattr(encoder, "feature_names_in_", default)
        pairs = zip(places, dtypes, strict=True)
        channels = [model.take(str(names[i]), dtype, *rows) for i, dtype in pairs]
    x, dtype = encoded(model.nodes, encoder, dict(zip(places, channels, strict=True)))
    return Values(x, dtype, lengths=None)


def _take_numbers(model: Model, transformers: list[Any], number: type, *rows: str) -> Values:
    """Declare the input of numbers, or of ids alone."""
    architecture = model.network.architecture
    embedding, dtype = architecture.embedding, number
    if embedding is not None and None not in embedding.sizes and not transformers:
        dtype = np.int64
    n_channels = architecture.n_inputs - n_static_channels(model.estimator)
    if transformers:
        n_channels = transformers[0].n_channels_in_
    return Values(model.take("X", dtype, *rows, n_channels), dtype, lengths=None)


def _with_static(model: Model, values: Values, number: type, n_samples: str) -> Values:
    """Declare the input of static features, if the network takes any."""
    n_static = getattr(model.estimator, "n_static_in_", 0)
    if n_static == 0:
        return values
    static = model.take("static", number, n_samples, n_static)
    doubt = nothing_if_known(model.nodes, model.nodes.cast(static, np.float32))
    return values._replace(static=static, doubts=(*values.doubts, doubt))


def beside_static(nodes: Nodes, estimator: Any, values: Values) -> Values:
    """Bring static features to where the network takes them: as channels, or at the read-out."""
    if values.static is None:
        return values
    values = values._replace(static=nodes.cast(values.static, np.float32))
    return static_as_channels(nodes, values) if n_static_channels(estimator) else values


def transformed(nodes: Nodes, transformers: list[Any], values: Values, memory: Memory) -> Values:
    """Run the transformers; a TokenEncoder has run where the inputs were taken.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    transformers : list
        Those that `check_transformers` accepts.
    values : Values
        What `take_values` returned.
    memory : Memory
        What is known of the steps before.
    """
    for i, transformer in enumerate(transformers):
        if not isinstance(transformer, TokenEncoder):
            values = run_transformer(nodes, transformer, values, memory, f"transformers.{i}")
    return values


def with_lengths_by_nan(nodes: Nodes, values: Values) -> Values:
    """Return padded sequences with their lengths, int64 of shape (n_samples,).

    The last time step that has a number ends a sequence. One without any keeps its first step,
    and its answer is NaN.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    values : Values
        Sequences of floats.
    """
    x = values.x
    missing = nodes.cast(nodes.add("IsNaN", x), np.int64)
    has_number = nodes.add("Sub", nodes.ints(1), nodes.reduce("ReduceMin", missing, 2))
    count = nodes.add("Add", nodes.counting(nodes.size(x, 1)), nodes.ints(1))
    ends = nodes.reduce("ReduceMax", nodes.add("Mul", has_number, count), 1)
    zero, nan = nodes.constant(np.float32(0)), nodes.constant(np.float32(np.nan))
    some = nodes.add("Greater", ends, nodes.ints(0))
    doubt = nodes.unsqueeze(nodes.add("Where", some, zero, nan), 1)
    lengths = nodes.add("Max", ends, nodes.ints(1))
    return values._replace(lengths=lengths, doubts=(*values.doubts, doubt))


def _reads_tokens(transformers: list[Any]) -> bool:
    return bool(transformers) and isinstance(transformers[0], TokenEncoder)


def _dtype_of_channel(encoder: TokenEncoder, channel: int) -> type:
    return np.float32 if encoder.vocabularies_[channel] is None else token_dtype(encoder, channel)


def _real(nodes: Nodes, raw: str, lengths: str) -> str:
    """Return the mask of the real steps, (n_samples, n_timesteps, 1)."""
    t = nodes.unsqueeze(nodes.counting(nodes.size(raw, 1)), 0, 2)
    return nodes.add("Less", t, nodes.unsqueeze(lengths, 1, 2))
