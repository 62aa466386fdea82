"""Spaces in files that other tools have written: samples of the real ones, and what cannot be taken of them."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.errors import MissingExtra, SpaceError
from tunewell.space.foreign import FORMATS, read_foreign

SAMPLES = Path(__file__).parent / "foreign"


def sample(name):
    path = SAMPLES / name
    return read_foreign(path.read_text(encoding="utf-8"), path.suffix)


def sweep(about, **others):
    return read_foreign(json.dumps({"method": "bayes", "parameters": {"x": about}} | others))


@pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_a_sample_is_read_shown_and_converted(path, tmp_path):
    found = sample(path.name)
    shown = CliRunner().invoke(cli, ["space", str(path)])
    assert shown.exit_code == 0, shown.output
    assert all(f"note: {note}" in shown.stderr for note in found.notes)
    assert "as tunewell tunes it: " in shown.stderr
    converted = CliRunner().invoke(cli, ["space", str(path), "--toml"])
    assert tw.Space.from_toml(converted.stdout) == found.space
    assert all(found.space.tier(name) < 4 for name in found.space.names)


def test_each_format_has_a_sample():
    assert {sample(path.name).tool for path in SAMPLES.iterdir()} == {form.tool for form in FORMATS}


def test_a_sweep_of_wandb():
    found = sample("sweep.yaml")
    space = found.space
    assert space.params["learning_rate"] == tw.Float(1e-5, 1e-1, scale="log")
    assert space.params["batch_size"] == tw.Int(32, 256, scale="log")
    assert space.params["layers"] == tw.Int(1, 4)
    assert space.params["dropout"] == tw.Choice([0.1, 0.2, 0.3], ordered=True)
    assert space.params["optimizer_momentum"] == tw.Float(0.3, 0.7)
    assert space.params["hidden"] == tw.Choice(["[64, 64]", "[128]"])
    assert space.params["epochs"] == tw.Choice([20])
    assert found.options == {
        "--metric": "val_loss",
        "--direction": "minimize",
        "--scheduler": "asha",
        "--eta": 2,
        "--min-epochs": 3,
        "--budget": "40trials",
    }
    assert found.program[:3] == ("python", "train.py", "--learning_rate={learning_rate}")
    assert "--optimizer.name={optimizer_name}" in found.program
    assert any("weight_decay" in line and "scale='log'" in line for line in space.warnings())
    assert any("probabilities" in note for note in found.notes)


@pytest.mark.parametrize(
    ("about", "param"),
    [
        ({"value": 3}, tw.Choice([3])),
        ({"values": ["a", None]}, tw.Choice(["a", "None"])),
        ({"values": [32, 64, 128]}, tw.Choice([32, 64, 128], ordered=True)),
        ({"values": [True, False]}, tw.Choice([True, False])),
        ({"min": 1, "max": 4}, tw.Int(1, 4)),
        ({"min": 1.0, "max": 4}, tw.Float(1.0, 4.0)),
        ({"min": 3, "max": 3}, tw.Choice([3])),
        ({"distribution": "uniform", "min": 0, "max": 1}, tw.Float(0.0, 1.0)),
        ({"distribution": "log_uniform", "min": 0, "max": 1}, tw.Float(1.0, 2.71828182846, scale="log")),
        ({"distribution": "log_uniform_values", "min": 1e-4, "max": 1}, tw.Float(1e-4, 1.0, scale="log")),
        ({"distribution": "inv_log_uniform_values", "min": 1e-4, "max": 1}, tw.Float(1e-4, 1.0, scale="log")),
        (
            {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.25},
            tw.Choice([0.0, 0.25, 0.5, 0.75, 1.0], ordered=True),
        ),
        ({"distribution": "q_uniform", "min": 1, "max": 90}, tw.Int(1, 90)),
        ({"distribution": "q_log_uniform_values", "min": 1, "max": 90}, tw.Int(1, 90, scale="log")),
        ({"distribution": "normal", "mu": 1.0, "sigma": 0.5}, tw.Float(0.0, 2.0)),
        ({"distribution": "beta", "a": 1, "b": 2}, tw.Float(0.0, 1.0)),
    ],
    ids=str,
)
def test_a_parameter_of_wandb(about, param):
    assert sweep(about).space.params["x"] == param


@pytest.mark.parametrize(
    ("about", "message"),
    [
        (3, "x: needs value, values, or min and max"),
        ({}, "x: has no min"),
        ({"min": 1}, "x: has no max"),
        ({"min": 1, "max": "b"}, "x: its upper end must be a number, got 'b'"),
        ({"values": []}, "x: its values must be a list"),
        ({"distribution": "log_unifrom", "min": 1, "max": 2}, "did you mean 'log_uniform'?"),
        ({"distribution": "log_uniform_values", "min": 0, "max": 2}, "x: scale='log' needs low > 0"),
        ({"distribution": "log_uniform", "min": 1, "max": 2000}, "are exponents of e"),
        ({"min": 2.0, "max": 1.0}, "x: Float needs low < high"),
    ],
)
def test_what_is_no_parameter_of_wandb(about, message):
    with pytest.raises(SpaceError) as raised:
        sweep(about)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["${program}", "${args_no_hyphens}"], ("train.py", "x={x}")),
        (["${program}", "${args_no_equals}"], ("train.py", "--x", "{x}")),
        (
            ["python3", "-u", "${program}", "++a=1", "${args_override_hydra}"],
            ("python3", "-u", "train.py", "++a=1", "++x={x}"),
        ),
        (None, ("python", "train.py", "--x={x}")),
    ],
)
def test_the_command_of_a_sweep(command, words):
    others = {"program": "train.py"} | ({} if command is None else {"command": command})
    assert sweep({"min": 0.0, "max": 1.0}, **others).program == words


def test_a_command_that_takes_json_is_said_to_be_left_out():
    found = sweep({"min": 0.0, "max": 1.0}, program="t.py", command=["${program}", "${args_json}"])
    assert any("${args_json}" in note for note in found.notes)


def test_yaml_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtra, match=r"a space in YAML needs PyYAML.*tunewell\[yaml\]"):
        sample("sweep.yaml")
    assert sweep({"value": 3}).tool == "W&B"  # JSON does not


def test_distributions_of_optuna():
    space = sample("optuna.json").space
    assert space.params["lr"] == tw.Float(1e-5, 1e-1, scale="log")
    assert space.params["width"] == tw.Int(8, 1024, scale="log")
    assert space.params["drop"] == tw.Choice([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], ordered=True)
    assert space.params["opt"] == tw.Choice(["adam", "sgd", "None"])


def test_trials_of_optuna_show_a_condition():
    found = sample("optuna-journal.log")
    assert found.options == {"--direction": "maximize"}
    assert found.space.params["momentum"].conditions == {"optimizer": ("sgd",)}
    assert found.space.params["layers"] == tw.Int(1, 3)


def test_trials_of_optuna_as_a_list_with_ranges_that_differ():
    narrow = "FloatDistribution(high=0.1, log=False, low=0.0, step=None)"
    wide = {"name": "UniformDistribution", "attributes": {"low": -1.0, "high": 0.05}}
    found = read_foreign(json.dumps({"trials": [{"distributions": {"x": narrow}}, {"distributions": {"x": wide}}]}))
    assert found.space.params["x"] == tw.Float(-1.0, 0.05)
    wide = {"name": "FloatDistribution", "attributes": {"low": -1.0, "high": 0.05, "log": False, "step": None}}
    found = read_foreign(json.dumps([{"distributions": {"x": narrow}}, {"distributions": {"x": wide}}]))
    assert found.space.params["x"] == tw.Float(-1.0, 0.1)
    assert any("several ranges" in note for note in found.notes)


def test_a_space_of_configspace():
    found = sample("configspace.json")
    space = found.space
    assert space.params["lr"] == tw.Float(1e-5, 1e-1, scale="log", default=1e-3)
    assert space.params["momentum"].conditions == {"optimizer": ("sgd", "rmsprop")}
    assert space.params["units_3"].conditions == {"n_layers": (3, 4)}
    assert space.params["nesterov_decay"].conditions == {"optimizer": ("sgd",), "width": (64,)}
    assert space.params["eps"].conditions == {}
    said = "\n".join(found.notes)
    for what in (
        "weights",
        "units-3 is called units_3",
        "eps: its condition",
        "forbidden: optimizer == 'sgd'",
        "n_layers == 4",
    ):
        assert what in said


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ({"type": "NEQ", "parent": "a", "value": 1}, (2, 3)),
        ({"type": "LT", "parent": "a", "value": 3}, (1, 2)),
        ({"type": "IN", "parent": "a", "values": [3, 9]}, (3,)),
        ({"type": "OR", "conditions": [{"type": "EQ", "parent": "a", "value": v} for v in (1, 3)]}, (1, 3)),
        ({"type": "AND", "conditions": [{"type": "NEQ", "parent": "a", "value": v} for v in (1, 3)]}, (2,)),
        ({"type": "EQ", "parent": "a", "value": 7}, None),
    ],
    ids=str,
)
def test_conditions_of_configspace(condition, values):
    numbers = [{"type": "uniform_int", "name": name, "lower": 1, "upper": 3} for name in "ab"]
    found = read_foreign(json.dumps({"hyperparameters": numbers, "conditions": [condition | {"child": "b"}]}))
    assert found.space.params["b"].conditions == ({} if values is None else {"a": values})
    assert bool(found.notes) == (values is None)


def test_an_oracle_of_keras_tuner():
    found = sample("oracle.json")
    space = found.space
    assert space.params["learning_rate"] == tw.Float(1e-4, 1e-1, scale="log", default=1e-3)
    assert space.params["filters"] == tw.Choice([4, 8, 16, 32, 64], ordered=True)
    assert space.params["amp"] == tw.Choice([False, True], default=False)
    assert space.params["epochs"] == tw.Choice([10])
    assert space.params["momentum"].conditions == {"optimizer": ("sgd",)}
    assert any("reverse_log" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "suffix", "message"),
    [
        ("{", ".json", "is not valid JSON"),
        ("", ".json", "no space that is known here"),
        ("a: [", ".yaml", "is not valid YAML"),
        ("{}", ".json", "no space that is known here"),
        ("3", ".json", "no space that is known here"),
        ("[]", ".json", "no space that is known here"),
        ("a: 3", ".yml", "no space that is known here"),
        ('{"parameters": {}}', ".json", "a space needs at least one parameter"),
        ('{"hyperparameters": []}', ".json", "a space needs at least one parameter"),
        ('{"hyperparameters": [{"name": "a", "type": "unifrom_float"}]}', ".json", "did you mean 'uniform_float'?"),
        ('{"hyperparameters": [{"name": "a", "type": "uniform_float"}]}', ".json", "a: its lower end must be a number"),
        ('{"space": [{"class_name": "Flaot", "config": {"name": "a"}}]}', ".json", "did you mean 'Float'?"),
        ('{"space": [3]}', ".json", "needs a class_name"),
        ('{"hyperparameters": [{"name": "a", "type": "normal_int"}]}', ".json", "cannot be read: KeyError"),
        ('[{"op_code": 5}]', ".json", "looks like Optuna's, and cannot be read"),
        ('{"trials": []}', ".json", "no trial has a parameter"),
        ('[{"distributions": {"a": "x"}}]', ".json", "a: is no distribution of Optuna"),
        ('{"parameters": {"a-b": {"value": 1}, "a.b": {"value": 1}}}', ".json", "rename one of them"),
    ],
)
def test_a_file_that_is_none_is_refused(text, suffix, message, tmp_path):
    with pytest.raises(SpaceError) as raised:
        read_foreign(text, suffix)
    assert message in str(raised.value)
    (tmp_path / f"a{suffix}").write_text(text)
    done = CliRunner().invoke(cli, ["space", str(tmp_path / f"a{suffix}")])
    assert done.exit_code == 2
    assert f"a{suffix}: " in done.stderr


def test_a_study_is_begun_with_the_space_of_another_tool(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("def train(run):\n    run.report(val_loss=run.params.x)\n")
    (tmp_path / "sweep.json").write_text(
        '{"parameters": {"x": {"min": 0.1, "max": 1.0, "distribution": "log_uniform_values"}}}'
    )
    done = CliRunner().invoke(cli, ["tune", "train.py", "--space", "sweep.json", "--budget", "2trials", "--quiet"])
    assert done.exit_code == 0, done.output
    assert tw.Study.open("tunewell.db", "train").space.params["x"].scale == "log"
