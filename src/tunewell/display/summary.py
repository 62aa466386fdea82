"""A study in a line: what it has spent, and how its trials stand."""

from __future__ import annotations

from tunewell.analysis.more_time import Gain
from tunewell.display.formatting import counted, duration, measured
from tunewell.study import ReadableStudy
from tunewell.study.budget import Budget
from tunewell.trial import OPEN_END, Trial, TrialState


def spent_of_budget(study: ReadableStudy) -> str:
    """Return `412 of 900 epochs`, `7 of 100 trials`, `1 min 5 s of 2 h 00 min`, with what was trained again."""
    budget, spent = study.budget, study.spent
    epochs = counted(spent.trained, "epoch")
    again = f", {spent.retrained} more trained again" if spent.retrained else ""
    if budget.unit == "seconds":
        return f"{duration(spent.seconds)} of {duration(budget.amount)}, {epochs}{again}"
    if budget.unit == "trials":
        return f"{spent.trials} of {budget.amount:g} trials, {epochs}{again}"
    in_all = _epochs_in_all(study)
    return f"{epochs if in_all is None else f'{spent.trained} of {in_all} epochs'}{again}"


def in_words(budget: Budget) -> str:
    """Return `30 full trainings`, `900 epochs`, `2 h 00 min`."""
    if budget.unit == "seconds":
        return duration(budget.amount)
    unit = budget.unit.removesuffix("s") if budget.amount == 1 else budget.unit
    return f"{budget.amount:g} {'full ' if budget.unit == 'trainings' else ''}{unit}"


def spent_share(study: ReadableStudy) -> float | None:
    """Return the share of the budget that is used up by what is trained, without what is promised; None if unknown."""
    budget = study.budget
    if budget.unit == "seconds":
        return min(1.0, study.spent.seconds / budget.amount)
    if budget.unit == "trials":
        history = study.history
        return min(1.0, (len(history) - int(history.running.sum())) / budget.amount)
    in_all = _epochs_in_all(study)
    return None if in_all is None else min(1.0, (study.spent.trained + study.spent.fruitless) / in_all)


def more_in_words(gain: Gain, seconds: float) -> str:
    """Return `one more hour buys 0.01 on average (0 to 0.03 in 8 of 10 cases)`."""
    span = "one more hour" if seconds == 3600 else f"half as long again ({duration(seconds)})"
    if gain.high <= 0:
        return f"{span} buys nothing in 9 of 10 cases"
    low = "0" if gain.low <= 0 else measured(gain.low)
    return f"{span} buys {measured(gain.mean)} on average ({low} to {measured(gain.high)} in 8 of 10 cases)"


NOT_CONTINUED = "not continued"


def counts(study: ReadableStudy, *, over: bool = False) -> str:
    """Return how many trials are in each state: `1 running, 4 paused, 2 complete`.

    over: nobody trains, and what is paused does not wait for anything; it is `not continued`.
    """
    by_state = trials_by_state(study)
    words = {str(TrialState.PAUSED): NOT_CONTINUED} if over else {}
    return ", ".join(f"{n} {words.get(state, state)}" for state, n in by_state.items() if n) or "none yet"


def state_of(trial: Trial, *, over: bool) -> str:
    """Return a trial's state in words; `over` as of `counts`."""
    return NOT_CONTINUED if over and trial.state is TrialState.PAUSED else str(trial.state)


def trials_by_state(study: ReadableStudy) -> dict[str, int]:
    """Return the number of trials in each state."""
    history = study.history
    complete = history.ended & ~history.failed & ~history.stopped & ~history.held
    in_order = (history.running, history.paused, history.held, complete, history.stopped, history.failed)
    arrays = dict(zip(TrialState, in_order, strict=True))
    return {str(state): int(is_so.sum()) for state, is_so in arrays.items()}


def _epochs_in_all(study: ReadableStudy) -> int | None:
    """Return the budget in epochs; None if that is not known, or it is not in epochs."""
    if study.budget.unit != "epochs" and study.max_epochs is None:
        return None
    in_all = study.budget.epochs(study.max_epochs or 1)
    return None if in_all is None or in_all >= OPEN_END else in_all
