"""Values of NumPy as messages show them."""

from __future__ import annotations

from typing import Any

import numpy as np


def python_value(value: Any) -> Any:
    """Return NumPy scalars as numbers and strs of Python, those in containers too.

    So that messages show them as the user would write them: ``1``, not ``np.int64(1)``.

    Parameters
    ----------
    value : object
        Of any kind; what is neither a scalar nor a list, tuple, set or dict is returned as it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn._shown import python_value
    >>> python_value((np.int64(4), {np.str_("a"): np.float64(0.5)}))
    (4, {'a': 0.5})
    """
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple, set):
        return type(value)(python_value(item) for item in value)
    if type(value) is dict:
        return {python_value(key): python_value(item) for key, item in value.items()}
    return value
