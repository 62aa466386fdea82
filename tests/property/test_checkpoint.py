"""Whatever plain data and arrays a checkpoint is given, it gives back: in a file, in memory, in other objects."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tunewell import checkpoint

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=()))
    | st.binary()
)
dtypes = st.sampled_from(["?", "i1", "u2", "<i4", ">u8", "<f2", ">f4", "<f8", "<c8", "c16"])
arrays = hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
scalars = dtypes.flatmap(lambda dtype: hnp.from_dtype(np.dtype(dtype)))
keys = plain | st.lists(plain, max_size=3).map(tuple) | st.frozensets(plain, max_size=3)
data = st.recursive(
    plain | arrays | scalars | st.sets(keys, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=20,
)


def same(one, other):
    """Equal in type and value, down to the sign of a zero; NaN is NaN."""
    if type(one) is not type(other):
        return False
    match one:
        case np.ndarray() | np.generic():
            return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
        case dict():
            return same(list(one.items()), list(other.items()))
        case list() | tuple():
            return len(one) == len(other) and all(map(same, one, other))
        case set() | frozenset():
            return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
        case complex():
            return same((one.real, one.imag), (other.real, other.imag))
        case float():
            return str(one) == str(other)
        case _:
            return one == other


@given(data)
def test_any_nested_data_comes_back_from_a_file(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.npz"
        checkpoint.write(path, checkpoint.capture({"state": {"content": content}}))
        live = {"content": None}
        checkpoint.refill({"state": live}, checkpoint.read(path))
    assert same(live["content"], content)


@settings(max_examples=settings.default.max_examples // 2)
@given(st.dictionaries(st.text(), data, max_size=4), st.dictionaries(st.text(), data, max_size=4))
def test_any_dictionary_can_be_filled_with_any_other(live, saved):
    snapshot = checkpoint.capture({"state": saved})
    for array in arrays_that_differ(live, saved):
        live.pop(array)
    checkpoint.refill({"state": live}, snapshot)
    assert same(live, saved)


def arrays_that_differ(live, saved):
    """Names of what holds an array in both, which is filled only if it is alike: a matter of other tests."""
    return [name for name in live.keys() & saved.keys() if holds_array(live[name]) and holds_array(saved[name])]


def holds_array(value):
    if isinstance(value, dict):
        return any(map(holds_array, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_array, value))
    return isinstance(value, np.ndarray)
