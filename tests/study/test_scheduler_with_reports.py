"""A scheduler that reads all that trials report is given it before each decision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import tunewell as tw
from tunewell.samplers import RandomSampler, Sampler
from tunewell.schedulers import FullScheduler, Scheduler
from tunewell.trial import Report, Resume, Start, Trial

SPACE = tw.Space(x=tw.Float(0.0, 1.0))


@dataclass(frozen=True, slots=True)
class StopsAtNorm(Scheduler):
    """Goes on with a trial while the norm that it reports beside the metric is small."""

    name: ClassVar[str] = "stops_at_norm"
    reads_reports: ClassVar[bool] = True
    sampler: Sampler
    trials: Sequence[Trial] = ()
    reports: Sequence[Report] = ()

    def given(self, trials, reports):
        return replace(self, trials=tuple(trials), reports=tuple(reports))

    def next(self, space, history, allowance, rng):
        assert len(self.trials) == len(history)
        if not self.reports or self.reports[-1].metrics["norm"] > 1:
            return Start(self.sampler.suggest(space, history, rng), 1)
        last = len(history) - 1
        return Resume(last, int(history.epochs[last]) + 1)


def test_a_scheduler_that_reads_reports_is_given_them_before_it_decides():
    study = tw.Study(SPACE, metric="loss", max_epochs=9, budget="5epochs", scheduler=StopsAtNorm(RandomSampler()))
    for norm in (0.5, 2.0, 0.5, 0.5, 0.5):
        step = study.ask()
        for epoch in step.epochs:
            study.report(step.trial, epoch, loss=1.0, norm=norm)
        study.tell(step.trial)
    assert [trial.epochs for trial in study.trials] == [2, 3]
    assert study.ask() is None
    assert study.scheduler.reports == ()  # what decides is a copy


def test_other_schedulers_know_no_reports():
    scheduler = FullScheduler(RandomSampler())
    assert not scheduler.reads_reports
    assert scheduler.given([], []) is scheduler
    assert scheduler.recorded is scheduler
