"""Records in JSON: a whole record, a list of epochs, a history of lists (Keras), Hugging Face's state, JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tunewell.diagnosis.readers.log import check_run, record_of
from tunewell.diagnosis.readers.names import curves_of, not_understood, scores_of
from tunewell.diagnosis.run_record import LAYERS
from tunewell.errors import RecordError
from tunewell.logs.json_lines import first_of, flat, number_of
from tunewell.logs.names import EPOCH, STEP, meaning
from tunewell.logs.rows import Log, Row


def read_json(name: str, text: str, columns: Mapping[str, str] | None = None, run: int | None = None) -> dict[str, Any]:
    """Read the record in a JSON text; names that differ from a record's are understood as those of CSV columns are.

    Raises:
        RecordError: the text is no JSON, or holds no epochs.
    """
    if not text.strip():
        raise RecordError(f"{name} is empty; give a record, or a CSV file")
    document = _parsed(name, text)
    if isinstance(document, Mapping) and isinstance(document.get("log_history"), list):
        return _of_rows(name, document["log_history"], columns, run)
    record = dict(document) if isinstance(document, Mapping) else {"epochs": document}
    is_history = "epochs" not in record
    if is_history:
        record = {"epochs": _of_lists(name, record)}
    epochs = record["epochs"]
    wrong = [one for one in epochs if not isinstance(one, Mapping)] if isinstance(epochs, list) else [epochs]
    if wrong or not epochs:
        raise RecordError(
            f"{name} needs 'epochs', a list of one mapping an epoch such as "
            f'{{"epoch": 1, "train_loss": 2.3}}, got {json.dumps(wrong[0] if wrong else epochs)[:60]}'
        )
    if len(record) == 1 and not any("layers" in epoch for epoch in epochs):
        return _of_rows(name, epochs, columns, run)
    check_run(name, 1, run)
    return record | _named(epochs, columns)


def _parsed(name: str, text: str) -> Any:
    """Parse the document, or the list of its lines' documents."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            document = [json.loads(line) for line in lines]
        except json.JSONDecodeError:
            raise RecordError(f"{name} is no JSON: {error}; give a record, or a CSV file") from error
    if document and all(isinstance(line, Mapping) and "epochs" in line for line in document):
        raise RecordError(f"{name} holds {len(document)} records; give one a file")
    return document


def _of_lists(name: str, history: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn `{"loss": [2.3, 1.9], "val_loss": [...]}` into epochs."""
    lists = {key: values for key, values in history.items() if isinstance(values, list) and values}
    if not lists:
        raise RecordError(
            f"{name} needs 'epochs', or lists of numbers; it has {', '.join(map(repr, history)) or 'nothing'}"
        )
    return [
        {"epoch": i + 1, **{key: values[i] for key, values in lists.items() if i < len(values) and key != "epoch"}}
        for i in range(max(map(len, lists.values())))
    ]


def _of_rows(name: str, documents: Sequence[Any], columns: Mapping[str, str] | None, run: int | None) -> dict[str, Any]:
    """Return the record of mappings that are an epoch, or a line of a log, each."""
    rows, others = [], dict[str, None]()
    flat_ones = [flat(document) for document in documents]
    gaps = _gaps(flat_ones)
    for document in flat_ones:
        values: dict[str, float] = {}
        for key, value in document.items():
            number = number_of(value)
            if value is None and key in gaps:
                continue
            if number is not None:
                values[key] = number
            elif isinstance(value, str) and meaning(key):
                raise RecordError(
                    f"{name} has {value[:40]!r} for {key!r}, which is no number; write null or nan for a number that "
                    "was not finite"
                )
            else:
                others[key] = None
        rows.append(Row(values, first_of(values, EPOCH), first_of(values, STEP)))
    return record_of(Log(name, rows, also=tuple(others)), columns, run)


def _gaps(documents: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the keys that have a number again after a null, which is then a gap and no loss that has diverged."""
    void, gaps = set[str](), set[str]()
    for document in documents:
        for key, value in document.items():
            if value is None:
                void.add(key)
            elif key in void:
                gaps.add(key)
    return gaps


def _named(epochs: Sequence[Mapping[str, Any]], columns: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the epochs of a whole record under its names, and the names that were not understood."""
    names = list(dict.fromkeys(str(name) for epoch in epochs for name in epoch))
    plain = [name for name in names if name not in ("layers", *LAYERS)]
    curves = scores_of(plain) | curves_of(names if columns else plain, columns)
    here = {name: curve for curve, name in curves.items()}
    return {
        "epochs": [{here.get(name, name): value for name, value in epoch.items()} for epoch in epochs],
        "not_understood": not_understood(plain, curves),
    }
