"""Constants of a script, and entries of a settings file, as parameters."""

import json
import subprocess
import sys
import textwrap

import pytest

from tunewell.scripts import config_file, find_parameters
from tunewell.scripts.constants import constants, replaced
from tunewell.training.external_program import ExternalProgram
from tunewell.training.run import Run


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Channel:
    def report(self, *_, **__): ...


def trained(found, **params):
    """What a trial of the command prints."""
    run = Run({**found.space.defaults(), **params}, seed=7, channel=Channel())
    done = subprocess.run(
        ExternalProgram(found.command).filled({**run.params, "seed": run.seed, "trial": run.trial}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


SCRIPT = """
import json, sys
LR, BATCH_SIZE = 1e-2, 32
EPOCHS = 5
NAME = "run"
DEPTH: int = 3
BATCH_SIZE += 0
class Config:
    dropout = 0.1
    hidden = 2 * 32
settings = {"optimizer": {"momentum": 0.9}, "path": "data"}
args = dict(weight_decay=0.0)
for LAYERS in range(3):
    pass
SEED = 1
if LR > 1:
    GAMMA = 0.9
def main():
    label_smoothing = 0.1
    config = [LR, EPOCHS, Config.dropout, Config.hidden, settings, args, label_smoothing, SEED]
    print(json.dumps([*config, sys.argv, __name__]))
if __name__ == "__main__":
    main()
"""  # fmt: skip


def test_constants_are_found_where_they_are_set_once_and_replaced_where_they_stand(folder):
    (folder / "train.py").write_text(SCRIPT)
    its = find_parameters([sys.executable, "train.py", "--data", "x"])
    assert its.space.names == (
        "lr", "depth", "dropout", "hidden", "momentum", "weight_decay", "label_smoothing",
    )  # fmt: skip
    assert its.epochs == 5
    assert its.how == "constants at train.py:3"
    setting = {"lr": 0.5, "dropout": 0.3, "hidden": 7, "momentum": 0.5, "weight_decay": 0.01, "label_smoothing": 0.2}
    values = trained(its.with_epochs(9), **setting)
    assert values == [
        0.5, 9, 0.3, 7, {"optimizer": {"momentum": 0.5}, "path": "data"}, {"weight_decay": 0.01}, 0.2, 7,
        ["train.py", "--data", "x"], "__main__",
    ]  # fmt: skip


def test_a_script_of_constants_is_not_run_to_find_them(folder):
    (folder / "train.py").write_text("LR = 0.1\nopen('went-on', 'w').close()\n")
    find_parameters([sys.executable, "train.py"])
    assert not (folder / "went-on").exists()


def test_a_traceback_has_the_scripts_own_lines(folder):
    (folder / "train.py").write_text("LR = 0.1\n\n\nraise ValueError(LR)\n")
    done = subprocess.run(
        [sys.executable, "-m", "tunewell.scripts.constants", "LR=0.5", "--", "train.py"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 'File "train.py", line 4, in <module>' in done.stderr
    assert done.stderr.endswith("ValueError: 0.5\n")


def test_the_launcher_hides_none_of_the_scripts_names(folder):
    (folder / "train.py").write_text("LR = 0.1\ntry:\n    ast\nexcept NameError:\n    print('clean', __file__)\n")
    done = subprocess.run(
        [sys.executable, "-m", "tunewell.scripts.constants", "LR=1", "--", "train.py"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "clean train.py\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["NO=1", "--", "train.py"], "train.py: it has no constant NO"),
        (["LR=1", "--", "nowhere.py"], "nowhere.py"),
        (["LR=1"], "give what to replace, and the script"),
    ],
)
def test_what_cannot_be_replaced_is_said_in_a_line(folder, words, says):
    (folder / "train.py").write_text("LR = 0.1\n")
    done = subprocess.run(
        [sys.executable, "-m", "tunewell.scripts.constants", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_value_keeps_the_kind_of_the_constant():
    import ast

    tree = replaced(ast.parse("A = 1.0\nB = 2\nC = 'x'\nD = True\n"), {"A": "1", "B": "3", "C": "5", "D": "False"})
    assert ast.unparse(tree) == "A = 1.0\nB = 3\nC = '5'\nD = False"
    assert set(constants(ast.parse("A = 1\nA = 2\nB = f()\nC = [1]\nD = -3\n"))) == {"C", "D"}


YAML = """
# an experiment
name: baseline   # of all
optimizer:
  lr: 1e-3       # found by hand
  weight_decay: 5.0e-4
  betas: [0.9, 0.999]
model:
  hidden: 64
  use_bn: true
  layers:
    - size: 3
    - size: 4
  activation: 'relu'
text: |
  lr: 5
epochs: 12
"""
TOML = '[optimizer]\nlr = 1e-3 # found\n[model]\nhidden = 64\nuse_bn = true\nname = "a"\n[train]\nepochs = 12\n'
JSON = '{"optimizer": {"lr": 0.001}, "model": {"hidden": 64, "use_bn": true}, "train": {"epochs": 12}}'
PROGRAM = """
import argparse, json, pathlib
p = argparse.ArgumentParser()
p.add_argument("--config")
text = pathlib.Path(p.parse_args().config).read_text()
print(json.dumps(text))
"""


@pytest.mark.parametrize(("name", "text"), [("c.yaml", YAML), ("c.toml", TOML), ("c.json", JSON)])
def test_the_entries_of_a_file_that_the_command_names_are_parameters(folder, name, text):
    (folder / "train.py").write_text(PROGRAM)
    (folder / name).write_text(text)
    its = find_parameters([sys.executable, "train.py", "--config", name])
    assert {"lr", "hidden", "use_bn"} <= set(its.space.names)
    assert its.epochs == 12
    read = trained(its.with_epochs(3), lr=1e-5, hidden=99, use_bn=False)
    assert (folder / name).read_text() == text
    again = folder / f"again{name[1:]}"
    again.write_text(read)
    values = config_file.entries(again)
    assert (values["optimizer.lr"], values["model.hidden"], values["model.use_bn"]) == (1e-5, 99, False)
    assert 3 in (values.get("epochs"), values.get("train.epochs"))


def test_all_else_of_a_yaml_file_stays_as_it_is_written():
    text = config_file.changed(
        YAML, ".yaml", {"optimizer.lr": "1e-05", "model.activation": "tanh", "model.use_bn": "False"}
    )
    assert text == YAML.replace("1e-3 ", "1.0e-05 ").replace("'relu'", "'tanh'").replace("true", "false")


def test_numbers_are_read_by_yaml_as_numbers(folder):
    yaml = pytest.importorskip("yaml")
    for value in ("1e-05", "0.001", "64", "1e-12", "3.5"):
        text = config_file.changed("lr: 0.5\n", ".yaml", {"lr": value})
        assert yaml.safe_load(text) == {"lr": float(value)}


def test_a_file_that_cannot_be_read_is_named(folder):
    (folder / "train.py").write_text(PROGRAM)
    (folder / "c.json").write_text("{")
    with pytest.raises(Exception, match=r"c\.json cannot be read"):
        find_parameters([sys.executable, "train.py", "--config", "c.json"])


def test_flags_and_a_file_are_tuned_together(folder):
    (folder / "train.py").write_text(
        textwrap.dedent("""
        import argparse
        p = argparse.ArgumentParser()
        p.add_argument("--config")
        p.add_argument("--dropout", type=float, default=0.1)
        p.add_argument("--lr", type=float, default=None)
        p.parse_args()
        """)
    )
    (folder / "c.yaml").write_text("lr: 0.1\nbatch_size: 32\n")
    its = find_parameters([sys.executable, "train.py", "--config=c.yaml"])
    assert set(its.space.names) == {"lr", "batch_size", "dropout"}
    assert "lr={lr}" in its.command
    assert its.command[-3:] == ("--config={}", "--dropout", "{dropout}")


def test_constants_of_a_module_beside_the_script_are_replaced_as_it_is_imported(folder):
    (folder / "config.py").write_text("LR = 0.1\nEPOCHS = 4\nclass Model:\n    dropout = 0.2\n")
    (folder / "train.py").write_text(
        "import json, config\nfrom config import LR, Model\nprint(json.dumps([LR, config.EPOCHS, Model.dropout]))\n"
    )
    its = find_parameters([sys.executable, "train.py"])
    assert (its.space.names, its.epochs, its.how) == (("lr", "dropout"), 4, "constants at config.py:1")
    assert trained(its.with_epochs(6), lr=0.5) == [0.5, 6, 0.2]


@pytest.mark.parametrize("direct", [True, False])
def test_a_script_that_runs_by_itself_is_run_by_its_interpreter(folder, direct):
    script = folder / "train.py"
    script.write_text(f"#!{sys.executable}\nLR = 0.1\nprint(LR)\n")
    script.chmod(0o755)
    its = find_parameters(["./train.py"] if direct else [sys.executable, "-u", "train.py"])
    assert trained(its, lr=0.5) == 0.5


def test_mappings_in_braces_are_read_and_changed_in_place(tmp_path):
    path = tmp_path / "base.yaml"
    path.write_text(
        "data: {root: ./data, batch_size: 32}  # rows\n"
        "train:\n  optimizer: {name: 'sgd, plain', lr: 0.05, betas: [0.9, 0.99], inner: {decay: 1e-4}}\n  epochs: 5\n"
        "open: {a: 1,\n  b: 2}\n"
    )
    known = config_file.entries(path)
    assert known["train.optimizer.lr"] == 0.05
    assert known["train.optimizer.inner.decay"] == 1e-4
    assert known["train.optimizer.name"] == "sgd, plain"
    assert not any(name.startswith("open") for name in known)
    # two of them on one line, where the first changes its length
    values = {"train.optimizer.lr": "1e-05", "train.optimizer.inner.decay": "0.002", "data.batch_size": "64"}
    text = path.read_text()
    for before, after in (("0.05", "1.0e-05"), ("1e-4", "0.002"), ("batch_size: 32", "batch_size: 64")):
        text = text.replace(before, after)
    assert config_file.changed(path.read_text(), ".yaml", values) == text
    path = tmp_path / "base.toml"
    path.write_text('optimizer = {lr = 0.1, name = "adam"}\n[model]\nhidden = 64\n')
    assert config_file.entries(path) == {"optimizer.lr": 0.1, "optimizer.name": "adam", "model.hidden": 64}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("base.ini", "[train]\nlr = 0.1  ; fast\n# x\ndropout: 0.2\n[data]\npath = x\n", "lr = 0.5  ; fast"),
        ("base.json5", '{\n  // fast\n  lr: 0.1, "net": {"dropout": 0.2, "units": [1, {"lr": 3}],},\n}\n', "lr: 0.5,"),
        ("base.yaml", "net: &net {dropout: 0.2}\ntrain:\n  lr: !!float 0.1\n  <<: *net\n", "lr: !!float 0.5"),
    ],
)
def test_settings_files_of_other_habits_are_changed_where_their_values_stand(folder, name, text, says):
    (folder / name).write_text(text)
    (folder / "train.py").write_text(
        f"import argparse\np = argparse.ArgumentParser()\np.add_argument('--config', default={name!r})\n"
        "import json\nprint(json.dumps(open(p.parse_args().config).read()))\n"
    )
    its = find_parameters([sys.executable, "train.py"])
    assert set(its.space.names) == {"lr", "dropout"}
    changed = trained(its, lr=0.5)
    assert says in changed
    assert changed.replace("0.5", "0.1") == text


def test_a_list_of_numbers_is_changed_number_by_number():
    import ast

    tree = replaced(ast.parse("config = {'hidden': [64, 32]}\nBETAS = (0.9, 0.99)\n"), {"config.hidden": "48,24"})
    assert ast.unparse(tree) == "config = {'hidden': [48, 24]}\nBETAS = (0.9, 0.99)"
    with pytest.raises(ValueError, match="has 2 numbers"):
        replaced(ast.parse("A = [1, 2]"), {"A": "1"})


def test_the_settings_file_that_the_source_names_is_changed(tmp_path):
    (tmp_path / "params.json").write_text('{"lr": 0.1, "hidden_sizes": [64, 32], "epochs": 3}')
    (tmp_path / "train.py").write_text("import json\nprint(json.dumps(json.load(open('params.json'))))\n")
    its = find_parameters([sys.executable, "train.py"])
    assert set(its.space.names) == {"lr", "hidden_sizes_1", "hidden_sizes_2"}
    assert its.epochs == 3
    words = ExternalProgram(its.command).filled({"lr": 0.2, "hidden_sizes_1": 48, "hidden_sizes_2": 24})
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"lr": 0.2, "hidden_sizes": [48, 24], "epochs": 3}
    assert '"lr": 0.1' in (tmp_path / "params.json").read_text()


def test_the_constants_of_a_package_below_are_changed(tmp_path):
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "__init__.py").touch()
    (tmp_path / "conf" / "defaults.py").write_text("LR = 0.1\n")
    (tmp_path / "train.py").write_text("from conf.defaults import LR\nprint(LR)\n")
    its = find_parameters([sys.executable, "train.py"])
    done = subprocess.run(ExternalProgram(its.command).filled({"lr": 0.2}), capture_output=True, text=True, check=True)
    assert done.stdout == "0.2\n"


def test_bindings_of_gin_are_changed_where_their_values_stand():
    text = "# PPO\nAgent.gamma = 0.99  # discount\nopt/Adam.learning_rate = 3e-4\ntrain.nesterov = True\n"
    text += "train.act = 'relu'\ntrain.sizes = [64, 32]\ntrain.agent = @Agent\ntrain.batch_size = %batch\n"
    values = {"Agent.gamma": "0.9", "opt/Adam.learning_rate": "1e-05", "train.nesterov": "false", "train.act": "gelu"}
    changed = config_file.changed(text, ".gin", values | {"train.sizes": "128,16"})
    assert changed == (
        "# PPO\nAgent.gamma = 0.9  # discount\nopt/Adam.learning_rate = 1.0e-05\ntrain.nesterov = False\n"
        "train.act = 'gelu'\ntrain.sizes = [128, 16]\ntrain.agent = @Agent\ntrain.batch_size = %batch\n"
    )
