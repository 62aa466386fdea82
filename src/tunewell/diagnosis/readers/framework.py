"""The framework that a training is written in, by the form of its log or by what its source imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

_OF_LINES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("boosting", re.compile(r"^\[\d+\]\s+(?:train|valid|eval|test)\w*[\w']*[-\s'][\w@ ]*:", re.MULTILINE)),
    ("lightning", re.compile(r"\bv_num=\S|\btrain_loss_(?:step|epoch)\b")),
    (
        "huggingface",
        re.compile(r"'(?:train|eval)_runtime':|\"log_history\"|'loss': [^{}]*'learning_rate': [^{}]*'epoch':"),
    ),
    (
        "keras",
        re.compile(
            r"\d+/\d+ (?:━|\[[=>.]|- ).*\d(?:ms|s|us)/(?:step|epoch|sample)"  # its progress bar
            r"|\d+/\d+ - \d+s - |\d+/\d+ .* - ETA: "
        ),
    ),
    ("fastai", re.compile(r"^\W*epoch\W+train_loss\W+valid_loss\b.*\btime\W*$", re.MULTILINE)),
)
"""What only one framework prints."""

_OF_IMPORTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lightning", ("lightning", "pytorch_lightning")),
    ("fastai", ("fastai",)),
    ("huggingface", ("transformers.Trainer", "transformers.Seq2SeqTrainer")),
    ("keras", ("keras", "tensorflow", "tf_keras")),
    ("pytorch", ("torch",)),
    ("jax", ("jax", "flax", "equinox")),
    ("boosting", ("xgboost", "lightgbm", "catboost")),
    ("tunewell", ("tunewell.nn",)),
)
"""What is imported to train with a framework; the first that is found counts."""
_MOST_LETTERS = 200_000


def of_log(text: str) -> str:
    """Return the framework whose form a log has; "" if it may be of any."""
    text = text[:_MOST_LETTERS]
    return next((name for name, form in _OF_LINES if form.search(text)), "")


def of_names(names: Sequence[str]) -> str:
    """Return `keras` for the columns that its `CSVLogger` writes, sorted; "" for others."""
    columns = [name.strip() for name in names if name.strip() != "epoch"]
    own = {name for name in columns if not name.startswith("val_")}
    pairs = {name for name in own if f"val_{name}" in columns}
    is_sorted = columns == sorted(columns) and len(columns) > 2
    is_keras = is_sorted and "loss" in pairs and own - pairs <= {"learning_rate", "lr"}
    return "keras" if is_keras and len(pairs) > 1 else ""


def of_source(text: str) -> str:
    """Return the framework that a program's imports name; "" if they name none, or both PyTorch and Keras."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ""
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported |= {f"{node.module}.{one.name}" for one in node.names}
    found = [name for name, modules in _OF_IMPORTS if any(_is_of(one, modules) for one in imported)]
    return "" if {"keras", "pytorch"} <= set(found) else next(iter(found), "")


def with_framework(record: dict[str, Any], framework: str) -> dict[str, Any]:
    """Return a record whose configuration says which framework it is of, unless that is unknown or there already."""
    return {**record, "config": {"framework": framework, **(record.get("config") or {})}} if framework else record


def _is_of(imported: str, modules: Sequence[str]) -> bool:
    return any(f"{imported}.".startswith(f"{module}.") for module in modules)
