"""Records from files as Keras, Lightning and others write them, and from trials."""

import json
import math

import pytest

import tunewell as tw
from tunewell.diagnosis.readers import of_trial, read_file
from tunewell.diagnosis.readers.names import curves_of
from tunewell.diagnosis.readers.text import read_text
from tunewell.diagnosis.run_config import config_of
from tunewell.errors import MissingExtra, RecordError
from tunewell.logs.series import by_epoch

KERAS = """epoch,accuracy,learning_rate,loss,val_accuracy,val_loss
0,0.5120,0.0010000000474974513,1.3012,0.6011,1.1020
1,0.6622,0.0010000000474974513,0.9532,0.6533,0.9871
2,0.7218,0.0010000000474974513,0.8011,0.6719,nan
"""
LIGHTNING = """epoch,lr-Adam,step,train_acc,train_loss_epoch,train_loss_step,val_acc,val_loss
,0.001,0,,,,,
0,,49,,,1.9,,
0,,99,,,1.5,,
0,,99,,,,0.41,1.6
0,,99,0.35,1.71,,,
1,,149,,,1.3,,
1,,199,,,,0.52,1.3
1,,199,0.49,1.35,,,
"""
TWO_EPOCHS = "epoch,train_loss,val_loss\n1,0.9,0.95\n2,0.7,0.8\n"


@pytest.fixture
def file(tmp_path):
    def written(text, name="log.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return written


def test_a_log_of_keras(file):
    epochs = read_file(file(KERAS))["epochs"]
    assert [row["epoch"] for row in epochs] == [1, 2, 3]
    assert epochs[1] == {
        "epoch": 2,
        "train_accuracy": 0.6622,
        "lr": 0.0010000000474974513,
        "train_loss": 0.9532,
        "val_accuracy": 0.6533,
        "val_loss": 0.9871,
    }
    assert epochs[2]["val_loss"] != epochs[2]["val_loss"]


def test_a_log_of_lightning_has_gaps_that_are_filled(file):
    epochs = read_file(file(LIGHTNING))["epochs"]
    assert epochs == [
        {"epoch": 1, "train_loss": 1.71, "train_accuracy": 0.35, "val_accuracy": 0.41, "val_loss": 1.6},
        {"epoch": 2, "train_loss": 1.35, "train_accuracy": 0.49, "val_accuracy": 0.52, "val_loss": 1.3},
    ]


def test_percentages_and_semicolons(file):
    epochs = read_file(file("Epoch;Train Loss;Val Acc\n1;0.9;51%\n2;0.8;63%\n"))["epochs"]
    assert epochs == [
        {"epoch": 1, "train_loss": 0.9, "val_accuracy": 0.51},
        {"epoch": 2, "train_loss": 0.8, "val_accuracy": 0.63},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "epoch;train_loss;val_loss\n1;0,9;0,95\n2;0,7;0,8\n",
        "epoch  train_loss  val_loss\n1      0.9   0.95\n2      0.7   0.8\n",
        "ep\ttrain_loss\tval_loss\n1\t0.9\t0.95\n2\t0.7\t0.8\n",
    ],
    ids=["decimal commas", "spaces", "tabs"],
)
def test_numbers_as_spreadsheets_and_printed_tables_have_them(file, text):
    assert read_file(file(text))["epochs"] == read_file(file(TWO_EPOCHS, "plain.csv"))["epochs"]


def test_a_cell_that_is_not_available_is_a_gap_and_no_divergence(file):
    epochs = read_file(file("epoch,loss,val_loss\n0,0.9,NA\n1,0.8,0.9\n"))["epochs"]
    assert epochs == [{"epoch": 1, "train_loss": 0.9}, {"epoch": 2, "train_loss": 0.8, "val_loss": 0.9}]


def test_a_cell_that_is_no_number_is_refused_and_not_taken_for_a_loss_that_diverged(file):
    with pytest.raises(RecordError, match=r"has 'tensor\(0.9\)' for 'loss' in row 2, which is no number"):
        read_file(file("epoch,loss\n1,1.2\n2,tensor(0.9)\n"))


