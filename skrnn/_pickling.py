"""What a pickle of an estimator says of itself: the version of skrnn that wrote it."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn.exceptions import InconsistentVersionWarning as SklearnVersionWarning

from skrnn._version import __version__

KEY = "_skrnn_version"


class InconsistentVersionWarning(SklearnVersionWarning):
    """An estimator was pickled by another version of skrnn than the one that loads it.

    A subclass of scikit-learn's warning of that name, so that one filter turns both into errors.

    Parameters
    ----------
    estimator_name : str
        The class of the estimator.
    current_skrnn_version : str
        The version that loads it.
    original_skrnn_version : str
        The version that wrote it; "unknown" if it did not say so.
    """

    def __init__(
        self, *, estimator_name: str, current_skrnn_version: str, original_skrnn_version: str
    ):
        self.estimator_name = estimator_name
        self.current_skrnn_version = current_skrnn_version
        self.original_skrnn_version = original_skrnn_version

    def __str__(self) -> str:
        return (
            f"{self.estimator_name} was saved by skrnn {self.original_skrnn_version} and is loaded "
            f"by skrnn {self.current_skrnn_version}, which may fail or give other results. Load it "
            "with the version that saved it, or fit it anew."
        )

    def __reduce__(self) -> Any:
        # A warning in a worker process travels to its parent as a pickle.
        return _warning_of, (
            self.estimator_name,
            self.current_skrnn_version,
            self.original_skrnn_version,
        )


def _warning_of(name: str, current: str, original: str) -> InconsistentVersionWarning:
    return InconsistentVersionWarning(
        estimator_name=name, current_skrnn_version=current, original_skrnn_version=original
    )


class VersionedPickleMixin:
    """Pickles of an estimator carry the version of skrnn; loading another version's warns."""

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), KEY: __version__}  # type: ignore[dict-item]

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop(KEY, "unknown")
        if version != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_skrnn_version=__version__,
                    original_skrnn_version=version,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)  # type: ignore[misc]
