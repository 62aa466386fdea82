"""`tunewell diagnose`: what holds a run back, on what evidence, and the change to make next."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from tunewell.cli.echo import echo
from tunewell.cli.job import ProgramCommand, job, static_option
from tunewell.cli.metric_options import Metric, metric_options
from tunewell.cli.options import json_option, store_option
from tunewell.cli.printing import print_json, print_lines, stdout_to_stderr
from tunewell.errors import SettingError, StoreError


class DiagnoseCommand(ProgramCommand):
    """The command, which trains only if that is wanted: a settings file does not name its source."""

    takes_settings = False
    otherwise = "FILE|STUDY|-"


_FILES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".log")


@click.command("diagnose", cls=DiagnoseCommand)
@click.argument("source", required=False, metavar="[FILE|STUDY|-]")
@click.option("--trial", "number", type=int, metavar="N", help="Which trial of the study.  [default: the best]")
@click.option("--columns", metavar="CURVE=COLUMN,...", help="What columns hold: train_loss=loss_tr,val_accuracy=acc_te")
@click.option("--run", "run", type=click.IntRange(1), metavar="N", help="Which run of a file.  [default: the last]")
@click.option("--probe", "probed", is_flag=True, help="Train a Python file, or a program, and experiment with it.")
@click.option("--space", "space_file", metavar="FILE", help="With --probe: the space, in place of what is found.")
@static_option
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="With --probe: of the training as it is.")
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Of the run: lr=0.1, n_classes=10; with --probe, what is not the default.",
)
@click.option("--target", type=float, metavar="X", help="What is known to be possible; a run far below is not healthy.")
@click.option("--metric", metavar="NAME", help="Of what --target is.  [default: val_accuracy, or what there is]")
@metric_options
@click.option("--seed", type=click.IntRange(0), metavar="N", help="With --probe: same seed, same result.  [default: 0]")
@click.option("--curves/--no-curves", "drawn", default=None, help="Draw the curves.  [default: on a terminal]")
@store_option
@json_option
def command(
    *,
    source: str | None,
    program: tuple[str, ...],
    number: int | None,
    columns: str | None,
    run: int | None,
    probed: bool,
    space_file: str | None,
    static: bool,
    epochs: int | None,
    settings: tuple[str, ...],
    target: float | None,
    metric: str | None,
    pattern: str | None,
    log_file: str | None,
    seed: int | None,
    drawn: bool | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Find what holds a training run back.

    FILE is what a training printed (of Keras, PyTorch, Hugging Face, Lightning, fastai or one's own), a CSV file or
    another table of curves, a record in JSON, or TensorBoard's event files; - is standard input, which is read by
    itself where text comes from it. STUDY is on record in the store, the newest if neither is given. Settings that
    the record lacks, such as lr, optimizer, batch_size, n_train, n_classes and task, make the result much surer:
    --set gives them. With --probe, FILE is a Python file as `tunewell tune` takes it, or there is a PROGRAM after --:
    it is trained, and experimented with.
    """
    from tunewell.cli import diagnosis_report  # noqa: PLC0415  the rules are many, and --help needs none of them
    from tunewell.diagnosis import Possible  # noqa: PLC0415  as above

    only_then = {
        "--epochs": epochs,
        "--seed": seed,
        "--space": space_file,
        "--static": static or None,
        "--pattern": pattern,
        "--log-file": log_file,
    }
    _check_probe(source, program, probed=probed, only_then=only_then)
    drawn = sys.stdout.isatty() if drawn is None else drawn
    if metric is not None and target is None and not program:
        raise SettingError(f"--metric {metric!r} says of what a target is; give that, --target X, or leave it out")
    possible = None if target is None else Possible(target, metric)
    if probed:
        from tunewell.cli import probe_report  # noqa: PLC0415  only who trains needs it

        with stdout_to_stderr():
            to_train = job(source, program, space_file, epochs=epochs, static=static)
            wanted = Metric(metric if program else None, pattern=pattern, log_file=log_file)
            probed_run = probe_report.probed(to_train, wanted, settings, epochs, seed or 0, possible)
        if as_json:
            print_json(probe_report.record(probed_run))
            return
        print_lines(probe_report.lines(source or to_train.name, probed_run, drawn=drawn))
        return
    piped = _piped() if source == "-" or (source is None and number is None and store is None) else None
    if piped is not None and (piped.strip() or source == "-"):
        name = "standard input"
        diagnosis, source_read = diagnosis_report.of_text(name, piped, _columns(columns), run, settings, possible)
    elif source is not None and _is_file(source):
        if number is not None:
            raise SettingError(f"--trial {number} is for a study, and {source!r} is a file; leave it out")
        diagnosis, source_read = diagnosis_report.of_file(Path(source), _columns(columns), run, settings, possible)
        name = Path(source).name
    else:
        for option, value in (("--columns", columns), ("--run", run)):
            if value is not None:
                raise SettingError(f"{option} {value!r} is for a file; a study knows its metrics by name")
        try:
            name, diagnosis = diagnosis_report.of_trial_of(source, number, store, settings, possible)
        except StoreError as error:
            if piped is None:
                raise
            raise StoreError(f"standard input is empty, and there is no study in its place: {error}") from error
        source_read = None
    if source_read is not None:
        echo(source_read, err=True)
    if as_json:
        print_json([finding.as_dict() for finding in diagnosis.findings])
        return
    print_lines(diagnosis_report.lines(name, diagnosis, drawn=drawn))


def _check_probe(source: str | None, program: Sequence[str], *, probed: bool, only_then: Mapping[str, object]) -> None:
    """Check that the source and the options fit together."""
    for option, value in only_then.items():
        if value is not None and not probed:
            raise SettingError(f"{option} is for --probe, which trains; say that too, or leave it out")
    if program and not probed:
        raise SettingError("a program (after --) is diagnosed by training it: say --probe too, or give its log")
    is_script = source is not None and Path(source).suffix == ".py"
    if is_script and not probed:
        raise SettingError(f"{source} is a Python file; say --probe to train it and experiment with it")
    if probed and not is_script and not program:
        what = f"got {source}" if source else "such as tunewell diagnose --probe -- python train.py"
        raise SettingError(f"--probe needs the Python file that is to be trained, or a program after --, {what}")


def _piped() -> bytes | None:
    """Return what comes from standard input; None where that is a terminal, or is closed."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    return sys.stdin.buffer.read()


def _is_file(source: str) -> bool:
    """Return True for a path that exists, or a name that can only be meant as one."""
    path = Path(source)
    return path.exists() or path.suffix.lower() in _FILES or len(path.parts) > 1


def _columns(text: str | None) -> dict[str, str]:
    """Parse `train_loss=loss_tr,val_loss=loss_te`."""
    pairs = [pair.partition("=") for pair in (text or "").split(",") if pair.strip()]
    for curve, equals, column in pairs:
        if not (curve.strip() and equals and column.strip()):
            raise SettingError(f"--columns takes CURVE=COLUMN,... such as train_loss=loss_tr, got {text!r}")
    return {curve.strip(): column.strip() for curve, _, column in pairs}
