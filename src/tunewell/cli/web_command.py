"""`tunewell web`: studies in a browser, live, and commands to their trials."""

from __future__ import annotations

import html
import os
import sys
import webbrowser
from pathlib import Path

import click

from tunewell.cli.echo import echo, echo_data
from tunewell.cli.options import store_option
from tunewell.errors import MissingExtra, SettingError
from tunewell.stores import IN_MEMORY, Store, default_store, open_store
from tunewell.stores.redaction import redacted_url

_OPENING = "open.html"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command("web")
@store_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8710, show_default=True, help="Its port; 0 is any that is free."
)
@click.option(
    "--allow-host",
    "allow_hosts",
    metavar="NAME[:PORT]",
    multiple=True,
    help="Another name by which browsers reach it, such as that of a proxy.",
)
@click.option("--uds", type=click.Path(path_type=Path), metavar="FILE", help="Listen at a socket in a folder instead.")
@click.option("--read-only", is_flag=True, help="Nobody may steer.")
@click.option("--as", "name", metavar="NAME", help="Whose the commands are, for the record.")
@click.option(
    "--alerts-to",
    "alerts_to",
    metavar="URL",
    multiple=True,
    help="Post alerts of studies that are run to a webhook, such as one of Slack.",
)
@click.option("--no-browser", is_flag=True, help="Print the link, and open no browser.")
@click.option(
    "--link",
    "role",
    is_flag=False,
    flag_value="steer",
    type=click.Choice(["steer", "view"]),
    help="Print another link to the server that runs already, and end; view: one for looking only.",
)
def command(
    *,
    store: str | None,
    host: str,
    port: int,
    allow_hosts: tuple[str, ...],
    uds: Path | None,
    read_only: bool,
    name: str | None,
    alerts_to: tuple[str, ...],
    no_browser: bool,
    role: str | None,
) -> None:
    """Show studies in a browser, live, and steer them from there.

    It prints a link that lets one browser in, once; it serves this machine alone, unless --host says otherwise.
    Ctrl-C ends it; the studies go on.
    """
    try:
        from tunewell.web import serving  # noqa: PLC0415  an extra
        from tunewell.web.keys import Role  # noqa: PLC0415
    except ImportError as error:
        if error.name is not None and error.name.partition(".")[0] not in ("starlette", "uvicorn", "anyio"):
            raise
        raise MissingExtra("starlette with uvicorn", "web", "tunewell web") from None
    url = store or default_store()
    if url in IN_MEMORY:
        raise SettingError(f"nothing is on record in {url!r}, which ends with the process that trains; name a file")
    place, address = _place(url), serving.Address(host, port, uds)
    if role is not None:
        echo_data(serving.another_link(address, place, Role(role)) + "\n")
        return

    def opened() -> Store:
        return open_store(url, create=False)

    by = "web" if name is None else f"web ({name})"
    server = serving.Server(
        opened, place, address, allow_hosts=allow_hosts, read_only=read_only, by=by, alerts_to=alerts_to
    )
    link = server.link()
    echo_data(link + "\n")
    sys.stdout.flush()
    if uds is not None:
        echo(f"forward a port to it: ssh -L {serving.DEFAULT_PORT}:{uds.absolute()} HOST; then open the link", err=True)
    elif host not in _LOOPBACK:
        echo(f"warning: {host} is reached by others, and what is sent to it can be read on the way", err=True)
    echo("the link is for one browser, once; another: tunewell web --link. Ctrl-C ends the server", err=True)
    if not no_browser and uds is None and _has_display():
        _open_browser(link, server.address.keys(place))
    try:
        server.run()
    finally:
        (server.address.keys(place) / _OPENING).unlink(missing_ok=True)


def _place(url: str) -> str:
    """Return the name of a store that is the same wherever it is given."""
    return redacted_url(url) if "://" in url else str(Path(url).expanduser().absolute())


def _has_display() -> bool:
    if os.environ.get("SSH_CONNECTION") or not sys.stdout.isatty():
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_browser(link: str, folder: Path) -> None:
    """Open the link by a file that only its owner can read: the words of a command are seen by everybody."""
    page = folder / _OPENING
    page.unlink(missing_ok=True)
    with os.fdopen(os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f'<!DOCTYPE html><meta http-equiv="refresh" content="0; url={html.escape(link)}">')
    webbrowser.open(page.as_uri())
