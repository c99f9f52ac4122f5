"""Parts of the user's own in place of names."""

from __future__ import annotations

import pickle
from copy import deepcopy

import numpy as np
import pytest
from own_parts import (
    SCALED_TANH,
    Averaged,
    ConjugateGradients,
    Decay,
    Leaky,
    LogCosh,
    Relative,
    ScaledSum,
    Share,
    SignDescent,
    signs,
)
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags
from small_estimators import (
    STOCHASTIC,
    assert_same_weights,
    differ,
    label_sign,
    make_ragged,
    make_X,
    small,
    weights_of,
)

from skrnn import RNNClassifier, RNNRegressor
from skrnn.callbacks import Checkpoint
from skrnn.core.activations import Activation
from skrnn.core.losses import CLASSIFICATION_LOSSES, LOSSES, REGRESSION_LOSSES
from skrnn.core.optimizers import OPTIMIZERS
from skrnn.core.readouts import READOUTS
from skrnn.inspection import diagnose
from skrnn.preprocessing import SequenceScaler
from skrnn.sequences import as_sequences

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

OWN = {
    "cell": Leaky(),
    "activation": SCALED_TANH,
    "init": signs,
    "loss": LogCosh(),
    "optimizer": Averaged(),
    "readout": ScaledSum(),
}
each_part = pytest.mark.parametrize("parameter", OWN)


def positive(X):
    """Amounts that can be learnt, between 0 and 1."""
    return 1 / (1 + np.exp(-2 * X[:, -1, 0]))


# --- wherever an estimator goes ------------------------------------------------------------------


@each_part
def test_clone_keeps_the_part(parameter):
    est = clone(small(RNNRegressor, **{parameter: OWN[parameter]}))
    assert type(getattr(est, parameter)) is type(OWN[parameter])
    X = make_X()
    assert_same_weights(
        est.fit(X, positive(X)),
        small(RNNRegressor).set_params(**{parameter: OWN[parameter]}).fit(X, positive(X)),
    )


@each_part
def test_a_pickle_predicts_the_same_bits(parameter):
    X = make_X()
    est = small(RNNRegressor, **{parameter: OWN[parameter]}).fit(X, positive(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(est)).predict(X), est.predict(X))


NAMES = {
    "cell": "lstm",
    "activation": "relu",
    "init": "he_normal",
    "loss": "gamma",
    "optimizer": "lion",
    "readout": ("last", "mean", "max"),
}


@each_part
def test_a_search_in_a_pipeline_takes_objects_and_names(parameter):
    X = make_X()
    pipeline = make_pipeline(SequenceScaler(), small(RNNRegressor))
    values = [OWN[parameter], NAMES[parameter]]
    search = GridSearchCV(
        pipeline, {f"rnnregressor__{parameter}": values}, cv=2, error_score="raise"
    )
    search.fit(X, positive(X))
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    assert search.best_params_[f"rnnregressor__{parameter}"] in values


@each_part
def test_the_part_is_used(parameter):
    X = make_X()
    own = small(RNNRegressor, **{parameter: OWN[parameter]}).fit(X, positive(X))
    assert differ(own, small(RNNRegressor).fit(X, positive(X)))


# --- losses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REGRESSION_LOSSES)
def test_an_object_of_a_named_loss_is_that_loss(name):
    X = make_X()
    y = positive(X)
    assert_same_weights(
        small(RNNRegressor, loss=REGRESSION_LOSSES[name]()).fit(X, y),
        small(RNNRegressor, loss=name).fit(X, y),
    )


def test_the_hyperparameters_of_a_loss_object_win():
    X = make_X()
    y = positive(X)
    own = REGRESSION_LOSSES["quantile"](quantile=0.9)
    assert_same_weights(
        small(RNNRegressor, loss=own, quantile=0.1).fit(X, y),
        small(RNNRegressor, loss="quantile", quantile=0.9).fit(X, y),
    )


