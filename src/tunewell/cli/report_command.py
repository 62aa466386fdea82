"""`tunewell report`: one HTML file that says what studies have found."""

from __future__ import annotations

from pathlib import Path

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import existing_store, existing_study, store_option
from tunewell.errors import SettingError
from tunewell.study.reader import StudyReader
from tunewell.whole_file import whole_file


@click.command("report")
@click.argument("studies", nargs=-1, metavar="[STUDY]...")
@click.option("-o", "--output", type=Path, metavar="FILE", help="Where to write it.  [default: STUDY.html]")
@store_option
def command(*, studies: tuple[str, ...], output: Path | None, store: str | None) -> None:
    """Write what a STUDY has found to one HTML file, which opens anywhere, with no network.

    What was found, how sure that is, what mattered, what held runs back, what to try next, what was wasted, and how to
    reproduce it, with figures. Of several studies, also how they compare. Without STUDY it is the newest that has an
    epoch on record.
    """
    from tunewell.report.page import report_page  # noqa: PLC0415  figures and diagnosis, which --help needs not

    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"a report is HTML, so name it so: {output.with_suffix('.html')}")
    if len(studies) > 1:
        with existing_store(store) as opened:
            readers = [StudyReader.open(opened, name) for name in dict.fromkeys(studies)]
            text, name = report_page(readers), "report"
    else:
        with existing_study(store, studies[0] if studies else None) as study:
            text, name = report_page([study.reader]), study.name
    path = output or Path(f"{_as_file_name(name)}.html")
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    echo(f"{path}: open it in a browser")


def _as_file_name(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return kept.strip(".-")[:100] or "report"
