"""Any program as a training function: real processes, real signals."""

import math
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import tunewell as tw
from tunewell.errors import RepeatedFailure, ReportError, ScriptError, SpaceError
from tunewell.runners import Execution, run_inline
from tunewell.training import program
from tunewell.training.external_program import ExternalProgram, ProgramFailed

SPACE = tw.Space(rate=tw.Float(0.1, 0.9, default=0.5), hidden=tw.Int(1, 9, default=3))


def python(code, *arguments, metric=None):
    return ExternalProgram((sys.executable, "-c", textwrap.dedent(code), *arguments), metric)


def alone(command):
    run = tw.Run(SPACE.defaults(), seed=7, trial=4)
    command(run)
    return run.reports


def tuned(command, *, max_epochs=2, budget=1, scheduler="full", **options):
    study = tw.Study(SPACE, metric="loss", max_epochs=max_epochs, budget=budget, scheduler=scheduler)
    run_inline(study, command, Execution(**options))
    return study


def test_placeholders_are_filled_and_other_braces_are_left_alone():
    code = """
        import json, sys
        assert sys.argv[5] == '{"a": {}} ${X}', sys.argv
        rate, hidden, seed, trial = map(float, sys.argv[1:5])
        print(json.dumps({"loss": rate + hidden, "seed": seed, "t": trial}))
    """
    reports = alone(python(code, "{rate}", "{hidden}", "{seed}", "{trial}", '{"a": {}} ${X}'))
    assert reports == [{"epoch": 1, "loss": 3.5, "seed": 7, "t": 4}]


def test_lines_of_json_are_reports_and_all_others_are_talk():
    code = """
        import sys
        print("hello"); print("[1, 2]"); print("{broken")
        print('{"loss": NaN, "epoch": 9, "name": "x"}')
        sys.stderr.write("x" * 200_000 + chr(10))
        print('{"loss": 0.5}')
    """
    first, second = alone(python(code))
    assert math.isnan(first["loss"])
    assert (second["epoch"], second["loss"]) == (2, 0.5)


def test_a_program_may_report_by_the_socket():
    code = "import tunewell as tw; [tw.report(loss=i + tw.params()['rate']) for i in range(3)]"
    assert [report["loss"] for report in alone(python(code))] == [0.5, 1.5, 2.5]


def test_a_program_that_fails_shows_its_last_lines():
    with pytest.raises(ProgramFailed, match=r"exit code 3(.|\n)*out of luck"):
        alone(python("import sys; print('out of luck'); sys.exit(3)"))


def test_a_program_that_reports_nothing_is_told_how():
    with pytest.raises(ReportError, match="val_loss"):
        alone(python("print('done')"))
    with pytest.raises(ReportError, match=r"tunewell\.report\(auc="):
        alone(python("print('done')", metric="auc"))


@pytest.mark.parametrize(
    ("code", "end"), [("import sys; sys.exit(3)", "exit code 3"), ("print('rate', {rate})", "without a report")]
)
def test_a_program_that_is_broken_stops_its_study_whatever_the_setting(code, end):
    command = python(code, "{rate}", "{hidden}")
    study = tw.Study(SPACE, metric="loss", max_epochs=2, budget=9, scheduler="full")
    with pytest.raises(RepeatedFailure, match=rf"'{{rate}}' '{{hidden}}' ended.*{end}"):
        run_inline(study, command)
    assert len(study.trials) == 3


def test_an_error_is_the_last_of_the_lines_that_are_shown():
    code = "import sys; print('rate', sys.argv[1]); sys.exit('out of luck')"
    with pytest.raises(ProgramFailed, match=r"rate 0.5\nout of luck$"):
        alone(python(code, "{rate}"))


# --- what it says


