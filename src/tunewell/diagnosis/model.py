"""A probability for each cause from the numbers of a run, by trees that vote.

Half of the trees are those of a random forest (Breiman, 2001), half are extremely randomized (Geurts et al., 2006),
which are right more often on runs unlike those that they were fitted to; together they beat either. There is
one forest for each level of a record, since a run that is seen through its curves alone has to be judged by
other signs than one whose gradients are known. A tree sends a number that is not known to the side that it
was fitted with, so a record may lack anything. The logarithm of the trees' mean is added to what the rules
see, which holds for other people's runs too (trees of our own runs only in part), sharpened by a temperature (Guo et
al., 2017), and `healthy` is weighed so that few healthy runs are accused. These were fitted on runs that the trees had
not seen.

The forests are fitted by `benchmarks/diagnosis/calibrate.py` and kept in `model.npz.xz`, coarsely: of a feature's
thresholds 32 values, of a vote its fifths. Three hundred trees even that out: their mean moves by .01. Shapes: K
causes, T trees, N nodes of all trees, F features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.diagnosis.model_file import Arrays, read_arrays
from tunewell.diagnosis.run_record import RunRecord

Ints: TypeAlias = NDArray[np.int64]

LEVELS = ("watched", "summarized", "configured", "curves")
"""The levels of a record, from most to least: with hooks, a summary of the data, settings, curves alone."""
_MOST_THRESHOLDS, _VOTE_STEPS = 32, 5
"""What is kept of a forest: so many thresholds a feature, and votes in so many steps."""
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


def pruned(trees: Trees) -> Trees:
    """Return trees with votes as `pack` keeps them, without the tests whose answer changes none of these."""
    rows, place = np.unique(np.round(trees.votes * _VOTE_STEPS) / _VOTE_STEPS, axis=0, return_inverse=True)
    voted = np.where(trees.feature < 0, place.reshape(-1)[np.minimum(trees.left, len(place) - 1)], -1)
    for node in np.flatnonzero(trees.feature >= 0)[::-1].tolist():  # children stand after their parents
        left, right = voted[trees.left[node] : trees.left[node] + 2]
        voted[node] = left if left == right else -1
    kept: list[int] = []
    roots: list[int] = []
    for root in trees.roots.tolist():
        roots.append(len(kept))
        level = [root]
        while level:
            kept += level
            level = [child for node in level if voted[node] < 0 for child in (trees.left[node], trees.left[node] + 1)]
    node = np.array(kept)
    inner, start = voted[node] < 0, np.array(roots)
    return replace(
        trees,
        roots=start,
        feature=np.where(inner, trees.feature[node], -1),
        threshold=np.where(inner, trees.threshold[node], 0.0),
        left=_left(start, inner),
        unknown_left=trees.unknown_left[node] & inner,
        votes=rows[voted[node[~inner]]],
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
    return unpack(_shipped(), level)


@cache
def _shipped() -> Arrays:
    return read_arrays()


def pack(forest: Forest, level: str) -> Arrays:
    """Return a forest as small arrays, named after its level; `left` follows from the order of the nodes."""
    trees = forest.trees
    inner = trees.feature >= 0
    feature = trees.feature[inner]
    place, values, counts = _coarse(trees.threshold[inner].astype(np.float32), feature, len(trees.names))
    arrays: Arrays = {
        "names": np.array(trees.names),
        "roots": trees.roots.astype(np.int32),
        "inner": np.packbits(inner),
        "feature": feature.astype(np.int16),
        "threshold_place": place,
        "thresholds": values,
        "n_thresholds": counts,
        "unknown_left": np.packbits(trees.unknown_left[inner]),
        "votes": np.round(trees.votes * _VOTE_STEPS).astype(np.uint8),
        "log_weight": forest.log_weight.astype(np.float32),
        "scales": np.array([forest.rule_weight, forest.temperature, forest.floor]),
    }
    return {f"{level}.{name}": array for name, array in arrays.items()}


def _coarse(
    thresholds: NDArray[np.float32], feature: Ints, n_features: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]:
    """Return the place of each threshold among the values that are kept of its feature's, these, and their number."""
    place = np.zeros(len(thresholds), np.uint8)
    kept: list[NDArray[np.float32]] = []
    for one in range(n_features):
        own = feature == one
        values = np.unique(thresholds[own])
        if len(values) > _MOST_THRESHOLDS:
            shares = (np.arange(_MOST_THRESHOLDS) + 0.5) / _MOST_THRESHOLDS
            values = np.unique(np.quantile(np.sort(thresholds[own]), shares, method="nearest"))
        if len(values):
            between = values[:-1] + np.diff(values) / 2
            place[own] = np.searchsorted(between, thresholds[own])
        kept.append(values)
    return place, np.concatenate(kept), np.array([len(values) for values in kept], np.uint8)


def unpack(arrays: Arrays, level: str) -> Forest:
    """Return the forest of a level that `pack` made arrays of."""
    rule_weight, temperature, floor = arrays[f"{level}.scales"].tolist()
    return Forest(
        unpack_trees(arrays, level),
        log_weight=arrays[f"{level}.log_weight"].astype(np.float64),
        rule_weight=rule_weight,
        temperature=temperature,
        floor=floor,
    )


def unpack_trees(arrays: Arrays, level: str) -> Trees:
    """Return the trees alone of the forest of a level."""
    of = {name.removeprefix(f"{level}."): array for name, array in arrays.items() if name.startswith(f"{level}.")}
    feature_of_inner = of["feature"].astype(np.int64)
    roots, votes = of["roots"].astype(np.int64), of["votes"].astype(np.float64)
    n_nodes = len(feature_of_inner) + len(votes)
    inner = np.unpackbits(of["inner"], count=n_nodes).astype(bool)
    feature, threshold = np.full(n_nodes, -1), np.zeros(n_nodes)
    unknown_left = np.zeros(n_nodes, dtype=bool)
    feature[inner] = feature_of_inner
    first = np.concatenate([[0], np.cumsum(of["n_thresholds"], dtype=np.int64)])
    threshold[inner] = of["thresholds"][first[feature_of_inner] + of["threshold_place"]]
    unknown_left[inner] = np.unpackbits(of["unknown_left"], count=len(feature_of_inner))
    return Trees(
        names=tuple(map(str, of["names"])),
        roots=roots,
        feature=feature,
        threshold=threshold,
        left=_left(roots, inner),
        unknown_left=unknown_left,
        votes=votes / np.maximum(votes.sum(axis=1, keepdims=True), 1.0),
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
