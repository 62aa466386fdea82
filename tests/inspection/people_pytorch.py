"""Sound PyTorch programs in the habits of tutorials, kernels, and repositories: whole scripts, each of its own style.

They were written without a look at how anything is inspected, to measure false alarms.
"""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

TRAINER = """
import copy
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import Dataset, DataLoader, random_split

CONFIG = {"lr": 3e-3, "batch_size": 32, "epochs": 3, "hidden": 64, "dropout": 0.3, "patience": 2}

class TabularDataset(Dataset):
    def __init__(self, n=400):
        generator = torch.Generator().manual_seed(7)
        self.labels = torch.randint(0, 5, (n,), generator=generator)
        self.features = torch.randn(n, 12, generator=generator) + 1.5 * torch.eye(5, 12)[self.labels]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        return self.features[idx], self.labels[idx]

class MLP(nn.Module):
    def __init__(self, in_dim, hidden, out_dim, dropout):
        super(MLP, self).__init__()
        self.net = nn.Sequential(
            nn.Linear(in_dim, hidden), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(hidden, hidden // 2), nn.ReLU(inplace=True),
        )
        self.classifier = nn.Linear(hidden // 2, out_dim)

    def forward(self, x):
        features = self.net(x)
        return self.classifier(features)

class Trainer:
    def __init__(self, model, train_loader, val_loader, config, device="cpu"):
        self.model = model.to(device)
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.device = device
        self.config = config
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = optim.AdamW(self.model.parameters(), lr=config["lr"], weight_decay=1e-4)
        self.scheduler = optim.lr_scheduler.CosineAnnealingLR(self.optimizer, T_max=config["epochs"])
        self.best = float("inf")
        self.best_weights = None

    def train_epoch(self):
        self.model.train()
        total = 0.0
        for batch_idx, (data, target) in enumerate(self.train_loader):
            data, target = data.to(self.device), target.to(self.device)
            self.optimizer.zero_grad()
            output = self.model(data)
            loss = self.criterion(output, target)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()
            total += loss.item()
        return total / len(self.train_loader)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        total, correct = 0.0, 0
        for data, target in self.val_loader:
            data, target = data.to(self.device), target.to(self.device)
            output = self.model(data)
            total += self.criterion(output, target).item() * data.size(0)
            correct += (output.argmax(dim=1) == target).sum().item()
        n = len(self.val_loader.dataset)
        return total / n, correct / n

    def fit(self):
        for epoch in range(self.config["epochs"]):
            train_loss = self.train_epoch()
            val_loss, val_acc = self.validate()
            self.scheduler.step()
            if val_loss < self.best:
                self.best = val_loss
                self.best_weights = copy.deepcopy(self.model.state_dict())
            print(f"Epoch {epoch + 1}: train {train_loss:.4f} val {val_loss:.4f} acc {val_acc:.3f}")
        self.model.load_state_dict(self.best_weights)

if __name__ == "__main__":
    dataset = TabularDataset()
    train_set, val_set = random_split(dataset, [320, 80])
    trainer = Trainer(
        MLP(12, CONFIG["hidden"], 5, CONFIG["dropout"]),
        DataLoader(train_set, batch_size=CONFIG["batch_size"], shuffle=True),
        DataLoader(val_set, batch_size=64),
        CONFIG,
    )
    trainer.fit()
"""

EXAMPLES_MNIST = """
from __future__ import print_function
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR

class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(256, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout2(x)
        x = self.fc2(x)
        output = F.log_softmax(x, dim=1)
        return output

def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print('Train Epoch: {} [{}/{}]\\tLoss: {:.6f}'.format(epoch, batch_idx * len(data), len(train_loader.dataset), loss.item()))
            if args.dry_run:
                break

def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction='sum').item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(test_loader.dataset)
    print('Test set: Average loss: {:.4f}, Accuracy: {}/{}'.format(test_loss, correct, len(test_loader.dataset)))

def digits(n, seed):
    g = torch.Generator().manual_seed(seed)
    shapes = (torch.rand(10, 1, 12, 12, generator=torch.Generator().manual_seed(1)) > 0.7).float()
    labels = torch.randint(0, 10, (n,), generator=g)
    images = (shapes[labels] + 0.2 * torch.rand(n, 1, 12, 12, generator=g) - 0.4) / 0.5
    return torch.utils.data.TensorDataset(images, labels)

def main():
    parser = argparse.ArgumentParser(description='PyTorch MNIST Example')
    parser.add_argument('--batch-size', type=int, default=32, metavar='N')
    parser.add_argument('--epochs', type=int, default=3, metavar='N')
    parser.add_argument('--lr', type=float, default=1.0, metavar='LR')
    parser.add_argument('--gamma', type=float, default=0.7, metavar='M')
    parser.add_argument('--dry-run', action='store_true', default=False)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--log-interval', type=int, default=10)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train_kwargs = {'batch_size': args.batch_size, 'shuffle': True}
    test_kwargs = {'batch_size': 100}
    train_loader = torch.utils.data.DataLoader(digits(512, 3), **train_kwargs)
    test_loader = torch.utils.data.DataLoader(digits(128, 4), **test_kwargs)
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        test(model, device, test_loader)
        scheduler.step()
    torch.save(model.state_dict(), "mnist_cnn.pt")

if __name__ == '__main__':
    main()
"""

WGAN = """
import torch as th
from torch import nn
from torch.optim import RMSprop

latent_dim, n_critic, clip_value = 8, 5, 0.01

def block(in_feat, out_feat, normalize=True):
    layers = [nn.Linear(in_feat, out_feat)]
    if normalize:
        layers.append(nn.BatchNorm1d(out_feat, 0.8))
    layers.append(nn.LeakyReLU(0.2, inplace=True))
    return layers

class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(*block(latent_dim, 32, normalize=False), *block(32, 64), nn.Linear(64, 16), nn.Tanh())

    def forward(self, z):
        return self.model(z)

class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(nn.Linear(16, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def forward(self, img):
        return self.model(img)

generator, discriminator = Generator(), Discriminator()
optimizer_G = RMSprop(generator.parameters(), lr=5e-5)
optimizer_D = RMSprop(discriminator.parameters(), lr=5e-5)
real_data = th.tanh(th.randn(640, 16) * 0.5 + th.linspace(-1, 1, 16))
dataloader = th.utils.data.DataLoader(real_data, batch_size=64, shuffle=True)

batches_done = 0
for epoch in range(4):
    for i, real_imgs in enumerate(dataloader):
        optimizer_D.zero_grad()
        z = th.randn(real_imgs.size(0), latent_dim)
        fake_imgs = generator(z).detach()
        loss_D = -th.mean(discriminator(real_imgs)) + th.mean(discriminator(fake_imgs))
        loss_D.backward()
        optimizer_D.step()
        for p in discriminator.parameters():
            p.data.clamp_(-clip_value, clip_value)
        if i % n_critic == 0:
            optimizer_G.zero_grad()
            gen_imgs = generator(z)
            loss_G = -th.mean(discriminator(gen_imgs))
            loss_G.backward()
            optimizer_G.step()
        batches_done += 1
    print("[Epoch %d] [D loss: %f] [G loss: %f]" % (epoch, loss_D.item(), loss_G.item()))
"""

