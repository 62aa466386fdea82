from omegaconf import OmegaConf
defaults = OmegaConf.create({
    "optim": {"name": "adam", "lr": 3e-3, "wd": 1e-5},
    "net": {"hidden": 32, "layers": 3, "dropout": 0.3},
    "train": {"epochs": 11, "bs": 24},
    "seed": 3,
    "device": "cpu",
})
cfg = OmegaConf.merge(defaults, OmegaConf.from_cli())
for e in range(cfg.train.epochs):
    print(f"epoch {e} val/acc {cfg.optim.lr * e}")
