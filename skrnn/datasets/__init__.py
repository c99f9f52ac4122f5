"""Small real sequences, shipped with the package, and classic synthetic tasks."""

from skrnn.datasets.beats import make_early_beats
from skrnn.datasets.loaders import load_airline_passengers, load_japanese_vowels
from skrnn.datasets.loads import make_loads
from skrnn.datasets.memory import make_copy_memory, make_parity, make_temporal_order
from skrnn.datasets.shapes import make_control_charts, make_cylinder_bell_funnel
from skrnn.datasets.synthetic import make_adding_problem

__all__ = [
    "load_airline_passengers",
    "load_japanese_vowels",
    "make_adding_problem",
    "make_control_charts",
    "make_copy_memory",
    "make_cylinder_bell_funnel",
    "make_early_beats",
    "make_loads",
    "make_parity",
    "make_temporal_order",
]
