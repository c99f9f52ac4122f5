"""Fits in the books of an experiment tracker: MLflow, TensorBoard, Weights & Biases."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.utils import check_scalar

from skrnn._version import __version__
from skrnn.callbacks._base import Callback, check_count
from skrnn.inspection._gradient_flow import flow_of
from skrnn.inspection._opened import open_estimator

# What a tracker is told of every epoch, and the curve of the estimator that it is the end of.
CURVES = {
    "train/loss": "loss_curve_",
    "validation/loss": "validation_loss_curve_",
    "validation/score": "validation_scores_",
    "gradient/norm": "grad_norm_curve_",
    "gradient/clip_rate": "clip_rate_curve_",
    "gradient/update_ratio": "update_ratio_curve_",
}
# MLflow's bound since long; nothing that a person reads is longer.
LONGEST_PARAMETER = 500


@dataclass
class _Fit:
    """What a tracker keeps of a fit that runs."""

    book: Any
    finished: bool = False
    opened: Any = None
    n_told: int = 0


class Tracker(Callback):
    """Base of the loggers: says when something is told, they say how.

    Parameters
    ----------
    every : int, default=1
        Epochs between two entries, >= 1. The last epoch always has one.
    flow_every : int or None, default=None
        Epochs between two measurements of the gradient flow, >= 1, with one before the first
        epoch. None measures none.
    n_samples : int, default=100
        Sequences on which it is measured, evenly spaced, >= 1.
    """

    def __init__(self, *, every: int = 1, flow_every: int | None = None, n_samples: int = 100):
        self.every: int = check_count(every, "every")
        self.flow_every: int | None = (
            None if flow_every is None else check_count(flow_every, "flow_every")
        )
        self.n_samples: int = check_count(n_samples, "n_samples")
        self._fits: dict[int, _Fit] = {}

    def open_book(self, estimator: Any) -> Any:
        """Return what the entries of a fit are written to."""
        raise NotImplementedError

    def write_parameters(self, book: Any, parameters: dict[str, str]) -> None:
        """Write down what the fit was asked for."""
        raise NotImplementedError

    def write(self, book: Any, metrics: dict[str, float], epoch: int) -> None:
        """Write down numbers after an epoch."""
        raise NotImplementedError

    def close_book(self, book: Any, *, finished: bool) -> None:
        """Called once at the end; `finished` is False if the fit ended in an error."""
        raise NotImplementedError

    def without_data(self) -> None:
        """Return what a copy or a pickle of a fitted estimator keeps of this callback: nothing.

        A model is loaded where its tracker is not.
        """

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_fits": {}}  # the fits of a process are its own

    def setup(self, estimator: Any, context: Any) -> None:
        """Open the book."""
        super().setup(estimator, context)
        self._fits[id(estimator)] = _Fit(self.open_book(estimator))

    def teardown(self, estimator: Any, context: Any) -> None:
        """Close the book."""
        fit = self._fits.pop(id(estimator), None)
        if fit is not None:
            self.close_book(fit.book, finished=fit.finished)

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None
    ) -> None:
        """Write the parameters down, and the gradient flow of the first weights."""
        fit = self._fits[id(estimator)]
        if context.task_name != "epoch":
            self.write_parameters(fit.book, parameters_of(estimator))
        elif self.flow_every is not None and fit.opened is None:
            fit.opened = open_estimator(estimator, X, y).some(self.n_samples)
            self.write(fit.book, _flow(fit.opened), len(estimator.loss_curve_))

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Write an epoch down, if it is its turn, and the last one."""
        fit, epoch = self._fits[id(estimator)], len(estimator.loss_curve_)
        ends = context.task_name != "epoch"
        metrics = {}
        if (epoch % self.every == 0 or ends) and fit.n_told != epoch:
            metrics, fit.n_told = _end_of_curves(estimator), epoch
        if self.flow_every is not None and epoch % self.flow_every == 0 and not ends:
            metrics |= _flow(fit.opened)
        if metrics:
            self.write(fit.book, metrics, epoch)
        fit.finished = ends


def parameters_of(estimator: Any) -> dict[str, str]:
    """Return the parameters of an estimator as text, and what it chose where it was to choose."""
    asked = estimator.get_params(deep=False)
    chosen = {f"chosen/{name}": value for name, value in estimator.auto_params_.items()}
    own = {"estimator": type(estimator).__name__, "skrnn": __version__}
    return {k: str(value)[:LONGEST_PARAMETER] for k, value in {**own, **asked, **chosen}.items()}


def _end_of_curves(estimator: Any) -> dict[str, float]:
    curves = {name: getattr(estimator, curve) for name, curve in CURVES.items()}
    ends = {name: float(curve[-1]) for name, curve in curves.items() if curve}
    return {name: value for name, value in ends.items() if not math.isnan(value)}


