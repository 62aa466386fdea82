"""The lineage of a trial: the trials that it branched from, and the values of its parameters, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tunewell.commands import Command, Set
from tunewell.space.values import Value
from tunewell.trial import Trial


@dataclass(frozen=True, slots=True)
class Segment:
    """Successive epochs of one trial in which its parameters kept their values."""

    trial: int
    first: int
    last: int
    values: Mapping[str, Value]


def ancestry(trials: Sequence[Trial], number: int) -> list[Trial]:
    """Return the trial and its ancestors, the oldest first."""
    line = [trials[number]]
    while line[0].parent is not None:
        line.insert(0, trials[line[0].parent])
    return line


def trial_of_epoch(trials: Sequence[Trial], number: int, epoch: int) -> int:
    """Return the number of the trial that trained an epoch of this one's curve: itself or an ancestor."""
    while (parent := trials[number].parent) is not None and epoch < int(trials[number].parent_epoch or 0):
        number = parent
    return number


def segments(trials: Sequence[Trial], commands: Sequence[Command], number: int, epochs: int) -> list[Segment]:
    """Return the values of a trial's parameters from its first epoch to its last, those of its ancestors included.

    epochs: how far the trial has come.
    """
    found: list[Segment] = []
    line = ancestry(trials, number)
    for trial, after in zip(line, [*line[1:], None], strict=True):
        last = epochs if after is None else int(after.parent_epoch or 0)
        first, values = int(trial.parent_epoch or 0) + 1, dict(trial.params)
        for epoch, name, value in live_values(commands, trial.number):
            if epoch >= last:
                break
            if epoch >= first:
                found.append(Segment(trial.number, first, epoch, dict(values)))
                first = epoch + 1
            values[name] = value
        if first <= last:
            found.append(Segment(trial.number, first, last, dict(values)))
    return found


def branch_tree(trials: Sequence[Trial]) -> Iterator[tuple[int, Trial]]:
    """Yield the depth and the trial of all that have branches or are branches, parents first."""
    children: dict[int | None, list[Trial]] = {}
    for trial in trials:
        children.setdefault(trial.parent, []).append(trial)

    def below(trial: Trial, depth: int) -> Iterator[tuple[int, Trial]]:
        yield depth, trial
        for child in children.get(trial.number, []):
            yield from below(child, depth + 1)

    for root in children.get(None, []):
        if root.number in children:
            yield from below(root, 0)


def live_values(commands: Sequence[Command], trial: int) -> tuple[tuple[int, str, Value], ...]:
    """Return the values that were set while a trial trained, in order: the epoch before, the parameter, the value."""
    return tuple(
        (int(one.epoch or 0), one.action.name, one.action.value)
        for one in commands
        if one.trial == trial and isinstance(one.action, Set) and one.is_done
    )
