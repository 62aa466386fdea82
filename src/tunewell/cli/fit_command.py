"""`tunewell fit`: a network for a table, tuned and trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunewell.cli.csv_table import read_table
from tunewell.cli.echo import echo
from tunewell.cli.options import json_option, store_option
from tunewell.cli.printing import facts, print_json, print_lines
from tunewell.display.formatting import measured
from tunewell.display.progress import progress
from tunewell.display.tables import setting_lines
from tunewell.errors import SettingError
from tunewell.runners.tune import default_store, study_name
from tunewell.stores import open_store

if TYPE_CHECKING:
    import pandas as pd

_MOST_CLASSES = 20
"""A column of whole numbers with more distinct ones is a quantity."""


@click.command("fit")
@click.argument("table", type=click.Path(path_type=Path), metavar="TABLE.csv")
@click.option("--target", required=True, metavar="COLUMN", help="What is to be predicted.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Classes or a quantity.  [default: as the target's values look, which is printed]",
)
@click.option("--budget", default="30", metavar="AMOUNT", help="Full trainings, or 900epochs, or 2h.  [default: 30]")
@click.option("--epochs", type=click.IntRange(1), default=50, metavar="N", help="Of a full training.  [default: 50]")
@click.option("--workers", type=click.IntRange(1), default=1, metavar="N", help="Networks that train at a time.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="The model.  [default: TABLE.model]")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="Of all that is random.")
@store_option
@json_option
def command(
    *,
    table: Path,
    target: str,
    task: str | None,
    budget: str,
    epochs: int,
    workers: int,
    output: Path | None,
    seed: int,
    store: str | None,
    as_json: bool,
) -> None:
    """Tune and train a network that predicts a column of TABLE.csv from the others.

    Gaps are filled, numbers standardized, categories spelled out. A fifth of the rows judges the settings, and
    the weights that did best are kept. The model goes to a file for `tunewell predict`, and each run on record.
    """
    rows = read_table(table)
    if target not in rows.columns:
        raise SettingError(f"{table} has no column {target!r}; it has {', '.join(map(str, rows.columns))}")
    known = rows[rows[target].notna()]
    if len(known) < len(rows):
        echo(f"{len(rows) - len(known)} rows have no {target} and are left out", err=True)
    if len(known.columns) < 2:
        raise SettingError(f"{table} has no column besides {target!r}; there is nothing to predict it from")
    task = task or _task_of(known[target])
    echo(f"{task} of {target!r} from {len(known.columns) - 1} columns, {len(known)} rows", err=True)

    from tunewell.estimators import TunedClassifier, TunedRegressor  # noqa: PLC0415  slow to import

    opened = open_store(store or default_store())
    try:
        with progress(sys.stderr) as observer:
            estimator = (TunedClassifier if task == "classification" else TunedRegressor)(
                budget=budget,
                max_epochs=epochs,
                workers=workers,
                store=opened,
                name=study_name(opened, table.stem, resume=False),
                random_state=seed,
                observer=observer,
            )
            try:
                estimator.fit(known.drop(columns=target), known[target])
            except ValueError as error:  # of scikit-learn's checks
                raise SettingError(str(error)) from error
        study = estimator.study_
        best = study.best
        report = next(r for r in study.reports(best.trial) if r.epoch == best.epoch)
        judged = {name: value for name, value in report.metrics.items() if name.startswith("val_")}
        path = output or table.with_suffix(".model")
        estimator.to_model(target).save(path)
        record = {"model": str(path), "task": task, "study": study.record.name, "store": opened.url}
    finally:
        opened.close()
    if as_json:
        print_json(record | {"params": estimator.best_params_, "epochs": estimator.best_epoch_, "judged": judged})
        return
    print_lines(f"    {line}" for line in setting_lines(best.params))
    echo()
    words = ", ".join(f"{name.removeprefix('val_')} {measured(value)}" for name, value in judged.items())
    look = {"judged": f"{words}, on rows it was not trained on", "model": str(path)}
    print_lines(facts(look | {"record": f"study {record['study']!r} in {record['store']}"}))


def _task_of(values: pd.Series[float]) -> str:
    """Return the task that a target suggests: text and few distinct whole numbers are classes."""
    import pandas as pd  # noqa: PLC0415

    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "classification"
    whole = bool((values == values.round()).all())
    return "classification" if whole and values.nunique() <= _MOST_CLASSES else "regression"
