"""Fitted estimators in files without code: safetensors for the numbers, JSON for the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from skrnn._files import write_whole
from skrnn.persistence._content import from_bytes as _from_bytes
from skrnn.persistence._content import to_bytes as _to_bytes

__all__ = ["load", "save"]


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Save an estimator to a file that can be loaded without running code.

    The file is a safetensors file. Its arrays are named by where they belong, such as
    ``network_.layers.0.forward.W_x``, so that other programs read the weights; its metadata hold
    everything else as JSON, the versions of skrnn, scikit-learn and NumPy, and a SHA-256 of the
    whole. It is written in one step: a crash leaves the old file or the new one.

    Parameters
    ----------
    estimator : estimator
        Of skrnn; a Pipeline, ColumnTransformer or other estimator of scikit-learn that holds
        numbers, text and such estimators; or a list, tuple or dict of these and of arrays.
        Fitted or not. Its callbacks are left out: they belong to the program that fits. All else
        is kept, the state of the optimizer and of the random generator too, with which
        `partial_fit` goes on.
    path : str or path-like
        The file. It is replaced if it exists.

    Raises
    ------
    TypeError
        If a part is neither skrnn's nor scikit-learn's, such as a cell of your own, or if its
        state is more than numbers and text. The message names the part.
    FileNotFoundError
        If the folder does not exist.

    See Also
    --------
    load : Load it again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import skrnn
    >>> from skrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(40, n_timesteps=8, random_state=0)
    >>> reg = skrnn.RNNRegressor(4, tol=0.1, random_state=0).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.safetensors"
    ...     skrnn.save(reg, path)
    ...     loaded = skrnn.load(path)
    >>> bool(np.array_equal(loaded.predict(X), reg.predict(X)))
    True
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path must be a str or path-like. Got {path!r} instead.")
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {path}: there is no directory {path.parent}.")
    write_whole(path, _to_bytes(estimator))


def load(path: str | os.PathLike[str]) -> Any:
    """Load what :func:`save` has written; no file can make it run code.

    The SHA-256 of the file is checked before anything else of it is read. Types are known by name
    from a fixed list (those of ``skrnn.TRUSTED_TYPES`` without callbacks and functions, and the
    public classes of scikit-learn), and their instances are made without calling them.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    estimator : estimator
        Its predictions are those of the saved one, to the bit on the same machine.

    Raises
    ------
    ValueError
        If the file is damaged, cut off, was changed after it was saved, was written by a newer
        format, or names what no file may.
    FileNotFoundError
        If there is no such file.

    Warns
    -----
    InconsistentVersionWarning
        If a newer version of skrnn wrote the file, or another version of scikit-learn wrote an
        estimator of its own in it.

    See Also
    --------
    save : Save an estimator, with an example.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # a pipe or a device may never end
        raise ValueError(f"{path} cannot be loaded: it is no regular file.")
    return _from_bytes(path.read_bytes(), str(path))
