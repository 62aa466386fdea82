import torch, torch.nn as nn
from torch.utils.data import DataLoader
torch.manual_seed(0)
class LSTMNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(10000, 100)
        self.lstm = nn.LSTM(100, 256, num_layers=2, dropout=0.3, batch_first=True)
        self.fc = nn.Linear(256, 5)
    def forward(self, x): return self.fc(self.lstm(self.emb(x))[0][:, -1])
loader = DataLoader(ds, batch_size=50, shuffle=True)
net = LSTMNet()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)
sched = torch.optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.5)
for epoch in range(1, 21):
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    print(f"epoch {epoch} dev acc {epoch}")
