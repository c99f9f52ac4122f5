"""The file of C: its weights, its state, and the step that reads a row and predicts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skrnn._version import __version__
from skrnn.c._cells import HELPERS, c_cell, c_function, weights_of
from skrnn.c._output import answer_of
from skrnn.core.architecture import Architecture
from skrnn.core.parameters import Parameters, part_of
from skrnn.core.readouts import Joined, Last, Max, Mean
from skrnn.core.steppable import gappy_channels, obstacle
from skrnn.preprocessing import SequenceScaler
from skrnn.streaming._chain import chain_of
from skrnn.streaming._static import StaticReader

READOUTS: dict[type, str] = {Last: "last", Mean: "mean", Max: "max"}
KEYWORDS = re.compile(
    "auto|break|case|char|const|continue|default|do|double|else|enum|extern|float|for|goto|if|"
    "inline|int|long|register|restrict|return|short|signed|sizeof|static|struct|switch|typedef|"
    "union|unsigned|void|volatile|while"
)
IDENTIFIER = re.compile("[A-Za-z][A-Za-z0-9_]*")


def to_c(
    estimator: Any, path: str | os.PathLike[str] | None = None, *, prefix: Any = "model"
) -> str:
    """Write a fitted network as one header of C99 that needs nothing but ``math.h``.

    The header has the weights in single precision, and functions that read a sequence step by
    step: ``reset`` begins one, ``step`` reads a row and predicts what
    :meth:`skrnn.streaming.SequenceStream.step` predicts, up to single precision. No memory is
    allocated: the state is a struct of the caller's, one for every stream. Of a network with static
    features, ``reset`` takes those of the sequence that begins, as numbers in the order of their
    columns.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor or Pipeline
        Fitted; in a Pipeline behind :class:`skrnn.preprocessing.SequenceScaler`, which becomes a
        part of ``step``.

    path : str or path-like, default=None
        Where to write the header. None writes nothing.

    prefix : str, default="model"
        What all names in the header begin with: an identifier of C.

    Returns
    -------
    str
        The header.

    Raises
    ------
    ValueError
        If the network has a part that is not written in C: attention, a read-out, cell,
        activation or loss of your own, or two directions; if there is a transformer other than
        the scaler.
    TypeError
        If the estimator is none of these.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    See Also
    --------
    skrnn.streaming.SequenceStream : The same in Python.

    Notes
    -----
    ``step`` does not check its row: NaN or infinity stays in the state until ``reset``. An id
    without a vector (of a channel with an embedding) is read as 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.c import to_c
    >>> rng = np.random.RandomState(0)
    >>> X = rng.normal(size=(50, 20, 3))
    >>> reg = RNNRegressor(8, bidirectional=False, readout="mean", max_iter=5, random_state=0)
    >>> header = to_c(reg.fit(X, X.mean(axis=(1, 2))), prefix="pump")
    >>> print(*[line for line in header.splitlines() if line.startswith("static inline void pump_")
    ...         and ("_step(" in line or "_reset(" in line)], sep="\\n")
    static inline void pump_reset(pump_state *s) {
    static inline void pump_step(pump_state *s, const float x[3], float y[1]) {
    """
    is_identifier = isinstance(prefix, str) and IDENTIFIER.fullmatch(prefix) is not None
    if not is_identifier or KEYWORDS.fullmatch(prefix) is not None:
        raise ValueError(f"prefix must be an identifier of C. Got {prefix!r} instead.")
    text = _Writer(estimator, prefix).text()
    if path is not None:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    return text


class _Writer:
    """Writes the parts of a header one after the other."""

    def __init__(self, estimator: Any, prefix: str):
        chain = chain_of(estimator)
        self.P = prefix
        self.name = type(chain.estimator).__name__
        self.scalers = chain.fitted
        self.architecture: Architecture = chain.estimator.network_.architecture
        self.parameters: Parameters = chain.estimator.network_.parameters
        static = StaticReader(chain)
        self.n_static, self.n_constant, self.labels = static.n, static.n_constant, static.labels
        self._check()
        self.answer = answer_of(chain.estimator._targets, self.name)
        readout = self.architecture.readout
        parts = readout.readouts if isinstance(readout, Joined) else (readout,)
        self.readouts = ["last" if part is None else READOUTS[type(part)] for part in parts]
        self.activation = str(c_function(self.architecture.cell.activation))

    def _check(self) -> None:
        """Raise the error that names a part without C."""
        architecture = self.architecture
        reason = obstacle(architecture, self.parameters.vector.dtype)
        readout = architecture.readout
        parts = readout.readouts if isinstance(readout, Joined) else (readout,)
        others = [one for one in self.scalers if type(one) is not SequenceScaler]
        frames = architecture.frames
        if others:
            reason = f"of transformers SequenceScaler alone, not {type(others[0]).__name__}."
        elif reason is not None:
            pass
        elif gappy_channels(architecture):
            reason = "no missing values, and this one was fitted with gaps. Fill them before fit "
            reason += "(skrnn.preprocessing.SequenceImputer), and in every row before step."
        elif c_cell(architecture.cell) is None:
            reason = f"no cell of your own: {architecture.cell!r}."
        elif c_function(architecture.cell.activation) is None:
            reason = f"no activation of your own: {architecture.cell.activation.name!r}."
        elif frames is not None and frames.units and c_function(frames.activation) is None:
            reason = "no activation of your own in the layer of the frames."
        elif any(part is not None and type(part) not in READOUTS for part in parts):
            reason = f"the read-outs {list(READOUTS.values())}, not {readout!r}, for it needs all "
            reason += "states at once."
        else:
            return
        raise ValueError(f"This {self.name} cannot be written in C, which has {reason}")

    def text(self) -> str:
        """Return the whole header."""
        body = "\n".join(
            [
                HELPERS.format(P=self.P),
                *self._constants(),
                self._structs(),
                *self._layers(),
                self._predict(),
                self._reset(),
                self._step(),
                *self.answer.functions(self.P),
            ]
        )
        guard = f"{self.P.upper()}_H"
        reset = f"{self.P}_reset(&state{', known' if self.n_static else ''});"
        step = f"{self.P}_step(&state, x, y);"
        width = max(len(reset), len(step))
        return (
            f"/* {self.name}, written by skrnn {__version__}: C99, single precision, "
            f"link with -lm.\n *\n"
            f" *     {self.P}_state state;\n"
            f" *     float y[{self.answer.size}];\n"
            f" *     {reset:{width}}        begins a sequence\n"
            f" *     {step:{width}}        reads a row of {self.n_channels} numbers\n"
            f" *\n{self._about_static()}"
            f" * y: {self.answer.description}\n"
            f" */\n#ifndef {guard}\n#define {guard}\n\n#include <math.h>\n\n"
            f'#ifdef __cplusplus\nextern "C" {{\n#endif\n\n{body}\n'
            f"#ifdef __cplusplus\n}}\n#endif\n\n#endif\n"
        )

    @property
    def n_channels(self) -> int:
        """Numbers of a row as the user has it."""
        return self.architecture.n_inputs - self.n_constant

    def _about_static(self) -> str:
        """Return the line of the comment that says what static features there are."""
        if not self.n_static:
            return ""
        # Nothing that would end the comment, or begin another one.
        names = re.sub(r"[^\w .,:;()<>=+-]", "?", ", ".join(map(str, self.labels)))
        return f" * known: the {self.n_static} static features, in this order: {names}.\n"

    # --- numbers ---------------------------------------------------------------------------------

    def _array(self, name: str, values: Any) -> str:
        """Return the definition of a constant array."""
        with np.errstate(over="ignore"):
            numbers = np.asarray(values, np.float64).astype(np.float32).ravel()
        if not np.isfinite(numbers).all():
            raise ValueError(
                f"This {self.name} cannot be written in C: {name} leaves the range of float."
            )
        words = [_literal(number) for number in numbers]
        lines = [", ".join(words[i : i + 8]) for i in range(0, len(words), 8)]
        inside = ",\n    ".join(lines)
        return f"static const float {self.P}_{name}[{len(words)}] = {{\n    {inside}}};\n"

    def _constants(self) -> Iterator[str]:
        for i, scaler in enumerate(self.scalers):
            zeros = np.zeros(self.n_channels)
            yield self._array(f"center{i}", scaler.center_ if scaler.with_centering else zeros)
            factor = 1 / scaler.scale_ if scaler.with_scaling else zeros + 1
            yield self._array(f"factor{i}", factor)
            if self.n_static:
                zeros = np.zeros(self.n_static)
                center = scaler.static_center_ if scaler.with_centering else zeros
                factor = 1 / scaler.static_scale_ if scaler.with_scaling else zeros + 1
                yield self._array(f"known_center{i}", center)
                yield self._array(f"known_factor{i}", factor)
        for name, table in part_of(self.parameters, "embedding.").items():
            yield self._array(f"table{name.partition('.')[0]}", table)
        if self.architecture.differences is not None:
            yield self._array("scales", self.architecture.differences.scales)
        for name, array in part_of(self.parameters, "frames.").items():
            yield self._array(f"frames_{name}", array)
        for i in range(self.architecture.n_layers):
            own = part_of(self.parameters, f"layers.{i}.forward.")
            for name, array in weights_of(self.architecture.cell, own).items():
                yield self._array(f"{name}{i}", array)
        for name, array in part_of(self.parameters, "static.").items():
            yield self._array(f"static_{name}", array)
        for name, array in part_of(self.parameters, "output.").items():
            yield self._array(f"output_{name}", array)
        for name, array in self.answer.constants().items():
            yield self._array(name, array)

    # --- the state -------------------------------------------------------------------------------

    @property
    def _network_arrays(self) -> dict[str, int]:
        """Names and sizes of the arrays that the recurrent part keeps."""
        cell = c_cell(self.architecture.cell)
        assert cell is not None
        arrays = {
            f"{name}{i}": size
            for i, size in enumerate(self.architecture.hidden_sizes)
            for name in cell.keeps
        }
        size = self.architecture.hidden_sizes[-1]
        return arrays | {name: size for name in ("mean", "max") if name in self.readouts}

    @property
    def _own_arrays(self) -> dict[str, int]:
        """Names and sizes of the arrays that lie below the layers."""
        arrays, frames = {}, self.architecture.frames
        if self.architecture.differences is not None:
            arrays["before"] = len(self.architecture.differences.scales)
        if frames is not None:
            arrays["frame"] = frames.length * frames.n_inputs
        return arrays

    @property
    def _known(self) -> str:
        """The parameter of functions that are given static features, where there are any."""
        return f", const float known[{self.n_static}]" if self.n_static else ""

    def _structs(self) -> str:
        network = "".join(f"    float {n}[{size}];\n" for n, size in self._network_arrays.items())
        own = "".join(f"    float {name}[{size}];\n" for name, size in self._own_arrays.items())
        if self.n_static:
            own += f"    float known[{self.n_static}];\n"
        return (
            f"/* What the layers keep from step to step. */\n"
            f"typedef struct {{\n{network}    unsigned long n;\n}} {self.P}_network;\n\n"
            f"/* A sequence so far. */\n"
            f"typedef struct {{\n    {self.P}_network network;\n{own}    int n, begun;\n"
            f"}} {self.P}_state;\n"
        )

    def _reset(self) -> str:
        clear = [
            f"    for (j = 0; j < {size}; j++) s->{where}{name}[j] = 0.0f;\n"
            for where, arrays in (("network.", self._network_arrays), ("", self._own_arrays))
            for name, size in arrays.items()
        ]
        scaled = "known[j]"
        for i in range(len(self.scalers)):
            scaled = f"({scaled} - {self.P}_known_center{i}[j]) * {self.P}_known_factor{i}[j]"
        keep = f"    for (j = 0; j < {self.n_static}; j++) s->known[j] = {scaled};\n"
        return (
            f"static inline void {self.P}_reset({self.P}_state *s{self._known}) {{\n    int j;\n"
            f"{''.join(clear)}{keep if self.n_static else ''}"
            f"    s->network.n = 0;\n    s->n = s->begun = 0;\n}}\n"
        )

    # --- a step ----------------------------------------------------------------------------------

    def _layers(self) -> Iterator[str]:
        cell = c_cell(self.architecture.cell)
        assert cell is not None
        function = self.activation.format(P=self.P)
        for i, layer in enumerate(self.architecture.layers):
            yield cell.step.format(P=self.P, i=i, n=layer.n_inputs, H=layer.hidden_size, f=function)
        calls, below = [], "x"
        for i in range(self.architecture.n_layers):
            calls.append(f"    {self.P}_layer{i}(s, {below});\n")
            below = f"s->h{i}"
        size, running = self.architecture.hidden_sizes[-1], ""
        if "mean" in self.readouts:
            running += f"        s->mean[j] += ({below}[j] - s->mean[j]) / (float)s->n;\n"
        if "max" in self.readouts:
            running += f"        if (s->n == 1 || {below}[j] > s->max[j]) s->max[j] = {below}[j];\n"
        loop = f"    for (j = 0; j < {size}; j++) {{\n{running}    }}\n" if running else ""
        yield (
            f"/* Move the layers, and the read-out, on by what the first layer reads. */\n"
            f"static inline void {self.P}_move({self.P}_network *s, const float *x) {{\n"
            f"{'    int j;' + chr(10) if loop else ''}{''.join(calls)}    s->n++;\n{loop}}}\n"
        )

    def _predict(self) -> str:
        """Return the function from the read-out to the answer."""
        size, width = self.architecture.hidden_sizes[-1], self.architecture.output.n_features
        top = f"h{self.architecture.n_layers - 1}"
        copies = "".join(
            f"    for (j = 0; j < {size}; j++) features[{k * size} + j] = "
            f"s->{top if name == 'last' else name}[j];\n"
            for k, name in enumerate(self.readouts)
        )
        known, static = "", self.architecture.static
        if static is not None:
            known = f", const float known[{static.n_static}]"
            copies += self._joined()
        n_raw = self.architecture.output.n_outputs
        n_outputs = self.architecture.n_outputs
        at = "raw" if n_raw == n_outputs else f"raw + {n_outputs} * offset"
        unused = "    (void)offset;\n" if n_raw == n_outputs else ""
        return (
            f"static inline {self.answer.returns} {self.P}_predict(const {self.P}_network *s"
            f"{known}, int offset, float *y) {{\n    float features[{width}], raw[{n_raw}];\n"
            f"    int j;\n{copies}{unused}"
            f"    {self.P}_affine(raw, features, {self.P}_output_W, {self.P}_output_b, {width}, "
            f"{n_raw});\n{self.answer.body(self.P, at)}}}\n"
        )

    def _joined(self) -> str:
        """Return the lines that put static features, and the layer of both, behind the others."""
        static = self.architecture.static
        assert static is not None
        n, n_joined, units = static.n_features, static.n_inputs, static.units
        text = f"    for (j = 0; j < {static.n_static}; j++) features[{n} + j] = known[j];\n"
        if units:
            u = f"features[{n_joined} + j]"
            text += (
                f"    {self.P}_affine(features + {n_joined}, features, {self.P}_static_W, "
                f"{self.P}_static_b, {n_joined}, {units});\n"
                f"    for (j = 0; j < {units}; j++) {u} = {self.P}_relu({u});\n"
            )
        return text

    def _step(self) -> str:
        head = (
            f"/* Read a row; write {self.answer.description} */\n"
            f"static inline {self.answer.returns} {self.P}_step({self.P}_state *s, "
            f"const float x[{self.n_channels}], float y[{self.answer.size}]) {{\n"
        )
        columns, name = self._columns()
        returns = "return " if self.answer.returns != "void" else ""
        if self.architecture.frames is None:
            return (
                f"{head}{columns}    {self.P}_move(&s->network, {name});\n"
                f"    {returns}{self.P}_predict(&s->network{self._beside}, 0, y);\n}}\n"
            )
        return head + columns + self._frames(name, returns) + "}\n"

    @property
    def _beside(self) -> str:
        """The argument of ``predict`` for static features, where the read-out joins them."""
        return "" if self.architecture.static is None else ", s->known"

    def _columns(self) -> tuple[str, str]:
        """Return the lines that scale, embed and take differences, and where they leave a row."""
        n, text, name = self.n_channels, "", "x"
        for i in range(len(self.scalers)):
            text += (
                f"    float scaled{i}[{n}];\n"
                f"    for (int j = 0; j < {n}; j++) scaled{i}[j] = ({name}[j] - "
                f"{self.P}_center{i}[j]) * {self.P}_factor{i}[j];\n"
            )
            name = f"scaled{i}"
        if self.n_constant:
            text += (
                f"    float both[{n + self.n_constant}];\n"
                f"    for (int j = 0; j < {n}; j++) both[j] = {name}[j];\n"
                f"    for (int j = 0; j < {self.n_constant}; j++) both[{n} + j] = s->known[j];\n"
            )
            n, name = n + self.n_constant, "both"
        embedding, differences = self.architecture.embedding, self.architecture.differences
        if embedding is not None:
            text += f"    float embedded[{embedding.width}];\n" + self._embedded(name)
            n, name = embedding.width, "embedded"
        if differences is not None:
            text += (
                f"    float u[{2 * n}];\n    for (int j = 0; j < {n}; j++) {{\n"
                f"        u[j] = {name}[j];\n        u[{n} + j] = s->begun ? "
                f"{self.P}_scales[j] * ({name}[j] - s->before[j]) : 0.0f;\n"
                f"        s->before[j] = {name}[j];\n    }}\n    s->begun = 1;\n"
            )
            name = "u"
        return text, name

    def _embedded(self, name: str) -> str:
        assert self.architecture.embedding is not None
        at, text = 0, ""
        for channel, size in enumerate(self.architecture.embedding.sizes):
            if size is None:
                text += f"    embedded[{at}] = {name}[{channel}];\n"
                at += 1
                continue
            n_tokens, width = size
            value = f"{name}[{channel}]"
            text += (
                f"    for (int j = 0; j < {width}; j++) embedded[{at} + j] = "
                f"{self.P}_table{channel}[{width} * ({value} > 0.0f && {value} < {n_tokens}.0f ? "
                f"(int){value} : 0) + j];\n"
            )
            at += width
        return text

    def _frames(self, name: str, returns: str) -> str:
        """Return the lines that gather a frame, and answer before it is whole.

        Frames that are not whole are filled up by their last step and leave the state as it was.
        """
        frames, P = self.architecture.frames, self.P
        assert frames is not None
        n, length, stride = frames.n_inputs, frames.length, frames.stride
        first = f"{P}_move(&trial, window);"
        if frames.units is not None:
            function = str(c_function(frames.activation)).format(P=P)
            first = (
                f"{P}_affine(units, window, {P}_frames_W, {P}_frames_b, {length * n}, "
                f"{frames.units});\n        for (j = 0; j < {frames.units}; j++) "
                f"units[j] = {function}(units[j]);\n        {P}_move(&trial, units);"
            )
        units = "" if frames.units is None else f", units[{frames.units}]"
        return (
            f"    {P}_network trial = s->network;\n    float window[{length * n}]{units};\n"
            f"    int begin = 0, whole, j, k;\n"
            f"    for (j = 0; j < {n}; j++) s->frame[{n} * s->n + j] = {name}[j];\n"
            f"    s->n++;\n    whole = s->n == {length};\n"
            f"    for (begin = 0; begin < s->n; begin += {stride}) {{\n"
            f"        for (k = 0; k < {length}; k++)\n            for (j = 0; j < {n}; j++)\n"
            f"                window[{n} * k + j] = s->frame[{n} * (begin + k < s->n ? begin + k : "
            f"s->n - 1) + j];\n        {first}\n"
            f"        if (whole && begin == 0) s->network = trial;\n    }}\n"
            f"    k = s->n - 1 - (begin - {stride});\n"
            f"    if (whole) {{\n        s->n -= {stride};\n"
            f"        for (j = 0; j < {n} * s->n; j++) s->frame[j] = s->frame[{n * stride} + j];\n"
            f"    }}\n    {returns}{P}_predict(&trial{self._beside}, k, y);\n"
        )


def _literal(number: np.float32) -> str:
    """Return a number as a constant of type float, exactly."""
    text = f"{number:.9g}"
    return text + ("f" if "." in text or "e" in text else ".0f")
