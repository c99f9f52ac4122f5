"""The parameters and attributes that both estimators have, as their docstrings tell of them."""

from __future__ import annotations

from collections.abc import Iterable

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.cells import CELLS
from skrnn.core.initializers import INITIALIZERS
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.core.training import SCHEDULES


def names_of(registry: Iterable[str]) -> str:
    """The names in a registry, as numpydoc writes a set of choices."""
    return "{" + ", ".join(map(repr, registry)) + "}"


PARAMETERS = f"""\
hidden_layer_sizes : array-like of int or int, default=(64,)
        Units of the stacked recurrent layers, each >= 1; an int is one layer.

    activation : {names_of(ACTIVATIONS)} or Activation, default='tanh'
        Non-linearity of the state, in an LRU of its input; the gates of LSTM and GRU are always
        logistic.
        `'relu'` does not go flat for large states, but may grow without bound: it goes well
        with `recurrent_init='identity'` and gradient clipping.

    cell : {names_of(CELLS)} or Cell, default='gru'
        The recurrence. `'rnn'` is the simple (Elman) cell, `'lru'` the linear recurrent unit, for
        stacks of two layers or more; an object that derives from
        :class:`skrnn.core.cells.Cell` is used in its place.

    init : {names_of(INITIALIZERS)} or callable, default='xavier_uniform'
        How the weights of inputs and output start: a name or a function
        ``(rng, n_in, n_out) -> ndarray of shape (n_in, n_out)``.

    recurrent_init : same values as `init`, default='orthogonal'
        How the recurrent weights start. Not used by `'lru'`, which has none.

    optimizer : {names_of(OPTIMIZERS)} or Optimizer, default='adam'
        `'lbfgs'` works on all samples at once and takes no learning rate, which suits small
        data; all others work on batches. `'lion'` takes steps of one size in every weight: give
        it a `learning_rate_init` several times smaller, and a larger `alpha`. An object that
        follows :class:`skrnn.core.optimizers.Optimizer` is copied by every `fit` and keeps its
        own hyperparameters.

    bidirectional : bool or 'auto', default='auto'
        Whether every layer also reads the sequences backwards. `'auto'` does so to classify
        sequences of 32 time steps or more (in the median), and of tokens (`embedding_dim`).

    readout : {names_of(READOUTS)}, Readout, tuple or list of these or 'auto', default='auto'
        What the output layer sees of a sequence: its last state, the mean or maximum over its
        time steps, or a mean whose weights are learnt (`'attention'`). A tuple such as
        ``('last', 'mean', 'max')`` joins several side by side; an object that follows
        :class:`skrnn.core.readouts.Readout` is used in place of a name. `'auto'` is `'max'` to
        classify sequences of 32 time steps or more, or of tokens, and `'last'` otherwise. Not
        used with `return_sequences=True`.

    return_sequences : bool, default=False
        Whether there is one target, and one prediction, for every time step. The total loss is
        then the sum of the losses of all time steps, divided by the sum of their weights. A time
        step whose target is missing (NaN, None) has no loss, and is predicted as all others.

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

    static : {"readout", "channels"}, default='readout'
        Where static features join the network: columns of numbers or booleans in a DataFrame whose
        other cells are sequences. `'readout'` puts them beside what is read out of the sequence
        (with `return_sequences=True`, of every time step) and joins both by a layer of 64 units
        with `'relu'`; `'channels'` makes a channel of each that is constant over time, so that
        the recurrence knows them from the first step on. Not used where there are none.

    differences : bool or 'auto', default='auto'
        Whether every channel also comes as its change since the step before, brought to unit
        scale. Not with `embedding_dim`. `'auto'` does so for sequences of 32 time steps or more
        whose channels are smooth: where a change tends to go on in its direction (the differences
        have an autocorrelation above zero, for a regressor above 0.9).

    missing_values : {{'decay', 'error'}}, default='decay'
        What NaN inside a sequence is. With `'decay'` it is a missing value: the last value of the
        channel stands for it, drifting to the channel's mean at a learnt rate, and an indicator
        of what is missing comes as a further input [4]_; in training with batches further values
        are hidden, as :class:`skrnn.core.decay.Decay` says. This is so for the channels that have
        gaps in the first `fit` (`partial_fit`); where there are none, the network is the same as
        without. If another channel has gaps later, its last value is carried on. A gap at the
        start of a sequence takes the channel's mean in the first `fit`. Trailing steps of a 3D
        `X` that are NaN in every channel are padding, and ids (`embedding_dim`) cannot be
        missing. `'error'` refuses NaN.

    frame_length : int or 'auto', default='auto'
        Time steps that the first layer reads side by side as one frame, >= 1. Frames shorten the
        way of the gradient and the time of a fit: see `frame_stride`. With `return_sequences=True`
        a frame predicts for the `frame_stride` steps that begin with it, of which it has seen
        all. 1 reads every step by itself. `'auto'` takes frames to classify sequences, by
        their median length `T`, and sets those of the three parameters below that are left at
        `'auto'`:

        ===============  ============  ================  ===========  ===========
        `T`              frame_length  frame_stride      frame_units  frame_shift
        ===============  ============  ================  ===========  ===========
        below 32         1             1                 None         False
        32 to 63         5             1                 64           False
        64 to 127        16            4                 64           True
        128 to 255       16            8                 64           True
                         8             4                 64           True (not smooth)
        256 to 999       16            8                 64           True
        1000 and more    2 * stride    ceil(T / 125)     64           True
        ===============  ============  ================  ===========  ===========

        Of 64 to 999 tokens the frames are of 8, with stride 4, and not shifted. Otherwise
        `'auto'` is 1, as below 32.

    frame_stride : int or 'auto', default='auto'
        Time steps from the start of a frame to that of the next, >= 1 and <= `frame_length`. The
        recurrence runs that many times fewer steps. `'auto'` follows the table, or is
        `frame_length` where that is given: frames do not overlap.

    frame_units : int, None or 'auto', default='auto'
        Width of a learnt layer with `'relu'` that every frame goes through first, >= 1: a strided
        convolution over time. None passes the frames on as they are. `'auto'` follows the table,
        or is None where `frame_length` is given.

    frame_shift : bool or 'auto', default='auto'
        Whether every batch in training shifts the frames by up to `frame_stride` - 1 steps, at
        random, so that a network does not learn by heart what falls into the same frame. It helps
        to tell patterns that may lie anywhere in long sequences; where a target depends on exact
        positions, as in forecasting, it blurs them. Not with `return_sequences=True` or a
        full-batch optimizer; without effect where `frame_stride` is 1. `'auto'` follows the
        table, or is False where `frame_length` is given.

    bptt_steps : int, default=None
        Truncated backpropagation through time: the state carries on, but a gradient crosses
        at most so many steps (of frames one at least), >= 1, counted in blocks from a sequence's
        end. None is full BPTT.

    max_grad_norm : float, default=1.0
        Upper bound of the norm of the whole gradient, > 0, by scaling it down [2]_. None does
        not clip. Not used by `'lbfgs'`.

    alpha : float, default=1e-4
        L2 penalty on the weight matrices and the embedding vectors, >= 0; divided by the sum of
        a batch's weights. With `'adamw'` and `'lion'` it is the decoupled weight decay instead.

    batch_size : int or 'auto', default='auto'
        Samples a gradient step, >= 1. `'auto'` takes 8 of up to 64 samples (all of them with
        `shuffle=False`), 16 of up to 2048 and 32 of more. Of up to 1000 samples that are
        shuffled, equal ones count as one with the sum of their weights, and one that weighs
        several times the mean comes that many times: a weight and a repetition are the same to
        the bit. Not used by `'lbfgs'`.

    learning_rate : {names_of(SCHEDULES)} or 'auto', default='auto'
        Schedule. `'invscaling'`: ``learning_rate_init / (t_ + 1) ** power_t``; `'adaptive'`:
        divided by 5 whenever `n_iter_no_change` epochs bring no improvement, until 1e-6;
        `'cosine'`: from `learning_rate_init` to 0 over `max_iter` epochs, in every step. `'auto'`
        is `'cosine'`, and `'constant'` in `partial_fit` and with `warm_start=True`.

    learning_rate_init : float, default=5e-3
        Initial learning rate, > 0.

    power_t : float, default=0.5
        Exponent of `'invscaling'`, >= 0.

    max_iter : int or 'auto', default='auto'
        Epochs (iterations of `'lbfgs'`) at the most, >= 1. `'auto'` takes 30 epochs, or so many
        as make 1500 steps of the optimizer if these are fewer; but 10 epochs at the least (up to 30
        where the recurrence takes more than 128 steps), and 600 steps (300 for sequences below
        32 time steps, 400 for others of up to 64 samples).
        Networks with a widest layer of fewer than 64 units take ``sqrt(64 / units)`` times as
        many steps, up to four times. Of `'lbfgs'` it takes 200 iterations.

    shuffle : bool, default=True
        Whether the batches are drawn anew in every epoch.

    random_state : int, RandomState instance or None, default=None
        Source of initial weights, batches, shifts of the frames, dropout and validation split.
        With an int, two fits are equal to the bit.

    tol : float, default=1e-4
        Smallest fall of the loss, with early stopping of the validation loss, that counts, >= 0.

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
        Whether to stop when the loss on a validation set no longer falls, and to restore the
        weights of its smallest value. The validation set is `X_val` of `fit` or, without one,
        part of the data: with `groups` of `fit` whole groups; of windows that share time steps
        the end of every run of them, of which training leaves out those that share a step with
        the part set aside; with `shuffle=False` the last samples; else samples drawn at random,
        every class in proportion.

    validation_fraction : float, default=0.1
        Share of the samples that early stopping sets aside (at least 2 of them), in (0, 1). Not
        used where `fit` is given `X_val`.

    beta_1 : float, default=0.9
        Decay of the first moment of `'adam'`, `'adamw'`, `'nadam'`, `'lion'`, in [0, 1).

    beta_2 : float, default=None
        Decay of the second moment of `'adam'`, `'adamw'`, `'nadam'`, `'rmsprop'`, and of the
        momentum of `'lion'`, in [0, 1). None is what the authors advise: 0.999, for `'lion'` 0.99.

    epsilon : float, default=1e-8
        Added to the denominators of the adaptive optimizers, > 0.

    n_iter_no_change : int, np.inf or 'auto', default='auto'
        More epochs than this without an improvement end training, >= 1; ``np.inf`` trains for
        all `max_iter` epochs. `'auto'` is ``np.inf`` with the schedule `'cosine'`, which plans
        the end of training, else 10; with early stopping a fifth of `max_iter`, but 10 at the
        least."""

