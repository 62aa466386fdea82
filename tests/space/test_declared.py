"""Spaces that a class declares, and what type checkers then know of `run.params`."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, TypedDict

import pytest

import tunewell as tw


class AsDict(TypedDict):
    learning_rate: Annotated[float, tw.Float(1e-4, 1.0, scale="log")]
    layers: Annotated[int, tw.Int(1, 4)]


@dataclass
class AsDataclass:
    learning_rate: Annotated[float, tw.Float(1e-4, 1.0, scale="log")]
    layers: Annotated[int, tw.Int(1, 4)] = 2


def test_a_typed_dict_declares_the_space():
    assert tw.Space.of(AsDict) == tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log"), layers=tw.Int(1, 4))


def test_the_defaults_of_a_dataclass_are_those_of_the_parameters():
    assert tw.Space.of(AsDataclass).params["layers"] == tw.Int(1, 4, default=2)


def test_a_class_is_taken_where_a_space_is():
    seen = []

    def train(run: tw.Run[AsDataclass]):
        seen.append((run.params.learning_rate, run.params.layers))
        return {"loss": run.params.learning_rate}

    study = tw.tune(train, AsDataclass, metric="loss", budget="2trials", store="memory")
    assert len(study.trials) == 2
    assert seen[0] == (study.trials[0].params["learning_rate"], study.trials[0].params["layers"])


class Bare:
    layers: int


class WithoutParam(TypedDict):
    layers: int


class WithTwo(TypedDict):
    layers: Annotated[int, tw.Int(1, 4), tw.Int(1, 8)]


class OfAnotherType(TypedDict):
    layers: Annotated[int, tw.Float(1.0, 4.0)]


@dataclass
class Outside:
    layers: Annotated[int, tw.Int(1, 4)] = 9


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Bare, "no TypedDict and no dataclass"),
        (WithoutParam, r"layers: its annotation has no parameter; write learning_rate: Annotated\["),
        (WithTwo, "layers: its annotation has 2 parameters"),
        (OfAnotherType, "layers: annotated int, and its parameter is Float; make it float"),
        (Outside, "layers: its default 9"),
    ],
)
def test_what_declares_no_space_is_refused_by_name(cls, message):
    with pytest.raises(tw.TunewellError, match=message):
        tw.Space.of(cls)


TYPED = """
from typing import Annotated, TypedDict
import tunewell as tw

class Settings(TypedDict):
    learning_rate: Annotated[float, tw.learning_rate()]
    layers: Annotated[int, tw.Int(1, 4)]

def train(run: tw.Run[Settings]) -> None:
    reveal_type(run.params["learning_rate"])
    run.params["layer"]

def loosely(run: tw.Run) -> None:
    reveal_type(run.params)

tw.tune(train, Settings, metric="loss")
tw.tune(loosely, tw.Space.of(Settings), metric="loss")
"""


@pytest.mark.slow
def test_a_type_checker_knows_the_parameters(tmp_path):
    (tmp_path / "typed.py").write_text(TYPED, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", tmp_path / "typed.py"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path).stdout
    assert 'Revealed type is "builtins.float"' in said or 'Revealed type is "float"' in said
    assert "values.Params" in said
    errors = [line for line in said.splitlines() if ": error:" in line]
    assert len(errors) == 1, said
    assert '"layer"' in errors[0]
