"""Records of runs from files: JSON, CSV, TensorBoard's events; and from trials of a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.csv_file import read_csv
from tunewell.diagnosis.readers.hparams import settings_beside
from tunewell.diagnosis.readers.json_file import read_json
from tunewell.diagnosis.readers.tensorboard import read_events
from tunewell.diagnosis.readers.trial import of_trial
from tunewell.errors import RecordError

__all__ = ["of_trial", "read_csv", "read_events", "read_file", "read_json"]

_EVENTS = "tfevents"


def read_file(path: Path, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read the record in a file of any kind: `.json`, `.jsonl`, an event file or a folder of them, else CSV.

    Settings in an `hparams.yaml` beside a log, where Lightning writes them, are part of it.

    Raises:
        RecordError: it cannot be read, or nothing in it is understood.
        MissingExtra: it is an event file and tensorboard is not installed.
    """
    if not path.exists():
        raise RecordError(f"there is no file {str(path)!r}; give a CSV or JSON file, or TensorBoard's events")
    if path.suffix.lower() in (".json", ".jsonl", ".ndjson"):
        return read_json(path, columns)
    read = read_events if path.is_dir() or _EVENTS in path.name else read_csv
    return read(path, columns) | settings_beside(path)
