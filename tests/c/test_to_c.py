"""The file of C compiles without a warning, and predicts what a stream predicts."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from streamed import (
    CASES,
    N_CHANNELS,
    N_STEPS,
    ONE_WAY,
    STATIC,
    fitted,
    fitted_static,
    sequences,
    table,
    targets,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.c import to_c
from skrnn.core.activations import Activation
from skrnn.core.cells import LSTM
from skrnn.core.losses import SquaredError
from skrnn.core.readouts import Last
from skrnn.preprocessing import SequenceScaler, TokenEncoder
from skrnn.streaming import SequenceStream

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="there is no gcc")
FLAGS = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-O1"]
NOT_WRITTEN = ("attention", "several quantiles", "distribution")
WRITTEN = [name for name in CASES if not any(word in name for word in NOT_WRITTEN)]
PLACES = ["readout", "channels"]

PROGRAM = """\
#include <stdio.h>
#include <string.h>
{includes}
int main(int argc, char **argv) {{
    float x[{n}], y[16] = {{0}};
    const float known[] = {{{known}}};
    int i, answer = -1, width = 0;
    const char *label = "";
    if (argc < 2 || known[0] < 0) return 1;
{states}
    for (;;) {{
        for (i = 0; i < {n}; i++)
            if (scanf("%f", &x[i]) != 1) return 0;
{steps}
        printf("%d %s", answer, label);
        for (i = 0; i < width; i++) printf(" %.9g", y[i]);
        printf("\\n");
    }}
}}
"""


def prefix_of(name):
    return "m_" + re.sub(r"\W", "_", name)


def size_of(header):
    return int(re.search(r"float y\[(\d+)\]\)", header)[1])


def known_of(sample):
    """Return the static features of a sample as floats."""
    return table(sequences())[STATIC].iloc[sample].to_numpy(np.float32)


def program(headers):
    """Return a program that reads rows, and prints what the network that it is told predicts.

    Static features are those of sample 3.
    """
    states, steps = "", ""
    for prefix, header in headers.items():
        classes = "_label(" in header
        answer = f"answer = {prefix}_step" if classes else f"{prefix}_step"
        label = f" label = {prefix}_label(answer);" if classes else ""
        known = ", known" if " known[" in header else ""
        states += f"    {prefix}_state {prefix};\n    {prefix}_reset(&{prefix}{known});\n"
        steps += (
            f'        if (strcmp(argv[1], "{prefix}") == 0) {{ width = {size_of(header)}; '
            f"{answer}(&{prefix}, x, y);{label} }}\n"
        )
    includes = "".join(f'#include "{prefix}.h"\n' for prefix in headers)
    known = ", ".join(repr(float(number)) for number in known_of(3))
    return PROGRAM.format(includes=includes, states=states, steps=steps, n=N_CHANNELS, known=known)


def compiled(headers, folder):
    for prefix, header in headers.items():
        (folder / f"{prefix}.h").write_text(header)
    (folder / "main.c").write_text(program(headers))
    command = [GCC, *FLAGS, str(folder / "main.c"), "-o", str(folder / "main"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "main"


def run(binary, prefix, rows):
    text = "\n".join(" ".join(f"{number:.9g}" for number in row) for row in rows)
    done = subprocess.run(
        [str(binary), prefix], input=text, capture_output=True, text=True, check=True
    )
    answers = [line.split() for line in done.stdout.splitlines()]
    n_texts = sum(not re.fullmatch(r"[-+.e\d]+|-?nan|-?inf", word) for word in answers[0])
    numbers = np.array([[float(word) for word in words[1 + n_texts :]] for words in answers])
    return [words[: 1 + n_texts] for words in answers], numbers


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    headers = {prefix_of(name): to_c(fitted(name), prefix=prefix_of(name)) for name in WRITTEN}
    return compiled(headers, tmp_path_factory.mktemp("c"))


@needs_gcc
@pytest.mark.parametrize("name", WRITTEN)
def test_every_step_is_that_of_a_stream(name, binary):
    est, rows = fitted(name), sequences()[3].astype(np.float32).astype(np.float64)
    heads, numbers = run(binary, prefix_of(name), rows)
    stream, other = SequenceStream(est), SequenceStream(est)
    for t in range(N_STEPS):
        answer = stream.step(rows[t])
        probabilities = hasattr(est, "predict_proba")
        expected = other.step_proba(rows[t]) if probabilities else answer
        np.testing.assert_allclose(numbers[t], expected.ravel(), rtol=1e-5, atol=1e-5)
        if len(heads[t]) == 2:
            assert heads[t][1] == answer[0]


@pytest.fixture(scope="module")
def binary_static(tmp_path_factory):
    headers = {
        prefix_of(f"{name} {place}"): to_c(
            fitted_static(name, place), prefix=prefix_of(f"{name} {place}")
        )
        for name in WRITTEN
        for place in PLACES
    }
    return compiled(headers, tmp_path_factory.mktemp("c"))


@needs_gcc
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", WRITTEN)
def test_static_features_come_when_a_sequence_begins(name, place, binary_static):
    est, rows = fitted_static(name, place), sequences()[3].astype(np.float32).astype(np.float64)
    _, numbers = run(binary_static, prefix_of(f"{name} {place}"), rows)
    stream = SequenceStream(est, static=known_of(3).astype(np.float64))
    answer = stream.step_proba if hasattr(est, "predict_proba") else stream.step
    expected = np.array([answer(row).ravel() for row in rows])
    np.testing.assert_allclose(numbers, expected, rtol=2e-5, atol=2e-5)


@needs_gcc
@pytest.mark.parametrize("place", PLACES)
def test_another_sequence_has_static_features_of_its_own(place, tmp_path):
    header = to_c(fitted_static("scaled numbers", place), prefix="m")
    (tmp_path / "m.h").write_text(header)
    (tmp_path / "main.c").write_text("""\
        #include "m.h"
        int main(void) {
            m_state s;
            float x[3] = {1.0f, 2.0f, 3.0f}, first[1], other[1], again[1];
            float one[2] = {30.0f, 1.0f}, two[2] = {50.0f, 0.0f};
            m_reset(&s, one);
            m_step(&s, x, first);
            m_reset(&s, two);
            m_step(&s, x, other);
            m_reset(&s, one);
            one[0] = 90.0f; /* the state has a copy */
            m_step(&s, x, again);
            return first[0] == other[0] || first[0] != again[0];
        }
    """)
    command = [GCC, *FLAGS, str(tmp_path / "main.c"), "-o", str(tmp_path / "main"), "-lm"]
    subprocess.run(command, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


@needs_gcc
def test_names_of_static_features_do_not_end_the_comment(tmp_path):
    X = table(sequences()).rename(columns={"age": "*/ int age; /*", "marked": "ü\n\\"})
    header = to_c(RNNRegressor(**ONE_WAY).fit(X, targets("numbers")), prefix="m")
    assert "2 static features, in this order: ?? int age; ??, ü??." in header
    (tmp_path / "m.h").write_text(header, encoding="utf-8")
    (tmp_path / "main.c").write_text('#include "m.h"\nint main(void) { return 0; }\n')
    command = [GCC, *FLAGS, str(tmp_path / "main.c"), "-o", str(tmp_path / "main"), "-lm"]
    subprocess.run(command, check=True)


def test_more_than_a_dozen_configurations_are_written():
    assert len(WRITTEN) > 12


@needs_gcc
def test_a_state_begins_anew_after_reset(tmp_path):
    header = to_c(fitted("differences frames"), prefix="m")
    (tmp_path / "m.h").write_text(header)
    (tmp_path / "main.c").write_text("""\
        #include "m.h"
        int main(void) {
            m_state s;
            float x[3] = {1.0f, 2.0f, 3.0f}, first[3], again[3];
            int i;
            m_reset(&s);
            m_step(&s, x, first);
            for (i = 0; i < 9; i++) { x[0] += 1.0f; m_step(&s, x, again); }
            x[0] = 1.0f;
            m_reset(&s);
            m_step(&s, x, again);
            return first[0] != again[0] || first[2] != again[2];
        }
    """)
    command = [GCC, *FLAGS, str(tmp_path / "main.c"), "-o", str(tmp_path / "main"), "-lm"]
    subprocess.run(command, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


@needs_gcc
def test_two_files_of_c_may_include_one_header(tmp_path):
    (tmp_path / "m.h").write_text(to_c(fitted("scaled"), prefix="m"))
    for name, line in (
        ("a.c", "int a(void) { return 0; }"),
        ("b.c", "int main(void) { return 0; }"),
    ):
        (tmp_path / name).write_text(f'#include "m.h"\n#include "m.h"\n{line}\n')
    files = [str(tmp_path / name) for name in ("a.c", "b.c")]
    subprocess.run([GCC, *FLAGS, *files, "-o", str(tmp_path / "main"), "-lm"], check=True)


@needs_gcc
def test_labels_of_any_text_are_strings_of_c(tmp_path):
    labels = np.array(['quote " and \\', "ü ☃ ??/", "line\nend"])
    est = RNNClassifier(**ONE_WAY).fit(sequences(), labels[np.arange(12) % 3])
    (tmp_path / "m.h").write_text(to_c(est, prefix="m"))
    (tmp_path / "main.c").write_text("""\
        #include <stdio.h>
        #include "m.h"
        int main(void) { for (int i = 0; i < 3; i++) printf("%s|", m_label(i)); return 0; }
    """)
    command = [GCC, *FLAGS, str(tmp_path / "main.c"), "-o", str(tmp_path / "main"), "-lm"]
    subprocess.run(command, check=True)
    done = subprocess.run([str(tmp_path / "main")], capture_output=True, check=True)
    assert done.stdout.decode().split("|")[:3] == est.classes_.tolist()


@needs_gcc
def test_an_id_without_a_vector_is_read_as_zero(tmp_path):
    prefix = "m_embedding"
    binary = compiled({prefix: to_c(fitted("embedding"), prefix=prefix)}, tmp_path)
    rows = np.zeros((1, 3))
    _, expected = run(binary, prefix, rows)
    for wrong in (-1, 4, 1e9):
        rows[0, 0] = wrong
        np.testing.assert_array_equal(run(binary, prefix, rows)[1], expected)


def test_the_header_is_written_where_it_is_wanted(tmp_path):
    path = tmp_path / "model.h"
    text = to_c(fitted("lstm last"), path)
    assert path.read_text() == text
    assert "static inline void model_reset(model_state *s)" in text


def test_a_header_needs_math_alone():
    assert re.findall(r"#include .*", to_c(fitted("lstm mean"))) == ["#include <math.h>"]


def test_a_header_allocates_nothing():
    assert "alloc" not in to_c(fitted("overlapping frames stacked"))


def test_all_names_begin_with_the_prefix():
    header = to_c(fitted("scaled"), prefix="pump")
    names = re.findall(r"^static .*?(\w+)[\[(]|^} (\w+);", header, re.M)
    assert names
    assert all("".join(name).startswith("pump_") for name in names)


@pytest.mark.parametrize("prefix", ["", "1a", "a b", "int", "a-b", "_x", None, 3])
def test_the_prefix_is_an_identifier(prefix):
    with pytest.raises(ValueError, match="prefix must be an identifier of C"):
        to_c(fitted("lstm last"), prefix=prefix)


# --- what is not written in C --------------------------------------------------------------------


class Own(LSTM):
    """A cell of the user's own."""


