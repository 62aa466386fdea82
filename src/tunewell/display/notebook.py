"""A study that runs, as the cell of a notebook shows it: what a terminal would show, in one place that changes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from tunewell.display.progress import LiveProgress

_EVERY_S = 0.5
_COLUMNS = 110
_PAGE = '<pre style="white-space: pre; line-height: 1.25">{code}</pre>'


def in_notebook() -> bool:
    """Return True if a cell of Jupyter, or of what speaks its protocol (VS Code, Colab), runs this; not at a prompt."""
    return getattr(_shell(), "kernel", None) is not None


@contextmanager
def notebook_progress() -> Iterator[LiveProgress]:
    """Yield an observer whose display is the cell's output; the last state stays there."""
    from IPython.display import HTML, display  # noqa: PLC0415  it is there in a notebook, and nowhere else needed

    progress, over = LiveProgress(), threading.Event()
    handle = display(HTML(_html(progress)), display_id=True)

    def show() -> None:
        while not over.wait(_EVERY_S):
            handle.update(HTML(_html(progress)))

    shower = threading.Thread(target=show, name="tunewell-notebook", daemon=True)
    shower.start()
    try:
        yield progress
    finally:
        over.set()
        shower.join()
        handle.update(HTML(_html(progress)))


def _html(progress: LiveProgress) -> str:
    from rich.console import Console  # noqa: PLC0415  a tenth of a second, which only who looks should pay

    console = Console(record=True, file=StringIO(), width=_COLUMNS, force_jupyter=False, force_terminal=True)
    console.print(progress.render())
    return console.export_html(inline_styles=True, code_format=_PAGE)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
