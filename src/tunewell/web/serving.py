"""The server: an address, a link to it, and uvicorn behind the guard."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import stat
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from tunewell.errors import SettingError
from tunewell.stores import Store
from tunewell.web.alerts import Alerts
from tunewell.web.guard import Guard, Hosts
from tunewell.web.keys import Keys, Role, keys_folder
from tunewell.web.routes import Pages
from tunewell.web.shelf import Shelf

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8710
_ADDRESS = "address"
"""The file, among the keys, that says where the server is."""


@dataclass(frozen=True, slots=True)
class Address:
    """The place where a server listens: a host and a port, or a socket in a folder."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    uds: Path | None = None

    def __str__(self) -> str:
        return f"port {self.port}" if self.uds is None else str(self.uds.absolute())

    @property
    def base(self) -> str:
        """The beginning of its URLs, by a name that a browser on this machine knows."""
        if self.uds is not None:
            return f"http://localhost:{DEFAULT_PORT}"
        name = self.host if _is_one(self.host) else DEFAULT_HOST
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"

    def keys(self, store: str) -> Path:
        """Return where the keys lie of a server here of a store."""
        return keys_folder(f"{self} of {store}")


class Server:
    """A server of one store, not yet running."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        place: str,
        address: Address,
        *,
        allow_hosts: Sequence[str] = (),
        read_only: bool = False,
        by: str = "web",
        alerts_to: Sequence[str] = (),
    ) -> None:
        """Take the address, and open the store.

        Args:
            open_store: opens it, now and whenever it has vanished.
            place: names the store, for its keys.
            address: where to listen; port 0 is any that is free.
            allow_hosts: other names by which it may be addressed, as `name` or `name:port`.
            read_only: nobody may steer.
            by: whose the commands are.
            alerts_to: webhooks to which alerts are posted.

        Raises:
            SettingError: the address cannot be had, or one of a webhook is none.
            StoreError: there is no such store.
        """
        self._socket, shelf = _bound(address), None
        try:
            if address.uds is None:
                address = Address(address.host, int(self._socket.getsockname()[1]))
            self.address = address
            self._most = Role.VIEW if read_only else Role.STEER
            self._shelf = shelf = Shelf(open_store)
            self._alerts = Alerts(shelf, alerts_to)
            self.keys: Keys = Keys(address.keys(place))
            self.keys.forget_links()
            self._address_file = address.keys(place) / _ADDRESS
            own = (address.host,) if address.uds is None and _is_one(address.host) else ()
            named = tuple(f"[{one}]" if ":" in one else one for one in own)
            hosts = Hosts(None if address.uds is not None else address.port, (*named, *allow_hosts))
            self.pages: Pages = Pages(self._shelf, self.keys, by=by)
            cookie = f"tunewell-{address.port if address.uds is None else 'socket'}"
            guarded = Guard(self.pages.app(), self.keys, hosts, cookie=cookie, most=self._most)
            self._uvicorn = _uvicorn(guarded, self.pages.feeds.close)
        except BaseException:
            self._socket.close()
            if shelf is not None:
                shelf.close()
            raise

    def link(self, role: Role | None = None) -> str:
        """Return a URL that lets one browser in, once."""
        return f"{self.address.base}/?token={self.keys.add_link(role or self._most)}"

    def run(self) -> None:
        """Serve until interrupted."""
        self._address_file.write_text(self.address.base, encoding="utf-8")
        # what the first browser asks for is read while that is still starting
        threading.Thread(target=self.pages.read_ahead, name="read-ahead", daemon=True).start()
        self._alerts.start()
        try:
            self._uvicorn.run(sockets=[self._socket])
        finally:
            self.close()

    def stop(self) -> None:
        """Let `run` end soon; from any thread."""
        self._uvicorn.should_exit = True

    def close(self) -> None:
        """Let go of the address and the store."""
        self._alerts.close()
        self.pages.feeds.close()
        self._socket.close()
        self._address_file.unlink(missing_ok=True)
        if self.address.uds is not None:
            self.address.uds.unlink(missing_ok=True)
        self._shelf.close()


def _uvicorn(app: Guard, end_feeds: Callable[[], None]) -> _Uvicorn:
    config = uvicorn.Config(
        app,
        http="h11",  # one parser, and no other that some installation brings along
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
        backlog=128,
    )
    return _Uvicorn(config, end_feeds)


class _Uvicorn(uvicorn.Server):
    """Ends the feeds before it waits for all that is under way to end."""

    def __init__(self, config: uvicorn.Config, end_feeds: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_feeds = end_feeds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_feeds()
        await super().shutdown(sockets)


def another_link(address: Address, place: str, role: Role) -> str:
    """Return another link to a server of the same user that runs already.

    Raises:
        SettingError: none does.
    """
    folder = address.keys(place)
    file = folder / _ADDRESS
    if not file.is_file() or not _is_listening(address):
        raise SettingError(f"no page of {place} is served at {address}; start it, with the same --store and --port")
    return f"{file.read_text(encoding='utf-8')}/?token={Keys(folder).add_link(role)}"


def _bound(address: Address) -> socket.socket:
    """Return a socket that listens at an address."""
    if address.uds is not None:
        return _bound_in_folder(address.uds)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise SettingError(f"--host {address.host!r} names no address of this machine ({error})") from None
    found = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of a server that has just ended
        found.bind(where)
        found.listen(128)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingError(
                f"port {address.port} is taken; say --port {address.port + 1}, or --port 0 for any that is free. If it "
                "is tunewell web of the same store, tunewell web --link gives another link to it"
            ) from None
        raise SettingError(
            f"{address.host} port {address.port} cannot be listened at ({error.strerror}); name another by --host and"
            " --port"
        ) from None
    return found


def _bound_in_folder(path: Path) -> socket.socket:
    """Return a socket that only its owner can connect to."""
    with suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode) and not _is_listening(Address(uds=path)):
            path.unlink()  # of a server that was killed
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        found.bind(str(path))
        found.listen(128)
    except OSError as error:
        found.close()
        raise SettingError(
            f"--uds {path}: {error.strerror}; name a file that is not there, in a folder of yours"
        ) from None
    finally:
        os.umask(mask)
    return found


def _is_listening(address: Address) -> bool:
    if address.uds is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(address.uds)) == 0
    host = address.host if _is_one(address.host) else DEFAULT_HOST
    with suppress(OSError), socket.create_connection((host, address.port), timeout=2):
        return True
    return False


def _is_one(host: str) -> bool:
    """Return True for a host that is one address or name, and not all that the machine has."""
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return bool(host)
