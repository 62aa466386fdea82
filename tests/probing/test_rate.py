"""The range test of learning rates: what it suggests of functions whose best rate is known, and of a real network."""

import math
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewell as tw
from tunewell import nn
from tunewell.cli.sweep_figure import svg
from tunewell.demo import digits
from tunewell.errors import ProbeFailed, SettingError

SPACE = tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log", default=0.01), hidden=tw.Int(1, 64, default=8))


def bowl(best, diverges_at=math.inf):
    """Loss as a parabola over the logarithm of the rate, from 2.3 far away to 0.3 at the best one."""

    def train(run):
        for _ in run.epochs(10):
            rate = run.params.learning_rate
            loss = min(2.3, 0.3 + 0.5 * math.log10(rate / best) ** 2)
            run.report(val_loss=math.nan if rate >= diverges_at else loss)

    return train


@given(st.floats(-3, 0))
def test_the_suggestion_is_where_the_loss_is_least(decade):
    found = tw.lr_find(bowl(10**decade), SPACE)
    assert found.suggestion == pytest.approx(10**decade, rel=0.06)


def test_a_rate_near_divergence_is_not_suggested():
    found = tw.lr_find(bowl(0.3, diverges_at=0.5), SPACE)
    first = next(point.rate for point in found.points if point.diverged)
    assert first == 1.0
    assert found.suggestion == pytest.approx(1 / 3, rel=0.05)
    assert found.range[1] == pytest.approx(1 / 3)
    # also where a rate just below the first that diverges was tried, and is the best
    found = tw.lr_find(bowl(0.6, diverges_at=0.9), SPACE, per_decade=4)
    assert min(found.points, key=lambda point: math.inf if point.diverged else point.loss).rate > 0.5
    assert found.suggestion == pytest.approx(1 / 3, rel=0.02)


def test_two_rates_in_a_row_that_diverge_end_the_sweep():
    tried = []

    def train(run):
        tried.append(run.params.learning_rate)
        bowl(0.001, diverges_at=0.02)(run)

    found = tw.lr_find(train, SPACE)
    assert sum(point.diverged for point in found.points) == 2
    assert max(tried) == pytest.approx(0.1)
    assert found.epochs == len(tried)


def test_the_sweep_reaches_a_decade_beyond_the_range_and_has_the_default_in_it():
    rates = [point.rate for point in tw.lr_find(bowl(0.1), SPACE).points]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == (1e-5, 10.0)
    assert 0.01 in rates


def test_a_loss_that_rises_far_above_its_start_counts_as_diverged():
    def train(run):
        for _ in run.epochs(1):
            run.report(train_loss=2.0 if run.params.learning_rate < 0.5 else 50.0)

    found = tw.lr_find(train, SPACE)
    assert [point.diverged for point in found.points][-2:] == [True, True]
    assert found.suggestion is None
    assert "brings the loss below 2" in found.why


def test_code_that_fails_at_high_rates_only_has_diverged_there():
    def train(run):
        if run.params.learning_rate > 0.2:
            raise FloatingPointError("overflow")
        bowl(0.01)(run)

    assert tw.lr_find(train, SPACE).suggestion == pytest.approx(0.01, rel=0.06)


def test_code_that_fails_at_once_is_an_error_with_its_traceback():
    def train(_):
        raise KeyError("images")

    with pytest.raises(ProbeFailed, match="KeyError: 'images'") as failed:
        tw.lr_find(train, SPACE)
    assert "Traceback" in failed.value.error


def test_what_is_trained_besides_the_rate_is_as_it_was_said():
    seen = set()

    def train(run):
        seen.add((run.params.hidden, run.seed))
        bowl(0.1)(run)

    tw.lr_find(train, SPACE, setting={"hidden": 32}, seed=7)
    assert seen == {(32, 7)}


def test_the_randomness_of_the_caller_is_left_alone():
    import random

    random.seed(5)
    expected = random.Random(5).random()
    tw.lr_find(bowl(0.1), SPACE)
    assert random.random() == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"param": "rate"}, "no parameter 'rate'"),
        ({"low": 1.0, "high": 0.1}, "0 < low < high"),
        ({"setting": {"depth": 3}}, "no parameter 'depth'"),
    ],
)
def test_bad_input_is_refused_before_any_training(settings, message):
    def train(_):
        pytest.fail("it was trained")

    with pytest.raises(tw.TunewellError, match=message):
        tw.lr_find(train, SPACE, **settings)


def test_a_space_with_no_learning_rate_says_what_to_name():
    with pytest.raises(SettingError, match="no parameter of the space is called as a learning rate is"):
        tw.lr_find(bowl(0.1), tw.Space(width=tw.Int(1, 8)))


def test_a_metric_that_is_not_reported_says_what_is():
    with pytest.raises(SettingError, match=r"reports no f1; it reports val_loss"):
        tw.lr_find(bowl(0.1), SPACE, metric="f1")


