"""TensorFlow with a loop of one's own, its step compiled by `tf.function`."""

from __future__ import annotations

import os

from problem import EpochEnds, Predict, Task

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

PACKAGES = ("tensorflow-cpu",)
IMPORTS = "tensorflow"
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)


def fit(task: Task, seed: int, epoch_ends: EpochEnds) -> Predict:
    """Train, and return what predicts."""
    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    if task.is_image:
        model = tf.keras.Sequential(
            [
                layers.Reshape((8, 8, 1)),
                layers.Conv2D(16, 3, padding="same", activation="relu"),
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(),
                layers.Flatten(),
                layers.Dense(10),
            ]
        )
    else:
        # the lines from here on are counted
        model = tf.keras.Sequential([layers.Dense(100, activation="relu"), layers.Dense(10)])
    optimizer = tf.keras.optimizers.SGD(task.rate, momentum=0.9)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    batches = tf.data.Dataset.from_tensor_slices((task.x, task.y)).shuffle(len(task.x), seed=seed).batch(32)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    for _ in range(task.epochs):
        for x, y in batches:
            step(x, y)
        epoch_ends()
    return lambda x: model(x).numpy()
