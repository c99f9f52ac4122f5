"""Checks that hold any estimator of sequences to what such estimators promise."""

from skrnn.testing._forms import Capabilities
from skrnn.testing._run import (
    check_sequence_estimator,
    parametrize_with_sequence_checks,
    sequence_estimator_checks_generator,
)

__all__ = [
    "Capabilities",
    "check_sequence_estimator",
    "parametrize_with_sequence_checks",
    "sequence_estimator_checks_generator",
]
