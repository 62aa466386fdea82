"""Settings that Lightning writes beside a log: `hparams.yaml`, of which plain values by name are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tunewell.diagnosis.run_config import config_of, parse_value, valid_config

_FILE = "hparams.yaml"
_LINE = re.compile(r"(\w+):\s+([^\s#&!*|>{][^#]*)")
"""A name and a value on one line; nested settings and objects of Python's are left out."""


def settings_beside(log: Path) -> dict[str, Any]:
    """Read the settings beside a log or in its folder, as `config`; nothing if none has a usual name."""
    if log.is_dir():
        files = [log / _FILE] if (log / _FILE).exists() else sorted(log.glob(f"*/{_FILE}"))
    else:
        files = [log.parent / _FILE]
    if len(files) != 1 or not files[0].exists():
        return {}
    try:
        lines = files[0].read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}  # nobody named this file, and the curves are worth a diagnosis without it
    values = {found[1]: parse_value(found[2].strip()) for line in lines if (found := _LINE.fullmatch(line))}
    config = valid_config(config_of(values))
    return {"config": config} if config else {}