@pytest.mark.parametrize("loss", [LogCosh(), Share(), Relative()])
def test_ones_own_loss_learns(loss):
    X = make_X(60)
    y = positive(X)
    assert small(RNNRegressor, loss=loss, max_iter=300).fit(X, y).score(X, y) > 0.9


def test_a_loss_with_an_additive_link_standardises():
    X = make_X()
    y = X[:, -1, 0]
    plain = small(RNNRegressor, loss=LogCosh()).fit(X, y).predict(X)
    moved = small(RNNRegressor, loss=LogCosh()).fit(X, 1e4 * y - 1e6).predict(X)
    np.testing.assert_allclose((moved + 1e6) / 1e4, plain, rtol=1e-6)


def test_a_loss_of_positive_targets_divides_by_the_mean():
    X = make_X()
    y = positive(X)
    plain = small(RNNRegressor, loss=Relative()).fit(X, y).predict(X)
    scaled = small(RNNRegressor, loss=Relative()).fit(X, 1e4 * y).predict(X)
    np.testing.assert_allclose(scaled / 1e4, plain, rtol=1e-6)


def test_targets_between_bounds_are_not_scaled():
    X = make_X()
    y = positive(X)
    assert_same_weights(
        small(RNNRegressor, loss=Share()).fit(X, y),
        small(RNNRegressor, loss=Share(), normalize_y=False).fit(X, y),
    )


@pytest.mark.parametrize(
    ("loss", "value", "message"),
    [
        ("gamma", -1.0, r"loss='gamma' needs targets in \(0, inf\); got y with minimum -1\.0"),
        ("gamma", 0.0, r"loss='gamma' needs targets in \(0, inf\); got y with minimum 0\.0"),
        (Share(), 1.5, r"loss=<.*Share.*> needs targets in \[0, 1\]; got y with maximum 1\.5"),
    ],
)
def test_targets_out_of_the_domain_of_a_loss(loss, value, message):
    X = make_X()
    y = positive(X)
    y[3] = value
    with pytest.raises(ValueError, match=message):
        small(RNNRegressor, loss=loss).fit(X, y)


@pytest.mark.parametrize(
    ("loss", "positive_only"),
    [
        ("squared_error", False),
        ("poisson", True),
        ("gamma", True),
        (LogCosh(), False),
        (Relative(), True),
        ("no such loss", False),
        (None, False),
    ],
)
def test_the_tag_of_positive_targets_follows_the_domain(loss, positive_only):
    assert get_tags(RNNRegressor(loss=loss)).target_tags.positive_only == positive_only


def test_the_output_activation_is_that_of_the_link():
    X = make_X()
    assert small(RNNRegressor, loss=Share()).fit(X, positive(X)).out_activation_ == "logistic"


def test_a_loss_set_after_fit_does_not_change_predictions():
    X = make_X()
    est = small(RNNRegressor).fit(X, positive(X))
    expected = est.predict(X)
    np.testing.assert_array_equal(est.set_params(loss="gamma").predict(X), expected)


@pytest.mark.parametrize("name", CLASSIFICATION_LOSSES)
def test_a_loss_of_classes_is_refused(name):
    X = make_X()
    with pytest.raises(
        ValueError, match="is a loss of classes, which RNNRegressor does not predict"
    ):
        small(RNNRegressor, loss=CLASSIFICATION_LOSSES[name]()).fit(X, positive(X))


# --- optimizers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
def test_an_object_of_a_named_optimizer_is_that_optimizer(cls, name):
    X = make_X()
    own = OPTIMIZERS[name]()
    by_object = small(cls, optimizer=own).fit(X, label_sign(X))
    assert_same_weights(by_object, small(cls, optimizer=name).fit(X, label_sign(X)))
    parameters = {k: v for k, v in vars(own).items() if k in RNNRegressor().get_params()}
    by_values = small(cls, optimizer=name, **parameters)
    assert_same_weights(by_object, by_values.fit(X, label_sign(X)))


