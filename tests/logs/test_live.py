"""The metrics of programs, found and read line by line in what these print."""

import importlib.util
import json
import math
import sys
from pathlib import Path

import pytest

from tunewell.errors import ScriptError, SettingError
from tunewell.logs.cutter import LineCutter
from tunewell.logs.look import OBJECTS, FoundMetrics
from tunewell.training.first_look import Watching, found_by
from tunewell.training.log_reading import LogReading
from tunewell.training.metric_choice import direction_by_name, needs_rows
from tunewell.training.report_lines import EpochLines

_spec = importlib.util.spec_from_file_location("habits", Path(__file__).with_name("habits.py"))
habits = importlib.util.module_from_spec(_spec)
sys.modules["habits"] = habits
_spec.loader.exec_module(habits)
HABITS = habits.KNOWN | habits.OTHERS | habits.LATER


def cut(text, size=997):
    content = text.encode()
    cutter = LineCutter()
    yield from (line for at in range(0, len(content), size) for line in cutter.cut(content[at : at + size]))
    yield from cutter.cut(b"")


def looked(text, metric=None, pattern=None):
    """Return what a first look finds in a text, of which it reads no more than it needs."""
    watching = Watching(metric, pattern, None)
    is_whole = not any(watching.hear(line, is_output=True) for line in cut(text))
    return found_by(watching, metric, pattern, None, None, 1.0, is_whole=is_whole, talk=text)


def read(text, look, size=997):
    """Return the metrics of each epoch, read as a trial is."""
    found = FoundMetrics.from_dict(look.found.as_dict())
    reading = EpochLines(look.metric) if found.where == OBJECTS else LogReading(found, look.metric)
    epochs = [epoch for line in cut(text, size) for epoch in reading.hear(line, is_output=True)]
    return epochs + reading.end()


def values(text, **options):
    look = looked(text, **options)
    return [epoch[look.metric] for epoch in read(text, look) if look.metric in epoch]


@pytest.mark.parametrize("habit", HABITS.values(), ids=HABITS.keys())
def test_the_metric_is_found_and_has_one_value_an_epoch(habit):
    look = looked(habit.text)
    assert look.metric == habit.metric
    assert {one.name: one.direction for one in look.candidates}[look.metric] == habit.direction
    found = [epoch[look.metric] for epoch in read(habit.text, look) if look.metric in epoch]
    assert found == pytest.approx(habit.values)


@pytest.mark.parametrize("name", ["keras 3", "lightning's bar", "header and two lines", "hugging face"])
def test_a_log_is_read_alike_in_whatever_pieces_it_comes(name):
    look = looked(HABITS[name].text)
    assert read(HABITS[name].text, look, 1) == read(HABITS[name].text, look, 100_000)


@pytest.mark.parametrize("name", ["bars apart, percent", "header and two lines", "steps between", "logging"])
def test_an_epoch_is_reported_with_its_last_line_and_not_with_the_next(name):
    habit = HABITS[name]
    look = looked(habit.text)
    reading = LogReading(look.found, look.metric)
    for line in cut(habit.text):
        before = len(reading.hear(line, is_output=True))
        if before and abs(habit.values[0]) > 0:
            number = f"{habit.values[0] * (100 if '%' in habit.text else 1):.4f}".rstrip("0")
            assert number.rstrip(".") in line.text.decode()
            return
    pytest.fail("no epoch was reported")


def test_a_percentage_is_a_share_with_its_sign_and_without():
    for sign in ("%", " %", ""):
        text = "".join(f"epoch {e} val_acc: {50 + e}.5{sign}\n" for e in (1, 2, 3))
        assert values(text) == pytest.approx([0.515, 0.525, 0.535])
    look = looked("epoch 1 val_acc: 51.5\nepoch 2 val_acc: 52.5\n")
    assert any("in percent" in remark for remark in look.remarks)
    assert values("".join(f"epoch {e} val_acc: 0.5{e}\n" for e in (1, 2, 3))) == [0.51, 0.52, 0.53]


CORPUS = json.loads(Path(__file__).with_name("corpus.json").read_text(encoding="utf-8"))
"""What scripts in the habits of many authors print, each with its metric and the value of each epoch."""


@pytest.mark.parametrize("name", CORPUS)
def test_the_metric_of_a_script_is_found_at_the_first_look(name):
    script = CORPUS[name]
    look = looked(script["text"])
    assert look.metric == script["metric"]
    assert {one.name: one.direction for one in look.candidates}[look.metric] == script["direction"]
    found = [epoch[look.metric] for epoch in read(script["text"], look) if look.metric in epoch]
    assert found == pytest.approx(script["values"], abs=1e-5)


