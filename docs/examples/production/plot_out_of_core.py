"""
Data larger than memory: ``partial_fit`` on a Parquet file
==========================================================

A file is read one row group at a time, and every group trains the network a little further. List
columns hold sequences of different lengths; nothing but the group is ever in memory.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skrnn import RNNClassifier

# %%
# A file of 4,000 sequences in 20 row groups. The class is the channel that rose more.

rng = np.random.default_rng(0)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "walks.parquet"
schema = pa.schema(
    [("a", pa.list_(pa.float32())), ("b", pa.list_(pa.float32())), ("more", pa.string())]
)
with pq.ParquetWriter(path, schema) as writer:
    for _ in range(20):
        lengths = rng.integers(10, 40, size=200)
        a, b = ([rng.normal(size=n).astype(np.float32) for n in lengths] for _ in range(2))
        more = ["a" if p.sum() > q.sum() else "b" for p, q in zip(a, b, strict=True)]
        writer.write_table(pa.table({"a": a, "b": b, "more": more}, schema=schema))
print(f"{path.stat().st_size / 1e3:.0f} kB")

# %%
# All classes are named at the first call, as anywhere in scikit-learn. The last group is kept for
# the test.

file = pq.ParquetFile(path)
clf = RNNClassifier(32, readout="mean", learning_rate_init=0.003, random_state=0)


def group(i):
    frame = file.read_row_group(i).to_pandas()
    return frame[["a", "b"]], frame["more"]


X_test, y_test = group(19)
scores = []
for _ in range(4):
    for i in range(19):
        clf.partial_fit(*group(i), classes=["a", "b"])
        scores.append(clf.score(X_test, y_test))

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(scores, color="#0072B2")
ax.set(xlabel="row groups seen", ylabel="test accuracy", ylim=(0.45, 1.02))
ax.spines[["top", "right"]].set_visible(False)
plt.show()
folder.cleanup()
