"""Which of two runs goes on, and where a rescue ends: small trainings of a few numbers."""

import math

import pytest

import tunewell as tw
from tunewell.cli.rescue_report import lines
from tunewell.rescue import rescue

RATE = tw.Float(1e-5, 10.0, scale="log", default=0.1)
SPACE = tw.Space(learning_rate=RATE)
ABOUT = {"config": {"optimizer": "adam", "batch_size": 32}, "n_train": 320, "n_classes": 2}


def rescued(train, space=SPACE, **settings):
    return rescue(train, space, **({"about": ABOUT, "store": "memory", "budget": 3, "name": "r"} | settings))


def test_where_the_metric_stands_still_the_loss_beside_it_decides():
    def slow(run):  # accuracy moves once the loss is below a half
        steps = run.params.learning_rate * 20
        for epoch in run.epochs(9):
            loss = 0.7 * math.exp(-steps * epoch)
            run.report(train_loss=loss, train_accuracy=0.5 if loss > 0.3 else 0.9)

    result = rescued(slow, metric="train_accuracy", as_it_is={"learning_rate": 1e-5})
    first = result.attempts[1]
    assert first.new > first.old
    assert (first.value, first.incumbent_value) == (0.5, 0.5)
    assert first.helped
    assert first.why.startswith("train_loss 0.")
    assert result.best.value == 0.9
    assert any("(train_loss 0." in line for line in lines(result, None))


@pytest.mark.parametrize(("target", "is_reached"), [(0.9, True), (0.95, False)])
def test_that_the_target_is_reached_is_said_in_place_of_what_may_hold_a_run_back(target, is_reached):
    def even(run):
        for epoch in run.epochs(9):
            run.report(train_accuracy=epoch / 10)

    shown = list(lines(rescued(even, metric="train_accuracy", target=target, budget=2), None, target=target))
    assert any(line.startswith("the target, 0.9") for line in shown) is is_reached
    assert any("back is" in line or "back has been tried" in line for line in shown) is not is_reached


def exploding(run):
    """A loss that explodes at a high rate, and ends where a network that is dead ends; at a low one it falls slowly."""
    rate = run.params.learning_rate
    for epoch in run.epochs(18):
        if rate >= 0.05:
            loss = [3000.0, 1e9, 1e6][epoch - 1] if epoch <= 3 else 1400.0
        else:
            loss = 3000 * math.exp(-5 * rate * epoch)
        run.report(train_loss=loss)


def test_a_run_whose_loss_explodes_is_worse_wherever_it_comes_to_rest():
    result = rescued(exploding, metric="train_loss", as_it_is={"learning_rate": 1.0}, budget=6)
    lowered = [one for one in result.attempts[1:] if one.incumbent == 0]
    assert all(one.new < one.old for one in lowered)
    assert [one.why for one in lowered if one.helped] == ["its loss explodes no longer"]
    assert result.study.trials[result.own].params.learning_rate < 0.05


def test_of_two_runs_that_explode_the_one_that_rises_less_shows_the_way():
    def dead(run):  # the higher the rate, the sooner it comes to rest on the mean of the targets
        rate = run.params.learning_rate
        for epoch in run.epochs(18):
            loss = 3000 * rate * 1e6 if epoch == 2 else 3000.0 if epoch == 1 else 1400 + 100 / rate
            run.report(train_loss=loss if rate > 1e-3 else 3000 * math.exp(-epoch / 9))

    result = rescued(dead, metric="train_loss", as_it_is={"learning_rate": 1.0}, budget=6)
    ways = [one for one in result.attempts[1:] if one.helped and not one.is_of_length]
    assert all(one.new < one.old for one in ways)
    assert ways[0].why == "both explode, and by how much decides"
    assert result.study.trials[result.own].params.learning_rate <= 1e-3


def test_no_rate_is_raised_at_which_the_loss_explodes_not_even_by_the_search():
    result = rescued(exploding, metric="train_loss", target=-1.0, budget=14)
    assert result.searched > 0
    assert all(trial.params.learning_rate <= 0.1 for trial in result.study.trials)


@pytest.mark.parametrize("rate", [1e-3, 0.1])
def test_a_network_that_breaks_is_not_widened(rate):
    def broken(run):
        for epoch in run.epochs(18):
            run.report(train_loss=0.7 * 10.0 ** (epoch / 2), train_accuracy=0.5, val_accuracy=0.5)

    space = tw.Space(learning_rate=RATE, hidden=tw.Int(2, 256, scale="log", default=2))
    result = rescued(broken, space, metric="val_accuracy", as_it_is={"learning_rate": rate})
    changes = {(one.param, one.new > one.old) for one in result.attempts[1:]}
    assert ("hidden", True) not in changes
    assert ("learning_rate", True) not in changes


def test_a_metric_that_can_be_no_better_ends_the_rescue_with_the_run_trained_to_its_end():
    def easy(run):
        for epoch in run.epochs(9):
            run.report(train_loss=0.7 / epoch, val_loss=0.7, val_accuracy=1.0 if epoch > 2 else 0.5)

    result = rescued(easy, metric="val_accuracy")
    assert [(one.trial, one.epochs) for one in result.attempts] == [(0, 9)]
    assert result.searched == 0


def test_the_closing_words_are_of_the_users_own_run():
    def hard(run):  # a setting that only the search comes upon
        good = 0.55 < run.params.mixup < 0.95
        for epoch in run.epochs(9):
            run.report(train_loss=0.69 - 0.001 * epoch, val_accuracy=0.5 + 0.04 * epoch * good)

    space = tw.Space(learning_rate=RATE, mixup=tw.Float(0.0, 1.0, default=0.0))
    result = rescued(hard, space, metric="val_accuracy", target=0.85, budget=9)
    own = [one.trial for one in result.attempts]
    assert result.best.trial not in own
    assert result.own in own
    text = " ".join(" ".join(lines(result, None)).split())
    assert f", trial {result.best.trial} of the search" in text
    assert f"(trial {result.own}) back" in text
    assert f"hold trial {result.best.trial} back" not in text


def test_what_was_tried_and_did_not_help_is_not_what_holds_the_training_back():
    def indifferent(run):  # crawls, whatever the rate is
        for epoch in run.epochs(9):
            run.report(train_loss=0.69 - 1e-4 * epoch, val_loss=0.69 - 1e-4 * epoch)

    result = rescued(indifferent, metric="val_loss", as_it_is={"learning_rate": 1e-4}, budget=4)
    tried = {one.label for one in result.attempts[1:]}
    assert "lr_too_low" in tried
    assert "lr_too_low" not in {one.label for one in result.findings}
