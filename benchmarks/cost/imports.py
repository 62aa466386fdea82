"""How long `import tunewell` and `tunewell --help` take, and which modules the time goes to.

    python benchmarks/cost/imports.py

Wall-clock medians of fresh interpreters, less a bare interpreter's start in the same run; then the costliest
modules by `python -X importtime`. Aims: 0.2 s and 0.4 s.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time

REPEATS = 15


def seconds(*arguments: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    commands = {
        "a bare interpreter": ("-c", "pass"),
        "import numpy": ("-c", "import numpy"),
        "import tunewell": ("-c", "import tunewell"),
        "tunewell --help": ("-m", "tunewell", "--help"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPEATS):  # interleaved, so that a busy moment weighs on all
        for name, arguments in commands.items():
            times[name].append(seconds(*arguments))
    bare = statistics.median(times["a bare interpreter"])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:20s} {median:.3f} s   beyond a bare interpreter {median - bare:.3f} s")
    trace = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import tunewell"], check=True, capture_output=True, text=True
    )
    rows = [(int(m[2]), m[3].strip()) for m in re.finditer(r"import time:\s*(\d+) \|\s*(\d+) \|(.*)", trace.stderr)]
    print("\ncostliest imports, cumulative ms")
    for micros, module in sorted(rows, reverse=True)[:12]:
        print(f"{micros / 1000:8.1f}  {module}")


if __name__ == "__main__":
    main()
