"""What stands below the recurrent layers: embedding, differences and frames."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skrnn.core.differences import Differences
from skrnn.core.embedding import Embedding
from skrnn.core.frames import Frames
from skrnn.onnx._cells import Steps, activated
from skrnn.onnx._nodes import Nodes, single

Weights = Mapping[str, np.ndarray]


def embed(nodes: Nodes, embedding: Embedding, x: str, dtype: type, weights: Weights) -> str:
    """Put the vectors of categories in place of their ids.

    Parameters
    ----------
    nodes : Nodes
        To which the nodes are added.
    embedding : Embedding
        The channels, and their tables.
    x : str
        Ids and numbers, (n_timesteps, n_samples, n_channels).
    dtype : type
        That of `x`: int64, or float32 where some channels are numbers.
    weights : mapping of str to ndarray
        The tables.
    """
    named = {channel: name for channel, name, _ in embedding.tables()}
    parts = []
    for channel in range(len(embedding.sizes)):
        values = nodes.part(x, channel, axis=2)
        if channel in named:
            table = weights[named[channel]]
            ids = _checked_ids(nodes, values, dtype, len(table))
            parts.append(nodes.add("Gather", nodes.constant(single(table)), ids, axis=0))
        else:
            parts.append(nodes.unsqueeze(nodes.cast(values, np.float32), 2))
    return nodes.concat(*parts, axis=2)


def _checked_ids(nodes: Nodes, values: str, dtype: type, n_tokens: int) -> str:
    """Return ids that are within the table, or beyond its end, where the runtime refuses them.

    To ``Gather``, an id of -1 would be the last one, and 1.5 would be 1.
    """
    ids = values
    valid = nodes.add("GreaterOrEqual", values, nodes.constant(np.zeros((), dtype)))
    if dtype is not np.int64:
        whole = nodes.add("Equal", values, nodes.add("Floor", values))
        valid = nodes.add("And", valid, whole)
        # What is none is not to be cast: the result would depend on the machine.
        safe = nodes.add("Where", valid, values, nodes.constant(np.zeros((), dtype)))
        ids = nodes.cast(safe, np.int64)
    return nodes.add("Where", valid, ids, nodes.constant(np.int64(n_tokens)))


def channels_of(nodes: Nodes, differences: Differences, x: str) -> str:
    """Return the columns that differences are taken of: without indicators of missing values."""
    if differences.n_others == 0:
        return x
    return nodes.slice(x, 0, len(differences.scales), axis=2)


def add_differences(nodes: Nodes, differences: Differences, x: str, before: str) -> str:
    """Put the changes behind the inputs, (n_timesteps, n_samples, n_inputs).

    Parameters
    ----------
    nodes, differences
        Where to, and what.
    x : str
        The inputs.
    before : str
        What stands before the first step, (1, n_samples, n_channels).
    """
    channels = channels_of(nodes, differences, x)
    earlier = nodes.concat(before, nodes.slice(channels, 0, -1, axis=0), axis=0)
    scales = nodes.constant(single(differences.scales))
    changes = nodes.add("Mul", nodes.add("Sub", channels, earlier), scales)
    return nodes.concat(x, changes, axis=2)


def cut_into_frames(nodes: Nodes, frames: Frames, steps: Steps, weights: Weights) -> Steps:
    """Put several time steps side by side; a sequence's last step stands for those beyond it."""
    n_timesteps = nodes.size(steps.x, 0)
    n_frames = number_of_frames(nodes, frames, n_timesteps)
    begins = nodes.add("Mul", nodes.counting(n_frames), nodes.ints(frames.stride))
    places = nodes.constant(np.arange(frames.length, dtype=np.int64)[None])
    wanted = nodes.add("Add", nodes.unsqueeze(begins, 1), places)
    wanted = nodes.reshape(wanted, 1, -1)
    lengths = steps.lengths
    if lengths is None:
        lengths = nodes.add("Expand", n_timesteps, nodes.size(steps.x, 1))
    last = nodes.unsqueeze(nodes.add("Sub", lengths, nodes.ints(1)), 1)
    there = nodes.unsqueeze(nodes.add("Min", wanted, last), 2)
    by_sample = nodes.transpose(steps.x, 1, 0, 2)
    gathered = nodes.add("GatherND", by_sample, there, batch_dims=1)
    width = frames.length * frames.n_inputs
    shape = nodes.concat(nodes.size(steps.x, 1), n_frames, nodes.ints(width), axis=0)
    x = nodes.transpose(nodes.add("Reshape", gathered, shape), 1, 0, 2)
    if frames.units is not None:
        assert frames.activation is not None
        x = activated(nodes, frames.activation, nodes.affine(x, weights["W"], weights["b"]))
    of_frames = None
    if steps.lengths is not None:
        of_frames = number_of_frames(nodes, frames, steps.lengths)
    return Steps(x, of_frames)


def number_of_frames(nodes: Nodes, frames: Frames, lengths: str) -> str:
    """Return ``ceil(lengths / stride)``."""
    more = nodes.add("Add", lengths, nodes.ints(frames.stride - 1))
    return nodes.add("Div", more, nodes.ints(frames.stride))
