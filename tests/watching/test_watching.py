"""What `watch` measures, beside the same computed directly."""

import gc
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import tunewell as tw
from tunewell.diagnosis.possible import impossible
from tunewell.diagnosis.readers.trial import record_of
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure
from tunewell.errors import SettingError

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours
CLASSES, COLUMNS = 3, 6


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def data():
    x = torch.randn(300, COLUMNS)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 1).long()


def dense(activation=nn.ReLU):
    return nn.Sequential(nn.Linear(COLUMNS, 8), activation(), nn.Linear(8, CLASSES))


def trained(model, data, *, epochs=1, lr=0.1, batch=50, clip=None, zero=True, **settings):
    """A watcher of some epochs of plain gradient descent."""
    x, y = data
    criterion = nn.CrossEntropyLoss()
    watcher = tw.watch(model, criterion=criterion, every=1, **settings)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr)
    for _ in range(epochs):
        for rows in torch.arange(len(y)).split(batch):
            if zero:
                optimizer.zero_grad()
            criterion(model(x[rows]), y[rows]).backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
        watcher.end_epoch()
    watcher.close()
    return watcher


def gradient(model, x, y):
    """Of each weight matrix."""
    copy = dense()
    copy.load_state_dict(model.state_dict())
    nn.functional.cross_entropy(copy(x), y).backward()
    return [copy[place].weight.grad for place in (0, 2)]


def norm(tensors):
    return math.sqrt(sum(float((tensor.double() ** 2).sum()) for tensor in tensors))


def test_gradients_and_updates_of_a_step_are_those_computed_directly(data):
    model = dense()
    before = [model[place].weight.detach().clone() for place in (0, 2)]
    expected = gradient(model, *data)
    epoch = trained(model, data, batch=300, lr=0.1).record()["epochs"][0]
    assert epoch["grad_norm"] == pytest.approx(norm(expected), rel=1e-5)
    assert epoch["lr"] == 0.1
    ratios = [0.1 * norm([g]) / norm([w]) for g, w in zip(expected, before, strict=True)]
    assert [layer["update_ratio"] for layer in epoch["layers"]] == pytest.approx(ratios, rel=1e-4)
    assert [layer["grad_norm"] for layer in epoch["layers"]] == pytest.approx([norm([g]) for g in expected], rel=1e-5)
    assert epoch["update_ratio"] == pytest.approx(sum(ratios) / 2, rel=1e-4)
    after = [model[place].weight.detach() for place in (0, 2)]
    assert epoch["weight_norm"] == pytest.approx(norm(after), rel=1e-6)


def test_the_mean_and_the_largest_gradient_are_over_the_steps_of_an_epoch(data):
    epoch = trained(dense(), data, batch=50, lr=1e-9).record()["epochs"][0]
    torch.manual_seed(0)
    torch.randn(300, COLUMNS)  # as the fixture drew before the network
    norms = [norm(gradient(model, *batch)) for model in [dense()] for batch in zip(*_parts(data, 50), strict=True)]
    assert epoch["grad_norm"] == pytest.approx(np.mean(norms), rel=1e-4)
    assert epoch["grad_norm_max"] == pytest.approx(max(norms), rel=1e-4)


def _parts(data, size):
    return [values.split(size) for values in data]


def test_gradients_are_measured_before_they_are_clipped(data):
    expected = norm(gradient(model := dense(), *data))
    epoch = trained(model, data, batch=300, clip=expected / 100).record()["epochs"][0]
    assert epoch["grad_norm"] == pytest.approx(expected, rel=1e-5)


def test_gradients_that_are_never_reset_are_measured_as_the_optimizer_sees_them(data):
    kept = trained(dense(), data, zero=False, lr=1e-9).record()["epochs"][0]
    torch.manual_seed(0)
    torch.randn(300, COLUMNS)
    reset = trained(dense(), data, lr=1e-9).record()["epochs"][0]
    assert kept["grad_norm"] > 2 * reset["grad_norm"]


def test_the_noise_scale_is_that_of_the_rows_gradients(data):
    model = dense()
    rows = torch.stack(
        [torch.cat([g.flatten() for g in gradient(model, *row)]) for row in zip(*_parts(data, 1), strict=True)]
    )
    mean = rows.mean(dim=0)
    direct = float((rows - mean).square().sum(dim=1).mean() / mean.square().sum())
    measured = trained(model, data, batch=10, lr=1e-9).record()["epochs"][0]["grad_noise_scale"]
    assert measured == pytest.approx(direct, rel=0.25)