def test_a_log_without_epochs_counts_its_rows(file):
    assert [row["epoch"] for row in read_file(file("loss,val_loss\n2,2\n1,1.5\n"))["epochs"]] == [1, 2]


def test_a_log_of_steps_is_put_together_by_epochs(file):
    text = "step,train_loss,val_loss\n10,2.0,\n20,1.0,1.4\n30,0.8,\n40,0.6,1.1\n50,0.1,\n"
    assert read_file(file(text))["epochs"] == [
        {"epoch": 1, "train_loss": 1.5, "val_loss": 1.4},
        {"epoch": 2, "train_loss": pytest.approx(0.7), "val_loss": 1.1},
    ]


def test_columns_of_other_names_can_be_said(file):
    path = file("epoch,tr_cost,te_cost\n1,2,2.1\n2,1,1.5\n")
    with pytest.raises(RecordError, match=r"'tr_cost'.*--columns"):
        read_file(path)
    epochs = read_file(path, {"train_loss": "tr_cost", "val_loss": "te_cost"})["epochs"]
    assert epochs[0] == {"epoch": 1, "train_loss": 2, "val_loss": 2.1}


@pytest.mark.parametrize(
    ("text", "columns", "says"),
    [
        ("", None, "has no lines"),
        ("epoch,loss\n", None, "no line but the first"),
        ("1,0.5\n2,0.4\n", None, "begins with numbers"),
        ("epoch,loss\n1,2\n", {"train_loss": "cost"}, "no column 'cost'"),
        ("epoch,loss\n1,2\n", {"training": "loss"}, "no curve is called 'training'"),
        ("epoch,loss_D,loss_G\n1,2,3\n", None, "no column that is understood"),
        ("epoch,f1\n1,2\n", None, "has 'f1', and no loss or accuracy, which a diagnosis needs"),
    ],
)
def test_a_file_that_tells_nothing_is_refused_in_a_line(file, text, columns, says):
    with pytest.raises(RecordError, match=says) as error:
        read_file(file(text), columns)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(RecordError, match="there is no file"):
        read_file(tmp_path / "none.csv")


def test_two_epochs_get_an_answer(file):
    assert tw.diagnose(read_file(file(TWO_EPOCHS)))


@pytest.mark.parametrize(
    "document",
    [
        {"epochs": [{"loss": 2.0, "val_acc": 0.3}, {"loss": 1.0, "val_acc": 0.5}]},
        [{"epoch": 1, "train_loss": 2.0, "val_accuracy": 0.3}, {"epoch": 2, "train_loss": 1.0, "val_accuracy": 0.5}],
        {"loss": [2.0, 1.0], "val_accuracy": [0.3, 0.5]},
    ],
)
def test_json_of_several_shapes_is_the_same_record(file, document):
    epochs = read_file(file(json.dumps(document), "run.json"))["epochs"]
    assert [(row["train_loss"], row["val_accuracy"]) for row in epochs] == [(2.0, 0.3), (1.0, 0.5)]


def test_json_lines_are_epochs(file):
    lines = '{"epoch": 1, "val_loss": 0.5}\n{"epoch": 2, "val_loss": 0.4}\n'
    assert read_file(file(lines, "run.jsonl"))["epochs"][1] == {"epoch": 2, "val_loss": 0.4}


def test_what_is_no_json_is_refused(file):
    with pytest.raises(RecordError, match="no JSON"):
        read_file(file("epoch,loss", "run.json"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "run.json is empty"),
        ("{}", "it has nothing"),
        ("null", "got null"),
        ("[]", r"such as {\"epoch\": 1, \"train_loss\": 2.3}, got \[\]"),
        ('{"epochs": [{"loss": 2}, null]}', "got null"),
        ('{"epochs": [1, 2]}', "got 1"),
    ],
)
def test_json_without_epochs_is_refused_with_what_it_has(file, text, says):
    with pytest.raises(RecordError, match=says):
        read_file(file(text, "run.json"))


