"""Numbers that stand in calls, of a script with no flags and no constants."""

import ast
import sys
import textwrap

import pytest

from tunewell.errors import ScriptError
from tunewell.scripts import find_parameters
from tunewell.scripts.constants import constants, replaced


def found(text):
    """Name and value of each number."""
    return {one.name or address: one.value for address, one in constants(ast.parse(textwrap.dedent(text))).items()}


def changed(text, **values):
    addresses = {name.replace("__", "."): str(value) for name, value in values.items()}
    return ast.unparse(replaced(ast.parse(textwrap.dedent(text)), addresses))


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        ("optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.99))", {"lr": 1e-3, "beta1": 0.9, "beta2": 0.99}),
        ("SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True)", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
        ("keras.optimizers.Adam(1e-3)", {"learning_rate": 1e-3}),
        ("optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(3e-4, weight_decay=0.1))",
         {"max_norm": 1.0, "learning_rate": 3e-4, "weight_decay": 0.1}),
        ("nn.Dropout(0.5)", {"dropout": 0.5}),
        ("F.dropout(x, 0.3, training=self.training)", {"dropout": 0.3}),
        ("DataLoader(train_set, 32, shuffle=True, num_workers=4)", {"batch_size": 32}),
        ("loader = DataLoader(test_set, batch_size=256)", {}),
        ("val_loader = DataLoader(data, batch_size=256)", {}),
        ("train_ds.shuffle(1000).batch(64)", {"batch_size": 64}),
        ("model.fit(x, y, epochs=10, batch_size=32, validation_split=0.2)", {"epochs": 10, "batch_size": 32}),
        ("model.evaluate(x, y, batch_size=32)", {}),
        ("nn.utils.clip_grad_norm_(model.parameters(), 5.0)", {"max_norm": 5.0}),
        ("StepLR(optimizer, 30, 0.1)", {"step_size": 30, "gamma": 0.1}),
        ("ReduceLROnPlateau(optimizer, factor=0.5, patience=3)", {"factor": 0.5, "lr_patience": 3}),
        ("EarlyStopping(patience=5)", {}),
        ("regularizers.l2(1e-4)", {"l2": 1e-4}),
        ("MLPClassifier(hidden_layer_sizes=(64, 32), alpha=1e-4)",
         {"hidden_layer_sizes_1": 64, "hidden_layer_sizes_2": 32, "alpha": 1e-4}),
        ("plt.plot(x, alpha=0.5); rng.normal(scale=1.0)", {}),
        ("wandb.init(project='x', config=dict(lr=0.1))", {"lr": 0.1}),
    ],
)  # fmt: skip
def test_numbers_of_known_calls_go_by_the_fields_names(line, numbers):
    assert found(line) == numbers


def test_the_length_of_a_loop_is_that_of_its_range():
    text = "for epoch in range(1, 11):\n    pass\nfor i in range(5):\n    pass"
    assert found(text) == {"epochs": 10}
    assert "range(1, 4)" in changed(text, range__epochs=3)


NET = """
class Net(nn.Module):
    def __init__(self):
        self.first = nn.Sequential(nn.Linear(784, 128), nn.BatchNorm1d(128), nn.ReLU())
        self.rest = nn.Sequential(nn.Linear(128, 64), nn.Linear(64, 10))
"""


def test_a_width_is_changed_together_with_those_that_have_to_agree():
    assert found(NET) == {"hidden_size_1": 128, "hidden_size_2": 64}
    text = changed(NET, Linear__out_features=7)
    assert "Linear(784, 7)" in text
    assert "BatchNorm1d(7)" in text
    assert "Linear(7, 64)" in text


