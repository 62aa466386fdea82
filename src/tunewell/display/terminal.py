"""Text with nothing in it that a terminal obeys: names, notes and numbers of a record are data.

All that is shown comes through here: a line that is printed by `shown`, a part of a live display by `SafeText` of the
module `safe_text`.
"""

from __future__ import annotations

import re

# bold, dim and the colors of letters are ours; a record that brings them along hides nothing by them
_COLOR = re.compile(r"(\x1b\[(?:0|1|2|22|3[0-79]|9[0-7])(?:;(?:0|1|2|22|3[0-79]|9[0-7]))*m)")
_OBEYED = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, other than the end of a line and the tab
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks of direction: what follows is read in another order
    "\u2028\u2029"  # ends of lines that look like none
    "\U000e0000-\U000e007f"  # letters that nobody sees
    "\ud800-\udfff"  # halves of characters
    "]"
)


def spelled_out(text: str) -> str:
    """Return the text with what a terminal would obey spelled out, colors too."""
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def shown(text: str) -> str:
    r"""Return the text with what a terminal would obey spelled out: its title is not set by a study's name.

    Lines, tabs and colors stay; `\r` does not.
    """
    if not _OBEYED.search(text):
        return text
    return "".join(part if _COLOR.fullmatch(part) else spelled_out(part) for part in _COLOR.split(text))
