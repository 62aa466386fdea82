import lightning as L
from lightning.pytorch.cli import LightningCLI


class Model(L.LightningModule):
    def __init__(self, learning_rate: float = 1e-3, hidden: int = 32):
        super().__init__()


class Data(L.LightningDataModule):
    def __init__(self, root: str = "data", batch_size: int = 32):
        super().__init__()


if __name__ == "__main__":
    LightningCLI(Model, Data)
