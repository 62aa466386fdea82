"""What is done to a study as a whole, by another `Study` on the same store, as from another process."""

import threading
import time

import numpy as np
import pytest

import tunewell as tw
from tunewell.commands import Note, Tag, Untag
from tunewell.errors import SettingError, SpaceError, TrialNotFound
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.trial import OPEN_END, TrialState

SPACE = tw.Space(
    learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True),
    hidden=tw.Int(1, 64, default=8),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tunewell.db"


def study_at(path, **settings):
    return tw.Study(SPACE, metric="val_loss", store=path, name="s", **({"max_epochs": 8, "budget": 4} | settings))


def another(path):
    return tw.Study.open(path, "s")


class Training:
    """Falls by its rate; `script` says what is done at the end of an epoch: (trial, epoch) -> a function."""

    def __init__(self, script=None, *, epochs=8):
        self.script, self.epochs, self.seen = dict(script or {}), epochs, []

    def __call__(self, run):
        loss = float(run.params.hidden)
        for epoch in run.epochs(self.epochs):
            loss *= 1 - run.params.learning_rate / 2
            self.seen.append((run.trial, epoch, time.monotonic()))
            self.script.pop((run.trial, epoch), lambda: None)()
            run.report(val_loss=loss)


def run_to_the_end(study, training, **settings):
    drive(study, training, Execution(**settings))


def trained(study):
    return {(report.trial, report.epoch) for report in study.reports()}


def test_a_budget_that_another_process_raises_counts_at_the_next_decision(path):
    study = study_at(path, budget="2trials", scheduler="full")
    training = Training({(1, 3): lambda: another(path).set_budget("3trials", by="ada", why="it pays")})
    run_to_the_end(study, training)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
    assert str(another(path).budget) == "3trials"
    (event,) = [event for event in study.events() if event.kind == "budget"]
    assert (event.by, event.trial) == ("ada", None)
    assert event.data == {"from": "2trials", "to": "3trials", "why": "it pays"}


def test_a_budget_that_is_lowered_ends_the_study_after_the_step_in_progress(path):
    study = study_at(path, budget="9trials", scheduler="full")
    run_to_the_end(study, Training({(1, 3): lambda: another(path).set_budget("1trials")}))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 2


def test_what_is_no_budget_changes_nothing(path):
    study = study_at(path)
    with pytest.raises(SettingError, match="budget 'plenty' is none"):
        study.set_budget("plenty")
    assert str(another(path).budget) == "4trainings"


@pytest.mark.parametrize("scheduler", ["full", "freeze_thaw", "halving"])
def test_a_study_that_is_paused_trains_nothing_until_it_goes_on_and_then_is_as_if_it_had_not_been(path, scheduler):
    resumed_at = []

    def pause():
        other = another(path)
        other.pause(by="ada", why="the machine is wanted")

        def go_on():
            time.sleep(0.4)
            resumed_at.append(time.monotonic())
            other.resume(by="ada")

        threading.Thread(target=go_on).start()

    study, training = study_at(path, scheduler=scheduler, budget=3), Training({(0, 1): pause})
    run_to_the_end(study, training)
    before, after = (
        [at for *_, at in training.seen if (at < resumed_at[0]) is is_before] for is_before in (True, False)
    )
    assert len(before) == 1
    assert after
    undisturbed = study_at(path.with_name("other.db"), scheduler=scheduler, budget=3)
    run_to_the_end(undisturbed, Training())
    assert trained(study) == trained(undisturbed)
    assert [trial.params for trial in study.trials] == [trial.params for trial in undisturbed.trials]
    assert [event.kind for event in study.events() if event.by == "ada"] == ["paused", "resumed"]


def test_a_study_that_is_paused_and_that_nobody_runs_goes_on_when_it_is_resumed(path):
    study = study_at(path, budget="1trials", scheduler="full")
    study.pause()
    assert another(path).is_paused
    study.close()
    again = study_at(path, budget="1trials", scheduler="full", resume=True)
    run_to_the_end(again, Training())
    assert not again.is_paused
    assert again.trials[0].state is TrialState.COMPLETE


def test_one_that_joins_a_study_that_is_paused_waits_too(path):
    study = study_at(path, budget="1trials", scheduler="full")
    study.begin_session()
    study.pause()
    other = another(path)
    other.begin_session(join=True)
    assert other.ask().wait
    study.resume()
    assert not other.ask().wait


def test_a_paused_study_whose_budget_is_spent_is_over(path):
    study = study_at(path, budget="1trials", scheduler="full")
    run_to_the_end(study, Training())
    study.pause()
    assert study.ask() is None


