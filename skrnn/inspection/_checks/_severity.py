"""How much a fault weighs."""

from __future__ import annotations

import numpy as np

from skrnn.inspection._judged import ERRORS
from skrnn.inspection._measurements import Measurements

# A network whose loss is below that of the best constant prediction by these shares has learnt, and
# has learnt well: what is found in it does not keep it from learning, or does no harm.
LEARNT, LEARNT_WELL = 0.5, 0.9
# Share of the units, or of their values, that has to be dead, flat or wrong.
MOST = 0.5
# A network overfits if it loses this much of its gain, or more, on data it was not trained on.
GAP = 0.15


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


def overfits(m: Measurements) -> bool:
    """Tell whether a network does clearly worse on data that it was not trained on."""
    trained, held_out = m.trained, m.held_out
    if held_out is None or not (trained.tells and held_out.tells) or trained.at_chance:
        return False
    gap = trained.gain - held_out.gain
    # Where the classes are right, the loss may still be that of somebody who is sure and wrong.
    worse_than_unsure = trained.skill >= LEARNT and held_out.skill <= 0
    return worse_than_unsure or gap >= max(GAP, ERRORS * held_out.error)


def median(values: np.ndarray) -> float:
    """Return the median, NaN of no values."""
    return float(np.median(values)) if len(values) else np.nan
