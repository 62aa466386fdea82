"""Sound Keras programs in the habits of tutorials, kernels, and repositories: whole scripts, each of its own style.

They were written without a look at how anything is inspected, to measure false alarms.
"""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

ONE_HOT_CNN = """
import numpy as np
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D, Input
from keras.utils import to_categorical
from keras.optimizers import Adam

np.random.seed(2)
num_classes, batch_size, epochs = 6, 32, 2
glyphs = np.random.rand(num_classes, 12, 12) > 0.6

def make(n):
    y = np.random.randint(num_classes, size=n)
    x = glyphs[y] * 200 + np.random.randint(0, 55, (n, 12, 12))
    return x.astype('uint8'), y

(X_train, Y_train), (X_test, Y_test) = make(320), make(80)
X_train = X_train.reshape(X_train.shape[0], 12, 12, 1).astype('float32')
X_test = X_test.reshape(X_test.shape[0], 12, 12, 1).astype('float32')
X_train /= 255
X_test /= 255
Y_train = to_categorical(Y_train, num_classes)
Y_test = to_categorical(Y_test, num_classes)

model = Sequential()
model.add(Input(shape=(12, 12, 1)))
model.add(Conv2D(16, kernel_size=(3, 3), activation='relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(32, activation='relu'))
model.add(Dropout(0.5))
model.add(Dense(num_classes, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer=Adam(learning_rate=1e-3), metrics=['accuracy'])
model.summary()
history = model.fit(X_train, Y_train, batch_size=batch_size, epochs=epochs, verbose=1, validation_data=(X_test, Y_test))
score = model.evaluate(X_test, Y_test, verbose=0)
print('Test loss:', score[0])
print('Test accuracy:', score[1])
"""

TWO_OUTPUTS = """
import numpy as np
import keras
from keras import layers

num_tags, num_words, num_departments = 5, 60, 4
title_input = keras.Input(shape=(None,), name="title")
tags_input = keras.Input(shape=(num_tags,), name="tags")
title_features = layers.Embedding(num_words, 16)(title_input)
title_features = layers.LSTM(16)(title_features)
x = layers.concatenate([title_features, tags_input])
priority_pred = layers.Dense(1, name="priority")(x)
department_pred = layers.Dense(num_departments, name="department")(x)
model = keras.Model(inputs=[title_input, tags_input], outputs={"priority": priority_pred, "department": department_pred})
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss={"priority": keras.losses.BinaryCrossentropy(from_logits=True), "department": keras.losses.CategoricalCrossentropy(from_logits=True)},
    loss_weights={"priority": 1.0, "department": 0.2},
)
rng = np.random.default_rng(0)
department = rng.integers(num_departments, size=256)
title_data = rng.integers(1, 15, size=(256, 10)) + 15 * department[:, None]
title_data = np.minimum(title_data, num_words - 1)
tags_data = rng.integers(2, size=(256, num_tags)).astype("float32")
priority_targets = (tags_data.sum(1, keepdims=True) > 2).astype("float32")
dept_targets = np.eye(num_departments)[department]
model.fit({"title": title_data, "tags": tags_data}, {"priority": priority_targets, "department": dept_targets}, epochs=2, batch_size=32)
"""

SUBCLASSED = """
import numpy as np
import keras

class Block(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units, use_bias=False)
        self.norm = keras.layers.BatchNormalization()
        self.drop = keras.layers.Dropout(0.1)

    def call(self, inputs, training=None):
        x = self.dense(inputs)
        x = self.norm(x, training=training)
        return self.drop(keras.ops.relu(x), training=training)

class Classifier(keras.Model):
    def __init__(self, units=(32, 32), classes=5):
        super().__init__()
        self.blocks = [Block(u) for u in units]
        self.logits = keras.layers.Dense(classes)

    def call(self, inputs, training=None):
        x = inputs
        for block in self.blocks:
            x = block(x, training=training)
        return self.logits(x)

def main():
    keras.utils.set_random_seed(1)
    y = np.random.randint(5, size=(400,))
    x = (np.random.normal(size=(400, 9)) + 2 * np.eye(5, 9)[y]).astype(np.float32)
    model = Classifier()
    model.compile(
        optimizer=keras.optimizers.AdamW(3e-3, weight_decay=1e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy()],
    )
    model.fit(x, y, validation_split=0.2, epochs=3, batch_size=40)
    probabilities = keras.ops.softmax(model.predict(x[:4]))
    print(probabilities)

if __name__ == "__main__":
    main()
"""

