"""`tunewell show`: a study and its trials, or one trial with its curve."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click
import numpy as np

from tunewell.advice import advice
from tunewell.analysis.decisions import DECIDED
from tunewell.cli.advisors_report import advisor_lines
from tunewell.cli.front_report import aims_in_words, front_lines
from tunewell.cli.lineage_report import branch_lines, steered_line
from tunewell.cli.options import existing_study, json_option, store_option, study_argument
from tunewell.cli.printing import facts, print_json, print_lines, table
from tunewell.cli.results_report import bound_lines, confirmed_lines, outlook_line, past_line, unfinished_line
from tunewell.display.formatting import duration, measured, moment, shortened
from tunewell.display.plots import curve
from tunewell.display.records import study_record, trial_record, whole_trial_record
from tunewell.display.summary import counts, spent_of_budget, state_of
from tunewell.display.tables import setting_lines
from tunewell.errors import TrialNotFound
from tunewell.proposals import author_of, reason_of
from tunewell.schedulers import FreezeThawScheduler
from tunewell.stores import Session
from tunewell.stores.command_rows import command_of
from tunewell.study import Study
from tunewell.study.commands import describe_effect
from tunewell.trial import STEERED, Event, Report, Trial

ROWS = 20


@click.command("show")
@study_argument
@click.option("--trial", "number", type=int, metavar="N", help="Show one trial: its setting, curve, events and origin.")
@click.option("--why", "explained", type=int, metavar="N", help="Show why trial N was started, and resumed each time.")
@click.option("--top", type=click.IntRange(1), metavar="N", help=f"Show the N best trials.  [default: {ROWS}]")
@click.option("--last", type=click.IntRange(1), metavar="N", help="Show the N newest trials instead.")
@store_option
@json_option
def command(
    *,
    study: str | None,
    number: int | None,
    explained: int | None,
    top: int | None,
    last: int | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Show STUDY and its trials, the best first.

    Without STUDY it is the newest that has an epoch on record.
    """
    with existing_study(store, study) as opened:
        if explained is not None:
            trial = _trial(opened, explained)
            if as_json:
                print_json([asdict(decision) for decision in opened.why(trial.number)])
            else:
                print_lines(_why_lines(opened, trial))
            return
        if number is not None:
            trial = _trial(opened, number)
            if as_json:
                print_json(whole_trial_record(opened, trial))
            else:
                print_lines(_trial_lines(opened, trial))
            return
        chosen = _chosen(opened, top, last)
        if as_json:
            print_json(study_record(opened) | {"trials": [trial_record(opened, trial) for trial in chosen]})
        else:
            print_lines(_study_lines(opened, chosen))


def _trial(study: Study, number: int) -> Trial:
    trials = study.trials
    if not 0 <= number < len(trials):
        raise TrialNotFound(number, len(trials))
    return trials[number]


def _chosen(study: Study, top: int | None, last: int | None) -> list[Trial]:
    """Return the newest trials, or the best first, then those that failed or diverged, those without a value last."""
    trials = study.trials
    if last is not None:
        return trials[-last:]
    lowest, broken = study.history.lowest, study.history.broken
    order = np.lexsort((lowest, broken & np.isfinite(lowest), np.isinf(lowest)))
    return [trials[i] for i in order[: top or ROWS]]


