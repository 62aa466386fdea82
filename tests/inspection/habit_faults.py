"""One fault each in the programs of `habits/`: edits of a sound program, which is the cure."""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SOUND = {file.stem: file.read_text() for file in sorted((Path(__file__).parent / "habits").glob("*.txt"))}


@dataclass(frozen=True)
class Fault:
    """A kind of mistake, the sound program that it is made in, and the edits that make it."""

    kind: str
    program: str
    edits: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.program}"

    @property
    def source(self) -> str:
        """The program with its fault."""
        text = SOUND[self.program]
        for old, new in self.edits:
            assert old in text, f"{self.name}: {old}"
            text = text.replace(old, new)
        return text


def fault(kind: str, program: str, *edits: tuple[str, str]) -> Fault:
    return Fault(kind, program, edits)


# fmt: off
FAULTS = (
    fault("logits-expected", "onecycle_config", ("nn.Linear(cfg.width, 3),\n", "nn.Linear(cfg.width, 3), nn.Softmax(dim=1),\n")),
    fault("logits-expected", "churn_lightning", ("return self.layers(x).squeeze(-1)", "return torch.sigmoid(self.layers(x)).squeeze(-1)")),
    fault("logits-expected", "skorch_moons", ("return self.output(X)", "return torch.softmax(self.output(X), dim=-1)")),
    fault("logits-expected", "speech_ctc", ("nn.Linear(64, N_CLASSES)", "nn.Sequential(nn.Linear(64, N_CLASSES), nn.ReLU())")),
    fault("logits-expected", "keras_logits", ("layers.Dense(6)(x)", "layers.Dense(6, activation='softmax')(x)")),
    fault("logits-expected", "keras_custom_step", ("layers.Dense(classes)])", "layers.Dense(classes), layers.Softmax()])")),
    fault("logits-expected", "dice_unet", ("return self.out(torch.cat([a, self.up(b)], 1))", "return torch.sigmoid(self.out(torch.cat([a, self.up(b)], 1)))")),
    fault("logits-expected", "nnx_cnn", ("return self.linear(self.dropout(x.reshape(x.shape[0], -1)))", "return nnx.softmax(self.linear(self.dropout(x.reshape(x.shape[0], -1))))")),
    fault("logits-expected", "flax_trainstate", ("return nn.Dense(self.classes)(x)", "x = nn.Dense(self.classes)(x)\n        return nn.softmax(x)")),
    fault("logits-expected", "accelerated", ("return self.cls(h.mean(1))", "return self.cls(h.mean(1)).relu()")),

    fault("log-probabilities-expected", "log_of_softmax", ("torch.log(probs + 1e-9)", "probs")),
    fault("log-probabilities-expected", "ensemble", ("criterion = nn.CrossEntropyLoss()", "criterion = nn.NLLLoss()")),
    fault("log-probabilities-expected", "accelerated", ("F.cross_entropy(model(inputs), targets)", "F.nll_loss(model(inputs), targets)")),
    fault("log-probabilities-expected", "skorch_moons", ("criterion=nn.CrossEntropyLoss, ", "criterion=nn.NLLLoss, "), ("NeuralNetClassifier(\n", "NeuralNet(\n"), ("import NeuralNetClassifier", "import NeuralNet"), ('EpochScoring("f1", lower_is_better=False)', ""), ("print(pipe.score(X, y))", "")),
    fault("log-probabilities-expected", "jax_by_hand", ("return log_softmax(logits)", "return logits")),

    fault("probabilities-expected", "keras_digits", ('layers.Dense(10, activation="softmax")', "layers.Dense(10)")),
    fault("probabilities-expected", "keras_two_outputs", ('Dense(1, activation="sigmoid", name="returned")', 'Dense(1, name="returned")')),
    fault("probabilities-expected", "keras_gan_batches", ('layers.Dense(1, activation="sigmoid")', "layers.Dense(1)")),
    fault("probabilities-expected", "keras_weighted", ("BinaryCrossentropy(from_logits=True)", "BinaryCrossentropy()")),
    fault("probabilities-expected", "keras_autoencoder", ("Dense(64, activation='sigmoid')", "Dense(64, activation='relu')")),
    fault("probabilities-expected", "probability_target", ('torch.nn.MSELoss(reduction="sum")', 'torch.nn.BCELoss(reduction="sum")'), ("return torch.sigmoid(self.b(torch.tanh(self.a(x))))", "return torch.relu(self.b(torch.tanh(self.a(x))))")),

    fault("softmax-over-one-unit", "keras_reviews", ('layers.Dense(1, activation="sigmoid")', 'layers.Dense(1, activation="softmax")')),
    fault("softmax-over-one-unit", "probability_target", ("return torch.sigmoid(self.b(torch.tanh(self.a(x))))", "return torch.softmax(self.b(torch.tanh(self.a(x))), dim=1)")),
    fault("softmax-over-one-unit", "churn_lightning", ("return self.layers(x).squeeze(-1)", "return nn.functional.softmax(self.layers(x), dim=-1).squeeze(-1)")),
    fault("softmax-over-one-unit", "keras_gan_batches", ('activation="sigmoid"', 'activation="softmax"')),
    fault("softmax-over-one-unit", "keras_two_outputs", ('activation="sigmoid"', 'activation="softmax"')),

    fault("softmax-over-rows", "log_of_softmax", ("nn.Softmax(dim=1)", "nn.Softmax(dim=0)")),
    fault("softmax-over-rows", "mixture_density", ("torch.softmax(self.z_pi(h), -1)", "torch.softmax(self.z_pi(h), 0)")),
    fault("softmax-over-rows", "teacher_student", ("F.log_softmax(s_logits / T, dim=1), F.softmax(t_logits / T, dim=1)", "F.log_softmax(s_logits / T, dim=0), F.softmax(t_logits / T, dim=0)")),
    fault("softmax-over-rows", "mixup_ema", ("F.log_softmax(logits, dim=1)", "F.log_softmax(logits, dim=0)")),
    fault("softmax-over-rows", "keras_digits", ('layers.Dense(10, activation="softmax"),', "layers.Dense(10), layers.Softmax(axis=0),")),

    fault("units-and-classes-differ", "keras_digits", ('layers.Dense(10, activation="softmax")', 'layers.Dense(1, activation="sigmoid")')),
    fault("units-and-classes-differ", "onecycle_config", ("nn.Linear(cfg.width, 3),\n", "nn.Linear(cfg.width, 1),\n"), ("nn.CrossEntropyLoss(label_smoothing=0.1)", "nn.BCEWithLogitsLoss()"), ('self.loss_fn(scores, batch["label"])', 'self.loss_fn(scores.squeeze(1), batch["label"].float())')),
    fault("units-and-classes-differ", "keras_logits", ("layers.Dense(6)(x)", "layers.Dense(4)(x)")),
    fault("units-and-classes-differ", "keras_reviews", ("y = rng.integers(0, 2, n)", "y = rng.integers(0, 3, n)")),
    fault("units-and-classes-differ", "amp_class", ("nn.Linear(16, 2),\n", "nn.Linear(16, 1), nn.Flatten(0),\n"), ("self.criterion = nn.CrossEntropyLoss()", "self.criterion = nn.BCEWithLogitsLoss()"), ("self.criterion(out, y)", "self.criterion(out, y.float())"), ("torch.randint(0, 2, (300,))", "torch.randint(0, 3, (300,))"), ("(self.model(x).float().argmax(1) == y)", "((self.model(x) > 0) == y)")),
    fault("units-and-classes-differ", "keras_preprocessing_layers", ("layers.Dense(3,", "layers.Dense(1,"), ("keras.losses.CategoricalCrossentropy(label_smoothing=0.1)", "'sparse_categorical_crossentropy'"), ("to_categorical(self.y[s], 3)", "self.y[s]"), ("to_categorical(y[300:], 3)", "y[300:]")),

    fault("targets-out-of-reach", "sensor_lstm", ("return self.linear(h[-1])", "return torch.sigmoid(self.linear(h[-1]))")),
    fault("targets-out-of-reach", "two_losses_retained", ("return self.price(h), self.kind(h)", "return self.price(h).relu(), self.kind(h)")),
    fault("targets-out-of-reach", "averaged_weights", ("torch.nn.Linear(40, 1)\n", "torch.nn.Linear(40, 1), torch.nn.ReLU()\n")),
    fault("targets-out-of-reach", "keras_weather", ("regressor.add(Dense(1))", 'regressor.add(Dense(1, activation="sigmoid"))'), ("scaled = scaler.transform(frame)", "scaled = scaler.transform(frame) * 4 - 2")),
    fault("targets-out-of-reach", "keras_two_outputs", ('Dense(1, name="amount")', 'Dense(1, activation="tanh", name="amount")'), ("(numbers[:, :1] * 0.8", "(3 * numbers[:, :1]")),
    fault("targets-out-of-reach", "keras_hinge", ('m.compile(loss="hinge"', 'm.compile(loss="mse"'), ('layers.Dense(1, activation="tanh")', 'layers.Dense(1, activation="sigmoid")')),
    fault("targets-out-of-reach", "denoiser", ("output = ae(noisy)", "output = ae(noisy)\n        img = (img - 0.5) / 0.25")),

    fault("shapes-broadcast", "no_modes", ("Ytr = torch.as_tensor((Ytr - ymu) / ysd, dtype=torch.float32).unsqueeze(1)", "Ytr = torch.as_tensor((Ytr - ymu) / ysd, dtype=torch.float32)")),
    fault("shapes-broadcast", "log_prices", ("return self.l3(x).flatten()", "return self.l3(x)")),
    fault("shapes-broadcast", "few_shot_maml", ("return x, a * torch.sin(x + ph)", "return x, (a * torch.sin(x + ph)).squeeze(1)")),
    fault("shapes-broadcast", "optax_frozen_groups", ('+ params["head"]["b"]).squeeze(-1)', '+ params["head"]["b"])')),
    fault("shapes-broadcast", "counts_and_spread", ("return self.log_rate(h).squeeze(1)", "return self.log_rate(h)")),
    fault("shapes-broadcast", "jax_class_logistic", ('"w2": self.rng.normal(size=16) / 4', '"w2": self.rng.normal(size=(16, 1)) / 4')),
    fault("shapes-broadcast", "wgan_gp", ("((grads.norm(2, dim=1) - 1) ** 2).mean()", "((grads.norm(2, dim=1, keepdim=True) - torch.ones(len(real))) ** 2).mean()")),

    fault("loss-averaged-twice", "accumulating", ("loss = crit(net(xb), yb) / ACCUM", "loss = crit(net(xb), yb) / BS / ACCUM")),
    fault("loss-averaged-twice", "argparse_main", ("loss = nn.functional.cross_entropy(model(data), target)\n        loss.backward()", "loss = nn.functional.cross_entropy(model(data), target) / data.shape[0]\n        loss.backward()")),
    fault("loss-averaged-twice", "dice_unet", ("0.5 * F.binary_cross_entropy_with_logits(logits, m) + 0.5 * dice_loss(logits, m)", "(0.5 * F.binary_cross_entropy_with_logits(logits, m) + 0.5 * dice_loss(logits, m)) / len(x)")),
    fault("loss-averaged-twice", "amp_class", ("loss = self.criterion(out, y)", "loss = self.criterion(out, y) / y.size(0)")),
    fault("loss-averaged-twice", "churn_lightning", ('loss = self.criterion(self(x), y)\n        self.log("train_loss", loss)', 'loss = self.criterion(self(x), y)\n        self.log("train_loss", loss)\n        loss = loss / len(y)')),

    fault("loss-cut-off", "translate", ("loss = loss + F.cross_entropy(logits, tgt[t], ignore_index=PAD)", "loss = loss + F.cross_entropy(logits.data, tgt[t], ignore_index=PAD)"), ("loss, guesses = 0, []", "loss, guesses = torch.zeros(1, requires_grad=True).sum(), []")),
    fault("loss-cut-off", "ordinal", ("loss = F.binary_cross_entropy_with_logits(model(X[sel]), levels(Y[sel]))", "with torch.no_grad():\n            out = model(X[sel])\n        out.requires_grad_()\n        loss = F.binary_cross_entropy_with_logits(out, levels(Y[sel]))")),
    fault("loss-cut-off", "rare_class_sampler", ("loss = criterion(out, batch_y)", "pred = out.argmax(1).float()\n            pred.requires_grad = True\n            loss = nn.functional.mse_loss(pred, batch_y.float())")),
    fault("loss-cut-off", "gumbel", ("recon, kl = vae(x[b], tau)", "recon, kl = vae(x[b], tau)\n        recon = torch.tensor(recon.detach().numpy(), requires_grad=True)\n        kl = 0")),
    fault("loss-cut-off", "triplets", ("loss = criterion(model(a), model(p), model(n))", "loss = torch.tensor(criterion(model(a), model(p), model(n)).item(), requires_grad=True)")),

    fault("gradients-not-reset", "triplets", ("        optim.zero_grad()\n", "")),
    fault("gradients-not-reset", "next_token", ("    optimizer.zero_grad(set_to_none=True)\n", "")),
    fault("gradients-not-reset", "amp_class", ("        self.opt.zero_grad(set_to_none=True)\n", "")),
    fault("gradients-not-reset", "accumulating", ("            opt.zero_grad(set_to_none=True)\n", "")),
    fault("gradients-not-reset", "lbfgs_closure", ("        optimizer.zero_grad()\n", "")),
    fault("gradients-not-reset", "accelerated", ("                optimizer.zero_grad()\n", "")),
    fault("gradients-not-reset", "truncated_bptt", ("        model.zero_grad()\n", "")),
    fault("gradients-not-reset", "wgan_gp", ("    opt_g.zero_grad()\n    g_loss", "    g_loss"), ("        opt_d.zero_grad()\n        d_loss", "        d_loss")),
    fault("gradients-not-reset", "ensemble", ("            optimizers[name].zero_grad()\n", "")),

    fault("gradients-erased", "translate", ("    loss.backward()\n", "    loss.backward()\n    enc_opt.zero_grad()\n    dec_opt.zero_grad()\n")),
    fault("gradients-erased", "log_prices", ("        loss.backward()\n        opt.step()", "        loss.backward()\n        opt.zero_grad()\n        opt.step()")),
    fault("gradients-erased", "onecycle_config", ("        self.opt.zero_grad()\n        loss.backward()\n", "        loss.backward()\n        self.opt.zero_grad()\n")),
    fault("gradients-erased", "two_losses_retained", ("        loss_kind.backward()\n", "        loss_kind.backward()\n        net.zero_grad()\n")),
    fault("gradients-erased", "accelerated", ("                optimizer.step()\n                lr_scheduler.step()\n                optimizer.zero_grad()", "                optimizer.zero_grad()\n                optimizer.step()\n                lr_scheduler.step()")),

    fault("no-step", "rare_class_sampler", ("            optimizer.step()\n", "")),
    fault("no-step", "amp_class", ("        self.scaler.step(self.opt)\n", "")),
    fault("no-step", "tags", ("        optimizer.step()", "        optimizer.step")),
    fault("no-step", "gumbel", ("        loss.backward()\n", "")),
    fault("no-step", "flax_trainstate", ("    state = state.apply_gradients(grads=grads)\n", "    state.apply_gradients(grads=grads)\n")),
    fault("no-step", "nnx_cnn", ("    optimizer.update(model, grads)\n", "")),
    fault("no-step", "jax_vae_scan", ("return (optax.apply_updates(params, updates), state, key), loss", "optax.apply_updates(params, updates)\n    return (params, state, key), loss")),
    fault("no-step", "keras_custom_step", ("            self.optimizer.apply(gradients, trainable)", "            pass")),
    fault("no-step", "masked_words", ("            optimizer.step()\n", "")),

    fault("parameters-not-optimized", "translate", ("torch.optim.Adam(dec.parameters(), lr=3e-3)", "torch.optim.Adam(enc.parameters(), lr=3e-3)")),
    fault("parameters-not-optimized", "two_losses_retained", ("torch.optim.NAdam(net.parameters(), lr=4e-3)", "torch.optim.NAdam(net.trunk.parameters(), lr=4e-3)")),
    fault("parameters-not-optimized", "next_token", ("decay = [p for p in model.parameters() if p.dim() >= 2]", "decay = [p for p in model.blocks.parameters() if p.dim() >= 2]")),
    fault("parameters-not-optimized", "byol", ("list(model.online.parameters()) + list(model.predictor.parameters())", "model.target.parameters()")),
    fault("parameters-not-optimized", "frozen_body", ("net.fc = nn.Linear(16, 3)\n\noptimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=0.01)", "optimizer = torch.optim.Adam(net.fc.parameters(), lr=0.01)\nnet.fc = nn.Linear(16, 3)")),
    fault("parameters-not-optimized", "ensemble", ("{name: torch.optim.Adam(net.parameters(), lr=4e-3) for name, net in members.items()}", "{name: torch.optim.Adam(members['net0'].parameters(), lr=4e-3) for name in members}")),
    fault("parameters-not-optimized", "churn_lightning", ("torch.optim.AdamW(self.parameters(), lr=self.lr)", "torch.optim.AdamW(self.layers[0].parameters(), lr=self.lr)")),

    fault("parameters-frozen", "frozen_body", ("freeze(net)\nnet.fc = nn.Linear(16, 3)\n", "net.fc = nn.Linear(16, 3)\nfreeze(net)\n"), ("[p for p in net.parameters() if p.requires_grad]", "net.parameters()"), ("        loss.backward()\n        optimizer.step()", "        loss.requires_grad_()\n        loss.backward()\n        optimizer.step()")),
    fault("parameters-frozen", "teacher_student", ("student = mlp(12)", "student = mlp(12).requires_grad_(False)")),
    fault("parameters-frozen", "keras_transfer", ('outputs = layers.Dense(3, activation="softmax")(x)\nmodel = keras.Model(inputs, outputs)\n', 'outputs = layers.Dense(3, activation="softmax")(x)\nmodel = keras.Model(inputs, outputs)\nmodel.trainable = False\n'), ("base.trainable = True\n", "")),
    fault("parameters-frozen", "keras_gan_batches", ("discriminator.compile(", "discriminator.trainable = False\ndiscriminator.compile(")),
    fault("parameters-frozen", "hf_trainer", ("model = BertForSequenceClassification(config)\n", "model = BertForSequenceClassification(config)\nfor p in model.parameters():\n    p.requires_grad = False\n")),
    fault("parameters-frozen", "mixup_ema", ("for p in ema.parameters():", "for p in net.parameters():")),

    fault("layers-not-registered", "argparse_main", ("nn.ModuleList(BasicBlock(8) for _ in range(2))", "[BasicBlock(8) for _ in range(2)]")),
    fault("layers-not-registered", "two_losses_retained", ("self.price = nn.Linear(40, 1)\n        self.kind = nn.Linear(40, 3)", "self.heads = {'price': nn.Linear(40, 1), 'kind': nn.Linear(40, 3)}"), ("return self.price(h), self.kind(h)", "return self.heads['price'](h), self.heads['kind'](h)")),
    fault("layers-not-registered", "mixture_density", ("self.z_pi = nn.Linear(hidden, k)", "self.outs = []\n        self.z_pi = nn.Linear(hidden, k)\n        for _ in range(3):\n            self.outs.append(nn.Linear(hidden, k))"), ("torch.softmax(self.z_pi(h), -1), self.z_mu(h), torch.exp(self.z_sigma(h))", "torch.softmax(self.outs[0](h), -1), self.outs[1](h), torch.exp(self.outs[2](h))")),
    fault("layers-not-registered", "tags", ("self.fc = nn.Linear(dim, n_tags)", "self.fc = tuple(nn.Linear(dim, 1) for _ in range(n_tags))"), ("return self.fc(self.bag(text, offsets))", "h = self.bag(text, offsets)\n        return torch.cat([f(h) for f in self.fc], dim=1)")),
    fault("layers-not-registered", "low_rank", ("self.lora_A = nn.Parameter(torch.empty(rank, base.in_features))\n        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))\n        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))", "self.ab = [nn.Parameter(torch.randn(rank, base.in_features) / 4), nn.Parameter(torch.zeros(base.out_features, rank))]"), ("self.lora_A.T @ self.lora_B.T", "self.ab[0].T @ self.ab[1].T"), ('[p for n, p in model.named_parameters() if "lora_" in n]', "[nn.Parameter(torch.zeros(1)), *model[0].base.parameters()]")),

    fault("scheduler-stepped-per-batch", "argparse_main", ("        optimizer.step()\n", "        optimizer.step()\n        scheduler.step()\n"), ("def train(args, model, loader, optimizer, epoch):", "def train(args, model, loader, optimizer, epoch, scheduler):"), ("train(args, model, train_loader, optimizer, epoch)\n        test(model, test_loader)\n        scheduler.step()", "train(args, model, train_loader, optimizer, epoch, scheduler)\n        test(model, test_loader)")),
    fault("scheduler-stepped-per-batch", "averaged_weights", ("        optimizer.step()\n", "        optimizer.step()\n        scheduler.step()\n"), ("    else:\n        scheduler.step()\n", "")),
    fault("scheduler-stepped-per-batch", "onecycle_config", ("torch.optim.lr_scheduler.OneCycleLR(\n            self.opt, max_lr=cfg.max_lr, epochs=cfg.epochs, steps_per_epoch=len(self.train_loader)\n        )", "torch.optim.lr_scheduler.StepLR(self.opt, step_size=2, gamma=0.1)")),
    fault("scheduler-stepped-per-batch", "log_prices", ("        opt.step()\n", "        opt.step()\n        sched.step(loss)\n"), ("    sched.step(val_loss)\n", "")),
    fault("scheduler-stepped-per-batch", "churn_lightning", ('return {"optimizer": opt, "lr_scheduler": sched}', 'return {"optimizer": opt, "lr_scheduler": {"scheduler": sched, "interval": "step"}}'), ("torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=4)", "torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)")),
    fault("scheduler-stepped-per-batch", "accelerated", ("LambdaLR(optimizer, lambda s: max(0.0, 1 - s / total))", "torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 3], gamma=0.1)")),

    fault("optimizer-state-lost", "next_token", ("for it in range(max_iters):\n", "for it in range(max_iters):\n    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)\n")),
    fault("optimizer-state-lost", "ensemble", ("            optimizers[name].zero_grad()\n", "            optimizers[name] = torch.optim.Adam(net.parameters(), lr=4e-3)\n            optimizers[name].zero_grad()\n")),
    fault("optimizer-state-lost", "optax_frozen_groups", ("updates, opt_state = tx.update(grads, opt_state, params)", "updates, _ = tx.update(grads, opt_state, params)")),
    fault("optimizer-state-lost", "jax_vae_scan", ("updates, state = opt.update(grads, state)", "updates, new_state = opt.update(grads, state)")),
    fault("optimizer-state-lost", "tags", ("    for text, offsets, target in train_loader:\n", "    for text, offsets, target in train_loader:\n        optimizer = optim.Adagrad(model.parameters(), lr=0.05)\n")),

    fault("step-too-large", "ordinal", ("lr=5e-3", "lr=50.0")),
    fault("step-too-large", "onecycle_config", ("max_lr: float = 1e-2", "max_lr: float = 300.0")),
    fault("step-too-large", "keras_logits", ("CosineDecay(3e-3", "CosineDecay(30.0")),
    fault("step-too-large", "hf_trainer", ("learning_rate=1e-3", "learning_rate=10.0")),
    fault("step-too-large", "low_rank", ("AdamW(trainable, lr=1e-2)", "AdamW(trainable, lr=20.0)")),

    fault("trains-in-evaluation-mode", "onecycle_config", ("        self.model.train()\n        return right / seen", "        return right / seen")),
    fault("trains-in-evaluation-mode", "rare_class_sampler", ("    for epoch in range(1, 5):\n        model.train()\n", "    model.train()\n    for epoch in range(1, 5):\n")),
    fault("trains-in-evaluation-mode", "masked_words", ("        model.train()\n", "")),
    fault("trains-in-evaluation-mode", "amp_class", ("        self.model.train()\n", "        self.model.eval()\n")),
    fault("trains-in-evaluation-mode", "dice_unet", ("nn.GroupNorm(4, 16)", "nn.BatchNorm2d(16)"), ('unet.train(phase == "train")', 'unet.train(phase != "train")')),
    fault("trains-in-evaluation-mode", "argparse_main", ("    model.train()\n", "    model.train\n")),
    fault("trains-in-evaluation-mode", "truncated_bptt", ("    model.train()\n", "")),

    fault("evaluates-in-training-mode", "onecycle_config", ("        self.model.eval()\n", "")),
    fault("evaluates-in-training-mode", "log_prices", ("    reg.eval()\n", "")),
    fault("evaluates-in-training-mode", "argparse_main", ("    model.eval()\n", "    model.eval\n")),
    fault("evaluates-in-training-mode", "mixup_ema", ("    net.eval()\n", "")),
    fault("evaluates-in-training-mode", "accelerated", ("        model.eval()\n", "")),
    fault("evaluates-in-training-mode", "next_token", ("    model.eval()\n    out", "    out")),
    fault("evaluates-in-training-mode", "masked_words", ("        model.eval()\n", "")),

    fault("statistics-frozen", "flax_trainstate", ('return state.replace(batch_stats=updates["batch_stats"]), loss', "return state, loss")),
    fault("statistics-frozen", "argparse_main", ("nn.BatchNorm2d(c)", "nn.BatchNorm2d(c, momentum=0.0)")),
    fault("statistics-frozen", "keras_preprocessing_layers", ("layers.BatchNormalization()", "layers.BatchNormalization(momentum=1.0)")),
    fault("statistics-frozen", "keras_weighted", ("self.bn(self.d1(inputs), training=training)", "self.bn(self.d1(inputs), training=False)")),
    fault("statistics-frozen", "onecycle_config", ("nn.BatchNorm1d(cfg.width)", "nn.BatchNorm1d(cfg.width, momentum=0)")),
    fault("statistics-frozen", "rare_class_sampler", ("        model.train()\n", "        model.train()\n        model[1].eval()\n")),

    fault("batch-norm-on-one-row", "keras_weighted", ("batch_size=50", "batch_size=1")),
    fault("batch-norm-on-one-row", "keras_custom_step", ("batch_size=40", "batch_size=1")),
    fault("batch-norm-on-one-row", "onecycle_config", ("cfg.batch, shuffle=True", "1, shuffle=True")),
    fault("batch-norm-on-one-row", "rare_class_sampler", ("batch_size=40", "batch_size=1")),
    fault("batch-norm-on-one-row", "averaged_weights", ("batch_size=25", "batch_size=1")),

    fault("axes-swapped", "sensor_lstm", ("num_layers=1, batch_first=True", "num_layers=1"), ("return self.linear(h[-1])", "return self.linear(out[:, -1])")),
    fault("axes-swapped", "accelerated", ("batch_first=True, dropout=0.05", "dropout=0.05")),
    fault("axes-swapped", "masked_words", ("x = self.pe(x.permute(1, 0, 2))             # (time, batch, D)\n        return self.lm_head(self.encoder(x)).permute(1, 0, 2)", "return self.lm_head(self.encoder(x))")),
    fault("axes-swapped", "speech_ctc", ("packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)\n        out, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)", "out, _ = self.rnn(x)"), ("nn.GRU(12, 32, batch_first=True, bidirectional=True)", "nn.GRU(12, 32, bidirectional=True)")),
    fault("axes-swapped", "next_token", ("dropout=0.1, batch_first=True, norm_first=True", "dropout=0.1, norm_first=True"), ("self.blocks(x, mask=mask, is_causal=True)", "self.blocks(x)")),

    fault("recurrent-relu", "keras_weather", ("LSTM(24, return_sequences=True, input_shape=(look_back, 2))", "LSTM(24, activation='relu', return_sequences=True, input_shape=(look_back, 2))"), ("regressor.add(LSTM(12))", "regressor.add(LSTM(12, activation='relu'))")),
    fault("recurrent-relu", "keras_reviews", ("layers.GRU(16)", "layers.GRU(16, activation='relu')")),

    fault("zero-weights", "tags", ("model = BagOfWords(60, 24, 3)\n", "model = BagOfWords(60, 24, 3)\nfor p in model.parameters():\n    nn.init.zeros_(p)\n")),
    fault("zero-weights", "lbfgs_closure", ("optimizer = torch.optim", "for m in model:\n    if isinstance(m, torch.nn.Linear):\n        m.weight.data.fill_(0.1)\noptimizer = torch.optim")),
    fault("zero-weights", "keras_pinball", ('layers.Dense(32, "swish"), layers.Dense(16, "swish")', 'layers.Dense(32, "swish", kernel_initializer="zeros"), layers.Dense(16, "swish", kernel_initializer="zeros")')),
    fault("zero-weights", "jax_vae_scan", ('{"w": jax.random.normal(key, (i, o)) * (1 / i) ** 0.5, "b": jnp.zeros(o)}', '{"w": jnp.zeros((i, o)), "b": jnp.zeros(o)}')),
    fault("zero-weights", "keras_hinge", ('layers.Dense(20, activation="tanh")', 'layers.Dense(20, activation="tanh", kernel_initializer=keras.initializers.Constant(0.5))')),
    fault("zero-weights", "reinforce", ("        self.affine2 = nn.Linear(32, 2)\n", "        self.affine2 = nn.Linear(32, 2)\n        self.apply(self._init)\n\n    def _init(self, m):\n        if isinstance(m, nn.Linear):\n            nn.init.constant_(m.weight, 0.0)\n            nn.init.constant_(m.bias, 0.0)\n")),

    fault("random-key-reused", "jax_by_hand", ("    key, sub = random.split(key)\n    order = random.permutation(sub, 320)", "    order = random.permutation(key, 320)")),
    fault("random-key-reused", "jax_vae_scan", ("    key, sub = jax.random.split(key)\n    loss, grads = jax.value_and_grad(elbo)(params, sub, batch)", "    loss, grads = jax.value_and_grad(elbo)(params, key, batch)")),
    fault("random-key-reused", "flax_trainstate", ("dropout_key = jax.random.fold_in(state.key, state.step)", "dropout_key = state.key")),
    fault("random-key-reused", "optax_frozen_groups", ("k1, k2 = jax.random.split(jax.random.PRNGKey(0))", "k1 = jax.random.PRNGKey(0)"), ("jax.random.normal(k2, (64, 1))", "jax.random.normal(k1, (64, 1))"), ("rows = rng.integers(0, 448, 64)", "rows = jax.random.randint(k1, (64,), 0, 448)")),
    fault("random-key-reused", "nnx_cnn", ("for rows in np.array_split(rng.permutation(960), 20):", "for rows in np.array_split(np.asarray(jax.random.permutation(jax.random.key(0), 960)), 20):")),

    fault("dead-units", "log_prices", ("        self.do = nn.Dropout(0.05)\n", "        self.do = nn.Dropout(0.05)\n        nn.init.constant_(self.l1.bias, -20.0)\n")),
    fault("dead-units", "ordinal", ("model = Coral(11)\n", "model = Coral(11)\nmodel.features[0].bias.data.fill_(-30.0)\n")),
    fault("dead-units", "keras_two_outputs", ('Dense(32, activation="elu")', 'Dense(32, activation="relu", bias_initializer=__import__("keras").initializers.Constant(-15.0))')),
    fault("dead-units", "keras_digits", ('layers.Conv2D(16, 3, activation="relu")', 'layers.Conv2D(16, 3, activation="relu", bias_initializer=keras.initializers.Constant(-10))')),
    fault("dead-units", "teacher_student", ("student = mlp(12)", "student = mlp(12)\nwith torch.no_grad():\n    student[0].weight.abs_().neg_()\n    student[0].bias.fill_(-60.)")),

    fault("not-finite", "mixture_density", ("-torch.log((pi * comp).sum(1) + 1e-9).mean()", "-torch.log((pi * comp * 0).sum(1)).mean()")),
    fault("not-finite", "log_of_softmax", ("torch.log(probs + 1e-9)", "torch.log(probs - probs.max())")),
    fault("not-finite", "log_prices", ("df = pd.get_dummies", "df.loc[::9, 'age'] = np.nan\ndf = pd.get_dummies")),
    fault("not-finite", "keras_siamese", ("keepdims=True) + 1e-7)", "keepdims=True))"), ("i = rng.integers(400, size=n)", "i = rng.integers(400, size=n)\n    i[:] = 0"), ("np.flatnonzero(lab == lab[a])", "[a]")),
    fault("not-finite", "keras_pinball", ("cost = np.exp(1 + X[:, 0] + 0.5 * X[:, 1] + 0.2 * rng.normal(size=500))", "cost = 5 * rng.normal(size=500) - 2")),
    fault("not-finite", "jax_vae_scan", ('h = jnp.tanh(lin(params["e"], x))', 'h = jnp.tanh(lin(params["e"], x)) * 1e6')),
    fault("not-finite", "jax_class_logistic", ("jnp.log1p(jnp.exp(-jnp.abs(z)))", "jnp.log(jnp.exp(1000 * z) + 1) * 1e-3")),
    fault("not-finite", "probability_target", ("p_true = torch.sigmoid(2 * x[:, :1] - x[:, 1:2])", "x[7, 1] = float('nan')\np_true = torch.sigmoid(2 * x[:, :1] - x[:, 1:2]).nan_to_num()")),

    fault("inputs-not-scaled", "log_prices", ("((train_df[cols] - means) / stds).values", "train_df[cols].values"), ("((test_df[cols] - means) / stds).values", "test_df[cols].values")),
    fault("inputs-not-scaled", "keras_preprocessing_layers", ("    layers.Rescaling(1 / 127.5, offset=-1),\n", "")),
    fault("inputs-not-scaled", "keras_digits", ("data.images[..., None] / 16.0", "data.images[..., None] * 15.9")),
    fault("inputs-not-scaled", "jax_class_logistic", ("model = Logistic().fit(prep.transform(Xa), ya)\nprint(model.score(prep.transform(Xb), yb))", "model = Logistic().fit(Xa, ya)\nprint(model.score(Xb, yb))")),
    fault("inputs-not-scaled", "no_modes", ("mu, sd = Xtr.mean(0), Xtr.std(0)", "Xtr, Xte = Xtr * 5000 + 900, Xte * 5000 + 900\nmu, sd = 0, 1")),
    fault("inputs-not-scaled", "frozen_body", ("images = (images - images.mean()) / images.std()", "images = (images.clamp(0, 1) * 255).round()"), ("nn.BatchNorm2d(8)", "nn.Identity()"), ("nn.BatchNorm2d(16)", "nn.Identity()")),

    fault("inputs-constant", "keras_digits", ("data.images[..., None] / 16.0", "data.images[..., None] // 17")),
    fault("inputs-constant", "accumulating", ("    return TensorDataset(f, t)", "    return TensorDataset(f * 0, t)")),
    fault("inputs-constant", "onecycle_config", ('return {"points": self.pts[i], "label": self.cls[i]}', 'return {"points": self.pts[0], "label": self.cls[i]}')),
    fault("inputs-constant", "keras_preprocessing_layers", ("return self.x[s], to_categorical", "return self.x[[0] * len(s)], to_categorical")),
    fault("inputs-constant", "flax_trainstate", ("x = (centers[y] + rng.normal(size=(600, 16))).astype(np.float32)", "x = (centers[y] + rng.normal(size=(600, 16))).astype(np.float32)\n    x = np.clip(x, 9, 9)")),

    fault("splits-prepared-differently", "log_prices", ("((test_df[cols] - means) / stds).values", "test_df[cols].values")),
    fault("splits-prepared-differently", "no_modes", ("Xtr, Xte = (Xtr - mu) / sd, (Xte - mu) / sd", "Xtr = (Xtr - mu) / sd")),
    fault("splits-prepared-differently", "keras_weighted", ("x_test = scaler.transform(x_test)\n", "")),
    fault("splits-prepared-differently", "log_of_softmax", ("sc.transform(x_te)", "sc.fit_transform(x_te)")),
    fault("splits-prepared-differently", "jax_class_logistic", ("print(model.score(prep.transform(Xb), yb))", "print(model.score(StandardScaler().fit_transform(Xb), yb))")),
    fault("splits-prepared-differently", "keras_autoencoder", ("x_train, x_test = x[:1000], x[1000:1200]", "x_train, x_test = x[:1000] / 16., x[1000:1200]")),
    fault("splits-prepared-differently", "dice_unet", ("        if self.train and torch.rand(1) < 0.5:", "        if not self.train:\n            x = x * 255\n        if self.train and torch.rand(1) < 0.5:")),

    fault("labels-constant", "rare_class_sampler", ("y = (torch.rand(n) < 0.12).long()", "y = (torch.rand(n) < -0.12).long()"), ("weights = (1.0 / counts)[y]", "weights = torch.ones(len(y))")),
    fault("labels-constant", "skorch_moons", ("X.astype(np.float32), y.astype(np.int64)", "X.astype(np.float32), (y * 0.5).astype(np.int64)"), (', EpochScoring("f1", lower_is_better=False)', "")),
    fault("labels-constant", "keras_reviews", ("return keras.utils.pad_sequences(seqs, maxlen=maxlen), y", "return keras.utils.pad_sequences(seqs, maxlen=maxlen), np.zeros_like(y)")),
    fault("labels-constant", "hf_trainer", ('"labels": int(self.labels[i])', '"labels": int(self.labels[0])')),
    fault("labels-constant", "nnx_cnn", ("labels = digits.target.astype(np.int32)", "labels = (digits.target / 10).astype(np.int32)")),

    fault("labels-shuffled-apart", "keras_hinge", ("m.train_on_batch(X[p[k:k + 32]], Y[p[k:k + 32]])", "m.train_on_batch(X[p[k:k + 32]], Y[k:k + 32])")),
    fault("labels-shuffled-apart", "accumulating", ("    return TensorDataset(f, t)", "    f = f[torch.randperm(n, generator=g)]\n    return TensorDataset(f, t)")),
    fault("labels-shuffled-apart", "keras_logits", ("    schedule = keras", "    rng.shuffle(x)\n    schedule = keras")),
    fault("labels-shuffled-apart", "ordinal", ("levels(Y[sel]))\n        optimizer", "levels(Y[torch.randperm(400)[:50]]))\n        optimizer")),
    fault("labels-shuffled-apart", "jax_by_hand", ("y[order[i:i + 32]]", "y[i:i + 32]")),
    fault("labels-shuffled-apart", "keras_custom_step", ("model = Noisy(4)", "np.random.shuffle(x)\nmodel = Noisy(4)")),

    fault("labels-not-learnable", "teacher_student", ("x_all = centers[y_all] + torch.randn(600, 16)", "x_all = centers[torch.randint(6, (600,))] + torch.randn(600, 16)")),
    fault("labels-not-learnable", "keras_digits", ("data.images[..., None] / 16.0, data.target,", "data.images[..., None] / 16.0, np.random.default_rng(0).permutation(data.target),")),
    fault("labels-not-learnable", "nnx_cnn", ("labels = digits.target.astype(np.int32)", "labels = np.random.default_rng(5).permutation(digits.target).astype(np.int32)")),
    fault("labels-not-learnable", "keras_logits", ("    y = rng.integers(6, size=500)\n    x = prototypes[y]", "    y, z = rng.integers(6, size=500), rng.integers(6, size=500)\n    x = prototypes[z]"), ("0.8 * rng.normal", "0.3 * rng.normal")),
    fault("labels-not-learnable", "onecycle_config", ("angle = r * 3 + self.cls * 2.1", "angle = r * 3 + torch.randint(0, 3, (n,)) * 2.1")),

    fault("labels-out-of-range", "argparse_main", ("y = torch.randint(0, 4, (256,))", "y = torch.randint(0, 4, (256,))\n    base, yy = base[y], y + 1"), ("x = base[y] +", "x = base +"), ("TensorDataset(x, y)", "TensorDataset(x, yy)")),
    fault("labels-out-of-range", "churn_lightning", ("> 0.8).float()", "> 0.8).float() + 1")),
    fault("labels-out-of-range", "keras_digits", ("data.target,", "data.target + 1,")),
    fault("labels-out-of-range", "keras_reviews", ("return keras.utils.pad_sequences(seqs, maxlen=maxlen), y", "return keras.utils.pad_sequences(seqs, maxlen=maxlen), y * 2 - 1")),
    fault("labels-out-of-range", "flax_trainstate", ("        state, loss = train_step(state, x[rows], y[rows])", "        state, loss = train_step(state, x[rows], y[rows] + 1)")),
    fault("labels-out-of-range", "tags", ("float((words == 30).any())", "float((words == 30).sum() * 3)")),

    fault("rows-not-shuffled", "accumulating", ("    t = torch.randint(0, 5, (n,), generator=g)", "    t = torch.randint(0, 5, (n,), generator=g).sort().values"), ("batch_size=BS, shuffle=True", "batch_size=BS")),
    fault("rows-not-shuffled", "keras_logits", ("y = rng.integers(6, size=500)", "y = np.sort(rng.integers(6, size=500))"), ("epochs=4, batch_size=32,", "epochs=4, batch_size=32, shuffle=False,")),
    fault("rows-not-shuffled", "two_losses_retained", ("torch.randperm(320).split(40)", "torch.arange(320).split(40)"), ("kind = (x[:, :3] + 0.2 * torch.randn(400, 3)).argmax(1)", "x = x[x[:, :3].argmax(1).sort().indices]\nkind = (x[:, :3]).argmax(1)")),
    fault("rows-not-shuffled", "keras_hinge", ("    p = r.permutation(320)", "    p = np.arange(320)"), ("Y = np.where", "X = X[np.argsort(X[:, 0] ** 2 + X[:, 1] > 0.4)]\nY = np.where")),
    fault("rows-not-shuffled", "skorch_moons", ("iterator_train__shuffle=True, ", ""), ("X, y = X.astype", "o = np.argsort(y, kind='stable')\nX, y = X[o], y[o]\nX, y = X.astype"), ("max_epochs=5", "max_epochs=5, train_split=None")),

    fault("validation-rows-in-training", "keras_weather", ("validation_data=(X_val, y_val)", "validation_data=(X_train[:100], y_train[:100])")),
    fault("validation-rows-in-training", "amp_class", ("tr, te = torch.utils.data.random_split(data, [240, 60])", "tr, te = data, torch.utils.data.Subset(data, range(60))")),
    fault("validation-rows-in-training", "teacher_student", ("x_all[480:], y_all[480:]", "x_all[:120], y_all[:120]")),
    fault("validation-rows-in-training", "keras_multilabel", ("validation_split=0.2", "validation_data=(docs, topics)")),
    fault("validation-rows-in-training", "dice_unet", ("g = torch.Generator().manual_seed(0 if train else 1)", "g = torch.Generator().manual_seed(0)")),
    fault("validation-rows-in-training", "rare_class_sampler", ("x_val, y_val = synth(200)", "x_val, y_val = x[:200], y[:200]")),

    fault("classes-unequal", "rare_class_sampler", ("(torch.rand(n) < 0.12)", "(torch.rand(n) < 0.012)"), ("batch_size=40, sampler=sampler", "batch_size=40, shuffle=True")),
    fault("classes-unequal", "churn_lightning", ("> 0.8).float()", "> 3.1).float()"), ("pos_weight=pos_weight", "")),
    fault("classes-unequal", "keras_weighted", ("rng.random(800) < 0.15", "rng.random(800) < 0.012"), ("class_weight=dict(enumerate(weights)), ", ""), ("metrics=[keras.metrics.AUC(from_logits=True)]", 'metrics=["accuracy"]')),
    fault("classes-unequal", "keras_reviews", ("y = rng.integers(0, 2, n)", "y = (rng.random(n) < 0.01).astype(int)")),
    fault("classes-unequal", "accelerated", ("y = (x.mean(dim=(1)).argmax(dim=1) % 3)", "y = (x.mean(dim=(1)).sum(dim=1) > 1.9).long()")),
)
# fmt: on