@pytest.mark.parametrize(
    ("name", "curve"),
    [
        ("loss", "train_loss"),
        ("Loss/train", "train_loss"),
        ("training-loss", "train_loss"),
        ("validation/epoch_loss", "val_loss"),
        ("valLoss", "val_loss"),
        ("eval_cross_entropy", "val_loss"),
        ("sparse_categorical_accuracy", "train_accuracy"),
        ("Accuracy/valid", "val_accuracy"),
        ("test_acc", "val_accuracy"),
        ("loss_te", "val_loss"),
        ("lr-SGD", "lr"),
        ("learning_rate", "lr"),
        ("val_f1", None),
        ("loss_ratio", None),
        ("time", None),
    ],
)
def test_a_name_is_understood_by_its_words(name, curve):
    assert curves_of([name]) == ({} if curve is None else {curve: name})


def test_validation_goes_before_test():
    assert curves_of(["test_loss", "val_loss"]) == {"val_loss": "val_loss"}


def test_what_is_logged_oftener_is_averaged_over_the_epoch():
    told = {"train_loss": [(i, float(i)) for i in range(1, 7)], "val_loss": [(3, 9.0), (6, 8.0)]}
    assert by_epoch(told) == [
        {"epoch": 1, "train_loss": 2.0, "val_loss": 9.0},
        {"epoch": 2, "train_loss": 5.0, "val_loss": 8.0},
    ]


def test_the_parameters_of_a_trial_are_a_configuration():
    params = {"learning_rate": 0.1, "layers": 2, "hidden": 32, "optimizer": "SGD", "l2": 1e-4, "other": 3}
    assert config_of(params) == {"lr": 0.1, "hidden": [32, 32], "optimizer": "sgd", "weight_decay": 1e-4}


def test_a_trial_is_a_record():
    space = tw.Space(learning_rate=tw.Float(1e-3, 1.0, scale="log", default=0.1))
    study = tw.Study(space, metric="val_accuracy", max_epochs=3, budget=1, seed=0)
    step = study.ask()
    for epoch in step.epochs:
        watched = {"layers.a.b.grad_norm": 0.5, "chance_loss": math.log(10)}
        study.report(step.trial, epoch, val_accuracy=0.1 * epoch, loss=1.0, **watched)
    study.tell(step.trial)
    record = of_trial(study.trials[0], study.reports(0), study.max_epochs)
    assert record["config"] == {"lr": 0.1, "epochs": 3}
    assert record["n_classes"] == 10
    assert record["epochs"][0]["layers"] == [{"name": "a.b", "grad_norm": 0.5}]
    assert record["epochs"][0]["val_accuracy"] == 0.1
    assert record["epochs"][0]["train_loss"] == 1.0


@pytest.fixture
def events():
    """Writes scalars, `{tag: [(step, value), ...]}`, to an event file in a folder."""
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    def written(folder, scalars):
        writer = EventFileWriter(str(folder))
        for tag, points in scalars.items():
            for step, value in points:
                summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
                writer.add_event(Event(step=step, summary=summary))
        writer.close()

    return written


LOSSES = {"train_loss": [(1, 2.0), (2, 1.0)], "val_loss": [(1, 2.0), (2, 1.5)]}
READ = [{"epoch": 1, "train_loss": 2.0, "val_loss": 2.0}, {"epoch": 2, "train_loss": 1.0, "val_loss": 1.5}]