def _study_lines(study: Study, trials: Sequence[Trial]) -> Iterator[str]:
    record, best = study.record, study.best_so_far
    over = not study.is_run()
    yield from facts(
        {
            "study": f"{record.name}, in {study.url}",
            "metric": aims_in_words(study),
            "knee" if study.aims.are_several else "best": best
            and f"{measured(best.value)}, trial {best.trial}, epoch {best.epoch}",
            "of it": best and unfinished_line(study, best),
            "spent": spent_of_budget(study),
            "trials": counts(study, over=over),
            "outlook": outlook_line(study),
            "past": past_line(study),
            "search": f"{_scheduler_in_words(record.scheduler)}, seed {record.seed}",
            "begun": moment(record.created_at),
        }
    )
    if not trials:
        return
    yield from confirmed_lines(study)
    yield from bound_lines(study)
    yield from study.doubts()
    yield from front_lines(study)
    yield ""
    names = [name for name in study.space.names if _varies(study, name)]
    is_advised = any(author_of(trial) is not None for trial in trials)
    rows = []
    for trial in trials:
        best_of = study.best_of(trial.number)
        epoch, value = (best_of[0], measured(best_of[1])) if best_of else (None, None)
        settings = [trial.params.get(name) for name in names]
        by = [author_of(trial)] if is_advised else []
        epochs = int(study.history.epochs[trial.number])
        rows.append([trial.number, state_of(trial, over=over), value, epoch, epochs, *by, *settings])
    proposed = ["proposed by"] if is_advised else []
    yield from table(["trial", "state", record.metric, "at epoch", "epochs", *proposed, *names], rows)
    yield from branch_lines(study)
    yield from advisor_lines(study)
    left_out = len(study.trials) - len(trials)
    if left_out:
        yield click.style(
            f"and {left_out} more: --top {len(study.trials)} shows all, "
            f"{advice('export', study.record.name, store=study.url)} saves them",
            dim=True,
        )


def _why_lines(study: Study, trial: Trial) -> Iterator[str]:
    """Yield what was expected at each step of a trial, and what it came to."""
    known, best = study.why(trial.number), study.best_of(trial.number)
    yield f"trial {trial.number} of study {study.record.name}, {state_of(trial, over=not study.is_run())}"
    yield ""
    yield from (f"    {line}" for line in setting_lines(trial.params))
    yield ""
    if author_of(trial) is not None:
        yield f"{_proposed(trial)}. The study's own search takes no credit for it, and no blame."
    elif not known or known[0].action != "start":
        yield f"It was started with no model's advice: {_reason_without_model(study)}."
    if known:
        yield f"What it was expected to reach at epoch {study.max_epochs}, when each of these steps was given out:"
        yield ""
        yield from table(
            ("step", "epochs", "expected", "8 of 10 cases", "best then", "chance to beat it", "gain", "of"),
            [
                (
                    decision.action,
                    f"{decision.first_epoch} to {decision.until}",
                    measured(decision.mean),
                    f"{measured(decision.worse)} to {measured(decision.better)}",
                    measured(decision.best),
                    f"{decision.chance:.0%}",
                    f"{decision.gain:.2g}",
                    decision.n_weighed,
                )
                for decision in known
            ],
        )
    if known and (trust := known[-1].trust) is not None:
        yield ""
        yield f"At the last of them, the chance that what past studies expect holds here was {trust:.0%}."
    yield ""
    yield f"It came to {measured(best[1])} at epoch {best[0]}." if best else f"It reported no finite {study.metric}."


def _proposed(trial: Trial) -> str:
    why = reason_of(trial)
    return f"It was proposed by {author_of(trial)}" + ("" if why is None else f": {why.rstrip('.')}")


def _reason_without_model(study: Study) -> str:
    name = study.record.scheduler.get("name")
    if name is None:
        return "which scheduler it had cannot be read"
    if name == FreezeThawScheduler.name:
        return "it is one of the first settings, which are tried before anything is known"
    return f"the scheduler {name} has none. {(type(study.scheduler).__doc__ or '').splitlines()[0].rstrip('.')}"


def _varies(study: Study, name: str) -> bool:
    """Return False for a parameter that was always held at its default."""
    if len(getattr(study.space.params[name], "values", (0, 1))) > 1:
        return True
    return len({trial.params.get(name) for trial in study.trials}) > 1


