"""The hourly loads follow the recipe that their docstring states."""

import numpy as np
import pandas as pd
import pytest

from skrnn.datasets import make_loads
from skrnn.datasets.loads import LEVELS


def test_the_same_seed_gives_the_same_table():
    first, second, other = (make_loads(30, random_state=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, second)
    assert not np.array_equal(first["load"], other["load"])


def test_every_site_has_a_row_for_each_hour():
    table = make_loads(10, random_state=0)
    assert table.groupby("site").size().to_dict() == dict.fromkeys(LEVELS, 240)
    hours = table.groupby("site")["time"].diff().dropna()
    assert (hours == pd.Timedelta(hours=1)).all()
    assert not table.isna().any().any()


def test_sites_differ_by_their_levels():
    table = make_loads(60, random_state=0)
    by_site = table.groupby("site")["load"].mean() / pd.Series(LEVELS)
    assert by_site.between(0.6, 1.6).all()


def test_the_calendar_is_that_of_the_time():
    table = make_loads(8, random_state=0)
    day = table["time"].dt.day_of_week
    assert (table["weekend"] == (day >= 5)).all()
    np.testing.assert_allclose(table["hour_sin"] ** 2 + table["hour_cos"] ** 2, 1)
    six = table[table["time"].dt.hour == 6]
    np.testing.assert_allclose(six["hour_sin"], 1)


def test_a_promotion_of_three_days_lifts_the_load_of_opening_hours():
    table = make_loads(200, random_state=0).query("site == 'shop' and weekend == 0")
    noon = table[table["time"].dt.hour == 12]
    with_promotion, without = (noon.loc[noon["promotion"] == p, "load"].mean() for p in (1, 0))
    assert with_promotion > 1.05 * without


@pytest.mark.parametrize(("n_days", "error"), [(5, ValueError), (7.5, TypeError)])
def test_a_wrong_number_of_days_is_refused(n_days, error):
    with pytest.raises(error, match="n_days"):
        make_loads(n_days)
