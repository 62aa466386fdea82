"""Runners: one contract for trials in this process and in several."""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import traceback
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import tunewell as tw
from tunewell.errors import CheckpointError, RepeatedFailure, ReportError, SettingError
from tunewell.runners import Execution, run_inline, run_processes, run_threads
from tunewell.runners.isolation import Isolated
from tunewell.trial import TrialState

SPACE = tw.Space(rate=tw.Float(1e-3, 1.0, scale="log", default=0.01), kind=tw.Choice(["a", "b"], default="a"))
EPOCHS = 9


def noisy(run):
    """Its loss depends on the setting, on the state in memory, and on all three sources of randomness."""
    total = 0.0
    for _ in run.epochs(EPOCHS):
        total += run.rng.normal() + np.random.normal() + random.random() * run.params.rate
        run.report(loss=total, train_loss=-total)


def tracked(run):
    """The same with its state tracked, so that it can go on from a checkpoint."""
    state = {"total": 0.0}
    run.track(state=state)
    for _ in run.epochs(EPOCHS):
        state["total"] += run.rng.normal() + np.random.normal() + random.random() * run.params.rate
        run.report(loss=state["total"])


def failing(run):
    for epoch in run.epochs(EPOCHS):
        run.report(loss=1.0)
        if run.params.kind == "b":
            raise ValueError(f"no at epoch {epoch} of trial {run.trial}")


def always_failing(run):
    raise ValueError("always")


def diverging(run):
    for epoch in run.epochs(EPOCHS):
        run.report(loss=float("nan") if run.trial % 2 and epoch == 2 else 1.0 / epoch)


def misnamed(run):
    for _ in run.epochs(EPOCHS):
        run.report(lossy=1.0)


def dying(run):
    for epoch in run.epochs(EPOCHS):
        run.report(loss=1.0)
        if run.trial == 1 and epoch == 2:
            os._exit(7)


def without_a_loop(run):
    for epoch in range(1, EPOCHS + 1):
        run.report(loss=1.0 / epoch + run.params.rate)


def stopping_early(run):
    for epoch in run.epochs(EPOCHS):
        run.report(loss=1.0)
        if epoch == 3:
            break


def silent(run):
    for _ in run.epochs(EPOCHS):
        pass


def two_processes(study, train, execution=None, **options):
    return run_processes(study, train, replace(execution or Execution(), workers=2), **options)


def isolated(study, train, execution=None, **options):
    return run_inline(study, Isolated.of(train), execution, **options)


def two_threads(study, train):
    return run_threads(study, train, Execution(workers=2, threads=True))


RUNNERS = [
    pytest.param(run_inline, id="inline"),
    pytest.param(two_processes, id="processes"),
    pytest.param(isolated, id="isolated"),
]


def make(**settings):
    return tw.Study(SPACE, **{"metric": "loss", "budget": 4} | settings)


@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize("scheduler", ["full", "asha", "hyperband"])
def test_a_study_is_run_until_its_budget_is_spent(run, scheduler):
    study = make(scheduler=scheduler)
    assert run(study, noisy)
    assert study.max_epochs == EPOCHS
    assert 3 * EPOCHS < study.spent.epochs <= 4 * EPOCHS
    assert len(study.reports()) == study.spent.epochs


@pytest.mark.parametrize("run", RUNNERS)
def test_a_trial_that_paused_has_the_curve_of_one_that_did_not(run):
    study = make(scheduler="asha", budget=5)
    run(study, noisy)
    for trial in study.trials:
        assert losses(study, trial) == losses_alone(noisy, trial)[: trial.epochs]
    assert any(trial.epochs == EPOCHS for trial in study.trials)


@pytest.mark.parametrize("run", RUNNERS)
@pytest.mark.parametrize("train", [noisy, tracked])
def test_a_trial_that_was_given_up_goes_on_with_the_same_curve(run, train, tmp_path):
    study = make(scheduler="asha", store=tmp_path / "t.db")
    run(study, train, Execution(keep=0))
    assert any(trial.epochs == EPOCHS for trial in study.trials)
    for trial in study.trials:
        assert losses(study, trial) == losses_alone(train, trial)[: trial.epochs]
    retrained = sum(trial.retrained for trial in study.trials)
    assert retrained == 0 if train is tracked else retrained > 0
    assert study.spent.epochs == study.spent.trained == sum(trial.epochs for trial in study.trials)
    assert study.spent.retrained == retrained


def losses(study, trial):
    return [report.metrics["loss"] for report in study.reports(trial.number)]


