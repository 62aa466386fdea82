"""The PostgreSQL store: its address, what is refused, and what faults of a real server come to."""

import io
import re
import sqlite3
import threading
import time
import traceback
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest
from click.testing import CliRunner
from rich.console import Console

import tunewell as tw
from tunewell.cli.main import cli
from tunewell.display import progress
from tunewell.errors import SettingError, StoreError
from tunewell.runners.tune import drive
from tunewell.stores import MemoryStore, SpaceVersion, open_store
from tunewell.stores.migrations import MIGRATIONS
from tunewell.stores.postgresql import PostgresDatabase
from tunewell.stores.redaction import redacted
from tunewell.testing.postgresql import PASSWORD, PostgresServer
from tunewell.testing.records import STUDY, Reader, a_life, begin, everything

SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture
def store(postgres_url):
    with closing(open_store(postgres_url)) as store:
        yield store


@pytest.fixture
def server():
    """One of the test's own, to be stopped and killed."""
    pytest.importorskip("psycopg")
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture(autouse=True)
def _there_is_a_server(postgres):
    """Or nothing here can be tested."""


def execute(url, statement):
    with psycopg.connect(url) as connection:
        return connection.execute(statement)


# --- its address


def test_its_address_is_shown_without_the_password(store):
    assert store.url.startswith("postgresql://tunewell:***@127.0.0.1:")
    assert PASSWORD not in store.url


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_it_may_be_named_as_others_name_it(postgres_url, scheme):
    with closing(open_store(postgres_url.replace("postgresql", scheme, 1))) as store:
        assert store.studies() == []


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("postgresql://ada:secret@127.0.0.1:1/db", StoreError),
        ("postgresql://ada:secret@127.0.0.1:x/db", (SettingError, StoreError)),
        ("postgresql://ada:se@cret:secret@127.0.0.1:1/db", StoreError),
        ("postgresql://ada:sec/ret@127.0.0.1:1/db", (SettingError, StoreError)),
        ("postgresql://127.0.0.1:1/db?user=ada&password=secret", StoreError),
        ("postgresql://ada:secret@127.0.0.1:1/db?passwrd=secret", SettingError),
        ("postgresql://ada:secret@[/db", SettingError),
    ],
)
def test_a_wrong_address_is_refused_without_showing_the_password(url, kind):
    with pytest.raises(kind) as caught:
        open_store(url)
    shown = "".join(traceback.format_exception(caught.value))
    assert "secret" not in shown.replace(url, "")
    assert "ret@" not in str(caught.value)


def test_a_wrong_password_is_not_shown(postgres):
    url = postgres.url().replace("sesame", "secret")
    with pytest.raises(StoreError, match="password authentication failed") as caught:
        open_store(url)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_command_is_recorded_without_the_password(begin, postgres_url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "train.py"
    script.write_text(
        "import tunewell as tw\nspace = tw.Space(x=tw.Float(0, 1))\nepochs = 1\n"
        "def train(run):\n    for _ in run.epochs(1):\n        run.report(val_loss=run.params['x'])\n"
    )
    process = begin("tune", str(script), "--budget", "2trials", "--store", postgres_url)
    shown, talk = process.communicate(timeout=60)
    assert process.returncode == 0, talk
    with closing(open_store(postgres_url)) as store:
        (session,) = store.sessions(store.study("train").id)
    for text in (shown, talk, session.command):
        assert "sesame" not in text
    assert "--store 'postgresql://tunewell:***@127.0.0.1" in session.command
    assert "tunewell:***@" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("tune --store postgresql://ada:secret@host/db x", "tune --store postgresql://ada:***@host/db x"),
        ("postgresql+psycopg://ada:se%40cret@host", "postgresql+psycopg://ada:***@host"),
        ("postgresql://ada:s@e@c@host/db", "postgresql://ada:***@host/db"),
        ("'postgresql:///db?user=ada&password=secret&x=1'", "'postgresql:///db?user=ada&password=***&x=1'"),
        ("postgresql://ada:pa'ss@host/db", "postgresql://ada:***@host/db"),
        ('postgresql://ada:pa"ss@host/db', "postgresql://ada:***@host/db"),
        ("postgresql://ada@host/db?password=pa'ss&x=1", "postgresql://ada@host/db?password=***&x=1"),
        ("https://host:80/a and mail ada@host", "https://host:80/a and mail ada@host"),
    ],
)
def test_passwords_are_taken_out_of_text(text, shown):
    assert redacted(text) == shown


