"""Hydra: a sweep whose jobs report each epoch, in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tunewell as tw
from contract import Commands
from tunewell.commands import Branch, Pause, Resume, Rewind, Set, Stop
from tunewell.errors import SettingError, SpaceError
from tunewell.runners import Execution
from tunewell.runners.tune import drive
from tunewell.trial import TrialState

pytest.importorskip("hydra")
from omegaconf import OmegaConf

from tunewell.adapters.hydra import RESULTS, HydraJob, Swept, _job_overrides

ROOT = Path(__file__).parents[2]
HEAD = """import hydra, math
from hydra.core.config_store import ConfigStore
import tunewell as tw
ConfigStore.instance().store(name="config", node={"net": {"lr": 0.1, "name": "a"}, "note": ""})

@hydra.main(version_base=None, config_name="config")
def main(config):
"""
REPORTS = """    for epoch in range(1, 7):
        tw.report(val_loss=abs(math.log10(config.net.lr) + 2) + (config.net.name != "b, c") + 1 / epoch)
    open(config.note, "a").write("whole ")
"""
RETURNS = """    return abs(math.log10(config.net.lr) + 2)
"""
LOOP = """    import os, time
    import numpy as np
    from tunewell.adapters.loop import report, tuned
    run, weights = tw.current_run(net_lr=config.net.lr), np.zeros(3)
    for epoch in tuned(6, weights=weights):
        open(f"epochs-{run.trial}", "a").write(f"{os.getpid()} ")
        weights += run.params.net_lr * run.rng.normal(size=3)
        time.sleep(float(config.note or 0))
        report(val_loss=np.square(weights - 1).sum())
"""
SWEEP = ["-m", "hydra/sweeper=tunewell", "hydra.sweep.dir=sweep", "hydra.sweeper.store=a.db"]
RATE = "net.lr=tag(log, interval(1e-4, 1e-1))"


def swept(folder, body, *words):
    """Run a program of Hydra's in a folder; return what its sweep found."""
    (folder / "app.py").write_text(f"{HEAD}{body}\nmain()\n", encoding="utf-8")
    command = [sys.executable, "app.py", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return OmegaConf.load(folder / "sweep" / RESULTS) if "-m" in words else None


def test_jobs_report_each_epoch_and_most_are_stopped_early(tmp_path):
    choice = "net.name=choice(a, 'b, c')"
    more = ["hydra.sweeper.budget=2", "hydra.sweeper.n_jobs=2", "note=whole.txt", "hydra.verbose=true"]
    found = swept(tmp_path, REPORTS, *SWEEP, RATE, choice, *more)
    study = tw.Study.open(tmp_path / "a.db", "app")
    assert found.best_value == study.best.value
    assert found.best_params["net.name"] in ("a", "b, c")
    assert found.best_params["net.lr"] == study.best.params.net_lr
    assert study.spent.epochs <= 2 * 6
    assert len(study.trials) > (tmp_path / "whole.txt").read_text().count("whole")
    overrides = OmegaConf.load(tmp_path / "sweep" / "0" / ".hydra" / "overrides.yaml")
    assert overrides[0] == "note=whole.txt"
    assert sorted(one.split("=")[0] for one in overrides[1:]) == ["net.lr", "net.name"]
    assert OmegaConf.load(tmp_path / "sweep" / "0" / ".hydra" / "hydra.yaml").hydra.verbose


def test_a_job_that_reports_nothing_is_judged_by_what_it_returns_and_a_sweep_goes_on(tmp_path):
    swept(tmp_path, RETURNS, *SWEEP, RATE, "hydra.sweeper.budget=2trials")
    found = swept(tmp_path, RETURNS, *SWEEP, RATE, "hydra.sweeper.budget=3trials", "hydra.sweeper.resume=true")
    assert len(tw.Study.open(tmp_path / "a.db", "app").trials) == 3
    assert found.best_epoch == 1
    swept(tmp_path, RETURNS)  # alone, as ever


def jobs(folder, script):
    """Run jobs of the default setting as the sweep runs them, while they are commanded; return their study."""
    (folder / "app.py").write_text(f"{HEAD}{LOOP}\nmain()\n", encoding="utf-8")
    rate = {"type": "float", "low": 1e-4, "high": 1, "default": 0.1, "scale": "log", "live": True}
    found = Swept.of([], {"net.lr": rate})
    command = [sys.executable, str(folder / "app.py"), *_job_overrides(folder, "val_loss")]
    settings = {"max_epochs": 6, "budget": "1trials", "scheduler": "full", "first": [found.space.defaults()]}
    study = tw.Study(found.space, metric="val_loss", store=folder / "jobs.db", name="s", **settings)
    drive(
        study,
        HydraJob(command, "val_loss", keys=found.keys),
        Execution(checkpoint_every=1),
        controllers=[Commands(script)],
    )
    return tw.Study.open(folder / "jobs.db", "s")


def curve(study, trial):
    return {report.epoch: report.metrics["val_loss"] for report in study.reports(trial)}


def test_a_job_with_a_loop_is_paused_set_branched_rewound_and_stopped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "steered"):
        (tmp_path / name).mkdir()
    plain = curve(jobs(tmp_path / "plain", {}), 0)
    script = {(0, 1): [Pause()], (0, "rests"): [Resume()], (0, 2): [Branch()], (0, 3): [Rewind(1)]}
    script |= {(1, 3): [Set("net_lr", 0.01)], (2, 4): [Stop()]}
    study = jobs(tmp_path / "steered", script)
    assert [one.refused for one in study.commands()] == [None] * 6
    assert [sorted(curve(study, trial)) for trial in range(3)] == [[1, 2, 3], [3, 4, 5, 6], [2, 3, 4]]
    assert curve(study, 0).items() <= plain.items()
    assert curve(study, 2).items() <= plain.items()
    assert curve(study, 1)[3] == plain[3]
    assert curve(study, 1)[4] != plain[4]  # of the live value, which `run.params` has
    assert study.trials[2].state is TrialState.STOPPED


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def training(folder):
    """The processes of jobs that train their second epoch or a later one."""
    begun = [file.read_text().split() for file in folder.glob("epochs-*")]
    return [int(words[0]) for words in begun if len(words) > 1 and alive(int(words[0]))]


