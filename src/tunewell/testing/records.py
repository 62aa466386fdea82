"""Records that the contract of stores writes and reads again: a study, all that happens in it, a reader of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from tunewell.commands import Command, Set
from tunewell.space.values import Params
from tunewell.stores import Changes, Session, SpaceVersion, Store, StudyContents, StudyRecord
from tunewell.trial import Checkpoint, Event, Trial, TrialState

RUNNING, PAUSED, HELD = TrialState.RUNNING, TrialState.PAUSED, TrialState.HELD
COMPLETE, STOPPED, FAILED = TrialState.COMPLETE, TrialState.STOPPED, TrialState.FAILED

STUDY = StudyRecord(
    name="digits",
    metric="val_loss",
    direction="minimize",
    max_epochs=None,
    budget="30trainings",
    space={"params": {"x": {"low": 1e-5, "high": 1.0, "default": None}}, "names": ["x", "größe"]},
    scheduler={"name": "asha", "eta": 3, "sampler": {"name": "sobol"}},
    seed=2**53 + 1,
    created_at=1.75e9,
    uuid="d9b2d63d-a233-4123-847a-1d1f1b2b4c5d",
    aims={"metrics": {"val_loss": "minimize", "latency_ms": "minimize"}, "limits": ["größe <= 8"]},
)
SENT = Set("x", 0.25)
SESSION = Session(
    started_at=1.75e9,
    host="laptop",
    pid=4711,
    command="tunewell tune 'my train.py'",
    directory="/home/ada",
    git_commit="abc",
    git_dirty=True,
    versions={"python": "3.13.0"},
    process="0ae3c6f2-2a8e-4d5b-9c3e-5d9f3e6f8a11:4711",
)
WIDER = SpaceVersion(2, {"params": {"x": {"low": 1e-9}}, "names": ["x", "y"]}, 1.76e9, "ada", {"y": math.inf})
PARAMS = Params({"x": 1e-3, "layers": 2, "batch_norm": True, "optimizer": "naïve 'sgd'", "max_norm": math.inf})

ELSEWHERE = Trial(3, PARAMS, HELD, 1, 1, 7, 5.0, note={"source": "run 7"})
"""A trial that was trained elsewhere, after three of here."""


@dataclass(slots=True)
class Reader:
    """A reader that keeps up with a study by its changes."""

    store: Store = field(repr=False, compare=False)
    study: int
    revision: int = 0
    n_steps: int = 0
    n_spaces: int = 0
    trials: dict[int, Trial] = field(default_factory=dict)
    values: list[list[float]] = field(default_factory=list)
    n_changed: int = field(default=0, compare=False)
    """How many trials were new or changed, in all."""

    def read(self) -> Reader:
        """Read what is new, and return the reader itself."""
        changes = self.store.changes(self.study, self.revision)
        assert changes.revision >= self.revision
        self.values += values_of(self.store, self.study, self.revision, changes.revision)
        self.revision, self.n_steps, self.n_spaces = changes.revision, changes.n_steps, changes.n_spaces
        self.trials |= {trial.number: trial for trial in changes.trials}
        assert list(self.trials) == list(range(len(self.trials)))  # none comes before the one before it
        assert all(trial in self.trials for trial, _, _ in self.values)
        self.n_changed += len(changes.trials)
        return self


def a_trial(number: int) -> Trial:
    """Make a trial that begins."""
    return Trial(number, Params({"x": 0.5}), RUNNING, epochs=0, until=3, seed=number, started_at=1.0)


def begin_session(store: Store, study: int, session: Session = SESSION) -> int:
    """Begin a session and return its id."""
    number = store.begin_session(study, session)
    assert number is not None  # it is refused only where `newest` is given
    return number


def begin(
    store: Store, study: int, number: int, *, params: Params | None = None, note: Mapping[str, object] | None = None
) -> None:
    """Give a trial its first step, or its next."""
    trial = replace(a_trial(number), params=params or Params({"x": 0.5}), note=note or {})
    assert store.begin_step(study, store.changes(study, 0).n_steps, trial)


def a_life(store: Store, study: int) -> Iterator[Callable[[], object]]:
    """Yield all that may happen in a study, one change at a time."""
    yield lambda: store.begin_session(study, SESSION)
    yield lambda: begin(store, study, 0, params=PARAMS)
    yield lambda: store.beat(1, seconds=1.5)
    yield lambda: store.change_study(study, max_epochs=9)
    yield lambda: store.revise_step(study, 0, until=3)
    yield lambda: store.report(study, 0, 1, {"val_loss": 0.5, "train_loss": math.inf}, 0.5, at=1.0)
    yield lambda: begin(store, study, 1, note={"bracket": 1})
    yield lambda: store.report(study, 1, 1, {"val_loss": 0.75}, 0.75, at=2.0)
    yield lambda: store.report(study, 0, 3, {"train_loss": 0.25}, None, at=3.0)
    yield lambda: store.end_step(study, 0, PAUSED, 3)
    yield lambda: store.add_checkpoint(study, Checkpoint(0, 3, "0.ckpt", 5, 4.0))
    yield lambda: store.end_step(study, 1, FAILED, 1, reason="ValueError: no", at=5.0)
    yield lambda: store.add_event(study, Event("failed", at=5.0, trial=1, epoch=1, data={"n": 1}))
    yield lambda: begin(store, study, 0)
    yield lambda: store.take_step(study, 0, of=0, session=1)
    yield lambda: store.report(study, 0, 4, {"val_loss": math.nan}, math.inf, at=6.0)
    yield lambda: store.add_retrained(study, 0, 2)
    yield lambda: store.add_command(study, Command(0, SENT, 6.0))
    yield lambda: store.settle_command(study, Command(0, SENT, 6.0, taken_at=6.5, epoch=4, before=0.5, id=1))
    yield lambda: store.add_space(study, WIDER)
    yield lambda: store.end_step(study, 0, STOPPED, 4, reason="not finite", at=7.0)
    yield lambda: begin(store, study, 2)


def everything(store: Store, study: int) -> tuple[list[StudyRecord], Reader, list[object]]:
    """Return all that a store has of a study, but for reports that are not finite, which equal nothing."""
    reports = [repr(report) for report in store.reports(study)]
    kept = [*store.spaces(study), *store.sessions(study), *store.events(study), *store.checkpoints(study)]
    kept += [*store.commands(study), *reports]
    return store.studies(), Reader(store, study).read(), kept


def renamed(study: StudyRecord, name: str) -> StudyRecord:
    """Return a study as another one."""
    return replace(study, name=name, uuid=f"uuid of {name}")


def in_common(contents: StudyContents) -> str:
    """Return, as text, what a study has in common with its copies: all but its name and what a store numbers itself."""
    sessions = {one.id: number for number, one in enumerate(contents.sessions, 1)}
    of = sessions.get
    return repr(
        replace(
            contents,
            record=replace(contents.record, name="", uuid="its", id=0),
            sessions=[replace(one, id=of(one.id, 0)) for one in contents.sessions],
            trials=[replace(one, session=of(one.session, 0)) for one in contents.trials],
            steps=[replace(one, session=of(one.session, 0), at=0.0) for one in contents.steps],
            commands=[replace(one, id=0) for one in contents.commands],
            reports=list(contents.reports),
            revision=0,
        )
    )


def whole_life(store: Store, study: int) -> tuple[str, list[list[float]], object]:
    """Return what a study has in common with its copies, as the store's other methods have it."""
    changes = store.changes(study, 0)
    known = (changes.n_steps, changes.max_epochs, changes.reached, changes.n_spaces, changes.n_waiting, changes.seconds)
    reports = [repr(store.reports(study, trial.number)) for trial in changes.trials]
    return in_common(store.contents(study)), values_of(store, study), (known, changes.budget, reports)


