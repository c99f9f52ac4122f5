"""The network of an estimator as a module of PyTorch, which is imported when one is made."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from skrnn._portable import columns_of_numbers
from skrnn.core.activations import Activation
from skrnn.core.architecture import Architecture
from skrnn.core.cells import GRU, LSTM, Cell, SimpleRNN
from skrnn.core.readouts import Attention, Joined, Last, Max, Mean, Readout
from skrnn.interop._layouts import activation_name, check_cell
from skrnn.interop._torch_parts import HEADS, import_torch, without_gaps

# PyTorch's name of the functions, by ours.
FUNCTIONS = {
    "tanh": "tanh",
    "relu": "relu",
    "logistic": "sigmoid",
    "sigmoid": "sigmoid",
    "identity": "identity",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "softsign": "softsign",
}
MODULES = {SimpleRNN: "RNN", LSTM: "LSTM", GRU: "GRU"}
KNOWN_READOUTS = (Last, Mean, Max, Attention)


def check_module(architecture: Architecture) -> None:
    """Raise ValueError, with the name of the part, where PyTorch has no layer for it."""
    check_cell(architecture.cell, "PyTorch")
    activation = architecture.cell.activation
    usable = usable_activations(architecture.cell)
    if activation_name(activation) not in usable:
        raise ValueError(
            f"PyTorch's {MODULES[type(architecture.cell)]} has no activation "
            f"{activation.name!r}: it can take {' or '.join(map(repr, usable))}."
        )
    of_frames = None if architecture.frames is None else architecture.frames.activation
    if of_frames is not None and activation_name(of_frames) is None:
        raise ValueError(
            f"The frames have the activation {of_frames.name!r}, which is none of ours and cannot "
            "be taken to PyTorch."
        )
    for readout in readouts_of(architecture):
        if type(readout) not in KNOWN_READOUTS:
            raise ValueError(f"The read-out {readout!r} cannot be taken to PyTorch.")


def usable_activations(cell: Cell) -> tuple[str, ...]:
    """Return the activations that PyTorch's layer of a cell can have."""
    return ("tanh", "relu") if type(cell) is SimpleRNN else ("tanh",)


def readouts_of(architecture: Architecture) -> list[Readout]:
    """Return the read-outs of one direction, one after the other."""

    def opened(readout: Readout) -> list[Readout]:
        if type(readout) is not Joined:
            return [readout]
        return [each for part in readout.readouts for each in opened(part)]

    return [] if architecture.readout is None else opened(architecture.readout)


