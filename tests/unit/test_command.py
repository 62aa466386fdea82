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
from tunewell.adapters.command import Command, ProgramFailed
from tunewell.errors import ReportError, ScriptError, SpaceError
from tunewell.runners import run_inline

SPACE = tw.Space(rate=tw.Float(0.1, 0.9, default=0.5), hidden=tw.Int(1, 9, default=3))


def python(code, *arguments):
    return Command((sys.executable, "-c", textwrap.dedent(code), *arguments))


def alone(command):
    run = tw.Run(SPACE.defaults(), seed=7, trial=4)
    command(run)
    return run.reports


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


@pytest.mark.parametrize(
    ("command", "error", "named"),
    [
        (Command(("no-such-program", "{rate}")), ScriptError, "no-such-program"),
        (Command(("true", "{rat}")), SpaceError, r"\{rate\}"),
        (Command(("true", "{rate}")), SpaceError, "'hidden' is nowhere"),
    ],
)
def test_what_cannot_work_is_found_before_any_training(command, error, named):
    with pytest.raises(error, match=named):
        command.check(SPACE)


def test_a_command_with_no_placeholder_takes_its_setting_from_the_environment():
    Command(("true",)).check(SPACE)


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
        from tunewell.adapters.command import Command

        run = tw.Run({}, seed=0, trial=0)
        command = Command((sys.executable, "program.py"))
        threading.Thread(target=command, args=(run,), daemon=True).start()
        while not (Path("pid").exists() and Path("pid").read_text()):
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
