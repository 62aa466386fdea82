"""What is searched: the seven hyperparameters of LCBench's networks, and how long a full training is."""

from __future__ import annotations

from typing import NamedTuple

import tunewell as tw

EPOCHS = 52
SPACE = tw.Space(
    batch_size=tw.Int(16, 512, scale="log", tier=2, default=64),
    learning_rate=tw.Float(1e-4, 1e-1, scale="log", tier=1, default=1e-2),
    momentum=tw.Float(0.1, 0.99, scale="log1m", tier=2, default=0.9),
    weight_decay=tw.Float(1e-5, 1e-1, scale="log", tier=3, default=1e-3),
    num_layers=tw.Int(1, 5, tier=3, default=3),
    max_units=tw.Int(64, 1024, scale="log", tier=2, default=256),
    max_dropout=tw.Float(0.0, 1.0, tier=3, default=0.2),
)
DEFAULT = dict(SPACE.defaults())


class Axis(NamedTuple):
    """A hyperparameter as any tuner can take it: the scale of momentum, log(1 - value), is ours alone."""

    name: str
    low: float
    high: float
    log: bool
    whole: bool


AXES = tuple(
    Axis(name, param.low, param.high, log=param.scale == "log", whole=isinstance(param, tw.Int))
    for name, param in SPACE.params.items()
    if not isinstance(param, tw.Choice)
)
