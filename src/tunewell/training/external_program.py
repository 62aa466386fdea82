"""Any program, in any language, as a training function.

The program is started with the trial's setting in its arguments and its environment. It reports a line of JSON an
epoch: on its standard output, or through the local socket that `TUNEWELL_SOCKET` names, where it waits for the
answer. While its trial is paused the whole process group is stopped by a signal.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.errors import ReportError, ScriptError, SpaceError
from tunewell.near_names import nearest
from tunewell.space.params import Choice
from tunewell.space.space import Space
from tunewell.stores.redaction import redacted_command, redacted_talk
from tunewell.training.program import Program
from tunewell.training.run import Run, RunEnded

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FLAG = re.compile(r"--\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A word of its own, for a parameter that is True or False: `--amp` or `--no-amp`."""
_TAKES_FALSE_FOR_TRUE = r"""add_argument\(\s*(?:["'][^"']+["']\s*,\s*)*["']{option}["'][^()]*type\s*=\s*bool\b"""
"""An argument of argparse that is True whatever its text is."""
_ALWAYS = ("seed", "trial")
"""Placeholders that are filled besides the parameters."""


class ProgramFailed(RuntimeError):
    """A trial's program ended with an error; its last lines are in the message."""


@dataclass(frozen=True, slots=True)
class ExternalProgram:
    """A program and its arguments, with `{placeholders}` for the parameters."""

    arguments: Sequence[str]
    metric: str | None = None
    """What is optimized. Lines of JSON that the program prints before the first one that has it are no reports."""

    def check(self, space: Space) -> None:
        """Find what cannot work before anything is trained.

        Raises:
            ScriptError: there is no such program.
            SpaceError: a placeholder is no parameter, or a parameter of several values is nowhere in the command.
        """
        program = self.arguments[0]
        if shutil.which(program) is None:
            raise ScriptError(f"there is no program {program!r}; give its path, or install it")
        known = {*space.names, *_ALWAYS}
        used = {name for argument in self.arguments for name in _PLACEHOLDER.findall(argument)}
        for name in sorted(used - known):
            near = nearest(name, known)
            hint = f"did you mean {{{near}}}?" if near else f"there are {', '.join(sorted(known))}"
            raise SpaceError(f"the command has {{{name}}}, which is no parameter of the space; {hint}")
        # a command with no placeholder at all reads TUNEWELL_PARAMS; one with some has forgotten those that are missing
        if missing := [name for name in space.names if used - set(_ALWAYS) and name not in used]:
            raise SpaceError(
                f"parameter {missing[0]!r} is nowhere in the command; add {{{missing[0]}}}, or take it from the space"
            )
        self._check_truth(space)

    def _check_truth(self, space: Space) -> None:
        """Check that True and False reach the program as such."""
        truths = {name for name, param in space.params.items() if isinstance(param, Choice) and _is_truth(param)}
        texts = [(word, text) for word in self.arguments if (text := _python(word)) is not None]
        for before, word in zip(("", *self.arguments), (*self.arguments, ""), strict=True):
            option, _, value = word.partition("=") if word.startswith("-") else (before, "", word)
            name = _PLACEHOLDER.fullmatch(value)
            if name is None or name[1] not in truths or not option.startswith("-"):
                continue
            for file, text in texts:
                if re.search(_TAKES_FALSE_FOR_TRUE.format(option=re.escape(option)), text):
                    raise SpaceError(
                        f"{name[1]}: {file} takes {option} with type=bool, for which False is true; write "
                        f"action=argparse.BooleanOptionalAction there, and --{{{name[1]}}} in the command"
                    )

    def __call__(self, run: Run) -> None:
        """Run the program once, as a trial.

        Raises:
            ProgramFailed: it ended with an exit code other than 0.
            ReportError: it ended without a report, or in the middle of one, or printed one that cannot be read.
        """
        program = Program(
            self.filled({**run.params, "seed": run.seed, "trial": run.trial}), _environment(run), metric=self.metric
        )
        try:
            with program:
                run.on_pause, run.on_resume = program.stop, program.go_on
                _pass_on_reports(program, run)
                code = program.exit_code
        finally:
            if program.went_on:
                message = f"the program of trial {run.trial} {program.went_on}"
                warnings.warn(message, RuntimeWarning, stacklevel=1)
        if code != 0:
            raise ProgramFailed(self._failure(code, program.talk))
        if program.cut_off is not None:
            raise ReportError(
                f"the output of the program ended with {program.cut_off[:200]}\n"
                f"{shlex.join(self.arguments)} ended in the middle of a report; see what ended it"
            )
        if not run.reports:
            self._complain(program, run)

    def filled(self, values: Mapping[str, object]) -> list[str]:
        """Return the arguments with these values. Only known names are placeholders: other braces are the program's."""

        def fill(found: re.Match[str]) -> str:
            return str(values.get(found[1], found[0]))

        def word(argument: str) -> str:
            flag = _FLAG.fullmatch(argument)
            if flag and isinstance(values.get(flag[1]), bool):
                return f"--{flag[1]}" if values[flag[1]] else f"--no-{flag[1]}"
            return _PLACEHOLDER.sub(fill, argument)

        return [word(argument) for argument in self.arguments]

    # The messages name the command as the user gave it: errors that end with the same line are one error, and a study
    # that meets the same one again and again stops. With the arguments filled in, each trial's would be another.

    def _failure(self, code: int | None, talk: str) -> str:
        what = f"{self._shown} ended with exit code {code}"
        talk = redacted_talk(talk, self.arguments)
        return f"{what}; its last lines:\n{talk}" if talk else f"{what} and said nothing"

    @property
    def _shown(self) -> str:
        """The command, with none of its secrets."""
        return shlex.join(redacted_command(self.arguments))

    def _complain(self, program: Program, run: Run) -> None:
        """Raise what there is to say of a program without a report."""
        if program.numbers:
            run.report(**program.numbers)  # a study refuses them for want of its metric, and tells their names
        metric = self.metric or "val_loss"
        talk = redacted_talk(program.talk, self.arguments)
        printed = f"the last lines that the program printed:\n{talk}\n" if talk else ""
        raise ReportError(
            f"{printed}{self._shown} ended without a report; print a line of JSON after each epoch, "
            f'such as {{"{metric}": 0.31}}, or call tunewell.report({metric}=0.31)'
        )


def _is_truth(param: Choice) -> bool:
    return all(isinstance(value, bool) for value in param.values)


def _python(word: str) -> str | None:
    """Return the text of a Python file that a word of the command names; None if it names none."""
    if not word.endswith(".py"):
        return None
    try:
        return Path(word).read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def _pass_on_reports(program: Program, run: Run) -> None:
    """Hand each report to the run, which may wait, until the program has ended."""
    while (report := program.receive()) is not None:
        try:
            run.report(**report.metrics)
        except RunEnded:
            program.finish(report)
            raise
        report.answer(go=True)


def _environment(run: Run) -> dict[str, str]:
    return {
        "TUNEWELL_PARAMS": json.dumps(dict(run.params)),
        "TUNEWELL_TRIAL": str(run.trial),
        "TUNEWELL_SEED": str(run.seed),
        "PYTHONUNBUFFERED": "1",  # else a report would lie in a buffer while the training goes on
    }
