import lightning as L, torch
from torch import nn
class Net(L.LightningModule):
    def __init__(self, in_dim=20, hidden=64, p=0.2, lr=1e-3, weight_decay=1e-2):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(in_dim, hidden), nn.ReLU(), nn.Dropout(p), nn.Linear(hidden, 2))
    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=self.hparams.weight_decay)
if __name__ == "__main__":
    dm = make_data(batch_size=64)
    trainer = L.Trainer(max_epochs=10, gradient_clip_val=1.0, accelerator="cpu", log_every_n_steps=5)
    trainer.fit(Net(hidden=128), dm)