def losses_alone(train, trial):
    """What the trial's setting and seed give with no tuner."""
    run = tw.Run(trial.params, seed=trial.seed)
    random.seed(trial.seed)
    np.random.seed(trial.seed)
    train(run)
    return [report["loss"] for report in run.reports]


def test_the_users_own_random_state_is_left_alone():
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), np.random.get_state()[1].tolist()
    run_inline(make(), noisy)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


@pytest.mark.parametrize("run", RUNNERS)
def test_a_failing_trial_leaves_its_traceback_and_the_study_goes_on(run):
    study = make(scheduler="full", sampler="grid", budget="6trials")
    run(study, failing)
    failed = [trial for trial in study.trials if trial.state is TrialState.FAILED]
    assert {trial.params.kind for trial in failed} == {"b"}
    assert all("in failing" in trial.reason and "ValueError: no at epoch 1" in trial.reason for trial in failed)
    assert all("hosted_trial.py" not in trial.reason for trial in failed)
    assert any(trial.state is TrialState.COMPLETE for trial in study.trials)


@pytest.mark.parametrize("run", RUNNERS)
def test_an_error_in_the_code_stops_the_study(run):
    with pytest.raises(RepeatedFailure, match="ValueError: always"):
        run(make(), always_failing)


@pytest.mark.parametrize("run", RUNNERS)
def exiting(run):
    for _ in run.epochs(EPOCHS):
        sys.exit("no data")


@pytest.mark.parametrize("run", [*RUNNERS, pytest.param(two_threads, id="threads")])
@pytest.mark.parametrize(("train", "line"), [(always_failing, 'raise ValueError("always")'), (exiting, "sys.exit(")])
def test_an_error_that_stops_a_study_shows_the_line_of_the_users_code(run, train, line):
    with pytest.raises(RepeatedFailure) as raised:
        run(make(), train)
    shown = "".join(traceback.format_exception(raised.value))
    cause = str(raised.value.__cause__)
    assert cause in shown
    assert __file__ in cause
    assert f"in {train.__name__}\n" in cause
    assert line in cause
    assert "/tunewell/" not in cause.replace(__file__, "")


@pytest.mark.parametrize("run", [*RUNNERS, pytest.param(two_threads, id="threads")])
def test_a_report_that_is_refused_shows_the_line_of_the_users_code(run):
    with pytest.raises(ReportError) as raised:
        run(make(), misnamed)
    shown = "".join(traceback.format_exception(raised.value))
    assert f'File "{__file__}", line {misnamed.__code__.co_firstlineno + 2}, in misnamed' in shown


@pytest.mark.parametrize("run", RUNNERS)
def test_a_trial_whose_metric_is_not_finite_ends_there(run):
    study = make(scheduler="full")
    run(study, diverging)
    assert [t.state for t in study.trials[:2]] == [TrialState.COMPLETE, TrialState.STOPPED]
    assert study.trials[1].epochs == 2


@pytest.mark.parametrize("run", RUNNERS)
def test_a_metric_that_is_never_reported_stops_the_study_at_once(run):
    study = make()
    with pytest.raises(ReportError, match=r"'loss' is not among those reported \(lossy\)"):
        run(study, misnamed)
    assert [trial.state for trial in study.trials][:1] == [TrialState.FAILED]


def test_a_worker_that_dies_costs_its_trial_alone():
    study = make(scheduler="full", budget="4trials")
    two_processes(study, dying)
    assert study.trials[1].state is TrialState.FAILED
    assert "exit code 7" in study.trials[1].reason
    assert [t.state for t in study.trials if t.number != 1] == [TrialState.COMPLETE] * (len(study.trials) - 1)


@pytest.mark.parametrize("run", RUNNERS)
def test_a_training_with_no_epochs_loop_is_paced_by_its_reports(run):
    study = make(scheduler="asha", max_epochs=EPOCHS)
    run(study, without_a_loop)
    assert study.spent.epochs <= 4 * EPOCHS
    assert len(study.trials) > 4


@pytest.mark.parametrize("run", RUNNERS)
def test_a_training_with_no_epochs_loop_tells_its_length_by_ending(run):
    study = make(scheduler="asha")
    run(study, without_a_loop)
    assert study.max_epochs == EPOCHS
    assert study.spent.epochs <= 4 * EPOCHS


@pytest.mark.parametrize("run", RUNNERS)
def test_a_training_may_end_by_itself(run):
    study = make(scheduler="full")
    run(study, stopping_early)
    assert {trial.epochs for trial in study.trials} == {3}
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}


