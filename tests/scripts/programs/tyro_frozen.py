import dataclasses, tyro
from typing import Literal


@dataclasses.dataclass(frozen=True)
class Optim:
    lr: float = 2.5e-4
    eps: float = 1e-5
    max_grad_norm: float = 0.5


@dataclasses.dataclass(frozen=True)
class Args:
    env_id: str = "CartPole-v1"
    total_timesteps: int = 500000
    num_envs: int = 8
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_coef: float = 0.2
    ent_coef: float = 0.01
    update_epochs: int = 4
    anneal: Literal["none", "linear"] = "linear"
    track: bool = False
    optim: Optim = Optim()


if __name__ == "__main__":
    a = tyro.cli(Args)
    raise SystemExit(3)
