"""Loggers for MLflow, TensorBoard and Weights & Biases."""

from __future__ import annotations

import copy
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from small_fits import Recorder, fail, make_data, small

import skrnn
from skrnn import RNNClassifier
from skrnn.callbacks import MLflowLogger, TensorBoardLogger, WandbLogger
from skrnn.inspection import gradient_flow

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # Of MLflow and what it uses.
    "ignore::FutureWarning",
    "ignore::DeprecationWarning",
    "ignore::UserWarning",
)
LOGGERS = [MLflowLogger, TensorBoardLogger, WandbLogger]
OF_EVERY_FIT = {"train/loss", "gradient/norm", "gradient/clip_rate", "gradient/update_ratio"}
OF_VALIDATION = {"validation/loss", "validation/score"}
OF_FLOW = {"gradient/horizon_layer_0", "gradient/retained_layer_0"}


class Writer:
    """Has those methods of a SummaryWriter that are called, and writes down what they are told."""

    def __init__(self):
        self.scalars, self.texts, self.n_flushed = [], {}, 0

    def add_scalar(self, tag, value, step):
        self.scalars.append((tag, value, step))

    def add_text(self, tag, text):
        self.texts[tag] = text

    def flush(self):
        self.n_flushed += 1

    def of(self, tag):
        return {step: value for name, value, step in self.scalars if name == tag}


def written(est, **parameters):
    writer = Writer()
    est.set_callbacks(TensorBoardLogger(writer=writer, **parameters)).fit(*make_data())
    return writer


# --- what is told, and when: of all loggers ------------------------------------------------------


def test_every_epoch_is_told_as_the_curves_have_it():
    est = small(max_iter=4)
    writer = written(est)
    assert {tag for tag, _, _ in writer.scalars} == OF_EVERY_FIT
    assert writer.of("train/loss") == dict(enumerate(est.loss_curve_, start=1))
    assert writer.of("gradient/norm") == dict(enumerate(est.grad_norm_curve_, start=1))
    assert writer.of("gradient/clip_rate") == dict(enumerate(est.clip_rate_curve_, start=1))
    assert writer.of("gradient/update_ratio") == dict(enumerate(est.update_ratio_curve_, start=1))


def test_a_fit_that_validates_tells_losses_and_scores():
    est = small(RNNClassifier, max_iter=3, early_stopping=True)
    X, y = make_data()
    writer = Writer()
    est.set_callbacks(TensorBoardLogger(writer=writer)).fit(X, y > 0)
    assert {tag for tag, _, _ in writer.scalars} == OF_EVERY_FIT | OF_VALIDATION
    assert writer.of("validation/loss") == dict(enumerate(est.validation_loss_curve_, start=1))
    assert writer.of("validation/score") == dict(enumerate(est.validation_scores_, start=1))


def test_every_few_epochs_and_always_the_last():
    assert list(written(small(max_iter=7), every=3).of("train/loss")) == [3, 6, 7]
    assert list(written(small(max_iter=6), every=3).of("train/loss")) == [3, 6]
    assert list(written(small(max_iter=2), every=9).of("train/loss")) == [2]


def test_the_gradient_flow_is_that_of_the_weights_of_the_moment():
    est = small(max_iter=4, hidden_layer_sizes=(3, 2))
    writer = written(est, flow_every=2)
    assert list(writer.of("gradient/horizon_layer_0")) == [0, 2, 4]
    flow = gradient_flow(est, *make_data())
    for layer in (0, 1):
        horizon = min(flow.horizon[layer], len(flow.lags))
        assert writer.of(f"gradient/horizon_layer_{layer}")[4] == horizon
        retained = writer.of(f"gradient/retained_layer_{layer}")[4]
        assert retained == pytest.approx(flow.retained[layer, -1])
    first = small(max_iter=1, hidden_layer_sizes=(3, 2))
    assert writer.of("gradient/retained_layer_0")[0] == pytest.approx(
        gradient_flow(first, *make_data()).retained[0, -1]
    )


def test_a_warm_start_goes_on_counting():
    est = small(max_iter=2, warm_start=True)
    assert list(written(est).of("train/loss")) == [1, 2]
    assert list(written(est).of("train/loss")) == [3, 4]


def test_parameters_are_told_once_and_what_auto_chose():
    est = small(alpha=0.25, cell="lstm", frame_length="auto")
    text = written(est).texts["parameters"]
    assert "| alpha | 0.25 |" in text
    assert "| estimator | RNNRegressor |" in text
    assert f"| skrnn | {skrnn.__version__} |" in text
    assert f"| chosen/frame_length | {est.auto_params_['frame_length']} |" in text


