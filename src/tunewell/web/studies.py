"""Studies as the page has them: a row each for the list, one of them in full, and what comes next."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tunewell.analysis.lineage import branch_tree
from tunewell.display.formatting import counted
from tunewell.display.summary import in_words, spent_of_budget, spent_share
from tunewell.space.params import Choice, Param
from tunewell.stores import DamagedStudy
from tunewell.study import StudyReader
from tunewell.study.plan import plan as forecast
from tunewell.study.settings import confirms
from tunewell.trial import OPEN_END, TrialState
from tunewell.web.shelf import Shelf, Watched
from tunewell.web.table import states_of

_FEW_SESSIONS = 20
_MOST_FORECAST = 20_000


def studies(shelf: Shelf) -> list[dict[str, Any]]:
    """Return a row a study, oldest first."""
    return [study_row(shelf.look(one.id)) for one in shelf.records()]


def study_row(watched: Watched) -> dict[str, Any]:
    """Return what the list says of a study."""
    with watched.lock:
        reader = watched.reader
        revision = watched.look()
        record, confirmed = reader.record, confirms(reader.record.name)
        return {
            "id": watched.id,
            "uuid": record.uuid,
            "name": record.name,
            "metric": record.metric,
            "direction": record.direction,
            "metrics": reader.directions,
            "created_at": record.created_at,
            "revision": revision,
            "trials": len(reader.log.trials),
            "confirms": None if confirmed is None else confirmed[0],
            "damage": damage_of(watched),
            **progress(watched),
        }


def progress(watched: Watched) -> dict[str, Any]:
    """Return what of a study changes while it runs. To be called with the study's lock held."""
    reader = watched.reader
    found, budget = reader.log.best(), reader.budget
    return {
        "states": states_of(watched),
        "best": None if found is None else dict(zip(("trial", "epoch", "value"), found, strict=True)),
        "budget": str(budget),
        "budget_text": in_words(budget),
        "spent": {**asdict(reader.spent), "share": spent_share(reader), "text": spent_of_budget(reader)},
        "max_epochs": reader.max_epochs,
        "is_paused": reader.log.is_paused,
        "is_run": watched.is_run(),
        "versions_of_space": len(reader.log.versions.spaces),
    }


def overview(watched: Watched) -> dict[str, Any]:
    """Return a study in full, but for its trials."""
    with watched.lock:
        reader = watched.reader
        row, record, sessions = study_row(watched), watched.reader.record, watched.reader.sessions()
        return {
            **row,
            "space": space_rows(watched),
            "live": [name for name, param in reader.space.params.items() if param.live],
            "scheduler": _scheduler_in_words(record.scheduler) + _of_several(reader),
            "sampler": _sampler_of(record.scheduler),
            "seed": record.seed,
            "min_delta": record.min_delta,
            "sessions": [asdict(one) for one in sessions[-_FEW_SESSIONS:]],
            "sessions_in_all": len(sessions),
            **plan(watched),
        }


def plan(watched: Watched) -> dict[str, Any]:
    """Return what comes next, and what more search would bring."""
    with watched.lock:
        reader = watched.reader
        ahead, at_bounds = reader.outlook(), reader.at_bounds()
        return {
            "outlook": None
            if ahead is None
            else {**asdict(ahead), "text": _outlook_in_words(ahead.gain, ahead.chance)},
            "at_bounds": [
                {
                    **asdict(one),
                    "text": f"{one.name}: the best trials lie at {one.side}={one.bound:.6g}; "
                    f"what is better may lie beyond, up to {one.suggested:.6g}",
                }
                for one in at_bounds
            ],
            "waits": waits_for(watched),
            "next": _next(watched),
        }


def finish(watched: Watched) -> dict[str, Any]:
    """Return when the budget will be spent, as an interval that holds in four of five cases; or why nobody knows."""
    left, why, more = None, None, None
    if not watched.is_run():
        why = "no process runs it"
    elif len(watched.reader.log.trials) > _MOST_FORECAST:
        why = f"of more than {_MOST_FORECAST:,} trials it takes long to work out; see: tunewell plan"
    else:
        found = forecast(watched.reader)
        left, why, more = found.time_left, found.unknown, found.more
    return {
        "at": time.time(),
        "left": None if left is None else asdict(left),
        "why": why,
        "more": None if more is None else asdict(more),
    }


