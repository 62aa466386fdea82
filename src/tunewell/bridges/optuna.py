"""Optuna's studies, from its database or the file of its journal: they are read, and need no Optuna.

Its tables are read with SQL and its journal as JSON lines. What it may keep as a pickle (a sampler) is never looked at,
since to read one is to run it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tunewell.bridges.base import Found, reason
from tunewell.bridges.places import Place
from tunewell.bridges.records import Point, TrackedRun
from tunewell.errors import RecordError, SpaceError, TrackerError
from tunewell.space.foreign.optuna import Optuna
from tunewell.space.params import Param
from tunewell.space.values import Value
from tunewell.trial import TrialState

_STATES = {
    "RUNNING": TrialState.RUNNING,
    "COMPLETE": TrialState.COMPLETE,
    "PRUNED": TrialState.STOPPED,
    "FAIL": TrialState.FAILED,
    "WAITING": None,
}
_NUMBERED = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
"""In a journal, by number."""
_ENDED = ("COMPLETE", "PRUNED", "FAIL")
_DIRECTIONS = {"MINIMIZE": "minimize", "MAXIMIZE": "maximize"}
_NOT_SET, _MINIMIZE, _MAXIMIZE = 0, 1, 2
_INFINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
_METRIC = "value"
_NAMES = "study:metric_names"
_CATEGORICAL = "CategoricalDistribution"
(_CREATE_STUDY, _DELETE_STUDY, _STUDY_ATTR, _STUDY_SYSTEM, _CREATE_TRIAL, _PARAM, _STATE, _INTERMEDIATE, _ATTR) = range(
    9
)
"""Operations in a journal."""


def source(place: Place) -> OptunaSource:
    """Return the trials of a study of Optuna's."""
    return OptunaSource(place)


@dataclass(slots=True)
class _Trial:
    number: int
    state: str = "RUNNING"
    began: float = 0.0
    ended: float | None = None
    value: float | None = None
    params: dict[str, Value] = field(default_factory=dict)
    distributions: dict[str, Any] = field(default_factory=dict)
    intermediate: dict[int, float] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Study:
    name: str
    directions: Sequence[str | None] = ()
    metric: str | None = None
    trials: dict[int, _Trial] = field(default_factory=dict)


class OptunaSource:
    """A study of Optuna's. It implements `Source`."""

    def __init__(self, place: Place) -> None:
        """Open nothing yet."""
        self.place: str = str(place)
        self._place = place

    def read(self) -> Found:
        """Implement `Source.read`."""
        notes: list[str] = []
        study = self._read(notes)
        if len(study.directions) > 1:
            raise RecordError(
                f"{self.place}: study {study.name!r} has {len(study.directions)} objectives; a study here has one"
            )
        metric = study.metric or _METRIC
        runs = [self._run(study, trial, metric) for trial in study.trials.values() if _STATES.get(trial.state)]
        if not runs:
            raise RecordError(f"{self.place}: study {study.name!r} has no trial that has begun")
        read = [one for one in study.trials.values() if one.distributions]
        return Found(
            runs,
            _domains(read, notes),
            metric,
            study.directions[0] if study.directions else None,
            notes=notes,
        )

    def _read(self, notes: list[str]) -> _Study:
        target = self._place.target
        path = Path(target).expanduser()
        if "://" not in target:
            if not path.is_file():
                raise RecordError(f"{self.place}: there is no file {str(path)!r}; name a journal, or sqlite:///FILE")
            if path.read_bytes()[:16] != b"SQLite format 3\0":
                return self._chosen(_of_journal(path, notes))
            target = f"sqlite:///{path}"
        return self._of_database(target)

    def _chosen(self, studies: Mapping[int, _Study]) -> _Study:
        names = {study.name: study for study in studies.values()}
        if self._place.part in names:
            return names[self._place.part]
        shown = ", ".join(map(repr, names)) or "none"
        if self._place.part:
            raise RecordError(f"{self.place}: there is no study {self._place.part!r}; there is {shown}")
        if len(names) != 1:
            raise RecordError(f"{self.place} has several studies ({shown}); name one: optuna:URL#STUDY")
        return next(iter(names.values()))

    def _of_database(self, url: str) -> _Study:
        import sqlalchemy as sa  # noqa: PLC0415  slow to import

        parsed = sa.make_url(url)
        if parsed.drivername.startswith("sqlite"):
            if not parsed.database or not Path(parsed.database).is_file():
                raise RecordError(f"{self.place}: there is no file {parsed.database!r}")
            url = f"sqlite:///file:{parsed.database}?mode=ro&uri=true"
        try:
            with sa.create_engine(url).connect() as connection:
                lacks = {"studies", "trials", "trial_params"} - set(sa.inspect(connection).get_table_names())
                if lacks:
                    raise RecordError(f"{self.place} is no database of Optuna's: it has no table {min(lacks)}")
                names = connection.execute(sa.text("SELECT study_id, study_name FROM studies"))
                known = {int(key): _Study(name) for key, name in names}
                study = self._chosen(known)
                study_id = next(key for key, one in known.items() if one is study)
                return _filled(study, lambda text: connection.execute(sa.text(text), {"study": study_id}))
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise TrackerError(f"{self.place}: {reason(error)}") from error

    def _run(self, study: _Study, trial: _Trial, metric: str) -> TrackedRun:
        points = [Point(step, value, None) for step, value in sorted(trial.intermediate.items())]
        if not points and trial.value is not None:
            points = [Point(1, trial.value, trial.ended)]
        notes: tuple[str, ...] = ()
        if trial.intermediate and trial.value is not None and trial.value != points[-1].value:
            notes = (f"Optuna has {trial.value!r} for its final value",)
        return TrackedRun(
            id=f"optuna:{study.name}:{trial.number}@{trial.began!r}",
            name=f"trial {trial.number}",
            params=trial.params,
            curves={metric: points} if points else {},
            state=_STATES[trial.state] or TrialState.RUNNING,
            began=trial.began,
            ended=trial.ended,
            reason="pruned" if trial.state == "PRUNED" else trial.attrs.get("fail_reason"),
            notes=notes,
            tags=tuple(
                f"{name}={value}" for name, value in trial.attrs.items() if isinstance(value, str | int | float)
            ),
        )


