"""Rescue: real small networks with a planted fault, from the first number to the last."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell import nn
from tunewell.cli.main import cli
from tunewell.demo import digits
from tunewell.errors import MistakesSeen, SettingError, SpaceError
from tunewell.rescue import rescue

EPOCHS = 18
ABOUT = {"config": {"optimizer": "sgd", "model": "mlp", "activation": "relu"}, "n_train": 1078, "n_classes": 10}


def space(**defaults):
    usual = {"learning_rate": 0.05, "hidden_units": 64, "dropout": 0.0, "weight_decay": 1e-4} | defaults
    return tw.Space(
        learning_rate=tw.Float(1e-5, 10.0, scale="log", tier=1, default=usual["learning_rate"]),
        hidden_units=tw.Int(2, 256, scale="log", tier=2, default=usual["hidden_units"]),
        dropout=tw.Float(0.0, 0.95, tier=3, default=usual["dropout"]),
        weight_decay=tw.weight_decay(high=1.0, default=usual["weight_decay"]),
    )


def train(run):
    p = run.params
    x, y = digits.part("train", 0)
    validation = digits.part("validation", 0)
    network = nn.Network([64, p.hidden_units, 10], dropout=p.dropout, seed=run.seed)
    optimizer = nn.SGD(p.learning_rate, momentum=0.9, weight_decay=p.weight_decay)
    trainer = nn.Trainer(network, x, y, batch_size=32, optimizer=optimizer, seed=run.seed)
    for _ in run.epochs(EPOCHS):
        loss = trainer.epoch()
        found = network.evaluate(*validation)
        run.report(
            train_loss=loss, val_loss=found["loss"], val_accuracy=found["accuracy"], **trainer.measure(validation)
        )


def rescued(the_space, **settings):
    return rescue(train, the_space, metric="val_accuracy", about=ABOUT, **({"store": "memory"} | settings))


@pytest.mark.parametrize(
    ("fault", "label"),
    [
        ({"learning_rate": 5.0}, "lr_too_high"),
        ({"learning_rate": 1e-4}, "lr_too_low"),
        ({"dropout": 0.93}, "dropout_too_high"),
    ],
)
def test_a_planted_fault_is_named_and_mended_within_three_trainings(fault, label):
    result = rescued(space(**fault), target=0.95, budget=3)
    assert result.first is None or result.first < 0.9
    assert label in {attempt.label for attempt in result.attempts}
    assert result.best is not None
    assert result.best.value >= 0.95
    assert result.study.spent.epochs <= 3 * EPOCHS


def test_a_healthy_training_is_left_alone():
    result = rescued(space())
    assert len(result.attempts) == 1
    assert (result.searched, result.healthy, result.over) == (0, True, True)
    assert result.study.spent.epochs == EPOCHS


def test_a_training_that_falls_short_of_simple_models_is_changed_until_it_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "how-to" / "function.md"
    script = re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "train.py").write_text(script)
    result = json.loads(tunewell("rescue", "train.py", "--budget", "6", "--quiet", "--json").stdout)
    assert result["first"] < 0.76
    assert result["best"]["value"] > 0.9


def test_a_rescue_begins_with_simple_models_and_what_falls_short_of_them_is_not_healthy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "how-to" / "function.md"
    script = re.findall(r"^```python\n(.*?)^```", page.read_text(), flags=re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "train.py").write_text(script.replace("run.epochs(50)", "run.epochs(6)"))
    done = tunewell("rescue", "train.py", "--budget", "1", "--json")
    assert "simple models: the nearest neighbours 94 %" in done.stderr
    result = json.loads(done.stdout)
    assert not result["healthy"]
    assert result["findings"][0]["evidence"].startswith("validation accuracy reached ")
    assert "the nearest neighbours get 94 % of the validation rows right" in result["findings"][0]["evidence"]
    quiet = tunewell("rescue", "train.py", "--budget", "1", "--json", "--target", "0.97", "--quiet")
    assert "97 % is known to be possible" in json.loads(quiet.stdout)["findings"][0]["evidence"]


def test_every_attempt_says_what_was_changed_and_whether_that_helped():
    result = rescued(space(learning_rate=5.0), target=0.95, budget=3)
    first, *changes = result.attempts
    assert (first.trial, first.incumbent) == (0, None)
    for attempt in changes:
        trials = result.study.trials
        before, after = trials[attempt.incumbent].params, trials[attempt.trial].params
        assert {name for name in after if before[name] != after[name]} == {attempt.param}
        assert (before[attempt.param], after[attempt.param]) == (attempt.old, attempt.new)
        if attempt.helped and attempt.incumbent_value is not None:
            assert attempt.value > attempt.incumbent_value


def test_a_step_that_helped_at_first_alone_is_told_with_the_epoch_and_the_numbers():
    def crossing(run):  # the lower the rate, the better the start and the worse the end
        slowness = -math.log10(run.params.learning_rate)
        for epoch in run.epochs(18):
            run.report(val_loss=2.4 - 0.1 * slowness + (slowness - 3) * 0.02 * (epoch - 1), train_loss=2.3)

    one = tw.Space(learning_rate=tw.Float(1e-6, 1.0, scale="log", default=0.3))
    result = rescue(crossing, one, metric="val_loss", target=0.1, budget=6, store="memory")
    further = [attempt for attempt in result.attempts if "half a decade more" in attempt.evidence]
    assert further
    for attempt in further:
        assert re.match(
            r"moving it this way helped at first, with [\d.]+ at epoch \d+ in place of [\d.]+; ", attempt.evidence
        )


def test_what_single_changes_do_not_mend_is_searched_within_the_budget():
    result = rescued(space(hidden_units=2, learning_rate=1e-4), target=0.999, budget=4)
    assert result.searched > 0
    assert result.study.spent.epochs <= 4 * EPOCHS


def test_a_fault_in_the_data_is_reported_and_nothing_is_searched():
    def shuffled(run):
        rng = np.random.default_rng(0)
        x, y = digits.part("train", 0)
        y = rng.permutation(y)
        validation = digits.part("validation", 0)
        network = nn.Network([64, run.params.hidden_units, 10], seed=run.seed)
        trainer = nn.Trainer(network, x, y, batch_size=32, optimizer=nn.SGD(run.params.learning_rate), seed=run.seed)
        for _ in run.epochs(EPOCHS):
            loss = trainer.epoch()
            found = network.evaluate(*validation)
            run.report(
                train_loss=loss, val_loss=found["loss"], val_accuracy=found["accuracy"], **trainer.measure(validation)
            )

    narrow = tw.Space(learning_rate=tw.learning_rate(default=0.05), hidden_units=tw.hidden_units(default=64))
    result = rescue(shuffled, narrow, metric="val_accuracy", about=ABOUT, store="memory", budget=10)
    assert not result.healthy
    assert result.findings[0].label == "labels_mismatched"
    assert result.searched == 0


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_trainings_of_a_few_epochs_are_looked_at_as_often_as_they_can_be(epochs):
    def short(run):
        loss = 2.3
        for _ in run.epochs(epochs):
            loss *= 1 - min(0.5, 5 * run.params.learning_rate)
            run.report(train_loss=loss, val_loss=loss)

    slow = tw.Space(learning_rate=tw.Float(1e-5, 1.0, scale="log", default=1e-4))
    result = rescue(short, slow, metric="val_loss", target=0.1, budget=4, store="memory")
    assert result.study.spent.epochs <= 4 * epochs
    assert result.best.value <= result.first


def test_a_training_that_fails_as_it_is_is_searched():
    def fails(run):
        for _ in run.epochs(9):
            if run.params.learning_rate > 1:
                raise FloatingPointError("the loss is not finite")
            run.report(val_accuracy=0.9, train_loss=0.3)

    result = rescue(fails, space(learning_rate=5.0), metric="val_accuracy", target=0.9, budget=2, store="memory")
    assert result.first is None
    assert result.best.value == 0.9


def test_the_same_seed_gives_the_same_rescue():
    one, other = (rescued(space(learning_rate=1e-4), target=0.95, budget=2, seed=3) for _ in range(2))
    assert one.attempts == other.attempts


def test_a_rescue_that_was_cut_off_goes_on_as_if_it_had_not_been(tmp_path):
    def trained(run):
        for epoch in run.epochs(9):
            yield {"val_accuracy": min(0.99, 0.1 + 0.1 * epoch * math.log10(run.params.learning_rate / 1e-5))}

    def whole(run):
        for report in trained(run):
            run.report(**report)

    one = tw.Space(learning_rate=tw.Float(1e-5, 1.0, scale="log", default=1.1e-5))
    common = {"metric": "val_accuracy", "target": 0.98, "budget": 6, "name": "r"}
    straight = rescue(whole, one, store="memory", **common)
    store = tmp_path / "store.db"
    rescue(whole, one, store=store, **(common | {"budget": "4epochs"}))
    resumed = rescue(whole, one, store=store, resume=True, **common)
    assert [attempt.new for attempt in resumed.attempts] == [attempt.new for attempt in straight.attempts]
    assert resumed.best.value == straight.best.value


def test_bad_input_is_refused_before_any_training(tmp_path):
    with pytest.raises(SettingError, match="target must be a finite val_accuracy"):
        rescued(space(), target=math.nan)
    with pytest.raises(SpaceError, match="learning_rate"):
        rescued(space(), as_it_is={"learning_rate": 1e9}, store=tmp_path / "store.db")
    with pytest.raises(SpaceError, match="there is no parameter 'rate'"):
        rescued(space(), as_it_is={"rate": 0.1}, store=tmp_path / "store.db")
    assert not (tmp_path / "store.db").exists()


SCRIPT = """
import tunewell as tw
from tunewell import nn
from tunewell.demo import digits

