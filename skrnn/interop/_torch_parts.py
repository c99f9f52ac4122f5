"""Parts of the module of PyTorch: missing values, and answers of several raw numbers a target."""

from __future__ import annotations

from typing import Any

from skrnn._portable import columns_of_numbers
from skrnn.core.decay import INDICATOR
from skrnn.core.losses import LEAST_DISPERSION, LEAST_SCALE, SHIFT, NonCrossing


def import_torch() -> Any:
    """Return PyTorch, or raise ImportError with the name of the extra."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "A PyTorch module needs the package torch: pip install skrnn[torch]."
        ) from error
    return torch


# --- missing values -------------------------------------------------------------------------------


def without_gaps(module: Any, x: Any) -> Any:
    """Put estimates in place of missing values.

    Parameters
    ----------
    module : SequenceNetwork
        Whose network takes missing values.
    x : Tensor of shape (n_samples, n_timesteps, width)
        What leaves the embedding, NaN where missing.

    Returns
    -------
    Tensor of shape (n_samples, n_timesteps, width + n_gappy)
        With indicators of the columns that had gaps in `fit` behind the others.
    """
    torch = import_torch()
    decay = module.architecture.decay
    columns, _ = columns_of_numbers(module.architecture)
    values = x[:, :, columns]
    missing = torch.isnan(values)
    steps = torch.arange(x.shape[1], device=x.device)[None, :, None]
    source = torch.where(missing, -1, steps).cummax(1).values
    last = torch.take_along_dim(values, source.clamp(min=0), dim=1)
    last = torch.where(source >= 0, last, module.fills.to(x.dtype))
    parts = list(x.unbind(2))
    for k, column in enumerate(columns):
        parts[column] = last[:, :, k]
    for i, column in enumerate(decay.columns):
        k = columns.index(column)
        mean, gap = module.fills[k].to(x.dtype), missing[:, :, k]
        since = (steps[:, :, 0] - source[:, :, k]).to(x.dtype)
        exponent = module.decay["w"][i] * since + module.decay["b"][i]
        gamma = torch.exp(-torch.relu(exponent))
        parts[column] = torch.where(gap, mean + gamma * (last[:, :, k] - mean), last[:, :, k])
        parts.append(INDICATOR * gap.to(x.dtype))
    return torch.stack(parts, dim=2)


# --- several raw numbers a target: (..., n_targets, n_raw) ----------------------------------------


def positive(raw: Any) -> Any:
    """Return the softplus that is 1 at zero."""
    torch = import_torch()
    return torch.logaddexp(raw + SHIFT, torch.zeros_like(raw))


def _quantiles(module: Any, raw: Any) -> Any:
    """Return the quantiles of every target, in the order of the levels."""
    torch = import_torch()
    link = NonCrossing(module.levels)
    a, middle = link.anchor, raw[..., :1]
    widths = positive(raw[..., 1:]) * torch.as_tensor(link.gaps).to(raw)
    up = torch.cat([middle, widths[..., a:]], dim=-1).cumsum(-1)
    down = torch.cat([middle, -widths[..., :a].flip(-1)], dim=-1).cumsum(-1)
    ordered = torch.cat([down[..., 1:].flip(-1), up], dim=-1)
    rank = torch.as_tensor(link.order, device=raw.device).argsort()
    quantiles = ordered[..., rank].transpose(-1, -2)
    return _of_targets(module, module._scaled_back(quantiles).transpose(-1, -2))


def _of_distribution(module: Any, mean: Any, std: Any) -> Any:
    """Return means and standard deviations on the scale of the targets, side by side."""
    torch = import_torch()
    std = std * module.divisor
    if module.constant is not None:
        std = torch.where(torch.isnan(module.constant), std, 0.0)
    return _of_targets(module, torch.stack([module._scaled_back(mean), std], dim=-1))


def _gaussian(module: Any, raw: Any) -> Any:
    return _of_distribution(module, raw[..., 0], positive(raw[..., 1]) + LEAST_SCALE)


def _negative_binomial(module: Any, raw: Any) -> Any:
    mean, dispersion = raw[..., 0].exp(), positive(raw[..., 1]) + LEAST_DISPERSION
    return _of_distribution(module, mean, mean.sqrt() * (1 + dispersion * mean).sqrt())


def _of_targets(module: Any, y: Any) -> Any:
    return y.squeeze(-2) if module.single else y


HEADS = {
    "quantiles": _quantiles,
    "gaussian": _gaussian,
    "negative_binomial": _negative_binomial,
}
