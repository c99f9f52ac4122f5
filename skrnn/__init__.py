"""Recurrent neural networks as ordinary scikit-learn estimators.

`RNNClassifier` and `RNNRegressor` are trained by backpropagation through time and live wherever a
scikit-learn estimator does: pipelines, grid searches, cross-validation, pandas workflows.
`skrnn.preprocessing` prepares sequences and `skrnn.datasets` brings some to try.
"""

from skrnn._show_versions import show_versions
from skrnn._version import __version__
from skrnn.estimators import RNNClassifier, RNNRegressor

__all__ = ["RNNClassifier", "RNNRegressor", "__version__", "show_versions"]
