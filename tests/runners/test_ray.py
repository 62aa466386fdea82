"""Trials on a cluster of Ray's: a real one, of several nodes on this machine, of which some are killed."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.errors import SettingError, StoreError
from tunewell.runners import Execution, Ray
from tunewell.runners.tune import drive

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

# Ray leaves sockets and files to the end of the process
pytestmark = pytest.mark.filterwarnings("ignore")

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))
EPOCHS = 4


@pytest.fixture(scope="module")
def started():
    """A cluster, which takes longer to start than most studies here take on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        started = _started(tries=3)
        ray.init(address=started.address, logging_level="error", log_to_driver=False)
        yield started
        ray.shutdown()
        started.shutdown()


def _started(tries):
    """Start a cluster; Ray gives it half a minute for that, which a busy machine exceeds."""
    for left in reversed(range(tries)):
        with suppress(Exception if left else ()):
            return cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    raise AssertionError  # the last try raises what it raises


@pytest.fixture
def cluster(started):
    """One node for the driver, with no room for a trial, and two more of one core each, also after one was killed."""
    while len(started.worker_nodes) < 2:
        started.add_node(num_cpus=1)
    started.wait_for_nodes()
    return started


def here():
    return ray.get_runtime_context().get_node_id()


class Noisy:
    """What a training carries from epoch to epoch."""

    def __init__(self):
        self.total = 0.0

    def state_dict(self):
        return {"total": self.total}

    def load_state_dict(self, state):
        self.total = state["total"]


def train(run, *, folder=None, nodes=1):
    state = Noisy()
    run.track(state=state)
    for epoch in run.epochs(EPOCHS):
        if folder is not None:
            (Path(folder) / f"{run.trial}-{epoch}-{time.time_ns()}").write_text(here())
            while len(nodes_in(folder)) < nodes or (Path(folder) / "victim" / here()).exists():
                time.sleep(0.05)  # until it is killed, if its node is to be
        state.total += run.params["rate"] * epoch
        run.report(loss=state.total)


def nodes_in(folder):
    """Those that have trained something."""
    return {path.read_text() for path in Path(folder).glob("*-*-*")} - {""}


class Training:
    """As `train`, with a folder; a class, since a partial has no module of its own.

    It begins when trials train on so many nodes.
    """

    def __init__(self, folder, nodes=1):
        self.folder, self.nodes = str(folder), nodes

    def __call__(self, run):
        train(run, folder=self.folder, nodes=self.nodes)


def make(store, **settings):
    return tw.Study(
        SPACE, **{"metric": "loss", "budget": 4, "scheduler": "full", "max_epochs": EPOCHS, "store": store} | settings
    )


def curves(study):
    return {n: [report.metrics["loss"] for report in study.reports(n)] for n in range(len(study.trials))}


def of_the_page(folder, slot, **slots):
    """Run a command of the page as it is written there, but for where things are."""
    root = Path(__file__).parents[2]
    (folder / "examples").symlink_to(root / "examples")
    section = (root / "docs" / "cluster.md").read_text().split("\n## On a cluster of Ray's\n")[1]
    lines = re.findall(r"^tunewell (.*)$", section, flags=re.MULTILINE)
    assert len(lines) == 2
    words = [slots.get(word, word) for word in shlex.split(lines[slot])]
    subprocess.run([sys.executable, "-m", "tunewell", *words], cwd=folder, check=True)
    assert tw.Study.open(folder / "tunewell.db").spent.epochs == 6 * 60


def test_the_command_of_the_page_for_one_machine_runs(tmp_path, monkeypatch):
    # before any test that has a cluster here: two at a time are more than a small machine starts in Ray's half a minute
    monkeypatch.setenv("RAY_ADDRESS", "local")
    of_the_page(tmp_path, 0)


def test_a_study_on_a_cluster_is_the_study_that_it_is_here(cluster, tmp_path):
    studies = [make(tmp_path / f"{n}.db") for n in range(2)]
    assert drive(studies[0], Training(tmp_path, nodes=2), Execution(workers=2, ray=Ray()))
    assert len(nodes_in(tmp_path)) == 2
    drive(studies[1], train)
    assert curves(studies[0]) == curves(studies[1])


