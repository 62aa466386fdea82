"""Flags that HfArgumentParser, simple-parsing, pyrallis and draccus make of dataclasses.

They are parsers of argparse, and are met as such where the script runs; here they are read from the source.
"""

from __future__ import annotations

from typing import Any, List, Sequence

from .setting import HOLE, Deliver, Setting, Source, is_given
from .signatures import dataclasses_in, read_fields

MODULES = ()
WORDS = ("HfArgumentParser", "simple_parsing", "pyrallis", "draccus")


def patch(module: Any, deliver: Deliver) -> None:
    """Do nothing: argparse is patched."""


def read(source: Source, args: Sequence[str]) -> List[Setting]:
    """Return the fields of the dataclasses that are passed to a parser."""
    classes = dataclasses_in(source)
    calls = source.calls("HfArgumentParser", "add_arguments", "parse", "wrap")
    passed = {name for _, call in calls for one in call.args for name in _names(one)}
    settings = [one for name in classes if name in passed for one in read_fields(source, name, classes, flat=True)]
    made = []
    for one in settings:
        option = f"--{one.name}"
        holes = [HOLE] * (len(one.default) if isinstance(one.default, list) else 1)
        made.append(Setting(**{**one.__dict__, "words": (option, *holes), "given": is_given((option,), args)}))
    return made


def _names(node: Any) -> List[str]:
    nodes = node.elts if hasattr(node, "elts") else [node]
    return [getattr(one, "id", getattr(one, "attr", "")) for one in nodes]
