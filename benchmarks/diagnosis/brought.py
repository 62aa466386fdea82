"""The diagnosis of small programs as people bring them: most with nothing wrong, some with one cause; judges it.

    pip install torch==2.13.0 keras jax scikit-learn
    python benchmarks/diagnosis/brought.py [--only NAME ...] [--logs FOLDER] [--check]

Each program is of its own kind (tables, images, sequences, numbers; PyTorch and Keras) and prints its own sort of log,
which is read as a pasted text is. The verdict is on the log alone, and with the settings that its author would give;
each without and with what is known to be possible. That a stuck program is mended by its cure is checked at each
run. That nothing betters a healthy one is checked with `--check`, which trains it at three times and at a third of its
learning rate, and for twice the epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import brought_keras
import brought_later
import brought_torch
from brought_case import Brought

from tunewell.diagnosis import Finding
from tunewell.diagnosis.diagnose import examine
from tunewell.diagnosis.goal import Possible
from tunewell.diagnosis.readers.text import read_text
from tunewell.diagnosis.run_config import parse_config

FIRST = (
    *(*brought_torch.PROGRAMS_HEALTHY, *brought_keras.PROGRAMS_HEALTHY),
    *(*brought_torch.PROGRAMS_STUCK, *brought_keras.PROGRAMS_STUCK),
)
LATER = (*brought_later.PROGRAMS_HEALTHY, *brought_later.PROGRAMS_STUCK)
PROGRAMS = (*FIRST, *LATER)
CHANGES = {"rate x 3": {"rate": 3.0}, "rate / 3": {"rate": 1 / 3}, "epochs x 2": {"longer": 2}}
SURE = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="programs whose names have one of these in them")
    parser.add_argument("--later", action="store_true", help="only those that were written when all was done")
    parser.add_argument("--logs", type=Path, help="a folder for what was trained, which is not trained again")
    parser.add_argument("--check", action="store_true", help="train healthy programs with other settings")
    given = parser.parse_args()
    programs = [*(LATER if given.later else PROGRAMS)]
    programs = [p for p in programs if not given.only or any(word in p.name for word in given.only)]
    with tempfile.TemporaryDirectory() as folder:
        place = given.logs or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        logs = {program.name: made(program, place) for program in programs}
    if given.check:
        for program in programs:
            check(program)
    report(programs, logs)


def made(program: Brought, place: Path) -> str:
    """Return the log of a program, trained unless it is there; say if a stuck one is not mended by its cure."""
    file = place / f"{program.name}.json"
    if not file.exists():
        done = program.train() if program.is_healthy else program.train(is_cured=False)
        cured = done.reached if program.is_healthy else program.train(is_cured=True).reached
        file.write_text(json.dumps({"log": done.log, "reached": done.reached, "cured": cured}))
    kept = json.loads(file.read_text())
    if not program.is_healthy and program.gain(kept["reached"], kept["cured"]) < program.slack:
        print(
            f"{program.name}: {program.metric} {kept['reached']:.4g}, with the cure {kept['cured']:.4g}: not reproduced"
        )
    return str(kept["log"])


def check(program: Brought) -> None:
    """Say which change betters a healthy program by more than it may."""
    if not program.is_healthy:
        return
    reached = program.train().reached
    for name, change in CHANGES.items():
        gain = program.gain(reached, program.train(**change).reached)
        if gain > program.slack:
            print(f"{program.name}: {program.metric} {reached:.4g}, and {name} gains {gain:.3g}: not healthy")


@dataclass(frozen=True)
class Verdict:
    """What the diagnosis makes of a program, against the truth."""

    program: Brought
    findings: list[Finding]

    @property
    def is_first(self) -> bool:
        return self.findings[0].label in self.program.names

    @property
    def is_among_two(self) -> bool:
        return any(found.label in self.program.names for found in self.findings[:2])

    @property
    def is_wrong_and_sure(self) -> bool:
        return not self.is_first and self.findings[0].confidence > SURE


def verdict(program: Brought, log: str, *, settings: bool, target: bool) -> Verdict:
    record = read_text(log)
    if settings:
        known = parse_config(program.settings.split())
        record = {**record, **known, "config": {**record.get("config", {}), **known["config"]}}
    possible = Possible(program.possible, program.metric) if target else None
    return Verdict(program, examine(record, possible=possible).findings)


def report(programs: list[Brought], logs: dict[str, str]) -> None:
    ways = {
        "log": {"settings": False, "target": False},
        "log and settings": {"settings": True, "target": False},
        "log, target": {"settings": False, "target": True},
        "log, settings, target": {"settings": True, "target": True},
    }
    of = {name: [verdict(p, logs[p.name], **way) for p in programs] for name, way in ways.items()}
    for i, program in enumerate(programs):
        print(f"\n{program.name}: {', '.join(program.names)}")
        for name, verdicts in of.items():
            one = verdicts[i]
            mark = "first" if one.is_first else "second" if one.is_among_two else "wrong"
            said = ", ".join(f"{found.label} {found.confidence:.2f}" for found in one.findings[:3])
            print(f"  {name:22} {mark + ('!' if one.is_wrong_and_sure else ''):8} {said}")
    print("\n| seen | first | first two | healthy accused | wrong and sure |\n|---|---|---|---|---|")
    for name, verdicts in of.items():
        stuck = [one for one in verdicts if not one.program.is_healthy]
        healthy = [one for one in verdicts if one.program.is_healthy]
        cells = [
            f"{sum(one.is_first for one in stuck)} of {len(stuck)}",
            f"{sum(one.is_among_two for one in stuck)}",
            f"{sum(not one.is_first for one in healthy)} of {len(healthy)}",
            f"{sum(one.is_wrong_and_sure for one in verdicts)}",
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    for name, verdicts in of.items():
        taken = Counter(f"{one.program.names[0]} for {one.findings[0].label}" for one in verdicts if not one.is_first)
        print(f"{name}: {dict(taken)}")
        print(f"  sure: {[one.program.name for one in verdicts if one.is_wrong_and_sure]}")


if __name__ == "__main__":
    sys.exit(main())