class _SequenceNetwork:
    """A recurrent network with the outputs of an estimator; made by `to_torch`.

    Parameters
    ----------
    architecture : Architecture
        Of the network.
    location, divisor : ndarray of shape (n_outputs,), or None
        What takes a raw prediction to the target's scale; None leaves it as it is.
    inverse : str or None
        Name of the function of torch that comes before, or of what several raw numbers of a target
        describe: "quantiles", "gaussian" or "negative_binomial".
    constant : ndarray of shape (n_outputs,) or None
        The values of outputs that are constant, NaN for others.
    levels : tuple of float or None, default=None
        Those of the quantiles.
    single : bool, default=False
        Whether several numbers of one target have no axis of targets.
    static_channels : int, default=0
        Static features that are taken as channels, the last ones.
    """

    def __init__(
        self: Any,
        architecture: Architecture,
        location: np.ndarray | None = None,
        divisor: np.ndarray | None = None,
        inverse: str | None = None,
        constant: np.ndarray | None = None,
        levels: tuple[float, ...] | None = None,
        single: bool = False,
        static_channels: int = 0,
    ):
        torch = import_torch()
        super().__init__()
        self.architecture, self.inverse, self.levels = architecture, inverse, levels
        self.single, self.static_channels = single, static_channels
        # The scale of the target goes along with the weights, which are of no use without it.
        kept = {"location": location, "divisor": divisor, "constant": constant}
        columns, fills = columns_of_numbers(architecture)
        others = {"fills": np.array(fills) if columns else None}
        if architecture.differences is not None:
            others["scales"] = np.asarray(architecture.differences.scales)
        for name, value in (kept | others).items():
            tensor = None if value is None else torch.as_tensor(value)
            self.register_buffer(name, tensor, persistent=name in kept)
        self._add_layers(torch.nn)

    def _add_layers(self: Any, nn: Any) -> None:
        """Add the layers that have weights."""
        architecture = self.architecture
        if architecture.embedding is not None:
            tables = architecture.embedding.tables()
            named = {str(channel): nn.Embedding(*size) for channel, _, size in tables}
            self.embedding = nn.ModuleDict(named)
        n_gappy = 0 if architecture.decay is None else len(architecture.decay.columns)
        if n_gappy:
            empty = import_torch().empty
            self.decay = nn.ParameterDict({name: empty(n_gappy) for name in ("w", "b")})
        frames = architecture.frames
        if frames is not None and frames.units is not None:
            self.frames = nn.Linear(frames.length * frames.n_inputs, frames.units)
        self.layers = nn.ModuleList(self._layer(nn, layer) for layer in architecture.layers)
        attend = [isinstance(each, Attention) for each in readouts_of(architecture)]
        if any(attend):
            n = architecture.hidden_sizes[-1]
            self.attention = nn.ModuleDict(
                {
                    f"{direction}_{i}": nn.ModuleDict(
                        {"W": nn.Linear(n, n), "v": nn.Linear(n, 1, bias=False)}
                    )
                    for direction in architecture.directions
                    for i, present in enumerate(attend)
                    if present
                }
            )
        static = architecture.static
        if static is not None and static.units:
            self.static = nn.Linear(static.n_inputs, static.units)
        output = architecture.output
        self.output = nn.Linear(output.n_features, output.n_outputs)

    def _layer(self: Any, nn: Any, layer: Any) -> Any:
        kind = type(layer.cell)
        nonlinearity = {}
        if kind is SimpleRNN:
            nonlinearity["nonlinearity"] = FUNCTIONS[layer.cell.activation.name]
        return getattr(nn, MODULES[kind])(
            layer.n_inputs,
            layer.hidden_size,
            batch_first=True,
            bidirectional=len(layer.directions) == 2,
            **nonlinearity,
        )

    def forward(self: Any, x: Any, lengths: Any = None, static: Any = None) -> Any:
        """Return what the estimator predicts, before the activation of a classifier's outputs.

        Parameters
        ----------
        x : Tensor of shape (n_samples, n_timesteps, n_channels)
            Sequences; those that are shorter, with anything finite behind their end. Missing
            values are NaN, if the estimator takes them.
        lengths : Tensor or array-like of shape (n_samples,), default=None
            Lengths of the sequences, >= 1. None: all fill the time axis.
        static : Tensor of shape (n_samples, n_static), default=None
            Static features, in the order of their columns, for a network that takes any.

        Returns
        -------
        Tensor of shape (n_samples, n_outputs) or (n_samples, n_timesteps, n_outputs)
            Of a classifier logits: of two classes that of the second, one column. Of a regressor
            predictions on the scale of the target. Several quantiles of a target, or mean and
            standard deviation of a distribution, are a last axis, in place of that of the outputs
            where `y` had one axis. With a prediction at every step, those behind a sequence's end
            are zero.
        """
        torch = import_torch()
        n_timesteps = x.shape[1]
        if lengths is None:
            lengths = torch.full((len(x),), n_timesteps)
        lengths = torch.as_tensor(lengths, dtype=torch.int64)
        if len(lengths) != len(x) or lengths.min() < 1 or lengths.max() > n_timesteps:
            raise ValueError(
                f"lengths must hold one number from 1 to {n_timesteps} for each of {len(x)} "
                f"sequences; got {lengths.tolist()}."
            )
        self._check_static(static, len(x))
        if self.static_channels:
            constant = static.to(x.dtype)[:, None].expand(-1, n_timesteps, -1)
            x, static = torch.cat([x, constant], dim=2), None
        real = self._real(lengths, n_timesteps, x.device)
        h, last, of_layers = self._states(self._below(x, lengths.to(x.device)), lengths)
        if self.architecture.readout is None:
            y = self._on_target_scale(self._of_steps(h, n_timesteps, static))
            return y * real.reshape(*real.shape, *[1] * (y.ndim - 2))
        features = self._features(h, last, self._real(of_layers, h.shape[1], x.device))
        return self._on_target_scale(self._joined(self._dropped(features), static))

    def _check_static(self: Any, static: Any, n_samples: int) -> None:
        n_static = self.static_channels or self.architecture.n_static
        given = None if static is None else tuple(static.shape)
        if given != ((n_samples, n_static) if n_static else None):
            expected = f"a tensor of shape {(n_samples, n_static)}" if n_static else "none"
            raise ValueError(
                f"The network takes {n_static} static features: static should be {expected}; got "
                f"{'none' if given is None else given}."
            )

    def _real(self: Any, lengths: Any, n_timesteps: int, device: Any) -> Any:
        torch = import_torch()
        steps = torch.arange(n_timesteps, device=device)
        return steps < lengths.to(device)[:, None]

    def _below(self: Any, x: Any, lengths: Any) -> Any:
        """Run embedding, decay, differences and frames."""
        torch = import_torch()
        if self.architecture.embedding is not None:
            channels = []
            for i in range(x.shape[2]):
                name, values = str(i), x[:, :, i]
                embeds = name in self.embedding
                channels.append(
                    self.embedding[name](values.long()) if embeds else values[..., None]
                )
            x = torch.cat([each.to(self.output.weight.dtype) for each in channels], dim=2)
        if self.fills is not None:
            x = without_gaps(self, x)
        if self.architecture.differences is not None:
            channels = x[:, :, : len(self.scales)]
            changes = torch.diff(channels, dim=1, prepend=channels[:, :1]) * self.scales
            x = torch.cat([x, changes], dim=2)
        frames = self.architecture.frames
        if frames is None:
            return x
        begins = torch.arange(0, x.shape[1], frames.stride, device=x.device)
        places = begins[:, None] + torch.arange(frames.length, device=x.device)
        # A sequence's last step stands for those beyond its end.
        places = torch.minimum(places.reshape(1, -1), lengths[:, None] - 1)
        x = torch.take_along_dim(x, places[..., None], dim=1).reshape(len(x), len(begins), -1)
        if frames.units is None:
            return x
        return _function(torch, frames.activation)(self.frames(x))

    def _states(self: Any, x: Any, lengths: Any) -> tuple[Any, Any, Any]:
        """Return the states of all steps of the top layer, the last ones, and their lengths."""
        torch = import_torch()
        rnn = torch.nn.utils.rnn
        frames = self.architecture.frames
        if frames is not None:
            lengths = (lengths + frames.stride - 1) // frames.stride
        n_steps = x.shape[1]
        for i, layer in enumerate(self.layers):
            packed = rnn.pack_padded_sequence(
                x if i == 0 else self._dropped(x), lengths.cpu(), True, enforce_sorted=False
            )
            packed, last = layer(packed)
            x, _ = rnn.pad_packed_sequence(packed, True, total_length=n_steps)
        return x, last[0] if isinstance(last, tuple) else last, lengths

    def _dropped(self: Any, outputs: Any) -> Any:
        """Drop units in training, the same ones at all steps of a sequence."""
        torch = import_torch()
        share = self.architecture.dropout
        if not self.training or share == 0:
            return outputs
        mask = torch.ones_like(outputs if outputs.ndim == 2 else outputs[:, :1])
        return outputs * torch.nn.functional.dropout(mask, share)

    def _features(self: Any, h: Any, last: Any, real: Any) -> Any:
        """Return the features of all directions side by side."""
        torch = import_torch()
        real, parts = real[..., None], []
        directions = self.architecture.directions
        for d, (direction, own) in enumerate(
            zip(directions, h.chunk(len(directions), 2), strict=True)
        ):
            for i, readout in enumerate(readouts_of(self.architecture)):
                if isinstance(readout, Last):
                    parts.append(last[d])
                elif isinstance(readout, Mean):
                    parts.append((own * real).sum(1) / real.sum(1))
                elif isinstance(readout, Max):
                    parts.append(own.masked_fill(~real, -torch.inf).max(1).values)
                else:
                    layers = self.attention[f"{direction}_{i}"]
                    e = layers["v"](torch.tanh(layers["W"](own)))
                    shares = e.masked_fill(~real, -torch.inf).softmax(1)
                    parts.append((shares * own).sum(1))
        return torch.cat(parts, dim=1)

    def _joined(self: Any, features: Any, static: Any) -> Any:
        """Return the raw prediction, of features and static features."""
        torch = import_torch()
        if static is not None:
            static = static.to(features.dtype)
            if features.ndim == 3:
                static = static[:, None].expand(-1, features.shape[1], -1)
            features = torch.cat([features, static], dim=-1)
            if self.architecture.static_units:
                features = torch.cat([features, torch.relu(self.static(features))], dim=-1)
        return self.output(features)

    def _of_steps(self: Any, h: Any, n_timesteps: int, static: Any) -> Any:
        """Return the output layer's answers for all steps."""
        raw = self._joined(self._dropped(h), static)
        return raw.reshape(len(raw), -1, self.architecture.n_outputs)[:, :n_timesteps]

    def _on_target_scale(self: Any, raw: Any) -> Any:
        if self.divisor is None:
            return raw
        torch = import_torch()
        if self.inverse in HEADS:
            return HEADS[self.inverse](self, raw.unflatten(-1, (len(self.location), -1)))
        return self._scaled_back(raw if self.inverse is None else getattr(torch, self.inverse)(raw))

    def _scaled_back(self: Any, y: Any) -> Any:
        """Return predictions of targets, the last axis, on their scale."""
        torch = import_torch()
        y = y * self.divisor + self.location
        if self.constant is None:
            return y
        return torch.where(torch.isnan(self.constant), y, self.constant)


@cache
def module_class() -> type:
    """Return the class of the modules, which derives from ``torch.nn.Module``."""
    nn = import_torch().nn
    name = "SequenceNetwork"
    # Pickle looks for it there.
    where = {
        "__module__": "skrnn.interop",
        "__qualname__": name,
        "__doc__": _SequenceNetwork.__doc__,
    }
    return type(name, (_SequenceNetwork, nn.Module), where)


def _function(torch: Any, activation: Activation) -> Any:
    name = FUNCTIONS[activation_name(activation) or ""]
    if name == "identity":
        return torch.nn.Identity()
    return getattr(torch if name in ("tanh", "sigmoid") else torch.nn.functional, name)