NUMBERS = (1, 2, 3)
COUNTED = {
    "header and JSON": ([f'epoch {e} is under way\n{{"val_loss": {e}.5}}' for e in NUMBERS], [1.5, 2.5, 3.5]),
    "an endless epoch": (['{"epoch": Infinity, "val_loss": 1.5}'], [1.5]),
    "twice": (["epoch 1 val_loss 0.8", "epoch 1 val_loss 0.8", "epoch 2 val_loss 0.6"], [0.8, 0.6]),
    "a summary": ([f"epoch {e} val_loss {e}.5" for e in NUMBERS] + ["Epoch 2: val_loss 2.5"], [1.5, 2.5, 3.5]),
    "begins anew": ([f"epoch {e} val_loss {f}.{e}" for f in (1, 2) for e in (1, 2)], [1.1, 1.2, 2.1, 2.2]),
    "epochs of one": ([f"Epoch 1/1\n5/5 - 1s - loss: 0.{n} - val_loss: 0.{n}5" for n in (9, 8, 7)], [0.95, 0.85, 0.75]),
    "every tenth": ([f"epoch {e}0 val_loss {e}.5" for e in NUMBERS], [1.5, 2.5, 3.5]),
    "from 0": ([f"epoch {e - 1} val_loss {e}.5" for e in NUMBERS], [1.5, 2.5, 3.5]),
    "a setting": (["epochs: 3, lr: 0.1"] + [f"step {s}00: val_loss {s}.5" for s in NUMBERS], [1.5, 2.5, 3.5]),
}


@pytest.mark.parametrize(("lines", "expected"), COUNTED.values(), ids=COUNTED.keys())
def test_each_epoch_is_counted_once(lines, expected):
    assert values("\n".join(lines) + "\n") == expected


def test_a_wanted_metric_is_found_in_any_spelling():
    text = "".join(f"Epoch {e} | Val Acc: 0.{e} | Val Loss: 0.{9 - e} | novelty: {e}.5\n" for e in (1, 2, 3))
    assert looked(text).metric == "val_acc"
    assert looked(text, metric="Val Acc").metric == "val_acc"
    assert looked(text, metric="val_accuracy").metric == "val_acc"
    assert values(text, metric="val-loss") == pytest.approx([0.8, 0.7, 0.6])
    assert values(text, metric="novelty") == [1.5, 2.5, 3.5]
    with pytest.raises(SettingError, match=r"reports no 'val_auc'.*found: val_acc, val_loss"):
        looked(text, metric="val_auc")


def test_a_pattern_finds_what_nothing_else_does():
    text = "".join(f"E{e} >> sc0re~0.{e} (old 0.7)\n" for e in (1, 2, 3))
    with pytest.raises(ScriptError, match=r"none of the names.*: sc0re;.*--pattern"):
        looked(text)
    assert values(text, pattern=r"E(?P<epoch>\d+) >> sc0re~(?P<val_acc>[\d.]+)") == [0.1, 0.2, 0.3]
    assert values(text, pattern=r"sc0re~([\d.]+)", metric="quality") == [0.1, 0.2, 0.3]
    with pytest.raises(ScriptError, match="matches no line"):
        looked(text, pattern="score=([0-9]+)", metric="quality")


