"""Studies of several stores in one: as they are, each once, whole or not at all; and several that become one."""

import hashlib
import math
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewell as tw
from tunewell.commands import Branch, Note, Tag
from tunewell.errors import SettingError, StoreError, StudyNotFound
from tunewell.stores import MemoryStore, SqlStore, open_store
from tunewell.study import Study
from tunewell.study.checkpoint_copies import CheckpointCopies
from tunewell.study.copied import ADDED, MORE, NOTHING_NEW, SKIPPED
from tunewell.testing.records import STUDY, a_life, a_trial, begin, in_common
from tunewell.trial import Checkpoint, Event, TrialState

SPACE = tw.Space(rate=tw.Float(1e-3, 1.0, scale="log", default=0.1))
SCHEMAS = Path(__file__).parents[1] / "stores" / "schemas"


def train(run):
    state = np.zeros(2)
    run.track(state=state)
    for epoch in run.epochs(4):
        state += run.trial + 1
        run.report(val_loss=abs(run.params.rate - 0.3) + 1 / epoch)


def tuned(path, trials=4, **options):
    options = {"seed": 1, "name": "s", "scheduler": "asha", **options}
    with closing(open_store(path)) as store:
        tw.tune(train, SPACE, metric="val_loss", store=store, budget=f"{trials}trials", **options)
    return path


@pytest.fixture
def a(tmp_path):
    return tuned(tmp_path / "a.db", 9)


@pytest.fixture
def b(tmp_path):
    return tuned(tmp_path / "b.db", 5, seed=2)


def whole(path, name="s"):
    with closing(open_store(path, create=False)) as store:
        contents = store.contents(store.study(name).id)
        return replace(contents, reports=list(contents.reports))


def plain(contents):
    """All that is on record of a study, but for what a copy cannot have in common with it."""
    events = [event for event in contents.events if event.kind not in ("merged", "joined")]
    record = replace(contents.record, name="")
    return in_common(replace(contents, record=record, events=events, reports=list(contents.reports)))


