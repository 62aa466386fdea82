import gin, sys


@gin.configurable
def train(lr=0.1, hidden=64, n_epochs=5):
    raise SystemExit(3)


if __name__ == "__main__":
    gin.parse_config_file(sys.argv[1])
    train()
