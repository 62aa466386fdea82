"""The SQLite store: its file, what is refused, and what faults come to."""

import gc
import os
import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from tunewell import stores
from tunewell.errors import SettingError, StoreError, TunewellError
from tunewell.stores import MemoryStore, SpaceVersion, SqlStore, open_store, schema
from tunewell.stores.database import CommitUncertain
from tunewell.stores.migrations import MIGRATIONS
from tunewell.testing.records import SESSION, STUDY, WIDER, Reader, a_life, a_trial, begin, everything
from tunewell.trial import TrialState

RECORD_PAGE = Path(__file__).parents[2] / "docs" / "record.md"
SCHEMAS = Path(__file__).parent / "schemas"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tunewell.db"


@pytest.fixture
def store(file):
    with closing(SqlStore(file)) as store:
        yield store


def lived(store):
    """A study in which all has happened that may."""
    study = store.add_study(STUDY).id
    for change in a_life(store, study):
        change()
    return study


def pragma(store, name):
    with store._database.reading() as cursor:
        return cursor.execute(f"PRAGMA {name}").fetchone()[0]


# --- which store a URL names


@pytest.mark.parametrize("url", ["memory", ":memory:"])
def test_memory_is_a_name(url):
    assert isinstance(open_store(url), MemoryStore)


@pytest.mark.parametrize("url", ["{}", "sqlite:///{}", "sqlite:///{}?synchronous=normal"])
def test_a_file_is_named_by_a_path_or_a_url(file, url):
    with closing(open_store(url.format(file))) as store:
        assert isinstance(store, stores.SqlStore)
        assert (store.url, store.folder) == (str(file), file.parent)
        assert pragma(store, "synchronous") == 1
    assert file.exists()


def test_a_file_may_be_named_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a folder").mkdir()
    with closing(open_store("a folder/50%?#.db")) as store:
        assert (store.url, store.folder) == ("a folder/50%?#.db", tmp_path / "a folder")
    assert (tmp_path / "a folder" / "50%?#.db").exists()


@pytest.mark.parametrize(
    ("said", "in_environment", "there"), [(None, None, "here"), (None, "team", "team"), ("mine", "team", "mine")]
)
def test_checkpoints_lie_where_somebody_says(said, in_environment, there, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    if in_environment is not None:
        monkeypatch.setenv("TUNEWELL_CHECKPOINTS", in_environment)
    with closing(open_store("here/t.db", checkpoints=said)) as store:
        assert store.folder == tmp_path / there


@pytest.mark.parametrize("how", [{"url": "sqlite:///{}?synchronous=full"}, {"url": "{}", "synchronous": "full"}])
def test_full_durability_is_an_option(file, how):
    with closing(SqlStore(**{**how, "url": how["url"].format(file)})) as store:
        assert pragma(store, "synchronous") == 2


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mysql://ada:secret@host/db", "no record can be kept in 'mysql://'"),
        ("://", "no record can be kept in '://'"),
        ("sqlite://", "names no file"),
        ("sqlite://tunewell.db", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///t.db?synchronous=off", "synchronous must be normal or full, got 'off'"),
        ("sqlite://ada:secret@host/t.db", "sqlite://ada:***@host/t.db' names no file"),
        ("sqlite:///t.db?mode=ro", "unknown option 'mode'"),
        ("sqlite:///t.db?password=secret", "sqlite:///t.db?password=***' has an unknown option 'password'"),
    ],
)
def test_another_url_is_refused_without_showing_its_password(url, complaint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match=re.escape(complaint)) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_sqlalchemy_is_imported_when_a_file_is_opened():
    code = "import tunewell, tunewell.stores, sys; tunewell.open_store('memory'); print('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout == b"False\n"


# --- files that are refused


def refused(path, *, create=True):
    """The complaint about it, which is a line."""
    with pytest.raises(StoreError) as caught:
        open_store(path, create=create)
    complaint = str(caught.value)
    assert str(path) in complaint
    assert "\n" not in complaint
    return complaint


def test_a_file_that_is_no_database_is_refused_and_left_alone(file):
    file.write_text("learning_rate,loss\n" * 100)
    assert "no tunewell database" in refused(file)
    assert "no tunewell database" in refused(file, create=False)
    assert file.read_text() == "learning_rate,loss\n" * 100
    assert list(file.parent.iterdir()) == [file]


