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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewell.errors import CheckpointError, ReportError, ScriptError, SpaceError
from tunewell.logs.look import FILE, OBJECTS, FoundMetrics
from tunewell.near_names import nearest
from tunewell.space.params import Choice
from tunewell.space.space import Space
from tunewell.stores.redaction import redacted_command, redacted_talk
from tunewell.training.log_reading import LogReading
from tunewell.training.missed import say
from tunewell.training.own_checkpoints import FOLDER, GOING_ON, RESUME, BeganAgain, OwnCheckpoints, name_of
from tunewell.training.program import LoopMessage, Program, ProgramReport, Reading
from tunewell.training.report_lines import EpochLines
from tunewell.training.run import Run, RunEnded

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\??)\}")
"""With a question mark: where there is no such value, its word is left out."""
_FLAG = re.compile(r"--\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A word of its own, for a parameter that is True or False: `--amp` or `--no-amp`."""
_SWITCH = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*):([^{}|]*)\|([^{}|]*)\}")
"""The same, with the word for True and the one for False, of which one may be none: `{nesterov:--nesterov|}`.

It is False where there is no such value."""
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
    found: FoundMetrics = field(default_factory=FoundMetrics)
    """Where its metrics are; in lines of JSON, unless a first look has found them elsewhere."""

    def check(self, space: Space) -> None:
        """Find what cannot work before anything is trained.

        Raises:
            ScriptError: there is no such program.
            SpaceError: a placeholder is no parameter, or a parameter of several values is nowhere in the command.
        """
        program = self.arguments[0]
        if shutil.which(program) is None:
            raise ScriptError(f"there is no program {program!r}; give its path, or install it")
        used = placeholders(self.arguments)
        always = {*_ALWAYS, *((FOLDER, RESUME, *GOING_ON) if FOLDER in used else ())}
        known = {*space.names, *always}
        for name in sorted(used - known):
            near = nearest(name, known)
            hint = f"did you mean {{{near}}}?" if near else f"there are {', '.join(sorted(known))}"
            raise SpaceError(f"the command has {{{name}}}, which is no parameter of the space; {hint}")
        # a command with no placeholder at all reads TUNEWELL_PARAMS; one with some has forgotten those that are missing
        if missing := [name for name in space.names if used - always and name not in used]:
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
        own = OwnCheckpoints.of(self.arguments, run)
        # of a log that is gone on with it is not seen which epochs are new
        if own is not None and self.found.where != FILE and (values := own.values()):
            try:
                self._train(run, values, own)
            except BeganAgain as why:
                message = f"the program of trial {run.trial} {why}, in spite of {self._resuming}; it is trained anew"
                warnings.warn(message, RuntimeWarning, stacklevel=1)
            else:
                return
        if own is not None:
            own.clear()
        self._train(run, {}, own)

    def _train(self, run: Run, going_on: Mapping[str, object], own: OwnCheckpoints | None) -> None:
        """Run the program once; `going_on`: what lets it go on from its own checkpoint.

        Raises:
            BeganAgain: it did not.
        """
        reading = self._reading(run)
        program = Program(self.filled({**_values(run), **going_on}), _environment(run), reading)

        def begin() -> None:
            if own is not None and going_on:
                run.begin_after(own.done(reading.first_number))
            elif own is not None:
                own.note_first(reading.first_number)

        try:
            with program:
                run.on_pause, run.on_resume = program.stop, program.go_on
                _Conversation(program, run, begin).hold()
                code = program.exit_code
        finally:
            run.state_holder = None
            if program.went_on:
                message = f"the program of trial {run.trial} {program.went_on}"
                warnings.warn(message, RuntimeWarning, stacklevel=1)
        if going_on and not run.reports:
            raise BeganAgain(f"ended with exit code {code} before an epoch was over")
        if code != 0:
            raise ProgramFailed(self._failure(code, program.talk))
        if isinstance(reading, LogReading):
            if not run.reports:
                raise ReportError(self._without(program, reading.missing))
            return
        if reading.cut_off is not None:
            raise ReportError(
                f"the output of the program ended with {reading.cut_off[:200]}\n"
                f"{shlex.join(self.arguments)} ended in the middle of a report; see what ended it"
            )
        if not run.reports:
            if reading.numbers:
                run.report(**reading.numbers)  # a study refuses them for want of its metric, and tells their names
            metric = self.metric or "val_loss"
            mend = f'print a line of JSON after each epoch, such as {{"{metric}": 0.31}}, or call tunewell.report'
            raise ReportError(self._without(program, f"{mend}({metric}=0.31)"))

    @property
    def _resuming(self) -> str:
        """The words that let it go on, as the command has them."""
        return " ".join(word for word in self.arguments if placeholders([word]) & {RESUME, *GOING_ON})

    def begun(self, run: Run, reading: Reading) -> Program:
        """Return the program with the setting of a trial, ready to be started."""
        if (own := OwnCheckpoints.of(self.arguments, run)) is not None:
            own.clear()
        return Program(self.filled(_values(run)), _environment(run), reading)

    def _reading(self, run: Run) -> EpochLines | LogReading:
        """Return what reads the epochs of a trial."""
        if self.found.where == OBJECTS:
            return EpochLines(self.metric, say)
        path = self.found.path and Path(self.fill(self.found.path, run))
        return LogReading(self.found, self.metric or self.found.names[0], file=path or None)

    def filled(self, values: Mapping[str, object]) -> list[str]:
        """Return the arguments with these values. Only known names are placeholders: other braces are the program's."""

        def words(argument: str) -> Iterator[str]:
            flag, switch = _FLAG.fullmatch(argument), _SWITCH.fullmatch(argument)
            if flag and isinstance(values.get(flag[1]), bool):
                yield f"--{flag[1]}" if values[flag[1]] else f"--no-{flag[1]}"
            elif switch and isinstance(values.get(switch[1], False), bool):
                yield from filter(None, [switch[2] if values.get(switch[1]) else switch[3]])
            elif any(mark and name not in values for name, mark in _PLACEHOLDER.findall(argument)):
                return
            else:
                yield _filled(argument, values)

        return [word for argument in self.arguments for word in words(argument)]

    def fill(self, text: str, run: Run) -> str:
        """Return a text with the values of a trial in place of its placeholders."""
        return _filled(text, _values(run))

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

    def _without(self, program: Program, mend: str) -> str:
        """Return what there is to say of a program without a report."""
        talk = redacted_talk(program.talk, self.arguments)
        printed = f"the last lines that the program printed:\n{talk}\n" if talk else ""
        return f"{printed}{self._shown} ended without a report; {mend}"


