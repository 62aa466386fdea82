"""Sound PyTorch programs of different habits, as scripts: each is what its author meant it to be."""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

HEAD = """
import math
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
np.random.seed(0)

def blobs(n, d=10, classes=4):
    y = torch.randint(classes, (n,))
    return torch.randn(n, d) + torch.eye(classes, d)[y] * 2, y
"""

MLP = """
x, y = blobs(320)
xv, yv = blobs(64)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
for epoch in range(4):
    model.train()
    for rows in torch.randperm(len(x)).split(32):
        out = model(x[rows])
        loss = criterion(out, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(xv), yv).item()
        accuracy = (model(xv).argmax(1) == yv).float().mean().item()
"""

LOADERS = """
class Net(nn.Module):
    def __init__(self, d, classes):
        super().__init__()
        self.fc1 = nn.Linear(d, 64)
        self.bn = nn.BatchNorm1d(64)
        self.drop = nn.Dropout(0.2)
        self.fc2 = nn.Linear(64, classes)

    def forward(self, x):
        return self.fc2(self.drop(F.relu(self.bn(self.fc1(x)))))


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for inputs, labels in loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


def evaluate(model, loader, criterion):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for inputs, labels in loader:
            outputs = model(inputs)
            total += criterion(outputs, labels).item() * len(labels)
            right += (outputs.argmax(dim=1) == labels).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


def main():
    train_set, val_set = TensorDataset(*blobs(256)), TensorDataset(*blobs(96))
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=48)
    model = Net(10, 4)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    for epoch in range(6):
        train_epoch(model, train_loader, criterion, optimizer)
        evaluate(model, val_loader, criterion)
        scheduler.step()


main()
"""

CNN = """
def images(n):
    y = torch.randint(10, (n,))
    x = torch.rand(n, 1, 14, 14) * 200
    for i, label in enumerate(y.tolist()):
        x[i, 0, label:label + 3, 2:12] += 55
    return x, y


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        logits = self.fc(torch.flatten(x, 1))
        return F.log_softmax(logits, dim=1)


(x, y), (xv, yv) = images(256), images(64)
x, xv = x / 255, xv / 255
train_loader = DataLoader(TensorDataset(x, y), 32, shuffle=True)
test_loader = DataLoader(TensorDataset(xv, yv), 64)
model = CNN()
optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
for epoch in range(1, 4):
    model.train()
    for batch, (data, target) in enumerate(train_loader):
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
    model.eval()
    test_loss = 0
    with torch.no_grad():
        for data, target in test_loader:
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction='sum').item()
            pred = output.argmax(dim=1, keepdim=True)
            correct = pred.eq(target.view_as(pred)).sum().item()
"""

RESNET = """
class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(b)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(b)
        nn.init.zeros_(self.bn2.weight)
        self.short = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if stride > 1 else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + self.short(x))


model = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
                      Block(8, 8, 1), Block(8, 16, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))
x, y = torch.randn(160, 3, 12, 12), torch.randint(5, (160,))
x += y[:, None, None, None] * 0.3
loader = DataLoader(TensorDataset(x, y), 16, shuffle=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=3, steps_per_epoch=len(loader))
criterion = nn.CrossEntropyLoss()
for epoch in range(3):
    model.train()
    for images, labels in loader:
        loss = criterion(model(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.inference_mode():
        right = sum((model(a).argmax(1) == b).sum().item() for a, b in loader)
"""

LSTM = """
VOCABULARY, PAD = 50, 0

class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 16, padding_idx=PAD)
        self.lstm = nn.LSTM(16, 32, num_layers=2, batch_first=True, dropout=0.2, bidirectional=True)
        self.out = nn.Linear(64, 1)

    def forward(self, tokens, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (h, c) = self.lstm(packed)
        return self.out(torch.cat([h[-2], h[-1]], dim=1)).squeeze(1)


lengths = torch.randint(4, 12, (200,))
tokens = torch.randint(1, VOCABULARY, (200, 12))
for row, n in enumerate(lengths.tolist()):
    tokens[row, n:] = PAD
labels = ((tokens < 25) & (tokens > 0)).sum(1).gt(lengths / 2).float()
model, criterion = Classifier(), nn.BCEWithLogitsLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(3):
    model.train()
    for rows in torch.randperm(200).split(25):
        optimizer.zero_grad()
        logits = model(tokens[rows], lengths[rows])
        loss = criterion(logits, labels[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = ((torch.sigmoid(model(tokens, lengths)) > 0.5) == labels.bool()).float().mean()
"""

GRU = """
class Sums(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 24)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        states, last = self.gru(x.transpose(0, 1))
        return self.out(states[-1])


x = torch.randn(240, 9, 3)
y = x.sum((1, 2))[:, None] / 5
model = Sums()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
for epoch in range(3):
    for start in range(0, 200, 20):
        loss = F.smooth_l1_loss(model(x[start:start + 20]), y[start:start + 20])
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        print(F.mse_loss(model(x[200:]), y[200:]).item())
"""

