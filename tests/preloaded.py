"""`python -m tunewell`, in processes that are forked from one in which everything is imported already.

A process of its own is what these tests are about: it has a session, is killed, is interrupted. To import NumPy,
SQLAlchemy and the rest anew for each would be most of what they cost. `tests/conftest.py` starts this file once, as
`python tests/preloaded.py`, and asks it for processes; `test_tiny.py` and others begin theirs without it.

A line of JSON asks for a process; one answers with its number, and another one, when it has ended, with its exit code.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import sys
from contextlib import suppress


def load():
    """Import what commands import when they need it."""
    import scipy.stats  # noqa: F401

    import tunewell.cli
    import tunewell.schedulers.acquisition
    import tunewell.stores.postgresql
    import tunewell.stores.sql

    with suppress(ImportError):
        import psycopg  # noqa: F401
    for module in pkgutil.iter_modules(tunewell.cli.__path__, "tunewell.cli."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # or each child would look through all of that when it ends


def serve(requests, answers):
    """Fork until nobody asks any more, then return None; in a child, return what it is asked to be."""
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of Ctrl-C in the terminal of the tests
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    children = set()

    def tell(*answer):
        os.write(answers, (json.dumps(answer) + "\n").encode())

    waiting = b""
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            for child in list(children):
                found, status = os.waitpid(child, os.WNOHANG)
                if found:
                    children.remove(child)
                    tell("ended", child, os.waitstatus_to_exitcode(status))
        if requests in ready:
            read = os.read(requests, 65536)
            if not read:
                return None
            *lines, waiting = (waiting + read).split(b"\n")
            for line in lines:
                child = os.fork()
                if not child:
                    signal.set_wakeup_fd(-1)
                    for end in (requests, answers, woken, wake):
                        os.close(end)
                    return json.loads(line)
                children.add(child)
                tell("begun", child)


def become(process):
    """Be the process that was asked for, up to its first line of Python."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for path, end in ((os.devnull, 0), (process["stdout"], 1), (process["stderr"], 2)):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, end)
        os.close(file)
    os.chdir(process["folder"])
    os.environ.clear()
    os.environ.update(process["environment"])
    sys.path[0] = process["folder"]
    sys.argv = ["-m", *process["arguments"]]


if __name__ == "__main__":
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    load()
    asked = serve(requests, answers)
    if asked is not None:
        become(asked)
        runpy.run_module("tunewell", run_name="__main__", alter_sys=True)
