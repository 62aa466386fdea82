import hydra
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path="hydra_conf", config_name="config")
def main(cfg: DictConfig) -> None:
    for epoch in range(cfg.trainer.max_epochs):
        print(f"epoch={epoch} val_loss={cfg.optimizer.lr / (epoch + 1)}")


if __name__ == "__main__":
    main()
