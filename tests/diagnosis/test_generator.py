"""The generator of faulty and healthy runs, from which the diagnosis is calibrated: run by `make frameworks`."""

import json
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from tunewell.diagnosis import LABELS, diagnose

pytest.importorskip("torch")
FOLDER = Path(__file__).parents[2] / "benchmarks" / "diagnosis"


@pytest.fixture(scope="module")
def generator():
    sys.path.insert(0, str(FOLDER))
    yield pytest.importorskip("generate")
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def records(generator):
    return list(islice(generator.records(300_000, Counter()), 5))


def test_records_are_labelled_runs_that_can_be_diagnosed(records):
    for record in records:
        assert record["label"] in LABELS
        assert record["label"] in record["labels"]
        assert json.loads(json.dumps(record, allow_nan=False)) == record
        assert diagnose(record)[0].label in LABELS


def test_the_faults_of_one_sane_training_share_the_first_part_of_their_ids(records):
    by_case = Counter(record["id"].split("-")[0] for record in records)
    assert max(by_case.values()) > 1
    assert {record["label"] for record in records} != {"healthy"}


def test_a_seed_gives_the_same_records(generator, records):
    again = list(islice(generator.records(300_000, Counter()), 2))
    assert json.dumps(again) == json.dumps(records[:2])


KINDS = (
    *("regression", "binary", "multilabel", "many_classes", "autoencoder"),
    *("language", "transformer", "residual", "fine_tuned"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_that_fits_a_kind_of_training_can_be_trained_and_diagnosed(generator, kind):
    cases, faults, other_cases, training = (
        sys.modules[name] for name in ("cases", "faults", "other_cases", "training")
    )
    rng = np.random.default_rng(KINDS.index(kind))
    case = other_cases.as_in_keras(getattr(other_cases, kind)(rng, 7), rng)
    planted = {label: plant(case, rng) for label, plant in faults.FAULTS.items()}
    trained = {label: fault.case for label, fault in planted.items() if fault is not None} | {"healthy": case}
    assert len(trained) >= 8
    for label, one in trained.items():
        short = cases.replace(one, epochs=2, data=cases.replace(one.data, x=one.data.x[:64], y=one.data.y[:64]))
        record = training.train(short, watched=label in ("healthy", "loss_output_mismatch"))
        assert len(record["scores"]) == len(record["epochs"])
        assert diagnose(record)[0].label in LABELS


def test_a_head_that_does_not_fit_its_loss_is_judged_by_what_it_says(generator):
    torch, tasks = sys.modules["torch"], sys.modules["tasks"]
    y, raw = torch.tensor([0, 1, 1]), torch.tensor([[-2.0], [3.0], [-1.0]])
    binary, numbers = tasks.TASKS["binary"], tasks.TASKS["regression"]
    assert binary.score(raw, y) == pytest.approx(2 / 3)
    assert binary.chance(y) == pytest.approx(2 / 3)
    assert numbers.score(y[:, None].float(), y[:, None].float()) == 1.0
    assert numbers.score(raw * 1e9, y[:, None].float()) == -1.0
