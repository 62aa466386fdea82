"""Who may run a study, alone or beside others. With real processes, which begin, fork and die."""

import inspect
import multiprocessing
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial

import pytest

import tunewell as tw
from tunewell.errors import SettingError, StepTaken, StoreError, StudyBusy, TrialEnded
from tunewell.runners.base import StepResult
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.tune import drive
from tunewell.stores import MemoryStore, Session, open_store
from tunewell.study import provenance, sessions
from tunewell.testing.records import SESSION, a_trial
from tunewell.trial import TrialState

HERE = socket.gethostname()


def make(store):
    return tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", max_epochs=3, scheduler="full", store=store, resume=True
    )


def script(code, file):
    """A process of its own, which may make the study."""
    whole = f"import os, signal, sys\nimport tunewell as tw\n{inspect.getsource(make)}\nfile = sys.argv[1]\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", whole, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tunewell.db"


@pytest.fixture(params=["memory", "file"])
def store(request, file):
    with closing(MemoryStore() if request.param == "memory" else open_store(file)) as store:
        yield store


def ask_at_once(file, start, answers):
    """A process that resumes a study at the same moment as others, and holds it until all have tried."""
    study = make(file)
    start.wait()
    try:
        answers.put(study.ask().trial)
    except StudyBusy:
        answers.put("busy")
    start.wait()


def killed_session(study):
    """One whose process is gone, put on record as if by it."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return study.store.begin_session(study.record.id, Session(time.time(), HERE, process.pid, "tunewell", "/"))


def test_of_processes_that_resume_a_killed_study_at_once_one_runs_it(file):
    study = make(file)
    killed_session(study)
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(4), spawn.Queue()
    processes = [spawn.Process(target=ask_at_once, args=(file, start, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    assert sorted((answers.get(timeout=60) for _ in processes), key=str) == [0, "busy", "busy", "busy"]
    for process in processes:
        process.join()
    assert len(study.store.sessions(study.record.id)) == 2


def test_of_threads_that_resume_a_study_at_once_one_runs_it(store):
    make(store)
    for n in range(5):
        studies = [make(store) for _ in range(4)]
        start = threading.Barrier(4)
        answers = []

        def ask(study, start=start, answers=answers):
            start.wait()
            try:
                answers.append(study.ask().trial)
            except StudyBusy:
                answers.append("busy")

        threads = [threading.Thread(target=ask, args=(study,)) for study in studies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers, key=str) == [0, "busy", "busy", "busy"], n
        for study in studies:
            study.close()


def test_another_study_of_the_same_process_waits_its_turn(store):
    first, second = make(store), make(store)
    step = first.ask()
    first.report(step.trial, 1, loss=1.0)
    with pytest.raises(StudyBusy, match=rf"process {os.getpid()} on .*; that is this process: close\(\) the other"):
        second.ask()
    first.report(step.trial, 2, loss=0.5)  # its step was not taken away
    first.close()
    assert second.ask().epochs == range(3, 4)


def test_a_study_that_nobody_holds_any_more_is_not_run_by_anybody(store):
    first = make(store)
    step = first.ask()
    first.report(step.trial, 1, loss=1.0)
    del first
    assert make(store).ask().epochs == range(2, 4)


def test_two_studies_of_a_process_do_not_hinder_each_other(tmp_path):
    first, second = make(tmp_path / "a.db"), make(tmp_path / "b.db")
    assert (first.ask().trial, second.ask().trial) == (0, 0)


def test_a_session_whose_end_cannot_be_written_is_over_all_the_same(file):
    study = make(file)
    study.begin_session()
    study.store.close()
    with pytest.raises(StoreError, match="closed"):
        study.close()
    assert make(file).ask().trial == 0


class _Overtaken(MemoryStore):
    """One in which somebody else is quicker, right before a session is to begin."""

    quicker = None

    def begin_session(self, study_id, session, *, newest=None):
        if self.quicker is not None:
            quicker, self.quicker = self.quicker, None
            quicker()
        return super().begin_session(study_id, session, newest=newest)


def test_one_that_was_overtaken_finds_the_study_busy():
    store = _Overtaken()
    first, second = make(store), make(store)
    store.quicker = second.ask
    with pytest.raises(StudyBusy):
        first.ask()
    assert [trial.session for trial in second.trials] == [session.id for session in store.sessions(first.record.id)]


def test_one_that_was_overtaken_does_nothing_that_the_other_has_done():
    store = _Overtaken()
    step = make(store).ask()  # by a study that nobody holds any more
    first, second = make(store), make(store)

    def quicker():
        assert second.ask() == step
        for epoch in step.epochs:
            second.report(step.trial, epoch, loss=1.0)
        second.tell(step.trial)
        second.close()

    store.quicker = quicker
    assert first.ask().trial == step.trial + 1


def test_the_last_word_of_a_session_that_died_meanwhile_is_heard():
    store = _Overtaken()
    first = make(store)
    step = first.ask()
    study = first.record.id
    del first
    store.quicker = partial(store.end_step, study, step.trial, TrialState.STOPPED, 1, at=time.time())
    assert make(store).ask().trial == step.trial + 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_of_a_process_that_runs_a_study_does_not_run_it_too_but_inherits_it(file):
    code = """
