"""Commands as rows: the one place where typed commands become a kind and JSON data, and are read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunewell.commands import ACTIONS, Action, Branch, Command, Note, Rewind, Set, Tag, Untag
from tunewell.errors import StoreError
from tunewell.trial import STEERED, Event


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command as a table keeps it; the fields are its columns."""

    trial: int
    kind: str
    at: float
    by: str
    why: str
    data: Mapping[str, object] = field(default_factory=dict)
    """What the action needs to know, and later what came of it."""
    taken_at: float | None = None
    epoch: int | None = None
    refused: str | None = None
    id: int = 0


def encoded(command: Command) -> CommandRow:
    """Return the command as a row."""
    return CommandRow(
        trial=command.trial,
        kind=command.kind,
        at=command.at,
        by=command.by,
        why=command.why,
        data=data_of(command),
        taken_at=command.taken_at,
        epoch=command.epoch,
        refused=command.refused,
        id=command.id,
    )


def data_of(command: Command) -> dict[str, object]:
    """Return what the row says of the action and of what came of it."""
    came_of_it = {"from": command.before, "branch": command.branch}
    return _data(command.action) | {name: value for name, value in came_of_it.items() if value is not None}


def decoded(row: CommandRow) -> Command:
    """Return the command of a row.

    Raises:
        StoreError: the row is none that tunewell writes.
    """
    try:
        action = _action(row.kind, row.data)
    except (KeyError, TypeError, ValueError):
        raise StoreError(
            f"command {row.id} to trial {row.trial} cannot be read ({row.kind!r} with {dict(row.data)!r}); the record "
            "was tampered with"
        ) from None
    before: Any = row.data.get("from")
    branch: Any = row.data.get("branch")
    return Command(
        trial=row.trial,
        action=action,
        at=row.at,
        by=row.by,
        why=row.why,
        taken_at=row.taken_at,
        epoch=row.epoch,
        refused=row.refused,
        before=before,
        branch=None if branch is None else int(branch),
        id=row.id,
    )


def _data(action: Action) -> dict[str, object]:
    match action:
        case Set():
            return {"name": action.name, "value": action.value}
        case Note():
            return {"text": action.text}
        case Tag() | Untag():
            return {"tag": action.name}
        case Rewind():
            return {"epoch": action.epoch, "setting": dict(action.params)}
        case Branch():
            found: dict[str, object] = {} if action.epoch is None else {"epoch": action.epoch}
            if action.epochs is not None:
                found["epochs"] = action.epochs
            return found | {"setting": dict(action.params)}
        case _:
            return {}


def _action(kind: str, data: Mapping[str, Any]) -> Action:
    match kind:
        case "set":
            return Set(str(data["name"]), data["value"])
        case "note":
            return Note(str(data["text"]))
        case "tag":
            return Tag(str(data["tag"]))
        case "untag":
            return Untag(str(data["tag"]))
        case "rewind":
            return Rewind(int(data["epoch"]), dict(data.get("setting") or {}))
        case "branch":
            epoch, epochs = data.get("epoch"), data.get("epochs")
            return Branch(
                None if epoch is None else int(epoch),
                dict(data.get("setting") or {}),
                None if epochs is None else int(epochs),
            )
        case _:
            without_fields: Callable[[], Action] = ACTIONS[kind]
            return without_fields()


def steered_event(command: Command, at: float) -> Event:
    """Return the event that says what came of a command."""
    given = json.loads(json.dumps(data_of(command), default=repr))  # one that was refused may hold anything
    outcome = {"refused": command.refused} if command.refused else {}
    data = {"command": command.kind, "why": command.why, **given, **outcome}
    return Event(STEERED, at, command.trial, command.epoch, by=command.by, data=data)


def command_of(event: Event) -> Command | None:
    """Return the command that an event tells of; None if it tells of none that can be read."""
    if event.kind != STEERED or event.trial is None:
        return None
    data: Mapping[str, Any] = event.data
    row = CommandRow(
        trial=event.trial,
        kind=str(data.get("command")),
        at=event.at,
        by=event.by,
        why=str(data.get("why", "")),
        data=data,
        taken_at=event.at,
        epoch=event.epoch,
        refused=data.get("refused"),
    )
    try:
        return decoded(row)
    except StoreError:
        return None
