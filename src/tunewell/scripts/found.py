"""The result of a search: the hyperparameters of a script, and the command that sets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunewell.scripts.lacks import Lack
from tunewell.scripts.libraries.setting import HOLE
from tunewell.scripts.resuming import Resume
from tunewell.space.space import Space


@dataclass(frozen=True, slots=True)
class Layout:
    """A command in parts, so that words can be put where they belong."""

    before: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    """The script's own, of the user."""
    added: tuple[tuple[int | None, tuple[str, ...]], ...] = ()
    """What is added to them, and at which place; None for the end."""
    replaced: tuple[str, ...] = ()
    """`LR={lr}`: constants of a script, or entries of a file, that a launcher replaces."""
    launcher: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """Return the command."""
        arguments: list[str] = []
        for place in range(len(self.arguments) + 1):
            for at, words in self.added:
                if at == place and place < len(self.arguments):
                    arguments += words
            arguments += self.arguments[place : place + 1]
        for at, words in self.added:
            if at is None or at >= len(self.arguments):
                arguments += words
        if not self.replaced:
            return (*self.before, *arguments)
        return (*self.launcher, *self.replaced, "--", *self.before, *arguments)


@dataclass(frozen=True, slots=True)
class FoundParameters:
    """The hyperparameters of a program, and how a trial's values reach it."""

    space: Space
    layout: Layout
    epochs: int | None
    """The length of its training, by its own default."""
    length: tuple[int | None, tuple[str, ...]] | str | None
    """What sets the length: words with `{}` and their place, or an address of a constant or an entry; None: nothing."""
    left_out: Sequence[tuple[str, str]]
    """Name and reason of each setting that is not tuned."""
    lacks: Sequence[Lack]
    """What the script lacks, with the lines that add it."""
    resume: Resume | None
    """Its own way to go on from a checkpoint, as far as it is recognised."""
    how: str
    """What the settings were found by: `argparse at train.py:12`."""
    to_confirm: bool = False
    """They are no more than numbers that follow a flag, in a program that cannot be looked into."""

    @property
    def command(self) -> tuple[str, ...]:
        """The user's command with `{name}` where a trial's value goes."""
        return self.layout.words()

    def with_epochs(self, epochs: int) -> FoundParameters:
        """Return the same for trainings of another length, as far as the program can be given one."""
        if epochs == self.epochs or self.length is None:
            return replace(self, epochs=epochs)
        if isinstance(self.length, str):
            layout = replace(self.layout, replaced=(*self.layout.replaced, f"{self.length}={epochs}"))
        else:
            at, words = self.length
            filled = tuple(word.replace(HOLE, str(epochs)) for word in words)
            layout = replace(self.layout, added=(*self.layout.added, (at, filled)))
        return replace(self, layout=layout, epochs=epochs, length=None)
