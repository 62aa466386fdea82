"""The example is a file of its own, so that it can be copied anywhere, and the one that `tunewell demo` tunes."""

from pathlib import Path

from tunewell.demo import digits

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"


def test_the_example_is_the_training_of_the_demo():
    assert not EXAMPLE.is_symlink()
    assert EXAMPLE.read_text(encoding="utf-8") == Path(digits.__file__).read_text(encoding="utf-8"), (
        "copy src/tunewell/demo/digits.py to examples/digits.py"
    )
