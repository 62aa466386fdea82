"""What `watch` measures of a JAX network, beside the same of a PyTorch network with the same weights and rows."""

import atexit
import json
import os
import shutil
import tempfile
from itertools import pairwise

import numpy as np
import pytest

import tunewell as tw
from tunewell.diagnosis import diagnose
from tunewell.errors import SettingError

if "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # one network is trained again and again: compiled once, it is quick
    os.environ |= {"JAX_COMPILATION_CACHE_DIR": tempfile.mkdtemp(), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"])
jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
jnp = jax.numpy

pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
SIZES = (6, 12, 9, 3)


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(240, SIZES[0])).astype(np.float32)
    return x, ((x[:, 0] > 0).astype(np.int32) + (x[:, 1] > 1)).astype(np.int32)


def parameters(sizes=SIZES, scale=1.0, bias=0.0):
    random = np.random.default_rng(1)
    return {
        f"Dense_{place}": {
            "kernel": jnp.asarray(random.normal(size=(n_in, n_out)) * scale * np.sqrt(2 / n_in), jnp.float32),
            "bias": jnp.full((n_out,), bias if n_out != sizes[-1] else 0.0),
        }
        for place, (n_in, n_out) in enumerate(pairwise(sizes))
    }


def evaluator(activation=jax.nn.relu):
    def evaluate(params, x, y):
        for place in range(len(params)):
            x = x @ params[f"Dense_{place}"]["kernel"] + params[f"Dense_{place}"]["bias"]
            x = activation(x) if place < len(params) - 1 else x
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean(), x

    return evaluate


def trained(data, params=None, *, evaluate=None, lr=0.1, epochs=1, batch=60, give=True, watched=True, **settings):
    """The watcher, or the weights, of some epochs of a loop that is written out."""
    x, y = data
    params = parameters() if params is None else params
    evaluate = evaluate or evaluator()
    optimizer = optax.sgd(lr)
    state = optimizer.init(params)

    @jax.jit
    def update(params, state, x, y):
        (loss, _), grads = jax.value_and_grad(evaluate, has_aux=True)(params, x, y)
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state, loss, grads

    watcher = tw.watch(params, evaluate=evaluate, train=data, every=1, **settings) if watched else None
    for _ in range(epochs):
        for start in range(0, len(x), batch):
            params, state, loss, grads = update(params, state, x[start : start + batch], y[start : start + batch])
            if watched:
                watcher.step(params, grads if give else None, loss, n_rows=len(x[start : start + batch]))
        if watched:
            watcher.end_epoch()
    return watcher if watched else params


def of_pytorch(data, params, activation, lr, epochs, batch):
    torch = pytest.importorskip("torch")
    modules = []
    for layer in params.values():
        linear = torch.nn.Linear(*layer["kernel"].shape)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(np.asarray(layer["kernel"]).T))
            linear.bias.copy_(torch.tensor(np.asarray(layer["bias"])))
        modules += [linear, activation()]
    model, criterion = torch.nn.Sequential(*modules[:-1]), torch.nn.CrossEntropyLoss()
    x, y = torch.tensor(data[0]), torch.tensor(data[1]).long()
    watcher = tw.watch(model, criterion=criterion, train=(x, y), val=(x, y), every=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(epochs):
        for rows in torch.arange(len(y)).split(batch):
            optimizer.zero_grad()
            criterion(model(x[rows]), y[rows]).backward()
            optimizer.step()
        watcher.end_epoch()
    watcher.close()
    return watcher.record()


@pytest.mark.parametrize("give", [True, False])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_numbers_are_those_of_pytorch(data, activation, give):
    torch = pytest.importorskip("torch")
    theirs = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]
    params, evaluate = parameters(scale=2.0), evaluator(getattr(jax.nn, activation))
    settings = {"lr": 0.1, "epochs": 2, "batch": 60}
    ours = trained(data, params, evaluate=evaluate, give=give, val=data, config={"batch_size": 60}, **settings).record()
    expected = of_pytorch(data, params, theirs, **settings)
    for epoch, other in zip(ours["epochs"], expected["epochs"], strict=True):
        for layer, of_torch in zip(epoch.pop("layers"), other.pop("layers"), strict=True):
            layer.pop("name"), of_torch.pop("name")
            assert layer == pytest.approx(of_torch, rel=1e-4)
        other.pop("lr"), other.pop("train_accuracy")
        assert epoch == pytest.approx(other, rel=1e-4)
    for name, summary in expected["data_summary"].items():
        assert ours["data_summary"][name] == pytest.approx(summary, rel=1e-4)
    assert json.loads(json.dumps(ours, allow_nan=False)) == ours
    assert len(ours["step_losses"]) == 8


