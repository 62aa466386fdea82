"""A log that is read as it grows: what its trials measured is read when somebody looks, and is the same then."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewell as tw
from tunewell.errors import StoreError
from tunewell.history import History
from tunewell.stores import MemoryStore
from tunewell.study.log import Log

EPOCHS = 4
ACTIONS = st.lists(st.sampled_from(["ask", "report", "tell", "refresh", "look"]), max_size=60)


def make(store, **search):
    return tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)),
        metric="accuracy",
        max_epochs=EPOCHS,
        budget=99,
        store=store,
        **({"scheduler": "asha", "sampler": "random"} | search),
    )


class Reads(MemoryStore):
    """Counts how often values are read."""

    n_read = 0

    def values(self, study_id, since, until):
        for part in super().values(study_id, since, until):
            self.n_read += len(part)
            yield part


def whole(log, store, study):
    """The history of a log, read anew and at once."""
    history = History(log.versions.space, EPOCHS, log.versions)
    values = [row for part in store.values(study, 0, store.changes(study, 0).revision) for row in part.tolist()]
    history.update(log.trials, np.array(values).reshape(-1, 3) * (1.0, 1.0, -1.0))
    return history


@given(actions=ACTIONS)
def test_what_is_read_late_is_what_would_have_been_read_at_once(actions):
    store = Reads()
    study = make(store)
    log = Log(store, study.record)
    steps = []
    for number, action in enumerate(actions):
        match action:
            case "ask" if (step := study.ask()) is not None and not step.wait:
                steps.append((step, iter(step.epochs)))
            case "report" if steps:
                step, epochs = steps[number % len(steps)]
                epoch = next(epochs, None)
                if epoch is not None:
                    study.report(step.trial, epoch, accuracy=number / 100)
            case "tell" if steps:
                step, epochs = steps.pop(number % len(steps))
                for epoch in epochs:
                    study.report(step.trial, epoch, accuracy=number / 100)
                study.tell(step.trial)
            case "refresh":
                log.refresh()
            case "look":
                assert log.history.curves.shape[0] == len(log.trials)
    log.refresh()
    expected = whole(log, store, study.record.id)
    for name in ("points", "curves", "epochs", "lowest", "running", "paused"):
        np.testing.assert_array_equal(getattr(log.history, name), getattr(expected, name), err_msg=name)


def test_no_report_is_read_by_a_study_that_draws_at_random():
    store = Reads()
    study = tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", max_epochs=3, scheduler="full", sampler="random", store=store
    )
    for _ in range(5):
        step = study.ask()
        for epoch in step.epochs:
            study.report(step.trial, epoch, loss=1.0)
        study.tell(step.trial)
    study.close()
    again = tw.Study.open(store, study.name)
    assert len(again.trials) == 5
    assert again.ask().trial == 5
    assert store.n_read == 0
    assert again.best.value == 1.0
    assert store.n_read == 15


def test_a_trial_that_runs_is_as_far_as_its_reports():
    store = MemoryStore()
    study = make(store)
    step = study.ask()
    study.report(step.trial, 1, accuracy=0.5)
    log = Log(store, study.record)
    log.refresh()
    assert log.history.epochs.tolist() == [1]


def test_a_view_stays_what_it_was_while_the_study_grows():
    study = make(MemoryStore(), scheduler="full")  # which does not look, so that much is left to be taken in
    for number in range(10):
        study.report(study.ask().trial, 1, accuracy=number / 100)
    view = study.history
    before = view.points.copy(), view.curves.copy()
    for number in range(60):
        study.report(study.ask().trial, 1, accuracy=number / 100)
    for now, then in zip((view.points, view.curves), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_read_that_failed_is_done_again():
    class Fails(MemoryStore):
        fails = False

        def values(self, study_id, since, until):
            yield from super().values(study_id, since, until)
            if self.fails:
                raise StoreError("the server is away")

    store = Fails()
    study = make(store)
    trials = [study.ask().trial for _ in range(2)]
    study.report(trials[0], 1, accuracy=0.5)
    reader = tw.Study.open(store)
    store.fails = True
    with pytest.raises(StoreError):
        reader.best  # noqa: B018  to ask for it is what fails
    study.report(trials[1], 1, accuracy=0.75)
    with pytest.raises(StoreError):
        reader.best  # noqa: B018
    store.fails = False
    assert reader.best.value == 0.75
    assert reader.best_of(0) == (1, 0.5)
