"""scikit-learn, with a loop that is written out."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from contract import AdapterContract, Framework, Searched

FRAMEWORK = Framework(
    "sklearn_digits.py",
    imports="sklearn",
    weights=lambda model: [*model.coefs_, *model.intercepts_],
    rate=lambda model: model.learning_rate_init,
    test_file="test_sklearn",
)


class TestSklearn(AdapterContract):
    framework = FRAMEWORK