def test_watching_does_not_change_the_training(data):
    plain, watcher = trained(data, epochs=2, watched=False), trained(data, epochs=2)
    for one, other in zip(jax.tree.leaves(plain), jax.tree.leaves(watcher._parameters), strict=True):
        np.testing.assert_array_equal(one, other)


def test_layers_are_named_and_ordered_as_the_network_takes_them(data):
    params = {
        "params": {"out": parameters()["Dense_2"], "first": parameters()["Dense_0"], "mid": parameters()["Dense_1"]}
    }

    def evaluate(params, x, y):
        layers = params["params"]
        renamed = {f"Dense_{place}": layers[name] for place, name in enumerate(("first", "mid", "out"))}
        return evaluator()(renamed, x, y)

    epoch = trained(data, params, evaluate=evaluate).record()["epochs"][0]
    assert [layer["name"] for layer in epoch["layers"]] == ["first", "mid", "out"]
    assert [("dead_fraction" in layer) for layer in epoch["layers"]] == [True, True, False]


@pytest.mark.parametrize("activation", ["gelu", "silu", "leaky_relu", "elu", "softplus"])
def test_other_non_linearities_have_neither_dead_nor_saturated_units(data, activation):
    epoch = trained(data, evaluate=evaluator(getattr(jax.nn, activation))).record()["epochs"][0]
    assert not {"dead_fraction", "saturated_fraction"} & set(epoch)
    assert "activation_std" in epoch["layers"][0]


def test_what_is_measured_is_part_of_each_report_of_the_run(data):
    run = tw.Run({})
    watcher = tw.watch(parameters(), run, evaluate=evaluator(), val=data)
    for _ in run.epochs(2):
        watcher.step(parameters(scale=0.5), loss=jnp.asarray(1.0))
        run.report()
    assert {"train_loss", "val_accuracy", "layers.Dense_0.update_ratio", "weight_norm"} <= set(run.reports[1])
    watcher.close()
    with pytest.raises(SettingError, match="is watched already"):
        tw.watch(parameters(), run)


def test_without_rows_gradients_are_those_that_the_steps_give(data):
    params = parameters()
    watcher = tw.watch(params, every=1)
    grads = jax.grad(lambda p: evaluator()(p, *data)[0])(params)
    watcher.step(params, grads)
    epoch = watcher.end_epoch()
    expected = [float(jnp.linalg.norm(layer["kernel"])) for layer in grads.values()]
    assert epoch["grad_norm"] == pytest.approx(float(np.linalg.norm(expected)), rel=1e-5)
    assert epoch["update_ratio"] == 0.0


def labels(watcher, **config):
    return [
        finding.label for finding in diagnose({**watcher.record(), "config": {**watcher.record()["config"], **config}})
    ]


def test_dead_units_are_named(data):
    found = labels(trained(data, parameters(bias=-20.0), epochs=8, val=data, lr=0.05), lr=0.05)
    assert "dead_relus" in found[:2]


def test_vanishing_gradients_are_named(data):
    deep = (SIZES[0], *[16] * 9, SIZES[-1])
    watcher = trained(data, parameters(deep, scale=0.25), evaluate=evaluator(jax.nn.sigmoid), epochs=8, val=data)
    assert {"vanishing_gradients", "bad_initialisation", "saturated_activations"} & set(labels(watcher)[:2])
    first, *_, last = watcher.record()["epochs"][0]["layers"]
    assert first["grad_norm"] < 1e-4 * last["grad_norm"]


def test_layers_that_never_move_are_named(data):
    params = parameters()

    def evaluate(params, x, y):
        held = {name: jax.lax.stop_gradient(layer) if name == "Dense_0" else layer for name, layer in params.items()}
        return evaluator()(held, x, y)

    watcher = trained(data, params, evaluate=evaluate, epochs=8, val=data, lr=0.1)
    assert watcher.record()["epochs"][0]["layers"][0]["update_ratio"] == 0.0
    assert "frozen_layers" in labels(watcher)[:2]


def test_a_rate_that_is_too_high_is_named(data):
    watcher = trained(data, epochs=8, val=data, lr=30.0)
    assert {"lr_too_high", "exploding_gradients"} & set(labels(watcher, lr=30.0)[:2])


def test_what_cannot_be_watched_is_refused(data):
    with pytest.raises(SettingError, match="no weight matrix"):
        tw.watch({"bias": jnp.zeros(3)})
    with pytest.raises(SettingError, match="evaluate="):
        tw.watch(parameters(), train=data)
    with pytest.raises(SettingError, match="got str"):
        tw.watch("model")
    with pytest.raises(SettingError, match="no criterion="):
        tw.watch(parameters(), criterion=len)