mine = make(file)
mine.report(mine.ask().trial, 1, loss=1.0)
if os.fork():
    signal.pause()
parent = os.getppid()
theirs = make(file)
try:
    theirs.ask()
except tw.errors.StudyBusy as error:
    print("busy", error.pid == parent)
os.kill(parent, signal.SIGKILL)
while os.getppid() == parent:
    pass
print("epochs", *theirs.ask().epochs)
"""
    with script(code, file) as process:
        assert process.stdout.readlines() == ["busy True\n", "epochs 2 3\n"]


def test_a_study_whose_process_was_killed_goes_on_at_once(file):
    code = "mine = make(file); mine.report(mine.ask().trial, 1, loss=1.0); print('ready', flush=True); input()"
    with script(code, file) as process:
        process.stdout.readline()
        study = make(file)
        (running,) = study.store.sessions(study.record.id)
        assert running.pid == process.pid
        assert provenance.is_running(running.pid, running.process)
        with pytest.raises(StudyBusy, match=str(process.pid)):
            study.ask()
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its number is not free yet
        assert study.ask().epochs == range(2, 4)
    ended = study.store.sessions(study.record.id)[0].ended_at
    assert ended == study.reports(0)[0].at


def test_a_process_with_the_number_of_a_killed_one_does_not_keep_a_study_busy(store):
    study = make(store)
    session = Session(time.time(), HERE, os.getppid(), "tunewell", "/", process="another-boot:1")
    study.store.begin_session(study.record.id, session)
    if provenance.gather().process is None:
        pytest.skip("this system does not tell when a process began")
    assert study.ask().trial == 0


def test_an_old_session_with_the_number_of_this_process_does_not_keep_a_study_busy(store):
    study = make(store)
    study.store.begin_session(study.record.id, Session(time.time(), HERE, os.getpid(), "tunewell", "/"))
    assert study.ask().trial == 0


# --- sessions of another machine, whose processes cannot be looked up


LEASE_S = 0.3


@pytest.fixture
def lease(monkeypatch):
    monkeypatch.setenv("TUNEWELL_LEASE", str(LEASE_S))


def run_elsewhere(study, began):
    """Another machine's session, in the first step of the study; answers its id."""
    here = provenance.gather()  # the number of a process that runs, but not there
    session = Session(began, "elsewhere", here.pid, "tunewell", "/", process=here.process)
    session = study.store.begin_session(study.record.id, session)
    assert study.store.begin_step(study.record.id, 0, replace(a_trial(0), session=session))
    return session


@pytest.fixture
def beating():
    """Raises a session's beats until the test is over."""
    over, threads = threading.Event(), []

    def beat(store, session):
        while not over.wait(LEASE_S / 10):
            store.beat(session)

    def begin(store, session):
        threads.append(threading.Thread(target=beat, args=(store, session)))
        threads[-1].start()

    yield begin
    over.set()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("lease")
def test_a_study_that_another_machine_runs_is_busy(store, beating):
    study = make(store)
    beating(store, run_elsewhere(study, time.time() - 1e6))  # however long ago it began
    with pytest.raises(StudyBusy, match=r"on elsewhere; .* work beside it: tunewell worker study"):
        study.ask()


@pytest.mark.usefixtures("lease")
def test_a_study_that_another_machine_has_left_goes_on_when_its_lease_is_over(store):
    study = make(store)
    session = run_elsewhere(study, time.time())
    store.report(study.record.id, 0, 1, {"loss": 1.0}, 1.0, at=12.0, session=session)
    began = time.monotonic()
    assert study.ask().epochs == range(2, 4)
    assert time.monotonic() - began > LEASE_S
    (event,) = study.events(0)
    assert (event.kind, event.epoch) == ("interrupted", 1)


