"""`tunewell demo`: a network on handwritten digits, before and after."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunewell.advice import advice
from tunewell.cli.echo import echo
from tunewell.cli.main import INTERRUPTED
from tunewell.cli.options import json_option, store_option
from tunewell.cli.printing import facts, print_json, print_lines, table
from tunewell.display.formatting import duration
from tunewell.display.progress import progress
from tunewell.display.records import best_record
from tunewell.stores import IN_MEMORY, Store, default_store, open_store
from tunewell.study.reader import StudyReader
from tunewell.whole_file import whole_file

if TYPE_CHECKING:
    from tunewell.demo.demonstration import DemoResult, TrainedNetwork

_BAR = 24


@click.command("demo")
@click.option(
    "--seed", type=click.IntRange(0), default=0, metavar="N", help="Of the images' split, the networks and the search."
)
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="How many trials train at a time.")
@store_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, *, seed: int, workers: int, store: str | None, as_json: bool) -> None:
    """Tune a network on handwritten digits, from a poor setting to a good one.

    A plain NumPy network, 1,797 images, a budget of 15 trainings and a minute or two. In the end the
    networks before and after are shown images that no decision saw, and a report is written that opens in a browser.
    """
    from tunewell.demo.demonstration import TRAININGS, run_demo  # noqa: PLC0415  the demo's network is not for every start

    began = time.monotonic()
    url = store or default_store()
    opened = open_store(url)
    try:
        with progress(sys.stderr) as observer:
            result = run_demo(opened, seed=seed, workers=workers, observer=observer, say=_say)
        report = None if result is None or as_json or url in IN_MEMORY else _write_report(opened, result)
    finally:
        opened.close()
    if result is None:
        kept = "nothing is kept, since the store was in memory"
        if url not in IN_MEMORY:
            kept = f"what was trained is on record: {advice('list', store=store)}"
        echo(f"interrupted; {kept}", err=True)
        ctx.exit(INTERRUPTED)
    took = time.monotonic() - began
    if as_json:
        print_json(_record(result) | {"store": opened.url, "seed": seed, "seconds": took})
        return
    print_lines(_lines(result))
    print_lines(
        facts(
            {
                "spent": f"{result.epochs} epochs, {TRAININGS} full trainings' worth, in {duration(took)}",
                "record": f"studies {result.before.study!r} and {result.after.study!r} in {opened.url}",
                "look": None if url in IN_MEMORY else advice("show", result.after.study, store=store),
                "report": report and f"{report}: open it in a browser",
            }
        )
    )


def _write_report(store: Store, result: DemoResult) -> str | None:
    """Write what the demo has found to an HTML file of the working folder; return its name, None where none can be."""
    from tunewell.reporting.page import report_page  # noqa: PLC0415  figures and diagnosis, which --help needs not

    text = report_page([StudyReader.open(store, result.after.study)])
    path = Path(f"{result.after.study}.html")
    try:
        with whole_file(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except OSError as error:  # the demo has done what it was asked for
        echo(f"no report, since {path} cannot be written: {error}", err=True)
        return None
    return str(path)


def _say(line: str) -> None:
    echo(click.style(line, bold=True), err=True)


def _lines(result: DemoResult) -> Iterator[str]:
    before, after = result.before, result.after
    yield from table(
        ("digits recognized", "before", "after"),
        [
            ("validation images", _percent(before.best.value), _percent(after.best.value)),
            ("test images", _percent(before.test_accuracy), _percent(after.test_accuracy)),
        ],
    )
    yield ""
    settings = [(name, before.best.params[name], value) for name, value in after.best.params.items()]
    yield from table(("hyperparameter", "before", "after"), settings)
    yield ""
    if result.mattered:
        yield click.style("what mattered, of what the best trials have in common", bold=True)
    width = max((len(item.name) for item in result.mattered), default=0)
    for item in result.mattered:
        bar = "█" * round(_BAR * item.share)
        yield f"{item.name:{width}}  {bar:{_BAR}}  {item.share:4.0%}  (between {item.low:.0%} and {item.high:.0%})"
    yield ""


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _record(result: DemoResult) -> dict[str, object]:
    return {
        "before": _network_record(result.before),
        "after": _network_record(result.after),
        "mattered": [asdict(item) for item in result.mattered],
        "epochs": result.epochs,
    }


def _network_record(network: TrainedNetwork) -> dict[str, object]:
    return best_record(network.best) | {"study": network.study, "test_accuracy": network.test_accuracy}
