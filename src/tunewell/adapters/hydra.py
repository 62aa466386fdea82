"""Hydra: the sweep of `hydra/sweeper=tunewell`, whose jobs report each epoch and are stopped early.

    python train.py -m hydra/sweeper=tunewell 'lr=tag(log, interval(1e-4, 1e-1))' 'model=choice(small, large)'

A job is a process of its own: the program as it was started, with the trial's values as overrides, in `RUN` mode. It
reports with `tunewell.report(val_loss=...)`, waits there while its trial is paused, and ends there. One that reports
nothing is run whole, and what it returns is its metric.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, QuotedString, RangeSweep, Transformer
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from tunewell.errors import SettingError, SpaceError
from tunewell.runners.tune import tune
from tunewell.space.params import Choice, Float, Int, Param
from tunewell.space.space import Space
from tunewell.space.values import Params, Value
from tunewell.training.client import has_reported, report
from tunewell.training.external_program import ExternalProgram
from tunewell.training.function import returned_report

RESULTS = "optimization_results.yaml"
_OWN = re.compile(r"hydra[./](sweeper|launcher|mode|sweep|run|job\.num|job\.id)\b")
"""Overrides of Hydra's that are the sweep's, not its jobs'."""
_PLAIN = re.compile(r"[\w./+-]+")
"""Text that Hydra reads as it stands."""
log: logging.Logger = logging.getLogger(__name__)


def sweep(
    config: DictConfig,
    arguments: Sequence[str],
    config_loader: Any,
    *,
    optimized_metric: str,
    params: Mapping[str, Any] | None,
    space: Mapping[str, Any] | None,
    n_jobs: int,
    study_name: str | None,
    options: Mapping[str, Any],
    **settings: Any,
) -> None:
    """Tune the program that runs; write what was best to `optimization_results.yaml` in the sweep's folder.

    Args:
        config: Hydra's, with that of the program.
        arguments: the overrides of the command line.
        config_loader: Hydra's, which knows the groups.
        optimized_metric: as of the sweeper's settings, like all that follow.
        params: what is swept, by key.
        space: the same, as tables of tunewell's.
        n_jobs: how many jobs run at a time.
        study_name: of the study.
        options: other arguments of `tune`.
        settings: arguments of `tune`.

    Raises:
        SettingError: nothing is swept, or a setting cannot be used.
    """
    swept = Swept.of([*(f"{key}={value}" for key, value in (params or {}).items()), *arguments], space, config_loader)
    folder = Path(str(config.hydra.sweep.dir)).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not str(OmegaConf.select(config, "hydra.launcher._target_")).endswith("BasicLauncher"):
        log.warning(
            "tunewell starts the jobs itself, each when the last ones have reported; hydra.launcher is not used"
        )
    hydra_overrides = [one for one in config.hydra.overrides.hydra if not _OWN.match(one.lstrip("+~"))]
    command = [*_program(config), *hydra_overrides, *swept.fixed, *_job_overrides(folder, optimized_metric)]
    study = tune(
        HydraJob(command, optimized_metric, keys=swept.keys),
        swept.space,
        metric=optimized_metric,
        workers=n_jobs,
        threads=True,
        name=study_name or str(config.hydra.job.name),
        **{"max_tier": 4, **settings, **options},
    )
    best = study.best_so_far
    if best is None:
        log.warning("no job has reported %s", optimized_metric)
        return
    found = {
        "name": "tunewell",
        "best_params": {swept.keys[name].lstrip("+"): _meant(value) for name, value in best.params.items()},
        "best_value": best.value,
        "best_epoch": best.epoch,
        "best_job": best.trial,
        "study": study.name,
    }
    OmegaConf.save(OmegaConf.create(found), folder / RESULTS)
    log.info("Best parameters: %s", found["best_params"])
    log.info("Best value: %s", best.value)


@dataclass(frozen=True, slots=True)
class Swept:
    """The overrides of a sweep: what is tuned, and what all jobs have."""

    space: Space
    keys: Mapping[str, str]
    """By the space's name, the key of the override."""
    fixed: Sequence[str]

    @classmethod
    def of(cls, overrides: Sequence[str], space: Mapping[str, Any] | None, config_loader: Any = None) -> Swept:
        """Return them; the last of several overrides of a key counts.

        Raises:
            SettingError: nothing is swept.
            SpaceError: a sweep cannot be used; the message begins with its key.
        """
        params: dict[str, Param] = {}
        keys: dict[str, str] = {}
        fixed: dict[str, str] = {}
        for key, table in (space or {}).items():
            name = _legal(key)
            params[name], keys[name] = Space.from_dict({name: table}).params[name], key
        for override in OverridesParser.create(config_loader=config_loader).parse_overrides(list(overrides)):
            key = override.get_key_element()
            name = _legal(key)
            if override.is_sweep_override():
                fixed.pop(name, None)
                try:
                    params[name], keys[name] = _parameter(override), key
                except SpaceError as error:
                    raise SpaceError(f"{key}: {error}") from None
            else:
                params.pop(name, None)
                fixed[name] = str(override.input_line)
        if not params:
            raise SettingError("nothing is swept; give overrides such as 'lr=interval(0.001, 0.1)', or choice(a, b)")
        return cls(Space(params), {name: keys[name] for name in params}, tuple(fixed.values()))


