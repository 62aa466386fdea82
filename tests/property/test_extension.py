"""However a space changes, trials of before keep their settings and have a place in it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewell.space.extension import extended
from tunewell.space.params import Choice, Float, Int
from tunewell.space.space import Space
from tunewell.space.versions import SpaceVersions

UNIT = st.floats(0, 1)


@st.composite
def numbers(draw):
    """A range, and one that is wider on both sides or the same."""
    factors = [10 ** draw(st.floats(0, 2)) for _ in range(2)]
    match draw(st.sampled_from(["linear", "log", "log1m", "int"])):
        case "int":
            low, high = draw(st.integers(2, 50)), draw(st.integers(51, 500))
            return Int(low, high), Int(low - draw(st.integers(0, 1)), high + draw(st.integers(0, 100)))
        case "log":
            return Float(1e-3, 1e-1, scale="log"), Float(1e-3 / factors[0], 1e-1 * factors[1], scale="log")
        case "log1m":
            return Float(0.5, 0.9, scale="log1m"), Float(0.5 / factors[0], 1 - 0.1 / factors[1], scale="log1m")
        case _:
            return Float(0.0, 1.0), Float(1 - factors[0], factors[1])


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
    assert versions.setting(settings[0]) == settings[0]
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
            made[name] = Float(
                low, low + draw(st.floats(0.01, 0.5)), scale=draw(st.sampled_from(["linear", "log", "log1m"]))
            )
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
    whole = [versions.setting(setting) for setting in settings]
    assert all(old.items() <= new.items() for old, new in zip(settings, whole, strict=True))
    points = versions.encode_many(whole)
    assert np.isfinite(points).all()
    assert ((points[-1] >= 0) & (points[-1] <= 1)).all()
    assert np.allclose(points[-1], versions.space.encode(settings[-1]))
