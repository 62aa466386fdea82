"""Whatever happens to a study, the SQLite store says of it what the store in memory says."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tunewell.errors import StoreError
from tunewell.space.values import Params
from tunewell.stores import MemoryStore, Session, SpaceVersion, SqlStore
from tunewell.testing.records import HELD, PAUSED, STOPPED, STUDY, Reader, a_trial, everything
from tunewell.trial import Checkpoint, Event, TrialState

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)  # others are spelled out
numbers = st.floats() | st.sampled_from([-0.0, 5e-324, 1e308, 0.1 + 0.2])
whole = st.integers(-(2**63), 2**63 - 1)
times = st.floats(0, 1e12)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
mappings = st.dictionaries(texts, plain, max_size=3)
params = st.dictionaries(texts, st.booleans() | st.integers() | numbers | texts, max_size=4).map(Params)
metrics = st.dictionaries(texts, numbers, max_size=3)
metric = st.none() | st.floats(allow_nan=False).map(lambda value: value + 0.0)  # SQLite has no -0
trials = st.integers(-1, 2)
epochs = st.integers(1, 2**31 - 1)
states = st.sampled_from([state for state in TrialState if state is not TrialState.RUNNING])


sessions = st.none() | st.integers(0, 2)


class BothStores(RuleBasedStateMachine):
    """Does the same to two studies in each store; each step must be answered alike."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "tunewell.db"
        self.memory, self.sql = MemoryStore(), SqlStore(self.file)
        self.steps = [0, 0, 0]

    def both(self, what):
        answers = [outcome(what, store) for store in (self.memory, self.sql)]
        assert answers[0] == answers[1]
        return answers[0]

    # a study has a name and a seed from 0, else it is damaged
    @initialize(
        name=texts.filter(bool),
        other=texts.filter(bool),
        space=mappings,
        scheduler=mappings,
        seed=st.integers(0, 2**60),
        at=times,
    )
    def begin_studies(self, name, other, space, scheduler, seed, at):
        study = replace(STUDY, name=name, space=space, scheduler=scheduler, seed=seed, created_at=at)
        self.both(lambda store: store.add_study(study))
        self.both(lambda store: store.add_study(replace(study, name=other, uuid="another")))
        self.readers = [(Reader(self.memory, study.id), Reader(self.sql, study.id)) for study in self.memory.studies()]

    @rule(study=st.integers(1, 3), late=st.integers(0, 6), trial=trials, params=params, note=mappings, until=epochs)
    def begin_step(self, study, late, trial, params, note, until):
        step = self.steps[study - 1] - (late == 0)
        begun = replace(a_trial(trial), params=params, note=note, until=until, session=1)
        if self.both(lambda store: store.begin_step(study, step, begun)) == "True":
            self.steps[study - 1] += 1

    @rule(
        study=st.integers(1, 2), trial=trials, epoch=epochs, metrics=metrics, value=metric, at=times, session=sessions
    )
    def report(self, study, trial, epoch, metrics, value, at, session):
        self.both(lambda store: store.report(study, trial, epoch, metrics, value, at, session=session))

    @rule(study=st.integers(1, 2), trial=trials, state=states, epoch=epochs, reason=texts | st.none(), at=times)
    def end_step(self, study, trial, state, epoch, reason, at):
        self.both(lambda store: store.end_step(study, trial, state, epoch, reason=reason, at=at))

    @rule(study=st.integers(1, 2), trial=trials, until=epochs)
    def revise_step(self, study, trial, until):
        self.both(lambda store: store.revise_step(study, trial, until=until))

    @rule(study=st.integers(1, 2), trial=trials, of=st.integers(1, 3), session=st.integers(1, 3))
    def take_step(self, study, trial, of, session):
        self.both(lambda store: store.take_step(study, trial, of=of, session=session))

    @rule(session=st.integers(1, 4))
    def beat(self, session):
        self.both(lambda store: store.beat(session))

    @rule(study=st.integers(1, 2), trial=trials, more=st.integers(0, 9))
    def retrain(self, study, trial, more):
        self.both(lambda store: store.add_retrained(study, trial, more))

    @rule(study=st.integers(1, 2), trial=st.none() | trials, kind=texts, by=texts, data=mappings, at=times)
    def add_event(self, study, trial, kind, by, data, at):
        self.both(lambda store: store.add_event(study, Event(kind, at, trial, 1, by, data)))

    @rule(study=st.integers(1, 2), trial=trials, epoch=epochs, path=texts, size=st.integers(0, 2**60), at=times)
    def add_checkpoint(self, study, trial, epoch, path, size, at):
        self.both(lambda store: store.add_checkpoint(study, Checkpoint(trial, epoch, path, size, at)))

    @rule(study=st.integers(1, 2), trial=trials, epoch=epochs)
    def drop_checkpoint(self, study, trial, epoch):
        self.both(lambda store: store.drop_checkpoint(study, trial, epoch))

    @rule(study=st.integers(1, 2), trial=trials, state=st.sampled_from([PAUSED, HELD, STOPPED]), reason=texts)
    def steer_trial(self, study, trial, state, reason):
        self.both(lambda store: store.steer_trial(study, trial, state, reason=reason))

    @rule(study=st.integers(1, 2), epochs=epochs | st.none(), budget=texts | st.none())
    def change_study(self, study, epochs, budget):
        self.both(lambda store: store.change_study(study, max_epochs=epochs, budget=budget))

    @rule(study=st.integers(1, 3), number=st.integers(1, 4), space=mappings, held=mappings, by=texts, at=times)
    def add_space(self, study, number, space, held, by, at):
        self.both(lambda store: store.add_space(study, SpaceVersion(number, space, at, by, held)))

    @rule(study=st.integers(1, 3), command=texts, dirty=st.none() | st.booleans(), at=times)
    def run_a_session(self, study, command, dirty, at):
        session = Session(at, "laptop", 1, command, "/", git_dirty=dirty, versions={command: command})
        self.both(lambda store: store.begin_session(study, session))
        if study < 3:
            self.both(lambda store: store.end_session(1, at))

    @rule()
    def open_it_again(self):
        self.sql.close()
        self.sql = SqlStore(self.file)
        for _, reader in getattr(self, "readers", []):
            reader.store = self.sql

    @invariant()
    def they_say_the_same(self):
        for readers in getattr(self, "readers", []):
            known = [repr(reader.read()) for reader in readers]
            assert known[0] == known[1]

    def teardown(self):
        try:
            for study in self.memory.studies():
                assert repr(everything(self.sql, study.id)) == repr(everything(self.memory, study.id))
        finally:
            self.sql.close()
            self.folder.cleanup()


def outcome(what, store):
    """What a store answers, or what it complains of."""
    try:
        return repr(what(store))
    except StoreError as error:
        return f"{type(error).__name__}: {error}".replace(store.url, "it")


TestStores = BothStores.TestCase
TestStores.settings = settings(max_examples=settings.default.max_examples // 5, stateful_step_count=40)
