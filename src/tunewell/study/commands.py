"""The check of a command, whether it makes sense for its trial, and descriptions of commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tunewell.commands import KINDS, Branch, Command, Note, Rewind, Set, Tag, Untag
from tunewell.errors import SettingError, SpaceError, TrialEnded
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.trial import Checkpoint, Trial, whole


def checked(command: Command, trial: Trial, epochs: int, space: Space, saved: Sequence[Checkpoint]) -> Command:
    """Return the command with its values as the space has them.

    Args:
        command: to be sent.
        trial: that it is for.
        epochs: how far the trial has come.
        space: of the study.
        saved: the trial's checkpoints.

    Raises:
        SettingError: it cannot be carried out, and why.
        TrialEnded: the trial has.
    """
    action = command.action
    if trial.state.ended and not command.is_for_ended_trials:
        raise TrialEnded(trial.number, str(trial.state), command.kind)
    match action:
        case Set():
            return replace(command, action=_checked_set(action, trial, space))
        case Note():
            if not isinstance(action.text, str) or not action.text.strip():
                raise SettingError("note needs a text")
        case Tag() | Untag():
            if not isinstance(action.name, str) or not action.name.strip() or len(action.name.split()) != 1:
                raise SettingError(f"a tag is one word, got {action.name!r}")
        case Rewind():
            if action.epoch is None:
                raise SettingError("rewind needs an epoch; 0 is the beginning")
            params = _checked_params(action.params, trial, space)
            return replace(command, action=Rewind(_checked_epoch(action, trial, epochs, saved), params))
        case Branch():
            return replace(command, action=_checked_branch(action, trial, epochs, space, saved))
    return command


def _checked_set(action: Set, trial: Trial, space: Space) -> Set:
    name, value = action.name, action.value
    if name not in space.params:
        raise SettingError(f"there is no parameter {name!r}; there are {', '.join(space.names)}")
    param = space.params[name]
    if not param.live:
        raise SettingError(
            f"{name} is not live: the training reads it once, at its start; branch with {name}={value!r} instead"
        )
    if name not in trial.params:
        raise SettingError(f"{name} is not active in trial {trial.number}")
    try:
        return Set(name, param.check(value))
    except SpaceError as error:
        raise SettingError(f"{name}: {error}") from None


def _checked_epoch(action: Rewind | Branch, trial: Trial, epochs: int, saved: Sequence[Checkpoint]) -> int:
    epoch = whole(action.epoch)
    if epoch is None or epoch < 0:
        raise SettingError(f"{KINDS[type(action)]} needs an epoch, a whole number of at least 0, got {action.epoch!r}")
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


def _checked_branch(action: Branch, trial: Trial, epochs: int, space: Space, saved: Sequence[Checkpoint]) -> Branch:
    epoch = None if action.epoch is None else _checked_epoch(action, trial, epochs, saved)
    params = _checked_params(action.params, trial, space)
    return Branch(epoch, params, None if action.epochs is None else _checked_length(action.epochs))


def _checked_params(params: object, trial: Trial, space: Space) -> dict[str, Value]:
    if not isinstance(params, Mapping):
        raise SettingError(f"the setting of a branch must be a mapping, got {params!r}")
    try:
        changed = space.check({**trial.params, **params})
    except SpaceError as error:
        raise SettingError(str(error)) from None
    return {name: changed[name] for name in params}


def _checked_length(epochs: object) -> int:
    number = whole(epochs)
    if number is None or number < 1:
        raise SettingError(f"a twin needs a number of epochs, at least 1, got {epochs!r}")
    return number


def describe(command: Command) -> str:
    """Return a line such as `trial 3, after epoch 12: learning_rate 0.1 -> 0.05`."""
    what = f"trial {command.trial}, {command.kind}"
    if command.taken_at is None:
        return f"{what}: waits; no process has taken it up yet"
    if command.refused is not None:
        return f"{what}: refused: {command.refused}"
    return f"trial {command.trial}, after epoch {command.epoch}: {describe_effect(command)}"


def describe_effect(command: Command) -> str:
    """Return what a command did: `learning_rate 0.1 -> 0.05`."""
    match action := command.action:
        case Set():
            return f"{action.name} {command.before} -> {action.value}"
        case Branch():
            at = "" if action.epoch in (None, command.epoch) else f" from epoch {action.epoch}"
            return f"branched as trial {command.branch}{at}{_differing(action.params)}"
        case Rewind():
            return f"rewound to epoch {action.epoch}, goes on as trial {command.branch}{_differing(action.params)}"
        case Note():
            return action.text
        case Tag() | Untag():
            return f"{command.kind} {action.name}"
    return command.kind


def _differing(params: Mapping[str, Value]) -> str:
    return "".join(f", {name} {value}" for name, value in params.items())