def test_a_database_of_something_else_is_refused_and_left_alone(file):
    with closing(sqlite3.connect(file)) as database:
        for letter in "edcbaf":
            database.execute(f"CREATE TABLE {letter} (x)")
    before = file.read_bytes()
    assert refused(file).endswith("is no tunewell database (it has tables a, b, c, d, e, ...); name another file")
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_record_of_a_newer_tunewell_is_refused(store, file):
    newer = len(MIGRATIONS) + 1
    with store._database.writing() as cursor:
        cursor.execute(f"INSERT INTO tunewell_schema VALUES ({newer}, 0.0)")
    assert refused(file).endswith(
        f"was written by a newer tunewell (schema {newer}, this one knows {len(MIGRATIONS)}); upgrade tunewell"
    )


def test_a_damaged_file_is_refused(store, file):
    lived(store)
    store.close()
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * 3000 + whole[3100:])
    assert "restore it from a copy" in refused(file)


def test_a_folder_is_refused(tmp_path):
    assert "is a folder; name a file in it" in refused(tmp_path)


@pytest.mark.parametrize("create", [True, False])
def test_a_place_that_is_not_there_is_refused(tmp_path, create):
    complaint = refused(tmp_path / "no" / "t.db", create=create)
    assert ("has no folder" if create else "no store at") in complaint
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="Linux has a folder that nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_refused():
    assert "permission to write to its folder" in refused(Path("/proc/tunewell.db"))


def test_a_name_that_no_disk_takes_is_refused(tmp_path):
    assert "name another file" in refused(tmp_path / ("x" * 300))


@pytest.mark.parametrize("empty", [True, False])
def test_opening_for_reading_makes_no_store(file, empty):
    if empty:
        file.touch()
    assert refused(file, create=False).endswith("`tunewell tune` makes one")
    assert file.exists() == empty
    assert not empty or file.stat().st_size == 0


def test_an_empty_file_becomes_a_store(file):
    file.touch()
    with closing(open_store(file)) as store:
        lived(store)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("folder_too", [True, False])
def test_a_record_that_may_only_be_read_can_be_read(store, file, folder_too):
    study = lived(store)
    before = everything(store, study)
    store.close()
    file.chmod(0o400)
    if folder_too:
        file.parent.chmod(0o500)
    try:
        with closing(open_store(file, create=False)) as reader:
            assert everything(reader, study) == before
            with pytest.raises(StoreError, match="permission to write"):
                reader.change_study(study, budget="1trainings")
    finally:
        file.parent.chmod(0o700)


# --- the schema


def described(database):
    """Tables, columns, keys and indexes, the order of columns apart."""
    inspector = sa.inspect(database)
    found = {}
    for table in sorted(set(inspector.get_table_names()) - {"tunewell_schema"}):
        columns = inspector.get_columns(table)
        keys = [(key["constrained_columns"], key["referred_table"]) for key in inspector.get_foreign_keys(table)]
        found[table] = (
            {c["name"]: (c["type"]._type_affinity, c["nullable"] or c["primary_key"] > 0) for c in columns},
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(keys),
            sorted(unique["column_names"] for unique in inspector.get_unique_constraints(table)),
            sorted((index["name"], index["column_names"]) for index in inspector.get_indexes(table)),
        )
    return found


def test_the_migrations_lead_to_the_schema_of_today(store, file):
    migrated, today = sa.create_engine(f"sqlite:///{file}"), sa.create_engine("sqlite://")
    schema.metadata.create_all(today)
    assert described(migrated) == described(today)
    migrated.dispose()
    today.dispose()


