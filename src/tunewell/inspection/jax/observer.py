"""A look at each training step of JAX in this process, while the observer is active.

What a step computes is inside compiled code. So the functions that make gradients, and Optax's losses, are wrapped:
they compute what they would, and hand some numbers out by `jax.debug.callback`.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from tunewell.inspection.jax import findings, origin
from tunewell.inspection.jax.likelihood import raw_likelihood_in
from tunewell.inspection.jax.shapes import are_broadcast, broadcast_in
from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.observing import ImportWatch, SeenEnough, Stopwatch
from tunewell.inspection.places import Place, calling_place, is_users

_LOSSES = ("softmax_cross_entropy", "softmax_cross_entropy_with_integer_labels", "sigmoid_binary_cross_entropy")
_ERRORS = ("l2_loss", "squared_error", "huber_loss", "log_cosh")
_MOST_NUMBERS = 2**20  # of a batch that is handed out


class JaxObserver:
    """A context in which gradients, Optax's losses and random draws are looked at; see `Observer`."""

    def __init__(self, *, max_steps: int, timeout_s: float) -> None:
        """Make an observer; JAX has to be imported before."""
        self.steps: int = 0
        self.altered: bool = False
        self._max_steps, self._watch = max_steps, Stopwatch(timeout_s)
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._settled = False
        self._found: dict[tuple[str, Place], Mistake] = {}
        self._gradients: dict[Place, findings.Gradients] = {}
        self._losses: dict[tuple[str, Place], findings.Losses] = {}
        self._keys: dict[tuple[Place, int], tuple[Place, list[bytes]]] = {}
        self._draws = 0
        self._looked_at: set[Place] = set()
        self._inside: Place | None = None
        """Where gradients are being traced, if they are."""
        self._stack = contextlib.ExitStack()

    @property
    def mistakes(self) -> list[Mistake]:
        """The mistakes that were found so far."""
        with self._lock:
            found = list(self._found.values())
            found += [one for gradients in self._gradients.values() for one in gradients.placed()]
            found += [one for losses in self._losses.values() for one in losses.placed()]
            return found + list(findings.keys_reused(self._keys))

    def __enter__(self) -> Self:
        self._replace(jax, "grad", functools.partial(self._wrapped, has_value=False))
        self._replace(jax, "value_and_grad", functools.partial(self._wrapped, has_value=True))
        self._replace(jax.random, "bernoulli", self._drawing)
        if "optax" in sys.modules:
            self._look_at_optax("optax")
        else:
            self._stack.enter_context(ImportWatch(["optax"], self._look_at_optax))
        return self

    def settle(self) -> None:
        """Wait for the last steps; an end that was on its way comes while this waits, or not at all."""
        with contextlib.suppress(SeenEnough):
            jax.effects_barrier()
        with contextlib.suppress(SeenEnough):
            with self._lock:
                self._settled = True
            # what was sent before arrives between two steps of the interpreter: here, or it is called back
            _raise_in(self._thread, None)

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _replace(self, owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, wrap(original))
        self._stack.callback(setattr, owner, name, original)

    def _look_at_optax(self, _: str) -> None:
        optax = sys.modules["optax"]
        for name in (*_LOSSES, *_ERRORS):
            if hasattr(optax, name):
                self._replace(optax, name, functools.partial(self._loss, name))

    # --- gradients

    def _wrapped(self, original: Any, *, has_value: bool) -> Any:
        @functools.wraps(original)
        def transform(fun: Any, *args: Any, **kwargs: Any) -> Any:
            caller = sys._getframe(1).f_code.co_filename  # noqa: SLF001
            made = original(fun, *args, **kwargs)
            of_others = kwargs.get("argnums", args[0] if args else 0) != 0
            if of_others or not (is_users(caller) or "/flax/" in caller.replace("\\", "/")):
                return made  # a library's own, such as Keras's, which has an observer
            has_aux = bool(kwargs.get("has_aux", False))

            @functools.wraps(made)
            def call(parameters: Any, *others: Any, **named: Any) -> Any:
                if is_users(caller):  # NNX's own functions take states from a queue, and can be called but once
                    self._look_at_shapes(fun, parameters, others, named)
                return self._called(made, parameters, others, named, has_value=has_value, has_aux=has_aux)

            return call

        return transform

    def _look_at_shapes(self, fun: Any, parameters: Any, others: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Look at the shapes inside a loss, once for each place that takes its gradient."""
        place = calling_place()
        if place in self._looked_at or self._inside is not None:
            return
        self._looked_at.add(place)
        with contextlib.suppress(Exception):  # arguments that cannot be traced: the program may do with them
            arrays = [one for one in others if not callable(one)]

            def of_arrays(parameters: Any, *arrays: Any) -> Any:
                rest = iter(arrays)  # a function stays what it is
                return fun(parameters, *(one if callable(one) else next(rest) for one in others), **named)

            traced = jax.make_jaxpr(of_arrays)(parameters, *arrays)
            n_learned = len(jax.tree.leaves(parameters))
            shapes = broadcast_in(traced.jaxpr, n_learned)
            if shapes is not None:
                self._add(findings.broadcast(*shapes, place))
            raw = raw_likelihood_in(traced.jaxpr, n_learned)
            if raw is not None:
                self._add(findings.raw_likelihood(raw, place))

    def _called(
        self,
        made: Any,
        parameters: Any,
        others: tuple[Any, ...],
        named: dict[str, Any],
        *,
        has_value: bool,
        has_aux: bool,
    ) -> Any:
        place = calling_place()
        outer, self._inside, self._draws = self._inside, place, 0
        try:
            result = made(parameters, *others, **named)
        finally:
            self._inside = outer
        leaves = [leaf for leaf in jax.tree.leaves((parameters, others)) if hasattr(leaf, "shape")]
        if outer is not None or any("Batch" in type(leaf).__name__ for leaf in leaves):
            return result  # gradients of gradients, or of each row by itself
        if has_value:
            loss, gradients = (result[0][0] if has_aux else result[0]), result[1]
        else:
            loss, gradients = None, (result[0] if has_aux else result)
        numbers, norms = _sums(parameters), _norms(gradients)
        value = jnp.zeros(()) if loss is None else jnp.asarray(loss, jnp.float32)
        if numbers.size and numbers.shape == norms.shape:
            jax.debug.callback(functools.partial(self._step, place), numbers, norms, value)
        with contextlib.suppress(Exception):  # arguments that cannot be traced, as above: then no origin is told
            self._keep_if_broken(made, parameters, others, named, _are_finite(norms, value), place)
        pair = _rows(others, named)
        if pair is not None:
            jax.debug.callback(functools.partial(self._batch, place), *pair)
        return result

    def _keep_if_broken(
        self, made: Any, parameters: Any, others: tuple[Any, ...], named: dict[str, Any], sound: Any, place: Place
    ) -> None:
        """Hand out the numbers of a step in which some are not finite, and how it is computed."""
        if not isinstance(sound, jax.core.Tracer) and bool(sound):
            return
        jaxpr, names, values = origin.traced(made, parameters, others, named)
        plain, keys = origin.without_keys(values)

        def keep(sound: Any, *numbers: Any) -> None:
            with self._lock:
                at = self._gradients.setdefault(place, findings.Gradients(place))
                if not sound:
                    at.keep(origin.Step(jaxpr, names, keys, [np.array(one) for one in numbers]))

        jax.lax.cond(sound, lambda *_: None, lambda *args: jax.debug.callback(keep, *args), sound, *plain)

    def _step(self, place: Place, numbers: Any, norms: Any, loss: Any) -> None:
        with self._lock:
            self._watch.begin()
            self.steps += 1
            at = self._gradients.setdefault(place, findings.Gradients(place))
            at.add(np.array(numbers), np.array(norms), float(loss))
            if not self.altered and (self.steps >= self._max_steps or self._watch.is_late()):
                self.altered = True
                # an exception in a callback would be the compiled code's; this one is raised where the program is
                timer = threading.Timer(0.05, self._end)
                timer.daemon = True
                timer.start()

    def _end(self) -> None:
        with self._lock:
            if not self._settled:
                _raise_in(self._thread, SeenEnough)

    def _batch(self, place: Place, inputs: Any, labels: Any = None) -> None:
        with self._lock:
            at = self._gradients.setdefault(place, findings.Gradients(place))
            at.add_rows(np.asarray(inputs), None if labels is None else np.asarray(labels))

    # --- losses

    def _loss(self, name: str, original: Any) -> Any:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            given = [*args, *kwargs.values()][:2]
            if len(given) == 2 and self._inside is not None and all(hasattr(one, "shape") for one in given):
                self._look_at_loss(name, *given)
            return original(*args, **kwargs)

        return call

    def _look_at_loss(self, name: str, outputs: Any, labels: Any) -> None:
        place = calling_place()
        if name in _ERRORS or name.startswith("sigmoid"):
            if are_broadcast(outputs.shape, labels.shape):
                self._add(findings.broadcast(outputs.shape, labels.shape, place))
        elif outputs.ndim and outputs.shape[-1] == 1:
            seen = f"optax.{name} takes a softmax over the single unit of outputs of shape {outputs.shape}"
            mend = "optax.sigmoid_binary_cross_entropy for one unit, or a unit for each class"
            self._add(Mistake("softmax-over-one-unit", seen, mend, place.path, place.line))
        if name in _LOSSES and outputs.size <= _MOST_NUMBERS:
            key = (name, place)
            classes = int(outputs.shape[-1]) if outputs.ndim else 0
            with self._lock:
                losses = self._losses.setdefault(key, findings.Losses(name, place, classes))

            def note(outputs: Any, labels: Any) -> None:
                with self._lock:
                    losses.add(np.asarray(outputs, np.float64), np.asarray(labels))

            jax.debug.callback(note, jax.lax.stop_gradient(outputs), jax.lax.stop_gradient(labels))

    def _add(self, mistake: Mistake) -> None:
        with self._lock:
            self._found.setdefault((mistake.kind, Place(mistake.path, mistake.line)), mistake)

    # --- random draws

    def _drawing(self, original: Any) -> Any:
        @functools.wraps(original)
        def draw(key: Any, *args: Any, **kwargs: Any) -> Any:
            if self._inside is not None and hasattr(key, "dtype"):
                self._draws += 1
                place = (self._inside, self._draws)
                is_key = jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
                jax.debug.callback(functools.partial(self._drawn, place), jax.random.key_data(key) if is_key else key)
            return original(key, *args, **kwargs)

        return draw

    def _drawn(self, at: tuple[Place, int], key: Any) -> None:
        with self._lock:
            self._keys.setdefault(at, (at[0], []))[1].append(np.asarray(key).tobytes())


def _raise_in(thread: int, exception: type[BaseException] | None) -> None:
    """Raise an exception in a thread between two steps of its interpreter; with None, call back one not yet raised."""
    what = None if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)


def _floats(tree: Any) -> list[Any]:
    leaves = [leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype")]
    return [leaf for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating) and leaf.size]


def _sums(parameters: Any) -> Any:
    """Return for each array two numbers that change when it does."""
    leaves = _floats(parameters)
    if not leaves:
        return jnp.zeros(0)
    sums = [jnp.stack([leaf.astype(jnp.float32).sum(), jnp.square(leaf.astype(jnp.float32)).sum()]) for leaf in leaves]
    return jnp.concatenate(sums)


def _norms(gradients: Any) -> Any:
    leaves = _floats(gradients)
    if not leaves:
        return jnp.zeros(0)
    return jnp.repeat(jnp.stack([jnp.linalg.norm(leaf.astype(jnp.float32).ravel()) for leaf in leaves]), 2)


def _are_finite(norms: Any, loss: Any) -> Any:
    return jnp.isfinite(norms).all() & jnp.isfinite(loss).all()


def _rows(others: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...] | None:
    """Return the batch that a loss is given: inputs, and labels if they are classes."""
    leaves = [leaf for leaf in jax.tree.leaves((others, named)) if getattr(leaf, "ndim", 0) >= 1]
    leaves = [leaf for leaf in leaves if not jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)]
    wide = [leaf for leaf in leaves if leaf.ndim >= 2 and jnp.issubdtype(leaf.dtype, jnp.floating) and len(leaf) > 1]
    if len(wide) > 1 and wide[1].shape[0] == wide[0].shape[0]:
        wide = wide[:1]  # one-hot labels, or targets
    if len(wide) != 1 or wide[0].size > _MOST_NUMBERS:
        return None
    inputs = wide[0]
    labels = [leaf for leaf in leaves if leaf.shape == inputs.shape[:1] and jnp.issubdtype(leaf.dtype, jnp.integer)]
    return (inputs, labels[0]) if len(labels) == 1 else (inputs,)
