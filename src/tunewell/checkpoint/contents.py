"""What a checkpoint has of a training, in words, and what it lacks: the stateful things that nobody tracks."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tunewell.checkpoint import keras_models, pytorch
from tunewell.checkpoint.access import access

_MOST = 20_000
"""Objects that are looked through."""


def kind_of(value: Any) -> str | None:
    """`weights`, `optimizer`, `schedule`, `generator`, or `state` of another kind; None if it has none of its own."""
    torch = pytorch.torch()
    if isinstance(value, np.random.Generator | np.random.RandomState | random.Random) or pytorch.is_generator(value):
        return "generator"
    if torch is not None and isinstance(value, torch.nn.Module):
        return _weights(value.state_dict())
    if torch is not None and isinstance(value, torch.optim.Optimizer):
        return "optimizer"
    if torch is not None and isinstance(value, torch.optim.lr_scheduler.LRScheduler):
        return "schedule"
    if keras_models.is_keras(value):
        return "weights" if hasattr(value, "weights") else "optimizer"
    return None if access(value) is None else "state"


def untracked(seen: Mapping[str, object], tracked: Iterable[object]) -> dict[str, str]:
    """By name, the kinds of what has a state and is no part of what is tracked."""
    inside = _inside(tracked)
    found = {name: kind_of(value) for name, value in seen.items() if id(value) not in inside}
    return {name: kind for name, kind in found.items() if kind is not None}


def _weights(state: Mapping[str, object]) -> str | None:
    if not state:
        return None  # a loss, an activation
    return "weights, batch-norm statistics" if any(name.endswith("running_mean") for name in state) else "weights"


def _inside(roots: Iterable[object]) -> set[int]:
    """The identities of these objects and of what they are made of."""
    found: set[int] = set()
    waiting = list(roots)
    while waiting and len(found) < _MOST:
        value = waiting.pop()
        if id(value) in found:
            continue
        found.add(id(value))
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple | set):
            waiting.extend(value)
        elif access(value) is None:
            waiting.extend(getattr(value, "__dict__", {}).values())
        else:
            waiting.extend(_parts(value))
    return found


def _parts(value: Any) -> Iterable[object]:
    """What an object's own state has in it; a schedule of PyTorch, say, knows its optimizer and does not save it."""
    torch = pytorch.torch()
    if torch is not None and isinstance(value, torch.nn.Module):
        return list(value.modules())
    if keras_models.is_keras(value):
        return [*getattr(value, "layers", ()), getattr(value, "optimizer", None)]
    return ()
