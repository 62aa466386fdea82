"""Whatever a study holds, each figure of it is whole: valid JSON, and every trial is drawn or counted."""

import json
import math
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.figures.studies import SPACE, a_source, synthetic

from tunewell import figures
from tunewell.figures.figure import unpacked
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.space.values import Params
from tunewell.trial import Trial, TrialState

KINDS = {
    name: getattr(figures, name)
    for name in (
        "history", "curves", "parallel", "slices", "contour", "importance", "timeline", "ranks", "distribution",
        "space", "confirmed", "front",
    )
}  # fmt: skip
ARRAYS = {
    "line": ("x", "y"), "step": ("x", "y"), "points": ("x", "y"), "bars": ("x", "y", "x2", "y2"),
    "segments": ("x", "y", "x2", "y2"), "band": ("x", "low", "high"), "text": ("x", "y"),
}  # fmt: skip

names = st.text(min_size=1, max_size=1000).filter(lambda text: text.strip() and text.isprintable())
identifiers = st.one_of(
    st.text(st.characters(categories=["Ll", "Lo"]), min_size=1, max_size=8).map(lambda text: text * 125), st.just("x")
).filter(lambda text: text.isidentifier() and unicodedata.is_normalized("NFKC", text))
losses = st.one_of(
    st.floats(0.01, 3.0),
    st.sampled_from([0.5, 0.5, 1.0, math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 0.0, -1.0, 1e-300]),
)
params = st.one_of(
    st.builds(lambda low, factor: Float(low, low * factor, scale="log"), st.floats(1e-12, 1), st.floats(1.1, 1e12)),
    st.builds(lambda low, length: Float(low, low + length), st.floats(-1e6, 1e6), st.floats(0.1, 1e6)),
    st.just(Float(0.9, 0.9999, scale="log1m")),
    st.just(Float(0.001, 0.999, scale="logit")),
    st.builds(lambda low, n: Int(low, low + n), st.integers(-50, 10**6), st.integers(1, 10**6)),
    st.lists(st.text(max_size=40).filter(str.isprintable), min_size=1, max_size=30, unique=True).map(Choice),
    st.just(Choice([16, 32, 64], ordered=True)),
    st.just(Choice([True, False])),
)


@st.composite
def spaces(draw):
    found = {}
    for name in draw(st.lists(identifiers, max_size=6, unique=True)):
        found[name] = draw(params)
    if draw(st.booleans()):
        found |= {"kind": Choice(["a", "b"]), "only_of_a": Float(0, 1, when={"kind": "a"})}
    return Space(found or {"held": Choice([1])})


@st.composite
def studies(draw):
    space = draw(spaces())
    n = draw(st.integers(0, 14))
    epochs = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    settings_ = space.decode_many(rng.random((n, len(space.params))))
    curves, trials = [], []
    state = st.sampled_from(list(TrialState))
    for i in range(n):
        curve = draw(st.lists(losses, max_size=epochs))
        parent = draw(st.integers(0, i - 1)) if i and draw(st.integers(0, 3)) == 0 else None
        since = min(len(curves[parent]), draw(st.integers(0, epochs))) if parent is not None else None
        if parent is not None:
            curve = [*curves[parent][:since], *curve][:epochs]
        curves.append(curve)
        found = draw(state)
        trials.append(
            Trial(
                i, settings_[i] if len(space.params) else Params({}), found, len(curve), len(curve), seed=0,
                started_at=draw(st.sampled_from([1.75e9, 0.0, 1.75e9 + 100, -1.0, math.inf])),
                ended_at=1.75e9 + draw(st.integers(-10, 10**6)) if found.ended else None,
                reason="no" if found.ended else None, parent=parent, parent_epoch=since,
            )
        )  # fmt: skip
    maximize = draw(st.booleans())
    states = [trial.state for trial in trials]
    source = a_source(space, settings_, curves, states, max_epochs=epochs, maximize=maximize, trials=trials)
    source.metric = draw(st.one_of(st.just("val_loss"), names))
    source.name = draw(names)
    return source


def check(figure):
    """The figure is whole: finite axes that increase, arrays that fit, JSON as every reader takes it."""
    text = json.dumps(figure.as_dict(), allow_nan=False)
    text.encode("ascii")
    assert figure.title
    assert figure.caption.endswith((".", "?"))
    assert len(figure.caption) < 3000
    assert figure.panels
    for panel in figure.panels:
        for axis in (panel.x, panel.y, panel.color, *panel.axes):
            if axis is None:
                continue
            assert math.isfinite(axis.low)
            assert math.isfinite(axis.high)
            assert axis.low < axis.high
            assert all(math.isfinite(place) and len(label) < 60 for place, label in axis.ticks)
            slack = 1e-6 * (axis.high - axis.low)
            assert all(axis.low - slack <= place <= axis.high + slack for place, _ in axis.ticks), axis
            assert len(axis.ticks) < 40
            assert len(axis.title) < 120
        for layer in panel.layers:
            known = [getattr(layer, name) for name in ARRAYS.get(layer.mark, ())]
            assert all(one is not None for one in known), layer.mark
            assert len({len(one) for one in known}) <= 1
            assert not any(np.isinf(one).any() for one in known)
            if layer.rows is not None:
                n = len(layer.y) // len(panel.axes) if layer.mark == "parallel" else len(known[0])
                assert len(layer.rows) == n
                assert len(layer.rows) == 0 or layer.rows.max() < len(figure.table)
            if layer.hover is not None:
                assert len(layer.hover) == len(known[0])
            if layer.mark == "heat":
                assert len(layer.value) == len(layer.x) * len(layer.y)
            if layer.mark == "points":
                assert not np.isnan(layer.x).any()
                assert not np.isnan(layer.y).any()
                slack = 1e-9 * (panel.y.high - panel.y.low)
                assert ((layer.y >= panel.y.low - slack) & (layer.y <= panel.y.high + slack)).all()
    records = figure.records()
    assert len(records) == len(figure.table)
    return text


