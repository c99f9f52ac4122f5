"""Two estimators that keep every promise of `skrnn.testing`, and for each check one that does not.

All of them are least squares, so that whole suites of checks take no time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state

from skrnn.sequences import as_sequences, as_step_targets, read_sequences, unpack_steps
from skrnn.testing._forms import FORMS


class Sound(RegressorMixin, BaseEstimator):
    """Predicts one number a sequence from the mean of every channel."""

    def __init__(self, penalty=1e-6, random_state=None):
        self.penalty = penalty
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self.offset_ = self.draw()
        self.start()
        return self.learn(X, y, sample_weight, reset=True)

    def partial_fit(self, X, y):
        if not hasattr(self, "gram_"):
            return self.fit(X, y)
        return self.learn(X, y, None, reset=False)

    def predict(self, X):
        return self.features(X, reset=False) @ self.coef_ + self.offset_

    def draw(self):
        return check_random_state(self.random_state).normal()

    def start(self):
        self.gram_, self.moment_ = 0.0, 0.0

    def learn(self, X, y, sample_weight, reset):
        features = self.features(X, reset)
        weight = np.ones(len(y)) if sample_weight is None else self.weigh(sample_weight)
        self.gram_ = self.gram_ + (features.T * weight) @ features
        self.moment_ = self.moment_ + (features.T * weight) @ np.asarray(y, dtype=float)
        penalty = self.penalty * np.eye(len(self.moment_))
        self.coef_ = np.linalg.solve(self.gram_ + penalty, self.moment_)
        return self

    def weigh(self, sample_weight):
        return np.asarray(sample_weight)

    def features(self, X, reset):
        sequences = self.read(X, reset)
        return np.stack([sequences.rows(i).mean(axis=0) for i in range(sequences.n_samples)])

    def read(self, X, reset):
        return read_sequences(self, X, reset=reset)


class SoundSteps(Sound):
    """Predicts one number a time step from its channels."""

    def fit(self, X, y):
        return super().fit(X, y)

    def learn(self, X, y, sample_weight, reset):
        y = self.flatten(y, as_sequences(X).lengths)
        return super().learn(X, np.nan_to_num(y), np.isfinite(y), reset)

    def flatten(self, y, lengths):
        return as_step_targets(y, lengths).values

    def features(self, X, reset):
        return self.read(X, reset).values

    def predict(self, X):
        sequences = as_sequences(X)
        ragged = sequences.kind in ("ragged", "nested")
        return unpack_steps(super().predict(X), sequences.lengths, ragged=ragged)

    def score(self, X, y):
        error = np.concatenate(list(self.predict(X))) - np.concatenate(list(y))
        return -np.mean(error**2)


# --- the broken --------------------------------------------------------------------------------

# name of a check -> an estimator that breaks what it checks
BROKEN: dict[str, Any] = {}


def breaks(*checks, **parameters):
    def register(cls):
        BROKEN.update(dict.fromkeys(checks, cls(**parameters)))
        return cls

    return register


def form_of(X):
    if len(X) == 0:
        return "nothing"
    if isinstance(X, pd.DataFrame):
        cell = X.iloc[0, 0]
        in_arrow = isinstance(X.dtypes.iloc[0], pd.ArrowDtype)
        return "arrow" if in_arrow else "series" if isinstance(cell, pd.Series) else "dataframe"
    if isinstance(X, np.ndarray):
        return "object" if X.dtype == object else "padded" if np.isnan(X).any() else "3d"
    return "frames" if isinstance(X[0], pd.DataFrame) else type(X).__name__


@breaks("check_takes_sequences")
class TakesTablesAlone(Sound):
    def read(self, X, reset):
        raise ValueError("TakesTablesAlone expects a table")


class TakesOneFormForTwiceItsNumbers(Sound):
    def __init__(self, form="list", penalty=1e-6, random_state=None):
        super().__init__(penalty, random_state)
        self.form = form

    def features(self, X, reset):
        return super().features(X, reset) * (2 if form_of(X) == self.form else 1)


for form in FORMS:
    breaks(f"check_form_{form}", form=form)(TakesOneFormForTwiceItsNumbers)


@breaks("check_padding_amount")
class CountsPadding(Sound):
    def predict(self, X):
        padding = X.shape[1] - max(as_sequences(X).lengths) if form_of(X) == "padded" else 0
        return super().predict(X) + padding


@breaks("check_padding_content")
class ReadsPadding(Sound):
    def predict(self, X):
        negative = np.signbit(X[np.isnan(X)]).any() if form_of(X) == "padded" else False
        return super().predict(X) + negative


@breaks("check_memory_layout")
class TakesEveryArrayForContiguous(Sound):
    def features(self, X, reset):
        if form_of(X) == "list":
            X = [x if x.base is None else x.base.ravel()[: x.size].reshape(x.shape) for x in X]
        return super().features(X, reset)


@breaks("check_feature_names")
class ForgetsNames(Sound):
    def read(self, X, reset):
        nameless = isinstance(X, pd.DataFrame) and not reset
        return super().read(X.to_numpy() if nameless else X, reset)


@breaks("check_static_columns")
class CentresStaticColumnsByTheBatch(Sound):
    def features(self, X, reset):
        sequences, features = self.read(X, reset), super().features(X, reset)
        if sequences.static is None:
            return features
        return features + sequences.static - sequences.static.mean(axis=0)


@breaks("check_batch_mates")
class NormalisesByTheBatch(Sound):
    def predict(self, X):
        return super().predict(X) - super().predict(X).mean()


@breaks("check_predict_order")
class AnswersInOrderOfLength(Sound):
    def predict(self, X):
        return super().predict(X)[np.argsort(as_sequences(X).lengths, kind="stable")]


@breaks("check_predict_twice")
class CarriesItsStateOver(Sound):
    def predict(self, X):
        self.offset_ += 1e-12
        return super().predict(X)


@breaks("check_new_lengths")
class KnowsNoLongerSequence(Sound):
    def fit(self, X, y, sample_weight=None):
        self.n_timesteps_ = max(as_sequences(X).lengths)
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        longer = as_sequences(X).lengths > self.n_timesteps_
        return np.where(longer, np.nan, super().predict(X))


@breaks("check_step_answers")
class AnswersToTheLastStepAlone(SoundSteps):
    def predict(self, X):
        return np.array([answer[-1] for answer in super().predict(X)])


@breaks("check_step_targets_of_other_lengths")
class FillsTargetsUp(SoundSteps):
    def flatten(self, y, lengths):
        return np.resize(np.concatenate(list(y)), lengths.sum())


@breaks("check_missing_step_targets")
class TakesMissingTargetsForZeros(SoundSteps):
    def flatten(self, y, lengths):
        return np.nan_to_num(super().flatten(y, lengths))


@breaks("check_fit_order")
class LearnsMoreFromTheLast(Sound):
    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, np.linspace(1, 2, len(y)))


@breaks("check_sample_weight_is_repetition")
class BendsWeights(Sound):
    def weigh(self, sample_weight):
        return sample_weight ** (1 + 1e-6)


@breaks("check_zero_weight_is_absence")
class LiftsZeroWeights(Sound):
    def weigh(self, sample_weight):
        return np.maximum(sample_weight, 1e-8)


@breaks("check_random_state")
class DrawsFromTheGlobalGenerator(Sound):
    def draw(self):
        return super().draw() + 1e-12 * np.random.normal()  # noqa: NPY002 - the fault


@breaks("check_global_random_state")
class SeedsTheGlobalGenerator(Sound):
    def draw(self):
        np.random.seed(self.random_state)  # noqa: NPY002 - the fault
        return np.random.normal()  # noqa: NPY002


@breaks("check_refit")
class GoesOnFromTheFitBefore(Sound):
    def start(self):
        if not hasattr(self, "gram_"):
            super().start()


@breaks("check_clone")
class TunesItsParameters(Sound):
    def learn(self, X, y, sample_weight, reset):
        super().learn(X, y, sample_weight, reset)
        self.penalty *= 2
        return self


@breaks("check_partial_fit")
class ForgetsChunks(Sound):
    def partial_fit(self, X, y):
        return self.fit(X, y)


@breaks("check_pickle", "check_joblib")
class SavesHalfItsDigits(Sound):
    def __getstate__(self):
        return {**super().__getstate__(), "coef_": self.coef_.astype(np.float32)}


@breaks("check_memory_map")
class WritesIntoItsWeights(Sound):
    def predict(self, X):
        self.coef_ += 0
        return super().predict(X)


@breaks("check_X_is_not_modified")
class ModifiesDataFrames(Sound):
    def predict(self, X):
        answer = super().predict(X)
        if form_of(X) == "dataframe":
            X.iloc[3, 0] = -X.iloc[3, 0]
        return answer


@breaks("check_read_only_X")
class WritesIntoArrays(Sound):
    def predict(self, X):
        if form_of(X) == "3d":
            X += 0
        return super().predict(X)


@breaks("check_dtypes")
class AnswersInHalfPrecision(Sound):
    def predict(self, X):
        half = as_sequences(X).values.dtype == np.float32
        return super().predict(X).astype(np.float16 if half else np.float64)


@breaks("check_n_channels")
class NamesNoNumbers(Sound):
    def features(self, X, reset):
        try:
            return super().features(X, reset)
        except ValueError as error:
            raise ValueError("X has another number of channels than in fit") from error


def mended(X, mend):
    return [mend(x) for x in X] if form_of(X) == "list" else X


@breaks("check_mixed_n_channels")
class DropsChannels(Sound):
    def read(self, X, reset):
        return super().read(mended(X, lambda x: x[:, :2]), reset)


@breaks("check_missing_values")
class ReplacesMissingValues(Sound):
    def read(self, X, reset):
        return super().read(mended(X, lambda x: np.where(np.isnan(x), 0, x)), reset)


class TakesGaps(Sound):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class RefusesTheGapsItClaims(TakesGaps):
    """Its tag says that it takes them."""


class AnswersGapsWithNan(TakesGaps):
    """It lets them through to its prediction."""

    def read(self, X, reset):
        if not reset:
            return read_sequences(self, X, reset=False, allow_nan=True)
        return super().read(mended(X, lambda x: np.where(np.isnan(x), 0, x)), reset)


@breaks("check_infinite_values")
class CutsInfinity(Sound):
    def read(self, X, reset):
        return super().read(mended(X, lambda x: np.minimum(x, 1e9)), reset)


@breaks("check_empty_sequence")
class FillsEmptySequences(Sound):
    def read(self, X, reset):
        return super().read(mended(X, lambda x: x if len(x) else np.zeros((1, 2))), reset)


@breaks("check_no_sequences")
class AnswersToNobody(Sound):
    def predict(self, X):
        return super().predict(X) if len(X) else np.zeros(0)


@breaks("check_cross_val_predict", "check_grid_search")
class HidesItsSeedFromClone(Sound):
    def set_params(self, **parameters):
        self.seed = parameters.pop("random_state", None)
        return super().set_params(**parameters)

    def draw(self):
        return check_random_state(getattr(self, "seed", 1)).normal()
