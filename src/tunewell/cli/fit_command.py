"""`tunewell fit`: a network for a table, tuned and trained."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunewell.cli.csv_table import read_table, typed
from tunewell.cli.echo import echo
from tunewell.cli.options import json_option, store_option
from tunewell.cli.printing import facts, print_json, print_lines
from tunewell.display.formatting import counted, measured
from tunewell.display.progress import progress
from tunewell.display.tables import setting_lines
from tunewell.errors import SettingError
from tunewell.runners.tune import study_name
from tunewell.stores import default_store, open_store

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
@click.option(
    "--separator", metavar="CHAR", help="Between the cells.  [default: , or ; or a tab, as the first line has]"
)
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
    separator: str | None,
    output: Path | None,
    seed: int,
    store: str | None,
    as_json: bool,
) -> None:
    """Tune and train a network that predicts a column of TABLE.csv from the others.

    Gaps are filled, numbers standardized, categories spelled out. A fifth of the rows judges the settings, and
    the weights that did best are kept. The model goes to a file for `tunewell predict`, and each run on record.
    """
    rows = read_table(table, separator=separator)
    if target not in rows.columns:
        raise SettingError(f"{table} has no column {target!r}; it has {', '.join(map(str, rows.columns))}")
    if len(rows.columns) < 2:
        raise SettingError(f"{table} has no column besides {target!r}; there is nothing to predict it from")
    values = _targets(rows[target], task)
    known = rows.loc[values.index].drop(columns=target)
    if left_out := len(rows) - len(known):
        words = ", ".join(rows[target].drop(values.index).dropna().unique())
        has, is_ = ("has", "is") if left_out == 1 else ("have", "are")
        echo(f"{counted(left_out, 'row')} {has} no {target} and {is_} left out{words and f' ({words})'}", err=True)
    if known.empty:
        raise SettingError(f"no row of {table} has a {target}; give a table in which it is known")
    task = task or _task_of(values)
    size = f"{counted(len(known.columns), 'column')}, {counted(len(known), 'row')}"
    echo(f"{task} of {target!r} from {size}", err=True)

    from tunewell.estimators import TunedClassifier, TunedRegressor  # noqa: PLC0415  slow to import

    path = output or _free_path(table.with_suffix(".model"), target)
    if not path.parent.is_dir():
        raise SettingError(f"--output {path}: there is no folder {str(path.parent)!r}; make it, or write elsewhere")
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
                estimator.fit(typed(known), values)
            except ValueError as error:  # of scikit-learn's checks
                raise SettingError(str(error)) from error
        study = estimator.study_
        best = study.best
        report = next(r for r in study.reports(best.trial) if r.epoch == best.epoch)
        judged = {name: value for name, value in report.metrics.items() if name.startswith("val_")}
        estimator.to_model(target).save(path)
        record = {"model": str(path), "task": task, "study": study.record.name, "store": opened.url}
    finally:
        opened.close()
    if as_json:
        print_json(record | {"params": estimator.best_params_, "epochs": estimator.best_epoch_, "judged": judged})
        return
    print_lines(f"    {line}" for line in setting_lines(best.params))
    echo()
    look = {"judged": f"{_in_words(judged, target)}, on rows it was not trained on", "model": str(path)}
    print_lines(facts(look | {"record": f"study {record['study']!r} in {record['store']}"}))


def _targets(column: pd.Series[Any], task: str | None) -> pd.Series[Any]:
    """Return the targets of the rows that have one: as numbers if all of them are, else as the texts in the file."""
    if task != "regression" and column.dropna().str.lower().isin(["true", "false"]).all():
        return column.dropna()
    table, numbers = column.to_frame("target"), ["target"] if task == "regression" else []
    found = typed(table, numbers=numbers)["target"]
    # once more without the gaps, beside which whole numbers are none: no class is called 1.0
    values = typed(table[found.notna()], numbers=numbers)["target"]
    return values if task != "classification" or values.dtype.kind in "iu" else column[found.notna()]


def _free_path(path: Path, target: str) -> Path:
    """Return the path; one with the target's name, if something else than a model of this target is there."""
    from tunewell.estimators import SavedModel  # noqa: PLC0415  slow to import

    if not path.exists():
        return path
    try:
        other = SavedModel.load(path).target
    except SettingError:
        other = None
    in_a_name = re.sub(r"[^\w.-]+", "_", target)
    return path if other == target else path.with_stem(f"{path.stem}-{in_a_name}")


def _in_words(judged: Mapping[str, float], target: str) -> str:
    """Return the measures of the rows that judged, those of a quantity in its own units."""
    words = {"val_r2": "R² {}", "val_rmse": f"RMSE {{}} in units of {target}"}
    return ", ".join(
        words.get(name, f"{name.removeprefix('val_')} {{}}").format(measured(value))
        for name, value in sorted(judged.items(), key=lambda item: item[0] not in words)
    )


def _task_of(values: pd.Series[float]) -> str:
    """Return the task that a target suggests: text and few distinct whole numbers are classes."""
    import pandas as pd  # noqa: PLC0415

    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "classification"
    whole = bool((values == values.round()).all())
    return "classification" if whole and values.nunique() <= _MOST_CLASSES else "regression"
