"""The settings that libraries keep for each thread, carried from the thread that tunes to those that train.

A trial runs in a thread, or a process, of its own, and must train as it would where it was written. Context variables
come along by `contextvars.copy_context`; here is what is kept in other ways, or in objects that copies would share.
What somebody's own `threading.local` holds cannot be read, and stays behind.
"""

from __future__ import annotations

import decimal
import importlib
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

_AUTOCAST_DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True)
class ThreadSettings:
    """The settings of one thread, in plain values, which can be sent to another process."""

    numpy_errors: Any
    numpy_error_call: Any
    decimal: decimal.Context
    torch: TorchSettings | None
    keras: KerasSettings | None

    @classmethod
    def here(cls) -> ThreadSettings:
        """Return those of the calling thread; of PyTorch and Keras if they are loaded."""
        torch: Any = sys.modules.get("torch")
        keras: Any = sys.modules.get("keras")
        return cls(
            numpy_errors=np.geterr(),
            numpy_error_call=np.geterrcall(),
            decimal=decimal.getcontext().copy(),
            torch=TorchSettings.of(torch) if hasattr(torch, "is_inference_mode_enabled") else None,
            # its versions before 3 keep them for the process
            keras=KerasSettings.of(keras.config) if hasattr(getattr(keras, "config", None), "dtype_policy") else None,
        )

    def for_process(self, *, other_devices: bool) -> ThreadSettings:
        """Return what of them is sent to a process of its own.

        other_devices: the process sees other GPUs than this one, so that their numbers mean nothing there.
        """
        torch = self.torch
        if torch is not None and other_devices:
            torch = replace(torch, device=torch.device.partition(":")[0], cuda_device=None)
        return replace(self, numpy_error_call=None, torch=torch)  # a function of the user's, which may not be sent

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Put them in force in the calling thread, which leaves them behind when it ends."""
        np.seterr(**self.numpy_errors)
        if self.numpy_error_call is not None:
            np.seterrcall(self.numpy_error_call)
        decimal.setcontext(self.decimal.copy())
        with ExitStack() as stack:
            if self.torch is not None:
                stack.enter_context(self.torch.in_force())
            if self.keras is not None:
                self.keras.put_in_force()
            yield


@dataclass(frozen=True, slots=True)
class TorchSettings:
    """The settings of PyTorch: where and as what tensors are made, and whether gradients are."""

    device: str
    dtype: str
    grad: bool
    inference: bool
    autocast: tuple[tuple[str, bool, str], ...]
    """By device: whether it is on, and in which type."""
    autocast_cache: bool
    cuda_device: int | None

    @classmethod
    def of(cls, torch: Any) -> TorchSettings:
        """Return those of the calling thread."""
        autocast = []
        for device in _AUTOCAST_DEVICES:
            with suppress(TypeError, AttributeError):  # as older versions have it
                autocast.append((device, torch.is_autocast_enabled(device), _name(torch.get_autocast_dtype(device))))
        return cls(
            device=str(torch.empty(0).device),
            dtype=_name(torch.get_default_dtype()),
            grad=torch.is_grad_enabled(),
            inference=torch.is_inference_mode_enabled(),
            autocast=tuple(autocast),
            autocast_cache=torch.is_autocast_cache_enabled(),
            cuda_device=torch.cuda.current_device() if torch.cuda.is_initialized() else None,
        )

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Put them in force in the calling thread; what is so already is left alone, since it has a price."""
        torch: Any = importlib.import_module("torch")
        if self.cuda_device is not None and torch.cuda.current_device() != self.cuda_device:
            torch.cuda.set_device(self.cuda_device)
        here = TorchSettings.of(torch)
        if here.device != self.device:
            torch.set_default_device(self.device)
        if here.dtype != self.dtype:
            torch.set_default_dtype(getattr(torch, self.dtype))
        for device, is_on, dtype in self.autocast:
            torch.set_autocast_dtype(device, getattr(torch, dtype))
            torch.set_autocast_enabled(device, is_on)
        torch.set_autocast_cache_enabled(self.autocast_cache)
        with ExitStack() as stack:
            if self.inference != here.inference:
                stack.enter_context(torch.inference_mode(self.inference))
            torch.set_grad_enabled(self.grad)  # last, since inference mode sets it too
            yield


@dataclass(frozen=True, slots=True)
class KerasSettings:
    """The settings of Keras: the precision of layers, and what is shown."""

    policy: str
    interactive_logging: bool
    traceback_filtering: bool

    @classmethod
    def of(cls, config: Any) -> KerasSettings:
        """Return those of the calling thread."""
        return cls(
            config.dtype_policy().name, config.is_interactive_logging_enabled(), config.is_traceback_filtering_enabled()
        )

    def put_in_force(self) -> None:
        """Put them in force in the calling thread."""
        config: Any = importlib.import_module("keras").config
        if config.dtype_policy().name != self.policy:
            config.set_dtype_policy(self.policy)
        (config.enable_interactive_logging if self.interactive_logging else config.disable_interactive_logging)()
        (config.enable_traceback_filtering if self.traceback_filtering else config.disable_traceback_filtering)()


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
