# ruff: noqa: E501  a program and its cure are read side by side
"""What the source alone shows: each mistake is found where it stands, and not in the program without it."""

import pytest
from tests.inspection import habit_faults, people_faults
from tests.inspection.correct import PROGRAMS
from tests.inspection.programs import KERAS, LOOP, TORCH, keras_sequential, loop, network, program, sequential

from tunewell.diagnosis import LABELS
from tunewell.errors import ScriptError
from tunewell.inspection import KINDS
from tunewell.inspection.source import RULES, mistakes_in, parsed, read_program

TRAIN = """
for epoch in range(10):
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
"""
EVALUATE = """
    with torch.no_grad():
        for inputs, labels in val_loader:
            correct = (model(inputs).argmax(1) == labels).sum()
"""
RECURRENT = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(8, 16{made})
        self.out = nn.Linear(16, 3)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[{taken}])
"""
SPLIT = """
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
x, y = np.random.randn(400, 8), np.random.randint(0, 3, 400)
X_train, X_test, y_train, y_test = train_test_split(x, y)
scaler = StandardScaler()
"""

CUSTOM_LOSS = """
class Smooth(nn.Module):
    def forward(self, scores, targets):
        return F.cross_entropy(scores, targets) + 0.01 * scores.pow(2).mean()

model, criterion = nn.Linear(8, 3), Smooth()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for inputs, targets in train_loader:
    optimizer.zero_grad()
    loss = criterion({of}, targets)
    loss.backward()
    optimizer.step()
"""
SCALER = """
from sklearn.preprocessing import StandardScaler
scaler = StandardScaler()
"""
OPTAX = """
import jax
import optax
@jax.jit
def step(params, state, batch):
    loss, grads = jax.value_and_grad(loss_fn)(params, batch)
    updates, state = optimizer.update(grads, state)
    return optax.apply_updates(params, updates), state, loss
"""
FLAX = "from flax import linen as nn\n"
DROPPED = """
import jax
def step(params, stats, x, y):
    def loss_fn(params):
        logits, updates = model.apply({{"params": params, "batch_stats": stats}}, x, train=True, mutable=["batch_stats"])
        return error(logits, y), (logits, updates)
    (loss, (logits, updates)), grads = jax.value_and_grad(loss_fn, has_aux=True)(params)
    return moved(params, grads), {returned}, loss
