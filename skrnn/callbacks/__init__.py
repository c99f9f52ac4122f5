"""Callbacks: what else should happen while a network learns.

They follow the protocol of scikit-learn's own callbacks (scikit-learn >= 1.9) and are set on the
estimator, alone or as the last step of a Pipeline or within a search::

    RNNClassifier().set_callbacks(EarlyStopping(scoring="f1_macro", X_val=X_val, y_val=y_val))

With an older scikit-learn, `set_callbacks` of skrnn's estimators takes them too; only
`MedianPruning` needs the callbacks of scikit-learn's searches. One object may serve several fits
and the clones that a search makes: what it remembers of a fit is kept with that fit.

One of your own derives from `Callback`, or from `Monitor` if it judges every epoch by a score.
"""

from skrnn.callbacks._base import Callback, Monitor
from skrnn.callbacks._checkpoint import Checkpoint
from skrnn.callbacks._early_stopping import EarlyStopping
from skrnn.callbacks._live_loss import LiveLoss, sparkline
from skrnn.callbacks._pruning import MedianPruning, OptunaPruning
from skrnn.callbacks._recorder import GradientFlowRecorder, record_gradient_flow
from skrnn.callbacks._trackers import MLflowLogger, TensorBoardLogger, WandbLogger

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "GradientFlowRecorder",
    "LiveLoss",
    "MLflowLogger",
    "MedianPruning",
    "Monitor",
    "OptunaPruning",
    "TensorBoardLogger",
    "WandbLogger",
    "record_gradient_flow",
    "sparkline",
]