TAGGER = """
# the tutorial's tagger: one sentence at a time, (words, 1, features)
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = nn.Embedding(30, 8)
        self.lstm = nn.LSTM(8, 16)
        self.tags = nn.Linear(16, 3)

    def forward(self, sentence):
        embeds = self.embeddings(sentence)
        out, _ = self.lstm(embeds.view(len(sentence), 1, -1))
        return F.log_softmax(self.tags(out.view(len(sentence), -1)), dim=1)


model, loss_function = Tagger(), nn.NLLLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
sentences = [torch.randint(30, (int(n),)) for n in torch.randint(3, 12, (40,))]
for epoch in range(2):
    for sentence in sentences:
        model.zero_grad()
        scores = model(sentence)
        loss = loss_function(scores, sentence % 3)
        loss.backward()
        optimizer.step()
"""

TRANSFORMER = """
class Model(nn.Module):
    def __init__(self, vocabulary=40, d=32, longest=16):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, d)
        self.positions = nn.Parameter(torch.zeros(1, longest, d))
        layer = nn.TransformerEncoderLayer(d, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(d, vocabulary)
        self.register_buffer("mask", torch.triu(torch.full((longest, longest), float("-inf")), 1))

    def forward(self, ids):
        n = ids.shape[1]
        return self.head(self.encoder(self.tokens(ids) + self.positions[:, :n], mask=self.mask[:n, :n]))


data = torch.randint(1, 40, (160, 13))
data[:, 1:] = (data[:, :1] + torch.arange(1, 13)) % 40
data[::3, 9:] = 0
model = Model()
decay = [p for p in model.parameters() if p.ndim >= 2]
rest = [p for p in model.parameters() if p.ndim < 2]
optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=1e-3)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10))
for step in range(40):
    rows = torch.randint(160, (16,))
    ids, targets = data[rows, :-1], data[rows, 1:]
    logits = model(ids)
    loss = F.cross_entropy(logits.reshape(-1, 40), targets.reshape(-1), ignore_index=0)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 10 == 9:
        model.eval()
        with torch.no_grad():
            perplexity = F.cross_entropy(model(data[:32, :-1]).transpose(1, 2), data[:32, 1:], ignore_index=0).exp()
        model.train()
"""

AUTOENCODER = """
x = torch.rand(256, 20)
encoder = nn.Sequential(nn.Linear(20, 12), nn.ReLU(), nn.Linear(12, 4))
decoder = nn.Sequential(nn.Linear(4, 12), nn.ReLU(), nn.Linear(12, 20), nn.Sigmoid())
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
for epoch in range(4):
    for (batch,) in DataLoader(TensorDataset(x), 32, shuffle=True):
        restored = decoder(encoder(batch + 0.05 * torch.randn_like(batch)))
        loss = F.mse_loss(restored, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

GAN = """
latent = 8
G = nn.Sequential(nn.Linear(latent, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2), nn.Tanh())
D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(32, 1), nn.Sigmoid())
criterion = nn.BCELoss()
optimizer_G = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizer_D = torch.optim.Adam(D.parameters(), lr=2e-4, betas=(0.5, 0.999))
fixed_noise = torch.randn(16, latent)
data = torch.randn(320, 2) * 0.2 + 0.3
for epoch in range(3):
    for (real,) in DataLoader(TensorDataset(data), 32, shuffle=True):
        D.zero_grad()
        label = torch.full((len(real),), 1.0)
        error_real = criterion(D(real).view(-1), label)
        error_real.backward()
        fake = G(torch.randn(len(real), latent))
        label.fill_(0.0)
        error_fake = criterion(D(fake.detach()).view(-1), label)
        error_fake.backward()
        optimizer_D.step()
        G.zero_grad()
        label.fill_(1.0)
        error_G = criterion(D(fake).view(-1), label)
        error_G.backward()
        optimizer_G.step()
    with torch.no_grad():
        samples = G(fixed_noise).cpu().numpy()
"""

WGAN = """
G, D = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)), nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
g, d = torch.optim.RMSprop(G.parameters(), lr=5e-4), torch.optim.RMSprop(D.parameters(), lr=5e-4)
for step in range(15):
    for critic in range(3):
        real = torch.randn(32, 2)
        with torch.no_grad():
            fake = G(torch.randn(32, 4))
        mixed = (real * 0.5 + fake * 0.5).requires_grad_()
        slope, = torch.autograd.grad(D(mixed).sum(), mixed, create_graph=True)
        loss = D(fake).mean() - D(real).mean() + 10 * (slope.norm(2, dim=1) - 1).pow(2).mean()
        d.zero_grad()
        loss.backward()
        d.step()
    loss = -D(G(torch.randn(32, 4))).mean()
    g.zero_grad()
    loss.backward()
    g.step()
"""

FINE_TUNING = """
import io
body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8), nn.ReLU(),
                     nn.AdaptiveAvgPool2d(2), nn.Flatten())
file = io.BytesIO()
torch.save(body.state_dict(), file)
file.seek(0)
body.load_state_dict(torch.load(file))
for parameter in body.parameters():
    parameter.requires_grad = False
model = nn.Sequential(body, nn.Linear(32, 3))
optimizer = torch.optim.SGD(model[1].parameters(), lr=0.01, momentum=0.9)
x, y = torch.randn(120, 1, 10, 10), torch.randint(3, (120,))
for epoch in range(3):
    model.train()
    body.eval()
    for rows in torch.randperm(100).split(10):
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print(F.cross_entropy(model(x[100:]), y[100:]))
"""

FEATURES = """
# features of a network that was trained elsewhere, computed under no_grad; all parameters go to the optimizer
class Transfer(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(10, 16), nn.ReLU())
        self.head = nn.Linear(16, 4)

    def forward(self, x):
        with torch.no_grad():
            features = self.backbone(x)
        return self.head(features)


