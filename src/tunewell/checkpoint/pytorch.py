"""PyTorch's tensors and random states, if PyTorch is imported already; it is imported only to restore a tensor.

A tensor is kept as bytes, because NumPy does not know all of its types (bfloat16).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import numpy as np
from numpy.typing import NDArray

from tunewell.checkpoint.tree import TensorState
from tunewell.errors import CheckpointError, MissingExtra

_GRADIENTS = "tunewell.gradients"
_steps: MutableMapping[Any, tuple[ReferenceType[Any], int] | None] = WeakKeyDictionary()
"""By optimizer, which gradient it had, and how often changed, when it stepped last."""


def torch() -> Any:
    """Return the module if it is imported already, else None."""
    return sys.modules.get("torch")


def is_tensor(value: object) -> bool:
    """Return True if it is a tensor of PyTorch."""
    return torch() is not None and isinstance(value, torch().Tensor)


def is_generator(value: object) -> bool:
    """Return True if it is a random generator of PyTorch."""
    return torch() is not None and isinstance(value, torch().Generator)


def copied_tensor(tensor: Any, path: str) -> TensorState:
    """Copy a tensor's numbers from any device.

    Raises:
        CheckpointError: it is sparse, quantized, has no numbers yet, ...
    """
    try:
        flat = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
        content = flat.view(torch().uint8).numpy().copy()
    except (NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is a tensor that cannot be copied: {_line(error)}") from error
    return TensorState(content, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape))


def as_tensor(saved: TensorState, path: str) -> Any:
    """Return a tensor with the same numbers, in the memory of the CPU.

    Raises:
        CheckpointError: there is no such tensor.
        MissingExtra: PyTorch is not installed.
    """
    try:
        loaded = importlib.import_module("torch")
    except ImportError as error:
        raise MissingExtra("torch", "torch", f"to restore the PyTorch tensor {path}") from error
    try:
        return loaded.from_numpy(saved.content.copy()).view(getattr(loaded, saved.dtype)).reshape(saved.shape)
    except (AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be made a tensor of {saved.dtype}: {_line(error)}") from error


def is_optimizer(value: object) -> bool:
    """Return True if it is an optimizer of PyTorch."""
    return torch() is not None and isinstance(value, torch().optim.Optimizer)


def inmost(value: Any, name: str, kind: type) -> Any:
    """Return what a wrapper, such as Accelerate's, has inside: as long as its attribute is of this kind."""
    while isinstance(inside := getattr(value, name, None), kind):
        value = inside
    return value


def optimizer_state(optimizer: Any) -> dict[str, Any]:
    """Return an optimizer's state, with the gradients that were gathered since its last step, if any were."""
    inner = inmost(optimizer, "optimizer", torch().optim.Optimizer)
    if inner not in _steps:
        inner.register_step_post_hook(_note_step)
        _steps[inner] = None
    state: dict[str, Any] = optimizer.state_dict()
    if _has_used(inner):
        return state
    gradients = [None if one.grad is None or one.grad.is_sparse else one.grad for one in _parameters(inner)]
    return {**state, _GRADIENTS: gradients} if any(one is not None and one.any() for one in gradients) else state


def set_optimizer_state(optimizer: Any, state: dict[str, Any]) -> None:
    """Restore an optimizer's state, and the gradients that it was to step with."""
    gradients = state.get(_GRADIENTS, ())
    optimizer.load_state_dict({name: value for name, value in state.items() if name != _GRADIENTS})
    for parameter, gradient in zip(_parameters(optimizer), gradients, strict=False):
        parameter.grad = None if gradient is None else gradient.to(parameter.device)


def _note_step(optimizer: Any, *_: object) -> None:
    gradient = _first_gradient(optimizer)
    _steps[optimizer] = None if gradient is None else (ref(gradient), gradient._version)  # noqa: SLF001  it is documented


def _has_used(optimizer: Any) -> bool:
    """Return True if its gradients are those that it stepped with last: a look at one of them is quick."""
    gradient: Any = _first_gradient(optimizer)
    if gradient is None:
        return True
    last = _steps[optimizer]
    return last is not None and last[1] == gradient._version and last[0]() is gradient  # noqa: SLF001  as above


def _first_gradient(optimizer: Any) -> Any:
    return next((one.grad for one in _parameters(optimizer) if one.grad is not None), None)


def _parameters(optimizer: Any) -> Iterator[Any]:
    for group in optimizer.param_groups:
        yield from group["params"]


def random_state(generator: Any) -> NDArray[np.uint8]:
    """Return a generator's state as bytes."""
    state: NDArray[np.uint8] = generator.get_state().cpu().numpy().copy()
    return state


def set_random_state(generator: Any, state: NDArray[np.uint8]) -> None:
    """Restore a generator's state."""
    generator.set_state(torch().from_numpy(state.copy()))


def random_states() -> list[NDArray[np.uint8]]:
    """Return the states of the CPU and of the GPUs that are in use; none if PyTorch is not loaded."""
    return [random_state(generator) for generator in _default_generators()]


def set_random_states(states: list[NDArray[np.uint8]]) -> None:
    """Restore the states, of as many devices as there are."""
    for generator, state in zip(_default_generators(), states, strict=False):
        set_random_state(generator, state)


def seed(number: int) -> None:
    """Seed all devices, those that are not in use yet as soon as they are."""
    if torch() is not None:
        torch().manual_seed(number)


def _default_generators() -> list[Any]:
    if torch() is None:
        return []
    cuda = torch().cuda
    return [torch().default_generator, *(cuda.default_generators if cuda.is_initialized() else ())]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