"""

CASES = [
    ("logits-expected", sequential(", nn.Softmax(dim=1)"), sequential("")),
    ("logits-expected", sequential(", nn.ReLU()"), sequential(", nn.Identity()")),
    ("logits-expected", sequential(", nn.Softmax(dim=1), nn.Identity()"), sequential(", nn.Identity()")),
    ("logits-expected", network("return F.softmax(self.out(x), dim=1)"), network("return self.out(x)")),
    ("logits-expected", network("x = self.out(x)\n                return torch.sigmoid(x)"), network("return self.out(x)")),
    (
        "logits-expected",
        network("return self.act(self.out(x))", made="self.act = nn.Softmax(-1)"),
        network("return self.act(self.out(x))", made="self.act = nn.LogSoftmax(-1)"),  # which changes nothing
    ),
    (
        "logits-expected",
        network("return torch.sigmoid(self.out(x)).squeeze(1)", "nn.BCEWithLogitsLoss()", units=1),
        network("return self.out(x).squeeze(1)", "nn.BCEWithLogitsLoss()", units=1),
    ),
    (
        "logits-expected",
        loop(TRAIN.replace("criterion(model(inputs), labels)", "F.cross_entropy(F.softmax(model(inputs), 1), labels)")),
        loop(TRAIN.replace("criterion(model(inputs), labels)", "F.cross_entropy(model(inputs), labels)")),
    ),
    ("log-probabilities-expected", sequential("", "nn.NLLLoss()"), sequential(", nn.LogSoftmax(dim=1)", "nn.NLLLoss()")),
    (
        "log-probabilities-expected",
        network("return self.out(x).softmax(dim=1)", "nn.NLLLoss()"),
        network("return torch.log_softmax(self.out(x), dim=1)", "nn.NLLLoss()"),
    ),
    ("probabilities-expected", sequential("", "nn.BCELoss()"), sequential(", nn.Sigmoid()", "nn.BCELoss()")),
    (
        "softmax-over-one-unit",
        network("return F.softmax(self.out(x), dim=1)", "nn.BCELoss()", units=1),
        network("return torch.sigmoid(self.out(x))", "nn.BCELoss()", units=1),
    ),
    ("softmax-over-one-unit", sequential(", nn.Softmax(1)", "nn.MSELoss()", units=1), sequential("", "nn.MSELoss()", units=1)),
    ("softmax-over-one-unit", sequential("", units=1), sequential("", units=2)),
    (
        "softmax-over-rows",
        network("return F.log_softmax(self.out(x), dim=0)", "nn.NLLLoss()"),
        network("return F.log_softmax(self.out(x), dim=1)", "nn.NLLLoss()"),
    ),
    (
        "loss-averaged-twice",
        loop(TRAIN.replace("criterion(model(inputs), labels)", "criterion(model(inputs), labels) / inputs.size(0)")),
        loop(TRAIN.replace("criterion(model(inputs), labels)", "criterion(model(inputs), labels) / accumulation_steps")),
    ),
    (
        "loss-averaged-twice",
        loop(TRAIN.replace("loss.backward()", "loss /= len(inputs)\n        loss.backward()")),
        loop(
            TRAIN.replace("loss.backward()", "loss /= len(inputs)\n        loss.backward()"),
            before="criterion = nn.CrossEntropyLoss(reduction='sum')",
        ),
    ),
    (
        "loss-cut-off",
        loop(TRAIN.replace("loss.backward()", "loss = torch.tensor(loss.item(), requires_grad=True)\n        loss.backward()")),
        loop(TRAIN),
    ),
    (
        "loss-cut-off",
        loop(TRAIN.replace("criterion(model(inputs), labels)", "criterion(model(inputs).detach(), labels)")),
        loop(TRAIN.replace("criterion(model(inputs), labels)", "criterion(model(inputs.detach()), labels)")),
    ),
    ("gradients-not-reset", loop(TRAIN.replace("        optimizer.zero_grad()\n", "")), loop(TRAIN)),
    (
        "gradients-not-reset",
        loop(TRAIN.replace("        optimizer.zero_grad()\n", "").replace("10):\n", "10):\n    optimizer.zero_grad()\n")),
        loop(TRAIN.replace("optimizer.zero_grad()", "for p in model.parameters(): p.grad = None")),
    ),
    (
        "gradients-not-reset",
        loop(TRAIN.replace("optimizer.zero_grad()", "optimizer.zero_grad")),
        loop(TRAIN.replace("optimizer.zero_grad()", "model.zero_grad()")),
    ),
    (
        "gradients-erased",
        loop(TRAIN.replace("        optimizer.zero_grad()\n", "").replace("loss.backward()", "loss.backward()\n        optimizer.zero_grad()")),
        loop(TRAIN.replace("        optimizer.zero_grad()\n", "").replace("optimizer.step()", "optimizer.step()\n        optimizer.zero_grad()")),
    ),
    ("no-step", loop(TRAIN.replace("optimizer.step()", "optimizer.step")), loop(TRAIN)),
    ("no-step", loop(TRAIN.replace("        optimizer.step()\n", "")), loop(TRAIN)),
    ("no-step", loop(TRAIN.replace("        loss.backward()\n", "")), loop(TRAIN)),
    (
        "scheduler-stepped-per-batch",
        loop(TRAIN + "        scheduler.step()\n", "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7)"),
        loop(TRAIN + "    scheduler.step()\n", "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=7)"),
    ),
    (
        "scheduler-stepped-per-batch",
        loop(TRAIN + "        sched.step()\n", "epochs = 10\nsched = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)"),
        loop(
            TRAIN + "        sched.step()\n",
            "epochs = 10\nsched = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(train_loader))",
        ),
    ),
    (
        "scheduler-stepped-per-batch",
        loop(TRAIN + "        sched.step()\n", "sched = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)"),
        loop(TRAIN + "        sched.step()\n", "sched = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=80)"),
    ),
    (
        "trains-in-evaluation-mode",
        loop(TRAIN, before="model.train()", after="    model.eval()" + EVALUATE),
        loop(TRAIN.replace("10):\n", "10):\n    model.train()\n"), after="    model.eval()" + EVALUATE),
    ),
    (
        "evaluates-in-training-mode",
        loop(TRAIN, after=EVALUATE),
        loop(TRAIN, after="    model.eval()" + EVALUATE + "    model.train()"),
    ),
    (
        "parameters-not-optimized",
        loop(TRAIN, before="model = nn.Linear(8, 3)"),
        loop(TRAIN, before="model = model.to('cpu')"),
    ),
    (
        "parameters-not-optimized",
        loop(TRAIN, before="model[3] = nn.Linear(16, 4)"),
        loop(TRAIN, before="model[3] = nn.Linear(16, 4)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)"),
    ),
    (
        "parameters-not-optimized",
        network("return self.out(x)").replace("SGD(model.parameters()", "SGD(Net().parameters()"),
        network("return self.out(x)"),
    ),
    (
        "parameters-not-optimized",
        loop(TRAIN, before="model[3] = nn.Linear(16, 4)\nschedule = torch.optim.lr_scheduler.StepLR(optimizer, 9)"),
        loop(TRAIN, before="schedule = torch.optim.lr_scheduler.StepLR(optimizer, 9)"),
    ),
    (
        "layers-not-registered",
        network("for one in self.more: x = one(x)\n                return self.out(x)", made="self.more = [nn.Linear(16, 16) for _ in range(3)]"),
        network(
            "for one in self.more: x = one(x)\n                return self.out(x)",
            made="self.more = nn.ModuleList([nn.Linear(16, 16) for _ in range(3)])",
        ),
    ),
    (
        "layers-not-registered",
        network("return self.heads[0](x)", made="self.heads = {}\n                for k in range(3):\n                    self.heads[k] = nn.Linear(16, 3)"),
        network("return self.heads[0](x)", made="self.heads = nn.ModuleList()\n                for k in range(3):\n                    self.heads.append(nn.Linear(16, 3))"),
    ),
    (
        "statistics-frozen",
        program(FLAX, DROPPED.format(returned="stats")),
        program(FLAX, DROPPED.format(returned="updates")),
    ),
    (
        "evaluates-in-training-mode",
        network("return self.out(F.dropout(x, p=0.5))") + "\nmodel.eval()",
        network("return self.out(F.dropout(x, p=0.5, training=self.training))") + "\nmodel.eval()",
    ),
    (
        "axes-swapped",
        network("states, (h, c) = self.rnn(x)\n                return self.out(h.view(x.size(0), -1))", made="self.rnn = nn.LSTM(16, 8, num_layers=2)"),
        network("states, (h, c) = self.rnn(x)\n                return self.out(h.transpose(0, 1).reshape(x.size(0), -1))", made="self.rnn = nn.LSTM(16, 8, num_layers=2)"),
    ),
    (
        "axes-swapped",
        network("_, h = self.rnn(x)\n                return self.out(h.reshape(x.shape[0], 16))", made="self.rnn = nn.GRU(16, 8, bidirectional=True, batch_first=True)"),
        network("_, h = self.rnn(x)\n                return self.out(h.reshape(x.shape[0], 16))", made="self.rnn = nn.GRU(16, 16, batch_first=True)"),
    ),
    (
        "parameters-frozen",
        loop(TRAIN, before="for p in model.parameters():\n    p.requires_grad = False\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)"),
        loop(
            TRAIN,
            before="for p in model.parameters():\n    p.requires_grad = False\nmodel[3] = nn.Linear(16, 3)\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)",
        ),
    ),
    (
        "zero-weights",
        loop(TRAIN, before="def init(m):\n    if isinstance(m, nn.Linear):\n        nn.init.zeros_(m.weight)\nmodel.apply(init)"),
        loop(TRAIN, before="def init(m):\n    if isinstance(m, nn.Linear):\n        nn.init.zeros_(m.bias)\nmodel.apply(init)"),
    ),
    (
        "zero-weights",
        loop(TRAIN, before="for p in model.parameters():\n    nn.init.constant_(p, 0.1)"),
        loop(TRAIN, before="for m in model.modules():\n    if isinstance(m, nn.BatchNorm1d):\n        nn.init.constant_(m.weight, 1.0)"),
    ),
    (
        "axes-swapped",
        program(TORCH, RECURRENT.format(made="", taken=":, -1")),
        program(TORCH, RECURRENT.format(made=", batch_first=True", taken=":, -1, :")),
    ),
    (
        "axes-swapped",
        program(TORCH, RECURRENT.format(made=", batch_first=True", taken="-1")),
        program(TORCH, RECURRENT.format(made="", taken="-1")),
    ),
    (
        "recurrent-relu",
        program(KERAS, "layer = layers.LSTM(32, activation='relu')"),
        program(KERAS, "layer = layers.LSTM(32)"),
    ),
    (
        "softmax-over-one-unit",
        keras_sequential(", activation='softmax'", "'binary_crossentropy'", units=1),
        keras_sequential(", activation='sigmoid'", "'binary_crossentropy'", units=1),
    ),
    (
        "units-and-classes-differ",
        keras_sequential(", activation='sigmoid'", "'sparse_categorical_crossentropy'", units=1),
        keras_sequential(", activation='softmax'", "'sparse_categorical_crossentropy'"),
    ),
    (
        "logits-expected",
        keras_sequential(", activation='softmax'", "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"),
        keras_sequential("", "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"),
    ),
    (
        "probabilities-expected",
        keras_sequential("", "'sparse_categorical_crossentropy'"),
        keras_sequential("", "'mse'"),
    ),
    (
        "probabilities-expected",
        keras_sequential(", activation='relu'", "'categorical_crossentropy'"),
        keras_sequential(", activation='softmax'", "'categorical_crossentropy'"),
    ),
    (
        "probabilities-expected",
        program(KERAS, "i = keras.Input((8,))\no = layers.Dense(1)(i)\nmodel = keras.Model(i, o)\nmodel.compile('sgd', 'binary_crossentropy')"),
        program(KERAS, "i = keras.Input((8,))\no = layers.Dense(1, 'sigmoid')(i)\nmodel = keras.Model(i, o)\nmodel.compile('sgd', 'binary_crossentropy')"),
    ),
    (
        "parameters-frozen",
        keras_sequential(", activation='softmax'", "'categorical_crossentropy'").replace("model.compile", "model.trainable = False\nmodel.compile"),
        keras_sequential(", activation='softmax'", "'categorical_crossentropy'").replace(
            "model.compile", "model.layers[0].trainable = False\nmodel.compile"
        ),
    ),
    (
        "zero-weights",
        program(KERAS, "model = keras.Sequential([layers.Dense(8, kernel_initializer='zeros'), layers.Dense(3)])"),
        program(KERAS, "model = keras.Sequential([layers.Dense(8, bias_initializer='zeros'), layers.Dense(3, kernel_initializer='zeros')])"),
    ),
    (
        "splits-prepared-differently",
        program(KERAS, SPLIT, "X_train, X_test = [scaler.fit_transform(x) for x in (X_train, X_test)]"),
        program(KERAS, SPLIT, "scaler.fit(X_train)\nX_train, X_test = [scaler.transform(x) for x in (X_train, X_test)]"),
    ),
    (
        "logits-expected",
        program(TORCH, CUSTOM_LOSS.format(of="torch.softmax(model(inputs), 1)")),
        program(TORCH, CUSTOM_LOSS.format(of="model(inputs)")),
    ),
    (
        "splits-prepared-differently",
        program(KERAS, SPLIT, "X_train = scaler.fit_transform(X_train)\nX_test = scaler.fit_transform(X_test)"),
        program(KERAS, SPLIT, "X_train = scaler.fit_transform(X_train)\nX_test = scaler.transform(X_test)"),
    ),
    (
        "splits-prepared-differently",
        program(KERAS, "x_train = x_train / 255.0\nmodel.fit(x_train, y_train, validation_data=(x_test, y_test))"),
        program(KERAS, "x_train, x_test = x_train / 255.0, x_test / 255.0\nmodel.fit(x_train, y_train, validation_data=(x_test, y_test))"),
    ),
    (
        "splits-prepared-differently",
        ("from torchvision import transforms\ntrain_tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])\n"
        "test_tf = transforms.Compose([transforms.ToTensor()])"),
        ("from torchvision import transforms\ntrain_tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])\n"
        "test_tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize(0.5, 0.5)])"),
    ),
    (
        "validation-rows-in-training",
        program(KERAS, "model.fit(x_train, y_train, validation_data=(x_train, y_train))"),
        program(KERAS, "model.fit(x_train, y_train, validation_data=(x_test, y_test))"),
    ),
    (
        "validation-rows-in-training",
        program(TORCH, "rows = TensorDataset(x, y)\ntrain_dl = DataLoader(rows, 8)\nval_dl = DataLoader(rows, 8)"),
        program(TORCH, "rows = TensorDataset(x, y)\ntrain_dl = DataLoader(rows, 8)\ntrain_eval_dl = DataLoader(rows, 8)"),
    ),
    (
        "labels-shuffled-apart",
        program(KERAS, "np.random.shuffle(x_train)\nnp.random.shuffle(y_train)"),
        program(KERAS, "np.random.seed(1)\nnp.random.shuffle(x_train)\nnp.random.seed(1)\nnp.random.shuffle(y_train)"),
    ),
    (
        "labels-shuffled-apart",
        program(KERAS, "x_train = x_train[np.random.permutation(len(x_train))]\ny_train = y_train[np.random.permutation(len(y_train))]"),
        program(KERAS, "order = np.random.permutation(len(x_train))\nx_train = x_train[order]\ny_train = y_train[order]"),
    ),
    (
        "labels-shuffled-apart",
        program(TORCH, "rows = TensorDataset(x[torch.randperm(len(x))], y[torch.randperm(len(x))])"),
        program(TORCH, "order = torch.randperm(len(x))\nrows = TensorDataset(x[order], y[order])"),
    ),
    (
        "labels-shuffled-apart",
        program(KERAS, "import random\nX, y = list(x_train), list(y_train)\nrandom.shuffle(y)\nX, y = np.array(X), np.array(y)\nmodel.fit(X, y)"),
        program(KERAS, "import random\nX, y = list(x_train), []\nrandom.shuffle(X)\ny = [label(row) for row in X]\nmodel.fit(X, y)"),
    ),
    (
        "splits-prepared-differently",
        program(TORCH, SCALER, "a = torch.tensor(scaler.fit_transform(X[:900]))\nb = torch.tensor(X[900:])\nmodel(b)"),
        program(TORCH, SCALER, "a = torch.tensor(scaler.fit_transform(X[:900]))\nb = torch.tensor(scaler.transform(X[900:]))\nmodel(b)"),
    ),
    (
        "splits-prepared-differently",
        program(KERAS, SCALER, "a = scaler.fit_transform(X[:900])\nb = X[900:]\nmodel.fit(a, y[:900], validation_data=(b, y[900:]))"),
        program(KERAS, SCALER, "a = scaler.fit_transform(X[:900])\nb = X[900:]\nb = scaler.transform(b)\nmodel.fit(a, y[:900], validation_data=(b, y[900:]))"),
    ),
    (
        "parameters-not-optimized",
        program(TORCH, "model = resnet18()\noptimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1)\nmodel.fc = nn.Linear(512, 10)"),
        program(TORCH, "model = resnet18()\nmodel.fc = nn.Linear(512, 10)\noptimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1)"),
    ),
    (
        "parameters-not-optimized",
        program(TORCH, "model = resnet18()\noptimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)\nmodel.fc = nn.Linear(512, 10)"),
        program(TORCH, "model = resnet18()\noptimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)\nmodel.eval()"),
    ),
    (
        "optimizer-state-lost",
        loop(TRAIN.replace("for epoch in range(10):", "for epoch in range(10):\n    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)")),
        loop(TRAIN.replace("for epoch in range(10):", "for epoch in range(10):\n    optimizer = torch.optim.Adam(model.parameters(), lr=0.1 * 0.9**epoch)")),
    ),
    (
        "no-step",
        program(OPTAX, "for batch in batches:\n    _, state, loss = step(params, state, batch)"),
        program(OPTAX, "for batch in batches:\n    params, state, _ = step(params, state, batch)"),
    ),
    (
        "random-key-reused",
        program(OPTAX, "weights = [jax.random.normal(key, (m, n)) for m, n in shapes]"),
        program(OPTAX, "weights = [jax.random.normal(k, (m, n)) for k, (m, n) in zip(jax.random.split(key, 3), shapes)]"),
    ),
    (
        "random-key-reused",
        program(OPTAX, "weights = {name: jax.random.normal(key, (8, 8)) for name in names}"),
        program(OPTAX, "weights = {name: jax.random.normal(jax.random.fold_in(key, i), (8, 8)) for i, name in enumerate(names)}"),
    ),
    (
        "zero-weights",
        program(FLAX, "body = nn.Dense(8, kernel_init=nn.initializers.zeros)\nout = nn.Dense(3)"),
        program(FLAX, "body = nn.Dense(8, bias_init=nn.initializers.zeros)\nout = nn.Dense(3, kernel_init=nn.initializers.zeros)"),
    ),
    (
        "zero-weights",
        program(FLAX, "body = nn.Conv(8, (3, 3), kernel_init=nn.initializers.constant(0.1))\nout = nn.Dense(3)"),
        program(FLAX, "body = nn.Conv(8, (3, 3), kernel_init=nn.initializers.he_normal())\nout = nn.Dense(3)"),
    ),
]  # fmt: skip


def kinds(text):
    return [found.kind for found in mistakes_in(parsed(text))]


@pytest.mark.parametrize(("kind", "text", "cure"), CASES, ids=[f"{kind}-{i}" for i, (kind, *_) in enumerate(CASES)])
def test_a_mistake_is_found_where_it_is_and_not_in_the_program_without_it(kind, text, cure):
    assert kinds(text) == [kind]
    assert kinds(cure) == []


def test_each_rule_finds_something():
    from tunewell.inspection.source.program import Program

    programs = [
        Program(text)
        for text in (
            *(text for _, text, _ in CASES),
            *map(people_faults.source, people_faults.FAULTS),
            *(one.source for one in habit_faults.FAULTS),
        )
    ]
    assert [rule.__name__ for rule in RULES if not any(list(rule(one)) for one in programs)] == []


def test_each_kind_has_a_label_that_a_diagnosis_knows():
    assert {kind.label for kind in KINDS.values()} - {None} <= set(LABELS)


def test_a_mistake_names_its_file_and_line(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(sequential(", nn.Softmax(dim=1)"), encoding="utf-8")
    (found,) = mistakes_in(read_program(script))
    assert "nn.Softmax(dim=1)" in script.read_text(encoding="utf-8").splitlines()[found.line - 1]
    assert found.place == f"{script}:{found.line}"
    assert found.as_dict()["label"] == "loss_output_mismatch"


def test_it_is_read_through_functions_and_what_they_are_given():
    text = program(
        TORCH,
        """
        def make(units):
            return nn.Sequential(nn.Linear(8, units), nn.Sigmoid())

        def fit(net, loss_fn, opt):
            for epoch in range(3):
                for a, b in train_loader:
                    opt.zero_grad()
                    out = net(a)
                    l = loss_fn(out, b)
                    l.backward()
                    opt.step()

        net = make(3)
        fit(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()))
        """,
    )
    assert kinds(text) == ["logits-expected"]


def test_where_the_source_does_not_tell_nothing_is_found():
    text = program(TORCH, "from somewhere import make\nmodel = make()\nuse_softmax = make()", LOOP).replace(
        "criterion(model(inputs), labels)",
        "F.cross_entropy(model(inputs).softmax(1) if use_softmax else model(inputs), labels)",
    )
    assert kinds(text) == []


def test_what_a_branch_may_have_changed_is_not_known():
    body = TRAIN.replace(
        "loss = criterion(model(inputs), labels)",
        "out = model(inputs)\n        if squashed: out = out.softmax(1)\n        loss = criterion(out, labels)",
    )
    assert kinds(loop(body, before="squashed = bool(input())")) == []
    assert kinds(loop(body.replace("if squashed: ", ""))) == ["logits-expected"]


def test_a_program_of_many_branches_takes_no_longer_for_each():
    branch = "if x.any():\n    h{1}, r{1} = h{0}, r{0}\nelse:\n    h{1}, r{1} = h{0}, r{0}\n"
    text = f"""
import torch
from torch import nn
def fitted(network, n):
    if n > 9:
        return fitted(network, n - 1)
    if n > 5:
        return fitted(network, n - 2)
    return fitted(network, n - 3)
model = nn.Sequential(nn.Linear(3, 3), nn.Softmax(dim=1))
h0, r0 = model(x), 0.1
{"".join(branch.format(n, n + 1) for n in range(24))}
nn.CrossEntropyLoss()(h24, y).backward()
nn.CrossEntropyLoss()(fitted(model, r24), y).backward()
torch.optim.SGD(model.parameters(), lr=r24).step()
nn.Linear(3, r24)
"""
    assert "logits-expected" in kinds(text)


@pytest.mark.parametrize("text", ["def", "x = (", "\x00"])
def test_what_is_no_python_is_named(text, tmp_path):
    script = tmp_path / "broken.py"
    script.write_text(text, encoding="utf-8")
    with pytest.raises(ScriptError, match=r"broken\.py"):
        read_program(script)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ScriptError, match=r"none\.py"):
        read_program(tmp_path / "none.py")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_with_nothing_wrong_is_not_accused(name):
    assert [(found.kind, found.seen) for found in mistakes_in(parsed(PROGRAMS[name]))] == []
