"""`set_output` of transformers that return sequences in the form in which they came."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.utils.validation import _check_feature_names_in

from skrnn.sequences._scaled import note_same_channels


class SequenceOutputMixin:
    """What scikit-learn's `set_output` means where `transform` keeps the form of `X`."""

    def set_output(self, *, transform: Literal["default", "pandas"] | None = None) -> Self:
        """Set what `transform` and `fit_transform` return.

        Parameters
        ----------
        transform : {"default", "pandas"}, default=None
            `"default"` is the form of `X`. `"pandas"` is a DataFrame (a Series for a Series),
            which `X` has to be already, or a 2-D array: its columns then get the names of
            `get_feature_names_out`.
            None leaves it as it is. ``sklearn.set_config(transform_output="pandas")`` has the
            same effect, but where `X` has a form that is no table it keeps that form.

        Returns
        -------
        self : object
            The transformer itself.

        Raises
        ------
        ValueError
            If it is another container. From `transform`, if `X` is no table.
        """
        if transform is None:
            return self
        if transform not in ("default", "pandas"):
            raise ValueError(
                f"transform must be 'default' or 'pandas'. Got {transform!r} instead: "
                f"{type(self).__name__} returns sequences in the form in which they come, and of "
                "DataFrames only those of pandas hold sequences in their cells."
            )
        # Under this name scikit-learn's clone takes it along.
        self._sklearn_output_config = {"transform": transform}
        return self

    def _as_set(self, transformed: Any) -> Any:
        """Return what `transform` has made, as a DataFrame if that was asked for."""
        own = getattr(self, "_sklearn_output_config", {}).get("transform")
        wanted = own or get_config()["transform_output"]
        if wanted != "pandas" or isinstance(transformed, pd.Series):
            return transformed
        table = isinstance(transformed, np.ndarray) and transformed.ndim == 2
        if table or isinstance(transformed, pd.DataFrame):
            names = self.get_feature_names_out()  # type: ignore[attr-defined]
            return note_same_channels(
                pd.DataFrame(transformed).set_axis(names, axis=1), transformed
            )
        if own is None:
            return transformed
        form = type(transformed).__name__
        if isinstance(transformed, np.ndarray):
            form = f"{transformed.ndim}-D array"
        raise ValueError(
            f"{type(self).__name__} was told set_output(transform='pandas'), but X is a {form}, "
            "which is no table and comes back in its own form. Pass a DataFrame whose cells are "
            "the sequences, as skrnn.preprocessing.from_long returns it, or a 2-D table; or call "
            "set_output(transform='default')."
        )


def names_in(transformer: Any, input_features: Any) -> np.ndarray:
    """Return the names of the features that a fitted transformer of sequences takes.

    Parameters
    ----------
    transformer : estimator
        Fitted by `read_sequences`.
    input_features : array-like of str or None
        Names; those seen in `fit` have to be the same. None takes these, or "x0", "x1", ...

    Returns
    -------
    ndarray of str
        Of the columns of a 2-D `X`, else of the channels and static features.

    Raises
    ------
    ValueError
        If they are others than in `fit`, or not as many.
    """
    if hasattr(transformer, "n_features_in_"):
        return _check_feature_names_in(transformer, input_features)
    # Of sequences, which have channels, scikit-learn knows no number of features.
    n_columns = transformer.n_channels_in_ + transformer.n_static_in_
    if input_features is None and not hasattr(transformer, "feature_names_in_"):
        input_features = [f"x{column}" for column in range(n_columns)]
    names = _check_feature_names_in(transformer, input_features)
    if len(names) != n_columns:
        raise ValueError(
            "input_features should have length equal to number of features "
            f"({n_columns}), got {len(names)}"
        )
    return names
