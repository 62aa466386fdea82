"""Schedulers: they decide which run gets the next epochs.

To add one: a file of its own, its import and its name in `__all__` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tunewell import samplers
from tunewell.samplers.construction import constructed, describe, having_names, known
from tunewell.schedulers.asha import AshaScheduler
from tunewell.schedulers.brackets import HalvingScheduler, HyperbandScheduler
from tunewell.schedulers.freeze_thaw import FreezeThawScheduler
from tunewell.schedulers.full import FullScheduler
from tunewell.schedulers.scheduler import Scheduler
from tunewell.schedulers.staged import StagedScheduler

__all__ = [
    "NAMES",
    "AshaScheduler",
    "FreezeThawScheduler",
    "FullScheduler",
    "HalvingScheduler",
    "HyperbandScheduler",
    "Scheduler",
    "StagedScheduler",
    "build",
    "by_name",
    "describe",
]

# derived, so that no list is kept twice
_CLASSES: dict[str, Callable[..., Scheduler]] = having_names(map(globals().get, __all__))

NAMES = tuple(sorted(_CLASSES))
"""The schedulers that `by_name` makes."""


def build(record: Mapping[str, object]) -> Scheduler:
    """Return the scheduler that `describe` recorded, with its sampler.

    Raises:
        SettingError: no scheduler or sampler has that name, or it has no such setting.
    """
    return constructed(record, _CLASSES, "scheduler", samplers.build)


def by_name(name: str, sampler: samplers.Sampler) -> Scheduler:
    """Return a scheduler on the sampler, with its settings at their defaults.

    Raises:
        SettingError: no scheduler has that name.
    """
    return _CLASSES[known(name, NAMES, "scheduler")](sampler)
