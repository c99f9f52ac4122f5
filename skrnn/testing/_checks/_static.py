"""Columns of single values beside columns of sequences."""

from __future__ import annotations

from unittest import SkipTest

import numpy as np
import pandas as pd

from skrnn.testing._checks._common import joined
from skrnn.testing._forms import N_SAMPLES
from skrnn.testing._subject import Subject

COLUMN = "static"


def check_static_columns(subject: Subject) -> None:
    """A number beside every sequence is that of its sequence alone, and is missed if it is gone."""
    form = _form(subject)
    data = subject.ragged
    X = subject.X(data, form).assign(**{COLUMN: np.linspace(0.5, 1.5, N_SAMPLES)})
    fitted = _fitted(subject, X, data.y(form))
    together = subject.answers_to(fitted, X, data.lengths)
    alone = joined(
        [subject.answers_to(fitted, X.iloc[[i]], data.lengths[i : i + 1]) for i in range(N_SAMPLES)]
    )
    subject.assert_equal(together, alone, "asked together with the others, static columns beside")
    if subject.tag("no_validation"):
        return
    with subject.refuses("a DataFrame that lacks the static column of fit"):
        subject.ask(fitted, X.drop(columns=COLUMN))
    with subject.refuses("sequences in the static column of fit"):
        subject.ask(fitted, X.assign(**{COLUMN: X[X.columns[0]]}))


def _form(subject: Subject) -> str:
    """A form in which there is a column for each channel."""
    if subject.capabilities.static_columns is False:
        raise SkipTest(f"{subject.name} does not claim to take static columns")
    forms = [form for form in ("dataframe", "series", "arrow") if subject.refusal(form) is None]
    if not forms:
        raise SkipTest(f"{subject.name} takes no DataFrame whose columns are channels")
    return forms[0]


def _fitted(subject: Subject, X: pd.DataFrame, y: object) -> object:
    """The estimator fitted on static columns; SkipTest if it refuses them unclaimed."""
    try:
        return subject.fit_to(subject.new(), X, y)
    except Exception as error:
        if subject.capabilities.static_columns:
            raise
        said = f"{type(error).__name__}: {error}"
        raise SkipTest(f"{subject.name} takes no columns of single values: {said}") from error
