"""The confirmation of a winner: the best settings of a study are trained again, in full, with fresh seeds.

The best report of a search is the luckiest of thousands: it flatters its setting. Trained again several times, a
setting shows what it reaches on average, and how certain that is. The trainings are a study of their own beside
the one that they confirm, so that this one stays what it was; they are resumed, shown and exported like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tunewell.errors import SettingError
from tunewell.samplers import FirstSampler, RandomSampler
from tunewell.samplers.construction import check_whole
from tunewell.schedulers import FullScheduler
from tunewell.space.params import Choice, Param
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.study.reader import StudyReader
from tunewell.study.settings import confirming_name, confirms
from tunewell.study.study import Study
from tunewell.trial import TrialState

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A setting, trained again."""

    trial: int
    """The trial of the search that had it first."""
    found: float
    """The metric that the search saw."""
    values: tuple[float, ...]
    """The best report of each new training; fewer than requested while they are under way, or if some broke."""
    params: Mapping[str, Value]
    broken: int = 0
    """How many new trainings failed, or were stopped where the metric was no longer finite."""

    @property
    def mean(self) -> float:
        """The mean of the values; NaN if there are none."""
        return float(np.mean(self.values)) if self.values else float("nan")

    @property
    def margin(self) -> float:
        """The mean's 95 % interval reaches so far to both sides (Student's t); infinite for a single value."""
        from scipy.stats import t  # type: ignore[import-untyped]  # noqa: PLC0415  slow to import

        n = len(self.values)
        if n < 2:
            return float("inf")
        return float(t.ppf((1 + _LEVEL) / 2, n - 1) * np.std(self.values, ddof=1) / np.sqrt(n))


def confirmation(study: Study, *, seeds: int, best: int = 3) -> Study:
    """Return the study that trains the best settings of another again; to be driven like any other, and resumed.

    Args:
        study: has found something.
        seeds: trainings of each setting, each with a seed of its own, which the search did not use.
        best: how many settings, by their best reports.

    Raises:
        SettingError: `seeds` or `best` is no whole number of at least 1, or nothing has been found.
    """
    check_whole("confirm", seeds, at_least=1)
    check_whole("best", best, at_least=1)
    trials = _best_trials(study, best)
    if not trials:
        raise SettingError(
            f"study {study.record.name!r} has no finite {study.metric!r} to confirm yet, of a trial that did not fail"
        )
    settings = [dict(study.trials[trial].params) for trial in trials]
    return Study(
        _having(study.space, settings),
        metric=study.metric,
        direction=study.record.direction,
        max_epochs=study.max_epochs,
        budget=f"{seeds * len(settings)}trials",
        # setting by setting and seed by seed in turn, so that what is there at any time is balanced
        scheduler=FullScheduler(FirstSampler(settings * seeds, RandomSampler())),
        max_tier=4,  # what the study held is held in its space
        seed=(study.record.seed + 1) % 2**63,
        store=study.store,
        name=confirming_name(study.record.name, seeds, trials),
        resume=True,
    )


def confirmed(study: Study | StudyReader) -> list[Confirmed]:
    """Return what the newest confirmation of a study has found; empty if no training of it has ended yet.

    The best mean is first, of the settings of which the fewest trainings broke.
    """
    known, name = study.trials, study.record.name
    for other in reversed(study.others()):
        of = confirms(other.name)
        if of is None or of[0] != name or max(of[1]) >= len(known):
            continue
        found = _values(study, other, of[1])
        if any(one.values or one.broken for one in found):
            sign = -1.0 if study.maximize else 1.0
            return sorted(found, key=lambda one: (one.broken, sign * one.mean if one.values else np.inf))
    return []


def _values(study: Study | StudyReader, again: StudyReader, trials: list[int]) -> list[Confirmed]:
    found = []
    known, broke = study.trials, again.history.broken
    for place, number in enumerate(trials):
        repeats = [trial for trial in again.trials if trial.number % len(trials) == place]
        broken = [trial.number for trial in repeats if broke[trial.number]]
        ended = [
            trial.number
            for trial in repeats
            if trial.state in (TrialState.COMPLETE, TrialState.STOPPED) and not broke[trial.number]
        ]
        values = tuple(value[1] for value in map(again.best_of, ended) if value is not None)
        seen = study.best_of(number)
        if seen is not None:
            found.append(Confirmed(number, seen[1], values, known[number].params, len(broken)))
    return found


def _best_trials(study: Study, n: int) -> list[int]:
    """Return the trials of the best reports, best first, each of another setting; none that failed or diverged."""
    lowest = np.where(study.history.broken, np.inf, study.history.lowest)
    chosen: dict[str, int] = {}
    trials = study.trials
    for trial in np.argsort(lowest, kind="stable").tolist():
        if np.isfinite(lowest[trial]):
            chosen.setdefault(repr(dict(trials[trial].params)), trial)
    return list(chosen.values())[:n]


def _having(space: Space, settings: Sequence[Mapping[str, Value]]) -> Space:
    """Return the space with room for these settings, which may be of an earlier version of it."""
    params: dict[str, Param] = {}
    for name, param in space.params.items():
        values = list(dict.fromkeys(setting[name] for setting in settings if name in setting))
        if all(map(param.contains, values)):
            params[name] = param
        else:
            params[name] = Choice(values, tier=param.tier, when=param.conditions or None)
    return Space(params)
