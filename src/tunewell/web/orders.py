"""Orders: what may be requested by POST. Each is plain JSON, checked in full before anything is done.

Nothing in them is a path, an address, code, or a pickle; the names and texts in them are names and texts. An order is
on record with whose it is; what it comes to is for the process that runs the study to say.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from tunewell import figures
from tunewell.commands import Action, Command, made
from tunewell.display.summary import in_words
from tunewell.errors import SettingError, SpaceError
from tunewell.near_names import perhaps
from tunewell.space.extension import extended
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.web.shelf import Watched
from tunewell.web.trials import command_row

LONGEST_TEXT, LONGEST_WHY, LONGEST_TAG = 10_000, 2_000, 100
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "pause": (),
    "resume": (),
    "stop": (),
    "checkpoint": (),
    "set": ("name", "value", "twin"),
    "rewind": ("epoch", "params"),
    "branch": ("epoch", "params"),
    "note": ("text",),
    "tag": ("name",),
    "untag": ("name",),
}
"""By the kind of a command, what else it may have."""
_OF_PARAMETER = ("kind", "low", "high", "scale", "values", "ordered", "default", "tier", "live", "when", "held")


class BadRequest(ValueError):
    """A request is malformed; the message says what is expected."""


def read_order(body: bytes) -> dict[str, Any]:
    """Return the JSON object that was sent.

    Raises:
        BadRequest: it is none.
    """
    try:
        found = json.loads(body.decode(), parse_constant=_no_constant, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is no JSON: {str(error)[:200]}") from None
    if not isinstance(found, dict):
        raise BadRequest("the body must be a JSON object")
    return found


def check_empty(order: Mapping[str, Any]) -> None:
    """Check an order that has nothing to say.

    Raises:
        BadRequest: it says something.
    """
    if order:
        raise BadRequest(f"there is no field {_short(next(iter(order)))} here; send {{}}")


def command(watched: Watched, order: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Send a command to a trial; return it as the page shows it.

    Raises:
        BadRequest: the order is malformed.
        SettingError: it cannot be carried out.
        TrialNotFound: there is no such trial.
        TrialEnded: the trial has.
    """
    kind = order.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise BadRequest(f"kind must be one of {', '.join(_FIELDS)}, got {_short(kind)}")
    _check_fields(order, ("trial", "kind", "why", *_FIELDS[kind]))
    trial, why = _whole(order, "trial"), _text(order, "why", LONGEST_WHY, default="")
    study = watched.study
    if kind == "set" and order.get("twin") is not None:
        name, value, epochs = _text(order, "name", 1000), _value(order, "value"), _whole(order, "twin")
        sent, _ = study.set_with_twin(trial, name, value, epochs=epochs, by=by, why=why)
    elif kind == "stop":
        sent = study.steering.stop_at_once(trial, by=by, why=why)
    else:
        sent = study.steer(trial, _action(kind, order), by=by, why=why)
    watched.look()
    return command_row(_as_now(watched, sent))


