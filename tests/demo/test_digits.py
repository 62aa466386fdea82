"""The example network: its data, its gradients, its training."""

import numpy as np
import pytest

from tunewell.demo import digits
from tunewell.training.run import Run


def rows(name, split=0):
    images, labels = digits.part(name, split)
    return {(*image, label) for image, label in zip(images.tolist(), labels.tolist(), strict=True)}


def trained(epochs, monkeypatch, **changes):
    monkeypatch.setattr(digits, "EPOCHS", epochs)
    run = Run({**digits.space.defaults(), **changes}, seed=1)
    digits.train(run)
    return run


def test_the_parts_share_no_image_and_leave_none_out():
    parts = [rows(name) for name in digits.PARTS]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 1797


def test_each_part_has_its_share_of_every_class():
    whole = sum(np.bincount(digits.part(name, 0)[1]) for name in digits.PARTS)
    for name, share in {"train": 0.6, "validation": 0.2, "test": 0.2}.items():
        assert np.bincount(digits.part(name, 0)[1]) == pytest.approx(share * whole, abs=2)


def test_another_split_is_another_division():
    assert rows("test", 0) != rows("test", 1)
    assert rows("test", 1) == rows("test", 1)


def test_training_reads_no_test_image(monkeypatch):
    asked = []
    part = digits.part

    def noting(name, split):
        asked.append(name)
        return part(name, split)

    monkeypatch.setattr(digits, "part", noting)
    trained(1, monkeypatch)
    assert sorted(asked) == ["train", "validation"]


def test_pixels_have_about_mean_0_and_deviation_1():
    images, _ = digits.part("train", 0)
    assert images.dtype == np.float32
    assert images.mean() == pytest.approx(0, abs=0.05)
    assert images.std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_gradient_is_that_of_the_loss(dropout):
    rng = np.random.default_rng(0)
    network = {name: array.astype(np.float64) for name, array in digits.new_network(7, rng).items()}
    network["b1"] += 0.1  # away from the kinks of ReLU at 0
    images, labels = rng.standard_normal((5, 64)), rng.integers(0, 10, 5)

    def loss():
        return digits.loss_and_gradient(network, images, labels, dropout, np.random.default_rng(3))

    gradient = loss()[1]
    for name, weights in network.items():
        for place in list(np.ndindex(weights.shape))[:: max(1, weights.size // 20)]:
            kept = weights[place]
            weights[place] = kept + 1e-6
            above = loss()[0]
            weights[place] = kept - 1e-6
            below = loss()[0]
            weights[place] = kept
            assert gradient[name][place] == pytest.approx((above - below) / 2e-6, abs=1e-6)


def test_shifting_moves_the_share_of_the_images_that_was_asked_for():
    images = digits.part("train", 0)[0][:400]
    for share in (0.0, 0.5, 1.0):
        moved = digits.shifted(images.copy(), share, np.random.default_rng(0))
        assert (moved != images).any(axis=1).mean() == pytest.approx(share, abs=0.06)


def test_the_same_seed_trains_the_same_network(monkeypatch):
    here, there = trained(2, monkeypatch), trained(2, monkeypatch)
    assert here.reports == there.reports


def test_a_run_goes_on_from_its_checkpoint_as_if_nothing_had_been(monkeypatch, tmp_path):
    whole = trained(3, monkeypatch)
    first = trained(2, monkeypatch)
    first.checkpoint(tmp_path / "state")

    class Restored(Run):
        def track(self, **objects):
            super().track(**objects)
            self.restore(tmp_path / "state")

    monkeypatch.setattr(digits, "EPOCHS", 3)
    second = Restored(digits.space.defaults(), seed=1)
    digits.train(second)
    assert second.reports == whole.reports[2:]


def test_the_network_learns(monkeypatch):
    run = trained(8, monkeypatch)
    assert run.reports[-1]["val_accuracy"] > 0.92
    assert digits.test_accuracy(run.tracked["network"], 0) > 0.9


def test_a_learning_rate_that_is_far_too_high_is_reported_and_raises_nothing(monkeypatch):
    run = trained(2, monkeypatch, learning_rate=1.0, momentum=0.999)
    assert len(run.reports) == 2
    assert run.reports[-1]["val_accuracy"] < 0.5


def test_the_poor_setting_is_one_of_the_space():
    assert digits.space.check(digits.POOR) == digits.POOR
