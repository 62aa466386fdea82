"""The figures of one study as methods, `study.figures`: with signatures that editors and checkers read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec

from tunewell.figures.confirmed import confirmed
from tunewell.figures.contour import contour
from tunewell.figures.curves import curves
from tunewell.figures.distribution import distribution
from tunewell.figures.figure import Figure
from tunewell.figures.front import front
from tunewell.figures.history import history
from tunewell.figures.importance import importance
from tunewell.figures.parallel import parallel
from tunewell.figures.ranks import ranks
from tunewell.figures.slices import slices
from tunewell.figures.source import StudySource
from tunewell.figures.space import space
from tunewell.figures.timeline import timeline

_P = ParamSpec("_P")


def _documented_by(figure: Callable[..., Figure]) -> Callable[[Callable[_P, Figure]], Callable[_P, Figure]]:
    """Return what gives a method the documentation of the figure that it returns."""

    def documented(method: Callable[_P, Figure]) -> Callable[_P, Figure]:
        method.__doc__ = figure.__doc__
        return method

    return documented


class Figures:
    """The figures of one study: `study.figures.history()`."""

    def __init__(self, study: StudySource) -> None:
        """Take the study."""
        self.study = study

    @_documented_by(confirmed)
    def confirmed(self) -> Figure:
        """Return `tunewell.figures.confirmed` of the study."""
        return confirmed(self.study)

    @_documented_by(contour)
    def contour(self, x: str | None = None, y: str | None = None) -> Figure:
        """Return `tunewell.figures.contour` of the study."""
        return contour(self.study, x, y)

    @_documented_by(curves)
    def curves(self, trials: Sequence[int] | None = None) -> Figure:
        """Return `tunewell.figures.curves` of the study."""
        return curves(self.study, trials)

    @_documented_by(distribution)
    def distribution(self, *others: StudySource, names: Sequence[str] | None = None) -> Figure:
        """Return `tunewell.figures.distribution` of the study."""
        return distribution(self.study, *others, names=names)

    @_documented_by(front)
    def front(self) -> Figure:
        """Return `tunewell.figures.front` of the study."""
        return front(self.study)

    @_documented_by(history)
    def history(self) -> Figure:
        """Return `tunewell.figures.history` of the study."""
        return history(self.study)

    @_documented_by(importance)
    def importance(self, most: int = 20) -> Figure:
        """Return `tunewell.figures.importance` of the study."""
        return importance(self.study, most)

    @_documented_by(parallel)
    def parallel(self, most: int = 10) -> Figure:
        """Return `tunewell.figures.parallel` of the study."""
        return parallel(self.study, most)

    @_documented_by(ranks)
    def ranks(self, most: int = 16) -> Figure:
        """Return `tunewell.figures.ranks` of the study."""
        return ranks(self.study, most)

    @_documented_by(slices)
    def slices(self, most: int = 12) -> Figure:
        """Return `tunewell.figures.slices` of the study."""
        return slices(self.study, most)

    @_documented_by(space)
    def space(self, most: int = 24) -> Figure:
        """Return `tunewell.figures.space` of the study."""
        return space(self.study, most)

    @_documented_by(timeline)
    def timeline(self) -> Figure:
        """Return `tunewell.figures.timeline` of the study."""
        return timeline(self.study)
