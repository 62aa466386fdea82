"""Passwords taken out of text that is shown or recorded."""

from __future__ import annotations

import re
from urllib.parse import unquote

# greedy up to the last @: a password with an @, a / or a quote that nobody escaped is hidden whole
_IN_A_URL = re.compile(r"(?P<before>[\w+.-]+://[^\s:/@]*):(?P<password>\S+)@")
_IN_A_QUERY = re.compile(r"(?P<before>\b\w*pass\w*=)(?P<password>[^\s&]+)")


def redacted(text: str, secret: str = "") -> str:
    """Return the text with `***` for every password of a URL in it.

    Words of a shell are to be given one by one, before they are quoted.

    secret: a URL whose password is hidden wherever else it stands in the text.
    """
    for found in [*_IN_A_URL.finditer(secret), *_IN_A_QUERY.finditer(secret)]:
        for password in (found["password"], unquote(found["password"])):
            text = text.replace(password, "***")
    return _IN_A_QUERY.sub(r"\g<before>***", _IN_A_URL.sub(r"\g<before>:***@", text))
