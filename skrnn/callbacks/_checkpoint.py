"""Save a fit as it goes, and resume it."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

import joblib
from sklearn.utils import check_scalar

from skrnn._files import write_whole
from skrnn._version import __version__
from skrnn.callbacks._base import Callback, check_count
from skrnn.core.training import TrainingState
from skrnn.persistence._content import from_bytes, to_bytes
from skrnn.persistence._encode import NotSafeError

# The first line of every file: a file that begins otherwise is none of these.
MAGIC = b"skrnn checkpoint 2\n"


class Checkpoint(Callback):
    """Saves a fit as it goes, so that it can be resumed if the process is killed.

    Run the same program again: `fit` finds the file, goes on from the epoch it holds, and ends
    with the same weights, curves and other attributes, to the bit, as a fit that was never killed.
    A file that holds a finished fit gives its result at once. After an interrupt (Ctrl-C) the
    last file stays, and the fit can be resumed as well.

    The file is replaced in one step: there is a complete one at any time. It holds a SHA-256 of
    its content, which is checked before anything else of it is read: a damaged file is refused.
    As those of :func:`skrnn.save` it holds numbers and text, and no file can make `fit` run code.

    Parameters
    ----------
    path : str or path-like
        The file. If it is a directory that exists, every combination of parameters and data gets
        a file of its own there, so that a killed search, too, goes on where it was.
    every : int, default=1
        Epochs between two saves, >= 1.
    allow_pickle : bool, default=False
        Whether the state of the fit is pickled, and read from a pickle. It has to be where an
        optimizer or a callback of your own is part of that state. Do not resume such a file if
        others could write it: a pickle runs code, and whoever can write the file can write its
        SHA-256.

    Raises
    ------
    ValueError
        From `fit`, if the file belongs to a fit with other parameters or data, if it is damaged
        or no checkpoint, or with an optimizer that takes all samples at once (``'lbfgs'``), whose
        state cannot be saved. Without `allow_pickle` also if the file holds a pickle, or if a
        part of your own belongs to the state.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import Checkpoint
    >>> from skrnn.datasets import make_adding_problem
    >>> X, y = make_adding_problem(40, n_timesteps=8, random_state=0)
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     checkpoint = Checkpoint(Path(directory) / "fit.checkpoint", every=10)
    ...     reg = RNNRegressor(4, tol=0.1, random_state=0).set_callbacks(checkpoint)
    ...     first = reg.fit(X, y).loss_curve_
    ...     second = reg.fit(X, y).loss_curve_  # read from the file
    >>> first == second
    True
    """

    def __init__(self, path: Any, *, every: int = 1, allow_pickle: bool = False):
        self.path: Path = Path(path)
        self.every: int = check_count(every, "every")
        self.allow_pickle: bool = check_scalar(allow_pickle, "allow_pickle", bool)
        # File and fingerprint of the fits that are running in this process.
        self._fits: dict[int, tuple[Path, dict[str, str]]] = {}

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that there can be a checkpoint."""
        super().setup(estimator, context)
        if estimator._full_batch:
            raise ValueError(
                f"Checkpoint cannot save a fit with optimizer={estimator.optimizer!r}: what it "
                "knows while it minimises the loss of all samples cannot be taken out of it. "
                "Choose another optimizer, or fit without the callback."
            )
        if not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"Checkpoint cannot write {self.path}: there is no directory {self.path.parent}."
            )

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget the fit."""
        self._fits.pop(id(estimator), None)

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, metadata: Any = None
    ) -> None:
        """Resume a fit when it begins; save it before an epoch, when the last one is complete."""
        if context.task_name != "epoch":
            fingerprint = fingerprint_of(estimator, X=X, y=y, **(metadata or {}))
            path = self.path
            if path.is_dir():
                path /= f"{joblib.hash(fingerprint)}.checkpoint"
            self._fits[id(estimator)] = path, fingerprint
            if path.exists():
                estimator._start_from(_load(path, fingerprint, allow_pickle=self.allow_pickle))
            return
        epoch = estimator._training_state.epoch
        if epoch == 0:
            self._packed(estimator)  # what cannot be saved is said before hours of training
        elif epoch % self.every == 0:
            self._save(estimator)

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Save a fit that is finished."""
        if context.task_name != "epoch" and not estimator._training_state.interrupted:
            self._save(estimator)

    def _save(self, estimator: Any) -> None:
        path, _ = self._fits[id(estimator)]
        write_whole(path, self._packed(estimator))

    def _packed(self, estimator: Any) -> bytes:
        """Return the bytes of a file.

        That is its kind, a SHA-256 of the rest, a line of JSON that says whose state it is, and
        the state. All but the state is text, a line each.
        """
        state = estimator._training_state
        content = pickle.dumps(state, protocol=5) if self.allow_pickle else _without_pickle(state)
        _, fingerprint = self._fits[id(estimator)]
        head = json.dumps({"fingerprint": fingerprint, "pickle": self.allow_pickle})
        rest = head.encode() + b"\n" + content
        return MAGIC + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def _without_pickle(state: TrainingState) -> bytes:
    try:
        return to_bytes(state)
    except NotSafeError as error:
        raise ValueError(
            f"Checkpoint cannot save this fit without a pickle: {error} "
            "Checkpoint(..., allow_pickle=True) pickles it."
        ) from error


