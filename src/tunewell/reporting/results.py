"""Passages of what a study has found, how sure that is, what held its runs back, what to do next, how to repeat it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from tunewell.advice import advice
from tunewell.commands import Note
from tunewell.diagnosis import diagnose
from tunewell.display.formatting import clipped, counted, measured, moment, short
from tunewell.display.summary import counts, spent_of_budget
from tunewell.errors import RecordError, last_line
from tunewell.reporting.passage import Passage
from tunewell.study.commands import describe_effect
from tunewell.study.reader import Best, StudyReader
from tunewell.trial import TrialState

_FEW, _MOST_ERRORS, _MOST_EVENTS = 5, 5, 30
_PLAIN = 0.3  # findings of less are guesses


def found(study: StudyReader) -> Passage:
    """Return the best setting, with what was spent on it."""
    best, title = study.best_so_far, "What was found"
    spent = f"{counts(study)}; {spent_of_budget(study)} spent."
    if best is None:
        return Passage(title, (f"There is {study.nothing_found}: {spent}",))
    goes_on = None if study.max_epochs is None else study.max_epochs - int(study.history.epochs[best.trial])
    extreme = "highest" if study.maximize else "lowest"
    if study.aims.are_several:
        others = next(dict(point.values) for point in study.front() if point.is_knee)
        shown = ", ".join(f"{name} {measured(value)}" for name, value in others.items())
        extreme = f"the knee of a front of {len(study.front())} ({shown})"
    else:
        extreme = f"the {extreme} of all"
    reached = f"{study.metric} {measured(best.value)}, {extreme}, by trial {best.trial} at epoch {best.epoch}"
    lines = [f"{reached}: {spent}"]
    if best.state is not TrialState.COMPLETE and goes_on:
        lines.append(f"It has not been trained to its end: {counted(goes_on, 'epoch')} are left.")
    first = study.best_of(0)
    if first is not None and best.trial:
        lines.insert(1, f"The first trial came to {measured(first[1])}.")
    rows = tuple((name, short(value)) for name, value in best.params.items())
    return Passage(title, tuple(lines), ("parameter", "best value"), rows)


def sure(study: StudyReader) -> Passage:
    """Return how sure it is that the best is the best."""
    title, best, known = "How sure that is", study.best_so_far, study.confirmed()
    rows = tuple(
        (
            one.trial,
            measured(one.found),
            measured(one.mean) if one.values else None,
            f"{one.margin:.2g}" if len(one.values) > 1 else None,
            len(one.values) + one.broken,
        )
        for one in known
    )
    lines = []
    if known:
        lines.append(
            f"The best report is the luckiest of {counted(len(study.trials), 'trial')}; these are the best settings, "
            "trained again with fresh seeds."
        )
    elif best is not None:
        margin = study.noise().margin
        if margin is None:
            lines.append("No setting was trained twice, so by how much a new seed changes it is not known.")
        else:
            near = _within(study, best, margin)
            lines.append(
                f"Results that differ by less than {margin:.2g} are not told apart, and {counted(near, 'other trial')} "
                f"{'lies' if near == 1 else 'lie'} as near to the best."
            )
    if (ahead := study.outlook()) is not None:
        lines.append(
            f"One more training gains {ahead.gain:.2g} on average, by the model of the search, with a chance of "
            f"{ahead.chance:.0%} that it gains anything."
        )
    return Passage(title, tuple(lines), ("trial", "found", "mean", "95 % within", "seeds") if rows else (), rows)


def _within(study: StudyReader, best: Best, margin: float) -> int:
    sign = -1.0 if study.maximize else 1.0
    history = study.history
    values = np.where(history.broken, np.inf, history.lowest)
    return int(np.count_nonzero(values <= sign * best.value + margin)) - 1


def held_back(study: StudyReader) -> Passage:
    """Return what holds the best run back, as far as a diagnosis sees, and why others ended."""
    title, lines = "What held runs back", []
    rows: tuple[tuple[str, ...], ...] = ()
    best = study.best_so_far
    if best is not None:
        try:
            findings = diagnose(study.run_record(best.trial))
        except RecordError as error:
            lines.append(f"Trial {best.trial}, the best, cannot be diagnosed: {error}.")
        else:
            rows = tuple(
                (one.label.replace("_", " "), f"{one.confidence:.0%}", one.evidence)
                for one in findings
                if one.confidence >= _PLAIN
            )
            healthy = bool(rows) and findings[0].label == "healthy"
            what = "nothing that its curves show" if healthy else "what its curves show"
            lines.append(f"Of trial {best.trial}, the best: {what}.")
    lines += _ends(study)
    return Passage(title, tuple(lines), ("what", "how sure", "evidence") if rows else (), rows)


def _ends(study: StudyReader) -> Iterator[str]:
    """Yield why trials failed or diverged, the commonest reasons first."""
    for state, words in ((TrialState.FAILED, "failed"), (TrialState.STOPPED, "were stopped")):
        reasons = Counter(last_line(trial.reason or "") for trial in study.trials if trial.state is state)
        for reason, n in reasons.most_common(_MOST_ERRORS):
            verb = words if n > 1 else words.replace("were", "was")
            yield f"{counted(n, 'trial')} {verb}: {clipped(reason)}."
        if (more := len(reasons) - _MOST_ERRORS) > 0:
            yield f"{counted(more, 'other reason')} besides."


def next_steps(study: StudyReader) -> Passage:
    """Return what to try next."""
    commands = []
    lines = [
        f"The best trials lie at the end of {one.name}'s range ({one.side} {one.bound:.6g}): write "
        f"{one.side}={one.suggested:.12g} in the space, and go on with --resume."
        for one in study.at_bounds()
    ]
    store = None if study.is_in_memory else study.url
    if store is not None and study.best_so_far is not None:
        if not study.confirmed():
            lines.append(
                "`tune --resume --confirm 3` trains the best settings again with fresh seeds: then it is sure."
            )
        commands.append(advice("best", study.name, store=store))
    return Passage("What to try next", tuple(lines), commands=tuple(commands))


def steered(study: StudyReader) -> Passage:
    """Return what people have done by hand, and which remarks they left."""
    done = [one for one in study.commands() if one.is_done]
    rows = tuple(
        (moment(one.at), one.trial, one.epoch, clipped(describe_effect(one)), clipped(one.why) or None, one.by)
        for one in done[-_MOST_EVENTS:]
    )
    more = len(done) - len(rows)
    notes = sum(isinstance(one.action, Note) for one in done)
    lines = (f"The last {len(rows)} of {len(done)}, {counted(notes, 'note')} among them.",) if more else ()
    return Passage(
        "What was done by hand", lines, ("when", "trial", "epoch", "what", "why", "by") if rows else (), rows
    )


def reproduce(study: StudyReader) -> Passage:
    """Return how to repeat the study: commands, seed, commit and versions of each process that ran it."""
    sessions = study.sessions()
    rows = tuple(
        (
            moment(one.started_at),
            one.host,
            one.command,
            None if one.git_commit is None else one.git_commit[:12] + (" (changed since)" if one.git_dirty else ""),
            ", ".join(f"{name} {version}" for name, version in one.versions.items()),
        )
        for one in sessions[-_FEW:]
    )
    record = study.record
    made = f"Seed {record.seed}; scheduler {record.scheduler.get('name')}; study {record.uuid}"
    lines = [f"{made}; one seed, one result, where one worker trains."]
    if len(sessions) > len(rows):
        lines.append(f"The last {len(rows)} of {len(sessions)} processes that ran it.")
    return Passage("How to reproduce it", tuple(lines), ("begun", "host", "command", "commit", "versions"), rows)