# --- what is refused


def test_tables_of_another_program_are_left_alone(postgres_url):
    execute(postgres_url, "CREATE TABLE trials (mine INTEGER)")
    with pytest.raises(StoreError, match=r"tables of another program \(trials\)"):
        open_store(postgres_url)
    assert execute_names(postgres_url) == {"trials"}


def test_tables_of_others_under_other_names_do_not_matter(postgres_url):
    execute(postgres_url, "CREATE TABLE customers (id INTEGER)")
    with closing(open_store(postgres_url)) as store:
        assert store.studies() == []


def execute_names(url):
    with psycopg.connect(url) as connection:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        return {name for (name,) in connection.execute(query)}


def test_to_read_makes_no_tables(postgres_url):
    with pytest.raises(StoreError, match="no store at"):
        open_store(postgres_url, create=False)
    assert execute_names(postgres_url) == set()


@pytest.mark.usefixtures("store")
def test_a_record_of_a_newer_tunewell_is_refused(postgres_url):
    execute(postgres_url, f"INSERT INTO tunewell_schema VALUES ({len(MIGRATIONS) + 1}, 0)")
    with pytest.raises(StoreError, match=f"newer tunewell .schema {len(MIGRATIONS) + 1}"):
        open_store(postgres_url)


def test_a_server_that_refuses_the_empty_transaction_is_written_to_all_the_same(postgres, postgres_url):
    import psycopg

    function = "FUNCTION pg_logical_emit_message(boolean, text, text)"
    with psycopg.connect(postgres.url()) as admin:
        admin.execute("CREATE ROLE plain LOGIN PASSWORD 'plain'")
        admin.execute(f"REVOKE EXECUTE ON {function} FROM PUBLIC")
        schema = unquote(postgres_url).rpartition("search_path=")[2]
        admin.execute(f'GRANT ALL ON SCHEMA "{schema}" TO plain')
    try:
        user, _, place = postgres_url.rpartition("@")
        with closing(open_store(f"{user.partition('://')[0]}://plain:plain@{place}")) as store:
            assert store.studies() == []
            assert store.add_study(STUDY).id == 1
            assert not store._database._can_wait_apart
    finally:
        with psycopg.connect(postgres.url()) as admin:
            admin.execute(f"GRANT EXECUTE ON {function} TO PUBLIC")


def test_a_role_that_may_not_write_is_told_so(store, postgres):
    study = store.add_study(STUDY).id
    begin(store, study, 0)
    with store._database.writing() as cursor:
        schema = cursor.execute("SELECT current_schema()").fetchone()[0]
        cursor.execute("DROP ROLE IF EXISTS reader")
        cursor.execute("CREATE ROLE reader")
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader")
    store._database._connection.execute("SET ROLE reader")
    with pytest.raises(StoreError, match=r"permission denied.*GRANT"):
        store.report(study, 0, 1, {"val_loss": 1.0}, 1.0, at=1.0)
    store._database._connection.execute("RESET ROLE")
    store.report(study, 0, 1, {"val_loss": 1.0}, 1.0, at=1.0)
    with psycopg.connect(postgres.url()) as connection:
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader")


def test_synchronous_is_for_files(postgres_url):
    with pytest.raises(SettingError, match="synchronous is for SQLite"):
        tw.stores.SqlStore(postgres_url, synchronous="full")


# --- past schemas


@pytest.mark.parametrize("past", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_record_of_a_past_schema_is_read(postgres_url, past):
    rows = sqlite3.connect(":memory:")
    rows.executescript(past.read_text(encoding="utf-8"))
    with psycopg.connect(postgres_url) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "CREATE TABLE tunewell_schema (version INTEGER PRIMARY KEY, applied_at DOUBLE PRECISION NOT NULL)"
        )
        for migration in MIGRATIONS[: int(past.stem)]:
            migration(cursor, PostgresDatabase.dialect)
        for table in _in_order(rows):
            _copy(rows, cursor, table)
    with closing(open_store(postgres_url)) as store:
        study = store.study("digits").id
        model = MemoryStore()
        of_model = model.add_study(STUDY).id
        for change in a_life(model, of_model):
            change()
        known, expected = Reader(store, study).read(), Reader(model, of_model).read()
        assert (known.trials, known.values) == (expected.trials, expected.values)
        assert store.spaces(study)[0] == SpaceVersion(1, STUDY.space, STUDY.created_at)
        number = len(known.trials)
        begin(store, study, number)
        store.report(study, number, 1, {"val_loss": 0.5}, 0.5, at=9.0)
        versions = [version for (version,) in execute(postgres_url, "SELECT version FROM tunewell_schema ORDER BY 1")]
        assert versions == [n + 1 for n in range(len(MIGRATIONS))]


