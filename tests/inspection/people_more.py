"""Sound programs that are short, in more habits: names of other languages, helper classes, two optimizers, estimators."""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

VINOS = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(7)
datos, clases = load_wine(return_X_y=True)
X_ent, X_pru, y_ent, y_pru = train_test_split(datos, clases, test_size=0.25, random_state=1, stratify=clases)
escala = StandardScaler().fit(X_ent)
X_ent = torch.tensor(escala.transform(X_ent), dtype=torch.float32)
X_pru = torch.tensor(escala.transform(X_pru), dtype=torch.float32)
y_ent, y_pru = torch.tensor(y_ent), torch.tensor(y_pru)

oculta = nn.Linear(13, 24)
salida = nn.Linear(24, 3)
parametros = list(oculta.parameters()) + list(salida.parameters())
optimizador = torch.optim.Adam(parametros, lr=0.01)

def red(x):
    h = torch.tanh(oculta(x))
    return F.log_softmax(salida(h), dim=1)

for epoca in range(4):
    orden = torch.randperm(len(X_ent))
    for i in range(0, len(X_ent), 16):
        lote = orden[i:i + 16]
        prediccion = red(X_ent[lote])
        perdida = F.nll_loss(prediccion, y_ent[lote])
        optimizador.zero_grad()
        perdida.backward()
        optimizador.step()
    with torch.no_grad():
        aciertos = (red(X_pru).argmax(1) == y_pru).float().mean()
    print(f"epoca {epoca}: perdida {perdida.item():.3f}, aciertos {aciertos:.3f}")
"""

DIGITS_TRAINER = """
from dataclasses import dataclass, field
import torch
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, Dataset, Subset
from sklearn.datasets import load_digits

class Digits(Dataset):
    def __init__(self):
        bunch = load_digits()
        self.images = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16.0
        self.labels = torch.tensor(bunch.target)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]

