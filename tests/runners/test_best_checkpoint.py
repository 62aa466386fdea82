"""The state of the best epoch is kept, whatever came after it, and fills a model that is to be used."""

import numpy as np
import pytest

import tunewell as tw
from tunewell import checkpoint
from tunewell.errors import CheckpointError
from tunewell.nn import Network
from tunewell.runners import Execution
from tunewell.runners.base import NullObserver
from tunewell.runners.tune import drive

SPACE = tw.Space(rate=tw.Float(0.01, 1.0))


def overfits(run):
    """Is at its best at epoch 7 of 12."""
    weights = np.zeros(3)
    run.track(weights=weights, steps={"n": 0})
    for epoch in run.epochs(12):
        weights += run.params.rate
        run.report(val_loss=abs(epoch - 7) + run.params.rate)


def tracks_nothing(run):
    for epoch in run.epochs(3):
        run.report(val_loss=1 / epoch)


def tuned(store, train=overfits, **settings):
    settings = {"budget": 3, "scheduler": "asha"} | settings
    return tw.tune(train, SPACE, metric="val_loss", store=store, observer=NullObserver(), **settings)


@pytest.mark.parametrize("settings", [{}, {"workers": 2, "threads": True}, {"checkpoint_every": 5}, {"keep": 0}])
def test_the_state_of_the_best_epoch_is_kept(tmp_path, settings):
    best = tuned(tmp_path / "s.db", **settings).best
    weights = np.zeros(3)
    checkpoint.load(best.checkpoint, weights=weights)
    assert best.epoch == 7
    assert weights == pytest.approx(np.full(3, 7 * best.params.rate))


def test_of_a_trial_no_more_is_kept_than_its_newest_and_its_best(tmp_path):
    study = tuned(tmp_path / "s.db", scheduler="full")
    for trial in study.trials:
        epochs = [saved.epoch for saved in study.checkpoints(trial.number)]
        assert epochs in ([7, 12], [12])
    assert len(list(study.checkpoint_folder.glob("*.npz"))) == len(study.checkpoints())


def test_the_search_is_the_same_as_where_nothing_is_kept(tmp_path):
    kept, not_kept = tuned(tmp_path / "s.db"), tuned("memory")
    assert [(dict(t.params), t.epochs) for t in kept.trials] == [(dict(t.params), t.epochs) for t in not_kept.trials]


@pytest.mark.parametrize(("store", "train"), [("memory", overfits), ("s.db", tracks_nothing)])
def test_there_is_none_where_nothing_can_be_kept(tmp_path, monkeypatch, store, train):
    monkeypatch.chdir(tmp_path)
    assert tuned(store, train).best.checkpoint is None


def test_there_is_none_if_its_file_is_gone(tmp_path):
    study = tuned(tmp_path / "s.db")
    study.best.checkpoint.unlink()
    assert study.best.checkpoint is None


def test_an_engines_network_is_filled_from_it_and_what_else_it_holds_is_left(tmp_path):
    def train(run):
        network = Network([4, 3, 2], seed=run.seed)
        run.track(network=network, steps={"n": 0})
        for _ in run.epochs(2):
            run.report(val_loss=1.0)

    study = tuned(tmp_path / "s.db", train, budget="1trials")
    network = Network([4, 3, 2], seed=99)
    before = checkpoint.capture({"network": network})
    checkpoint.load(study.best.checkpoint, network=network)
    assert repr(checkpoint.capture({"network": network})) != repr(before)


def test_a_name_that_was_not_tracked_is_refused_with_those_that_were(tmp_path):
    study = tuned(tmp_path / "s.db")
    with pytest.raises(CheckpointError, match=r"holds weights, steps, not model; use the names"):
        checkpoint.load(study.best.checkpoint, model=np.zeros(3))


def test_a_checkpoint_that_cannot_be_read_is_on_record_and_warned_of(tmp_path):
    def stops_early(run):
        run.track(weights=np.zeros(3))
        for epoch in run.epochs(6):
            run.report(val_loss=1 / epoch)
            if epoch == 3 and not (tmp_path / "was here").exists():
                (tmp_path / "was here").touch()
                raise OSError("the disk is away")

    study = tw.Study(SPACE, metric="val_loss", budget="1trials", scheduler="full", store=tmp_path / "s.db", name="s")
    drive(study, stops_early, Execution(checkpoint_every=1), NullObserver())
    for path in study.checkpoint_folder.glob("*.npz"):
        path.write_bytes(b"torn")
    study.retry(0)
    with pytest.warns(RuntimeWarning, match=r"trial 0 trains 3 epochs again, .* is damaged"):
        drive(study, stops_early, Execution(), NullObserver())
    (event,) = (event for event in study.events(0) if event.kind == "retrained")
    assert event.data["epochs"] == 3
    assert "is damaged" in event.data["unreadable"]
    assert study.trials[0].state == "complete"


def test_a_study_that_began_nothing_is_not_the_one_that_is_shown(tmp_path):
    tuned(tmp_path / "s.db", name="first")
    tw.Study(SPACE, metric="val_loss", store=tmp_path / "s.db", name="second")
    assert tw.Study.open(tmp_path / "s.db").name == "first"
    assert tw.Study.open(tmp_path / "s.db", "second").name == "second"
