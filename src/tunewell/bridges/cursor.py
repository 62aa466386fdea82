"""The revision up to which a tracker has been sent a study, in a file beside the study's store.

The file saves work, and nothing depends on it: where it is lost, all is sent again, of which a tracker has each part
once. While somebody sends, nobody else does.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from types import TracebackType
from typing import IO, Self

from tunewell.bridges.places import Place
from tunewell.errors import StoreError, TrackerError
from tunewell.stores import Store, StudyRecord
from tunewell.whole_file import whole_file

_FOLDER = ".tunewell"
_LOOK_EVERY_S = 0.2


class Cursor:
    """The revision of a study up to which a place was sent everything; held by one process at a time."""

    def __init__(self, store: Store, study: StudyRecord, place: Place, *, patience_s: float = 0.0) -> None:
        """Name the file, which need not be there.

        patience_s: for how long to wait for another process that sends, such as that of a training that was killed.

        Raises:
            StoreError: the store is in memory, or a link stands in the folder's place.
        """
        if store.folder is None:
            raise StoreError(
                "a study in memory has no record that another process can read; name a store: --store FILE"
            )
        mark = hashlib.sha256(place.spelled.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        folder = store.folder / _FOLDER / "trackers"
        self._path, self._lock_path = (folder / f"{study.uuid}-{mark}{suffix}" for suffix in (".json", ".lock"))
        for path in (folder.parent, folder, self._path, self._lock_path):
            if path.is_symlink():
                raise StoreError(f"{path} is a link, through which nothing is written; delete it")
        self._place, self._study = place, study
        self._lock: IO[str] | None = None
        self._patience_s = patience_s
        self.revision: int = 0

    def __enter__(self) -> Self:
        """Take the lock, and read how far all was sent.

        Raises:
            TrackerError: another process sends the study to the place.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self._lock_path.open("w")
        except OSError as error:
            raise StoreError(
                f"{self._path.parent} cannot be written, which says how far trackers are: {error}"
            ) from error
        deadline = time.monotonic() + self._patience_s
        while not _locked(self._lock):
            if time.monotonic() < deadline:
                time.sleep(_LOOK_EVERY_S)
                continue
            self._lock.close()
            raise TrackerError(f"{self._place}: another process sends study {self._study.name!r} there", lasting=True)
        self.revision = self.on_file()
        return self

    def on_file(self) -> int:
        """Return the revision that is kept, whoever sends now; 0 if none is, or it cannot be read."""
        try:
            revision = json.loads(self._path.read_text(encoding="utf-8"))["revision"]
        except (OSError, ValueError, TypeError, KeyError):
            return 0
        return revision if type(revision) is int and revision > 0 else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.close()

    def move(self, revision: int) -> None:
        """Take note that all up to a revision was sent."""
        self.revision = revision
        about = {"study": self._study.name, "tracker": str(self._place), "revision": revision}
        try:
            with whole_file(self._path) as path:
                path.write_text(json.dumps(about), encoding="utf-8")
        except OSError:
            pass  # a full disk: it is all sent again one day, and is there once


def _locked(file: IO[str]) -> bool:
    """Take the lock of an open file, which ends with the process; False if another has it."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl  # noqa: PLC0415

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
