"""What has come of training: nothing, too little, or what holds for the training data only."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.core.row_weights import total_weight
from skrnn.inspection._checks._reach import SHRINKING, TOO_LONG
from skrnn.inspection._checks._severity import LEARNT, LEARNT_WELL, overfits
from skrnn.inspection._checks._training import ended_falling
from skrnn.inspection._judged import ERRORS
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._remedies import against_overfitting, against_underfitting
from skrnn.inspection._report import Finding, code_of
from skrnn.inspection._trials import Trial

# One that loses this share of it has learnt little else than its training data.
MOST_OF_IT = 0.5
# A remedy against underfitting has to add this gain on such data.
MORE = 0.05
# A network is held back by so few units, if it drops this share of them, or ends after fewer
# steps of training.
FEW_UNITS, MOST_DROPPED, FEW_STEPS = 2, 0.8, 100
# Remedies that are told of beside the best one.
MOST_TOLD = 3


def overfitting(m: Measurements) -> Finding | None:
    if not overfits(m):
        return None
    trained, held_out = m.trained, m.held_out
    assert held_out is not None
    better = (
        m.trials.best_first(against_overfitting(m.opened, longer=ended_falling(m)))
        if m.try_remedies
        else []
    )
    score = m.name_of_score
    lost = held_out.gain < (1 - MOST_OF_IT) * trained.gain
    but = ", where a constant would do as well" if held_out.at_chance else ""
    return Finding(
        "overfitting",
        "problem" if lost else "warning",
        "Much of what the network has learnt holds for its training data only, and not for data "
        f"that it has not seen{but}.",
        _against_overfitting(m, better),
        {
            f"{score} on the training data": trained.score,
            f"held-out {score}": held_out.score,
            f"{score} of a constant": held_out.constant_score,
            "training loss": trained.loss,
            "held-out loss": held_out.loss,
            **_reached(m, better),
        },
        better[0].parameters if better else {},
    )


def underfitting(m: Measurements, found: list[Finding]) -> Finding | None:
    """Look for a network that learns more than this one, where nothing found explains it."""
    if not (m.opened.fitted and m.try_remedies and m.trained.tells) or overfits(m):
        return None
    falling = ended_falling(m)
    if m.skill >= (LEARNT_WELL if falling else LEARNT):
        return None
    held_back = falling or _held_back(m)
    if any(_explains(finding, m, held_back) for finding in found):
        return None
    better = m.trials.best_first(against_underfitting(m.opened))
    as_it_is = m.trials.as_it_is
    if not better or as_it_is is None:
        return None
    best, before = better[0].held_out, as_it_is.held_out
    by_chance = ERRORS * np.hypot(best.error, before.error)
    learns_more = better[0].trained.loss < as_it_is.trained.loss and not best.at_chance
    if best.gain - before.gain < max(MORE, by_chance) or not learns_more:
        return None
    score = m.name_of_score
    far = m.trained.at_chance or best.gain >= 2 * max(before.gain, 0)
    return Finding(
        "underfitting",
        "problem" if far else "warning",
        "The network has learnt less of its training data than another one does, which holds "
        "for data that it has not seen, too.",
        _told(m, better),
        {
            f"{score} on the training data": m.trained.score,
            f"{score} of a constant": m.trained.constant_score,
            f"{score} on them with the remedy": better[0].trained.score,
            **_reached(m, better),
        },
        better[0].parameters,
    )


def _explains(finding: Finding, m: Measurements, held_back: bool) -> bool:
    """Tell whether a finding is reason enough for a network that has learnt little."""
    if finding.name == "too few epochs":
        return True
    if finding.severity != "problem":
        return False
    # A gradient vanishes in a network that is held back, too: that is not the cause then.
    if finding.name in (SHRINKING[0], TOO_LONG[0]) and held_back:
        return False
    parameters = m.opened.parameters
    changes = any(parameters[name] != value for name, value in finding.parameters.items())
    return changes or finding.preprocessing is not None


def _held_back(m: Measurements) -> bool:
    """Tell whether it cannot learn: too small, hardly trained, or penalised beyond all gain."""
    p, network = m.opened.parameters, m.opened.with_parameters({}).network
    if max(network.architecture.hidden_sizes) <= FEW_UNITS or p["dropout"] >= MOST_DROPPED:
        return True
    n_samples = m.opened.sequences.n_samples
    n_steps = len(m.curve("loss_curve_")) * np.ceil(n_samples / m.opened.batch_size)
    if n_steps < FEW_STEPS and not m.opened.full_batch:
        return True
    assert m.opened.row_weight is not None
    batch_weight = m.opened.batch_size * total_weight(m.opened.row_weight) / n_samples
    weights = network.parameters.vector * network.weight_mask()
    penalty = 0.5 * p["alpha"] * float(np.square(weights, dtype=np.float64).sum()) / batch_weight
    return penalty >= m.trained.constant_loss


def no_better_than_a_constant(m: Measurements, found: list[Finding]) -> Finding | None:
    """Say so wherever it is, whether its cause was found or not."""
    if not m.opened.fitted:
        return None
    judged = {"the data given": m.trained, "held-out data": m.held_out}
    where = {name: data for name, data in judged.items() if data is not None and data.at_chance}
    if not where:
        return None
    score = m.name_of_score
    evidence = {}
    for name, data in where.items():
        evidence[f"{score}, {name}"] = data.score
        evidence[f"{score} of a constant, {name}"] = data.constant_score
    clearly = any(data.clearly_at_chance for data in where.values())
    causes = [finding for finding in found if finding.severity != "info"]
    return Finding(
        "no better than a constant",
        "problem" if clearly else "warning",
        f"On {' and on '.join(where)} a prediction that ignores the sequences would do "
        f"{'' if clearly else 'about '}as well: {_CONSTANT[m.opened.classifies]}.",
        "First see to what else is listed." if causes else _NOTHING_TO_LEARN,
        evidence,
    )


_CONSTANT = {True: "always the most frequent class", False: "always the same value"}
_NOTHING_TO_LEARN = (
    "Check that every sequence stands beside its own target, that the channels have something to "
    "do with it, and that they reach far enough back; then try more data."
)


def _against_overfitting(m: Measurements, better: list[Trial]) -> str:
    if not m.try_remedies:
        return (
            "Try readout='mean' or 'max', early_stopping=True, dropout, a larger alpha or fewer "
            "units, each by what it reaches on held-out data; or get more data."
        )
    if not better:
        return (
            "None of the remedies tried does better on held-out data: get more data, or leave out "
            "channels that have nothing to do with the target."
        )
    advice = _told(m, better)
    if better[0].held_out.gain <= ERRORS * better[0].held_out.error:
        advice += (
            " Even so it is not clearly better than a constant: the targets may have little to do "
            "with the sequences."
        )
    return advice


def _told(m: Measurements, better: list[Trial]) -> str:
    """Tell which remedies were tried, and what they reached."""
    assert m.trials.as_it_is is not None
    before, best, *others = [m.trials.as_it_is, *better]
    data = "X_val" if m.validation is not None else "a part of X that was set aside"
    told = (
        f"Set {code_of(best.parameters)}: of the remedies tried it does best on {data}, with "
        f"{m.name_of_score} {best.held_out.score:.3g} after {before.held_out.score:.3g}."
    )
    if others:
        listed = "; ".join(
            f"{code_of(trial.parameters)}: {trial.held_out.score:.3g}"
            for trial in others[:MOST_TOLD]
        )
        told += f" Next best: {listed}."
    return told


def _reached(m: Measurements, better: list[Trial]) -> dict[str, Any]:
    """Return what the remedy reaches, and the network as it is where that was fitted anew."""
    if not better:
        return {}
    reached = {}
    if m.validation is None and m.trials.as_it_is is not None:
        reached["fitted without the part set aside"] = m.trials.as_it_is.held_out.score
    return {**reached, "with the remedy": better[0].held_out.score}
