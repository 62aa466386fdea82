"""Hugging Face's `Trainer`.

    from tunewell.adapters.transformers import follow

    trainer = Trainer(...)
    follow(trainer, run)
    trainer.train()

What the trainer logs in an epoch, and at its end, is reported: so let it evaluate and log each epoch. A checkpoint
holds the model, the optimizer, the schedule, the trainer's progress and what callbacks such as `EarlyStoppingCallback`
remember; those that the trainer writes itself (`save_strategy`) go into a folder of each trial, `run-0` and so on.

    trainer.hyperparameter_search(backend="tunewell", hp_space=lambda _: {"learning_rate": tw.learning_rate()})

Importing this makes it one of the trainer's own backends.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from transformers import Trainer, TrainerCallback
from transformers.hyperparameter_search import ALL_HYPERPARAMETER_SEARCH_BACKENDS, HyperParamSearchBackendBase
from transformers.trainer_callback import ExportableState
from transformers.trainer_utils import BestRun, HPSearchBackend

from tunewell.adapters.callbacks import CallbackLoop
from tunewell.adapters.ranks import join_ranks
from tunewell.errors import ReportError, SettingError
from tunewell.near_names import did_you_mean
from tunewell.runners.tune import tune
from tunewell.space.params import Choice, Float
from tunewell.space.space import SpaceLike, as_space
from tunewell.training.run import Run

_PROGRESS = ("epoch", "global_step", "total_flos", "num_input_tokens_seen", "log_history")
_BEST = ("best_metric", "best_global_step", "best_model_checkpoint")
_MOST_EPOCHS = 10**9
"""More than these the trainer plans if its data set has no length."""
Objective = Callable[[dict[str, float]], float]
_COUNTED = ("_total_loss_scalar", "_globalstep_last_logged")


def follow(trainer: Trainer, run: Run | None = None) -> None:
    """Let a trainer report each epoch, pause and end with its trial, and follow its live learning rate.

    Args:
        trainer: one whose `train` is called next.
        run: the trial; the current one if None.

    Raises:
        ReportError: the trainer is of a version before 5.
    """
    loop = CallbackLoop(run)
    if loop.run.has_tuner:
        trainer.args.output_dir = f"{trainer.args.output_dir}/run-{loop.run.trial}"  # as in searches of its own
    _follow(trainer, loop)


def _follow(trainer: Trainer, loop: CallbackLoop, objective: Objective | None = None) -> None:
    """Let a trainer report to a loop; `objective`: of what an evaluation measures, reported by this name."""
    if not hasattr(trainer, "_run_epoch"):
        raise ReportError("the adapter needs transformers of version 5 or later")
    trainer.add_callback(_Follower(trainer, loop, objective))


def hyperparameter_search(
    trainer: Trainer, space: SpaceLike, *, metric: str = "eval_loss", budget: str | float = 10, **settings: Any
) -> BestRun:
    """Search as `Trainer.hyperparameter_search` does; poor trials are stopped early. Return the best, with its study.

    Args:
        trainer: one with a `model_init`; each trial has a trainer like it.
        space: of fields of `TrainingArguments`, and of what `model_init` takes from the trial: `model_init(params)`.
        metric: what is optimized, among what the trainer logs.
        budget: as of `tunewell.tune`.
        settings: other arguments of `tunewell.tune`.

    Raises:
        SettingError: the trainer cannot be made anew, or a parameter is nothing that it has.
    """
    return _searched(trainer, space, None, {"metric": metric, "budget": budget, **settings})


def _searched(trainer: Trainer, space: SpaceLike, objective: Objective | None, settings: Mapping[str, Any]) -> BestRun:
    """Return the best of a search; `objective`: as of `_follow`."""
    if trainer.model_init is None:
        raise SettingError("a search needs a fresh model for each trial: Trainer(model_init=...)")
    takes_params = trainer.model_init.__code__.co_argcount > 0 if hasattr(trainer.model_init, "__code__") else False
    fields = asdict(trainer.args)
    for name in as_space(space).names:
        if name not in fields and not takes_params:
            raise SettingError(f"TrainingArguments has no {name!r}; {did_you_mean(name, [*fields])}")

    def train(run: Run) -> None:
        own = _another(trainer, run)
        _follow(own, CallbackLoop(run), objective)
        own.train()

    study = tune(
        train,
        space,
        **{
            "max_epochs": math.ceil(trainer.args.num_train_epochs),
            "isolate": False,
            "name": "trainer",
            "max_tier": 4,
            **settings,
        },
    )
    best = study.best
    return BestRun(str(best.trial), best.value, dict(best.params), study)


class _Backend(HyperParamSearchBackendBase):  # type: ignore[misc]  # it is not installed everywhere
    """The backend "tunewell" of `Trainer.hyperparameter_search`: `hp_space` returns a space, whatever it is given."""

    name = "tunewell"

    @staticmethod
    def is_available() -> bool:
        """Return True."""
        return True

    def run(self, trainer: Trainer, n_trials: int, direction: str, **settings: Any) -> BestRun:
        """Search; `settings`: other arguments of `tunewell.tune`."""
        defaults = {"metric": "objective", "direction": direction, "budget": n_trials}
        return _searched(trainer, trainer.hp_space(None), trainer.compute_objective, {**defaults, **settings})

    def default_hp_space(self, trial: object) -> SpaceLike:  # noqa: ARG002  as the trainer calls it
        """Return the space of the trainer's other backends."""
        return {
            "learning_rate": Float(1e-6, 1e-4, scale="log"),
            "per_device_train_batch_size": Choice([4, 8, 16, 32, 64], ordered=True),
        }


