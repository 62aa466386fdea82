"""The outermost layer: whatever reaches the server passes here first, and is rejected here.

By whom it is addressed to (a name that a stranger's page has made to lead here is none of ours), by its key, its role
and its form; of every kind of connection, before anything is routed. So a route that is added later is guarded too.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tunewell.web.keys import Keys, Locked, Role

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LONGEST_BODY = 64 * 1024
LONGEST_PATH = 4096
MARK = b"x-tunewell"
"""A header that every write has: a form, or a page of another origin, cannot send it."""
OWN_NAMES = ("localhost", "127.0.0.1", "[::1]")
_METHODS = ("GET", "HEAD", "POST")
_FOR_ALL = re.compile(r"/api/logout|/api/studies/[0-9]+/space/preview")
"""The paths to which a viewer may post too: nothing is written there."""
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_OPEN_AGAIN = '<meta http-equiv="refresh" content="0; url=/">'
_NO_STORE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names by which a server may be addressed."""

    port: int | None
    """None where it has none of its own: a socket in a folder, which a tunnel gives some port."""
    others: tuple[str, ...] = ()
    """Beside those of this machine for itself: `name`, or `name:port`."""

    def has(self, host: str) -> bool:
        """Return True for a name, with its port, that is ours."""
        given = host.lower()
        name, colon, port = given.rpartition(":") if not given.endswith("]") else (given, "", "")
        if not colon:
            name, port = given, ""
        if colon and not port.isascii():
            return False
        if name in OWN_NAMES:
            return self._is_own_port(port)
        # a name without a port is that of a proxy, at the port of its kind, or ours
        others = [one.lower() for one in self.others]
        return given in others or (name in others and self._is_own_port(port))

    def _is_own_port(self, port: str) -> bool:
        if self.port is None:
            return port == "" or port.isdigit()
        return port == str(self.port) or (port == "" and self.port in (80, 443))


class _Refused(Exception):
    def __init__(self, status: int, text: str, *headers: tuple[bytes, bytes], head: str = "") -> None:
        super().__init__(status, text)
        self.status, self.text, self.headers, self.head = status, text, headers, head


class TooLong(Exception):
    """The body of a request is longer than any that is taken."""


class Guard:
    """An ASGI application around another, which it lets nobody reach who may not."""

    def __init__(self, app: App, keys: Keys, hosts: Hosts, *, cookie: str, most: Role = Role.STEER) -> None:
        """Guard an application.

        Args:
            app: gets only what is let through, with the caller's role in `scope["state"]["role"]`.
            keys: of those who may come in.
            hosts: to whom a request may be addressed.
            cookie: the name of the cookie that holds a session's secret.
            most: the role that nobody's goes beyond.
        """
        self._app, self._keys, self._hosts, self._cookie, self._most = app, keys, hosts, cookie, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject the connection, or hand it on."""
        kind = scope["type"]
        if kind == "lifespan":  # of the server itself, not of anybody outside
            await self._app(scope, receive, send)
        elif kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":  # there are none
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "there are no web sockets here"})
        else:
            raise RuntimeError(f"a connection of kind {kind!r} is none that this server has")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _Headers(scope["headers"])
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message = {**message, "headers": _with_ours(message.get("headers", ()))}
            await send(message)

        try:
            self._check_address(scope, headers)
            if (secret := _link_in(scope)) is not None:
                await self._sign_in(secret, headers, sending)
                return
            session, role = self._admitted(headers)
            self._check_form(scope, headers, role)
            state = scope.setdefault("state", {})
            state["role"], state["session"] = role, session
            await self._app(scope, _measured(receive), sending)
        except _Refused as refused:
            await _answer(sending, scope, refused)
        except TooLong:
            if begun:
                raise
            await _answer(sending, scope, _too_long())

    def _check_address(self, scope: Scope, headers: _Headers) -> None:
        """Check that it is addressed to us, and requested by a page of ours or by the user."""
        hosts = headers.all(b"host")
        if len(hosts) != 1 or not self._hosts.has(hosts[0]):
            named = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
            raise _Refused(
                403,
                f"this server is not {named!r}; if it is reached by that name, start it with --allow-host",
            )
        path = scope.get("raw_path") or scope["path"].encode(errors="replace")
        if not path.startswith(b"/") or path.startswith(b"//") or len(path) > LONGEST_PATH or _is_odd(path):
            raise _Refused(400, "that is no path of this server")
        site = headers.one(b"sec-fetch-site", "none")
        is_opened = (
            scope["path"] == "/"
            and headers.one(b"sec-fetch-mode", "") == "navigate"
            and headers.one(b"sec-fetch-dest", "") == "document"
        )
        if site not in ("same-origin", "none") and not (is_opened and scope["method"] in ("GET", "HEAD")):
            raise _Refused(403, "a page of another origin asks for this; open it in a tab of its own")
        origins = headers.all(b"origin")
        if origins and not (len(origins) == 1 and _host_of(origins[0]) == hosts[0].lower()):
            raise _Refused(403, "a page of another origin asks for this; open it in a tab of its own")

    async def _sign_in(self, secret: str, headers: _Headers, send: Send) -> None:
        """Give the browser a session for a link, and have it forget the link."""
        if headers.one(b"sec-purpose", "") or headers.one(b"purpose", ""):
            raise _Refused(503, "a link is used once, so it is not fetched in advance")
        try:
            found = self._keys.begin_session(secret)
        except Locked:
            raise _Refused(
                429, "too many wrong links were tried, so none is taken any more; get a new one: tunewell web --link"
            ) from None
        if found is None:
            raise _Refused(401, "this link is not valid, or was used before; get a new one: tunewell web --link")
        cookie = f"{self._cookie}={found[0]}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000".encode()
        answer: list[tuple[bytes, bytes]] = [(b"set-cookie", cookie), _NO_STORE]
        if headers.one(b"sec-fetch-site", "none") in ("none", "same-origin"):
            start = {"status": 303, "headers": [*answer, (b"location", b"/"), (b"content-length", b"0")]}
            body = b""
        else:
            # a strict cookie is not sent along a redirect that began on another site's page; from a page of ours it is
            body = _page("tunewell", "<p>One moment ...</p>", _OPEN_AGAIN)
            length = (b"content-length", str(len(body)).encode())
            start = {"status": 200, "headers": [*answer, (b"content-type", b"text/html; charset=utf-8"), length]}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": body})

    def _admitted(self, headers: _Headers) -> tuple[str, Role]:
        """Return the session and the role of whoever asks."""
        for session in _cookies(headers.all(b"cookie"), self._cookie):
            role = self._keys.role_of(session)
            if role is not None:
                return session, Role.VIEW if self._most is Role.VIEW else role
        # who has come by a link on another site's page may have a key, which is sent from a page of ours alone
        head = "" if headers.one(b"sec-fetch-site", "none") in ("none", "same-origin") else _OPEN_AGAIN
        raise _Refused(401, "this page needs a key; get a link to open: tunewell web --link", head=head)

    def _check_form(self, scope: Scope, headers: _Headers, role: Role) -> None:
        """Check what is requested, and of a write that a page of ours has sent it."""
        method = scope["method"]
        if method not in _METHODS:
            raise _Refused(405, f"there is no {method[:20]} here", (b"allow", b"GET, HEAD, POST"))
        lengths = headers.all(b"content-length")
        if any(not one.isdigit() or len(one) > 9 or int(one) > LONGEST_BODY for one in lengths):
            raise _too_long()
        if method != "POST":
            return
        if not headers.all(MARK):
            raise _Refused(403, "a write needs the header X-Tunewell: 1")
        kind = headers.one(b"content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise _Refused(415, "a write is JSON; send it with Content-Type: application/json")
        if role is not Role.STEER and not _FOR_ALL.fullmatch(scope["path"]):
            raise _Refused(403, "this key is for looking only; to steer, open a link of tunewell web --link")


class _Headers:
    def __init__(self, found: Iterable[tuple[bytes, bytes]]) -> None:
        self._found = [(name.lower(), value.decode("latin-1").strip()) for name, value in found]

    def all(self, name: bytes) -> list[str]:
        return [value for known, value in self._found if known == name]

    def one(self, name: bytes, default: str) -> str:
        """Return a header's value; of several, all of them, which is then none that is looked for."""
        return ", ".join(self.all(name)) or default


