class CFG:
    wandb = False
    debug = False
    apex = True
    print_freq = 20
    num_workers = 4
    model = "microsoft/deberta-v3-base"
    scheduler = "cosine"  # ['linear', 'cosine']
    num_cycles = 0.5
    num_warmup_steps = 0
    epochs = 4
    lr = 2e-5
    min_lr = 1e-6
    batch_size = 8
    fc_dropout = 0.2
    max_len = 512
    weight_decay = 0.01
    gradient_accumulation_steps = 1
    max_grad_norm = 1000
    seed = 42
    n_fold = 4


def get_scheduler(cfg):
    if cfg.scheduler == "linear":
        return lambda s: 1 - s
    elif cfg.scheduler == "cosine":
        return lambda s: s


for epoch in range(CFG.epochs):
    print(f"Epoch {epoch + 1} - Score: {epoch * 0.1:.4f}")
