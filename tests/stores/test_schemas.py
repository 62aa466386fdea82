"""Each schema that there has been has a dump, from which the other tests know that its records are still read."""

import dataclasses
import importlib.util
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tunewell.stores import SqlStore, rows, schema
from tunewell.stores.migrations import MIGRATIONS
from tunewell.testing.records import SESSION, STUDY

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("dump_schema", Path(__file__).parent / "dump_schema.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_every_schema_has_a_dump(script, version):
    assert script.dump_path(version).exists(), (
        f"schema {version} has no dump: run `make schema-dump`, and keep the file"
    )


def test_no_dump_is_of_a_schema_that_there_is_not(script):
    assert len(list(script.SCHEMAS.glob("*.sql"))) == len(MIGRATIONS)


def creations(dump):
    return {statement for statement in dump.split(";\n") if statement.startswith("CREATE")}


@pytest.mark.skipif(not (SCHEMAS / f"{len(MIGRATIONS):03}.sql").exists(), reason="there is no newest dump")
def test_the_newest_dump_is_of_what_the_migrations_make(script):
    newest = script.dump_path().read_text(encoding="utf-8")
    assert creations(script.dump()) == creations(newest), "a migration that has a dump was changed; add another instead"


def test_a_dump_is_read_by_sqlite_and_written_once(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "SCHEMAS", tmp_path)
    script.main()
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(script.dump_path().read_text(encoding="utf-8"))
        assert database.execute("SELECT max(value) FROM reports").fetchone() == (math.inf,)
    with pytest.raises(SystemExit, match="is there already"):
        script.main()


def test_what_looks_infinite_in_a_text_is_dumped_as_it_is(script):
    row = "INSERT INTO t VALUES(Inf,-Inf,'it''s,Inf,',9.0e+999,NULL);"
    assert script._with_infinities(row) == "INSERT INTO t VALUES(1e999,-1e999,'it''s,Inf,',1e999,NULL);"


def test_what_past_sessions_spent_together_counts_once(tmp_path):
    spans = [(0.0, 10.0), (2.0, 5.0), (8.0, 14.0), (20.0, 21.0), (30.0, 25.0), (40.0, None)]
    with closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        database.executescript((SCHEMAS / "005.sql").read_text(encoding="utf-8"))
        (columns,) = database.execute("SELECT group_concat(name) FROM pragma_table_info('sessions')").fetchone()
        rest = columns.replace("id,study_id,started_at,ended_at,", "")
        for number, (begin, end) in enumerate(spans, start=2):
            database.execute(
                f"INSERT INTO sessions SELECT ?, study_id, ?, ?, {rest} FROM sessions WHERE id = 1",
                (number, begin, end),
            )
        database.execute("DELETE FROM sessions WHERE id = 1")
        database.execute("UPDATE trials SET session = 7 WHERE number = 1")
        database.execute("UPDATE reports SET at = 43.0 WHERE trial = 1")  # the last word of one that was killed
    with closing(SqlStore(tmp_path / "old.db")) as store:
        assert store.changes(1, 0).seconds == 18.0


KEPT_BY_THE_STORE = {"id", "study_id", "revision", "n_steps", "n_spaces", "beats", "value", "seconds"}
"""Columns that no record needs: whose a row is, its key, what is counted, and the metric once more."""


@pytest.mark.parametrize("table", sorted(schema.metadata.tables.keys() - {"steps"}))
def test_each_column_is_a_field_of_a_record(table):
    fields = set(getattr(rows, table.upper()).columns)
    columns = set(schema.metadata.tables[table].columns.keys())
    assert columns - fields - KEPT_BY_THE_STORE == set(), "no record has these columns"
    assert fields - columns == set(), "these fields have no column"


@pytest.mark.parametrize(
    ("record", "later"), [(STUDY, {"id", "min_delta", "is_paused"}), (SESSION, {"id", "beats", "ended_at"})]
)
def test_the_contract_of_stores_writes_a_value_into_each_field(record, later):
    at_default = {field.name for field in dataclasses.fields(record) if getattr(record, field.name) == field.default}
    assert at_default <= later, "give them a value in tunewell/testing/records.py"
