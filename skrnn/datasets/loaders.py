"""Load the data sets that are shipped with the package."""

from __future__ import annotations

import lzma
from importlib.resources import files
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

__all__ = ["DATA", "Split", "load_airline_passengers", "load_japanese_vowels"]

DATA = files("skrnn.datasets") / "data"


Split: TypeAlias = Literal["train", "test"] | None


@overload
def load_japanese_vowels(
    *, split: Split = None, return_X_y: Literal[False] = False, as_frame: bool = True
) -> Bunch: ...
@overload
def load_japanese_vowels(
    *, split: Split = None, return_X_y: Literal[True], as_frame: Literal[True] = True
) -> tuple[pd.DataFrame, pd.Series]: ...
@overload
def load_japanese_vowels(
    *, split: Split = None, return_X_y: Literal[True], as_frame: Literal[False]
) -> tuple[np.ndarray, np.ndarray]: ...
@overload
def load_japanese_vowels(
    *, split: Split = None, return_X_y: bool = False, as_frame: bool = True
) -> Any: ...
def load_japanese_vowels(
    *, split: Split = None, return_X_y: bool = False, as_frame: bool = True
) -> Any:
    """Load the Japanese vowels: name the speaker of an utterance (classification).

    ================  ===========================
    Classes           9 speakers, labels 1 to 9
    Sequences         640 (270 train, 370 test)
    Time steps        7 to 29 frames
    Channels          12, real
    ================  ===========================

    Nine male speakers utter the two vowels /ae/ in succession; a frame every 6.4 ms holds 12 LPC
    cepstrum coefficients [1]_. The data set is Japanese Vowels of the UCI Machine Learning
    Repository by M. Kudo, J. Toyama and M. Shimbo, licensed under CC BY 4.0 [2]_; it was put
    into one table, its values are unchanged.

    Parameters
    ----------
    split : {"train", "test"}, default=None
        The part of the original split to load. None loads all utterances, train first.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.
    as_frame : bool, default=True
        Whether data and target are pandas objects. If False they are arrays.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        data : DataFrame of shape (n_utterances, 12)
            A cell holds one coefficient of one utterance as an ndarray of shape (n_frames,),
            dtype float64; the index is the number of the utterance. With `as_frame=False` a 1-D
            object array of ndarrays of shape (n_frames, 12).
        target : Series of shape (n_utterances,)
            The speaker, 1 to 9. With `as_frame=False` an ndarray.
        frame : DataFrame of shape (n_utterances, 13) or None
            `data` and `target` side by side; None with `as_frame=False`.
        long : DataFrame of shape (n_frames_total, 16)
            The same data with one row a frame: utterance, frame, split, speaker and the
            coefficients.
        feature_names : list of str
            The names of the channels, lpc1 to lpc12.
        target_names : list of str
            The names of the classes in the order of their labels.
        DESCR : str
            The full description, with source and licence.

    (data, target) : tuple if `return_X_y` is True
        As above.

    Raises
    ------
    ValueError
        If `split` is none of the values above.

    See Also
    --------
    skrnn.preprocessing.from_long : Gathers sequences from a long table such as `long`.

    References
    ----------
    .. [1] M. Kudo, J. Toyama, M. Shimbo, "Multidimensional curve classification using
       passing-through regions", Pattern Recognition Letters 20 (1999) 1103-1111.
    .. [2] UCI Machine Learning Repository, Japanese Vowels, doi:10.24432/C5NS47.

    Examples
    --------
    >>> from skrnn.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> X.shape, y.nunique()
    ((270, 12), 9)
    >>> X.loc[0, "lpc1"].shape
    (20,)
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"split must be 'train', 'test' or None, got {split!r}.")
    feature_names = [f"lpc{i}" for i in range(1, 13)]
    long = _frames(feature_names)
    if split is not None:
        long = long[long["split"] == split].reset_index(drop=True)
    data, target = _utterances(long, feature_names, as_frame)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=data.join(target) if as_frame else None,
        long=long,
        feature_names=feature_names,
        target_names=[f"speaker {label}" for label in range(1, 10)],
        DESCR=(DATA / "japanese_vowels.rst").read_text(encoding="utf-8"),
    )


def _frames(feature_names: list[str]) -> pd.DataFrame:
    """Read the table of all frames, whose coefficients are stored in millionths."""
    with (DATA / "japanese_vowels.npy.xz").open("rb") as packed, lzma.open(packed) as file:
        table = np.load(file)
    ids = pd.DataFrame(
        table[:, :4].astype(np.int64), columns=["utterance", "frame", "split", "speaker"]
    )
    ids["split"] = np.where(table[:, 2], "test", "train")
    return ids.join(pd.DataFrame(table[:, 4:] / 1e6, columns=feature_names))


def _utterances(long: pd.DataFrame, names: list[str], as_frame: bool) -> tuple[Any, Any]:
    """Gather the utterances of the long table, whose rows are in order."""
    target = long.groupby("utterance")["speaker"].first()
    stops = np.flatnonzero(np.diff(long["utterance"])) + 1
    if as_frame:
        columns = {name: np.split(long[name].to_numpy(copy=True), stops) for name in names}
        return pd.DataFrame(columns, index=target.index), target
    data = np.empty(len(target), dtype=object)
    data[:] = np.split(np.ascontiguousarray(long[names]), stops)
    return data, target.to_numpy()


def load_airline_passengers() -> pd.Series:
    """Load the airline passengers: forecast a monthly series (regression).

    Totals of passengers on international flights, in thousands a month, from January 1949 to
    December 1960: a trend with a yearly season that grows with it. The series is known as
    Series G of Box and Jenkins [1]_.

    Returns
    -------
    Series of shape (144,), dtype int64
        Thousands of passengers, named "passengers"; the index is a monthly PeriodIndex named
        "month" without gaps.

    References
    ----------
    .. [1] G. E. P. Box, G. M. Jenkins, "Time Series Analysis: Forecasting and Control",
       Holden-Day (1970), Series G.

    Examples
    --------
    >>> from skrnn.datasets import load_airline_passengers
    >>> load_airline_passengers().head(3)
    month
    1949-01    112
    1949-02    118
    1949-03    132
    Freq: M, Name: passengers, dtype: int64
    """
    with (DATA / "airline_passengers.csv").open("rb") as file:
        table = pd.read_csv(file)
    month = pd.PeriodIndex(table["Date"], freq="M", name="month")
    return pd.Series(table["Passengers"].to_numpy(copy=True), month, name="passengers")
