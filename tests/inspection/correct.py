# ruff: noqa: E501  programs as people write them
"""Programs with nothing wrong, in the habits of many people: none of them may be accused."""

from tests.inspection.programs import KERAS, TORCH, program

START = """
model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
"""

PROGRAMS = {
    "gan": program(TORCH, """
        netG = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 8), nn.Tanh())
        netD = nn.Sequential(nn.Linear(8, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Sigmoid())
        criterion = nn.BCELoss()
        optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
        optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
        fixed_noise = torch.randn(64, 16)
        for epoch in range(5):
            for real, _ in train_loader:
                netD.zero_grad()
                errD_real = criterion(netD(real).view(-1), torch.ones(len(real)))
                errD_real.backward()
                fake = netG(torch.randn(len(real), 16))
                errD_fake = criterion(netD(fake.detach()).view(-1), torch.zeros(len(real)))
                errD_fake.backward()
                optimizerD.step()
                netG.zero_grad()
                errG = criterion(netD(fake).view(-1), torch.ones(len(real)))
                errG.backward()
                optimizerG.step()
            with torch.no_grad():
                images = netG(fixed_noise).detach().cpu()
    """),
    "amp": program(TORCH, START, """
        scaler = torch.amp.GradScaler("cpu")
        for epoch in range(5):
            model.train()
            for i, (a, b) in enumerate(train_loader):
                with torch.autocast("cpu"):
                    out = model(a)
                    loss = criterion(out, b)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
                optimizer.zero_grad(set_to_none=True)
    """),
    "accumulation": program(TORCH, START, """
        accumulation = 4
        optimizer.zero_grad()
        for epoch in range(5):
            for i, (a, b) in enumerate(train_loader):
                loss = criterion(model(a), b) / accumulation
                loss.backward()
                if (i + 1) % accumulation == 0:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    optimizer.zero_grad()
    """),
    "lbfgs": program(TORCH, """
        model = nn.Linear(8, 1)
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.8)
        for i in range(15):
            def closure():
                optimizer.zero_grad()
                loss = F.mse_loss(model(x), y.float()[:, None])
                loss.backward()
                return loss
            optimizer.step(closure)
    """),
    "warm restarts": program(TORCH, START, """
        scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10)
        for epoch in range(20):
            for i, (a, b) in enumerate(train_loader):
                optimizer.zero_grad()
                criterion(model(a), b).backward()
                optimizer.step()
                scheduler.step(epoch + i / len(train_loader))
    """),
    "steps counted in thousands": program(TORCH, START, """
        lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2000, gamma=0.5)
        for epoch in range(20):
            for a, b in train_loader:
                optimizer.zero_grad()
                criterion(model(a), b).backward()
                optimizer.step()
                lr_scheduler.step()
    """),
    "warmup": program(TORCH, START, """
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 100))
        for epoch in range(20):
            for a, b in train_loader:
                optimizer.zero_grad()
                criterion(model(a), b).backward()
                optimizer.step()
                scheduler.step()
    """),
    "a schedule of a training in one batch": program(TORCH, START, """
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
        for epoch in range(100):
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
            scheduler.step()
    """),
    "functions": program(TORCH, START, """
        def train(model, loader, optimizer, criterion):
            model.train()
            total = 0.0
            for a, b in loader:
                optimizer.zero_grad()
                out = model(a)
                loss = criterion(out, b)
                loss.backward()
                optimizer.step()
                total += loss.item() * a.size(0)
            return total / len(loader.dataset)

        @torch.no_grad()
        def evaluate(model, loader):
            model.eval()
            right = 0
            for a, b in loader:
                right += (model(a).argmax(dim=1) == b).sum().item()
            return right / len(loader.dataset)

        for epoch in range(10):
            print(train(model, train_loader, optimizer, criterion), evaluate(model, val_loader))
    """),
    "trainer": program(TORCH, """
        class Trainer:
            def __init__(self, model, loader):
                self.model, self.loader = model, loader
                self.criterion = nn.CrossEntropyLoss()
                self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)
                self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, patience=3)

            def train_epoch(self):
                self.model.train()
                for a, b in self.loader:
                    loss = self.criterion(self.model(a), b)
                    self.optimizer.zero_grad()
                    loss.backward()
                    self.optimizer.step()

            def validate(self):
                self.model.eval()
                with torch.no_grad():
                    return sum(self.criterion(self.model(a), b).item() for a, b in val_loader)

            def fit(self, epochs):
                for epoch in range(epochs):
                    self.train_epoch()
                    self.scheduler.step(self.validate())

        Trainer(nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.1), nn.Linear(8, 3)), train_loader).fit(5)
    """),
    "lightning": program("""
        import lightning as L
        import torch
        import torch.nn.functional as F
        from torch import nn

        class Module(L.LightningModule):
            def __init__(self):
                super().__init__()
                self.net = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.Linear(16, 3))

            def forward(self, x):
                return self.net(x)

            def training_step(self, batch, batch_idx):
                x, y = batch
                return F.cross_entropy(self(x), y)

            def validation_step(self, batch, batch_idx):
                x, y = batch
                self.log("val_loss", F.cross_entropy(self(x), y))

            def configure_optimizers(self):
                optimizer = torch.optim.Adam(self.parameters(), lr=1e-3)
                return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 5)]
    """),
    "logits and attention": program(TORCH, """
        class Attention(nn.Module):
            def __init__(self):
                super().__init__()
                self.score = nn.Linear(8, 1)
                self.out = nn.Linear(8, 3)

            def forward(self, x):
                weights = torch.softmax(self.score(x), dim=0)
                pooled = (weights * x).sum(0)
                return self.out(pooled), weights

        model = Attention()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for a, b in train_loader:
            logits, weights = model(a)
            loss = F.cross_entropy(logits[None], b[:1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """),
    "vae": program(TORCH, """
        class VAE(nn.Module):
            def __init__(self):
                super().__init__()
                self.enc, self.mu, self.logvar = nn.Linear(8, 16), nn.Linear(16, 2), nn.Linear(16, 2)
                self.dec = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 8), nn.Sigmoid())

            def forward(self, x):
                h = F.relu(self.enc(x))
                mu, logvar = self.mu(h), self.logvar(h)
                z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
                return self.dec(z), mu, logvar

        def loss_function(recon, x, mu, logvar):
            bce = F.binary_cross_entropy(recon, x, reduction="sum")
            return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())

        model = VAE()
        optimizer = torch.optim.Adam(model.parameters())
        for a, _ in train_loader:
            recon, mu, logvar = model(a.sigmoid())
            loss = loss_function(recon, a.sigmoid(), mu, logvar) / len(a)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """),
    "time first": program(TORCH, """
        class Tagger(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = nn.GRU(8, 16, bidirectional=True)
                self.out = nn.Linear(32, 3)

            def forward(self, x):
                out, h = self.rnn(x.permute(1, 0, 2))
                return self.out(torch.cat([h[-2], h[-1]], dim=1)), out[-1]

        class Last(nn.Module):
            def __init__(self):
                super().__init__()
                self.lstm = nn.LSTM(8, 16, batch_first=True)
                self.out = nn.Linear(16, 3)

            def forward(self, x):
                out, (h, c) = self.lstm(x)
                return self.out(out[:, -1, :]) + self.out(h[-1])
    """),
    "distillation": program(TORCH, START, """
        teacher = nn.Linear(8, 3)
        teacher.eval()
        for a, b in train_loader:
            with torch.no_grad():
                t = teacher(a)
            s = model(a)
            soft = F.kl_div(F.log_softmax(s / 4, dim=1), F.softmax(t / 4, dim=1), reduction="batchmean") * 16
            loss = soft + F.cross_entropy(s, b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """),
    "policy gradient": program(TORCH, """
        policy = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2), nn.Softmax(dim=-1))
        optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
        for episode in range(100):
            state = torch.randn(4)
            probs = policy(state)
            m = torch.distributions.Categorical(probs)
            action = m.sample()
            loss = -m.log_prob(action) * 1.0
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """),
    "probabilities for show": program(TORCH, START, """
        for a, b in train_loader:
            logits = model(a)
            probs = F.softmax(logits, dim=1)
            loss = criterion(logits, b)
            print(probs.max())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            print(F.softmax(model(x), dim=1).argmax(1))
    """),
    "softmax in evaluation alone": program(TORCH, """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(8, 3)

            def forward(self, x):
                x = self.fc(x)
                if self.training:
                    return x
                return F.softmax(x, dim=1)

        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for a, b in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(a), b).backward()
            optimizer.step()
    """),
    "fine-tuning": program("""
        import torch
        from torch import nn, optim
        from torchvision import datasets, models, transforms

        data_transforms = {
            "train": transforms.Compose([transforms.RandomResizedCrop(224), transforms.ToTensor(), transforms.Normalize([0.5], [0.2])]),
            "val": transforms.Compose([transforms.Resize(256), transforms.ToTensor(), transforms.Normalize([0.5], [0.2])]),
        }
        model = models.resnet18(weights="IMAGENET1K_V1")
        for param in model.parameters():
            param.requires_grad = False
        model.fc = nn.Linear(model.fc.in_features, 2)
        criterion = nn.CrossEntropyLoss()
        optimizer = optim.SGD(model.fc.parameters(), lr=0.001, momentum=0.9)
        scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.1)
        for epoch in range(25):
            for phase in ["train", "val"]:
                if phase == "train":
                    model.train()
                else:
                    model.eval()
                for inputs, labels in dataloaders[phase]:
                    optimizer.zero_grad()
                    with torch.set_grad_enabled(phase == "train"):
                        outputs = model(inputs)
                        _, preds = torch.max(outputs, 1)
                        loss = criterion(outputs, labels)
                        if phase == "train":
                            loss.backward()
                            optimizer.step()
                if phase == "train":
                    scheduler.step()
    """),
    "lists of layers": program(TORCH, """
        class MLP(nn.Module):
            def __init__(self, sizes):
                super().__init__()
                layers = []
                for a, b in zip(sizes, sizes[1:]):
                    layers += [nn.Linear(a, b), nn.ReLU()]
                self.sizes = [8, 16, 3]
                self.net = nn.Sequential(*layers[:-1])
                self.blocks = [nn.Linear(3, 3) for _ in range(2)]
                self.blocks = nn.ModuleList(self.blocks)

            def forward(self, x):
                x = self.net(x)
                for block in self.blocks:
                    x = block(x)
                return x
    """),
    "steps by hand": program(TORCH, """
        w = torch.randn(8, 3, requires_grad=True)
        for epoch in range(10):
            for a, b in train_loader:
                loss = F.cross_entropy(a @ w, b)
                loss.backward()
                with torch.no_grad():
                    w -= 0.1 * w.grad
                    w.grad.zero_()
    """),
    "frozen batch norm": program(TORCH, START, """
        for epoch in range(3):
            model.train()
            for module in model.modules():
                if isinstance(module, nn.BatchNorm1d):
                    module.eval()
            for a, b in train_loader:
                optimizer.zero_grad()
                criterion(model(a), b).backward()
                optimizer.step()
    """),
    "evaluated at the end": program(TORCH, START, """
        for epoch in range(3):
            for a, b in train_loader:
                optimizer.zero_grad()
                criterion(model(a), b).backward()
                optimizer.step()
        model.eval()
        with torch.no_grad():
            print((model(x).argmax(1) == y).float().mean())
    """),
    "language model": program(TORCH, """
        class LM(nn.Module):
            def __init__(self, vocab):
                super().__init__()
                self.emb, self.rnn, self.out = nn.Embedding(vocab, 16), nn.LSTM(16, 32), nn.Linear(32, vocab)

            def forward(self, tokens, state=None):
                out, state = self.rnn(self.emb(tokens), state)
                return self.out(out), state

        vocab = 100
        model = LM(vocab)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        state = None
        for i in range(10):
            tokens = torch.randint(0, vocab, (35, 20))
            out, state = model(tokens[:-1], state)
            state = tuple(s.detach() for s in state)
            loss = F.cross_entropy(out.view(-1, vocab), tokens[1:].reshape(-1))
            model.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            optimizer.step()
    """),
    "meta-learning": program(TORCH, START, """
        for step in range(10):
            loss = criterion(model(x), y)
            grads = torch.autograd.grad(loss, list(model.parameters()), create_graph=True)
            penalty = sum(g.pow(2).sum() for g in grads)
            penalty.backward()
            optimizer.step()
            for p in model.parameters():
                p.grad = None
    """),
    "accelerate": program(TORCH, START, """
        from accelerate import Accelerator
        accelerator = Accelerator()
        model, optimizer, train_loader = accelerator.prepare(model, optimizer, train_loader)
        for a, b in train_loader:
            loss = criterion(model(a), b)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
    """),
    "losses summed over tasks": program(TORCH, START, """
        for a, b in train_loader:
            optimizer.zero_grad()
            loss = 0
            for part in (a, a * 2):
                loss = loss + criterion(model(part), b)
            loss = loss / 2
            loss.backward()
            optimizer.step()
    """),
    "a sum divided by its rows": program(TORCH, """
        model = nn.Linear(8, 3)
        criterion = nn.CrossEntropyLoss(reduction="none")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for a, b in train_loader:
            weights = torch.rand(len(b))
            loss = (criterion(model(a), b) * weights).sum() / len(b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """),
    "averages of what is printed": program(TORCH, START, """
        for epoch in range(3):
            running = 0.0
            for a, b in train_loader:
                optimizer.zero_grad()
                loss = criterion(model(a), b)
                loss.backward()
                optimizer.step()
                running += loss.item() / len(a)
            print(running / len(train_loader))
    """),
    "scalers": program("""
        import numpy as np
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import LabelEncoder, StandardScaler

        y = LabelEncoder().fit_transform(labels)
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
        scaler, target = StandardScaler(), StandardScaler()
        X_train = scaler.fit_transform(X_train)
        X_test = scaler.transform(X_test)
        y_train = target.fit_transform(y_train[:, None])
        y_test = target.transform(y_test[:, None])
    """),
    "a function that scales": program(KERAS, """
        def prepare(images):
            return images.astype("float32") / 255

        x_train = x_train / 255
        test_images = prepare(x_test)
        model.fit(x_train, y_train, validation_data=(test_images, y_test))
    """),
    "keras functional": program(KERAS, """
        inputs = keras.Input((8,))
        h = layers.Dense(32, activation="relu")(inputs)
        h = layers.Dropout(0.3)(h)
        a = layers.Dense(3, activation="softmax", name="a")(h)
        b = layers.Dense(1, name="b")(h)
        model = keras.Model(inputs, [a, b])
        model.compile("adam", loss={"a": "sparse_categorical_crossentropy", "b": "mse"})
    """),
    "keras from logits": program(KERAS, """
        model = keras.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)])
        loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
    """),
    "keras layer by layer": program(KERAS, """
        model = keras.Sequential()
        model.add(layers.Dense(16, activation="relu"))
        for _ in range(2):
            model.add(layers.Dense(16, activation="relu"))
        model.add(layers.Dense(1, activation="sigmoid"))
        model.compile(loss="binary_crossentropy", optimizer="adam")
    """),
    "keras transfer": program(KERAS, """
        base = keras.applications.MobileNetV2(include_top=False, pooling="avg")
        base.trainable = False
        model = keras.Sequential([base, layers.Dense(1)])
        model.compile(keras.optimizers.Adam(), loss=keras.losses.BinaryCrossentropy(from_logits=True))
        model.fit(x_train, y_train, epochs=2)
        base.trainable = True
        model.compile(keras.optimizers.Adam(1e-5), loss=keras.losses.BinaryCrossentropy(from_logits=True))
        model.fit(x_train, y_train, epochs=2)
    """),
    "keras regression": program(KERAS, """
        def build():
            m = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dense(1)])
            m.compile(loss="mse", optimizer=keras.optimizers.RMSprop(0.001), metrics=["mae"])
            return m
        model = build()
        model.fit(x_train, y_train, validation_split=0.2)
    """),
    "keras autoencoder": program(KERAS, """
        model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(8, activation="sigmoid")])
        model.compile(optimizer="adam", loss="binary_crossentropy")
        model.fit(x_train, x_train, validation_data=(x_test, x_test))
    """),
    "keras rescaling inside": program(KERAS, """
        model = keras.Sequential([layers.Rescaling(1 / 255), layers.LSTM(16), layers.Dense(3, activation="softmax")])
        model.compile("adam", "categorical_crossentropy")
    """),
    "tensorflow's own loop": program("""
        import tensorflow as tf
        model = tf.keras.Sequential([tf.keras.layers.Dense(10)])
        loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = tf.keras.optimizers.Adam()
        for x, y in dataset:
            with tf.GradientTape() as tape:
                loss = loss_fn(y, model(x, training=True))
            optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
    """),
    "jax": program("""
        import jax
        import jax.numpy as jnp
        import optax
        def loss_fn(params, x, y):
            return optax.softmax_cross_entropy_with_integer_labels(x @ params, y).mean()
        optimizer = optax.adam(1e-3)
        for epoch in range(10):
            loss, grads = jax.value_and_grad(loss_fn)(params, x, y)
            updates, state = optimizer.update(grads, state)
            params = optax.apply_updates(params, updates)
    """),
}  # fmt: skip