def changes_of_a_running_trial(store: Store, study: int, number: int) -> list[Callable[[], object]]:
    """Return changes that a trial takes only while a step of it is in progress."""
    return [
        lambda: store.report(study, number, 2, {"val_loss": 0.25}, 0.25, at=9.0),
        lambda: store.end_step(study, number, COMPLETE, 9, at=9.0),
        lambda: store.revise_step(study, number, until=99),
    ]


def nothing_new(store: Store, study: int, before: Changes) -> bool:
    """Return True if nothing has been written since."""
    new = store.changes(study, before.revision)
    return not new.trials and (new.n_steps, new.revision) == (before.n_steps, before.revision)


def values_of(store: Store, study: int, since: int = 0, until: int | None = None) -> list[list[float]]:
    """Return the metric in the reports after a revision, up to another or all."""
    last = store.changes(study, since).revision if until is None else until
    return [row for part in store.values(study, since, last) for row in part.tolist()]


def spoil(record: object) -> None:
    """Change what was read, as far as it lets one."""
    if isinstance(record, dict):
        for value in record.values():
            spoil(value)
        record["spoilt"] = True
    elif isinstance(record, list):
        record.append("spoilt")


def train(store: Store, study: int, worker: int, trials: int) -> None:
    """Train so many trials of three epochs, others doing the same."""
    known = Reader(store, study)
    for nth in range(trials):
        while True:
            known.read()
            number = len(known.trials)
            trial = replace(a_trial(number), params=Params({"worker": worker, "nth": nth}))
            if store.begin_step(study, known.n_steps, trial):
                break
        for epoch in (1, 2, 3):
            store.report(study, number, epoch, {"val_loss": worker + epoch / 4}, worker + epoch / 4, time.time())
        store.end_step(study, number, COMPLETE, 3, at=time.time())


def check_all_is_there(known: Reader, workers: int, trials: int) -> None:
    """Check the record of several `train`."""
    done = sorted((trial.params["worker"], trial.params["nth"]) for trial in known.trials.values())
    assert done == [(worker, nth) for worker in range(workers) for nth in range(trials)]
    assert known.n_steps == workers * trials
    for number, trial in known.trials.items():
        curve = [[epoch, value] for owner, epoch, value in known.values if owner == number]
        assert curve == [[epoch, float(trial.params["worker"]) + epoch / 4] for epoch in (1, 2, 3)]
        assert (trial.state, trial.epochs) == (COMPLETE, 3)