NANOGPT = """
import math, time
from contextlib import nullcontext
import torch
import torch.nn as nn
from torch.nn import functional as F

batch_size, block_size, n_embd, n_head, n_layer = 8, 16, 32, 2, 2
max_iters, eval_interval, eval_iters = 40, 20, 3
learning_rate, min_lr, warmup_iters, lr_decay_iters = 1e-3, 1e-4, 5, 40
gradient_accumulation_steps = 2
device = 'cuda' if torch.cuda.is_available() else 'cpu'
torch.manual_seed(1337)

text = "to be or not to be that is the question whether tis nobler in the mind to suffer " * 40
chars = sorted(list(set(text)))
vocab_size = len(chars)
stoi = {ch: i for i, ch in enumerate(chars)}
encode = lambda s: [stoi[c] for c in s]
data = torch.tensor(encode(text), dtype=torch.long)
n = int(0.9 * len(data))
train_data, val_data = data[:n], data[n:]

def get_batch(split):
    data = train_data if split == 'train' else val_data
    ix = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([data[i:i + block_size] for i in ix])
    y = torch.stack([data[i + 1:i + block_size + 1] for i in ix])
    return x.to(device), y.to(device)

class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.c_attn = nn.Linear(n_embd, 3 * n_embd)
        self.c_proj = nn.Linear(n_embd, n_embd)
        self.attn_dropout = nn.Dropout(0.1)
        self.register_buffer("bias", torch.tril(torch.ones(block_size, block_size)).view(1, 1, block_size, block_size))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(n_embd, dim=2)
        k = k.view(B, T, n_head, C // n_head).transpose(1, 2)
        q = q.view(B, T, n_head, C // n_head).transpose(1, 2)
        v = v.view(B, T, n_head, C // n_head).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float('-inf'))
        att = F.softmax(att, dim=-1)
        att = self.attn_dropout(att)
        y = (att @ v).transpose(1, 2).contiguous().view(B, T, C)
        return self.c_proj(y)

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.attn = CausalSelfAttention()
        self.mlp = nn.ModuleDict(dict(c_fc=nn.Linear(n_embd, 4 * n_embd), c_proj=nn.Linear(4 * n_embd, n_embd), act=nn.GELU()))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        m = self.mlp
        return x + m.c_proj(m.act(m.c_fc(self.ln_2(x))))

class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.transformer = nn.ModuleDict(dict(
            wte=nn.Embedding(vocab_size, n_embd), wpe=nn.Embedding(block_size, n_embd),
            h=nn.ModuleList([Block() for _ in range(n_layer)]), ln_f=nn.LayerNorm(n_embd)))
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)

    def forward(self, idx, targets=None):
        b, t = idx.size()
        pos = torch.arange(0, t, dtype=torch.long, device=idx.device)
        x = self.transformer.wte(idx) + self.transformer.wpe(pos)
        for block in self.transformer.h:
            x = block(x)
        logits = self.lm_head(self.transformer.ln_f(x))
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            logits, _ = self(idx[:, -block_size:])
            probs = F.softmax(logits[:, -1, :], dim=-1)
            idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
        return idx

def get_lr(it):
    if it < warmup_iters:
        return learning_rate * (it + 1) / warmup_iters
    decay_ratio = (it - warmup_iters) / (lr_decay_iters - warmup_iters)
    return min_lr + 0.5 * (1.0 + math.cos(math.pi * decay_ratio)) * (learning_rate - min_lr)

@torch.no_grad()
def estimate_loss():
    out = {}
    model.eval()
    for split in ['train', 'val']:
        losses = torch.zeros(eval_iters)
        for k in range(eval_iters):
            X, Y = get_batch(split)
            logits, loss = model(X, Y)
            losses[k] = loss.item()
        out[split] = losses.mean()
    model.train()
    return out

model = GPT().to(device)
param_dict = {pn: p for pn, p in model.named_parameters() if p.requires_grad}
decay_params = [p for n, p in param_dict.items() if p.dim() >= 2]
nodecay_params = [p for n, p in param_dict.items() if p.dim() < 2]
optimizer = torch.optim.AdamW([{'params': decay_params, 'weight_decay': 0.1}, {'params': nodecay_params, 'weight_decay': 0.0}], lr=learning_rate, betas=(0.9, 0.95))
scaler = torch.amp.GradScaler('cuda', enabled=False)
ctx = nullcontext()

X, Y = get_batch('train')
iter_num = 0
while True:
    lr = get_lr(iter_num)
    for param_group in optimizer.param_groups:
        param_group['lr'] = lr
    if iter_num % eval_interval == 0:
        losses = estimate_loss()
        print(f"step {iter_num}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
    for micro_step in range(gradient_accumulation_steps):
        with ctx:
            logits, loss = model(X, Y)
            loss = loss / gradient_accumulation_steps
        X, Y = get_batch('train')
        scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    iter_num += 1
    if iter_num > max_iters:
        break
"""

LIT = """
import torch
from torch import nn, optim
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

class LitRegressor(nn.Module):
    def __init__(self, lr=1e-2):
        super().__init__()
        self.lr = lr
        self.encoder = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.LayerNorm(32))
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        return self.head(self.encoder(x)).squeeze(-1)

    def _shared_step(self, batch):
        x, y = batch
        y_hat = self(x)
        return F.mse_loss(y_hat, y)

    def training_step(self, batch, batch_idx):
        return self._shared_step(batch)

    def validation_step(self, batch, batch_idx):
        return {"val_loss": self._shared_step(batch)}

    def configure_optimizers(self):
        optimizer = optim.SGD(self.parameters(), lr=self.lr, momentum=0.9, nesterov=True)
        scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 3], gamma=0.1)
        return [optimizer], [scheduler]

def fit(module, train_dl, val_dl, max_epochs):
    optimizers, schedulers = module.configure_optimizers()
    opt = optimizers[0]
    for epoch in range(max_epochs):
        module.train()
        for batch_idx, batch in enumerate(train_dl):
            loss = module.training_step(batch, batch_idx)
            opt.zero_grad()
            loss.backward()
            opt.step()
        for sch in schedulers:
            sch.step()
        module.eval()
        with torch.no_grad():
            outputs = [module.validation_step(b, i) for i, b in enumerate(val_dl)]
            avg = torch.stack([o["val_loss"] for o in outputs]).mean()
        print(epoch, round(avg.item(), 4))

torch.manual_seed(11)
X = torch.randn(500, 6)
y = X @ torch.tensor([1.0, -1.0, 0.5, 0.0, 0.3, -0.2]) + 0.1 * torch.randn(500)
fit(LitRegressor(), DataLoader(TensorDataset(X[:400], y[:400]), 40, shuffle=True), DataLoader(TensorDataset(X[400:], y[400:]), 100), 4)
"""

MULTITASK = """
import torch, torch.nn as nn
from collections import defaultdict

class SharedNet(nn.Module):
    def __init__(self, n_classes=4):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 48), nn.ELU(), nn.Linear(48, 48), nn.ELU())
        self.heads = nn.ModuleDict({"cls": nn.Linear(48, n_classes), "reg": nn.Linear(48, 1), "flag": nn.Linear(48, 1)})
        self.log_vars = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        h = self.trunk(x)
        return {name: head(h) for name, head in self.heads.items()}

def compute_loss(outputs, batch, log_vars):
    losses = {
        "cls": nn.functional.cross_entropy(outputs["cls"], batch["cls"]),
        "reg": nn.functional.smooth_l1_loss(outputs["reg"].squeeze(1), batch["reg"]),
        "flag": nn.functional.binary_cross_entropy_with_logits(outputs["flag"].view(-1), batch["flag"]),
    }
    total = sum(torch.exp(-log_vars[i]) * loss + log_vars[i] for i, loss in enumerate(losses.values()))
    return total, losses

def make(n):
    cls = torch.randint(4, (n,))
    x = torch.randn(n, 10) + torch.eye(4, 10)[cls]
    return [{"x": x[i:i + 25], "cls": cls[i:i + 25], "reg": x[i:i + 25, 0] - x[i:i + 25, 1], "flag": (x[i:i + 25, 2] > 0).float()} for i in range(0, n, 25)]

net = SharedNet()
opt = torch.optim.Adam([{"params": net.trunk.parameters(), "lr": 1e-3}, {"params": net.heads.parameters(), "lr": 3e-3}, {"params": [net.log_vars], "lr": 1e-2}])
train_batches, val_batches = make(400), make(100)
for ep in range(3):
    net.train()
    stats = defaultdict(float)
    for b in train_batches:
        out = net(b["x"])
        loss, parts = compute_loss(out, b, net.log_vars)
        opt.zero_grad(); loss.backward(); opt.step()
        for k, v in parts.items():
            stats[k] += v.item() / len(train_batches)
    net.eval()
    with torch.inference_mode():
        acc = sum((net(b["x"])["cls"].argmax(-1) == b["cls"]).float().mean().item() for b in val_batches) / len(val_batches)
    print(ep, dict(stats), acc)
"""

VAE = """
import torch
import torch.utils.data
from torch import nn, optim
from torch.nn import functional as F

class VAE(nn.Module):
    def __init__(self):
        super(VAE, self).__init__()
        self.fc1 = nn.Linear(64, 40)
        self.fc21 = nn.Linear(40, 4)
        self.fc22 = nn.Linear(40, 4)
        self.fc3 = nn.Linear(4, 40)
        self.fc4 = nn.Linear(40, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 64))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar

def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 64), reduction='sum')
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD

torch.manual_seed(2)
prototypes = torch.rand(6, 1, 8, 8)
images = (prototypes[torch.randint(6, (600,))] + 0.1 * torch.randn(600, 1, 8, 8)).clamp(0, 1)
train_loader = torch.utils.data.DataLoader(images[:500], batch_size=50, shuffle=True)
test_loader = torch.utils.data.DataLoader(images[500:], batch_size=50, shuffle=False)
model = VAE()
optimizer = optim.Adam(model.parameters(), lr=1e-3)

def train(epoch):
    model.train()
    train_loss = 0
    for data in train_loader:
        optimizer.zero_grad()
        recon_batch, mu, logvar = model(data)
        loss = loss_function(recon_batch, data, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    print('====> Epoch: {} Average loss: {:.4f}'.format(epoch, train_loss / len(train_loader.dataset)))

def test(epoch):
    model.eval()
    test_loss = 0
    with torch.no_grad():
        for data in test_loader:
            recon_batch, mu, logvar = model(data)
            test_loss += loss_function(recon_batch, data, mu, logvar).item()
    print('====> Test set loss: {:.4f}'.format(test_loss / len(test_loader.dataset)))

for epoch in range(1, 4):
    train(epoch)
    test(epoch)
    with torch.no_grad():
        sample = model.decode(torch.randn(8, 4)).view(8, 1, 8, 8)
"""

