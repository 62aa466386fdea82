"""The metric by epoch: a line a trial, or how dense the lines are where they are many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from tunewell.analysis.decisions import Decision
from tunewell.arrays import Floats, own_numerics
from tunewell.commands import Command, Rewind, Set
from tunewell.errors import TrialNotFound
from tunewell.figures.axes import MetricAxis, count_axis, metric_axis
from tunewell.figures.figure import Figure, Layer, Panel
from tunewell.figures.source import LOOKS, Seen, StudySource, seen
from tunewell.figures.words import counted, name_of, number
from tunewell.trial import trial_number

_MOST_LINES = 500
_BEST = 20
_COLUMNS, _ROWS = 200, 50  # of the density
_MOST_POINTS = 40_000  # of all lines together
_MOST_FANS = 6
_MOST_MARKS = 200
_FEW = 20  # trials that somebody has picked


@own_numerics
def curves(study: StudySource, trials: Sequence[int] | None = None) -> Figure:
    """Return the metric by epoch of all trials, or of some.

        tw.figures.curves(study, trials=[3, 7]).save("curves.svg")

    A branch begins where it left the trial that it branched from. Rewinds and live changes are marks; what a paused
    trial was expected to reach when it was last given epochs is a fan, 10 to 90 %. Of over 500 trials the density of
    all curves is drawn, and the best 20 as lines.

    Args:
        study: whose trials.
        trials: their numbers; all if None.

    Raises:
        TrialNotFound: there is no such trial.
    """
    found = seen(study)
    chosen = _chosen(found, trials)
    values = found.curves
    n_epochs = values.shape[1]
    many = len(chosen) > _MOST_LINES
    order = found.order
    drawn = order[np.isin(order, chosen)][:_BEST] if many else chosen
    expected = _expected(study, found, values, drawn)
    ends = [end for one in expected for end in (one.worse, one.better)]
    # a curve that has come down is mostly flat: where it began is no outlier, if one looks at a few
    begun = _first(values[chosen]) if len(chosen) <= _FEW else None
    scale = metric_axis(found.metric, np.append(values[chosen], ends), maximize=found.maximize, reach=begun)
    own = _own_epochs(found, values)
    layers: list[Layer] = []
    if many:
        layers.append(_density(scale, values[chosen], len(chosen)))
    step = max(1, math.ceil(n_epochs * max(1, len(drawn)) / _MOST_POINTS))
    best = (
        int(drawn[0]) if many and len(drawn) else next((int(one) for one in order if one in set(chosen.tolist())), -1)
    )
    layers += _lines(found, scale, own, drawn, best, step)
    ended = _ends(found, scale, own, drawn)
    layers += ended
    fans = list(_fans(expected, study.max_epochs or 0, scale, values))
    layers += fans
    marks, n_marks = _marks(study.commands(), found, scale, values, drawn)
    layers += marks
    silent = int((~np.isfinite(own[chosen])).all(axis=1).sum())
    caption = _caption(found, chosen, drawn, many=many, silent=silent, step=step)
    if fans:
        caption += " Fans are what was expected of paused trials when they were last given epochs, 8 of 10 cases."
    if n_marks > _MOST_MARKS:
        caption += f" Of {n_marks:,} changes and rewinds the first {_MOST_MARKS} are marked."
    last = max(n_epochs, study.max_epochs or 0 if fans else 0, 1)
    panel = Panel(count_axis("epoch", 1, last), scale.axis, tuple(layers))
    return Figure("curves", f"{scale.axis.title} by epoch", caption, (panel,), found.table())


def _chosen(found: Seen, trials: Iterable[int] | None) -> np.ndarray:
    if trials is None:
        return np.arange(len(found))
    numbers = [trial_number(trial) for trial in trials]
    for one in numbers:
        if not 0 <= one < len(found):
            raise TrialNotFound(one, len(found))
    return np.array(sorted(set(numbers)), dtype=np.int64)


def _first(values: Floats) -> Floats:
    """Return the first value of each trial that is there, (n,); NaN where there is none."""
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    first: Floats = values[np.arange(len(values)), np.argmax(np.isfinite(values), axis=1)]
    return first


def _own_epochs(found: Seen, values: Floats) -> Floats:
    """Return the curves without what a branch shares with the trial that it branched from, but for its last epoch."""
    own = np.where(np.isfinite(values), values, np.nan)
    for trial in found.trials:
        if trial.parent is not None and trial.inherited > 1:
            own[trial.number, : trial.inherited - 1] = np.nan
    return own


def _lines(
    found: Seen, scale: MetricAxis, own: Floats, drawn: np.ndarray, best: int, step: int
) -> Iterator[Layer]:  # fmt: skip
    """Yield a layer a role, each with all of its lines; the best on top."""
    states = found.states
    quiet = [i for i in drawn.tolist() if LOOKS[states[i]].color in ("ended", "running") and i != best]
    roles = {
        "some": (quiet, "trial"),
        "failed": ([i for i in drawn.tolist() if LOOKS[states[i]].color == "failed" and i != best], "failed, diverged"),
        "paused": ([i for i in drawn.tolist() if LOOKS[states[i]].color == "paused" and i != best], "paused, held"),
        "best": ([best] if best >= 0 else [], f"best, trial {best}"),
    }
    epochs = np.arange(1.0, own.shape[1] + 1)
    kept = np.unique(np.append(np.arange(0, own.shape[1], step), max(0, own.shape[1] - 1)))
    for color, (numbers, label) in roles.items():
        if not numbers or not own.shape[1]:
            continue
        places = scale.place(own[np.ix_(numbers, kept)])
        gaps = np.full((len(numbers), 1), np.nan)
        x = np.where(np.isnan(places), np.nan, epochs[kept])
        rows = np.repeat(np.array(numbers), len(kept) + 1)
        lines = np.hstack([places, gaps]).ravel()
        # of a trial that stopped early most is blank: one gap does
        blank = np.isnan(lines)
        keep = ~(blank & np.append([True], blank[:-1]))
        yield Layer(
            "line", color, np.hstack([x, gaps]).ravel()[keep], lines[keep], label=label, rows=rows[keep],
            dash={"failed": "dot", "paused": "dash"}.get(color),
        )  # fmt: skip


def _ends(found: Seen, scale: MetricAxis, values: Floats, drawn: np.ndarray) -> list[Layer]:
    """Return the last epochs of trials that ended otherwise than complete, and of lines of one epoch."""
    layers = []
    finite = np.isfinite(values[drawn])
    if not finite.size:
        return []
    last = finite.shape[1] - 1 - finite[:, ::-1].argmax(axis=1)
    has = finite.any(axis=1)
    for state, look in LOOKS.items():
        short = finite.sum(axis=1) == 1
        here = np.flatnonzero(has & (found.states[drawn] == state) & ((look.color == "failed") | short))
        if here.size:
            at, numbers = last[here], drawn[here]
            y = scale.place(values[numbers, at])
            layers.append(
                Layer("points", look.color, at.astype(np.float64) + 1, y, symbol=look.symbol, rows=numbers)
            )  # fmt: skip
    return layers


def _density(scale: MetricAxis, values: Floats, n: int) -> Layer:
    columns = min(_COLUMNS, values.shape[1])
    picked = np.unique(np.linspace(0, values.shape[1] - 1, columns).astype(np.intp))
    low, high = scale.axis.low, scale.axis.high
    places = scale.place(np.where(np.isfinite(values[:, picked]), values[:, picked], np.nan))
    known = ~np.isnan(places)
    cells = np.zeros((_ROWS, len(picked)))
    rows = np.clip(((places - low) / (high - low) * _ROWS), 0, _ROWS - 1)
    column = np.broadcast_to(np.arange(len(picked)), places.shape)
    flat = rows[known].astype(np.intp) * len(picked) + column[known]
    cells = np.bincount(flat, minlength=_ROWS * len(picked)).astype(np.float64)
    middles = low + (np.arange(_ROWS) + 0.5) * (high - low) / _ROWS
    share = np.round(cells / max(1.0, cells.max()), 4)
    return Layer("density", "some", picked.astype(np.float64) + 1, middles, value=share, label=f"all {n:,} trials")


def _expected(study: StudySource, found: Seen, values: Floats, drawn: np.ndarray) -> list[Decision]:
    """Return what was expected of the best paused trials when they were last given epochs."""
    among = set(drawn.tolist())
    paused = [i for i in found.order.tolist() if LOOKS[found.states[i]].color == "paused" and i in among]
    known = []
    for trial in paused[:_MOST_FANS]:
        decisions = study.why(trial)
        last = int(np.flatnonzero(np.isfinite(values[trial]))[-1]) + 1
        if decisions and study.max_epochs is not None and last < study.max_epochs:
            known.append(decisions[-1])
    return known


def _fans(expected: Sequence[Decision], last_epoch: int, scale: MetricAxis, values: Floats) -> Iterator[Layer]:
    """Yield from each trial's last value what was expected of it at the last epoch."""
    for i, one in enumerate(expected):
        since = int(np.flatnonzero(np.isfinite(values[one.trial]))[-1])
        here = float(values[one.trial, since])
        x = np.array([since + 1.0, float(last_epoch)])
        edges = [scale.place(np.array([here, end])) for end in (one.worse, one.better)]
        label = None if i else "expected of paused trials"
        yield Layer("band", "forecast", x, low=np.minimum(*edges), high=np.maximum(*edges), label=label)
        rows = np.full(2, one.trial)
        yield Layer("line", "forecast", x, scale.place(np.array([here, one.mean])), dash="dash", rows=rows)


