class Config:
    # paths
    train_path = "train.csv"
    save_dir = "out"
    # model
    embed_dim = 200
    num_filters = 100
    filter_sizes = [3, 4, 5]
    dropout = 0.5
    # train
    lr = 1e-3
    batch_size = 50
    epochs = 30
    max_norm = 3.0
    vocab_size = 30000
    max_len = 100


cfg = Config()
