"""`tunewell mcp`: a server of the Model Context Protocol, through which an agent works on studies within bounds."""

from __future__ import annotations

import click

from tunewell import __version__
from tunewell.agents import SCOPES
from tunewell.cli.options import existing_store, store_option
from tunewell.stores import default_store


@click.command("mcp")
@click.option(
    "--allow",
    type=click.Choice(SCOPES),
    default="read",
    show_default=True,
    help="What an agent may do: look; propose settings too; steer trials too.",
)
@click.option("--as", "author", metavar="NAME", help="Goes on record with what it does.  [default: the client's name]")
@click.option(
    "--most",
    type=click.FloatRange(0, 100),
    default=10,
    show_default=True,
    metavar="PERCENT",
    help="Of a study's budget, what its commands may train.",
)
@store_option
def command(*, allow: str, author: str | None, most: float, store: str | None) -> None:
    """Serve the studies of a store to an agent, by the Model Context Protocol on standard input and output.

    An agent's program starts it. It reads one store, opens no port, and takes no path, address or code from a request.
    """
    from tunewell.agents.names import checked_agent  # noqa: PLC0415
    from tunewell.agents.server import server  # noqa: PLC0415
    from tunewell.agents.tools import Tools  # noqa: PLC0415  --help needs none of it

    with existing_store(store):
        pass  # it is there
    tools = Tools(store or default_store(), scope=allow, share=most / 100)
    server(tools, author=None if author is None else checked_agent(author), version=__version__).run("stdio")
