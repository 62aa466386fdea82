"""A short training leaves the process as it was, and ends what it has left open with loggers."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tunewell.probing.short_training import train_shortly


@pytest.mark.parametrize("loop", [True, False])
def test_what_a_probe_changes_and_leaves_open_does_not_outlive_it(tmp_path, monkeypatch, loop):
    codes = []

    def finish(exit_code):
        codes.append(exit_code)
        wandb.run = None

    wandb = SimpleNamespace(run=None, finish=finish)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    before = Path.cwd()

    def train(run):
        assert wandb.run is None
        wandb.run = object()
        os.chdir(tmp_path)
        try:
            for epoch in run.epochs(9) if loop else range(9):
                run.report(val_loss=1.0)
                assert epoch < 8
        except BaseException:
            assert wandb.run is None  # before anything could take the end of the trial for a failure
            raise

    for _ in range(2):
        assert train_shortly(train, {}, seed=0, epochs=2).error is None
        assert wandb.run is None
        assert Path.cwd() == before
    assert codes == [0, 0]
