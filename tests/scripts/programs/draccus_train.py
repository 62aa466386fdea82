from dataclasses import dataclass, field
import pyrallis
@dataclass
class Opt:
    lr: float = 1e-4
    weight_decay: float = 0.0
@dataclass
class TrainConfig:
    opt: Opt = field(default_factory=Opt)
    batch_size: int = 8
    epochs: int = 10
    exp_name: str = "default"
@pyrallis.wrap()
def main(cfg: TrainConfig):
    for e in range(cfg.epochs):
        print(f"epoch {e} val_loss {cfg.opt.lr}")
if __name__ == "__main__":
    main()