def _domains(trials: Sequence[_Trial], notes: list[str]) -> dict[str, Param]:
    """Return the ranges that trials were drawn from, with their conditions."""
    if not trials:
        return {}
    data = {"trials": [{"distributions": one.distributions, "params": one.params} for one in trials]}
    try:
        foreign = Optuna().read(data)
    except SpaceError as error:
        notes.append(f"the ranges are those of the values, since {error}")
        return {}
    notes += [line for line in foreign.notes if " is called " not in line]
    here = dict(
        zip(dict.fromkeys(name for one in trials for name in one.distributions), foreign.space.names, strict=False)
    )
    # a step that is not kept makes no other values
    return {theirs: replace(foreign.space.params[name]) for theirs, name in here.items()}


def _value(distribution: Mapping[str, Any], internal: float) -> Value:
    """Return a parameter's value of the number that Optuna keeps."""
    name, about = distribution["name"], distribution["attributes"]
    if name == _CATEGORICAL:
        value = about["choices"][int(internal)]
        return value if isinstance(value, bool | int | float | str) else str(value)
    return int(internal) if name.startswith("Int") else float(internal)


def _filled(study: _Study, rows: Any) -> _Study:
    """Fill a study from the tables. rows: run a statement that has :study in it."""
    study.directions = [
        _DIRECTIONS.get(direction)
        for (direction,) in rows("SELECT direction FROM study_directions WHERE study_id = :study ORDER BY objective")
    ]
    attrs = {
        key: json.loads(text)
        for key, text in rows("SELECT key, value_json FROM study_system_attributes WHERE study_id = :study")
    }
    study.metric = _first_name(attrs.get(_NAMES))
    of_it = "JOIN trials t ON t.trial_id = v.trial_id WHERE t.study_id = :study"
    by_id: dict[int, _Trial] = {}
    for key, number, state, began, ended in rows(
        "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials"
        " WHERE study_id = :study ORDER BY number"
    ):
        by_id[key] = study.trials[number] = _Trial(number, state, _seconds(began) or 0.0, _seconds(ended))
    for key, name, internal, text in rows(
        "SELECT v.trial_id, v.param_name, v.param_value, v.distribution_json"
        f" FROM trial_params v {of_it} ORDER BY v.param_id"
    ):
        distribution = json.loads(text)
        by_id[key].distributions[name] = distribution
        by_id[key].params[name] = _value(distribution, internal)
    for key, value, kind in rows(f"SELECT v.trial_id, v.value, v.value_type FROM trial_values v {of_it}"):
        by_id[key].value = _INFINITE.get(kind, value)
    for key, step, value, kind in rows(
        "SELECT v.trial_id, v.step, v.intermediate_value, v.intermediate_value_type"
        f" FROM trial_intermediate_values v {of_it}"
    ):
        number = _INFINITE.get(kind, value)
        by_id[key].intermediate[step] = math.nan if number is None else number
    for key, name, text in rows(f"SELECT v.trial_id, v.key, v.value_json FROM trial_user_attributes v {of_it}"):
        by_id[key].attrs[name] = json.loads(text)
    return study


