"""The generator of faulty and healthy runs, from which the diagnosis is calibrated: run by `make frameworks`."""

import json
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

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
