"""Look into a recurrent network: why it learns, or why it does not.

Every function takes an estimator and data and returns plain arrays; nothing here draws (that is
`skrnn.plotting`).
"""

from skrnn.inspection._attributions import input_attributions, permutation_importance
from skrnn.inspection._diagnosis import diagnose
from skrnn.inspection._gradient_flow import gradient_flow
from skrnn.inspection._record import GradientFlowRecorder, record_gradient_flow
from skrnn.inspection._report import Finding, Report
from skrnn.inspection._states import HiddenStates, hidden_states
from skrnn.inspection._unrolled import unrolled

__all__ = [
    "Finding",
    "GradientFlowRecorder",
    "HiddenStates",
    "Report",
    "diagnose",
    "gradient_flow",
    "hidden_states",
    "input_attributions",
    "permutation_importance",
    "record_gradient_flow",
    "unrolled",
]
