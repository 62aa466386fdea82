"""The order of rows and of their labels, which has to be one."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import (
    Program,
    is_self_attribute,
    line,
    method,
    text,
)
from tunewell.inspection.source.rows import assigned, name_of, names_in, whole
from tunewell.inspection.source.torch_calls import loss_calls


def shuffled_apart(program: Program) -> Iterator[Mistake]:
    """Find rows and labels that are shuffled one by one, and so no longer belong together."""
    blocks = (getattr(node, "body", None) for node in program.nodes)
    for block in (one for one in blocks if isinstance(one, list)):
        before: tuple[ast.Call, str] | None = None
        for statement in block:
            call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
            if (
                isinstance(call, ast.Call)
                and method(call) in ("shuffle", "permutation")
                and call.args
                and name_of(call.args[0])
            ):
                shuffles = program.called(call) in (
                    "numpy.random.shuffle",
                    "random.shuffle",
                    "numpy.random.permutation",
                ) or bool(re.search(r"rng|random|generator", ast.unparse(call.func), re.IGNORECASE))
                name = name_of(call.args[0])
                paired = before is not None and (
                    _belong_together(before[1], name) or _are_loaded_together(program, before[0], call)
                )
                if shuffles and before is not None and paired:
                    yield program.mistake(
                        "labels-shuffled-apart",
                        call,
                        (
                            f"{before[1]} is shuffled on line {line(before[0])} and {name} by another draw on "
                            f"line {line(call)}"
                            ": rows no longer stand beside their own labels"
                        ),
                        f"draw one order: order = rng.permutation(len({before[1]})); take both by it",
                    )
                before = (call, name) if shuffles else None
            elif isinstance(call, ast.Call) and method(call) in ("seed", "setstate", "set_state", "manual_seed"):
                before = None  # the same order again


def _are_loaded_together(program: Program, one: ast.Call, other: ast.Call) -> bool:
    """Return True for the rows and labels that a data set of scikit-learn's gives."""
    names = [call.args[0] for call in (one, other)]
    found = [program.value(name) if isinstance(name, ast.Name) else None for name in names]
    if any(bound is None or bound.position not in (0, 1) for bound in found):
        return False
    first, second = (bound for bound in found if bound is not None)
    made = program.called(first.value)
    return first.at is second.at and first.position != second.position and made.startswith("sklearn.datasets.")


def shuffled_alone(program: Program) -> Iterator[Mistake]:
    """Find rows that are put into a new order, and labels beside them that are not, or by another draw."""
    for call in program.calls():
        statement = program.parent(call)
        shuffled = name_of(call.args[0]) if call.args else ""
        if _is_shuffle(program, call) and shuffled and isinstance(statement, ast.Expr):
            partner = _used_beside(program, statement, shuffled)
            anew = partner and _is_made_of(program, statement, partner, shuffled)
            if partner and not anew and partner not in _shuffled(program):
                yield _apart(program, call, shuffled, partner, "and not")
    for node in program.nodes:
        parts = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        taken = [one for one in parts if isinstance(one, ast.Subscript)]
        for one, other in itertools.pairwise(taken):
            names = [name_of(part) for part in (_rows(one), _rows(other))]
            draws = [sum(_is_drawn(program, inner) for inner in ast.walk(part)) for part in (one, other)]
            if any(draws) and _belong_together(*names):
                yield _apart(program, other, names[0], names[1], "apart from")
    yield from _reordered_alone(program)
    yield from _ordered_and_not(program)
    for _, loss, _ in loss_calls(program):
        labels = loss.args[1] if len(loss.args) > 1 else None
        taken = [] if labels is None else [one for one in ast.walk(labels) if isinstance(one, ast.Subscript)]
        if labels is not None and any(_is_drawn(program, part) for one in taken for part in ast.walk(one.slice)):
            yield program.mistake(
                "labels-shuffled-apart",
                labels,
                f"{text(labels)} on line {line(labels)} are labels in an order that is drawn there, for them alone",
                "draw one order, and take rows and labels by it",
            )


