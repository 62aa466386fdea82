"""Handwritten digits in Flax (NNX) and Optax, ready to be tuned; three lines are tunewell's.

python examples/nnx_digits.py                           trains once, with the defaults
tunewell tune examples/nnx_digits.py --budget 10        tunes it
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import tunewell as tw
from tunewell.adapters.jax import report, tuned  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_loss"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


class Network(nnx.Module):
    """One hidden layer, and dropout."""

    def __init__(self, hidden: int, rngs: nnx.Rngs) -> None:
        self.first = nnx.Linear(64, hidden, rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.last = nnx.Linear(hidden, 10, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return the logits of rows."""
        return self.last(self.dropout(nnx.relu(self.first(x))))


def loss_of(model: Network, x: jax.Array, y: jax.Array) -> jax.Array:
    """Return the loss of rows."""
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


@nnx.jit
def step(model: Network, optimizer: nnx.Optimizer, x: jax.Array, y: jax.Array) -> None:
    """Make one step."""
    optimizer.update(model, nnx.grad(loss_of)(model, x, y))


def train(run: tw.Run) -> tuple[Network, nnx.Optimizer]:
    """Train a network with the run's setting."""
    x, y, x_val, y_val = (np.asarray(one) for name in ("train", "validation") for one in part(name, 0))
    model = Network(run.params.hidden, nnx.Rngs(run.seed))
    adam = optax.inject_hyperparams(optax.adam)(learning_rate=run.params.learning_rate)
    optimizer = nnx.Optimizer(model, adam, wrt=nnx.Param)
    rng = np.random.default_rng(run.seed)
    for _ in tuned(EPOCHS, run, model=model, optimizer=optimizer, rng=rng):  # tunewell: for _ in range(EPOCHS):
        model.train()
        for rows in np.array_split(rng.permutation(len(x)), len(x) // 64):
            step(model, optimizer, jnp.asarray(x[rows]), jnp.asarray(y[rows]))
        model.eval()
        report(val_loss=loss_of(model, jnp.asarray(x_val), jnp.asarray(y_val)))  # tunewell
    return model, optimizer


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