def test_a_training_that_reports_nothing_fails_with_the_mend():
    with pytest.raises(RepeatedFailure, match="report it after each epoch"):
        run_inline(make(), silent)


def returning_a_number(run):
    return (run.params.rate - 0.3) ** 2


def returning_metrics(run):
    return {"loss": np.float32(run.params.rate), "accuracy": 0.5}


def returning_after_its_loop(run):
    for _ in run.epochs(3):
        pass
    return run.params.rate


def reporting_and_returning(run):
    noisy(run)
    return -1e9


def returning_later_what_it_calls(run):
    async def call():
        noisy(run)

    return call()


def returning_a_generator(run):
    return (noisy(run) for _ in range(1))


@pytest.mark.parametrize("run", [*RUNNERS, pytest.param(two_threads, id="threads")])
@pytest.mark.parametrize("scheduler", ["full", "asha", "auto"])
@pytest.mark.parametrize("train", [returning_a_number, returning_metrics])
def test_what_a_training_returns_that_reports_nothing_is_its_report(run, scheduler, train):
    study = make(scheduler=scheduler, budget="4trials")
    run(study, train)
    returned = [train(trial) for trial in study.trials]
    values = [one if train is returning_a_number else float(one["loss"]) for one in returned]
    assert [[r.metrics["loss"] for r in study.reports(t.number)] for t in study.trials] == [[value] for value in values]
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    assert study.max_epochs == 1


def test_what_is_returned_after_a_loop_is_of_its_last_epoch():
    study = make(scheduler="full", budget="2trials")
    run_inline(study, returning_after_its_loop)
    assert [[report.epoch for report in study.reports(n)] for n in range(2)] == [[3], [3]]


def test_what_is_returned_besides_reports_is_not_looked_at():
    study = make(scheduler="full", budget="2trials")
    run_inline(study, reporting_and_returning)
    assert study.best.value > -1e9
    assert study.max_epochs == EPOCHS


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ({"accuracy": 0.5}, "the metric 'loss' is not among those reported"),
        ({"loss": [0.5, 0.4]}, "metric 'loss' must be a number, got"),
        ((0.5, 0.4), "report it after each epoch"),
        (True, "report it after each epoch"),
        ("0.5", "report it after each epoch"),
    ],
    ids=str,
)
def test_what_is_returned_and_is_no_report_is_named(returned, said):
    with pytest.raises((RepeatedFailure, ReportError), match=said):
        run_inline(make(), lambda run: returned)


@pytest.mark.parametrize("run", [run_inline, two_threads])
@pytest.mark.parametrize(
    ("train", "mend"),
    [(returning_later_what_it_calls, "asyncio.run"), (returning_a_generator, "call run.report.* where it yields")],
)
def test_what_is_still_to_be_run_when_a_training_returns_it_has_trained_nothing(run, train, mend):
    with pytest.raises(RepeatedFailure, match=mend):
        run(make(), train)


def test_fewer_epochs_than_the_loop_asks_for_can_be_enough():
    study = make(max_epochs=4, scheduler="full", budget=2)
    run_inline(study, noisy)
    assert [trial.epochs for trial in study.trials] == [4, 4]
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 2


