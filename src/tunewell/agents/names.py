"""The name by which an agent goes on record: none by which a person does, since it is bounded."""

from __future__ import annotations

from tunewell.errors import SettingError
from tunewell.proposals import checked_author
from tunewell.study.provenance import user

_OF_PEOPLE = ("user", "web")
"""Names that acts have in Python and on the page, where nobody names another."""


def checked_agent(name: object) -> str:
    """Return the name of an agent.

    Raises:
        SettingError: it is none, or one by which a person goes.
    """
    author = checked_author(name)
    if author.lower() in (*_OF_PEOPLE, user().lower()):
        raise SettingError(
            f"{author!r} is the name by which the user goes on record; give the agent another: --as NAME"
        )
    return author
