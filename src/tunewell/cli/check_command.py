"""`tunewell check`: can a training be done again to the same numbers?"""

from __future__ import annotations

from collections.abc import Mapping

import click

from tunewell.cli.job import ProgramCommand, job
from tunewell.cli.options import json_option
from tunewell.cli.printing import facts, print_json, print_lines, stdout_to_stderr
from tunewell.space.parse_settings import parse_settings


@click.command("check", cls=ProgramCommand)
@click.argument("script", required=False)
@click.option("--space", "space_file", metavar="FILE", help="The space, as TOML, in place of the script's own.")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, help="What is not at its default.")
@click.option(
    "--epochs", type=click.IntRange(2), default=4, show_default=True, metavar="N", help="Epochs of each training."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, metavar="N", help="Of each training.")
@json_option
def command(
    *,
    script: str | None,
    program: tuple[str, ...],
    space_file: str | None,
    settings: tuple[str, ...],
    epochs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Check whether a training can be repeated from its seed, and resumed from a checkpoint, to the same numbers.

    Trains a few epochs of a SCRIPT or a PROGRAM straight, again from the seed, and again from a checkpoint half-way. A
    checkpoint that lacks something (an optimizer's moments, a schedule, a loader's generator) shows in what follows it.
    """
    from tunewell.probing import EXACT, repeatable  # noqa: PLC0415  --help needs none of it

    with stdout_to_stderr():
        to_train = job(script, program, space_file)
        space = to_train.needed_space()
        to_train.check(space)
        found = repeatable(to_train.train, space, setting=parse_settings(settings, space), epochs=epochs, seed=seed)
    badges = {"from its seed": found.seed, "from a checkpoint": found.checkpoint}
    if as_json:
        results = {name: {"badge": badge.name, "why": badge.why} for name, badge in badges.items()}
        contents = {"holds": dict(found.holds), "lacks": dict(found.lacks)}
        print_json({**results, "tracked": list(found.tracked), **contents, "epochs": found.epochs})
        return
    print_lines(
        facts(
            {
                **{name: f"{badge.name}{badge.why and f': {badge.why}'}" for name, badge in badges.items()},
                "tracked": _in_words(found.holds) or "nothing",
                # what is used only before the first epoch may well be left out
                "not tracked": None if found.checkpoint.name == EXACT else _in_words(found.lacks) or None,
            }
        )
    )


def _in_words(kinds: Mapping[str, str]) -> str:
    """Return `network (weights), optimizer (optimizer)`."""
    return ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
