"""`tunewell worker` and `tunewell retry`: real processes on one study, of which some are killed."""

import shlex
import signal
import sys
import time
from contextlib import closing

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.stores import open_store

TRAIN = """
import os, pathlib, time
import tunewell as tw

space = tw.Space(rate=tw.Float(0.0, 1.0))
epochs = 6
pause = float(os.environ.get("PAUSE", "0.02"))

class State:
    total = 0.0
    def state_dict(self): return {"total": self.total}
    def load_state_dict(self, state): self.total = state["total"]

def train(run):
    state = State()
    run.track(state=state)
    for epoch in run.epochs(epochs):
        time.sleep(pause)
        if os.path.exists(f"break-{run.trial}"):
            raise OSError("somebody broke it")
        state.total += run.params["rate"] * epoch
        run.report(val_loss=state.total)
        with open(f"journal-{os.getpid()}", "a") as journal:
            journal.write(f"{run.trial} {epoch} {state.total!r}\\n")
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "tunewell.db")
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "train.py").write_text(TRAIN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def begin(begin):
    """Begins a process, as that of `tests/conftest.py`, on a store."""

    def begin_on(*arguments, store, lease="2", **environment):
        return begin(*arguments, TUNEWELL_STORE=store, TUNEWELL_LEASE=lease, **environment)

    return begin_on


@pytest.fixture
def tunewell(monkeypatch):
    """Runs a command in this process, which is as good where nobody else is there: its exit code, output and talk."""
    monkeypatch.setattr(sys, "path", sys.path[:])

    def run(*arguments, store):
        monkeypatch.setattr(sys, "argv", ["tunewell", *arguments])  # which the record has
        done = CliRunner().invoke(cli, arguments, prog_name="tunewell", env={"TUNEWELL_STORE": store})
        return done.exit_code, done.stdout, done.stderr

    return run


def wait_until(condition, patience_s=60):
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_begun(store):
    def look():
        try:
            with_trials = tw.Study.open(store, "train")
        except tw.errors.StoreError:
            return False
        try:
            return len(with_trials.reports()) >= 3
        finally:
            with_trials.store.close()

    return look


def check_journals(study, folder):
    """Every report that was answered is on record, once, and as it was."""
    kept = {}
    for report in study.reports():
        assert (report.trial, report.epoch) not in kept
        kept[report.trial, report.epoch] = report.metrics["val_loss"]
    for journal in folder.glob("journal-*"):
        for line in journal.read_text().splitlines():
            trial, epoch, value = line.split()
            assert kept[int(trial), int(epoch)] == float(value)
    for (trial, epoch), value in kept.items():
        rate = study.trials[trial].params["rate"]
        assert value == pytest.approx(rate * epoch * (epoch + 1) / 2)


def test_workers_join_a_running_study_and_share_its_trials(begin, store, folder):
    driver = begin("tune", "train.py", "--budget", "12", "--scheduler", "full", store=store, PAUSE="0.15")
    wait_until(is_begun(store))
    workers = [begin("worker", "train", *script, store=store, PAUSE="0.15") for script in ([], ["train.py"])]
    for process in (driver, *workers):
        _, talk = process.communicate(timeout=120)
        assert process.returncode == 0, talk
    study = tw.Study.open(store, "train")
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 12
    assert len({trial.session for trial in study.trials}) == 3
    assert len(list(folder.glob("journal-*"))) == 3
    check_journals(study, folder)
    study.store.close()


def trains_in_the_midst(study, session):
    """Whether the process of a session has begun a trial, and has more than one of its epochs left."""
    own = [trial.number for trial in study.trials if trial.session == session and str(trial.state) == "running"]
    return any(1 <= len(study.reports(number)) <= 3 for number in own)


@pytest.mark.parametrize("victim", ["driver", "worker"])
def test_trials_of_a_process_that_was_killed_go_on_in_another(begin, store, folder, victim):
    options = ("--budget", "8", "--scheduler", "full", "--checkpoint-every", "1")
    driver = begin("tune", "train.py", *options, store=store, PAUSE="0.1")
    wait_until(is_begun(store))
    worker = begin("worker", "train", "--checkpoint-every", "1", store=store, PAUSE="0.1")
    study = tw.Study.open(store, "train")
    wait_until(lambda: len({report.trial for report in study.reports()}) >= 2)
    killed, other = (driver, worker) if victim == "driver" else (worker, driver)
    wait_until(lambda: len(list(folder.glob("journal-*"))) == 2)
    wait_until(lambda: trains_in_the_midst(study, study.sessions()[killed is worker].id))
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    _, talk = other.communicate(timeout=120)
    assert other.returncode == 0, talk
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 8
    (event,) = [event for event in study.events() if event.kind == "interrupted"]
    assert event.epoch < 6
    check_journals(study, folder)
    assert len([session for session in study.store.sessions(study.record.id) if session.ended_at]) == 2
    study.store.close()


def test_a_process_that_is_stopped_loses_its_trial_and_lets_go_of_it_when_it_comes_back(begin, store, folder):
    options = ("--budget", "6", "--scheduler", "full", "--checkpoint-every", "1")
    driver = begin("tune", "train.py", *options, store=store, lease="1", PAUSE="0.1")
    wait_until(is_begun(store))
    driver.send_signal(signal.SIGSTOP)
    worker = begin("worker", "train", store=store, lease="1", PAUSE="0.1")
    study = tw.Study.open(store, "train")
    wait_until(lambda: any(event.kind == "interrupted" for event in study.events()))
    driver.send_signal(signal.SIGCONT)
    for process in (driver, worker):
        _, talk = process.communicate(timeout=120)
        assert process.returncode == 0, talk
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 6
    check_reports_are_there_once(study)
    study.store.close()


def check_reports_are_there_once(study):
    seen = [(report.trial, report.epoch) for report in study.reports()]
    assert sorted(seen) == [(trial, epoch) for trial in range(6) for epoch in range(1, 7)]


def test_a_second_driver_is_refused_and_told_of_the_worker(tunewell, begin, store, folder):
    driver = begin("tune", "train.py", "--budget", "6", store=store, PAUSE="0.1")
    wait_until(is_begun(store))
    code, _, talk = tunewell("tune", "train.py", "--resume", store=store)
    assert code == 1
    assert f"is being run by process {driver.pid}" in talk
    assert "tunewell worker train" in talk
    driver.send_signal(signal.SIGINT)
    driver.communicate()
    assert driver.returncode == 130


def test_trials_that_failed_are_retried(tunewell, store, folder):
    (folder / "break-1").touch()
    code, _, _ = tunewell("tune", "train.py", "--budget", "3", "--scheduler", "full", "--quiet", store=store)
    study = tw.Study.open(store, "train")
    assert code == 0
    assert [trial.number for trial in study.trials if str(trial.state) == "failed"] == [1]
    assert tunewell("retry", "train", store=store)[0] == 2
    code, output, talk = tunewell("retry", "train", "--failed", store=store)
    assert (code, output) == (0, "trial 1 begins again\n")
    assert "tunewell tune SCRIPT --name train --resume" in talk
    (folder / "break-1").unlink()
    code, _, _ = tunewell("tune", "train.py", "--name", "train", "--resume", "--budget", "5", store=store)
    assert code == 0
    assert str(study.trials[1].state) == "complete"
    assert tunewell("retry", "train", "--failed", store=store)[1] == "no trial failed\n"
    code, _, talk = tunewell("retry", "train", "--trial", "0", store=store)
    assert code == 2
    assert "trial 0 did not fail, it is complete" in talk
    study.store.close()


@pytest.fixture
def ended(tmp_path):
    """The store of a study with a name of several words, of which trials 0 and 1 failed and trial 2 is complete."""
    store = str(tmp_path / "tunewell.db")
    study = tw.Study(
        tw.Space(rate=tw.Float(0.0, 1.0)),
        metric="loss",
        name="x; touch owned",
        store=store,
        budget=3,
        max_epochs=1,
        scheduler="full",
    )
    for error in ("KeyError: 'x'", "KeyError: 'y'", None):
        step = study.ask()
        if error is None:
            study.report(step.trial, 1, loss=1.0)
        study.tell(step.trial, error=error)
    study.close()
    return store


def test_what_is_suggested_after_a_retry_can_be_pasted_into_a_shell(tunewell, ended):
    code, _, talk = tunewell("retry", "x; touch owned", "--failed", store=ended)
    assert code == 0
    words = shlex.split(talk.partition(": ")[2])
    assert words[:6] == ["tunewell", "tune", "SCRIPT", "--name", "x; touch owned", "--resume"]


@pytest.mark.parametrize(("other", "complaint"), [("2", "trial 2 did not fail, it is complete"), ("9", "no trial 9")])
def test_all_that_are_named_have_failed_or_none_is_retried(tunewell, ended, other, complaint):
    code, _, talk = tunewell("retry", "x; touch owned", "--trial", "0", "--trial", other, store=ended)
    assert (code, complaint in talk) == (2, True), talk
    study = tw.Study.open(ended, "x; touch owned")
    assert [str(trial.state) for trial in study.trials] == ["failed", "failed", "complete"]
    study.store.close()
    code, output, _ = tunewell("retry", "x; touch owned", *["--trial", "1"] * 2, store=ended)
    assert (code, output) == (0, "trial 1 begins again\n")


# --- what a worker trains


@pytest.fixture
def begun(tunewell, folder, tmp_path):
    """A study whose budget is spent, and its store."""
    store = str(tmp_path / "tunewell.db")
    assert tunewell("tune", "train.py", "--budget", "1", store=store)[0] == 0
    return store


def rename(store, command):
    with closing(open_store(store)) as opened:
        study = opened.study("train").id
        session = opened.sessions(study)[0]
        with opened._database.writing() as cursor:
            cursor.execute("UPDATE sessions SET command = ? WHERE id = ?", (command, session.id))


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("tunewell tune ../elsewhere/train.py", "which is not in this folder"),
        ("tunewell tune /etc/passwd", "which is not in this folder"),
        ("tunewell tune --space s.toml -- rm -rf x", "which no record can have run here"),
        ("python mine.py", "the record does not say what is trained"),
        ("tunewell tune", "which is not in this folder"),
        ("'unfinished", "the record does not say what is trained"),
    ],
)
def test_a_record_cannot_have_anything_run_that_is_not_here(tunewell, begun, folder, command, complaint):
    (folder / "x").touch()
    rename(begun, command)
    code, _, talk = tunewell("worker", "train", store=begun)
    assert (code, complaint in " ".join(talk.split())) == (2, True), talk
    assert (folder / "x").exists()


@pytest.mark.parametrize("command", ["tunewell tune -- ./train", "tunewell tune '../x; touch owned'"])
def test_what_is_suggested_can_be_pasted_into_a_shell(tunewell, folder, tmp_path, command):
    name, store = "x; touch owned", str(tmp_path / "tunewell.db")
    assert tunewell("tune", "train.py", "--name", name, "--budget", "1", store=store)[0] == 0
    with closing(open_store(store)) as opened:
        session = opened.sessions(opened.study(name).id)[0]
        with opened._database.writing() as cursor:
            cursor.execute("UPDATE sessions SET command = ? WHERE id = ?", (command, session.id))
    code, _, talk = tunewell("worker", name, store=store)
    said = " ".join(talk.split())
    assert code == 2
    words = shlex.split(said[said.rindex("tunewell worker") :].rstrip("│ "))
    assert words[:3] == ["tunewell", "worker", name]
    assert len(words) in (4, 5)


def test_a_script_of_other_parameters_is_refused(tunewell, begun, folder):
    (folder / "other.py").write_text(TRAIN.replace("rate=", "speed="))
    code, _, talk = tunewell("worker", "train", "other.py", store=begun)
    assert code == 2
    assert "has the parameters rate; other has speed" in talk


@pytest.mark.parametrize(
    ("command", "usage"), [("worker", "STUDY [SCRIPT | -- PROGRAM...]"), ("tune", "SCRIPT | -- PROGRAM...")]
)
def test_the_usage_says_what_is_to_be_given(command, usage):
    output = CliRunner().invoke(cli, [command, "--help"], prog_name="tunewell").output
    assert output.splitlines()[0] == f"Usage: tunewell {command} [OPTIONS] {usage}"


def test_a_worker_needs_a_study_that_is_there(tunewell, begun):
    code, _, talk = tunewell("worker", "letters", store=begun)
    assert code == 2
    assert "has no study 'letters'" in talk


def test_a_worker_of_a_study_that_is_over_has_nothing_to_do(tunewell, begun):
    code, _, talk = tunewell("worker", "train", store=begun)
    assert code == 0
    assert "study 'train': 6 paused" in talk
