"""The rows of a log, of whatever form, put together as the record of one run.

A reader of a form turns its lines into rows of named numbers. Here it is decided what the names mean beside one
another, which rows belong to which run and epoch, and what is in percent; and what was read is kept for a report of it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewell.diagnosis.readers.names import check_column
from tunewell.diagnosis.run_record import CURVES, HOOKS
from tunewell.errors import RecordError
from tunewell.logs.names import EPOCH, STEP, Meaning, by_step, is_aside, meaning
from tunewell.logs.rows import Log, Row
from tunewell.logs.scores import CURVES_OF_SCORES, MAX_SHARE, SCORES, SHARES
from tunewell.logs.series import by_epoch

_MOST_PARTS = 40  # a run without epochs is cut into so many at most
_FEW_EPOCHS = 3
NEEDED = tuple(name for name in CURVES if name != "lr")
"""A diagnosis needs one of them."""


@dataclass(frozen=True, slots=True)
class Source:
    """The names that hold a curve, and how its values come of their numbers."""

    names: tuple[str, ...]
    """More than one if they are parts that add up."""
    how: str = ""
    """In words, such as `in percent`; "" for a number as it stands."""
    convert: Callable[[float], float] = float

    @property
    def shown(self) -> str:
        """The names and how, as in `"val acc", in percent`."""
        return " + ".join(f'"{name}"' for name in self.names) + (f", {self.how}" if self.how else "")


def record_of(log: Log, columns: Mapping[str, str] | None = None, run: int | None = None) -> dict[str, Any]:
    """Return the record of one run of a log: the last, or the one of a number from 1.

    Under `source` it says what was read, and under `not_understood` which names were not.

    Raises:
        RecordError: nothing in it is understood, there is no such run, or a column that the user named is not there.
    """
    runs = _runs(log.rows, _epoch_column(log, columns))
    nth = _nth(log.name, runs, run)
    rows = runs[nth - 1] if runs else []
    here = Log(log.name, rows, log.in_percent, log.also if len(runs) < 2 else ())
    sources = _sources(here, columns or {})
    curves = [name for name in sources if name in NEEDED]
    if not curves:
        raise RecordError(_nothing(here, sources))
    epochs, parts = _epochs(rows, sources)
    used = {name for source in sources.values() for name in source.names}
    left_out = [name for name in here.names if name not in used and name.strip().lower() not in (*EPOCH, *STEP)]
    task = next((SCORES[found.objective].task for name in used if (found := meaning(name)) and found.objective), "")
    return {
        "epochs": epochs,
        **({"task": task} if task else {}),
        "not_understood": [name for name in left_out if meaning(name) is None and not is_aside(name)],
        "source": {
            "file": log.name,
            "curves": {curve: source.shown for curve, source in sources.items()},
            "left_out": left_out,
            "run": nth,
            "runs": len(runs),
            "parts": parts,
        },
    }


_OF_OTHERS = re.compile(
    r"(?<![a-z])(rewards?|returns?|[dg]_?loss|loss_?[dg]|disc\w*|generator|critic|actor|policy)(?![a-z])",
    re.IGNORECASE,
)


def _nothing(log: Log, sources: Mapping[str, Source]) -> str:
    """Return why a log gives no record."""
    scores = [source.names[0] for curve, source in sources.items() if curve.partition("_")[2] in SCORES]
    if scores:
        return (
            f"{log.name} has {', '.join(map(repr, scores))}, and no loss or accuracy, which a diagnosis needs: if one "
            "is that, say which (--columns train_loss=NAME,val_loss=NAME)"
        )
    others = [name for name in log.names if _OF_OTHERS.search(name)]
    why = (
        f"; {', '.join(map(repr, others))}: rewards, and the losses of networks that train against each other, do not "
        "show what holds a training back, and are not judged"
        if others
        else ": say which is which (--columns train_loss=NAME,val_loss=NAME)"
    )
    return (
        f"{log.name} has no column that is understood as a loss or an accuracy; it has "
        f"{', '.join(map(repr, log.names[:20]))}{why}"
    )


# runs


def _epoch_column(log: Log, columns: Mapping[str, str] | None) -> str:
    """Return the name that the user gives the epochs; else ""."""
    name = (columns or {}).get("epoch", "")
    if name:
        check_column("epoch", name, log.names)
    return name


def _runs(rows: Sequence[Row], epoch_column: str) -> list[list[Row]]:
    """Return the rows of each run: one begins where the log says so, or where epochs begin anew."""
    if epoch_column:
        rows = [Row(row.values, row.values.get(epoch_column, math.nan), row.step) for row in rows]
    runs: list[list[Row]] = []
    first = last = last_step = math.nan
    for row in rows:
        is_back = (row.epoch < last and row.epoch <= first) or (row.epoch == last == first and row.step < last_step)
        is_back = is_back or (math.isnan(row.epoch) and row.step < last_step and not math.isnan(row.step))
        if not runs or row.begins_run or is_back:
            runs.append([])
            first = last = last_step = math.nan
        runs[-1].append(row)
        if not math.isnan(row.epoch):
            first = row.epoch if math.isnan(first) else min(first, row.epoch)
            last_step = math.nan if row.epoch != last else last_step
            last = row.epoch
        last_step = last_step if math.isnan(row.step) else row.step
    return _joined(runs)


def _joined(runs: list[list[Row]]) -> list[list[Row]]:
    """Join runs of one epoch each: a loop around trainings of one epoch, or epochs in another order."""
    epochs = [{row.epoch for row in run if not math.isnan(row.epoch)} for run in runs]
    if len(runs) < 2 or any(len(found) != 1 for found in epochs):
        return runs
    if len({next(iter(found)) for found in epochs}) < len(runs):
        return [
            [Row(row.values, nth, row.step, row.is_running) for nth, run in enumerate(runs, start=1) for row in run]
        ]
    return [sorted((row for run in runs for row in run), key=lambda row: row.epoch)]


def _nth(name: str, runs: Sequence[Sequence[Row]], run: int | None) -> int:
    """Return the number of the run that is to be read, from 1."""
    check_run(name, len(runs), run)
    return len(runs) if run is None else run


def check_run(name: str, n_runs: int, run: int | None) -> None:
    """Check that there is a run of a number, if one is wanted.

    Raises:
        RecordError: there is not.
    """
    if run is not None and not 1 <= run <= n_runs:
        raise RecordError(f"{name} has {n_runs} {'run' if n_runs == 1 else 'runs'}, and no run {run}")


# names


def _sources(log: Log, columns: Mapping[str, str]) -> dict[str, Source]:
    """Return where each curve of a record comes from; what the user named goes before what is guessed."""
    names = log.names
    found: dict[str, Source] = {}
    for curve, name in columns.items():
        check_column(curve, name, names)
        if curve != "epoch":
            found[curve] = _source(log, curve, name)
    taken = set(columns.values())
    meanings = {name: known for name in names if name not in taken and (known := meaning(name))}
    curves = _curves(meanings)
    reach = _reach(log.rows)
    for is_test in (False, True):  # a test split stands in for validation where there is none
        own = [name for name in curves if (meanings[name].split == "test") is is_test]
        widest: dict[str, int] = {}
        for name in own:
            widest[curves[name]] = max(widest.get(curves[name], 0), reach[name])
        for name in sorted(own, key=lambda name: (*by_step(name), not meanings[name].split)):
            # a number that is printed once, at the end, does not hide a curve of the same meaning
            if 2 * reach[name] >= widest[curves[name]]:
                found.setdefault(curves[name], _source(log, curves[name], name))
    for name in names:
        if name not in taken and name.strip().lower() in (*CURVES, *HOOKS):
            found.setdefault(name.strip().lower(), _source(log, name.strip().lower(), name))
    found = _with_stand_ins(log, found, meanings)
    order = [name for name in (*CURVES, *HOOKS, *CURVES_OF_SCORES) if name in found]
    return {name: found[name] for name in order}


def _curves(meanings: Mapping[str, Meaning]) -> dict[str, str]:
    """Return the curve of each name, in view of the others.

    A name without a word for its split is that of training. But it is validation's where training has the quantity
    under a name of its own, or where the losses name both splits: so do tables of Hugging Face and fastai.
    """
    worded: dict[str, set[str]] = {}
    for known in meanings.values():
        worded.setdefault(known.quantity, set()).add("val" if known.split == "test" else known.split)
    losses = worded.get("loss", set())
    numbered = {known.split for name, known in meanings.items() if "validation_1" in name.lower()}
    curves = {}
    for name, known in meanings.items():
        if known.part:
            continue
        curve, own = known.curve, worded[known.quantity]
        names_both = {"train", "val"} <= losses and "" not in losses
        if not known.split and curve != "lr" and "val" not in own and ("train" in own or names_both):
            curve = f"val_{known.quantity}"
        if numbered and "train" not in own and "validation_0" in name.lower():
            curve = f"train_{known.quantity}"  # boosted trees number what they evaluate, the training rows first
        curves[name] = curve
    return curves


def _reach(rows: Sequence[Row]) -> Counter[str]:
    """Return in how many epochs, or rows where there are none, each name has a number."""
    places = {(name, i if math.isnan(row.epoch) else row.epoch) for i, row in enumerate(rows) for name in row.values}
    return Counter(name for name, _ in places)


def _source(log: Log, curve: str, *names: str) -> Source:
    """Return the source of a curve, with its numbers as shares if they are percentages."""
    quantity = curve.partition("_")[2]
    if quantity not in SHARES:
        return Source(names)
    if any(name in log.in_percent for name in names):
        return Source(names, "in percent")
    values = [row.values[name] for row in log.rows for name in names if name in row.values]
    if max((value for value in values if math.isfinite(value)), default=0.0) > MAX_SHARE:
        return Source(names, "in percent", lambda value: value / 100)
    return Source(names)


def _with_stand_ins(log: Log, found: Mapping[str, Source], meanings: Mapping[str, Meaning]) -> dict[str, Source]:
    """Return the sources with what stands in for a loss or an accuracy of which there is none."""
    sources = dict(found)
    for split in ("train", "val"):
        loss, accuracy = f"{split}_loss", f"{split}_accuracy"
        parts = [name for name, known in meanings.items() if known.part and known.curve == loss]
        if loss not in sources and parts:
            sources[loss] = _source(log, loss, *parts)
        perplexity = sources.get(f"{split}_perplexity")
        if loss not in sources and perplexity:
            sources[loss] = Source(perplexity.names, "its logarithm", _log)
        error = sources.pop(f"{split}_error", None)
        if error and accuracy not in sources and _are_shares(log, error):
            how = "one minus it" if not error.how else f"{error.how}, one minus it"
            sources[accuracy] = Source(error.names, how, _complement(error.convert))
    errors = [name for name, score in SCORES.items() if score.is_loss]
    if not {"train_loss", "val_loss"} & set(sources):
        shown = next((name for name in errors if {f"train_{name}", f"val_{name}"} & set(sources)), None)
        for split in ("train", "val"):
            if shown and f"{split}_{shown}" in sources:
                sources[f"{split}_loss"] = sources[f"{split}_{shown}"]
    return sources


def _are_shares(log: Log, source: Source) -> bool:
    values = [source.convert(row.values[name]) for row in log.rows for name in source.names if name in row.values]
    return all(0 <= value <= 1 for value in values if math.isfinite(value))


def _complement(convert: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: 1 - convert(value)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


# epochs


@dataclass(frozen=True, slots=True)
class _Placed:
    """The curves of one row."""

    epoch: float
    step: float
    is_running: bool
    values: Mapping[str, float]


def _epochs(rows: Sequence[Row], sources: Mapping[str, Source]) -> tuple[list[dict[str, Any]], str]:
    """Return one mapping an epoch; and, where the log has none, of what the parts are that stand for them."""
    placed = []
    for row in rows:
        values = {
            curve: sum(source.convert(row.values[name]) for name in source.names if name in row.values)
            for curve, source in sources.items()
            if any(name in row.values for name in source.names)
        }
        if values:
            placed.append(_Placed(row.epoch, row.step, row.is_running, values))
    numbered = [row for row in placed if not math.isnan(row.epoch)]
    if not numbered:
        return _by_step(placed)
    whole = [row if row.epoch == int(row.epoch) else _in_epoch(row) for row in numbered]
    n_epochs = len({row.epoch for row in whole})
    ends = _count(numbered, "val")
    is_coarse = n_epochs < _FEW_EPOCHS and ends >= 2 * n_epochs and ends > _FEW_EPOCHS
    if (n_epochs == 1 or is_coarse) and len(numbered) > 2 * _FEW_EPOCHS and not any(row.is_running for row in numbered):
        epochs, what = _by_step([_Placed(math.nan, row.step, row.is_running, row.values) for row in numbered])
        return epochs, f"{what} of {'one epoch' if n_epochs == 1 else f'{n_epochs} epochs'}" if what else ""
    return _counted_from_1(_by_number(whole)), ""


def _in_epoch(row: _Placed) -> _Placed:
    """Return a row that lies within an epoch, as Hugging Face logs it, under the number of the epoch."""
    return _Placed(math.ceil(row.epoch - 1e-6), row.step, row.is_running, row.values)


def _count(rows: Sequence[_Placed], split: str) -> int:
    """Return how many rows have a loss or an accuracy of a split."""
    return sum(bool({f"{split}_loss", f"{split}_accuracy"} & set(row.values)) for row in rows)


def _by_number(rows: Sequence[_Placed]) -> list[dict[str, Any]]:
    """Combine rows that name their epoch: they fill each other's gaps.

    What was logged several times within an epoch is averaged, of training; of validation, and of a progress bar, the
    last counts. Where a curve comes back to an epoch that it had left, the run was resumed there, and what was is void.
    """
    epochs: dict[float, dict[str, list[float]]] = {}
    at: dict[str, float] = {}
    for row in rows:
        here = epochs.setdefault(row.epoch, {})
        for curve, value in row.values.items():
            if row.is_running or curve.startswith("val_") or at.get(curve) != row.epoch:
                here[curve] = []
            here[curve].append(value)
            at[curve] = row.epoch
    return [
        {"epoch": number, **{curve: sum(values) / len(values) for curve, values in curves.items()}}
        for number, curves in sorted(epochs.items())
        if math.isfinite(number)
    ]


def _counted_from_1(epochs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the epochs counted from 1 where a log counts from 0."""
    shift = 1 if epochs and epochs[0]["epoch"] == 0 else 0
    return [{**row, "epoch": row["epoch"] + shift} for row in epochs]


