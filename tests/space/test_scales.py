"""What every scale promises, whichever there are; and what is true of each."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from tunewell import Float, Int, Params, Space
from tunewell.analysis.bounds import at_bounds
from tunewell.errors import SpaceError
from tunewell.history import History
from tunewell.space.preview import lines, preview
from tunewell.space.scales import DEFAULT, SCALES, Span
from tunewell.trial import Trial, TrialState

DOCS = Path(__file__).parents[2] / "docs"
by_scale = pytest.mark.parametrize("scale", SCALES.values(), ids=SCALES)


def example(scale):
    return Float(*scale.example, scale=scale.name)


def picture(param):
    first, second = lines(preview(Space(x=param), np.random.default_rng(0), 2000))
    return first[3:35], second[3:35].strip()


def advice(param, best):
    history = History(Space(x=param), 1)
    values = [best, best, *[param.usual] * 8]
    trials = [
        Trial(i, Params({"x": value}), TrialState.COMPLETE, epochs=1, until=1, seed=0, started_at=0.0)
        for i, value in enumerate(values)
    ]
    history.update(trials, np.array([[i, 1, float(i)] for i in range(len(values))]))
    return [(one.side, one.suggested) for one in at_bounds(history)]


@by_scale
def test_places_and_values_are_each_others_inverse_and_increase(scale):
    values = np.linspace(*scale.example, 50)
    places = scale.place(values)
    assert (np.diff(places) > 0).all()
    assert scale.value(places) == pytest.approx(values, abs=1e-12)
    assert [float(scale.place(float(value))) for value in values] == pytest.approx(places.tolist())


@by_scale
def test_what_a_scale_is_made_for_is_flat_in_the_preview_and_not_warned_of(scale):
    assert set(picture(example(scale))[0]) <= set("▇█")
    assert Space(x=example(scale)).warnings() == []


@by_scale
def test_a_range_is_extended_at_the_end_where_the_best_lies(scale):
    low, high = scale.example
    for best, side in ((low, "low"), (high, "high")):
        for found_side, bound in advice(example(scale), best):
            assert found_side == side
            wider = Float(min(low, bound), max(high, bound), scale=scale.name)
            assert wider.low < low or wider.high > high


@by_scale
def test_a_space_with_the_scale_is_written_and_read(scale):
    space = Space(x=example(scale))
    assert Space.from_toml(space.to_toml()) == space
    assert Space.from_dict(space.to_dict()) == space
    assert eval(repr(space), {"Space": Space, "Float": Float}) == space


@by_scale
def test_an_int_lies_only_on_a_scale_for_whole_numbers(scale):
    if scale.whole:
        assert Int(1, 8, scale=scale.name).decode([0.0, 1.0]) == [1, 8]
    else:
        with pytest.raises(SpaceError, match=f"Int has no scale '{scale.name}'; choose one of 'linear'"):
            Int(1, 8, scale=scale.name)


@by_scale
def test_a_range_without_a_place_is_refused_with_a_mend(scale):
    for low, high in ((-1e3, 1e3), (0.0, 0.5), (0.5, 1.0)):
        misfit = scale.misfit(Span(low, high))
        if misfit is None:
            assert Float(low, high, scale=scale.name).decode([0.0, 1.0]) == [low, high]
            continue
        with pytest.raises(SpaceError) as caught:
            Float(low, high, scale=scale.name)
        assert str(caught.value) == (
            f"scale={scale.name!r} needs {misfit.needs}, got low={low!r} and high={high!r}; {misfit.mend}"
        )


@by_scale
def test_rounding_keeps_what_the_scale_tells_apart(scale):
    for unit in (0.0, 0.3, 0.7, 1.0):
        value = float(example(scale).from_unit(unit))
        assert float(example(scale).to_unit(scale.rounded(value, 3))) == pytest.approx(unit, abs=0.01)


def test_each_has_a_row_in_the_page_on_scales():
    table = (DOCS / "scales.md").read_text().split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE) == list(SCALES)


def test_the_code_of_the_page_runs():
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / "scales.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    exec("\n".join(blocks), {"__name__": "scales"})


def test_each_is_in_the_glossary():
    (row,) = (line for line in (DOCS / "glossary.md").read_text().splitlines() if line.startswith("| **scale** |"))
    assert all(f"`{name}`" in row for name in SCALES)


def test_the_default_is_a_scale_for_floats_and_ints():
    assert Float(0, 1).scale == Int(0, 1).scale == DEFAULT
    assert SCALES[DEFAULT].whole


def test_a_logit_scale_counts_equal_factors_of_the_odds_the_same():
    param = Float(0.01, 0.99, scale="logit")
    assert param.decode([0.0, 0.5, 1.0]) == [0.01, 0.5, 0.99]
    odds = np.array([value / (1 - value) for value in param.decode(np.linspace(0, 1, 11))])
    assert odds[1:] / odds[:-1] == pytest.approx([99**0.2] * 10)


def test_a_logit_scale_is_as_fine_near_0_as_near_1():
    param = Float(1e-6, 1 - 1e-6, scale="logit")
    units = np.linspace(0, 1, 7)
    assert param.from_unit(units) == pytest.approx(1 - param.from_unit(1 - units), rel=1e-9)
    assert param.to_unit([1e-5, 1e-3, 0.5]) == pytest.approx([1 / 12, 3 / 12, 0.5], abs=1e-4)


@pytest.mark.parametrize("bounds", [(1e-4, 0.5), (0.5, 0.999), (0.9, 0.999), (1e-6, 1e-3), (0.2, 0.7), (0.001, 0.999)])
def test_a_logit_scale_is_flat_in_every_preview_and_advised_against_nowhere(bounds):
    param = Float(*bounds, scale="logit")
    assert set(picture(param)[0]) <= set("▇█")
    assert Space(x=param, lr=param, dropout=param).warnings() == []


def test_the_ruler_of_a_logit_scale_has_marks_near_both_ends():
    assert picture(Float(0.01, 0.99, scale="logit"))[1].split() == ["0.01", "0.1", "0.5", "0.9", "0.99"]


@pytest.mark.parametrize(
    ("low", "high", "mend"),
    [
        (0.0, 0.5, "use the smallest value worth trying, such as low=5e-05, or scale='linear'"),
        (0.5, 1.0, "use a high such as 0.999, or scale='linear'"),
        (
            0.0,
            1.0,
            "use the smallest value worth trying, such as low=0.0001 and a high such as 0.999, or scale='linear'",
        ),
    ],
)
def test_a_logit_scale_has_no_place_for_0_and_1(low, high, mend):
    with pytest.raises(SpaceError, match="scale='logit' needs 0 < low and high < 1, got low=") as caught:
        Float(low, high, scale="logit")
    assert str(caught.value).endswith(mend)


def test_a_value_beyond_a_logit_scale_lies_a_range_away():
    param = Float(0.1, 0.9, scale="logit")
    assert param.place(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == pytest.approx([-1, -1, 0.5, 2, 2])
    assert param.to_unit([0.0, 1.0]).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("param", "best", "found"),
    [
        (Float(0.1, 0.9, scale="logit"), 0.9, [("high", 0.975)]),
        (Float(0.1, 0.9, scale="logit"), 0.1, [("low", 0.025)]),
        (Float(0.5, 1 - 1e-11, scale="logit"), 1 - 1e-11, []),  # rounded it would be 1
        (Float(0.5, 1 - 1e-11, scale="log1m"), 1 - 1e-11, []),
    ],
)
def test_a_suggested_bound_is_one_that_the_scale_has_a_place_for(param, best, found):
    assert advice(param, best) == [(side, pytest.approx(bound, rel=0.05)) for side, bound in found]
    assert all(math.isfinite(bound) for _, bound in found)
