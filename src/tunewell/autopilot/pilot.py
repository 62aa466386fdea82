"""Flies a run by rules: what they want done is asked of the trial as anybody would, with the evidence on record.

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
from tunewell.arrays import Floats
from tunewell.autopilot.rules import RULES, Action, Rule
from tunewell.autopilot.view import View
from tunewell.commands import Branch, Rewind, Set, Stop
from tunewell.diagnosis import Finding, diagnose
from tunewell.diagnosis.readers.names import curves_of
from tunewell.diagnosis.readers.trial import record_of
from tunewell.errors import RecordError, TunewellError
from tunewell.space.values import Value
from tunewell.study import Study
from tunewell.trial import Step

_JUDGED = 1 / 9
"""Of a training, and three epochs at least."""
_BUDGET = 1.5
"""Trainings, with all that was rewound."""
_BY = "autopilot"


@dataclass(frozen=True, slots=True)
class _OnTrial:
    """An action that has still to show what it does."""

    action: Action
    by: int
    """The trial that it was taken in."""
    at: int
    """After this epoch of it."""
    since: int
    """It has its effect from the epoch after this one."""
    values: Mapping[str, Any]
    """Before it."""
    best: float
    """The metric that is to be beaten."""
    least: float
    """The training loss that is to be beaten."""


@dataclass(slots=True)
class _Flight:
    """One trial as the autopilot knows it, with the epochs of those that it comes from."""

    rows: list[dict[str, float]] = field(default_factory=list)
    changed_at: int = 0
    done: int = 0
    """Actions, its ancestors' included."""
    on_trial: _OnTrial | None = None
    tried: set[tuple[str, ...]] = field(default_factory=set)
    """What was undone, which is not done again."""
    left: tuple[Mapping[str, Any], ...] = ()
    """The values before each action that stands."""


