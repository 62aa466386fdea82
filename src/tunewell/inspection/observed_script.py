"""The process in which `observe_script` runs a script: `python -m tunewell.inspection.observed_script`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tunewell.errors import ScriptError
from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.observing import Limits, observe, observed
from tunewell.training.script import load_script
from tunewell.whole_file import whole_file


def main(result: str, max_steps: str, timeout_s: str, how: str, path: str, *arguments: str) -> None:
    """Run a script as `__main__`, or its `train(run)`, and write what was seen."""
    file = Path(path)
    module = sys.modules["__main__"]
    module.__dict__.update(__file__=path, __spec__=None, __doc__=None, __package__=None)
    sys.argv[:] = [path, *arguments]
    sys.path[0] = str(file.parent)  # as `python path` has it

    def train() -> None:
        exec(compile(file.read_bytes(), path, "exec"), module.__dict__)  # noqa: S102  the user's own script

    def trained() -> list[Mistake]:
        script = load_script(path)
        defaults = script.needed_space().defaults()
        return observe(script.needed_train(), defaults, max_steps=int(max_steps), timeout_s=float(timeout_s))

    try:
        limits = Limits(int(max_steps), float(timeout_s))
        mistakes = trained() if how == "train" else observed(train, limits, file.name)
        seen: dict[str, Any] = {"error": None, "mistakes": [asdict(one) for one in mistakes]}
    except ScriptError as error:
        seen = {"error": str(error), "mistakes": []}
    with whole_file(result) as place:
        place.write_text(json.dumps(seen), encoding="utf-8")
    os._exit(0)  # whatever else the script has running, threads or what it does at its end, has nothing to end with


if __name__ == "__main__":
    main(*sys.argv[1:])
