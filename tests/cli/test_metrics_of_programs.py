"""`tunewell tune -- PROGRAM` with programs that print or write their metrics in ways of their own."""

import json
import sys

import pytest
from click.testing import CliRunner

from tunewell.cli.main import cli

PROGRAM = """
import sys
lr, trial = float(sys.argv[1]), sys.argv[2]
for epoch in range(1, 5):
    acc = (1 - abs(lr - 0.1)) * epoch / 4
{body}
    sys.stdout.flush()
    __import__("time").sleep(0.05)
"""
SPACE = '[lr]\ntype = "float"\nlow = 1e-3\nhigh = 1.0\nscale = "log"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWELL_STORE", raising=False)
    (tmp_path / "space.toml").write_text(SPACE)
    return tmp_path


@pytest.fixture
def tuned(folder):
    """Tune a program whose loop has a body; return its summary, and what was printed on standard error."""

    def tune(body, *options, budget="2", expect=0, epochs="4"):
        text = PROGRAM.replace("{body}", "\n".join(f"    {line}" for line in body.strip().splitlines()))
        (folder / "program.py").write_text(text)
        words = ["tune", "--space", "space.toml", "--budget", budget, "--json", *options]
        words += ["--epochs", epochs] if epochs else []
        command = [*words, "--", sys.executable, "program.py", "{lr}", "{trial}"]
        done = CliRunner().invoke(cli, command, prog_name="tunewell")
        assert done.exit_code == expect, done.output
        return (json.loads(done.stdout) if expect == 0 else None), done.stderr

    return tune


def reports(record):
    done = CliRunner().invoke(cli, ["export", record["study"], "--format", "json"], prog_name="tunewell")
    assert done.exit_code == 0, done.output
    return [report["metrics"] for trial in json.loads(done.stdout)["trials"] for report in trial["reports"]]


def test_lines_of_any_form_are_read_and_the_best_metric_is_said(tuned, folder):
    record, said = tuned(
        """
for step in (1, 2): print(f"  step {step}/2 loss: {2 - acc:.3f}")
print(f"Epoch {epoch}/4 | train loss: {1 - acc:.4f} | val loss: {1.1 - acc:.4f} | val acc: {100 * acc:.1f}%")
open(f"seen-{trial}", "a").write("x")
"""
    )
    assert (record["metric"], record["direction"]) == ("val_acc", "maximize")
    assert 0.2 < record["best"]["value"] <= 1
    assert record["epochs"] == 8
    assert "found val_acc, val_loss, " in said
    assert "in what it prints; the look took 2 epochs" in said
    assert "val_acc is optimized; choose another with --metric, such as --metric val_loss" in said
    assert "in percent" in said
    # programs stand still where they paused, at the line of their last epoch
    trials = [path for path in folder.glob("seen-*") if path.name != "seen-999999"]
    assert sum(len(path.read_text()) for path in trials) <= 8 + len(trials)


def test_another_metric_is_chosen(tuned):
    body = 'print(f"epoch {epoch} val_acc {acc:.4f} val_loss {1 - acc:.4f}")'
    record, said = tuned(body, "--metric", "val loss", budget="1")
    assert (record["metric"], record["direction"]) == ("val_loss", "minimize")
    assert "choose another" not in said


def test_a_terminal_is_asked_where_several_fit(folder, monkeypatch):
    monkeypatch.setattr("tunewell.cli.metric_options._is_terminal", lambda: True)
    text = "for e in range(3): print('epoch', e, 'val_acc 0.5 val_f1 0.6 train_loss 0.7')"
    command = ["tune", "--space", "space.toml", "--budget", "1trials", "--epochs", "3", "--json", "--"]
    words = [*command, sys.executable, "-c", text, "{lr}"]
    done = CliRunner().invoke(cli, words, prog_name="tunewell", input="2\n")
    assert done.exit_code == 0, done.output
    assert "1  val_acc (maximize)" in done.stderr
    assert json.loads(done.stdout)["metric"] == "val_f1"


def test_bars_on_standard_error_count(tuned):
    record, _ = tuned(
        """
for n in range(5):
    bar = f"\\rEpoch {epoch}: {25 * n:3d}%|{'#' * n}| {n}/4 [00:0{n}<00:01, 9.1it/s, val_acc="
    sys.stderr.write(f"{bar}{acc * n / 4:.4f}]")
sys.stderr.write("\\n")
""",
        "--scheduler",
        "full",
        budget="1",
    )
    assert record["best"]["value"] == pytest.approx(1 - abs(record["best"]["params"]["lr"] - 0.1), abs=1e-3)
    assert record["epochs"] == 4


def test_a_log_that_it_writes_is_found(tuned, folder):
    (folder / "old.csv").write_text("epoch,val_acc\n1,0.99\n")
    body = """
if epoch == 1: open("metrics.csv", "w").write("epoch,val_acc\\n")
open("metrics.csv", "a").write(f"{epoch},{acc}\\n")
print("epoch", epoch, "train loss", 1 - acc)
"""
    record, said = tuned(body)
    assert (record["metric"], record["epochs"]) == ("val_acc", 8)
    assert record["best"]["value"] == pytest.approx(1 - abs(record["best"]["params"]["lr"] - 0.1))
    assert "in metrics.csv" in said
    assert "each is trained in full" in said
    _, refused = tuned(body, "--workers", "2", expect=2)
    assert "cannot be told from that of another worker; give each trial a file of its own" in refused