def test_of_a_real_network_the_suggestion_is_among_the_rates_that_train_it_well():
    def train(run):
        validation = digits.part("validation", 0)
        network = nn.Network([64, 64, 10], seed=run.seed)
        optimizer = nn.SGD(run.params.learning_rate, momentum=0.9)
        trainer = nn.Trainer(network, *digits.part("train", 0), batch_size=32, optimizer=optimizer, seed=run.seed)
        for _ in run.epochs(12):
            loss = trainer.epoch()
            run.report(train_loss=loss, **{f"val_{k}": v for k, v in network.evaluate(*validation).items()})

    def reached(rate):
        run = tw.Run({"learning_rate": rate}, seed=1)
        train(run)
        return max(report["val_accuracy"] for report in run.reports)

    space = tw.Space(learning_rate=tw.learning_rate())
    found = tw.lr_find(train, space)
    assert reached(found.suggestion) > max(map(reached, (1e-4, 1e-3, 1.0))) - 0.01
    assert found.range[0] < found.suggestion < found.range[1]


def test_the_figure_is_svg_with_a_point_a_rate():
    found = tw.lr_find(bowl(0.3, diverges_at=0.5), SPACE)
    root = ET.fromstring(svg(found))
    circles = root.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == sum(not point.diverged for point in found.points)
    assert f"{found.suggestion:g}" in svg(found)


def test_a_rate_that_is_not_active_is_an_error_and_not_a_crash():
    space = tw.Space(
        optimizer=tw.Choice(["sgd", "none"], default="none"),
        learning_rate=tw.Float(0.01, 1.0, when={"optimizer": "sgd"}),
    )
    with pytest.raises(SettingError, match="learning_rate is not active with this setting"):
        tw.lr_find(bowl(0.1), space)


@pytest.mark.parametrize(
    ("param", "first", "last"),
    [
        (tw.Choice([0.01, 0.1, 1], default=1), 0.001, 10.0),
        (tw.Float(0.0, 1.0, default=0.01), 0.001, 10.0),
    ],
)
def test_choices_with_whole_numbers_and_ranges_from_zero_are_swept(param, first, last):
    def train(run):
        for _ in run.epochs(3):
            run.report(val_loss=abs(math.log10(run.params.learning_rate)))

    points = tw.lr_find(train, tw.Space(learning_rate=param)).points
    assert (points[0].rate, points[-1].rate) == pytest.approx((first, last))


def test_a_loss_that_is_small_has_not_diverged_though_another_rate_does_better():
    losses = {1e-5: 2.3, 1e-2: 0.005, 1e-1: 0.03}

    def train(run):
        for _ in run.epochs(1):
            nearest = min(losses, key=lambda rate: abs(math.log(rate / run.params.learning_rate)))
            run.report(val_loss=losses[nearest])

    assert not any(point.diverged for point in tw.lr_find(train, SPACE).points)


def test_a_training_that_ends_with_sys_exit_has_ended_in_order():
    def train(run):
        bowl(0.1)(run)
        raise SystemExit(0)

    assert tw.lr_find(train, SPACE).suggestion == pytest.approx(0.1, rel=0.06)


def reporting(value, name="val_loss"):
    """Return a training that reports a function of its rate."""

    def train(run):
        for _ in run.epochs(1):
            run.report(**{name: value(run.params.learning_rate)})

    return train


@pytest.mark.parametrize(("low", "high"), [(0.012, 0.03), (0.02, 0.021), (3.0, 5.0), (1e-9, 2e-9)])
def test_bounds_with_no_usual_rate_between_them_are_tried_themselves(low, high):
    rates = [point.rate for point in tw.lr_find(bowl(0.01), SPACE, low=low, high=high).points]
    assert (rates[0], rates[-1]) == (low, high)
    assert len(rates) == len(set(rates)) >= 3


def test_rates_are_judged_by_a_metric_of_which_more_is_better():
    def accuracy(rate):
        return max(0.1, 0.95 - 0.2 * math.log10(rate / 0.03) ** 2)

    found = tw.lr_find(reporting(accuracy, "val_accuracy"), SPACE, metric="val_accuracy")
    assert found.suggestion == pytest.approx(0.03, rel=0.1)
    assert found.direction == "maximize"
    assert "val_accuracy is highest there, 0.9" in found.why
    low, high = found.range
    assert low <= 0.03 <= high
    same = tw.lr_find(reporting(accuracy, "quality"), SPACE, metric="quality", direction="maximize")
    assert same.suggestion == found.suggestion


def test_a_metric_whose_direction_nobody_knows_is_asked_for():
    with pytest.raises(SettingError, match="whether 'quality' is better high or low"):
        tw.lr_find(reporting(lambda rate: rate, "quality"), SPACE, metric="quality")


@pytest.mark.parametrize("offset", [-3.0, -0.3, -100.0, 0.0])
def test_a_loss_below_zero_is_seen_to_diverge(offset):
    found = tw.lr_find(
        reporting(lambda rate: math.log10(rate / 0.01) ** 2 + offset if rate < 0.2 else 1e6 * rate), SPACE
    )
    assert next(point.rate for point in found.points if point.diverged) == pytest.approx(0.316, rel=0.01)
    assert found.suggestion == pytest.approx(0.01, rel=0.06)
    assert found.range[1] == pytest.approx(0.316 / 3, rel=0.01)


def test_a_sweep_whose_lowest_rate_breaks_begins_at_the_next():
    found = tw.lr_find(reporting(lambda rate: math.nan if rate < 2e-5 else math.log10(rate / 0.01) ** 2 + 1), SPACE)
    assert "nan" not in found.why
    assert found.suggestion == pytest.approx(0.01, rel=0.06)


def test_a_sweep_of_no_epochs_is_refused():
    with pytest.raises(SettingError, match="an epoch at least"):
        tw.lr_find(bowl(0.01), SPACE, epochs=0)
