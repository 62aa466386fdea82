"""The channel of a run in a program of its own, through the socket of the tuner that runs it.

Each message is a line of JSON, and so is each reply. `{"tunewell": "begin", "epochs": 10, "tracks": true}` begins a
loop, and returns the last epoch that is done; `{"tunewell": "train", "epoch": 4}` waits until the epoch may begin;
`{"tunewell": "end"}` ends the loop; a report is a line as of any program. Before its reply, which has `"go"` and the
parameters as they are now, the tuner may send `{"restore": PATH}` or `{"save": PATH}`, which is done at once and
acknowledged on the same connection.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewell.errors import CheckpointError, ReportError
from tunewell.space.values import Value
from tunewell.training.run import Run


class SocketChannel:
    """A channel to the tuner that runs this program."""

    def __init__(self, address: str, values: dict[str, Value]) -> None:
        """Reach it at a socket's address; `values`: of the parameters, which are changed as they are set."""
        self._address = address
        self.values = values
        self._run: Run | None = None
        self._granted = 0
        """The epoch that may begin already."""

    def begin(self, run: Run, n_epochs: int | None) -> int:
        """Implement `Channel.begin`."""
        self._run = run
        reply = self._send({"tunewell": "begin", "epochs": n_epochs, "tracks": run.has_state})
        done = int(reply.get("epoch", 0))  # who only looks at the program knows of none
        self._granted = done + 1 if reply["go"] else 0
        return done

    def may_train(self, epoch: int) -> bool:
        """Implement `Channel.may_train`."""
        if epoch == self._granted:
            return True
        return bool(self._send({"tunewell": "train", "epoch": epoch})["go"])

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:  # noqa: ARG002  as Channel has it
        """Implement `Channel.report`."""
        if not self._send(metrics)["go"]:
            raise SystemExit(0)  # the tuner gives the trial up; it is no failure of the program

    def end(self) -> None:
        """Implement `Channel.end`."""
        self._send({"tunewell": "end"})

    def _send(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Send a message; return the reply, once all that the tuner wants before it is done."""
        try:
            with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rw", encoding="utf-8") as lines:
                connection.connect(self._address)
                while True:
                    lines.write(f"{json.dumps(message)}\n")
                    lines.flush()
                    reply: dict[str, Any] = json.loads(lines.readline())
                    if not reply.keys() & {"save", "restore"}:
                        break
                    message = self._done(reply)
        except (OSError, ValueError):
            raise SystemExit("tunewell, which ran this program, is gone") from None
        if "error" in reply:
            raise ReportError(reply["error"])
        self.values.update(reply.get("params", {}))
        return reply

    def _done(self, wish: Mapping[str, str]) -> dict[str, Any]:
        """Write or read a checkpoint; return what came of it."""
        assert self._run is not None  # nothing is wanted before it begins
        try:
            if "save" in wish:
                return {"tunewell": "saved", "size": self._run.checkpoint(Path(wish["save"]))}
            return {"tunewell": "restored", "epoch": self._run.restore(Path(wish["restore"]))}
        except CheckpointError as error:
            return {"tunewell": "failed", "why": str(error), "is_disk": isinstance(error.__cause__, OSError)}
