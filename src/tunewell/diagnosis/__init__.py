"""Diagnosis of a training run: from its record to ranked causes, with evidence and the next change.

A record becomes named *signals*, which mean the same for every data set and network; *rules* from the literature look
at them; a *model* that was calibrated on runs with known faults turns all of it into probabilities.
"""

from __future__ import annotations

from tunewell.diagnosis.diagnose import Diagnosis, diagnose, examine
from tunewell.diagnosis.findings import LABELS, Finding, NextChange
from tunewell.diagnosis.goal import Goal, Possible

__all__ = ["LABELS", "Diagnosis", "Finding", "Goal", "NextChange", "Possible", "diagnose", "examine"]
