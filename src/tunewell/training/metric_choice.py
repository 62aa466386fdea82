"""The metric that a study of a program optimizes, chosen of those that the program prints or writes."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache

from tunewell.errors import SettingError
from tunewell.logs.names import is_aside, is_bare, meaning, says_split, split_of, words_of
from tunewell.logs.printed import spelled
from tunewell.logs.scores import MAX_SHARE, SCORES
from tunewell.near_names import perhaps
from tunewell.study.metric import direction_of
from tunewell.training.compound_names import head_of

_BEST_FIRST = (
    *("reward", "fid", "iou", "dice", "cider", "bleu", "rouge", "kappa", "mcc", "eer", "ndcg", "mrr", "map"),
    *("accuracy", "auc", "f1", "pixel", "r2", "lrap", "psnr", "ssim"),
    *("hits", "recall", "precision", "other", "wer", "cer", "error", "rmse", "mse", "mae", "huber", "mape", "mase"),
    *("perplexity", "loss", "", "part"),
)
"""Quantities, those first that people tune for where they measure several.

What is made for a task goes before an accuracy, which counts pixels or words there. An accuracy that counts pixels is
behind the overlaps: a mask of nothing but background has a good one.
"""
_OF_EVALUATIONS = frozenset(["fid", "bleu", "rouge", "eer", "ndcg", "mrr", "map", "wer", "cer", "hits"])
"""Quantities that nobody measures on the batches of a training."""
_TO_TEN = {"ndcg", "hits"}
"""Quantities that are mostly counted among the first ten."""
_OF_EPISODES = {"reward", "rewards", "rew", "return", "returns", "ret", "rets", "score", "win", "success"}
"""Words of what an agent earns, which has no rows; the mean over episodes says more than one of them."""
_OF_SAMPLES = {"fid", "kid", "inception"}
"""Words of what is measured on what a model has generated."""
_MEANS = {"mean", "avg", "average", "moving", "running"}
_NTH_SET = re.compile(r"(?i)(?<![a-z])(?:val|valid|validation|eval|test)_(\d+)(?![\d.])")
_VALIDATION, _TEST, _UNKNOWN, _TRAINING = range(4)
_LAST = {"final", "best", "last"}
_MOSTLY_ONE_WAY = 2 / 3
_EQUAL = 0.01
_OFTENER = 2  # times, by which steps are more than epochs
_SURE = 2  # values, above which what they do is no chance
_MARGINS = {"auc": 0.02, "map": 0.1, "f1": 0.15}
"""So far may an accuracy lie above another score of the same rows where no class has most of them."""
_ABOUT = 1.5  # times
_MOSTLY = 0.9  # an accuracy above which half of that is enough
_ALL_OVERLAPS = {"95", "5095"}
_AT_ONE_OVERLAP = re.compile(r"\d\d$")
_ADVERSARIES = {"d", "dis", "disc", "discriminator", "critic"}
_OF_SEVERAL = re.compile(r"(acc|accuracy|prec|top)_?0?([2-9]|10)")
_TOP_K = {"5", "top5", "top3", "acc5", "3", "k"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A metric that could be optimized."""

    name: str
    direction: str
    rows: int
    """Where it was measured: on rows of validation, of a test, of training, or nobody says."""

    @property
    def is_of_test(self) -> bool:
        """True if it was measured on rows of a test."""
        return self.rows == _TEST

    @property
    def is_of_training(self) -> bool:
        """True if it was measured on the rows of training, or its name says of no others."""
        return self.rows in (_UNKNOWN, _TRAINING)


def needs_rows(name: str) -> bool:
    """Return True unless a metric is one of episodes or of generated samples, which are none of training."""
    # a score may be of anything: `f1_score` is of rows
    return not words_of(name) & (_OF_EPISODES - {"score"} | _OF_SAMPLES) or says_split(name)


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of metrics so far, which tell those apart that their names do not."""

    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """The values of each, in their order."""
    of_steps: frozenset[str] = frozenset()
    """Names that stand on lines of single steps only."""
    beside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By name, those that stand wherever it stands."""
    only: str = ""
    """The name of the only number that is measured, if no name is known."""


