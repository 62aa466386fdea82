"""A first look at a program: it is run with its default setting until its second epoch is seen, or to its end.

What is found decides how all of its trials are read. What cannot be tuned is refused here, before anything is spent.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunewell.errors import ReportError, ScriptError, SettingError
from tunewell.logs.cutter import Line
from tunewell.logs.epochs import METRIC, Rule, epochs_of
from tunewell.logs.files import WrittenLogs, name_pattern
from tunewell.logs.look import FILE, OBJECTS, PATTERN, PRINTED, FoundMetrics, Sight, in_percent, rule_of
from tunewell.logs.names import is_aside, is_bare, meaning, split_of, words_of
from tunewell.logs.pattern import COUNTED, PatternReader
from tunewell.logs.printed import PrintedReader
from tunewell.logs.rows import Row
from tunewell.logs.text import without_escapes
from tunewell.space.space import Space
from tunewell.stores.redaction import redacted_talk
from tunewell.training.external_program import ExternalProgram
from tunewell.training.left_files import left_in, states_of
from tunewell.training.metric_choice import Candidate, Seen, candidates, direction_by_name, is_metric, named, needs_rows
from tunewell.training.report_lines import EpochLines
from tunewell.training.run import Run

LOOKED_AT = 999_999
"""The trial that the program is called as: no other has the folders that it makes."""
_MOST_LINES = 50_000
_LAST_LINES = 8
_PATIENCE_S = 600.0
"""How long a metric of validation is waited for, where there are only those of training."""
_LONGEST_EXAMPLE = 160
_QUIET_S = 60.0
_MOST_NAMES = 4
_PUNCTUATION = re.compile(r"[\W_]")
_MEANS = {"mean", "average", "avg", "overall", "oof", "pooled"}
"""Words of the sum of several folds."""
_SAYS_INPUT = re.compile(
    r"EOFError|EOF when reading|Inappropriate ioctl for device|no tty|not a terminal", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """The metrics that a first look has found, and what it has cost."""

    found: FoundMetrics
    metric: str
    candidates: Sequence[Candidate]
    """The metrics that could be optimized, the best one first."""
    epochs: int
    """So many were seen."""
    seconds: float
    is_whole: bool
    """True if the training came to its end."""
    path: Path | None = None
    """The file that has the metric, if one has it."""
    remarks: Sequence[str] = ()
    """What is worth knowing before anything is tuned, a line each."""

    @property
    def direction(self) -> str | None:
        """The direction in which the metric is better, as its name or its values tell; None if neither does."""
        return next((one.direction for one in self.candidates if one.name == self.metric), None)


@dataclass(slots=True)
class _Place:
    """One of the places where metrics may be, and what was seen there."""

    where: str
    path: Path | None = None
    sight: Sight = field(default_factory=Sight)
    signed: set[str] = field(default_factory=set)
    """Names with a sign of percent."""
    takes_best: bool = False

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.sight.rows for name in row.values))


class Watching:
    """Takes in all that a program prints and writes: `Reading`, whose only report is that enough was seen."""

    def __init__(
        self,
        metric: str | None,
        pattern: str | None,
        path: Path | None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tell = tell
        self._quiet_until = time.monotonic() + _QUIET_S
        """When the lack of a metric is to be shown."""
        self._waits_until = math.inf
        """When it is given up that there is a metric of validation."""
        self.lines: list[tuple[Line, bool]] = []
        self._wants = None if metric is None else _wants(metric)

        def knows(name: str) -> bool:
            return is_metric(name) or (self._wants is not None and self._wants(name))

        self.knows: Callable[[str], bool] = knows
        self.places: dict[object, _Place] = {}
        self._printed = PrintedReader(knows) if pattern is None else PatternReader(pattern, metric or "")
        self._where = PRINTED if pattern is None else PATTERN
        # who says where it is wants nothing else to be read
        self._hears = path is None
        self._written = WrittenLogs(Path.cwd(), knows, path=path) if pattern is None else None
        self.is_enough: bool = False

    def hear(self, line: Line, *, is_output: bool) -> list[dict[str, float]]:
        """Implement `Reading.hear`."""
        if len(self.lines) < _MOST_LINES:
            self.lines.append((line, is_output))
        if not self._hears or (row := self._printed.read(line)) is None:
            return []
        place = self.places.setdefault(self._where, _Place(self._where))
        place.signed |= self._printed.in_percent
        return self._seen(place, row, _example(line))

    def poll(self) -> list[dict[str, float]]:
        """Implement `Reading.poll`."""
        if not self.places and time.monotonic() > self._quiet_until:
            self._quiet_until = math.inf
            last = f"; it printed {_example(self.lines[-1][0])!r} last" if self.lines else ""
            self._tell(
                f"no metric yet after {_QUIET_S:g} s{last}; the look goes on until one comes, or to the end; Ctrl-C "
                "ends it, and --pattern or --log-file says where it is"
            )
        found: list[dict[str, float]] = []
        for path, row in self._written.poll() if self._written is not None else ():
            # the files of one kind are one log: TensorBoard has one for each split
            key = name_pattern(path)
            place = self.places.setdefault(key, _Place(FILE, path))
            place.signed |= self._written.in_percent if self._written is not None else set()
            found += self._seen(place, row, "")
        return found

    def end(self) -> list[dict[str, float]]:
        """Implement `Reading.end`."""
        return []

    def _seen(self, place: _Place, row: Row, example: str) -> list[dict[str, float]]:
        place.sight.add(row, example)
        if not self.is_enough and (place.sight.has_seen(self._wants) or self._has_waited(place)):
            self.is_enough = True
            return [{"enough": 1.0}]
        return []

    def _has_waited(self, place: _Place) -> bool:
        """Return True if the time is over for which a metric of validation, that may come at the end, is waited for."""
        if self._wants is not None or not place.sight.has_seen_much:
            return False
        if self._waits_until == math.inf:
            self._waits_until = time.monotonic() + _PATIENCE_S
            names = ", ".join(place.names[:_MOST_NAMES])
            self._tell(
                f"so far it shows {names}, none of validation: the look goes on to the end of the training, for "
                f"{_PATIENCE_S / 60:g} min at most; --metric {place.names[0]} ends it sooner"
            )
        return time.monotonic() > self._waits_until


def first_look(
    program: ExternalProgram,
    space: Space,
    *,
    metric: str | None = None,
    pattern: str | None = None,
    log_file: str | None = None,
    choose: Callable[[Sequence[Candidate]], str] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> FirstLook:
    """Run a program with its default setting, and return what was found.

    metric: what is wanted; one is chosen, if none is.
    pattern: a regular expression whose groups are the metrics.
    log_file: the file that has them, which may have placeholders.
    choose: is called with several metrics that fit equally; the first is taken, if it is not given.
    tell: is called with what is worth knowing while it takes its time.

    Raises:
        SettingError: the pattern or the metric cannot be used.
        ScriptError: the program fails, or shows no metric.
    """
    if pattern is not None and log_file is not None:
        raise SettingError("--pattern is for what the program prints, and --log-file for what it writes; give one")
    run = Run(space.defaults(), trial=LOOKED_AT)
    path = None if log_file is None else Path(program.fill(log_file, run))
    watching = Watching(metric, pattern, path, tell)
    folder = Path.cwd()
    before = states_of(folder)
    begun = time.monotonic()
    reports: list[dict[str, float]] = []
    with program.begun(run, watching) as process:
        while (report := process.receive()) is not None:
            if report.asker is not None:
                if report.metrics:  # else it begins an epoch of a run of its own
                    reports.append(dict(report.metrics))
                if len(reports) > 1:
                    break
                report.answer(go=True)
            elif watching.is_enough:
                break
        code, talk = process.exit_code, redacted_talk(process.talk, program.arguments)
        is_whole = report is None
    seconds = time.monotonic() - begun
    if left := left_in(folder, before):
        tell(f"the look {left} here, as each training may; what you do not want of it can be removed")
    if is_whole and code:
        raise ScriptError(_failed(code, talk))
    if reports:
        names = list(dict.fromkeys(name for one in reports for name in one))
        found = candidates(names)
        chosen = _chosen(metric, names, found, choose)
        return FirstLook(FoundMetrics(names=tuple(names)), chosen, found, len(reports), seconds, is_whole)
    return found_by(watching, metric, pattern, log_file, choose, seconds, is_whole=is_whole, talk=talk)


def found_by(
    watching: Watching,
    metric: str | None,
    pattern: str | None,
    log_file: str | None,
    choose: Callable[[Sequence[Candidate]], str] | None,
    seconds: float,
    *,
    is_whole: bool,
    talk: str,
) -> FirstLook:
    """Return what was found in what a program has printed and written."""
    places = [place for place in watching.places.values() if place.names]
    if not places and pattern is None and log_file is None:
        places = list(_best_ones(watching)) or list(_counted_ones(watching)) or list(_only_one(watching))
    if not places:
        _check_objects(watching, metric)
        raise ScriptError(_nothing(talk, pattern, log_file, _unknown(watching)))
    names = list(dict.fromkeys(name for place in places for name in _lasting(place)))
    beside = [name for place in places for name in place.names]
    seen = _seen(places)
    if metric is None and len(names) == 1 and not is_metric(names[0]):
        seen = replace(seen, only=names[0])
    if (
        metric is None
        and is_whole
        and (last := _measured_at_the_end(watching, places, candidates(names, beside, seen)))
    ):
        place, names = last
        places = [place]
        chosen = _chosen(metric, names, candidates(names, place.names, seen), choose)
    else:
        chosen = _chosen(metric, names, candidates(names, beside, seen), choose)
        place = next(one for one in places if chosen in _lasting(one))
        if metric is None:
            chosen = _last_of_same(place, chosen)
    rows = place.sight.rows
    rule = rule_of(rows, chosen, is_whole=is_whole)
    epochs = epochs_of(rows, rule)
    if is_whole and len(epochs) > 1 and sum(chosen in epoch.metrics for epoch in epochs) == 1:
        rule = Rule(METRIC, chosen, frozenset({chosen}))
        epochs = epochs_of(rows, rule)
    found = FoundMetrics(
        where=place.where,
        names=tuple(
            name for name in dict.fromkeys((*_lasting(place), chosen)) if any(name in epoch.metrics for epoch in epochs)
        ),
        rule=rule,
        in_percent=in_percent(rows, set(place.names) - place.signed),
        file=name_pattern(place.path) if place.path is not None else "",
        is_new=place.path is not None and log_file is None and _is_numbered(place.path),
        path=log_file or "",
        pattern=pattern or (COUNTED if place.where == PATTERN else ""),
        takes_best=place.takes_best,
        is_once=is_whole and sum(chosen in epoch.metrics for epoch in epochs) == 1,
        examples=tuple(place.sight.examples[-2:]),
    )
    n_objects = _epochs_of_objects(watching, chosen) if place.where == PRINTED else 0
    if n_objects and n_objects == len(epochs):
        found = FoundMetrics(where=OBJECTS, names=found.names, is_once=found.is_once)
    values = [epoch.metrics[chosen] for epoch in epochs if chosen in epoch.metrics]
    look = FirstLook(found, chosen, candidates(found.names, beside, seen), len(epochs), seconds, is_whole, place.path)
    return replace(look, remarks=list(_remarks(look, place, values)))


def _seen(places: Sequence[_Place]) -> Seen:
    """Return what was seen of metrics so far."""
    rows = [row for place in places for row in place.sight.rows]
    curves: dict[str, list[float]] = {}
    whole = set()
    for row in rows:
        for name, value in row.values.items():
            curves.setdefault(name, []).append(value)
            if not row.is_part and not row.is_running:
                whole.add(name)
    beside: dict[str, frozenset[str]] = {}
    for row in rows:
        names = frozenset(row.values)
        for name in names:
            beside[name] = beside.get(name, names) & names
    return Seen(curves, frozenset(curves.keys() - whole), beside)


def _remarks(look: FirstLook, place: _Place, values: Sequence[float]) -> Iterator[str]:
    """Yield what is worth knowing, a line each."""
    metric = look.metric
    here = next((one for one in look.candidates if one.name == metric), None)
    if here is not None and direction_by_name(metric) is None:
        goes = "falls" if here.direction == "minimize" else "rises"
        yield f"{metric} {goes} as it trains, which is taken to be better; --direction says otherwise"
    if here is not None and here.is_of_test:
        yield (
            f"{metric} is measured on test rows, and no metric of validation was found: what is tuned on test rows is "
            "no test any more; measure on rows held out from training"
        )
    if here is not None and here.is_of_training and needs_rows(metric):
        whose = (
            "is measured on training rows"
            if split_of(metric) == "train"
            else "does not say on which rows it is measured"
        )
        yield (
            f"{metric} {whose}, and no metric of validation was found: what is tuned on training rows fits them by "
            "heart; print one of validation"
        )
    if look.found.is_once:
        yield (
            f"{metric} comes once, at the end: each training counts as one epoch, and is trained in full "
            "(--scheduler full); print it after each epoch, and poor trainings can end early"
        )
    if values and all(math.isnan(value) for value in values):
        yield f"{metric} is nan with the default setting; begin with one that trains, such as a lower learning rate"
    if metric in look.found.in_percent or metric in place.signed:
        yield f"{metric} is printed in percent, and on record as a share: 0.912 for 91.2%"


def _chosen(
    metric: str | None,
    names: Sequence[str],
    found: Sequence[Candidate],
    choose: Callable[[Sequence[Candidate]], str] | None,
) -> str:
    """Return the metric that is optimized."""
    if metric is not None:
        return named(metric, names)
    held_out = [name for name in names if is_bare(name) and split_of(name) != "train"]
    of_validation = [name for name in held_out if split_of(name) == "val"]
    if not found or (held_out and found[0].is_of_training) or (of_validation and found[0].is_of_test):
        shown = of_validation + [name for name in held_out if name not in of_validation] or names
        raise SettingError(
            f"the program reports {', '.join(shown)}, and which way that is better cannot be told from its name; "
            f"say --metric {shown[0] if shown else 'NAME'}, and --direction minimize or maximize"
        )
    equal = [one for one in found if one.rows == found[0].rows]
    if choose is not None and len(equal) > 1:
        return choose(equal)
    return found[0].name


def _lasting(place: _Place) -> list[str]:
    """Return the names of a place that come in its epochs, and not once among others that come again."""
    times: Counter[str] = Counter(name for row in place.sight.rows for name in row.values)
    most = max(times.values(), default=0)
    return [name for name, count in times.items() if count > 1 or most == 1] or list(times)


def _measured_at_the_end(
    watching: Watching, places: Sequence[_Place], lasting: Sequence[Candidate]
) -> tuple[_Place, list[str]] | None:
    """Return the place of metrics that come once, at the end, where the others are of training; and which."""
    if lasting and not lasting[0].is_of_training:
        return None
    has_score = any(not _is_loss(one.name) for one in lasting)
    quantities = {known.quantity for one in lasting if (known := meaning(one.name))}
    for place in (*places, *_best_ones(watching)):
        again = {one.name for one in lasting}
        last = [
            one.name
            for one in candidates(place.names)
            if one.name not in again
            and (
                not one.is_of_training
                or (not has_score and not _is_loss(one.name) and split_of(one.name) == "")
                or (words_of(one.name) & _MEANS and (known := meaning(one.name)) and known.quantity in quantities)
            )
        ]
        if last:
            return place, last
    return None


def _last_of_same(place: _Place, metric: str) -> str:
    """Return the spelling in which a place has a metric last: `Acc@1` of an epoch's sum, after `acc1` of its steps."""
    plain = _PUNCTUATION.sub("", metric.lower())
    same = [name for name in _lasting(place) if _PUNCTUATION.sub("", name.lower()) == plain]
    if len(same) == 1:
        return metric
    rows = place.sight.rows
    return max(same, key=lambda name: (max(i for i, row in enumerate(rows) if name in row.values), name == metric))


