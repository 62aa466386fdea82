from omegaconf import OmegaConf
base = OmegaConf.create({"lr": 0.001, "epochs": 5, "batch_size": 32, "model": {"width": 64, "depth": 4}, "out": "runs", "device": "cpu"})
cfg = OmegaConf.merge(base, OmegaConf.from_cli())
for e in range(cfg.epochs): print(f"epoch {e} val_loss {1/(e+1)}")
