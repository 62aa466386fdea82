"""Runners of trials: in this process, one or several at a time, or in several. All of them are made of one `Worker`."""

from tunewell.runners.base import Controller, Observer
from tunewell.runners.execution import Execution, Ray
from tunewell.runners.inline import run_inline
from tunewell.runners.processes import run_processes
from tunewell.runners.threads import run_threads

__all__ = ["Controller", "Execution", "Observer", "Ray", "run_inline", "run_processes", "run_threads"]
