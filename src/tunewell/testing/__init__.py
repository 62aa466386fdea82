"""The contracts that samplers, schedulers and stores keep, for their authors' tests. They need pytest."""

from tunewell.testing.samplers import SamplerContract
from tunewell.testing.schedulers import SchedulerContract
from tunewell.testing.simulation import Simulation, simulate
from tunewell.testing.stores import SharedStoreContract, StoreContract

__all__ = ["SamplerContract", "SchedulerContract", "SharedStoreContract", "Simulation", "StoreContract", "simulate"]
