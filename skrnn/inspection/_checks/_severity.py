"""How much a fault weighs."""

from __future__ import annotations

import numpy as np

from skrnn.inspection._measurements import Measurements

# A network whose loss is below that of the best constant prediction by these shares has learnt, and
# has learnt well: what is found in it does not keep it from learning, or does no harm.
LEARNT, LEARNT_WELL = 0.5, 0.9
# Share of the units, or of their values, that has to be dead, flat or wrong.
MOST = 0.5


def has_learnt(m: Measurements) -> bool:
    """Tell whether a fitted network predicts clearly better than a constant."""
    return m.opened.fitted and m.skill >= LEARNT


def severity(m: Measurements, otherwise: str = "problem") -> str:
    """Return the severity of a fault; one that has not kept the network from learning weighs less.

    Parameters
    ----------
    m : Measurements
        Of the network.
    otherwise : str, default="problem"
        The severity in a network that has not learnt.
    """
    if not has_learnt(m):
        return otherwise
    return "info" if m.skill >= LEARNT_WELL else "warning"


def median(values: np.ndarray) -> float:
    """Return the median, NaN of no values."""
    return float(np.median(values)) if len(values) else np.nan
