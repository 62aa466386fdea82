"""Lightning, with its trainer."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

pytest.importorskip("lightning")


def weights(trainer):
    (optimizer,) = trainer.optimizers
    moments = [one[name] for one in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq", "step")]
    return [one.detach().numpy() for one in (*trainer.lightning_module.parameters(), *moments)] + [
        trainer.global_step,
        trainer.current_epoch,
    ]


FRAMEWORK = Framework(
    "lightning_digits.py",
    imports="lightning",
    weights=weights,
    rate=lambda trainer: trainer.lr_scheduler_configs[0].scheduler.base_lrs[0],
    test_file="test_lightning",
)


class TestLightning(AdapterContract):
    framework = FRAMEWORK
