"""Progress: what the lines and the display say, and that they stay cheap."""

import io
import math
import re
import time

import pytest
from rich.console import Console

import tunewell as tw
from tunewell.display.formatting import measured
from tunewell.display.progress import LineProgress, LiveProgress, live_progress, progress
from tunewell.display.summary import counts, in_words, spent_of_budget, spent_share

SPACE = tw.Space(rate=tw.Float(1e-3, 1.0, scale="log", default=0.01))


def new_study(**settings):
    return tw.Study(SPACE, metric="val_accuracy", **({"max_epochs": 3, "budget": 3, "scheduler": "full"} | settings))


def train(study, observer, curve):
    """One step, observed as a driver has it observed; `curve` may end with an error."""
    step = study.ask()
    observer.on_step(study, step)
    error = None
    for epoch, value in zip(step.epochs, curve, strict=False):
        if isinstance(value, str):
            error = f"Traceback ...\nValueError: {value}"
            break
        study.report(step.trial, epoch, val_accuracy=value)
        observer.on_report(study, step.trial, epoch, {"val_accuracy": value})
    study.tell(step.trial, error=error)
    observer.on_step_end(study, step.trial)
    return step.trial


def lines_of(*curves, **settings):
    stream, study = io.StringIO(), new_study(**settings)
    observer = LineProgress(stream)
    for curve in curves:
        train(study, observer, curve)
    return stream.getvalue().splitlines()


def picture(display):
    stream = io.StringIO()
    Console(file=stream, width=100).print(display.render())
    return stream.getvalue()


def test_each_step_that_is_done_has_a_line():
    assert lines_of([0.5, 0.7, 0.6], [0.1, 0.2, 0.3]) == [
        "trial 0  epochs 1-3  val_accuracy 0.6000  (best 0.7000 trial 0 epoch 2)  33% of the budget",
        "trial 1  epochs 1-3  val_accuracy 0.3000  (best 0.7000 trial 0 epoch 2)  67% of the budget",
    ]


def test_a_line_says_why_a_trial_failed_or_stopped():
    failed, stopped = lines_of([0.5, "no such layer"], [0.4, math.nan, 0.3])
    assert "failed: ValueError: no such layer" in failed
    assert "stopped: val_accuracy was not finite at epoch 2" in stopped


def test_a_trial_that_fails_before_its_first_epoch_has_a_line():
    (line,) = lines_of(["out of memory"])
    assert line == "trial 0  no epoch  failed: ValueError: out of memory  11% of the budget"  # costs an epoch at least


def test_the_best_of_equal_values_is_the_one_that_the_study_calls_best():
    study, observer = new_study(), LineProgress(io.StringIO())
    for curve in ([0.1, 0.9, 0.2], [0.9, 0.9, 0.9]):
        train(study, observer, curve)
    assert str(observer._leader) == f"{measured(study.best.value)} trial {study.best.trial} epoch {study.best.epoch}"


def test_lower_is_better_where_the_study_minimizes():
    stream = io.StringIO()
    study, observer = tw.Study(SPACE, metric="val_loss", max_epochs=2, budget=2), LineProgress(stream)
    step = study.ask()
    observer.on_step(study, step)
    for epoch, value in ((1, 0.5), (2, 0.8)):
        if epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=value)
            observer.on_report(study, step.trial, epoch, {"val_loss": value})
    study.tell(step.trial)
    observer.on_step_end(study, step.trial)
    assert "best 0.5000 trial 0 epoch 1" in stream.getvalue()


def test_a_resumed_study_shows_the_best_it_had(tmp_path):
    store = tmp_path / "s.db"
    study = new_study(store=store)
    train(study, LineProgress(io.StringIO()), [0.5, 0.8, 0.6])
    study.close()
    study.store.close()
    study, stream = new_study(store=store, resume=True), io.StringIO()
    train(study, LineProgress(stream), [0.1, 0.2, 0.3])
    assert "(best 0.8000 trial 0 epoch 2)" in stream.getvalue()
    study.close()
    study.store.close()


