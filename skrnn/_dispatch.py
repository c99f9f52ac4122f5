"""What scikit-learn's array API dispatch means for an estimator that computes in NumPy."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from sklearn import config_context, get_config


def numpy_only() -> AbstractContextManager[None]:
    """Return a context in which scikit-learn reads every array as a NumPy array.

    With ``sklearn.set_config(array_api_dispatch=True)`` its checks would keep a tensor what it is,
    and fail on NumPy's dtypes. In this context they convert it, as they do without dispatch.
    """
    if get_config()["array_api_dispatch"]:
        return config_context(array_api_dispatch=False)
    return nullcontext()