OWN_LOSS = """
import numpy as np
import keras
from keras import ops

def dice_loss(y_true, y_pred, smooth=1.0):
    y_true, y_pred = ops.reshape(y_true, (-1,)), ops.reshape(y_pred, (-1,))
    intersection = ops.sum(y_true * y_pred)
    return 1 - (2.0 * intersection + smooth) / (ops.sum(y_true) + ops.sum(y_pred) + smooth)

def bce_dice_loss(y_true, y_pred):
    return ops.mean(keras.losses.binary_crossentropy(y_true, y_pred)) + dice_loss(y_true, y_pred)

def get_unet(size):
    inputs = keras.layers.Input(size)
    c1 = keras.layers.Conv2D(8, 3, activation="relu", padding="same", kernel_initializer="he_normal")(inputs)
    p1 = keras.layers.MaxPooling2D(2)(c1)
    c2 = keras.layers.Conv2D(16, 3, activation="relu", padding="same", kernel_initializer="he_normal")(p1)
    u1 = keras.layers.Conv2DTranspose(8, 2, strides=2, padding="same")(c2)
    merged = keras.layers.concatenate([u1, c1])
    c3 = keras.layers.Conv2D(8, 3, activation="relu", padding="same", kernel_initializer="he_normal")(merged)
    outputs = keras.layers.Conv2D(1, 1, activation="sigmoid")(c3)
    return keras.Model(inputs, outputs)

rng = np.random.default_rng(0)
masks = np.zeros((80, 16, 16, 1), "float32")
for mask in masks:
    i, j = rng.integers(0, 8, 2)
    mask[i:i + 8, j:j + 8] = 1
images = masks - 0.5 + 0.3 * rng.normal(size=masks.shape)
model = get_unet((16, 16, 1))
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=bce_dice_loss, metrics=[dice_loss])
model.fit(images, masks, validation_split=0.2, batch_size=8, epochs=2, verbose=2)
"""

GENERATOR = """
import math
import numpy as np
import keras
from keras.utils import PyDataset

class ImageSequence(PyDataset):
    def __init__(self, x_set, y_set, batch_size, shuffle=True, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.batch_size, self.shuffle = x_set, y_set, batch_size, shuffle
        self.indices = np.arange(len(self.x))
        self.on_epoch_end()

    def __len__(self):
        return math.ceil(len(self.x) / self.batch_size)

    def __getitem__(self, idx):
        inds = self.indices[idx * self.batch_size:(idx + 1) * self.batch_size]
        batch_x = self.x[inds].astype("float32") / 127.5 - 1.0
        return batch_x, self.y[inds]

    def on_epoch_end(self):
        if self.shuffle:
            np.random.shuffle(self.indices)

np.random.seed(9)
labels = np.random.randint(3, size=300)
pictures = np.clip(np.random.normal(120, 40, (300, 8, 8, 3)) + 60 * np.eye(3)[labels][:, None, None, :], 0, 255).astype("uint8")
train_gen = ImageSequence(pictures[:240], labels[:240], 24)
val_gen = ImageSequence(pictures[240:], labels[240:], 24, shuffle=False)
model = keras.Sequential([
    keras.layers.Input((8, 8, 3)),
    keras.layers.Conv2D(12, 3, use_bias=False), keras.layers.BatchNormalization(), keras.layers.Activation("relu"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(3), keras.layers.Activation("softmax"),
])
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["acc"])
model.fit(train_gen, validation_data=val_gen, epochs=3)
"""

