"""Metrics that scikit-learn does not have: of intervals and quantiles, and of every time step."""

from skrnn.metrics._intervals import coverage, interval_score, pinball
from skrnn.metrics._mase import mase
from skrnn.metrics._steps import StepScorer, make_step_scorer, score_steps, step_scorer

__all__ = [
    "StepScorer",
    "coverage",
    "interval_score",
    "make_step_scorer",
    "mase",
    "pinball",
    "score_steps",
    "step_scorer",
]
