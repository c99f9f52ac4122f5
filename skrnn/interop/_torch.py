"""Weights to PyTorch and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skrnn._portable import (
    KNOWN_FIELDS,
    check_known,
    head_name,
    n_static_channels,
    network_of,
)
from skrnn.core.architecture import Architecture
from skrnn.core.losses import levels_of, n_raw_of
from skrnn.core.network import Network
from skrnn.core.readouts import Attention
from skrnn.interop._fitted import Found, cell_of, check_like, estimator_with
from skrnn.interop._layouts import (
    NAMES,
    activation_name,
    check_cell,
    from_torch_layer,
    n_gates,
    to_torch_layer,
)
from skrnn.interop._torch_module import (
    check_module,
    module_class,
    readouts_of,
    usable_activations,
)
from skrnn.interop._torch_parts import import_torch

# Of recurrent modules of PyTorch.
RECURRENT = re.compile(
    r"(?P<module>.*?)(?P<array>weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(?P<layer>\d+)"
    r"(?P<reverse>_reverse)?"
)
DTYPES = ("torch.float32", "torch.float64")
# How a module makes answers of raw numbers, by our names: the function of torch, or a part of ours.
INVERSES = {
    "identity": None,
    "exponential": "exp",
    "logistic": "sigmoid",
    "quantiles": "quantiles",
    "gaussian": "gaussian",
    "negative_binomial": "negative_binomial",
}


def to_torch(est: Any) -> Any:
    """Return the network of a fitted estimator as a module of PyTorch.

    Parameters
    ----------
    est : RNNClassifier or RNNRegressor
        Fitted. Of a Pipeline pass the last step, and transform what goes into the module.

    Returns
    -------
    torch.nn.Module
        Called as ``module(x, lengths=None, static=None)`` with a tensor of shape (n_samples,
        n_timesteps, n_channels), in which NaN is a missing value, and one of static features,
        (n_samples, n_static), if the network takes any. It returns logits, (n_samples, n_outputs),
        as `decision_function` does (of two classes one column), or of a regressor predictions on
        the scale of the target; with ``return_sequences=True`` there is an axis of time steps in
        between. Several quantiles have the shape that `predict` returns, the levels last; mean and
        standard deviation of a distribution stand side by side in a last axis like that of two
        levels. Its layers are PyTorch's own, in the dtype of the network, and can be trained on;
        dropout is applied in training, the random shift of frames is not. It is in evaluation
        mode.

    Raises
    ------
    ImportError
        If PyTorch is not installed: ``pip install skrnn[torch]``.
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it is none of ours.
    ValueError
        If PyTorch has no layer for a part of the network: cells other than ``"rnn"``, ``"lstm"``
        and ``"gru"``, activations other than tanh (and relu, of the first), read-outs of your
        own, losses with a link that is not known.

    See Also
    --------
    from_torch : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNRegressor
    >>> from skrnn.interop import to_torch
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 2)).astype(np.float32)
    >>> reg = RNNRegressor(8, max_iter=1, learning_rate="cosine").fit(X, X.mean(axis=(1, 2)))
    >>> import torch  # doctest: +SKIP
    >>> to_torch(reg)(torch.as_tensor(X)).shape  # doctest: +SKIP
    torch.Size([20, 1])
    """
    network = network_of(est)
    check_known(network.architecture, KNOWN_FIELDS, "PyTorch")
    check_module(network.architecture)
    torch = import_torch()
    dtype = getattr(torch, str(network.parameters.vector.dtype))
    static = {"static_channels": n_static_channels(est)}
    module = module_class()(network.architecture, **_target_scale(est), **static)
    module = module.to(dtype)
    state = {name: torch.tensor(array) for name, array in _state(network).items()}
    module.load_state_dict(module.state_dict() | state)
    return module.eval()


def from_torch(module: Any, like: Any, *, classes: Any = None) -> Any:
    """Return a fitted estimator with the weights of a module of PyTorch.

    Parameters
    ----------
    module : torch.nn.Module, or mapping of str to tensor
        What `to_torch` returned, trained on or not, or a module of your own, or the `state_dict`
        of one. A module of your own has ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``, of several layers
        or several of them, as they follow each other, then one ``nn.Linear``; with an
        `embedding_dim` an ``nn.Embedding`` in front. Nothing else may have weights.

    like : RNNClassifier or RNNRegressor
        What the weights are of; it is not changed. Of a fitted one the network must have the same
        shape; classes are those that it has, and so is the scale of the target where the module
        has none. Of another, sizes and directions are read from the weights, and what is left at
        ``"auto"`` stands for ``readout="last"`` without differences and frames; its `cell` and
        `activation` must be those of the weights. A regressor then predicts what leaves the module.

    classes : array-like, default=None
        Labels in the order of the outputs, ascending, where `like` is a classifier that is not
        fitted. None stands for 0, 1, .... Two outputs of a softmax become one.

    Returns
    -------
    RNNClassifier or RNNRegressor
        Fitted, in the dtype of the weights (float64 or float32), or in that of a fitted `like`.
        The curves of its training are empty.

    Raises
    ------
    TypeError
        If `module` or `like` is something else.
    ValueError
        If the weights do not go with `like`, with the first few arrays of another shape.

    Notes
    -----
    ``readout="last"`` is the state of every direction after its last step, PyTorch's ``h_n``. Of
    a bidirectional module, ``output[:, -1]`` is something else: the backward direction has read
    one step only there.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> from skrnn.interop import from_torch
    >>> rng = np.random.default_rng(0)
    >>> state = {  # of nn.GRU(2, 3) and nn.Linear(3, 4)
    ...     "rnn.weight_ih_l0": rng.normal(size=(9, 2)),
    ...     "rnn.weight_hh_l0": rng.normal(size=(9, 3)),
    ...     "rnn.bias_ih_l0": rng.normal(size=9),
    ...     "rnn.bias_hh_l0": rng.normal(size=9),
    ...     "head.weight": rng.normal(size=(4, 3)),
    ...     "head.bias": rng.normal(size=4),
    ... }
    >>> clf = from_torch(state, like=RNNClassifier(cell="gru"), classes=["a", "b", "c", "d"])
    >>> clf.predict_proba(rng.normal(size=(5, 7, 2))).shape
    (5, 4)
    """
    check_like(like)
    cell = cell_of(like)
    check_cell(cell, "PyTorch")
    if hasattr(like, "network_"):
        check_known(like.network_.architecture, KNOWN_FIELDS, "PyTorch")
    _check_nonlinearity(module, cell)
    estimator = estimator_with(like, _found(_arrays(module), cell), classes, _other_names)
    _check_inverse(module, estimator)
    return estimator


def _check_inverse(module: Any, estimator: Any) -> None:
    """Check that a module of ours predicts by the link that the estimator has."""
    if not isinstance(getattr(module, "architecture", None), Architecture):
        return
    regresses = getattr(module, "divisor", None) is not None
    if is_classifier(estimator) == regresses:
        kinds = ("a regressor", "a classifier")
        raise ValueError(
            f"The module was made of {kinds[not regresses]}; like is {kinds[regresses]}."
        )
    loss = estimator._targets.loss
    own = INVERSES[head_name(loss) or "identity"], levels_of(loss)
    if regresses and (module.inverse, getattr(module, "levels", None)) != own:
        raise ValueError(
            f"The module predicts by {module.inverse or 'the identity'}, like by another link: "
            f"loss={estimator.loss!r}. Give `like` the loss that the module was made with."
        )


def _target_scale(est: Any) -> dict[str, Any]:
    """Return what takes the raw prediction of an estimator to the scale of its target."""
    targets = est._targets
    scale = getattr(targets, "target_scale", None)
    if scale is None:
        return {}
    head, n_raw = head_name(targets.loss), n_raw_of(targets.loss)
    if head is None or len(scale.location) * n_raw != est.network_.architecture.n_outputs:
        raise ValueError(
            f"How the loss {targets.loss!r} makes predictions of raw outputs cannot be taken to "
            "PyTorch."
        )
    constant = None if np.isnan(scale.constant).all() else scale.constant
    return {
        "location": scale.location,
        "divisor": scale.divisor,
        "inverse": INVERSES[head],
        "constant": constant,
        "levels": levels_of(targets.loss),
        "single": bool(targets.single),
    }


# --- our arrays as those of a module --------------------------------------------------------------


def _state(network: Network) -> dict[str, np.ndarray]:
    """Return the state of the module that has the weights of a network."""
    architecture, parameters = network.architecture, network.parameters
    state = {}
    if architecture.embedding is not None:
        for channel, name, _ in architecture.embedding.tables():
            state[f"embedding.{channel}.weight"] = parameters[f"embedding.{name}"]
    for i in range(architecture.n_layers):
        for direction in architecture.directions:
            end = "_reverse" if direction == "reverse" else ""
            own = to_torch_layer(architecture.cell, network.weights(i, direction))
            state |= {f"layers.{i}.{name}_l0{end}": array for name, array in own.items()}
    return state | {
        theirs: parameters[ours].T for ours, theirs in _other_names(architecture).items()
    }


def _other_names(architecture: Architecture) -> dict[str, str]:
    """Return the module's names of arrays beside layers and embedding, by ours.

    Matrices are transposed there.
    """
    names: dict[str, str] = {}
    if architecture.frames is not None and architecture.frames.units is not None:
        names |= {"frames.W": "frames.weight", "frames.b": "frames.bias"}
    if architecture.static is not None and architecture.static.units:
        names |= {"static.W": "static.weight", "static.b": "static.bias"}
    if architecture.decay is not None:
        names |= {f"decay.{name}": f"decay.{name}" for name in architecture.decay.shapes()}
    attend = [isinstance(each, Attention) for each in readouts_of(architecture)]
    for direction in architecture.directions:
        prefix = f"readout.{direction}."
        ours = [name for name in architecture.shapes() if name.startswith(prefix)]
        places = [i for i, present in enumerate(attend) if present]
        # W, b and v of one read-out after the other.
        for k, i in enumerate(places):
            W, b, v = ours[3 * k : 3 * k + 3]
            prefix = f"attention.{direction}_{i}"
            names |= {W: f"{prefix}.W.weight", b: f"{prefix}.W.bias", v: f"{prefix}.v.weight"}
    return names | {"output.W": "output.weight", "output.b": "output.bias"}


# --- the arrays of a module as ours ---------------------------------------------------------------


def _arrays(module: Any) -> dict[str, np.ndarray]:
    """Return the arrays of a module or its state."""
    state = module.state_dict() if hasattr(module, "state_dict") else module
    if not isinstance(state, Mapping):
        raise TypeError(
            "Expected a module of PyTorch or its state_dict, a mapping of names to tensors; got "
            f"{type(module).__name__}."
        )
    arrays = {}
    for name, value in state.items():
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            # NumPy has no bfloat16, and no network of ours is of half precision.
            value = (value if str(value.dtype) in DTYPES else value.float()).numpy()
        arrays[str(name)] = np.asarray(value)
    return arrays


def _check_nonlinearity(module: Any, cell: Any) -> None:
    """Check that the recurrent modules are of the cell and the activation of `like`."""
    for each in module.modules() if hasattr(module, "modules") else ():
        mode = getattr(each, "mode", None)
        if not isinstance(mode, str):
            continue
        kind, _, nonlinearity = mode.lower().partition("_")
        own = activation_name(cell.activation)
        if kind != NAMES[type(cell)] or (nonlinearity or "tanh") != own:
            raise ValueError(
                f"The module has {mode}, like the cell {NAMES[type(cell)]!r} with "
                f"activation={own!r}. Give `like` those of the module."
            )
    usable = usable_activations(cell)
    if activation_name(cell.activation) not in usable:
        raise ValueError(
            f"like has activation={cell.activation.name!r}; PyTorch's layers have "
            f"{' or '.join(map(repr, usable))}."
        )


def _found(arrays: dict[str, np.ndarray], cell: Any) -> Found:
    """Return the layers, embedding and output layer among the arrays of a module."""
    layers: dict[tuple[str, int], dict[str, dict[str, np.ndarray]]] = {}
    rest = dict(arrays)
    for name in arrays:
        match = RECURRENT.fullmatch(name)
        if match is None:
            continue
        if match["array"] == "weight_hr":
            raise ValueError("nn.LSTM with proj_size has no counterpart here.")
        key = match["module"], int(match["layer"])
        of_layer = layers.setdefault(key, {})
        of_layer.setdefault(match["reverse"] or "", {})[match["array"]] = rest.pop(name)
    if not layers:
        raise ValueError(
            f"There are no weights of nn.RNN, nn.LSTM or nn.GRU among {sorted(arrays)[:6]}."
        )
    for (module, layer), directions in layers.items():
        for own in directions.values():
            _check_layer(f"{module}weight_hh_l{layer}", own, cell)
    by_direction = [
        [from_torch_layer(cell, directions[end]) for end in ("", "_reverse") if end in directions]
        for directions in layers.values()
    ]
    return _with_rest(by_direction, rest)


def _check_layer(name: str, own: dict[str, np.ndarray], cell: Any) -> None:
    if not {"weight_ih", "weight_hh"} <= set(own):
        raise ValueError(f"Of the layer of {name}, weight_ih or weight_hh is missing.")
    rows, size = own["weight_hh"].shape
    if rows != n_gates(cell) * size:
        raise ValueError(
            f"{name} has the shape {(rows, size)}: {rows // size} gate(s), while the cell of like, "
            f"{NAMES[type(cell)]!r}, has {n_gates(cell)}. Set the `cell` that the weights are of."
        )


def _with_rest(layers: list[Any], rest: dict[str, np.ndarray]) -> Found:
    """Return layers with what is beside them: embedding, output layer, and other parts of ours."""
    others, scale = {}, None
    if {"output.weight", "location", "divisor"} <= set(rest):
        location, divisor = rest.pop("location"), rest.pop("divisor")
        scale = location, divisor, rest.pop("constant", np.full_like(location, np.nan))
    for name in list(rest):
        if (
            name.startswith(("attention.", "frames.", "static.", "decay."))
            and "output.weight" in rest
        ):
            others[name] = rest.pop(name).T
    matrices = [name for name, array in rest.items() if array.ndim == 2]
    *tables, last = matrices or [""]
    bias = last.removesuffix("weight") + "bias"
    unknown = sorted(set(rest) - {*matrices, bias})
    if not last.endswith("weight") or unknown:
        raise ValueError(
            "Beside its recurrent layers the module should have one nn.Linear as its last, and "
            f"perhaps nn.Embedding in front; it has {sorted(rest)}."
        )
    W = rest[last].T
    b = rest.get(bias, np.zeros(W.shape[1], W.dtype))
    return Found(layers, [rest[name] for name in tables], W, b, others, scale)
