"""A look at a script: the process in which it is run up to where it reads its command line, and what came of it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tunewell.errors import ScriptError, last_line
from tunewell.scripts.invocation import Invocation

TIMEOUT_S = 180.0
_LOOK = Path(__file__).with_name("look.py")
_MARK = "TUNEWELL_LOOK"
"""In the environment of all that a look starts, so that nothing of it stays."""


def look(at: Invocation, timeout_s: float = TIMEOUT_S) -> Mapping[str, Any] | None:
    """Return what the script's library delivered; None if it came to its end, or trained, and read no command line.

    Raises:
        ScriptError: it cannot be looked at.
    """
    mark = secrets.token_hex(8)
    with tempfile.TemporaryDirectory(prefix="tunewell-look-") as folder:
        result = Path(folder) / "found.json"
        words = [*at.python, str(_LOOK), str(result), at.how, at.target, *at.arguments]
        try:
            process = subprocess.Popen(  # noqa: S603  running the user's script is what this is for
                words,
                env={**os.environ, **dict(at.environment), _MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ScriptError(f"{words[0]!r} cannot be run: {error.strerror}; give its path, or install it") from error
        try:
            output, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise ScriptError(
                f"{at.shown} does not read its command line within {timeout_s:g} seconds; "
                "--static reads its source and runs nothing"
            ) from None
        finally:
            _end(process, mark)
        if not result.is_file():
            raise ScriptError(_in_words(at, process.returncode, output.decode(errors="replace")))
        found: Mapping[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if "raised" in found:
        raise ScriptError(
            f"{at.shown} fails before it reads its command line: {found['raised']}; mend that, or read its source "
            "alone: --static"
        )
    if "error" in found:
        raise ScriptError(f"{at.shown}: {found['error']}")
    if "ended" in found:
        if found["ended"] not in (0, None):
            raise ScriptError(_in_words(at, found["ended"], output.decode(errors="replace")))
        return None
    return found


def _in_words(at: Invocation, code: int | str, output: str) -> str:
    """Return why a look came to nothing."""
    text = last_line(str(code) if isinstance(code, str) else output) if output.strip() or isinstance(code, str) else ""
    ended = f"exit code {code}" if isinstance(code, int) else "an error"
    shown = f": {text}" if text else ""
    return (
        f"{at.shown} ends with {ended} before it reads its command line{shown}; mend that, or read its source: --static"
    )


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End the process and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for other in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if other.environ().get(_MARK) == mark:
                other.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
