"""The contents of a checkpoint in words, and what it lacks: stateful objects that are not tracked."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tunewell.checkpoint import keras_models, pytorch
from tunewell.checkpoint.access import access

_MOST = 20_000
"""The number of objects that are searched."""


def kind_of(value: Any) -> str | None:
    """Return `weights`, `optimizer`, `schedule`, `generator` or, for any other state, `state`; None if it has none."""
    torch = pytorch.torch()
    if isinstance(value, np.random.Generator | np.random.RandomState | random.Random) or pytorch.is_generator(value):
        return "generator"
    if keras_models.is_keras(value):  # before PyTorch, whose modules Keras's may be
        return "weights" if hasattr(value, "weights") else "optimizer"
    if torch is not None and isinstance(value, torch.nn.Module):
        return _weights(value.state_dict())
    if torch is not None and isinstance(value, torch.optim.Optimizer):
        return "optimizer"
    if torch is not None and isinstance(value, torch.optim.lr_scheduler.LRScheduler):
        return "schedule"
    return None if access(value) is None else "state"


def untracked(seen: Mapping[str, object], tracked: Iterable[object]) -> dict[str, str]:
    """Return, by name, the kinds of those objects that have a state and are no part of what is tracked."""
    inside = _inside(tracked)
    found = {name: kind_of(value) for name, value in seen.items() if id(value) not in inside}
    return {name: kind for name, kind in found.items() if kind is not None}


def _weights(state: Mapping[str, object]) -> str | None:
    if not state:
        return None  # a loss, an activation
    return "weights, batch-norm statistics" if any(name.endswith("running_mean") for name in state) else "weights"


def _inside(roots: Iterable[object]) -> set[int]:
    """Return the identities of these objects and of what they are made of."""
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
    """Return what an object's own state includes; a schedule of PyTorch, say, does not save its optimizer."""
    if keras_models.is_keras(value):
        return [*getattr(value, "layers", ()), getattr(value, "optimizer", None)]
    torch = pytorch.torch()
    if torch is not None and isinstance(value, torch.nn.Module):
        return list(value.modules())
    return ()
