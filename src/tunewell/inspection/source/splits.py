"""The preparation of rows and their splits, whatever the framework."""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import (
    Program,
    argument,
    constant,
    is_self_attribute,
    keyword,
    line,
    method,
    text,
)
from tunewell.inspection.source.torch_calls import loss_calls

_HELD_BACK = re.compile(r"(^|_)(test|val|valid|validation|dev|te|vl|va)($|_)|^[xXyY](test|val|valid|te|v)$|(Test|Val)$")
_TRAINING = re.compile(r"(^|_)(train|training|tr)($|_)|^[xXyY](train|tr)$|Train$")


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _names_in(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def fitted_to_held_back(program: Program) -> Iterator[Mistake]:
    """Find a scaler or an encoder that is fitted to held-back rows as well as to training rows."""
    fits = [
        (call, call.func.value)
        for call in program.calls()
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("fit_transform", "fit") and call.args
    ]
    for call, owner in fits:
        rows = call.args[0]
        if not _is_side(program, rows, _HELD_BACK) or _is_side(program, rows, _TRAINING):
            continue
        if method(call) == "fit" and not _is_preprocessor(program, owner):
            continue
        others = [
            (one, its_owner)
            for one, its_owner in fits
            if program.function(one) is program.function(call)
            and _is_side(program, one.args[0], _TRAINING)
            and _same_kind(program, its_owner, owner)
        ]
        if others:
            fitted, fitted_owner = others[0]
            yield program.mistake(
                "splits-prepared-differently",
                call,
                (
                    f"{text(call)} on line {line(call)} fits to held-back rows what was fitted to training rows on "
                    f"line {line(fitted)}: both are prepared by different numbers"
                ),
                f"write {text(fitted_owner)}.transform({text(rows)})",
            )


def _is_side(program: Program, rows: ast.expr, side: re.Pattern[str]) -> bool:
    """Return True if rows are of the training, or held back, by their names or by their places in a split."""
    for name in (one for one in ast.walk(rows) if isinstance(one, ast.Name)):
        if side.search(name.id):
            return True
        for bound in program.values(name):
            is_split = program.called(bound.value).endswith("train_test_split") and bound.position is not None
            if is_split and (bound.position in (1, 3, 5)) == (side is _HELD_BACK):
                return True
    return False


def _maker(program: Program, owner: ast.AST | None) -> str:
    if method(owner or ast.Pass()) in ("fit", "set_output") and isinstance(owner, ast.Call):
        return _maker(program, owner.func.value if isinstance(owner.func, ast.Attribute) else None)
    if isinstance(owner, ast.Call):
        return program.called(owner)
    if isinstance(owner, ast.Name):
        made = {_maker(program, one.value) for one in program.values(owner)}
        return made.pop() if len(made) == 1 else ""
    return ""


def _is_preprocessor(program: Program, owner: ast.AST | None) -> bool:
    return _maker(program, owner).startswith(("sklearn.preprocessing", "sklearn.decomposition", "sklearn.impute"))


def _same_kind(program: Program, one: ast.AST, other: ast.AST | None) -> bool:
    if other is None:
        return False
    if isinstance(one, ast.Name) and isinstance(other, ast.Name) and one.id == other.id:
        return True
    made = _maker(program, one)
    return bool(made) and made == _maker(program, other)


def fitted_to_each(program: Program) -> Iterator[Mistake]:
    """Find a comprehension that fits a scaler to each split: `[scaler.fit_transform(x) for x in (x_train, x_test)]`."""
    for node in program.nodes:
        if not isinstance(node, ast.ListComp | ast.GeneratorExp) or len(node.generators) != 1:
            continue
        loop, fit = node.generators[0], node.elt
        splits = [_name(one) for one in getattr(loop.iter, "elts", [])]
        owner = fit.func.value if isinstance(fit, ast.Call) and isinstance(fit.func, ast.Attribute) else None
        both = any(map(_TRAINING.search, splits)) and any(map(_HELD_BACK.search, splits))
        if not both or method(fit) != "fit_transform" or not _is_preprocessor(program, owner) or owner is None:
            continue
        if isinstance(fit, ast.Call) and fit.args and text(fit.args[0]) == text(loop.target):
            yield program.mistake(
                "splits-prepared-differently",
                fit,
                f"{text(fit)} on line {line(fit)} is fitted anew to each of {', '.join(splits)}",
                f"fit it to the training rows alone, and write {text(owner)}.transform(...) for each",
            )


def normalized_in_one(program: Program) -> Iterator[Mistake]:
    """Find image transforms that normalize the training rows only, or the held-back rows only."""
    composed: dict[str, ast.Call] = {}
    for node in program.nodes:
        pairs: list[tuple[str, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [(_name(target), node.value) for target in node.targets]
        elif isinstance(node, ast.Dict):
            pairs = [
                (str(constant(key)), value)
                for key, value in zip(node.keys, node.values, strict=True)
                if key is not None
            ]
        for name, value in pairs:
            if isinstance(value, ast.Call) and program.called(value).endswith("transforms.Compose"):
                side = "train" if _TRAINING.search(name) else "val" if _HELD_BACK.search(name) else ""
                if side:
                    composed.setdefault(side, value)
    if len(composed) < 2:
        return
    has = {
        side: any(program.called(one).endswith("Normalize") for one in ast.walk(call))
        for side, call in composed.items()
    }
    if has["train"] != has["val"]:
        with_it, without = ("train", "val") if has["train"] else ("val", "train")
        yield program.mistake(
            "splits-prepared-differently",
            composed[without],
            f"the transform of line {line(composed[with_it])} normalizes, that of line "
            f"{line(composed[without])} does not",
            "normalize both by the same mean and standard deviation",
        )


def rescaled_in_one(program: Program) -> Iterator[Mistake]:
    """Find generators of images that rescale the training rows only, or the held-back rows only."""
    made: dict[str, ast.Call] = {}
    for node in program.nodes:
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Call) and program.called(value).endswith("image.ImageDataGenerator"):
            name = _name(node.targets[0]) if isinstance(node, ast.Assign) else ""
            made.setdefault("train" if _TRAINING.search(name) else "val" if _HELD_BACK.search(name) else "", value)
    train, val = made.get("train"), made.get("val")
    scales = [one is not None and any(keyword(one, name) is not None for name in _RESCALING) for one in (train, val)]
    if train is not None and val is not None and scales[0] != scales[1]:
        with_it, without = (train, val) if scales[0] else (val, train)
        yield program.mistake(
            "splits-prepared-differently",
            without,
            f"the images of line {line(with_it)} are rescaled, those of line {line(without)} are not",
            "rescale both alike: the same rescale or preprocessing_function",
        )


_RESCALING = ("rescale", "preprocessing_function", "featurewise_center", "samplewise_center")
_BARE = ("x", "X")
_SCALING = ("transform", "fit_transform")


def scaled_in_one(program: Program) -> Iterator[Mistake]:
    """Find training inputs that are scaled while the held-back inputs of the same name are not."""
    scaled: dict[str, ast.AST] = {}
    known: dict[str, ast.AST] = {}
    for node in program.nodes:
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in (one for whole in targets for one in ast.walk(whole)):
                if _name(target):
                    known.setdefault(_name(target), node)
                    if _scales(program, node, _name(target)):
                        scaled.setdefault(_name(target), node)
    looped = {name for node in program.nodes if isinstance(node, ast.For) for name in _names_in(node.iter)}
    for name, statement in scaled.items():
        side = _TRAINING.search(name)
        if (side is None and name not in _BARE) or name[:1] not in "xX":
            continue
        for other, first in known.items():
            is_sibling = (
                other[:1] == name[:1] and _HELD_BACK.search(other) and _without_side(other) == _without_side(name)
            )
            if not is_sibling or other in scaled or other in looped or _is_derived(program, other, first, scaled):
                continue
            if _is_used_elsewhere(program, other, first):
                yield program.mistake(
                    "splits-prepared-differently",
                    statement,
                    f"{name} is scaled on line {line(statement)}, and {other} is not",
                    f"do the same to {other}",
                )


def one_slice_scaled(program: Program) -> Iterator[Mistake]:
    """Find rows of which one part is scaled, `scaler.fit_transform(X[:n])`, and another, `X[n:]`, is used as it is."""
    for call in program.calls():
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        part = call.args[0] if method(call) == "fit_transform" and call.args else None
        rows = _sliced(part)
        if part is None or owner is None or not rows or not _is_preprocessor(program, owner):
            continue
        scope = program.scope(call)
        others = [one for one in ast.walk(scope) if _sliced(one) == rows and one is not part]
        bare = [one for one in others if line(one) > line(call) and not _is_handed_to_a_transform(program, one)]
        if bare and len(bare) == len(others):
            yield program.mistake(
                "splits-prepared-differently",
                bare[0],
                f"{text(part)} is scaled on line {line(call)}, and {text(bare[0])} on line {line(bare[0])} is not",
                f"write {text(owner)}.transform({text(bare[0])})",
            )


def _sliced(node: ast.AST | None) -> str:
    """Return `X` of `X[:n]`; "" of anything else."""
    is_slice = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)
    return _name(node.value) if is_slice and isinstance(node, ast.Subscript) else ""


def _is_handed_to_a_transform(program: Program, rows: ast.AST) -> bool:
    """Return True if rows go through a call that may prepare them, or are given a name, which may be prepared later."""
    for one in program.ancestors(rows):
        if isinstance(one, ast.Call) and not program.called(one).startswith(
            ("torch.", "numpy.", "jax.numpy.", "float")
        ):
            return True
        if isinstance(one, ast.Assign):
            name = _name(one.targets[0])
            return not name or any(
                name in _names_in(call) for call in program.calls() if method(call) in _SCALING or "scale" in text(call)
            )
        if isinstance(one, ast.stmt):
            return True
    return True


def _without_side(name: str) -> str:
    if name in _BARE:
        return f"{name.lower()}*"
    return re.sub(r"(train|training|test|validation|valid|val|dev|tr|te|va|v)", "*", name.lower())


def _scales(program: Program, node: ast.Assign | ast.AugAssign, name: str) -> bool:
    """Return True for `x = x / 255`, `x /= 255`, `x = scaler.transform(x)` and the like."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Div | ast.Sub)
    if isinstance(node.value, ast.Tuple):
        targets = node.targets[0]
        values = node.value.elts if isinstance(targets, ast.Tuple) and len(targets.elts) == len(node.value.elts) else []
        pairs = zip(targets.elts, values, strict=True) if isinstance(targets, ast.Tuple) and values else ()
        return any(_name(target) == name and _is_scaling(program, value, name) for target, value in pairs)
    return _is_scaling(program, node.value, name)


def _is_scaling(program: Program, value: ast.expr, name: str) -> bool:
    for one in ast.walk(value):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div) and name in _names_in(one.left):
            return True
        if method(one) in _SCALING and isinstance(one, ast.Call) and one.args and _same_side(one.args[0], name):
            owner = one.func.value if isinstance(one.func, ast.Attribute) else None
            made = _maker(program, owner)
            if made.rpartition(".")[2] in (
                "StandardScaler",
                "MinMaxScaler",
                "RobustScaler",
                "MaxAbsScaler",
                "Normalizer",
            ):
                return True
    return False


def _same_side(rows: ast.expr, name: str) -> bool:
    """Return True if rows are the ones of a name, or are those of a split: `x_tr = scaler.transform(X[train])`."""
    names = _names_in(rows)
    return name in names or any(_TRAINING.search(one) or _HELD_BACK.search(one) for one in names)


def _is_derived(program: Program, name: str, first: ast.AST, scaled: dict[str, ast.AST]) -> bool:
    """Return True if rows are made from what was scaled already, or by a function that may scale them."""
    del program
    value = getattr(first, "value", None)
    if value is None:
        return True
    used = _names_in(value)
    if any(one in scaled and line(scaled[one]) < line(first) for one in used):
        return True
    return name in used


def _is_used_elsewhere(program: Program, name: str, first: ast.AST) -> bool:
    """Return True if the rows are handed on as they are, and not by a function that may scale them first."""
    del first
    uses = [
        node
        for node in program.nodes
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    ]
    for use in uses:
        statement = next((one for one in program.ancestors(use) if isinstance(one, ast.stmt)), None)
        called = (
            [program.called(one) or method(one) for one in ast.walk(statement) if isinstance(one, ast.Call)]
            if statement
            else []
        )
        if any(
            re.search(r"normal|scale|standard|preprocess|prepare|transform|rescale", one, re.IGNORECASE)
            for one in called
        ):
            return False
        if statement is not None and any(_is_divided(one, name) for one in ast.walk(statement)):
            return False
    return any(
        isinstance(parent := program.parent(use), ast.Call | ast.Tuple | ast.keyword | ast.List) and parent is not None
        for use in uses
    )


def _is_divided(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and name in _names_in(node.left)


def held_back_in_training(program: Program) -> Iterator[Mistake]:
    """Find training rows that are given as validation rows."""
    for call in program.calls():
        given = keyword(call, "validation_data")
        rows = argument(call, 0, "x")
        is_pair = method(call) == "fit" and isinstance(given, ast.Tuple) and len(given.elts) >= 2
        if is_pair and isinstance(rows, ast.Name) and text(rows) == text(_whole(given.elts[0])):  # type: ignore[union-attr]
            yield _same_rows(program, given, text(rows), "validation_data")  # type: ignore[arg-type]
    made = (call for call in program.calls() if program.called(call).endswith("utils.data.DataLoader"))
    loaders = [(_purpose(program, call), call) for call in made]
    training = {
        text(call.args[0])
        for name, call in loaders
        if _TRAINING.search(name) and call.args and isinstance(call.args[0], ast.Name)
    }
    trained = [
        call.args[0]
        for name, call in loaders
        if _TRAINING.search(name) and call.args and keyword(call, "sampler") is None
    ]
    for name, call in loaders:
        given = argument(call, 0, "dataset")
        plain = keyword(call, "sampler") is None and keyword(call, "batch_sampler") is None
        if (
            plain
            and given is not None
            and _HELD_BACK.search(name)
            and not _TRAINING.search(name)
            and (text(given) in training or any(_is_part_of(program, given, one) for one in trained))
        ):
            yield _same_rows(program, call, text(given), name)


def _is_part_of(program: Program, rows: ast.expr, trained: ast.expr) -> bool:
    """Return True for a `Subset` of the data set that is trained on, whole."""
    parts, wholes = program.origins(rows), program.origins(trained)
    part = parts[0] if len(parts) == 1 else None
    if not isinstance(part, ast.Call) or not program.called(part).endswith("utils.data.Subset") or not part.args:
        return False
    return len(wholes) == 1 and isinstance(wholes[0], ast.Call) and program.origins(part.args[0]) == wholes


def slice_of_training(program: Program) -> Iterator[Mistake]:
    """Find held-back rows that are a slice of rows within the slice that is trained on: `x[:800]` and `x[:200]`."""
    slices: dict[str, tuple[ast.AST, ast.Subscript, float, float]] = {}
    for node in program.nodes:
        for target, value in _assigned(node):
            bounds = _bounds(program, value)
            if bounds is not None and isinstance(target, ast.Name) and isinstance(value, ast.Subscript):
                slices[target.id] = (node, value, *bounds)
    for name, (_, trained, first, end) in slices.items():
        if not _TRAINING.search(name):
            continue
        for other, (node, held, begins, ends) in slices.items():
            same = text(held.value) == text(trained.value) and program.scope(held) is program.scope(trained)
            if same and _HELD_BACK.search(other) and not _TRAINING.search(other) and first <= begins and ends <= end:
                yield program.mistake(
                    "validation-rows-in-training",
                    node,
                    f"{other} is {text(held)}, and {name} is {text(trained)}: all of it is trained on",
                    f"take rows that {name} does not have",
                )


def _bounds(program: Program, rows: ast.expr) -> tuple[float, float] | None:
    """Return the first row of a slice, and where it ends, if both are written there as numbers from 0 on."""
    part = rows.slice if isinstance(rows, ast.Subscript) and isinstance(rows.value, ast.Name) else None
    if not isinstance(part, ast.Slice) or part.step is not None:
        return None
    first = 0.0 if part.lower is None else program.number(part.lower)
    end = math.inf if part.upper is None else program.number(part.upper)
    return None if first is None or end is None or first < 0 or end < 0 else (first, end)


def _whole(rows: ast.expr) -> ast.expr:
    """Return `x` of `x[300:]`."""
    return rows.value if isinstance(rows, ast.Subscript) and isinstance(rows.slice, ast.Slice) else rows


def _purpose(program: Program, made: ast.Call) -> str:
    """Return the name that an object is given where it is made: by an assignment, or by what it is passed to."""
    parent = program.parent(made)
    if isinstance(parent, ast.Assign):
        return _name(parent.targets[0])
    if isinstance(parent, ast.keyword):
        return parent.arg or ""
    return program.parameter_of(parent, made) if isinstance(parent, ast.Call) else ""


def _same_rows(program: Program, at: ast.AST, rows: str, of: str) -> Mistake:
    return program.mistake(
        "validation-rows-in-training",
        at,
        f"{rows} is what is trained on, and {of} on line {line(at)} is made of it too",
        "keep rows back that the network is not trained on, and give these",
    )


def shuffled_apart(program: Program) -> Iterator[Mistake]:
    """Find rows and labels that are shuffled one by one, and so no longer belong together."""
    blocks = (getattr(node, "body", None) for node in program.nodes)
    for block in (one for one in blocks if isinstance(one, list)):
        before: tuple[ast.Call, str] | None = None
        for statement in block:
            call = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
            if (
                isinstance(call, ast.Call)
                and method(call) in ("shuffle", "permutation")
                and call.args
                and _name(call.args[0])
            ):
                shuffles = program.called(call) in (
                    "numpy.random.shuffle",
                    "random.shuffle",
                    "numpy.random.permutation",
                ) or bool(re.search(r"rng|random|generator", ast.unparse(call.func), re.IGNORECASE))
                name = _name(call.args[0])
                paired = before is not None and (
                    _belong_together(before[1], name) or _are_loaded_together(program, before[0], call)
                )
                if shuffles and before is not None and paired:
                    yield program.mistake(
                        "labels-shuffled-apart",
                        call,
                        (
                            f"{before[1]} is shuffled on line {line(before[0])} and {name} by another draw on "
                            f"line {line(call)}"
                            ": rows no longer stand beside their own labels"
                        ),
                        f"draw one order: order = rng.permutation(len({before[1]})); take both by it",
                    )
                before = (call, name) if shuffles else None
            elif isinstance(call, ast.Call) and method(call) in ("seed", "setstate", "set_state", "manual_seed"):
                before = None  # the same order again


def _are_loaded_together(program: Program, one: ast.Call, other: ast.Call) -> bool:
    """Return True for the rows and labels that a data set of scikit-learn's gives."""
    names = [call.args[0] for call in (one, other)]
    found = [program.value(name) if isinstance(name, ast.Name) else None for name in names]
    if any(bound is None or bound.position not in (0, 1) for bound in found):
        return False
    first, second = (bound for bound in found if bound is not None)
    made = program.called(first.value)
    return first.at is second.at and first.position != second.position and made.startswith("sklearn.datasets.")


def shuffled_alone(program: Program) -> Iterator[Mistake]:
    """Find rows that are put into a new order, and labels beside them that are not, or by another draw."""
    for call in program.calls():
        statement = program.parent(call)
        shuffled = _name(call.args[0]) if call.args else ""
        if _is_shuffle(program, call) and shuffled and isinstance(statement, ast.Expr):
            partner = _used_beside(program, statement, shuffled)
            anew = partner and _is_made_of(program, statement, partner, shuffled)
            if partner and not anew and partner not in _shuffled(program):
                yield _apart(program, call, shuffled, partner, "and not")
    for node in program.nodes:
        parts = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        taken = [one for one in parts if isinstance(one, ast.Subscript)]
        for one, other in itertools.pairwise(taken):
            names = [_name(part) for part in (_rows(one), _rows(other))]
            draws = [sum(_is_drawn(program, inner) for inner in ast.walk(part)) for part in (one, other)]
            if any(draws) and _belong_together(*names):
                yield _apart(program, other, names[0], names[1], "apart from")
    yield from _reordered_alone(program)
    yield from _ordered_and_not(program)
    for _, loss, _ in loss_calls(program):
        labels = loss.args[1] if len(loss.args) > 1 else None
        drawn = (
            [one for one in ast.walk(labels or loss) if isinstance(one, ast.Subscript)] if labels is not None else []
        )
        if any(_is_drawn(program, part) for one in drawn for part in ast.walk(one.slice)) and labels is not None:
            yield program.mistake(
                "labels-shuffled-apart",
                labels,
                f"{text(labels)} on line {line(labels)} are labels in an order that is drawn there, for them alone",
                "draw one order, and take rows and labels by it",
            )


def _ordered_and_not(program: Program) -> Iterator[Mistake]:
    """Find rows that are handed on by a drawn order, and labels beside them that are a slice of what was not drawn."""
    reordered = set(_names_reordered(program))
    for node in program.nodes:
        parts = node.elts if isinstance(node, ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        taken = [one for one in map(_unwrapped, parts) if isinstance(one, ast.Subscript)]
        if len(taken) != 2 or (isinstance(node, ast.Tuple) and len(parts) != 2):
            continue
        for one, other in (taken, taken[::-1]):
            is_slice = isinstance(other.slice, ast.Slice) and (other.slice.lower or other.slice.upper) is not None
            apart = is_slice and not isinstance(one.slice, ast.Slice) and _is_by_order(program, one.slice)
            kept = text(other.value) not in reordered
            if apart and kept and _belong_together(_last(one.value), _last(other.value)):
                yield _apart(program, other, text(one.value), text(other.value), "and not")


def _names_reordered(program: Program) -> Iterator[str]:
    """Yield what is given another order, or may be: what is made of itself, of a draw, or anew in a loop."""
    for node in program.nodes:
        for target, value in _assigned(node):
            drawn = any(_is_drawn(program, one) or method(one) in _ORDERING for one in ast.walk(value))
            by_order = isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Slice)
            itself = text(target) in _names_in(value)
            if drawn or by_order or itself or program.loops(node):
                yield from _names_in(target) or [text(target)]


def _reordered_alone(program: Program) -> Iterator[Mistake]:
    """Find rows that are put into an order drawn for them, `x = x[permutation(n)]`, beside labels that are not."""
    for node in program.nodes:
        name = _reordered(program, node) if isinstance(node, ast.Assign) else ""
        if not name or not isinstance(node, ast.Assign):
            continue
        scope = program.scope(node)
        after = [one for one in ast.walk(scope) if line(one) > line(node)]
        for call in (one for one in after if isinstance(one, ast.Call)):
            given = [_name(_whole(one)) for one in call.args]
            is_pair = program.called(call).rpartition(".")[2] in _OF_ROWS or method(call) == "fit"
            if not is_pair or len(given) < 2 or name not in given:
                continue
            partner = next((one for one in given if one and one != name), "")
            made = [
                statement
                for statement in ast.walk(scope)
                if isinstance(statement, ast.Assign) and partner in [_name(one) for one in statement.targets]
            ]
            as_it_was = bool(made) and all(line(one) < line(node) and not _reordered(program, one) for one in made)
            if partner and as_it_was:
                yield _apart(program, node, name, partner, "and not")
                break


def _is_shuffle(program: Program, call: ast.Call) -> bool:
    """Return True for a shuffle in place, by NumPy, by a generator of its, or by Python."""
    if method(call) != "shuffle" or not isinstance(call.func, ast.Attribute):
        return False
    if program.called(call) in ("numpy.random.shuffle", "random.shuffle"):
        return True
    makers = ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random")
    return all(program.called(one) in makers for one in program.origins(call.func.value))


def _unwrapped(node: ast.expr) -> ast.expr:
    """Return `x[i]` of `torch.from_numpy(x[i])`."""
    while isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        node = node.args[0]
    return node


def _last(node: ast.expr) -> str:
    return node.attr if is_self_attribute(node) and isinstance(node, ast.Attribute) else _name(node)


def _is_by_order(program: Program, index: ast.expr) -> bool:
    """Return True for a drawn order, and for a part of one: `order[i : i + 32]`."""
    found = program.origins(index)
    inner = [program.origins(one.value) if isinstance(one, ast.Subscript) else [one] for one in found]
    return all(_is_drawn(program, one) for ones in inner for one in ones)


_ORDERING = ("shuffle", "permutation", "take", "index_select", "sample")
_OF_ROWS = ("TensorDataset", "train_test_split", "ArrayDataset")


def shuffled_by_two_draws(program: Program) -> Iterator[Mistake]:
    """Find rows and labels that are each taken in an order drawn for them: `X = X[permutation(n)]`, then `y` so."""
    for call in program.calls():
        if program.called(call).rpartition(".")[2] in _OF_ROWS:
            drawn = [one for one in call.args if any(_is_drawn(program, part) for part in ast.walk(one))]
            if len(drawn) > 1:
                yield _apart(program, drawn[1], text(drawn[0]), text(drawn[1]), "apart from")
    for block in (body for node in program.nodes if isinstance(body := getattr(node, "body", None), list)):
        before: list[str] = []
        for statement in block:
            name = _reordered(program, statement)
            labels = next((one for one in before if _belong_together(one, name)), "") if name else ""
            if labels:
                yield _apart(program, statement, labels, name, "apart from")
            before += [name] if name else []


def _reordered(program: Program, statement: ast.stmt) -> str:
    """Return `x` of `x = x[permutation(len(x))]`; "" of any other statement."""
    taken = statement.value if isinstance(statement, ast.Assign) else None
    if not isinstance(statement, ast.Assign) or not isinstance(taken, ast.Subscript):
        return ""
    name = _name(statement.targets[0])
    is_own = _name(taken.value) == name and _is_drawn(program, taken.slice)
    return name if is_own else ""


def _rows(taken: ast.Subscript) -> ast.expr:
    """Return `y` of `y[order]`, and of `permutation(y)[order]`."""
    inner = taken.value
    return inner.args[0] if isinstance(inner, ast.Call) and inner.args else inner


def _is_drawn(program: Program, node: ast.AST) -> bool:
    names = ("numpy.random.permutation", "torch.randperm", "jax.random.permutation")
    return program.called(node) in names or method(node) == "permutation"


def _shuffled(program: Program) -> set[str]:
    return {_name(call.args[0]) for call in program.calls() if method(call) == "shuffle" and call.args}


def _used_beside(program: Program, statement: ast.stmt, name: str) -> str:
    """Return the labels, made before a statement, that are used beside the rows of this name after it."""
    scope = program.scope(statement)
    before = {
        one.id
        for one in ast.walk(scope)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store) and line(one) < line(statement)
    }
    for node in ast.walk(scope):
        if isinstance(node, ast.Tuple | ast.Call) and line(node) > line(statement):
            parts = node.elts if isinstance(node, ast.Tuple) else node.args
            names = [_name(_whole(one)) for one in parts]
            labels = [one for one in names if one in before and _belong_together(name, one)]
            if name in names and labels:
                return labels[0]
    return ""


