import fire
class Trainer:
    def __init__(self, lr=1e-3, hidden=100, dropout=0.2, data_dir="./d"):
        self.lr, self.hidden, self.dropout = lr, hidden, dropout
    def train(self, n_epochs=8, batch_size=50, weight_decay=0.0):
        for i in range(n_epochs):
            print(f"Epoch {i + 1}: val_f1 = {0.3 + i * self.lr}")
if __name__ == "__main__":
    fire.Fire(Trainer)