class Autopilot:
    """A controller that steers the trials of a study by rules."""

    def __init__(
        self,
        study: Study,
        *,
        rules: Sequence[Rule] = RULES,
        most: int = 8,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """Give it to `tune` or to a runner as a controller.

        Args:
            study: whose trials are steered; its runner keeps a checkpoint of each epoch.
            rules: the first that wants something done is heard.
            most: actions, in a run and what it was rewound to.
            about: what a record of a run says besides its curves, for the diagnosis.
        """
        self._study, self._rules, self._most = study, tuple(rules), most
        self._about = dict(about or {})
        self._flights: dict[int, _Flight] = {}
        self._spent: dict[int, int] = {}
        """Epochs, by the trial that a line of trials began with."""

    def on_step(self, study: Study, step: Step) -> None:
        """Do nothing."""

    def on_step_end(self, study: Study, trial: int) -> None:
        """Do nothing."""

    def on_report(self, study: Study, trial: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Look, judge, act."""
        flight = self._flights.get(trial) or self._take_over(trial)
        flight.rows.append({"epoch": float(epoch), **metrics})
        root = self._root(trial)
        self._spent[root] = self._spent.get(root, 0) + 1
        n = study.max_epochs
        if n is None or epoch >= n:
            return
        view = self._view(trial, flight, n)
        if self._is_judged(trial, flight, view) or flight.done >= self._most:
            return
        for rule in self._rules:
            action = rule(view)
            if action is not None and _key(action) not in flight.tried and self._affords(trial, action, view):
                self._act(trial, flight, view, rule.__name__, action)
                return

    def _take_over(self, trial: int) -> _Flight:
        """The flight of a trial that is new; what it branched from has come with it."""
        record = self._study.trials[trial]
        flight = _Flight()
        if record.parent is not None:
            before, at = self._flights.get(record.parent, _Flight()), int(record.parent_epoch or 0)
            rows = [row for row in before.rows if row["epoch"] <= at]
            flight = _Flight(
                rows, min(at, before.changed_at), before.done, before.on_trial, set(before.tried), before.left
            )
            if before.on_trial is not None and before.on_trial.action.kind == "rewind":
                flight.changed_at, flight.on_trial = at, replace(before.on_trial, since=at)
        self._flights[trial] = flight
        return flight

    def _view(self, trial: int, flight: _Flight, n: int) -> View:
        study = self._study
        names = curves_of(dict.fromkeys(name for row in flight.rows for name in row if name != "epoch"))
        curves = {curve: _column(flight.rows, name) for curve, name in names.items()}
        sign = -1.0 if study.maximize else 1.0
        kept = tuple(one.epoch for one in study.checkpoints(trial) if one.epoch)
        return View(
            space=study.space,
            values=study.values(trial),
            curves=curves,
            metric=sign * _column(flight.rows, study.metric),
            n=n,
            kept=kept,
            changed_at=flight.changed_at,
            diagnosis=lambda: self._findings(flight, study.values(trial), n),
            left=flight.left,
            is_look=len(flight.rows) % _time(n) == 0,
        )

    def _findings(self, flight: _Flight, values: Mapping[str, Value], n: int) -> tuple[Finding, ...]:
        try:
            found = diagnose(record_of(values, flight.rows, n, self._about))
        except RecordError:
            return ()
        return tuple(finding for finding in found if finding.label != "too_few_epochs")

    def _is_judged(self, trial: int, flight: _Flight, view: View) -> bool:
        """Whether an action is still on trial, or was undone just now."""
        judged = flight.on_trial
        if judged is None:
            return False
        if view.epoch < judged.since + _time(view.n) and math.isfinite(view.metric[-1]):
            return True
        flight.on_trial = None
        if not judged.action.undo or self._helped(judged, view):
            return False
        flight.tried.add(_key(judged.action))
        flight.left = flight.left[:-1]
        changed = ", ".join(judged.action.setting)
        why = f"{changed} was changed after epoch {judged.at}, and nothing is better at epoch {view.epoch}"
        if judged.action.kind == "rewind":
            # on with the run that was left, as if nothing had been
            left = self._flights[judged.by]
            left.on_trial, left.tried, left.done, left.left = None, set(flight.tried), flight.done, flight.left
            return self._send(trial, "undo", Stop(), why) and self._send(judged.by, "undo", Branch(judged.at), why)
        back = max((epoch for epoch in view.kept if epoch <= judged.since), default=0)
        flight.changed_at = back
        undone = {name: judged.values[name] for name in judged.action.setting}
        return self._send(trial, "undo", Rewind(back, undone), why)

    def _helped(self, judged: _OnTrial, view: View) -> bool:
        if _least(view.metric[judged.since :]) < judged.best:
            return True
        return judged.action.by_loss and _least(view.curve("train_loss")[judged.since :]) < judged.least

    def _affords(self, trial: int, action: Action, view: View) -> bool:
        back = action.epoch if action.kind == "rewind" else view.epoch
        undone = _time(view.n) if action.undo else 0  # it may have to be
        return self._spent[self._root(trial)] + view.n - back + undone <= _BUDGET * view.n

    def _act(self, trial: int, flight: _Flight, view: View, rule: str, action: Action) -> None:
        if not all(self._send(trial, rule, wanted, action.why) for wanted in _commands(action)):
            return
        # what is to be beaten is what the run had come to, in as many epochs as the change will have
        ahead = slice(None if action.kind != "rewind" else action.epoch + _time(view.n))
        best, least = _least(view.metric[ahead]), _least(view.curve("train_loss")[ahead])
        flight.done += 1
        flight.left += (dict(view.values),)
        flight.on_trial = _OnTrial(action, trial, view.epoch, view.epoch, dict(view.values), best, least)
        flight.changed_at = view.epoch

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


def _commands(action: Action) -> list[commands.Action]:
    """Return what is to be asked of the trial."""
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
    """Infinite if there is no finite value."""
    return float(np.min(curve, where=np.isfinite(curve), initial=math.inf))


def _time(n: int) -> int:
    """Epochs that an action has to show what it does, and between one look and the next."""
    return max(3, round(_JUDGED * n))


def _key(action: Action) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in sorted(action.setting.items()))
