"""What a study trains is on record, and another training is not gone on with unnoticed."""

import importlib
import linecache
import sys

import pytest

import tunewell as tw
from tunewell.runners.trained import Trained
from tunewell.training.external_program import ExternalProgram
from tunewell.training.script import ScriptTrain

SPACE = tw.Space(x=tw.Float(0.0, 1.0))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {"a.py": "one", "b.py": "two", "same.py": "one"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def program(*words):
    return Trained.by(ExternalProgram(words))


@pytest.mark.parametrize(
    ("before", "now", "changes"),
    [
        ("python a.py {x}", "python b.py {x}", ["b.py in place of a.py"]),
        ("python a.py {x}", "python same.py {x}", []),
        ("python a.py {x}", "python ./a.py {x}", []),
        ("python a.py {x}", "python a.py {x} --fast", ["--fast is new"]),
        ("python a.py {x} --fast", "python a.py {x}", ["--fast is left out"]),
        ("python a.py {x}", "python3 a.py {x}", ["python3 in place of python"]),
        ("python a.py --token abc", "python a.py --token def", []),
        ("python a.py --lr 1", "python a.py --lr 2", ["2 in place of 1"]),
        ("python a.py", "julia b.py", ["julia b.py in place of python a.py"]),
    ],
)
def test_another_command_is_another_training(before, now, changes):
    assert program(*now.split()).replaced(program(*before.split())) == changes


def test_no_secret_of_a_command_is_kept():
    assert "abc" not in str(program("python", "a.py", "--api-key", "abc", "--url", "http://me:abc@host/"))


def test_a_file_that_was_edited_is_told_apart_from_another_file(folder):
    before = program("python", "a.py")
    (folder / "a.py").write_text("three")
    now = program("python", "a.py")
    assert now.replaced(before) == []
    (line,) = now.edited(before)
    assert line.startswith("a.py has changed since the study last trained")


def test_an_interpreter_is_its_path_and_not_its_content(folder):
    for name in ("one", "two"):
        (folder / name).symlink_to(sys.executable)
    assert program(f"{folder}/two", "a.py").replaced(program(f"{folder}/one", "a.py")) == ["two in place of one"]


def test_another_interpreter_of_the_same_name_is_said(folder, monkeypatch):
    before = program("python", "a.py")
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{folder}/bin")
    (line,) = program("python", "a.py").edited(before)
    assert line.startswith(f"python is now {folder}/bin/python")


def test_a_script_is_its_file(folder):
    before = Trained.by(ScriptTrain(f"{folder}/a.py"))
    assert Trained.by(ScriptTrain(f"{folder}/b.py")).replaced(before) == ["b.py in place of a.py"]
    assert Trained.by(ScriptTrain(f"{folder}/same.py")).replaced(before) == []


def one(run):
    for _ in run.epochs(1):
        run.report(loss=run.params.x)


def other(run):
    for _ in run.epochs(1):
        run.report(loss=run.params.x + 1)


class Trainer:
    def __call__(self, run):
        one(run)


def tuned(train, budget, **settings):
    return tw.tune(train, SPACE, metric="loss", budget=budget, name="s", store="a.db", **settings)


@pytest.mark.parametrize("train", [other, Trainer()])
def test_another_function_is_warned_of_once(train):
    tuned(one, 1)
    with pytest.warns(UserWarning, match=r"'s' goes on with another training: .*\.one"):
        study = tuned(train, 2, resume=True)
    tuned(train, 3, resume=True)
    assert [event.kind for event in study.events()].count("trains") == 2


def test_a_function_with_another_text_is_warned_of(folder, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    text = "def train(run):\n    for _ in run.epochs(1):\n        run.report(loss=1.0)\n"
    (folder / "edited_train.py").write_text(text)

    def loaded():
        linecache.clearcache()
        sys.modules.pop("edited_train", None)
        importlib.invalidate_caches()
        return importlib.import_module("edited_train").train

    tuned(loaded(), 1)
    (folder / "edited_train.py").write_text(text.replace("loss=1.0", "loss=1.0 + 1"))
    with pytest.warns(UserWarning, match=r"edited_train\.train has changed"):
        tuned(loaded(), 2, resume=True)


def test_a_study_that_another_process_runs_keeps_what_it_trains(folder):
    running = tw.Study(SPACE, metric="loss", name="s", store="a.db")
    running.ask()
    with pytest.raises(tw.errors.StudyBusy):
        tuned(one, 1, resume=True)
    assert not [event for event in running.events() if event.kind == "trains"]
    running.close()
