import fire


def train(lr=1e-3, wd=0.0, width=64, depth=3, act="relu", epochs=6, out="runs", verbose=False, seed=0):
    act = {"relu": max, "tanh": min}[act]
    for epoch in range(epochs):
        print(f"val_loss={1 / (epoch + 1)}")


if __name__ == "__main__":
    fire.Fire(train)
