"""A fitted network as a file of C, for where there is no Python: microcontrollers above all."""

from skrnn.c._export import to_c

__all__ = ["to_c"]
