"""How parameters are usually called, where something is to be known of them."""

RATES = ("learning_rate", "lr", "base_lr", "max_lr", "eta", "eta0", "step_size")
BATCHES = ("batch_size", "batch", "bs")
MOMENTA = ("momentum", "beta1", "beta_1")
DECAYS = ("weight_decay", "wd", "l2")
