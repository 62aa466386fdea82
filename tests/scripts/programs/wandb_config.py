import wandb
run = wandb.init(
    project="demo",
    mode="disabled",
    config={
        "learning_rate": 0.02,
        "architecture": "CNN",
        "dataset": "CIFAR-100",
        "epochs": 10,
        "batch_size": 64,
        "dropout": 0.25,
    },
)
config = wandb.config
for epoch in range(config.epochs):
    print(f"epoch {epoch} val_acc {1 - 2 ** -epoch:.3f}")
    wandb.log({"val_acc": 1 - 2 ** -epoch})
