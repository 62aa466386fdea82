"""What one author may have trained by commands: counted over all of them, in epochs, whatever the budget's unit."""

import pytest

import tunewell as tw
from tunewell.commands import Branch, Note, Rewind, Set, Stop
from tunewell.errors import SettingError, TrialNotFound
from tunewell.study.limits import MOST_COMMANDS_WAITING, check_within, epochs_in_all


def study_of(budget):
    study = tw.Study(
        tw.Space(rate=tw.Float(0.0, 1.0, live=True)), metric="loss", max_epochs=10, budget=budget, scheduler="full"
    )
    step = study.ask()
    for epoch in (1, 2, 3, 4):
        study.report(step.trial, epoch, loss=1 / epoch)
    study.put_back(step.trial)
    return study


@pytest.mark.parametrize(("budget", "epochs"), [(5, 50), ("30epochs", 30), ("4trials", 40), ("2h", 4)])
def test_the_budget_is_counted_in_epochs(budget, epochs):
    assert epochs_in_all(study_of(budget).reader) == epochs


def test_what_was_asked_for_before_counts_and_another_author_has_a_share_of_their_own():
    study = study_of(5)
    reader = study.reader
    assert check_within(reader, 0, Rewind(2), by="eve", share=0.2) == 8
    study.steer(0, Rewind(0), by="eve")
    with pytest.raises(SettingError, match=r"4 epochs and 10 were requested before, but eve may have 10 at most"):
        check_within(reader, 0, Rewind(6), by="eve", share=0.2)
    assert check_within(reader, 0, Rewind(6), by="ada", share=0.2) == 4
    with pytest.raises(SettingError, match="20% of the budget"):
        check_within(reader, 0, Branch(epoch=-(10**9)), by="ada", share=0.2)


@pytest.mark.parametrize("action", [Set("rate", 0.5), Stop(), Note("a")])
def test_what_trains_nothing_costs_nothing(action):
    assert check_within(study_of(5).reader, 0, action, by="ada", share=0.0) == 0


def test_of_one_author_so_many_commands_wait():
    study = study_of(5)
    for n in range(MOST_COMMANDS_WAITING):
        study.steer(0, Set("rate", n / 100), by="eve")
    with pytest.raises(SettingError, match="wait already"):
        check_within(study.reader, 0, Set("rate", 0.5), by="eve", share=0.2)
    assert check_within(study.reader, 0, Set("rate", 0.5), by="ada", share=0.2) == 0


def test_there_must_be_such_a_trial():
    with pytest.raises(TrialNotFound):
        check_within(study_of(5).reader, 5, Stop(), by="ada", share=0.2)