WORD_LM = """
import math
import torch
import torch.nn as nn

class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid, nlayers, dropout=0.2):
        super(RNNModel, self).__init__()
        self.ntoken = ntoken
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid, nlayers, dropout=dropout)
        self.decoder = nn.Linear(nhid, ntoken)
        self.init_weights()
        self.nhid, self.nlayers = nhid, nlayers

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.encoder.weight, -initrange, initrange)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -initrange, initrange)

    def forward(self, input, hidden):
        emb = self.drop(self.encoder(input))
        output, hidden = self.rnn(emb, hidden)
        output = self.drop(output)
        decoded = self.decoder(output)
        decoded = decoded.view(-1, self.ntoken)
        return nn.functional.log_softmax(decoded, dim=1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return (weight.new_zeros(self.nlayers, bsz, self.nhid), weight.new_zeros(self.nlayers, bsz, self.nhid))

def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    data = data.narrow(0, 0, nbatch * bsz)
    return data.view(bsz, -1).t().contiguous()

def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)

bptt, ntokens, lr = 10, 20, 2.0
torch.manual_seed(3)
corpus = torch.cumsum(torch.randint(1, 3, (4000,)), 0) % ntokens
train_data, val_data = batchify(corpus[:3200], 16), batchify(corpus[3200:], 10)
model = RNNModel(ntokens, 16, 32, 2)
criterion = nn.NLLLoss()

def get_batch(source, i):
    seq_len = min(bptt, len(source) - 1 - i)
    return source[i:i + seq_len], source[i + 1:i + 1 + seq_len].view(-1)

def evaluate(data_source):
    model.eval()
    total_loss = 0.
    hidden = model.init_hidden(10)
    with torch.no_grad():
        for i in range(0, data_source.size(0) - 1, bptt):
            data, targets = get_batch(data_source, i)
            output, hidden = model(data, hidden)
            hidden = repackage_hidden(hidden)
            total_loss += len(data) * criterion(output, targets).item()
    return total_loss / (len(data_source) - 1)

def train():
    model.train()
    total_loss = 0.
    hidden = model.init_hidden(16)
    for batch, i in enumerate(range(0, train_data.size(0) - 1, bptt)):
        data, targets = get_batch(train_data, i)
        model.zero_grad()
        hidden = repackage_hidden(hidden)
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        for p in model.parameters():
            p.data.add_(p.grad, alpha=-lr)
        total_loss += loss.item()

best_val_loss = None
for epoch in range(1, 4):
    train()
    val_loss = evaluate(val_data)
    print('| end of epoch {:3d} | valid loss {:5.2f} | valid ppl {:8.2f}'.format(epoch, val_loss, math.exp(val_loss)))
    if not best_val_loss or val_loss < best_val_loss:
        best_val_loss = val_loss
    else:
        lr /= 4.0
"""

ONECYCLE = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

def positions(length, dim):
    pos = torch.arange(length).unsqueeze(1)
    div = torch.exp(torch.arange(0, dim, 2) * (-4.0 / dim))
    pe = torch.zeros(length, dim)
    pe[:, 0::2], pe[:, 1::2] = torch.sin(pos * div), torch.cos(pos * div)
    return pe

class TextClassifier(nn.Module):
    def __init__(self, vocab=50, dim=32, length=12, classes=3):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim, padding_idx=0)
        self.register_buffer("pe", positions(length, dim))
        layer = nn.TransformerEncoderLayer(dim, nhead=4, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.fc = nn.Linear(dim, classes)

    def forward(self, tokens):
        h = self.encoder(self.embed(tokens) + self.pe)
        return self.fc(self.norm(h.mean(dim=1)))

def get_param_groups(model, weight_decay):
    decay, no_decay = [], []
    for name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        if param.ndim <= 1 or name.endswith(".bias"):
            no_decay.append(param)
        else:
            decay.append(param)
    return [{"params": no_decay, "weight_decay": 0.0}, {"params": decay, "weight_decay": weight_decay}]

def accuracy(model, loader):
    model.eval()
    hits = total = 0
    with torch.inference_mode():
        for tokens, label in loader:
            hits += (model(tokens).softmax(-1).argmax(-1) == label).sum().item()
            total += len(label)
    model.train()
    return hits / total

torch.manual_seed(0)
labels = torch.randint(3, (480,))
tokens = torch.randint(1, 50, (480, 12))
tokens[:, ::3] = (labels * 10 + 5).unsqueeze(1) + torch.randint(0, 4, (480, 4))
train_dl = DataLoader(TensorDataset(tokens[:400], labels[:400]), batch_size=40, shuffle=True, drop_last=True)
valid_dl = DataLoader(TensorDataset(tokens[400:], labels[400:]), batch_size=80)
EPOCHS = 4
model = TextClassifier()
optimizer = torch.optim.AdamW(get_param_groups(model, 0.05), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, epochs=EPOCHS, steps_per_epoch=len(train_dl))
loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
for epoch in range(EPOCHS):
    for step, (tokens_b, labels_b) in enumerate(train_dl):
        loss = loss_fn(model(tokens_b), labels_b)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
    print(f"{epoch}: {accuracy(model, valid_dl):.3f}")
"""

SIAMESE = """
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        euclidean_distance = F.pairwise_distance(output1, output2, keepdim=True)
        loss_contrastive = torch.mean((1 - label) * torch.pow(euclidean_distance, 2) + label * torch.pow(torch.clamp(self.margin - euclidean_distance, min=0.0), 2))
        return loss_contrastive

class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.fc = nn.Sequential(nn.Linear(15, 32), nn.ReLU(inplace=True), nn.Linear(32, 32), nn.ReLU(inplace=True), nn.Linear(32, 4))

    def forward_once(self, x):
        return self.fc(x)

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)

class SiameseDataset(torch.utils.data.Dataset):
    def __init__(self, n):
        self.y = [random.randrange(6) for _ in range(n)]
        self.x = torch.randn(n, 15) * 0.6 + torch.eye(6, 15)[self.y] * 2
    def __getitem__(self, index):
        other = random.randrange(len(self.y))
        if random.randint(0, 1):
            while self.y[other] != self.y[index]:
                other = random.randrange(len(self.y))
        return self.x[index], self.x[other], torch.tensor([float(self.y[other] != self.y[index])])
    def __len__(self):
        return len(self.y)

random.seed(0); torch.manual_seed(0)
train_dataloader = torch.utils.data.DataLoader(SiameseDataset(320), shuffle=True, batch_size=32)
net = SiameseNetwork()
criterion = ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.0005)
counter, loss_history, iteration_number = [], [], 0
for epoch in range(0, 4):
    for i, data in enumerate(train_dataloader, 0):
        img0, img1, label = data
        optimizer.zero_grad()
        output1, output2 = net(img0, img1)
        loss_contrastive = criterion(output1, output2, label)
        loss_contrastive.backward()
        optimizer.step()
        if i % 5 == 0:
            print("Epoch number {}\\n Current loss {}\\n".format(epoch, loss_contrastive.item()))
            iteration_number += 5
            counter.append(iteration_number)
            loss_history.append(loss_contrastive.item())
"""

TRIPLET = """
import torch
from torch import nn
from torch.nn import TripletMarginLoss

embedder = nn.Sequential(nn.Linear(20, 64), nn.PReLU(), nn.Linear(64, 8))
triplet = TripletMarginLoss(margin=1.0, p=2)
optim = torch.optim.Adam(embedder.parameters(), 1e-3)
centers = torch.randn(5, 20) * 2

def sample(n):
    a = torch.randint(5, (n,))
    b = (a + torch.randint(1, 5, (n,))) % 5
    noise = lambda: torch.randn(n, 20)
    return centers[a] + noise(), centers[a] + noise(), centers[b] + noise()

step = 0
while step < 60:
    anchor, positive, negative = sample(48)
    ea, ep, en = (nn.functional.normalize(embedder(t), dim=1) for t in (anchor, positive, negative))
    cost = triplet(ea, ep, en)
    optim.zero_grad()
    cost.backward()
    optim.step()
    step += 1
    if step % 20 == 0:
        print(step, cost.item())
"""

FRAUD = """
import numpy as np
import torch
import torch.nn as nn
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

rng = np.random.default_rng(0)
y = (rng.random(1500) < 0.12).astype(np.float32)
X = rng.normal(50, 12, (1500, 9)) + 10 * y[:, None] * (np.arange(9) % 2)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.2, stratify=y, random_state=42)
sc = StandardScaler().fit(X_train)
X_train = torch.tensor(sc.transform(X_train), dtype=torch.float32)
X_val = torch.tensor(sc.transform(X_val), dtype=torch.float32)
y_train, y_val = torch.from_numpy(y_train), torch.from_numpy(y_val)

