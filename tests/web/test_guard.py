"""Whoever may not is rejected before anything is routed: every hostile request, to every route that there is."""

import asyncio
import gzip
import hashlib
import sqlite3
from contextlib import closing

import pytest
from tests.web.served import ROUTES, a_study, answered, requests_of_all_routes, serving

from tunewell.web.guard import LONGEST_BODY, Guard, Hosts
from tunewell.web.keys import Keys, Role

PACKED = gzip.compress(b"{}")
TWICE = b'{"why": "", "why": ""}'
SECRET = "digits-of-a-secret-study"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server whose study nobody who is rejected may hear of."""
    folder = tmp_path_factory.mktemp("guard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        a_study(folder / "tunewell.db", SECRET)
        with serving(folder / "tunewell.db") as served:
            yield served


@pytest.fixture(scope="module")
def session(place):
    with place.browser() as client:
        return client.cookies[place.cookie]


@pytest.fixture(scope="module")
def viewing(place):
    with place.viewer() as client:
        return client.cookies[place.cookie]


class Request:
    """A request as a page of ours would send it, in parts that a test can spoil."""

    def __init__(self, served, session, method, target, body):
        self.served, self.method, self.target, self.body = served, method, target, body
        self.version = "HTTP/1.1"
        self.host = f"127.0.0.1:{served.port}"
        self.headers = {"Cookie": f"{served.cookie}={session}", "Connection": "close"}
        self.more = []
        if method == "POST":
            self.headers |= {"X-Tunewell": "1", "Content-Type": "application/json", "Content-Length": str(len(body))}

    def spoilt(self, **changes):
        for name, value in changes.items():
            setattr(self, name, value)
        return self

    def without(self, *names):
        self.headers = {name: value for name, value in self.headers.items() if name not in names}
        return self

    def having(self, **headers):
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self

    def bytes(self):
        hosts = [] if self.host is None else [("Host", self.host)]
        lines = [f"{name}: {value}" for name, value in [*hosts, *self.headers.items(), *self.more]]
        head = "\r\n".join([f"{self.method} {self.target} {self.version}", *lines])
        return head.encode("latin-1") + b"\r\n\r\n" + self.body


def is_any(request):
    return True


def is_write(request):
    return request.method == "POST"


def is_read(request):
    return request.method == "GET"


def is_not_opened(request):
    """The page itself may be opened from anywhere, as one opens a link."""
    return request.target != "/"


def foreign(name):
    return lambda request: request.spoilt(host=name.replace("PORT", str(request.served.port)))


def cookie(value):
    return lambda request: request.having(Cookie=value.replace("NAME", request.served.cookie))


HOSTILE = {
    # whom it is addressed to: a stranger's name that leads here, as by DNS rebinding
    "a stranger's name": (is_any, foreign("evil.example"), {403}),
    "a stranger's name with our port": (is_any, foreign("evil.example:PORT"), {403}),
    "our name with another port": (is_any, foreign("127.0.0.1:1"), {403}),
    "our name without its port": (is_any, foreign("localhost"), {403}),
    "our name as the beginning of another": (is_any, foreign("127.0.0.1:PORT.evil.example"), {403}),
    "our name as the end of another": (is_any, foreign("evil.localhost:PORT"), {403}),
    "our name behind a user's": (is_any, foreign("evil.example@127.0.0.1:PORT"), {400, 403}),
    "our name with a dot": (is_any, foreign("localhost.:PORT"), {403}),
    "two names in one": (is_any, foreign("127.0.0.1:PORT, evil.example"), {400, 403}),
    "every address": (is_any, foreign("0.0.0.0:PORT"), {403}),
    "an address written otherwise": (is_any, foreign("127.1:PORT"), {403}),
    "an address as one number": (is_any, foreign("2130706433:PORT"), {403}),
    "an address within an address": (is_any, foreign("[::ffff:127.0.0.1]:PORT"), {403}),
    "our name with a port written otherwise": (is_any, foreign("127.0.0.1:0PORT"), {403}),
    "a tab in our name": (is_any, foreign("127.0.0.1\t:PORT"), {400, 403}),
    "no name": (is_any, foreign(""), {400, 403}),
    "no Host": (is_any, lambda request: request.spoilt(host=None), {400}),
    "no Host, of an old kind": (is_any, lambda request: request.spoilt(host=None, version="HTTP/1.0"), {403}),
    "two Hosts": (is_any, lambda request: request.spoilt(more=[("Host", "evil.example")]), {400, 403}),
    "a proxy's word for our name": (
        is_any,
        lambda r: r.spoilt(host="evil.example", more=[("X-Forwarded-Host", f"127.0.0.1:{r.served.port}")]),
        {403},
    ),
    "a proxy's word for our path": (
        is_any,
        lambda r: r.without("Cookie").having(X_Original_URL="/static/app.js", X_Rewrite_URL="/static/app.js"),
        {401},
    ),
    # by whom
    "no key": (is_any, lambda request: request.without("Cookie"), {401}),
    "a wrong key": (is_any, cookie(f"NAME={'A' * 43}"), {401}),
    "an empty key": (is_any, cookie("NAME="), {401}),
    "a key of another name": (
        is_any,
        lambda r: r.having(Cookie="tunewell=" + r.headers["Cookie"].split("=")[1]),
        {401},
    ),
    "what the file of a key is called": (
        is_any,
        lambda r: r.having(
            Cookie=f"{r.served.cookie}={hashlib.sha256(r.headers['Cookie'].split('=')[1].encode()).hexdigest()}"
        ),
        {401},
    ),
    "a key in a header of its own": (
        is_any,
        lambda r: r.having(Authorization="Bearer " + r.headers["Cookie"].split("=")[1]).without("Cookie"),
        {401},
    ),
    "a key as an argument": (
        is_not_opened,
        lambda r: r.spoilt(
            target=f"{r.target}{'&' if '?' in r.target else '?'}token={r.headers['Cookie'].split('=')[1]}"
        ).without("Cookie"),
        {401},
    ),
    "a thousand keys": (is_any, cookie("; ".join(["NAME=x"] * 1000)), {401}),
    "a key with odd characters": (is_any, cookie("NAME=\xff\xfe../../../../etc/passwd"), {401}),
    # from where
    "a stranger's origin": (is_any, lambda request: request.having(Origin="http://evil.example"), {403}),
    "an origin on another port": (is_any, lambda request: request.having(Origin="http://127.0.0.1:1"), {403}),
    "no one's origin": (is_any, lambda request: request.having(Origin="null"), {403}),
    "two origins": (
        is_any,
        lambda r: r.spoilt(more=[("Origin", f"http://127.0.0.1:{r.served.port}"), ("Origin", "http://evil.example")]),
        {403},
    ),
    "two words of whence": (
        is_any,
        lambda r: r.spoilt(more=[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]),
        {403},
    ),
    "a stranger's page": (
        is_any,
        lambda request: request.having(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors", Sec_Fetch_Dest="script"),
        {403},
    ),
    "a page on another port": (
        is_any,
        lambda request: request.having(Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors", Sec_Fetch_Dest="empty"),
        {403},
    ),
    "a link on a stranger's page, to what is no page": (
        is_not_opened,
        lambda r: r.having(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document"),
        {403},
    ),
    "a stranger's frame": (
        is_any,
        lambda r: r.having(Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe"),
        {403},
    ),
    # what
    "to put": (is_any, lambda request: request.spoilt(method="PUT"), {405}),
    "to delete": (is_any, lambda request: request.spoilt(method="DELETE"), {405}),
    "to trace": (is_any, lambda request: request.spoilt(method="TRACE"), {405}),
    "what a browser asks first": (
        is_any,
        lambda r: r.spoilt(method="OPTIONS").having(Access_Control_Request_Method="POST"),
        {405},
    ),
    "a tunnel": (is_any, lambda request: request.spoilt(method="CONNECT"), {400, 405}),
    "a write in the clothes of a reading": (
        is_write,
        lambda r: r.spoilt(method="GET", body=b"").having(X_HTTP_Method_Override="POST", Content_Length="0"),
        {404, 405},
    ),
    "a word that is no method": (is_any, lambda request: request.spoilt(method="STEER"), {405}),
    "a proxy's request": (
        is_any,
        lambda request: request.spoilt(target=f"http://evil.example{request.target}"),
        {400},
    ),
    "a path with two strokes": (is_any, lambda request: request.spoilt(target=f"/{request.target}"), {400}),
    "a path that climbs": (is_any, lambda request: request.spoilt(target="/static/../../../../etc/passwd"), {400}),
    "a path that climbs in disguise": (
        is_any,
        lambda request: request.spoilt(target="/static/%2e%2e/%2e%2e/etc/passwd"),
        {400},
    ),
    "a path with a hidden stroke": (is_any, lambda request: request.spoilt(target="/static/..%2f..%5cetc"), {400}),
    "a path with a NUL": (is_any, lambda request: request.spoilt(target="/static/a%00.js"), {400}),
    "a path without end": (is_any, lambda request: request.spoilt(target="/" + "a" * 8000), {400}),
    "a body that is said to be long": (is_write, lambda r: r.having(Content_Length="999999999"), {413}),
    "a body longer than it may be": (
        is_write,
        lambda r: r.having(Content_Length=str(LONGEST_BODY + 1)).spoilt(body=b" " * (LONGEST_BODY + 1)),
        {413},
    ),
    "a body without a length that does not end": (
        is_write,
        lambda r: (
            r.without("Content-Length")
            .having(Transfer_Encoding="chunked")
            .spoilt(
                body=b"8000\r\n"
                + b" " * 0x8000
                + b"\r\n"
                + b"8000\r\n"
                + b" " * 0x8000
                + b"\r\n"
                + b"8\r\n        \r\n"
            )
        ),
        {413},
    ),
    "two lengths": (is_write, lambda r: r.spoilt(more=[("Content-Length", "1")]), {400}),
    "a length that is no number": (is_write, lambda r: r.having(Content_Length="0x10"), {400, 413}),
    "a body in a packing": (
        lambda r: is_write(r) and not r.target.endswith("logout"),
        lambda r: r.having(Content_Encoding="gzip", Content_Length=str(len(PACKED))).spoilt(body=PACKED),
        {400},
    ),
    "a name that is there twice": (
        lambda r: is_write(r) and not r.target.endswith("logout"),
        lambda r: r.having(Content_Length=str(len(TWICE))).spoilt(body=TWICE),
        {400},
    ),
    "a body that is no JSON": (
        lambda r: is_write(r) and not r.target.endswith("logout"),
        lambda r: r.having(Content_Length="3").spoilt(body=b"{]}"),
        {400},
    ),
    "a body that is a list without a bottom": (
        lambda r: is_write(r) and not r.target.endswith("logout"),
        lambda r: r.having(Content_Length="60000").spoilt(body=b"[" * 60000),
        {400},
    ),
    "JSON of another kind": (is_write, lambda r: r.having(Content_Type="application/json-patch+json"), {415}),
    "a form": (is_write, lambda r: r.having(Content_Type="application/x-www-form-urlencoded"), {415}),
    "a form with files": (is_write, lambda r: r.having(Content_Type="multipart/form-data; boundary=x"), {415}),
    "plain text, as a form may send": (is_write, lambda r: r.having(Content_Type="text/plain"), {415}),
    "no kind": (is_write, lambda request: request.without("Content-Type"), {415}),
    "two kinds": (is_write, lambda r: r.spoilt(more=[("Content-Type", "text/plain")]), {415}),
    "without our mark": (is_write, lambda request: request.without("X-Tunewell"), {403}),
}
"""By what is wrong: with which requests it can be, how these are spoilt, and how they may be answered."""


def test_each_route_answers_a_request_that_is_right(place):
    """Or what is rejected below would be for another reason."""
    for name, method, target, body in requests_of_all_routes():
        with place.browser() as client:  # to log out ends a session
            request = Request(place, client.cookies[place.cookie], method, target, body)
            if name == "feed":
                continue  # it has no end; tests of its own
            status, headers, answer = place.raw(request.bytes())
        assert status in (200, 201, 204), (name, status, answer)
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert not any(header.startswith("access-control") for header in headers)


@pytest.mark.parametrize("wrong", HOSTILE)
def test_each_route_rejects(place, session, wrong):
    can_be, spoil, statuses = HOSTILE[wrong]
    before = state_of(place.url)
    tried = 0
    for name, method, target, body in requests_of_all_routes():
        request = Request(place, session, method, target, body)
        if can_be(request):
            status, headers, answer = place.raw(spoil(request).bytes())
            assert status in statuses, (name, status, answer)
            assert SECRET.encode() not in answer
            assert "set-cookie" not in headers
            assert not any(header.startswith("access-control") for header in headers)
            tried += 1
    assert tried
    assert state_of(place.url) == before


def test_each_route_rejects_a_web_socket(place, session):
    for name, _, target, _ in requests_of_all_routes():
        for headers in ({}, {"Cookie": f"{place.cookie}={session}"}):
            request = Request(place, session, "GET", target, b"").spoilt(headers={})
            upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
            request.having(**upgrade, Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==", Origin="http://evil.example")
            request.headers |= headers
            status, _, answer = place.raw(request.bytes())
            assert status == 403, (name, status, answer)


def test_a_viewer_may_read_each_route_and_write_to_none(place, viewing):
    before = state_of(place.url)
    for name, method, target, body in requests_of_all_routes():
        if name in ("feed", "logout"):
            continue
        status, _, answer = place.raw(Request(place, viewing, method, target, body).bytes())
        allowed = method == "GET" or name == "space_preview"
        assert status in ((200,) if allowed else (403,)), (name, status, answer)
        if not allowed:
            assert b"looking only" in answer
    assert state_of(place.url) == before


def test_who_has_logged_out_is_nobody(place):
    with place.browser() as client:
        assert client.post("/api/logout", json={}).status_code == 204
        for _, method, target, body in requests_of_all_routes():
            assert client.request(method, target, content=body).status_code == 401


def test_a_head_is_answered_as_the_rest_is(place, session):
    for host, expected in ((f"127.0.0.1:{place.port}", 405), ("evil.example", 403)):
        status, _, body = place.raw(
            Request(place, session, "HEAD", "/api/studies/1/pause", b"").spoilt(host=host).bytes()
        )
        assert (status, body) == (expected, b"")


def test_what_follows_a_rejected_request_is_not_read(place, session):
    """A body that is not read could hold another request."""
    inside = Request(place, session, "GET", "/api/studies", b"").bytes()
    outside = Request(place, session, "POST", "/api/studies/1/pause", inside).spoilt(host="evil.example")
    outside.having(Content_Length=str(len(inside)), Connection="keep-alive")
    status, headers, answer = place.raw(outside.bytes() + inside)
    assert (status, headers["connection"]) == (403, "close")
    assert SECRET.encode() not in answer


def test_a_garbled_connection_does_no_harm(place):
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"\0" * 5000,
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        status, _, _ = place.raw(garbage + b"\r\n\r\n")
        assert status in (0, 400, 403, 505)
    with place.browser() as client:
        assert client.get("/api/studies").status_code == 200


def test_a_kind_of_connection_that_nobody_thought_of_reaches_no_application(tmp_path):
    reached = []

    async def app(scope, receive, send):
        reached.append(scope["type"])

    guard = Guard(app, Keys(tmp_path / "keys"), Hosts(1), cookie="c")
    with pytest.raises(RuntimeError, match="is none that this server has"):
        asyncio.run(guard({"type": "webtransport", "path": "/"}, None, None))
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    asyncio.run(guard({"type": "websocket", "path": "/api/studies"}, receive, send))
    assert (reached, [one["type"] for one in sent]) == ([], ["websocket.close"])


def test_a_route_is_of_the_table_or_there_is_none(place):
    """So that a test of all that are in it is a test of all."""
    app = place.server.pages.app()
    assert [(route.path, route.methods - {"HEAD"}) for route in app.routes] == [(r.path, {r.method}) for r in ROUTES]


# --- names


@pytest.mark.parametrize(
    ("hosts", "name", "is_ours"),
    [
        (Hosts(8710), "localhost:8710", True),
        (Hosts(8710), "LOCALHOST:8710", True),
        (Hosts(8710), "[::1]:8710", True),
        (Hosts(8710), "[::1]", False),
        (Hosts(8710), "[::2]:8710", False),
        (Hosts(8710), "::1:8710", False),
        (Hosts(8710), "localhost:08710", False),
        (Hosts(8710), "localhost:8710 ", False),
        (Hosts(8710), "localhost:٨٧١٠", False),
        (Hosts(80), "localhost", True),
        (Hosts(8710, ("box.lan",)), "box.lan:8710", True),
        (Hosts(8710, ("box.lan",)), "box.lan", True),
        (Hosts(8710, ("box.lan",)), "box.lan:8711", False),
        (Hosts(8710, ("box.lan",)), "a.box.lan:8710", False),
        (Hosts(8710, ("box.lan:443",)), "box.lan:443", True),
        (Hosts(8710, ("box.lan:443",)), "box.lan:8710", False),
        (Hosts(8710, ("Box.lan",)), "box.LAN:8710", True),
        (Hosts(None), "localhost:1234", True),
        (Hosts(None), "evil.example:1234", False),
        (Hosts(None), "localhost:x", False),
    ],
)
def test_a_name_is_ours_with_our_port(hosts, name, is_ours):
    assert hosts.has(name) is is_ours


def state_of(url):
    """The revision of each study, and how many commands there are: what a write would raise."""
    with closing(sqlite3.connect(url)) as database:
        return [
            *database.execute("SELECT id, revision, budget, is_paused FROM studies"),
            *database.execute("SELECT count(*) FROM commands"),
        ]


def test_answers_of_raw_connections_are_read_whole(place, session):
    """What the tests above go by."""
    import socket

    with socket.create_connection(("127.0.0.1", place.port)) as connection:
        connection.sendall(Request(place, session, "GET", "/api/studies", b"").bytes())
        status, headers, body = answered(connection)
    assert (status, len(body)) == (200, int(headers["content-length"]))


def test_the_role_is_the_keys_but_never_more_than_the_servers(store):
    with serving(store, read_only=True) as served, served.browser(Role.STEER) as client:
        assert client.get("/api/studies").json()["role"] == "view"
        assert client.post("/api/studies/1/pause", json={}).status_code == 403
