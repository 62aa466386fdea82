"""Constraints on settings: `hidden * layers <= 4096`, as text or as a function, computed for many settings at once.

A text is parsed, and only what is listed here is computed: arithmetic, comparisons, `and`, `or`, `not`, `in`, and a few
functions. Nothing of it is ever run as Python. A function is called once, with names in place of values, to see what it
compares, or is read in its source; so that a constraint is on record, and whoever goes on with a study has it.

Where a parameter that a constraint names is inactive, the constraint holds.

Shapes: n settings. All numbers are float64.
"""

from __future__ import annotations

import ast
import inspect
import operator
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewell.arrays import Floats
from tunewell.errors import SpaceError
from tunewell.near_names import did_you_mean
from tunewell.space.mends import shown
from tunewell.space.values import Value

ConstraintLike = str | Callable[[Any], object]
"""A text, or a function of the params that returns whether they may be tried."""
Columns = Mapping[str, NDArray[Any]]
"""The values of each parameter, (n,)."""

_LONGEST = 1000
_SAME = 1e-9  # a decoded number is rounded to 12 digits, and a bound that is met exactly is met
_ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "exp": np.exp,
    "floor": np.floor,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "round": np.rint,
    "sqrt": np.sqrt,
    "min": lambda *values: reduce(np.minimum, values),
    "max": lambda *values: reduce(np.maximum, values),
}
_OF_SEVERAL = ("min", "max")
_MIRRORED = (ast.LtE, ast.GtE, ast.Lt, ast.Gt)
_ORDERS = (*_MIRRORED, ast.Eq, ast.NotEq)
_EXAMPLE = "'hidden * layers <= 4096'"


