"""RNNClassifier and RNNRegressor: the networks of `skrnn.core` as scikit-learn estimators."""

from skrnn.estimators._classifier import RNNClassifier
from skrnn.estimators._regressor import RNNRegressor

__all__ = ["RNNClassifier", "RNNRegressor"]
