"""The reference pages of the site, made of what the code itself says: signatures, docstrings, options, schemas.

Each function returns the text of one page, in Markdown. Nothing of them is written by hand, so that none can be old.
"""

from __future__ import annotations

import ast
import enum
import inspect
import json
import re
import sqlite3
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import click
from mcp import Client

import tunewell as tw
from tunewell import errors
from tunewell.agents import SCOPES
from tunewell.agents.server import server
from tunewell.agents.tools import Tools
from tunewell.cli.main import cli
from tunewell.cli.settings_schema import schema
from tunewell.stores import open_store
from tunewell.web.routes import ROUTES

GROUPS = {
    "runners": "Tune, and where trials run",
    "study": "Studies",
    "trial": "Studies",
    "analysis": "Studies",
    "stores": "Records",
    "training": "In a training",
    "space": "Spaces",
    "samplers": "Samplers",
    "schedulers": "Schedulers",
    "diagnosis": "Diagnosis",
    "probing": "Diagnosis",
    "watching": "Diagnosis",
    "estimators": "Estimators",
    "figures": "Figures",
}
"""Package of `tunewell` -> the heading under which its public names stand; any other stands under "Others"."""
MODULES = {
    "tunewell.nn": "The network engine",
    "tunewell.figures": "Figures",
    "tunewell.rescue": "Rescue",
    "tunewell.autopilot": "Autopilot",
    "tunewell.inspection": "Mistakes that can be seen",
    "tunewell.testing": "Contracts, for authors of samplers, schedulers and stores",
}
"""Modules with a page of their own, and its title."""
_WIDTH = 100


def python() -> str:
    """Return the page of `tunewell` itself: each name of `tw.__all__`, by what it is for."""
    grouped: dict[str, list[str]] = {heading: [] for heading in (*GROUPS.values(), "Others")}
    for name in tw.__all__:
        where = getattr(getattr(tw, name), "__module__", "tunewell." + name)
        grouped[GROUPS.get(where.split(".")[1], "Others")].append(name)
    lines = ["# Python", "", "What `import tunewell as tw` has. Arguments after `*` are given by name.", ""]
    for heading, names in grouped.items():
        if names:
            lines += [f"## {heading}", ""]
            for name in names:
                lines += _entry("tw." + name, getattr(tw, name), 3)
    lines += ["## Errors", "", "```text", inspect.cleandoc(errors.__doc__ or ""), "```", ""]
    return "\n".join(lines)


def module(name: str) -> str:
    """Return the page of a module: all of its `__all__`."""
    found = import_module(name)
    lines = [f"# {MODULES[name]}", "", f"`{name}`", "", *_markdown(inspect.getdoc(found) or ""), ""]
    for one in found.__all__:
        lines += _entry(f"{name.removeprefix('tunewell.')}.{one}", getattr(found, one), 2)
    return "\n".join(lines)


def commands() -> str:
    """Return the page of the commands, in the order of `tunewell --help`."""
    context = click.Context(cli, info_name="tunewell")
    lines = [
        "# Commands",
        "",
        "What `tunewell COMMAND --help` prints, of each. How they are used: [the commands](../commands.md).",
        "",
    ]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        pieces = " ".join(command.collect_usage_pieces(inner))
        lines += [f"## {name}", "", "```text", f"tunewell {name} {pieces}", "```", ""]
        lines += [inspect.cleandoc(command.help or "").replace("\b\n", ""), ""]
        rows = [record for one in command.get_params(inner) if (record := one.get_help_record(inner))]
        if rows:
            lines += ["| option | |", "|---|---|"]
            lines += [f"| `{_cell(option)}` | {_cell(about)} |" for option, about in rows] + [""]
    return "\n".join(lines)


def settings() -> str:
    """Return the page of what a settings file may have, and the variable of each."""
    context = click.Context(cli)
    found = schema({name: _command(context, name) for name in cli.list_commands(context)})["properties"]
    tables = {key: one for key, one in found.items() if one.get("type") == "object"}
    lines = ["# Settings", "", "Keys of `tunewell.toml`, or of `[tool.tunewell]` in `pyproject.toml`.", ""]
    lines += ["How a file is found and what holds: [settings](../settings.md). `tunewell config --schema` prints the"]
    lines += ["same for an editor.", "", "## At the top, for tune", ""]
    lines += _settings_table({key: one for key, one in found.items() if key not in tables})
    for key, one in tables.items():
        lines += [f"## [{key}]", "", *_settings_table(one["properties"])]
    return "\n".join(lines)


