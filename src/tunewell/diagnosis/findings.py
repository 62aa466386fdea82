"""The result of a diagnosis: a cause, its confidence, the evidence, and the change to make next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

LABELS = (
    "healthy",
    "lr_too_high",
    "lr_too_low",
    "lr_decays_too_early",
    "too_few_epochs",
    "model_too_small",
    "overfitting",
    "dropout_too_high",
    "weight_decay_too_high",
    "batch_size_too_large",
    "batch_size_too_small",
    "bad_initialisation",
    "unnormalised_inputs",
    "labels_mismatched",
    "loss_output_mismatch",
    "dead_relus",
    "vanishing_gradients",
    "exploding_gradients",
    "batchnorm_misuse",
    "frozen_layers",
    "missing_zero_grad",
    "class_imbalance",
    "data_leak",
    "distribution_shift",
)
"""Every cause that can be named; `healthy` is the absence of one."""


class _Plain(Mapping[str, Any]):
    """A dataclass that is a mapping too, so that a finding can be indexed, and turned into JSON by `dict`."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return any(field.name == key for field in fields(self))  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in fields(self))  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(fields(self))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=True)
class NextChange(_Plain):
    """A change to make next: one setting and where to move it, or one thing in code or data and how to look at it."""

    param: str
    """A key of the configuration (`lr`, `dropout`, ...), or `init`, `loss`, `data`, `code`, ..."""
    direction: str
    """`increase`, `decrease`, `change`, `enable`, `slower`, `fix`, `check_labels`, `check_split`, ..."""
    value: Any = None
    """The value to try; None where there is none to give."""
    why: str = ""
    """Why that much, in a few words."""
    line: str = ""
    """What to write, in the framework of the training; "" where that is not known."""


@dataclass(frozen=True, slots=True, eq=True)
class Finding(_Plain):
    """One possible cause of what a run looks like.

    Example:
        >>> losses = [3.5, 8.1, float("nan")]
        >>> record = {"config": {"lr": 10.0}, "epochs": [{"train_loss": loss} for loss in losses]}
        >>> finding = tw.diagnose(record)[0]
        >>> finding.label, finding["label"], finding.next.param
        ('lr_too_high', 'lr_too_high', 'lr')
    """

    label: str
    """One of `LABELS`."""
    confidence: float
    """0 to 1: of findings stated at 0.8, about 80 % hold."""
    evidence: str
    """A sentence with numbers of this very run."""
    next: NextChange
    """The change that would help if the finding holds."""
    means: str = ""
    """What holds the run back, in a sentence."""
    check: str = ""
    """What is to be seen if the change helped."""
    otherwise: str = ""
    """What else it could be, and what tells that."""

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain data, fit for JSON."""
        return {**self, "next": dict(self.next)}
