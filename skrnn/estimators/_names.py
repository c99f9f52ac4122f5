"""Names that parameters have elsewhere: errors that tell what to write here."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from inspect import Parameter, signature
from numbers import Real
from typing import Any, Self

from sklearn.utils._param_validation import InvalidParameterError

from skrnn._html import DescribedMixin

# Name in Keras, PyTorch, skorch or scikit-learn -> name here.
NAMES_HERE = {
    "solver": "optimizer",
    "algorithm": "optimizer",
    "units": "hidden_layer_sizes",
    "n_units": "hidden_layer_sizes",
    "num_units": "hidden_layer_sizes",
    "hidden_units": "hidden_layer_sizes",
    "n_hidden": "hidden_layer_sizes",
    "hidden_size": "hidden_layer_sizes",
    "hidden_sizes": "hidden_layer_sizes",
    "hidden_dim": "hidden_layer_sizes",
    "n_layers": "hidden_layer_sizes",
    "num_layers": "hidden_layer_sizes",
    "nonlinearity": "activation",
    "rnn_type": "cell",
    "cell_type": "cell",
    "kernel_initializer": "init",
    "recurrent_initializer": "recurrent_init",
    "return_sequence": "return_sequences",
    "pooling": "readout",
    "recurrent_dropout": "dropout",
    "dropout_rate": "dropout",
    "n_features": "n_channels",
    "vocab_size": "n_tokens",
    "num_embeddings": "n_tokens",
    "embedding_size": "embedding_dim",
    "output_dim": "embedding_dim",
    "kernel_size": "frame_length",
    "strides": "frame_stride",
    "stride": "frame_stride",
    "filters": "frame_units",
    "tbptt_steps": "bptt_steps",
    "truncated_bptt_steps": "bptt_steps",
    "clipnorm": "max_grad_norm",
    "global_clipnorm": "max_grad_norm",
    "gradient_clip_val": "max_grad_norm",
    "clip_value": "max_grad_norm",
    "l2": "alpha",
    "weight_decay": "alpha",
    "kernel_regularizer": "alpha",
    "epochs": "max_iter",
    "n_epochs": "max_iter",
    "num_epochs": "max_iter",
    "max_epochs": "max_iter",
    "n_iter": "max_iter",
    "max_fun": "max_iter",
    "lr": "learning_rate_init",
    "eta0": "learning_rate_init",
    "lr_schedule": "learning_rate",
    "lr_scheduler": "learning_rate",
    "seed": "random_state",
    "min_delta": "tol",
    "patience": "n_iter_no_change",
    "nesterov": "nesterovs_momentum",
    "validation_split": "validation_fraction",
    "train_split": "validation_fraction",
    "beta1": "beta_1",
    "beta2": "beta_2",
    "rho": "beta_2",
    "betas": "beta_1 and beta_2",
    "eps": "epsilon",
    "criterion": "loss",
    "objective": "loss",
    "class_weights": "class_weight",
}

# What has no counterpart, and what does the work here.
INSTEAD = {
    "stateful": "a state does not outlive its sequence: pass sequences as long as the state is to "
    "last, and bptt_steps to shorten the way of the gradient.",
    "return_state": "skrnn.inspection.hidden_states and skrnn.preprocessing.HiddenStates return "
    "the states of a fitted network.",
    "go_backwards": "bidirectional=True reads the sequences in both directions.",
    "unroll": "the compiled kernels need no unrolling.",
    "time_major": "X is (n_samples, n_timesteps, n_channels), or a list of arrays.",
    "batch_first": "X is (n_samples, n_timesteps, n_channels), or a list of arrays.",
    "input_size": "it is taken from X.",
    "input_shape": "it is taken from X.",
    "input_dim": "it is taken from X; n_tokens is the number of ids of an embedding.",
    "mask_value": "sequences of different lengths need no mask: pass a list of arrays, or an array "
    "padded with NaN.",
    "mask_zero": "sequences of different lengths need no mask: pass a list of arrays, or an array "
    "padded with NaN.",
    "masking": "sequences of different lengths need no mask: pass a list of arrays, or an array "
    "padded with NaN.",
    "recurrent_activation": "the gates of GRU and LSTM are always logistic.",
    "use_bias": "every layer has a bias.",
    "bias": "every layer has a bias.",
    "metrics": "choose `scoring` of scikit-learn's searches, or skrnn.callbacks.EarlyStopping.",
    "callbacks": "call set_callbacks.",
    "validation_data": "pass X_val and y_val to fit.",
    "device": "everything runs on the CPU.",
    "n_jobs": "OMP_NUM_THREADS or threadpoolctl set the number of threads.",
}


# Value of a parameter elsewhere -> value here. Names are also known in another case ("LSTM").
VALUES_HERE = {
    "loss": {
        "mse": "squared_error",
        "mean_squared_error": "squared_error",
        "l2": "squared_error",
        "mae": "absolute_error",
        "mean_absolute_error": "absolute_error",
        "l1": "absolute_error",
        "smooth_l1": "huber",
        "pinball": "quantile",
        "nll": "gaussian",
    },
    "learning_rate": {
        "plateau": "adaptive",
        "reduce_on_plateau": "adaptive",
        "cosine_decay": "cosine",
    },
    "cell": {"simple_rnn": "rnn", "simplernn": "rnn", "elman": "rnn"},
    "activation": {"linear": "identity"},
    "readout": {"avg": "mean", "average": "mean"},
}


class KnownNamesMixin(DescribedMixin):
    """Errors about parameters that say what the name is here."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            # Not by assignment, which type checkers take for an attribute of its own.
            type.__setattr__(cls, "__init__", _naming_what_is_unknown(vars(cls)["__init__"]))

    def set_params(self, **params: Any) -> Self:
        """Set parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Names and values.

        Returns
        -------
        self : object
            The estimator itself.

        Raises
        ------
        ValueError
            If there is no parameter of that name; it says what a name of Keras, PyTorch or
            scikit-learn is here.
        """
        known = self.get_params(deep=False)  # type: ignore[attr-defined]
        for name in params:
            own = name.partition("__")[0]
            if own not in known and (hint := hint_for(own, known)):
                raise ValueError(
                    f"Invalid parameter {own!r} for estimator {type(self).__name__}: {hint}"
                )
        return super().set_params(**params)  # type: ignore[misc]

    def _validate_params(self) -> None:
        try:
            super()._validate_params()  # type: ignore[misc]
        except InvalidParameterError as error:
            if hint := _hint_for_value(str(error), self.get_params(deep=False)):  # type: ignore[attr-defined]
                raise InvalidParameterError(f"{error} {hint}") from None
            raise


