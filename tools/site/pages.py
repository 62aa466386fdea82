"""The pages of the site, gathered from where they stand in the repository, with links that hold on the site.

A page may link to any file of the repository, as it does where the repository is read: what is linked becomes a page
of the site too, a program as its code. So nothing is written for the site alone, and no link leads out of it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
_PICTURES = {".svg", ".png", ".gif", ".jpg"}
_LANGUAGES = {".py": "python", ".toml": "toml", ".ipynb": "json", ".js": "javascript"}
_BREAK_IN_CHINESE = re.compile(r"(?<=[\u3001-\u9fff\uff01-\uff5e])\n(?=[\u4e00-\u9fff`\[*])")
"""A line's end where Chinese goes on: browsers would show a space there, which Chinese has not."""
_FENCE = re.compile(r"(^```.*?^```[ \t]*$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\()([^)\s]+)\)")


class DeadLinkError(Exception):
    """A page links to a file that does not exist."""


class Pages:
    """The pages of one language, as they are copied to a folder."""

    def __init__(self, folder: Path, *, home: str, prefix: str = "docs/", up: str = "") -> None:
        """Gather pages.

        folder: where they go.
        home: the file of the repository that is the first page.
        prefix: the folder of the repository whose pages keep their places below `folder`.
        up: the way from here to the site of the other language, which has all that is not below `prefix`; here, if "".
        """
        self._folder, self._home, self._prefix, self._up = folder, home, prefix, up
        self._wanted: list[str] = []
        self.written: dict[str, str] = {}
        """Page of the site -> its title."""

    def gather(self, first: list[str], generated: Mapping[str, str]) -> None:
        """Copy pages, and whatever they link to; `generated`: the texts of pages that stand in no file."""
        self._generated = generated
        for place, text in generated.items():
            self._write(place, self._with_links(text, self._prefix + place))
        self._wanted = [self._home, *first]
        seen = set(generated)
        while self._wanted:
            name = self._wanted.pop(0)
            place = self._place(name)
            if place in seen:
                continue
            seen.add(place)
            self._copy(name, place)

    def _copy(self, name: str, place: str) -> None:
        source = ROOT / name
        target = self._folder / place
        if source.suffix in _PICTURES:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        elif source.is_dir():
            files = sorted(one.relative_to(ROOT).as_posix() for one in source.iterdir() if one.is_file())
            links = "\n".join(f"- [{Path(one).name}]({Path(one).name})" for one in files)
            self._write(place, self._with_links(f"# {name}\n\n{links}\n", f"{name}/index"))
        elif source.suffix == ".md":
            self._write(place, self._with_links(source.read_text(encoding="utf-8"), name))
        elif source.suffix == ".ipynb":
            self._write(place, self._with_links(notebook(source), name))
        else:
            language = _LANGUAGES.get(source.suffix, "text")
            code = source.read_text(encoding="utf-8").rstrip()
            self._write(place, f"# {name}\n\n````{language}\n{code}\n````\n")

    def _write(self, place: str, text: str) -> None:
        target = self._folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        title = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
        self.written[place] = re.sub(r"[`*]", "", title[1]) if title else place

    def _with_links(self, text: str, name: str) -> str:
        """Return a page with links that hold on the site; marks that tell tests which code is not run go."""
        parts = _FENCE.split(text)
        parts[::2] = [_LINK.sub(lambda found: f"{found[1]}{self._link(found[2], name)})", part) for part in parts[::2]]
        parts[::2] = [_BREAK_IN_CHINESE.sub("", part) for part in parts[::2]]
        parts[1::2] = [re.sub(r"^(```\w+) \w+$", r"\1", part, flags=re.MULTILINE) for part in parts[1::2]]
        return "".join(parts)

    def _link(self, target: str, name: str) -> str:
        if re.match(r"^(https?:|mailto:|#)", target):
            return target
        file, sharp, anchor = target.partition("#")
        meant = os.path.normpath(PurePosixPath(name).parent / file)
        here = PurePosixPath(
            self._place(name) if not self._is_generated(name) else name.removeprefix(self._prefix)
        ).parent
        if self._is_generated(meant):
            return os.path.relpath(meant.removeprefix(self._prefix), here) + sharp + anchor
        if not (ROOT / meant).exists():
            raise DeadLinkError(f"{name} links to {target}: {meant} does not exist")
        if (
            self._up
            and not meant.startswith(self._prefix)
            and meant != self._home
            and Path(meant).suffix not in _PICTURES
        ):
            there = re.sub(r"\.md$", ".html", place_on_site(meant, "docs/", "README.md"))
            return self._up_from(here) + there + sharp + anchor
        self._wanted.append(meant)
        return os.path.relpath(self._place(meant), here) + sharp + anchor

    def _is_generated(self, name: str) -> bool:
        return name.removeprefix(self._prefix) in self._generated

    def _up_from(self, here: PurePosixPath) -> str:
        return "../" * len(here.parts) + self._up

    def _place(self, name: str) -> str:
        return place_on_site(name, self._prefix, self._home)


def place_on_site(name: str, prefix: str, home: str) -> str:
    """Return where a file of the repository is on the site: a page, or a picture."""
    if name == home:
        return "index.md"
    place = name.removeprefix(prefix) if name.startswith(prefix) else name.removeprefix("docs/")
    source = ROOT / name
    if source.is_dir():
        return f"{place}/README.md" if (source / "README.md").exists() else f"{place}/index.md"
    return place if source.suffix in {*_PICTURES, ".md"} else place + ".md"


def notebook(path: Path) -> str:
    """Return a notebook as a page: its texts, and its code as blocks."""
    import json  # noqa: PLC0415  only here

    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    blocks = ["".join(cell["source"]) for cell in cells]
    code = [cell["cell_type"] == "code" for cell in cells]
    return (
        "\n\n".join(f"```python\n{text}\n```" if is_code else text for text, is_code in zip(blocks, code, strict=True))
        + "\n"
    )
