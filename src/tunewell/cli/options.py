"""Options that several commands share, and the store or study that they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from tunewell.cli.echo import echo
from tunewell.display.formatting import counted
from tunewell.errors import SettingError
from tunewell.stores import IN_MEMORY, Store, default_store, open_store
from tunewell.study import Study
from tunewell.study.reader import newer_studies

store_option = click.option(
    "--store",
    metavar="PATH|URL",
    help="A file, or postgresql://USER@HOST/DATABASE.  [default: $TUNEWELL_STORE, else tunewell.db]",
)
checkpoints_option = click.option(
    "--checkpoints",
    metavar="FOLDER",
    help="Where checkpoints lie.  [default: $TUNEWELL_CHECKPOINTS, else beside the store]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
changed_option = click.option(
    "--changed",
    is_flag=True,
    help="With --resume: go on though the command, or the script, is another one than so far.",
)
study_argument = click.argument("study", required=False)


@contextmanager
def existing_store(url: str | None) -> Iterator[Store]:
    """Open a store that is there already, and close it in the end.

    Raises:
        StoreError: there is none.
        SettingError: it would be in memory.
    """
    if url in IN_MEMORY:
        raise SettingError(f"nothing is on record in {url!r}, which ends with the process that trains; name a file")
    store = open_store(url or default_store(), create=False)
    try:
        yield store
    finally:
        damaged = getattr(store, "damaged", {})
        store.close()
        if damaged:
            counts = ", ".join(counted(len(rows), name) for name, rows in damaged.items())
            echo(
                f"warning: {counts} on record cannot be read; the record was damaged, and this is what is left of it",
                err=True,
            )


@contextmanager
def existing_study(url: str | None, name: str | None) -> Iterator[Study]:
    """Open a study that is on record, the newest with an epoch if no name is given; inside, it stays as it is now.

    Raises:
        StoreError: there is no such store, or it has no study.
        StudyNotFound: it has no such study.
    """
    with existing_store(url) as store:
        study = Study.open(store, name)
        if name is None and (newer := newer_studies(study.reader)):
            echo(
                f"study {study.name!r} is the newest with an epoch on record; {newer[-1]!r} was begun later, and is "
                "shown if you name it",
                err=True,
            )
        with study.still():
            yield study
            if name is None and not study.spent.trained:
                echo(f"no study in {study.url} has an epoch on record yet; {study.name!r} is the newest", err=True)
