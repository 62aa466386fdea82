"""Checks of the settings of the engine's parts."""

from __future__ import annotations

import math

import numpy as np

from tunewell.errors import SettingError


def check_number(
    setting: str,
    value: object,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> None:
    """Check that the value is a finite number within the bounds.

    Raises:
        SettingError: it is not.
    """
    if (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    ):
        return
    bounds = {"above": above, "of at least": at_least, "below": below, "of at most": at_most}
    wanted = " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None)
    raise SettingError(f"{setting} must be a finite number {wanted}, got {value!r}")


def check_whole(setting: str, value: object, *, at_least: int) -> None:
    """Check that the value is a whole number that is large enough.

    Raises:
        SettingError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise SettingError(f"{setting} must be a whole number of at least {at_least}, got {value!r}")


def check_flag(setting: str, value: object) -> None:
    """Check that the value is True or False.

    Raises:
        SettingError: it is not.
    """
    if not isinstance(value, bool | np.bool_):
        raise SettingError(f"{setting} must be True or False, got {value!r}")