@lru_cache(maxsize=1000)
def is_metric(name: str) -> bool:
    """Return True if a name is known as that of a metric."""
    if is_aside(name):
        return False
    return meaning(name) is not None or _direction(name) is not None or is_bare(name)


def candidates(names: Sequence[str], beside: Iterable[str] = (), seen: Seen | None = None) -> list[Candidate]:
    """Return the metrics among these names whose direction is known, the best one to optimize first.

    beside: names that come less often.
    """
    seen = seen or Seen()
    quantities: dict[str, set[str]] = {}
    for name in (*names, *beside):
        if quantity := _quantity(name):
            quantities.setdefault(quantity, set()).add(split_of(name))
    found = [
        Candidate(name, direction, _rows(name, quantities, seen))
        for name in names
        if (direction := _direction_seen(name, names, seen)) and not is_aside(name) and not _is_part(name)
    ]
    measured = {one.name for one in found if one.rows == _VALIDATION and not split_of(one.name)}
    found = [
        replace(one, rows=_VALIDATION)
        if one.rows == _UNKNOWN and not measured.isdisjoint(seen.beside.get(one.name, ()))
        else one
        for one in found
    ]
    blind = _of_many_in_one_class(found, seen) | _of_several_tasks(found)
    return sorted(found, key=lambda one: (one.rows, one.name in blind, *_place(one.name, seen)))


def direction_by_name(name: str) -> str | None:
    """Return the direction of a program's metric as its name tells it; None if it does not."""
    return _direction(name)


def named(metric: str, names: Sequence[str]) -> str:
    """Return the name that the user means: the same, the same in another spelling, or the only one of its meaning.

    Raises:
        SettingError: there is none.
    """
    if metric in names:
        return metric
    same = [name for name in names if words_of(name) - _LAST == words_of(spelled(metric)) - _LAST]
    if not same and (wanted := meaning(metric)):
        same = [name for name in names if meaning(name) == wanted]
    if len(same) == 1:
        return same[0]
    raise SettingError(
        f"the program reports no {metric!r}{perhaps(metric, names)}; found: {', '.join(names) or 'nothing'}; "
        "say one of these with --metric, or how to find it with --pattern"
    )


def loss_of(found: Sequence[Candidate]) -> str:
    """Return the first loss among several metrics; the first of all, if none is one."""
    known = ((one.name, meaning(one.name)) for one in found)
    return next((name for name, what in known if what and what.quantity == "loss"), found[0].name)


def _direction(name: str) -> str | None:
    with suppress(SettingError):
        return direction_of(name)
    if (known := meaning(name)) is not None and known.quantity != "lr":
        if known.quantity in SCORES:
            return "minimize" if SCORES[known.quantity].less_is_better else "maximize"
        return "minimize" if known.quantity == "loss" else "maximize"
    head = head_of(name)
    return head.direction if head else None


def _direction_seen(name: str, names: Sequence[str], seen: Seen) -> str | None:
    """Return the direction of a metric by its name and, where that leaves it open, by its values.

    A fitness is what an evolution makes large, or small: whichever its author chose.
    """
    direction = _direction(name)
    if direction and _quantity(name) == "fitness":
        goes = {_goes(seen.curves.get(other, ())) for other in names if _quantity(other) == "fitness"}
        return "minimize" if goes <= {"minimize", None} and "minimize" in goes else direction
    if direction is None and name == seen.only:
        return _trend(seen.curves.get(name, ()))
    return direction or _direction_of_split(name, names, seen)


