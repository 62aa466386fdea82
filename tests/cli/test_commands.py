"""The commands in this process: what they print, and what they refuse in one line."""

import csv
import io
import json
import re
import sys

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.training import script

SCRIPT = """
import tunewell as tw

space = tw.Space(
    rate=tw.Float(1e-4, 1.0, scale="log", tier=1, default=1e-2),
    kind=tw.Choice(["=a", "b"], tier=3, default="b"),
    beta=tw.Float(0.0, 1.0, tier=4, default=0.5),
)
metric = "val_accuracy"


def train(run):
    for epoch in run.epochs(3):
        value = (1 - abs(run.params.rate - 0.1)) * epoch / 3
        run.report(val_accuracy=value, val_loss=1 - value, gradient=float("nan") if epoch == 1 else 1.0)
"""
SPACE = """
[rate]
type = "float"
low = 1e-3
high = 1.0
scale = "log"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory, with a script and a space in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


def tunewell(*arguments, expect=0):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == expect, done.output
    assert "Traceback" not in done.output
    return done


def refused(*arguments, expect=2):
    """The one line that says why."""
    (line,) = tunewell(*arguments, expect=expect).stderr.splitlines()
    return line.removeprefix("error: ")


def tune(*arguments):
    return json.loads(tunewell("tune", "train.py", "--budget", "2", "--json", *arguments).stdout)


# --- tune


def test_tune_prints_the_best_setting_fit_to_be_copied():
    shown = tunewell("tune", "train.py", "--budget", "2").stdout
    namespace = {}
    exec("\n".join(line.strip() for line in shown.splitlines() if " = " in line), namespace)
    assert namespace["rate"] == json.loads(tunewell("best", "--json").stdout)["params"]["rate"]
    assert "6 of 6 epochs" in shown
    assert "tunewell show train" in shown


def test_a_step_is_a_line_on_standard_error_and_quiet_means_none():
    assert "trial 0  epoch" in tunewell("tune", "train.py", "--budget", "1").stderr
    assert tunewell("tune", "train.py", "--budget", "1", "--quiet").stderr == ""


def test_the_file_says_the_metric_and_a_flag_goes_before_it():
    assert tune()["metric"] == "val_accuracy"
    assert tune("--metric", "val_loss")["direction"] == "minimize"


def test_the_budget_of_a_file_counts_and_a_flag_goes_before_it(folder):
    (folder / "short.py").write_text(SCRIPT + "\nbudget = '4epochs'\nEPOCHS = 3\n")
    assert json.loads(tunewell("tune", "short.py", "--json").stdout)["epochs"] == 4
    assert json.loads(tunewell("tune", "short.py", "--json", "--budget", "5epochs").stdout)["epochs"] == 5


def test_studies_of_a_script_are_numbered():
    assert [tune()["study"] for _ in range(3)] == ["train", "train-2", "train-3"]


def test_a_resumed_study_keeps_what_is_not_said_again():
    first = tune("--seed", "5", "--scheduler", "halving", "--sampler", "random", "--tier", "4")
    more = json.loads(tunewell("tune", "train.py", "--resume", "--budget", "4", "--json").stdout)
    assert more["study"] == "train"
    assert more["epochs"] == 12
    assert {name: more[name] for name in ("seed", "scheduler", "space", "metric")} == {
        name: first[name] for name in ("seed", "scheduler", "space", "metric")
    }


def test_what_is_said_again_as_it_was_is_accepted_when_a_study_is_resumed(folder):
    (folder / "speed.py").write_text(SCRIPT.replace("val_accuracy", "speed"))
    flags = ["--metric", "speed", "--seed", "2", "--scheduler", "asha", "--eta", "2", "--tier", "3", "--epochs", "3"]
    tunewell("tune", "speed.py", "--direction", "maximize", "--budget", "2", *flags)
    more = json.loads(tunewell("tune", "speed.py", "--resume", "--budget", "3", "--json", *flags).stdout)
    assert (more["epochs"], more["direction"]) == (9, "maximize")


def test_a_study_that_is_done_says_so_when_it_is_resumed():
    tune()
    assert "the budget is spent" in tunewell("tune", "train.py", "--resume").stderr


def test_what_is_resumed_differently_is_refused():
    tune()
    assert "another seed" in refused("tune", "train.py", "--resume", "--seed", "3")
    assert "another metric" in refused("tune", "train.py", "--resume", "--metric", "val_loss")
    assert "another scheduler" in refused("tune", "train.py", "--resume", "--scheduler", "full")


def test_a_study_learns_from_another_in_the_same_store():
    tune("--name", "old")
    study = tune("--name", "new", "--warm-start", "old")
    assert study["scheduler"]["past"]["best"]
    assert "no study 'older'" in refused("tune", "train.py", "--warm-start", "older")


def test_the_best_settings_are_confirmed_and_an_honest_best_is_shown(folder):
    done = tunewell("tune", "train.py", "--budget", "4", "--confirm", "2", "--quiet")
    assert "An honest best is trial" in done.stdout
    assert "An honest best is trial" in tunewell("best").stderr
    assert "An honest best is trial" in tunewell("show").stdout
    confirmed = json.loads(tunewell("show", "--json").stdout)["confirmed"]
    assert [len(one["values"]) for one in confirmed] == [2, 2, 2]
    assert confirmed[0]["mean"] == max(one["mean"] for one in confirmed)


def test_a_study_says_why_it_trained_a_trial():
    tunewell("tune", "train.py", "--budget", "12", "--quiet")
    assert "one of the first settings" in tunewell("show", "--why", "0").stdout
    trials = json.loads(tunewell("show", "--json", "--top", "99").stdout)["trials"]
    reasons = json.loads(tunewell("show", "--why", str(max(t["trial"] for t in trials)), "--json").stdout)
    assert reasons[0]["action"] == "start"
    assert 0 <= reasons[0]["chance"] <= 1
    shown = tunewell("show", "--why", str(reasons[0]["trial"])).stdout
    assert "chance to beat it" in shown
    assert "It came to" in shown
    tunewell("tune", "train.py", "--budget", "2", "--scheduler", "asha", "--quiet")
    assert "the scheduler asha has none" in tunewell("show", "--why", "0").stdout
    assert "no trial 999" in refused("show", "--why", "999")


def test_a_search_that_gains_nothing_more_stops_when_it_is_told_to():
    study = tune("--budget", "60", "--min-delta", "0.5")
    assert study["epochs"] < 180
    assert study["outlook"]["gain"] < 0.5


KIND = """
[kind]
type = "choice"
values = ["=a", "b"]
"""
IN_FILE = ("tune", "train.py", "--space", "space.toml")


def edit(folder, space):
    (folder / "space.toml").write_text(space)


PROGRAM = """
import json, sys

