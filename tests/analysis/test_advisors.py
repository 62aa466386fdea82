"""What a scoreboard says of proposals that are better, worse, or drawn as the search draws its own."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.analysis.advisors import LEAST, interval
from tunewell.errors import SettingError

SPACE = tw.Space(level=tw.Float(0.0, 1.0))


def advised(levels, *, fails=(), direction="minimize", budget=25):
    """A study to which somebody proposes these levels; a trial reports its own."""
    study = tw.Study(
        SPACE, metric="loss", direction=direction, max_epochs=4, budget=budget, scheduler="asha", sampler="random"
    )
    waiting = list(levels)
    while (step := study.ask()) is not None:
        while waiting:
            try:
                study.propose({"level": waiting[0]}, by="ada")
            except SettingError:
                break
            waiting.pop(0)
        error = None
        for epoch in step.epochs:
            if step.params["level"] in fails:
                error = "out of memory"
                break
            study.report(step.trial, epoch, loss=step.params["level"] + 0.1 / epoch)
        study.tell(step.trial, error=error)
    return study


def test_what_is_better_than_all_of_the_search_s_own_is_surely_better():
    search, ada = advised([0.0, 0.001, 0.002, 0.003, 0.004, 0.005]).advisors()
    assert (search.by, search.better, search.too_few) == ("search", None, None)
    assert ada.better.middle > 0.95
    assert 0.5 < ada.better.low < ada.better.middle <= ada.better.high <= 1
    assert ada.best == pytest.approx(0.025)
    assert ada.resumed > search.resumed


def test_what_is_worse_is_surely_worse_and_so_is_the_other_end_of_a_metric_that_is_maximized():
    levels = [1.0, 0.999, 0.998, 0.997, 0.996, 0.995]
    assert advised(levels).advisors()[1].better.high < 0.5
    assert advised(levels, direction="maximize").advisors()[1].better.low > 0.5


def test_one_that_fails_loses_whatever_it_reported():
    levels = [0.0, 0.001, 0.002, 0.003]
    ada = advised(levels, fails=levels[:2]).advisors()[1]
    assert ada.better.middle < 0.6
    assert ada.best == pytest.approx(0.002 + 0.025)


def test_of_few_nothing_is_said():
    ada = advised([0.1, 0.2]).advisors()[1]
    assert ada.better is None
    assert ada.too_few.startswith("too few: 2 of them")
    assert ada.started == 2 < LEAST


def test_a_study_without_proposals_has_no_scoreboard():
    assert advised([]).advisors() == []


@pytest.mark.parametrize(("n", "m", "shift"), [(4, 12, 0.0), (8, 30, 0.0), (8, 30, 1.0), (20, 60, 1.0)])
def test_the_interval_holds_in_nine_of_ten_cases(n, m, shift):
    rng, inside, times = np.random.default_rng(0), 0, 1000
    truth = (rng.normal(size=200_000) - shift < rng.normal(size=200_000)).mean()
    for _ in range(times):
        theirs, ours = rng.normal(size=n) - shift, rng.normal(size=m)
        found = interval(float((theirs[:, None] < ours[None, :]).mean()), n, m)
        inside += found.low <= truth <= found.high
    assert 0.87 <= inside / times <= 0.97
