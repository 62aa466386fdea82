"""However a space changes, trials of before keep their settings and have a place in it."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tunewell.space.extension import extended
from tunewell.space.params import Choice, Float, Int
from tunewell.space.scales import SCALES, Span
from tunewell.space.space import Space
from tunewell.space.versions import SpaceVersions

UNIT = st.floats(0, 1)


@st.composite
def numbers(draw):
    """A range, and one that is wider on both sides or the same."""
    scale = draw(st.sampled_from(list(SCALES.values())))
    if scale.whole and draw(st.booleans()):
        low, high = draw(st.integers(2, 50)), draw(st.integers(51, 500))
        wider = low - draw(st.integers(0, 1)), high + draw(st.integers(0, 100))
        return Int(low, high, scale=scale.name), Int(*wider, scale=scale.name)
    low, high = scale.example
    places = scale.place(low) - draw(st.floats(0, 5)), scale.place(high) + draw(st.floats(0, 5))
    lower, higher = (float(scale.value(place)) for place in places)
    span = Span(min(low, lower), max(high, higher))
    assume(scale.misfit(span) is None)
    return Float(low, high, scale=scale.name), Float(span.low, span.high, scale=scale.name)


@st.composite
def choices(draw):
    """Values in any order, and as many or more in another."""
    values = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    more = draw(st.permutations([*values, *draw(st.sets(st.sampled_from("uvwxyz"), max_size=3))]))
    ordered = draw(st.booleans())
    return Choice(values, ordered=ordered), Choice(more, ordered=ordered)


@given(st.lists(numbers() | choices(), min_size=1, max_size=4), st.data())
def test_any_widening_keeps_every_setting(pairs, data):
    known = Space({f"p{i}": before for i, (before, _) in enumerate(pairs)})
    asked = Space({f"p{i}": after for i, (_, after) in enumerate(pairs)})
    found = extended(known, asked)
    settings = [known.decode(np.array(data.draw(st.lists(UNIT, min_size=len(pairs), max_size=len(pairs)))))]
    versions = SpaceVersions([known, found.space], [{}, found.held])
    assert versions.complete(settings[0]) == settings[0]
    points = versions.encode_many(settings)
    assert ((points >= 0) & (points <= 1)).all()
    (again,) = found.space.decode_many(points)
    for name, value in settings[0].items():
        assert again[name] == (pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value)


@st.composite
def spaces(draw):
    """Parameters of a few names, so that two spaces share some."""
    names = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    made = {}
    for name in names:
        if name == "c":
            values = st.lists(st.sampled_from("tuvwx"), min_size=1, max_size=4, unique=True)
            made[name] = Choice(draw(values), ordered=draw(st.booleans()))
        else:
            low = draw(st.floats(0.001, 0.4))
            high = low + draw(st.floats(0.01, 0.5))
            scales = [scale.name for scale in SCALES.values() if scale.misfit(Span(low, high)) is None]
            made[name] = Float(low, high, scale=draw(st.sampled_from(scales)))
    return Space(made)


@given(st.lists(spaces(), min_size=2, max_size=5), st.data())
def test_a_setting_of_any_version_has_a_place_in_the_newest(asked, data):
    spaces_had, held, settings = [asked[0]], [{}], []
    for space in [*asked[1:], None]:
        today = spaces_had[-1]
        settings.append(today.decode(np.array([data.draw(UNIT) for _ in today.names])))
        if space is None:
            break
        said = {
            n: p.usual
            for n, p in {**today.params, **space.params}.items()
            if (n in today.params) != (n in space.params)
        }
        found = extended(today, space, said)
        spaces_had.append(found.space)
        held.append(found.held)
    versions = SpaceVersions(spaces_had, held)
    whole = [versions.complete(setting) for setting in settings]
    assert all(old.items() <= new.items() for old, new in zip(settings, whole, strict=True))
    points = versions.encode_many(whole)
    assert np.isfinite(points).all()
    assert ((points[-1] >= 0) & (points[-1] <= 1)).all()
    assert np.allclose(points[-1], versions.space.encode(settings[-1]))
