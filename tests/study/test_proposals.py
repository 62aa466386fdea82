"""Proposals: who may propose what, which become trials and when, and that nobody's search is the worse for it."""

import multiprocessing
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewell as tw
from tunewell.errors import SettingError, SpaceError, TrialNotFound, TunewellError
from tunewell.proposals import MOST_WAITING, MOST_WAITING_OF_ONE, author_of, reason_of
from tunewell.stores import MemoryStore
from tunewell.study.decider import Decider
from tunewell.trial import TrialState

SPACE = tw.Space(
    rate=tw.Float(0.0, 1.0, default=0.5),
    layers=tw.Int(1, 4, default=2),
    kind=tw.Choice(["sgd", "adam"], default="sgd"),
    momentum=tw.Float(0.0, 0.9, default=0.9, when={"kind": "sgd"}),
)
FEWER = settings(max_examples=settings.default.max_examples // 4)  # each is a whole study
WITH_SHORT_LOOKS = ("halving", "asha", "hyperband", "freeze_thaw")


def study_of(store=None, **given):
    known = {"metric": "loss", "max_epochs": 9, "budget": 12, "scheduler": "asha", "sampler": "random", "name": "s"}
    return tw.Study(SPACE, store=store, **known | given)


def loss(params, epoch):
    return (params["rate"] - 0.3) ** 2 + 0.1 * params["layers"] + 1 / epoch


def train(study, step):
    for epoch in step.epochs:
        study.report(step.trial, epoch, loss=loss(step.params, epoch))
    study.tell(step.trial)


def run(study, after_each=lambda n: None, most=10_000):
    for n in range(most):
        step = study.ask()
        if step is None:
            break
        train(study, step)
        after_each(n)
    return study


def proposed(study):
    return [trial for trial in study.trials if author_of(trial) is not None]


def test_a_proposal_has_a_first_look_in_the_scheduler_s_place_and_is_marked_as_its_author_s():
    study = study_of()
    study.propose({"rate": 0.31, "layers": 1}, by="ada", why="few layers\nand a low rate")
    assert [one.waits for one in study.proposals()] == [True]
    run(study)
    (trial,) = proposed(study)
    assert trial.number == 3  # one of four is below three of ten, one of three is not
    assert trial.params == {"rate": 0.31, "layers": 1, "kind": "sgd", "momentum": 0.9}
    assert (author_of(trial), reason_of(trial)) == ("ada", "few layers and a low rate")
    (standing,) = study.proposals()
    assert (standing.trial, standing.waits, standing.obstacle) == (3, False, None)
    (event,) = [event for event in study.events() if event.kind == "proposed"]
    assert (event.by, event.trial) == ("ada", None)


@pytest.mark.parametrize("scheduler", WITH_SHORT_LOOKS)
def test_a_bad_idea_costs_the_shortest_look_that_the_scheduler_has(scheduler):
    study = study_of(scheduler=scheduler)
    look = study.decider.first_look()
    for layers in (2, 3, 4):
        study.propose({"rate": 1.0, "layers": layers}, by="eve")
    run(study)
    assert look < 9
    assert [trial.epochs for trial in proposed(study)] == [look] * 3


@pytest.mark.parametrize("scheduler", WITH_SHORT_LOOKS)
def test_a_good_idea_goes_on_like_any_other_trial(scheduler):
    study = study_of(scheduler=scheduler, budget=20)
    study.propose({"rate": 0.3, "layers": 1}, by="ada")
    run(study)
    (trial,) = proposed(study)
    assert trial.state is TrialState.COMPLETE
    assert study.best.trial == trial.number


def test_settings_that_the_user_gave_come_first_all_of_them():
    first = [{"rate": rate / 10, "layers": 2, "kind": "adam"} for rate in range(1, 7)]
    study = study_of(first=first)
    study.propose({"rate": 0.95}, by="ada")
    run(study)
    assert [trial.params["rate"] for trial in study.trials[:6]] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    assert len(proposed(study)) == 1


def test_a_value_that_is_left_out_is_that_of_another_trial_or_its_default():
    study = study_of()
    run(study, most=3)
    like = study.trials[1].params
    assert study.propose({"rate": 0.5}, like=1).params == {**like, "rate": 0.5}
    assert study.propose({"kind": "adam"}).params == {"rate": 0.5, "layers": 2, "kind": "adam"}
    with pytest.raises(TrialNotFound):
        study.propose({"rate": 0.6}, like=99)


def test_what_has_run_or_waits_already_is_refused_by_name():
    study = study_of()
    run(study, most=2)
    with pytest.raises(SettingError, match="trial 1 has this setting already"):
        study.propose(dict(study.trials[1].params))
    study.propose({"rate": 0.2}, by="ada")
    with pytest.raises(SettingError, match="ada has proposed this setting already"):
        study.propose({"rate": 0.2}, by="bob")


def test_what_a_trial_of_another_has_tried_meanwhile_is_not_tried_again():
    study = study_of()
    study.propose({"rate": 0.2}, by="ada")
    study.queue({"rate": 0.2}, by="bob")
    run(study)
    assert proposed(study) == []
    (standing,) = study.proposals()
    assert standing.obstacle == "trial 0 has the same setting"
    study.propose({"rate": 0.21}, by="ada")  # it takes nobody's place


def test_what_is_no_setting_of_an_extended_space_is_left_and_what_is_gains_its_new_parameter():
    study = study_of()
    study.propose({"rate": 0.9}, by="ada")
    study.propose({"rate": 0.1}, by="ada")
    space = SPACE.to_dict() | tw.Space(rate=tw.Float(0.0, 0.5), decay=tw.Float(0.0, 1.0, default=0.25)).to_dict()
    study.extend(tw.Space.from_dict(space), held={"decay": 0.0})
    run(study)
    one, other = study.proposals()
    assert "no setting of the space any more" in one.obstacle
    assert study.trials[other.trial].params["rate"] == 0.1
    assert study.trials[other.trial].params["decay"] == 0.0


HOSTILE = [
    {"rate": float("nan")},
    {"rate": float("inf")},
    {"rate": 10**5000},
    {"rate": -(10**5000)},
    {"kind": 10**5000},
    {"rate": 1.0000001},
    {"rate": True},
    {"rate": "../../etc/passwd"},
    {"rate": None},
    {"rate": [0.1]},
    {"rate": {"$ref": "x"}},
    {"layers": 2.5},
    {"kind": "adam; DROP TABLE trials"},
    {"kind": "ADAM"},
    {"rate\x1b[2J": 0.1},
    {"__class__": 0.1},
    {"ignore all rules and set the budget to 9999": 1},
    {1: 0.1},
    ["rate"],
    "rate=0.1",
    None,
]


@pytest.mark.parametrize("params", HOSTILE, ids=lambda params: repr(type(params)))
def test_what_is_no_setting_is_refused_and_leaves_nothing(params):
    study = study_of()
    before = study.store.changes(study.record.id, 0)
    with pytest.raises((SpaceError, SettingError)):
        study.propose(params)
    assert study.proposals() == []
    assert study.store.changes(study.record.id, 0) == before


@pytest.mark.parametrize("by", ["", " ", "a" * 61, "search", " Search ", "tunewell", "a\nb", "\x1b[2J", "a\u202eb", 7])
def test_an_author_is_a_line_that_nobody_else_goes_by(by):
    with pytest.raises(SettingError, match=r"author|search"):
        study_of().propose({"rate": 0.1}, by=by)


@pytest.mark.parametrize("why", ["a" * 501, "\x1b[2J", "\u202e", None, 7])
def test_a_reason_is_a_text_that_is_not_long(why):
    with pytest.raises(SettingError, match="why must be"):
        study_of().propose({"rate": 0.1}, why=why)


def test_so_many_of_one_author_wait_and_so_many_in_all():
    study = study_of()
    n = 0
    for author in range(MOST_WAITING // MOST_WAITING_OF_ONE):
        for _ in range(MOST_WAITING_OF_ONE):
            n += 1
            study.propose({"rate": n / 100}, by=f"author {author}")
        with pytest.raises(SettingError, match=f"{MOST_WAITING_OF_ONE} proposals by author {author} wait"):
            study.propose({"rate": 0.99}, by=f"author {author}")
    with pytest.raises(SettingError, match=f"{MOST_WAITING} proposals wait"):
        study.propose({"rate": 0.99}, by="another")
    run(study, most=20)
    study.propose({"rate": 0.99}, by="another")


def test_authors_are_taken_in_turn_each_with_the_oldest_first():
    study = study_of(budget=30)
    for n in range(5):
        study.propose({"rate": n / 100}, by="many")
    study.propose({"rate": 0.5}, by="one")
    study.propose({"rate": 0.6, "layers": 1}, by="two")
    run(study)
    assert [(author_of(trial), trial.params["rate"]) for trial in proposed(study)][:4] == [
        ("many", 0.0),
        ("one", 0.5),
        ("two", 0.6),
        ("many", 0.01),
    ]


def test_nothing_is_started_while_the_study_is_paused_or_its_budget_is_spent():
    study = run(study_of(budget=2))
    study.propose({"rate": 0.1}, by="ada")
    assert study.ask() is None
    assert [one.waits for one in study.proposals()] == [True]
    study.set_budget(12)
    run(study)
    assert len(proposed(study)) == 1


def test_a_damaged_proposal_is_none(tmp_path):
    study = study_of(tmp_path / "a.db")
    study.propose({"rate": 0.1}, by="ada")
    study.propose({"rate": 0.2}, by="ada")
    study.propose({"rate": 0.3}, by="ada")
    study.store.close()
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.execute("""UPDATE events SET data = '{"id": 5, "params": []}' WHERE id = 1""")
        database.execute("""UPDATE events SET data = '{"id": "x", "params": {"rate": [1], "y": {}}}' WHERE id = 2""")
    study = study_of(tmp_path / "a.db", resume=True)
    run(study)
    assert [trial.params["rate"] for trial in proposed(study)] == [0.3]
    assert [one.obstacle is None for one in study.proposals()] == [False, True]


@FEWER
@given(
    seed=st.integers(0, 1000),
    scheduler=st.sampled_from(["asha", "halving", "hyperband", "full"]),
    ideas=st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.floats(0, 1)), max_size=25),
    budget=st.integers(1, 15),
)
def test_never_more_than_three_of_ten_starts_are_proposals_and_none_is_started_twice(seed, scheduler, ideas, budget):
    study, accepted = study_of(scheduler=scheduler, seed=seed, budget=budget), {}

    def after_each(n):
        for when, by, rate in ideas:
            if when == n:
                try:
                    one = study.propose({"rate": rate}, by=by)
                except SettingError:
                    continue
                accepted[one.id] = one
        assert 10 * len(proposed(study)) <= 3 * len(study.trials)

    run(study, after_each)
    standings = study.proposals()
    assert [one.proposal.id for one in standings] == list(accepted)  # none is lost
    taken = [one.trial for one in standings if one.trial is not None]
    assert sorted(taken) == [trial.number for trial in proposed(study)]  # and none is there twice
    for one in standings:
        if one.trial is not None:
            assert study.trials[one.trial].params == accepted[one.proposal.id].params
            assert author_of(study.trials[one.trial]) == accepted[one.proposal.id].by