FINE_TUNING = """
import numpy as np
import keras
from keras import layers

keras.utils.set_random_seed(0)
IMG = (16, 16, 3)

def load_base():
    # stands for keras.applications.MobileNetV2(include_top=False, weights="imagenet")
    inputs = keras.Input(IMG)
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    base = keras.Model(inputs, x, name="base")
    colours = np.random.uniform(-1, 1, size=(160, 1, 1, 3)) + np.random.normal(0, 0.3, size=(160, *IMG))
    pretext = keras.Sequential([base, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    pretext.compile("adam", "mse")
    pretext.fit(colours, colours.mean((1, 2)), batch_size=16, epochs=2)
    return base

y = np.random.randint(2, size=(160, 1)).astype("float32")
x = np.random.uniform(0, 155, size=(160, *IMG)).astype("float32") + 100 * y[:, :, None, None]
base_model = load_base()
base_model.trainable = False
data_augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
inputs = keras.Input(shape=IMG)
h = data_augmentation(inputs)
h = layers.Rescaling(scale=1 / 127.5, offset=-1)(h)
h = base_model(h, training=False)
h = layers.GlobalAveragePooling2D()(h)
h = layers.Dropout(0.2)(h)
outputs = layers.Dense(1)(h)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(), loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=[keras.metrics.BinaryAccuracy(threshold=0)])
model.fit(x[:128], y[:128], epochs=2, batch_size=16, validation_data=(x[128:], y[128:]))

base_model.trainable = True
for layer in base_model.layers[:3]:
    layer.trainable = False
model.compile(optimizer=keras.optimizers.Adam(1e-5), loss=keras.losses.BinaryCrossentropy(from_logits=True), metrics=[keras.metrics.BinaryAccuracy(threshold=0)])
model.fit(x[:128], y[:128], epochs=1, batch_size=16, validation_data=(x[128:], y[128:]))
"""

SENTIMENT = """
import numpy as np
from keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding, SpatialDropout1D
from keras.models import Sequential
from keras.callbacks import EarlyStopping
from keras.utils import pad_sequences

max_features, maxlen, embed_dim, lstm_out = 200, 15, 16, 16
rng = np.random.RandomState(3)
labels = rng.randint(0, 2, 320)
texts = [list(rng.randint(1, 100, rng.randint(8, 20)) + 99 * label) for label in labels]
X = pad_sequences(texts, maxlen=maxlen)
Y = labels
X_train, X_test, y_train, y_test = X[:256], X[256:], Y[:256], Y[256:]

model = Sequential()
model.add(Embedding(max_features, embed_dim))
model.add(SpatialDropout1D(0.2))
model.add(Bidirectional(LSTM(lstm_out, dropout=0.2)))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['accuracy'])
es = EarlyStopping(monitor='val_loss', mode='min', patience=2, restore_best_weights=True)
model.fit(X_train, y_train, batch_size=32, epochs=2, validation_data=(X_test, y_test), callbacks=[es])
pred = (model.predict(X_test) > 0.5).astype('int32')
"""

AUTO_MPG = """
import numpy as np
import pandas as pd
import keras
from keras import layers

np.random.seed(0)
dataset = pd.DataFrame({'Cylinders': np.random.choice([4, 6, 8], 400), 'Displacement': np.random.uniform(70, 450, 400), 'Horsepower': np.random.uniform(50, 230, 400), 'Weight': np.random.uniform(1600, 5000, 400)})
dataset['MPG'] = 46 - 0.006 * dataset.Weight - 0.03 * dataset.Horsepower + np.random.normal(0, 2, 400)
train_dataset = dataset.sample(frac=0.8, random_state=0)
test_dataset = dataset.drop(train_dataset.index)
train_features, test_features = train_dataset.copy(), test_dataset.copy()
train_labels, test_labels = train_features.pop('MPG'), test_features.pop('MPG')

normalizer = layers.Normalization(axis=-1)
normalizer.adapt(np.array(train_features))

def build_and_compile_model(norm):
    model = keras.Sequential([norm, layers.Dense(64, activation='relu'), layers.Dense(64, activation='relu'), layers.Dense(1)])
    model.compile(loss='mean_absolute_error', optimizer=keras.optimizers.Adam(0.001))
    return model

dnn_model = build_and_compile_model(normalizer)
history = dnn_model.fit(np.array(train_features), np.array(train_labels), validation_split=0.2, verbose=0, epochs=3)
print(dnn_model.evaluate(np.array(test_features), np.array(test_labels), verbose=0))
"""