def test_event_files_of_tensorboard(tmp_path, events):
    val = [(step, 2 / step) for step in (4, 8)]
    events(tmp_path, {"Loss/train": [(step, 1 / step) for step in range(1, 9)], "Loss/val": val})
    epochs = read_file(tmp_path)["epochs"]
    assert [row["val_loss"] for row in epochs] == [0.5, 0.25]
    assert epochs[0]["train_loss"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_a_folder_of_events_for_each_split(tmp_path, events):
    events(tmp_path / "train", {"epoch_loss": LOSSES["train_loss"]})
    events(tmp_path / "validation", {"epoch_loss": LOSSES["val_loss"]})
    assert read_file(tmp_path)["epochs"] == READ


def test_the_one_run_in_a_folder_is_read_whatever_it_is_called(tmp_path, events):
    events(tmp_path / "version_0", LOSSES)
    assert read_file(tmp_path)["epochs"] == READ


def test_settings_that_are_logged_in_a_folder_below_do_not_hide_the_run(tmp_path, events):
    events(tmp_path, LOSSES)
    events(tmp_path / "1700000000.1", {"hparam/loss": [(0, 1.0)]})
    assert read_file(tmp_path)["epochs"] == READ


def test_settings_that_lightning_writes_beside_a_log_are_read(tmp_path, events, file):
    events(tmp_path / "version_0", LOSSES)
    hparams = (
        "batch_size: 0\nlr: 0.5\noptimizer: SGD\nhidden: 64\nmodel: !!python/object:x.Y\nnested:\n  dropout: 0.9\n"
    )
    (tmp_path / "version_0" / "hparams.yaml").write_text(hparams)
    (tmp_path / "version_0" / "metrics.csv").write_text(TWO_EPOCHS)
    config = {"lr": 0.5, "optimizer": "sgd", "hidden": [64]}
    for path in (tmp_path, tmp_path / "version_0", tmp_path / "version_0" / "metrics.csv"):
        assert read_file(path)["config"] == config
    assert "config" not in read_file(file(TWO_EPOCHS))
    (tmp_path / "hparams.yaml").write_bytes(b"\xff")
    assert "config" not in read_file(file(TWO_EPOCHS))


def test_a_folder_of_several_runs_asks_for_one_of_them(tmp_path, events):
    for name in ("version_0", "version_1"):
        events(tmp_path / name, LOSSES)
    with pytest.raises(RecordError, match=r"the events of 2 runs; give one of them: .*version_0, .*version_1"):
        read_file(tmp_path)


def test_a_folder_without_events_names_what_may_have_been_meant(tmp_path, events):
    with pytest.raises(RecordError, match="no event file of TensorBoard with a scalar in it; give one"):
        read_file(tmp_path)
    (tmp_path / "metrics.csv").write_text(TWO_EPOCHS)
    with pytest.raises(RecordError, match=r"did you mean .*metrics\.csv\?"):
        read_file(tmp_path)
    events(tmp_path / "logs" / "version_0", LOSSES)
    with pytest.raises(RecordError, match=r"did you mean .*version_0\?"):
        read_file(tmp_path)


def test_event_files_without_tensorboard_say_what_to_install(tmp_path):
    try:
        import tensorboard  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match=r"tunewell\[tensorboard\]"):
            read_file(tmp_path)
    else:
        with pytest.raises(RecordError, match="no event file"):
            read_file(tmp_path)


@pytest.mark.parametrize("names", ["d_loss,g_loss", "loss_D,loss_G", "step,policy,critic"])
def test_what_is_of_two_networks_against_each_other_or_a_reward_is_said_not_to_be_judged(names):
    n = names.count(",") + 1
    rows = "\n".join(",".join(f"{0.1 * i + k:.2f}" for k in range(n)) for i in range(10))
    with pytest.raises(RecordError, match="are not judged"):
        read_text(f"{names}\n{rows}\n")


def test_numbers_without_a_name_are_refused_with_what_to_write():
    with pytest.raises(RecordError, match=r"a number without a name.*`loss 0.69`"):
        read_text("0.69\n0.61\n0.55\n")
    losses = [row["train_loss"] for row in read_text("loss 0.69\nloss 0.61\nloss 0.55\n")["epochs"]]
    assert losses == [0.69, 0.61, 0.55]
