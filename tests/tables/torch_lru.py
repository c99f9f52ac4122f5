"""The linear recurrent unit in PyTorch, called as `torch.nn.RNN` is; autograd does the rest."""

from __future__ import annotations

import torch


def step(u, h, nu, theta):
    """One step of ``h = [re, im]`` from complex numbers, units in the last axis."""
    n = len(nu)
    phase = torch.cat([torch.exp(theta), theta.new_zeros(n - len(theta))])
    rate = torch.exp(torch.complex(-torch.exp(nu), phase))
    c = rate * halves(h, n) + torch.sqrt(1 - torch.abs(rate) ** 2) * halves(u, n)
    return torch.cat([c.real, c.imag], dim=-1)[..., : h.shape[-1]]


def halves(units, n):
    """The first n units as real parts of complex numbers, the rest as imaginary parts."""
    im = torch.nn.functional.pad(units[..., n:], (0, 2 * n - units.shape[-1]))
    return torch.complex(units[..., :n], im)


class TorchLRU(torch.nn.Module):
    """Stacked, bidirectional, on packed sequences or on a single one (n_timesteps, n_inputs)."""

    def __init__(self, n_inputs, hidden_size, *, activation, num_layers, bidirectional, dtype):
        super().__init__()
        self.activation, self.hidden_size, self.num_layers = activation, hidden_size, num_layers
        self.suffixes = ("", "_reverse") if bidirectional else ("",)
        shapes = {
            "bias_ih": (hidden_size,),
            "nu": ((hidden_size + 1) // 2,),
            "theta": (hidden_size // 2,),
        }
        for layer in range(num_layers):
            width = n_inputs if layer == 0 else hidden_size * len(self.suffixes)
            for suffix in self.suffixes:
                for name, shape in {"weight_ih": (hidden_size, width), **shapes}.items():
                    weight = torch.nn.Parameter(torch.empty(shape, dtype=dtype))
                    self.register_parameter(f"{name}_l{layer}{suffix}", weight)

    def forward(self, x, state=None):
        if not isinstance(x, torch.nn.utils.rnn.PackedSequence):
            return self.of_sequence(x, state)
        padded, lengths = torch.nn.utils.rnn.pad_packed_sequence(x)
        runs = [
            self.of_sequence(padded[:length, row], None if state is None else state[:, row])
            for row, length in enumerate(lengths.tolist())
        ]
        outputs, states = zip(*runs, strict=True)
        packed = torch.nn.utils.rnn.pack_sequence(outputs)
        return packed, torch.stack(states, dim=1)

    def of_sequence(self, x, state):
        """The top layer's states of all steps, and every layer's after its last."""
        after = []
        for layer in range(self.num_layers):
            outputs = []
            for suffix in self.suffixes:
                start = x.new_zeros(self.hidden_size) if state is None else state[len(after)]
                h = self.of_direction(x.flip(0) if suffix else x, f"_l{layer}{suffix}", start)
                after.append(h[-1])
                outputs.append(h.flip(0) if suffix else h)
            x = torch.cat(outputs, dim=1)
        return x, torch.stack(after)

    def of_direction(self, x, suffix, h):
        W, b, nu, theta = (
            getattr(self, name + suffix) for name in ("weight_ih", "bias_ih", "nu", "theta")
        )
        states = []
        for u in self.activation(x @ W.T + b):
            h = step(u, h, nu, theta)
            states.append(h)
        return torch.stack(states)
