"""Runs that tunewell has never seen, as each tracker's own library writes them, and what is wrong with some."""

import json
import math
import sqlite3
from pathlib import Path

import pytest
from tests.bridges.conftest import place_of
from tests.bridges.studies import bring, curves

import tunewell as tw
from tunewell.bridges.places import Place, sink_place, source_place
from tunewell.errors import RecordError, SettingError, TrackerError
from tunewell.space.params import Choice, Float, Int
from tunewell.study.reader import StudyReader
from tunewell.trial import TrialState

pytestmark = pytest.mark.filterwarnings("ignore")  # of the trackers' own libraries


def space_of(store, name="back"):
    return StudyReader.open(store, name).space.params


def mlflow_runs(uri, experiment="old"):
    from mlflow.entities import Metric, Param
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    key = client.create_experiment(experiment)
    for number, (rate, opt) in enumerate([(0.1, "sgd"), (0.001, "adam"), (0.03, "adam")]):
        run = client.create_run(key, start_time=1_000 * (number + 1), run_name=f"run {number}", tags={"team": "vision"})
        params = [Param("optimizer.lr", str(rate)), Param("optimizer.name", opt), Param("batch_size", "32")]
        metrics = [
            Metric("val_loss", 1.0 / (step + 1) + number, 2_000 + 10 * step, step) for step in (2, 0, 1)
        ]  # out of order, from 0
        metrics.append(Metric("test_acc", 0.5, 9_000, 0))  # once, at the end
        client.log_batch(run.info.run_id, params=params, metrics=metrics)
        if number < 2:
            client.set_terminated(run.info.run_id, status=("FINISHED", "FAILED")[number], end_time=8_000)
    return client, key


def test_runs_of_mlflow_come_with_their_space(store, mlflow_uri):
    mlflow_runs(mlflow_uri)
    result = bring(f"mlflow:{mlflow_uri}", store, metric="val_loss")
    assert (result.new, result.epochs) == (3, 9)
    assert any("from 0" in line for line in result.notes)
    assert "optimizer.lr is called optimizer_lr here" in result.notes
    space = space_of(store)
    assert space["optimizer_lr"] == Float(0.001, 0.1, scale="log", tier=1)
    assert set(space["optimizer_name"].values) == {"sgd", "adam"}
    assert space["batch_size"] == Choice([32])
    trials = store.changes(store.study("back").id, 0).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.FAILED, TrialState.HELD]
    assert [trial.params["optimizer_lr"] for trial in trials] == [0.1, 0.001, 0.03]
    assert (trials[0].started_at, trials[0].ended_at) == (1.0, 8.0)
    assert trials[0].note["tags"] == ["team=vision"]
    found = curves(store, store.study("back").id)
    assert [found[0, epoch]["val_loss"] for epoch in (1, 2, 3)] == ["1.0", "0.5", repr(1 / 3)]
    assert "test_acc" in found[0, 3]
    assert "test_acc" not in found[0, 1]


def test_a_server_gives_the_same_runs_as_its_database(store, mlflow_uri):
    mlflow_runs(mlflow_uri)
    from tunewell.bridges import mlflow

    by_table = source_place(f"mlflow:{mlflow_uri}#old").source().read()
    by_client = mlflow._found(mlflow._of_client(Place("mlflow", mlflow_uri, "old")), "here")
    assert {run.id: run for run in by_client.runs} == {run.id: run for run in by_table.runs}


def test_a_run_of_mlflow_that_grows_brings_in_what_is_new(store, mlflow_uri):
    from mlflow.entities import Metric

    client, key = mlflow_runs(mlflow_uri)
    bring(f"mlflow:{mlflow_uri}", store, metric="val_loss")
    running = next(run for run in client.search_runs([key]) if run.info.status == "RUNNING")
    client.log_batch(running.info.run_id, metrics=[Metric("val_loss", 0.125, 9_500, 3)])
    client.log_param(running.info.run_id, "optimizer.momentum", "0.9")
    client.set_terminated(running.info.run_id)
    result = bring(f"mlflow:{mlflow_uri}", store, metric="val_loss")
    assert (result.new, result.grown, result.unchanged, result.epochs) == (0, 1, 2, 1)
    trial = store.changes(store.study("back").id, 0).trials[2]
    assert (trial.state, trial.epochs) == (TrialState.COMPLETE, 4)


