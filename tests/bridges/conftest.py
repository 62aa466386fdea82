"""Trackers, each in a folder of its own."""

import shutil

import pytest

from tunewell.stores import open_store

SLOW = pytest.mark.slow  # to import, and to make a store
SINKS = [pytest.param("mlflow", marks=SLOW), "tensorboard", "trackio", pytest.param("wandb", marks=SLOW)]


@pytest.fixture(scope="session")
def mlflow_file(tmp_path_factory):
    """A database of MLflow's with nothing in it: to make one takes it half a minute."""
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic", reason="a database needs all of MLflow")
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def mlflow_uri(mlflow_file, tmp_path):
    return f"sqlite:///{shutil.copyfile(mlflow_file, tmp_path / 'mlflow.db')}"


@pytest.fixture(params=SINKS)
def tracker(request, tmp_path, monkeypatch):
    """The place of a tracker, as it is written on the command line."""
    return place_of(request.param, request, tmp_path, monkeypatch)


def place_of(kind, request, tmp_path, monkeypatch):
    pytest.importorskip(kind)
    match kind:
        case "mlflow":
            return f"mlflow:{request.getfixturevalue('mlflow_uri')}#digits"
        case "tensorboard":
            return f"tensorboard:{tmp_path / 'events'}"
        case "trackio":
            from trackio import sqlite_storage

            monkeypatch.setattr(sqlite_storage, "TRACKIO_DIR", tmp_path / "trackio")
            monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
            return "trackio:digits"
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "w"))
    monkeypatch.setenv("WANDB_SILENT", "true")
    return "wandb:digits#offline"


@pytest.fixture
def store(tmp_path):
    opened = open_store(tmp_path / "tunewell.db")
    yield opened
    opened.close()
