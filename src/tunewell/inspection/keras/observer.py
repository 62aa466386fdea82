"""A look at each training of Keras that begins in this process, while the observer is active."""

from __future__ import annotations

import functools
import inspect
import math
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from tunewell.errors import last_line
from tunewell.inspection.keras import checks
from tunewell.inspection.keras.data import MOST_BATCHES, Rows, is_arrays, of_batches, passing, rows_of, unpacked
from tunewell.inspection.keras.first_steps import FirstSteps
from tunewell.inspection.keras.training import Training
from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.observing import Stopwatch
from tunewell.inspection.places import Place

_HERE = str(Path(__file__).parents[1])
_MOST_LOOKS = 20  # at models: a program that makes one after another has seen enough of them by then


class KerasObserver:
    """A context in which `compile`, `fit` and `train_on_batch` of every Keras model are looked at, and then run.

    Keras has to be imported before; it is not imported for it.
    """

    def __init__(
        self,
        *,
        max_steps: int | None = None,
        timeout_s: float | None = None,
        then: Callable[[], object] | None = None,
    ) -> None:
        """Make an observer.

        Args:
            max_steps: each `fit` ends at its next batch once there were so many steps in all.
            timeout_s: the same after that time, from the first training on.
            then: called each time a training was ended by one of the two; it may raise, to end the program.
        """
        self.steps: int = 0
        """The training steps so far, of all models."""
        self.failed: list[str] = []
        """The checks that failed themselves, each with its error; nothing is found by those."""
        self.altered = False
        """True if a training was ended before its end, so that an error in what follows may be ours."""
        self._max_steps, self._then = max_steps, then
        self._watch = None if timeout_s is None else Stopwatch(timeout_s)
        self._found: dict[tuple[str, str, int], Mistake] = {}
        self._looks = 0
        self._originals: list[tuple[Any, str, Any]] = []
        self._models: weakref.WeakKeyDictionary[Any, _Seen] = weakref.WeakKeyDictionary()
        self._layers: weakref.WeakKeyDictionary[Any, Place] = weakref.WeakKeyDictionary()
        self._collecting: list[_Batches] = []

    def settle(self) -> None:
        """Do nothing: a training is ended only from within its own calls."""

    @property
    def mistakes(self) -> list[Mistake]:
        """The mistakes that were found so far, in the order of finding; each kind once a place."""
        return list(self._found.values())

    def __enter__(self) -> Self:
        self._patch()
        return self

    def __exit__(self, *_: object) -> None:
        for owner, name, original in reversed(self._originals):
            setattr(owner, name, original)
        self._originals.clear()
        for batches in self._collecting:
            batches.finish()
        self._collecting.clear()

    # --- what is wrapped

    def _patch(self) -> None:
        keras = sys.modules["keras"]
        for cls, name, wrapped in (
            (keras.Layer, "__init__", self._layer_made),
            (keras.Model, "compile", self._compile),
            (keras.Model, "fit", self._fit),
            (keras.Model, "train_on_batch", self._train_on_batch),
        ):
            # where it is defined, or else it would look to Keras like one that a user has overridden
            owner = next(one for one in cls.__mro__ if name in vars(one))
            original = vars(owner)[name]
            self._originals.append((owner, name, original))
            setattr(owner, name, _wrapper(original, wrapped))

    def _layer_made(self, original: Callable[..., Any], layer: Any, *args: Any, **kwargs: Any) -> None:
        original(layer, *args, **kwargs)
        self._layers[layer] = _users_place(layer)

    def _compile(self, original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(model, *args, **kwargs)
        self._models[model] = _Seen(_users_place(model))
        return result

    def _fit(self, original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            bound = inspect.signature(original).bind(model, *args, **kwargs)
        except TypeError:  # Keras will say so
            return original(model, *args, **kwargs)
        given = bound.arguments
        seen = self._models.setdefault(model, _Seen())
        place = _users_place(model)
        if place not in seen.places and self._looks < _MOST_LOOKS:
            seen.places.add(place)
            self._looks += 1
            if isinstance(given.get("x"), types.GeneratorType):
                batches = _Batches(self, model, place, given)
                self._collecting.append(batches)
                given["x"] = passing(given["x"], batches.add)
            else:
                self._attempt("the rows", lambda: self._look_at_fit(model, place, given))
        given["callbacks"] = self._with_callback(model, seen, given.get("callbacks"))
        if self._max_steps is not None:
            self._limit_validation(given)
        seen.trained = True
        result = original(*bound.args, **bound.kwargs)
        self._end_if_enough()
        return result

    def _train_on_batch(self, original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            given = inspect.signature(original).bind(model, *args, **kwargs).arguments
        except TypeError:
            return original(model, *args, **kwargs)
        seen = self._models.setdefault(model, _Seen())
        if seen.batches is None:
            seen.batches = _Batches(self, model, _users_place(model), given)
            self._collecting.append(seen.batches)
        y = given.get("y")
        seen.batches.add((given.get("x"), y, given.get("sample_weight")) if y is not None else given.get("x"))
        self._begin_steps(model, seen)
        seen.trained = True
        result = original(model, *args, **kwargs)
        loss = result.get("loss") if isinstance(result, Mapping) else result
        self._step_taken(model, seen, loss[0] if isinstance(loss, list | tuple) else loss)
        self._end_if_enough()
        return result

    # --- looks

    def _look_at_fit(self, model: Any, place: Place, given: Mapping[str, Any]) -> None:
        x, y, weights = given.get("x"), given.get("y"), given.get("sample_weight")
        rows = rows_of(x, y, weights)
        if rows is None:
            return
        data, split = given.get("validation_data"), given.get("validation_split") or 0.0
        validation = None
        if data is not None:
            validation = rows_of(*data[:2]) if isinstance(data, list | tuple) else rows_of(data)
        elif split and rows.complete:
            rows, validation = _divided(rows, split)
        training = self._training(model, place, given, rows)
        training.validation, training.validation_is_split = validation, data is None and bool(split)
        self._run((*checks.MODEL, *checks.ROWS), training)

    def _training(self, model: Any, place: Place, given: Mapping[str, Any], rows: Rows) -> Training:
        seen = self._models.setdefault(model, _Seen())
        x = given.get("x")
        per_epoch = given.get("steps_per_epoch") or 0
        if not per_epoch and x is not None and not is_arrays(x) and hasattr(x, "__len__"):
            per_epoch = len(x)
        first = Rows(rows.batches[0][0]) if rows.batches else None
        batch_size = len(first.inputs[0]) if first else int(given.get("batch_size") or 32)
        return Training(
            model,
            rows,
            shuffled=given.get("shuffle", True) is not False,
            batch_size=batch_size,
            weighted=rows.weights or given.get("class_weight") is not None,
            epochs=max(1, int(given.get("epochs", 1)) - int(given.get("initial_epoch", 0))),
            steps_per_epoch=int(per_epoch),
            trained_before=seen.trained,
            called_at=place,
            compiled_at=seen.compiled_at,
            place_of=lambda layer: self._layers.get(layer, seen.compiled_at),
        )

    def _run(self, looks: Iterable[checks.Check], training: Training) -> None:
        for check in looks:
            self._attempt(check.__name__, lambda check=check: self._add(check(training)))  # type: ignore[misc]

    def _attempt(self, name: str, look: Callable[[], None]) -> None:
        """Look without harm: a program that trains is to train under an observer as well."""
        try:
            look()
        except Exception as error:  # noqa: BLE001  models, losses and data are the user's, and may do anything
            self.failed.append(f"{name}: {type(error).__name__}: {last_line(str(error))}")

    def _add(self, mistakes: Iterable[Mistake]) -> None:
        for mistake in mistakes:
            self._found.setdefault((mistake.kind, mistake.path, mistake.line), mistake)

    # --- steps

    def _with_callback(self, model: Any, seen: _Seen, callbacks: Any) -> Any:
        keras = sys.modules["keras"]
        observer = self

        class Steps(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
            """A look at the first steps of a `fit`, which also ends it."""

            def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
                """Note the weights."""
                observer._begin_steps(model, seen)

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
                """Count the step."""
                observer._step_taken(model, seen, (logs or {}).get("loss"))
                if observer._enough():
                    observer.altered = True
                    model.stop_training = True

        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(Steps())
            return callbacks
        given = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []
        return [*given, Steps()]

    def _begin_steps(self, model: Any, seen: _Seen) -> None:
        if self._watch is not None:
            self._watch.begin()

        def begin() -> None:
            seen.first_steps = FirstSteps(model, seen.compiled_at)

        if seen.first_steps is None and model.built:
            self._attempt("the first steps", begin)

    def _step_taken(self, model: Any, seen: _Seen, loss: Any) -> None:
        self.steps += 1
        steps = seen.first_steps
        if steps is not None and not steps.over and loss is not None:
            self._attempt("the first steps", lambda: self._add(steps.after(model, loss)))

    def _enough(self) -> bool:
        if self._watch is not None and self._watch.is_late():
            return True
        return self._max_steps is not None and self.steps >= self._max_steps

    def _end_if_enough(self) -> None:
        if self._then is not None and self._enough():
            self._then()

    def _limit_validation(self, given: dict[str, Any]) -> None:
        data = given.get("validation_data")
        if isinstance(data, list | tuple) and data and is_arrays(data[0]) and not given.get("validation_steps"):
            size = given.get("validation_batch_size") or given.get("batch_size") or 32
            steps = max(1, self._max_steps or 1)
            rows = rows_of(data[0])
            if rows is not None and len(rows.inputs[0]) > steps * size:
                given["validation_steps"] = steps


class _Seen:
    """The things known of a model since it was compiled."""

    def __init__(self, compiled_at: Place = Place()) -> None:  # noqa: B008  a value
        self.compiled_at = compiled_at
        self.places: set[Place] = set()
        self.trained = False
        self.batches: _Batches | None = None
        self.first_steps: FirstSteps | None = None


class _Batches:
    """The first batches of a program that makes them itself: looked at once at the first, and all together later."""

    def __init__(self, observer: KerasObserver, model: Any, place: Place, given: Mapping[str, Any]) -> None:
        self._observer, self._model, self._place = observer, model, place
        self._given = {name: value for name, value in given.items() if name not in ("x", "y", "self")}
        self._by_batch = "epochs" not in given and "steps_per_epoch" not in given and not _is_fit(given)
        self._kept: list[tuple[Any, Any, bool]] = []
        self._over = False

    def add(self, batch: Any) -> None:
        """Look at a batch as it passes."""
        if not self._over:
            self._observer._attempt("a batch", lambda: self._keep(batch))  # noqa: SLF001

    def _keep(self, batch: Any) -> None:
        kept = unpacked(batch)
        if kept is None:
            return
        self._kept.append(kept)
        if len(self._kept) == 1:
            self._look(checks.MODEL)
        if len(self._kept) == MOST_BATCHES:
            self.finish()

    def finish(self) -> None:
        """Look at all batches that were kept."""
        if not self._over and self._kept:
            self._over = True
            self._observer._attempt("the batches", lambda: self._look(checks.ROWS))  # noqa: SLF001

    def _look(self, looks: Iterable[checks.Check]) -> None:
        rows = of_batches(self._kept, complete=False)
        if rows is not None:
            training = self._observer._training(self._model, self._place, self._given, rows)  # noqa: SLF001
            training.by_batch = self._by_batch
            self._observer._run(looks, training)  # noqa: SLF001


def _is_fit(given: Mapping[str, Any]) -> bool:
    return isinstance(given.get("x"), types.GeneratorType)


def _divided(rows: Rows, share: float) -> tuple[Rows, Rows]:
    """Return the rows as Keras divides them for `validation_split`: the last are for validation."""
    n = math.floor(len(rows.inputs[0]) * (1.0 - share))
    tree = sys.modules["keras"].tree
    halves = []
    for part in (slice(None, n), slice(n, None)):
        x, y = (
            None if one is None else tree.map_structure(lambda a, part=part: a[part], one) for one in (rows.x, rows.y)
        )
        halves.append(Rows(x, y, rows.weights))
    return halves[0], halves[1]


def _wrapper(original: Callable[..., Any], wrapped: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return wrapped(original, self, *args, **kwargs)

    # Keras writes configurations by the arguments of constructors, and reads them in a way that ignores __wrapped__
    call.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return call


def _users_place(made: Any) -> Place:
    """Return the innermost place in the call stack that is the user's, and no method of the object that is made."""
    keras = str(Path(sys.modules["keras"].__file__ or "").parent)
    frame = sys._getframe(1)  # noqa: SLF001  as `warnings` does
    innermost: Place | None = None
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith((keras, _HERE)):
            innermost = innermost or Place(path, frame.f_lineno)
            mine = frame.f_code.co_varnames[:1] and frame.f_locals.get(frame.f_code.co_varnames[0]) is made
            if "site-packages" not in path and not path.startswith("<") and not mine:
                return Place(path, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return innermost or Place()
