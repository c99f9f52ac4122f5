"""BaseRNN: fit, predict and score, as RNNClassifier and RNNRegressor share them."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrnn import _typing as t
from skrnn._dispatch import numpy_only
from skrnn._pickling import VersionedPickleMixin
from skrnn.core.losses import Loss, unchanged
from skrnn.core.network import Architecture, Network
from skrnn.core.training import NotLearntWarning
from skrnn.estimators._architecture import make_architecture, plan
from skrnn.estimators._atomic import all_or_nothing
from skrnn.estimators._blas import are_ours, one_blas_thread
from skrnn.estimators._callbacks import CallbackSupportMixin, with_callbacks
from skrnn.estimators._data import Dataset
from skrnn.estimators._finite import NotFiniteError, finite, not_finite
from skrnn.estimators._fitted import FittedMixin
from skrnn.estimators._gaps import tells_gaps
from skrnn.estimators._names import KnownNamesMixin
from skrnn.estimators._own_parts import initializer
from skrnn.estimators._parameters import (
    CONSTRAINTS,
    warn_of_large_batches,
    works_on_full_batch,
)
from skrnn.estimators._prediction import predicted
from skrnn.estimators._reading import read_data, read_for, read_to_decide, step_weights_refused
from skrnn.estimators._targets import Targets
from skrnn.estimators._training import Training, forget_earlier_fit, start_at_constant
from skrnn.estimators._validation import (
    about_the_validation_set,
    has_validation_set,
    warn_of_other_scale,
)
from skrnn.sequences import (
    Sequences,
    as_step_targets,
    check_same_order,
    has_step_weights,
    plain_targets,
    unpack_steps,
    weights_of_steps,
)


class BaseRNN(
    FittedMixin, CallbackSupportMixin, KnownNamesMixin, VersionedPickleMixin, BaseEstimator
):
    """Validation, training and prediction that classifier and regressor share."""

    _parameter_constraints: ClassVar[dict] = CONSTRAINTS
    _targets: Targets

    @abstractmethod
    def __init__(
        self,
        hidden_layer_sizes: t.HiddenLayerSizes,
        activation: t.ActivationLike,
        *,
        cell: t.CellLike,
        init: t.InitializerLike,
        recurrent_init: t.InitializerLike,
        optimizer: t.OptimizerLike,
        bidirectional: bool | t.Auto,
        readout: t.Readouts,
        return_sequences: bool,
        dropout: float,
        n_channels: int,
        embedding_dim: t.OfChannels,
        n_tokens: t.OfChannels,
        static: Literal["readout", "channels"],
        differences: bool | t.Auto,
        missing_values: Literal["decay", "error"],
        frame_length: int | t.Auto,
        frame_stride: int | t.Auto | None,
        frame_units: int | t.Auto | None,
        frame_shift: bool | t.Auto,
        bptt_steps: int | None,
        max_grad_norm: float | None,
        alpha: float,
        batch_size: int | t.Auto,
        learning_rate: t.ScheduleName | t.Auto,
        learning_rate_init: float,
        power_t: float,
        max_iter: int | t.Auto,
        shuffle: bool,
        random_state: t.Seed,
        tol: float,
        verbose: bool | int,
        warm_start: bool,
        momentum: float,
        nesterovs_momentum: bool,
        early_stopping: bool,
        validation_fraction: float,
        beta_1: float,
        beta_2: float | None,
        epsilon: float,
        n_iter_no_change: float | t.Auto,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.cell = cell
        self.init = init
        self.recurrent_init = recurrent_init
        self.optimizer = optimizer
        self.bidirectional = bidirectional
        self.readout = readout
        self.return_sequences = return_sequences
        self.dropout = dropout
        self.n_channels = n_channels
        self.embedding_dim = embedding_dim
        self.n_tokens = n_tokens
        self.static = static
        self.differences = differences
        self.missing_values = missing_values
        self.frame_length = frame_length
        self.frame_stride = frame_stride
        self.frame_units = frame_units
        self.frame_shift = frame_shift
        self.bptt_steps = bptt_steps
        self.max_grad_norm = max_grad_norm
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change

    @t.fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> Self:
        """Train on `X` and `y`.

        Parameters
        ----------
        X : {array-like of shape (n_samples, n_timesteps * n_channels), \
array-like of shape (n_samples, n_timesteps, n_channels), list of array-like, DataFrame}
            Sequences, in any form that :func:`skrnn.sequences.as_sequences` reads.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. With `return_sequences=True` one for every time step: an array of shape
            (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), or a list of
            arrays as long as their sequences. A step whose target is missing (NaN, None, NaT,
            pandas' NA) adds no loss. Where there are several outputs, single ones may be missing.

        sample_weight : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
            Weights, >= 0 and not all zero: one for each sample or, with `return_sequences=True`,
            for each time step, in a form that step targets have. None weighs all alike.

        X_val : {array-like, list of array-like, DataFrame}, default=None
            Sequences of a validation set, as in `predict`: loss and score on it are recorded
            after every epoch. With `early_stopping=True` its loss decides, and nothing of `X` is
            set aside. In a Pipeline it is transformed as `X` is with
            ``Pipeline(..., transform_input=["X_val"])``.

        y_val : array-like, default=None
            Targets of `X_val`, as `y`; without classes that `y` does not have.

        sample_weight_val : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
            Weights of `X_val`, as `sample_weight`.

        groups : array-like of shape (n_samples,), default=None
            The group of every sample, as one recorded person: early stopping sets whole groups
            aside. Used for nothing else, and not where `X_val` is given.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If data, targets or parameters are not valid, or if training diverges.

        Warns
        -----
        ConvergenceWarning
            If training ended at `max_iter`, though its loss was still falling.
        NotLearntWarning
            Of :mod:`skrnn.core.training`, if it ended with a loss no better than that of the best
            constant prediction or, on inputs far from unit scale, with one above a tenth of that.
        """
        with all_or_nothing(self):
            return self._fit(
                X,
                y,
                sample_weight=sample_weight,
                X_val=X_val,
                y_val=y_val,
                sample_weight_val=sample_weight_val,
                groups=groups,
                incremental=False,
            )

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of `X`.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`; their lengths may be others.

        Returns
        -------
        ndarray
            Shape (n_samples,) or (n_samples, n_outputs). With `return_sequences=True`
            (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs) if `X` is an array
            of sequences of one length, else an object array of one array for each sequence.

        Raises
        ------
        ValueError
            If `X` is not valid, or if a prediction is not finite.
        """
        return self._answer(*self._predicted(X, "decode"))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy (classifier) or the coefficient of determination R2 (regressor).

        Of several quantiles it is the mean of :func:`sklearn.metrics.d2_pinball_score` over the
        levels, of a distribution the R2 of its mean. With `return_sequences=True` over all time
        steps of all sequences.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        y : array-like
            True targets, as in `fit`; those that are missing are left out.

        sample_weight : {array-like of shape (n_samples,), array-like of shape (n_samples, \
n_timesteps), list of array-like, DataFrame}, default=None
            Weights, as in `fit`.

        Returns
        -------
        score : float
            1.0 is perfect.

        Raises
        ------
        ValueError
            If `X` or `y` is not valid, or if a prediction is not finite.
        """
        check_same_order(X, y=y, sample_weight=sample_weight)
        y = plain_targets(y)
        y_pred, sequences = self._predicted(X, "decode")
        with numpy_only():
            if self._per_step:
                y = as_step_targets(y, sequences.lengths).values
                if sample_weight is not None:
                    sample_weight = weights_of_steps(sample_weight, sequences.lengths)
            elif has_step_weights(sample_weight):
                raise step_weights_refused()
            return self._targets.score(y, y_pred, sample_weight, per_step=self._per_step)

    @property
    def is_fitted(self) -> bool:
        """Whether the network has been trained: what libraries for time series and MAPIE ask."""
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = tells_gaps(self)
        return tags

    # --- fit ---------------------------------------------------------------------------------

    @abstractmethod
    def _make_targets(self, *, goes_on: bool, incremental: bool) -> Targets:
        """Return the targets of a fit: new ones, or a copy of those that it goes on from.

        What they learn from `y` does not touch this estimator until `_keep`.
        """

    def _keep(self, targets: Targets) -> None:
        """Keep targets that have been learnt."""
        self._targets = targets

    @with_callbacks
    def _fit(self, X: Any, y: Any, *, incremental: bool, **metadata: Any) -> Self:
        metadata = {name: value for name, value in metadata.items() if value is not None}
        sample_weight = metadata.get("sample_weight")
        goes_on = hasattr(self, "network_") and (self.warm_start or incremental)
        if goes_on and incremental:
            self._validate_params()  # scikit-learn does so at the first call only
        data = self._read_data(
            X, y, sample_weight, goes_on=goes_on, incremental=incremental, trains=True
        )
        warn_of_large_batches(self, data.n_samples)
        prepared = data.with_groups(metadata.get("groups")).prepared(shuffle=self.shuffle)
        auto, architecture = plan(self, data.sequences, prepared, goes_on=goes_on)
        validation = self._read_validation(data, architecture, metadata)
        self.auto_params_ = auto
        self._keep(data.targets)
        if not goes_on:
            forget_earlier_fit(self)
        training = Training(
            self, prepared, validation, X, y, metadata, goes_on=goes_on, incremental=incremental
        )
        if goes_on:
            self.network_.architecture = architecture
        else:
            self._initialize(architecture, data, training.rng)
        training.run()
        if training.unfinished:
            warnings.warn(
                f"Maximum iterations ({training.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=5,  # the line that calls fit
            )
        elif (shortfall := training.shortfall()) is not None:
            warnings.warn(shortfall, NotLearntWarning, stacklevel=5)
        return self

    def _read_data(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        goes_on: bool,
        incremental: bool = False,
        trains: bool = False,
    ) -> Dataset:
        """Check sequences, targets and sample weights."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        check_same_order(X, y=y, sample_weight=sample_weight)
        sequences = self._read(X, reset=not goes_on, trains=trains)
        targets = self._make_targets(goes_on=goes_on, incremental=incremental)
        with numpy_only():
            return read_data(sequences, y, sample_weight, targets, per_step=self.return_sequences)

    def _read_validation(
        self, data: Dataset, architecture: Architecture, metadata: dict[str, Any]
    ) -> Dataset | None:
        """Check the validation set against the training data; None if there is none."""
        if not has_validation_set(metadata):
            return None
        X, y = metadata["X_val"], metadata["y_val"]
        weight = metadata.get("sample_weight_val")
        with numpy_only(), about_the_validation_set():
            check_same_order(X, y=y, sample_weight=weight)
            sequences = read_for(self, X, data.sequences.dtype, architecture)
            if architecture.embedding is None:
                warn_of_other_scale(sequences, data.sequences)
            per_step = self.return_sequences
            validation = read_data(sequences, y, weight, data.targets, per_step=per_step)
            return validation.weighted_as(data)

    def _read(self, X: Any, reset: bool, *, trains: bool = False) -> Sequences:
        """Return X in the dtype to compute in: its own at first, then the network's."""
        if reset:
            return read_to_decide(self, X)
        network = self.network_
        dtype, architecture = network.parameters.vector.dtype, network.architecture
        return read_for(self, X, dtype, architecture, trains=trains)

    # Inspection asks for the architecture of other parameters.
    _make_architecture = make_architecture

    def _new_network(
        self, architecture: Architecture, dtype: np.dtype, rng: np.random.RandomState
    ) -> Network:
        """Return a network with drawn weights."""
        init, recurrent_init = map(initializer, (self.init, self.recurrent_init))
        # The decompositions of orthogonal initialization, too, depend on the threads of a BLAS.
        with one_blas_thread(needed=not are_ours(init, recurrent_init, architecture.cell)):
            return Network.initialize(architecture, rng, init, recurrent_init, dtype=dtype)

    def _initialize(
        self, architecture: Architecture, data: Dataset, rng: np.random.RandomState
    ) -> None:
        """Draw the weights and clear what an earlier fit left."""
        self.network_: Network = self._new_network(architecture, data.sequences.dtype, rng)
        self.n_outputs_: int = architecture.n_outputs
        self.n_layers_: int = architecture.n_layers + 2
        self.out_activation_: str = data.targets.loss.link.out_activation
        self.loss_curve_: list[float] = []
        self.grad_norm_curve_: list[float] = []
        self.clip_rate_curve_: list[float] = []
        self.update_ratio_curve_: list[float] = []
        self.validation_loss_curve_: list[float] | None = None
        self.validation_scores_: list[float] | None = None
        self.t_ = 0
        # The parameter and the optimizer made from it, of the calls of partial_fit.
        self._optimizer: tuple[Any, Any] = None, None

    def _for_inspection(self, X: Any, y: Any) -> tuple[BaseRNN, Dataset, np.ndarray]:
        """Return what `skrnn.inspection` looks at; this estimator is not changed.

        Returns
        -------
        estimator : BaseRNN
            This one if it is fitted, else a copy as it is before its first epoch of `fit`.
        data : Dataset
            In the order of `X`; the targets are those that the loss takes.
        row_weight : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            Weight of every row in the training loss; of every output where single ones miss.
        """
        estimator, fitted = self, hasattr(self, "network_")
        if not fitted:
            estimator = clone(self)
            estimator._validate_params()
        data = estimator._read_data(X, y, None, goes_on=fitted)
        if not fitted:
            prepared = data.prepared(shuffle=estimator.shuffle)
            estimator.auto_params_, architecture = plan(
                estimator, data.sequences, prepared, goes_on=False
            )
            estimator._keep(data.targets)
            estimator._initialize(architecture, data, check_random_state(estimator.random_state))
        data = data.with_target_weights()
        if not fitted:
            data.check_outputs().learn_scale()
        data = data.scaled()
        if not fitted:
            start_at_constant(estimator.network_, data)
        return estimator, data, data.loss_weight()

    @property
    def _full_batch(self) -> bool:
        """Whether the optimizer takes all samples at once."""
        return works_on_full_batch(self)

    def _make_loss(self) -> Loss:
        """Return the loss that the network was trained to minimise."""
        return self._targets.loss

    # --- predict -----------------------------------------------------------------------------

    @property
    def _per_step(self) -> bool:
        """Whether the fitted network predicts at every time step."""
        return self.network_.architecture.readout is None

    def _predicted(self, X: Any, method: str, **options: Any) -> tuple[np.ndarray, Sequences]:
        """Return what a method of the targets makes of the raw prediction of every row."""
        check_is_fitted(self, "network_")
        sequences = self._read(X, reset=False)
        answer = partial(getattr(self._targets, method), **options)
        try:
            return predicted(self.network_, sequences, finite(answer)), sequences
        except NotFiniteError:
            raw_prediction = self._raw_prediction(sequences)
        raise not_finite(type(self).__name__, answer, raw_prediction, sequences)

    def _raw_prediction(self, sequences: Sequences) -> np.ndarray:
        """Return the raw prediction of every row, in the order of the samples."""
        return predicted(self.network_, sequences, unchanged)

    def _answer(self, rows: np.ndarray, sequences: Sequences) -> np.ndarray:
        """Return one value or vector for every row in the form of the user's targets."""
        if not self._per_step:
            return rows
        # By the form of X, not by the lengths alone: any part of X is answered alike.
        ragged = sequences.kind in ("ragged", "nested")
        return unpack_steps(rows, sequences.lengths, ragged=ragged)
