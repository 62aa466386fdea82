"""Handwritten digits in scikit-learn, ready to be tuned; three lines are tunewell's.

python examples/sklearn_digits.py                       trains once, with the defaults
tunewell tune examples/sklearn_digits.py --budget 10    tunes it
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

import tunewell as tw
from tunewell.adapters.loop import report, tuned  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_loss"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


def train(run: tw.Run) -> MLPClassifier:
    """Train a network with the run's setting."""
    x, y, x_val, y_val = (np.asarray(one) for name in ("train", "validation") for one in part(name, 0))
    rate = run.params.learning_rate
    model = MLPClassifier([run.params.hidden], learning_rate_init=rate, random_state=run.seed)
    for _ in tuned(EPOCHS, run, model=model):  # tunewell: for _ in range(EPOCHS):
        model.partial_fit(x, y, classes=range(10))
        report(val_loss=log_loss(y_val, model.predict_proba(x_val)), val_accuracy=model.score(x_val, y_val))  # tunewell
    return model


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
