"""The results of a study in passages that anybody can read: `tunewell report`, and what `importance` prints."""

from tunewell.reporting.lessons import in_common, interactions, mattered, noise, wasted
from tunewell.reporting.passage import Passage
from tunewell.reporting.results import found, held_back, next_steps, reproduce, steered, sure

__all__ = [
    "Passage",
    "found",
    "held_back",
    "in_common",
    "interactions",
    "mattered",
    "next_steps",
    "noise",
    "reproduce",
    "steered",
    "sure",
    "wasted",
]
