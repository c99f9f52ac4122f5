"""The main job: name a speaker, forecast a series, mark steps.

Part 1 finds the best recurrent network for the Japanese vowels by a grid search over cell,
activation, init and optimizer, on sequences of different lengths that come from a long table.
Part 2 forecasts the airline passengers one month ahead and compares with naive forecasts.
Part 3 marks the early beats of a pulse, at every time step, with nothing set, against gradient
boosting on a window around the step.

Run it with ``make demo``, or from the repository's root with
``python docs/examples/demo.py``. Tables and plots go to ``docs/examples/output``. All choices
are made by cross-validation on the training set; the test set is looked at once.
"""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from joblib import parallel_config
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.ensemble import BaggingRegressor, HistGradientBoostingClassifier
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    average_precision_score,
    root_mean_squared_error,
)
from sklearn.model_selection import GridSearchCV, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import Pipeline

from skrnn import RNNClassifier, RNNRegressor
from skrnn.datasets import load_airline_passengers, load_japanese_vowels, make_early_beats
from skrnn.preprocessing import SequenceScaler, from_long, make_windows

OUTPUT = Path(__file__).parent / "output"
WINDOW = 12

# Everyone can tell Okabe & Ito's colours apart; line styles and markers help in print.
BLACK, ORANGE, BLUE, GREEN = "#000000", "#D55E00", "#0072B2", "#009E73"


# --- Part 1: name the speaker ------------------------------------------------------------------


def utterances(split: str) -> tuple[pd.DataFrame, pd.Series]:
    """Gather the utterances and their speakers from the long table, one row per frame."""
    bunch = load_japanese_vowels(split=split)
    frames = bunch.long.astype(dict.fromkeys(bunch.feature_names, "float32"))
    X = from_long(frames, id="utterance", time="frame", channels=bunch.feature_names)
    return X, frames.groupby("utterance", sort=False)["speaker"].first()


def speaker_model() -> Pipeline:
    """Return scaler and network, before the search has chosen the rest."""
    network = RNNClassifier(
        hidden_layer_sizes=32,
        bidirectional=True,
        readout="max",
        batch_size=30,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=30,
        random_state=0,
    )
    return Pipeline([("scale", SequenceScaler()), ("rnn", network)])


def search_speaker_model(X: pd.DataFrame, y: pd.Series) -> GridSearchCV:
    """Search over cell x activation x init x optimizer by three-fold cross-validation."""
    grid = {
        "rnn__cell": ["rnn", "lstm", "gru"],
        "rnn__activation": ["tanh", "relu"],
        "rnn__init": ["xavier_uniform", "he_uniform"],
        "rnn__optimizer": ["adam", "rmsprop"],
    }
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    scoring = ["accuracy", "neg_log_loss"]
    search = GridSearchCV(
        speaker_model(), grid, cv=folds, scoring=scoring, refit="neg_log_loss", n_jobs=2
    )
    with parallel_config(verbose=10):
        return search.fit(X, y)


def table_of(search: GridSearchCV) -> pd.DataFrame:
    """Return one row for each candidate of the search, best first."""
    results = pd.DataFrame(search.cv_results_)
    chosen = {name: name.removeprefix("param_rnn__") for name in results if "param_" in name}
    scores = pd.DataFrame(
        {
            "log_loss": -results["mean_test_neg_log_loss"],
            "accuracy": results["mean_test_accuracy"],
            "accuracy_std": results["std_test_accuracy"],
            "seconds": results["mean_fit_time"],
        }
    )
    table = results[list(chosen)].rename(columns=chosen).join(scores)
    order = ["cell", "activation", "init", "optimizer", *scores]
    return table[order].sort_values("log_loss", ignore_index=True)


def plot_confusion(model: Pipeline, X: pd.DataFrame, y: pd.Series, accuracy: float) -> Path:
    """Save the confusion matrix of the test utterances."""
    fig, ax = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
    ConfusionMatrixDisplay.from_estimator(model, X, y, ax=ax, cmap="Blues", colorbar=False)
    for text in ax.texts:
        if text.get_text() == "0":
            text.set_visible(False)
    ax.set_title(f"Japanese vowels, {len(y)} test utterances: accuracy {accuracy:.3f}")
    ax.set(xlabel="Predicted speaker", ylabel="True speaker")
    return save(fig, "japanese_vowels_confusion.png")


def name_speakers() -> None:
    X, y = utterances("train")
    X_test, y_test = utterances("test")
    lengths = X["lpc1"].map(len)
    print(
        f"Japanese vowels: {len(X)} utterances to train on, {len(X_test)} to test on, "
        f"{X.shape[1]} channels, {lengths.min()} to {lengths.max()} frames, {y.nunique()} speakers"
    )
    search = search_speaker_model(X, y)
    table = table_of(search)
    print("\nCross-validation on the training part, best first:")
    print(table.round(3).to_string())
    table.to_csv(OUTPUT / "japanese_vowels_search.csv", index=False)
    accuracy = search.best_estimator_.score(X_test, y_test)
    print(f"\nTest accuracy of the best: {accuracy:.4f}")
    print("Saved", plot_confusion(search.best_estimator_, X_test, y_test, accuracy))


# --- Part 2: forecast the passengers -----------------------------------------------------------