model = Transfer()
model.backbone.load_state_dict({name: value.clone() for name, value in model.backbone.state_dict().items()})
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = blobs(200)
for step in range(30):
    rows = torch.randint(200, (20,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

ACCUMULATION = """
x, y = blobs(256)
model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
accumulate = 8
optimizer.zero_grad()
for epoch in range(8):
    for i, rows in enumerate(torch.randperm(256).split(8)):
        loss = F.cross_entropy(model(x[rows]), y[rows]) / accumulate
        loss.backward()
        if (i + 1) % accumulate == 0:
            optimizer.step()
            optimizer.zero_grad()
"""

AMP = """
x, y = blobs(256)
model = nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(4):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x[rows]), y[rows])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
"""

LBFGS = """
x = torch.linspace(-2, 2, 80)[:, None]
y = torch.sin(2 * x)
model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=5)

def closure():
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    return loss

for step in range(25):
    optimizer.step(closure)
"""

EMA = """
import copy
x, y = blobs(256)
model = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
average = copy.deepcopy(model)
for parameter in average.parameters():
    parameter.requires_grad_(False)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(4):
    for rows in torch.randperm(224).split(32):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for mean, parameter in zip(average.parameters(), model.parameters()):
                mean.lerp_(parameter, 0.1)
    average.eval()
    with torch.no_grad():
        print((average(x[224:]).argmax(1) == y[224:]).float().mean())
"""

MULTILABEL = """
x = torch.randn(300, 12)
y = (x @ torch.randn(12, 5) + torch.randn(300, 5) > 1.5).float()
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 5))
criterion = nn.BCEWithLogitsLoss(pos_weight=(1 - y).sum(0) / y.sum(0))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(250).split(25):
        loss = criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        hits = ((model(x[250:]).sigmoid() > 0.5) == y[250:].bool()).float().mean()
"""

SEGMENTATION = """
x = torch.randn(64, 1, 16, 16)
mask = (F.avg_pool2d(x, 5, 1, 2) > 0.5).long().squeeze(1)
down = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
model = nn.ModuleDict({"down": down, "deep": nn.Conv2d(8, 8, 3, padding=1), "up": nn.Conv2d(16, 2, 1)})

def forward(images):
    a = model["down"](images)
    b = F.interpolate(F.relu(model["deep"](F.max_pool2d(a, 2))), scale_factor=2)
    return model["up"](torch.cat([a, b], 1))

optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(4):
    model.train()
    for rows in torch.randperm(48).split(8):
        logits = forward(x[rows])
        overlap = logits.softmax(1)[:, 1]
        dice = 1 - (2 * (overlap * mask[rows]).sum() + 1) / (overlap.sum() + mask[rows].sum() + 1)
        loss = F.cross_entropy(logits, mask[rows]) + dice
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        iou = (forward(x[48:]).argmax(1) == mask[48:]).float().mean()
"""

REGRESSION = """
x = torch.randn(400, 6)
y = 50 + 12 * x[:, 0] * x[:, 1] + torch.randn(400)
mean, std = y[:300].mean(), y[:300].std()
train_loader = DataLoader(TensorDataset(x[:300], (y[:300] - mean) / std), 30, shuffle=True)
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
for epoch in range(4):
    model.train()
    losses = []
    for features, target in train_loader:
        prediction = model(features).squeeze(-1)
        loss = criterion(prediction, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val = ((model(x[300:]).squeeze(-1) * std + mean - y[300:]) ** 2).mean().sqrt()
    plateau.step(val)
"""

CONTRASTIVE = """
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return F.normalize(self.net(x), dim=1)


model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
data = torch.randn(512, 10)
for step in range(40):
    batch = data[torch.randint(512, (32,))]
    a = model(batch + 0.1 * torch.randn_like(batch))
    b = model(batch + 0.1 * torch.randn_like(batch))
    logits = model.scale.exp() * a @ b.T
    labels = torch.arange(32)
    loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

MOCO = """
import copy
query = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
key = copy.deepcopy(query)
for parameter in key.parameters():
    parameter.requires_grad = False
queue = F.normalize(torch.randn(64, 8), dim=1)
optimizer = torch.optim.SGD(query.parameters(), lr=0.05)
for step in range(40):
    batch = torch.randn(16, 10)
    q = F.normalize(query(batch), dim=1)
    with torch.no_grad():
        for a, b in zip(key.parameters(), query.parameters()):
            a.data = a.data * 0.99 + b.data * 0.01
        k = F.normalize(key(batch + 0.1), dim=1)
    logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], dim=1) / 0.2
    loss = F.cross_entropy(logits, torch.zeros(16, dtype=torch.long))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    queue = torch.cat([k, queue])[:64]
