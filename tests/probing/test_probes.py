"""Probes: real small trainings with a planted fault, and what the experiments say of it."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell import nn, probing
from tunewell.cli.main import cli
from tunewell.demo import digits
from tunewell.errors import ProbeFailed, ReportError, SettingError
from tunewell.probing.probes import PROBES, new_case

EPOCHS = 12
ABOUT = {"config": {"optimizer": "sgd", "model": "mlp", "activation": "relu"}}


def space(**defaults):
    usual = {"learning_rate": 0.05, "dropout": 0.1, "weight_decay": 1e-4} | defaults
    return tw.Space(
        learning_rate=tw.Float(1e-5, 10.0, scale="log", tier=1, default=usual["learning_rate"]),
        batch_size=tw.Int(16, 128, scale="log", default=32),
        dropout=tw.Float(0.0, 0.95, tier=3, default=usual["dropout"]),
        weight_decay=tw.weight_decay(high=1.0, default=usual["weight_decay"]),
    )


def training(*, passes_rows=True, labels=lambda y: y, hidden=64):
    def train(run):
        p = run.params
        x, y = digits.part("train", 0)
        y = labels(y)
        if passes_rows:
            x, y = run.data(x, y)
        validation = digits.part("validation", 0)
        network = nn.Network([64, hidden, 10], dropout=p.dropout, seed=run.seed)
        optimizer = nn.SGD(p.learning_rate, momentum=0.9, weight_decay=p.weight_decay)
        trainer = nn.Trainer(network, x, y, batch_size=p.batch_size, optimizer=optimizer, seed=run.seed)
        for _ in run.epochs(EPOCHS):
            loss = trainer.epoch()
            run.report(train_loss=loss, **{f"val_{k}": v for k, v in network.evaluate(*validation).items()})

    return train


def probed(the_space, train=None, **settings):
    told = tw.probe(train or training(), the_space, about=ABOUT, **settings)
    return told, {one.name: one for one in told.probes}


def test_a_healthy_training_is_accused_of_nothing():
    told, by_name = probed(space())
    assert told.findings[0].label == "healthy"
    assert not any(one.points_to for one in told.probes)
    assert "ln(10) = 2.303" in by_name["loss at start"].found
    assert set(by_name["learning rates"].rules_out) == {"lr_too_low", "lr_too_high"}


@pytest.mark.parametrize(
    ("fault", "label", "probe"),
    [
        ({"learning_rate": 3.0}, "lr_too_high", "learning rates"),
        ({"learning_rate": 2e-4}, "lr_too_low", "learning rates"),
        ({"dropout": 0.93}, "dropout_too_high", "no regularization"),
        ({"weight_decay": 0.5}, "weight_decay_too_high", "no regularization"),
    ],
)
def test_a_planted_fault_is_named_by_its_probe_and_comes_first(fault, label, probe):
    told, by_name = probed(space(**fault))
    assert label in by_name[probe].points_to
    assert told.findings[0].label == label
    assert by_name[probe].found in told.findings[0].evidence


def test_the_rate_that_the_sweep_suggests_is_the_next_change():
    told, _ = probed(space(learning_rate=2e-4))
    change = told.findings[0].next
    assert (change.param, change.direction) == ("lr", "increase")
    assert 0.01 < change.value < 0.3


def test_labels_of_other_rows_are_as_good_as_their_own_where_these_say_nothing():
    told, by_name = probed(space(), training(labels=np.random.default_rng(0).permutation, hidden=256))
    assert by_name["shuffled labels"].points_to in (("labels_mismatched",), ())
    assert told.findings[0].label == "labels_mismatched"


def test_a_network_that_cannot_learn_fits_no_batch():
    def broken(run):
        run.data(*digits.part("train", 0))
        for _ in run.epochs(EPOCHS):
            run.report(train_loss=2.3 + 0.001 * run.rng.random(), val_loss=2.3, val_accuracy=0.1)

    _, by_name = probed(space(), broken)
    assert by_name["one batch"].found.startswith("not fitted")
    assert "frozen_layers" in by_name["one batch"].points_to
    assert "overfitting" in by_name["one batch"].rules_out


def test_without_its_rows_a_training_is_probed_as_far_as_it_goes_and_told_what_to_add():
    told, by_name = probed(space(learning_rate=2e-4), training(passes_rows=False))
    for name in ("one batch", "shuffled labels"):
        assert by_name[name].found == "left out: pass the training rows through x, y = run.data(x, y)"
        assert by_name[name].epochs == 0
    assert told.findings[0].label == "lr_too_low"


def test_what_it_costs_is_told_before_and_holds():
    said = []
    told, _ = probed(space(dropout=0.5), epochs=6, say=said.append)
    most = next(int(line.split()[2]) for line in said if line.startswith("at most"))
    assert told.epochs <= most
    assert told.epochs == sum(one.epochs for one in told.probes) + 6
    case = new_case(training(), space(dropout=0.5), {}, seed=0)
    for one, probe in zip(told.probes, PROBES, strict=True):
        assert one.name == probe.name
        assert one.epochs <= probe.max_epochs(case, 6)


def test_a_training_that_fails_or_is_silent_is_an_error():
    def silent(run):
        for _ in run.epochs(2):
            pass

    with pytest.raises(ProbeFailed, match=r"without a report; call run\.report"):
        tw.probe(silent, space())


def test_data_passes_arrays_through_and_says_how_many_rows_and_classes_there_are():
    run = tw.Run({})
    x, y = np.zeros((6, 2)), [0, 1, 2, 0, 1, 2]
    same_x, same_y = run.data(x, y)
    assert same_x is x
    assert same_y is y
    assert run.data(x) is x
    run.data(x, y)
    for _ in run.epochs(2):
        run.report(val_loss=1.0)
    first, second = run.reports
    assert {name: value for name, value in first.items() if not name.startswith("data.")} == {
        "epoch": 1,
        "n_train": 6.0,
        "n_classes": 3.0,
        "val_loss": 1.0,
    }
    assert second == {"epoch": 2, "val_loss": 1.0}


def test_numbers_that_are_no_classes_are_not_counted():
    run = tw.Run({})
    run.data(np.zeros((4, 2)), np.linspace(0, 1, 4))
    run.report(val_loss=1.0)
    assert "n_classes" not in run.reports[0]
    assert run.reports[0]["n_train"] == 4


def test_whole_numbers_with_gaps_are_quantities_and_no_classes():
    run = tw.Run({})
    run.data(np.zeros((4, 2)), np.array([12, 40, 41, 77]))
    run.report(val_loss=1.0)
    assert "n_classes" not in run.reports[0]


def test_labels_of_unequal_classes_do_say_something():
    rng = np.random.default_rng(0)
    labels = (rng.random(600) < 0.05).astype(int)
    rows = (rng.normal(size=(600, 6)) + 1.5 * labels[:, None]).astype(np.float32)

    def train(run):
        x, y = run.data(rows, labels)
        network = nn.Network([6, 16, 2], seed=run.seed)
        trainer = nn.Trainer(network, x, y, batch_size=32, optimizer=nn.SGD(0.05, momentum=0.9), seed=run.seed)
        for _ in run.epochs(EPOCHS):
            loss = trainer.epoch()
            run.report(train_loss=loss, **{f"val_{k}": v for k, v in network.evaluate(rows, labels).items()})

    _, by_name = probed(space(), train)
    assert by_name["shuffled labels"].points_to == ()


def test_arrays_of_other_lengths_are_refused():
    with pytest.raises(ReportError, match="of equal lengths; got lengths 3, 2"):
        tw.Run({}).data([1, 2, 3], [1, 2])
    with pytest.raises(ReportError, match="got nothing"):
        tw.Run({}).data()


def test_rows_and_classes_of_a_trial_are_part_of_its_record():
    study = tw.tune(training(), space(), metric="val_accuracy", budget=1, store="memory", scheduler="full")
    record = study.run_record(0)
    assert (record["n_train"], record["n_classes"]) == (len(digits.part("train", 0)[0]), 10)
    assert "n_train" not in record["epochs"][0]


SCRIPT = """
import tunewell as tw
from tunewell import nn, probing
from tunewell.demo import digits