class ConvNet(nn.Module):
    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU()
        self.fc = nn.Linear(8 * 4 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.max_pool2d(self.act(self.norm(self.conv(x))), 2)
        return self.fc(x.flatten(1))

@dataclass
class Trainer:
    net: nn.Module
    lr: float = 1e-2
    epochs: int = 2
    history: list = field(default_factory=list)

    def __post_init__(self):
        self.opt = optim.SGD(self.net.parameters(), lr=self.lr, momentum=0.9)
        self.objective = nn.CrossEntropyLoss()

    def fit(self, train: DataLoader, valid: DataLoader) -> None:
        for _ in range(self.epochs):
            self.net.train()
            for images, labels in train:
                self.opt.zero_grad()
                scores = self.net(images)
                loss = self.objective(scores, labels)
                loss.backward()
                self.opt.step()
            self.history.append(self.accuracy(valid))

    @torch.no_grad()
    def accuracy(self, loader: DataLoader) -> float:
        self.net.eval()
        hits = sum((self.net(images).argmax(1) == labels).sum().item() for images, labels in loader)
        return hits / len(loader.dataset)

torch.manual_seed(0)
digits = Digits()
order = torch.randperm(len(digits)).tolist()
training = DataLoader(Subset(digits, order[:1400]), batch_size=50, shuffle=True)
validation = DataLoader(Subset(digits, order[1400:]), batch_size=100)
trainer = Trainer(ConvNet())
trainer.fit(training, validation)
print(trainer.history)
"""

WELLEN = """
import numpy as np
import torch
from torch import nn

def wellen(anzahl, laenge=24, seed=3):
    zufall = np.random.default_rng(seed)
    klasse = zufall.integers(0, 3, anzahl)
    phase = zufall.uniform(0, 2 * np.pi, (anzahl, 1))
    zeit = np.arange(laenge)[None, :]
    signal = np.sin(phase + zeit * (0.25 + 0.35 * klasse[:, None])) + 0.1 * zufall.normal(size=(anzahl, laenge))
    return torch.tensor(signal, dtype=torch.float32).unsqueeze(-1), torch.tensor(klasse)

class Klassifizierer(nn.Module):
    def __init__(self, breite=20):
        super().__init__()
        self.lstm = nn.LSTM(1, breite, batch_first=True)
        self.ausgang = nn.Linear(breite, 3)

    def forward(self, reihe):
        zustaende, _ = self.lstm(reihe)
        return self.ausgang(zustaende[:, -1])

def eine_epoche(netz, verlust, optimierer, x, y):
    netz.train()
    summe = 0.0
    for stapel in torch.randperm(len(x)).split(40):
        optimierer.zero_grad()
        fehler = verlust(netz(x[stapel]), y[stapel])
        fehler.backward()
        nn.utils.clip_grad_norm_(netz.parameters(), 1.0)
        optimierer.step()
        summe += fehler.item() * len(stapel)
    return summe / len(x)

def pruefen(netz, x, y):
    netz.eval()
    with torch.inference_mode():
        return (netz(x).argmax(-1) == y).float().mean().item()

def main():
    torch.manual_seed(0)
    x, y = wellen(900)
    x_pruef, y_pruef = wellen(200, seed=4)
    netz = Klassifizierer()
    optimierer = torch.optim.RMSprop(netz.parameters(), lr=2e-3)
    verlust = nn.CrossEntropyLoss()
    for epoche in range(3):
        print(epoche, eine_epoche(netz, verlust, optimierer, x, y), pruefen(netz, x_pruef, y_pruef))

if __name__ == "__main__":
    main()
"""

ESTIMATOR = """
import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

class NetRegressor(BaseEstimator, RegressorMixin):
    def __init__(self, hidden=32, lr=0.01, batch_size=32, epochs=5):
        self.hidden = hidden
        self.lr = lr
        self.batch_size = batch_size
        self.epochs = epochs

    def build(self, n_in):
        return torch.nn.Sequential(
            torch.nn.Linear(n_in, self.hidden),
            torch.nn.BatchNorm1d(self.hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(self.hidden, 1),
        )

    def fit(self, X, y):
        torch.manual_seed(0)
        X = torch.as_tensor(np.asarray(X), dtype=torch.float32)
        self.mean_, self.scale_ = y.mean(), y.std()
        target = torch.as_tensor((y - self.mean_) / self.scale_, dtype=torch.float32).view(-1, 1)
        self.net_ = self.build(X.shape[1])
        optim = torch.optim.Adam(self.net_.parameters(), lr=self.lr)
        mse = torch.nn.MSELoss()
        self.net_.train()
        for _ in range(self.epochs):
            perm = torch.randperm(len(X))
            for start in range(0, len(X) - self.batch_size + 1, self.batch_size):
                idx = perm[start:start + self.batch_size]
                optim.zero_grad()
                loss = mse(self.net_(X[idx]), target[idx])
                loss.backward()
                optim.step()
        return self

    def predict(self, X):
        self.net_.eval()
        with torch.no_grad():
            out = self.net_(torch.as_tensor(np.asarray(X), dtype=torch.float32))
        return out.numpy().ravel() * self.scale_ + self.mean_

X, y = load_diabetes(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, random_state=0)
model = make_pipeline(StandardScaler(), NetRegressor())
model.fit(X_tr, y_tr)
print("R2", model.score(X_te, y_te))
"""

TWO_OPTIMIZERS = """
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(1)
ACCUMULATE = 2
base = torch.randn(3, 12)
group = torch.randint(3, (360,))
points = base[group] + 0.5 * torch.randn(360, 12)

class Encoder(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        self.first = nn.Linear(12, 16)
        self.stack = nn.ModuleList(nn.Linear(16, 16) for _ in range(depth))
        self.code = nn.Linear(16, 4)

    def forward(self, x):
        x = F.elu(self.first(x))
        for layer in self.stack:
            x = x + F.elu(layer(x))
        return self.code(x)

class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 12))

    def forward(self, z):
        return self.net(z)

encoder, decoder = Encoder(), Decoder()
opt_enc = torch.optim.AdamW(encoder.parameters(), lr=2e-3)
opt_dec = torch.optim.SGD(decoder.parameters(), lr=0.05, momentum=0.9)

for epoch in range(3):
    opt_enc.zero_grad()
    opt_dec.zero_grad()
    total = 0.0
    for i, rows in enumerate(torch.randperm(360).split(30)):
        batch = points[rows]
        z = encoder(batch)
        restored = decoder(z)
        loss = F.mse_loss(restored, batch) / ACCUMULATE
        loss.backward()
        total += loss.item()
        if (i + 1) % ACCUMULATE == 0:
            opt_enc.step()
            opt_dec.step()
            opt_enc.zero_grad()
            opt_dec.zero_grad()
    print(epoch, total)
"""

DONNEES = """
import numpy as np
import torch
from torch import nn, optim
from sklearn.datasets import make_blobs

class Donnees:
    '''Lots de donnees melanges.'''
    def __init__(self, x, y, taille=32):
        self.x, self.y, self.taille = x, y, taille

    def __iter__(self):
        ordre = np.random.permutation(len(self.x))
        for debut in range(0, len(ordre), self.taille):
            choix = ordre[debut:debut + self.taille]
            yield torch.from_numpy(self.x[choix]), torch.from_numpy(self.y[choix])

class Pas:
    '''Un pas d'apprentissage.'''
    def __init__(self, modele, critere, optimiseur):
        self.modele, self.critere, self.optimiseur = modele, critere, optimiseur

    def __call__(self, lot, etiquettes):
        self.optimiseur.zero_grad()
        perte = self.critere(self.modele(lot), etiquettes)
        perte.backward()
        self.optimiseur.step()
        return float(perte)

np.random.seed(0)
torch.manual_seed(0)
x, y = make_blobs(800, n_features=6, centers=4, cluster_std=2.0, random_state=5)
x = ((x - x[:600].mean(0)) / x[:600].std(0)).astype(np.float32)
y = y.astype(np.int64)
apprentissage = Donnees(x[:600], y[:600])
validation = Donnees(x[600:], y[600:])

modele = nn.Sequential()
modele.add_module("entree", nn.Linear(6, 32))
modele.add_module("relu", nn.ReLU())
modele.add_module("sortie", nn.Linear(32, 4))
modele.add_module("log", nn.LogSoftmax(dim=1))
pas = Pas(modele, nn.NLLLoss(), optim.Adagrad(modele.parameters(), lr=0.05))

for epoque in range(4):
    modele.train()
    pertes = [pas(lot, etiquettes) for lot, etiquettes in apprentissage]
    modele.eval()
    with torch.no_grad():
        juste = np.mean([(modele(lot).argmax(1) == e).float().mean().item() for lot, e in validation])
    print(f"{epoque}: perte {np.mean(pertes):.4f}, juste {juste:.3f}")
"""

ATTENTION = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import TensorDataset, DataLoader, random_split

torch.manual_seed(0)
VOCAB, LENGTH = 20, 10

class Reader(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, dim)
        self.position = nn.Parameter(torch.randn(1, LENGTH, dim) * 0.02)
        self.attention = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.head = nn.Linear(dim, 2)

    def forward(self, tokens):
        h = self.embed(tokens) + self.position
        mixed, _ = self.attention(h, h, h, need_weights=False)
        out, last = self.gru(F.layer_norm(h + mixed, h.shape[-1:]))
        return self.head(out.mean(dim=1))

tokens = torch.randint(VOCAB, (480, LENGTH))
labels = (tokens < 8).sum(1).gt(3).long()
train_set, val_set = random_split(TensorDataset(tokens, labels), [400, 80])
train_dl = DataLoader(train_set, batch_size=25, shuffle=True, drop_last=True)
val_dl = DataLoader(val_set, batch_size=80)
model = Reader()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.3, total_iters=3)

for epoch in range(1, 4):
    model.train()
    running = []
    for tok, lab in train_dl:
        logits = model(tok)
        loss = F.cross_entropy(logits, lab)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        running.append(loss.item())
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val_loss = sum(F.cross_entropy(model(t), l).item() for t, l in val_dl) / len(val_dl)
    print(f"Epoch {epoch}: train {sum(running) / len(running):.3f} val {val_loss:.3f}")
"""

KERAS_FUNCTIONAL = """
import numpy as np
from keras import Input, Model, layers, optimizers, utils
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

utils.set_random_seed(3)
pixels, digit = load_digits(return_X_y=True)
pixels = (pixels / 16.0).astype("float32")
train_x, test_x, train_y, test_y = train_test_split(pixels, digit, test_size=0.2, random_state=0)

inp = Input(shape=(64,), name="pixels")
h = layers.Dense(32, name="hidden")(inp)
h = layers.BatchNormalization(name="norm")(h)
h = layers.Activation("relu", name="relu")(h)
out = layers.Dense(10, activation="softmax", name="digit")(h)
net = Model(inp, out)
net.compile(optimizer=optimizers.SGD(learning_rate=0.05, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = net.fit(train_x, train_y, batch_size=64, epochs=2, validation_data=(test_x, test_y), verbose=0)
print(history.history["val_accuracy"][-1])
"""

KERAS_SERIES = """
import keras
import numpy as np

WINDOW = 12

def make_windows(series):
    windows = np.lib.stride_tricks.sliding_window_view(series, WINDOW + 1)
    return windows[:, :WINDOW, None], windows[:, WINDOW:]

def build_model(units=16):
    inputs = keras.Input(shape=(WINDOW, 1))
    x = keras.layers.GRU(units, return_sequences=True)(inputs)
    x = keras.layers.GRU(units)(x)
    outputs = keras.layers.Dense(1)(x)
    return keras.Model(inputs, outputs, name="forecaster")

if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    t = np.arange(500)
    series = np.sin(t / 7.0) + 0.05 * np.random.default_rng(0).normal(size=500)
    series = ((series - series[:400].mean()) / series[:400].std()).astype("float32")
    x_train, y_train = make_windows(series[:400])
    x_val, y_val = make_windows(series[400:])
    model = build_model()
    model.compile(keras.optimizers.Adam(0.003), loss=keras.losses.MeanSquaredError(), metrics=["mae"])
    model.fit(x_train, y_train, epochs=2, batch_size=32, validation_data=(x_val, y_val), verbose=0)
    print(model.evaluate(x_val, y_val, verbose=0))
"""

KERAS_SUBCLASS = """
import numpy as np
import keras
from keras.layers import LSTM, Bidirectional, Dense, Dropout, Embedding

class Sentiments(keras.Model):
    def __init__(self, vocabulary, classes, **kwargs):
        super().__init__(**kwargs)
        self.embedding = Embedding(vocabulary, 8)
        self.recurrent = Bidirectional(LSTM(8, return_sequences=False))
        self.dropout = Dropout(0.2)
        self.classify = Dense(classes, activation="softmax")

    def call(self, tokens, training=False):
        x = self.embedding(tokens)
        x = self.recurrent(x)
        x = self.dropout(x, training=training)
        return self.classify(x)

keras.utils.set_random_seed(1)
rng = np.random.default_rng(1)
tokens = rng.integers(1, 30, (360, 8))
mood = (tokens < 12).sum(1) // 3
mood = np.clip(mood, 0, 2)
model = Sentiments(vocabulary=30, classes=3)
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(tokens[:300], mood[:300], epochs=2, batch_size=30, validation_data=(tokens[300:], mood[300:]), verbose=0)
"""

JAX_NOISE = """
import jax
import jax.numpy as jnp
import optax
from sklearn.datasets import load_digits

def init(key, sizes):
    params = []
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        key, sub = jax.random.split(key)
        params.append({"w": jax.random.normal(sub, (n_in, n_out)) * jnp.sqrt(2.0 / n_in), "b": jnp.zeros(n_out)})
    return params

def apply(params, x):
    *hidden, last = params
    for layer in hidden:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ last["w"] + last["b"]

def loss_fn(params, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(apply(params, x), y).mean()

optimizer = optax.adam(3e-3)

@jax.jit
def update(params, opt_state, x, y, key):
    noisy = x + 0.05 * jax.random.normal(key, x.shape)
    loss, grads = jax.value_and_grad(loss_fn)(params, noisy, y)
    updates, opt_state = optimizer.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss

data = load_digits()
X, Y = jnp.asarray(data.data / 16.0), jnp.asarray(data.target)
key = jax.random.PRNGKey(0)
key, init_key = jax.random.split(key)
params = init(init_key, [64, 32, 10])
opt_state = optimizer.init(params)
for epoch in range(2):
    key, order_key = jax.random.split(key)
    order = jax.random.permutation(order_key, 1500)
    for start in range(0, 1500, 50):
        batch = order[start:start + 50]
        key, noise_key = jax.random.split(key)
        params, opt_state, loss = update(params, opt_state, X[batch], Y[batch], noise_key)
    accuracy = (apply(params, X[1500:]).argmax(-1) == Y[1500:]).mean()
    print(epoch, float(loss), float(accuracy))
"""

JAX_CLASS = """
from functools import partial
import jax
from jax import numpy as np
from jax import random
import optax

class Regression:
    def __init__(self, seed, width=16):
        self.key = random.key(seed)
        k1, k2 = random.split(self.next_key())
        self.params = {
            "w1": random.normal(k1, (4, width)) / 2.0, "b1": np.zeros(width),
            "w2": random.normal(k2, (width, 1)) / 4.0, "b2": np.zeros(1),
        }
        self.tx = optax.sgd(0.05, momentum=0.9)
        self.state = self.tx.init(self.params)

    def next_key(self):
        self.key, sub = random.split(self.key)
        return sub

    @staticmethod
    def forward(params, x, key=None, rate=0.1):
        h = np.tanh(x @ params["w1"] + params["b1"])
        if key is not None:
            h = np.where(random.bernoulli(key, 1 - rate, h.shape), h / (1 - rate), 0.0)
        return h @ params["w2"] + params["b2"]

    @partial(jax.jit, static_argnums=0)
    def gradients(self, params, x, y, key):
        def loss(p):
            return ((Regression.forward(p, x, key) - y) ** 2).mean()
        return jax.value_and_grad(loss)(params)

    def fit(self, x, y, epochs):
        for epoch in range(epochs):
            for rows in random.permutation(self.next_key(), len(x)).reshape(-1, 20):
                value, grads = self.gradients(self.params, x[rows], y[rows], self.next_key())
                updates, self.state = self.tx.update(grads, self.state)
                self.params = optax.apply_updates(self.params, updates)
            print(epoch, float(value))

kx, kn = random.split(random.key(42))
x = random.normal(kx, (240, 4))
y = np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3] + 0.1 * random.normal(kn, (240, 1))
Regression(0).fit(x, y, 2)
"""

PYTORCH = {
    "vinos": VINOS,
    "digits_trainer": DIGITS_TRAINER,
    "wellen": WELLEN,
    "estimator": ESTIMATOR,
    "two_optimizers": TWO_OPTIMIZERS,
    "donnees": DONNEES,
    "attention": ATTENTION,
}
KERAS = {"keras_functional": KERAS_FUNCTIONAL, "keras_series": KERAS_SERIES, "keras_subclass": KERAS_SUBCLASS}
JAX = {"jax_noise": JAX_NOISE, "jax_class": JAX_CLASS}
SOUND = {**PYTORCH, **KERAS, **JAX}