@pytest.mark.parametrize(
    ("pattern", "metric", "why"),
    [
        ("acc=([0-9", None, "is no regular expression"),
        ("acc=", None, "has no group"),
        ("(a)=(.)", "a", "has several groups and no name"),
        ("acc=(.*)", None, "does not name its number"),
        ("acc=(?P<acc>.*)", "loss", "no group 'loss'"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(pattern, metric, why):
    with pytest.raises(SettingError, match=why):
        looked("acc=1\n", metric=metric, pattern=pattern)


def test_validation_goes_before_a_test_and_a_test_before_training_with_a_remark():
    rows = [
        "epoch {e} train_acc 0.9 test_acc 0.7 val_loss 0.5",
        "epoch {e} train_acc 0.9 test_acc 0.7",
        "epoch {e} train_acc 0.9",
    ]
    looks = [looked("".join(row.format(e=e) + "\n" for e in (1, 2, 3))) for row in rows]
    assert [look.metric for look in looks] == ["val_loss", "test_acc", "train_acc"]
    assert not looks[0].remarks
    assert "test rows" in looks[1].remarks[0]
    assert "training rows" in looks[2].remarks[0]


def test_a_split_that_is_named_alone_goes_as_it_goes_in_training_or_has_no_direction():
    def text(train, val):
        return "".join(
            f"Epoch: {e:03d}, Train: {t}, Val: {v}, Test: 0.7{e}\n"
            for e, (t, v) in enumerate(zip(train, val, strict=True))
        )

    look = looked(text((0.91, 0.92, 0.93), (0.81, 0.82, 0.83)))
    assert [one.direction for one in look.candidates if one.name == "val"] == ["maximize"]
    assert look.metric == "val"
    assert "val rises as it trains" in look.remarks[0]
    look = looked(text((2.1, 1.2, 1.1), (2.3, 2.2, 2.1)))
    assert {one.name: one.direction for one in look.candidates}["val"] == "minimize"
    for val in ((0.81, 0.8, 0.83), (0.81, 0.81, 0.81), (0.83, 0.82, 0.81)):
        unclear = text((0.91, 0.92, 0.93), val)
        with pytest.raises(SettingError, match=r"reports val, test, and which way.*--metric val, and --direction"):
            looked(unclear)
        assert values(unclear, metric="val") == list(val)


def test_names_that_no_metric_has_are_told():
    text = "".join(f"(epoch: {e}, iters: 100) D_A: 0.2{e} G_A: 0.5{e}\n" for e in (1, 2, 3))
    with pytest.raises(ScriptError, match=r"known as that of a metric: d_a, g_a; say which is, as in --metric d_a"):
        looked(text)
    assert values(text, metric="g_a") == [0.51, 0.52, 0.53]


def test_a_summary_without_its_step_is_no_epoch():
    text = "".join(f"Episode {e}\tAverage Score: {e}.5\n" for e in (10, 20, 30))
    assert values(text + "solved!\tAverage Score: 200.0\n") == [10.5, 20.5, 30.5]


@pytest.mark.parametrize(
    ("accuracy", "f1", "auc", "metric"),
    [(0.98, 0.31, 0.75, "val_auc"), (0.81, 0.79, 0.88, "val_acc"), (98.5, 31.0, 97.0, "val_auc")],
)
def test_an_accuracy_of_a_class_that_most_rows_have_is_passed_over(accuracy, f1, auc, metric):
    text = "".join(f"epoch {e} val_acc {accuracy + e / 1000} val_f1 {f1} val_auc {auc + e / 1000}\n" for e in (1, 2, 3))
    assert looked(text).metric == metric


def test_a_metric_whose_name_is_put_together_has_the_direction_of_its_head():
    directions = {name: direction_by_name(name) for name in ("val_unseen_acc", "AverageEpRet", "fid50k_full", "loss_D")}
    assert directions == {
        "val_unseen_acc": "maximize",
        "AverageEpRet": "maximize",
        "fid50k_full": "minimize",
        "loss_D": "minimize",
    }
    for name in (
        "val_acc_gap",
        "delta_loss",
        "accuracy_loss",
        "loss_weight",
        "n_acc",
        "model_saved_with_acc",
        "train_time",
    ):
        assert direction_by_name(name) is None, name


def test_a_metric_that_comes_once_makes_a_training_an_epoch():
    look = looked("loading\nstep 1\nFinal val accuracy: 91.2%\n")
    assert look.found.is_once
    assert "each training counts as one epoch" in " ".join(look.remarks)
    assert read("Best val accuracy: 80.0%\nFinal val accuracy: 91.2%\n", look)[-1][look.metric] == pytest.approx(0.912)


def test_nan_is_seen_before_anything_is_tuned():
    look = looked("epoch 1 val_loss nan\nepoch 2 val_loss nan\n")
    assert "is nan with the default setting" in look.remarks[0]
    assert math.isnan(values("epoch 1 val_loss 0.5\nepoch 2 val_loss 0.4\nepoch 3 val_loss nan\n")[-1])


def test_a_program_that_prints_something_else_midway_is_noticed():
    text = "".join(f"epoch {e} train_loss 0.5 val_acc 0.{e}\n" for e in (1, 2, 3))
    look = looked(text)
    changed = text + "".join(f"epoch {e} train_loss 0.5 held out: 0.{e}\n" for e in (4, 5, 6))
    told = []
    reading = LogReading(look.found, look.metric, tell=told.append)
    for line in cut(changed):
        reading.hear(line, is_output=True)
    assert len(told) == 1
    assert "has shown val_acc up to epoch 3, as in 'epoch 2 " in told[0]
    told.clear()
    reading = LogReading(look.found, look.metric, tell=told.append)
    for line in cut(text + "".join(f">> {e} : 0.5 / 0.{e}\n" for e in range(4, 9))):
        reading.hear(line, is_output=True)
    assert [line.count("now it prints '>> 8 : 0.5 / 0.8'") for line in told] == [1]
    told.clear()
    reading = LogReading(look.found, look.metric, tell=told.append)
    for line in cut(text + "Training finished\nsaved to model.pt\n"):
        reading.hear(line, is_output=True)
    assert not told


def test_what_is_found_is_plain_data():
    for habit in HABITS.values():
        found = looked(habit.text).found
        assert FoundMetrics.from_dict(found.as_dict()) == found


def test_a_split_alone_gives_its_number_and_not_the_next_name():
    text = "".join(f"epoch {e} tr 0.{5 + e} | va 0.{4 + e} | te 0.{3 + e} | loss 2.{9 - e}\n" for e in (1, 2, 3))
    assert looked(text).found.names == ("tr", "va", "te", "loss")
    assert values(text, metric="va") == [0.5, 0.6, 0.7]


@pytest.mark.parametrize("name", ["FID", "mean_reward"])
def test_what_has_no_rows_has_no_remark_on_training_rows(name):
    assert looked("".join(f"epoch {e} {name} {9 - e}.5\n" for e in (1, 2, 3))).remarks == []


@pytest.mark.parametrize(("name", "needs"), [("f1_score", True), ("score", True), ("reward", False), ("fid", False)])
def test_a_score_is_of_rows_and_a_reward_is_not(name, needs):
    assert needs_rows(name) is needs


def printed(line, *columns):
    return "\n".join(line.format(*values) for values in zip(*columns, strict=True)) + "\n"


RISES = (0.31, 0.52, 0.66, 0.71, 0.78)


def test_the_only_number_that_is_measured_is_optimized_in_the_direction_in_which_it_goes():
    look = looked(printed("[{}/5] mean total = {}", range(1, 6), (9.1, 4.2, 2.9, 3.0, 1.7)))
    assert (look.metric, look.direction) == ("mean_total", "minimize")
    assert any("falls as it trains" in remark for remark in look.remarks)


@pytest.mark.parametrize(
    "values", [(0.9, 0.81, 0.729, 0.6561, 0.59049), (0.9, 0.8, 0.7, 0.6, 0.5), (0.5, 0.2, 0.6, 0.3, 0.5)]
)
def test_what_goes_as_a_schedule_does_or_nowhere_is_no_metric(values):
    with pytest.raises(ScriptError, match="exploration"):
        looked(printed("game {} exploration {}", range(5), values))


def test_of_several_names_that_nobody_knows_none_is_chosen():
    with pytest.raises(ScriptError, match=r"alpha_x, beta_y"):
        looked(printed("epoch {} alpha_x: {} beta_y: {}", range(5), RISES, RISES[::-1]))


def test_the_negative_of_a_score_is_to_fall():
    look = looked(printed("Epoch: {}, Neg. ELBO: {}", range(5), RISES[::-1]))
    assert (look.metric, look.direction) == ("neg_elbo", "minimize")


def test_a_fitness_is_to_go_where_the_evolution_takes_it():
    text = "gen\tnevals\tavg\tmin\n" + printed("{}\t60\t{}\t{}", range(5), RISES[::-1], (0.5, 0.3, 0.2, 0.1, 0.05))
    assert looked(text).direction == "minimize"


def test_a_split_in_percent_rises_against_the_loss():
    text = printed("Epoch: {}, Loss: {}, Valid: {:.2%} Test: {:.2%}", range(5), (2.1, 1.4, 1.1, 0.9, 0.8), RISES, RISES)
    assert (looked(text).metric, looked(text).direction) == ("valid", "maximize")


@pytest.mark.parametrize(
    ("lines", "is_said"),
    [
        (["Epoch 3: L = 0.3", "Epoch 4: L = 0.2"], True),
        (["epoch 3 val_loss 0.4"], False),
        (["epoch 3"], False),  # which was ended before its evaluation
        (["epoch 4 val_loss 0.4", "epoch 5 train_loss 0.1"], False),  # is measured in every second
    ],
)
def test_what_is_printed_in_another_way_later_is_said_when_the_training_is_over(lines, is_said):
    first = "epoch 1 val_loss 0.9\nepoch 2 val_loss 0.5\n"
    look = looked(first)
    said = []
    reading = LogReading(look.found, look.metric, tell=said.append)
    for line in cut(first + "\n".join(lines) + "\n"):
        reading.hear(line, is_output=True)
    reading.end()
    assert bool(said) is is_said
    assert not is_said or "Epoch 4: L = 0.2" in said[0]
