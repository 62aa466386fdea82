"""The schema of a settings file takes what the commands take, and refuses what they refuse."""

import json
import tomllib

import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli

FULL = """
script = "train.py"
budget = 30
max_epochs = 9
metric = "val_accuracy"
direction = "maximize"
scheduler = "asha"
eta = 3
memory = "8GB"
isolate = false
cpus_per_trial = 0.5
warm_start = ["a"]

[space.rate]
type = "float"
low = 1
high = 10.5
scale = "log"
tier = 1
default = 2

[space.layers]
type = "int"
low = 1
high = 4
when = {kind = ["a", "b"]}

[space.kind]
type = "choice"
values = ["a", "b", 3]
ordered = true

[rescue]
budget = "5"
anyway = true

[lr-find]
per_decade = 3
"""
WRONG = {
    "budgt = 3": "budgt",
    "workers = '2'": "workers",
    "workers = 0": "workers",
    "metric = 3": "metric",
    "metric = ''": "metric",
    "threads = 1": "threads",
    "scheduler = 'ahsa'": "scheduler",
    "warm_start = 'a'": "warm_start",
    "babysat = true": "babysat",
    "command = 'python'": "command",
    "command = []": "command",
    "[space.rate]\ntype = 'float'": "space",
    "[space.rate]\ntype = 'float'\nlow = 0\nhigh = 1\nstep = 1": "space",
    "[space.rate]\ntype = 'int'\nlow = 0.5\nhigh = 1": "space",
    "[space.rate]\ntype = 'int'\nlow = 1\nhigh = 2\nscale = 'logit'": "space",
    "[rescue]\nbudgte = 1": "rescue",
    "[space]": "space",
}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}


def is_a(value, kind):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def fits(value, schema):
    """True if a value fits a schema, of whose words those are known that ours has."""
    known = {"$schema", "title", "description", "default"}
    for word, wants in schema.items():
        match word:
            case "type":
                ok = any(is_a(value, kind) for kind in ([wants] if isinstance(wants, str) else wants))
            case "enum":
                ok = value in wants
            case "const":
                ok = value == wants
            case "anyOf":
                ok = any(fits(value, one) for one in wants)
            case "minimum":
                ok = value >= wants
            case "maximum":
                ok = value <= wants
            case "minLength":
                ok = not isinstance(value, str) or len(value) >= wants
            case "minItems" | "minProperties":
                ok = not isinstance(value, list | dict) or len(value) >= wants
            case "items":
                ok = not isinstance(value, list) or all(fits(one, wants) for one in value)
            case "required":
                ok = all(name in value for name in wants)
            case "properties":
                ok = all(fits(value[name], one) for name, one in wants.items() if name in value)
            case "additionalProperties":
                others = [one for name, one in value.items() if name not in schema.get("properties", {})]
                ok = not others if wants is False else all(fits(one, wants) for one in others)
            case _:
                assert word in known, word
                ok = True
        if not ok:
            return False
    return True


@pytest.fixture(scope="module")
def schema():
    return json.loads(CliRunner().invoke(cli, ["config", "--schema"]).stdout)


def test_it_takes_what_the_commands_take(schema, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tunewell.toml").write_text(FULL)
    done = CliRunner().invoke(cli, ["config", "--json"])
    assert done.exit_code == 0, done.stderr
    assert fits(tomllib.loads(FULL), schema)
    assert fits({}, schema)


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text.split("\n")[-1])
def test_it_refuses_what_the_commands_refuse(schema, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tunewell.toml").write_text(text)
    done = CliRunner().invoke(cli, ["config"])
    assert done.exit_code == 2
    assert WRONG[text] in done.stderr
    assert not fits(tomllib.loads(text), schema)


def test_another_validator_agrees(schema):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(tomllib.loads(FULL))
    assert not any(validator.is_valid(tomllib.loads(text)) for text in WRONG)


def test_each_option_is_described(schema):
    options = [one for name, one in schema["properties"].items() if name not in ("space", "script", "command")]
    assert all(one.get("description") or one.get("properties") is not None for one in options)
