"""Trains a case with PyTorch, mistakes and all, and answers the record of the run."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import engine
import numpy as np
import torch
from cases import Case
from networks import build
from tasks import LOSSES
from torch import Tensor, nn
from torch.nn import functional

from tunewell.watching import Watcher, watch

_ROWS = 1000


def train(case: Case, *, watched: bool = True) -> dict[str, Any]:
    """The record of a run; without watching, only its curves."""
    if case.engine and engine.trains(case):
        return engine.train(case, watched=watched)
    return _Training(case, watched=watched).record()


class _Training:
    def __init__(self, case: Case, *, watched: bool) -> None:
        torch.manual_seed(case.seed)
        self.case = case
        data = case.data
        self.x, self.y = torch.from_numpy(data.x), torch.from_numpy(data.y)
        self.x_val, self.y_val = torch.from_numpy(data.x_val), torch.from_numpy(data.y_val)
        self.network = build(case, data.x.shape[1:], data.n_outputs)
        if case.initialize is not None:
            with torch.no_grad():
                case.initialize(self.network)
        parameters = list(self.network.parameters()) if case.trained is None else case.trained(self.network)
        self.optimizer = _optimizer(case, parameters)
        self.order = np.random.default_rng(case.seed)
        self.epochs: list[dict[str, Any]] = []
        self.watcher: Watcher | None = None
        if watched:
            self.watcher = watch(
                self.network,
                train=(self.x, self.y),
                val=(self.x_val, self.y_val),
                evaluate=self.evaluate,
                config={**case.config(), "n_params": sum(p.numel() for p in self.network.parameters())},
                every=1,
                rows=1000,
            )

    def record(self) -> dict[str, Any]:
        scores = []
        for epoch in range(self.case.epochs):
            lr = self.case.lr * self.case.rate(epoch)
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            measured = {**self.train_epoch(), **self.validate(), "lr": lr}
            scores.append(measured.pop("score"))
            if self.watcher is not None:
                self.watcher.end_epoch(measured)
            self.epochs.append({"epoch": epoch + 1, **measured})
            if not math.isfinite(measured["train_loss"]):
                break
        judged = {"scores": scores, "train_score": self.score(self.x[:_ROWS], self.y[:_ROWS])}
        if self.watcher is None:
            return {"epochs": self.epochs, "n_train": len(self.y), "n_val": len(self.y_val), **judged}
        record = self.watcher.record()
        self.watcher.close()
        return {**record, **judged, "domain": self.case.domain}

    def train_epoch(self) -> dict[str, float]:
        self.network.train()
        totals, seen = Counter[str](), 0
        size = self.case.batch_size
        rows = torch.from_numpy(self.order.permutation(len(self.y)))
        for batch in _batches(rows, size):
            outputs = self.network(self.x[batch])
            loss = self.loss(outputs, self.y[batch])
            if self.watcher is not None:
                self.watcher.batch(loss, outputs, self.y[batch])
            if self.case.zeroes_gradients:
                self.optimizer.zero_grad()
            loss.backward()
            if self.case.grad_clip is not None:
                nn.utils.clip_grad_norm_(self.network.parameters(), self.case.grad_clip)
            self.optimizer.step()
            logged = self.logged(outputs.detach(), self.y[batch]) | {"loss": loss.item()}
            for name, value in logged.items():
                totals[name] += value * len(batch)
            seen += len(batch)
            if not math.isfinite(totals["loss"]):
                break
        return {f"train_{name}": total / seen for name, total in totals.items() if name != "r2"}

    def validate(self) -> dict[str, float]:
        """By the run's own evaluation code, on all rows."""
        y = self.y_val
        rows = torch.argsort(y, stable=True) if self.case.sorts_evaluation else torch.arange(len(y))
        loss, every = 0.0, []
        for batch in _batches(rows, self.case.evaluation_batch):
            mean, outputs = self.evaluate(self.x_val[batch], y[batch])
            loss += float(mean) * len(batch)
            every.append(outputs)
        outputs = torch.cat(every)
        logged = {f"val_{name}": value for name, value in self.logged(outputs, y[rows]).items()}
        return {"val_loss": loss / len(rows), **logged, "score": self.judged(outputs, y[rows])}

    def score(self, x: Tensor, y: Tensor) -> float:
        return self.judged(self.evaluate(x, y)[1], y)

    def evaluate(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self.network.train(self.case.evaluates_in_training_mode)
        with torch.no_grad():
            size = self.case.evaluation_batch
            outputs = torch.cat([self.network(part) for part in _batches(x, size)])
            loss = self.loss(outputs, y)
        self.network.train()
        return loss, outputs

    def logged(self, outputs: Tensor, y: Tensor) -> dict[str, float]:
        return self.case.task.logged(self.headed(outputs), y)

    def judged(self, outputs: Tensor, y: Tensor) -> float:
        return self.case.task.score(self.headed(outputs), y)

    def headed(self, outputs: Tensor) -> Tensor:
        """As the loss gets them; of yes or no, moved so that no is below zero."""
        if self.case.head is None:
            return outputs
        headed = self.case.head(outputs)
        return headed - self.case.threshold if self.case.threshold else headed

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        if self.case.head is not None:
            outputs = self.case.head(outputs)
        elif self.case.loss == "nll":
            outputs = functional.log_softmax(outputs, dim=1)
        if self.case.targets is not None:
            y = self.case.targets(y)
        if self.case.class_weights is not None:
            return _weighted(self.case.loss, outputs, y, torch.tensor(self.case.class_weights))
        return LOSSES[self.case.loss](outputs, y)


def _weighted(name: str, outputs: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    if name == "binary_crossentropy":
        y = y.reshape(outputs.shape)
        return functional.binary_cross_entropy_with_logits(outputs, y.float(), weights[y])
    measure = functional.nll_loss if name == "nll" else functional.cross_entropy
    return measure(outputs, y, weight=weights)


def _batches(rows: Tensor, size: int) -> list[Tensor]:
    """A row that would be left alone joins the batch before: batch norm can make nothing of one."""
    batches = list(rows.split(size))
    if size > 1 and len(batches) > 1 and len(batches[-1]) == 1:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _optimizer(case: Case, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    if case.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=case.lr, momentum=case.momentum, weight_decay=case.weight_decay, fused=True
        )
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[case.optimizer]
    eps = 1e-7 if case.keras else 1e-8
    return kind(parameters, lr=case.lr, weight_decay=case.weight_decay, eps=eps, fused=True)
