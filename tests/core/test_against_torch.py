"""The core against PyTorch on copied weights: states, losses, every gradient, optimizer steps."""

from itertools import pairwise

import numpy as np
import pytest
from small_networks import (
    ALL_READOUTS,
    EVERY_STEP,
    count_rows,
    make_batch,
    make_network,
    make_targets,
)

from skrnn.core.activations import ACTIVATIONS
from skrnn.core.embedding import Embedding
from skrnn.core.frames import Frames
from skrnn.core.losses import LOSSES, Huber, Quantile, SquaredError, n_raw_of
from skrnn.core.network import reverse_in_time
from skrnn.core.optimizers import OPTIMIZERS, SGD
from skrnn.core.parameters import Parameters, with_prefix
from skrnn.core.readouts import real_steps

torch = pytest.importorskip("torch")
from torch_lru import TorchLRU  # noqa: E402

TOLERANCE = {"rtol": 1e-9, "atol": 1e-12}
LENGTHS = {"equal": (6, 6, 6), "ragged": (6, 5, 5, 3, 1)}
LAYERS = {
    ("rnn", "tanh"): lambda *args, **kwargs: torch.nn.RNN(*args, nonlinearity="tanh", **kwargs),
    ("rnn", "relu"): lambda *args, **kwargs: torch.nn.RNN(*args, nonlinearity="relu", **kwargs),
    ("lstm", "tanh"): torch.nn.LSTM,
    ("gru", "tanh"): torch.nn.GRU,
    ("lru", "tanh"): lambda *args, **kwargs: TorchLRU(*args, activation=torch.tanh, **kwargs),
    ("lru", "relu"): lambda *args, **kwargs: TorchLRU(*args, activation=torch.relu, **kwargs),
}
HIDDEN, N_OUTPUTS = 4, 2

each_layer = pytest.mark.parametrize(
    ("cell", "activation"), LAYERS, ids=["-".join(key) for key in LAYERS]
)
each_lengths = pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)


# --- Weights there and gradients back ----------------------------------------------------


def torch_names(cell, layer, direction):
    suffix = f"_l{layer}" + ("_reverse" if direction == "reverse" else "")
    usual = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    names = ("weight_ih", "bias_ih", "nu", "theta") if cell == "lru" else usual
    return [f"{name}{suffix}" for name in names]


def reorder_gates(cell, array):
    """Gates z, r, n (ours) to r, z, n (theirs) and back, along the last axis; others agree."""
    if cell != "gru":
        return array
    z, r, n = np.split(array, 3, axis=-1)
    return np.concatenate([r, z, n], axis=-1)


def to_torch(cell, weights):
    """Return torch's W_ih, W_hh, b_ih and b_hh; ours needs only one bias, but for a GRU's n."""
    if cell == "lru":
        return weights["W_x"].T, weights["b"], weights["nu"], weights["theta"]
    b_hh = np.zeros_like(weights["b"])
    if cell == "gru":
        b_hh[-weights["b_hn"].size :] = weights["b_hn"]
    return (
        reorder_gates(cell, weights["W_x"]).T,
        reorder_gates(cell, weights["W_h"]).T,
        reorder_gates(cell, weights["b"]),
        b_hh,
    )


