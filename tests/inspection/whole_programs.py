"""What a whole program shows: its source, and its first steps."""

import contextlib
import io
import os
import sys
import warnings

import pytest

from tunewell.inspection.source import mistakes_in, parsed

_FRAMEWORKS = ("torch", "keras", "jax", "flax", "optax", "lightning", "transformers", "skorch", "accelerate")
_OTHERS = ("sklearn", "pandas")


def in_source(text):
    """Return the kinds that the source of a program shows."""
    return {one.kind for one in mistakes_in(parsed(text))}


def in_steps(text, monkeypatch, tmp_path):
    """Return the kinds that the first steps of a program show, run as a script."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    for package in (*_FRAMEWORKS, *_OTHERS):
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