def _by_step(rows: Sequence[_Placed]) -> tuple[list[dict[str, Any]], str]:
    """Return one mapping an epoch of rows that name none, and what stands for epochs.

    Without steps, an epoch ends where a curve comes again; where training is logged oftener than validation, where
    validation is.
    """
    has_steps = any(not math.isnan(row.step) for row in rows)
    placed = [row for row in rows if not (has_steps and math.isnan(row.step))]
    n_train, n_val = _count(placed, "train"), _count(placed, "val")
    if not has_steps and not (n_val and n_train > 1.5 * n_val):
        return _by_number(_repeating(placed)), ""
    places = [row.step if has_steps else float(i) for i, row in enumerate(placed)]
    curves = dict.fromkeys(curve for row in placed for curve in row.values)
    series = {
        curve: [(place, row.values[curve]) for place, row in zip(places, placed, strict=True) if curve in row.values]
        for curve in curves
    }
    epochs = by_epoch(series)
    if len(epochs) <= _MOST_PARTS:
        return epochs, ("parts of the steps" if has_steps and not n_val else "")
    return _in_parts(epochs), "parts of the steps"


def _repeating(rows: Iterable[_Placed]) -> list[_Placed]:
    """Return the rows with a number: the next where a curve has a value already."""
    number, seen = 1, set[str]()
    numbered = []
    for row in rows:
        if seen & set(row.values):
            number, seen = number + 1, set()
        seen |= set(row.values)
        numbered.append(_Placed(number, row.step, row.is_running, row.values))
    return numbered


def _in_parts(epochs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the means over parts of as many rows."""
    parts: list[list[Mapping[str, Any]]] = [[] for _ in range(_MOST_PARTS)]
    for i, row in enumerate(epochs):
        parts[i * _MOST_PARTS // len(epochs)].append(row)
    return [
        {"epoch": nth}
        | {
            name: sum(values) / len(values)
            for name in dict.fromkeys(name for row in part for name in row if name != "epoch")
            if (values := [row[name] for row in part if name in row])
        }
        for nth, part in enumerate(parts, start=1)
    ]
