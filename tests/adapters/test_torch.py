"""PyTorch, with a loop that is written out."""

import sys
from pathlib import Path

import numpy as np
import pytest

import tunewell as tw
from tunewell import checkpoint

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


def network():
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 2)
    return {"model": model, "optimizer": torch.optim.SGD(model.parameters(), 0.1)}


def gather(model):
    model(torch.ones(1, 3)).sum().backward()


def test_gradients_that_are_gathered_over_the_end_of_an_epoch_are_part_of_a_checkpoint():
    one, other = network(), network()
    checkpoint.capture(one)  # as when it is tracked
    gather(one["model"])
    one["optimizer"].step()
    assert "gradients" not in str(checkpoint.capture(one)["optimizer"].state.keys())  # they are used
    gather(one["model"])
    checkpoint.refill(other, checkpoint.capture(one))
    for parts in (one, other):
        gather(parts["model"])
        parts["optimizer"].step()
    assert torch.equal(one["model"].weight, other["model"].weight)


def test_what_is_tracked_twice_is_set_once():
    setting = {"learning_rate": 0.1}
    run, parts = tw.Run(setting), network()
    parts["optimizer"].param_groups[0]["lr"] = 0.1
    run.track(**parts, again=[parts["optimizer"]])
    parts["optimizer"].param_groups[0]["lr"] = 0.05  # a schedule's doing
    for _ in run.epochs(2):
        setting["learning_rate"] = 0.2
        run.report(loss=0.0)
    assert parts["optimizer"].param_groups[0]["lr"] == pytest.approx(0.1)


def test_of_a_value_that_nothing_follows_there_is_a_warning():
    setting = {"learning_rate": 0.3}
    run = tw.Run(setting)
    run.track(**network())
    epochs = run.epochs(3)
    next(epochs)
    setting["learning_rate"] = 0.2
    with pytest.warns(RuntimeWarning, match=r"learning_rate is set to 0.2, and nothing follows it: the SGD .* 0.1 now"):
        next(epochs)


def test_a_loop_with_scaled_gradients_a_schedule_of_batches_and_an_average_goes_on_to_the_same_numbers():
    def train(run):
        parts = network()
        parts["schedule"] = RATES.OneCycleLR(parts["optimizer"], max_lr=0.1, total_steps=8)
        parts["scaler"] = torch.amp.GradScaler("cpu")
        parts["average"] = torch.optim.swa_utils.AveragedModel(parts["model"], use_buffers=True)
        run.track(**parts)
        for epoch in run.epochs(4):
            for batch in range(3):  # of which every second steps, over the ends of epochs too
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = torch.nn.functional.dropout(parts["model"](torch.randn(4, 3))).square().mean()
                parts["scaler"].scale(loss).backward()
                if (3 * (epoch - 1) + batch) % 2:
                    parts["scaler"].step(parts["optimizer"])
                    parts["scaler"].update()
                    parts["optimizer"].zero_grad()
                    parts["average"].update_parameters(parts["model"])
                    parts["schedule"].step()
            run.report(loss=loss.item())
            yield epoch
        yield [one.detach().numpy().tobytes() for one in parts["average"].state_dict().values()]

    torch.manual_seed(1)
    whole = tw.Run({})
    for at in train(whole):
        if at == 1:
            state = checkpoint.capture({**whole.tracked, "tunewell.run": whole.state})
    later = tw.Run({})
    resumed = train(later)
    next(resumed)  # tracks, and trains an epoch, which the checkpoint undoes
    checkpoint.refill({**later.tracked, "tunewell.run": later.state}, state)
    assert list(resumed)[-1] == at
    assert later.reports[1:] == whole.reports[1:]


@pytest.mark.parametrize("sampler", ["shuffled", "of several ranks", "without"])
def test_the_order_of_a_data_loader_goes_on(sampler):
    rows = list(range(12))

    def loader():
        generator = torch.Generator().manual_seed(3)
        if sampler == "shuffled":
            return torch.utils.data.DataLoader(rows, 4, shuffle=True, generator=generator)
        if sampler == "of several ranks":
            ranks = torch.utils.data.DistributedSampler(rows, num_replicas=2, rank=1)
            ranks.set_epoch(5)
            return torch.utils.data.DataLoader(rows, 4, sampler=ranks)
        return torch.utils.data.DataLoader(rows, 4)

    def order(batches):
        return torch.cat(list(batches)).tolist()

    one, other = loader(), loader()
    order(one)
    saved = checkpoint.capture({"rows": one})
    if sampler == "of several ranks":
        other.sampler.set_epoch(1)
    checkpoint.refill({"rows": other}, saved)
    assert order(other) == order(one)
