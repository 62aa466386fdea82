"""What several commands take: which store, which study, JSON or words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from tunewell.stores import Store, open_store
from tunewell.study import Study
from tunewell.tuning import default_store

store_option = click.option(
    "--store", metavar="PATH|URL", help="Where the record is.  [default: $TUNEWELL_STORE, else tunewell.db]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
study_argument = click.argument("study", required=False)


@contextmanager
def existing_store(url: str | None) -> Iterator[Store]:
    """A store that is there already, closed in the end.

    Raises:
        StoreError: there is none.
    """
    store = open_store(url or default_store(), create=False)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def existing_study(url: str | None, name: str | None) -> Iterator[Study]:
    """A study that is on record; the newest if no name is given.

    Raises:
        StoreError: there is no such store, or it has no study.
        StudyNotFound: it has no such study.
    """
    with existing_store(url) as store:
        study = Study.open(store, name)
        with study.still():
            yield study