@pytest.mark.parametrize("optimizer", [*(OPTIMIZERS[name]() for name in STOCHASTIC), Averaged()])
def test_the_users_optimizer_is_never_changed(optimizer):
    X = make_X()
    before = pickle.dumps(optimizer)
    est = small(RNNRegressor, optimizer=optimizer).fit(X, positive(X))
    est.partial_fit(X, positive(X)).partial_fit(X, positive(X))
    assert est.optimizer is optimizer
    assert pickle.dumps(optimizer) == before


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("optimizer", [*(OPTIMIZERS[name]() for name in STOCHASTIC), Averaged()])
def test_the_state_of_an_optimizer_object_goes_on_in_partial_fit(optimizer, copied):
    X = make_X()
    y = positive(X)
    whole = small(RNNRegressor, optimizer=optimizer, max_iter=4, batch_size=7, tol=0).fit(X, y)
    est = small(RNNRegressor, optimizer=optimizer, batch_size=7)
    for _ in range(4):
        est = pickle.loads(pickle.dumps(est)) if copied else est
        est.partial_fit(X, y)
    assert_same_weights(whole, est)


def test_another_optimizer_object_starts_anew_in_partial_fit():
    X = make_X()
    y = positive(X)
    est = small(RNNRegressor, optimizer=Averaged(0.9), batch_size=24).partial_fit(X, y)
    before = weights_of(est).copy()
    gradient_step = deepcopy(est).set_params(optimizer=Averaged(0.9)).partial_fit(X, y)
    plain_step = deepcopy(est).set_params(optimizer=Averaged(0.0)).partial_fit(X, y)
    assert_same_weights(gradient_step, plain_step)
    est.partial_fit(X, y)
    assert np.linalg.norm(weights_of(est) - weights_of(plain_step)) > 1e-3
    assert not np.array_equal(before, weights_of(est))


def test_a_decoupled_optimizer_of_ones_own_decays_once_and_no_bias():
    """One epoch of one step: by the formula, with the gradient of the loss without a penalty."""
    X = make_X()
    y = positive(X)
    regressor = small(
        RNNRegressor, optimizer=SignDescent(0.5), alpha=100.0, max_iter=1, batch_size=24
    )
    start = clone(regressor).set_params(learning_rate_init=1e-300).fit(X, y)
    end = clone(regressor).set_params(learning_rate_init=0.01).fit(X, y)
    network, data, weight = start._for_inspection(X, y)
    batch = data.sequences.batch(np.arange(len(X)))
    _, gradient = network.network_.loss_and_gradient(
        batch.x, batch.n_active, data.y[batch.samples], weight, loss=start._make_loss()
    )
    before, mask = weights_of(start), start.network_.weight_mask()
    np.testing.assert_allclose(
        weights_of(end), before - 0.01 * (np.sign(gradient) + 0.5 * mask * before), rtol=1e-12
    )
    assert 0 < mask.sum() < mask.size


def test_a_full_batch_optimizer_of_ones_own_works_on_all_samples():
    X = make_X(100)
    y = positive(X)
    est = small(
        RNNRegressor, optimizer=ConjugateGradients(), max_iter=100, batch_size=7, tol=1e-6
    ).fit(X, y)
    assert est.loss_ < 0.7 * est.loss_curve_[0]
    assert np.all(np.diff(est.loss_curve_) <= 0)
    assert est.t_ == est.n_iter_ * 100


def test_a_full_batch_optimizer_of_ones_own_has_no_partial_fit():
    est = small(RNNRegressor, optimizer=ConjugateGradients())
    assert not hasattr(est, "partial_fit")


def test_a_full_batch_optimizer_of_ones_own_takes_no_dropout():
    X = make_X()
    with pytest.raises(ValueError, match=r"optimizer=Conj.* cannot minimise. Set dropout=0"):
        small(RNNRegressor, optimizer=ConjugateGradients(), dropout=0.5).fit(X, positive(X))


def test_a_full_batch_optimizer_of_ones_own_cannot_be_saved_by_a_checkpoint(tmp_path):
    X = make_X()
    est = small(RNNRegressor, optimizer=ConjugateGradients()).set_callbacks(
        Checkpoint(tmp_path / "file")
    )
    with pytest.raises(ValueError, match=r"Checkpoint cannot save .* optimizer=Conj"):
        est.fit(X, positive(X))


