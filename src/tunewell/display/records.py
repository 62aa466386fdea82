"""Studies, trials and reports as plain data and as JSON: one set of names for all that prints or writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from tunewell.display.summary import trials_by_state
from tunewell.proposals import author_of
from tunewell.study import Study
from tunewell.study.confirmed import confirmed
from tunewell.study.reader import Best
from tunewell.trial import Report, Trial


def best_record(best: Best) -> dict[str, object]:
    """Return the best report with its setting."""
    return {"trial": best.trial, "epoch": best.epoch, "value": best.value, "params": dict(best.params)} | {
        "state": str(best.state),
        "checkpoint": None if best.checkpoint is None else str(best.checkpoint),
    }


def front_records(study: Study) -> list[dict[str, object]]:
    """Return the front of a study with several metrics, by the first one; empty where there is one metric."""
    if not study.aims.are_several:
        return []
    return [
        {"trial": one.trial, "epoch": one.epoch, "values": dict(one.values), "params": dict(one.params)}
        | {"knee": one.is_knee, "checkpoint": None if one.checkpoint is None else str(one.checkpoint)}
        for one in study.front()
    ]


def study_record(study: Study) -> dict[str, object]:
    """Return a study, its best report and how many trials it has in each state."""
    record, best = study.record, study.best_so_far
    return {
        "study": record.name,
        "store": study.url,
        "uuid": record.uuid,
        "metric": record.metric,
        "direction": record.direction,
        "metrics": dict(study.aims.metrics),
        "limits": [str(limit) for limit in study.aims.limits],
        "front": front_records(study),
        "best": None if best is None else best_record(best),
        "confirmed": [asdict(one) | {"mean": one.mean, "margin": one.margin} for one in confirmed(study)],
        "outlook": None if (ahead := study.outlook()) is None else asdict(ahead),
        "advisors": [asdict(one) for one in study.advisors()],
        "trials_by_state": trials_by_state(study),
        "epochs": study.spent.trained,
        "retrained": study.spent.retrained,
        "max_epochs": study.max_epochs,
        "budget": record.budget,
        "space": None if study.reader.log.has_lost_space else study.space.to_dict(),
        "scheduler": record.scheduler,
        "seed": record.seed,
        "created_at": record.created_at,
    }


def trial_record(study: Study, trial: Trial) -> dict[str, object]:
    """Return a trial, its setting and its best value."""
    best = study.best_of(trial.number)
    return {
        "trial": trial.number,
        "state": str(trial.state),
        "value": best and best[1],
        "best_epoch": best and best[0],
        "epochs": int(study.history.epochs[trial.number]),
        "params": dict(trial.params),
        "seed": trial.seed,
        "started_at": trial.started_at,
        "ended_at": trial.ended_at,
        "reason": trial.reason,
        "retrained": trial.retrained,
        "session": trial.session,
        "proposed_by": author_of(trial),
    }


def whole_trial_record(study: Study, trial: Trial) -> dict[str, object]:
    """Return a trial with its reports, its events and the session that trained it last."""
    session = study.session_of(trial)
    return trial_record(study, trial) | {
        "session": None if session is None else asdict(session),
        "events": [asdict(event) for event in study.events(trial.number)],
        "reports": [report_record(report) for report in study.reports(trial.number)],
    }


def whole_study_record(study: Study) -> dict[str, object]:
    """Return a study with its sessions, events, checkpoints, trials and reports."""
    by_trial: dict[int, list[dict[str, object]]] = {trial.number: [] for trial in study.trials}
    for report in study.reports():
        by_trial[report.trial].append(report_record(report))
    return study_record(study) | {
        "sessions": [asdict(session) for session in study.sessions()],
        "events": [asdict(event) for event in study.events()],
        "checkpoints": [asdict(checkpoint) for checkpoint in study.checkpoints()],
        "trials": [trial_record(study, trial) | {"reports": by_trial[trial.number]} for trial in study.trials],
    }


def report_record(report: Report) -> dict[str, object]:
    """Return what one epoch measured."""
    return {"epoch": report.epoch, "at": report.at, "metrics": dict(report.metrics)}


def json_text(data: object) -> str:
    """Return a JSON document; what JSON has no number for is a string: "nan", "inf", "-inf"."""
    return json.dumps(_json_ready(data), indent=2, allow_nan=False)


def _json_ready(data: object) -> object:
    match data:
        case float() if not math.isfinite(data):
            return str(data)
        case np.generic():
            return _json_ready(data.item())
        case Mapping():
            return {str(key): _json_ready(value) for key, value in data.items()}
        case list() | tuple():
            return [_json_ready(value) for value in data]
        case _:
            return data
