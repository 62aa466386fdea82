"""TensorBoard: a study is a folder, and each trial a folder in it, with its scalars and one session of HParams.

Files are written and read through `tensorboard` (an extra), without TensorFlow. All parameters are declared in the
study's folder before any trial is there: what the first run lacks, TensorBoard would never show. Scalars are written as
numbers of 64 bits, which all of its readers take.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tunewell.bridges.base import Found, gathered, reason, tracker_errors
from tunewell.bridges.places import Place
from tunewell.bridges.records import Point, TrackedRun, card, run_of_card, study_card, study_of_card
from tunewell.errors import MissingExtra, RecordError, SpaceError, TrackerError
from tunewell.logs.names import says_split
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import StudyRecord
from tunewell.trial import TrialState

_RECORD, _STUDY = "tunewell/record", "tunewell/study"
_EXPERIMENT, _START, _END = (f"_hparams_/{name}" for name in ("experiment", "session_start_info", "session_end_info"))
_STATUS = {TrialState.COMPLETE: 1, TrialState.STOPPED: 1, TrialState.FAILED: 2}
"""Of a session of HParams that has ended."""
_STATE = {0: TrialState.COMPLETE, 1: TrialState.COMPLETE, 2: TrialState.FAILED, 3: TrialState.RUNNING}
_ODD = re.compile(r"[^\w.-]", re.ASCII)
_LONGEST_NAME = 80
_CODE = "    "
"""TensorBoard shows texts as Markdown, in which lines that begin so are shown as they stand."""
_numbers = count()


def sink(place: Place) -> TensorboardSink:
    """Return what writes the runs of a study to a folder."""
    return TensorboardSink(place)


class TensorboardSink:
    """A folder of TensorBoard's, to which runs are written. It implements `Sink`."""

    def __init__(self, place: Place) -> None:
        """Write nothing yet."""
        self.place: str = str(place)
        self._root = Path(place.target).expanduser()
        self._folder = self._root
        self._files: dict[str, Path] = {}
        """By folder, the file that this process writes there."""
        self._had: dict[str, set[tuple[str, int]]] = {}
        """By run, the tags and steps that are there."""

    def begin(self, study: StudyRecord, space: Space) -> None:
        """Implement `Sink.begin`."""
        proto = _proto()
        name = _ODD.sub("_", study.name)[:_LONGEST_NAME]
        self._folder = self._root / f"{name}-{study.uuid[:8]}"
        declared = _declared(study, space)
        about = _text(proto, _STUDY, study_card(study))
        with _disk(self.place):
            self._folder.mkdir(parents=True, exist_ok=True)
            old = sorted(self._folder.glob("*tfevents*"))
            known = [value for file in old for event in _events(file) for value in event.summary.value]
            wanted = {value.tag: value.SerializeToString() for value in (*declared.value, *about.value)}
            if {value.tag: _as_written(value) for value in known} == wanted:
                return
            self._write(
                self._folder, [_event(proto, declared, study.created_at), _event(proto, about, study.created_at)]
            )
            for file in old:  # TensorBoard takes the first declaration that it finds
                file.unlink()

    def send(self, run: TrackedRun) -> None:
        """Implement `Sink.send`."""
        assert run.trial is not None  # only trials are sent
        proto = _proto()
        folder = self._folder / f"trial-{run.trial.number:04d}"
        with _disk(f"{self.place}, {run.name}"):
            if run.id not in self._had:
                self._had[run.id] = _tags_of(folder)
            had = self._had[run.id]
            events = []
            if (_START, 0) not in had:
                events.append(_event(proto, _start(run), run.began))
                had.add((_START, 0))
            by_epoch: dict[int, list[tuple[str, Point]]] = {}
            for name, points in run.curves.items():
                for point in points:
                    if (name, point.step) not in had:
                        by_epoch.setdefault(point.step, []).append((name, point))
                        had.add((name, point.step))
            for epoch, found in sorted(by_epoch.items()):
                at = max(point.at or run.began for _, point in found)
                events.append(_event(proto, _scalars(proto, found), at, epoch))
            events.append(_event(proto, _text(proto, _RECORD, card(run)), time.time(), run.trial.epochs))
            if run.state.ended and (_END, 0) not in had:
                events.append(_event(proto, _end(proto, run), run.ended or run.began))
                had.add((_END, 0))
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self._write(folder, events)
            except BaseException:
                del self._had[run.id]  # some of it may be there
                self._files.pop(str(folder), None)  # and end in the middle
                raise

    def _write(self, folder: Path, events: Sequence[Any]) -> None:
        """Append events to this process's own file: TensorBoard reads on in the newest of a folder alone."""
        from tensorboard.summary.writer.record_writer import RecordWriter  # noqa: PLC0415  an extra

        proto = _proto()
        path = self._files.get(str(folder))
        is_new = path is None
        if path is None:
            mark = f"{time.time_ns() // 1000:016d}.{_ODD.sub('_', socket.gethostname())}.{os.getpid()}.{next(_numbers)}"
            path = folder / f"events.out.tfevents.{mark}"
        with path.open("ab") as file:
            writer = RecordWriter(file)
            if is_new:
                first = proto.Event(wall_time=time.time(), file_version="brain.Event:2")
                writer.write(first.SerializeToString())
            for event in events:
                writer.write(event.SerializeToString())
            file.flush()
        self._files[str(folder)] = path

    def flush(self) -> None:
        """Implement `Sink.flush`: all is written when `send` returns."""

    def end(self, *, is_over: bool) -> None:
        """Implement `Sink.end`: nothing is held open."""


