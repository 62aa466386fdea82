"""The watcher that `tunewell.watch` returns, of whichever framework: the epochs that it has measured."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from tunewell.arrays import own_numerics
from tunewell.errors import SettingError
from tunewell.samplers.construction import check_whole
from tunewell.training.run import Run
from tunewell.watching.measurements import StepLosses
from tunewell.watching.plain_data import plain

Evaluate = Callable[..., tuple[Any, Any]]
"""(inputs, targets) of some rows, in JAX after the parameters -> their mean loss and the network's outputs."""


class Watcher(ABC):
    """A watcher of a model's training; made by `watch`.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(4, 2)
        >>> criterion, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.1)
        >>> x, y = torch.randn(64, 4), torch.arange(64) % 2
        >>> watcher = tw.watch(model, criterion=criterion, train=(x, y))
        >>> criterion(model(x), y).backward()
        >>> optimizer.step()
        >>> watcher.end_epoch()["grad_norm"] > 0
        True
    """

    def __init__(
        self,
        *,
        config: Mapping[str, Any],
        sizes: Mapping[str, int],
        summary: Mapping[str, Any],
        step_losses: StepLosses,
    ) -> None:
        """Begin with no epoch.

        Args:
            config: the configuration that is kept with the record; `batch_norm` among it, where that is known.
            sizes: `n_train` and `n_val`, as far as they are known.
            summary: of the rows that are evaluated.
            step_losses: what the framework's part adds to.
        """
        self._config, self._sizes, self._summary = config, sizes, summary
        self._step_losses = step_losses
        self._n_classes = 0
        self._epochs: list[dict[str, Any]] = []

    @property
    def loss_at_start(self) -> float:
        """The first training step's loss, about `chance_loss` for a sound classifier; NaN before an epoch has ended."""
        return self._step_losses.kept[0] if self._step_losses.kept else math.nan

    @property
    def chance_loss(self) -> float:
        """ln(classes), in nats: the cross entropy of a network that knows nothing; NaN while there are no classes."""
        return math.log(self._n_classes) if self._n_classes else math.nan

    @own_numerics
    def end_epoch(self, given: Mapping[str, float] | None = None, *, epoch: int | None = None) -> dict[str, float]:
        """Measure the epoch that ends here, and return that beside what is `given`; `run.report` calls it.

        What a layer measured is named as in `layers.hidden.0.grad_norm`; NaN is what was not finite or could not be
        known.

        epoch: its number; the one after the last, if None.
        """
        number = (self._epochs[-1]["epoch"] if self._epochs else 0) + 1 if epoch is None else epoch
        measured = {"epoch": number, **self._measured(), **(given or {})}
        self._epochs.append(measured)
        flat = {name: value for name, value in measured.items() if name not in ("epoch", "layers")}
        if number == 1 and "batch_norm" in self._config:
            flat["has_batch_norm"] = float(bool(self._config["batch_norm"]))
        if number == 1 and not math.isnan(self.loss_at_start):
            flat |= {"loss_at_start": self.loss_at_start, "chance_loss": self.chance_loss}
        for layer in measured["layers"]:
            flat |= {f"layers.{layer['name']}.{name}": value for name, value in layer.items() if name != "name"}
        return flat

    def record(self) -> dict[str, Any]:
        """Return the whole run as plain data, for `tunewell.diagnose` or a JSON file; None is a number not finite."""
        classes = {"n_classes": self._n_classes} if self._n_classes else {}
        summary = {"data_summary": self._summary} if self._summary else {}
        record = {"config": self._config, **self._sizes, **classes, **summary, "epochs": self._epochs}
        if self._step_losses.kept:
            record |= {"step_losses": self._step_losses.kept, "step_losses_every": self._step_losses.every}
        result: dict[str, Any] = plain(record)
        return result

    @abstractmethod
    def close(self) -> None:
        """Leave the training alone; what was measured stays."""

    @abstractmethod
    def _measured(self) -> dict[str, Any]:
        """Return the numbers of the epoch that ends here, those of each matrix under `layers`."""


def checked(every: int, rows: int | None) -> None:
    """Raise `SettingError` unless both are whole numbers from 1."""
    for name, number in (("every", every), ("rows", 1 if rows is None else rows)):
        check_whole(name, number, at_least=1)


def report_with(run: Run | None, watcher: Watcher) -> None:
    """Let a run's reports have what the watcher measures.

    Raises:
        SettingError: the run is watched already.
    """
    if run is None:
        return
    if run.on_report is not None:
        raise SettingError("the run is watched already; close() the other watcher first")
    run.on_report = lambda epoch, given: watcher.end_epoch(given, epoch=epoch)
