"""Faults of the way in which the network is trained."""

from __future__ import annotations

import numpy as np

from skrnn.inspection._checks._severity import has_learnt, median, overfits, severity
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._report import Finding

# The first step of training changes the weights by this share of their size, or more: too fast.
FAST_STEP = 0.3
# A step changes them by less than this: it takes ten thousand steps to change a weight.
SLOW_STEP = 1e-4
# The rate that a remedy aims at, as a share of the weights a step.
GOOD_STEP = 0.01
# A bound that is so many times smaller than the gradient decides the length of every step.
CLIP_RATIO = 100.0
# Share of the loss that the last fifth of the epochs still took off, where training was cut short.
STILL_FALLING = 0.02


def diverged(m: Measurements) -> Finding | None:
    finite = np.isfinite(m.opened.network.parameters.vector).all() and np.isfinite(m.loss)
    if finite or not m.opened.fitted:
        return None
    rate = m.opened.parameters["learning_rate_init"]
    return Finding(
        "diverged",
        "problem",
        "The loss or the weights are not finite.",
        "Lower the learning rate and clip the gradient.",
        {"loss": m.loss, "learning_rate_init": rate},
        {"learning_rate_init": rate / 10, "max_grad_norm": 1.0},
    )


def learning_rate_too_high(m: Measurements) -> Finding | None:
    ratio = m.curve("update_ratio_curve_")
    if len(ratio) == 0 or m.opened.full_batch:
        return None
    first = float(ratio[0]) if np.isfinite(ratio[0]) else 0.0
    if first < FAST_STEP:
        return None
    rate = m.opened.parameters["learning_rate_init"]
    return Finding(
        "learning rate too high",
        severity(m),
        "A step changes the weights by so much that it jumps over what it is looking for.",
        "Lower the learning rate.",
        {"learning_rate_init": rate, "first step / weights": first},
        {"learning_rate_init": _rounded(rate * GOOD_STEP / first)},
    )


def learning_rate_too_low(m: Measurements) -> Finding | None:
    ratio = median(m.curve("update_ratio_curve_"))
    if has_learnt(m) or not ratio < SLOW_STEP or m.opened.full_batch:
        return None
    rate = m.opened.parameters["learning_rate_init"]
    faster = _rounded(rate * GOOD_STEP / ratio) if ratio > 0 else rate
    return Finding(
        "learning rate too low",
        "problem",
        "A step hardly changes the weights: training will take very long.",
        "Raise the learning rate.",
        {"learning_rate_init": rate, "step / weights": ratio},
        {"learning_rate_init": min(faster, 1.0)},
    )


def _rounded(rate: float) -> float:
    return float(f"{rate:.1g}")


def clipping_all_the_time(m: Measurements) -> Finding | None:
    clipped, norm = m.curve("clip_rate_curve_"), m.curve("grad_norm_curve_")
    bound = m.opened.parameters["max_grad_norm"]
    if len(clipped) == 0 or bound is None or m.opened.full_batch:
        return None
    ratio = median(norm) / bound
    if clipped.mean() < 0.9 or ratio < CLIP_RATIO:
        return None
    return Finding(
        "clipping all the time",
        severity(m),
        "The bound on the gradient's norm is far below the usual norm: clipping is meant for rare "
        "bursts, not to shorten every step.",
        "Raise the bound.",
        {"max_grad_norm": bound, "median norm": median(norm), "clipped": float(clipped.mean())},
        {"max_grad_norm": max(1.0, _rounded(float(np.quantile(norm, 0.9))))},
    )


def too_few_epochs(m: Measurements) -> Finding | None:
    loss, max_iter = m.curve("loss_curve_"), m.opened.parameters["max_iter"]
    if len(loss) == 0 or len(loss) < max_iter or (m.opened.fitted and m.skill > 1 - STILL_FALLING):
        return None
    if not loss[0] > 0:
        return None
    falling = falling_at_the_end(loss)
    # More of the same may be no help on other data: it is tried as a remedy of overfitting.
    if (len(loss) > 1 and falling < STILL_FALLING) or overfits(m):
        return None
    return Finding(
        "too few epochs",
        severity(m),
        "Training ended at max_iter while the loss was still falling.",
        "Train for longer.",
        {"max_iter": max_iter, "loss taken off by the last fifth of the epochs": falling},
        {"max_iter": 10 * max_iter},
    )


def falling_at_the_end(loss: np.ndarray) -> float:
    """Return the share of the first loss that the last fifth of the epochs still took off."""
    if len(loss) == 0 or not loss[0] > 0:
        return 0.0
    last_fifth = max(1, len(loss) // 5)
    return float((loss[max(len(loss) - 1 - last_fifth, 0)] - loss[-1]) / loss[0])


def ended_falling(m: Measurements) -> bool:
    """Tell whether the training loss was still falling when training ended."""
    return falling_at_the_end(m.curve("loss_curve_")) >= STILL_FALLING