def test_each_trial_may_have_a_log_of_its_own(tuned):
    body = """
import json, os
os.makedirs(trial, exist_ok=True)
open(f"{trial}/log.jsonl", "a").write(json.dumps({"epoch": epoch, "val": {"auc": acc}}) + "\\n")
"""
    record, _ = tuned(body, "--log-file", "{trial}/log.jsonl", budget="1")
    assert record["metric"] == "val/auc"
    _, refused = tuned(body, "--log-file", "{trail}/log.jsonl", expect=2)
    assert "--log-file has {trail}, which is no parameter" in refused
    _, refused = tuned(body, "--log-file", "other.jsonl", expect=2)
    assert "has written no metric to other.jsonl" in refused


def test_a_metric_that_comes_once_is_tuned_with_full_trainings(tuned):
    record, said = tuned('if epoch == 4: print(f"Final validation accuracy: {acc:.4f}")', budget="3", epochs="")
    assert record["best"]["value"] > 0.9
    assert (record["epochs"], record["max_epochs"]) == (3, 1)
    assert "each training counts as one epoch" in said


@pytest.mark.parametrize(
    ("body", "options", "why"),
    [
        ("pass", [], "the program printed nothing"),
        ("print('hello')", [], "no metric was found in these lines"),
        ("input('go on? ')", [], "the program asks for input, and gets none here"),
        ("sys.exit('no data')", [], "ended with exit code 1, with its default setting"),
        ("print('epoch', epoch, 'score_x', acc)", ["--metric", "score_x"], "--direction"),
        ("print('epoch', epoch, 'val_acc', acc)", ["--metric", "val_f1"], "reports no 'val_f1'"),
        ("print('epoch', epoch, 'val_acc', acc)", ["--pattern", "acc=("], "is no regular expression"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_anything_is_trained(tuned, folder, body, options, why):
    _, said = tuned(body, *options, expect=2)
    assert why in said
    assert not (folder / "tunewell.db").exists()


def test_a_study_that_goes_on_reads_as_it_was_begun(tuned):
    body = 'print(f"E{epoch} >> {acc:.4f}")'
    pattern = ("--pattern", r"E(?P<epoch>\d+) >> (?P<val_acc>[\d.]+)")
    record, _ = tuned(body, *pattern, budget="1")
    _, refused = tuned(body, *pattern, "--resume", expect=2)
    assert "--pattern is for a new study" in refused
    again, said = tuned(body, "--resume", "--name", record["study"], budget="2")
    assert (again["metric"], again["epochs"]) == ("val_acc", 8)
    assert "looking" not in said


def test_a_program_that_reports_by_itself_needs_no_look(tuned):
    _, said = tuned("print('{\"val_loss\": %f}' % (1 - acc))  # or tunewell.report(...)", budget="1")
    assert "looking" not in said


def test_options_for_programs_are_refused_with_a_script(folder):
    (folder / "train.py").write_text("import tunewell as tw\nspace = tw.Space(a=tw.Float(0, 1))\ndef train(run): ...\n")
    done = CliRunner().invoke(cli, ["tune", "train.py", "--pattern", "x"], prog_name="tunewell")
    assert done.exit_code == 2
    assert "--pattern is for a program" in done.stderr


def test_a_split_alone_is_tuned_in_the_direction_in_which_it_goes(tuned):
    record, said = tuned('print(f"epoch {epoch} train {acc:.4f} val {0.9 * acc:.4f}")')
    assert (record["metric"], record["direction"]) == ("val", "maximize")
    assert "val rises as it trains, which is taken to be better; --direction says otherwise" in said
    assert record["best"]["value"] == pytest.approx(max(one["val"] for one in reports(record)))


def test_a_name_of_several_words_needs_no_direction(tuned):
    body = 'print(f"epoch {epoch} val_seen_acc {acc:.4f} val_unseen_acc {0.9 * acc:.4f}")'
    record, _ = tuned(body, "--metric", "val_unseen_acc", budget="1")
    assert (record["metric"], record["direction"]) == ("val_unseen_acc", "maximize")


def test_rates_of_a_program_are_narrowed_in_its_file(folder):
    (folder / "program.py").write_text(PROGRAM.replace("{body}", '    print(f"epoch {epoch} val_loss {1 - acc:.4f}")'))
    words = ["lr-find", "--space", "space.toml", "--per-decade", "1", "--epochs", "1"]
    command = [*words, "--", sys.executable, "program.py", "{lr}", "{trial}"]
    done = CliRunner().invoke(cli, command, prog_name="tunewell")
    assert done.exit_code == 0, done.output
    assert " of [space.lr] in the file that tunewell init writes" in done.stdout
    assert "tw.Float" not in done.stdout
