"""Whole programs in sixty further habits: none is accused, and one fault in each is found with its line.

All of it is read; of the steps a sample is run, and the rest by `make exhaustive` and `make inspections`.
"""

import contextlib
import io
import os
import sys
import warnings

import pytest
from tests.inspection.habit_faults import FAULTS, SOUND

from tunewell.inspection.source import mistakes_in, parsed

ALSO = {
    "softmax-over-one-unit-churn_lightning": ("logits-expected",),
    "units-and-classes-differ-keras_preprocessing_layers": ("softmax-over-one-unit",),
    "parameters-frozen-frozen_body": ("loss-cut-off",),
}
"""What is true of a program besides its fault."""
SAMPLED = ("accumulating", "low_rank", "denoiser", "translate")


def in_source(text):
    return {one.kind for one in mistakes_in(parsed(text))}


def in_steps(text, monkeypatch, tmp_path):
    """Return the kinds that the first steps of a program show, run as a script."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    for package in ("torch", "keras", "jax", "flax", "optax", "lightning", "transformers", "skorch", "accelerate"):
        if f"import {package}" in text or f"from {package}" in text:
            pytest.importorskip(package)
    for package in ("sklearn", "pandas"):
        if f"import {package}" in text or f"from {package}" in text:
            pytest.importorskip(package)
    from tunewell.inspection.observing import Limits, observed

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["program.py"])

    def train():
        exec(compile(text, "program.py", "exec"), {"__name__": "__main__"})

    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return {one.kind for one in observed(train, Limits(60, 120.0), "the training")}


@pytest.mark.parametrize("name", SOUND)
def test_the_source_of_a_sound_program_shows_nothing(name):
    assert in_source(SOUND[name]) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.name)
def test_the_source_of_a_faulty_program_shows_no_other_kind(fault):
    assert in_source(fault.source) <= {fault.kind, *ALSO.get(fault.name, ())}