@pytest.mark.parametrize(("optimizer", "told"), [(Averaged(), True), (ConjugateGradients(), False)])
def test_the_learning_rate_is_diagnosed_where_there_is_one(optimizer, told):
    X = make_X()
    est = small(RNNRegressor, optimizer=optimizer, learning_rate_init=1e-6)
    est.fit(X, positive(X))
    est.update_ratio_curve_[:] = [1e-6] * len(est.update_ratio_curve_)
    found = [finding.name for finding in diagnose(est, X, positive(X)).findings]
    assert ("learning rate too low" in found) == told


# --- read-outs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READOUTS)
@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
def test_an_object_of_a_named_readout_is_that_readout(cls, name):
    X = make_ragged()
    assert_same_weights(
        small(cls, readout=READOUTS[name]).fit(X, label_sign(X)),
        small(cls, readout=name).fit(X, label_sign(X)),
    )


def test_a_list_of_readouts_is_a_tuple_of_them():
    X = make_X()
    est = small(RNNRegressor, readout=["last", "max"])
    search = GridSearchCV(clone(est), {"readout": [["last", "max"], "mean"]}, cv=2).fit(
        X, X[:, 0, 0]
    )
    assert search.best_params_["readout"] in (["last", "max"], "mean")
    assert_same_weights(
        clone(est).fit(X, X[:, 0, 0]),
        small(RNNRegressor, readout=("last", "max")).fit(X, X[:, 0, 0]),
    )


def test_a_tuple_of_one_readout_is_that_readout():
    X = make_ragged()
    assert_same_weights(
        small(RNNRegressor, readout=("mean",)).fit(X, label_sign(X)),
        small(RNNRegressor, readout="mean").fit(X, label_sign(X)),
    )


@pytest.mark.parametrize(
    ("readout", "n_features"),
    [
        (("last", "mean", "max"), 3 * 2 * 4),
        (("last", ScaledSum()), 2 * 2 * 4),
        (("attention", "attention"), 2 * 2 * 4),
    ],
    ids=["names", "name and object", "attention"],
)
@pytest.mark.parametrize("cls", [RNNClassifier, RNNRegressor])
def test_readouts_are_joined_in_both_directions(cls, readout, n_features):
    X = make_ragged(60)
    y = label_sign(X)
    est = small(cls, readout=readout, bidirectional=True, max_iter=60).fit(X, y)
    assert est.network_.parameters["output.W"].shape == (n_features, 1)
    assert est.score(X, y) > 0.8


@pytest.mark.parametrize("readout", ["attention", ScaledSum(), ("max", ScaledSum(), "attention")])
def test_predictions_with_weighted_readouts_do_not_depend_on_the_others(readout):
    X = make_ragged()
    est = small(RNNRegressor, readout=readout).fit(X, label_sign(X))
    alone = np.concatenate([est.predict([x]) for x in X])
    np.testing.assert_allclose(est.predict(X), alone, rtol=1e-12)


def test_ones_own_readout_learns():
    X = make_ragged(60)
    y = np.array([x[:, 0].sum() for x in X])
    est = small(RNNRegressor, readout=ScaledSum(), max_iter=200).fit(X, y)
    assert est.score(X, y) > 0.9
    assert np.ptp(est.network_.parameters["readout.forward.s"]) > 0.01


@pytest.mark.parametrize("change", ["attention", ("last", "mean"), ScaledSum()])
def test_a_readout_with_other_weights_cannot_go_on(change):
    X = make_ragged()
    est = small(RNNRegressor, warm_start=True).fit(X, label_sign(X))
    with pytest.raises(ValueError, match=r"readout.* shape the weights"):
        est.set_params(readout=change).fit(X, label_sign(X))


# --- what is no part -----------------------------------------------------------------------------


class NoInterval:
    link = LogCosh.link

    def __call__(self, raw_prediction, y, sample_weight): ...


