"""The contracts that samplers, schedulers and stores keep, for their authors' tests. They need pytest."""

from tunewell.testing.samplers import SamplerContract
from tunewell.testing.schedulers import SchedulerContract
from tunewell.testing.simulation import Simulation, simulate

__all__ = ["SamplerContract", "SchedulerContract", "Simulation", "simulate"]