class FraudNet(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layer_1 = nn.Linear(n_features, 64)
        self.layer_2 = nn.Linear(64, 64)
        self.layer_out = nn.Linear(64, 1)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(p=0.1)
        self.batchnorm1 = nn.BatchNorm1d(64)
        self.batchnorm2 = nn.BatchNorm1d(64)

    def forward(self, inputs):
        x = self.relu(self.layer_1(inputs))
        x = self.batchnorm1(x)
        x = self.relu(self.layer_2(x))
        x = self.batchnorm2(x)
        x = self.dropout(x)
        x = self.layer_out(x)
        return x

def binary_acc(y_pred, y_test):
    y_pred_tag = torch.round(torch.sigmoid(y_pred))
    return (y_pred_tag == y_test).sum().float() / y_test.shape[0]

weights = torch.where(y_train == 1, 3.0, 1.0)
train_loader = DataLoader(TensorDataset(X_train, y_train), batch_size=64, sampler=WeightedRandomSampler(weights, len(weights)))
val_loader = DataLoader(TensorDataset(X_val, y_val), batch_size=128)
pos_weight = torch.tensor([2.0])
model = FraudNet(9)
criterion = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
for e in range(1, 5):
    model.train()
    epoch_loss, epoch_acc = 0, 0
    for X_batch, y_batch in train_loader:
        optimizer.zero_grad()
        y_pred = model(X_batch)
        loss = criterion(y_pred, y_batch.unsqueeze(1))
        acc = binary_acc(y_pred, y_batch.unsqueeze(1))
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
        epoch_acc += acc.item()
    model.eval()
    preds = []
    with torch.no_grad():
        for X_batch, _ in val_loader:
            preds += torch.sigmoid(model(X_batch)).squeeze(1).tolist()
    print(f'Epoch {e+0:03}: | Loss: {epoch_loss/len(train_loader):.5f} | AUC: {roc_auc_score(y_val, preds):.3f}')
"""

UNET = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

class DoubleConv(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))

    def forward(self, x):
        return self.double_conv(x)

class UNet(nn.Module):
    def __init__(self, n_channels, n_classes):
        super().__init__()
        self.inc = DoubleConv(n_channels, 8)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(8, 16))
        self.up = nn.ConvTranspose2d(16, 8, kernel_size=2, stride=2)
        self.conv = DoubleConv(16, 8)
        self.outc = nn.Conv2d(8, n_classes, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x = self.up(x2)
        x = self.conv(torch.cat([x1, x], dim=1))
        return self.outc(x)

class Shapes(Dataset):
    def __init__(self, n):
        self.masks = torch.zeros(n, 16, 16, dtype=torch.long)
        for mask in self.masks:
            i, j = torch.randint(0, 9, (2,)).tolist()
            mask[i:i + 6, j:j + 6] = torch.randint(1, 3, ()).item()
        self.images = torch.stack([(self.masks == c).float() for c in range(3)], 1) + 0.3 * torch.randn(n, 3, 16, 16)
    def __len__(self):
        return len(self.masks)
    def __getitem__(self, i):
        return {'image': self.images[i], 'mask': self.masks[i]}

def dice_coeff(input, target, epsilon=1e-6):
    inter = 2 * (input * target).sum(dim=(-1, -2))
    sets_sum = input.sum(dim=(-1, -2)) + target.sum(dim=(-1, -2))
    return ((inter + epsilon) / (sets_sum + epsilon)).mean()

def dice_loss(input, target):
    return 1 - dice_coeff(input, target)

@torch.inference_mode()
def evaluate(net, dataloader):
    net.eval()
    dice_score = 0
    for batch in dataloader:
        mask_true = F.one_hot(batch['mask'], 3).permute(0, 3, 1, 2).float()
        mask_pred = F.one_hot(net(batch['image']).argmax(dim=1), 3).permute(0, 3, 1, 2).float()
        dice_score += dice_coeff(mask_pred[:, 1:], mask_true[:, 1:])
    net.train()
    return dice_score / max(len(dataloader), 1)

def train_model(model, epochs=3, batch_size=8, learning_rate=1e-3, gradient_clipping=1.0):
    train_loader = DataLoader(Shapes(96), shuffle=True, batch_size=batch_size)
    val_loader = DataLoader(Shapes(16), shuffle=False, drop_last=True, batch_size=batch_size)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=learning_rate, weight_decay=1e-8, momentum=0.5)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, 'max', patience=5)
    grad_scaler = torch.amp.GradScaler('cuda', enabled=False)
    criterion = nn.CrossEntropyLoss()
    global_step = 0
    for epoch in range(1, epochs + 1):
        model.train()
        epoch_loss = 0
        for batch in train_loader:
            images, true_masks = batch['image'], batch['mask']
            masks_pred = model(images)
            loss = criterion(masks_pred, true_masks)
            loss += dice_loss(F.softmax(masks_pred, dim=1).float(), F.one_hot(true_masks, 3).permute(0, 3, 1, 2).float())
            optimizer.zero_grad(set_to_none=True)
            grad_scaler.scale(loss).backward()
            grad_scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), gradient_clipping)
            grad_scaler.step(optimizer)
            grad_scaler.update()
            global_step += 1
            epoch_loss += loss.item()
            if global_step % 6 == 0:
                val_score = evaluate(model, val_loader)
                scheduler.step(val_score)

if __name__ == '__main__':
    torch.manual_seed(0)
    unet = UNet(n_channels=3, n_classes=3)
    unet = unet.to(memory_format=torch.channels_last)
    train_model(model=unet)
"""

HOUSING = """
import copy
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.preprocessing import StandardScaler
from sklearn.model_selection import train_test_split

np.random.seed(4); torch.manual_seed(4)
X = np.random.gamma(2.0, 300.0, size=(900, 8))
y = 50000 + 120 * X[:, 0] + 80 * X[:, 3] + np.random.normal(0, 5000, 900)
X_train_raw, X_test_raw, y_train, y_test = train_test_split(X, y, train_size=0.7, shuffle=True)
scaler = StandardScaler()
scaler.fit(X_train_raw)
y_mean, y_std = y_train.mean(), y_train.std()
X_train = torch.tensor(scaler.transform(X_train_raw), dtype=torch.float32)
y_train = torch.tensor((y_train - y_mean) / y_std, dtype=torch.float32).reshape(-1, 1)
X_test = torch.tensor(scaler.transform(X_test_raw), dtype=torch.float32)
y_test = torch.tensor((y_test - y_mean) / y_std, dtype=torch.float32).reshape(-1, 1)

model = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 1))
loss_fn = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.003)
n_epochs = 6
batch_size = 10
batch_start = torch.arange(0, len(X_train), batch_size)
best_mse = np.inf
best_weights = None
history = []
for epoch in range(n_epochs):
    model.train()
    for start in batch_start:
        X_batch = X_train[start:start + batch_size]
        y_batch = y_train[start:start + batch_size]
        y_pred = model(X_batch)
        loss = loss_fn(y_pred, y_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    y_pred = model(X_test)
    mse = float(loss_fn(y_pred, y_test))
    history.append(mse)
    if mse < best_mse:
        best_mse = mse
        best_weights = copy.deepcopy(model.state_dict())
model.load_state_dict(best_weights)
print("RMSE: %.2f" % (np.sqrt(best_mse) * y_std))
"""

DQN = """
import math, random
from collections import deque, namedtuple
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

Transition = namedtuple('Transition', ('state', 'action', 'next_state', 'reward', 'done'))
random.seed(0); torch.manual_seed(0)

class Walk:
    def reset(self):
        self.p, self.t = random.uniform(-1, 1), 0
        return torch.tensor([[self.p, 1.0]])
    def step(self, action):
        self.p += (0.2 if action == 1 else -0.2) + random.gauss(0, 0.02)
        self.t += 1
        return torch.tensor([[self.p, 1.0]]), -abs(self.p), self.t >= 20

class ReplayMemory(object):
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)
    def push(self, *args):
        self.memory.append(Transition(*args))
    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)
    def __len__(self):
        return len(self.memory)

class DQN(nn.Module):
    def __init__(self, n_observations, n_actions):
        super(DQN, self).__init__()
        self.layer1 = nn.Linear(n_observations, 32)
        self.layer2 = nn.Linear(32, 32)
        self.layer3 = nn.Linear(32, n_actions)
    def forward(self, x):
        x = F.relu(self.layer1(x))
        x = F.relu(self.layer2(x))
        return self.layer3(x)

BATCH_SIZE, GAMMA, TAU = 32, 0.95, 0.01
policy_net = DQN(2, 2)
target_net = DQN(2, 2)
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=1e-3, amsgrad=True)
memory = ReplayMemory(1000)
steps_done = 0

def select_action(state):
    global steps_done
    eps = 0.05 + 0.9 * math.exp(-1. * steps_done / 200)
    steps_done += 1
    if random.random() > eps:
        with torch.no_grad():
            return policy_net(state).max(1).indices.view(1, 1)
    return torch.tensor([[random.randrange(2)]], dtype=torch.long)

def optimize_model():
    if len(memory) < BATCH_SIZE:
        return
    batch = Transition(*zip(*memory.sample(BATCH_SIZE)))
    state_batch, action_batch = torch.cat(batch.state), torch.cat(batch.action)
    reward_batch, done = torch.tensor(batch.reward), torch.tensor(batch.done).float()
    state_action_values = policy_net(state_batch).gather(1, action_batch)
    with torch.no_grad():
        next_state_values = target_net(torch.cat(batch.next_state)).max(1).values
    expected_state_action_values = next_state_values * GAMMA * (1 - done) + reward_batch
    criterion = nn.SmoothL1Loss()
    loss = criterion(state_action_values, expected_state_action_values.unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()

env = Walk()
for i_episode in range(8):
    state = env.reset()
    done = False
    while not done:
        action = select_action(state)
        next_state, reward, done = env.step(action.item())
        memory.push(state, action, next_state, reward, done)
        state = next_state
        optimize_model()
        target_net_state_dict = target_net.state_dict()
        policy_net_state_dict = policy_net.state_dict()
        for key in policy_net_state_dict:
            target_net_state_dict[key] = policy_net_state_dict[key] * TAU + target_net_state_dict[key] * (1 - TAU)
        target_net.load_state_dict(target_net_state_dict)
"""

FUNCTIONAL = """
import torch
from torch import nn
from torch.func import functional_call, grad_and_value, vmap

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3))
params = {k: v.detach().clone() for k, v in net.named_parameters()}
labels = torch.randint(0, 3, (300,))
inputs = torch.randn(300, 5) + torch.eye(3, 5)[labels] * 2

def loss_fn(params, x, t):
    return nn.functional.cross_entropy(functional_call(net, params, (x,)), t)

lr = 0.3
for it in range(50):
    idx = torch.randint(0, 300, (64,))
    grads, loss = grad_and_value(loss_fn)(params, inputs[idx], labels[idx])
    params = {k: p - lr * grads[k] for k, p in params.items()}
    if it % 10 == 0:
        print(it, loss.item())
"""

FOCAL = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

class FocalLoss(nn.Module):
    def __init__(self, alpha=0.5, gamma=2, reduction="mean"):
        super().__init__()
        self.alpha, self.gamma, self.reduction = alpha, gamma, reduction

    def forward(self, logits, targets):
        p = torch.sigmoid(logits)
        ce_loss = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        p_t = p * targets + (1 - p) * (1 - targets)
        loss = ce_loss * ((1 - p_t) ** self.gamma)
        loss = (self.alpha * targets + (1 - self.alpha) * (1 - targets)) * loss
        return loss.mean() if self.reduction == "mean" else loss.sum()

class Net(nn.Module):
    def __init__(self, n_labels=6):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(2, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.AdaptiveAvgPool1d(1))
        self.out = nn.Linear(16, n_labels)

    def forward(self, x):
        return self.out(self.conv(x).flatten(1))

    def predict(self, x):
        self.eval()
        with torch.no_grad():
            return (torch.sigmoid(self(x)) > 0.5).int()

def main(seed=5, epochs=4):
    torch.manual_seed(seed)
    y = (torch.rand(320, 6) < 0.3).float()
    t = torch.linspace(0, 6.28, 30)
    waves = torch.stack([torch.sin((k + 1) * t) for k in range(6)])
    x = torch.stack([y @ waves, y.flip(1) @ waves], 1) + 0.2 * torch.randn(320, 2, 30)
    loader = DataLoader(TensorDataset(x[:256], y[:256]), 32, shuffle=True)
    model, loss_fn = Net(), FocalLoss()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(epochs):
        model.train()
        running = 0.
        for xb, yb in loader:
            opt.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            opt.step()
            running += loss.item() * xb.shape[0]
        exact = (model.predict(x[256:]) == y[256:]).all(1).float().mean()
        print(f"epoch={epoch} loss={running / 256:.4f} exact={exact:.2f}")

main()
"""

TRANSFER = """
import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler
import time
import copy

torch.manual_seed(0)

def pretrained_backbone():
    # stands for torchvision.models.resnet18(weights="DEFAULT")
    body = nn.Sequential()
    body.conv1 = nn.Conv2d(3, 16, 3, padding=1)
    body.bn1 = nn.BatchNorm2d(16)
    body.relu = nn.ReLU(inplace=True)
    body.pool = nn.AdaptiveAvgPool2d(2)
    body.flatten = nn.Flatten()
    body.fc = nn.Linear(64, 100)
    return body

def images(n):
    y = torch.randint(2, (n,))
    x = torch.randn(n, 3, 8, 8)
    x[:, 0, :4, :4] += 2.0 * y[:, None, None]
    return torch.utils.data.TensorDataset(x, y)

image_datasets = {'train': images(160), 'val': images(48)}
dataloaders = {x: torch.utils.data.DataLoader(image_datasets[x], batch_size=16, shuffle=True) for x in ['train', 'val']}
dataset_sizes = {x: len(image_datasets[x]) for x in ['train', 'val']}

def train_model(model, criterion, optimizer, scheduler, num_epochs=25):
    since = time.time()
    best_model_wts = copy.deepcopy(model.state_dict())
    best_acc = 0.0
    for epoch in range(num_epochs):
        for phase in ['train', 'val']:
            if phase == 'train':
                model.train()
            else:
                model.eval()
            running_loss = 0.0
            running_corrects = 0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == 'train'):
                    outputs = model(inputs)
                    _, preds = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == 'train':
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data)
            if phase == 'train':
                scheduler.step()
            epoch_loss = running_loss / dataset_sizes[phase]
            epoch_acc = running_corrects.double() / dataset_sizes[phase]
            print(f'{phase} Loss: {epoch_loss:.4f} Acc: {epoch_acc:.4f}')
            if phase == 'val' and epoch_acc > best_acc:
                best_acc = epoch_acc
                best_model_wts = copy.deepcopy(model.state_dict())
    model.load_state_dict(best_model_wts)
    return model

