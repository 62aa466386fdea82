"""The code of a Jupyter notebook, as one program whose lines are known by cell."""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tunewell.errors import ScriptError

_PYTHON_CELLS = ("time", "timeit", "capture", "prun", "python", "python3")
"""The magics of a whole cell below which there is Python still."""
_MAGIC = re.compile(r"^(\s*)(?:[%!]|\?\??\w|[\w.]+\?\??\s*$)")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=)\s*[%!].*$")


@dataclass(frozen=True, slots=True)
class Cells:
    """The code cells of a notebook, joined."""

    text: str
    starts: tuple[int, ...]
    """The line of the joined text, from 1, that each cell begins at."""

    def place(self, line: int) -> tuple[int, int]:
        """Return the cell of a line of the joined text, and the line in it; both from 1."""
        cell = max(1, bisect.bisect_right(self.starts, line))
        return cell, line - self.starts[cell - 1] + 1 if self.starts else line

    def placed(self, sentence: str) -> str:
        """Return a sentence whose line numbers are of the joined text, with cells and their own lines."""
        return re.sub(r"\bline (\d+)", lambda found: "cell {}, line {}".format(*self.place(int(found[1]))), sentence)


def read_cells(content: str, path: str) -> Cells:
    """Join the code cells of a notebook; what is no Python in them, magics and commands, is left out.

    Raises:
        ScriptError: it is no notebook.
    """
    try:
        cells = json.loads(content)["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise ScriptError(f"{path} is no notebook: it has no cells, or is no JSON ({error})") from error
    lines: list[str] = []
    starts: list[int] = []
    for source in sources:
        starts.append(len(lines) + 1)
        lines += _python(source)
    return Cells("\n".join(lines) + "\n", tuple(starts))


def _python(source: str) -> Iterator[str]:
    """Yield the lines of a cell, with `pass` where no Python stands, so that each keeps its place."""
    lines = source.splitlines()
    magic = re.match(r"%%(\w+)", source)
    other = magic is not None and magic[1] not in _PYTHON_CELLS
    goes_on = False
    for line in lines:
        found = _MAGIC.match(line)
        if other or goes_on or found:
            yield "" if other else f"{found[1] if found else ''}pass" if not goes_on else ""
            goes_on = line.rstrip().endswith("\\") and not other
        else:
            yield _ASSIGNED_MAGIC.sub(r"\1 None", line)
