"""Writes the dump of the newest schema, by which the tests know it when there are newer ones: `make schema-dump`.

A study in which all has happened that may is written by today's store and dumped as SQL, to `schemas/NNN.sql`, NNN
being the number of the newest migration. A dump that is there stays as it is: it is what that schema's users have.
"""

import re
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from tunewell.stores import SqlStore
from tunewell.stores.migrations import MIGRATIONS
from tunewell.testing.records import STUDY, a_life

SCHEMAS = Path(__file__).parent / "schemas"

# a text, which stays as it is, or an infinite number: sqlite3 writes one as `Inf`, or `9.0e+999` if it is newer
_TEXT_OR_INFINITE = re.compile(r"('(?:[^']|'')*')|(?<=[,(])(-?)(?:Inf|9\.0e\+999)(?=[,)])")


def main() -> None:
    path = dump_path()
    if path.exists():
        sys.exit(f"{path} is there already; only if its migration has never been released, remove it and dump again")
    path.write_text(dump(), encoding="utf-8")
    sys.stdout.write(f"wrote {path}\n")


def dump_path(version: int = len(MIGRATIONS)) -> Path:
    """Return where the dump of a schema is kept."""
    return SCHEMAS / f"{version:03}.sql"


def dump() -> str:
    """Return a record of today's schema as SQL, which SQLite can read again."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tunewell.db"
        with closing(SqlStore(file)) as store:
            study = store.add_study(STUDY).id
            for change in a_life(store, study):
                change()
        with closing(sqlite3.connect(file)) as database:
            return "".join(f"{_with_infinities(statement)}\n" for statement in database.iterdump())


def _with_infinities(statement: str) -> str:
    """Return the statement with its infinite numbers written as SQLite reads them."""
    return _TEXT_OR_INFINITE.sub(lambda found: found[1] or f"{found[2]}1e999", statement)


if __name__ == "__main__":
    main()