for epoch in range(3):
    print(json.dumps({"val_loss": float(sys.argv[1]) + 1 / (epoch + 1)}), flush=True)
"""


def test_another_command_of_a_program_is_refused_unless_it_is_said(folder):
    (folder / "one.py").write_text(PROGRAM)
    (folder / "two.py").write_text(PROGRAM + "\n")
    python = sys.executable
    tunewell("tune", "--space", "space.toml", "--budget", "1", "--", python, "one.py", "{rate}")
    resume = ["tune", "--resume", "--name", "one", "--quiet", "--budget", "2"]
    why = refused(*resume, "--", python, "two.py", "{rate}")
    assert "two.py in place of one.py" in why
    assert "--changed" in why
    assert "--fast is new" in refused(*resume, "--", python, "one.py", "{rate}", "--fast")
    assert "--resume too" in refused("tune", "--changed", "--", python, "one.py", "{rate}")
    done = tunewell(*resume, "--changed", "--", python, "two.py", "{rate}")
    assert "the training has changed: two.py in place of one.py" in done.stderr
    assert "changed" not in tunewell(*resume, "--", python, "two.py", "{rate}").stderr


def test_another_script_is_refused_and_an_edited_one_is_said(folder):
    tune()
    (folder / "other.py").write_text(SCRIPT + "\n")
    resume = ("--resume", "--name", "train", "--budget", "3")
    assert "other.py in place of train.py" in refused("tune", "other.py", *resume)
    (folder / "train.py").write_text(SCRIPT.replace('"val_accuracy"', '"val_loss"') + "epochs = 4\n")
    script._load.cache_clear()
    done = tunewell("tune", "train.py", *resume)
    assert "train.py has changed since the study last trained" in done.stderr
    assert "train.py has metric 'val_loss'; the study goes on with 'val_accuracy', as it was begun" in done.stderr
    assert "train.py has epochs 4; the study goes on with 3, as it was begun" in done.stderr


def test_a_rescue_goes_on_with_its_own_training(folder):
    tunewell("rescue", "train.py", "--budget", "1", "--quiet")
    (folder / "other.py").write_text(SCRIPT + "\n")
    resume = ("rescue", "other.py", "--resume", "--name", "train-rescue", "--budget", "2", "--quiet")
    assert "other.py in place of train.py" in refused(*resume)
    assert "the training has changed" in tunewell(*resume, "--changed").stderr


def test_an_edited_space_is_taken_up_when_a_study_is_resumed(folder):
    tunewell(*IN_FILE, "--budget", "2")
    edit(folder, SPACE.replace("high = 1.0", "high = 10.0") + KIND + 'default = "b"\n')
    done = tunewell(*IN_FILE, "--resume", "--budget", "4", "--json")
    assert "the space has changed: rate: high 1.0 -> 10.0\n" in done.stderr
    assert "the space has changed: kind: added, Choice(['=a', 'b'], default='b'); past trials had 'b'\n" in done.stderr
    after = json.loads(done.stdout)
    assert (after["study"], after["space"]["rate"]["high"], after["epochs"]) == ("train", 10.0, 12)
    assert "has changed" not in tunewell(*IN_FILE, "--resume", "--budget", "5").stderr
    shown = json.loads(tunewell("show", "--json").stdout)["trials"]
    assert [trial["params"]["kind"] for trial in shown if trial["trial"] < 2] == ["b", "b"]
    assert "kind" in tunewell("export").stdout.splitlines()[0].split(",")
    tunewell("show")
    tunewell("show", "--trial", "0")


def test_a_higher_tier_may_be_tuned_when_a_study_is_resumed():
    tune()
    assert "beta: Choice([0.5], " in tunewell("tune", "train.py", "--resume", "--tier", "4").stderr
    assert "has changed" not in tunewell("tune", "train.py", "--resume").stderr


def test_what_past_trials_had_of_a_new_parameter_must_be_known(folder):
    tunewell(*IN_FILE, "--budget", "2")
    edit(folder, SPACE + '[noise]\ntype = "float"\nlow = 0.1\nhigh = 1.0\n')
    resume = (*IN_FILE, "--resume", "--budget", "3")
    assert "noise: nothing says what past trials had of it" in refused(*resume)
    assert "NAME=VALUE" in refused(*resume, "--held", "noise")
    assert "past trials had 0.0" in tunewell(*resume, "--held", "noise=0.0").stderr
    assert "say --resume too" in refused(*IN_FILE, "--held", "noise=0.0")


def test_a_parameter_that_is_gone_is_held(folder):
    edit(folder, SPACE + KIND)
    tunewell(*IN_FILE, "--budget", "2")
    edit(folder, SPACE)
    resume = (*IN_FILE, "--resume", "--budget", "3")
    assert "kind: it is taken away, and nothing says which value new trials have" in refused(*resume)
    assert "kind: taken away; held at '=a'" in tunewell(*resume, "--held", "kind==a").stderr
    assert "has changed" not in tunewell(*resume).stderr


def test_a_best_at_a_bound_is_named_with_what_to_do(folder):
    (folder / "train.py").write_text(SCRIPT.replace("1 - abs(run.params.rate - 0.1)", "run.params.rate"))
    line = "rate: the best trials lie at high=1; to search beyond, write high=10 in the space, then"
    done = tunewell("tune", "train.py", "--space", "space.toml", "--budget", "30", "--seed", "1")
    assert f"{line} tunewell tune train.py --space space.toml --resume --budget MORE" in done.stderr
    assert f"{line} go on with --resume --budget MORE" in tunewell("show").stdout
    assert line in tunewell("best").stderr


def test_there_must_be_something_to_resume(folder):
    assert "tunewell.db" in refused("tune", "train.py", "--resume")
    assert not (folder / "tunewell.db").exists()
    tune("--name", "mine")
    assert "nothing to resume" in refused("tune", "train.py", "--resume")
    assert "'mine'" in refused("tune", "train.py", "--resume", "--name", "yours")


def test_a_name_that_is_taken_is_refused():
    tune("--name", "mine")
    assert "'mine' already" in refused("tune", "train.py", "--name", "mine")


def test_a_space_from_a_toml_file_takes_the_place_of_the_scripts(folder):
    (folder / "train.py").write_text(
        "def train(run):\n    for _ in run.epochs(2):\n        run.report(val_loss=run.params.rate)\n"
    )
    assert list(tune("--space", "space.toml")["best"]["params"]) == ["rate"]


def test_parameters_above_the_tier_keep_their_defaults():
    tune("--tier", "1", "--scheduler", "full")
    rows = list(csv.DictReader(io.StringIO(tunewell("export").stdout)))
    assert {row["kind"] for row in rows} == {"b"}
    assert len({row["rate"] for row in rows}) == len(rows)


def test_a_grid_is_counted_before_it_starts(folder):
    done = tunewell("tune", "train.py", "--sampler", "grid", "--levels", "4", "--budget", "1")
    assert "the grid has 8 settings" in done.stderr
    assert "the grid has 6 settings" in tunewell("tune", "train.py", "--sampler", "grid", "--dry-run").stderr


def test_settings_of_a_scheduler_are_on_record():
    assert tune("--scheduler", "asha", "--eta", "2", "--min-epochs", "2")["scheduler"]["eta"] == 2


def test_dry_run_shows_what_would_be_drawn_and_leaves_no_store(folder):
    shown = tunewell("tune", "train.py", "--dry-run").stdout
    assert "rate" in shown
    assert "half below 0.01" in shown
    assert "held at 0.5" in shown
    assert not (folder / "tunewell.db").exists()


def test_what_the_users_code_prints_stays_out_of_the_data(folder):
    (folder / "chatty.py").write_text(
        SCRIPT.replace("    for epoch", "    print('hello from train')\n    for epoch") + "\nprint('loading')"
    )
    done = tunewell("tune", "chatty.py", "--budget", "1", "--json")
    assert json.loads(done.stdout)["study"] == "chatty"
    assert "loading" in done.stderr
    assert "hello from train" in done.stderr


def test_the_environment_names_the_store_and_a_flag_goes_before_it(folder, monkeypatch):
    monkeypatch.setenv("TUNEWELL_STORE", "from-environment.db")
    tune()
    tune("--store", "from-flag.db")
    assert {path.name for path in folder.glob("*.db")} == {"from-environment.db", "from-flag.db"}


def test_a_study_in_which_nothing_was_measured_exits_with_1(folder):
    (folder / "nan.py").write_text(SCRIPT.replace("value = (1", "value = float('nan') * (1"))
    shown = tunewell("tune", "nan.py", "--budget", "1", expect=1)
    assert "no trial has reported a finite val_accuracy" in shown.stdout


def test_code_that_keeps_failing_is_shown_once_and_exits_with_1(folder):
    (folder / "broken.py").write_text(
        SCRIPT.replace("    for epoch", "    raise RuntimeError('no such layer')\n    for epoch")
    )
    done = CliRunner().invoke(cli, ["tune", "broken.py", "--quiet"])
    assert done.exit_code == 1
    assert done.stderr.count("Traceback") == 1
    assert "broken.py" in done.stderr
    assert "src/tunewell" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "error: stopped: 3 trials in a row failed with the same error: RuntimeError: no such layer"
    )


# --- bad input: a line, exit code 2, before any training


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("1e-4, 1.0", "1.0, 1e-4"), "low"),
        (("1e-4, 1.0", "0.0, 1.0"), "log"),
        (("default=1e-2", "default=7.0"), "default"),
        (("tier=3,", "tier=3, when={'speed': 1},"), "speed"),
        (("def train", "def fit"), "has no function train"),
        (("space = ", "spice = "), "has no space"),
        (("import tunewell as tw", "import tunewell as tw\nimport no_such_package"), "no_such_package"),
        (("def train(run):", "def train(run:"), "train.py:12"),
        (("metric = ", "metric = 5 or "), "metric must be the name of a metric, got 5"),
        (("metric = ", "raise SystemExit(3)\nmetric = "), "sys.exit(3)"),
        (('metric = "val_accuracy"', 'metric = "speed"'), "--direction"),
        (('metric = "val_accuracy"', 'metric = "val_f1"'), "val_accuracy, val_loss, gradient"),
    ],
)
def test_a_file_with_a_mistake_is_refused_in_a_line_that_names_it(folder, change, says):
    assert change[0] in SCRIPT
    (folder / "train.py").write_text(SCRIPT.replace(*change))
    line = refused("tune", "train.py", "--quiet")
    assert says in line
    assert "Traceback" not in line


def test_a_mistake_in_a_space_is_refused_with_its_line(folder):
    (folder / "train.py").write_text(SCRIPT.replace("1e-4, 1.0", "1.0, 1e-4"))
    assert refused("tune", "train.py").startswith(
        'train.py:5: rate=tw.Float(1.0, 1e-4, scale="log", tier=1, default=1e-2): '
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tune"], "give a Python file"),
        (["tune", "none.py"], "none.py does not exist"),
        (["tune", "."], "is a folder"),
        (["tune", "space.toml"], "is no Python file"),
        (["tune", "train.py", "--budget", "0"], "budget"),
        (["tune", "train.py", "--budget", "lots"], "'lots'"),
        (["tune", "train.py", "--epochs", "0"], "--epochs"),
        (["tune", "train.py", "--workers", "0"], "--workers"),
        (["tune", "train.py", "--direction", "up"], "--direction"),
        (["tune", "train.py", "--scheduler", "fast"], "--scheduler"),
        (["tune", "train.py", "--no-such-option"], "--no-such-option"),
        (["tune", "train.py", "--eta", "3"], "--scheduler"),
        (["tune", "train.py", "--scheduler", "full", "--eta", "3"], "no eta"),
        (["tune", "train.py", "--scheduler", "asha", "--eta", "1"], "eta"),
        (["tune", "train.py", "--levels", "3"], "--sampler grid"),
        (["tune", "train.py", "--space", "none.toml"], "none.toml"),
        (["tune", "train.py", "--dry-run", "--resume"], "--resume"),
        (["tune", "train.py", "--store", "train.py"], "train.py"),
        (["tune", "train.py", "--", "python", "x.py"], "not both"),
        (["space", "none.toml"], "none.toml"),
        (["list"], "tunewell.db"),
        (["show"], "tunewell.db"),
        (["best", "--store", "space.toml"], "space.toml"),
        (["export", "--output", "x.parquet"], "--format"),
        (["dance"], "dance"),
        (["--dance"], "--dance"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_line(folder, arguments, says):
    assert says in refused(*arguments)
    assert {path.name for path in folder.iterdir()} <= {"train.py", "space.toml", "__pycache__"}


def test_a_mistake_in_a_toml_space_names_the_file_and_the_parameter(folder):
    (folder / "space.toml").write_text(SPACE.replace("low = 1e-3", "low = 2.0"))
    line = refused("space", "space.toml")
    assert "space.toml" in line
    assert "rate" in line


def test_traceback_shows_where_an_error_comes_from():
    done = CliRunner().invoke(cli, ["--traceback", "tune", "train.py", "--budget", "0"])
    assert done.exit_code == 2
    assert "Traceback" in done.stderr
    assert "budget.py" in done.stderr


# --- space


def test_space_shows_a_histogram_of_each_parameter_from_either_kind_of_file():
    assert "rate" in tunewell("space", "train.py").stdout
    assert "rate" in tunewell("space", "space.toml").stdout


def test_space_warns_of_a_range_of_decades_on_a_linear_scale(folder):
    (folder / "space.toml").write_text(SPACE.replace('scale = "log"\n', "").replace("1e-3", "1e-5"))
    done = tunewell("space", "space.toml")
    assert done.stderr.startswith("warning: rate")
    assert "warning" not in done.stdout


def test_space_gives_the_figures_as_json():
    (rate,) = json.loads(tunewell("space", "space.toml", "--json").stdout)
    assert rate["name"] == "rate"
    assert sum(rate["shares"]) == pytest.approx(1)


# --- list, show, best, export


def test_list_has_a_line_a_study():
    tune()
    tune("--name", "mine")
    lines = tunewell("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["study", "train", "mine"]
    studies = json.loads(tunewell("list", "--json").stdout)
    assert [study["epochs"] for study in studies] == [6, 6]


def test_show_has_the_newest_study_and_its_trials_the_best_first():
    tune()
    tune("--name", "mine")
    lines = tunewell("show").stdout.splitlines()
    assert "mine" in lines[0]
    values = [float(re.split(r"  +", line.strip())[2]) for line in lines[lines.index("") + 2 :]]
    assert values == sorted(values, reverse=True)


def test_show_takes_the_best_or_the_newest_trials():
    tune("--scheduler", "asha", "--min-epochs", "1")
    top = json.loads(tunewell("show", "--top", "2", "--json").stdout)
    last = json.loads(tunewell("show", "--last", "2", "--json").stdout)
    assert top["trials"][0]["trial"] == top["best"]["trial"]
    n = sum(top["trials_by_state"].values())
    assert [trial["trial"] for trial in last["trials"]] == [n - 2, n - 1]
    assert "more: --top" in tunewell("show", "--top", "1").stdout


def test_show_trial_has_its_setting_curve_and_origin():
    tune()
    shown = tunewell("show", "--trial", "0").stdout
    for expected in ("rate = 0.01", "•", "gradient", "command", "versions", "python"):
        assert expected in shown
    record = json.loads(tunewell("show", "--trial", "0", "--json").stdout)
    assert record["reports"][0]["metrics"]["gradient"] == "nan"
    assert record["session"]["versions"]["numpy"]


def test_show_has_the_traceback_of_a_trial_that_failed(folder):
    (folder / "broken.py").write_text(SCRIPT.replace("        value", "        1 / (epoch - 2)\n        value"))
    CliRunner().invoke(cli, ["tune", "broken.py", "--quiet", "--scheduler", "full"])
    shown = CliRunner().invoke(cli, ["show", "--trial", "0"]).stdout
    assert "ZeroDivisionError" in shown
    assert "1 / (epoch - 2)" in shown


def test_an_unknown_study_or_trial_is_refused_with_those_that_are_known():
    tune()
    assert "'train'" in refused("show", "other")
    assert "'train'" in refused("best", "other")
    assert "trials are 0 to" in refused("show", "--trial", "99")


def test_best_prints_lines_that_python_takes():
    tune()
    namespace = {}
    exec(tunewell("best").stdout, namespace)
    assert namespace["rate"] == json.loads(tunewell("best", "train", "--json").stdout)["params"]["rate"]


def test_export_has_a_row_a_trial_or_a_row_a_report():
    tune()
    trials = list(csv.DictReader(io.StringIO(tunewell("export").stdout)))
    reports = list(csv.DictReader(io.StringIO(tunewell("export", "--what", "reports").stdout)))
    assert len(reports) == sum(int(trial["epochs"]) for trial in trials) == 6
    assert reports[0]["gradient"] == "nan"
    assert trials[0]["rate"] == "0.01"
    assert trials[0]["started_at"].startswith("20")


def test_export_into_a_folder_that_is_not_there_is_refused_in_one_line():
    tune()
    for name in ("a/b.csv", "a/b.json", "a/b.xlsx"):
        (line,) = tunewell("export", "--output", name, expect=2).stderr.splitlines()
        assert line == f"error: --output {name}: there is no folder 'a'; make it, or write elsewhere"


def test_a_second_study_of_a_script_is_told_of_the_first():
    assert "exists" not in tunewell("tune", "train.py", "--budget", "1", "--quiet").stderr
    shown = tunewell("tune", "train.py", "--budget", "1").stderr
    assert (
        "study 'train' exists, and this is a new one, 'train-2'; --resume --name train goes on with the other" in shown
    )
    assert "--resume" in tunewell("tune", "train.py", "--name", "train", expect=2).stderr


def test_an_excel_file_has_what_a_cell_has_room_for(folder):
    tunewell("tune", "train.py", "--budget", "1", "--quiet")
    long, odd = "\U0001f600" * 20_000, "a\x00b\ufffec\ud800d"
    rows = [{"trial": 0, "error": long, "seed": 2**62}, {"trial": 1, "error": odd, "seed": 3}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunewell.cli.export_command.trial_rows", lambda _: rows)
        assert "1 text longer than a cell of Excel may be" in tunewell("export", "--output", "record.xlsx").stderr
        (_, first, second) = load_workbook("record.xlsx")["trials"].iter_rows(values_only=True)
        assert len(first[1].encode("utf-16-le")) // 2 <= 32_767
        assert first[1].endswith("... (20,000 characters; the rest is left out)")
        assert (first[2], second[1:]) == (str(2**62), ("abcd", 3))
        patch.setattr("tunewell.cli.export_command.trial_rows", lambda _: [{f"m{n}": 1.0 for n in range(2**14 + 1)}])
        assert "no room for 16,385 columns of trials" in refused("export", "--output", "record.xlsx")


def test_a_text_that_a_spreadsheet_would_run_is_exported_as_text():
    tune("--scheduler", "full", "--sampler", "grid")
    kinds = {row["kind"] for row in csv.DictReader(io.StringIO(tunewell("export").stdout))}
    assert "'=a" in kinds
    tunewell("export", "--output", "record.xlsx")
    cells = [cell for row in load_workbook("record.xlsx")["trials"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value == "=a"} == {"s"}


def test_excel_has_a_sheet_each_for_trials_reports_and_study():
    best = tune()["best"]
    tunewell("export", "--output", "record.xlsx")
    book = load_workbook("record.xlsx")
    assert book.sheetnames == ["trials", "curves", "chart", "reports", "study"]
    header, *rows = book["trials"].iter_rows(values_only=True)
    values = [row[header.index("val_accuracy")] for row in rows]
    assert max(values) == pytest.approx(best["value"], rel=1e-14)  # Excel keeps 16 digits
    assert rows[0][header.index("started_at")].year >= 2026
    assert len(list(book["reports"])) == 7


def test_an_excel_file_is_laid_out_for_people_and_its_best_trial_is_marked():
    best = tune()["best"]
    tunewell("export", "--output", "record.xlsx")
    book = load_workbook("record.xlsx")
    trials = book["trials"]
    assert (trials.freeze_panes, trials.auto_filter.ref[:3]) == ("B2", "A1:")
    assert trials["A1"].font.bold
    marked = [row[0].value for row in trials.iter_rows(min_row=2) if row[0].fill.fill_type == "solid"]
    assert marked == [best["trial"]]
    started = next(cell for cell in trials[2] if cell.is_date)
    assert started.number_format == "yyyy-mm-dd hh:mm:ss"
    header, *rows = book["curves"].iter_rows(values_only=True)
    assert header[:2] == ("epoch", f"trial {best['trial']}")
    assert rows[best["epoch"] - 1][1] == pytest.approx(best["value"], rel=1e-14)
    (chart,) = book["chart"]._charts
    assert len(chart.series) == min(10, len(header) - 1)
    assert chart.series[0].yVal.numRef.f.startswith("'curves'!$B$2")


def test_json_holds_the_whole_record():
    tune()
    record = json.loads(tunewell("export", "--format", "json").stdout)
    assert sum(len(trial["reports"]) for trial in record["trials"]) == record["epochs"] == 6
    assert record["sessions"][0]["host"]


def test_the_format_follows_from_the_files_name(folder):
    tune()
    tunewell("export", "--output", "record.json")
    tunewell("export", "--output", "record.csv")
    assert json.loads((folder / "record.json").read_text())["study"] == "train"
    assert (folder / "record.csv").read_text().startswith("trial,")


def test_excel_needs_a_file():
    tune()
    assert "--output" in refused("export", "--format", "xlsx")


def test_excel_without_its_package_names_what_to_install(monkeypatch):
    tune()
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "pip install 'tunewell[excel]'" in refused("export", "--output", "record.xlsx", expect=1)


def test_a_table_without_its_packages_names_what_to_install(folder, monkeypatch):
    (folder / "houses.csv").write_text("rooms,price\n3,100\n")
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert "pip install 'tunewell[sklearn]'" in refused("fit", "houses.csv", "--target", "price", expect=1)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("tunee", "train.py"), "there is no command 'tunee'; did you mean tune?"),
        (("lrfind", "train.py"), "did you mean lr-find?"),
        (("zzz",), "there are tune, worker"),
        (("tune", "train.py", "--bugdet", "3"), "there is no option --bugdet; did you mean --budget?"),
        (("tune", "train.py", "--shceduler=asha"), "did you mean --scheduler?"),
        (("fit", "t.csv", "--traget", "y"), "did you mean --target?"),
    ],
)
def test_what_was_probably_meant_is_named(arguments, meant):
    done = CliRunner().invoke(cli, arguments, prog_name="tunewell")
    assert done.exit_code == 2
    [line] = done.stderr.splitlines()
    assert meant in line


@pytest.mark.parametrize("command", ["list", "show", "best", "export", "tune", "fit", "worker", "demo"])
@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_store_is_not_the_default_one(tmp_path, monkeypatch, command, empty):
    monkeypatch.chdir(tmp_path)
    given = {"tune": ["train.py"], "fit": ["t.csv", "--target", "y"], "worker": ["study"]}.get(command, [])
    done = CliRunner().invoke(cli, [command, *given, "--store", empty], prog_name="tunewell")
    assert (done.exit_code, done.stderr.startswith("error: --store is empty")) == (2, True)
    assert not list(tmp_path.glob("*.db"))


BREAKS = """
import tunewell as tw

