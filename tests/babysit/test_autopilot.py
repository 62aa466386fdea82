"""The autopilot: its rules on curves that are written down, and whole runs of real small networks."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest

import tunewell as tw
from tunewell import nn
from tunewell.autopilot import RULES, Autopilot, SteeringAction, View
from tunewell.autopilot.rules import (
    diagnosed,
    diverged,
    loss_spike,
    lr_decayed_early,
    no_learning,
    overfits,
    plateau,
    raise_lr,
    stuck,
)
from tunewell.demo import digits
from tunewell.diagnosis import Finding, NextChange
from tunewell.runners import Execution
from tunewell.runners.tune import drive

SPACE = tw.Space(
    learning_rate=tw.Float(1e-5, 10.0, scale="log", default=0.1, live=True),
    dropout=tw.Float(0.0, 0.9, default=0.1, live=True),
    hidden=tw.Int(2, 256, scale="log", default=64),
)


def seen(max_epochs=45, **settings):
    curves = {name: np.array(settings.pop(name), float) for name in ("train_loss", "val_loss") if name in settings}
    metric = settings.pop("metric", curves.get("val_loss", curves.get("train_loss")))
    usual = {"checkpoint_epochs": tuple(range(1, len(metric) + 1)), "changed_at": 0, "values": SPACE.defaults()}
    return View(space=SPACE, curves=curves, metric=np.array(metric, float), max_epochs=max_epochs, **(usual | settings))


def test_a_run_that_diverges_goes_back_to_its_best_epoch_with_a_third_of_the_rate():
    before = [1.9, 1.8, 1.7, 1.6, 1.5, 1.4]
    action = diverged(seen(train_loss=[*before, 1.0, 0.8, 5.0], val_loss=[*before, 1.1, 0.9, 6.0]))
    assert (action.kind, action.epoch, action.undo) == ("rewind", 8, True)
    assert action.setting == {"learning_rate": pytest.approx(0.1 / 3, rel=1e-5)}
    assert "rose from 0.8 to 5" in action.why
    broken = diverged(seen(train_loss=[*before, 1.0, math.nan], val_loss=[*before, 1.1, math.nan]))
    assert (broken.kind, broken.epoch) == ("rewind", 7)
    assert diverged(seen(train_loss=[2.0, 1.0, 0.8], val_loss=[2.0, 1.1, 0.9])) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it would be printed among the epochs
        assert diverged(seen(train_loss=[math.nan] * 3, val_loss=[2.0, 1.1, 0.9])) is None


def test_a_run_that_diverges_in_its_first_epochs_begins_anew_with_a_tenth_and_does_not_come_back():
    for loss in ([math.nan], [2e3, 30.0, 2.5e4]):
        action = diverged(seen(train_loss=loss, val_loss=loss))
        assert (action.kind, action.epoch, action.undo) == ("rewind", 0, False)
        assert action.setting == {"learning_rate": pytest.approx(0.01)}


def test_a_run_that_cannot_hold_what_it_found_goes_back_with_a_lower_rate():
    action = loss_spike(seen(train_loss=[1.0, 0.8, 1.1, 1.0, 1.2], val_loss=[1.3, 0.9, 1.4, 1.5, 1.4]))
    assert (action.kind, action.epoch) == ("rewind", 2)
    assert loss_spike(seen(train_loss=[1.0, 0.8, 0.7, 0.6, 0.5], val_loss=[1.3, 0.9, 1.4, 1.5, 1.4])) is None
    assert loss_spike(seen(train_loss=[1.0, 0.8, 1.1], val_loss=[1.3, 0.9, 1.4])) is None


def test_a_plain_finding_is_acted_upon_from_the_beginning_while_it_is_early():
    finding = Finding("lr_too_low", 0.8, "it crawls", NextChange("lr", "increase", 1.0))
    early = seen(train_loss=[2.3] * 5, is_review=True, diagnosis=lambda: (finding,))
    assert diagnosed(early) == SteeringAction("rewind", "lr_too_low, 80%: it crawls", {"learning_rate": 1.0}, 0)
    late = seen(train_loss=[2.3] * 20, is_review=True, diagnosis=lambda: (finding,))
    assert diagnosed(late).kind == "set"
    assert diagnosed(seen(train_loss=[2.3] * 4, diagnosis=lambda: (finding,))) is None
    wider = Finding("model_too_small", 0.9, "", NextChange("width", "increase", 128))
    assert diagnosed(seen(train_loss=[2.3] * 5, is_review=True, diagnosis=lambda: (wider,))).setting == {"hidden": 128}
    assert diagnosed(seen(train_loss=[2.3] * 20, is_review=True, diagnosis=lambda: (wider,))) is None  # it is not live


def test_a_lucky_accuracy_is_no_plateau_while_its_mean_or_a_loss_gets_better():
    errors = np.linspace(0.5, 0.35, 20) + 0.02 * (-1.0) ** np.arange(20)
    errors[8] = 0.3  # by luck
    assert plateau(seen(metric=errors)) is None
    assert plateau(seen(metric=[*errors[:9], *[0.4, 0.45] * 8])).setting
    still = [0.4, 0.45] * 12
    assert plateau(seen(metric=still, val_loss=np.linspace(0.9, 0.6, 24))) is None
    assert plateau(seen(metric=still, val_loss=[0.9] * 24)).setting
    assert plateau(seen(metric=still, val_loss=[0.9] * 24, train_loss=np.linspace(0.9, 0.1, 24))) is None


def test_a_plateau_lowers_the_rate_and_is_not_seen_before_a_third_of_the_training():
    flat = [1.0] * 6 + [0.5] * 14
    action = plateau(seen(train_loss=flat, val_loss=flat))
    assert (action.kind, action.undo) == ("set", False)
    assert action.setting["learning_rate"] == pytest.approx(0.1 / 3, rel=1e-5)
    assert plateau(seen(train_loss=flat[:15], val_loss=flat[:15])) is None
    falling = np.geomspace(2, 0.1, 20)
    assert plateau(seen(train_loss=falling, val_loss=falling)) is None


def test_a_run_that_overfits_gets_more_dropout_or_is_stopped():
    train, val = np.geomspace(2, 0.01, 30), [*np.linspace(2, 0.5, 10), *np.linspace(0.55, 1.5, 20)]
    action = overfits(seen(train_loss=train, val_loss=val))
    assert (action.kind, action.epoch) == ("rewind", 10)
    assert action.setting == {"dropout": 0.3}
    most = {**SPACE.defaults(), "dropout": 0.9}
    assert overfits(seen(train_loss=train, val_loss=val, values=most)).kind == "stop"


def test_a_rate_that_gives_no_trouble_is_raised_once():
    smooth = seen(train_loss=[2.0, 1.9, 1.8, 1.7, 1.6], is_review=True)
    assert raise_lr(smooth) == SteeringAction(
        "rewind", "training loss fell at each of the first 5 epochs", {"learning_rate": pytest.approx(0.3)}, 0
    )
    assert raise_lr(seen(train_loss=[2.0, 1.9, 1.95, 1.7, 1.6], is_review=True)) is None
    assert raise_lr(seen(train_loss=[2.0, 1.9, 1.8], changed_at=1, is_review=True)) is None
    lowered = ({**SPACE.defaults(), "learning_rate": 1.0},)
    assert raise_lr(seen(train_loss=[2.0, 1.9, 1.8, 1.7, 1.6], values_before=lowered, is_review=True)) is None


def test_a_loss_that_wavers_where_it_is_calls_for_a_tenth_of_the_rate():
    loss = [5.0, 2.5, 2.3, 2.4, 2.3, 2.4]
    action = no_learning(seen(train_loss=loss, is_review=True))
    assert (action.kind, action.epoch, action.setting) == ("rewind", 0, {"learning_rate": 0.01})
    assert no_learning(seen(train_loss=[2.3, 2.29, 2.28, 2.27, 2.26, 2.25], is_review=True)) is None  # it crawls
    assert no_learning(seen(train_loss=[2.3, 1.5, 1.0, 0.8, 0.7, 0.71], is_review=True)) is None


def test_a_run_whose_first_epochs_were_its_best_calls_for_a_tenth_of_the_rate():
    loss, accuracy = [1.8, 1.7, 1.65, 1.4, 1.7, 1.5], [0.55, 0.52, 0.49, 0.47, 0.4, 0.42]
    action = no_learning(seen(train_loss=loss, metric=-np.array(accuracy), is_review=True))
    assert (action.kind, action.epoch, action.setting) == ("rewind", 0, {"learning_rate": 0.01})
    assert no_learning(seen(train_loss=loss, metric=-np.array(accuracy[::-1]), is_review=True)) is None


def test_a_rate_that_came_down_too_early_goes_up_or_comes_down_more_slowly():
    rates = 0.1 * 0.5 ** np.arange(8)
    curves = {"train_loss": np.linspace(2, 1, 8), "lr": rates}
    by_hand = View(SPACE, SPACE.defaults(), curves, np.linspace(2, 1, 8), 45, (), 0)
    action = lr_decayed_early(by_hand)
    assert (action.kind, action.setting) == ("set", {"learning_rate": pytest.approx(0.1 * 2**7 / 3, rel=1e-5)})
    with_decay = tw.Space(**SPACE.params, lr_decay=tw.Float(0.5, 0.999, default=0.5))
    action = lr_decayed_early(replace(by_hand, space=with_decay, values=with_decay.defaults()))
    assert (action.kind, action.epoch, action.setting) == ("rewind", 0, {"lr_decay": pytest.approx(0.1 ** (1 / 45))})
    assert lr_decayed_early(replace(by_hand, curves=curves | {"lr": 0.1 * 0.9 ** np.arange(8)})) is None
    assert (
        lr_decayed_early(replace(by_hand, curves=curves | {"lr": 0.1 * np.linspace(0.001, 1, 8)})) is None
    )  # it warms up


def test_a_run_that_is_stuck_is_changed_for_the_likeliest_fault():
    healthy = Finding("healthy", 0.7, "", NextChange("", ""))
    fault = Finding("dropout_too_high", 0.2, "half is dropped", NextChange("dropout", "decrease", 0.0))
    flat = [2.0, 1.5] + [1.4] * 20
    action = stuck(seen(train_loss=flat, diagnosis=lambda: (healthy, fault)))
    assert (action.kind, action.setting, action.by_loss) == ("set", {"dropout": 0.0}, True)
    creeps = [2.0, 1.5, *np.linspace(1.4, 1.35, 20)]
    assert stuck(seen(train_loss=creeps, diagnosis=lambda: (healthy, fault))).setting == {"dropout": 0.0}
    assert stuck(seen(train_loss=[2.0, 0.1] + [0.05] * 20, diagnosis=lambda: (healthy, fault))) is None


@pytest.mark.parametrize("epochs", [2, 4, 5])
def test_no_rule_fails_on_a_short_training(epochs):
    view = seen(max_epochs=6, train_loss=[1.0] * epochs, val_loss=[1.0] * epochs, is_review=True)
    for rule in RULES:
        rule(view)
    assert stuck(view) is None or epochs > 4
    unknown = [math.nan] * 16 + [1.0] * 4
    assert plateau(seen(train_loss=unknown, metric=unknown)) is None


ABOUT = {"config": {"optimizer": "sgd", "model": "mlp", "activation": "relu"}, "n_train": 1079, "n_classes": 10}


def train(run):
    network = nn.Network([64, 64, 10], seed=run.seed)
    trainer = nn.Trainer(
        network, *digits.part("train", 0), batch_size=32, optimizer=nn.SGD(0.1, momentum=0.9), seed=run.seed
    )
    run.track(network=network, trainer=trainer)
    validation = digits.part("validation", 0)
    for _ in run.epochs(27):
        trainer.learning_rate = run.params.learning_rate
        loss = trainer.epoch()
        run.report(train_loss=loss, **{f"val_{name}": value for name, value in network.evaluate(*validation).items()})


def steered(path, rate, *, rules=RULES, the_train=train, **settings):
    space = tw.Space(learning_rate=tw.Float(1e-5, 10.0, scale="log", default=rate, live=True))
    study = tw.Study(
        space, metric="val_accuracy", max_epochs=27, budget="1trials", scheduler="full", first=[space.defaults()],
        store=path, name="s",
    )  # fmt: skip
    drive(
        study,
        the_train,
        Execution(checkpoint_every=1),
        controllers=[Autopilot(study, rules=rules, about=ABOUT, **settings)],
    )
    return study


@pytest.mark.parametrize("rate", [3.0, 1e-4])
def test_a_bad_rate_is_mended_while_it_trains_within_a_training_and_a_half(tmp_path, rate):
    study = steered(tmp_path / "tunewell.db", rate)
    assert study.best.value > 0.95
    assert len(study.reports()) <= 1.5 * 27
    first = study.commands()[0]
    assert first.by.startswith("autopilot: ")
    assert first.why


def test_a_run_without_a_checkpoint_folder_is_steered_as_far_as_that_goes():
    study = steered("memory", 0.05)
    assert study.best.value > 0.95


def test_what_did_not_help_is_undone(tmp_path):
    def harmful(view):
        return SteeringAction("set", "for no reason", {"learning_rate": 9.0}) if view.epoch == 9 else None

    study = steered(tmp_path / "tunewell.db", 0.05, rules=(harmful,))
    by = [command.by for command in study.commands()]
    assert by == ["autopilot: harmful", "autopilot: undo"]
    last = study.trials[-1]
    assert last.params["learning_rate"] == 0.05
    assert last.state == "complete"
    assert study.best.value > 0.95


def test_a_restart_that_did_not_help_is_left_for_the_run_that_it_left(tmp_path):
    def harmful(view):
        return SteeringAction("rewind", "for no reason", {"learning_rate": 9.0}, 0) if view.epoch == 6 else None

    study = steered(tmp_path / "tunewell.db", 0.05, rules=(harmful,))
    assert [command.kind for command in study.commands()] == ["rewind", "stop", "branch"]
    last = study.trials[-1]
    assert (last.parent, last.parent_epoch, last.state) == (0, 6, "complete")
    assert last.params["learning_rate"] == 0.05


def test_a_lower_rate_from_the_beginning_that_lowers_the_loss_is_kept_though_the_metric_is_at_chance(tmp_path):
    def train(run):
        state = {"epoch": 0}
        run.track(state=state)
        for epoch in run.epochs(27):
            # what jumps about has the luckier metric; what learns shows it after a while
            learns = run.params.learning_rate < 1
            run.report(train_loss=2.3 - 0.01 * epoch if learns else 5.0, val_accuracy=0.1 if learns else 0.12)

    def slower(view):
        lower = {"learning_rate": 0.1}
        return (
            SteeringAction("rewind", "it wavers", lower, 0, by_loss=True)
            if view.epoch == 6 and not view.values_before
            else None
        )

    study = steered(tmp_path / "tunewell.db", 3.0, rules=(slower,), the_train=train)
    assert [command.kind for command in study.commands()] == ["rewind"]
    assert study.trials[-1].params["learning_rate"] == 0.1


def test_there_are_at_most_so_many_actions(tmp_path):
    def restless(view):
        value = 0.05 * (1 + 0.01 * view.epoch)
        return SteeringAction("set", "again", {"learning_rate": round(value, 6)}, undo=False)

    study = steered(tmp_path / "tunewell.db", 0.05, rules=(restless,), max_actions=2)
    assert len(study.commands()) == 2
