"""A server on a real socket, and clients of it: browsers that have a key, and raw connections for odd requests."""

import json
import socket
import threading
import time
from contextlib import closing, contextmanager

import httpx

import tunewell as tw
from tunewell.stores import open_store
from tunewell.web.keys import Role
from tunewell.web.routes import ROUTES
from tunewell.web.serving import Address, Server

SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log", live=True, default=0.01),
    hidden=tw.Int(4, 64, default=16),
    optimizer=tw.Choice(["sgd", "adam"]),
)


class Served:
    """A server of a store, in a thread of its own."""

    def __init__(self, url, **named):
        self.url = url
        self.server = Server(lambda: open_store(url, create=False), str(url), Address(port=0), **named)
        self.base = self.server.address.base
        self.port = self.server.address.port
        self.cookie = f"tunewell-{self.port}"
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()

    @contextmanager
    def browser(self, role=None):
        """A client with a session of its own."""
        with httpx.Client(base_url=self.base, timeout=60, headers={"X-Tunewell": "1"}) as client:
            assert client.get(self.server.link(role)).status_code == 303
            yield client

    def viewer(self):
        return self.browser(Role.VIEW)

    def close(self):
        self.server.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def raw(self, request):
        """What comes back for these bytes, until the server ends the connection or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.settimeout(20)
            connection.sendall(request)
            return answered(connection)


def answered(connection):
    """Status, headers and body of an answer; status 0 if there is none."""
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            part = connection.recv(65536)
        except ConnectionError:
            part = b""
        if not part:
            return 0, {}, data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        part = connection.recv(65536)
        if not part:
            break
        body += part
    return int(lines[0].split()[1]), headers, body


@contextmanager
def serving(url, **named):
    served = Served(url, **named)
    try:
        yield served
    finally:
        served.close()


def a_study(url, name="digits", n_trials=3, epochs=4, space=SPACE, value=lambda trial, epoch: 1.0 / (epoch + trial)):
    """A study with so many complete trials; its id."""
    with closing(open_store(url)) as store:
        study = tw.Study(
            space, metric="val_loss", max_epochs=epochs, budget=n_trials, scheduler="full", store=store, name=name
        )
        for _ in range(n_trials):
            train(study, study.ask(), value)
        study.close()
        return study.record.id


def train(study, step, value=lambda trial, epoch: 1.0 / (epoch + trial)):
    """Train a step to its end."""
    for epoch in step.epochs:
        study.report(step.trial, epoch, val_loss=value(step.trial, epoch), train_loss=0.5)
    study.tell(step.trial)


FILLED = {"study": "1", "trial": "0", "kind": "history", "name": "figures/data.js"}
BODIES = {
    "command": {"trial": 0, "kind": "note", "text": "looked at"},
    "budget": {"budget": 50},
    "queue": {"params": {"hidden": 8, "optimizer": "sgd"}},
    "space": {"changes": {"hidden": {"high": 128}}},
    "space_preview": {"changes": {"hidden": {"high": 128}}},
}


def requests_of_all_routes():
    """Method, path and body of a request to each route that is right in all."""
    found = []
    for route in ROUTES:
        path = route.path
        for name, value in FILLED.items():
            path = (
                path.replace(f"{{{name}:int}}", value).replace(f"{{{name}:path}}", value).replace(f"{{{name}}}", value)
            )
        query = "?trials=0,1" if route.answer == "compare" else ""
        body = json.dumps(BODIES.get(route.answer, {})).encode() if route.method == "POST" else b""
        found.append((route.answer, route.method, path + query, body))
    return found


class Stream:
    """The events of a feed, read as they come."""

    def __init__(self, client, study=1, after=None, last_event_id=None, patience_s=60):
        self._patience_s = patience_s
        self._client, self._path = client, f"/api/studies/{study}/feed"
        self._params = {} if after is None else {"after": after}
        self._headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}

    def __enter__(self):
        self._context = self._client.stream("GET", self._path, params=self._params, headers=self._headers)
        self.response = self._context.__enter__()
        self._lines = self.response.iter_lines()
        return self

    def __exit__(self, *error):
        self._context.__exit__(*error)

    def __iter__(self):
        return self

    def __next__(self):
        """The next event: its name, its id and its data."""
        name, identity, end = "message", None, time.monotonic() + self._patience_s
        for line in self._lines:
            assert time.monotonic() < end, "nothing has come"
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                identity = int(value)
            elif field == "data":
                return name, identity, json.loads(value)
        raise StopIteration

    def until(self, is_it, seconds=60):
        """All events up to the first that `is_it`."""
        end, found = time.monotonic() + seconds, []
        for event in self:
            found.append(event)
            if is_it(event):
                return found
            assert time.monotonic() < end, found
        raise AssertionError(f"the feed ended after {found}")
