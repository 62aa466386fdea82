"""Writes records of faulty and of healthy training runs, as JSON lines.

    python benchmarks/diagnosis/generate.py --out FOLDER [--n 2500] [--first-seed 0] [--name part]

Each sane training that is drawn is first held to be healthy (`judging`); if a change of one setting betters it, it is
kept as a run with that fault. A healthy one gets several faults planted, those first that there are fewest records of;
now and then two at once. Runs of one sane training share the first part of their id. Seeds of 100,000 and more are for
evaluation: nothing is to be fitted to those.
"""

from __future__ import annotations

import argparse
import json
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cases
import numpy as np
import other_cases
import torch
from cases import Case
from faults import FAULTS, Planted
from judging import GAP, SLACK, also_called, gains, holds, may_be_healthy, score

from training import train

_FAULTS_A_CASE = 7
_TWO_AT_ONCE = 0.6  # of the trainings with a fault that another can be put on
_PER_FILE = 100
_HEALTHY_SHARE = 5  # healthy runs for each run of a label


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the folder that the records are written to")
    parser.add_argument("--n", type=int, default=2500, help="how many records")
    parser.add_argument("--first-seed", type=int, default=0, help="of the sane trainings; one each")
    parser.add_argument("--name", default="part", help="what the files' names begin with")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # arithmetic with vanished numbers takes many times as long
    warnings.simplefilter("ignore")
    given.out.mkdir(parents=True, exist_ok=True)
    started, counts = time.perf_counter(), Counter[str]()
    for number, record in enumerate(records(given.first_seed, counts)):
        if number >= given.n:
            break
        path = given.out / f"{given.name}-{number // _PER_FILE:03}.jsonl"
        with path.open("a" if number % _PER_FILE else "w", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")
        if number % 50 == 49:
            print(f"{number + 1} records in {time.perf_counter() - started:.0f} s: {dict(counts)}", flush=True)


def records(first_seed: int, counts: Counter[str]) -> Iterator[dict[str, Any]]:
    """One after the other, without end; `counts` says how many there are of each label so far."""
    seed = first_seed
    while True:
        try:
            yield from _of_one_case(seed, counts)
        except (RuntimeError, ValueError):  # an unlucky draw is no reason to lose a night's records
            traceback.print_exc()
        seed += 1


def _of_one_case(seed: int, counts: Counter[str]) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng([seed, 7])
    case = _drawn(rng, seed)
    record = train(case)
    if not may_be_healthy(case, record):
        return
    gained = gains(case, record)
    if max(gained.values()) > SLACK:
        # nothing was planted, and something is wrong: the mild faults that anybody's settings have
        faults = sorted((label for label in gained if gained[label] >= GAP), key=lambda label: -gained[label])
        if faults:
            yield _labelled(record, case, tuple(faults), counts)
        return
    if counts["healthy"] <= _HEALTHY_SHARE * (1 + min(counts[label] for label in FAULTS)) + 20:
        yield _labelled(record, case, ("healthy",), counts)
    base, alone = score(record), []
    order = sorted(FAULTS, key=lambda label: (counts[label] + 1) * rng.uniform(0.5, 1.5))
    for label in order[:_FAULTS_A_CASE]:
        planted = FAULTS[label](case, rng)
        if planted is None:
            continue
        faulty = train(planted.case)
        if holds(label, planted, faulty, case, base):
            also = (*planted.also, *also_called(label, faulty))
            yield _labelled(faulty, planted.case, (label, *also), counts)
            if planted.twin is None:
                alone.append((label, planted, score(faulty)))
    if alone and rng.random() < _TWO_AT_ONCE:
        yield from _of_two_faults(case, alone[rng.integers(len(alone))], rng, counts)


def _of_two_faults(
    case: Case, first: tuple[str, Planted, float], rng: np.random.Generator, counts: Counter[str]
) -> Iterator[dict[str, Any]]:
    """A run with a fault and another one on top, named after that whose cure alone gains more.

    The other is a right name too, if its cure alone gains something.
    """
    label, planted, score_of_first = first
    other, seed = str(rng.choice([name for name in FAULTS if name != label])), int(rng.integers(2**31))
    second, both = (FAULTS[other](start, np.random.default_rng(seed)) for start in (case, planted.case))
    if second is None or both is None or second.twin is not None or both.twin is not None:
        return
    faulty = train(both.case)
    cured = {label: score(train(second.case, watched=False)), other: score_of_first}
    right = sorted((name for name in cured if cured[name] >= score(faulty) + GAP), key=lambda name: -cured[name])
    if right:
        also = (*also_called(right[0], faulty), *(planted.also if label in right else second.also))
        yield _labelled(faulty, both.case, (*right, *also), counts, f"{label}+{other}")


def _drawn(rng: np.random.Generator, seed: int) -> Case:
    kinds = {
        other_cases.sane: 0.5,
        cases.sane: 0.29,
        cases.modest: 0.13,
        cases.deep: 0.03,
        cases.linear: 0.025,
        cases.narrow: 0.025,
    }
    return list(kinds)[rng.choice(len(kinds), p=list(kinds.values()))](rng, seed)


def _labelled(
    record: dict[str, Any], case: Case, labels: tuple[str, ...], counts: Counter[str], planted: str = ""
) -> dict[str, Any]:
    counts[labels[0]] += 1
    return {
        "id": f"{case.seed}-{case.model}-{case.data.name.replace(' ', '_')}-{planted or labels[0]}",
        "label": labels[0],
        "labels": list(dict.fromkeys(labels)),
        "seed": case.seed,
        **record,
    }


if __name__ == "__main__":
    main()
