import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--config", required=True, help="path to a YAML file")
parser.add_argument("--gpu", type=int, default=0)
args = parser.parse_args()


def load(path):
    import yaml

    with open(path) as file:
        return yaml.safe_load(file)


cfg = load(args.config)
for epoch in range(cfg["train"]["epochs"]):
    print(f"epoch {epoch}: val_acc={epoch / 30 * cfg['optimizer']['momentum']:.3f}")
