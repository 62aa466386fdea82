"""Reports, and what has changed since a revision."""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from tunewell.commands import Command, Pause, Resume
from tunewell.errors import StoreError
from tunewell.space.values import Params
from tunewell.stores import Store
from tunewell.testing.records import (
    COMPLETE,
    FAILED,
    PAUSED,
    SESSION,
    STUDY,
    Reader,
    a_life,
    a_trial,
    begin,
    begin_session,
    everything,
    nothing_new,
    spoil,
    values_of,
)
from tunewell.trial import Event, Report

ODD_ORDER = [(1, 1), (0, 1), (0, 2), (1, 2), (0, 1), (1, 3)]
"""Trials and epochs; one was rewound."""


class ReportLaws:
    """Promises of every store: reports, and what has changed since a revision."""

    def test_a_report_is_read_as_it_was_written(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        metrics = {"val_loss": math.nan, "train loss ñ": -0.0, "up": math.inf, "down": -math.inf, "tiny": 5e-324}
        store.report(study, 0, 1, metrics, math.inf, at=1.75e9)
        (report,) = store.reports(study)
        assert (report.trial, report.epoch, report.at) == (0, 1, 1.75e9)
        assert repr(report.metrics) == repr(metrics)  # not-a-number equals nothing, and 0 is -0 to ==
        assert values_of(store, study) == [[0, 1, math.inf]]

    def test_numbers_of_numpy_are_taken(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        loss: Any = np.float32(0.5)  # which is no float to Python
        store.report(study, 0, 1, {"val_loss": loss, "seen": cast("Any", np.int64(3))}, loss, at=1.0)
        assert store.reports(study) == [Report(0, 1, {"val_loss": 0.5, "seen": 3.0}, 1.0)]
        assert values_of(store, study) == [[0, 1, 0.5]]

    def test_reports_come_oldest_first_of_all_trials_or_one(self, store: Store, study: int) -> None:
        written = [Report(trial, epoch, {"val_loss": 0.1 * i}, i) for i, (trial, epoch) in enumerate(ODD_ORDER)]
        begin(store, study, 0)
        begin(store, study, 1)
        for report in written:
            store.report(study, report.trial, report.epoch, report.metrics, report.metrics["val_loss"], report.at)
        assert store.reports(study) == written
        assert store.reports(study, 1) == [report for report in written if report.trial == 1]
        assert values_of(store, study) == [[r.trial, r.epoch, r.metrics["val_loss"]] for r in written]

    def test_a_report_without_the_metric_has_no_value(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        store.report(study, 0, 1, {"train_loss": 1.0}, None, at=1.0)
        store.report(study, 0, 2, {"val_loss": 0.5}, 0.5, at=2.0)
        assert values_of(store, study) == [[0, 2, 0.5]]
        assert [report.epoch for report in store.reports(study)] == [1, 2]

    def test_values_are_read_between_two_revisions(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        revisions = []
        for epoch in range(1, 6):
            store.report(study, 0, epoch, {"val_loss": epoch / 4}, epoch / 4, at=1.0)
            revisions.append(store.changes(study, 0).revision)
        assert values_of(store, study, revisions[0], revisions[3]) == [[0, epoch, epoch / 4] for epoch in (2, 3, 4)]
        assert values_of(store, study, revisions[4]) == []
        store.report(study, 0, 2, {"val_loss": 9.0}, 9.0, at=2.0)  # once more
        assert values_of(store, study, revisions[4]) == [[0, 2, 9.0]]

    def test_it_is_known_how_far_running_trials_are(self, store: Store, study: int) -> None:
        for trial in range(3):
            begin(store, study, trial)
        store.report(study, 1, 1, {"val_loss": 1.0}, 1.0, at=1.0)
        store.report(study, 2, 2, {"train_loss": 1.0}, None, at=1.0)
        store.report(study, 2, 1, {"train_loss": 1.0}, None, at=1.0)
        assert list(store.changes(study, 0).reached) == [(1, 1), (2, 2)]
        assert list(store.changes(study, 10**6).reached) == [(1, 1), (2, 2)]
        store.end_step(study, 2, PAUSED, 2)
        assert list(store.changes(study, 0).reached) == [(1, 1)]

    def test_it_is_known_how_far_a_trial_came_whose_step_is_to_be_done_again(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        for epoch in (1, 2):
            store.report(study, 0, epoch, {"val_loss": 1.0}, 1.0, at=1.0)
        store.end_step(study, 0, FAILED, 2, reason="OSError: no", at=5.0)
        revision = store.changes(study, 0).revision
        store.reopen_trial(study, 0, 1)
        assert list(store.changes(study, revision).reached) == list(store.changes(study, 0).reached) == [(0, 2)]
        assert list(store.changes(study, store.changes(study, 0).revision).reached) == []

    def test_it_is_known_how_many_commands_wait(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        first = store.add_command(study, Command(0, Pause(), 1.0))
        store.add_command(study, Command(0, Resume(), 1.0))
        assert store.changes(study, 0).n_waiting == 2
        store.settle_command(study, replace(first, taken_at=2.0, epoch=1))
        assert store.changes(study, 0).n_waiting == 1

    def test_a_report_to_a_study_that_is_paused_counts_one_more_that_waits(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        store.change_study(study, is_paused=True)
        assert store.report(study, 0, 1, {"val_loss": 1.0}, 1.0, at=1.0) == 1
        store.add_command(study, Command(0, Pause(), 1.0))
        assert store.report(study, 0, 2, {"val_loss": 1.0}, 1.0, at=1.0) == 2
        store.change_study(study, is_paused=False)
        assert store.report(study, 0, 3, {"val_loss": 1.0}, 1.0, at=1.0) == 1

    def test_the_seconds_of_a_study_are_the_most_that_anybody_knew(self, store: Store, study: int) -> None:
        one, other = begin_session(store, study), begin_session(store, study)
        begin(store, study, 0)
        assert store.changes(study, 0).seconds == 0.0
        for given, known in [(2.5, 2.5), (1.0, 2.5), (4.0, 4.0)]:
            store.report(study, 0, 1, {"val_loss": 0.5}, 0.5, at=1.0, seconds=given)
            assert store.changes(study, 0).seconds == known
        store.beat(one, seconds=5.0)
        store.beat(other, seconds=4.5)
        assert store.changes(study, 0).seconds == 5.0
        store.end_session(one, at=2.0, seconds=6.0)
        assert not store.beat(one, seconds=9.0)
        store.end_session(other, at=2.0)
        assert store.changes(study, 0).seconds == 6.0

    def test_the_last_sign_of_a_session_is_of_its_own_trials(self, store: Store, study: int) -> None:
        mine, other = (begin_session(store, study) for _ in range(2))
        assert store.last_sign(mine) == SESSION.started_at
        late = SESSION.started_at + 100.0
        for number, session in enumerate((mine, other)):
            store.begin_step(study, number, replace(a_trial(number), session=session, started_at=late + number))
        assert store.last_sign(mine) == late
        store.report(study, 0, 1, {"val_loss": 1.0}, 1.0, at=late + 10)
        store.report(study, 1, 1, {"val_loss": 1.0}, 1.0, at=late + 90)
        store.report(study, 0, 2, {"val_loss": 1.0}, 1.0, at=late + 5)
        assert (store.last_sign(mine), store.last_sign(other)) == (late + 10, late + 90)
        store.end_step(study, 0, COMPLETE, 2, at=late + 20)
        assert store.last_sign(mine) == late + 20
        with pytest.raises(StoreError, match="no session whose id is 99"):
            store.last_sign(99)

    def test_an_empty_study_has_no_trials_and_no_values(self, store: Store, study: int) -> None:
        changes = store.changes(study, 0)
        assert (changes.n_steps, changes.max_epochs, list(changes.trials)) == (0, None, [])
        assert list(store.values(study, 0, changes.revision)) == []

    def test_changes_are_read_once(self, store: Store, study: int) -> None:
        reader = Reader(store, study)
        for change in a_life(store, study):
            change()
            reader.read()
            assert nothing_new(store, study, store.changes(study, 0))
            assert reader == Reader(store, study).read()
        assert reader.n_changed == 10  # changes of a trial, which the reader read one by one

    def test_studies_do_not_mix(self, store: Store, study: int) -> None:
        other = store.add_study(replace(STUDY, name="letters", uuid="another")).id
        for change in a_life(store, study):
            change()
        begin(store, other, 0)
        store.report(other, 0, 1, {"val_loss": 9.0}, 9.0, at=1.0)
        changes = store.changes(other, 0)
        assert (changes.n_steps, list(changes.trials), values_of(store, other)) == (1, [a_trial(0)], [[0, 1, 9.0]])
        assert len(store.reports(other)) == 1
        assert (store.events(other), store.checkpoints(other), store.sessions(other)) == ([], [], [])

    def test_what_is_read_are_values(self, store: Store) -> None:
        inner = [1]
        space, note, data = {"params": {"x": inner}}, {"seen": inner}, {"why": inner}
        params, metrics = {"x": 0.5}, {"val_loss": 0.5}
        study = store.add_study(replace(STUDY, space=space)).id
        begin(store, study, 0, params=Params(params), note=note)
        store.report(study, 0, 1, metrics, 0.5, at=1.0)
        store.add_event(study, Event("odd", at=1.0, data=data))
        before = repr(everything(store, study))
        inner.append(2)
        params["x"] = metrics["val_loss"] = 99.0
        for theirs in (store.studies()[0].space, store.reports(study)[0].metrics, store.events(study)[0].data):
            spoil(theirs)
        changes = store.changes(study, 0)
        spoil(changes.trials[0].note)
        for part in store.values(study, 0, changes.revision):
            part[:] = 99.0
        assert repr(everything(store, study)) == before
