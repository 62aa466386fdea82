"""The screen of `babysit`, driven by its keys beside a training in another thread."""

import asyncio
import threading
import time

import numpy as np
import pytest

import tunewell as tw
from tunewell.runners import Setup
from tunewell.tuning import drive

pytest.importorskip("textual")
from tunewell.babysit.app import Babysitter
from tunewell.babysit.standing import standing

SPACE = tw.Space(
    learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True),
    hidden=tw.Int(1, 64, default=8),
)


def train(run):
    state = {"weight": np.ones(1)}
    run.track(state=state)
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
    thread = threading.Thread(target=drive, args=(running, train, Setup(checkpoint_every=1)), daemon=True)
    thread.start()
    reader = tw.Study.open(path, "s")
    until(lambda: len(reader.reports()) > 3)
    yield reader
    for trial in reader.trials:
        if not trial.state.ended:
            reader.steer(trial.number, "stop")
    until(lambda: all(trial.state.ended for trial in reader.trials))
    thread.join(timeout=30)


def until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def driven(study, script):
    """Run the screen, and a coroutine that presses its keys."""

    async def run():
        app = Babysitter(study)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            await script(app, pilot)

    asyncio.run(run())


async def answered(study, n):
    """Wait until so many commands have been taken up."""
    for _ in range(1500):
        if sum(command.taken_at is not None for command in study.commands()) >= n:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("nobody took it up")


def test_keys_change_the_rate_pause_step_and_resume(study):
    async def script(app, pilot):
        await pilot.press("plus")
        await answered(study, 1)
        await pilot.press("p")
        await answered(study, 2)
        for _ in range(500):
            app.look()
            if app.stands.branch.state == "held":
                break
            await asyncio.sleep(0.02)
        epoch = app.stands.branch.epoch
        await pilot.press("s")
        await answered(study, 4)
        for _ in range(500):
            app.look()
            if app.stands.branch.state == "held" and app.stands.branch.epoch > epoch:
                break
            await asyncio.sleep(0.02)
        assert app.stands.branch.epoch == epoch + 1
        await pilot.press("p")
        await answered(study, 5)

    driven(study, script)
    kinds = [command.kind for command in study.commands()]
    assert kinds == ["set", "pause", "resume", "pause", "resume"]
    assert study.commands()[0].data["value"] == pytest.approx(0.316228)


def test_values_notes_branches_and_rewinds_are_typed(study):
    async def typed(app, pilot, key, text):
        await pilot.press(key)
        app.query_one("#asked").value = text
        await pilot.press("enter")

    async def script(app, pilot):
        await typed(app, pilot, "v", "learning_rate 0.5")
        await answered(study, 1)
        await typed(app, pilot, "n", "hello")
        await answered(study, 2)
        await typed(app, pilot, "b", "hidden=16")
        await answered(study, 3)
        await pilot.press("x")
        await answered(study, 4)

    driven(study, script)
    was_set, note, branch, stop = study.commands()
    assert was_set.data["value"] == 0.5
    assert note.data["text"] == "hello"
    assert study.trials[branch.data["branch"]].params["hidden"] == 16
    assert stop.kind == "stop"


def test_what_is_refused_is_said_on_the_screen(study):
    async def script(app, pilot):
        app._steer("set", name="hidden", value=3)
        await pilot.pause()
        assert "hidden is not live" in str(app.query_one("#said").render())
        app._steer("rewind", epoch=10**6)
        await pilot.pause()
        assert "has come to epoch" in str(app.query_one("#said").render())

    driven(study, script)
    assert study.commands() == []


def test_the_screen_shows_curves_values_and_what_was_done(study):
    async def script(app, pilot):
        await pilot.press("minus")
        await answered(study, 1)
        app.look()
        await pilot.pause()
        loss, side = (str(app.query_one(name).render()) for name in ("#loss", "#side"))
        assert "• train_loss" in loss
        assert "○ val_loss" in loss
        assert "learning_rate = 0.03162" in side
        assert "learning_rate 0.1 -> 0.0316228" in side

    driven(study, script)


def test_a_branch_has_the_curve_of_the_trial_that_it_comes_from(study):
    until(lambda: study.trials[0].state == "running" and len(study.reports(0)) > 5)
    command = study.steer(0, "branch", epoch=3)
    until(lambda: next(one for one in study.commands() if one.id == command.id).taken_at is not None)
    study.steer(0, "stop")
    until(lambda: len(study.reports(1)) > 2)
    stands = standing(study)
    parent, child = stands.branches
    assert (child.begins, stands.current) == (3, 1)
    assert child.curves["val_loss"][:3].tolist() == parent.curves["val_loss"][:3].tolist()
    assert child.epoch == len(study.reports(1)) + 3 or child.epoch >= 5
