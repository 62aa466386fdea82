"""Scalars in TensorBoard's event files, read while they are written.

A file is a series of records: a length of eight bytes, its checksum of four, the record, and its checksum. A record is
an `Event` of Protocol Buffers. All that is read of it is its step and the scalars of its summary, so that nothing has
to be installed for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tunewell.logs.rows import Row

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
"""The wire types of fields."""
_STEP, _SUMMARY = 2, 5  # of an Event
_VALUE = 1  # of a Summary
_TAG, _SIMPLE_VALUE, _TENSOR = 1, 2, 8  # of a Summary's Value
_DTYPE, _CONTENT, _FLOATS, _DOUBLES = 1, 4, 5, 6  # of a Tensor
_FORMATS = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}
"""How a tensor's numbers are packed, by its type."""


def rows_of_events(content: bytes) -> tuple[list[Row], int]:
    """Return a row for each scalar in the whole records that bytes begin with, and how many bytes these are."""
    rows: list[Row] = []
    at = 0
    while at + 12 <= len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        end = at + 12 + length + 4
        if end > len(content):
            break
        rows += _rows_of(content[at + 12 : end - 4])
        at = end
    return rows, at


def _rows_of(event: bytes) -> Iterator[Row]:
    try:
        fields = list(_fields(event))
        step = next((float(value) for number, value in fields if number == _STEP and isinstance(value, int)), 0.0)
        for number, summary in fields:
            if number == _SUMMARY and isinstance(summary, bytes):
                for _, value in _fields(summary):
                    if isinstance(value, bytes) and (scalar := _scalar(value)) is not None:
                        yield Row({scalar[0]: scalar[1]}, step=step)
    except (IndexError, struct.error):
        return  # is damaged


def _scalar(value: bytes) -> tuple[str, float] | None:
    """Return the tag and the number of a summary's value; None if it is no scalar."""
    tag, number = "", None
    for field, content in _fields(value):
        if field == _TAG and isinstance(content, bytes):
            tag = content.decode(errors="replace")
        elif field == _SIMPLE_VALUE and isinstance(content, float):
            number = content
        elif field == _TENSOR and isinstance(content, bytes):
            number = _of_tensor(content)
    return (tag, number) if tag and number is not None else None


def _of_tensor(tensor: bytes) -> float | None:
    """Return the number of a tensor that has only one."""
    fields = dict(_fields(tensor))
    form = _FORMATS.get(int(fields.get(_DTYPE, 0)) if isinstance(fields.get(_DTYPE, 0), int) else 0)
    for field, packed in ((_CONTENT, form), (_FLOATS, "<f"), (_DOUBLES, "<d")):
        content = fields.get(field)
        if isinstance(content, float):
            return content
        if isinstance(content, bytes) and packed and len(content) == struct.calcsize(packed):
            return float(struct.unpack(packed, content)[0])
    return None


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Yield the number and the content of each field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif kind == _BYTES:
            length, at = _varint(message, at)
            yield number, message[at : at + length]
            at += length
        elif kind in (_EIGHT, _FOUR):
            form = "<d" if kind == _EIGHT else "<f"
            yield number, float(struct.unpack_from(form, message, at)[0])
            at += struct.calcsize(form)
        else:
            return


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at
