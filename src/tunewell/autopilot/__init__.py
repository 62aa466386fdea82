"""An autopilot: steers a run by rules, and undoes what did not help."""

from tunewell.autopilot.pilot import Autopilot
from tunewell.autopilot.rules import RULES, SteeringAction, SteeringRule
from tunewell.autopilot.view import View

__all__ = ["RULES", "Autopilot", "SteeringAction", "SteeringRule", "View"]
