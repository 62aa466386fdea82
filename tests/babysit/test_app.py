"""The screen of `babysit`, driven by its keys beside a training in another thread."""

import asyncio
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

import tunewell as tw
from tunewell import commands
from tunewell.runners import Execution
from tunewell.runners.tune import drive

pytest.importorskip("textual")
from tunewell.babysit.app import Babysitter
from tunewell.babysit.chart import chart
from tunewell.babysit.snapshot import Branch, snapshot

SPACE = tw.Space(
    learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True),
    hidden=tw.Int(1, 64, default=8),
)


def train(run):
    state = {"weight": np.ones(1)}
    run.track(state=state)
    if run.params.hidden > 32:
        raise ValueError("no more than 32")
    for _ in run.epochs(400):
        state["weight"] *= 1 - 0.01 * run.params.learning_rate
        time.sleep(0.02)
        loss = float(state["weight"][0])
        run.report(train_loss=loss, val_loss=1.1 * loss, val_accuracy=1 - loss / 2)


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "tunewell.db"
    running = tw.Study(
        SPACE, metric="val_loss", budget="1trials", scheduler="full", first=[SPACE.defaults()], store=path, name="s"
    )  # fmt: skip
    thread = threading.Thread(target=drive, args=(running, train, Execution(checkpoint_every=1)), daemon=True)
    thread.start()
    reader = tw.Study.open(path, "s")
    until(lambda: len(reader.reports()) > 3)
    yield reader
    for trial in reader.trials:
        if not trial.state.ended:
            reader.steer(trial.number, commands.Stop())
    until(lambda: all(trial.state.ended for trial in reader.trials))
    thread.join(timeout=30)


@pytest.fixture
def resting(tmp_path):
    """A study of which three epochs are on record and no more are trained, for what needs none."""
    study = tw.Study(
        SPACE, metric="val_loss", budget="1trials", scheduler="full", first=[SPACE.defaults()],
        store=tmp_path / "tunewell.db", name="s",
    )  # fmt: skip
    trial = study.ask().trial
    for epoch in (1, 2, 3):
        study.report(trial, epoch, train_loss=1 / epoch, val_loss=1.1 / epoch, val_accuracy=0.5)
        study.add_checkpoint(trial, epoch, f"{epoch}.npz", 100)
    return study


