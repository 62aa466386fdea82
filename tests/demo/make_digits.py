"""Make the demo's data anew from scikit-learn's copy, or check that what is there is the same.

    python tests/demo/make_digits.py           # is digits.npz what scikit-learn has?
    python tests/demo/make_digits.py --write   # write it

Needs scikit-learn.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

FILE = Path(__file__).parents[2] / "src" / "tunewell" / "demo" / "digits.npz"


def main() -> None:
    """Exit with 0 if the file holds what scikit-learn has."""
    digits = load_digits()
    made = {"images": digits.images.astype(np.uint8), "labels": digits.target.astype(np.uint8)}
    if "--write" in sys.argv[1:]:
        np.savez_compressed(FILE, **made)
    with np.load(FILE) as kept:
        same = set(kept) == set(made) and all(np.array_equal(kept[name], made[name]) for name in made)
    sys.exit(None if same else f"{FILE} differs from scikit-learn's copy; write it anew with --write")


if __name__ == "__main__":
    main()