def test_an_experiment_that_was_deleted_is_named(store, mlflow_uri):
    client, key = mlflow_runs(mlflow_uri)
    client.delete_experiment(key)
    with pytest.raises(RecordError, match=r"'old' was deleted there; restore it"):
        bring(f"mlflow:{mlflow_uri}#old", store, metric="val_loss")
    with pytest.raises(RecordError, match=r"there is no experiment .odl."):
        bring(f"mlflow:{mlflow_uri}#odl", store, metric="val_loss")
    from tests.bridges.studies import Trained

    study = Trained(store)
    study.first_half()
    from tests.bridges.studies import send

    with pytest.raises(TrackerError, match=r"'old' was deleted there; restore it .*or name another") as caught:
        send(store, study.record, f"mlflow:{mlflow_uri}#old")
    assert caught.value.lasting


def test_a_metric_is_asked_for_with_those_that_there_are(store, mlflow_uri):
    mlflow_runs(mlflow_uri)
    with pytest.raises(SettingError, match=r"Say --metric NAME; there are .*val_loss \(in 3\)"):
        bring(f"mlflow:{mlflow_uri}", store)
    with pytest.raises(SettingError, match=r"no run has logged 'vall_loss'.*did you mean 'val_loss'"):
        bring(f"mlflow:{mlflow_uri}", store, metric="vall_loss")
    assert store.studies() == []


def test_event_files_of_others_come_with_their_hparams(store, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import summary_v2 as hp
    from tensorboard.summary.writer.record_writer import RecordWriter

    def write(folder, *events):
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "events.out.tfevents.1").open("ab") as file:
            for event in events:
                RecordWriter(file).write(event.SerializeToString())

    def scalar(tag, value, step):
        return Event(
            wall_time=100.0 + step, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        )

    root = tmp_path / "events"
    declared = hp.hparams_config_pb(
        [hp.HParam("rate", hp.RealInterval(1e-4, 1.0)), hp.HParam("units")], [hp.Metric("loss")]
    )
    write(root, Event(summary=declared))
    for number, units in enumerate((16, 64, 32)):
        begun = hp.hparams_pb({"rate": 0.1 * (number + 1), "units": units}, start_time_secs=50.0 + number)
        run = root / f"run{number}"
        write(run, Event(wall_time=99.0, summary=begun))
        write(run, *[scalar("loss", 0.5 + number, step) for step in (100, 200, 300)])
        write(run / "validation", *[scalar("loss", 0.75, step) for step in (100, 200, 300)])
    half = (root / "run2" / "events.out.tfevents.1").read_bytes()
    (root / "run2" / "events.out.tfevents.1").write_bytes(half[:-9])  # as it is while it is written
    result = bring(f"tensorboard:{root}", store)
    assert (result.new, result.epochs) == (3, 8)
    assert any("no epochs" in line for line in result.notes)
    space = space_of(store)
    assert space["rate"] == Float(1e-4, 1.0)
    assert isinstance(space["units"], Int)
    found = curves(store, store.study("back").id)
    assert found[0, 2] == {"loss": "0.5", "validation/loss": "0.75", "step": "200.0"}
    assert [trial.started_at for trial in store.changes(store.study("back").id, 0).trials] == [50.0, 51.0, 52.0]


def test_runs_of_trackio_come_as_its_own_library_wrote_them(store, request, tmp_path, monkeypatch):
    text = place_of("trackio", request, tmp_path, monkeypatch)
    from trackio.sqlite_storage import SQLiteStorage

    for number in range(3):
        SQLiteStorage.bulk_log(
            project="digits",
            run=f"run-{number}",
            run_id=f"key-{number}",
            metrics_list=[{"val_loss": math.inf if step else 0.5, "note": "text"} for step in (0, 1)],
            steps=[0, 1],
            config={"lr": 10.0**-number, "model": {"depth": 2 + number}, "_Username": "ada"},
        )
    result = bring(text, store)
    assert (result.new, result.epochs) == (3, 6)
    assert set(space_of(store)) == {"lr", "model_depth"}
    assert curves(store, store.study("back").id)[0, 2] == {"val_loss": "inf"}


def test_offline_files_of_wandb_are_read_up_to_where_they_end(store, request, tmp_path, monkeypatch):
    place_of("wandb", request, tmp_path, monkeypatch)
    import wandb

    settings = wandb.Settings(silent=True, console="off", x_disable_stats=True)
    for number in range(2):
        run = wandb.init(
            project="p",
            id=f"run{number}",
            dir=str(tmp_path),
            mode="offline",
            config={"lr": 0.1 * (number + 1)},
            reinit="create_new",
            settings=settings,
        )
        for step in range(3):
            run.log({"val/acc": step / 3, "table": "text"}, step=step)
        run.finish(exit_code=number)
    with pytest.raises(RecordError, match="there is no folder"):
        bring("wandb:./nowhere", store)
    result = bring(f"wandb:{tmp_path / 'wandb'}", store, direction="maximize")
    assert (result.new, result.epochs) == (2, 6)
    trials = store.changes(store.study("back").id, 0).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.FAILED]
    (file,) = (tmp_path / "wandb").rglob("run-run1.wandb")
    file.write_bytes(file.read_bytes()[:-30])
    notes = bring(f"wandb:{tmp_path / 'wandb'}", store, "again", direction="maximize").notes
    assert any("ends in the middle of a record" in line for line in notes)


