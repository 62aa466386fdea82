"""Progress of a study while it runs: a live display on a terminal, plain lines elsewhere.

Both are observers, as `tunewell.runners` has them. A report costs them a comparison; what takes longer is done a
few times a second at most, however fast the reports come in.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import numpy as np

from tunewell.advice import advice
from tunewell.analysis.more_time import gain_of
from tunewell.analysis.pace import Done, TimeLeft, UnderWay, time_left
from tunewell.display.formatting import clipped, duration, measured, setting
from tunewell.display.plots import sparkline
from tunewell.display.summary import counts, more_in_words, spent_of_budget, spent_share
from tunewell.display.terminal import shown
from tunewell.errors import StoreError, last_line
from tunewell.space.values import Params
from tunewell.study import StudyReader
from tunewell.study.front import Frontier
from tunewell.study.plan import epochs_left
from tunewell.study.reader import Best
from tunewell.trial import OPEN_END, Step

if TYPE_CHECKING:
    from rich.console import RenderableType


_RENDERS_PER_SECOND = 4
_ROWS_OF_RUNNING = 8
_SILENT_S = 60.0
"""A trial that has reported nothing for so long may hang."""
_AWAITED_S = 1.0
"""A database that is away for longer is worth a word."""
_LOOK_S = 1.0
_ESTIMATE_S = 2.0
"""How long an estimate of the time that is left is used."""
_RENDER_S = 1.0
"""How long a display waits for what it shows."""


class LineProgress:
    """A line for each step that is done."""

    def __init__(self, stream: TextIO) -> None:
        """Write the lines to `stream`."""
        self._stream = stream
        self._leader = _Leader()
        self._silence = _Silence()
        self._steps: dict[int, range] = {}
        self._latest: dict[int, tuple[int, float | None]] = {}
        self._study: StudyReader | None = None
        self._is_awaiting = False

    def on_step(self, study: StudyReader, step: Step) -> None:
        """Implement `Observer.on_step`."""
        self._study = study
        self._leader.watch(study, step)
        self._silence.end(step.trial)
        self._steps[step.trial] = step.epochs

    def on_report(self, study: StudyReader, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Implement `Observer.on_report`."""
        self._leader.update(trial, epoch, metrics)
        self._silence.end(trial)
        self._latest[trial] = epoch, metrics.get(study.metric)

    def on_step_end(self, study: StudyReader, trial: int) -> None:
        """Implement `Observer.on_step_end`."""
        self._silence.forget(trial)
        self._leader.end_step(study, trial)
        first = self._steps.pop(trial).start
        last, value = self._latest.pop(trial, (first - 1, None))
        share = spent_share(study)
        parts = [
            f"trial {trial}",
            f"epochs {first}-{last}" if last > first else f"epoch {last}" if last == first else "no epoch",
            *([] if value is None else [f"{study.metric} {measured(value)}"]),
            *_how_it_ended(study, trial),
            *([f"(best {self._leader})"] if self._leader.best else []),
            *([] if share is None else [f"{share:.0%} of the budget"]),
        ]
        print(shown("  ".join(parts)), file=self._stream, flush=True)

    def show_silence(self) -> None:
        """Write a line for each trial that has fallen silent since the last time, and for a database that has."""
        awaited_s = 0.0 if self._study is None else self._study.awaited_s
        if self._is_awaiting != (awaited_s > _AWAITED_S):
            self._is_awaiting = not self._is_awaiting
            line = _awaited(awaited_s) if self._is_awaiting else "the database is back"
            print(line, file=self._stream, flush=True)
        for trial in self._silence.fallen():
            print(f"trial {trial}  {_no_report(_SILENT_S)}", file=self._stream, flush=True)


@contextmanager
def progress(stream: TextIO) -> Iterator[LiveProgress | LineProgress]:
    """Yield an observer that suits the stream: a live display if it is a terminal, else lines."""
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        with live_progress(stream) as display:
            yield display
    else:
        lines, over = LineProgress(stream), threading.Event()

        def look() -> None:
            while not over.wait(_LOOK_S):
                lines.show_silence()

        threading.Thread(target=look, name="tunewell-silence", daemon=True).start()
        try:
            yield lines
        finally:
            over.set()


