"""The tables as of today, for every database. `docs/record.md` describes them to whoever reads them with SQL.

A column has the name of the record's field that it keeps. To change a table, change it here and add the
migration that brings old databases to it; a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

metadata: MetaData = MetaData()

# SQLite numbers a key by itself only if its type is INTEGER
_Key = BigInteger().with_variant(Integer(), "sqlite")


def _study_id() -> Column[int]:
    return Column("study_id", _Key, ForeignKey("studies.id"), nullable=False)


def _of_a_trial(column: str = "trial") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["study_id", column], ["trials.study_id", "trials.number"])


studies: Table = Table(
    "studies",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("metric", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("max_epochs", Integer),
    Column("budget", Text, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("n_steps", Integer, nullable=False),
    Column("space", Text, nullable=False),
    Column("scheduler", Text, nullable=False),
    Column("n_spaces", Integer, nullable=False),
    Column("min_delta", Double, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("is_paused", Boolean, nullable=False),
    Column("aims", Text, nullable=False),
)

spaces: Table = Table(
    "spaces",
    metadata,
    _study_id(),
    Column("number", Integer, nullable=False),
    Column("space", Text, nullable=False),
    Column("held", Text, nullable=False),
    Column("first_trial", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("by", Text, nullable=False),
    PrimaryKeyConstraint("study_id", "number"),
)

sessions: Table = Table(
    "sessions",
    metadata,
    Column("id", _Key, primary_key=True),
    _study_id(),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("command", Text, nullable=False),
    Column("directory", Text, nullable=False),
    Column("git_commit", Text),
    Column("git_dirty", Boolean),
    Column("versions", Text, nullable=False),
    Column("process", Text),
    Column("beats", BigInteger, nullable=False),
    Index("sessions_by_study", "study_id"),
)

trials: Table = Table(
    "trials",
    metadata,
    _study_id(),
    Column("number", Integer, nullable=False),
    Column("params", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("until", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("reason", Text),
    Column("retrained", Integer, nullable=False),
    Column("parent", Integer),
    Column("parent_epoch", Integer),
    Column("note", Text, nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    PrimaryKeyConstraint("study_id", "number"),
    _of_a_trial("parent"),
    Index("trials_by_revision", "study_id", "revision"),
    Index(
        "trials_running",
        "study_id",
        "number",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

steps: Table = Table(
    "steps",
    metadata,
    _study_id(),
    Column("number", Integer, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("until", Integer, nullable=False),
    Column("session", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("study_id", "number"),
    _of_a_trial(),
)

reports: Table = Table(
    "reports",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("study_id", _Key, nullable=False),
    Column("trial", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("value", Double),
    Column("metrics", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("revision", BigInteger, nullable=False),
    _of_a_trial(),
    Index("reports_by_revision", "study_id", "revision"),
    # not unique: a trial that was rewound reports an epoch again, and the newest row counts
    Index("reports_by_trial", "study_id", "trial", "epoch"),
)

events: Table = Table(
    "events",
    metadata,
    Column("id", _Key, primary_key=True),
    _study_id(),
    Column("trial", Integer),
    Column("epoch", Integer),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("revision", BigInteger, nullable=False),
    _of_a_trial(),
    Index("events_by_trial", "study_id", "trial"),
)

checkpoints: Table = Table(
    "checkpoints",
    metadata,
    _study_id(),
    Column("trial", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("study_id", "trial", "epoch"),
    _of_a_trial(),
)

commands: Table = Table(
    "commands",
    metadata,
    Column("id", _Key, primary_key=True),
    _study_id(),
    Column("trial", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("taken_at", Double),
    Column("epoch", Integer),
    Column("refused", Text),
    Column("revision", BigInteger, nullable=False),
    _of_a_trial(),
    Index("commands_by_study", "study_id", "taken_at"),
)
