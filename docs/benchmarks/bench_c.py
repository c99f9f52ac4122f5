"""Size and time of networks as C: what a microcontroller would have to hold.

Every network is written by `to_c`, compiled by gcc, compared with `SequenceStream` on random rows,
and timed on this machine. Flash is code and constants, as ``size`` reports them for the object file
of one `step` and `reset`; RAM is the state of one stream, to which a few hundred bytes of stack
come.

    python docs/benchmarks/bench_c.py
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import _measure
import numpy as np

from skrnn import RNNClassifier
from skrnn.c import to_c
from skrnn.streaming import SequenceStream

FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2"]
N_ROWS, REPEATS = 300, 20

CASES: dict[str, dict[str, Any]] = {
    "rnn, 16 units": {"cell": "rnn", "hidden_layer_sizes": 16},
    "gru, 16 units": {"cell": "gru", "hidden_layer_sizes": 16},
    "gru, 32 units": {"cell": "gru", "hidden_layer_sizes": 32},
    "gru, 32 units, mean": {"cell": "gru", "hidden_layer_sizes": 32, "readout": "mean"},
    "gru, 32 + 16 units": {"cell": "gru", "hidden_layer_sizes": (32, 16)},
    "gru, 32 units, frames of 4": {
        "cell": "gru",
        "hidden_layer_sizes": 32,
        "frame_length": 4,
        "frame_stride": 4,
    },
    "lstm, 32 units": {"cell": "lstm", "hidden_layer_sizes": 32},
    "lstm, 64 units": {"cell": "lstm", "hidden_layer_sizes": 64},
    "lru, 32 + 32 units": {"cell": "lru", "hidden_layer_sizes": (32, 32)},
}

LIBRARY = """\
#include "model.h"
int library_step(model_state *s, const float *x, float *y) { return model_step(s, x, y); }
void library_reset(model_state *s) { model_reset(s); }
"""

PROGRAM = """\
#include <stdio.h>
#include <time.h>
#include "model.h"
static float rows[%(n)d][%(channels)d];
int main(void) {
    model_state s;
    float y[%(classes)d];
    int i, j, k;
    clock_t start;
    for (i = 0; i < %(n)d; i++)
        for (j = 0; j < %(channels)d; j++)
            if (scanf("%%f", &rows[i][j]) != 1) return 1;
    model_reset(&s);
    for (i = 0; i < %(n)d; i++) {
        model_step(&s, rows[i], y);
        for (j = 0; j < %(classes)d; j++) printf("%%.9g ", y[j]);
        printf("\\n");
    }
    start = clock();
    for (k = 0; k < %(repeats)d; k++)
        for (i = 0; i < %(n)d; i++) model_step(&s, rows[i], y);
    printf("%%.9g\\n", 1e6 * (double)(clock() - start) / CLOCKS_PER_SEC / %(repeats)d / %(n)d);
    printf("%%lu\\n", (unsigned long)sizeof(model_state));
    return 0;
}
"""


def fitted(parameters: dict[str, Any]) -> RNNClassifier:
    """Return a classifier of 8 channels trained for one epoch, which is enough to predict."""
    X = np.random.RandomState(0).normal(size=(30, 20, 8)).astype(np.float32)
    settings = {
        "bidirectional": False,
        "readout": "last",
        "differences": False,
        "frame_length": 1,
        "frame_stride": 1,
        "frame_units": None,
        "max_iter": 1,
        **parameters,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return RNNClassifier(**settings, random_state=0).fit(X, np.arange(30) % 3)


def measure(name: str, parameters: dict[str, Any]) -> list[str]:
    est = fitted(parameters)
    rows = np.random.RandomState(1).normal(size=(N_ROWS, 8)).astype(np.float32)
    sizes = {"n": N_ROWS, "channels": 8, "classes": 3, "repeats": REPEATS}
    with tempfile.TemporaryDirectory() as name_of_folder:
        folder = Path(name_of_folder)
        header = to_c(est, folder / "model.h")
        (folder / "library.c").write_text(LIBRARY)
        (folder / "main.c").write_text(PROGRAM % sizes)
        command = ["gcc", *FLAGS, "-c", "library.c", "-o", "library.o"]
        subprocess.run(command, cwd=folder, check=True)
        subprocess.run(["gcc", *FLAGS, "main.c", "-o", "main", "-lm"], cwd=folder, check=True)
        report = subprocess.run(
            ["size", "library.o"], cwd=folder, check=True, capture_output=True, text=True
        ).stdout
        text = "\n".join(" ".join(f"{number:.9g}" for number in row) for row in rows)
        done = subprocess.run(
            [str(folder / "main")], input=text, check=True, capture_output=True, text=True
        ).stdout.splitlines()
    flash = int(re.findall(r"\d+", report.splitlines()[1])[0])
    *lines, microseconds, state = done
    written = np.array([line.split() for line in lines], float)
    stream = SequenceStream(est)
    apart = np.abs(written - np.concatenate([stream.step_proba(row) for row in rows])).max()
    n_weights = est.network_.parameters.vector.size
    return [
        name,
        f"{n_weights:,}",
        f"{len(header) / 1024:.0f}",
        f"{flash / 1024:.1f}",
        f"{int(state):,}",
        f"{float(microseconds):.2f}",
        f"{apart:.0e}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments = _measure.parse(parser)
    header = [
        "8 channels, 3 classes",
        "weights",
        "header, KiB",
        "flash, KiB",
        "RAM of a stream, bytes",
        "step here, µs",
        "largest difference from Python",
    ]
    table = _measure.table(header, (measure(*case) for case in CASES.items()))
    version = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True)
    notes = f"Compiled by {version.stdout.splitlines()[0]} with `{' '.join(FLAGS)}`."
    _measure.publish(arguments, "bench_c", "Networks as C", [notes, table])


if __name__ == "__main__":
    main()