@pytest.mark.parametrize("sign", ["report", "end"])
@pytest.mark.usefixtures("lease")
def test_a_killed_session_ended_when_it_was_last_heard_of(store, sign):
    study = make(store)
    session = run_elsewhere(study, 10.0)
    if sign == "report":
        store.report(study.record.id, 0, 1, {"loss": 1.0}, 1.0, at=12.0, session=session)
    else:
        store.end_step(study.record.id, 0, TrialState.STOPPED, 1, at=12.0, session=session)
    study.ask()
    assert store.sessions(study.record.id)[0].ended_at == 12.0


@pytest.mark.parametrize("lease", ["0", "-3", "soon", "inf", "nan"])
def test_a_lease_that_cannot_be_is_refused(store, monkeypatch, lease):
    monkeypatch.setenv("TUNEWELL_LEASE", lease)
    with pytest.raises(SettingError, match="TUNEWELL_LEASE"):
        make(store).ask()


# --- several at a time


def joined(store):
    study = make(store)
    study.begin_session(join=True)
    return study


def test_those_that_join_get_steps_of_their_own(store):
    first, second = make(store), make(store)
    steps = [first.ask()]
    second.begin_session(join=True)
    steps += [second.ask(), first.ask(), second.ask()]
    assert [step.trial for step in steps] == [0, 1, 2, 3]
    for study, step in zip((first, second, first, second), steps, strict=True):
        for epoch in step.epochs:
            study.report(step.trial, epoch, loss=1.0)
        study.tell(step.trial)
    assert [trial.state for trial in first.trials] == [TrialState.COMPLETE] * 4
    assert len({trial.session for trial in first.trials}) == 2


def test_a_trial_whose_process_ended_goes_on_in_another(store):
    first, second = joined(store), joined(store)
    step = first.ask()
    first.report(step.trial, 1, loss=1.0)
    first.close()
    again = second.ask()
    assert (again.trial, again.epochs) == (step.trial, range(2, 4))
    assert again.seed == step.seed


@pytest.mark.usefixtures("lease")
def test_one_that_was_silent_for_its_lease_has_lost_its_trial_and_goes_on_with_another(file):
    silent, other = joined(open_store(file)), joined(open_store(file))
    step = silent.ask()
    silent.report(step.trial, 1, loss=1.0)
    with _no_thread_beats():
        # in another process it would be stopped; in this one all sessions count as alive that somebody holds
        sessions._going_on.pop(sessions._key(silent._lease.session))
        taken = other.ask()
    assert (taken.trial, taken.epochs) == (step.trial, range(2, 4))
    with pytest.raises(StepTaken, match="trial 0 was taken up"):
        silent.report(step.trial, 2, loss=0.5)
    with pytest.raises(TrialEnded):
        silent.tell(step.trial)
    other.report(taken.trial, 2, loss=0.25)
    assert [report.metrics["loss"] for report in other.reports(0)] == [1.0, 0.25]
    silent._lease.beat()  # it finds that it was counted as gone
    assert silent.ask().trial == 1
    assert len(other.store.sessions(other.record.id)) == 3


@contextmanager
def _no_thread_beats():
    held = dict(sessions._hearts)
    sessions._hearts[os.getpid()] = type(held[os.getpid()])()
    yield
    sessions._hearts.update(held)


@pytest.mark.parametrize("jump", [-1e7, 1e7])
def test_a_clock_that_jumps_takes_no_trial_from_anybody_and_spends_no_budget(file, jump, monkeypatch):
    monkeypatch.setattr(sessions, "_LOOK_S", 0.0)
    code = "mine = make(file); mine.report(mine.ask().trial, 1, loss=1.0); print('ready', flush=True); input()"
    with script(code, file) as process:
        process.stdout.readline()
        study = make(file)
        study.budget = tw.Budget.parse("1h")
        study.begin_session(join=True)
        monkeypatch.setattr(time, "time", lambda now=time.time: now() + jump)
        assert study.ask().trial == 1
        assert not study.out_of_time
        process.communicate("\n")
    assert study.ask().trial == 0


def test_what_was_taken_meanwhile_is_not_tried_again(store):
    silent, other = joined(store), joined(store)
    step = silent.ask()
    silent.report(step.trial, 1, loss=1.0)
    assert store.take_step(silent.record.id, step.trial, of=silent._lease.session.id, session=other._lease.session.id)
    with pytest.raises(StepTaken):
        silent.again(step.trial)
    assert silent.ask().trial == 1


def test_those_that_join_share_the_time_that_is_left(file):
    code = "mine = make(file); mine.ask(); mine.report(0, 1, loss=1.0); print('ready', flush=True); input()"
    with script(code, file) as process:
        process.stdout.readline()
        with closing(open_store(file)) as store:
            study = joined(store)
            assert study.spent.seconds >= store.changes(study.record.id, 0).seconds > 0
        process.communicate("\n")


