"""Why a network does not learn, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from skrnn.core.activations import RELU
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._model import open_model
from skrnn.inspection._report import SEVERITIES, Finding, Report

# A network that has learnt away these shares of the error of a constant prediction has learnt, and
# has learnt well: what is found in it does not keep it from learning, or does no harm.
LEARNT, LEARNT_WELL = 0.5, 0.9
# Channels of a root mean square beyond these are not scaled.
LARGE_INPUT, SMALL_INPUT = 10.0, 0.01
# The first step of training changes the weights by this share of their size, or more: too fast.
FAST_STEP = 0.3
# A step changes them by less than this: it takes ten thousand steps to change a weight.
SLOW_STEP = 1e-4
# The rate that a remedy aims at, as a share of the weights a step.
GOOD_STEP = 0.01
# A bound that is so many times smaller than the gradient decides the length of every step.
CLIP_RATIO = 100.0
# Share of the units, or of their values, that has to be dead or flat.
MOST = 0.5
# Share of the loss that the last fifth of the epochs still took off, where training was cut short.
STILL_FALLING = 0.02
# A class that is so many times rarer than the most frequent one is rare.
IMBALANCE = 5.0
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
GOOD_INIT = {"init": "xavier_uniform", "recurrent_init": "orthogonal"}


def diagnose(est: Any, X: Any, y: Any) -> Report:
    """Find out why a recurrent network does not learn, and what to do about it.

    ============================  ================================================================
    Finding                       What is seen
    ============================  ================================================================
    diverged                      loss or weights are not finite
    inputs not scaled             the rms of a channel is above 10, or of all below 0.01
    targets not scaled            the same of the target, with ``normalize_y=False``
    symmetric units               all units of a layer have the same weights
    exploding gradient            going back, it grows more than a hundredfold [1]_
    learning rate too high        the first step changes the weights by 30 % of their size or more
    clipping all the time         `max_grad_norm` is 100 times smaller than the usual gradient
    truncated backpropagation     `bptt_steps` is shorter than the sequences
    dead units                    half of the relu units are zero at all steps of all sequences
    saturated units               half of the values of a gate or state are where its
                                  slope is below 5 % of the steepest [2]_
    learning rate too low         a step changes the weights by less than 1e-4 of their size
    too few epochs                `max_iter` ended training while the loss fell
    class imbalance               a class is 5 times rarer than another, and most of it is missed
    vanishing gradient            1 % is left after fewer steps than the median sequence has,
                                  because the recurrence loses over 20 % a step [1]_
    sequences beyond the horizon  the same, though the recurrence loses less
    ============================  ================================================================

    A fault is a "problem" where it keeps the network from learning. In a fitted network that has
    learnt away half of the loss of the best constant prediction it evidently does not: there it
    is a "warning", and from nine tenths on it is "info". Unfitted networks are looked at as they
    are before the first epoch.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, Pipeline or search
        Fitted or not. Of a Pipeline the last step is looked at.
    X : array-like, list of array-like or DataFrame
        The sequences it was fitted on, or is to be fitted on.
    y : array-like
        Their targets.

    Returns
    -------
    Report
        The findings, the gravest first and causes before their consequences. It prints as text,
        shows as a table in a notebook, and every :class:`Finding` can be applied:
        ``report[0].apply(est)`` returns a copy of `est` with the first remedy.

    Raises
    ------
    TypeError
        If `est` is no recurrent estimator.
    ValueError
        If data or parameters are not valid.

    See Also
    --------
    gradient_flow : The numbers behind the verdict on the gradient.

    References
    ----------
    .. [1] Pascanu, Mikolov & Bengio (2013). On the difficulty of training recurrent neural
           networks. ICML.
    .. [2] Glorot & Bengio (2010). Understanding the difficulty of training deep feedforward
           neural networks. AISTATS.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.datasets import make_adding_problem
    >>> from skrnn.inspection import diagnose
    >>> X, y = make_adding_problem(50, n_timesteps=100, random_state=0)
    >>> est = RNNRegressor(16, "logistic", cell="rnn", random_state=0)
    >>> report = diagnose(est, X, y)
    >>> report[0].name, report[0].severity
    ('vanishing gradient', 'problem')
    >>> report[0].parameters  # doctest: +NORMALIZE_WHITESPACE
    {'cell': 'rnn', 'activation': 'relu', 'recurrent_init': 'identity',
     'learning_rate_init': 0.001, 'readout': 'mean'}
    """
    measured = Measurements(open_model(est, X, y))
    findings = [finding for check in CHECKS if (finding := check(measured)) is not None]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    state = "fitted" if measured.model.fitted else "before its first epoch"
    name = type(measured.estimator).__name__
    return Report(tuple(findings), _summary(measured), f"Diagnosis of {name} ({state})")


def _summary(m: Measurements) -> dict[str, Any]:
    flow = m.flow
    summary = {
        "horizon": flow.horizon.tolist(),
        "verdict": flow.verdict.tolist(),
        "factor": flow.factor.tolist(),
        "median_length": m.median_length,
        "spectral_radius": m.spectral_radius,
        "flat": m.units.flat,
        "dead": m.units.dead,
        "input_rms": m.channel_rms.tolist(),
    }
    if m.model.fitted:
        summary["skill"] = m.skill
        for name in ("update_ratio_curve_", "clip_rate_curve_", "grad_norm_curve_"):
            summary[name.removesuffix("_curve_")] = _median(m.curve(name))
    return summary


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else np.nan


def _learnt(m: Measurements) -> bool:
    return m.model.fitted and m.skill >= LEARNT


def _severity(m: Measurements, otherwise: str = "problem") -> str:
    if not _learnt(m):
        return otherwise
    return "info" if m.skill >= LEARNT_WELL else "warning"


# --- data ----------------------------------------------------------------------------------------


def _diverged(m: Measurements) -> Finding | None:
    finite = np.isfinite(m.model.network.parameters.vector).all() and np.isfinite(m.loss)
    if finite or not m.model.fitted:
        return None
    rate = m.estimator.learning_rate_init
    return Finding(
        "diverged",
        "problem",
        "The loss or the weights are not finite.",
        "Lower the learning rate and clip the gradient.",
        {"loss": m.loss, "learning_rate_init": rate},
        {"learning_rate_init": rate / 10, "max_grad_norm": 1.0},
    )


def _inputs_not_scaled(m: Measurements) -> Finding | None:
    # Vectors are learnt: their size is no matter of scaling.
    rms = np.delete(m.channel_rms, [channel for channel, _, _ in m.tables])
    if len(rms) == 0 or SMALL_INPUT <= rms.max() <= LARGE_INPUT:
        return None
    size = "large" if rms.max() > LARGE_INPUT else "small"
    consequence = "units saturate" if size == "large" else "states and gradients stay near zero"
    return Finding(
        "inputs not scaled",
        _severity(m),
        f"Inputs are so {size} that {consequence}: initial weights suit a channel of size 1.",
        _scaling_remedy(m),
        {"smallest channel rms": float(rms.min()), "largest channel rms": float(rms.max())},
        preprocessing=None if m.tables else "SequenceScaler",
    )


def _scaling_remedy(m: Measurements) -> str:
    if m.tables:
        return (
            "Put SequenceScaler in front of the channels of numbers, by means of scikit-learn's "
            "ColumnTransformer: each gets mean 0 and standard deviation 1."
        )
    remedy = "Put SequenceScaler in front: every channel gets mean 0 and standard deviation 1."
    values = m.model.sequences.values
    if ((values >= 0) & (values == np.floor(values))).all():
        remedy += " If the whole numbers are ids of categories, set embedding_dim instead."
    return remedy


def _targets_not_scaled(m: Measurements) -> Finding | None:
    if getattr(m.estimator, "normalize_y", True) or not m.model.loss.link.additive:
        return None
    rms = float(np.sqrt(np.mean(np.square(np.asarray(m.model.y), dtype=np.float64))))
    if SMALL_INPUT <= rms <= LARGE_INPUT:
        return None
    return Finding(
        "targets not scaled",
        _severity(m),
        "The target is far from size 1, where the network's output starts.",
        "Let the regressor standardise it.",
        {"target rms": rms},
        {"normalize_y": True},
    )


def _class_imbalance(m: Measurements) -> Finding | None:
    est = m.estimator
    if not m.model.fitted or not hasattr(est, "classes_") or est._targets.multilabel:
        return None
    y = np.asarray(m.model.y).reshape(-1).astype(int)
    predicted = _codes(m.raw_prediction)
    count = np.bincount(y, minlength=len(est.classes_))
    rarest = int(np.argmin(np.where(count > 0, count, np.inf)))
    recall = float(np.mean(predicted[y == rarest] == rarest))
    ratio = float(count.max() / count[rarest])
    if ratio < IMBALANCE or recall >= MOST or est.class_weight is not None:
        return None
    return Finding(
        "class imbalance",
        "problem",
        f"Class {est.classes_[rarest]!r} is rare, and most of it is predicted as another one: "
        "the frequent classes make up the loss.",
        "Give all classes the same weight in the loss.",
        {"samples of the rarest class": int(count[rarest]), "imbalance": ratio, "recall": recall},
        {"class_weight": "balanced"},
    )


def _codes(raw_prediction: np.ndarray) -> np.ndarray:
    if raw_prediction.shape[1] == 1:
        return (raw_prediction[:, 0] > 0).astype(int)
    return raw_prediction.argmax(axis=1)


# --- weights and units ---------------------------------------------------------------------------


def _symmetric_units(m: Measurements) -> Finding | None:
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


def _exploding_gradient(m: Measurements) -> Finding | None:
    flow = m.flow
    layers = np.flatnonzero(flow.verdict == "exploding")
    if len(layers) == 0:
        return None
    clips = m.estimator.max_grad_norm is not None
    return Finding(
        "exploding gradient",
        _severity(m),
        "Going back in time the gradient grows from step to step, so that a single step of "
        "training can ruin the weights.",
        "Start from orthogonal recurrent weights, which neither stretch nor shrink it"
        f"{'.' if clips else ', and clip the gradient.'}",
        {
            "layers": layers.tolist(),
            "largest growth": float(np.max(flow.retained[layers])),
            "spectral radius of W_h": max(m.spectral_radius),
        },
        {**GOOD_INIT, "max_grad_norm": m.estimator.max_grad_norm or 1.0},
    )


def _dead_units(m: Measurements) -> Finding | None:
    dead = max(m.units.dead)
    if m.model.network.architecture.cell.activation is not RELU or dead < MOST:
        return None
    return Finding(
        "dead units",
        _severity(m),
        "Relu units that are zero at every step of every sequence pass no gradient and cannot "
        "come back.",
        "Use leaky_relu, which never goes quite flat, with weights drawn for relu.",
        {"share of dead units": dead},
        {"activation": "leaky_relu", "init": "he_uniform", "recurrent_init": "orthogonal"},
    )


def _saturated_units(m: Measurements) -> Finding | None:
    shares = {
        f"{name} of layer {layer}": share
        for layer, flat in enumerate(m.units.flat)
        for name, share in flat.items()
        if share >= MOST
    }
    if not shares:
        return None
    return Finding(
        "saturated units",
        _severity(m),
        "Gates or states are in the flat region of their non-linearity, where no gradient passes: "
        "the weights are too large.",
        "Start from weights drawn for the width of the layer.",
        {f"flat share, {name}": share for name, share in shares.items()},
        dict(GOOD_INIT),
    )


# --- training ------------------------------------------------------------------------------------


def _learning_rate_too_high(m: Measurements) -> Finding | None:
    ratio = m.curve("update_ratio_curve_")
    if len(ratio) == 0 or m.estimator._full_batch:
        return None
    first = float(ratio[0]) if np.isfinite(ratio[0]) else 0.0
    if first < FAST_STEP:
        return None
    rate = m.estimator.learning_rate_init
    return Finding(
        "learning rate too high",
        _severity(m),
        "A step changes the weights by so much that it jumps over what it is looking for.",
        "Lower the learning rate.",
        {"learning_rate_init": rate, "first step / weights": first},
        {"learning_rate_init": _rounded(rate * GOOD_STEP / first)},
    )


def _learning_rate_too_low(m: Measurements) -> Finding | None:
    ratio = _median(m.curve("update_ratio_curve_"))
    if _learnt(m) or not ratio < SLOW_STEP or m.estimator._full_batch:
        return None
    rate = m.estimator.learning_rate_init
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


def _clipping_all_the_time(m: Measurements) -> Finding | None:
    clipped, norm = m.curve("clip_rate_curve_"), m.curve("grad_norm_curve_")
    bound = m.estimator.max_grad_norm
    if len(clipped) == 0 or bound is None or m.estimator._full_batch:
        return None
    ratio = _median(norm) / bound
    if clipped.mean() < 0.9 or ratio < CLIP_RATIO:
        return None
    return Finding(
        "clipping all the time",
        _severity(m),
        "The bound on the gradient's norm is far below the usual norm: clipping is meant for rare "
        "bursts, not to shorten every step.",
        "Raise the bound.",
        {"max_grad_norm": bound, "median norm": _median(norm), "clipped": float(clipped.mean())},
        {"max_grad_norm": max(1.0, _rounded(float(np.quantile(norm, 0.9))))},
    )


def _too_few_epochs(m: Measurements) -> Finding | None:
    loss, max_iter = m.curve("loss_curve_"), m.estimator.max_iter
    if len(loss) < max_iter or (m.model.fitted and m.skill > 1 - STILL_FALLING):
        return None
    if len(loss) == 0 or not loss[0] > 0:
        return None
    last_fifth = max(1, len(loss) // 5)
    falling = float((loss[max(len(loss) - 1 - last_fifth, 0)] - loss[-1]) / loss[0])
    if len(loss) > 1 and falling < STILL_FALLING:
        return None
    return Finding(
        "too few epochs",
        _severity(m),
        "Training ended at max_iter while the loss was still falling.",
        "Train for longer.",
        {"max_iter": max_iter, "loss taken off by the last fifth of the epochs": falling},
        {"max_iter": 10 * max_iter},
    )


# --- the reach of the gradient -------------------------------------------------------------------


def _truncated_backpropagation(m: Measurements) -> Finding | None:
    steps = m.estimator.bptt_steps
    if steps is None or steps >= m.median_length:
        return None
    return Finding(
        "truncated backpropagation",
        _severity(m),
        "No gradient crosses more than bptt_steps steps: what lies further apart in a sequence "
        "cannot be connected.",
        "Send the gradient back through the whole sequence.",
        {"bptt_steps": steps, "median length": m.median_length},
        {"bptt_steps": None},
    )


def _vanishing_gradient(m: Measurements) -> Finding | None:
    flow = m.flow
    layers = np.flatnonzero(flow.verdict == "vanishing")
    if len(layers) == 0 or m.estimator.bptt_steps is not None:
        return None
    worst = layers[np.argmin(flow.horizon[layers])]
    horizon, factor = float(flow.horizon[worst]), float(flow.factor[worst])
    parameters, reach = _longest_reach(m)
    evidence = {
        "horizon": horizon,
        "median length": m.median_length,
        "factor a step": factor,
        "spectral radius of W_h": max(m.spectral_radius),
    }
    if parameters:
        evidence["horizon with the remedy"] = reach
    short = m.model.fitted or horizon < SHORT_REACH * m.median_length
    name, message = (
        "sequences beyond the horizon",
        (
            "The sequences are longer than the gradient reaches back: what their early steps have "
            "to do with the target is not learnt."
        ),
    )
    if factor < SLOW_DECAY:
        name, message = (
            "vanishing gradient",
            (
                "Going back in time the gradient shrinks from step to step until nothing is left: "
                "what the early steps have to do with the target is not learnt."
            ),
        )
    return Finding(
        name,
        _severity(m, "problem" if short else "warning"),
        message,
        "Use a recurrence that keeps the gradient alive, and let the output see all states rather "
        "than the last; or make the sequences shorter."
        if parameters
        else "Make the sequences shorter: take every k-th step, or the mean of k steps.",
        evidence,
        parameters,
    )


def _longest_reach(m: Measurements) -> tuple[dict[str, Any], float]:
    """Try the remedies at their initial weights; return the first that reaches, or the best."""
    current = m.horizon_with({})
    best: tuple[dict[str, Any], float] = ({}, current)
    # With the mean every step has a way to the error that does not lead through all later ones.
    shorter_way = {} if m.model.per_step or m.estimator.readout != "last" else {"readout": "mean"}
    irnn = {**IRNN, "learning_rate_init": min(m.estimator.learning_rate_init, IRNN_RATE)}
    for candidate in (*GATED, irnn):
        remedy = {**candidate, **shorter_way}
        reach = m.horizon_with(remedy)
        if reach > best[1]:
            best = (remedy, reach)
        if reach >= m.median_length:
            break
    return best


# From cause to consequence: of two problems the first is the one to mend first.
CHECKS: tuple[Callable[[Measurements], Finding | None], ...] = (
    _diverged,
    _inputs_not_scaled,
    _targets_not_scaled,
    _symmetric_units,
    _learning_rate_too_high,
    _saturated_units,
    _exploding_gradient,
    _clipping_all_the_time,
    _truncated_backpropagation,
    _dead_units,
    _learning_rate_too_low,
    _too_few_epochs,
    _class_imbalance,
    _vanishing_gradient,
)
