"""One fault each in the programs of `people_pytorch` and `people_keras`: edits of a sound program, which is the cure."""

# a line of a program may be as long as it is
# ruff: noqa: E501

from __future__ import annotations

from dataclasses import dataclass

from tests.inspection import people_jax, people_keras, people_pytorch


@dataclass(frozen=True)
class Fault:
    """A kind of mistake, the sound program that it is made in, and the edits that make it."""

    kind: str
    program: str
    edits: tuple[tuple[str, str], ...]
    runs: bool = True

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.program}"


RUN = {**people_pytorch.SOUND, **people_keras.SOUND}
PROGRAMS = {**RUN, **people_keras.READ_ALONE, **people_jax.READ_ALONE}


def fault(kind: str, program: str, *edits: tuple[str, str]) -> Fault:
    return Fault(kind, program, edits, program in RUN)


def source(fault: Fault) -> str:
    text = PROGRAMS[fault.program]
    for old, new in fault.edits:
        assert old in text, f"{fault.name}: {old}"
        text = text.replace(old, new)
    return text


# fmt: off
IN_SOURCE = (
    fault("logits-expected", "trainer", ("return self.classifier(features)", "scores = self.classifier(features)\n        return nn.functional.softmax(scores, dim=-1)")),
    fault("logits-expected", "kfold", ("nn.Linear(20, 3))", "nn.Linear(20, 3), nn.ReLU())")),
    fault("logits-expected", "fraud", ("        x = self.layer_out(x)\n", "        x = torch.sigmoid(self.layer_out(x))\n")),
    fault("logits-expected", "unet", ("loss = criterion(masks_pred, true_masks)", "loss = criterion(F.softmax(masks_pred, dim=1), true_masks)")),
    fault("logits-expected", "swa", ('layers.append(nn.Linear(width, cfg["out"]))', 'layers += [nn.Linear(width, cfg["out"]), nn.Sigmoid()]'), ("nn.MSELoss()", "nn.BCEWithLogitsLoss()"), ("y = (x[:, :3].sum(1, keepdim=True).sin() + 0.1 * torch.randn(450, 1))", "y = (x[:, :3].sum(1, keepdim=True) > 0).float()")),
    fault("logits-expected", "subclassed", ("keras.layers.Dense(classes)", 'keras.layers.Dense(classes, activation="softmax")')),
    fault("logits-expected", "fine_tuning", ("outputs = layers.Dense(1)(h)", 'outputs = layers.Dense(1, activation="sigmoid")(h)')),
    fault("log-probabilities-expected", "examples_mnist", ("F.log_softmax(x, dim=1)", "F.softmax(x, dim=1)")),
    fault("log-probabilities-expected", "word_lm", ("return nn.functional.log_softmax(decoded, dim=1), hidden", "return decoded, hidden")),
    fault("log-probabilities-expected", "notebook", ("return F.log_softmax(self.fc2(x), dim=-1)", "return torch.softmax(self.fc2(x), dim=-1)")),
    fault("probabilities-expected", "vae", ("return torch.sigmoid(self.fc4(h3))", "return self.fc4(h3)")),
    fault("probabilities-expected", "one_hot_cnn", ("model.add(Dense(num_classes, activation='softmax'))", "model.add(Dense(num_classes))")),
    fault("probabilities-expected", "callbacks", ("keras.losses.BinaryCrossentropy(from_logits=True)", "keras.losses.BinaryCrossentropy()")),
    fault("probabilities-expected", "tagger", ('layers.Dense(TAGS, activation="softmax")', "layers.Dense(TAGS)")),
    fault("probabilities-expected", "batches_by_hand", ('keras.layers.Dense(4, activation="softmax")(h)', "keras.layers.Dense(4)(h)")),
    fault("softmax-over-one-unit", "sentiment", ("model.add(Dense(1, activation='sigmoid'))", "model.add(Dense(1, activation='softmax'))")),
    fault("softmax-over-one-unit", "own_loss", ('keras.layers.Conv2D(1, 1, activation="sigmoid")', 'keras.layers.Conv2D(1, 1, activation="softmax")')),
    fault("softmax-over-one-unit", "lit", ("return self.head(self.encoder(x)).squeeze(-1)", "return torch.softmax(self.head(self.encoder(x)), dim=-1).squeeze(-1)")),
    fault("softmax-over-one-unit", "fraud", ("        x = self.layer_out(x)\n", "        x = nn.Softmax(dim=1)(self.layer_out(x))\n"), ("nn.BCEWithLogitsLoss(pos_weight=pos_weight)", "nn.BCELoss()")),
    fault("softmax-over-rows", "examples_mnist", ("output = F.log_softmax(x, dim=1)", "output = torch.log_softmax(x, 0)")),
    fault("units-and-classes-differ", "generator", ('keras.layers.Dense(3), keras.layers.Activation("softmax")', 'keras.layers.Dense(1), keras.layers.Activation("sigmoid")')),
    fault("units-and-classes-differ", "batches_by_hand", ('keras.layers.Dense(4, activation="softmax")', 'keras.layers.Dense(1, activation="sigmoid")')),
    fault("units-and-classes-differ", "tagger", ('layers.Dense(TAGS, activation="softmax")', 'layers.Dense(1, activation="sigmoid")')),
    fault("loss-averaged-twice", "simclr", ("    return F.cross_entropy(similarity, targets)", "    return F.cross_entropy(similarity, targets) / (2 * batch)")),
    fault("loss-averaged-twice", "focal", ("loss = loss_fn(model(xb), yb)", "loss = loss_fn(model(xb), yb) / xb.size(0)")),
    fault("loss-averaged-twice", "trainer", ("            loss = self.criterion(output, target)\n", "            loss = self.criterion(output, target)\n            loss = loss / len(data)\n")),
    fault("loss-averaged-twice", "recommender", ("loss = nn.functional.mse_loss(y_hat, ratings[chunk])", "loss = nn.functional.mse_loss(y_hat, ratings[chunk]) / len(chunk)")),
    fault("loss-averaged-twice", "lit", ("            loss = module.training_step(batch, batch_idx)\n", "            loss = module.training_step(batch, batch_idx) / batch[0].shape[0]\n")),
    fault("loss-cut-off", "trainer", ("loss = self.criterion(output, target)\n            loss.backward()", "loss = self.criterion(output.data, target)\n            loss.requires_grad = True\n            loss.backward()")),
    fault("loss-cut-off", "kfold", ("loss = loss_function(outputs, targets)\n", "loss = torch.tensor(loss_function(outputs, targets).item(), requires_grad=True)\n")),
    fault("loss-cut-off", "onecycle", ("loss = loss_fn(model(tokens_b), labels_b)", "preds = model(tokens_b).argmax(1).float()\n        loss = nn.MSELoss()(preds, labels_b.float())\n        loss.requires_grad_(True)")),
    fault("loss-cut-off", "unet", ("masks_pred = model(images)\n", "with torch.no_grad():\n                masks_pred = model(images)\n"), ("            optimizer.zero_grad(set_to_none=True)\n            grad", "            loss = torch.autograd.Variable(loss, requires_grad=True)\n            optimizer.zero_grad(set_to_none=True)\n            grad")),
    fault("gradients-not-reset", "trainer", ("            self.optimizer.zero_grad()\n", "")),
    fault("gradients-not-reset", "examples_mnist", ("        optimizer.zero_grad()\n", "")),
    fault("gradients-not-reset", "transfer", ("                optimizer.zero_grad()\n", ""), ("    for epoch in range(num_epochs):\n", "    optimizer.zero_grad()\n    for epoch in range(num_epochs):\n")),
    fault("gradients-not-reset", "swa", ("                optimizer.zero_grad()\n", "")),
    fault("gradients-not-reset", "nanogpt", ("    optimizer.zero_grad(set_to_none=True)\n", "")),
    fault("gradients-not-reset", "dqn", ("    optimizer.zero_grad()\n", "")),
    fault("gradients-not-reset", "triplet", ("    optim.zero_grad()\n", "")),
    fault("gradients-erased", "lit", ("            opt.zero_grad()\n            loss.backward()\n", "            loss.backward()\n            opt.zero_grad()\n")),
    fault("gradients-erased", "multitask", ("opt.zero_grad(); loss.backward(); opt.step()", "loss.backward(); opt.zero_grad(); opt.step()")),
    fault("gradients-erased", "crnn_ctc", ("    crnn.zero_grad()\n    cost.backward()\n", "    cost.backward()\n    crnn.zero_grad()\n")),
    fault("gradients-erased", "onecycle", ("        optimizer.step()\n        scheduler.step()\n        optimizer.zero_grad()\n", "        optimizer.zero_grad()\n        optimizer.step()\n        scheduler.step()\n")),
    fault("no-step", "focal", ("            opt.step()\n", "")),
    fault("no-step", "vae", ("        optimizer.step()\n", "        optimizer.step\n")),
    fault("no-step", "mixup", ("        loss.backward()\n", "")),
    fault("no-step", "trainer", ("            self.optimizer.step()\n", "")),
    fault("no-step", "gcn", ("    loss_train.backward()\n", "")),
    fault("no-step", "tf_train_step", ("        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))\n", "")),
    fault("parameters-not-optimized", "transfer", ("model_conv.fc = nn.Linear(num_ftrs, 2)\ncriterion = nn.CrossEntropyLoss()\noptimizer_conv = optim.SGD(model_conv.fc.parameters(), lr=0.01, momentum=0.9)\n", "criterion = nn.CrossEntropyLoss()\noptimizer_conv = optim.SGD(model_conv.fc.parameters(), lr=0.01, momentum=0.9)\nmodel_conv.fc = nn.Linear(num_ftrs, 2)\nfor p in model_conv.fc.parameters():\n    p.requires_grad = True\n")),
    fault("parameters-not-optimized", "kfold", ("        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)\n", "        optimizer = torch.optim.Adam(SimpleNet().parameters(), lr=1e-3)\n")),
    fault("parameters-frozen", "transfer", ("model_conv.fc = nn.Linear(num_ftrs, 2)\n", ""), ("for param in model_conv.parameters():\n", "num_ftrs = model_conv.fc.in_features\nmodel_conv.fc = nn.Linear(num_ftrs, 2)\nfor param in model_conv.parameters():\n")),
    fault("parameters-frozen", "fine_tuning", ("model = keras.Model(inputs, outputs)\nmodel.compile", "model = keras.Model(inputs, outputs)\nmodel.trainable = False\nmodel.compile")),
    fault("layers-not-registered", "quantiles", ("self.final = nn.ModuleList([nn.Linear(40, 1) for _ in QUANTILES])", "self.final = [nn.Linear(40, 1) for _ in QUANTILES]")),
    fault("layers-not-registered", "pinn", ("self.linears = nn.ModuleList([nn.Linear(layers[i], layers[i + 1]) for i in range(len(layers) - 1)])", "self.linears = []\n        for i in range(len(layers) - 1):\n            self.linears.append(nn.Linear(layers[i], layers[i + 1]))"), ("net = PINN([1, 20, 20, 1])", "net = PINN([1, 20, 20, 1])\nnet.scale = nn.Parameter(torch.ones(1))"), ("u = net(x_f)", "u = net(x_f) * net.scale")),
    fault("layers-not-registered", "multitask", ('nn.ModuleDict({"cls": nn.Linear(48, n_classes), "reg": nn.Linear(48, 1), "flag": nn.Linear(48, 1)})', '{"cls": nn.Linear(48, n_classes), "reg": nn.Linear(48, 1), "flag": nn.Linear(48, 1)}'), ('{"params": net.heads.parameters(), "lr": 3e-3}, ', "")),
    fault("layers-not-registered", "nanogpt", ("h=nn.ModuleList([Block() for _ in range(n_layer)]), ln_f", "ln_f"), ("        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)\n", "        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)\n        self.blocks = [Block() for _ in range(n_layer)]\n"), ("in self.transformer.h:", "in self.blocks:")),
    fault("scheduler-stepped-per-batch", "trainer", ("            self.optimizer.step()\n", "            self.optimizer.step()\n            self.scheduler.step()\n"), ("            self.scheduler.step()\n            if val", "            if val")),
    fault("scheduler-stepped-per-batch", "lit", ("            opt.step()\n        for sch in schedulers:\n            sch.step()\n", "            opt.step()\n            for sch in schedulers:\n                sch.step()\n")),
    fault("scheduler-stepped-per-batch", "transfer", ("                        optimizer.step()\n", "                        optimizer.step()\n                        scheduler.step()\n"), ("            if phase == 'train':\n                scheduler.step()\n", "")),
    fault("scheduler-stepped-per-batch", "quantiles", ("        optimizer.step()\n    sched.step()\n", "        optimizer.step()\n        sched.step()\n"), ("gamma=0.9", "gamma=0.5")),
    fault("scheduler-stepped-per-batch", "examples_mnist", ("def train(args, model, device, train_loader, optimizer, epoch):", "def train(args, model, device, train_loader, optimizer, epoch, scheduler):"), ("        optimizer.step()\n", "        optimizer.step()\n        scheduler.step()\n"), ("optimizer, epoch)\n        test", "optimizer, epoch, scheduler)\n        test"), ("test_loader)\n        scheduler.step()", "test_loader)")),
    fault("trains-in-evaluation-mode", "trainer", ("        self.model.train()\n        total", "        total")),
    fault("trains-in-evaluation-mode", "fraud", ("for e in range(1, 5):\n    model.train()\n", "model.train()\nfor e in range(1, 5):\n")),
    fault("trains-in-evaluation-mode", "notebook", ("    model.train()\n    print", "    print")),
    fault("trains-in-evaluation-mode", "nanogpt", ("    model.train()\n    return out", "    return out")),
    fault("trains-in-evaluation-mode", "focal", ("    for epoch in range(epochs):\n        model.train()\n", "    for epoch in range(epochs):\n")),
    fault("evaluates-in-training-mode", "trainer", ("        self.model.eval()\n", "")),
    fault("evaluates-in-training-mode", "examples_mnist", ("    model.eval()\n", "")),
    fault("evaluates-in-training-mode", "onecycle", ("    model.eval()\n", "")),
    fault("evaluates-in-training-mode", "unet", ("    net.eval()\n", "")),
    fault("evaluates-in-training-mode", "seq2seq", ("    model.eval()\n", "")),
    fault("axes-swapped", "forecast", ("num_layers=num_layers, batch_first=True)", "num_layers=num_layers)"), ("h_0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)", "h_0 = torch.zeros(self.num_layers, x.size(1), self.hidden_size)"), ("c_0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)", "c_0 = torch.zeros(self.num_layers, x.size(1), self.hidden_size)")),
    fault("axes-swapped", "recommender", ("        self.offset = nn.Parameter(torch.tensor(3.0))\n", "        self.offset = nn.Parameter(torch.tensor(3.0))\n        self.rnn = nn.GRU(n_factors, n_factors)\n"), ("return (U * V).sum(1) + b", "states, _ = self.rnn(torch.stack([U, V], 1))\n        return states[:, -1].sum(1) + b")),
    fault("recurrent-relu", "stocks", ("keras.layers.LSTM(units=16, return_sequences=True,", "keras.layers.LSTM(units=16, activation='relu', return_sequences=True,")),
    fault("recurrent-relu", "sentiment", ("LSTM(lstm_out, dropout=0.2)", "LSTM(lstm_out, activation='relu', dropout=0.2)")),
    fault("recurrent-relu", "tagger", ("layers.LSTM(16, return_sequences=True)", "layers.GRU(16, activation=keras.activations.relu, return_sequences=True)")),
    fault("zero-weights", "own_loss", ('kernel_initializer="he_normal"', 'kernel_initializer="zeros"')),
    fault("zero-weights", "cross_validated", ('kernel_initializer="he_uniform"', "kernel_initializer=keras.initializers.Constant(0.3)")),
    fault("logits-expected", "flax_state", ("        x = nn.Dense(features=10)(x)\n        return x", "        x = nn.Dense(features=10)(x)\n        return nn.softmax(x)")),
    fault("logits-expected", "optax_loop", ("optax.softmax_cross_entropy(predict(params, x), one_hot)", "optax.softmax_cross_entropy(jax.nn.softmax(predict(params, x)), one_hot)")),
    fault("logits-expected", "nnx", ("return self.linear2(x)", "return nnx.sigmoid(self.linear2(x))")),
    fault("logits-expected", "vae_in_flax", ("        return nn.Dense(784)(z)\n", "        return nn.sigmoid(nn.Dense(784)(z))\n")),
    fault("softmax-over-one-unit", "flax_state", ("nn.Dense(features=10)(x)", "nn.Dense(features=1)(x)")),
    fault("softmax-over-one-unit", "nnx", ('optax.sigmoid_binary_cross_entropy(logits.squeeze(-1), batch["y"])', 'optax.softmax_cross_entropy(logits, batch["y"])')),
    fault("no-step", "flax_state", ("    state = state.apply_gradients(grads=grads)\n", "    state.apply_gradients(grads=grads)\n")),
    fault("no-step", "optax_loop", ("    params = optax.apply_updates(params, updates)\n", "")),
    fault("no-step", "by_hand", ("[(w - step_size * dw, b - step_size * db) for (w, b), (dw, db) in zip(params, grads)]", "[(w, b) for w, b in params]")),
    fault("no-step", "vae_in_flax", ("            params, opt_state = train_step(", "            train_step(")),
    fault("optimizer-state-lost", "optax_loop", ("    updates, opt_state = tx.update(", "    updates, _ = tx.update(")),
    fault("optimizer-state-lost", "equinox", ("    updates, opt_state = optim.update(", "    updates, new_opt_state = optim.update(")),
    fault("optimizer-state-lost", "haiku", ("    updates, opt_state = optimiser.update(", "    updates, _ = optimiser.update("), ("avg_params, opt_state)", "avg_params, state.opt_state)")),
    fault("optimizer-state-lost", "onecycle", ("        loss = loss_fn(model(tokens_b), labels_b)\n", "        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)\n        loss = loss_fn(model(tokens_b), labels_b)\n"), ("        scheduler.step()\n", "")),
    fault("optimizer-state-lost", "vae", ("        optimizer.zero_grad()\n", "        optimizer = optim.Adam(model.parameters(), lr=1e-3)\n        optimizer.zero_grad()\n")),
    fault("random-key-reused", "vae_in_flax", ("            rng, key = random.split(rng)\n", "            noise = random.normal(rng, (64, 784))\n"), ("batch, key)", "batch + noise, rng)")),
    fault("random-key-reused", "equinox", ("        key, subkey = jr.split(key)\n        perm = jr.permutation(subkey, indices)", "        perm = jr.permutation(jr.PRNGKey(0), indices)")),
    fault("random-key-reused", "flax_state", ("        rng, input_rng = jax.random.split(rng)\n", "        order = jax.random.permutation(rng, 60000)\n"), ("train_ds, 32, input_rng", "train_ds[order], 32, init_rng")),
    fault("splits-prepared-differently", "housing", ("scaler.transform(X_test_raw)", "X_test_raw")),
    fault("splits-prepared-differently", "one_hot_cnn", ("X_test /= 255\n", "")),
    fault("splits-prepared-differently", "fraud", ("sc.transform(X_val)", "X_val")),
    fault("splits-prepared-differently", "cross_validated", ("scaler.transform(X[val])", "X[val]")),
    fault("splits-prepared-differently", "tf_image_generator", ("test_datagen = ImageDataGenerator(rescale=1./255)", "test_datagen = ImageDataGenerator()")),
    fault("splits-prepared-differently", "tf_train_step", ("x_train, x_test = x_train[..., None] / 255.0, x_test[..., None] / 255.0", "x_train, x_test = x_train[..., None] / 255.0, x_test[..., None]")),
    fault("labels-shuffled-apart", "notebook", ("x_train, y_train = x_train[order], y_train[order]", "x_train, y_train = x_train[order], y_train[torch.randperm(len(y_train))]")),
    fault("labels-shuffled-apart", "batches_by_hand", ("m.train_on_batch(x[rows], y[rows])", "m.train_on_batch(x[rows], np.random.permutation(y)[rows])")),
    fault("labels-shuffled-apart", "transformer_block", ("x_train, y_train, x_val", "np.random.shuffle(x)\nx_train, y_train, x_val")),
    fault("validation-rows-in-training", "trainer", ("DataLoader(val_set, batch_size=64)", "DataLoader(train_set, batch_size=64)")),
    fault("validation-rows-in-training", "multi_label", ("net.fit(features[:300], tags[:300]", "net.fit(features, tags")),
    fault("validation-rows-in-training", "transformer_block", ("validation_data=(x_val, y_val)", "validation_data=(x_train, y_train)")),
)

