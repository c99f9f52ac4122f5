"""Faults in the reach of the gradient, back through time."""

from __future__ import annotations

from typing import Any

import numpy as np

from skrnn.core.readouts import READOUTS
from skrnn.inspection._checks._severity import severity
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._report import Finding

# The gradient of a recurrence that loses more than this a step is gone after 20 steps.
SLOW_DECAY = 0.8
# An unfitted network whose horizon covers less than this share of a sequence will not learn it.
SHORT_REACH = 0.05

GATED: tuple[dict[str, Any], ...] = (
    {"cell": "gru", "activation": "tanh"},
    {"cell": "lstm", "activation": "tanh"},
)
# States of an IRNN are not bounded: it wants smaller steps than the other cells.
IRNN = {"cell": "rnn", "activation": "relu", "recurrent_init": "identity"}
IRNN_RATE = 1e-3

# Name and message, by whether the recurrence loses the gradient or the sequences outlast it.
SHRINKING = (
    "vanishing gradient",
    "Going back in time the gradient shrinks from step to step until nothing is left: what the "
    "early steps have to do with the target is not learnt.",
)
TOO_LONG = (
    "sequences beyond the horizon",
    "The sequences are longer than the gradient reaches back: what their early steps have to do "
    "with the target is not learnt.",
)
OTHER_RECURRENCE = (
    "Use a recurrence that keeps the gradient alive, and let the output see all states rather than "
    "the last; or make the sequences shorter."
)
SHORTER_SEQUENCES = "Make the sequences shorter: take every k-th step, or the mean of k steps."


def truncated_backpropagation(m: Measurements) -> Finding | None:
    steps = m.opened.parameters["bptt_steps"]
    if steps is None or steps >= m.median_length:
        return None
    return Finding(
        "truncated backpropagation",
        severity(m),
        "No gradient crosses more than bptt_steps steps: what lies further apart in a sequence "
        "cannot be connected.",
        "Send the gradient back through the whole sequence.",
        {"bptt_steps": steps, "median length": m.median_length},
        {"bptt_steps": None},
    )


def vanishing_gradient(m: Measurements) -> Finding | None:
    flow = m.flow
    layers = np.flatnonzero(flow.verdict == "vanishing")
    if len(layers) == 0 or m.opened.parameters["bptt_steps"] is not None:
        return None
    worst = layers[np.argmin(flow.horizon[layers])]
    horizon, factor = float(flow.horizon[worst]), float(flow.factor[worst])
    parameters, reach = _longest_reach(m)
    evidence = {
        "horizon": horizon,
        "median length": m.median_length,
        "factor a step": factor,
        "spectral radius of the recurrence": max(m.spectral_radius),
    }
    if parameters:
        evidence["horizon with the remedy"] = reach
    short = m.opened.fitted or horizon < SHORT_REACH * m.median_length
    name, message = SHRINKING if factor < SLOW_DECAY else TOO_LONG
    remedy = OTHER_RECURRENCE if parameters else SHORTER_SEQUENCES
    otherwise = "problem" if short else "warning"
    return Finding(name, severity(m, otherwise), message, remedy, evidence, parameters)


def _longest_reach(m: Measurements) -> tuple[dict[str, Any], float]:
    """Try the remedies at their initial weights; return the first that reaches, or the best."""
    current = m.horizon_with({})
    best: tuple[dict[str, Any], float] = ({}, current)
    # With the mean every step has a way to the error that does not lead through all later ones.
    parameters = m.opened.parameters
    reads_last = m.opened.network.architecture.readout == READOUTS["last"]
    shorter_way = {"readout": "mean"} if reads_last else {}
    irnn = {**IRNN, "learning_rate_init": min(parameters["learning_rate_init"], IRNN_RATE)}
    for candidate in (*GATED, irnn):
        remedy = {**candidate, **shorter_way}
        reach = m.horizon_with(remedy)
        if reach > best[1]:
            best = (remedy, reach)
        if reach >= m.median_length:
            break
    return best
