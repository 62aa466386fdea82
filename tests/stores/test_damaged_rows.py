"""A record that was damaged: one line says so, and the rest is shown."""

import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.display.records import whole_study_record
from tunewell.errors import StoreError
from tunewell.runners.tune import drive
from tunewell.stores import open_store
from tunewell.trial import DAMAGED

NESTED = "[" * 100_000 + "]" * 100_000


@pytest.fixture
def record(tmp_path):
    file = tmp_path / "tunewell.db"
    study = tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", store=file, budget=3, scheduler="full", max_epochs=2, name="s"
    )
    drive(study, lambda run: [run.report(loss=run.params.x) for _ in run.epochs(2)])
    study.add_event("note", trial=0)
    study.store.close()
    return file


def damaged(file, statement, *values):
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement, values)


READERS = [["show", "s"], ["show", "s", "--trial", "0"], ["export", "s"], ["export", "s", "--format", "json"], ["list"]]


@pytest.mark.parametrize("content", ["{torn", "", "[1]", '{"loss": [1]}', "null", NESTED, b"\x00\xff"])
@pytest.mark.parametrize("command", [*READERS, ["export", "s", "--what", "reports"]], ids=" ".join)
def test_what_can_be_read_is_shown_beside_a_damaged_report(record, command, content):
    damaged(record, "UPDATE reports SET metrics = ? WHERE id = 1", content)
    result = CliRunner().invoke(cli, [*command, "--store", str(record)])
    assert result.exit_code == 0, result.stderr
    assert result.stdout
    if command[-1] in ("reports", "json") or "--trial" in command:
        assert result.stderr.count("1 report on record cannot be read") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trials SET params = ? WHERE number = 1",
        "UPDATE trials SET note = ? WHERE number = 1",
        "UPDATE trials SET state = ? WHERE number = 1",
        "UPDATE studies SET space = ?",
        "UPDATE studies SET scheduler = ?",
        "UPDATE spaces SET space = ?",
        "UPDATE events SET data = ?",
        "UPDATE sessions SET versions = ?",
    ],
)
@pytest.mark.parametrize("content", ["{torn", NESTED])
def test_no_damage_is_taken_for_a_defect(record, statement, content):
    damaged(record, statement, content)
    for command in READERS:
        result = CliRunner().invoke(cli, [*command, "--store", str(record)])
        assert "defect" not in result.stderr
        assert "Traceback" not in result.stderr
        if result.exit_code:
            assert len(result.stderr.strip().splitlines()) == 1
            assert "damaged" in result.stderr


LEAVES_THE_REST = [
    *(f"trials.{name}" for name in ("params", "note", "state", "seed", "epochs", "until", "started_at", "ended_at")),
    *(f"events.{name}" for name in ("data", "trial", "at", "epoch")),
    *(f"reports.{name}" for name in ("metrics", "value", "epoch", "at")),
    *(f"sessions.{name}" for name in ("versions", "started_at", "ended_at", "pid")),
    *(f"checkpoints.{name}" for name in ("size", "at")),
    *(f"commands.{name}" for name in ("data", "kind", "at", "epoch", "taken_at")),
]


@pytest.mark.parametrize("column", LEAVES_THE_REST)
def test_whatever_is_damaged_the_rest_of_the_record_is_read(record, column):
    table, name = column.split(".")
    with closing(sqlite3.connect(record)) as database, database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("INSERT INTO checkpoints VALUES (1, 0, 1, 'a.npz', 5, 1.0)")
        database.execute(
            "INSERT INTO commands VALUES (9, 1, 0, 'note', 'ann', '', '{\"text\": \"hm\"}', 1.0, 2.0, 1, NULL, 0)"
        )
        database.execute(f"UPDATE {table} SET {name} = '{{torn' WHERE rowid = (SELECT min(rowid) FROM {table})")
    with closing(open_store(record)) as store:
        study = tw.Study.open(store, "s")
        assert len(study.trials) == 3
        assert study.best.value == min(
            report.metrics["loss"] for report in study.reports() if report.trial != 0 or table != "trials"
        )
        whole_study_record(study)
        study.commands()
        assert store.damaged[table.removesuffix("s")]
        if table == "trials":
            assert study.trials[0].reason == DAMAGED
            with pytest.raises(StoreError, match="damaged; restore the record from a copy"):
                study.ask()


@pytest.mark.parametrize("damage", ["DELETE FROM tunewell_schema", "UPDATE tunewell_schema SET version = -1"])
def test_a_record_whose_schema_is_not_known_is_refused(record, damage):
    damaged(record, "DELETE FROM tunewell_schema WHERE version < (SELECT max(version) FROM tunewell_schema)")
    damaged(record, damage)
    for command in (["show"], ["list"], ["tune", "x.py", "--resume"]):
        result = CliRunner().invoke(cli, [*command, "--store", str(record)])
        assert result.exit_code == 2
        assert "defect" not in result.stderr
    assert "restore it from a copy" in CliRunner().invoke(cli, ["list", "--store", str(record)]).stderr