about = {"config": {"optimizer": "sgd", "model": "mlp", "activation": "relu"}}
space = tw.Space(learning_rate=tw.Float(1e-5, 10.0, scale="log", default=2e-4), hidden_units=tw.hidden_units())

def train(run):
    x, y = run.data(*digits.part("train", 0))
    validation = digits.part("validation", 0)
    network = nn.Network([64, run.params.hidden_units, 10], seed=run.seed)
    optimizer = nn.SGD(run.params.learning_rate, momentum=0.9)
    trainer = nn.Trainer(network, x, y, batch_size=32, optimizer=optimizer, seed=run.seed)
    for epoch in run.epochs(12):
        loss = trainer.epoch()
        found = network.evaluate(*validation)
        run.report(train_loss=loss, val_loss=found["loss"], val_accuracy=found["accuracy"])
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return "train.py"


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    return done


def test_the_command_prints_the_experiments_and_then_the_findings(script):
    shown = tunewell("diagnose", script, "--probe").stdout
    assert shown.index("loss at start:") < shown.index("learning rates:") < shown.index("train.py: 12 epochs")
    assert "points to lr_too_low" in shown
    assert "next:  lr 0.0002 -> 0.0" in shown


def test_json_holds_the_experiments_and_the_findings(script):
    told = json.loads(
        tunewell("diagnose", script, "--probe", "--epochs", "6", "--set", "hidden_units=32", "--json").stdout
    )
    assert told["findings"][0]["label"] == "lr_too_low"
    assert told["epochs"] == 6 + sum(one["epochs"] for one in told["probes"])
    assert set(told["probes"][0]) == {"name", "found", "points_to", "rules_out", "epochs"}


