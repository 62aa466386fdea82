"""Figures of a study, each a function that returns plain data, a `Figure`; `study.figures.history()` is the same.

    import tunewell as tw

    study = tw.Study.open("tunewell.db", "digits")
    tw.figures.history(study).save("history.png")
    study.figures.curves().records()

* `history`: each trial's best value, and the best so far.
* `curves`: the metric by epoch, with branches, rewinds, live changes and forecasts.
* `parallel`: parallel coordinates.
* `slices`: the metric against each parameter.
* `contour`: the metric over two parameters.
* `importance`: by how much each parameter mattered.
* `timeline`: when trials were trained, worker by worker.
* `ranks`: rank correlations of parameters and metric.
* `distribution`: the share of trials that reach a value, also of several studies.
* `space`: what would be drawn from a space.
* `front`: several metrics at once, and what nothing betters in all of them.
* `lr_sweep`: the loss by learning rate, of `tunewell.lr_find`.
* `evidence`: the curve on which a diagnosis has seen something.
* `confirmed`: the best settings, trained again.

Example:
    >>> def train(run):
    ...     for epoch in run.epochs(3):
    ...         run.report(val_loss=(run.params.rate - 0.3) ** 2 + 1 / epoch)
    >>> study = tw.tune(train, {"rate": tw.Float(0.0, 1.0)}, metric="val_loss", budget=4, store="memory")
    >>> figure = tw.figures.history(study)
    >>> len(figure.records()) > 1
    True
"""

from __future__ import annotations

from tunewell.figures.confirmed import confirmed
from tunewell.figures.contour import contour
from tunewell.figures.curves import curves
from tunewell.figures.distribution import distribution
from tunewell.figures.evidence import evidence
from tunewell.figures.figure import Axis, Figure, Layer, Panel, Table
from tunewell.figures.front import front
from tunewell.figures.history import history
from tunewell.figures.importance import importance
from tunewell.figures.lr_sweep import lr_sweep
from tunewell.figures.of_study import Figures
from tunewell.figures.parallel import parallel
from tunewell.figures.ranks import ranks
from tunewell.figures.slices import slices
from tunewell.figures.source import StudySource
from tunewell.figures.space import space
from tunewell.figures.timeline import timeline

__all__ = [
    "Axis",
    "Figure",
    "Figures",
    "Layer",
    "Panel",
    "StudySource",
    "Table",
    "confirmed",
    "contour",
    "curves",
    "distribution",
    "evidence",
    "front",
    "history",
    "importance",
    "lr_sweep",
    "parallel",
    "ranks",
    "slices",
    "space",
    "timeline",
]
