"""What is repeatable: trainings that lack nothing, lack something, or draw from nowhere."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.errors import ProbeFailed
from tunewell.probing import repeatable
from tunewell.probing.repeat import EXACT, NOT

SPACE = tw.Space(learning_rate=tw.Float(0.01, 1.0, default=0.1))


def training(*, tracks, noise=lambda run: 0.0):
    def train(run):
        weight, velocity = run.rng.normal(size=3), np.zeros(3)
        state = {"weight": weight, "velocity": velocity}
        if tracks:
            run.track(**{name: state[name] for name in tracks})
        for _ in run.epochs(10):
            velocity[:] = 0.9 * velocity - run.params.learning_rate * weight + 0.01 * run.rng.normal(size=3)
            weight += velocity
            run.report(val_loss=float(np.square(weight).sum()) * (1 + noise(run)))

    return train


def test_a_training_that_tracks_all_it_depends_on_is_exact():
    found = repeatable(training(tracks=("weight", "velocity")), SPACE)
    assert (found.seed.name, found.checkpoint.name) == ("exact", "exact")
    assert found.tracked == ("weight", "velocity")
    assert found.epochs == 12


def test_a_checkpoint_that_lacks_the_momentum_is_found_out():
    found = repeatable(training(tracks=("weight",)), SPACE)
    assert (found.seed.name, found.checkpoint.name) == ("exact", "not repeatable")
    assert "val_loss differs by" in found.checkpoint.why
    assert "at epoch 3" in found.checkpoint.why or "at epoch 4" in found.checkpoint.why


def test_nothing_tracked_says_what_to_call():
    found = repeatable(training(tracks=()), SPACE)
    assert found.checkpoint.name == "not repeatable"
    assert "run.track(...)" in found.checkpoint.why


def test_randomness_from_nowhere_is_not_repeatable_and_rounding_nearly_is():
    loose = np.random.default_rng()
    found = repeatable(training(tracks=("weight", "velocity"), noise=lambda _: 0.1 * loose.random()), SPACE)
    assert found.seed.name == "not repeatable"
    nearly = repeatable(training(tracks=("weight", "velocity"), noise=lambda _: 1e-9 * loose.random()), SPACE)
    assert (nearly.seed.name, nearly.checkpoint.name) == ("within 1e-6", "within 1e-6")


def test_a_training_that_fails_is_an_error():
    def fails(_):
        raise KeyError("x")

    with pytest.raises(ProbeFailed, match="KeyError"):
        repeatable(fails, SPACE)


def watched(names):
    """Return a training whose watcher measures other steps in its first epoch than in later ones, as `watch` does."""

    def train(run):
        state = {"x": np.zeros(1)}
        run.track(state=state["x"])
        seen = iter(range(100))
        run.on_report = lambda epoch, given: dict.fromkeys(names, float(next(seen)))
        for _ in run.epochs(4):
            state["x"] += 1.0
            run.report(val_loss=float(state["x"][0]))

    return train


def test_what_a_watcher_measures_on_some_steps_does_not_decide():
    assert repeatable(watched(["grad_noise_scale", "update_ratio"]), SPACE).checkpoint.name == EXACT
    found = repeatable(watched(["val_accuracy"]), SPACE).checkpoint
    assert (found.name, "val_accuracy" in found.why) == (NOT, True)


def test_the_command_prints_the_badges():
    done = CliRunner().invoke(cli, ("check", "examples/digits.py", "--epochs", "2"), prog_name="tunewell")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0].split() == ["from", "its", "seed", "exact"]
    assert done.stdout.splitlines()[1].split() == ["from", "a", "checkpoint", "exact"]
    told = json.loads(CliRunner().invoke(cli, ("check", "examples/digits.py", "--epochs", "2", "--json")).stdout)
    assert told["tracked"] == ["network", "velocity"]
    assert told["holds"] == {"network": "data", "velocity": "data"}


TORCH = """
import torch
import tunewell as tw

metric = "val_loss"
space = tw.Space(learning_rate=tw.Float(0.01, 1.0, default=0.1))

def train(run):
    x, y = torch.randn(64, 4), torch.randn(64, 1)
    layers = torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1)
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(model.parameters(), lr=run.params.learning_rate, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    shuffling = torch.Generator().manual_seed(run.seed)
    loss_of, last = torch.nn.MSELoss(), model[3]
    run.track(TRACKED)
    for _ in run.epochs(9):
        batch = torch.randperm(64, generator=shuffling)[:32]
        loss = loss_of(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        run.report(val_loss=loss.item())
"""


MODEL, OPTIMIZER = "model (weights, batch-norm statistics)", "optimizer (optimizer)"
SCHEDULE, SHUFFLING = "schedule (schedule)", "shuffling (generator)"


@pytest.mark.parametrize(
    ("tracked", "holds", "lacks"),
    [
        ("model optimizer schedule shuffling", [MODEL, OPTIMIZER, SCHEDULE, SHUFFLING], None),
        ("model schedule shuffling", [MODEL, SCHEDULE, SHUFFLING], [OPTIMIZER]),
        ("model", [MODEL], [OPTIMIZER, SCHEDULE, SHUFFLING]),
    ],
)
def test_what_a_checkpoint_of_pytorch_holds_and_lacks_is_named(tmp_path, tracked, holds, lacks):
    pytest.importorskip("torch")
    arguments = ", ".join(f"{name}={name}" for name in tracked.split())
    (tmp_path / "train.py").write_text(TORCH.replace("TRACKED", arguments))
    done = CliRunner().invoke(cli, ("check", str(tmp_path / "train.py")), prog_name="tunewell")
    assert done.exit_code == 0, done.output
    _, badge, *rest = (line.rstrip() for line in done.stdout.splitlines())
    assert badge.startswith("from a checkpoint  exact" if lacks is None else "from a checkpoint  not repeatable")
    told = [f"tracked            {', '.join(holds)}"]
    assert rest == told + ([] if lacks is None else [f"not tracked        {', '.join(lacks)}"])