@dataclass(frozen=True, slots=True)
class Constraint:
    """A condition that every setting meets which is tried; equal to another of the same text."""

    text: str
    _tree: ast.expr = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        tree = _parsed(self.text)
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "text", ast.unparse(tree))

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it names, in order."""
        called = {id(node.func) for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        found = (node for node in ast.walk(self._tree) if isinstance(node, ast.Name) and id(node) not in called)
        return tuple(dict.fromkeys(node.id for node in found))

    def holds(self, columns: Columns) -> NDArray[np.bool_]:
        """Return whether each setting meets it, (n,). Raises SpaceError if it cannot be computed."""
        n = len(next(iter(columns.values())))
        return np.broadcast_to(self._computed(_truth, columns), (n,)).copy()

    def excess(self, columns: Columns) -> Floats:
        """Return how far each setting is from meeting it, (n,): at most 0 where it does, so that a search may go down.

        In the unit of what it compares; 1 where it says no more than yes or no.
        """
        n = len(next(iter(columns.values())))
        found: Floats = np.nan_to_num(
            np.broadcast_to(self._computed(_excess, columns), (n,)), nan=np.inf, posinf=1e300, neginf=-1e300
        )
        return found

    def got(self, params: Mapping[str, Value]) -> str:
        """Return `hidden * layers is 8192`, what a setting has of it, for a message."""
        tree, columns = self._tree, {name: np.array([params[name]]) for name in self.names}
        if isinstance(tree, ast.Compare) and len(tree.ops) == 1 and isinstance(tree.ops[0], _ORDERS):
            sides = [
                side
                for side in (tree.left, tree.comparators[0])
                if any(isinstance(node, ast.Name) for node in ast.walk(side))
            ]
            with np.errstate(all="ignore"):
                return " and ".join(f"{ast.unparse(side)} is {_shown(_value(side, columns))}" for side in sides)
        return ", ".join(f"{name} is {params[name]!r}" for name in self.names)

    def _computed(self, compute: Callable[[ast.expr, Columns], Any], columns: Columns) -> Any:
        try:
            with np.errstate(all="ignore"):
                return compute(self._tree, columns)
        except (TypeError, ValueError) as error:
            raise SpaceError(
                f"{self.text} cannot be computed: it takes a text or a list for a number, or the other way round"
            ) from error


def constraint(given: object) -> Constraint:
    """Return the constraint that a user means.

    Raises:
        SpaceError: it is none.
    """
    if isinstance(given, Constraint):
        return given
    if isinstance(given, str):
        return Constraint(given)
    if isinstance(given, FunctionType):
        return Constraint(_text_of(given))
    raise SpaceError(f"a constraint is a text such as {_EXAMPLE}, or a function of the params; got {shown(given)}")


def check_names(one: Constraint, names: Sequence[str]) -> None:
    """Check that a constraint names parameters of a space only.

    Raises:
        SpaceError: it names another.
    """
    for name in one.names:
        if name not in names:
            raise SpaceError(f"{one.text}: there is no parameter {name!r}; {did_you_mean(name, names)}")


def _parsed(text: str) -> ast.expr:
    if not isinstance(text, str) or not text.strip() or len(text) > _LONGEST:
        raise SpaceError(
            f"a constraint is a text of at most {_LONGEST} characters, such as {_EXAMPLE}, got {shown(text)}"
        )
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError, ValueError) as error:
        raise SpaceError(f"the constraint {text!r} cannot be read; write it as in {_EXAMPLE}") from error
    _check(tree, text)
    if not _compares(tree):
        raise SpaceError(f"the constraint {text!r} compares nothing; write it as in {_EXAMPLE}")
    if not any(isinstance(node, ast.Name) for node in ast.walk(tree)):
        raise SpaceError(f"the constraint {text!r} names no parameter; write it as in {_EXAMPLE}")
    return tree


def _compares(node: ast.expr) -> bool:
    match node:
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.BoolOp():
            return all(map(_compares, node.values))
        case ast.IfExp():
            return _compares(node.body) and _compares(node.orelse)
    return False


def _check(node: ast.AST, text: str) -> None:
    """Check that all of an expression is among what may be computed."""
    match node:
        case ast.Name() | ast.Constant(value=bool() | int() | float() | str()):
            children: list[ast.AST] = []
        case ast.Tuple() | ast.List():
            children = [*node.elts]
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            children = [node.left, node.right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not()):
            children = [node.operand]
        case ast.BoolOp():
            children = [*node.values]
        case ast.IfExp():
            children = [node.test, node.body, node.orelse]
        case ast.Compare(ops=ops) if all(isinstance(op, (*_ORDERS, ast.In, ast.NotIn)) for op in ops):
            children = [node.left, *node.comparators]
            for op, side in zip(ops, node.comparators, strict=True):
                if isinstance(op, ast.In | ast.NotIn) and not isinstance(side, ast.Tuple | ast.List):
                    raise SpaceError(f"the constraint {text!r} needs a list after in: optimizer in ('sgd', 'adam')")
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in _FUNCTIONS:
            if not (len(node.args) == 1 or (name in _OF_SEVERAL and len(node.args) > 1)):
                raise SpaceError(
                    f"the constraint {text!r} gives {name} {len(node.args)} values, and it takes another number"
                )
            children = [*node.args]
        case _:
            what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise SpaceError(
                f"the constraint {text!r} has {what!r}, which is not computed here; there are + - * / // % **, "
                f"comparisons, and, or, not, in, and {', '.join(sorted(_FUNCTIONS))}"
            )
    for child in children:
        _check(child, text)


def _value(node: ast.expr, columns: Columns) -> Any:
    """Return the value of an expression, (n,) or a scalar."""
    match node:
        case ast.Name():
            return _number(columns[node.id])
        case ast.Constant(value=str() as value):
            return value
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]  # checked when it was parsed
        case ast.BinOp():
            left, right = _value(node.left, columns), _value(node.right, columns)
            if isinstance(left, str) or isinstance(right, str):
                raise TypeError("a text is no number")
            return _ARITHMETIC[type(node.op)](left, right)
        case ast.UnaryOp(op=ast.USub()):
            return np.negative(_value(node.operand, columns))
        case ast.UnaryOp(op=ast.UAdd()):
            return np.positive(_value(node.operand, columns))
        case ast.Call(func=ast.Name(id=name)):
            return _FUNCTIONS[name](*(_value(argument, columns) for argument in node.args))
        case ast.IfExp():
            test = _truth(node.test, columns)
            return np.where(test, _value(node.body, columns), _value(node.orelse, columns))
        case _:
            return np.asarray(_truth(node, columns), dtype=np.float64)


def _truth(node: ast.expr, columns: Columns) -> Any:
    match node:
        case ast.Compare():
            sides = [node.left, *node.comparators]
            found = [_compared(op, sides[place], sides[place + 1], columns) for place, op in enumerate(node.ops)]
            return reduce(np.logical_and, found)
        case ast.BoolOp(op=ast.And()):
            return reduce(np.logical_and, [_truth(value, columns) for value in node.values])
        case ast.BoolOp():
            return reduce(np.logical_or, [_truth(value, columns) for value in node.values])
        case ast.UnaryOp(op=ast.Not()):
            return np.logical_not(_truth(node.operand, columns))
        case ast.IfExp():
            test = _truth(node.test, columns)
            return np.where(test, _truth(node.body, columns), _truth(node.orelse, columns))
        case _:
            return np.asarray(_value(node, columns), dtype=np.float64) != 0


def _compared(op: ast.cmpop, left: ast.expr, right: ast.expr, columns: Columns) -> Any:
    one = _value(left, columns)
    if isinstance(op, ast.In | ast.NotIn) and isinstance(right, ast.Tuple | ast.List):
        among = reduce(np.logical_or, [_equal(one, _value(value, columns)) for value in right.elts], np.False_)
        return among if isinstance(op, ast.In) else np.logical_not(among)
    other = _value(right, columns)
    match op:
        case ast.Eq():
            return _equal(one, other)
        case ast.NotEq():
            return np.logical_not(_equal(one, other))
    one, other = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    near = _SAME * np.maximum(np.abs(one), np.abs(other))
    match op:
        case ast.LtE():
            return one <= other + near
        case ast.GtE():
            return one >= other - near
        case ast.Lt():
            return one < other
        case _:
            return one > other


def _equal(one: Any, other: Any) -> Any:
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind == other.dtype.kind == "f":
        return np.abs(one - other) <= _SAME * np.maximum(np.abs(one), np.abs(other))
    return np.equal(one.astype(object), other.astype(object)).astype(bool)


def _excess(node: ast.expr, columns: Columns) -> Any:
    """Return how far it is from being true; at most 0 where it is."""
    match node:
        case ast.BoolOp(op=ast.And()):
            return reduce(np.maximum, [_excess(value, columns) for value in node.values])
        case ast.BoolOp():
            return reduce(np.minimum, [_excess(value, columns) for value in node.values])
        case ast.Compare() if all(isinstance(op, (*_MIRRORED, ast.Eq)) for op in node.ops):
            sides = [_value(side, columns) for side in (node.left, *node.comparators)]
            if not any(isinstance(side, str) or np.asarray(side).dtype.kind != "f" for side in sides):
                met = _truth(node, columns)
                apart = [_distance(op, sides[k], sides[k + 1]) for k, op in enumerate(node.ops)]
                far = np.maximum(reduce(np.maximum, apart), np.finfo(np.float64).tiny)
                return np.where(met, 0.0, far)
    return np.where(_truth(node, columns), 0.0, 1.0)


def _distance(op: ast.cmpop, one: Any, other: Any) -> Any:
    if isinstance(op, ast.Eq):
        return np.abs(one - other)
    return one - other if isinstance(op, ast.LtE | ast.Lt) else other - one


def _number(values: NDArray[Any]) -> NDArray[Any]:
    """Return values as numbers, if they are."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    if values.dtype.kind == "O" and not any(isinstance(value, str) for value in values):
        return values.astype(np.float64)
    return values


