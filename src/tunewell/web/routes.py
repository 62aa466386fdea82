"""The routes: one table of all that can be requested of the server.

What is computed is computed in threads, so that a figure that takes long keeps no event from being sent.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from tunewell import figures
from tunewell.display.spreadsheet import csv_text, trial_rows
from tunewell.errors import (
    RecordError,
    SettingError,
    SpaceError,
    StepTaken,
    StoreError,
    StudyNotFound,
    TrialEnded,
    TrialNotFound,
    TunewellError,
)
from tunewell.figures import Figure
from tunewell.figures.thinned import thinned
from tunewell.web import orders
from tunewell.web.feed import Feeds
from tunewell.web.guard import TooLong
from tunewell.web.health import health
from tunewell.web.keys import Keys, Role
from tunewell.web.orders import BadRequest
from tunewell.web.responses import LONGEST_REST_S, Answer
from tunewell.web.shelf import Shelf, StudyGone, Watched
from tunewell.web.studies import finish, lineage, overview, plan, studies
from tunewell.web.table import trials_table
from tunewell.web.trials import compared, diagnosed, exported_json, whole_trial

_HERE = Path(__file__).parent / "static"
_FIGURES = Path(figures.__file__).parent / "static"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_NO_PAGE = (
    b'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>tunewell</title></head>'
    b"<body><p>tunewell web: this installation has no page; its data are at /api/studies.</p></body></html>\n"
)
_log = logging.getLogger("tunewell.web")
_SHORT_S = 1.0
"""For so long at most what somebody steers by may be old."""
_HEALTH_S = 15.0
"""Silence is no change of the record: alerts are made anew as often."""
_MOST_NUMBERS = 500
_MOST_DRAWN = 12_000
"""Trials of which a figure has marks of their own."""
_MOST_COLUMNS = 24
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A route: what can be requested, and how."""

    path: str
    method: str
    answer: str
    """The method of `Pages` that sends it."""
    about: str


ROUTES = (
    Entry("/", "GET", "index", "the page"),
    Entry("/static/{name:path}", "GET", "static", "its modules, and those of figures"),
    Entry("/api/studies", "GET", "studies", "the studies of the store"),
    Entry("/api/studies/{study:int}", "GET", "study", "a study: its space, how it stands, what comes next"),
    Entry("/api/studies/{study:int}/trials", "GET", "trials", "its trials, as a table of packed columns"),
    Entry("/api/studies/{study:int}/figures/{kind}", "GET", "figure", "a figure of it"),
    Entry("/api/studies/{study:int}/trials/{trial:int}", "GET", "trial", "a trial"),
    Entry("/api/studies/{study:int}/trials/{trial:int}/diagnosis", "GET", "diagnosis", "what holds a trial back"),
    Entry("/api/studies/{study:int}/compare", "GET", "compare", "some trials side by side"),
    Entry("/api/studies/{study:int}/lineage", "GET", "lineage", "branches and rewinds"),
    Entry("/api/studies/{study:int}/plan", "GET", "plan", "what comes next"),
    Entry("/api/studies/{study:int}/finish", "GET", "finish", "when it will have spent its budget"),
    Entry("/api/studies/{study:int}/health", "GET", "health", "alerts, and what a diagnosis says of some trials"),
    Entry("/api/studies/{study:int}/export.csv", "GET", "export_csv", "its trials, for a spreadsheet"),
    Entry("/api/studies/{study:int}/export.json", "GET", "export_json", "all that is on record of it"),
    Entry("/api/studies/{study:int}/feed", "GET", "feed", "what changes, as it does"),
    Entry("/api/studies/{study:int}/commands", "POST", "command", "a command to a trial"),
    Entry("/api/studies/{study:int}/pause", "POST", "pause", "pause the study"),
    Entry("/api/studies/{study:int}/resume", "POST", "resume", "let it go on"),
    Entry("/api/studies/{study:int}/budget", "POST", "budget", "what it may spend"),
    Entry("/api/studies/{study:int}/queue", "POST", "queue", "a trial of one's own"),
    Entry("/api/studies/{study:int}/space", "POST", "space", "another space"),
    Entry("/api/studies/{study:int}/space/preview", "POST", "space_preview", "what that would come to"),
    Entry("/api/links", "POST", "share", "a link that lets one browser in, once, for looking only"),
    Entry("/api/logout", "POST", "logout", "forget this browser's key"),
)
"""All that can be requested. `docs/web.md` has the same table."""