def from_torch(cell, *gradients_of_theirs):
    """Return gradients of ours from theirs."""
    if cell == "lru":
        W_ih, b, nu, theta = gradients_of_theirs
        return {"W_x": W_ih.T, "b": b, "nu": nu, "theta": theta}
    W_ih, W_hh, b_ih, b_hh = gradients_of_theirs
    gradients = {
        "W_x": reorder_gates(cell, W_ih.T),
        "W_h": reorder_gates(cell, W_hh.T),
        "b": reorder_gates(cell, b_ih),
    }
    if cell == "gru":
        gradients["b_hn"] = b_hh[-b_hh.size // 3 :]
    return gradients


class TorchTwin(torch.nn.Module):
    """`network` in PyTorch, with the same weights."""

    def __init__(self, network, cell, activation):
        super().__init__()
        architecture = network.architecture
        self.cell, self.architecture = cell, architecture
        frames = architecture.frames
        self.recurrent = LAYERS[cell, activation](
            2 if frames is None else frames.width,
            HIDDEN,
            num_layers=architecture.n_layers,
            bidirectional=architecture.bidirectional,
            dtype=torch.float64,
        )
        width, n_outputs = architecture.features.width, architecture.output.n_outputs
        self.output = torch.nn.Linear(width, n_outputs, dtype=torch.float64)
        self.attention = {
            name: torch.tensor(array, requires_grad=True)
            for name, array in network.parameters.items()
            if name.startswith("readout.")
        }
        arrays = dict(self.recurrent.named_parameters())
        with torch.no_grad():
            for layer, direction in self.layers():
                ours = to_torch(cell, network.weights(layer, direction))
                for name, array in zip(torch_names(cell, layer, direction), ours, strict=True):
                    arrays[name].copy_(torch.from_numpy(np.ascontiguousarray(array)))
            self.output.weight.copy_(torch.from_numpy(network.parameters["output.W"].T.copy()))
            self.output.bias.copy_(torch.from_numpy(network.parameters["output.b"]))

    def layers(self):
        for layer in range(self.architecture.n_layers):
            for direction in self.architecture.directions:
                yield layer, direction

    def states(self, x, lengths):
        """Outputs of the top layer, padded and packed: (n_timesteps, n_samples, width)."""
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths))
        outputs, state = self.recurrent(packed)
        return torch.nn.utils.rnn.pad_packed_sequence(outputs)[0], state

    def forward(self, x, lengths, readout):
        outputs, state = self.states(x, lengths)
        real = torch.from_numpy(real_steps(count_active(lengths), len(lengths)))
        if readout == EVERY_STEP:
            return self.output(outputs[real])
        directions = self.architecture.directions
        h = (state[0] if self.cell == "lstm" else state)[-len(directions) :]
        features = []
        for d, direction in enumerate(directions):
            of_direction = outputs[:, :, d * HIDDEN : (d + 1) * HIDDEN]
            for i, name in enumerate(readout.split("+")):
                prefix = f"readout.{direction}." + (f"{i}." if "+" in readout else "")
                features.append(self.read_out(name, of_direction, h[d], real, lengths, prefix))
        return self.output(torch.cat(features, dim=1))

    def read_out(self, name, outputs, last, real, lengths, prefix):
        if name == "last":
            return last
        if name == "mean":
            return outputs.sum(dim=0) / torch.tensor(lengths)[:, None]
        if name == "max":
            return outputs.masked_fill(~real[:, :, None], -torch.inf).amax(dim=0)
        W, b, v = (self.attention[prefix + weight] for weight in "Wbv")
        e = (torch.tanh(outputs @ W + b) @ v).squeeze(2)
        a = torch.softmax(e.masked_fill(~real, -torch.inf), dim=0)
        return torch.einsum("tn,tnu->nu", a, outputs)

    def gradient(self, shapes):
        """The gradients of all parameters in our names, order and layout."""
        gradient = Parameters(shapes)
        arrays = dict(self.recurrent.named_parameters())
        for layer, direction in self.layers():
            names = torch_names(self.cell, layer, direction)
            theirs = [arrays[name].grad.numpy() for name in names]
            for name, array in from_torch(self.cell, *theirs).items():
                gradient[f"layers.{layer}.{direction}.{name}"][:] = array
        for name, array in self.attention.items():
            gradient[name][:] = array.grad.numpy()
        gradient["output.W"][:] = self.output.weight.grad.numpy().T
        gradient["output.b"][:] = self.output.bias.grad.numpy()
        return gradient


def count_active(lengths):
    return (np.arange(max(lengths))[:, None] < np.array(lengths)).sum(axis=1)


def make_twins(cell, activation, readout, n_layers=1, **options):
    network = make_network(
        cell, activation, readout, hidden_sizes=(HIDDEN,) * n_layers, n_outputs=N_OUTPUTS, **options
    )
    return network, TorchTwin(network, cell, activation)


def weighted_squared_error(raw_prediction, y, weight):
    losses = 0.5 * ((raw_prediction - torch.from_numpy(y)) ** 2).mean(dim=1)
    return (losses * torch.from_numpy(weight)).sum()


def assert_gradients_agree(ours, theirs):
    ours = Parameters(theirs.shapes, ours)
    assert theirs.vector.any()
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], **TOLERANCE, err_msg=name)


