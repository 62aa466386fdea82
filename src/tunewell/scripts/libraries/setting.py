"""A setting of a script, as a library of flags has it, before anything is judged: plain data, fit for JSON."""

from __future__ import annotations

import ast
import enum
import math
import os
import re
from dataclasses import asdict, dataclass
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

HOLE = "{}"
"""Stands for the value in the words that set it."""
MOST_HELP = 300
_PLAIN = (bool, int, float, str)


@dataclass(frozen=True)
class Setting:
    """Something that a script lets be set, and the words that set it."""

    name: str
    """As the script has it: `learning-rate`, `optimizer.lr`."""
    default: Any = None
    """A bool, a number, a text, or a list of them; None where there is none."""
    kind: str = "other"
    """What it takes: float, int, number (a whole one that may be a float too), bool, str, or other."""
    choices: Tuple[Any, ...] = ()
    help: str = ""
    words: Tuple[str, ...] = ()
    """What sets it on the command line, with `{}` for each value."""
    on: Tuple[str, ...] = ()
    """Of one that is True or False and takes no value: the words of True. The same for `off`."""
    off: Tuple[str, ...] = ()
    given: bool = False
    """The user has set it in the command."""
    required: bool = False
    bounds: Tuple[Optional[float], Optional[float]] = (None, None)
    """The least and the most that it takes, as far as the script says."""
    at: Optional[int] = None
    """Where its words belong, counted in the script's arguments; None for the end."""
    only: Tuple[Any, ...] = ()
    """The name of another setting, and the values of that with which this one exists; none: it does with all."""

    def to_json(self) -> Dict[str, Any]:
        """Return plain data, of which `from_json` makes the same setting."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Dict[str, Any]) -> Setting:
        """Return the setting that `to_json` wrote."""
        known: Dict[str, Any] = {name: tuple(value) if name in _TUPLES else value for name, value in data.items()}
        return cls(**known)


_TUPLES = ("choices", "words", "on", "off", "bounds", "only")
Deliver = Callable[[Dict[str, Any]], Any]
"""Hands over what was found and ends the process; what it is given is JSON."""


def found(settings: Iterable[Setting], how: str, **more: Any) -> Dict[str, Any]:
    """Return what a look delivers: the settings, and where they were found."""
    return {"settings": [one.to_json() for one in settings], "how": how, **more}


def plain(value: Any) -> Any:
    """Return a value as JSON has it; None for what has no such form."""
    if hasattr(value, "item") and not isinstance(value, (list, tuple, dict)) and not getattr(value, "shape", None):
        value = value.item()  # NumPy's numbers
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (list, tuple)):
        values = [plain(one) for one in value]
        return values if all(one is not None for one in values) else None
    return None


def kind_of(value: Any, *, typed: bool = False) -> str:
    """Return the kind of a value; `typed`: a whole number is taken for one that has to stay whole."""
    if isinstance(value, (list, tuple)):
        kinds = {kind_of(one, typed=typed) for one in value}
        return kinds.pop() if len(kinds) == 1 else "float" if kinds and kinds <= {"int", "number", "float"} else "other"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if typed else "number"
    if isinstance(value, float):
        return "float"
    return "str" if isinstance(value, str) else "other"


def kind_of_type(kind: Any, default: Any) -> str:
    """Return the kind of what a type annotation, or a function that reads a text, makes."""
    text = kind if isinstance(kind, str) else getattr(kind, "__name__", "") if isinstance(kind, type) else str(kind)
    text = re.sub(r"\b(typing|Optional|Annotated|Union|None|NoneType|Final|ClassVar)\b|[\[\]|.]", " ", text)
    names = [word.lower() for word in re.findall(r"[A-Za-z_]\w*", text)]
    for name, kind_name in _TYPES:
        if name in names:
            return kind_name
    if default is not None:
        return kind_of(default, typed=isinstance(default, int))
    return "other"


_TYPES = (
    ("bool", "bool"), ("str2bool", "bool"), ("float", "float"), ("positivefloat", "float"),
    ("nonnegativefloat", "float"), ("closedunitinterval", "float"), ("openunitinterval", "float"),
    ("int", "int"), ("positiveint", "int"), ("nonnegativeint", "int"), ("str", "str"),
)  # fmt: skip


def literal_choices(kind: Any) -> Tuple[Any, ...]:
    """Return the choices of `Literal["a", "b"]` or of an enumeration; none of another annotation."""
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return tuple(str(name) for name in kind.__members__)
    if str(getattr(kind, "__origin__", "")).endswith("Literal"):
        return tuple(one for one in kind.__args__ if isinstance(one, _PLAIN))
    return ()


def is_given(options: Sequence[str], args: Sequence[str], *, prefixes: Sequence[str] = ()) -> bool:
    """Return True if one of the options is among the arguments: also `--lr=0.1`, `-b64` and a prefix of its own.

    prefixes: all long options, among which a prefix has to be the only one.
    """
    for word in args:
        if word == "--":
            break
        option = word.split("=", 1)[0]
        if option in options:
            return True
        if len(option) > 2 and not option.startswith("--") and option[:2] in options and option.startswith("-"):
            return True
        if option.startswith("--") and len(option) > 2:
            longer = [one for one in prefixes if one.startswith(option)]
            if len(longer) == 1 and longer[0] in options:
                return True
    return False


def where(depth: int = 1) -> str:
    """Return `train.py:12`, the line of the user's code that called; the package's own and libraries' are passed by."""
    import sys  # noqa: PLC0415

    frame: Any = sys._getframe(depth)
    while frame is not None:
        file = frame.f_code.co_filename
        parts = file.replace(os.sep, "/").split("/")
        if not {"site-packages", "dist-packages", "libraries"} & set(parts) and not file.startswith("<"):
            standard = os.path.dirname(os.__file__)
            if not file.startswith(standard):
                return f"{os.path.relpath(file) if os.path.isabs(file) else file}:{frame.f_lineno}"
        frame = frame.f_back
    return "the script"


