"""The graph of a tensor's gradient, walked back: which operation a value comes from, whatever it is called by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_ANY_NUMBER = re.compile(r"Backward\d*$")
_RESHAPING = frozenset(
    """
    View UnsafeView ReshapeAlias Squeeze Unsqueeze Transpose T Permute Slice Select Index Clone ToCopy Alias AsStrided
    Expand Split Unbind Narrow SwapAxes Contiguous Flatten ViewAs MovedimView Repeat
    """.split()  # noqa: SIM905  a list of that length is not read
)
"""Operations that take over, move or leave out values, and change none."""


def operation(node: Any) -> str:
    """Return a node's name without its number: `Softmax`."""
    return _ANY_NUMBER.sub("", node.name()) if node is not None else ""


def inputs_of(node: Any) -> list[Any]:
    """Return the nodes that a node's inputs come from, as far as they have a gradient."""
    return [before for before, _ in node.next_functions if before is not None]


def last_operation(node: Any, *, also: frozenset[str] = frozenset()) -> Any:
    """Return the node of the last operation that changed a value; None if there is none."""
    while node is not None and operation(node) in _RESHAPING | also:
        before = inputs_of(node)
        node = before[0] if before else None
    return node


def nodes(root: Any, most: int = 20_000) -> Iterator[Any]:
    """Yield each node of a graph once."""
    waiting: list[Any] = [root]
    seen: set[Any] = set()
    while waiting and len(seen) < most:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting += inputs_of(node)


def leaves(root: Any) -> set[int]:
    """Return the ids of the parameters that a graph ends in."""
    return {id(node.variable) for node in nodes(root) if hasattr(node, "variable")}


def chain(root: Any, through: frozenset[str]) -> Iterator[Any]:
    """Yield the nodes from a graph's root on, as long as they are of the named operations, and those next to them."""
    waiting: list[Any] = [root]
    seen: set[Any] = set()
    while waiting and len(seen) < 200:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        if operation(node) in through or operation(node) in _RESHAPING:
            waiting += inputs_of(node)