ATTRIBUTES = """\
n_features_in_ : int
        Columns of `X`. Defined only if it is 2D, as scikit-learn's own: sequences in any other
        form have channels, `n_channels_in_`.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of columns or channels. Defined only if all are strings.

    n_channels_in_ : int
        Channels of a time step.

    n_static_in_ : int
        Static features: columns of a DataFrame beside those whose cells are sequences.

    auto_params_ : dict
        The values that the parameters left at `'auto'` had in the last fit, by their names.

    network_ : Network
        The trained network: ``network_.architecture`` and ``network_.parameters``.
        ``network_.architecture.decay`` says which channels had gaps, and their means.

    n_iter_ : int
        Epochs run since the weights were initialised.

    t_ : int
        Samples seen since the weights were initialised.

    loss_ : float
        Training loss of the last epoch; if none was completed, that of the last batch, or for
        `'lbfgs'` that of the initial weights.

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

    validation_loss_curve_ : list of float or None
        Loss on the validation set after every epoch: what training minimises, weighted, without
        the penalty. None without a validation set (early stopping, or `X_val` of `fit`); NaN in
        the epochs that had none, if others under `warm_start` had one.

    validation_scores_ : list of float or None
        What `score` says of the validation set after every epoch, accuracy or R2, weighted as the
        loss is; for the eye, as nothing depends on them.

    best_validation_loss_ : float or None
        The smallest validation loss of the last call of `fit`: of the weights that early stopping
        restores.

    best_validation_score_ : float or None
        The score of that epoch, which need not be the highest one.

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
           neural networks. NeurIPS.
    .. [4] Che, Purushotham, Cho, Sontag & Liu (2018). Recurrent neural networks for multivariate
           time series with missing values. Scientific Reports 8."""
