"""Types of the attributes that the steps of a fit set; `ATTRIBUTES` says what they are."""

from __future__ import annotations

from abc import ABC
from typing import Any

import numpy as np


class FittedMixin(ABC):
    """What both estimators have once they are fitted, besides what `BaseRNN` sets itself."""

    n_features_in_: int
    feature_names_in_: np.ndarray
    n_channels_in_: int
    n_static_in_: int
    auto_params_: dict[str, Any]
    n_iter_: int
    t_: int
    loss_: float
    best_loss_: float | None
    best_validation_loss_: float | None
    best_validation_score_: float | None
