"""A parsed Python program: what its names mean, and where their values come from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.notebook import Cells

Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While
_BRANCHES = (ast.If, ast.Try, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Match)
_SAME_PACKAGE = (("tensorflow.keras.", "keras."), ("tf_keras.", "keras."), ("keras.api.", "keras."))
_PACKAGES = ("keras", "torch", "tensorflow")  # by which name they may come from elsewhere too
_MOST_STEPS = 25  # from name to name


@dataclass(frozen=True, slots=True)
class Binding:
    """One place where a name gets a value."""

    value: ast.expr
    """The expression on the right."""
    position: int | None
    """Which of the values, where several names are on the left."""
    at: ast.AST
    """The statement."""

    @property
    def is_whole(self) -> bool:
        """True if the name holds the expression itself, and no part of it, or more than it (`x += y`)."""
        return self.position is None and not isinstance(self.at, ast.AugAssign)


class Program:
    """A parsed file."""

    def __init__(self, text: str, path: str = "", cells: Cells | None = None) -> None:
        """Parse the text; `cells` are those of a notebook that it was joined of.

        Raises:
            SyntaxError: it is no Python.
        """
        self.path = path
        self.text = text
        self._cells = cells
        self.tree: ast.Module = ast.parse(text, path or "<program>")
        self.nodes: list[ast.AST] = list(ast.walk(self.tree))
        self._parents = {child: parent for parent in self.nodes for child in ast.iter_child_nodes(parent)}
        self.functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {
            node.name: node for node in self.nodes if isinstance(node, Function)
        }
        """By name; of several of one name, the last."""
        self.classes: dict[str, ast.ClassDef] = {
            node.name: node for node in self.nodes if isinstance(node, ast.ClassDef)
        }
        self._imports = dict(self._imported())
        self._known_passed: dict[tuple[Function, str], list[Binding]] = {}
        self._known_origins: dict[ast.expr, list[ast.expr]] = {}
        self._known_numbers: dict[ast.expr, float | None] = {}

    def mistake(self, kind: str, at: ast.AST, seen: str, mend: str) -> Mistake:
        """Return a mistake at a node of the program."""
        if self._cells is None:
            return Mistake(kind, seen, mend, self.path, line(at))
        cell, in_cell = self._cells.place(line(at))
        return Mistake(kind, self._cells.placed(seen), self._cells.placed(mend), self.path, in_cell, cell)

    @property
    def is_notebook(self) -> bool:
        """True if it was joined of the cells of a notebook."""
        return self._cells is not None

    # --- names

    def name(self, node: ast.AST | None) -> str:
        """Return what an expression names, with imports followed: `torch.nn.Linear`; empty if it is no name."""
        if isinstance(node, ast.Name):
            return self._alias(node.id)
        if isinstance(node, ast.Attribute) and (owner := self.name(node.value)):
            return _canonical(f"{owner}.{node.attr}")
        return ""

    def called(self, node: ast.AST | None) -> str:
        """Return the name of what an expression calls; empty if it is no call of a name."""
        return self.name(node.func) if isinstance(node, ast.Call) else ""

    def mentions(self, *beginnings: str) -> bool:
        """Return True if the program imports a package of such a name."""
        return any(
            f"{name}.".startswith(f"{beginning}.") for name in self._imports.values() for beginning in beginnings
        )

    def _imported(self) -> Iterator[tuple[str, str]]:
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for one in node.names:
                    root = one.name.partition(".")[0]
                    yield (one.asname, one.name) if one.asname else (root, root)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for one in node.names:
                    yield one.asname or one.name, f"{node.module}.{one.name}"

    def _alias(self, name: str) -> str:
        """Return what a name stands for, if it was imported, or is another name of a part of a package."""
        if name in self._imports:
            return _canonical(self._imports[name])
        return self._shorthands.get(name, name)

    @cached_property
    def _shorthands(self) -> dict[str, str]:
        """Names such as `L` of `L = keras.layers`, that mean one thing in all of the program."""
        found: dict[str, set[str]] = {}
        for node in self.nodes:
            for target, value in _pairs(node):
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, set()).add(self._part_of_package(value))
        return {name: next(iter(meant)) for name, meant in found.items() if len(meant) == 1 and "" not in meant}

    def _part_of_package(self, node: ast.expr) -> str:
        """Return the name of an attribute of a package; empty for all else."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        root = node.id if isinstance(node, ast.Name) else ""
        if not attributes or not (root in self._imports or root in _PACKAGES):
            return ""
        return _canonical(".".join([self._imports.get(root, root), *attributes]))

    # --- places

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return the node that holds this one."""
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around this one, the nearest first."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def scope(self, node: ast.AST) -> Scope:
        """Return the function, class or file that a node stands in."""
        return next((one for one in self.ancestors(node) if isinstance(one, Scope)), self.tree)

    def function(self, node: ast.AST) -> Function | None:
        """Return the innermost function that a node stands in."""
        return next((one for one in self.ancestors(node) if isinstance(one, Function)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """Return the innermost class that a node stands in."""
        return next((one for one in self.ancestors(node) if isinstance(one, ast.ClassDef)), None)

    def loops(self, node: ast.AST) -> list[Loop]:
        """Return the loops around a node within its function, the innermost first: those that do it in each turn."""
        found: list[Loop] = []
        inner = node
        for one in self.ancestors(node):
            if isinstance(one, Function | ast.ClassDef):
                break
            if isinstance(one, Loop) and inner is not getattr(one, "iter", None):  # which is made once
                found.append(one)
            inner = one
        return found

    def calls(self, inside: ast.AST | None = None) -> Iterator[ast.Call]:
        """Yield all calls of the program, or of a part of it."""
        nodes = self.nodes if inside is None else ast.walk(inside)
        return (node for node in nodes if isinstance(node, ast.Call))

    def reached(self, inside: ast.AST, depth: int = 3) -> Iterator[ast.AST]:
        """Yield the nodes of a part of the program, and of the program's functions that it calls."""
        seen: set[str] = set()

        def visit(part: ast.AST, left: int) -> Iterator[ast.AST]:
            for node in ast.walk(part):
                yield node
                called = node.func if isinstance(node, ast.Call) else None
                name = (
                    called.id
                    if isinstance(called, ast.Name)
                    else called.attr
                    if isinstance(called, ast.Attribute)
                    else ""
                )
                if left and name in self.functions and name not in seen and name not in ("forward", "__init__"):
                    seen.add(name)
                    yield from visit(self.functions[name], left - 1)

        return visit(inside, depth)

    # --- values

    def values(self, name: ast.Name) -> list[Binding]:
        """Return what a name may hold where it stands; of a parameter, what the program's calls pass."""
        scope: Scope | None = self.scope(name)
        while scope is not None:
            bound = self._bindings.get(scope, {}).get(name.id)
            if bound:
                return self._reaching(name, bound)
            if isinstance(scope, Function) and name.id in _parameters(scope):
                return self._passed(scope, name.id)
            scope = None if isinstance(scope, ast.Module) else self.scope(scope)
        return []

    def value(self, name: ast.Name) -> Binding | None:
        """Return the only value that a name can have where it stands; what is written alike is the same."""
        found = self.values(name)
        return found[0] if len({(one.position, ast.dump(one.value)) for one in found}) == 1 else None

    def earlier(self, name: ast.Name, statement: ast.AST) -> Binding | None:
        """Return what a name held before a statement of its own function that gives it another value."""
        bound = self._bindings.get(self.scope(statement), {}).get(name.id, [])
        return next((one for one in reversed(bound) if _line(one.at) < _line(statement)), None)

    def attribute(self, owner: ast.ClassDef, name: str) -> list[Binding]:
        """Return what `self.name` of a class may hold."""
        return self._attributes.get(owner, {}).get(name, [])

    def number(self, node: ast.AST | None) -> float | None:
        """Return the number that an expression has, as far as the source tells: a flag's or a field's default too."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return float(node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.number(node.operand)
            return None if inner is None else -inner
        if isinstance(node, ast.Name):
            if node not in self._known_numbers:
                self._known_numbers[node] = None  # where it leads back to itself
                values = self.values(node)
                known = {self.number(one.value) if one.is_whole else None for one in values}
                self._known_numbers[node] = known.pop() if len(known) == 1 else None
            return self._known_numbers[node]
        if isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Call):
            return self._defaults.get(node.attr)
        return None

    @cached_property
    def _defaults(self) -> dict[str, float]:
        """The default values of flags, of fields, and of parameters to be tuned, by name."""
        found: dict[str, float] = {}
        self.__dict__["_defaults"] = found  # known while it is made: a default may name another field
        for call in self.calls():
            attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            flags = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            default = self.number(keyword(call, "default"))
            if attribute == "add_argument" and flags and default is not None:
                found[max(flags, key=len).lstrip("-").replace("-", "_")] = default
            if self.called(call).endswith("Space"):
                for param in call.keywords:
                    inner = self.number(keyword(param.value, "default")) if isinstance(param.value, ast.Call) else None
                    if param.arg and inner is not None:
                        found[param.arg] = inner
        for owner in self.classes.values():
            for node in owner.body:
                for target, value in _pairs(node):
                    if isinstance(target, ast.Name) and (known := self.number(value)) is not None:
                        found[target.id] = known
        return found

    @cached_property
    def _bindings(self) -> dict[ast.AST, dict[str, list[Binding]]]:
        found: dict[ast.AST, dict[str, list[Binding]]] = {}
        for node in self.nodes:
            for target, value in _pairs(node):
                for position, name in _bound_names(target):
                    by_name = found.setdefault(self.scope(node), {})
                    by_name.setdefault(name, []).append(Binding(value, position, node))
        for by_name in found.values():
            for bound in by_name.values():
                bound.sort(key=lambda one: (_line(one.at), getattr(one.at, "col_offset", 0)))
        return found

    @cached_property
    def _attributes(self) -> dict[ast.AST, dict[str, list[Binding]]]:
        found: dict[ast.AST, dict[str, list[Binding]]] = {}
        for node in self.nodes:
            for target, value in _pairs(node):
                targets = list(enumerate(target.elts)) if isinstance(target, ast.Tuple | ast.List) else [(None, target)]
                pairs = [(position, one) for position, one in targets if is_self_attribute(one)]
                owner = self.class_of(node) if pairs else None
                if owner is None:
                    continue
                for position, one in pairs:
                    inner = value
                    if (
                        position is not None
                        and isinstance(value, ast.Tuple | ast.List)
                        and len(value.elts) == len(targets)
                    ):
                        inner, position = value.elts[position], None  # noqa: PLW2901  the value that is this one's
                    assert isinstance(one, ast.Attribute)
                    found.setdefault(owner, {}).setdefault(one.attr, []).append(Binding(inner, position, node))
        return found

    def _reaching(self, name: ast.Name, bound: list[Binding]) -> list[Binding]:
        around = set(self.ancestors(name))
        before = [one for one in bound if _line(one.at) <= name.lineno and one.at not in around]
        found: list[Binding] = []
        for one in reversed(before or [one for one in bound if one.at not in around]):
            found.append(one)
            if not any(isinstance(branch, _BRANCHES) and branch not in around for branch in self.ancestors(one.at)):
                break
        return [self._unpacked(one) for one in found]

    def _unpacked(self, one: Binding) -> Binding:
        """Return the value of one name, of `a, b = x, y`."""
        if one.position in range(len(getattr(one.value, "elts", ()))) and isinstance(one.value, ast.Tuple):
            assert one.position is not None
            return Binding(one.value.elts[one.position], None, one.at)
        return one

    def _passed(self, function: Function, parameter: str) -> list[Binding]:
        """Return what the program's calls pass for a parameter, or leave to its default."""
        if (function, parameter) in self._known_passed:  # or in the midst of it: a function that calls itself
            return self._known_passed[function, parameter]
        self._known_passed[function, parameter] = given = []
        names = _parameters(function)
        is_method = isinstance(self.parent(function), ast.ClassDef) and names[:1] in (["self"], ["cls"])
        place = names.index(parameter) - is_method
        if place < 0:
            return []
        for call in self._calls_of(function):
            value = keyword(call, parameter)
            starred = any(isinstance(one, ast.Starred) for one in call.args) or not all(
                one.arg for one in call.keywords
            )
            if value is None and place < len(call.args) and not starred:
                value = call.args[place]
            if value is None and not starred:
                value = _default(function, parameter)
            if value is not None:
                given.append(Binding(value, None, call))
        return given

    def _calls_of(self, function: Function) -> Iterator[ast.Call]:
        """Yield the calls that can only mean this function of the program; of `__init__`, those of its class."""
        owner = self.parent(function)
        if isinstance(owner, ast.ClassDef) and function.name == "__init__":
            yield from (call for call in self.calls() if self.classes.get(self.name(call.func)) is owner)
            return
        for call in self.calls():
            if isinstance(owner, ast.ClassDef):
                is_named = method(call) == function.name and self._is_of(call, owner)
                is_itself = function.name in ("forward", "__call__") and self._is_an(call.func, owner)
                if is_named or is_itself:
                    yield call
            elif self._unwrapped(call.func) == function.name:
                yield call

    @staticmethod
    def _unwrapped(called: ast.expr) -> str:
        """Return the name of a function that is called, by itself or changed by another: `grad(loss)(params)`."""
        if isinstance(called, ast.Call) and called.args:
            called = called.args[0]
        return called.id if isinstance(called, ast.Name) else ""

    def parameter_of(self, call: ast.Call, given: ast.expr) -> str:
        """Return the name by which a function or class of the program takes an argument."""
        called = self.called(call)
        function: Function | None = self.functions.get(called)
        if called in self.classes:
            body = self.classes[called].body
            function = next((one for one in body if isinstance(one, Function) and one.name == "__init__"), None)
        names = [] if function is None else [one for one in _parameters(function) if one != "self"]
        place = call.args.index(given) if given in call.args else len(names)
        return names[place] if place < len(names) else ""

    def _is_of(self, call: ast.Call, owner: ast.ClassDef) -> bool:
        """Return True if a method is called of an object of this class."""
        of = call.func.value if isinstance(call.func, ast.Attribute) else call
        if isinstance(of, ast.Name) and of.id == "self":
            return self.class_of(call) is owner
        return self._is_an(of, owner)

    def _is_an(self, node: ast.expr, owner: ast.ClassDef) -> bool:
        """Return True for an object of this class."""
        return all(self.classes.get(self.called(one)) is owner for one in self.origins(node))

    def origins(self, node: ast.expr, steps: int = 0) -> list[ast.expr]:
        """Return the expressions that a value may come from; where the source does not tell, the expression itself.

        Names and attributes are followed to what they were given, calls of the program's own functions to what these
        return, and parts of a tuple or list to its elements.
        """
        if steps > _MOST_STEPS:
            return [node]
        if node not in self._known_origins:  # else each branch would double the ways, and a program has many
            self._known_origins[node] = list(dict.fromkeys(self._followed(node, steps)))
        return self._known_origins[node]

    def _followed(self, node: ast.expr, steps: int) -> list[ast.expr]:
        found: list[ast.expr] = []
        if isinstance(node, ast.Name):
            for one in self.values(node):
                found += self._origins_of_part(one, node, steps + 1)
            return found or self._elements_gone_through(node, steps + 1) or [node]
        if isinstance(node, ast.Attribute) and (owner := self._class_behind(node.value, steps + 1)) is not None:
            for one in self.attribute(owner, node.attr):
                found += self._origins_of_part(one, node, steps + 1)
        elif isinstance(node, ast.Call):
            for value in self.returned(node, steps + 1):
                found += self.origins(value, steps + 1)
        elif isinstance(node, ast.Subscript) and isinstance(place := constant(node.slice), int):
            held = self.origins(node.value, steps + 1)
            if all(isinstance(one, ast.Tuple | ast.List) and place < len(one.elts) for one in held):
                return [inner for one in held for inner in self.origins(one.elts[place], steps + 1)]  # type: ignore[attr-defined]
        return found or [node]

    def _origins_of_part(self, one: Binding, node: ast.expr, steps: int) -> list[ast.expr]:
        if one.is_whole:
            return self.origins(one.value, steps)
        held = self.origins(one.value, steps) if one.position is not None else []
        found: list[ast.expr] = []
        for whole in held:
            if not isinstance(whole, ast.Tuple | ast.List) or one.position not in range(len(whole.elts)):
                return [node]
            assert one.position is not None
            found += self.origins(whole.elts[one.position], steps)
        return found or [node]

    def _elements_gone_through(self, name: ast.Name, steps: int) -> list[ast.expr]:
        """Return the elements of the list that a loop goes through by this name."""
        for loop in self.loops(name):
            if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and loop.target.id == name.id:
                held = self.origins(loop.iter, steps)
                if all(isinstance(one, ast.Tuple | ast.List) for one in held):
                    return [inner for one in held for part in one.elts for inner in self.origins(part, steps)]  # type: ignore[attr-defined]
        return []

    def _class_behind(self, node: ast.expr, steps: int) -> ast.ClassDef | None:
        """Return the class of the program that an object is of."""
        if isinstance(node, ast.Name) and node.id == "self":
            return self.class_of(node)
        kinds = {self.called(one) for one in self.origins(node, steps)}
        return self.classes.get(kinds.pop()) if len(kinds) == 1 else None

    def returned(self, call: ast.Call, steps: int = 0) -> list[ast.expr]:
        """Return what a call of a function or method of the program may return; nothing if it is of another."""
        function = self.functions.get(self.called(call)) if isinstance(call.func, ast.Name) else None
        if isinstance(call.func, ast.Attribute):
            owner = self._class_behind(call.func.value, steps)
            body = [] if owner is None else owner.body
            function = next((one for one in body if isinstance(one, Function) and one.name == call.func.attr), None)
        return [] if function is None else self.results(function)

    def results(self, function: Function) -> list[ast.expr]:
        """Return the expressions that a function returns."""
        nodes = (node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None)
        return [node.value for node in nodes if self.function(node) is function and node.value is not None]