class _Proto:
    """The messages of TensorBoard's files."""

    def __init__(self) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415  an extra
            from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata  # noqa: PLC0415
            from tensorboard.compat.proto.tensor_pb2 import TensorProto  # noqa: PLC0415
        except ImportError:
            raise MissingExtra("tensorboard", "tensorboard", "TensorBoard") from None
        self.Event, self.Summary, self.SummaryMetadata, self.TensorProto = Event, Summary, SummaryMetadata, TensorProto


_known: list[_Proto] = []


def _proto() -> Any:
    if not _known:
        _known.append(_Proto())
    return _known[0]


@contextmanager
def _disk(place: str) -> Iterator[None]:
    with tracker_errors(place, (PermissionError, NotADirectoryError, FileExistsError, IsADirectoryError)):
        yield


def _event(proto: Any, summary: Any, at: float, step: int = 0) -> Any:
    return proto.Event(wall_time=at, step=step, summary=summary)


_DOUBLE, _STRING = 2, 7
"""Types of a tensor."""


def _scalars(proto: Any, found: Sequence[tuple[str, Point]]) -> Any:
    about = proto.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class=1)
    values = [
        proto.Summary.Value(
            tag=name,
            metadata=about,
            tensor=proto.TensorProto(dtype=_DOUBLE, double_val=[point.value], tensor_shape={}),
        )
        for name, point in found
    ]
    return proto.Summary(value=values)


def _text(proto: Any, tag: str, text: str) -> Any:
    about = proto.SummaryMetadata(plugin_data={"plugin_name": "text"}, data_class=2)
    content = (_CODE + text).encode("utf-8", "surrogatepass")
    tensor = proto.TensorProto(dtype=_STRING, string_val=[content], tensor_shape={})
    return proto.Summary(value=[proto.Summary.Value(tag=tag, metadata=about, tensor=tensor)])


def _declared(study: StudyRecord, space: Space) -> Any:
    from tensorboard.plugins.hparams import summary_v2 as hp  # noqa: PLC0415  an extra

    params = [hp.HParam(name, _domain(param)) for name, param in space.params.items()]
    return hp.hparams_config_pb(params, [hp.Metric(study.metric)], time_created_secs=study.created_at)


def _domain(param: Param) -> Any:
    """Return a parameter's range as HParams has it; None for values of several kinds, of which it has no list."""
    from tensorboard.plugins.hparams import summary_v2 as hp  # noqa: PLC0415  an extra

    match param:
        case Int():
            return hp.IntInterval(param.low, param.high)
        case Float():
            return hp.RealInterval(param.low, param.high)
    kinds = {type(value) for value in param.values}
    return hp.Discrete(list(param.values)) if len(kinds) == 1 else None


