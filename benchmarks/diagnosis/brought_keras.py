"""Programs in Keras as people write them, with the lines that `fit` prints."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import keras
import numpy as np
from brought_case import Brought, Trained
from keras import layers
from numpy.typing import NDArray
from sklearn.datasets import load_digits, load_wine, make_classification

Numbers = NDArray[Any]
SPARSE = "sparse_categorical_crossentropy"


def seeded(seed: int = 0) -> np.random.Generator:
    keras.utils.set_random_seed(seed)
    return np.random.default_rng(seed)


def fit(
    parts: list[Any],
    x: Numbers,
    y: Numbers,
    best_of: str,
    *,
    loss: Any,
    optimizer: Any,
    n: int,
    batch: int = 32,
    metrics: tuple[Any, ...] = ("accuracy",),
    **how: Any,
) -> Trained:
    """Train layers by `compile` and `fit`, with two lines an epoch.

    best_of: the metric that counts, as Keras prints it; least if it is an error.
    """
    model = keras.Sequential([keras.Input(x.shape[1:]), *parts])
    model.compile(optimizer=optimizer, loss=loss, metrics=list(metrics))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        history = model.fit(x, y, batch_size=batch, epochs=n, verbose=2, **how).history
    values = np.array(history[best_of], float)
    is_error = any(word in best_of for word in ("loss", "mae", "mse"))
    reached = float(values.min() if is_error else values.max())
    return Trained(printed.getvalue(), reached if np.isfinite(values[-1]) else float("nan"))


def dense(*widths: int, act: str = "relu", **how: Any) -> list[Any]:
    return [layers.Dense(width, activation=act, **how) for width in widths]


def adam(rate: float) -> Any:
    return keras.optimizers.Adam(rate)


def digits(n: int = 1200, scale: float = 1 / 16) -> tuple[Numbers, Numbers, tuple[Numbers, Numbers]]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] * scale).astype("float32"), y[order]
    return x[:n], y[:n], (x[n:], y[n:])


# healthy


def digits_dense(rate: float = 1, longer: int = 1) -> Trained:
    seeded()
    x, y, val = digits()
    parts = [*dense(100), layers.Dense(10, activation="softmax")]
    how = {"loss": SPARSE, "optimizer": adam(2e-3 * rate), "n": 25 * longer, "validation_data": val}
    return fit(parts, x, y, "val_accuracy", **how)


def digits_dropout(rate: float = 1, longer: int = 1) -> Trained:
    """Better on validation rows than on training rows, as it is with dropout."""
    seeded()
    x, y, val = digits()
    parts = [
        *(layers.Reshape((8, 8, 1)), layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(32, 3, activation="relu")),
        *(layers.MaxPooling2D(), layers.Dropout(0.25), layers.Flatten(), *dense(64), layers.Dropout(0.5)),
        layers.Dense(10, activation="softmax"),
    ]
    how = {"loss": SPARSE, "optimizer": adam(2e-3 * rate), "n": 20 * longer, "validation_data": val}
    return fit(parts, x, y, "val_accuracy", **how)


def heart(rate: float = 1, longer: int = 1) -> Trained:
    """A table of 240 rows, of which one in eight is wrong."""
    seeded()
    x, y = make_classification(1000, 13, n_informative=6, n_redundant=2, flip_y=0.25, class_sep=1.4, random_state=2)
    x = x.astype("float32")
    parts = [*dense(16), layers.Dropout(0.2), layers.Dense(1, activation="sigmoid")]
    how = {"loss": "binary_crossentropy", "optimizer": adam(4e-3 * rate), "n": 25 * longer}
    how |= {"metrics": ("accuracy", keras.metrics.AUC(name="auc")), "validation_data": (x[400:], y[400:])}
    return fit(parts, x[:400], y[:400], "val_accuracy", **how)


def fuel(rate: float = 1, longer: int = 1) -> Trained:
    """Targets of about 23 with a spread of 8, and 2.5 of noise."""
    rng = seeded()
    x = rng.standard_normal((1500, 7)).astype("float32")
    y = 23 + 5 * x[:, 0] - 4 * x[:, 1] + 2 * np.abs(x[:, 2]) + 2.5 * rng.standard_normal(1500)
    parts = [*dense(64, 64), layers.Dense(1)]
    how = {"loss": "mse", "optimizer": adam(2e-3 * rate), "n": 40 * longer, "metrics": ("mae",)}
    return fit(parts, x, y.astype("float32"), "val_loss", validation_split=0.2, **how)


def topics(rate: float = 1, longer: int = 1) -> Trained:
    """Several labels to a row."""
    rng = seeded()
    x = rng.standard_normal((3000, 30)).astype("float32")
    y = (x @ rng.standard_normal((30, 10)) > 3).astype("float32")
    parts = [*dense(64), layers.Dense(10, activation="sigmoid")]
    how = {"loss": "binary_crossentropy", "optimizer": adam(4e-3 * rate), "n": 15 * longer}
    return fit(parts, x, y, "val_binary_accuracy", metrics=("binary_accuracy",), validation_split=0.2, **how)


def on_plateaus(rate: float = 1, longer: int = 1) -> Trained:
    """The rate falls when validation does not get better."""
    seeded()
    x, y, val = digits()
    parts = [*dense(64, 64), layers.Dense(10, activation="softmax")]
    less = keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.3)
    how = {"loss": SPARSE, "optimizer": keras.optimizers.RMSprop(3e-3 * rate), "n": 25 * longer}
    return fit(parts, x, y, "val_accuracy", validation_data=val, callbacks=[less], **how)


def images_back(rate: float = 1, longer: int = 1) -> Trained:
    """An autoencoder by binary cross entropy, whose least is that of grey pixels and far from 0."""
    seeded()
    x, _, (xv, _) = digits(1400)
    parts = [*dense(64, 24, 64), layers.Dense(64, activation="sigmoid")]
    how = {"loss": "binary_crossentropy", "optimizer": adam(4e-3 * rate), "n": 40 * longer, "metrics": ()}
    return fit(parts, x, x, "val_loss", batch=64, validation_data=(xv, xv), **how)


def sentences(rate: float = 1, longer: int = 1) -> Trained:
    """An LSTM over words, stopped early; one label in eight is wrong."""
    rng = seeded()
    x = rng.integers(0, 200, (6000, 12))
    y = (x < 40).sum(1) > (x >= 160).sum(1)
    y = np.where(rng.random(6000) < 0.12, ~y, y).astype("float32")
    parts = [layers.Embedding(200, 16), layers.LSTM(24), layers.Dense(1, activation="sigmoid")]
    stop = keras.callbacks.EarlyStopping(patience=2)
    how = {"loss": "binary_crossentropy", "optimizer": adam(5e-3 * rate), "n": 8 * longer, "callbacks": [stop]}
    return fit(parts, x, y, "val_accuracy", batch=64, validation_split=0.2, **how)


def next_value(rate: float = 1, longer: int = 1) -> Trained:
    """A GRU over windows of a series, scaled to 0 to 1 as tutorials do."""
    rng = seeded()
    t = np.arange(1600)
    series = np.sin(t / 9) + 0.5 * np.sin(t / 23) + 0.15 * rng.standard_normal(1600)
    series = ((series - series.min()) / np.ptp(series)).astype("float32")
    x = np.stack([series[i : i + 20] for i in range(1580)])[..., None]
    parts = [layers.GRU(32), layers.Dense(1)]
    how = {"loss": "mean_squared_error", "optimizer": adam(3e-3 * rate), "n": 15 * longer, "metrics": ()}
    return fit(parts, x, series[20:], "val_loss", validation_split=0.2, **how)


HEALTHY = ("healthy",)
PROGRAMS_HEALTHY = (
    Brought(
        "k-digits-dense",
        HEALTHY,
        "lr=0.002 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 hidden=100 activation=relu "
        "framework=keras",
        digits_dense,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "k-digits-dropout",
        HEALTHY,
        "lr=0.002 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 model=cnn dropout=0.5 "
        "framework=keras",
        digits_dropout,
        "val_accuracy",
        0.985,
    ),
    Brought(
        "k-heart",
        HEALTHY,
        "lr=0.004 optimizer=adam batch_size=32 n_train=400 n_val=600 n_classes=2 hidden=16 dropout=0.2 activation=relu "
        "framework=keras loss=binary_crossentropy",
        heart,
        "val_accuracy",
        0.82,
    ),
    Brought(
        "k-fuel",
        HEALTHY,
        "lr=0.002 optimizer=adam batch_size=32 n_train=1200 n_val=300 hidden=64,64 loss=mse framework=keras",
        fuel,
        "val_loss",
        7.2,
        0.06,
    ),
    Brought(
        "k-topics",
        HEALTHY,
        "lr=0.004 optimizer=adam batch_size=32 n_train=2400 n_val=600 hidden=64 loss=binary_crossentropy "
        "framework=keras",
        topics,
        "val_accuracy",
        0.96,
    ),
    Brought(
        "k-on-plateaus",
        HEALTHY,
        "lr=0.003 optimizer=rmsprop batch_size=32 n_train=1200 n_val=597 n_classes=10 hidden=64,64 framework=keras",
        on_plateaus,
        "val_accuracy",
        0.97,
    ),
    Brought(
        "k-images-back",
        HEALTHY,
        "lr=0.004 optimizer=adam batch_size=64 n_train=1400 loss=binary_crossentropy framework=keras",
        images_back,
        "val_loss",
        0.25,
        0.03,
    ),
    Brought(
        "k-sentences",
        HEALTHY,
        "lr=0.005 optimizer=adam batch_size=64 n_train=4800 n_val=1200 n_classes=2 model=rnn hidden=24 framework=keras",
        sentences,
        "val_accuracy",
        0.85,
    ),
    Brought(
        "k-next-value",
        HEALTHY,
        "lr=0.003 optimizer=adam batch_size=32 n_train=1264 n_val=316 model=rnn hidden=32 loss=mse framework=keras",
        next_value,
        "val_loss",
        0.0028,
        0.1,
    ),
)


# stuck


def no_softmax(*, is_cured: bool) -> Trained:
    """Numbers without a softmax go to a loss that takes them for probabilities."""
    seeded()
    x, y, val = digits()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=is_cured)
    how = {"loss": loss, "optimizer": adam(1e-3), "n": 15, "validation_data": val}
    return fit([*dense(64), layers.Dense(10)], x, y, "val_accuracy", **how)


def wine(*, is_cured: bool) -> Trained:
    """A table with a column near 1,000 and others near 1."""
    seeded()
    x, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype("float32"), y[order]
    if is_cured:
        x = (x - x.mean(0)) / x.std(0)
    parts = [*dense(10, 8), layers.Dense(3, activation="softmax")]
    how = {"loss": SPARSE, "optimizer": adam(2e-3), "n": 40, "validation_split": 0.25}
    return fit(parts, x, y, "val_accuracy", batch=16, **how)


def strong_dropout(*, is_cured: bool) -> Trained:
    seeded()
    x, y, val = digits()
    share = 0.2 if is_cured else 0.8
    parts = [
        *dense(32),
        layers.Dropout(share),
        *dense(32),
        layers.Dropout(share),
        layers.Dense(10, activation="softmax"),
    ]
    how = {"loss": SPARSE, "optimizer": adam(1e-3), "n": 25, "validation_data": val}
    return fit(parts, x, y, "val_accuracy", **how)


def strong_decay(*, is_cured: bool) -> Trained:
    seeded()
    x, y, val = digits()
    regularizer = keras.regularizers.L2(1e-4 if is_cured else 0.3)
    parts = [*dense(64, 64, kernel_regularizer=regularizer), layers.Dense(10, activation="softmax")]
    how = {"loss": SPARSE, "optimizer": adam(1e-3), "n": 20, "validation_data": val}
    return fit(parts, x, y, "val_accuracy", **how)


def slow_statistics(*, is_cured: bool) -> Trained:
    """Few steps, and batch norm whose statistics have not come along when validation uses them."""
    seeded()
    x, y, val = digits(400)
    norm = [layers.BatchNormalization(momentum=0.9 if is_cured else 0.999) for _ in range(3)]
    parts = []
    for one in norm:
        parts += [layers.Dense(64), one, layers.Activation("relu")]
    parts += [layers.Dense(10, activation="softmax")]
    how = {"loss": SPARSE, "optimizer": adam(2e-3), "n": 12, "validation_data": val}
    return fit(parts, x, y, "val_accuracy", **how)


def houses(*, is_cured: bool) -> Trained:
    """Prices as they are, in hundreds of thousands, by an output that begins at 0."""
    rng = seeded()
    x = rng.standard_normal((900, 10)).astype("float32")
    y = 310_000 + 90_000 * x[:, 0] + 50_000 * x[:, 1] * (x[:, 2] > 0) + 15_000 * rng.standard_normal(900)
    y = (y - y.mean()) / y.std() if is_cured else y
    parts = [*dense(64, 32), layers.Dense(1)]
    how = {"loss": "mse", "optimizer": adam(1e-3), "n": 40, "metrics": ("mae", "r2_score"), "validation_split": 0.2}
    return fit(parts, x, y.astype("float32")[:, None], "val_r2_score", **how)


def temperatures(*, is_cured: bool) -> Trained:
    """Half of the targets are below 0, where a ReLU cannot go."""
    rng = seeded(1)
    x = rng.standard_normal((1200, 6)).astype("float32")
    y = (1.5 * x[:, 0] - x[:, 1] + 0.1 * rng.standard_normal(1200)).astype("float32")
    parts = [*dense(32), layers.Dense(1, activation="linear" if is_cured else "relu")]
    how = {"loss": "mse", "optimizer": adam(3e-3), "n": 20, "metrics": ("mae",), "validation_split": 0.2}
    return fit(parts, x, y, "val_loss", **how)


def small_rows(*, is_cured: bool) -> Trained:
    """A large network and 120 rows."""
    seeded()
    x, y = make_classification(920, 40, n_informative=8, n_classes=3, flip_y=0.05, class_sep=1.1, random_state=4)
    x = x.astype("float32")
    n = 800 if is_cured else 120
    parts = [*dense(256, 256), layers.Dense(3, activation="softmax")]
    how = {"loss": SPARSE, "optimizer": adam(1e-3), "n": 40, "validation_data": (x[800:], y[800:])}
    return fit(parts, x[:n], y[:n], "val_accuracy", **how)


PROGRAMS_STUCK = (
    Brought(
        "k-no-softmax",
        ("loss_output_mismatch",),
        "lr=0.001 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 hidden=64 activation=relu "
        "framework=keras",
        no_softmax,
        "val_accuracy",
        0.96,
        0.1,
    ),
    Brought(
        "k-wine",
        ("unnormalised_inputs",),
        "lr=0.002 optimizer=adam batch_size=16 n_train=133 n_val=45 n_classes=3 hidden=10,8 activation=relu "
        "framework=keras",
        wine,
        "val_accuracy",
        0.97,
        0.1,
    ),
    Brought(
        "k-strong-dropout",
        ("dropout_too_high",),
        "lr=0.001 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 hidden=32,32 dropout=0.8 "
        "activation=relu framework=keras",
        strong_dropout,
        "val_accuracy",
        0.96,
        0.1,
    ),
    Brought(
        "k-strong-decay",
        ("weight_decay_too_high",),
        "lr=0.001 optimizer=adam batch_size=32 n_train=1200 n_val=597 n_classes=10 hidden=64,64 weight_decay=0.3 "
        "activation=relu framework=keras",
        strong_decay,
        "val_accuracy",
        0.96,
        0.1,
    ),
    Brought(
        "k-slow-statistics",
        ("batchnorm_misuse",),
        "lr=0.002 optimizer=adam batch_size=32 n_train=400 n_val=1397 n_classes=10 hidden=64,64,64 batch_norm=true "
        "activation=relu framework=keras",
        slow_statistics,
        "val_accuracy",
        0.9,
        0.1,
    ),
    Brought(
        "k-houses",
        ("unnormalised_inputs", "lr_too_low"),
        "lr=0.001 optimizer=adam batch_size=32 n_train=720 n_val=180 hidden=64,32 loss=mse framework=keras",
        houses,
        "val_r2",
        0.9,
        0.1,
    ),
    Brought(
        "k-temperatures",
        ("loss_output_mismatch",),
        "lr=0.003 optimizer=adam batch_size=32 n_train=960 n_val=240 hidden=32 loss=mse framework=keras",
        temperatures,
        "val_loss",
        0.02,
        0.1,
    ),
    Brought(
        "k-small-rows",
        ("overfitting",),
        "lr=0.001 optimizer=adam batch_size=32 n_train=120 n_val=120 n_classes=3 hidden=256,256 activation=relu "
        "framework=keras",
        small_rows,
        "val_accuracy",
        0.85,
        0.05,
    ),
)