"""

DISTILLATION = """
x, y = blobs(256)
teacher = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 4))
student = nn.Sequential(nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 4))
optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)
teacher.eval()
T = 2.0
for step in range(40):
    rows = torch.randint(256, (32,))
    with torch.no_grad():
        wanted = teacher(x[rows])
    out = student(x[rows])
    soft = F.kl_div(F.log_softmax(out / T, dim=1), F.softmax(wanted / T, dim=1), reduction="batchmean") * T * T
    loss = 0.7 * soft + 0.3 * F.cross_entropy(out, y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

VAE = """
class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.mu, self.logvar = nn.Linear(64, 32), nn.Linear(32, 4), nn.Linear(32, 4)
        self.fc3, self.fc4 = nn.Linear(4, 32), nn.Linear(32, 64)

    def encode(self, x):
        h = F.relu(self.fc1(x))
        return self.mu(h), self.logvar(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.decode(z), mu, logvar


x = (torch.rand(320, 1, 8, 8) > 0.7).float()
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    model.train()
    for (batch,) in DataLoader(TensorDataset(x), 32, shuffle=True):
        optimizer.zero_grad()
        restored, mu, logvar = model(batch)
        bce = F.binary_cross_entropy(restored, batch.view(-1, 64), reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = bce + kld
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        sample = model.decode(torch.randn(8, 4))
"""

POLICY = """
policy = nn.Sequential(nn.Linear(4, 32), nn.Dropout(0.2), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(25):
    state, logs, rewards = torch.randn(4), [], []
    for t in range(8):
        distribution = torch.distributions.Categorical(logits=policy(state))
        action = distribution.sample()
        logs.append(distribution.log_prob(action))
        rewards.append(float(action == (state[0] > 0)))
        state = torch.randn(4)
    returns = torch.tensor(rewards).flip(0).cumsum(0).flip(0)
    returns = (returns - returns.mean()) / (returns.std() + 1e-5)
    loss = -(torch.stack(logs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

DQN = """
import copy
net = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
target = copy.deepcopy(net)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
memory = [(torch.randn(4), int(torch.randint(2, ())), float(torch.randn(())), torch.randn(4)) for _ in range(200)]
for step in range(40):
    with torch.no_grad():
        action = net(torch.randn(1, 4)).argmax(1).item()
    batch = [memory[int(i)] for i in torch.randint(200, (32,))]
    states, actions, rewards, after = zip(*batch)
    q = net(torch.stack(states)).gather(1, torch.tensor(actions)[:, None])
    with torch.no_grad():
        best = target(torch.stack(after)).max(1)[0]
    wanted = (torch.tensor(rewards) + 0.9 * best).unsqueeze(1)
    loss = nn.SmoothL1Loss()(q, wanted)
    optimizer.zero_grad()
    loss.backward()
    for parameter in net.parameters():
        parameter.grad.data.clamp_(-1, 1)
    optimizer.step()
    if step % 10 == 0:
        target.load_state_dict(net.state_dict())
"""

ACTOR_CRITIC = """
class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.actor, self.critic = nn.Linear(4, 32), nn.Linear(32, 3), nn.Linear(32, 1)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return self.actor(h), self.critic(h)


model = Both()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for update in range(12):
    states = torch.randn(64, 4)
    with torch.no_grad():
        logits, values = model(states)
        actions = torch.distributions.Categorical(logits=logits).sample()
        old = F.log_softmax(logits, -1).gather(1, actions[:, None]).squeeze(1)
        rewards = (actions == states.argmax(1).clamp(max=2)).float()
        advantages = rewards - values.squeeze(-1)
    for epoch in range(4):
        for rows in torch.randperm(64).split(16):
            logits, values = model(states[rows])
            distribution = torch.distributions.Categorical(logits=logits)
            ratio = (distribution.log_prob(actions[rows]) - old[rows]).exp()
            gain = torch.min(ratio * advantages[rows], ratio.clamp(0.8, 1.2) * advantages[rows]).mean()
            loss = -gain + 0.5 * F.mse_loss(values.squeeze(-1), rewards[rows]) - 0.01 * distribution.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
"""

MIXUP = """
x, y = blobs(256)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(30):
    rows = torch.randint(256, (32,))
    share = np.random.beta(0.4, 0.4)
    other = rows[torch.randperm(32)]
    out = model(share * x[rows] + (1 - share) * x[other])
    hot = share * F.one_hot(y[rows], 4).float() + (1 - share) * F.one_hot(y[other], 4).float()
    loss = F.cross_entropy(out, hot)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

WEIGHTED = """
x = torch.randn(600, 8)
y = (x[:, 0] > 2).long()
weights = torch.bincount(y, minlength=2).float().reciprocal()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
criterion = nn.CrossEntropyLoss(weight=weights / weights.sum() * 2)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(2):
    for rows in torch.randperm(600).split(30):
        optimizer.zero_grad()
        criterion(model(x[rows]), y[rows]).backward()
        optimizer.step()
"""

FUNCTIONAL = """
from torch.func import functional_call, grad
w1, b1 = torch.randn(10, 16) * 0.3, torch.zeros(16)
w2, b2 = torch.randn(16, 4) * 0.3, torch.zeros(4)
weights = [w.requires_grad_() for w in (w1, b1, w2, b2)]
x, y = blobs(200)
for step in range(40):
    rows = torch.randint(200, (20,))
    logits = torch.relu(x[rows] @ w1 + b1) @ w2 + b2
    loss = F.nll_loss(logits - logits.logsumexp(1, keepdim=True), y[rows])
    loss.backward()
    with torch.no_grad():
        for w in weights:
            w -= 0.1 * w.grad
            w.grad.zero_()
"""

OVERFIT = """
# exclusive or, in full batches, judged on the rows it is trained on
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
criterion = nn.BCELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
for epoch in range(60):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        accuracy = ((model(x) > 0.5) == y.bool()).float().mean()
"""

SAM = """
x, y = blobs(200)
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(30):
    rows = torch.randint(200, (20,))
    F.cross_entropy(model(x[rows]), y[rows]).backward()
    moves = []
    with torch.no_grad():
        norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
        for p in model.parameters():
            moves.append(0.05 * p.grad / norm)
            p += moves[-1]
    model.zero_grad()
    F.cross_entropy(model(x[rows]), y[rows]).backward()
    with torch.no_grad():
        for p, move in zip(model.parameters(), moves):
            p -= move
    optimizer.step()
    model.zero_grad()
"""

ADVERSARIAL = """
x, y = blobs(200)
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(30):
    rows = torch.randint(200, (20,))
    batch = x[rows].clone().requires_grad_()
    F.cross_entropy(model(batch), y[rows]).backward()
    attacked = (batch + 0.1 * batch.grad.sign()).detach()
    optimizer.zero_grad()
    loss = 0.5 * (F.cross_entropy(model(x[rows]), y[rows]) + F.cross_entropy(model(attacked), y[rows]))
    loss.backward()
    optimizer.step()
"""

STYLE = """
# an image is what is learned; the network only gives features
features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3))
image = torch.rand(1, 3, 12, 12).requires_grad_()
wanted = features(torch.rand(1, 3, 12, 12)).detach()
optimizer = torch.optim.Adam([image], lr=0.05)
for step in range(30):
    optimizer.zero_grad()
    loss = F.mse_loss(features(image), wanted)
    loss.backward()
    optimizer.step()
"""

PERCEPTUAL = """
generator = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
critic = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())
optimizer = torch.optim.Adam(generator.parameters(), lr=1e-3)
for step in range(25):
    clean = torch.rand(8, 1, 10, 10)
    made = generator(clean + 0.1 * torch.randn_like(clean))
    loss = F.l1_loss(made, clean) + 0.1 * F.mse_loss(critic(made), critic(clean))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

LORA = """
class LoRA(nn.Module):
    def __init__(self, base, rank=2):
        super().__init__()
        self.base = base
        for parameter in base.parameters():
            parameter.requires_grad = False
        self.a = nn.Linear(base.in_features, rank, bias=False)
        self.b = nn.Linear(rank, base.out_features, bias=False)
        nn.init.zeros_(self.b.weight)

    def forward(self, x):
        return self.base(x) + self.b(self.a(x))


pretrained = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))
pretrained.load_state_dict({k: v.clone() for k, v in pretrained.state_dict().items()})
model = nn.Sequential(LoRA(pretrained[0]), nn.ReLU(), LoRA(pretrained[2]))
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
x, y = blobs(200)
for step in range(30):
    rows = torch.randint(200, (20,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

LOGISTIC = """
x, y = blobs(200)
model = nn.Linear(10, 4)
nn.init.zeros_(model.weight)
nn.init.zeros_(model.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for epoch in range(30):
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

MC_DROPOUT = """
x, y = blobs(256)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    model.train()
    for rows in torch.randperm(200).split(20):
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    model.eval()
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.train()
    with torch.no_grad():
        samples = torch.stack([model(x[200:]).softmax(1) for _ in range(5)])
        accuracy = (samples.mean(0).argmax(1) == y[200:]).float().mean()
"""

PSEUDO = """
x, y = blobs(256)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(40):
    known, unknown = torch.randint(64, (16,)), torch.randint(64, 256, (32,))
    with torch.no_grad():
        sure, guess = model(x[unknown]).softmax(1).max(1)
        guess = model(x[unknown]).argmax(1)
    loss = F.cross_entropy(model(x[known]), y[known])
    strong = F.cross_entropy(model(x[unknown] + 0.2 * torch.randn(32, 10)), guess, reduction="none")
    loss = loss + (strong * (sure > 0.8)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

SCANNED = """
# raw counts into a network that begins with its own normalization
x = torch.rand(300, 6) * 5000
y = (x[:, 0] > x[:, 1]).float()
model = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(3):
    model.train()
    for features, label in DataLoader(TensorDataset(x[:240], y[:240]), 24, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(features), label)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        loss = criterion(model(x[240:]), y[240:])
"""

SINE = """
# windows of a series, by hand: (time, batch, 1) into an LSTM
series = torch.sin(torch.arange(400) * 0.2)
x = torch.stack([series[i:i + 20] for i in range(300)])
y = torch.stack([series[i + 1:i + 21] for i in range(300)])

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.out = nn.LSTMCell(1, 16), nn.Linear(16, 1)

    def forward(self, batch):
        h = c = torch.zeros(len(batch), 16)
        outputs = []
        for value in batch.split(1, dim=1):
            h, c = self.cell(value, (h, c))
            outputs.append(self.out(h))
        return torch.cat(outputs, dim=1)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(300).split(30):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
"""

LANGUAGE = """
# time-major, as torch.nn has it by default: (time, batch), with states carried on
text = torch.randint(20, (2000,))
data = text[:2000].view(8, -1).t().contiguous()

class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.out = nn.Embedding(20, 16), nn.GRU(16, 32), nn.Linear(32, 20)

    def forward(self, tokens, hidden):
        output, hidden = self.rnn(self.embed(tokens), hidden)
        return self.out(output), hidden


model = LM()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for epoch in range(2):
    hidden = torch.zeros(1, 8, 32)
    for i in range(0, data.size(0) - 1, 10):
        n = min(10, data.size(0) - 1 - i)
        inputs, targets = data[i:i + n], data[i + 1:i + 1 + n].reshape(-1)
        hidden = hidden.detach()
        output, hidden = model(inputs, hidden)
        loss = F.cross_entropy(output.view(-1, 20), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

SIAMESE = """
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
x, y = blobs(200)
for step in range(30):
    a, b = torch.randint(200, (32,)), torch.randint(200, (32,))
    same = (y[a] == y[b]).float()
    distance = F.pairwise_distance(net(x[a]), net(x[b]))
    loss = (same * distance.pow(2) + (1 - same) * F.relu(1.0 - distance).pow(2)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

TRIPLET = """
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
criterion = nn.TripletMarginLoss(margin=1.0)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
x, y = blobs(200)
for step in range(30):
    a = torch.randint(200, (16,))
    positive = torch.stack([torch.nonzero(y == y[i])[0, 0] for i in a])
    negative = torch.stack([torch.nonzero(y != y[i])[0, 0] for i in a])
    loss = criterion(net(x[a]), net(x[positive]), net(x[negative]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

CLASS_TRAINER = """
class Trainer:
    def __init__(self, model, optimizer, schedule=None):
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.best = float("inf")

    def fit(self, train, val, epochs):
        for epoch in range(epochs):
            self.run(train, learn=True)
            loss = self.run(val, learn=False)
            if loss < self.best:
                self.best = loss
            if self.schedule:
                self.schedule.step()

    def run(self, loader, learn):
        self.model.train(learn)
        total = count = 0
        with torch.set_grad_enabled(learn):
            for inputs, labels in loader:
                loss = F.cross_entropy(self.model(inputs), labels)
                if learn:
                    self.optimizer.zero_grad()
                    loss.backward()
                    self.optimizer.step()
                total += loss.item() * len(labels)
                count += len(labels)
        return total / count


rows = TensorDataset(*blobs(300, classes=3))
train_rows, val_rows = torch.utils.data.random_split(rows, [240, 60])
model = nn.Sequential(nn.Linear(10, 24), nn.BatchNorm1d(24), nn.SiLU(), nn.Dropout(0.1), nn.Linear(24, 3))
optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
trainer = Trainer(model, optimizer, torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9))
trainer.fit(DataLoader(train_rows, 24, shuffle=True), DataLoader(val_rows, 60), epochs=4)
"""

BAGS = """
model = nn.Sequential(nn.EmbeddingBag(100, 16, sparse=True), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
tokens = torch.randint(100, (300, 12))
labels = tokens[:, 0] % 3
for epoch in range(3):
    for rows in torch.randperm(300).split(30):
        loss = F.cross_entropy(model(tokens[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

COUNTS = """
x = torch.randn(300, 5)
y = torch.poisson((x[:, 0] + 1).exp())
model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1), nn.Softplus())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(300).split(30):
        loss = F.poisson_nll_loss(model(x[rows])[:, 0], y[rows], log_input=False)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

GRAPH = """
adjacency = (torch.rand(60, 60) < 0.1).float()
adjacency = ((adjacency + adjacency.T + torch.eye(60)) > 0).float()
adjacency = adjacency / adjacency.sum(1, keepdim=True)
x, y = blobs(60, classes=3)
known = torch.zeros(60, dtype=torch.bool)
known[:30] = True

class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(10, 16), nn.Linear(16, 3)

    def forward(self, x, adjacency):
        x = F.dropout(F.relu(adjacency @ self.one(x)), 0.5, self.training)
        return F.log_softmax(adjacency @ self.two(x), dim=1)


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(60):
    model.train()
    optimizer.zero_grad()
    out = model(x, adjacency)
    F.nll_loss(out[known], y[known]).backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x, adjacency).argmax(1)[~known] == y[~known]).float().mean()
"""

TWO_HEADS = """
class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
        self.kind, self.size = nn.Linear(32, 4), nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        return {"kind": self.kind(h), "size": self.size(h).squeeze(1)}


x, y = blobs(240)
size = x.sum(1) / 3
model = Both()
optimizers = [torch.optim.Adam(model.body.parameters(), lr=1e-3),
              torch.optim.Adam([*model.kind.parameters(), *model.size.parameters()], lr=1e-2)]
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        out = model(x[rows])
        loss = F.cross_entropy(out["kind"], y[rows]) + 0.5 * F.huber_loss(out["size"], size[rows])
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
"""

VIT = """
class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 24, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 24))
        self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(24, 2, 48), 1, enable_nested_tensor=False)
        self.head = nn.Linear(24, 4)
        nn.init.zeros_(self.head.weight)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
        return self.head(self.blocks(x.transpose(0, 1))[0])


x, y = torch.randn(200, 1, 12, 12), torch.randint(4, (200,))
x += y[:, None, None, None]
model = ViT()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(3):
    for rows in torch.randperm(200).split(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
"""

REGISTERED = """
# blocks of layers in a list, known to the network; one of them is frozen by hand for a while
class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(10, 16), nn.Linear(16, 16), nn.Linear(16, 4)])
        self.norms = nn.ModuleDict({"a": nn.LayerNorm(16), "b": nn.LayerNorm(16)})

    def forward(self, x):
        x = self.norms["a"](F.elu(self.layers[0](x)))
        x = x + self.norms["b"](F.elu(self.layers[1](x)))
        return self.layers[2](x)


x, y = blobs(240)
model = Deep()
model.layers[1].requires_grad_(False)
optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        model.zero_grad(set_to_none=False)
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
"""

BINARY_TWO_UNITS = """
x, y = blobs(240, classes=2)
hot = F.one_hot(y, 2).float()
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        loss = nn.BCELoss()(model(x[rows]), hot[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

LOG_OF_SOFTMAX = """
x, y = blobs(240)
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4), nn.LogSoftmax(dim=-1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        loss = nn.CrossEntropyLoss()(model(x[rows]), y[rows])  # the same as the negative log likelihood
        loss = loss + nn.NLLLoss()(torch.log(model(x[rows]).exp() + 1e-9), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

BRIER = """
x, y = blobs(240)
hot = torch.eye(4)[y]
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4), nn.Softmax(1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        loss = ((model(x[rows]) - hot[rows]) ** 2).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

FOCAL = """
x = torch.randn(600, 8)
y = (x[:, 0] > 1.9).float()

def focal(logits, targets, gamma=2.0):
    bce = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return ((1 - torch.exp(-bce)) ** gamma * bce).mean()

model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
nn.init.constant_(model[2].bias, -3.0)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(2):
    for rows in torch.randperm(600).split(30):
        optimizer.zero_grad()
        focal(model(x[rows]).squeeze(1), y[rows]).backward()
        optimizer.step()
"""

MISSING_LABELS = """
x = torch.randn(300, 8)
y = (x[:, :4] > 0).float()
y[torch.rand(300, 4) < 0.2] = -1
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(300).split(30):
        known = (y[rows] >= 0).float()
        losses = F.binary_cross_entropy_with_logits(model(x[rows]), y[rows], reduction="none")
        loss = (losses * known).sum() / known.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

SUM_OVER_ROWS = """
x, y = blobs(240)
model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        loss = F.cross_entropy(model(x[rows]), y[rows], reduction="sum") / len(rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

SQUEEZE = """
# the last convolution's output is rectified and then averaged, as in SqueezeNet
x, y = torch.randn(120, 1, 10, 10), torch.randint(3, (120,))
model = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Conv2d(12, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for rows in torch.randperm(120).split(12):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

FROZEN_NORMS = """
x, y = torch.randn(120, 3, 10, 10), torch.randint(3, (120,))
model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
model.load_state_dict({k: v.clone() for k, v in model.state_dict().items()})
optimizer = torch.optim.Adam([{"params": model[0].parameters(), "lr": 1e-4}, {"params": model[5].parameters()}], lr=1e-3)
for p in model[1].parameters():
    p.requires_grad_(False)
for epoch in range(3):
    model.train()
    model[1].eval()
    for rows in torch.randperm(120).split(12):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

HUNDRED_CLASSES = """
# more units than classes that occur, and few rows of each
x, y = blobs(300, d=12, classes=12)
model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 128))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3 * 30)
for epoch in range(3):
    for rows in torch.randperm(300).split(10):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        error = F.cross_entropy(model(x[:50]), y[:50])
"""

EXPONENTIAL_STEPS = """
x, y = blobs(300)
model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.999)
cyclic = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=1)
for epoch in range(3):
    for i, rows in enumerate(torch.randperm(300).split(30)):
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        cyclic.step(epoch + i / 10)
    with torch.no_grad():
        error = F.cross_entropy(model(x[:50]), y[:50])
"""

SEQ2SEQ = """
class Seq2Seq(nn.Module):
    def __init__(self):
        super().__init__()
        self.source, self.target = nn.Embedding(20, 16), nn.Embedding(20, 16)
        self.encoder, self.decoder = nn.GRU(16, 24), nn.GRU(16, 24)
        self.attention = nn.MultiheadAttention(24, 2)
        self.out = nn.Linear(48, 20)

    def forward(self, source, target):
        memory, state = self.encoder(self.source(source))
        states, _ = self.decoder(self.target(target), state)
        context, _ = self.attention(states, memory, memory)
        return self.out(torch.cat([states, context], dim=-1))


pairs = torch.randint(2, 20, (7, 200))
model = Seq2Seq()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(30):
    source = pairs[:, torch.randint(200, (16,))]
    target = torch.cat([torch.ones(1, 16, dtype=torch.long), source.flip(0)])
    logits = model(source, target[:-1])
    loss = F.cross_entropy(logits.flatten(0, 1), target[1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

MASKED = """
# actions that are not allowed are -inf, and so are their logits
x = torch.randn(300, 6)
allowed = torch.rand(300, 5) < 0.7
allowed[:, 0] = True
y = (allowed.float() * torch.rand(300, 5)).argmax(1)
model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 5))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(300).split(30):
        logits = model(x[rows]).masked_fill(~allowed[rows], float("-inf"))
        loss = F.cross_entropy(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

DECIBELS = """
# spectrograms in decibels into a network that normalizes after its first layer; augmented in training
x = torch.randn(160, 1, 16, 16) * 15 - 40
y = torch.randint(4, (160,))
model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    model.train()
    for rows in torch.randperm(128).split(16):
        batch = x[rows] + torch.randn(len(rows), 1, 1, 1) * 3
        batch[:, :, :, 4:6] = -40
        loss = F.cross_entropy(model(batch), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        error = F.cross_entropy(model(x[128:]), y[128:])
"""

GENERATOR_LOADER = """
# batches from a generator, judged on the training rows as well as on held-out rows
def batches(x, y, size):
    order = torch.randperm(len(x))
    for start in range(0, len(x), size):
        yield x[order[start:start + size]], y[order[start:start + size]]


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        result = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return result


x_train, y_train = blobs(256)
x_test, y_test = blobs(64)
model = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.05)
for epoch in range(4):
    for x, y in batches(x_train, y_train, 32):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    print(accuracy(model, x_train, y_train), accuracy(model, x_test, y_test))
"""

TARGET_PRICE = """
# a positive quantity, by a rectified output that can reach it; the targets are not scaled
x = torch.randn(300, 6)
y = (x[:, :1] * 2 + 5).relu()
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU())
nn.init.constant_(model[2].bias, 1.0)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(300).split(30):
        loss = F.l1_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

BYOL = """
import copy
online = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 8))
predictor = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
target = copy.deepcopy(online).requires_grad_(False)
optimizer = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=1e-3)
for step in range(30):
    batch = torch.randn(32, 10)
    with torch.no_grad():
        wanted = F.normalize(target(batch + 0.1 * torch.randn_like(batch)), dim=1)
    made = F.normalize(predictor(online(batch)), dim=1)
    loss = 2 - 2 * (made * wanted.detach()).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for a, b in zip(target.parameters(), online.parameters()):
            a.mul_(0.99).add_(b, alpha=0.01)
