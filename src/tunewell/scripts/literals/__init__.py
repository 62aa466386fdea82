"""The numbers and texts that are written in a script's source, by address: what they are called, and where they stand.

A script's own interpreter, which need not know tunewell, puts others in their places: so imports are relative, and
plain Python.

* `assigned`: what has a name of its own, `LR = 0.1`, `class Config:`, `config = {...}`,
* `calls`: numbers inside calls, `Adam(params, lr=1e-3)`, `range(10)`,
* `widths`: numbers that layers share, so that they are changed together.
"""

from __future__ import annotations

import ast

from . import assigned, calls
from .literal import Constant, value_of

__all__ = ["Constant", "constants", "value_of"]


def constants(tree: ast.Module) -> dict[str, Constant]:
    """Return the constants of a source by address: what is assigned once, and what stands in calls."""
    named = assigned.constants(tree)
    taken = {id(node) for one in named.values() for place in one.nodes for node in ast.walk(place)}
    others = calls.constants(tree)
    free = {
        address: one
        for address, one in others.items()
        if address not in named and not taken & {id(node) for node in one.nodes}
    }
    return {**named, **free}
