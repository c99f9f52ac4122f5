"""What the cells hold at every time step: states and gates as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skrnn.core.network import Network
from skrnn.inspection._opened import Opened, in_data_time, open_fitted, packed, quantities


def hidden_states(est: Any, X: Any) -> Bunch:
    """Return the states and gates of every layer at every time step.

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
        Fitted.
    X : array-like, list of array-like or DataFrame
        Sequences, in any form that the estimator takes.

    Returns
    -------
    states : :class:`~sklearn.utils.Bunch`
        With the attributes

        layers : list of Bunch
            For every layer ``h``, the states after every step, and the gates and memories by
            the letters of the cell's formulas (``i, f, g, o, c, c_out`` of an LSTM, ``z, r,
            n, s`` of a GRU). Each is an ndarray of shape (n_samples, n_timesteps, width) if
            the sequences are of one length, else an object array of one array of shape
            (n_timesteps, width) for every sequence. `width` is the layer's; the directions
            of a bidirectional layer stand side by side, both in the time of the data. With
            `frame_length` the state of a frame stands at each of the `frame_stride` steps that
            begin with it.
        features : ndarray of shape (n_samples, n_features)
            What the output layer sees of every sequence; with `return_sequences=True` that is
            the top layer's ``h``, and `features` is None.
        lengths : ndarray of shape (n_samples,)
            Time steps of every sequence.

    Raises
    ------
    NotFittedError
        If `est` is not fitted.

    See Also
    --------
    skrnn.preprocessing.HiddenStates : The read-out states as a transformer.
    skrnn.plotting.HiddenStateDisplay : Draws the states of a sequence.

    Examples
    --------
    >>> from skrnn import RNNClassifier
    >>> from skrnn.datasets import load_japanese_vowels
    >>> from skrnn.inspection import hidden_states
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> clf = RNNClassifier(8, cell="lstm", tol=0.1, random_state=0).fit(X, y)
    >>> states = hidden_states(clf, X)
    >>> sorted(states.layers[0])
    ['c', 'c_out', 'f', 'g', 'h', 'i', 'o']
    >>> states.layers[0].h[0].shape, states.features.shape
    ((20, 8), (270, 8))
    """
    return states_of(open_fitted(est, X))


def states_of(opened: Opened) -> Bunch:
    """Return the states of an estimator opened with data."""
    network, sequences = opened.network, opened.sequences
    layers: list[dict[str, np.ndarray]] = [{} for _ in range(network.architecture.n_layers)]
    features = None
    for batch in opened.batches():
        run = network.forward(batch.x, batch.n_active, static=batch.static)
        for layer, caches in enumerate(run.caches):
            for name, values in _side_by_side(network, caches, batch.n_active).items():
                if name not in layers[layer]:
                    shape = (sequences.n_steps, values.shape[2])
                    layers[layer][name] = np.empty(shape, dtype=values.dtype)
                layers[layer][name][batch.steps] = packed(values, batch.n_active)
        if not opened.per_step:
            if features is None:
                features = np.empty((sequences.n_samples, run.features.shape[1]), values.dtype)
            features[batch.samples] = run.features
    return Bunch(
        layers=[
            Bunch(**{name: opened.unpack(values) for name, values in layer.items()})
            for layer in layers
        ],
        features=features,
        lengths=sequences.lengths,
    )


def _side_by_side(
    network: Network, caches: dict[str, Any], n_active: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the quantities of a layer's directions in the time of the data."""
    aligned = [
        {
            name: in_data_time(values, direction, network, n_active)
            for name, values in quantities(network.architecture.cell, cache).items()
        }
        for direction, cache in caches.items()
    ]
    return {name: np.concatenate([part[name] for part in aligned], axis=2) for name in aligned[0]}