class Pages:
    """The responses of one server, by route."""

    def __init__(self, shelf: Shelf, keys: Keys, *, by: str = "web") -> None:
        """Serve a store.

        Args:
            shelf: the store.
            keys: of those who are let in.
            by: whose the commands are.
        """
        self._shelf, self._keys, self._by = shelf, keys, by
        self.feeds: Feeds = Feeds(shelf)
        self._files = {
            **{f"/static/{name}": path for name, path in _files_in(_HERE).items()},
            **{f"/static/figures/{name}": path for name, path in _files_in(_FIGURES).items()},
        }

    def app(self) -> Router:
        """Return the application, without the guard that must be around it."""
        routes = [
            Route(one.path, _with_errors(getattr(self, one.answer)), methods=[one.method], name=one.answer)
            for one in ROUTES
        ]
        return Router(routes=routes, default=_nothing_there, redirect_slashes=False)

    def read_ahead(self) -> None:
        """Read the studies, and make what the newest one shows first, so that who comes need not wait for it."""

        def read() -> None:
            rows = studies(self._shelf)
            if rows:
                watched = self._shelf.look(rows[-1]["id"])
                watched.cache.get(("trials",), watched.state, lambda: trials_table(watched))

        with suppress(TunewellError):  # who asks is told
            self._shelf.read(read)

    async def index(self, request: Request) -> Response:
        """Send the page."""
        page = _HERE / "index.html"
        body = await run_in_threadpool(lambda: page.read_bytes() if page.is_file() else _NO_PAGE)
        return _file(request, body, ".html")

    async def static(self, request: Request) -> Response:
        """Send one of the files that there were at the start; a path is looked up, and never gone along."""
        path = self._files.get(request.url.path)
        if path is None:
            return _error(404, "there is no such file")
        body = await run_in_threadpool(path.read_bytes)
        return _file(request, body, path.suffix)

    async def studies(self, request: Request) -> Response:
        """Send the studies of the store."""

        def made() -> Answer:
            rows = self._shelf.read(lambda: studies(self._shelf))
            return Answer.of({"role": request.state.role, "by": self._by, "store": self._shelf.url, "studies": rows})

        return _json(request, await run_in_threadpool(made))

    async def study(self, request: Request) -> Response:
        """Send a study."""
        role = str(request.state.role)
        return await self._kept(request, ("study", role), lambda watched: {**overview(watched), "role": role}, _SHORT_S)

    async def trials(self, request: Request) -> Response:
        """Send its trials."""
        return await self._kept(request, ("trials",), trials_table)

    async def figure(self, request: Request) -> Response:
        """Send a figure."""
        kind = request.path_params["kind"]
        make = _FIGURES_BY_KIND.get(kind)
        if make is None:
            return _error(404, f"there is no figure {kind[:40]!r}; there are {', '.join(_FIGURES_BY_KIND)}")
        given = _Query(request, (*make.arguments, "table"))
        named = {name: value for name in make.arguments if (value := given.read(name)) is not None}
        has_table = given.text("table") != "none"

        def made(watched: Watched) -> dict[str, Any]:
            revision = watched.look()
            found = thinned(make.make(watched.reader, **named), _MOST_DRAWN).as_dict()
            return {**found, "table": found["table"] if has_table else None, "revision": revision}

        key = ("figure", kind, has_table, *((name, str(value)) for name, value in named.items()))
        return await self._kept(request, key, made)

    async def trial(self, request: Request) -> Response:
        """Send a trial."""
        number = request.path_params["trial"]
        return await self._kept(request, ("trial", number), lambda watched: whole_trial(watched, number), _SHORT_S)

    async def diagnosis(self, request: Request) -> Response:
        """Send what holds a trial back."""
        number = request.path_params["trial"]
        return await self._kept(request, ("diagnosis", number), lambda watched: diagnosed(watched, number))

    async def compare(self, request: Request) -> Response:
        """Send some trials side by side."""
        numbers = _Query(request, ("trials",)).numbers("trials") or []
        return await self._kept(request, ("compare", *numbers), lambda watched: compared(watched, numbers))

    async def lineage(self, request: Request) -> Response:
        """Send branches and rewinds."""
        return await self._kept(request, ("lineage",), lambda watched: {"trials": lineage(watched)}, _SHORT_S)

    async def plan(self, request: Request) -> Response:
        """Send what comes next."""
        return await self._kept(request, ("plan",), plan, _SHORT_S)

    async def finish(self, request: Request) -> Response:
        """Send when the study will have spent its budget."""
        return await self._kept(request, ("finish",), finish)

    async def health(self, request: Request) -> Response:
        """Send what wants somebody's eye."""
        return await self._kept(request, ("health", int(time.monotonic() / _HEALTH_S)), health)

    async def export_csv(self, request: Request) -> Response:
        """Send the trials as a file for a spreadsheet."""
        watched = await self._watched(request)
        text = await run_in_threadpool(lambda: csv_text(trial_rows(watched.reader)))
        return _download(text, "text/csv; charset=utf-8", f"study-{watched.id}.csv")

    async def export_json(self, request: Request) -> Response:
        """Send all that is on record of the study."""
        watched = await self._watched(request)
        text = await run_in_threadpool(exported_json, watched)
        return _download(text, "application/json", f"study-{watched.id}.json")

    async def feed(self, request: Request) -> Response:
        """Send what changes, as it does."""
        given = request.headers.get("last-event-id") or _Query(request, ("after",)).text("after")
        if given is not None and not re.fullmatch(r"[0-9]{1,18}", given):
            raise BadRequest("after, or Last-Event-ID, must be a revision, a whole number")
        events = self.feeds.listen(request.path_params["study"], None if given is None else int(given))
        return StreamingResponse(
            events, media_type="text/event-stream", headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )

    async def command(self, request: Request) -> Response:
        """Send a command to a trial."""
        return await self._ordered(request, orders.command, status=201)

    async def pause(self, request: Request) -> Response:
        """Pause the study."""
        return await self._ordered(request, orders.pause)

    async def resume(self, request: Request) -> Response:
        """Let the study go on."""
        return await self._ordered(request, orders.resume)

    async def budget(self, request: Request) -> Response:
        """Give the study another budget."""
        return await self._ordered(request, orders.set_budget)

    async def queue(self, request: Request) -> Response:
        """Add a trial."""
        return await self._ordered(request, orders.queue, status=201)

    async def space(self, request: Request) -> Response:
        """Change the space."""
        return await self._ordered(request, orders.change_space)

    async def space_preview(self, request: Request) -> Response:
        """Send what a change of the space would come to."""
        order = orders.read_order(await request.body())
        watched = await self._watched(request)
        found = await run_in_threadpool(orders.preview_space, watched, order)
        return _json(request, await run_in_threadpool(Answer.of, found))

    async def share(self, request: Request) -> Response:
        """Send a link for somebody who may look; one that steers is made where the server was started."""
        orders.check_empty(orders.read_order(await request.body()))
        secret = await run_in_threadpool(self._keys.add_link, Role.VIEW)
        return _json(request, Answer.of({"path": f"/?token={secret}", "role": str(Role.VIEW)}), 201)

    async def logout(self, request: Request) -> Response:
        """Forget the key of this browser."""
        await request.body()
        await run_in_threadpool(self._keys.end_session, request.state.session)
        return Response(status_code=204)

    async def _watched(self, request: Request) -> Watched:
        number = request.path_params["study"]
        return await run_in_threadpool(self._shelf.read, partial(self._shelf.look, number))

    async def _kept(
        self,
        request: Request,
        key: tuple[object, ...],
        make: Callable[[Watched], object],
        longest_rest_s: float = LONGEST_REST_S,
    ) -> Response:
        """Send what was made before, or is made now, of a study."""
        number = request.path_params["study"]

        def read() -> Answer:
            watched = self._shelf.look(number)
            return watched.cache.get(key, watched.state, lambda: make(watched), longest_rest_s)

        return _json(request, await run_in_threadpool(self._shelf.read, read))

    async def _ordered(
        self, request: Request, carry_out: Callable[[Watched, Mapping[str, Any], str], object], status: int = 200
    ) -> Response:
        order = orders.read_order(await request.body())
        watched = await self._watched(request)
        found = await run_in_threadpool(carry_out, watched, order, self._by)
        watched.cache.forget()
        return _json(request, Answer.of(found), status)