metric = "val_accuracy"
about = {"config": {"optimizer": "sgd", "model": "mlp", "activation": "relu"}, "n_train": 1078, "n_classes": 10}
space = tw.Space(learning_rate=tw.Float(1e-5, 1.0, scale="log", default=0.05), hidden_units=tw.hidden_units(default=64))

def train(run):
    validation = digits.part("validation", 0)
    network = nn.Network([64, run.params.hidden_units, 10], seed=run.seed)
    optimizer = nn.SGD(run.params.learning_rate, momentum=0.9)
    trainer = nn.Trainer(network, *digits.part("train", 0), batch_size=32, optimizer=optimizer, seed=run.seed)
    for epoch in run.epochs(18):
        loss = trainer.epoch()
        found = network.evaluate(*validation)
        run.report(train_loss=loss, val_loss=found["loss"], val_accuracy=found["accuracy"])
"""


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "train.py").write_text(SCRIPT)
    return "train.py"


def test_the_command_tells_the_story(script):
    shown = tunewell("rescue", script, "--set", "learning_rate=1e-4", "--target", "0.95", "--quiet").stdout
    assert shown.startswith("as it is: val_accuracy 0.")
    assert "lr_too_low" in shown
    assert "learning_rate 0.0001 ->" in shown
    assert "val_accuracy from 0." in shown
    assert "tunewell show train-rescue" in shown


def test_json_holds_all_of_it(script):
    result = json.loads(tunewell("rescue", script, "--budget", "2", "--quiet", "--json").stdout)
    assert result["finished"] is True
    assert result["attempts"][0]["trial"] == 0
    assert result["best"]["value"] >= result["first"]
    assert result["study"] == "train-rescue"


def test_a_setting_that_cannot_be_is_refused_in_one_line(script):
    (line,) = tunewell("rescue", script, "--set", "learning_rate", expect=2).stderr.splitlines()
    assert line == "error: --set needs NAME=VALUE, such as dropout=0.1; got 'learning_rate'"
    (line,) = tunewell("rescue", script, "--set", "rate=1", "--quiet", expect=2).stderr.splitlines()
    assert "there is no parameter 'rate'" in line


def test_a_mistake_in_the_function_is_named_and_nothing_is_trained():
    x_train, y_train = np.arange(9.0), np.arange(9.0)
    trained = []

    def shuffles_apart(run):
        np.random.shuffle(x_train)
        np.random.shuffle(y_train)
        for _ in run.epochs(2):
            trained.append(run.trial)
            run.report(val_loss=1.0)

    settings = {"metric": "val_loss", "store": "memory", "budget": 1}
    with pytest.raises(MistakesSeen, match=r"^nothing was trained, .*test_rescue.py:\d+: labels-shuffled-apart"):
        rescue(shuffles_apart, space(), **settings)
    assert not trained
    result = rescue(shuffles_apart, space(), anyway=True, **settings)
    assert [one.kind for one in result.mistakes] == ["labels-shuffled-apart"]
    assert trained


def learns_slowly(run):
    """Learn at a pace that no setting changes: what is missing is epochs."""
    for epoch in run.epochs(6):
        left = math.exp(-epoch / 25)
        run.report(train_loss=0.7 * left, val_loss=0.7 * left, val_accuracy=1 - left / 2, train_accuracy=1 - left / 2)


def test_a_training_that_is_too_short_is_made_longer_within_the_budget(tmp_path):
    only_rate = tw.Space(lr=tw.learning_rate(optimizer="adam"))
    settings = {"metric": "val_accuracy", "store": tmp_path / "s.db", "budget": 8}
    result = rescue(learns_slowly, only_rate, **settings)
    assert result.over
    longer = result.attempts[result.own]
    assert (longer.param, longer.old, longer.is_of_length, longer.helped) == ("epochs", 6, True, True)
    assert longer.epochs == longer.new > 20
    assert result.study.spent.trained <= 8 * 6
    again = rescue(learns_slowly, only_rate, resume=True, **settings)
    assert [one.epochs for one in again.attempts] == [one.epochs for one in result.attempts]
    assert again.study.spent.trained == result.study.spent.trained


def test_a_training_that_has_come_to_rest_is_not_made_longer():
    def rests(run):
        for epoch in run.epochs(9):
            run.report(train_loss=0.6 + 0.1**epoch, val_loss=0.6 + 0.1**epoch, val_accuracy=0.6 - 0.1**epoch)

    result = rescue(rests, tw.Space(lr=tw.learning_rate()), metric="val_accuracy", store="memory", budget=4)
    assert not any(one.is_of_length for one in result.attempts)


def test_where_nothing_can_be_diagnosed_rates_are_tried_by_decades():
    def rated(run):  # an error that is no loss by its name
        for epoch in run.epochs(9):
            run.report(val_mape=3.0 * math.exp(-epoch * run.params.lr))

    result = rescue(
        rated,
        tw.Space(lr=tw.Float(1e-6, 1.0, scale="log", default=1e-4)),
        metric="val_mape",
        direction="minimize",
        store="memory",
        budget=3,
    )
    assert [one.new for one in result.attempts[1:4]] == [1e-3, 1e-2, 1e-1]
    assert all(one.helped for one in result.attempts[1:4])