@pytest.mark.parametrize("past", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_a_record_of_a_past_schema_is_read(file, past):
    with closing(sqlite3.connect(file)) as database:
        database.executescript(past.read_text(encoding="utf-8"))
    with closing(open_store(file)) as store:
        assert store.study("digits").seed == STUDY.seed
        known = Reader(store, store.study("digits").id).read()
        model = MemoryStore()
        expected = Reader(model, lived(model)).read()
        assert (known.trials, known.values) == (expected.trials, expected.values)
        with store._database.reading() as cursor:
            versions = cursor.execute("SELECT version FROM tunewell_schema ORDER BY version").fetchall()
        assert versions == [(n + 1,) for n in range(len(MIGRATIONS))]


def test_a_session_of_before_processes_were_noted_is_read(file):
    with closing(sqlite3.connect(file)) as database:
        database.executescript((SCHEMAS / "001.sql").read_text(encoding="utf-8"))
        known = {row[1] for row in database.execute("PRAGMA table_info(sessions)")}
    later = {field.name: field.default for field in fields(SESSION) if field.name not in known}
    assert later["process"] is None
    with closing(open_store(file)) as store:
        assert store.sessions(1) == [replace(SESSION, id=1, **later)]


def test_the_space_of_before_versions_were_kept_is_the_first(file):
    with closing(sqlite3.connect(file)) as database:
        database.executescript((SCHEMAS / "002.sql").read_text(encoding="utf-8"))
    with closing(open_store(file)) as store:
        assert store.spaces(1) == [SpaceVersion(1, STUDY.space, STUDY.created_at)]
        assert store.add_space(1, WIDER)
        assert store.study("digits").space == WIDER.space


def test_a_fresh_file_may_be_opened_by_many_at_once(tmp_path):
    errors = []

    def opened(path, start):
        start.wait()
        try:
            open_store(path).close()
        except TunewellError as error:
            errors.append(error)

    for n in range(5):
        start = threading.Barrier(6)
        threads = [threading.Thread(target=opened, args=(tmp_path / f"{n}.db", start)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []


def test_a_copy_in_another_mode_is_put_into_wal_mode(store, file, tmp_path):
    study = lived(store)
    with closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    with closing(open_store(tmp_path / "copy.db", create=False)) as copy:
        assert pragma(copy, "journal_mode") == "wal"
        assert everything(copy, study)[1].trials == everything(store, study)[1].trials


def test_the_file_is_in_wal_mode_with_foreign_keys_on(store):
    assert (pragma(store, "journal_mode"), pragma(store, "foreign_keys")) == ("wal", 1)


def test_a_closed_store_is_one_file(store, file):
    lived(store)
    store.close()
    assert list(file.parent.iterdir()) == [file]


def test_a_store_that_nobody_holds_any_more_lets_go_of_its_file(file):
    lived(open_store(file))
    gc.collect()
    assert list(file.parent.iterdir()) == [file]


# --- faults


def test_a_full_disk_loses_nothing_that_was_answered(store):
    study = lived(store)
    before = everything(store, study)
    with store._database.reading() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    answered = []

    def fill():
        for epoch in range(1, 1000):
            store.report(study, 2, epoch, {"val_loss": 0.5}, 0.5, at=8.0)
            answered.append(epoch)

    with pytest.raises(StoreError, match="make room on the disk and resume"):
        fill()
    assert [report.epoch for report in store.reports(study, 2)] == answered
    with store._database.reading() as cursor:
        cursor.execute("PRAGMA max_page_count = 1000000")
    store.report(study, 2, len(answered) + 1, {"val_loss": 0.5}, 0.5, at=8.0)
    assert everything(store, study)[1].trials == before[1].trials
    assert pragma(store, "integrity_check") == "ok"


def test_a_file_that_became_read_only_is_named(store, file):
    study = lived(store)
    with store._database.reading() as cursor:
        cursor.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match=f"{file}: attempt to write a readonly database; give yourself permission"):
        store.report(study, 2, 1, {"val_loss": 0.5}, 0.5, at=8.0)
    assert len(store.reports(study)) == 4


def test_a_process_that_keeps_the_file_locked_is_waited_for_and_then_named(store, file):
    study = lived(store)
    with store._database.reading() as cursor:
        cursor.execute("PRAGMA busy_timeout = 20")  # milliseconds
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process has kept it locked"):
            store.change_study(study, budget="1trainings")
        assert store.study("digits").budget == STUDY.budget  # reading does not wait
        other.execute("ROLLBACK")
    store.change_study(study, budget="1trainings")


def test_an_interrupted_write_is_undone(store):
    study = lived(store)
    before = everything(store, study)

    class Interrupting(dict):
        def items(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.report(study, 2, 1, Interrupting(), 0.5, at=8.0)
    assert everything(store, study) == before


def test_a_closed_store_says_so(store, file):
    store.close()
    with pytest.raises(StoreError, match=f"{file} is closed; open it again"):
        store.studies()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_is_refused_and_does_no_harm(store):
    study = lived(store)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            store.changes(study, 0)
        except StoreError as error:
            status = 0 if "start processes by 'spawn'" in str(error) else 2
        store.close()
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    begin(store, study, 3)
    store.report(study, 3, 1, {"val_loss": 0.5}, 0.5, at=8.0)


@pytest.mark.parametrize("was_committed", [True, False])
def test_a_report_whose_commit_is_in_doubt_is_there_once(store, was_committed, monkeypatch):
    study = store.add_study(STUDY).id
    begin(store, study, 0)
    writing = store._database.writing
    lost = iter([CommitUncertain("its answer was lost")] * 2)

    @contextmanager
    def losing():
        error = next(lost, None)
        with writing() as cursor:
            yield cursor
            if error and not was_committed:
                raise error
        if error:
            raise error

    monkeypatch.setattr(store._database, "writing", losing)
    for epoch in (1, 2):
        store.report(study, 0, epoch, {"val_loss": 0.5}, 0.5, at=float(epoch))
    assert [(report.epoch, report.at) for report in store.reports(study)] == [(1, 1.0), (2, 2.0)]


# --- what a person reads


def test_all_json_is_plain(store, file):
    lived(store)
    columns = [("studies", "space"), ("studies", "scheduler"), ("trials", "params"), ("trials", "note")]
    columns += [("reports", "metrics"), ("events", "data"), ("sessions", "versions")]
    with closing(sqlite3.connect(file)) as database:
        for table, column in columns:
            rows = database.execute(f"SELECT json_valid({column}), {column} FROM {table}").fetchall()
            assert rows
            assert all(valid for valid, _ in rows), rows
        metrics = database.execute("SELECT metrics ->> '$.train_loss' FROM reports WHERE epoch = 1").fetchone()
        assert metrics == ("Infinity",)


def test_a_step_shows_what_was_decided_in_the_end(store, file):
    study = store.add_study(STUDY).id
    begin(store, study, 0)
    store.revise_step(study, 0, until=9)
    store.end_step(study, 0, TrialState.PAUSED, 9)
    assert store.begin_step(study, 1, replace(a_trial(0), epochs=9, until=27))
    with closing(sqlite3.connect(file)) as database:
        steps = database.execute("SELECT number, trial, first, until FROM steps ORDER BY number").fetchall()
    assert steps == [(0, 0, 1, 9), (1, 0, 10, 27)]


def test_bytes_that_are_no_text_are_spelled_out(store):
    name = os.fsdecode(b"caf\xe9")  # from a command line
    study = store.add_study(replace(STUDY, name=name)).id
    begin(store, study, 0)
    store.end_step(study, 0, TrialState.FAILED, 1, reason=f"OSError: {name}")
    assert store.study(name).id == study
    assert store.changes(study, 0).trials[0].reason == "OSError: caf\\udce9"


def test_the_page_on_the_record_names_every_table_and_column():
    sections = re.split(r"^### (\w+)$", RECORD_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    told = {
        table: {
            name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
        }
        for table, text in zip(sections[::2], sections[1::2], strict=True)
    }
    tables = {name: {column.name for column in table.columns} for name, table in schema.metadata.tables.items()}
    assert told == {**tables, "tunewell_schema": {"version", "applied_at"}}


def queries():
    return re.findall(r"^```sql\n(.*?)^```", RECORD_PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("query", queries(), ids=range(len(queries())))
def test_the_queries_on_the_page_are_answered(store, file, query):
    lived(store)
    with closing(sqlite3.connect(file)) as database:
        assert database.execute(query).fetchall()


def test_the_best_is_found_by_the_query_on_the_page(store, file):
    lived(store)
    with closing(sqlite3.connect(file)) as database:
        trial, epoch, value, _ = database.execute(queries()[1]).fetchone()
        assert (trial, epoch, value) == (0, 1, 0.5)
        database.execute("UPDATE studies SET direction = 'maximize'")
        database.execute("UPDATE reports SET value = -9e999 WHERE value = 9e999")
        trial, epoch, value, _ = database.execute(queries()[1]).fetchone()
        assert (trial, epoch, value) == (1, 1, 0.75)


def test_a_store_has_one_folder_and_one_lock_by_whichever_link_it_is_named(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "tunewell.db")
    with (
        closing(open_store(tmp_path / "link.db")) as by_link,
        closing(open_store(tmp_path / "real" / "tunewell.db")) as other,
    ):
        assert by_link.folder == other.folder == tmp_path / "real"
        assert by_link.url == str(tmp_path / "link.db")
        for store in (by_link, other):
            with store.decision_lock(1):
                pass
        assert [path.name for path in tmp_path.iterdir() if path.name.endswith("-turn")] == []


def test_the_decision_lock_is_no_file_of_somebody_else(tmp_path):
    (tmp_path / "tunewell.db-turn").symlink_to(tmp_path / "elsewhere")
    with closing(open_store(tmp_path / "tunewell.db")) as store, store.decision_lock(1):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_home_is_filled_in_and_other_names_of_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("~/a.db", Path("~/a.db"), "sqlite:///~/a.db"):
        with closing(open_store(name)) as store:
            assert store.folder == tmp_path
    assert not Path("~").exists()
    with pytest.raises(SettingError, match="leads to no folder"):
        open_store("~nobody-of-this-name/a.db")
    for name in ("file:a.db", "file:///a.db?mode=ro"):
        with pytest.raises(SettingError, match="write the path alone, or sqlite:///FILE"):
            open_store(name)