def lineage(watched: Watched) -> list[dict[str, Any]]:
    """Return the trials that have branches or are branches, parents first, each with its depth."""
    with watched.lock:
        watched.look()
        reader, found = watched.reader, []
        twins = reader.twins()
        rewound = {one.branch for one in watched.commands.values() if one.kind == "rewind" and one.branch is not None}
        for depth, trial in branch_tree(reader.log.trials):
            best, before = reader.log.best_of(trial.number), {}
            if trial.parent is not None:
                at = int(trial.parent_epoch or 0)
                parts = reader.schedule(trial.parent)
                before = dict(next((one.values for one in parts if one.first <= max(at, 1) <= one.last), {}))
            changed = {name: value for name, value in trial.params.items() if before and before.get(name) != value}
            twin = twins.get(trial.number)
            found.append(
                {
                    "trial": trial.number,
                    "depth": depth,
                    "parent": trial.parent,
                    "parent_epoch": trial.parent_epoch,
                    "kind": _kind_of(trial.number, rewound, is_twin=twin is not None or "twin" in trial.note)
                    if trial.parent is not None
                    else "root",
                    "state": str(trial.state),
                    "epochs": int(reader.log.history.epochs[trial.number]),
                    "value": None if best is None else best[1],
                    "best_epoch": None if best is None else best[0],
                    "changed": [
                        {"name": name, "from": before.get(name), "to": value} for name, value in changed.items()
                    ],
                    "twin": None if twin is None else asdict(twin),
                }
            )
        return found


def space_rows(watched: Watched) -> list[dict[str, Any]]:
    """Return the parameters, in order."""
    space = watched.reader.space
    return [parameter(name, param, space.tier(name)) for name, param in space.params.items()]


def parameter(name: str, param: Param, tier: int) -> dict[str, Any]:
    """Return a parameter as the page has it."""
    range_: dict[str, Any] = dict.fromkeys(("low", "high", "scale", "values", "ordered"))
    if isinstance(param, Choice):
        range_ |= {"values": list(param.values), "ordered": param.ordered}
    else:
        range_ |= {"low": param.low, "high": param.high, "scale": param.scale}
    return {
        "name": name,
        "kind": type(param).__name__.lower(),
        **range_,
        "default": param.default,
        "tier": tier,
        "live": param.live,
        "when": {parent: list(values) for parent, values in param.conditions.items()},
        "text": repr(param),
    }


def damage_of(watched: Watched) -> str | None:
    """Return what of a study cannot be read; None if nothing."""
    lost: Mapping[str, set[int]] = getattr(watched.reader.store, "damaged", {})
    if isinstance(watched.reader.record, DamagedStudy) or watched.reader.log.has_lost_space:
        return (
            "its row, or its space, is damaged: it can be looked at, and nothing can be added; restore it from a copy"
        )
    if lost:
        counts = ", ".join(counted(len(rows), name) for name, rows in lost.items())
        return f"{counts} of the store cannot be read; restore the record from a copy"
    return None


def waits_for(watched: Watched) -> str | None:
    """Return what a study waits for, if it does not train though it is not over."""
    reader = watched.reader
    if reader.log.is_paused:
        return "the study is paused; nothing of it trains until it goes on"
    if not watched.is_run():
        waiting = reader.log.n_waiting
        commands = (
            f"; {counted(waiting, 'command')} {'waits' if waiting == 1 else 'wait'} to be taken up" if waiting else ""
        )
        return f"no process runs it{commands}; to go on: tunewell tune ... --resume"
    if reader.awaited_s > 1:
        return f"its database has not answered for {reader.awaited_s:.0f} s"
    return None


def _next(watched: Watched) -> str:
    """Return in a sentence what happens next."""
    reader = watched.reader
    waits = waits_for(watched)
    if waits is not None:
        return f"{waits[:1].upper()}{waits[1:]}."
    running = [one for one in reader.log.trials if one.state is TrialState.RUNNING]
    if not running:
        return "The scheduler decides which run gets the next epochs."
    ends = [f"trial {one.number} through epoch {'its end' if one.until >= OPEN_END else one.until}" for one in running]
    more = f" and {len(ends) - 4} more" if len(ends) > 4 else ""
    return f"In progress: {', '.join(ends[:4])}{more}; then the scheduler decides."


def _outlook_in_words(gain: float, chance: float) -> str:
    return f"one more training gains {gain:.2g} on average; {chance:.0%} chance that it gains anything"


def _kind_of(trial: int, rewound: set[int], *, is_twin: bool) -> str:
    if is_twin:
        return "twin"
    return "rewind" if trial in rewound else "branch"


def _scheduler_in_words(scheduler: object) -> str:
    """Return `asha on sobol`, from what a study has on record of its scheduler."""
    names = []
    while isinstance(scheduler, dict):
        names.append(str(scheduler.get("name")))
        scheduler = scheduler.get("sampler") or scheduler.get("then")
    return " on ".join(name for name in names if name != "first")


def _sampler_of(scheduler: Mapping[str, object]) -> str | None:
    names = _scheduler_in_words(scheduler).split(" on ")
    return names[-1] if len(names) > 1 else None


def _of_several(reader: StudyReader) -> str:
    """Return what is to be known where the page shows one metric of several, or limits; nothing elsewhere."""
    aims = reader.aims
    limits = f"; only what meets {' and '.join(map(str, aims.limits))} is the best" if aims.limits else ""
    if not aims.are_several:
        return limits
    return f"; the best is the knee of their front{limits}"
