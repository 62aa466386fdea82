"""Studies that are copied whole, and trials that were trained elsewhere."""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from tunewell.commands import Command, Pause
from tunewell.errors import StoreError, StudyExists, TrialEnded, TrialNotFound
from tunewell.space.values import Params
from tunewell.stores import MemoryStore, Store
from tunewell.testing.records import (
    COMPLETE,
    ELSEWHERE,
    HELD,
    STUDY,
    Reader,
    a_life,
    a_trial,
    begin,
    begin_session,
    everything,
    in_common,
    renamed,
    values_of,
    whole_life,
)
from tunewell.trial import Event, Report


def _ending_early(reports: Iterable[object]) -> Iterator[Any]:
    """Yield some of the reports, and fail."""
    yield next(iter(reports))
    raise StoreError("the rest of them is gone")


class CopyLaws:
    """Promises of every store: studies that are copied whole, and trials that were trained elsewhere."""

    def test_a_study_is_copied_as_it_is(self, store: Store, study: int) -> None:
        for change in a_life(store, study):
            change()
        contents = store.contents(study)
        assert repr(list(contents.reports)) == repr(list(contents.reports))  # read anew
        memory = MemoryStore()
        there = memory.add_contents(contents)
        back = store.add_contents(replace(memory.contents(there.id), record=renamed(there, "copy")))
        assert store.studies() == [store.study("digits"), back]
        assert in_common(store.contents(back.id)) == in_common(memory.contents(there.id)) == in_common(contents)
        assert whole_life(store, back.id) == whole_life(store, study)

    def test_a_copy_goes_on_by_itself(self, store: Store, study: int) -> None:
        for change in a_life(store, study):
            change()
        before = whole_life(store, study)
        copy = store.add_contents(replace(store.contents(study), record=renamed(STUDY, "copy"))).id
        assert store.changes(copy, 0).n_steps == store.changes(study, 0).n_steps
        store.report(copy, 2, 1, {"val_loss": 0.125}, 0.125, at=9.0)
        begin(store, copy, 3)
        store.end_session(store.sessions(copy)[0].id, 9.0)
        command = store.add_command(copy, Command(3, Pause(), 9.0))
        assert store.settle_command(copy, replace(command, taken_at=9.5), Event("steered", 9.5, 3))
        assert whole_life(store, study) == before
        assert values_of(store, copy)[-1] == [2, 1, 0.125]

    def test_a_copied_trial_is_in_the_copied_session(self, store: Store, study: int) -> None:
        begin_session(store, study)
        session = begin_session(store, study)
        assert store.begin_step(study, 0, replace(a_trial(0), session=session))
        assert store.begin_step(study, 1, replace(a_trial(1), session=99))  # of which nothing is known
        copy = store.add_contents(replace(store.contents(study), record=renamed(STUDY, "copy"))).id
        copied = [one.id for one in store.sessions(copy)]
        assert len({*copied, *(one.id for one in store.sessions(study))}) == 4
        assert [trial.session for trial in store.changes(copy, 0).trials] == [copied[1], 0]
        assert [step.session for step in store.contents(copy).steps] == [copied[1], 0]
        assert store.take_step(copy, 0, of=copied[1], session=copied[0])

    def test_nothing_is_copied_to_a_name_or_uuid_that_is_taken(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        contents, before = store.contents(study), everything(store, study)
        for record in (replace(STUDY, uuid="another"), replace(STUDY, name="another")):
            with pytest.raises(StudyExists, match="has a study 'digits' already"):
                store.add_contents(replace(contents, record=record))
        assert everything(store, study) == before

    def test_a_copy_is_all_there_or_not_at_all(self, store: Store, study: int) -> None:
        for change in a_life(store, study):
            change()
        contents, before = store.contents(study), repr(everything(store, study))
        with pytest.raises(StoreError, match="gone"):
            store.add_contents(
                replace(contents, record=renamed(STUDY, "copy"), reports=_ending_early(list(contents.reports)))
            )
        with pytest.raises(StoreError, match="gone"):
            store.replace_contents(study, replace(contents, reports=_ending_early(list(contents.reports))))
        assert repr(everything(store, study)) == before

    def test_a_study_is_replaced_by_more_of_it(self, store: Store, study: int) -> None:
        life = list(a_life(store, study))
        for change in life[:12]:
            change()
        copy = store.add_contents(replace(store.contents(study), record=renamed(STUDY, "copy")))
        reader = Reader(store, copy.id).read()
        for change in life[12:]:
            change()
        more = replace(store.contents(study), revision=store.contents(copy.id).revision)
        assert store.replace_contents(copy.id, more)
        assert not store.replace_contents(copy.id, more)  # it has been written to since
        assert store.study("copy") == replace(store.study("digits"), id=copy.id, name="copy", uuid=copy.uuid)
        assert whole_life(store, copy.id) == whole_life(store, study)
        assert reader.read().trials == Reader(store, copy.id).read().trials
        assert len(store.commands(copy.id, since=more.revision)) == len(store.commands(copy.id)) == 1
        with pytest.raises(StoreError, match="no study whose id is 99"):
            store.replace_contents(99, more)
        with pytest.raises(StoreError, match="no study whose id is 99"):
            store.contents(99)

    def test_reports_are_read_by_revision_with_all_their_metrics(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        since = store.changes(study, 0).revision
        store.report(study, 0, 1, {"val_loss": 0.5, "acc": math.inf}, 0.5, at=1.0)
        until = store.changes(study, 0).revision
        store.report(study, 0, 2, {"acc": 0.25}, None, at=2.0)
        last = store.changes(study, 0).revision
        first, second = Report(0, 1, {"val_loss": 0.5, "acc": math.inf}, 1.0), Report(0, 2, {"acc": 0.25}, 2.0)
        assert store.new_reports(study, 0, last) == [first, second]
        assert store.new_reports(study, since, until) == [first]
        assert store.new_reports(study, until, last) == [second]
        assert store.new_reports(study, last, last) == []

    def test_trials_of_elsewhere_come_with_their_reports(self, store: Store, study: int) -> None:
        known = Reader(store, study).read()
        trial = replace(ELSEWHERE, number=0, state=HELD)
        branch = replace(trial, number=1, state=COMPLETE, parent=0, parent_epoch=1, epochs=2, until=2, ended_at=9.0)
        reports = [Report(0, 1, {"val_loss": math.nan, "acc": 0.5}, 1.0), Report(1, 2, {"val_loss": 0.5}, 2.0)]
        event = Event("imported", 3.0, trial=1, data={"from": "a table"})
        store.add_recorded(study, [trial, branch], [(reports[0], math.inf), (reports[1], 0.5)], [event])
        known.read()
        assert list(known.trials.values()) == [trial, branch]
        assert known.values == [[0, 1, math.inf], [1, 2, 0.5]]
        assert repr(store.reports(study)) == repr(reports)
        assert store.events(study) == [event]
        assert known.n_steps == 0

    def test_a_trial_of_elsewhere_grows(self, store: Store, study: int) -> None:
        trial = replace(ELSEWHERE, number=0)
        store.add_recorded(study, [trial], [(Report(0, 1, {"val_loss": 0.5}, 1.0), 0.5)])
        known = Reader(store, study).read()
        ended = {"state": COMPLETE, "epochs": 2, "until": 2, "ended_at": 9.0, "note": {"source": "run 7", "n": 1}}
        grown = replace(trial, **cast("Any", ended))
        other = {"params": Params({"x": 9.0}), "seed": 8, "started_at": 6.0}
        store.add_recorded(
            study, [replace(grown, **cast("Any", other))], [(Report(0, 2, {"val_loss": 0.25}, 2.0), 0.25)]
        )
        known.read()
        assert known.trials == {0: grown}  # what it was begun with stays
        assert known.values == [[0, 1, 0.5], [0, 2, 0.25]]

    def test_a_trial_that_was_trained_here_is_not_written_over(self, store: Store, study: int) -> None:
        session = begin_session(store, study)
        assert store.begin_step(study, 0, replace(a_trial(0), session=session))
        with pytest.raises(TrialEnded):
            store.add_recorded(study, [replace(ELSEWHERE, number=0)])
        with pytest.raises(TrialNotFound):
            store.add_recorded(study, [replace(ELSEWHERE, number=1), replace(ELSEWHERE, number=3)])
        assert list(Reader(store, study).read().trials) == [0]  # of the second call there is nothing
