"""How many trainings fail on a space of which half fails: at once, or late, after a good beginning.

    python benchmarks/search/crashes.py [--seeds 5] [--without-optuna]

Three parameters; a network that is too large for the memory fails, and larger ones are better, so that the best of
those that work lie at the edge. `at once` fails in the first epoch; `late` in the fifth of nine, when most of a
training is spent. A budget of 30 trainings' worth of epochs. Failures count among the trials that were begun after the
first 20; "spent on" is the share of all epochs that went into trials that failed. Beside it: random search, and
Optuna's TPE with a median pruner, both with the trainings that they have the epochs for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

import tunewell as tw

EPOCHS, TRAININGS, FIRST = 9, 30, 20
SPACE = tw.Space(
    learning_rate=tw.Float(1e-4, 1.0, scale="log"),
    hidden=tw.Int(16, 1024, scale="log"),
    layers=tw.Int(1, 8),
)
FAILS_AT = {"at once": 1, "late": 5}


def is_too_large(params: Mapping[str, float]) -> bool:
    """Half of the space."""
    return params["hidden"] * params["layers"] > 470


def loss(params: Mapping[str, float], epoch: int, noise: float) -> float:
    off = (np.log10(params["learning_rate"]) + 2) ** 2 / 8
    size = 0.6 * (params["hidden"] * params["layers"] / 100) ** -0.3
    return float(0.1 + off + size + 0.5 * np.exp(-0.6 * epoch) + 0.01 * noise)


@dataclass
class Outcome:
    """What one search came to."""

    failed: list[bool]
    """Of each trial, in the order in which they were begun."""
    epochs_failed: int
    epochs: int
    best: float

    @property
    def late_failures(self) -> float:
        after = self.failed[FIRST:]
        return fmean(after) if after else float("nan")


def ours(scheduler: str, sampler: str | None, fails_at: int, seed: int) -> Outcome:
    study = tw.Study(
        SPACE,
        metric="loss",
        direction="minimize",
        max_epochs=EPOCHS,
        budget=TRAININGS,
        scheduler=scheduler,
        sampler=sampler,
        seed=seed,
        store=tw.MemoryStore(),
    )
    rng = np.random.default_rng([7, seed])
    while (step := study.ask()) is not None:
        error = None
        for epoch in step.epochs:
            if epoch >= fails_at and is_too_large(step.params):
                error = "out of memory"
                break
            if not study.report(step.trial, epoch, loss=loss(step.params, epoch, rng.normal())):
                break
        study.tell(step.trial, error=error)
    failed = [trial.state is tw.TrialState.FAILED for trial in study.trials]
    spent = [study.history.epochs[trial.number] for trial in study.trials]
    return Outcome(
        failed,
        int(sum(epochs for epochs, fell in zip(spent, failed, strict=True) if fell)),
        int(sum(spent)),
        study.best.value,
    )


def optunas(fails_at: int, seed: int) -> Outcome:
    import optuna  # noqa: PLC0415  only where it is compared with

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner())
    rng = np.random.default_rng([7, seed])
    failed, lost, spent = [], 0, 0
    while spent < TRAININGS * EPOCHS:
        trial = study.ask()
        params = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1.0, log=True),
            "hidden": trial.suggest_int("hidden", 16, 1024, log=True),
            "layers": trial.suggest_int("layers", 1, 8),
        }
        state, value, own = optuna.trial.TrialState.COMPLETE, float("inf"), 0
        for epoch in range(1, EPOCHS + 1):
            if epoch >= fails_at and is_too_large(params):
                state = optuna.trial.TrialState.FAIL
                break
            own += 1
            value = loss(params, epoch, rng.normal())
            trial.report(value, epoch)
            if trial.should_prune():
                state = optuna.trial.TrialState.PRUNED
                break
        fell = state is optuna.trial.TrialState.FAIL
        study.tell(trial, None if state is not optuna.trial.TrialState.COMPLETE else value, state)
        failed.append(fell)
        own = max(own, 1)
        spent += own
        lost += own * fell
    return Outcome(failed, lost, spent, study.best_value)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--without-optuna", action="store_true")
    given = parser.parse_args()
    methods: dict[str, Callable[[int, int], Outcome]] = {
        "tunewell, auto": lambda at, seed: ours("auto", None, at, seed),
        "tunewell, random": lambda at, seed: ours("full", "random", at, seed),
    }
    if not given.without_optuna:
        methods["Optuna, TPE + median"] = optunas
    print("| fails | method | begun | failed after the 20th | epochs spent on failures | best loss |")
    print("|---|---|---|---|---|---|")
    for when, at in FAILS_AT.items():
        for name, search in methods.items():
            found = [search(at, seed) for seed in range(given.seeds)]
            print(
                f"| {when} | {name} | {fmean(len(one.failed) for one in found):.0f} "
                f"| {fmean(one.late_failures for one in found):.0%} "
                f"| {fmean(one.epochs_failed / one.epochs for one in found):.0%} "
                f"| {fmean(one.best for one in found):.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