def test_a_fit_with_a_logger_is_equal_to_the_bit():
    X, y = make_data()
    est = small()
    written(est, flow_every=1)
    np.testing.assert_array_equal(est.predict(X), small().fit(X, y).predict(X))


@pytest.mark.parametrize("make", LOGGERS)
def test_models_are_copied_and_saved_without_their_logger(make):
    est = small().fit(*make_data()).set_callbacks(make())
    assert not hasattr(pickle.loads(pickle.dumps(est)), "_skl_callbacks")
    assert not hasattr(copy.deepcopy(est), "_skl_callbacks")
    unfitted = pickle.loads(pickle.dumps(small().set_callbacks(make())))
    assert type(unfitted._skl_callbacks[0]) is make


@pytest.mark.parametrize("make", LOGGERS)
@pytest.mark.parametrize("name", ["every", "flow_every", "n_samples"])
@pytest.mark.parametrize("value", [0, True, 1.5])
def test_counts_are_checked(make, name, value):
    with pytest.raises((TypeError, ValueError), match=name):
        make(**{name: value})


@pytest.mark.parametrize(
    ("make", "libraries", "extra"),
    [
        (MLflowLogger, ["mlflow"], "mlflow"),
        (TensorBoardLogger, ["tensorboardX", "torch.utils.tensorboard"], "tensorboard"),
        (WandbLogger, ["wandb"], "wandb"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_extra(
    make, libraries, extra, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    for library in libraries:
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"{make.__name__} needs .*skrnn\[{extra}\]"):
        small().set_callbacks(make()).fit(*make_data())
    assert list(tmp_path.iterdir()) == []


# --- TensorBoard ---------------------------------------------------------------------------------


def test_a_writer_of_the_users_own_is_flushed_and_left_open():
    assert written(small()).n_flushed == 1
    with pytest.raises(TypeError, match="writer must be a SummaryWriter"):
        TensorBoardLogger(writer="runs")


def test_every_fit_has_a_folder_of_its_own(tmp_path):
    pytest.importorskip("tensorboardX")
    est = small().set_callbacks(TensorBoardLogger(tmp_path / "runs"))
    for _ in range(2):
        est.fit(*make_data())
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["fit-1", "fit-2"]
    assert all(len(list(p.iterdir())) == 1 for p in (tmp_path / "runs").iterdir())


def test_tensorboard_reads_what_was_written(tmp_path):
    pytest.importorskip("tensorboardX")
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    est = small().set_callbacks(TensorBoardLogger(tmp_path, flow_every=3)).fit(*make_data())
    read = events.EventAccumulator(str(tmp_path / "fit-1")).Reload()
    assert set(read.Tags()["scalars"]) == OF_EVERY_FIT | OF_FLOW
    losses = [scalar.value for scalar in read.Scalars("train/loss")]
    np.testing.assert_allclose(losses, est.loss_curve_, rtol=1e-6)


# --- MLflow --------------------------------------------------------------------------------------


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "quiet")
    mlflow = pytest.importorskip("mlflow")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    mlflow.set_experiment("test")
    yield mlflow
    mlflow.set_tracking_uri(before)


def runs(mlflow):
    return mlflow.search_runs(output_format="list")


def test_mlflow_gets_metrics_by_epoch_and_parameters(mlflow):
    est = small(alpha=0.25).set_callbacks(MLflowLogger(flow_every=3, run_name="one"))
    est.fit(*make_data())
    (run,) = runs(mlflow)
    assert set(run.data.metrics) == OF_EVERY_FIT | OF_FLOW
    assert (run.info.status, run.info.run_name) == ("FINISHED", "one")
    assert run.data.params["alpha"] == "0.25"
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train/loss")
    assert {entry.step: entry.value for entry in history} == dict(enumerate(est.loss_curve_, 1))
    assert mlflow.active_run() is None


def test_mlflow_writes_to_the_active_run_and_leaves_it_open(mlflow):
    with mlflow.start_run() as run:
        small().set_callbacks(MLflowLogger()).fit(*make_data())
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert [each.info.run_id for each in runs(mlflow)] == [run.info.run_id]
    assert set(runs(mlflow)[0].data.metrics) == OF_EVERY_FIT


@pytest.mark.parametrize(
    ("changes", "message"),
    [({}, "another fit"), ({"alpha": 0.5}, r"other parameters \(alpha\)")],
)
def test_mlflow_refuses_two_fits_in_one_run(changes, message, mlflow):
    est = small().set_callbacks(MLflowLogger())
    with mlflow.start_run():
        est.fit(*make_data())
        with pytest.raises(ValueError, match=rf"{message}\. MLflowLogger\(nested=True\)"):
            est.set_params(**changes).fit(*make_data())


def test_mlflow_lets_a_warm_start_go_on_in_its_run(mlflow):
    est = small(max_iter=2, warm_start=True).set_callbacks(MLflowLogger())
    with mlflow.start_run() as run:
        est.fit(*make_data()).fit(*make_data())
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train/loss")
    assert [entry.step for entry in history] == [1, 2, 3, 4]


def test_mlflow_nests_the_fits_of_a_search(mlflow):
    search = GridSearchCV(small().set_callbacks(MLflowLogger(nested=True)), {"alpha": [0, 1]}, cv=2)
    with mlflow.start_run() as parent:
        search.fit(*make_data())
    parents = [run.data.tags.get("mlflow.parentRunId") for run in runs(mlflow)]
    assert sorted(map(str, parents)) == sorted(["None", *[parent.info.run_id] * 5])


def test_mlflow_hears_of_a_fit_that_failed(mlflow):
    est = small().set_callbacks(MLflowLogger(), Recorder(at=2, act=fail))
    with pytest.raises(RuntimeError, match="on purpose"):
        est.fit(*make_data())
    assert [run.info.status for run in runs(mlflow)] == ["FAILED"]


def test_mlflow_logs_a_model_in_its_default_format_and_loads_it(mlflow):
    pytest.importorskip("skops")
    X, y = make_data()
    est = small(RNNClassifier).set_callbacks(MLflowLogger())
    with mlflow.start_run():
        est.fit(X, y > 0)
        logged = mlflow.sklearn.log_model(
            est,
            name="model",
            skops_trusted_types=list(skrnn.TRUSTED_TYPES),
            pip_requirements=["skrnn"],  # finding them out takes a process and its imports
        )
    loaded = mlflow.sklearn.load_model(logged.model_uri)
    np.testing.assert_array_equal(loaded.predict_proba(X), est.predict_proba(X))
    predicted = mlflow.pyfunc.load_model(logged.model_uri).predict(X)
    np.testing.assert_array_equal(predicted, est.predict(X))


# --- Weights & Biases ----------------------------------------------------------------------------


class Run:
    """Has what is called of a run of wandb, and writes down what it is told."""

    def __init__(self):
        self.logged, self.config, self.exit_codes = [], self, []

    def log(self, data):
        self.logged.append(data)

    def update(self, parameters, allow_val_change):
        self.parameters, self.may_change = parameters, allow_val_change

    def finish(self, exit_code):
        self.exit_codes.append(exit_code)


@pytest.fixture
def wandb(monkeypatch):
    """Stand in for the library, without a run; the projects that were asked for."""
    module = SimpleNamespace(run=None, projects=[], started=Run())

    def init(project):
        module.projects.append(project)
        return module.started

    module.init = init
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def test_wandb_gets_metrics_with_their_epoch_and_parameters(wandb):
    est = small(alpha=0.25, max_iter=3).set_callbacks(WandbLogger(project="p")).fit(*make_data())
    run = wandb.started
    assert wandb.projects == ["p"]
    assert [entry["epoch"] for entry in run.logged] == [1, 2, 3]
    assert [entry["train/loss"] for entry in run.logged] == est.loss_curve_
    assert run.parameters["alpha"] == "0.25"
    assert run.may_change
    assert run.exit_codes == [0]


def test_wandb_hears_of_a_fit_that_failed(wandb):
    est = small().set_callbacks(WandbLogger(), Recorder(at=1, act=fail))
    with pytest.raises(RuntimeError, match="on purpose"):
        est.fit(*make_data())
    assert wandb.started.exit_codes == [1]


@pytest.mark.parametrize("given", [True, False])
def test_wandb_leaves_a_run_open_that_is_the_users(given, wandb):
    run = Run()
    if not given:
        wandb.run = run
    small().set_callbacks(WandbLogger(run if given else None)).fit(*make_data())
    assert len(run.logged) == 6
    assert (run.exit_codes, wandb.projects) == ([], [])


def test_what_is_no_run_is_refused():
    with pytest.raises(TypeError, match=r"run must be what wandb\.init returns"):
        WandbLogger("project")


def test_the_true_wandb_takes_it_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    for name, value in {"MODE": "offline", "SILENT": "true", "DIR": str(tmp_path)}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    small().set_callbacks(WandbLogger(project="p", flow_every=2)).fit(*make_data())
    (run,) = tmp_path.glob("wandb/offline-run-*")
    assert list(run.glob("run-*.wandb"))
