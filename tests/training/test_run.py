"""A run as its training function sees it: with no tuner, and behind a channel that pauses, ends and restores it."""

import random
import threading
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import pytest

from tunewell import checkpoint
from tunewell.errors import CheckpointError, ReportError
from tunewell.training.run import Run, RunEnded


class Gate:
    """A channel that lets a run train until an epoch and holds it there, as a worker does."""

    def __init__(self, until: int, *, last: int = 10**6, restore_from=None):
        self.until = until
        self.last = last
        self.restore_from = restore_from
        self.n_epochs = None
        self.reported: list[tuple[int, Mapping[str, float]]] = []
        self.waits = threading.Event()
        self.goes_on = threading.Event()

    def begin(self, run, n_epochs):
        self.run, self.n_epochs = run, n_epochs
        return 0 if self.restore_from is None else run.restore(self.restore_from)

    def may_train(self, epoch):
        if epoch > self.until:
            if self.run.on_pause is not None:
                self.run.on_pause()
            self.waits.set()
            assert self.goes_on.wait(10)
            self.goes_on.clear()
            if self.run.on_resume is not None:
                self.run.on_resume()
        return epoch <= self.last

    def report(self, epoch, metrics):
        self.reported.append((epoch, metrics))

    def end(self):
        pass

    def release(self, until):
        self.waits.clear()
        self.until = until
        self.goes_on.set()


def noisy(run):
    """Its losses depend on what it tracks and on all sources of randomness."""
    state = {"total": 0.0, "weights": np.zeros(2)}
    run.track(state=state)
    for _ in run.epochs(10):
        state["weights"] += run.rng.normal(size=2)
        state["total"] += state["weights"].sum() + np.random.normal() + random.random()
        run.report(loss=state["total"])


@pytest.fixture(autouse=True)
def own_random_states():
    states = checkpoint.random_states()
    checkpoint.seed_everything(5)
    yield
    checkpoint.set_random_states(states)


