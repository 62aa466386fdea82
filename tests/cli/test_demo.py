"""`tunewell demo`, with trainings of a few epochs: its story, its record and its honesty."""

import json

import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli
from tunewell.demo import digits
from tunewell.demo.demonstration import TRAININGS, run_demo
from tunewell.errors import CheckpointError
from tunewell.stores import MemoryStore
from tunewell.study import Study
from tunewell.training.run import Run

EPOCHS = 3


@pytest.fixture(autouse=True)
def short_trainings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    monkeypatch.setattr(digits, "EPOCHS", EPOCHS)


def demo(*arguments):
    done = CliRunner().invoke(cli, ["demo", *arguments])
    assert done.exit_code == 0, done.output
    return done


def test_the_demo_shows_before_and_after_on_images_kept_apart_and_says_where_the_record_is():
    done = demo()
    for expected in ("validation images", "test images", "before", "after", "learning_rate", "tunewell.db"):
        assert expected in done.stdout
    names = [study["study"] for study in json.loads(CliRunner().invoke(cli, ["list", "--json"]).stdout)]
    assert names == ["demo-before", "demo"]


def test_the_demo_ends_with_a_report_that_is_whole_and_none_where_it_is_to_print_json(tmp_path):
    assert "demo.html: open it in a browser" in demo().stdout
    assert "val_accuracy" in (tmp_path / "demo.html").read_text(encoding="utf-8")
    demo("--json")
    demo("--store", "memory")
    assert [path.name for path in tmp_path.glob("*.html")] == ["demo.html"]


def test_the_command_to_look_is_one_that_there_is(tmp_path, monkeypatch):
    own = tmp_path / "bin" / "tunewell"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setattr("tunewell.demo.demonstration.TRAININGS", 3)
    monkeypatch.setattr("sys.argv", [str(own), "demo"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert f"{own} show demo" in demo().stdout
    monkeypatch.setenv("PATH", str(own.parent))
    assert " tunewell show demo" in demo().stdout


def test_the_demo_as_json_has_both_networks_within_the_budget():
    record = json.loads(demo("--json").stdout)
    assert record["epochs"] == TRAININGS * EPOCHS
    assert record["before"]["params"] == dict(digits.space.check(digits.POOR))
    assert record["after"]["value"] > record["before"]["value"]
    assert 0 < record["after"]["test_accuracy"] <= 1
    assert {item["name"] for item in record["mattered"]} <= set(digits.space.names)


def test_the_network_that_is_tested_is_the_one_on_record():
    store = MemoryStore()
    result = run_demo(store)
    study = Study.open(store, "demo")
    trial = study.trials[study.best.trial]
    run = Run(trial.params, seed=trial.seed)
    digits.train(run)
    assert run.reports[result.after.best.epoch - 1]["val_accuracy"] == result.after.best.value == study.best.value


def test_a_network_that_does_not_repeat_itself_is_not_tested(monkeypatch):
    honest = digits.train

    def forgetful(run, split=0):
        honest(run, split + len(calls))
        calls.append(run)

    calls = []
    monkeypatch.setattr(digits, "train", forgetful)
    with pytest.raises(CheckpointError, match="when trained again"):
        run_demo(MemoryStore())


@pytest.mark.slow
def test_the_same_seed_gives_the_same_demo_and_another_seed_another():
    results = [run_demo(MemoryStore(), seed=seed) for seed in (1, 1, 2)]
    assert results[0] == results[1]
    assert results[0].after != results[2].after
