import hydra
from omegaconf import DictConfig


@hydra.main(config_path="hydra_groups_conf", config_name="config", version_base=None)
def main(cfg: DictConfig):
    raise SystemExit(3)


if __name__ == "__main__":
    main()