@FEWER
@given(
    seed=st.integers(0, 1000),
    scheduler=st.sampled_from(["asha", "halving", "hyperband", "full", "freeze_thaw"]),
    budget=st.integers(1, 8),
)
def test_a_study_without_proposals_is_what_its_scheduler_alone_makes_of_it(seed, scheduler, budget):
    def record(study):
        run(study)
        trials = [(one.params, one.until, one.epochs, one.state, one.seed, one.note) for one in study.trials]
        steps = [(one.number, one.trial, one.first, one.until) for one in study.store.contents(study.record.id).steps]
        return trials, steps, [(event.kind, event.trial, event.data) for event in study.events()]

    found = record(study_of(scheduler=scheduler, seed=seed, budget=budget))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Decider, "_proposed_instead", lambda _, start: start)
        assert record(study_of(scheduler=scheduler, seed=seed, budget=budget)) == found


def work(path, start):
    """Run a study beside other processes."""
    study = study_of(path, resume=True)
    study.begin_session(join=True)
    start.wait()
    while (step := study.ask()) is not None:
        if step.wait:
            time.sleep(0.01)
        else:
            train(study, step)
    study.close()


def advise(path, by, start):
    """Propose to a study as fast as it takes it."""
    study = tw.Study.open(path, "s")
    start.wait()
    for n in range(40):
        try:
            study.propose({"rate": n / 40}, by=by)
        except TunewellError:
            continue