def _marks(
    commands: Sequence[Command], found: Seen, scale: MetricAxis, values: Floats, drawn: np.ndarray
) -> tuple[list[Layer], int]:
    """Return live changes, rewinds and branch points as marks on the lines that are drawn, and how many there are."""
    among = set(drawn.tolist())
    of_kind: dict[str, list[tuple[int, int, str]]] = {"live change": [], "rewind": [], "branch": []}
    rewound = {one.branch for one in commands if isinstance(one.action, Rewind) and one.is_done}
    for one in commands:
        if isinstance(one.action, Set) and one.is_done and one.trial in among and one.epoch:
            before = "" if one.before is None else f" {_value(one.before)}"
            text = f"{name_of(one.action.name)}{before} to {_value(one.action.value)}"
            of_kind["live change"].append((one.trial, int(one.epoch), text))
    for trial in found.trials:
        if trial.parent is not None and trial.number in among:
            kind = "rewind" if trial.number in rewound else "branch"
            of_kind[kind].append((trial.number, trial.inherited, f"{kind} of trial {trial.parent}"))
    looks = {"live change": ("series-1", "diamond"), "rewind": ("series-3", "square"), "branch": ("series-2", "ring")}
    layers, n = [], 0
    for kind, marks in of_kind.items():
        placed = [
            mark for mark in marks if (at := mark[1]) and at <= values.shape[1] and np.isfinite(values[mark[0], at - 1])
        ]
        n += len(placed)
        placed = placed[:_MOST_MARKS]
        if placed:
            rows = np.array([trial for trial, _, _ in placed])
            epochs = np.array([epoch for _, epoch, _ in placed])
            hover = tuple(f"trial {trial}, after epoch {epoch}: {text}" for trial, epoch, text in placed)
            color, symbol = looks[kind]
            y = scale.place(values[rows, epochs - 1])
            layers.append(
                Layer("points", color, epochs * 1.0, y, label=kind, symbol=symbol, hover=hover, rows=rows)
            )  # fmt: skip
    return layers, n


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else name_of(value)


def _caption(found: Seen, chosen: np.ndarray, drawn: np.ndarray, *, many: bool, silent: int, step: int) -> str:
    what = "a line each"
    if many:
        what = f"as the density of their curves, and the best {len(drawn)} as lines"
    text = f"{counted(len(chosen), 'trial')}, {what}."
    if counts := found.counts(chosen):
        text += f" {counts[:1].upper()}{counts[1:]}."
    if silent:
        whose = "has reported nothing finite of its" if silent == 1 else "have reported nothing finite of their"
        text += f" {silent:,} {whose} own and cannot be drawn."
    if step > 1:
        text += f" Of the lines each {step}th epoch is drawn."
    return text
