"""What a trial may take, what happens to one that takes more, and how one that failed is tried again."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.execution_options import execution_options, parse_execution
from tunewell.errors import MissingExtra, SettingError, TrialEnded, TrialNotFound
from tunewell.runners import Execution, Ray, run_inline, run_processes, run_threads
from tunewell.runners.execution import seconds, size
from tunewell.runners.tune import drive
from tunewell.trial import TrialState

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))
EPOCHS = 3
STATES = TrialState


def make(**settings):
    return tw.Study(SPACE, **{"metric": "loss", "budget": 4, "scheduler": "full", "max_epochs": EPOCHS} | settings)


class Misbehaving:
    """A training of which trial 1 does something at its second epoch, for as long as `patience` says."""

    def __init__(self, what, journal, times=1):
        self.what, self.journal, self.times = what, Path(journal), times

    def __call__(self, run):
        state = {"seen": []}
        run.track(state=state)
        for epoch in run.epochs(EPOCHS):
            if (run.trial, epoch) == (1, 2) and self._turn():
                MISDEEDS[self.what]()
            state["seen"].append(epoch)
            run.report(loss=run.params["rate"] + len(state["seen"]))

    def _turn(self):
        with self.journal.open("a") as journal:
            journal.write("x")
        return len(self.journal.read_text()) <= self.times


class Slow(Misbehaving):
    """A trial takes most of a second."""

    def _turn(self):
        time.sleep(0.3)  # in which what is reported so far is heard
        return super()._turn()


def raise_an_error():
    raise ConnectionResetError("the file server is away")


def use_memory():
    held = np.ones(2**26)  # half a GiB
    time.sleep(60)
    del held


MISDEEDS = {
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(7),
    "abort": os.abort,
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "error": raise_an_error,
    "bug": lambda: {}["x"],
    "hang": lambda: time.sleep(600),
    "hang deaf": lambda: [signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)), time.sleep(600)],
    "memory": use_memory,
}


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal"


def states(study):
    return [trial.state for trial in study.trials]


def retried(study):
    return [event for event in study.events() if event.kind == "retried"]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("segfault", "SIGSEGV"),
        ("exit", "ended with exit code 7"),
        ("abort", "SIGABRT"),
        ("bug", "KeyError"),
        ("hang", "it trained for more than 3 seconds (trial_timeout)"),
        ("hang deaf", "it trained for more than 3 seconds (trial_timeout)"),
        ("memory", "it took more than 200 MiB of memory (trial_memory)"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_trial_that_goes_wrong_costs_itself_alone(what, reason, workers, journal):
    study = make()
    timeout = 3.0 if what.startswith("hang") else 60.0  # on a busy machine the others take longer than that
    execution = Execution(workers=workers, trial_timeout=timeout, trial_memory=200 * 2**20)
    assert run_processes(study, Misbehaving(what, journal), execution)
    # what it did not train is left for another, which gets no further with it
    assert states(study) == [STATES.COMPLETE, STATES.FAILED, STATES.COMPLETE, STATES.COMPLETE, STATES.PAUSED]
    assert reason in study.trials[1].reason
    assert study.trials[1].epochs == 1
    assert [report.epoch for report in study.reports(1)] == [1]


def test_a_trial_whose_worker_was_killed_is_taken_up_by_another_from_its_checkpoint(journal, tmp_path):
    study = make(store=tmp_path / "t.db")
    assert run_processes(study, Misbehaving("killed", journal), Execution(workers=2, checkpoint_every=1))
    assert states(study) == [STATES.COMPLETE] * 4
    (event,) = retried(study)
    assert (event.trial, event.data) == (
        1,
        {"innocent": True, "error": "its worker process was killed by SIGKILL"},
    )
    assert [report.epoch for report in study.reports(1)] == [1, 2, 3]
    assert not [event for event in study.events() if event.kind == "retrained"]


def test_a_trial_that_tracks_nothing_is_trained_again_from_its_seed(journal):
    study = make()  # in memory, where no checkpoint lies
    assert run_processes(study, Misbehaving("killed", journal), Execution(workers=2))
    assert states(study) == [STATES.COMPLETE] * 4
    (event,) = (event for event in study.events() if event.kind == "retrained")
    assert (event.trial, event.data) == (1, {"epochs": 1})
    rate = study.trials[1].params["rate"]
    assert [report.metrics["loss"] for report in study.reports(1)] == [rate + 1, rate + 2, rate + 3]


def test_a_trial_whose_workers_are_killed_again_and_again_may_be_why(journal):
    study = make()
    assert run_processes(study, Misbehaving("killed", journal, times=99), Execution(workers=2))
    assert states(study).count(STATES.FAILED) == 1
    assert study.trials[1].state is STATES.FAILED
    assert len(retried(study)) == 2


@pytest.mark.parametrize("run", [run_inline, run_processes, run_threads])
@pytest.mark.parametrize("retry_on", [["OSError"], ["ConnectionResetError"], ["KeyError", "ConnectionError"]])
def test_an_error_that_a_retry_can_mend_is_retried(run, retry_on, journal, tmp_path):
    study = make(store=tmp_path / "t.db")
    execution = Execution(retries=2, retry_on=retry_on, checkpoint_every=1)
    assert run(study, Misbehaving("error", journal, times=2), execution)
    assert states(study) == [STATES.COMPLETE] * 4
    assert [event.data["error"] for event in retried(study)] == [
        "ConnectionResetError: the file server is away",
        "ConnectionResetError: the file server is away",
    ]
    assert [report.epoch for report in study.reports(1)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("what", "execution"),
    [
        ("error", Execution()),
        ("error", Execution(retries=2)),
        ("error", Execution(retries=9, retry_on=["KeyError"])),
        ("bug", Execution(retries=9)),
    ],
)
def test_other_errors_and_one_too_many_are_not(what, execution, journal):
    study = make()
    assert run_inline(study, Misbehaving(what, journal, times=3), execution)
    assert study.trials[1].state is STATES.FAILED


def test_a_trial_that_took_too_long_may_be_retried_too(journal):
    study = make()
    execution = Execution(trial_timeout=2.0, retries=1, retry_on=["TrialTimeout"])
    assert run_processes(study, Slow("hang", journal, times=1), execution)
    assert states(study) == [STATES.COMPLETE] * 4  # the second try has all its time
    assert [event.trial for event in retried(study)] == [1]


# --- afterwards


def test_a_trial_that_failed_can_be_trained_on(journal, tmp_path):
    study = make(store=tmp_path / "t.db")
    train = Misbehaving("bug", journal)
    run_inline(study, train, Execution(checkpoint_every=1))
    before = len(study.trials)
    assert study.retry(1, by="ada") == 1
    assert study.trials[1].state is STATES.PAUSED
    again = tw.Study.open(tmp_path / "t.db")
    again.budget = tw.Budget.parse(9)
    drive(again, train, Execution(checkpoint_every=1))
    trial = again.trials[1]
    assert (trial.state, trial.epochs, trial.reason) == (STATES.COMPLETE, 3, None)
    assert [report.metrics["loss"] - trial.params["rate"] for report in again.reports(1)] == pytest.approx([1, 2, 3])
    assert before < len(again.trials)
    (event,) = retried(again)
    assert (event.by, event.data["error"]) == ("ada", "KeyError: 'x'")


def test_a_retry_by_hand_is_none_of_those_that_the_setup_allows(journal, tmp_path):
    study = make(store=tmp_path / "t.db")
    run_inline(study, Misbehaving("bug", journal))
    study.retry(1, by="ada")
    again = tw.Study.open(tmp_path / "t.db")
    again.budget = tw.Budget.parse(9)
    drive(again, Misbehaving("error", journal, times=3), Execution(retries=2))
    assert again.trials[1].state is STATES.COMPLETE
    assert [event.by for event in retried(again)] == ["ada", "tunewell", "tunewell"]


def test_only_what_failed_can_be_retried(journal):
    study = make()
    run_inline(study, Misbehaving("bug", journal))
    with pytest.raises(TrialEnded, match="trial 0 is complete"):
        study.retry(0)
    with pytest.raises(TrialNotFound):
        study.retry(99)


# --- memory of all workers


class Big:
    """A training of which each keeps so many MiB while it is paused."""

    def __init__(self, mib, folder):
        self.mib, self.folder = mib, str(folder)

    def __call__(self, run):
        held = np.ones(self.mib * 2**17)
        run.track(held=held)
        for _ in run.epochs(EPOCHS):
            run.report(loss=run.params["rate"] * float(held[0]))
            peak = Path(f"/proc/{os.getpid()}/statm").read_text().split()[1]
            Path(self.folder, str(time.time_ns())).write_text(peak)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_paused_trials_beyond_the_limit_go_on_from_their_checkpoints(tmp_path):
    peaks = {}
    for name, memory in (("free", None), ("held", 250 * 2**20)):
        folder = tmp_path / name
        folder.mkdir()
        study = make(scheduler="halving", budget=6, store=tmp_path / f"{name}.db")
        assert run_processes(study, Big(40, folder), Execution(memory=memory))
        assert len(study.trials) > 6
        assert not [event for event in study.events() if event.kind in ("retrained", "failed")]
        peaks[name] = max(int(path.read_text()) for path in folder.iterdir()) * os.sysconf("SC_PAGE_SIZE") / 2**20
    assert peaks["free"] > 500
    assert peaks["held"] < 400


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the system does not tell what is shared")
def test_what_forked_children_share_is_counted_once():
    code = """
