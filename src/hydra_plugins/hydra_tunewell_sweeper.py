"""The sweeper `hydra/sweeper=tunewell`, which Hydra finds here; all that it does is in `tunewell.adapters.hydra`."""

# Hydra looks at annotations, and imports this file whenever one of its programs starts: it has to be light

from dataclasses import dataclass, field
from typing import Any, Optional

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class TunewellSweeperConf:
    """The settings, `hydra.sweeper.*`."""

    _target_: str = "hydra_plugins.hydra_tunewell_sweeper.TunewellSweeper"
    optimized_metric: str = "val_loss"
    """The name, among those that a job reports, of what is optimized; what it returns, if it reports nothing."""
    direction: Optional[str] = None  # noqa: UP045  Hydra reads it
    """`minimize` or `maximize`; by the metric's name, if None."""
    budget: Any = 30
    """What may be spent: `30` full trainings' worth of epochs, `900epochs`, `100trials`, `2h`."""
    max_epochs: Optional[int] = None  # noqa: UP045  Hydra reads it
    """How many epochs a full training has; as many as the first one reports, if None."""
    n_jobs: int = 1
    """How many jobs run at a time."""
    params: Optional[dict[str, str]] = None  # noqa: UP045  Hydra reads it
    """What is swept, by the key of an override, in Hydra's own syntax: `interval(0, 1)`."""
    space: Optional[dict[str, Any]] = None  # noqa: UP045  Hydra reads it
    """The same as tables of tunewell's spaces: `{type: float, low: 1e-4, high: 1, scale: log}`."""
    scheduler: str = "auto"
    """Which job gets the next epochs."""
    seed: int = 0
    store: Optional[str] = None  # noqa: UP045  Hydra reads it
    """Where the record goes; `TUNEWELL_STORE` or `tunewell.db`, if None."""
    study_name: Optional[str] = None  # noqa: UP045  Hydra reads it
    """Of the study; the job's, numbered, if None."""
    resume: bool = False
    """Go on with the newest study of that name."""
    options: dict[str, Any] = field(default_factory=dict)
    """Other arguments of `tunewell.tune`: `trial_timeout`, `gpus`, `min_delta`, ..."""


class TunewellSweeper(Sweeper):
    """A sweep whose jobs report each epoch, and are stopped early."""

    def __init__(self, **settings: Any) -> None:
        """Take the settings of `TunewellSweeperConf`."""
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what Hydra has."""
        self.config, self.hydra_context, self.task_function = config, hydra_context, task_function

    def sweep(self, arguments: list[str]) -> None:
        """Run the jobs; `arguments`: the overrides of the command line."""
        from tunewell.adapters.hydra import sweep  # noqa: PLC0415  only who sweeps needs it

        sweep(self.config, arguments, self.hydra_context.config_loader, **self.settings)


ConfigStore.instance().store(group="hydra/sweeper", name="tunewell", node=TunewellSweeperConf, provider="tunewell")