class Source:
    """The text of a script and of the files beside it that it imports, read and never run."""

    def __init__(self, files: Sequence[Tuple[str, str]]) -> None:
        """Take pairs of a file's name and its text; the script comes first."""
        self.files: list[Tuple[str, str]] = list(files)
        self.trees: List[Tuple[str, ast.Module]] = []
        for name, text in files:
            try:
                self.trees.append((name, ast.parse(text)))
            except (SyntaxError, ValueError):
                continue
        self.names: Dict[str, Any] = {}
        for _, tree in self.trees:
            for node in tree.body:
                targets = (
                    node.targets
                    if isinstance(node, ast.Assign)
                    else [node.target]
                    if isinstance(node, ast.AnnAssign)
                    else []
                )
                if node_value := getattr(node, "value", None):
                    value = self.value(node_value)
                    self.names.update({t.id: value for t in targets if isinstance(t, ast.Name) and value is not None})

    @property
    def text(self) -> str:
        """All text."""
        return "\n".join(text for _, text in self.files)

    def calls(self, *names: str) -> List[Tuple[str, ast.Call]]:
        """Return the calls of functions or methods of these names, with their files."""
        return [
            (file, node)
            for file, tree in self.trees
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and called(node.func) in names
        ]

    def value(self, node: Optional[ast.AST]) -> Any:
        """Return the value of an expression of constants; None if it is none."""
        if node is None:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, _PLAIN) else None
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            values = [self.value(one) for one in node.elts]
            return None if any(one is None for one in values) else values
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.value(node.operand)
            return -value if isinstance(value, (int, float)) else None
        if isinstance(node, ast.BinOp):
            left, right = self.value(node.left), self.value(node.right)
            operation = _OPERATIONS.get(type(node.op))
            if operation and all(isinstance(one, (int, float)) for one in (left, right)) and abs(right) < 1e6:
                try:
                    return operation(left, right)
                except (ArithmeticError, ValueError):
                    return None
        if isinstance(node, ast.Call) and called(node.func) in ("list", "sorted", "tuple") and len(node.args) == 1:
            return self.value(node.args[0])
        return None


_OPERATIONS: Dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Pow: lambda a, b: a**b if abs(b) < 64 else None,
}


def called(node: ast.AST) -> str:
    """Return the last name of what is called: `option` of `click.option`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def keyword(call: ast.Call, name: str) -> Optional[ast.expr]:
    """Return the expression of a keyword argument."""
    return next((one.value for one in call.keywords if one.arg == name), None)
