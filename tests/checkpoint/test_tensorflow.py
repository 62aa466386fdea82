"""TensorFlow's variables, modules and generators come back bit for bit."""

import numpy as np
import pytest

from tunewell import checkpoint
from tunewell.errors import CheckpointError

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings("default")  # theirs are not ours


class Pair(tf.Module):
    def __init__(self, n):
        super().__init__()
        self.one, self.other = tf.Variable(tf.zeros(n)), tf.Variable(3)


def objects(n=2):
    return {"variable": tf.Variable([1.0, n]), "module": Pair(n), "generator": tf.random.Generator.from_seed(n)}


def test_they_come_back(tmp_path):
    saved, live = objects(), objects()
    saved["variable"].assign([5.0, 6.0])
    saved["module"].other.assign(9)
    saved["generator"].normal([3])
    checkpoint.write(tmp_path / "a.npz", checkpoint.capture(saved))
    checkpoint.refill(live, checkpoint.read(tmp_path / "a.npz"))
    assert live["variable"].numpy().tolist() == [5.0, 6.0]
    assert live["module"].other.numpy() == 9
    assert np.array_equal(live["generator"].normal([3]), saved["generator"].normal([3]))


def test_a_module_of_other_variables_is_refused():
    with pytest.raises(CheckpointError, match="other shapes"):
        checkpoint.refill({"module": Pair(2)}, checkpoint.capture({"module": Pair(3)}))
