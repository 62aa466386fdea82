import lightning as L
import torch
from torch import nn
class Net(L.LightningModule):
    def __init__(self, hidden_dim=64, lr=1e-3, dropout=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(8, hidden_dim), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden_dim, 1))
    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr, weight_decay=0.01)
    def training_step(self, batch, i):
        return self.net(batch[0]).mean()
if __name__ == "__main__":
    L.seed_everything(1)
    x = torch.randn(64, 8)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=16)
    model = Net(hidden_dim=32, lr=3e-3)
    trainer = L.Trainer(max_epochs=2, gradient_clip_val=0.5, accumulate_grad_batches=2, logger=False)
    trainer.fit(model, loader)
