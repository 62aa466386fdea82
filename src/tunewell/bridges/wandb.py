"""Weights & Biases: a study is a group of runs of a project, online or in the files that its offline mode leaves.

Runs are sent through `wandb` (an extra), whose own process keeps them on disk until they are there. They are read
through its public API, or from offline files: these are records of Protocol Buffers, for which `wandb` has the messages
and, since its core was rewritten, no reader of its own.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tunewell.bridges.base import Found, gathered, reason
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
from tunewell.trial import TrialState

OFFLINE = "offline"
_ABOUT, _RECORD, _STUDY = "tunewell", "record", "study"
_OWN = "tunewell:"
"""Before a metric whose name begins with _, which W&B keeps for itself."""
_INIT_S = 30.0
_STATE = {
    "finished": TrialState.COMPLETE,
    "failed": TrialState.FAILED,
    "crashed": TrialState.FAILED,
    "killed": TrialState.STOPPED,
    "running": TrialState.RUNNING,
    "pending": TrialState.RUNNING,
    "preempted": TrialState.STOPPED,
    "preempting": TrialState.RUNNING,
}


def sink(place: Place) -> WandbSink:
    """Return what sends the runs of a study to W&B."""
    return WandbSink(place)


class WandbSink:
    """A project of W&B. It implements `Sink`."""

    def __init__(self, place: Place) -> None:
        """Connect to nothing yet."""
        self.place: str = str(place)
        entity, _, project = place.target.rpartition("/")
        self._entity, self._project = entity or None, project
        self._is_offline = place.part == OFFLINE or os.environ.get("WANDB_MODE") in (OFFLINE, "dryrun")
        self._wandb: Any = None
        self._study = self._group = ""
        self._open: dict[str, Any] = {}
        """By trial's id, W&B's run, while the trial trains."""
        self._last: dict[str, int] = {}
        """By trial's id, the last epoch that is there: W&B takes none before it."""

    def begin(self, study: StudyRecord, space: Space) -> None:  # noqa: ARG002  W&B wants no ranges
        """Implement `Sink.begin`."""
        self._wandb = _wandb()
        self._study, self._group = study_card(study), study.name
        self._project = self._project or study.name
        if self._is_offline:
            with _errors(self.place):
                _folder().mkdir(parents=True, exist_ok=True)
            runs = _offline_runs([_folder()], [])
            self._last = {f"{study.uuid}:{run.number}": run.last for run in runs if run.is_of(study.uuid)}
            return
        with _errors(self.place):
            if not self._wandb.login(verify=True, timeout=int(_INIT_S)):
                raise TrackerError(
                    f"{self.place}: there is no key; run wandb login, or set WANDB_API_KEY", lasting=True
                )

    def send(self, run: TrackedRun) -> None:
        """Implement `Sink.send`."""
        assert run.trial is not None  # only trials are sent
        with _errors(f"{self.place}, {run.name}"):
            theirs = self._open.get(run.id)
            if theirs is None:
                theirs = self._open[run.id] = self._begin(run)
            by_epoch: dict[int, dict[str, float]] = {}
            for name, points in run.curves.items():
                for point in points:
                    row = by_epoch.setdefault(point.step, {"_timestamp": point.at or run.began})
                    row[_OWN + name if name.startswith("_") else name] = point.value
            for epoch in sorted(by_epoch):
                if epoch > self._last.get(run.id, 0):
                    theirs.log(by_epoch[epoch], step=epoch, commit=True)
                    self._last[run.id] = epoch
            about = {_RECORD: card(run), _STUDY: self._study, "trial": run.trial.number, "state": str(run.state)}
            theirs.config.update({_ABOUT: about}, allow_val_change=True)
            if run.steering:
                theirs.summary["tunewell/steered"] = len(run.steering)
            if run.state is not TrialState.RUNNING:
                theirs.finish(exit_code=int(run.state is TrialState.FAILED))
                del self._open[run.id]

    def _begin(self, run: TrackedRun) -> Any:
        assert run.trial is not None  # only trials are sent
        settings = self._wandb.Settings(
            silent=True, console="off", x_disable_stats=True, x_disable_meta=True, init_timeout=_INIT_S
        )
        return self._wandb.init(
            entity=self._entity,
            project=self._project,
            id=f"{run.id.partition('-')[0]}-{run.trial.number}",
            name=run.name,
            group=self._group,
            job_type="trial",
            config=dict(run.params),
            tags=[tag[:64] for tag in run.tags if tag] or None,
            notes="\n\n".join(run.notes) or None,
            dir=str(_folder().parent),
            mode=OFFLINE if self._is_offline else "online",
            resume="allow",
            reinit="create_new",
            settings=settings,
        )

    def flush(self) -> None:
        """Implement `Sink.flush`: W&B's own process has it on disk, and sends it when it can."""

    def end(self, *, is_over: bool) -> None:  # noqa: ARG002  a group has no end
        """Implement `Sink.end`."""
        with _errors(self.place):
            for theirs in self._open.values():
                theirs.finish()
        self._open.clear()


