"""The program's side, when a program of its own is tuned: `tunewell tune -- python train.py --lr {learning_rate}`.

A program in any language can do the same. It prints a line of JSON an epoch, `{"val_loss": 0.31}`. Or it writes that
line to the local socket that `TUNEWELL_SOCKET` names and reads a line: `{"go": true}`, which comes when the next epoch
may begin, or `{"go": false}`, when it should end.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from tunewell.errors import ReportError


def report(**metrics: float) -> None:
    """Report what an epoch measured, from a program that is tuned; waits while its trial is paused.

    Ends the program (`SystemExit`) if no further epoch is wanted. Without a tuner it prints the line and returns.

    Raises:
        ReportError: a value is no number.
    """
    line = json.dumps(as_numbers(metrics))
    address = os.environ.get("TUNEWELL_SOCKET")
    if address is None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    elif not _may_go_on(address, line):
        raise SystemExit(0)


def params() -> dict[str, Any]:
    """The trial's setting, for a program that takes it from here rather than from its arguments; {} without a tuner."""
    setting: dict[str, Any] = json.loads(os.environ.get("TUNEWELL_PARAMS", "{}"))
    return setting


def as_numbers(metrics: Mapping[str, object]) -> dict[str, float]:
    """The metrics of a report, each as a float.

    Raises:
        ReportError: there is none, or one is no number.
    """
    if not metrics:
        raise ReportError("the report has no metric; name at least one: report(val_loss=...)")
    return {name: _number(name, value) for name, value in metrics.items()}


def _number(name: str, value: Any) -> float:
    if name == "epoch":
        raise ReportError("a report needs no epoch, they are counted; leave epoch= out")
    try:
        if not isinstance(value, str | bytes):  # NumPy's scalars, 0-d arrays and tensors convert; so would "0.1"
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise ReportError(f"metric {name!r} must be a number, got {value!r}; reduce it first (mean, item)")


def _may_go_on(address: str, line: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw", encoding="utf-8") as lines:
            connection.connect(address)
            lines.write(f"{line}\n")
            lines.flush()
            return bool(json.loads(lines.readline())["go"])
    except (OSError, ValueError):
        raise SystemExit("tunewell, which ran this program, is gone") from None
