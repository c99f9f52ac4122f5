"""What `verbose` shows of a fit: a progress bar, or a line for every epoch."""

from __future__ import annotations

from typing import Any

from skrnn.core.training import History


class Reporter:
    """Follows a fit and shows nothing; those that show something derive from it."""

    def report(self, history: History) -> None:
        """Called after every epoch, with the curves so far."""

    def close(self) -> None:
        """Called once, however training ended."""


class Lines(Reporter):
    """Prints a line for every epoch."""

    def report(self, history: History) -> None:
        line = f"Epoch {len(history.loss_curve)}: loss = {history.loss_curve[-1]:.6f}"
        if history.validation_scores:
            line += f", validation loss = {history.validation_losses[-1]:.6f}"
            line += f", validation score = {history.validation_scores[-1]:.6f}"
        print(line)  # noqa: T201 - verbose means printing, as in scikit-learn


class Bar(Reporter):
    """Shows tqdm's progress bar, on standard error or in the notebook."""

    def __init__(self, tqdm: Any, epoch: int, max_iter: int):
        self.bar = tqdm(total=max_iter, initial=epoch, unit="epoch")

    def report(self, history: History) -> None:
        shown = {"loss": f"{history.loss_curve[-1]:.4g}"}
        if history.validation_scores:
            shown["validation loss"] = f"{history.validation_losses[-1]:.4g}"
            shown["validation score"] = f"{history.validation_scores[-1]:.4g}"
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update()

    def close(self) -> None:
        self.bar.close()


def make_reporter(verbose: int, *, epoch: int, max_iter: int) -> Reporter:
    """Return the reporter that `verbose` asks for.

    Parameters
    ----------
    verbose : bool or int
        0 shows nothing, 1 a progress bar where `tqdm` is installed, 2 or more a line for every
        epoch.
    epoch, max_iter : int
        Where the fit starts and ends. One epoch is no progress to show: it gets a line.
    """
    if not verbose:
        return Reporter()
    if verbose >= 2 or max_iter - epoch <= 1:
        return Lines()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return Lines()
    return Bar(tqdm, epoch, max_iter)
