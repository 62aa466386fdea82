"""The mistakes that can be seen in a program, and one that was found, with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mistake: one that can be seen with near certainty, without a look at any curve."""

    title: str
    label: str | None
    """The cause that a diagnosis would name, one of `diagnosis.LABELS`; None where it has no word for it."""
    meaning: str
    """What it does to the training."""
    check: str
    """How to see that mending it helped."""
    otherwise: str
    """What else it could be, or be meant for."""
    of_setting: bool = False
    """True if another setting may mend it, so that it is no mistake of the program."""


KINDS: Mapping[str, Kind] = {
    # outputs and loss
    "logits-expected": Kind(
        "an activation between the last layer and a loss that takes logits",
        "loss_output_mismatch",
        "the loss applies its own softmax or sigmoid on top: gradients all but vanish, or classes cannot win",
        "the loss falls below what it was stuck at within an epoch",
        "if the network itself is to give probabilities, take a loss of these: of their logarithms, or BCELoss",
    ),
    "log-probabilities-expected": Kind(
        "the negative log likelihood of what are no log-probabilities",
        "loss_output_mismatch",
        "the loss is not a cross entropy: it rewards large outputs and can fall below zero",
        "the first step's loss is about ln(classes)",
        "if the outputs are log-probabilities by another way, the first step's loss is about ln(classes) already",
    ),
    "probabilities-expected": Kind(
        "logits before a loss that takes probabilities",
        "loss_output_mismatch",
        "the loss cuts them off at 0 and 1, where there is no gradient",
        "the first step's loss is about ln(classes)",
        "if the outputs are probabilities by their making, they lie between 0 and 1 for each row",
    ),
    "softmax-over-one-unit": Kind(
        "a softmax over a single unit",
        "loss_output_mismatch",
        "its output is 1 for each row, whatever the weights are",
        "the outputs of two rows differ",
        "if there are more than two classes, it is the number of units that is wrong, and the softmax is right",
    ),
    "softmax-over-rows": Kind(
        "a softmax over the rows of a batch",
        "loss_output_mismatch",
        "the rows of a batch compete with one another, in place of the classes",
        "the probabilities of a row add up to 1",
        "if rows are meant to compete, as in a ranking of one list, dimension 0 is right",
    ),
    "units-and-classes-differ": Kind(
        "output units that do not fit the classes",
        "loss_output_mismatch",
        "some classes can never be predicted",
        "the accuracy exceeds the share of the classes that could be predicted",
        "if the rows at hand are a part that lacks some classes, the units are right and the rows are not",
    ),
    "targets-out-of-reach": Kind(
        "targets that the last activation cannot reach",
        "loss_output_mismatch",
        "the network can do no better there than the nearest end of the activation's range",
        "the loss falls below that of the nearest reachable predictions",
        "if targets were to be scaled to the range of the activation, it is the scaling that is missing",
    ),
    "shapes-broadcast": Kind(
        "outputs and targets of different shapes, which are broadcast",
        "loss_output_mismatch",
        "each output is compared with every target, so that the best it can do is to predict their mean",
        "the loss falls below the variance of the targets",
        "if each pair of an output and a target is meant, as in a matrix of distances, write the added axis out",
    ),
    "loss-averaged-twice": Kind(
        "a mean loss that is divided by the number of rows again",
        "lr_too_low",
        "the gradients, and with plain SGD the steps, are smaller by the size of a batch",
        "the loss falls faster at the same learning rate",
        "if it makes up for steps whose gradients are added, divide by the number of these steps",
    ),
    "loss-cut-off": Kind(
        "a loss that no gradient flows from into the network",
        "frozen_layers",
        "nothing is learned, or not by the part that is cut off",
        "each parameter has a gradient after loss.backward()",
        "if a part is meant to stay as it is, the rest has to be reached by another way",
    ),
    # steps
    "gradients-not-reset": Kind(
        "gradients that are never reset",
        "missing_zero_grad",
        "each step uses the sum of all gradients so far",
        "the gradient norms no longer grow from step to step",
        "if gradients of several batches are to be added, reset them after each step",
    ),
    "gradients-erased": Kind(
        "gradients that are reset between backward and step",
        "frozen_layers",
        "each step sees gradients of zero, and nothing moves",
        "the weights differ after a step",
        "if gradients are to be discarded under a condition, such as a number that is not finite, skip the step too",
    ),
    "no-step": Kind(
        "gradients that nothing uses: no backward, or no optimizer's step",
        "frozen_layers",
        "the weights stay as they were made",
        "the weights differ after a step",
        "if another file takes the steps, it has to be given these gradients or this optimizer",
    ),
    "parameters-not-optimized": Kind(
        "parameters of the network that the optimizer does not hold",
        "frozen_layers",
        "they stay as they were made",
        "the weights of every layer differ after an epoch",
        "if they are to stay as they were loaded, freeze them, which says so and saves their gradients",
    ),
    "parameters-frozen": Kind(
        "parameters that take no gradients",
        "frozen_layers",
        "they stay as they were made",
        "the weights of every layer that is to learn differ after an epoch",
        "if all are frozen on purpose, as for a measurement, no step is needed at all",
    ),
    "layers-not-registered": Kind(
        "layers in a plain list, which the network does not know of",
        "frozen_layers",
        "they are no part of model.parameters(), and stay as they were made",
        "the number of parameters is what the layers have",
        "if they are to stay random, as fixed features, register them as buffers",
    ),
    "scheduler-stepped-per-batch": Kind(
        "a schedule counted in epochs that is stepped at each batch",
        "lr_decays_too_early",
        "the learning rate is next to zero after a few epochs at most",
        "the learning rate of each epoch is what the schedule was meant to give",
        "if it is meant to count batches, its numbers have to be batches: epochs times batches an epoch",
    ),
    "optimizer-state-lost": Kind(
        "an optimizer's state that no step hands on to the next",
        None,
        "momentum and the sizes of earlier gradients are forgotten: Adam goes the full rate along each sign",
        "the loss falls more smoothly at the same learning rate",
        "if each turn is meant to be a training of its own, its weights have to begin anew too",
    ),
    "step-too-large": Kind(
        "a step that changes weights by more than their own size",
        "lr_too_high",
        "what was learned, or how the weights were made, is lost at each step",
        "the first steps change the weights by about a thousandth of their size",
        "if the inputs or targets are large numbers, it is their scale, and not the rate, that is to be mended",
        of_setting=True,
    ),
    # modes and layers
    "trains-in-evaluation-mode": Kind(
        "training steps in evaluation mode",
        "batchnorm_misuse",
        "batch normalization does not learn its statistics, and dropout is off",
        "model.training is True in each training step",
        "if the statistics of a trained body are to stay, put only its normalization into evaluation mode",
    ),
    "evaluates-in-training-mode": Kind(
        "an evaluation in training mode",
        "batchnorm_misuse",
        "dropout stays on, batch normalization uses the batch at hand and learns from validation rows",
        "two evaluations in a row give the same numbers",
        "if dropout is on for an estimate of uncertainty, measure the accuracy without it as well",
    ),
    "statistics-frozen": Kind(
        "statistics of batch normalization that do not follow the data",
        "batchnorm_misuse",
        "evaluation normalizes by other numbers than training does",
        "validation loss is near training loss in the first epochs",
        "if the layer belongs to a trained body that is to stay as it is, its weights are to be frozen too",
    ),
    "batch-norm-on-one-row": Kind(
        "batch normalization over a single row",
        "batchnorm_misuse",
        "the variance of one value is zero: the layer's output does not depend on its input",
        "the validation loss follows the training loss",
        "if memory allows no more rows, use a normalization that needs none of them: LayerNorm, GroupNorm",
        of_setting=True,
    ),
    "axes-swapped": Kind(
        "a recurrent layer that takes the rows of a batch for time steps",
        None,
        "what is predicted for a row comes from other rows of its batch",
        "the output for a row is the same in whichever batch it stands",
        "if rows come with time first, it is the indexing or the loader that has to follow that",
    ),
    "recurrent-relu": Kind(
        "a recurrent layer whose activation has no bounds",
        "exploding_gradients",
        "states and gradients grow with each time step",
        "the gradient norm stays below a few times that of the first step",
        "if it is a plain recurrent layer that begins with the identity, ReLU is usual, with clipped gradients",
    ),
    "zero-weights": Kind(
        "weights that are all equal at the start",
        "bad_initialisation",
        "the units of a layer stay alike, and learn as one",
        "the weights of two units differ",
        "if it is the last layer of a branch that is to begin as nothing, zeros are usual there, and only there",
    ),
    "random-key-reused": Kind(
        "a random key that is drawn from again and again",
        None,
        "each draw is the same: one dropout mask, one order of rows, one noise for all steps",
        "two draws differ",
        "if the same draw is wanted each time, as for one fixed split, draw it once and keep it",
    ),
    "dead-units": Kind(
        "units that are zero for every row",
        "dead_relus",
        "they take no gradient, and never recover",
        "most units are above zero for some row",
        "if the layer before has large negative biases, it is their initialization; else the rate or the inputs' scale",
        of_setting=True,
    ),
    "not-finite": Kind(
        "a number that is not finite",
        "exploding_gradients",
        "every weight that it reaches is lost",
        "all losses are finite",
        "if it comes only after many steps, it is the rate: lower it, or clip gradients",
        of_setting=True,
    ),
    # rows
    "inputs-not-scaled": Kind(
        "inputs far from zero mean and unit spread",
        "unnormalised_inputs",
        "a learning rate that suits the first layer suits no other",
        "the inputs have a mean near 0 and a spread near 1",
        "if the first layer normalizes, as a BatchNorm does, the scale matters little",
    ),
    "inputs-constant": Kind(
        "rows that are all the same",
        None,
        "nothing tells one row from another, so that the best that can be learned is the share of each class",
        "two rows of a batch differ",
        "if only this batch is so, look at how its rows were drawn",
    ),
    "splits-prepared-differently": Kind(
        "validation rows that are prepared otherwise than training rows",
        "distribution_shift",
        "the network is measured on inputs that it was not trained for",
        "mean and spread of both are alike, and so are the losses of the first epoch",
        "if the training rows are augmented, compare them without it",
    ),
    "labels-constant": Kind(
        "labels that are all the same",
        "labels_mismatched",
        "there is nothing to learn",
        "there are at least two classes among the labels",
        "if only the first batches are so, the rows are sorted by class: shuffle them",
    ),
    "labels-shuffled-apart": Kind(
        "labels that no longer stand beside their rows",
        "labels_mismatched",
        "there is nothing to learn but single rows by heart",
        "the training loss falls below ln(classes) and the validation loss with it",
        "if the labels are shuffled on purpose, as a test of what chance gives, the validation loss stays at chance",
    ),
    "labels-not-learnable": Kind(
        "labels that do not depend on their rows",
        "labels_mismatched",
        "there is nothing to learn but single rows by heart",
        "the training loss falls below ln(classes) and the validation loss with it",
        "if the task is that hard, a model that is known to solve it does so on these very rows",
    ),
    "labels-out-of-range": Kind(
        "labels that the outputs have no unit for",
        "labels_mismatched",
        "the loss fails, or counts them as something else",
        "the smallest label is 0, and the largest is one below the number of units",
        "if a number stands for what has no label, name it to the loss: ignore_index",
    ),
    "rows-not-shuffled": Kind(
        "batches of rows of one class",
        "labels_mismatched",
        "each step unlearns what the steps before have learned",
        "each batch holds rows of several classes",
        "if the order matters, as in a series, keep it, and have several classes in each batch by other means",
    ),
    "validation-rows-in-training": Kind(
        "validation rows that the network is trained on",
        "data_leak",
        "the validation figures say nothing about new rows",
        "no row is in both",
        "if it is only to see whether the network can fit at all, call it training, and keep rows back besides",
    ),
    "classes-unequal": Kind(
        "classes of very unequal size",
        "class_imbalance",
        "accuracy is high without the rare class being learned",
        "balanced accuracy or the recall of the rare class rises",
        "if the rare class does not matter, accuracy says what is wanted",
    ),
}
"""By name, in the order of docs/inspect.md."""


