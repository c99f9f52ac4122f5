"""
A stream of sensor readings
===========================

Four machines are watched at once, second by second: one of them begins to wear while it runs, and
one is silent for a while. A stream keeps the state of the network between the readings, so that a
new one costs a step and not the whole past; the program is stopped in between and goes on.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceScaler
from skrnn.streaming import SequenceStream

# %%
# Temperature and vibration of 200 bearings, one of which in two wears from some second on. The
# network answers at every second, by what it has seen until then.

N_SECONDS = 120
rng = np.random.RandomState(0)


def sound(n):
    """Return temperature and vibration of sound bearings."""
    return np.array([60.0, 2.0]) + rng.normal(size=(n, N_SECONDS, 2)) * [1.0, 0.5]


X, y = sound(200), np.zeros((200, N_SECONDS), dtype=int)
for i, start in enumerate(rng.randint(20, 2 * N_SECONDS, size=200)):
    y[i, start:] = 1
    X[i, start:] += [1.0, 1.0]
network = RNNClassifier(16, return_sequences=True, bidirectional=False, max_iter=40, random_state=0)
model = make_pipeline(SequenceScaler(), network).fit(X, y)

# %%
# Four machines, of which number 2 wears from second 40 on, and number 1 is silent from second 30 to
# 60: ``only`` names those that have a new reading. At second 60 the state goes into a file, and
# another stream goes on from there.

readings = sound(4)
readings[2, 40:] += [1.0, 1.0]
worn = np.full((4, N_SECONDS), np.nan)
stream = SequenceStream(model, n_streams=4)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "state.npz"
    for second in range(N_SECONDS):
        machines = [0, 2, 3] if 30 <= second < 60 else [0, 1, 2, 3]
        answers = stream.step_proba(readings[machines, second], only=machines)
        worn[machines, second] = answers[:, 1]
        if second == 60:
            np.savez(path, **stream.get_state())
            stream = SequenceStream(model, n_streams=4)  # as after a restart
            with np.load(path) as state:
                stream.set_state(state)
print("rows read of every machine:", stream.n_steps)

# %%
# The first alarm comes a few seconds after the wear began.

first = int(np.argmax(worn[2] > 0.9))
print(f"machine 2 is worn: second {first}")
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for machine, probability in enumerate(worn):
    ax.plot(probability, label=f"machine {machine}")
ax.axvline(40, color="0.6", linestyle=":")
ax.set(xlabel="second", ylabel="probability of wear", ylim=(0, 1))
ax.legend()
plt.show()

# %%
# :doc:`The guide </guide/streaming>` says what can be streamed, and how the same model is written
# as C for the controller of the machine itself.
