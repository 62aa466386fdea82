"""Do the tests catch what they are there for? Realistic defects are planted one by one, and the tests are run.

Each defect is a line of `src` with something wrong in it: a sign turned, a lock not taken, a column lost. It is planted
in a copy of the working tree, where the tests that should notice run until the first failure. It is caught if one
fails. Before anything is planted, the same tests must pass.

    python benchmarks/defects/plant.py [--list] [--only WORD ...] [--trust-the-tests]

Whoever makes tests quicker, or leaves some out, runs it before and after. A defect whose line has been rewritten is
named as lost: give it the line as it is now.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("src", "tests", "docs", "examples", "benchmarks", "pyproject.toml", "README.md", "CHANGELOG.md", "Makefile")
TOO_LONG_S = 600


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong, in one place."""

    name: str
    right: str
    """Is there exactly once in `src/tunewell`."""
    wrong: str
    tests: str
    """The files and folders of `tests` that should notice, those that are quickest to do so first."""


DEFECTS = (
    Defect(
        "space: the scale of a momentum is mirrored",
        "return -np.expm1(-places)",
        "return np.expm1(-places)",
        "space property/test_space.py",
    ),
    Defect(
        "space: a log scale may begin at 0",
        "if span.low > 0:\n            return None\n        least",
        "if span.low >= 0:\n            return None\n        least",
        "space property/test_space.py",
    ),
    Defect(
        "space: the first and the last whole number are half as likely",
        "margin = 0.5 if span.whole else 0.0",
        "margin = 0.0",
        "space property/test_space.py",
    ),
    Defect(
        "checkpoint: an object keeps an attribute that it had not when it was saved",
        "present.keys() - wanted.keys()",
        "present.keys() & ()",
        "checkpoint property/test_checkpoint.py",
    ),
    Defect(
        "nn: the gradient of a cross entropy forgets what the targets sum to",
        "share * (targets.sum(axis=1, keepdims=True) * np.exp(log_a) - targets)",
        "share * (np.exp(log_a) - targets)",
        "nn/test_ops.py",
    ),
    Defect(
        "nn: the running variance is the biased one",
        "batch_variance * (m / (m - 1))",
        "batch_variance * (m / m)",
        "nn/test_ops.py nn/test_training.py",
    ),
    Defect(
        "nn: the compiled gradient of batch normalization lacks the term of the variance",
        "share * (dbeta[j] + normal[i, j] * dgamma[j])",
        "share * dbeta[j]",
        "nn/test_training.py",
    ),
    Defect(
        "nn: Adam frees its mean square of the bias of another step",
        "1 - settings.beta2**step",
        "1 - settings.beta2 ** (step + 1)",
        "nn/test_optimizers.py",
    ),
    Defect(
        "schedulers: a rung at two thirds of a training is left out",
        "while 3 * rung <= 2 * max_epochs",
        "while 3 * rung < 2 * max_epochs",
        "contract/test_schedulers.py property/test_schedulers.py",
    ),
    Defect(
        "schedulers: a bracket lets one more go on where its size is no multiple of eta",
        "np.maximum(1, members.sum(axis=1, keepdims=True) // eta)",
        "np.maximum(1, -(-members.sum(axis=1, keepdims=True) // eta))",
        "contract/test_schedulers.py property/test_schedulers.py",
    ),
    Defect(
        "schedulers: a rung is settled while a trial is on the way to it",
        "(history.running & (history.until <= rung)).any()",
        "(history.running & (history.until < rung)).any()",
        "contract/test_schedulers.py property/test_schedulers.py",
    ),
    Defect(
        "schedulers: a fit is made anew at each decision",
        'seen.n_known < _GROWTH * fit["n"]',
        'seen.n_known < fit["n"]',
        "schedulers/test_freeze_thaw.py contract/test_schedulers.py",
    ),
    Defect(
        "surrogate: the gradient of how lucky a trial is has half its size",
        "gradient[d + 4] = 2 * (w * self._same).sum()",
        "gradient[d + 4] = (w * self._same).sum()",
        "surrogate schedulers/test_freeze_thaw.py",
    ),
    Defect(
        "study: a metric that is no number counts as the best",
        "value = self._sign * math.inf",
        "value = -self._sign * math.inf",
        "study/test_study.py runners/test_threads.py",
    ),
    Defect(
        "study: what running steps were promised is not counted as spent",
        "trial.until if trial.state is TrialState.RUNNING else trial.epochs",
        "trial.epochs",
        "study/test_log.py study/test_study.py runners/test_threads.py",
    ),
    Defect(
        "study: every trial has the same seed",
        "np.random.SeedSequence([study_seed, trial, 1])",
        "np.random.SeedSequence([study_seed, 1])",
        "study/test_study.py runners/test_runners.py",
    ),
    Defect(
        "study: the seconds that a study has taken are forgotten when it is resumed",
        "self._seconds_before = seconds_on_record(",
        "self._seconds_before = 0.0 * seconds_on_record(",
        "study",
    ),
    Defect(
        "study: a confirmed mean is surer than it is",
        "np.std(self.values, ddof=1)",
        "np.std(self.values)",
        "study/test_confirmation.py",
    ),
    Defect(
        "stores: a command is settled twice, and branches twice",
        "this_command.where(commands.c.taken_at.is_(None))",
        "this_command",
        "contract/test_stores.py property/test_stores.py study/test_steering.py",
    ),
    Defect(
        "stores: a write takes its lock too late",
        'self._transaction("BEGIN IMMEDIATE")',
        'self._transaction("BEGIN")',
        "stores contract/test_stores.py",
    ),
    Defect(
        "stores: a session reports to a trial that another has taken",
        "_this_trial, _is(TrialState.RUNNING), _held()",
        "_this_trial, _is(TrialState.RUNNING)",
        "contract/test_stores.py property/test_stores.py",
    ),
    Defect(
        "stores: PostgreSQL is read in the middle of a write",
        "_READ = ",
        '_READ = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"  # ',
        "contract/test_stores.py stores/test_postgresql.py",
    ),
    Defect(
        "stores: the last sign of life of a session is its first",
        "sa.func.max(time) for time in signs",
        "sa.func.min(time) for time in signs",
        "contract/test_stores.py study/test_sessions.py",
    ),
    Defect(
        "runners: the newest checkpoint is dropped, the oldest kept",
        "newest = max(one.epoch for one in kept)",
        "newest = min(one.epoch for one in kept)",
        "runners/test_runners.py study/test_steering.py checkpoint",
    ),
    Defect(
        "runners: a trial pauses an epoch early",
        "if epoch > self._until or",
        "if epoch >= self._until or",
        "runners/test_runners.py runners/test_threads.py",
    ),
    Defect(
        "training: a trial that goes on from a checkpoint draws anew",
        'self.rng.bit_generator.state = state["rng"]',
        'str(state["rng"])',
        "training checkpoint runners/test_runners.py runners/test_threads.py",
    ),
    Defect(
        "cli: an interrupted command ends as one that failed",
        "INTERRUPTED = 130",
        "INTERRUPTED = 1",
        "cli/test_processes.py cli/test_worker.py",
    ),
    Defect(
        "cli: the last metric has no column",
        "report.metrics.get(name) for name, column in columns.items()",
        "report.metrics.get(name) for name, column in [*columns.items()][:-1]",
        "cli/test_commands.py",
    ),
    Defect(
        "diagnosis: a rule's threshold is turned",
        'ramp(s["val_accuracy_last"], -0.02, -0.12)',
        'ramp(s["val_accuracy_last"], -0.12, -0.02)',
        "diagnosis",
    ),
    Defect(
        "autopilot: what gets better is taken for a plateau",
        "late > before - share * abs(before)",
        "late > before - 300 * share * abs(before)",
        "babysit/test_autopilot.py",
    ),
    Defect(
        "babysit: the key that lets a run go on pauses it",
        "self._steer(Resume() if held else Pause())",
        "self._steer(Pause())",
        "babysit/test_app.py",
    ),
    Defect(
        "cli: a worker runs what a record says, wherever that is",
        "file.is_file() and Path.cwd() in file.resolve().parents",
        "file.is_file()",
        "cli/test_worker.py",
    ),
    Defect(
        "demo: the network that is tested is not looked at again",
        "if again != best.value:",
        "if again is None:",
        "cli/test_demo.py demo",
    ),
    Defect(
        "probing: the rate at which training diverges is suggested",
        "rate, why = diverging / _BELOW_DIVERGING, ",
        "rate, why = diverging, ",
        "probing",
    ),
    Defect(
        "rescue: of two runs the worse is treated",
        "return values[0] < values[1] or all(broken)",
        "return values[0] > values[1] or all(broken)",
        "rescue",
    ),
    Defect(
        "analysis: a trial competes with itself",
        "wins - 0.5, opponents - 1.0",
        "wins, opponents",
        "analysis",
    ),
    Defect(
        "estimators: a gap in a column is filled with the mean",
        "np.where(gaps, self.median, values)",
        "np.where(gaps, self.mean, values)",
        "estimators",
    ),
    Defect(
        "training: a program that fails is a program that is through",
        "if code != 0:",
        "if code is None:",
        "training/test_external_program.py cli/test_processes.py",
    ),
)