def test_a_function_that_no_process_can_load_needs_cloudpickle(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(SettingError, match="workers=1"):
        two_processes(make(), lambda run: None)


def test_a_function_from_a_notebook_reaches_the_workers():
    pytest.importorskip("cloudpickle")
    study = make(scheduler="full", budget=2)

    def local(run):
        for epoch in run.epochs(3):
            run.report(loss=1.0 / epoch)

    two_processes(study, local)
    assert len(study.trials) == 2


class NotLoaded:
    """It can be pickled, but is not the same everywhere."""

    def __getstate__(self):
        return {"device": 0}

    def __setstate__(self, state):
        raise RuntimeError("no such device")

    def __call__(self, run):
        noisy(run)


def test_a_function_that_no_worker_can_load_is_named_with_its_traceback():
    with pytest.raises(SettingError, match="cannot be loaded in a worker process: RuntimeError: no such device") as why:
        two_processes(make(), NotLoaded())
    assert "in __setstate__" in str(why.value.__cause__)


@pytest.mark.parametrize(
    ("train", "how"),
    [
        (partial(returning_metrics, lock=threading.Lock()), "make such objects inside it"),
        (lambda run, numbers=(n for n in range(3)): run, "make such objects inside it"),
    ],
)
def test_a_function_that_holds_what_no_process_can_have_is_refused(train, how):
    pytest.importorskip("cloudpickle")
    with pytest.raises(SettingError, match=f"cannot be sent to worker processes: TypeError: cannot pickle .*{how}"):
        two_processes(make(), train)


TYPED = """
import tunewell as tw
def train(run):
    return run.params.x
if __name__ == "__main__":
    def guarded(run):
        return run.params.x
    tw.tune(TRAIN, {"x": tw.Float(0, 1)}, metric="loss", budget="2trials", store="memory", workers=2)
"""


@pytest.mark.parametrize("train", ["train", "guarded", "lambda run: run.params.x"])
def test_a_script_from_standard_input_has_workers(train, tmp_path):
    pytest.importorskip("cloudpickle")
    code = TYPED.replace("TRAIN", train)
    subprocess.run([sys.executable, "-"], input=code, text=True, check=True, cwd=tmp_path, timeout=120)


def test_a_function_under_the_main_guard_is_refused_with_the_mend(tmp_path):
    (tmp_path / "script.py").write_text(TYPED.replace("TRAIN", "guarded"))
    done = subprocess.run(
        [sys.executable, "script.py"], check=False, text=True, capture_output=True, cwd=tmp_path, timeout=120
    )
    assert "cannot be loaded in a worker process: AttributeError" in done.stderr.splitlines()[-1]
    assert "outside of any if" in done.stderr.splitlines()[-1]


SCRIPT = """
import time
import tunewell as tw

def train(run):
    state = {{"sum": 0.0}}
    if {tracks}:
        run.track(state=state)
    for epoch in run.epochs(20):
        time.sleep(0.01)
        state["sum"] += run.rng.normal()
        run.report(loss=state["sum"])

if __name__ == "__main__":
    space = tw.Space(rate=tw.Float(0.0, 1.0))
    study = tw.tune(train, space, metric="loss", budget=6, scheduler="asha", store={store!r}, name="s",
                    resume=True, workers={workers})
    print("done", len(study.trials))
"""


def start(tmp_path, name, *, workers=1, tracks=True):
    script = tmp_path / f"{name}.py"
    store = str(tmp_path / f"{name}.db")
    script.write_text(textwrap.dedent(SCRIPT.format(store=store, workers=workers, tracks=tracks)))
    return subprocess.Popen([sys.executable, script]), store


def wait_for_reports(store, n):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if len(tw.Study.open(store).reports()) >= n:
                return
        except tw.TunewellError:
            pass
        time.sleep(0.02)
    raise TimeoutError


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("tracks", [True, False])
def test_a_study_that_was_ended_from_outside_goes_on_to_the_same_end(tmp_path, number, tracks):
    whole, whole_store = start(tmp_path, "whole", tracks=tracks)
    assert whole.wait(timeout=60) == 0
    first, store = start(tmp_path, "cut", tracks=tracks)
    wait_for_reports(store, 30)
    first.send_signal(number)
    first.wait(timeout=20)
    again, _ = start(tmp_path, "cut", tracks=tracks)
    assert again.wait(timeout=60) == 0
    ended, expected = tw.Study.open(store), tw.Study.open(whole_store)
    np.testing.assert_array_equal(ended.history.curves, expected.history.curves)
    assert [t.params for t in ended.trials] == [t.params for t in expected.trials]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_driver_and_the_study_goes_on(tmp_path, number):
    first, store = start(tmp_path, "cut", workers=2)
    wait_for_reports(store, 30)
    first.send_signal(number)
    first.wait(timeout=20)
    acknowledged = len(tw.Study.open(store).reports())
    again, _ = start(tmp_path, "cut", workers=2)
    assert again.wait(timeout=60) == 0
    study = tw.Study.open(store)
    assert len(study.reports()) >= acknowledged
    assert study.spent.epochs <= 6 * 20
    epochs = [(report.trial, report.epoch) for report in study.reports()]
    assert len(epochs) == len(set(epochs))


def test_whatever_a_training_raises_costs_its_trial_alone():
    class Odd(BaseException):
        pass

    def train(run):
        for _ in run.epochs(2):
            run.report(loss=1.0)
            if run.trial == 0:
                raise Odd("strange")

    study = tw.Study(tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", budget="3trials", scheduler="full")
    assert run_inline(study, train)
    assert [str(trial.state) for trial in study.trials] == ["failed", "complete", "complete"]


def test_a_checkpoint_that_cannot_be_written_stops_the_study_and_not_the_trial(tmp_path):
    """The disk is full, or not ours to write: no setting would fare better."""

    def train(run):
        weights = np.zeros(3)
        run.track(weights=weights)
        for epoch in run.epochs(4):
            folder = tmp_path / ".tunewell"
            if epoch == 3 and not folder.is_file():
                shutil.rmtree(folder, ignore_errors=True)
                folder.write_text("in the way")  # root may write anywhere, but not into a file
            run.report(loss=1.0)

    study = tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", budget=3, scheduler="full", store=tmp_path / "tunewell.db"
    )
    with pytest.raises(CheckpointError, match="cannot be written"):
        run_inline(study, train)
    assert [str(trial.state) for trial in study.trials] == ["running"]
    (tmp_path / ".tunewell").unlink()
    resumed = tw.Study.open(tmp_path / "tunewell.db")
    (tmp_path / ".tunewell").mkdir()
    assert run_inline(resumed, lambda run: [run.report(loss=1.0) for _ in run.epochs(4)])
    assert [str(trial.state) for trial in resumed.trials] == ["complete"] * 3


def test_a_state_that_can_no_longer_be_saved_fails_its_trial():
    class Odd:
        def __init__(self):
            self.epochs = 0

        def state_dict(self):
            return {"epochs": self.epochs if self.epochs < 2 else object()}

        def load_state_dict(self, state):
            self.epochs = state["epochs"]

    def train(run):
        odd = Odd()
        run.track(odd=odd)
        for _ in run.epochs(3):
            odd.epochs += 1
            run.report(loss=1.0)

    with tempfile.TemporaryDirectory() as folder:
        study = tw.Study(
            tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", budget="2trials", scheduler="full", store=f"{folder}/a.db"
        )
        assert run_inline(study, train)
        assert [str(trial.state) for trial in study.trials] == ["failed"] * 2


def test_an_interruption_is_heeded_while_epochs_are_trained_again(tmp_path):
    """What is trained again is not reported, so nobody would be asked whether to go on."""
    space = tw.Space(x=tw.Float(0.0, 1.0))
    settings = {"metric": "loss", "scheduler": "full", "budget": 1, "store": tmp_path / "a.db"}
    first = tw.Study(space, max_epochs=30, **settings)
    step = first.ask()
    for epoch in range(1, 21):
        first.report(step.trial, epoch, loss=1.0)
    first.close()
    study = tw.Study(space, resume=True, **settings)
    trained = []

    def train(run):
        for epoch in run.epochs(30):
            trained.append(epoch)
            if epoch == 5:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)  # the main thread takes it in
            run.report(loss=1.0)

    assert not run_inline(study, train)
    assert trained[-1] == 5


