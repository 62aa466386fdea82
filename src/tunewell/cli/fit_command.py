"""`tunewell fit`: a network for a table, tuned and trained."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tunewell.cli.echo import echo
from tunewell.cli.fit_table import FitTable, Roles, task_of
from tunewell.cli.options import json_option, store_option
from tunewell.cli.printing import facts, print_json, print_lines
from tunewell.display.formatting import measured
from tunewell.display.progress import progress
from tunewell.display.tables import setting_lines
from tunewell.errors import SettingError
from tunewell.runners.tune import study_name
from tunewell.stores import default_store, open_store


@click.command("fit")
@click.argument("table", type=click.Path(path_type=Path), metavar="TABLE.csv")
@click.option("--target", required=True, metavar="COLUMN", help="What is to be predicted.")
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    help="Classes or a quantity.  [default: as the target's values look, which is printed]",
)
@click.option("--weight", metavar="COLUMN", help="What each row counts; it is no input.")
@click.option(
    "--class-weight",
    metavar="balanced|CLASS=W,...",
    help="What rows of a class count in training: all classes the same, or weights.",
)
@click.option("--scoring", metavar="NAME", help="What is tuned: f1, roc_auc, mae, ...  [default: the loss]")
@click.option("--positive", metavar="CLASS", help="Of two, the one that f1, precision, recall are of.")
@click.option(
    "--validation", type=click.Path(path_type=Path), metavar="FILE", help="Rows that judge, in a table of their own."
)
@click.option("--split", metavar="COLUMN", help="Says of each row: train, validation, or test, which is left out.")
@click.option("--group", metavar="COLUMN", help="Rows of one group never train and judge both.")
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
    weight: str | None,
    class_weight: str | None,
    scoring: str | None,
    positive: str | None,
    validation: Path | None,
    split: str | None,
    group: str | None,
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
    rows = FitTable.read(
        table,
        Roles(target, weight=weight, split=split, group=group),
        validation=validation,
        task=task,
        separator=separator,
    )
    task = task or task_of(rows.values)
    if task == "regression":
        _check_regression(class_weight=class_weight, positive=positive)
    echo(f"{task} of {target!r} from {rows.size}", err=True)

    from tunewell.estimators import TunedClassifier, TunedRegressor  # noqa: PLC0415  slow to import

    path = output or _free_path(table.with_suffix(".model"), target)
    if not path.parent.is_dir():
        raise SettingError(f"--output {path}: there is no folder {str(path.parent)!r}; make it, or write elsewhere")
    opened = open_store(store or default_store())
    try:
        with progress(sys.stderr) as observer:
            settings: dict[str, Any] = {
                "budget": budget,
                "max_epochs": epochs,
                "scoring": scoring,
                "workers": workers,
                "store": opened,
                "name": study_name(opened, table.stem, resume=False),
                "random_state": seed,
                "observer": observer,
            }
            if task == "classification":
                names = {str(name): name for name in rows.values.unique()}
                settings["class_weight"] = _class_weight(class_weight, names)
                settings["pos_label"] = names.get(positive, positive) if positive else None
            estimator = (TunedClassifier if task == "classification" else TunedRegressor)(**settings)
            try:
                estimator.fit(**rows.to_fit())
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
    look = {"judged": f"{_in_words(judged, target)}, on rows it was not trained on"}
    if scoring and task == "classification" and len(estimator.classes_) == 2:
        look["positive"] = f"class {str(estimator.pos_label_)!r}" + ("" if positive else " (--positive: another)")
    print_lines(facts(look | {"model": str(path), "record": f"study {record['study']!r} in {record['store']}"}))


def _check_regression(**settings: str | None) -> None:
    """Check that nothing is set that is for classes."""
    for name, value in settings.items():
        if value is not None:
            raise SettingError(f"--{name.replace('_', '-')} is for classes, and this is a regression; leave it out")


def _class_weight(text: str | None, names: Mapping[str, Any]) -> str | dict[Any, float] | None:
    """Return the weights of classes; names: by their names in the table."""
    if text is None or text == "balanced":
        return text
    weights: dict[Any, float] = {}
    for part in text.split(","):
        name, _, number = part.rpartition("=")
        try:
            weights[names.get(name, name)] = float(number)
        except ValueError:
            raise SettingError(f"--class-weight must be balanced, or CLASS=WEIGHT,CLASS=WEIGHT, got {text!r}") from None
    return weights


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
