"""What a built site links to, looked at as a browser without a network would."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
_NOT_LOADED = {"canonical", "prev", "next", "alternate", "preconnect"}


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[tuple[str, bool]] = []
        """What is linked, and whether the page cannot be shown without it."""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := found.get(name))}
        for name in ("href", "src"):
            value = found.get(name)
            if value and not (tag == "link" and set((found.get("rel") or "").split()) & _NOT_LOADED):
                self.links.append((value, (tag, name) in _LOADED))


def broken(folder: Path) -> Iterator[str]:
    """Yield a line for each link in a folder that leads nowhere, and for what a page would load from a network."""
    pages = {path.resolve(): _Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    for path, page in sorted(pages.items()):
        if path.name == "404.html":  # a server's, with links from its root
            continue
        for target, is_loaded in dict.fromkeys(page.links):
            parts = urlsplit(target)
            if parts.scheme in ("http", "https") or target.startswith("//"):
                if is_loaded:
                    yield f"{path.relative_to(folder.resolve())}: loads {target} from a network"
                continue
            if parts.scheme:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if there.is_dir():
                there /= "index.html"
            if not there.exists():
                yield f"{path.relative_to(folder.resolve())}: {target} does not exist"
            elif parts.fragment.strip("_") and there in pages and unquote(parts.fragment) not in pages[there].anchors:
                yield f"{path.relative_to(folder.resolve())}: {target} is no anchor"