def record() -> str:
    """Return the page of the tables, as a new file of SQLite has them, with the comment at each column."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        open_store(path).close()
        with sqlite3.connect(path) as connection:
            rows = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
            ).fetchall()
        connection.close()
    lines = ["# Tables of the record", "", "The schema of `tunewell.db`, as `.schema` prints it."]
    lines += ["Questions in SQL and what is safe: [the record](../record.md).", ""]
    for name, sql in rows:
        lines += [f"## {name}", "", "```sql", sql.strip() + ";", "```", ""]
    return "\n".join(lines)


def routes() -> str:
    """Return the page of what the server of `tunewell web` answers."""
    lines = [
        "# Web routes",
        "",
        "What [`tunewell web`](../web.md) answers, to whoever has the key. JSON, but where it is said.",
        "",
    ]
    lines += ["| method | path | what |", "|---|---|---|"]
    lines += [f"| {one.method} | `{re.sub(':(int|path)}', '}', one.path)}` | {one.about} |" for one in ROUTES]
    return "\n".join([*lines, ""])


def agent_tools() -> str:
    """Return the page of the tools of `tunewell mcp`, as a client is told of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        open_store(path).close()
        by_scope = {scope: anyio.run(_tools, str(path), scope) for scope in SCOPES}
    lines = [
        "# Tools for agents",
        "",
        "What `tunewell mcp` offers to a client of the Model Context Protocol, by `--allow`.",
        "",
    ]
    lines += ["Bounds on what they may do: [tunewell for agents](../../AGENTS.md).", ""]
    told: set[str] = set()
    for scope, tools in by_scope.items():
        lines += [f"## {scope}", ""]
        for tool in tools:
            if tool.name in told:
                continue
            told.add(tool.name)
            lines += [f"### {tool.name}", "", tool.description or "", ""]
            properties = tool.input_schema.get("properties", {})
            if properties:
                needed = tool.input_schema.get("required", [])
                lines += ["| argument | type | default |", "|---|---|---|"]
                for name, one in properties.items():
                    default = "needed" if name in needed else f"`{json.dumps(one.get('default'))}`"
                    lines.append(f"| `{name}` | {_cell(_type(one))} | {default} |")
                lines.append("")
    return "\n".join(lines)


async def _tools(store: str, scope: str) -> list[Any]:
    async with Client(server(Tools(store, scope=scope))) as client:
        return list((await client.list_tools()).tools)


def _command(context: click.Context, name: str) -> Any:
    return lambda: cli.get_command(context, name)


def _settings_table(properties: dict[str, Any]) -> list[str]:
    lines = ["| key | type | meaning |", "|---|---|---|"]
    lines += [
        f"| `{key}` | {_cell(_type(one))} | {_cell(one.get('description', ''))} |" for key, one in properties.items()
    ]
    return [*lines, ""]


def _type(one: dict[str, Any]) -> str:
    """Return a type of JSON Schema in words."""
    if "enum" in one:
        return " ".join(f"`{value}`" for value in one["enum"])
    if "anyOf" in one:
        return " or ".join(dict.fromkeys(_type(each) for each in one["anyOf"]))
    found = one.get("type", "any")
    if found == "array":
        return f"list of {_type(one.get('items', {}))}"
    return " or ".join(found) if isinstance(found, list) else str(found)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


# one name


def _entry(name: str, found: Any, level: int) -> list[str]:
    mark = "#" * level
    if isinstance(found, ModuleType):
        return [f"{mark} {name}", "", *_markdown(inspect.getdoc(found) or ""), ""]
    if not callable(found):
        return [f"{mark} {name}", "", *_value(found), ""]
    lines = [f"{mark} {name}", ""]
    if not (inspect.isclass(found) and issubclass(found, (enum.Enum, Exception))):
        lines += ["```python", _signature(name, found), "```", ""]
    lines += [*_markdown(_own_doc(found)), ""]
    if inspect.isclass(found):
        lines += _members(found, level + 1)
    return lines


def _value(found: Any) -> list[str]:
    if isinstance(found, (list, tuple)) and all(hasattr(one, "__name__") for one in found):
        return [", ".join(f"`{one.__name__}`" for one in found)]
    return ["```python", textwrap.shorten(repr(found), 600, placeholder=" ..."), "```"]


def _own_doc(found: Any) -> str:
    doc = inspect.getdoc(found) or ""
    # a dataclass without a docstring gets its signature as one
    return "" if inspect.isclass(found) and doc.startswith(found.__name__ + "(") else doc


def _signature(name: str, found: Any) -> str:
    """Return a call as it may be written, an argument a line where it is long."""
    short = name.removeprefix("tw.")
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return short
    parts, marked = [], False
    for one in signature.parameters.values():
        if one.name in ("self", "cls"):
            continue
        if one.kind is one.KEYWORD_ONLY and not marked:
            marked = True
            parts.append("*")
        marked = marked or one.kind is one.VAR_POSITIONAL
        text = str(one).replace("'", "") if isinstance(one.annotation, str) else str(one)
        if one.default is not one.empty and not isinstance(one.default, str):
            text = re.sub(r" = <.*>$", " = ...", text)
        elif isinstance(one.default, str):
            text = f"{text.rsplit(' = ', 1)[0]} = {one.default!r}"
        parts.append(text)
    returned = signature.return_annotation
    arrow = (
        ""
        if returned in (signature.empty, "None", None) or inspect.isclass(found)
        else f" -> {returned}".replace("'", "")
    )
    line = f"{short}({', '.join(parts)}){arrow}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{short}(", *(f"    {part}," for part in parts), f"){arrow}"])