def test_losses_and_accuracy_in_training_are_those_of_the_batches(data):
    epoch = trained(model := dense(), data, lr=0.0, train=data).record()["epochs"][0]
    outputs = model(data[0]).detach()
    assert epoch["train_loss"] == pytest.approx(float(nn.functional.cross_entropy(outputs, data[1])), rel=1e-5)
    assert epoch["train_accuracy"] == pytest.approx(float((outputs.argmax(dim=1) == data[1]).double().mean()))


def test_the_loss_at_the_start_stands_beside_that_of_chance(data):
    watcher = trained(model := dense(), data, lr=0.0, batch=300)
    expected = nn.functional.cross_entropy(model(data[0]), data[1]).item()
    assert watcher.loss_at_start == pytest.approx(expected)
    assert watcher.chance_loss == pytest.approx(math.log(CLASSES))
    assert watcher.record()["step_losses"] == pytest.approx([expected])


def test_many_losses_of_steps_are_thinned_out_evenly(data):
    record = trained(dense(), data, batch=1, epochs=3, lr=0.0).record()
    assert record["step_losses_every"] == 2
    assert len(record["step_losses"]) == 450
    assert record["step_losses"][:150] == pytest.approx(record["step_losses"][150:300])


def test_evaluation_says_what_the_predictions_are_worth(data):
    x, y = data
    epoch = trained(model := dense(), data, lr=0.1, train=(x[:200], y[:200]), val=(x[200:], y[200:]))
    epoch = epoch.record()["epochs"][0]
    predicted = model(x[200:]).argmax(dim=1)
    recalls = [float((predicted[y[200:] == label] == label).double().mean()) for label in y[200:].unique()]
    assert epoch["val_accuracy"] == pytest.approx(float((predicted == y[200:]).double().mean()))
    assert epoch["val_balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert epoch["val_top_prediction_share"] == pytest.approx(float(predicted.bincount().max()) / 100)
    assert epoch["val_loss"] == pytest.approx(float(nn.functional.cross_entropy(model(x[200:]), y[200:])), rel=1e-5)
    assert epoch["train_eval_loss"] == pytest.approx(float(nn.functional.cross_entropy(model(x[:200]), y[:200])), 1e-5)


def test_evaluation_of_ones_own_is_used_as_it_is(data):
    model = nn.Sequential(nn.Linear(COLUMNS, 8), nn.BatchNorm1d(8), nn.Linear(8, CLASSES))

    def evaluate(inputs, targets):
        with torch.no_grad():
            outputs = model(inputs)  # in training mode, which is the mistake that a record has to show
        return nn.functional.cross_entropy(outputs, targets), outputs

    few = (data[0][:2], data[1][:2])
    epoch = trained(model, data, train=few, evaluate=evaluate).record()["epochs"][0]
    assert epoch["train_eval_loss"] == pytest.approx(float(evaluate(*few)[0]), rel=1e-5)


def test_units_that_fire_for_no_row_are_dead(data):
    model = dense()
    with torch.no_grad():
        model[0].bias[:3] = -100.0
    epoch = trained(model, data, train=data, lr=0.0).record()["epochs"][0]
    outputs = torch.relu(model[0](data[0][:256]))
    alive = (outputs > 0).any(dim=0)
    assert epoch["layers"][0]["dead_fraction"] == pytest.approx(1 - float(alive.double().mean()))
    assert epoch["layers"][0]["dead_fraction"] >= 3 / 8
    assert epoch["dead_fraction"] == epoch["layers"][0]["dead_fraction"]
    assert epoch["layers"][0]["activation_mean"] == pytest.approx(float(outputs.mean()), rel=1e-5)
    assert epoch["layers"][0]["activation_std"] == pytest.approx(float(outputs.std(correction=0)), rel=1e-5)
    assert "dead_fraction" not in epoch["layers"][1]


@pytest.mark.parametrize(("activation", "low", "high"), [(nn.Tanh, -0.95, 0.95), (nn.Sigmoid, 0.05, 0.95)])
def test_outputs_near_the_ends_of_the_range_are_saturated(data, activation, low, high):
    model = dense(activation)
    with torch.no_grad():
        model[0].weight.mul_(5)
    epoch = trained(model, data, train=data, lr=0.0).record()["epochs"][0]
    outputs = activation()(model[0](data[0][:256]))
    expected = float(((outputs < low) | (outputs > high)).double().mean())
    assert 0 < epoch["saturated_fraction"] == pytest.approx(expected)


def test_non_linearities_that_are_functions_are_seen_as_well_as_modules(data):
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(COLUMNS, 8), nn.Linear(8, CLASSES)

        def forward(self, x):
            return self.last(nn.functional.relu(self.first(x)))

    epoch = trained(Functional(), data, train=data).record()["epochs"][0]
    assert [layer["name"] for layer in epoch["layers"]] == ["first", "last"]
    assert "dead_fraction" in epoch["layers"][0]


def test_channels_are_the_units_of_a_convolution():
    x, y = torch.rand(40, 1, 6, 6), torch.randint(0, CLASSES, (40,))
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, CLASSES))
    with torch.no_grad():
        model[0].bias[0] = -100.0
        model[0].bias[1:] = 100.0
    epoch = trained(model, (x, y), train=(x, y), lr=0.0).record()["epochs"][0]
    assert epoch["dead_fraction"] == pytest.approx(1 / 4)