AUTOENCODER = """
import keras
import numpy as np
from keras import layers

encoding_dim = 12
patterns = (np.random.default_rng(0).random((8, 64)) > 0.5).astype(float)
rng = np.random.default_rng(1)
x_train = np.clip(patterns[rng.integers(8, size=320)] * 0.9 + 0.1 * rng.random((320, 64)), 0.0, 1.0)
x_test = np.clip(patterns[rng.integers(8, size=64)] * 0.9 + 0.1 * rng.random((64, 64)), 0.0, 1.0)
input_img = keras.Input(shape=(64,))
encoded = layers.Dense(encoding_dim, activation='relu')(input_img)
decoded = layers.Dense(64, activation='sigmoid')(encoded)
autoencoder = keras.Model(input_img, decoded)
encoder = keras.Model(input_img, encoded)
autoencoder.compile(optimizer='adam', loss='binary_crossentropy')
autoencoder.fit(x_train, x_train, epochs=3, batch_size=32, shuffle=True, validation_data=(x_test, x_test))
encoded_imgs = encoder.predict(x_test)
"""

CALLBACKS = """
import math
import numpy as np
import keras
from keras.callbacks import LearningRateScheduler, ReduceLROnPlateau, TerminateOnNaN, Callback
from sklearn.datasets import make_moons
from sklearn.model_selection import train_test_split

class PrintEvery(Callback):
    def __init__(self, n):
        super().__init__()
        self.n = n
    def on_epoch_end(self, epoch, logs=None):
        if epoch % self.n == 0:
            print(epoch, logs["loss"], logs["val_loss"])

def step_decay(epoch):
    return 0.01 * math.pow(0.5, math.floor((1 + epoch) / 2))

X, y = make_moons(400, noise=0.2, random_state=1)
trainX, testX, trainy, testy = train_test_split(X, y, test_size=0.25, random_state=1)
model = keras.models.Sequential([keras.layers.Input((2,)), keras.layers.Dense(32, activation="tanh"), keras.layers.Dense(1)])
model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True), optimizer=keras.optimizers.SGD(momentum=0.9))
model.fit(trainX, trainy, validation_data=(testX, testy), epochs=4, verbose=0, batch_size=16, callbacks=[LearningRateScheduler(step_decay), TerminateOnNaN(), PrintEvery(2)])
model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=True), optimizer=keras.optimizers.SGD(0.005, momentum=0.9))
model.fit(trainX, trainy, validation_data=(testX, testy), epochs=2, verbose=0, callbacks=[ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1)])
"""

CROSS_VALIDATED = """
import numpy as np
import keras
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.utils.class_weight import compute_class_weight

rng = np.random.default_rng(5)
names = rng.choice(["setosa", "versicolor", "virginica"], 300, p=[0.5, 0.3, 0.2])
encoder = LabelEncoder()
encoded_Y = encoder.fit_transform(names)
X = rng.normal(5.0, 2.0, (300, 4)) + 3 * np.eye(3, 4)[encoded_Y]

def baseline_model(n_features, n_classes):
    model = keras.Sequential()
    model.add(keras.Input(shape=(n_features,)))
    for units in (24, 12):
        model.add(keras.layers.Dense(units, kernel_initializer="he_uniform"))
        model.add(keras.layers.LeakyReLU(negative_slope=0.1))
    model.add(keras.layers.Dense(n_classes, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer="nadam", metrics=["accuracy"])
    return model

cvscores = []
for fold, (train, val) in enumerate(StratifiedKFold(n_splits=3, shuffle=True, random_state=7).split(X, encoded_Y)):
    scaler = StandardScaler()
    x_tr, x_va = scaler.fit_transform(X[train]), scaler.transform(X[val])
    weights = compute_class_weight("balanced", classes=np.unique(encoded_Y), y=encoded_Y[train])
    keras.backend.clear_session()
    net = baseline_model(4, 3)
    net.fit(x_tr, encoded_Y[train], epochs=2, batch_size=20, verbose=0, class_weight=dict(enumerate(weights)), validation_data=(x_va, encoded_Y[val]))
    cvscores.append(net.evaluate(x_va, encoded_Y[val], verbose=0)[1])
print("%.2f (+/- %.2f)" % (np.mean(cvscores), np.std(cvscores)))
"""

