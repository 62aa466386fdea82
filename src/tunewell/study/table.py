"""A study's trials as a table, one row a trial: what data frames and exports show."""

from __future__ import annotations

from collections.abc import Iterable

from tunewell.errors import last_line
from tunewell.proposals import author_of
from tunewell.study.log import Log

_ABOUT = ("trial", "state", "best_epoch", "epochs", "seed", "started_at", "ended_at", "reason", "proposed_by")


def trial_rows(log: Log, metric: str, parameters: Iterable[str]) -> list[dict[str, object]]:
    """Return the trials by number, the same columns in each row.

    A metric or parameter with the name of another column goes by `metric_...` or `param_...`. Whose proposals they were
    is a column where there are some.
    """
    is_advised = any(author_of(trial) is not None for trial in log.trials)
    value = f"metric_{metric}" if metric in _ABOUT else metric
    columns = {name: f"param_{name}" if name in (*_ABOUT, value) else name for name in parameters}
    rows: list[dict[str, object]] = []
    for trial in log.trials:
        best = log.best_of(trial.number)
        rows.append(
            {
                "trial": trial.number,
                "state": str(trial.state),
                value: best[1] if best else None,
                "best_epoch": best[0] if best else None,
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
