"""Training from a Parquet file that is larger than the memory which the process may use."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

N_ROW_GROUPS, N_SEQUENCES, N_CHANNELS = 64, 250, 8
ALLOWANCE = 15 * 2**20  # bytes, beyond what Python and the libraries take themselves

# Reads the file whole, which must fail, and then trains on it twice, row group by row group.
TRAINING = """
import resource, sys
import numpy as np, pandas as pd, pyarrow.parquet as pq
from sklearn.base import clone
from skrnn import RNNRegressor
from skrnn.preprocessing import SequenceScaler

def private_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))

path, allowance = sys.argv[1], int(sys.argv[2])
file = pq.ParquetFile(path, memory_map=False)

def chunk(i):
    frame = file.read_row_group(i, use_threads=False).to_pandas(types_mapper=pd.ArrowDtype)
    return frame.drop(columns="y"), frame["y"].to_numpy()

scaler = SequenceScaler()
model = RNNRegressor(4, cell="rnn", batch_size=100, random_state=0)
X, y = chunk(0)
scaler.partial_fit(X)
clone(model).partial_fit(scaler.transform(X), y)  # what is imported or kept at the first call
limit = private_memory() + allowance
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    file.read(use_threads=False)
except MemoryError:
    print("whole: too large")
for i in range(1, file.num_row_groups):
    scaler.partial_fit(chunk(i)[0])
for epoch in range(2):
    for i in np.random.default_rng(epoch).permutation(file.num_row_groups):
        X, y = chunk(i)
        model.partial_fit(scaler.transform(X), y)
print("steps:", scaler.n_steps_seen_, "calls:", model.n_iter_)
"""


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """A file of list columns, its number of time steps, and its size in memory."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("parquet") / "sequences.parquet"
    names = [f"channel{j}" for j in range(N_CHANNELS)]
    schema = pa.schema([(name, pa.list_(pa.float64())) for name in names] + [("y", pa.float64())])
    n_steps = n_bytes = 0
    with pq.ParquetWriter(path, schema, compression="NONE", use_dictionary=False) as writer:
        for _ in range(N_ROW_GROUPS):
            offsets = np.append(0, rng.integers(20, 60, N_SEQUENCES).cumsum()).astype(np.int32)
            lists = [pa.ListArray.from_arrays(offsets, rng.normal(size=offsets[-1])) for _ in names]
            table = pa.table([*lists, rng.normal(size=N_SEQUENCES)], schema=schema)
            writer.write_table(table)
            n_steps, n_bytes = n_steps + offsets[-1], n_bytes + table.nbytes
    return path, n_steps, n_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA binds on Linux alone")
def test_training_needs_less_memory_than_the_file(long_file):
    path, n_steps, n_bytes = long_file
    assert n_bytes > 2.5 * ALLOWANCE
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1")
    done = subprocess.run(
        [sys.executable, "-P", "-c", TRAINING, str(path), str(ALLOWANCE)],
        env=os.environ | single | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "whole: too large",
        f"steps: {n_steps} calls: {2 * N_ROW_GROUPS}",
    ]
