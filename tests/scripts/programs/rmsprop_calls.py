import torch
from torch import nn, optim

net = nn.Sequential(nn.Linear(64, 96), nn.ELU(), nn.Dropout(p=0.15), nn.Linear(96, 10))
opt = optim.RMSprop(net.parameters(), lr=0.0007, alpha=0.97, weight_decay=1e-5)
sched = optim.lr_scheduler.ExponentialLR(opt, gamma=0.95)
for epoch in range(18):
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
