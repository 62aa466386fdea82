"""A controller that steers a run by rules: their actions are commands like anybody's, with the evidence on record.

Each action is judged some epochs later, and undone where nothing has got better since: the run goes back to where it
was, with the values that it had. There are at most so many actions, and none that would make the run, with all that was
rewound, longer than one training and a half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tunewell import commands
from tunewell.arrays import Floats, own_numerics
from tunewell.autopilot.rules import RULES, SteeringAction, SteeringRule
from tunewell.autopilot.view import View
from tunewell.commands import Branch, Rewind, Set, Stop
from tunewell.diagnosis import Finding, diagnose
from tunewell.diagnosis.readers.names import curves_of
from tunewell.diagnosis.readers.trial import record_of
from tunewell.errors import RecordError, TunewellError
from tunewell.space.values import Value
from tunewell.study import Study
from tunewell.trial import Step

_JUDGED_AFTER = 1 / 9
"""Of a training, and three epochs at least."""
_BUDGET = 1.5
"""Trainings, with all that was rewound."""
_BY = "autopilot"


@dataclass(frozen=True, slots=True)
class _PendingAction:
    """An action whose effect has still to show."""

    action: SteeringAction
    trial: int
    """The trial that it was taken in."""
    epoch: int
    """The epoch of that trial after which it was taken."""
    effective_after: int
    """It has its effect from the epoch after this one."""
    values_before: Mapping[str, Any]
    best_metric: float
    """The metric that is to be beaten."""
    least_loss: float
    """The training loss that is to be beaten."""


@dataclass(slots=True)
class _SteeredTrial:
    """A trial that the autopilot steers, with the epochs of those that it comes from."""

    rows: list[dict[str, float]] = field(default_factory=list)
    changed_at: int = 0
    n_actions: int = 0
    """Its ancestors' included."""
    pending: _PendingAction | None = None
    undone: set[tuple[str, ...]] = field(default_factory=set)
    """Actions that were undone, which are not taken again."""
    values_before: tuple[Mapping[str, Any], ...] = ()
    """The values before each action that stands."""


