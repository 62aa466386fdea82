"""The watcher that an optimizer's step belongs to, by one pair of hooks, put into PyTorch once and left there.

PyTorch calls hooks while it iterates over the table that holds them, so a hook that comes or goes during any step of an
optimizer (a watcher is collected as garbage, a trial begins in another thread) would break that training.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook


class StepListener(Protocol):
    """A listener to optimizers' steps."""

    def moves(self, optimizer: Any) -> bool:
        """Return True if the optimizer's step is one of this model's."""

    def before_step(self, optimizer: Any) -> None:
        """Prepare for a step that the model's optimizer is about to take."""

    def after_step(self, optimizer: Any) -> None:
        """Finish with the step that it has taken."""


_listeners: tuple[weakref.ref[StepListener], ...] = ()
"""Never changed, only replaced: a step in another thread may be reading it."""
_lock = threading.Lock()


def add_listener(listener: StepListener) -> None:
    """Notify a listener of every optimizer's step from now on, while somebody else holds it."""
    _replace(lambda others: (*others, weakref.ref(listener)))


def remove_listener(listener: StepListener) -> None:
    """Notify a listener no more; it need not have been added."""
    _replace(lambda others: tuple(one for one in others if one() is not listener))


def _replace(change: Callable[[tuple[weakref.ref[StepListener], ...]], tuple[weakref.ref[StepListener], ...]]) -> None:
    global _listeners  # noqa: PLW0603  PyTorch's hooks are of the process too
    with _lock:
        _hook_in()
        _listeners = change(tuple(one for one in _listeners if one() is not None))


@cache
def _hook_in() -> None:
    register_optimizer_step_pre_hook(_before)
    register_optimizer_step_post_hook(_after)


def _before(optimizer: Any, *_: object) -> None:
    for one in _listeners:
        listener = one()
        if listener is not None and listener.moves(optimizer):
            listener.before_step(optimizer)


def _after(optimizer: Any, *_: object) -> None:
    for one in _listeners:
        listener = one()
        if listener is not None and listener.moves(optimizer):
            listener.after_step(optimizer)
