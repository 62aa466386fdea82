import json

config = {
    "lr": 3e-4,
    "batch_size": 64,
    "dropout": 0.1,
    "hidden_dim": 256,
    "num_layers": 2,
    "weight_decay": 0.0,
    "epochs": 5,
    "seed": 42,
    "log_every": 50,
    "data_path": "./data",
}
for epoch in range(config["epochs"]):
    print(json.dumps({"epoch": epoch, "val_acc": 0.5 + epoch / 10 - config["dropout"] / 10}))
