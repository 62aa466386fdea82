"""The observer of PyTorch: hooks that pass each event on to the checks, and the end once enough was seen."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import torch
from torch import nn
from torch.nn.modules import module as modules
from torch.optim import lr_scheduler
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.observing import Limits, SeenEnough, Stopwatch
from tunewell.inspection.places import calling_place
from tunewell.inspection.pytorch.axes import AxesCheck
from tunewell.inspection.pytorch.check import Check, LossCall
from tunewell.inspection.pytorch.gradients import FlowCheck, ResetCheck
from tunewell.inspection.pytorch.labels import LabelsCheck
from tunewell.inspection.pytorch.layers import LayersCheck
from tunewell.inspection.pytorch.losses import BroadcastCheck, LossInputCheck, MeanCheck
from tunewell.inspection.pytorch.modes import ModesCheck
from tunewell.inspection.pytorch.numbers import NumbersCheck
from tunewell.inspection.pytorch.parameters import ParametersCheck
from tunewell.inspection.pytorch.rows import RowsCheck
from tunewell.inspection.pytorch.schedules import SchedulesCheck
from tunewell.inspection.pytorch.training import NORMS, Training, has_own_weight

CHECKS: tuple[type[Check], ...] = (
    LossInputCheck,
    BroadcastCheck,
    MeanCheck,
    FlowCheck,
    ResetCheck,
    ParametersCheck,
    SchedulesCheck,
    ModesCheck,
    LayersCheck,
    AxesCheck,
    NumbersCheck,
    RowsCheck,
    LabelsCheck,
)
"""A new one stands here, and nowhere else."""

_LOSSES = {
    function: (function.__name__, inspect.signature(function))
    for function in (
        nn.functional.cross_entropy,
        nn.functional.nll_loss,
        nn.functional.binary_cross_entropy,
        nn.functional.binary_cross_entropy_with_logits,
        nn.functional.mse_loss,
        nn.functional.l1_loss,
        nn.functional.smooth_l1_loss,
        nn.functional.huber_loss,
        nn.functional.kl_div,
        nn.functional.poisson_nll_loss,
        nn.functional.gaussian_nll_loss,
    )
}
_COMPARISONS = frozenset(("eq", "__eq__", "ne", "__ne__"))
_USES = frozenset(("argmax", "sub", "__sub__", "rsub", "__rsub__"))
"""Of outputs, in evaluations mostly; but a training may use its own predictions too, for pseudo-labels, say."""
_STEPS_BETWEEN = 3  # forward passes with no gradient wanted, at least, if they are evaluations
_STEPS_AFTER = 5  # an evaluation: does the training go on in training mode?
_FEWEST_STEPS = 20
_PASS_STEPS = 100  # of a pass over the training rows, which is then ended, so that an evaluation is seen
_PASS_BATCHES = 20  # of a pass over other rows


class TorchObserver:
    """Looks at a PyTorch training; implements `Observer`."""

    def __init__(self, limits: Limits) -> None:
        self.training: Training = Training(limits)
        self.checks: list[Check] = [check(self.training) for check in CHECKS]
        self.failures: list[Exception] = []
        """What went wrong in checks themselves."""
        self._calls = frozenset().union(*(check.calls for check in CHECKS)) | _COMPARISONS | _USES
        self._looking = False
        self._ended = False
        self._stack = ExitStack()
        self._process = os.getpid()
        self._watch = Stopwatch(limits.timeout_s)  # begun by the first network that runs: to load rows may take long
        self._unseen_output: Any = None
        """What a network that is being trained has put out with no gradient wanted, since the last step."""
        self._unseen_steps: int | None = None
        self._steps_between = 0

    @property
    def steps(self) -> int:
        """Implement `Observer.steps`."""
        return max(self.training.steps, self.training.backwards)  # some take their steps by hand

    def settle(self) -> None:
        """Do nothing: a training is ended only from within its own calls."""

    @property
    def mistakes(self) -> list[Mistake]:
        """Implement `Observer.mistakes`."""
        return [mistake for check in self.checks for mistake in check.found.values()]

    @property
    def altered(self) -> bool:
        """Implement `Observer.altered`."""
        return self.training.truncated

    def __enter__(self) -> Self:
        enter, cleanup = self._stack.enter_context, self._stack.callback
        enter(_Calls(self))
        for hook in (
            modules.register_module_forward_pre_hook(self._before_forward),
            modules.register_module_forward_hook(self._after_forward, always_call=True),
            register_optimizer_step_pre_hook(self._before_step),
            register_optimizer_step_post_hook(self._after_step),
        ):
            cleanup(hook.remove)
        self._replace(torch.autograd, "backward", self._backward)
        self._replace(torch, "load", self._load)
        self._replace(torch, "save", self._save)
        self._replace(torch, "compile", self._compile)
        self._replace(nn.Module, "load_state_dict", self._load_state)
        self._replace(DataLoader, "__iter__", self._iterate)
        for schedule in (lr_scheduler.LRScheduler, *_with_own_step(lr_scheduler.LRScheduler)):
            self._replace(schedule, "step", self._schedule)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        if os.getpid() == self._process:
            self._each("finish")
        self.training.stack.clear()

    def call(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Do a call that the program makes of PyTorch, and let the checks look at it."""
        if self._looking or self._elsewhere():
            return function(*args, **kwargs)
        self._check_time()
        if function in _LOSSES:
            return self._loss(function, args, kwargs)
        result = function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        if name in self._calls:
            self._each("after_call", name, args, kwargs, result)
            if name in _COMPARISONS or (name in _USES and self._steps_between >= _STEPS_BETWEEN):
                self._evaluation(None)
        return result

    def _loss(self, function: Any, args: Any, kwargs: Any) -> Any:
        name, signature = _LOSSES[function]
        options = signature.bind(*args, **kwargs)
        options.apply_defaults()
        given = dict(options.arguments)
        inputs, target = given.pop("input"), given.pop("target")
        if not isinstance(inputs, torch.Tensor) or not isinstance(target, torch.Tensor):
            return function(*args, **kwargs)
        wanted = torch.is_grad_enabled() and (inputs.requires_grad or target.requires_grad)
        loss = LossCall(name, inputs, target, given, calling_place(), wanted)
        self._each("before_loss", loss)
        value = function(*args, **kwargs)
        self._each("after_loss", loss, value)
        self._evaluation(loss)
        return value

    def _evaluation(self, loss: LossCall | None) -> None:
        """Take note of a loss or comparison after a forward pass under `no_grad` of a network that is trained."""
        training = self.training
        if self._unseen_output is None or self._looking:
            return
        if torch.is_grad_enabled() and self._steps_between < _STEPS_BETWEEN:  # a pass of a training step's own
            return
        if not training.evaluating:
            training.evaluating = True
            training.evaluations += 1
            if training.first_evaluation is None:
                training.first_evaluation = training.steps
        self._each("evaluated", loss)

    def _before_forward(self, module: Any, inputs: Any) -> None:
        if self._looking or self._elsewhere():
            return
        self._watch.begin()
        self._check_time()
        training = self.training
        if not training.stack and next(module.parameters(), None) is not None:
            if id(module) not in training.roots:
                training.roots[id(module)] = module
                if any(name in type(module).__module__ for name in ("transformers", "timm", "diffusers", "peft")):
                    training.loads_all = True  # these load weights in ways of their own
            if torch.is_grad_enabled():
                training.root = module
                self._unseen_output = None
        training.stack.append(module)
        self._each("before_forward", module, inputs)

    def _after_forward(self, module: Any, inputs: Any, outputs: Any) -> None:
        training = self.training
        if self._looking or self._elsewhere() or module not in training.stack:
            return
        while training.stack.pop() is not module:
            pass  # modules that failed
        if outputs is None:
            return
        if torch.is_grad_enabled() and has_own_weight(module) and not isinstance(module, NORMS):
            training.last_layer = module
        self._each("after_forward", module, inputs, outputs)
        if not training.stack and not torch.is_grad_enabled():
            held = training.held()
            if any(id(parameter) in held for parameter in module.parameters()):
                self._unseen_output = outputs
                if self._unseen_steps != training.steps:
                    self._steps_between = training.steps - (self._unseen_steps or 0)
                    self._unseen_steps = training.steps

    def _backward(self, backward: Callable[..., Any], tensors: Any, *args: Any, **kwargs: Any) -> Any:
        root = tensors if isinstance(tensors, torch.Tensor) else next(iter(tensors), None)
        if self._looking or not isinstance(root, torch.Tensor):
            return backward(tensors, *args, **kwargs)
        self._watch.begin()
        self._check_time()
        self.training.evaluating = False
        self._unseen_output = None
        self._each("before_backward", root)
        result = backward(tensors, *args, **kwargs)
        self.training.backwards += 1
        self._each("after_backward", root)
        if not self.training.steps and self.training.backwards >= self.training.limits.max_steps:
            self._end()
        return result

    def _before_step(self, optimizer: Any, *_: object) -> None:
        if self._elsewhere():
            return
        training = self.training
        if id(optimizer) not in training.steps_of:
            training.optimizers.append(optimizer)
            training.steps_of[id(optimizer)] = 0
        self._each("before_step", optimizer)

    def _after_step(self, optimizer: Any, *_: object) -> None:
        if self._elsewhere():
            return
        training = self.training
        training.steps += 1
        training.steps_of[id(optimizer)] += 1
        training.evaluating = False
        self._unseen_output = None
        training.steps_since_evaluation = training.steps - (training.first_evaluation or 0)
        if training.loader is not None:
            training.train_loader = training.loader
        self._each("after_step", optimizer)
        seen = training.first_evaluation is not None and training.steps_since_evaluation >= _STEPS_AFTER
        enough = seen and training.steps >= _FEWEST_STEPS and training.second_epoch
        if training.steps >= training.limits.max_steps or enough:
            self._end()

    def _schedule(self, step: Callable[..., Any], schedule: Any, *args: Any, **kwargs: Any) -> Any:
        self._each("scheduled", schedule)
        return step(schedule, *args, **kwargs)

    def _iterate(self, iterate: Callable[..., Any], loader: Any) -> Any:
        if self._elsewhere():
            return iterate(loader)
        passes, rows = self.training.passes, loader.dataset
        if id(rows) not in passes:
            self.training.kept.append(rows)
        passes[id(rows)] = passes.get(id(rows), 0) + 1
        return _Pass(iterate(loader), loader, self)

    def _load(self, load: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        loaded = load(*args, **kwargs)
        if isinstance(loaded, nn.Module):
            self._note_loaded(loaded)
        return loaded

    def _load_state(self, load: Callable[..., Any], module: Any, *args: Any, **kwargs: Any) -> Any:
        result = load(module, *args, **kwargs)
        self._note_loaded(module)
        return result

    def _note_loaded(self, module: Any) -> None:
        parameters = list(module.parameters())
        self.training.kept += parameters
        self.training.loaded |= {id(parameter) for parameter in parameters}

    def _save(self, save: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # a checkpoint of these few steps must not replace that of a whole training
        return None if self.training.steps else save(*args, **kwargs)

    def _compile(self, _: Callable[..., Any], model: Any = None, **__: Any) -> Any:
        """Return the model as it is: what is compiled has no calls that could be seen."""
        return (lambda function: function) if model is None else model

    def _replace(self, owner: Any, name: str, ours: Callable[..., Any]) -> None:
        """Put a function of ours in the place of one of PyTorch's, which it gets as its first argument."""
        original = owner.__dict__[name]

        def replacement(*args: Any, **kwargs: Any) -> Any:
            return ours(original, *args, **kwargs)

        replacement.__name__ = name
        replacement.__wrapped__ = original  # type: ignore[attr-defined]
        setattr(owner, name, replacement)
        self._stack.callback(setattr, owner, name, original)

    def _each(self, event: str, *args: Any) -> None:
        """Pass an event on to each check; calls of theirs are no events."""
        if self._looking:
            return
        self._looking = True
        self.training.with_gradients = torch.is_grad_enabled()
        try:
            with torch.no_grad():
                for check in self.checks:
                    if event == "after_call" and args[0] not in check.calls:
                        continue
                    try:
                        getattr(check, event)(*args)
                    except Exception as error:  # noqa: BLE001  a look at an unusual tensor must not end the training
                        self.failures.append(error)
        finally:
            self._looking = False

    def _elsewhere(self) -> bool:
        return os.getpid() != self._process  # in a worker of a loader, which was forked

    def _check_time(self) -> None:
        if self._ended or self.is_late(1.0):
            self._end()

    def _end(self) -> None:
        if not self._elsewhere():
            self._ended = self.training.ended_early = True
            raise SeenEnough

    def is_late(self, share: float) -> bool:
        """Return True if this share of the time has passed."""
        return self._watch.is_late(share)


class _Calls(TorchFunctionMode):  # type: ignore[misc]  # PyTorch is not installed everywhere
    """A context in which an observer does each call of PyTorch."""

    def __init__(self, observer: TorchObserver) -> None:
        super().__init__()
        self._observer = observer

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._observer.call(func, args, kwargs or {})


class _Pass:
    """A pass over a loader's rows, ended early where it is long, so that what comes after it is seen too."""

    def __init__(self, batches: Any, loader: Any, observer: TorchObserver) -> None:
        self._batches, self._loader, self._observer = batches, loader, observer
        self._first_step = observer.training.steps
        self._n = 0

    def __iter__(self) -> _Pass:
        return self

    def __len__(self) -> int:
        return len(self._batches)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    def __next__(self) -> Any:
        training = self._observer.training
        if self._is_long():
            training.truncated = True
            raise StopIteration
        training.loader = self._loader
        self._n += 1
        try:
            return next(self._batches)
        except StopIteration:
            training.loader = None
            raise

    def _is_long(self) -> bool:
        training = self._observer.training
        steps = training.steps - self._first_step
        if steps:
            return steps >= min(_PASS_STEPS, training.limits.max_steps // 2) or (
                steps >= 3 and self._observer.is_late(0.5)
            )
        return training.evaluating and (self._n >= _PASS_BATCHES or self._observer.is_late(0.7))


def _with_own_step(kind: type) -> list[type]:
    children: list[type] = kind.__subclasses__()
    below = [one for child in children for one in (child, *_with_own_step(child))]
    return [one for one in dict.fromkeys(below) if "step" in one.__dict__]