def _flow(opened: Any) -> dict[str, float]:
    """Return how far back the gradient of every layer reaches, and what is left at the far end."""
    flow = flow_of(opened)
    measured: dict[str, float] = {}
    for layer, (horizon, retained) in enumerate(zip(flow.horizon, flow.retained, strict=True)):
        # One that never falls off reaches to the first step.
        measured[f"gradient/horizon_layer_{layer}"] = float(min(horizon, len(flow.lags)))
        measured[f"gradient/retained_layer_{layer}"] = float(retained[-1])
    return measured


def missing(name: str, library: str, extra: str) -> ImportError:
    """Return the error of a logger whose library is not installed."""
    return ImportError(f"{name} needs {library}: pip install 'skrnn[{extra}]'.")


class MLflowLogger(Tracker):
    """Writes every epoch of a fit to MLflow: losses, scores, gradients; the parameters once.

    It writes to the run that is active when `fit` is called, else to one that it starts and ends
    itself. Metrics are named ``train/loss``, ``validation/loss``, ``validation/score``,
    ``gradient/norm``, ``gradient/clip_rate`` and ``gradient/update_ratio``, by the epoch as their
    step; with `flow_every` also ``gradient/horizon_layer_0`` and ``gradient/retained_layer_0`` of
    every layer. Parameters are those of the estimator, and under ``chosen/`` what it chose where
    one is ``"auto"``. A fit that ends in an error ends its own run as failed. Copies and pickles
    of a fitted estimator are without this callback.

    Parameters
    ----------
    nested : bool, default=False
        Whether every fit has a run of its own, below the active one if there is one: for
        searches and cross-validation. In a worker process there is no active run.
    run_name : str or None, default=None
        Of the runs that it starts. None lets MLflow choose.
    every : int, default=1
        Epochs between two entries, >= 1. The last epoch always has one.
    flow_every : int or None, default=None
        Epochs between two measurements of the gradient flow
        (:func:`skrnn.inspection.gradient_flow`), >= 1, with one before the first epoch. None
        measures none. ``horizon`` counts the steps until 1 % is left, ``retained`` is the share
        that is left at the first step of the longest sequence.
    n_samples : int, default=100
        Sequences on which it is measured, evenly spaced, >= 1.

    Raises
    ------
    ImportError
        From `fit`, if MLflow is not installed (``pip install "skrnn[mlflow]"``).
    ValueError
        From `fit`, if the active run already holds another fit, or other parameters of the same
        names.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import MLflowLogger
    >>> reg = RNNRegressor().set_callbacks(MLflowLogger(flow_every=10))
    """

    def __init__(
        self,
        *,
        nested: bool = False,
        run_name: str | None = None,
        every: int = 1,
        flow_every: int | None = None,
        n_samples: int = 100,
    ):
        super().__init__(every=every, flow_every=flow_every, n_samples=n_samples)
        self.nested: bool = check_scalar(nested, "nested", bool)
        self.run_name = run_name

    def open_book(self, estimator: Any) -> tuple[str, bool]:
        """Return the number of the run, and whether it was started here."""
        try:
            import mlflow
        except ImportError as error:
            raise missing("MLflowLogger", "MLflow", "mlflow") from error
        active = mlflow.active_run()
        if active is not None and not self.nested:
            return active.info.run_id, False
        run = mlflow.start_run(run_name=self.run_name, nested=active is not None)
        return run.info.run_id, True

    def write_parameters(self, book: tuple[str, bool], parameters: dict[str, str]) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Param

        client = MlflowClient()
        before = client.get_run(book[0]).data
        differing = [k for k, v in parameters.items() if before.params.get(k, v) != v]
        goes_on = parameters["warm_start"] == "True"
        if differing or ("train/loss" in before.metrics and not goes_on):
            what = f"other parameters ({', '.join(differing)})" if differing else "another fit"
            raise ValueError(
                f"The active run of MLflow already holds {what}. MLflowLogger(nested=True) gives "
                "every fit a run of its own."
            )
        client.log_batch(book[0], params=[Param(k, v) for k, v in parameters.items()])

    def write(self, book: tuple[str, bool], metrics: dict[str, float], epoch: int) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        entries = [Metric(name, value, now, epoch) for name, value in metrics.items()]
        MlflowClient().log_batch(book[0], metrics=entries)

    def close_book(self, book: tuple[str, bool], *, finished: bool) -> None:
        import mlflow

        if book[1]:
            mlflow.end_run("FINISHED" if finished else "FAILED")