def fingerprint_of(estimator: Any, **data: Any) -> dict[str, str]:
    """Return hashes of all that must be the same for a resumed fit to be equal to the bit."""
    parts = {**estimator.get_params(deep=False), **data}
    del parts["verbose"]
    if estimator.warm_start and hasattr(estimator, "network_"):
        parts["the weights to start from"] = estimator.network_.parameters.vector
    fingerprint = {name: _hash(name, value) for name, value in parts.items()}
    return {**fingerprint, "estimator": type(estimator).__name__, "version of skrnn": __version__}


def _hash(name: str, value: Any) -> str:
    try:
        return joblib.hash(value)
    except Exception as error:  # whatever the value's own pickling raises
        raise ValueError(
            f"Checkpoint has to recognise {name}={value!r} in another process, but it cannot be "
            "pickled. Use a function or class that is defined at the top level of a module."
        ) from error


def _load(path: Path, fingerprint: dict[str, str], *, allow_pickle: bool) -> TrainingState:
    """Return the state in a file, if it is whole and belongs to the fit with this fingerprint."""
    remedy = "Delete it to start anew, or give another path."
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise ValueError(f"{path} is no checkpoint of skrnn. {remedy}")
    digest, _, rest = content.removeprefix(MAGIC).partition(b"\n")
    # Before anything else of it is read: flipped bits may make another sound state.
    if digest != hashlib.sha256(rest).hexdigest().encode():
        raise ValueError(
            f"{path} is damaged: its content is not what was saved (the SHA-256 differs). {remedy}"
        )
    line, _, state = rest.partition(b"\n")
    head = json.loads(line or b"null")
    if not isinstance(head, dict) or not isinstance(head.get("fingerprint"), dict):
        raise ValueError(f"{path} is no checkpoint of skrnn. {remedy}")
    found = head["fingerprint"]
    names = [name for name in fingerprint | found if fingerprint.get(name) != found.get(name)]
    if names:
        raise ValueError(
            f"{path} belongs to another fit, which differs in: {', '.join(names)}. Fit with what "
            "it was saved with to resume it, delete it to start anew, or give another path."
        )
    if head.get("pickle") and not allow_pickle:
        raise ValueError(
            f"{path} holds a pickle, which may run code. If nobody else could write it, resume it "
            f"with Checkpoint(..., allow_pickle=True). {remedy}"
        )
    return _state_of(path, state, pickled=bool(head.get("pickle")))


def _state_of(path: Path, content: bytes, *, pickled: bool) -> TrainingState:
    """Return the state in a file that is whole."""
    try:
        state = pickle.loads(content) if pickled else from_bytes(content, "its state")
    except Exception as error:  # whatever the classes in it raise
        raise ValueError(
            f"{path} cannot be resumed here: {type(error).__name__}: {error}. It needs the same "
            "libraries, and the classes of yours that it holds, as when it was saved."
        ) from error
    if not isinstance(state, TrainingState):
        raise ValueError(
            f"{path} holds a {type(state).__name__} in place of the state of a fit. Delete it to "
            "start anew, or give another path."
        )
    return state