class Autopilot:
    """A controller that steers the trials of a study by rules."""

    def __init__(
        self,
        study: Study,
        *,
        rules: Sequence[SteeringRule] = RULES,
        max_actions: int = 8,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare a controller to give to `tune` or to a runner.

        Args:
            study: whose trials are steered; its runner keeps a checkpoint of each epoch.
            rules: of the actions that they want, that of the first rule is taken.
            max_actions: in a run and what it was rewound to.
            about: the rest of a run's record besides its curves, for the diagnosis.
        """
        self._study, self._rules, self._max_actions = study, tuple(rules), max_actions
        self._about = dict(about or {})
        self._steered: dict[int, _SteeredTrial] = {}
        self._spent: dict[int, int] = {}
        """Epochs, by the trial that a line of trials began with."""

    def on_step(self, study: Study, step: Step) -> None:
        """Implement `Controller`: do nothing."""

    def on_step_end(self, study: Study, trial: int) -> None:
        """Implement `Controller`: do nothing."""

    @own_numerics
    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Implement `Controller.on_report`: look, judge, act."""
        steered = self._steered.get(trial) or self._take_over(trial)
        steered.rows.append({"epoch": float(epoch), **metrics})
        root = self._root(trial)
        self._spent[root] = self._spent.get(root, 0) + 1
        n = study.max_epochs
        if n is None or epoch >= n:
            return
        view = self._view(trial, steered, n)
        if self._is_judged(trial, steered, view) or steered.n_actions >= self._max_actions:
            return
        for rule in self._rules:
            action = rule(view)
            if action is not None and _key(action) not in steered.undone and self._affords(trial, action, view):
                self._act(trial, steered, view, rule.__name__, action)
                return

    def _take_over(self, trial: int) -> _SteeredTrial:
        """Begin to steer a new trial; what it branched from has come with it."""
        record = self._study.trials[trial]
        steered = _SteeredTrial()
        if record.parent is not None:
            before, at = self._steered.get(record.parent, _SteeredTrial()), int(record.parent_epoch or 0)
            rows = [row for row in before.rows if row["epoch"] <= at]
            steered = _SteeredTrial(
                rows,
                min(at, before.changed_at),
                before.n_actions,
                before.pending,
                set(before.undone),
                before.values_before,
            )
            if before.pending is not None and before.pending.action.kind == "rewind":
                steered.changed_at, steered.pending = at, replace(before.pending, effective_after=at)
        self._steered[trial] = steered
        return steered

    def _view(self, trial: int, steered: _SteeredTrial, n: int) -> View:
        study = self._study
        names = curves_of(dict.fromkeys(name for row in steered.rows for name in row if name != "epoch"))
        curves = {curve: _column(steered.rows, name) for curve, name in names.items()}
        sign = -1.0 if study.maximize else 1.0
        kept = tuple(one.epoch for one in study.checkpoints(trial) if one.epoch)
        return View(
            space=study.space,
            values=study.values(trial),
            curves=curves,
            metric=sign * _column(steered.rows, study.metric),
            max_epochs=n,
            checkpoint_epochs=kept,
            changed_at=steered.changed_at,
            diagnosis=lambda: self._findings(steered, study.values(trial), n),
            values_before=steered.values_before,
            is_review=len(steered.rows) % _judged_epochs(n) == 0,
        )

    def _findings(self, steered: _SteeredTrial, values: Mapping[str, Value], n: int) -> tuple[Finding, ...]:
        try:
            found = diagnose(record_of(values, steered.rows, n, self._about))
        except RecordError:
            return ()
        return tuple(finding for finding in found if finding.label != "too_few_epochs")

    def _is_judged(self, trial: int, steered: _SteeredTrial, view: View) -> bool:
        """Return True if an action is still pending, or was undone just now."""
        judged = steered.pending
        if judged is None:
            return False
        if view.epoch < judged.effective_after + _judged_epochs(view.max_epochs) and math.isfinite(view.metric[-1]):
            return True
        steered.pending = None
        if not judged.action.undo or self._helped(judged, view):
            return False
        steered.undone.add(_key(judged.action))
        steered.values_before = steered.values_before[:-1]
        changed = ", ".join(judged.action.setting)
        why = f"{changed} was changed after epoch {judged.epoch}, and nothing is better at epoch {view.epoch}"
        if judged.action.kind == "rewind":
            # on with the run that was left, as if nothing had been
            abandoned = self._steered[judged.trial]
            abandoned.pending, abandoned.undone = None, set(steered.undone)
            abandoned.n_actions, abandoned.values_before = steered.n_actions, steered.values_before
            return self._send(trial, "undo", Stop(), why) and self._send(
                judged.trial, "undo", Branch(judged.epoch), why
            )
        back = max((epoch for epoch in view.checkpoint_epochs if epoch <= judged.effective_after), default=0)
        steered.changed_at = back
        undone = {name: judged.values_before[name] for name in judged.action.setting}
        return self._send(trial, "undo", Rewind(back, undone), why)

    def _helped(self, judged: _PendingAction, view: View) -> bool:
        if _least(view.metric[judged.effective_after :]) < judged.best_metric:
            return True
        return judged.action.by_loss and _least(view.curve("train_loss")[judged.effective_after :]) < judged.least_loss

    def _affords(self, trial: int, action: SteeringAction, view: View) -> bool:
        back = action.epoch if action.kind == "rewind" else view.epoch
        undone = _judged_epochs(view.max_epochs) if action.undo else 0  # it may have to be
        return self._spent[self._root(trial)] + view.max_epochs - back + undone <= _BUDGET * view.max_epochs

    def _act(self, trial: int, steered: _SteeredTrial, view: View, rule: str, action: SteeringAction) -> None:
        if not all(self._send(trial, rule, wanted, action.why) for wanted in _commands(action)):
            return
        # what is to be beaten is what the run had come to, in as many epochs as the change will have
        ahead = slice(None if action.kind != "rewind" else action.epoch + _judged_epochs(view.max_epochs))
        best, least = _least(view.metric[ahead]), _least(view.curve("train_loss")[ahead])
        steered.n_actions += 1
        steered.values_before += (dict(view.values),)
        steered.pending = _PendingAction(action, trial, view.epoch, view.epoch, dict(view.values), best, least)
        steered.changed_at = view.epoch

    def _send(self, trial: int, rule: str, wanted: commands.Action, why: str) -> bool:
        try:
            self._study.steer(trial, wanted, by=f"{_BY}: {rule}", why=why)
        except TunewellError:  # it is on record
            return False
        return True

    def _root(self, trial: int) -> int:
        trials = self._study.trials
        while (parent := trials[trial].parent) is not None:
            trial = parent
        return trial


def _commands(action: SteeringAction) -> list[commands.Action]:
    """Return the commands to the trial that an action takes."""
    match action.kind:
        case "set":
            return [Set(name, value) for name, value in action.setting.items()]
        case "rewind":
            return [Rewind(action.epoch, dict(action.setting))]
        case _:
            return [Stop()]


def _column(rows: Sequence[Mapping[str, float]], name: str) -> Floats:
    values = np.full(int(rows[-1]["epoch"]), math.nan)
    for row in rows:
        values[int(row["epoch"]) - 1] = row.get(name, math.nan)
    return values


def _least(curve: Floats) -> float:
    """Return the least finite value; infinite if there is none."""
    return float(np.min(curve, where=np.isfinite(curve), initial=math.inf))


def _judged_epochs(n: int) -> int:
    """Return the epochs that an action has to show its effect, and between one review and the next."""
    return max(3, round(_JUDGED_AFTER * n))


def _key(action: SteeringAction) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in sorted(action.setting.items()))
