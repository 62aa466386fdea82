"""Trainings in JAX: what is given to a loss of Optax, what becomes of gradients and states, and random keys."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import (
    Function,
    Loop,
    Program,
    argument,
    constant,
    keyword,
    line,
    method,
    text,
)

_WANT_LOGITS = {
    "optax.softmax_cross_entropy": "softmax",
    "optax.softmax_cross_entropy_with_integer_labels": "softmax",
    "optax.losses.softmax_cross_entropy": "softmax",
    "optax.losses.softmax_cross_entropy_with_integer_labels": "softmax",
    "optax.sigmoid_binary_cross_entropy": "sigmoid",
    "optax.losses.sigmoid_binary_cross_entropy": "sigmoid",
}
_ACTIVATIONS = ("softmax", "sigmoid", "relu", "tanh")
_LIBRARIES = ("jax.nn.", "flax.linen.", "flax.nnx.")
_DENSE = {
    "flax.linen.Dense": (0, "features"),
    "flax.nnx.Linear": (1, "out_features"),
    "haiku.Linear": (0, "output_size"),
}
_WITH_KERNEL = ("flax.linen.Dense", "flax.linen.Conv", "flax.nnx.Linear", "flax.nnx.Conv")
_LISTED = (ast.ListComp, ast.DictComp, ast.GeneratorExp)
_TRANSFORMS = ("jax.jit", "jax.vmap", "equinox.filter_jit", "equinox.filter_vmap", "flax.nnx.jit", "flax.nnx.vmap")
_DEPTH = 12
_GRADIENTS = (
    "jax.grad", "jax.value_and_grad", "flax.nnx.grad", "flax.nnx.value_and_grad", "equinox.filter_grad",
    "equinox.filter_value_and_grad",
)  # fmt: skip
_APPLIED = ("apply_updates", "apply_gradients")
_MAKES_KEY = ("jax.random.PRNGKey", "jax.random.key")
_TAKES_NO_DRAW = (
    *_MAKES_KEY,
    "jax.random.split",
    "jax.random.fold_in",
    "jax.random.wrap_key_data",
    "jax.random.key_data",
)


def activation_before_loss(program: Program) -> Iterator[Mistake]:
    """Find an activation before a loss of Optax, which wants logits, and a softmax over one unit."""
    for call in program.calls():
        own = _WANT_LOGITS.get(program.called(call))
        given = argument(call, 0, "logits") if own else None
        last = None if given is None else _last(program, given)
        if last is None or own is None:
            continue
        at = f"the outputs end with {text(last)} (line {line(last)})"
        loss = f"{text(call.func)} on line {line(call)}"
        if _activation(program, last):
            yield program.mistake(
                "logits-expected",
                last,
                f"{at}, and {loss} takes logits and applies its own {own}",
                f"leave out {text(last)}, and apply it only to what is shown or predicted",
            )
        elif own == "softmax" and _units(program, last) == 1:
            yield program.mistake(
                "softmax-over-one-unit",
                last,
                f"{at}, one unit, and {loss} is the cross entropy of a softmax over it, which is always 0",
                "give it a unit for each class, or use optax.sigmoid_binary_cross_entropy",
            )


def _last(program: Program, node: ast.expr, depth: int = 0) -> ast.Call | None:
    """Return the activation or the layer that an output comes from; None where the source does not tell."""
    if depth > _DEPTH:
        return None
    bound = program.value(node) if isinstance(node, ast.Name) else None
    if (
        bound is not None and bound.position is not None and isinstance(bound.value, ast.Call)
    ):  # out, state = apply(...)
        parts = [one for one in _computed(program, bound.value) if isinstance(one, ast.Tuple)]
        same = {id(last): last for one in parts for last in [_last(program, one.elts[bound.position], depth + 1)]}
        return same.popitem()[1] if len(same) == 1 else None
    found: list[ast.Call | None] = []
    for one in program.origins(node):
        if not isinstance(one, ast.Call):
            return None
        if _activation(program, one) or _units(program, one) is not None:
            found.append(one)
        elif method(one) in ("squeeze", "reshape", "astype", "ravel") and isinstance(one.func, ast.Attribute):
            found.append(_last(program, one.func.value, depth + 1))
        else:
            values = _computed(program, one)
            found += [_last(program, value, depth + 1) for value in values] or [None]
    return found[0] if len({id(one) for one in found}) == 1 else None


def _activation(program: Program, call: ast.Call) -> str:
    library, _, name = program.called(call).rpartition(".")
    return name if f"{library}." in _LIBRARIES and name in _ACTIVATIONS else ""


def _units(program: Program, call: ast.Call) -> int | None:
    """Return how many units there are, of `Dense(10)(x)` and of `self.out(x)`."""
    for made in program.origins(call.func):
        if isinstance(made, ast.Call) and program.called(made) in _DENSE:
            units = program.number(argument(made, *_DENSE[program.called(made)]))
            return -1 if units is None else int(units)
    return None


def _computed(program: Program, call: ast.Call) -> list[ast.expr]:
    """Return what a network gives: `model(x)`, `model.apply(params, x)`, `state.apply_fn(...)`, `vmap(model)(x)`."""
    of: ast.expr = call.func
    if isinstance(of, ast.Attribute) and of.attr == "apply":
        of = of.value
    elif isinstance(of, ast.Attribute) and of.attr == "apply_fn":
        named = [one for made in program.calls() if (one := keyword(made, "apply_fn")) is not None]
        owners = [one.value for one in named if isinstance(one, ast.Attribute) and one.attr == "apply"]
        if len(owners) != 1:
            return []
        of = owners[0]
    elif isinstance(of, ast.Call) and program.called(of) in _TRANSFORMS and of.args:
        of = of.args[0]
    kinds = {program.called(one) for one in program.origins(of)}
    owner = program.classes.get(kinds.pop()) if len(kinds) == 1 else None
    forward = [one for one in getattr(owner, "body", []) if isinstance(one, Function) and one.name == "__call__"]
    return program.results(forward[0]) if forward else []


def gradients_not_applied(program: Program) -> Iterator[Mistake]:
    """Find updates and states that are computed and thrown away: in JAX nothing is changed in place."""
    for node in program.nodes:
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and _gives_new_state(program, call):
            yield program.mistake(
                "no-step",
                call,
                f"{text(call)} on line {line(call)} returns the new parameters, and nothing takes them",
                f"write what it returns in place of the old: ... = {text(call)}",
            )
    yield from _state_dropped(program)
    updates = [call for call in program.calls() if _is_update(program, call)]
    names = {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in program.nodes}
    if updates and not names & {*_APPLIED, "tree_map", "map", "tree_multimap"}:
        yield program.mistake(
            "no-step",
            updates[0],
            f"{text(updates[0])} on line {line(updates[0])} computes updates, and nothing applies them",
            "write params = optax.apply_updates(params, updates) after it",
        )
    elif not updates:
        yield from _gradients_not_used(program)


def _state_dropped(program: Program) -> Iterator[Mistake]:
    """Find new parameters, or a state with them, that stand at the place of a `_`."""
    for node in program.nodes:
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if (
            not isinstance(node, ast.Assign)
            or not isinstance(node.value, ast.Call)
            or not isinstance(target, ast.Tuple)
        ):
            continue
        left_out = [i for i, one in enumerate(target.elts) if isinstance(one, ast.Name) and one.id == "_"]
        values = program.returned(node.value) if left_out and program.mentions("optax", "flax") else []
        parts = [one for one in values if isinstance(one, ast.Tuple) and len(one.elts) == len(target.elts)]
        if any(_is_new_state(program, one.elts[i]) for one in parts for i in left_out):
            yield program.mistake(
                "no-step",
                node,
                f"{text(node.value)} on line {line(node)} returns the new parameters, and `_` throws them away",
                "take them in place of the old: give them the name that the next step is called with",
            )


def _is_new_state(program: Program, part: ast.expr) -> bool:
    return any(
        isinstance(one, ast.Call) and method(one) in _APPLIED and _gives_new_state(program, one)
        for one in program.origins(part)
    )


def _gives_new_state(program: Program, call: ast.Call) -> bool:
    """Return True for `apply_updates`, `state.apply_gradients`, and a function that returns what they give."""
    if program.called(call) in ("optax.apply_updates", "equinox.apply_updates"):
        return True
    if method(call) == "apply_gradients":
        return program.mentions("flax") and keyword(call, "grads") is not None
    values = program.returned(call) if program.mentions("optax", "flax") else []
    parts = [part for one in values for part in (one.elts if isinstance(one, ast.Tuple) else [one])]
    return any(_is_new_state(program, part) for part in parts)


def _is_update(program: Program, call: ast.Call) -> bool:
    """Return True for `optimizer.update(grads, state)` of Optax."""
    if method(call) != "update" or not isinstance(call.func, ast.Attribute):
        return False
    made = [program.called(one) for one in program.origins(call.func.value)]
    by_name = program.mentions("optax") and text(call.func.value) in ("tx", "optim", "optimizer", "optimiser", "opt")
    return any(one.startswith("optax.") for one in made) or (by_name and not any(made))


def _gradients_not_used(program: Program) -> Iterator[Mistake]:
    """Find gradients that are computed and never read."""
    for node in program.nodes:
        made = node.value if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) else None
        if made is None or not isinstance(node, ast.Assign):
            continue
        kinds = {program.called(one) for one in program.origins(made.func)}
        if not kinds or not kinds <= set(_GRADIENTS):
            continue
        target = node.targets[0]
        if "value_and" in kinds.copy().pop() and isinstance(target, ast.Tuple):
            target = target.elts[-1]
        read = [
            one
            for one in ast.walk(program.scope(node))
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and text(one) == text(target)
        ]
        if isinstance(target, ast.Name) and not read:
            yield program.mistake(
                "no-step",
                node,
                f"{target.id}, the gradients of line {line(node)}, are used nowhere",
                "change the parameters by them, and go on with the changed ones",
            )


def state_not_kept(program: Program) -> Iterator[Mistake]:
    """Find an optimizer's state that its update returns and nobody takes to the next step."""
    for call in program.calls():
        parent = program.parent(call)
        if not _is_update(program, call) or not isinstance(parent, ast.Assign):
            continue
        target = parent.targets[0]
        state = target.elts[1] if isinstance(target, ast.Tuple) and len(target.elts) == 2 else None
        if isinstance(state, ast.Name) and (state.id == "_" or not _is_read(program, state)):
            yield program.mistake(
                "optimizer-state-lost",
                call,
                f"the state that {text(call)} on line {line(call)} returns, {state.id}, is used nowhere",
                "return it, and give it to the next update in place of the old one",
            )