def _in_order(rows):
    """The tables, those that others refer to first."""
    names = [name for (name,) in rows.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    first = ["tunewell_schema", "studies", "sessions", "trials"]
    return first + [name for name in names if name not in first]


def _copy(rows, cursor, table):
    found = rows.execute(f'SELECT * FROM "{table}"')
    columns = [column[0] for column in found.description]
    names, places = ", ".join(f'"{name}"' for name in columns), ", ".join(["%s"] * len(columns))
    for row in found.fetchall():
        values = [
            None if v is None else bool(v) if c in ("git_dirty", "is_paused") else v
            for c, v in zip(columns, row, strict=True)
        ]
        cursor.execute(f'INSERT INTO "{table}" ({names}) VALUES ({places})', values)
    if "id" in columns:
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))")


def test_many_may_set_up_a_database_at_once(postgres_url):
    errors = []

    def set_up():
        try:
            open_store(postgres_url).close()
        except BaseException as error:  # noqa: BLE001  whatever it is, the test wants to show it
            errors.append(error)

    threads = [threading.Thread(target=set_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_what_is_read_together_is_of_one_moment(store, postgres_url):
    store.add_study(STUDY)
    with closing(open_store(postgres_url)) as other, store._database.reading() as cursor:
        seen = [cursor.execute("SELECT name FROM studies").fetchall()]
        other.add_study(replace(STUDY, name="letters", uuid="another"))
        seen.append(cursor.execute("SELECT name FROM studies").fetchall())
    assert seen == [[("digits",)]] * 2
    assert [study.name for study in store.studies()] == ["digits", "letters"]


# --- faults


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_goes_away_and_returns_loses_nothing_that_was_answered(server, how):
    with closing(open_store(server.url())) as store:
        study = store.add_study(STUDY).id
        begin(store, study, 0)
        answered = []
        unknown = []
        over = threading.Event()

        def report():
            epoch = 0
            while not over.is_set():
                epoch += 1
                try:
                    store.report(study, 0, epoch, {"val_loss": 0.5}, 0.5, at=float(epoch))
                except StoreError as error:
                    unknown.append((epoch, str(error)))
                else:
                    answered.append(epoch)

        thread = threading.Thread(target=report)
        thread.start()
        for _ in range(3):
            while_more(answered, 50)
            server.stop(how)
            server.start()
        while_more(answered, 50)
        over.set()
        thread.join()
        kept = [report.epoch for report in store.reports(study)]
        assert set(answered) <= set(kept) <= {*answered, *(epoch for epoch, _ in unknown)}
        assert all("may or may not be on record" in error for _, error in unknown)  # it was committing just then
        assert len(kept) == len(set(kept))
        assert len(unknown) <= 3


def while_more(answered, n):
    """Wait until there are n more."""
    until = len(answered) + n
    while len(answered) < until:
        threading.Event().wait(0.01)


def test_a_study_outlives_its_server_going_away(server):
    study = tw.Study(
        tw.Space(x=tw.Float(0, 1)), metric="loss", max_epochs=2, budget="3trials", scheduler="full", store=server.url()
    )
    for n in range(3):
        step = study.ask()
        study.report(step.trial, 1, loss=1.0)
        server.stop()
        server.start()
        study.report(step.trial, 2, loss=0.5)
        study.tell(step.trial)
        assert study.ask() is None if n == 2 else True
    assert [trial.epochs for trial in study.trials][:1] == [2]
    study.close()


def test_one_that_waits_for_its_turn_goes_on_when_the_server_returns(server):
    with closing(open_store(server.url())) as holder, closing(open_store(server.url())) as waiter:
        study = holder.add_study(STUDY).id
        got = threading.Event()

        def wait():
            with waiter.decision_lock(study):
                got.set()

        thread = threading.Thread(target=wait)
        with holder.decision_lock(study):
            thread.start()
            time.sleep(0.3)
            server.stop()
            assert not got.is_set()
            server.start()
            assert got.wait(20)  # who held it is connected no more
        thread.join()


def test_a_server_that_does_not_return_is_named(server, monkeypatch):
    monkeypatch.setattr("tunewell.stores.postgresql.PATIENCE_S", 0.5)
    with closing(open_store(server.url())) as store:
        study = store.add_study(STUDY).id
        server.stop()
        with pytest.raises(StoreError, match=r"cannot be reached: .*see that the server runs"):
            begin(store, study, 0)
        server.start()
        begin(store, study, 0)


def test_a_server_that_was_waited_for_in_vain_is_not_waited_for_again_at_once(server, monkeypatch):
    with closing(open_store(server.url())) as store:
        study = store.add_study(STUDY).id
        server.stop()
        monkeypatch.setattr("tunewell.stores.postgresql.PATIENCE_S", 0.5)
        with pytest.raises(StoreError):
            store.sessions(study)
        monkeypatch.setattr("tunewell.stores.postgresql.PATIENCE_S", 60.0)
        began = time.monotonic()
        for _ in range(3):  # as when a study ends
            with pytest.raises(StoreError, match=r"then resume: what was reported is on record"):
                store.sessions(study)
        assert time.monotonic() - began < 30


def test_one_that_waits_for_a_server_looks_often_and_no_look_takes_long(store, monkeypatch):
    study, connect, waits, timeouts = store.add_study(STUDY).id, psycopg.connect, [], []

    def refuse(*args, **named):
        timeouts.append(named["connect_timeout"])
        if len(timeouts) > 20:
            return connect(*args, **named)
        raise psycopg.OperationalError("the database system is starting up")

    monkeypatch.setattr(psycopg, "connect", refuse)
    monkeypatch.setattr("tunewell.stores.postgresql.time.sleep", waits.append)
    store._database._hang_up()
    assert store.sessions(study) == []
    assert max(timeouts) + max(waits) <= 3.25
    assert len(waits) == 20


def test_a_thread_reports_while_another_waits_to_decide(postgres_url):
    with closing(open_store(postgres_url)) as holder, closing(open_store(postgres_url)) as waiter:
        study = holder.add_study(STUDY).id
        begin(waiter, study, 0)
        over = threading.Event()

        def wait():
            with waiter.decision_lock(study):
                over.set()

        thread = threading.Thread(target=wait)
        with holder.decision_lock(study):
            thread.start()
            time.sleep(0.3)
            for epoch in range(1, 4):
                waiter.report(study, 0, epoch, {"val_loss": 1.0}, 1.0, at=1.0)
            assert not over.is_set()
        thread.join()


def test_the_display_goes_on_and_says_that_the_database_is_waited_for(server, monkeypatch):
    monkeypatch.setattr(progress, "_AWAITED_S", 0.2)
    settings = {"metric": "loss", "max_epochs": 4, "budget": 1, "scheduler": "full", "store": server.url()}
    study, stream = tw.Study(tw.Space(x=tw.Float(0, 1)), **settings), io.StringIO()
    lines, live = progress.LineProgress(stream), progress.LiveProgress()
    step = study.ask()
    for observer in (lines, live):
        observer.on_step(study.reader, step)

    def shown():
        console = Console(file=io.StringIO(), width=200)
        console.print(live.render())
        return console.file.getvalue()

    study.report(step.trial, 1, loss=1.0)
    lines.show_silence()
    assert "epoch 1 of 4" in until(shown, lambda text: "epoch 1" in text)
    server.stop()
    thread = threading.Thread(target=lambda: study.report(step.trial, 2, loss=1.0))
    thread.start()
    assert "epoch 1 of 4" in until(shown, lambda text: "the database is away since" in text)
    lines.show_silence()
    lines.show_silence()
    server.start()
    thread.join()
    assert "epoch 2 of 4" in until(shown, lambda text: "epoch 2" in text and "away" not in text)
    lines.show_silence()
    away, back = stream.getvalue().splitlines()
    assert re.fullmatch(r"the database is away since \d\d:\d\d:\d\d and is waited for; trainings go on .*", away)
    assert back == "the database is back"
    study.close()


def until(look, is_so):
    """Look until it is so; return what is seen."""
    give_up = time.monotonic() + 30
    while not is_so(seen := look()):
        assert time.monotonic() < give_up, seen
        time.sleep(0.05)
    return seen


def test_a_worker_whose_server_does_not_return_ends_with_a_line_and_the_study_goes_on(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(
        "import tunewell as tw\nspace = tw.Space(x=tw.Float(0, 1))\n"
        "def train(run):\n    for epoch in run.epochs(2):\n        if run.trial == 1:\n"
        "            import builtins\n            builtins.stop_server()\n        run.report(val_loss=run.params.x)\n"
    )
    monkeypatch.setattr("builtins.stop_server", server.stop, raising=False)
    monkeypatch.setattr("tunewell.stores.postgresql.PATIENCE_S", 0.5)
    command = ["tune", "train.py", "--budget", "3trials", "--scheduler", "full", "--store", server.url()]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 1
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("error"))
    assert "cannot be reached" in line
    assert "then resume" in line
    assert "Traceback" not in result.output
    server.start()
    monkeypatch.setattr("builtins.stop_server", lambda: None)
    assert CliRunner().invoke(cli, [*command, "--resume"]).exit_code == 0


def test_a_connection_that_an_administrator_ends_is_made_again(store, postgres):
    study = store.add_study(STUDY).id
    before = everything(store, study)
    with psycopg.connect(postgres.url()) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tunewell'")
    assert everything(store, study) == before


def test_an_interrupted_write_is_undone(store):
    study = store.add_study(STUDY).id
    before = everything(store, study)
    with pytest.raises(KeyboardInterrupt), store._revising(study):
        raise KeyboardInterrupt
    assert everything(store, study) == before
    begin(store, study, 0)
    assert store.changes(study, 0).trials[0] == replace(store.changes(study, 0).trials[0], number=0)


# --- other encodings


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "LATIN9", "WIN1252", "KOI8R", "EUC_JP", "EUC_TW"])
def test_a_database_in_another_encoding_keeps_a_study(postgres, encoding):
    url = postgres.new_database(f"in_{encoding.lower()}", encoding=encoding)
    space = tw.Space(x=tw.Float(0.0, 1.0), kind=tw.Choice(["größe", "費用"]))
    study = tw.Study(space, metric="loss", store=url, name="größe €", budget=4, scheduler="full", max_epochs=1)

    def train(run):
        for _ in run.epochs(1):
            run.report(loss=run.params.x)
            if run.trial == 1:
                raise ValueError("costs 5 € for größe 費用 😀 \udc80")

    drive(study, train)
    study.store.close()
    with closing(open_store(url)) as store:
        again = tw.Study.open(store, "größe €")
        states = [str(trial.state) for trial in again.trials]
        assert states.count("failed") == 1
        assert states.count("complete") == len(states) - 1
        reason = again.trials[1].reason
        assert reason.splitlines()[-1].startswith("ValueError: costs 5 ")
        assert {trial.params["kind"] for trial in again.trials} <= {"größe", "費用"}
        if encoding == "SQL_ASCII":
            assert "5 € for größe 費用 😀 \\udc80" in reason
        if encoding == "LATIN1":
            assert "5 \\u20ac for größe" in reason


