"""What a fit prints of itself: a progress bar, or a line an epoch."""

from __future__ import annotations

from typing import Any

from skrnn.core.training import History


class Silence:
    """Prints nothing."""

    def report(self, history: History) -> None:
        """Say how the last epoch went."""

    def close(self) -> None:
        """Finish what is on the screen."""


class Lines(Silence):
    """Prints a line an epoch."""

    def report(self, history: History) -> None:
        line = f"Epoch {len(history.loss_curve)}: loss = {history.loss_curve[-1]:.6f}"
        if history.validation_scores:
            line += f", validation score = {history.validation_scores[-1]:.6f}"
        print(line)  # noqa: T201 - verbose means printing, as in scikit-learn


class Bar(Silence):
    """Shows tqdm's progress bar, on standard error or in the notebook."""

    def __init__(self, tqdm: Any, epoch: int, max_iter: int):
        self.bar = tqdm(total=max_iter, initial=epoch, unit="epoch")

    def report(self, history: History) -> None:
        shown = {"loss": f"{history.loss_curve[-1]:.4g}"}
        if history.validation_scores:
            shown["validation score"] = f"{history.validation_scores[-1]:.4g}"
        self.bar.set_postfix(shown, refresh=False)
        self.bar.update()

    def close(self) -> None:
        self.bar.close()


def make_reporter(verbose: int, *, epoch: int, max_iter: int) -> Silence:
    """Return what reports a fit from `epoch` to `max_iter` at that verbosity.

    One epoch is no progress to show: it gets a line.
    """
    if not verbose:
        return Silence()
    if verbose >= 2 or max_iter - epoch <= 1:
        return Lines()
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return Lines()
    return Bar(tqdm, epoch, max_iter)
