"""The cost of `tunewell web` in a real browser, beside optuna-dashboard's of the same study.

python benchmarks/web/browser.py [--trials 10000] [--reports 20] [--optuna PYTHON] [--repeats 5]

A study in SQLite, a server, and Chromium with nothing in its cache. Measured of each page:

* seconds until the first data are shown (wall), and of the processor: the page's main thread, and the server
* bytes that came over the network (as encoded), and elements and texts in the document, shadow trees and all
* a tick: a report is added while the page is shown. The page's milliseconds and bytes, for each of several
* the server's resident memory, in megabytes

and how much longer a training takes, of the processor, while three browsers show its study (medians of repeats that
take turns). Optuna's page asks anew for all of the study every few seconds: its ticks are what that costs in the time
that ours are measured in, for each report.

--optuna names the Python of an environment that has optuna-dashboard 0.21; without it only ours is measured. Needs
`playwright` and /usr/bin/chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from large_study import large_study
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tunewell.stores import open_store

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
PATIENCE_S = 300.0
TICKS, TICK_S = 8, 2.0
BROWSERS = 3
TRAINED = 400
"""Reports of the training that is watched."""

COUNTED = """
() => {
  let n = 0;
  const count = (node) => {
    n += node.nodeType === Node.ELEMENT_NODE || node.nodeType === Node.TEXT_NODE ? 1 : 0;
    if (node.shadowRoot) node.shadowRoot.childNodes.forEach(count);
    node.childNodes.forEach(count);
  };
  count(document);
  return n;
}
"""
# a table of trials and a figure, whichever page it is
SHOWN = {
    "tunewell": """() => document.querySelectorAll(".trial-row").length > 0
        && [...document.querySelectorAll("tw-figure")].some((one) => one.drawings > 0)""",
    "Optuna": """() => document.querySelectorAll(".js-plotly-plot .main-svg, .js-plotly-plot canvas").length > 0""",
}

OPTUNAS_STUDY = """
import json, sqlite3, sys
import numpy as np
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
of = optuna.distributions
space = {
    "learning_rate": of.FloatDistribution(1e-5, 1.0, log=True),
    "momentum": of.FloatDistribution(0.5, 0.999),
    "hidden": of.IntDistribution(16, 512, log=True),
    "layers": of.IntDistribution(1, 8),
    "dropout": of.FloatDistribution(0.0, 0.8),
    "weight_decay": of.FloatDistribution(1e-7, 1e-1, log=True),
    "optimizer": of.CategoricalDistribution(["sgd", "adam", "rmsprop"]),
    "batch_size": of.CategoricalDistribution([16, 32, 64, 128, 256]),
}
study = optuna.create_study(storage=sys.argv[1], study_name="large", direction="minimize")
state, lines = optuna.trial.TrialState, [json.loads(line) for line in sys.stdin]
# one as Optuna writes it, and the others like it: by its own methods ten thousand take hours
first = lines[0]["params"]
study.add_trial(optuna.trial.create_trial(state=state.COMPLETE, params=first, distributions=space, value=1.0))
database = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"))
of_name = dict(database.execute("SELECT param_name, distribution_json FROM trial_params WHERE trial_id = 1"))
for number, one in enumerate(lines, 1):
    kind = {"failed": "FAIL", "complete": "COMPLETE"}.get(one["state"], "PRUNED")
    at, (known,) = number + 1, database.execute("SELECT study_id FROM trials").fetchone()
    database.execute(
        "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete)"
        " VALUES (?, ?, ?, ?, '2026-01-01 00:00:00.000000', '2026-01-01 00:01:00.000000')", (at, number, known, kind))
    database.executemany(
        "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
        [(at, name, space[name].to_internal_repr(value), of_name[name]) for name, value in one["params"].items()])
    if kind == "COMPLETE":
        database.execute(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
            (at, min(one["values"])))
    database.executemany(
        "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)"
        " VALUES (?, ?, ?, 'FINITE')", [(at, step, value) for step, value in enumerate(one["values"], 1)])
database.commit()
database.close()
study.ask({name: space[name] for name in space})
"""
OPTUNAS_TICK = """
import sys, time
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.load_study(storage=sys.argv[1], study_name="large")
number = len(study.get_trials(deepcopy=False)) - 1
trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)
for line in sys.stdin:
    for _ in range(600):  # its storage raises where the dashboard reads at the same time
        try:
            trial.report(0.5, int(line))
            break
        except optuna.exceptions.StorageInternalError:
            time.sleep(0.1)
    print("there", flush=True)
