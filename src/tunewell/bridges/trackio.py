"""trackio: a study is a group of runs of a project, in the SQLite file that trackio keeps of it.

Runs are sent through `trackio` (an extra), each row under an id of its own, of which trackio takes one row. They are
read from its file, with SQL.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunewell.bridges.base import Found, gathered, reason, tracker_errors
from tunewell.bridges.places import Place
from tunewell.bridges.records import (
    Point,
    TrackedRun,
    card,
    flat_settings,
    run_of_card,
    study_card,
    study_of_card,
)
from tunewell.errors import MissingExtra, RecordError, TrackerError
from tunewell.space.space import Space
from tunewell.stores import StudyRecord

_RECORD, _STUDY = "tunewell_record", "tunewell_study"
_GROUP = "_Group"
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_LONGEST_PROJECT = 60
_ODD = re.compile(r"[^\w.-]", re.ASCII)
_RESERVED = frozenset({"project", "run", "timestamp", "step", "time", "metrics"})
"""Names that trackio puts `__` before."""


def sink(place: Place) -> TrackioSink:
    """Return what writes the runs of a study to a project."""
    return TrackioSink(place)


class TrackioSink:
    """A project of trackio's on this machine. It implements `Sink`."""

    def __init__(self, place: Place) -> None:
        """Write nothing yet."""
        self.place: str = str(place)
        self._project = place.target
        self._storage: Any = None
        self._study = ""

    def begin(self, study: StudyRecord, space: Space) -> None:  # noqa: ARG002  trackio wants no ranges
        """Implement `Sink.begin`."""
        try:
            from trackio.sqlite_storage import SQLiteStorage  # noqa: PLC0415  an extra
        except ImportError:
            raise MissingExtra("trackio", "trackio", "trackio") from None
        self._storage, self._study = SQLiteStorage, study_card(study)
        self._project = self._project or _ODD.sub("_", study.name)[:_LONGEST_PROJECT].strip(".") or "study"
        with tracker_errors(self.place, (ValueError,)):
            SQLiteStorage.validate_project_name(self._project)
            SQLiteStorage.init_db(self._project)

    def send(self, run: TrackedRun) -> None:
        """Implement `Sink.send`."""
        assert run.trial is not None  # only trials are sent
        assert run.study is not None
        by_epoch: dict[int, dict[str, float]] = {}
        at: dict[int, float] = {}
        for name, points in run.curves.items():
            for point in points:
                by_epoch.setdefault(point.step, {})[_theirs(name)] = point.value
                at[point.step] = point.at or run.began
        steps = sorted(by_epoch)
        ids = [f"{run.id}:{epoch}" for epoch in steps]
        about = card(run)
        if not steps:  # trackio takes no settings without a row: an empty one, which nobody sees
            steps, ids = [run.trial.epochs], [f"{run.id}:{hashlib.sha256(about.encode()).hexdigest()[:16]}"]
            by_epoch, at = {steps[0]: {}}, {steps[0]: run.ended or run.began}
        config: dict[str, Any] = {**run.params, _GROUP: run.study.name, _RECORD: about, _STUDY: self._study}
        with tracker_errors(f"{self.place}, {run.name}"):
            self._storage.bulk_log(
                project=self._project,
                run=run.name,
                metrics_list=[by_epoch[step] for step in steps],
                steps=steps,
                timestamps=[_iso(at[step]) for step in steps],
                config=config,
                log_ids=ids,
                run_id=run.id,
            )

    def flush(self) -> None:
        """Implement `Sink.flush`: all is written when `send` returns."""

    def end(self, *, is_over: bool) -> None:
        """Implement `Sink.end`: nothing is held open."""


def _theirs(name: str) -> str:
    """Return a metric's name as trackio keeps it, which has columns of its own."""
    return f"__{name}" if name in _RESERVED or name.startswith("__") else name


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


# reading


def source(place: Place) -> TrackioSource:
    """Return the runs of a project, or of a file of trackio's."""
    return TrackioSource(place)


class TrackioSource:
    """A project of trackio's. It implements `Source`."""

    def __init__(self, place: Place) -> None:
        """Open nothing yet."""
        self.place: str = str(place)
        self._path = _path(place.target)

    def read(self) -> Found:
        """Implement `Source.read`."""
        if not self._path.is_file():
            known = ", ".join(sorted(path.stem for path in self._path.parent.glob("*.db"))) or "none"
            raise RecordError(
                f"{self.place}: there is no file {str(self._path)!r}; its folder has the projects {known}"
            )
        with self._tables() as database:
            columns = {row[1] for row in database.execute("PRAGMA table_info(metrics)")}
            key = "run_id" if "run_id" in columns else "run_name"
            configs: dict[str, dict[str, Any]] = {}
            for run, text in database.execute(f"SELECT {key}, config FROM configs ORDER BY id"):  # noqa: S608  ours
                configs[run] = _json(text)
            rows = database.execute(
                f"SELECT {key}, run_name, timestamp, step, metrics FROM metrics ORDER BY id"  # noqa: S608  as above
            )
            found: dict[str, _Run] = {}
            for run, name, at, step, text in rows:
                found.setdefault(run, _Run(name)).add(_seconds(at), int(step), _json(text))
        runs = [self._run(key, run, configs.get(key, {})) for key, run in found.items()]
        if not runs:
            raise RecordError(f"{self.place} has no run yet")
        return gathered(runs)

    @contextmanager
    def _tables(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as database:
                yield database
        except sqlite3.DatabaseError as error:
            raise TrackerError(f"{self.place} is no file of trackio's that can be read: {reason(error)}") from error

    def _run(self, key: str, found: _Run, config: Mapping[str, Any]) -> TrackedRun:
        if isinstance(config.get(_RECORD), str):
            study = study_of_card(config[_STUDY]) if isinstance(config.get(_STUDY), str) else None
            return run_of_card(config[_RECORD], found.curves, study, source=key)
        times = [at for at in found.times if at]
        params = {name: value for name, value in flat_settings(config).items() if not name.startswith("_")}
        return TrackedRun(
            id=f"trackio:{self._path.stem}:{key}",
            name=found.name,
            params=params,
            curves=found.curves,
            began=min(times, default=0.0),
            ended=max(times, default=None),
        )


class _Run:
    """A run as trackio has it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.curves: dict[str, list[Point]] = {}
        self.times: list[float] = []

    def add(self, at: float, step: int, metrics: Mapping[str, Any]) -> None:
        self.times.append(at)
        for name, value in metrics.items():
            number = _NUMBERS.get(value) if isinstance(value, str) else value
            if isinstance(number, int | float) and not isinstance(number, bool):
                self.curves.setdefault(name.removeprefix("__"), []).append(Point(step, float(number), at))


def _path(target: str) -> Path:
    path = Path(target).expanduser()
    if path.suffix == ".db" or len(path.parts) > 1:
        return path
    home = os.environ.get("TRACKIO_DIR")
    if home is None:
        huggingface = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
        folder = huggingface / "trackio"
    else:
        folder = Path(home)
    try:
        from trackio.sqlite_storage import SQLiteStorage  # noqa: PLC0415  an extra, which knows its own names

        own: Path = SQLiteStorage.get_project_db_path(target)
    except ImportError:
        return folder / f"{target}.db"
    return own


def _json(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