@dataclass(frozen=True, slots=True)
class _Kind:
    make: Callable[..., Figure]
    arguments: tuple[str, ...] = ()


_FIGURES_BY_KIND: Mapping[str, _Kind] = {
    "history": _Kind(figures.history),
    "curves": _Kind(figures.curves, ("trials",)),
    "parallel": _Kind(figures.parallel, ("most",)),
    "slices": _Kind(figures.slices, ("most",)),
    "contour": _Kind(figures.contour, ("x", "y")),
    "importance": _Kind(figures.importance, ("most",)),
    "timeline": _Kind(figures.timeline),
    "ranks": _Kind(figures.ranks, ("most",)),
    "distribution": _Kind(figures.distribution),
    "front": _Kind(figures.front),
    "space": _Kind(figures.space, ("most",)),
    "confirmed": _Kind(figures.confirmed),
}
"""What may be drawn, and with which arguments."""


class _Query:
    """The arguments of a request, each of which must be one that is known, and given once."""

    def __init__(self, request: Request, known: tuple[str, ...]) -> None:
        pairs = request.query_params.multi_items()
        for name, _ in pairs:
            if name not in known:
                raise BadRequest(f"there is no argument {name[:40]!r} here; there are {', '.join(known)}")
        self._given = dict(pairs)
        if len(self._given) < len(pairs):
            raise BadRequest("an argument is given twice")

    def text(self, name: str) -> str | None:
        return self._given.get(name) or None

    def numbers(self, name: str) -> list[int] | None:
        """Return numbers, as of `1,2,3`."""
        text = self.text(name)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text) or text.count(",") >= _MOST_NUMBERS:
            raise BadRequest(f"{name} must be at most {_MOST_NUMBERS} numbers with commas between, such as 1,2,3")
        return list(dict.fromkeys(map(int, text.split(","))))

    def read(self, name: str) -> Any:
        """Return an argument of a figure."""
        if name == "trials":
            return self.numbers(name)
        if name != "most":
            return self.text(name)
        found = self.numbers(name)
        if found is not None and (len(found) != 1 or not 1 <= found[0] <= _MOST_COLUMNS):
            raise BadRequest(f"{name} must be a number from 1 to {_MOST_COLUMNS}")
        return None if found is None else found[0]


