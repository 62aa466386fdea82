"""A progress bar on the line of an object of JSON hides none of the epochs."""

import pytest

from tunewell.logs.cutter import Line
from tunewell.logs.printed import PrintedReader


@pytest.mark.parametrize(
    "before", [b"  0%|          | 0/4 [00:00<?, ?it/s]", b"Epochs:  25%|##        | 1/4 [00:01<00:03]"]
)
def test_the_object_after_a_bar_is_read(before):
    reader = PrintedReader(lambda name: name == "val_loss")
    row = reader.read(Line(before + b'{"val_loss": 1.0}'))
    assert row is not None
    assert row.values == {"val_loss": 1.0}
