"""The state that a process has once, which trials that take turns in it would change for each other.

What a trial has changed of it is taken back when the trial pauses or ends, and done again when it goes on: the working
folder, the environment, loggers' handlers and levels, warnings' filters, where output goes, figures, and PyTorch's
default type. Random states are `checkpoint`'s. Anything else is the process's own: that takes a process for each trial.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

Key = tuple[str, str]
"""A kind of state, and which one of its kind."""
_MISSING = object()


@dataclass(frozen=True, slots=True)
class ProcessState:
    """The state at some moment, or what a trial has changed of it."""

    values: Mapping[Key, Any]

    @classmethod
    def here(cls) -> Self:
        """Return all of it."""
        return cls({(kind, name): value for kind, part in _PARTS.items() for name, value in part.read().items()})

    def since(self, before: ProcessState) -> ProcessState:
        """Return what is not as it was."""
        keys = self.values.keys() | before.values.keys()
        pairs = {key: (self.values.get(key, _MISSING), before.values.get(key, _MISSING)) for key in keys}
        return ProcessState({key: now for key, (now, then) in pairs.items() if now is not then and now != then})

    def restore(self) -> None:
        """Make the process as it was when this was all of it."""
        self.since(self.here()).put_in_force()

    def put_in_force(self) -> None:
        """Make the process as it says; what it says nothing of stays."""
        for (kind, name), value in self.values.items():
            with suppress(OSError, ValueError):  # the folder may be gone
                _PARTS[kind].write(name, value)


@dataclass(frozen=True, slots=True)
class _Part:
    """A kind of state."""

    read: Callable[[], Mapping[str, Any]]
    write: Callable[[str, Any], object]
    """Is given `_MISSING` for what there was not."""


def _folder() -> dict[str, Path]:
    with suppress(OSError):  # it has been removed
        return {"": Path.cwd()}
    return {}


def _change_folder(_: str, folder: Any) -> None:
    if folder is not _MISSING:
        os.chdir(folder)


def _set_variable(name: str, value: Any) -> None:
    if value is _MISSING:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


_OF_SYS = ("argv", "stderr", "stdout")


def _of_sys() -> dict[str, Any]:
    return {name: getattr(sys, name) for name in _OF_SYS}


def _set_of_sys(name: str, value: Any) -> None:
    setattr(sys, name, value)


_SHOWING = ("showwarning", "_showwarnmsg_impl")
"""What `catch_warnings` replaces, besides the filters."""


def _warnings() -> dict[str, Any]:
    showing = {name: getattr(warnings, name) for name in _SHOWING if hasattr(warnings, name)}
    return {"filters": (warnings.filters, tuple(warnings.filters)), **showing}


def _set_warnings(name: str, value: Any) -> None:
    if name in _SHOWING:
        setattr(warnings, name, value)
        return
    filters, contents = value
    warnings.filters = filters  # `catch_warnings` knows its list by identity
    warnings.resetwarnings()  # which also makes Python look at the filters anew
    filters[:] = contents


def _loggers() -> dict[str, Any]:
    """Return what differs from a new logger's, by the name of the logger; "" is the root."""
    found = {name: one for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)}
    states = {name: _logger_state(one) for name, one in {**found, "": logging.root}.items()}
    return {name: state for name, state in states.items() if state != _NEW_LOGGER}


def _logger_state(logger: logging.Logger) -> tuple[Any, ...]:
    # a handler that does nothing is a library's, set once when it is imported
    handlers = tuple(one for one in logger.handlers if not isinstance(one, logging.NullHandler))
    return handlers, logger.level, logger.propagate, logger.disabled


_NEW_LOGGER: tuple[Any, ...] = ((), logging.NOTSET, True, False)


def _set_logger(name: str, state: Any) -> None:
    logger = logging.getLogger(name) if name else logging.root
    handlers, level, logger.propagate, logger.disabled = _NEW_LOGGER if state is _MISSING else state
    logger.handlers[:] = [*handlers, *(one for one in logger.handlers if isinstance(one, logging.NullHandler))]
    logger.setLevel(level)


def _figures() -> dict[str, Any]:
    pyplot: Any = sys.modules.get("matplotlib._pylab_helpers")
    return {} if pyplot is None or not pyplot.Gcf.figs else {"": tuple(pyplot.Gcf.figs.items())}


def _set_figures(_: str, figures: Any) -> None:
    open_figures = sys.modules["matplotlib._pylab_helpers"].Gcf.figs
    open_figures.clear()
    open_figures.update(() if figures is _MISSING else figures)


def _torch() -> dict[str, Any]:
    torch: Any = sys.modules.get("torch")
    dtype = torch.get_default_dtype() if hasattr(torch, "get_default_dtype") else None
    return {} if dtype is None or dtype is torch.float32 else {"dtype": dtype}


def _set_torch(_: str, dtype: Any) -> None:
    torch: Any = sys.modules["torch"]
    torch.set_default_dtype(torch.float32 if dtype is _MISSING else dtype)


_PARTS: Mapping[str, _Part] = {
    "environment": _Part(lambda: dict(os.environ), _set_variable),
    "figures": _Part(_figures, _set_figures),
    "folder": _Part(_folder, _change_folder),
    "loggers": _Part(_loggers, _set_logger),
    "sys": _Part(_of_sys, _set_of_sys),
    "torch": _Part(_torch, _set_torch),
    "warnings": _Part(_warnings, _set_warnings),
}
