"""What fails leaves an object as it was."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def put_back_on_error(estimator: Any, *, but: Collection[str] = ()) -> Iterator[None]:
    """Put back all attributes of an estimator if what is done to it inside raises.

    Parameters
    ----------
    estimator : object
        Attributes are put back as the objects that they were; none may be changed in place.
    but : collection of str, default=()
        Names of attributes that stay as they are then.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        attributes = vars(estimator)
        kept = {name: attributes[name] for name in but if name in attributes}
        attributes.clear()
        attributes.update(before | kept)
        raise
