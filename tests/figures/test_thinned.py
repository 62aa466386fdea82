"""Figures of very many trials, of whose marks one in so many is drawn."""

import numpy as np

from tunewell.figures.figure import Axis, Figure, Layer, Panel, Table, unpacked
from tunewell.figures.thinned import thinned


def a_figure(n):
    rows = np.arange(n)[::-1]
    places = np.column_stack([rows * 1.0, rows * 2.0, rows * 3.0])
    layers = (
        Layer("points", "ended", rows * 1.0, rows * 0.5, rows=rows, hover=tuple(f"trial {row}" for row in rows)),
        Layer("points", "best", np.array([7.0]), np.array([3.5]), rows=np.array([7])),
        Layer("parallel", "value", y=places.ravel(), value=rows * 0.5, rows=rows),
        Layer("step", "best", rows * 1.0, rows * 0.5),
    )
    table = Table({"trial": np.arange(float(n))})
    return Figure("history", "value by trial", f"{n} trials.", (Panel(Axis("trial", 0, n), layers=layers),), table)


def test_a_figure_of_few_trials_is_as_it_was():
    figure = a_figure(10)
    assert thinned(figure, 10) is figure


def test_of_many_every_kth_trial_is_drawn_with_all_that_belongs_to_it():
    found = thinned(a_figure(30), 10)
    points, best, parallel, step = found.panels[0].layers
    assert points.rows.tolist() == [27, 24, 21, 18, 15, 12, 9, 6, 3, 0]
    assert points.y.tolist() == [row * 0.5 for row in points.rows]
    assert points.hover == tuple(f"trial {row}" for row in points.rows)
    assert parallel.y.reshape(-1, 3).tolist() == [[row * 1.0, row * 2.0, row * 3.0] for row in parallel.rows]
    assert best.rows.tolist() == [7]  # it is always there
    assert len(step.x) == 30  # a line is a line
    assert found.caption == "30 trials. One in 3 trials is drawn, and brushed."
    assert len(found.table) == 30


def test_words_that_are_equal_and_not_the_same_stay_apart_where_they_are_packed():
    column = [True, 1, 1.0, "1", None, False] * 300
    packed = Table({"kind": column}).as_dict()["columns"][0]["values"]
    found = unpacked(packed)
    assert found == column
    assert list(map(type, found)) == list(map(type, column))