@contextmanager
def live_progress(stream: TextIO | None = None) -> Iterator[LiveProgress]:
    """Yield an observer that shows, while the context lasts, the state of a study.

    stream: the terminal; standard error if None.
    """
    from rich.console import Console  # noqa: PLC0415  a tenth of a second, which only a terminal's user should pay
    from rich.live import Live  # noqa: PLC0415

    console = Console(stderr=True) if stream is None else Console(file=stream)
    display = LiveProgress()
    with Live(get_renderable=display.render, console=console, refresh_per_second=_RENDERS_PER_SECOND, transient=True):
        yield display


class LiveProgress:
    """Best so far and its setting, the curves of the running trials, the budget and the time left."""

    def __init__(self) -> None:
        self._leader = _Leader()
        self._study: StudyReader | None = None
        self._silence = _Silence()
        self._clock = _Clock()
        self._shown = _Latest(self._grid)

    def on_step(self, study: StudyReader, step: Step) -> None:
        """Implement `Observer.on_step`."""
        self._leader.watch(study, step)
        self._silence.end(step.trial)
        if self._study is not study:
            self._clock.start(study)
            self._study = study
        self._clock.begin(step)

    def on_report(self, study: StudyReader, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Implement `Observer.on_report`."""
        self._leader.update(trial, epoch, metrics)
        self._silence.end(trial)
        self._clock.count(trial, metrics.get(study.metric))

    def on_step_end(self, study: StudyReader, trial: int) -> None:
        """Implement `Observer.on_step_end`."""
        self._silence.forget(trial)
        self._clock.end(trial)
        self._leader.end_step(study, trial)

    def render(self) -> RenderableType:
        """Return the state of the study now, for Rich."""
        from rich.console import Group  # noqa: PLC0415  loaded already, by whoever renders

        from tunewell.display.safe_text import SafeText  # noqa: PLC0415

        study = self._study
        grid = None if study is None else self._shown.within(_RENDER_S)
        shown = SafeText("starting ...", style="dim") if grid is None else grid
        if study is None or study.awaited_s <= _AWAITED_S:
            return shown
        return Group(shown, SafeText(_awaited(study.awaited_s), style="yellow"))

    def _grid(self) -> RenderableType:
        from rich.table import Table  # noqa: PLC0415

        from tunewell.display.safe_text import SafeText  # noqa: PLC0415

        study = self._study
        assert study is not None  # or there is nothing to show
        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row("study", SafeText(f"{study.record.name}  {study.record.direction} {study.metric}"))
        for label, row in (*self._best_rows(), *_running_rows(study, self._silence)):
            grid.add_row(label, row)
        grid.add_row("trials", counts(study))
        grid.add_row("budget", self._budget_row(study))
        if (more := self._clock.more_time(study)) is not None:
            grid.add_row("more", SafeText(more))
        return grid

    def _best_rows(self) -> Iterator[tuple[str, RenderableType]]:
        from tunewell.display.safe_text import SafeText  # noqa: PLC0415

        best = self._leader.best
        if best is None:
            yield "best", SafeText("nothing yet", style="dim")
            return
        yield (
            f"knee of {self._leader.n_front}" if self._leader.n_front else "best",
            SafeText.assemble((measured(best.value), "bold green"), f"  trial {best.trial}  epoch {best.epoch}"),
        )
        yield "", SafeText(setting(best.params))

    def _budget_row(self, study: StudyReader) -> RenderableType:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        share = spent_share(study)
        row = Table.grid(padding=(0, 2))
        words = f"{spent_of_budget(study)}  {self._clock.read(study)}"
        if share is None:
            row.add_row(words)
        else:
            row.add_row(ProgressBar(total=1.0, completed=share, width=24), f"{share:.0%}", words)
        return row


class _Latest:
    """The value that a function returned last, for whoever cannot wait until it returns: its store may be away."""

    def __init__(self, function: Callable[[], RenderableType]) -> None:
        self._function = function
        self._value: RenderableType | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    def within(self, seconds: float) -> RenderableType | None:
        """Return the value of now, or the last one if it takes longer than that; None if there is none yet."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._call, name="tunewell-display", daemon=True)
            self._thread.start()
        self._thread.join(seconds)
        error, self._error = self._error, None
        if error is not None:
            raise error
        return self._value

    def _call(self) -> None:
        try:
            self._value = self._function()
        except StoreError:
            pass  # whoever trains says so, and better
        except Exception as error:  # noqa: BLE001  for the thread that wants to show it
            self._error = error


class _Leader:
    """The best report so far, kept up to date at the cost of a comparison a report."""

    def __init__(self) -> None:
        self.best: Best | None = None
        self._study: StudyReader | None = None
        self._params: dict[int, Params] = {}
        self._frontier: Frontier | None = None
        self.n_front = 0
        """How many reports are on the front; 0 where there is one metric."""

    def __str__(self) -> str:
        best = self.best
        return "none" if best is None else f"{measured(best.value)} trial {best.trial} epoch {best.epoch}"

    def watch(self, study: StudyReader, step: Step) -> None:
        """Note that a step begins."""
        if self._study is not study:
            self._study, self._params = study, {}
            self.best = study.best_so_far  # of what a resumed study had
            aims = study.aims
            self._frontier = Frontier(aims) if aims.are_several or aims.limits else None
            if self._frontier is not None:
                for point in study.front():
                    self._frontier.add(point.trial, point.values)
        self._params[step.trial] = step.params

    def update(self, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Compare a report with the best."""
        assert self._study is not None  # a step comes before its reports
        if self._frontier is not None:
            if self._frontier.add(trial, metrics):
                self.best = self._study.best_so_far
                self.n_front = len(self._frontier) if self._study.aims.are_several else 0
            return
        value = metrics.get(self._study.metric)
        if value is None or not math.isfinite(value):
            return
        if self.best is None or self._order(value, trial, epoch) < self._order(
            self.best.value, self.best.trial, self.best.epoch
        ):
            self.best = Best(trial, epoch, value, self._params[trial])

    def end_step(self, study: StudyReader, trial: int) -> None:
        """Look for another best if the trial that has it failed or diverged."""
        if self.best is not None and self.best.trial == trial and study.history.broken[trial]:
            self.best = study.best_so_far
            if self._frontier is not None:
                self._frontier.drop(trial)

    def _order(self, value: float, trial: int, epoch: int) -> tuple[float, int, int]:
        """Rank a report: of equal values the older trial's is the best, as `Study.best` has it."""
        assert self._study is not None
        return (-value if self._study.maximize else value), trial, epoch


class _Clock:
    """Time passed, and time left if things go on as they did."""

    def __init__(self) -> None:
        self._began = 0.0
        self._trained_before = 0
        self._steps: dict[int, tuple[float, int]] = {}
        """Of those under way, by trial: when it began, and how many epochs it has."""
        self._trained: dict[int, list[float]] = {}
        """By trial under way: when each of the epochs of its step ended."""
        self._done: list[Done] = []
        self._values: list[float] = []
        self._looked = -math.inf
        self._left: TimeLeft | None = None
        self._more: str | None = None
        self._more_looked = -math.inf

    def start(self, study: StudyReader) -> None:
        """Start with what is spent already."""
        self._began, self._trained_before = time.monotonic(), study.spent.trained

    def begin(self, step: Step) -> None:
        """Note that a step begins."""
        n = len(step.epochs) if step.epochs.stop <= OPEN_END else 1
        self._steps[step.trial], self._trained[step.trial] = (time.monotonic(), n), []

    def count(self, trial: int, value: float | None) -> None:
        """Note that an epoch of a trial is done, and what it reported."""
        self._values.append(math.nan if value is None else value)
        if trial in self._trained:
            self._trained[trial].append(time.monotonic())

    def end(self, trial: int) -> None:
        """Note that a trial's step is done."""
        began, _ = self._steps.pop(trial, (0.0, 0))
        ends = self._trained.pop(trial, [])
        if ends:
            self._done.append(Done(len(ends), ends[-1] - began, trial, ends))

    def read(self, study: StudyReader) -> str:
        """Return `1 min 5 s, about 3 min 2 s left (2 min 10 s to 5 min 1 s)`."""
        now = time.monotonic()
        passed = duration(now - self._began)
        if now - self._looked > _ESTIMATE_S:
            self._looked, self._left = now, self._estimate(study, now)
        left = self._left
        if left is None or left.high <= 0:
            return passed
        middle, low, high = (duration(max(0.0, one - now + self._looked)) for one in (left.middle, left.low, left.high))
        return f"{passed}, about {middle} left" + (f" ({low} to {high})" if low != high else "")

    def more_time(self, study: StudyReader) -> str | None:
        """Return what one more hour would buy, by what this process has seen; None where that is too little."""
        now = time.monotonic()
        if now - self._more_looked > _ESTIMATE_S:
            self._more_looked, self._more = now, self._bought(study, now)
        return self._more

    def _bought(self, study: StudyReader, now: float) -> str | None:
        if self._trained_before or study.aims.are_several or study.max_epochs is None or not self._values:
            return None
        sign = -1.0 if study.maximize else 1.0
        epochs = math.ceil(3600 * len(self._values) / max(1e-9, now - self._began))
        gain = gain_of(sign * np.array(self._values), epochs, study.max_epochs)
        if gain is None:
            return None
        per_epoch = (now - self._began) / len(self._values)
        return more_in_words(gain, 3600.0 if gain.epochs == epochs else gain.epochs * per_epoch)

    def _estimate(self, study: StudyReader, now: float) -> TimeLeft | None:
        if study.budget.unit == "seconds":
            rest = max(0.0, study.budget.amount - study.spent.seconds)
            return TimeLeft(rest, rest, rest)
        left = epochs_left(study)
        here = sum(one.epochs for one in self._done) + sum(map(len, self._trained.values()))
        in_all = study.spent.trained - self._trained_before
        if left is None or not here:
            return None
        left = round(left * min(1.0, here / max(1, in_all)))  # other processes may do their part
        under_way = []
        for trial, (began, n) in list(self._steps.items()):
            ends = self._trained.get(trial, [])[:n]
            pace = (now - began) / len(ends) if ends else math.nan
            under_way.append(UnderWay(n, len(ends), pace, trial, ends))
        ahead = max(0, left - sum(one.epochs - one.trained for one in under_way))
        found = time_left(list(self._done), under_way, epochs=ahead, workers=max(1, len(under_way)))
        if found is None:  # a first guess, which has no interval yet
            rest = (now - self._began) * left / here
            return TimeLeft(rest, rest, rest)
        return found


class _Silence:
    """The times since the running trials have reported anything."""

    def __init__(self) -> None:
        self._heard: dict[int, float] = {}
        self._known: set[int] = set()
        """Trials of which it is known that they have fallen silent."""

    def end(self, trial: int) -> None:
        """Note that a trial begins a step, or reports."""
        self._heard[trial] = time.monotonic()
        self._known.discard(trial)

    def forget(self, trial: int) -> None:
        """Note that a trial's step is done."""
        self._heard.pop(trial, None)
        self._known.discard(trial)

    def length(self, trial: int) -> float:
        """Return for how many seconds a trial has reported nothing; 0 if another process trains it."""
        now = time.monotonic()
        return now - self._heard.get(trial, now)

    def fallen(self) -> list[int]:
        """Return the trials that have fallen silent since the last call."""
        fallen = [trial for trial in list(self._heard) if self.length(trial) > _SILENT_S and trial not in self._known]
        self._known.update(fallen)
        return fallen


def _awaited(seconds: float) -> str:
    since = time.strftime("%H:%M:%S", time.localtime(time.time() - seconds))
    return f"the database is away since {since} and is waited for; trainings go on when it is back"


def _no_report(seconds: float) -> str:
    return f"no report for {duration(seconds)}; --trial-timeout would end it if it hangs"


def _running_rows(study: StudyReader, silence: _Silence) -> Iterator[tuple[str, RenderableType]]:
    from tunewell.display.safe_text import SafeText  # noqa: PLC0415

    history = study.history
    running = np.flatnonzero(history.running)
    for i, trial in enumerate(running[:_ROWS_OF_RUNNING]):
        curve = -history.curves[trial] if study.maximize else history.curves[trial]
        values = curve[np.isfinite(curve)]
        epochs = f"epoch {history.epochs[trial]}" + (f" of {study.max_epochs}" if study.max_epochs else "")
        last = measured(float(values[-1])) if values.size else ""
        silent = silence.length(int(trial))
        note = f"  {_no_report(silent)}" if silent > _SILENT_S else ""
        shape = (sparkline(values), "cyan")
        row = SafeText.assemble(f"trial {trial:<4d} {epochs}  ", shape, f"  {last}", (note, "yellow"))
        yield ("running" if i == 0 else ""), row
    if len(running) > _ROWS_OF_RUNNING:
        yield "", SafeText(f"and {len(running) - _ROWS_OF_RUNNING} more", style="dim")


def _how_it_ended(study: StudyReader, trial: int) -> list[str]:
    """Return nothing for a step that simply ended; else the state and why."""
    history = study.history
    if history.held[trial]:
        if study.is_in_memory:
            return ["held"]
        return [f"held, until {advice('steer', study.record.name, str(trial), 'resume', store=study.url)}"]
    if not (history.failed[trial] or history.stopped[trial]):
        return []
    record = study.trials[trial]
    return [str(record.state) if record.reason is None else f"{record.state}: {clipped(last_line(record.reason))}"]
