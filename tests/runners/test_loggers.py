"""Experiment loggers as they are: a trial's run holds its epochs and no other's; to be paused or ended is no fault."""

import json
import subprocess
import sys
import textwrap

import pytest

import tunewell as tw

pytestmark = pytest.mark.slow
SCRIPT = """
    import tunewell as tw
    {imports}

    space = tw.Space(rate=tw.Float(0.0, 1.0))

    def train(run):
        {begin}
            for epoch in {loop}:
                {log}
                run.report(loss=run.params.rate / epoch)

    if __name__ == "__main__":
        scheduler = tw.HalvingScheduler(tw.RandomSampler(), min_epochs=1, eta=2)
        tw.tune(train, space, metric="loss", max_epochs=4, budget="4trials", scheduler=scheduler)
"""


def tuned(folder, monkeypatch, **parts):
    """Tune in a process of its own, where trials take turns; return the epochs of each."""
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text(textwrap.dedent(SCRIPT).format(**parts))
    done = subprocess.run([sys.executable, "train.py"], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert "so each trial trains in its own" in done.stderr
    study = tw.Study.open("tunewell.db", "train")
    steps = [report.trial for report in study.reports()]
    assert steps != sorted(steps)  # they took turns
    assert len({int(n) for n in study.history.epochs}) > 1
    return {trial: list(range(1, int(n) + 1)) for trial, n in enumerate(study.history.epochs)}


@pytest.mark.parametrize(
    ("begin", "loop"),
    [
        ("with mlflow.start_run(run_name=str(run.trial)):", "run.epochs(4)"),
        *(  # as other loggers are tried, here and in test_isolation.py
            pytest.param(*parts, marks=pytest.mark.exhaustive)
            for parts in (
                ("with mlflow.start_run(run_name=str(run.trial)):", "range(1, 5)"),
                ("if mlflow.start_run(run_name=str(run.trial)):", "run.epochs(4)"),
            )
        ),
    ],
)
def test_mlflow(tmp_path, monkeypatch, begin, loop):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    log = 'mlflow.log_metrics({"trial": run.trial, "epoch": epoch}, step=epoch)'
    epochs = tuned(tmp_path, monkeypatch, imports="import mlflow", begin=begin, log=log, loop=loop)
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    found = {}
    for run in client.search_runs(["0"]):
        trial = int(run.info.run_name)
        assert trial not in found
        assert run.info.status == "FINISHED"
        assert {one.value for one in client.get_metric_history(run.info.run_id, "trial")} == {trial}
        found[trial] = [int(one.value) for one in client.get_metric_history(run.info.run_id, "epoch")]
    assert found == epochs


@pytest.mark.parametrize("begin", ["with wandb.init(name=str(run.trial)):", "if wandb.init(name=str(run.trial)):"])
def test_wandb(tmp_path, monkeypatch, begin):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    log = 'wandb.log({"trial": run.trial, "epoch": epoch})'
    epochs = tuned(tmp_path, monkeypatch, imports="import wandb", begin=begin, log=log, loop="run.epochs(4)")
    found = {}
    for file in (tmp_path / "wandb").glob("offline-run-*/*.wandb"):
        name, rows, code = wandb_run(file)
        assert int(name) not in found
        assert code == 0
        assert {row["trial"] for row in rows} == {int(name)}
        found[int(name)] = [row["epoch"] for row in rows]
    assert found == epochs


def wandb_run(file):
    """The name, the history and the exit code of a run."""
    from wandb.proto import wandb_internal_pb2

    name, rows, code = None, [], None
    for data in wandb_records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        match record.WhichOneof("record_type"):
            case "run":
                name = record.run.display_name
            case "history":
                items = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
                rows.append(items)
            case "exit":
                code = record.exit.exit_code
    return name, rows, code


def wandb_records(data, header=7, block=2**15):
    """The records of a log in LevelDB's format: in blocks, in which pieces of records have a header each."""
    at, record = header, b""
    while at + header <= len(data):
        if block - at % block < header:
            at += block - at % block
            continue
        size, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        record += data[at + header : at + header + size]
        at += header + size
        if kind in (1, 4):  # whole, or the last piece
            yield record
            record = b""


@pytest.mark.parametrize("module", ["torch.utils.tensorboard", "tensorboardX"])
def test_tensorboard(tmp_path, monkeypatch, module):
    pytest.importorskip(module)
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    epochs = tuned(
        tmp_path,
        monkeypatch,
        imports=f"from {module} import SummaryWriter",
        begin="if writer := SummaryWriter():",
        log='writer.add_scalar("trial", run.trial, epoch)',
        loop="run.epochs(4)",
    )
    found = {}
    for folder in (tmp_path / "runs").iterdir():
        events = accumulator.EventAccumulator(str(folder)).Reload()
        (trial,) = {int(one.value) for one in events.Scalars("trial")}
        found[trial] = [one.step for one in events.Scalars("trial")]
    assert found == epochs
