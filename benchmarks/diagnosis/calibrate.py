"""Fits the model of the diagnosis to runs with known faults: `python benchmarks/diagnosis/calibrate.py RECORDS...`.

RECORDS are files of JSON lines, as `benchmarks/diagnosis/generate.py` writes them. For each level of what a record
tells, trees are fitted to each run as it is, with some of what it tells left out, and while it was still being
trained. The weight of the rules beside the trees, the temperature and the weight of `healthy` are fitted on runs that
the trees had not seen: folds are made by base training, so that a run and its twins are never on both sides. Half of
the weight is that of trees that had not seen the run's part of the world either, an architecture or a task, since
other people's runs are unlike all of these. Writes
`src/tunewell/diagnosis/model.npz.xz`, and for the tests a fingerprint of what signals and rules make of some fixed
records, by which one of them knows when the forests are stale.

`--beside FILE` keeps the trees of an earlier model, one fitted to other runs: they vote beside the new ones.

`--keep-forests`, with no records, writes today's fingerprint and leaves the forests as they are: for a change that is
known to be none to them, such as another threshold of a rule that no record comes near.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.model_selection import GroupKFold
from views import VIEWS, blurred, early, labels, read_all

from tunewell.diagnosis import LABELS, model, model_file
from tunewell.diagnosis.features import feature_row, features, strengths
from tunewell.diagnosis.fingerprint import fingerprint
from tunewell.diagnosis.fingerprint import records as fixed_records
from tunewell.diagnosis.rules import see
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "src" / "tunewell" / "diagnosis" / model_file.NAME
FINGERPRINT = ROOT / "tests" / "diagnosis" / "fingerprint.npz.xz"
ACCUSED = 0.03  # of healthy runs, out of fold
MARGIN = 0.6  # in favour of `healthy`, in log odds: other people's runs are less like ours than ours are
FLOOR = 2e-3
TREES = 75  # of each kind
LEAF = 8  # rows at least; each run is there three times
Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="*", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--fingerprint", type=Path, default=FINGERPRINT)
    parser.add_argument("--beside", type=Path, help="a model whose trees vote beside those that are fitted")
    parser.add_argument("--keep-forests", action="store_true", help="write the fingerprint of today's rules alone")
    arguments = parser.parse_args()
    if arguments.keep_forests is bool(arguments.records):
        parser.error("give the records to fit to, or --keep-forests to fit nothing")
    if arguments.keep_forests:
        check_has_all(arguments.output)
        model_file.write_arrays(arguments.fingerprint, fingerprint())
        return
    records = list(read_all(arguments.records))
    told = [labels(record) for record in records]
    groups = np.array([base(record) for record in records])
    earlier = model_file.read_arrays(arguments.beside) if arguments.beside else None
    arrays: dict[str, Any] = {}
    for level, view in zip(model.LEVELS, VIEWS, strict=True):
        names, sides, seen = measured(records, view)
        at_home = out_of_fold(sides, told, GroupKFold(5).split(groups, groups=groups))
        abroad = out_of_fold(sides, told, elsewhere(records))
        others = None if earlier is None else model.unpack_trees(earlier, level)
        if others is not None:
            voted = others.mean_votes(model.under(others.names, names, sides[0]))
            at_home, abroad = (at_home + voted) / 2, (abroad + voted) / 2
        fit = calibration((at_home, abroad), seen, told)
        trees = as_trees(fitted(np.concatenate(sides), told * len(sides)), names)
        trees = trees if others is None else model.joined(trees, others)
        forest = model.Forest(model.pruned(trees), floor=FLOOR, **fit)
        arrays |= model.pack(forest, level)
        print(f"{level}: {summary(at_home, seen, fit, told)}", flush=True)
        print(f"  of an architecture or a task not seen before: {summary(abroad, seen, fit, told)}", flush=True)
    model_file.write_arrays(arguments.output, arrays)
    model_file.write_arrays(arguments.fingerprint, fingerprint())
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB from {len(records)} runs")


def check_has_all(path: Path) -> None:
    """Exit if a forest asks for a number that there is no more, which it would take for one that is never known."""
    forests = model_file.read_arrays(path)
    asked = {name for level in model.LEVELS for name in forests[f"{level}.names"].tolist()}
    signals = measure(read_record(fixed_records()[0]))
    if gone := asked - features(signals, see(signals)).keys():
        sys.exit(f"the forests ask for {', '.join(sorted(gone))}, which is gone: fit them anew")


def base(record: dict[str, Any]) -> str:
    """Runs of one base training share the number before the first hyphen of their id."""
    return str(record.get("id", record.get("seed"))).split("-")[0]


def measured(records: Sequence[dict[str, Any]], view: str) -> tuple[tuple[str, ...], list[Floats], Floats]:
    """Names (F,), features (N, F) of each side of the view, and what rules see (N, K) of it as it is.

    The sides: as it is, with some left out, and the first epochs.
    """
    sides: tuple[list[dict[str, float]], ...] = ([], [], [])
    seen = []
    for number, record in enumerate(records):
        rng = np.random.default_rng([number])
        shown = VIEWS[view](record), blurred(record, view, rng), early(record, view, rng.uniform(0.08, 0.6))
        for side, one in zip(sides, shown, strict=True):
            signals = measure(read_record(one))
            signs = see(signals)
            side.append(features(signals, signs))
            if side is sides[0]:
                seen.append(strengths(signs))
    names = tuple(sides[0][0])
    arrays = [np.stack([feature_row(one, names) for one in side]) for side in sides]
    known = np.isfinite(arrays[0]).any(axis=0)
    return tuple(np.array(names)[known].tolist()), [array[:, known] for array in arrays], np.stack(seen)


def fitted(x: Floats, told: Sequence[tuple[str, ...]], seed: int = 0) -> list[Any]:
    """Trees on runs (N, F); a cause counts alike however many runs have it, `healthy` four times."""
    y = np.array([LABELS.index(one[0]) for one in told])
    weights = 1 / np.bincount(y, minlength=len(LABELS)).clip(1)
    weights[0] *= 4
    forests = (
        ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, max_features=0.25, random_state=seed),
        RandomForestClassifier(TREES, min_samples_leaf=LEAF, max_features=0.15, random_state=seed),
    )
    return [forest.fit(x, y, sample_weight=weights[y]) for forest in forests]


def elsewhere(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Any, Any]]:
    """Folds by which each run is judged by trees that never saw its architecture, or never its task.

    Which of the two it is, is drawn by its base training, so that its twins are judged alike.
    """
    domains = [record["domain"] for record in records]
    kinds = np.array([("architecture", "task")[zlib.crc32(base(record).encode()) % 2] for record in records])
    for kind in ("architecture", "task"):
        own = np.array([domain[kind] for domain in domains])
        for value in np.unique(own):
            yield np.flatnonzero(own != value), np.flatnonzero((own == value) & (kinds == kind))


def out_of_fold(sides: Sequence[Floats], told: Sequence[tuple[str, ...]], folds: Iterable[tuple[Any, Any]]) -> Floats:
    """(N, K): the trees' mean for each run, by trees that have not seen it."""
    votes = np.zeros((len(told), len(LABELS)))
    for rest, fold in folds:
        if not len(fold):
            continue
        known = [told[i] for i in rest]
        forests = fitted(np.concatenate([side[rest] for side in sides]), known * len(sides), seed=1)
        for forest in forests:
            votes[np.ix_(fold, forest.classes_)] += forest.predict_proba(sides[0][fold]) / len(forests)
    return votes


