"""`tunewell report`: one HTML file that says what studies have found."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from tunewell.cli.echo import echo
from tunewell.cli.options import existing_store, existing_study, store_option
from tunewell.errors import SettingError
from tunewell.study.reader import StudyReader
from tunewell.whole_file import whole_file

_HEADER = b"SQLite format 3\0"


@click.command("report")
@click.argument("studies", nargs=-1, metavar="[STUDY]...")
@click.option("-o", "--output", type=Path, metavar="FILE", help="Where to write it.  [default: STUDY.html]")
@store_option
def command(*, studies: tuple[str, ...], output: Path | None, store: str | None) -> None:
    """Write what a STUDY has found to one HTML file, which opens anywhere, with no network.

    What was found, how sure that is, what mattered, what held runs back, what to try next, what was wasted, and how to
    reproduce it, with figures. Of several studies, also how they compare: of --store, or of other files, where FILE is
    the newest study of a file that has an epoch on record, and FILE:NAME another. Without STUDY it is that of --store.
    """
    from tunewell.reporting.page import report_page  # noqa: PLC0415  figures and diagnosis, which --help needs not

    if output is not None and output.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"a report is HTML, so name it so: {output.with_suffix('.html')}")
    places = list(dict.fromkeys(map(_place, studies))) or [(None, None)]
    if len(places) > 1:
        with ExitStack() as opened:
            urls = dict.fromkeys(url or store for url, _ in places)
            stores = {url: opened.enter_context(existing_store(url)) for url in urls}
            readers = [StudyReader.open(stores[url or store], name) for url, name in places]
            text, name = report_page(readers), "report"
    else:
        url, named = places[0]
        with existing_study(url or store, named) as study:
            text, name = report_page([study.reader]), study.name
    path = output or Path(f"{_as_file_name(name)}.html")
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    echo(f"{path}: open it in a browser")


def _place(word: str) -> tuple[str | None, str | None]:
    """Return the file and the name of a study; None for one that is not given."""
    if _is_store(word):
        return word, None
    file, colon, name = word.rpartition(":")
    return (file, name) if colon and name and _is_store(file) else (None, word)


def _is_store(word: str) -> bool:
    """Return True for an SQLite file, or the URL of a store."""
    if "://" in word:
        return word.split("://", maxsplit=1)[0].startswith(("postgres", "sqlite"))
    try:
        with Path(word).open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except (OSError, ValueError):
        return False


def _as_file_name(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    return kept.strip(".-")[:100] or "report"
