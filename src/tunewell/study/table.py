"""A study's trials as a table, one row a trial: what data frames and exports show."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tunewell.arrays import Floats
from tunewell.errors import last_line
from tunewell.proposals import author_of
from tunewell.study.log import Log

_ABOUT = ("trial", "state", "best_epoch", "epochs", "seed", "started_at", "ended_at", "reason", "proposed_by")


def trial_rows(log: Log, metric: str, parameters: Iterable[str]) -> list[dict[str, object]]:
    """Return the trials by number, the same columns in each row.

    Of several metrics, and those with a limit, each is a column, as it was at the best epoch; of a trial on the front,
    at its epoch there.

    A metric or parameter with the name of another column goes by `metric_...` or `param_...`. Whose proposals they were
    is a column where there are some.
    """
    parameters = list(parameters)
    on_front = (
        dict(zip(log.front().trials.tolist(), log.front().epochs.tolist(), strict=True)) if log.aims.are_several else {}
    )
    others = [name for name in log.aims.names if name != metric]
    further = {name: log.outcomes.of(name) for name in others}
    is_advised = any(author_of(trial) is not None for trial in log.trials)
    value = f"metric_{metric}" if metric in _ABOUT else metric
    columns = {name: f"param_{name}" if name in (*_ABOUT, value) else name for name in parameters}
    rows: list[dict[str, object]] = []
    for trial in log.trials:
        best = log.best_of(trial.number)
        if trial.number in on_front:
            epoch = on_front[trial.number]
            first = log.outcomes.of(metric)[trial.number, epoch - 1]
            best = epoch, float(first)
        rows.append(
            {
                "trial": trial.number,
                "state": str(trial.state),
                value: best[1] if best else None,
                "best_epoch": best[0] if best else None,
                **{_free(name, parameters): _at(further[name], trial.number, best and best[0]) for name in others},
                **({"on_front": trial.number in on_front} if log.aims.are_several else {}),
                "epochs": int(log.history.epochs[trial.number]),
                **{column: trial.params.get(name) for name, column in columns.items()},
                "seed": trial.seed,
                "started_at": trial.started_at,
                "ended_at": trial.ended_at,
                "reason": None if trial.reason is None else last_line(trial.reason),
                **({"proposed_by": author_of(trial)} if is_advised else {}),
            }
        )
    return rows


def _free(metric: str, parameters: list[str]) -> str:
    return f"metric_{metric}" if metric in _ABOUT or metric in parameters else metric


def _at(values: Floats, trial: int, epoch: int | None) -> float | None:
    """Return what a metric was at an epoch, (n, c); None if it was not known."""
    if epoch is None or trial >= len(values) or epoch > values.shape[1] or math.isnan(values[trial, epoch - 1]):
        return None
    return float(values[trial, epoch - 1])