@pytest.mark.parametrize("jump", [-1e5, 1e5])
def test_a_session_lasts_as_long_as_it_does_whatever_the_clock_says(store, jump, monkeypatch):
    study = make(store)
    study.ask()
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + jump)
    study.close()
    (session,) = store.sessions(study.record.id)
    assert 0 <= session.ended_at - session.started_at < 60


@pytest.mark.usefixtures("lease")
def test_a_process_that_another_container_counts_is_known_by_its_beats(store):
    study = make(store)
    here = provenance.gather()
    if here.process is None or here.process.count(":") < 2:
        pytest.skip("there is no /proc here")
    boot, tick, namespace = here.process.split(":")
    nobody = 2**22 + 1  # is no number of a process
    elsewhere = Session(time.time(), HERE, nobody, "tunewell", "/", process=f"{boot}:{tick}:{int(namespace) + 1}")
    number = store.begin_session(study.record.id, elsewhere)
    store.begin_step(study.record.id, 0, replace(a_trial(0), until=3, session=number))
    other = joined(store)
    assert other.ask().trial == 1  # it may go on
    time.sleep(1.5 * LEASE_S + sessions._LOOK_S)
    assert other.ask().trial == 0


class _Clock:
    """One that does not jump, in this process's place."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(sessions.time, "monotonic", lambda: self.now)


def test_time_that_several_spent_together_counts_once(store, monkeypatch):
    clock = _Clock(monkeypatch)
    one = joined(store)
    clock.now += 10.0
    one._lease.beat()
    other = joined(store)
    clock.now += 5.0
    one.close()
    clock.now += 4.0
    other.close()
    clock.now += 1000.0  # nobody runs it
    third = joined(store)
    clock.now += 1.0
    assert third.spent.seconds == 20.0
    third.close()
    assert make(store).spent.seconds == 20.0


@pytest.mark.parametrize("jump", [-1e5, 1e5])
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_clock_that_was_set_spends_no_time_after_a_resume(file, jump, is_killed):
    code = f"""
import time
study = make(file)
step = study.ask()
study.report(step.trial, 1, loss=1.0)
time.time = lambda now=time.time: now() + {jump}
study.report(step.trial, 2, loss=1.0)
if {is_killed}:
    os.kill(os.getpid(), signal.SIGKILL)
study.close()
"""
    with script(code, file) as process:
        process.communicate()
    with closing(open_store(file)) as store:
        study = make(store)
        assert 0 < study.spent.seconds < 60
        study.budget = tw.Budget.parse("1h")
        assert study.ask() is not None
        study.close()
        with sqlite3.connect(file) as database:  # and what the sessions' times say is nobody's concern
            database.execute("UPDATE sessions SET started_at = started_at - ?", (jump,))
        database.close()
        assert 0 < make(store).spent.seconds < 60


def test_a_driver_lets_go_of_a_trial_that_was_taken_before_it_could_be_tried_again(store):
    silent, other = joined(store), joined(store)
    driver = Driver(silent, Execution(retries=1))
    step = driver.next_step()
    store.take_step(silent.record.id, step.trial, of=silent._lease.session.id, session=other._lease.session.id)
    driver.settle(StepResult(step.trial, 0, paused=False, error="OSError: away", kinds=("OSError",)))
    assert driver.next_step().trial == 1


@pytest.mark.parametrize("when", ["before the length is known", "between reports", "at its end"])
def test_a_trial_that_another_has_finished_meanwhile_is_let_go_of_and_other_work_is_done(tmp_path, when):
    space = tw.Space(x=tw.Float(0.0, 1.0))
    study = tw.Study(space, metric="loss", store=tmp_path / "a.db", budget="4trials", scheduler="full")
    trained = []

    def another_finishes(trial):
        with closing(open_store(tmp_path / "a.db")) as store:
            (record,) = store.studies()
            (ours,) = {known.session for known in store.changes(record.id, 0).trials}
            other = store.begin_session(record.id, SESSION)
            assert store.take_step(record.id, trial, of=ours, session=other)
            store.end_step(record.id, trial, TrialState.COMPLETE, 3, at=1.0, session=other)
            store.end_session(other, 2.0)

    def train(run):
        if run.trial == 0 and when == "before the length is known":
            another_finishes(0)
        for epoch in run.epochs(3):
            if run.trial == 0 and epoch == 2 and when == "between reports":
                another_finishes(0)
            run.report(loss=run.params.x)
            if run.trial == 0 and epoch == 3 and when == "at its end":
                another_finishes(0)
        trained.append(run.trial)

    assert drive(study, train)
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 4
    assert set(trained) >= {1, 2, 3}
    study.store.close()