model_conv = pretrained_backbone()
for param in model_conv.parameters():
    param.requires_grad = False
num_ftrs = model_conv.fc.in_features
model_conv.fc = nn.Linear(num_ftrs, 2)
criterion = nn.CrossEntropyLoss()
optimizer_conv = optim.SGD(model_conv.fc.parameters(), lr=0.01, momentum=0.9)
exp_lr_scheduler = lr_scheduler.StepLR(optimizer_conv, step_size=7, gamma=0.1)
model_conv = train_model(model_conv, criterion, optimizer_conv, exp_lr_scheduler, num_epochs=3)
"""

WARMUP_EMA = """
import copy
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, SequentialLR, LinearLR, CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset

class ModelEMA:
    def __init__(self, model, decay=0.99):
        self.ema = copy.deepcopy(model).eval()
        self.decay = decay
        for p in self.ema.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        msd = model.state_dict()
        for k, v in self.ema.state_dict().items():
            if v.dtype.is_floating_point:
                v.mul_(self.decay).add_(msd[k].detach(), alpha=1 - self.decay)

class Residual(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn
    def forward(self, x):
        return x + self.fn(x)

def mixer(channels=24, classes=4):
    body = [nn.Conv2d(1, channels, 2, stride=2), nn.GELU(), nn.BatchNorm2d(channels)]
    for _ in range(2):
        body += [Residual(nn.Sequential(nn.Conv2d(channels, channels, 3, groups=channels, padding=1), nn.GELU(), nn.BatchNorm2d(channels)))]
        body += [nn.Conv2d(channels, channels, 1), nn.GELU(), nn.BatchNorm2d(channels)]
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))

torch.manual_seed(8)
y = torch.randint(4, (384,))
x = torch.randn(384, 1, 8, 8); x[:, 0, ::2, ::2] += y[:, None, None] - 1.5
loader = DataLoader(TensorDataset(x[:320], y[:320]), 32, shuffle=True)
epochs = 4
total_steps = epochs * len(loader)
warmup_steps = total_steps // 10 + 1
model = mixer()
ema = ModelEMA(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
scheduler = SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=warmup_steps), CosineAnnealingLR(optimizer, T_max=total_steps - warmup_steps)], milestones=[warmup_steps])
for epoch in range(epochs):
    model.train()
    for images, target in loader:
        loss = nn.functional.cross_entropy(model(images), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        ema.update(model)
    with torch.no_grad():
        acc = (ema.ema(x[320:]).argmax(1) == y[320:]).float().mean().item()
    print(epoch, optimizer.param_groups[0]["lr"], acc)
"""

KFOLD = """
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset
from sklearn.model_selection import KFold

def reset_weights(m):
    for layer in m.children():
        if hasattr(layer, 'reset_parameters'):
            layer.reset_parameters()

class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(6 * 6, 50), nn.ReLU(), nn.Linear(50, 20), nn.ReLU(), nn.Linear(20, 3))
    def forward(self, x):
        return self.layers(x)

if __name__ == '__main__':
    torch.manual_seed(42)
    target = torch.randint(3, (300,))
    data = torch.randn(300, 1, 6, 6) + torch.nn.functional.one_hot(target, 36).view(-1, 1, 6, 6) * 3.0
    dataset = TensorDataset(data, target)
    loss_function = nn.CrossEntropyLoss()
    results = {}
    kfold = KFold(n_splits=3, shuffle=True)
    for fold, (train_ids, test_ids) in enumerate(kfold.split(dataset)):
        print(f'FOLD {fold}')
        trainloader = DataLoader(dataset, batch_size=20, sampler=SubsetRandomSampler(train_ids))
        testloader = DataLoader(dataset, batch_size=20, sampler=SubsetRandomSampler(test_ids))
        network = SimpleNet()
        network.apply(reset_weights)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
        for epoch in range(0, 3):
            current_loss = 0.0
            for i, data in enumerate(trainloader, 0):
                inputs, targets = data
                optimizer.zero_grad()
                outputs = network(inputs)
                loss = loss_function(outputs, targets)
                loss.backward()
                optimizer.step()
                current_loss += loss.item()
            scheduler.step(current_loss)
        correct, total = 0, 0
        with torch.no_grad():
            for i, data in enumerate(testloader, 0):
                inputs, targets = data
                outputs = network(inputs)
                _, predicted = torch.max(outputs.data, 1)
                total += targets.size(0)
                correct += (predicted == targets).sum().item()
        results[fold] = 100.0 * (correct / total)
    print(f'Average: {np.mean(list(results.values()))} %')
"""

DENOISER = """
import torch
import torch.nn as nn
from torch.utils.data import DataLoader

class ConvAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(True), nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.ReLU(True))
        self.decoder = nn.Sequential(nn.ConvTranspose2d(24, 12, 2, stride=2), nn.ReLU(True), nn.ConvTranspose2d(12, 1, 2, stride=2), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))

torch.manual_seed(1)
base = torch.rand(10, 1, 12, 12).round()
data = base[torch.randint(10, (400,))]
loader = DataLoader(data, batch_size=40, shuffle=True)
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
model = ConvAutoencoder().to(device)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
noise_factor = 0.3
for epoch in range(1, 5):
    train_loss = 0.0
    for images in loader:
        noisy = torch.clamp(images + noise_factor * torch.randn(*images.shape), 0., 1.)
        optimizer.zero_grad()
        outputs = model(noisy)
        loss = criterion(outputs, images)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() * images.size(0)
    print('Epoch: {} \\tTraining Loss: {:.6f}'.format(epoch, train_loss / len(loader)))
"""

ACTOR_CRITIC = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(4, 32)
        self.action_head = nn.Linear(32, 2)
        self.value_head = nn.Linear(32, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        action_prob = F.softmax(self.action_head(x), dim=-1)
        state_values = self.value_head(x)
        return action_prob, state_values

torch.manual_seed(543)
model = Policy()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)

def select_action(state):
    probs, state_value = model(state)
    m = Categorical(probs)
    action = m.sample()
    model.saved_actions.append((m.log_prob(action), state_value))
    return action.item()

def finish_episode():
    R = 0
    policy_losses, value_losses, returns = [], [], []
    for r in model.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    for (log_prob, value), R in zip(model.saved_actions, returns):
        advantage = R - value.item()
        policy_losses.append(-log_prob * advantage)
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]

def main():
    running_reward = 10
    for i_episode in range(12):
        state, ep_reward = torch.randn(4), 0
        for t in range(1, 20):
            action = select_action(state)
            reward = float((state[0] > 0) == bool(action))
            state = torch.randn(4)
            model.rewards.append(reward)
            ep_reward += reward
        running_reward = 0.05 * ep_reward + 0.95 * running_reward
        finish_episode()

if __name__ == '__main__':
    main()
"""

RECOMMENDER = """
import torch
import torch.nn as nn

class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, n_factors=8):
        super().__init__()
        self.user_emb = nn.Embedding(n_users, n_factors)
        self.item_emb = nn.Embedding(n_items, n_factors)
        self.user_bias = nn.Embedding(n_users, 1)
        self.item_bias = nn.Embedding(n_items, 1)
        self.user_emb.weight.data.uniform_(-0.05, 0.05)
        self.item_emb.weight.data.uniform_(-0.05, 0.05)
        self.user_bias.weight.data.zero_()
        self.item_bias.weight.data.zero_()
        self.offset = nn.Parameter(torch.tensor(3.0))

    def forward(self, u, v):
        U, V = self.user_emb(u), self.item_emb(v)
        b = self.user_bias(u).squeeze(1) + self.item_bias(v).squeeze(1)
        return (U * V).sum(1) + b + self.offset

def train_epochs(model, train, valid, epochs=5, lr=0.01, wd=1e-5):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=wd)
    users, items, ratings = train
    for i in range(epochs):
        model.train()
        perm = torch.randperm(len(users))
        for chunk in torch.split(perm, 100):
            y_hat = model(users[chunk], items[chunk])
            loss = nn.functional.mse_loss(y_hat, ratings[chunk])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("train_loss %.3f valid_loss %.3f" % (loss.item(), validation_loss(model, valid)))

def validation_loss(model, valid):
    model.eval()
    users, items, ratings = valid
    with torch.no_grad():
        return nn.functional.mse_loss(model(users, items), ratings).item()

torch.manual_seed(0)
taste, quality = torch.randn(30, 3), torch.randn(40, 3)
u, v = torch.randint(30, (1200,)), torch.randint(40, (1200,))
r = (3 + (taste[u] * quality[v]).sum(1) * 0.5 + 0.2 * torch.randn(1200)).clamp(1, 5)
train_epochs(MatrixFactorization(30, 40), (u[:1000], v[:1000], r[:1000]), (u[1000:], v[1000:], r[1000:]))
"""

PINN = """
import torch
import torch.nn as nn

class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.activation = nn.Tanh()
        self.linears = nn.ModuleList([nn.Linear(layers[i], layers[i + 1]) for i in range(len(layers) - 1)])
        for i in range(len(layers) - 1):
            nn.init.xavier_normal_(self.linears[i].weight.data, gain=1.0)
            nn.init.zeros_(self.linears[i].bias.data)

    def forward(self, x):
        for linear in self.linears[:-1]:
            x = self.activation(linear(x))
        return self.linears[-1](x)

torch.manual_seed(123)
net = PINN([1, 20, 20, 1])
x_f = torch.linspace(0, 1, 50).view(-1, 1).requires_grad_(True)
x_b, u_b = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [0.0]])
source = -(torch.pi ** 2) * torch.sin(torch.pi * x_f.detach())

def residual():
    u = net(x_f)
    u_x = torch.autograd.grad(u, x_f, torch.ones_like(u), create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x, x_f, torch.ones_like(u_x), create_graph=True)[0]
    return u_xx - source

def total_loss():
    return (residual() ** 2).mean() + 10 * nn.functional.mse_loss(net(x_b), u_b)

adam = torch.optim.Adam(net.parameters(), lr=1e-3)
for it in range(30):
    adam.zero_grad()
    loss = total_loss()
    loss.backward()
    adam.step()

optimizer = torch.optim.LBFGS(net.parameters(), max_iter=5, history_size=50, line_search_fn="strong_wolfe")

def closure():
    optimizer.zero_grad()
    loss = total_loss()
    loss.backward()
    return loss

for _ in range(4):
    optimizer.step(closure)
"""

SEQ2SEQ = """
import random
import torch
import torch.nn as nn
import torch.optim as optim

PAD, SOS, EOS = 0, 1, 2

class Encoder(nn.Module):
    def __init__(self, input_dim, emb_dim, hid_dim, dropout):
        super().__init__()
        self.embedding = nn.Embedding(input_dim, emb_dim, padding_idx=PAD)
        self.rnn = nn.GRU(emb_dim, hid_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, src):
        embedded = self.dropout(self.embedding(src))
        outputs, hidden = self.rnn(embedded)
        return outputs, hidden

class Attention(nn.Module):
    def __init__(self, hid_dim):
        super().__init__()
        self.attn = nn.Linear(hid_dim * 2, hid_dim)
        self.v = nn.Linear(hid_dim, 1, bias=False)

    def forward(self, hidden, encoder_outputs):
        src_len = encoder_outputs.shape[0]
        hidden = hidden.repeat(src_len, 1, 1)
        energy = torch.tanh(self.attn(torch.cat((hidden, encoder_outputs), dim=2)))
        return torch.softmax(self.v(energy).squeeze(2), dim=0)

class Decoder(nn.Module):
    def __init__(self, output_dim, emb_dim, hid_dim, dropout, attention):
        super().__init__()
        self.output_dim = output_dim
        self.attention = attention
        self.embedding = nn.Embedding(output_dim, emb_dim)
        self.rnn = nn.GRU(emb_dim + hid_dim, hid_dim)
        self.fc_out = nn.Linear(hid_dim * 2, output_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, input, hidden, encoder_outputs):
        embedded = self.dropout(self.embedding(input.unsqueeze(0)))
        a = self.attention(hidden, encoder_outputs).unsqueeze(2)
        weighted = (a * encoder_outputs).sum(0, keepdim=True)
        output, hidden = self.rnn(torch.cat((embedded, weighted), dim=2), hidden)
        prediction = self.fc_out(torch.cat((output.squeeze(0), weighted.squeeze(0)), dim=1))
        return prediction, hidden

class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, src, trg, teacher_forcing_ratio=0.5):
        outputs = torch.zeros(trg.shape[0], trg.shape[1], self.decoder.output_dim)
        encoder_outputs, hidden = self.encoder(src)
        input = trg[0, :]
        for t in range(1, trg.shape[0]):
            output, hidden = self.decoder(input, hidden, encoder_outputs)
            outputs[t] = output
            top1 = output.argmax(1)
            input = trg[t] if random.random() < teacher_forcing_ratio else top1
        return outputs

def batches(n):
    for _ in range(n):
        length = random.randint(4, 6)
        src = torch.randint(3, 15, (length, 16))
        trg = torch.cat([torch.full((1, 16), SOS), src.flip(0), torch.full((1, 16), EOS)])
        src[-1, :4] = PAD
        trg[1, :4] = EOS
        trg[2:, :4] = PAD
        yield src, trg

def init_weights(m):
    for name, param in m.named_parameters():
        if 'weight' in name:
            nn.init.normal_(param.data, mean=0, std=0.08)
        else:
            nn.init.constant_(param.data, 0)

random.seed(1234); torch.manual_seed(1234)
model = Seq2Seq(Encoder(15, 16, 32, 0.2), Decoder(15, 16, 32, 0.2, Attention(32)))
model.apply(init_weights)
optimizer = optim.Adam(model.parameters())
criterion = nn.CrossEntropyLoss(ignore_index=PAD)

def train(model, iterator, optimizer, criterion, clip):
    model.train()
    epoch_loss = 0
    for i, (src, trg) in enumerate(iterator):
        optimizer.zero_grad()
        output = model(src, trg)
        output_dim = output.shape[-1]
        output = output[1:].view(-1, output_dim)
        loss = criterion(output, trg[1:].view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        epoch_loss += loss.item()
    return epoch_loss / (i + 1)

def evaluate(model, iterator, criterion):
    model.eval()
    epoch_loss = 0
    with torch.no_grad():
        for i, (src, trg) in enumerate(iterator):
            output = model(src, trg, 0)
            output = output[1:].view(-1, output.shape[-1])
            epoch_loss += criterion(output, trg[1:].view(-1)).item()
    return epoch_loss / (i + 1)

for epoch in range(3):
    train_loss = train(model, batches(10), optimizer, criterion, 1)
    valid_loss = evaluate(model, batches(3), criterion)
    print(f'Epoch: {epoch+1:02} | Train {train_loss:.3f} | Val. {valid_loss:.3f}')
"""

