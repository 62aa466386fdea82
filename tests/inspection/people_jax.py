"""Sound programs in JAX in people's habits: Flax, NNX, Equinox, Haiku, and none of them. They are read, and not run."""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

FLAX_STATE = """
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.training import train_state

class CNN(nn.Module):
    @nn.compact
    def __call__(self, x, training: bool):
        x = nn.Conv(features=32, kernel_size=(3, 3))(x)
        x = nn.relu(x)
        x = nn.avg_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = x.reshape((x.shape[0], -1))
        x = nn.Dense(features=256)(x)
        x = nn.relu(x)
        x = nn.Dropout(0.3, deterministic=not training)(x)
        x = nn.Dense(features=10)(x)
        return x

def create_train_state(rng, learning_rate, momentum):
    cnn = CNN()
    params = cnn.init(rng, jnp.ones([1, 28, 28, 1]), training=False)["params"]
    tx = optax.sgd(learning_rate, momentum)
    return train_state.TrainState.create(apply_fn=cnn.apply, params=params, tx=tx)

@jax.jit
def train_step(state, images, labels, dropout_key):
    dropout_train_key = jax.random.fold_in(key=dropout_key, data=state.step)
    def loss_fn(params):
        logits = state.apply_fn({"params": params}, images, training=True, rngs={"dropout": dropout_train_key})
        loss = optax.softmax_cross_entropy_with_integer_labels(logits=logits, labels=labels).mean()
        return loss, logits
    grad_fn = jax.value_and_grad(loss_fn, has_aux=True)
    (loss, logits), grads = grad_fn(state.params)
    state = state.apply_gradients(grads=grads)
    return state, loss

def train_epoch(state, train_ds, batch_size, rng, dropout_key):
    steps_per_epoch = len(train_ds["image"]) // batch_size
    perms = jax.random.permutation(rng, len(train_ds["image"]))
    perms = perms[: steps_per_epoch * batch_size].reshape((steps_per_epoch, batch_size))
    losses = []
    for perm in perms:
        state, loss = train_step(state, train_ds["image"][perm], train_ds["label"][perm], dropout_key)
        losses.append(loss)
    return state, np.mean(losses)

def main(train_ds, test_ds):
    rng = jax.random.key(0)
    rng, init_rng, dropout_key = jax.random.split(rng, 3)
    state = create_train_state(init_rng, 0.1, 0.9)
    for epoch in range(10):
        rng, input_rng = jax.random.split(rng)
        state, train_loss = train_epoch(state, train_ds, 32, input_rng, dropout_key)
        logits = state.apply_fn({"params": state.params}, test_ds["image"], training=False)
        print(epoch, train_loss, jnp.mean(jnp.argmax(logits, -1) == test_ds["label"]))
"""

OPTAX_LOOP = """
import functools
import jax, optax
from jax import numpy as jnp
from jax import random

def init_mlp(key, sizes):
    keys = random.split(key, len(sizes))
    return [(random.normal(k, (m, n)) * jnp.sqrt(2 / m), jnp.zeros(n)) for k, m, n in zip(keys, sizes[:-1], sizes[1:])]

def predict(params, x):
    for w, b in params[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = params[-1]
    return x @ w + b

def loss_fn(params, x, y):
    one_hot = jax.nn.one_hot(y, 10)
    return optax.softmax_cross_entropy(predict(params, x), one_hot).mean()

schedule = optax.warmup_cosine_decay_schedule(0.0, 1e-3, 100, 2000)
tx = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule))

@jax.jit
def update(params, opt_state, x, y):
    loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
    updates, opt_state = tx.update(grads, opt_state, params)
    params = optax.apply_updates(params, updates)
    return params, opt_state, loss

key = random.PRNGKey(42)
params = init_mlp(key, [784, 128, 10])
opt_state = tx.init(params)
for step, (x, y) in enumerate(batches()):
    params, opt_state, loss = update(params, opt_state, x, y)
    if step % 100 == 0:
        probs = jax.nn.softmax(predict(params, x_test))
        print(step, loss, (probs.argmax(-1) == y_test).mean())
"""

BY_HAND = """
import time
import numpy.random as npr
import jax.numpy as jnp
from jax import jit, grad, random
from jax.scipy.special import logsumexp

def init_random_params(scale, layer_sizes, rng=npr.RandomState(0)):
    return [(scale * rng.randn(m, n), scale * rng.randn(n)) for m, n in zip(layer_sizes[:-1], layer_sizes[1:])]

def predict(params, inputs):
    activations = inputs
    for w, b in params[:-1]:
        outputs = jnp.dot(activations, w) + b
        activations = jnp.tanh(outputs)
    final_w, final_b = params[-1]
    logits = jnp.dot(activations, final_w) + final_b
    return logits - logsumexp(logits, axis=1, keepdims=True)

def loss(params, batch):
    inputs, targets = batch
    preds = predict(params, inputs)
    return -jnp.mean(jnp.sum(preds * targets, axis=1))

@jit
def update(params, batch):
    grads = grad(loss)(params, batch)
    return [(w - step_size * dw, b - step_size * db) for (w, b), (dw, db) in zip(params, grads)]

step_size, num_epochs, batch_size = 0.001, 10, 128
params = init_random_params(0.1, [784, 1024, 10])
for epoch in range(num_epochs):
    start_time = time.time()
    for _ in range(num_batches):
        params = update(params, next(batches))
    print(epoch, time.time() - start_time, loss(params, (test_images, test_labels)))
"""