def test_a_progress_bar_hides_no_report_and_is_shown_as_it_was_last():
    code = """
        import sys
        for epoch in (1, 2):
            for percent in range(0, 101, 5):
                sys.stderr.write(f"\\r{percent}%")
            print('{"loss": 0.5}')
            sys.stdout.write("\\r 50% of the test\\r")
        print('{"loss": 0.25}\\r')
        sys.exit(1)
    """
    run = tw.Run(SPACE.defaults())
    with pytest.raises(ProgramFailed, match=r"lines:\n100%$"):
        python(code)(run)
    assert [report["loss"] for report in run.reports] == [0.5, 0.5, 0.25]


def test_what_a_program_prints_before_its_metric_is_talk():
    code = """
        print('{"rate": 0.1, "batch": 32}')
        print('{"loss": 0.5}')
        print('{"other": 1, "loss": 0.4}')
    """
    study = tuned(python(code, metric="loss"), max_epochs=None)
    assert [report.metrics for report in study.reports()] == [{"loss": 0.5}, {"other": 1.0, "loss": 0.4}]


def test_a_metric_that_is_never_reported_stops_the_study_with_the_names_that_were():
    code = """
        print('{"rate": 0.1}')
        print('{"lost": 0.5}')
    """
    with pytest.raises(ReportError, match=r"'loss' is not among those reported \(rate, lost\)"):
        tuned(python(code, metric="loss"))
    with pytest.raises(ReportError, match="without a report"):
        alone(python(code, metric="loss"))


def test_a_number_that_no_float_can_hold_is_infinite():
    code = """
        print('{"loss": 1' + "0" * 400 + "}")
        print('{"a": ' * 100_000)
        print('{"a": ' * 100_000 + "1" + "}" * 100_000)
    """
    first, *others = alone(python(code))
    assert first["loss"] == math.inf
    assert not others
    assert tuned(python(code), budget=2).trials[0].state == tw.TrialState.STOPPED


ASK = """
    import json, os, socket, sys

    def ask(line, half_closed=False):
        with socket.socket(socket.AF_UNIX) as connection, connection.makefile("r") as answers:
            connection.connect(os.environ["TUNEWELL_SOCKET"])
            connection.sendall(line)
            if half_closed:
                connection.shutdown(socket.SHUT_WR)
            return json.loads(answers.readline())
"""


def test_every_line_through_the_socket_is_answered():
    code = """
    odd = b'{"name": "x"}', b'{"epoch": 1}', b'{"\\xff": 1}'
    for line in (b"", b"hello", b"[1]", *odd, b"{" * 9999, b'{"a":' * 99999 + b"}"):
        answer = ask(line + b"\\n")
        assert "is no report" in answer["error"], (line, answer)
    assert ask(b'{"loss": 1' + b"0" * 400 + b"}\\n") == {"go": True}
    assert ask(b'{"loss": 1}', half_closed=True) == {"go": True}
    """
    assert [report["loss"] for report in alone(python(ASK + code))] == [math.inf, 1.0]


def test_a_report_that_tunewell_cannot_read_is_an_error_in_the_program():
    code = """
        import tunewell as tw
        from tunewell.errors import ReportError
        try:
            tw.report(**{"x" * 2_000_000: 1.0})
        except ReportError as error:
            print(error)
        tw.report(loss=1.0)
    """
    assert len(alone(python(code))) == 1


def test_a_program_may_leave_the_answers_unread():
    code = """
        import os, socket
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(os.environ["TUNEWELL_SOCKET"])
        connection.sendall((b'{"loss": 1}' + b" " * 500 + b"\\n") * 2000)
    """
    assert len(alone(python(code))) == 2000


# --- how it ends


def test_a_program_has_time_to_save_its_model_after_the_last_epoch(tmp_path):
    code = """
        import sys, time
        for epoch in (1, 2):
            print('{"loss": 0.5}')
        time.sleep(0.3)
        print('{"test_accuracy": 0.9}')
        print("x" * 200_000)
        open(sys.argv[1], "w").write("model")
    """
    study = tuned(python(code, str(tmp_path / "model")))
    assert (tmp_path / "model").read_text() == "model"
    assert [trial.epochs for trial in study.trials] == [2]


