"""Handwritten digits in Flax (Linen) and Optax, ready to be tuned; three lines are tunewell's.

python examples/flax_digits.py                          trains once, with the defaults
tunewell tune examples/flax_digits.py --budget 10       tunes it
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.training.train_state import TrainState

import tunewell as tw
from tunewell.adapters.jax import report, tuned  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "val_loss"
space = tw.Space(learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.hidden_units(high=256, default=64))


class Network(nn.Module):
    """One hidden layer, and dropout."""

    hidden: int

    @nn.compact
    def __call__(self, x: jax.Array, *, training: bool) -> jax.Array:
        """Return the logits of rows."""
        x = nn.relu(nn.Dense(self.hidden)(x))
        return nn.Dense(10)(nn.Dropout(0.2, deterministic=not training)(x))


def loss_of(state: TrainState, params: Any, x: jax.Array, y: jax.Array, key: jax.Array | None) -> jax.Array:
    """Return the loss of rows; without a key, as the network is used."""
    rngs = {} if key is None else {"dropout": key}
    logits = state.apply_fn(params, x, training=key is not None, rngs=rngs)
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


@jax.jit
def step(state: TrainState, x: jax.Array, y: jax.Array, key: jax.Array) -> TrainState:
    """Return the state after one step."""
    gradients = jax.grad(lambda params: loss_of(state, params, x, y, key))(state.params)
    return state.apply_gradients(grads=gradients)


def train(run: tw.Run) -> TrainState:
    """Train a network with the run's setting."""
    x, y, x_val, y_val = (jnp.asarray(np.asarray(one)) for name in ("train", "validation") for one in part(name, 0))
    network = Network(run.params.hidden)
    params = network.init(jax.random.key(run.seed), x[:1], training=False)
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=run.params.learning_rate)
    box = {
        "state": TrainState.create(apply_fn=network.apply, params=params, tx=optimizer),
        "key": jax.random.key(run.seed),
    }
    for _ in tuned(EPOCHS, run, box=box):  # tunewell: for _ in range(EPOCHS):
        box["key"], shuffle, dropout = jax.random.split(box["key"], 3)
        for rows in jnp.array_split(jax.random.permutation(shuffle, len(x)), len(x) // 64):
            box["state"] = step(box["state"], x[rows], y[rows], jax.random.fold_in(dropout, rows[0]))
        report(val_loss=loss_of(box["state"], box["state"].params, x_val, y_val, None))  # tunewell
    return box["state"]


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
