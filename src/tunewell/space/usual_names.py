"""The usual names of parameters of which something is to be known."""

RATES = ("learning_rate", "lr", "base_lr", "max_lr", "eta", "eta0", "step_size")
BATCHES = ("batch_size", "batch", "bs")
MOMENTA = ("momentum", "beta1", "beta_1")
DECAYS = ("weight_decay", "wd", "l2")
FACTORS = frozenset({"learning_rate", "lr", "eta", "eta0", "weight_decay", "l1", "l2"})
"""Parameters that are tuned by factors, also where somebody lets them begin at 0."""
SHARES = ("dropout", "momentum", "beta", "smoothing", "decay", "rho", "fraction", "prob", "ratio")
"""Parameters with such a word in their name stay below 1, if they are: it would be no average, or nothing left."""