# --- Networks ----------------------------------------------------------------------------


@each_lengths
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ALL_READOUTS)
@each_layer
def test_predictions_and_every_gradient_agree(
    cell, activation, readout, bidirectional, n_layers, lengths
):
    network, twin = make_twins(cell, activation, readout, n_layers, bidirectional=bidirectional)
    x, n_active = make_batch(lengths)
    y, weight = make_targets("squared_error", count_rows(network, n_active), N_OUTPUTS)
    raw_prediction = twin(torch.from_numpy(x), lengths, readout)
    loss = weighted_squared_error(raw_prediction, y, weight) / weight.sum()
    loss.backward()
    np.testing.assert_allclose(
        network.predict(x, n_active), raw_prediction.detach().numpy(), **TOLERANCE
    )
    our_loss, gradient = network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())
    assert our_loss == pytest.approx(loss.item(), rel=1e-12)
    assert_gradients_agree(gradient, twin.gradient(network.parameters.shapes))


@each_lengths
@each_layer
def test_embeddings_and_their_gradients_agree(cell, activation, lengths):
    embedding = Embedding(((5, 1), (3, 1)))
    network, twin = make_twins(cell, activation, "last", embedding=embedding)
    x, n_active = make_batch(lengths)
    x = np.abs(x).round() % 3
    y, weight = make_targets("squared_error", count_rows(network, n_active), N_OUTPUTS)
    tables = [
        torch.nn.Embedding.from_pretrained(torch.from_numpy(network.parameters[name].copy()), False)
        for name in with_prefix("embedding.", embedding.shapes())
    ]
    ids = torch.from_numpy(x).long()
    vectors = [table(ids[..., channel]) for channel, table in enumerate(tables)]
    raw_prediction = twin(torch.cat(vectors, dim=2), lengths, "last")
    (weighted_squared_error(raw_prediction, y, weight) / weight.sum()).backward()
    np.testing.assert_allclose(
        network.predict(x, n_active), raw_prediction.detach().numpy(), **TOLERANCE
    )
    gradient = network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())[1]
    theirs = twin.gradient(network.parameters.shapes)
    for name, table in zip(with_prefix("embedding.", embedding.shapes()), tables, strict=True):
        theirs[name][:] = table.weight.grad.numpy()
    assert_gradients_agree(gradient, theirs)


def convolve(x, lengths, frames, weight, bias):
    """A strided convolution over time, each row's last step repeated beyond its end."""
    n_filled = (len(x[:: frames.stride]) - 1) * frames.stride + frames.length
    steps = np.minimum(np.arange(n_filled)[:, None], np.array(lengths) - 1)
    filled = x[steps, np.arange(len(lengths))]
    convolved = torch.nn.functional.conv1d(
        filled.permute(1, 2, 0), weight, bias, stride=frames.stride
    )
    return torch.relu(convolved).permute(2, 0, 1)


