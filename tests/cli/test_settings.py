"""Settings of a file and of the environment: what takes precedence, what is refused, and what is repeated."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

import tunewell as tw
from tunewell.cli.main import COMMANDS, cli
from tunewell.cli.setting import settings_of
from tunewell.stores import open_store

SCRIPT = """
import tunewell as tw
space = tw.Space(rate=tw.Float(1e-3, 1.0, scale="log"))
def train(run):
    for epoch in run.epochs(2):
        run.report(val_loss=run.params.rate / epoch, val_accuracy=1 - run.params.rate)
"""
PROGRAM = """
import json, sys
rate = float(sys.argv[1].partition("=")[2])
for epoch in (1, 2):
    print(json.dumps({"val_loss": rate / epoch}), flush=True)
"""
SPACE = """
[space.rate]
type = "float"
low = 0.001
high = 1.0
scale = "log"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The root of a repository, in which a script and a program lie."""
    for name in ("STORE", "SETTINGS", "BUDGET"):
        monkeypatch.delenv(f"TUNEWELL_{name}", raising=False)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    assert "Traceback" not in done.output
    return done


def in_force(*arguments):
    settings = json.loads(tunewell("config", "--json", *arguments).stdout)["settings"]
    return {key: (one["value"], one["origin"]) for key, one in settings.items()}


def test_a_file_says_what_to_train_and_how(folder):
    (folder / "tunewell.toml").write_text(
        'script = "train.py"\nbudget = "3trials"\nmetric = "val_accuracy"\nname = "a"\n'
    )
    tunewell("tune", "--quiet")
    study = tw.Study.open("tunewell.db", "a")
    assert (study.record.metric, study.record.direction, len(study.trials)) == ("val_accuracy", "maximize", 3)


def test_a_program_and_its_space_stand_in_the_file_too(folder):
    words = json.dumps([sys.executable, "program.py", "--rate={rate}"])
    (folder / "tunewell.toml").write_text(f'command = {words}\nbudget = "2trials"\nstore = "runs.db"\n{SPACE}')
    (folder / "sub").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tunewell", "tune"], cwd=folder / "sub", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(tw.Study.open("runs.db", "program").trials) == 2
    assert not list((folder / "sub").iterdir())
    assert "program" in tunewell("list").stdout
    assert "log float" in tunewell("space", "tunewell.toml").stdout


def test_the_command_line_goes_before_a_variable_before_the_file_before_the_default(folder, monkeypatch):
    assert in_force()["seed"] == (None, "default")
    (folder / "pyproject.toml").write_text("[project]\nname = 'a'\n\n[tool.tunewell]\nseed = 3\n")
    assert in_force()["seed"] == (3, "pyproject.toml:5")
    (folder / "tunewell.toml").write_text("seed = 4\n")
    assert in_force()["seed"] == (4, "tunewell.toml:1")
    monkeypatch.setenv("TUNEWELL_SEED", "5")
    assert in_force()["seed"] == (5, "$TUNEWELL_SEED")
    monkeypatch.setenv("TUNEWELL_TUNE_SEED", "6")
    assert in_force()["seed"] == (6, "$TUNEWELL_TUNE_SEED")
    tunewell("tune", "train.py", "--seed", "7", "--budget", "1trials", "--quiet")
    assert tw.Study.open("tunewell.db", "train").record.seed == 7
    tunewell("tune", "train.py", "--budget", "1trials", "--quiet", "--name", "b")
    assert tw.Study.open("tunewell.db", "b").record.seed == 6


def test_the_nearest_file_up_to_the_root_of_the_repository_is_taken(folder, monkeypatch):
    inner = folder / "a" / "b"
    inner.mkdir(parents=True)
    (folder / "tunewell.toml").write_text('store = "runs.db"\nspace = "s.toml"\n')
    monkeypatch.chdir(inner)
    assert in_force()["store"] == ("../../runs.db", "../../tunewell.toml:1")
    assert in_force()["space"] == ("../../s.toml", "../../tunewell.toml:2")
    (folder / "a" / "pyproject.toml").write_text("[project]\nname = 'a'\n")  # which has no settings
    assert in_force()["store"][0] == "../../runs.db"
    (folder / "a" / ".git").mkdir()
    assert in_force()["store"] == (None, "default")


def test_a_file_may_be_named_and_none_be_taken(folder, monkeypatch):
    (folder / "tunewell.toml").write_text("seed = 1")
    (folder / "other.toml").write_text("seed = 2")
    named = json.loads(tunewell("--settings", "other.toml", "config", "--json").stdout)
    assert named["settings"]["seed"]["value"] == 2
    monkeypatch.setenv("TUNEWELL_SETTINGS", "none")
    monkeypatch.setenv("TUNEWELL_BUDGET", "7")
    assert in_force()["seed"] == (None, "default")
    assert in_force()["budget"] == (None, "default")
    assert "cannot be read" in tunewell("--settings", "gone.toml", "list", expect=2).stderr


def test_a_file_that_another_user_has_put_above_is_not_taken(folder, monkeypatch):
    (folder / "tunewell.toml").write_text("seed = 1")
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    monkeypatch.setattr("tunewell.cli.settings_file._is_of_another", lambda path: True)
    done = tunewell("list", expect=2)
    assert "warning: the settings in ../tunewell.toml are another user's" in done.stderr
    monkeypatch.chdir(folder)
    assert in_force()["seed"] == (1, "tunewell.toml:1")


def test_what_is_wrong_with_a_pyproject_of_others_is_not_ours(folder):
    (folder / "pyproject.toml").write_bytes(b"[project\nname = \xff")
    assert in_force()["seed"] == (None, "default")
    (folder / "tunewell.toml").write_text("seed = 1", encoding="utf-8-sig")  # as some editors save it
    assert in_force()["seed"] == (1, "tunewell.toml:1")


def test_the_variable_of_the_library_goes_before_the_store_of_a_file(folder, monkeypatch):
    (folder / "tunewell.toml").write_text('store = "a.db"\nscript = "train.py"\nbudget = "1trials"\n')
    monkeypatch.setenv("TUNEWELL_STORE", "b.db")
    assert in_force()["store"] == ("b.db", "$TUNEWELL_STORE")
    tunewell("tune", "--quiet")
    assert not (folder / "a.db").exists()
    assert (folder / "b.db").exists()


def test_a_folder_that_has_been_deleted_has_no_settings(folder, monkeypatch):
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    assert "no store at" in tunewell("list", "--store", str(folder / "a.db"), expect=2).stderr
    monkeypatch.chdir(folder)


WRONG = {
    "budgt = 3": "tunewell.toml:1: there is no setting 'budgt'; did you mean 'budget'?",
    "min-epochs = 3": "did you mean 'min_epochs'?",
    "workers = '2'": "tunewell.toml:1: workers must be a whole number, got '2'",
    "workers = 0": "workers: 0 is not in the range x>=1",
    "workers = true": "workers must be a whole number, got True",
    "\n\nmetric = 3": "tunewell.toml:3: metric must be a string, got 3",
    "metric = ' '": "metric is empty",
    "budget = 'lots'": "budget 'lots' is none that tunewell knows",
    "budget = [1]": "budget must be a string or a number",
    "threads = 1": "threads must be true or false, got 1",
    "scheduler = 'ahsa'": "got 'ahsa'; did you mean 'asha'?",
    "memory = 'much'": "memory must be an amount of memory",
    "warm_start = 'a'": "warm_start must be a list of strings",
    "babysat = true": "there is no setting 'babysat'",
    "epochs = 1\nmax_epochs = 2": "epochs and max_epochs are the same",
    "script = 'a.py'\ncommand = ['a']": "tunewell.toml:2: script and command both name what to train",
    "script = 3": "script must be the name of a Python file",
    "command = 'python train.py'": "command must be a list of words",
    "command = []": "command must be a list of words",
    "[rate]\ntype = 'float'": "a parameter that may be tuned stands in [space.rate]",
    "[space.rate]\ntype = 'flaot'": "tunewell.toml:1: space.rate: needs a type",
    "[rescue]\nbudgte = 1": "tunewell.toml:2: there is no setting 'budgte' of rescue; did you mean 'budget'?",
    "[resuce]\nbudget = 1": "there is no setting 'resuce'; did you mean 'rescue'?",
    "[fit]\nepochs = 'x'": "tunewell.toml:2: epochs must be a whole number",
    "rescue = 3": "rescue must be a table",
    "a = ": "tunewell.toml is not valid TOML",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=lambda text: text.split("\n")[0])
def test_what_cannot_be_used_is_refused_before_anything_is_trained(folder, text, message):
    (folder / "tunewell.toml").write_text(text)
    for command in (("tune", "train.py"), ("rescue", "train.py"), ("config",)):
        done = tunewell(*command, expect=2)
        assert message in done.stderr
        assert "tunewell.toml" in done.stderr
        assert done.stderr.startswith("error: ")
    assert not (folder / "tunewell.db").exists()
    tunewell("tune", "--help")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TUNEWELL_WORKERS", "many", "$TUNEWELL_WORKERS: workers must be a whole number, got 'many'"),
        ("TUNEWELL_THREADS", "maybe", "$TUNEWELL_THREADS: threads must be true or false"),
        ("TUNEWELL_BUDGET", "lots", "$TUNEWELL_BUDGET: budget 'lots'"),
        ("TUNEWELL_METRIC", "  ", "$TUNEWELL_METRIC: metric is empty"),
        ("TUNEWELL_SAMPLER", "sobl", "did you mean 'sobol'?"),
        ("TUNEWELL_WARM_START", "'a", "no closing quotation"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    assert message in tunewell("tune", "train.py", expect=2).stderr


def test_variables_are_read_as_their_options_are(monkeypatch):
    for name, value in {
        "THREADS": "yes",
        "ISOLATE": "0",
        "MIN_DELTA": "1e-3",
        "WARM_START": "a 'b c'",
        "BUDGET": "",
    }.items():
        monkeypatch.setenv(f"TUNEWELL_{name}", value)
    found = {key: value for key, (value, origin) in in_force().items() if origin.startswith("$")}
    assert found == {"threads": True, "isolate": False, "min_delta": 0.001, "warm_start": ["a", "b c"]}


def test_every_long_option_of_every_command_has_a_key_and_variables():
    inner = {"TUNEWELL_SETTINGS", "TUNEWELL_LEASE", "TUNEWELL_COMPILE", "TUNEWELL_SOCKET", "TUNEWELL_PARAMS"}
    for name, load in COMMANDS.items():
        command = load()
        options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
        settings = settings_of(name, command)
        assert list(settings) == [one.opts[-1][2:].replace("-", "_") for one in options]
        for setting in settings.values():
            assert not inner & {*setting.variables}
            assert setting.variables[0] == f"TUNEWELL_{name}_{setting.key}".replace("-", "_").upper()


def test_an_error_says_where_an_option_that_nobody_typed_comes_from(folder):
    (folder / "tunewell.toml").write_text('sampler = "grid"\nlevels = 3\n')
    done = tunewell("tune", "train.py", "--sampler", "sobol", expect=2)
    assert "--levels is from tunewell.toml:2" in done.stderr
    assert "--sampler is from" not in done.stderr
    (folder / "tunewell.toml").write_text("eta = 3\n")
    assert "--eta is from tunewell.toml:1" in tunewell("tune", "train.py", "--scheduler", "full", expect=2).stderr


def test_commands_take_where_the_record_is_and_what_is_trained_and_else_their_own_table(folder):
    (folder / "tunewell.toml").write_text(
        'script = "train.py"\nstore = "runs.db"\nmetric = "val_accuracy"\nbudget = 7\nseed = 3\nworkers = 2\n'
        "epochs = 9\n[rescue]\nbudget = 2\n[show]\ntop = 4\n"
    )
    rescue = in_force("rescue")
    assert rescue["metric"] == ("val_accuracy", "tunewell.toml:3")
    assert (rescue["budget"], rescue["seed"], rescue["epochs"][0]) == (("2", "tunewell.toml:9"), (0, "default"), 9)
    assert in_force("show")["top"] == (4, "tunewell.toml:11")
    assert in_force("show")["store"] == ("runs.db", "tunewell.toml:2")
    for name, kept in {
        "check": "epochs",
        "lr-find": "epochs",
        "fit": "budget",
        "demo": "seed",
        "babysit": "seed",
    }.items():
        assert in_force(name)[kept][1] == "default"
    assert in_force("demo")["workers"] == (1, "default")
    assert "script" not in in_force("show")


def test_a_stranger_is_not_run_by_what_only_looks(folder):
    (folder / "tunewell.toml").write_text(f'command = ["touch", "ran"]\n{SPACE}')
    open_store("tunewell.db").close()
    for words in (["list"], ["config"], ["space", "tunewell.toml"]):
        tunewell(*words)
    for words in (["show"], ["best"], ["export", "--format", "json"], ["replay", "a", "0"]):
        tunewell(*words, expect=2)
    assert not (folder / "ran").exists()


def test_a_stranger_s_file_connects_nobody_who_only_looks(folder, monkeypatch):
    (folder / "tunewell.toml").write_text('store = "postgresql://127.0.0.1:9/t"\n')
    for name in ("list", "show", "best", "export"):
        output = tunewell(name, expect=2).output
        assert f"tunewell.toml:1 names a database, which {name} does not open for a file's sake" in output
    assert "names a database" not in tunewell("list", "--store", "missing.db", expect=2).output
    monkeypatch.setenv("TUNEWELL_STORE", "missing.db")
    assert "names a database" not in tunewell("list", expect=2).output


def test_another_script_keeps_its_own_space(folder):
    (folder / "other.py").write_text(SCRIPT.replace("rate", "speed"))
    (folder / "tunewell.toml").write_text(f'script = "train.py"\nbudget = "1trials"\n{SPACE.replace("1.0", "0.5")}')
    tunewell("tune", "other.py", "--quiet")
    tunewell("tune", "./train.py", "--quiet")
    assert tw.Study.open("tunewell.db", "other").space.names == ("speed",)
    assert tw.Study.open("tunewell.db", "train").space.params["rate"].high == 0.5


FLAGGED = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
rate = parser.parse_args().lr
for epoch in (1, 2):
    print(f"epoch {epoch} val_loss {rate / epoch}", flush=True)
"""