def test_a_queued_trial_comes_before_the_next_and_is_then_like_any_other(path):
    study = study_at(path, budget=3, scheduler="freeze_thaw")
    queued = []

    def queue():
        queued.append(another(path).queue({"hidden": 3}, like=0, by="ada", why="a hunch"))

    run_to_the_end(study, training := Training({(1, 1): queue}))
    (trial,) = queued
    assert study.trials[trial.number].params == {**study.trials[0].params, "hidden": 3}
    order = list(dict.fromkeys(number for number, *_ in training.seen))
    assert order[2] == trial.number
    assert study.trials[trial.number].epochs >= trial.until
    (event,) = [event for event in study.events(trial.number) if event.kind == "queued"]
    assert (event.by, event.data) == ("ada", {"why": "a hunch"})


def test_what_a_queued_setting_leaves_out_is_at_its_default(path):
    assert study_at(path).queue({"hidden": 2}).params == {"learning_rate": 0.1, "hidden": 2}


def test_a_trial_is_queued_for_as_long_as_somebody_wants(path):
    study = study_at(path, budget=4, scheduler="full")
    study.queue({"hidden": 2}, epochs=3)
    step = study.ask()
    assert (step.trial, list(step.epochs)) == (0, [1, 2, 3])


def test_a_trial_that_is_queued_before_anybody_knows_how_long_a_training_is_shows_it(path):
    study = study_at(path, max_epochs=None, budget="2trials", scheduler="full")
    assert study.queue({"hidden": 2}).until == OPEN_END
    run_to_the_end(study, Training())
    assert study.max_epochs == 8
    assert [(trial.epochs, trial.state) for trial in study.trials] == [(8, TrialState.COMPLETE)] * 2


def test_two_processes_that_queue_at_once_get_two_trials(path):
    studies = [study_at(path), another(path)]
    start = threading.Barrier(2)

    def queue(study):
        start.wait()
        for hidden in range(1, 9):
            study.queue({"hidden": hidden})

    threads = [threading.Thread(target=queue, args=(study,)) for study in studies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    known = another(path).trials
    assert [trial.number for trial in known] == list(range(16))
    assert sorted(trial.params["hidden"] for trial in known) == sorted([*range(1, 9)] * 2)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"params": {"hiden": 3}}, SpaceError, "did you mean 'hidden'|'hidden'"),
        ({"params": {"hidden": 300}}, SpaceError, "hidden: "),
        ({"params": {}, "like": 7}, TrialNotFound, "7"),
        ({"params": {}, "epochs": 9}, SettingError, "at least 1 and at most 8, a full training, got 9"),
        ({"params": {}, "epochs": 0}, SettingError, "got 0"),
        ({"params": {}, "epochs": "two"}, SettingError, "got 'two'"),
    ],
)
def test_what_cannot_be_queued_is_refused_and_leaves_nothing(path, given, error, words):
    study = study_at(path)
    with pytest.raises(error, match=words):
        study.queue(given.pop("params"), **given)
    assert study.trials == []


def test_a_queued_trial_is_the_same_whoever_trains_it(path):
    numbers = []
    for name in ("one.db", "two.db"):
        study = study_at(path.with_name(name), budget="2trials", scheduler="full", seed=3)
        study.queue({"hidden": np.int64(5)})
        run_to_the_end(study, Training())
        numbers.append([(trial.seed, dict(trial.params)) for trial in study.trials])
    assert numbers[0] == numbers[1]


def test_notes_and_tags_are_on_record_at_once_though_nobody_runs_the_study(path):
    study = study_at(path, budget="1trials", scheduler="full")
    run_to_the_end(study, Training())
    other = another(path)
    sent = [other.steer(0, one, by="ada") for one in (Tag("good"), Tag("odd"), Untag("good"), Note("look again"))]
    assert all(command.is_done and command.epoch == 8 for command in sent)
    assert study.tags() == {0: ("odd",)}
    assert [event.data["command"] for event in study.events(0) if event.by == "ada"] == ["tag", "tag", "untag", "note"]


@pytest.mark.parametrize("name", ["", " ", "two words", 3])
def test_a_tag_is_one_word(path, name):
    study = study_at(path)
    study.queue({})
    with pytest.raises(SettingError, match="a tag is one word"):
        study.steer(0, Tag(name))


def test_a_queued_trial_takes_the_place_of_no_setting_that_was_given_first():
    study = tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", max_epochs=2, scheduler="full", first=[{"x": 0.25}, {"x": 0.75}]
    )
    study.queue({"x": 0.5})
    asked = []
    for _ in range(3):
        step = study.ask()
        asked.append(step.params.x)
        for epoch in step.epochs:
            study.report(step.trial, epoch, loss=step.params.x)
        study.tell(step.trial)
    assert asked == [0.5, 0.25, 0.75]


def test_a_setting_that_was_given_first_and_is_queued_is_tried_once():
    study = tw.Study(tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", max_epochs=2, scheduler="full", first=[{"x": 0.25}])
    study.queue({"x": 0.25})
    assert study.ask().params.x == 0.25
    study.ask()
    assert study.trials[1].params["x"] != 0.25
