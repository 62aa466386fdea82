"""Commands of tunewell that are printed as advice: each can be pasted into a shell as it stands, and does what it says.

    advice("show", study, store=url)         # tunewell show -- '-x' is written for a study that begins with a dash

This is the one place where they are made; a test parses all that are printed.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunewell.stores import default_store
from tunewell.stores.redaction import redacted_url

_HIDDEN_IN_QUERY = re.compile(r"(?<=[?&])\w+=\*\*\*&?")

_Value = str | int | bool | None
Options = Mapping[str, _Value]
"""Option -> its value; True for a flag, None or False for one that is left out."""


def advice(
    command: str, *arguments: str, options: Options | None = None, store: str | None = None, program: Sequence[str] = ()
) -> str:
    """Return a command as a shell takes it; arguments are those of `words_of`."""
    return shlex.join([*_tunewell(), *words_of(command, *arguments, options=options, store=store, program=program)])


def words_of(
    command: str, *arguments: str, options: Options | None = None, store: str | None = None, program: Sequence[str] = ()
) -> list[str]:
    """Return the words of a command, after that for tunewell itself.

    Args:
        command: which.
        arguments: those that stand without an option: a study, a script (as `script_argument` writes it).
        options: in this order.
        store: where the study is; None, or the default, is not named.
        program: the words after `--`.
    """
    words = [word for name, value in (options or {}).items() for word in _option(name, value)]
    words += _in_store(store)
    if any(argument.startswith("-") for argument in arguments):  # which would be an option
        words = [*words, "--", *arguments]
    else:
        words = [*arguments, *words]
    return [command, *words, *(["--", *program] if program else [])]


def _in_store(url: str | None) -> Sequence[str]:
    """Return the option that names a store; none for the default. PGPASSWORD or ~/.pgpass may hold its password."""
    if url is None or redacted_url(url) == redacted_url(default_store()):
        return ()
    return _option("--store", _HIDDEN_IN_QUERY.sub("", redacted_url(url).replace(":***@", "@")).rstrip("?&"))


def script_argument(path: str | Path) -> str:
    """Return a file as an argument that is no option, whatever its name begins with."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _option(name: str, value: _Value) -> Sequence[str]:
    if value is None or value is False:
        return ()
    if value is True:
        return (name,)
    text = str(value)
    return (f"{name}={text}",) if text.startswith("-") else (name, text)


def _tunewell() -> list[str]:
    """Return what runs tunewell as it runs now: `python -m tunewell`, or its path where it is not on the PATH."""
    words = iter(enumerate(sys.orig_argv[1:], 1))
    for place, word in words:
        if word == "-m":
            if sys.orig_argv[place + 1 : place + 2] == ["tunewell"]:
                return sys.orig_argv[: place + 2]
            break
        if word in ("-W", "-X"):
            next(words, None)
        elif not word.startswith("-"):
            break
    own = sys.argv[0]
    is_path = Path(own).name == "tunewell" and shutil.which("tunewell") is None and shutil.which(own) is not None
    return [own] if is_path else ["tunewell"]
