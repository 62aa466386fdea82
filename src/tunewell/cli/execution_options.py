"""The options of commands that run trials: where, how many at a time, and within which limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tunewell.errors import SettingError
from tunewell.runners.deadline import Deadline
from tunewell.runners.execution import RETRY_ON, Execution, Ray, seconds, size

_Command = TypeVar("_Command", bound=Callable[..., Any])

isolate_option = click.option(
    "--isolate/--no-isolate",
    default=None,
    help="Each trial has a process to itself, or not.  [default: if the training imports a logger, W&B say]",
)
_OPTIONS = (
    click.option(
        "--until",
        metavar="TIME",
        help="Train until 18:00, say, or a date and time, whatever is left of the budget; each training ends after the "
        "epoch that it is in.",
    ),
    click.option("--for", "within", metavar="TIME", help="The same, so long from now on: 2h, say."),
    click.option("--workers", type=click.IntRange(1), metavar="N", default=1, help="How many trials train at a time."),
    click.option("--threads", is_flag=True, help="In threads of one process, not in processes of their own."),
    isolate_option,
    click.option(
        "--gpus", metavar="LIST", help="CUDA devices, 0,1 say; workers get one each, in turn.  [default: all see all]"
    ),
    click.option(
        "--memory", metavar="SIZE", help="What workers may hold in all, 8GB say; beyond it paused trials are spilled."
    ),
    click.option("--trial-timeout", metavar="TIME", help="End a trial as failed when it has trained so long, 10m say."),
    click.option("--trial-memory", metavar="SIZE", help="End a trial as failed when it takes more, 2GB say."),
    click.option("--retries", type=click.IntRange(0), default=0, metavar="N", help="So often is a trial tried again."),
    click.option(
        "--retry-on",
        metavar="NAME",
        multiple=True,
        help=f"An error of which a retry is worth it; may be given several times.  [default: {', '.join(RETRY_ON)}]",
    ),
    click.option("--runner", type=click.Choice(["local", "ray"]), default="local", help="Train here, or on Ray."),
    click.option(
        "--address", metavar="HOST:PORT", help="The Ray cluster.  [default: $RAY_ADDRESS, else this machine's]"
    ),
    click.option("--cpus-per-trial", type=float, metavar="N", help="Of a Ray node.  [default: 1]"),
    click.option("--gpus-per-trial", type=float, metavar="N", help="Of a Ray node.  [default: 0]"),
    click.option(
        "--checkpoint-every",
        type=click.IntRange(0),
        default=0,
        metavar="N",
        help="Epochs between checkpoints, to which a trial can be rewound.  [default: only where it pauses]",
    ),
)
_NAMES = (
    "until",
    "within",
    "workers",
    "threads",
    "isolate",
    "gpus",
    "memory",
    "trial_timeout",
    "trial_memory",
    "retries",
    "retry_on",
    "runner",
    "address",
    "cpus_per_trial",
    "gpus_per_trial",
    "checkpoint_every",
)


def execution_options(command: _Command) -> _Command:
    """Give a command the options; their values are for `parse_execution`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def parse_execution(options: dict[str, Any]) -> Execution:
    """Take the options of an execution out of those of a command, and return the execution.

    Raises:
        SettingError: one of them cannot be used.
    """
    values = {name: options.pop(name) for name in _NAMES}
    for_ray = {name: values[name] for name in ("address", "cpus_per_trial", "gpus_per_trial")}
    on_ray = values["runner"] == "ray"
    for name, value in for_ray.items():
        if value is not None and not on_ray:
            raise SettingError(f"--{name.replace('_', '-')} is for --runner ray")
    return Execution(
        workers=values["workers"],
        threads=values["threads"],
        isolate=values["isolate"],
        checkpoint_every=values["checkpoint_every"],
        memory=None if values["memory"] is None else size(values["memory"], "--memory"),
        gpus=_devices(values["gpus"]),
        trial_timeout=None if values["trial_timeout"] is None else seconds(values["trial_timeout"], "--trial-timeout"),
        trial_memory=None if values["trial_memory"] is None else size(values["trial_memory"], "--trial-memory"),
        retries=values["retries"],
        retry_on=values["retry_on"] or RETRY_ON,
        deadline=Deadline.of(values["until"], values["within"]),
        ray=_ray(values["address"], values["cpus_per_trial"], values["gpus_per_trial"]) if on_ray else None,
    )


def _ray(address: str | None, cpus: float | None, gpus: float | None) -> Ray:
    return Ray(address, 1.0 if cpus is None else cpus, 0.0 if gpus is None else gpus)


def _devices(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    devices = tuple(part.strip() for part in text.split(","))
    if not all(devices):
        raise SettingError(f"--gpus needs devices with commas between them, 0,1 say, got {text!r}")
    return devices
