"""How often the diagnosis is right: `python benchmarks/diagnosis/evaluate.py RECORDS... [--figure FILE.svg]`.

RECORDS are files of JSON lines with seeds that were not used to calibrate. Prints, for each level of what a record
tells, how often the first finding and one of the first two name a fault, and how often a healthy run is accused; then
the same by label, what is taken for what, and whether confidence means what it says. The figure needs matplotlib.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from views import VIEWS, early, labels, lacking, read_all

from tunewell.diagnosis import LABELS, Finding, diagnose

BINS = (0.0, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found of a run, and what holds."""

    holds: tuple[str, ...]
    findings: list[Finding]

    @property
    def is_healthy(self) -> bool:
        return "healthy" in self.holds

    def right(self, most: int) -> bool:
        return any(finding.label in self.holds for finding in self.findings[:most])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", nargs="+", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    records = list(read_all(arguments.records))
    answers = {
        name: [Answer(labels(record), diagnose(view(record))) for record in records] for name, view in VIEWS.items()
    }
    n_healthy = sum(answer.is_healthy for answer in answers["full"])
    print(f"{len(records)} runs, {n_healthy} of them healthy; two standard errors in brackets\n")
    print_totals(answers)
    print_early(records)
    print_sparse(records)
    print_by_domain(records, answers)
    print_by_label(answers)
    print_confusion(answers["full"])
    print_reliability(answers)
    if arguments.figure:
        draw_reliability(answers, arguments.figure)


def print_totals(answers: Mapping[str, Sequence[Answer]]) -> None:
    print("| seen | first of faults | first two of faults | healthy accused | first of all |")
    print("|---|---|---|---|---|")
    for name, told in answers.items():
        faulty, healthy = split(told)
        cells = [
            share([answer.right(1) for answer in faulty]),
            share([answer.right(2) for answer in faulty]),
            share([not answer.right(1) for answer in healthy]),
            share([answer.right(1) for answer in told]),
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def print_early(records: Sequence[Mapping[str, Any]]) -> None:
    """The same of runs that are still being trained, without those whose fault is that they end too soon."""
    whole = [record for record in records if labels(record)[0] != "too_few_epochs"]
    for share in (1 / 3, 1 / 9):
        print(f"\nafter {share:.0%} of the epochs:\n")
        print_totals(
            {
                name: [Answer(labels(record), so_far(diagnose(early(record, name, share)))) for record in whole]
                for name in ("full", "curves and config")
            }
        )


def print_sparse(records: Sequence[Mapping[str, Any]]) -> None:
    """The same of runs that log losses alone, or accuracies alone."""
    for kind in ("accuracy", "loss"):
        print(f"\nwithout any {kind}:\n")
        print_totals(
            {
                name: [Answer(labels(record), diagnose(lacking(record, name, kind))) for record in records]
                for name in ("full", "curves and config", "curves alone")
            }
        )


def print_by_domain(records: Sequence[Mapping[str, Any]], answers: Mapping[str, Sequence[Answer]]) -> None:
    """The same by the part of the world that a run is from."""
    views = ("full", "curves and config")
    head = " | ".join(f"{name}: first, two of faults; healthy accused" for name in views)
    print(f"\n| part of the world | faults | healthy | {head} |\n|---|---|---|---|---|")
    for kind in ("architecture", "task", "framework"):
        values = [record.get("domain", {}).get(kind) for record in records]
        for value in sorted({value for value in values if value}):
            cells = []
            for name in views:
                own = [answer for answer, of in zip(answers[name], values, strict=True) if of == value]
                faulty, healthy = split(own)
                pair = ", ".join(_percent([answer.right(most) for answer in faulty]) for most in (1, 2))
                cells.append(f"{pair}; {_percent([not answer.right(1) for answer in healthy])}")
            print(f"| {value} ({kind}) | {len(faulty)} | {len(healthy)} | {' | '.join(cells)} |")


def _percent(right: Sequence[bool]) -> str:
    return f"{np.mean(right):.0%}" if right else "none"


def so_far(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.label != "too_few_epochs"]


def print_by_label(answers: Mapping[str, Sequence[Answer]]) -> None:
    print(f"\n| label | runs | {' | '.join(f'{name}: first, two' for name in answers)} | accused wrongly (full) |")
    print("|---|---|" + "---|" * (len(answers) + 1))
    accused = Counter(answer.findings[0].label for answer in answers["full"] if not answer.right(1))
    for label in LABELS:
        cells = []
        for told in answers.values():
            own = [answer for answer in told if answer.holds[0] == label]
            pair = [np.mean([answer.right(most) for answer in own]) if own else math.nan for most in (1, 2)]
            cells.append(f"{pair[0]:.0%}, {pair[1]:.0%}")
        print(f"| `{label}` | {len(own)} | {' | '.join(cells)} | {accused[label]} |")


def print_confusion(told: Sequence[Answer]) -> None:
    """Each label with what its runs were taken for instead, the commonest first."""
    print("\n| holds | taken for (full records) |\n|---|---|")
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in told:
        if not answer.right(1):
            taken[answer.holds[0]][answer.findings[0].label] += 1
    for label in LABELS:
        if taken[label]:
            print(f"| `{label}` | {', '.join(f'`{other}` {n}' for other, n in taken[label].most_common())} |")


def print_reliability(answers: Mapping[str, Sequence[Answer]]) -> None:
    print(f"\n| confidence of the first finding | {' | '.join(f'{name}: stated, holds (runs)' for name in answers)} |")
    print("|---|" + "---|" * len(answers))
    binned = {name: reliability(told) for name, told in answers.items()}
    for place, (low, high) in enumerate(pairwise(BINS)):
        cells = [
            f"{stated:.2f}, {holds:.2f} ({n})" if n else "none"
            for stated, holds, n in (rows[place] for rows in binned.values())
        ]
        print(f"| {low:g} to {high:g} | {' | '.join(cells)} |")


def reliability(told: Sequence[Answer]) -> list[tuple[float, float, int]]:
    """For each bin: the mean confidence of first findings, the share that holds, and how many there are."""
    stated = np.array([answer.findings[0].confidence for answer in told])
    holds = np.array([answer.right(1) for answer in told])
    place = np.clip(np.searchsorted(BINS, stated, side="left") - 1, 0, len(BINS) - 2)
    bins = [place == i for i in range(len(BINS) - 1)]
    return [
        (float(stated[one].mean()), float(holds[one].mean()), int(one.sum())) if one.any() else (math.nan, math.nan, 0)
        for one in bins
    ]


def draw_reliability(answers: Mapping[str, Sequence[Answer]], file: Path) -> None:
    """The share that holds against the confidence stated, with one standard error."""
    import matplotlib as mpl  # noqa: PLC0415  only the figure needs it

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "tunewell"  # the same figures give the same file
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(5, 4.4))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, told in answers.items():
        stated, holds, n = np.array([row for row in reliability(told) if row[2] >= 8]).T
        axes.errorbar(stated, holds, np.sqrt(holds * (1 - holds) / n), marker="o", markersize=4, capsize=2, label=name)
    axes.set(xlabel="confidence stated", ylabel="share that holds", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})


def split(told: Sequence[Answer]) -> tuple[list[Answer], list[Answer]]:
    return [answer for answer in told if not answer.is_healthy], [answer for answer in told if answer.is_healthy]


def share(right: Sequence[bool]) -> str:
    if not right:
        return "none"
    mean = float(np.mean(right))
    return f"{mean:.1%} ({2 * math.sqrt(mean * (1 - mean) / len(right)):.1%})"


if __name__ == "__main__":
    main()
