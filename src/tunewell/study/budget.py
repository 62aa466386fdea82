"""The budget of a study: what it may spend."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tunewell.errors import SettingError

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_NUMBER = r"(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_WORDS = {"": "trainings", "training": "trainings", "epoch": "epochs", "trial": "trials"}


@dataclass(frozen=True, slots=True)
class Budget:
    """An amount of full trainings' worth of epochs, of epochs, of trials or of seconds.

    Example:
        >>> tw.Budget(30, "trainings")
        Budget(amount=30, unit='trainings')
        >>> str(tw.Budget(900, "epochs"))
        '900epochs'
    """

    amount: float
    unit: str

    @classmethod
    def parse(cls, text: str | float) -> Budget:
        """Read `30`, `900epochs`, `100trials`, `2h`, `1h30m`.

        Raises:
            SettingError: it is none of these, or not above zero.
        """
        compact = re.sub(r"[\s_]", "", str(text).lower())
        times = re.fullmatch(rf"(?:({_NUMBER})h)?(?:({_NUMBER})m(?:in)?)?(?:({_NUMBER})s)?", compact)
        counted = re.fullmatch(rf"(-?{_NUMBER})(|(?:training|epoch|trial)s?)", compact)
        if counted:
            budget = cls(float(counted[1]), _WORDS[counted[2].removesuffix("s")])
        elif compact and times:
            parts = zip(times.groups(), _SECONDS.values(), strict=True)
            budget = cls(sum(float(number) * seconds for number, seconds in parts if number), "seconds")
        else:
            raise SettingError(
                f"budget {text!r} is none that tunewell knows; say 30 (full trainings), 900epochs, 100trials or 2h"
            )
        if not 0 < budget.amount < math.inf:
            raise SettingError(
                f"a budget must be above zero, got {text!r}; say 30 (full trainings), 900epochs, 100trials or 2h"
            )
        return budget

    def epochs(self, max_epochs: int) -> int | None:
        """Return how many epochs that is, if a full training has `max_epochs`; None if the unit is another."""
        if self.unit == "trainings":
            return math.ceil(self.amount * max_epochs)
        return math.ceil(self.amount) if self.unit == "epochs" else None

    def __str__(self) -> str:
        number = f"{self.amount:.17g}"
        return number + ("s" if self.unit == "seconds" else self.unit)