def _is_loss(name: str) -> bool:
    known = meaning(name)
    return known is not None and known.quantity in ("loss", "lr")


def _best_ones(watching: Watching) -> Iterator[_Place]:
    """Yield what is printed of best and final numbers, where there are no others."""
    reader = PrintedReader(watching.knows, takes_best=True)
    place = _Place(PRINTED, takes_best=True)
    for line, _ in watching.lines:
        if (row := reader.read(line)) is not None:
            place.sight.add(row, _example(line))
    place.signed |= reader.in_percent
    if place.names:
        yield place


def _counted_ones(watching: Watching) -> Iterator[_Place]:
    """Yield what is counted each epoch out of so many and has no name, where nothing else is printed."""
    reader = PatternReader(COUNTED)
    place = _Place(PATTERN)
    for line, _ in watching.lines:
        if (row := reader.read(line)) is not None:
            place.sight.add(row, _example(line))
    if place.names and len({row.epoch for row in place.sight.rows}) == len(place.sight.rows) > 1:
        yield place


def _only_one(watching: Watching) -> Iterator[_Place]:
    """Yield the only number that is measured, whatever its name, where it goes one way as a loss or a score does."""
    unknown = _unknown(watching)
    if len(unknown) != 1:
        return
    reader = PrintedReader(lambda name: name == unknown[0])
    place = _Place(PRINTED)
    for line, _ in watching.lines:
        if (row := reader.read(line)) is not None:
            place.sight.add(row, _example(line))
    place.signed |= reader.in_percent
    if place.names and candidates(place.names, seen=replace(_seen([place]), only=unknown[0])):
        yield place


