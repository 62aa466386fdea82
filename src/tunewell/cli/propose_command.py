"""`tunewell propose`: a setting to be tried by a study, as a short look among its own, and whose proposals paid."""

from __future__ import annotations

from dataclasses import asdict

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import existing_store, json_option, store_option
from tunewell.cli.printing import print_json, print_lines
from tunewell.errors import SettingError
from tunewell.space.parse_settings import parse_settings
from tunewell.study import Study
from tunewell.study.provenance import user


@click.command("propose")
@click.argument("study")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--like", type=click.IntRange(0), metavar="TRIAL", help="What has the other values.  [default: the defaults]"
)
@click.option("--by", metavar="NAME", help="Whose proposal it is.  [default: yours]")
@click.option("--why", default="", metavar="TEXT", help="For the record.")
@click.option("--scores", is_flag=True, help="Show what each author's proposals were worth instead.")
@store_option
@json_option
def command(
    *,
    study: str,
    settings: tuple[str, ...],
    like: int | None,
    by: str | None,
    why: str,
    scores: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Propose a setting to STUDY, which gives it a first look when it is its turn.

    Three of ten starts are proposals at most, the authors in turn. It trains on only if the study prefers it, so a bad
    idea costs a first look. `tunewell steer STUDY new queue` orders a trial instead.
    """
    with existing_store(store) as opened:
        study_ = Study.open(opened, study)
        if scores:
            if settings or like is not None or by is not None or why:
                raise SettingError("--scores shows what was proposed; propose in a command of its own")
            _show_scores(study_, as_json=as_json)
            return
        if not settings:
            raise SettingError("a proposal needs a NAME=VALUE at least, such as dropout=0.1; --scores shows the others")
        found = study_.propose(
            parse_settings(settings, study_.space, option="propose"),
            like=like,
            by=user() if by is None else by,
            why=why,
        )
        waiting = sum(one.waits for one in study_.proposals())
        if as_json:
            print_json(asdict(found) | {"params": dict(found.params), "waiting": waiting})
            return
        echo(f"proposed to study {study_.name} by {found.by}; it waits for its turn, {waiting} in all")
        if not study_.is_run():
            echo(f"no process runs study {study_.name!r}, so it waits until one does", err=True)


def _show_scores(study: Study, *, as_json: bool) -> None:
    from tunewell.cli.advisors_report import advisor_lines  # noqa: PLC0415  proposing needs none of it

    if as_json:
        print_json([asdict(one) for one in study.advisors()])
    elif not study.proposals():
        echo(f"nobody has proposed anything to study {study.name}")
    else:
        print_lines(line for line in advisor_lines(study) if line)
