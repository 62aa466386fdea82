"""Each command that tunewell prints can be pasted into a shell, and names the study and the store that it is about."""

import ast
import re
import shlex
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import tunewell
import tunewell.advice
from tunewell.advice import advice
from tunewell.analysis.bounds import AtBound
from tunewell.cli.main import cli
from tunewell.commands import Pause, Set
from tunewell.errors import StudyBusy
from tunewell.stores import Session, open_store
from tunewell.study import Study
from tunewell.study.sessions import SessionLease

SCRIPT = """
import tunewell as tw

space = tw.Space(rate=tw.Float(0.1, 1.0, default=0.5, live=True))


def train(run):
    for epoch in run.epochs(2):
        run.report(val_loss=run.params.rate)
"""
STOP = SCRIPT + "        import os, signal\n        os.kill(os.getpid(), signal.SIGINT)\n"
FAIL = SCRIPT + "        raise OSError('no disk')\n"
PROGRAM = "import sys\nfor _ in range(2):\n    print('{\"val_loss\": ' + sys.argv[-1] + '}', flush=True)\n"
SPACE = '[rate]\ntype = "float"\nlow = 0.1\nhigh = 1.0\n'
NAMES = ["plain", "-x", "--", "--store", "two  words", "it's $HOME; `ls`", "a -- b", 'say "hi"', "*", "~", "#1"]
STORES = ["tunewell.db", "my store.db", "-s.db", "$s'.db"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    monkeypatch.setattr(sys, "path", sys.path[:])
    for name, text in {
        "my train.py": SCRIPT,
        "-train.py": SCRIPT,
        "stop.py": STOP,
        "fail.py": FAIL,
        "a program.py": PROGRAM,
        "my space.toml": SPACE,
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def advised(monkeypatch):
    """The commands that were made to be printed, since it was last looked at."""
    made = []

    def join(words):
        made.append(shlex.join(words))
        return made[-1]

    monkeypatch.setattr(tunewell.advice, "shlex", type("Shlex", (), {"join": staticmethod(join)}))

    def take():
        taken, made[:] = made[:], []
        return taken

    return take


def run(*words):
    done = CliRunner().invoke(cli, words, prog_name="tunewell")
    assert "Traceback" not in done.output
    return done.output


def parsed(text):
    """What the real parser makes of a command: its name and its parameters."""
    words = shlex.split(text)
    assert words.pop(0) == "tunewell"
    name = words.pop(0)
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return name, command.make_context(name, words).params


def check(made, study, store):
    for text in made:
        name, params = parsed(text)
        assert (params.get("store") or "tunewell.db") == store, text
        if name != "list" and not ("name" in params and params["name"] is None):
            assert params.get("study", params.get("name")) == study, text


def at(store):
    return [] if store == "tunewell.db" else [f"--store={store}"]


@pytest.mark.parametrize(
    ("name", "store"), [*((name, STORES[1]) for name in NAMES), *((NAMES[1], store) for store in STORES)]
)
def test_what_is_printed_of_a_study_can_be_run(folder, advised, name, store):
    here = [f"--name={name}", *at(store), "--budget", "2trials"]
    shown = run("tune", "my train.py", *here)
    program = [sys.executable, "a program.py", "{rate}"]
    shown += run("tune", "--resume", "--changed", "--space", "my space.toml", *here, "--", *program)
    shown += run("show", "--top", "1", *at(store), "--", name)
    with closing(open_store(store)) as opened:
        record = opened.study(name)
        other = Session(1.0, "elsewhere", 1, "tunewell", "/")
        shown += str(StudyBusy(name, 1, "elsewhere", SessionLease(opened, record)._mend(other, replace(other, pid=2))))
    made = advised()
    assert {parsed(text)[0] for text in made} == {"show", "tune", "export", "worker"}
    check(made, name, store)
    assert all(text in shown for text in made if parsed(text)[0] != "tune")


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_on_with_an_interrupted_study_can_be_run(folder, advised, name):
    shown = run("tune", "stop.py", f"--name={name}", "--store", "my store.db", "--autopilot")
    (go_on,) = [text for text in advised() if "go on with: " + text in shown]
    command, params = parsed(go_on)
    wanted = {"script": "stop.py", "name": name, "store": "my store.db", "resume": True, "autopilot": True}
    assert (command, {key: params[key] for key in wanted}) == ("tune", wanted)


@pytest.mark.parametrize("name", ["-x", "a -- b"])
def test_more_budget_for_a_program_is_no_argument_of_the_program(advised, monkeypatch, name):
    found = AtBound("rate", "high", 1.0, 10.0)
    monkeypatch.setattr("tunewell.study.reader.StudyReader.at_bounds", lambda _: [found])
    program = (sys.executable, "a program.py", "--", "{rate}")
    shown = run("tune", "--space", "my space.toml", f"--name={name}", "--budget", "1trials", "--", *program)
    (wider,) = [text for text in advised() if "--budget" in text]
    assert f"then {wider}" in shown
    _, params = parsed(wider)
    assert (params["program"], params["budget"], params["name"]) == (program, "MORE", name)


def test_what_is_printed_of_a_steered_study_can_be_run(advised):
    store, name = "my store.db", "-x"
    study = Study(tunewell.Space(rate=tunewell.Float(0.1, 1.0, live=True)), metric="loss", store=store, name=name)
    step = study.ask()
    study.steer(step.trial, Set("rate", 0.3))
    study.steering.poll(step.trial, 0)
    study.learn_max_epochs(9, step.trial)
    study.report(step.trial, 1, loss=1.0)
    study.steer(step.trial, Pause())
    study.close()
    run("best", "--store", store)
    check(advised(), name, store)


def test_a_study_that_waits_for_a_retry_is_named(advised):
    run("tune", "fail.py", "--name=-x", "--store=-s.db", "--budget", "1trials")
    shown = run("retry", "--failed", "--store=-s.db", "--", "-x")
    (retry,) = [text for text in advised() if "SCRIPT" in text]
    assert retry in shown
    assert parsed(retry)[1]["name"] == "-x"


@pytest.mark.parametrize("words", [["-train.py"], ["PATH/my train.py"]])
def test_a_script_whose_name_begins_with_a_dash_is_no_option(words, advised):
    shown = run("tune", "--budget", "1trials", "./-train.py")
    assert "tunewell show" in shown
    text = advice("worker", "-x", *words)
    assert (parsed(text)[1]["study"], parsed(text)[1]["script"]) == ("-x", words[0])
    text = advice("worker", "-x", program=["python", "-u", "--", "t.py"])
    assert (parsed(text)[1]["study"], parsed(text)[1]["program"]) == ("-x", ("python", "-u", "--", "t.py"))


@pytest.mark.parametrize("words", [["tune", "my train.py"], ["rescue", "my train.py"], ["tune", "stop.py"]])
def test_nothing_is_advised_of_a_study_that_is_gone(words):
    shown = run(*words, "--store", "memory", "--budget", "12trials")
    assert not re.search(r"tunewell (show|tune .*--resume)|go on with|on record", shown), shown


@pytest.mark.parametrize("command", ["show", "best", "list", "export"])
def test_what_is_in_memory_is_nowhere_else(command):
    assert "name a file" in run(command, "--store", "memory")


def test_no_password_is_in_a_command():
    text = advice("show", "s", store="postgresql://ada:secret@host/db?sslmode=require&password=x")
    assert parsed(text)[1]["store"] == "postgresql://ada@host/db?sslmode=require"


def test_it_is_run_as_this_tunewell_is(monkeypatch, tmp_path):
    python = [sys.executable, "-X", "dev", "-P", "-m", "tunewell"]
    monkeypatch.setattr(sys, "orig_argv", [*python, "tune", "train.py"])
    assert shlex.split(advice("list")) == [*python, "list"]
    monkeypatch.setattr(sys, "orig_argv", [sys.executable, "train.py", "-m", "tunewell"])
    assert advice("list") == "tunewell list"


SOURCE = Path(tunewell.__file__).parent


def test_commands_are_made_in_one_place():
    faults = []
    commands = "|".join(cli.list_commands(click.Context(cli)))
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = ["\0" if isinstance(part, ast.FormattedValue) else part.value for part in node.values]
                if re.search(rf"tunewell ({commands}) [^`;:,.]*\0", "".join(parts)):
                    faults.append(f"{file.relative_to(SOURCE)}:{node.lineno}: say it with tunewell.advice")
            elif isinstance(node, ast.List) and node.elts and getattr(node.elts[0], "value", None) == "tunewell":
                faults.append(f"{file.relative_to(SOURCE)}:{node.lineno}: say it with tunewell.advice")
    assert [fault for fault in faults if "advice.py" not in fault] == []
