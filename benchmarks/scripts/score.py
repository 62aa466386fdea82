"""How much is found in scripts of many authors' habits: `python benchmarks/scripts/score.py [--python PYTHON]`.

Each script in tests/scripts/programs has its truth beside it. Found: hyperparameters of the truth that are proposed.
Wrong: proposed ones that are none. Inside: defaults that lie inside their range. Length: the epochs of a training.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tunewell.errors import ScriptError
from tunewell.scripts import find_parameters

PROGRAMS = Path(__file__).parents[2] / "tests" / "scripts" / "programs"


@dataclass(frozen=True)
class Score:
    """What was found in one script."""

    name: str
    found: frozenset[str]
    missing: frozenset[str]
    wrong: frozenset[str]
    inside: int
    length: bool
    error: str = ""


def truths(folder: Path = PROGRAMS) -> Iterator[tuple[Path, dict]]:
    for path in sorted(folder.glob("*.truth.toml")):
        yield path.with_name(path.name.replace(".truth.toml", ".py")), tomllib.loads(path.read_text(encoding="utf-8"))


def score(script: Path, truth: dict, python: str = sys.executable, *, static: bool = False) -> Score:
    """Return what is found in a script, which is run in its own folder."""
    true = frozenset(truth["hyperparameters"])
    before = Path.cwd()
    os.chdir(script.parent)
    try:
        found = find_parameters([python, script.name, *truth.get("arguments", ())], static=static)
    except ScriptError as error:
        return Score(script.name, frozenset(), true, frozenset(), 0, length=False, error=str(error))
    finally:
        os.chdir(before)
    proposed = frozenset(found.space.names)
    inside = sum(param.default is None or param.contains(param.default) for param in found.space.params.values())
    same = found.epochs == truth.get("epochs")
    return Score(script.name, proposed & true, true - proposed, proposed - true, inside, length=same)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default=sys.executable, help="what runs the scripts: one that has their libraries")
    parser.add_argument("--static", action="store_true")
    parser.add_argument("--folder", type=Path, default=PROGRAMS)
    options = parser.parse_args()
    scores = [score(*one, options.python, static=options.static) for one in truths(options.folder)]
    for one in scores:
        if one.missing or one.wrong or not one.length:
            facts = {"missing": one.missing, "wrong": one.wrong, "length": () if one.length else ("wrong",)}
            shown = "; ".join(f"{name} {', '.join(sorted(its))}" for name, its in facts.items() if its)
            print(f"{one.name}: {one.error or shown}")
    found, missing, wrong = (sum(len(getattr(one, name)) for one in scores) for name in ("found", "missing", "wrong"))
    print(f"{len(scores)} scripts, {found + missing} hyperparameters")
    print(f"found               {found / (found + missing):6.1%}   (aim 95 %)")
    print(f"wrongly proposed    {wrong / max(1, found + wrong):6.1%}   (aim 5 %)")
    print(f"default inside      {sum(one.inside for one in scores) / max(1, found + wrong):6.1%}   (100 %)")
    print(f"length right        {sum(one.length for one in scores) / len(scores):6.1%}")


if __name__ == "__main__":
    main()