@pytest.mark.parametrize(
    "text",
    [
        "nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))",  # what goes in first is the data's
        "nn.Sequential(nn.Conv2d(1, 32, 3), nn.Flatten(), nn.Linear(32 * 26 * 26, 10))",
        "nn.Sequential(nn.Linear(20, 32), nn.Unflatten(1, (32, 1)), nn.Conv1d(32, 4, 1))",
        "def net():\n    a = nn.Linear(9, 32)\n    return a\nx = nn.Linear(32, 2)",  # may be two networks
        "nn.LSTM(9, 32, bidirectional=True); nn.Linear(64, 2)",
        "nn.Embedding(9, 32); nn.GRU(32, 16); h = torch.zeros(1, 8, 32); nn.Linear(5, 2)",
        "layers.Dense(10)",
        "x = layers.Dense(32)(x)\nx = layers.Add()([x, y])\nx = layers.Dense(1)(x)",
        "layers.Dense(4, activation='softmax'); layers.Dense(1)",
    ],
)
def test_a_width_that_might_not_agree_is_left_out(text):
    assert found(text) == {}


def test_keras_widths_are_free_but_for_the_last():
    text = "Sequential([layers.Conv2D(32, 3), layers.Flatten(), layers.Dense(64, activation='relu'), layers.Dense(10)])"
    assert found(text) == {"filters": 32, "units": 64}


def test_what_the_scripts_own_functions_are_given_is_called_by_their_parameters():
    text = """
    def train(data, lr, n_epochs=5, dropout=0.1):
        pass
    def plot(x, alpha=0.5):
        pass
    train(load(), 0.1, dropout=0.2)
    """
    assert found(text) == {"lr": 0.1, "dropout": 0.2, "n_epochs": 5}


def test_what_goes_together_is_changed_together():
    text = "nn.Dropout(0.5); nn.Dropout(0.5); nn.Dropout(0.2)"
    assert found(text) == {"dropout_1": 0.5, "dropout_2": 0.2}
    assert changed(text, Dropout__dropout=0.1).count("0.1") == 2


def test_of_two_optimizers_each_has_its_own():
    text = "g = Adam(g.parameters(), lr=2e-4)\nd = Adam(d.parameters(), lr=2e-4)"
    assert found(text) == {"lr_1": 2e-4, "lr_2": 2e-4}
    assert changed(text, Adam__2__lr=0.5).endswith("lr=0.5)")


def test_what_is_read_from_the_environment_is_a_constant_unless_it_is_set(monkeypatch):
    text = "LR = float(os.environ.get('TRY_LR', '3e-4'))\nBATCH = int(os.getenv('TRY_BATCH', 64))"
    monkeypatch.setenv("TRY_BATCH", "8")
    assert found(text) == {"LR": 3e-4}
    assert changed(text, LR=0.1).startswith("LR = 0.1\n")


def test_what_the_command_gives_by_place_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "import sys\nlr = float(sys.argv[1]) if len(sys.argv) > 1 else 0.01\ndropout = 0.1\n"
    (tmp_path / "train.py").write_text(text)
    assert find_parameters([sys.executable, "train.py"]).space.names == ("lr", "dropout")
    assert find_parameters([sys.executable, "train.py", "0.5"]).space.names == ("dropout",)


def test_a_switch_that_is_off_sets_nothing():
    assert found("class CFG:\n    debug = False\n    lr = 0.1\nif CFG.debug:\n    CFG.lr = 1") == {
        "CFG.debug": False,
        "CFG.lr": 0.1,
    }


def test_the_numbers_of_a_module_beside_it_are_found_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text("import nn\nlayer = nn.Dropout(0.5)\n")
    (tmp_path / "train.py").write_text("import model\nimport nn\noptimizer = nn.SGD([], lr=0.1)\n")
    its = find_parameters([sys.executable, "train.py"])
    assert its.space.names == ("lr", "dropout")
    assert "model:Dropout.dropout={dropout}" in its.command
    assert its.how == "constants at train.py:3"


def test_a_script_without_numbers_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print('hello')\n")
    with pytest.raises(ScriptError, match=r"no hyperparameter is found in train\.py"):
        find_parameters([sys.executable, "train.py"])
