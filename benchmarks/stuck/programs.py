"""`tunewell rescue` on programs that do not train: what it names, and how far it gets within three trainings.

    python benchmarks/stuck/programs.py --programs FOLDER [--only NAME ...] [--jobs 2] [--limit 300] [--out FILE.jsonl]

FOLDER holds a folder a program, or folders of such: `train.py` as `tunewell rescue` takes it, `expected.txt` with the
cause in its first line, `log.csv` of the run as it is, and, if it was mended, `fixed.csv` of that run. The healthy
value is the best of `fixed.csv`, else of `log.csv`. A program whose fault is in its code is to be named and not
trained; of the others, the table has the best value, and the epochs of all trials together. Each runs in a process of
its own, with this Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.names import curves_of, scores_of
from tunewell.study.metric import direction_of

SLACK = 0.02
"""Of the way from the value as it is to the healthy one: what may be missing."""


def programs(folder: Path, only: list[str]) -> Iterator[Path]:
    """The programs' folders, at whatever depth."""
    for file in sorted(folder.rglob("train.py")):
        if not only or any(name in file.parent.name for name in only):
            yield file.parent


def rescued(folder: Path, budget: float, limit: float) -> dict[str, Any]:
    """What `tunewell rescue` answers, the epochs of one training, and how long it took."""
    started = time.time()
    with tempfile.TemporaryDirectory() as place:
        words = ["rescue", str(folder / "train.py"), "--json", "--quiet", "--budget", f"{budget:g}"]
        command = [sys.executable, "-m", "tunewell", *words, "--store", f"{place}/store.db", "--name", "r"]
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        done = subprocess.Popen(  # a time limit lets it end as Ctrl-C does, with what it has on record
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **one}
        )
        try:
            out, errors = done.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            done.terminate()
            out, errors = done.communicate()
    last = errors.strip().splitlines()[-1:] or [f"it was cut off after {limit:g} seconds"]
    answer = json.loads(out) if out.strip().startswith("{") else {"error": last[0]}
    return {**answer, "errors": errors[-2000:], "seconds": round(time.time() - started)}


def best_of(file: Path, metric: str) -> float:
    """The best value of a metric in a log, whatever the log calls it; NaN if it does not have it."""
    if not file.exists():
        return math.nan
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    named = curves_of(rows[0]) | scores_of(rows[0])
    wanted = next(iter(curves_of([metric]) | scores_of([metric])), metric)
    column = named.get(wanted, metric)
    values = [float(row[column]) for row in rows if row.get(column) and math.isfinite(float(row[column]))]
    return (min if is_less_better(metric) else max)(values, default=math.nan)


def is_less_better(metric: str) -> bool:
    """Which way a metric goes."""
    return direction_of(metric) == "minimize"


def row_of(folder: Path, budget: float, limit: float) -> dict[str, Any]:
    """One program: what was expected, what was done, and whether that is good."""
    expected = folder / "expected.txt"
    cause = expected.read_text().splitlines()[0].strip() if expected.exists() else ""
    answer = rescued(folder, budget, limit)
    row: dict[str, Any] = {"program": folder.name, "cause": cause, "seconds": answer["seconds"]}
    if "mistakes" in answer and "best" not in answer:
        places = [f"{one['kind']} at {Path(one['path']).name}:{one['line']}" for one in answer["mistakes"]]
        return row | {"did": f"named {'; '.join(places)}", "good": cause != "healthy"}
    if "best" not in answer:
        return row | {"did": f"nothing: {answer['error']}", "good": False}
    metric, best = answer["metric"], (answer["best"] or {}).get("value", math.nan)
    healthy = best_of(folder / ("fixed.csv" if (folder / "fixed.csv").exists() else "log.csv"), metric)
    start = math.nan if answer["first"] is None else answer["first"]
    changes = [f"{one['param']} {one['old']:.4g} -> {one['new']:.4g}" for one in answer["attempts"] if one["helped"]]
    found = answer["findings"][0] if answer["findings"] else {"label": "-", "confidence": 0.0}
    short = (healthy - best) * (-1 if is_less_better(metric) else 1)
    reached = short <= SLACK * abs(healthy - start) or short <= 0
    return row | {
        "metric": metric,
        "start": start,
        "healthy": healthy,
        "end": best,
        "did": ", ".join(changes) or "no change helped",
        "words": f"{found['label']} {found['confidence']:.0%}",
        "epochs": answer["epochs"],
        "finished": answer["finished"],
        "good": answer["healthy"] if cause == "healthy" else reached or found["label"] == cause,
    }


def print_table(rows: list[dict[str, Any]]) -> None:
    """A line a program."""
    print("\n| program | cause | as it is | healthy | what it did | end | epochs | closing words | good |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        numbers = {name: f"{row[name]:.4g}" if name in row else "-" for name in ("start", "healthy", "end")}
        epochs = f"{row['epochs']}{'' if row['finished'] else ' (cut off)'}" if "epochs" in row else "-"
        print(
            f"| {row['program']} | {row['cause']} | {numbers['start']} | {numbers['healthy']} | {row['did']} | "
            f"{numbers['end']} | {epochs} | {row.get('words', '-')} | {'yes' if row['good'] else 'no'} |"
        )
    print(f"\n{sum(row['good'] for row in rows)} of {len(rows)} named, at the healthy value, or left alone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="parts of folders' names")
    parser.add_argument("--budget", type=float, default=3, help="full trainings")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=float, default=300, help="seconds for a program")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = []
    with ThreadPoolExecutor(given.jobs) as pool:
        one = partial(row_of, budget=given.budget, limit=given.limit)
        for row in pool.map(one, programs(given.programs, given.only)):
            rows.append(row)
            print(json.dumps(row), flush=True)
            if given.out:
                with given.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    print_table(rows)


if __name__ == "__main__":
    main()
