"""Studies, the versions of their spaces, and their sessions."""

# ruff: noqa: D102  names of tests are sentences

from __future__ import annotations

from dataclasses import replace

import pytest

from tunewell.errors import StoreError, StudyExists, StudyNotFound
from tunewell.stores import Session, SpaceVersion, Store
from tunewell.testing.records import SESSION, STUDY, WIDER, a_trial, begin, begin_session, nothing_new
from tunewell.trial import Event


class StudyLaws:
    """Promises of every store: studies, the versions of their spaces, and their sessions."""

    def test_a_study_is_read_as_it_was_written(self, store: Store) -> None:
        written = store.add_study(STUDY)
        assert written == replace(STUDY, id=written.id)
        assert store.study("digits") == written
        assert store.studies() == [written]

    def test_studies_are_listed_oldest_first(self, store: Store) -> None:
        names = ["b", "a", "Ünïcode 'quoted' 深層"]
        for name in names:
            store.add_study(replace(STUDY, name=name, uuid=f"uuid of {name}"))
        assert [study.name for study in store.studies()] == names

    @pytest.mark.usefixtures("study")
    def test_a_name_is_given_to_one_study(self, store: Store) -> None:
        with pytest.raises(StudyExists, match="digits"):
            store.add_study(replace(STUDY, uuid="another", seed=1))
        assert [known.seed for known in store.studies()] == [STUDY.seed]

    @pytest.mark.usefixtures("study")
    def test_an_unknown_study_is_refused_with_those_there_are(self, store: Store) -> None:
        with pytest.raises(StudyNotFound) as caught:
            store.study("letters")
        assert caught.value.known == ("digits",)

    def test_a_study_can_change_its_budget_and_learn_its_epochs(self, store: Store, study: int) -> None:
        store.change_study(study, budget="900epochs")
        assert store.study("digits") == replace(STUDY, id=study, budget="900epochs")
        before = store.changes(study, 0).revision
        store.change_study(study, max_epochs=50)
        assert store.study("digits") == replace(STUDY, id=study, budget="900epochs", max_epochs=50)
        assert store.changes(study, before).max_epochs == 50
        before = store.changes(study, 0).revision
        store.change_study(study, budget="5trials", is_paused=True, event=Event("paused", 3.0, by="ada"))
        changes = store.changes(study, before)
        assert (changes.revision, changes.budget, changes.is_paused) == (before + 1, "5trials", True)
        assert [(event.kind, event.by) for event in store.events(study)] == [("paused", "ada")]
        assert store.studies()[0].is_paused
        store.change_study(study, min_delta=0.01)
        assert store.study("digits").min_delta == 0.01

    def test_a_study_that_is_not_there_takes_nothing(self, store: Store, study: int) -> None:
        with pytest.raises(StoreError):
            store.changes(study + 1, 0)
        with pytest.raises(StoreError):
            store.begin_step(study + 1, 0, a_trial(0))
        with pytest.raises(StoreError):
            store.add_event(study + 1, Event("lost", at=1.0))
        with pytest.raises(StoreError):
            store.add_space(study + 1, WIDER)
        with pytest.raises(StoreError):
            store.spaces(study + 1)

    def test_a_study_begins_with_the_first_version_of_its_space(self, store: Store, study: int) -> None:
        assert store.spaces(study) == [SpaceVersion(1, STUDY.space, STUDY.created_at)]
        assert store.changes(study, 0).n_spaces == 1

    def test_a_version_of_the_space_is_read_as_it_was_written(self, store: Store, study: int) -> None:
        begin(store, study, 0)
        before = store.changes(study, 0)
        assert store.add_space(study, WIDER)
        assert store.spaces(study)[1:] == [replace(WIDER, first_trial=1)]
        assert store.study("digits").space == WIDER.space
        after = store.changes(study, before.revision)
        assert (after.n_spaces, list(after.trials)) == (2, [])
        assert after.revision > before.revision

    def test_a_version_of_the_space_is_added_once(self, store: Store, study: int) -> None:
        other = store.add_study(replace(STUDY, name="letters", uuid="another")).id
        assert store.add_space(study, WIDER)
        before = store.changes(study, 0)
        for number in (1, 2, 4):
            assert not store.add_space(study, replace(WIDER, number=number, space={}))
        assert nothing_new(store, study, before)
        assert store.add_space(study, replace(WIDER, number=3))
        assert [version.number for version in store.spaces(study)] == [1, 2, 3]
        assert len(store.spaces(other)) == 1

    def test_sessions_are_read_as_they_were_written(self, store: Store, study: int) -> None:
        plain = Session(started_at=1.8e9, host="cluster", pid=1, command="x", directory="/")
        first, second = (begin_session(store, study, session) for session in (SESSION, plain))
        store.end_session(first, at=1.76e9)
        assert store.sessions(study) == [replace(SESSION, id=first, ended_at=1.76e9), replace(plain, id=second)]

    def test_a_session_begins_only_if_its_caller_knows_the_newest(self, store: Store, study: int) -> None:
        other = store.add_study(replace(STUDY, name="letters", uuid="another")).id
        first = store.begin_session(study, SESSION, newest=0)
        assert first is not None
        assert store.begin_session(study, SESSION, newest=0) is None
        assert [session.id for session in store.sessions(study)] == [first]
        assert store.begin_session(other, SESSION, newest=0) is not None
        assert store.begin_session(study, SESSION, newest=first + 1) is None
        second = store.begin_session(study, SESSION, newest=first)
        assert second is not None
        store.end_session(second, at=1.76e9)
        assert store.begin_session(study, SESSION, newest=first) is None
        assert [session.id for session in store.sessions(study)] == [first, second]
        assert first < second
