"""Loggers are found in the sources of a training, wherever the import stands."""

import functools
import linecache
import sys
from types import ModuleType

import pytest

from tunewell.training.logger_imports import imported_logger
from tunewell.training.script import ScriptTrain

IMPORTS = {
    "at the top": ("import wandb", "wandb"),
    "in a function": ("def train(run):\n    import mlflow.pytorch", "mlflow"),
    "of a part": ("from torch.utils import tensorboard", "torch.utils.tensorboard"),
    "of a class": ("from torch.utils.tensorboard import SummaryWriter", "torch.utils.tensorboard"),
    "by name": ("import importlib\nimportlib.import_module('comet_ml')", "comet_ml"),
    "where it is there": ("try:\n    import aim\nexcept ImportError:\n    aim = None", "aim"),
    "by a trainer": ("Arguments(report_to=['wandb'])", "wandb"),
    "by a framework": ("from lightning.pytorch.loggers import CSVLogger", "lightning.pytorch.loggers"),
    "of another name": ("import wandbox, torch.utils.data\nfrom torch import utils", None),
    "none": ("import torch", None),
    "with an error": ("import wandb(", None),
}


@pytest.mark.parametrize(("text", "logger"), IMPORTS.values(), ids=IMPORTS)
def test_an_import_is_found(tmp_path, text, logger):
    (tmp_path / "train.py").write_text(text)
    assert imported_logger(ScriptTrain(str(tmp_path / "train.py"))) == logger


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("from helpers import log", "helpers.py"),
        ("import helpers", "helpers/__init__.py"),
        ("from helpers import logs", "helpers/logs.py"),
        ("import helpers.logs", "helpers/logs.py"),
        ("from .helpers import log", "helpers.py"),
        ("from . import helpers", "helpers.py"),
    ],
)
def test_files_beside_it_are_read_too(tmp_path, text, file):
    (tmp_path / "train.py").write_text(text)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("from train import space\nimport clearml")  # each imports the other
    assert imported_logger(ScriptTrain(str(tmp_path / "train.py"))) == "clearml"


def test_packages_that_are_installed_are_not(tmp_path, monkeypatch):
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "others.py").write_text("import wandb")
    others = ModuleType("others")
    others.__file__ = str(installed / "others.py")
    monkeypatch.setitem(sys.modules, "others", others)
    (tmp_path / "train.py").write_text("import others")
    assert imported_logger(ScriptTrain(str(tmp_path / "train.py"))) is None


def test_functions_methods_and_what_is_made_of_them_are_looked_up(tmp_path):
    text = "import neptune\ndef train(run, x=0): ...\nclass Training:\n    def __call__(self, run): ..."
    (tmp_path / "theirs.py").write_text(text)
    names = {"__name__": "theirs"}
    text = text.replace("import neptune", "")
    exec(compile(text, str(tmp_path / "theirs.py"), "exec"), names)
    for train in (names["train"], functools.partial(names["train"], x=1), names["Training"]()):
        assert imported_logger(train) == "neptune"


def test_the_cells_of_a_notebook_are_known_by_what_they_have_defined():
    wandb = ModuleType("wandb")
    names = {"__name__": "a notebook", "log": wandb}
    exec("def train(run): ...", names)
    assert imported_logger(names["train"]) == "wandb"
    text = "def train(run):\n    import mlflow"
    linecache.cache["<cell 3>"] = (len(text), None, text.splitlines(keepends=True), "<cell 3>")
    names = {"__name__": "a notebook"}
    exec(compile(text, "<cell 3>", "exec"), names)
    assert imported_logger(names["train"]) == "mlflow"