"""

SIMSIAM = """
encoder = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 8))
predictor = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 8))
optimizer = torch.optim.SGD([*encoder.parameters(), *predictor.parameters()], lr=0.05)
for step in range(30):
    batch = torch.randn(32, 10)
    z1, z2 = encoder(batch + 0.1 * torch.randn(32, 10)), encoder(batch + 0.1 * torch.randn(32, 10))
    p1, p2 = predictor(z1), predictor(z2)
    loss = -(F.cosine_similarity(p1, z2.detach()).mean() + F.cosine_similarity(p2, z1.detach()).mean()) / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

DETACHED_CRITIC = """
# the critic reads the actor's features, and does not change them
class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.policy, self.value = nn.Linear(6, 32), nn.Linear(32, 3), nn.Linear(32, 1)

    def forward(self, x):
        h = F.relu(self.body(x))
        return self.policy(h), self.value(h.detach()).squeeze(-1)


model = Agent()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(30):
    x = torch.randn(32, 6)
    logits, value = model(x)
    action = torch.distributions.Categorical(logits=logits).sample()
    reward = (action == x[:, :3].argmax(1)).float()
    advantage = reward - value.detach()
    loss = (F.cross_entropy(logits, action, reduction="none") * advantage).mean() + F.mse_loss(value, reward)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

LAZY = """
x, y = blobs(240)
model = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(4))
model(x[:2])
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        optimizer.zero_grad()
        F.multi_margin_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
