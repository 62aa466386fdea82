"""The time at which trainings are to end: a time of day, or so long from now.

A deadline is one process's. What it leaves undone is on record, and is gone on with by resuming the study.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tunewell.errors import SettingError
from tunewell.runners.execution import seconds
from tunewell.study import StudyReader
from tunewell.study.plan import seconds_per_epoch

_LOOK_S = 2.0
"""How long an estimate of the time that a confirmation takes is used."""
_CAUTION = 1.25
"""What was estimated is kept free so many times."""
_SETTINGS = 3


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time at which the last trainings end, each after the epoch that it is in."""

    at: float = math.inf
    """In seconds since 1970: it holds also where the clock is set, or the machine slept."""
    ends: float = math.inf
    """By `time.monotonic`."""
    span_s: float = math.inf
    """How far away it was at first."""

    @classmethod
    def of(cls, until: str | datetime | None, within: str | float | None) -> Deadline | None:
        """Return the deadline of `tune`'s arguments; None if there is none.

        Args:
            until: `"18:00"`, the next time that it is so late here; `"2030-01-31 18:00"`; a `datetime`.
            within: `"2h"` from now on, or a number of seconds.

        Raises:
            SettingError: it is neither, or has passed.
        """
        if until is None and within is None:
            return None
        ends = math.inf if within is None else time.monotonic() + seconds(within, "within")
        deadline = cls(math.inf if until is None else _moment(until), ends)
        return replace(deadline, span_s=deadline.left_s)

    @property
    def left_s(self) -> float:
        """The seconds until then; negative when it has passed."""
        return min(self.at - time.time(), self.ends - time.monotonic())


class KeptFree:
    """The time that the confirmation of a study's best settings takes, which a deadline keeps free for it."""

    def __init__(self, seeds: int, workers: int) -> None:
        """Keep time free for so many trainings of each of the best settings, so many at a time; 0: for none."""
        self._seeds, self._workers = seeds, workers
        self._looked = -math.inf
        self._estimate = 0.0

    def seconds(self, study: StudyReader, deadline: Deadline) -> float:
        """Return how much, at most half of the time that there was; 0 while nothing is known."""
        if self._seeds and time.monotonic() - self._looked > _LOOK_S:
            self._looked = time.monotonic()
            self._estimate = _CAUTION * confirmation_s(study, self._seeds, self._workers)
        return min(self._estimate, deadline.span_s / 2)


def confirmation_s(study: StudyReader, seeds: int, workers: int) -> float:
    """Return how many seconds it takes to train each of the best settings again in full with so many seeds.

    It goes by the pace of the trials that have them; 0 while no epoch tells it.
    """
    history, n = study.history, study.max_epochs
    sound = [trial for trial in history.lowest.argsort(kind="stable").tolist() if not history.broken[trial]]
    paces = seconds_per_epoch(study, sound[:_SETTINGS])
    if n is None or not paces:
        return 0.0
    one = n * sum(paces) / len(paces)
    return one * math.ceil(seeds * min(_SETTINGS, len(sound)) / workers)


def _moment(until: str | datetime) -> float:
    now = datetime.now().astimezone()
    moment = until.astimezone() if isinstance(until, datetime) else _read(until, now)
    if moment <= now:
        raise SettingError(f"until: {until} has passed; it is {now:%Y-%m-%d %H:%M:%S} here")
    return moment.timestamp()


def _read(text: str, now: datetime) -> datetime:
    for form in ("%H:%M", "%H:%M:%S"):
        try:
            clock = datetime.strptime(text.strip(), form)  # noqa: DTZ007  a time of day, here
        except ValueError:
            continue
        # without a zone until the day is known: its clocks may be changed in between
        today = now.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0, tzinfo=None)
        later = today if today > now.replace(tzinfo=None) else today + timedelta(days=1)
        return later.astimezone()
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except ValueError:
        raise SettingError(
            f'until must be a time of day, "18:00", or a date and time, "2030-01-31 18:00"; got {text!r}'
        ) from None
