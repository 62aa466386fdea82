"""Copies of the checkpoint files of a study that is copied: there before its record is, and gone if that is not."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tunewell.checkpoint.folder import file_in
from tunewell.errors import CheckpointError, StoreError
from tunewell.trial import Checkpoint
from tunewell.whole_file import whole_file

_FEW = 3


@dataclass(slots=True)
class CheckpointCopies:
    """Inside the block the files are there; at its end those are deleted that `keep` was not called for."""

    folder: Path | None
    """Where the copies go; None if the store is in memory, which keeps no files."""
    wanted: Sequence[tuple[Path | None, Checkpoint]]
    """The folder of each file, and the checkpoint as it is to be on record; its file has the name in `named`."""
    named: Sequence[str]
    there: Sequence[Checkpoint] = ()
    """The checkpoints of the study that are on record already, with their files."""
    copied: list[Checkpoint] = field(default_factory=list)
    """All that are to be on record."""
    n_copied: int = 0
    missing: list[str] = field(default_factory=list)
    _new: list[Path] = field(default_factory=list)
    _are_kept: bool = False

    def __enter__(self) -> Self:
        """Copy the files.

        Raises:
            StoreError: one cannot be written.
        """
        try:
            for (source, checkpoint), name in zip(self.wanted, self.named, strict=True):
                self.copied.append(self._copy(source, checkpoint, name))
        except BaseException:
            self._delete()
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        """Delete what is not to be kept."""
        if not self._are_kept:
            self._delete()

    def keep(self) -> None:
        """Keep the files, which are on record now, and delete those that are no more."""
        self._are_kept = True
        if self.folder is not None:
            kept = {one.path for one in self.copied}
            for one in self.there:
                if one.path not in kept:
                    with suppress(OSError):
                        (self.folder / one.path).unlink(missing_ok=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings of files that are missing."""
        if not self.missing:
            return ()
        some = ", ".join(self.missing[:_FEW]) + (", ..." if len(self.missing) > _FEW else "")
        files = "file is" if len(self.missing) == 1 else "files are"
        return (f"{len(self.missing)} checkpoint {files} not there and could not be copied: {some}",)

    def _copy(self, source: Path | None, checkpoint: Checkpoint, name: str) -> Checkpoint:
        """Copy a file, and return its checkpoint as it is to be on record."""
        if self.folder is None:
            return checkpoint
        if checkpoint in self.there and (self.folder / checkpoint.path).is_file():
            return checkpoint
        try:
            original = None if source is None else file_in(source, name)
        except CheckpointError as error:
            self.missing.append(str(error))
            return checkpoint
        if original is None or not original.is_file():
            self.missing.append(name if source is None else str(source / name))
            return checkpoint
        with _copying(original, self.folder):
            copy = self._new_file(checkpoint.path)
            shutil.copyfile(original, copy)
        self.n_copied += 1
        return replace(checkpoint, path=copy.name)

    def _new_file(self, name: str) -> Path:
        """Return an empty file that nobody else has made, of that name or with more in front of it.

        What is on record stays as it is until the new record is there; and of several who merge at the same time, each
        deletes only its own files.
        """
        assert self.folder is not None  # or nothing is copied
        on_record = {one.path for one in self.there}
        while True:
            file = self.folder / name
            if name not in on_record:
                with suppress(FileExistsError):
                    file.touch(exist_ok=False)
                    self._new.append(file)
                    return file
            name = f"{uuid.uuid4().hex[:8]}-{name}"

    def _delete(self) -> None:
        for path in self._new:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        if self.folder is not None:
            with suppress(OSError):  # it has files of its own
                self.folder.rmdir()


def filled(source: Path, folder: Path, path: str, name: str) -> bool:
    """Copy a file that a record names, if it is missing there and is in the source now; return True if it was copied.

    path, name: of it, there and in the source.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        wanted, original = file_in(folder, path), file_in(source, name)
    except CheckpointError:
        return False
    if {Path(path).name, Path(name).name} != {path, name} or wanted.exists() or not original.is_file():
        return False
    with _copying(original, folder), whole_file(wanted) as copy:
        shutil.copyfile(original, copy)
    return True


@contextmanager
def _copying(original: Path, folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StoreError(
            f"{original} cannot be copied to {folder}: {error.strerror or error}; mend that (a full disk needs room) "
            "and merge again: nothing of this study was written"
        ) from error
