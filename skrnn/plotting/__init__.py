"""Pictures of recurrent networks, by scikit-learn's Display convention.

A display is made by `from_estimator` (or from arrays, by its constructor), draws itself with
`plot(ax=None)`, and then has the artists in attributes that end in an underscore, with `ax_` and
`figure_`. matplotlib is imported only when something is drawn: ``pip install "skrnn[plot]"``.
"""

from skrnn.plotting._attributions import AttributionDisplay
from skrnn.plotting._forecast import ForecastDisplay
from skrnn.plotting._forecast_paths import ForecastPathDisplay
from skrnn.plotting._gradient_flow import GradientFlowDisplay
from skrnn.plotting._hidden_states import HiddenStateDisplay
from skrnn.plotting._loss_curve import LossCurveDisplay
from skrnn.plotting._saturation import SaturationDisplay
from skrnn.plotting._unrolled import UnrolledNetworkDisplay

__all__ = [
    "AttributionDisplay",
    "ForecastDisplay",
    "ForecastPathDisplay",
    "GradientFlowDisplay",
    "HiddenStateDisplay",
    "LossCurveDisplay",
    "SaturationDisplay",
    "UnrolledNetworkDisplay",
]
