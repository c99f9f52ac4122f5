"""What RNNClassifier and RNNRegressor share: parameters, validation, training, prediction."""

from __future__ import annotations

import warnings
from abc import ABCMeta, abstractmethod
from copy import deepcopy
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.base import (
    BaseEstimator,
    _fit_context,
    clone,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.parallel import _threadpool_controller_decorator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from skrnn._callback_support import CallbackSupportMixin, FitTasks, with_callbacks
from skrnn._verbose import make_reporter
from skrnn.categories import check_ids, count_ids, make_embedding
from skrnn.core.activations import ACTIVATIONS, Activation
from skrnn.core.cells import CELLS, Cell
from skrnn.core.embedding import Embedding
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.kernels import memory_kept
from skrnn.core.losses import Loss
from skrnn.core.network import Architecture, Network
from skrnn.core.optimizers import OPTIMIZERS, Optimizer
from skrnn.core.parameters import Parameters
from skrnn.core.readouts import READOUTS, Readout, as_readout
from skrnn.core.training import (
    SCHEDULES,
    History,
    LearningRate,
    Progress,
    TrainingState,
    train_full_batch,
    train_stochastic,
)
from skrnn.sample_weights import merge_repeated_samples
from skrnn.sequences import Sequences, as_step_targets, read_sequences, unpack_steps

# Sequences a prediction works on at once: bounds the memory, large enough to be fast.
PREDICTION_BLOCK = 512

# batch_size='auto'. Small batches learn in fewer epochs and generalise better; of few samples
# all are taken, which makes a repeated sample and a weighted one exactly the same.
FULL_BATCH = 64
AUTO_BATCH = 32

PARAMETERS = """\
hidden_layer_sizes : array-like of int or int, default=(64,)
        Units of the stacked recurrent layers, each >= 1; an int is one layer.

    activation : {'tanh', 'relu', 'logistic', 'sigmoid', 'identity', 'leaky_relu', 'elu', \
'softsign'} or Activation, default='tanh'
        Non-linearity of the state; the gates of LSTM and GRU are always logistic.
        `'relu'` does not go flat for large states, but may grow without bound: it goes well
        with `recurrent_init='identity'` and gradient clipping.

    cell : {'rnn', 'lstm', 'gru'} or Cell, default='gru'
        The recurrence. `'rnn'` is the simple (Elman) cell; an object that derives from
        :class:`skrnn.core.cells.Cell` is used in its place.

    init : {'xavier_uniform', 'xavier_normal', 'glorot_uniform', 'glorot_normal', 'he_uniform', \
'he_normal', 'lecun_uniform', 'lecun_normal', 'orthogonal', 'identity', 'uniform', 'normal', \
'zeros'} or callable, default='xavier_uniform'
        How the weights of inputs and output start: a name or a function
        ``(rng, n_in, n_out) -> ndarray of shape (n_in, n_out)``.

    recurrent_init : same values as `init`, default='orthogonal'
        How the recurrent weights start.

    optimizer : {'sgd', 'adam', 'adamw', 'rmsprop', 'adagrad', 'nadam', 'lion', 'lbfgs'}, \
default='adam'
        `'lbfgs'` works on all samples at once and takes no learning rate, which suits small
        data; all others work on batches.

    bidirectional : bool, default=False
        Whether every layer also reads the sequences backwards.

    readout : {'last', 'mean', 'max', 'attention'}, Readout or tuple, default='last'
        What the output layer sees of a sequence: its last state, the mean or maximum over its
        time steps, or a mean with learnt weights; a tuple joins several side by side. Not used
        with `return_sequences=True`.

    return_sequences : bool, default=False
        Whether there is one target, and one prediction, for every time step. The total loss is
        then the sum of the losses of all time steps, divided by the sum of their weights.

    dropout : float, default=0.0
        Share of every layer's outputs that are zeroed in training, in [0, 1). One mask serves
        all time steps of a sequence [3]_.

    n_channels : int, default=1
        Columns a time step of a 2D `X`, >= 1: a row of ``n_timesteps * n_channels`` columns
        is a sequence, time-major. Other forms of `X` have their channels as an axis.

    embedding_dim : int, dict or None, default=None
        Width of learnt vectors that take the place of categories, >= 1. With an int every
        channel holds ids, whole numbers from 0 on, as
        :class:`~skrnn.preprocessing.TokenEncoder` makes them; a dict of channel (name, or index
        from 0) to width says which of the channels do, each of which has vectors of its own.
        None takes all channels as numbers.

    n_tokens : int, dict or None, default=None
        How many ids a channel has, > the largest one, for all channels of ids or as a dict of
        channel to number. None counts those of the first `fit` (`partial_fit` needs to be told).
        Not used without `embedding_dim`.

    bptt_steps : int, default=None
        Truncated backpropagation through time: the state carries on, but a gradient crosses
        at most so many steps, >= 1, counted in blocks from a sequence's end. None is full BPTT.

    max_grad_norm : float, default=1.0
        Upper bound of the norm of the whole gradient, > 0, by scaling it down [2]_. None does
        not clip. Not used by `'lbfgs'`.

    alpha : float, default=1e-4
        L2 penalty on the weight matrices and the embedding vectors, >= 0; divided by the sum of
        a batch's weights. With `optimizer='adamw'` or `'lion'` it is the decoupled weight
        decay instead.

    batch_size : int or 'auto', default='auto'
        Samples a gradient step, >= 1. `'auto'` takes all of them up to 64 and 32 of more. Not
        used by `'lbfgs'`.

    learning_rate : {'constant', 'invscaling', 'adaptive', 'cosine'}, default='constant'
        Schedule. `'invscaling'`: ``learning_rate_init / (t_ + 1) ** power_t``; `'adaptive'`:
        divided by 5 whenever `n_iter_no_change` epochs bring no improvement, until 1e-6;
        `'cosine'`: from `learning_rate_init` to 0 over `max_iter` epochs.

    learning_rate_init : float, default=5e-3
        Initial learning rate, > 0.

    power_t : float, default=0.5
        Exponent of `'invscaling'`, >= 0.

    max_iter : int, default=200
        Epochs (iterations of `'lbfgs'`) at the most, >= 1.

    shuffle : bool, default=True
        Whether the batches are drawn anew in every epoch.

    random_state : int, RandomState instance or None, default=None
        Source of initial weights, batches, dropout and validation split. With an int, two fits
        are equal to the bit.

    tol : float, default=1e-4
        Smallest improvement of loss (or validation score) that counts, >= 0.

    verbose : bool or int, default=False
        True or 1 shows a progress bar with loss and validation score, if `tqdm` is installed
        (``pip install "skrnn[progress]"``); 2 or more, or no `tqdm`, prints them in a line of
        every epoch.

    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the call before.

    momentum : float, default=0.9
        Momentum of `'sgd'`, in [0, 1].

    nesterovs_momentum : bool, default=True
        Whether `'sgd'` uses Nesterov's momentum.

    early_stopping : bool, default=False
        Whether to set part of the data aside, to stop when its score no longer improves, and
        to restore the weights of the best score.

    validation_fraction : float, default=0.1
        Share of the samples that early stopping sets aside (at least 2 of them), in (0, 1).

    beta_1 : float, default=0.9
        Decay of the first moment of `'adam'`, `'adamw'`, `'nadam'`, `'lion'`, in [0, 1).

    beta_2 : float, default=0.999
        Decay of the second moment of `'adam'`, `'adamw'`, `'nadam'`, `'rmsprop'`, and of the
        momentum of `'lion'`, in [0, 1).

    epsilon : float, default=1e-8
        Added to the denominators of the adaptive optimizers, > 0.

    n_iter_no_change : int, default=10
        More epochs than this without an improvement end training, >= 1."""

ATTRIBUTES = """\
n_features_in_ : int
        Columns of a 2D `X`; channels of any other form.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns or channels. Defined only if all are strings.

    n_channels_in_ : int
        Channels of a time step.

    network_ : Network
        The trained network: ``network_.architecture`` and ``network_.parameters``.

    n_iter_ : int
        Epochs run since the weights were initialised.

    t_ : int
        Samples seen since the weights were initialised.

    loss_ : float
        Training loss of the last epoch.

    best_loss_ : float or None
        Smallest training loss of an epoch; None with early stopping.

    loss_curve_ : list of float
        Training loss of every epoch.

    grad_norm_curve_ : list of float
        Norm of the gradient before clipping, mean of every epoch.

    clip_rate_curve_ : list of float
        Share of the batches whose gradient was clipped to `max_grad_norm`, in every epoch.

    update_ratio_curve_ : list of float
        Norm of the change that the first step of every epoch makes to all parameters, over the
        norm of the parameters. Around 1e-3 to 1e-2 is usual; far less learns slowly, far more
        does not settle.

    validation_scores_ : list of float or None
        Accuracy or R2 on the validation set after every epoch, weighted as the loss is; None
        without early stopping.

    best_validation_score_ : float or None
        The best of them.

    n_layers_ : int
        Layers: input, recurrent ones, output.

    n_outputs_ : int
        Width of the output layer.

    out_activation_ : str
        Function of the output layer."""

REFERENCES = """\
.. [1] Werbos (1990). Backpropagation through time: what it does and how to do it.
           Proceedings of the IEEE 78(10).
    .. [2] Pascanu, Mikolov & Bengio (2013). On the difficulty of training recurrent neural
           networks. ICML.
    .. [3] Gal & Ghahramani (2016). A theoretically grounded application of dropout in recurrent
           neural networks. NeurIPS."""


class Dataset(NamedTuple):
    """Sequences, targets and weights.

    A row is a sample or, with a target at every step, a real time step of `sequences`.

    Attributes
    ----------
    sequences : Sequences
        Of n_samples.
    y : ndarray of shape (n_rows, ...)
        Encoded targets.
    weight : ndarray of shape (n_samples,)
        Sample weights.
    target_weight : ndarray of shape (n_rows,) or None
        Weights by target (class weights); None stands for ones.
    """

    sequences: Sequences
    y: np.ndarray
    weight: np.ndarray
    target_weight: np.ndarray | None = None


def supports_partial_fit(estimator: BaseRNN) -> bool:
    """Tell whether the parameters make sense without seeing all data; else raise why not."""
    reasons = {
        f"optimizer={estimator.optimizer!r}": estimator._full_batch(),
        "early_stopping=True": bool(estimator.early_stopping),
        "learning_rate='adaptive'": estimator.learning_rate == "adaptive",
        "learning_rate='cosine'": estimator.learning_rate == "cosine",
        "n_tokens=None": estimator.embedding_dim is not None and estimator.n_tokens is None,
        "class_weight='balanced'": getattr(estimator, "class_weight", None) == "balanced",
    }
    for reason, holds in reasons.items():
        if holds:
            raise AttributeError(
                f"partial_fit sees one part of the data at a time, but {reason} needs all of it. "
                f"Change that parameter, or call fit."
            )
    return True


def _has_step_targets(y: Any, sequences: Sequences) -> bool:
    try:
        as_step_targets(y, sequences.lengths)
    except ValueError:
        return False
    return True


class BaseRNN(CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """Validation, training and prediction that classifier and regressor share."""

    _doc_link_module = "skrnn"
    _doc_link_template = "https://skrnn.readthedocs.io/en/latest/api/{estimator_name}.html"

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), Activation],
        "cell": [StrOptions(set(CELLS)), Cell],
        "init": [StrOptions(set(INITIALIZERS)), callable],
        "recurrent_init": [StrOptions(set(INITIALIZERS)), callable],
        "optimizer": [StrOptions(set(OPTIMIZERS)), Optimizer],
        "bidirectional": ["boolean"],
        "readout": [StrOptions(set(READOUTS)), tuple, Readout],
        "return_sequences": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "n_channels": [Interval(Integral, 1, None, closed="left")],
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), dict, None],
        "n_tokens": [Interval(Integral, 1, None, closed="left"), dict, None],
        "bptt_steps": [Interval(Integral, 1, None, closed="left"), None],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [Options(str, {"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    }

    @abstractmethod
    def __init__(
        self,
        hidden_layer_sizes,
        activation,
        *,
        cell,
        init,
        recurrent_init,
        optimizer,
        bidirectional,
        readout,
        return_sequences,
        dropout,
        n_channels,
        embedding_dim,
        n_tokens,
        bptt_steps,
        max_grad_norm,
        alpha,
        batch_size,
        learning_rate,
        learning_rate_init,
        power_t,
        max_iter,
        shuffle,
        random_state,
        tol,
        verbose,
        warm_start,
        momentum,
        nesterovs_momentum,
        early_stopping,
        validation_fraction,
        beta_1,
        beta_2,
        epsilon,
        n_iter_no_change,
    ):
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

    # --- what differs between classifier and regressor ---------------------------------------

    @abstractmethod
    def _make_loss(self) -> Loss:
        """Return the loss for the targets seen at the first fit."""

    @abstractmethod
    def _encode(self, y: Any, dtype: np.dtype, reset: bool, incremental: bool) -> np.ndarray:
        """Check the targets of all rows and return them as numbers, one row each."""

    @abstractmethod
    def _prepare_for_loss(self, y: np.ndarray, weight: np.ndarray, reset: bool) -> np.ndarray:
        """Return encoded targets in the form and on the scale that the loss works on."""

    def _target_weights(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray | None:
        """Return the weights that rows have by their targets, None where all are alike."""
        return None

    @abstractmethod
    def _n_outputs_of(self, y: np.ndarray) -> int:
        """Return the width of the output layer for encoded targets."""

    @abstractmethod
    def _decode(self, raw_prediction: np.ndarray) -> np.ndarray:
        """Return the prediction of all rows as the user's targets."""

    @abstractmethod
    def _decode_targets(self, y: np.ndarray) -> np.ndarray:
        """Return the user's targets that `_encode` made `y` of."""

    @abstractmethod
    def _score_rows(self, y: Any, y_pred: np.ndarray, sample_weight: np.ndarray | None) -> float:
        """Return accuracy or R2 of predicted rows."""

    def _stratify(self, y: np.ndarray, n_held_out: int) -> np.ndarray | None:
        """Return what early stopping should stratify its split by."""
        return None

    # --- public methods ----------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None):
        """Train on `X` and `y`.

        Parameters
        ----------
        X : {array-like of shape (n_samples, n_timesteps * n_channels), \
array-like of shape (n_samples, n_timesteps, n_channels), list of array-like, DataFrame}
            Sequences, in any form that :func:`skrnn.sequences.as_sequences` reads.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. With `return_sequences=True` one for every time step: an array of shape
            (n_samples, n_timesteps) or (n_samples, n_timesteps, n_outputs), or a list of
            arrays as long as their sequences.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights, >= 0 and not all zero. None weighs all samples alike.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If data, targets or parameters are not valid, or if training diverges.
        """
        return self._fit(X, y, sample_weight, incremental=False)

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
        """
        raw_prediction, sequences = self._raw_prediction_of(X)
        return self._answer(self._decode(raw_prediction), sequences)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy (classifier) or the coefficient of determination R2 (regressor).

        With `return_sequences=True` over all time steps of all sequences.

        Parameters
        ----------
        X : {array-like, list of array-like, DataFrame}
            Sequences, as in `fit`.

        y : array-like
            True targets, as in `fit`.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights.

        Returns
        -------
        score : float
            1.0 is perfect.
        """
        raw_prediction, sequences = self._raw_prediction_of(X)
        if self.return_sequences:
            y = as_step_targets(y, sequences.lengths).values
            if sample_weight is not None:
                sample_weight = _check_sample_weight(sample_weight, sequences.lengths)
                sample_weight = np.repeat(sample_weight, sequences.lengths)
        return self._score_rows(y, self._decode(raw_prediction), sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # --- fit ---------------------------------------------------------------------------------

    @with_callbacks
    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool):
        reset = not (hasattr(self, "network_") and (self.warm_start or incremental))
        self._check_compatible_parameters()
        data = self._read_data(X, y, sample_weight, reset, incremental)
        if reset:
            self._random_state = check_random_state(self.random_state)
        # The callbacks follow `fit`: a call of partial_fit is a part of a fit that has no end.
        self._resumed_state: TrainingState | None = None
        tasks = None if incremental else FitTasks(self, X, y, sample_weight, self.max_iter)
        resumed = self._take_over()
        rng_at_start = self._random_state.get_state()
        if reset:
            self._initialize(self._n_outputs_of(data.y), data.sequences)
        else:
            self._go_on()
        data = self._weigh(data)
        validation = None
        if self.early_stopping:
            data, validation = self._hold_out(data)
        data = data._replace(y=self._prepare_for_loss(data.y, self._row_weight(data), reset))
        state = resumed or self._new_state(incremental, rng_at_start)
        self._training_state = state
        try:
            self._train(data, validation, tasks, max_iter=1 if incremental else self.max_iter)
            if tasks is not None:
                tasks.end()
        finally:
            del self._training_state
        # The cosine schedule ends at max_iter by plan.
        planned = incremental or self.learning_rate == "cosine"
        if not (state.over or planned):
            warnings.warn(
                f"Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                "converged yet. Increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=5,  # the line that calls fit
            )
        return self

    def _read_data(
        self, X: Any, y: Any, sample_weight: Any, reset: bool, incremental: bool = False
    ) -> Dataset:
        """Check sequences, targets and sample weights."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        sequences = self._read(X, reset)
        y = self._rows_of_targets(y, sequences)
        y = self._encode(y, sequences.dtype, reset, incremental)
        return Dataset(sequences, y, self._check_weights(sample_weight, sequences))

    def _for_inspection(self, X: Any, y: Any) -> tuple[BaseRNN, Dataset, np.ndarray]:
        """Return what `skrnn.inspection` looks at; this estimator is not changed.

        Returns
        -------
        estimator : BaseRNN
            This one if it is fitted, else a copy as it is before its first epoch of `fit`.
        data : Dataset
            In the order of `X`; the targets are those that the loss takes.
        row_weight : ndarray of shape (n_rows,)
            Weight of every row in the training loss.
        """
        estimator, reset = self, not hasattr(self, "network_")
        if reset:
            estimator = clone(self)
            estimator._validate_params()
            estimator._check_compatible_parameters()
        data = estimator._read_data(X, y, None, reset)
        if reset:
            estimator._random_state = check_random_state(estimator.random_state)
            estimator._initialize(estimator._n_outputs_of(data.y), data.sequences)
        weights = estimator._target_weights(data.y, estimator._row_weight(data))
        row_weight = estimator._row_weight(data._replace(target_weight=weights))
        targets = estimator._prepare_for_loss(data.y, row_weight, reset)
        return estimator, data._replace(y=targets, target_weight=weights), row_weight

    def _read(self, X: Any, reset: bool) -> Sequences:
        """Return X in the dtype to compute in: its own at first, then the network's."""
        dtype: tuple[type, ...] = (np.float64, np.float32)
        if not reset:
            dtype = (self.network_.parameters.vector.dtype.type,)
        sequences = read_sequences(self, X, reset=reset, dtype=dtype)
        if reset:
            self._channels = sequences.channels
            self._n_ids = count_ids(sequences, self.embedding_dim, sequences.channels)
        embedding = self._make_embedding() if reset else self.network_.architecture.embedding
        if embedding is not None:
            check_ids(sequences, embedding, sequences.channels)
        return sequences

    def _make_embedding(self) -> Embedding | None:
        return make_embedding(self.embedding_dim, self.n_tokens, self._n_ids, self._channels)

    def _check_compatible_parameters(self) -> None:
        if self.dropout > 0 and self._full_batch():
            raise ValueError(
                f"dropout makes the loss random, which optimizer={self.optimizer!r} cannot "
                "minimise. Set dropout=0 or choose another optimizer."
            )

    def _rows_of_targets(self, y: Any, sequences: Sequences) -> Any:
        """Return the targets of all samples, or of all time steps."""
        if self.return_sequences:
            return as_step_targets(y, sequences.lengths).values
        check_consistent_length(sequences.lengths, y)
        try:
            return check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=self)
        except ValueError as error:
            if _has_step_targets(y, sequences):
                raise ValueError(
                    "y has one target for every time step; with return_sequences=False one for "
                    "every sequence is expected. Set return_sequences=True."
                ) from error
            raise

    def _check_weights(self, sample_weight: Any, sequences: Sequences) -> np.ndarray:
        weight = _check_sample_weight(
            sample_weight, sequences.lengths, dtype=sequences.dtype, ensure_non_negative=True
        )
        if not weight.any():
            raise ValueError("All sample weights are zero: there is nothing to learn from.")
        return weight

    # The decompositions of orthogonal initialization, too, depend on the number of BLAS threads.
    @_threadpool_controller_decorator(limits=1, user_api="blas")
    def _initialize(self, n_outputs: int, sequences: Sequences) -> None:
        """Draw the weights and clear what an earlier fit left."""
        architecture = self._make_architecture(sequences.n_channels, n_outputs)
        self.network_ = Network.initialize(
            architecture,
            self._random_state,
            self._named(INITIALIZERS, self.init),
            self._named(INITIALIZERS, self.recurrent_init),
            dtype=sequences.dtype,
        )
        self.n_outputs_ = n_outputs
        self.n_layers_ = architecture.n_layers + 2
        self.out_activation_ = self._make_loss().link.out_activation
        self.loss_curve_: list[float] = []
        self.grad_norm_curve_: list[float] = []
        self.clip_rate_curve_: list[float] = []
        self.update_ratio_curve_: list[float] = []
        self.validation_scores_: list[float] | None = None
        self.t_ = 0
        self._optimizer: Any = None

    def _go_on(self) -> None:
        """Keep the weights; whatever parameter does not shape them may have changed."""
        architecture = self._make_architecture(self.n_channels_in_, self.n_outputs_)
        if architecture.shapes() != self.network_.architecture.shapes():
            raise ValueError(
                "cell, hidden_layer_sizes, bidirectional, readout, embedding_dim and n_tokens "
                "shape the weights, so they cannot change between calls that go on from the same "
                "weights. Set warm_start=False and call fit, or use a new estimator."
            )
        self.network_.architecture = architecture

    def _make_architecture(self, n_inputs: int, n_outputs: int) -> Architecture:
        activation = self._named(ACTIVATIONS, self.activation)
        return Architecture(
            cell=self._named(CELLS, self.cell).with_activation(activation),
            n_inputs=n_inputs,
            hidden_sizes=self._hidden_sizes(),
            n_outputs=n_outputs,
            bidirectional=self.bidirectional,
            readout=None if self.return_sequences else as_readout(self.readout),
            dropout=self.dropout,
            bptt_steps=self.bptt_steps,
            embedding=self._make_embedding(),
        )

    def _hidden_sizes(self) -> tuple[int, ...]:
        sizes = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if sizes.ndim != 1 or sizes.size == 0 or sizes.dtype.kind not in "iu" or sizes.min() < 1:
            raise ValueError(
                f"The 'hidden_layer_sizes' parameter of {type(self).__name__} must be an int or "
                f"a sequence of ints, each >= 1. Got {self.hidden_layer_sizes!r} instead."
            )
        return tuple(int(size) for size in sizes)

    @staticmethod
    def _named(registry: dict, value: Any) -> Any:
        """Return the entry of that name, or the object given in place of a name."""
        return registry[value] if isinstance(value, str) else value

    def _full_batch(self) -> bool:
        """Tell whether the optimizer works on all samples at once."""
        name = self.optimizer if isinstance(self.optimizer, str) else ""
        return getattr(OPTIMIZERS.get(name, self.optimizer), "full_batch", False)

    def _batch_size(self, n_samples: int) -> int:
        """Return the samples a batch, at most all of them."""
        if self._full_batch():
            return n_samples
        if self.batch_size == "auto":
            return n_samples if n_samples <= FULL_BATCH else AUTO_BATCH
        if self.batch_size > n_samples:
            warnings.warn(
                f"batch_size={self.batch_size} is larger than the {n_samples} samples to train "
                "on; all of them make one batch.",
                stacklevel=2,
            )
        return min(self.batch_size, n_samples)

    def _weigh(self, data: Dataset) -> Dataset:
        """Weigh targets, drop samples without weight, merge equal ones where that is exact."""
        sequences, y, weight, _ = data
        data = data._replace(target_weight=self._target_weights(y, self._row_weight(data)))
        row_weight = self._row_weight(data)
        if self.return_sequences:
            row_weight = np.add.reduceat(row_weight, sequences.starts)
        samples = np.flatnonzero(row_weight)
        if len(samples) == 0:
            raise ValueError(
                "class_weight is zero for every class in y: there is nothing to learn from."
            )
        if self._batch_size(len(samples)) == len(samples):
            samples, merged = merge_repeated_samples(
                sequences, y, weight, samples, per_step=self.return_sequences
            )
            weight = weight.copy()
            weight[samples] = merged
        return self._take(data._replace(weight=weight), samples)

    def _hold_out(self, data: Dataset) -> tuple[Dataset, Dataset]:
        """Set part of the samples aside to validate on."""
        n_samples = data.sequences.n_samples
        # R2 needs two samples.
        n_held_out = max(2, int(np.ceil(self.validation_fraction * n_samples)))
        if n_held_out >= n_samples:
            raise ValueError(
                f"early_stopping=True sets {n_held_out} samples aside, which leaves none to train "
                f"on: X has n_samples={n_samples} different ones with a weight. Lower "
                "validation_fraction, or set early_stopping=False."
            )
        # Here, as importing it takes longer than importing all of skrnn.
        from sklearn.model_selection import train_test_split

        training, held_out = train_test_split(
            np.arange(n_samples),
            test_size=n_held_out,
            random_state=self._random_state,
            stratify=None if self.return_sequences else self._stratify(data.y, n_held_out),
        )
        return self._take(data, training), self._take(data, held_out)

    def _take(self, data: Dataset, samples: np.ndarray) -> Dataset:
        """Return some samples with the targets and weights of their rows."""
        sequences = data.sequences
        if np.array_equal(samples, np.arange(sequences.n_samples)):
            return data
        rows = sequences.steps_of(samples) if self.return_sequences else samples
        target_weight = None if data.target_weight is None else data.target_weight[rows]
        return Dataset(sequences.take(samples), data.y[rows], data.weight[samples], target_weight)

    def _row_weight(self, data: Dataset) -> np.ndarray:
        """Return the weight of every row: that of its sample times that of its target."""
        weight = data.weight
        if self.return_sequences:
            weight = np.repeat(weight, data.sequences.lengths)
        return weight if data.target_weight is None else weight * data.target_weight

    def _start_from(self, state: TrainingState) -> None:
        """Let the fit that begins go on from `state`; for callbacks, at the begin of a fit."""
        self._resumed_state = state

    def _take_over(self) -> TrainingState | None:
        """Return the state that a callback gave to start from, if one did."""
        state = self._resumed_state
        del self._resumed_state
        if state is not None:
            # What is drawn before the first epoch (weights, validation split) is drawn again.
            self._random_state = np.random.RandomState()
            self._random_state.set_state(state.rng_at_start)
        return state

    def _new_state(self, incremental: bool, rng_at_start: Any) -> TrainingState:
        """Return the state in which training begins."""
        history = History(
            self.loss_curve_,
            self.grad_norm_curve_,
            clip_rate_curve=self.clip_rate_curve_,
            update_ratio_curve=self.update_ratio_curve_,
        )
        optimizer = self._make_optimizer(incremental)
        return TrainingState(
            self.network_.parameters.vector,
            optimizer,
            None if optimizer.full_batch else self._make_learning_rate(),
            self._random_state,
            history,
            t=self.t_,
            rng_at_start=rng_at_start,
        )

    @memory_kept()
    # BLAS may sum in another order with another number of threads. The kernels do not, and keep
    # theirs.
    @_threadpool_controller_decorator(limits=1, user_api="blas")
    def _train(
        self, data: Dataset, validation: Dataset | None, tasks: FitTasks | None, *, max_iter: int
    ) -> None:
        """Train from the state on, which is a new one or one to resume."""
        state = self._training_state
        self.network_.parameters.vector = state.vector
        self._random_state = state.rng
        reporter = make_reporter(self.verbose, epoch=state.epoch, max_iter=max_iter)

        def on_epoch_end(history: History) -> bool:
            reporter.report(history)
            return tasks is not None and tasks.end_epoch()

        progress = Progress(
            state,
            tol=self.tol,
            n_iter_no_change=self.n_iter_no_change,
            validate=None if validation is None else lambda: self._validation_score(validation),
            on_epoch_begin=None if tasks is None else tasks.begin_epoch,
            on_epoch_end=on_epoch_end,
        )
        n_samples = data.sequences.n_samples
        batch_size = self._batch_size(n_samples)
        objective = self._make_objective(data, batch_size == n_samples)
        self.__dict__.update(self._course())  # the curves grow while callbacks look
        try:
            if state.optimizer.full_batch:
                train_full_batch(
                    objective, progress, n_samples=n_samples, max_iter=max_iter, tol=self.tol
                )
            else:
                train_stochastic(
                    objective,
                    progress,
                    n_samples=n_samples,
                    batch_size=batch_size,
                    max_iter=max_iter,
                    shuffle=self.shuffle,
                    max_grad_norm=self.max_grad_norm,
                )
        finally:
            reporter.close()
            self.__dict__.update(self._course())

    def _make_optimizer(self, incremental: bool) -> Any:
        """Return a new optimizer, or in partial_fit the one of the calls before."""
        named = isinstance(self.optimizer, str)
        cls = OPTIMIZERS[self.optimizer] if named else type(self.optimizer)
        if incremental and type(self._optimizer) is cls:
            if named:
                vars(self._optimizer).update(self._parameters_of(cls))
            return self._optimizer
        optimizer = self._from_parameters(cls) if named else deepcopy(self.optimizer)
        if optimizer.decouples_decay:
            optimizer.decay_mask = self.network_.weight_mask()
        if incremental:
            self._optimizer = optimizer
        return optimizer

    def _from_parameters(self, cls: type) -> Any:
        """Return an object whose fields of our parameters' names have their values."""
        return cls(**self._parameters_of(cls))

    def _parameters_of(self, cls: type) -> dict[str, Any]:
        """Return those of our parameters that are fields of a class."""
        parameters = self.get_params(deep=False)
        return {f.name: parameters[f.name] for f in fields(cls) if f.name in parameters}

    def _make_learning_rate(self) -> LearningRate:
        return LearningRate(
            self.learning_rate, self.learning_rate_init, self.power_t, self.max_iter
        )

    def _make_objective(self, data: Dataset, full_batch: bool) -> Any:
        """Return ``objective(samples, rng) -> (loss, gradient, weight)`` on `data`."""
        loss, row_weight = self._make_loss(), self._row_weight(data)
        alpha = 0.0 if self._training_state.optimizer.decouples_decay else self.alpha
        gather = data.sequences.batch
        # All samples make the same batch every time: gathered once.
        whole = gather(np.arange(data.sequences.n_samples)) if full_batch else None

        def objective(samples, rng):
            batch = gather(samples) if whole is None else whole
            rows = batch.steps if self.return_sequences else batch.samples
            weight = row_weight[rows]
            value, gradient = self.network_.loss_and_gradient(
                batch.x, batch.n_active, data.y[rows], weight, loss=loss, alpha=alpha, rng=rng
            )
            return value, gradient, float(weight.sum())

        return objective

    def _validation_score(self, validation: Dataset) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            raw_prediction = self._raw_prediction(validation.sequences)
        if not np.isfinite(raw_prediction).all():
            return -np.inf  # the next epoch reports the divergence
        y_true = self._decode_targets(validation.y)
        y_pred = self._decode(raw_prediction)
        return self._score_rows(y_true, y_pred, self._row_weight(validation))

    def _course(self) -> dict[str, Any]:
        """Return the fitted attributes that tell how training went so far."""
        state, history = self._training_state, self._training_state.history
        scores = history.validation_scores
        return {
            "t_": state.t,
            "n_iter_": len(history.loss_curve),
            "loss_curve_": history.loss_curve,
            "grad_norm_curve_": history.grad_norm_curve,
            "clip_rate_curve_": history.clip_rate_curve,
            "update_ratio_curve_": history.update_ratio_curve,
            "loss_": history.loss_curve[-1] if history.loss_curve else np.inf,
            "best_loss_": None if self.early_stopping else min(history.loss_curve, default=np.inf),
            "validation_scores_": scores if self.early_stopping else None,
            "best_validation_score_": max(scores, default=-np.inf) if self.early_stopping else None,
        }

    def _as_fitted(self) -> dict[str, Any]:
        """Return what turns a copy of this estimator, in its fit, into one whose fit is over."""
        course = self._course()
        curves = {name: value[:] for name, value in course.items() if isinstance(value, list)}
        parameters = self.network_.parameters
        network = Network(
            self.network_.architecture, Parameters(parameters.shapes, parameters.vector.copy())
        )
        return {**course, **curves, "network_": network}

    # --- predict -----------------------------------------------------------------------------

    def _raw_prediction_of(self, X: Any) -> tuple[np.ndarray, Sequences]:
        check_is_fitted(self, "network_")
        sequences = self._read(X, reset=False)
        return self._raw_prediction(sequences), sequences

    @memory_kept()
    def _raw_prediction(self, sequences: Sequences) -> np.ndarray:
        """Return the raw prediction of every row, in the order of the samples."""
        n_rows = sequences.n_steps if self.return_sequences else sequences.n_samples
        raw_prediction = np.empty((n_rows, self.n_outputs_), dtype=sequences.dtype)
        # Neighbours in length make batches with little padding.
        order = np.argsort(-sequences.lengths, kind="stable")
        for start in range(0, len(order), PREDICTION_BLOCK):
            batch = sequences.batch(order[start : start + PREDICTION_BLOCK])
            rows = batch.steps if self.return_sequences else batch.samples
            raw_prediction[rows] = self.network_.predict(batch.x, batch.n_active)
        return raw_prediction

    def _answer(self, rows: np.ndarray, sequences: Sequences) -> np.ndarray:
        """Return what holds for every row in the form of the user's targets."""
        if not self.return_sequences:
            return rows
        # By the form of X, not by the lengths alone: any part of X is answered alike.
        ragged = sequences.kind in ("ragged", "nested")
        return unpack_steps(rows, sequences.lengths, ragged=ragged)
