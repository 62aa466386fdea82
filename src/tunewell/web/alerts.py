"""Alerts that leave the page: what wants somebody's eye, and that a study has come to rest, posted to a webhook.

Its address is named by whoever starts the server. No request can name one, so nobody can make the server call another.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from typing import IO, Any

from tunewell.display.formatting import clipped, measured
from tunewell.errors import SettingError, TunewellError
from tunewell.stores import StudyRecord
from tunewell.study.provenance import host
from tunewell.web.health import health
from tunewell.web.shelf import Shelf, Watched

EVERY_S = 20.0
_PATIENCE_S = 10.0
_LONGEST = 1500
_log = logging.getLogger("tunewell.web")


class Alerts:
    """Looks at the studies that are run, and posts what is new of them, until it is closed."""

    def __init__(self, shelf: Shelf, addresses: Sequence[str]) -> None:
        """Take the store, and the webhooks to post to.

        Raises:
            SettingError: one is no address of a webhook.
        """
        self._shelf, self._addresses = shelf, [_checked(one) for one in addresses]
        self._known: dict[str, frozenset[str]] = {}
        """By the uuid of each study that was run at the last look, the keys of its alerts then."""
        self._is_over = threading.Event()

    def start(self) -> None:
        """Look from now on, in a thread of its own; with no address there is nothing to look for."""
        if self._addresses:
            threading.Thread(target=self._run, name="alerts", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._is_over.set()

    def look(self) -> list[dict[str, Any]]:
        """Return what has come up since the last look, as it is posted.

        What there is when a study is first looked at is not new.
        """
        found = []
        for record in self._shelf.records():
            if record.uuid not in self._known and not self._may_be_run(record):
                continue  # of a hundred studies at rest none is read
            watched = self._shelf.look(record.id)
            if not watched.is_run():
                if self._known.pop(record.uuid, None) is not None:
                    found.append(_message(watched, "at_rest", _at_rest(watched), []))
                continue
            alerts = {key_of(one): one for one in health(watched)["alerts"]}
            before = self._known.get(record.uuid)
            self._known[record.uuid] = frozenset(alerts)
            new = [] if before is None else [one for key, one in alerts.items() if key not in before]
            found += [_message(watched, one["kind"], one["text"], one["trials"]) for one in new]
        return found

    def _may_be_run(self, record: StudyRecord) -> bool:
        return any(one.ended_at is None for one in self._shelf.store.sessions(record.id))

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                messages = self._shelf.read(self.look)
            except TunewellError as error:  # the store is away, and the page says so
                _log.debug("no alerts: %s", error)
                messages = []
            self._post(messages)
            self._is_over.wait(EVERY_S)

    def _post(self, messages: Iterable[dict[str, Any]]) -> None:
        for message in messages:
            for address in self._addresses:
                try:
                    _post(address, message)
                except (OSError, http.client.HTTPException) as error:
                    # whoever knows the whole address may post there, so it is in no log
                    where = urllib.parse.urlsplit(address).hostname
                    _log.warning("an alert could not be posted to %s: %s", where, _in_words(error))


def key_of(alert: dict[str, Any]) -> str:
    """Return what makes an alert the same as before, though its numbers have gone on."""
    trials = [] if alert["kind"] in ("failed", "diverged") else alert["trials"]
    return " ".join(map(str, [alert["kind"], *trials]))


def _message(watched: Watched, kind: str, text: str, trials: list[int]) -> dict[str, Any]:
    name = watched.reader.name
    line = clipped(f"tunewell: {name}: {text}", _LONGEST)
    # `text` is what Slack, Mattermost and Google Chat show, `content` what Discord does
    return {
        "text": line,
        "content": line,
        "study": name,
        "kind": kind,
        "alert": text,
        "trials": trials,
        "store": watched.reader.store.url,
        "host": host(),
    }


def _at_rest(watched: Watched) -> str:
    reader = watched.reader
    best = reader.log.best()
    found = "it has no finite value" if best is None else f"best {measured(best[2])}, trial {best[0]}"
    return f"no process runs it any more; {found}, {len(reader.log.trials)} trials"


def _checked(address: str) -> str:
    try:
        parts = urllib.parse.urlsplit(address)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_one = False
    if not is_one or any(one.isspace() or not one.isascii() for one in address):
        raise SettingError("--alerts-to takes the address of a webhook, such as https://hooks.example.org/T0/B0")
    return address


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A handler that follows nothing: a webhook is where its address says."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow nothing."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(address: str, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "tunewell"}
    request = urllib.request.Request(address, body, headers)  # noqa: S310  its scheme was checked
    with _OPENER.open(request, timeout=_PATIENCE_S) as answer:
        answer.read(1000)


def _in_words(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code}"
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or type(reason).__name__)