class TensorBoardLogger(Tracker):
    """Writes every epoch of a fit for TensorBoard: losses, scores, gradients; the parameters once.

    Scalars have the names that :class:`MLflowLogger` lists; the parameters are a table under
    "Text". Copies and pickles of a fitted estimator are without this callback.

    Parameters
    ----------
    log_dir : str or path-like, default="runs"
        Every fit writes to a new folder in it, ``fit-1``, ``fit-2``, ...
    writer : SummaryWriter or None, default=None
        To write to in place of `log_dir`, such as one of tensorboardX or PyTorch. It is flushed
        after a fit and not closed. It cannot go to other processes.
    every : int, default=1
        Epochs between two entries, >= 1. The last epoch always has one.
    flow_every : int or None, default=None
        Epochs between two measurements of the gradient flow, >= 1; see :class:`MLflowLogger`.
    n_samples : int, default=100
        Sequences on which it is measured, evenly spaced, >= 1.

    Raises
    ------
    ImportError
        From `fit`, if neither tensorboardX (``pip install "skrnn[tensorboard]"``) nor PyTorch
        with TensorBoard is installed, and there is no `writer`.
    TypeError
        If `writer` does not write scalars.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import TensorBoardLogger
    >>> reg = RNNRegressor().set_callbacks(TensorBoardLogger("runs", every=5))
    """

    def __init__(
        self,
        log_dir: Any = "runs",
        *,
        writer: Any = None,
        every: int = 1,
        flow_every: int | None = None,
        n_samples: int = 100,
    ):
        super().__init__(every=every, flow_every=flow_every, n_samples=n_samples)
        if writer is not None and not hasattr(writer, "add_scalar"):
            raise TypeError(
                f"writer must be a SummaryWriter, with add_scalar. Got {writer!r} instead."
            )
        self.log_dir: Path = Path(log_dir)
        self.writer = writer

    def open_book(self, estimator: Any) -> Any:
        """Return a writer."""
        if self.writer is not None:
            return self.writer
        writer = _summary_writer()
        self.log_dir.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = self.log_dir / f"fit-{number}"
            try:
                folder.mkdir()
            except FileExistsError:  # of an earlier fit, or of another process just now
                continue
            break
        return writer(str(folder))

    def write_parameters(self, book: Any, parameters: dict[str, str]) -> None:
        lines = [f"| {name} | {value} |" for name, value in parameters.items()]
        book.add_text("parameters", "\n".join(["| parameter | value |", "| --- | --- |", *lines]))

    def write(self, book: Any, metrics: dict[str, float], epoch: int) -> None:
        for name, value in metrics.items():
            book.add_scalar(name, value, epoch)

    def close_book(self, book: Any, *, finished: bool) -> None:
        if book is self.writer:
            book.flush()
        else:
            book.close()


def _summary_writer() -> Any:
    """Return the class that writes; the library that is quicker to import first."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise missing("TensorBoardLogger", "tensorboardX", "tensorboard") from error
    return SummaryWriter


class WandbLogger(Tracker):
    """Writes every epoch of a fit to Weights & Biases: losses, scores, gradients; parameters once.

    Metrics have the names that :class:`MLflowLogger` lists, and ``epoch`` beside them; the
    parameters are the config of the run. Copies and pickles of a fitted estimator are without
    this callback.

    Parameters
    ----------
    run : wandb.Run or None, default=None
        To write to. None takes the run that is active when `fit` is called, and without one
        starts a run with ``wandb.init(project=project)`` and finishes it after the fit.
    project : str or None, default=None
        Of the runs that it starts.
    every : int, default=1
        Epochs between two entries, >= 1. The last epoch always has one.
    flow_every : int or None, default=None
        Epochs between two measurements of the gradient flow, >= 1; see :class:`MLflowLogger`.
    n_samples : int, default=100
        Sequences on which it is measured, evenly spaced, >= 1.

    Raises
    ------
    ImportError
        From `fit`, if wandb is not installed (``pip install "skrnn[wandb]"``) and there is no
        `run`.
    TypeError
        If `run` takes no entries.

    Examples
    --------
    >>> from skrnn import RNNRegressor
    >>> from skrnn.callbacks import WandbLogger
    >>> reg = RNNRegressor().set_callbacks(WandbLogger(project="sensors"))
    """

    def __init__(
        self,
        run: Any = None,
        *,
        project: str | None = None,
        every: int = 1,
        flow_every: int | None = None,
        n_samples: int = 100,
    ):
        super().__init__(every=every, flow_every=flow_every, n_samples=n_samples)
        if run is not None and not (hasattr(run, "log") and hasattr(run, "config")):
            raise TypeError(f"run must be what wandb.init returns. Got {run!r} instead.")
        self.run = run
        self.project = project

    def open_book(self, estimator: Any) -> tuple[Any, bool]:
        """Return the run, and whether it was started here."""
        if self.run is not None:
            return self.run, False
        try:
            import wandb
        except ImportError as error:
            raise missing("WandbLogger", "wandb", "wandb") from error
        if wandb.run is not None:
            return wandb.run, False
        return wandb.init(project=self.project), True

    def write_parameters(self, book: tuple[Any, bool], parameters: dict[str, str]) -> None:
        book[0].config.update(parameters, allow_val_change=True)

    def write(self, book: tuple[Any, bool], metrics: dict[str, float], epoch: int) -> None:
        # Not as its step, which has to grow: the run may hold other fits.
        book[0].log({"epoch": epoch, **metrics})

    def close_book(self, book: tuple[Any, bool], *, finished: bool) -> None:
        if book[1]:
            book[0].finish(exit_code=0 if finished else 1)
