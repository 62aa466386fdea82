"""The words of the glossary are those of the code."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\*\*.*?) \| (.*?) \| (.*?) \| (.*?) ?\|$", PAGE, flags=re.MULTILINE)


def names(tree):
    """What a module defines or calls something: classes, functions, attributes, arguments, texts of one word."""
    for node in ast.walk(tree):
        for attribute in ("name", "arg", "attr", "id"):
            name = getattr(node, attribute, None)
            if isinstance(name, str):
                yield name
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_each_word_stands_in_the_code_by_the_name_that_is_given():
    files = list((ROOT / "src" / "tunewell").rglob("*.py"))
    known = {name for file in files for name in names(ast.parse(file.read_text(encoding="utf-8")))}
    known |= {file.stem for file in files}
    told = {name for _, code, _, _ in ROWS for name in re.findall(r"`(\w+)`", code)}
    assert told
    assert told - known == set()


def test_each_row_says_where_it_stands_in_the_code():
    assert len(ROWS) == PAGE.count("\n| **")
    assert [word for word, code, _, _ in ROWS if not re.search(r"`\w+`", code)] == []


def test_no_word_has_two_rows():
    words = [word for words, _, _, _ in ROWS for word in words.split(", **")]
    assert len(words) == len(set(words))
