"""Trials that begin as another was after an epoch: the record of one, and the copy of the checkpoint it begins with."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tunewell.checkpoint.folder import file_in
from tunewell.errors import CheckpointError
from tunewell.space.values import Params, Value
from tunewell.trial import Checkpoint, Trial, TrialState

TWIN = "twin"
"""In the note of a trial that goes on without a change, for so many epochs, to show what the change does."""


def branched(
    parent: Trial, epoch: int, values: Mapping[str, Value], *, until: int, note: Mapping[str, object]
) -> Trial:
    """Return a trial that begins as another was after an epoch, to be trained on; its number is still to be given."""
    return replace(
        parent,
        number=0,
        params=Params(dict(values)),
        state=TrialState.PAUSED,
        epochs=epoch,
        until=max(until, epoch + 1),
        started_at=time.time(),
        ended_at=None,
        reason=None,
        retrained=0,
        parent=parent.number,
        parent_epoch=epoch,
        note=note,
    )


def copied_checkpoint(folder: Path | None, saved: Checkpoint | None, epoch: int) -> Path:
    """Copy a checkpoint for a branch that has no number yet, and return the copy's path.

    Its name is its own, so that two processes that branch at once do not write over each other's copy.

    Raises:
        CheckpointError: there is none of that epoch any more, or it cannot be copied.
    """
    if saved is None or folder is None:
        raise CheckpointError(f"there is no checkpoint of epoch {epoch} any more")
    original = file_in(folder, saved.path)
    copy = folder / f"of-trial-{saved.trial}-epoch-{epoch}-{uuid.uuid4().hex}.npz"
    unfinished = copy.with_name(f".{copy.name}")
    try:
        try:
            shutil.copyfile(original, unfinished)
            unfinished.replace(copy)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointError(f"the checkpoint of epoch {epoch} cannot be copied: {error}") from error
    return copy
