"""Turn sequences of tokens, and texts, into sequences of ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import chain
from numbers import Integral
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from skrnn._html import DescribedMixin
from skrnn._pickling import VersionedPickleMixin
from skrnn._typing import Labels, fit_context
from skrnn.preprocessing._output import SequenceOutputMixin
from skrnn.preprocessing._token_cells import Cells, Column, holds_numbers
from skrnn.sequences import place_of, static_columns

# What stands for every token without an id of its own, and for an empty sequence.
UNKNOWN = 0


class TokenEncoder(
    SequenceOutputMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    DescribedMixin,
    VersionedPickleMixin,
    BaseEstimator,
    auto_wrap_output_keys=None,  # type: ignore[call-arg]
):
    """Encode sequences of tokens as sequences of ids, for the embedding of a network.

    A token is a word, a character, a kind of event: any string, number or hashable object. Every
    token that occurs often enough in `fit` gets an id from 1 on, the most frequent first. Id 0
    stands for all others: for the rare ones, and for those that come up only after `fit`. An
    empty sequence (or text) becomes a single 0, so that a model answers it as it answers a
    sequence of which it knows nothing.

    Parameters
    ----------
    analyzer : {'word', 'char'} or callable, default='word'
        How a text becomes tokens: its words, its characters (with every run of white space as
        one blank), or ``analyzer(text) -> list of tokens``. Sequences of tokens are taken as they
        are.

    lowercase : bool, default=True
        Whether texts are lowercased before they are split. Not used by a callable `analyzer`.

    token_pattern : str, default=r"(?u)\\b\\w+\\b"
        Regular expression of a token, for ``analyzer='word'``. The default takes words of one
        letter too, but no punctuation.

    min_frequency : int, default=1
        How often a token must occur in all to get an id, >= 1. With 2 or more the network meets
        id 0 in training and learns what to make of an unknown token; with 1 it does not.

    max_tokens : int or None, default=None
        Largest number of ids, id 0 included, >= 2: the most frequent tokens are kept. It is the
        `n_tokens` of the network. None keeps all tokens.

    handle_unknown : {'token', 'error'}, default='token'
        Whether a token that `fit` did not see becomes 0 or raises an error. Rare tokens become 0
        in both cases.

    channels : str, list of labels or None, default=None
        Columns to encode of a DataFrame whose cells are sequences; the others pass as they are.
        None encodes those whose sequences hold no numbers.

    dtype : dtype, default=numpy.int64
        Data type of the ids. A network computes in single precision if it is ``numpy.float32``
        and the other channels are float32 as well.

    Attributes
    ----------
    vocabularies_ : list of (dict or None)
        For every channel a dict of token to id, without id 0; None for a channel that passes.

    vocabulary_ : dict
        The vocabulary of the channel, if there is only one that is encoded.

    n_features_in_ : int
        Number of channels, or of columns where a row is a sequence.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns. Defined only if `X` has names that are all strings.

    See Also
    --------
    skrnn.RNNClassifier : Its parameter `embedding_dim` takes the ids.
    from_long : Gathers sequences from a long table.
    sklearn.feature_extraction.text.CountVectorizer : Counts tokens, whatever their order.

    Notes
    -----
    Accepted are texts (a list, tuple, Series or array of strings, or a table with a single column
    of them), sequences of tokens (a list, tuple, Series or 1-D array of 1-D sequences), DataFrames
    and 2-D object arrays whose cells are such sequences, with one column for each channel, and
    2-D arrays and DataFrames whose rows are sequences of one length. The output has the form of
    the input, so there is no `set_output`.

    `partial_fit` never changes an id that it once gave: tokens that reach `min_frequency` later
    get the next ids.

    Examples
    --------
    >>> from skrnn.preprocessing import TokenEncoder
    >>> X = ["the cat sat on the mat", "The dog!"]
    >>> encoder = TokenEncoder().fit(X)
    >>> encoder.vocabulary_
    {'the': 1, 'cat': 2, 'dog': 3, 'mat': 4, 'on': 5, 'sat': 6}
    >>> encoder.transform([*X, "the cow", ""])
    [array([1, 2, 6, 5, 1, 4]), array([1, 3]), array([1, 0]), array([0])]

    Events with an amount: only the tokens are encoded.

    >>> import pandas as pd
    >>> X = pd.DataFrame({"event": [["in", "out"], ["in"]], "amount": [[5.0, 2.0], [1.0]]})
    >>> TokenEncoder().fit_transform(X)
        event      amount
    0  [1, 2]  [5.0, 2.0]
    1     [1]       [1.0]
    """

    _parameter_constraints: ClassVar[dict] = {
        "analyzer": [StrOptions({"word", "char"}), callable],
        "lowercase": ["boolean"],
        "token_pattern": [str],
        "min_frequency": [Interval(Integral, 1, None, closed="left")],
        "max_tokens": [Interval(Integral, 2, None, closed="left"), None],
        "handle_unknown": [StrOptions({"token", "error"})],
        "channels": [str, list, tuple, np.ndarray, pd.Index, None],
        "dtype": "no_validation",
    }

    vocabularies_: list[dict[Any, int] | None]
    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        *,
        analyzer: Literal["word", "char"] | Callable[[str], Iterable[Any]] = "word",
        lowercase: bool = True,
        token_pattern: str = r"(?u)\b\w+\b",
        min_frequency: int = 1,
        max_tokens: int | None = None,
        handle_unknown: Literal["token", "error"] = "token",
        channels: str | Labels | pd.Index | None = None,
        dtype: DTypeLike = np.int64,
    ) -> None:
        self.analyzer = analyzer
        self.lowercase = lowercase
        self.token_pattern = token_pattern
        self.min_frequency = min_frequency
        self.max_tokens = max_tokens
        self.handle_unknown = handle_unknown
        self.channels = channels
        self.dtype = dtype

    @property
    def vocabulary_(self) -> dict[Any, int]:
        """The vocabulary of the encoded channel, if there is only one."""
        vocabularies = [v for v in getattr(self, "vocabularies_", []) if v is not None]
        if len(vocabularies) != 1:
            raise AttributeError(
                f"There are {len(vocabularies)} encoded channels, not one: see vocabularies_."
            )
        return vocabularies[0]

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabulary.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Texts or sequences of tokens, in any form that the notes list.

        y : object, default=None
            Not used; present for pipelines.

        Returns
        -------
        TokenEncoder
            The fitted encoder.
        """
        if hasattr(self, "vocabularies_"):
            del self.vocabularies_
        return self.partial_fit(X, y)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Add further sequences to the vocabulary.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Texts or sequences of tokens, in any form that the notes list.

        y : object, default=None
            Not used; present for pipelines.

        Returns
        -------
        TokenEncoder
            The fitted encoder.
        """
        if np.dtype(self.dtype).kind not in "iuf":
            raise ValueError(
                f"dtype must be one of numbers, for the ids. Got {self.dtype!r} instead."
            )
        first = not hasattr(self, "vocabularies_")
        cells = self._read(X, reset=first)
        if first:
            encoded = self._encoded(cells)
            self._counts: list[Counter[Any]] = [Counter() for _ in encoded]
            vocabularies: list[dict | None] = [{} if chosen else None for chosen in encoded]
        else:
            vocabularies = [None if v is None else dict(v) for v in self.vocabularies_]
        for channel, vocabulary in enumerate(vocabularies):
            if vocabulary is not None:
                self._count(cells, channel)
                self._extend(vocabulary, self._counts[channel])
        if first:
            passes = np.array([vocabulary is None for vocabulary in vocabularies])
            self._X_static = tuple((passes & static_columns(cells.frame)).tolist())
        self.vocabularies_ = vocabularies
        return self

    def transform(self, X: Any) -> Any:
        """Encode tokens as ids.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Texts or sequences of tokens, with the channels seen in `fit`.

        Returns
        -------
        list, tuple, Series, DataFrame or ndarray
            The ids in the form of `X`: a 1-D array for every sequence, or a 2-D array where a row
            is a sequence.
        """
        check_is_fitted(self)
        cells = self._read(X, reset=False)
        # A channel that passes has no number to put in for a step that is not there.
        fill_empty = None not in self.vocabularies_
        columns = [
            None if vocabulary is None else self._encode(cells, channel, fill_empty)
            for channel, vocabulary in enumerate(self.vocabularies_)
        ]
        return self._as_set(cells.with_columns(columns))

    def inverse_transform(self, X: Any) -> Any:
        """Turn ids back into tokens.

        Parameters
        ----------
        X : list, tuple, Series, DataFrame or array
            Ids, as `transform` returns them.

        Returns
        -------
        list, tuple, Series, DataFrame or ndarray
            The tokens in the form of `X`, in object arrays; None for id 0. Tokens are not joined
            into texts again.
        """
        check_is_fitted(self)
        cells = self._read(X, reset=False)
        return cells.with_columns(
            [
                None if vocabulary is None else self._decode(cells, channel)
                for channel, vocabulary in enumerate(self.vocabularies_)
            ]
        )

    def _start_steps(self, n_streams: int) -> dict[str, np.ndarray]:
        """Return the state of a stream: a step does not depend on those before."""
        return {}

    def _step(self, x: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
        """Encode the tokens of one time step, of shape (n_rows, n_channels), as `transform` does.

        They are tokens, as a sequence of tokens has them; no text is split here.
        """
        columns = []
        for channel, column in enumerate(self._columns_of_steps()):
            tokens, vocabulary = x[:, channel], self.vocabularies_[column]
            if vocabulary is None:
                columns.append(tokens.astype(np.float64))
            else:
                columns.append(np.array([self._id(one, column, vocabulary) for one in tokens]))
        return np.column_stack(columns)

    def _columns_of_steps(self) -> list[int]:
        """Return the columns of sequences, which come step by step: those that are not static."""
        static = getattr(self, "_X_static", ())
        return [j for j in range(len(self.vocabularies_)) if j >= len(static) or not static[j]]

    def _id(self, token: Any, channel: int, vocabulary: dict) -> Any:
        """Return the id of a token, as a number of `dtype`."""
        if pd.api.types.is_scalar(token) and pd.isna(token):
            raise ValueError(
                f"There is a missing token ({token!r}) in channel {channel}. Replace it by a "
                "token such as 'missing', or drop the step."
            )
        try:
            if self.handle_unknown == "error" and token not in self._counts[channel]:
                raise ValueError(
                    f"The token {token!r} in channel {channel} is one that fit did not see. Set "
                    "handle_unknown='token' to encode such tokens as 0."
                )
            return np.dtype(self.dtype).type(vocabulary.get(token, UNKNOWN))
        except TypeError as error:
            raise ValueError(
                f"A token must be hashable, such as a string or a number: {error}."
            ) from error

    def _read(self, X: Any, reset: bool) -> Cells:
        cells = Cells.of(X)
        table = X if getattr(X, "ndim", 1) == 2 else cells.frame
        validate_data(self, table, reset=reset, skip_check_array=True)
        return cells

    def _encoded(self, cells: Cells) -> list[bool]:
        """Return for every channel whether it is to be encoded."""
        labels = list(cells.frame.columns)
        if self.channels is not None:
            named = [self.channels] if isinstance(self.channels, str) else list(self.channels)
            if not named or not set(named) <= set(labels):
                raise ValueError(
                    f"channels must name columns of X, which are {labels}. Got {named} instead."
                )
            return [label in named for label in labels]
        if cells.form != "table":
            return [True]
        encoded = [not holds_numbers(column) for _, column in cells.frame.items()]
        if not any(encoded):
            raise ValueError(
                f"All columns of X, {labels}, hold sequences of numbers. Name those whose numbers "
                "are tokens in channels."
            )
        return encoded

    def _count(self, cells: Cells, channel: int) -> None:
        """Add the occurrences of every token of a channel to those counted before."""
        codes, tokens, _ = self._factorize(cells, channel)
        occurrences = np.bincount(codes, minlength=len(tokens)).tolist()
        for token, n in zip(tokens, occurrences, strict=True):
            self._counts[channel][token] += n

    def _extend(self, vocabulary: dict, counts: Counter) -> None:
        """Give ids to the tokens that are frequent by now, the most frequent first."""
        frequent = [
            token
            for token, count in counts.items()
            if count >= self.min_frequency and token not in vocabulary
        ]
        # Ties are broken by the token itself: the order of the samples does not matter.
        frequent.sort(key=lambda token: (-counts[token], str(token)))
        if self.max_tokens is not None:
            frequent = frequent[: max(0, self.max_tokens - 1 - len(vocabulary))]
        first = len(vocabulary) + 1
        vocabulary.update({token: first + i for i, token in enumerate(frequent)})

    def _encode(self, cells: Cells, channel: int, fill_empty: bool) -> Column:
        codes, tokens, lengths = self._factorize(cells, channel)
        vocabulary, seen = self.vocabularies_[channel] or {}, self._counts[channel]
        if self.handle_unknown == "error":
            unseen = np.fromiter((token not in seen for token in tokens), bool, len(tokens))
            if unseen[codes].any():
                row = int(np.argmax(unseen[codes]))
                raise ValueError(
                    f"X has the token {tokens[codes[row]]!r} at {place_of(row, lengths)}, which "
                    "fit did not see. Set handle_unknown='token' to encode such tokens as 0."
                )
        id_of = [vocabulary.get(token, UNKNOWN) for token in tokens]
        ids = np.array(id_of, dtype=self.dtype)[codes]
        return _filled(ids, lengths) if fill_empty else Column(ids, lengths)

    def _decode(self, cells: Cells, channel: int) -> Column:
        vocabulary = self.vocabularies_[channel] or {}
        codes, ids, lengths = self._factorize(cells, channel)
        token_of = {UNKNOWN: None, **{i: token for token, i in vocabulary.items()}}
        wrong = np.fromiter((i not in token_of for i in ids), bool, len(ids))
        if wrong.any():
            row = int(np.argmax(wrong[codes]))
            raise ValueError(
                f"X has {ids[codes[row]]!r} at {place_of(row, lengths)}, but the known ids are "
                f"0 to {len(vocabulary)}."
            )
        tokens = np.fromiter((token_of[i] for i in ids), dtype=object, count=len(ids))
        return Column(tokens[codes], lengths)

    def _factorize(self, cells: Cells, channel: int) -> tuple[np.ndarray, list, np.ndarray]:
        """Return every token of a channel as an index in the different ones, and the lengths."""
        sequences = cells.sequences(channel, self._analyze())
        lengths = np.fromiter(map(len, sequences), dtype=np.intp, count=len(sequences))
        tokens = np.fromiter(chain.from_iterable(sequences), dtype=object, count=lengths.sum())
        try:
            codes, different = pd.factorize(tokens)
        except TypeError as error:
            raise ValueError(
                f"A token must be hashable, such as a string or a number: {error}. For several "
                "channels pass a DataFrame with one column of sequences for each."
            ) from error
        if (codes < 0).any():
            row = int(np.argmax(codes < 0))
            raise ValueError(
                f"X has a missing token ({tokens[row]!r}) at {place_of(row, lengths)}. "
                "Replace it by a token such as 'missing', or drop the step."
            )
        return codes, different.tolist(), lengths

    def _analyze(self) -> Callable[[str], Iterable]:
        return CountVectorizer(
            analyzer=self.analyzer, lowercase=self.lowercase, token_pattern=self.token_pattern
        ).build_analyzer()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags


def _filled(ids: np.ndarray, lengths: np.ndarray) -> Column:
    """Put a single unknown token where a sequence is empty."""
    filled = np.maximum(lengths, 1)
    if (filled == lengths).all():
        return Column(ids, lengths)
    values = np.full(filled.sum(), UNKNOWN, dtype=ids.dtype)
    values[np.repeat(lengths > 0, filled)] = ids
    return Column(values, filled)