def test_a_program_that_is_typed_as_the_file_has_it_gets_the_values_of_its_space(folder):
    words = json.dumps([sys.executable, "program.py", "--rate={rate}"])
    (folder / "tunewell.toml").write_text(f'command = {words}\nbudget = "2trials"\n{SPACE}')
    tunewell("tune", "--quiet", "--", sys.executable, "program.py")
    study = tw.Study.open("tunewell.db", "program")
    for trial in study.trials:
        assert study.reports(trial.number)[0].metrics["val_loss"] == pytest.approx(trial.params["rate"])


def test_another_program_has_its_own_parameters_found(folder):
    (folder / "other.py").write_text(FLAGGED)
    words = json.dumps([sys.executable, "program.py", "--rate={rate}"])
    (folder / "tunewell.toml").write_text(f'command = {words}\nbudget = "2trials"\n{SPACE}')
    tunewell("tune", "--quiet", "--", sys.executable, "other.py")
    assert tw.Study.open("tunewell.db", "other").space.names == ("lr",)


def test_passwords_are_not_shown(folder):
    (folder / "tunewell.toml").write_text(
        'store = "postgresql://ada:secret@db/t"\ncommand = ["a", "--api-key", "secret", "--lr={rate}"]\n' + SPACE
    )
    for options in ((), ("--origin",), ("--json",)):
        done = tunewell("config", *options)
        assert "secret" not in done.output
        assert "***" in done.stdout