def _link_in(scope: Scope) -> str | None:
    """Return the secret of a link, if that is what is opened."""
    if scope["path"] != "/" or scope["method"] != "GET" or b"token=" not in scope["query_string"]:
        return None
    given = [value for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name == "token"]
    return given[0] if len(given) == 1 else None


def _cookies(headers: Iterable[str], name: str) -> list[str]:
    """Return all values of a cookie: a page on another port of the same host may have set one beside ours."""
    pairs = (part.strip().partition("=") for header in headers for part in header.split(";"))
    return [value for known, _, value in pairs if known == name][:8]


def _host_of(origin: str) -> str | None:
    found = re.fullmatch(r"https?://([^/?#@]+)", origin.lower())
    return None if found is None else found[1]


def _is_odd(path: bytes) -> bool:
    """Return True for a path that no page of ours has, and that some reader might take for another."""
    return any(mark in path.lower() for mark in (b"\\", b"%00", b"%2f", b"%5c", b"/../", b"/..", b"%2e", b"//"))


def _measured(receive: Receive) -> Receive:
    """Return `receive` that raises once the body is longer than any that is taken."""
    n = 0

    async def measured() -> Message:
        nonlocal n
        message = await receive()
        n += len(message.get("body", b""))
        if n > LONGEST_BODY:
            raise TooLong
        return message

    return measured


def _with_ours(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    given = list(headers)
    has_cache_control = any(name.lower() == b"cache-control" for name, _ in given)
    return [*given, *_HEADERS, *(() if has_cache_control else (_NO_STORE,))]


def _too_long() -> _Refused:
    return _Refused(413, f"that is longer than {LONGEST_BODY} bytes; send less")


async def _answer(send: Send, scope: Scope, refused: _Refused) -> None:
    if scope["path"] == "/" and scope["method"] == "GET":
        kind, body = b"text/html; charset=utf-8", _page("tunewell", f"<p>{html.escape(refused.text)}</p>", refused.head)
    else:
        kind, body = b"application/json", json.dumps({"error": refused.text}).encode()
    length = (b"content-length", str(len(body)).encode())
    # what is left of a request is not read, so nothing can follow it on this connection
    headers = [(b"content-type", kind), length, (b"connection", b"close"), *refused.headers]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _page(title: str, body: str, head: str = "") -> bytes:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body>{body}</body></html>\n"
    ).encode()
