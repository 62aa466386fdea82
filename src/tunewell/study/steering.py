"""Commands to a trial: what may be asked of it, what it means at the epoch at which it is taken up, and what it became.

Whoever can open a study's store may send one. The process that runs the study takes those that wait up, in order,
when the trial reaches the end of an epoch, or at once if it does not run. What was done and what was refused is on
record, as the command's outcome and as an event.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from tunewell.analysis.lineage import live_values
from tunewell.errors import CheckpointError, SettingError, SpaceError, TrialEnded
from tunewell.space.space import Space
from tunewell.space.values import Params, Value
from tunewell.stores import Store
from tunewell.trial import AFTERWARDS, OPEN_END, Checkpoint, Command, Event, Trial, TrialState

KINDS = ("pause", "resume", "stop", "set", "rewind", "branch", "note", "checkpoint")
STEERED = "steered"
NOT_TRACKED = "nothing is tracked: call run.track(...) in the training function, and keep the study in a file"

Live = tuple[int, str, Value]
"""After this epoch, this parameter has this value."""


@dataclass(slots=True)
class Effects:
    """What the process that trains a trial has to do at the end of an epoch."""

    live: dict[str, Value] = field(default_factory=dict)
    """New values, from the next epoch on."""
    hold: bool = False
    """Pause, and stay so until somebody says `resume`."""
    stop: str | None = None
    """End it, for this reason."""
    save: list[Command] = field(default_factory=list)
    """Write a checkpoint; these wait for it."""


def checked(
    kind: str, trial: Trial, epochs: int, space: Space, saved: Sequence[Checkpoint], data: Mapping[str, object]
) -> dict[str, object]:
    """What a command needs to know, if it can be meant.

    epochs: how far the trial has come.
    saved: the trial's checkpoints.

    Raises:
        SettingError: it cannot, and why.
        TrialEnded: the trial has.
    """
    wanted = {
        "set": {"name", "value"},
        "rewind": {"epoch", "setting"},
        "note": {"text"},
        "branch": {"epoch", "setting", "epochs"},
    }
    if kind not in KINDS:
        raise SettingError(f"there is no command {kind!r}; there are {', '.join(KINDS)}")
    if trial.state.ended and kind not in AFTERWARDS:
        raise TrialEnded(trial.number, str(trial.state), kind)
    odd = sorted(set(data) - wanted.get(kind, set()))
    if odd:
        raise SettingError(f"{kind} takes no {', '.join(odd)}; leave it out")
    match kind:
        case "set":
            return _checked_value(space, trial, data.get("name"), data.get("value"))
        case "note":
            if not isinstance(data.get("text"), str) or not str(data["text"]).strip():
                raise SettingError("note needs a text")
        case "rewind" if data.get("epoch") is None:
            raise SettingError("rewind needs an epoch; 0 is the beginning")
        case "rewind" | "branch":
            return _checked_branch(kind, trial, epochs, space, saved, data)
    return dict(data)


def _checked_value(space: Space, trial: Trial, name: object, value: object) -> dict[str, object]:
    if name not in space.params:
        raise SettingError(f"there is no parameter {name!r}; there are {', '.join(space.names)}")
    param = space.params[str(name)]
    if not param.live:
        raise SettingError(
            f"{name} is not live: the training reads it once, at its start; branch with {name}={value!r} instead"
        )
    if name not in trial.params:
        raise SettingError(f"{name} is not active in trial {trial.number}")
    try:
        return {"name": name, "value": param.check(value)}
    except SpaceError as error:
        raise SettingError(f"{name}: {error}") from None


def _checked_epoch(kind: str, epoch: object, trial: Trial, epochs: int, saved: Sequence[Checkpoint]) -> int:
    if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
        raise SettingError(f"{kind} needs an epoch, a whole number of at least 0, got {epoch!r}")
    if epoch == 0:
        return 0  # from its seed
    if epoch > epochs:
        raise SettingError(f"trial {trial.number} has come to epoch {epochs}, not to {epoch}")
    kept = sorted(checkpoint.epoch for checkpoint in saved)
    if not kept:
        raise SettingError(
            f"trial {trial.number} keeps no checkpoint to go back to: call run.track(...) in the training function, "
            "and tune with --checkpoint-every 1"
        )
    if epoch not in kept:
        nearest = min(kept, key=lambda one: abs(one - epoch))
        raise SettingError(f"there is no checkpoint of epoch {epoch}; the nearest is that of epoch {nearest}")
    return epoch


def _checked_branch(
    kind: str, trial: Trial, epochs: int, space: Space, saved: Sequence[Checkpoint], data: Mapping[str, object]
) -> dict[str, object]:
    epoch, setting = data.get("epoch"), data.get("setting") or {}
    if not isinstance(setting, Mapping):
        raise SettingError(f"the setting of a branch must be a mapping, got {setting!r}")
    found: dict[str, object] = {}
    if epoch is not None:
        found["epoch"] = _checked_epoch(kind, epoch, trial, epochs, saved)
    try:
        changed = space.check({**trial.params, **setting})
    except SpaceError as error:
        raise SettingError(str(error)) from None
    if data.get("epochs") is not None:
        found["epochs"] = _checked_length(data["epochs"])
    return found | {"setting": {name: changed[name] for name in setting}}


def _checked_length(epochs: object) -> int:
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 1:
        raise SettingError(f"a twin needs a number of epochs, at least 1, got {epochs!r}")
    return epochs


class Steering:
    """The commands of a study, as the process that runs it takes them up."""

    def __init__(self, store: Store, study_id: int) -> None:
        self._store, self._study = store, study_id
        self._pending: dict[int, list[Command]] = {}
        """By trial: what waits for a checkpoint of it."""

    def at_epoch(self, trial: Trial, epoch: int, now: Mapping[str, Value]) -> Effects:
        """What a running trial has to do at the end of an epoch; `now` are the values of its parameters."""
        effects = Effects()
        for command in self._waiting(trial.number):
            self._take(command, epoch, {**now, **effects.live}, effects)
        return effects

    def wait_for_checkpoint(self, trial: int, commands: Sequence[Command]) -> None:
        """These are settled when a checkpoint of the trial has been written."""
        self._pending.setdefault(trial, []).extend(commands)

    def _take(self, command: Command, epoch: int, values: Mapping[str, Value], effects: Effects) -> None:
        if effects.stop is not None:
            self.settle(command, epoch, refused="the trial was stopped by the command before")
            return
        match command.kind:
            case "set":
                name, value = str(command.data["name"]), command.data["value"]
                effects.live[name] = value  # type: ignore[assignment]  # as it was checked
                self.settle(command, epoch, before=values[name])
            case "pause":
                effects.hold = True
                self.settle(command, epoch)
            case "resume":
                refused = None if effects.hold else "it is not paused"
                effects.hold = False
                self.settle(command, epoch, refused=refused)
            case "stop":
                effects.stop = command.why or f"stopped by {command.by}"
                self.settle(command, epoch)
            case "note":
                self.settle(command, epoch)
            case "rewind" if int(str(command.data["epoch"])) >= epoch:
                self.settle(command, epoch, refused=f"the trial is at epoch {epoch}, not beyond")
            case "rewind":
                effects.stop = f"rewound to epoch {command.data['epoch']}"
                effects.save.append(command)
            case _:
                effects.save.append(command)

    def of_trials_at_rest(self, trials: Sequence[Trial], epochs: Sequence[int]) -> list[tuple[Command, Trial]]:
        """Take up what is asked of trials that do not run; answers the branches that are to be made."""
        branches = []
        released = {trial.number for trial in trials if trial.state is TrialState.PAUSED and trial.epochs < trial.until}
        for command in self._waiting():
            trial = trials[command.trial]
            if trial.state is TrialState.RUNNING or trial.number in released:
                continue  # it runs, or will at once
            if command.kind == "resume":
                released.add(trial.number)
            epoch = int(epochs[command.trial])
            if trial.state.ended and command.kind not in AFTERWARDS:
                self.settle(command, epoch, refused=f"the trial is {trial.state}")
            elif (
                command.kind in ("branch", "checkpoint")
                and "epoch" not in command.data
                and (missing := self._no_checkpoint(trial.number, epoch))
            ):
                self.settle(command, epoch, refused=missing)
            elif command.kind in ("branch", "rewind"):
                branches.append((command, trial))
            else:
                with suppress(TrialEnded):  # another process has begun a step of it just now, and takes the command up
                    self._take_at_rest(command, trial, epoch)
        return branches

    def _take_at_rest(self, command: Command, trial: Trial, epoch: int) -> None:
        held = trial.state is TrialState.HELD
        match command.kind:
            case "pause" if held:
                self.settle(command, epoch, refused="it is paused already")
                return
            case "pause":
                self._store.steer_trial(self._study, trial.number, TrialState.HELD)
            case "resume" if not held:
                self.settle(command, epoch, refused="it waits for the scheduler, not for you")
                return
            case "resume":
                self._store.steer_trial(self._study, trial.number, TrialState.PAUSED)
            case "stop":
                reason = command.why or f"stopped by {command.by}"
                self._store.steer_trial(self._study, trial.number, TrialState.STOPPED, reason=reason, at=time.time())
            case "set":
                before = self.values(trial).get(str(command.data["name"]))
                self.settle(command, epoch, before=before)
                return
        self.settle(command, epoch)

    def _no_checkpoint(self, trial: int, epoch: int) -> str | None:
        """Why a trial that does not run cannot be gone on from where it is; None if it can."""
        if not epoch or any((one.trial, one.epoch) == (trial, epoch) for one in self._store.checkpoints(self._study)):
            return None
        return NOT_TRACKED

    def settle(
        self, command: Command, epoch: int, *, refused: str | None = None, before: object = None, **found: object
    ) -> None:
        """Put on record what came of a command."""
        data = {**command.data, **({} if before is None else {"from": before}), **found}
        self._store.settle_command(self._study, command.id, at=time.time(), epoch=epoch, data=data, refused=refused)
        self.tell(replace(command, epoch=epoch, data=data, refused=refused))

    def tell(self, done: Command) -> None:
        """Add the event that says what came of a command."""
        told = {
            "command": done.kind,
            "why": done.why,
            **done.data,
            **({"refused": done.refused} if done.refused else {}),
        }
        event = Event(STEERED, time.time(), done.trial, done.epoch, by=done.by, data=told)
        self._store.add_event(self._study, event)

    def pending(self, trial: int) -> list[Command]:
        """What waited for a checkpoint of the trial, which is there now; nothing waits any more."""
        return self._pending.pop(trial, [])

    def live(self, trial: Trial) -> tuple[Live, ...]:
        """The values that were set while the trial trained, in order."""
        return live_values(self._store.commands(self._study), trial.number)

    def values(self, trial: Trial, epoch: int = OPEN_END) -> dict[str, Value]:
        """The trial's setting as it is after an epoch."""
        later = {name: value for after, name, value in self.live(trial) if after <= epoch}
        return {**trial.params, **later}

    def _waiting(self, trial: int | None = None) -> list[Command]:
        held_back = {command.id for commands in self._pending.values() for command in commands}
        return [
            command
            for command in self._store.commands(self._study, waiting=True)
            if command.trial == (command.trial if trial is None else trial) and command.id not in held_back
        ]