def set_budget(watched: Watched, order: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Give a study another budget."""
    _check_fields(order, ("budget", "why"))
    budget = order.get("budget")
    if isinstance(budget, bool) or not isinstance(budget, str | int | float) or len(str(budget)) > 100:
        raise BadRequest('budget must be such as 30, "900epochs", "100trials" or "2h"')
    new = watched.study.set_budget(budget, by=by, why=_text(order, "why", LONGEST_WHY, default=""))
    return {"budget": str(new), "text": f"the budget is {in_words(new)} now"}


def pause(watched: Watched, order: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Pause a study."""
    _check_fields(order, ("why",))
    watched.study.pause(by=by, why=_text(order, "why", LONGEST_WHY, default=""))
    return {"is_paused": True, "text": "the study is paused; trainings pause after their epoch"}


def resume(watched: Watched, order: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Let a study go on."""
    _check_fields(order, ("why",))
    watched.study.resume(by=by, why=_text(order, "why", LONGEST_WHY, default=""))
    return {"is_paused": False, "text": "the study goes on"}


def queue(watched: Watched, order: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Add a trial with a setting of the user's own."""
    _check_fields(order, ("params", "like", "epochs", "why"))
    trial = watched.study.queue(
        _params(order),
        like=_whole(order, "like") if order.get("like") is not None else None,
        epochs=_whole(order, "epochs") if order.get("epochs") is not None else None,
        by=by,
        why=_text(order, "why", LONGEST_WHY, default=""),
    )
    return {"trial": trial.number, "params": dict(trial.params), "text": f"trial {trial.number} is queued"}


def change_space(watched: Watched, order: Mapping[str, Any], by: str) -> dict[str, Any]:
    """Go on with another space."""
    _check_fields(order, ("changes", "why"))
    space, held = changed_space(watched.reader.space, order.get("changes"))
    # what the page sends is what is to be tuned, whatever its tier
    why = _text(order, "why", LONGEST_WHY, default="")
    lines = watched.study.extend(space, held=held, max_tier=4, by=by, why=why)
    return {"changes": list(lines), "text": "; ".join(lines) or "nothing changes"}


def preview_space(watched: Watched, order: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a change of the space would come to; nothing is changed."""
    _check_fields(order, ("changes", "why"))
    try:
        space, held = changed_space(watched.reader.space, order.get("changes"))
        found = extended(watched.reader.space, space, held)
    except SpaceError as error:
        return {"figure": None, "text": "", "warnings": [], "error": str(error)}
    return {
        "figure": figures.space(found.space).as_dict(),
        "text": "; ".join(found.changes) or "nothing changes",
        "warnings": found.space.warnings(),
        "error": None,
    }


def changed_space(known: Space, changes: object) -> tuple[Space, dict[str, Value]]:
    """Return a space with changes, and the values that are held, as `Study.extend` takes both.

    changes: by parameter, one of
        {"low": ..., "high": ..., "scale": ..., "values": ..., "default": ..., "tier": ..., "live": ...}: what differs;
        {"fix": value}: it has one value from now on;
        {"remove": true, "held": value}: it is taken away, and held at the value, its default if none is given;
        {"kind": "float", ..., "held": value}: it is added; trials so far had the value, its default if none is given.

    Raises:
        BadRequest: they are none of these.
        SpaceError: they make no space.
    """
    if not isinstance(changes, dict) or not changes:
        raise BadRequest("changes must be an object: by parameter, what is to differ")
    described, held = dict(known.to_dict()), {}
    for name, change in changes.items():
        if not isinstance(change, dict):
            raise BadRequest(f"changes of {_short(name)} must be an object, got {_short(change)}")
        old = described.get(name)
        if change.get("remove") is True:
            _check_fields(change, ("remove", "held"))
            if old is None:
                raise SpaceError(f"there is no parameter {name!r}{perhaps(name, known.names)}")
            del described[name]
        elif "fix" in change:
            _check_fields(change, ("fix",))
            described[name] = _fixed(name, old, _value(change, "fix"))
        else:
            _check_fields(change, _OF_PARAMETER)
            settings = {key: value for key, value in change.items() if key not in ("kind", "held")}
            if old is None:
                if "kind" not in change:
                    raise SpaceError(
                        f"there is no parameter {name!r}{perhaps(name, known.names)}; a new one has a kind"
                    )
                described[name] = {"type": change["kind"], **settings}
            else:
                kind = {"type": change["kind"]} if "kind" in change else {}
                described[name] = {**_mapping(old), **kind, **settings}
        if change.get("held") is not None:
            held[name] = _value(change, "held")
    return Space.from_dict(described), held


def _fixed(name: str, old: object, value: Value) -> dict[str, object]:
    if old is None:
        raise SpaceError(f"there is no parameter {name!r} to fix")
    kept = {key: setting for key, setting in _mapping(old).items() if key in ("tier", "live", "when")}
    is_number = not isinstance(value, str | bool)
    return {"type": "choice", "values": [value], "default": value, **({"ordered": True} if is_number else {}), **kept}


def _action(kind: str, order: Mapping[str, Any]) -> Action:
    given = {name: _READ[name](order) for name in _FIELDS[kind] if name in _READ}
    if "epoch" in _FIELDS[kind] and not (kind == "branch" and order.get("epoch") is None):
        given["epoch"] = _whole(order, "epoch")
    return made(kind, given)


def _as_now(watched: Watched, sent: Command) -> Command:
    return watched.commands.get(sent.id, sent)


def _check_fields(order: Mapping[str, Any], known: Iterable[str]) -> None:
    known = tuple(known)
    if unknown := [name for name in order if name not in known]:
        raise BadRequest(f"there is no field {_short(unknown[0])} here; there are {', '.join(known)}")


def _whole(order: Mapping[str, Any], name: str) -> int:
    value = order.get(name)
    if type(value) is not int or abs(value) > 2**31:
        raise BadRequest(f"{name} must be a whole number, got {_short(value)}")
    return value


def _text(order: Mapping[str, Any], name: str, most: int, default: str | None = None) -> str:
    value = order.get(name, default)
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text, got {_short(value)}")
    if len(value) > most:
        raise SettingError(f"{name} may have {most:,} characters, got {len(value):,}; shorten it")
    return value


def _value(order: Mapping[str, Any], name: str) -> Value:
    value = order.get(name)
    if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise BadRequest(f"{name} must be a number, a text, true or false, got {_short(value)}")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise SettingError(f"{name} may have {LONGEST_TEXT:,} characters, got {len(value):,}; shorten it")
    return value


def _params(order: Mapping[str, Any]) -> dict[str, Value]:
    params = order.get("params") or {}
    if not isinstance(params, dict):
        raise BadRequest(f"params must be an object, by parameter its value, got {_short(params)}")
    return {name: _value(params, name) for name in params}


_READ: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "name": lambda order: _text(order, "name", 1000),
    "value": lambda order: _value(order, "value"),
    "text": lambda order: _text(order, "text", LONGEST_TEXT),
    "params": _params,
}
"""By the name of an action's field, how it is read."""


def _mapping(found: object) -> dict[str, Any]:
    assert isinstance(found, dict)  # a space writes them so
    return found


def _short(value: object) -> str:
    text = json.dumps(value, default=repr) if not isinstance(value, np.generic) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; of a name that is there twice, one reader takes the first value and another the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
