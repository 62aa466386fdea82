"""Build the site of the documentation, in English and in Chinese, for a browser with no network: `make docs`.

    python tools/site/build.py --out site

Gathers the pages (`pages.py`), makes the reference (`reference.py`), has Zensical make HTML of them, writes `llms.txt`,
and looks at every link of the result (`links.py`). Ends with 1 where a link is broken, or a page is in no menu.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

import links
import reference
from pages import ROOT, Pages

HERE = Path(__file__).parent
WORK = ROOT / "build" / "site"
GENERATED = {
    "reference/python.md": reference.python,
    "reference/commands.md": reference.commands,
    "reference/settings.md": reference.settings,
    "reference/record.md": reference.record,
    "reference/routes.md": reference.routes,
    "reference/agents.md": reference.agent_tools,
    **{
        f"reference/{name.removeprefix('tunewell.')}.md": lambda name=name: reference.module(name)
        for name in reference.MODULES
    },
}
SUMMARY = (
    "tunewell finds the hyperparameters that hold a neural network back, in the fewest training epochs: search by "
    "freeze-thaw, steering of running trainings, diagnosis of stuck ones, and one record of all of it in SQLite."
)


def main() -> int:
    """Build the site; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "site", help="where the site goes")
    out = parser.parse_args().out.resolve()
    navigation = tomllib.loads((HERE / "navigation.toml").read_text(encoding="utf-8"))
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)

    english = Pages(WORK / "en" / "docs", home="README.md")
    menu = navigation["en"]
    english.gather(
        [_file(page) for page in _pages(menu) if page not in GENERATED], {k: make() for k, make in GENERATED.items()}
    )
    _render("en", menu, english, out)
    chinese = Pages(WORK / "zh" / "docs", home="README.zh.md", prefix="docs/zh/", up="../")
    chinese.gather([f"docs/zh/{page}" for page in _pages(navigation["zh"])], {})
    _render("zh", navigation["zh"], chinese, out / "zh")

    _write_llms(menu, english, out)
    faults = [*_in_no_menu(menu), *links.broken(out)]
    print(*faults, sep="\n", file=sys.stderr)
    print(f"{out / 'index.html'}: open it in a browser; {len(list(out.rglob('*.html')))} pages")
    return 1 if faults else 0


def _file(page: str) -> str:
    """Return the file of the repository that a page of the menu stands in."""
    inside = ROOT / "docs" / page
    if page == "index.md":
        return "README.md"
    return f"docs/{page}" if inside.exists() else page.removesuffix(".md") if not (ROOT / page).exists() else page


def _pages(entries: list[Any]) -> Iterator[str]:
    """Yield the pages of a menu, in their order; a group is a list that begins with its title."""
    for entry in entries:
        if isinstance(entry, dict):
            yield from _pages(entry["pages"])
        elif isinstance(entry, list):
            yield from _pages(entry[1:])
        elif entry != "index.md":
            yield entry


def _render(language: str, menu: list[Any], pages: Pages, out: Path) -> None:
    """Have Zensical make a site of the pages of one language."""
    config = tomllib.loads((HERE / "zensical.toml").read_text(encoding="utf-8"))
    project = config["project"]
    home, other = ("index.html", "zh/index.html") if language == "en" else ("index.html", "../index.html")
    mine, theirs = ("English", "中文") if language == "en" else ("中文", "English")
    project |= {"nav": _nav(menu, pages), "docs_dir": "docs", "site_dir": "html"}
    project["theme"]["language"] = language
    project["extra"]["alternate"] = [
        {"name": mine, "link": home, "lang": language},
        {"name": theirs, "link": other, "lang": "zh" if language == "en" else "en"},
    ]
    folder = WORK / language
    shutil.copytree(HERE / "assets", folder / "docs" / "assets", dirs_exist_ok=True)
    (folder / "zensical.toml").write_text(tomli_w.dumps(config), encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--config-file", "zensical.toml", "--clean"]
    # what a Chinese page links to in English is of the other site, which only `links` sees
    done = subprocess.run([*command, *(["--strict"] if language == "en" else [])], check=False, cwd=folder)
    if done.returncode:
        raise SystemExit(done.returncode)
    shutil.copytree(folder / "html", out, dirs_exist_ok=True)


def _nav(entries: list[Any], pages: Pages) -> list[Any]:
    found: list[Any] = []
    for entry in entries:
        if isinstance(entry, dict):
            found.append({entry["title"]: _nav(entry["pages"], pages)})
        elif isinstance(entry, list):
            found.append({entry[0]: _nav(entry[1:], pages)})
        else:
            found.append({pages.written[entry]: entry})
    return found


def _in_no_menu(menu: list[Any]) -> Iterator[str]:
    """Yield a line for each page of docs/ that nobody would find."""
    listed = set(_pages(menu))
    for path in sorted((ROOT / "docs").rglob("*.md")):
        page = path.relative_to(ROOT / "docs").as_posix()
        if not page.startswith("zh/") and page not in listed:
            yield f"docs/{page} is in no menu: name it in tools/site/navigation.toml"


def _write_llms(menu: list[Any], pages: Pages, out: Path) -> None:
    """Write `llms.txt`, and beside each page of HTML that it names its Markdown."""
    lines = ["# tunewell", "", f"> {SUMMARY}", ""]
    for group in menu:
        if not isinstance(group, dict):
            continue
        lines += [f"## {group['title']}", ""]
        for page in _pages(group["pages"]):
            source = WORK / "en" / "docs" / page
            shutil.copyfile(source, out / page)
            lines.append(f"- [{pages.written[page]}]({page}): {_first_sentence(source.read_text(encoding='utf-8'))}")
        lines.append("")
    (out / "llms.txt").write_text("\n".join(lines), encoding="utf-8")


def _first_sentence(text: str) -> str:
    """Return the first sentence of a page, below its title."""
    prose = re.sub(
        r"^(```.*?^```|#.*|\|.*|!\[.*)$", "", text, flags=re.MULTILINE | re.DOTALL if False else re.MULTILINE
    )
    for paragraph in re.split(r"\n\s*\n", prose):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(paragraph.split()))
        if words and not words.startswith(("```", "-", "|")):
            return re.split(r"(?<=[.:?])\s", words, maxsplit=1)[0].rstrip(":")
    return ""


if __name__ == "__main__":
    sys.exit(main())