def _shown(values: Any) -> str:
    value = np.asarray(values).ravel()[0]
    return f"{value:.6g}" if isinstance(value, float | np.floating) else repr(value)


# a function, in words that can be parsed


class _NotTraced(Exception):
    """A function does more with its names than arithmetic and comparisons."""


class _Traced:
    """A name, or what was computed of some: it writes down what is done with it."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tree: ast.expr) -> None:
        self.tree = tree

    def __bool__(self) -> bool:
        raise _NotTraced

    def __float__(self) -> float:
        raise _NotTraced

    __index__ = __int__ = __len__ = __iter__ = __float__

    def __neg__(self) -> _Traced:
        return _Traced(ast.UnaryOp(ast.USub(), self.tree))

    def __abs__(self) -> _Traced:
        return _Traced(ast.Call(ast.Name("abs"), [self.tree], []))


def _tree_of(value: object) -> ast.expr:
    if isinstance(value, _Traced):
        return value.tree
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float | str):
        return ast.Constant(value)
    raise _NotTraced


def _add_operators() -> None:
    def arithmetic(op: ast.operator) -> tuple[Any, Any]:
        return (
            lambda self, other: _Traced(ast.BinOp(self.tree, op, _tree_of(other))),
            lambda self, other: _Traced(ast.BinOp(_tree_of(other), op, self.tree)),
        )

    def comparison(op: ast.cmpop) -> Any:
        return lambda self, other: _Traced(ast.Compare(self.tree, [op], [_tree_of(other)]))

    kinds = ("add", ast.Add), ("sub", ast.Sub), ("mul", ast.Mult), ("truediv", ast.Div)
    kinds += ("floordiv", ast.FloorDiv), ("mod", ast.Mod), ("pow", ast.Pow)  # type: ignore[assignment]
    for name, kind in kinds:
        forward, backward = arithmetic(kind())
        setattr(_Traced, f"__{name}__", forward)
        setattr(_Traced, f"__r{name}__", backward)
    orders: tuple[tuple[str, type[ast.cmpop]], ...] = (
        ("le", ast.LtE), ("lt", ast.Lt), ("ge", ast.GtE), ("gt", ast.Gt), ("eq", ast.Eq), ("ne", ast.NotEq)
    )  # fmt: skip
    for name, order in orders:
        setattr(_Traced, f"__{name}__", comparison(order()))


_add_operators()


class _Names:
    """The params of a setting that is not known: each is its name."""

    def __getattr__(self, name: str) -> _Traced:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Traced(ast.Name(name))

    def __getitem__(self, name: str) -> _Traced:
        if not isinstance(name, str):
            raise _NotTraced
        return _Traced(ast.Name(name))


def _text_of(function: FunctionType) -> str:
    """Return what a function of the params computes, as text."""
    try:
        found = function(_Names())
    except Exception:  # noqa: BLE001  whatever it does with a name that is no number, its source may still be read
        found = None
    if isinstance(found, _Traced):
        return ast.unparse(ast.fix_missing_locations(found.tree))
    try:
        return ast.unparse(ast.fix_missing_locations(_Translated(function).visit(_returned(function))))
    except (OSError, TypeError, SyntaxError, _NotTraced):
        raise SpaceError(
            f"the constraint {function.__qualname__!r} does more than can be put on record; use arithmetic, "
            f"comparisons, and, or, not, in of the params alone, or write it as text: {_EXAMPLE}"
        ) from None


def _returned(function: FunctionType) -> ast.expr:
    """Return the expression that a function returns, read in its source."""
    source = textwrap.dedent(inspect.getsource(function))
    if function.__name__ != "<lambda>":
        body = ast.parse(source).body[0]
        statements = [one for one in getattr(body, "body", []) if not _is_docstring(one)]
        if len(statements) == 1 and isinstance(statements[0], ast.Return) and statements[0].value is not None:
            return statements[0].value
        raise _NotTraced
    mine = _traits(function.__code__)
    found = [tree for tree in _lambdas(source) if _traits(_code(tree)) == mine]
    if len({ast.unparse(tree) for tree in found}) != 1:
        raise _NotTraced
    return found[0].body


def _code(tree: ast.Lambda) -> CodeType:
    code: CodeType = compile(ast.Expression(tree), "<constraint>", "eval").co_consts[0]
    return code


def _traits(code: CodeType) -> object:
    """Return what tells a lambda from another in the same lines; what it closes over is global in a copy."""
    return code.co_varnames, {*code.co_names, *code.co_freevars}, set(map(repr, code.co_consts))


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _lambdas(source: str) -> Iterator[ast.Lambda]:
    """Yield the lambdas in lines that may be a part of a statement."""
    begin = source.find("lambda")
    while begin >= 0:
        for end in range(len(source), begin, -1):
            try:
                tree = ast.parse(f"({source[begin:end]}\n)", mode="eval").body
            except (SyntaxError, ValueError):
                continue
            if isinstance(tree, ast.Tuple):
                tree = tree.elts[0]
            if isinstance(tree, ast.Lambda):
                yield tree
                break
        begin = source.find("lambda", begin + 1)


class _Translated(ast.NodeTransformer):
    """Writes `hidden` for `p.hidden` and `p["hidden"]`, and the values of names that are constants."""

    def __init__(self, function: FunctionType) -> None:
        self._params = function.__code__.co_varnames[0]
        cells = {
            name: cell.cell_contents
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        }
        self._known = {**function.__globals__, **cells}

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name):
            if node.value.id == self._params:
                return ast.Name(node.attr)
            if node.value.id in ("math", "np", "numpy") and node.attr in _FUNCTIONS:
                return ast.Name(node.attr)
        raise _NotTraced

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id == self._params and isinstance(node.slice, ast.Constant):
            return ast.Name(str(node.slice.value))
        raise _NotTraced

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._known.get(node.id)
        if node.id in _FUNCTIONS and (value is None or callable(value)):
            return node
        return _tree_of(operator.index(value) if isinstance(value, np.integer) else value)