NNX = """
from flax import nnx
import jax
import jax.numpy as jnp
import optax

class MLP(nnx.Module):
    def __init__(self, din, dmid, dout, *, rngs: nnx.Rngs):
        self.linear1 = nnx.Linear(din, dmid, rngs=rngs)
        self.bn = nnx.BatchNorm(dmid, rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.linear2 = nnx.Linear(dmid, dout, rngs=rngs)

    def __call__(self, x):
        x = nnx.gelu(self.dropout(self.bn(self.linear1(x))))
        return self.linear2(x)

model = MLP(20, 64, 1, rngs=nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
metrics = nnx.MultiMetric(loss=nnx.metrics.Average("loss"))

@nnx.jit
def train_step(model, optimizer, metrics, batch):
    def loss_fn(model):
        logits = model(batch["x"])
        return optax.sigmoid_binary_cross_entropy(logits.squeeze(-1), batch["y"]).mean()
    loss, grads = nnx.value_and_grad(loss_fn)(model)
    metrics.update(loss=loss)
    optimizer.update(model, grads)

for epoch in range(5):
    model.train()
    for batch in train_ds.as_numpy_iterator():
        train_step(model, optimizer, metrics, batch)
    model.eval()
    for batch in test_ds.as_numpy_iterator():
        predictions = nnx.sigmoid(model(batch["x"])) > 0.5
    print(metrics.compute())
    metrics.reset()
"""

EQUINOX = """
import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax

class RNN(eqx.Module):
    hidden_size: int
    cell: eqx.nn.GRUCell
    linear: eqx.nn.Linear

    def __init__(self, in_size, out_size, hidden_size, *, key):
        ckey, lkey = jr.split(key)
        self.hidden_size = hidden_size
        self.cell = eqx.nn.GRUCell(in_size, hidden_size, key=ckey)
        self.linear = eqx.nn.Linear(hidden_size, out_size, key=lkey)

    def __call__(self, input):
        hidden = jnp.zeros((self.hidden_size,))
        def f(carry, inp):
            return self.cell(inp, carry), None
        out, _ = jax.lax.scan(f, hidden, input)
        return jax.nn.sigmoid(self.linear(out))

def dataloader(arrays, batch_size, *, key):
    dataset_size = arrays[0].shape[0]
    indices = jnp.arange(dataset_size)
    while True:
        key, subkey = jr.split(key)
        perm = jr.permutation(subkey, indices)
        start, end = 0, batch_size
        while end <= dataset_size:
            batch_perm = perm[start:end]
            yield tuple(array[batch_perm] for array in arrays)
            start, end = end, end + batch_size

@eqx.filter_value_and_grad
def compute_loss(model, x, y):
    pred_y = jax.vmap(model)(x)
    return -jnp.mean(y * jnp.log(pred_y) + (1 - y) * jnp.log(1 - pred_y))

@eqx.filter_jit
def make_step(model, x, y, opt_state):
    loss, grads = compute_loss(model, x, y)
    updates, opt_state = optim.update(grads, opt_state)
    model = eqx.apply_updates(model, updates)
    return loss, model, opt_state

def main(steps=200, seed=5678):
    data_key, loader_key, model_key = jr.split(jr.PRNGKey(seed), 3)
    xs, ys = get_data(10000, key=data_key)
    model = RNN(in_size=2, out_size=1, hidden_size=16, key=model_key)
    global optim
    optim = optax.adam(3e-3)
    opt_state = optim.init(model)
    for step, (x, y) in zip(range(steps), dataloader((xs, ys), 32, key=loader_key)):
        loss, model, opt_state = make_step(model, x, y, opt_state)
        print(f"step={step}, loss={loss}")

if __name__ == "__main__":
    main()
"""

