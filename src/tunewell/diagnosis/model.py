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
_SETTINGS = ("lr", "batch_size", "hidden", "channels", "dropout", "weight_decay", "optimizer")


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees that vote, their nodes one after the other."""

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


def joined(one: Trees, other: Trees) -> Trees:
    """Return the trees of both."""
    names = tuple(dict.fromkeys((*one.names, *other.names)))
    place = np.array([*(names.index(name) for name in other.names), -1])  # the last is a leaf's
    moved = np.where(other.feature >= 0, len(one.feature), len(one.votes))
    return Trees(
        names=names,
        roots=np.concatenate([one.roots, other.roots + len(one.feature)]),
        feature=np.concatenate([one.feature, place[other.feature]]),
        threshold=np.concatenate([one.threshold, other.threshold]),
        left=np.concatenate([one.left, other.left + moved]),
        unknown_left=np.concatenate([one.unknown_left, other.unknown_left]),
        votes=np.concatenate([one.votes, other.votes]),
    )


def under(names: tuple[str, ...], given: tuple[str, ...], values: Floats) -> Floats:
    """Return values that are in the order of the given names, (M, G), in that of others, (M, F); NaN if not given."""
    place = {name: i for i, name in enumerate(given)}
    columns = [values[:, place[name]] if name in place else np.full(len(values), np.nan) for name in names]
    return np.column_stack(columns)


@dataclass(frozen=True, slots=True)
class Forest:
    """The trees of one level, and how their vote becomes a confidence."""

    trees: Trees
    log_weight: Floats
    """(K,): added to the logarithms of the trees' mean."""
    rule_weight: float
    """The weight of a sign at full strength, added to the logarithm of its cause."""
    temperature: float
    floor: float
    """The least that the trees' mean is taken to be."""

    @property
    def names(self) -> tuple[str, ...]:
        """The features, (F,)."""
        return self.trees.names

    def probabilities(self, values: Floats, strengths: Floats) -> Floats:
        """Return probabilities (K,) for features (F,) and the strength of what rules see of each cause (K,)."""
        return self.calibrated(self.trees.mean_vote(values), strengths)

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


def pack(forest: Forest, level: str) -> dict[str, NDArray[Any]]:
    """Return a forest as small arrays, named after its level; `left` follows from the order of the nodes."""
    trees = forest.trees
    arrays = {
        "names": np.array(trees.names),
        "roots": trees.roots.astype(np.int32),
        "feature": trees.feature.astype(np.int16),
        "threshold": trees.threshold.astype(np.float32),
        "unknown_left": np.packbits(trees.unknown_left),
        "votes": np.round(trees.votes * 255).astype(np.uint8),
        "log_weight": forest.log_weight.astype(np.float32),
        "scales": np.array([forest.rule_weight, forest.temperature, forest.floor]),
    }
    return {f"{level}.{name}": values for name, values in arrays.items()}


def unpack(arrays: Any, level: str) -> Forest:
    """Return the forest of a level that `pack` made arrays of."""
    rule_weight, temperature, floor = arrays[f"{level}.scales"].tolist()
    return Forest(
        unpack_trees(arrays, level),
        log_weight=arrays[f"{level}.log_weight"].astype(np.float64),
        rule_weight=rule_weight,
        temperature=temperature,
        floor=floor,
    )


def unpack_trees(arrays: Any, level: str) -> Trees:
    """Return the trees alone of the forest of a level."""

    def read(name: str) -> NDArray[Any]:
        values: NDArray[Any] = arrays[f"{level}.{name}"]
        return values

    feature, roots = read("feature").astype(np.int64), read("roots").astype(np.int64)
    return Trees(
        names=tuple(map(str, read("names"))),
        roots=roots,
        feature=feature,
        threshold=read("threshold").astype(np.float64),
        left=_left(roots, feature >= 0),
        unknown_left=np.unpackbits(read("unknown_left"), count=len(feature)).astype(bool),
        votes=read("votes") / 255.0,
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
