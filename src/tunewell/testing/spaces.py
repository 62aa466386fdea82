"""The spaces that samplers and schedulers are tried on."""

from __future__ import annotations

from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space

SPACES = {
    "mixed": Space(
        learning_rate=Float(1e-4, 1.0, scale="log", default=1e-2),
        momentum=Float(0.5, 0.999, scale="log1m"),
        dropout=Float(0.0, 0.6),
        hidden=Int(16, 512, scale="log"),
        layers=Int(1, 3),
        activation=Choice(["relu", "tanh", "sigmoid"]),
    ),
    "conditional": Space(
        optimizer=Choice(["sgd", "adam"]),
        learning_rate=Float(1e-4, 1.0, scale="log"),
        momentum=Float(0.5, 0.999, scale="log1m", when={"optimizer": "sgd"}),
        beta2=Float(0.9, 0.9999, scale="log1m", when={"optimizer": "adam"}),
    ),
    "constrained": Space(
        hidden=Int(4, 512, scale="log"),
        layers=Int(1, 6),
        optimizer=Choice(["sgd", "adam"]),
        momentum=Float(0.0, 0.99, when={"optimizer": "sgd"}),
    ).where("hidden * layers <= 256", "momentum < 0.9 or layers == 1"),
    "one parameter": Space(x=Float(-1.0, 1.0)),
    "only choices": Space(activation=Choice(["relu", "tanh"]), batch_norm=Choice([False, True])),
}