def optuna_study(storage):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=storage, study_name="opt", direction="maximize", sampler=optuna.samplers.RandomSampler(seed=1)
    )

    def objective(trial):
        rate = trial.suggest_float("optim.lr", 1e-5, 1e-1, log=True)
        kind = trial.suggest_categorical("kind", ["a", "b", True])
        if kind == "a":
            trial.suggest_int("depth", 1, 4)
        for step in range(3):
            trial.report(rate * (step + 1), step)
            if trial.number == 2:
                raise optuna.TrialPruned
        if trial.number == 3:
            raise ValueError
        trial.set_user_attr("gpu", "A")
        return rate * 3

    study.optimize(objective, n_trials=12, catch=ValueError)
    study.enqueue_trial({"kind": "b"})
    return study


@pytest.mark.parametrize("where", ["database", "journal"])
def test_a_study_of_optuna_comes_whole(store, tmp_path, where):
    optuna = pytest.importorskip("optuna")
    file = tmp_path / "optuna.store"
    if where == "journal":
        from optuna.storages.journal import JournalFileBackend

        storage, text = optuna.storages.JournalStorage(JournalFileBackend(str(file))), f"optuna:{file}"
    else:
        storage, text = f"sqlite:///{file}", f"optuna:sqlite:///{file}#opt"
    study = optuna_study(storage)
    result = bring(text, store)
    assert (result.new, result.epochs) == (12, 34)
    record = store.study("back")
    assert (record.metric, record.direction) == ("value", "maximize")
    space = space_of(store)
    assert space["optim_lr"] == Float(1e-5, 1e-1, scale="log")
    assert space["kind"].values == ("a", "b", True)
    assert space["depth"].conditions == {"kind": ("a",)}
    trials = store.changes(record.id, 0).trials
    theirs = study.get_trials()[:12]
    assert [trial.params["optim_lr"] for trial in trials] == [one.params["optim.lr"] for one in theirs]
    assert [trial.params.get("depth") for trial in trials] == [one.params.get("depth") for one in theirs]
    states = {"COMPLETE": TrialState.COMPLETE, "PRUNED": TrialState.STOPPED, "FAIL": TrialState.FAILED}
    assert [trial.state for trial in trials] == [states[one.state.name] for one in theirs]
    assert [trial.started_at for trial in trials] == pytest.approx([one.datetime_start.timestamp() for one in theirs])
    best = StudyReader.open(store, "back").best
    assert best.value == pytest.approx(study.best_value, abs=1e-12)
    assert bring(text, store).unchanged == 12


def test_a_journal_is_read_without_its_pickle_and_up_to_where_it_ends(store, tmp_path):
    rows = [
        {"op_code": 0, "worker_id": "w", "study_name": "opt", "directions": [1]},
        {"op_code": 4, "worker_id": "w", "study_id": 0, "datetime_start": "2026-01-02T03:04:05"},
        {"op_code": 5, "worker_id": "w", "trial_id": 0, "param_name": "x", "param_value_internal": 0.5}
        | {
            "distribution": json.dumps(
                {"name": "FloatDistribution", "attributes": {"low": 0, "high": 1, "log": False, "step": None}}
            )
        },
        {
            "op_code": 6,
            "worker_id": "w",
            "trial_id": 0,
            "state": 1,
            "values": [0.25],
            "datetime_complete": "2026-01-02T03:05:00",
        },
    ]
    journal = tmp_path / "journal.log"
    journal.write_text("\n".join(map(json.dumps, rows)) + '\n{"op_code": 4, "wor')
    (tmp_path / "journal.log.snapshot").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    result = bring(f"optuna:{journal}", store)
    assert (result.new, result.epochs) == (1, 1)
    assert any("line 5 of" in line for line in result.notes)
    assert not Path("pwned").exists()


def test_a_database_of_something_else_is_refused(store, tmp_path):
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE studies (x)")
    with pytest.raises(RecordError, match="no database of Optuna's: it has no table trial_params"):
        bring(f"optuna:sqlite:///{file}", store)
    with pytest.raises(RecordError, match="no database of MLflow's"):
        bring(f"mlflow:sqlite:///{file}", store)
    with pytest.raises(RecordError, match="there is no file"):
        bring(f"mlflow:sqlite:///{tmp_path / 'none.db'}", store)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises((RecordError, TrackerError), match="trackio"):
        bring(f"trackio:{file}", store)


