"""The confirmation of a winner: the best settings of a study are trained again, in full, with fresh seeds.

The best report of a search is the luckiest of thousands: it flatters its setting. Trained again several times, a
setting shows what it reaches on average, and how certain that is. The trainings are a study of their own beside
the one that they confirm, so that this one stays what it was; they are resumed, shown and exported like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tunewell.errors import SettingError
from tunewell.samplers import FirstSampler, RandomSampler
from tunewell.samplers.construction import check_whole
from tunewell.schedulers import FullScheduler
from tunewell.space.params import Choice, Param
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.study.settings import confirming_name
from tunewell.study.study import Study


def confirmation(study: Study, *, seeds: int, best: int = 3) -> Study:
    """Return the study that trains the best settings of another again; to be driven like any other, and resumed.

    Args:
        study: has found something.
        seeds: trainings of each setting, each with a seed of its own, which the search did not use.
        best: how many settings, by their best reports.

    Raises:
        SettingError: `seeds` or `best` is no whole number of at least 1, or nothing has been found.

    Example:
        >>> study = tw.Study({"rate": tw.Float(0.0, 1.0)}, metric="val_loss", max_epochs=1, budget=2, store="memory")
        >>> def drive(study):
        ...     while (step := study.ask()) is not None:
        ...         study.report(step.trial, 1, val_loss=(step.params.rate - 0.3) ** 2)
        ...         study.tell(step.trial)
        >>> drive(study)
        >>> again = tw.confirmation(study, seeds=2, best=1)
        >>> drive(again)
        >>> len(again.trials)
        2
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