def steps_of_frames(rows, lengths, n_frames, stride):
    """The columns of every step in the row of its frame, both in time-major order."""
    starts = np.cumsum([0, *count_active(n_frames)])
    return torch.stack(
        [
            rows[starts[t // stride] + row].reshape(stride, N_OUTPUTS)[t % stride]
            for t, n in enumerate(count_active(lengths))
            for row in range(n)
        ]
    )


@each_lengths
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ["last", "max", EVERY_STEP])
@pytest.mark.parametrize(("length", "stride"), [(2, 2), (3, 2), (4, 1)])
@each_layer
def test_learnt_frames_are_a_strided_convolution(
    cell, activation, length, stride, readout, bidirectional, lengths
):
    frames = Frames(2, length, stride, 3, ACTIVATIONS["relu"])
    network, twin = make_twins(
        cell, activation, readout, frames=frames, bidirectional=bidirectional
    )
    x, n_active = make_batch(lengths)
    y, weight = make_targets("squared_error", count_rows(network, n_active), N_OUTPUTS)
    W = network.parameters["frames.W"].reshape(length, 2, 3).transpose(2, 1, 0)
    kernel = torch.tensor(W.copy(), requires_grad=True)
    bias = torch.tensor(network.parameters["frames.b"].copy(), requires_grad=True)
    convolved = convolve(torch.from_numpy(x), lengths, frames, kernel, bias)
    n_frames = [-(-n // stride) for n in lengths]
    raw_prediction = twin(convolved, n_frames, readout)
    if readout == EVERY_STEP:
        raw_prediction = steps_of_frames(raw_prediction, lengths, n_frames, stride)
    (weighted_squared_error(raw_prediction, y, weight) / weight.sum()).backward()
    np.testing.assert_allclose(
        network.predict(x, n_active), raw_prediction.detach().numpy(), **TOLERANCE
    )
    gradient = network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())[1]
    theirs = twin.gradient(network.parameters.shapes)
    theirs["frames.W"][:] = kernel.grad.numpy().transpose(2, 1, 0).reshape(length * 2, 3)
    theirs["frames.b"][:] = bias.grad.numpy()
    assert_gradients_agree(gradient, theirs)


@each_lengths
@pytest.mark.parametrize("n_layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
@each_layer
def test_states_of_all_steps_agree(cell, activation, bidirectional, n_layers, lengths):
    network, twin = make_twins(cell, activation, "last", n_layers, bidirectional=bidirectional)
    x, n_active = make_batch(lengths)
    states = network.forward(x, n_active).states[-1]
    aligned = [
        h[1:] if direction == "forward" else reverse_in_time(h[1:], n_active)
        for direction, h in states.items()
    ]
    outputs, _ = twin.states(torch.from_numpy(x), lengths)
    np.testing.assert_allclose(
        np.concatenate(aligned, axis=2), outputs.detach().numpy(), **TOLERANCE
    )


@each_lengths
@each_layer
def test_gradients_of_inputs_and_initial_states_agree(cell, activation, lengths):
    network, twin = make_twins(cell, activation, "last")
    x, n_active = make_batch(lengths)
    rng = np.random.default_rng(1)
    n_states = 2 if cell == "lstm" else 1
    state = tuple(rng.normal(size=(len(lengths), HIDDEN)) for _ in range(n_states))
    dh = rng.normal(size=(len(x) + 1, len(lengths), HIDDEN))
    dh[0] = 0  # torch's outputs begin after the first step
    dh[1:][~real_steps(n_active, len(lengths))] = 0

    theirs = [torch.tensor(array[None], requires_grad=True) for array in state]
    inputs = torch.tensor(x, requires_grad=True)
    packed = torch.nn.utils.rnn.pack_padded_sequence(inputs, torch.tensor(lengths))
    outputs, _ = twin.recurrent(packed, tuple(theirs) if cell == "lstm" else theirs[0])
    outputs, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs)
    (outputs * torch.from_numpy(dh[1:])).sum().backward()

    weights = network.weights(0)
    h, cache = network.architecture.cell.forward(x, n_active, weights, state)
    dx, _, dstate = network.architecture.cell.backward(dh, cache, weights)
    np.testing.assert_allclose(h[1:], outputs.detach().numpy(), **TOLERANCE)
    np.testing.assert_allclose(dx, inputs.grad.numpy(), **TOLERANCE)
    for ours, their in zip(dstate, theirs, strict=True):
        np.testing.assert_allclose(ours, their.grad[0].numpy(), **TOLERANCE)


@pytest.mark.parametrize("bptt_steps", [1, 2, 4])
@pytest.mark.parametrize("readout", ["last", "every step"])
@each_layer
def test_truncated_gradients_agree_with_states_detached_between_blocks(
    cell, activation, readout, bptt_steps
):
    lengths = LENGTHS["ragged"]
    network, twin = make_twins(cell, activation, readout, n_layers=2, bptt_steps=bptt_steps)
    x, n_active = make_batch(lengths)
    y, weight = make_targets("squared_error", count_rows(network, n_active), N_OUTPUTS)
    total = 0.0
    for r, length in enumerate(lengths):
        state, outputs = None, []
        first = length % bptt_steps  # blocks are counted from the end
        for start, stop in blocks(first, length, bptt_steps):
            h, state = twin.recurrent(torch.from_numpy(x[start:stop, r]), state)
            outputs.append(h)
            state = tuple(s.detach() for s in state) if cell == "lstm" else state.detach()
        h = torch.cat(outputs)
        rows = [r] if readout == "last" else np.cumsum([0, *n_active[: length - 1]]) + r
        raw_prediction = twin.output(h[-1:] if readout == "last" else h)
        total = total + weighted_squared_error(raw_prediction, y[rows], weight[rows])
    (total / weight.sum()).backward()
    _, gradient = network.loss_and_gradient(x, n_active, y, weight, loss=SquaredError())
    assert_gradients_agree(gradient, twin.gradient(network.parameters.shapes))


def blocks(first, length, steps):
    edges = [0, *range(first or steps, length + 1, steps)]
    return list(pairwise(edges))


# --- Losses ------------------------------------------------------------------------------


def cross_entropy(raw, y, weight):
    losses = torch.nn.functional.cross_entropy(raw, y, reduction="none")
    return (losses * weight).sum()


def binary_cross_entropy(raw, y, weight):
    losses = torch.nn.functional.binary_cross_entropy_with_logits(raw, y, reduction="none")
    return (losses.sum(dim=1) * weight).sum()


def of_means(element_losses):
    return lambda raw, y, weight: (element_losses(raw, y).mean(dim=1) * weight).sum()


def pinball(q):
    # torch has none; its autograd differentiates the definition.
    return of_means(lambda raw, y: torch.maximum(q * (y - raw), (q - 1) * (y - raw)))


def huber(delta):
    return of_means(
        lambda raw, y: torch.nn.functional.huber_loss(raw, y, reduction="none", delta=delta)
    )


def half_poisson_deviance(raw, y):
    # torch leaves out what does not depend on the prediction.
    losses = torch.nn.functional.poisson_nll_loss(raw, y, log_input=True, reduction="none")
    return losses + torch.xlogy(y, y) - y


def half_gamma_deviance(raw, y):
    # torch has none; its autograd differentiates the definition.
    mean = torch.exp(raw)
    return torch.log(mean / y) + y / mean - 1


def positive(raw):
    return torch.nn.functional.softplus(raw + torch.log(torch.expm1(torch.ones(()).double())))


def gaussian(raw, y):
    return -torch.distributions.Normal(raw[..., 0], positive(raw[..., 1]) + 1e-3).log_prob(y)


def negative_binomial(raw, y):
    dispersion = positive(raw[..., 1]) + 1e-5
    logits = raw[..., 0] + torch.log(dispersion)
    return -torch.distributions.NegativeBinomial(1 / dispersion, logits=logits).log_prob(y)


def quantiles(levels):
    """Pinball losses of widths above and below the level nearest to the median."""
    levels = torch.tensor(sorted(levels), dtype=torch.float64)
    anchor = int(torch.argmin(torch.abs(levels - 0.5)))
    gaps = torch.diff(torch.distributions.Normal(0.0, 1.0).icdf(levels))

    def losses(raw, y):
        columns, widths = [raw[..., 0]], gaps * positive(raw[..., 1:])
        for k in range(anchor, len(gaps)):
            columns.append(columns[-1] + widths[..., k])
        for k in reversed(range(anchor)):
            columns.insert(0, columns[0] - widths[..., k])
        error = y[..., None] - torch.stack(columns, dim=-1)
        return torch.maximum(levels * error, (levels - 1) * error).mean(dim=-1)

    return losses


def of_targets(n_raw, losses):
    """Return the loss of several raw numbers a target from that of (..., n_raw) ones."""
    return of_means(lambda raw, y: losses(raw.reshape(len(raw), -1, n_raw), y))


TORCH_LOSSES = {
    "softmax_cross_entropy": cross_entropy,
    "logistic_cross_entropy": binary_cross_entropy,
    "squared_error": of_means(
        lambda raw, y: torch.nn.functional.mse_loss(raw, y, reduction="none") / 2
    ),
    "absolute_error": of_means(
        lambda raw, y: torch.nn.functional.l1_loss(raw, y, reduction="none")
    ),
    "huber": huber(1.0),
    "quantile": pinball(0.5),
    "poisson": of_means(half_poisson_deviance),
    "gamma": of_means(half_gamma_deviance),
    "gaussian": of_targets(2, gaussian),
    "negative_binomial": of_targets(2, negative_binomial),
}


def assert_loss_agrees(loss, torch_loss, name, rtol=1e-12):
    y, weight = make_targets(name, 20, n_outputs=3)
    raw_prediction = np.random.default_rng(0).normal(scale=2, size=(20, 3 * n_raw_of(loss)))
    raw = torch.tensor(raw_prediction, requires_grad=True)
    theirs = torch_loss(raw, torch.from_numpy(y), torch.from_numpy(weight))
    theirs.backward()
    value, d_raw = loss(raw_prediction, y, weight)
    assert value == pytest.approx(theirs.item(), rel=1e-12)
    np.testing.assert_allclose(d_raw, raw.grad.numpy(), rtol=rtol, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_gradients_agree(name):
    # torch's digamma has fewer digits.
    rtol = 1e-9 if name == "negative_binomial" else 1e-12
    assert_loss_agrees(LOSSES[name](), TORCH_LOSSES[name], name, rtol)


@pytest.mark.parametrize("delta", [0.3, 2.0])
def test_huber_agrees_for_other_deltas(delta):
    assert_loss_agrees(Huber(delta), huber(delta), "huber")


@pytest.mark.parametrize("q", [0.1, 0.9])
def test_quantile_agrees_with_autograd_for_other_quantiles(q):
    assert_loss_agrees(Quantile(q), pinball(q), "quantile")


@pytest.mark.parametrize("levels", [(0.05, 0.5, 0.95), (0.1, 0.2), (0.6, 0.7, 0.9), (0.3,)])
def test_several_quantiles_agree_with_autograd(levels):
    theirs = of_targets(len(levels), quantiles(levels))
    assert_loss_agrees(Quantile(levels), theirs, "quantile")


# --- Optimizers (tor----------------------------------------------------------------------

LR, EPS = 0.05, 1e-8


def torch_nadam(parameters):
    # torch's momentum follows beta_1 (1 - 0.96 ** (t momentum_decay) / 2) (Dozat's schedule);
    # ours is beta_1 throughout, which a huge momentum_decay makes of it.
    return torch.optim.NAdam(parameters, LR, eps=EPS, momentum_decay=1e6)


TORCH_OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, LR, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, LR, eps=EPS),
    "adamw": lambda p: torch.optim.AdamW(p, LR, eps=EPS, weight_decay=1e-4),
    "nadam": torch_nadam,
    "rmsprop": lambda p: torch.optim.RMSprop(p, LR, alpha=0.999, eps=EPS),
    "adagrad": lambda p: torch.optim.Adagrad(p, LR, eps=EPS),
}


def correct_the_start(optimizer, t):
    """Give torch's RMSprop our correction: sqrt(v) becomes sqrt(v / (1 - beta_2 ** t))."""
    correction = np.sqrt(1 - 0.999**t)
    for group in optimizer.param_groups:
        group["lr"], group["eps"] = LR * correction, EPS * correction


def assert_steps_agree(ours, theirs, parameter, before_step=lambda *_: None, rtol=1e-9):
    rng = np.random.default_rng(0)
    vector = parameter.detach().numpy().copy()
    for t in range(1, 31):
        gradient = rng.normal(size=vector.size) + 0.5
        parameter.grad = torch.from_numpy(gradient.copy())
        before_step(theirs, t)
        theirs.step()
        ours.step(vector, gradient, LR)
        np.testing.assert_allclose(vector, parameter.detach().numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", TORCH_OPTIMIZERS)
def test_optimizer_steps_agree(name):
    parameter = torch.nn.Parameter(torch.linspace(-1, 2, 7, dtype=torch.float64))
    theirs = TORCH_OPTIMIZERS[name]([parameter])
    options = {
        "rmsprop": {"before_step": correct_the_start},
        "nadam": {"rtol": 1e-6},  # torch keeps the product of its momenta in float32
    }
    assert_steps_agree(OPTIMIZERS[name](), theirs, parameter, **options.get(name, {}))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_without_nesterov_agrees(momentum):
    parameter = torch.nn.Parameter(torch.linspace(-1, 2, 7, dtype=torch.float64))
    theirs = torch.optim.SGD([parameter], LR, momentum=momentum)
    assert_steps_agree(SGD(momentum=momentum, nesterovs_momentum=False), theirs, parameter)