import os, time
from tunewell.runners.memory import resident
held = bytearray(os.urandom(1)) * 2**27
before = resident(os.getpid())
for _ in range(3):
    if not os.fork():
        sum(held[:: 2**12])
        own = b"x" * 2**24
        time.sleep(60)
time.sleep(1)
print(before // 2**20, resident(os.getpid()) // 2**20)
os.killpg(0, 9)
"""
    output = subprocess.run(
        [sys.executable, "-uc", code], stdout=subprocess.PIPE, text=True, check=False, start_new_session=True
    ).stdout
    before, after = map(int, output.split())
    assert 128 <= before < 200
    assert before + 3 * 16 <= after < before + 3 * 16 + 60


# --- devices and threads


class Environment:
    """A training that writes down what its process sees, and waits until so many processes have."""

    def __init__(self, folder, workers):
        self.folder, self.workers = str(folder), workers

    def __call__(self, run):
        seen = f"{os.environ.get('CUDA_VISIBLE_DEVICES')} {os.environ.get('OPENBLAS_NUM_THREADS')}"
        Path(self.folder, f"{os.getpid()}").write_text(seen)
        deadline = time.monotonic() + 60
        while len([*Path(self.folder).iterdir()]) < self.workers and time.monotonic() < deadline:
            time.sleep(0.05)
        for _ in run.epochs(EPOCHS):
            run.report(loss=1.0)


@pytest.mark.usefixtures("spawned")
@pytest.mark.parametrize(
    ("workers", "gpus", "seen"), [(2, ["0", "1"], "01"), (3, ["4", "6"], "446"), (1, ["GPU-5ebe"], ["GPU-5ebe"])]
)
def test_workers_get_a_device_each_in_turn(workers, gpus, seen, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "as it was")
    assert run_processes(make(), Environment(tmp_path, workers), Execution(workers=workers, gpus=gpus))
    assert sorted(path.read_text().split()[0] for path in tmp_path.iterdir()) == sorted(seen)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "as it was"


@pytest.mark.usefixtures("spawned")
def test_workers_share_the_cores(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert run_processes(make(), Environment(tmp_path, 3), Execution(workers=3))
    assert {path.read_text().split()[1] for path in tmp_path.iterdir()} == {"2"}
    assert "OPENBLAS_NUM_THREADS" not in os.environ


# --- what cannot be used


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"workers": 0}, "workers must be a whole number"),
        ({"retries": -1}, "retries must be a whole number"),
        ({"trial_timeout": 0.0}, "trial_timeout must be above 0"),
        ({"memory": -5}, "memory must be above 0"),
        ({"threads": True, "trial_timeout": 5.0}, "threads of one process cannot be held to trial_timeout"),
        ({"threads": True, "gpus": ["0"]}, "threads of one process cannot be held to gpus"),
        ({"ray": Ray(), "gpus": ["0"]}, "with Ray, use"),
        ({"ray": Ray(), "trial_memory": 5}, "with Ray, use"),
    ],
)
def test_what_cannot_be_used_is_refused(settings, complaint):
    with pytest.raises(SettingError, match=complaint):
        Execution(**settings)


@pytest.mark.parametrize("amount", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["cpus", "gpus"])
def test_what_no_node_of_ray_can_have_is_refused(name, amount):
    with pytest.raises(SettingError, match=f"{name} of a trial must be a number, 0 or above"):
        Ray(**{name: amount})


@pytest.mark.parametrize(("said", "cpus"), [([], 1.0), (["--cpus-per-trial", "0"], 0.0)])
def test_no_cpu_at_all_can_be_said(said, cpus):
    @click.command()
    @execution_options
    def command(**options):
        click.echo(parse_execution(options).ray.cpus)

    assert float(CliRunner().invoke(command, ["--runner", "ray", *said]).output) == cpus


@pytest.mark.parametrize(
    ("text", "n_bytes"), [("8GB", 8 * 2**30), ("512 MiB", 2**29), ("1.5g", 3 * 2**29), ("64k", 2**16), (2000, 2000)]
)
def test_sizes_are_read(text, n_bytes):
    assert size(text, "--memory") == n_bytes


@pytest.mark.parametrize(("text", "n"), [("90s", 90.0), ("10m", 600.0), ("2h", 7200.0), (1.5, 1.5), ("30", 30.0)])
def test_times_are_read(text, n):
    assert seconds(text, "--trial-timeout") == n


@pytest.mark.parametrize("text", ["", "0", "-1", "5x", "much", "8 apples", "nan", "30epochs"])
def test_what_is_no_size_and_no_time_is_named(text):
    with pytest.raises(SettingError, match="--memory must be an amount of memory, such as 8GB"):
        size(text, "--memory")
    with pytest.raises(SettingError, match="--trial-timeout must be a time, such as 90s"):
        seconds(text, "--trial-timeout")


def test_a_cluster_without_its_package_is_refused_before_a_study_is_begun(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"tunewell\[ray\]"):
        tw.tune(lambda run: None, {"x": tw.Float(0.0, 1.0)}, metric="loss", ray=Ray(), store=tmp_path / "a.db")
    assert not (tmp_path / "a.db").exists()