def refused_event(command: Command, epoch: int, why: str) -> Event:
    """What is on record of a command that was refused before anybody could take it up."""
    data = json.loads(json.dumps(dict(command.data), default=repr))  # it may be anything that somebody typed
    told = {"command": command.kind, "why": command.why, **data, "refused": why}
    return Event(STEERED, time.time(), command.trial, epoch, by=command.by, data=told)


TWIN = "twin"
"""In the note of a trial that goes on without a change, for so many epochs, to show what the change does."""


def branched(
    parent: Trial,
    number: int,
    epoch: int,
    values: Mapping[str, Value],
    *,
    until: int,
    session: int,
    note: Mapping[str, object],
) -> Trial:
    """A trial that begins as another was after an epoch, to be trained on from there."""
    return replace(
        parent,
        number=number,
        params=Params(dict(values)),
        state=TrialState.PAUSED,
        epochs=epoch,
        until=max(until, epoch + 1),
        started_at=time.time(),
        ended_at=None,
        reason=None,
        retrained=0,
        parent=parent.number,
        parent_epoch=epoch,
        note=note,
        session=session,
    )


def copied_checkpoint(store: Store, study_id: int, folder: Path | None, trial: int, epoch: int) -> tuple[Path, int]:
    """A copy of a trial's checkpoint, for a branch that has no number yet: its file, and its bytes.

    Its name is its own, so that two processes that branch at once do not write over each other's copy.

    Raises:
        CheckpointError: there is none of that epoch any more, or it cannot be copied.
    """
    known = [c for c in store.checkpoints(study_id) if (c.trial, c.epoch) == (trial, epoch)]
    if not known or folder is None:
        raise CheckpointError(f"there is no checkpoint of epoch {epoch} any more")
    copy = folder / f"of-trial-{trial}-epoch-{epoch}-{uuid.uuid4().hex}.npz"
    unfinished = copy.with_name(f".{copy.name}")
    try:
        try:
            shutil.copyfile(folder / known[0].path, unfinished)
            unfinished.replace(copy)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"the checkpoint of epoch {epoch} cannot be copied: {error}") from error
    return copy, known[0].size


def in_words(command: Command) -> str:
    """`trial 3, epoch 12: learning_rate 0.1 -> 0.05`."""
    what = f"trial {command.trial}, {command.kind}"
    if command.taken_at is None:
        return f"{what}: waits; no process has taken it up yet"
    if command.refused is not None:
        return f"{what}: refused: {command.refused}"
    done = done_in_words(command.kind, command.data, command.epoch)
    return f"trial {command.trial}, after epoch {command.epoch}: {done}"


def done_in_words(kind: str, data: Mapping[str, object], epoch: int | None) -> str:
    """`learning_rate 0.1 -> 0.05`: what a command did after an epoch."""
    setting = data.get("setting")
    other = "".join(f", {name} {value}" for name, value in setting.items()) if isinstance(setting, Mapping) else ""
    match kind:
        case "set":
            return f"{data['name']} {data.get('from')} -> {data['value']}"
        case "branch":
            at = data.get("epoch", epoch)
            return f"branched as trial {data['branch']}{'' if at == epoch else f' from epoch {at}'}{other}"
        case "rewind":
            return f"rewound to epoch {data['epoch']}, goes on as trial {data['branch']}{other}"
        case "note":
            return str(data["text"])
    return kind
