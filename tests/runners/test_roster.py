"""Every order of events for a few workers and trials: a study neither hangs, nor lets a worker idle beside work."""

import copy
import itertools
from collections import deque
from dataclasses import dataclass, field

import pytest

import tunewell as tw
from tunewell.runners.roster import Roster
from tunewell.trial import WAIT, Step

PARAMS = tw.Params({})
STEPS = 2
"""Of each trial; after the first it pauses."""


@dataclass
class Model:
    """A study of a few trials, and the workers that train them."""

    roster: Roster
    left: list[int]
    """Steps that each trial has still to be given."""
    in_progress: set[int] = field(default_factory=set)
    elsewhere: set[int] = field(default_factory=set)
    """Trials that another process trains."""
    travels: frozenset[int] = frozenset()
    deaths_left: int = 0

    def next_step(self, order):
        for trial in order:
            if self.left[trial] and trial not in self.in_progress | self.elsewhere:
                self.left[trial] -= 1
                self.in_progress.add(trial)
                return Step(trial, PARAMS, range(1, 2))
        return WAIT if self.in_progress or self.elsewhere else None

    def fill(self, order):
        for number, step in self.roster.fill(lambda: self.next_step(order), self.travels.__contains__):
            assert self.roster.places[number].is_ready
            assert self.roster.places[number].step is step

    def events(self):
        for number, place in enumerate(self.roster.places):
            if not place.is_ready:
                yield "ready", number
            if place.step is not None:
                yield "end", number
            if self.deaths_left and place.is_ready:
                yield "die", number
        for trial in self.elsewhere:
            yield "elsewhere", trial

    def happen(self, kind, which):
        place = self.roster.places[which] if kind != "elsewhere" else None
        match kind:
            case "ready":
                self.roster.begin(which)
            case "end":
                trial = place.step.trial
                self.in_progress.discard(trial)
                self.roster.end_step(which, paused=self.left[trial] > 0)
            case "die":
                lost = self.roster.lose(which)
                self.deaths_left -= 1
                if lost.step is not None:  # its step is given out once more
                    self.in_progress.discard(lost.step.trial)
                    self.left[lost.step.trial] += 1
            case "elsewhere":
                self.elsewhere.discard(which)

    def key(self):
        places = tuple(
            (p.is_ready, p.step and p.step.trial, tuple(s.trial for s in p.waiting), frozenset(p.hosts))
            for p in self.roster.places
        )
        homeless = tuple(step.trial for step in self.roster._homeless)
        return (
            places, homeless, tuple(self.left), frozenset(self.in_progress), frozenset(self.elsewhere),
            self.deaths_left,
        )  # fmt: skip

    def check(self):
        """Nobody idles beside a step that it could train, and something can happen unless all is done."""
        places = self.roster.places
        if any(place.is_idle for place in places):
            assert not self.roster._homeless
            assert all(
                not left or trial in self.in_progress | self.elsewhere for trial, left in enumerate(self.left)
            ), "a worker idles, and the study has a step"
        for place in places:
            assert not (place.is_idle and place.waiting), "a worker idles, and a step waits for it"
            assert not (place.waiting and place.step is None), "a step waits for a worker that does nothing"
        if self.in_progress or any(self.left):
            assert any(True for _ in self.events()), "nothing can happen any more, and the study is not over"
        trained = [place.step.trial for place in places if place.step is not None]
        waiting = [step.trial for place in places for step in place.waiting] + [s.trial for s in self.roster._homeless]
        assert sorted(trained + waiting) == sorted(self.in_progress), "a step was lost, or is there twice"


def explored(model, n_trials):
    """Visit every state that can be reached; the number of them."""
    orders = list(itertools.permutations(range(n_trials)))
    frontier, seen, ended = deque([model]), {model.key()}, 0
    while frontier:
        before = frontier.popleft()
        ended += not (before.in_progress or any(before.left) or before.elsewhere)
        for event in list(before.events()):
            for order in orders:
                after = copy.deepcopy(before)
                after.happen(*event)
                after.fill(order)
                after.check()
                if (key := after.key()) not in seen:
                    seen.add(key)
                    frontier.append(after)
    assert ended, "no order of events ends the study"
    return len(seen)


@pytest.mark.parametrize(
    ("workers", "trials", "travels", "deaths", "elsewhere"),
    [(1, 2, (), 1, ()), (2, 2, (), 1, ()), (2, 3, (), 0, ()), (2, 2, (0,), 1, ()), (2, 3, (), 0, (2,))],
)
def test_no_order_of_events_hangs_a_study(workers, trials, travels, deaths, elsewhere):
    model = Model(
        Roster(workers), [STEPS] * trials, elsewhere=set(elsewhere), travels=frozenset(travels), deaths_left=deaths
    )
    assert explored(model, trials) > 10


@pytest.mark.parametrize(
    ("workers", "trials", "travels", "deaths"),
    [
        pytest.param(2, 3, (), 1, marks=pytest.mark.slow),
        pytest.param(3, 3, (), 0, marks=pytest.mark.slow),
        pytest.param(2, 3, (1,), 2, marks=pytest.mark.slow),
        pytest.param(3, 3, (), 1, marks=[pytest.mark.slow, pytest.mark.exhaustive]),
    ],
)
def test_no_order_of_events_hangs_a_larger_study(workers, trials, travels, deaths):
    model = Model(Roster(workers), [STEPS] * trials, travels=frozenset(travels), deaths_left=deaths)
    assert explored(model, trials) > 100
