"""A study whose trials are steered: what the process that runs it does about the commands to them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from tunewell.analysis.lineage import owner
from tunewell.errors import CheckpointError, TrialEnded
from tunewell.space.values import Value
from tunewell.study.reader import StudyReader
from tunewell.study.steering import NOT_TRACKED, TWIN, Effects, Live, Steering, branched, copied_checkpoint
from tunewell.trial import Checkpoint, Command, Trial, TrialState


class Steered(StudyReader):
    """The part of a study that obeys."""

    def _begin_steering(self) -> None:
        self._steering = Steering(self.store, self.record.id)

    def add_checkpoint(self, trial: int, epoch: int, path: str, size: int) -> None:
        """Record a trial's newest checkpoint; `path` is relative to `checkpoint_folder`.

        Raises:
            StepTaken: the trial was this process's, and another has taken it up.
        """
        checkpoint = Checkpoint(trial, epoch, path, size, time.time())
        self.store.add_checkpoint(self.record.id, checkpoint, session=self._session_of(trial))

    def drop_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Forget a checkpoint, and delete its file."""
        self.store.drop_checkpoint(self.record.id, checkpoint.trial, checkpoint.epoch)
        if self.checkpoint_folder is not None:
            (self.checkpoint_folder / checkpoint.path).unlink(missing_ok=True)

    def take_up(self, trial: int, epoch: int) -> Effects:
        """Take up the commands to a running trial that wait; answers what its training has to do."""
        with self._lock:
            if not self.store.commands(self.record.id, waiting=True):
                return Effects()
            record = self.trials[trial]
            self._steer_those_at_rest()
            effects = self._steering.at_epoch(record, epoch, self._steering.values(record))
            at_once = [command for command in effects.save if command.data.get("epoch") not in (None, epoch)]
            for command in at_once:
                self._branch(command, record, int(str(command.data["epoch"])), now=epoch)
            effects.save = [command for command in effects.save if command not in at_once]
            self._steering.wait_for_checkpoint(trial, effects.save)
            return effects

    def checkpoint_written(self, trial: int, epoch: int | None) -> None:
        """What waited for a checkpoint of a trial goes on; epoch: of the checkpoint, None if there is none to write."""
        with self._lock:
            for command in self._steering.pending(trial):
                if epoch is None:
                    now = int(self._log.history.epochs[trial])
                    self._steering.settle(command, now, refused=NOT_TRACKED)
                elif command.kind == "checkpoint":
                    self._steering.settle(command, epoch)
                else:
                    self._branch(command, self.trials[trial], epoch, now=epoch)

    def live(self, trial: int) -> tuple[Live, ...]:
        """The values that were set while a trial trained: epoch, parameter, value, each from the next epoch on."""
        return self._steering.live(self.trials[trial])

    def values(self, trial: int) -> dict[str, Value]:
        """A trial's setting as it is now, with what was set while it trained."""
        return self._steering.values(self.trials[trial])

    def _session_of(self, trial: int) -> int | None:
        """The session in which this process runs a step of the trial; None if it runs none."""
        raise NotImplementedError

    def _is_first(self) -> bool:
        """Of the processes that run the study, this is the one that sees to what all of them could."""
        raise NotImplementedError

    def _steer_those_at_rest(self) -> None:
        if not self._log.n_waiting or not self._is_first():
            return
        history = self._log.history
        for command, trial in self._steering.of_trials_at_rest(self._log.trials, history.epochs.tolist()):
            now = int(history.epochs[trial.number])
            is_made = self._branch(command, trial, int(str(command.data.get("epoch", now))), now=now)
            if is_made and command.kind == "rewind":
                self._end_at_rest(trial.number, f"rewound to epoch {command.data['epoch']}", command.by)
        self._log.refresh()

    def _end_at_rest(self, trial: int, why: str, by: str) -> None:
        try:
            self.store.steer_trial(self.record.id, trial, TrialState.STOPPED, reason=why, at=time.time())
        except TrialEnded:
            with suppress(TrialEnded):  # another process has begun a step of it just now; that one is to end it
                self.store.add_command(self.record.id, Command(trial, "stop", time.time(), by=by, why=why))

    def _branch(self, command: Command, parent: Trial, epoch: int, *, now: int) -> bool:
        """Begin a trial as another was after an epoch, as a command asks for; False if it cannot be."""
        if epoch:
            parent = self.trials[owner(self.trials, parent.number, epoch)]
        setting = command.data.get("setting", {})
        values = self._steering.values(parent, epoch) | (dict(setting) if isinstance(setting, Mapping) else {})
        until = parent.until if parent.until > epoch else self.max_epochs or parent.until
        note = {}
        if "epochs" in command.data:
            note = {TWIN: parent.number}
            until = min(epoch + int(str(command.data["epochs"])), self.max_epochs or until)
        child = branched(parent, 0, epoch, values, until=until, session=parent.session, note=note)
        try:
            self._add_branch(child, parent.number, replace(command, epoch=now))
        except CheckpointError as error:
            self._steering.settle(command, now, refused=str(error))
            return False
        self._log.refresh()
        return True

    def _add_branch(self, child: Trial, parent: int, asked: Command) -> None:
        """Add a trial that begins as another's checkpoint, with a copy of that, and say what came of the command.

        Nothing is added if another process has done so for the same command.
        """
        epoch, copy, size = child.epochs, None, 0
        if epoch:
            copy, size = copied_checkpoint(self.store, self.record.id, self.checkpoint_folder, parent, epoch)
        while True:
            self._log.refresh()
            number, now = len(self._log.trials), time.time()
            saved = None if copy is None else Checkpoint(number, epoch, copy.name, size, now)
            settled = replace(asked, taken_at=now, data={**asked.data, "branch": number})
            with suppress(TrialEnded):  # another process gave the number to a trial of its own
                # if a server goes away in this very moment, the branch may be on record, and the copy must stay
                if self.store.add_branch(self.record.id, replace(child, number=number), saved, done=settled):
                    self._steering.tell(settled)
                elif copy is not None:
                    copy.unlink(missing_ok=True)
                return
