"""Keys: a link that is used once, and the session that a browser gets for it.

A folder that is its owner's alone holds a file a link and a file a session, each named by the digest of its secret and
holding its role: no secret is kept anywhere. To use a link is to delete its file, which only one can do. Sessions
outlive the server, so that a page goes on when it is started again; another process of the same user adds links
(`tunewell web --link`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tunewell.errors import SettingError

MOST_WRONG = 10
"""So many wrong links in a row, and no more are tried until the owner makes a new one."""
SESSION_S = 30 * 86_400.0
"""For how long a session holds after its last use."""
_NOTED_S = 86_400.0
"""So often a use is noted in the file."""
_DIGEST = re.compile(r"(link|session)-([0-9a-f]{64})")
_BYTES = 32


class Role(StrEnum):
    """A degree of what a key lets its holder do."""

    VIEW = "view"
    STEER = "steer"


@dataclass(slots=True)
class _Session:
    """A session, by the clock of this process, which does not jump."""

    role: Role
    used_at: float
    noted_at: float


class Locked(Exception):
    """Too many wrong links were tried."""


class Keys:
    """The keys of one server. Every method may be called from any thread, and `add_link` from any process."""

    def __init__(self, folder: Path) -> None:
        """Use the keys in a folder, which is made if there is none.

        Raises:
            SettingError: others can read it, or it cannot be made.
        """
        self._folder = folder
        self._lock = threading.Lock()
        self._n_wrong = 0
        self._known_when_locked: frozenset[str] = frozenset()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_own(folder)
            self._sessions = self._read_sessions()
        except OSError as error:
            raise SettingError(
                f"the keys of the page cannot be kept in {folder} ({error.strerror}); set XDG_STATE_HOME to a folder of"
                " your own"
            ) from error

    def forget_links(self) -> None:
        """Let no link that was made so far be used any more."""
        for name in self._names("link"):
            (self._folder / f"link-{name}").unlink(missing_ok=True)

    def add_link(self, role: Role) -> str:
        """Return a secret with which a session of that role is begun, once."""
        secret = secrets.token_urlsafe(_BYTES)
        self._write("link", _digest(secret), role)
        return secret

    def begin_session(self, link: str) -> tuple[str, Role] | None:
        """Return a new session's secret and its role, for a link that has not been used; None for any other.

        Raises:
            Locked: too many wrong ones were tried, and no new one was made since.
        """
        with self._lock:
            known = self._names("link")
            if self._n_wrong >= MOST_WRONG and known <= self._known_when_locked:
                raise Locked
            digest, found = _digest(link), None
            for one in known:  # each, so that how long it takes says nothing
                if hmac.compare_digest(one, digest):
                    found = one
            role = None if found is None else self._used(found)
            if role is None:
                self._n_wrong += 1
                self._known_when_locked = known
                return None
            self._n_wrong = 0
            secret = secrets.token_urlsafe(_BYTES)
            self._write("session", _digest(secret), role)
            now = time.monotonic()
            self._sessions[_digest(secret)] = _Session(role, now, now)
            return secret, role

    def role_of(self, session: str) -> Role | None:
        """Return the role of a session; None if there is no such, or it was not used for too long."""
        digest, found, now = _digest(session), None, time.monotonic()
        with self._lock:
            for name, one in list(self._sessions.items()):
                if one.used_at < now - SESSION_S:
                    self._forget(name)
                elif hmac.compare_digest(name, digest):
                    found = one
            if found is None:
                return None
            found.used_at = now
            if found.noted_at < now - _NOTED_S:
                found.noted_at = now
                with suppress(OSError):  # it was taken away by hand, or the folder cannot be written to
                    os.utime(self._folder / f"session-{digest}")
            return found.role

    def end_session(self, session: str) -> None:
        """Let a session be used no more."""
        with self._lock:
            self._forget(_digest(session))

    def _forget(self, digest: str) -> None:
        if self._sessions.pop(digest, None) is not None:
            with suppress(OSError):
                (self._folder / f"session-{digest}").unlink(missing_ok=True)

    def _used(self, digest: str) -> Role | None:
        path = self._folder / f"link-{digest}"
        with suppress(OSError, ValueError):  # else somebody else was quicker
            role = Role(path.read_text(encoding="ascii"))
            path.unlink()
            return role
        return None

    def _names(self, kind: str) -> frozenset[str]:
        found = (_DIGEST.fullmatch(name) for name in os.listdir(self._folder))  # noqa: PTH208  names are all we want
        return frozenset(match[2] for match in found if match is not None and match[1] == kind)

    def _read_sessions(self) -> dict[str, _Session]:
        sessions = {}
        for digest in self._names("session"):
            path = self._folder / f"session-{digest}"
            unused_s = max(0.0, time.time() - path.stat().st_mtime)  # a clock may have been set back
            if unused_s > SESSION_S:
                path.unlink(missing_ok=True)
                continue
            with suppress(ValueError):
                used_at = time.monotonic() - unused_s
                sessions[digest] = _Session(Role(path.read_text(encoding="ascii")), used_at, used_at)
        return sessions

    def _write(self, kind: str, digest: str, role: Role) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._folder / f"{kind}-{digest}", flags, 0o600), "w", encoding="ascii") as file:
            file.write(role)


def keys_folder(place: str) -> Path:
    """Return where the keys of a server lie: `place` names its address and its store, so that no other has its keys."""
    state = os.environ.get("XDG_STATE_HOME") or ""
    above = Path(state) if state else Path.home() / ".local" / "state"
    return above / "tunewell" / "web" / hashlib.sha256(place.encode(errors="backslashreplace")).hexdigest()[:32]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="backslashreplace")).hexdigest()


def _check_own(folder: Path) -> None:
    found = folder.lstat()
    if not hasattr(os, "getuid"):  # Windows, where a user's folder is the user's
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SettingError(f"{folder} holds the keys of the page, and others may read it; run chmod 700 on it")
