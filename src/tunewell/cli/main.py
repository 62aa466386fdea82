"""`tunewell`: loads a command's file when the command is called, and prints in one line what goes wrong.

Exit codes: 0, all went well; 1, it did not; 2, bad input, nothing was trained; 130, interrupted.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any

import click

from tunewell import __version__
from tunewell.cli.echo import echo
from tunewell.errors import (
    ProbeFailed,
    RecordError,
    RepeatedFailure,
    ReportError,
    ScriptError,
    SettingError,
    SpaceError,
    StoreError,
    StudyBusy,
    TunewellError,
)
from tunewell.near_names import nearest, perhaps

_SUMMARIES = {
    "tune": "Find the best setting of a Python file or of any program.",
    "worker": "Train trials of a study beside those who train it already.",
    "retry": "Let failed trials be trained on.",
    "babysit": "Train one model and watch it, with a hand on it.",
    "steer": "Send a command to trials while they train.",
    "propose": "Propose a setting to a study.",
    "web": "Show studies in a browser, live, and steer them there.",
    "replay": "Print the values of a trial's parameters by epoch.",
    "space": "Show what a space draws.",
    "init": "Find the hyperparameters of a script.",
    "config": "Show the settings in force.",
    "completion": "Let the shell complete commands, studies and trials.",
    "list": "List the studies on record.",
    "show": "Show a study and its trials, the best first.",
    "best": "Print the best setting of a study.",
    "plan": "Show when a study will have spent its budget.",
    "importance": "Show which parameters mattered.",
    "report": "Write what was found to one HTML file.",
    "export": "Write a study to a file, or send it to a tracker.",
    "merge": "Copy the studies of several stores to one.",
    "import": "Take runs of a tracker into a study.",
    "diagnose": "Find what holds a training run back.",
    "inspect": "Look for mistakes in a training program.",
    "check": "Check whether a training can be repeated and resumed.",
    "lr-find": "Find a learning rate by a short training at rising ones.",
    "scale-check": "Carry a learning rate from small sizes to a large one.",
    "rescue": "Find out why a training is stuck, and get it unstuck.",
    "fit": "Tune and train a network on a table.",
    "predict": "Predict the rows of a table by such a network.",
    "mcp": "Serve studies to an agent.",
    "demo": "Tune a network on handwritten digits.",
}
"""The commands, each in a file of its own, with what `--help` says of it: to load all for that takes a second."""

_BAD_INPUT = (SpaceError, SettingError, ScriptError, ReportError, RecordError, StoreError)
INTERRUPTED = 130
_BAD_INPUT_CODE = 2
_COLOR = False if os.environ.get("NO_COLOR") else None  # None: on a terminal


class _Commands(click.Group):
    """The commands, each in a file of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  as click has it
        return [*_SUMMARIES]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([*_SUMMARIES.items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return _loaded(cmd_name) if cmd_name in _SUMMARIES else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _SUMMARIES and not args[0].startswith("-"):
            near = nearest(args[0], _SUMMARIES)
            mend = f"did you mean {near}?" if near else f"there are {', '.join(_SUMMARIES)}"
            raise click.UsageError(f"there is no command {args[0]!r}; {mend}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _check_not_empty(ctx, command, rest)
            _take_settings(ctx, str(name), command, rest)
        return name, command, rest

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _in_one_line(with_traceback=False):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_line(with_traceback=ctx.params["traceback"], ctx=ctx):
            return super().invoke(ctx)


def _loaded(name: str) -> click.Command:
    """Return a command, from its file."""
    command = import_module(f"tunewell.cli.{name.replace('-', '_')}_command").command
    assert isinstance(command, click.Command)
    return command


COMMANDS: Mapping[str, Callable[[], click.Command]] = {name: partial(_loaded, name) for name in _SUMMARIES}
"""All commands by name, each loaded when it is called for."""


def _take_settings(ctx: click.Context, name: str, command: click.Command, args: list[str]) -> None:
    """Let a command have the settings of a file and of the environment, unless it is to print no more than its help."""
    own = args[: args.index("--")] if "--" in args else args
    if not command.params or {*own} & {*ctx.help_option_names}:
        return
    from tunewell.cli.settings_file import is_switched_off, settings_file  # noqa: PLC0415  --help needs none of it

    named = ctx.params["settings"]
    if is_switched_off(named):
        return
    file, note = settings_file(named)
    if note is not None:
        echo(f"{click.style('warning:', fg='yellow', bold=True)} {note}", err=True)
    if file is None and not any(variable.startswith("TUNEWELL_") for variable in os.environ):
        return
    from tunewell.cli.settings import in_force, take_settings  # noqa: PLC0415  where there are some

    take_settings(ctx, name, own, in_force(name, file, COMMANDS))


def _check_not_empty(ctx: click.Context, command: click.Command, args: list[str]) -> None:
    """Refuse an option or an argument that is empty, as a variable is that a shell has not set: it is no default."""
    params = {name: param for param in command.params for name in param.opts}
    takes_many = any(param.nargs == -1 for param in command.params)
    for before, arg in zip(["", *args], args, strict=False):
        if arg == "--":  # what follows is of a program
            return
        option, equals, value = arg.partition("=")
        if equals and not value.strip() and option.startswith("--"):
            before = option  # noqa: PLW2901
        elif arg.strip():
            continue
        param = params.get(before)
        if isinstance(param, click.Option) and not param.is_flag:
            raise click.UsageError(f"{before} is empty; give it {param.metavar or 'a value'}, or leave it out", ctx)
        if not takes_many and not equals:
            raise click.UsageError(f"an argument is empty; give {command.name} what is meant, or leave it out", ctx)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "color": _COLOR},
)
@click.version_option(__version__, message="tunewell %(version)s")
@click.option(
    "--settings",
    metavar="FILE|none",
    help="The settings file.  [default: $TUNEWELL_SETTINGS, else tunewell.toml or pyproject.toml, here or above]",
)
@click.option("--traceback", is_flag=True, help="Show where in tunewell an error comes from.")
@click.pass_context
def cli(ctx: click.Context, *, settings: str | None, traceback: bool) -> None:  # noqa: ARG001  read by _Commands
    """Find the hyperparameters that hold a neural network back.

    Begin with `tunewell demo`, or with your own: `tunewell tune train.py`. Data go to standard output, messages
    to standard error. Exit codes: 0 fine, 1 failed, 2 bad input, 130 interrupted.
    """
    if ctx.invoked_subcommand is None:
        echo(ctx.get_help())


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no ▁▂▃ shows something else instead
    try:
        cli(prog_name="tunewell")
    except SystemExit as end:
        # threads that compute on after Ctrl-C would have an interpreter that ends in order abort
        if (unwinding := sys.modules.get("tunewell.training.unwinding")) is not None and unwinding.some_compute():
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(end.code if isinstance(end.code, int) else 0 if end.code is None else 1)
        raise


@contextmanager
def _in_one_line(*, with_traceback: bool, ctx: click.Context | None = None) -> Iterator[None]:
    """Turn whatever goes wrong inside into a line and an exit code; `ctx`: has the settings that are in force."""
    try:
        yield
    except (click.exceptions.Exit, click.Abort):
        raise
    except (Exception, KeyboardInterrupt) as error:
        from tunewell.display.formatting import shortened  # noqa: PLC0415  where all goes well nobody needs it

        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise  # the reader of our output has gone; click knows what to do
        if with_traceback:
            echo(traceback.format_exc().rstrip(), err=True)
        elif isinstance(error, RepeatedFailure | ProbeFailed) and len(error.error.strip().splitlines()) > 1:
            echo(shortened(error.error.rstrip()), err=True)  # the traceback of the user's code, which is what they need
        message, exit_code = _in_words(error)
        if exit_code == _BAD_INPUT_CODE and ctx is not None:
            from tunewell.cli.settings import with_origins  # noqa: PLC0415  where all goes well nobody needs it

            message = with_origins(message, ctx)
        echo(
            f"{click.style('error:', fg='red', bold=True)} {shortened(_line(message))}",
            err=True,
            color=_COLOR,
        )
        raise click.exceptions.Exit(exit_code) from None


def _line(message: str) -> str:
    """Return a message in one line; blanks inside a line, as in a name, stay as they are."""
    return " ".join(line.strip() for line in message.splitlines() if line.strip())


def _usage(error: click.UsageError) -> str:
    """Return what is wrong with the command as it was given, and what was probably meant."""
    context = error.ctx
    if isinstance(error, click.NoSuchOption) and context is not None:
        known = [name for param in context.command.get_params(context) for name in param.opts if name.startswith("--")]
        near = nearest(error.option_name, known)
        return f"there is no option {error.option_name}{'' if near is None else f'; did you mean {near}?'}"
    if isinstance(error, click.BadParameter) and error.param is not None and isinstance(error.param.type, click.Choice):
        given = re.search(r"'(.*?)' is not one of", error.message)
        return error.format_message().rstrip(".") + (perhaps(given[1], error.param.type.choices) if given else "")
    return error.format_message()


def _in_words(error: BaseException) -> tuple[str, int]:
    """Return the line and the exit code of an error."""
    match error:
        case click.UsageError():
            hint = f" ({error.ctx.command_path} --help)" if error.ctx else ""
            return _usage(error).rstrip(".") + hint, 2
        case click.ClickException():
            return error.format_message(), error.exit_code
        case StudyBusy():
            return str(error), 1
        case TunewellError():
            return str(error), 2 if isinstance(error, _BAD_INPUT) and not error.after_training else 1
        case OSError():
            return str(error), 1
        case KeyboardInterrupt():
            return "interrupted", INTERRUPTED
    return f"{type(error).__name__}: {error}; this is a defect of tunewell (tunewell --traceback ... shows where)", 1
