"""A space that changes: what is said of it, what is refused, and where trials of earlier versions lie."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.errors import SpaceError
from tunewell.space.extension import extended
from tunewell.space.versions import SpaceVersions

KNOWN = tw.Space(
    rate=tw.Float(1e-4, 1e-1, scale="log", default=1e-2),
    kind=tw.Choice(["sgd", "adam", "rms"]),
    momentum=tw.Float(0.5, 0.95, scale="log1m", when={"kind": "sgd"}),
    width=tw.Choice([32, 64, 128], ordered=True),
)


def changed(**params):
    """The known space with these parameters as given; without those that are None."""
    return tw.Space({name: p for name, p in {**KNOWN.params, **params}.items() if p is not None})


def refused(asked, held=None, known=KNOWN):
    with pytest.raises(SpaceError) as caught:
        extended(known, asked, held or {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"rate": tw.Float(1e-4, 1.0, scale="log", default=1e-2)}, "rate: high 0.1 -> 1.0"),
        ({"rate": tw.Float(1e-3, 1e-1, default=1e-2)}, "rate: low 0.0001 -> 0.001, scale 'log' -> None"),
        ({"kind": tw.Choice(["adam", "lion", "sgd"])}, "kind: without 'rms', with 'lion'"),
        ({"kind": tw.Choice(["rms", "adam", "sgd"])}, "kind: values ['sgd', 'adam', 'rms'] -> ['rms', 'adam', 'sgd']"),
        ({"width": tw.Int(16, 512)}, "width: Choice([32, 64, 128], ordered=True) -> Int(16, 512)"),
        (
            {"dropout": tw.Float(0, 0.5, default=0.1)},
            "dropout: added, Float(0.0, 0.5, default=0.1); past trials had 0.1",
        ),
        ({"rate": None}, "rate: taken away; held at 0.01"),
    ],
)
def test_what_changes_is_said_in_a_line(params, line):
    assert extended(KNOWN, changed(**params)).changes == (line,)


def test_the_same_parameters_in_another_order_are_the_same_space():
    found = extended(KNOWN, tw.Space(dict(reversed(KNOWN.params.items()))))
    assert (found.space, found.changes) == (KNOWN, ())


def test_a_parameter_without_a_default_is_refused_unless_somebody_says_what_it_was():
    asked = changed(dropout=tw.Float(0.1, 0.5))
    assert "nothing says what past trials had of it; give it a default" in refused(asked)
    assert "--held dropout=" in refused(asked)
    assert extended(KNOWN, asked, {"dropout": 0.0}).held == {"dropout": 0.0}  # which may lie outside


def test_a_parameter_that_goes_away_is_held_at_a_value():
    asked = changed(width=None)
    assert "--held width=64" in refused(asked)
    found = extended(KNOWN, asked, {"width": 128})
    assert found.space.params["width"].values == (128,)
    assert extended(found.space, asked).changes == ()  # as it is said again when the study is resumed
    assert extended(found.space, asked, {"width": 128}).changes == ()


def test_what_can_never_be_active_again_leaves_the_space():
    asked = tw.Space(rate=KNOWN.params["rate"], kind=tw.Choice(["adam", "rms"]), width=KNOWN.params["width"])
    found = extended(KNOWN, asked)
    assert found.space == asked
    assert found.changes == ("kind: without 'sgd'", "momentum: taken away; it can no longer be active")


def test_a_condition_that_is_met_more_often_needs_what_past_trials_had():
    asked = changed(momentum=tw.Float(0.5, 0.95, scale="log1m", when={"kind": ["sgd", "rms"]}))
    assert "what past trials had of it" in refused(asked)
    assert extended(KNOWN, asked, {"momentum": 0.0}).held == {"momentum": 0.0}


@pytest.mark.parametrize(
    ("params", "held", "complaint"),
    [
        (
            {"kind": tw.Float(0, 1), "momentum": None},
            {},
            "kind: it was Choice(['sgd', 'adam', 'rms']) and cannot become Float(0.0, 1.0)",
        ),
        ({"rate": tw.Choice(["low", "high"])}, {}, "give what is new another name"),
        ({}, {"rate": 0.1}, "rate: it is neither added nor taken away"),
        ({}, {"typo": 0.1}, "there is no parameter 'typo' to hold; there are rate, kind, momentum, width"),
        ({"rate": None}, {"rate": 7.0}, "rate: it cannot be held at 7.0: the value must be from"),
        ({"new": tw.Float(0, 1)}, {"new": "much"}, "new: past trials cannot have had 'much'; give a finite number"),
        (
            {"new": tw.Choice(["a", "b"])},
            {"new": "c"},
            "new: past trials cannot have had 'c': the value must be one of",
        ),
    ],
)
def test_what_cannot_be_is_refused(params, held, complaint):
    assert complaint in refused(changed(**params), held)


def placed(asked, settings, held=None):
    found = extended(KNOWN, asked, held or {})
    versions = SpaceVersions([KNOWN, found.space], [{}, found.held])
    names = found.space.names
    return [
        dict(zip(names, row, strict=True)) for row in versions.encode_many([versions.complete(s) for s in settings])
    ]


def setting(**values):
    return tw.Params({"rate": 1e-2, "kind": "adam", "width": 64} | values)


def test_values_outside_a_narrowed_range_keep_their_place_on_the_scale():
    narrowed = changed(rate=tw.Float(1e-3, 1e-2, scale="log"))
    (below, inside, far) = placed(narrowed, [setting(rate=rate) for rate in (10**-3.5, 1e-2, 1.0)])
    assert below["rate"] == pytest.approx(-0.5)
    assert inside["rate"] == 1.0
    assert far["rate"] == 2.0  # one range beyond is as far as it gets


def test_a_value_that_the_scale_has_no_place_for_lies_below_it():
    known = tw.Space(dropout=tw.Float(0, 0.5))
    asked = tw.Space(dropout=tw.Float(1e-2, 0.5, scale="log"))
    versions = SpaceVersions([known, asked], [{}, {}])
    assert versions.encode_many([{"dropout": 0.0}]).tolist() == [[-1.0]]


def test_a_choice_that_is_gone_lies_apart_from_all_others():
    rows = placed(
        changed(kind=tw.Choice(["adam", "lion"]), momentum=None), [setting(kind=k) for k in KNOWN.params["kind"].values]
    )
    sgd, adam, rms = (row["kind"] for row in rows)
    assert adam == 0.25
    assert 1 < sgd < rms


def test_an_ordered_choice_that_is_gone_lies_where_it_was_in_the_order():
    (row,) = placed(changed(width=tw.Choice([64, 128], ordered=True)), [setting(width=32)])
    assert row["width"] == pytest.approx(0.25 - 0.5)


def test_trials_are_still_told_apart_by_a_parameter_that_is_held():
    rows = placed(changed(rate=None), [setting(rate=rate) for rate in (1e-3, 1e-2, 1e-1)])
    assert [row["rate"] for row in rows] == pytest.approx([0.5 - 1 / 3, 0.5, 0.5 + 1 / 3])


def test_past_trials_have_what_was_said_of_a_new_parameter():
    found = extended(KNOWN, changed(dropout=tw.Float(0.1, 0.5)), {"dropout": 0.0})
    versions = SpaceVersions([KNOWN, found.space], [{}, found.held])
    assert versions.complete(setting()) == setting(dropout=0.0)
    assert versions.complete(setting(dropout=0.3)) == setting(dropout=0.3)


def test_a_new_parameter_that_would_have_been_inactive_stays_away():
    found = extended(KNOWN, changed(nesterov=tw.Choice([True, False], default=False, when={"kind": "sgd"})))
    versions = SpaceVersions([KNOWN, found.space], [{}, found.held])
    assert "nesterov" not in versions.complete(setting())
    assert versions.complete(setting(kind="sgd", momentum=0.9)).nesterov is False


def test_a_space_that_never_changed_places_trials_as_ever():
    settings = [setting(), setting(kind="sgd", momentum=0.9)]
    assert np.array_equal(SpaceVersions([KNOWN]).encode_many(settings), KNOWN.encode_many(settings), equal_nan=True)
    assert SpaceVersions([KNOWN]).complete(settings[0]) is settings[0]