def growth_windows(series: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """Return the growth of the last twelve months, and that of the next one with its month.

    Growth is the difference of the logarithm: it stays in one range while the level rises.
    """
    windows = make_windows(np.log(series).diff().dropna(), window=WINDOW)
    # Scikit-learn's ensembles take only tables: one row per window of the single channel.
    return windows.X[:, :, 0], windows.y


def search_forecaster(X: np.ndarray, y: pd.Series) -> GridSearchCV:
    """Search on splits that train on the past and test on the future.

    On so little data the seed matters; the mean of four networks does not depend on it much.
    """
    network = RNNRegressor(
        hidden_layer_sizes=16,
        batch_size=8,
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=40,
    )
    networks = BaggingRegressor(network, n_estimators=4, bootstrap=False, random_state=0)
    grid = {"estimator__cell": ["rnn", "lstm", "gru"], "estimator__alpha": [1e-4, 1e-2]}
    search = GridSearchCV(
        networks, grid, cv=TimeSeriesSplit(3), scoring="neg_root_mean_squared_error", n_jobs=2
    )
    with parallel_config(verbose=10):
        return search.fit(X, y)


def forecast_passengers() -> None:
    passengers = load_airline_passengers().astype(float)
    X, y = growth_windows(passengers)
    months = y.index
    is_test = months >= passengers.index[len(passengers) * 2 // 3]
    print(
        f"\nAirline passengers: windows of {WINDOW} months, {np.sum(~is_test)} to train on, "
        f"{np.sum(is_test)} to test on ({months[is_test][0]} to {months[is_test][-1]})"
    )
    search = search_forecaster(X[~is_test], y[~is_test])
    print("Chosen by cross-validation in the order of time:", search.best_params_)

    test = months[is_test]
    last_month, last_year = passengers.shift(1)[test], passengers.shift(12)[test]
    forecasts = pd.DataFrame(
        {
            "recurrent network": last_month * np.exp(search.predict(X[is_test])),
            "last month (naive)": last_month,
            "last month, grown as last year": last_month * last_year / passengers.shift(13)[test],
            "same month last year": last_year,
        }
    )
    rmse = forecasts.apply(lambda forecast: root_mean_squared_error(passengers[test], forecast))
    print("\nRMSE one month ahead, thousands of passengers, lower is better:")
    print(rmse.round(1).to_string())
    forecasts.assign(actual=passengers[test]).to_csv(OUTPUT / "airline_forecasts.csv")
    print("Saved", plot_forecasts(passengers, forecasts.iloc[:, :3], rmse))


def plot_forecasts(passengers: pd.Series, forecasts: pd.DataFrame, rmse: pd.Series) -> Path:
    """Save series and forecasts above, their errors below."""
    styles = [
        {"color": ORANGE, "linestyle": "-", "marker": "o", "markersize": 3.5},
        {"color": BLUE, "linestyle": "--"},
        {"color": GREEN, "linestyle": ":", "linewidth": 2},
    ]
    fig, (top, bottom) = plt.subplots(
        2, figsize=(8, 6.4), sharex=True, height_ratios=[3, 2], layout="constrained"
    )
    shown = passengers[-len(forecasts) - 24 :]
    top.plot(shown.index.to_timestamp(), shown, color=BLACK, label="actual")
    when = forecasts.index.to_timestamp()
    for (name, forecast), style in zip(forecasts.items(), styles, strict=True):
        top.plot(when, forecast, label=f"{name}, RMSE {rmse[name]:.1f}", **style)
        bottom.plot(when, forecast - passengers[forecasts.index].to_numpy(), **style)
    bottom.axhline(0, color=BLACK, linewidth=0.8)
    for ax in (top, bottom):
        ax.axvspan(shown.index[0].to_timestamp(), when[0], color="0.93", zorder=0)
        ax.spines[["top", "right"]].set_visible(False)
    top.text(shown.index[12].to_timestamp(), shown.max(), "training", ha="center", color="0.35")
    top.set(ylabel="Passengers (thousands a month)", xlim=(shown.index[0].to_timestamp(), None))
    fig.legend(
        *top.get_legend_handles_labels(),
        loc="outside upper center",
        ncols=2,
        frameon=False,
        title="Airline passengers, forecast one month ahead",
        title_fontsize="large",
    )
    bottom.set(ylabel="Error (thousands)", xlabel="Month")
    return save(fig, "airline_forecast.png")


# --- Part 3: mark the early beats --------------------------------------------------------------


def windows_around(X: list[np.ndarray], reach: int = 40) -> np.ndarray:
    """Return so many steps to both sides of every step, one row for each; NaN beyond the ends."""
    padded = [np.pad(x[:, 0], reach, constant_values=np.nan) for x in X]
    return np.concatenate([sliding_window_view(x, 2 * reach + 1) for x in padded])


def mark_beats() -> None:
    X, y = make_early_beats(150, random_state=0)
    X = [x.astype(np.float32) for x in X]
    train, test = slice(0, 100), slice(100, None)
    labels = np.concatenate(y[test])
    print(
        f"\nEarly beats: {len(X[train])} recordings of 300 to 500 steps to train on, "
        f"{len(X[test])} to test on; {labels.mean():.1%} of the steps are to be marked"
    )
    network = RNNClassifier(return_sequences=True, bidirectional=True, random_state=0)
    network.fit(X[train], y[train])
    boosting = HistGradientBoostingClassifier(random_state=0)
    boosting.fit(windows_around(X[train]), np.concatenate(y[train]))
    by_network = np.concatenate([of_steps[:, 1] for of_steps in network.predict_proba(X[test])])
    scores = {
        "recurrent network": average_precision_score(labels, by_network),
        "gradient boosting, 81 steps around": average_precision_score(
            labels, boosting.predict_proba(windows_around(X[test]))[:, 1]
        ),
        "chance": labels.mean(),
    }
    print("\nAverage precision on the test recordings, higher is better:")
    print(pd.Series(scores).round(3).to_string())


def save(fig: plt.Figure, name: str) -> Path:
    path = OUTPUT / name
    fig.savefig(path, dpi=150)
    plt.close(fig)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    began = time.perf_counter()
    name_speakers()
    forecast_passengers()
    mark_beats()
    print(f"\nDone in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