def test_a_recurrent_network_has_a_layer_for_each_of_its_matrices():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent, self.head = nn.RNN(2, 5, batch_first=True), nn.Linear(5, CLASSES)

        def forward(self, x):
            return self.head(self.recurrent(x)[0][:, -1])

    x, y = torch.randn(40, 7, 2), torch.randint(0, CLASSES, (40,))
    epoch = trained(Last(), (x, y), train=(x, y)).record()["epochs"][0]
    assert [layer["name"] for layer in epoch["layers"]] == ["recurrent.weight_ih_l0", "recurrent.weight_hh_l0", "head"]
    assert epoch["saturated_fraction"] >= 0


def test_a_layer_that_is_not_trained_shows_no_gradient_and_no_change(data):
    model = dense()
    model[0].requires_grad_(False)
    first, last = trained(model, data).record()["epochs"][0]["layers"]
    assert first["grad_norm"] == first["update_ratio"] == 0.0
    assert last["update_ratio"] > 0.0


def test_a_layer_that_the_optimizer_was_not_given_has_gradients_and_does_not_change(data):
    x, y = data
    model = dense()
    watcher = tw.watch(model, every=1)
    optimizer = torch.optim.Adam(model[2].parameters())
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
    watcher.end_epoch()
    watcher.close()
    first, last = watcher.record()["epochs"][0]["layers"]
    assert first["grad_norm"] > 0.0 == first["update_ratio"]
    assert last["update_ratio"] > 0.0


def test_weights_of_zero_have_no_update_ratio_and_the_record_is_json(data):
    model = dense()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    record = trained(model, data, train=data, val=data, batch=300, config={"lr": 0.1}).record()
    assert record["epochs"][0]["update_ratio"] is None
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_the_record_says_what_the_data_are_like(data):
    x, y = data
    record = trained(dense(), data, train=(x[:200] * 10 + 3, y[:200]), val=(x[200:], y[200:])).record()
    assert (record["n_train"], record["n_val"], record["n_classes"]) == (200, 100, CLASSES)
    summary = record["data_summary"]
    assert summary["train_inputs"]["mean"] == pytest.approx(float((x[:200] * 10 + 3).mean()), rel=1e-4)
    assert summary["train_inputs"]["std"] == pytest.approx(float((x[:200] * 10).std(correction=0)), rel=1e-4)
    assert summary["class_counts_val"] == y[200:].bincount().tolist()
    assert summary["feature_std_max"] == pytest.approx(float((x[:200] * 10).std(dim=0).max()), rel=1e-4)


def test_the_record_says_which_framework_it_is_and_whether_there_is_batch_norm(data):
    with_norm = nn.Sequential(nn.Linear(COLUMNS, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES))
    for model, has in ((dense(), False), (with_norm, True)):
        watcher = trained(model, data)
        assert watcher.record()["config"] == {"framework": "pytorch", "batch_norm": has}
    run = tw.Run({})
    tw.watch(dense(), run)
    run.report(val_loss=1.0)
    record = record_of({}, run.reports)
    assert record["config"]["batch_norm"] is False
    assert "batchnorm_misuse" in impossible(measure(read_record(record)))


