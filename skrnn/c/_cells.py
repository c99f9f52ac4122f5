"""The recurrent layers in C: for every cell what it keeps, and what it does at a time step.

The letters are those of `skrnn.core.cells`. A template knows its layer by the numbers and names
that are filled in: ``P`` the prefix of all names, ``i`` the number of the layer, ``n`` and ``H``
its inputs and units, ``f`` the function of its activation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from skrnn.core.activations import IDENTITY, LOGISTIC, RELU, TANH, Activation
from skrnn.core.cells import LRU, LSTM, Cell
from skrnn.core.cells.gru import GRU
from skrnn.core.cells.simple_rnn import SimpleRNN

# The activations, and the functions of `HELPERS` that compute them.
ACTIVATIONS: dict[Activation, str] = {
    TANH: "tanhf",
    RELU: "{P}_relu",
    LOGISTIC: "{P}_logistic",
    IDENTITY: "{P}_identity",
}

HELPERS = """\
static inline float {P}_relu(float a) {{ return a > 0.0f ? a : 0.0f; }}
static inline float {P}_identity(float a) {{ return a; }}
static inline float {P}_logistic(float a) {{ return 1.0f / (1.0f + expf(-a)); }}

/* a += x W, with W of shape (n, m) */
static inline void {P}_add(float *a, const float *x, const float *W, int n, int m) {{
    int i, j;
    for (i = 0; i < n; i++)
        for (j = 0; j < m; j++) a[j] += x[i] * W[i * m + j];
}}

/* a = b + x W */
static inline void {P}_affine(float *a, const float *x, const float *W, const float *b, int n,
                              int m) {{
    int j;
    for (j = 0; j < m; j++) a[j] = b[j];
    {P}_add(a, x, W, n, m);
}}
"""

SIMPLE_RNN = """\
static inline void {P}_layer{i}({P}_network *s, const float *x) {{
    float a[{H}];
    int j;
    {P}_affine(a, x, {P}_W_x{i}, {P}_b{i}, {n}, {H});
    {P}_add(a, s->h{i}, {P}_W_h{i}, {H}, {H});
    for (j = 0; j < {H}; j++) s->h{i}[j] = {f}(a[j]);
}}
"""

LSTM_STEP = """\
static inline void {P}_layer{i}({P}_network *s, const float *x) {{
    float a[4 * {H}];
    int j;
    {P}_affine(a, x, {P}_W_x{i}, {P}_b{i}, {n}, 4 * {H});
    {P}_add(a, s->h{i}, {P}_W_h{i}, {H}, 4 * {H});
    for (j = 0; j < {H}; j++) {{
        const float i_t = {P}_logistic(a[j]), f_t = {P}_logistic(a[{H} + j]);
        const float g_t = {f}(a[2 * {H} + j]), o_t = {P}_logistic(a[3 * {H} + j]);
        s->c{i}[j] = f_t * s->c{i}[j] + i_t * g_t;
        s->h{i}[j] = o_t * {f}(s->c{i}[j]);
    }}
}}
"""

GRU_STEP = """\
static inline void {P}_layer{i}({P}_network *s, const float *x) {{
    float a[3 * {H}], r[3 * {H}];
    int j;
    {P}_affine(a, x, {P}_W_x{i}, {P}_b{i}, {n}, 3 * {H});
    for (j = 0; j < 3 * {H}; j++) r[j] = j < 2 * {H} ? 0.0f : {P}_b_hn{i}[j - 2 * {H}];
    {P}_add(r, s->h{i}, {P}_W_h{i}, {H}, 3 * {H});
    for (j = 0; j < {H}; j++) {{
        const float z_t = {P}_logistic(a[j] + r[j]);
        const float r_t = {P}_logistic(a[{H} + j] + r[{H} + j]);
        const float n_t = {f}(a[2 * {H} + j] + r_t * r[2 * {H} + j]);
        s->h{i}[j] = (1.0f - z_t) * n_t + z_t * s->h{i}[j];
    }}
}}
"""

# Real parts come first, then imaginary ones; the last of an odd number has none.
LRU_STEP = """\
static inline void {P}_layer{i}({P}_network *s, const float *x) {{
    float u[{H}];
    int j;
    {P}_affine(u, x, {P}_W_x{i}, {P}_b{i}, {n}, {H});
    for (j = 0; j < {H}; j++) u[j] = {f}(u[j]);
    for (j = 0; j < ({H} + 1) / 2; j++) {{
        const int k = ({H} + 1) / 2 + j, is_pair = k < {H};
        const float re = s->h{i}[j], im = is_pair ? s->h{i}[k] : 0.0f;
        const float l_re = {P}_lambda_re{i}[j], l_im = {P}_lambda_im{i}[j];
        s->h{i}[j] = l_re * re - l_im * im + {P}_gamma{i}[j] * u[j];
        if (is_pair) s->h{i}[k] = l_re * im + l_im * re + {P}_gamma{i}[j] * u[k];
    }}
}}
"""


class CCell(NamedTuple):
    """A cell in C: the template of a step, and the arrays of `hidden_size` that it keeps."""

    step: str
    keeps: tuple[str, ...]


CELLS: dict[type[Cell], CCell] = {
    SimpleRNN: CCell(SIMPLE_RNN, ("h",)),
    LSTM: CCell(LSTM_STEP, ("h", "c")),
    GRU: CCell(GRU_STEP, ("h",)),
    LRU: CCell(LRU_STEP, ("h",)),
}


def c_cell(cell: Cell) -> CCell | None:
    """Return a cell in C; None for one of the user's own, which computes something else."""
    return CELLS.get(type(cell))


def c_function(activation: Activation | None) -> str | None:
    """Return the template of the name of an activation's function in C, None if it has none."""
    found = [name for known, name in ACTIVATIONS.items() if known == activation]
    return found[0] if found else None


def weights_of(cell: Cell, weights: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return the arrays that the template of a cell reads, by their names there."""
    return cell.kernel_weights(weights)
