"""
Overfitting: see it, name it, stop in time
==========================================

Sixty recordings, one label in five of them wrong, and a network that can learn them by heart. A
validation set shows it in the curves, :func:`~skrnn.inspection.diagnose` names it and tries
remedies, and early stopping keeps the weights of the best epoch.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skrnn import RNNClassifier
from skrnn.inspection import diagnose
from skrnn.plotting import LossCurveDisplay


def make_data(n_samples, rng):
    """Return walks of 30 steps; whether they tend upwards is right in four labels of five."""
    drift = rng.choice([-0.25, 0.25], size=n_samples)
    X = (rng.normal(size=(n_samples, 30)) + drift[:, None]).cumsum(axis=1) / 5
    y = np.where(rng.random(n_samples) < 0.2, -drift, drift) > 0
    return X[:, :, None], np.where(y, "up", "down")


rng = np.random.default_rng(3)
X, y = make_data(60, rng)
X_val, y_val = make_data(60, rng)
X_test, y_test = make_data(2000, rng)

# %%
# A validation set is watched in every epoch, whether it decides or not.

plain = RNNClassifier(32, max_iter=80, random_state=0)
plain.fit(X, y, X_val=X_val, y_val=y_val)
stopped = RNNClassifier(32, max_iter=80, early_stopping=True, random_state=0)
stopped.fit(X, y, X_val=X_val, y_val=y_val)

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
networks = {"all epochs": plain, "stopped": stopped}
for ax, (name, network) in zip(axes, networks.items(), strict=True):
    LossCurveDisplay.from_estimator(network, ax=ax)
    ax.set_title(name)
plt.show()

# %%
# The training loss says that all is well. The labels of the test part say otherwise; at most four
# in five can be right.

pd.DataFrame(
    {
        name: {
            "training": network.score(X, y),
            "test": network.score(X_test, y_test),
            "epochs": network.n_iter_,
        }
        for name, network in networks.items()
    }
).T.round(2)

# %%
# The report names it, and says what the remedy was worth when it was tried.

print(diagnose(plain, X, y, X_val=X_val, y_val=y_val))