NOTEBOOK = """
#!/usr/bin/env python
# coding: utf-8

# # Titanic with PyTorch

# In[1]:

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F

# In[2]:

rng = np.random.RandomState(0)
df = pd.DataFrame({'Age': rng.normal(30, 12, 700).clip(1), 'Fare': rng.exponential(30, 700), 'Sex': rng.choice(['male', 'female'], 700), 'Pclass': rng.randint(1, 4, 700)})
df['Survived'] = ((df.Sex == 'female') * 1.5 - 0.4 * df.Pclass + rng.normal(0, 0.7, 700) > 0).astype(int)
df.head()

# In[3]:

df = pd.get_dummies(df, columns=['Sex', 'Pclass'], dtype=float)
for col in ['Age', 'Fare']:
    df[col] = (df[col] - df[col].mean()) / df[col].std()
df = df.sample(frac=1, random_state=1)
train_df, valid_df = df[:560], df[560:]

# In[4]:

x_train = torch.tensor(train_df.drop(columns='Survived').values, dtype=torch.float)
y_train = torch.tensor(train_df.Survived.values)
x_valid = torch.tensor(valid_df.drop(columns='Survived').values, dtype=torch.float)
y_valid = torch.tensor(valid_df.Survived.values)
x_train.shape, y_train.shape

# In[5]:

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(x_train.shape[1], 32)
        self.fc2 = nn.Linear(32, 2)
        self.dropout = nn.Dropout(0.2)
    def forward(self, x):
        x = self.dropout(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=-1)

model = Model()
model

# In[6]:

criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
epochs, batch_size = 5, 40
batch_no = len(x_train) // batch_size
test_loss_min = np.inf
for epoch in range(epochs):
    train_loss = 0
    order = torch.randperm(len(x_train))
    x_train, y_train = x_train[order], y_train[order]
    for i in range(batch_no):
        start, end = i * batch_size, i * batch_size + batch_size
        x_var, y_var = x_train[start:end], y_train[start:end]
        optimizer.zero_grad()
        output = model(x_var)
        loss = criterion(output, y_var)
        loss.backward()
        optimizer.step()
        values, labels = torch.max(output, 1)
        train_loss += loss.item() * batch_size
    with torch.no_grad():
        model.eval()
        out = model(x_valid)
        acc = (torch.exp(out).topk(1)[1].squeeze() == y_valid).float().mean()
    model.train()
    print(f"Epoch {epoch+1}: {train_loss / len(x_train):.4f}, acc {acc:.3f}")

# In[7]:

model.eval()
with torch.no_grad():
    preds = torch.exp(model(x_valid)).argmax(1)
preds[:5]
"""

SIMCLR = """
import torch
from torch import nn
import torch.nn.functional as F

def nt_xent(z1, z2, temperature=0.5):
    batch = z1.shape[0]
    features = F.normalize(torch.cat([z1, z2], dim=0), dim=1)
    similarity = features @ features.T / temperature
    mask = torch.eye(2 * batch, dtype=torch.bool)
    similarity = similarity.masked_fill(mask, -1e9)
    targets = torch.cat([torch.arange(batch, 2 * batch), torch.arange(batch)])
    return F.cross_entropy(similarity, targets)

class SimCLR(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(24, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32))
        self.projector = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16))
    def forward(self, x):
        return self.projector(self.encoder(x))

def augment(x):
    return x + 0.2 * torch.randn_like(x)

torch.manual_seed(0)
labels = torch.randint(5, (400,))
data = torch.randn(400, 24) * 0.5 + torch.randn(5, 24)[labels]
model = SimCLR()
opt = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-6)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=4 * (400 // 50))
for epoch in range(4):
    for idx in torch.randperm(400).split(50):
        view1, view2 = augment(data[idx]), augment(data[idx])
        loss = nt_xent(model(view1), model(view2))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        sched.step()

# linear probe on frozen features
model.eval()
for p in model.parameters():
    p.requires_grad = False
probe = nn.Linear(32, 5)
probe_opt = torch.optim.SGD(probe.parameters(), lr=0.5)
for _ in range(20):
    with torch.no_grad():
        feats = model.encoder(data)
    loss = F.cross_entropy(probe(feats), labels)
    probe_opt.zero_grad()
    loss.backward()
    probe_opt.step()
"""

CRNN_CTC = """
import torch
import torch.nn as nn
import torch.nn.functional as F

class CRNN(nn.Module):
    def __init__(self, n_class=11, nh=24):
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d((2, 2)), nn.Conv2d(16, 16, (4, 3), padding=(0, 1)), nn.ReLU())
        self.rnn = nn.LSTM(16, nh, bidirectional=True)
        self.embedding = nn.Linear(nh * 2, n_class)

    def forward(self, input):
        conv = self.cnn(input)
        b, c, h, w = conv.size()
        conv = conv.squeeze(2).permute(2, 0, 1)
        recurrent, _ = self.rnn(conv)
        T, b, h = recurrent.size()
        output = self.embedding(recurrent.view(T * b, h)).view(T, b, -1)
        return F.log_softmax(output, dim=2)

torch.manual_seed(0)
glyphs = (torch.rand(11, 8, 6) > 0.5).float()

def make_batch(n=16, length=4):
    text = torch.randint(1, 11, (n, length))
    images = torch.cat([glyphs[text[:, i]] for i in range(length)], dim=2).unsqueeze(1)
    return (images - 0.5) / 0.5 + 0.1 * torch.randn_like(images), text, torch.full((n,), length, dtype=torch.long)

crnn = CRNN()
criterion = nn.CTCLoss(blank=0, zero_infinity=True)
optimizer = torch.optim.Adam(crnn.parameters(), lr=2e-3)

def train_batch(crnn, criterion, optimizer):
    images, text, lengths = make_batch()
    preds = crnn(images)
    preds_size = torch.full((images.size(0),), preds.size(0), dtype=torch.long)
    cost = criterion(preds, text, preds_size, lengths)
    crnn.zero_grad()
    cost.backward()
    optimizer.step()
    return cost

for i in range(40):
    crnn.train()
    cost = train_batch(crnn, criterion, optimizer)
    if i % 10 == 0:
        print('[%d] Loss: %f' % (i, cost.item()))
"""

FORECAST = """
import numpy as np
import torch
import torch.nn as nn
from sklearn.preprocessing import MinMaxScaler

def create_sequences(data, seq_length):
    xs, ys = [], []
    for i in range(len(data) - seq_length - 1):
        xs.append(data[i:(i + seq_length)])
        ys.append(data[i + seq_length])
    return np.array(xs), np.array(ys)

class LSTMPredictor(nn.Module):
    def __init__(self, input_size=1, hidden_size=32, num_layers=1):
        super(LSTMPredictor, self).__init__()
        self.num_layers, self.hidden_size = num_layers, hidden_size
        self.lstm = nn.LSTM(input_size=input_size, hidden_size=hidden_size, num_layers=num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, 1)

    def forward(self, x):
        h_0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        c_0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        out, (h_n, c_n) = self.lstm(x, (h_0, c_0))
        return self.fc(out[:, -1, :])

np.random.seed(0); torch.manual_seed(0)
passengers = 200 + 80 * np.sin(np.arange(300) / 6) + 0.4 * np.arange(300) + np.random.normal(0, 5, 300)
train_size = 220
scaler = MinMaxScaler(feature_range=(-1, 1))
train_scaled = scaler.fit_transform(passengers[:train_size].reshape(-1, 1))
test_scaled = scaler.transform(passengers[train_size:].reshape(-1, 1))
seq_length = 12
X_train, y_train = (torch.from_numpy(a).float() for a in create_sequences(train_scaled, seq_length))
X_test, y_test = (torch.from_numpy(a).float() for a in create_sequences(test_scaled, seq_length))

model = LSTMPredictor()
criterion = torch.nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(40):
    model.train()
    outputs = model(X_train)
    optimizer.zero_grad()
    loss = criterion(outputs, y_train)
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        model.eval()
        with torch.no_grad():
            test_loss = criterion(model(X_test), y_test)
        print("Epoch: %d, loss: %1.5f, test %1.5f" % (epoch, loss.item(), test_loss.item()))
predictions = scaler.inverse_transform(model(X_test).detach().numpy())
"""

