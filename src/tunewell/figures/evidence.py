"""The evidence of a diagnosis: the curve on which it was seen, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from tunewell.arrays import own_numerics
from tunewell.figures.axes import count_axis, metric_axis
from tunewell.figures.figure import Figure, Layer, Panel, Table
from tunewell.figures.words import name_of

_PAIRS = (("train_loss", "val_loss"), ("train_accuracy", "val_accuracy"))


class DiagnosisSource(Protocol):
    """A diagnosis: `tunewell.diagnosis.Diagnosis` is one."""

    @property
    def run(self) -> Any:
        """The record of the run: `run.epoch`, and `run[name]` for each curve."""
        ...

    @property
    def findings(self) -> Sequence[Mapping[str, Any]]:
        """The possible causes, the likeliest first."""
        ...

    @property
    def signs(self) -> Sequence[Any]:
        """The `curve` and the `epoch` at which each finding is seen."""
        ...


@own_numerics
def evidence(diagnosis: DiagnosisSource, finding: int = 0) -> Figure:
    """Return the curves of a run with what a finding of its diagnosis was seen on.

        from tunewell.diagnosis.diagnose import examine

        tw.figures.evidence(examine(study.run_record(3))).save("evidence.png")

    Args:
        diagnosis: of the run.
        finding: which of its findings, the likeliest being 0.
    """
    found, sign, run = diagnosis.findings[finding], diagnosis.signs[finding], diagnosis.run
    epochs = np.asarray(run.epoch, dtype=np.float64)
    pairs = [pair for pair in _PAIRS if any(np.isfinite(run[name]).any() for name in pair)]
    shown = [pair for pair in pairs if sign.curve in pair] or pairs[:1] or [_PAIRS[0]]
    columns: dict[str, Any] = {"epoch": epochs}
    panels = []
    for pair in shown:
        known = {name: np.asarray(run[name], dtype=np.float64) for name in pair if np.isfinite(run[name]).any()}
        every = np.concatenate([*known.values(), np.empty(0)])
        maximize = pair[0].endswith("accuracy")
        scale = metric_axis(pair[0].split("_")[1], every, maximize=maximize)
        layers = []
        for i, (name, values) in enumerate(known.items()):
            y = scale.place(values)
            dash = None if i else "dash"
            layers.append(
                Layer("line", f"series-{i}", epochs, y, label=name_of(name), dash=dash, rows=np.arange(len(y)))
            )
            columns[name] = values
        if math.isfinite(sign.epoch):
            text = f"seen at epoch {sign.epoch:g}"
            layers.append(Layer("rule", "best", x=np.array([float(sign.epoch)]), label=text, dash="dot"))
            curve = known.get(sign.curve)
            at = np.flatnonzero(epochs == sign.epoch)
            if curve is not None and at.size and np.isfinite(curve[at[0]]):
                y = scale.place(curve[at[:1]])
                layers.append(Layer("points", "best", epochs[at[:1]], y, symbol="diamond", rows=at[:1]))
        last = float(epochs.max(initial=1.0))
        panels.append(Panel(count_axis("epoch", float(epochs.min(initial=1.0)), last), scale.axis, tuple(layers)))
    label, sure = str(found["label"]), float(found["confidence"])
    caption = f"{found['evidence']}".rstrip(".") + f". {label}, {sure:.0%} sure."
    return Figure("evidence", name_of(label), caption, tuple(panels), Table(columns))
