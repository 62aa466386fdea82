"""`tunewell predict`: a model's predictions for a table."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tunewell.cli.csv_table import read_table, typed
from tunewell.errors import SettingError


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path), metavar="TABLE.csv")
@click.option("--proba", is_flag=True, help="A column of probability for each class, besides.")
@click.option(
    "--separator", metavar="CHAR", help="Between the cells.  [default: , or ; or a tab, as the first line has]"
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to.  [default: standard output]")
def command(*, model: Path, table: Path, proba: bool, separator: str | None, output: Path | None) -> None:
    """Predict each row of TABLE.csv by a MODEL that `tunewell fit` wrote, as CSV."""
    rows = read_table(table, separator=separator)

    from tunewell.estimators import SavedModel  # noqa: PLC0415  slow to import

    loaded = SavedModel.load(model)
    rows = typed(rows, numbers=loaded.columns.numeric, texts=loaded.columns.textual)
    predictions = rows[[]].assign(**{loaded.target: loaded.predict(rows)})
    if proba:
        shares = loaded.predict_proba(rows)
        for place, name in enumerate(loaded.classes or ()):
            predictions[f"{loaded.target}={name}"] = shares[:, place]
    try:
        predictions.to_csv(sys.stdout if output is None else output, index=False)
    except OSError as error:
        raise SettingError(f"{output} cannot be written: {error.strerror}; give another --output") from error
