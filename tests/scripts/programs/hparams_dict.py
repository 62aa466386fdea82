hparams = dict(
    lr=5e-4,
    batch_size=100,
    hidden_dim=200,
    n_epochs=20,
    dropout=0.3,
    grad_clip=5.0,
    device="cpu",
    checkpoint="model.pt",
)
def train(hp):
    for e in range(hp["n_epochs"]):
        print(f"{e:03d} | train 1.0 | val_loss {1 / (e + 2):.3f}")
train(hparams)