def _start(run: TrackedRun) -> Any:
    from tensorboard.plugins.hparams import summary_v2 as hp  # noqa: PLC0415  an extra

    return hp.hparams_pb(dict(run.params), trial_id=run.id, start_time_secs=run.began)


def _end(proto: Any, run: TrackedRun) -> Any:
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2  # noqa: PLC0415  an extra

    ended = plugin_data_pb2.SessionEndInfo(status=_STATUS[run.state], end_time_secs=run.ended or run.began)
    about = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=ended))
    # its own function for this imports TensorFlow
    return proto.Summary(value=[proto.Summary.Value(tag=_END, metadata=about, tensor=metadata.NULL_TENSOR)])


# reading


def source(place: Place) -> TensorboardSource:
    """Return the runs below a folder."""
    return TensorboardSource(place)


class TensorboardSource:
    """A folder of event files. It implements `Source`."""

    def __init__(self, place: Place) -> None:
        """Open nothing yet."""
        self.place: str = str(place)
        self._root = Path(place.target).expanduser()

    def read(self) -> Found:
        """Implement `Source.read`."""
        if not self._root.exists():
            raise RecordError(f"{self.place}: there is no folder {str(self._root)!r}")
        files = [self._root] if self._root.is_file() else sorted(self._root.rglob("*tfevents*"))
        folders: dict[Path, _Folder] = {}
        notes: list[str] = []
        for file in files:
            folders.setdefault(file.parent, _Folder()).read(file, notes)
        domains: dict[str, Param] = {}
        metrics: list[str] = []
        for one in folders.values():
            domains |= one.domains
            metrics += [name for name in one.metrics if name not in metrics]
        _join(folders)
        runs = [self._run(path, one, folders) for path, one in sorted(folders.items()) if one.curves or one.record]
        if not runs:
            raise RecordError(f"{self.place} has no event file of TensorBoard with a scalar in it")
        return gathered(runs, notes, domains, metric=metrics[0] if len(metrics) == 1 else None, only_floats=True)

    def _run(self, path: Path, found: _Folder, folders: Mapping[Path, _Folder]) -> TrackedRun:
        name = str(path.relative_to(self._root)) if path != self._root else path.name
        if found.record is not None:
            above = folders.get(path.parent)
            study = study_of_card(above.study) if above is not None and above.study is not None else None
            return run_of_card(found.record, found.curves, study, source=name)
        times = [point.at for points in found.curves.values() for point in points if point.at is not None]
        began = found.began or min(times, default=0.0)
        return TrackedRun(
            id=f"tensorboard:{found.group or name}@{began!r}",
            name=name,
            params=found.params,
            curves=found.curves,
            state=found.state,
            began=began,
            ended=found.ended or (max(times, default=None) if found.state.ended else None),
        )


class _Folder:
    """The content of the event files of one folder."""

    def __init__(self) -> None:
        self.curves: dict[str, list[Point]] = {}
        self.params: dict[str, Value] = {}
        self.domains: dict[str, Param] = {}
        self.metrics: list[str] = []
        self.record: str | None = None
        self.study: str | None = None
        self.group = ""
        self.state = TrialState.COMPLETE
        self.began: float | None = None
        self.ended: float | None = None

    def read(self, file: Path, notes: list[str]) -> None:
        """Take in a file, as far as it is whole."""
        try:
            for event in _events(file):
                for value in event.summary.value:
                    self._take(value, event.step, event.wall_time)
        except TrackerError as error:
            notes.append(f"{error}; what comes before is taken in")

    def _take(self, value: Any, step: int, at: float) -> None:
        tag, plugin = value.tag, value.metadata.plugin_data.plugin_name
        if tag in (_EXPERIMENT, _START, _END) or plugin == "hparams":
            self._take_hparams(value)
        elif tag in (_RECORD, _STUDY):
            text = value.tensor.string_val[0].decode("utf-8", "replace").removeprefix(_CODE)
            if tag == _RECORD:
                self.record = text
            else:
                self.study = text
        elif plugin in ("scalars", "") and (number := _scalar(value)) is not None:
            self.curves.setdefault(tag, []).append(Point(int(step), number, at))

    def _take_hparams(self, value: Any) -> None:
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # noqa: PLC0415  an extra

        data = HParamsPluginData.FromString(value.metadata.plugin_data.content)
        match data.WhichOneof("data"):
            case "session_start_info":
                self.params = {name: _value(one) for name, one in sorted(data.session_start_info.hparams.items())}
                self.group = data.session_start_info.group_name
                self.began = data.session_start_info.start_time_secs or None
            case "session_end_info":
                self.state = _STATE.get(data.session_end_info.status, TrialState.COMPLETE)
                self.ended = data.session_end_info.end_time_secs or None
            case "experiment":
                self.domains = {
                    one.name: domain for one in data.experiment.hparam_infos if (domain := _range(one)) is not None
                }
                self.metrics = [one.name.tag for one in data.experiment.metric_infos]


