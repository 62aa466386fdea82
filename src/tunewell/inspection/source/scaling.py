"""The scaling of rows: fitted to what is held back, or done on one side of a split alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tunewell.inspection.mistakes import Mistake
from tunewell.inspection.source.program import (
    Program,
    constant,
    keyword,
    line,
    method,
    text,
)
from tunewell.inspection.source.rows import HELD_BACK, TRAINING, name_of, names_in


def fitted_to_held_back(program: Program) -> Iterator[Mistake]:
    """Find a scaler or an encoder that is fitted to held-back rows as well as to training rows."""
    fits = [
        (call, call.func.value)
        for call in program.calls()
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("fit_transform", "fit") and call.args
    ]
    for call, owner in fits:
        rows = call.args[0]
        if not _is_side(program, rows, HELD_BACK) or _is_side(program, rows, TRAINING):
            continue
        if method(call) == "fit" and not _is_preprocessor(program, owner):
            continue
        others = [
            (one, its_owner)
            for one, its_owner in fits
            if program.function(one) is program.function(call)
            and _is_side(program, one.args[0], TRAINING)
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
            if is_split and (bound.position in (1, 3, 5)) == (side is HELD_BACK):
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
        splits = [name_of(one) for one in getattr(loop.iter, "elts", [])]
        owner = fit.func.value if isinstance(fit, ast.Call) and isinstance(fit.func, ast.Attribute) else None
        both = any(map(TRAINING.search, splits)) and any(map(HELD_BACK.search, splits))
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
            pairs = [(name_of(target), node.value) for target in node.targets]
        elif isinstance(node, ast.Dict):
            pairs = [
                (str(constant(key)), value)
                for key, value in zip(node.keys, node.values, strict=True)
                if key is not None
            ]
        for name, value in pairs:
            if isinstance(value, ast.Call) and program.called(value).endswith("transforms.Compose"):
                side = "train" if TRAINING.search(name) else "val" if HELD_BACK.search(name) else ""
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
            name = name_of(node.targets[0]) if isinstance(node, ast.Assign) else ""
            made.setdefault("train" if TRAINING.search(name) else "val" if HELD_BACK.search(name) else "", value)
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
                if name_of(target):
                    known.setdefault(name_of(target), node)
                    if _scales(program, node, name_of(target)):
                        scaled.setdefault(name_of(target), node)
    looped = {name for node in program.nodes if isinstance(node, ast.For) for name in names_in(node.iter)}
    for name, statement in scaled.items():
        side = TRAINING.search(name)
        if (side is None and name not in _BARE) or name[:1] not in "xX":
            continue
        for other, first in known.items():
            is_sibling = (
                other[:1] == name[:1] and HELD_BACK.search(other) and _without_side(other) == _without_side(name)
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
    return name_of(node.value) if is_slice and isinstance(node, ast.Subscript) else ""


def _is_handed_to_a_transform(program: Program, rows: ast.AST) -> bool:
    """Return True if rows go through a call that may prepare them, or are given a name, which may be prepared later."""
    for one in program.ancestors(rows):
        if isinstance(one, ast.Call) and not program.called(one).startswith(
            ("torch.", "numpy.", "jax.numpy.", "float")
        ):
            return True
        if isinstance(one, ast.Assign):
            name = name_of(one.targets[0])
            return not name or any(
                name in names_in(call) for call in program.calls() if method(call) in _SCALING or "scale" in text(call)
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
        return any(name_of(target) == name and _is_scaling(program, value, name) for target, value in pairs)
    return _is_scaling(program, node.value, name)


def _is_scaling(program: Program, value: ast.expr, name: str) -> bool:
    for one in ast.walk(value):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div) and name in names_in(one.left):
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
    names = names_in(rows)
    return name in names or any(TRAINING.search(one) or HELD_BACK.search(one) for one in names)


def _is_derived(program: Program, name: str, first: ast.AST, scaled: dict[str, ast.AST]) -> bool:
    """Return True if rows are made from what was scaled already, or by a function that may scale them."""
    del program
    value = getattr(first, "value", None)
    if value is None:
        return True
    used = names_in(value)
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
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and name in names_in(node.left)
