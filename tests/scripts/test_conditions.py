"""What is tuned under a condition: with the optimizer that has it, with the schedule that it is of."""

import sys

import pytest

from tunewell.scripts import find_parameters
from tunewell.training.external_program import ExternalProgram

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--optimizer", choices=["sgd", "adam", "adamw"], default="sgd")
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--momentum", type=float, default=0.9)
parser.add_argument("--nesterov", action="store_true")
parser.add_argument("--beta1", type=float, default=0.9)
parser.add_argument("--scheduler", choices=["none", "step", "cosine"], default="none")
parser.add_argument("--step-size", type=int, default=10)
parser.add_argument("--gamma", type=float, default=0.1)
parser.add_argument("--weight-decay", type=float, default=0.0)
args = parser.parse_args()
USE
"""


@pytest.fixture
def find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def find(use="", *arguments):
        (tmp_path / "train.py").write_text(SCRIPT.replace("USE", use))
        return find_parameters([sys.executable, "train.py", *arguments])

    return find


def when(found):
    return {name: dict(param.conditions) for name, param in found.space.params.items() if param.when is not None}


def test_a_parameter_is_tuned_with_what_it_belongs_to(find):
    assert when(find()) == {
        "momentum": {"optimizer": ("sgd",)},
        "nesterov": {"optimizer": ("sgd",)},
        "beta1": {"optimizer": ("adam", "adamw")},
        "step_size": {"scheduler": ("step",)},
        "gamma": {"scheduler": ("step",)},
    }


def test_its_word_is_left_out_of_the_command_of_a_trial_without_it(find):
    its = find()
    setting = its.space.filled({"optimizer": "adam"})
    words = ExternalProgram(its.command).filled({**setting, "seed": 1})
    assert "--beta1=0.9" in words
    assert not [word for word in words if "momentum" in word or "nesterov" in word or "gamma" in word or "{" in word]
    words = ExternalProgram(its.command).filled({**its.space.filled({}), "seed": 1})
    assert "--momentum=0.9" in words


def test_without_a_choice_there_is_no_condition(find):
    assert set(when(find("", "--optimizer", "adam"))) == {"step_size", "gamma"}


def test_a_momentum_that_is_the_first_beta_of_others_is_always_tuned(find):
    assert "momentum" not in when(find("# Adam(net.parameters(), lr=args.lr, betas=(args.momentum, 0.999))"))


def test_a_group_of_hydra_is_a_choice_and_what_one_option_has_is_tuned_with_it(tmp_path, monkeypatch):
    pytest.importorskip("hydra")
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "config": "defaults:\n  - optimizer: adam\n  - model: small\n  - _self_\nbatch_size: 32\n",
        "optimizer/adam": "lr: 0.001\nbeta1: 0.9\n",
        "optimizer/sgd": "lr: 0.1\nmomentum: 0.9\n",
        "model/small": "hidden: 32\n",
        "model/big": "hidden: 64\ndropout: 0.1\n",
    }.items():
        path = tmp_path / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "train.py").write_text(
        "import hydra\n@hydra.main(version_base=None, config_path='conf', config_name='config')\n"
        "def main(config):\n    pass\nmain()\n"
    )
    its = find_parameters([sys.executable, "train.py"])
    assert set(its.space.names) == {"lr", "hidden", "batch_size", "optimizer", "beta1", "momentum"}
    assert its.space.params["optimizer"].values == ("adam", "sgd")
    assert when(its) == {"beta1": {"optimizer": ("adam",)}, "momentum": {"optimizer": ("sgd",)}}
    words = ExternalProgram(its.command).filled(its.space.filled({"optimizer": "sgd"}))
    assert "optimizer.momentum=0.9" in words
    assert not [word for word in words if "beta1" in word]
