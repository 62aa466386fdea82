import os
LR = float(os.environ.get("LR", "3e-4"))
BATCH_SIZE = int(os.getenv("BATCH_SIZE", 64))
WEIGHT_DECAY = float(os.environ.get("WD", 0.01))
DROPOUT = float(os.environ.get("DROPOUT", "0.1"))
EPOCHS = int(os.environ.get("EPOCHS", 10))
DATA = os.environ.get("DATA_DIR", "/data")
SEED = int(os.environ.get("SEED", "0"))
WORLD = int(os.environ.get("WORLD_SIZE", "1"))
def main():
    for epoch in range(EPOCHS):
        print(f"epoch {epoch}: valid_acc {0.5 + epoch * LR:.4f}")
if __name__ == "__main__":
    main()