def test_a_watched_network_says_itself_how_many_classes_there_are():
    def train(run):
        for epoch in run.epochs(EPOCHS):
            first = {"loss_at_start": 2.31, "chance_loss": float(np.log(10))} if epoch == 1 else {}
            run.report(train_loss=2.3 - 0.1 * epoch, val_loss=2.3 - 0.1 * epoch, **first)

    by_name = probed(space(), train)[1]
    assert "knowing nothing costs ln(10) = 2.303" in by_name["loss at start"].found


def test_lr_find_prints_the_rates_and_writes_the_figure(script, tmp_path):
    shown = tunewell("lr-find", script, "--figure", "rates.svg").stdout
    assert "learning_rate = 0.0" in shown
    assert "diverged" in shown
    assert (tmp_path / "rates.svg").read_text().startswith("<svg")
    told = json.loads(tunewell("lr-find", script, "--json", "--per-decade", "1").stdout)
    assert told["epochs"] == len(told["points"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("diagnose", "train.py"), "say --probe to train it"),
        (("diagnose", "--probe"), "--probe needs the Python file"),
        (("diagnose", "--epochs", "3"), "--epochs is for --probe"),
        (("lr-find", "train.py", "--param", "rate"), "the space has no parameter 'rate'"),
        (("lr-find", "train.py", "--metric", "f1"), "reports no f1"),
        (("lr-find",), "give a Python file that trains (tunewell lr-find train.py)"),
        (("rescue",), "give a Python file that trains (tunewell rescue train.py)"),
        (("lr-find", "train.py", "--figure", "none/rates.svg"), "there is no folder 'none'"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_one_line(script, arguments, message):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code in (1, 2)
    assert message in done.stderr.splitlines()[-1]


def test_a_training_that_reports_nothing_is_told_once(script, tmp_path):
    (tmp_path / "silent.py").write_text(
        "import tunewell as tw\nspace = tw.Space(learning_rate=tw.learning_rate())\ndef train(run):\n    pass\n"
    )
    for arguments in (("diagnose", "silent.py", "--probe"), ("lr-find", "silent.py")):
        (line,) = CliRunner().invoke(cli, arguments, prog_name="tunewell").stderr.splitlines()
        assert line.startswith("error: the training failed: the training ended without a report")


def test_a_training_that_reports_no_loss_is_asked_for_one_and_not_said_to_have_failed():
    def train(run):
        for _ in run.epochs(3):
            run.report(images_per_second=0.5)

    said = []
    space = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log"))
    with pytest.raises(
        SettingError, match=r"^the training reports no loss and no accuracy.*; report val_loss or train_loss"
    ):
        probing.probe(train, space, say=said.append)
    assert said[0] == "loss at start: left out: report train_loss or val_loss"