def _register() -> None:
    """Make it one of the trainer's backends, whose table is open but whose names are an enumeration."""
    backend: Any = str.__new__(HPSearchBackend, _Backend.name)
    backend._name_, backend._value_ = _Backend.name.upper(), _Backend.name
    HPSearchBackend._value2member_map_[_Backend.name] = backend
    ALL_HYPERPARAMETER_SEARCH_BACKENDS[backend] = _Backend


_register()


def _another(trainer: Trainer, run: Run) -> Trainer:
    """Return a trainer like this one, with a trial's setting."""
    arguments = copy.copy(trainer.args)
    for name, value in run.params.items():
        if hasattr(arguments, name):
            setattr(arguments, name, value)
    arguments.output_dir = f"{arguments.output_dir}/run-{run.trial}"
    arguments.seed = run.seed % 2**31
    init = trainer.model_init
    takes_params = init.__code__.co_argcount > 0 if hasattr(init, "__code__") else False
    return type(trainer)(
        model_init=(lambda: init(run.params)) if takes_params else init,
        args=arguments,
        data_collator=trainer.data_collator,
        train_dataset=trainer.train_dataset,
        eval_dataset=trainer.eval_dataset,
        processing_class=trainer.processing_class,
        compute_metrics=trainer.compute_metrics,
        callbacks=[copy.copy(one) for one in trainer.callback_handler.callbacks if isinstance(one, ExportableState)],
        preprocess_logits_for_metrics=trainer.preprocess_logits_for_metrics,
    )


class _Follower(TrainerCallback):  # type: ignore[misc]  # it is not installed everywhere
    """A callback, and a stand-in for the trainer's method that trains an epoch: it evaluates after its callbacks."""

    def __init__(self, trainer: Trainer, loop: CallbackLoop, objective: Objective | None) -> None:
        self._trainer, self._loop, self._objective = trainer, loop, objective
        self._logs: dict[str, Any] = {}
        self._n_epochs = 0
        self._skipped: int | None = None
        """So many epochs are done in the trainer's own checkpoint that it goes on from; None before it begins."""
        self._run_epoch = trainer._run_epoch  # noqa: SLF001  there is no other place where an epoch is over

    def on_train_begin(self, args: Any, state: Any, control: Any, **live: Any) -> None:  # noqa: ARG002  as the trainer calls it
        """Track what the trainer has made by now."""
        trainer, run = self._trainer, self._loop.run
        join_ranks(run)
        schedule = live["lr_scheduler"]
        run.track(
            model=trainer.model,
            optimizer=getattr(live["optimizer"], "optimizer", live["optimizer"]),
            schedule=getattr(schedule, "scheduler", schedule),
            progress=_Progress(trainer),
        )
        if state.num_train_epochs > _MOST_EPOCHS:
            raise ReportError(
                "a tuned training needs its number of epochs; give the trainer a data set that has a length (__len__)"
            )
        trainer._run_epoch = self._one_epoch  # noqa: SLF001

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **live: Any) -> None:  # noqa: ARG002  as the trainer calls it
        """Keep what is logged."""
        self._logs.update(logs)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **live: Any) -> None:  # noqa: ARG002
        """Keep the objective of a search."""
        if self._objective is not None:
            self._logs["objective"] = self._objective(dict(metrics))

    def on_train_end(self, args: Any, state: Any, control: Any, **live: Any) -> None:  # noqa: ARG002
        """Let the trainer have its own method again; end the trial's loop, if its last epoch was trained."""
        del self._trainer._run_epoch  # noqa: SLF001
        if self._loop.epoch == self._n_epochs:
            self._loop.advance()

    def _one_epoch(self, *arguments: Any, epoch: int, **named: Any) -> None:
        """Train an epoch, unless it is done; report it; wait while the trial is paused."""
        control = self._trainer.control
        if self._skipped is None:  # go on from the trial's checkpoint, if it has one
            self._skipped = int(named.get("epochs_trained", 0))
            self._n_epochs = self._trainer.state.num_train_epochs - self._skipped
            self._loop.begin(self._n_epochs)
        if self._loop.epoch is None:
            control.should_training_stop = True
            return
        if epoch - self._skipped + 1 < self._loop.epoch:
            return
        self._logs.clear()
        self._run_epoch(*arguments, epoch=epoch, **named)
        if not self._logs:
            raise ReportError(
                'the trainer logs nothing at the end of an epoch; give TrainingArguments(eval_strategy="epoch")'
            )
        self._loop.report({name: value for name, value in self._logs.items() if name != "epoch"})
        if not control.should_training_stop and not self._loop.advance():
            control.should_training_stop = True


class _Progress:
    """A trainer's progress, and what its callbacks remember."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    def state_dict(self) -> dict[str, Any]:
        """Return it."""
        trainer = self._trainer
        return {
            "state": json.dumps({name: getattr(trainer.state, name) for name in (*_PROGRESS, *_BEST)}),
            "counted": {name: getattr(trainer, name, 0) for name in _COUNTED},
            "loss": float(trainer._tr_loss),  # noqa: SLF001  of steps that are not logged yet
            "callbacks": json.dumps([one.state()["attributes"] for one in self._callbacks()]),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it over."""
        trainer = self._trainer
        vars(trainer.state).update(json.loads(state["state"]))
        vars(trainer).update(state["counted"])
        trainer._tr_loss.fill_(state["loss"])  # noqa: SLF001
        for one, attributes in zip(self._callbacks(), json.loads(state["callbacks"]), strict=True):
            vars(one).update(attributes)

    def _callbacks(self) -> list[Any]:
        return [one for one in self._trainer.callback_handler.callbacks if isinstance(one, ExportableState)]
