import dataclasses
from typing import Literal
import tyro
@dataclasses.dataclass(frozen=True)
class OptimConfig:
    lr: float = 2e-4
    weight_decay: float = 0.01
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = 100
@dataclasses.dataclass(frozen=True)
class ModelConfig:
    width: int = 256
    depth: int = 4
    heads: int = 4
    p_drop: float = 0.1
@dataclasses.dataclass(frozen=True)
class Config:
    optim: OptimConfig = dataclasses.field(default_factory=OptimConfig)
    model: ModelConfig = ModelConfig()
    batch_size: int = 64
    max_epochs: int = 5
    seed: int = 0
    log_every: int = 10
def run(cfg: Config) -> None:
    for e in range(cfg.max_epochs):
        print(f"epoch {e} valid_loss {1 / (e + 1):.3f}")
if __name__ == "__main__":
    run(tyro.cli(Config))
