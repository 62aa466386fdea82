"""The field's habits: which settings of a training script are hyperparameters, judged by their names, types and help.

The first habit that fits holds: what is never tuned, then what is, then other reasons to leave a setting out. What fits
none is left out as well, as no usual range is known for it, unless its help says what it is.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tunewell.scripts import ranges
from tunewell.scripts.libraries.setting import Setting
from tunewell.scripts.names import (
    BY_HELP,
    CHANNELS,
    LENGTH,
    LENGTH_IN_WORDS,
    NEVER,
    NEVERTHELESS,
    OF_DATA,
    OF_EVALUATION,
    OTHERWISE,
    ROUNDS,
    SEEDS,
    TRUTHS,
    TUNED,
)
from tunewell.scripts.ranges import Facts, plain_name
from tunewell.space.params import Param

_NOT_KNOWN = "no usual range is known for it; a space of your own (--space) can have it"


def is_length(setting: Setting) -> bool:
    """Return True if it is the number of epochs of a training, by its name or its help."""
    name = plain_name(setting.name)
    flag = plain_name(setting.words[0].partition("=")[0]) if setting.words and setting.words[0].startswith("--") else ""
    is_named = LENGTH.fullmatch(name) or (LENGTH.fullmatch(flag) and len(name) <= 2)
    return bool(is_named or (name in ROUNDS and LENGTH_IN_WORDS.search(setting.help.lower())))


def is_seed(setting: Setting) -> bool:
    """Return True if it is the seed of a training."""
    return plain_name(setting.name) in SEEDS


def proposed(setting: Setting, facts: Facts, *, anyway: bool = False) -> Param | str:
    """Return the parameter that a setting should be, or why it is none; `anyway`: also if its name is not known."""
    name = f"_{plain_name(setting.name)}_"
    # filters1 goes by filters, unless it is a name of its own as beta1 is
    names = (name, re.sub(r"(?<=[a-z]{3})\d+(?=_)", "", name))
    if not NEVERTHELESS.search(name):
        for reason, pattern in NEVER:
            if pattern.search(name):
                return reason
    if OF_EVALUATION.search(setting.help.lower()):
        return "is about evaluating"
    if setting.kind == "bool of any text":
        return "type=bool takes every text for True; let it be argparse.BooleanOptionalAction"
    if setting.kind == "bool":
        return ranges.truth(setting) if TRUTHS.search(name) else "is True or False, and no usual hyperparameter"
    if setting.kind == "str" and isinstance(setting.default, int | float):
        return "has no type, so that the script gets text; add type=float to it"
    if OF_DATA.search(setting.help.lower()) or (CHANNELS.search(name) and setting.default in (1, 3)):
        return "is the size of the data"
    for pattern, make in TUNED:
        if any(map(pattern.search, names)):
            return ranges.allowed(make(setting, facts), setting)
    for reason, pattern in OTHERWISE:
        if pattern.search(name):
            return reason
    if setting.kind in ("float", "number", "int"):
        return ranges.number(setting, facts) if anyway else _by_help(setting, facts)
    if setting.choices:
        return _last(ranges.named(setting, facts))
    return "is text" if setting.kind == "str" else _NOT_KNOWN


def _by_help(setting: Setting, facts: Facts) -> Param | str:
    """Return what the help of a setting with an unknown name says that it is.

    Most that are fractions are hyperparameters; whole numbers are as often sizes of something else.
    """
    text = setting.help.lower()
    for pattern, make in BY_HELP:
        if re.search(pattern, text):
            return make(setting, facts)
    is_fraction = setting.kind == "float" and isinstance(setting.default, int | float) and setting.default > 0
    return _last(ranges.coefficient(setting, facts)) if is_fraction else _NOT_KNOWN


def _last(param: Param | str) -> Param | str:
    """Return a parameter of the last tier: it is held at its default unless all is tuned."""
    return param if isinstance(param, str) or param.default is None else replace(param, tier=4)
