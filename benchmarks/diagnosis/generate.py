"""Writes records of faulty and of healthy training runs, as JSON lines.

    python benchmarks/diagnosis/generate.py --out FOLDER [--n 2500] [--first-seed 0] [--name part]

Each sane training that is drawn is first held to be healthy (`judging`), and then gets several faults planted, those
first that there are fewest records of. Runs of one sane training share the first part of their id. Seeds of 100,000 and
more are for evaluation: nothing is to be fitted to those.
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
import torch
from cases import Case
from faults import FAULTS
from judging import also_called, holds, is_healthy, score

from training import train

_FAULTS_A_CASE = 7
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
    if not is_healthy(case, record):
        return
    if counts["healthy"] <= _HEALTHY_SHARE * (1 + min(counts[label] for label in FAULTS)) + 20:
        yield _labelled(record, case, "healthy", (), counts)
    base = score(record)
    order = sorted(FAULTS, key=lambda label: (counts[label] + 1) * rng.uniform(0.5, 1.5))
    for label in order[:_FAULTS_A_CASE]:
        planted = FAULTS[label](case, rng)
        if planted is None:
            continue
        faulty = train(planted.case)
        if holds(label, planted, faulty, case, base):
            also = tuple(dict.fromkeys((*planted.also, *also_called(label, faulty))))
            yield _labelled(faulty, planted.case, label, also, counts)


def _drawn(rng: np.random.Generator, seed: int) -> Case:
    kinds = {cases.sane: 0.58, cases.modest: 0.26, cases.deep: 0.06, cases.linear: 0.05, cases.narrow: 0.05}
    return list(kinds)[rng.choice(len(kinds), p=list(kinds.values()))](rng, seed)


def _labelled(
    record: dict[str, Any], case: Case, label: str, also: tuple[str, ...], counts: Counter[str]
) -> dict[str, Any]:
    counts[label] += 1
    return {
        "id": f"{case.seed}-{case.model}-{case.data.name.replace(' ', '_')}-{label}",
        "label": label,
        "labels": [label, *also],
        "seed": case.seed,
        **record,
    }


if __name__ == "__main__":
    main()
