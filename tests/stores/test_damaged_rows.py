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


COMMANDS = [["show"], ["best"], ["export", "--format", "json"], ["diagnose", "--trial", "1"], ["list"]]


def said(record, *words):
    """Return what a command shows of the record; it is not to fail, nor to take the damage for a defect."""
    result = CliRunner().invoke(cli, [*words, "--store", str(record)], input="")
    assert result.exit_code == 0, result.stderr
    assert "Traceback" not in result.stderr
    return result


@pytest.mark.parametrize("content", ["{torn", "{}", '{"x": {"type": "float"}}', b"\xff", NESTED])
@pytest.mark.parametrize(
    "damage",
    [
        ["UPDATE spaces SET space = ?1"],
        ["UPDATE studies SET space = ?1"],
        ["UPDATE studies SET space = ?1", "UPDATE spaces SET space = ?1"],
    ],
    ids=["spaces", "studies", "both"],
)
def test_where_a_space_is_damaged_trials_are_shown_as_they_are_on_record(record, damage, content):
    for statement in damage:
        damaged(record, statement, content)
    for words in COMMANDS:
        said(record, *words)
    with closing(open_store(record, create=False)) as store:
        study = tw.Study.open(store, "s")
        assert [len(trial.params) for trial in study.trials] == [1, 1, 1]
        assert study.best.params["x"] == study.best.value
        if len(damage) == 2 or "spaces" not in damage[0]:
            with pytest.raises(StoreError, match=r"damaged; restore the record from a copy"):
                study.ask()


STUDY = ["uuid", "metric", "direction", "budget", "space", "scheduler", "seed", "created_at", "max_epochs"]


@pytest.mark.parametrize("column", [*STUDY, "revision", "n_steps", "n_spaces", "min_delta", "seconds"])
def test_of_a_damaged_study_the_trials_are_shown(record, column):
    damaged(record, f"UPDATE studies SET {column} = CAST(x'007b' AS BLOB)")
    for words in (["show"], ["list"]):
        assert "1 study on record cannot be read" in said(record, *words).stderr
    with closing(open_store(record, create=False)) as store:
        study = tw.Study.open(store, "s")
        assert (study.metric, study.maximize, len(study.trials)) == ("loss", False, 3)
        assert study.best.value == min(report.metrics["loss"] for report in study.reports())
        with pytest.raises(StoreError, match="restore the record from a copy"):
            study.ask()


@pytest.mark.parametrize(
    "damage", ["UPDATE studies SET name = x'00'", "UPDATE studies SET name = ''", "DELETE FROM studies"]
)
def test_a_study_that_has_lost_its_name_is_shown_under_its_id(record, damage):
    damaged(record, damage)
    for words in COMMANDS:
        said(record, *words)
    assert "study-1" in said(record, "show", "study-1").stdout


@pytest.mark.parametrize(
    "table", ["studies", "spaces", "sessions", "steps", "reports", "events", "checkpoints", "trials"]
)
def test_what_is_not_of_a_lost_table_is_shown(record, table):
    damaged(record, f"ALTER TABLE {table} RENAME TO elsewhere")
    for words in (["show"], ["list"]):
        said(record, *words)
    assert ("cannot be read" in said(record, "export", "--format", "json").stderr) == (table != "steps")


@pytest.mark.parametrize("column", ["trials.note", "reports.at", "studies.min_delta", "sessions.beats", "spaces.held"])
def test_what_is_not_of_a_lost_column_is_shown(record, column):
    table, name = column.split(".")
    damaged(record, f"ALTER TABLE {table} RENAME COLUMN {name} TO elsewhere")
    for words in (["show"], ["list"]):
        said(record, *words)
    assert ("cannot be read" in said(record, "export", "--format", "json").stderr) == (table != "steps")


