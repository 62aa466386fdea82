"""What `tunewell importance` prints."""

import json

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli


def train(run):
    for epoch in run.epochs(4):
        if run.params.rate > 0.95:
            raise ValueError("too large")
        run.report(loss=(run.params.rate - 0.4) ** 2 + 0.01 * run.params.idle + 1 / epoch)


@pytest.fixture
def store(tmp_path):
    return tmp_path / "tunewell.db"


def study(store, trials):
    space = tw.Space(rate=tw.Float(0.0, 1.0), idle=tw.Float(0.0, 1.0), kind=tw.Choice(["a", "b"]))
    options = {"scheduler": "full", "sampler": "random", "budget": f"{trials}trials", "name": "s"}
    tw.tune(train, space, metric="loss", store=store, **options).store.close()


def printed(store, *words):
    done = CliRunner().invoke(cli, ["importance", "s", "--store", str(store), *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_each_lesson_has_its_section(store):
    study(store, 40)
    text = printed(store)
    for title in (
        "What mattered for loss", "What must be chosen together", "What the best 10 have in common", "What was wasted",
        "By how much a new seed changes loss",
    ):  # fmt: skip
        assert title in text
    assert text.index("rate") < text.index("idle")
    assert "which failed or diverged" in text


def test_of_too_few_trials_it_says_so(store):
    study(store, 3)
    text = printed(store)
    assert text.count("Not known") == 4
    assert "3 trials can be compared with others, and it takes 10" in text


def test_json_has_all_of_it(store):
    study(store, 30)
    found = json.loads(printed(store, "--json"))
    assert found["importance"]["parameters"][0]["name"] == "rate"
    assert found["importance"]["too_few"] is None
    assert {one["kind"] for one in found["waste"]["kinds"]} >= {"failed", "hopeless"}
    assert {"interactions", "in_common", "noise"} <= set(found)