# --- damage


def short_study(url):
    return tw.Study(
        tw.Space(x=tw.Float(0.0, 1.0)), metric="loss", store=url, name="s", budget=3, scheduler="full", max_epochs=2
    )


def changed(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_of_a_damaged_record_the_rest_is_shown(postgres):
    url = postgres.new_database("damaged")
    study = short_study(url)
    drive(study, lambda run: [run.report(loss=run.params.x) for _ in run.epochs(2)])
    study.store.close()
    changed(url, "UPDATE studies SET space = '{torn', metric = ''; DELETE FROM spaces")
    for words in (["show", "s"], ["best"], ["export", "--format", "json"], ["list"]):
        result = CliRunner().invoke(cli, [*words, "--store", url])
        assert result.exit_code == 0, result.stderr
        assert "on record cannot be read" in result.stderr
    changed(url, "ALTER TABLE trials RENAME COLUMN note TO elsewhere")
    result = CliRunner().invoke(cli, ["show", "--store", url])
    assert (result.exit_code, "no longer as tunewell made it" in result.stderr) == (2, True)


def test_a_database_that_is_dropped_is_not_waited_for(postgres):
    url = postgres.new_database("dropped")
    study = short_study(url)

    def train(run):
        for epoch in run.epochs(2):
            if (run.trial, epoch) == (1, 1):
                changed(postgres.url(), "DROP DATABASE dropped WITH (FORCE)")
            run.report(loss=run.params.x)

    begun = time.monotonic()
    with pytest.raises(StoreError, match="was dropped while it was in use"):
        drive(study, train)
    assert time.monotonic() - begun < 30
    study.store.close()
