"""Learning rates' schedules: counted in epochs, and stepped in batches."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch.optim import lr_scheduler

from tunewell.inspection.places import Place, calling_place
from tunewell.inspection.pytorch.check import Check
from tunewell.inspection.pytorch.training import Training

_NEXT_TO_NOTHING = 0.05  # of the learning rate, after one epoch of several


class SchedulesCheck(Check):
    """Looks at schedules that go on as often as the optimizer takes steps."""

    def __init__(self, training: Training) -> None:
        super().__init__(training)
        self._schedules: dict[int, Any] = {}
        self._times: dict[int, int] = {}
        self._places: dict[int, Place] = {}
        self._steps: dict[int, list[int]] = {}
        """By schedule's id: how many steps were taken before each of its own."""

    def scheduled(self, schedule: Any) -> None:
        """Take note of where and how often a schedule goes on."""
        key = id(schedule)
        self._schedules[key] = schedule
        self._places[key] = calling_place()
        taken = self._steps.setdefault(key, [])
        if len(taken) < 10_000:
            taken.append(self.training.steps_of.get(id(getattr(schedule, "optimizer", None)), 0))

    def finish(self) -> None:
        """Look back."""
        n = self.training.steps_per_epoch
        if n is None or n < 3 or not self.training.second_epoch:
            return
        for key, schedule in self._schedules.items():
            taken = [step for step in self._steps[key] if step]
            per_batch = sum(after - before == 1 for before, after in pairwise(taken))
            if len(taken) < 5 or per_batch < 0.8 * (len(taken) - 1):
                continue
            what = self._wrong(schedule, n)
            if what is not None:
                self.accuse(
                    "scheduler-stepped-per-batch",
                    f"{type(schedule).__name__} is stepped after each of the {n} batches of an epoch, and {what}",
                    "call scheduler.step() once an epoch, after its batches, or count its settings in batches",
                    self._places[key],
                    about=key,
                )

    def _wrong(self, schedule: Any, n: int) -> str | None:
        """Return what is wrong with a schedule of which an epoch has n steps; None if it may be meant so."""
        if isinstance(schedule, lr_scheduler.ReduceLROnPlateau):
            return f"its patience is {schedule.patience}" if schedule.patience * 3 < n else None
        if isinstance(schedule, lr_scheduler.CosineAnnealingLR):
            return f"reaches its end after {schedule.T_max} of them" if 2 * schedule.T_max <= n else None
        if isinstance(schedule, lr_scheduler.MultiStepLR) and schedule.gamma < 1 and max(schedule.milestones) <= n:
            return f"is past its last milestone, {max(schedule.milestones)}, before the first epoch ends"
        factor = _factor(schedule, n)
        if factor is None or factor > _NEXT_TO_NOTHING:
            return None
        return f"leaves {factor:.1g} of the learning rate after the first epoch"


def _factor(schedule: Any, n: int) -> float | None:
    """Return the share of the learning rate that is left after n steps; None where it is not known."""
    if isinstance(schedule, lr_scheduler.StepLR):
        return float(schedule.gamma ** (n // schedule.step_size))
    if isinstance(schedule, lr_scheduler.MultiStepLR):
        return float(schedule.gamma ** sum(times for step, times in schedule.milestones.items() if step <= n))
    if isinstance(schedule, lr_scheduler.ExponentialLR):
        return float(schedule.gamma**n)
    if type(schedule) is lr_scheduler.MultiplicativeLR or isinstance(schedule, lr_scheduler.LambdaLR):
        return _of_function(schedule, n)
    return None


def _of_function(schedule: Any, n: int) -> float | None:
    """Return the same of a function of the number of steps, which is the user's own and may do anything."""
    function = schedule.lr_lambdas[0]
    try:
        if isinstance(schedule, lr_scheduler.LambdaLR):
            most = max(float(function(step)) for step in range(n + 1))
            return float(function(n)) / most if most > 0 else None
        factor = 1.0
        for step in range(1, n + 1):
            factor *= float(function(step))
    except (ArithmeticError, TypeError, ValueError, LookupError):
        return None
    return factor
