"""A trial as the page has it: its setting and curves, what was done to it and why, and what can be done now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tunewell import figures
from tunewell.analysis.decisions import DECIDED, Decision
from tunewell.analysis.lineage import trial_of_epoch
from tunewell.commands import Command, Note
from tunewell.display.formatting import measured
from tunewell.display.records import json_text, whole_study_record
from tunewell.errors import RecordError, SettingError, TrialNotFound
from tunewell.figures import Table
from tunewell.space.values import Value
from tunewell.stores.command_rows import command_of, data_of
from tunewell.study.commands import describe, describe_effect
from tunewell.trial import STEERED, Event, Report, Trial, TrialState
from tunewell.web.shelf import Watched
from tunewell.web.table import rows_of

MOST_COMPARED = 20


def checked_trial(watched: Watched, number: int) -> Trial:
    """Return a trial, by its number.

    Raises:
        TrialNotFound: there is no such trial.
    """
    trials = watched.reader.log.trials
    if not 0 <= number < len(trials):
        raise TrialNotFound(number, len(trials))
    return trials[number]


def whole_trial(watched: Watched, number: int) -> dict[str, Any]:
    """Return a trial with its reports, events, commands and origin.

    Raises:
        TrialNotFound: there is no such trial.
    """
    with watched.lock:
        revision = watched.look()
        trial, reader = checked_trial(watched, number), watched.reader
        trials, study = reader.log.trials, watched.study
        session, twins = reader.session_of(trial), reader.twins()
        commands = [one for one in watched.commands.values() if one.trial == number]
        saved = [one for one in reader.checkpoints() if trial_of_epoch(trials, number, one.epoch) == one.trial]
        return {
            "revision": revision,
            "trial": {name: values[0] for name, values in rows_of(watched, [number]).items()},
            "params": dict(trial.params),
            "values": study.values(number),
            "schedule": [asdict(one) for one in reader.schedule(number)],
            "reports": _reports(reader.reports(number)),
            "events": [_event(one) for one in reader.events(number) if one.kind != DECIDED],
            "commands": [command_row(one) for one in sorted(commands, key=lambda one: one.id)],
            "notes": [
                {"text": one.action.text, "by": one.by, "at": one.at}
                for one in commands
                if isinstance(one.action, Note) and one.is_done
            ],
            "provenance": None if session is None else asdict(session),
            "seed": trial.seed,
            "reason": trial.reason,
            "retrained": trial.retrained,
            "why": [_why(one) for one in reader.why(number)],
            "checkpoints": sorted({one.epoch for one in saved if one.epoch <= int(reader.log.history.epochs[number])}),
            "parent": trial.parent,
            "children": [one.number for one in trials if one.parent == number],
            "twins": [
                {"trial": twin, **asdict(found)}
                for twin, found in twins.items()
                if number in (twin, trials[twin].parent)
            ],
            "actions": actions(watched, trial, has_checkpoint=bool(saved)),
        }


def command_row(command: Command) -> dict[str, Any]:
    """Return a command as the page shows it: as sent, as taken up, or as refused."""
    state = "asked" if command.taken_at is None else "taken" if command.refused is None else "refused"
    return {
        "id": command.id,
        "trial": command.trial,
        "kind": command.kind,
        "text": describe_effect(command) if state == "taken" else describe(command),
        "data": data_of(command),
        "by": command.by,
        "why": command.why,
        "at": command.at,
        "state": state,
        "taken_at": command.taken_at,
        "epoch": command.epoch,
        "refused": command.refused,
        "branch": command.branch,
    }


def actions(watched: Watched, trial: Trial, *, has_checkpoint: bool) -> dict[str, str | None]:
    """Return, by each thing that may be done with a trial, why it cannot be; None where it can.

    It is checked again when it is sent, and when it is taken up.
    """
    state, space = trial.state, watched.reader.space
    ended = f"the trial has ended: {state}" if state.ended else None
    live = [name for name, param in space.params.items() if param.live and name in trial.params]
    is_held = state is TrialState.HELD
    untracked = None if has_checkpoint else "it keeps no checkpoint; it can be begun anew, from epoch 0"
    return {
        "pause": ended or ("it is paused already" if is_held else None),
        "resume": ended or (None if is_held else "it is not paused by hand"),
        "stop": ended,
        "set": ended or (None if live else "none of its parameters is live"),
        "rewind": ended,
        "branch": None,
        "back_to": untracked,
        "checkpoint": ended or (None if state is TrialState.RUNNING else "it does not train now"),
        "note": None,
        "tag": None,
        "untag": None if watched.tags.get(trial.number) else "it has no tag",
    }


def diagnosed(watched: Watched, number: int) -> dict[str, Any]:
    """Return what holds a trial back, the likeliest first, each with where it is seen and what would mend it.

    Raises:
        TrialNotFound: there is no such trial.
    """
    from tunewell.diagnosis import examine  # noqa: PLC0415  its rules are many

    with watched.lock:
        watched.look()
        trial = checked_trial(watched, number)
        try:
            record = watched.reader.run_record(number)
        except RecordError as error:
            return {"findings": [], "note": str(error)}
        tried = [dict(one.params) for one in watched.reader.log.trials if number in (one.parent, one.number)]
        has_checkpoint = any(one.epoch for one in watched.reader.checkpoints(number))
    try:
        diagnosis = examine(record)
    except RecordError as error:
        return {"findings": [], "note": str(error)}
    found = []
    for place, one in enumerate(diagnosis.findings):
        found.append(
            {
                "cause": one.label,
                "title": one.label.replace("_", " "),
                "confidence": one.confidence,
                "seen": one.evidence,
                "means": one.means,
                "change": {**one.next},
                "check": one.check,
                "otherwise": one.otherwise,
                "figure": figures.evidence(diagnosis, place).as_dict(),
                "fix": _fix(watched, trial, one, tried, diagnosis.opposed, has_checkpoint=has_checkpoint),
            }
        )
    return {"findings": found, "note": None}


def compared(watched: Watched, numbers: Sequence[int]) -> dict[str, Any]:
    """Return some trials side by side: what differs in their settings, what does not, and their curves.

    Raises:
        TrialNotFound: there is no such trial.
        SettingError: they are none, or too many.
    """
    if not 1 <= len(numbers) <= MOST_COMPARED:
        raise SettingError(f"1 to {MOST_COMPARED} trials can be compared, got {len(numbers)}")
    with watched.lock:
        revision = watched.look()
        chosen = [checked_trial(watched, number) for number in numbers]
        names = dict.fromkeys(name for one in chosen for name in one.params)
        settings = {name: [one.params.get(name) for one in chosen] for name in names}
        rows = rows_of(watched, numbers)
        return {
            "revision": revision,
            "trials": [{name: values[place] for name, values in rows.items()} for place in range(len(numbers))],
            "differs": [{"name": name, "values": v} for name, v in settings.items() if _are_different(v)],
            "same": [{"name": name, "value": v[0]} for name, v in settings.items() if not _are_different(v)],
            # its table is that of all trials
            "curves": figures.curves(watched.reader, trials=list(numbers)).as_dict() | {"table": None},
        }


def exported_json(watched: Watched) -> str:
    """Return all that is on record of a study."""
    with watched.lock, watched.reader.still():
        return json_text(whole_study_record(watched.study))


def _are_different(values: Sequence[object]) -> bool:
    return any(value != values[0] or type(value) is not type(values[0]) for value in values)


def _reports(reports: Iterable[Report]) -> dict[str, Any]:
    """Return the reports as columns: epoch, time, and every metric."""
    reports = list(reports)
    names = dict.fromkeys(name for one in reports for name in one.metrics)
    columns: dict[str, Any] = {
        "epoch": np.array([float(one.epoch) for one in reports]),
        "at": np.array([one.at for one in reports]),
    }
    for name in names:
        columns[f"metric:{name}"] = np.array([one.metrics.get(name, np.nan) for one in reports])
    return Table(columns).as_dict()


def _event(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "at": event.at,
        "epoch": event.epoch,
        "by": event.by,
        "text": _in_words(event),
        "data": dict(event.data),
    }


def _in_words(event: Event) -> str:
    command = command_of(event) if event.kind == STEERED else None
    if command is None:
        return ", ".join(f"{name} {value}" for name, value in event.data.items())
    return describe(command) if command.refused is not None else describe_effect(command)


def _why(decision: Decision) -> dict[str, Any]:
    expected = (
        f"expected {measured(decision.mean)}, 8 of 10 cases {measured(decision.worse)} to {measured(decision.better)}"
    )
    text = (
        f"{decision.action} for epochs {decision.first_epoch} to {decision.until}: {expected}; the best then was "
        f"{measured(decision.best)}, chance to beat it {decision.chance:.0%}, of {decision.n_weighed} that were weighed"
    )
    return {**asdict(decision), "text": text}


def _fix(
    watched: Watched,
    trial: Trial,
    finding: Any,
    tried: Sequence[Mapping[str, Any]],
    opposed: Any,
    *,
    has_checkpoint: bool,
) -> dict[str, Any] | None:
    """Return what the page can do at once about a finding; None if it is in the code or the data."""
    from tunewell.diagnosis.readers.names import parameter_of  # noqa: PLC0415
    from tunewell.rescue.parameter_changes import parameter_changes  # noqa: PLC0415  it trains, which imports much

    space, max_epochs = watched.reader.space, watched.reader.max_epochs or 1
    changes = list(parameter_changes(finding, space, trial.params, tried, max_epochs, opposed))
    if not changes:
        return None
    # the page says beside the button what the finding calls for: the button does that, or says what it does instead
    named = parameter_of(finding.next.param, space.names)
    change = next((one for one in changes if one.param == named), changes[0])
    proposed = finding.next.value
    instead = None
    if change.param != named:
        wished = named or finding.next.param.replace("_", " ")
        reason = "cannot be moved that way" if named else "is no parameter of this study"
        instead = f"{wished} {reason}; {change.param} may mend the same"
    elif isinstance(proposed, int | float) and not math.isclose(float(proposed), _number(change.new), rel_tol=1e-3):
        instead = f"{_brief(proposed)} was tried before, or lies outside the range; {_brief(change.new)} is the next"
    params, is_live = {change.param: change.new}, space.params[change.param].live
    change_in_words = f"{change.param} {_brief(change.old)} -> {_brief(change.new)}"
    fix: dict[str, Any] = {"params": params, "instead": instead}
    if is_live and trial.state is TrialState.RUNNING:
        return fix | {"action": "set", "text": f"set {change_in_words}, from the next epoch on"}
    if is_live and has_checkpoint:
        return fix | {"action": "branch", "text": f"branch from here with {change_in_words}"}
    return fix | {
        "action": "queue",
        "like": trial.number,
        "text": f"queue a trial like this one with {change_in_words}",
    }


def _number(value: Value) -> float:
    return math.nan if isinstance(value, str) else float(value)


def _brief(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
