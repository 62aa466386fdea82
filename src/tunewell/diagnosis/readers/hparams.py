"""Settings that Lightning writes beside a log: `hparams.yaml`, of which plain values by name are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tunewell.diagnosis.settings import settings_of, sound, value_of

_FILE = "hparams.yaml"
_LINE = re.compile(r"(\w+):\s+([^\s#&!*|>{][^#]*)")
"""A name and a value on one line; nested settings and objects of Python's are left out."""


def settings_beside(log: Path) -> dict[str, Any]:
    """`config`, as far as the settings beside a log or in its folder are of the usual names; nothing, of none."""
    if log.is_dir():
        files = [log / _FILE] if (log / _FILE).exists() else sorted(log.glob(f"*/{_FILE}"))
    else:
        files = [log.parent / _FILE]
    if len(files) != 1 or not files[0].exists():
        return {}
    try:
        lines = files[0].read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}  # it is not what was asked for, and the curves are worth an answer without it
    values = {found[1]: value_of(found[2].strip()) for line in lines if (found := _LINE.fullmatch(line))}
    config = sound(settings_of(values))
    return {"config": config} if config else {}