@contextmanager
def _errors(
    place: str, when_away: str = "wandb:PROJECT#offline keeps it all in files, for wandb sync"
) -> Iterator[None]:
    """Turn W&B's errors into a TrackerError; that a key is not taken is a lasting one."""
    try:
        yield
    except TrackerError:
        raise
    except Exception as error:
        text = reason(error)
        is_key = any(
            word in text.lower() for word in ("api_key", "api key", "401", "authenti", "not logged in", "login")
        )
        is_away = any(
            word in text.lower()
            for word in ("connect", "network", "timed out", "timeout", "dial tcp", "no such host", "respond")
        )
        mend = "; run wandb login, or set WANDB_API_KEY" if is_key and not is_away else ""
        mend = mend or (f"; {when_away}" if is_away else "")
        raise TrackerError(f"{place}: {text}{mend}", lasting=is_key and not is_away) from error


def _wandb() -> Any:
    try:
        import wandb  # noqa: PLC0415  an extra, and slow to import
    except ImportError:
        raise MissingExtra("wandb", "wandb", "W&B") from None
    return wandb


def _folder() -> Path:
    """Return the folder in which W&B keeps its files."""
    above = Path(os.environ.get("WANDB_DIR") or ".")
    return above / ("wandb" if not (above / ".wandb").is_dir() else ".wandb")


# reading


def source(place: Place) -> WandbSource:
    """Return the runs of a project, or of a folder of offline files."""
    return WandbSource(place)


class WandbSource:
    """A project of W&B, or files that its offline mode has left. It implements `Source`."""

    def __init__(self, place: Place) -> None:
        """Open nothing yet."""
        self.place: str = str(place)
        self._target, self._is_offline = place.target, place.part == OFFLINE

    def read(self) -> Found:
        """Implement `Source.read`."""
        path = Path(self._target).expanduser()
        notes: list[str] = []
        if self._is_offline:
            read = [one for one in _offline_runs([_folder()], notes) if self._target in ("", *one.key.split("/")[:-1])]
        elif path.exists():
            read = _offline_runs([path], notes)
        elif self._target.startswith((".", "/", "~")):
            raise RecordError(f"{self.place}: there is no folder {str(path)!r}")
        else:
            read = _of_api(self._target, self.place)
        runs = [one.run() for one in read]
        if not runs:
            raise RecordError(f"{self.place} has no run{'; ' + notes[0] if notes else ''}")
        return gathered(runs, notes)


class _Run:
    """A run as W&B has it."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.name = key
        self.config: dict[str, Any] = {}
        self.curves: dict[str, list[Point]] = {}
        self.tags: tuple[str, ...] = ()
        self.notes = ""
        self.state = TrialState.RUNNING
        self.began: float | None = None
        self.ended: float | None = None
        self.provenance: dict[str, object] = {}

    @property
    def about(self) -> Mapping[str, Any]:
        """The part of its settings that tunewell has put there."""
        found = self.config.get(_ABOUT)
        return found if isinstance(found, Mapping) else {}

    @property
    def number(self) -> object:
        """The trial's."""
        return self.about.get("trial")

    @property
    def last(self) -> int:
        """The last step."""
        return max((points[-1].step for points in self.curves.values() if points), default=0)

    def is_of(self, uuid: str) -> bool:
        """Return True if it is a trial of that study."""
        text = self.about.get(_STUDY)
        return isinstance(text, str) and study_of_card(text).uuid == uuid

    def add(self, row: Mapping[str, Any], step: int | None = None) -> None:
        """Take a row of its history."""
        step = step if step is not None else int(row.get("_step", 0))
        at = row.get("_timestamp")
        for name, value in row.items():
            if name.startswith("_") or isinstance(value, bool):
                continue
            number = float(value) if value in ("NaN", "Infinity", "-Infinity") else value
            if isinstance(number, int | float):
                own = name.removeprefix(_OWN)
                when = float(at) if isinstance(at, int | float) else None
                self.curves.setdefault(own, []).append(Point(step, float(number), when))
        if isinstance(at, int | float):
            self.began = at if self.began is None else min(self.began, at)
            self.ended = at if self.ended is None else max(self.ended, at)

    def run(self) -> TrackedRun:
        """Return it as bridges have it."""
        record, study = self.about.get(_RECORD), self.about.get(_STUDY)
        if isinstance(record, str):
            of = study_of_card(study) if isinstance(study, str) else None
            return run_of_card(record, self.curves, of, source=self.key)
        return TrackedRun(
            id=f"wandb:{self.key}",
            name=self.name,
            params=flat_settings({name: value for name, value in self.config.items() if not name.startswith("_")}),
            curves=self.curves,
            state=self.state,
            began=self.began or 0.0,
            ended=self.ended if self.state.ended else None,
            tags=self.tags,
            notes=(self.notes,) if self.notes else (),
            provenance=self.provenance,
        )


