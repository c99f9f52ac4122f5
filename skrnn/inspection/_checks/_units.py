"""Faults of weights and units."""

from __future__ import annotations

import numpy as np

from skrnn.inspection._checks._severity import MOST, severity
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._report import Finding

GOOD_INIT = {"init": "xavier_uniform", "recurrent_init": "orthogonal"}


def symmetric_units(m: Measurements) -> Finding | None:
    layers = m.symmetric_layers
    if not layers:
        return None
    return Finding(
        "symmetric units",
        "problem",
        "All units of a layer have the same weights: they hold the same value and get the same "
        "gradient, so that the layer is worth one unit, or none if the weights are zero.",
        "Start from random weights.",
        {"layers": layers},
        dict(GOOD_INIT),
    )


def exploding_gradient(m: Measurements) -> Finding | None:
    flow = m.flow
    layers = np.flatnonzero(flow.verdict == "exploding")
    if len(layers) == 0:
        return None
    clips = m.estimator.max_grad_norm is not None
    return Finding(
        "exploding gradient",
        severity(m),
        "Going back in time the gradient grows from step to step, so that a single step of "
        "training can ruin the weights.",
        "Start from orthogonal recurrent weights, which neither stretch nor shrink it"
        f"{'.' if clips else ', and clip the gradient.'}",
        {
            "layers": layers.tolist(),
            "largest growth": float(np.max(flow.retained[layers])),
            "spectral radius of the recurrence": max(m.spectral_radius),
        },
        {**GOOD_INIT, "max_grad_norm": m.estimator.max_grad_norm or 1.0},
    )


def dead_units(m: Measurements) -> Finding | None:
    dead = max(m.unit_health.dead)
    activation = m.opened.network.architecture.cell.activation
    # Only where the activation is flat at an output of zero does no gradient lead out of it.
    if activation.derivative(np.zeros(1)).any() or dead < MOST:
        return None
    return Finding(
        "dead units",
        severity(m),
        f"Units of activation {activation.name} that are zero at every step of every sequence "
        "pass no gradient and cannot come back.",
        "Use leaky_relu, which never goes quite flat, with weights drawn for relu.",
        {"share of dead units": dead},
        {"activation": "leaky_relu", "init": "he_uniform", "recurrent_init": "orthogonal"},
    )


def saturated_units(m: Measurements) -> Finding | None:
    shares = {
        f"{name} of layer {layer}": share
        for layer, flat in enumerate(m.unit_health.flat)
        for name, share in flat.items()
        if share >= MOST
    }
    if not shares:
        return None
    return Finding(
        "saturated units",
        severity(m),
        "Gates or states are in the flat region of their non-linearity, where no gradient passes: "
        "the weights are too large.",
        "Start from weights drawn for the width of the layer.",
        {f"flat share, {name}": share for name, share in shares.items()},
        dict(GOOD_INIT),
    )
