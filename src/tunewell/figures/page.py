"""A figure as a page of its own: HTML with everything in it, which reads no other file and sends no request."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

from tunewell.figures.figure import Figure

_STATIC = Path(__file__).parent / "static"
_MODULES = ("vendor/echarts.tw.js", "colors.js", "data.js", "layout.js", "marks.js", "panels.js", "tw-figure.js")
"""Each after those that it imports, of which it takes names as they are."""
_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px 16px; background: light-dark(#ffffff, #0d1117); }
tw-figure { max-width: 2400px; margin: 0 auto; }
"""
_NOT_IN_PAGES = re.compile(
    r"^export (?=const|function|class)|^import .*;\n|^ *//.*\n|^ */\*\*(?:(?!\*/).)*\*/\n".replace(".*", "[^\n]*"),
    re.MULTILINE | re.DOTALL,
)
"""What makes modules of a script, and comments on lines of their own."""
_ARRAY = re.compile(r'"u16":"([A-Za-z0-9+/=]{40,})"')
"""A packed array in the JSON of a figure; in a text of the user's its quotes are escaped, there and elsewhere."""
_ROOM = 190  # pixels in a notebook, besides the drawing: title, legend, caption


def figure_page(figure: Figure) -> str:
    """Return the page of a figure, which opens from a file, without a network.

    Path("history.html").write_text(figure_page(study.figures.history()), encoding="utf-8")
    """
    return page(figure.title, figure_element(figure))


def figure_html(figure: Figure) -> str:
    """Return a figure as it stands in a notebook: its page in a frame, which cannot reach the notebook."""
    content = html.escape(figure_page(figure))
    title = html.escape(figure.title)
    return (
        f'<iframe srcdoc="{content}" title="{title}" sandbox="allow-scripts" width="100%" height="{_height(figure)}" '
        'style="border: 0"></iframe>'
    )


def figure_element(figure: Figure) -> str:
    """Return the element that draws a figure, in a page that has the `script` of figures."""
    # "<" never stands in it, so that no name ends the script or begins a comment
    data = json.dumps(figure.as_dict(), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<tw-figure><script type="application/json">{data}</script></tw-figure>'


def page(title: str, body: str, style: str = "") -> str:
    """Return a page in which figures draw themselves; its policy forbids every request, and every other script."""
    style, body = _STYLE + style, _with_arrays_once(body)
    policy = (
        f"default-src 'none'; script-src '{_digest(script())}'; style-src '{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head>\n"
        f'<body>{body}\n<script type="module">{script()}</script></body></html>\n'
    )


def _with_arrays_once(body: str) -> str:
    """Return a page's body in which an array that several figures have, such as the trials' numbers, stands once.

    In its place stands a number: the array's in a list of the page's own.
    """
    known = Counter(_ARRAY.findall(body))
    places = {array: place for place, array in enumerate(array for array, n in known.items() if n > 1)}
    if not places:
        return body
    body = _ARRAY.sub(lambda found: f'"u16":{places[found[1]]}' if found[1] in places else found[0], body)
    return f'<script type="application/json" id="tw-arrays">{json.dumps([*places])}</script>\n{body}'


@cache
def script() -> str:
    """Return the modules of `<tw-figure>` as one that imports nothing."""
    theme = json.dumps(json.loads((_STATIC / "theme.json").read_text(encoding="utf-8")), separators=(",", ":"))
    parts = [f"const theme = {theme};"]
    for name in _MODULES:
        text = (_STATIC / name).read_text(encoding="utf-8")
        parts.append(_NOT_IN_PAGES.sub("", text))
    return "\n".join(parts)


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _height(figure: Figure) -> int:
    """Return how many pixels a figure takes in a notebook, where a frame cannot grow with what is in it."""
    n = max(1, len(figure.panels))
    lines = max(
        (len(one.y.ticks) for one in figure.panels if one.y is not None and one.y.scale == "category"), default=0
    )
    each = max(250, 30 * lines + 120) if n > 1 else max(400, 30 * lines + 120)
    return min(each * -(-n // 3), 1600) + _ROOM
