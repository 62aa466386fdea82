"""PyTorch's data loaders, and those that Accelerate prepares: what the order of their next epoch comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewell.checkpoint.pytorch import is_generator, random_state, set_random_state, torch

_INSIDE = ("base_dataloader", "batch_sampler", "sampler")
_NUMBERS = ("iteration", "epoch", "initial_seed")
_GENERATORS = ("generator", "synchronized_generator")


def is_loader(value: object) -> bool:
    """Return True if it is a data loader that has no state of its own: one of torchdata's has."""
    # the class that Accelerate prepares has state_dict, which works if what it wraps has one too
    inner = getattr(value, "base_dataloader", value)
    return torch() is not None and isinstance(inner, torch().utils.data.DataLoader) and not hasattr(inner, "state_dict")


def take(loader: Any) -> list[dict[str, Any]]:
    """Return for the loader and each sampler in it which epoch is next, its seed, and its generators' states."""
    return [
        {name: getattr(part, name) for name in _NUMBERS if isinstance(getattr(part, name, None), int)}
        | {name: random_state(generator) for name, generator in _generators(part)}
        for part in _parts(loader)
    ]


def put(loader: Any, state: list[dict[str, Any]]) -> None:
    """Restore what `take` returned."""
    for part, saved in zip(_parts(loader), state, strict=True):
        for name in saved.keys() & set(_NUMBERS):
            setattr(part, name, saved[name])
        for name in saved.keys() & set(_GENERATORS):
            generator = getattr(part, name)
            if generator is None:  # a sampler of Accelerate's makes its own in its first epoch
                generator = part.generator = torch().Generator()
            set_random_state(generator, saved[name])


def _generators(part: Any) -> Iterator[tuple[str, Any]]:
    for name in _GENERATORS:
        if is_generator(generator := getattr(part, name, None)):
            yield name, generator


def _parts(loader: Any) -> list[Any]:
    """Return the loader and what it holds that has a say in the order, each once."""
    found: list[Any] = []
    ahead = [loader]
    while ahead:
        part = ahead.pop(0)
        if part is not None and not any(part is one for one in found):
            found.append(part)
            ahead += [getattr(part, name, None) for name in _INSIDE]
    return found
