"""The tables of `fit` and `predict`, read from CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tunewell.errors import MissingExtra, SettingError

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV file with a line of names.

    Raises:
        SettingError: it cannot be read, or has no rows.
        MissingExtra: scikit-learn or pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415  an extra, and slow to import
        import sklearn  # noqa: F401, PLC0415
    except ImportError:
        raise MissingExtra("scikit-learn with pandas", "sklearn", "a table") from None
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise SettingError(
            f"{path} cannot be read as a table: {error}; give a CSV file with a line of names"
        ) from error
    if table.empty:
        raise SettingError(f"{path} has no rows; give some")
    return table
