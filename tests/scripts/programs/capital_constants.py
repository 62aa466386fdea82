import json
import os

DATA_PATH = os.path.join("data", "cifar")
SEED = 1234
DEVICE = "cpu"
N_CLASSES = 10
LR, BATCH_SIZE = 3e-2, 96
HIDDEN: int = 200
DROPOUT = 0.25
WEIGHT_DECAY = 5 * 10**-4
MOMENTUM = 0.9
EPOCHS = 25


def train():
    for epoch in range(EPOCHS):
        print(json.dumps({"epoch": epoch, "val_acc": 1 - LR / (epoch + 1)}))


if __name__ == "__main__":
    train()