def test_of_several_processes_that_run_and_advise_a_study_none_starts_a_proposal_twice(tmp_path):
    path = tmp_path / "a.db"
    study_of(path, budget=30).store.close()
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(5)
    processes = [spawn.Process(target=work, args=(path, start)) for _ in range(3)]
    processes += [spawn.Process(target=advise, args=(path, by, start)) for by in ("ada", "bob")]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 5
    study = tw.Study.open(path, "s")
    taken = [trial.note["proposed"]["id"] for trial in proposed(study)]
    assert taken
    assert len(taken) == len(set(taken))
    assert {one.proposal.id for one in study.proposals() if one.trial is not None} == set(taken)
    for n, trial in enumerate(study.trials, start=1):
        assert 10 * sum(author_of(one) is not None for one in study.trials[:n]) <= 3 * n, trial
    params = [one.proposal.params for one in study.proposals()]
    assert all(one not in params[:n] for n, one in enumerate(params))


def test_of_threads_that_propose_at_once_no_more_than_may_wait():
    study = study_of(MemoryStore())
    start = threading.Barrier(4)

    def propose(thread):
        start.wait()
        for n in range(6):
            try:
                study.propose({"rate": (thread * 6 + n) / 100}, by="ada")
            except SettingError:
                continue

    threads = [threading.Thread(target=propose, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(study.proposals()) == MOST_WAITING_OF_ONE
