"""The tools of agents: what may be read of the studies of one store, and what may be done to them.

They know nothing of any protocol, and have one scope: `read` changes nothing; `propose` may propose settings, within
the advisor slot of a study; `apply` may steer trials too, within a share of its budget. The bounds are the study's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from tunewell.agents import SCOPES
from tunewell.agents.brevity import answer, part
from tunewell.agents.comparison import compared
from tunewell.commands import Action, made
from tunewell.display.summary import trials_by_state
from tunewell.errors import SettingError, TrialNotFound
from tunewell.proposals import author_of, checked_author, checked_why, reason_of
from tunewell.stores import open_store
from tunewell.study import Study
from tunewell.study.commands import describe
from tunewell.study.plan import plan
from tunewell.trial import OPEN_END, Trial

_MOST_ROWS, _MOST_POINTS, _MOST_CURVES, _MOST_FINDINGS = 100, 60, 5, 3
_STATES = ("running", "paused", "held", "complete", "stopped", "failed")
_VALUES = bool | int | float | str


class Tools:
    """Tools for the studies of a store. Every method may be called from any thread, and opens the store anew."""

    def __init__(self, store: str, *, scope: str = "read", share: float = 0.1) -> None:
        """Serve a store.

        Args:
            store: a path or URL.
            scope: one of `SCOPES`.
            share: of a study's budget, how much one author may have trained by commands.
        """
        self._store, self._share = store, share
        self.scope = scope

    def studies(self, cursor: str | None = None) -> str:
        """List the studies of the store, the newest first."""
        with self._opened() as store:
            rows = []
            for record in reversed(store.studies()):
                study = Study.open(store, record.name)
                best = study.best_so_far
                rows.append(
                    {
                        "study": record.name,
                        "metric": f"{record.direction} {record.metric}",
                        "best": None if best is None else best.value,
                        "trials": len(study.trials),
                        "budget": str(study.budget),
                        "is_run": study.is_run(),
                    }
                )
        return answer(part(rows, cursor, 20))

    def study(self, study: str | None = None) -> str:
        """Describe a study: where it stands, its best, its space."""
        with self._study(study) as opened:
            best, spent = opened.best_so_far, opened.spent
            order = _by_value(opened)
            return answer(
                {
                    "study": opened.name,
                    "metric": f"{opened.record.direction} {opened.metric}",
                    "is_run": opened.is_run(),
                    "is_paused": opened.is_paused,
                    "best": best
                    and {"trial": best.trial, "epoch": best.epoch, "value": best.value, "params": dict(best.params)},
                    "best_against_next": compared(opened, order[0].number, order[1].number)
                    if len(order) > 1 and best
                    else None,
                    "confirmed": [
                        {"trial": one.trial, "mean": one.mean, "margin_95": one.margin} for one in opened.confirmed()
                    ],
                    "budget": str(opened.budget),
                    "epochs_trained": spent.trained,
                    "max_epochs": opened.max_epochs,
                    "trials": {state: n for state, n in trials_by_state(opened).items() if n},
                    "outlook": None if (ahead := opened.outlook()) is None else asdict(ahead),
                    "advisors": [asdict(one) for one in opened.advisors()],
                    "space": opened.space.to_dict(),
                }
            )

    def trials(
        self,
        study: str | None = None,
        *,
        sort: str = "best",
        state: str | None = None,
        by: str | None = None,
        top: int = 10,
        cursor: str | None = None,
    ) -> str:
        """List trials, best or newest first."""
        if sort not in ("best", "newest"):
            raise SettingError("sort must be best or newest")
        if state is not None and state not in _STATES:
            raise SettingError(f"state must be one of {', '.join(_STATES)}")
        _check_range("top", top, 1, _MOST_ROWS)
        with self._study(study) as opened:
            found = _by_value(opened) if sort == "best" else opened.trials[::-1]
            found = [one for one in found if state is None or one.state == state]
            found = [one for one in found if by is None or author_of(one) == by]
            return answer(part([_row(opened, one) for one in found], cursor, top))

    def curves(
        self, trials: Sequence[int], study: str | None = None, *, metric: str | None = None, points: int = 20
    ) -> str:
        """Return reported values by epoch of some trials, down-sampled."""
        _check_range("points", points, 2, _MOST_POINTS)
        _check_range("the number of trials", len(trials), 1, _MOST_CURVES)
        with self._study(study) as opened:
            curves = []
            for number in trials:
                reports = opened.reports(_trial(opened, number).number)
                names = list(dict.fromkeys(name for report in reports for name in report.metrics))
                wanted = metric or opened.metric
                if reports and wanted not in names:
                    raise SettingError(f"trial {number} has no metric {wanted[:60]!r}; it has {', '.join(names)}"[:400])
                values = [(report.epoch, report.metrics[wanted]) for report in reports if wanted in report.metrics]
                kept = sorted(set(np.linspace(0, len(values) - 1, points).round().astype(int))) if values else []
                curves.append(
                    {
                        "trial": number,
                        "metric": wanted,
                        "of_epochs": len(values),
                        "epochs": [values[i][0] for i in kept],
                        "values": [values[i][1] for i in kept],
                        "other_metrics": [name for name in names if name != wanted][:20],
                    }
                )
            return answer({"curves": curves})

    def why(self, trial: int, study: str | None = None) -> str:
        """Show why a trial was started and resumed, what was done to it, and what it came to."""
        with self._study(study) as opened:
            known = _trial(opened, trial)
            decided = [
                {
                    "action": one.action,
                    "epochs": f"{one.first_epoch}-{one.until}",
                    "expected": one.mean,
                    "80%": [one.better, one.worse],
                    "chance_to_beat_best": one.chance,
                    "gain": one.gain,
                }
                for one in opened.why(trial)
            ]
            no_model = (
                None if decided else "no model advised it: an early setting, a proposal, or a scheduler without one"
            )
            return answer(
                {
                    **_row(opened, known),
                    "proposed_why": reason_of(known),
                    "decisions": decided or no_model,
                    "commands": [
                        {"by": one.by, "why": one.why, "what": describe(one)} for one in opened.commands(trial)
                    ][-10:],
                    "ended_because": known.reason,
                }
            )

    def diagnose(self, study: str | None = None, trial: int | None = None) -> str:
        """Show what holds a trial's training back, and what to change."""
        from tunewell.diagnosis import examine  # noqa: PLC0415  its rules are many

        with self._study(study) as opened:
            number = opened.best.trial if trial is None else trial
            findings = examine(opened.run_record(number)).findings[:_MOST_FINDINGS]
            shown = [
                {
                    "label": one.label,
                    "confidence": one.confidence,
                    "evidence": one.evidence,
                    "next": {name: value for name, value in dict(one.next).items() if value not in (None, "")},
                    "check": one.check,
                }
                for one in findings
            ]
            return answer({"trial": number, "findings": shown})

    def importance(self, study: str | None = None) -> str:
        """Show which parameters mattered, with 90 % intervals."""
        with self._study(study) as opened:
            found = opened.importance()
            shares = [
                {"name": one.name, "share": one.share, "90%": [one.low, one.high], "is_known": one.is_known}
                for one in found
            ]
            return answer({"parameters": shares, "trials_compared": found.trials, "too_few": found.too_few})

    def plan(self, study: str | None = None) -> str:
        """Show when the budget will be spent, and what an epoch costs."""
        with self._study(study) as opened:
            left = plan(opened.reader)
            shown = {name: value for name, value in asdict(left).items() if name != "costs"}
            costs = [asdict(one) for one in left.costs.parameters] or left.costs.too_few
            return answer({"is_run": opened.is_run(), "budget": str(opened.budget), **shown, "slow_because_of": costs})

    def compare(self, trial: int, other: int, study: str | None = None) -> str:
        """Compare two trials at the last epoch that both have, with the interval of the difference."""
        with self._study(study) as opened:
            return answer(compared(opened, _trial(opened, trial).number, _trial(opened, other).number))

    def propose_trial(
        self, params: Mapping[str, Any], *, by: str, study: str | None = None, like: int | None = None, why: str = ""
    ) -> str:
        """Propose a setting, which has a short look when it is its turn."""
        self._check_scope("propose")
        with self._study(study) as opened:
            found = opened.propose(params, like=like, by=by, why=why)
            self._bound(opened, found.by)
            waiting = sum(one.waits for one in opened.proposals())
            then = "it waits for its turn; watch trials(by=...)" if opened.is_run() else "it waits until a process runs"
            return answer({"proposed": dict(found.params), "by": found.by, "waiting": waiting, "then": then})

    def steer(
        self,
        action: str,
        *,
        by: str,
        why: str,
        study: str | None = None,
        trial: int | None = None,
        name: str | None = None,
        value: Any = None,
        epoch: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> str:
        """Send a command to a trial, or pause or resume the whole study."""
        self._check_scope("apply")
        by, why = checked_author(by), checked_why(why)
        if not why:
            raise SettingError("why is empty; say in a line what this is for: it goes on record")
        with self._study(study) as opened:
            if trial is None:
                if action not in ("pause", "resume"):
                    raise SettingError(f"{action[:40]} is for a trial; name one, or pause or resume the whole study")
                self._bound(opened, by)
                (opened.pause if action == "pause" else opened.resume)(by=by, why=why)
                return answer({"study": opened.name, "done": f"{action}d", "by": by})
            wanted = _action(action, name, value, epoch, params or {})
            number = _trial(opened, trial).number
            self._bound(opened, by)
            sent, costs = opened.steering.send_within(self._share, number, wanted, by=by, why=why)
            now = next(one for one in opened.commands(number) if one.id == sent.id)
            return answer(
                {
                    "sent": describe(now),
                    "by": by,
                    "may_train_epochs": costs,
                    "then": "taken up" if now.taken_at is not None else "taken up after the trial's epoch; see why()",
                    "is_run": opened.is_run(),
                }
            )

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        store = open_store(self._store, create=False)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def _study(self, name: str | None) -> Iterator[Study]:
        if name is not None and len(name) > 500:
            raise SettingError("no study has a name that long; studies() lists them")
        with self._opened() as store:
            yield Study.open(store, name)

    def _bound(self, study: Study, by: str) -> None:
        """Put on record what this author may do, so that it holds in whichever way it goes on."""
        study.bound(by, self._share if self.scope == "apply" else 0.0, why=f"it is served with --allow {self.scope}")

    def _check_scope(self, needed: str) -> None:
        if SCOPES.index(self.scope) < SCOPES.index(needed):
            raise SettingError(f"this server may {self.scope} only; ask the user to start it with --allow {needed}")


def _action(kind: str, name: str | None, value: Any, epoch: int | None, params: Mapping[str, Any]) -> Action:
    """Return the command that is meant; what a remark says is its value."""
    if epoch is not None:
        _check_range("epoch", epoch, 0, OPEN_END - 1)
    for given, one in params.items():
        _check_value(given, one)
    if kind in ("note", "tag", "untag"):
        text = None if value is None else checked_why(value) or None
        if text is None:
            raise SettingError(f"{kind} needs value, a text")
        return made(kind, {"text" if kind == "note" else "name": text, "epoch": epoch, "params": params})
    if value is not None:
        _check_value(name or "value", value)
    return made(kind, {"name": name, "value": value, "epoch": epoch, "params": dict(params)})


def _check_value(name: str, value: Any) -> None:
    if not isinstance(value, get_args(_VALUES)) or (isinstance(value, int) and value.bit_length() > 64):
        raise SettingError(f"{name[:60]}: a value must be a number, a text or true/false, of usual size")


def _check_range(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingError(f"{what} must be {low} to {high}")


def _trial(study: Study, number: int) -> Trial:
    trials = study.trials
    if not 0 <= number < len(trials):
        if abs(number) >= 10**9:
            raise SettingError(f"there is no trial of that number; there are {len(trials)}, from 0")
        raise TrialNotFound(number, len(trials))
    return trials[number]


def _by_value(study: Study) -> list[Trial]:
    """Return the trials, best first, those that broke after them, those without a value last."""
    trials, lowest, broken = study.trials, study.history.lowest, study.history.broken
    n = min(len(trials), len(lowest))
    order = np.lexsort((lowest[:n], broken[:n] & np.isfinite(lowest[:n]), np.isinf(lowest[:n])))
    return [trials[i] for i in order]


def _row(study: Study, trial: Trial) -> dict[str, Any]:
    best = study.best_of(trial.number)
    found = {
        "trial": trial.number,
        "state": str(trial.state),
        "value": None if best is None or not math.isfinite(best[1]) else best[1],
        "epochs": int(study.history.epochs[trial.number]),
        "params": dict(trial.params),
    }
    if (by := author_of(trial)) is not None:
        found["proposed_by"] = by
    return found
