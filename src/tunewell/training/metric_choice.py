"""The metric that a study of a program optimizes, chosen of those that the program prints or writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tunewell.errors import SettingError
from tunewell.logs.names import is_aside, is_bare, meaning, says_split, split_of, words_of
from tunewell.logs.printed import spelled
from tunewell.near_names import perhaps
from tunewell.study.metric import direction_of

_BEST_FIRST = (
    *("accuracy", "f1", "auc", "map", "iou", "dice", "pixel"),
    *("r2", "mcc", "kappa", "lrap", "bleu", "rouge", "psnr", "ssim"),
    *("recall", "precision", "wer", "cer", "error", "rmse", "mse", "mae", "huber", "mape", "perplexity", "loss"),
)
"""Quantities, those first that people tune for where they measure several.

An accuracy that counts pixels is behind the overlaps: a mask of nothing but background has a good one.
"""
_OF_EPISODES = {"reward", "rewards", "rew", "return", "returns", "score", "win", "success"}
"""Words of what an agent earns, which has no rows; the mean over episodes says more than one of them."""
_OF_SAMPLES = {"fid", "kid", "inception"}
"""Words of what is measured on what a model has generated."""
_MEANS = {"mean", "avg", "average", "moving", "running"}
_NTH_SET = re.compile(r"(?i)(?<![a-z])(?:val|valid|validation|eval|test)_(\d+)(?![\d.])")
_VALIDATION, _TEST, _UNKNOWN, _TRAINING = range(4)
_LAST = {"final", "best", "last"}
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


@lru_cache(maxsize=1000)
def is_metric(name: str) -> bool:
    """Return True if a name is known as that of a metric."""
    if is_aside(name):
        return False
    return meaning(name) is not None or _direction(name) is not None or is_bare(name)


def candidates(names: Sequence[str], beside: Iterable[str] = ()) -> list[Candidate]:
    """Return the metrics among these names whose direction is known, the best one to optimize first.

    beside: names that come less often.
    """
    quantities: dict[str, set[str]] = {}
    for name in (*names, *beside):
        if known := meaning(name):
            quantities.setdefault(known.quantity, set()).add(known.split)
    found = [
        Candidate(name, direction, _rows(name, quantities))
        for name in names
        if (direction := _direction(name)) and not is_aside(name) and not _is_part(name)
    ]
    return sorted(found, key=lambda one: (one.rows, _place(one.name)))


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
    try:
        return direction_of(name)
    except SettingError:
        return None


def _rows(name: str, quantities: dict[str, set[str]]) -> int:
    """Return where a metric was measured, in view of the others.

    A name without a word for it is of validation where training has the quantity under a name of its own, or where the
    losses name it: so do tables of Hugging Face and fastai.
    """
    known = meaning(name)
    split = split_of(name)
    if split:
        return {"val": _VALIDATION, "test": _TEST, "train": _TRAINING}[split]
    own = quantities.get(known.quantity, set()) if known else set()
    losses = quantities.get("loss", set())
    if own.isdisjoint(("val", "test")) and ("train" in own or ("val" in losses and "" not in losses)):
        return _VALIDATION
    return _UNKNOWN


def _is_part(name: str) -> bool:
    known = meaning(name)
    return known is not None and (bool(known.part) or known.quantity == "lr")


def _place(name: str) -> tuple[bool, int, int, bool, int]:
    """Return a key that sorts names of the same rows, the best one first.

    An accuracy among the first five, or of the mean class, goes last; and of sets that are numbered the last one is
    held out: boosted trees are given the training rows first.
    """
    known, words = meaning(name), words_of(name)
    quantity = "pixel" if "pixel" in words else known.quantity if known else "loss" if "loss" in words else ""
    order = _BEST_FIRST.index(quantity) if quantity in _BEST_FIRST else _BEST_FIRST.index("wer")
    is_other = "class" in words or bool(
        words & _TOP_K and words & {"acc", "accuracy", "prec", "top", "top5", "top3", "acc5"}
    )
    nth = _NTH_SET.search(name)
    is_single = bool(words & _OF_EPISODES) and not words & _MEANS
    return is_other, order, -int(nth[1]) if nth else 0, is_single, len(name)
