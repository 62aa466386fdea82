"""Handwritten digits in a program of Hydra's, ready to be swept; the line that reports is tunewell's.

python examples/hydra_digits.py                         trains once
python examples/hydra_digits.py -m hydra/sweeper=tunewell 'learning_rate=tag(log, interval(1e-4, 1e-1))'
"""

from __future__ import annotations

from dataclasses import dataclass

import hydra
import numpy as np
from hydra.core.config_store import ConfigStore
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

import tunewell as tw
from tunewell.demo.digits import part


@dataclass
class Config:
    """The settings, with their defaults."""

    learning_rate: float = 0.001
    hidden: int = 64
    epochs: int = 4


ConfigStore.instance().store(name="config", node=Config)


@hydra.main(version_base=None, config_name="config")
def main(config: Config) -> None:
    """Train a network with the settings."""
    x, y, x_val, y_val = (np.asarray(one) for name in ("train", "validation") for one in part(name, 0))
    model = MLPClassifier([config.hidden], learning_rate_init=config.learning_rate, random_state=0)
    for _ in range(config.epochs):
        model.partial_fit(x, y, classes=range(10))
        tw.report(val_loss=log_loss(y_val, model.predict_proba(x_val)))  # tunewell


if __name__ == "__main__":
    main()
