"""Inspections: mistakes that can be seen in a program with near certainty, before any curve is looked at."""

from __future__ import annotations

from tunewell.inspection.inspect import Inspected, inspect, inspect_training
from tunewell.inspection.mistakes import KINDS, Kind, Mistake

__all__ = ["KINDS", "Inspected", "Kind", "Mistake", "inspect", "inspect_training"]
