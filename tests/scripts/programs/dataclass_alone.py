from dataclasses import dataclass, field


@dataclass
class TrainConfig:
    lr: float = 1e-4
    betas: tuple = (0.9, 0.98)
    label_smoothing: float = 0.1
    d_ff: int = 2048
    n_layers: int = 6
    dropout: float = 0.1
    batch_size: int = 128
    n_epochs: int = 20
    warmup_steps: int = 4000
    ckpt_dir: str = "ckpt"
    log_interval: int = 50


def main(cfg=TrainConfig()):
    raise SystemExit(3)


if __name__ == "__main__":
    main()
