"""The execution of a study's trials: how many at a time, where, what each may use, and how often it is tried again."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tunewell.errors import MissingExtra, SettingError
from tunewell.samplers.construction import check_whole
from tunewell.study.budget import Budget

if TYPE_CHECKING:
    from tunewell.runners.deadline import Deadline

KEPT_TRIALS = 64
"""Paused trials that a worker keeps in memory by default."""
RETRY_ON = ("OSError", "WorkerDied")
"""What another try may mend: files and networks that fail (`ConnectionError` and others are an `OSError`), and a
worker process that dies."""


@dataclass(frozen=True, slots=True)
class Ray:
    """A cluster of Ray's, and what a trial gets of it.

    Example:
        >>> tw.Ray(address="auto", gpus=0.5)  # of `tune(..., ray=...)`
        Ray(address='auto', cpus=1.0, gpus=0.5)
    """

    address: str | None = None
    """Of the cluster; None: the one that `RAY_ADDRESS` names, or that runs on this machine, or else a new one of its
    cores."""
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        """Check that a node can have it. Raises SettingError."""
        for name in ("cpus", "gpus"):
            amount = getattr(self, name)
            if not 0 <= amount < math.inf:
                raise SettingError(f"{name} of a trial must be a number, 0 or above, got {amount!r}")


_SIZES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def size(text: str | float, setting: str) -> int:
    """Return the bytes of `8GB`, `512MiB` or a number.

    Raises:
        SettingError: it is neither, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([kmgt]?)(?:i?b)?", str(text).strip().lower())
    if found is None or not float(found[1]):
        raise SettingError(f"{setting} must be an amount of memory, such as 8GB or 512MB, got {text!r}")
    return int(float(found[1]) * _SIZES[found[2]])


def seconds(text: str | float, setting: str) -> float:
    """Return the seconds of `90s`, `10m`, `2h` or a number.

    Raises:
        SettingError: it is neither, or not above 0.
    """
    with suppress(SettingError):
        budget = Budget.parse(f"{text}s" if re.fullmatch(r"[\d.]+", str(text)) else text)
        if budget.unit == "seconds":
            return budget.amount
    raise SettingError(f"{setting} must be a time, such as 90s, 10m or 2h, got {text!r}")


@dataclass(frozen=True, slots=True)
class Execution:
    """The execution of a study's trials, as `tune` explains it: how many at a time, where, and within which limits."""

    workers: int = 1
    threads: bool = False
    isolate: bool | None = None
    """Each trial has a process to itself; None: if it seems to log by what a process has once."""
    keep: int = KEPT_TRIALS
    checkpoint_every: int = 0
    memory: int | None = None
    """Bytes for all workers, with the paused trials that they keep."""
    gpus: Sequence[str] = ()
    """CUDA devices, as `CUDA_VISIBLE_DEVICES` names them; workers get one each, in turn."""
    trial_timeout: float | None = None
    """Seconds that a trial may train in all, in each of its tries."""
    trial_memory: int | None = None
    """Bytes that a trial may add to its worker."""
    retries: int = 0
    retry_on: Sequence[str] = RETRY_ON
    ray: Ray | None = None
    deadline: Deadline | None = None
    """When the last trainings end, whatever is left of the budget."""
    seeds_to_confirm: int = 0
    """So many trainings of each of the best settings come after these, and the deadline is theirs."""

    def __post_init__(self) -> None:
        """Check that all of it can be used. Raises SettingError."""
        check_whole("workers", self.workers, at_least=1)
        check_whole("keep", self.keep, at_least=0)
        check_whole("checkpoint_every", self.checkpoint_every, at_least=0)
        check_whole("retries", self.retries, at_least=0)
        for name in ("memory", "trial_timeout", "trial_memory"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise SettingError(f"{name} must be above 0, got {limit!r}")
        if self.threads:
            for name in ("memory", "gpus", "trial_timeout", "trial_memory", "ray"):
                if getattr(self, name):
                    raise SettingError(f"threads of one process cannot be held to {name}; leave threads out")
        if self.ray is not None:
            for name, mend in (("gpus", "Ray(gpus=...)"), ("memory", "keep"), ("trial_memory", "Ray's own limits")):
                if getattr(self, name):
                    raise SettingError(f"{name} is for workers of this machine; with Ray, use {mend}")

    def check_installed(self) -> None:
        """Check that what the trials are trained with is installed, before a study is begun. Raises MissingExtra."""
        if self.ray is not None and find_spec("ray") is None:
            raise MissingExtra("ray", "ray", "training on a cluster of Ray's")

    @property
    def needs_processes(self) -> bool:
        """True if only processes of their own can be held to some of it."""
        return self.workers > 1 or any((self.memory, self.gpus, self.trial_timeout, self.trial_memory))