def _is_made_of(program: Program, statement: ast.stmt, partner: str, shuffled: str) -> bool:
    """Return True if the partner is made anew after a statement, of what was shuffled there."""
    after = (one for one in ast.walk(program.scope(statement)) if line(one) > line(statement))
    return any(
        any(partner in _names_in(target) and shuffled in _names_in(value) for target, value in _assigned(one))
        or (isinstance(one, ast.For) and shuffled in _names_in(one.iter) and partner in _names_in(one))
        for one in after
    )


def _assigned(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each target of an assignment with its value, those of `x, y = a, b` one by one."""
    for target in node.targets if isinstance(node, ast.Assign) else []:
        assert isinstance(node, ast.Assign)
        given = node.value
        if isinstance(target, ast.Tuple) and isinstance(given, ast.Tuple) and len(target.elts) == len(given.elts):
            yield from zip(target.elts, given.elts, strict=True)
        else:
            yield target, given


def _apart(program: Program, at: ast.AST, rows: str, labels: str, how: str) -> Mistake:
    return program.mistake(
        "labels-shuffled-apart",
        at,
        f"{rows} is shuffled {how} {labels} on line {line(at)}: rows no longer stand beside their own labels",
        f"draw one order: order = rng.permutation(len({rows})); take both by it",
    )


def _belong_together(one: str, other: str) -> bool:
    pattern = re.compile(r"^(x|X|features?|data|images?|inputs?|texts?)(_|\d|$|train|test)")
    labels = re.compile(r"^(y|Y|labels?|targets?|classes)(_|\d|$|train|test)")
    return bool((pattern.match(one) and labels.match(other)) or (labels.match(one) and pattern.match(other)))
