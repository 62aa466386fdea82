"""What every adapter promises, tried with the real framework on its example in `examples/`, as a user would copy it.

A test file has a `Framework`, and a class that inherits from `AdapterContract`:

    FRAMEWORK = Framework("torch_digits.py", imports="torch", weights=..., rate=...)

    class TestTorch(AdapterContract):
        framework = FRAMEWORK

The example defines `space`, `metric`, `EPOCHS` and `train(run)`, which returns what `weights` and `rate` look at. A
line of it that is tunewell's ends with `# tunewell`, or with `# tunewell: CODE` if CODE stands there without tunewell.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tunewell as tw
from tunewell import checkpoint
from tunewell.commands import Branch, Pause, Resume, Rewind, Set, Stop
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.training.external_program import ExternalProgram
from tunewell.trial import TrialState

ROOT = Path(__file__).parents[2]
_MARK = re.compile(r"^(?P<indent> *)(?P<code>.*?)  # tunewell(?:: (?P<without>.*))?$")
KILL_AT, EPOCHS = 3, 4


@dataclass(frozen=True)
class Framework:
    """A framework, by an example of it."""

    example: str
    """A file of `examples/`."""
    imports: str
    """A module that must not be imported before the adapter is."""
    weights: Callable[[Any], Sequence[Any]]
    """All trained numbers, of what the example's `train` returns."""
    rate: Callable[[Any], float]
    """The learning rate in force; with a schedule, the one that it goes out from."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the example needs, in each process."""
    test_file: str = ""
    """The file of the test, relative to this one, which defines `FRAMEWORK`: the process that is killed loads it."""

    replacing: Mapping[str, str] = field(default_factory=dict)
    """What stands in the example in place of some text, by that text."""

    @property
    def source(self) -> str:
        source = (ROOT / "examples" / self.example).read_text(encoding="utf-8")
        for old, new in self.replacing.items():
            assert old in source
            source = source.replace(old, new)
        return source

    def module(self, source: str | None = None) -> ModuleType:
        """Return the example as a module; or one with another source."""
        module = ModuleType(self.example.removesuffix(".py"))
        module.__file__ = str(ROOT / "examples" / self.example)
        sys.modules[module.__name__] = module
        exec(compile(source or self.source, module.__file__, "exec"), module.__dict__)
        return module

    def numbers(self, trained: Any) -> list[bytes]:
        """Return all trained numbers to the bit."""
        return [np.asarray(one).tobytes() for one in self.weights(trained)]


def marked_lines(source: str) -> list[str]:
    """Return the lines that are tunewell's."""
    return [line for line in source.splitlines() if _MARK.match(line)]


def without_tunewell(source: str) -> str:
    """Return the source as it was before tunewell's lines were added."""
    lines = []
    for line in source.splitlines():
        mark = _MARK.match(line)
        if mark is None:
            lines.append(line)
        elif mark["without"]:
            lines.append(mark["indent"] + mark["without"])
    return "\n".join(lines)


class Commands:
    """Sends commands when a trial has reported an epoch, or rests, as another process would."""

    def __init__(self, script):
        self.script = dict(script)

    def on_step(self, study, step):
        pass

    def on_report(self, study, trial, epoch, metrics):
        self._send(study, trial, epoch)

    def on_step_end(self, study, trial):
        self._send(study, trial, "rests")

    def _send(self, study, trial, when):
        for action in self.script.pop((trial, when), ()):
            study.steer(trial, action)


@dataclass
class Searched:
    """A study of the example's default setting, and what each trial's training returned."""

    framework: Framework
    folder: Path
    kill: bool = False
    """Kill this process, once the trial is about to report its third epoch."""
    trained: dict[int, list[bytes]] = field(default_factory=dict)
    rates: dict[int, float] = field(default_factory=dict)

    def _study(self, module):
        store = self.folder / "tunewell.db"
        return tw.Study(
            module.space,
            metric=module.metric,
            max_epochs=EPOCHS,
            budget="1trials",
            scheduler="full",
            first=[module.space.defaults()],
            store=store,
            name="s",
            resume=store.exists(),
        )

    def run(self, script=None):
        module = self.framework.module()

        def train(run):
            if self.kill:
                run.on_report = killed
            trained = module.train(run)
            self.trained[run.trial] = self.framework.numbers(trained)
            self.rates[run.trial] = self.framework.rate(trained)

        drive(self._study(module), train, Execution(checkpoint_every=1), controllers=[Commands(script or {})])
        return self

    def run_script(self, script):
        """Train the example as a script, as `tunewell tune -- python EXAMPLE` does."""
        module = self.framework.module()
        program = ExternalProgram((sys.executable, str(ROOT / "examples" / self.framework.example)), module.metric)
        drive(self._study(module), program, Execution(checkpoint_every=1), controllers=[Commands(script)])
        return self

    @property
    def study(self):
        return tw.Study.open(self.folder / "tunewell.db", "s")

    def curve(self, trial=0, name=None):
        return {report.epoch: report.metrics[name or self.study.metric] for report in self.study.reports(trial)}


