from dataclasses import dataclass, field
from typing import List
from simple_parsing import ArgumentParser, list_field


@dataclass
class HParams:
    """Hyper-parameters of the VAE."""

    learning_rate: float = 1e-3  # of Adam
    latent_dim: int = 16
    beta: float = 4.0  # weight of the KL term
    hidden_dims: List[int] = list_field(256, 128)
    batch_size: int = 128
    n_epochs: int = 12


@dataclass
class Run:
    seed: int = 0
    log_dir: str = "logs"


parser = ArgumentParser()
parser.add_arguments(HParams, dest="hparams")
parser.add_arguments(Run, dest="run")
args = parser.parse_args()
for epoch in range(args.hparams.n_epochs):
    print(f"val_elbo {-10 / (1 + epoch)}")