IN_SOURCE = frozenset(
    """
    logits-expected-onecycle_config logits-expected-churn_lightning logits-expected-keras_logits
    logits-expected-dice_unet logits-expected-nnx_cnn log-probabilities-expected-log_of_softmax
    probabilities-expected-keras_digits probabilities-expected-keras_two_outputs probabilities-expected-keras_gan_batches
    probabilities-expected-keras_weighted probabilities-expected-keras_autoencoder probabilities-expected-probability_target
    softmax-over-one-unit-keras_reviews softmax-over-one-unit-probability_target softmax-over-one-unit-churn_lightning
    softmax-over-one-unit-keras_gan_batches softmax-over-one-unit-keras_two_outputs units-and-classes-differ-keras_digits
    loss-averaged-twice-accumulating loss-averaged-twice-argparse_main loss-averaged-twice-dice_unet
    loss-averaged-twice-amp_class loss-averaged-twice-churn_lightning loss-cut-off-rare_class_sampler
    loss-cut-off-triplets gradients-not-reset-triplets gradients-not-reset-next_token
    gradients-not-reset-amp_class gradients-not-reset-accumulating gradients-not-reset-lbfgs_closure
    gradients-not-reset-accelerated gradients-not-reset-truncated_bptt gradients-not-reset-ensemble
    gradients-erased-translate gradients-erased-log_prices gradients-erased-onecycle_config
    gradients-erased-two_losses_retained gradients-erased-accelerated no-step-rare_class_sampler
    no-step-amp_class no-step-tags no-step-gumbel
    no-step-flax_trainstate no-step-nnx_cnn no-step-jax_vae_scan
    no-step-keras_custom_step no-step-masked_words parameters-not-optimized-translate
    parameters-not-optimized-frozen_body parameters-frozen-keras_transfer parameters-frozen-mixup_ema
    layers-not-registered-argparse_main layers-not-registered-two_losses_retained layers-not-registered-mixture_density
    layers-not-registered-tags layers-not-registered-low_rank scheduler-stepped-per-batch-averaged_weights
    scheduler-stepped-per-batch-log_prices optimizer-state-lost-next_token optimizer-state-lost-ensemble
    optimizer-state-lost-optax_frozen_groups optimizer-state-lost-jax_vae_scan optimizer-state-lost-tags
    trains-in-evaluation-mode-onecycle_config trains-in-evaluation-mode-rare_class_sampler trains-in-evaluation-mode-masked_words
    trains-in-evaluation-mode-amp_class trains-in-evaluation-mode-argparse_main trains-in-evaluation-mode-truncated_bptt
    evaluates-in-training-mode-onecycle_config evaluates-in-training-mode-log_prices evaluates-in-training-mode-argparse_main
    evaluates-in-training-mode-masked_words statistics-frozen-flax_trainstate axes-swapped-sensor_lstm
    recurrent-relu-keras_weather recurrent-relu-keras_reviews zero-weights-tags
    zero-weights-lbfgs_closure zero-weights-keras_pinball zero-weights-jax_vae_scan
    zero-weights-keras_hinge zero-weights-reinforce random-key-reused-jax_by_hand
    random-key-reused-jax_vae_scan random-key-reused-flax_trainstate random-key-reused-optax_frozen_groups
    random-key-reused-nnx_cnn splits-prepared-differently-no_modes splits-prepared-differently-keras_weighted
    splits-prepared-differently-log_of_softmax splits-prepared-differently-jax_class_logistic labels-shuffled-apart-keras_hinge
    labels-shuffled-apart-accumulating labels-shuffled-apart-keras_logits labels-shuffled-apart-ordinal
    labels-shuffled-apart-jax_by_hand labels-shuffled-apart-keras_custom_step validation-rows-in-training-keras_weather
    validation-rows-in-training-amp_class validation-rows-in-training-teacher_student validation-rows-in-training-keras_multilabel
    """.split()  # noqa: SIM905  a list of that length is not read
)
"""Those that the source shows; the others are seen in the first steps."""
UNSEEN = {
    "axes-swapped-masked_words": "which of two axes has the rows is not known of batches by hand, with targets for each step",
    "axes-swapped-next_token": "the same",
}
"""Those that nothing shows, and why."""
IN_STEPS = tuple(one for one in FAULTS if one.name not in IN_SOURCE and one.name not in UNSEEN)