def _is_read(program: Program, name: ast.Name) -> bool:
    """Return True if a name is read in its function after it was given a value, or by the next turn of its loop."""
    looped = bool(program.loops(name))
    return any(
        isinstance(one, ast.Name)
        and one.id == name.id
        and isinstance(one.ctx, ast.Load)
        and (looped or line(one) > line(name) or program.scope(one) is not program.scope(name))
        for one in ast.walk(program.scope(name))
    )


def statistics_dropped(program: Program) -> Iterator[Mistake]:
    """Find statistics of batch normalization that a step returns beside its loss, and nobody takes to the next step."""
    changed = {
        name for call in program.calls() if keyword(call, "mutable") is not None for name in _second(program, call)
    }
    for node in program.nodes:
        outer = node.targets[0] if isinstance(node, ast.Assign) else None
        inner = outer.elts[0] if isinstance(outer, ast.Tuple) and outer.elts else None
        if not isinstance(node, ast.Assign) or not isinstance(inner, ast.Tuple) or len(inner.elts) < 2:
            continue
        beside = [one for one in ast.walk(inner.elts[1]) if isinstance(one, ast.Name) and one.id in changed]
        for one in beside:
            scope = program.scope(node)
            uses = (use for use in program.nodes if isinstance(use, ast.Name) and isinstance(use.ctx, ast.Load))
            if not any(use.id == one.id and line(use) > line(node) and program.scope(use) is scope for use in uses):
                yield program.mistake(
                    "statistics-frozen",
                    node,
                    f"{one.id} on line {line(node)} has the new statistics of batch normalization, and is used nowhere",
                    "return it, and give it to the next step and to the evaluation in place of the old ones",
                )


