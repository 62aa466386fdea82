from dataclasses import dataclass
from jsonargparse import CLI


@dataclass
class Data:
    root: str = "data"
    batch_size: int = 32
    workers: int = 2


@dataclass
class Model:
    hidden: int = 64
    dropout: float = 0.1


def main(model: Model = Model(), data: Data = Data(), lr: float = 1e-3, max_epochs: int = 9):
    for epoch in range(max_epochs):
        print(f"val_loss {1 / (epoch + 1)}")


if __name__ == "__main__":
    CLI(main)
