"""The calls of PyTorch that a training is made of: its losses and its optimizers."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tunewell.inspection.source.outputs import Networks, Output
from tunewell.inspection.source.program import Program

_LOSSES = {
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "NLLLoss2d": "nll_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "MultiLabelSoftMarginLoss": "binary_cross_entropy_with_logits",
    "KLDivLoss": "kl_div",
}


def loss_calls(program: Program) -> Iterator[tuple[str, ast.Call, ast.Call | None]]:
    """Yield each call of a loss of PyTorch: its name in `torch.nn.functional`, the call, and how it was made."""
    networks = Networks(program)
    for call in program.calls():
        name = program.called(call)
        kind = name.rpartition(".")[2]
        if name.startswith("torch.nn.functional.") and (kind in _LOSSES.values() or kind.endswith("_loss")):
            yield kind, call, call
            continue
        made = networks.module(call.func) if call.args else None
        kind = program.called(made).rpartition(".")[2] if isinstance(made, ast.Call) else ""
        if (kind in _LOSSES or kind.endswith("Loss")) and isinstance(made, ast.Call) and made is not call:
            yield _LOSSES.get(kind, kind), call, made


def losses_of_outputs(program: Program) -> Iterator[tuple[str, ast.Call, Output]]:
    """Yield each call of a loss with what its first argument ends with, where the source tells that."""
    networks = Networks(program)
    for loss, call, _ in loss_calls(program):
        output = networks.output(call.args[0]) if call.args else None
        if output is not None:
            yield loss, call, output


def is_optimizer(program: Program, call: ast.Call) -> bool:
    """Return True for a call that makes an optimizer, and not its schedule."""
    name = program.called(call)
    return name.startswith("torch.optim.") and not name.startswith("torch.optim.lr_scheduler.")