def _of_journal(path: Path, notes: list[str]) -> dict[int, _Study]:
    studies: dict[int, _Study] = {}
    trials: list[_Trial] = []
    n_studies = 0
    for row in _lines(path, notes):
        op = row.get("op_code")
        if op == _CREATE_STUDY:
            names = {_MINIMIZE: "minimize", _MAXIMIZE: "maximize", _NOT_SET: None}
            if all(study.name != row["study_name"] for study in studies.values()):  # another process was quicker
                studies[n_studies] = _Study(row["study_name"], [names.get(one) for one in row["directions"]])
                n_studies += 1
        elif op == _DELETE_STUDY:
            studies.pop(row["study_id"], None)
        elif op == _STUDY_SYSTEM and row["study_id"] in studies:
            study = studies[row["study_id"]]
            study.metric = _first_name(row["system_attr"].get(_NAMES)) or study.metric
        elif op == _CREATE_TRIAL and row["study_id"] in studies:
            study = studies[row["study_id"]]
            trial = _Trial(len(study.trials), began=_seconds(row.get("datetime_start")) or 0.0)
            trials.append(trial)
            study.trials[trial.number] = trial
            _begin(trial, row)
        elif op in (_PARAM, _STATE, _INTERMEDIATE, _ATTR) and 0 <= row["trial_id"] < len(trials):
            trial = trials[row["trial_id"]]
            if trial.state not in _ENDED:  # what comes later Optuna has refused
                _apply(trial, op, row)
    return studies


def _begin(trial: _Trial, row: Mapping[str, Any]) -> None:
    """Take what a trial is created with, where that is more than nothing."""
    if "state" in row:
        trial.state = _NUMBERED[row["state"]]
    trial.ended = _seconds(row.get("datetime_complete"))
    if row.get("value") is not None or row.get("values"):
        trial.value = row["value"] if row.get("value") is not None else row["values"][0]
    for name, text in row.get("distributions", {}).items():
        trial.distributions[name] = json.loads(text)
        trial.params[name] = _value(trial.distributions[name], row["params"][name])
    trial.intermediate |= {int(step): float(value) for step, value in row.get("intermediate_values", {}).items()}
    trial.attrs |= row.get("user_attrs", {})


def _apply(trial: _Trial, op: int, row: Mapping[str, Any]) -> None:
    match op:
        case op if op == _PARAM:
            distribution = json.loads(row["distribution"])
            trial.distributions[row["param_name"]] = distribution
            trial.params[row["param_name"]] = _value(distribution, row["param_value_internal"])
        case op if op == _STATE:
            trial.state = _NUMBERED[row["state"]]
            if row.get("values"):
                trial.value = float(row["values"][0])
            trial.began = _seconds(row.get("datetime_start")) or trial.began
            trial.ended = _seconds(row.get("datetime_complete")) or trial.ended
        case op if op == _INTERMEDIATE:
            trial.intermediate[int(row["step"])] = float(row["intermediate_value"])
        case _:
            trial.attrs |= row.get("user_attr", {})


def _lines(path: Path, notes: list[str]) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            notes.append(f"line {number} of {path} is no JSON, as one that is being written; it is left out")
            continue
        if isinstance(row, dict):
            yield row


def _first_name(names: object) -> str | None:
    return str(names[0]) if isinstance(names, list) and names else None


def _seconds(when: object) -> float | None:
    """Return a time as seconds since 1970; Optuna keeps it as the clock on the wall shows it."""
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            return None
    return when.timestamp() if isinstance(when, datetime) else None
