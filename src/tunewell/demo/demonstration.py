"""The demonstration of `tunewell demo`: a network with a poor setting, the same tuned, and a test of both.

The poor setting is trained in full, as a study of its own with one trial, and paid for from the same budget.
The test images are kept apart, and no decision sees them: two networks only are tested, the first and the best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from tunewell.analysis.importance import Importance, importance
from tunewell.demo import digits
from tunewell.errors import CheckpointError
from tunewell.probing.short_training import EpochLimit
from tunewell.runners import Execution, Observer
from tunewell.runners.tune import drive, study_name
from tunewell.stores import Store
from tunewell.study import Study
from tunewell.study.reader import Best
from tunewell.training.run import Run

TRAININGS = 15
"""The budget of the demo, in full trainings, with the one before the tuning."""


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A trained network: where it is on record, and how many digits it gets right."""

    study: str
    """The name of its study."""
    best: Best
    """Its trial and epoch; its value is the accuracy on the validation images."""
    test_accuracy: float
    """The accuracy on the images that no training and no decision has seen."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of the demo."""

    before: TrainedNetwork
    after: TrainedNetwork
    mattered: list[Importance]
    """The hyperparameters, by how much they mattered."""
    epochs: int
    """The epochs spent on both studies."""


def run_demo(
    store: Store,
    *,
    seed: int = 0,
    workers: int = 1,
    observer: Observer | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> DemoResult | None:
    """Run the demo; return None if it was interrupted.

    Args:
        store: where the two studies go.
        seed: of the split of the images, of the networks and of the search.
        workers: how many trials train at a time; with one, the same seed gives the same result.
        observer: is notified of what happens.
        say: gets a line at each stage.
    """
    train = partial(digits.train, split=seed)
    begin = partial(Study, digits.space, metric=digits.metric, max_epochs=digits.EPOCHS, seed=seed, store=store)

    say("a network with a poor setting, trained in full")
    poor = begin(name=study_name(store, "demo-before", resume=False), budget=1, scheduler="full", first=[digits.POOR])
    if not drive(poor, train, observer=observer):
        return None
    before = _trained_network(poor, split=seed)
    say(f"it gets {before.best.value:.1%} of the validation images right; {TRAININGS - 1} more trainings may be spent")

    tuned = begin(name=study_name(store, "demo", resume=False), budget=TRAININGS - 1)
    if not drive(tuned, train, Execution(workers=workers), observer):
        return None
    return DemoResult(
        before=before,
        after=_trained_network(tuned, split=seed),
        mattered=importance(tuned.history, rng=np.random.default_rng(seed)),
        epochs=poor.spent.trained + tuned.spent.trained,
    )


def _trained_network(study: Study, split: int) -> TrainedNetwork:
    """Train the network of a study's best report once more from its seed, and test it.

    Raises:
        CheckpointError: it is not the network that is on record.
    """
    best = study.best
    run = Run(best.params, seed=study.trials[best.trial].seed, channel=EpochLimit(best.epoch))
    digits.train(run, split)
    again = run.reports[-1][digits.metric]
    if again != best.value:
        raise CheckpointError(
            f"trial {best.trial} of study {study.record.name!r} had {digits.metric} {best.value} at epoch {best.epoch} "
            f"and has {again} when trained again; its numbers depend on this machine's threads: try --workers 1"
        )
    weights = cast("digits.Weights", run.tracked["network"])
    return TrainedNetwork(study.record.name, best, digits.test_accuracy(weights, split))
