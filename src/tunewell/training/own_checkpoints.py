"""The checkpoints that a program writes by itself, from which its own flag lets it go on.

A command that has `{trial_folder}` in it gives each trial a folder of its own. When the trial begins anew, this is
empty. When it has epochs on record, and the program has saved something there, the words with these placeholders are
filled; otherwise they are left out:

* `{checkpoint?}`: the newest checkpoint in the folder; `{checkpoint_folder?}`: the folder, for one that looks there,
* `{resume:--resume|}`: a switch, of a program that looks for its checkpoint itself,
* `{epochs_done?}` and `{next_epoch?}`: for a program that counts its epochs from 0, and for one that does from 1.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewell.training.run import Run

FOLDER, RESUME = "trial_folder", "resume"
GOING_ON = ("checkpoint", "checkpoint_folder", "epochs_done", "next_epoch")
"""What a trial that begins at the beginning has none of."""
_FOLDER_IN = re.compile(r"(?:^--?[^=]*=|^)(.*\{" + FOLDER + r"\})")
_SUFFIXES = frozenset(
    ".pt .pth .ckpt .tar .bin .keras .h5 .hdf5 .npz .npy .pkl .pickle .joblib .safetensors .msgpack .t7 .model".split()  # noqa: SIM905  a list of that length is not read
)
_LAST, _BEST = re.compile(r"last|latest|resume|state", re.IGNORECASE), re.compile(r"best|top|final", re.IGNORECASE)
_OF_TRAINER = re.compile(r"(checkpoint|ckpt|step|epoch|iter)\w*[-_=](\d+)")
"""Folders that are a checkpoint: `checkpoint-500`."""
_OF_LOOK = "study-none"
"""Where a program saves while its first epochs are looked at."""
_FIRST_NUMBERS = (0.0, 1.0)


class BeganAgain(Exception):
    """A program did not go on from its checkpoint; the message says what it did."""


@dataclass(frozen=True, slots=True)
class OwnCheckpoints:
    """The folder of a trial, in which its program saves."""

    folder: Path
    on_record: int
    """The epochs that the trial has on record."""

    @classmethod
    def of(cls, arguments: Sequence[str], run: Run) -> OwnCheckpoints | None:
        """Return those of a trial; None if the command gives it no folder."""
        found = next((match for word in arguments if (match := _FOLDER_IN.match(word))), None)
        if found is None:
            return None
        return cls(Path(found[1].replace(f"{{{FOLDER}}}", name_of(run))), run.on_record)

    @property
    def first_number(self) -> float:
        """The number that the program gave the trial's first epoch; NaN if it is not known."""
        try:
            return float(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return math.nan

    def note_first(self, number: float) -> None:
        """Take note of it."""
        if number in _FIRST_NUMBERS:
            self._note.write_text(f"{number:g}\n", encoding="utf-8")

    @property
    def _note(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.first")

    def clear(self) -> None:
        """Make the folder anew, for a trial that begins at the beginning."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.folder.parents[1] / _OF_LOOK, ignore_errors=True)  # which is over by now
        self._note.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def values(self) -> Mapping[str, object]:
        """Return what fills the placeholders of a trial that goes on; {} if it cannot."""
        newest = newest_in(self.folder) if self.on_record and not math.isnan(self.first_number) else None
        if newest is None:
            return {}
        at = (newest, self.folder, self.on_record, self.on_record + 1)
        return {RESUME: True, **dict(zip(GOING_ON, at, strict=True))}

    def done(self, number: float) -> int:
        """Return how many epochs a program that goes on had done, when it gives its first epoch this number.

        Raises:
            BeganAgain: it did not go on, or from further than there is on record.
        """
        if math.isnan(number):
            raise BeganAgain("numbers no epochs, so that it is not known where it goes on")
        done = int(number - self.first_number)
        if done <= 0:
            raise BeganAgain("began again at its first epoch")
        if done > self.on_record:
            raise BeganAgain(f"went on after epoch {done}, of which {self.on_record} are on record")
        return done


def name_of(run: Run) -> str:
    """Return the folder of a trial, below the one where its program saves."""
    return f"{f'study-{run.study}' if run.study else _OF_LOOK}/trial-{run.trial}"


def newest_in(folder: Path) -> Path | None:
    """Return the newest checkpoint in a folder, or below: rather the last one than the best; None if there is none."""
    found: list[tuple[bool, bool, int, float, Path]] = []
    for path in folder.rglob("*"):
        numbered = _OF_TRAINER.search(path.name)
        is_folder = path.is_dir()
        if is_folder and numbered is None:
            continue
        if not is_folder and (path.suffix not in _SUFFIXES or _is_inside_one(path, folder)):
            continue
        number = int(numbered[2]) if numbered is not None and is_folder else 0
        is_last = _LAST.search(path.stem) is not None
        found.append((is_last, _BEST.search(path.stem) is None, number, path.stat().st_mtime, path))
    return max(found)[-1] if found else None


def _is_inside_one(path: Path, folder: Path) -> bool:
    """Return True for a file in `checkpoint-500/`, which is a checkpoint as a whole."""
    return any(_OF_TRAINER.search(above.name) for above in path.relative_to(folder).parents if above.name)