def test_the_border_of_images_is_no_feature_of_another_scale(data):
    images = torch.rand(len(data[1]), 6, 6)
    images[:, 0] = 0.0
    images[0, 0, 0] = 1e-3
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, CLASSES))
    summary = trained(model, (images, data[1]), train=(images, data[1])).record()["data_summary"]
    assert summary["feature_std_max"] < 2 * summary["feature_std_min"]


def test_watching_does_not_change_the_training(data):
    x, y = data

    def weights(*, watched):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(COLUMNS, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=32, shuffle=True)
        criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(model.parameters())
        run = tw.Run({})
        if watched:
            tw.watch(model, run, criterion=criterion, train=loader, val=(x, y))
        for _ in run.epochs(3):
            for inputs, targets in loader:
                optimizer.zero_grad()
                criterion(model(inputs), targets).backward()
                optimizer.step()
            run.report(dummy=1.0)
        return torch.cat([value.flatten().double() for value in model.state_dict().values()])

    torch.testing.assert_close(weights(watched=True), weights(watched=False), rtol=0, atol=0)


def test_what_is_measured_is_part_of_each_report_of_the_run(data):
    run = tw.Run({})
    model, criterion = dense(), nn.CrossEntropyLoss()
    watcher = tw.watch(model, run, criterion=criterion, train=data, val=data)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in run.epochs(2):
        optimizer.zero_grad()
        criterion(model(data[0]), data[1]).backward()
        optimizer.step()
        run.report(val_accuracy=0.125)
    first, second = run.reports
    assert first["val_accuracy"] == 0.125
    assert {"loss_at_start", "chance_loss"} <= set(first) - set(second)
    assert {"train_loss", "val_loss", "grad_norm", "layers.0.update_ratio", "layers.2.weight_norm"} <= set(second)
    assert [epoch["epoch"] for epoch in watcher.record()["epochs"]] == [1, 2]
    assert watcher.record()["epochs"][1]["val_accuracy"] == 0.125


def test_a_trial_of_a_study_keeps_what_was_measured(data):
    def train(run):
        model, criterion = dense(), nn.CrossEntropyLoss()
        tw.watch(model, run, criterion=criterion, val=data)
        optimizer = torch.optim.SGD(model.parameters(), lr=run.params.lr)
        for _ in run.epochs(2):
            optimizer.zero_grad()
            criterion(model(data[0]), data[1]).backward()
            optimizer.step()
            run.report()

    study = tw.tune(train, tw.Space(lr=tw.Float(0.01, 1.0, scale="log")), metric="val_accuracy", budget=2)
    assert {"grad_norm", "layers.0.grad_norm", "val_accuracy"} <= set(study.reports(0)[0].metrics)


def test_activations_are_what_they_are_with_and_without_numbers_that_are_not_finite():
    from tunewell.watching.pytorch import activations

    outputs = torch.tensor([[0.0, 2.0, 0.0], [0.0, 4.0, 1.0]])
    seen = activations._measured("relu", outputs, -1)
    assert seen.dead_fraction == pytest.approx(1 / 3)
    assert seen.mean == pytest.approx(float(outputs.mean()))
    assert seen.std == pytest.approx(float(outputs.std(correction=0)))
    outputs[0, 1] = torch.nan
    assert activations._measured("relu", outputs, -1).dead_fraction == pytest.approx(1 / 3)
    channels = torch.zeros(4, 3, 2, 2).index_fill(1, torch.tensor([2]), 1.0)
    assert activations._measured("relu", channels, 1).dead_fraction == pytest.approx(2 / 3)


def test_small_rows_are_evaluated_together_and_large_ones_in_parts(data):
    from tunewell.watching.pytorch import evaluation

    asked = []

    def evaluate(x, y):
        asked.append(len(x))
        return torch.zeros(()), torch.zeros(len(x), 2)

    for width, sizes in ((4, [600]), (2000, [256, 256, 88])):
        rows = evaluation.Rows(torch.zeros(600, width), torch.zeros(600, dtype=torch.long), 600, ())
        evaluation.evaluate_rows(rows, evaluate)
        assert asked == sizes
        asked.clear()


