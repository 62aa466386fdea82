"""Who trains what, with workers that say what a test wants them to, and when."""

import time

import pytest

import tunewell as tw
from tunewell.runners.base import Assignment, StepResult
from tunewell.runners.driver import Driver
from tunewell.runners.execution import Execution
from tunewell.runners.pool import PollMessage, Pool, ReadyMessage, ReportMessage, WorkerGone
from tunewell.study.directive import Directive, Move
from tunewell.trial import WAIT, Step

SPACE = tw.Space(rate=tw.Float(0.0, 1.0))


class Scripted:
    """A worker that reports the one epoch of its trial; the rest is for a test to say."""

    def __init__(self, number):
        self.number = number
        self.inbox = [ReadyMessage()]
        self.assignments = []
        self.killed = False

    def send(self, message):
        if self.killed or message is None:
            return
        if hasattr(message, "step"):
            self.assignments.append(message)
            self.inbox.append(ReportMessage(message.step.trial, 1, {"loss": 1.0}))
        else:
            self.after_report()

    def after_report(self):
        self.inbox.append(StepResult(self.assignments[-1].step.trial, 1, paused=False))

    def receive(self):
        if self.inbox:
            return self.inbox.pop(0)
        raise WorkerGone("was killed by SIGKILL", killed_externally=True)

    def memory(self):
        return 0

    def kill(self):
        self.killed = True

    def close(self, patience_s):
        pass


class WorkerPlacement:
    def __init__(self, kind=Scripted):
        self.kind, self.opened = kind, []

    def open(self, number):
        self.opened.append(self.kind(number))
        return self.opened[-1]

    def wait(self, handles, timeout_s):
        ready = [handle for handle in handles if handle.inbox or handle.killed]
        if not ready:
            time.sleep(0.15)
        return ready


@pytest.fixture
def study():
    return tw.Study(SPACE, metric="loss", max_epochs=1, budget=3, scheduler="full", sampler="random")


class ThroughAtTheLastMoment(Scripted):
    """Its result lies in the pipe when it is killed."""

    def after_report(self):
        pass

    def kill(self):
        super().kill()
        Scripted.after_report(self)


def test_a_trial_is_not_blamed_for_the_time_of_the_one_before(study):
    execution = Execution(trial_timeout=0.02)
    placement = WorkerPlacement(ThroughAtTheLastMoment)
    Pool(Driver(study, execution), placement, execution).run()
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 3
    assert [len(handle.assignments) for handle in placement.opened] == [1, 1, 1, 0]


class Busy(Scripted):
    """It has much to say, and its memory is looked at."""

    n_said = n_looks = 0

    def after_report(self):
        self.n_said += 1
        trial = self.assignments[-1].step.trial
        self.inbox.append(PollMessage(trial, 1) if self.n_said % 500 else StepResult(trial, 1, paused=False))

    def memory(self):
        self.n_looks += 1
        return 0


def test_memory_is_not_looked_at_with_every_message(study):
    execution = Execution(trial_memory=2**30)
    placement = WorkerPlacement(Busy)
    began = time.monotonic()
    Pool(Driver(study, execution), placement, execution).run()
    took = time.monotonic() - began
    (handle,) = placement.opened
    assert handle.n_said == 3 * 500
    assert handle.n_looks <= 2 * 3 + took / 0.1 + 1  # before and after each step, and now and then


class Resuming(Driver):
    """A driver of which a trial is resumed by somebody while no worker has anything to do."""

    def __init__(self, study, execution):
        super().__init__(study, execution)
        self.steps = [Step(0, SPACE.defaults(), range(1, 2)), Step(1, SPACE.defaults(), range(1, 2))]
        self.later = [WAIT, Step(1, SPACE.defaults(), range(2, 3))]
        self.n_paused = 0

    def next_step(self):
        if self.steps:
            return self.steps.pop(0)
        if self.n_paused < 2:
            return WAIT
        return self.later.pop(0) if self.later else None

    def assignment(self, step):
        return Assignment(step, 2, None, None)

    def report(self, trial, epoch, metrics):
        return Directive(Move.PAUSE)

    def settle(self, result):
        self.n_paused += result.paused


class Pausing(Scripted):
    """Its trials stay in its memory."""

    def after_report(self):
        self.inbox.append(StepResult(self.assignments[-1].step.trial, 1, paused=True))


def test_a_trial_that_is_resumed_when_all_are_idle_goes_on_where_it_is_in_memory(study):
    execution = Execution(workers=2)
    placement = WorkerPlacement(Pausing)
    Pool(Resuming(study, execution), placement, execution).run()
    assert [[assignment.step.trial for assignment in handle.assignments] for handle in placement.opened] == [
        [0],
        [1, 1],
    ]


class OneAfterTheOther(Driver):
    """A driver of which a worker gets two steps at once, since both trials are in its memory, and then no more."""

    def __init__(self, study, execution):
        super().__init__(study, execution)
        started = [(0, 1), (1, 1), (0, 2), (2, 1)]  # trials 1 and 2 in the second worker
        self.steps = [Step(trial, SPACE.defaults(), range(epoch, epoch + 1)) for trial, epoch in started]
        self.steps += [Step(trial, SPACE.defaults(), range(2, 3)) for trial in (1, 2)]
        self.n_given, self.n_paused, self.n_asked = len(self.steps), 0, 0

    def next_step(self):
        self.n_asked += 1
        assert self.n_asked < 100, "a worker is not given the step that waits for it"
        return self.steps.pop(0) if self.steps else None if self.n_paused == self.n_given else WAIT

    assignment, report, settle = Resuming.assignment, Resuming.report, Resuming.settle


def test_a_step_that_waits_for_its_worker_is_begun_though_another_has_nothing_to_do(study):
    execution = Execution(workers=2)
    placement = WorkerPlacement(Pausing)
    Pool(OneAfterTheOther(study, execution), placement, execution).run()
    assert [[assignment.step.trial for assignment in handle.assignments] for handle in placement.opened] == [
        [0, 0],
        [1, 2, 1, 2],
    ]