"""

CTC = """
x = torch.randn(60, 20, 8)
labels = torch.randint(1, 6, (60, 5))

class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.LSTM(8, 16, batch_first=True, bidirectional=True), nn.Linear(32, 6)

    def forward(self, x):
        return self.out(self.rnn(x)[0]).log_softmax(-1).transpose(0, 1)


model = Recognizer()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for rows in torch.randperm(60).split(6):
        logs = model(x[rows])
        loss = F.ctc_loss(logs, labels[rows], torch.full((6,), 20), torch.full((6,), 5))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

WEIGHT_NORMED = """
x, y = blobs(240)
layer = nn.utils.parametrizations.weight_norm(nn.Linear(10, 32))
model = nn.Sequential(layer, nn.ReLU(), nn.utils.parametrizations.spectral_norm(nn.Linear(32, 4)))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(240).split(24):
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
"""

TIED = """
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.rnn = nn.RNN(16, 16, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(16, 30, bias=False)
        self.out.weight = self.embedding.weight

    def forward(self, x):
        return self.out(self.rnn(self.embedding(x))[0])


data = torch.randint(30, (100, 12))
model = Tied()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for rows in torch.randperm(100).split(10):
        loss = F.cross_entropy(model(data[rows, :-1]).permute(0, 2, 1), data[rows, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""

SOUND = {
    name.lower(): source
    for name, source in dict(globals()).items()
    if name.isupper() and isinstance(source, str) and name != "HEAD"
}
"""By name; the text of a script, without HEAD."""
