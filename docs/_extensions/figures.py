"""How the figures of the gallery look where its examples say nothing about it."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl

# Okabe and Ito's colours, which people who see no red or no green tell apart as well.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLE = {
    "axes.prop_cycle": mpl.cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "date.converter": "concise",
    "legend.frameon": False,
}


def set_style(gallery_conf: dict[str, Any], file: str) -> None:
    """Set the style before every example."""
    mpl.rcParams.update(STYLE)
