"""What an estimator says of itself: its tags, its targets, its random states."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags

from skrnn.testing._forms import Capabilities


class Described:
    """An estimator with what it claims.

    Parameters
    ----------
    estimator : estimator instance
        Not fitted itself, only clones of it.
    capabilities : Capabilities
        What it claims.
    """

    def __init__(self, estimator: Any, capabilities: Capabilities) -> None:
        self.estimator = estimator
        self.capabilities = capabilities
        self.name = type(estimator).__name__

    @cached_property
    def targets(self) -> str | None:
        """What `fit` learns: "classes", "numbers" or, without targets, None."""
        if self.capabilities.targets is not None:
            return self.capabilities.targets
        return {"classifier": "classes", "regressor": "numbers"}.get(self.kind or "")

    @cached_property
    def kind(self) -> str | None:
        """What scikit-learn takes the estimator for: "classifier", "clusterer", ..."""
        return self.tag("estimator_type") or getattr(self.estimator, "_estimator_type", None)

    @cached_property
    def positive_only(self) -> bool:
        """Whether the estimator takes no negative numbers."""
        return bool(self.tag("input_tags.positive_only"))

    def tag(self, path: str) -> Any:
        """One of scikit-learn's tags by its dotted path; None where the estimator has no tags."""
        try:
            tag: Any = get_tags(self.estimator)
        except (AttributeError, ValueError):
            return None
        for name in path.split("."):
            tag = getattr(tag, name, None)
        return tag

    @cached_property
    def random_states(self) -> dict[str, int]:
        """The random states of the estimator and of its parts, all 0."""
        names = self.estimator.get_params()
        return {name: 0 for name in names if re.search(r"(^|__)random_state$", name)}

    def new(self) -> Any:
        """An unfitted clone with these random states."""
        return clone(self.estimator).set_params(**self.random_states)