def killed(epoch, metrics):
    if epoch == KILL_AT:
        os.kill(os.getpid(), 9)
    return {}


@pytest.mark.filterwarnings("default")  # theirs are not ours
class _OfFramework:
    framework: Framework

    @pytest.fixture(scope="class")
    @classmethod
    def undisturbed(cls, tmp_path_factory):
        return Searched(cls.framework, tmp_path_factory.mktemp("undisturbed")).run()

    @pytest.fixture
    def searched(self, tmp_path):
        return Searched(self.framework, tmp_path)


class InProcessContract(_OfFramework):
    """The promises that are kept in the process of the search."""

    def test_it_takes_at_most_three_lines(self):
        assert 1 <= len(marked_lines(self.framework.source)) <= 3

    def test_nothing_of_the_framework_is_imported_before_it_is_used(self):
        code = "import sys, tunewell, tunewell.adapters, tunewell.cli.main; "
        code += f"assert {self.framework.imports!r} not in sys.modules"
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_each_epoch_is_reported_and_saved(self, undisturbed):
        study = undisturbed.study
        assert sorted(undisturbed.curve()) == [1, 2, 3, 4]
        assert [one.epoch for one in study.checkpoints(0)] == [1, 2, 3, 4]
        assert study.trials[0].state is TrialState.COMPLETE

    def test_without_a_study_it_trains_as_without_the_adapter(self):
        trained = []
        for source in (self.framework.source, without_tunewell(self.framework.source)):
            module = self.framework.module(source)
            checkpoint.seed_everything(7)
            trained.append(self.framework.numbers(module.train(tw.Run(module.space.defaults(), seed=7))))
        assert trained[0] == trained[1]

    def test_trials_that_were_paused_branched_or_rewound_go_on_to_the_same_numbers(self, searched, undisturbed):
        searched.run({(0, 1): [Pause()], (0, "rests"): [Resume()], (0, 2): [Branch()], (0, 3): [Rewind(1)]})
        assert [one.refused for one in searched.study.commands(0)] == [None] * 4
        assert [sorted(searched.curve(trial)) for trial in range(3)] == [[1, 2, 3], [3, 4], [2, 3, 4]]
        for trial in range(3):
            assert searched.curve(trial).items() <= undisturbed.curve().items()
        assert searched.trained[1] == searched.trained[2] == undisturbed.trained[0]

    def test_a_stopped_trial_ends_in_order(self, searched):
        searched.run({(0, 2): [Stop()]})
        assert sorted(searched.curve()) == [1, 2]
        assert searched.study.trials[0].state is TrialState.STOPPED
        assert 0 in searched.trained  # what stands after the loop has run

    def test_a_live_learning_rate_is_in_force_when_it_is_set_and_when_a_branch_has_another(self, searched, undisturbed):
        searched.run({(0, 2): [Set("learning_rate", 0.02), Branch(params={"learning_rate": 0.02})]})
        assert searched.rates == {trial: pytest.approx(0.02, rel=1e-6) for trial in (0, 1)}
        assert searched.trained[0] == searched.trained[1] != undisturbed.trained[0]
        assert all(searched.curve()[epoch] == undisturbed.curve()[epoch] for epoch in (1, 2))


class ScriptContract(_OfFramework):
    """The promises to a script that tunewell starts."""

    def test_as_a_script_it_is_reported_saved_set_and_stopped(self, searched, undisturbed, monkeypatch):
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        for name, value in self.framework.environment.items():
            monkeypatch.setenv(name, value)
        searched.run_script({(0, 1): [Set("learning_rate", 0.02)], (0, 2): [Stop()]})
        assert [one.refused for one in searched.study.commands(0)] == [None, None]
        assert [one.epoch for one in searched.study.checkpoints(0)] == [1, 2]
        assert sorted(searched.curve()) == [1, 2]
        assert searched.curve()[1] == undisturbed.curve()[1]  # of the same seed and setting


class KilledContract(_OfFramework):
    """The promise to a process that is killed."""

    def test_a_process_that_was_killed_is_gone_on_from_to_the_same_numbers(self, searched, undisturbed):
        code = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import {self.framework.test_file} as test"
        )
        code += f"; test.Searched(test.FRAMEWORK, test.Path({str(searched.folder)!r}), kill=True).run()"
        environment = {**os.environ, **self.framework.environment}
        died = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment
        )
        assert died.returncode == -9, died.stderr
        assert sorted(searched.curve()) == [1, 2]
        searched.run()
        assert "retrained" not in [event.kind for event in searched.study.events(0)]
        assert searched.curve() == undisturbed.curve()
        assert searched.trained[0] == undisturbed.trained[0]


class OtherProcessContract(ScriptContract, KilledContract):
    """The promises that take another process, which is what is slow."""


class AdapterContract(InProcessContract, OtherProcessContract):
    """The promises of every adapter."""