def test_a_study_that_forgets_its_trials_is_the_one_that_keeps_them_and_the_one_that_was_killed(tmp_path):
    """To train epochs again costs nothing of the budget, for whatever reason it has to be done."""

    def make(name):
        settings = {"max_epochs": 9, "budget": "60epochs", "scheduler": "asha", "store": tmp_path / name}
        return tw.Study(tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", resume=True, **settings)

    def train(run):
        for epoch in run.epochs(9):
            run.report(loss=run.params.x / epoch)

    def killed(run):
        for epoch in run.epochs(9):
            run.report(loss=run.params.x / epoch)
            if run.trial == 20:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.1)  # the main thread takes it in

    kept, forgotten, resumed = make("kept.db"), make("forgotten.db"), make("resumed.db")
    assert run_inline(kept, train)
    assert run_inline(forgotten, train, Execution(keep=0))
    assert not run_inline(resumed, killed)
    resumed.store.close()
    resumed = make("resumed.db")
    assert run_inline(resumed, train)
    assert kept.spent.retrained == 0
    for other in (forgotten, resumed):
        assert other.spent.retrained == sum(
            event.data["epochs"] for event in other.events() if event.kind == "retrained"
        )
        assert other.spent.retrained > 0
        assert other.spent.epochs == other.spent.trained == len(other.reports()) == kept.spent.epochs == 60
        assert [(t.params, t.epochs, t.state) for t in other.trials] == [
            (t.params, t.epochs, t.state) for t in kept.trials
        ]


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so_and_leaves_one_study(tmp_path):
    """Worker processes import the script, which would tune again in each."""
    script = """
        import tunewell as tw

        def train(run):
            for _ in run.epochs(3):
                run.report(loss=1.0)

        tw.tune(train, tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", budget=3, workers=2, store="a.db")
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(script))
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert 'if __name__ == "__main__":' in done.stderr
    assert [study.name for study in tw.open_store(tmp_path / "a.db").studies()] == ["script"]
