"""A page of a study that several processes write to, in a file and in PostgreSQL: it shows what is on record."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from tests.web.served import SPACE, Stream, serving

import tunewell as tw
from tunewell.figures.figure import unpacked
from tunewell.stores import open_store

EPOCHS = 4


def work(url, n):
    """Train as so many of the workers, each with a connection and a session of its own, until nothing is left."""
    threads = [threading.Thread(target=train_all, args=(url,)) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def train_all(url):
    """Train as one of several workers until nothing is left."""
    with closing(open_store(url)) as store:
        study = tw.Study.open(store, "shared")
        study.begin_session(join=True)
        while (step := study.ask()) is not None:
            if step.wait:
                break
            for epoch in step.epochs:
                study.report(step.trial, epoch, val_loss=1.0 / (epoch + step.trial))
            study.tell(step.trial)
        study.close()


def ordered(browser, trial, kind, n, begin):
    """Send commands one after the other as a tab does, beginning when all do; return the ids they have on record."""
    begin.wait()
    found = []
    for i in range(n):
        order = {"trial": trial, "kind": "note", "text": f"{kind} {i}"}
        answer = browser.post("/api/studies/1/commands", json=order)
        assert answer.status_code == 201, answer.text
        found.append(answer.json()["id"])
    return found


def watched_while_workers_write(url, processes, writers_each, trials_each, commands_each):
    """Check that two tabs, which send commands meanwhile, have in the end what is on record."""
    n_trials = processes * writers_each * trials_each
    with closing(open_store(url)) as store:
        budget = f"{n_trials}trials"
        named = {"scheduler": "full", "store": store, "name": "shared"}
        tw.Study(SPACE, metric="val_loss", max_epochs=EPOCHS, budget=budget, **named).close()
    with serving(url) as served, served.browser() as one, served.browser() as other, ThreadPoolExecutor(2) as tabs:
        begin, sent = threading.Event(), []
        with Stream(one, patience_s=600) as stream:  # until so many processes have begun
            next(stream)
            context = multiprocessing.get_context("spawn")
            workers = [context.Process(target=work, args=(url, writers_each)) for _ in range(processes)]
            for worker in workers:
                worker.start()
            rows, told = {}, {}
            for name, _, data in stream:
                if name == "commands":
                    told |= {command["id"]: command for command in data["commands"]}
                if name != "change":
                    continue
                table = data["rows"] or {"trial": []}
                rows |= {n: {c: v[place] for c, v in table.items()} for place, n in enumerate(table["trial"])}
                if rows and not sent:  # in between, waiting for their turn among the writers
                    sent = [
                        tabs.submit(ordered, tab, min(rows), kind, commands_each, begin)
                        for tab, kind in ((one, "first"), (other, "second"))
                    ]
                    begin.set()
                is_over = data["states"] == {"complete": n_trials} and not data["is_run"]
                if is_over and sent and all(tab.done() for tab in sent) and len(told) >= 2 * commands_each:
                    break
            for worker in workers:
                worker.join()
        assert {worker.exitcode for worker in workers} == {0}
        ids = [number for tab in sent for number in tab.result()]
        assert len(set(ids)) == 2 * commands_each
        assert set(told) == set(ids)
        commands = other.get(f"/api/studies/1/trials/{min(rows)}").json()["commands"]
        assert [command["id"] for command in commands] == sorted(ids)
        assert {command["state"] for command in commands} == {"taken"}
        table = other.get("/api/studies/1/trials").json()["table"]
        assert_equal(rows, {column["name"]: unpacked(column["values"]) for column in table["columns"]}, n_trials)


def assert_equal(rows, whole, n_trials):
    assert sorted(rows) == whole["trial"] == list(range(n_trials))
    for name, values in whole.items():
        if name in ("began_at", "ended_at", "seconds", "notes") or name.startswith("param:learning"):
            continue
        assert [rows[n][name] for n in sorted(rows)] == values, name


def test_in_a_file(tmp_path):
    watched_while_workers_write(tmp_path / "tunewell.db", 4, 1, 3, 4)


def test_in_postgresql(postgres_url):
    watched_while_workers_write(postgres_url, 4, 1, 3, 4)


@pytest.mark.slow
def test_thirty_two_writers_and_as_many_commands_in_a_file(tmp_path):
    watched_while_workers_write(tmp_path / "tunewell.db", 8, 4, 2, 16)


@pytest.mark.slow
def test_thirty_two_writers_and_as_many_commands_in_postgresql(postgres_url):
    watched_while_workers_write(postgres_url, 8, 4, 2, 16)


def test_a_database_server_that_goes_away_and_returns():
    pytest.importorskip("psycopg")
    from tunewell.testing.postgresql import PostgresServer, find_binaries

    if find_binaries() is None:
        pytest.skip("NOT TESTED: PostgreSQL, of which there is no server; install Debian's package postgresql")
    server = PostgresServer()
    try:
        url = server.url()
        with closing(open_store(url)) as store:
            tw.Study(SPACE, metric="val_loss", max_epochs=4, budget=9, store=store, name="shared")
        with serving(url) as served, served.browser() as browser, Stream(browser) as stream:
            next(stream)
            assert "***" in browser.get("/api/studies").json()["store"]
            server.stop()
            lost = stream.until(lambda event: event[0] == "lost")[-1][2]
            assert "***" in lost["why"] or "password" not in lost["why"]
            answer = browser.get("/api/studies/1")
            assert answer.status_code == 503
            server.start()
            stream.until(lambda event: event[0] == "back")
            assert next(stream)[2]["reload"] is True
            assert browser.get("/api/studies/1").status_code == 200
    finally:
        server.remove()