def _ordered_and_not(program: Program) -> Iterator[Mistake]:
    """Find rows that are handed on by a drawn order, and labels beside them that are a slice of what was not drawn."""
    reordered = set(_names_reordered(program))
    for node in program.nodes:
        parts = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        taken = [one for one in map(_unwrapped, parts) if isinstance(one, ast.Subscript)]
        if len(taken) != 2 or (isinstance(node, ast.Tuple) and len(parts) != 2):
            continue
        for one, other in (taken, taken[::-1]):
            is_slice = isinstance(other.slice, ast.Slice) and (other.slice.lower or other.slice.upper) is not None
            apart = is_slice and not isinstance(one.slice, ast.Slice) and _is_by_order(program, one.slice)
            kept = text(other.value) not in reordered
            if apart and kept and _belong_together(_last(one.value), _last(other.value)):
                yield _apart(program, other, text(one.value), text(other.value), "and not")


def _names_reordered(program: Program) -> Iterator[str]:
    """Yield what is given another order, or may be: what is made of itself, of a draw, or anew in a loop."""
    for node in program.nodes:
        for target, value in assigned(node):
            drawn = any(_is_drawn(program, one) or method(one) in _ORDERING for one in ast.walk(value))
            by_order = isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Slice)
            itself = text(target) in names_in(value)
            if drawn or by_order or itself or program.loops(node):
                yield from names_in(target) or [text(target)]


def _reordered_alone(program: Program) -> Iterator[Mistake]:
    """Find rows that are put into an order drawn for them, `x = x[permutation(n)]`, beside labels that are not."""
    for node in program.nodes:
        name = _reordered(program, node) if isinstance(node, ast.Assign) else ""
        if not name or not isinstance(node, ast.Assign):
            continue
        scope = program.scope(node)
        after = [one for one in ast.walk(scope) if line(one) > line(node)]
        for call in (one for one in after if isinstance(one, ast.Call)):
            given = [name_of(whole(one)) for one in call.args]
            is_pair = program.called(call).rpartition(".")[2] in _OF_ROWS or method(call) == "fit"
            if not is_pair or len(given) < 2 or name not in given:
                continue
            partner = next((one for one in given if one and one != name), "")
            made = [
                statement
                for statement in ast.walk(scope)
                if isinstance(statement, ast.Assign) and partner in [name_of(one) for one in statement.targets]
            ]
            as_it_was = bool(made) and all(line(one) < line(node) and not _reordered(program, one) for one in made)
            if partner and as_it_was:
                yield _apart(program, node, name, partner, "and not")
                break


def _is_shuffle(program: Program, call: ast.Call) -> bool:
    """Return True for a shuffle in place, by NumPy, by a generator of its, or by Python."""
    if method(call) != "shuffle" or not isinstance(call.func, ast.Attribute):
        return False
    if program.called(call) in ("numpy.random.shuffle", "random.shuffle"):
        return True
    makers = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random")
    return all(program.called(one) in makers for one in program.origins(call.func.value))


def _unwrapped(node: ast.expr) -> ast.expr:
    """Return `x[i]` of `torch.from_numpy(x[i])`."""
    while isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        node = node.args[0]
    return node


def _last(node: ast.expr) -> str:
    return node.attr if is_self_attribute(node) and isinstance(node, ast.Attribute) else name_of(node)


def _is_by_order(program: Program, index: ast.expr) -> bool:
    """Return True for a drawn order, and for a part of one: `order[i : i + 32]`."""
    found = program.origins(index)
    inner = [program.origins(one.value) if isinstance(one, ast.Subscript) else [one] for one in found]
    return all(_is_drawn(program, one) for ones in inner for one in ones)


_ORDERING = ("shuffle", "permutation", "take", "index_select", "sample")
_OF_ROWS = ("TensorDataset", "train_test_split", "ArrayDataset")


