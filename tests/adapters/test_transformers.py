"""Hugging Face's Trainer."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tunewell as tw
from contract import Framework, InProcessContract, KilledContract, ScriptContract, Searched
from tunewell.errors import ReportError, SettingError

transformers = pytest.importorskip("transformers")
FRAMEWORK = Framework(
    "transformers_digits.py",
    imports="transformers",
    weights=lambda trainer: [one.detach().numpy() for one in trainer.model.state_dict().values()],
    rate=lambda trainer: trainer.lr_scheduler.base_lrs[0],
    test_file="test_transformers",
)


class TestTransformers(InProcessContract, KilledContract):
    framework = FRAMEWORK


@pytest.mark.exhaustive  # a framework that takes this long to import; scripts are tried with the others
class TestTransformersAsAScript(ScriptContract):
    framework = FRAMEWORK


def trainer_of(folder, model_init, **settings):
    """A trainer of the example's data, with a model that is made for each trial."""
    example = FRAMEWORK.module()
    arguments = {
        "num_train_epochs": 3,
        "eval_strategy": "epoch",
        "save_strategy": "no",
        "report_to": [],
        "use_cpu": True,
    }
    return transformers.Trainer(
        model_init=model_init,
        args=transformers.TrainingArguments(str(folder), disable_tqdm=True, **{**arguments, **settings}),
        train_dataset=example.pixels("train", 64),
        eval_dataset=example.pixels("validation", 64),
    )


def small(params=None):
    """A model whose width a trial may set."""
    hidden = 8 if params is None else params["hidden"]
    sizes = {"hidden_size": hidden, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BertConfig(vocab_size=8, max_position_embeddings=8, num_labels=10, **sizes)
    return transformers.BertForSequenceClassification(config)


@pytest.mark.filterwarnings("default")
def test_a_search_finds_fields_of_the_arguments_and_what_the_model_is_made_of(tmp_path):
    from tunewell.adapters.transformers import hyperparameter_search

    space = {"learning_rate": tw.learning_rate(), "hidden": tw.Choice([4, 8])}
    best = hyperparameter_search(trainer_of(tmp_path, small), space, budget=2, store="memory")
    assert set(best.hyperparameters) == {"learning_rate", "hidden"}
    assert best.objective == best.run_summary.best.value
    assert len(best.run_summary.trials) > 2


def fixed():
    """A model that is made without a trial."""
    return small()


@pytest.mark.filterwarnings("default")
def test_what_cannot_be_searched_or_followed_is_named(tmp_path):
    from tunewell.adapters.transformers import follow, hyperparameter_search

    with pytest.raises(SettingError, match="learning_rate"):
        hyperparameter_search(trainer_of(tmp_path, fixed), {"learning_rat": tw.learning_rate()})
    with pytest.raises(SettingError, match="model_init"):
        hyperparameter_search(transformers.Trainer(small()), {"learning_rate": tw.learning_rate()})
    trainer = trainer_of(tmp_path, small, eval_strategy="no", num_train_epochs=1)
    follow(trainer, tw.Run({}))
    with pytest.raises(ReportError, match="eval_strategy"):
        trainer.train()


@pytest.mark.filterwarnings("default")
def test_it_is_a_backend_of_the_search_of_the_trainer(tmp_path):
    trainer = trainer_of(tmp_path, small, num_train_epochs=2)
    space = {"learning_rate": tw.learning_rate(), "hidden": tw.Choice([4, 8])}
    best = trainer.hyperparameter_search(
        backend="tunewell",
        hp_space=lambda _: space,
        n_trials=2,
        direction="maximize",
        compute_objective=lambda metrics: -metrics["eval_loss"],
        store="memory",
    )
    study = best.run_summary
    assert set(best.hyperparameters) == {"learning_rate", "hidden"}
    assert best.objective == study.best.value < 0
    assert study.spent.epochs <= 2 * 2
    with pytest.raises(ValueError, match="not a valid"):
        trainer.hyperparameter_search(backend="tunewel")


@pytest.mark.filterwarnings("default")
def test_a_training_of_so_many_steps_or_from_a_checkpoint_of_the_trainer_has_the_epochs_that_it_trains(tmp_path):
    from tunewell.adapters.transformers import follow

    found = []
    for settings, checkpoint in (({"max_steps": 20, "save_strategy": "epoch"}, None), ({}, tmp_path / "checkpoint-8")):
        trainer, run = trainer_of(tmp_path, small, **settings), tw.Run({})
        follow(trainer, run)
        trainer.train(resume_from_checkpoint=checkpoint and str(checkpoint))
        found.append(([report["epoch"] for report in run.reports], trainer.state.global_step))
    assert found == [([1, 2, 3], 20), ([1, 2], 24)]


def test_the_checkpoints_of_the_trainer_are_each_trials_own(tmp_path):
    from tunewell.adapters.transformers import follow

    alone, tuned = (trainer_of(tmp_path, small) for _ in range(2))
    follow(alone, tw.Run({}))
    follow(tuned, tw.Run({}, trial=7, channel=object()))
    assert (alone.args.output_dir, tuned.args.output_dir) == (str(tmp_path), f"{tmp_path}/run-7")


def test_what_is_private_of_the_trainer_is_there():
    """The adapter stands in for the method that trains an epoch; no callback is called when an epoch is all over."""
    names = transformers.Trainer._run_epoch.__code__.co_varnames
    assert {"epoch", "epochs_trained"} <= set(names), transformers.__version__