space = tw.Space(batch=tw.Int(8, 512, scale="log", default=64))
metric = "val_loss"


def train(run):
    for epoch in run.epochs(3):
        if run.params.batch > LIMIT and epoch == 2:
            raise MemoryError(f"out of memory in trial {run.trial}")
        run.report(val_loss=1 / run.params.batch)
"""


def break_above(limit, folder, *options):
    (folder / "breaks.py").write_text(BREAKS.replace("LIMIT", str(limit)))
    return CliRunner().invoke(cli, ["tune", "breaks.py", "--quiet", "--scheduler", "full", *options])


def test_best_show_and_confirm_pass_over_trials_that_failed(folder):
    break_above(100, folder, "--budget", "8trials", "--confirm", "1")
    shown = json.loads(CliRunner().invoke(cli, ["show", "breaks", "--json"]).stdout)  # with tracebacks in it
    states = {trial["trial"]: trial["state"] for trial in shown["trials"]}
    assert "failed" in states.values()
    best = json.loads(tunewell("best", "breaks", "--json").stdout)
    assert (best["state"], best["params"]["batch"] <= 100) == ("complete", True)
    assert shown["trials"][0]["trial"] == best["trial"]
    assert [trial["state"] for trial in shown["trials"]] == sorted(states.values())  # complete, then failed
    assert {states[one["trial"]] for one in shown["confirmed"]} == {"complete"}


def test_best_and_show_say_that_there_is_nothing_but_a_trial_that_failed(folder):
    break_above(1, folder, "--budget", "1trials")
    for command in ("best", "show"):
        shown = tunewell(command).output
        assert "but trial 0 failed: MemoryError: out of memory in trial 0; no other has reported anything yet" in shown


def test_best_says_that_its_trial_was_not_trained_to_its_end(folder):
    (folder / "falls.py").write_text(BREAKS.replace("1 / run.params.batch", "epoch").replace("LIMIT", "600"))
    tunewell("tune", "falls.py", "--quiet", "--scheduler", "asha", "--min-epochs", "1", "--budget", "2")
    best = json.loads(tunewell("best", "--json").stdout)
    told = "epochs; what it does later is not known" in tunewell("best").output
    assert told == (best["state"] == "paused")


def test_best_prints_the_file_of_the_best_epoch_or_says_that_there_is_none(folder):
    (folder / "tracks.py").write_text(
        SCRIPT.replace("def train(run):", "def train(run):\n    run.track(state={'n': 1})")
    )
    tunewell("tune", "tracks.py", "--quiet", "--budget", "1trials", "--scheduler", "full")
    (path,) = tunewell("best", "--checkpoint").stdout.splitlines()
    assert path == json.loads(tunewell("best", "--json").stdout)["checkpoint"]
    assert path.endswith("trial-0-epoch-3.npz")
    tune()
    assert "was kept; it is where the training" in refused("best", "train", "--checkpoint", expect=1)


def test_trials_that_paused_in_a_study_that_is_over_are_not_continued():
    summary = tunewell("tune", "train.py", "--budget", "2", "--scheduler", "asha", "--min-epochs", "1").stdout
    shown = tunewell("show").stdout
    assert "paused" not in summary + shown
    assert re.search(r"trials +\d+ not continued", summary)
    assert re.search(r"\d+ +not continued +0\.", shown)
    assert json.loads(tunewell("show", "--json").stdout)["trials_by_state"]["paused"] > 0


# --- did you mean


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["tunee", "train.py"], "tune?"),
        (["tune", "train.py", "--bugdet", "3"], "--budget?"),
        (["tune", "train.py", "--schedular", "asha"], "--scheduler?"),
        (["tune", "train.py", "--scheduler", "ahsa"], "'asha'?"),
        (["tune", "train.py", "--sampler", "sobbol"], "'sobol'?"),
        (["tune", "train.py", "--direction", "max"], "'maximize'?"),
        (["tune", "train.py", "--metric", "accuracy"], "'val_accuracy'?"),
        (["tune", "train.py", "--metric", "val-loss"], "'val_loss'?"),
        (["tune", "trian.py"], "train.py?"),
        (["tune", "train.py", "--resume", "--name", "trian"], "'train'?"),
        (["tune", "train.py", "--resume", "--held", "raet=3"], "'rate'?"),
        (["tune", "train.py", "--space", "logarithmic.toml"], "'log'?"),
        (["tune", "train.py", "--space", "flaot.toml"], "'float'?"),
        (["show", "trian"], "'train'?"),
        (["show", "Train"], "'train'?"),
        (["steer", "train", "0", "puase"], "'pause'?"),
        (["export", "train", "--format", "xslx"], "'xlsx'?"),
        (["rescue", "train.py", "--set", "raet=0.3"], "'rate'?"),
    ],
)
def test_a_mistyped_word_is_met_with_the_one_that_was_meant(folder, words, meant):
    (folder / "logarithmic.toml").write_text(SPACE.replace('"log"', '"logarithmic"'))
    (folder / "flaot.toml").write_text(SPACE.replace('"float"', '"flaot"'))
    tune()
    *_, line = tunewell(*words, expect=2).stderr.splitlines()
    assert f"did you mean {meant}" in line


def test_python_meets_a_mistyped_name_too():
    space = tw.Space(rate=tw.Float(0.0, 1.0))
    for settings, meant in (
        ({"scheduler": "ahsa"}, "asha"),
        ({"sampler": "sobbol", "scheduler": "full"}, "sobol"),
        ({"direction": "max"}, "maximize"),
    ):
        with pytest.raises(tw.errors.SettingError, match=f"did you mean '{meant}'"):
            tw.Study(space, **{"metric": "loss", **settings})


def test_what_is_paused_in_a_study_that_nobody_runs_is_not_continued():
    tunewell("tune", "train.py", "--budget", "3", "--scheduler", "asha", "--quiet")
    paused = next(trial.number for trial in tw.Study.open("tunewell.db").trials if str(trial.state) == "paused")
    for option in ("--trial", "--why"):
        assert "of study train, not continued" in tunewell("show", "train", option, str(paused)).stdout