def calibration(judged: Sequence[Floats], seen: Floats, told: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """The weight of the rules, what to add to the logarithm of each cause (K,), and the temperature.

    judged: votes (N, K) of trees at home, and of trees abroad. `healthy` gets what it takes for at most `ACCUSED` of
    the healthy runs to be accused at home, and `MARGIN`; the weight of the rules and the temperature are those of
    least log loss, where any of a run's labels counts as right.
    """
    logs = [np.log(np.maximum(votes, FLOOR)) for votes in judged]
    healthy = np.array([one[0] == "healthy" for one in told])
    right = np.array([[label in one for label in LABELS] for one in told] * len(judged))
    tried = []
    for rule_weight in np.linspace(0.4, 2.8, 9):
        scores = np.concatenate([one + rule_weight * seen for one in logs])
        at_home = scores[: len(told)][healthy]
        short = at_home[:, 1:].max(axis=1) - at_home[:, 0]
        weight = np.zeros(len(LABELS))
        weight[0] = max(0.0, float(np.quantile(short, 1 - ACCUSED))) + MARGIN
        for temperature in np.geomspace(0.3, 2.0, 40):
            loss = log_loss((scores + weight) / temperature, right)
            tried.append((loss, {"rule_weight": rule_weight, "log_weight": weight, "temperature": temperature}))
    return min(tried, key=lambda one: one[0])[1]


def log_loss(logits: Floats, right: NDArray[np.bool_]) -> float:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return float(-np.log((odds * right).sum(axis=1) / odds.sum(axis=1)).mean())


def as_trees(forests: Sequence[Any], names: tuple[str, ...]) -> model.Trees:
    """The trees as flat arrays in which a node's two children follow each other."""
    parts: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "left", "unknown_left")}
    roots, votes, n_nodes = [], [], 0
    for classes, tree in ((forest.classes_, one.tree_) for forest in forests for one in forest.estimators_):
        order = [0]  # of sklearn's nodes: children beside each other
        for node in order:
            if tree.children_left[node] >= 0:
                order += [tree.children_left[node], tree.children_right[node]]
        place = np.empty(len(order), int)
        place[order] = np.arange(len(order))
        roots.append(n_nodes)
        for node in order:
            is_leaf = tree.children_left[node] < 0
            parts["feature"].append(-1 if is_leaf else tree.feature[node])
            parts["threshold"].append(0.0 if is_leaf else tree.threshold[node])
            parts["left"].append(len(votes) if is_leaf else n_nodes + place[tree.children_left[node]])
            parts["unknown_left"].append(bool(tree.missing_go_to_left[node]))
            if is_leaf:
                shares = np.zeros(len(LABELS))
                shares[classes] = tree.value[node, 0] / tree.value[node, 0].sum()
                votes.append(shares)
        n_nodes += len(order)
    return model.Trees(
        names=names,
        roots=np.array(roots),
        feature=np.array(parts["feature"]),
        threshold=np.array(parts["threshold"]),
        left=np.array(parts["left"]),
        unknown_left=np.array(parts["unknown_left"]),
        votes=np.array(votes),
    )


def summary(votes: Floats, seen: Floats, fit: dict[str, Any], told: Sequence[tuple[str, ...]]) -> str:
    scores = np.log(np.maximum(votes, FLOOR)) + fit["rule_weight"] * seen + fit["log_weight"]
    scores = scores / fit["temperature"]
    stated = np.exp(scores.max(axis=1) - np.log(np.exp(scores).sum(axis=1)))
    first = np.array([LABELS[best] in one for best, one in zip(scores.argmax(axis=1), told, strict=True)])
    healthy = np.array([one[0] == "healthy" for one in told])
    named, accused = first[~healthy].mean(), 1 - first[healthy].mean()
    scales = f"rules weigh {fit['rule_weight']:.1f}, healthy {fit['log_weight'][0]:+.2f}"
    return (
        f"out of fold {named:.1%} of faults named, {accused:.1%} of healthy accused; sure at {stated.mean():.2f}, "
        f"right at {first.mean():.2f}, wrong and sure by .7 at {(~first & (stated > 0.7)).mean():.2f}; "
        f"{scales}, temperature {fit['temperature']:.2f}"
    )


if __name__ == "__main__":
    main()