"""


@dataclass
class Measured:
    """What a page took."""

    first_s: float
    page_s: float
    server_s: float
    bytes_in_all: float
    nodes: int
    tick_ms: list[float]
    tick_bytes: list[float]
    rss_mb: float


class Counted:
    """A page whose bytes and processor time are counted."""

    def __init__(self, page: Page) -> None:
        """Count from now on."""
        self.page = page
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.bytes = 0.0
        self.session.on("Network.loadingFinished", self._finished)
        self.session.on("Network.dataReceived", self._received)
        self._streamed: dict[str, float] = {}
        self.session.send("Network.enable")
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def _finished(self, event: dict[str, Any]) -> None:
        # what was counted of it while it came is in its length too
        self.bytes += event["encodedDataLength"] - self._streamed.pop(event["requestId"], 0.0)

    def _received(self, event: dict[str, Any]) -> None:
        # a stream of events never ends; its parts are as long as they are encoded, which here is not at all
        length = float(event["encodedDataLength"] or event["dataLength"])
        self._streamed[event["requestId"]] = self._streamed.get(event["requestId"], 0.0) + length
        self.bytes += length

    def busy_s(self) -> float:
        """Return the seconds of the processor that the page's main thread has taken."""
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def of_process(pid: int) -> tuple[float, float]:
    """Return the seconds of the processor and the resident megabytes of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    """Return a port that nobody listens at."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def ours(path: Path) -> Iterator[tuple[int, Any]]:
    """Serve a store by `tunewell web`; yield the server's process, and what makes links to the study's page."""
    port = free_port()
    web = [sys.executable, "-m", "tunewell", "web", "--store", str(path), "--port", str(port)]
    server = subprocess.Popen([*web, "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    first = [server.stdout.readline().strip()]

    def links() -> list[str]:
        link = first.pop() if first else subprocess.check_output([*web, "--link"], text=True).strip()
        return [link, f"http://127.0.0.1:{port}/#/study/1"]

    try:
        yield server.pid, links
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def optunas(python: str, url: str) -> Iterator[tuple[int, Any]]:
    """Serve a storage by optuna-dashboard."""
    port = free_port()
    program = str(Path(python).with_name("optuna-dashboard"))
    server = subprocess.Popen([program, url, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/dashboard/", timeout=5):
            break
        time.sleep(0.2)
    try:
        yield server.pid, lambda: [f"http://127.0.0.1:{port}/dashboard/studies/1"]
    finally:
        server.terminate()
        server.wait(30)


def shown(browser: Browser, links: list[str], who: str, pid: int) -> tuple[Counted, float, float, float]:
    """Open a page in a browser of its own; return it, and the seconds until it has data: wall, its, the server's."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    counted = Counted(page)
    for link in links[:-1]:  # it signs in; what that page loads is not what is measured
        page.goto(link)
    page.goto("about:blank")
    counted.session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    counted.bytes = 0
    server, busy, begun = of_process(pid)[0], counted.busy_s(), time.perf_counter()
    page.goto(links[-1], wait_until="commit")
    page.wait_for_function(SHOWN[who])
    wall = time.perf_counter() - begun
    return counted, wall, counted.busy_s() - busy, of_process(pid)[0] - server


def measured(browser: Browser, pid: int, links: Any, who: str, tick: Any) -> Measured:
    """Measure a page of a server."""
    counted, wall, busy, server = shown(browser, links(), who, pid)
    counted.page.wait_for_timeout(5000)  # what is drawn later is drawn
    total, nodes = counted.bytes, counted.page.evaluate(COUNTED)
    ms, sent = [], []
    for n in range(TICKS):
        before = counted.bytes, counted.busy_s()
        tick(n)
        counted.page.wait_for_timeout(TICK_S * 1000)
        sent.append(counted.bytes - before[0])
        ms.append(1000 * (counted.busy_s() - before[1]))
    rss = of_process(pid)[1]
    counted.page.context.close()
    return Measured(wall, busy, server, total, nodes, ms, sent, rss)


class Growing:
    """A study that takes reports while it is looked at."""

    def __init__(self, path: Path) -> None:
        """Begin a trial of it."""
        self.store = open_store(path)
        self.study = self.store.studies()[0].id
        changes = self.store.changes(self.study, 0)
        last = changes.trials[-1]
        self.trial = last.number + 1
        begun = type(last)(self.trial, last.params, last.state, 0, 10**6, 0, time.time())
        assert self.store.begin_step(self.study, changes.n_steps, begun)
        self.epoch = 0

    def tick(self, _: int = 0) -> None:
        """Add a report."""
        self.epoch += 1
        self.store.report(self.study, self.trial, self.epoch, {"val_loss": 0.5}, 0.5, time.time())


TRAINING = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from browser import Growing
import numpy as np
growing = Growing(Path(sys.argv[1]))
weights = np.random.default_rng(0).normal(size=(220, 220))
begun, wall = time.process_time(), time.perf_counter()
for _ in range(int(sys.argv[3])):
    for _ in range(12):
        weights = np.tanh(weights @ weights / 15)
    growing.tick()
print(time.process_time() - begun, time.perf_counter() - wall)
"""


def training_s(path: Path) -> tuple[float, float]:
    """Return the seconds of the processor, and of the wall, of a training that reports to a study."""
    words = [sys.executable, "-c", TRAINING, str(path), str(Path(__file__).parent), str(TRAINED)]
    busy, wall = subprocess.check_output(words, text=True).split()
    return float(busy), float(wall)


def slowing(browser: Browser, path: Path, repeats: int) -> tuple[list[float], list[float]]:
    """Return how many times the processor, and the wall, a training takes while browsers show its study."""
    busy, wall = [], []
    with ours(path) as (pid, links):
        for _ in range(repeats):
            alone = training_s(path)
            pages = [shown(browser, links(), "tunewell", pid)[0] for _ in range(BROWSERS)]
            watched = training_s(path)
            for counted in pages:
                counted.page.context.close()
            busy.append(watched[0] / alone[0])
            wall.append(watched[1] / alone[1])
    return busy, wall


def optunas_study(python: str, path: Path, url: str) -> None:
    """Make Optuna's study of the same trials."""
    with closing(open_store(path)) as store:
        study = store.studies()[0].id
        values: dict[int, list[float]] = {}
        for part in store.values(study, 0, 2**62):
            for trial, _, value in part.tolist():
                values.setdefault(int(trial), []).append(value)
        lines = [
            json.dumps({"state": str(one.state), "params": dict(one.params), "values": values[one.number]})
            for one in store.changes(study, 0).trials
            if one.number in values
        ]
    subprocess.run([python, "-c", OPTUNAS_STUDY, url], input="\n".join(lines), text=True, check=True)


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--optuna", metavar="PYTHON")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        os.environ["XDG_STATE_HOME"] = folder
        path = Path(folder) / "large.db"
        large_study(path, given.trials, given.reports)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        growing, found = Growing(path), {}
        with ours(path) as (pid, links):
            found["tunewell"] = measured(browser, pid, links, "tunewell", growing.tick)
        growing.store.close()
        print(found["tunewell"], file=sys.stderr, flush=True)  # to make Optuna's study takes minutes
        if given.optuna:
            url = f"sqlite:///{Path(folder) / 'optuna.db'}"
            optunas_study(given.optuna, path, url)
            words = [given.optuna, "-c", OPTUNAS_TICK, url]
            ticking = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

            def tick(n: int) -> None:
                assert ticking.stdin is not None
                assert ticking.stdout is not None
                print(n + 1, file=ticking.stdin, flush=True)
                ticking.stdout.readline()

            with optunas(given.optuna, url) as (pid, links):
                found["Optuna"] = measured(browser, pid, links, "Optuna", tick)
            ticking.kill()
            ticking.wait()
        table(found, given.trials, given.reports)
        if given.repeats:
            busy, wall = slowing(browser, path, given.repeats)
            ratios = [f"{statistics.median(one):.3f} ({min(one):.3f} to {max(one):.3f})" for one in (busy, wall)]
            print(f"\nA training with {BROWSERS} browsers: {ratios[0]} times the processor, {ratios[1]} times the wall")
        browser.close()


def table(found: dict[str, Measured], trials: int, reports: int) -> None:
    """Print what was measured, with how many times ours Optuna's is."""
    rows = {
        "first data, s": lambda one: one.first_s,
        "of the page's processor, s": lambda one: one.page_s,
        "of the server's processor, s": lambda one: one.server_s,
        "kB in all": lambda one: one.bytes_in_all / 1000,
        "nodes": lambda one: float(one.nodes),
        "a tick, ms (middle)": lambda one: statistics.median(one.tick_ms),
        "a tick, ms (most)": lambda one: max(one.tick_ms),
        "a tick, kB (mean)": lambda one: statistics.mean(one.tick_bytes) / 1000,
        "server, MB": lambda one: one.rss_mb,
    }
    print(f"| {trials:,} trials, up to {reports} reports | {' | '.join(found)} |\n|---{'|---' * len(found)}|")
    for name, of in rows.items():
        mine = of(found["tunewell"])
        cells = [
            f"{of(one):,.3g}" + (f" ({of(one) / mine:.1f})" if who != "tunewell" else "") for who, one in found.items()
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
