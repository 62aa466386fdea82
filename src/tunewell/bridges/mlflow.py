"""MLflow: a study is a run of an experiment, and its trials are the runs below it.

Runs are sent through `mlflow` (an extra). They are read from the tables of its database, where that can be reached:
all runs at once, and not a request each; else through `mlflow` too.

What MLflow has no place for is in tags (`tunewell.record`, `tunewell.study`): it keeps parameters as text, times in
milliseconds, and an infinite number as the largest finite one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.bridges.base import Found, gathered, reason
from tunewell.bridges.places import Place
from tunewell.bridges.records import (
    Curves,
    Point,
    TrackedRun,
    card,
    json_or_none,
    parsed,
    run_of_card,
    shown,
    study_card,
    study_of_card,
)
from tunewell.errors import MissingExtra, RecordError, TrackerError
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import StudyRecord
from tunewell.trial import TrialState

if TYPE_CHECKING:
    import sqlalchemy as sa

_STUDY, _RECORD, _ID, _STEERED = "tunewell.study", "tunewell.record", "tunewell.id", "tunewell.steered"
_NAMES = "tunewell.names"
_PARENT, _NOTE = "mlflow.parentRunId", "mlflow.note.content"
_STATUS = {
    TrialState.RUNNING: "RUNNING",
    TrialState.PAUSED: "SCHEDULED",
    TrialState.HELD: "SCHEDULED",
    TrialState.COMPLETE: "FINISHED",
    TrialState.STOPPED: "KILLED",
    TrialState.FAILED: "FAILED",
}
_STATE = {
    "FINISHED": TrialState.COMPLETE,
    "FAILED": TrialState.FAILED,
    "KILLED": TrialState.STOPPED,
    "RUNNING": TrialState.RUNNING,
    "SCHEDULED": TrialState.RUNNING,
}
_MOST_METRICS, _MOST_PARAMS, _MOST_TAGS = 900, 90, 90
"""Of one request; the server takes 1,000 in all, of which 100 may be parameters."""
_LONGEST_TAG, _LONGEST_PARAM, _LONGEST_NAME = 4_900, 5_900, 250
_MOST_RUNS = 1_000
"""Of one page of a search."""
_ROWS = 20_000
"""So many are fetched from a database at a time."""
_ODD = re.compile(r"[^\w./ :-]" if sys.platform != "win32" else r"[^\w./ -]", re.ASCII)
_AWAY = re.compile(r"(Connection refused|Name or service not known|[Tt]imed out|No route to host|Failed to resolve)")
_LARGEST = sys.float_info.max
_SECONDS_OF_A_REQUEST, _TRIES = "20", "1"
"""A tracker that is down is tried again by the follower, which does not wait for the library's own seven tries."""


def sink(place: Place) -> MlflowSink:
    """Return what sends the runs of a study to MLflow."""
    return MlflowSink(place)


