"""Names of metrics that are put together of several words: `val_unseen_acc`, `AverageEpRet`, `fid50k_full`.

The last word that says what is measured is the head of such a name, and the words before it tell only which one of
several it is. Some of these turn its sense, as in `acc_gap` or `delta_loss`: a name that has one is not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tunewell.errors import SettingError
from tunewell.logs.names import is_aside, meaning
from tunewell.study.metric import direction_of

_MOST_WORDS = 7
_LONGEST_HEAD = 3  # words
_TURNED = frozenset(
    """
    delta diff difference change changes improvement gain gap drop decrease increase std stddev stdev var variance neg
    negative minus inverse target goal threshold thr weight weights scale coef coeff ratio expected required initial
    old prev previous random chance baseline regret relative number no num n count best worst since without lambda
    early stopping stop patience limit margin noise rate
    """.split()  # noqa: SIM905  a list of that length is not read
)
"""Words that make something else of what stands behind them."""
_OF_SENTENCES = frozenset(
    """
    with saved saving save saves improved improving improves reached reaching reaches new got gets having until after
    before when while than so far solved done loaded loading restored if
    """.split()  # noqa: SIM905  as above
)
"""Words of a sentence, which is no name."""
_BEHIND = frozenset(
    """
    per episode episodes
    full all total seen unseen mean avg average overall micro macro weighted samples epoch final last ema val valid
    validation train training test testing dev eval evaluation set on in over the of cosine dot euclidean manhattan
    """.split()  # noqa: SIM905  as above
)
"""Words behind the head that leave it what it is."""
_AT_A_RANK = re.compile(r"[A-Za-z]@\.?\d")
"""`PCK@0.5`: what is counted up to a rank, or within a threshold, is what was hit."""
_EARNED = frozenset(["reward", "rewards", "rew", "return", "returns", "ret", "rets"])
_MORE = frozenset(
    [
        *_EARNED,
        "prc",
        "bacc",
        "top1",
        "similarity",
        "coverage",
        "likelihood",
        "fitness",
        "performance",
        "correlation",
        "c_index",
        "cindex",
        "cider",
        "pck",
        "stoi",
        "pesq",
        "sdr",
        "sisdr",
        "snr",
    ]
)
_LESS = frozenset(
    [
        "losses",
        "cost",
        "energy",
        "distance",
        "violation",
        "deviance",
        "divergence",
        "rmspe",
        "mase",
        "abs_rel",
        "sq_rel",
        "rms",
        "silog",
        "epe",
        "chamfer",
    ]
)
_WITH_ONE_BEHIND = frozenset(
    ["f1", "auc", "auroc", "acc", "accuracy", "iou", "dice", "bleu", "wer", "cer", "mae", "rmse"]
)
_QUANTITIES = {
    **dict.fromkeys(_EARNED, "reward"),
    **dict.fromkeys(("fid", "kid"), "fid"),
    **dict.fromkeys(("hit", "hits", "hr", "hitrate"), "hits"),
    **dict.fromkeys(("prc",), "map"),
    **dict.fromkeys(("losses",), "loss"),
    **dict.fromkeys(("bacc",), "accuracy"),
    **{name: name for name in ("ndcg", "mrr", "eer", "mase", "fitness", "cider")},
}


@dataclass(frozen=True, slots=True)
class Head:
    """The quantity that the head of a name measures."""

    quantity: str
    """As `Meaning` has it, or a word such as `reward`; "" where it is none that has a place among others."""
    direction: str
    n_more: int
    """So many words tell which one it is."""
    task: str = ""
    """The first of these that is no word for rows, or for how a mean was taken."""


@lru_cache(maxsize=1000)
def head_of(name: str) -> Head | None:
    """Return what a name measures by its head; None if it has none, or a word that turns it."""
    words = _in_order(name)
    while len(words) > 1 and (words[-1] in _BEHIND or words[-1].isdigit()):
        words = words[:-1]
    if not words or len(words) > _MOST_WORDS or is_aside(name):
        return None
    for n in range(min(_LONGEST_HEAD, len(words)), 0, -1):
        head, rest = words[-n:], words[:-n]
        direction = _direction("_".join(head))
        if direction is None:
            continue
        if (
            _TURNED & {*rest}
            or _OF_SENTENCES & {*rest}
            or any(_direction(word) not in (None, direction) for word in rest)
        ):
            return None
        known = meaning("_".join(head)) or meaning(_stem("_".join(head)))
        quantity = _QUANTITIES.get(_stem(head[-1]), known.quantity if known else "")
        return Head(quantity, direction, len(rest), next((word for word in rest if word not in _BEHIND), ""))
    if _AT_A_RANK.search(name) and not _TURNED & {*words}:
        return Head("", "maximize", len(words))
    return _part_of_loss(words) or _of_one(words)


def _of_one(words: list[str]) -> Head | None:
    """Return the head of `f1_bio`, where it stands before the word for which one it is."""
    if len(words) != 2 or words[0] not in _WITH_ONE_BEHIND or words[1].isdigit() or _TURNED & {*words}:
        return None
    known = meaning(words[0])
    direction = _direction(words[0])
    return Head(known.quantity, direction, 1, words[1]) if known and direction else None


def _part_of_loss(words: list[str]) -> Head | None:
    """Return the head of `loss_D` or `LossPi`, where it stands before the part that it is the loss of."""
    if words[0] == "loss" and len(words) == 2 and (len(words[1]) <= 3 or words[1] in ("ctc", "att", "bbox")):
        return Head("part", "minimize", 1) if not _TURNED & {*words} else None
    return None


def _direction(name: str) -> str | None:
    stem = _stem(name)
    if stem in _MORE or stem in _LESS:
        return "maximize" if stem in _MORE else "minimize"
    for one in (name, stem):
        try:
            return direction_of(one)
        except SettingError:
            continue
    return None


def _stem(name: str) -> str:
    """Return a name without the number that it ends with, as `fid50k` and `accuracy01` do; that of `f1` is its own."""
    return re.sub(r"(?<=[a-z]{2})\d+k?$", "", name)


def _in_order(name: str) -> list[str]:
    """Return the words of a name in their order, in small letters."""
    plain = name.replace("IoU", "iou").replace("mAP", "map").replace("²", "2")
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain)
    return [word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word]
