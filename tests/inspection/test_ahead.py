"""What is seen in a program stands ahead of what curves and experiments say of it."""

import json
import re
import sys

import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.inspection import KINDS, Mistake, inspect
from tunewell.probing import probe

SCRIPT = """
import numpy as np
import tunewell as tw

space = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1))
metric = "val_loss"


def train(run):
    x_train, y_train = np.linspace(0, 1, 50), np.linspace(0, 2, 50)
    {shuffled}
    weight = 0.0
    for _ in run.epochs(4):
        error = weight * x_train - y_train
        weight -= run.params.learning_rate * (error * x_train).mean()
        run.report(train_loss=(error**2).mean(), val_loss=(error**2).mean())
"""
PROGRAM = """import numpy as np
x_train, y_train = np.arange(9.0), np.arange(9.0)
np.random.shuffle(x_train)
np.random.shuffle(y_train)
print('{"val_loss": 1.0}')
"""
APART = "np.random.shuffle(x_train)\n    np.random.shuffle(y_train)"


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.format(shuffled=APART), encoding="utf-8")
    return path


def tunewell(*arguments, expect=0):
    ran = CliRunner().invoke(cli, [str(one) for one in arguments])
    assert ran.exit_code == expect, ran.output
    return ran


def test_a_command_names_the_mistake_its_place_and_its_mend(script):
    shown = tunewell("inspect", script, expect=1).stdout
    line = SCRIPT.format(shuffled=APART).splitlines().index("    np.random.shuffle(y_train)") + 1
    assert shown.startswith(f"{script}:{line}: labels-shuffled-apart: ")
    assert "mend" in shown
    assert json.loads(tunewell("inspect", script, "--static", "--json", expect=1).stdout)[0]["line"] == line


def test_a_program_without_one_is_fine(script):
    script.write_text(SCRIPT.format(shuffled="pass"), encoding="utf-8")
    ran = tunewell("inspect", script)
    assert ran.stdout == f"{script}: no mistake is seen in its source\n"
    assert "neither PyTorch, Keras nor JAX" in ran.stderr


def test_of_a_framework_that_is_known_it_is_not_denied(script):
    script.write_text("import torch\n" + SCRIPT.format(shuffled="pass"), encoding="utf-8")
    assert "neither" not in tunewell("inspect", script, "--static").stderr


def test_a_probe_has_it_first(script):
    found = json.loads(tunewell("diagnose", script, "--probe", "--json").stdout)
    assert found["findings"][0]["label"] == "labels_mismatched"
    assert found["findings"][0]["next"]["param"] == "code"
    assert [one["kind"] for one in found["mistakes"]] == ["labels-shuffled-apart"]


def test_a_rescue_names_it_and_does_not_train_around_it(script):
    ran = tunewell("rescue", script, "--quiet", expect=1)
    assert "labels-shuffled-apart" in ran.stderr
    assert "nothing was trained" in ran.stderr
    assert not (script.parent / "tunewell.db").exists()
    shown = " ".join(tunewell("rescue", script, "--anyway", "--quiet", "--budget", "2").stdout.split())
    assert "val_loss from" in shown
    place = f"{script}:{1 + SCRIPT.format(shuffled=APART).splitlines().index('    np.random.shuffle(y_train)')}"
    assert f"trained with the mistake at {place} in place, which no setting mends" in shown


def test_a_rescue_names_the_mistake_of_a_program_too(script):
    program = script.with_name("program.py")
    program.write_text(PROGRAM, encoding="utf-8")
    script.with_name("space.toml").write_text('[lr]\ntype = "float"\nlow = 0.001\nhigh = 1.0\n', encoding="utf-8")
    ran = tunewell(
        "rescue", "--space", "space.toml", "--quiet", "--", sys.executable, program, "--lr", "{lr}", expect=1
    )
    assert f"{program}:4: labels-shuffled-apart" in ran.stderr
    assert "nothing was trained" in ran.stderr


def test_what_a_setting_may_mend_is_no_mistake_of_the_program():
    assert Mistake("step-too-large", "", "").is_of_setting
    assert not Mistake("no-step", "", "").is_of_setting


def test_the_confidences_of_a_probe_add_up_to_no_more_than_one_beside_what_was_seen():
    def train(run):
        for epoch in run.epochs(4):
            run.report(train_loss=run.params.lr / epoch, val_loss=run.params.lr / epoch)

    space = tw.Space(lr=tw.Float(1e-3, 1.0, scale="log", default=0.1))
    report = probe(train, space, mistakes=[Mistake("no-step", "seen", "mend", "train.py", 3)])
    first, *others = report.findings
    assert (first.label, first.evidence, first.next.why) == ("frozen_layers", "train.py:3: seen", "mend")
    assert "frozen_layers" not in {one.label for one in others}
    assert first.confidence + sum(one.confidence for one in others) <= 1.01


def test_a_cause_that_the_curves_show_too_is_named_once():
    def train(run):
        for _ in run.epochs(6):
            run.report(train_loss=2.3, val_loss=2.3, train_accuracy=0.1, val_accuracy=0.1)

    space = tw.Space(lr=tw.Float(1e-3, 1.0, scale="log", default=0.1))
    by_label = {kind.label: name for name, kind in KINDS.items()}
    shown = next(one.label for one in probe(train, space).findings if one.label in by_label)
    labels = [one.label for one in probe(train, space, mistakes=[Mistake(by_label[shown], "seen", "mend")]).findings]
    assert labels[0] == shown
    assert labels.count(shown) == 1


def test_a_file_that_no_framework_trains_is_read_and_not_run(script):
    assert not inspect(script).was_run
    assert inspect(script).not_run is None


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("import os\nos._exit(3)", "ended its process before enough was seen"),
        ("import sys\nsys.exit(2)", r"sys\.exit"),
        ("import nosuchmodule", "No module named 'nosuchmodule'"),
        ("del space", "space"),
        ("input('go?')", "input|EOF"),
    ],
)
def test_a_training_that_cannot_be_run_is_read_all_the_same(script, before, why):
    text = f"# of torch\n{script.read_text(encoding='utf-8')}"
    script.write_text(text.replace("def train(run)", f"{before}\n\n\ndef train(run)"), encoding="utf-8")
    found = inspect(script)
    assert [one.kind for one in found.mistakes] == ["labels-shuffled-apart"]
    assert not found.was_run
    assert re.search(why, found.not_run)
    assert "\n" not in found.not_run
