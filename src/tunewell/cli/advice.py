"""What a study has to say to whoever looks at it, a line each."""

from __future__ import annotations

from collections.abc import Iterator

from tunewell.study import Study


def bound_lines(study: Study, go_on: str = "tunewell tune ... --resume") -> Iterator[str]:
    """Where the space seems to end too early; `go_on` is what takes up the wider one."""
    for one in study.at_bounds():
        yield (
            f"{one.name}: the best trials lie at {one.side}={one.bound:.6g}; to search beyond, "
            f"write {one.side}={one.suggested:.12g} in the space, then {go_on} --budget MORE"
        )
