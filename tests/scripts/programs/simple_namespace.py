from types import SimpleNamespace
config = SimpleNamespace(
    learning_rate=1e-2,
    momentum=0.9,
    bs=128,
    epochs=4,
    arch="resnet18",
    seed=0,
    sched=SimpleNamespace(gamma=0.1, step_size=30),
)
for epoch in range(config.epochs):
    print(f"Epoch: {epoch} Val Acc: {70 + epoch}")