def test_paused_trials_go_on_wherever_there_is_room(cluster, tmp_path):
    study = make(tmp_path / "t.db", scheduler="asha", budget=6)
    assert drive(study, train, Execution(workers=2, ray=Ray()))
    for trial, curve in curves(study).items():
        rate = study.trials[trial].params["rate"]
        expected = [rate * epoch * (epoch + 1) / 2 for epoch in range(1, len(curve) + 1)]
        assert curve == pytest.approx(expected)


def test_trials_of_a_node_that_is_killed_go_on_on_another(cluster, tmp_path):
    study = make(tmp_path / "t.db", budget=6)
    victim = next(iter(cluster.worker_nodes))

    class Killer:
        """Kills the node in mid-study."""

        done = False

        def on_step(self, study, step):
            pass

        def on_report(self, study, trial, epoch, metrics):
            written = [p for p in tmp_path.glob(f"{trial}-{epoch}-*") if p.read_text() == victim.node_id]
            if epoch == 3 and written and not self.done:
                Killer.done = True
                (tmp_path / "victim").mkdir()
                (tmp_path / "victim" / victim.node_id).touch()
                cluster.remove_node(victim, allow_graceful=False)

        def on_step_end(self, study, trial):
            pass

    assert drive(
        study, Training(tmp_path, nodes=2), Execution(workers=2, checkpoint_every=1, ray=Ray()), observer=Killer()
    )
    assert Killer.done
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 6
    (event,) = [event for event in study.events() if event.kind == "retried"]
    assert event.data["innocent"]
    again = study.reports(event.trial)
    assert [report.epoch for report in again] == list(range(1, EPOCHS + 1))
    rate = study.trials[event.trial].params["rate"]
    assert [report.metrics["loss"] for report in again] == pytest.approx([rate * e * (e + 1) / 2 for e in range(1, 5)])


def crashing(run):
    for epoch in run.epochs(EPOCHS):
        if run.trial == 1 and epoch == 2:
            os._exit(3)
        run.report(loss=1.0)


def test_a_training_that_ends_its_actor_costs_its_trial_alone(cluster, tmp_path):
    study = make(tmp_path / "t.db")
    assert drive(study, crashing, Execution(workers=2, ray=Ray()))
    assert [str(trial.state) for trial in study.trials].count("failed") == 1
    assert "its worker process died" in study.trials[1].reason


