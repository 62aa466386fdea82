"""Studies to draw, made of arrays: what `StudySource` promises, without a store."""

from dataclasses import dataclass, field

import numpy as np

from tunewell.analysis.decisions import Decision
from tunewell.analysis.importance import importances
from tunewell.history import History
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.trial import Report, Trial, TrialState

SPACE = Space(
    learning_rate=Float(1e-5, 1.0, scale="log"),
    momentum=Float(0.5, 0.999, scale="log1m", when={"optimizer": ["sgd", "rmsprop"]}),
    hidden=Int(16, 1024, scale="log"),
    optimizer=Choice(["adam", "sgd", "rmsprop"]),
    dropout=Float(0.0, 0.6),
    keep=Float(0.01, 0.99, scale="logit"),
    layers=Int(1, 6),
    batch_size=Choice([16, 32, 64, 128], ordered=True),
)


@dataclass
class Source:
    """A study as figures read it."""

    space: Space
    trials: list
    history: History
    maximize: bool = False
    metric: str = "val_loss"
    name: str = "synthetic"
    max_epochs: int | None = 20
    all_commands: list = field(default_factory=list)
    decisions: dict = field(default_factory=dict)
    all_confirmed: list = field(default_factory=list)

    def importance(self):
        return importances(self.history)

    def why(self, trial):
        return self.decisions.get(trial, [])

    def commands(self, trial=None):
        return [one for one in self.all_commands if trial in (None, one.trial)]

    def sessions(self):
        return []

    def reports(self, trial=None):
        curves = self.history.curves
        numbers = range(len(self.trials)) if trial is None else [trial]
        return [
            Report(i, e + 1, {self.metric: float(curves[i, e])}, self.trials[i].started_at + 2.0 * (e + 1))
            for i in numbers
            for e in np.flatnonzero(~np.isnan(curves[i])).tolist()
        ]

    def confirmed(self):
        return self.all_confirmed

    @property
    def directions(self):
        return {self.metric: "maximize" if self.maximize else "minimize"}

    def metric_values(self):
        return {self.metric: self.history.curves}

    def front(self):
        return []


def a_source(space, params, curves, states=None, *, max_epochs=20, maximize=False, trials=None, **named):
    """A study of these settings; curves as reported, as long as each trial came."""
    history = History(space, max_epochs)
    states = states or [TrialState.COMPLETE] * len(params)
    trials = trials or [
        Trial(
            i, p, state, len(curve), len(curve), seed=0, started_at=1.75e9 + 7.0 * i,
            ended_at=1.75e9 + 7.0 * i + 2.0 * len(curve) if state.ended else None,
            reason="ValueError: no" if state is TrialState.FAILED else None,
        )
        for i, (p, curve, state) in enumerate(zip(params, curves, states, strict=True))
    ]  # fmt: skip
    values = [
        (i, e, (-value if maximize else value) if np.isfinite(value) else np.inf)
        for i, curve in enumerate(curves)
        for e, value in enumerate(curve, 1)
    ]
    history.update(trials, np.array(values, dtype=float).reshape(-1, 3))
    return Source(space, trials, history, maximize, max_epochs=max_epochs, **named)


def synthetic(n, epochs=20, seed=0, *, space=SPACE, stopping=True, maximize=False):
    """A study whose loss depends on the rate, the momentum and the optimizer; some fail, some are paused."""
    rng = np.random.default_rng(seed)
    points = rng.random((n, len(space.params)))
    params = space.decode_many(points)
    unit = space.encode_many(params)
    rate, momentum = unit[:, 0], np.nan_to_num(unit[:, 1], nan=0.6)
    loss = 0.08 + 2.5 * (rate - 0.6) ** 2 + 0.8 * (momentum - rate) ** 2 + 0.1 * (unit[:, 3] > 0.5) * (rate > 0.5)
    full = loss[:, None] + (2.2 - loss)[:, None] * np.exp(-np.arange(1, epochs + 1) / (1 + 4 * rng.random((n, 1))))
    full = full * (1 + 0.02 * rng.standard_normal((n, epochs)))
    length = np.full(n, epochs)
    states = np.full(n, TrialState.COMPLETE, dtype=object)
    if stopping:
        early = full[:, 1] > np.quantile(full[:, 1], 0.4)
        length[early] = rng.integers(1, max(2, epochs // 3), int(early.sum()))
        states[early] = TrialState.PAUSED
    states[rng.random(n) < 0.03] = TrialState.FAILED
    wild = rate > 0.95
    states[wild] = TrialState.STOPPED
    curves = [list(row[:k]) for row, k in zip(full, length.tolist(), strict=True)]
    for i in np.flatnonzero(wild).tolist():
        curves[i] = [*curves[i][:2], np.inf]
    for i in np.flatnonzero(states == TrialState.FAILED).tolist():
        curves[i] = curves[i][:1]
    if maximize:
        curves = [[1 - value / 3 for value in curve] for curve in curves]
    source = a_source(space, params, curves, [*map(TrialState, states)], max_epochs=epochs, maximize=maximize)
    if maximize:
        source.metric = "val_accuracy"
    best = float(np.nanmin(full[:, -1]))
    for i in np.flatnonzero(states == TrialState.PAUSED).tolist():
        mean = float(full[i, -1])
        source.decisions[i] = [
            Decision(i, 1, int(length[i]), "resume", mean, mean * 1.3, mean * 0.8, best, 0.1, 0.01, 20)
        ]  # fmt: skip
    return source