MULTI_LABEL = """
import numpy as np
import keras as K

n_labels = 6
rng = np.random.default_rng(2)
tags = (rng.random((360, n_labels)) < 0.3).astype("float32")
features = (tags @ rng.normal(size=(n_labels, 20)) + 0.5 * rng.normal(size=(360, 20))).astype("float32")
inp = K.Input((20,))
hid = K.layers.Dense(48)(inp)
hid = K.layers.PReLU()(hid)
hid = K.layers.Dropout(0.3)(hid)
out = K.layers.Dense(n_labels, activation=K.activations.sigmoid)(hid)
net = K.Model(inp, out)
net.compile(K.optimizers.Adam(2e-3), loss=K.losses.BinaryCrossentropy(), metrics=[K.metrics.AUC(multi_label=True)])
net.fit(features[:300], tags[:300], 30, 3, validation_data=(features[300:], tags[300:]))
"""

TAGGER = """
import numpy as np
import keras
from keras import layers, models

VOCAB, TAGS, LENGTH = 40, 5, 9
np.random.seed(0)
sentences = np.random.randint(1, VOCAB, (300, LENGTH))
tags = sentences % TAGS

input_ = layers.Input(shape=(LENGTH,))
model = layers.Embedding(input_dim=VOCAB, output_dim=16, mask_zero=True)(input_)
model = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(model)
model = layers.TimeDistributed(layers.Dense(24, activation="relu"))(model)
out = layers.Dense(TAGS, activation="softmax")(model)
model = models.Model(input_, out)
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(sentences, np.expand_dims(tags, -1), batch_size=30, epochs=2, validation_split=0.1)
"""

TRANSFORMER_BLOCK = """
#!/usr/bin/env python
# coding: utf-8
# In[1]:
import keras
from keras import ops
from keras import layers
import numpy as np

# In[2]:
class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential([layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)])
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs):
        attn_output = self.att(inputs, inputs)
        attn_output = self.dropout1(attn_output)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.dropout2(self.ffn(out1))
        return self.layernorm2(out1 + ffn_output)

class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, maxlen, vocab_size, embed_dim):
        super().__init__()
        self.token_emb = layers.Embedding(input_dim=vocab_size, output_dim=embed_dim)
        self.pos_emb = layers.Embedding(input_dim=maxlen, output_dim=embed_dim)

    def call(self, x):
        positions = ops.arange(0, ops.shape(x)[-1], 1)
        return self.token_emb(x) + self.pos_emb(positions)

# In[3]:
vocab_size, maxlen = 80, 12
y = np.random.randint(2, size=256)
x = np.random.randint(1, 40, (256, maxlen)) + 39 * y[:, None]
x_train, y_train, x_val, y_val = x[:200], y[:200], x[200:], y[200:]

# In[4]:
inputs = layers.Input(shape=(maxlen,))
h = TokenAndPositionEmbedding(maxlen, vocab_size, 16)(inputs)
h = TransformerBlock(16, 2, 32)(h)
h = layers.GlobalAveragePooling1D()(h)
h = layers.Dropout(0.1)(h)
h = layers.Dense(20, activation="relu")(h)
outputs = layers.Dense(2, activation="softmax")(h)
model = keras.Model(inputs=inputs, outputs=outputs)

# In[5]:
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=32, epochs=2, validation_data=(x_val, y_val))
"""

