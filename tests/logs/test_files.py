"""The logs that a program writes while it trains."""

import json
import struct

import pytest

from tunewell.logs.event_files import rows_of_events
from tunewell.logs.files import WrittenLogs, name_pattern


def event(step, tag, value):
    """Return a record of an event file, as TensorBoard writes it; nobody looks at its checksums."""
    scalar = b"\x0a" + bytes([len(tag)]) + tag.encode() + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(scalar)]) + scalar
    body = b"\x09" + struct.pack("<d", 1.0) + b"\x10" + bytes([step]) + b"\x2a" + bytes([len(summary)]) + summary
    return struct.pack("<Q", len(body)) + b"1234" + body + b"1234"


@pytest.fixture
def logs(tmp_path):
    (tmp_path / "old.csv").write_text("epoch,val_acc\n1,0.9\n")
    return WrittenLogs(tmp_path, lambda name: name.startswith(("val", "loss")))


def polled(logs):
    return [(path.name, row.epoch, dict(row.values)) for path, row in logs.poll()]


def test_a_table_is_read_as_it_grows_and_an_old_one_is_none(tmp_path, logs):
    assert not logs.poll()
    log = tmp_path / "metrics.csv"
    log.write_text("epoch,val_acc\n1,0.5\n2,0.")
    assert polled(logs) == [("metrics.csv", 1, {"val_acc": 0.5})]
    log.write_text("epoch,val_acc\n1,0.5\n2,0.6\n")
    assert polled(logs) == [("metrics.csv", 2, {"val_acc": 0.6})]
    log.write_text("epoch,val_acc,val_loss\n1,0.5,\n2,0.6,\n3,,0.4\n")  # Lightning adds columns
    assert polled(logs) == [("metrics.csv", 3, {"val_loss": 0.4})]
    assert not logs.poll()


def test_lines_of_json_and_text_are_read_from_where_they_ended(tmp_path, logs):
    for name, first, second in (
        ("log.jsonl", '{"epoch": 1, "val": {"acc": 0.5}}\n{"epo', 'ch": 2, "val": {"acc": 0.6}}\n'),
        ("train.log", "INFO epoch 1 val/acc 0.5\nINFO ep", "och 2 val/acc 0.6\n"),
    ):
        log = tmp_path / name
        log.write_text(first)
        assert polled(logs) == [(name, 1, {"val/acc": 0.5})]
        log.write_text(first + second)
        assert polled(logs) == [(name, 2, {"val/acc": 0.6})]


def test_a_state_that_is_written_anew_each_time_is_read_on(tmp_path, logs):
    history = [{"epoch": 1.0, "loss": 0.9}, {"epoch": 1.0, "val_loss": 0.8}]
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": history}))
    assert len(logs.poll()) == 2
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": [*history, {"epoch": 2.0, "loss": 0.7}]}))
    assert polled(logs) == [("trainer_state.json", 2, {"loss": 0.7})]


def test_event_files_are_read_while_they_are_written(tmp_path, logs):
    for split in ("train", "validation"):
        (tmp_path / split).mkdir()
        log = tmp_path / split / "events.out.tfevents.17.host"
        log.write_bytes(event(0, "loss", 0.5) + event(1, "loss", 0.25)[:-3])
    assert [row.step for _, row in logs.poll()] == [0]
    for split in ("train", "validation"):
        log = tmp_path / split / "events.out.tfevents.17.host"
        log.write_bytes(event(0, "loss", 0.5) + event(1, "loss", 0.25))
    assert [(row.step, dict(row.values)) for _, row in logs.poll()] == [(1, {"validation/loss": 0.25})]


def test_damaged_events_are_passed_over():
    good = event(3, "val/acc", 0.5)
    broken = struct.pack("<Q", 5) + b"1234" + b"\x2a\xff\xff\xff\xff" + b"1234"
    rows, length = rows_of_events(good + broken + good)
    assert [(row.step, dict(row.values)) for row in rows] == [(3, {"val/acc": 0.5})] * 2
    assert length == len(good + broken + good)


def test_events_of_pytorch_and_of_keras_are_read(tmp_path):
    writer = pytest.importorskip("tensorboardX").SummaryWriter(str(tmp_path))
    writer.add_scalar("val/acc", 0.5, 7)
    writer.close()
    (path,) = tmp_path.iterdir()
    assert [(row.step, dict(row.values)) for row in rows_of_events(path.read_bytes())[0]] == [(7, {"val/acc": 0.5})]


def test_the_name_of_a_log_fits_that_of_another_training(tmp_path):
    assert name_pattern(tmp_path / "run-12-metrics.csv") == "run-*-metrics.csv"
    assert name_pattern(tmp_path / "events.out.tfevents.17.host.1.0") == "events.out.tfevents.*"


def test_a_log_of_each_training_s_own_is_new(tmp_path):
    (tmp_path / "exp1.csv").write_text("epoch,val_acc\n1,0.9\n")
    logs = WrittenLogs(tmp_path, lambda name: name == "val_acc", name="exp*.csv", is_new=True)
    (tmp_path / "exp1.csv").write_text("epoch,val_acc\n1,0.9\n2,0.8\n")
    (tmp_path / "exp2.csv").write_text("epoch,val_acc\n1,0.5\n")
    assert polled(logs) == [("exp2.csv", 1, {"val_acc": 0.5})]
