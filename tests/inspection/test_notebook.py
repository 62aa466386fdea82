"""Notebooks are read by their code cells; magics and commands keep their lines, and places are of cells."""

import json

import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli
from tunewell.errors import ScriptError
from tunewell.inspection import inspect
from tunewell.inspection.source.notebook import read_cells

MODEL = "%%time\nmodel = nn.Sequential(nn.Linear(8, 3), nn.Softmax(dim=1))\nmodel?\n"
LOSS = "for step in range(3):\n    %time x = 1\nloss = nn.CrossEntropyLoss()(model(x), y)\n"


def notebook(*cells):
    code = [{"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["# A net"]}, *code], "nbformat": 4})


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "train.ipynb"
    start = [
        "%matplotlib inline\n",
        "!pip install torch \\\n",
        "  torchvision\n",
        "import torch\n",
        "from torch import nn\n",
    ]
    file.write_text(notebook([*start, "files = !ls"], "%%bash\nls | wc -l", MODEL, LOSS), encoding="utf-8")
    return file


def test_a_mistake_is_placed_by_cell_and_line(file):
    [mistake] = inspect(file, static=True).mistakes
    assert (mistake.kind, mistake.cell, mistake.line) == ("logits-expected", 3, 2)
    assert mistake.place == f"{file}, cell 3, line 2"
    assert "(cell 3, line 2)" in mistake.seen
    assert "on cell 4, line 3" in mistake.seen


def test_a_notebook_is_not_run_and_the_command_says_so(file):
    ran = CliRunner().invoke(cli, ["inspect", str(file), "--json"])
    assert ran.exit_code == 1
    assert "is a notebook, which is read and not run" in ran.stderr
    assert json.loads(ran.stdout)[0]["cell"] == 3
    assert inspect(file, static=True).not_run is None


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%pip install x\ny = 1", "pass\ny = 1\n"),
        ("if y:\n    !wget url \\\n      -q\nz", "if y:\n    pass\n\nz\n"),
        ("%%html\n<b>\n", "\n\n"),
        ("%%capture out\nx = 1", "pass\nx = 1\n"),
        ("a = !ls\nb = %env HOME", "a = None\nb = None\n"),
        ("model?\n?model\nmodel.fit??", "pass\npass\npass\n"),
        ("x = a % b\ny = a if not b else c", "x = a % b\ny = a if not b else c\n"),
        ("", "\n"),
    ],
)
def test_what_is_no_python_keeps_its_place(cell, python):
    assert read_cells(notebook(cell), "n").text == python


def test_a_syntax_error_is_placed_by_cell(tmp_path):
    file = tmp_path / "n.ipynb"
    file.write_text(notebook("x = 1", "y = 2\nz = ("), encoding="utf-8")
    with pytest.raises(ScriptError, match=r"n.ipynb, cell 2, line 2: '\(' was never closed"):
        inspect(file, static=True)


@pytest.mark.parametrize("content", ["", "{}", '{"cells": 3}', "[]", '{"cells": [{"source": 3}]}', "\x00"])
def test_what_is_no_notebook_is_an_error_of_one_line(tmp_path, content):
    file = tmp_path / "n.ipynb"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ScriptError, match="is no notebook") as error:
        inspect(file)
    assert "\n" not in str(error.value)
