"""Scripts of many authors' habits, each with its truth; `benchmarks/scripts/score.py` sums them up."""

import importlib.util
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_path = Path(__file__).parents[2] / "benchmarks" / "scripts" / "score.py"
_spec = importlib.util.spec_from_file_location("score", _path)
score = importlib.util.module_from_spec(_spec)
sys.modules["score"] = score
_spec.loader.exec_module(score)
TRUTHS = list(score.truths())


@pytest.mark.parametrize(("script", "truth"), TRUTHS, ids=[script.stem for script, _ in TRUTHS])
def test_a_script_is_understood(script, truth):
    if (needs := truth.get("needs")) is not None and find_spec(needs) is None:
        pytest.skip(f"needs {needs}")
    its = score.score(script, truth)
    assert not its.error
    assert len(its.missing) <= truth.get("may_miss", 0), its.missing
    assert len(its.wrong) <= truth.get("may_be_wrong", 0), its.wrong
    assert its.inside == len(its.found) + len(its.wrong)
    assert its.length


def test_there_are_enough_of_them():
    assert len(TRUTHS) >= 40
