"""Experiments with a training: the range of its learning rates, and planned changes that provoke its faults."""

from tunewell.probing.probes import ProbeResult
from tunewell.probing.repeat import EXACT, Repeatability, RepeatCheck, repeatable
from tunewell.probing.report import ProbeReport, probe
from tunewell.probing.scaling import BestRate, CheckedRate, ScaleCheck, scale_check
from tunewell.probing.sweep import Sweep, SweepPoint, lr_find

__all__ = [
    "EXACT",
    "BestRate",
    "CheckedRate",
    "ProbeReport",
    "ProbeResult",
    "RepeatCheck",
    "Repeatability",
    "ScaleCheck",
    "Sweep",
    "SweepPoint",
    "lr_find",
    "probe",
    "repeatable",
    "scale_check",
]