class OwnLast(Last):
    """A read-out of the user's own."""


class Doubling(SquaredError):
    """A loss of the user's own, which is as ours."""


SOFT = Activation("soft", np.tanh, lambda value: 1 - value * value)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"bidirectional": True}, "it is bidirectional"),
        ({"readout": "attention"}, "needs all states at once"),
        ({"readout": ("last", "attention")}, "needs all states at once"),
        ({"readout": OwnLast()}, "needs all states at once"),
        ({"cell": Own()}, "no cell of your own"),
        ({"activation": SOFT}, "no activation of your own: 'soft'"),
    ],
    ids=["bidirectional", "attention", "joined", "read-out", "cell", "activation"],
)
def test_what_is_not_written_is_refused(parameters, reason):
    est = RNNRegressor(**{**ONE_WAY, **parameters}).fit(sequences(), targets("numbers"))
    with pytest.raises(ValueError, match=f"cannot be written in C.*{reason}"):
        to_c(est)


def test_gaps_learnt_in_fit_are_refused_with_the_remedy():
    X = sequences().copy()
    X[0, 1, 0] = np.nan
    est = RNNRegressor(**ONE_WAY).fit(X, targets("numbers"))
    with pytest.raises(ValueError, match=r"with gaps\. Fill them before fit.*Imputer.*step"):
        to_c(est)


