"""The cost of the figures of a study, and of what they show, beside Optuna's of the same study.

python benchmarks/cost/figures.py [--trials 10000] [--epochs 20] [--repeats 3] [--browser]

Seconds of the processor, the least of several; in brackets how many times ours. Ours make the numbers and the JSON that
a browser draws; Optuna's make a figure of Plotly's and its JSON. Both studies are in memory, with the same trials.

With --browser, of figures that can be brushed: milliseconds of the processor that a page takes in Chromium until it is
drawn, and each time that a pointer drags on (the middle of twelve, and the most), by `web/brush.mjs`, which needs
`npm ci` in web/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import tunewell as tw
from tunewell.analysis.importance import importances
from tunewell.analysis.in_common import in_common
from tunewell.analysis.interactions import interactions
from tunewell.analysis.noise import noise
from tunewell.analysis.waste import waste
from tunewell.figures.page import figure_page
from tunewell.history import History
from tunewell.trial import Trial, TrialState

WEB = Path(__file__).parents[2] / "web"
SPACE = tw.Space(
    learning_rate=tw.Float(1e-5, 1.0, scale="log"),
    weight_decay=tw.Float(1e-6, 1e-1, scale="log"),
    momentum=tw.Float(0.5, 0.999),
    dropout=tw.Float(0.0, 0.6),
    hidden=tw.Int(16, 1024, scale="log"),
    layers=tw.Int(1, 6),
    optimizer=tw.Choice(["adam", "sgd", "rmsprop"]),
    batch_size=tw.Choice([16, 32, 64, 128], ordered=True),
)


class Source:
    """A study of arrays, as figures read it."""

    name, metric, maximize, space = "synthetic", "val_loss", False, SPACE

    def __init__(self, n: int, epochs: int) -> None:
        """Draw n trials, of which all are complete."""
        rng = np.random.default_rng(0)
        points = rng.random((n, len(SPACE.params)))
        self.params = SPACE.decode_many(points)
        loss = 3 * (points[:, 0] - 0.6) ** 2 + (points[:, 2] - points[:, 0]) ** 2 + 0.1 * (points[:, 6] > 0.5)
        self.curves = 0.1 + loss[:, None] + 1 / np.arange(1, epochs + 1) + 0.01 * rng.standard_normal((n, epochs))
        self.trials = [
            Trial(i, params, TrialState.COMPLETE, epochs, epochs, 0, 1.75e9 + i, 1.75e9 + i + 8.0)
            for i, params in enumerate(self.params)
        ]
        self.max_epochs = epochs
        self.history = History(SPACE, epochs)
        values = np.column_stack(
            [np.repeat(np.arange(n), epochs), np.tile(np.arange(1, epochs + 1), n), self.curves.ravel()]
        )
        self.history.update(self.trials, values)
        assert self.history.curves.shape == (n, epochs)

    def importance(self) -> Any:
        return importances(self.history)

    def why(self, trial: int) -> list[Any]:
        del trial
        return []

    def commands(self, trial: int | None = None) -> list[Any]:
        del trial
        return []

    sessions = confirmed = commands

    def reports(self, trial: int | None = None) -> list[Any]:
        del trial
        return []


def optunas(source: Source) -> Any:
    """Return Optuna's study of the same trials."""
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    of = optuna.distributions
    space = {
        "learning_rate": of.FloatDistribution(1e-5, 1.0, log=True),
        "weight_decay": of.FloatDistribution(1e-6, 1e-1, log=True),
        "momentum": of.FloatDistribution(0.5, 0.999),
        "dropout": of.FloatDistribution(0.0, 0.6),
        "hidden": of.IntDistribution(16, 1024, log=True),
        "layers": of.IntDistribution(1, 6),
        "optimizer": of.CategoricalDistribution(["adam", "sgd", "rmsprop"]),
        "batch_size": of.CategoricalDistribution([16, 32, 64, 128]),
    }
    study = optuna.create_study(direction="minimize")
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(params),
                distributions=space,
                value=float(curve.min()),
                intermediate_values=dict(enumerate(curve.tolist(), 1)),
            )
            for params, curve in zip(source.params, source.curves, strict=True)
        ]
    )
    return study


