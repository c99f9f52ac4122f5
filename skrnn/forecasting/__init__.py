"""Forecasting many series: each on its own scale, many steps ahead, tested on the past.

:func:`skrnn.preprocessing.make_windows` makes the windows that all of this works on.
"""

from skrnn.forecasting._backtest import backtest
from skrnn.forecasting._forecast import forecast, seasonal_naive
from skrnn.forecasting._scaled import WindowScaledRegressor

__all__ = ["WindowScaledRegressor", "backtest", "forecast", "seasonal_naive"]
