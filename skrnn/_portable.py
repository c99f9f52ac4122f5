"""What leaves Python knows every part of what it takes along, or refuses it by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.utils.validation import check_is_fitted

from skrnn.core.architecture import Architecture, parts_beyond
from skrnn.core.losses import Gaussian, Loss, NegativeBinomial, Quantile, n_raw_of, unchanged
from skrnn.core.network import Network

# The fields of an architecture that exporters read, or that matter in training only. A field
# that is not among them is a part that came later: it must not be left out in silence.
KNOWN_FIELDS = {
    "bidirectional",
    "bptt_steps",
    "cell",
    "decay",
    "differences",
    "dropout",
    "embedding",
    "frames",
    "hidden_sizes",
    "n_inputs",
    "n_outputs",
    "n_static",
    "readout",
    "static_units",
}


def network_of(estimator: Any) -> Network:
    """Return the network of a fitted estimator.

    Parameters
    ----------
    estimator : RNNClassifier or RNNRegressor
        Fitted.

    Raises
    ------
    TypeError
        If it is another kind of estimator.
    NotFittedError
        If it is not fitted.
    """
    if not hasattr(estimator, "hidden_layer_sizes") or not hasattr(estimator, "cell"):
        inside = " Pass its last step." if hasattr(estimator, "steps") else ""
        if hasattr(estimator, "regressor_"):
            inside = " Pass its regressor_, which predicts on the scale of scaled targets."
        raise TypeError(
            f"Expected a fitted RNNClassifier or RNNRegressor; got {type(estimator).__name__}."
            f"{inside}"
        )
    check_is_fitted(estimator, "network_")
    return estimator.network_


def link_name(loss: Loss) -> str | None:
    """Return how a loss predicts numbers from raw ones, None where it is in no known way.

    By the function itself: a link of the user's own may have the name of one of ours. A loss that
    chooses what to predict, as that of a distribution, is not known.

    Examples
    --------
    >>> from skrnn._portable import link_name
    >>> from skrnn.core.losses import Gamma, SquaredError
    >>> link_name(SquaredError()), link_name(Gamma())
    ('identity', 'exponential')
    """
    if n_raw_of(loss) != 1 or not _predicts_first(loss):
        return None
    known = {"identity": unchanged, "exponential": np.exp, "logistic": expit}
    return next((name for name, inverse in known.items() if loss.link.inverse is inverse), None)


def head_name(loss: Loss) -> str | None:
    """Return how a loss makes answers of raw numbers, None where it is in no known way.

    Returns
    -------
    str or None
        What `link_name` returns, for one raw number a target; else "quantiles", "gaussian" or
        "negative_binomial".

    Examples
    --------
    >>> from skrnn._portable import head_name
    >>> from skrnn.core.losses import Gaussian, Poisson, Quantile
    >>> head_name(Poisson()), head_name(Gaussian()), head_name(Quantile((0.1, 0.9)))
    ('exponential', 'gaussian', 'quantiles')
    """
    # By the class itself: one derived from it may predict something else.
    if type(loss) is Quantile and loss.levels is not None:
        return "quantiles"
    known: dict[type, str] = {Gaussian: "gaussian", NegativeBinomial: "negative_binomial"}
    return known.get(type(loss)) or link_name(loss)


def n_static_channels(estimator: Any) -> int:
    """Return how many static features a fitted estimator takes as channels, its last ones."""
    if estimator.network_.architecture.n_static:
        return 0
    return getattr(estimator, "n_static_in_", 0)


def columns_of_numbers(architecture: Architecture) -> tuple[list[int], list[float]]:
    """Return the columns in which values may be missing, and what stands before the first one.

    Parameters
    ----------
    architecture : Architecture
        With a decay, or without.

    Returns
    -------
    columns : list of int
        In ascending order, in what leaves the embedding. Others hold vectors of ids.
    fills : list of float
        For every one of them its mean in `fit`. What is missing there is that, or the last value
        before it.
    """
    decay, embedding = architecture.decay, architecture.embedding
    if decay is None:
        return [], []
    if not decay.fills:
        return list(decay.columns), list(decay.means)
    if embedding is None:
        return list(range(len(decay.fills))), list(decay.fills)
    firsts = np.cumsum(embedding.widths) - embedding.widths
    found = zip(firsts.tolist(), embedding.sizes, decay.fills, strict=True)
    numbers = [(column, fill) for column, size, fill in found if size is None]
    return [column for column, _ in numbers], [fill for _, fill in numbers]


def _predicts_first(loss: Loss) -> bool:
    """Tell whether a loss predicts the one number that it has for every target."""
    predicted = getattr(loss, "predicted", None)
    probe = np.array([[[-2.0]], [[3.0]]])
    return predicted is None or np.array_equal(predicted(probe), probe[..., 0])


def check_known(architecture: Architecture, known: set[str], target: str) -> None:
    """Check that an architecture has no part that an exporter does not know.

    Parameters
    ----------
    architecture : Architecture
        To be exported.
    known : set of str
        Its fields that are taken along.
    target : str
        What it is exported to, for the error.

    Raises
    ------
    ValueError
        If another field has a value that is not its default.
    """
    for name, value in parts_beyond(architecture, known):
        raise ValueError(f"The network has {name}={value!r}, which cannot be exported to {target}.")