def _of_api(target: str, place: str) -> list[_Run]:
    mend = (
        "is there a network, and is the address that of your W&B (WANDB_BASE_URL)? Files are read without: wandb:FOLDER"
    )
    with _errors(place, mend):
        api = _wandb().Api(timeout=int(_INIT_S))
        found = []
        for theirs in api.runs(target, order="+created_at"):
            run = _Run(f"{target}/{theirs.id}")
            run.name, run.state = theirs.name, _STATE.get(theirs.state, TrialState.RUNNING)
            run.config, run.tags = dict(theirs.config), tuple(theirs.tags or ())
            run.notes = theirs.notes or ""
            for row in theirs.scan_history():  # all of it: `history()` is a sample
                run.add(row)
            with_time = getattr(theirs, "created_at", None)
            if with_time:
                run.began = datetime.fromisoformat(str(with_time)).timestamp()
            run.provenance = {"git_commit": theirs.commit} if getattr(theirs, "commit", None) else {}
            found.append(run)
    return found


_BLOCK, _HEADER = 32 * 1024, 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
"""Parts of a record in LevelDB's log format: whole, or cut where blocks end."""
_MARK = b":W&B\xe1\xbe"


def _offline_runs(paths: Iterable[Path], notes: list[str]) -> list[_Run]:
    """Return the runs of offline files; one that was gone on with has several files."""
    files = [
        file
        for path in paths
        for file in ([path] if path.is_file() else sorted(path.rglob("run-*.wandb"), key=lambda one: one.parent.name))
    ]
    if not files:
        return []
    _wandb()
    from wandb.proto.wandb_internal_pb2 import Record  # noqa: PLC0415  an extra

    found: dict[str, _Run] = {}
    for file in files:
        run: _Run | None = None
        for part in _parts(file, notes):
            record = Record.FromString(part)
            kind = record.WhichOneof("record_type")
            if kind == "run":
                about = record.run
                run = found.setdefault(
                    about.run_id, _Run("/".join(filter(None, (about.entity, about.project, about.run_id))))
                )
                _take_run(run, about)
            elif run is not None:
                _take(run, kind, record)
    return list(found.values())


def _take_run(run: _Run, about: Any) -> None:
    run.name = about.display_name or run.name
    run.config |= _items(about.config.update)
    run.tags, run.notes = tuple(about.tags) or run.tags, about.notes or run.notes
    run.state = TrialState.RUNNING
    began = about.start_time.seconds + about.start_time.nanos / 1e9
    run.began = began if run.began is None else min(run.began, began)
    if about.git.commit:
        run.provenance["git_commit"] = about.git.commit
    if about.host:
        run.provenance["host"] = about.host


def _take(run: _Run, kind: str | None, record: Any) -> None:
    match kind:
        case "config":
            run.config |= _items(record.config.update)
        case "history":
            row = _items(record.history.item)
            step = record.history.step.num if record.history.HasField("step") else None
            run.add(row, step)
        case "exit":
            run.state = TrialState.FAILED if record.exit.exit_code else TrialState.COMPLETE


def _items(items: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        name = item.key or ".".join(item.nested_key)
        try:
            found[name] = json.loads(item.value_json)
        except ValueError:
            continue
    return found


def _parts(file: Path, notes: list[str]) -> Iterator[bytes]:
    """Yield the records of a file, up to one that is only half there."""
    try:
        content = file.read_bytes()
    except OSError as error:
        notes.append(f"{file} cannot be read: {error}")
        return
    if not content.startswith(_MARK):
        notes.append(f"{file} is no file of W&B's that is known here")
        return
    at, whole = _HEADER, b""
    while at + _HEADER <= len(content):
        left = _BLOCK - at % _BLOCK
        if left < _HEADER:
            at += left  # what is left of a block is too short for a header
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        part = content[at + _HEADER : at + _HEADER + length]
        if len(part) < length or kind not in (_FULL, _FIRST, _MIDDLE, _LAST):
            notes.append(f"{file} ends in the middle of a record; what comes before is taken in")
            return
        at += _HEADER + length
        whole = part if kind in (_FULL, _FIRST) else whole + part
        if kind in (_FULL, _LAST):
            yield whole
