"""Small programs that train with Keras: correct ones of many habits, and faulty ones, each with its cure."""

import functools
import os

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np
from keras import layers as L  # noqa: N812  as programs have it
from keras import ops

HEALTHY = {}
FAULTY = []
"""(kind, program); the program takes `cured`."""


def healthy(program):
    HEALTHY[program.__name__] = program
    return program


def fault(kind):
    def register(program):
        FAULTY.append((kind, program))
        return program

    return register


def blobs(n=320, d=8, k=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    x = rng.normal(size=(n, d)) + 2 * np.random.default_rng(99).normal(size=(k, d))[y]
    return ((x - x.mean(0)) / x.std(0)).astype("float32"), y


def images(n=160, k=10, seed=0, size=12):
    """Pixels 0..255, uint8."""
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    shapes = np.random.default_rng(98).random((k, size, size, 1)) > 0.6
    x = shapes[y] * rng.uniform(120, 255, (n, 1, 1, 1)) + rng.uniform(0, 30, (n, size, size, 1))
    return np.clip(x, 0, 255).astype("uint8"), y


def series(n=160, steps=20, features=2, k=2, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    t = np.arange(steps)[None, :, None]
    x = np.sin(t * (0.2 + 0.2 * y)[:, None, None] + rng.uniform(0, 6, (n, 1, features))) + 0.1 * rng.normal(
        size=(n, steps, features)
    )
    return x.astype("float32"), y


def dense(*units, last=None, inputs=8, **hidden):
    inner = [L.Dense(one, **({"activation": "relu"} | hidden)) for one in units[:-1]]
    return keras.Sequential([keras.Input((inputs,)), *inner, L.Dense(units[-1], activation=last)])


def linear_targets(x, seed=5):
    rng = np.random.default_rng(seed)
    return (x @ rng.normal(size=x.shape[1]) + 0.1 * rng.normal(size=len(x))).astype("float32")


# --- correct programs


@healthy
def regression_by_a_sequential_model():
    x, _ = blobs()
    model = dense(32, 32, 1)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x, linear_targets(x), epochs=2, validation_split=0.2, verbose=0)


@healthy
def regression_with_accuracy_as_a_metric():
    x, _ = blobs()
    model = keras.Sequential([L.Dense(16, activation="relu"), L.Dense(1)])
    model.compile("rmsprop", "mean_absolute_error", metrics=["accuracy"])
    model.fit(x, linear_targets(x)[:, None], epochs=1, verbose=0)


@healthy
def two_classes_by_a_sigmoid():
    x, y = blobs(k=2)
    model = dense(16, 1, last="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=2, batch_size=16, validation_data=blobs(100, k=2, seed=1), verbose=0)


@healthy
def two_classes_by_logits():
    x, y = blobs(k=2)
    model = dense(16, 1)
    model.compile(
        "adam", keras.losses.BinaryCrossentropy(from_logits=True), metrics=[keras.metrics.BinaryAccuracy(threshold=0)]
    )
    model.fit(x, y.astype("float32"), epochs=1, verbose=0)


@healthy
def one_hot_classes_by_a_functional_model():
    x, y = blobs(k=4)
    inputs = keras.Input((8,))
    hidden = L.Dropout(0.2)(L.BatchNormalization()(L.Dense(16, activation="relu")(inputs)))
    model = keras.Model(inputs, L.Softmax()(L.Dense(4)(hidden)))
    model.compile("sgd", keras.losses.CategoricalCrossentropy(label_smoothing=0.1), metrics=["accuracy"])
    model.fit(x, keras.utils.to_categorical(y, 4), epochs=1, verbose=0)


@healthy
def two_units_with_softmax_and_binary_cross_entropy():
    x, y = blobs(k=2)
    model = dense(16, 2, last="softmax")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, keras.utils.to_categorical(y, 2), epochs=1, verbose=0)


@healthy
def integer_classes_by_a_subclassed_model():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = [L.Dense(16, activation="tanh") for _ in range(2)]
            self.drop, self.last = L.Dropout(0.1), L.Dense(5)

        def call(self, x, training=None):
            for layer in self.hidden:
                x = self.drop(layer(x), training=training)
            return self.last(x)

    x, y = blobs(k=5)
    model = Net()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(x, y, epochs=1, validation_split=0.25, verbose=0)


@healthy
def a_subclassed_model_that_predicts_by_default():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.body = keras.Sequential([L.Dense(16, activation="relu"), L.BatchNormalization(), L.Dense(3)])

        def call(self, x, training=False):  # noqa: FBT002  as people write it
            return self.body(x, training=training)

    x, y = blobs()
    model = Net()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def softmax_inside_of_a_subclassed_model():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = L.Dense(16, activation="relu"), L.Dense(3)

        def call(self, x):
            return ops.softmax(self.two(self.one(x)))

    x, y = blobs()
    model = Net()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y[:, None], epochs=1, verbose=0)


