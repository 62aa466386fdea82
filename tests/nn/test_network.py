"""Networks: what they answer, what they are built from, and their files."""

import numpy as np
import pytest

from tunewell import nn
from tunewell.errors import SettingError

X = np.random.default_rng(0).normal(size=(20, 5))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm", [None, "before", "after"])
def test_a_network_answers_in_its_own_precision_and_one_sample_as_among_many(norm, dtype):
    network = nn.Network([5, 7, 4, 3], norm=norm, dtype=dtype)
    answer = network.logits(X)
    assert answer.dtype == dtype
    assert answer.shape == (20, 3)
    np.testing.assert_allclose(network.logits(X[3:4])[0], answer[3], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(network.predict_proba(X).sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(network.predict(X), answer.argmax(axis=1))


def test_a_layer_with_batch_normalization_has_gamma_and_beta_instead_of_a_bias():
    plain, normal = nn.Network([5, 7, 3]), nn.Network([5, 7, 3], norm="before")
    assert plain.theta.size == 5 * 7 + 7 + 7 * 3 + 3
    assert normal.theta.size == 5 * 7 + 2 * 7 + 7 * 3 + 3


def test_weights_are_drawn_as_they_should_be():
    he, xavier = (nn.Network([200, 300, 10], initialization=name).weights(0).std() for name in ("he", "xavier"))
    assert he == pytest.approx(np.sqrt(2 / 200), rel=0.02)
    assert xavier == pytest.approx(np.sqrt(2 / 500), rel=0.02)
    assert not nn.Network([5, 4, 3], initialization="zeros").theta.any()


def test_many_rows_are_answered_as_few():
    network = nn.Network([5, 7, 3], norm="before")
    x = np.random.default_rng(1).normal(size=(1000, 5))
    np.testing.assert_allclose(network.logits(x)[700:720], network.logits(x[700:720]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "n_out", "shape"), [("sigmoid", 1, (20,)), ("sigmoid", 2, (20, 2)), ("squared", 1, (20,))]
)
def test_other_losses_predict_in_their_own_way(loss, n_out, shape):
    network = nn.Network([5, 4, n_out], loss=loss)
    predicted = network.predict(X)
    assert predicted.shape == shape
    if loss == "sigmoid":
        np.testing.assert_array_equal(predicted, (network.predict_proba(X) > 0.5).astype(int).reshape(shape))
    measured = network.evaluate(X, np.zeros((20, n_out)))
    assert set(measured) == ({"loss", "accuracy"} if loss == "sigmoid" else {"loss"})


def test_a_network_that_was_saved_is_the_same(tmp_path):
    network = nn.Network([5, 7, 4, 3], activation=["gelu", "tanh"], norm="after", dropout=[0.1, 0.2], norm_epsilon=1e-3)
    nn.Trainer(network, X, np.arange(20) % 3).epoch()
    network.save(tmp_path / "model.npz")
    again = nn.Network.load(tmp_path / "model.npz")
    assert again.layout == network.layout
    np.testing.assert_array_equal(again.logits(X), network.logits(X))


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_file_that_holds_no_network_is_named(tmp_path, content):
    path = tmp_path / "model.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingError, match=r"model.npz holds no network.*Network.save"):
        nn.Network.load(path)


def test_a_saved_file_is_read_without_running_code(tmp_path):
    np.savez(tmp_path / "evil.npz", layout=np.array([object()], dtype=object), theta=np.zeros(3), running=np.zeros(3))
    with pytest.raises(SettingError, match="holds no network"):
        nn.Network.load(tmp_path / "evil.npz")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"sizes": [5]}, "sizes"),
        ({"sizes": [5, 0, 3]}, "sizes"),
        ({"activation": "rleu"}, "activation 'rleu' is none of 'relu'"),
        ({"norm": "between"}, "norm 'between' is none of None, 'before', 'after'"),
        ({"dropout": 1.0}, "dropout is the share of units that is dropped, from 0 to below 1, got 1.0"),
        ({"dropout": [0.1, 0.2]}, "dropout must be one, or 1: one a hidden layer, got 2"),
        ({"loss": "hinge"}, "loss 'hinge'"),
        ({"dtype": "float16"}, "dtype 'float16'"),
        ({"initialization": "ones"}, "initialization 'ones'"),
        ({"norm_epsilon": 0.0}, "norm_epsilon must be above 0"),
        ({"norm_momentum": 1.5}, "norm_momentum"),
    ],
)
def test_a_bad_setting_is_named_with_what_would_do(settings, named):
    with pytest.raises(SettingError, match=named):
        nn.Network(**{"sizes": [5, 4, 3]} | settings)


def test_a_state_of_another_network_is_refused():
    with pytest.raises(SettingError, match="this network"):
        nn.Network([5, 4, 3]).load_state_dict(nn.Network([5, 6, 3]).state_dict())
