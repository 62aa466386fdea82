"""Where trials run: in this process, or in several on this machine. All of them are made of one `Worker`."""

from tunewell.runners.base import Observer, Train
from tunewell.runners.inline import run_inline
from tunewell.runners.processes import run_processes

__all__ = ["Observer", "Train", "run_inline", "run_processes"]
