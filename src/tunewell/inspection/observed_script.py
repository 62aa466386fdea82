"""The process in which `observe_script` runs a script: `python -m tunewell.inspection.observed_script`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tunewell.inspection.observing as it
from tunewell.errors import ScriptError


def main(result: str, max_steps: str, timeout_s: str, path: str, *arguments: str) -> None:
    """Run a script as `__main__`, and write what was seen."""
    file = Path(path)
    module = sys.modules["__main__"]
    module.__dict__.update(__file__=path, __spec__=None, __doc__=None, __package__=None)
    sys.argv[:] = [path, *arguments]
    sys.path[0] = str(file.parent)  # as `python path` has it

    def train() -> None:
        exec(compile(file.read_bytes(), path, "exec"), module.__dict__)  # noqa: S102  the user's own script

    try:
        mistakes = it.observed(train, it.Limits(int(max_steps), float(timeout_s)), "it")
        seen: dict[str, Any] = {"error": None, "mistakes": [asdict(one) for one in mistakes]}
    except ScriptError as error:
        seen = {"error": str(error), "mistakes": []}
    Path(result).write_text(json.dumps(seen), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