class NoStep:
    decouples_decay = full_batch = False


class NoWidth:
    def shapes(self, n_units): ...

    def initialize(self, weights, rng, init): ...

    def forward(self, h, n_active, weights): ...

    def backward(self, d_features, cache, weights): ...


class NoMinimize(NoStep):
    full_batch = True

    def step(self, vector, gradient, learning_rate): ...


@pytest.mark.parametrize(
    ("parameter", "value", "members"),
    [
        ("loss", NoInterval(), "'interval', 'link' and '__call__'"),
        ("loss", LogCosh, "'interval', 'link' and '__call__'"),
        ("optimizer", NoStep(), "'decouples_decay', 'full_batch' (False) and 'step'"),
        ("optimizer", NoMinimize(), "'decouples_decay', 'full_batch' (True) and 'minimize'"),
        ("optimizer", Averaged, "'decouples_decay', 'full_batch' (False) and 'step'"),
        ("readout", NoWidth(), "'shapes', 'width', 'initialize', 'forward' and 'backward'"),
        ("readout", ScaledSum, "'shapes', 'width', 'initialize', 'forward' and 'backward'"),
    ],
)
def test_an_error_names_what_a_part_needs(parameter, value, members):
    X = make_X()
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of RNNRegressor") as info:
        small(RNNRegressor, **{parameter: value}).fit(X, positive(X))
    assert f"an object (not a class) with {members}" in str(info.value)


@pytest.mark.parametrize("readout", [(), ("last", "first"), ("last", NoWidth()), (("last",),), 1])
def test_a_tuple_of_readouts_holds_names_and_objects(readout):
    X = make_X()
    message = r"'readout' parameter of RNNRegressor .* or a tuple or list of these"
    with pytest.raises(ValueError, match=message):
        small(RNNRegressor, readout=readout).fit(X, positive(X))


# --- cells, activations, initializers ------------------------------------------------------------


@pytest.mark.parametrize("parameters", [{}, {"bidirectional": True, "hidden_layer_sizes": (3, 4)}])
def test_the_gradient_of_ones_own_cell(parameters):
    X = make_ragged(6)
    network = small(RNNRegressor, cell=Decay(), max_iter=1, **parameters).fit(X, range(6)).network_
    batch = as_sequences(X).batch(np.arange(6))
    y = np.arange(6.0)[batch.samples, None]

    def value_and_gradient():
        return network.loss_and_gradient(
            batch.x, batch.n_active, y, np.ones(6), loss=LOSSES["squared_error"]()
        )

    _, gradient = value_and_gradient()
    vector = network.parameters.vector
    differences = np.empty_like(gradient)
    for i in range(len(vector)):
        kept = vector[i]
        sides = []
        for step in (1e-6, -1e-6):
            vector[i] = kept + step
            sides.append(value_and_gradient()[0])
        vector[i] = kept
        differences[i] = (sides[0] - sides[1]) / 2e-6
    assert np.abs(gradient).max() > 1e-3
    np.testing.assert_allclose(gradient, differences, rtol=1e-5, atol=1e-8)


def test_ones_own_cell_learns():
    X = make_ragged(60)
    y = np.array([x[:, 0].sum() for x in X])
    regressor = small(RNNRegressor, cell=Decay(), activation="identity", max_iter=300).fit(X, y)
    assert regressor.score(X, y) > 0.95


def test_ones_own_activation_and_initializer():
    tanh = Activation("my_tanh", np.tanh, lambda h: 1 - h * h)
    drawn = []

    def constant(rng, n_in, n_out):
        drawn.append((n_in, n_out))
        return np.full((n_in, n_out), 0.1)

    X = make_X()
    y = label_sign(X)
    own = small(RNNRegressor, cell="rnn", activation=tanh, init=constant).fit(X, y)
    named = small(RNNRegressor, cell="rnn", init=constant).fit(X, y)
    assert drawn == [(2, 4), (4, 1)] * 2
    np.testing.assert_allclose(own.predict(X), named.predict(X))