def _is_numbered(path: Path) -> bool:
    """Return True if a path below this folder has a number, as that of a file of each training's own does."""
    here = str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name
    return any(letter.isdigit() for letter in here)


def _example(line: Line) -> str:
    return without_escapes(line.text.decode(errors="replace")).strip()[-_LONGEST_EXAMPLE:]


def _epochs_of_objects(watching: Watching, metric: str) -> int:
    """Return how many epochs there are in lines of JSON that have the metric; 0 if it is not in these."""
    reader = EpochLines(metric)
    try:
        reports = [report for line, is_output in watching.lines for report in reader.hear(line, is_output=is_output)]
    except ReportError:
        return 0
    return len(reports) if any(metric in report for report in reports) else 0


def _check_objects(watching: Watching, metric: str | None) -> None:
    """Raise ReportError if a line of JSON is to have the metric, and cannot be read."""
    reader = EpochLines(metric or "val_loss")
    for line, is_output in watching.lines:
        reader.hear(line, is_output=is_output)


def _wants(metric: str) -> Callable[[str], bool]:
    """Return what says whether a name is that of a metric in any spelling."""
    words = words_of(metric)
    return lambda name: name == metric or words_of(name) == words


def _failed(code: int | None, talk: str) -> str:
    found = _SAYS_INPUT.search(talk)
    if found:
        why = next(line.strip() for line in talk.splitlines() if _SAYS_INPUT.search(line))
        return f"the program asks for input, and gets none here ({why}); give it what it asks for by an option"
    last = "\n".join(talk.splitlines()[-_LAST_LINES:])
    shown = f"the last lines that the program printed:\n{last}\n" if last else ""
    return f"{shown}the program ended with exit code {code}, with its default setting; mend that first"


