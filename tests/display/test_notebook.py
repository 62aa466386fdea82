"""The example notebook, run by Jupyter's own kernel."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
NOTEBOOK = Path(__file__).parents[2] / "examples" / "notebook.ipynb"


@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_the_notebook_runs_with_two_workers_and_its_display_stays_in_one_place(tmp_path):
    notebook = nbformat.read(NOTEBOOK, 4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    tuned, study, trial = (cell.outputs for cell in cells[-3:])
    (display,) = tuned  # and no wall of text
    assert "300 of 300 epochs" in display["data"]["text/html"]
    assert "<svg" in study[0]["data"]["text/html"]
    assert "learning_rate" in trial[0]["data"]["text/html"]
    assert (tmp_path / "tunewell.db").exists()
