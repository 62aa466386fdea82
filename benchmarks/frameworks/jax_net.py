"""JAX with Optax; the parameters are arrays in a dict."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from problem import EpochEnds, Predict, Task

PACKAGES = ("jax", "optax")
IMPORTS = "jax"


def fit(task: Task, seed: int, epoch_ends: EpochEnds) -> Predict:
    """Train, and return what predicts."""
    draw = jax.nn.initializers.glorot_uniform()
    keys = jax.random.split(jax.random.key(seed), 4)
    if task.is_image:
        weights = {
            "conv1": jax.nn.initializers.glorot_uniform(in_axis=1, out_axis=0)(keys[0], (16, 1, 3, 3)),
            "conv2": jax.nn.initializers.glorot_uniform(in_axis=1, out_axis=0)(keys[1], (32, 16, 3, 3)),
            "w": draw(keys[2], (512, 10)),
            "b1": jnp.zeros((16, 1, 1)),
            "b2": jnp.zeros((32, 1, 1)),
            "b3": jnp.zeros(10),
        }

        def forward(p, x):
            h = jax.nn.relu(jax.lax.conv(x.reshape(-1, 1, 8, 8), p["conv1"], (1, 1), "SAME") + p["b1"])
            h = jax.nn.relu(jax.lax.conv(h, p["conv2"], (1, 1), "SAME") + p["b2"])
            h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            return h.reshape(len(x), -1) @ p["w"] + p["b3"]
    else:
        # the lines from here on are counted
        weights = {
            "w1": draw(keys[0], (64, 100)),
            "b1": jnp.zeros(100),
            "w2": draw(keys[1], (100, 10)),
            "b2": jnp.zeros(10),
        }

        def forward(p, x):
            return jax.nn.relu(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]

    optimizer = optax.sgd(task.rate, momentum=0.9)
    state = optimizer.init(weights)

    def loss_of(p, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(forward(p, x), y).mean()

    @jax.jit
    def step(p, state, x, y):
        updates, state = optimizer.update(jax.grad(loss_of)(p, x, y), state)
        return optax.apply_updates(p, updates), state

    rng = np.random.default_rng(seed)
    for _ in range(task.epochs):
        order = rng.permutation(len(task.x))
        for start in range(0, len(order), 32):
            batch = order[start : start + 32]
            weights, state = step(weights, state, task.x[batch], task.y[batch])
        jax.block_until_ready(weights)
        epoch_ends()
    return lambda x: np.asarray(forward(weights, x))