@dataclass(frozen=True, slots=True)
class HydraJob(ExternalProgram):
    """The program that sweeps, as a job of its sweep."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """By the space's name, the key of the override."""

    def filled(self, values: Mapping[str, object]) -> list[str]:
        """Return the command of a trial's job: the values are overrides."""
        own = [f"{self.keys[name]}={_text(value)}" for name, value in values.items() if name in self.keys]
        return [*self.arguments, *own, *(f"hydra.job.{one}={values['trial']}" for one in ("num", "id"))]


class ReportReturned(Callback):  # type: ignore[misc]  # Hydra's types are not here everywhere
    """Reports what a job returns, if it has reported nothing; Hydra makes it in each job."""

    def __init__(self, metric: str) -> None:
        """Report a single number as this metric."""
        self._metric = metric

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:  # noqa: ARG002  as Hydra calls it
        """Report."""
        if job_return.status is JobStatus.COMPLETED and "TUNEWELL_SOCKET" in os.environ and not has_reported():
            metrics = returned_report(job_return.return_value, self._metric)
            if metrics is not None:
                report(**metrics)


def _program(config: DictConfig) -> list[str]:
    """Return the command of the program that runs, without its overrides."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    where = (
        ["-m", spec.name.removesuffix(".__main__")]
        if spec is not None
        else [str(getattr(main, "__file__", sys.argv[0]))]
    )
    flags = []
    for flag, other in (("--config-path", "-cp"), ("--config-dir", "-cd")):
        for word, value in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
            if word in (flag, other):
                flags += [flag, value]
            elif word.startswith(f"{flag}="):
                flags.append(word)
    name = config.hydra.job.config_name
    return [sys.executable, *where, *flags, *(["--config-name", str(name)] if name is not None else [])]


def _job_overrides(folder: Path, metric: str) -> list[str]:
    """Return what makes one job of the program, in a folder of its own."""
    callback = "++hydra.callbacks.tunewell"
    return [
        "hydra.mode=RUN",
        f"hydra.sweep.dir={_quoted(str(folder))}",
        "hydra.run.dir=${hydra.sweep.dir}/${hydra.sweep.subdir}",
        f"{callback}._target_={ReportReturned.__module__}.{ReportReturned.__qualname__}",
        f"{callback}.metric={metric}",
    ]


def _parameter(override: Override) -> Param:
    """Return what is swept as a parameter; text stands for itself, as Hydra would be given it."""
    value = override.value()
    if isinstance(value, IntervalSweep):
        assert value.start is not None  # or it would not have been parsed
        assert value.end is not None
        scale = "log" if "log" in value.tags else "linear"
        if isinstance(value.start, int) and isinstance(value.end, int):
            return Int(value.start, value.end, scale=scale)
        return Float(value.start, value.end, scale=scale)
    values = [_native(one) for one in override.sweep_iterator(transformer=Transformer.identity)]
    if isinstance(value, RangeSweep) and not value.shuffle:
        if value.step == 1 and len(values) > 1 and all(isinstance(one, int) for one in values):
            return Int(int(values[0]), int(values[-1]))
        return Choice(values, ordered=len(values) > 1)
    return Choice(list(dict.fromkeys(values)))


def _native(value: Any) -> Value:
    """Return a value of a sweep; of what is no number, the text of an override that has it."""
    if isinstance(value, bool | int | float):
        return value
    if value is None:
        return "null"
    if isinstance(value, QuotedString):
        return str(value.with_quotes())
    return str(Override._get_value_element_as_str(value))  # noqa: SLF001  what Hydra's own sweeper calls


def _meant(value: Value) -> Any:
    """Return what the text of an override stands for."""
    if not isinstance(value, str):
        return value
    found = OverridesParser.create().parse_override(f"key={value}").value()
    return found.text if isinstance(found, QuotedString) else found


def _text(value: object) -> str:
    """Return a value as an override has it; what is written in Hydra's syntax already is left as it is."""
    return repr(value) if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("'", "\\'")
    return f"'{escaped}'"


def _legal(key: str) -> str:
    """Return the name that a key has in a space."""
    name = re.sub(r"\W", "_", key.lstrip("+~"))
    return f"{name}_" if hasattr(Params, name) else name