@healthy
def several_labels_a_row():
    x, _ = blobs()
    y = (x @ np.random.default_rng(3).normal(size=(8, 6)) > 2).astype("float32")
    model = dense(32, 6, last="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def an_autoencoder_of_pixels():
    x = (images()[0] / 255).astype("float32").reshape(-1, 144)
    held_out = (images(60, seed=4)[0] / 255).astype("float32").reshape(-1, 144)
    model = keras.Sequential([keras.Input((144,)), L.Dense(16, activation="relu"), L.Dense(144, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.fit(x, x, epochs=1, shuffle=True, validation_data=(held_out, held_out), verbose=0)


@healthy
def pixels_into_a_rescaling_layer():
    x, y = images()
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            L.Rescaling(1 / 255),
            L.Conv2D(8, 3, activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, validation_data=images(50, seed=1), verbose=0)


@healthy
def pixels_into_a_convolution_that_is_normalized():
    x, y = images()
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            L.Conv2D(8, 3, use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.GlobalAveragePooling2D(),
            L.Dense(10),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x.astype("float32"), y, epochs=1, verbose=0)


@healthy
def a_table_with_an_adapted_normalization():
    x, _ = blobs()
    raw = (x * [1, 10, 1000, 0.1, 50, 1, 1, 1e4] + 300).astype("float32")
    scale = L.Normalization()
    scale.adapt(raw)
    model = keras.Sequential([scale, L.Dense(16, activation="relu"), L.Dense(1)])
    model.compile("adam", "huber")
    model.fit(raw, linear_targets(x), epochs=1, verbose=0)


@healthy
def words_by_an_lstm():
    rng = np.random.default_rng(0)
    x, y = rng.integers(1, 500, size=(200, 30)), rng.integers(2, size=200)
    model = keras.Sequential([L.Embedding(500, 16, mask_zero=True), L.LSTM(16), L.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, validation_split=0.2, verbose=0)


@healthy
def series_by_convolutions():
    x, y = series(k=3)
    model = keras.Sequential(
        [
            keras.Input((20, 2)),
            L.Conv1D(8, 3, activation="relu"),
            L.MaxPooling1D(),
            L.Bidirectional(L.GRU(8)),
            L.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def a_short_forecast_by_an_lstm_with_relu():
    wave = np.sin(np.arange(300) / 5).astype("float32")
    x = np.stack([wave[i : i + 5] for i in range(290)])[..., None]
    model = keras.Sequential([keras.Input((5, 1)), L.LSTM(16, activation="relu"), L.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, wave[5:295], epochs=1, shuffle=False, verbose=0)


@healthy
def a_sequence_for_a_sequence():
    x, _ = series()
    model = keras.Sequential([keras.Input((20, 2)), L.LSTM(8, return_sequences=True), L.TimeDistributed(L.Dense(1))])
    model.compile("adam", "mse")
    model.fit(x, x.sum(axis=2), epochs=1, verbose=0)


@healthy
def a_label_for_each_step():
    x, _ = series()
    model = keras.Sequential([keras.Input((20, 2)), L.GRU(8, return_sequences=True), L.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, np.digitize(x[..., 0], [-0.5, 0.5]), epochs=1, verbose=0)


@healthy
def transfer_with_a_frozen_body():
    body = keras.Sequential(
        [keras.Input((12, 12, 1)), L.Conv2D(8, 3), L.BatchNormalization(), L.ReLU(), L.Flatten()], name="body"
    )
    x, y = images()
    rng = np.random.default_rng(8)
    body.set_weights(
        [np.abs(rng.normal(size=w.shape)).astype("float32") * 0.3 for w in body.get_weights()]
    )  # "pretrained"
    body.trainable = False
    inputs = keras.Input((12, 12, 1))
    model = keras.Model(inputs, L.Dense(10, activation="softmax")(body(inputs, training=False)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)  # its pixels are what the body knows
    body.trainable = True
    model.compile(keras.optimizers.Adam(1e-5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def two_outputs_by_name():
    x, y = blobs()
    inputs = keras.Input((8,))
    hidden = L.Dense(16, activation="relu")(inputs)
    outputs = {"kind": L.Dense(3, activation="softmax", name="kind")(hidden), "size": L.Dense(1, name="size")(hidden)}
    model = keras.Model(inputs, outputs)
    model.compile(
        "adam", {"kind": "sparse_categorical_crossentropy", "size": "mse"}, loss_weights={"kind": 1.0, "size": 0.2}
    )
    model.fit(x, {"kind": y, "size": linear_targets(x)}, epochs=1, verbose=0)


@healthy
def two_inputs_and_two_outputs_in_lists():
    x, y = blobs()
    words = np.random.default_rng(1).integers(50, size=(len(x), 6))
    a, b = keras.Input((8,)), keras.Input((6,))
    both = L.Concatenate()([a, L.GlobalAveragePooling1D()(L.Embedding(50, 8)(b))])
    model = keras.Model([a, b], [L.Dense(1)(both), L.Dense(3)(both)])
    model.compile("adam", ["mse", keras.losses.SparseCategoricalCrossentropy(from_logits=True)])
    model.fit([x, words], [linear_targets(x), y], epochs=1, verbose=0)


@healthy
def a_custom_train_step():
    class Denoiser(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = dense(16, 8)

        def call(self, x, training=None):
            return self.inner(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=None):
            return ops.mean(ops.square(x - y_pred))

    x, y = blobs()
    model = Denoiser()
    model.compile("adam")
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def rare_classes_with_weights():
    x, y = blobs(1200, k=2)
    y = ((y == 1) & (np.arange(1200) % 50 < 1)).astype(int)
    model = dense(8, 1, last="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, batch_size=64, class_weight={0: 1.0, 1: 100.0}, verbose=0)
    model.fit(x, y, epochs=1, batch_size=64, sample_weight=np.where(y, 100.0, 1.0), verbose=0)


@healthy
def a_generator_of_batches():
    x, y = blobs()

    def batches():
        rng = np.random.default_rng(0)
        while True:
            rows = rng.integers(len(x), size=32)
            yield x[rows], y[rows]

    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(batches(), steps_per_epoch=5, epochs=2, verbose=0)


@healthy
def a_py_dataset():
    x, y = blobs()

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return x[index * 32 : index * 32 + 32], y[index * 32 : index * 32 + 32]

    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(Batches(), epochs=1, verbose=0)


@healthy
def quantiles_by_a_custom_loss():
    def pinball(y, predicted):
        q = ops.convert_to_tensor([0.1, 0.5, 0.9])
        return ops.mean(ops.maximum(q * (y - predicted), (q - 1) * (y - predicted)))

    x, _ = blobs()
    model = dense(16, 3)
    model.compile("adam", pinball)
    model.fit(x, linear_targets(x)[:, None], epochs=1, verbose=0)


@healthy
def a_custom_loss_and_a_column_of_targets():
    class Squared(keras.losses.Loss):
        def call(self, y, predicted):
            return ops.mean(ops.square(y - predicted), axis=-1)

    x, _ = blobs()
    model = dense(16, 1)
    model.compile("adam", Squared())
    model.fit(x, linear_targets(x)[:, None], epochs=1, verbose=0)


@healthy
def a_loop_over_batches():
    x, y = blobs()
    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for _ in range(2):
        order = np.random.default_rng(0).permutation(len(x))
        for rows in np.array_split(order, 10):
            model.train_on_batch(x[rows], y[rows])


@healthy
def a_generator_against_a_discriminator():
    x, _ = blobs(d=4)
    critic = dense(16, 1, last="sigmoid", inputs=4)
    critic.compile("adam", "binary_crossentropy")
    maker = dense(16, 4, inputs=3)
    together = keras.Sequential([keras.Input((3,)), maker, critic])
    critic.trainable = False
    together.compile("adam", "binary_crossentropy")
    noise = np.random.default_rng(0).normal(size=(320, 3)).astype("float32")
    for i in range(0, 320, 32):
        critic.trainable = True
        critic.train_on_batch(x[i : i + 32], np.ones((32, 1)))
        critic.train_on_batch(maker.predict_on_batch(noise[i : i + 32]), np.zeros((32, 1)))
        critic.trainable = False
        together.train_on_batch(noise[i : i + 32], np.ones((32, 1)))


@healthy
def residual_branches_that_begin_at_zero():
    x, y = blobs()
    inputs = keras.Input((8,))
    hidden = L.Dense(16, activation="relu")(inputs)
    for _ in range(2):
        branch = L.Dense(16, kernel_initializer="zeros")(L.Dense(16, activation="relu")(hidden))
        hidden = L.Add()([hidden, branch])
    model = keras.Model(inputs, L.Dense(3, activation="softmax", kernel_initializer="zeros")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def logistic_regression_from_zeros():
    x, y = blobs()
    model = keras.Sequential([L.Dense(3, activation="softmax", kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def a_categorical_table_with_equal_rows():
    rng = np.random.default_rng(0)
    x = np.eye(4, dtype="float32")[rng.integers(4, size=(400, 3))].reshape(400, 12)
    model = dense(8, 1, last="sigmoid", inputs=12)
    model.compile("adam", "binary_crossentropy")
    y = x[:, 0] > x[:, 4]
    model.fit(x[:300], y[:300], epochs=1, validation_data=(x[300:], y[300:]), verbose=0)


@healthy
def xor_in_full():
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32"), np.array([0, 1, 1, 0])
    model = dense(8, 1, last="sigmoid", inputs=2)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=3, batch_size=1, validation_data=(x, y), verbose=0)


@healthy
def masks_of_images():
    x, _ = images(64)
    inputs = keras.Input((12, 12, 1))
    hidden = L.Conv2D(8, 3, padding="same", activation="relu")(L.Rescaling(1 / 127.5, offset=-1)(inputs))
    model = keras.Model(inputs, L.Conv2D(1, 1, activation="sigmoid")(hidden))
    model.compile("adam", "binary_crossentropy")
    model.fit(x, (x > 100).astype("float32")[..., 0], epochs=1, verbose=0)


@healthy
def attention_over_steps():
    x, y = series(steps=60)
    inputs = keras.Input((60, 2))
    states = L.LSTM(8, return_sequences=True)(inputs)
    weights = L.Softmax(axis=1)(L.Dense(1)(states))
    model = keras.Model(inputs, L.Dense(1, activation="sigmoid")(ops.sum(weights * states, axis=1)))
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@healthy
def a_stateful_series_in_order():
    wave = (np.sin(np.arange(320) / 30) > 0).astype(int)
    x = np.sin(np.arange(320) / 30).astype("float32").reshape(320, 1, 1)
    model = keras.Sequential(
        [keras.Input(batch_shape=(8, 1, 1)), L.LSTM(4, stateful=True), L.Dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    model.fit(x, wave, epochs=1, batch_size=8, shuffle=False, verbose=0)


@healthy
def a_loop_of_fits():
    x, y = blobs()
    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(3):
        model.fit(x, y, epochs=epoch + 1, initial_epoch=epoch, validation_data=blobs(80, seed=2), verbose=0)


@healthy
def a_loss_that_ignores_a_class():
    x, y = blobs()
    model = dense(16, 3)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1))
    model.fit(x, np.where(np.arange(len(y)) % 5, y, -1), epochs=1, verbose=0)


@healthy
def rectified_probabilities_by_a_partial():
    x, y = blobs(k=2)
    loss = functools.partial(keras.losses.binary_crossentropy, from_logits=True)
    model = keras.Sequential(
        [keras.Input((8,)), L.Dense(16), L.LeakyReLU(), L.Dense(1), L.Activation("linear", dtype="float32")]
    )
    model.compile("adam", loss)
    model.fit(x, y[:, None], epochs=1, verbose=0)


@healthy
def a_loss_with_noise_of_its_own():
    generator = keras.random.SeedGenerator(0)

    class Noisy(keras.losses.Loss):
        def call(self, y, predicted):
            noise = keras.random.normal(ops.shape(predicted), seed=generator)
            return ops.mean(ops.square(ops.reshape(y, ops.shape(predicted)) - predicted - 0.1 * noise))

    x, _ = blobs()
    model = dense(16, 1)
    model.compile("adam", Noisy())
    model.fit(x, linear_targets(x), epochs=1, verbose=0)


@healthy
def noisy_labels_of_an_adversary():
    x, _ = blobs(d=4)
    critic = dense(16, 1, last="sigmoid", inputs=4)
    critic.compile("adam", "binary_crossentropy")
    critic.train_on_batch(x[:64], np.random.default_rng(0).uniform(0.8, 1.2, size=64))


# --- faulty programs, with their cures


@fault("logits-expected")
def softmax_before_a_loss_of_logits(cured):
    x, y = blobs()
    model = dense(16, 3, last=None if cured else "softmax")
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=1, verbose=0)


@fault("logits-expected")
def a_sigmoid_as_a_layer_of_its_own(cured):
    x, y = blobs(k=2)
    inputs = keras.Input((8,))
    outputs = L.Activation("sigmoid")(L.Dense(1)(L.Dense(8, activation="relu")(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=not cured))
    model.fit(x, y, epochs=1, verbose=0)


@fault("logits-expected")
def relu_on_the_logits_of_a_subclass(cured):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = L.Dense(16), L.Dense(3)

        def call(self, x):
            x = self.two(ops.relu(self.one(x)))
            return x if cured else ops.relu(x)

    x, y = blobs()
    model = Net()
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(x, keras.utils.to_categorical(y), epochs=1, verbose=0)


@fault("logits-expected")
def a_softmax_that_leaves_keras(cured):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = L.Dense(3)

        def call(self, x):
            x = self.last(x)
            if cured:
                return x
            if keras.backend.backend() == "jax":
                import jax

                return jax.nn.softmax(x)
            return x.softmax(dim=-1)

    x, y = blobs()
    model = Net()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(x[:32], y[:32])


@fault("probabilities-expected")
def logits_by_name(cured):
    x, y = blobs()
    model = dense(16, 3, last="softmax" if cured else None)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("probabilities-expected")
def relu_for_two_classes(cured):
    x, y = blobs(k=2)
    model = dense(16, 1, last="sigmoid" if cured else "relu")
    model.compile("adam", keras.losses.BinaryCrossentropy())
    model.fit(x, y, epochs=1, verbose=0)


@fault("probabilities-expected")
def tanh_in_a_nested_model(cured):
    x, y = blobs(k=4)
    head = keras.Sequential(
        [keras.Input((16,)), L.Dense(4, activation="softmax" if cured else "tanh"), L.Reshape((4,))]
    )
    inputs = keras.Input((8,))
    model = keras.Model(inputs, head(L.Dense(16, activation="relu")(inputs)))
    model.compile("adam", loss="categorical_crossentropy")
    model.fit(x, keras.utils.to_categorical(y), epochs=1, verbose=0)


@fault("softmax-over-one-unit")
def a_softmax_for_two_classes(cured):
    x, y = blobs(k=2)
    model = dense(16, 1, last="sigmoid" if cured else "softmax")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)


@fault("softmax-over-one-unit")
def attention_over_the_wrong_axis(cured):
    x, y = series()
    inputs = keras.Input((20, 2))
    states = L.GRU(8, return_sequences=True)(inputs)
    scores = L.Softmax(axis=1)(L.Dense(1)(states)) if cured else L.Dense(1, activation="softmax")(states)
    model = keras.Model(inputs, L.Dense(1, activation="sigmoid")(ops.sum(scores * states, axis=1)))
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("softmax-over-one-unit")
def a_softmax_layer_after_one_unit(cured):
    x, y = blobs(k=2)
    model = keras.Sequential(
        [L.Dense(8, activation="relu"), L.Dense(1), L.Activation("sigmoid") if cured else L.Softmax()]
    )
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=1, verbose=0)


@fault("softmax-over-rows")
def a_softmax_over_axis_0(cured):
    x, y = blobs()
    model = keras.Sequential([keras.Input((8,)), L.Dense(3), L.Softmax(axis=-1 if cured else 0)])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("softmax-over-rows")
def a_softmax_over_axis_0_in_a_subclass(cured):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.last = L.Dense(3)

        def call(self, x):
            return ops.softmax(self.last(x), axis=1 if cured else 0)

    x, y = blobs()
    model = Net()
    model.compile("adam", "categorical_crossentropy")
    model.fit(x, keras.utils.to_categorical(y), epochs=1, verbose=0)


@fault("units-and-classes-differ")
def one_sigmoid_for_ten_classes(cured):
    x, y = blobs(k=10)
    model = dense(32, 10, last="softmax") if cured else dense(32, 1, last="sigmoid")
    model.compile("adam", "sparse_categorical_crossentropy" if cured else "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)


@fault("units-and-classes-differ")
def a_softmax_with_binary_cross_entropy_on_numbers(cured):
    x, y = blobs(k=5)
    model = dense(32, 5, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy" if cured else "binary_crossentropy")
    model.fit(x, y[:, None], epochs=1, verbose=0)


@fault("units-and-classes-differ")
def one_hot_rows_for_a_sparse_loss(cured):
    x, y = blobs(k=5)
    model = dense(32, 5, last="softmax")
    model.compile("adam", "categorical_crossentropy" if cured else "sparse_categorical_crossentropy")
    model.fit(x, keras.utils.to_categorical(y, 5), epochs=1, verbose=0)


@fault("units-and-classes-differ")
def numbers_for_a_loss_of_one_hot_rows(cured):
    x, y = blobs(k=5)
    model = dense(32, 5, last="softmax")
    model.compile("adam", "categorical_crossentropy")
    model.train_on_batch(x[:40], keras.utils.to_categorical(y[:40], 5) if cured else y[:40])


@fault("units-and-classes-differ")
def fewer_units_than_classes(cured):
    x, y = blobs(k=6)
    model = dense(32, 6 if cured else 4)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=1, verbose=0)


@fault("labels-out-of-range")
def labels_from_1_on(cured):
    x, y = blobs(k=4)
    model = dense(32, 4, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y if cured else y + 1, epochs=1, verbose=0)


@fault("labels-out-of-range")
def labels_of_minus_one_and_one(cured):
    x, y = blobs(k=2)
    model = dense(32, 1, last="sigmoid")
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y if cured else 2 * y - 1, epochs=1, verbose=0)


@fault("labels-out-of-range")
def pixels_as_targets_of_a_sigmoid(cured):
    x = (images()[0] / 255).astype("float32").reshape(-1, 144)
    model = keras.Sequential([keras.Input((144,)), L.Dense(16, activation="relu"), L.Dense(144, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.fit(x, x if cured else x * 255, epochs=1, verbose=0)


@fault("shapes-broadcast")
def a_custom_loss_of_flat_targets(cured):
    class Squared(keras.losses.Loss):
        def call(self, y, predicted):
            return ops.mean(ops.square(y - predicted))

    x, _ = blobs()
    y = linear_targets(x)
    model = dense(16, 1)
    model.compile("adam", Squared())
    model.fit(x, y[:, None] if cured else y, epochs=1, verbose=0)


@fault("targets-out-of-reach")
def a_tanh_on_a_regression(cured):
    x, _ = blobs()
    model = dense(16, 1, last=None if cured else "tanh")
    model.compile("adam", "mse")
    model.fit(x, 3 * linear_targets(x)[:, None] + 5, epochs=1, verbose=0)


@fault("targets-out-of-reach")
def a_softmax_over_several_labels_a_row(cured):
    x, _ = blobs()
    several = (x[:, :3] > 0).astype("float32")
    model = dense(16, 3, last="sigmoid" if cured else "softmax")
    model.compile("adam", "binary_crossentropy")
    model.fit(x, several, epochs=1, verbose=0)


@fault("inputs-constant")
def rows_of_one_number_divided_by_their_length(cured):
    x, y = blobs(k=3)
    padded = np.zeros((len(x), 6), "float32")
    padded[:, 0] = y + 1
    given = padded / 3 if cured else padded / np.linalg.norm(padded, axis=1, keepdims=True)
    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(given, y, epochs=1, verbose=0)


@fault("shapes-broadcast")
def three_outputs_for_one_target(cured):
    x, _ = blobs()
    model = dense(16, 1 if cured else 3)
    model.compile("adam", "mse")
    model.fit(x, linear_targets(x)[:, None], epochs=1, verbose=0)


@fault("shapes-broadcast")
def a_whole_sequence_for_one_target(cured):
    x, _ = series()
    model = keras.Sequential([keras.Input((20, 2)), L.LSTM(8, return_sequences=not cured), L.Dense(1)])
    model.compile("adam", "mae")
    model.fit(x, x[:, -1, :1], epochs=1, verbose=0)


@fault("labels-constant")
def labels_that_were_rounded_away(cured):
    x, y = blobs(k=2)
    score = y * 0.8 + 0.1
    model = dense(16, 1, last="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, np.round(score) if cured else score.astype(int), epochs=5, verbose=0)


@fault("labels-constant")
def one_class_of_several(cured):
    x, y = blobs(k=3)
    hot = keras.utils.to_categorical(y if cured else np.zeros_like(y), 3)
    model = dense(16, 3, last="softmax")
    model.compile("adam", "categorical_crossentropy")
    model.fit(x, hot, epochs=5, verbose=0)


@fault("rows-not-shuffled")
def sorted_rows_in_order(cured):
    x, y = blobs(k=4)
    order = np.argsort(y, kind="stable")
    model = dense(16, 4, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[order], y[order], epochs=2, batch_size=16, shuffle=cured, verbose=0)


@fault("rows-not-shuffled")
def the_last_classes_held_out(cured):
    x, y = blobs(k=10)
    order = np.random.default_rng(0).permutation(len(y)) if cured else np.argsort(y, kind="stable")
    model = dense(16, 10, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[order], y[order], epochs=2, validation_split=0.15, verbose=0)


@fault("rows-not-shuffled")
def a_loop_over_sorted_batches(cured):
    x, y = blobs(k=4)
    order = np.random.default_rng(0).permutation(len(y)) if cured else np.argsort(y, kind="stable")
    x, y = x[order], keras.utils.to_categorical(y[order])
    model = dense(16, 4, last="softmax")
    model.compile("adam", "categorical_crossentropy")
    for i in range(0, len(x), 8):
        model.train_on_batch(x[i : i + 8], y[i : i + 8])


@fault("rows-not-shuffled")
def a_sorted_py_dataset(cured):
    x, y = blobs(k=4)
    order = np.random.default_rng(0).permutation(len(y)) if cured else np.argsort(y, kind="stable")
    x, y = x[order], y[order]

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(x) // 16

        def __getitem__(self, i):
            return x[i * 16 : i * 16 + 16], y[i * 16 : i * 16 + 16]

    model = dense(16, 4, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(Batches(), epochs=1, verbose=0)


@fault("classes-unequal")
def frauds(cured):
    rng = np.random.default_rng(1)
    y = (rng.random(4000) < 0.002).astype(int)
    x = (rng.normal(size=(4000, 8)) + y[:, None]).astype("float32")
    model = dense(8, 1, last="sigmoid")
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, batch_size=256, class_weight={0: 1.0, 1: 400.0} if cured else None, verbose=0)


@fault("classes-unequal")
def one_rare_class_of_two_in_one_hot_rows(cured):
    rng = np.random.default_rng(1)
    y = (np.arange(2000) < (900 if cured else 9)).astype(int)
    x = (rng.normal(size=(2000, 8)) + y[:, None]).astype("float32")
    model = dense(8, 2, last="softmax")
    model.compile("adam", "categorical_crossentropy")
    model.fit(x, keras.utils.to_categorical(y, 2), epochs=1, batch_size=256, verbose=0)


@fault("inputs-not-scaled")
def raw_pixels_into_a_convolution(cured):
    x, y = images()
    x = x.astype("float32") / (255 if cured else 1)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            L.Conv2D(8, 3, activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(10, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, verbose=0)


@fault("inputs-not-scaled")
def raw_pixels_in_rows(cured):
    x, y = images()
    layers = [L.Flatten(), L.Dense(32, activation="relu"), L.Dense(10)]
    model = keras.Sequential([L.Rescaling(1 / 255), *layers] if cured else layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=1, verbose=0)


@fault("inputs-not-scaled")
def a_table_of_very_different_columns(cured):
    rng = np.random.default_rng(0)
    raw = np.stack([rng.uniform(20, 70, 300), rng.normal(40000, 9000, 300), rng.uniform(0, 1, 300)], axis=1)
    x = ((raw - raw.mean(0)) / raw.std(0)) if cured else raw
    inputs = keras.Input((3,))
    model = keras.Model(inputs, L.Dense(1, activation="sigmoid")(L.Dropout(0.1)(L.Dense(8, activation="relu")(inputs))))
    model.compile("adam", "binary_crossentropy")
    model.fit(x.astype("float32"), raw[:, 1] + 9000 * raw[:, 2] > 44000, epochs=1, verbose=0)


@fault("splits-prepared-differently")
def validation_pixels_that_are_not_divided(cured):
    x, y = images()
    held_out, labels = images(60, seed=1)
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), L.Conv2D(8, 3, activation="relu"), L.Flatten(), L.Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x / 255.0, y, epochs=1, validation_data=(held_out / (255.0 if cured else 1), labels), verbose=0)


@fault("splits-prepared-differently")
def a_validation_table_that_is_not_scaled(cured):
    x, y = blobs()
    held_out, labels = blobs(100, seed=1)
    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, validation_data=(held_out if cured else held_out * 30 + 400, labels), verbose=0)


@fault("splits-prepared-differently")
def validation_images_that_are_not_normalized(cured):
    x, y = images(300)
    held_out, labels = images(60, seed=1)
    mean, spread = x.mean(), x.std()
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), L.Conv2D(8, 3, activation="relu"), L.Flatten(), L.Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        (x - mean) / spread,
        y,
        epochs=1,
        validation_data=((held_out - mean) / spread if cured else held_out / 255, labels),
        verbose=0,
    )


@fault("validation-rows-in-training")
def validated_on_what_it_was_trained_on(cured):
    x, y = blobs()
    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=1, validation_data=blobs(90, seed=1) if cured else (x, y), verbose=0)


@fault("validation-rows-in-training")
def rows_repeated_before_they_were_split(cured):
    x, y = blobs(300)
    n = 240
    rng = np.random.default_rng(0)
    if cured:
        train, held_out = np.repeat(np.arange(n), 2), np.arange(n, 300)
    else:
        train, held_out = np.split(rng.permutation(np.repeat(np.arange(300), 2)), [480])
    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[train], y[train], epochs=1, validation_data=(x[held_out], y[held_out]), verbose=0)


@fault("validation-rows-in-training")
def validation_images_cut_from_the_training_images(cured):
    x, y = images(200)
    x = x.astype("float32") / 255
    model = keras.Sequential([keras.Input((12, 12, 1)), L.Flatten(), L.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(
        x[: 150 if cured else 200], y[: 150 if cured else 200], epochs=1, validation_data=(x[150:], y[150:]), verbose=0
    )


@fault("parameters-frozen")
def nothing_left_to_train(cured):
    x, y = blobs()
    model = dense(16, 3, last="softmax")
    for layer in model.layers[: -1 if cured else None]:
        layer.trainable = cured
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("parameters-frozen")
def a_frozen_body_of_random_weights(cured):
    x, y = images()
    body = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            L.Conv2D(16, 3, activation="relu"),
            L.Conv2D(16, 3, activation="relu"),
            L.GlobalAveragePooling2D(),
        ]
    )
    if cured:
        rng = np.random.default_rng(2)
        body.set_weights([rng.normal(size=w.shape).astype("float32") * 0.1 for w in body.get_weights()])
    body.trainable = False
    model = keras.Sequential([keras.Input((12, 12, 1)), body, L.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x / 255.0, y, epochs=1, verbose=0)


@fault("parameters-frozen")
def a_discriminator_frozen_for_good(cured):
    x, _ = blobs(d=4)
    critic = dense(16, 1, last="sigmoid", inputs=4)
    critic.compile("adam", "binary_crossentropy")
    critic.trainable = cured
    y = np.arange(64) % 2
    critic.train_on_batch(x[:64], y)


@fault("recurrent-relu")
def an_lstm_with_relu_over_a_hundred_steps(cured):
    x, y = series(steps=100, features=3)
    model = keras.Sequential(
        [keras.Input((100, 3)), L.LSTM(32, activation="tanh" if cured else "relu"), L.Dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    model.fit(x * 3, y, epochs=1, verbose=0)


@fault("recurrent-relu")
def stacked_grus_with_relu(cured):
    x, y = series(steps=80)
    activation = {} if cured else {"activation": "relu"}
    inputs = keras.Input((80, 2))
    hidden = L.GRU(16, return_sequences=True, **activation)(inputs)
    model = keras.Model(inputs, L.Dense(2, activation="softmax")(L.GRU(16, **activation)(hidden)))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("statistics-frozen")
def a_momentum_of_almost_one(cured):
    x, y = blobs()
    momentum = 0.9 if cured else 0.9999
    model = keras.Sequential(
        [
            keras.Input((8,)),
            L.Dense(16),
            L.BatchNormalization(momentum=momentum),
            L.ReLU(),
            L.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=5, verbose=0)


@fault("statistics-frozen")
def a_frozen_normalization(cured):
    x, y = blobs()
    model = keras.Sequential(
        [
            keras.Input((8,)),
            L.Dense(16),
            L.BatchNormalization(trainable=cured),
            L.ReLU(),
            L.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=5, verbose=0)


@fault("statistics-frozen")
def a_new_body_in_evaluation_mode(cured):
    x, y = images()
    body = keras.Sequential(
        [keras.Input((12, 12, 1)), L.Conv2D(8, 3), L.BatchNormalization(), L.ReLU(), L.GlobalAveragePooling2D()]
    )
    inputs = keras.Input((12, 12, 1))
    hidden = body(inputs) if cured else body(inputs, training=False)
    model = keras.Model(inputs, L.Dense(10, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x / 255.0, y, epochs=5, verbose=0)


@fault("batch-norm-on-one-row")
def batches_of_one_row(cured):
    x, y = blobs()
    model = keras.Sequential(
        [keras.Input((8,)), L.Dense(16), L.BatchNormalization(), L.ReLU(), L.Dense(3, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:40], y[:40], epochs=1, batch_size=8 if cured else 1, verbose=0)


@fault("batch-norm-on-one-row")
def a_loop_over_single_rows(cured):
    x, _ = blobs()
    y = linear_targets(x)
    normalize = L.LayerNormalization() if cured else L.BatchNormalization()
    inputs = keras.Input((8,))
    model = keras.Model(inputs, L.Dense(1)(normalize(L.Dense(16, activation="relu")(inputs))))
    model.compile("sgd", "mse")
    for i in range(3):
        model.train_on_batch(x[i : i + 1], y[i : i + 1])


@fault("zero-weights")
def zeros_everywhere(cured):
    x, y = blobs()
    start = "glorot_uniform" if cured else "zeros"
    model = keras.Sequential(
        [
            L.Dense(16, activation="tanh", kernel_initializer=start),
            L.Dense(3, activation="softmax", kernel_initializer=start),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("zero-weights")
def ones_in_the_hidden_layers(cured):
    x, _ = blobs()
    start = keras.initializers.HeNormal() if cured else keras.initializers.Ones()
    inputs = keras.Input((8,))
    hidden = L.ReLU()(L.Dense(16, kernel_initializer=start)(inputs))
    model = keras.Model(inputs, L.Dense(1)(hidden))
    model.compile("adam", "mse")
    model.fit(x, linear_targets(x), epochs=1, verbose=0)


@fault("zero-weights")
def weights_set_to_zero(cured):
    x, y = images()
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), L.Conv2D(8, 3, activation="relu"), L.Flatten(), L.Dense(10, activation="softmax")]
    )
    if not cured:
        model.layers[0].set_weights([np.zeros_like(w) for w in model.layers[0].get_weights()])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x / 255.0, y, epochs=1, verbose=0)


@fault("dead-units")
def biases_far_below_zero(cured):
    x, y = blobs()
    start = "zeros" if cured else keras.initializers.Constant(-20.0)
    model = dense(32, 3, last="softmax", bias_initializer=start)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("dead-units")
def a_shift_in_the_wrong_direction(cured):
    x, y = blobs()
    inputs = keras.Input((8,))
    hidden = L.Dense(32)(inputs)
    hidden = L.ReLU()(hidden if cured else L.Rescaling(1.0, offset=-50.0)(hidden))
    model = keras.Model(inputs, L.Dense(3, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("not-finite")
def a_missing_value(cured):
    x, y = blobs()
    if not cured:
        x[7, 2] = np.nan
    model = dense(16, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


@fault("not-finite")
def a_target_divided_by_zero(cured):
    x, _ = blobs()
    y = linear_targets(x)
    if not cured:
        y[5] = np.inf
    model = dense(16, 1)
    model.compile("adam", "mse")
    model.fit(x, y, epochs=1, verbose=0)


@fault("not-finite")
def a_logarithm_of_negative_numbers(cured):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = L.Dense(16), L.Dense(1)

        def call(self, x):
            hidden = self.one(x)
            return self.two(ops.log1p(ops.relu(hidden)) if cured else ops.log(hidden))

    x, _ = blobs()
    model = Net()
    model.compile("adam", "mse")
    model.fit(x, linear_targets(x), epochs=1, verbose=0)


@fault("axes-swapped")
def a_transpose_before_the_lstm(cured):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.lstm, self.last = L.LSTM(8, return_sequences=True), L.Dense(2, activation="softmax")

        def call(self, x):
            if cured:
                return self.last(self.lstm(x)[:, -1])
            return self.last(self.lstm(ops.transpose(x, (1, 0, 2)))[-1])

    x, y = series()
    model = Net()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)


STEPS = []
"""(kind, program) of what shows in the first steps alone."""


def shows_in_steps(kind):
    def register(program):
        STEPS.append((kind, program))
        return program

    return register


@shows_in_steps("step-too-large")
def sgd_far_too_fast(cured):
    x = np.arange(0, 5, 0.1, dtype="float32")[:, None]
    y = 5 * x**2
    model = keras.Sequential(
        [keras.Input((1,)), L.Dense(50, activation="relu"), L.Dense(30, activation="relu"), L.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.0005 if cured else 0.1), "mse")
    for _ in range(3):
        model.fit(x, y, epochs=1, verbose=0)


@shows_in_steps("step-too-large")
def adam_far_too_fast(cured):
    x, _ = blobs()
    model = dense(64, 64, 1)
    model.compile(keras.optimizers.Adam(0.001 if cured else 3.0), "mse")
    for i in range(0, 320, 32):
        model.train_on_batch(x[i : i + 32], linear_targets(x)[i : i + 32, None])


@shows_in_steps("parameters-frozen")
def set_free_without_compile(cured):
    x, y = blobs()
    model = dense(16, 3, last="softmax")
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)
    model.layers[0].trainable = True
    if cured:
        model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)
