"""Files that are written whole or not at all: under another name beside their place, and then moved there."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield where to write what is to be in the file; if that fails, the file is as it was.

    What is no ordinary file (a pipe, /dev/null) is written to directly.
    """
    place = Path(path).resolve()  # through a symbolic link, which stays one
    if place.exists() and not place.is_file():
        yield place
        return
    # the suffix stays: some writers go by it
    unfinished = place.with_name(f".{uuid.uuid4().hex}{place.suffix}")
    try:
        yield unfinished
        if place.exists():
            shutil.copymode(place, unfinished)
        unfinished.replace(place)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(unfinished)) and error.filename2 is None:
            error.filename = str(path)  # of a full disk it names none
        raise
    finally:
        unfinished.unlink(missing_ok=True)