def digests(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-shm", "-wal", "-turn"))]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def outcomes(merged):
    return [(one.study, one.name, one.outcome) for one in merged]


# --- side by side


def test_a_study_is_merged_with_all_that_is_on_record(a, b, tmp_path):
    with closing(open_store(a)) as store:
        study = Study.open(store)
        study.steer(0, Tag("odd"), by="ada")
        study.steer(0, Note("look again"), by="ada")
        study.extend(tw.Space(rate=tw.Float(1e-4, 1.0, scale="log", default=0.1)))
    before = digests(tmp_path)
    done = tw.merge([a, b], into=tmp_path / "c.db")
    assert outcomes(done) == [("s", "s", ADDED), ("s", "s-2", ADDED)]
    assert done[1].notes == ("'s' is another study there",)
    assert plain(whole(tmp_path / "c.db")) == plain(whole(a))
    assert plain(whole(tmp_path / "c.db", "s-2")) == plain(whole(b))
    assert {path: digests(tmp_path)[path] for path in before} == before  # the sources are as they were
    assert (done[0].trials, done[0].reports) == (9, whole(a).n_reports)


def test_what_a_copy_shows_is_what_the_original_shows(a, tmp_path):
    tw.merge([a], into=tmp_path / "c.db")
    one, copy = Study.open(a), Study.open(tmp_path / "c.db")
    assert replace(copy.best, checkpoint=None) == replace(one.best, checkpoint=None)
    assert copy.trial_rows() == one.trial_rows()
    assert [repr(trial) for trial in copy.trials] == [repr(trial) for trial in one.trials]
    assert copy.figures.history().as_dict() == one.figures.history().as_dict()
    assert copy.best.checkpoint is not None
    assert copy.best.checkpoint.read_bytes() == one.best.checkpoint.read_bytes()
    assert copy.best.checkpoint != one.best.checkpoint  # in a folder of its own: each may go on by itself


def test_a_copy_goes_on_as_the_original_does(a, tmp_path):
    tw.merge([a], into=tmp_path / "c.db")
    original = digests(tmp_path / ".tunewell" / Study.open(a).record.uuid)
    rows = []
    for path in (tmp_path / "c.db", a):
        if path == a:
            assert digests(tmp_path / ".tunewell" / Study.open(a).record.uuid) == original
        tuned(path, 14, resume=True)
        study = Study.open(path)
        rows.append([(t.params, t.state, t.epochs, t.seed, study.best_of(t.number)) for t in study.trials])
        study.store.close()
    assert rows[0] == rows[1]
    assert len(rows[0]) == 14


def test_a_study_that_runs_is_copied_as_it_is_now_and_goes_on_in_its_copy(tmp_path):
    options = {"metric": "val_loss", "budget": "3trials", "scheduler": "full", "name": "s"}
    running = Study(SPACE, store=tmp_path / "a.db", max_epochs=4, **options)
    step = running.ask()
    for epoch in (1, 2):
        running.report(step.trial, epoch, val_loss=1 / epoch)
    tw.merge([tmp_path / "a.db"], into=tmp_path / "c.db")
    assert running.is_run()
    copy = Study.open(tmp_path / "c.db")
    assert not copy.is_run()
    assert [len(copy.reports()), copy.trials[0].state] == [2, TrialState.RUNNING]
    copy.store.close()
    study = tw.tune(train, SPACE, store=tmp_path / "c.db", resume=True, **options)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 3
    assert "interrupted" in [event.kind for event in study.events(0)]
    running.report(step.trial, 3, val_loss=0.3)  # of which the copy knows nothing
    assert len(running.reports()) == 3


def test_one_that_is_merged_again_adds_nothing_and_then_what_is_new(a, tmp_path):
    c = tmp_path / "c.db"
    tw.merge([a], into=c)
    before = plain(whole(c))
    assert outcomes(tw.merge([a], into=c)) == [("s", "s", NOTHING_NEW)]
    assert plain(whole(c)) == before
    tuned(a, 12, resume=True)
    (done,) = tw.merge([a], into=c)
    assert (done.outcome, done.trials) == (MORE, 3)
    assert plain(whole(c)) == plain(whole(a))
    assert outcomes(tw.merge([a], into=c)) == [("s", "s", NOTHING_NEW)]
    with closing(open_store(c)) as store:
        assert len(store.studies()) == 1


def test_files_of_checkpoints_that_are_gone_go_when_the_copy_is_brought_up_to_date(a, tmp_path):
    c = tmp_path / "c.db"
    tw.merge([a], into=c)
    tuned(a, 12, resume=True)
    tw.merge([a], into=c)
    study = Study.open(c)
    there = {path.name for path in study.checkpoint_folder.iterdir()}
    assert there == {one.path for one in study.checkpoints()}


def test_a_copy_that_has_gone_on_is_known_and_left_alone(a, tmp_path):
    c = tmp_path / "c.db"
    tw.merge([a], into=c)
    tuned(c, 12, resume=True)
    ahead = plain(whole(c))
    assert outcomes(tw.merge([a], into=c)) == [("s", "s", NOTHING_NEW)]
    (back,) = tw.merge([c], into=a)  # the copy is the newer one, so the original takes what it has done since
    assert (back.outcome, back.trials) == (MORE, 3)
    assert plain(whole(c)) == ahead == plain(whole(a))


def test_two_that_have_gone_on_apart_are_not_mixed(a, tmp_path):
    c = tmp_path / "c.db"
    tw.merge([a], into=c)
    tuned(c, 12, resume=True)
    tuned(a, 11, resume=True)
    before = plain(whole(c))
    (done,) = tw.merge([a], into=c)
    assert done.outcome == SKIPPED
    assert "has gone on by itself" in done.notes[0]
    assert plain(whole(c)) == before


def test_a_confirmation_comes_along_under_the_name_that_its_study_gets(a, b, tmp_path):
    tuned(a, 9, resume=True, confirm=2)
    tuned(b, 5, seed=2, resume=True, confirm=2)
    known = Study.open(a, "s").confirmed()
    done = tw.merge([b, a], into=tmp_path / "c.db", studies=["s"])
    assert [one.outcome for one in done] == [ADDED] * 4
    assert repr(Study.open(tmp_path / "c.db", "s-2").confirmed()) == repr(known) != "[]"


def test_only_the_studies_that_are_named_are_merged(a, b, tmp_path):
    tuned(b, 3, name="other")
    assert outcomes(tw.merge([a, b], into=tmp_path / "c.db", studies=["other"])) == [("other", "other", ADDED)]
    with pytest.raises(StudyNotFound, match="did you mean 'other'"):
        tw.merge([a, b], into=tmp_path / "c.db", studies=["othr"])


def test_a_checkpoint_whose_file_is_missing_is_said(a, tmp_path):
    study = Study.open(a)
    lost = study.checkpoint_folder / study.checkpoints()[0].path
    lost.unlink()
    (done,) = tw.merge([a], into=tmp_path / "c.db")
    assert done.checkpoints == len(study.checkpoints()) - 1
    assert done.notes == (f"1 checkpoint file is not there and could not be copied: {lost}",)


def test_a_checkpoint_whose_file_was_missing_is_copied_when_it_is_there(a, tmp_path):
    study = Study.open(a)
    name = study.checkpoints()[0].path
    lost = study.checkpoint_folder / name
    content = lost.read_bytes()
    lost.unlink()
    tw.merge([a], into=tmp_path / "c.db")
    assert [one.outcome for one in tw.merge([a], into=tmp_path / "c.db")] == [NOTHING_NEW]
    lost.write_bytes(content)
    (done,) = tw.merge([a], into=tmp_path / "c.db")
    assert (done.outcome, done.checkpoints, done.trials, done.notes) == (MORE, 1, 0, ())
    assert (Study.open(tmp_path / "c.db").checkpoint_folder / name).read_bytes() == content
    assert [one.outcome for one in tw.merge([a], into=tmp_path / "c.db")] == [NOTHING_NEW]


def test_what_is_merged_may_be_in_memory(tmp_path):
    store = MemoryStore()
    study = store.add_study(STUDY)
    for change in a_life(store, study.id):
        change()
    (done,) = tw.merge([store], into=tmp_path / "c.db")
    assert (done.name, done.trials, done.reports) == ("digits", 3, 4)
    with closing(open_store(tmp_path / "c.db")) as there:
        (copy,) = there.studies()
        assert [one.ended_at is None for one in there.sessions(copy.id)] == [False]
        assert repr(there.reports(copy.id)) == repr(store.reports(study.id))


def test_nothing_of_a_source_changes_that_was_killed_or_is_of_an_older_tunewell(tmp_path):
    killed = tmp_path / "killed.db"
    program = (
        "import os, signal, sys\nfrom tunewell.stores import open_store\n"
        "from tunewell.testing.records import STUDY, a_life\n"
        "store = open_store(sys.argv[1])\nstudy = store.add_study(STUDY)\n"
        "for change in a_life(store, study.id): change()\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(killed)], check=False)
    assert Path(f"{killed}-wal").stat().st_size
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as database:
        dump = (SCHEMAS / "003.sql").read_text()
        database.executescript(dump.replace(STUDY.uuid, "another").replace(f"'{STUDY.name}'", "'old'"))
    before = {path: path.read_bytes() for path in (killed, Path(f"{killed}-wal"), old)}
    done = tw.merge([killed, old], into=tmp_path / "c.db")
    assert outcomes(done) == [("digits", "digits", ADDED), ("old", "old", ADDED)]
    assert {path: path.read_bytes() for path in before} == before


def test_a_damaged_study_is_said_and_the_others_are_merged(a, tmp_path):
    tuned(a, 3, name="sound")
    with closing(sqlite3.connect(a)) as database, database:
        database.execute("UPDATE trials SET params = '{' WHERE study_id = 1 AND number = 2")
    done = tw.merge([a], into=tmp_path / "c.db")
    assert outcomes(done) == [("s", None, SKIPPED), ("sound", "sound", ADDED)]
    assert "a trial on record is damaged" in done[0].notes[0]


def test_a_study_whose_reports_are_damaged_is_not_half_there(a, tmp_path):
    with closing(sqlite3.connect(a)) as database, database:
        database.execute("UPDATE reports SET metrics = '{' WHERE id = (SELECT max(id) FROM reports)")
    (done,) = tw.merge([a], into=tmp_path / "c.db")
    assert (done.outcome, "a report on record is damaged" in done.notes[0]) == (SKIPPED, True)
    with closing(open_store(tmp_path / "c.db")) as store:
        assert store.studies() == []
    assert {path.name for path in (tmp_path / ".tunewell").iterdir()} == {Study.open(a).record.uuid}


@pytest.mark.parametrize("name", [None, "both"])
def test_a_merge_that_is_killed_leaves_no_half_study_and_can_be_repeated(name, a, b, tmp_path):
    program = (
        "import os, signal, sys\nimport tunewell as tw\nfrom tunewell.stores import sql, transaction\n"
        "class Dying(sql._Measured):\n"
        "    def __iter__(self):\n"
        "        for n, one in enumerate(super().__iter__()):\n"
        "            if n == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "            yield one\n"
        "sql._Measured, transaction.ROWS = Dying, 2\n"
        "a, b, c, name = sys.argv[1:]\ntw.merge([a, b], into=c, name=name or None)\n"
    )
    words = [str(a), str(b), str(tmp_path / "c.db"), name or ""]
    died = subprocess.run([sys.executable, "-c", program, *words], check=False)
    assert died.returncode == -signal.SIGKILL
    with closing(open_store(tmp_path / "c.db")) as store:
        assert store.studies() == []
    tw.merge([a, b], into=tmp_path / "c.db", name=name)
    assert len(Study.open(tmp_path / "c.db", name or "s").trials) == (14 if name else 9)
    folders = {path.name for path in (tmp_path / ".tunewell").iterdir()}
    with closing(open_store(tmp_path / "c.db")) as store:
        known = {record.uuid for record in store.studies()}
    assert folders == known | {Study.open(a).record.uuid, Study.open(b).record.uuid}


def test_it_goes_from_a_file_to_postgresql_and_back(a, postgres_url, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWELL_CHECKPOINTS", str(tmp_path / "shared"))
    with closing(open_store(tmp_path / "m.db")) as store:
        study = store.add_study(STUDY)
        for change in a_life(store, study.id):
            change()
    tw.merge([a, tmp_path / "m.db"], into=postgres_url)
    tw.merge([postgres_url], into=tmp_path / "c.db")
    assert plain(whole(tmp_path / "c.db")) == plain(whole(a))
    with closing(open_store(postgres_url, read_only=True)) as store:
        assert [record.name for record in store.studies()] == ["s", "digits"]
        with pytest.raises(StoreError, match="opened to be read alone"):
            store.add_study(replace(STUDY, name="x", uuid="x"))
    assert outcomes(tw.merge([a], into=postgres_url)) == [("s", "s", NOTHING_NEW)]


def test_what_cannot_be_meant_is_refused(a, tmp_path):
    with pytest.raises(SettingError, match="put it in brackets"):
        tw.merge(str(a), into=tmp_path / "c.db")
    with pytest.raises(SettingError, match="at least one store"):
        tw.merge([], into=tmp_path / "c.db")
    with pytest.raises(SettingError, match="name of its own"):
        tw.merge([a], into=tmp_path / "c.db", name=" ")
    with pytest.raises(StoreError, match=r"no store at .*nothing\.db"):
        tw.merge([a, tmp_path / "nothing.db"], into=tmp_path / "c.db")
    assert not (tmp_path / "c.db").exists()


# --- several that become one


def test_joined_studies_have_all_trials_in_the_order_in_which_they_began(a, b, tmp_path):
    done = tw.merge([a, b], into=tmp_path / "c.db", name="both")
    assert outcomes(done) == [("s", "both", ADDED), ("s", "both", ADDED)]
    both = Study.open(tmp_path / "c.db", "both")
    assert [trial.number for trial in both.trials] == list(range(14))
    began = [trial.started_at for trial in both.trials]
    assert began == sorted(began)
    assert both.best.value == min(Study.open(a).best.value, Study.open(b).best.value)
    assert str(both.budget) == "14trials"
    seen = {}
    for event in both.events():
        if event.kind == "joined":
            seen[event.data["store"]] = event.data["trials"]
    assert set(seen) == {str(a), str(b)}
    for path, numbers in seen.items():
        one = Study.open(path)
        for trial, number in zip(one.trials, numbers, strict=True):
            there = both.trials[number]
            assert (there.params, there.seed, there.state) == (trial.params, trial.seed, trial.state)
            assert [r.metrics for r in both.reports(number)] == [r.metrics for r in one.reports(trial.number)]


def test_a_joined_study_goes_on_from_the_checkpoints_of_each(a, b, tmp_path):
    tw.merge([a, b], into=tmp_path / "c.db", name="both")
    study = Study.open(tmp_path / "c.db", "both")
    paused = [trial for trial in study.trials if trial.state is TrialState.PAUSED and trial.epochs]
    assert paused
    study.store.close()
    study = tw.tune(
        train,
        SPACE,
        metric="val_loss",
        store=tmp_path / "c.db",
        name="both",
        resume=True,
        seed=1,
        scheduler="asha",
        budget="24trials",
    )
    assert len(study.trials) == 24
    assert study.spent.retrained == 0  # all that went on had its state


def test_parents_commands_branches_twins_and_tags_are_renumbered(tmp_path):
    stores = []
    for place, at in enumerate((10.0, 10.5)):
        store = MemoryStore()
        record = replace(STUDY, uuid=f"u{place}", space=SPACE.to_dict(), budget="3trials", max_epochs=4)
        study = store.add_study(record).id
        for number in range(2):
            trial = replace(a_trial(number), params=tw.Params({"rate": 0.5}), started_at=at + number)
            assert store.begin_step(study, number, trial)
            store.report(study, number, 1, {"val_loss": place + number / 4}, place + number / 4, at + number)
            store.end_step(study, number, TrialState.PAUSED, 1)
        store.add_checkpoint(study, Checkpoint(1, 1, "one.npz", 3, at))
        sent = store.add_command(study, tw_command(1, Branch(1), at + 2))
        child = replace(
            a_trial(2),
            params=tw.Params({"rate": 0.5}),
            state=TrialState.PAUSED,
            epochs=1,
            parent=1,
            parent_epoch=1,
            note={"twin": 1},
            started_at=at + 2,
        )
        done = replace(sent, taken_at=at + 2, epoch=1, branch=2)
        event = Event("steered", at + 2, 1, 1, data={"command": "branch", "branch": 2, "setting": {}})
        assert store.add_branch(study, child, Checkpoint(2, 1, "two.npz", 3, at), done=done, event=event)
        tag = store.add_command(study, tw_command(0, Tag(f"of {place}"), at + 3))
        store.settle_command(study, replace(tag, taken_at=at + 3, epoch=1))
        stores.append(store)
    into = open_store(tmp_path / "c.db")
    tw.merge(stores, into=into, name="both")
    study = Study.open(into, "both")
    assert [t.parent for t in study.trials] == [None, None, None, None, 2, 3]
    assert [t.note.get("twin") for t in study.trials[4:]] == [2, 3]
    branches = [(c.trial, c.branch) for c in study.commands() if isinstance(c.action, Branch)]
    assert branches == [(2, 4), (3, 5)]
    assert [(e.trial, e.data["branch"]) for e in study.events() if e.kind == "steered"] == [(2, 4), (3, 5)]
    assert study.tags() == {0: ("of 0",), 1: ("of 1",)}
    assert [(c.trial, c.epoch) for c in study.checkpoints()] == [(2, 1), (3, 1), (4, 1), (5, 1)]
    assert len({c.path for c in study.checkpoints()}) == 4
    assert [s.trial for s in into.contents(study.record.id).steps] == [0, 2, 1, 3]
    into.close()


def tw_command(trial, action, at):
    from tunewell.commands import Command

    return Command(trial, action, at)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"space": tw.Space(rate=tw.Float(1e-2, 1.0, scale="log"))}, "rate: Float"),
        ({"space": tw.Space(rate=SPACE.params["rate"], more=tw.Int(1, 3))}, "more: only in the second"),
        ({"metric": "train_loss"}, "another metric ('val_loss' and 'train_loss')"),
        ({"direction": "maximize"}, "another direction ('minimize' and 'maximize')"),
        ({"max_epochs": 8}, "another max_epochs (4 and 8)"),
    ],
)
def test_studies_of_other_things_are_not_joined(options, said, a, tmp_path):
    settings_ = {"space": SPACE, "metric": "val_loss", "max_epochs": 4, "name": "s", **options}
    other = Study(settings_.pop("space"), store=tmp_path / "b.db", **settings_)
    other.store.close()
    with pytest.raises(SettingError) as error:
        tw.merge([a, tmp_path / "b.db"], into=tmp_path / "c.db", name="both")
    assert said in str(error.value)
    assert f"'s' of {a}" in str(error.value)
    with closing(open_store(tmp_path / "c.db")) as store:
        assert store.studies() == []


