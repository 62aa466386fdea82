"""A study that runs, as the cell of a notebook shows it: what a terminal would show, in one place that changes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from tunewell.display.progress import LiveProgress

_EVERY_S = 0.5
_COLUMNS = 110
_PAGE = '<pre style="white-space: pre; line-height: 1.25">{code}</pre>'


def in_notebook() -> bool:
    """Return True if a cell of Jupyter, of what speaks its protocol (VS Code, Colab) or of marimo runs this."""
    return getattr(_shell(), "kernel", None) is not None or in_marimo()


def in_marimo() -> bool:
    """Return True if a cell of marimo runs this; not where its notebook runs as a script."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


@contextmanager
def notebook_progress() -> Iterator[LiveProgress]:
    """Yield an observer whose display is the cell's output; the last state stays there."""
    progress, over = LiveProgress(), threading.Event()
    show, new_thread = _of_marimo() if in_marimo() else _of_jupyter()

    def keep_showing() -> None:
        while not over.wait(_EVERY_S):
            show(_html(progress))

    show(_html(progress))
    shower = new_thread(target=keep_showing, name="tunewell-notebook", daemon=True)
    shower.start()
    try:
        yield progress
    finally:
        over.set()
        shower.join()
        show(_html(progress))


def _of_jupyter() -> tuple[Callable[[str], object], type[threading.Thread]]:
    """Return what shows a page in the place of the one before, and the kind of thread that may."""
    from IPython.display import HTML, display  # noqa: PLC0415  it is there in a notebook, and nowhere else needed

    handle = display(HTML(""), display_id=True)
    return lambda page: handle.update(HTML(page)), threading.Thread


def _of_marimo() -> tuple[Callable[[str], object], type[threading.Thread]]:
    """Return the same of marimo, which knows the cell of its own threads alone."""
    marimo = sys.modules["marimo"]
    return lambda page: marimo.output.replace(marimo.Html(page)), marimo.Thread


def _html(progress: LiveProgress) -> str:
    from rich.console import Console  # noqa: PLC0415  a tenth of a second, which only who looks should pay

    console = Console(record=True, file=StringIO(), width=_COLUMNS, force_jupyter=False, force_terminal=True)
    console.print(progress.render())
    return console.export_html(inline_styles=True, code_format=_PAGE)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
