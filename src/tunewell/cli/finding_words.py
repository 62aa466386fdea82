"""A finding as lines of text: what was seen, what it means, what to change, how to check it, what else it could be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from tunewell.cli.printing import wrapped
from tunewell.diagnosis import Finding, NextChange
from tunewell.diagnosis.run_record import RunRecord
from tunewell.display.formatting import short

_INDENT = " " * 6
_CHANGES: Mapping[tuple[str, str], str] = {
    ("batch_norm", "enable"): "add batch normalization",
    ("class_weights", "balance"): "weigh the classes by {value}",
    ("code", "fit_one_batch"): "fit a single batch",
    ("code", "fix"): "mend the code: {value}",
    ("code", "zero_grad"): "mend the code: {value}",
    ("data", "check_labels"): "look at the labels",
    ("data", "check_shift"): "compare the inputs of both splits",
    ("data", "check_split"): "look at the split",
    ("early_stopping", "enable"): "stop early",
    ("grad_clip", "enable"): "clip gradients at {value}",
    ("init", "change"): "initialize as {value}",
    ("input_normalisation", "enable"): "{value} the inputs",
    ("layer_norm", "enable"): "add layer normalization",
    ("loss", "fix"): "output and loss: {value}",
    ("lr_schedule", "slower"): "a slower schedule",
    ("trainable", "unfreeze"): "train {value} layers",
}
"""Changes that are no number to move, in words."""


def lines_of(finding: Finding, run: RunRecord, *, in_full: bool) -> Iterator[str]:
    """Yield a finding below its name; in full, or the evidence and the change alone."""
    yield from wrapped(finding.evidence, _INDENT)
    if in_full and finding.means:
        yield from _fact("means", finding.means)
    if finding.next.param:
        yield from _fact("next", in_words(finding.next, run))
        if finding.next.line:
            yield from wrapped(finding.next.line, _INDENT + " " * 7)
    if in_full and finding.check:
        yield from _fact("check", finding.check)
    if in_full and finding.otherwise:
        for nth, other in enumerate(finding.otherwise.split("; ")):
            yield from wrapped(other, " " * 13) if nth else _fact("or", other)


def in_words(change: NextChange, run: RunRecord) -> str:
    """Format `lr 0.8 -> 0.08: a decade is the usual step`."""
    what = _CHANGES.get((change.param, change.direction))
    value = "" if change.value is None or isinstance(change.value, Mapping) else str(change.value)
    if isinstance(change.value, Mapping):
        parts = ", ".join(f"{key} {one}" for key, one in change.value.items())
        what = f"{what or change.param}: {parts}"
    elif what is not None:
        what = what.replace("{value}", value).removesuffix(": ")
    else:
        now = _now(change.param, run)
        of = f"{change.param} {now}".strip()
        what = f"{of} -> {value}" if now and value else f"{change.direction} {of}{f' to {value}' if value else ''}"
    return f"{what}: {change.why}" if change.why else what


def _now(param: str, run: RunRecord) -> str:
    """Return the value that a setting has; "" if that is not known."""
    value = run.config.get("hidden" if param == "width" else param)
    if param == "width" and isinstance(value, list | tuple) and value:
        value = min(value)
    return "" if value is None or isinstance(value, Mapping | list | tuple | bool) else short(value)


def _fact(name: str, text: str) -> list[str]:
    return wrapped(text, f"{_INDENT}{click.style(f'{name}:', dim=True)}{' ' * (6 - len(name))}")