def test_trials_whose_rows_are_gone_are_there_by_their_reports(record):
    damaged(record, "DELETE FROM trials")
    shown = said(record, "show")
    assert shown.stdout.count("failed") >= 3
    assert "on record cannot be read" in shown.stderr


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE trials SET number = -1 WHERE number = 1",
        "UPDATE trials SET parent = 2 WHERE number = 1",
        'UPDATE trials SET params = \'{"x": "abc"}\' WHERE number = 1',
        "UPDATE trials SET started_at = 1e300",
        "UPDATE studies SET created_at = 1e300",
        "UPDATE studies SET revision = 0",
        "UPDATE reports SET epoch = 1099511627776 WHERE id = 2",
        "UPDATE reports SET trial = -1 WHERE id = 2",
        "UPDATE reports SET metrics = CAST(x'ff' AS TEXT) WHERE id = 2",
        "UPDATE studies SET n_spaces = 3",
        "DELETE FROM spaces",
    ],
)
def test_numbers_that_cannot_be_are_no_defect(record, damage):
    damaged(record, damage)
    for words in (*COMMANDS[:3], ["list"], ["show", "--trial", "0"], ["export", "--what", "reports"]):
        said(record, *words)


def pages(record):
    with closing(sqlite3.connect(record)) as database:
        return dict(database.execute("SELECT name, rootpage FROM sqlite_master"))


@pytest.fixture(scope="module")
def long_record(tmp_path_factory):
    file = tmp_path_factory.mktemp("long") / "tunewell.db"
    study = tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", store=file, budget=40, scheduler="full", max_epochs=9, name="s"
    )
    drive(study, lambda run: [run.report(loss=run.params.x, other=0.123456789) for _ in run.epochs(9)])
    study.store.close()
    return file


@pytest.mark.parametrize("fill", [b"\0", b"\xa5"])
@pytest.mark.parametrize("table", ["reports", "trials", "studies", "spaces", "reports_by_trial", None])
def test_of_a_page_that_was_overwritten_the_rest_is_read(long_record, tmp_path, table, fill):
    file = tmp_path / "tunewell.db"
    content = bytearray(long_record.read_bytes())
    # the last page of the file is a leaf of a table that grows, the root of a table leads to its leaves
    page = len(content) // 4096 if table is None else pages(long_record)[table]
    content[(page - 1) * 4096 : page * 4096] = fill * 4096
    file.write_bytes(content)
    for words in (["show"], ["export", "--format", "json"], ["list"]):
        assert "on record cannot be read" in said(file, *words).stderr
    assert file.read_bytes() == content
    with closing(open_store(file, create=False)) as store:
        study = tw.Study.open(store)
        assert len(study.trials) == 40
        assert table == "reports" or len(study.reports()) > 200
        with pytest.raises(StoreError, match="restore"):
            study.ask()
        with pytest.raises(StoreError, match="malformed; restore it from a copy"):
            store.add_retrained(1, 0, 1)


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(long_record, tmp_path):
    file = tmp_path / "tunewell.db"
    content = long_record.read_bytes()
    file.write_bytes(content[:-4096])
    assert "on record cannot be read" in said(file, "show").stderr
    for rest in (content[:5000], b"some text\n" * 999, b""):
        file.write_bytes(rest)
        result = CliRunner().invoke(cli, ["show", "--store", str(file)])
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
        assert "defect" not in result.stderr


@pytest.mark.parametrize(
    ("place", "content"),
    [(28, b"\x02"), (47, b"\xff"), (16, b"\0\0"), (None, b"\xdb")],
    ids=["a length of 100 GB", "its format", "its pages", "its schema"],
)
def test_a_damaged_header_or_schema_is_no_defect(long_record, tmp_path, place, content):
    file, whole = tmp_path / "tunewell.db", bytearray(long_record.read_bytes())
    if place is None:
        place = whole.index(b"CREATE TABLE studies")
    whole[place : place + len(content)] = content
    file.write_bytes(whole)
    result = CliRunner().invoke(cli, ["show", "--store", str(file)])
    assert result.exit_code in (0, 2)
    assert "defect" not in result.stderr


def test_a_schema_that_is_older_than_its_tables_is_no_defect(record):
    damaged(record, "DELETE FROM tunewell_schema WHERE version = (SELECT max(version) FROM tunewell_schema)")
    said(record, "show")
    with pytest.raises(StoreError, match="duplicate column name: aims; restore it from a copy"):
        open_store(record)


def test_what_is_lost_is_said_where_nothing_is_left_to_show(record):
    damaged(record, "UPDATE reports SET value = 'torn', metrics = 'torn'")
    result = CliRunner().invoke(cli, ["best", "--store", str(record)])
    assert result.exit_code == 1
    assert "6 reports on record cannot be read" in result.stderr
