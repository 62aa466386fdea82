"""Faults of PyTorch programs: each an edit of a sound one, so that the sound one is its cure."""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A kind of mistake, the sound program that it is made in, the edits, and a part of the line that it is seen at."""

    kind: str
    program: str
    edits: tuple[tuple[str, str], ...]
    line: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.program}-{sum(map(ord, str(self.edits))) % 1000}"


def fault(kind: str, program: str, *edits: tuple[str, str], line: str = "") -> Fault:
    return Fault(kind, program, edits, line)


_EVAL = ("model.eval()", "pass")
_STEPLR = "torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)"

FAULTS = (
    # outputs and loss
    fault(
        "logits-expected", "mlp", ("nn.Linear(32, 4))", "nn.Linear(32, 4), nn.Softmax(dim=1))"), line="criterion(out"
    ),
    fault(
        "logits-expected",
        "loaders",
        (
            "return self.fc2(self.drop(F.relu(self.bn(self.fc1(x)))))",
            "return F.relu(self.fc2(self.drop(F.relu(self.bn(self.fc1(x))))))",
        ),
        line="criterion(outputs",
    ),
    fault("logits-expected", "lstm", ("dim=1)).squeeze(1)", "dim=1)).squeeze(1).sigmoid()"), line="criterion(logits"),
    fault(
        "logits-expected",
        "segmentation",
        ('return model["up"](torch.cat([a, b], 1))', 'return torch.softmax(model["up"](torch.cat([a, b], 1)), 1)'),
        line="cross_entropy",
    ),
    fault(
        "logits-expected",
        "multilabel",
        ("criterion(model(x[rows])", "criterion(torch.sigmoid(model(x[rows]))"),
        line="criterion(",
    ),
    fault(
        "log-probabilities-expected",
        "cnn",
        ("F.log_softmax(logits, dim=1)", "F.softmax(logits, dim=1)"),
        line="nll_loss(output, target)",
    ),
    fault(
        "log-probabilities-expected", "cnn", ("F.log_softmax(logits, dim=1)", "logits"), line="nll_loss(output, target)"
    ),
    fault(
        "log-probabilities-expected",
        "distillation",
        ("F.log_softmax(out / T, dim=1)", "F.softmax(out / T, dim=1)"),
        line="kl_div",
    ),
    fault("probabilities-expected", "overfit", (", nn.Sigmoid())", ")"), line="criterion(model(x), y)"),
    fault(
        "probabilities-expected",
        "vae",
        ("return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))", "return self.fc4(F.relu(self.fc3(z))).clamp(0, 1)"),
        line="binary_cross_entropy",
    ),
    fault(
        "probabilities-expected",
        "distillation",
        ("F.softmax(wanted / T, dim=1)", "F.log_softmax(wanted / T, dim=1)"),
        line="kl_div",
    ),
    fault("softmax-over-one-unit", "overfit", ("nn.Sigmoid()", "nn.Softmax(dim=1)"), line="criterion(model(x), y)"),
    fault(
        "softmax-over-one-unit",
        "weighted",
        ("nn.Linear(16, 2)", "nn.Linear(16, 1)"),
        ("(weight=weights / weights.sum() * 2)", "()"),
        ("y[rows])", "y[rows] * 0)"),
        line="criterion(",
    ),
    fault(
        "softmax-over-rows",
        "cnn",
        ("F.log_softmax(logits, dim=1)", "F.log_softmax(logits, dim=0)"),
        line="nll_loss(output, target)",
    ),
    fault(
        "softmax-over-rows",
        "graph",
        ("self.two(x), dim=1)", "self.two(x), dim=0)"),
        ("out[known], y[known]", "out, y"),
        line="nll_loss",
    ),
    fault("softmax-over-rows", "tagger", ("-1)), dim=1)", "-1)), dim=0)"), line="loss_function("),
    fault(
        "units-and-classes-differ",
        "lstm",
        (".gt(lengths / 2).float()", ".clamp(max=2).float()"),
        line="criterion(logits",
    ),
    fault(
        "units-and-classes-differ",
        "scanned",
        ("y = (x[:, 0] > x[:, 1]).float()", "y = (x[:, 0] / 1000).floor()"),
        line="criterion(model(features)",
    ),
    fault(
        "targets-out-of-reach",
        "regression",
        ("nn.Linear(32, 1))", "nn.Linear(32, 1), nn.ReLU())"),
        line="criterion(prediction",
    ),
    fault(
        "targets-out-of-reach",
        "gru",
        ("return self.out(states[-1])", "return torch.sigmoid(self.out(states[-1]))"),
        line="smooth_l1_loss(model(x[start",
    ),
    fault(
        "targets-out-of-reach",
        "lbfgs",
        ("y = torch.sin(2 * x)", "y = 8 * torch.sin(2 * x)"),
        ("nn.Linear(16, 1))", "nn.Linear(16, 1), nn.Tanh())"),
        line="mse_loss",
    ),
    fault(
        "shapes-broadcast",
        "regression",
        ("prediction = model(features).squeeze(-1)", "prediction = model(features)"),
        line="criterion(prediction",
    ),
    fault(
        "shapes-broadcast",
        "gru",
        ("y = x.sum((1, 2))[:, None] / 5", "y = x.sum((1, 2)) / 5"),
        line="smooth_l1_loss(model(x[start",
    ),
    fault(
        "shapes-broadcast",
        "regression",
        ("prediction = model(features).squeeze(-1)", "prediction = model(features)"),
        ("loss = criterion(prediction, target)", "loss = ((target - prediction) ** 2).mean()"),
        line="((target",
    ),
    fault(
        "shapes-broadcast",
        "actor_critic",
        ("values.squeeze(-1), rewards[rows]", "values, rewards[rows]"),
        line="mse_loss",
    ),
    fault(
        "loss-averaged-twice", "mlp", ("loss.backward()", "(loss / len(rows)).backward()"), line="(loss / len(rows))"
    ),
    fault(
        "loss-averaged-twice",
        "cnn",
        ("loss = F.nll_loss(output, target)", "loss = F.nll_loss(output, target) / data.size(0)"),
        line="loss.backward()",
    ),
    fault("loss-averaged-twice", "siamese", (".pow(2)).mean()", ".pow(2)).mean() / 32"), line="loss.backward()"),
    fault(
        "loss-cut-off",
        "mlp",
        (
            "loss = criterion(out, y[rows])",
            "loss = criterion(torch.tensor(out.detach().numpy(), requires_grad=True), y[rows]).detach().requires_grad_()",
        ),
        line="loss.backward()",
    ),
    fault(
        "loss-cut-off",
        "regression",
        ("loss.backward()", "torch.tensor(loss.item(), requires_grad=True).backward()"),
        line="backward()",
    ),
    fault(
        "loss-cut-off",
        "lstm",
        ("loss = criterion(logits, labels[rows])", "loss = criterion((logits > 0).float(), labels[rows])"),
        line="loss.backward()",
    ),
    fault(
        "loss-cut-off",
        "autoencoder",
        ("decoder(encoder(batch + 0.05 * torch.randn_like(batch)))", "decoder(encoder(batch).detach())"),
        line="detach()",
    ),
    fault("loss-cut-off", "two_heads", ("h = self.body(x)", "h = self.body(x).data"), line="self.body(x).data"),
    # steps
    fault("gradients-not-reset", "mlp", ("        optimizer.zero_grad()\n", ""), line="loss.backward()"),
    fault(
        "gradients-not-reset", "resnet", ("        optimizer.zero_grad(set_to_none=True)\n", ""), line="loss.backward()"
    ),
    fault(
        "gradients-not-reset",
        "gan",
        ("        G.zero_grad()\n", ""),
        ("        D.zero_grad()\n", ""),
        line="backward()",
    ),
    fault("gradients-not-reset", "accumulation", ("            optimizer.zero_grad()\n", ""), line="loss.backward()"),
    fault(
        "gradients-erased",
        "mlp",
        ("        optimizer.zero_grad()\n", ""),
        ("loss.backward()\n", "loss.backward()\n        optimizer.zero_grad()\n"),
    ),
    fault(
        "gradients-erased",
        "gru",
        ("        model.zero_grad()\n", ""),
        ("        optimizer.step()\n", "        model.zero_grad()\n        optimizer.step()\n"),
    ),
    fault("no-step", "loaders", ("        optimizer.step()\n", ""), line="loss.backward()"),
    fault("no-step", "multilabel", ("        optimizer.step()\n", ""), line="loss.backward()"),
    fault(
        "no-step",
        "transformer",
        ("    loss.backward()\n", ""),
        ("    optimizer.step()\n    scheduler.step()\n", ""),
        ("    nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n", ""),
        line="loss = F.cross_entropy",
    ),
    fault(
        "parameters-not-optimized",
        "vae",
        ("(model.parameters(), lr=1e-3)", "(VAE().parameters(), lr=1e-3)"),
        line="optimizer.step()",
    ),
    fault(
        "parameters-not-optimized",
        "loaders",
        ("(model.parameters(), lr=0.05", "(model.fc2.parameters(), lr=0.05"),
        line="optimizer.step()",
    ),
    fault(
        "parameters-not-optimized",
        "mlp",
        ("lr=1e-2)\n", "lr=1e-2)\nmodel[3] = nn.Linear(32, 4)\n"),
        line="optimizer.step()",
    ),
    fault(
        "parameters-frozen",
        "cnn",
        (
            "optimizer = ",
            "for p in model.parameters():\n    p.requires_grad = False\nfor p in model.fc.parameters():\n    p.requires_grad = True\noptimizer = ",
        ),
        line="output = model(data)",
    ),
    fault(
        "parameters-frozen",
        "fine_tuning",
        ("body.load_state_dict(torch.load(file))", ""),
        line="F.cross_entropy(model(x[rows])",
    ),
    fault(
        "parameters-frozen",
        "mlp",
        ("criterion = ", "for p in model.parameters():\n    p.requires_grad_(False)\ncriterion = "),
        line="out = model(x[rows])",
    ),
    fault(
        "layers-not-registered",
        "loaders",
        ("self.fc1 = nn.Linear(d, 64)", "self.layers = [nn.Linear(d, 64)]"),
        ("self.fc1(x)", "self.layers[0](x)"),
        line="outputs = model(inputs)",
    ),
    fault(
        "layers-not-registered",
        "vae",
        (
            "self.fc3, self.fc4 = nn.Linear(4, 32), nn.Linear(32, 64)",
            "self.layers = {'a': nn.Linear(4, 32), 'b': nn.Linear(32, 64)}",
        ),
        ("self.fc4(F.relu(self.fc3(z)))", "self.layers['b'](F.relu(self.layers['a'](z)))"),
        line="model(batch)",
    ),
    fault(
        "scheduler-stepped-per-batch",
        "mlp",
        ("        optimizer.step()\n    scheduler.step()\n", "        optimizer.step()\n        scheduler.step()\n"),
        line="scheduler.step()",
    ),
    fault(
        "scheduler-stepped-per-batch",
        "class_trainer",
        (
            "                    self.optimizer.step()\n",
            "                    self.optimizer.step()\n                    self.schedule.step()\n",
        ),
        ("(optimizer, 0.9)", "(optimizer, 0.7)"),
        ("            if self.schedule:\n                self.schedule.step()\n", ""),
        line="self.schedule.step()",
    ),
    fault(
        "scheduler-stepped-per-batch",
        "loaders",
        ("        optimizer.step()\n", "        optimizer.step()\n        scheduler.step()\n"),
        ("criterion, optimizer):", "criterion, optimizer, scheduler):"),
        ("criterion, optimizer)\n", "criterion, optimizer, scheduler)\n"),
        ("        scheduler.step()\n\n\nmain", "\n\nmain"),
        ("T_max=6", "T_max=4"),
        line="scheduler.step()",
    ),
    fault(
        "scheduler-stepped-per-batch",
        "regression",
        ("        losses.append(loss.item())\n", "        plateau.step(loss.item())\n"),
        ("    plateau.step(val)\n", ""),
        line="plateau.step",
    ),
    fault("step-too-large", "transformer", ("lr=1e-3", "lr=3.0"), line="optimizer.step()"),
    fault("step-too-large", "vae", ("lr=1e-3", "lr=0.5"), line="optimizer.step()"),
    # modes and layers
    fault(
        "trains-in-evaluation-mode",
        "mlp",
        ("for epoch in range(4):\n    model.train()\n", "for epoch in range(4):\n"),
        line="out = model(x[rows])",
    ),
    fault(
        "trains-in-evaluation-mode",
        "loaders",
        ("    model.train()\n", "    model.eval()\n"),
        line="outputs = model(inputs)",
    ),
    fault(
        "trains-in-evaluation-mode",
        "class_trainer",
        ("self.model.train(learn)", "self.model.eval()"),
        line="self.model(inputs)",
    ),
    fault("evaluates-in-training-mode", "mlp", ("    model.eval()\n", ""), line="model(xv)"),
    fault("evaluates-in-training-mode", "loaders", ("    model.eval()\n", ""), line="outputs = model(inputs)"),
    fault("evaluates-in-training-mode", "resnet", ("    model.eval()\n", ""), line="model(a)"),
    fault("evaluates-in-training-mode", "scanned", ("    model.eval()\n", ""), line="model(x[240:])"),
    fault("evaluates-in-training-mode", "transformer", ("        model.eval()\n", ""), line="model(data[:32"),
    fault("statistics-frozen", "loaders", ("nn.BatchNorm1d(64)", "nn.BatchNorm1d(64, momentum=0.99)"), line="self.bn("),
    fault(
        "statistics-frozen",
        "resnet",
        ("nn.BatchNorm2d(8), nn.ReLU(),", "nn.BatchNorm2d(8, momentum=0), nn.ReLU(),"),
        line="model(images)",
    ),
    fault(
        "batch-norm-on-one-row",
        "loaders",
        ("blobs(256)", "blobs(225)"),
        ("drop_last=True", "drop_last=False"),
        line="self.bn(",
    ),
    fault(
        "batch-norm-on-one-row",
        "scanned",
        (
            "for features, label in DataLoader(TensorDataset(x[:240], y[:240]), 24,",
            "for features, label in DataLoader(TensorDataset(x[:240], y[:240]), 1,",
        ),
        line="model(features)",
    ),
    fault("axes-swapped", "gru", ("x.transpose(0, 1)", "x"), ("states[-1]", "states[:, -1]"), line="self.gru("),
    fault(
        "axes-swapped",
        "lstm",
        (
            "packed = nn.utils.rnn.pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)\n        _, (h, c) = self.lstm(packed)\n        return self.out(torch.cat([h[-2], h[-1]], dim=1)).squeeze(1)",
            "return self.out(self.lstm(self.embedding(tokens))[0][:, -1]).squeeze(1)",
        ),
        ("batch_first=True, dropout", "dropout"),
        line="self.lstm(",
    ),
    fault("axes-swapped", "vit", ("self.blocks(x.transpose(0, 1))[0]", "self.blocks(x)[:, 0]"), line="self.blocks("),
    fault(
        "recurrent-relu",
        "gru",
        ("nn.GRU(3, 24)", "nn.RNN(3, 24, nonlinearity='relu')"),
        ("optimizer = ", "nn.init.normal_(model.gru.weight_hh_l0, std=0.6)\noptimizer = "),
        line="self.gru(",
    ),
    fault(
        "zero-weights",
        "mlp",
        (
            "criterion = ",
            "for layer in model:\n    if isinstance(layer, nn.Linear):\n        nn.init.zeros_(layer.weight)\ncriterion = ",
        ),
        line="model(x[rows])",
    ),
    fault(
        "zero-weights",
        "vae",
        ("optimizer = ", "for p in model.parameters():\n    nn.init.constant_(p, 0.1)\noptimizer = "),
        line="model(batch)",
    ),
    fault(
        "dead-units",
        "mlp",
        ("criterion = ", "nn.init.constant_(model[0].bias, -20.0)\ncriterion = "),
        line="model(x[rows])",
    ),
    fault(
        "dead-units",
        "cnn",
        ("self.fc = ", "nn.init.uniform_(self.conv2.weight, -1, 0)\n        self.fc = "),
        line="F.relu(self.conv2(x))",
    ),
    fault("not-finite", "vae", ("(0.5 * logvar).exp()", "(80 * logvar.abs() + 80).exp()"), line="exp()"),
    fault("not-finite", "siamese", ("loss = (same", "loss = torch.log(same * 0).mean() + (same"), line="torch.log"),
    fault(
        "not-finite",
        "regression",
        ("x = torch.randn(400, 6)\n", "x = torch.randn(400, 6)\nx[7, 2] = float('nan')\n"),
        ("y = 50 + 12 * x[:, 0] * x[:, 1] + torch.randn(400)", "y = torch.randn(400)"),
        line="model(features)",
    ),
    # rows
    fault("inputs-not-scaled", "cnn", ("x, xv = x / 255, xv / 255", ""), line="model(data)"),
    fault("inputs-not-scaled", "scanned", ("nn.BatchNorm1d(6), ", ""), line="model(features)"),
    fault("splits-prepared-differently", "cnn", ("x, xv = x / 255, xv / 255", "x = x / 255"), line="model(data)"),
    fault(
        "splits-prepared-differently",
        "mlp",
        ("criterion = ", "mean, std = x.mean(), x.std() / 4\nx = (x - mean) / std\ncriterion = "),
        line="model(xv)",
    ),
    fault(
        "labels-constant",
        "regression",
        ("nn.MSELoss()", "nn.BCEWithLogitsLoss()"),
        ("(y[:300] - mean) / std", "(y[:300] > 1e9).float()"),
        line="criterion(prediction",
    ),
    fault(
        "labels-constant",
        "loaders",
        ("TensorDataset(*blobs(256))", "TensorDataset(blobs(256)[0], torch.randint(0, 1, (256,)))"),
        line="criterion(outputs, labels)",
    ),
    fault("labels-out-of-range", "mlp", ("y[rows])", "y[rows] + 1)"), line="criterion(out"),
    fault("labels-out-of-range", "segmentation", ("mask = (", "mask = 255 * ("), line="cross_entropy"),
    fault("labels-out-of-range", "multilabel", ("y[rows])", "2 * y[rows] - 1)"), line="criterion("),
    fault("rows-not-shuffled", "mlp", ("torch.randperm(len(x))", "y.argsort()"), line="criterion(out"),
    fault(
        "rows-not-shuffled",
        "loaders",
        (
            "train_set, val_set = TensorDataset(*blobs(256))",
            "a, b = blobs(256)\n    train_set, val_set = TensorDataset(a[b.argsort()], b.sort()[0])",
        ),
        ("shuffle=True, ", ""),
        line="criterion(outputs",
    ),
    fault(
        "validation-rows-in-training",
        "mlp",
        ("xv, yv = blobs(64)", "x_test, y_test = x[:64], y[:64]"),
        ("model(xv)", "model(x_test)"),
        (", yv)", ", y_test)"),
        ("== yv)", "== y_test)"),
        line="model(x_test)",
    ),
    fault(
        "validation-rows-in-training",
        "loaders",
        ("TensorDataset(*blobs(96))", "None"),
        (
            "    val_loader = DataLoader(val_set",
            "    val_set = torch.utils.data.Subset(train_set, range(96))\n    val_loader = DataLoader(val_set",
        ),
        line="outputs = model(inputs)",
    ),
    fault("classes-unequal", "weighted", ("weight=weights / weights.sum() * 2", ""), line="criterion("),
    fault(
        "classes-unequal",
        "scanned",
        ("y = (x[:, 0] > x[:, 1]).float()", "y = (x[:, 0] > 4900).float()"),
        ("x = torch.rand(300, 6)", "x = torch.rand(900, 6)"),
        ("[:240]", "[:720]"),
        ("[240:]", "[720:]"),
        line="criterion(model(features)",
    ),
    # the same kinds in other styles
    fault(
        "logits-expected",
        "class_trainer",
        ("nn.Linear(24, 3))", "nn.Linear(24, 3), nn.Softmax(dim=-1))"),
        line="cross_entropy",
    ),
    fault(
        "logits-expected",
        "transformer",
        (
            "return self.head(self.encoder(self.tokens(ids) + self.positions[:, :n], mask=self.mask[:n, :n]))",
            "return F.softmax(self.head(self.encoder(self.tokens(ids) + self.positions[:, :n], mask=self.mask[:n, :n])), dim=-1)",
        ),
        line="cross_entropy(logits.reshape",
    ),
    fault(
        "logits-expected",
        "language",
        ("return self.out(output), hidden", "return torch.sigmoid(self.out(output)), hidden"),
        line="cross_entropy",
    ),
    fault("logits-expected", "amp", ("nn.Linear(32, 4))", "nn.Linear(32, 4), nn.ReLU())"), line="cross_entropy"),
    fault(
        "logits-expected",
        "focal",
        ("model(x[rows]).squeeze(1)", "torch.sigmoid(model(x[rows])).squeeze(1)"),
        line="binary_cross_entropy_with_logits",
    ),
    fault(
        "log-probabilities-expected",
        "tagger",
        ("F.log_softmax(self.tags(out.view(len(sentence), -1)), dim=1)", "self.tags(out.view(len(sentence), -1))"),
        line="loss_function",
    ),
    fault(
        "log-probabilities-expected",
        "graph",
        ("F.log_softmax(adjacency @ self.two(x), dim=1)", "F.softmax(adjacency @ self.two(x), dim=1)"),
        line="nll_loss",
    ),
    fault(
        "probabilities-expected",
        "gan",
        (", nn.Linear(32, 1), nn.Sigmoid())", ", nn.Linear(32, 1), nn.ReLU())"),
        line="criterion(D(real)",
    ),
    fault(
        "shapes-broadcast",
        "counts",
        ("F.poisson_nll_loss(model(x[rows])[:, 0], y[rows], log_input=False)", "F.l1_loss(model(x[rows]), y[rows])"),
        line="l1_loss",
    ),
    fault("shapes-broadcast", "dqn", (".unsqueeze(1)", ""), line="SmoothL1Loss"),
    fault("gradients-not-reset", "vae", ("        optimizer.zero_grad()\n", ""), line="loss.backward()"),
    fault("gradients-not-reset", "registered", ("        model.zero_grad(set_to_none=False)\n", ""), line="backward()"),
    fault("gradients-not-reset", "amp", ("        optimizer.zero_grad(set_to_none=True)\n", ""), line="backward()"),
    fault(
        "gradients-not-reset",
        "class_trainer",
        ("                    self.optimizer.zero_grad()\n", ""),
        line="loss.backward()",
    ),
    fault(
        "gradients-not-reset",
        "loaders",
        ("        optimizer.zero_grad()\n", ""),
        ("    model.train()\n", "    model.train()\n    optimizer.zero_grad()\n"),
        line="loss.backward()",
    ),
    fault(
        "gradients-erased",
        "registered",
        ("        model.zero_grad(set_to_none=False)\n", ""),
        ("        optimizer.step()\n", "        model.zero_grad(set_to_none=False)\n        optimizer.step()\n"),
    ),
    fault("no-step", "class_trainer", ("                    self.optimizer.step()\n", ""), line="loss.backward()"),
    fault("no-step", "gru", ("        optimizer.step()\n", ""), line="loss.backward()"),
    fault(
        "parameters-not-optimized",
        "regression",
        ("torch.optim.Adam(model.parameters(), lr=1e-2)", "torch.optim.Adam(model[4].parameters(), lr=1e-2)"),
        line="optimizer.step()",
    ),
    fault(
        "parameters-not-optimized",
        "gru",
        (
            "torch.optim.RMSprop(model.parameters(), lr=2e-3)",
            "torch.optim.RMSprop(model.parameters(), lr=2e-3)\nmodel = Sums()",
        ),
        line="optimizer.step()",
    ),
    fault(
        "parameters-not-optimized",
        "two_heads",
        ("[*model.kind.parameters(), *model.size.parameters()]", "[*model.kind.parameters()]"),
        line="optimizer.step()",
    ),
    fault(
        "parameters-frozen",
        "vae",
        (
            "optimizer = ",
            "for p in [*model.fc1.parameters(), *model.fc3.parameters()]:\n    p.requires_grad = False\noptimizer = ",
        ),
        line="model(batch)",
    ),
    fault(
        "layers-not-registered",
        "registered",
        (
            "nn.ModuleList([nn.Linear(10, 16), nn.Linear(16, 16), nn.Linear(16, 4)])",
            "[nn.Linear(10, 16), nn.Linear(16, 16), nn.Linear(16, 4)]",
        ),
        line="model(x[rows])",
    ),
    fault(
        "scheduler-stepped-per-batch",
        "resnet",
        (
            "torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=3, steps_per_epoch=len(loader))",
            "torch.optim.lr_scheduler.MultiStepLR(optimizer, [3, 6], 0.1)",
        ),
        line="scheduler.step()",
    ),
    fault("step-too-large", "registered", ("lr=1e-3", "lr=2.0"), line="optimizer.step()"),
    fault("trains-in-evaluation-mode", "transformer", ("        model.train()\n", ""), line="logits = model(ids)"),
    fault("trains-in-evaluation-mode", "graph", ("    model.train()\n", ""), line="out = model(x, adjacency)"),
    fault("trains-in-evaluation-mode", "generator_loader", ("    model.train()\n", ""), line="model(x), y"),
    fault(
        "evaluates-in-training-mode",
        "class_trainer",
        ("self.model.train(learn)", "self.model.train()"),
        line="self.model(inputs)",
    ),
    fault("evaluates-in-training-mode", "generator_loader", ("    model.eval()\n", ""), line="model(x).argmax"),
    fault(
        "statistics-frozen",
        "scanned",
        ("nn.BatchNorm1d(6)", "nn.BatchNorm1d(6, momentum=1e-4)"),
        line="model(features)",
    ),
    fault(
        "statistics-frozen",
        "class_trainer",
        ("nn.BatchNorm1d(24)", "nn.BatchNorm1d(24, momentum=0.99, eps=1e-3)"),
        line="self.model(inputs)",
    ),
    fault(
        "recurrent-relu",
        "tied",
        ("optimizer = ", "nn.init.xavier_normal_(model.rnn.weight_hh_l0, gain=3)\noptimizer = "),
        line="self.rnn(",
    ),
    fault(
        "zero-weights",
        "cnn",
        (
            "optimizer = ",
            "for m in model.modules():\n    if hasattr(m, 'weight'):\n        m.weight.data.fill_(0)\noptimizer = ",
        ),
        line="model(data)",
    ),
    fault(
        "dead-units",
        "regression",
        ("optimizer = ", "model[2].weight.data.abs_().neg_()\nmodel[2].bias.data.fill_(-0.1)\noptimizer = "),
        line="model(features)",
    ),
    fault(
        "not-finite",
        "autoencoder",
        ("loss = F.mse_loss(restored, batch)", "loss = F.mse_loss(restored, batch) / (batch - batch).sum()"),
        line="loss = ",
    ),
    fault(
        "not-finite",
        "mlp",
        (
            "loss = criterion(out, y[rows])",
            "loss = -torch.log(out.softmax(1)[torch.arange(len(rows)), y[rows]] * 0).mean()",
        ),
        line="torch.log",
    ),
    fault(
        "inputs-not-scaled",
        "regression",
        ("x = torch.randn(400, 6)\n", "x = torch.randn(400, 6) + 2000\n"),
        ("y = 50 + 12 * x[:, 0] * x[:, 1] + torch.randn(400)", "y = torch.randn(400)"),
        line="model(features)",
    ),
    fault(
        "inputs-not-scaled",
        "sine",
        ("series = torch.sin(torch.arange(400) * 0.2)", "series = 500 * torch.sin(torch.arange(400) * 0.2)"),
        line="model(x[rows])",
    ),
    fault(
        "splits-prepared-differently",
        "class_trainer",
        ("train_rows, val_rows = ", "rows.tensors = rows.tensors[0] * 4 + 20, rows.tensors[1]\ntrain_rows, _ = "),
        ("model = nn", "val_rows = TensorDataset(*blobs(60, classes=3))\nmodel = nn"),
        line="self.model(inputs)",
    ),
    fault(
        "labels-out-of-range",
        "cnn",
        ("output, target)\n        loss.backward", "output, target)\n        loss.backward"),
        ("self.fc = nn.Linear(64, 10)", "self.fc = nn.Linear(64, 9)"),
        line="nll_loss",
    ),
    fault(
        "labels-out-of-range",
        "lstm",
        (".gt(lengths / 2).float()", ".gt(lengths / 2).float() * 2 - 1"),
        line="criterion(logits",
    ),
    fault(
        "units-and-classes-differ",
        "focal",
        ("y = (x[:, 0] > 1.9).float()", "y = x[:, 0].clamp(-1, 1).round() + 1"),
        ('reduction="none"', 'reduction="mean"'),
        line="binary_cross_entropy",
    ),
    fault(
        "rows-not-shuffled",
        "class_trainer",
        (
            "rows = TensorDataset(*blobs(300, classes=3))",
            "a, b = blobs(300, classes=3)\nrows = TensorDataset(a[b.argsort()], b.sort()[0])",
        ),
        ("train_rows, val_rows = torch.utils.data.random_split(rows, [240, 60])", "train_rows, val_rows = rows, rows"),
        ("24, shuffle=True", "20"),
        line="cross_entropy",
    ),
    fault(
        "validation-rows-in-training",
        "generator_loader",
        ("x_test, y_test = blobs(64)", "x_test, y_test = x_train[::4], y_train[::4]"),
        line="model(x).argmax",
    ),
    fault(
        "classes-unequal",
        "class_trainer",
        (
            "rows = TensorDataset(*blobs(300, classes=3))",
            "a, b = blobs(900, classes=2)\nkeep = (b == 0) | (torch.rand(900) < 0.03)\nrows = TensorDataset(a[keep], b[keep])",
        ),
        ("[240, 60]", "[0.9, 0.1]"),
        line="cross_entropy",
    ),
    fault("evaluates-in-training-mode", "graph", ("    model.eval()\n", ""), line="model(x, adjacency).argmax"),
)
