"""The script in a command: what starts Python, what Python runs, and what the script's own arguments are."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.errors import ScriptError

_PYTHON = re.compile(r"(python|pypy)(\d+(\.\d+)*)?w?(\.exe)?")
_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")
_LAUNCHERS = (
    "torchrun",
    "accelerate",
    "deepspeed",
    "mpirun",
    "mpiexec",
    "horovodrun",
    "srun",
    "composer",
    "colossalai",
)
"""They start the script several times over; to look at it, it is started once."""
_LAUNCHER_MODULES = (
    "torch.distributed.run",
    "torch.distributed.launch",
    "accelerate.commands.launch",
    "accelerate.commands.accelerate_cli",
    "deepspeed.launcher.runner",
)
_ENVIRONMENTS = ("uv", "uvx", "poetry", "pipenv", "pdm", "hatch", "rye", "conda", "mamba", "micromamba", "pixi", "pipx")
_WRAPPERS = ("env", "nice", "nohup", "time", "stdbuf", "taskset", "numactl", "ionice", "chrt", "setsid", "timeout")
_LONGEST_SCRIPT = 2**20


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command that runs a Python script."""

    before: tuple[str, ...]
    """Its words up to the script."""
    python: tuple[str, ...]
    """The words that start the script's interpreter."""
    how: str
    """`file`, `module` or `entry`, a console script."""
    target: str
    arguments: tuple[str, ...]
    """The script's own."""
    environment: tuple[tuple[str, str], ...] = ()
    """What the launcher would have set."""

    @property
    def shown(self) -> str:
        """The script, as it is named in messages."""
        return self.target

    @property
    def file(self) -> Path | None:
        """The file of the script, if it is to be seen from here."""
        if self.how == "module":
            parts = Path(*self.target.split("."))
            places = (parts.with_suffix(".py"), parts / "__main__.py")
            return next(
                (root / place for root in (Path(), Path("src")) for place in places if (root / place).is_file()), None
            )
        path = Path(self.target)
        if path.is_file():
            return path
        found = shutil.which(self.target)
        return Path(found) if found else None

    def command(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """Return the command with other arguments of the script."""
        return (*self.before, *self._target, *arguments)

    @property
    def _target(self) -> Sequence[str]:
        return ("-m", self.target) if self.how == "module" else (self.target,)


def invocation(command: Sequence[str]) -> Invocation | None:
    """Return the script that a command runs; None if it is no Python.

    Raises:
        ScriptError: it runs Python, but nothing that can be looked into.
    """
    words = tuple(command)
    first = 0
    while first < len(words) and not _begins_script(words, first):
        first += 1
    if first == len(words):
        return _entry(words)
    before, word = words[:first], words[first]
    if before and not _is_known(before[0]):
        return None
    name = Path(word).name
    if _PYTHON.fullmatch(name):
        return _of_python(words, first)
    if name in _LAUNCHERS:
        return _of_launcher(words, first, _python_beside(word, before))
    return Invocation(before, _python_of(word, before), "file", word, words[first + 1 :])


def _begins_script(words: Sequence[str], place: int) -> bool:
    name = Path(words[place]).name
    return bool(_PYTHON.fullmatch(name)) or name in _LAUNCHERS or name.endswith((".py", ".pyw"))


def _is_known(word: str) -> bool:
    return Path(word).name in (*_ENVIRONMENTS, *_WRAPPERS, *_LAUNCHERS)


def _of_python(words: tuple[str, ...], first: int) -> Invocation:
    place = first + 1
    while place < len(words) and words[place].startswith("-") and words[place] not in ("-m", "-c", "-"):
        if words[place].startswith("-m") and len(words[place]) > 2:
            break
        place += 2 if words[place] in _WITH_VALUE else 1
    if place >= len(words) or words[place] in ("-c", "-"):
        raise ScriptError(
            f"{' '.join(words[: place + 1])} names no script, and cannot be looked into; give its file: python train.py"
        )
    python = words[: first + 1]
    if words[place].startswith("-m"):
        joined = len(words[place]) > 2
        module = words[place][2:] if joined else words[place + 1] if place + 1 < len(words) else ""
        rest = words[place + (1 if joined else 2) :]
        if module in _LAUNCHER_MODULES:
            return _of_launcher(words, place + (0 if joined else 1), python)
        return Invocation(words[:place], python, "module", module, rest)
    return Invocation(words[:place], python, "file", words[place], words[place + 1 :])


def _of_launcher(words: tuple[str, ...], first: int, python: tuple[str, ...]) -> Invocation:
    """Return the script that a launcher starts: the first word that is a Python file, or what `-m` names."""
    environment = (
        ("RANK", "0"), ("LOCAL_RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_WORLD_SIZE", "1"),
        ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", "29500"),
    )  # fmt: skip
    for place in range(first + 1, len(words)):
        word = words[place]
        if word.endswith(".py"):
            return Invocation(words[:place], python, "file", word, words[place + 1 :], environment)
        if _PYTHON.fullmatch(Path(word).name):
            inner = _of_python(words, place)
            return Invocation(inner.before, inner.python[-1:], inner.how, inner.target, inner.arguments, environment)
        if word in ("-m", "--module") and place + 1 < len(words) and not words[place + 1].isdigit():
            return Invocation(words[:place], python, "module", words[place + 1], words[place + 2 :], environment)
    raise ScriptError(f"{' '.join(words)} names no Python file, and cannot be looked into; give it: torchrun train.py")


def _entry(words: tuple[str, ...]) -> Invocation | None:
    """Return the console script that a command runs, such as `uv run mytrain --lr 0.1`."""
    first = Path(words[0]).name
    if first in _ENVIRONMENTS:
        place = next((i for i, word in enumerate(words) if word in ("run", "-m")), 0) + 1
        while place < len(words) and words[place].startswith("-"):
            if words[place] == "-m" and place + 1 < len(words):
                before = (*words[:place],)
                return Invocation(before, (*before, "python"), "module", words[place + 1], words[place + 2 :])
            place += 2 if words[place] in ("-n", "--with", "--extra", "--group", "-p", "--python", "--project") else 1
        if place < len(words):
            before = words[:place]
            return Invocation(before, (*before, "python"), "entry", words[place], words[place + 1 :])
        return None
    place = next((i for i, word in enumerate(words) if Path(word).name not in _WRAPPERS and "=" not in word), 0)
    found = shutil.which(words[place])
    python = None if found is None else _shebang(Path(found))
    if python is None:
        return None
    return Invocation(words[:place], (*words[:place], *python), "entry", words[place], words[place + 1 :])


def _shebang(path: Path) -> tuple[str, ...] | None:
    """Return the interpreter that a script names in its first line, if it is Python."""
    try:
        if path.stat().st_size > _LONGEST_SCRIPT:
            return None
        with path.open("rb") as file:
            first = file.readline(300).decode(errors="replace")
    except OSError:
        return None
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if word != "-S"]
    return (words[0],) if words and _PYTHON.fullmatch(Path(words[0]).name) else None


def _python_of(script: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return what starts the interpreter of a script that is run by its own name."""
    if before and Path(before[0]).name in _ENVIRONMENTS:
        return (*before, "python")
    shebang = _shebang(Path(script)) if Path(script).is_file() else None
    return (*before, *(shebang or (sys.executable,)))


def _python_beside(launcher: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """Return what starts the interpreter that a launcher is installed for."""
    if before and Path(before[0]).name in _ENVIRONMENTS:
        return (*before, "python")
    found = shutil.which(launcher)
    return (*before, *((found and _shebang(Path(found))) or ("python",)))
