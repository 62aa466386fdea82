"""`tunewell`: finds a command's file when the command is asked for, and says in one line what goes wrong.

Exit codes: 0, all went well; 1, it did not; 2, what was asked for cannot be done as it was said; 130, interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import IO, Any

import click

from tunewell import __version__
from tunewell.errors import (
    RepeatedFailure,
    ReportError,
    ScriptError,
    SettingError,
    SpaceError,
    StoreError,
    StudyBusy,
    TunewellError,
)

_COMMANDS = ("tune", "space", "list", "show", "best", "export", "demo")
_BAD_INPUT = (SpaceError, SettingError, ScriptError, ReportError, StoreError)
INTERRUPTED = 130


class _Commands(click.Group):
    """The commands, each in a file of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  as click has it
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"tunewell.cli.{cmd_name}_command").command
        assert isinstance(command, click.Command)
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _in_one_line(with_traceback=False):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _in_one_line(with_traceback=ctx.params["traceback"]):
            return super().invoke(ctx)


@click.group(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="tunewell %(version)s")
@click.option("--traceback", is_flag=True, help="Show where in tunewell an error comes from.")
@click.pass_context
def cli(ctx: click.Context, *, traceback: bool) -> None:  # noqa: ARG001  read by _Commands
    """Find the hyperparameters that hold a neural network back.

    Begin with `tunewell demo`, or with your own: `tunewell tune train.py`. Data go to standard output, talk to
    standard error. Exit codes: 0 fine, 1 failed, 2 bad input, 130 interrupted.
    """
    if "NO_COLOR" in os.environ:
        ctx.color = False
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no ▁▂▃ shows something else instead
    cli(prog_name="tunewell")


class _OneLine(click.ClickException):
    """What went wrong, as the user sees it."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(" ".join(message.split()))
        self.exit_code = exit_code

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"{click.style('error:', fg='red', bold=True)} {self.message}", file=file, err=True)


@contextmanager
def _in_one_line(*, with_traceback: bool) -> Iterator[None]:
    """Inside, whatever goes wrong becomes a line and an exit code."""
    try:
        yield
    except (click.exceptions.Exit, click.Abort, _OneLine):
        raise
    except click.ClickException as error:
        hint = f" ({error.ctx.command_path} --help)" if isinstance(error, click.UsageError) and error.ctx else ""
        raise _OneLine(error.format_message().rstrip(".") + hint, error.exit_code) from None
    except KeyboardInterrupt:
        raise _OneLine("interrupted", INTERRUPTED) from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.EPIPE:
            raise  # the reader of our output has gone; click knows what to do
        if with_traceback:
            traceback.print_exc()
        elif isinstance(error, RepeatedFailure):
            click.echo(error.error.rstrip(), err=True)
        message, exit_code = _in_words(error)
        raise _OneLine(message, exit_code) from None


def _in_words(error: Exception) -> tuple[str, int]:
    if isinstance(error, TunewellError):
        return str(error), 2 if isinstance(error, _BAD_INPUT) and not isinstance(error, StudyBusy) else 1
    if isinstance(error, OSError):
        return str(error), 1
    return f"{type(error).__name__}: {error}; this is a defect of tunewell, and --traceback before the command shows it", 1
