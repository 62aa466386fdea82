"""The user's side of a trial: a training function gets a `Run` and nothing else of tunewell.

The same function runs with no tuner, `train(Run(space.defaults()))`: then nothing pauses it, and its reports
are kept in `run.reports`. Under a worker, the run's `Channel` says after each epoch whether to go on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, cast

import numpy as np

from tunewell import checkpoint
from tunewell.errors import CheckpointError, ReportError
from tunewell.near_names import did_you_mean
from tunewell.space.values import Params, Value
from tunewell.training.live_values import Scale, scales_of, unfollowed
from tunewell.training.rows import Rows, facts_of, is_array, length_of, rows_of
from tunewell.training.unwinding import raise_again
from tunewell.trial import as_numbers, whole

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # which has defaults, as Python has them from 3.13 on

    _Setting = TypeVar("_Setting", default=Params)
else:
    from typing import TypeVar

    _Setting = TypeVar("_Setting")

Train = Callable[["Run[Any]"], object]
"""A training function, the user's: it gets a run; if it reports nothing, what it returns is its report."""
Change = Callable[[tuple[Any, ...]], tuple[Any, ...]]
"""What a probe does to the arrays of `Run.data`: it returns as many, of equal lengths."""
OnRows = Callable[[Sequence[Any], Sequence[Any] | None], None]
"""Looks at the arrays of `Run.data`, and at those of validation."""

_ENDS, _REFUSALS = 4, 100
"""So often is the end of a training, or an error in its calls, raised anew if its code catches it and goes on."""


class RunEnded(BaseException):
    """The end of a trial, which unwinds its training function; no `except Exception` of the user's catches it."""

    def __str__(self) -> str:
        """Return what a reader of a traceback, which a `with` block may print, has to know."""
        return "tunewell trains this trial no further; this is no failure"


_OF_USERS = ("checkpoint", "data", "epochs", "params", "report", "reports", "restore", "rng", "seed", "track", "trial")
"""What a training uses of a run; the rest is between it and whoever runs it."""


class Channel(Protocol):
    """The link between a run and whoever decides about it."""

    def begin(self, run: Run[Any], n_epochs: int | None) -> int:
        """Begin the run's loop, with everything tracked; return the last epoch that is done already.

        n_epochs: how many the training function says a full training has; None if it does not say.
        """
        ...

    def may_train(self, epoch: int) -> bool:
        """Block while the trial is paused; False if the trial is to end in order. May raise RunEnded."""
        ...

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Record what an epoch measured; return when it is safe."""
        ...

    def end(self) -> None:
        """Take note that the loop over the epochs is over, in order."""
        ...


class StateHolder(Protocol):
    """Another process, which holds what the training tracks: a program that has a run of its own."""

    def checkpoint(self, path: Path) -> int:
        """Write a checkpoint there; return its bytes."""
        ...

    def restore(self, path: Path) -> int:
        """Fill what is tracked there; return the checkpoint's epoch."""
        ...