@pytest.mark.parametrize("error", [ray.exceptions.OutOfMemoryError("low on memory"), ray.exceptions.ObjectLostError])
def test_whatever_an_actor_is_lost_of_costs_no_more_than_a_try(cluster, tmp_path, monkeypatch, error):
    get, calls = ray.get, []

    def get_or_not(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise error if isinstance(error, Exception) else error("id", None, "stack")
        return get(*arguments)

    monkeypatch.setattr(ray, "get", get_or_not)
    study = make(tmp_path / "t.db")
    assert drive(study, train, Execution(workers=2, ray=Ray()))
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 4
    (event,) = [event for event in study.events() if event.kind == "retried"]
    assert event.data["innocent"]


def test_actors_that_are_told_to_end_do_so_before_they_are_killed(cluster, tmp_path, monkeypatch):
    calls = []
    wait, kill = ray.wait, ray.kill

    def noted(calls_made, *, timeout, **how):
        found = wait(calls_made, timeout=timeout, **how)
        calls.append((timeout, len(found[0])))
        return found

    monkeypatch.setattr(ray, "wait", noted)
    monkeypatch.setattr(ray, "kill", lambda *what, **how: calls.append("kill") or kill(*what, **how))
    assert drive(make(tmp_path / "t.db"), train, Execution(workers=1, ray=Ray()))
    (patience, n_ended), killed = calls[-2:]
    assert killed == "kill"
    assert patience > 1.0
    assert n_ended == 1


def hanging(run):
    for epoch in run.epochs(EPOCHS):
        if run.trial == 1 and epoch == 2:
            time.sleep(600)
        run.report(loss=1.0)


def test_a_trial_that_takes_too_long_is_ended(cluster, tmp_path):
    study = make(tmp_path / "t.db")
    assert drive(study, hanging, Execution(workers=2, trial_timeout=5.0, ray=Ray()))
    assert [str(trial.state) for trial in study.trials].count("failed") == 1
    assert "more than 5 seconds" in study.trials[1].reason


class Starting:
    """A training that leaves behind a process with a session of its own, and hangs."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __call__(self, run):
        for _ in run.epochs(2):
            child = subprocess.Popen(["sleep", "300"], start_new_session=True)
            (Path(self.folder) / f"{run.trial}-{os.getpid()}").write_text(str(child.pid))
            time.sleep(0 if run.trial else 300)
            run.report(loss=1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_each_trial_may_have_a_process_of_its_own_which_ends_with_all_that_it_has_started(cluster, tmp_path):
    study = make(tmp_path / "t.db", budget="2trials", max_epochs=2)
    assert drive(study, Starting(tmp_path), Execution(workers=1, trial_timeout=60.0, isolate=True, ray=Ray()))
    assert "trial_timeout" in study.trials[0].reason
    # within its time, with a process to start, which took more than 20 seconds on a machine that was busy
    assert study.trials[1].state == "complete", study.trials[1].reason
    assert len({path.name.split("-")[1] for path in tmp_path.glob("?-*")}) == 2
    (left,) = (int(path.read_text()) for path in tmp_path.glob("0-*"))
    give_up_at = time.monotonic() + 5
    while Path(f"/proc/{left}").exists() and time.monotonic() < give_up_at:
        time.sleep(0.1)
    assert not Path(f"/proc/{left}").exists()
    for path in tmp_path.glob("1-*"):  # a training that ended in order leaves behind what it likes
        with suppress(ProcessLookupError):
            os.kill(int(path.read_text()), signal.SIGKILL)


def test_what_no_node_has_is_refused(cluster, tmp_path):
    with pytest.raises(SettingError, match="no node of the Ray cluster has 64 CPUs"):
        drive(make(tmp_path / "t.db"), train, Execution(ray=Ray(cpus=64)))
    with pytest.raises(SettingError, match="no node of the Ray cluster has 1 CPUs and 1 GPUs"):
        drive(make(tmp_path / "u.db"), train, Execution(ray=Ray(gpus=1)))


SCRIPT = """
import re
import shlex
import subprocess
import sys
import time
import tunewell as tw

space = tw.Space(rate=tw.Float(0.0, 1.0))


def train(run):
    weights = run.rng.normal(size=3)
    run.track(weights=weights)
    for epoch in run.epochs(4):
        time.sleep(0.2)
        weights *= run.params.rate
        run.report(loss=float(abs(weights).sum()))
"""


def tune(folder, store, *options):
    command = [sys.executable, "-m", "tunewell", "tune", "train.py", "--metric", "loss", "--budget", "6"]
    return subprocess.Popen([*command, "--scheduler", "full", "--store", store, *options], cwd=folder)


def n_reports(file):
    try:
        return len(tw.Study.open(file).reports())
    except StoreError:  # nothing is in it yet
        return 0


def test_a_study_whose_driver_was_killed_goes_on(cluster, tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    on_ray = "--runner", "ray", "--address", cluster.address, "--workers", "2"
    with tune(tmp_path, "killed.db", *on_ray) as driver:
        while not n_reports(tmp_path / "killed.db"):
            time.sleep(0.05)
            assert driver.poll() is None
        driver.kill()
    assert n_reports(tmp_path / "killed.db") < 6 * EPOCHS
    for store, options in {"killed.db": (*on_ray, "--resume"), "whole.db": ()}.items():
        with tune(tmp_path, store, *options) as process:
            assert process.wait() == 0
    killed, whole = (tw.Study.open(tmp_path / store) for store in ("killed.db", "whole.db"))
    assert curves(killed) == curves(whole)


def test_the_command_of_the_page_for_a_cluster_runs(cluster, tmp_path):
    of_the_page(tmp_path, 1, **{"auto": cluster.address, "/mnt/team": str(tmp_path / "team")})
    assert list((tmp_path / "team" / ".tunewell").rglob("*.npz"))
