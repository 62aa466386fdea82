"""Scripts that cannot be looked at, or that give nothing to be tuned: one line that says which, and the mend."""

import sys

import pytest

from tunewell.errors import ScriptError
from tunewell.scripts import find_parameters

FLAGS = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=0.1)\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import argparse, sys\nsys.exit('set DATA first')", "set DATA first; mend that, or read its source: --static"),
        ("import argparse\nraise ValueError('two\\nlines')", "ValueError: two lines (train.py:2); mend that"),
        ("import argparse, nowhere", "No module named 'nowhere' (train.py:1); mend that"),
        (f"{FLAGS}p.add_argument('data')\np.parse_args()", "train.py needs DATA; add it to the command"),
        (f"n = input()\n{FLAGS}p.parse_args()", "asks for input before it reads its command line; give all in its"),
        ("for x in y\n  pass", "(train.py, line 1); mend it, or give --space"),
        ("x = float(input('x? '))", "asks for input at train.py:1, which no trial can give"),
        ("import gin\n@gin.configurable\ndef train(lr=0.1):\n  pass\ntrain()", "the bindings of gin are not read"),
        ("", "no hyperparameter is found in train.py"),
    ],
)
def test_a_line_says_what_is_wrong_and_the_mend(tmp_path, monkeypatch, text, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(text)
    with pytest.raises(ScriptError) as raised:
        find_parameters([sys.executable, "train.py"])
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_notebook_is_named_with_what_makes_a_script_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.ipynb").write_text("{}")
    with pytest.raises(ScriptError, match=r"jupyter nbconvert --to script train\.ipynb"):
        find_parameters([sys.executable, "train.ipynb"])
