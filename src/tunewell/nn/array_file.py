"""Arrays in an npz file that may come from anybody: what its headers claim is checked before anything is allocated."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


def read_arrays(file: str | Path | IO[bytes], *names: str) -> dict[str, NDArray[Any]]:
    """Return arrays of an npz file by name.

    Raises:
        ValueError: a header claims more than the file holds, or no plain numbers or text.
        KeyError, BadZipFile, OSError: as `zipfile` has them.
    """
    with ZipFile(file) as members:
        return {name: _array(read_member(members, f"{name}.npy")) for name in names}


def read_member(members: ZipFile, name: str) -> bytes:
    """Return the bytes of a member, which cannot be more than the file has, because it is not compressed.

    Raises:
        ValueError: it is compressed, as none that we write is, and so may be a thousand times as large.
    """
    info = members.getinfo(name)
    if info.compress_type != ZIP_STORED or info.compress_size != info.file_size:
        raise ValueError(f"{name} in it is compressed, which none of ours is")
    return members.read(info)


def _array(content: bytes) -> NDArray[Any]:
    file = BytesIO(content)
    version = npy.read_magic(file)
    read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read_header is None:
        raise ValueError(f"an array in it is of version {version}, which is none of ours")
    try:
        shape, fortran, dtype = read_header(file)
    except (TokenError, MemoryError) as error:  # what Python says of brackets that stay open, and of a thousand signs
        raise ValueError(f"the header of an array in it cannot be read ({error})") from error
    claimed, held = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
    if dtype.kind not in "fUiub" or min(shape, default=0) < 0 or claimed != held:
        raise ValueError(f"an array in it claims {claimed} bytes of {dtype} and holds {held}")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape, order="F" if fortran else "C")
