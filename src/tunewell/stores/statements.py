"""The statements of the store: SQLAlchemy Core expressions, written once and compiled to each dialect's text.

Running the text on the driver's own cursor costs a fraction of what executing the expression costs, and a report
must cost little, or users report less. Parameters have the names of their columns; `study` and `trial` say which
rows are meant, `since` is the revision that a reader has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tunewell.stores import rows
from tunewell.stores.base import BECOMES
from tunewell.stores.schema import checkpoints, commands, events, reports, sessions, spaces, steps, studies, trials
from tunewell.trial import TrialState

_study: sa.BindParameter[int] = sa.bindparam("study")
_trial: sa.BindParameter[int] = sa.bindparam("trial")
_since: sa.BindParameter[int] = sa.bindparam("since")
_limit: sa.BindParameter[int] = sa.bindparam("limit", type_=sa.BigInteger)
_this_study = studies.c.id == _study
_this_trial = sa.and_(trials.c.study_id == _study, trials.c.number == _trial)


@cache
def texts(dialect: sa.Dialect) -> Mapping[str, str]:
    """Return the text of every statement, by name."""
    return {
        name: str(statement.compile(dialect=dialect, column_keys=keys))
        for name, (statement, keys) in _statements(dialect).items()
    }


_Statement = tuple[sa.ClauseElement, Sequence[str]]
"""An expression, and the columns that it sets to parameters of the same name."""


def _statements(dialect: sa.Dialect) -> dict[str, _Statement]:
    return {
        **_of_studies(dialect),
        **_of_sessions(dialect),
        **_of_trials(),
        **_of_reports(dialect),
        **_of_the_rest(dialect),
        **_of_commands(),
        **_of_contents(),
    }


def _of_studies(dialect: sa.Dialect) -> dict[str, _Statement]:
    revised = studies.c.revision + _one
    given: sa.BindParameter[float] = sa.bindparam("seconds", type_=studies.c.seconds.type)
    seconds = sa.case((studies.c.seconds < given, given), else_=studies.c.seconds)
    waiting = (
        sa.select(sa.func.count())
        .select_from(commands)
        .where(commands.c.study_id == _study, commands.c.taken_at.is_(None))
        .scalar_subquery()
    )
    holding_back = sa.case((studies.c.is_paused, _one), else_=_zero)
    return {
        "add_study": (
            _insert(dialect, studies)
            .values(revision=_zero, n_steps=_zero, n_spaces=_one, seconds=_zero)
            .on_conflict_do_nothing(index_elements=["name"])
            .returning(studies.c.id),
            _without_id(rows.STUDIES.columns),
        ),
        "study": (_select(studies, rows.STUDIES.columns).where(studies.c.name == sa.bindparam("name")), ()),
        "lost_studies": (
            sa.select(trials.c.study_id)
            .where(trials.c.study_id.not_in(sa.select(studies.c.id)))
            .distinct()
            .order_by(trials.c.study_id),
            (),
        ),
        "studies": (_select(studies, rows.STUDIES.columns).order_by(studies.c.id), ()),
        "set_max_epochs": (studies.update().where(_this_study), ["max_epochs"]),
        "set_budget": (studies.update().where(_this_study), ["budget"]),
        "set_min_delta": (studies.update().where(_this_study), ["min_delta"]),
        "set_is_paused": (studies.update().where(_this_study), ["is_paused"]),
        "progress": (
            sa.select(
                studies.c.revision,
                studies.c.n_steps,
                studies.c.max_epochs,
                studies.c.n_spaces,
                waiting,
                studies.c.seconds,
                studies.c.budget,
                studies.c.is_paused,
                sa.select(sa.func.max(reports.c.revision)).where(reports.c.study_id == _study).scalar_subquery(),
            ).where(_this_study),
            (),
        ),
        # of a study whose own row is damaged
        "progress_by_rows": (
            sa.select(
                sa.select(sa.func.count()).select_from(steps).where(steps.c.study_id == _study).scalar_subquery(),
                sa.select(sa.func.count()).select_from(spaces).where(spaces.c.study_id == _study).scalar_subquery(),
                waiting,
            ),
            (),
        ),
        "add_space": (spaces.insert(), ["study_id", *rows.SPACES.columns]),
        "spaces": (
            _select(spaces, rows.SPACES.columns).where(spaces.c.study_id == _study).order_by(spaces.c.number),
            (),
        ),
        # Each writing transaction on a study begins with one of these four. They take the lock (SQLite's only one, or
        # the study's row), so revisions are in the order of the commits: what is new since one misses nothing.
        "revise": (studies.update().where(_this_study).values(revision=revised).returning(studies.c.revision), ()),
        "revise_and_look": (
            studies.update()
            .where(_this_study)
            .values(revision=revised, seconds=seconds)
            .returning(studies.c.revision, waiting + holding_back),
            (),
        ),
        "raise_seconds": (
            studies.update()
            .where(
                studies.c.id
                == sa.select(sessions.c.study_id).where(sessions.c.id == sa.bindparam("session")).scalar_subquery(),
                studies.c.seconds < given,
            )
            .values(seconds=given),
            (),
        ),
        "reserve_step": (
            studies.update()
            .where(_this_study, studies.c.n_steps == sa.bindparam("step"))
            .values(revision=revised, n_steps=studies.c.n_steps + _one)
            .returning(studies.c.revision),
            (),
        ),
        "set_space": (
            studies.update()
            .where(_this_study, studies.c.n_spaces == sa.bindparam("number") - _one)
            .values(revision=revised, n_spaces=studies.c.n_spaces + _one)
            .returning(studies.c.revision),
            ["space"],
        ),
    }


def _of_sessions(dialect: sa.Dialect) -> dict[str, _Statement]:
    columns = _without_id(rows.SESSIONS.columns)
    given = _given(dialect, sessions, columns)
    newest = (
        sa.select(sa.func.coalesce(sa.func.max(sessions.c.id), _zero)).where(sessions.c.study_id == _study)
    ).scalar_subquery()
    known = sa.func.coalesce(sa.bindparam("newest", type_=sessions.c.id.type), newest)
    signs = trials.c.started_at, trials.c.ended_at, reports.c.at
    return {
        "begin_session": (
            sessions.insert()
            .from_select(["study_id", *columns], sa.select(_study, *given).where(known == newest))
            .returning(sessions.c.id),
            (),
        ),
        "end_session": (sessions.update().where(sessions.c.id == sa.bindparam("session")), ["ended_at"]),
        "beat": (
            sessions.update()
            .where(sessions.c.id == sa.bindparam("session"), sessions.c.ended_at.is_(None))
            .values(beats=sessions.c.beats + _one),
            (),
        ),
        "last_sign": (
            # one that is there twice in the join is there once in the greatest
            sa.select(sessions.c.started_at, *(sa.func.max(time) for time in signs))
            .select_from(
                sessions.outerjoin(
                    trials, sa.and_(trials.c.study_id == sessions.c.study_id, trials.c.session == sessions.c.id)
                ).outerjoin(
                    reports, sa.and_(reports.c.study_id == trials.c.study_id, reports.c.trial == trials.c.number)
                )
            )
            .where(sessions.c.id == sa.bindparam("session"))
            .group_by(sessions.c.id, sessions.c.started_at),
            (),
        ),
        "sessions": (
            _select(sessions, rows.SESSIONS.columns).where(sessions.c.study_id == _study).order_by(sessions.c.id),
            (),
        ),
    }


def _of_trials() -> dict[str, _Statement]:
    running = trials.update().where(_this_trial, _is(TrialState.RUNNING))
    last_step = (
        sa.select(sa.func.max(steps.c.number)).where(steps.c.study_id == _study, steps.c.trial == _trial)
    ).scalar_subquery()
    return {
        "last_trial": (sa.select(sa.func.max(trials.c.number)).where(trials.c.study_id == _study), ()),
        "state": (sa.select(trials.c.state).where(_this_trial), ()),
        "is_held": (sa.select(trials.c.number).where(_this_trial, _held()), ()),
        "add_trial": (trials.insert(), ["study_id", "revision", *rows.TRIALS.columns]),
        "resume_trial": (
            trials.update().where(_this_trial, _is(TrialState.PAUSED)),
            ["state", "until", "session", "note", "revision"],
        ),
        "reopen_trial": (
            trials.update().where(_this_trial, _is(TrialState.FAILED)),
            ["state", "epochs", "reason", "ended_at", "revision"],
        ),
        "steer_trial": (
            trials.update().where(_this_trial, sa.or_(_is(TrialState.PAUSED), _is(TrialState.HELD))),
            ["state", "reason", "ended_at", "revision"],
        ),
        "revise_step": (running, ["until", "revision"]),
        "take_step": (
            running.where(trials.c.session == sa.bindparam("of", type_=trials.c.session.type)),
            ["session", "revision"],
        ),
        "end_step": (running.where(_held()), ["state", "epochs", "reason", "ended_at", "revision"]),
        "add_retrained": (
            trials.update().where(_this_trial).values(retrained=trials.c.retrained + sa.bindparam("more")),
            ["revision"],
        ),
        "new_trials": (
            _select(trials, rows.TRIALS.columns)
            .where(trials.c.study_id == _study, trials.c.revision > _since)
            .order_by(trials.c.number),
            (),
        ),
        "session_of": (sa.select(trials.c.session).where(_this_trial), ()),
        "renew_trial": (trials.update().where(_this_trial), [*BECOMES, "revision"]),
        "add_step": (steps.insert(), steps.c.keys()),
        "set_until_of_step": (
            steps.update().where(steps.c.study_id == _study, steps.c.number == last_step),
            ["until"],
        ),
    }


def _of_reports(dialect: sa.Dialect) -> dict[str, _Statement]:
    columns = ("epoch", "value", "metrics", "at", "revision")
    new = (reports.c.study_id == _study, reports.c.revision > _since, reports.c.revision <= sa.bindparam("until"))
    given = _given(dialect, reports, columns)
    reported = _select(reports, rows.REPORTS.columns).where(reports.c.study_id == _study).order_by(reports.c.id)
    reached = (
        sa.select(sa.func.max(reports.c.epoch))
        .where(reports.c.study_id == trials.c.study_id, reports.c.trial == trials.c.number)
        .scalar_subquery()
    )
    return {
        "report": (
            reports.insert().from_select(
                ["study_id", "trial", *columns],
                sa.select(trials.c.study_id, trials.c.number, *given).where(
                    _this_trial, _is(TrialState.RUNNING), _held()
                ),
            ),
            (),
        ),
        "is_reported": (
            sa.select(reports.c.id).where(
                reports.c.study_id == _study,
                reports.c.trial == _trial,
                reports.c.epoch == sa.bindparam("epoch"),
                reports.c.at == sa.bindparam("at"),
            ),
            (),
        ),
        "part": (sa.select(reports.c.revision).where(*new).order_by(reports.c.revision).offset(_limit).limit(_one), ()),
        "values": (
            sa.select(reports.c.trial, reports.c.epoch, reports.c.value)
            .where(*new, reports.c.value.is_not(None))
            .order_by(reports.c.revision, reports.c.id),
            (),
        ),
        "reached": (
            # by the index, a look for each of them
            sa.select(trials.c.number, reached)
            .where(
                trials.c.study_id == _study,
                sa.or_(
                    _is(TrialState.RUNNING),
                    sa.and_(trials.c.revision > _since, trials.c.epochs < trials.c.until, reached > trials.c.epochs),
                ),
            )
            .order_by(trials.c.number),
            (),
        ),
        "last_reported": (sa.select(sa.func.max(reports.c.trial)).where(reports.c.study_id == _study), ()),
        "reports": (reported, ()),
        "reports_of_trial": (reported.where(reports.c.trial == _trial), ()),
        "new_reports": (
            _select(reports, rows.REPORTS.columns).where(*new).order_by(reports.c.revision, reports.c.id),
            (),
        ),
        "add_report": (reports.insert(), ["study_id", "trial", *columns]),
    }


def _of_the_rest(dialect: sa.Dialect) -> dict[str, _Statement]:
    happened = _select(events, rows.EVENTS.columns).where(events.c.study_id == _study).order_by(events.c.id)
    saved = _insert(dialect, checkpoints)
    newer = {name: saved.excluded[name] for name in ("path", "size", "at")}
    return {
        "add_event": (events.insert(), ["study_id", "revision", *rows.EVENTS.columns]),
        "events": (happened, ()),
        "events_of_trial": (happened.where(events.c.trial == _trial), ()),
        "study_events": (happened.where(events.c.trial.is_(None), events.c.kind == sa.bindparam("kind")), ()),
        "add_checkpoint": (
            saved.on_conflict_do_update(index_elements=["study_id", "trial", "epoch"], set_=newer),
            checkpoints.c.keys(),
        ),
        "drop_checkpoint": (
            checkpoints.delete().where(
                checkpoints.c.study_id == _study,
                checkpoints.c.trial == _trial,
                checkpoints.c.epoch == sa.bindparam("of_epoch"),
            ),
            (),
        ),
        "checkpoints": (
            _select(checkpoints, rows.CHECKPOINTS.columns)
            .where(checkpoints.c.study_id == _study)
            .order_by(checkpoints.c.trial, checkpoints.c.epoch),
            (),
        ),
    }


def _of_commands() -> dict[str, _Statement]:
    new = (commands.c.study_id == _study, commands.c.revision > _since)
    known = _select(commands, rows.COMMANDS.columns).where(*new).order_by(commands.c.id)
    given = ["study_id", "revision", *_without_id(rows.COMMANDS.columns)]
    this_command = commands.update().where(commands.c.study_id == _study, commands.c.id == sa.bindparam("command"))
    outcome = ["taken_at", "epoch", "data", "refused", "revision"]
    return {
        "add_command": (commands.insert().returning(commands.c.id), given),
        "settle_command": (this_command.where(commands.c.taken_at.is_(None)), outcome),
        "commands": (known, ()),
        "waiting_commands": (known.where(commands.c.taken_at.is_(None)), ()),
    }


def _of_contents() -> dict[str, _Statement]:
    """Return what reads and writes a study as a whole."""
    measured = (*rows.REPORTS.columns, "value")
    since, until = _since, sa.bindparam("until", type_=sa.BigInteger)
    after: sa.BindParameter[int] = sa.bindparam("after", type_=sa.BigInteger)
    filled = ["revision", "n_steps", "n_spaces", "seconds"]
    settings = ["max_epochs", "budget", "space", "scheduler", "seed", "created_at", "min_delta", "is_paused", "aims"]
    of_a_study = {
        "reports": reports,
        "steps": steps,
        "events": events,
        "checkpoints": checkpoints,
        "commands": commands,
        "trials": trials,
        "sessions": sessions,
        "spaces": spaces,
    }
    found: dict[str, _Statement] = {
        "study_by_id": (_select(studies, rows.STUDIES.columns).where(_this_study), ()),
        "name_of_uuid": (sa.select(studies.c.name).where(studies.c.uuid == sa.bindparam("uuid")), ()),
        "steps": (
            sa.select(*(steps.c[name] for name in STEP)).where(steps.c.study_id == _study).order_by(steps.c.number),
            (),
        ),
        "measured": (
            sa.select(*(reports.c[name] for name in measured), reports.c.revision, reports.c.id)
            .where(
                reports.c.study_id == _study,
                reports.c.revision >= since,
                reports.c.revision <= until,
                sa.or_(reports.c.revision > since, reports.c.id > after),
            )
            .order_by(reports.c.revision, reports.c.id)
            .offset(_zero)  # a plain one would become a parameter
            .limit(_limit),
            (),
        ),
        "n_measured": (
            sa.select(sa.func.count())
            .select_from(reports)
            .where(reports.c.study_id == _study, reports.c.revision <= until),
            (),
        ),
        "set_contents": (studies.update().where(_this_study), settings),
        "set_progress": (studies.update().where(_this_study), filled),
        "add_report": (reports.insert(), ["study_id", "revision", *measured]),
        "add_settled_command": (commands.insert(), ["study_id", "revision", *_without_id(rows.COMMANDS.columns)]),
        "lock_study": (
            studies.update().where(_this_study).values(revision=studies.c.revision).returning(studies.c.revision),
            (),
        ),
    }
    return found | {
        f"drop_{name}": (table.delete().where(table.c.study_id == _study), ()) for name, table in of_a_study.items()
    }


STEP = ("number", "trial", "first", "until", "session", "at")
"""The columns of a step, in the order of its record's fields."""

# in the text: a plain number would become a parameter
_zero: sa.ColumnElement[int] = sa.literal_column("0")
_one: sa.ColumnElement[int] = sa.literal_column("1")


def _is(state: TrialState) -> sa.ColumnElement[bool]:
    return trials.c.state == sa.literal_column(f"'{state}'")


def _held() -> sa.ColumnElement[bool]:
    """Return the condition that the trial runs in the session that calls, if one is named."""
    session = trials.c.session
    return session == sa.func.coalesce(sa.bindparam("by_session", type_=session.type), session)


def _select(table: sa.Table, columns: Sequence[str]) -> sa.Select[tuple[object, ...]]:
    return sa.select(*(table.c[name] for name in columns))


def _given(dialect: sa.Dialect, table: sa.Table, columns: Sequence[str]) -> list[sa.ColumnElement[object]]:
    """Return parameters that are selected. PostgreSQL takes one that is null for a text if nothing says its type."""
    given = [sa.bindparam(name, type_=table.c[name].type) for name in columns]
    return [sa.cast(one, one.type) for one in given] if dialect.name == "postgresql" else list(given)


def _without_id(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name != "id"]


def _insert(dialect: sa.Dialect, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert of the dialect: the same words in both, but two classes."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)
