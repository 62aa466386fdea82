"""What one author may have trained by commands: counted over all of them, in epochs, whatever the budget's unit."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

import tunewell as tw
from tunewell.commands import Branch, Note, Pause, Resume, Rewind, Set, Stop
from tunewell.errors import SettingError, TrialNotFound
from tunewell.study.limits import MOST_COMMANDS_WAITING


def study_of(budget, **settings):
    study = tw.Study(
        tw.Space(rate=tw.Float(0.0, 1.0, live=True)),
        metric="loss",
        max_epochs=10,
        budget=budget,
        scheduler="full",
        **settings,
    )
    step = study.ask()
    for epoch in (1, 2, 3, 4):
        study.report(step.trial, epoch, loss=1 / epoch)
    study.put_back(step.trial)
    return study


@pytest.mark.parametrize(("budget", "epochs"), [(5, 50), ("30epochs", 30), ("4trials", 40), ("2h", None)])
def test_the_budget_is_counted_in_epochs(budget, epochs):
    assert study_of(budget).reader.budget_in_epochs == epochs


def send(study, trial, action, *, by, share):
    return study.steering.send_within(share, trial, action, by=by)[1]


def test_what_was_requested_before_counts_and_another_author_has_a_share_of_their_own():
    study = study_of(5)
    assert send(study, 0, Rewind(0), by="eve", share=0.2) == 10
    with pytest.raises(SettingError, match=r"10 epochs and 10 were requested before, but eve may have 10 at most"):
        send(study, 0, Rewind(0), by="eve", share=0.2)
    assert send(study, 0, Rewind(0), by="ada", share=0.2) == 10
    assert [one.by for one in study.commands()] == ["eve", "ada"]
    with pytest.raises(SettingError, match="20% of the budget"):
        send(study, 0, Branch(epoch=-(10**9)), by="bob", share=0.2)


def test_a_command_costs_what_was_left_when_it_was_sent():
    study = study_of(5)
    study.steer(0, Pause(), by="ada")
    study.steering.poll_at_rest()
    assert send(study, 0, Resume(), by="eve", share=0.2) == 6
    study.steering.poll_at_rest()
    step = study.ask()
    for epoch in range(5, 11):
        study.report(step.trial, epoch, loss=1 / epoch)
    study.tell(step.trial)
    with pytest.raises(SettingError, match=r"10 epochs and 6 were requested before"):
        send(study, 0, Branch(epoch=0), by="eve", share=0.2)


def test_where_only_a_time_is_given_the_share_is_of_what_was_trained():
    study = study_of("2h")
    with pytest.raises(SettingError, match="may have 2 at most"):
        send(study, 0, Rewind(0), by="eve", share=0.5)


@pytest.mark.parametrize("action", [Set("rate", 0.5), Stop(), Note("a")])
def test_what_trains_nothing_costs_nothing(action):
    assert send(study_of(5), 0, action, by="ada", share=0.0) == 0


def test_of_one_author_so_many_commands_wait():
    study = study_of(5)
    for n in range(MOST_COMMANDS_WAITING):
        study.steer(0, Set("rate", n / 100), by="eve")
    with pytest.raises(SettingError, match="wait already"):
        send(study, 0, Set("rate", 0.5), by="eve", share=0.2)
    assert send(study, 0, Set("rate", 0.5), by="ada", share=0.2) == 0


def test_there_must_be_such_a_trial():
    with pytest.raises(TrialNotFound):
        send(study_of(5), 5, Stop(), by="ada", share=0.2)


def test_of_many_that_are_sent_at_once_no_more_than_the_share_is_taken(tmp_path):
    study = study_of(5, store=tmp_path / "s.db")

    def one(_):
        with closing(tw.open_store(tmp_path / "s.db")) as store:
            try:
                return tw.Study.open(store, study.name).steering.send_within(0.25, 0, Rewind(0), by="eve")[1]
            except SettingError:
                return 0

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(one, range(6))) == [0] * 5 + [10]
