"""The stream: it reads rows, brings them through a network, and keeps where it is."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from skrnn.core import kernels
from skrnn.core.embedding import without_vector
from skrnn.core.steppable import gappy_channels, obstacle
from skrnn.core.stepping import Stepping
from skrnn.estimators._finite import Answer, NotFiniteError, finite
from skrnn.sequences._values import as_numbers
from skrnn.streaming._chain import chain_of, refuse_cells
from skrnn.streaming._static import StaticReader
from skrnn.streaming._steps import takes_tokens

OURS = "skrnn.preprocessing."
FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


class SequenceStream:
    """Predictions after every time step, for one sequence or for many side by side.

    The answer of a step is that of `predict` for the sequence so far: the same to the bit where
    the kernels run, else up to the rounding of the last digits. It takes time and memory that do
    not depend on the length of the sequence (but with ``readout="attention"``, which looks back at
    all steps).

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor or Pipeline
        Fitted. The steps of a Pipeline before the network have to act step by step, as
        :class:`skrnn.preprocessing.SequenceScaler`, :class:`skrnn.preprocessing.SequenceImputer`
        and :class:`skrnn.preprocessing.TokenEncoder` do; so does a `ColumnTransformer` that
        leaves channels as they are, or to such steps, whatever it does to static features. A
        fitted search stands for its best estimator. The parameters of the network are copied: a
        later fit does not change the stream.

    n_streams : int, default=1
        Sequences that are read side by side, >= 1.

    static : DataFrame, array-like of shape (n_streams, n_static) or dict, default=None
        Static features of the sequences that begin, with the columns of single values that `X`
        had in `fit`, as they are there: before scaling and encoding. A dict has a value, or one
        for every stream, under the name of each column. One row will do for a single stream, one
        value a stream for a single column. With None, every stream has to be given its own by
        `reset` before its first step.

    Attributes
    ----------
    n_steps : ndarray of shape (n_streams,)
        Time steps that every stream has read since its beginning.

    n_channels : int
        Numbers, or tokens, of a time step. Static features are not among them.

    Raises
    ------
    ValueError
        If the network cannot read step by step: a bidirectional one begins at the end. If static
        features are not those that it was fitted with.
    TypeError
        If the estimator is not one of skrnn, or a transformer needs the whole sequence.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    See Also
    --------
    skrnn.c.to_c : The same as a file of C, for a microcontroller.

    Notes
    -----
    A frame of `frame_length` steps is read as soon as it is whole; until then the answer is that
    of a sequence which ends there, as in `predict`: the last step fills the frame up.

    Examples
    --------
    >>> import numpy as np
    >>> from skrnn import RNNClassifier
    >>> from skrnn.streaming import SequenceStream
    >>> rng = np.random.RandomState(0)
    >>> X = rng.normal(size=(60, 20, 2))
    >>> y = np.where(X[:, :, 0].mean(axis=1) > 0, "up", "down")
    >>> clf = RNNClassifier(8, bidirectional=False, readout="mean", random_state=0).fit(X, y)
    >>> stream = SequenceStream(clf)
    >>> answers = [stream.step(x_t)[0] for x_t in X[0]]
    >>> answers == [clf.predict(X[:1, :t])[0] for t in range(1, 21)]
    True

    Two sensors at once, of which one begins anew:

    >>> stream = SequenceStream(clf, n_streams=2)
    >>> stream.step_proba(X[:2, 0]).shape
    (2, 2)
    >>> stream.reset(1)
    >>> stream.step(X[0, 1], only=0).shape
    (1,)
    >>> stream.n_steps
    array([2, 0])

    What is known of a sequence as a whole is said when it begins:

    >>> import pandas as pd
    >>> noise = list(rng.normal(size=(60, 20)))
    >>> table = pd.DataFrame({"tilt": np.where(y == "up", 1.0, -1.0), "speed": noise})
    >>> tilted = RNNClassifier(8, bidirectional=False, random_state=0).fit(table, y)
    >>> stream = SequenceStream(tilted, static={"tilt": 1.0})
    >>> stream.step([0.2])
    array(['up'], dtype='<U4')
    >>> stream.reset(static={"tilt": -1.0})
    >>> stream.step([0.2])
    array(['down'], dtype='<U4')
    """

    def __init__(self, estimator: Any, n_streams: Any = 1, *, static: Any = None):
        is_count = isinstance(n_streams, Integral) and not isinstance(n_streams, bool)
        if not is_count or int(n_streams) < 1:
            raise ValueError(f"n_streams must be an int >= 1. Got {n_streams!r} instead.")
        self.n_streams: int = int(n_streams)
        chain = chain_of(estimator)
        self._targets = chain.estimator._targets
        self._name = type(chain.estimator).__name__
        network = chain.estimator.network_
        reason = obstacle(network.architecture, network.parameters.vector.dtype)
        if reason is not None:
            raise ValueError(f"This {self._name} cannot be streamed: {reason}")
        self._transformers = chain.transformers
        self._first_name = type(chain.first).__name__
        self._takes_tokens = any(map(takes_tokens, chain.transformers[:1]))
        self.n_channels: int = chain.n_channels
        self._names = chain.names
        self._static = StaticReader(chain)
        self._stepping = Stepping(network, self.n_streams, self._static.n_constant)
        self._states = self._started()
        self._gappy = gappy_channels(network.architecture)
        below = network.architecture.embedding, network.architecture.differences
        plain = below == (None, None) and not self._gappy
        self._is_plain = plain and not (any(self._states) or self._takes_tokens)
        self._shapes: list[tuple[int, ...]] = [(self.n_streams, self.n_channels)]
        # Transformers of the user's own are promised two axes.
        ours = all(type(one).__module__.startswith(OURS) for one in chain.transformers)
        if self.n_streams == 1 and ours:
            self._shapes.append((self.n_channels,))
        elif self.n_channels == 1 and ours:
            self._shapes.append((self.n_streams,))
        self._unknown = np.zeros(self.n_streams, bool)
        self._note_unknown()
        if static is not None:
            self.reset(static=static)

    def __repr__(self) -> str:
        return f"SequenceStream({self._name}, n_streams={self.n_streams})"

    @property
    def n_steps(self) -> np.ndarray:
        """Time steps that every stream has read, ndarray of shape (n_streams,)."""
        return self._stepping.arrays["n_steps"].copy()

    def step(self, x_t: Any, only: Any = None) -> np.ndarray:
        """Read the next time step of every stream, and predict.

        Parameters
        ----------
        x_t : array-like of shape (n_rows, n_channels)
            A row for every stream, as `X` of the estimator has one for every time step: before
            scaling, or tokens. (n_channels,) will do for a single stream, (n_rows,) for a single
            channel.

        only : int or array-like of int, default=None
            The streams that have a new row, each once, in the order of the rows; the others
            wait. None means all.

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_outputs)
            What `predict` says of the sequences so far; with `return_sequences=True` what it says
            of their last step.

        Raises
        ------
        ValueError
            If a row is not valid or its stream has no static features yet, which leaves all
            streams as they were, or if a prediction is not finite.
        """
        return self._step(x_t, only, self._targets.decode)

    def step_proba(self, x_t: Any, only: Any = None) -> np.ndarray:
        """Read the next time step of every stream, and return the probability of every class.

        Parameters
        ----------
        x_t, only : object
            As in `step`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            What `predict_proba` says of the sequences so far, or of their last step.

        Raises
        ------
        AttributeError
            If the estimator is a regressor.
        ValueError
            As `step`.
        """
        if not hasattr(self._targets, "probabilities"):
            raise AttributeError(
                f"{self._name} predicts numbers, which have no probabilities. Use step."
            )
        return self._step(x_t, only, self._targets.probabilities)

    def steps(self, X: Any, only: Any = None) -> np.ndarray:
        """Read several time steps of every stream at once, and predict.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_timesteps, n_channels)
            The next steps of every stream, equally many; (n_timesteps, n_channels) will do for a
            single stream, (n_rows, n_timesteps) for a single channel.

        only : int or array-like of int, default=None
            As in `step`.

        Returns
        -------
        ndarray of shape (n_rows, ...)
            As `step` returns it after the last of the steps; with `return_sequences=True` of
            shape (n_rows, n_timesteps, ...), as `step` returns it at each of them.

        Raises
        ------
        ValueError
            As `step`.
        """
        streams = self._streams(only)
        n_rows = self.n_streams if streams is None else len(streams)
        x = self._table(X, n_rows, axes=3)
        raw = self._advance([x[:, t] for t in range(x.shape[1])], streams)
        if not self._stepping.per_step:
            return self._answered(raw[-1], self._targets.decode)
        n_timesteps, _, n_outputs = raw.shape
        rows = raw.swapaxes(0, 1).reshape(-1, n_outputs)
        answers = self._answered(rows, self._targets.decode)
        return answers.reshape(n_rows, n_timesteps, *answers.shape[1:])

    def reset(self, i: Any = None, *, static: Any = None) -> None:
        """Let streams begin a new sequence.

        Parameters
        ----------
        i : int or array-like of int, default=None
            Which ones. None means all.

        static : DataFrame, array-like of shape (n_rows, n_static) or dict, default=None
            Static features of the new sequences, in the order of `i`, as when the stream is made.
            With None they are not known: those of the old ones are forgotten.

        Raises
        ------
        ValueError
            If `static` is not valid, which leaves all streams as they were.
        """
        streams = self._streams(i)
        streams = np.arange(self.n_streams) if streams is None else streams
        known = None if static is None else self._static.read(static, len(streams))
        self._stepping.reset(streams, known)
        self._note_unknown()
        for state, first in zip(self._states, self._started(), strict=True):
            for name, array in first.items():
                state[name][streams] = array[streams]

    def get_state(self) -> dict[str, np.ndarray]:
        """Return where all streams are: copies of the arrays, by name.

        Returns
        -------
        dict of str to ndarray
            For `set_state` of this stream, or of another one of the same estimator and
            `n_streams`, in another process too: it can be pickled, or saved by
            :func:`numpy.savez`. The weights are not in it.
        """
        return {name: array.copy() for name, array in self._arrays().items()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from where streams were.

        Parameters
        ----------
        state : mapping of str to ndarray
            What `get_state` returned.

        Raises
        ------
        ValueError
            If it is of another network or another number of streams; nothing changes then.
        """
        arrays = self._arrays()
        if set(state) != set(arrays):
            raise ValueError(
                f"state has the arrays {sorted(state)}, but this stream has {sorted(arrays)}. "
                "It takes what get_state returned for the same estimator."
            )
        given = {name: np.asarray(state[name]) for name in arrays}
        for name, array in arrays.items():
            # Of states that are all kept there are as many as the longest stream has steps.
            grows = name == "network.readout.states"
            shapes = [
                (one.shape[:1] + one.shape[2:]) if grows else one.shape
                for one in (given[name], array)
            ]
            if shapes[0] != shapes[1] or given[name].dtype != array.dtype:
                raise ValueError(
                    f"state[{name!r}] has shape {given[name].shape} and dtype "
                    f"{given[name].dtype}; this stream has shape {array.shape} and dtype "
                    f"{array.dtype}. It takes what get_state returned for the same estimator "
                    f"and n_streams={self.n_streams}."
                )
        if (given["network.n_steps"] < 0).any():
            raise ValueError("state['network.n_steps'] has a negative number of steps.")
        self._stepping.restore(
            {
                name.removeprefix("network."): array
                for name, array in given.items()
                if name.startswith("network.")
            }
        )
        for i, own in enumerate(self._states):
            for name, array in own.items():
                array[:] = given[f"transformers.{i}.{name}"]
        self._note_unknown()

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays of the state, by the names that users see."""
        arrays = {f"network.{name}": array for name, array in self._stepping.arrays.items()}
        for i, state in enumerate(self._states):
            arrays |= {f"transformers.{i}.{name}": array for name, array in state.items()}
        return arrays

    def _started(self) -> list[dict[str, np.ndarray]]:
        """Return the states of the transformers before the first step."""
        return [one._start_steps(self.n_streams) for one in self._transformers]

    def _note_unknown(self) -> None:
        """Take down which streams have no static features yet."""
        if self._static.n:
            self._unknown = np.isnan(self._stepping.arrays["static"]).any(axis=1)
        self._is_ready = self._is_plain and not self._unknown.any()

    def _streams(self, only: Any) -> np.ndarray | None:
        """Return the indices of some streams; None for all."""
        if only is None:
            return None
        streams = np.atleast_1d(np.asarray(only))
        wrong = streams.ndim != 1 or streams.dtype.kind not in "iu" or streams.size == 0
        if wrong or (streams < 0).any() or (streams >= self.n_streams).any():
            raise ValueError(
                f"Streams are named by int from 0 to {self.n_streams - 1}. Got {only!r} instead."
            )
        if len(np.unique(streams)) < len(streams):
            raise ValueError(f"A stream has one row a step, but {only!r} names one twice.")
        return streams.astype(np.intp)

    def _step(self, x_t: Any, only: Any, answer: Answer) -> np.ndarray:
        """Read a time step, and return what a method of the targets says of it."""
        if only is None and self._is_quick(x_t):
            compiled = self._stepping.compiled()
            if compiled is not None:
                step, raw = compiled
                x = x_t
                for transformer in self._transformers:
                    x = transformer._step(x, {})
                if self._stepping.n_constant:
                    x = self._stepping.with_constant(x.reshape(self.n_streams, -1))
                outcome = step(x)
                if outcome == kernels.DONE:
                    rows = answer(raw)
                    if rows.dtype.kind != "f" or np.isfinite(rows).all():
                        return rows
                if outcome in (kernels.DONE, kernels.NO_PREDICTION):
                    return self._answered(raw, answer)
                # What they cannot read goes the long way, which says what is wrong.
        streams = self._streams(only)
        n_rows = self.n_streams if streams is None else len(streams)
        raw = self._advance([self._table(x_t, n_rows, axes=2)], streams)
        return self._answered(raw[-1], answer)

    def _is_quick(self, x_t: Any) -> bool:
        """Tell whether a time step needs no look before the transformers and the kernels."""
        # Anything but an array of NumPy itself may be masked, or have names.
        is_plain = self._is_ready and type(x_t) is np.ndarray
        return is_plain and x_t.shape in self._shapes and x_t.dtype in FLOATS

    def _table(self, x: Any, n_rows: int, *, axes: int) -> np.ndarray:
        """Return what came as rows of channels, or as rows of steps of channels."""
        self._check_names(x)
        array = np.asarray(x, dtype=object) if self._takes_tokens else as_numbers(x, "x_t")
        if self.n_channels == 1 and array.ndim == axes - 1 and len(array) == n_rows:
            array = array[..., np.newaxis]
        elif n_rows == 1 and array.ndim == axes - 1:
            array = array[np.newaxis]
        elif n_rows == self.n_channels == 1 and array.ndim == axes - 2:
            array = array[np.newaxis, ..., np.newaxis]
        expected = (n_rows, self.n_channels) if axes == 2 else (n_rows, -1, self.n_channels)
        fits = array.ndim == axes and array.shape[:: axes - 1] == (n_rows, self.n_channels)
        if not fits or array.size == 0:
            shape = str(expected).replace("-1", "n_timesteps")
            names = "" if self._names is None else f"{self._names} "
            raise ValueError(
                f"x_t has shape {array.shape}; expected {shape}: a row for every stream that has "
                f"a new step, with the channels {names}that {self._first_name} was fitted on. "
                "Streams without a new step are left out with only=."
            )
        return array

    def _check_names(self, x: Any) -> None:
        """Check the names of channels, where there are any."""
        names = None
        if isinstance(x, pd.DataFrame):
            if not self._takes_tokens:
                refuse_cells(x)
            names = list(x.columns)
        elif isinstance(x, pd.Series) and self.n_streams == 1:
            names = list(x.index)
        has_names = names is not None and all(isinstance(name, str) for name in names)
        if has_names and self._names is not None and names != self._names:
            raise ValueError(
                f"x_t has the channels {names}, but {self._first_name} was fitted on "
                f"{self._names}, in this order."
            )

    def _advance(self, steps: list[np.ndarray], streams: np.ndarray | None) -> np.ndarray:
        """Bring steps through transformers and network; if one is refused, nothing changes."""
        rows: Any = slice(None) if streams is None else streams
        if self._unknown[rows].any():
            which = np.arange(self.n_streams)[rows]
            raise self._static.missing(int(which[self._unknown[rows]][0]))
        states = [
            {name: array[rows].copy() for name, array in state.items()} for state in self._states
        ]
        x = np.stack([self._transformed(step, states, streams) for step in steps])
        for state, new in zip(self._states, states, strict=True):
            for name, array in new.items():
                state[name][rows] = array
        return self._stepping.advance(x, streams)

    def _transformed(
        self, x: np.ndarray, states: list[dict[str, np.ndarray]], streams: np.ndarray | None
    ) -> np.ndarray:
        """Return a step as the network takes it."""
        for transformer, state in zip(self._transformers, states, strict=True):
            x = transformer._step(x, state)
        with np.errstate(over="ignore"):  # which is named below
            x = x.astype(self._stepping.dtype)
        wrong = ~np.isfinite(x)
        wrong[:, self._gappy] &= ~np.isnan(x[:, self._gappy])
        if wrong.any():
            row, channel = np.argwhere(wrong)[0].tolist()
            stream = row if streams is None else int(streams[row])
            raise ValueError(
                f"x_t has NaN, infinity or a number too large for {x.dtype} in stream {stream}, "
                f"channel {channel}. Leave the stream out of this step with only=, or impute the "
                "value first."
            )
        self._check_ids(x, streams)
        return x

    def _check_ids(self, x: np.ndarray, streams: np.ndarray | None) -> None:
        """Check that there is a vector for every id."""
        embedding = self._stepping.architecture.embedding
        for channel, _, (n_tokens, _) in () if embedding is None else embedding.tables():
            if channel >= x.shape[1]:
                continue  # a static feature, which has been looked at
            wrong = without_vector(x[:, channel], n_tokens)
            if wrong.any():
                row = int(np.argmax(wrong))
                stream = row if streams is None else int(streams[row])
                raise ValueError(
                    f"x_t has {x[row, channel]:.15g} in stream {stream}, channel {channel}, but "
                    f"the known ids are 0 to {n_tokens - 1}. skrnn.preprocessing.TokenEncoder "
                    "encodes unknown tokens as 0."
                )

    def _answered(self, raw_prediction: np.ndarray, answer: Answer) -> np.ndarray:
        """Return what a method of the targets makes of raw predictions."""
        try:
            return finite(answer)(raw_prediction)
        except NotFiniteError:
            pass
        raise ValueError(
            f"The prediction of {self._name} is not finite: the numbers of a stream grow beyond "
            f"the range of {raw_prediction.dtype}. Call reset for that stream; if it comes again, "
            "scale the channels (skrnn.preprocessing.SequenceScaler) or fit with "
            "activation='tanh', which bounds the state."
        )