def test_a_program_that_reports_by_the_socket_is_told_to_end(tmp_path):
    code = """
        import sys, time
        import tunewell as tw
        try:
            for epoch in range(1, 100):
                tw.report(loss=1 / epoch)
        finally:
            time.sleep(0.3)
            open(sys.argv[1], "w").write(str(epoch))
    """
    study = tuned(python(code, str(tmp_path / "model")))
    assert (tmp_path / "model").read_text() == "3"  # at the report after the last that was wanted
    assert [trial.epochs for trial in study.trials] == [2]


def test_what_stands_after_the_loop_of_a_program_is_done(tmp_path):
    code = """
        import sys, time
        import tunewell as tw
        for epoch in range(1, 3):
            tw.report(loss=1 / epoch)
        time.sleep(0.3)
        open(sys.argv[1], "w").write("model")
    """
    tuned(python(code, str(tmp_path / "model")))
    assert (tmp_path / "model").read_text() == "model"


def test_a_program_that_goes_on_after_its_last_epoch_is_ended(monkeypatch):
    far_s = 120.0  # longer than any start of a program
    begun = time.monotonic()
    monkeypatch.setattr(program, "_GRACE_S", far_s)
    trains_on = "while True: print('{\"loss\": 0.5}'); import time; time.sleep(0.05)"
    assert tuned(python(trains_on)).trials[0].epochs == 2
    assert time.monotonic() - begun < far_s
    begun = time.monotonic()
    monkeypatch.setattr(program, "_GRACE_S", 0.2)
    sleeps = f"print('{{\"loss\": 0.5}}'); print('{{\"loss\": 0.5}}'); import time; time.sleep({far_s})"
    assert tuned(python(sleeps)).trials[0].epochs == 2
    assert time.monotonic() - begun < far_s


CATCHING = {
    "SystemExit": """
        import time
        import tunewell as tw
        while True:
            try:
                tw.report(loss=0.5)
            except SystemExit:
                pass
            time.sleep(0.02)
    """,
    "everything, and signals": """
        import signal, time
        import tunewell as tw
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            try:
                tw.report(loss=0.5)
            except:
                pass
            time.sleep(0.02)
    """,
}


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (python(CATCHING["SystemExit"]), "went on after its end, and was ended"),
        (python(CATCHING["everything, and signals"]), "did not end on SIGTERM within 0.5 seconds, and was killed"),
        (
            ExternalProgram(("sh", "-c", "trap '' TERM; while true; do echo '{\"loss\": 0.5}'; sleep 0.05; done")),
            "did not end on SIGTERM within 0.5 seconds, and was killed",
        ),
    ],
    ids=["SystemExit", "everything", "shell"],
)
def test_a_program_that_catches_its_end_is_ended_with_a_line(command, words, monkeypatch):
    monkeypatch.setattr(program, "_PATIENCE_S", 0.5)
    grace_s = 120.0  # longer than any start of a program: who waits for it to be over is seen by that
    monkeypatch.setattr(program, "_GRACE_S", grace_s)
    begun = time.monotonic()
    with pytest.warns(RuntimeWarning, match=f"the program of trial 0 {words}"):
        study = tuned(command)
    assert [(trial.state, trial.epochs) for trial in study.trials] == [("complete", 2)]
    assert time.monotonic() - begun < grace_s


def test_a_program_whose_trial_is_given_up_gets_no_time(tmp_path):
    code = """
        import sys, time
        for epoch in range(1, 5):
            print('{"loss": %s}' % sys.argv[1])
            time.sleep(0.05)
        open(sys.argv[2], "a").write("x")
    """
    saved = tmp_path / "saved"
    study = tuned(python(code, "{rate}", str(saved)), max_epochs=4, budget=2, scheduler="asha", keep=0)
    assert any(trial.epochs < 4 for trial in study.trials)
    assert len(saved.read_text()) == sum(trial.epochs == 4 for trial in study.trials)


