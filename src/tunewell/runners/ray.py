"""Workers on a cluster of Ray's: each is an actor, which Ray puts where there is room for it.

The driver stays where it is, with the record; an actor trains, and hands each message over as the answer to a call.
A node that dies takes its actors with it, and Ray puts their successors on another.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any

from tunewell.errors import MissingExtra, SettingError
from tunewell.runners import execution as settings
from tunewell.runners.base import Controller, Observer
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.pool import Message, Pool, WorkerConnection, WorkerGone, WorkerHandle, serve
from tunewell.runners.processes import portable
from tunewell.runners.thread_settings import ThreadSettings
from tunewell.study import Study
from tunewell.training.process_tree import Guard, new_mark
from tunewell.training.run import Train

try:
    import ray
except ImportError:
    raise MissingExtra("ray", "ray", "training on a cluster of Ray's") from None


def run_ray(
    study: Study,
    train: Train,
    execution: Execution,
    observer: Observer | None = None,
    controllers: Sequence[Controller] = (),
) -> bool:
    """Train until the study is over, on a cluster; True, or False if it was interrupted and can be resumed.

    A cluster that is connected already is used as it is; else one is connected to, or begun on this machine.

    Raises:
        SettingError: the training function cannot be sent, or the cluster has nowhere what a trial is to get.
        RepeatedFailure: trials keep failing with one and the same error.
    """
    wanted = execution.ray or settings.Ray()
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(address=wanted.address, logging_level="error", log_to_driver=True, include_dashboard=False)
        except ConnectionError as error:
            raise SettingError(f"there is no Ray cluster at {wanted.address or 'RAY_ADDRESS'}: {error}") from error
    try:
        _check_room(wanted)
        driver = Driver(study, execution, observer, controllers)
        thread_settings = ThreadSettings.here().for_process(other_devices=True)
        pool = Pool(driver, _Cluster(portable(train), execution, wanted, thread_settings), execution)
        try:
            with driver.interruptible():
                pool.run()
        finally:
            pool.close()
    finally:
        study.close()
        if ours:
            ray.shutdown()
    return not driver.interrupted


def _check_room(wanted: settings.Ray) -> None:
    """Check that some node has what a worker is to get."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(node.get("CPU", 0) >= wanted.cpus and node.get("GPU", 0) >= wanted.gpus for node in nodes):
        largest = max(
            (f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes), default="none"
        )
        raise SettingError(
            f"no node of the Ray cluster has {wanted.cpus:g} CPUs and {wanted.gpus:g} GPUs for a trial; "
            f"the largest has {largest}"
        )


@dataclass(frozen=True, slots=True)
class _Cluster:
    """A cluster of Ray's, whose actors are the workers."""

    train: Train | bytes
    execution: Execution
    wanted: settings.Ray
    thread_settings: ThreadSettings

    def open(self, number: int) -> _Actor:
        """Implement `WorkerPlacement.open`."""
        host = ray.remote(num_cpus=self.wanted.cpus, num_gpus=self.wanted.gpus, max_restarts=0)(_Host)
        return _Actor(host.remote(self.train, replace(self.execution, ray=None), self.thread_settings), number)

    def wait(self, handles: Collection[WorkerHandle], timeout_s: float) -> Collection[WorkerHandle]:
        """Implement `WorkerPlacement.wait`."""
        by_call = {handle.call: handle for handle in handles if isinstance(handle, _Actor)}
        ready, _ = ray.wait(list(by_call), num_returns=1, timeout=timeout_s)
        if ready:  # and all others that are by now
            ready, _ = ray.wait(list(by_call), num_returns=len(by_call), timeout=0)
        return [by_call[call] for call in ready]


class _Actor:
    """The driver's end of one actor. Its next message is the answer to the last call."""

    def __init__(self, handle: Any, number: int) -> None:
        self._handle = handle
        self.number = number
        self.call: Any = handle.begin.remote()

    def send(self, message: object) -> None:
        """Implement `WorkerHandle.send`."""
        self.call = self._handle.answer.remote(message)

    def receive(self) -> Message:
        """Implement `WorkerHandle.receive`."""
        try:
            message: Message | None = ray.get(self.call)
        except ray.exceptions.RayError as error:  # its death, its node's, no room for it, or its message is lost
            how = " ".join(str(error).split())
            killed_externally = not isinstance(
                error, ray.exceptions.RayTaskError
            )  # which is what the actor itself raised
            raise WorkerGone(f"died: {how[:500]}", killed_externally=killed_externally) from None
        if message is None:
            raise WorkerGone("ended", killed_externally=False)
        return message

    def memory(self) -> int:
        """Implement `WorkerHandle.memory`: not called, since a limit to it is refused."""
        return 0

    def kill(self) -> None:
        """Implement `WorkerHandle.kill`."""
        ray.kill(self._handle, no_restart=True)

    def close(self, patience_s: float) -> None:
        """Implement `WorkerHandle.close`."""
        with suppress(ray.exceptions.RayError, ValueError):
            ray.wait([self.call], timeout=patience_s)  # the answer to the last call comes when it has ended
            ray.kill(self._handle, no_restart=True)


class _Host:
    """An actor: a worker in a thread, and the two ends of its connection."""

    def __init__(self, train: Train | bytes, execution: Execution, thread_settings: ThreadSettings) -> None:
        if os.name == "posix":
            mark = new_mark()
            # Ray ends an actor and its children, and not all that these have started
            self._guard = Guard(mark, apart=True)
            self._guard.watch(os.getpid())
            os.environ[mark] = "1"
        self._sent: SimpleQueue[Message | None] = SimpleQueue()
        self._received: SimpleQueue[object] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, args=(train, execution, thread_settings), daemon=True)

    def begin(self) -> Message | None:
        """Start the worker, and return its first message."""
        self._thread.start()
        return self._sent.get()

    def answer(self, message: object) -> Message | None:
        """Hand over an assignment, or the answer to its last message, and return its next one."""
        self._received.put(message)
        return self._sent.get()

    def _serve(self, train: Train | bytes, execution: Execution, thread_settings: ThreadSettings) -> None:
        try:
            serve(WorkerConnection(self._sent.put, self._received.get), train, execution, thread_settings)
        finally:
            self._sent.put(None)
