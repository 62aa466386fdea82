"""A run in which nothing is wrong, to be changed by tests."""

import copy

import numpy as np
import pytest

EPOCHS = 20


def falling(start, end):
    """A curve that levels off."""
    return (end + (start - end) * np.exp(-0.35 * np.arange(EPOCHS))).tolist()


def healthy_record():
    curves = {
        "train_loss": falling(1.0, 0.15),
        "train_accuracy": falling(0.5, 0.95),
        "val_loss": falling(0.9, 0.18),
        "val_accuracy": falling(0.55, 0.94),
        "lr": [1e-3] * EPOCHS,
        "train_eval_loss": falling(0.9, 0.15),
        "train_eval_accuracy": falling(0.55, 0.95),
        "val_balanced_accuracy": falling(0.55, 0.94),
        "val_top_prediction_share": [0.35] * EPOCHS,
        "grad_norm": falling(0.8, 0.3),
        "grad_norm_max": falling(1.2, 0.6),
        "weight_norm": [8 + 0.1 * i for i in range(EPOCHS)],
        "update_ratio": falling(3e-3, 1e-3),
        "dead_fraction": [0.02] * EPOCHS,
        "grad_noise_scale": [40.0] * EPOCHS,
    }
    layers = [
        {
            "name": "0",
            "grad_norm": 0.3,
            "weight_norm": 6.0,
            "update_ratio": 2e-3,
            "activation_std": 0.6,
            "dead_fraction": 0.02,
        },
        {
            "name": "2",
            "grad_norm": 0.3,
            "weight_norm": 6.0,
            "update_ratio": 2e-3,
            "activation_std": 0.6,
            "dead_fraction": 0.02,
        },
        {"name": "4", "grad_norm": 0.4, "weight_norm": 2.0, "update_ratio": 2e-3, "activation_std": 1.0},
    ]
    return {
        "config": {
            "model": "mlp",
            "hidden": [32, 32],
            "activation": "relu",
            "dropout": 0.1,
            "batch_norm": False,
            "optimizer": "adam",
            "lr": 1e-3,
            "weight_decay": 0.0,
            "batch_size": 32,
            "epochs": EPOCHS,
            "lr_schedule": {"name": "constant"},
            "loss": "cross_entropy",
            "n_params": 1500,
            "n_features": 10,
        },
        "n_train": 900,
        "n_val": 300,
        "n_classes": 3,
        "data_summary": {
            "train_inputs": {"mean": 0.0, "std": 1.0, "min": -4.0, "max": 4.0},
            "val_inputs": {"mean": 0.01, "std": 1.0, "min": -4.0, "max": 4.0},
            "feature_std_min": 0.9,
            "feature_std_max": 1.1,
            "class_counts_train": [300, 300, 300],
            "class_counts_val": [100, 100, 100],
        },
        "epochs": [
            {"epoch": i + 1, **{name: values[i] for name, values in curves.items()}, "layers": copy.deepcopy(layers)}
            for i in range(EPOCHS)
        ],
        "step_losses": np.linspace(1.12, 0.15, 100).tolist(),
        "step_losses_every": 6,
    }


@pytest.fixture
def healthy():
    return healthy_record()


@pytest.fixture
def changed(healthy):
    """Makes the healthy run with some of it changed; curves are given as values or as a function of the epoch."""

    def change(*, config=None, data=None, layers=None, steps=None, top=None, **curves):
        healthy["config"] |= config or {}
        healthy["data_summary"] |= data or {}
        healthy.update(top or {})
        if steps is not None:
            healthy["step_losses"] = list(steps)
        for name, told in curves.items():
            for i, row in enumerate(healthy["epochs"]):
                row[name] = told(i + 1) if callable(told) else told
        for place, values in (layers or {}).items():
            for row in healthy["epochs"]:
                row["layers"][place] |= values
        return healthy

    return change
