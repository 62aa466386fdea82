"""Values as they are typed."""

import pytest

import tunewell as tw
from tunewell.errors import SpaceError
from tunewell.space.parse_settings import parse_settings

SPACE = tw.Space(
    k=tw.Int(1, 20), x=tw.Float(0.0, 1.0), amp=tw.Choice([True, False]), c=tw.Choice(["a", "A", 1e-5, 10, "10 "])
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("k=10", 10),
        ("k=10.0", 10),
        ("k=1e1", 10),
        ("x=1", 1.0),
        ("amp=false", False),
        ("amp=True", True),
        ("c=A", "A"),
        ("c=a", "a"),
        ("c=0.00001", 1e-5),
        ("c=10.0", 10),
        ("c=10 ", "10 "),
    ],
)
def test_a_value_is_what_its_parameter_takes(text, value):
    (name, found), *_ = parse_settings([text], SPACE).items()
    assert repr(SPACE.params[name].check(found)) == repr(value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("k=10.5", "a whole number, got 10.5"), ("k=ten", "must be a number, got 'ten'"), ("amp=1", "one of True, False")],
)
def test_what_it_does_not_take_is_refused(text, complaint):
    (name, found), *_ = parse_settings([text], SPACE).items()
    with pytest.raises(SpaceError, match=complaint):
        SPACE.params[name].check(found)
