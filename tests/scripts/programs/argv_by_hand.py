import sys
import random
lr = float(sys.argv[1]) if len(sys.argv) > 1 else 0.01
batch_size = int(sys.argv[2]) if len(sys.argv) > 2 else 32
hidden = int(sys.argv[3]) if len(sys.argv) > 3 else 64
epochs = 5
random.seed(0)
for epoch in range(epochs):
    print(f"epoch {epoch} val_loss {random.random() / (epoch + 1):.4f}")
