"""The numbers of figures: against references, and against the study that they show."""

import sys

import numpy as np
import pytest
from tests.figures.studies import SPACE, a_source, synthetic

import tunewell as tw
from tunewell import figures
from tunewell.analysis.decisions import Decision
from tunewell.commands import Command, Rewind, Set
from tunewell.diagnosis.diagnose import examine
from tunewell.errors import MissingExtra, SettingError, TrialNotFound
from tunewell.figures.axes import metric_axis, ticks, time_axis
from tunewell.figures.ranks import correlations
from tunewell.figures.words import name_of, number
from tunewell.probing.sweep import Sweep, SweepPoint
from tunewell.study.confirmed import Confirmed
from tunewell.trial import Trial, TrialState

COMPLETE = TrialState.COMPLETE


def layer(figure, color, mark="line"):
    return next(one for one in figure.panels[0].layers if (one.color, one.mark) == (color, mark))


def a_study(tmp_path=None):
    def train(run):
        for epoch in run.epochs(3):
            run.report(val_loss=run.params.x + 1 / epoch)

    space = tw.Space(x=tw.Float(0.0, 1.0), y=tw.Float(1e-4, 1.0, scale="log"))
    return tw.tune(train, space, metric="val_loss", scheduler="full", sampler="random", budget=12, store=tmp_path)


def test_a_figure_of_the_study_is_the_one_of_the_module():
    study = a_study()
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
        "front",
    ):
        ours, theirs = getattr(study.figures, name)(), getattr(tw.figures, name)(study)
        assert ours.as_dict() == theirs.as_dict()
        assert ours.kind == name
    assert study.figures.space().as_dict() == tw.figures.space(study.space).as_dict()
    assert study.reader.figures.history().records() == study.figures.history().records()
    assert [row["val_loss"] for row in study.figures.history().records()] == [
        study.best_of(trial.number)[1] for trial in study.trials
    ]


def test_the_best_so_far_of_the_history_is_the_best_of_the_study():
    study = a_study()
    assert layer(study.figures.history(), "best", "step").y[-1] == pytest.approx(study.best.value)


def test_rank_correlations_are_scipys():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    one, other = rng.random(50), rng.integers(0, 4, 50).astype(float)
    third = np.where(rng.random(50) < 0.4, np.nan, one + rng.random(50))
    matrix, counts = correlations([one, other, third])
    assert matrix[0, 1] == pytest.approx(stats.spearmanr(one, other).statistic)
    known = ~np.isnan(third)
    assert matrix[2, 0] == pytest.approx(stats.spearmanr(one[known], third[known]).statistic)
    assert counts[2, 1] == known.sum()
    assert np.isnan(correlations([one, np.ones(50)])[0][0, 1])


def test_the_distribution_is_the_empirical_one_with_failures_as_never():
    params = SPACE.decode_many(np.random.default_rng(0).random((5, 8)))
    states = [COMPLETE, COMPLETE, TrialState.FAILED, COMPLETE, COMPLETE]
    figure = figures.distribution(a_source(SPACE, params, [[3.0], [1.0], [0.5], [2.0], [1.0]], states))
    assert [(row["val_loss"], row["share"]) for row in figure.records()] == [
        (1.0, 0.2),
        (1.0, 0.4),
        (2.0, 0.6),
        (3.0, 0.8),
    ]
    assert "1 of which reach no value" in figure.caption


def test_the_surface_is_the_mean_of_what_is_near():
    rng = np.random.default_rng(0)
    space = tw.Space(x=tw.Float(0, 1), y=tw.Float(0, 1))
    points = rng.random((4000, 2))
    source = a_source(space, space.decode_many(points), (1 + points[:, :1] + points[:, 1:]).tolist())
    heat = layer(figures.contour(source, "x", "y"), "value", "heat")
    x, y = np.meshgrid(heat.x, heat.y)
    inside = ((x > 0.15) & (x < 0.85) & (y > 0.15) & (y < 0.85)).ravel()
    assert heat.value[inside] == pytest.approx((1 + x + y).ravel()[inside], abs=0.05)


