import os
os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from keras import layers
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 10)).astype("float32")
y = (x.sum(axis=1) > 0).astype("float32")
model = keras.Sequential([
    layers.Dense(64, activation="relu"),
    layers.Dropout(0.3),
    layers.Dense(32, activation="relu", kernel_regularizer=keras.regularizers.l2(1e-4)),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, validation_split=0.2, epochs=4, batch_size=32, verbose=2)
