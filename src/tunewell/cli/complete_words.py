"""The words that may stand next on a command line, a line each. It is run as a file, by a shell, at each Tab.

    python -I -S complete_words.py PLACE tunewell show ...

PLACE: of the word that is begun. It imports nothing of tunewell, which takes ten times as long, and reads the names of
studies, their parameters and the numbers of trials from an SQLite file. What there is to say comes in
`TUNEWELL_COMPLETION`, as JSON.
"""

import json
import os
import shlex
import sqlite3
import sys
from contextlib import closing
from typing import Any
from urllib.parse import quote

_MOST = 200


def words(place: int, line: list[str], table: dict[str, Any]) -> list[str]:
    """Return the words that may stand at a place of a command line; none where file names may."""
    begun = line[place] if place < len(line) else ""
    before = line[1:place]
    name, own = _command(before, table)
    if name is None:
        return _begun(begun, [*table[""]["options"]] if begun.startswith("-") else [one for one in table if one])
    if "--" in own or name not in table:
        return []
    options, arguments = table[name]["options"], table[name]["arguments"]
    if own and options.get(own[-1]):
        return _begun(begun, _of_kind(options[own[-1]], own, _given(own, options)))
    if begun.startswith("-"):
        return _begun(begun, [*options])
    given = _given(own, options)
    kind = arguments[len(given)] if len(given) < len(arguments) else ""
    if not kind and table[name].get("repeats"):
        kind = arguments[-1]
    return _begun(begun, _of_kind(kind, own, given))


def _command(before: list[str], table: dict[str, Any]) -> tuple[str | None, list[str]]:
    """Return the command, and the words after it."""
    takes_value = False
    for at, word in enumerate(before):
        if takes_value:
            takes_value = False
        elif word.startswith("-"):
            takes_value = bool(table[""]["options"].get(word))
        else:
            return word, before[at + 1 :]
    return None, []


def _given(own: list[str], options: dict[str, Any]) -> list[str]:
    """Return the arguments among the words, those that are no option and no value of one."""
    return [
        word
        for previous, word in zip(["", *own], own, strict=False)
        if not word.startswith("-") and not options.get(previous)
    ]


def _begun(begun: str, known: list[str]) -> list[str]:
    return [word for word in known if word.startswith(begun)]


def _of_kind(kind: Any, own: list[str], given: list[str]) -> list[str]:
    if isinstance(kind, list):
        return kind
    if kind == "study":
        names = _read(own, "SELECT name FROM studies ORDER BY id DESC LIMIT ?", _MOST)
        return [shlex.quote(name) for name in names if name.isprintable()]
    if kind == "trial":
        return _read(
            own,
            "SELECT number FROM trials JOIN studies ON studies.id = study_id WHERE ? IN ('', name) "
            "ORDER BY number DESC LIMIT ?",
            given[0] if given else "",
            _MOST,
        )
    if kind == "setting":
        return [f"{parameter}=" for parameter in _parameters(own, given)]
    if kind == "live":  # after `steer STUDY TRIAL set`
        return _parameters(own, given) if given[2:] == ["set"] else []
    return []


def _parameters(own: list[str], given: list[str]) -> list[str]:
    """Return the names of the parameters of the study that is named; of the newest one if none is."""
    spaces = _read(
        own, "SELECT space FROM studies WHERE ? IN ('', name) ORDER BY id DESC LIMIT 1", given[0] if given else ""
    )
    try:
        return [str(name) for name in json.loads(spaces[0])] if spaces else []
    except (ValueError, TypeError):
        return []


def _read(own: list[str], statement: str, *values: object) -> list[str]:
    """Return the first column of what a store has; nothing where there is no file, or another kind of store."""
    path = os.path.expanduser(_store(own))
    if "://" in path or not os.path.isfile(path):
        return []
    # what lies beside it is opened too, and written: not what a link leads to, in the folder of somebody else
    linked = any(os.path.islink(path + suffix) for suffix in ("-wal", "-shm", "-journal"))
    url = f"file:{quote(os.path.abspath(path))}?{'immutable=1' if linked else 'mode=ro'}"
    try:
        with closing(sqlite3.connect(url, uri=True, timeout=0.1)) as database:
            return [str(row[0]) for row in database.execute(statement, values)]
    except sqlite3.Error:
        return []


def _store(own: list[str]) -> str:
    for at, word in enumerate(own):
        if word == "--store" and at + 1 < len(own):
            return own[at + 1]
        if word.startswith("--store="):
            return word.partition("=")[2]
    return os.environ.get("TUNEWELL_STORE") or _store_of_settings() or "tunewell.db"


def _store_of_settings() -> str:
    """Return the store of the nearest settings file, as `settings_file` looks for it, or nothing."""
    folder = os.getcwd()
    while True:
        for name in ("tunewell.toml", "pyproject.toml"):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and (found := _settings(path)) is not None:
                store = found.get("store", "")
                return os.path.join(folder, store) if isinstance(store, str) and "://" not in store and store else ""
        if os.path.exists(os.path.join(folder, ".git")) or folder in (os.path.dirname(folder), os.path.expanduser("~")):
            return ""
        folder = os.path.dirname(folder)


def _settings(path: str) -> dict[str, Any] | None:
    import tomllib  # noqa: PLC0415  where there is a file

    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except (OSError, ValueError):
        return None
    own: dict[str, Any] | None = data.get("tool", {}).get("tunewell") if path.endswith("pyproject.toml") else data
    return own


if __name__ == "__main__":
    print("\n".join(words(int(sys.argv[1]), sys.argv[2:], json.loads(os.environ["TUNEWELL_COMPLETION"]))))