@pytest.fixture
def hosted():
    """Lets a training function run in a thread of its own, as a worker does, to its end."""
    threads = []

    def host(train, run):
        def target():
            with suppress(RunEnded):
                train(run)

        threads.append(threading.Thread(target=target, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield host
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_run_with_no_tuner_trains_every_epoch_and_keeps_its_reports():
    run = Run({"rate": 0.1})
    for epoch in run.epochs(3):
        run.report(val_loss=run.params.rate / epoch, train_loss=1)
    assert [report["epoch"] for report in run.reports] == [1, 2, 3]
    assert run.reports[1] == {"epoch": 2, "val_loss": 0.05, "train_loss": 1.0}


def test_a_run_with_no_tuner_needs_no_loop():
    run = Run({})
    run.report(loss=2)
    run.report(loss=1)
    assert run.reports == [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}]


def test_the_same_seed_gives_the_same_draws():
    assert Run({}, seed=3).rng.random() == Run({}, seed=3).rng.random() != Run({}, seed=4).rng.random()


def test_an_epoch_need_not_be_reported():
    run = Run({})
    for epoch in run.epochs(4):
        if epoch % 2 == 0:
            run.report(loss=1.0)
    assert [report["epoch"] for report in run.reports] == [2, 4]


def test_the_last_epoch_may_be_reported_after_the_loop_but_no_epoch_twice():
    run = Run({})
    for _ in run.epochs(4):
        pass
    run.report(loss=1.0)
    assert run.reports == [{"epoch": 4, "loss": 1.0}]
    with pytest.raises(ReportError, match="epoch 4 is reported already; give all metrics of an epoch in one report"):
        run.report(accuracy=1.0)


def test_a_loop_that_is_left_early_ends_at_its_epoch():
    run = Run({})
    for epoch in run.epochs(9):
        if epoch == 3:
            break
    run.report(loss=1.0)
    assert run.reports == [{"epoch": 3, "loss": 1.0}]


@pytest.mark.parametrize("value", [np.float32(0.5), np.array(0.5), 1, True])
def test_numbers_of_any_kind_are_floats_on_record(value):
    run = Run({})
    run.report(loss=value)
    assert type(run.reports[0]["loss"]) is float


@pytest.mark.parametrize(
    "value", [None, "0.5", [0.5], np.zeros(2), 1j, 10**400, 10**5000], ids=lambda value: str(type(value))
)
def test_what_is_no_number_is_refused_with_its_name(value):
    with pytest.raises(ReportError, match=r"metric 'loss' must be a number, got .*; reduce it first"):
        Run({}).report(loss=value)


def test_a_report_of_nothing_is_refused():
    with pytest.raises(ReportError, match="has no metric"):
        Run({}).report()


def test_a_metric_may_have_any_name_but_epoch():
    run = Run({})
    run.report(**{"self": 1, "val/loss": 2, "trial": 3})
    assert run.reports == [{"epoch": 1, "self": 1.0, "val/loss": 2.0, "trial": 3.0}]
    with pytest.raises(ReportError, match="leave epoch= out"):
        run.report(epoch=2, loss=1.0)


@pytest.mark.parametrize("n", [0, -1, 2.5, 10.0, "10", None])
def test_a_training_has_a_whole_number_of_epochs(n):
    with pytest.raises(ReportError, match=r"run.epochs\(n\) needs a whole number of at least 1, got "):
        list(Run({}).epochs(n))


def test_the_number_of_epochs_may_be_numpy_s(hosted):
    channel = Gate(until=5)
    hosted(lambda run: list(run.epochs(np.int64(2))), Run({}, channel=channel)).join(10)
    assert type(channel.n_epochs) is int


def test_a_trial_has_one_loop():
    run = Run({})
    list(run.epochs(2))
    with pytest.raises(ReportError, match="may be looped over once"):
        list(run.epochs(2))
    run = Run({})
    run.report(loss=1.0)
    with pytest.raises(ReportError, match="before any report outside it"):
        list(run.epochs(2))


# --- behind a channel


def test_a_loop_waits_where_the_channel_holds_it(hosted):
    channel = Gate(until=3)
    run = Run({}, seed=1, channel=channel)
    hosted(noisy, run)
    assert channel.waits.wait(10)
    assert [epoch for epoch, _ in channel.reported] == [1, 2, 3]
    channel.release(until=10)


def test_reports_with_no_loop_wait_where_the_channel_holds_them(hosted):
    def train(run):
        while True:
            run.report(loss=1.0)

    channel = Gate(until=3, last=5)
    thread = hosted(train, Run({}, channel=channel))
    assert channel.waits.wait(10)
    assert len(channel.reported) == 3
    channel.release(until=10)
    thread.join(10)
    assert [epoch for epoch, _ in channel.reported] == [1, 2, 3, 4, 5]
    assert channel.n_epochs is None


def test_a_loop_ends_in_order_when_no_further_epoch_is_wanted(hosted):
    finished = []

    def train(run):
        for _ in run.epochs(100):
            run.report(loss=1.0)
        finished.append(run.reports[-1]["epoch"])

    hosted(train, Run({}, channel=Gate(until=100, last=4))).join(10)
    assert finished == [4]


def test_what_runs_beside_the_trial_is_told_of_its_pauses(hosted):
    told = []
    channel = Gate(until=2)
    run = Run({}, channel=channel)
    run.on_pause = lambda: told.append(("pause", run.reports[-1]["epoch"], threading.current_thread().name))
    run.on_resume = lambda: told.append(("resume", run.reports[-1]["epoch"], threading.current_thread().name))
    thread = hosted(noisy, run)
    assert channel.waits.wait(10)
    channel.release(until=10)
    thread.join(10)
    assert told == [("pause", 2, thread.name), ("resume", 2, thread.name)]


def test_no_handler_of_errors_catches_the_end_of_a_run():
    assert not issubclass(RunEnded, Exception)


# --- checkpoints


def losses(run):
    return [report["loss"] for report in run.reports]


def test_a_run_goes_on_from_its_checkpoint_bit_for_bit(tmp_path, hosted):
    whole = Run({}, seed=1)
    noisy(whole)

    checkpoint.seed_everything(5)
    channel = Gate(until=6)
    first = Run({}, seed=1, channel=channel)
    thread = hosted(noisy, first)
    assert channel.waits.wait(10)
    assert first.checkpoint(tmp_path / "deep" / "c.npz") > 0
    channel.release(until=10)
    thread.join(10)  # or both would draw from the same states

    random.random()  # the process has gone on to other things
    second = Run({}, seed=1, channel=Gate(until=10, restore_from=tmp_path / "deep" / "c.npz"))
    noisy(second)
    assert losses(second) == losses(whole)[6:]
    assert [report["epoch"] for report in second.reports] == [7, 8, 9, 10]


def test_a_training_can_be_restored_by_hand(tmp_path):
    run, state = Run({}), {"n": 0}
    run.track(state=state)
    for epoch in run.epochs(4):
        state["n"] += 1
        if epoch == 2:
            run.checkpoint(str(tmp_path / "c.npz"))
    again, state = Run({}), {"n": -1}
    again.track(state=state)
    assert again.restore(str(tmp_path / "c.npz")) == 2
    assert state == {"n": 2}
    assert list(again.epochs(4)) == [3, 4]


def test_a_run_that_was_not_restored_is_as_it_was(tmp_path):
    saved = Run({}, seed=1)
    saved.track(state={"w": np.ones(2)})
    next(saved.epochs(3))
    saved.checkpoint(tmp_path / "c.npz")
    run, state = Run({}, seed=2), {"w": np.zeros(3)}
    run.track(state=state)
    with pytest.raises(CheckpointError, match="has shape"):
        run.restore(tmp_path / "c.npz")
    assert run.rng.random() == Run({}, seed=2).rng.random()
    assert list(run.epochs(2)) == [1, 2]


def test_a_training_with_no_loop_is_not_restored_in_the_middle(tmp_path):
    saved = Run({})
    saved.checkpoint(tmp_path / "c.npz")
    run = Run({}, channel=Gate(until=9, restore_from=tmp_path / "c.npz"))
    with pytest.raises(CheckpointError, match=r"no run.epochs\(...\) loop"):
        run.report(loss=1.0)


def test_what_cannot_be_kept_is_refused_before_any_training():
    run = Run({})
    with pytest.raises(CheckpointError, match=r"model\.hook is a function"):
        run.track(model=type("Model", (), {"__init__": lambda self: setattr(self, "hook", lambda: 0)})())
    assert run.tracked == {}


def test_what_is_tracked_may_be_named_in_several_calls(tmp_path):
    run = Run({})
    run.track(a={"x": 1})
    run.track(b=[1], rng=np.random.default_rng(0))
    assert list(run.tracked) == ["a", "b", "rng"]
    assert set(checkpoint.read(run_file(run, tmp_path))) == {"a", "b", "rng", "tunewell.run"}


def run_file(run, folder):
    run.checkpoint(folder / "c.npz")
    return folder / "c.npz"


def test_checkpoints_of_older_versions_can_be_read(tmp_path):
    run = Run({}, seed=1)
    run.track(weights=np.zeros(2))
    run.checkpoint(tmp_path / "run.npz")
    # the class by which a checkpoint names a run's own state: another name would make all that exist unreadable
    assert checkpoint.read(tmp_path / "run.npz")["tunewell.run"].type == "_Standing"
