"""A study with all that may be on record, and the ways in which bridges are tried with it."""

import math
from dataclasses import replace

from tunewell.bridges.cursor import Cursor
from tunewell.bridges.follower import Follower
from tunewell.bridges.importing import take_in
from tunewell.bridges.places import sink_place, source_place
from tunewell.commands import Command, Note, Set, Tag
from tunewell.space import Choice, Float, Int, Space
from tunewell.space.values import Params
from tunewell.stores import StudyRecord
from tunewell.stores.command_rows import steered_event
from tunewell.testing.records import SESSION
from tunewell.trial import Trial, TrialState

SPACE = Space(
    learning_rate=Float(1e-5, 1.0, scale="log", live=True, default=0.01),
    layers=Int(1, 8),
    optimizer=Choice(["sgd", "ädam 'w'"]),
    nesterov=Choice([True, False]),
    clip=Choice([0.5, "none"]),
)
BEGAN = 1_750_000_000.123456
ODD = 'a~b/../c "d" 深'
"""A metric's name that no tracker takes as it is."""


def record(**changes):
    about = {
        "name": "digits",
        "metric": "val_loss",
        "direction": "minimize",
        "max_epochs": 4,
        "budget": "30trainings",
        "space": SPACE.to_dict(),
        "scheduler": {"name": "asha", "eta": 3, "sampler": {"name": "sobol"}},
        "seed": 2**53 + 1,
        "created_at": BEGAN - 1,
        "uuid": "d9b2d63d-a233-4123-847a-1d1f1b2b4c5d",
    }
    return StudyRecord(**{**about, **changes})


class Trained:
    """A study that is trained by hand, so that each time is known."""

    def __init__(self, store, about=None):
        self.store, self.record = store, store.add_study(about or record())
        self.session = store.begin_session(self.record.id, SESSION)
        self.clock = BEGAN

    def now(self):
        self.clock += 1.000244140625  # which a float has in full
        return self.clock

    def begin(self, number, until, **changes):
        params = Params(
            {"learning_rate": 0.1 / (number + 3), "layers": number % 8 + 1, "optimizer": "ädam 'w'"}
            | {"nesterov": number % 2 == 0, "clip": 0.5 if number % 3 else "none"}
        )
        known = self.store.changes(self.record.id, 0)
        if number < len(known.trials):
            trial = replace(known.trials[number], until=until)
        else:
            trial = Trial(
                number, params, TrialState.RUNNING, 0, until, 7 + number, self.now(), note={"why": "x" * number}
            )
        assert self.store.begin_step(self.record.id, known.n_steps, replace(trial, session=self.session, **changes))

    def report(self, number, epoch, **metrics):
        value = 1 / 3 + number / epoch
        found = {"val_loss": value, ODD: -value, "train/loss": value / 7} | metrics
        worst = found["val_loss"] if math.isfinite(found["val_loss"]) else math.inf
        self.store.report(self.record.id, number, epoch, found, worst, self.now())

    def end(self, number, state, epochs, reason=None):
        at = self.now() if state.ended else None
        self.store.end_step(self.record.id, number, state, epochs, reason=reason, at=at)

    def say(self, number, action, epoch):
        """Send a command, and take it up."""
        sent = self.store.add_command(self.record.id, Command(number, action, self.now(), by="ada", why="to see"))
        before = {"before": 0.1} if isinstance(action, Set) else {}
        done = replace(sent, taken_at=self.now(), epoch=epoch, **before)
        self.store.settle_command(self.record.id, done, steered_event(done, done.taken_at))

    def first_half(self):
        """Trials that are complete, failed and running."""
        self.begin(0, 4)
        for epoch in (1, 2, 3, 4):
            self.report(0, epoch)
        self.end(0, TrialState.COMPLETE, 4)
        self.begin(1, 4)
        self.report(1, 1, extra=math.inf)
        self.end(1, TrialState.FAILED, 1, "Traceback ...\nValueError: nö")
        self.begin(2, 4)
        self.report(2, 1)

    def second_half(self):
        """What runs is steered, branched and stopped; others are paused and held."""
        self.say(2, Set("learning_rate", 0.25), 1)
        self.report(2, 2)
        self.say(2, Tag("good"), 2)
        self.say(2, Note("it has\nlearned =1+1"), 2)
        self.report(2, 3, val_loss=math.nan)
        self.end(2, TrialState.STOPPED, 3, "val_loss is not finite")
        self.begin(3, 2)
        self.report(3, 1)
        self.report(3, 2)
        self.end(3, TrialState.PAUSED, 2)
        child = self.store.changes(self.record.id, 0).trials[3]
        child = replace(
            child, number=4, parent=3, parent_epoch=2, state=TrialState.PAUSED, until=4, started_at=self.now()
        )
        self.store.add_branch(self.record.id, child)
        self.begin(4, 4)
        self.report(4, 3)
        self.end(4, TrialState.HELD, 3)


def send(store, study, text):
    """Send all that is new of a study; return what was sent."""
    place = sink_place(text)
    with Cursor(store, study, place) as cursor:
        follower = Follower(store, study, place.sink, cursor)
        follower.connect()
        while follower.forward():
            pass
        follower.end()
        assert follower.left() == (0, 0)
    return follower.sent


def bring(text, store, name="back", **options):
    """Take in what a tracker has."""
    return take_in(source_place(text).source(), store, name, **options)


def forget(store):
    """Lose the cursors, so that all is sent again."""
    for file in (store.folder / ".tunewell" / "trackers").glob("*.json"):
        file.unlink()


def curves(store, study_id):
    """Each trial's newest metrics, by epoch; numbers as text, since NaN equals nothing."""
    found = {}
    for one in store.reports(study_id):
        found[one.trial, one.epoch] = {name: repr(value) for name, value in one.metrics.items()}
    return found


def times(store, study_id):
    return {(one.trial, one.epoch): one.at for one in store.reports(study_id)}


def points(text):
    """How many points a tracker has of each run, those that are there twice counted twice."""
    runs = source_place(text).source().read().runs
    return {run.id: {name: len(own) for name, own in run.curves.items()} for run in runs}
