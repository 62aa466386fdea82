"""The training of a study, as its record has it: a study that is gone on with is not to train another unnoticed.

An event `trains` has it: when the study is begun, and whenever it has changed. It is the words of a program, with none
of their secrets, the file of a script, or the name of a function; and, of the files that they name, a digest each.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import shlex
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from tunewell.logs.look import FoundMetrics
from tunewell.stores.redaction import redacted_command
from tunewell.study import Study
from tunewell.training.external_program import ExternalProgram
from tunewell.training.function import LongerTrain
from tunewell.training.run import Train
from tunewell.training.script import ScriptTrain

TRAINS = "trains"
"""The kind of the event."""
_LARGEST_FILE = 2**22
"""Bytes: a script or a configuration has fewer, and data may have so many that to read them takes its time."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The words that name a training, and the texts that these name."""

    words: Sequence[str]
    """The command of a program; one word, of a script or a function."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The digests of the texts that the words name, by word."""
    executable: str | None = None
    """The file of a program's first word."""
    reads: Mapping[str, Any] = field(default_factory=dict)
    """Where a program's metrics are, as a first look has found them; nothing where they are in its reports."""

    @classmethod
    def by(cls, train: Train) -> Trained:
        """Return what a training function trains."""
        if isinstance(train, ExternalProgram):
            words = redacted_command(train.arguments)
            digests = ((word, _digest(Path(word))) for word in train.arguments)
            files = {word: digest for word, digest in digests if digest is not None}
            reads = {} if train.found == FoundMetrics() else train.found.as_dict()
            return cls(words, files, shutil.which(words[0]), reads)
        if isinstance(train, ScriptTrain):
            digest = _digest(Path(train.path))
            return cls([train.path], {} if digest is None else {train.path: digest})
        if isinstance(train, LongerTrain):
            return cls.by(train.train)
        return _function(train)

    @classmethod
    def on_record(cls, study: Study) -> Trained | None:
        """Return what the study trained last; None if it has trained nothing yet."""
        known = [event.data for event in study.events() if event.kind == TRAINS and event.trial is None]
        if not known:
            return None
        words, files, executable = (known[-1].get(name) for name in ("words", "files", "executable"))
        reads = known[-1].get("reads") or {}
        if not isinstance(words, Sequence) or not isinstance(files, Mapping) or not isinstance(reads, Mapping):
            return None  # it is of somebody else's making
        return cls([str(word) for word in words], files, None if executable is None else str(executable), reads)

    def record(self, study: Study) -> None:
        """Put it on record, unless it is there."""
        if self.on_record(study) != self:
            files, reads = dict(self.files), dict(self.reads)
            study.add_event(TRAINS, words=list(self.words), files=files, executable=self.executable, reads=reads)

    def replaced(self, known: Trained) -> list[str]:
        """Return what makes it another training than the one that is known, a part of a sentence each."""
        both = {*known.words} & {*self.words}
        # the same file may go by another name, in another folder
        before, now = (
            [word if word in both else one.files.get(word, word) for word in one.words] for one in (known, self)
        )
        changes: list[str] = []
        for kind, i, j, k, m in SequenceMatcher(None, before, now, autojunk=False).get_opcodes():
            old, new = _joined(known.words[i:j]), _joined(self.words[k:m])
            if kind == "replace":
                changes.append(f"{new} in place of {old}")
            elif kind == "delete":
                changes.append(f"{old} is left out")
            elif kind == "insert":
                changes.append(f"{new} is new")
        return changes

    def edited(self, known: Trained) -> Iterator[str]:
        """Yield what is another in a training that goes by the same name, a line each."""
        for word, digest in self.files.items():
            if known.files.get(word, digest) != digest:
                yield f"{_shown(word)} has changed since the study last trained; its trials so far are of what it was"
        if self.executable != known.executable and self.words[:1] == known.words[:1]:
            yield f"{self.words[0]} is now {self.executable}; it was {known.executable} when the study last trained"

    def __str__(self) -> str:
        return _joined(self.words)


def warn_of_changes(study: Study, train: Train) -> None:
    """Warn if a training function is not the one that the study trained last."""
    here, known = Trained.by(train), Trained.on_record(study)
    if known is None:
        return
    for change in [*here.replaced(known), *here.edited(known)]:
        warnings.warn(f"study {study.record.name!r} goes on with another training: {change}", stacklevel=3)


def _function(train: Train) -> Trained:
    """Return what a Python function trains; its text is not known where it was typed."""
    plain = train.func if isinstance(train, functools.partial) else train
    if not hasattr(plain, "__qualname__"):
        plain = type(plain)  # an object that can be called
    word = f"{plain.__module__}.{plain.__qualname__}"
    try:
        text = inspect.getsource(plain)
    except (OSError, TypeError, SyntaxError):
        return Trained([word])
    return Trained([word], {word: hashlib.sha256(text.encode()).hexdigest()})


def _digest(path: Path) -> str | None:
    """Return a digest of a text; None if it is none, as an interpreter, or too long."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return None
        content = path.read_bytes()
    except (OSError, ValueError):  # a word that is no name of a file
        return None
    return None if b"\0" in content else hashlib.sha256(content).hexdigest()


def _joined(words: Sequence[str]) -> str:
    return shlex.join(map(_shown, words))


def _shown(word: str) -> str:
    """Return a word as the user would write it."""
    try:
        return str(Path(word).relative_to(Path.cwd()))
    except ValueError:
        return word
