"""What a study is charged: epochs that somebody trained, each once."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewell as tw
from tunewell.commands import Branch, Rewind
from tunewell.display.records import study_record
from tunewell.display.summary import spent_of_budget
from tunewell.runners.execution import Execution
from tunewell.runners.inline import run_inline
from tunewell.study.branches import branched
from tunewell.trial import TrialState

SPACE = tw.Space(x=tw.Float(0.0, 1.0))


@pytest.mark.parametrize("scheduler", ["asha", "full"])
@pytest.mark.parametrize(
    "action", [Branch(params={"x": 0.5}), Branch(2), Branch(0), Branch(epochs=1), Rewind(2), Rewind(0)]
)
def test_a_branch_does_not_pay_for_what_its_parent_has_trained(tmp_path, scheduler, action):
    study = tw.Study(
        SPACE, metric="loss", max_epochs=9, budget="60epochs", scheduler=scheduler, store=tmp_path / "a.db"
    )
    trained = shown = 0

    def train(run):
        nonlocal trained, shown
        weights = np.zeros(1)
        run.track(weights=weights)
        for epoch in run.epochs(9):
            trained += 1
            run.report(loss=run.params.x + 1 / epoch)
            shown = max(shown, int(spent_of_budget(study).split()[0]) - trained)
            if epoch == 3 and run.trial < 9:
                study.steer(run.trial, action)

    run_inline(study, train, Execution(checkpoint_every=1))
    assert sum(trial.parent is not None for trial in study.trials) > 1
    assert study.spent.epochs == study.spent.trained == trained == 60
    assert shown <= 0
    assert spent_of_budget(study) == "60 of 60 epochs"
    assert study_record(study)["epochs"] == 60


def test_a_branch_that_never_ran_costs_nothing(tmp_path):
    study = tw.Study(SPACE, metric="loss", max_epochs=9, budget="9epochs", scheduler="full", store=tmp_path / "a.db")

    def train(run):
        run.track(weights=np.zeros(1))
        for epoch in run.epochs(9):
            run.report(loss=1.0)
            if epoch == 8:
                study.steer(run.trial, Branch(5))

    run_inline(study, train, Execution(checkpoint_every=1))
    assert [(trial.epochs, trial.state) for trial in study.trials] == [(9, TrialState.COMPLETE), (5, TrialState.PAUSED)]
    assert spent_of_budget(study) == "9 of 9 epochs"


def test_a_trial_that_fails_at_once_has_trained_nothing_but_the_study_ends(tmp_path):
    study = tw.Study(SPACE, metric="loss", max_epochs=1, budget="4epochs", scheduler="full", store=tmp_path / "a.db")
    while (step := study.ask()) is not None:
        study.tell(step.trial, error=f"error {step.trial}")
    assert len(study.trials) == 4
    assert spent_of_budget(study) == "0 of 4 epochs"


@pytest.mark.parametrize("scheduler", ["full", "asha"])
def test_an_epoch_that_is_trained_again_stays_charged(tmp_path, scheduler):
    study = tw.Study(
        SPACE, metric="loss", max_epochs=4, budget="20epochs", scheduler=scheduler, store=tmp_path / "a.db"
    )
    step = study.ask()
    n = len(step.epochs)
    for epoch in step.epochs:
        study.report(step.trial, epoch, loss=1.0)
    study.tell(step.trial, error="OSError: no room for the model")
    charged = [study.spent]
    study.retry(step.trial)
    charged.append(study.spent)
    assert list(study.ask().epochs) == [n]
    charged.append(study.spent)
    study.tell(step.trial, error="OSError: no room yet")
    charged.append(study.spent)
    assert [(one.trained, one.epochs, one.fruitless) for one in charged] == [(n, n, 0)] * 4
    study.close()
    read = tw.Study.open(tmp_path / "a.db").spent
    assert (read.trained, read.epochs, read.fruitless) == (n, n, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["full", "asha", "hyperband"]),
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "report", "tell", "branch", "retrain", "kill", "retry", "again"]),
            st.integers(0, 99),
        ),
        max_size=60,
    ),
)
def test_what_is_charged_is_what_was_reported_whatever_happens(scheduler, actions):
    store = tw.stores.MemoryStore()

    def opened():
        return tw.Study(
            SPACE, metric="loss", max_epochs=4, budget="20epochs", scheduler=scheduler, store=store, resume=True
        )

    study, reported, steps = opened(), set(), {}
    for place, (action, n) in enumerate(actions):
        trials = study.trials
        if action == "ask":
            step = study.ask()
            if step is not None and not step.wait:
                steps[step.trial] = iter(step.epochs)
        elif action == "report" and steps:
            trial = sorted(steps)[n % len(steps)]
            epoch = next(steps[trial], None)
            if epoch is None:
                study.tell(trial)
                del steps[trial]
            else:
                study.report(trial, epoch, loss=math.inf if n > 95 else 1 / epoch)
                reported.add((trial, epoch))
        elif action == "tell" and steps:
            trial = sorted(steps)[n % len(steps)]
            del steps[trial]
            study.tell(trial, **({"error": f"error {place}"} if n % 3 == 0 else {"stopped": "by hand"}))
        elif action == "branch" and trials:
            parent = trials[n % len(trials)]
            epoch = int(study.history.epochs[parent.number]) // 2
            child = branched(parent, epoch, parent.params, until=4, note={})
            store.add_branch(study.record.id, replace(child, number=len(trials)))
        elif action == "retrain" and trials:
            study.add_retrained(trials[n % len(trials)].number, 3)
        elif action == "kill":
            study.close()
            study, steps = opened(), {}
        elif action == "retry" and (failed := [trial.number for trial in trials if trial.state is TrialState.FAILED]):
            study.retry(failed[n % len(failed)])  # an epoch that is trained again is charged as it was
        elif action == "again" and steps:
            trial = sorted(steps)[n % len(steps)]
            steps[trial] = iter(study.again(trial).epochs)
        spent = study.spent
        assert spent.trained == len(reported) <= spent.epochs <= 20
        assert spent.retrained == sum(trial.retrained for trial in study.trials)
        assert tw.Study.open(store).spent.trained == spent.trained
