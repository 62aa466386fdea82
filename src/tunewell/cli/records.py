"""Studies, trials and sessions as plain data: what `--json` prints and `export` writes, under the same names."""

from __future__ import annotations

from dataclasses import asdict

from tunewell.display.summary import trials_by_state
from tunewell.study import Study
from tunewell.study.confirmation import confirmed
from tunewell.study.reader import Best
from tunewell.trial import Report, Trial


def best_record(best: Best) -> dict[str, object]:
    """The best report with its setting."""
    return {"trial": best.trial, "epoch": best.epoch, "value": best.value, "params": dict(best.params)}


def study_record(study: Study) -> dict[str, object]:
    """A study, its best report and how many trials it has in each state."""
    record, best = study.record, study.best_so_far
    return {
        "study": record.name,
        "store": study.url,
        "uuid": record.uuid,
        "metric": record.metric,
        "direction": record.direction,
        "best": None if best is None else best_record(best),
        "confirmed": [asdict(one) | {"mean": one.mean, "margin": one.margin} for one in confirmed(study)],
        "outlook": None if (ahead := study.outlook()) is None else asdict(ahead),
        "trials_by_state": trials_by_state(study),
        "epochs": study.spent.epochs,
        "max_epochs": study.max_epochs,
        "budget": record.budget,
        "space": study.space.to_dict(),
        "scheduler": record.scheduler,
        "seed": record.seed,
        "created_at": record.created_at,
    }


def trial_record(study: Study, trial: Trial) -> dict[str, object]:
    """A trial and where it stands."""
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
    }


def whole_trial_record(study: Study, trial: Trial) -> dict[str, object]:
    """A trial with its reports, its events and the session that trained it last."""
    sessions = study.sessions()
    return trial_record(study, trial) | {
        "session": next((asdict(session) for session in sessions if session.id == trial.session), None),
        "events": [asdict(event) for event in study.events(trial.number)],
        "reports": [report_record(report) for report in study.reports(trial.number)],
    }


def whole_study_record(study: Study) -> dict[str, object]:
    """All that is known of a study."""
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
    """What one epoch measured."""
    return {"epoch": report.epoch, "at": report.at, "metrics": dict(report.metrics)}