def test_one_of_two_models_does_not_see_the_others_steps(data):
    one, other = dense(), dense()
    watchers = [tw.watch(model, every=1) for model in (one, other)]
    optimizer = torch.optim.SGD(one.parameters(), lr=0.1)
    nn.functional.cross_entropy(one(data[0]), data[1]).backward()
    optimizer.step()
    for watcher in watchers:
        watcher.end_epoch()
        watcher.close()
    seen = ["grad_norm" in watcher.record()["epochs"][0] for watcher in watchers]
    assert seen == [True, False]


def test_watchers_come_and_go_and_leave_the_same_hooks_behind():
    from torch.optim import optimizer as hooks

    tw.watch(dense()).close()
    before = len(hooks._global_optimizer_pre_hooks)
    watchers = [tw.watch(dense()) for _ in range(3)]
    assert len(hooks._global_optimizer_pre_hooks) == before
    del watchers
    gc.collect()
    assert len(hooks._global_optimizer_pre_hooks) == before


def test_a_watcher_that_is_begun_or_forgotten_during_a_step_does_not_break_it(data):
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    begun = []

    def disturb(*_):
        gc.collect()
        begun.append(tw.watch(dense()))

    tw.watch(dense())  # nobody holds it
    hook = register_optimizer_step_pre_hook(disturb)
    try:
        watcher = trained(dense(), data)
    finally:
        hook.remove()
    assert begun
    assert watcher.record()["epochs"][0]["update_ratio"] > 0


def test_an_optimizer_of_another_model_is_asked_once_whose_it_is(data):
    watched, other = dense(), dense()
    watcher = tw.watch(watched)
    asked = []
    watched.parameters = lambda: asked.append(1) or nn.Module.parameters(watched)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    for _ in range(5):
        optimizer.step()
    assert len(asked) == 1
    optimizer.add_param_group({"params": list(nn.Module.parameters(watched))})
    assert watcher.moves(optimizer)
    watcher.close()


def test_losses_that_are_no_module_can_be_told(data):
    watcher = tw.watch(model := dense())
    outputs = model(data[0])
    loss = nn.functional.cross_entropy(outputs, data[1])
    watcher.batch(loss, outputs, data[1])
    epoch = watcher.end_epoch()
    watcher.close()
    assert epoch["train_loss"] == pytest.approx(float(loss))
    assert epoch["chance_loss"] == pytest.approx(math.log(CLASSES))


def test_yes_or_no_from_one_output_has_an_accuracy(data):
    x, y = data[0], (data[0][:, :1] > 0).float()
    model = nn.Linear(COLUMNS, 1)
    watcher = tw.watch(model, criterion=nn.BCEWithLogitsLoss(), val=(x, y))
    epoch = watcher.end_epoch()
    watcher.close()
    assert epoch["val_accuracy"] == pytest.approx(float(((model(x) > 0) == y.bool()).double().mean()))


def test_a_regression_is_watched_without_an_accuracy(data):
    x = data[0]
    watcher = tw.watch(nn.Linear(COLUMNS, 1), criterion=nn.MSELoss(), val=(x, x[:, :1]))
    epoch = watcher.end_epoch()
    watcher.close()
    assert math.isnan(epoch["val_accuracy"])
    assert epoch["val_loss"] > 0


def _plainly(model, optimizer, x, y):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()


def _with_a_closure(model, optimizer, x, y):
    def closure():
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)


def _accumulating(model, optimizer, x, y):
    optimizer.zero_grad()
    for inputs, targets in zip(x.split(10), y.split(10), strict=True):
        (nn.functional.cross_entropy(model(inputs), targets) * len(targets) / len(y)).backward()
    optimizer.step()


def _calling_twice(model, optimizer, x, y):
    optimizer.zero_grad()
    losses = [nn.functional.cross_entropy(model(x), y) for _ in range(2)]
    (sum(losses) / 2).backward()
    optimizer.step()


def _under_autocast(model, optimizer, x, y):
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()


class _Two:
    """Two optimizers, each of one layer, as one."""

    def __init__(self, model):
        self.each = [torch.optim.SGD(model[place].parameters(), lr=0.1) for place in (0, 2)]

    def zero_grad(self):
        for one in self.each:
            one.zero_grad()

    def step(self):
        for one in self.each:
            one.step()


