from types import SimpleNamespace

args = SimpleNamespace(env="CartPole-v1", lr=7e-4, hidden_size=64, clip_norm=0.5, seed=3, epochs=15)
for epoch in range(args.epochs):
    print(f"epoch {epoch} reward {epoch * args.lr}")