def shuffled_by_two_draws(program: Program) -> Iterator[Mistake]:
    """Find rows and labels that are each taken in an order drawn for them: `X = X[permutation(n)]`, then `y` so."""
    for call in program.calls():
        if program.called(call).rpartition(".")[2] in _OF_ROWS:
            drawn = [one for one in call.args if any(_is_drawn(program, part) for part in ast.walk(one))]
            if len(drawn) > 1:
                yield _apart(program, drawn[1], text(drawn[0]), text(drawn[1]), "apart from")
    for block in (body for node in program.nodes if isinstance(body := getattr(node, "body", None), list)):
        before: list[str] = []
        for statement in block:
            name = _reordered(program, statement)
            labels = next((one for one in before if _belong_together(one, name)), "") if name else ""
            if labels:
                yield _apart(program, statement, labels, name, "apart from")
            before += [name] if name else []


def _reordered(program: Program, statement: ast.stmt) -> str:
    """Return `x` of `x = x[permutation(len(x))]`; "" of any other statement."""
    taken = statement.value if isinstance(statement, ast.Assign) else None
    if not isinstance(statement, ast.Assign) or not isinstance(taken, ast.Subscript):
        return ""
    name = name_of(statement.targets[0])
    is_own = name_of(taken.value) == name and _is_drawn(program, taken.slice)
    return name if is_own else ""


def _rows(taken: ast.Subscript) -> ast.expr:
    """Return `y` of `y[order]`, and of `permutation(y)[order]`."""
    inner = taken.value
    return inner.args[0] if isinstance(inner, ast.Call) and inner.args else inner


def _is_drawn(program: Program, node: ast.AST) -> bool:
    names = ("numpy.random.permutation", "torch.randperm", "jax.random.permutation")
    return program.called(node) in names or method(node) == "permutation"


def _shuffled(program: Program) -> set[str]:
    return {name_of(call.args[0]) for call in program.calls() if method(call) == "shuffle" and call.args}


def _used_beside(program: Program, statement: ast.stmt, name: str) -> str:
    """Return the labels, made before a statement, that are used beside the rows of this name after it."""
    scope = program.scope(statement)
    before = {
        one.id
        for one in ast.walk(scope)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and line(one) < line(statement)
    }
    for node in ast.walk(scope):
        if isinstance(node, ast.Tuple | ast.Call) and line(node) > line(statement):
            parts = node.elts if isinstance(node, ast.Tuple) else node.args
            names = [name_of(whole(one)) for one in parts]
            labels = [one for one in names if one in before and _belong_together(name, one)]
            if name in names and labels:
                return labels[0]
    return ""


def _is_made_of(program: Program, statement: ast.stmt, partner: str, shuffled: str) -> bool:
    """Return True if the partner is made anew after a statement, of what was shuffled there."""
    after = (one for one in ast.walk(program.scope(statement)) if line(one) > line(statement))
    return any(
        any(partner in names_in(target) and shuffled in names_in(value) for target, value in assigned(one))
        or (isinstance(one, ast.For) and shuffled in names_in(one.iter) and partner in names_in(one))
        for one in after
    )


def _apart(program: Program, at: ast.AST, rows: str, labels: str, how: str) -> Mistake:
    return program.mistake(
        "labels-shuffled-apart",
        at,
        f"{rows} is shuffled {how} {labels} on line {line(at)}: rows no longer stand beside their own labels",
        f"draw one order: order = rng.permutation(len({rows})); take both by it",
    )


def _belong_together(one: str, other: str) -> bool:
    pattern = re.compile(r"^(x|X|features?|data|images?|inputs?|texts?)(_|\d|$|train|test)")
    labels = re.compile(r"^(y|Y|labels?|targets?|classes)(_|\d|$|train|test)")
    return bool((pattern.match(one) and labels.match(other)) or (labels.match(one) and pattern.match(other)))
