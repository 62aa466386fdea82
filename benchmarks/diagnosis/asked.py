"""The diagnosis of programs that people asked about: trains them, with the fault and with its cure, and judges it.

    pip install torch==2.13.0 keras jax scikit-learn
    python benchmarks/diagnosis/asked.py [--only NAME ...] [--half A | B] [--logs FOLDER]

Each program is written anew after a question that somebody asked in public: its kind of network, of task and of fault,
on small data of its own. That the fault holds the run back and that its cure mends it is checked at each run. The
verdict is on what the author of the question had: the printed curves, and then those with the settings of the script.
Programs of half B were not judged until the diagnosis was done. `--logs` keeps what was trained, and trains only
what is not there.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import asked_keras
import asked_torch
from asked_case import Asked, Rows

from tunewell.diagnosis import Finding, diagnose
from tunewell.diagnosis.readers import read_file
from tunewell.diagnosis.run_config import parse_config

PROGRAMS = (*asked_torch.PROGRAMS, *asked_keras.PROGRAMS)
SEEN = ("curves", "settings")
SURE = 0.7
JUDGED_ONCE = {
    *("encoder-rate", "tagger-rate", "collapse", "small-init", "head-left-out", "gradients-add-up", "emotions"),
    *("slow-xor", "locks-up", "shuffled-features", "many-labels", "fourth-power", "relu-at-the-end", "squares"),
    *("codes-of-counts", "deep-sigmoids"),
}
"""Half B."""


def half_of(program: Asked) -> str:
    """Which half it is of; they were drawn, by a hash of the names, before any verdict."""
    return "B" if program.name in JUDGED_ONCE else "A"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="programs whose names have one of these in them")
    parser.add_argument("--half", choices=("A", "B"), help="of the programs; both if left out")
    parser.add_argument("--logs", type=Path, help="a folder for the logs; what is there is not trained again")
    parser.add_argument("--train-only", action="store_true", help="no verdicts")
    given = parser.parse_args()
    programs = [p for p in PROGRAMS if not given.only or any(word in p.name for word in given.only)]
    programs = [p for p in programs if given.half in (None, half_of(p))]
    with tempfile.TemporaryDirectory() as folder:
        place = given.logs or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for program in programs:
            made(program, place)
        if not given.train_only:
            report(programs, place)


def made(program: Asked, place: Path) -> None:
    """Write the log of a program, and that of its cure, unless they are there; say if the fault or the cure fails."""
    for is_cured in (False, True) if program.is_faulty else (False,):
        file = log_of(program, place, is_cured=is_cured)
        if not file.exists():
            write(program.train(is_cured=is_cured), file)
    if program.is_faulty:
        reached, healed = (program.reached(read(log_of(program, place, is_cured=cured))) for cured in (False, True))
        if not program.is_mended(reached, healed):
            print(f"{program.name}: {program.metric} {reached:.4g}, with the cure {healed:.4g}: not reproduced")


def log_of(program: Asked, place: Path, *, is_cured: bool) -> Path:
    return place / f"{program.name}{'-cured' if is_cured else ''}.csv"


def write(rows: Rows, file: Path) -> None:
    with file.open("w", newline="") as lines:
        table = csv.DictWriter(lines, rows[0].keys())
        table.writeheader()
        table.writerows({name: f"{value:.6g}" for name, value in row.items()} for row in rows)


def read(file: Path) -> Rows:
    with file.open() as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


@dataclass(frozen=True)
class Verdict:
    """What the diagnosis makes of a program, against the truth."""

    program: Asked
    findings: list[Finding]

    @property
    def labels(self) -> list[str]:
        return [finding.label for finding in self.findings]

    @property
    def is_first(self) -> bool:
        return self.labels[0] in self.program.names

    @property
    def is_among_two(self) -> bool:
        return bool(set(self.labels[:2]) & set(self.program.names))

    @property
    def is_sure(self) -> bool:
        return self.findings[0].confidence > SURE

    @property
    def mark(self) -> str:
        if self.is_first:
            return "first"
        return ("second" if self.is_among_two else "wrong") + (f", above {SURE:g}" if self.is_sure else "")


def verdicts(programs: list[Asked], place: Path, seen: str) -> Iterator[Verdict]:
    for program in programs:
        record = read_file(log_of(program, place, is_cured=False), program.columns)
        if seen == "settings":
            known = parse_config(program.settings.split())
            record = {**record, **known, "config": {**record.get("config", {}), **known["config"]}}
        yield Verdict(program, diagnose(record))


def report(programs: list[Asked], place: Path) -> None:
    of = {seen: list(verdicts(programs, place, seen)) for seen in SEEN}
    for i, program in enumerate(programs):
        print(f"\n{program.name} ({half_of(program)}): {', '.join(program.names) or 'no label'}")
        for seen in SEEN:
            verdict = of[seen][i]
            said = ", ".join(f"{found.label} {found.confidence:.2f}" for found in verdict.findings[:3])
            print(f"  {seen:9} {verdict.mark if program.names else '':18} {said}")
    print()
    for seen in SEEN:
        faulty = [one for one in of[seen] if one.program.is_faulty and one.program.names]
        healthy = [one for one in of[seen] if not one.program.is_faulty]
        unnamed = [one for one in of[seen] if one.program.is_faulty and not one.program.names]
        wrong = [one.program.name for one in of[seen] if one.is_sure and not one.is_first]
        accused = [one.program.name for one in healthy if not one.is_first]
        called = Counter(one.labels[0] for one in faulty if not one.is_first)
        print(
            f"{seen}: {sum(one.is_first for one in faulty)} of {len(faulty)} first, "
            f"{sum(one.is_among_two for one in faulty)} among two; {len(wrong)} of {len(of[seen])} wrong and sure "
            f"{wrong}; {len(accused)} of {len(healthy)} healthy accused {accused}; {len(unnamed)} have no label; "
            f"taken for {dict(called)}"
        )


if __name__ == "__main__":
    sys.exit(main())
