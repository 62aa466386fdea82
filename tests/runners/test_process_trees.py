"""What a trial has started ends with it: children, forks, programs; and all of it with a driver that is killed."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psutil
import pytest

import tunewell as tw
from tunewell.runners import Execution, run_processes
from tunewell.training.external_program import ExternalProgram
from tunewell.training.process_tree import Guard, kill_rest, kill_tree, new_mark

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))
SLEEP = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
DAEMON = "import subprocess, sys; subprocess.Popen([sys.argv[1], '-c', *sys.argv[2:]], start_new_session=True)"
"""Starts what has a session of its own, and no parent any more."""
HOG = SLEEP.replace("time.sleep", "held = b'x' * 2**28; time.sleep")


def make(**settings):
    return tw.Study(SPACE, **{"metric": "loss", "budget": 1, "scheduler": "full", "max_epochs": 2} | settings)


def ended_within(pids, seconds):
    give_up_at = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pids_in(path, n=1, seconds=30):
    give_up_at = time.monotonic() + seconds
    while not path.exists() or path.read_text().count("\n") < n:
        assert time.monotonic() < give_up_at, "nothing was started"
        time.sleep(0.02)
    return [int(line) for line in path.read_text().split()]


class Starting:
    """A training that starts processes, and then does something."""

    def __init__(self, journal, then, code=SLEEP, *, forks=False):
        self.journal, self.then, self.code, self.forks = str(journal), then, code, forks

    def __call__(self, run):
        for _ in run.epochs(2):
            n = 3
            subprocess.run([sys.executable, "-c", DAEMON, sys.executable, self.code, self.journal], check=True)
            for apart in (True, False):
                subprocess.Popen([sys.executable, "-c", self.code, self.journal], start_new_session=apart)
            if self.forks:
                n += 1
                if os.fork() == 0:
                    with Path(self.journal).open("a") as file:
                        file.write(f"{os.getpid()}\n")
                    time.sleep(60)
                    os._exit(0)
            pids_in(Path(self.journal), n)
            THEN[self.then]()
            run.report(loss=run.params["rate"])


THEN = {
    "dies": lambda: os._exit(7),
    "hangs": lambda: time.sleep(60),
}


def test_what_takes_too_much_memory_ends_with_its_trial(tmp_path):
    study = make()
    run_processes(study, Starting(tmp_path / "pids", "hangs", HOG), Execution(trial_memory=150 * 2**20))
    assert "trial_memory" in study.trials[0].reason
    assert ended_within(pids_in(tmp_path / "pids")[:3], 5)


@pytest.mark.parametrize(("then", "reason"), [("dies", "exit code 7"), ("hangs", "trial_timeout")])
def test_a_forked_child_that_holds_the_pipe_hides_no_death(then, reason, tmp_path):
    study = make()
    timeout = 5.0 if then == "hangs" else None
    run_processes(
        study, Starting(tmp_path / "pids", then, forks=True), Execution(trial_timeout=timeout, trial_memory=2**34)
    )
    assert reason in study.trials[0].reason
    pids = pids_in(tmp_path / "pids")
    try:
        assert ended_within(pids, 5)
    finally:
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("what", ["a function", "a program"])
def test_workers_end_with_a_driver_that_is_killed(what, tmp_path):
    (tmp_path / "driver.py").write_text(
        textwrap.dedent(f"""
            import os, subprocess, sys
            import tunewell as tw
            from tunewell.runners import Execution, run_processes
            from tunewell.training.external_program import ExternalProgram

            SLEEP, DAEMON = {SLEEP!r}, {DAEMON!r}

            def train(run):
                for _ in run.epochs(2):
                    open("pids", "a").write(f"{{os.getpid()}}\\n")
                    subprocess.run([sys.executable, "-c", DAEMON, sys.executable, SLEEP, "pids"])
                    subprocess.run([sys.executable, "-c", SLEEP, "pids"])

            if __name__ == "__main__":
                script = 'python -c "$0" python "$1" pids; python -c "$1" pids'
                program = ExternalProgram(("sh", "-c", script, DAEMON, SLEEP))
                study = tw.Study(tw.Space(x=tw.Float(0, 1)), metric="loss", max_epochs=2, budget=4, scheduler="full")
                run_processes(study, train if {what!r} == "a function" else program, Execution(workers=2))
        """)
    )
    driver = subprocess.Popen([sys.executable, "driver.py"], cwd=tmp_path)
    pids = pids_in(tmp_path / "pids", 6 if what == "a function" else 4)
    driver.kill()
    driver.wait()
    assert ended_within(pids, 2)


def test_what_a_trial_has_left_behind_does_not_outlive_ctrl_c(tmp_path):
    (tmp_path / "driver.py").write_text(
        textwrap.dedent(f"""
            import subprocess, sys, time
            import tunewell as tw
            from tunewell.runners import Execution, run_processes

            def train(run):
                subprocess.run([sys.executable, "-c", {DAEMON!r}, sys.executable, {SLEEP!r}, "pids"])
                for _ in run.epochs(1000):
                    time.sleep(0.1)
                    run.report(loss=1.0)

            if __name__ == "__main__":
                study = tw.Study({{"x": tw.Float(0, 1)}}, metric="loss", budget=4, scheduler="full")
                run_processes(study, train, Execution(workers=2))
        """)
    )
    driver = subprocess.Popen([sys.executable, "driver.py"], cwd=tmp_path)
    pids = pids_in(tmp_path / "pids", 2)
    driver.send_signal(signal.SIGINT)
    driver.wait(60)
    assert ended_within(pids, 2)


def test_a_program_that_is_ended_for_its_time_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    script = 'python -c "$0" python "$1" "$2"; python -c "$1" "$2"'
    command = ExternalProgram(("sh", "-c", script, DAEMON, SLEEP, str(tmp_path / "pids")), "loss")
    study = make()
    run_processes(study, command, Execution(trial_timeout=3.0))
    assert "trial_timeout" in study.trials[0].reason
    assert ended_within(pids_in(tmp_path / "pids", 2), 2)
    give_up_at = time.monotonic() + 5
    while list(tmp_path.glob("tunewell-*")) and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert not list(tmp_path.glob("tunewell-*"))


def test_a_tree_is_killed_while_it_grows(tmp_path):
    code = """
        import os, sys, time
        while True:
            if os.fork() == 0:
                open(sys.argv[1], "a").write(f"{os.getpid()}\\n")
                os.setsid()
                time.sleep(60)
            time.sleep(0.02)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "pids")])
    pids_in(tmp_path / "pids", 5)
    kill_tree(parent.pid, "NO_MARK")
    parent.wait()
    time.sleep(0.1)
    assert ended_within(pids_in(tmp_path / "pids"), 2)


def is_called(process, name):
    try:
        return process.name() == name
    except psutil.NoSuchProcess:  # it has ended since it was listed
        return False


def test_what_a_guard_runs_is_not_ended_with_what_began_it(monkeypatch):
    outer = new_mark()
    monkeypatch.setenv(outer, "1")  # as in a worker, whose program has a guard of its own
    guard = Guard(new_mark(), grace_s=3)
    program = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; sleep 60"], start_new_session=True)
    shell = psutil.Process(guard._shell.pid)
    try:
        guard.watch(program.pid)
        guard._shell.stdin.close()  # the worker has died
        give_up_at = time.monotonic() + 20
        while not (left := [one for one in shell.children() if is_called(one, "sleep")]):
            assert time.monotonic() < give_up_at, "the guard gives no time"
            time.sleep(0.02)
        kill_rest(2**22 - 1, outer)
        assert left[0].is_running()
    finally:
        guard._shell.kill()
        guard._shell.wait()
        program.kill()
        program.wait()
        for one in left:
            one.kill()
