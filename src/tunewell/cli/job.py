"""The training that a command runs: a script's function, or a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunewell.advice import Options, advice, script_argument, words_of
from tunewell.cli.printing import print_lines
from tunewell.cli.settings import fill_in
from tunewell.cli.space_file import read_space
from tunewell.errors import ScriptError, SettingError
from tunewell.runners.trained import Trained
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.study import Study
from tunewell.training.run import Train
from tunewell.training.script import Script, load_script

if TYPE_CHECKING:
    from tunewell.logs.look import FoundMetrics
    from tunewell.scripts import FoundParameters

static_option = click.option(
    "--static", is_flag=True, help="Of a program without {placeholders}: read its source, and run nothing to find them."
)


class ProgramCommand(click.Command):
    """A command whose arguments after `--` are a program's."""

    takes_settings = True
    """What it trains may be named in a settings file."""
    otherwise = "SCRIPT"
    """What it takes where there is no program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Implement `click.Command.parse_args`: what stands after `--` is the parameter `program`."""
        cut = args.index("--") if "--" in args else len(args)
        if args[cut + 1 : cut + 2] and args[cut + 1].startswith("-"):
            # no program is called so: it is an argument that would be an option, and those of a program may follow
            cut = args.index("--", cut + 2) if "--" in args[cut + 2 :] else len(args)
        ctx.params["program"] = tuple(args[cut + 1 :])
        rest = super().parse_args(ctx, args[:cut])
        if self.takes_settings:
            fill_in(ctx)
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Implement `click.Command.collect_usage_pieces`."""
        trained = f"{self.otherwise} | -- PROGRAM..."
        before = [one.make_metavar(ctx) for one in self.params if isinstance(one, click.Argument) and one.required]
        # whoever names a study first may leave out what the study trains
        return ["[OPTIONS]", *before, f"[{trained}]" if before else trained]


@dataclass(frozen=True, slots=True)
class Job:
    """A training, and what its file says of it."""

    train: Train
    file: Script
    """The script, with what it defines for its study; no more than a space, if it is a program."""
    program: tuple[str, ...] = ()
    check: Callable[[Space], object] = lambda _: None
    """Raises a TunewellError if a program's placeholders are not the space's parameters."""
    space_file: str | None = None
    """The file that its space comes from, if not from itself."""
    typed: tuple[str, ...] = ()
    """The program as the user typed it, if its parameters were found."""
    static: bool = False
    """They were found, or would be, without running it."""
    found: FoundMetrics | None = None
    """Where a program's metrics are, if a first look has found them."""
    parameters: FoundParameters | None = None
    """What was found in a program, if its parameters were."""

    @property
    def name(self) -> str:
        """The name of its studies: `train` for `train.py`, `python -u train.py --lr {lr}` and `./train`."""
        scripts = [argument for argument in self._words if argument.endswith(".py")]
        return Path(scripts[0]).stem if scripts else self.file.path.stem

    @property
    def may_be_searched(self) -> bool:
        """True if its parameters may be found: nobody has named them, by a space or in the command."""
        from tunewell.training.external_program import placeholders  # noqa: PLC0415  as below

        return bool(self.program) and self.file.space is None and not placeholders(self.program)

    def with_parameters(self, *, epochs: int | None = None) -> Job:
        """Return the job with the parameters that are found in its program; print them.

        Raises:
            ScriptError: none are found.
            SettingError: they have to be confirmed.
        """
        from tunewell.cli.found_report import confirm, lines  # noqa: PLC0415  only who has no space needs it
        from tunewell.scripts import find_parameters  # noqa: PLC0415

        found = find_parameters(self.program, static=self.static)
        print_lines(lines(found), err=True)
        if found.to_confirm:
            confirm(self.program)
        return self.by(found if epochs is None else found.with_epochs(epochs))

    def by(self, found: FoundParameters) -> Job:
        """Return the job with these parameters."""
        from tunewell.training.external_program import ExternalProgram  # noqa: PLC0415  as below

        command = ExternalProgram(found.command)
        file = replace(self.file, space=found.space, epochs=found.epochs)
        typed = self.typed or self.program
        return replace(
            self,
            train=command,
            file=file,
            program=found.command,
            check=command.check,
            typed=typed,
            parameters=found,
        )

    def longer(self, epochs: int, metric: str) -> Train:
        """Return what trains a program whose length was found, with so many epochs."""
        assert self.parameters is not None
        return self.by(self.parameters.with_epochs(epochs)).train_for(metric)

    @property
    def may_be_longer(self) -> bool:
        """True for a program whose length was found, and can be set."""
        return self.parameters is not None and self.parameters.length is not None

    def train_for(self, metric: str) -> Train:
        """Return what trains a trial of a study of a metric; a program may print other JSON before its first report."""
        if not self.program:
            return self.train
        from tunewell.training.external_program import ExternalProgram  # noqa: PLC0415  only who tunes a program needs it

        return (
            ExternalProgram(self.program, metric)
            if self.found is None
            else ExternalProgram(self.program, metric, self.found)
        )

    def as_begun(self, study: Study) -> Job:
        """Return it with a program's metrics where the study has found them when it was begun, and with its length."""
        known = Trained.on_record(study)
        if not self.program or known is None:
            return self
        job = self
        if self.may_be_longer and self.parameters and study.max_epochs not in (None, self.parameters.epochs):
            job = self.by(self.parameters.with_epochs(study.max_epochs or 1))
        if not known.reads:
            return job
        from tunewell.logs.look import FoundMetrics  # noqa: PLC0415  only who tunes a program needs it

        return replace(job, found=FoundMetrics.from_dict(known.reads))

    def source(self, setting: Mapping[str, Value]) -> tuple[Path | None, Sequence[str] | None]:
        """Return the Python file that trains, and its arguments with a setting; None for what there is none of.

        Arguments are known where the program is Python's own call of the file.
        """
        if not self.program:
            return self.file.path, ()
        from tunewell.scripts.invocation import invocation  # noqa: PLC0415  only who tunes a program needs it
        from tunewell.training.external_program import ExternalProgram  # noqa: PLC0415  as above

        words = ExternalProgram(self.program).filled(self.needed_space().filled(setting))
        try:
            at, typed = invocation(words), invocation(self._words)
        except ScriptError:
            return None, None
        if at is not None and typed is not None and at.target != typed.target:
            at = typed  # what sets constants of the script, or entries of its file, stands before it
        if at is None or at.file is None or at.file.suffix != ".py":
            return None, None
        is_plain = at.how == "file" and not at.environment and at.before[:1] == at.python
        return at.file, at.arguments if is_plain else None

    def needed_space(self) -> Space:
        """Return its space.

        Raises:
            TunewellError: it has none.
        """
        if self.program and self.file.space is None:
            raise SettingError("a program needs a space, say what may be tuned: --space FILE.toml")
        return self.file.needed_space()

    def advice(self, command: str, options: Options, store: str | None = None) -> str:
        """Return a command that trains it, with these options, as the user types it."""
        return advice(command, *self._script, options=self._with_space(options), store=store, program=self._words)

    def words_of(self, command: str, options: Options) -> list[str]:
        """Return the words of a command that trains it, after that for tunewell itself."""
        return words_of(command, *self._script, options=self._with_space(options), program=self._words)

    @property
    def _words(self) -> tuple[str, ...]:
        """The program as the user types it."""
        return self.typed or self.program

    @property
    def _script(self) -> Sequence[str]:
        return () if self.program else (script_argument(self.file.path),)

    def _with_space(self, options: Options) -> Options:
        return {"--space": self.space_file, "--static": self.static, **options}


