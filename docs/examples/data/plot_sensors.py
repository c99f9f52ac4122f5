"""
Facts beside a sequence: from a raw log of sensors to a score in six lines
==========================================================================

The log is as machines write one: a row for every report, at uneven times and in no order, with
values missing here and there, sensors that never report, and two columns of what is known of a
machine, its kind and its age. A pump fails if its pressure rises, a valve if it is old. All
machines have surges of temperature and of vibration, always in pairs: a fan fails if the surge of
temperature comes first. So neither the sequence nor what is known of the machine tells by itself.
"""

from io import StringIO

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skrnn import RNNClassifier
from skrnn.preprocessing import SequenceScaler, from_long

N_MACHINES = 400
SENSORS = ["temperature", "vibration", "pressure"]
USUAL = {"temperature": 60.0, "vibration": 2.0, "pressure": 5.0}
# Share of values that are missing, and of machines with a sensor that never reports.
MISSING, DEAD = 0.12, 0.03

# %%
# The log
# -------


def reports_of(machine: int, rng: np.random.RandomState) -> pd.DataFrame:
    """Return the reports of one machine, at uneven times."""
    minutes = np.cumsum(rng.exponential(1.0, rng.randint(30, 160)))
    kind, old = rng.choice(["pump", "valve", "fan", "fan"]), rng.rand() < 0.5
    heat_first, rises = rng.rand() < 0.5, rng.rand() < 0.5
    values = pd.DataFrame({name: noise(minutes, rng) for name in SENSORS})
    delay = 6.0 if heat_first else -6.0
    for start in rng.uniform(8, max(9.0, minutes[-1] - 8), 1 + len(minutes) // 60):
        values["temperature"] += surge(minutes, start, rng)
        values["vibration"] += surge(minutes, start + delay, rng)
    values["pressure"] += (2.0 if rises else -2.0) * minutes / minutes[-1]
    fails = {"pump": rises, "valve": old, "fan": heat_first}[kind]
    values = (values + list(USUAL.values())).mask(rng.rand(*values.shape) < MISSING)
    for name in SENSORS:
        if rng.rand() < DEAD:
            values[name] = np.nan
    start = pd.Timestamp("2024-01-01") + pd.Timedelta(days=int(rng.randint(300)))
    known = {"machine": machine, "time": start + pd.to_timedelta(minutes, "min").round("s")}
    age = rng.uniform(10, 25) if old else rng.uniform(0, 10)
    return pd.DataFrame({**known, **values, "kind": kind, "age": round(age, 1), "fails": fails})


def noise(minutes: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Return noise that wanders."""
    slow = np.interp(minutes, np.arange(0, 300, 15), rng.normal(0, 0.5, 20))
    return slow + rng.normal(0, 0.4, len(minutes))


def surge(minutes: np.ndarray, start: float, rng: np.random.RandomState) -> np.ndarray:
    """Return a surge of a few minutes."""
    return rng.uniform(2, 4) * np.exp(-0.5 * ((minutes - start) / 2) ** 2)


rng = np.random.RandomState(0)
reports = pd.concat([reports_of(machine, rng) for machine in range(N_MACHINES)])
csv = reports.sample(frac=1, random_state=rng).to_csv(index=False)
print(csv[:400])

# %%
# The network
# -----------
#
# ``from_long(..., freq="1min")`` lays the reports on steps of a minute, where those without a
# report are missing values, and puts kind and age beside the sequences as static features. The
# ColumnTransformer encodes the kind, the scaler scales sensors and age; what is missing the network
# estimates by itself, of sensors that never report as well.

known = ["kind", "age"]
splits = StratifiedKFold(3, shuffle=True, random_state=0)

log = pd.read_csv(StringIO(csv), parse_dates=["time"])
X, y = from_long(log, id="machine", time="time", freq="1min", static=known, target="fails")
kind = ("kind", OneHotEncoder(sparse_output=False), ["kind"])
columns = ColumnTransformer([kind], remainder="passthrough")
model = make_pipeline(SequenceScaler("robust"), columns, RNNClassifier(random_state=0))
by_network = cross_val_score(model, X, y, cv=splits)

# %%
# Boosting on a hundred features
# ------------------------------
#
# Kind and age are among them.


def features_of(reports: pd.DataFrame) -> dict[str, float]:
    """Return about a hundred features of the reports of one machine."""
    features = {"length": len(reports), "age": reports["age"].iloc[0]}
    features |= {kind: kind == reports["kind"].iloc[0] for kind in ("pump", "fan", "valve")}
    minutes = (reports["time"] - reports["time"].iloc[0]).dt.total_seconds() / 60
    for name in SENSORS:
        series = reports[name].set_axis(minutes).dropna()
        if len(series) < 5:
            continue
        steps, quarters = series.diff(), np.array_split(series, 4)
        own = series.describe().to_dict() | {
            "skew": series.skew(),
            "kurtosis": series.kurt(),
            "missing": reports[name].isna().mean(),
            "first": series.iloc[:5].mean(),
            "last": series.iloc[-5:].mean(),
            "slope": np.polyfit(series.index, series, 1)[0],
            "when largest": series.idxmax() / minutes.iloc[-1],
            "when smallest": series.idxmin() / minutes.iloc[-1],
            "mean step": steps.abs().mean(),
            "largest step": steps.max(),
            "smallest step": steps.min(),
            "above mean": (series > series.mean()).mean(),
            "crossings": (np.diff(np.sign(series - series.mean())) != 0).mean(),
        }
        own |= {f"q{q}": series.quantile(q) for q in (0.05, 0.1, 0.9, 0.95)}
        own |= {f"autocorrelation {lag}": series.autocorr(lag) for lag in (1, 2, 4)}
        own |= {f"mean of quarter {i}": part.mean() for i, part in enumerate(quarters)}
        features |= {f"{name}: {what}": value for what, value in own.items()}
    together = reports[SENSORS].corr()
    features |= {f"{a} ~ {b}": together.loc[a, b] for a in SENSORS for b in SENSORS if a < b}
    return features


ordered = reports.sort_values(["machine", "time"])
features = pd.DataFrame([features_of(own) for _, own in ordered.groupby("machine")])
boosting = HistGradientBoostingClassifier(random_state=0)
by_boosting = cross_val_score(boosting, features, y, cv=splits)

pd.DataFrame(
    {
        "median accuracy": [np.median(by_network), np.median(by_boosting)],
        "worst fold": [by_network.min(), by_boosting.min()],
    },
    index=["recurrent network", f"boosting on {features.shape[1]} features"],
).round(3)

# %%
# A fan that fails, and one that does not: what counts is which surge comes first.

figure, axes = plt.subplots(2, figsize=(9, 5), sharex=True, layout="constrained")
for ax, fails in zip(axes, (True, False), strict=True):
    fans = X[(X["kind"] == "fan") & (y == fails)]
    fan = next(row for row in fans.itertuples() if 80 < len(row.temperature) < 100)
    for name, color in {"temperature": "#D55E00", "vibration": "#0072B2"}.items():
        seen = np.flatnonzero(~np.isnan(getattr(fan, name)))
        ax.plot(seen, getattr(fan, name)[seen] - USUAL[name], ".-", color=color, label=name)
    ax.set(ylabel="above usual", title="fails" if fails else "does not fail")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].legend(frameon=False)
axes[1].set(xlabel="minute")
plt.show()