def test_a_study_that_was_extended_is_joined_with_one_that_began_so(a, tmp_path):
    wider = tw.Space(rate=SPACE.params["rate"], width=tw.Int(1, 8, default=4))
    with closing(open_store(a)) as store:
        Study.open(store).extend(wider)
    with closing(open_store(tmp_path / "b.db")) as store:
        tw.tune(train, wider, metric="val_loss", store=store, budget="3trials", name="s", scheduler="asha", seed=2)
    tw.merge([a, tmp_path / "b.db"], into=tmp_path / "c.db", name="both")
    both = Study.open(tmp_path / "c.db", "both")
    assert all(set(trial.params) == {"rate", "width"} for trial in both.trials)
    assert {trial.params["width"] for trial in both.trials[:9]} == {4}
    assert both.history.points.shape == (12, 2)


def test_studies_are_joined_once(a, b, tmp_path):
    c = tmp_path / "c.db"
    tw.merge([a, b], into=c, name="both")
    before = plain(whole(c, "both"))
    assert {one.outcome for one in tw.merge([a, b], into=c, name="both")} == {NOTHING_NEW}
    tuned(b, 7, seed=2, resume=True)
    with pytest.raises(SettingError, match="has a study 'both' already, of other trials"):
        tw.merge([a, b], into=c, name="both")
    assert plain(whole(c, "both")) == before
    tw.merge([a, b], into=c, name="both-2")
    assert len(Study.open(c, "both-2").trials) == 16