def main() -> int:
    """Plant them, and say which are caught; the exit code is the number that is not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="name the defects, and run nothing")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="defects with such a word in the name")
    parser.add_argument("--trust-the-tests", action="store_true", help="do not look first whether they pass")
    given = parser.parse_args()
    chosen = [defect for defect in DEFECTS if any(word in defect.name for word in given.only)]
    if given.list:
        print(*(f"{defect.name}  ({defect.tests})" for defect in chosen), sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="tunewell-defects-") as folder:
        tree = Path(folder)
        copy_of_the_tree(tree)
        if not given.trust_the_tests:
            wanted = sorted({test for defect in chosen for test in defect.tests.split()})
            passed, seconds = passes(tree, wanted)
            print(f"nothing planted: {'passed' if passed else 'FAILED'}  ({seconds:.0f} s of CPU)", flush=True)
            if not passed:
                return 1
        found = [outcome(tree, defect) for defect in chosen]
    print(f"{found.count('caught')} of {len(found)} caught")
    return len(found) - found.count("caught")


def copy_of_the_tree(tree: Path) -> None:
    """All that the tests need, with what has been compiled already."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name)
        else:
            shutil.copy2(ROOT / name, tree / name)


def outcome(tree: Path, defect: Defect) -> str:
    """`caught`, `missed` or, if there is no one place for the defect, `lost`; printed with the CPU time."""
    places = [path for path in tree.glob("src/tunewell/**/*.py") if defect.right in path.read_text(encoding="utf-8")]
    text = places[0].read_text(encoding="utf-8") if len(places) == 1 else ""
    if text.count(defect.right) != 1:
        told, seconds = "lost", 0.0
    else:
        kept = tree / "kept"
        shutil.copy2(places[0], kept)
        places[0].write_text(text.replace(defect.right, defect.wrong), encoding="utf-8")
        forget_compiled(places[0])
        passed, seconds = passes(tree, defect.tests.split())
        shutil.copy2(kept, places[0])
        forget_compiled(places[0])
        told = "missed" if passed else "caught"
    print(f"{told}  {seconds:4.0f} s  {defect.name}", flush=True)
    return told


def forget_compiled(changed: Path) -> None:
    """Numba's cache of a loop does not see when the kernels change that it calls."""
    if changed.parent.name == "nn":
        for path in changed.parent.glob("__pycache__/*.nb?"):
            path.unlink()


def passes(tree: Path, tests: Sequence[str]) -> tuple[bool, float]:
    """Run some tests to the first failure: whether there was none, and seconds of CPU."""
    before = cpu_s()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
        + [f"tests/{test}" for test in tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TOO_LONG_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        print("        a test does not end, which nobody overlooks")
        return False, cpu_s() - before
    if process.returncode not in (0, 1, 2):  # 2: a file of tests cannot even be imported
        raise SystemExit(f"the tests cannot be run:\n{output}")
    if process.returncode:
        print(f"        {next((line for line in output.splitlines() if line.startswith('FAILED')), '')[:110]}")
    return process.returncode == 0, cpu_s() - before


def cpu_s() -> float:
    """Of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
