"""The libraries that scripts read their settings with, a file each; what is here needs Python alone.

Each file has

* `MODULES`: what is imported before it can be patched,
* `WORDS`: one of them is in the source of a script that uses it,
* `patch(module, deliver)`: have the library deliver its settings where it would read the command line,
* `read(source, args)`: find them in the source alone.

It is loaded by the script's own interpreter, which need not know tunewell: so imports are relative, and plain Python.
"""

from __future__ import annotations

from . import (
    absl_flags,
    argparse_flags,
    click_flags,
    dataclass_flags,
    hydra_config,
    jsonargparse_flags,
    tyro_flags,
)

LIBRARIES = (
    argparse_flags,
    dataclass_flags,
    click_flags,
    absl_flags,
    hydra_config,
    jsonargparse_flags,
    tyro_flags,
)
