"""A page of a study that several processes write to, in a file and in PostgreSQL: it shows what is on record."""

import multiprocessing
from contextlib import closing

import pytest
from tests.web.served import SPACE, Stream, serving

import tunewell as tw
from tunewell.stores import open_store

WORKERS, TRIALS, EPOCHS = 4, 3, 4


def work(url):
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


def watched_while_workers_write(url):
    """The rows that a browser has when all is over, and those of the record."""
    with closing(open_store(url)) as store:
        study = tw.Study(
            SPACE,
            metric="val_loss",
            max_epochs=EPOCHS,
            budget=f"{WORKERS * TRIALS}trials",
            scheduler="full",
            store=store,
            name="shared",
        )
        study.close()
    with serving(url) as served, served.browser() as browser:
        with Stream(browser) as stream:
            next(stream)
            context = multiprocessing.get_context("spawn")
            workers = [context.Process(target=work, args=(url,)) for _ in range(WORKERS)]
            for worker in workers:
                worker.start()
            rows, notes = {}, 0
            for name, _, data in stream:
                if name == "change" and data["rows"]:
                    table = data["rows"]
                    rows |= {n: {c: v[place] for c, v in table.items()} for place, n in enumerate(table["trial"])}
                    if notes < 8 and rows:  # a note in between, which waits for its turn among the writers
                        order = {"trial": min(rows), "kind": "note", "text": f"note {notes}"}
                        assert browser.post("/api/studies/1/commands", json=order).status_code == 201
                        notes += 1
                if name == "change" and data["states"] == {"complete": WORKERS * TRIALS} and not data["is_run"]:
                    break
            for worker in workers:
                worker.join()
        assert {worker.exitcode for worker in workers} == {0}
        table = browser.get("/api/studies/1/trials").json()["table"]
        whole = {one["name"]: one["values"] for one in table["columns"]}
        commands = browser.get(f"/api/studies/1/trials/{min(rows)}").json()["commands"]
        assert len(commands) == notes
        return rows, whole


def assert_equal(rows, whole):
    assert sorted(rows) == whole["trial"] == list(range(WORKERS * TRIALS))
    for name, values in whole.items():
        if name in ("began_at", "ended_at", "seconds", "notes") or name.startswith("param:learning"):
            continue
        assert [rows[n][name] for n in sorted(rows)] == values, name


def test_in_a_file(tmp_path):
    assert_equal(*watched_while_workers_write(tmp_path / "tunewell.db"))


def test_in_postgresql(postgres_url):
    assert_equal(*watched_while_workers_write(postgres_url))


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