def test_a_branch_begins_where_it_left_its_parent_and_marks_stand_on_lines():
    params = SPACE.decode_many(np.full((3, 8), 0.5))
    curves = [[5.0, 4.0, 3.0, 2.0], [5.0, 4.0, 3.5, 3.2], [5.0, 4.0, 3.5, 1.0]]
    parents = [(None, None), (0, 2), (1, 3)]  # a branch of a branch
    trials = [
        Trial(i, params[i], COMPLETE, 4, 4, 0, 1.75e9, parent=p, parent_epoch=e) for i, (p, e) in enumerate(parents)
    ]
    source = a_source(SPACE, params, curves, [COMPLETE] * 3, max_epochs=4, trials=trials)
    source.all_commands = [
        Command(0, Set("learning_rate", 0.5), 1.0, taken_at=1.0, epoch=3, before=0.1),
        Command(0, Set("learning_rate", 0.5), 1.0, taken_at=1.0, epoch=3, refused="no"),
        Command(1, Rewind(3), 1.0, taken_at=1.0, epoch=4, branch=2),
    ]
    figure = figures.curves(source)
    best = layer(figure, "best")
    assert best.x[~np.isnan(best.x)].tolist() == [3.0, 4.0]
    marks = {one.label: one for one in figure.panels[0].layers if one.mark == "points" and one.hover}
    assert set(marks) == {"live change", "rewind", "branch"}
    assert marks["live change"].hover == ("trial 0, after epoch 3: learning_rate 0.1 to 0.5",)
    assert (marks["branch"].x.tolist(), marks["rewind"].x.tolist()) == ([2.0], [3.0])


def test_the_fan_of_a_paused_trial_opens_from_its_last_value_to_what_was_expected():
    params = SPACE.decode_many(np.full((2, 8), 0.5))
    source = a_source(SPACE, params, [[2.0] * 10, [3.0, 2.5]], [COMPLETE, TrialState.PAUSED], max_epochs=10)
    source.decisions = {1: [Decision(1, 1, 2, "start", 1.5, 1.8, 1.2, 2.0, 0.5, 0.1, 9)]}
    fan = layer(figures.curves(source), "forecast", "band")
    assert fan.x.tolist() == [2.0, 10.0]
    assert (fan.low.tolist(), fan.high.tolist()) == ([2.5, 1.2], [2.5, 1.8])


def test_of_many_trials_the_density_counts_each_curve_once_an_epoch():
    source = synthetic(800)
    figure = figures.curves(source)
    density = layer(figure, "some", "density")
    cells = density.value.reshape(len(density.y), len(density.x))
    reported = np.isfinite(source.history.curves).sum(axis=0)
    assert cells.sum(axis=0) / cells.sum(axis=0).max() == pytest.approx(reported / reported.max(), rel=0.02)
    assert len(set(layer(figure, "some").rows.tolist())) == 19  # and the best one


def test_trials_that_are_not_there_are_named():
    with pytest.raises(TrialNotFound):
        figures.curves(synthetic(5), trials=[7])
    with pytest.raises(SettingError, match="did you mean"):
        figures.contour(synthetic(5), "learning_rat", "hidden")


def test_importance_of_too_few_is_a_sentence_and_no_bar():
    figure = figures.importance(synthetic(6, stopping=False))
    assert [one.mark for one in figure.panels[0].layers] == ["text"]
    assert "it takes 10" in figure.caption


def test_settings_that_were_trained_again_have_their_intervals():
    source = synthetic(20)
    source.all_confirmed = [Confirmed(3, 0.1, (0.12, 0.14, 0.13), {}), Confirmed(5, 0.2, (0.3,), {}, 2)]
    figure = figures.confirmed(source)
    interval = layer(figure, "range", "segments")
    assert (interval.x[0] + interval.x2[0]) / 2 == pytest.approx(0.13)
    assert "2 more broke" in figure.caption
    assert "1 setting with fewer than two has no interval" in figure.caption


def test_a_sweep_has_its_suggestion_and_its_diverged_rates():
    points = tuple(SweepPoint(10.0**-k, 1.0 + k / 10, k == 0) for k in range(5, -1, -1))
    figure = figures.lr_sweep(Sweep("rate", "val_loss", points, 0.1, "least there", 6))
    assert layer(figure, "best", "rule").x == pytest.approx(np.log([0.1]))
    assert "1 rate diverged" in figure.caption


def test_evidence_is_on_the_curve_of_the_finding():
    epochs = [{"train_loss": 1 / e, "val_loss": 0.5 + max(0, e - 8) / 10 + 1 / e} for e in range(1, 31)]
    figure = figures.evidence(examine({"epochs": epochs}))
    assert {"train_loss", "val_loss"} <= {one.label for one in figure.panels[0].layers}
    assert figure.caption.endswith("sure.")


