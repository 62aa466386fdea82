"""The table of `fit`: what its columns are for, which of its rows judge, and what of it can be trained on."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.cli.csv_table import read_table, typed
from tunewell.cli.echo import echo
from tunewell.display.formatting import counted
from tunewell.errors import SettingError
from tunewell.near_names import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

_MOST_CLASSES = 20
"""A column of whole numbers with more distinct ones is a quantity."""
_PARTS = {
    "train": ("train", "training", "tr", "fit", "0", "false", "no"),
    "validation": ("validation", "valid", "val", "dev", "eval", "evaluation", "holdout", "1", "true", "yes"),
    "test": ("test", "testing", "2"),
}
"""The words of a column that says which rows judge, in lower case."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The columns of a table that are no inputs."""

    target: str
    weight: str | None = None
    split: str | None = None
    group: str | None = None

    @property
    def names(self) -> list[str]:
        """Those that there are."""
        return [name for name in astuple(self) if name is not None]


@dataclass(frozen=True, slots=True)
class FitTable:
    """Rows to train on, and perhaps rows of their own to judge by; all have a target."""

    roles: Roles
    rows: pd.DataFrame
    """The inputs, and the columns that have another role."""
    values: pd.Series[Any]
    """The targets, also of the rows that judge."""
    judging: pd.DataFrame | None
    """None where they are drawn."""

    @classmethod
    def read(
        cls, path: Path, roles: Roles, *, validation: Path | None, task: str | None, separator: str | None
    ) -> FitTable:
        """Read a table, and perhaps a second one whose rows judge.

        Raises:
            SettingError: a table cannot be read, lacks a column, or has no row with a target.
            MissingExtra: scikit-learn or pandas is not installed.
        """
        rows = read_table(path, separator=separator)
        import pandas as pd  # noqa: PLC0415  an extra, of which the line above says if it is missing

        _check_roles(path, rows, roles)
        if roles.group and (validation or roles.split):
            raise SettingError(
                "--group parts rows that are drawn, and --validation and --split give them; leave one out"
            )
        if validation and roles.split:
            raise SettingError("--validation and --split both say which rows judge; leave one out")
        judging = None
        if roles.split:
            rows, judging = _split(path, rows, roles.split)
        if validation:
            judging = read_table(validation, separator=separator)
            for name in rows.columns:
                if name not in judging.columns:
                    raise SettingError(f"{validation} lacks the column {name!r} of {path}; add it")
        both = rows if judging is None else pd.concat([rows, judging[list(rows.columns)]], ignore_index=True)
        values = _targets(both[roles.target], task)
        _echo_left_out(both[roles.target], values, roles.target)
        n = len(rows)
        rows = both.loc[[place for place in values.index if place < n]]
        if rows.empty:
            raise SettingError(f"no row of {path} has a {roles.target}; give a table in which it is known")
        if judging is not None:
            judging = both.loc[[place for place in values.index if place >= n]]
            if judging.empty:
                raise SettingError(f"no row that judges has a {roles.target}; give some in which it is known")
        return cls(roles, rows, values, judging)

    @property
    def size(self) -> str:
        """Words such as `3 columns, 200 rows`, and how many judge."""
        judge = "" if self.judging is None else f", judged by {counted(len(self.judging), 'other row')}"
        return f"{counted(len(self._inputs(self.rows).columns), 'column')}, {counted(len(self.rows), 'row')}{judge}"

    def to_fit(self) -> dict[str, Any]:
        """Return what an estimator's `fit` takes, by name."""
        inputs = typed(self._inputs(self.rows))
        found = {"X": inputs, "y": self.values.loc[self.rows.index], "sample_weight": self._weights(self.rows)}
        if self.roles.group:
            found["groups"] = self.rows[self.roles.group].fillna("").to_numpy(dtype=str)
        if self.judging is not None:
            numbers = [name for name in inputs.columns if inputs[name].dtype != object]
            texts = [name for name in inputs.columns if inputs[name].dtype == object]
            judging = typed(self._inputs(self.judging), numbers=numbers, texts=texts)
            weights = self._weights(self.judging)
            found["validation_data"] = (judging, self.values.loc[self.judging.index], weights)
        return found

    def _inputs(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.drop(columns=self.roles.names)

    def _weights(self, rows: pd.DataFrame) -> Any:
        """Return what each row counts; None for all the same."""
        name = self.roles.weight
        if name is None:
            return None
        weights = typed(rows[[name]], numbers=[name])[name]
        for text, weight in zip(rows[name], weights, strict=True):
            if not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
                raise SettingError(
                    f"column {name!r} says what rows count, and has {text or 'nothing'} in one; write numbers from 0"
                )
        return weights.to_numpy(dtype=float)


def _check_roles(path: Path, rows: pd.DataFrame, roles: Roles) -> None:
    for name in roles.names:
        if name not in rows.columns:
            raise SettingError(f"{path} has no column {name!r}; it has {', '.join(map(str, rows.columns))}")
        if roles.names.count(name) > 1:
            raise SettingError(f"column {name!r} is given two roles; leave one out")
    if len(rows.columns) == len(roles.names):
        others = ", ".join(map(repr, roles.names))
        raise SettingError(f"{path} has no column besides {others}; there is nothing to predict {roles.target!r} from")


def _split(path: Path, rows: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows to train on and those that judge, as a column says."""
    part_of = {word: part for part, words in _PARTS.items() for word in words}
    words = rows[name].fillna("").str.strip().str.lower()
    for word in words.unique():
        if word not in part_of:
            meant = did_you_mean(word, _PARTS)
            raise SettingError(f"column {name!r} says {word!r} of a row, which is no part of a table; {meant}")
    parts = words.map(part_of)
    train, judging = rows[parts == "train"], rows[parts == "validation"]
    for part, found in (("train", train), ("validation", judging)):
        if found.empty:
            raise SettingError(f"no row of {path} is said to be of {part!r} by column {name!r}")
    if left_out := int((parts == "test").sum()):
        echo(f"{counted(left_out, 'row')} of 'test' left out", err=True)
    return train, judging


def _echo_left_out(column: pd.Series[Any], values: pd.Series[Any], target: str) -> None:
    if left_out := len(column) - len(values):
        words = ", ".join(column.drop(values.index).dropna().unique())
        has, is_ = ("has", "is") if left_out == 1 else ("have", "are")
        echo(f"{counted(left_out, 'row')} {has} no {target} and {is_} left out{words and f' ({words})'}", err=True)


def _targets(column: pd.Series[Any], task: str | None) -> pd.Series[Any]:
    """Return the targets of the rows that have one: as numbers if all of them are, else as the texts in the file.

    Classes are numbers only where each is a whole one written in one way, or `1` and `1.0` would be one class.
    """
    if task != "regression" and column.dropna().str.lower().isin(["true", "false"]).all():
        return column.dropna()
    table, numbers = column.to_frame("target"), ["target"] if task == "regression" else []
    found = typed(table, numbers=numbers)["target"]
    # once more without the gaps, beside which whole numbers are none: no class is called 1.0
    values, texts = typed(table[found.notna()], numbers=numbers)["target"], column[found.notna()]
    if (task or task_of(values)) == "regression":
        return values
    words = texts.str.strip()
    is_whole = values.dtype.kind in "iu" and words.str.fullmatch(r"[+-]?\d+").all()
    return values if is_whole and words.nunique() == values.nunique() else texts


def task_of(values: pd.Series[float]) -> str:
    """Return the task that a target suggests: text and few distinct whole numbers are classes."""
    import pandas as pd  # noqa: PLC0415

    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return "classification"
    whole = bool((values == values.round()).all())
    return "classification" if whole and values.nunique() <= _MOST_CLASSES else "regression"
