"""PyTorch, with a loop that is written out."""

import sys
from pathlib import Path

import numpy as np
import pytest

import tunewell as tw

sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

torch = pytest.importorskip("torch")
FRAMEWORK = Framework(
    "torch_digits.py",
    imports="torch",
    weights=lambda trained: [one.detach().numpy() for one in trained[0].state_dict().values()],
    rate=lambda trained: trained[1].param_groups[0]["initial_lr"],
    test_file="test_torch",
)


class TestTorch(AdapterContract):
    framework = FRAMEWORK


RATES = torch.optim.lr_scheduler
SCHEDULES = {
    "none": lambda optimizer: None,
    "step": lambda optimizer: RATES.StepLR(optimizer, 2, 0.5),
    "cosine": lambda optimizer: RATES.CosineAnnealingLR(optimizer, 8),
    "lambda": lambda optimizer: RATES.LambdaLR(optimizer, lambda epoch: min(1.0, (epoch + 1) / 3)),
    "one cycle": lambda optimizer: RATES.OneCycleLR(optimizer, max_lr=0.1, total_steps=9),
    "plateau": lambda optimizer: RATES.ReduceLROnPlateau(optimizer, patience=0),
    "chained": lambda optimizer: RATES.ChainedScheduler(
        [RATES.ConstantLR(optimizer, 0.1, 2), RATES.ExponentialLR(optimizer, 0.9)]
    ),
    "one after the other": lambda optimizer: RATES.SequentialLR(
        optimizer, [RATES.LinearLR(optimizer, 0.1, total_iters=2), RATES.StepLR(optimizer, 2, 0.5)], [2]
    ),
}


def optimizer_of(rate, decay=0.01):
    groups = [{"params": [torch.zeros(1, requires_grad=True)], "lr": one} for one in (rate, rate / 10)]
    return torch.optim.AdamW(groups, lr=rate, weight_decay=decay)


def rates_of_training(schedule, values):
    """The rates of both groups in each epoch; the parameter has `values[epoch - 1]`."""
    setting = {"learning_rate": values[0]}
    run, found = tw.Run(setting), []
    optimizer = optimizer_of(values[0])
    scheduler = SCHEDULES[schedule](optimizer)
    run.track(optimizer=optimizer, **({} if scheduler is None else {"scheduler": scheduler}))
    for epoch in run.epochs(8):
        found.append([group["lr"] for group in optimizer.param_groups])
        setting["learning_rate"] = values[min(epoch, len(values) - 1)]
        optimizer.step()
        if schedule == "plateau":
            scheduler.step(1.0)
        elif scheduler is not None:
            scheduler.step()
        run.report(val_loss=1.0)
    return np.array(found)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_rate_that_is_set_is_what_the_schedule_goes_on_from(schedule):
    plain = rates_of_training(schedule, [0.1])
    changed = rates_of_training(schedule, [0.1, 0.1, 0.1, 0.02])
    assert changed[:3].tolist() == plain[:3].tolist()
    np.testing.assert_allclose(changed[3:], plain[3:] / 5, rtol=1e-3, atol=1e-6)  # OneCycleLR keeps its last rate


def test_only_what_began_with_the_value_follows_it():
    setting = {"learning_rate": 0.1, "weight_decay": 0.01}
    run = tw.Run(setting)
    follows, fixed = optimizer_of(0.1), optimizer_of(0.003, decay=0.5)
    run.track(optimizers=[follows, fixed])
    for _ in run.epochs(2):
        run.report(val_loss=1.0)
        setting |= {"learning_rate": 0.2, "weight_decay": 0.03}
    rates = [(group["lr"], group["weight_decay"]) for one in (follows, fixed) for group in one.param_groups]
    assert rates == [(0.2, 0.03), (pytest.approx(0.02), 0.03), (0.003, 0.5), (pytest.approx(0.0003), 0.5)]
