"""A workbook of tunewell's, opened by LibreOffice and saved again: another program's idea of what is in it."""

import datetime as dt
import shutil
import subprocess

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from tunewell.cli.main import cli
from tunewell.study.reader import StudyReader

TRAIN = """
import tunewell as tw
space = tw.Space(rate=tw.Float(1e-4, 1.0, scale="log"), kind=tw.Choice(["=1+1", "sgd"]))
metric = "loss"
def train(run):
    for epoch in run.epochs(4):
        run.report(loss=run.params.rate / epoch)
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_the_same_numbers_dates_and_texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(TRAIN)
    for words in ("tune train.py --budget 24epochs --scheduler full --quiet", "export --output record.xlsx"):
        done = CliRunner().invoke(cli, words.split())
        assert done.exit_code == 0, done.output
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    words = ["soffice", profile, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", "again"]
    subprocess.run([*words, "record.xlsx"], check=True, timeout=600, capture_output=True)

    written, read = (load_workbook(path) for path in ("record.xlsx", "again/record.xlsx"))
    assert read.sheetnames == written.sheetnames
    study = StudyReader.open("tunewell.db", "train")
    header, *rows = read["trials"].iter_rows()
    column = {cell.value: at for at, cell in enumerate(header)}
    assert len(rows) == len(study.trials)
    for row, trial in zip(rows, study.trials, strict=True):
        rate, kind, began = (row[column[name]] for name in ("rate", "kind", "started_at"))
        assert rate.value == pytest.approx(trial.params["rate"], rel=1e-14)
        assert (kind.data_type, kind.value) == ("s", trial.params["kind"])  # a text, which nothing has calculated
        assert isinstance(began.value, dt.datetime)
    assert "=1+1" in {trial.params["kind"] for trial in study.trials}
    assert [len(sheet._charts) for sheet in read] == [len(sheet._charts) for sheet in written]
    assert any(sheet._charts for sheet in read)
    for name in ("curves", "reports"):
        ours, theirs = (list(book[name].iter_rows(values_only=True)) for book in (written, read))
        assert theirs[0] == ours[0]
        for one, other in zip(ours[1:], theirs[1:], strict=True):
            assert [x for x in other if isinstance(x, float)] == pytest.approx(
                [x for x in one if isinstance(x, float)], rel=1e-14
            )
