"""Looking at Keras: correct programs of many habits are not accused; faulty ones are, and their cures are not."""

import functools
import importlib.util
import inspect
import os
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.filterwarnings("default")]  # theirs are not ours

from tunewell.inspection.keras import KerasObserver  # noqa: E402

_spec = importlib.util.spec_from_file_location("keras_programs", Path(__file__).with_name("keras_programs.py"))
programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)
LONG = 3  # batches of a correct program; they are compiled, and run

REFUSED_BY_PYTORCH = {
    "a_stateful_series_in_order": "Keras cannot train a stateful layer on PyTorch",
    "noisy_labels_of_an_adversary": "PyTorch takes no label above 1",
}


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(3)


@pytest.fixture
def without_training(monkeypatch):
    """Let `fit` and `train_on_batch` do nothing: what they would do takes long to compile."""
    for name in ("fit", "train_on_batch"):
        original = getattr(keras.Model, name)
        monkeypatch.setattr(keras.Model, name, functools.wraps(original)(lambda *_, **__: {}))


def seen(program, *arguments, **options):
    with KerasObserver(**options) as observer:
        program(*arguments)
    assert not observer.failed
    return observer


@pytest.mark.parametrize("name", programs.HEALTHY)
def test_a_correct_program_is_not_accused(name):
    if name in REFUSED_BY_PYTORCH and keras.backend.backend() == "torch":
        pytest.skip(REFUSED_BY_PYTORCH[name])
    observer = seen(programs.HEALTHY[name], max_steps=LONG)
    assert [f"{one.kind}: {one.seen}" for one in observer.mistakes] == []
    assert observer.steps >= 1


@pytest.mark.parametrize(("kind", "program"), programs.FAULTY, ids=lambda one: getattr(one, "__name__", one))
def test_a_fault_is_found_where_it_stands(kind, program, without_training):
    found = seen(program, False).mistakes
    assert {one.kind for one in found} == {kind}, [one.seen for one in found]
    lines, first = inspect.getsourcelines(program)
    for one in found:
        assert one.path == programs.__file__
        assert first <= one.line < first + len(lines) or "def dense(" in _function_at(one.line)


@pytest.mark.parametrize(("kind", "program"), programs.FAULTY, ids=lambda one: getattr(one, "__name__", one))
def test_its_cure_is_not_accused(kind, program, without_training):
    assert [f"{one.kind}: {one.seen}" for one in seen(program, True).mistakes] == []


@pytest.mark.parametrize(("kind", "program"), programs.STEPS, ids=lambda one: getattr(one, "__name__", one))
def test_what_shows_in_the_first_steps_is_found(kind, program):
    with KerasObserver() as observer:
        try:
            program(False)
        except (ValueError, TypeError):
            assert kind == "parameters-frozen"  # Keras refuses some of it
    assert {one.kind for one in observer.mistakes} == {kind}
    assert seen(program, True).mistakes == []


def _function_at(line):
    lines = Path(programs.__file__).read_text(encoding="utf-8").splitlines()[:line]
    return next(one for one in reversed(lines) if one.startswith("def "))


def test_keras_is_as_it_was_afterwards():
    classes = {*keras.Model.__mro__, *keras.Layer.__mro__} - {object}
    before, fit = {one: dict(vars(one)) for one in classes}, keras.Model.fit
    with KerasObserver():
        assert keras.Model.fit is not fit
    assert {one: dict(vars(one)) for one in classes} == before


def test_a_model_is_saved_and_loaded_as_ever(tmp_path):
    body = keras.Sequential([keras.Input((8,)), keras.layers.Dense(8)])
    model = keras.Sequential([body, keras.layers.Dense(3, activation="softmax")])
    with KerasObserver():
        model.compile("adam", "sparse_categorical_crossentropy")
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
        clone = keras.models.clone_model(again)
    assert again.compiled
    assert len(clone.weights) == len(model.weights)


def test_a_training_is_as_it_would_be_without_a_look():
    def weights():
        keras.utils.set_random_seed(1)
        x, y = programs.blobs(96)
        model = programs.dense(8, 3, last="softmax")
        model.compile("adam", "sparse_categorical_crossentropy")
        history = model.fit(x, y, epochs=2, verbose=0).history
        return [*model.get_weights(), np.array(history["loss"])]

    plain = weights()
    with KerasObserver():
        observed = weights()
    assert all(np.array_equal(one, other) for one, other in zip(plain, observed, strict=True))


def test_a_generator_gives_each_batch_to_the_training():
    x, y = programs.blobs(96)
    given, trained = [], []

    def batches():
        for i in range(6):
            given.append(i)
            yield x[i * 16 : i * 16 + 16], y[i * 16 : i * 16 + 16]

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            trained.append(batch)

    model = programs.dense(8, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    with KerasObserver() as observer:
        model.fit(batches(), epochs=1, callbacks=Count(), verbose=0)
    assert trained == given == list(range(6))
    assert observer.steps == 6


def test_batches_of_other_packages_are_looked_at_and_not_used_up(without_training):
    x, y = programs.blobs(400, k=2)

    class DatasetV2:  # of TensorFlow, as far as it is looked at
        def take(self, n):
            self.taken = n
            return self

        def as_numpy_iterator(self):
            return iter([(x[:32] * 500, y[:32])] * self.taken)

    model = programs.dense(8, 1, last="sigmoid")
    model.compile("adam", "binary_crossentropy")
    given = [DatasetV2()]
    if importlib.util.find_spec("torch"):
        import torch

        rows = torch.utils.data.TensorDataset(torch.tensor(x * 500), torch.tensor(y))
        given.append(torch.utils.data.DataLoader(rows, batch_size=32, shuffle=True))
    for one in given:
        before = np.random.get_state()[1].tolist()
        with KerasObserver() as observer:
            model.fit(one)
        assert [found.kind for found in observer.mistakes] == ["inputs-not-scaled"]
        assert np.random.get_state()[1].tolist() == before


def test_a_training_is_ended_after_some_steps_and_its_history_is_whole():
    x, y = programs.blobs()
    model = programs.dense(8, 3, last="softmax")
    model.compile("adam", "sparse_categorical_crossentropy")
    ended = []
    with KerasObserver(max_steps=4, then=lambda: ended.append(1)) as observer:
        history = model.fit(x, y, epochs=50, batch_size=16, validation_split=0.2, verbose=0).history
    assert observer.steps == 4
    assert observer.altered
    assert ended == [1]
    assert len(history["loss"]) == len(history["val_loss"]) == 1


def test_a_program_that_fails_fails_as_it_would():
    x, y = programs.blobs()
    model = programs.dense(8, 3, last="softmax")
    with KerasObserver() as observer, pytest.raises(ValueError, match="compile"):
        model.fit(x, y, verbose=0)
    with KerasObserver() as observer, pytest.raises(TypeError):
        model.fit(x, y, no_such_argument=1)
    assert observer.mistakes == []


def test_importing_it_imports_no_keras():
    import subprocess
    import sys

    code = "import sys, tunewell.inspection.keras; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