@dataclass(slots=True, eq=False)
class RunState:
    """The state of a run: one more object that its checkpoint holds, besides those that the user tracks."""

    __qualname__ = "_Standing"  # as checkpoints, which name the class of each object, have it

    rng: np.random.Generator
    epoch: int = 0
    """The last epoch done; inside the loop, the current one."""
    live: dict[str, Value] = field(default_factory=dict)
    """The values of live parameters that are in force in the optimizers that follow them."""

    def state_dict(self) -> dict[str, Any]:
        """Return its epoch, its live values and all of its randomness."""
        random_states = checkpoint.random_states()
        return {
            "epoch": self.epoch,
            "rng": self.rng.bit_generator.state,
            "random": random_states,
            "live": dict(self.live),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.rng.bit_generator.state = state["rng"]
        checkpoint.set_random_states(state["random"])
        self.epoch = int(state["epoch"])
        self.live.update(state.get("live", {}))  # older checkpoints have none


class Run(Generic[_Setting]):
    """One trial, as its training function sees it; `Run[Settings]` where a class `Settings` declares its parameters.

    Example:
        >>> def train(run):
        ...     for epoch in run.epochs(3):
        ...         run.report(val_loss=run.params.rate / epoch)
        >>> run = tw.Run({"rate": 0.75}, seed=0)  # as a test of a training function makes one
        >>> train(run)
        >>> run.reports[-1]["val_loss"]
        0.25
    """

    def __init__(
        self, params: Mapping[str, Value], *, seed: int = 0, trial: int = 0, channel: Channel | None = None
    ) -> None:
        """Begin a run of its own, with no tuner, unless a `channel` is given."""
        self._params = Params(params)
        self.params: _Setting = cast("Any", self._params)
        """The setting; a live parameter shows the value that was steered last."""
        self.seed = seed
        """Draw the training's randomness from this, and the same trial can be trained again."""
        self.trial = trial
        self.rng: np.random.Generator = np.random.default_rng(seed)
        """A generator seeded with `seed`, part of every checkpoint."""
        self.reports: list[dict[str, float]] = []
        """What was reported in this process, by epoch: `{"epoch": 1, "val_loss": 0.4}`."""
        self.tracked: dict[str, object] = {}
        """What `track` was given."""
        self.least_epochs = 1
        """How many epochs its loop has at least, whatever the training function says."""
        self.on_pause: Callable[[], None] | None = None
        """Is called in the trial's thread before it waits, for what must wait with it (a program, say)."""
        self.on_resume: Callable[[], None] | None = None
        """Is called when the trial goes on."""
        self.on_end: Callable[[], None] | None = None
        """Is called in the trial's thread before its training function is unwound, which code around the loop would
        take for a failure."""
        self.on_report: Callable[[int, Mapping[str, float]], Mapping[str, float]] | None = None
        """Is called with the epoch and what its report gives; returns what else it measured (`tunewell.watch`)."""
        self.on_data: Change | None = None
        """Is called with the arrays of `data`; returns those to train on (a probe with one batch, or other labels)."""
        self.on_rows: OnRows | None = None
        """Is called with the arrays of `data`, and those of validation, as they were given."""
        self.on_end_caught: Callable[[], None] | None = None
        """Is called when the code has caught each end of its training and cannot be ended; it need not return."""
        self.n_rows: int | None = None
        """How many rows `data` was given; None before."""
        self.state_holder: StateHolder | None = None
        """The process that holds what is tracked, if it is another one."""
        self.study = ""
        """A short name of the study, no other's; "" if there is none."""
        self.on_record = 0
        """How many of its epochs are on record already."""
        self._facts: dict[str, float] = {}
        self._channel: Channel = _Alone() if channel is None else channel
        self._state = RunState(self.rng)
        self._following: list[tuple[str, Scale]] = []
        """Live parameters, and how each is set in what follows it."""
        self._unfollowed: dict[str, Value] = {}
        """The values, in the epoch before, of parameters that nothing follows."""
        self._begun = False
        self._n_ends = 0
        """How often the end of the training was raised; what is caught does not end it."""
        self._n_refusals = 0
        self._paced_by_reports = False  # there is no `run.epochs` loop: each report ends an epoch

    if not TYPE_CHECKING:  # or no mistyped name would be found by those who check types

        def __getattr__(self, name: str) -> object:
            """Raise AttributeError for what a run does not have, with what it has in its place."""
            if name.startswith("suggest"):
                mend = "the setting is drawn from the space before: run.params.learning_rate"
            elif name.startswith("should_"):
                mend = "the loop over run.epochs(n) waits and ends by itself"
            else:
                mend = did_you_mean(name, _OF_USERS, listed="it has")
            raise AttributeError(f"a run has no {name!r}; {mend}")

    def epochs(self, n: int) -> Iterator[int]:
        """Yield 1, 2, ... n: wait while the trial is paused, end when it is stopped, start later after a resume.

        n: how many epochs a full training has.
        """
        if self._n_ends:
            self._end()
        if self._begun:
            self._refuse("run.epochs(...) may be looped over once in a trial, and before any report outside it")
        last = max(_at_least_1(n), self.least_epochs)
        self._begin(last)
        while self._state.epoch < last and self._may_train():
            self._follow()
            self._state.epoch += 1
            yield self._state.epoch
        with self._counting_ends():
            self._channel.end()

    def report(self, /, **metrics: float) -> None:
        """Record what the current epoch measured, once an epoch; return when it is safe on record.

        In a training function with no `run.epochs` loop, each report ends an epoch: it waits here while the
        trial is paused.

        Raises:
            ReportError: a value is no number, or the epoch was reported already.
        """
        if self._n_ends:
            self._end()
        values = as_numbers(metrics) if metrics or self.on_report is None else {}
        if not self._begun:
            self._paced_by_reports = True
            self._begin(None)
        if self._paced_by_reports:
            self._state.epoch += 1
        elif self.reports and self.reports[-1]["epoch"] == self._state.epoch:
            self._refuse(f"epoch {self._state.epoch} is reported already; give all metrics of an epoch in one report")
        if self.on_report is not None:
            values = as_numbers({**self.on_report(self._state.epoch, values), **values})
        if self._state.epoch == 1:
            values = {**self._facts, **values}
        self.reports.append({"epoch": self._state.epoch, **values})
        with self._counting_ends():
            self._channel.report(self._state.epoch, values)
        if self._paced_by_reports and not self._may_train():
            self._end()

    def data(self, *arrays: Any, validation: Sequence[Any] | None = None) -> Any:
        """Pass the training rows through: `x, y = run.data(x, y)`, labels last; one array comes back as itself.

        In an ordinary training they come back as they are, and the first report also has what the diagnosis uses: how
        many rows and classes there are, how many rows of each, the scale of inputs and targets. A probe
        (`tunewell diagnose --probe`) hands back a single batch of them, or other labels, and trains simple models on
        them.

        Args:
            arrays: of equal lengths, each a NumPy array, a tensor, a list or a table, with a row an example; or one
                data set or loader, which comes back as it is in a probe too.
            validation: the same of the validation rows, such as `(x_val, y_val)`; these are only looked at.

        Raises:
            ReportError: there is no array, or their lengths differ.
        """
        rows = _checked_rows(arrays, "the training rows")
        other = None if validation is None else _checked_rows(_as_arrays(validation), "validation rows")
        self.n_rows = None if rows is None else rows.n
        self._facts = {} if rows is None else facts_of(rows, other)
        if self.on_rows is not None:
            self.on_rows(arrays, None if validation is None else _as_arrays(validation))
        changed = arrays if self.on_data is None or not is_array(arrays[0]) else self.on_data(arrays)
        return changed[0] if len(changed) == 1 else changed

    def track(self, **objects: object) -> None:
        """Name what a checkpoint holds: models, optimizers, schedules, generators, arrays, plain data.

        Call it before the first epoch. Anything with `state_dict` and `load_state_dict` will do, as will
        arrays, dictionaries, lists and objects made of those. What is replaced and not changed, as JAX's arrays
        and states of optax are, goes into a dictionary: `run.track(state=state)` and `state["weights"] = ...`.

        A live parameter `learning_rate` (or `lr`, and PyTorch's `weight_decay` and `momentum`) that is set while
        training goes into the optimizers of PyTorch and Keras that are tracked and began with its value; schedules of
        PyTorch that are tracked go on from it.

        Raises:
            CheckpointError: an object cannot be saved and filled again.
        """
        checkpoint.capture(objects)  # fails here, before any training, rather than at the first pause
        self.tracked.update(objects)
        for value in objects.values():
            for name, scale in scales_of(value, self._params):
                if (name, scale) not in self._following:
                    self._following.append((name, scale))
                self._state.live[name] = self._params[name]

    def checkpoint(self, path: str | Path) -> int:
        """Write what is tracked, the random states and the epoch to a file, whole or not at all; return its bytes."""
        if self.state_holder is not None:
            return self.state_holder.checkpoint(Path(path))
        return checkpoint.write(Path(path), checkpoint.capture(self._all_tracked()))

    def restore(self, path: str | Path) -> int:
        """Fill what is tracked from a file; the next epoch is the one after its epoch, which is returned.

        Raises:
            CheckpointError: the file is damaged, or holds other objects than are tracked; these are as they were.
        """
        if self._paced_by_reports:
            # its loop is its own and has begun at the beginning; what it reports next is not the epoch after this one
            raise CheckpointError("a training with no run.epochs(...) loop cannot start later than at its first epoch")
        if self.state_holder is not None:
            self._state.epoch = self.state_holder.restore(Path(path))
        else:
            checkpoint.refill(self._all_tracked(), checkpoint.read(Path(path)))
        return self._state.epoch

    def begin_after(self, epoch: int) -> None:
        """Let the first report be of the epoch after this one: a program has gone on from a checkpoint of its own."""
        self._state.epoch = epoch

    @property
    def has_tuner(self) -> bool:
        """It is a trial's, and no run of its own."""
        return not isinstance(self._channel, _Alone)

    @property
    def has_state(self) -> bool:
        """There is something to be saved."""
        return bool(self.tracked) or self.state_holder is not None

    @property
    def state(self) -> RunState:
        """The part of a checkpoint that is the run's own: its epoch, and its randomness."""
        return self._state

    def connect(self, through: Callable[[Channel], Channel]) -> None:
        """Put a channel before the run's own, before its loop begins: one of several processes that train together."""
        self._channel = through(self._channel)

    @property
    def has_begun(self) -> bool:
        """Its loop, or its first report, has been reached."""
        return self._begun

    @property
    def is_ending(self) -> bool:
        """The end of the training was raised in its code, which may catch it."""
        return self._n_ends > 0

    def _all_tracked(self) -> dict[str, object]:
        return {**self.tracked, "tunewell.run": self._state}

    def _begin(self, n: int | None) -> None:
        self._begun = True
        with self._counting_ends():
            self._state.epoch = max(self._state.epoch, self._channel.begin(self, n))

    def _may_train(self) -> bool:
        if self._n_ends:
            self._end()
        with self._counting_ends():
            return self._channel.may_train(self._state.epoch + 1)

    def _follow(self) -> None:
        """Set live values in what follows them, if they are not what they were."""
        changed = {name: old for name, old in self._state.live.items() if self._params.get(name, old) != old}
        for name, scale in self._following:
            if name in changed:
                scale(float(changed[name]), float(self._params[name]))
        self._state.live.update({name: self._params[name] for name in changed})
        self._warn_of_what_is_not_followed()

    def _warn_of_what_is_not_followed(self) -> None:
        """Warn if a value was set that an optimizer that is tracked should have, and cannot take up."""
        present = {name: value for name, value in self._params.items() if name not in self._state.live}
        for name, value in present.items():
            if self._unfollowed.get(name, value) == value:
                continue
            why = next((why for one in self.tracked.values() if (why := unfollowed(one, name)) is not None), None)
            if why is not None:
                message = (
                    f"{name} is set to {value}, and nothing follows it: {why}; read run.params.{name} in each epoch"
                )
                warnings.warn(message, RuntimeWarning, stacklevel=2)
        self._unfollowed = present

    @contextmanager
    def _counting_ends(self) -> Iterator[None]:
        try:
            yield
        except RunEnded:
            self._n_ends += 1
            raise

    def _end(self) -> NoReturn:
        """End the training, also one whose code has caught that before, and calls again."""
        self._n_ends += 1
        if self._n_ends == 1 and self.on_end is not None:
            self.on_end()
        if self._n_ends > _ENDS and self.on_end_caught is not None:
            self.on_end_caught()
        if self._n_ends > 1:
            raise_again(RunEnded)
        raise RunEnded

    def _refuse(self, why: str) -> NoReturn:
        """Refuse a call of the training's; end it, if it catches that and goes on for ever."""
        self._n_refusals += 1
        if self._n_refusals > _REFUSALS:
            self._end()
        raise ReportError(why)


class _Alone:
    """The channel of a run with no tuner: nothing ever waits."""

    def begin(self, run: Run[Any], n_epochs: int | None) -> int:  # noqa: ARG002  as Channel has it
        return 0

    def may_train(self, epoch: int) -> bool:  # noqa: ARG002  as Channel has it
        return True

    def report(self, epoch: int, metrics: Mapping[str, float]) -> None:
        pass

    def end(self) -> None:
        pass


def _at_least_1(n: object) -> int:
    number = whole(n)
    if number is None or number < 1:
        raise ReportError(f"run.epochs(n) needs a whole number of at least 1, got {n!r}")
    return number


def _checked_rows(arrays: Sequence[Any], what: str) -> Rows | None:
    lengths = [length_of(array) for array in arrays] if arrays else []
    if not arrays or (len(arrays) > 1 and len(set(lengths)) > 1):
        given = f"lengths {', '.join(map(str, lengths))}" if arrays else "nothing"
        raise ReportError(f"run.data(...) takes the arrays of {what}, of equal lengths; got {given}")
    return rows_of(arrays)


def _as_arrays(validation: Any) -> Sequence[Any]:
    """Return `(x, y)` as it is, and one array or data set as the only one."""
    return validation if isinstance(validation, tuple | list) else (validation,)
