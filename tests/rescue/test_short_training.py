"""A training of few epochs at a rate that is far too low: each look costs much of one, so rates go by decades."""

import numpy as np
import pytest

import tunewell as tw
from tunewell.rescue import rescue

torch = pytest.importorskip("torch")
SPACE = tw.Space(
    learning_rate=tw.learning_rate(optimizer="adam", default=1e-3),
    hidden=tw.Int(1, 64, scale="log", tier=2, default=2),
)


def train(run):
    rng = np.random.default_rng(8)
    rows = np.concatenate([rng.uniform(0.2, 0.4, (100, 2)), rng.uniform(0.5, 0.7, (100, 2))])
    x, y = run.data(torch.tensor(rows, dtype=torch.float32), torch.arange(2).repeat_interleave(100))
    hidden, out = torch.nn.Linear(2, run.params.hidden), torch.nn.Linear(run.params.hidden, 2)
    for layer in (hidden, out):
        torch.nn.init.xavier_uniform_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    network = torch.nn.Sequential(hidden, torch.nn.Sigmoid(), out)
    optimizer = torch.optim.Adam(network.parameters(), lr=run.params.learning_rate)
    run.track(model=network, optimizer=optimizer)
    for _ in run.epochs(5):
        losses, right = [], 0
        for part in torch.randperm(200).split(32):
            outputs = network(x[part])
            loss = torch.nn.functional.cross_entropy(outputs, y[part])
            right += int((outputs.argmax(1) == y[part]).sum())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        run.report(train_loss=np.mean(losses), train_accuracy=right / 200)


@pytest.mark.parametrize("seed", [0, 1])
def test_it_comes_to_what_is_possible_within_three_trainings(seed):
    about = {"config": {"model": "mlp", "activation": "sigmoid", "optimizer": "adam"}, "n_classes": 2}
    found = rescue(train, SPACE, metric="train_accuracy", budget=3, about=about, mistakes=(), seed=seed, store="memory")
    assert found.best.value > 0.95
    rates = [one.new for one in found.attempts if one.param == "learning_rate" and one.helped]
    assert rates[:2] == pytest.approx([0.01, 0.1])
