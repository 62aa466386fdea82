"""Samplers: they propose new settings.

To add one: a file of its own, its import and its name in `__all__` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tunewell.samplers.construction import constructed, describe, having_names, known, needs_settings, setting_names
from tunewell.samplers.first import FirstSampler
from tunewell.samplers.grid import GridSampler
from tunewell.samplers.random import RandomSampler
from tunewell.samplers.sampler import Sampler
from tunewell.samplers.sobol import SobolSampler

__all__ = [
    "NAMES",
    "FirstSampler",
    "GridSampler",
    "RandomSampler",
    "Sampler",
    "SobolSampler",
    "build",
    "by_name",
    "describe",
]

# derived, so that no list is kept twice
_CLASSES: dict[str, Callable[..., Sampler]] = having_names(map(globals().get, __all__))

NAMES = tuple(sorted(name for name, make in _CLASSES.items() if not needs_settings(make)))
"""The samplers that `by_name` makes: those whose settings all have defaults."""


def build(record: Mapping[str, object]) -> Sampler:
    """Return the sampler that `describe` recorded.

    Raises:
        SettingError: no sampler has that name, or it has no such setting.
    """
    return constructed(record, _CLASSES, "sampler", build)


def by_name(name: str, seed: int) -> Sampler:
    """Return a sampler with its settings at their defaults; `seed` is for those that have one.

    Raises:
        SettingError: no sampler has that name.
    """
    make = _CLASSES[known(name, NAMES, "sampler")]
    return make(seed=seed) if "seed" in setting_names(make) else make()