HAIKU = """
import haiku as hk
import jax
import jax.numpy as jnp
import optax
from typing import NamedTuple

class TrainingState(NamedTuple):
    params: hk.Params
    avg_params: hk.Params
    opt_state: optax.OptState

def net_fn(images):
    x = images.astype(jnp.float32) / 255.
    mlp = hk.Sequential([hk.Flatten(), hk.Linear(300), jax.nn.relu, hk.Linear(100), jax.nn.relu, hk.Linear(10)])
    return mlp(x)

network = hk.without_apply_rng(hk.transform(net_fn))
optimiser = optax.adam(1e-3)

def loss(params, batch):
    logits = network.apply(params, batch.image)
    l2_regulariser = 0.5 * sum(jnp.sum(jnp.square(p)) for p in jax.tree_util.tree_leaves(params))
    log_likelihood = jnp.sum(jax.nn.one_hot(batch.label, 10) * jax.nn.log_softmax(logits))
    return -log_likelihood / batch.label.shape[0] + 1e-4 * l2_regulariser

@jax.jit
def update(state, batch):
    grads = jax.grad(loss)(state.params, batch)
    updates, opt_state = optimiser.update(grads, state.opt_state)
    params = optax.apply_updates(state.params, updates)
    avg_params = optax.incremental_update(params, state.avg_params, step_size=0.001)
    return TrainingState(params, avg_params, opt_state)

initial_params = network.init(jax.random.PRNGKey(seed=0), next(train).image)
state = TrainingState(initial_params, initial_params, optimiser.init(initial_params))
for step in range(3001):
    state = update(state, next(train))
"""

SCANNED = """
import jax
import jax.numpy as jnp
import optax

def model(params, x):
    h = jnp.tanh(x @ params["w1"] + params["b1"])
    return (h @ params["w2"] + params["b2"])[:, 0]

def mse(params, x, y):
    return jnp.mean((model(params, x) - y) ** 2)

def fit(key, x, y, epochs=10, batch=50):
    k1, k2, key = jax.random.split(key, 3)
    params = {"w1": jax.random.normal(k1, (x.shape[1], 32)) / jnp.sqrt(x.shape[1]), "b1": jnp.zeros(32), "w2": jax.random.normal(k2, (32, 1)) / jnp.sqrt(32), "b2": jnp.zeros(1)}
    opt = optax.adam(1e-2)
    def step(carry, rows):
        params, state = carry
        value, grads = jax.value_and_grad(mse)(params, x[rows], y[rows])
        updates, state = opt.update(grads, state)
        return (optax.apply_updates(params, updates), state), value
    carry = (params, opt.init(params))
    for key in jax.random.split(key, epochs):
        order = jax.random.permutation(key, len(x)).reshape(-1, batch)
        carry, values = jax.lax.scan(step, carry, order)
    return carry[0]

print(fit(jax.random.key(1), jnp.ones((500, 3)), jnp.ones(500)))
"""

VAE_IN_FLAX = """
from flax import linen as nn
from jax import random
import jax, optax
import jax.numpy as jnp

class Encoder(nn.Module):
    latents: int
    def setup(self):
        self.fc1 = nn.Dense(500)
        self.fc2_mean = nn.Dense(self.latents)
        self.fc2_logvar = nn.Dense(self.latents)
    def __call__(self, x):
        x = nn.relu(self.fc1(x))
        return self.fc2_mean(x), self.fc2_logvar(x)

class Decoder(nn.Module):
    @nn.compact
    def __call__(self, z):
        z = nn.relu(nn.Dense(500)(z))
        return nn.Dense(784)(z)

class VAE(nn.Module):
    latents: int = 20
    def setup(self):
        self.encoder = Encoder(self.latents)
        self.decoder = Decoder()
    def __call__(self, x, z_rng):
        mean, logvar = self.encoder(x)
        std = jnp.exp(0.5 * logvar)
        z = mean + random.normal(z_rng, logvar.shape) * std
        return self.decoder(z), mean, logvar
    def generate(self, z):
        return nn.sigmoid(self.decoder(z))

@jax.vmap
def kl_divergence(mean, logvar):
    return -0.5 * jnp.sum(1 + logvar - jnp.square(mean) - jnp.exp(logvar))

def train(rng, batches, epochs):
    rng, key = random.split(rng)
    params = VAE().init(key, jnp.ones((1, 784)), rng)["params"]
    tx = optax.adam(1e-3)
    opt_state = tx.init(params)
    @jax.jit
    def train_step(params, opt_state, batch, z_rng):
        def loss_fn(params):
            recon_x, mean, logvar = VAE().apply({"params": params}, batch, z_rng)
            bce = optax.sigmoid_binary_cross_entropy(recon_x, batch).sum(-1).mean()
            return bce + kl_divergence(mean, logvar).mean()
        grads = jax.grad(loss_fn)(params)
        updates, new_state = tx.update(grads, opt_state)
        return optax.apply_updates(params, updates), new_state
    for epoch in range(epochs):
        for batch in batches:
            rng, key = random.split(rng)
            params, opt_state = train_step(params, opt_state, batch, key)
    return params
"""

READ_ALONE = {
    name.lower(): source for name, source in dict(globals()).items() if name.isupper() and isinstance(source, str)
}
"""By name; the text of a script."""