def _unknown(watching: Watching) -> Sequence[str]:
    """Return the names of numbers that are printed again and again, of which none is known as that of a metric."""
    reader = PrintedReader(lambda name: not is_aside(name))
    values: dict[str, set[float]] = {}
    for line, _ in watching.lines:
        if (row := reader.read(line)) is not None:
            for name, value in row.values.items():
                values.setdefault(name, set()).add(value)
    # what is counted, or stays the same, is none
    measured = [name for name, its in values.items() if len(its) > 1 and not all(one.is_integer() for one in its)]
    return measured[:_MOST_NAMES]


def _nothing(talk: str, pattern: str | None, log_file: str | None, unknown: Sequence[str]) -> str:
    last = "\n".join(talk.splitlines()[-_LAST_LINES:])
    shown = f"the last lines that the program printed:\n{last}\n" if last else ""
    if log_file is not None:
        return (
            f"{shown}the program has written no metric to {log_file}; see that this is the file, and a CSV or JSON file"
        )
    if pattern is not None:
        return f"{shown}--pattern {pattern!r} matches no line that the program printed"
    if not last:
        return (
            "the program printed nothing, and wrote no log in this folder; print a line such as "
            "`epoch 3 val_loss 0.31` after each epoch, or say with --log-file where it writes"
        )
    if unknown:
        return (
            f"{shown}none of the names in these lines is known as that of a metric: {', '.join(unknown)}; say which "
            f"is, as in --metric {unknown[0]} --direction minimize, or where it is with --pattern or --log-file"
        )
    return (
        f"{shown}no metric was found in these lines; print a line such as `epoch 3 val_loss 0.31` after each epoch, or "
        "say with --pattern or --log-file where it is"
    )
