"""Which watcher an optimizer's step belongs to: one pair of hooks, put into PyTorch once and left there.

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


class Steps(Protocol):
    """What is told of steps."""

    def moves(self, optimizer: Any) -> bool:
        """Whether the optimizer's step is one of this model's."""

    def before_step(self) -> None:
        """The model's optimizer is about to take a step."""

    def after_step(self) -> None:
        """It has taken it."""


_told: tuple[weakref.ref[Steps], ...] = ()  # never changed, only replaced: a step in another thread may be reading it
_changing = threading.Lock()


def tell(steps: Steps) -> None:
    """From now on, of every optimizer's step, while somebody else holds it."""
    _replace(lambda others: (*others, weakref.ref(steps)))


def tell_no_more(steps: Steps) -> None:
    """It need not be told before."""
    _replace(lambda others: tuple(one for one in others if one() is not steps))


def _replace(change: Callable[[tuple[weakref.ref[Steps], ...]], tuple[weakref.ref[Steps], ...]]) -> None:
    global _told  # noqa: PLW0603  PyTorch's hooks are of the process too
    with _changing:
        _hook_in()
        _told = change(tuple(one for one in _told if one() is not None))


@cache
def _hook_in() -> None:
    register_optimizer_step_pre_hook(_before)
    register_optimizer_step_post_hook(_after)


def _before(optimizer: Any, *_: object) -> None:
    for one in _told:
        steps = one()
        if steps is not None and steps.moves(optimizer):
            steps.before_step()


def _after(optimizer: Any, *_: object) -> None:
    for one in _told:
        steps = one()
        if steps is not None and steps.moves(optimizer):
            steps.after_step()