def _naming_what_is_unknown(init: Callable[..., None]) -> Callable[..., None]:
    """Let a constructor say what the name of a parameter that it does not have is here."""
    known = signature(init).parameters
    takes_all = any(each.kind is Parameter.VAR_KEYWORD for each in known.values())

    @wraps(init)
    def with_hint(self: Any, *args: Any, **params: Any) -> None:
        for name in params:
            if name not in known and not takes_all and (hint := hint_for(name, dict(known))):
                raise TypeError(f"{type(self).__name__} has no parameter {name!r}: {hint}")
        init(self, *args, **params)

    return with_hint


def _hint_for_value(error: str, params: dict[str, Any]) -> str | None:
    """Return what to write in place of the value that an error is about; None if nobody knows."""
    name = next((name for name in params if f"The {name!r} parameter" in error), "")
    value = params.get(name)
    if name == "learning_rate" and isinstance(value, Real):
        return f"It is the schedule; the rate itself is learning_rate_init={value!r}."
    if not isinstance(value, str):
        return None
    lower = value.lower()
    if name == "cell" and lower[:2] == "bi" and repr(lower[2:]) in error:
        return f"Set cell={lower[2:]!r} and bidirectional=True."
    here = VALUES_HERE.get(name, {}).get(lower.replace(" ", "_"), lower)
    options = re.findall(r"'(\w+)'", error.partition("must be")[2].partition("Got ")[0])
    if here != value and here in options:
        return f"skrnn calls it {here!r}."
    close = get_close_matches(lower, options, n=1)
    return f"Did you mean {close[0]!r}?" if close else None


def hint_for(name: str, known: dict[str, Any]) -> str | None:
    """Return what to write in place of a parameter that an estimator does not have.

    Parameters
    ----------
    name : str
        As the user wrote it.
    known : dict
        The parameters that there are, by name.

    Returns
    -------
    str or None
        None if nothing is known about it.

    Examples
    --------
    >>> from skrnn.estimators._names import hint_for
    >>> hint_for("solver", {"optimizer": "adam"})
    "skrnn calls it 'optimizer'."
    >>> hint_for("max_itre", {"max_iter": 200})
    "did you mean 'max_iter'?"
    """
    here = NAMES_HERE.get(name)
    if here is not None and all(part in known for part in here.split(" and ")):
        return f"skrnn calls it {' and '.join(map(repr, here.split(' and ')))}."
    if name in INSTEAD:
        return f"skrnn has none: {INSTEAD[name]}"
    if name in ("loss", "quantile", "huber_delta", "normalize_y") or here == "loss":
        return "RNNClassifier always minimises the log loss; RNNRegressor has this parameter."
    if name == "class_weight" or here == "class_weight":
        return "a regressor has no classes; pass sample_weight to fit."
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else None