def _join(folders: dict[Path, _Folder]) -> None:
    """Join what one run has written to several folders: its splits, and its settings beside its curves."""
    for path in sorted(folders, key=lambda path: -len(path.parts)):
        one, above = folders[path], folders.get(path.parent)
        if one.record is not None:
            continue
        if one.curves and not one.params and says_split(path.name):
            whole = folders.setdefault(path.parent, _Folder())
            for tag, points in one.curves.items():
                whole.curves.setdefault(f"{path.name}/{tag}", []).extend(points)
            del folders[path]
        elif above is not None and one.params and not above.params and above.curves and above.record is None:
            above.params, above.group = one.params, one.group  # as add_hparams of PyTorch writes it
            above.ended, above.state = one.ended, one.state
            for tag, points in one.curves.items():
                above.curves.setdefault(tag, list(points))
            del folders[path]


def _value(value: Any) -> Value:
    kind = value.WhichOneof("kind")
    if kind == "bool_value":
        return bool(value.bool_value)
    return float(value.number_value) if kind == "number_value" else str(value.string_value)


def _range(info: Any) -> Param | None:
    """Return the range that HParams declares; None if it declares none that is one here."""
    try:
        match info.WhichOneof("domain"):
            case "domain_interval":
                low, high = info.domain_interval.min_value, info.domain_interval.max_value
                return Float(low, high) if low < high else None
            case "domain_discrete":
                values = [_value(one) for one in info.domain_discrete.values]
                return Choice(list(dict.fromkeys(values)))
    except SpaceError:
        return None
    return None


def _scalar(value: Any) -> float | None:
    if value.HasField("simple_value"):
        return float(value.simple_value)
    if not value.HasField("tensor"):
        return None
    from tensorboard.util.tensor_util import make_ndarray  # noqa: PLC0415  an extra

    if value.tensor.dtype == _STRING:
        return None
    array = make_ndarray(value.tensor)
    return float(array.item()) if array.size == 1 and array.dtype.kind in "fiu" else None


def _events(file: Path) -> Iterator[Any]:
    """Yield the events of a file, up to one that is only half there."""
    _proto()
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader  # noqa: PLC0415  an extra

    proto = _proto()
    try:
        for record in RawEventFileLoader(str(file)).Load():
            yield proto.Event.FromString(record)
    except Exception as error:
        raise TrackerError(f"{file} is damaged: {reason(error)}") from error


def _tags_of(folder: Path) -> set[tuple[str, int]]:
    """Return the tags and steps that a folder has, where records may have been cut off."""
    found: set[tuple[str, int]] = set()
    for file in sorted(folder.glob("*tfevents*")):
        try:
            for event in _events(file):
                found |= {
                    (value.tag, 0 if value.tag.startswith("_hparams_") else event.step) for value in event.summary.value
                }
        except TrackerError:
            continue  # what stands before the damage was taken
    return found


def _as_written(value: Any) -> bytes:
    written: bytes = value.SerializeToString()
    return written
