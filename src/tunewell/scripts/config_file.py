"""A settings file as parameters: `config_file.py base.yaml lr={lr} -- python train.py --config {}`.

The program is started with the path of a changed copy in the place of `{}`; the copy is removed when it has ended.
It is changed where its values stand, so that all else stays as it is written: comments, anchors, the order. Python
alone is needed.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

SUFFIXES = (".yaml", ".yml", ".json", ".jsonc", ".json5", ".toml", ".ini", ".cfg", ".gin")
_HOLE = "{}"
_YAML_LINE = re.compile(r"""^(\s*)(-\s+)?(["']?[\w.\-/ ]+?["']?)\s*:(?:\s+(.*?))?(\s+#.*|\s*)$""")
_TOML_LINE = re.compile(r"""^(\s*)([\w.\-"']+)\s*=\s*(.*?)(\s+#.*|\s*)$""")
_TOML_TABLE = re.compile(r"^\s*\[([^\[\]]+)\]\s*(#.*)?$")
_FLOW_KEY = re.compile(r"""\s*(["']?[\w.\-/ ]+?["']?)\s*[:=]\s*""")
_FLOW_VALUE = re.compile(r"""("[^"]*"|'[^']*'|[^,{}\[\]"']+)""")
_FLOW_END, _COMMA = re.compile(r"\s*}\s*,?"), re.compile(r"\s*,")
_JSON_TOKEN = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{}\[\],:]|[^\s{}\[\],:"']+""")
_JSON_COMMENT = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|//[^\n]*|/\*.*?\*/""", re.DOTALL)
_INI_SECTION = re.compile(r"^\[([^\]]+)\]")
_INI_LINE = re.compile(r"^([^\s#;=:\[][^=:]*?)\s*[=:]\s*(\S.*?)\s*(?:\s[;#].*)?$")
_GIN_LINE = re.compile(r"^([\w./]+)\s*=\s*([^@%\s].*?)(\s+#.*|\s*)$")
"""A binding whose value is written out: neither a reference nor a macro, which has a line of its own."""
_LIST = re.compile(r"\[\s*([-+]?[\d.][\d.eE+\-]*(?:\s*,\s*[-+]?[\d.][\d.eE+\-]*){0,7})\s*,?\s*\]")
"""A short list of numbers that is all on its line."""
_YAML_ANCHOR = re.compile(r"[&!]\S+\s*")
_INT = re.compile(r"[-+]?(0|[1-9][\d_]*)")
_FLOAT = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?")
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")

Place = Tuple[int, int, int]
"""Line, and the columns of the value in it."""


def entries(path: Path) -> Dict[str, Any]:
    """Return the values in a file by address: `optimizer.lr`.

    Raises:
        ValueError: it cannot be read.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        json.loads(text)  # whose errors say where it is no JSON
    return {address: value for address, value, _ in _lines(text, path.suffix)}


def changed(text: str, suffix: str, values: Dict[str, str]) -> str:
    """Return the text of a file with other values, as texts, at these addresses.

    Raises:
        ValueError: it has no such address.
    """
    lines = text.splitlines(keepends=True)
    places = {address: (value, place) for address, value, place in _lines(text, suffix)}
    missing = next((address for address in values if address not in places), None)
    if missing is not None:
        raise ValueError(f"it has no {missing}; it may have been edited since its settings were found")
    # from the right, since a line may have several
    for address in sorted(values, key=lambda name: places[name][1], reverse=True):
        before, (line, begin, end) = places[address]
        written = _written(values[address], before, lines[line][begin:end], suffix)
        lines[line] = lines[line][:begin] + written + lines[line][end:]
    return "".join(lines)


def _lines(text: str, suffix: str) -> Iterator[Tuple[str, Any, Place]]:
    if suffix.startswith(".json"):
        yield from _json(text)
    elif suffix in (".ini", ".cfg"):
        yield from _ini(text)
    elif suffix == ".gin":
        yield from _gin(text)
    else:
        yield from _toml(text) if suffix == ".toml" else _yaml(text)


def _json(text: str) -> Iterator[Tuple[str, Any, Place]]:
    """Yield address, value and place of the scalars of objects, also of JSON with comments and without some quotes."""
    parents: List[str] = []
    lists = 0
    key: Optional[str] = None
    for number, line in enumerate(_without_comments(text).splitlines()):
        for token in _JSON_TOKEN.finditer(line):
            word = token[0]
            if (
                word == "["
                and not lists
                and key is not None
                and (numbers := _LIST.match(line, token.start())) is not None
            ):
                yield parents[-1] + key, _scalar(numbers[0]), (number, *numbers.span())
            if lists or word in "[]":
                lists += {"[": 1, "{": 1, "]": -1, "}": -1}.get(word, 0)
                key = key if lists else None
            elif word == "{":
                parents.append("" if key is None else f"{parents[-1]}{key}.")
                key = None
            elif word == "}":
                parents.pop()
            elif line[token.end() :].lstrip().startswith(":") and key is None:
                key = word.strip("\"'")
            elif word not in ",:" and key is not None and parents:
                yield parents[-1] + key, _scalar(word), (number, token.start(), token.end())
                key = None


def _without_comments(text: str) -> str:
    """Return JSON with blanks where its comments stand, so that all else keeps its place."""
    return _JSON_COMMENT.sub(lambda found: found[1] or re.sub(r"[^\n]", " ", found[0]), text)


def _ini(text: str) -> Iterator[Tuple[str, Any, Place]]:
    """Yield address, value and place of the entries of sections."""
    section = ""
    for number, line in enumerate(text.splitlines()):
        if (header := _INI_SECTION.match(line)) is not None:
            section = f"{header[1].strip()}."
        elif (match := _INI_LINE.match(line)) is not None:
            yield section + match[1].strip(), _scalar(match[2]), (number, match.start(2), match.end(2))


def _gin(text: str) -> Iterator[Tuple[str, Any, Place]]:
    """Yield address, value and place of the bindings: `train/Adam.learning_rate = 0.01`."""
    for number, line in enumerate(text.splitlines()):
        match = _GIN_LINE.match(line)
        if match is not None and (match[2][0] not in "[({" or _LIST.fullmatch(match[2])):
            yield match[1], _scalar(match[2]), (number, match.start(2), match.end(2))


def _yaml(text: str) -> Iterator[Tuple[str, Any, Place]]:
    """Yield address, value and place of the scalars of mappings; what is in lists is left alone."""
    parents: List[Tuple[int, str]] = []
    skipped: Optional[int] = None
    for number, line in enumerate(text.splitlines()):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        if skipped is not None and indent > skipped:
            continue
        skipped = None
        if bare.startswith("-"):
            skipped = indent  # a list, and what its entries hold
            continue
        match = _YAML_LINE.match(line)
        if match is None:
            continue
        while parents and parents[-1][0] >= indent:
            parents.pop()
        key = match[3].strip("\"'")
        value, begin = match[4] or "", match.start(4)
        if (anchor := _YAML_ANCHOR.match(value)) is not None:  # &name, or !!float
            value, begin = value[anchor.end() :], begin + anchor.end()
        address = ".".join([*(name for _, name in parents), key])
        if not value:
            parents.append((indent, key))
        elif value[0] in "|>":
            skipped = indent
        elif value[0] == "{":
            yield from _flow(line, begin, f"{address}.", number)
        elif value[0] != "*" and (value[0] != "[" or _LIST.fullmatch(value)):
            yield address, _scalar(value), (number, begin, begin + len(value))


def _toml(text: str) -> Iterator[Tuple[str, Any, Place]]:
    table = ""
    for number, line in enumerate(text.splitlines()):
        if (header := _TOML_TABLE.match(line)) is not None:
            table = header[1].strip().replace('"', "") + "."
            continue
        match = _TOML_LINE.match(line)
        if match is None or not match[3]:
            continue
        address = table + match[2].strip("\"'")
        if match[3][0] == "{":
            yield from _flow(line, match.start(3), f"{address}.", number)
        elif match[3][0] != "[" or _LIST.fullmatch(match[3]):
            yield address, _scalar(match[3]), (number, match.start(3), match.end(3))


def _flow(line: str, at: int, before: str, number: int) -> List[Tuple[str, Any, Place]]:
    """Return the scalars of `{lr: 0.1, decay: {rate: 0.9}}`; none if it is not all on its line.

    at: where it begins; before: what its addresses begin with.
    """
    found: List[Tuple[str, Any, Place]] = []
    parents, at = [before], at + 1
    while parents:
        key = _FLOW_KEY.match(line, at)
        if key is None:
            closing = _FLOW_END.match(line, at)
            if closing is None:
                return []
            parents.pop()
            at = closing.end()
            continue
        address = parents[-1] + key[1].strip("\"'")
        at = key.end()
        if line[at : at + 1] == "{":
            parents.append(f"{address}.")
            at += 1
            continue
        if line[at : at + 1] == "[":
            at = line.find("]", at) + 1
            if not at:
                return []
        else:
            value = _FLOW_VALUE.match(line, at)
            if value is None:
                return []
            text = value[1].rstrip()
            found.append((address, _scalar(text), (number, at, at + len(text))))
            at = value.end()
        comma = _COMMA.match(line, at)
        at = at if comma is None else comma.end()
    return found


def _scalar(text: str) -> Any:
    """Return what a text means in YAML and TOML; a number that YAML takes for a text, such as 1e-3, is a number."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if (numbers := _LIST.fullmatch(text)) is not None:
        return [_scalar(one.strip()) for one in numbers[1].split(",")]
    if _INT.fullmatch(text):
        return int(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    if text.lower() in _TRUE or text.lower() in _FALSE:
        return text.lower() in _TRUE
    return None if text.lower() in ("null", "~", "none") else text


def _written(text: str, before: Any, old: str, suffix: str) -> str:
    """Return a value as the file has it; of a list the values are `64,32`."""
    if isinstance(before, list):
        return f"[{', '.join(_written(one, its, '', suffix) for one, its in zip(text.split(','), before))}]"
    if isinstance(before, bool):
        return text.lower().capitalize() if suffix == ".gin" else text.lower()
    if isinstance(before, str):
        quote = old[0] if old[:1] in ("'", '"') else '"' if suffix in (".toml", ".gin") else ""
        return f"{quote}{text}{quote}"
    number = _scalar(text)
    if isinstance(before, float) and isinstance(number, int):
        return f"{number}.0"
    if isinstance(number, float):
        mantissa, _, exponent = text.partition("e")
        # YAML reads 1e-05 as a text, and 1.0e-05 as a number
        return f"{mantissa}.0e{exponent}" if exponent and "." not in mantissa else text
    return text


def main(arguments: Sequence[str]) -> int:
    """Start a program with a changed copy of a settings file; return its exit code."""
    if "--" not in arguments[1:] or arguments.index("--") + 1 == len(arguments):
        sys.exit("give the file, what to replace, and the program: base.yaml lr=0.1 -- python train.py --config {}")
    cut = list(arguments).index("--")
    path = Path(arguments[0])
    values = dict(word.partition("=")[::2] for word in arguments[1:cut])
    try:
        text = changed(path.read_text(encoding="utf-8"), path.suffix, values)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")
    with tempfile.TemporaryDirectory(prefix="tunewell-") as folder:
        copy = Path(folder) / path.name
        copy.write_text(text, encoding="utf-8")
        # a signal to the group reaches the program as well; the copy is removed once that has ended
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        words = [word.replace(_HOLE, str(copy)) if _HOLE in word else word for word in arguments[cut + 1 :]]
        try:
            code = subprocess.call(words)  # noqa: S603  the user's own program
        except OSError as error:
            sys.exit(f"{words[0]} cannot be run: {error.strerror}")
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