STOCKS = """
import numpy as np
import keras
from sklearn.preprocessing import MinMaxScaler

np.random.seed(1)
prices = 100 + np.cumsum(np.random.normal(0, 1, 500))
split = int(len(prices) * 0.8)
sc = MinMaxScaler(feature_range=(0, 1))
training_set_scaled = sc.fit_transform(prices[:split].reshape(-1, 1))
X_train, y_train = [], []
for i in range(20, split):
    X_train.append(training_set_scaled[i - 20:i, 0])
    y_train.append(training_set_scaled[i, 0])
X_train, y_train = np.array(X_train), np.array(y_train)
X_train = np.reshape(X_train, (X_train.shape[0], X_train.shape[1], 1))
regressor = keras.Sequential()
regressor.add(keras.layers.LSTM(units=16, return_sequences=True, input_shape=(X_train.shape[1], 1)))
regressor.add(keras.layers.Dropout(0.2))
regressor.add(keras.layers.LSTM(units=16))
regressor.add(keras.layers.Dropout(0.2))
regressor.add(keras.layers.Dense(units=1))
regressor.compile(optimizer='adam', loss='mean_squared_error')
regressor.fit(X_train, y_train, epochs=2, batch_size=32)
inputs = sc.transform(prices[split - 20:].reshape(-1, 1))
X_test = np.array([inputs[i - 20:i, 0] for i in range(20, len(inputs))])[:, :, None]
predicted = sc.inverse_transform(regressor.predict(X_test))
"""

BATCHES_BY_HAND = """
import argparse
import numpy as np
import keras

def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=2)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--lr", type=float, default=1e-3)
    return p.parse_args()

def data(n, seed):
    r = np.random.default_rng(seed)
    y = r.integers(0, 4, n)
    return (r.normal(size=(n, 10)) + 2 * np.eye(4, 10)[y]).astype("float32"), y

def network(lr):
    i = keras.Input((10,))
    h = keras.layers.Dense(32, activation="gelu")(i)
    h = keras.layers.LayerNormalization()(h)
    o = keras.layers.Dense(4, activation="softmax")(h)
    m = keras.Model(i, o)
    m.compile(keras.optimizers.Lion(lr), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return m

def main():
    args = parse()
    (x, y), (xv, yv) = data(320, 0), data(64, 1)
    m = network(args.lr)
    for epoch in range(args.epochs):
        order = np.random.permutation(len(x))
        for start in range(0, len(x), args.batch):
            rows = order[start:start + args.batch]
            m.train_on_batch(x[rows], y[rows])
        print(epoch, m.test_on_batch(xv, yv))

if __name__ == "__main__":
    main()
"""

SOUND = {name.lower(): source for name, source in dict(globals()).items() if name.isupper() and isinstance(source, str)}
"""By name; the text of a script."""

TF_TRAIN_STEP = """
import tensorflow as tf
from tensorflow import keras

class CustomModel(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        return {"loss": self.loss_tracker.result()}

    @property
    def metrics(self):
        return [self.loss_tracker]

(x_train, y_train), (x_test, y_test) = tf.keras.datasets.fashion_mnist.load_data()
x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0
train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(10000).batch(64).prefetch(tf.data.AUTOTUNE)
test_ds = tf.data.Dataset.from_tensor_slices((x_test, y_test)).batch(64)
inputs = keras.Input((28, 28, 1))
x = keras.layers.Conv2D(32, 3, activation="relu")(inputs)
x = keras.layers.Flatten()(x)
outputs = keras.layers.Dense(10)(x)
model = CustomModel(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam())
model.fit(train_ds, epochs=3)
probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
"""

