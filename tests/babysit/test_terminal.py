"""`tunewell babysit` in a real terminal, through tmux: its keys, what the screen shows, and how it is left."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time

import pytest

import tunewell as tw

pytest.importorskip("textual")
if shutil.which("tmux") is None:
    assert not os.environ.get("CI"), "there is no tmux, which must not go unnoticed here"
    pytest.skip(
        "NOT TESTED: a real terminal, since there is no tmux; install Debian's package", allow_module_level=True
    )

SCRIPT = """
import time
import numpy as np
import tunewell as tw

metric = "val_loss"
space = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1, live=True))

def train(run):
    weight = np.ones(1)
    run.track(weight=weight)
    for epoch in run.epochs(500):
        weight *= 1 - 0.01 * run.params.learning_rate
        time.sleep(0.1)
        run.report(train_loss=float(weight[0]), val_loss=float(weight[0]), val_accuracy=1 - float(weight[0]))
"""

GO_ON = shlex.join([sys.executable, "-m", "tunewell", "babysit", "train.py", "--resume", "--name", "train"])


def squeezed(text):
    """Without blanks: a terminal breaks a line where it ends."""
    return "".join(text.split())


class Terminal:
    """A program in a terminal of 100 columns and 30 lines."""

    def __init__(self, folder, *words):
        self._tmux = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null"]
        self._folder = folder
        command = f"{shlex.join(words)}; echo left with $?; sleep 600"
        self._call("new-session", "-d", "-x", "100", "-y", "30", command)

    def _call(self, *words):
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        done = subprocess.run(
            [*self._tmux, *words], cwd=self._folder, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def press(self, *keys):
        self._call("send-keys", *keys)

    def until(self, pattern, seconds=60):
        """The screen, once it shows what the pattern finds."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, screen := self._call("capture-pane", "-p")):
            assert time.monotonic() < deadline, f"{pattern!r} is not shown:\n{screen}"
            time.sleep(0.1)
        return screen

    def close(self):
        self._call("kill-server")


def test_an_interrupt_ends_the_epoch_and_a_second_one_at_once_and_it_can_be_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "train.py").write_text(SCRIPT.replace("sleep(0.1)", "sleep(0.1 if epoch < 4 else 25)"))
    terminal = Terminal(tmp_path, sys.executable, "-m", "tunewell", "babysit", "train.py")
    try:
        terminal.until(r"epoch 3 of 500")
        terminal.press("C-c")
        terminal.until("the epoch is finished first; Ctrl-C ends it at once")
        terminal.press("C-c")
        screen = terminal.until("left with 0", seconds=20)
        assert squeezed(f"trial 0 is not over: {GO_ON} goes on") in squeezed(screen)
    finally:
        terminal.close()
    study = tw.Study.open(f"sqlite:///{tmp_path / 'tunewell.db'}", "train")
    assert len(study.reports()) == 3


def test_a_run_is_watched_and_steered_by_keys_and_left(tmp_path, monkeypatch):
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "train.py").write_text(SCRIPT)
    terminal = Terminal(tmp_path, sys.executable, "-m", "tunewell", "babysit", "train.py")
    try:
        terminal.until(r"epoch ([5-9]|\d\d+) of 500")
        for shown in ("• train_loss  ○ val_loss", "○ val_accuracy", "• lr", "learning_rate = 0.1", " left", "q quit"):
            terminal.until(re.escape(shown))
        terminal.press("-")
        terminal.until("learning_rate = 0.03162")
        terminal.press("p")
        terminal.until("trial 0, held")
        terminal.press("v")
        terminal.until("set: NAME VALUE")
        terminal.press("learning_rate 0.5", "Enter")
        terminal.until("learning_rate = 0.5")
        terminal.press("r")
        terminal.until("rewind: EPOCH")
        terminal.press("3 learning_rate=0.2", "Enter")
        terminal.until("trial 1, running")
        terminal.press("x")
        terminal.until("x again ends trial 1")
        terminal.press("q")
        screen = terminal.until("left with 0")
        assert squeezed(f"trial 1 is not over: {GO_ON} goes on") in squeezed(screen)
    finally:
        terminal.close()
    study = tw.Study.open(f"sqlite:///{tmp_path / 'tunewell.db'}", "train")
    assert [command.kind for command in study.commands()] == ["set", "pause", "set", "rewind"]
    assert study.trials[1].params["learning_rate"] == 0.2
