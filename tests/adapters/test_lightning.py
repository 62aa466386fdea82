"""Lightning, with its trainer."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import tunewell as tw
from contract import Framework, InProcessContract, KilledContract, ScriptContract, Searched
from tunewell.errors import ReportError

lightning = pytest.importorskip("lightning")
torch = pytest.importorskip("torch")


def weights(trainer):
    (optimizer,) = trainer.optimizers
    moments = [one[name] for one in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq", "step")]
    return [one.detach().numpy() for one in (*trainer.lightning_module.parameters(), *moments)] + [
        trainer.global_step,
        trainer.current_epoch,
    ]


FRAMEWORK = Framework(
    "lightning_digits.py",
    imports="lightning",
    weights=weights,
    rate=lambda trainer: trainer.lr_scheduler_configs[0].scheduler.base_lrs[0],
    test_file="test_lightning",
)


class TestLightning(InProcessContract, KilledContract):
    framework = FRAMEWORK


@pytest.mark.exhaustive  # a framework that takes this long to import; scripts are tried with the others
class TestLightningAsAScript(ScriptContract):
    framework = FRAMEWORK


def fitted(**settings):
    """Return the reports of a training with two sets of validation rows, and the trainer."""
    from tunewell.adapters.lightning import TuneCallback

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)
            self.n_batches = 0

        def training_step(self, batch):
            loss = self.layer(batch).mean()
            self.n_batches += 1
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def on_train_epoch_end(self):
            self.log("n_batches", float(self.n_batches))

        def validation_step(self, batch, batch_idx, dataloader_idx=0):
            self.log("val_loss", self.layer(batch).mean() + self.n_batches)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    run = tw.Run({})
    quiet = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = lightning.Trainer(
        **{"accelerator": "cpu", "callbacks": [TuneCallback(run)], **dict.fromkeys(quiet, False), **settings}
    )
    rows = torch.utils.data.DataLoader(torch.ones(8, 2), batch_size=2)
    trainer.fit(Module(), rows, [rows, rows])
    return run.reports, trainer


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_an_epoch_is_reported_by_all_names_that_it_logs_also_at_its_end():
    reports, _ = fitted(max_epochs=2, limit_train_batches=3)
    logged = {"train_loss", "train_loss_step", "train_loss_epoch", "n_batches"}
    assert set(reports[0]) == {*logged, "val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1", "lr", "epoch"}
    assert [report["n_batches"] for report in reports] == [3, 6]


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_epochs_up_to_a_validation_are_one_and_none_is_reported_twice():
    reports, trainer = fitted(max_epochs=5, check_val_every_n_epoch=2)
    assert trainer.current_epoch == 5
    assert [report["n_batches"] for report in reports] == [8, 16]
    losses = [report["val_loss/dataloader_idx_0"] for report in reports]
    assert losses == sorted(losses)
    with pytest.raises(ReportError, match="before the first validation"):
        fitted(max_epochs=1, check_val_every_n_epoch=2)


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_a_validation_of_an_earlier_epoch_is_not_reported_again():
    reports, _ = fitted(max_epochs=4, val_check_interval=7, check_val_every_n_epoch=None)
    assert ["val_loss/dataloader_idx_0" in report for report in reports] == [False, True, False, True]


@pytest.mark.filterwarnings("default")  # theirs are not ours
def test_a_training_of_so_many_steps_has_the_epochs_of_those():
    reports, trainer = fitted(max_steps=5, accumulate_grad_batches=2)
    assert trainer.global_step == 5
    assert [report["epoch"] for report in reports] == [1, 2, 3]
    with pytest.raises(ReportError, match="number of epochs"):
        fitted(max_epochs=-1)


def test_what_is_private_of_lightning_is_there():
    """The adapter restores the progress of the trainer's loops, which Lightning has no public way for."""
    loop = lightning.Trainer(logger=False).fit_loop
    for name in ("restarting", "epoch_progress", "epoch_loop", "on_iteration_done", "load_state_dict"):
        assert hasattr(loop, name), (name, lightning.__version__)
