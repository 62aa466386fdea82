"""The same two networks in each framework: what it takes to write, install, start and train them, and what they reach.

    python benchmarks/frameworks/compare.py [--seeds 5] [--task digits|cnn ...] [--python NAME=INTERPRETER ...]
        [--record FILE]

    digits  1,078 training images of the UCI digits, 64-100-10, ReLU, SGD at 0.1 with momentum 0.9, 30 epochs
    cnn     the same images, two convolutions of 3 x 3 (16, 32), ReLU, pooling, a dense layer; at 0.05, 10 epochs

Each training has a process of its own with one thread; frameworks take turns, seed by seed, and medians are printed.
`lines`: of code from the model to its last epoch, of the digits network. `install`: what the framework and all that it
needs take on the disk. `import`: of a fresh process, over one that imports NumPy. `first epoch`: from the start of the
process, imports and compilation too. `epoch`: of all later ones, the median. `memory`: the highest of the process.
`accuracy`: of validation images, mean and standard deviation over seeds. Times are those of the processor.

`--python TensorFlow=/path/python` names the interpreter of a framework that has an environment of its own. A framework
that is not installed, or whose training fails, is left out, and its line says why. `--record` keeps each training as a
line of JSON, and one that is there is not trained again: so the table can be made in pieces.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import time
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path

import numpy as np
from problem import task

from tunewell.demo import digits

HERE = Path(__file__).parent
NAMES = {  # as printed: the module, and the environment
    "tunewell.nn": ("engine_net", {}),
    "PyTorch": ("torch_net", {}),
    "PyTorch compiled": ("torch_net", {"COMPILED": "1"}),
    "JAX, Optax": ("jax_net", {}),
    "Keras on JAX": ("keras_net", {"KERAS_BACKEND": "jax"}),
    "Keras on PyTorch": ("keras_net", {"KERAS_BACKEND": "torch"}),
    "Keras on TensorFlow": ("keras_net", {"KERAS_BACKEND": "tensorflow"}),
    "TensorFlow": ("tensorflow_net", {}),
}
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def train_once(module: str, name: str, seed: int) -> dict[str, object]:
    """Train in this process, and return what it took."""
    net = import_module(module)
    ends: list[float] = []
    predict = net.fit(task(name), seed, lambda: ends.append(time.process_time()))
    if predict is None:
        return {}
    images, labels = digits.part("validation", 0)
    guesses = np.asarray(predict(np.ascontiguousarray(images, np.float32))).argmax(axis=1)
    return {
        "accuracy": float((guesses == labels).mean()),
        "first_s": ends[0],
        "epoch_s": statistics.median(b - a for a, b in pairwise(ends)),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "install_mb": installed_mb(net.PACKAGES),
        "imports": net.IMPORTS,
    }


def installed_mb(packages: tuple[str, ...]) -> float:
    """Return what packages and all that they need take on the disk."""
    todo, files = list(packages), {}
    done = set()
    while todo:
        name = re.split(r"[^A-Za-z0-9._-]", todo.pop())[0].lower().replace("_", "-")
        if name in done:
            continue
        done.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for other systems, or optional
        todo += [need for need in found.requires or () if "extra ==" not in need]
        for file in found.files or ():
            files[str(file.locate())] = file.size or 0
    return sum(files.values()) / 1e6


@cache
def import_s(python: str, module: str, backend: str | None) -> float:
    """Return the processor's seconds that an import takes in a fresh process, over those of NumPy."""
    took = []
    for name in (module, "numpy"):
        code = f"import time, numpy; import {name}; print(time.process_time())"
        environment = {**os.environ, **({} if backend is None else {"KERAS_BACKEND": backend})}
        runs = [
            subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=True)
            for _ in range(3)
        ]
        took.append(statistics.median(float(run.stdout) for run in runs))
    return took[0] - took[1]


