"""The source of a script: its own file, and those beside it that it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunewell.scripts.libraries.setting import Source, called

_MOST_FILES = 64
_LARGEST = 2**20


def source_of(script: Path) -> Source:
    """Return the text of a script and of the modules beside it, as far as it imports them."""
    files: dict[Path, str] = {}
    waiting = [script]
    roots = [script.parent, Path(), Path("src")]
    while waiting and len(files) < _MOST_FILES:
        path = waiting.pop(0)
        if path in files or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        files[path] = path.read_text(encoding="utf-8", errors="replace")
        try:
            tree = ast.parse(files[path])
        except (SyntaxError, ValueError):
            continue
        waiting += [found for name in _imported(tree) for found in _found(name, [path.parent, *roots])]
    return Source([(str(path), text) for path, text in files.items()])


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}".strip(".") for alias in node.names)


def _found(name: str, roots: Sequence[Path]) -> Iterator[Path]:
    if not name:
        return
    parts = Path(*name.split("."))
    for root in roots:
        for place in (root / parts.with_suffix(".py"), root / parts / "__init__.py"):
            if place.is_file():
                yield place
                return


def compared(source: Source, name: str) -> list[str]:
    """Return the texts that the source compares a setting with, or looks up by it: `args.optimizer == "sgd"`."""
    plain = name.rpartition(".")[2].lstrip("-").replace("-", "_")
    texts: list[str] = []
    for _, tree in source.trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and _is_named(node.left, plain):
                for operator, other in zip(node.ops, node.comparators, strict=True):
                    if isinstance(operator, ast.Eq | ast.In):
                        texts += _texts(source.value(other))
            elif isinstance(node, ast.Match) and _is_named(node.subject, plain):
                for case in node.cases:
                    patterns = case.pattern.patterns if isinstance(case.pattern, ast.MatchOr) else [case.pattern]
                    values = [source.value(one.value) for one in patterns if isinstance(one, ast.MatchValue)]
                    texts += _texts(values)
            elif isinstance(node, ast.Subscript) and _is_named(node.slice, plain):
                texts += _keys(node.value, source)
    return list(dict.fromkeys(texts))


def _is_named(node: ast.expr, name: str) -> bool:
    while (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and called(node.func) in ("lower", "upper", "strip")
    ):
        node = node.func.value
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return bool(node.slice.value == name)
    found = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return found.lower() == name.lower()


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str)]


def _keys(node: ast.expr, source: Source) -> list[str]:
    if isinstance(node, ast.Name):
        for _, tree in source.trees:
            for one in ast.walk(tree):
                if isinstance(one, ast.Assign) and any(getattr(target, "id", "") == node.id for target in one.targets):
                    return _keys(one.value, source) if not isinstance(one.value, ast.Name) else []
    if isinstance(node, ast.Dict):
        return _texts([key.value for key in node.keys if isinstance(key, ast.Constant)])
    return []