TF_IMAGE_GENERATOR = """
from tensorflow.keras.preprocessing.image import ImageDataGenerator
from tensorflow.keras.applications.vgg16 import VGG16, preprocess_input
from tensorflow.keras.layers import Dense, Flatten, Dropout
from tensorflow.keras.models import Model
from tensorflow.keras import optimizers

train_datagen = ImageDataGenerator(rescale=1./255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True)
test_datagen = ImageDataGenerator(rescale=1./255)
training_set = train_datagen.flow_from_directory('data/train', target_size=(224, 224), batch_size=32, class_mode='categorical')
test_set = test_datagen.flow_from_directory('data/test', target_size=(224, 224), batch_size=32, class_mode='categorical', shuffle=False)
vgg = VGG16(input_shape=(224, 224, 3), weights='imagenet', include_top=False)
for layer in vgg.layers:
    layer.trainable = False
x = Flatten()(vgg.output)
x = Dropout(0.5)(x)
prediction = Dense(len(training_set.class_indices), activation='softmax')(x)
model = Model(inputs=vgg.input, outputs=prediction)
model.compile(loss='categorical_crossentropy', optimizer=optimizers.Adam(), metrics=['accuracy'])
r = model.fit(training_set, validation_data=test_set, epochs=5, steps_per_epoch=len(training_set), validation_steps=len(test_set))
"""

TF_DCGAN = """
import tensorflow as tf
from tensorflow.keras import layers

def make_generator_model():
    model = tf.keras.Sequential()
    model.add(layers.Dense(7 * 7 * 64, use_bias=False, input_shape=(100,)))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Reshape((7, 7, 64)))
    model.add(layers.Conv2DTranspose(32, (5, 5), strides=(2, 2), padding='same', use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.LeakyReLU())
    model.add(layers.Conv2DTranspose(1, (5, 5), strides=(2, 2), padding='same', use_bias=False, activation='tanh'))
    return model

def make_discriminator_model():
    model = tf.keras.Sequential()
    model.add(layers.Conv2D(64, (5, 5), strides=(2, 2), padding='same', input_shape=[28, 28, 1]))
    model.add(layers.LeakyReLU())
    model.add(layers.Dropout(0.3))
    model.add(layers.Flatten())
    model.add(layers.Dense(1))
    return model

generator, discriminator = make_generator_model(), make_discriminator_model()
cross_entropy = tf.keras.losses.BinaryCrossentropy(from_logits=True)
generator_optimizer = tf.keras.optimizers.Adam(1e-4)
discriminator_optimizer = tf.keras.optimizers.Adam(1e-4)
(train_images, _), (_, _) = tf.keras.datasets.mnist.load_data()
train_images = train_images.reshape(train_images.shape[0], 28, 28, 1).astype('float32')
train_images = (train_images - 127.5) / 127.5
train_dataset = tf.data.Dataset.from_tensor_slices(train_images).shuffle(60000).batch(256)

@tf.function
def train_step(images):
    noise = tf.random.normal([256, 100])
    with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
        generated_images = generator(noise, training=True)
        real_output = discriminator(images, training=True)
        fake_output = discriminator(generated_images, training=True)
        gen_loss = cross_entropy(tf.ones_like(fake_output), fake_output)
        disc_loss = cross_entropy(tf.ones_like(real_output), real_output) + cross_entropy(tf.zeros_like(fake_output), fake_output)
    gradients_of_generator = gen_tape.gradient(gen_loss, generator.trainable_variables)
    gradients_of_discriminator = disc_tape.gradient(disc_loss, discriminator.trainable_variables)
    generator_optimizer.apply_gradients(zip(gradients_of_generator, generator.trainable_variables))
    discriminator_optimizer.apply_gradients(zip(gradients_of_discriminator, discriminator.trainable_variables))

for epoch in range(50):
    for image_batch in train_dataset:
        train_step(image_batch)
"""

READ_ALONE = {
    name.lower(): source
    for name, source in dict(globals()).items()
    if name.isupper() and isinstance(source, str) and name.lower() not in SOUND
}
"""Of TensorFlow, which is not run here."""
