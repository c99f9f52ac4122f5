"""Why a network does not learn, and what to do about it."""

from __future__ import annotations

from typing import Any

from skrnn._innermost import Data, way_to_innermost
from skrnn.inspection._checks import (
    CHECKS,
    ids_read_as_numbers,
    no_better_than_a_constant,
    underfitting,
)
from skrnn.inspection._checks._severity import median
from skrnn.inspection._measurements import Measurements
from skrnn.inspection._opened import open_with_validation
from skrnn.inspection._report import SEVERITIES, Report


def diagnose(
    est: Any,
    X: Any,
    y: Any,
    *,
    X_val: Any = None,
    y_val: Any = None,
    try_remedies: bool = True,
) -> Report:
    """Find out why a recurrent network does not learn, and what to do about it.

    ============================  ================================================================
    Finding                       What is seen
    ============================  ================================================================
    diverged                      loss or weights are not finite
    ids read as numbers           a `TokenEncoder` in front, and no `embedding_dim`
    inputs not scaled             the rms of a channel is above 10, or of all below 0.01
    targets not scaled            the same of the target, with ``normalize_y=False``
    symmetric units               all units of a layer have the same weights
    exploding gradient            going back, it grows more than a hundredfold [1]_
    learning rate too high        the first step changes the weights by 30 % of their size or more
    clipping all the time         `max_grad_norm` is 100 times smaller than the usual gradient
    truncated backpropagation     `bptt_steps` is shorter than the sequences
    dead units                    half of the units are zero at all steps of all sequences, where
                                  the activation (relu) is flat
    saturated units               half of the values of a gate or state are where its
                                  slope is below 5 % of the steepest [2]_
    learning rate too low         a step changes the weights by less than 1e-4 of their size
    too few epochs                `max_iter` ended training while the loss fell
    class imbalance               a class is 5 times rarer than another, and most of it is missed
    vanishing gradient            1 % is left after fewer steps than the median sequence has,
                                  because the recurrence loses over 20 % a step [1]_
    sequences beyond the horizon  the same, though the recurrence loses less
    overfitting                   0.15 or more of the gain is lost on held-out data, or the loss
                                  there is above that of a constant
    underfitting                  the loss is above half that of a constant, or still falling, and a
                                  copy fitted otherwise does better, on held-out data too
    no better than a constant     accuracy is not above the share of the most frequent class, R2 not
                                  above 0, or neither by more than chance explains
    ============================  ================================================================

    A fault is a "problem" where it keeps the network from learning. In a fitted network whose loss
    is half that of the best constant prediction, or less, it evidently does not: there it is a
    "warning", and at a tenth of that loss or less it is "info". Unfitted networks are looked at as
    they are before the first epoch.

    The last three are found in fitted networks only. A gain is a score on the scale on which the
    best constant prediction has 0 and perfection 1. Overfitting is a "problem" where held-out data
    keep less than half of the gain, and is looked for where there are such data: `X_val` and
    `y_val`, or else those that the fit had, by the validation curves that it kept. Its remedies
    and those of underfitting are fitted, each as a copy of the network with other parameters, and
    the one with the highest score on held-out data is the one proposed. Without `X_val` a
    quarter of `X` is set aside for that. About ten fits follow from such a finding: set
    `try_remedies` to False where one takes long.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
        Fitted or not. Of a Pipeline the last step is looked at, of a fitted search the best
        estimator, of a fitted CalibratedClassifierCV the first of its estimators.
    X : array-like, list of array-like or DataFrame
        The sequences it was fitted on, or is to be fitted on.
    y : array-like
        Their targets.
    X_val : array-like, list of array-like or DataFrame, default=None
        Sequences that it was not fitted on, as `est` takes them: a Pipeline transforms them as it
        does `X`.
    y_val : array-like, default=None
        Their targets.
    try_remedies : bool, default=True
        Whether copies of a fitted network may be fitted, to try remedies out. False looks for no
        underfitting.

    Returns
    -------
    Report
        The findings: the most severe come first, and causes before their consequences. It
        prints as text, shows as a card in a notebook, and every :class:`Finding` can be
        applied: ``report[0].apply(est)`` returns a copy of `est` with the first remedy.

    Raises
    ------
    TypeError
        If `est` is no recurrent estimator.
    ValueError
        If data or parameters are not valid, or only one of `X_val` and `y_val` is given.
    NotFittedError
        If they are given, and `est` is not fitted.

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

    Labels drawn at random can be learnt, but not predicted:

    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(90, 8, 3)), rng.integers(0, 2, size=90)
    >>> clf = RNNClassifier(16, batch_size=10, learning_rate_init=0.02, random_state=0)
    >>> clf = clf.fit(X[:30], y[:30])
    >>> report = diagnose(clf, X[:30], y[:30], X_val=X[30:], y_val=y[30:])
    >>> report[0].name, report[0].severity
    ('overfitting', 'problem')
    """
    opened, validation, data = open_with_validation(est, Data(X, y, X_val, y_val))
    measured = Measurements(opened, validation, data, try_remedies)
    findings = [finding for check in CHECKS if (finding := check(measured)) is not None]
    if (finding := ids_read_as_numbers(est, measured)) is not None:
        # Their size means nothing, so it is no fault of its own.
        findings = [finding, *(one for one in findings if one.name != "inputs not scaled")]
    # Where that is found, nothing else explains it.
    if (finding := underfitting(measured, findings)) is not None:
        findings.insert(0, finding)
    if (finding := no_better_than_a_constant(measured, findings)) is not None:
        findings.append(finding)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    state = "fitted" if opened.fitted else "before its first epoch"
    title = f"Diagnosis of {type(measured.estimator).__name__} ({state})"
    return Report(
        tuple(findings), _summary(measured), title, _notes(measured), way_to_innermost(est)
    )


def _notes(m: Measurements) -> tuple[str, ...]:
    """Return what was not looked for."""
    notes = []
    if m.opened.fitted and m.held_out is None:
        notes.append("Overfitting was not looked for: pass X_val and y_val.")
    if m.opened.fitted and not m.try_remedies:
        notes.append("Underfitting was not looked for, and no remedy fitted: try_remedies=False.")
    return tuple(notes)


def _summary(m: Measurements) -> dict[str, Any]:
    flow = m.flow
    summary = {
        "horizon": flow.horizon.tolist(),
        "verdict": flow.verdict.tolist(),
        "factor": flow.factor.tolist(),
        "median_length": m.median_length,
        "spectral_radius": m.spectral_radius,
        "flat": m.unit_health.flat,
        "dead": m.unit_health.dead,
        "input_rms": m.channel_rms.tolist(),
    }
    if m.opened.fitted:
        summary["skill"], summary["score"] = m.skill, m.trained.score
        if m.held_out is not None:
            summary["held_out_skill"] = m.held_out.skill
            summary["held_out_score"] = m.held_out.score
        for name in ("update_ratio_curve_", "clip_rate_curve_", "grad_norm_curve_"):
            summary[name.removesuffix("_curve_")] = median(m.curve(name))
    return summary