def job(
    script: str | None,
    program: tuple[str, ...],
    space_file: str | None,
    *,
    epochs: int | None = None,
    static: bool = False,
    search: bool = True,
) -> Job:
    """Return the training that the command line names.

    Args:
        script: a file with a training function; or
        program: the words of a program.
        space_file: where its space is, if not in the script.
        epochs: the length of a full training, if it is not the program's own.
        static: a program is read, and not run, to find its parameters.
        search: find the parameters of a program that names none.

    Raises:
        SettingError: it names nothing, or a script and a program.
        ScriptError: the script cannot be used.
    """
    if program and script:
        raise SettingError(f"give a script ({script}) or a program (after --), not both")
    space = read_space(Path(space_file)) if space_file else None
    if program:
        from tunewell.training.external_program import ExternalProgram  # noqa: PLC0415  only who tunes a program needs it

        command = ExternalProgram(program)
        named = Job(command, Script(Path(program[0]), space), program, command.check, space_file, static=static)
        return named.with_parameters(epochs=epochs) if search and named.may_be_searched else named
    if static:
        raise SettingError("--static is about finding the parameters of a program (after --); leave it out")
    if script is None:
        context = click.get_current_context(silent=True)
        called = context.command_path if context else "tunewell tune"
        raise SettingError(f"give a Python file that trains ({called} train.py), or a program after --")
    file = load_script(script)
    return Job(file.needed_train(), file if space is None else replace(file, space=space), space_file=space_file)