class MlflowSink:
    """MLflow, on its way to which runs are. It implements `Sink`."""

    def __init__(self, place: Place) -> None:
        """Connect to nothing yet."""
        self.place: str = str(place)
        self._place = place
        self._client: Any = None
        self._experiment = self._parent = ""
        self._runs: dict[str, str] = {}
        """By a trial's id, the run in MLflow."""
        self._renamed: dict[str, dict[str, str]] = {}
        """By a trial's id, our names of metrics by MLflow's, where these differ."""
        self._status: dict[str, str] = {}
        """By run, as MLflow has it."""
        self._doubtful: set[str] = set()
        """Runs that were there before: what they have of a metric is looked up before more is sent."""

    def begin(self, study: StudyRecord, space: Space) -> None:  # noqa: ARG002  MLflow wants no ranges
        """Implement `Sink.begin`."""
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", _SECONDS_OF_A_REQUEST)
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _TRIES)
        self._client = _client(self._place)
        with _errors(self.place):
            self._experiment = self._experiment_of(
                self._place.part or os.environ.get("MLFLOW_EXPERIMENT_NAME") or study.name
            )
            self._parent = self._parent_of(study)
            for run in self._search(f"tags.`{_PARENT}` = '{self._parent}'"):
                if _ID in run.data.tags:
                    self._runs[run.data.tags[_ID]] = run.info.run_id
                    self._status[run.info.run_id] = run.info.status
                    self._doubtful.add(run.info.run_id)
                    self._renamed[run.data.tags[_ID]] = _renamed(run.data.tags)

    def _experiment_of(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            raise TrackerError(
                f"{self.place}: experiment {name!r} was deleted there; restore it (mlflow experiments restore"
                f" --experiment-id {found.experiment_id}), or name another: {self._place.kind}:URI#NAME",
                lasting=True,
            )
        try:
            return str(found.experiment_id if found is not None else self._client.create_experiment(name))
        except Exception:
            found = self._client.get_experiment_by_name(name)  # another process was quicker
            if found is None:
                raise
            return str(found.experiment_id)

    def _parent_of(self, study: StudyRecord) -> str:
        known = next(iter(self._search(f"tags.`{_ID}` = '{study.uuid}'")), None)
        if known is not None:
            return str(known.info.run_id)
        tags = {_ID: study.uuid, **_chunked(_STUDY, study_card(study)), "mlflow.source.type": "LOCAL"}
        tags |= {"metric": study.metric, "direction": study.direction, "mlflow.source.name": "tunewell"}
        made = self._client.create_run(
            self._experiment, start_time=_ms(study.created_at), tags=tags, run_name=study.name
        )
        return str(made.info.run_id)

    def _search(self, condition: str) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_runs([self._experiment], condition, max_results=_MOST_RUNS, page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def send(self, run: TrackedRun) -> None:
        """Implement `Sink.send`."""
        from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415  an extra

        with _errors(f"{self.place}, {run.name}"):
            params: list[Any] = []
            names = {name: _legal(name) for name in run.curves}
            renamed = self._renamed.setdefault(run.id, {})
            renamed |= {theirs: ours for ours, theirs in names.items() if theirs != ours}
            if run.id not in self._runs:
                self._create(run)
                params = [Param(_legal(name), shown(value)[:_LONGEST_PARAM]) for name, value in run.params.items()]
            key = self._runs[run.id]
            had = self._had(key, [names[name] for name in run.curves]) if key in self._doubtful else {}
            metrics = [
                Metric(names[name], point.value, _ms(point.at or run.began), point.step)
                for name, points in run.curves.items()
                for point in points
                if point.step not in had.get(names[name], ())
            ]
            tags = [RunTag(name, value) for name, value in self._tags(run, renamed).items()]
            for some_params, some_tags in _parts(params, tags):
                first, metrics = metrics[:_MOST_METRICS], metrics[_MOST_METRICS:]
                self._client.log_batch(key, metrics=first, params=some_params, tags=some_tags)
            while metrics:
                first, metrics = metrics[:_MOST_METRICS], metrics[_MOST_METRICS:]
                self._client.log_batch(key, metrics=first)
            self._set_status(key, run)

    def _create(self, run: TrackedRun) -> None:
        tags = {_ID: run.id, _PARENT: self._parent, **{f"mlflow.{name}": value for name, value in _origin(run).items()}}
        made = self._client.create_run(self._experiment, start_time=_ms(run.began), tags=tags, run_name=run.name)
        self._runs[run.id] = made.info.run_id
        self._status[made.info.run_id] = "RUNNING"

    def _had(self, key: str, metrics: Sequence[str]) -> Mapping[str, set[int]]:
        """Return the steps that a run has of each metric already."""
        latest = self._client.get_run(key).data.metrics
        return {
            name: {point.step for point in self._client.get_metric_history(key, name)}
            for name in metrics
            if name in latest
        }

    def _tags(self, run: TrackedRun, renamed: Mapping[str, str]) -> dict[str, str]:
        tags = _chunked(_RECORD, card(run))
        if renamed:
            tags |= _chunked(_NAMES, json.dumps(dict(renamed)))
        if run.trial is not None:
            tags["tunewell.trial"] = str(run.trial.number)
            tags["tunewell.state"] = str(run.state)
        if run.steering:
            tags[_STEERED] = "true"
        if run.parent is not None and run.trial is not None:
            tags["tunewell.branch_of"] = f"trial {run.trial.parent} at epoch {run.parent_epoch}"
        if run.notes:
            tags[_NOTE] = "\n\n".join(run.notes)[:_LONGEST_TAG]
        return tags | {_ODD.sub("_", f"tag.{tag}")[:_LONGEST_NAME]: "true" for tag in run.tags}

    def _set_status(self, key: str, run: TrackedRun) -> None:
        status = _STATUS[run.state]
        if self._status.get(key) == status:
            return
        if run.state.ended:
            self._client.set_terminated(key, status=status, end_time=_ms(run.ended or run.began))
        else:
            self._client.update_run(key, status=status)
        self._status[key] = status

    def flush(self) -> None:
        """Implement `Sink.flush`: each request returns when all of it is kept."""

    def end(self, *, is_over: bool) -> None:
        """Implement `Sink.end`."""
        if is_over and self._client is not None and self._parent:
            with _errors(self.place):
                self._client.set_terminated(self._parent, status="FINISHED")


@contextmanager
def _errors(place: str) -> Iterator[None]:
    """Turn MLflow's errors into a TrackerError; those with which its server refuses are lasting."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  an extra

    try:
        yield
    except TrackerError:
        raise
    except Exception as error:
        code = error.get_http_status_code() if isinstance(error, MlflowException) else 0
        text = str(error)
        if code in (401, 403) or "error code 401" in text or "error code 403" in text:
            mend = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
            raise TrackerError(f"{place} refuses: {reason(error)}; {mend}", lasting=True) from error
        if (away := _AWAY.search(text)) is not None:
            raise TrackerError(f"{place} cannot be reached ({away[1]}); is its server running there?") from error
        raise TrackerError(f"{place}: {reason(error)}", lasting=400 <= code < 429 and code != 408) from error


def _client(place: Place) -> Any:
    try:
        from mlflow.tracking import MlflowClient  # noqa: PLC0415  an extra, and slow to import
    except ImportError:
        raise MissingExtra("mlflow", "mlflow", "MLflow") from None
    import logging  # noqa: PLC0415

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    try:
        return MlflowClient(tracking_uri=place.target or None)
    except Exception as error:
        hint = "; a database needs all of MLflow: pip install mlflow" if isinstance(error, ImportError) else ""
        raise TrackerError(f"{place}: {reason(error)}{hint}", lasting=True) from error


def _legal(name: str) -> str:
    """Return a name that MLflow takes: the same, or one of its characters that no other name has."""
    parts = [part for part in _ODD.sub("_", name)[: _LONGEST_NAME - 10].split("/") if part.strip(" .")]
    legal = "/".join(parts)
    if legal == name:
        return name
    mark = hashlib.sha1(name.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:6]
    return f"{legal}-{mark}"


def _origin(run: TrackedRun) -> dict[str, str]:
    """Return what MLflow calls a run's origin."""
    about = run.provenance
    found = {
        "user": about.get("user"),
        "source.name": about.get("command"),
        "source.git.commit": about.get("git_commit"),
    }
    return {name: str(value)[:_LONGEST_TAG] for name, value in found.items() if value}


def _chunked(name: str, text: str) -> dict[str, str]:
    """Return a text as tags, none of them longer than MLflow keeps: `name`, `name.1`, ..."""
    parts = [text[at : at + _LONGEST_TAG] for at in range(0, len(text), _LONGEST_TAG)] or [""]
    return {name if not number else f"{name}.{number}": part for number, part in enumerate(parts)}


def _whole(name: str, tags: Mapping[str, str]) -> str | None:
    """Return the text that `_chunked` has cut; None if there is none."""
    if name not in tags:
        return None
    parts, number = [tags[name]], 1
    while len(parts[-1]) == _LONGEST_TAG and f"{name}.{number}" in tags:
        parts.append(tags[f"{name}.{number}"])
        number += 1
    return "".join(parts)


def _parts(params: Sequence[Any], tags: Sequence[Any]) -> Iterator[tuple[list[Any], list[Any]]]:
    """Yield parameters and tags, so many of each as a request may have; at least once."""
    left_params, left_tags = iter(params), iter(tags)
    first = True
    while True:
        some = list(islice(left_params, _MOST_PARAMS)), list(islice(left_tags, _MOST_TAGS))
        if not first and not any(some):
            return
        yield some
        first = False


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


# reading


def source(place: Place) -> MlflowSource:
    """Return the runs of an experiment."""
    return MlflowSource(place)


class MlflowSource:
    """An experiment of MLflow's. It implements `Source`."""

    def __init__(self, place: Place) -> None:
        """Open nothing yet."""
        self.place: str = str(place)
        self._place = place

    def read(self) -> Found:
        """Implement `Source.read`."""
        scheme = self._place.target.partition("://")[0].partition("+")[0]
        if scheme in ("sqlite", "postgresql", "mysql", "mssql"):
            rows = _of_database(self._place)
        else:
            rows = _of_client(self._place)
        return _found(rows, self.place)


class _Rows:
    """The rows that MLflow keeps of the runs of an experiment."""

    def __init__(self) -> None:
        self.runs: list[tuple[str, str, str, int | None, int | None]] = []
        """Id, name, status, begin and end in milliseconds."""
        self.params: dict[str, dict[str, str]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.curves: dict[str, dict[str, list[Point]]] = {}


def _found(rows: _Rows, place: str) -> Found:
    studies = {run: text for run, tags in rows.tags.items() if (text := _whole(_STUDY, tags)) is not None}
    records = {run: study_of_card(text) for run, text in studies.items()}
    values = _values(rows.params)
    runs = []
    for key, name, status, began, ended in rows.runs:
        tags = rows.tags.get(key, {})
        if key in records:
            continue
        curves: Curves = rows.curves.get(key, {})
        text = _whole(_RECORD, tags)
        if text is not None:
            runs.append(run_of_card(text, _as_ours(curves, tags), records.get(tags.get(_PARENT, "")), source=key))
            continue
        if not curves and any(other.get(_PARENT) == key for other in rows.tags.values()):
            continue  # it groups others, and is no training itself
        runs.append(
            TrackedRun(
                id=f"mlflow:{key}",
                name=name or key,
                params=values.get(key, {}),
                curves=curves,
                state=_STATE.get(status, TrialState.RUNNING),
                began=(began or 0) / 1000,
                ended=None if ended is None else ended / 1000,
                tags=tuple(
                    f"{tag}={value}" for tag, value in tags.items() if not tag.startswith(("mlflow.", "tunewell."))
                ),
                provenance={
                    ours: tags[theirs]
                    for ours, theirs in (("command", "mlflow.source.name"), ("git_commit", "mlflow.source.git.commit"))
                    if theirs in tags
                },
            )
        )
    if not runs:
        raise RecordError(f"{place} has no run yet; name another experiment: mlflow:URI#EXPERIMENT")
    return gathered(runs)


def _as_ours(curves: Curves, tags: Mapping[str, str]) -> dict[str, Sequence[Point]]:
    renamed = _renamed(tags)
    return {renamed.get(name, name): points for name, points in curves.items()}


def _renamed(tags: Mapping[str, str]) -> dict[str, str]:
    """Return our names of metrics, by MLflow's, where these differ."""
    found = json_or_none(_whole(_NAMES, tags) or "{}")
    return found if isinstance(found, dict) else {}


def _values(params: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, Value]]:
    """Return the parameters of each run as values: MLflow keeps them as text."""
    texts: dict[str, dict[str, str]] = {}
    for run, given in params.items():
        for name, text in given.items():
            if text not in ("None", ""):
                texts.setdefault(name, {})[run] = text
    found: dict[str, dict[str, Value]] = {}
    for name, by_run in texts.items():
        for run, value in zip(by_run, parsed(list(by_run.values())), strict=True):
            found.setdefault(run, {})[name] = value
    return found


def _number(value: float, is_nan: object) -> float:
    """Return a number that MLflow keeps: it has none that is infinite, and writes the largest one for it."""
    if is_nan:
        return float("nan")
    return value if abs(value) < _LARGEST else float("inf") if value > 0 else float("-inf")


def _of_database(place: Place) -> _Rows:
    import sqlalchemy as sa  # noqa: PLC0415  slow to import

    url = place.target
    if url.startswith("sqlite"):
        path = sa.make_url(url).database
        if not path or not Path(path).is_file():
            raise RecordError(f"{place}: there is no file {path!r}; give the URI that MLflow's server was started with")
        url = f"sqlite:///file:{path}?mode=ro&uri=true"
    try:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            return _of_tables(connection, place)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise TrackerError(f"{place}: {reason(error)}") from error


def _of_tables(connection: sa.Connection, place: Place) -> _Rows:
    import sqlalchemy as sa  # noqa: PLC0415

    known = {"experiments", "runs", "params", "metrics", "tags"} - set(sa.inspect(connection).get_table_names())
    if known:
        raise RecordError(f"{place} is no database of MLflow's: it has no table {min(known)}")

    def rows(text: str, **values: object) -> Iterable[Any]:
        return connection.execute(sa.text(text), values)

    found = rows(
        "SELECT e.experiment_id, e.name, e.lifecycle_stage, COUNT(r.run_uuid) FROM experiments e"
        " LEFT JOIN runs r ON r.experiment_id = e.experiment_id AND r.lifecycle_stage = 'active'"
        " GROUP BY e.experiment_id, e.name, e.lifecycle_stage"
    )
    experiment = _experiment([(key, name, stage, n_runs) for key, name, stage, n_runs in found], place)
    of_it = (
        "JOIN runs r ON r.run_uuid = t.run_uuid WHERE r.experiment_id = :experiment AND r.lifecycle_stage = 'active'"
    )
    table = _Rows()
    # a run that is being written may have gained something in between: it is read as far as it was at first
    table.runs = [
        tuple(row)
        for row in rows(
            "SELECT run_uuid, name, status, start_time, end_time FROM runs"
            " WHERE experiment_id = :experiment AND lifecycle_stage = 'active' ORDER BY start_time, run_uuid",
            experiment=experiment,
        )
    ]
    for run, name, value in rows(f"SELECT t.run_uuid, t.key, t.value FROM params t {of_it}", experiment=experiment):
        table.params.setdefault(run, {})[name] = value
    for run, name, value in rows(f"SELECT t.run_uuid, t.key, t.value FROM tags t {of_it}", experiment=experiment):
        table.tags.setdefault(run, {})[name] = value or ""
    curves = table.curves
    logged = connection.execute(
        sa.text(f"SELECT t.run_uuid, t.key, t.step, t.value, t.timestamp, t.is_nan FROM metrics t {of_it}"),
        {"experiment": experiment},
    )
    for part in logged.partitions(_ROWS):
        for run, name, step, value, at, is_nan in part:
            of_run = curves.get(run)
            if of_run is None:
                of_run = curves[run] = {}
            points = of_run.get(name)
            if points is None:
                points = of_run[name] = []
            points.append(Point(step, _number(value, is_nan), at / 1000))
    # here and not by the database, which would sort all rows of all runs
    for run, of_run in curves.items():
        curves[run] = dict(sorted(of_run.items()))
        for points in of_run.values():
            points.sort(key=_logged_at)
    return table


def _logged_at(point: Point) -> tuple[float, int]:
    return point.at or 0.0, point.step


def _experiment(found: Sequence[tuple[Any, str, str, int]], place: Place) -> Any:
    """Return the key of the experiment that is meant: the only one with runs, if none is named."""
    active = [one for one in found if one[2] == "active" and (place.part == one[1] or (not place.part and one[3]))]
    if len(active) == 1:
        return active[0][0]
    names = ", ".join(repr(one[1]) for one in found if one[2] == "active" and one[3]) or "none with a run"
    if any(one[1] == place.part and one[2] == "deleted" for one in found):
        raise RecordError(f"{place}: experiment {place.part!r} was deleted there; restore it, or name another: {names}")
    if place.part:
        raise RecordError(f"{place}: there is no experiment {place.part!r}; there is {names}")
    raise RecordError(f"{place} has several experiments ({names}); name one: mlflow:URI#EXPERIMENT")


def _of_client(place: Place) -> _Rows:
    client = _client(place)
    with _errors(str(place)):
        from mlflow.entities import ViewType  # noqa: PLC0415  an extra

        experiments = client.search_experiments(view_type=ViewType.ALL)
        counted = [
            (
                one.experiment_id,
                one.name,
                one.lifecycle_stage,
                len(client.search_runs([one.experiment_id], max_results=1)),
            )
            for one in experiments
        ]
        experiment = _experiment(counted, place)
        table, token = _Rows(), None
        while True:
            page = client.search_runs(
                [experiment], order_by=["attributes.start_time"], max_results=_MOST_RUNS, page_token=token
            )
            for run in page:
                key = run.info.run_id
                table.runs.append((key, run.info.run_name, run.info.status, run.info.start_time, run.info.end_time))
                table.params[key], table.tags[key] = dict(run.data.params), dict(run.data.tags)
                table.curves[key] = {
                    name: [
                        Point(one.step, _number(one.value, one.value != one.value), one.timestamp / 1000)
                        for one in client.get_metric_history(key, name)
                    ]
                    for name in run.data.metrics
                }
            token = page.token
            if not token:
                return table