def test_a_study_and_its_copy_are_joined_once(a, b, tmp_path):
    tw.merge([a], into=tmp_path / "copy.db")
    tuned(tmp_path / "copy.db", 12, resume=True)
    done = tw.merge([a, b, tmp_path / "copy.db"], into=tmp_path / "c.db", name="both")
    assert len(Study.open(tmp_path / "c.db", "both").trials) == 12 + 5
    assert outcomes(done)[0] == ("s", "both", NOTHING_NEW)


def test_studies_of_one_file_are_joined_in_it(a, tmp_path):
    tuned(a, 3, name="t", seed=7)
    before = plain(whole(a)), plain(whole(a, "t"))
    tw.merge([a], into=a, name="both")
    assert len(Study.open(a, "both").trials) == 12
    assert (plain(whole(a)), plain(whole(a, "t"))) == before
    assert outcomes(tw.merge([a], into=a)) == [
        ("s", "s", NOTHING_NEW),
        ("t", "t", NOTHING_NEW),
        ("both", "both", NOTHING_NEW),
    ]


def test_what_confirms_a_joined_study_confirms_the_same_trials(a, b, tmp_path):
    tuned(b, 5, seed=2, resume=True, confirm=2)
    known = Study.open(b, "s").confirmed()
    tw.merge([a, b], into=tmp_path / "c.db", name="both")
    found = Study.open(tmp_path / "c.db", "both").confirmed()
    assert [(one.params, one.values, one.found) for one in found] == [
        (one.params, one.values, one.found) for one in known
    ]


