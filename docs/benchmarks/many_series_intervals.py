"""Measure one network of three quantiles for many series: its errors, and what its intervals hold.

Five draws of the five hourly loads of `many_series.py`, 24 hours ahead, and one fit for each: the
median is the forecast, the outer quantiles are to hold 90 % of the loads.

    python docs/benchmarks/many_series_intervals.py
"""

from __future__ import annotations

import argparse
import warnings

import _loads
import _measure
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrnn.metrics import coverage


def figures(seed: int) -> tuple[list[float], list[float], int]:
    """Return errors; coverages and widths; and how many forecasts have quantiles out of order."""
    day, shown, n_crossing = _loads.run_quantiles(seed), [], 0
    for quantiles in day.intervals.values():
        ends = quantiles[[_loads.LEVELS[0], _loads.LEVELS[-1]]].to_numpy()
        shown += [coverage(quantiles["true"], ends), float(np.diff(ends).mean())]
        crossing = np.diff(quantiles[_loads.LEVELS], axis=1) < 0
        n_crossing += int(crossing.any(axis=1).sum())
    return _loads.errors(day.forecasts, day.true).loc["all"].tolist(), shown, n_crossing


def with_medians(draws: list[int], found: list[list[float]], digits: int) -> list[list[str]]:
    """Return a row for each draw, and one of medians."""
    rows = [
        [str(draw), *(f"{one:.{digits}f}" for one in shown)]
        for draw, shown in zip(draws, found, strict=True)
    ]
    return [*rows, ["median", *(f"**{one:.{digits}f}**" for one in np.median(found, axis=0))]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    arguments = _measure.parse(parser)
    warnings.simplefilter("ignore", ConvergenceWarning)
    errors, shares, crossing = zip(*map(figures, arguments.draws), strict=True)
    of_errors = _measure.table(
        ["draw", "network", "gradient boosting", "day before", "week before"],
        with_medians(arguments.draws, list(errors), 4),
    )
    header = ["draw"]
    for name in ("as fitted", "held-out days", "last days"):
        header += [name, "width"]
    of_shares = _measure.table(header, with_medians(arguments.draws, list(shares), 3))
    test, between = _loads.N_TEST_DAYS, _loads.N_HELD_OUT_DAYS
    sections = [
        f'The network of `many_series.py` with `loss="quantile"` and the levels {_loads.LEVELS}, '
        f"one fit for each draw of the loads, to what comes before the last {between + test} days. "
        f"The last {test} are the test part. The settings were chosen on draws 0 and 1; the others "
        "had not been looked at.",
        "## Errors of the median\n\nMean absolute error in units of each site's mean load, mean of "
        f"five sites. Gradient boosting learns the {between} days before the test part, too."
        f"\n\n{of_errors}",
        "## Intervals of 90 %\n\nWhat the outer quantiles hold of the test part, and their "
        "distance in units of each site's mean load: as fitted; moved by the margin that makes "
        f"them hold 90 % of the {between} days between (split conformal); moved at every midnight "
        f"by the margin of the last {_loads.N_LAST_DAYS} days before it, whose loads are known by "
        f"then. Forecasts with quantiles out of order: {sum(crossing)}.\n\n{of_shares}",
        "Windows of an hour apart share nearly all of their steps, so that a network knows the "
        "days that it has learnt too well, and its own intervals hold too little. The test part is "
        "in summer, warmer than all that was learnt: margins that are kept up to date hold their "
        "share in every draw, one that is found once does not.",
    ]
    title = "Intervals of one network for many series"
    _measure.publish(arguments, "many_series_intervals", title, sections, ["pandas"])


if __name__ == "__main__":
    main()
