"""What wants somebody's eye: processes that are gone, trials that are silent, too many failures; and when it ends."""

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from tests.web.served import SPACE, serving

import tunewell as tw
from tunewell.stores import open_store
from tunewell.web import health as health_module


def a_running_study(url, n_trials=30):
    store = open_store(url)
    return store, tw.Study(
        SPACE, metric="val_loss", max_epochs=40, budget=f"{n_trials}trials", scheduler="full", store=store, name="ill"
    )


def alerts(browser):
    return browser.get("/api/studies/1/health").json()["alerts"]


def test_many_failures_are_told_with_the_reason(tmp_path):
    url = tmp_path / "tunewell.db"
    store, study = a_running_study(url)
    with closing(store):
        for n in range(8):
            step = study.ask()
            study.report(step.trial, 1, val_loss=0.5)
            error = RuntimeError("out of memory") if n % 3 else ValueError("another")  # else the study gives up
            study.tell(step.trial, error=None if n < 2 else error)
        study.close()
    with serving(url) as served, served.browser() as browser:
        (alert,) = alerts(browser)
        assert alert["kind"] == "failed"
        assert len(alert["trials"]) == 6
        assert "RuntimeError: out of memory" in alert["text"]


def test_one_failure_is_an_accident(tmp_path):
    url = tmp_path / "tunewell.db"
    store, study = a_running_study(url)
    with closing(store):
        step = study.ask()
        study.tell(step.trial, error=RuntimeError("out of memory"))
        study.close()
    with serving(url) as served, served.browser() as browser:
        assert alerts(browser) == []


def test_a_process_that_is_gone_is_told_with_its_trials(tmp_path):
    url = tmp_path / "tunewell.db"
    program = (
        "import os, sys\nfrom tests.web.test_health import a_running_study\n"
        "store, study = a_running_study(sys.argv[1])\nstep = study.ask()\n"
        "study.report(step.trial, 1, val_loss=0.5)\nos._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program, str(url)], cwd=Path.cwd(), check=False)
    with serving(url) as served, served.browser() as browser:
        (alert,) = alerts(browser)
        assert (alert["kind"], alert["trials"]) == ("gone", [0])
        assert "is gone" in alert["text"]


def test_a_trial_that_is_silent_for_much_longer_than_its_epochs_take_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(health_module, "_LEAST_S", 0.2)
    monkeypatch.setattr(health_module, "_PATIENCE", 2.0)
    url = tmp_path / "tunewell.db"
    store, study = a_running_study(url)
    with closing(store):
        step = study.ask()
        for epoch in (1, 2, 3):
            study.report(step.trial, epoch, val_loss=1 / epoch)
            time.sleep(0.01)
        time.sleep(0.5)
        with serving(url) as served, served.browser() as browser:
            (alert,) = alerts(browser)
            assert (alert["kind"], alert["trials"]) == ("stalled", [0])
        study.close()


def test_a_trial_that_overfits_has_a_badge_and_a_sound_one_has_none(tmp_path):
    url = tmp_path / "tunewell.db"
    store, study = a_running_study(url)
    with closing(store):
        for losses in (
            lambda n: (0.3 + 0.05 * n, 2.0 * 0.8**n),
            lambda n: (0.05 + 2.0 * 0.85**n, 0.05 + 2.0 * 0.85**n),
        ):
            step = study.ask()
            for epoch in range(1, 41):
                val_loss, train_loss = losses(epoch)
                study.report(step.trial, epoch, val_loss=val_loss, train_loss=train_loss)
            study.tell(step.trial)
        study.close()
    with serving(url) as served, served.browser() as browser:
        badges = browser.get("/api/studies/1/health").json()["badges"]
        assert "overfit" in badges["0"]["title"]
        assert "healthy" not in {one["title"] for one in badges.values()}


def test_when_it_ends_is_an_interval(tmp_path):
    url = tmp_path / "tunewell.db"
    store, study = a_running_study(url)
    with closing(store):
        with serving(url) as served, served.browser() as browser:
            assert browser.get("/api/studies/1/finish").json()["left"] is None
        for _ in range(6):
            step = study.ask()
            for epoch in step.epochs:
                study.report(step.trial, epoch, val_loss=1 / epoch)
            study.tell(step.trial)
        with serving(url) as served, served.browser() as browser:
            found = browser.get("/api/studies/1/finish").json()
            left = found["left"]
            assert 0 < left["low"] <= left["middle"] <= left["high"]
            assert found["why"] is None
        study.close()