@pytest.mark.slow
def test_a_sweep_that_was_killed_ends_its_jobs_and_is_gone_on_with_and_two_jobs_train_at_a_time(tmp_path):
    (tmp_path / "app.py").write_text(f"{HEAD}{LOOP}\nmain()\n", encoding="utf-8")
    settings = ["n_jobs=2", "budget=3", "max_epochs=6", "scheduler=full"]
    more = [*(f"hydra.sweeper.{one}" for one in settings), "+hydra.sweeper.options.checkpoint_every=1"]
    command = [sys.executable, "app.py", *SWEEP, RATE, *more, "note='0.5'"]
    sweep = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 300
    while len(pids := training(tmp_path)) < 2:  # at the same time
        assert time.monotonic() < limit
        assert sweep.poll() is None
        time.sleep(0.05)
    sweep.send_signal(signal.SIGKILL)
    sweep.wait()
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < limit
        time.sleep(0.05)
    found = swept(tmp_path, LOOP, *SWEEP, RATE, *more, "hydra.sweeper.resume=true")
    study = tw.Study.open(tmp_path / "a.db", "app")
    assert "retrained" not in [event.kind for event in study.events()]
    assert found.best_value == study.best.value
    assert [sorted(curve(study, trial)) for trial in range(len(study.trials))] == [list(range(1, 7))] * 3


@pytest.mark.parametrize(
    ("override", "param"),
    [
        ("a=interval(0, 1.0)", tw.Float(0, 1)),
        ("a=tag(log, interval(1e-4, 1))", tw.Float(1e-4, 1, scale="log")),
        ("a=int(interval(1, 8))", tw.Int(1, 8)),
        ("a=range(1, 9)", tw.Int(1, 8)),
        ("a=range(1, 9, 4)", tw.Choice([1, 5], ordered=True)),
        ("a=range(0, 1, 0.5)", tw.Choice([0.0, 0.5], ordered=True)),
        ("a=choice(x, y)", tw.Choice(["x", "y"])),
        ("a=x, y", tw.Choice(["x", "y"])),
        ("a=choice(1, 2)", tw.Choice([1, 2])),
        ("a=true,null", tw.Choice([True, "null"])),
        ("a='x y',z", tw.Choice(["'x y'", "z"])),
        ("a=choice([1, 2], [3])", tw.Choice(["[1,2]", "[3]"])),
        ("+a=choice('x y', z)", tw.Choice([r"x\ y", "z"])),
    ],
)
def test_the_syntax_of_sweeps_is_hydras(override, param):
    assert dict(Swept.of([override, "b=3"], None).space.params) == {"a": param}


def test_a_space_may_be_given_in_the_config_and_the_command_line_has_the_last_word():
    space = {"net.lr": {"type": "float", "low": 0.1, "high": 1}, "net.width": {"type": "int", "low": 1, "high": 8}}
    found = Swept.of(["net.width=3", "+db=choice(x, y)", "other=2"], space)
    assert list(found.space.names) == ["net_lr", "db"]
    assert list(found.fixed) == ["net.width=3", "other=2"]
    job = HydraJob(["python", "app.py"], "val_loss", keys=found.keys)
    words = job.filled({"net_lr": 1e-5, "db": "x", "seed": 1, "trial": 7})
    assert words[2:] == ["net.lr=1e-05", "+db=x", "hydra.job.num=7", "hydra.job.id=7"]


def test_what_cannot_be_swept_is_named():
    with pytest.raises(SettingError, match="nothing is swept"):
        Swept.of(["a=3"], None)
    with pytest.raises(SpaceError, match=r"^a: "):
        Swept.of(["a=interval(3, 1)"], None)


def test_the_plugin_imports_nothing_of_tunewell_before_it_sweeps():
    code = "import hydra_plugins.hydra_tunewell_sweeper, sys; assert 'tunewell' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_example_trains_alone(tmp_path):
    command = [sys.executable, ROOT / "examples" / "hydra_digits.py", "epochs=1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "val_loss" in done.stdout
