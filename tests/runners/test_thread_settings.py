"""A training has the settings that the script made for its thread, in this process and in others."""

import contextvars
import decimal
import multiprocessing
import threading

import numpy as np
import pytest

import tunewell as tw
from tunewell.errors import SettingError
from tunewell.runners.thread_settings import ThreadSettings

SPACE = tw.Space(x=tw.Float(0.0, 1.0, default=0.5))
VARIABLE = contextvars.ContextVar("VARIABLE", default="none")


@pytest.fixture
def _set_here():
    errors, context = np.geterr(), decimal.getcontext().copy()
    token = VARIABLE.set("mine")
    np.seterr(divide="raise", over="ignore")
    decimal.getcontext().prec = 50
    yield
    VARIABLE.reset(token)
    np.seterr(**errors)
    decimal.setcontext(context)


def tune(train, **settings):
    return tw.tune(train, SPACE, metric="loss", store="memory", **{"budget": "2trials", **settings})


def measuring(run):
    for _ in run.epochs(1):
        run.report(
            loss=run.params.x,
            prec=decimal.getcontext().prec,
            raises=np.geterr()["divide"] == "raise",
            forks=multiprocessing.get_start_method(allow_none=True) is None,
        )


class Unsendable:
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, run):
        measuring(run)


@pytest.mark.usefixtures("_set_here")
@pytest.mark.parametrize("settings", [{}, {"workers": 2, "threads": True}])
def test_a_training_has_the_context_of_the_thread_that_tunes(settings):
    seen = []

    def train(run):
        measuring(run)
        seen.append(VARIABLE.get())

    study = tune(train, **settings)
    assert [(one.metrics["prec"], one.metrics["raises"]) for one in study.reports()] == [(50, 1)] * 2
    assert seen == ["mine"] * 2


@pytest.mark.usefixtures("_set_here")
def test_a_training_changes_nobody_elses_context():
    def train(run):
        decimal.getcontext().prec += 1
        np.seterr(divide="ignore")
        VARIABLE.set("another")
        run.report(loss=run.params.x, prec=decimal.getcontext().prec)

    study = tune(train)
    assert [one.metrics["prec"] for one in study.reports()] == [51] * 2
    assert (decimal.getcontext().prec, np.geterr()["divide"], VARIABLE.get()) == (50, "raise", "mine")


@pytest.mark.usefixtures("_set_here")
def test_workers_have_the_settings_too_and_start_processes_as_the_script_does():
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(None, force=True)
    try:
        study = tune(measuring, workers=2)
        assert multiprocessing.get_start_method(allow_none=True) is None
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert [(one.metrics["prec"], one.metrics["raises"], one.metrics["forks"]) for one in study.reports()] == [
        (50, 1, 1)
    ] * 2


def test_what_cannot_be_sent_to_workers_is_a_setting_error():
    with pytest.raises(SettingError, match="cannot be sent to worker processes"):
        tune(Unsendable(), workers=2)


def in_new_thread(settings, look):
    seen = []

    def host():
        with settings.in_force():
            seen.append(look())

    thread = threading.Thread(target=host)
    thread.start()
    thread.join()
    return seen[0]


def test_pytorch_has_its_device_type_gradients_and_autocast():
    torch = pytest.importorskip("torch")

    def look():
        return (
            str(torch.empty(0).device),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"),
            torch.get_autocast_dtype("cpu"),
        )

    with torch.device("meta"), torch.no_grad(), torch.autocast("cpu", dtype=torch.float16):
        assert in_new_thread(ThreadSettings.here(), look) == look()
    with torch.inference_mode():
        assert in_new_thread(ThreadSettings.here(), look) == look()
    assert in_new_thread(ThreadSettings.here(), look) == look()


def test_a_process_that_sees_other_gpus_is_given_no_number_of_one():
    torch = pytest.importorskip("torch")
    with torch.device("meta:1"):
        sent = ThreadSettings.here().for_process(other_devices=True)
    assert sent.torch is not None
    assert (sent.torch.device, sent.torch.cuda_device) == ("meta", None)


def test_keras_has_its_precision():
    keras = pytest.importorskip("keras")
    before = keras.config.dtype_policy().name
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = in_new_thread(ThreadSettings.here(), lambda: keras.config.dtype_policy().name)
    finally:
        keras.config.set_dtype_policy(before)
    assert found == "mixed_bfloat16"
