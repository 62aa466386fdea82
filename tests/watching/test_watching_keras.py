"""What `watch` measures of a Keras network, beside the same of a PyTorch network with the same weights and rows."""

import json
import os
from importlib.util import find_spec

import numpy as np
import pytest

import tunewell as tw
from tunewell.diagnosis import diagnose
from tunewell.errors import SettingError

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
COLUMNS, CLASSES = 6, 3
LAYERS = keras.layers


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    x = random.normal(size=(120, COLUMNS)).astype(np.float32)
    return x, ((x[:, 0] > 0).astype(np.int32) + (x[:, 1] > 1)).astype(np.int32)


def dense(activation="relu", widths=(12, 9), scale=1.0, bias=0.0, lr=0.1, extra=list):
    keras.utils.set_random_seed(0)
    hidden = [
        LAYERS.Dense(
            width,
            activation=activation,
            kernel_initializer=keras.initializers.VarianceScaling(scale),
            bias_initializer=keras.initializers.Constant(bias),
        )
        for width in widths
    ]
    model = keras.Sequential([keras.Input((COLUMNS,)), *hidden, *extra(), LAYERS.Dense(CLASSES)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(lr), loss=loss, metrics=["accuracy"])
    return model


def trained(model, data, *, epochs=1, batch=40, **settings):
    """The record of some epochs of `fit`, whose rows are not shuffled."""
    watcher = tw.watch(model, train=data, val=data, every=1, **settings)
    model.fit(*data, batch_size=batch, epochs=epochs, shuffle=False, verbose=0, callbacks=[watcher])
    return watcher.record()


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_numbers_are_those_of_pytorch(data, activation):
    import torch

    model = dense(activation, scale=3.0)
    modules = []
    for layer in model.layers:
        linear = torch.nn.Linear(*layer.kernel.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(keras.ops.convert_to_numpy(layer.kernel).T.copy()))
            linear.bias.zero_()
        modules += [linear, {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]()]
    network, criterion = torch.nn.Sequential(*modules[:-1]), torch.nn.CrossEntropyLoss()
    x, y = torch.tensor(data[0]), torch.tensor(data[1]).long()
    theirs = tw.watch(network, criterion=criterion, train=(x, y), val=(x, y), every=1)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for rows in torch.arange(len(y)).split(40):
        optimizer.zero_grad()
        criterion(network(x[rows]), y[rows]).backward()
        optimizer.step()
    theirs.end_epoch()
    theirs.close()
    ours, expected = trained(model, data), theirs.record()
    epoch, other = ours["epochs"][0], expected["epochs"][0]
    for layer, of_torch in zip(epoch.pop("layers"), other.pop("layers"), strict=True):
        layer.pop("name"), of_torch.pop("name")
        assert layer == pytest.approx(of_torch, rel=1e-4)
    assert epoch == pytest.approx(other, rel=1e-4)
    assert ours["step_losses"] == pytest.approx(expected["step_losses"], rel=1e-4)
    assert json.loads(json.dumps(ours, allow_nan=False)) == ours


def test_watching_does_not_change_the_training(data):
    def weights(*, watched):
        model = dense(extra=lambda: [LAYERS.BatchNormalization(), LAYERS.Dropout(0.3)])  # made once the seed is set
        callbacks = [tw.watch(model, train=data, val=data, every=2)] if watched else []
        model.fit(*data, batch_size=40, epochs=2, verbose=0, callbacks=callbacks)
        return [keras.ops.convert_to_numpy(one) for one in (*model.variables, *model.optimizer.variables)]

    for one, other in zip(weights(watched=True), weights(watched=False), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_measured_is_part_of_each_report_of_the_run(data):
    from tunewell.adapters.keras import TuneCallback

    run, model = tw.Run({}), dense()
    watcher = tw.watch(model, run, train=data, val=data)
    model.fit(*data, batch_size=40, epochs=2, verbose=0, callbacks=[watcher, TuneCallback(run)])
    name = model.layers[0].name
    assert {"loss", "val_balanced_accuracy", "grad_norm", f"layers.{name}.update_ratio"} <= set(run.reports[1])
    assert [epoch["epoch"] for epoch in watcher.record()["epochs"]] == [1, 2]
    with pytest.raises(SettingError, match="is watched already"):
        tw.watch(model, run)


def labels(record):
    return [finding.label for finding in diagnose(record)]


def test_dead_units_are_named(data):
    record = trained(dense(bias=-20.0), data, epochs=8, config={"lr": 0.1})
    assert record["epochs"][0]["dead_fraction"] == 1.0
    assert "dead_relus" in labels(record)[:2]


def test_layers_that_never_move_are_named(data):
    model = dense()
    model.layers[0].trainable = False
    model.compile(optimizer=model.optimizer, loss=model.loss, metrics=["accuracy"])
    record = trained(model, data, epochs=8)
    assert [layer["update_ratio"] > 0 for layer in record["epochs"][0]["layers"]] == [False, True, True]
    assert "frozen_layers" in labels(record)[:2]


def test_vanishing_gradients_are_named(data):
    record = trained(dense("sigmoid", widths=[16] * 9, scale=0.1), data, epochs=8)
    first, *_, last = record["epochs"][0]["layers"]
    assert first["grad_norm"] < 1e-4 * last["grad_norm"]
    assert {"vanishing_gradients", "bad_initialisation"} & set(labels(record)[:2])


def test_a_rate_that_is_too_high_is_named(data):
    record = trained(dense(lr=30.0), data, epochs=8, config={"lr": 30.0})
    assert {"lr_too_high", "exploding_gradients"} & set(labels(record)[:2])


def test_a_convolution_is_watched_by_its_channels():
    random = np.random.default_rng(0)
    x, y = random.random((40, 6, 6, 1)).astype(np.float32), random.integers(0, CLASSES, 40)
    convolution = LAYERS.Conv2D(4, 3, activation="relu")
    model = keras.Sequential([keras.Input((6, 6, 1)), convolution, LAYERS.Flatten(), LAYERS.Dense(CLASSES)])
    model.compile(optimizer=keras.optimizers.SGD(0.0), loss=dense().loss)
    convolution.bias.assign(np.array([-100, 100, 100, 100], np.float32))
    assert trained(model, (x, y))["epochs"][0]["dead_fraction"] == pytest.approx(1 / 4)


def test_what_cannot_be_watched_is_refused(data):
    with pytest.raises(SettingError, match="no criterion="):
        tw.watch(dense(), criterion=len)
    with pytest.raises(SettingError, match="no weight matrix"):
        tw.watch(keras.Sequential([LAYERS.ReLU()]))