def keyword(call: ast.AST, name: str) -> ast.expr | None:
    """Return the argument of this name."""
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return next((one.value for one in keywords if one.arg == name), None)


def argument(call: ast.Call, place: int | None, name: str) -> ast.expr | None:
    """Return the argument at a place, or of a name."""
    if place is not None and place < len(call.args) and not any(isinstance(one, ast.Starred) for one in call.args):
        return call.args[place]
    return keyword(call, name)


def constant(node: ast.AST | None) -> object:
    """Return the constant that stands there; None if it is none."""
    return node.value if isinstance(node, ast.Constant) else None


def is_self_attribute(node: ast.AST) -> bool:
    """Return True for `self.something`."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"


def method(node: ast.AST) -> str:
    """Return the name of the method that is called, such as `backward` of `loss.backward()`; empty if it is none."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def text(node: ast.AST) -> str:
    """Return an expression as it would be written, on one line, not longer than is read at a glance."""
    written = " ".join(ast.unparse(node).split())
    return written if len(written) <= 60 else f"{written[:57]}..."


def line(node: ast.AST) -> int:
    """Return the line of a node, from 1."""
    return _line(node)


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _parameters(function: Function) -> list[str]:
    taken = function.args
    return [one.arg for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]


def _default(function: Function, parameter: str) -> ast.expr | None:
    """Return the default value of a parameter."""
    taken = function.args
    by_place = [*taken.posonlyargs, *taken.args]
    defaults = dict(zip(reversed([one.arg for one in by_place]), reversed(taken.defaults), strict=False))
    named = zip((one.arg for one in taken.kwonlyargs), taken.kw_defaults, strict=True)
    return {**defaults, **{name: value for name, value in named if value is not None}}.get(parameter)


def _bound_names(target: ast.expr) -> Iterator[tuple[int | None, str]]:
    """Yield the names on the left, with their places; -1 for one that is deeper, as `a` of `(a, b), c`."""
    if isinstance(target, ast.Name):
        yield None, target.id
    elif isinstance(target, ast.Tuple | ast.List):
        for place, one in enumerate(target.elts):
            for deeper, name in _bound_names(one):
                yield place if deeper is None else -1, name


def _canonical(name: str) -> str:
    for other, ours in _SAME_PACKAGE:
        if name.startswith(other):
            return ours + name.removeprefix(other)
    return name


def _pairs(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield the targets and the value of an assignment."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            same = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            if same and len(target.elts) == len(node.value.elts):  # type: ignore[attr-defined]
                yield from zip(target.elts, node.value.elts, strict=True)  # type: ignore[attr-defined]
            else:
                yield target, node.value
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield node.optional_vars, node.context_expr
