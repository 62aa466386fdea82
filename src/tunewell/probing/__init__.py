"""Experiments with a training: the range of its learning rates, and what its faults do when they are provoked."""

from tunewell.probing.probes import Probe
from tunewell.probing.rate import Sweep, SweepPoint, lr_find
from tunewell.probing.repeat import EXACT, Badge, Repeatable, repeatable
from tunewell.probing.verdict import Probed, probe

__all__ = ["EXACT", "Badge", "Probe", "Probed", "Repeatable", "Sweep", "SweepPoint", "lr_find", "probe", "repeatable"]