# --- random studies


@st.composite
def lives(draw):
    """What may happen in a study, as a list of plain moves."""
    moves = st.tuples(
        st.sampled_from(["begin", "report", "pause", "end", "fail", "event", "tag", "checkpoint", "branch"]),
        st.integers(0, 3),
        st.floats(allow_nan=True),
        st.floats(0, 100),
    )
    return draw(st.lists(moves, max_size=25))


def lived(store, moves, number, space):
    record = replace(STUDY, name="s", uuid=f"u{number}", space=space, budget="9trials", max_epochs=9)
    study = store.add_study(record).id
    for kind, trial, value, at in moves:
        n = len(store.changes(study, 0).trials)
        state = store.changes(study, 0).trials[trial].state if trial < n else None
        running = state is TrialState.RUNNING
        if kind == "begin" and (trial >= n or state is TrialState.PAUSED):
            begin(store, study, min(trial, n), params=tw.Params({"rate": 0.5}))
        elif kind == "report" and running:
            store.report(study, trial, 1 + trial, {"val_loss": value}, value if math.isfinite(value) else math.inf, at)
        elif kind in ("pause", "end", "fail") and running:
            states = {"pause": TrialState.PAUSED, "end": TrialState.COMPLETE, "fail": TrialState.FAILED}
            store.end_step(study, trial, states[kind], 1, at=None if kind == "pause" else at)
        elif kind == "event":
            store.add_event(study, Event("odd", at, trial if trial < n else None, data={"x": value}))
        elif kind == "tag" and trial < n:
            store.add_command(study, tw_command(trial, Tag(f"t{trial}"), at))
        elif kind == "checkpoint" and trial < n:
            store.add_checkpoint(study, Checkpoint(trial, 1 + trial, f"{trial}.npz", 3, at))
        elif kind == "branch" and trial < n:
            child = replace(
                a_trial(n), params=tw.Params({"rate": 0.5}), state=TrialState.PAUSED, parent=trial, parent_epoch=0
            )
            store.add_branch(study, child)
    return store.contents(study)


