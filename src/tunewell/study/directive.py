"""The directive to a training at the end of an epoch: go on, pause or stop, and which values have changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from tunewell.space.values import Value


class Move(Enum):
    """The move of a training after an epoch."""

    CONTINUE = "continue"
    """Go on with the step."""
    PAUSE = "pause"
    """Pause now, though the step may ask for more."""
    STOP = "stop"
    """Train no further epoch; let the training function finish."""


@dataclass(frozen=True, slots=True)
class Directive:
    """All that a training hears at the end of an epoch."""

    move: Move = Move.CONTINUE
    live: Mapping[str, Value] = field(default_factory=dict)
    """Parameters that have these values from now on."""
    save: bool = False
    """Write a checkpoint first, and say so."""
    held: bool = False
    """The pause was requested by hand, and lasts until somebody resumes the trial."""
    reason: str | None = None
    """Why it was stopped by hand, if it was."""

    def pausing(self) -> Directive:
        """Return the same, but for a training that would go on: that one pauses."""
        return replace(self, move=Move.PAUSE) if self.move is Move.CONTINUE else self

    def stopping(self) -> Directive:
        """Return the same, with no further epoch."""
        return replace(self, move=Move.STOP)