IN_STEPS = (
    fault("log-probabilities-expected", "gcn", ("return F.log_softmax(x, dim=1)", "return x")),
    fault("softmax-over-rows", "notebook", ("F.log_softmax(self.fc2(x), dim=-1)", "F.log_softmax(self.fc2(x), dim=0)")),
    fault("softmax-over-rows", "gcn", ("F.log_softmax(x, dim=1)", "x.log_softmax(dim=0)")),
    fault("targets-out-of-reach", "housing", ("nn.Linear(6, 1))", "nn.Linear(6, 1), nn.Sigmoid())")),
    fault("targets-out-of-reach", "auto_mpg", ("layers.Dense(1)]", "layers.Dense(1, activation='tanh')]")),
    fault("targets-out-of-reach", "forecast", ("return self.fc(out[:, -1, :])", "return torch.relu(self.fc(out[:, -1, :]))")),
    fault("targets-out-of-reach", "diffusion", ("return self.out(self.mid(self.inp(x) + self.time(t)))", "return self.out(self.mid(self.inp(x) + self.time(t))).sigmoid()")),
    fault("shapes-broadcast", "lit", ("return self.head(self.encoder(x)).squeeze(-1)", "return self.head(self.encoder(x))")),
    fault("shapes-broadcast", "housing", ("y_train = torch.tensor((y_train - y_mean) / y_std, dtype=torch.float32).reshape(-1, 1)", "y_train = torch.tensor((y_train - y_mean) / y_std, dtype=torch.float32)")),
    fault("shapes-broadcast", "recommender", ("b = self.user_bias(u).squeeze(1) + self.item_bias(v).squeeze(1)\n        return (U * V).sum(1) + b", "b = self.user_bias(u) + self.item_bias(v)\n        return (U * V).sum(1, keepdim=True) + b")),
    fault("shapes-broadcast", "dqn", ("expected_state_action_values.unsqueeze(1))", "expected_state_action_values)")),
    fault("parameters-not-optimized", "trainer", ("self.optimizer = optim.AdamW(self.model.parameters()", "self.optimizer = optim.AdamW(self.model.classifier.parameters()")),
    fault("parameters-not-optimized", "multitask", ('{"params": net.trunk.parameters(), "lr": 1e-3}, ', "")),
    fault("parameters-not-optimized", "seq2seq", ("optim.Adam(model.parameters())", "optim.Adam(model.decoder.parameters())")),
    fault("parameters-frozen", "warmup_ema", ("model = mixer()\n", "model = mixer()\nfor p in model.parameters():\n    p.requires_grad_(False)\n"), ("        loss.backward()\n", "        loss.requires_grad_()\n        loss.backward()\n")),
    fault("parameters-frozen", "trainer", ("        self.model = model.to(device)\n", "        self.model = model.to(device)\n        for name, param in self.model.named_parameters():\n            if 'net' in name:\n                param.requires_grad = False\n")),
    fault("step-too-large", "trainer", ('"lr": 3e-3', '"lr": 3.0')),
    fault("step-too-large", "notebook", ("lr=0.003", "lr=1.0")),
    fault("step-too-large", "multi_label", ("Adam(2e-3)", "Adam(2.0)")),
    fault("step-too-large", "warmup_ema", ("lr=0.1, momentum", "lr=300.0, momentum")),
    fault("trains-in-evaluation-mode", "unet", ("    net.train()\n    return dice_score", "    return dice_score")),
    fault("evaluates-in-training-mode", "swa", ("model.train(training)", "model.train(True)")),
    fault("statistics-frozen", "generator", ("keras.layers.BatchNormalization()", "keras.layers.BatchNormalization(momentum=0.9999)")),
    fault("statistics-frozen", "trainer", ("nn.BatchNorm1d(hidden)", "nn.BatchNorm1d(hidden, momentum=0.0)")),
    fault("statistics-frozen", "fraud", ("model = FraudNet(9)\n", "model = FraudNet(9)\nfor m in model.modules():\n    if isinstance(m, nn.BatchNorm1d):\n        m.momentum = 0.0\n")),
    fault("batch-norm-on-one-row", "trainer", ('"batch_size": 32', '"batch_size": 1')),
    fault("batch-norm-on-one-row", "subclassed", ("batch_size=40", "batch_size=1")),
    fault("batch-norm-on-one-row", "simclr", ("torch.randperm(400).split(50)", "torch.randperm(400).split(1)")),
    fault("axes-swapped", "onecycle", ("dropout=0.1, batch_first=True)", "dropout=0.1)")),
    fault("zero-weights", "pinn", ("nn.init.xavier_normal_(self.linears[i].weight.data, gain=1.0)", "nn.init.constant_(self.linears[i].weight.data, 0.5)")),
    fault("zero-weights", "seq2seq", ("nn.init.normal_(param.data, mean=0, std=0.08)", "param.data.zero_()")),
    fault("zero-weights", "gcn", ("self.weight.data.uniform_(-stdv, stdv)", "self.weight.data.fill_(0.1)")),
    fault("dead-units", "housing", ("loss_fn = nn.MSELoss()\n", "loss_fn = nn.MSELoss()\nwith torch.no_grad():\n    model[2].bias.fill_(-30.0)\n")),
    fault("dead-units", "examples_mnist", ("        self.fc2 = nn.Linear(32, 10)\n", "        self.fc2 = nn.Linear(32, 10)\n        nn.init.constant_(self.fc1.bias, -50.)\n")),
    fault("not-finite", "diffusion", ("(1 - a).sqrt() * noise", "(0.9 - a).sqrt() * noise")),
    fault("not-finite", "actor_critic", ("policy_losses.append(-log_prob * advantage)", "policy_losses.append(-log_prob * advantage / (returns.sum() * 0))")),
    fault("not-finite", "notebook", ("    df[col] = (df[col] - df[col].mean()) / df[col].std()\n", "    df[col] = np.log(df[col] - df[col].mean())\n")),
    fault("inputs-not-scaled", "fraud", ("sc.transform(X_train)", "X_train * 20"), ("sc.transform(X_val)", "X_val * 20")),
    fault("inputs-not-scaled", "housing", ("scaler.transform(X_train_raw)", "X_train_raw"), ("scaler.transform(X_test_raw)", "X_test_raw")),
    fault("inputs-not-scaled", "one_hot_cnn", ("X_train /= 255\nX_test /= 255\n", "")),
    fault("inputs-not-scaled", "auto_mpg", ("[norm, layers.Dense(64", "[keras.Input((4,)), layers.Dense(64")),
    fault("labels-constant", "kfold", ("target = torch.randint(3, (300,))", "target = torch.randint(1, (300,))")),
    fault("labels-constant", "sentiment", ("labels = rng.randint(0, 2, 320)", "labels = rng.randint(0, 1, 320)")),
    fault("labels-constant", "fraud", ("TensorDataset(X_train, y_train)", "TensorDataset(X_train, (y_train * 100).clamp(0, 0))")),
    fault("labels-out-of-range", "transfer", ("    return torch.utils.data.TensorDataset(x, y)", "    return torch.utils.data.TensorDataset(x, y + 1)")),
    fault("labels-out-of-range", "batches_by_hand", ("m.train_on_batch(x[rows], y[rows])", "m.train_on_batch(x[rows], y[rows] + 1)")),
    fault("labels-out-of-range", "fraud", ("TensorDataset(X_train, y_train)", "TensorDataset(X_train, y_train + 1)")),
    fault("labels-out-of-range", "callbacks", ("X, y = make_moons(400, noise=0.2, random_state=1)", "X, y = make_moons(400, noise=0.2, random_state=1)\ny = y * 2 - 1")),
    fault("rows-not-shuffled", "kfold", ("sampler=SubsetRandomSampler(train_ids)", "sampler=sorted(train_ids, key=lambda i: int(dataset[i][1]))")),
    fault("rows-not-shuffled", "generator", ("if self.shuffle:\n            np.random.shuffle(self.indices)", "self.indices = np.argsort(self.y)")),
    fault("rows-not-shuffled", "warmup_ema", ("y = torch.randint(4, (384,))", "y = torch.randint(4, (384,)).sort().values"), ("TensorDataset(x[:320], y[:320]), 32, shuffle=True", "TensorDataset(x[:320], y[:320]), 32")),
    fault("validation-rows-in-training", "onecycle", ("TensorDataset(tokens[400:], labels[400:])", "TensorDataset(tokens[:80], labels[:80])")),
    fault("classes-unequal", "fraud", ("rng.random(1500) < 0.12", "rng.random(1500) < 0.01"), (", sampler=WeightedRandomSampler(weights, len(weights))", ", shuffle=True"), ("nn.BCEWithLogitsLoss(pos_weight=pos_weight)", "nn.BCEWithLogitsLoss()")),
    fault("classes-unequal", "kfold", ("target = torch.randint(3, (300,))", "target = (torch.rand(300) < 0.02).long()")),
)
UNSEEN = (
    fault("logits-expected", "tf_train_step", ("outputs = keras.layers.Dense(10)(x)", 'outputs = keras.layers.Dense(10, activation="softmax")(x)')),
    fault("dead-units", "tagger", ('layers.Dense(24, activation="relu")', 'layers.Dense(24, activation="relu", bias_initializer=keras.initializers.Constant(-20.0))')),
    fault("not-finite", "auto_mpg", ("normalizer = layers", "train_features.iloc[::7, 1] = np.nan\nnormalizer = layers")),
    fault("classes-unequal", "sentiment", ("labels = rng.randint(0, 2, 320)", "labels = (rng.rand(320) < 0.015).astype(int)")),
)
# fmt: on
FAULTS = (*IN_SOURCE, *IN_STEPS, *UNSEEN)
