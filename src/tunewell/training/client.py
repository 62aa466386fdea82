"""The program's side, when a program of its own is tuned: `tunewell tune -- python train.py --lr {learning_rate}`.

A program in any language can do the same. It prints a line of JSON an epoch, `{"val_loss": 0.31}`. Or it writes that
line to the local socket that `TUNEWELL_SOCKET` names and reads a line: `{"go": true}`, which comes when the next epoch
may begin, or `{"go": false}`, when it should end by itself within a few seconds, or `{"error": "..."}`, when the line
was no report.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

from tunewell.errors import ReportError
from tunewell.training.loggers import end_runs
from tunewell.trial import as_numbers

_is_over = False
"""The tuner wants no further epoch."""
_has_reported = False
"""There was a report of this process."""
_is_caught = False
"""The program was ended for that; if it calls again, it has caught it."""


def report(**metrics: float) -> None:
    """Report what an epoch measured, from a program that is tuned; waits while its trial is paused.

    Once no further epoch is wanted, the next call ends the program (`SystemExit`), so that what stands after a loop
    that is over, such as saving a model, is still done; it has a few seconds. Without a tuner it prints the line.

    Raises:
        ReportError: a value is no number, or the tuner cannot read the report.

    Example:
        >>> tw.report(val_loss=0.31)  # alone it prints; under `tunewell tune` the tuner hears it
        {"val_loss": 0.31}
    """
    global _has_reported, _is_over, _is_caught  # noqa: PLW0603  as the process it speaks for
    line = json.dumps(as_numbers(metrics))
    _has_reported = True
    address = os.environ.get("TUNEWELL_SOCKET")
    if _is_over:
        if not _is_caught:
            end_runs()  # it is no failure, which loggers would take it for
        elif address is not None:
            _answer(address, line)  # the tuner ends a program that goes on
        _is_caught = True
        raise SystemExit(0)
    if address is None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        return
    answer = _answer(address, line)
    if "error" in answer:
        raise ReportError(answer["error"])
    _is_over = not answer["go"]


def has_reported() -> bool:
    """Return True if this process has reported something."""
    return _has_reported


def params() -> dict[str, Any]:
    """Return the trial's setting, for a program that takes it from here, not from its arguments; {} without a tuner.

    Example:
        >>> tw.params()  # the setting, under `tunewell tune -- python train.py`
        {}
    """
    setting: dict[str, Any] = json.loads(os.environ.get("TUNEWELL_PARAMS", "{}"))
    return setting


def _answer(address: str, line: str) -> dict[str, Any]:
    try:
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw", encoding="utf-8") as lines:
            connection.connect(address)
            lines.write(f"{line}\n")
            lines.flush()
            answer: dict[str, Any] = json.loads(lines.readline())
            return answer
    except (OSError, ValueError):
        raise SystemExit("tunewell, which ran this program, is gone") from None