def seconds(make: Callable[[], Any], repeats: int) -> float:
    """Return the least of the processor's seconds that a call takes, and its JSON if it is a figure."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        made = make()
        if isinstance(made, tw.figures.Figure):
            json.dumps(made.as_dict(), allow_nan=False)
        elif hasattr(made, "to_json"):
            made.to_json()
        found.append(time.process_time() - start)
    return min(found)


def in_browser(source: Source) -> None:
    """Print what a browser takes to draw some figures and to brush them."""
    with tempfile.TemporaryDirectory() as folder:
        pages = []
        for name in ("parallel", "slices", "contour", "history", "curves"):
            pages.append(Path(folder) / f"{name}.html")
            pages[-1].write_text(figure_page(getattr(tw.figures, name)(source)), encoding="utf-8")
        node = ["node", "brush.mjs", *map(str, pages)]
        lines = subprocess.run(node, cwd=WEB, check=True, capture_output=True, text=True).stdout.splitlines()
    print("\n| in Chromium, ms | drawn | brushed | at most |\n|---|---|---|---|")
    for found in map(json.loads, lines):
        name = Path(found["file"]).stem
        print(f"| {name} | {found['drawMs']} | {found['brushMs']} | {found['brushMostMs']} |")


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--browser", action="store_true")
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    source = Source(given.trials, given.epochs)
    history, make = source.history, tw.figures
    ours: dict[str, Callable[[], Any]] = {
        name: lambda name=name: getattr(make, name)(source)
        for name in (
            "history",
            "curves",
            "parallel",
            "slices",
            "contour",
            "importance",
            "timeline",
            "ranks",
            "distribution",
        )
    }
    ours |= {"space": lambda: make.space(SPACE), "importance, the numbers": lambda: importances(history)}
    ours |= {"interactions": lambda: interactions(history), "in common": lambda: in_common(history)}
    ours |= {"waste": lambda: waste(history, source.trials), "noise": lambda: noise(history)}
    theirs: dict[str, Callable[[], Any]] = {}
    try:
        import optuna.visualization as plot  # noqa: PLC0415
        import plotly  # noqa: F401, PLC0415  which Optuna would miss only later
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances  # noqa: PLC0415

        study = optunas(source)
        few = ["learning_rate", "momentum"]
        theirs = {
            "history": lambda: plot.plot_optimization_history(study),
            "curves": lambda: plot.plot_intermediate_values(study),
            "parallel": lambda: plot.plot_parallel_coordinate(study),
            "slices": lambda: plot.plot_slice(study),
            "contour": lambda: plot.plot_contour(study, params=few),
            "importance": lambda: plot.plot_param_importances(study, evaluator=PedAnovaImportanceEvaluator()),
            "importance, the numbers": lambda: get_param_importances(study, evaluator=PedAnovaImportanceEvaluator()),
            "timeline": lambda: plot.plot_timeline(study),
            "ranks": lambda: plot.plot_rank(study, params=few),
            "distribution": lambda: plot.plot_edf(study),
        }
    except ImportError as error:
        print(f"without Optuna: {error}\n")
    print(f"| {given.trials:,} trials x {given.epochs} epochs | tunewell | Optuna |\n|---|---|---|")
    for name, call in ours.items():
        mine = seconds(call, given.repeats)
        other = seconds(theirs[name], 1) if name in theirs else None
        print(f"| {name} | {mine:.3f} | {'' if other is None else f'{other:.3f} ({other / mine:.0f})'} |", flush=True)
    if given.browser:
        in_browser(source)


if __name__ == "__main__":
    main()
