"""The folder of a study's checkpoints, and the files in it: links there are not followed, which may lead anywhere."""

from __future__ import annotations

from pathlib import Path

from tunewell.errors import CheckpointError, StoreError

_NAME = ".tunewell"


def folder_in(place: Path, uuid: str) -> Path:
    """Return the folder of a study's checkpoints, which need not be there yet.

    Raises:
        StoreError: a link stands in its place: files that it leads to would be deleted and written over.
    """
    above = place / _NAME
    folder = above / uuid
    for path in (above, folder):
        if path.is_symlink():
            raise StoreError(
                f"{path} is a link, through which checkpoints are neither written nor deleted; put a folder in its "
                "place, or say where checkpoints are to lie: --checkpoints FOLDER"
            )
    return folder


def file_in(folder: Path, name: str) -> Path:
    """Return the path of a checkpoint that is to be read.

    Raises:
        CheckpointError: it is there, and is no file but a link, a pipe, ...
    """
    path = folder / name
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise CheckpointError(f"checkpoint {path} is no file of its own but a link or the like, which is not read")
    return path
