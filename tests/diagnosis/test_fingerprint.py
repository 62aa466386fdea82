"""The forests that are shipped were fitted over what rules and signals say today."""

import math
from pathlib import Path

import pytest

from tunewell.diagnosis import features, fingerprint, rules, signals
from tunewell.diagnosis.model_file import read_arrays
from tunewell.diagnosis.rules import RULES, Rule, Sign, see
from tunewell.diagnosis.run_record import read_record
from tunewell.diagnosis.signals import measure
from tunewell.diagnosis.signals.data import data_signals

REFIT = """the forests in model.npz.xz were fitted over other rules or signals:
  {}
fit them anew, with `python benchmarks/diagnosis/calibrate.py RECORDS...` (see docs/extending/diagnosis-rule.md)"""


@pytest.fixture(scope="module")
def kept():
    return read_arrays(Path(__file__).with_name("fingerprint.npz.xz"))


def test_the_forests_are_of_the_rules_and_signals_of_today(kept):
    found = fingerprint.differences(kept)
    assert not found, REFIT.format("\n  ".join(found))


def test_every_rule_sees_its_sign_in_the_records(kept):
    means = dict(zip(kept["fingerprint.names"].tolist(), kept["fingerprint.values"][-1].tolist(), strict=True))
    assert [rule.name for rule in RULES if not means[f"rule: {rule.name}, for {rule.label}"] > 0] == []


@pytest.fixture
def small(monkeypatch):
    """A fingerprint of a few records, which takes no time."""
    monkeypatch.setattr(fingerprint, "_N_RECORDS", 8)
    monkeypatch.setattr(fingerprint, "_N_MIXED", 20)
    return fingerprint.fingerprint()


def with_rules(monkeypatch, changed):
    for module in (rules, features, fingerprint):
        monkeypatch.setattr(module, "RULES", changed)


def loss_is_odd(s):
    """A rule that nobody has."""
    return Sign(s["loss_last"] % 1, "the loss is odd")


def test_a_rule_that_is_added_taken_away_or_changed_is_named(small, monkeypatch):
    def halved(s):
        return Sign(RULES[0].see(s).strength / 2, "")

    with_rules(monkeypatch, (*RULES[1:], Rule("overfitting", loss_is_odd)))
    first = f"rule: {RULES[0].name}, for healthy"
    assert fingerprint.differences(small)[:2] == [f"{first} is gone", "rule: loss_is_odd, for overfitting is new"]

    halved.__name__ = RULES[0].name
    with_rules(monkeypatch, (Rule("healthy", halved), *RULES[1:]))
    (found,) = fingerprint.differences(small)
    assert found.startswith(f"{first} was ")


def test_a_rule_of_another_name_for_the_same_function_is_no_rule_that_was_fitted(small, monkeypatch):
    def renamed(s):
        return RULES[0].see(s)

    with_rules(monkeypatch, (Rule("healthy", renamed), *RULES[1:]))
    assert "rule: renamed, for healthy is new" in fingerprint.differences(small)


def test_a_signal_that_is_changed_is_named(small, monkeypatch):
    def doubled(run, units):
        found = data_signals(run, units)
        return found | {"class_ratio": 2 * found["class_ratio"]}

    others = tuple(group for group in signals._GROUPS if group is not data_signals)
    monkeypatch.setattr(signals, "_GROUPS", (*others, doubled))
    assert any(one.startswith("class_ratio was") for one in fingerprint.differences(small))


def test_a_file_without_a_fingerprint_is_stale():
    assert fingerprint.differences({}) == ["no fingerprint is kept"]


def test_the_records_can_be_judged_by_every_rule():
    for record in fingerprint.records():
        for sign in see(measure(read_record(record))).values():
            assert math.isnan(sign.strength) or 0 <= sign.strength <= 1
