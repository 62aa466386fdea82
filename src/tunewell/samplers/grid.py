"""Grid search: every combination of a few values of each parameter, known before the first trial.

For a handful of combinations that are to be compared for their own sake. As a search it wastes trials: with one
parameter that matters and one that does not, nine trials try three values of the one that matters (Bergstra and Bengio,
2012; `benchmarks/search/grid_against_random.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tunewell.errors import SettingError, SpaceError
from tunewell.history import History
from tunewell.samplers.construction import check_whole
from tunewell.samplers.sampler import Sampler
from tunewell.space.params import Choice, Param
from tunewell.space.space import Space
from tunewell.space.values import Params, Value

Levels = int | Mapping[str, int | Sequence[Value]]

DEFAULT_LEVELS = 3
LARGEST = 1_000_000
"""Settings in a grid; more is a mistake."""


@dataclass(frozen=True, slots=True)
class GridSampler(Sampler):
    """Suggests each setting of a grid once; in the end there is none left.

    Example:
        >>> space = tw.Space(width=tw.Int(16, 128, scale="log"), rate=tw.Float(1e-3, 0.1, scale="log"))
        >>> grid = tw.GridSampler({"width": [16, 64], "rate": 3})
        >>> [(one["width"], one["rate"]) for one in grid.settings(space)][:3]
        [(16, 0.001), (16, 0.01), (16, 0.1)]
        >>> len(grid.settings(space))
        6
    """

    name: ClassVar[str] = "grid"
    levels: Levels = DEFAULT_LEVELS
    """How many values of each number, evenly spaced on its scale, both ends among them; 1 is its default alone.
    Or, by parameter, so many or these values; a number that is not named has 3. Choices have all their values."""

    def __post_init__(self) -> None:
        if isinstance(self.levels, Mapping):
            object.__setattr__(self, "levels", {name: _checked(name, given) for name, given in self.levels.items()})
        else:
            object.__setattr__(self, "levels", check_whole("levels", self.levels, at_least=1))

    def suggest(self, space: Space, history: History, rng: np.random.Generator) -> Params | None:  # noqa: ARG002  is not random
        """Return the first setting that no trial has had."""
        grid = self._grid(space)
        tried = set(_keys(history.points))
        return next((setting for setting, key in zip(grid.settings, grid.keys, strict=True) if key not in tried), None)

    def settings(self, space: Space) -> list[Params]:
        """Return all settings that will be tried, in order; those that differ only in inactive parameters count once.

        Raises:
            SettingError: a level does not fit the space, or there are more than a million settings.
        """
        return list(self._grid(space).settings)

    def _grid(self, space: Space) -> _Grid:
        # keyed by texts, since Choice([0, 1]) equals Choice([False, True])
        return _grid(json.dumps(space.to_dict()), json.dumps(self.levels))


@dataclass(frozen=True, slots=True)
class _Grid:
    settings: list[Params]
    keys: list[bytes]


def _checked(name: str, levels: int | Sequence[Value]) -> int | tuple[Value, ...]:
    if isinstance(levels, np.ndarray | np.generic):
        levels = levels.tolist()
    if isinstance(levels, str) or not isinstance(levels, Sequence):
        return check_whole(f"levels of {name!r}", levels, at_least=1)
    if not levels:
        raise SettingError(f"levels of {name!r} is empty; give the values to try, or how many")
    return tuple(level.item() if isinstance(level, np.generic) else level for level in levels)


@lru_cache(maxsize=8)
def _grid(space_text: str, levels_text: str) -> _Grid:
    """Return the settings, and their keys."""
    space, levels = Space.from_dict(json.loads(space_text)), json.loads(levels_text)
    if isinstance(levels, int):
        levels = dict.fromkeys(space.names, levels)
    if unknown := levels.keys() - set(space.names):
        raise SettingError(f"levels names {min(unknown)!r}, which is not in the space ({', '.join(space.names)})")
    axes = [_axis(name, param, levels.get(name, DEFAULT_LEVELS)) for name, param in space.params.items()]
    count = math.prod(map(len, axes))
    if count > LARGEST:
        sizes = " x ".join(str(len(axis)) for axis in axes)
        raise SettingError(f"the grid has {count:,} settings ({sizes}), more than {LARGEST:,}; give fewer levels")
    settings = _distinct(space, axes)
    if not settings:
        raise SettingError(
            f"no setting of the grid meets {' and '.join(space.constraints)}; give more levels, or the values to try"
        )
    return _Grid(settings, _keys(space.encode_many(settings)))


def _axis(name: str, param: Param, levels: int | Sequence[Value]) -> list[Value]:
    """Return the values of one parameter to try, each once."""
    if not isinstance(levels, int):
        try:
            return list(dict.fromkeys(map(param.check, levels)))
        except SpaceError as error:
            raise SettingError(f"levels of {name!r}: {error}") from error
    if isinstance(param, Choice):
        return list(param.values)
    # a short range of whole numbers has fewer values than levels
    return [param.usual] if levels == 1 else list(dict.fromkeys(param.decode(np.linspace(0.0, 1.0, levels))))


def _distinct(space: Space, axes: list[list[Value]]) -> list[Params]:
    """Return every combination once, without its inactive parameters."""
    # those that do not meet the constraints are left out
    units = [param.to_unit(axis) for param, axis in zip(space.params.values(), axes, strict=True)]
    points = np.stack(np.meshgrid(*units, indexing="ij"), axis=-1).reshape(-1, len(axes))
    settings = {}
    met = space.feasible(points)
    every = (values for values, holds in zip(product(*axes), met, strict=True) if holds)
    for values, active in zip(every, space.decode_many(points[met]), strict=True):
        setting = {name: value for name, value in zip(space.names, values, strict=True) if name in active}
        settings[tuple(setting.items())] = Params(setting)
    return list(settings.values())


def _keys(points: NDArray[np.float64]) -> list[bytes]:
    """Return a key of each point, (n, d); points that differ only where both are inactive have the same."""
    # rounded, since a value that has been through a store or a scale may be an ulp off
    rounded = np.ascontiguousarray(np.round(np.nan_to_num(points, nan=-1.0), 9) + 0.0)
    keys: list[bytes] = rounded.view(f"V{rounded.itemsize * rounded.shape[1]}").ravel().tolist()
    return keys
