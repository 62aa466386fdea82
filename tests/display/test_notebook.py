"""The example notebook, run by Jupyter's own kernel; and cells of marimo."""

import pickle
import re
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tunewell.display.notebook import in_notebook, notebook_progress
from tunewell.runners.processes import portable

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOK = EXAMPLES / "notebook.ipynb"
CHAPTER = EXAMPLES / "chapter.ipynb"


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_the_notebook_runs_with_two_workers_and_its_display_stays_in_one_place(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(NOTEBOOK, 4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tuned, study, trial = (cell.outputs for cell in cells[-3:])
    (display,) = tuned  # and no wall of text
    assert "300 of 300 epochs" in display["data"]["text/html"]
    assert "<svg" in study[0]["data"]["text/html"]
    assert "learning_rate" in trial[0]["data"]["text/html"]
    assert (tmp_path / "tunewell.db").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_each_section_of_the_chapter_runs_and_shows_what_it_says(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(CHAPTER, 4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = "".join(out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", ()))
    begun, ended = map(float, re.search(r"stuck at ([\d.]+)%; now ([\d.]+)% of the test images", shown).groups())
    assert begun < 80
    assert ended > 92
    assert "forward and backward agree with the engine" in shown
    before, after = map(float, re.search(r"one model, from ([\d.]+)% to ([\d.]+)%", shown).groups())
    assert after > before + 10


@pytest.fixture
def marimo(monkeypatch):
    """Stand in for marimo, in whose cell the test runs."""
    shown = []
    module = SimpleNamespace(
        running_in_notebook=lambda: True,
        Html=str,
        Thread=threading.Thread,
        output=SimpleNamespace(replace=shown.append),
    )
    monkeypatch.setitem(sys.modules, "marimo", module)
    return shown


def test_in_a_cell_of_marimo_the_display_is_the_output_of_the_cell(marimo):
    with notebook_progress():
        pass
    assert in_notebook()
    assert marimo[-1].startswith("<pre")


def test_a_function_of_a_cell_of_marimo_goes_to_a_worker_as_itself(marimo, monkeypatch):
    pytest.importorskip("cloudpickle")
    main = ModuleType("__main__")
    main.__file__ = __file__  # it exists, and another process that imports it does not find the function
    exec("def train(run): return 3", vars(main))
    monkeypatch.setitem(sys.modules, "__main__", main)
    sent = portable(main.train)
    assert isinstance(sent, bytes)
    assert pickle.loads(sent)(None) == 3
