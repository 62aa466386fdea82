from dataclasses import dataclass, field
from simple_parsing import ArgumentParser
@dataclass
class Optimizer:
    """Optimizer options."""
    learning_rate: float = 1e-3  # how big a step is
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
@dataclass
class Train:
    epochs: int = 6
    batch_size: int = 48
    clip_norm: float = 1.0
    num_workers: int = 0
    results: str = "out"
parser = ArgumentParser()
parser.add_arguments(Optimizer, dest="optimizer")
parser.add_arguments(Train, dest="train")
args = parser.parse_args()
for epoch in range(args.train.epochs):
    print("epoch", epoch + 1, "test_loss", 0.9 ** epoch)
