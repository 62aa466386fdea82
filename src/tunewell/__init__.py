"""Finds the hyperparameters that hold a neural network back."""