def test_an_observer_begins_anew_with_another_study():
    stream = io.StringIO()
    observer = LineProgress(stream)
    train(new_study(), observer, [0.9, 0.9, 0.9])
    train(new_study(), observer, [0.1, 0.2, 0.3])
    assert "best 0.3000 trial 0 epoch 3" in stream.getvalue().splitlines()[1]


def test_the_display_shows_best_setting_curve_budget_and_counts():
    study, display = new_study(), LiveProgress()
    train(study, display, [0.5, 0.7, 0.6])
    step = study.ask()
    display.on_step(study, step)
    study.report(step.trial, 1, val_accuracy=0.25)
    display.on_report(study, step.trial, 1, {"val_accuracy": 0.25})
    shown = picture(display)
    assert re.search(r"best +0\.7000  trial 0  epoch 2", shown)
    assert f"rate {study.best.params.rate:.4g}" in shown
    assert re.search(r"running  trial 1 +epoch 1 of 3 +▁ +0\.2500", shown)
    assert "1 running, 1 complete" in shown
    assert "4 of 9 epochs" in shown
    assert "44%" in shown
    assert "left" in shown


def test_the_display_can_be_shown_before_anything_has_happened():
    assert "starting" in picture(LiveProgress())
    study, display = new_study(max_epochs=None), LiveProgress()
    display.on_step(study, study.ask())
    assert "nothing yet" in picture(display)
    assert "0 epochs" in picture(display)


def test_no_colour_is_written_where_none_is_wanted(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    study = new_study()
    with live_progress(stream) as display:
        train(study, display, [0.5, 0.7, 0.6])
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", stream.getvalue())


def test_a_stream_that_is_no_terminal_gets_lines():
    with progress(io.StringIO()) as observer:
        assert isinstance(observer, LineProgress)


@pytest.mark.parametrize(
    ("budget", "words", "spent"),
    [
        ("3", "3 full trainings", "3 of 9 epochs"),
        ("12epochs", "12 epochs", "3 of 12 epochs"),
        ("5trials", "5 trials", "1 of 5 trials, 3 epochs"),
        ("2h", "2 h 00 min", "0 s of 2 h 00 min, 3 epochs"),
    ],
)
def test_a_budget_is_told_in_its_own_unit(budget, words, spent):
    study = new_study(budget=budget)
    train(study, LineProgress(io.StringIO()), [0.5, 0.7, 0.6])
    assert in_words(study.budget) == words
    assert spent_of_budget(study) == spent
    assert 0 <= spent_share(study) < 1
    assert counts(study) == "1 complete"


def test_what_is_promised_to_a_running_step_is_not_spent_yet():
    study = new_study()
    step = study.ask()
    assert spent_share(study) == 0
    study.report(step.trial, 1, val_accuracy=0.5)
    assert spent_share(study) == pytest.approx(1 / 9)


def test_a_trial_that_reports_nothing_is_shown_as_silent(monkeypatch):
    study, display, stream = new_study(), LiveProgress(), io.StringIO()
    lines = LineProgress(stream)
    step = study.ask()
    for observer in (display, lines):
        observer.on_step(study, step)
    assert "no report" not in picture(display)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 130)
    assert "no report for 2 min 10 s; --trial-timeout would end it" in " ".join(picture(display).split())
    lines.show_silence()
    lines.show_silence()
    assert stream.getvalue() == "trial 0  no report for 1 min 0 s; --trial-timeout would end it if it hangs\n"
    study.report(step.trial, 1, val_accuracy=0.25)
    for observer in (display, lines):
        observer.on_report(study, step.trial, 1, {"val_accuracy": 0.25})
    assert "no report" not in picture(display)


def test_a_trial_that_failed_is_the_best_no_more():
    study, stream = new_study(), io.StringIO()
    observer = LineProgress(stream)
    train(study, observer, [0.5, 0.6, 0.7])
    train(study, observer, [0.9, math.nan])
    assert "(best 0.7000 trial 0 epoch 3)" in stream.getvalue().splitlines()[-1]
