"""Commands to the trials of a study: sent by whoever can open its store, taken up by the process that runs it.

Those that wait are taken up in order, when their trial reaches the end of an epoch, or at once if it does not run. What
was done and what was refused is on record, as the command's outcome and as an event.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tunewell.analysis.lineage import live_values, trial_of_epoch
from tunewell.commands import KINDS, Action, Branch, Command, Note, Pause, Remark, Resume, Rewind, Set, Stop, Tag, Untag
from tunewell.commands import Checkpoint as WriteCheckpoint
from tunewell.errors import CheckpointError, SettingError, TrialEnded, TrialNotFound
from tunewell.space.values import Value
from tunewell.stores.command_rows import command_of, steered_event
from tunewell.study.branches import TWIN, branched, copied_checkpoint
from tunewell.study.commands import checked
from tunewell.study.directive import Directive, Move
from tunewell.study.limits import check_within, share_of
from tunewell.study.reader import StudyReader
from tunewell.study.sessions import SessionLease
from tunewell.trial import RETRIED, Checkpoint, Event, Trial, TrialState, trial_number

NOT_TRACKED = "nothing is tracked: call run.track(...) in the training function, and keep the study in a file"


@dataclass(slots=True)
class _Effects:
    """The effects of the commands to a running trial, as they are taken up one after the other."""

    values: dict[str, Value]
    """Of its parameters."""
    live: dict[str, Value] = field(default_factory=dict)
    """Those that were changed."""
    is_held: bool = False
    stop: str | None = None
    wait_for_checkpoint: list[Command] = field(default_factory=list)

    def directive(self) -> Directive:
        move = Move.STOP if self.stop is not None else Move.PAUSE if self.is_held else Move.CONTINUE
        save = bool(self.wait_for_checkpoint)
        return Directive(move, self.live, save, held=move is Move.PAUSE, reason=self.stop)


class Steering:
    """The commands of a study.

    Every method may be called from any thread.
    """

    def __init__(self, reader: StudyReader, lease: SessionLease) -> None:
        """Steer what `reader` reads; `lease` says if this process runs it, and sees to trials that nobody trains."""
        self._reader, self._lease = reader, lease
        self._store, self._study = reader.store, reader.record.id
        self._pending: dict[int, list[Command]] = {}
        """By trial: what waits for a checkpoint of it."""

    # sending

    def send(self, trial: int, action: Action, *, by: str = "user", why: str = "") -> Command:
        """Send a command to a trial; the process that runs the study takes it up at the trial's next epoch.

        Args:
            trial: which.
            action: one of `tunewell.commands`: `Pause()`, `Set("learning_rate", 0.003)`, `Rewind(epoch=4)`, ...
            by: who, or which rule.
            why: for the record.

        Raises:
            SettingError: it cannot be carried out: an unknown parameter, one that is not live, a value outside its
                range, an epoch of which no checkpoint is kept; or it goes beyond what its author is bounded to.
            TrialNotFound: there is no such trial.
            TrialEnded: the trial has.
        """
        share = share_of(self._reader, by)
        return (
            self._send(trial, action, by, why)
            if share is None
            else self.send_within(share, trial, action, by=by, why=why)[0]
        )

    def _send(self, trial: int, action: Action, by: str, why: str) -> Command:
        sent = self._store.add_command(self._study, self._checked(trial, action, by, why))
        if isinstance(action, Remark):
            self._settle(sent, int(self._reader.history.epochs[sent.trial]))
            sent = next((one for one in self._store.commands(self._study) if one.id == sent.id), sent)
        return sent

    def send_within(self, share: float, trial: int, action: Action, *, by: str, why: str = "") -> tuple[Command, int]:
        """Send a command of an author who may have trained so much of the budget by commands, and no more.

        A bound of the author on record, by `Study.bound`, holds besides.

        Returns the command and the epochs that it may train. Of several that are sent at once, each is checked with
        those before it.

        Raises:
            SettingError: it would be more; or too many of the author's commands wait; or it cannot be carried out.
            TrialNotFound: there is no such trial.
            TrialEnded: the trial has.
        """
        reader = self._reader
        with reader.lock, reader.store.decision_lock(reader.record.id):
            reader.log.refresh()
            number, trials = trial_number(trial), reader.trials
            if not 0 <= number < len(trials):
                raise TrialNotFound(number, len(trials))
            known = share_of(reader, by)
            share = share if known is None else min(share, known)
            epochs = check_within(reader, trials[number], action, by=by, share=share)
            if isinstance(action, Stop):
                return self._stop_at_once(number, by, why), epochs
            return self._send(number, action, by, why), epochs

    def stop_at_once(self, trial: int, *, by: str = "user", why: str = "") -> Command:
        """Send the command to stop; a trial that does not train now is stopped without waiting for who runs the study.

        Raises:
            TrialNotFound: there is no such trial.
            TrialEnded: the trial has ended.
        """
        share = share_of(self._reader, by)
        if share is not None:
            return self.send_within(share, trial, Stop(), by=by, why=why)[0]
        return self._stop_at_once(trial, by, why)

    def _stop_at_once(self, trial: int, by: str, why: str) -> Command:
        command = self._send(trial, Stop(), by, why)
        known = self._reader.trials[command.trial]
        if known.state in (TrialState.HELD, TrialState.PAUSED):
            with suppress(TrialEnded):  # it has begun to train just now, and is stopped after that epoch
                self._change_at_rest(command, known, int(self._reader.history.epochs[known.number]))
        return command

    def set_with_twin(
        self, trial: int, name: str, value: Value, *, epochs: int, by: str = "user", why: str = ""
    ) -> tuple[Command, Command]:
        """Set a live value, and let a twin go on without it for so many epochs, where a worker is free.

        Returns both commands; `twins` says what came of them.

        Raises:
            SettingError: the value cannot be set.
            TrialNotFound: there is no such trial.
            TrialEnded: the trial has.
        """
        self._checked(trial, Set(name, value), by, why)  # before there is a twin
        before = self.values(trial)[name]
        twin = self.send(trial, Branch(params={name: before}, epochs=epochs), by=by, why=f"twin of {name}={value}")
        return self.send(trial, Set(name, value), by=by, why=why), twin

    def record_change(self, trial: int, epoch: int, change: Set, *, by: str) -> None:
        """Put on record that a live value is set after an epoch that is still to come, as a schedule has it."""
        now = time.time()
        sent = self._store.add_command(self._study, Command(trial, change, now, by))
        self._store.settle_command(self._study, replace(sent, taken_at=now, epoch=epoch))

    def _checked(self, trial: int, action: Action, by: str, why: str) -> Command:
        """Return the command, with its values as the space has them; if it is refused, that is on record too."""
        if type(action) not in KINDS:
            raise SettingError(
                f"a command is one of tunewell.commands, such as Set('learning_rate', 0.003) or Pause(), got {action!r}"
            )
        trial = trial_number(trial)
        reader, trials = self._reader, self._reader.trials
        if not 0 <= trial < len(trials):
            raise TrialNotFound(trial, len(trials))
        command, epochs = Command(trial, action, time.time(), by=by, why=why), int(reader.history.epochs[trial])
        # what a branch or a rewind goes back to may be of a trial that this one comes from
        saved = [one for one in reader.checkpoints() if trial_of_epoch(trials, trial, one.epoch) == one.trial]
        try:
            return checked(command, trials[trial], epochs, reader.space, saved)
        except (SettingError, TrialEnded) as refusal:
            refused = replace(command, epoch=epochs, refused=str(refusal))
            self._store.add_event(self._study, steered_event(refused, command.at))
            raise

    # what was set

    def live(self, trial: int) -> tuple[tuple[int, str, Value], ...]:
        """Return the values that were set while a trial trained: epoch, parameter, value, each from the next epoch."""
        return live_values(self._store.commands(self._study), trial)

    def values(self, trial: int) -> dict[str, Value]:
        """Return a trial's parameters as they are now, with what was set while it trained."""
        return _values(self._reader.trials[trial_number(trial)], self._store.commands(self._study))

    # taking up

    def poll(self, trial: int, epoch: int) -> Directive:
        """Take up the commands to a running trial, and return what its training has to do after an epoch."""
        with self._reader.lock:
            commands, trials = self._store.commands(self._study), self._reader.trials
            waiting = self._waiting(commands)
            if any(trials[one.trial].state is not TrialState.RUNNING for one in waiting):
                self.poll_at_rest()
            effects, reached = _Effects(_values(trials[trial], commands)), int(self._reader.log.history.epochs[trial])
            for command in waiting:
                if command.trial == trial:
                    # epochs that are trained again are as they were: what changes a trial comes after them
                    if epoch < reached and not isinstance(command.action, Stop | Pause | Resume | Remark):
                        break
                    self._take(command, trials[trial], max(epoch, reached), effects)
            self._pending.setdefault(trial, []).extend(effects.wait_for_checkpoint)
            directive = effects.directive()
            return directive.pausing() if self._reader.log.is_paused else directive

    def owed(self, trial: int) -> Directive:
        """Return what a trial in the middle of a step was to do by commands that were taken up, and did not come to do.

        What trained it is gone: it may have been gone before it obeyed.
        """
        with self._reader.lock:
            known, is_held, stop = self._reader.trials[trial], False, None
            for event in self._reader.events(trial):  # in the order in which it all happened: clocks may have been set
                if event.kind == RETRIED and event.by != "tunewell":
                    is_held, stop = False, None
                command = command_of(event)
                # what came before its step was obeyed, or the step would not have begun
                if stop is not None or command is None or not command.is_done or int(command.epoch or 0) < known.epochs:
                    continue
                match command.action:
                    case Stop() | Rewind():
                        stop = _why_stopped(command)
                    case Pause():
                        is_held = True
                    case Resume():
                        is_held = False
            return _Effects({}, is_held=is_held, stop=stop).directive()

    def poll_at_rest(self) -> None:
        """Take up the commands to trials that do not run, in a process that runs the study, whichever is the first."""
        log = self._reader.log
        if not log.n_waiting or self._lease.session is None:
            return
        for command in self._waiting(self._store.commands(self._study, waiting=True)):
            log.refresh()  # the one before may have changed the trial
            trial = log.trials[command.trial]
            is_released = trial.state is TrialState.PAUSED and trial.epochs < trial.until
            if trial.state is TrialState.RUNNING or is_released:
                continue  # it runs, or will at once
            self._take_at_rest(command, trial, int(log.history.epochs[trial.number]))
        log.refresh()

    def checkpoint_written(self, trial: int, epoch: int | None) -> None:
        """Go on with what waited for a checkpoint of a trial.

        epoch: of the checkpoint; None if there is nothing to write.
        """
        with self._reader.lock:
            for command in self._pending.pop(trial, []):
                if epoch is None:
                    now = int(self._reader.log.history.epochs[trial])
                    self._settle(command, now, refused=NOT_TRACKED)
                elif isinstance(command.action, WriteCheckpoint):
                    self._settle(command, epoch)
                else:
                    self._branch(command, self._reader.trials[trial], epoch, now=epoch)

    def _take(self, command: Command, trial: Trial, epoch: int, effects: _Effects) -> None:
        """Take up a command to a trial that runs."""
        if effects.stop is not None:
            self._settle(command, epoch, refused="the trial was stopped by the command before")
            return
        match action := command.action:
            case Set():
                self._settle(command, epoch, before=effects.values[action.name])
                effects.live[action.name] = effects.values[action.name] = action.value
            case Pause():
                effects.is_held = True
                self._settle(command, epoch)
            case Resume():
                self._settle(command, epoch, refused=None if effects.is_held else "it is not paused")
                effects.is_held = False
            case Stop():
                effects.stop = _why_stopped(command)
                self._settle(command, epoch)
            case Note() | Tag() | Untag():
                self._settle(command, epoch)
            case Rewind() if action.epoch >= epoch:
                self._settle(command, epoch, refused=f"the trial is at epoch {epoch}, not beyond")
            case Rewind():
                if self._branch(command, trial, action.epoch, now=epoch):
                    effects.stop = _why_stopped(command)
            case Branch() if action.epoch not in (None, epoch):
                self._branch(command, trial, action.epoch or 0, now=epoch)
            case _:
                effects.wait_for_checkpoint.append(command)

    def _take_at_rest(self, command: Command, trial: Trial, epoch: int) -> None:
        action, back = command.action, _epoch_of(command.action)
        if trial.state.ended and not command.is_for_ended_trials:
            self._settle(command, epoch, refused=f"the trial is {trial.state}")
        elif isinstance(action, Branch | WriteCheckpoint) and back is None and self._lacks_checkpoint(trial, epoch):
            self._settle(command, epoch, refused=NOT_TRACKED)
        else:
            with suppress(TrialEnded):  # another process has begun a step of it just now, and takes the command up
                if isinstance(action, Branch | Rewind):
                    self._branch(command, trial, epoch if back is None else back, now=epoch, at_rest=True)
                else:
                    self._change_at_rest(command, trial, epoch)

    def _change_at_rest(self, command: Command, trial: Trial, epoch: int) -> None:
        """Change a trial, and put on record what came of the command, in one transaction."""
        is_held, state, why, refused, before = trial.state is TrialState.HELD, None, None, None, None
        match action := command.action:
            case Pause():
                state, refused = (None, "it is paused already") if is_held else (TrialState.HELD, None)
            case Resume():
                waits = "it waits for the scheduler, not for you"
                state, refused = (TrialState.PAUSED, None) if is_held else (None, waits)
            case Stop():
                state, why = TrialState.STOPPED, _why_stopped(command)
            case Set():
                before = _values(trial, self._store.commands(self._study)).get(action.name)
            case _:  # whatever has become of the trial
                self._settle(command, epoch)
                return
        done, event = _outcome(command, epoch, refused=refused, before=before)
        ended_at = event.at if state is TrialState.STOPPED else None
        self._store.steer_trial(self._study, trial.number, state, reason=why, at=ended_at, done=done, event=event)

    def _lacks_checkpoint(self, trial: Trial, epoch: int) -> bool:
        """Return True if a trial that does not run cannot be gone on from where it is."""
        return bool(epoch) and all(one.epoch != epoch for one in self._reader.checkpoints(trial.number))

    # branching

    def _branch(self, command: Command, parent: Trial, epoch: int, *, now: int, at_rest: bool = False) -> bool:
        """Begin a trial as another was after an epoch, as a command says; return False if it cannot be done.

        at_rest: its own trial does not run, so that a rewind ends it with this.
        """
        assert isinstance(command.action, Branch | Rewind)  # no other begins one
        reader = self._reader
        if epoch:
            parent = reader.trials[trial_of_epoch(reader.trials, parent.number, epoch)]
        values = _values(parent, self._store.commands(self._study), epoch) | dict(command.action.params)
        until, note = parent.until if parent.until > epoch else reader.max_epochs or parent.until, {}
        if isinstance(command.action, Branch) and command.action.epochs is not None:
            note = {TWIN: parent.number}
            until = min(epoch + command.action.epochs, reader.max_epochs or until)
        try:
            child = branched(parent, epoch, values, until=until, note=note)
            stopped = _why_stopped(command) if at_rest and isinstance(command.action, Rewind) else None
            self._add_branch(child, replace(command, epoch=now), stopped)
        except CheckpointError as error:
            self._settle(command, now, refused=str(error))
            return False
        reader.log.refresh()
        return True

    def _add_branch(self, child: Trial, command: Command, stopped: str | None) -> None:
        """Add a trial that begins as its parent's checkpoint, with a copy of that, and say what came of the command.

        Nothing is added if another process has done so for the same command.

        stopped: why the command's trial, which does not run, is stopped with it.

        Raises:
            TrialEnded: it runs, or has ended.
        """
        reader, epoch, copy, size = self._reader, child.epochs, None, 0
        if epoch:
            of_parent = reader.checkpoints(child.parent)
            saved = next((one for one in of_parent if one.epoch == epoch), None)
            copy, size = copied_checkpoint(reader.checkpoint_folder, saved, epoch), saved.size if saved else 0
        while True:
            reader.log.refresh()
            number, now = len(reader.log.trials), time.time()
            begins_with = None if copy is None else Checkpoint(number, epoch, copy.name, size, now)
            done = replace(command, taken_at=now, branch=number)
            try:
                # if a server goes away in this very moment, the branch may be on record, and the copy must stay
                is_added = self._store.add_branch(
                    self._study,
                    replace(child, number=number),
                    begins_with,
                    done=done,
                    event=steered_event(done, now),
                    stopped=stopped,
                )
            except TrialEnded as error:
                if error.trial == number:
                    continue  # another process gave the number to a trial of its own
                if copy is not None:
                    copy.unlink(missing_ok=True)
                raise
            if not is_added and copy is not None:
                copy.unlink(missing_ok=True)
            return

    # settling

    def _settle(self, command: Command, epoch: int, *, refused: str | None = None, before: Value | None = None) -> None:
        """Put on record what came of a command."""
        done, event = _outcome(command, epoch, refused=refused, before=before)
        self._store.settle_command(self._study, done, event)

    def _waiting(self, commands: Iterable[Command]) -> list[Command]:
        """Return those that nobody has taken up, and that wait for no checkpoint."""
        held_back = {command.id for pending in self._pending.values() for command in pending}
        return [one for one in commands if one.taken_at is None and one.id not in held_back]


def _values(trial: Trial, commands: Sequence[Command], until: int | None = None) -> dict[str, Value]:
    """Return a trial's parameters as they are after an epoch, the last one if None."""
    values: Mapping[str, Value] = trial.params
    later = {
        name: value for epoch, name, value in live_values(commands, trial.number) if until is None or epoch <= until
    }
    return {**values, **later}


def _outcome(
    command: Command, epoch: int, *, refused: str | None = None, before: Value | None = None
) -> tuple[Command, Event]:
    """Return a command that is taken up now, with what came of it, and the event that says so."""
    now = time.time()
    done = replace(command, taken_at=now, epoch=epoch, refused=refused, before=before)
    return done, steered_event(done, now)


def _why_stopped(command: Command) -> str:
    """Return why a trial was stopped by a command, for its record."""
    if isinstance(command.action, Rewind):
        return f"rewound to epoch {command.action.epoch}"
    return command.why or f"stopped by {command.by}"


def _epoch_of(action: Action) -> int | None:
    """Return the epoch that a branch or a rewind goes back to, if it names one."""
    return action.epoch if isinstance(action, Branch | Rewind) else None
