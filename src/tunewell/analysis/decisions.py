"""A scheduler's reasons, and the gain that more search would bring: both from the decisions on record.

A scheduler with a model records, with each step that it gives out, what it expected of it. So the reasons cost nothing
to keep, and whether more search pays follows from the gain that the last of them expected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tunewell.trial import Event

DECIDED, EXTENDED = "decided", "extended"
"""The kinds of events by which a decision, and a change of the space, are recorded."""
_RECENT = 10  # decisions that an outlook goes by
_PATIENCE = 5  # full trainings' worth of decisions: ten may be over in one, and their dip is not yet the end


@dataclass(frozen=True, slots=True)
class Decision:
    """A model's expectation of a step when it was given out; values are the study's metric at the last epoch.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(9):
        ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
        >>> study = tw.tune(train, {"rate": tw.Float(0.0, 1.0)}, metric="val_loss", budget=6, store="memory")
        >>> decision = study.why(study.best.trial)[-1]
        >>> decision.action in ("start", "resume"), decision.better <= decision.mean <= decision.worse
        (True, True)
    """

    trial: int
    first_epoch: int
    until: int
    action: str
    """`start` or `resume`."""
    mean: float
    """The middle of what was expected;"""
    worse: float
    """in one case of ten it is worse than this,"""
    better: float
    """and in one of ten better than this."""
    best: float
    """The best value known at the time."""
    chance: float
    """Of the trial's beating it."""
    gain: float
    """By how much it would on average, no gain counting as 0."""
    n_weighed: int
    """How many new settings and paused trials it was chosen from."""
    trust: float | None = None
    """The chance that what past studies expect holds here, judged among the good trials; None if there are none."""

    @property
    def epochs(self) -> int:
        """The epochs that were given out."""
        return self.until - self.first_epoch + 1


@dataclass(frozen=True, slots=True)
class Outlook:
    """The gain that one more training is expected to bring.

    Example:
        >>> outlook = tw.Outlook(gain=0.004, chance=0.25)  # as `study.outlook()` returns it
        >>> f"{outlook.chance:.0%}"
        '25%'
    """

    gain: float
    """The largest expected improvement of the metric among the last ten decisions."""
    chance: float
    """The largest chance of any improvement among them."""


class DecisionGain(Protocol):
    """The cost and the expected gain of a decision: all that the end of a search depends on."""

    @property
    def epochs(self) -> int:
        """The epochs that were given out."""
        ...

    @property
    def gain(self) -> float:
        """The gain that was expected of them."""
        ...


def decisions(events: Sequence[Event], *, maximize: bool) -> list[Decision]:
    """Return the decisions on record, oldest first, without those that no model made."""
    return [
        _decision(event.trial, event.epoch, event.data, -1.0 if maximize else 1.0)
        for event in events
        if event.kind == DECIDED and event.trial is not None and event.epoch is not None and "mean" in event.data
    ]


def since_extended(events: Sequence[Event]) -> Sequence[Event]:
    """Return the events since the last change of the space: gains expected in another say nothing of this one."""
    newest = max((place for place, event in enumerate(events) if event.kind == EXTENDED), default=-1)
    return events[newest + 1 :]


def outlook(known: Sequence[Decision]) -> Outlook | None:
    """Return the outlook from the last ten decisions; None while there are fewer."""
    if len(known) < _RECENT:
        return None
    last = known[-_RECENT:]
    return Outlook(max(decision.gain for decision in last), max(decision.chance for decision in last))


def recent_gain(known: Sequence[DecisionGain], max_epochs: int) -> float:
    """Return the largest gain expected in the last five trainings' worth of decisions; infinite while fewer."""
    epochs, gain = 0, 0.0
    for n, decision in enumerate(reversed(known), start=1):
        epochs, gain = epochs + decision.epochs, max(gain, decision.gain)
        if n >= _RECENT and epochs >= _PATIENCE * max_epochs:
            return gain
    return math.inf


def _decision(trial: int, epoch: int, data: Mapping[str, Any], sign: float) -> Decision:
    return Decision(
        trial=trial,
        first_epoch=epoch,
        until=int(data["until"]),
        action=str(data["action"]),
        mean=sign * data["mean"],
        worse=sign * data["high"],  # in the log, lower is better
        better=sign * data["low"],
        best=sign * data["best"],
        chance=data["chance"],
        gain=data["gain"],
        n_weighed=int(data["n_weighed"]),
        trust=data.get("trust"),
    )
