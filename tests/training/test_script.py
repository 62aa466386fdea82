"""Scripts: what is taken from a file, how it is loaded, and what is said of a file that cannot be."""

import importlib
import json
import pickle
import subprocess
import sys
import types
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.errors import ScriptError
from tunewell.training.script import ScriptTrain, load_script

SCRIPT = """import tunewell as tw

space = tw.Space(rate=tw.Float(0.0, 1.0))


def train(run):
    run.report(val_loss=run.params.rate)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "meta_path", sys.meta_path[:])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in sys.modules[name].__file__:
            del sys.modules[name]


def written(name, text):
    Path(name).write_text(text, encoding="utf-8")
    return load_script(name)


def complaint(name, text):
    with pytest.raises(ScriptError) as caught:
        written(name, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_script_has_its_space_its_function_and_nothing_that_it_does_not_say():
    script = written("plain.py", SCRIPT)
    assert script.needed_space() == tw.Space(rate=tw.Float(0.0, 1.0))
    run = tw.Run({"rate": 0.5})
    script.needed_train()(run)
    assert run.reports == [{"epoch": 1, "val_loss": 0.5}]
    assert (script.metric, script.direction, script.epochs, script.budget) == (None, None, None, None)


def test_a_script_may_say_metric_direction_epochs_and_budget():
    script = written("full.py", SCRIPT + "metric, direction, EPOCHS, budget = 'val_loss', 'minimize', 9, '2h'\n")
    assert (script.metric, script.direction, script.epochs, script.budget) == ("val_loss", "minimize", 9, "2h")


def test_a_function_of_the_users_that_has_such_a_name_is_left_alone():
    script = written("named.py", SCRIPT + "def metric(truth, guess): ...\nimport math as budget\n")
    assert script.metric is None
    assert script.budget is None


def test_the_training_function_crosses_processes_as_a_path():
    train = written("sent.py", SCRIPT).needed_train()
    assert pickle.loads(pickle.dumps(train)) == train == ScriptTrain(train.path)


def test_a_file_is_run_once_in_a_process():
    script = written("once.py", SCRIPT + "import sys\nsys.once_count = getattr(sys, 'once_count', 0) + 1\n")
    load_script("once.py")
    run = tw.Run({"rate": 0.5})
    script.needed_train()(run)
    assert sys.once_count == 1
    del sys.once_count


def test_a_file_finds_its_neighbours_and_can_be_found_by_its_name(folder):
    (folder / "neighbour_of_it.py").write_text("VALUE = 7\n")
    written(
        "is_found.py",
        SCRIPT + "import neighbour_of_it\nimport pickle\nassert pickle.loads(pickle.dumps(train)) is train\n",
    )


def test_a_file_that_is_called_like_a_module_does_not_take_its_place():
    written("json.py", SCRIPT)
    assert sys.modules["json"] is json
    assert isinstance(sys.modules["tunewell_script_json"], types.ModuleType)


def test_what_stands_under_the_main_guard_does_not_run():
    written("guarded.py", SCRIPT + "if __name__ == '__main__':\n    raise RuntimeError\n")


def test_a_file_without_space_or_function_says_what_to_add():
    with pytest.raises(ScriptError, match=r"empty.py has no space; add space = tw.Space"):
        written("empty.py", "x = 1\n").needed_space()
    with pytest.raises(ScriptError, match=r"empty.py has no function train; add def train\(run\)"):
        load_script("empty.py").needed_train()


def test_a_space_of_the_wrong_kind_is_refused():
    assert "space must be a tw.Space, got [1]" in complaint("list.py", "space = [1]\n")
    assert "rate: 1 is no parameter; to hold it at a value" in complaint("dict.py", "space = {'rate': 1}\n")
    assert "train must be a function" in complaint("number.py", "train = 3\n")


def test_a_mistake_in_a_space_names_the_line_and_the_mend():
    text = SCRIPT.replace("tw.Space(rate=tw.Float(0.0, 1.0))", "tw.Space(\n    rate=tw.Float(1.0, 0.5),\n)")
    assert complaint("swapped.py", text).startswith("swapped.py:4: rate=tw.Float(1.0, 0.5): ")


def test_an_error_deep_in_a_library_names_the_line_of_the_script():
    assert complaint("deep.py", "import json\njson.loads('{')\n").startswith(
        "deep.py:2: json.loads('{'): JSONDecodeError: "
    )


def test_a_syntax_error_names_its_line_wherever_it_is(folder):
    assert complaint("syntax.py", "x = 1\ny = = 2\n") == "syntax.py:2: invalid syntax: y = = 2"
    (folder / "broken_neighbour.py").write_text("def f(:\n")
    assert complaint("imports_it.py", "import broken_neighbour\n").startswith("broken_neighbour.py:1: ")


def test_a_missing_package_says_what_to_install():
    line = complaint("needs.py", "import no_such_package\n")
    assert line == (
        "needs.py:1: import no_such_package: No module named 'no_such_package'; install it where tunewell is installed"
    )


def test_a_script_that_ends_the_process_is_refused():
    assert 'if __name__ == "__main__":' in complaint("ends.py", "raise SystemExit(2)\n")


def test_a_file_that_failed_to_load_leaves_no_module_behind():
    complaint("half_loaded.py", "raise ValueError\n")
    assert "half_loaded" not in sys.modules


@pytest.mark.parametrize("name", ["random", "secrets", "numpy", "types", "tunewell", "tomllib", "torch", "jax"])
def test_a_script_with_the_name_of_a_module_does_not_stand_in_for_it(folder, monkeypatch, name):
    monkeypatch.delitem(sys.modules, "secrets", raising=False)
    monkeypatch.delitem(sys.modules, "tomllib", raising=False)
    before = sys.modules.get(name)
    script = written(f"{name}.py", SCRIPT)
    assert sys.modules.get(name) is before
    assert script.needed_train().__call__.__module__ == f"tunewell_script_{name}"
    if name not in ("torch", "jax"):
        assert Path(importlib.import_module(name).__file__).parent != folder


def test_a_worker_imports_its_modules_before_it_loads_the_script(folder):
    (folder / "numpy.py").write_text(SCRIPT)
    words = ["-P", "-m", "tunewell", "tune", "numpy.py", "--budget", "2trials", "--workers", "2", "--quiet"]
    done = subprocess.run([sys.executable, *words], check=False, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