def place(path: str, line: int, cell: int = 0) -> str:
    """Return `file:line`, as far as it is known; of a notebook with the cell."""
    if cell:
        return f"{path}, cell {cell}, line {line}"
    return f"{path}:{line}" if line else path


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake that was found in a program."""

    kind: str
    """One of `KINDS`."""
    seen: str
    """What was seen, in a sentence, with the names and numbers of this very program."""
    mend: str
    """What to write in place of it, or what to change."""
    path: str = ""
    """The file; empty where it is not known."""
    line: int = 0
    """From 1; 0 where it is not known. Of a notebook, in its cell."""
    cell: int = 0
    """The code cell of a notebook, from 1; 0 in a file that is none."""

    @property
    def label(self) -> str | None:
        """The cause that a diagnosis would name, if it has a word for it."""
        return KINDS[self.kind].label

    @property
    def is_of_setting(self) -> bool:
        """True if another setting may mend it."""
        return KINDS[self.kind].of_setting

    @property
    def place(self) -> str:
        """`file:line`, as far as it is known; of a notebook with the cell."""
        return place(self.path, self.line, self.cell)

    def as_dict(self) -> dict[str, Any]:
        """Return the mistake as plain data, fit for JSON."""
        kind = KINDS[self.kind]
        return {
            "kind": self.kind,
            "label": kind.label,
            "title": kind.title,
            "path": self.path,
            "line": self.line,
            **({"cell": self.cell} if self.cell else {}),
            "seen": self.seen,
            "means": kind.meaning,
            "mend": self.mend,
            "check": kind.check,
            "otherwise": kind.otherwise,
        }
