CFG = dict(
    seed=42,
    n_folds=5,
    model_name="resnet18",
    image_size=256,
    batch_size=32,
    num_epochs=8,
    lr=2e-4,
    min_lr=1e-6,
    weight_decay=1e-2,
    scheduler="cosine",
    T_max=8,
    mixup_alpha=0.4,
    drop_rate=0.2,
    num_workers=2,
    n_accumulate=1,
)


def run():
    print(CFG["lr"])
