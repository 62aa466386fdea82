"""The name that was probably meant where one is not known: `hiden` is near `hidden`, and `acc` is in `val_accuracy`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_MOST_LISTED = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that was probably meant; of those that hold it in full, one of validation."""
    names = list(known)
    if close := get_close_matches(name, names, n=1, cutoff=0.75):
        return close[0]
    # `logarithmic` is nearer to `log` than to `logit`
    if begun := [candidate for candidate in names if len(candidate) > 2 and name.lower().startswith(candidate.lower())]:
        return max(begun, key=len)
    if close := get_close_matches(name, names, n=1):
        return close[0]
    lower = {candidate.lower(): candidate for candidate in reversed(names)}
    if close := get_close_matches(name.lower().replace("-", "_"), lower, n=1):
        return lower[close[0]]
    holding = [candidate for candidate in names if len(name) > 1 and _holds(candidate.lower(), name.lower())]
    return min(holding, key=lambda candidate: (not candidate.startswith("val"), len(candidate)), default=None)


def _holds(candidate: str, name: str) -> bool:
    """Return True if a name is a part of another, is nearly one of its words, or is made of their initials."""
    words = re.split(r"[_/.-]", candidate)
    return name in candidate or bool(get_close_matches(name, words, n=1, cutoff=0.75)) or name == _initials(words)


def _initials(words: Iterable[str]) -> str:
    return "".join(word[:1] for word in words)


def perhaps(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'hidden'?`, to be put after a list of what there is; nothing where no name is near."""
    near = nearest(name, known)
    return "" if near is None else f"; did you mean {near!r}?"


def did_you_mean(name: str, known: Iterable[str], *, listed: str = "there are") -> str:
    """Return `did you mean 'hidden'?`; where no name is near, a list of them, shortened if it is long."""
    names = list(known)
    if (near := nearest(name, names)) is not None:
        return f"did you mean {near!r}?"
    shown = names if len(names) <= _MOST_LISTED else [*names[:_MOST_LISTED], f"{len(names) - _MOST_LISTED} more"]
    return f"{listed} {', '.join(shown) or 'none'}"
