"""`tunewell steer`: send a command to a trial that another process trains."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import existing_store, json_option, store_option
from tunewell.cli.printing import print_json
from tunewell.commands import ACTIONS, Action, Command, Set, Stop, made
from tunewell.display.formatting import counted
from tunewell.display.summary import in_words
from tunewell.errors import SettingError
from tunewell.space.parse_settings import parse_settings
from tunewell.stores.command_rows import encoded
from tunewell.study import Study
from tunewell.study.commands import describe
from tunewell.study.provenance import user
from tunewell.trial import OPEN_END, Trial

_POLL_S = 0.1
_EXPECTED = {"set": "NAME VALUE", "rewind": "EPOCH", "note": "TEXT", "tag": "WORD", "untag": "WORD", "budget": "AMOUNT"}
_OF_ALL, _OF_NEW = ("pause", "resume", "budget"), ("queue",)
_SETTINGS_FOR = ("branch", "rewind", *_OF_NEW)


@click.command("steer")
@click.argument("study")
@click.argument("trial", metavar="TRIAL|all|new")
@click.argument("kind", metavar="COMMAND", type=click.Choice([*ACTIONS, "budget", *_OF_NEW]))
@click.argument("arguments", nargs=-1, metavar="[ARGUMENT]...")
@click.option("--from", "epoch", type=click.IntRange(0), metavar="EPOCH", help="Of branch: as it was after this epoch.")
@click.option(
    "--set", "settings", metavar="NAME=VALUE", multiple=True, help="Of branch, rewind, queue: what is to differ."
)
@click.option(
    "--twin", type=click.IntRange(1), metavar="EPOCHS", help="Of set: let a twin go on as it was, for comparison."
)
@click.option(
    "--like", type=click.IntRange(0), metavar="TRIAL", help="Of queue: what has the other values; else the defaults."
)
@click.option("--epochs", type=click.IntRange(1), help="Of queue: how long it trains at first.")
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
    trial: str,
    kind: str,
    arguments: tuple[str, ...],
    epoch: int | None,
    settings: tuple[str, ...],
    twin: int | None,
    like: int | None,
    epochs: int | None,
    why: str,
    wait: float,
    store: str | None,
    as_json: bool,
) -> None:
    """Send a command to a trial while it trains, to all of a study, or for a new one.

    \b
    pause | resume | stop | checkpoint
    set NAME VALUE        a live parameter, from the next epoch on
    rewind EPOCH          end it, and go on as it was after that epoch
    branch                another trial that goes on from here (--from EPOCH, --set NAME=VALUE)
    note TEXT | tag WORD | untag WORD
    all pause | resume    the whole study: nothing of it trains in between
    all budget AMOUNT     what it may spend, with what was spent: 40, 900epochs, 100trials, 2h
    new queue             a trial of your own, before the next (--set NAME=VALUE, --like TRIAL, --epochs N)

    The process that runs the study takes it up at the trial's next epoch, but a trial that does not train is stopped
    at once; exit code 1 if it is refused, or not taken up yet.
    """  # noqa: D301  click wants the character itself
    with existing_store(store) as opened:
        study_ = Study.open(opened, study)
        _check_target(trial, kind)
        if epoch is not None and kind != "branch":
            raise SettingError(f"--from is for branch, not for {kind}")
        if settings and kind not in _SETTINGS_FOR:
            raise SettingError(f"--set is for branch, rewind and queue, not for {kind}")
        if kind not in _OF_NEW and (like is not None or epochs is not None):
            raise SettingError(f"--like and --epochs are for queue, not for {kind}")
        _check_number_of(arguments, kind)
        if trial in ("all", "new"):
            outcome = (
                _of_all(study_, kind, arguments, why)
                if trial == "all"
                else _queued(
                    study_,
                    study_.queue(parse_settings(settings, study_.space), like=like, epochs=epochs, by=user(), why=why),
                )
            )
            if as_json:
                print_json(outcome)
            else:
                echo(outcome["outcome"])
            return
        number, action = int(trial), _action(study_, kind, arguments, epoch, settings)
        if twin is not None:
            if not isinstance(action, Set):
                raise SettingError(f"--twin is for set, not for {kind}")
            sent, _ = study_.set_with_twin(number, action.name, action.value, epochs=twin, by=user(), why=why)
        elif isinstance(action, Stop):
            sent = study_.steering.stop_at_once(number, by=user(), why=why)
        else:
            sent = study_.steer(number, action, by=user(), why=why)
        is_obeyed = _awaited(study_, sent, 0).taken_at is not None
        alone = None if is_obeyed or study_.is_run() else _alone(study_)
        if alone is not None:
            echo(alone, err=True)
        done = _awaited(study_, sent, wait if alone is None else 0)
    if as_json:
        print_json(record(done))
    else:
        echo(describe(done))
    if done.taken_at is None or done.refused is not None:
        ctx.exit(1)


def _check_target(target: str, kind: str) -> None:
    """Check that a command is one for a trial, for all of a study, or for a new trial."""
    if target not in ("all", "new") and not target.isdecimal():
        raise SettingError(f"steer takes a trial's number, all or new, got {target!r}")
    for name, kinds in (("all", _OF_ALL), ("new", _OF_NEW)):
        if target == name and kind not in kinds:
            raise SettingError(f"{kind} is for a trial; of {name} there is {', '.join(kinds)}")
    if target.isdecimal() and kind not in ACTIONS:
        other = "new" if kind in _OF_NEW else "all"
        raise SettingError(f"{kind} is not for a trial: say steer STUDY {other} {kind}")


def _check_number_of(arguments: Sequence[str], kind: str) -> None:
    wanted = _EXPECTED.get(kind, "")
    if len(arguments) != len(wanted.split()):
        got = " ".join(arguments) or "nothing"
        raise SettingError(f"{kind} takes {wanted or 'no argument'}, got {got}")


def _of_all(study: Study, kind: str, arguments: Sequence[str], why: str) -> dict[str, str]:
    """Send a command to a whole study; return what came of it."""
    if kind == "budget":
        before = study.budget
        now = study.set_budget(arguments[0], by=user(), why=why)
        text = f"study {study.name}: budget {in_words(before)} -> {in_words(now)}"
    elif kind == "pause":
        study.pause(by=user(), why=why)
        text = f"study {study.name} is paused; trainings pause after their epoch"
    else:
        study.resume(by=user(), why=why)
        text = f"study {study.name} goes on"
    return {"study": study.name, "command": kind, "outcome": text}


def _queued(study: Study, trial: Trial) -> dict[str, Any]:
    until = "" if trial.until == OPEN_END else f", at first for {counted(trial.until, 'epoch')}"
    text = f"trial {trial.number} of study {study.name} is queued{until}"
    return {
        "study": study.name,
        "command": "queue",
        "trial": trial.number,
        "params": dict(trial.params),
        "outcome": text,
    }


def _alone(study: Study) -> str:
    """Return a line that says that no process runs a study, and which others are run."""
    run = [other.name for other in study.others() if other.is_run()]
    alone = f"no process runs study {study.name!r}, so what is asked waits until one does"
    return f"{alone}; running now: {', '.join(map(repr, run))}" if run else alone


def record(command: Command) -> dict[str, object]:
    """Return the command and what came of it, as plain data."""
    return asdict(encoded(command))


def _action(study: Study, kind: str, arguments: Sequence[str], epoch: int | None, settings: Sequence[str]) -> Action:
    """Return the command that the command line means."""
    given: dict[str, Any] = {"params": parse_settings(settings, study.space), "epoch": epoch}
    match kind:
        case "set":
            name = arguments[0]
            given |= {"name": name, "value": parse_settings(["=".join(arguments)], study.space)[name]}
        case "rewind":
            if not arguments[0].isdigit():
                raise SettingError(f"rewind takes an epoch, a whole number, got {arguments[0]!r}")
            given["epoch"] = int(arguments[0])
        case "note":
            given["text"] = arguments[0]
        case "tag" | "untag":
            given["name"] = arguments[0]
    return made(kind, given)


def _awaited(study: Study, sent: Command, seconds: float) -> Command:
    """Return the command once it is settled, or as it is when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        now = next(one for one in study.commands(sent.trial) if one.id == sent.id)
        if now.taken_at is not None or time.monotonic() > deadline:
            return now
        time.sleep(_POLL_S)
