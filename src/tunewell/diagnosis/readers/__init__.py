"""Records of runs: from files (logs, tables, JSON, TensorBoard's events), from text, and from trials of a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.hparams import settings_beside
from tunewell.diagnosis.readers.log import check_run
from tunewell.diagnosis.readers.tensorboard import read_events
from tunewell.diagnosis.readers.text import read_text
from tunewell.diagnosis.readers.trial import of_trial
from tunewell.errors import RecordError
from tunewell.logs.text import decoded, text_of

__all__ = ["decoded", "of_trial", "read_events", "read_file", "read_text"]

_EVENTS = "tfevents"


def read_file(path: Path, columns: Mapping[str, str] | None = None, run: int | None = None) -> dict[str, Any]:
    """Read the record in a file of any kind: an event file or a folder of them, else text, as `read_text` does.

    Settings in an `hparams.yaml` beside a log, where Lightning writes them, are part of it.

    Raises:
        RecordError: it cannot be read, or nothing in it is understood.
        MissingExtra: it is an event file and tensorboard is not installed.
    """
    if not path.exists():
        raise RecordError(f"there is no file {str(path)!r}; give a log, a CSV or a JSON file, or TensorBoard's events")
    if path.is_dir() or _EVENTS in path.name:
        check_run(str(path), 1, run)
        return read_events(path, columns) | settings_beside(path)
    record, beside = read_text(text_of(path), columns, run, name=path.name), settings_beside(path)
    return {**record, "config": {**record.get("config", {}), **beside["config"]}} if beside else record