@given(moves=lives())
@settings(max_examples=25)
def test_any_study_is_merged_as_it_is(moves, tmp_path_factory):
    folder = tmp_path_factory.mktemp("merged")
    store = MemoryStore()
    before = lived(store, moves, 1, SPACE.to_dict())
    tw.merge([store], into=folder / "c.db")
    assert plain(whole(folder / "c.db")) == plain(before)
    assert outcomes(tw.merge([store], into=folder / "c.db")) == [("s", "s", NOTHING_NEW)]
    back = MemoryStore()
    tw.merge([folder / "c.db"], into=back)
    assert plain(back.contents(1)) == plain(before)


@given(first=lives(), second=lives())
@settings(max_examples=25)
def test_any_studies_that_are_joined_have_each_trial_once(first, second, tmp_path_factory):
    stores = [MemoryStore(), MemoryStore()]
    parts = [
        lived(store, moves, n, SPACE.to_dict())
        for n, (store, moves) in enumerate(zip(stores, (first, second), strict=True))
    ]
    into = SqlStore(tmp_path_factory.mktemp("joined") / "c.db")
    tw.merge(stores, into=into, name="both")
    both = into.contents(into.study("both").id)
    numbers = [event.data["trials"] for event in both.events if event.kind == "joined"]
    assert sorted([*numbers[0], *numbers[1]]) == list(range(len(both.trials)))
    for part, of in zip(parts, numbers, strict=True):
        assert of == sorted(of)
        for trial, number in zip(part.trials, of, strict=True):
            there = both.trials[number]
            assert (there.state, there.epochs, there.seed) == (trial.state, trial.epochs, trial.seed)
            assert there.parent == (None if trial.parent is None else of[trial.parent])
        mine = [(of[r.trial], r.epoch, repr(r.metrics), repr(v)) for r, v in part.reports]
        there = [(r.trial, r.epoch, repr(r.metrics), repr(v)) for r, v in both.reports]
        assert [one for one in there if one[0] in of] == mine
        assert [c.trial for c in both.commands if c.trial in of] == [of[c.trial] for c in part.commands]
    into.close()


def test_of_two_that_merge_at_the_same_time_neither_deletes_what_the_other_has_on_record(tmp_path):
    (tmp_path / "theirs").mkdir()
    source = tmp_path / "theirs" / "trial-0-epoch-1.npz"
    source.write_bytes(b"weights")
    wanted = [(source.parent, Checkpoint(0, 1, source.name, 7, 1.0))]
    quicker = CheckpointCopies(tmp_path / "ours", wanted, [source.name])
    slower = CheckpointCopies(tmp_path / "ours", wanted, [source.name])
    with quicker, slower:
        quicker.keep()
    (kept,) = quicker.copied
    assert [file.name for file in (tmp_path / "ours").iterdir()] == [kept.path]
    assert (tmp_path / "ours" / kept.path).read_bytes() == b"weights"
