"""`tunewell predict`: a model's predictions for a table."""

from __future__ import annotations

from pathlib import Path

import click

from tunewell.cli.csv_table import read_table, typed
from tunewell.cli.echo import echo_data
from tunewell.display.spreadsheet import harmless
from tunewell.errors import SettingError
from tunewell.whole_file import whole_file


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
    cells = predictions.map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
    text = cells.rename(columns=harmless).to_csv(index=False, lineterminator="\n")
    if output is None:
        echo_data(text)
        return
    try:
        with whole_file(output) as path:
            path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SettingError(f"{output} cannot be written: {error.strerror}; give another --output") from error
