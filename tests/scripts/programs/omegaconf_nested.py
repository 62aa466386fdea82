from omegaconf import OmegaConf

cfg = OmegaConf.merge(OmegaConf.load("omegaconf_nested.yaml"), OmegaConf.from_cli())
print(cfg)
raise SystemExit(3)