def test_a_trial_ends_with_its_program_though_a_child_holds_the_output():
    code = """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(8)"], start_new_session=True)
        print('{"pid": %d, "loss": 0.5}' % child.pid)
    """
    begun = time.monotonic()
    (report,) = alone(python(code))
    os.kill(int(report["pid"]), 9)
    assert time.monotonic() - begun < 6


def test_a_program_may_close_its_output_and_report_by_the_socket():
    code = "import os, time, tunewell as tw; os.close(1); os.close(2); time.sleep(0.3); tw.report(loss=1.0)"
    assert len(alone(python(code))) == 1


@pytest.mark.parametrize(
    ("command", "error", "named"),
    [
        (ExternalProgram(("no-such-program", "{rate}")), ScriptError, "no-such-program"),
        (ExternalProgram(("true", "{rat}")), SpaceError, r"\{rate\}"),
        (ExternalProgram(("true", "{rate}")), SpaceError, "'hidden' is nowhere"),
    ],
)
def test_what_cannot_work_is_found_before_any_training(command, error, named):
    with pytest.raises(error, match=named):
        command.check(SPACE)


def test_a_command_with_no_placeholder_takes_its_setting_from_the_environment():
    ExternalProgram(("true",)).check(SPACE)


def test_a_paused_program_stands_still_and_goes_on(tmp_path):
    journal = tmp_path / "journal"
    code = f"""
        import os, time
        for epoch in range(1, 10):
            with open({str(journal)!r}, "a") as file:
                file.write(f"{{os.environ['TUNEWELL_TRIAL']}} {{epoch}}" + chr(10))
            print('{{"loss": %f}}' % (1 / epoch))
            time.sleep(0.05)
    """
    study = tw.Study(SPACE, metric="loss", max_epochs=9, budget=4, scheduler="asha")
    run_inline(study, python(code))
    trained = {(report.trial, report.epoch) for report in study.reports()}
    done = [tuple(map(int, line.split())) for line in journal.read_text().splitlines()]
    assert len(done) == len(set(done)), "no program was started twice"
    # a program is stopped a moment after its line, so it may have begun one epoch more; never two
    assert all(epoch <= max(e for t, e in trained if t == trial) + 1 for trial, epoch in done)
    assert any(trial.epochs == 9 for trial in study.trials)
    assert study.spent.epochs <= 36


def test_the_programs_of_a_program_end_with_it(tmp_path):
    child = tmp_path / "child"
    code = f"""
        import subprocess, sys, time
        p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(child)!r}, "w").write(str(p.pid))
        while True:
            print('{{"loss": 1.0}}')
            time.sleep(0.02)
    """
    run_inline(tw.Study(SPACE, metric="loss", max_epochs=3, budget=1, scheduler="full"), python(code))
    pid = int(child.read_text())
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, f"process {pid} of {os.getpid()} lives on"
        time.sleep(0.05)


