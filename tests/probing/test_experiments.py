"""Experiments decide: what one rules out is not first afterwards, what two point to is, whatever the curves say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewell as tw
from tunewell.diagnosis import LABELS
from tunewell.probing import ProbeResult
from tunewell.probing.probes import fits_one_batch, higher_rate, loss_at_start, new_case, sweep_of_rates
from tunewell.probing.report import weighed

SPACE = tw.Space(learning_rate=tw.Float(1e-4, 1.0, scale="log", default=0.01))
some_labels = st.lists(st.sampled_from(LABELS[1:]), max_size=4, unique=True).map(tuple)
some_probes = st.lists(
    st.builds(ProbeResult, name=st.just("p"), found=st.just(""), points_to=some_labels, rules_out=some_labels),
    max_size=5,
)
some_chances = st.lists(st.floats(1e-4, 1.0), min_size=len(LABELS), max_size=len(LABELS)).map(
    lambda values: np.array(values) / sum(values)
)


def first_of(chances):
    return LABELS[int(np.argmax(chances))]


@settings(deadline=None)
@given(chances=some_chances, done=some_probes)
def test_what_is_ruled_out_and_pointed_to_by_none_is_never_first(chances, done):
    result = weighed(chances, done)
    assert result.sum() == pytest.approx(1)
    named = {label for one in done for label in one.points_to}
    cleared = {label for one in done for label in one.rules_out} - named
    assert first_of(result) not in cleared


@settings(deadline=None)
@given(chances=some_chances, label=st.sampled_from(LABELS[1:]), others=some_labels)
def test_what_two_experiments_point_to_is_first_or_another_that_they_agree_on(chances, label, others):
    done = [ProbeResult("a", "", (label, *others)), ProbeResult("b", "", (label,))]
    assert first_of(weighed(chances, done)) == label
    assert first_of(weighed(chances, [ProbeResult("a", "", (label, *others))] * 2)) in (label, *others)


@settings(deadline=None)
@given(chances=some_chances, label=st.sampled_from(LABELS[1:]))
def test_what_an_experiment_has_shown_is_the_first_of_the_causes(chances, label):
    result = weighed(chances, [ProbeResult("a", "", (label,), decides=True)])
    causes = {name: value for name, value in zip(LABELS, result, strict=True) if name != "healthy"}
    assert max(causes, key=causes.get) == label


def test_a_sweep_and_a_batch_that_point_to_the_rate_decide_against_the_curves():
    chances = np.full(len(LABELS), 0.01)
    chances[LABELS.index("batchnorm_misuse")] = 0.76
    done = [ProbeResult("learning rates", "", ("lr_too_low",)), ProbeResult("one batch", "", ("lr_too_low",))]
    assert first_of(weighed(chances / chances.sum(), done)) == "lr_too_low"


def test_what_is_impossible_stays_so():
    chances = np.full(len(LABELS), 1.0)
    chances[LABELS.index("missing_zero_grad")] = 0
    done = [ProbeResult("a", "", ("missing_zero_grad", "lr_too_low"))] * 2
    assert weighed(chances / chances.sum(), done)[LABELS.index("missing_zero_grad")] == 0


def falling(run, to=-5.0, **about):
    run.data(np.zeros((64, 2)), about.get("labels", np.arange(64) % 2))
    for epoch in run.epochs(5):
        run.report(train_loss=0.7 + (to - 0.7) * epoch / 5, val_loss=1.0)


def test_a_loss_below_zero_is_no_fit():
    case = new_case(falling, SPACE, {}, 0)
    assert case.short(1, {}).n_rows == 64
    case.start = case.short(1, {})
    result = fits_one_batch(case)
    assert "below zero" in result.found
    assert result.points_to == ("loss_output_mismatch",)


def test_a_loss_below_zero_may_be_in_order_where_there_are_no_classes():
    def density(run):
        falling(run, labels=np.linspace(0, 1, 64))

    case = new_case(density, SPACE, {}, 0)
    case.start = case.short(1, {})
    assert fits_one_batch(case).points_to == ()
    assert loss_at_start(case).points_to == ()


def test_that_no_rate_brings_the_loss_down_clears_the_rate():
    def still(run):
        for _ in run.epochs(5):
            run.report(train_loss=2.3, val_loss=2.3)

    result = sweep_of_rates(new_case(still, SPACE, {}, 0))
    assert result.found.startswith("no rate from ")
    assert set(result.rules_out) == {"lr_too_low", "lr_too_high"}


def slow(run):
    """Train so that an epoch is too little at any rate, and a quarter of the training is not."""
    run.data(np.zeros((64, 2)), np.arange(64) % 2)
    for epoch in run.epochs(40):
        loss = 0.69 - 0.01 * min(1.0, run.params.learning_rate * 10) * epoch
        run.report(train_loss=loss, val_loss=loss)


def test_a_higher_rate_is_tried_for_longer_where_a_sweep_is_too_short_to_tell():
    case = new_case(slow, SPACE, {}, 0)
    loss_at_start(case)
    swept = sweep_of_rates(case)
    assert "too little in so few epochs to tell" in swept.found
    assert swept.rules_out == swept.points_to == ()
    case.as_is = case.short(40, {})
    result = higher_rate(case)
    assert result.points_to == ("lr_too_low",)
    assert result.next.value >= 0.1
    assert result.decides


def test_without_a_training_loss_one_batch_is_left_out():
    def train(run):
        run.data(np.zeros((64, 2)), np.arange(64) % 2)
        for _ in run.epochs(3):
            run.report(val_loss=0.7)

    case = new_case(train, SPACE, {}, 0)
    case.start = case.short(1, {})
    assert fits_one_batch(case).found.startswith("left out: report train_loss")
