"""Every quantity of backpropagation through time, for one sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skrnn.core.network import ForwardPass, Network
from skrnn.core.parameters import part_of
from skrnn.inspection._opened import Opened, open_estimator, open_fitted, quantities
from skrnn.sequences import Batch


def unrolled(est: Any, X: Any, i: int, y: Any = None) -> Bunch:
    r"""Unroll the network over one sequence and return all of its numbers, for teaching.

    The names are those of the formulas of the cells (see :class:`skrnn.core.cells.SimpleRNN`,
    :class:`skrnn.core.cells.LSTM`, :class:`skrnn.core.cells.GRU`). The same weights serve every
    time step, so the gradient is the sum of what the single steps contribute [1]_:

    .. math::
        \frac{\partial L}{\partial W} = \sum_t \left.\frac{\partial L}{\partial W}\right|_t
        \qquad L = \sum_t L_t

    Parameters
    ----------
    est : RNNClassifier, RNNRegressor, or a Pipeline, search or other wrapper of one
        Fitted; or, with `y`, not: then at its initial weights.
    X : array-like, list of array-like or DataFrame
        Sequences, in any form that the estimator takes.
    i : int
        Which of them.
    y : array-like, default=None
        Targets of all of `X`, as in `fit`. Without them there is no loss and no gradient.

    Returns
    -------
    unrolled : :class:`~sklearn.utils.Bunch`
        With `T` the length of the sequence, and the attributes

        x : ndarray of shape (T, n_channels)
            The sequence, as it arrives at the network.
        channels : list of str or None
            Names of its channels, if they have any.
        static : Bunch or None
            Of a network with static features at the read-out: x (n_static,), the features;
            weights, a dict of those of the layer that joins them with the features of the
            sequence, and, with `y`, gradient.
        layers : list of Bunch
            For every layer one Bunch for each direction, `forward` (and `reverse`, in its own
            time). With `H` the width of the layer it holds

            - x (T, n_inputs): the input of the layer; of the first one with the vectors of an
              embedding in place of ids;
            - h (T + 1, H): ``h[0]`` is the initial state, ``h[t + 1]`` the state after step `t`;
            - the gates by their names, and what else the cell computes (c, c_out, s), (T, H);
            - weights: dict of the weights, by name.

            And with `y`

            - dh_above (T + 1, H): what arrives at ``h[t]`` from the output or the layer above;
            - dh (T + 1, H): :math:`\partial L / \partial h_t`, the former and what comes back
              from step `t`;
            - dx (T, n_inputs): gradient of the input;
            - contributions: dict of arrays (T, \*shape of the weight): what every step adds
              to the gradient of the weight. That of the bias ``b`` is the gradient of the
              step's pre-activations;
            - gradient: dict of arrays, the gradient that training uses.
        readout : Bunch
            For every direction one Bunch with weights, a dict of those of the read-out (empty for
            most), and, with `y`, gradient.
        features : ndarray of shape (n_rows, n_features)
            What the output layer sees; `n_rows` is T with `return_sequences=True`, else 1.
        raw_prediction : ndarray of shape (n_rows, n_outputs)
            ``features @ W + b`` of the output layer.
        output : Bunch
            weights ``{"W", "b"}`` and, with `y`, gradient, contributions of the rows (n_rows,
            \*shape) and d_raw, the gradient of the raw prediction.
        step_losses : ndarray of shape (n_rows,)
            With `y`: the loss of every row, unweighted.
        loss : float
            With `y`: their sum, the error that is sent back. Without L2 penalty.

    Raises
    ------
    IndexError
        If there is no sequence `i`.
    ValueError, TypeError
        If data are not valid, or if the network reads frames.
    NotFittedError
        If `est` is not fitted and there is no `y`.

    See Also
    --------
    gradient_flow : How far the gradient reaches, over all sequences.
    skrnn.plotting.UnrolledNetworkDisplay : Draws the unrolled network.

    References
    ----------
    .. [1] Werbos (1990). Backpropagation through time: what it does and how to do it.
           Proceedings of the IEEE 78(10).

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.inspection import unrolled
    >>> X, y = np.random.RandomState(0).normal(size=(5, 4, 1)), np.arange(5.0)
    >>> net = unrolled(RNNRegressor(3, cell="rnn", random_state=0), X, 0, y)
    >>> layer = net.layers[0].forward
    >>> layer.h.shape, layer.contributions["W_h"].shape
    ((5, 3), (4, 3, 3))
    >>> bool(np.allclose(layer.contributions["W_h"].sum(axis=0), layer.gradient["W_h"]))
    True
    """
    opened = open_fitted(est, X) if y is None else open_estimator(est, X, y)
    n_samples = opened.sequences.n_samples
    if not -n_samples <= i < n_samples:
        raise IndexError(f"There is no sequence {i}: X has n_samples={n_samples}.")
    network = opened.network
    if network.architecture.frames is not None:
        raise ValueError(
            "unrolled shows a network that reads its time steps one by one; one with "
            "frame_length > 1 or frame_units is not supported yet."
        )
    batch = opened.sequences.batch([range(n_samples)[i]])
    run = network.forward(batch.x, batch.n_active, static=batch.static)
    layers = [_forward_part(network, run, layer) for layer in range(len(run.caches))]
    net = Bunch(
        x=batch.x[:, 0],
        static=_static_part(network, batch),
        channels=opened.sequences.channels,
        layers=layers,
        readout=Bunch(
            **{
                direction: Bunch(weights=network.readout_weights(direction))
                for direction in network.architecture.directions
            }
        ),
        features=run.features,
        raw_prediction=run.raw_prediction,
        output=Bunch(weights={name: network.parameters[f"output.{name}"] for name in "Wb"}),
    )
    if y is not None:
        _add_losses(net, opened, opened.rows(batch), run)
        _add_gradients(net, network, run)
    return net


def _static_part(network: Network, batch: Batch) -> Bunch | None:
    if batch.static is None:
        return None
    return Bunch(x=batch.static[0], weights=part_of(network.parameters, "static."))


def _forward_part(network: Network, run: ForwardPass, layer: int) -> Bunch:
    cell, directions = network.architecture.cell, Bunch()
    for direction, cache in run.caches[layer].items():
        named = {name: value[:, 0] for name, value in quantities(cell, cache).items()}
        named |= {"x": cache.x[:, 0], "h": cache.h[:, 0]}
        directions[direction] = Bunch(**named, weights=network.weights(layer, direction))
    return directions


def _add_losses(net: Bunch, opened: Opened, rows: np.ndarray, run: ForwardPass) -> None:
    assert opened.y is not None
    weight = opened.counts(rows).astype(run.raw_prediction.dtype)
    of_rows = [
        opened.loss(run.raw_prediction[k : k + 1], opened.y[row : row + 1], weight[k : k + 1])
        for k, row in enumerate(rows)
    ]
    net.step_losses = np.array([value for value, _ in of_rows])
    net.loss = float(net.step_losses.sum())
    net.output.d_raw = np.concatenate([d_raw for _, d_raw in of_rows])


def _add_gradients(net: Bunch, network: Network, run: ForwardPass) -> None:
    d_raw = net.output.d_raw
    gradient = network.backward(d_raw, run)
    net.output.gradient = {name: gradient[f"output.{name}"] for name in "Wb"}
    if net.static is not None:
        net.static.gradient = part_of(gradient, "static.")
    net.output.contributions = {"W": run.features[:, :, None] * d_raw[:, None], "b": d_raw}
    for direction, part in net.readout.items():
        part.gradient = {name: gradient[f"readout.{direction}.{name}"] for name in part.weights}
    dh = network.gradient_of_top(d_raw, run)
    for layer in reversed(range(len(net.layers))):
        for direction, part in net.layers[layer].items():
            cache = run.caches[layer][direction]
            _add_contributions(part, network, cache, dh[direction])
            prefix = f"layers.{layer}.{direction}."
            part.gradient = {name: gradient[prefix + name] for name in part.weights}
        if layer > 0:
            dx = {direction: part.dx[:, None] for direction, part in net.layers[layer].items()}
            dh = network.gradient_below(dx, run.n_active)


def _add_contributions(part: Bunch, network: Network, cache: Any, dh: np.ndarray) -> None:
    """Go back one step at a time: what each returns is what it alone contributes."""
    cell, cut = network.architecture.cell, network.cut(cache.n_active, 1)
    n_timesteps = len(cache.x)
    part.dh_above, part.dh = dh[:, 0], dh[:, 0].copy()
    part.dx = np.zeros_like(part.x)
    part.contributions = {
        name: np.zeros((n_timesteps, *W.shape), dtype=W.dtype) for name, W in part.weights.items()
    }
    steps = list(cell.steps(cache, part.weights))
    beyond: dict[str, Any] = {}
    for t in reversed(range(n_timesteps)):
        d_step = np.stack([np.zeros_like(dh[0]), part.dh[None, t + 1]])
        dx, dweights, dstate = cell.backward(d_step, steps[t], part.weights, **beyond)
        for name, dweight in dweights.items():
            part.contributions[name][t] = dweight
        part.dx[t] = dx[0, 0]  # type: ignore[index]
        if cut is not None and cut[t, 0]:
            dstate = tuple(np.zeros_like(array) for array in dstate)
        part.dh[t] += dstate[0][0]
        if len(dstate) > 1:
            beyond = {"dstate": (np.zeros_like(dstate[0]), *dstate[1:])}
