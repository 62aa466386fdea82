"""The report of a rescue: from the first number to the last, an attempt a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

import click

from tunewell.cli.own_places import Changed
from tunewell.cli.printing import facts, wrapped
from tunewell.diagnosis.causes import CAUSES
from tunewell.display.formatting import counted, measured, short
from tunewell.display.records import best_record
from tunewell.display.summary import counts, spent_of_budget
from tunewell.display.tables import setting_lines
from tunewell.inspection import Mistake
from tunewell.rescue import Attempt, Rescue


def lines(
    result: Rescue,
    look: str | None,
    search: str | None = None,
    target: float | None = None,
    mistakes: Sequence[Mistake] = (),
    where: Callable[[Changed, tuple[int, int] | None], Iterator[str]] | None = None,
) -> Iterator[str]:
    """Yield the attempts, the setting that they end with, and what may still hold the training back.

    search: a command that searches on, where no target was given.
    target: of the metric.
    mistakes: of the program, which was trained with them.
    where: yields what to write in the user's own program for the values that changed, and for the length.
    """
    metric = result.study.metric
    for attempt in result.attempts:
        yield from _attempt(attempt, metric)
    if result.searched:
        yield ""
        yield f"single changes were not enough: the search took {counted(result.searched, 'more trial')}"
    yield ""
    yield from _ending(result, target)
    yield from _what_to_change(result, where)
    for one in mistakes:
        text = f"all of this was trained with the mistake at {one.place} in place, which no setting mends: {one.mend}"
        yield from wrapped(text, "", "  ")
    if search is not None and result.best is not None and not result.healthy:
        yield f"no target was given: if you know what is possible, say --target X; or search on: {search}"
    yield ""
    yield from facts(
        {
            "spent": spent_of_budget(result.study),
            "trials": counts(result.study, over=result.over),
            "record": f"study {result.study.record.name!r} in {result.study.url}",
            "look": look,
        }
    )


def record(result: Rescue, mistakes: Sequence[Mistake] = ()) -> dict[str, object]:
    """Return the same as plain data."""
    return {
        "study": result.study.record.name,
        "metric": result.study.metric,
        "first": result.first,
        "best": None if result.best is None else best_record(result.best),
        "own": result.own,
        "healthy": result.healthy,
        "finished": result.over,
        "attempts": [asdict(attempt) for attempt in result.attempts],
        "searched": result.searched,
        "epochs": result.study.spent.trained,
        "findings": [finding.as_dict() for finding in result.findings],
        "mistakes": [one.as_dict() for one in mistakes],
    }


def _attempt(attempt: Attempt, metric: str) -> Iterator[str]:
    reached = f"no finite {metric}" if attempt.value is None else f"{metric} {measured(attempt.value)}"
    after = f"{reached} after {counted(attempt.epochs, 'epoch')}"
    if attempt.incumbent is None:
        yield f"{click.style('as it is', bold=True)}: {after}"
        return
    yield ""
    found = f"trial {attempt.incumbent}: {attempt.label}, {attempt.confidence:.0%}: {attempt.evidence}"
    yield from wrapped(found, "", "  ")
    before = "" if attempt.incumbent_value is None else f", {measured(attempt.incumbent_value)} before"
    mark = click.style("better", fg="green") if attempt.helped else "no better"
    changed = click.style(f"{attempt.param} {_shown(attempt.old)} -> {_shown(attempt.new)}", bold=True)
    why = f" ({attempt.why})" if attempt.why else ""
    yield f"  {changed}: {after}{before}: {mark}{why}"


def _ending(result: Rescue, target: float | None) -> Iterator[str]:
    metric, best = result.study.metric, result.best
    if best is None:
        yield f"no trial has reported a finite {metric}"
        return
    first = "nothing finite" if result.first is None else measured(result.first)
    own = {attempt.trial: attempt for attempt in result.attempts}
    found = "" if best.trial in own else " of the search"
    reached = click.style(measured(best.value), fg="green", bold=True)
    # how long it was trained as it is: it is left early, and would have come further by its end
    after = f" (after {counted(result.attempts[0].epochs, 'epoch')})" if result.attempts else ""
    yield f"{metric} from {first}{after} to {reached}, trial {best.trial}{found}"
    yield ""
    yield from (f"    {line}" for line in setting_lines(best.params))
    yield ""
    signed = 1 if result.study.maximize else -1
    if target is not None and signed * best.value >= signed * target:
        yield f"the target, {measured(target)}, is reached"
    elif result.own is not None:
        yield from wrapped(_closing(result, own[result.own]), "", "  ")


def _what_to_change(
    result: Rescue, where: Callable[[Changed, tuple[int, int] | None], Iterator[str]] | None
) -> Iterator[str]:
    """Yield what to change in the user's own program, how sure that is, and how to see that it helped."""
    best = result.best
    if best is None or where is None or not result.attempts or best.trial == result.attempts[0].trial:
        return
    own = {attempt.trial: attempt for attempt in result.attempts}
    before = result.study.trials[result.attempts[0].trial].params
    after = result.study.trials[best.trial].params
    changed = {name: (before[name], after[name]) for name in after if name in before and before[name] != after[name]}
    steps, trial = [], best.trial if best.trial in own else None
    while trial is not None:
        steps.append(own[trial])
        trial = own[trial].incumbent
    helped = [step for step in steps[::-1] if step.incumbent is not None]
    length = next(((int(str(step.old)), int(str(step.new))) for step in helped if step.is_of_length), None)
    yield ""
    yield "what to change:"
    yield from (f"  {place}" for place in where(changed, length))
    seed = result.study.record.seed
    sure = f"how sure: measured, with one seed ({seed}); train it as it was and as it is now with another"
    yield from wrapped(sure, "", "  ")
    if helped:
        yield from wrapped(f"how to check: {CAUSES[helped[0].label].check}", "", "  ")


def _closing(result: Rescue, own: Attempt) -> str:
    """Return what may still hold the training back, as it is or with the changes that helped."""
    run = f"your training {'as it is' if own.incumbent is None else 'with what helped'} (trial {own.trial})"
    if result.healthy:
        return f"nothing is found that holds {run} back"
    if not result.findings:
        return f"what was likeliest to hold {run} back has been tried, and was not it"
    likeliest = result.findings[0]
    if likeliest.label == "healthy":
        return f"nothing plain holds {run} back; that it is healthy is {likeliest.confidence:.0%} sure"
    return f"what may hold {run} back is {likeliest.label}, {likeliest.confidence:.0%}: {likeliest.evidence}"


def _shown(value: object) -> str:
    return short(value) if value is not None else "-"
