"""Lines of one shape, read by position after a few."""

import pytest

from tunewell.logs.lines import LineReader
from tunewell.logs.shapes import Positions, shape_of

LINES = {
    "steps": "Epoch {e}/30 | step {i}/40000 | loss 0.{i:05d} | lr 1.{e}e-03 | 12.{e} ms/it",
    "percent": "Train Epoch: {e} [{i}/60000 ({e}%)]\tLoss: {e}.{i} acc {e}.{e}%",
    "a share": "epoch {e} test Accuracy: {i}/10000 (98%)",
    "a bar": " {e}%|####| {e}/100 [00:01<00:01, 44.1it/s, loss=0.{i:04d}]",
    "a sign": "epoch {e} val_r2 -0.{i:04d} best {i}",
    "a mean": "Epoch: [{e}][{i}/5005]\tLoss {e}.{i} (7.{i})\tAcc@1 1.{e} (2.{e}) Acc@5 3.{i} (4.{e})",
    "ranks": "epoch {e} recall@5 0.{i:04d} recall@10 0.{e}1",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_lines_are_read_by_position_as_they_are_read_in_full(line):
    known = LineReader()
    for nth in range(1, 60):
        text = line.format(e=1 + nth // 6, i=17 * nth)
        one = LineReader()
        row, alone = known.read(text), one.read(text)
        assert dict(row.values) == pytest.approx(dict(alone.values))
        assert (row.step, row.bar) == pytest.approx((alone.step, alone.bar), nan_ok=True) or row.bar == alone.bar


def test_a_number_within_a_name_is_a_part_of_the_shape():
    assert shape_of("top 5 acc 0.5")[0] != shape_of("top 1 acc 0.5")[0]
    assert shape_of("recall@5 0.5")[0] != shape_of("recall@1 0.5")[0]
    assert shape_of("f1 0.5")[1] == ["0.5"]


def test_numbers_that_were_equal_so_far_are_read_in_full_where_they_differ():
    positions = Positions()
    for n in (3, 4, 5):
        positions.learn([str(n), str(n)], {"count": float(n)})
    assert positions.values(["7", "7"]) == {"count": 7.0}
    assert positions.values(["7", "8"]) is None
