"""The tables of `fit` and `predict`, read from CSV files.

Cells are read as the texts that they are, and become numbers column by column, so that a class keeps its name: `None`,
`NA` and `null` are gaps among numbers and words among words, and `01` is not `1`.
"""

from __future__ import annotations

import warnings
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewell.errors import MissingExtra, SettingError

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = (",", ";", "\t", "|")
_GAPS = ("", "n/a", "na", "nan", "-nan", "null", "none", "#n/a", "#na", "<na>")
"""The words for a gap in a column of numbers, in lower case."""
_CODE = r"[+-]?0\d+|[+-]?\d{16,}"
"""A word of digits that is no number: as one it would lose its zeros, or its last digits."""
_DECIMAL_COMMA = r"[+-]?(?:\d+(?:,\d*)?|,\d+)(?:[eE][+-]?\d+)?"
_TRUTH = {"true": 1.0, "false": 0.0}


def read_table(path: Path, *, separator: str | None = None) -> pd.DataFrame:
    """Return the rows of a CSV file with a line of names, each cell as text; one that is empty is None.

    separator: of the cells; as the line of names has it if None. Where it is no comma, one may stand in a number.

    Raises:
        SettingError: it cannot be read, or has no rows.
        MissingExtra: scikit-learn or pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415  an extra, and slow to import
        import sklearn  # noqa: F401, PLC0415
    except ImportError:
        raise MissingExtra("scikit-learn with pandas", "sklearn", "a table") from None
    if separator is not None and len(separator := separator.replace("\\t", "\t")) != 1:
        raise SettingError(f"--separator must be one character, got {separator!r}; give , or ; or \\t for a tab")
    try:
        found, encoding = separator or _separator_of(path), _encoding_of(path)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # cells beyond the last name would be dropped
            table = pd.read_csv(path, sep=found, dtype=str, keep_default_na=False, index_col=False, encoding=encoding)
        names = pd.read_csv(path, sep=found, dtype=str, nrows=1, header=None, encoding=encoding).iloc[0].dropna()
    except pd.errors.ParserWarning:
        raise SettingError(f"{path} has rows with more cells than the line of names; give each column a name") from None
    except UnicodeDecodeError as error:
        raise SettingError(f"{path} is not in UTF-8 ({error}); save it as CSV in UTF-8") from error
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise SettingError(
            f"{path} cannot be read as a table: {error}; give a CSV file with a line of names"
        ) from error
    if table.empty:
        raise SettingError(f"{path} has no rows; give some")
    names = names.str.strip()
    if names.duplicated().any():
        raise SettingError(f"{path} has two columns {names[names.duplicated()].iloc[0]!r}; give each a name of its own")
    table = table.rename(columns=str.strip)
    table = table.astype(object).where(table.notna() & (table != ""), None)
    return table if found == "," else table.assign(**{str(n): _with_decimal_points(table[n]) for n in table.columns})


def typed(table: pd.DataFrame, *, numbers: Collection[str] = (), texts: Collection[str] = ()) -> pd.DataFrame:
    """Return the table with its columns of numbers as numbers, and the others as the texts that they are.

    numbers, texts: columns whose kind is known; a cell of the former that is no number stays as it is.
    """
    return table.assign(
        **{str(name): _numbers(table[name], surely=name in numbers) for name in table.columns if name not in texts}
    )


def _numbers(column: pd.Series[Any], *, surely: bool) -> pd.Series[Any]:
    """Return a column of numbers as such; as it is, if it holds anything else."""
    import pandas as pd  # noqa: PLC0415  an extra

    words = column.str.strip()
    gaps = words.isna() | words.str.lower().isin(_GAPS)
    if not surely and words[~gaps].str.fullmatch(_CODE).any():
        return column
    truth = words.str.lower().map(_TRUTH)
    if not surely and len(words) and truth.notna().all():
        return truth.astype(bool)
    values = pd.to_numeric(words.mask(gaps), errors="coerce")
    if surely:
        values = values.fillna(truth)
        return values if (values.notna() | gaps).all() else values.astype(object).where(values.notna() | gaps, column)
    return values if values.notna().any() and (values.notna() | gaps).all() else column


def _with_decimal_points(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of numbers with decimal commas as one with points; any other as it is."""
    words = column.str.strip()
    gaps = words.isna() | words.str.lower().isin(_GAPS)
    if not words[~gaps].str.fullmatch(_DECIMAL_COMMA).all():
        return column
    return column.where(gaps, words.str.replace(",", ".", regex=False))


def _separator_of(path: Path) -> str:
    """Return the separator by which the line of names has several."""
    import pandas as pd  # noqa: PLC0415  an extra

    for separator in _SEPARATORS:
        if len(pd.read_csv(path, sep=separator, nrows=0, dtype=str, encoding=_encoding_of(path)).columns) > 1:
            return separator
    return ","


def _encoding_of(path: Path) -> str:
    """Return the encoding that a file begins with the mark of; else UTF-8."""
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8"
