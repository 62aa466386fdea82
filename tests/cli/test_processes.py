"""The command line as a process among others: it is killed, interrupted and resumed, and runs other programs."""

import csv
import io
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import time
import tunewell as tw

space = tw.Space(rate=tw.Float(1e-4, 1.0, scale="log", default=1e-2), width=tw.Int(1, 64, scale="log"))


def train(run):
    total = 0.0
    for epoch in run.epochs(9):
        time.sleep(0.01)
        total += run.rng.random() * run.params.rate
        run.report(val_loss=1 / (epoch + total))
"""
PROGRAM = """
import argparse
import json

parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--width", type=int)
given = parser.parse_args()
for epoch in range(1, 10):
    print("epoch", epoch, "is under way")
    print(json.dumps({"val_loss": abs(given.rate - 0.1) + given.width / 1000 + 1 / epoch}), flush=True)
"""
SPACE = """
[rate]
type = "float"
low = 1e-4
high = 1.0
scale = "log"

[width]
type = "int"
low = 1
high = 64
"""
WHOLE = ["tune", "train.py", "--budget", "10"]
EPOCHS = 90


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


@pytest.fixture
def tunewell(begin):
    """Runs a command in a process of its own."""

    def run(*arguments, expect=0):
        process = begin(*arguments)
        shown, talk = process.communicate(timeout=60)
        assert process.returncode == expect, talk
        return subprocess.CompletedProcess(arguments, expect, shown, talk)

    return run


@pytest.fixture
def begun(begin):
    """Begins a command that trains, and waits until there are some reports on record."""

    def begin_and_wait(*arguments):
        process = begin(*arguments)
        deadline = time.monotonic() + 30
        while on_record() < EPOCHS // 3:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    return begin_and_wait


def on_record():
    """How many reports there are, to plain sqlite3."""
    if not Path("tunewell.db").exists():
        return 0
    database = sqlite3.connect("tunewell.db")
    try:
        return database.execute("SELECT count(*) FROM reports").fetchone()[0]
    except sqlite3.OperationalError:
        return 0  # it is being made
    finally:
        database.close()


@pytest.fixture
def reports(tunewell):
    """All that are on record, as `tunewell export` has them."""

    def read(*arguments):
        rows = csv.DictReader(io.StringIO(tunewell("export", "--what", "reports", *arguments).stdout))
        return sorted((int(row["trial"]), int(row["epoch"]), row["val_loss"]) for row in rows)

    return read


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_study_that_was_killed_goes_on_and_loses_nothing(tunewell, begun, reports, workers):
    process = begun(*WHOLE, "--workers", workers)
    process.kill()
    process.communicate()
    before = reports()
    assert before
    done = json.loads(tunewell("tune", "train.py", "--resume", "--workers", workers, "--json").stdout)
    assert done["epochs"] == EPOCHS
    assert set(before) <= set(reports())


@pytest.mark.slow
def test_a_study_that_was_killed_and_resumed_is_the_one_it_would_have_been(tunewell, begun, reports):
    process = begun(*WHOLE)
    process.kill()
    process.communicate()
    tunewell("tune", "train.py", "--resume")
    tunewell(*WHOLE, "--store", "other.db")
    assert reports() == reports("--store", "other.db")


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_ctrl_c_leaves_all_on_record_and_says_how_to_go_on(tunewell, begun, workers):
    process = begun(*WHOLE, "--workers", workers)
    process.send_signal(signal.SIGINT)
    shown, messages = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "best val_loss" in shown
    last = messages.splitlines()[-1]
    assert last == "interrupted; all is on record; go on with: tunewell tune train.py --resume"
    assert on_record() < EPOCHS
    assert json.loads(tunewell(*last.split()[-3:], "--json").stdout)["epochs"] == EPOCHS


def test_any_program_is_tuned_by_its_arguments_and_its_lines(tunewell):
    program = [sys.executable, "program.py", "--rate", "{rate}", "--width", "{width}"]
    done = tunewell("tune", "--space", "space.toml", "--budget", "5", "--json", "--", *program)
    record = json.loads(done.stdout)
    assert record["study"] == "program"
    assert record["best"]["value"] < 1.2
    assert record["epochs"] == 5 * record["max_epochs"]


@pytest.mark.slow
def test_a_program_is_interrupted_and_resumed_like_a_script(tunewell, begun, folder):
    (folder / "program.py").write_text(
        PROGRAM.replace('    print("epoch"', "    __import__('time').sleep(0.02); print(\"epoch\"")
    )
    program = [sys.executable, "program.py", "--rate", "{rate}", "--width", "{width}"]
    process = begun("tune", "--space", "space.toml", "--epochs", "9", "--budget", "10", "--", *program)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=30)
    assert process.returncode == 130
    assert messages.splitlines()[-1].endswith(
        f"tunewell tune --space space.toml --resume -- {sys.executable} program.py"
        " --rate '{rate}' --width '{width}'"
    )
    done = tunewell("tune", "--resume", "--json", "--", *program)
    assert json.loads(done.stdout)["epochs"] == EPOCHS


def test_a_placeholder_that_is_no_parameter_is_refused_before_any_training(tunewell, folder):
    done = tunewell("tune", "--space", "space.toml", "--", sys.executable, "program.py", "--rate", "{speed}", expect=2)
    assert len(done.stderr.splitlines()) == 1
    assert "speed" in done.stderr
    assert not (folder / "tunewell.db").exists()


def test_a_program_needs_a_space(tunewell):
    done = tunewell("tune", "--", sys.executable, "program.py", expect=2)
    assert "--space" in done.stderr


def test_workers_load_the_script_and_what_lies_beside_it(tunewell, folder):
    (folder / "beside.py").write_text("FACTOR = 3.0\n")
    (folder / "train.py").write_text(
        SCRIPT.replace("import time", "import beside, time").replace("1 / (", "beside.FACTOR / (")
    )
    assert json.loads(tunewell(*WHOLE, "--workers", "2", "--json").stdout)["epochs"] == EPOCHS


@pytest.mark.slow
def test_two_at_once_cannot_run_one_study(tunewell, begun):
    process = begun(*WHOLE)
    done = tunewell("tune", "train.py", "--resume", expect=1)
    assert "is being run by process" in done.stderr
    process.communicate(timeout=60)


@pytest.mark.slow
def test_a_reader_that_closes_its_end_causes_no_traceback(tunewell):
    tunewell(*WHOLE)
    done = subprocess.run(
        f"{sys.executable} -m tunewell export --what reports | head -1",
        shell=True,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("trial,")
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_that_only_a_command_needs():
    code = (
        "import sys; from tunewell.cli.main import cli; cli(['--help'], standalone_mode=False);"
        "print(sorted({'rich', 'sqlalchemy', 'scipy', 'pandas', 'openpyxl', 'tomli_w'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