def _values(run: Run) -> Mapping[str, object]:
    """Return what stands in the place of a trial's placeholders."""
    return {FOLDER: name_of(run), **run.params, "seed": run.seed, "trial": run.trial}


def _filled(text: str, values: Mapping[str, object]) -> str:
    return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


def placeholders(arguments: Sequence[str]) -> set[str]:
    """Return the names that a command has in braces."""
    named = {name for argument in arguments for name, _ in _PLACEHOLDER.findall(argument)}
    return named | {switch[1] for argument in arguments if (switch := _SWITCH.fullmatch(argument))}


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


@dataclass(slots=True)
class _Conversation:
    """The messages of a program to its run, and the replies; also what the run wants of a program that has its own."""

    program: Program
    run: Run
    begin: Callable[[], None]
    """Is called before the first report."""
    epochs: Iterator[int] = field(default_factory=lambda: iter(()))
    """The loop, of a program that has one."""
    waits: LoopMessage | None = None
    """The message to which no reply has been sent yet."""

    def hold(self) -> None:
        """Hand each report to the run, which may wait, until the program has ended."""
        while (message := self._receive()) is not None:
            try:
                if isinstance(message, LoopMessage):
                    self._loop(message)
                    continue
                if not self.run.reports:
                    self.begin()
                self.run.report(**message.metrics)
            except RunEnded:
                self.program.finish(message)
                raise
            message.answer(go=True)

    def _receive(self) -> ProgramReport | None:
        """Return the next report or message; what a program that has a run of its own prints is neither."""
        while True:
            message = self.program.receive()
            if message is None or message.asker is not None or self.waits is None:
                return message

    def _loop(self, message: LoopMessage) -> None:
        """Begin the program's loop, or let it go on, or end it."""
        self.waits = message
        if message.kind == "begin":
            self.run.state_holder = self if message.content.get("tracks") else None
            self.epochs = self.run.epochs(message.content.get("epochs") or 1)
        epoch = next(self.epochs, None)
        message.answer(go=epoch is not None, epoch=(epoch or 1) - 1, params=dict(self.run.params))

    def checkpoint(self, path: Path) -> int:
        """Implement `StateHolder.checkpoint`."""
        return int(self._wish("saved", save=str(path.absolute()))["size"])

    def restore(self, path: Path) -> int:
        """Implement `StateHolder.restore`."""
        return int(self._wish("restored", restore=str(path.absolute()))["epoch"])

    def _wish(self, done: str, **wish: str) -> Mapping[str, Any]:
        """Let the program do something now; return what it says of it."""
        assert self.waits is not None  # a run wants something only while its program waits
        self.waits.request(**wish)
        reply = self._receive()
        if isinstance(reply, LoopMessage) and reply.kind == done:
            return reply.content
        if isinstance(reply, LoopMessage) and reply.kind == "failed":
            why = str(reply.content.get("why"))
            raise CheckpointError(why) from (OSError(why) if reply.content.get("is_disk") else None)
        raise CheckpointError("the program ended, or reported, while it was to write or read its checkpoint")


def _environment(run: Run) -> dict[str, str]:
    return {
        "TUNEWELL_PARAMS": json.dumps(dict(run.params)),
        "TUNEWELL_TRIAL": str(run.trial),
        "TUNEWELL_SEED": str(run.seed),
        "PYTHONUNBUFFERED": "1",  # else a report would lie in a buffer while the training goes on
    }
