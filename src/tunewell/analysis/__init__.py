"""What a study's history says: which of the hyperparameters mattered."""
