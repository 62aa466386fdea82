"""The configuration that Hydra composes, of which each value can be set by `name=value`."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Callable, Dict, Iterator, List, Sequence

from .setting import HOLE, Deliver, Setting, Source, found, keyword, kind_of, plain

MODULES = ("hydra._internal.hydra",)
WORDS = ("hydra",)
_MOST_OPTIONS = 8


def patch(module: Any, deliver: Deliver) -> None:
    """Have the composed configuration be delivered in place of a run."""

    def run(self: Any, config_name: Any, task_function: Any, overrides: Any, **_: Any) -> Any:
        def compose(*more: str) -> Any:
            return self.compose_config(
                config_name=config_name, overrides=[*overrides, *more], run_mode=_mode(), with_log_configuration=False
            )

        try:
            config = compose()
        except Exception as error:  # noqa: BLE001  of Hydra's own making
            return deliver({"error": f"Hydra composes no configuration: {str(error).strip().splitlines()[0]}"})
        from omegaconf import OmegaConf  # noqa: PLC0415  it is there with Hydra

        data = OmegaConf.to_container(config, resolve=False)
        code = getattr(task_function, "__code__", None)
        file = os.path.relpath(code.co_filename) if code is not None else "the script"
        place = f"Hydra at {file}:{code.co_firstlineno if code is not None else 1}"
        given = [str(one) for one in overrides]
        settings = {one.name: one for one in _settings(data, "", given)}
        for group, chosen in data["hydra"]["runtime"]["choices"].items():
            options = [] if "hydra" in group else self.config_loader.get_group_options(group)
            if chosen in options and 2 <= len(options) <= _MOST_OPTIONS:
                settings.update(_of_group(group, chosen, options, compose, settings, given))
        # a choice comes before what depends on it
        return deliver(found(sorted(settings.values(), key=lambda one: bool(one.only)), place))

    module.Hydra.run = run
    module.Hydra.multirun = run


def _of_group(
    group: str,
    chosen: str,
    options: Sequence[str],
    compose: Callable[[str], Any],
    known: Dict[str, Setting],
    overrides: Sequence[str],
) -> Dict[str, Setting]:
    """Return the choice of a group's option, and the settings that only some options have."""
    from omegaconf import OmegaConf  # noqa: PLC0415  it is there with Hydra

    its: Dict[str, Dict[str, Setting]] = {}
    for option in options:
        try:
            data = OmegaConf.to_container(compose(f"{group}={option}"), resolve=False)
        except Exception:  # noqa: BLE001, S112  of Hydra's own making; an option that needs something else
            continue
        its[option] = {one.name: one for one in _settings(data, "", overrides) if not one.name.startswith("hydra.")}
    is_given = group in {word.split("=")[0] for word in overrides}
    choice = Setting(group, chosen, "str", tuple(its), words=(f"{group}={HOLE}",), given=is_given)
    settings = {group: choice}
    for name in {name: None for one in its.values() for name in one}:
        having = tuple(option for option, one in its.items() if name in one)
        if len(having) < len(its):
            one = known.get(name) or its[having[0]][name]
            settings[name] = Setting(**{**one.__dict__, "only": (group, having)})
    return settings


def _mode() -> Any:
    return sys.modules["hydra.types"].RunMode.RUN


def _settings(data: Dict[Any, Any], before: str, overrides: Sequence[str]) -> Iterator[Setting]:
    given = {word.split("=")[0].lstrip("+~") for word in overrides}
    for key, value in data.items():
        name = f"{before}{key}"
        if isinstance(value, dict) and not (not before and key == "hydra"):
            yield from _settings(value, f"{name}.", overrides)
        elif value == "???" or (isinstance(value, str) and "${" in value):
            continue
        elif (usual := plain(value)) is not None and not isinstance(usual, list):
            yield Setting(name, usual, kind_of(usual, typed=False), words=(f"{name}={HOLE}",), given=name in given)


def read(source: Source, args: Sequence[str]) -> List[Setting]:
    """Return the values of the file that `hydra.main` names; what its defaults add is not read."""
    from pathlib import Path  # noqa: PLC0415

    from ..config_file import entries  # noqa: PLC0415, TID252  the package above is there where sources are read

    settings: List[Setting] = []
    for file, call in source.calls("main"):
        folder = source.value(keyword(call, "config_path"))
        name = source.value(keyword(call, "config_name"))
        if not isinstance(name, str):
            continue
        base = Path(file).parent / str(folder or "")
        path = next(
            (
                base / f"{re.sub(r'[.]ya?ml$', '', name)}{end}"
                for end in (".yaml", ".yml")
                if (base / f"{re.sub(r'[.]ya?ml$', '', name)}{end}").is_file()
            ),
            None,
        )
        if path is not None:
            data: Dict[str, Any] = {}
            given = {word.split("=")[0].lstrip("+~") for word in args}
            data.update(entries(path))
            settings += [
                Setting(key, value, kind_of(value), words=(f"{key}={HOLE}",), given=key in given)
                for key, value in data.items()
                if value is not None
                and not (isinstance(value, str) and "${" in value)
                and not key.startswith(("defaults", "hydra."))
            ]
    return settings
