"""The ranks of a training that several processes of PyTorch share: rank 0 alone speaks with the tuner.

What it hears, the others hear of it, so all of them wait, go on and end together. A checkpoint holds what rank 0
tracks, which is the same on all ranks, and the randomness of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import torch.distributed as dist

from tunewell import checkpoint
from tunewell.errors import CheckpointError
from tunewell.training.run import Channel, Run
from tunewell.training.socket_channel import SocketChannel

_PAUSE = timedelta(days=365)
"""How long a trial may be paused: then the others wait for rank 0."""


def join_ranks(run: Run) -> None:
    """Let a run of a program that trains on several ranks go on and end with the others'.

    Every rank calls it, once its process group is there.
    """
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1 or run.has_begun:
        return
    run.connect(lambda channel: _of_rank(channel, run) if isinstance(channel, SocketChannel) else channel)


def _of_rank(channel: SocketChannel, run: Run) -> Channel:
    group = dist.new_group(backend="gloo", timeout=_PAUSE)  # what is sent is no tensor, and may take a while
    if dist.get_rank():
        return FollowerChannel(group, run, channel.values)
    return LeaderChannel(group, run, channel)


class _Ranks:
    """The states of the other ranks' runs: one more object that is tracked."""

    def __init__(self) -> None:
        self.states: list[Any] = []

    def state_dict(self) -> dict[str, Any]:
        return {"states": self.states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.states = state["states"]


class LeaderChannel:
    """The channel of rank 0: that to the tuner, of which the others hear too."""

    def __init__(self, group: Any, run: Run, channel: SocketChannel) -> None:
        """Reach the tuner through `channel`."""
        self._group, self._run, self._channel = group, run, channel
        self._ranks = _Ranks()

    def begin(self, run: Run, n_epochs: int | None) -> int:
        """Implement `Channel.begin`."""
        tracked = dict(run.tracked)
        if tracked:
            run.track(ranks=self._ranks)
        self._gather()
        done = self._channel.begin(run, n_epochs)
        tree = checkpoint.capture(tracked) if done else {}
        _broadcast(self._group, {"done": done, "tree": tree, "states": self._ranks.states})
        return done

    def may_train(self, epoch: int) -> bool:
        """Implement `Channel.may_train`."""
        self._gather()
        go = self._channel.may_train(epoch)
        _broadcast(self._group, {"go": go, "params": dict(self._channel.values)})
        return go

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Implement `Channel.report`."""
        self._channel.report(epoch, metrics)

    def end(self) -> None:
        """Implement `Channel.end`."""
        self._gather()
        self._channel.end()

    def _gather(self) -> None:
        states: list[Any] = [None] * dist.get_world_size()
        dist.gather_object(None, states, dst=0, group=self._group)
        self._ranks.states = states[1:]


class FollowerChannel:
    """The channel of another rank, to rank 0."""

    def __init__(self, group: Any, run: Run, values: dict[str, Any]) -> None:
        """Follow rank 0; `values`: those of the run's parameters, which are changed as they are set."""
        self._group, self._run, self._values = group, run, values

    def begin(self, run: Run, n_epochs: int | None) -> int:  # noqa: ARG002  as Channel has it
        """Implement `Channel.begin`."""
        self._send_state()
        heard = _broadcast(self._group)
        if heard["done"]:
            checkpoint.refill(run.tracked, heard["tree"])
            states = heard["states"]
            if dist.get_rank() > len(states):
                raise CheckpointError(f"the checkpoint is of {len(states) + 1} ranks; train with as many")
            run.state.load_state_dict(states[dist.get_rank() - 1])
        return int(heard["done"])

    def may_train(self, epoch: int) -> bool:  # noqa: ARG002  as Channel has it
        """Implement `Channel.may_train`."""
        self._send_state()
        heard = _broadcast(self._group)
        self._values.update(heard["params"])
        return bool(heard["go"])

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Do nothing: rank 0 reports."""

    def end(self) -> None:
        """Implement `Channel.end`."""
        self._send_state()

    def _send_state(self) -> None:
        dist.gather_object(self._run.state.state_dict(), None, dst=0, group=self._group)


def _broadcast(group: Any, message: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the message of rank 0, which alone gives one."""
    messages: list[Any] = [message]
    dist.broadcast_object_list(messages, src=0, group=group)
    heard: dict[str, Any] = messages[0]
    return heard