MIXUP = """
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

def mixup_data(x, y, alpha=1.0):
    lam = np.random.beta(alpha, alpha) if alpha > 0 else 1
    index = torch.randperm(x.size()[0])
    mixed_x = lam * x + (1 - lam) * x[index, :]
    return mixed_x, y, y[index], lam

def mixup_criterion(criterion, pred, y_a, y_b, lam):
    return lam * criterion(pred, y_a) + (1 - lam) * criterion(pred, y_b)

class BasicBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes))
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)

class ResNet(nn.Module):
    def __init__(self, num_classes=5):
        super().__init__()
        self.in_planes = 8
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = self._make_layer(8, 1, 1)
        self.layer2 = self._make_layer(16, 2, 2)
        self.linear = nn.Linear(16, num_classes)

    def _make_layer(self, planes, num_blocks, stride):
        layers = []
        for s in [stride] + [1] * (num_blocks - 1):
            layers.append(BasicBlock(self.in_planes, planes, s))
            self.in_planes = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer2(self.layer1(out))
        out = F.avg_pool2d(out, out.shape[-1])
        return self.linear(out.view(out.size(0), -1))

torch.manual_seed(0); np.random.seed(0)
targets_all = torch.randint(5, (256,))
inputs_all = torch.randn(256, 3, 8, 8) + torch.randn(5, 3, 1, 1)[targets_all] * 1.5
trainset = torch.utils.data.TensorDataset(inputs_all[:200], targets_all[:200])
testset = torch.utils.data.TensorDataset(inputs_all[200:], targets_all[200:])
trainloader = torch.utils.data.DataLoader(trainset, batch_size=40, shuffle=True)
testloader = torch.utils.data.DataLoader(testset, batch_size=28, shuffle=False)
net = torch.nn.DataParallel(ResNet())
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)

def train(epoch):
    net.train()
    train_loss, correct, total = 0, 0, 0
    for batch_idx, (inputs, targets) in enumerate(trainloader):
        inputs, targets_a, targets_b, lam = mixup_data(inputs, targets)
        outputs = net(inputs)
        loss = mixup_criterion(criterion, outputs, targets_a, targets_b, lam)
        train_loss += loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

def test(epoch):
    net.eval()
    test_loss, correct, total = 0, 0, 0
    with torch.no_grad():
        for batch_idx, (inputs, targets) in enumerate(testloader):
            outputs = net(inputs)
            test_loss += criterion(outputs, targets).item()
            correct += outputs.max(1)[1].eq(targets).sum().item()
            total += targets.size(0)

def adjust_learning_rate(optimizer, epoch):
    lr = 0.05 * (0.1 ** (epoch // 2))
    for param_group in optimizer.param_groups:
        param_group['lr'] = lr

for epoch in range(4):
    train(epoch)
    test(epoch)
    adjust_learning_rate(optimizer, epoch)
"""

QUANTILES = """
import torch
from torch import nn

QUANTILES = [0.1, 0.5, 0.9]

def pinball(preds, target, quantiles=QUANTILES):
    assert not target.requires_grad
    losses = []
    for i, q in enumerate(quantiles):
        errors = target - preds[:, i]
        losses.append(torch.max((q - 1) * errors, q * errors).unsqueeze(1))
    return torch.mean(torch.sum(torch.cat(losses, dim=1), dim=1))

class QuantileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 40), nn.Softplus(), nn.Linear(40, 40), nn.Softplus())
        self.final = nn.ModuleList([nn.Linear(40, 1) for _ in QUANTILES])
    def forward(self, x):
        h = self.body(x)
        return torch.cat([layer(h) for layer in self.final], dim=1)

torch.manual_seed(0)
x = torch.randn(600, 3)
y = x[:, 0] * 2 + torch.randn(600) * (0.2 + x[:, 1].abs())
model = QuantileNet()
optimizer = torch.optim.NAdam(model.parameters(), lr=5e-3)
sched = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
for epoch in range(5):
    for rows in torch.utils.data.BatchSampler(torch.utils.data.RandomSampler(range(500)), 50, False):
        optimizer.zero_grad()
        loss = pinball(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    sched.step()
    with torch.no_grad():
        low, mid, high = model(x[500:]).T
        coverage = ((y[500:] > low) & (y[500:] < high)).float().mean()
    print(epoch, loss.item(), coverage.item())
"""

DIFFUSION = """
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

T = 50
betas = torch.linspace(1e-4, 0.05, T)
alphas_bar = torch.cumprod(1 - betas, dim=0)

class Denoiser(nn.Module):
    def __init__(self, dim=2, hidden=64):
        super().__init__()
        self.time = nn.Embedding(T, hidden)
        self.inp = nn.Linear(dim, hidden)
        self.mid = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.out = nn.Linear(hidden, dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x, t):
        return self.out(self.mid(self.inp(x) + self.time(t)))

def q_sample(x0, t, noise):
    a = alphas_bar[t][:, None]
    return a.sqrt() * x0 + (1 - a).sqrt() * noise

torch.manual_seed(0)
angle = torch.rand(1000) * 2 * math.pi
x0 = torch.stack([angle.cos(), angle.sin()], 1) * 1.4
model = Denoiser()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(60):
    batch = x0[torch.randint(len(x0), (128,))]
    t = torch.randint(0, T, (batch.shape[0],))
    noise = torch.randn_like(batch)
    predicted = model(q_sample(batch, t, noise), t)
    loss = F.mse_loss(predicted, noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

@torch.no_grad()
def sample(n):
    x = torch.randn(n, 2)
    for t in reversed(range(T)):
        eps = model(x, torch.full((n,), t))
        x = (x - betas[t] / (1 - alphas_bar[t]).sqrt() * eps) / (1 - betas[t]).sqrt()
        if t > 0:
            x += betas[t].sqrt() * torch.randn_like(x)
    return x
sample(10)
"""

GCN = """
import torch
import torch.nn as nn
import torch.nn.functional as F

class GraphConvolution(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(in_features, out_features))
        self.bias = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1. / self.weight.size(1) ** 0.5
        self.weight.data.uniform_(-stdv, stdv)
        self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        return torch.mm(adj, torch.mm(input, self.weight)) + self.bias

class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        x = self.gc2(x, adj)
        return F.log_softmax(x, dim=1)

def accuracy(output, labels):
    preds = output.max(1)[1].type_as(labels)
    return preds.eq(labels).double().sum() / len(labels)

torch.manual_seed(42)
labels = torch.randint(3, (150,))
features = torch.randn(150, 10) + torch.eye(3, 10)[labels]
adj = ((labels[:, None] == labels[None, :]) & (torch.rand(150, 150) < 0.1)).float() + torch.eye(150)
adj = adj / adj.sum(1, keepdim=True)
idx_train, idx_val = torch.arange(0, 100), torch.arange(100, 150)
model = GCN(10, 16, 3, 0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)

def train(epoch):
    model.train()
    optimizer.zero_grad()
    output = model(features, adj)
    loss_train = F.nll_loss(output[idx_train], labels[idx_train])
    acc_train = accuracy(output[idx_train], labels[idx_train])
    loss_train.backward()
    optimizer.step()
    model.eval()
    output = model(features, adj)
    loss_val = F.nll_loss(output[idx_val], labels[idx_val])
    print('Epoch: {:04d}'.format(epoch + 1), 'loss_train: {:.4f}'.format(loss_train.item()), 'loss_val: {:.4f}'.format(loss_val.item()))

for epoch in range(40):
    train(epoch)
"""

SWA = """
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, SWALR, update_bn
from torch.utils.data import DataLoader, TensorDataset

def build_model(cfg):
    layers, width = [], cfg["in"]
    for hidden in cfg["hidden"]:
        layers += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.LeakyReLU()]
        width = hidden
    layers.append(nn.Linear(width, cfg["out"]))
    return nn.Sequential(*layers)

def run_epoch(model, loader, loss_fn, optimizer=None):
    training = optimizer is not None
    model.train(training)
    total = 0.0
    with torch.set_grad_enabled(training):
        for xb, yb in loader:
            loss = loss_fn(model(xb), yb)
            if training:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(xb)
    return total / len(loader.dataset)

def main():
    torch.manual_seed(0)
    cfg = {"in": 7, "hidden": [32, 32], "out": 1, "epochs": 5, "swa_start": 3}
    x = torch.randn(450, 7)
    y = (x[:, :3].sum(1, keepdim=True).sin() + 0.1 * torch.randn(450, 1))
    train_dl = DataLoader(TensorDataset(x[:400], y[:400]), 50, shuffle=True)
    valid_dl = DataLoader(TensorDataset(x[400:], y[400:]), 50)
    model = build_model(cfg)
    swa_model = AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=cfg["epochs"])
    swa_scheduler = SWALR(optimizer, swa_lr=0.02)
    for epoch in range(cfg["epochs"]):
        train = run_epoch(model, train_dl, nn.MSELoss(), optimizer)
        valid = run_epoch(model, valid_dl, nn.MSELoss())
        if epoch > cfg["swa_start"]:
            swa_model.update_parameters(model)
            swa_scheduler.step()
        else:
            scheduler.step()
        print(f"{epoch=} {train=:.3f} {valid=:.3f}")
    update_bn(train_dl, swa_model)

if __name__ == "__main__":
    main()
"""

SOUND = {name.lower(): source for name, source in dict(globals()).items() if name.isupper() and isinstance(source, str)}
"""By name; the text of a script."""
