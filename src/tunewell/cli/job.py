"""The training that a command runs: a script's function, or a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from tunewell.advice import Options, advice, script_argument, words_of
from tunewell.cli.settings import fill_in
from tunewell.cli.space_file import read_space
from tunewell.errors import SettingError
from tunewell.space.space import Space
from tunewell.space.values import Value
from tunewell.training.run import Train
from tunewell.training.script import Script, load_script


class ProgramCommand(click.Command):
    """A command whose arguments after `--` are a program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Implement `click.Command.parse_args`: what stands after `--` is the parameter `program`."""
        cut = args.index("--") if "--" in args else len(args)
        if args[cut + 1 : cut + 2] and args[cut + 1].startswith("-"):
            # no program is called so: it is an argument that would be an option, and those of a program may follow
            cut = args.index("--", cut + 2) if "--" in args[cut + 2 :] else len(args)
        ctx.params["program"] = tuple(args[cut + 1 :])
        rest = super().parse_args(ctx, args[:cut])
        fill_in(ctx)
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Implement `click.Command.collect_usage_pieces`."""
        trained = "SCRIPT | -- PROGRAM..."
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

    @property
    def name(self) -> str:
        """The name of its studies: `train` for `train.py`, `python -u train.py --lr {lr}` and `./train`."""
        scripts = [argument for argument in self.program if argument.endswith(".py")]
        return Path(scripts[0]).stem if scripts else self.file.path.stem

    def train_for(self, metric: str) -> Train:
        """Return what trains a trial of a study of a metric; a program may print other JSON before its first report."""
        from tunewell.training.external_program import ExternalProgram  # noqa: PLC0415  only who tunes a program needs it

        return ExternalProgram(self.program, metric) if self.program else self.train

    def source(self, setting: Mapping[str, Value]) -> tuple[Path | None, Sequence[str] | None]:
        """Return the Python file that trains, and its arguments with a setting; None for what there is none of.

        Arguments are known where the program is Python's own call of the file.
        """
        if not self.program:
            return self.file.path, ()
        from tunewell.training.external_program import ExternalProgram  # noqa: PLC0415  only who tunes a program needs it

        words = ExternalProgram(self.program).filled(self.needed_space().filled(setting))
        at = next((i for i, word in enumerate(words) if word.endswith(".py") and Path(word).is_file()), None)
        if at is None:
            return None, None
        is_python = (
            at > 0 and Path(words[0]).name.startswith("python") and all(one.startswith("-") for one in words[1:at])
        )
        return Path(words[at]), words[at + 1 :] if is_python else None

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
        return advice(command, *self._script, options=self._with_space(options), store=store, program=self.program)

    def words_of(self, command: str, options: Options) -> list[str]:
        """Return the words of a command that trains it, after that for tunewell itself."""
        return words_of(command, *self._script, options=self._with_space(options), program=self.program)

    @property
    def _script(self) -> Sequence[str]:
        return () if self.program else (script_argument(self.file.path),)

    def _with_space(self, options: Options) -> Options:
        return {"--space": self.space_file, **options}


def job(script: str | None, program: tuple[str, ...], space_file: str | None) -> Job:
    """Return the training that the command line names.

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
        return Job(command, Script(Path(program[0]), space), program, command.check, space_file)
    if script is None:
        context = click.get_current_context(silent=True)
        called = context.command_path if context else "tunewell tune"
        raise SettingError(f"give a Python file that trains ({called} train.py), or a program after --")
    file = load_script(script)
    return Job(file.needed_train(), file if space is None else replace(file, space=space), space_file=space_file)