def test_a_transformer_other_than_the_scaler_is_refused():
    est = make_pipeline(TokenEncoder(), RNNRegressor(**ONE_WAY, embedding_dim=2))
    est.fit([["a", "b"]] * 12, targets("numbers"))
    with pytest.raises(ValueError, match="SequenceScaler alone, not TokenEncoder"):
        to_c(est)


def test_a_transformer_of_columns_is_refused():
    columns = ColumnTransformer(
        [("log", FunctionTransformer(np.log), ["age"])], remainder="passthrough"
    )
    est = make_pipeline(columns, RNNRegressor(**ONE_WAY))
    est.fit(table(sequences()), targets("numbers"))
    SequenceStream(est)
    with pytest.raises(ValueError, match="SequenceScaler alone, not ColumnTransformer"):
        to_c(est)


def test_weights_beyond_float_are_refused():
    est = RNNRegressor(**ONE_WAY).fit(sequences(), targets("numbers"))
    est.network_.parameters.vector[0] = 1e300
    with pytest.raises(ValueError, match="W_x0 leaves the range of float"):
        to_c(est)


def test_a_scale_beyond_float_is_refused():
    y = targets("numbers") * 1e200
    est = RNNRegressor(**ONE_WAY).fit(sequences(), y)
    with pytest.raises(ValueError, match="y_factor leaves the range of float"):
        to_c(est)


