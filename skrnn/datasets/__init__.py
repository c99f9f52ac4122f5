"""Small real sequences, shipped with the package, and classic synthetic tasks."""

from skrnn.datasets.loaders import load_airline_passengers, load_japanese_vowels
from skrnn.datasets.synthetic import make_adding_problem

__all__ = ["load_airline_passengers", "load_japanese_vowels", "make_adding_problem"]