def drawn(panel, marks=("points",)):
    return {
        row for layer in panel.layers if layer.mark in marks and layer.rows is not None for row in layer.rows.tolist()
    }


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
@given(studies())
def test_of_any_study_every_figure_is_whole_and_every_trial_is_drawn_or_counted(study):
    n = len(study.trials)
    for name, make in KINDS.items():
        figure = make(study)
        assert figure.kind == name
        check(figure)
        if name in ("history", "parallel", "slices", "contour") and not (name == "contour" and "two" in figure.caption):
            for panel in figure.panels:
                if panel.layers or name != "slices":
                    assert drawn(panel, ("points", "parallel")) == set(range(n)), name
        if name == "timeline":
            left = re.search(r"([\d,]+) (?:has|have) no time", figure.caption)
            assert len(drawn(figure.panels[0], ("bars",))) + (int(left[1]) if left else 0) == n
        if name == "curves":
            silent = re.search(r"([\d,]+) (?:has|have) reported nothing finite", figure.caption)
            lines = drawn(figure.panels[0], ("line", "points"))
            since = [max(0, trial.inherited - 1) for trial in study.trials]
            own = {i for i in range(n) if np.isfinite(study.history.curves[i, since[i] :]).any()}
            assert n - len(own) == (int(silent[1]) if silent else 0)
            assert own <= lines
        for state in ("failed", "paused", "held", "running"):
            count = sum(str(trial.state) == state for trial in study.trials)
            if name in ("history", "curves", "parallel", "slices") and count:
                assert f"{count} {state}" in figure.caption.lower()


TWELVE = SPACE.decode_many(np.random.default_rng(0).random((12, 8)))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "study",
    [
        a_source(SPACE, [], []),
        a_source(SPACE, SPACE.decode_many(np.full((1, 8), 0.5)), [[]], [TrialState.RUNNING]),
        a_source(SPACE, SPACE.decode_many(np.full((3, 8), 0.5)), [[0.5]] * 3),
        a_source(SPACE, TWELVE, [[]] * 12, [TrialState.FAILED] * 12),
        a_source(SPACE, TWELVE, [[math.nan, math.nan]] * 12),
        a_source(Space(held=Choice([1])), [Params({"held": 1})] * 4, [[1.0], [2.0], [3.0], [0.0]]),
        synthetic(60, maximize=True),
    ],
    ids=["no trial", "no report", "ties", "all failed", "not finite", "no parameter", "accuracy"],
)  # fmt: skip
def test_a_study_with_little_in_it_is_drawn_as_it_is(name, study):
    check(KINDS[name](study))


@pytest.mark.parametrize("name", KINDS)
def test_two_hundred_parameters_are_as_many_as_can_be_read_and_the_rest_is_counted(name):
    space = Space({f"{'parameter_' * 20}{i}": Float(0, 1) for i in range(200)})
    rng = np.random.default_rng(0)
    figure = KINDS[name](a_source(space, space.decode_many(rng.random((40, 200))), rng.random((40, 3)).tolist()))
    check(figure)
    assert len(figure.panels) <= 24
    if name in ("parallel", "slices", "importance"):
        assert re.search(r"1[89]\d parameters that mattered less are left out", figure.caption)


def test_an_earlier_version_of_the_space_is_on_the_axis_too():
    old = Space(rate=Float(1e-6, 1e-2, scale="log"), kind=Choice(["a", "gone"]))
    new = Space(rate=Float(1e-4, 1.0, scale="log"), kind=Choice(["a", "b"]))
    from tunewell.history import History
    from tunewell.space.versions import SpaceVersions

    source = a_source(
        old, [Params({"rate": 1e-6, "kind": "gone"}), Params({"rate": 1e-3, "kind": "a"})], [[1.0], [2.0]]
    )
    history = History(new, 20, SpaceVersions((old, new), ({}, {})))
    history.update(source.trials, np.array([[0, 1, 1.0], [1, 1, 2.0]]))
    source.history, source.space = history, new
    panels = {panel.x.title: panel for panel in figures.slices(source).panels}
    check(figures.slices(source))
    assert "gone (earlier)" in [label for _, label in panels["kind"].x.ticks]
    assert panels["rate"].x.low < math.log(1e-5)
    records = figures.slices(source).records()
    assert [(row["rate"], row["kind"]) for row in records] == [(1e-6, "gone"), (1e-3, "a")]


def test_what_a_renderer_reads_is_what_python_has():
    figure = figures.history(synthetic(1500))
    data = json.loads(json.dumps(figure.as_dict()))
    for panel, shown in zip(figure.panels, data["panels"], strict=True):
        for layer, read in zip(panel.layers, shown["layers"], strict=True):
            span = panel.y.high - panel.y.low
            assert np.array(unpacked(read["y"]), dtype=float) == pytest.approx(layer.y, abs=2e-5 * span)
            if layer.rows is not None:
                assert unpacked(read["rows"]) == layer.rows.tolist()
    columns = {column["name"]: unpacked(column["values"]) for column in data["table"]["columns"]}
    for row, record in enumerate(figure.records()):
        for name, value in record.items():
            read = columns[name][row]
            assert (read == pytest.approx(value, rel=1e-3, abs=1e-4)) if isinstance(value, float) else read == value