def _with_errors(answer: Endpoint) -> Endpoint:
    """Return an endpoint that says what is wrong, and the mend."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except (BadRequest, TunewellError) as error:
            return _error(_status_of(error), str(error))
        except TooLong:  # it is the guard's
            raise
        except Exception:  # noqa: BLE001
            # one request that meets a defect of ours is not to end in silence, nor to tell strangers of our insides
            _log.exception("a request for %s met a defect of tunewell", request.url.path)
            return _error(500, "this is a defect of tunewell; the terminal of tunewell web shows where")

    return endpoint


async def _nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    await _error(404, "there is nothing of that name here")(scope, receive, send)


def _status_of(error: Exception) -> int:
    match error:
        case BadRequest():
            return 400
        case StudyGone() | StudyNotFound() | TrialNotFound():
            return 404
        case TrialEnded() | StepTaken():
            return 409
        case SettingError() | SpaceError() | RecordError():
            return 422
        case StoreError():
            return 503
    return 500


def _error(status: int, text: str) -> Response:
    answer = Answer.of({"error": text})
    return Response(answer.body, status_code=status, media_type="application/json")


def _json(request: Request, answer: Answer, status: int = 200) -> Response:
    headers = {"vary": "Accept-Encoding"}
    body = answer.body
    if answer.compressed is not None and _takes_gzip(request):
        body, headers["content-encoding"] = answer.compressed, "gzip"
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _takes_gzip(request: Request) -> bool:
    return re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?(\s|,|$))", request.headers.get("accept-encoding", "")) is not None


def _file(request: Request, body: bytes, suffix: str) -> Response:
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache", "vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return _compressed(request, body, _KINDS.get(suffix, "application/octet-stream"), headers)


def _compressed(request: Request, body: bytes, kind: str, headers: dict[str, str]) -> Response:
    if len(body) > 1024 and _takes_gzip(request):
        body, headers = gzip.compress(body, 5, mtime=0), {**headers, "content-encoding": "gzip"}
    return Response(body, media_type=kind, headers=headers)


def _download(text: str, kind: str, name: str) -> Response:
    return Response(
        text.encode(errors="backslashreplace"),
        media_type=kind,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _files_in(folder: Path) -> dict[str, Path]:
    """Return the files of a folder that a browser reads, by their names in it."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix in _KINDS)
    return {path.relative_to(folder).as_posix(): path for path in found}