@pytest.mark.parametrize(
    ("scale", "values", "labels"),
    [
        ("log", (1e-5, 1.0), ["1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]),
        ("log", (16, 256), ["20", "50", "100", "200"]),
        ("log1m", (0.9, 0.9999), ["0.9", "0.99", "0.999", "0.9999"]),
        ("logit", (0.01, 0.99), ["0.01", "0.1", "0.5", "0.9", "0.99"]),
        ("linear", (0.0, 0.6), ["0.0", "0.2", "0.4", "0.6"]),
        ("linear", (0.1, 0.10001), None),
    ],
)
def test_ticks_are_at_plain_values_of_the_true_scale(scale, values, labels):
    from tunewell.space.scales import SCALES

    found = ticks(scale, *(float(SCALES[scale].place(value)) for value in values))
    if labels is not None:
        assert [label for _, label in found] == labels
    assert len({label for _, label in found}) == len(found) >= 2
    for place, label in found:
        assert SCALES[scale].value(place) == pytest.approx(float(label.replace(",", "")), rel=1e-3)


def test_one_value_that_blew_up_does_not_press_the_others_flat():
    values = np.append(np.linspace(0.1, 1.0, 50), 1e12)
    scale = metric_axis("loss", values, maximize=False)
    assert scale.beyond(values).tolist() == [False] * 50 + [True]
    assert np.ptp(scale.place(values[:50])) > 0.2 * (scale.axis.high - scale.axis.low)


def test_an_accuracy_near_one_is_shown_by_its_distance_to_it():
    scale = metric_axis("accuracy", np.linspace(0.5, 0.999, 40), maximize=True)
    assert (scale.axis.scale, scale.axis.best) == ("log1m", "high")


def test_times_are_in_the_unit_that_fits():
    assert time_axis("t", 90).title == "t (s)"
    assert time_axis("t", 5400).title == "t (min)"
    assert time_axis("t", 86400 * 3).title == "t (h)"


def test_names_are_one_line_that_obeys_nothing():
    assert name_of("a\n\u202eb\x1b[2J") == "a b [2J"
    assert len(name_of("x" * 1000)) == 32
    assert name_of("\ud800") == "(no name)"
    assert [number(value) for value in (1e-4, 0.5, 12345.0, 2.5e9)] == ["1e-4", "0.5", "12,345", "2.5e9"]


def test_without_matplotlib_what_to_install_is_named_and_pages_do_without(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    figure = figures.history(synthetic(12))
    with pytest.raises(MissingExtra, match=r"pip install 'tunewell\[figures\]'"):
        figure.save(tmp_path / "a.png")
    assert "<iframe" in figure._repr_mimebundle_()["text/html"]
    assert "<tw-figure>" in figure.save(tmp_path / "a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "match"), [("a.jpg", r"\.html, \.png, \.svg or \.pdf"), ("no/a.png", "there is no folder")]
)
def test_where_a_figure_cannot_be_saved_it_is_said(name, match, tmp_path):
    with pytest.raises(SettingError, match=match):
        figures.history(synthetic(3)).save(tmp_path / name)


def test_a_figure_is_a_picture_without_a_browser(tmp_path):
    pytest.importorskip("matplotlib")
    figure = figures.history(synthetic(12))
    assert figure.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_drawn(theme, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("curves", "parallel", "contour", "importance"):
        path = getattr(figures, name)(synthetic(30)).save(tmp_path / f"{name}.svg", theme=theme)
        assert path.read_bytes().startswith(b"<?xml")
    with pytest.raises(SettingError, match="light"):
        figures.history(synthetic(3)).save(tmp_path / "a.png", theme="blue")


def test_where_a_trial_that_is_looked_at_began_is_on_its_axis():
    curve = [2.0, 1.0, *(0.1 + 0.001 * n for n in range(40))]
    source = a_source(SPACE, [synthetic(1).trials[0].params], [curve])
    panel = figures.curves(source, trials=[0]).panels[0]
    (line,) = [one for one in panel.layers if one.mark == "line"]
    assert np.nanmax(np.exp(line.y) if panel.y.scale == "log" else line.y) == pytest.approx(2.0)


def test_the_front_is_of_reports_that_nothing_betters_and_the_rest_lies_behind_it():
    def train(run):
        for epoch in run.epochs(2):
            run.report(error=run.params.x + 1 / epoch, seconds=2 - run.params.x)

    metrics = {"error": "minimize", "seconds": "minimize"}
    study = tw.tune(train, {"x": tw.Float(0.0, 1.0)}, metrics=metrics, scheduler="full", budget=9, store="memory")
    figure = study.figures.front()
    (panel,) = figure.panels
    (line,) = [one for one in panel.layers if one.mark == "line"]
    points = study.front()
    assert line.rows.tolist() == [point.trial for point in points]
    assert line.x.tolist() == pytest.approx([point.values["error"] for point in points])
    assert line.y.tolist() == pytest.approx([point.values["seconds"] for point in points])
    proposed = [one for one in panel.layers if one.label == "proposed"]
    assert proposed[0].rows.tolist() == [point.trial for point in points if point.is_knee]
    behind = [row for one in panel.layers if one.label in ("complete", "paused") for row in one.rows.tolist()]
    assert sorted(behind) == list(range(len(study.trials)))
    assert {"error", "seconds"} <= set(figure.records()[0])


def test_of_one_metric_there_is_no_front():
    figure = figures.front(synthetic(5))
    assert "one metric" in figure.caption
    assert figure.panels[0].layers == ()
