"""A probability for each cause from the numbers of a run, by trees that vote.

Half of the trees are those of a random forest (Breiman, 2001), half are extremely randomized (Geurts et al., 2006),
which are right more often on runs unlike those that they were fitted to; together they beat either. There is
one forest for each level of a record, since a run that is seen through its curves alone has to be judged by
other signs than one whose gradients are known. A tree sends a number that is not known to the side that it
was fitted with, so a record may lack anything. The logarithm of the trees' mean is added to what the rules
see, which holds for other people's runs too (trees of our own runs only in part), sharpened by a temperature (Guo et
al., 2017), and `healthy` is weighed so that few healthy runs are accused. These were fitted on runs that the trees had
not seen.

The forests are fitted by `benchmarks/diagnosis/calibrate.py` and kept in `model.npz`. Shapes: K causes, T trees,
N nodes of all trees, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.diagnosis.run_record import RunRecord

Ints: TypeAlias = NDArray[np.int64]

LEVELS = ("watched", "summarized", "configured", "curves")
"""The levels of a record, from most to least: with hooks, a summary of the data, settings, curves alone."""
_RULES_OF_UNLIKE = 4.0
"""How many times as much rules count where the trees have not met such runs."""
_SETTINGS = ("lr", "batch_size", "hidden", "channels", "dropout", "weight_decay", "optimizer")


@dataclass(frozen=True, slots=True)
class Forest:
    """The trees of one level, their nodes one after the other."""

    names: tuple[str, ...]
    """(F,): the features, in the order in which nodes number them."""
    roots: Ints
    """(T,): the node that each tree begins with."""
    feature: Ints
    """(N,): the feature that a node tests; -1 at a leaf."""
    threshold: Floats
    """(N,): a value that is no greater goes left."""
    left: Ints
    """(N,): the next node, at a leaf the row of `votes`. The node to the right follows the one to the left."""
    unknown_left: NDArray[np.bool_]
    """(N,): where a value goes that is not known."""
    votes: Floats
    """(leaves, K): the shares of the causes among the runs that came to a leaf."""
    log_weight: Floats
    """(K,): added to the logarithms of the trees' mean."""
    rule_weight: float
    """The weight of a sign at full strength, added to the logarithm of its cause."""
    temperature: float
    floor: float
    """The least that the trees' mean is taken to be."""

    def probabilities(self, values: Floats, strengths: Floats, *, is_unlike: bool = False) -> Floats:
        """Return probabilities (K,) for features (F,) and the strength of what rules see of each cause (K,).

        is_unlike: the run is unlike those that the trees were fitted to. Their vote counts less then, and rules more.
        """
        if is_unlike:
            return self.calibrated(np.sqrt(self.mean_vote(values)), _RULES_OF_UNLIKE * strengths)
        return self.calibrated(self.mean_vote(values), strengths)

    def mean_vote(self, values: Floats) -> Floats:
        """Return the mean of the trees' votes, (K,)."""
        mean: Floats = self.mean_votes(values[None])[0]
        return mean

    def mean_votes(self, values: Floats) -> Floats:
        """Return the mean of the trees' votes for each row of features, (M, F) -> (M, K)."""
        node = np.broadcast_to(self.roots, (len(values), len(self.roots)))
        while (inner := self.feature[node] >= 0).any():
            tested = np.take_along_axis(values, self.feature[node], axis=1)
            goes_left = np.where(np.isnan(tested), self.unknown_left[node], tested <= self.threshold[node])
            node = np.where(inner, self.left[node] + ~goes_left, node)
        means: Floats = self.votes[self.left[node]].mean(axis=1)
        return means

    def calibrated(self, mean: Floats, strengths: Floats) -> Floats:
        """Return the trees' mean and the rules' strengths as probabilities, (K,)."""
        logits = np.log(np.maximum(mean, self.floor)) + self.log_weight + self.rule_weight * strengths
        logits = logits / self.temperature
        odds = np.exp(logits - logits.max())
        result: Floats = odds / odds.sum()
        return result


def level_of(run: RunRecord) -> str:
    """Return the level of `LEVELS` that a record has."""
    # the norm of the gradient alone, which many loops log, is far from what the watched runs have
    hooks = [run[name] for name in ("weight_norm", "update_ratio", "train_eval_loss")]
    if any(np.isfinite(values).any() for values in hooks) or run.layers["grad_norm"].size:
        return "watched"
    if run.data:
        return "summarized"
    return "configured" if any(name in run.config for name in _SETTINGS) else "curves"


@cache
def forest(level: str) -> Forest:
    """Return the forest that is shipped for a level."""
    with (files("tunewell.diagnosis") / "model.npz").open("rb") as file, np.load(file) as arrays:
        return unpack(arrays, level)


def pack(trees: Forest, level: str) -> dict[str, NDArray[Any]]:
    """Return a forest as small arrays, named after its level; `left` follows from the order of the nodes."""
    arrays = {
        "names": np.array(trees.names),
        "roots": trees.roots.astype(np.int32),
        "feature": trees.feature.astype(np.int16),
        "threshold": trees.threshold.astype(np.float32),
        "unknown_left": np.packbits(trees.unknown_left),
        "votes": np.round(trees.votes * 255).astype(np.uint8),
        "log_weight": trees.log_weight.astype(np.float32),
        "scales": np.array([trees.rule_weight, trees.temperature, trees.floor]),
    }
    return {f"{level}.{name}": values for name, values in arrays.items()}


def unpack(arrays: Any, level: str) -> Forest:
    """Return the forest of a level that `pack` made arrays of."""

    def read(name: str) -> NDArray[Any]:
        values: NDArray[Any] = arrays[f"{level}.{name}"]
        return values

    feature, roots = read("feature").astype(np.int64), read("roots").astype(np.int64)
    rule_weight, temperature, floor = read("scales")
    return Forest(
        names=tuple(map(str, read("names"))),
        roots=roots,
        feature=feature,
        threshold=read("threshold").astype(np.float64),
        left=_left(roots, feature >= 0),
        unknown_left=np.unpackbits(read("unknown_left"), count=len(feature)).astype(bool),
        votes=read("votes") / 255.0,
        log_weight=read("log_weight").astype(np.float64),
        rule_weight=float(rule_weight),
        temperature=float(temperature),
        floor=float(floor),
    )


def _left(roots: Ints, inner: NDArray[np.bool_]) -> Ints:
    """Return the next node of inner nodes, and the row of `votes` of leaves, (N,).

    A tree's nodes stand level by level, two children beside each other, so those of its k-th inner node come 2 k + 1
    after the root; leaves are numbered in the order in which they stand.
    """
    tree = np.searchsorted(roots, np.arange(len(inner)), side="right") - 1
    nth = np.cumsum(inner) - 1
    before = np.concatenate([[0], np.cumsum(inner)])[roots]
    result: Ints = np.where(inner, roots[tree] + 2 * (nth - before[tree]) + 1, np.cumsum(~inner) - 1)
    return result
