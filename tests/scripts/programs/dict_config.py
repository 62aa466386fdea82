config = {
    "model": {"encoder": "resnet18", "hidden": 512, "dropout": 0.3},
    "optim": {"name": "AdamW", "lr": 3e-4, "weight_decay": 1e-4},
    "train": {"epochs": 12, "batch_size": 24, "num_workers": 4, "amp": True},
    "seed": 17,
}
def main():
    for e in range(config["train"]["epochs"]): print(f"epoch {e} dice {e/20}")
main()
