"""The training function, as a user hands it over: what cannot train is refused before anything is trained."""

from __future__ import annotations

import functools
import inspect

from tunewell.errors import SettingError
from tunewell.space.mends import shown

_WISH = "train must be a function of one argument, the run: def train(run): ..."


def check_train(train: object) -> None:
    """Check that it can be called with a run, and that the call trains.

    Raises:
        SettingError: it cannot, or it does not.
    """
    if isinstance(train, type):
        raise SettingError(
            f"{_WISH}; got {shown(train)}; give an instance with a method __call__(self, run), or a method of one, "
            f"such as {train.__name__}().train"
        )
    if not callable(train):
        raise SettingError(f"{_WISH}; got {shown(train)}; the function comes first, then the space")
    function = train if inspect.isroutine(train) or isinstance(train, functools.partial) else train.__call__
    try:
        inspect.signature(function).bind(None)
    except ValueError:
        pass  # one in C, which does not say what it takes
    except TypeError as error:
        raise SettingError(
            f"{_WISH}; {shown(train)} does not take the run alone: {error}; its setting is in run.params, and other "
            "arguments are bound before: functools.partial(train, data=...)"
        ) from None