CSV = """run,epoch,lr,net,val_loss,acc,status,started_at
a,2,0.1,x,0.5,0.75,finished,2026-01-02 03:04:05
a,1,0.1,x,0.75,0.5,finished,2026-01-02 03:04:05
b,1,0.01,y,nan,0.25,killed,2026-01-02 04:04:05
b,2,0.01,y,,0.125,killed,2026-01-02 04:04:05
"""


def test_a_csv_file_has_a_row_an_epoch(store, tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text(CSV)
    result = bring(str(file), store, metric="val_loss")
    assert (result.new, result.epochs, result.unchanged) == (2, 3, 0)
    assert "the epochs of 1 runs are out of order, such as those of 'a'; they were sorted" in result.notes
    found = curves(store, store.study("back").id)
    assert found == {
        (0, 1): {"val_loss": "0.75", "acc": "0.5"},
        (0, 2): {"val_loss": "0.5", "acc": "0.75"},
        (1, 1): {"val_loss": "nan", "acc": "0.25"},
    }
    trials = store.changes(store.study("back").id, 0).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE, TrialState.STOPPED]
    assert dict(trials[0].params) == {"lr": 0.1, "net": "x"}
    assert trials[0].started_at == 1767323045.0
    file.write_text(CSV + "c,1,0.5,x,0.5,0.5,finished,2026-01-02 05:04:05\na,3,0.1,x,0.25,0.9,finished,\n")
    more = bring(str(file), store, metric="val_loss")
    assert (more.new, more.grown, more.unchanged) == (1, 1, 1)
    assert any("the study's space was widened: lr" in line for line in more.notes)
    assert not StudyReader.open(store, "back").log.has_misfits()


def test_a_parameter_that_changed_its_name_can_be_one(store, tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text("run,learning_rate,lr,loss\na,0.1,,1\nb,,0.01,2\nc,,0.001,3\n")
    from tunewell.bridges.csv import CsvSource
    from tunewell.bridges.importing import take_in

    source = CsvSource(Place("csv", str(file)), metrics=["loss"])
    result = take_in(source, store, "two", metric="loss")
    assert any(
        "lr is in 2 of 3 runs; if another name means the same, say so: --rename lr=NAME" in n for n in result.notes
    )
    take_in(source, store, "one", metric="loss", renamed={"lr": "learning_rate"})
    assert space_of(store, "one") == {"learning_rate": Float(0.001, 0.1, scale="log", tier=1)}
    assert StudyReader.open(store, "two").history.points.shape == (3, 2)


def test_a_search_learns_from_runs_that_were_taken_in(store, tmp_path):
    file = tmp_path / "runs.csv"
    rows = [f"{rate},{width},{(rate - 0.3) ** 2 + width / 1000}" for rate in (0.1, 0.2, 0.3, 0.5) for width in (8, 64)]
    file.write_text("rate,width,loss\n" + "\n".join(rows))
    from tunewell.bridges.csv import CsvSource
    from tunewell.bridges.importing import take_in

    take_in(CsvSource(Place("csv", str(file)), metrics=["loss"]), store, "past", metric="loss")
    past = StudyReader.open(store, "past")
    study = tw.Study(
        {"rate": tw.Float(0.05, 1.0), "width": tw.Int(4, 128)},
        metric="loss",
        max_epochs=1,
        warm_start=[past],
        store=store,
    )
    step = study.ask()
    assert abs(step.params.rate - 0.3) < 0.2
    assert past.run_record(0)["epochs"]


def test_a_study_that_was_trained_here_takes_no_runs(store, tmp_path):
    from tests.bridges.studies import Trained

    Trained(store)
    file = tmp_path / "runs.csv"
    file.write_text(CSV)
    with pytest.raises(SettingError, match="was trained here"):
        bring(str(file), store, "digits", metric="val_loss")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mlfow:x", "did you mean 'mlflow'"),
        ("csv:x", "none are sent"),
        ("tensorboard", "needs the folder"),
        ("http://ada:secret@host", r"http://ada:\*\*\*@host"),
    ],
)
def test_a_place_that_cannot_be_meant_is_refused_with_those_there_are(text, says):
    with pytest.raises(SettingError, match=says) as caught:
        sink_place(text)
    assert "secret" not in str(caught.value)


def test_a_password_is_shown_nowhere():
    pytest.importorskip("mlflow")
    place = sink_place("mlflow:http://ada:secret@host/#digits")
    assert str(place) == "mlflow:http://ada:***@host/#digits"
    assert "secret" in place.spelled
