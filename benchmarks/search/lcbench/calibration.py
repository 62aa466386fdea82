"""Can a study's outlook be trusted, and what does acting by it cost? Tables of the runs that `stopping.py` watched.

*What more search brings.* After 5, 10, ... 25 trainings a study is asked for its outlook: the accuracy that one more
training is expected to gain, and the chance that it gains any. Beside their means stands what came, with the next
training and with the next five. An estimate is honest where the next training gains about what was predicted, and as
often. The rows by the size of the prediction say whether a small one may be believed, which is what a stop rests on.
The outlook is the largest of ten recent expectations, to err on the side of going on: its chance is too high by that.

*When to stop.* For each `min_delta`, the searches that would have ended before their 30 trainings, after how many, and
the regret there; and by how much the best of all 30 is better, in points, the unit of `min_delta`. To heed the outlook
is worth something where less is lost than if each search had ended after as many trainings as they do on average. As in
a study, or a little later, a search ends where the outlook has been too dim for five trainings' worth of epochs: at the
first dip, much would be lost though each moment's estimate is honest.

Accuracies are in points (hundredths); errors are standard errors over tasks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from problem import EPOCHS
from results import Reference, Run

AFTER = (5, 10, 15, 20, 25)  # trainings
AHEAD = (1, 5)  # further ones
BINS = tuple(pairwise((0.0, 0.03, 0.1, 0.3, 1.0, 3.0, np.inf)))  # points
DELTAS = (0.1, 0.3, 1.0)  # points
PATIENCE = 5  # trainings


def outlook_pages(runs: Sequence[Run], references: Mapping[str, Reference], best: Mapping[str, float]) -> Iterator[str]:
    """Both tables. `best`: the best known accuracy of each task."""
    yield f"## What more search is expected to bring, and brings ({len(runs)} searches)"
    yield ""
    yield from calibration(list(forecasts(runs)))
    yield ""
    yield "## When to stop"
    yield ""
    yield from stops(runs, references, best)
    yield ""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a study expected at one moment, and what came: in points, by `AHEAD`."""

    task: str
    trainings: int
    gain: float
    chance: float
    realized: tuple[float, ...]


def forecasts(runs: Sequence[Run]) -> Iterator[Forecast]:
    """Of each run, at its last decision before so many trainings are over; nothing where its study could not say."""
    for run in runs:
        best = 100 * run.best
        for trainings in AFTER:
            said = [outlook for outlook in run.outlooks if outlook[0] <= trainings * EPOCHS]
            if said:
                spent, gain, chance = said[-1]
                came = tuple(float(best[spent + ahead * EPOCHS - 1] - best[spent - 1]) for ahead in AHEAD)
                yield Forecast(run.key.task, trainings, 100 * gain, chance, came)


def calibration(known: Sequence[Forecast]) -> Iterator[str]:
    """The rows, in Markdown: all, by time, and by the size of the prediction."""
    ahead = " | ".join(f"gained in the next {n}" for n in AHEAD)
    yield f"| points of accuracy | forecasts | predicted of one more | {ahead} | chance predicted | next that gained |"
    yield "|---" * (5 + len(AHEAD)) + "|"
    rows = {"all": known}
    rows |= {f"after {n} trainings": [one for one in known if one.trainings == n] for n in AFTER}
    rows |= {f"predicted {_span(*ends)}": [one for one in known if ends[0] <= one.gain < ends[1]] for ends in BINS}
    yield from (_row(name, members) for name, members in rows.items() if members)


def _span(low: float, high: float) -> str:
    return f"{low:g} or more" if high == np.inf else f"{low:g} to {high:g}"


def _row(name: str, known: Sequence[Forecast]) -> str:
    tasks = [one.task for one in known]
    columns = [[one.gain for one in known], *zip(*(one.realized for one in known), strict=True)]
    cells = " | ".join(_mean(column, tasks) for column in columns)
    chance, gained = np.mean([one.chance for one in known]), np.mean([one.realized[0] > 0 for one in known])
    return f"| {name} | {len(known)} | {cells} | {chance:.0%} | {gained:.0%} |"


def stops(runs: Sequence[Run], references: Mapping[str, Reference], best: Mapping[str, float]) -> Iterator[str]:
    """The rows, in Markdown."""
    yield (
        "| min_delta, points | searches that stop | trainings until then, of all | regret then "
        "| if each had as many | at the end | points missed | if each had as many | most missed |"
    )
    yield "|---" * 9 + "|"
    tasks = [run.key.task for run in runs]

    def regret(ends: Sequence[int]) -> str:
        found = [
            (best[task] - run.best[end - 1]) / (best[task] - references[task].median)
            for task, run, end in zip(tasks, runs, ends, strict=True)
        ]
        return _mean(found, tasks)

    def missed(ends: Sequence[int]) -> list[float]:
        return [100 * float(run.best[-1] - run.best[end - 1]) for run, end in zip(runs, ends, strict=True)]

    whole = [run.epochs for run in runs]
    for delta in DELTAS:
        ends = [stop(run, delta) for run in runs]
        as_many = [round(float(np.mean(ends)))] * len(runs)
        stopped = np.mean([end < last for end, last in zip(ends, whole, strict=True)])
        fewest, mean, most = (float(at) / EPOCHS for at in (min(ends), np.mean(ends), max(ends)))
        yield (
            f"| {delta:g} | {stopped:.0%} | {mean:.1f} ({fewest:.1f} to {most:.1f}) "
            f"| {regret(ends)} | {regret(as_many)} | {regret(whole)} "
            f"| {_mean(missed(ends), tasks)} | {_mean(missed(as_many), tasks)} | {max(missed(ends)):.2f} |"
        )


def stop(run: Run, delta: float) -> int:
    """The epochs that are spent when the outlook has long been below so many points; all if it never is."""
    since = None
    for epochs, gain, _ in run.outlooks:
        if 100 * gain >= delta:
            since = None
        elif since is None:
            since = epochs
        elif epochs - since >= PATIENCE * EPOCHS:
            return epochs
    return run.epochs


def _mean(values: Sequence[float], tasks: Sequence[str]) -> str:
    return f"{np.mean(values):.2f} ± {standard_error(values, tasks):.2f}"


def standard_error(values: Sequence[float], tasks: Sequence[str]) -> float:
    """Of the mean, where values of the same task, `tasks` says which, are alike and only tasks are independent."""
    off = np.asarray(values) - np.mean(values)
    _, task = np.unique(tasks, return_inverse=True)
    sums = np.bincount(task, weights=off)
    n = len(sums)
    return float(np.sqrt(n / (n - 1) * (sums**2).sum()) / len(off)) if n > 1 else float("nan")