def n_lines(module: str) -> int:
    """Return the lines of code of `fit`, those of the other network, of blanks and of comments left out."""
    text = (HERE / f"{module}.py").read_text(encoding="utf-8")
    (fit,) = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == "fit")
    lines = text.splitlines()[: fit.end_lineno]
    counted = lines[next(i for i, line in enumerate(lines) if "are counted" in line) + 1 :]
    kept = [line for line in counted if line.strip() and not line.strip().startswith("#")]
    return sum("epoch_ends" not in line and "COMPILED" not in line for line in kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--task", nargs="+", choices=("digits", "cnn"), default=["digits", "cnn"])
    parser.add_argument("--record", type=Path)
    parser.add_argument("--python", action="append", default=[], metavar="NAME=INTERPRETER")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(train_once(given.one[0], given.one[1], int(given.one[2]))))
        return
    pythons = dict(pair.split("=", 1) for pair in given.python)
    if unknown := pythons.keys() - NAMES.keys():
        parser.error(f"--python names {unknown.pop()!r}; there is {', '.join(NAMES)}")
    known = _read(given.record)
    failures: dict[str, str] = {}
    for name in given.task:
        found: dict[str, list[dict[str, object]]] = {}
        for seed in range(given.seeds):
            for label, (module, environment) in NAMES.items():
                if label in failures:
                    continue
                if (name, label, seed) not in known:
                    run = subprocess.run(
                        [pythons.get(label, sys.executable), __file__, "--one", module, name, str(seed)],
                        env={
                            **os.environ,
                            **ONE_THREAD,
                            **environment,
                            "PYTHONPATH": f"{HERE}:{HERE.parents[1] / 'src'}",
                        },
                        capture_output=True,
                        text=True,
                        check=False,  # its last line says why
                    )
                    if run.returncode:
                        failures[label] = why(run)
                        continue
                    known[name, label, seed] = json.loads(run.stdout.splitlines()[-1])
                    if given.record is not None:
                        with given.record.open("a", encoding="utf-8") as file:
                            file.write(json.dumps([name, label, seed, known[name, label, seed]]) + "\n")
                if result := known[name, label, seed]:
                    found.setdefault(label, []).append(result)
        print(f"\n{name}\n| framework | lines | install, MB | import, s | first epoch, s", end="")
        print(" | epoch, ms | memory, MB | accuracy, % |")
        print("|---|---|---|---|---|---|---|---|")
        for label, (module, environment) in NAMES.items():
            if results := found.get(label):
                python = pythons.get(label, sys.executable)
                imported_s = import_s(python, str(results[0]["imports"]), environment.get("KERAS_BACKEND"))
                print(row(label, module, results, imported_s, name), flush=True)
            elif label in failures:
                print(f"| {label} | not measured: {failures[label]} |", flush=True)


def why(run: subprocess.CompletedProcess[str]) -> str:
    """Return in a line why a training failed."""
    if run.returncode < 0:  # it may have printed nothing, or what has nothing to do with it
        return f"ended by signal {-run.returncode} ({signal.Signals(-run.returncode).name})"
    return (run.stderr.strip().splitlines() or [f"exit status {run.returncode}"])[-1]


def _read(record: Path | None) -> dict[tuple[str, str, int], dict[str, object]]:
    lines = record.read_text(encoding="utf-8").splitlines() if record is not None and record.exists() else []
    return {(name, label, seed): result for name, label, seed, result in map(json.loads, lines)}


def row(label: str, module: str, results: list[dict[str, object]], imported_s: float, name: str) -> str:
    """Return a line of the table."""

    def median(key: str) -> float:
        return statistics.median(float(str(result[key])) for result in results)

    accuracies = [100 * float(str(result["accuracy"])) for result in results]
    spread = f" ± {statistics.stdev(accuracies):.1f}" if len(accuracies) > 1 else ""
    lines = str(n_lines(module)) if name == "digits" else ""
    return (
        f"| {label} | {lines} | {median('install_mb'):.0f} | {imported_s:.1f} | {median('first_s'):.1f} | "
        f"{1000 * median('epoch_s'):.0f} | {median('memory_mb'):.0f} | {statistics.mean(accuracies):.1f}{spread} |"
    )


if __name__ == "__main__":
    main()
