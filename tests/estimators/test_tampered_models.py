"""Models that somebody has changed: one clear line, and no more memory than the file is large."""

import io
import json
import tracemalloc
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np
import pandas as pd
import pytest

from tunewell.errors import SettingError
from tunewell.estimators import SavedModel
from tunewell.estimators.columns import Columns
from tunewell.nn import Network

TABLE = pd.DataFrame({"size": [1.0, None, 3.0], "kind": ["a", "b", "a"], "day": ["2024-01-01", "2024-02-01", None]})
COLUMNS = Columns.learn(TABLE)


@pytest.fixture
def parts(tmp_path):
    """Return what a sound file holds: its JSON, and the network's arrays."""
    network = Network([COLUMNS.width, 4, 2], dtype="float64")
    SavedModel("y", COLUMNS, network, ("no", "yes")).save(tmp_path / "m.model")
    with ZipFile(tmp_path / "m.model") as file:
        about = json.loads(file.read("model.json"))
        with np.load(io.BytesIO(file.read("network.npz"))) as arrays:
            return about, dict(arrays)


def npy(array=None, *, header=None):
    file = io.BytesIO()
    if header is None:
        np.save(file, array)
    else:
        np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


def put_together(path, about, arrays, kind=ZIP_STORED):
    """Write a model file of a JSON text and of .npy contents by name."""
    weights = io.BytesIO()
    with ZipFile(weights, "w", kind) as file:
        for name, content in arrays.items():
            file.writestr(f"{name}.npy", content if isinstance(content, bytes) else npy(content))
    with ZipFile(path, "w", kind) as file:
        file.writestr("model.json", about if isinstance(about, str) else json.dumps(about))
        file.writestr("network.npz", weights.getvalue())
    return path


def refused(path):
    """Return the line by which a file is refused, for little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(SettingError) as raised:
            SavedModel.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_sound_model_is_loaded(parts, tmp_path):
    loaded = SavedModel.load(put_together(tmp_path / "x.model", *parts))
    assert len(loaded.predict(TABLE)) == 3


def test_what_is_compressed_is_refused_unread(parts, tmp_path):
    about, arrays = parts
    bomb = json.dumps(about | {"more": "x" * 10**8})
    assert "compressed" in refused(put_together(tmp_path / "x.model", bomb, arrays, ZIP_DEFLATED))


@pytest.mark.parametrize("name", ["theta", "running", "layout"])
@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6), (2**62, 8), (-1,)])
def test_an_array_that_claims_more_than_it_holds_is_refused(parts, tmp_path, name, shape):
    about, arrays = parts
    arrays[name] = npy(header={"descr": "<f8", "fortran_order": False, "shape": shape})
    assert "claims" in refused(put_together(tmp_path / "x.model", about, arrays)) or shape == (-1,)


@pytest.mark.parametrize("text", ["{'shape': (((((", "-" * 9000 + "1", "(" * 4000, "{'descr': "])
def test_an_array_whose_header_cannot_be_read_is_refused(parts, tmp_path, text):
    about, arrays = parts
    header = text.encode() + b"\n"
    arrays["theta"] = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    assert "holds no model" in refused(put_together(tmp_path / "x.model", about, arrays))


LAYOUTS = {
    "sizes of 10^12": {"sizes": [10**12, 4, 2]},
    "many layers": {"sizes": [10**6] * 3},
    "fewer layers": {"sizes": [8, 2]},
    "no numbers": {"sizes": ["8", "4", "2"]},
    "nothing": {"sizes": None},
    "fractions": {"sizes": [8.5, 4, 2]},
    "no loss": {"loss": None},
    "no dropout": {"dropout": []},
    "words": {"dropout": ["x"]},
    "another key": {"more": 1},
    "no epsilon": {"norm_epsilon": None},
    "of the future": {"format": 10**9},
    "no format": {"format": None},
}


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_layout_that_is_none_is_refused(parts, tmp_path, change):
    about, arrays = parts
    arrays["layout"] = np.array(json.dumps(json.loads(str(arrays["layout"])) | change))
    assert "model" in refused(put_together(tmp_path / "x.model", about, arrays))


ABOUTS = {
    "no object": lambda about: None,
    "a list": lambda about: [],
    "nested deeply": lambda about: "[" * 10**5,
    "a huge number": lambda about: "1" * 10**5,
    "of the future": lambda about: about | {"format": 10**9},
    "no format": lambda about: about | {"format": None},
    "no target": lambda about: about | {"target": None},
    "no columns": lambda about: about | {"columns": None},
    "empty columns": lambda about: about | {"columns": []},
    "columns of null": lambda about: about | {"columns": [None] * 3},
    "columns without names": lambda about: about | {"columns": [c | {"name": None} for c in about["columns"]]},
    "another class": lambda about: about | {"classes": ["a", "b", "c"]},
    "no text": lambda about: about | {"classes": [["a"], {}]},
    "a number": lambda about: about | {"classes": 2},
    "no classes": lambda about: about | {"classes": None},
    "no mean": lambda about: about | {"mean": None},
    "an endless scale": lambda about: about | {"scale": float("inf")},
    "no median": lambda about: about | {"columns": [about["columns"][0] | {"median": None}, *about["columns"][1:]]},
    "many categories": lambda about: about | {"columns": [about["columns"][1] | {"categories": ["a"] * 10**4}]},
    "a strange date": lambda about: about | {"columns": [about["columns"][2] | {"date_format": 1}]},
}


@pytest.mark.parametrize("change", ABOUTS.values(), ids=ABOUTS.keys())
def test_a_description_that_is_none_is_refused(parts, tmp_path, change):
    about, arrays = parts
    assert "model" in refused(put_together(tmp_path / "x.model", change(about), arrays))


def test_weights_that_are_no_numbers_are_refused(parts, tmp_path):
    about, arrays = parts
    arrays["theta"] = np.full_like(arrays["theta"], np.nan)
    assert "no finite number" in refused(put_together(tmp_path / "x.model", about, arrays))
