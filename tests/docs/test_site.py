"""What the site is made of: every page is in a menu, the reference leaves nothing out, a broken link is found."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.cli.main import cli

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "site"
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def tool():
    """The modules of the tool, which stand beside one another and not in a package."""
    sys.path.insert(0, str(TOOL))
    try:
        import links
        import pages
        import reference
    finally:
        sys.path.remove(str(TOOL))
    return links, pages, reference


def listed(entries):
    for entry in entries:
        if isinstance(entry, dict):
            yield from listed(entry["pages"])
        elif isinstance(entry, list):
            yield from listed(entry[1:])
        else:
            yield entry


def test_each_page_is_in_one_menu():
    menus = tomllib.loads((TOOL / "navigation.toml").read_text(encoding="utf-8"))
    english = [page for page in listed(menus["en"]) if not page.startswith("reference/")]
    assert len(english) == len(set(english))
    there = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert {page for page in there if not page.startswith("zh/")} <= set(english)
    assert {page.removeprefix("zh/") for page in there if page.startswith("zh/")} == set(listed(menus["zh"])) - {
        "index.md"
    }


def headings(text):
    return re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE
    )


def test_the_reference_has_every_public_name_command_and_setting(tool):
    _, _, reference = tool
    assert {f"tw.{name}" for name in tw.__all__} <= set(headings(reference.python()))
    assert set(cli.list_commands(None)) <= set(headings(reference.commands()))
    assert {"[rescue]", "[fit]"} <= set(headings(reference.settings()))
    assert "| `budget` |" in reference.settings()
    assert {"studies", "trials", "reports", "commands"} <= set(headings(reference.record()))


def test_the_reference_has_every_route_and_every_tool_of_agents(tool):
    routes = pytest.importorskip("tunewell.web.routes")
    pytest.importorskip("mcp")
    _, _, reference = tool
    assert reference.routes().count("\n| GET ") + reference.routes().count("\n| POST ") == len(routes.ROUTES)
    named = set(headings(reference.agent_tools()))
    assert {"read", "propose", "apply", "diagnose", "propose_trial", "steer"} <= named


def test_a_link_to_a_file_that_is_not_there_is_no_page(tool, tmp_path):
    _, pages, _ = tool
    english = pages.Pages(tmp_path, home="README.md")
    with pytest.raises(pages.DeadLinkError, match=r"nothing\.md"):
        english.gather([], {"reference/odd.md": "# Odd\n\n[here](../nothing.md)\n"})


def test_what_a_page_links_to_comes_along_and_its_links_hold_there(tool, tmp_path):
    _, pages, _ = tool
    english = pages.Pages(tmp_path, home="README.md")
    english.gather(
        [], {"reference/odd.md": "# Odd\n\n[a file](../../examples/digits.py), [a page](../scales.md#near-1)\n"}
    )
    assert (
        "[a file](../examples/digits.py.md), [a page](../scales.md#near-1)"
        in (tmp_path / "reference/odd.md").read_text()
    )
    assert "def train(run" in (tmp_path / "examples/digits.py.md").read_text()
    assert (tmp_path / "scales.md").exists()
    assert (tmp_path / "index.md").exists()


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">', "gone.html does not exist"),
        ('<a href="other.html#gone">', "other.html#gone is no anchor"),
        ('<script src="https://cdn.example/x.js"></script>', "loads https://cdn.example/x.js from a network"),
        ('<img src="gone.png">', "gone.png does not exist"),
        ('<a href="https://example.org"><a href="other.html#here"><a href="#top" id="top">', None),
    ],
)
def test_a_broken_link_and_what_needs_a_network_are_found(tool, tmp_path, body, fault):
    links, _, _ = tool
    (tmp_path / "index.html").write_text(body)
    (tmp_path / "other.html").write_text('<h1 id="here">')
    found = list(links.broken(tmp_path))
    assert found == ([f"index.html: {fault}"] if fault else [])
