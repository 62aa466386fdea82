"""Commands to a trial that trains or rests, as plain values.

    study.steer(3, Set("learning_rate", 0.003), why="the loss has stopped falling")

A `Command` is one of these with whom it is for, who sent it and, once a process has taken it up, what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from tunewell.errors import SettingError
from tunewell.near_names import perhaps
from tunewell.space.values import Value


@dataclass(frozen=True, slots=True)
class Set:
    """Give a live parameter another value, from the next epoch on."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause the trial, until a `Resume`."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Let a trial go on that was paused by `Pause`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the trial."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Write a checkpoint, and keep it."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """End the trial, and go on as it was after an earlier epoch."""

    epoch: int
    """0: from its seed."""
    params: Mapping[str, Value] = field(default_factory=dict)
    """Values that are to differ from then on."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Begin another trial that goes on as this one was after an epoch."""

    epoch: int | None = None
    """None: the one at which the command is taken up."""
    params: Mapping[str, Value] = field(default_factory=dict)
    """Values that are to differ from then on."""
    epochs: int | None = None
    """How long it is to train, if it is a twin: one without a change, which shows what the change does."""


@dataclass(frozen=True, slots=True)
class Note:
    """Keep a text with the trial."""

    text: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Give the trial a tag, by which it is found again."""

    name: str


@dataclass(frozen=True, slots=True)
class Untag:
    """Take a tag from the trial."""

    name: str


Action = Set | Pause | Resume | Stop | Rewind | Branch | Note | Tag | Untag | Checkpoint
Remark = Note | Tag | Untag
"""The actions that change nothing of a training: whoever sends one has done it."""

ACTIONS: Mapping[str, type[Action]] = {
    "pause": Pause,
    "resume": Resume,
    "stop": Stop,
    "set": Set,
    "rewind": Rewind,
    "branch": Branch,
    "note": Note,
    "tag": Tag,
    "untag": Untag,
    "checkpoint": Checkpoint,
}
"""Every action by the name that it has on the command line and on record."""


def made(kind: str, given: Mapping[str, Any]) -> Action:
    """Return the action of that name, from what somebody gave for it.

    given: the action's fields by name; None, and params with nothing in them, are none.

    Raises:
        SettingError: there is no such action, it needs a field that is not given, or has none of that name.
    """
    if kind not in ACTIONS:
        raise SettingError(f"there is no command {kind[:40]!r}{perhaps(kind, ACTIONS)}; there are {', '.join(ACTIONS)}")
    made_of = fields(ACTIONS[kind])
    known = {name: value for name, value in given.items() if value is not None and value != {}}
    if needless := [name for name in known if name not in {one.name for one in made_of}]:
        takes = ", ".join(one.name for one in made_of) or "nothing"
        raise SettingError(f"{kind} takes {takes}, and no {needless[0]}")
    needed = [one.name for one in made_of if one.default is MISSING and one.default_factory is MISSING]
    if missing := [name for name in needed if name not in known]:
        raise SettingError(f"{kind} needs {' and '.join(missing)}")
    return ACTIONS[kind](**known)


KINDS: Mapping[type[Action], str] = {action: name for name, action in ACTIONS.items()}
"""The name of every action, by its class."""


@dataclass(frozen=True, slots=True)
class Command:
    """An action that somebody wants of a trial; the process that runs the study takes it up at the next epoch."""

    trial: int
    action: Action
    at: float
    by: str = "user"
    """Who, or which rule."""
    why: str = ""
    taken_at: float | None = None
    """When it was taken up; None while it waits."""
    epoch: int | None = None
    """After this epoch of the trial."""
    refused: str | None = None
    """Why nothing was done."""
    before: Value | None = None
    """The value that a `Set` replaced."""
    branch: int | None = None
    """The trial that a `Branch` or a `Rewind` began."""
    id: int = 0
    """Its key in the store; the store gives it. Commands are taken up in this order."""

    @property
    def kind(self) -> str:
        """The action by name: `set`, say."""
        return KINDS[type(self.action)]

    @property
    def is_done(self) -> bool:
        """True if it was taken up and not refused."""
        return self.taken_at is not None and self.refused is None

    @property
    def is_for_ended_trials(self) -> bool:
        """True if it may also be sent to a trial that has ended."""
        return isinstance(self.action, Branch | Remark)
