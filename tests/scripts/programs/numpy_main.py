import numpy as np


def main():
    rng = np.random.default_rng(0)
    n_samples = 200
    hidden_size = 32
    learning_rate = 1e-2
    batch_size = 16
    momentum = 0.9
    num_epochs = 20
    x = rng.normal(size=(n_samples, 3))
    for epoch in range(num_epochs):
        print(
            {
                "val_loss": float(
                    np.mean(x**2) / (epoch + 1)
                    + abs(np.log10(learning_rate) + 2)
                    + hidden_size * 0
                    + batch_size * momentum * 0
                )
            }
        )


if __name__ == "__main__":
    main()