def _members(found: type, level: int) -> list[str]:
    lines: list[str] = []
    said = dict(_attributes(found))
    if issubclass(found, enum.Enum):
        shown = {one.name: said.get(one.name, "") or f"`{one.value!r}`" for one in found}
    elif is_dataclass(found):
        shown = {one.name: said.get(one.name, "") for one in fields(found) if not one.name.startswith("_")}
        shown = {name: text or _default(found, name) for name, text in shown.items()}
    else:
        shown = {name: text for name, text in said.items() if not name.startswith("_")}
    if any(shown.values()):
        lines += ["| field | |", "|---|---|", *(f"| `{name}` | {_cell(text)} |" for name, text in shown.items()), ""]
    for name, member in _public(found):
        mark = "#" * min(level, 6)
        lines += [f"{mark} {found.__name__}.{name}", ""]
        if not isinstance(member, property):
            lines += ["```python", _signature(name, member), "```", ""]
        doc = inspect.getdoc(member.fget if isinstance(member, property) else member) or ""
        lines += [*_markdown(doc), ""]
    return lines


def _default(found: type, name: str) -> str:
    (one,) = (one for one in fields(found) if one.name == name)  # type: ignore[arg-type]
    return "" if one.default is MISSING else f"`{one.default!r}` by default"


def _public(found: type) -> Iterator[tuple[str, Any]]:
    """Yield the methods and properties that tunewell itself defines for a class, in their order."""
    told: set[str] = set()
    for cls in found.__mro__:
        if not cls.__module__.startswith("tunewell") or cls.__name__.startswith("_Protocol"):
            continue
        for name, raw in vars(cls).items():
            member = raw.__func__ if isinstance(raw, (classmethod, staticmethod)) else raw
            is_ours = isinstance(member, property) or inspect.isfunction(member)
            if name.startswith("_") or name in told or not is_ours or not inspect.getdoc(member):
                continue
            told.add(name)
            yield name, member


def _attributes(found: type) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a class that have a docstring below them, as `ast` sees it."""
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(found))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    body = getattr(node, "body", [])
    for one, after in pairwise(body):
        target = getattr(one, "target", None) or (getattr(one, "targets", None) or [None])[0]
        is_doc = (
            isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        )
        if isinstance(target, ast.Name) and is_doc:
            yield target.id, inspect.cleandoc(after.value.value)  # type: ignore[attr-defined]


# docstrings

_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Example|Examples|Attributes):$")


def _markdown(doc: str) -> list[str]:
    """Return a docstring in Google's form as Markdown: sections as lists, doctests and what is indented as code."""
    lines: list[str] = []
    source = doc.splitlines()
    while source:
        line = source.pop(0)
        section = _SECTION.match(line)
        if section and section[1].startswith("Example"):
            lines += ["", "```pycon", *textwrap.dedent("\n".join(_indented(source))).strip("\n").splitlines(), "```"]
        elif section:
            lines += ["", f"**{section[1]}**", "", *_items(_indented(source))]
        elif line.startswith(">>> "):
            block = [line]
            while source and source[0].strip():
                block.append(source.pop(0))
            lines += ["```pycon", *block, "```"]
        elif line.startswith("    ") and (not lines or not lines[-1].strip()):
            source.insert(0, line)
            block = textwrap.dedent("\n".join(_indented(source))).strip("\n").splitlines()
            lines += ["```text" if not any("tw." in one or "=" in one for one in block) else "```python", *block, "```"]
        elif (item := re.match(r"^(\w+): (.*)$", line)) and (
            not lines or not lines[-1].strip() or lines[-1].startswith("- ")
        ):
            lines.append(f"- `{item[1]}`: {item[2]}" + "".join(" " + one.strip() for one in _indented(source)))
        else:
            lines.append(line)
    return lines


def _indented(source: list[str]) -> list[str]:
    """Take the lines off the front that are indented or empty."""
    taken = []
    while source and (source[0].startswith("    ") or not source[0].strip()):
        taken.append(source.pop(0))
    return taken


def _items(lines: list[str]) -> list[str]:
    text = textwrap.dedent("\n".join(lines)).strip("\n").splitlines()
    found: list[str] = []
    for line in text:
        item = re.match(r"^([\w*, .]+): (.*)$", line)
        if item:
            found.append(f"- `{item[1]}`: {item[2]}")
        elif found and line.startswith(" "):
            found[-1] += " " + line.strip()
        elif line.strip():
            found.append(f"- {line.strip()}" if not found else f"  {line.strip()}")
    return found