def _trend(values: Sequence[float]) -> str | None:
    """Return the direction in which values go on the whole; None if in neither, or as a schedule goes."""
    pairs = list(itertools.pairwise(values))
    if len(pairs) < _SURE or not all(math.isfinite(value) for value in values) or _is_schedule(pairs):
        return None
    third = max(1, len(values) // 3)
    begins, ends = sum(values[:third]) / third, sum(values[-third:]) / third
    n_up, n_down = (sum(sign * (after - before) > 0 for before, after in pairs) for sign in (1, -1))
    if ends < begins and n_down >= _MOSTLY_ONE_WAY * len(pairs):
        return "minimize"
    return "maximize" if ends > begins and n_up >= _MOSTLY_ONE_WAY * len(pairs) else None


def _is_schedule(pairs: Sequence[tuple[float, float]]) -> bool:
    """Return True if each value is the one before plus, or times, one and the same number."""
    steps = [after - before for before, after in pairs]
    ratios = [after / before for before, after in pairs if before]
    return any(all(math.isclose(one, these[0], rel_tol=_EQUAL) for one in these) for these in (steps, ratios) if these)


def _direction_of_split(name: str, names: Sequence[str], seen: Seen) -> str | None:
    """Return the direction of what has no name but its split: that in which it goes while the network learns.

    It goes the same way on the rows of training, or went so three times, or rises while all losses fall; else there is
    none.
    """
    if not is_bare(name):
        return None
    goes = _goes(seen.curves.get(name, ()))
    if goes == "minimize" and _is_near_a_loss(name, seen):
        return goes
    losses = {_goes(curve) for other, curve in seen.curves.items() if _quantity(other) == "loss" and len(curve) > 1}
    if goes == "maximize" and losses == {"minimize"} and not _is_near_a_loss(name, seen):
        return goes
    others = {_goes(seen.curves.get(other, ())) for other in names if is_bare(other) and split_of(other) == "train"}
    is_sure = goes in others or len(seen.curves.get(name, ())) > _SURE
    return goes if is_sure and others <= {goes} else None


def _is_near_a_loss(name: str, seen: Seen) -> bool:
    """Return True if the values are about as large as those of a loss, or an error, of training."""
    own = seen.curves[name]
    losses = [curve for other, curve in seen.curves.items() if other != name and _direction(other) == "minimize"]
    return any(loss[-1] > 0 and 1 / _ABOUT < own[-1] / loss[-1] < _ABOUT for loss in losses)


def _goes(values: Sequence[float]) -> str | None:
    """Return the direction in which each value is better than the one before; None if there is none."""
    pairs = list(itertools.pairwise(values))
    if not pairs:
        return None
    if all(after < before for before, after in pairs):
        return "minimize"
    return "maximize" if all(after > before for before, after in pairs) else None


def _of_many_in_one_class(found: Sequence[Candidate], seen: Seen) -> set[str]:
    """Return the accuracies that are those of one class which most rows have, so that they say next to nothing.

    Where classes are about equal, an accuracy lies below the area under the curve, and not far above an F1.
    """
    blind = set()
    for one in found:
        if _quantity(one.name) != "accuracy" or not seen.curves.get(one.name):
            continue
        accuracy = _share(seen.curves[one.name])
        for other in found:
            margin = _MARGINS.get(_quantity(other.name))
            is_same = other.rows == one.rows and split_of(other.name) == split_of(one.name)
            if margin is not None and is_same and seen.curves.get(other.name):
                value = _share(seen.curves[other.name])
                if value < accuracy - margin or (accuracy > _MOSTLY and value < accuracy - margin / 2):
                    blind.add(one.name)
    return blind


def _of_several_tasks(found: Sequence[Candidate]) -> set[str]:
    """Return the metrics of one task each, as `depth_rmse` beside `seg_miou`, if a loss is there that is of all."""
    tasks: dict[int, dict[str, str]] = {}
    for one in found:
        head = head_of(one.name) if meaning(one.name) is None else None
        if head and head.task and head.quantity not in ("", "part"):
            tasks.setdefault(one.rows, {})[one.name] = f"{head.task} {head.quantity}"
    several = {
        rows: its
        for rows, its in tasks.items()
        if len({task.partition(" ")[0] for task in its.values()}) > 1
        and len({task.partition(" ")[2] for task in its.values()}) > 1
        and any(one.rows == rows and _quantity(one.name) == "loss" and meaning(one.name) for one in found)
    }
    return {name for its in several.values() for name in its}


def _share(values: Sequence[float]) -> float:
    return values[-1] / 100 if max(values) > MAX_SHARE else values[-1]


def _quantity(name: str) -> str:
    """Return what a metric measures, as it has its place among others."""
    if (known := meaning(name)) is not None:
        return "pixel" if "pixel" in words_of(name) else known.quantity
    head = head_of(name)
    if head and head.quantity:
        return head.quantity
    if head and head.direction == "maximize":
        return "other"  # a score of a kind, which says more than the loss
    with suppress(SettingError):
        return "other" if direction_of(name) else ""
    return ""


def _rows(name: str, quantities: dict[str, set[str]], seen: Seen) -> int:
    """Return where a metric was measured, in view of the others.

    A name without a word for it is of validation where training has the quantity under a name of its own, or where the
    losses name it: so do tables of Hugging Face and fastai. But what stands on the lines of steps alone, beside others
    that are of a whole epoch, is of training.
    """
    quantity, split = _quantity(name), split_of(name)
    if split:
        return {"val": _VALIDATION, "test": _TEST, "train": _TRAINING}[split]
    own = quantities.get(quantity, set())
    if name in seen.of_steps and not seen.curves.keys() <= seen.of_steps:
        return _UNKNOWN
    if quantity in _OF_EVALUATIONS and own.isdisjoint(("val", "test")):
        return _VALIDATION
    losses = quantities.get("loss", set())
    if quantity == "loss" and "train" in own and _is_mean_of_training(name, seen):
        return _UNKNOWN
    if own.isdisjoint(("val", "test")) and ("train" in own or ("val" in losses and "" not in losses)):
        return _VALIDATION
    return _UNKNOWN


def _is_mean_of_training(name: str, seen: Seen) -> bool:
    """Return True for the mean of a loss that stands under another name on the lines of the steps."""
    once = len(seen.curves.get(name, ()))
    return bool(words_of(name) & _MEANS) and any(
        split_of(other) == "train" and _quantity(other) == "loss" and len(curve) >= _OFTENER * once > 0
        for other, curve in seen.curves.items()
    )


def _is_part(name: str) -> bool:
    known = meaning(name)
    return known is not None and (bool(known.part) or known.quantity == "lr")


def _place(name: str, seen: Seen) -> tuple[int, ...]:
    """Return a key that sorts names of the same rows, the best one first.

    What does not change says nothing. An accuracy among the first five, or of the mean class, goes last; and of sets
    that are numbered the last one is held out: boosted trees are given the training rows first.
    """
    words, quantity, head = words_of(name), _quantity(name), head_of(name)
    if "@" in name and quantity == "f1":
        quantity = "precision"
    if "score" in words and is_bare("_".join(words - {"score"})):
        quantity = _BEST_FIRST[0]  # what the program takes for its score, whatever that is
    order = _BEST_FIRST.index(quantity) if quantity in _BEST_FIRST else _BEST_FIRST.index("")
    is_other = (
        "class" in words
        or bool(words & _TOP_K and words & {"acc", "accuracy", "prec", "top", "top5", "top3", "acc5"})
        or any(_OF_SEVERAL.fullmatch(word) for word in words)
    )
    nth = _NTH_SET.search(name)
    is_single = bool(words & _OF_EPISODES) and not words & _MEANS
    is_extreme = bool(words & {"min", "max"})
    return (
        _is_constant(seen.curves.get(name, ())),
        is_other,
        order,
        -int(nth[1]) if nth else 0,
        is_extreme,
        quantity == "part" and bool(words & _ADVERSARIES),
        quantity == "map" and not words & _ALL_OVERLAPS,
        quantity == "map" and bool(_AT_ONE_OVERLAP.search(name)),
        not says_split(name),
        name in seen.of_steps,
        is_single,
        head.n_more if head and meaning(name) is None else 0,
        quantity in _TO_TEN and "10" not in words,
        "balanced" not in words and quantity == "accuracy",
        len(name),
    )


def _is_constant(values: Sequence[float]) -> bool:
    return len(values) > _SURE and len({*values}) == 1