def _one(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def seen_in_an_epoch(data, step, optimizer=_one, model=None):
    """The last of two epochs of steps on 50 rows each."""
    torch.manual_seed(1)
    model = dense() if model is None else model
    watcher = tw.watch(model, every=1)
    moved = optimizer(model)
    for _ in range(2):
        for x, y in zip(*_parts(data, 50), strict=True):
            step(model, moved, x, y)
        watcher.end_epoch()
    watcher.close()
    return watcher.record()["epochs"][-1]


@pytest.mark.parametrize(
    ("step", "optimizer", "tolerance"),
    [
        (_with_a_closure, _one, 1e-6),
        (_accumulating, _one, 1e-4),
        (_calling_twice, _one, 1e-4),
        (_under_autocast, _one, 0.05),
        (_plainly, _Two, 1e-6),
    ],
)
def test_the_same_steps_taken_in_another_way_are_measured_alike(data, step, optimizer, tolerance):
    expected = seen_in_an_epoch(data, _plainly)
    epoch = seen_in_an_epoch(data, step, optimizer)
    assert expected["grad_noise_scale"] > 0
    for name in ("grad_norm", "grad_norm_max", "update_ratio", "grad_noise_scale"):
        assert epoch[name] == pytest.approx(expected[name], rel=tolerance), name
    for layer, other in zip(epoch["layers"], expected["layers"], strict=True):
        assert layer.pop("name") == other.pop("name")
        assert layer == pytest.approx(other, rel=tolerance)


def test_an_optimizer_that_evaluates_often_in_a_step_is_measured(data):
    epoch = seen_in_an_epoch(data, _with_a_closure, lambda model: torch.optim.LBFGS(model.parameters(), max_iter=3))
    assert epoch["grad_norm"] > 0
    assert epoch["update_ratio"] > 0


def test_gradients_under_a_scaler_are_measured_scaled(data):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    def scaled(model, optimizer, x, y):
        optimizer.zero_grad()
        scaler.scale(nn.functional.cross_entropy(model(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()

    epoch, expected = seen_in_an_epoch(data, scaled), seen_in_an_epoch(data, _plainly)
    assert epoch["grad_norm"] == pytest.approx(1024 * expected["grad_norm"], rel=1e-4)
    assert epoch["update_ratio"] == pytest.approx(expected["update_ratio"], rel=1e-4)


def test_an_optimizer_that_comes_later_takes_its_matrices_along(data):
    x, y = data
    watcher = tw.watch(model := dense(), every=1)
    _plainly(model, torch.optim.SGD(model[2].parameters(), lr=0.1), x, y)
    watcher.end_epoch()
    body = torch.optim.SGD(model[0].parameters(), lr=0.1)
    for _ in range(2):
        _plainly(model, body, x, y)
    watcher.end_epoch()
    watcher.close()
    first, second = ([layer["update_ratio"] for layer in epoch["layers"]] for epoch in watcher.record()["epochs"])
    assert first[0] == 0.0 < first[1]
    assert second[1] == 0.0 < second[0]


@pytest.mark.parametrize("compiled", ["the model", "in place", "a part", "the loss too"])
def test_a_compiled_model_is_watched_and_not_compiled_again_for_it(data, compiled):
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    model = dense()
    if compiled == "the model":
        model = torch.compile(model, backend=backend)
    elif compiled == "in place":
        model.compile(backend=backend)
    elif compiled == "a part":
        model[0] = torch.compile(model[0], backend=backend)
    criterion = nn.CrossEntropyLoss()
    watcher = tw.watch(model, criterion=criterion, train=data, val=data, every=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss_of(inputs, targets):
        return criterion(model(inputs), targets)

    if compiled == "the loss too":
        loss_of = torch.compile(loss_of, backend=backend)
    for _ in range(3):
        for x, y in zip(*_parts(data, 50), strict=True):
            optimizer.zero_grad()
            loss_of(x, y).backward()
            optimizer.step()
        watcher.end_epoch()
    watcher.close()
    torch._dynamo.reset()
    epoch = watcher.record()["epochs"][-1]
    assert len(graphs) <= 2
    assert [layer["name"] for layer in epoch["layers"]] == ["0", "2"]
    assert epoch["dead_fraction"] >= 0.0
    assert epoch["update_ratio"] > 0.0
    assert ("train_loss" in epoch) == (compiled != "the loss too")


def test_a_frozen_body_is_not_copied(data):
    model = dense()
    model[0].requires_grad_(False)
    watcher = tw.watch(model, every=1)
    copied = []
    model[0].weight.detach = lambda: copied.append(1)
    _plainly(model, torch.optim.SGD(model[2].parameters(), lr=0.1), *data)
    watcher.close()
    assert not copied


def test_nothing_waits_for_the_device_before_an_epoch_ends(data):
    from torch.utils._python_dispatch import TorchDispatchMode

    waits = []

    class Waits(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if func.overloadpacket.__name__ in ("_local_scalar_dense", "item", "nonzero", "is_nonzero"):
                waits.append(func)
            return func(*args, **(kwargs or {}))

    x, y = data[0], (data[0][:, :1] > 0).float()
    for model, criterion, targets in (
        (dense(), nn.CrossEntropyLoss(), data[1]),
        (nn.Linear(COLUMNS, 1), nn.BCEWithLogitsLoss(), y),
    ):
        watcher = tw.watch(model, criterion=criterion, every=1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with Waits():
            for _ in range(70):
                optimizer.zero_grad()
                criterion(model(x), targets).backward()
                optimizer.step()
        assert not waits
        assert watcher.end_epoch()["train_accuracy"] > 0
        watcher.close()


def test_rows_without_a_class_count_in_no_accuracy(data):
    x, y = data[0], torch.where(torch.arange(300) % 2 == 0, data[1], -100)
    known = y >= 0
    epoch = trained(model := dense(), (x, y), lr=0.0, batch=300, val=(x, y)).record()["epochs"][0]
    expected = float((model(x).argmax(dim=1)[known] == y[known]).double().mean())
    assert epoch["val_accuracy"] == pytest.approx(expected)
    assert epoch["train_accuracy"] == pytest.approx(expected)


def test_outputs_of_any_shape_do_not_break_the_training(data):
    class Loss(nn.Module):
        def forward(self, outputs, targets):
            return outputs["score"].mean() if isinstance(outputs, dict) else outputs.mean()

    watcher = tw.watch(model := dense(), criterion=(criterion := Loss()))
    score = model(data[0]).mean()
    for outputs in ({"score": score}, score.expand(3, 4), score.expand(3, 5), score.expand(2, 3, 4), score):
        criterion(outputs, torch.zeros(()))
    epoch = watcher.end_epoch()
    watcher.close()
    assert epoch["train_loss"] == pytest.approx(float(score))
    assert "train_accuracy" not in epoch


def test_large_outputs_of_batches_do_not_wait_together(data):
    from tunewell.watching.pytorch import losses

    meter = losses.LossMeter()
    for _ in range(3):
        meter.add(torch.zeros(()), torch.zeros(2, losses._NUMBERS), torch.zeros(2, dtype=torch.long))
        assert not meter._waiting
    assert meter.epoch()["train_accuracy"] == 1.0


def test_weights_that_are_no_real_numbers_are_left_alone(data):
    model = dense()
    model.register_parameter("packed", nn.Parameter(torch.zeros(4, 1, dtype=torch.uint8), requires_grad=False))
    epoch = trained(model, data).record()["epochs"][0]
    assert [layer["name"] for layer in epoch["layers"]] == ["0", "2"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"every": 0}, "every must be a whole number of at least 1, got 0"),
        ({"rows": True}, "rows must be a whole number of at least 1, got True"),
        ({"train": 3}, "train must be .inputs, targets. or an iterable of such batches, got int"),
        ({"val": (torch.zeros(0, 2), torch.zeros(0))}, "val has no rows"),
    ],
)
def test_what_cannot_be_watched_is_said(settings, message):
    with pytest.raises(SettingError, match=message):
        tw.watch(dense(), **settings)


def test_a_model_without_weights_cannot_be_watched():
    with pytest.raises(SettingError, match="there is no weight matrix in ReLU"):
        tw.watch(nn.ReLU())


def test_a_run_is_watched_once():
    run = tw.Run({})
    tw.watch(dense(), run)
    with pytest.raises(SettingError, match="watched already"):
        tw.watch(dense(), run)


def test_the_code_of_the_page_runs():
    page = Path(__file__).parents[2] / "docs" / "watch.md"
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL))
    names = {}
    exec(compile(code, page.name, "exec"), names)
    assert names["run"].reports[-1]["val_accuracy"] > 0.8
    assert names["history"][-1]["update_ratio"] > 0
