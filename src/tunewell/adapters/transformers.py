"""Hugging Face's `Trainer`.

    from tunewell.adapters.transformers import follow

    trainer = Trainer(...)
    follow(trainer, run)
    trainer.train()

What the trainer logs in an epoch, and at its end, is reported: so let it evaluate and log each epoch. A checkpoint
holds the model, the optimizer, the schedule, the trainer's progress and what callbacks such as `EarlyStoppingCallback`
remember; those that the trainer writes itself (`save_strategy`) are its own business.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from transformers import Trainer, TrainerCallback
from transformers.trainer_callback import ExportableState
from transformers.trainer_utils import BestRun

from tunewell.adapters.callbacks import CallbackLoop
from tunewell.adapters.ranks import join_ranks
from tunewell.errors import ReportError, SettingError
from tunewell.near_names import did_you_mean
from tunewell.runners.tune import tune
from tunewell.space.space import SpaceLike, as_space
from tunewell.training.run import Run

_PROGRESS = ("epoch", "global_step", "total_flos", "num_input_tokens_seen", "log_history")
_BEST = ("best_metric", "best_global_step", "best_model_checkpoint")
_COUNTED = ("_total_loss_scalar", "_globalstep_last_logged")


def follow(trainer: Trainer, run: Run | None = None) -> None:
    """Let a trainer report each epoch, pause and end with its trial, and follow its live learning rate.

    Args:
        trainer: one whose `train` is called next.
        run: the trial; the current one if None.

    Raises:
        ReportError: the trainer counts steps, not epochs, or is of a version before 5.
    """
    if trainer.args.max_steps > 0:
        raise ReportError("a tuned training needs its number of epochs: TrainingArguments(num_train_epochs=3)")
    if not hasattr(trainer, "_run_epoch"):
        raise ReportError("the adapter needs transformers of version 5 or later")
    trainer.add_callback(_Follower(trainer, CallbackLoop(run)))


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
    if trainer.model_init is None:
        raise SettingError("a search needs a fresh model for each trial: Trainer(model_init=...)")
    takes_params = trainer.model_init.__code__.co_argcount > 0 if hasattr(trainer.model_init, "__code__") else False
    fields = asdict(trainer.args)
    for name in as_space(space).names:
        if name not in fields and not takes_params:
            raise SettingError(f"TrainingArguments has no {name!r}; {did_you_mean(name, [*fields])}")

    def train(run: Run) -> None:
        own = _another(trainer, run)
        follow(own, run)
        own.train()

    study = tune(
        train,
        space,
        **{
            "metric": metric,
            "budget": budget,
            "max_epochs": int(trainer.args.num_train_epochs),
            "isolate": False,
            "name": "trainer",
            "max_tier": 4,
            **settings,
        },
    )
    best = study.best
    return BestRun(str(best.trial), best.value, dict(best.params), study)


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

    def __init__(self, trainer: Trainer, loop: CallbackLoop) -> None:
        self._trainer, self._loop = trainer, loop
        self._logs: dict[str, Any] = {}
        self._run_epoch = trainer._run_epoch  # noqa: SLF001  there is no other place where an epoch is over

    def on_train_begin(self, args: Any, state: Any, control: Any, **live: Any) -> None:  # noqa: ARG002  as the trainer calls it
        """Go on from the trial's checkpoint, if it has one."""
        trainer, run = self._trainer, self._loop.run
        join_ranks(run)
        schedule = live["lr_scheduler"]
        run.track(
            model=trainer.model,
            optimizer=getattr(live["optimizer"], "optimizer", live["optimizer"]),
            schedule=getattr(schedule, "scheduler", schedule),
            progress=_Progress(trainer),
        )
        self._loop.begin(int(args.num_train_epochs))
        trainer._run_epoch = self._one_epoch  # noqa: SLF001
        if self._loop.epoch is None:
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **live: Any) -> None:  # noqa: ARG002  as the trainer calls it
        """Keep what is logged."""
        self._logs.update(logs)

    def on_train_end(self, args: Any, state: Any, control: Any, **live: Any) -> None:  # noqa: ARG002
        """Let the trainer have its own method again; end the trial's loop, if it is not over."""
        del self._trainer._run_epoch  # noqa: SLF001
        self._loop.advance()

    def _one_epoch(self, *arguments: Any, epoch: int, **named: Any) -> None:
        """Train an epoch, unless it is done; report it; wait while the trial is paused."""
        if self._loop.epoch is None or epoch + 1 < self._loop.epoch:
            return
        self._logs.clear()
        self._run_epoch(*arguments, epoch=epoch, **named)
        if not self._logs:
            raise ReportError(
                'the trainer logs nothing at the end of an epoch; give TrainingArguments(eval_strategy="epoch")'
            )
        self._loop.report({name: value for name, value in self._logs.items() if name != "epoch"})
        if not self._loop.advance():
            self._trainer.control.should_training_stop = True


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