def _scheduler_in_words(scheduler: object) -> str:
    """Return `asha on sobol`, from what a study has on record of its scheduler."""
    names = []
    while isinstance(scheduler, dict):
        names.append(str(scheduler.get("name")))
        scheduler = scheduler.get("sampler") or scheduler.get("then")
    return " on ".join(name for name in names if name != "first")


def _trial_lines(study: Study, trial: Trial) -> Iterator[str]:
    best = study.best_of(trial.number)
    reports = study.reports(trial.number)
    ended = trial.ended_at or (reports[-1].at if reports else trial.started_at)
    reason = (trial.reason or "").strip()
    yield from facts(
        {
            "trial": f"{trial.number} of study {study.record.name}, {state_of(trial, over=not study.is_run())}",
            "why": shortened(reason) if reason and "\n" not in reason else None,
            "best": best and f"{study.metric} {measured(best[1])} at epoch {best[0]}",
            "epochs": f"{study.history.epochs[trial.number]}"
            + (f", {trial.retrained} more trained again" if trial.retrained else ""),
            "begun": f"{moment(trial.started_at)}, {duration(ended - trial.started_at)} to its last word",
            "proposed": None if author_of(trial) is None else _proposed(trial).removeprefix("It was proposed "),
            "seed": trial.seed,
        }
    )
    yield ""
    yield from (f"    {line}" for line in setting_lines(trial.params))
    if (steered := steered_line(study, trial.number)) is not None:
        yield f"    {steered}"
    if reports:
        length = study.history.curves.shape[1]  # of a damaged record an epoch may be anything
        values = {report.epoch: report.metrics.get(study.metric, np.nan) for report in reports}
        last = max((epoch for epoch in values if 0 < epoch <= length), default=0)
        yield ""
        yield click.style(study.metric, bold=True)
        yield from curve([values.get(epoch, np.nan) for epoch in range(1, last + 1)])
        yield ""
        yield from table(("metric", "first", "lowest", "highest", "last"), list(_metric_rows(reports)))
    if "\n" in reason:
        yield ""
        yield shortened(reason)
    yield from _event_lines(study.events(trial.number))
    session = study.session_of(trial)
    yield from _session_lines([] if session is None else [session])


def _metric_rows(reports: Sequence[Report]) -> Iterator[tuple[object, ...]]:
    for name in dict.fromkeys(name for report in reports for name in report.metrics):
        values = [report.metrics[name] for report in reports if name in report.metrics]
        finite = [value for value in values if math.isfinite(value)] or [math.nan]
        yield name, *map(measured, (values[0], min(finite), max(finite), values[-1]))


def _event_lines(events: Sequence[Event]) -> Iterator[str]:
    events = [event for event in events if event.kind != DECIDED]  # --why has them in the metric's own sign
    if events:
        yield ""
        yield from table(
            ("event", "when", "epoch", "by", ""),
            [(event.kind, moment(event.at), event.epoch, event.by, _describe(event)) for event in events],
        )


def _describe(event: Event) -> str:
    data = event.data
    if event.kind != STEERED:
        return ", ".join(f"{name} {value}" for name, value in data.items())
    why = f" ({data['why']})" if data.get("why") else ""
    if "refused" in data:
        wanted = ", ".join(f"{name} {value}" for name, value in data.items() if name not in _ABOUT)
        return f"{data['command']} {wanted}".strip() + f"{why}: refused: {data['refused']}"
    command = command_of(event)
    return f"{data.get('command') if command is None else describe_effect(command)}{why}"


_ABOUT = ("command", "why", "refused", "setting")


def _session_lines(sessions: Sequence[Session]) -> Iterator[str]:
    for session in sessions:
        changed = " with changes" if session.git_dirty else ""
        yield ""
        yield from facts(
            {
                "command": session.command,
                "in": session.directory,
                "on": f"{session.host}, process {session.pid}",
                "commit": session.git_commit and session.git_commit + changed,
                "versions": ", ".join(f"{name} {version}" for name, version in session.versions.items()),
            }
        )
