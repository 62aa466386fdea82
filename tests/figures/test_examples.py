"""Examples of the JSON of figures, for those who write a renderer."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tunewell.figures.figure import Axis, Figure, Layer, Panel, Table, unpacked

FOLDER = Path(__file__).parent / "examples"
RNG = np.random.default_rng(0)
LOSS = Axis("val_loss", np.log(0.05), np.log(3.0), tuple((np.log(v), str(v)) for v in (0.1, 0.3, 1, 3)), "log", "low")


def history():
    n = 1200
    losses = np.log(np.clip(0.1 + RNG.exponential(0.4, n), 0.06, 2.9))
    failed = np.arange(n) % 40 == 7
    done, numbers = np.flatnonzero(~failed), np.arange(n)
    best = np.minimum.accumulate(losses[done])
    states = np.where(failed, "failed", np.where(numbers % 9 == 0, "paused", "complete")).tolist()
    ended, paused = (np.flatnonzero(np.array(states) == state) for state in ("complete", "paused"))
    x = Axis("trial", -12.0, 1211.0, tuple((float(i), str(i)) for i in range(0, 1201, 200)))
    layers = (
        Layer("points", "ended", ended * 1.0, losses[ended], label="ended", rows=ended),
        Layer("points", "paused", paused * 1.0, losses[paused], label="paused", symbol="ring", rows=paused),
        Layer("rule", "failed", x=np.flatnonzero(failed) * 1.0, label="failed", dash="dot"),
        Layer("step", "best", done * 1.0, best, label="best so far"),
    )
    table = Table(
        {
            "trial": numbers * 1.0,
            "state": states,
            "val_loss": np.where(failed, np.nan, np.exp(losses)),
            "learning_rate": np.exp(RNG.uniform(np.log(1e-5), 0, n)),
            "optimizer": RNG.choice(["adam", "sgd"], n).tolist(),
        }
    )
    return Figure("history", "val_loss by trial", "Lower is better. 30 failed.", (Panel(x, LOSS, layers),), table)


def curves():
    epochs = np.arange(1.0, 21.0)
    x = Axis("epoch", 0.2, 20.8, tuple((float(i), str(i)) for i in (1, 5, 10, 15, 20)))
    rows = np.repeat([3, 1], 21)
    lines = np.concatenate([2 / epochs, [np.nan], 1 / epochs, [np.nan]])
    places = np.concatenate([epochs, [np.nan], epochs, [np.nan]])
    cells = np.outer(np.linspace(1, 0, 10), np.ones(20)).ravel().round(2)
    layers = (
        Layer("density", "some", epochs, np.linspace(LOSS.low, LOSS.high, 10), value=cells, label="all trials"),
        Layer("line", "best", places, np.log(lines), label="the best 2", rows=rows),
        Layer("band", "forecast", epochs[10:], low=np.log(1 / epochs[10:]), high=np.log(2 / epochs[10:])),
        Layer("line", "forecast", epochs[10:], np.log(1.4 / epochs[10:]), dash="dash", label="its middle"),
        Layer("points", "series-1", np.array([4.0]), np.log([0.5]), symbol="diamond", label="live change",
              hover=("trial 3, after epoch 4: learning_rate 0.1 to 0.01",)),
        Layer("rule", "series-2", x=np.array([12.0]), dash="dash", label="rewind"),
        Layer("text", "some", np.array([18.0]), np.log([0.11]), hover=("trial 3",)),
    )  # fmt: skip
    table = Table({"trial": np.arange(4.0), "name": ["a", "größe", "<b>&amp;", None], "epochs": np.full(4, 20.0)})
    return Figure("curves", "val_loss by epoch", "The best 2 as lines.", (Panel(x, LOSS, layers),), table)


def parallel():
    n = 30
    rate, layers_ = RNG.uniform(np.log(1e-5), 0, n), RNG.integers(1, 5, n) * 1.0
    kinds, losses = RNG.integers(0, 3, n) * 1.0, RNG.uniform(LOSS.low, LOSS.high, n)
    powers = tuple((np.log(10.0**k), f"1e{k}") for k in range(-5, 1))
    axes = (
        Axis("learning_rate", np.log(1e-5), 0.0, powers, "log"),
        Axis("layers", -0.2, 4.5, ((-0.1, "not used"), *((float(k), str(k)) for k in range(1, 5)))),
        Axis("optimizer", -0.5, 2.5, ((0.0, "adam"), (1.0, "sgd"), (2.0, "größe")), "category"),
        LOSS,
    )
    places = np.column_stack([rate, np.where(kinds == 2, -0.1, layers_), kinds, losses])
    lines = Layer("parallel", "value", y=places.ravel(), value=losses, rows=np.arange(n), label="trials")
    table = Table({"trial": np.arange(float(n)), "learning_rate": np.exp(rate), "val_loss": np.exp(losses)})
    return Figure("parallel", "settings", "A line a trial.", (Panel(layers=(lines,), color=LOSS, axes=axes),), table)


@pytest.mark.parametrize("make", [history, curves, parallel], ids=lambda make: make.__name__)
def test_the_examples_are_what_figures_write(make):
    data = make().as_dict()
    text = json.dumps(data, allow_nan=False, ensure_ascii=False) + "\n"
    file = FOLDER / f"{data['kind']}.json"
    if "WRITE_EXAMPLES" in os.environ:
        file.write_text(text, encoding="utf-8")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert set(kept) == set(data)
    assert [set(panel) for panel in kept["panels"]] == [set(panel) for panel in data["panels"]]
    assert {layer["mark"] for layer in kept["panels"][0]["layers"]} <= {
        "line", "step", "points", "bars", "segments", "band", "heat", "density", "parallel", "rule", "text"
    }  # fmt: skip


def test_what_is_packed_is_what_is_unpacked():
    data = json.loads((FOLDER / "history.json").read_text(encoding="utf-8"))
    columns = {column["name"]: unpacked(column["values"]) for column in data["table"]["columns"]}
    assert columns["trial"] == list(range(1200))
    assert columns["state"][:9] == ["paused", *["complete"] * 6, "failed", "complete"]
    assert columns["val_loss"][7] is None
    assert min(columns["learning_rate"]) == pytest.approx(1e-5, rel=0.1)
