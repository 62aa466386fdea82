"""The training function, as a user hands it over: what cannot train is refused, and what it returns may be a report.

One that calls `run.report` nowhere, as objectives for other tuners do, returns what it measured.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewell.errors import ReportError, SettingError
from tunewell.space.mends import shown
from tunewell.training.run import Run, Train

_DEFERRED = {
    "is a coroutine (async def)": "a call of it trains nothing; write def train(run): asyncio.run(...) around it",
    "is a generator (it yields)": "a call of it trains nothing; call run.report(...) where it yields",
}
_WISH = "train must be a function of one argument, the run: def train(run): ..."


@dataclass(frozen=True, slots=True)
class LongerTrain:
    """A training function whose loop over `run.epochs` has more epochs than it says."""

    train: Train
    epochs: int

    def __call__(self, run: Run) -> object:
        """Train, with a longer loop."""
        run.least_epochs = self.epochs
        return self.train(run)


def check_train(train: object) -> None:
    """Check that it can be called with a run, and that the call trains.

    Raises:
        SettingError: it cannot, or it does not.
    """
    if isinstance(train, type):
        raise SettingError(
            f"{_WISH}; got {shown(train)}; give an instance with a method __call__(self, run), or a method of one, "
            f"such as {train.__name__}().train"
        )
    if not callable(train):
        raise SettingError(f"{_WISH}; got {shown(train)}; the function comes first, then the space")
    function = train if inspect.isroutine(train) or isinstance(train, functools.partial) else train.__call__
    try:
        inspect.signature(function).bind(None)
    except ValueError:
        pass  # one in C, which does not say what it takes
    except TypeError as error:
        raise SettingError(
            f"{_WISH}; {shown(train)} does not take the run alone: {error}; its setting is in run.params, and other "
            "arguments are bound before: functools.partial(train, data=...)"
        ) from None
    kinds = inspect.iscoroutinefunction(function), _yields(function)
    for (what, how), found in zip(_DEFERRED.items(), kinds, strict=True):
        if found:
            raise SettingError(f"{_WISH}; {shown(train)} {what}, and {how}")


def returned_report(returned: Any, metric: str) -> dict[str, Any] | None:
    """Return what a training that reported nothing has measured, by what it returned: a number is the metric.

    Raises:
        ReportError: nothing has been trained, because what it returned would have to be run first.
    """
    kinds = inspect.isawaitable(returned), inspect.isgenerator(returned) or inspect.isasyncgen(returned)
    for (what, how), found in zip(_DEFERRED.items(), kinds, strict=True):
        if found:
            if inspect.iscoroutine(returned):
                returned.close()  # or Python warns that nobody has awaited it
            raise ReportError(f"what the training function returned {what}: {how}")
    if isinstance(returned, Mapping):
        return {str(name): value for name, value in returned.items()} or None
    is_number = hasattr(returned, "__float__") and not isinstance(returned, bool | np.bool_)
    return {metric: returned} if is_number else None


def _yields(function: object) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
