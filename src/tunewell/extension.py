"""A space that changes: what a study's new space is, what has changed, and what past trials had of what is new.

Nothing that was learned is thrown away. Past trials are placed in the new space, beside it where they lie outside, and
are taken to have had a value of each parameter that was added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tunewell.errors import SettingError
from tunewell.space.params import Choice, Param, settings
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.stores import StudyRecord

EXTENDED = "extended"
"""The kind of event that a new space is on record as."""


def extended(study: StudyRecord, space: Space, held: Mapping[str, Value], max_tier: int) -> StudyRecord:
    """The study's record with another space.

    Args:
        study: as on record.
        space: the new one.
        held: values that past trials had of parameters that are new in it; their defaults where it says nothing.
        max_tier: parameters of a higher tier are held at their defaults, but for those that the study tunes.

    Raises:
        SettingError: it is not known what past trials had of a new parameter.
    """
    known = Space.from_dict(study.space)
    tuned = {name for name, param in known.params.items() if not (isinstance(param, Choice) and len(param.values) == 1)}
    new = space.hold([name for name in space.names if space.tier(name) > max_tier and name not in tuned])
    added = [name for name in new.names if name not in known.params and name not in (study.assumed or {})]
    for name in held:
        if name not in added:
            raise SettingError(f"{name} is not new in the space, so past trials' values of it are known; leave it out")
    assumed = dict(study.assumed or {})
    for name in added:
        value = held.get(name, new.params[name].default)
        if value is None:
            raise SettingError(
                f"{name} is new, and nobody knows which value past trials had of it; give it a default, "
                f"or say held={{{name!r}: ...}} (--held {name}=...)"
            )
        assumed[name] = value
    # what past studies of other data said was laid out in the space as it was
    scheduler = {key: {} if key == "past" else value for key, value in study.scheduler.items()}
    return replace(study, space=new.to_dict(), scheduler=scheduler, assumed=assumed)


def changes(before: Space, after: Space) -> Iterator[str]:
    """What is different, a line each."""
    for name, param in after.params.items():
        old = before.params.get(name)
        if old is None:
            yield f"{name} is new: {_range(param)}"
        elif settings(old) != settings(param):
            yield f"{name} was {_range(old)}, now {_range(param)}"
    for name in before.params:
        if name not in after.params:
            yield f"{name} is gone"


def _range(param: Param) -> str:
    return repr(param)