def until(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def driven(study, script, size=(120, 40)):
    """Run the screen, and a coroutine that presses its keys."""

    async def run():
        app = Babysitter(study)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await script(app, pilot)

    asyncio.run(run())


def shown_message(app):
    return str(app.query_one("#message").render())


async def typed(app, pilot, key, text):
    await pilot.press(key)
    app.query_one("#prompt").value = text
    await pilot.press("enter")
    await pilot.pause()


async def answered(study, n):
    """Wait until so many commands have been taken up."""
    for _ in range(600):
        if sum(command.taken_at is not None for command in study.commands()) >= n:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody took it up")


def test_keys_change_the_rate_pause_step_and_resume(study):
    async def script(app, pilot):
        await pilot.press("plus")
        await answered(study, 1)
        await pilot.press("p")
        await answered(study, 2)
        for _ in range(500):
            app.look()
            if app.snapshot.branch.state == "held":
                break
            await asyncio.sleep(0.02)
        epoch = app.snapshot.branch.epoch
        await pilot.press("s")
        await answered(study, 4)
        for _ in range(500):
            app.look()
            if app.snapshot.branch.state == "held" and app.snapshot.branch.epoch > epoch:
                break
            await asyncio.sleep(0.02)
        assert app.snapshot.branch.epoch == epoch + 1
        await pilot.press("p")
        await answered(study, 5)

    driven(study, script)
    kinds = [command.kind for command in study.commands()]
    assert kinds == ["set", "pause", "resume", "pause", "resume"]
    assert study.commands()[0].action.value == pytest.approx(0.316228)


def test_values_notes_branches_and_rewinds_are_typed(study):
    async def script(app, pilot):
        await typed(app, pilot, "v", "learning_rate 0.5")
        await answered(study, 1)
        await typed(app, pilot, "n", "hello")
        await answered(study, 2)
        await typed(app, pilot, "b", "hidden=16")
        await answered(study, 3)
        await pilot.press("x")
        await pilot.pause()
        assert "x again ends trial 0" in shown_message(app)
        await pilot.press("x")
        await answered(study, 4)

    driven(study, script)
    was_set, note, branch, stop = study.commands()
    assert was_set.action.value == 0.5
    assert note.action.text == "hello"
    assert study.trials[branch.branch].params["hidden"] == 16
    assert stop.kind == "stop"


def test_what_is_refused_is_said_on_the_screen(resting):
    async def script(app, pilot):
        app._steer(commands.Set("hidden", 3))
        await pilot.pause()
        assert "hidden is not live" in shown_message(app)
        app._steer(commands.Rewind(10**6))
        await pilot.pause()
        assert "has come to epoch" in shown_message(app)

    driven(resting, script)
    assert resting.commands() == []


WRONG = [
    ("v", "learning_rate", "set: it takes NAME VALUE, such as learning_rate 0.1; got learning_rate"),
    ("v", "", "set: it takes NAME VALUE, such as learning_rate 0.1; got nothing"),
    ("v", "rate 0.1", "there is no parameter 'rate'"),
    ("r", "soon", "rewind: it takes an epoch and NAME=VALUE, such as 12 learning_rate=0.1; got soon"),
    ("r", "-3", "rewind: it takes an epoch and NAME=VALUE, such as 12 learning_rate=0.1; got -3"),
    ("r", "", "rewind needs an epoch; 0 is the beginning"),
    ("b", "2 3", "branch: it takes an epoch and NAME=VALUE, such as 12 learning_rate=0.1; got 2 3"),
    ("b", "2 hiden=3", "there is no parameter 'hiden'; did you mean 'hidden'?"),
]


def test_what_is_typed_wrongly_is_said_with_what_is_wanted(resting):
    async def script(app, pilot):
        for key, text, message in WRONG:
            app._show_message("")
            await typed(app, pilot, key, text)
            assert message in shown_message(app)

    driven(resting, script)
    assert resting.commands() == []


@pytest.mark.parametrize("width", [80, 120])
def test_all_keys_are_named_on_the_last_line(resting, width):
    async def script(app, pilot):
        line = "".join(segment.text for segment in app.screen._compositor.render_strips()[-1]._segments)
        for key in ("p pause", "s step", "+ - rate", "v set", "r rewind", "b branch", "n note", "t trial", "x stop"):
            assert key in line
        assert "q quit" in line

    driven(resting, script, size=(width, 30))


def test_the_screen_shows_curves_values_and_what_was_done(study):
    async def script(app, pilot):
        await pilot.press("minus")
        await answered(study, 1)
        app.look()
        await pilot.pause()
        loss, rate, side = (str(app.query_one(name).render()) for name in ("#loss", "#rate", "#side"))
        assert "• train_loss" in loss
        assert "○ val_loss" in loss
        assert "• lr" in rate
        assert "v" in rate.splitlines()[-2]  # the mark of the change, on the axis of epochs
        assert "learning_rate = 0.03162" in side
        assert "learning_rate 0.1 -> 0.0316228" in side

    driven(study, script)


def test_a_branch_has_the_curve_of_the_trial_that_it_comes_from(study):
    until(lambda: study.trials[0].state == "running" and len(study.reports(0)) > 5)
    command = study.steer(0, commands.Branch(3))
    until(lambda: next(one for one in study.commands() if one.id == command.id).taken_at is not None)
    study.steer(0, commands.Stop())
    until(lambda: len(study.reports(1)) > 2)
    shown = snapshot(study)
    parent, child = shown.branches
    assert (child.begins, shown.current) == (3, 1)
    assert child.curves["val_loss"][:3].tolist() == parent.curves["val_loss"][:3].tolist()
    assert child.epoch == len(study.reports(1)) + 3 or child.epoch >= 5


def test_an_epoch_s_time_is_not_lengthened_by_a_pause(study):
    study.steer(0, commands.Pause())
    until(lambda: study.trials[0].state == "held")
    time.sleep(2)
    study.steer(0, commands.Resume())
    epoch = len(study.reports())
    until(lambda: len(study.reports()) > epoch + 4)
    assert snapshot(study).seconds < 0.1


def test_a_branch_that_fails_says_why(study):
    study.steer(0, commands.Branch(params={"hidden": 64}))
    until(lambda: len(study.trials) > 1)
    study.steer(0, commands.Stop())
    until(lambda: study.trials[1].state == "failed")
    failed = snapshot(study).branches[-1]
    assert "no more than 32" in failed.reason
    assert "\n" not in failed.reason


def test_a_loss_that_falls_far_is_drawn_by_its_logarithm():
    falls = Branch(0, "running", {"train_loss": np.array([100.0, 10.0, 1.0])}, 0)
    rows = chart([falls], ["train_loss"], 40, 10, {2: "v"}, 3, ratios=True).plain.splitlines()
    assert "(log)" in rows[0]
    marked = [number for number, row in enumerate(rows) if "•" in row and number]
    assert np.ptp(np.diff(marked)) <= 1  # a decade is as high as the next
    straight = chart([falls], ["train_loss"], 40, 10, {}, 3).plain
    assert "(log)" not in straight


def test_the_keys_are_for_the_trial_that_is_chosen(study):
    study.steer(0, commands.Branch(params={"learning_rate": 0.5}))
    study.steer(0, commands.Pause())
    until(lambda: len(study.trials) > 1 and study.trials[1].state == "running" and study.trials[0].state == "held")

    async def script(app, pilot):
        app.look()
        assert app.snapshot.current == 1
        await pilot.press("t")
        await pilot.pause()
        assert "the keys are for trial 0" in shown_message(app)
        assert (app.snapshot.current, app.snapshot.values["learning_rate"]) == (0, 0.1)
        await pilot.press("n")
        app.query_one("#prompt").value = "for the held one"
        await pilot.press("enter")
        await answered(study, 3)

    driven(study, script)
    assert (study.commands()[-1].trial, study.commands()[-1].action.text) == (0, "for the held one")


def test_a_legend_names_the_curves_that_there_are_and_an_empty_chart_what_is_reported():
    branch = Branch(0, "running", {"val_accuracy": np.array([0.5, 0.6]), "lr": np.array([0.1, 0.1])}, 0)
    assert "train_accuracy" not in chart([branch], ["train_accuracy", "val_accuracy"], 40, 8, {}, 2).plain
    assert chart([branch], ["train_loss", "val_loss"], 40, 8, {}, 2).plain == (
        "no train_loss or val_loss yet; reported so far: val_accuracy"
    )


def test_a_look_while_the_screen_is_taken_down_is_no_error(resting):
    async def script(app, _):
        await app.query_one("#snapshot").remove()
        app.look()

    driven(resting, script)


@pytest.mark.parametrize("key", ["question_mark", "h"])
@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
def test_the_keys_are_listed_each(resting, key, size):
    async def script(app, pilot):
        assert "? lists the keys" in shown_message(app)
        await pilot.press(key)
        await pilot.pause()
        lines = [
            "".join(segment.text for segment in strip._segments) for strip in app.screen._compositor.render_strips()
        ]
        for binding in app.BINDINGS:
            if binding.show:
                listed = binding.key_display or binding.key
                listed = "x x" if listed == "x" else listed
                assert any(f" {listed:<6} " in line for line in lines), listed
        await pilot.press("p")  # closes it, and is no command
        await pilot.pause()
        assert len(app.screen_stack) == 1

    driven(resting, script, size=size)
    assert resting.commands() == []


def test_a_key_that_is_none_is_said_in_a_line(resting):
    async def script(app, pilot):
        for key, message in (("z", "z is no key here; ? lists the keys"), ("P", "P is no key here; did you mean p?")):
            await pilot.press(key)
            await pilot.pause()
            assert shown_message(app) == message

    driven(resting, script)


@pytest.mark.parametrize("key", ["ctrl+c", "ctrl+d", "q"])
def test_it_is_left_by(resting, key):
    async def script(app, pilot):
        await pilot.press("n" if key != "q" else "t")  # also while a line is typed
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running or app._exit

    driven(resting, script)


@pytest.mark.parametrize(("size", "shown"), [((120, 40), 3), ((80, 24), 3), ((80, 18), 2), ((40, 12), 1)])
def test_a_small_screen_has_what_moves(resting, size, shown):
    async def script(app, pilot):
        app.look()
        await pilot.pause()
        charts = [app.query_one(name) for name in ("#loss", "#accuracy", "#rate")]
        assert sum(chart.display for chart in charts) == shown
        assert all(chart.region.bottom <= size[1] - 2 for chart in charts if chart.display)
        assert app.query_one("#side").region.width >= 25
        assert app.query_one("#side").region.height >= 3

    driven(resting, script, size=size)


def test_branches_are_told_apart_without_color(resting):
    branches = [
        Branch(n, "held", {"val_loss": np.array([1.0, 2.0 + n]), "train_loss": np.ones(2)}, 0) for n in range(3)
    ]
    drawn = chart(branches, ["train_loss", "val_loss"], 60, 20, {}, 2).plain
    assert all(mark in drawn for mark in "○□△")

    async def script(app, _):
        app.snapshot = replace(app.snapshot, branches=tuple(branches))
        side = app._side(app.snapshot).plain
        assert "■□ trial 1, held" in side

    driven(resting, script)


def test_a_long_note_leaves_room_for_the_others(resting):
    resting.steer(0, commands.Note("ö漢" * 500))

    async def script(app, _):
        assert max(len(line) for line in app._side(app.snapshot).plain.splitlines()) <= 160

    driven(resting, script)


def test_a_paused_trial_is_stopped_at_once(resting):
    """Nobody runs the study, or is in the middle of an epoch of another trial."""
    resting.tell(0, ended=False, held=True)
    other = tw.Study.open(resting.store.url, "s")

    async def script(app, pilot):
        await pilot.press("x", "x")
        await pilot.pause()
        assert other.trials[0].state == "stopped"
        assert other.commands()[0].is_done

    driven(other, script)


def test_the_screen_obeys_no_name_in_a_record(tmp_path):
    harm = "\x1b]0;yours\x07[link=https://a.example]name[/link]\u202e"
    study = tw.Study(SPACE, metric=harm, direction="minimize", store=tmp_path / "a.db", name=f"s{harm}", max_epochs=1)
    drive(study, lambda run: [run.report(**{harm: 1.0}) for _ in run.epochs(1)], controllers=())
    study.store.close()

    async def script(app, pilot):
        for name in ("snapshot", "loss", "accuracy", "rate", "side", "message"):
            widget = app.query_one(f"#{name}")
            text = "".join(segment.text for line in range(widget.size.height) for segment in widget.render_line(line))
            assert not set("\x1b\x07\u202e") & set(text)
        assert "[link=" in str(app.query_one("#snapshot").render())

    driven(tw.Study.open(tmp_path / "a.db"), script)
