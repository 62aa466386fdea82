"""Measure the server of `tunewell web`: `python benchmarks/web/server.py [TRIALS] [REPORTS]`.

Prints, of a study of that size: the time and the bytes of what a browser asks for first and then, the CPU time and the
bytes of a tick of the feed, the memory of the server, and by how much three browsers slow a training.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import psutil
from large_study import large_study

import tunewell as tw
from tunewell.stores import open_store

FIRST = ("/api/studies", "/api/studies/1", "/api/studies/1/trials", "/api/studies/1/figures/history?table=none")
THEN = tuple(f"/api/studies/1/figures/{kind}?table=none" for kind in ("curves", "parallel", "importance", "timeline"))
MORE = (
    *(f"/api/studies/1/figures/{kind}?table=none" for kind in ("contour", "slices", "ranks", "distribution")),
    "/api/studies/1/trials/17",
    "/api/studies/1/trials/17/diagnosis",
    "/api/studies/1/compare?trials=1,2,3",
)
TICKS, EPOCHS, BLOCKS = 20, 60, 8


class Browser(threading.Thread):
    """Listens to the feed, and keeps what comes."""

    def __init__(self, base: str, cookies: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.client = httpx.Client(base_url=base, cookies=cookies, timeout=120)
        self.sizes: list[int] = []
        self.is_wanted = True

    def run(self) -> None:
        """Read until it is not wanted any more."""
        with self.client.stream("GET", "/api/studies/1/feed") as response:
            for line in response.iter_lines():
                if line.startswith("data:"):
                    self.sizes.append(len(line))
                if not self.is_wanted:
                    return


def main() -> None:
    """Measure."""
    n_trials, n_reports = (int(word) for word in (sys.argv[1:3] or ("10000", "20")))
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "tunewell.db"
        large_study(store, n_trials, n_reports)
        environment = {**os.environ, "XDG_STATE_HOME": folder}
        words = [sys.executable, "-m", "tunewell", "web", "--store", str(store), "--no-browser", "--port", "0"]
        begun = time.perf_counter()
        server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            assert server.stdout is not None
            link = server.stdout.readline().strip()
            print(f"until the link is printed: {time.perf_counter() - begun:.2f} s")
            measured(link, psutil.Process(server.pid), store, n_trials)
        finally:
            server.terminate()
            server.wait()


def measured(link: str, server: psutil.Process, store: Path, n_trials: int) -> None:
    """Measure a server that runs."""
    base = link.partition("/?")[0]
    with httpx.Client(base_url=base, timeout=120) as client:
        client.get(link)
        print(f"load of the machine {os.getloadavg()[0]:.1f}")
        for name, paths in (
            ("first data, cold", FIRST),
            ("the rest", THEN),
            ("all again", FIRST + THEN),
            ("more", MORE),
        ):
            cpu, begun = spent(server), time.perf_counter()
            size = sum(got(client, path) for path in paths)
            took = time.perf_counter() - begun
            print(f"{name}: {took:.2f} s, server {spent(server) - cpu:.2f} s of CPU, {size / 1000:.0f} kB")
        cookies = dict(client.cookies)
    print(f"memory of the server: {server.memory_info().rss / 2**20:.0f} MB")
    if n_trials > 20_000:
        return
    browsers = [Browser(base, cookies) for _ in range(3)]
    for browser in browsers:
        browser.start()
    time.sleep(2)
    ticks(server, store, browsers)
    for browser in browsers:
        browser.is_wanted = False
    slowed(base, cookies, store)
    print(f"memory of the server: {server.memory_info().rss / 2**20:.0f} MB")


def got(client: httpx.Client, path: str) -> int:
    """Return the bytes that an answer took on the way."""
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
        response.raise_for_status()
        return sum(map(len, response.iter_raw()))


def ticks(server: psutil.Process, store: Path, browsers: list[Browser]) -> None:
    """Measure ticks of the feed, in each of which one trial has reported."""
    with closing(open_store(store)) as opened:
        study = tw.Study.open(opened, "large")
        study.queue({}, like=1)
        step = study.ask()
        idle = spent(server)
        time.sleep(4)
        idle = (spent(server) - idle) / 4
        for browser in browsers:
            browser.sizes.clear()
        begun, cpu = time.perf_counter(), spent(server)
        for epoch in list(step.epochs)[:TICKS]:
            study.report(step.trial, epoch, val_loss=0.5)
            time.sleep(0.5)
        time.sleep(1)
        took = time.perf_counter() - begun
        sizes = browsers[0].sizes
        each = (spent(server) - cpu - idle * took) / max(1, len(sizes))
        study.tell(step.trial)
        study.close()
    print(
        f"a tick, three browsers: {1000 * each:.0f} ms of CPU, {max(sizes)} bytes at most ({len(sizes)} ticks); "
        f"while nothing changes {100 * idle:.1f} % of a core"
    )


def slowed(base: str, cookies: dict[str, str], store: Path) -> None:
    """Measure epochs of a training, by turns with three browsers and with none."""
    took: dict[bool, list[float]] = {True: [], False: []}
    with closing(open_store(store)) as opened:
        study = tw.Study.open(opened, "large")
        for block in range(2 * BLOCKS):
            is_watched = block % 2 == 1
            browsers = [Browser(base, cookies) for _ in range(3 if is_watched else 0)]
            for browser in browsers:
                browser.start()
            time.sleep(3)
            study.queue({}, like=1, epochs=20)
            step = study.ask()
            for epoch in step.epochs:
                begun = time.perf_counter()
                busy(0.05)
                study.report(step.trial, epoch, val_loss=0.5)
                took[is_watched].append(time.perf_counter() - begun)
            study.tell(step.trial)
            for browser in browsers:
                browser.is_wanted = False
        study.close()
    alone, watched = (statistics.median(took[is_watched]) for is_watched in (False, True))
    print(
        f"an epoch of {1000 * alone:.1f} ms (median of {len(took[False])}) takes {100 * (watched / alone - 1):+.1f} % "
        "with three browsers that listen"
    )


def busy(seconds: float) -> None:
    """Compute for so long, by the CPU's clock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        json.dumps(list(range(200)))


def spent(process: psutil.Process) -> float:
    """Return the CPU time of a process so far, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
