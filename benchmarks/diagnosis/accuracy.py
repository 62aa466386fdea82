"""How often the diagnosis is right on runs that it has not seen: makes faulty and healthy runs, and judges it by them.

    python benchmarks/diagnosis/accuracy.py [--n 300] [--first-seed 100000] [--figure FILE.svg]

It is `generate.py` into a folder that is removed afterwards, and `evaluate.py` on what is there. On
one core 300 runs take about a quarter of an hour. Seeds under 100,000 are those that the model was fitted to.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FITTED = 100_000  # seeds below


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=300, help="how many runs")
    parser.add_argument("--first-seed", type=int, default=FITTED, help="of the sane trainings; one each")
    parser.add_argument("--figure", type=Path, help="of the reliability; needs matplotlib")
    given = parser.parse_args()
    if given.first_seed < FITTED:
        parser.error(
            f"--first-seed {given.first_seed}: the model was fitted to seeds under {FITTED}; give one from there"
        )
    with tempfile.TemporaryDirectory() as folder:
        made = ("generate.py", "--out", folder, "--n", str(given.n), "--first-seed", str(given.first_seed))
        subprocess.run((sys.executable, HERE / made[0], *made[1:]), check=True, stdout=sys.stderr)
        figure = () if given.figure is None else ("--figure", given.figure)
        subprocess.run(
            (sys.executable, HERE / "evaluate.py", *sorted(Path(folder).glob("*.jsonl")), *figure), check=True
        )


if __name__ == "__main__":
    main()