def test_a_stopped_program_does_not_outlive_a_tunewell_that_is_killed(tmp_path):
    """It stands still by a signal, so it could not notice by itself."""
    (tmp_path / "program.py").write_text("import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)")
    code = """
        import os, sys, threading, time
        from pathlib import Path
        import tunewell as tw
        from tunewell.training.external_program import ExternalProgram

        run = tw.Run({}, seed=0, trial=0)
        command = ExternalProgram((sys.executable, "program.py"))
        threading.Thread(target=command, args=(run,), daemon=True).start()
        while not (run.on_pause and Path("pid").exists() and Path("pid").read_text()):
            time.sleep(0.01)
        run.on_pause()
        os.kill(os.getpid(), 9)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, check=False)
    pid = int((tmp_path / "pid").read_text())
    assert ended_within(pid, seconds=10)


def ended_within(pid, seconds):
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


# --- what was lost or invented


@pytest.mark.parametrize("value", ["nan", "null", '"NaN"', "-inf", "inf"])
def test_a_program_that_diverges_is_stopped_whatever_its_language_calls_it(value):
    code = f"""
        for value in ("0.5", '{value}', "0.4"):
            print('{{"loss": %s, "train_loss": 1.0}}' % value)
    """
    trial = tuned(python(code, metric="loss"), max_epochs=4).trials[0]
    assert (trial.state, trial.epochs) == (tw.TrialState.STOPPED, 2)


def test_a_progress_bar_on_the_output_hides_no_epoch():
    code = """
        import sys
        for epoch in range(4):
            sys.stdout.write(f"\\r {epoch * 25}%|##  |")
            print('{"loss": %d}' % epoch)
    """
    study = tuned(python(code, metric="loss"), max_epochs=4)
    assert [report.metrics["loss"] for report in study.reports()] == [0.0, 1.0, 2.0, 3.0]


def test_a_program_whose_last_report_is_cut_off_has_failed():
    code = """print('{"loss": 0.5}'); print('{"loss": 0.', end="")"""
    with pytest.raises(ReportError, match=r'ended with \{"loss": 0\.\n.*in the middle of a report'):
        alone(python(code, metric="loss"))
    with pytest.raises(ProgramFailed, match="exit code -9"):
        alone(python(f"{code}; import os, sys; sys.stdout.flush(); os.kill(os.getpid(), 9)", metric="loss"))
    assert len(alone(python("""print('{"loss": 0.5}', end="")""", metric="loss"))) == 1


def test_a_program_without_a_report_shows_what_it_printed():
    with pytest.raises(ReportError, match=r"printed:\nloss=0.5\n.*without a report"):
        alone(python("print('loss=0.5')"))


def test_a_long_folder_for_temporary_files_is_no_hindrance(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 120)
    long.mkdir()
    monkeypatch.setattr(program.tempfile, "tempdir", str(long))
    assert len(alone(python("import tunewell as tw; tw.report(loss=1.0)"))) == 1


def test_a_token_of_a_program_is_in_no_traceback():
    failing = python("import sys; print(sys.argv, file=sys.stderr); sys.exit(3)", "--token", "sesame", "--lr=1")
    with pytest.raises(ProgramFailed) as caught:
        alone(failing)
    assert "sesame" not in str(caught.value)
    assert "--token '***' --lr=1" in str(caught.value)
    with pytest.raises(ReportError) as caught:
        alone(python("pass", "--api-key=sesame"))
    assert "sesame" not in str(caught.value)


TRUTHS = tw.Space(amp=tw.Choice([True, False], default=False))


@pytest.mark.parametrize(
    ("value", "words"), [(True, ["--amp", "True", "x=True"]), (False, ["--no-amp", "False", "x=False"])]
)
def test_a_truth_is_a_flag_or_a_word(value, words):
    code = f"import json, sys\nprint(json.dumps({{'loss': 1.0 * (sys.argv[1:] == {words!r})}}))"
    run = tw.Run({"amp": value})
    python(code, "--{amp}", "{amp}", "x={amp}")(run)
    assert run.reports[0]["loss"] == 1.0


@pytest.mark.parametrize("command", [["--amp", "{amp}"], ["--amp={amp}"], ["-a", "{amp}"]])
def test_a_script_for_which_false_is_true_is_refused(tmp_path, command):
    script = tmp_path / "t.py"
    script.write_text(
        "parser.add_argument('-b', type=int)\nparser.add_argument(\n '-a', \"--amp\", default=False,\n type=bool)\n"
    )
    with pytest.raises(SpaceError, match=r"with type=bool, for which False is true; write action=argparse\.Bool"):
        ExternalProgram((sys.executable, str(script), *command)).check(TRUTHS)
    script.write_text("parser.add_argument('--amp', type=str)\nparser.add_argument('--other', type=bool)\n")
    ExternalProgram((sys.executable, str(script), *command)).check(TRUTHS)
