"""The pool among workers that answer, pause, end and die in any order: its study ends, and nothing trains twice."""

import random
import time
from types import SimpleNamespace

import pytest

import tunewell as tw
from tunewell.runners import pool as pools
from tunewell.runners.base import Assignment, StepResult
from tunewell.runners.execution import Execution
from tunewell.runners.pool import Pool, ReadyMessage, ReportMessage, WorkerGone
from tunewell.study.directive import Directive
from tunewell.trial import WAIT, Step

MOST_ROUNDS = 2_000
"""Of listening, in which a study of a dozen steps is over."""


class AnyWorker:
    """A worker whose next message is drawn when it is looked at."""

    def __init__(self, world, number):
        self.world, self.number = world, number
        self.begun = self.dead = self.is_reporting = False
        self.assignment = None

    def send(self, message):
        if isinstance(message, Assignment):
            assert self.begun, "a worker is given a step before it is ready"
            assert self.assignment is None, "a worker is given a step while it trains one"
            self.assignment = message
        else:
            self.is_reporting = False  # the answer to its report

    def receive(self):
        rng = self.world.rng
        if self.dead or (self.begun and self.world.deaths_left and rng.random() < 0.1):
            self.world.deaths_left -= not self.dead
            self.dead = True
            raise WorkerGone("was killed by SIGKILL", killed_externally=True)
        if not self.begun:
            self.begun = True
            return ReadyMessage()
        trial = self.assignment.step.trial
        if rng.random() < 0.5 and not self.is_reporting:
            self.is_reporting = True
            return ReportMessage(trial, 1, {"loss": 1.0})
        self.assignment = None
        return StepResult(trial, 1, paused=bool(self.world.left[trial]))

    def memory(self):
        return 0

    def kill(self):
        self.dead = True

    def close(self, patience_s):
        pass


class World:
    """The study, the driver and the place of the workers, all drawn from one seed."""

    interrupted = is_stopping = False

    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.left = [rng.randint(1, 3) for _ in range(rng.randint(1, 5))]
        self.in_progress = set()
        self.elsewhere = {n for n in range(len(self.left)) if rng.random() < 0.1}
        self.deaths_left = rng.choice([0, 0, 1, 3])
        self.travels = rng.random()
        self.stops_at = rng.choice([None, None, None, rng.randint(0, 30)])
        self.rounds = 0

    def next_step(self):
        if self.is_stopping:
            return None
        free = [n for n, left in enumerate(self.left) if left and n not in self.in_progress | self.elsewhere]
        if not free:
            return WAIT if self.in_progress or self.elsewhere else None
        if self.in_progress and self.rng.random() < 0.2:
            return WAIT  # the scheduler wants to hear of those first
        trial = self.rng.choice(free)
        self.left[trial] -= 1
        self.in_progress.add(trial)
        return Step(trial, tw.Params({}), range(1, 2))

    def settle(self, result):
        self.in_progress.remove(result.trial)
        if result.error is not None:
            self.left[result.trial] += 1  # it is tried again

    def put_back(self, trial):
        self.in_progress.remove(trial)

    def has_checkpoint(self, trial):
        return self.rng.random() < self.travels

    def assignment(self, step):
        return Assignment(step, 2, None)

    def report(self, trial, epoch, metrics):
        assert trial in self.in_progress, "a trial is trained that was not given out"
        return Directive()

    def lost(self, trials):
        pass

    def open(self, number):
        return AnyWorker(self, number)

    def wait(self, handles, timeout_s):
        self.look()
        return self.rng.sample(list(handles), self.rng.randint(1, len(handles)))

    def look(self, *_):
        """Time passes."""
        self.rounds += 1
        assert self.rounds < MOST_ROUNDS, "the study neither ends nor trains"
        if self.elsewhere and self.rng.random() < 0.1:
            self.left[self.elsewhere.pop()] = 0
        if self.stops_at is not None and self.rounds > self.stops_at:
            self.is_stopping = True


def play(seed, monkeypatch):
    world = World(seed)
    # its own clock, since threads of other tests may sleep
    monkeypatch.setattr(pools, "time", SimpleNamespace(sleep=world.look, monotonic=time.monotonic))
    execution = Execution(workers=world.rng.randint(1, 4))
    pool = Pool(world, world, execution)
    pool.run()
    pool.close()
    assert not world.in_progress, "a step was given out and forgotten"
    assert world.is_stopping or not any(world.left)


def test_a_study_ends_in_whatever_order_its_workers_speak(monkeypatch):
    for seed in range(3_000):
        play(seed, monkeypatch)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_study_ends_in_a_hundred_thousand_orders(monkeypatch):
    for seed in range(3_000, 103_000):
        play(seed, monkeypatch)