def test_a_loss_of_your_own_is_written_if_it_predicts_as_ours():
    est = RNNRegressor(**ONE_WAY, loss=Doubling()).fit(sequences(), targets("numbers"))
    assert "y_factor" in to_c(est)


@pytest.mark.parametrize("name", ["several quantiles", "distribution"])
def test_a_loss_with_several_numbers_for_an_output_is_refused(name):
    with pytest.raises(ValueError, match="whose prediction is a number for every output"):
        to_c(fitted(name))


def test_targets_that_decode_in_another_way_are_refused():
    est = RNNRegressor(**ONE_WAY).fit(sequences(), targets("several numbers"))
    decode = est._targets.decode
    est._targets.decode = lambda raw: np.sort(decode(raw), axis=1)
    with pytest.raises(ValueError, match="whose prediction is a number for every output"):
        to_c(est)


@needs_gcc
def test_a_long_sequence_keeps_its_precision(tmp_path, rng):
    X = rng.normal(size=(12, N_STEPS, N_CHANNELS)) * 3 + 1000
    est = make_pipeline(
        SequenceScaler(), RNNRegressor(**{**ONE_WAY, "readout": ("mean", "max")})
    ).fit(X, targets("numbers"))
    prefix = "m_long"
    binary = compiled({prefix: to_c(est, prefix=prefix)}, tmp_path)
    rows = (rng.normal(size=(3000, N_CHANNELS)) * 3 + 1000).astype(np.float32).astype(float)
    _, numbers = run(binary, prefix, rows)
    expected = SequenceStream(est).steps(rows[np.newaxis])
    np.testing.assert_allclose(numbers[-1], expected, rtol=1e-5)
