"""Look into a recurrent network: why it learns, or why it does not.

Every function takes an estimator and data and returns plain arrays; nothing here draws (that is
`skrnn.plotting`). The estimator may stand inside a Pipeline, a search or another wrapper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skrnn.inspection._attributions import input_attributions
from skrnn.inspection._diagnosis import diagnose
from skrnn.inspection._gradient_flow import gradient_flow
from skrnn.inspection._hidden_states import hidden_states
from skrnn.inspection._permutation_importance import permutation_importance
from skrnn.inspection._report import Finding, Report
from skrnn.inspection._shapley import ShapleyValues, shapley_values
from skrnn.inspection._unrolled import unrolled
from skrnn.preprocessing import HiddenStates

if TYPE_CHECKING:
    from skrnn.callbacks import GradientFlowRecorder, record_gradient_flow

__all__ = [
    "Finding",
    "GradientFlowRecorder",
    "HiddenStates",
    "Report",
    "ShapleyValues",
    "diagnose",
    "gradient_flow",
    "hidden_states",
    "input_attributions",
    "permutation_importance",
    "record_gradient_flow",
    "shapley_values",
    "unrolled",
]


def __getattr__(name: str) -> Any:
    # Their place is in callbacks, which stand above inspection; this one is kept for its users.
    if name in ("GradientFlowRecorder", "record_gradient_flow"):
        from skrnn import callbacks

        return getattr(callbacks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
