"""Records in JSON: a whole record, a list of epochs, a history of lists (Keras), or one JSON line an epoch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewell.diagnosis.readers.names import curves_of, not_understood
from tunewell.diagnosis.run_record import LAYERS
from tunewell.errors import RecordError


def read_json(path: Path, columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read the record in a JSON file; names that differ from a record's are understood as those of CSV columns are.

    Raises:
        RecordError: the file is no JSON, or holds no epochs.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"{path} cannot be read: {error}; give a CSV or JSON file") from error
    if not text.strip():
        raise RecordError(f"{path.name} is empty; give a record, or a CSV file")
    document = _parsed(path, text)
    record = dict(document) if isinstance(document, Mapping) else {"epochs": document}
    if "epochs" not in record:
        record = {"epochs": _of_lists(path, record)}
    epochs = record["epochs"]
    wrong = [one for one in epochs if not isinstance(one, Mapping)] if isinstance(epochs, list) else [epochs]
    if wrong or not epochs:
        raise RecordError(
            f"{path.name} needs 'epochs', a list of one mapping an epoch such as "
            f'{{"epoch": 1, "train_loss": 2.3}}, got {json.dumps(wrong[0] if wrong else epochs)[:60]}'
        )
    return record | _named(epochs, columns)


def _parsed(path: Path, text: str) -> Any:
    """Parse the document, or the list of its lines' documents."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            document = [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            raise RecordError(f"{path.name} is no JSON: {error}; give a record, or a CSV file") from error
    if document and all(isinstance(line, Mapping) and "epochs" in line for line in document):
        raise RecordError(f"{path.name} holds {len(document)} records; give one a file")
    return document


def _of_lists(path: Path, history: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn `{"loss": [2.3, 1.9], "val_loss": [...]}` into epochs."""
    lists = {name: values for name, values in history.items() if isinstance(values, list) and values}
    if not lists:
        raise RecordError(
            f"{path.name} needs 'epochs', or lists of numbers; it has {', '.join(map(repr, history)) or 'nothing'}"
        )
    return [
        {"epoch": i + 1, **{name: values[i] for name, values in lists.items() if i < len(values) and name != "epoch"}}
        for i in range(max(map(len, lists.values())))
    ]


def _named(epochs: Sequence[Mapping[str, Any]], columns: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the epochs under a record's names, and the names that were not understood."""
    names = list(dict.fromkeys(str(name) for epoch in epochs for name in epoch))
    curves = curves_of([name for name in names if name not in ("layers", *LAYERS)] if not columns else names, columns)
    here = {name: curve for curve, name in curves.items()}
    return {
        "epochs": [{here.get(name, name): value for name, value in epoch.items()} for epoch in epochs],
        "not_understood": not_understood([name for name in names if name not in ("layers", *LAYERS)], curves),
    }