def test_config_prints_toml_and_warns_of_variables_that_set_nothing(folder, monkeypatch):
    import tomllib

    (folder / "tunewell.toml").write_text(f'warm_start = ["a", "b"]\n{SPACE}')
    monkeypatch.setenv("TUNEWELL_BUDGT", "3")
    done = tunewell("config", "--origin")
    found = tomllib.loads(done.stdout)
    assert (found["warm_start"], found["space"]["rate"]["low"], found["workers"]) == (["a", "b"], 0.001, 1)
    assert 'warm_start = ["a", "b"]  # tunewell.toml:1' in done.stdout
    assert "$TUNEWELL_BUDGT sets nothing; did you mean TUNEWELL_BUDGET?" in done.stderr
    assert "did you mean 'rescue'?" in tunewell("config", "resuce", expect=2).stderr


def test_a_worker_trains_what_the_settings_say_if_the_study_was_begun_with_them(folder):
    words = json.dumps([sys.executable, "program.py", "--rate={rate}"])
    (folder / "tunewell.toml").write_text(f'command = {words}\nbudget = "2trials"\n{SPACE}')
    run = [sys.executable, "-m", "tunewell"]
    subprocess.run([*run, "tune", "--quiet"], check=True, capture_output=True)
    subprocess.run([*run, "tune", "--resume", "--budget", "3trials", "--quiet"], check=True, capture_output=True)
    done = subprocess.run([*run, "worker", "program"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "as the settings here say" in done.stderr
    (folder / "tunewell.toml").unlink()
    done = subprocess.run([*run, "worker", "program"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "say what it trains" in done.stderr


class TestFromStudy:
    @pytest.fixture(autouse=True)
    def begun(self):
        tunewell(
            *("tune", "train.py", "--quiet", "--name", "a", "--metric", "val_accuracy", "--budget", "4trials"),
            *("--scheduler", "asha", "--eta", "2", "--sampler", "random", "--seed", "5"),
        )
        return tw.Study.open("tunewell.db", "a")

    def test_a_study_is_repeated(self, folder, begun):
        (folder / "train.py").write_text(SCRIPT.replace("1e-3", "0.5"))
        (folder / "tunewell.toml").write_text('budget = 30\nseed = 9\nsampler = "sobol"\nmetric = "val_loss"\n')
        tunewell("tune", "train.py", "--from-study", "a", "--quiet", "--name", "b")
        again = tw.Study.open("tunewell.db", "b")
        for setting in ("metric", "direction", "budget", "scheduler", "seed", "space", "max_epochs"):
            assert getattr(again.record, setting) == getattr(begun.record, setting)
        assert [trial.params for trial in again.trials] == [trial.params for trial in begun.trials]

    def test_what_is_typed_is_another(self, begun):
        words = (
            "tune",
            "train.py",
            "--from-study",
            "a",
            "--quiet",
            "--name",
            "b",
            "--seed",
            "6",
            "--budget",
            "2trials",
        )
        tunewell(*words)
        again = tw.Study.open("tunewell.db", "b").record
        assert (again.seed, again.budget, again.metric) == (6, "2trials", "val_accuracy")
        assert again.scheduler["eta"] == 2
        tunewell(*words[:-4], "--scheduler", "full", "--name", "c", "--direction", "minimize", "--budget", "1trials")
        again = tw.Study.open("tunewell.db", "c").record
        assert (again.scheduler["name"], again.direction) == ("full", "minimize")

    def test_it_is_no_other_way_to_begin(self):
        assert "leave out --resume" in tunewell("tune", "train.py", "--from-study", "a", "--resume", expect=2).stderr
        assert "no study 'z'" in tunewell("tune", "train.py", "--from-study", "z", expect=2).stderr


def test_a_script_of_a_repeated_study_is_the_one_on_record(folder):
    run = [sys.executable, "-m", "tunewell", "tune"]
    subprocess.run([*run, "train.py", "--quiet", "--budget", "1trials"], check=True, capture_output=True)
    done = subprocess.run([*run, "--from-study", "train", "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(tw.Study.open("tunewell.db", "train-2").trials) == 1
