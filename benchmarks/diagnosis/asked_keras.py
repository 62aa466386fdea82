"""Programs in Keras that people asked about, written anew."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from asked_case import Asked, Rows
from keras import layers
from numpy.typing import NDArray
from sklearn.datasets import load_digits, make_classification

Numbers = NDArray[Any]


def fit(
    parts: list[Any],
    x: Numbers,
    y: Numbers,
    *,
    loss: str,
    optimizer: Any,
    n: int,
    batch: int = 32,
    metrics: tuple[str, ...] = ("accuracy",),
    val: tuple[Numbers, Numbers] | None = None,
    **how: Any,
) -> Rows:
    """Train layers by `compile` and `fit`, and return what its CSVLogger writes."""
    model = keras.Sequential([keras.Input(x.shape[1:]), *parts])
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    history = model.fit(x, y, batch_size=batch, epochs=n, validation_data=val, verbose=0, **how).history
    names = sorted(history)
    return [
        {"epoch": float(epoch), **{name: float(history[name][epoch]) for name in names}}
        for epoch in range(len(history["loss"]))
    ]


def dense(*widths: int, act: str = "relu", **how: Any) -> list[Any]:
    return [layers.Dense(width, activation=act, **how) for width in widths]


def digits(n: int = 1200) -> tuple[Numbers, Numbers, tuple[Numbers, Numbers]]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    return x[:n], y[:n], (x[n:], y[n:])


def seeded(seed: int = 0) -> np.random.Generator:
    keras.utils.set_random_seed(seed)
    return np.random.default_rng(seed)


# yes or no


def threshold(*, is_cured: bool) -> Rows:
    rng = seeded()
    x = rng.integers(0, 100_000, (2000, 1)).astype("float32")
    y = (x[:, 0] >= 50_000).astype("float32")
    x = (x - 50_000) / 30_000 if is_cured else x
    last = "sigmoid" if is_cured else "relu"
    parts = [*dense(3, 5), layers.Dense(1, activation=last)]
    return fit(parts, x, y, loss="binary_crossentropy", optimizer="adam", n=20 if is_cured else 10, batch=5)


def softmax_of_one(*, is_cured: bool) -> Rows:
    rng = seeded()
    bits = [0, 1, 1]
    for _ in range(900):
        bits.append((bits[-1] ^ bits[-3]) if rng.random() < 0.95 else int(rng.integers(2)))
    x = np.array([bits[i : i + 3] for i in range(900)], "float32")[..., None]
    y = np.array(bits[3:], "float32")
    parts = [layers.LSTM(16 if is_cured else 1), layers.Dense(1, activation="sigmoid" if is_cured else "softmax")]
    optimizer = keras.optimizers.Adam(0.02) if is_cured else keras.optimizers.Adagrad(0.01)
    return fit(parts, x, y, loss="binary_crossentropy", optimizer=optimizer, n=30, batch=64)


def slow_xor(*, is_cured: bool) -> Rows:
    seeded(4)
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([0, 1, 1, 0], "float32")
    parts = [*dense(4, act="tanh"), layers.Dense(1, activation="sigmoid")]
    optimizer = keras.optimizers.SGD(0.5 if is_cured else 0.01)
    return fit(parts, x, y, loss="binary_crossentropy", optimizer=optimizer, n=300, batch=4)


def images_overfit(*, is_cured: bool) -> Rows:
    rng = seeded()
    x, y, (xv, yv) = digits(160)
    x, xv = (images.reshape(-1, 8, 8, 1) + 0.35 * rng.standard_normal((len(images), 8, 8, 1)) for images in (x, xv))
    y, yv = (np.isin(labels, (1, 4, 7, 8, 9)).astype("float32") for labels in (y, yv))
    l2 = keras.regularizers.L2(0.005)
    parts = [
        layers.Conv2D(32, 3, activation="relu", padding="same", kernel_regularizer=l2),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu", padding="same", kernel_regularizer=l2),
        *(layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5)),
        *(*dense(64, kernel_initializer="normal"), layers.Dense(1, activation="sigmoid")),
    ]
    how = {"loss": "binary_crossentropy", "optimizer": "adam"}
    if is_cured:  # more images
        more, labels, _ = digits(1400)
        more = more[160:].reshape(-1, 8, 8, 1) + 0.35 * rng.standard_normal((1240, 8, 8, 1))
        more_y = np.isin(labels[160:], (1, 4, 7, 8, 9)).astype("float32")
        return fit(
            parts, np.concatenate([x, more]), np.concatenate([y, more_y]), n=20, val=(xv[1240:], yv[1240:]), **how
        )
    return fit(parts, x, y, n=60, val=(xv[1240:], yv[1240:]), **how)


# classes


def l2_at_its_default(*, is_cured: bool) -> Rows:
    seeded()
    x, y, val = digits()
    parts = [
        layers.Dense(36, activation="sigmoid", kernel_regularizer=None if is_cured else keras.regularizers.L2(0.05)),
        *(layers.Dropout(0.5), layers.Dense(10, activation="softmax")),
    ]
    return fit(parts, x, y, loss="sparse_categorical_crossentropy", optimizer="rmsprop", n=60, batch=32, val=val)


def locks_up(*, is_cured: bool) -> Rows:
    seeded()
    x, y, (xv, yv) = digits()
    x, xv = x.reshape(-1, 8, 8, 1), xv.reshape(-1, 8, 8, 1)
    parts = [
        *(layers.Conv2D(16, 3, activation="relu", padding="same"), layers.Conv2D(16, 3, activation="relu")),
        *(layers.MaxPooling2D(), layers.Dropout(0.25), layers.Flatten()),
        *(*dense(128), layers.Dropout(0.5), layers.Dense(10, activation="softmax")),
    ]
    optimizer = keras.optimizers.Adam(1e-3) if is_cured else keras.optimizers.SGD(0.3, momentum=0.9, nesterov=True)
    how = {"loss": "sparse_categorical_crossentropy", "optimizer": optimizer}
    return fit(parts, x, y, n=15, val=(xv, yv), **how)


def shuffled_features(*, is_cured: bool) -> Rows:
    """Features of images that came in a random order, with labels in the order of the folders."""
    rng = seeded()
    x, y = make_classification(1000, 40, n_informative=15, n_classes=3, class_sep=1.5, random_state=0)
    x, y = x.astype("float32"), np.sort(y) if not is_cured else y
    order = rng.permutation(1000)
    x, y = x[order], y[order]
    parts = [*dense(64), layers.Dropout(0.5), layers.Dense(3, activation="softmax")]
    how = {"loss": "sparse_categorical_crossentropy", "optimizer": "rmsprop"}
    return fit(parts, x[:800], y[:800], n=25, val=(x[800:], y[800:]), **how)


def last_rows(*, is_cured: bool) -> Rows:
    """`validation_split` of rows in the order of their classes."""
    rng = seeded()
    x, y, _ = digits(1500)
    order = rng.permutation(1500) if is_cured else np.argsort(y, kind="stable")
    parts = [*dense(64), layers.Dense(10, activation="softmax")]
    how = {"loss": "sparse_categorical_crossentropy", "optimizer": "adam", "validation_split": 0.2}
    return fit(parts, x[order], y[order], n=20, **how)


def many_labels(*, is_cured: bool) -> Rows:
    rng = seeded()
    x = rng.standard_normal((1500, 50)).astype("float32")
    y = (x @ rng.standard_normal((50, 12)) > 0).astype("float32")
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    last = layers.Dense(12, activation="sigmoid" if is_cured else "softmax")
    parts = [*dense(100), layers.Dropout(0.1), *dense(60), layers.Dropout(0.1), last]
    how = {"loss": "binary_crossentropy", "optimizer": optimizer, "metrics": ("binary_accuracy",)}
    return fit(parts, x[:1200], y[:1200], n=15, batch=64, val=(x[1200:], y[1200:]), **how)


# numbers


def fourth_power(*, is_cured: bool) -> Rows:
    rng = seeded()
    x = rng.uniform(-100, 100, (1000, 1)).astype("float32")
    y = x[:, 0] ** 4
    x, y = (x / 100, y / 1e8) if is_cured else (x, y)
    parts = [*dense(50, act="sigmoid"), *dense(50, act="elu"), layers.Dense(1)]
    return fit(parts, x, y, loss="mse", optimizer="adam", n=60, metrics=("r2_score",))


def far_sine(*, is_cured: bool) -> Rows:
    seeded()
    x = np.arange(1000, dtype="float32")[:, None]
    y = np.sin(x[:, 0] / 50).astype("float32")
    x = (x - x.mean()) / x.std() * (6 if is_cured else x.std()) + (0 if is_cured else x.mean())
    parts = [*dense(50, 50, act="tanh"), layers.Dense(1, activation="tanh")]
    optimizer = keras.optimizers.Adam(5e-3)
    return fit(parts, x, y, loss="mse", optimizer=optimizer, n=120, metrics=())


def relu_at_the_end(*, is_cured: bool) -> Rows:
    seeded(3)
    x = np.array([[-1.0], [0.0], [1.0], [2.0], [3.0], [4.0], [5.0]], "float32")
    y = 2 * x[:, 0] - 1
    last = "linear" if is_cured else "relu"
    parts = [*(dense(16, 8) if is_cured else dense(4, 2)), layers.Dense(1, activation=last)]
    return fit(parts, x, y, loss="mse", optimizer=keras.optimizers.Adam(0.01), n=150, metrics=())


def squares(*, is_cured: bool) -> Rows:
    seeded()
    x = np.arange(100, dtype="float32")[:, None]
    y = x[:, 0] ** 2 + 3
    x = (x - x.mean()) / x.std()
    y = (y - y.mean()) / y.std() if is_cured else y
    return fit([layers.Dense(1), layers.Dense(1)], x, y, loss="mse", optimizer="sgd", n=40, metrics=())


def codes_of_counts(*, is_cured: bool) -> Rows:
    """An autoencoder whose last sigmoid cannot say the numbers from 1 to 3."""
    rng = seeded()
    base = rng.uniform(1, 3, (400, 1))
    x = np.concatenate([base, base[::1] ** 2 / 3, 4 - base], 1).astype("float32")
    parts = [*dense(8), layers.Dense(3, activation="linear" if is_cured else "sigmoid")]
    return fit(parts, x, x, loss="mse", optimizer=keras.optimizers.Adam(0.01), n=60, batch=16, metrics=())


def prices_as_chances(*, is_cured: bool) -> Rows:
    rng = seeded()
    x = rng.standard_normal((800, 10)).astype("float32")
    y = np.exp(1 + 0.3 * x[:, 0] + 0.2 * x[:, 1] + 0.05 * rng.standard_normal(800)).astype("float32")
    last, loss = ("linear", "mse") if is_cured else ("sigmoid", "binary_crossentropy")
    parts = [*dense(32, 16), layers.Dense(1, activation=last)]
    metrics = ("accuracy", "mae")
    return fit(parts, x[:600], y[:600], loss=loss, optimizer="adam", n=20, metrics=metrics, val=(x[600:], y[600:]))


def deep_sigmoids(*, is_cured: bool) -> Rows:
    rng = seeded()
    x = rng.integers(0, 2, (800, 20)).astype("float32")
    y = (x[:, :10] @ rng.standard_normal(10) + 2 * x[:, 0] * x[:, 1]).astype("float32")
    act = "relu" if is_cured else "sigmoid"
    parts = [*dense(*(100,) * 5, act=act), layers.Dense(1)]
    optimizer = keras.optimizers.SGD(0.01, momentum=0.5)
    return fit(parts, x, y, loss="mse", optimizer=optimizer, n=40, metrics=("mae",), validation_split=0.2)


def dollars(*, is_cured: bool) -> Rows:
    rng = seeded()
    x = rng.standard_normal((800, 8)).astype("float32")
    y = 250_000 + 60_000 * x[:, 0] + 40_000 * np.maximum(x[:, 1], 0) + 10_000 * rng.standard_normal(800)
    y = (y - 250_000) / 75_000 if is_cured else y
    parts = [*dense(30, 30), layers.Dense(1)]
    how = {"loss": "mse", "optimizer": "adam", "metrics": ("r2_score",), "validation_split": 0.2}
    return fit(parts, x, y.astype("float32"), n=40, **how)


def one_step_of_memory(*, is_cured: bool) -> Rows:
    """An LSTM that is to tell the mean of three numbers and is shown one."""
    rng = seeded()
    x = rng.integers(0, 10, 1002).astype("float32")
    y = (x[2:] + x[1:-1] + x[:-2]) / 3
    windows = np.stack([x[:-2], x[1:-1], x[2:]], 1)[..., None] if is_cured else x[2:, None, None]
    parts = [layers.LSTM(4), layers.Dense(1)]
    optimizer = keras.optimizers.Adam(0.005)
    return fit(parts, windows, y, loss="mse", optimizer=optimizer, n=60, batch=16, metrics=())


# nothing wrong


def incomes(**_: bool) -> Rows:
    """Validation is better than training, as it is with dropout."""
    seeded()
    x, y = make_classification(2000, 60, n_informative=10, n_classes=3, flip_y=0.35, class_sep=1.2, random_state=3)
    parts = [*dense(50, kernel_regularizer=keras.regularizers.L2(1e-3)), layers.Dropout(0.5)]
    parts += [layers.Dense(3, activation="softmax")]
    how = {"loss": "sparse_categorical_crossentropy", "optimizer": "adamax"}
    return fit(parts, x.astype("float32"), y, n=30, batch=16, validation_split=0.3, **how)


def long_plateau(**_: bool) -> Rows:
    """XOR: a plateau, and then it is learned."""
    seeded(1)
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([0, 1, 1, 0], "float32")
    parts = [*dense(4, act="sigmoid"), layers.Dense(1, activation="sigmoid")]
    optimizer = keras.optimizers.SGD(2.0)
    return fit(parts, x, y, loss="binary_crossentropy", optimizer=optimizer, n=600, batch=4)


ASKED = "https://stackoverflow.com/questions/"
PROGRAMS = (
    Asked(
        "threshold",
        "https://geeksmental.com/question/why-does-accuracy-remain-the-same",
        ("loss_output_mismatch", "unnormalised_inputs"),
        "optimizer=adam lr=0.001 batch_size=5 n_train=2000 n_classes=2 hidden=3,5 activation=relu "
        "loss=binary_crossentropy framework=keras",
        threshold,
        "accuracy",
    ),
    Asked(
        "softmax-of-one",
        ASKED + "46620813",
        ("loss_output_mismatch",),
        "optimizer=adagrad lr=0.01 batch_size=64 n_train=900 n_classes=2 model=rnn hidden=1 "
        "loss=binary_crossentropy framework=keras",
        softmax_of_one,
        "accuracy",
    ),
    Asked(
        "slow-xor",
        "https://geek-tips.imtqy.com/articles/631334/index.html",
        ("lr_too_low", "too_few_epochs"),
        "optimizer=sgd lr=0.01 batch_size=4 n_train=4 n_classes=2 hidden=4 activation=tanh "
        "loss=binary_crossentropy framework=keras",
        slow_xor,
        "accuracy",
    ),
    Asked(
        "images-overfit",
        "https://www.developerload.com/why-cnn-model-after-regularizer-l2-overfitting",
        ("overfitting",),
        "optimizer=adam lr=0.001 batch_size=32 n_train=160 n_classes=2 model=cnn channels=32,64 hidden=64 "
        "activation=relu dropout=0.5 weight_decay=0.005 loss=binary_crossentropy framework=keras",
        images_overfit,
        "val_loss",
    ),
    Asked(
        "l2-at-its-default",
        "https://stackoom.com/en/question/4HpqD",
        ("weight_decay_too_high", "dropout_too_high"),
        "optimizer=rmsprop lr=0.001 batch_size=32 n_train=1200 n_classes=10 hidden=36 activation=sigmoid "
        "dropout=0.5 weight_decay=0.05 loss=categorical_crossentropy framework=keras",
        l2_at_its_default,
    ),
    Asked(
        "locks-up",
        "https://github.com/keras-team/keras/issues/4066",
        ("lr_too_high", "dead_relus"),
        "optimizer=sgd lr=0.3 momentum=0.9 batch_size=32 n_train=1200 n_classes=10 model=cnn channels=16,16 "
        "hidden=128 dropout=0.5 activation=relu loss=categorical_crossentropy framework=keras",
        locks_up,
    ),
    Asked(
        "shuffled-features",
        "https://github.com/keras-team/keras/pull/7520",
        ("labels_mismatched",),
        "optimizer=rmsprop lr=0.001 batch_size=32 n_train=800 n_val=200 n_classes=3 hidden=64 dropout=0.5 "
        "activation=relu loss=categorical_crossentropy framework=keras",
        shuffled_features,
    ),
    Asked(
        "last-rows",
        "https://rocuku.github.io/keras-validation-split-shuffle",
        ("distribution_shift", "labels_mismatched"),
        "optimizer=adam lr=0.001 batch_size=32 n_train=1200 n_val=300 n_classes=10 hidden=64 activation=relu "
        "loss=categorical_crossentropy framework=keras",
        last_rows,
    ),
    Asked(
        "many-labels",
        ASKED + "44164749",
        ("loss_output_mismatch",),
        "optimizer=sgd lr=0.1 momentum=0.9 batch_size=64 n_train=1200 n_val=300 hidden=100,60 dropout=0.1 "
        "activation=relu loss=binary_crossentropy framework=keras",
        many_labels,
        "val_binary_accuracy",
    ),
    Asked(
        "fourth-power",
        ASKED + "52800582",
        ("unnormalised_inputs", "lr_too_low"),
        "optimizer=adam lr=0.001 batch_size=32 n_train=1000 hidden=50,50 loss=mse framework=keras",
        fourth_power,
        "r2_score",
    ),
    Asked(
        "far-sine",
        ASKED + "46995209",
        ("unnormalised_inputs",),
        "optimizer=adam lr=0.005 batch_size=32 n_train=1000 hidden=50,50 activation=tanh loss=mse framework=keras",
        far_sine,
        "loss",
        0.4,
    ),
    Asked(
        "relu-at-the-end",
        "https://community.deeplearning.ai/t/loss-values-do-not-change/324182",
        ("loss_output_mismatch", "dead_relus"),
        "optimizer=adam lr=0.01 batch_size=32 n_train=7 hidden=4,2 activation=relu loss=mse framework=keras",
        relu_at_the_end,
        "loss",
        0.4,
    ),
    Asked(
        "squares",
        "https://stats.stackexchange.com/questions/418955",
        ("lr_too_high", "unnormalised_inputs", "exploding_gradients"),
        "optimizer=sgd lr=0.01 batch_size=32 n_train=100 hidden=1 loss=mse framework=keras",
        squares,
        "loss",
    ),
    Asked(
        "codes-of-counts",
        ASKED + "44601367",
        ("loss_output_mismatch",),
        "optimizer=adam lr=0.01 batch_size=16 n_train=400 hidden=8 activation=relu loss=mse framework=keras",
        codes_of_counts,
        "loss",
        0.5,
    ),
    Asked(
        "prices-as-chances",
        "https://openillumi.com/en/en-keras-tf-fix-huge-negative-loss-regression",
        ("loss_output_mismatch",),
        "optimizer=adam lr=0.001 batch_size=32 n_train=600 n_val=200 hidden=32,16 activation=relu "
        "loss=binary_crossentropy framework=keras",
        prices_as_chances,
        "val_mae",
    ),
    Asked(
        "deep-sigmoids",
        "https://ai.stackexchange.com/questions/16557",
        ("vanishing_gradients",),
        "optimizer=sgd lr=0.01 momentum=0.5 batch_size=32 n_train=640 n_val=160 hidden=100,100,100,100,100 "
        "activation=sigmoid loss=mse framework=keras",
        deep_sigmoids,
        "val_loss",
        0.4,
    ),
    Asked(
        "dollars",
        "https://stats.stackexchange.com/questions/409000",
        ("unnormalised_inputs", "lr_too_low", "too_few_epochs"),
        "optimizer=adam lr=0.001 batch_size=32 n_train=640 n_val=160 hidden=30,30 activation=relu loss=mse "
        "framework=keras",
        dollars,
        "val_r2_score",
    ),
    Asked(
        "one-step-of-memory",
        "Proper Shape of LSTM Dataset for Keras, on Stack Exchange",
        (),
        "optimizer=adam lr=0.005 batch_size=16 n_train=1000 model=rnn hidden=4 loss=mse framework=keras",
        one_step_of_memory,
        "loss",
        0.5,
    ),
    Asked(
        "incomes",
        ASKED + "43979449",
        ("healthy",),
        "optimizer=adamax lr=0.001 batch_size=16 n_train=1400 n_val=600 n_classes=3 hidden=50 activation=relu "
        "dropout=0.5 weight_decay=0.001 loss=categorical_crossentropy framework=keras",
        incomes,
    ),
    Asked(
        "long-plateau",
        "https://stats.stackexchange.com/questions/440558",
        ("healthy",),
        "optimizer=sgd lr=2 batch_size=4 n_train=4 n_classes=2 hidden=4 activation=sigmoid "
        "loss=binary_crossentropy framework=keras",
        long_plateau,
    ),
)