def _second(program: Program, call: ast.Call) -> Iterator[str]:
    """Yield the name that the second result of a call is given: `updates` of `logits, updates = apply(...)`."""
    parent = program.parent(call)
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    if isinstance(target, ast.Tuple) and len(target.elts) == 2 and isinstance(target.elts[1], ast.Name):
        yield target.elts[1].id


def keys_reused(program: Program) -> Iterator[Mistake]:
    """Find a random key that each turn of a loop draws from anew: the draws are all the same."""
    for call in program.calls():
        drawn = _key_drawn_from(program, call)
        if drawn is None:
            continue
        loop = next((one for one in program.loops(call) if isinstance(one, Loop)), None)
        if loop is not None and _is_the_same_each_turn(program, drawn, loop):
            yield program.mistake(
                "random-key-reused",
                call,
                f"{text(call)} draws from {text(drawn)}, which is the same key in each turn of the loop of line "
                f"{line(loop)}",
                "split it in the loop: key, subkey = jax.random.split(key), and draw from subkey",
            )


def key_of_all_steps(program: Program) -> Iterator[Mistake]:
    """Find a key that each turn of a loop hands to a training step, which draws from it as it is."""
    for call in program.calls():
        step = program.functions.get(program.called(call))
        loop = next(iter(program.loops(call)), None)
        if step is None or loop is None or not any(program.called(one) in _GRADIENTS for one in program.calls(step)):
            continue
        stored = {one.id for one in ast.walk(step) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        drawn = {
            text(one) for inner in program.calls(step) if isinstance(one := _key_drawn_from(program, inner), ast.Name)
        }
        for given in call.args:
            if program.parameter_of(call, given) in drawn - stored and _is_the_same_each_turn(program, given, loop):
                yield program.mistake(
                    "random-key-reused",
                    call,
                    f"{text(call)} draws from {text(given)}, which is the same key in each turn of the loop of line "
                    f"{line(loop)}",
                    "split it in the loop: key, subkey = jax.random.split(key), and hand on subkey",
                )


def key_of_all_draws(program: Program) -> Iterator[Mistake]:
    """Find a list of draws, such as the weights of all layers, that are all from one key."""
    for call in program.calls():
        drawn = _key_drawn_from(program, call)
        listed = next((one for one in program.ancestors(call) if isinstance(one, _LISTED)), None)
        if listed is None or not isinstance(drawn, ast.Name):
            continue
        bound = {one.id for part in listed.generators for one in ast.walk(part.target) if isinstance(one, ast.Name)}
        taken = [one for one in program.ancestors(call) if isinstance(one, ast.Lambda | Function)][:1]
        inner = any(one is not program.function(listed) for one in taken)
        if drawn.id not in bound and not inner:
            yield program.mistake(
                "random-key-reused",
                call,
                f"{text(call)} draws from {drawn.id}, which is the same key for each element of the list of line "
                f"{line(listed)}",
                f"draw from a key each: for key, ... in zip(jax.random.split({drawn.id}, n), ...)",
            )


def key_handed_through(program: Program) -> Iterator[Mistake]:
    """Find a step that draws from the key it is given, and returns that very key for the next step."""
    for function in (node for node in program.nodes if isinstance(node, Function)):
        returned = {name for value in program.results(function) for name in _handed_on(value)}
        for call in (one for one in program.calls(function) if program.function(one) is function):
            for key in _keys_used_up(program, call):
                bound = program.values(key)
                given = all(isinstance(one.value, ast.Name) and one.position is not None for one in bound)
                taken = [one.arg for one in function.args.args]
                unpacked = bound and given and all(getattr(one.value, "id", "") in taken for one in bound)
                if key.id in returned and (unpacked or (key.id in taken and not _is_stored(function, key.id))):
                    yield program.mistake(
                        "random-key-reused",
                        call,
                        f"{text(call)} draws from {key.id}, and {function.name}() returns the same {key.id} for the "
                        "next step",
                        f"split it: {key.id}, subkey = jax.random.split({key.id}), and draw from subkey",
                    )
                    break


def _handed_on(value: ast.expr) -> Iterator[str]:
    """Yield the names that are returned as they are, by themselves or in tuples."""
    if isinstance(value, ast.Name):
        yield value.id
    for one in getattr(value, "elts", []):
        yield from _handed_on(one)


def _is_stored(function: Function, name: str) -> bool:
    return any(
        isinstance(one, ast.Name) and one.id == name and isinstance(one.ctx, ast.Store) for one in ast.walk(function)
    )


def _keys_used_up(program: Program, call: ast.Call) -> Iterator[ast.Name]:
    """Yield the keys that a call draws from: by itself, or in a function of the program that it hands them to."""
    drawn = _key_drawn_from(program, call)
    if isinstance(drawn, ast.Name):
        yield drawn
    of = call.func
    if isinstance(of, ast.Call) and program.called(of) in (*_GRADIENTS, *_TRANSFORMS) and of.args:
        of = of.args[0]
    step = program.functions.get(of.id) if isinstance(of, ast.Name) else None
    if step is None or program.function(call) is step:
        return
    names = [one.arg for one in step.args.args]
    used = {text(one) for inner in program.calls(step) if (one := _key_drawn_from(program, inner)) is not None}
    for name, given in zip(names, call.args, strict=False):
        if isinstance(given, ast.Name) and name in used and not _is_stored(step, name):
            yield given


def key_of_a_state(program: Program) -> Iterator[Mistake]:
    """Find a training step that draws from a key of its state, which nothing ever changes."""
    for call in program.calls():
        drawn = _key_drawn_from(program, call)
        keys = [] if drawn is None else program.origins(drawn)
        key = keys[0] if len(keys) == 1 else None
        function = program.function(call)
        if not isinstance(key, ast.Attribute) or not isinstance(key.value, ast.Name) or function is None:
            continue
        outer = [one for one in (function, *program.ancestors(function)) if isinstance(one, Function)]
        is_given = any(key.value.id == one.arg for around in outer for one in around.args.args)
        takes_gradients = any(program.called(one) in _GRADIENTS for around in outer for one in program.calls(around))
        changed = any(keyword(one, key.attr) is not None and method(one) == "replace" for one in program.calls())
        stored = any(
            isinstance(one, ast.Attribute) and one.attr == key.attr and isinstance(one.ctx, ast.Store)
            for one in program.nodes
        )
        if is_given and key.value.id != "self" and takes_gradients and not changed and not stored:
            yield program.mistake(
                "random-key-reused",
                call,
                f"{text(call)} draws from {text(key)}, and no step changes it",
                f"draw from another each step: jax.random.fold_in({text(key)}, {key.value.id}.step)",
            )


def zeros_by_hand(program: Program) -> Iterator[Mistake]:
    """Find a function that makes layers by hand, their weights as zeros; of several layers, not all are the last."""
    for function in program.functions.values():
        calls = [one for one in program.calls() if program.called(one) == function.name]
        listed = any(program.loops(one) or _is_in_list(program, one) for one in calls)
        if len(calls) < 2 and not listed:
            continue
        for value in program.results(function):
            parts = value.values if isinstance(value, ast.Dict) else value.elts if isinstance(value, ast.Tuple) else []
            zeros = [one for one in parts if _zeros_of(program, one) == 2]
            drawn = any(program.called(one).startswith("jax.random.") for one in program.calls(function))
            if zeros and not drawn and program.mentions("jax"):
                yield program.mistake(
                    "zero-weights",
                    zeros[0],
                    f"{text(zeros[0])} is the weights of each layer that {function.name}() makes: all units are alike",
                    "draw them at random: jax.random.normal(key, shape) / jnp.sqrt(fan_in), a key for each layer",
                )


def _is_in_list(program: Program, node: ast.AST) -> bool:
    return any(isinstance(one, _LISTED) for one in program.ancestors(node))


def _zeros_of(program: Program, node: ast.expr) -> int:
    """Return how many axes zeros have, as far as their shape is written there; 0 for anything else."""
    if program.called(node) not in ("jax.numpy.zeros", "numpy.zeros") or not isinstance(node, ast.Call):
        return 0
    shape = argument(node, 0, "shape")
    return len(shape.elts) if isinstance(shape, ast.Tuple | ast.List) else 1


def equal_kernels(program: Program) -> Iterator[Mistake]:
    """Find hidden layers of Flax whose weights all begin with the same value."""
    made = [call for call in program.calls() if program.called(call) in _WITH_KERNEL]
    for call in sorted(made, key=line)[:-1]:
        given = keyword(call, "kernel_init")
        name = (program.called(given) or program.name(given)) if given is not None else ""
        if "initializers." in name and name.rpartition(".")[2] in (
            "zeros",
            "zeros_init",
            "ones",
            "ones_init",
            "constant",
        ):
            yield program.mistake(
                "zero-weights",
                call,
                f"{text(call)} begins with weights that are all the same, so that its units stay alike",
                "leave kernel_init out, or draw at random: nn.initializers.he_normal()",
            )


def _key_drawn_from(program: Program, call: ast.Call) -> ast.expr | None:
    """Return the key of a draw, or of the dropout of a network."""
    name = program.called(call)
    if name.startswith("jax.random.") and name not in _TAKES_NO_DRAW:
        return argument(call, 0, "key")
    rngs = keyword(call, "rngs")
    if isinstance(rngs, ast.Dict) and method(call) in ("apply", "apply_fn") and rngs.values:
        return rngs.values[0]
    return None


def _is_the_same_each_turn(program: Program, key: ast.expr, loop: Loop) -> bool:
    if isinstance(key, ast.Call):
        return program.called(key) in _MAKES_KEY and isinstance(constant(argument(key, 0, "seed")), int)
    if not isinstance(key, ast.Name):
        return False
    inside = [node for part in loop.body for node in ast.walk(part)]
    stored = [*inside, *ast.walk(loop.target if isinstance(loop, ast.For | ast.AsyncFor) else loop.test)]
    changes = any(isinstance(one, ast.Name) and one.id == key.id and isinstance(one.ctx, ast.Store) for one in stored)
    made = [] if changes else program.values(key)
    return bool(made) and all(program.called(one.value) in (*_MAKES_KEY, "jax.random.split") for one in made)
