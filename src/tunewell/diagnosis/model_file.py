"""The file of the forests: arrays by name, as NumPy keeps them, compressed once more as a whole.

LZMA makes of it three quarters of what NumPy's own compression does, and the file is most of what people download.
"""

from __future__ import annotations

import io
import lzma
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAME = "model.npz.xz"

Arrays = dict[str, NDArray[Any]]


def read_arrays(path: Path | None = None) -> Arrays:
    """Return all arrays of a file; of the one that is shipped, if None."""
    compressed = (files("tunewell.diagnosis") / NAME if path is None else path).read_bytes()
    with np.load(io.BytesIO(lzma.decompress(compressed))) as file:
        return {name: file[name] for name in file.files}


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a file of these arrays."""
    plain = io.BytesIO()
    np.savez(plain, **arrays)  # type: ignore[arg-type]  # an array could have the name of an option; none has
    path.write_bytes(lzma.compress(plain.getvalue(), preset=9 | lzma.PRESET_EXTREME))
