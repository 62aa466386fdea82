"""Conditions between the hyperparameters of a script: a momentum is tuned only with an optimizer that has one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tunewell.scripts.ranges import plain_name
from tunewell.space.params import Choice, Param

_ADAMS = "adam|lamb|lion|adan|adabelief"
_OF_OPTIMIZERS: Sequence[tuple[str, str]] = (
    (r"momentum|mom|sgd_momentum", "sgd|rmsprop|momentum|lars|nesterov"),
    (r"(use_)?nesterov", "sgd|momentum"),
    (r"(adam_)?(beta_?[12]|b[12])", _ADAMS),
    (r"(adam_)?eps(ilon)?|(use_)?amsgrad", _ADAMS),
)
"""What some optimizers have, and which: by their names."""
_OF_SCHEDULES: Sequence[tuple[str, str]] = (
    (r"(lr_)?step_?size|lr_(decay_)?step(s|_size)?|lr_drop", "step"),
    (r"(lr_)?gamma|lr_decay(_rate)?|decay_rate", "step|exp|multi"),
    (r"t_max|t_0|t_mult|eta_min|min_lr|lr_min", "cos|warm"),
    (r"(lr|plateau|scheduler)_patience|(lr_)?factor", "plateau|reduce"),
    (r"(poly_)?power", "poly"),
    (r"pct_start|div_factor", "one"),
)
_OPTIMIZER, _SCHEDULE = r"opt(im(izer)?)?(_(name|type))?", r"(lr_)?sched(ule|uler)?(_(name|type))?|lr_policy"
_MOMENTUM_IN_BETAS = re.compile(r"""betas\s*=\s*[(\[][\w.\[\]"']*mom""")


def conditioned(params: Mapping[str, Param], text: str) -> Mapping[str, Param]:
    """Return the parameters, each under the condition that what it belongs to is chosen.

    Args:
        params: by name; a choice of names may be that of the optimizer, or of the schedule of its rate.
        text: the script's source.
    """
    found = dict(params)
    for parent_kind, rules in ((_OPTIMIZER, _OF_OPTIMIZERS), (_SCHEDULE, _OF_SCHEDULES)):
        parent = next((name for name, param in params.items() if _chooses(name, param, parent_kind)), None)
        for name, param in params.items() if parent is not None else ():
            assert parent is not None
            with_it = next((its for of, its in rules if re.fullmatch(of, plain_name(name))), None)
            if with_it is None or name == parent or ("mom" in name and _MOMENTUM_IN_BETAS.search(text)):
                continue
            choices = params[parent]
            assert isinstance(choices, Choice)
            allowed = [one for one in choices.values if re.search(with_it, str(one).lower())]
            if 0 < len(allowed) < len(choices.values):
                found[name] = replace(param, when={parent: allowed})
    return found


def _chooses(name: str, param: Param, kind: str) -> bool:
    is_named = re.fullmatch(kind, plain_name(name)) is not None
    return is_named and isinstance(param, Choice) and all(isinstance(one, str) for one in param.values)
