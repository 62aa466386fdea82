"""`tunewell steer`: ask something of a trial that another process trains."""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from typing import Any

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import existing_store, json_option, store_option
from tunewell.cli.printing import print_json
from tunewell.errors import SettingError
from tunewell.space.parse_settings import parse_settings
from tunewell.stores import Store
from tunewell.study import Study
from tunewell.study.provenance import host, is_running
from tunewell.study.reader import StudyReader
from tunewell.study.steering import KINDS, in_words
from tunewell.trial import Command

_LOOK_S = 0.1
_EXPECTED = {"set": "NAME VALUE", "rewind": "EPOCH", "note": "TEXT"}


@click.command("steer")
@click.argument("study")
@click.argument("trial", type=int)
@click.argument("kind", metavar="COMMAND", type=click.Choice(KINDS))
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...")
@click.option("--from", "epoch", type=click.IntRange(0), metavar="EPOCH", help="Of branch: as it was after this epoch.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="Of branch and rewind: what is to differ.")
@click.option(
    "--twin", type=click.IntRange(1), metavar="EPOCHS", help="Of set: let a twin go on as it was, for comparison."
)
@click.option("--why", default="", metavar="TEXT", help="For the record.")
@click.option(
    "--wait", type=click.FloatRange(0), default=10, show_default=True, metavar="SECONDS", help="For what comes of it."
)
@store_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    study: str,
    trial: int,
    kind: str,
    arguments: tuple[str, ...],
    epoch: int | None,
    settings: tuple[str, ...],
    twin: int | None,
    why: str,
    wait: float,
    store: str | None,
    as_json: bool,
) -> None:
    """Ask something of a trial while it trains.

    \b
    pause | resume | stop | checkpoint
    set NAME VALUE        a live parameter, from the next epoch on
    rewind EPOCH          end it, and go on as it was after that epoch
    branch                another trial that goes on from here (--from EPOCH, --set NAME=VALUE)
    note TEXT

    The process that runs the study takes it up at the trial's next epoch; exit code 1 if it refuses, or has not
    answered yet.
    """  # noqa: D301  click wants the character itself
    with existing_store(store) as opened:
        reader = Study.open(opened, study)
        data = _data(reader, kind, arguments, epoch, settings)
        if twin is None:
            asked = reader.steer(trial, kind, by=who(), why=why, **data)
        elif kind == "set":
            asked, _ = reader.set_with_twin(trial, data["name"], data["value"], epochs=twin, by=who(), why=why)
        else:
            raise SettingError(f"--twin is for set, not for {kind}")
        alone = None if is_run(reader) else _alone(opened, study)
        if alone is not None:
            echo(alone, err=True)
        done = _awaited(reader, asked, wait if alone is None else 0)
    if as_json:
        print_json(record(done))
    else:
        echo(in_words(done))
    if done.taken_at is None or done.refused is not None:
        ctx.exit(1)


def is_run(study: StudyReader) -> bool:
    """Whether a process runs a study; one on another machine is taken to do so for as long as it has not ended."""
    there = [one for one in study.store.sessions(study.record.id) if one.ended_at is None]
    return any(one.host != host() or is_running(one.pid, one.process) for one in there)


def _alone(store: Store, study: str) -> str:
    """That no process runs a study, and which others are run."""
    run = [record.name for record in store.studies() if is_run(Study.open(store, record.name))]
    told = f"no process runs study {study!r}, so what is asked waits until one does"
    return f"{told}; running now: {', '.join(map(repr, run))}" if run else told


def who() -> str:
    """Who asks, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a process of nobody's, in a container
        return "user"


def record(command: Command) -> dict[str, object]:
    """The command and what came of it, as plain data."""
    told = ("id", "trial", "kind", "by", "why", "data", "at", "taken_at", "epoch", "refused")
    return {name: getattr(command, name) for name in told}


def _data(
    reader: StudyReader, kind: str, arguments: Sequence[str], epoch: int | None, settings: Sequence[str]
) -> dict[str, Any]:
    if epoch is not None and kind != "branch":
        raise SettingError(f"--from is for branch, not for {kind}")
    if settings and kind not in ("branch", "rewind"):
        raise SettingError(f"--set is for branch and rewind, not for {kind}")
    setting = {"setting": parse_settings(settings, reader.space)} if settings else {}
    wanted = _EXPECTED.get(kind, "")
    if len(arguments) != len(wanted.split()):
        got = " ".join(arguments) or "nothing"
        raise SettingError(f"{kind} takes {wanted or 'no argument'}, got {got}")
    match kind:
        case "set":
            return {"name": arguments[0], "value": parse_settings(["=".join(arguments)], reader.space)[arguments[0]]}
        case "rewind":
            if not arguments[0].isdigit():
                raise SettingError(f"rewind takes an epoch, a whole number, got {arguments[0]!r}")
            return {"epoch": int(arguments[0]), **setting}
        case "note":
            return {"text": arguments[0]}
        case "branch":
            return setting | ({} if epoch is None else {"epoch": epoch})
    return {}


def _awaited(reader: StudyReader, asked: Command, seconds: float) -> Command:
    """The command once it is settled, or as it is when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        now = next(one for one in reader.commands(asked.trial) if one.id == asked.id)
        if now.taken_at is not None or time.monotonic() > deadline:
            return now
        time.sleep(_LOOK_S)
