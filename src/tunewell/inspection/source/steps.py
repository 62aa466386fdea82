"""The steps of a PyTorch training loop: backward, step, reset, schedule, and the modes of the network."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

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
from tunewell.inspection.source.torch_calls import is_optimizer, loss_calls

_BATCHES = re.compile(r"loader|batch|\bdl\b|_dl\b|split\(|dataset|generator", re.IGNORECASE)
_LONG = 300
"""A schedule that is counted in epochs has no more of them; a larger number counts steps."""


def _is_backward(node: ast.AST) -> bool:
    return method(node) in ("backward", "manual_backward")


def _is_step(program: Program, node: ast.AST) -> bool:
    """Return True for the step of an optimizer, by itself or through a gradient scaler."""
    if method(node) != "step" or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    made = _made(program, owner)
    if made.startswith("torch.optim.lr_scheduler."):
        return False
    if made.startswith("torch.optim.") or made.endswith("GradScaler"):
        return True
    return bool(re.search(r"optim|^opt|^scaler|trainer$", _last_name(owner), re.IGNORECASE))


def _resets(node: ast.AST) -> bool:
    """Return True for what resets gradients, however it is written."""
    if isinstance(node, ast.Attribute) and node.attr == "zero_grad":  # to name it without a call is another mistake
        return True
    if method(node) in ("zero_", "fill_") and ".grad" in ast.unparse(node):
        return True
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = node.targets
    return any(isinstance(one, ast.Attribute) and one.attr == "grad" for one in targets)


def _moves_by_hand(node: ast.AST) -> bool:
    """Return True for what changes weights by their gradients without an optimizer: `p -= rate * p.grad`."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub):
        parts = [node.value]
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        parts = [node.value.right] if isinstance(node.value.op, ast.Sub) else []
    elif isinstance(node, ast.Call) and method(node) in ("add_", "sub_", "addcdiv_", "copy_"):
        parts = node.args
    return any(_is_of_gradient(part) for part in parts)


def _is_of_gradient(node: ast.expr) -> bool:
    """Return True for a gradient, by itself or in a product or quotient, and not for a number that describes it."""
    if isinstance(node, ast.BinOp):
        return _is_of_gradient(node.left) or _is_of_gradient(node.right)
    if isinstance(node, ast.UnaryOp):
        return _is_of_gradient(node.operand)
    if isinstance(node, ast.Attribute):
        return node.attr == "grad" or (node.attr == "data" and _is_of_gradient(node.value))
    return False


def _made(program: Program, owner: ast.expr) -> str:
    """Return the name of what an object was made by; empty if it is not known."""
    names = {program.called(one) for one in program.origins(owner)}
    return names.pop() if len(names) == 1 else ""


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Subscript):  # `optimizers[i]`
        return _last_name(node.value)
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _step_loops(program: Program) -> Iterator[tuple[ast.AST, Loop]]:
    """Yield each step, an optimizer's or by hand, with the innermost loop that has a backward too."""
    for call in program.nodes:
        if _is_step(program, call) or _moves_by_hand(call):
            around = program.loops(call) or _calling_loops(program, call)
            inner = next((loop for loop in around if any(map(_is_backward, program.reached(loop)))), None)
            if inner is not None:
                yield call, inner


def _calling_loops(program: Program, node: ast.AST) -> list[Loop]:
    """Return the loops that call the function that a node stands in."""
    function = program.function(node)
    return [
        loop
        for loop in (one for one in program.nodes if isinstance(one, Loop))
        if function is not None and any(function is one for one in map(program.function, program.reached(loop)))
    ]


def gradients_not_reset(program: Program) -> Iterator[Mistake]:
    """Find loops of steps in which nothing resets the gradients."""
    anywhere = any(map(_resets, program.nodes))
    for call, loop in _step_loops(program):
        if any(_resets(node) for node in program.reached(loop)) or _is_meta(program):
            continue
        where = f"only outside the loop of line {line(loop)}" if anywhere else "nowhere"
        yield program.mistake(
            "gradients-not-reset",
            call,
            f"{text(call)} is in the loop of line {line(loop)}, with backward(), and gradients are reset {where}",
            f"call {_owner(call)}.zero_grad() in the loop, before backward()",
        )


def optimizer_in_loop(program: Program) -> Iterator[Mistake]:
    """Find an optimizer that is made anew for each batch, and forgets what it knows of the steps before."""
    for call in program.calls():
        kind = program.called(call).rpartition(".")[2]
        plain = kind == "SGD" and keyword(call, "momentum") is None
        loop = next(iter(program.loops(call)), None)
        if loop is None or plain or not is_optimizer(program, call):
            continue
        inside = [node for part in loop.body for node in ast.walk(part)]
        steps = [node for node in inside if _is_step(program, node) and program.loops(node)[:1] == [loop]]
        given = next((one for one in ast.walk(call) if method(one) == "parameters"), None)
        owner = given.func.value if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) else None
        made = {one.id for one in inside if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
        kept = isinstance(owner, ast.Name) and owner.id not in made
        restored = any(method(one) in ("load_state_dict", "deepcopy") for one in inside)  # each turn begins anew
        is_lost = steps and (_is_batch_loop(program, loop) or not restored)
        if kept and (is_lost or _is_made_each_epoch(program, call, loop)):
            yield program.mistake(
                "optimizer-state-lost",
                call,
                f"{text(call.func)} on line {line(call)} is made anew in each turn of the loop of line {line(loop)}",
                "make it once, before the loop",
            )


def _is_made_each_epoch(program: Program, call: ast.Call, loop: Loop) -> bool:
    """Return True if a loop over epochs makes an optimizer in each, always alike, for the loop of batches within."""
    if not isinstance(loop, ast.For) or "epoch" not in text(loop.target).lower():
        return False
    changed = {one.id for one in ast.walk(loop) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    is_alike = not any(isinstance(one, ast.Name) and one.id in changed for one in ast.walk(call))
    after = [node for part in loop.body for node in ast.walk(part) if getattr(node, "lineno", 0) > line(call)]
    stepped = any(_is_step(program, node) and program.loops(node)[1:2] == [loop] for node in after)
    return is_alike and stepped and program.parent(call) in loop.body


def _is_meta(program: Program) -> bool:
    """Return True if gradients are computed by other means too, so that this loop shows only a part of them."""
    return any(program.called(call) == "torch.autograd.grad" for call in program.calls())


def _owner(step: ast.AST) -> str:
    """Return what has the `zero_grad` of a step."""
    owner = step.func.value if isinstance(step, ast.Call) and isinstance(step.func, ast.Attribute) else None
    if owner is None or method(step) != "step":
        return "model"
    return "optimizer" if "scaler" in text(owner).lower() else text(owner)


def gradients_erased(program: Program) -> Iterator[Mistake]:
    """Find gradients that are reset after backward and before the step."""
    for block in _blocks(program):
        last: ast.AST | None = None
        """The reset that came after the newest backward."""
        seen_backward = _begins_with_steps(program, block)
        for statement in block:
            nodes = list(ast.walk(statement)) if isinstance(statement, ast.Expr | ast.Assign) else []
            if not nodes and any(_is_backward(node) or _resets(node) for node in ast.walk(statement)):
                seen_backward, last = False, None  # under a condition, or in a loop of its own
            for node in nodes:
                if _is_backward(node):
                    seen_backward, last = True, None
                elif seen_backward and method(node) == "zero_grad":
                    last = node
                elif last is not None and _is_step(program, node) and _same_owner(program, last, node):
                    yield program.mistake(
                        "gradients-erased",
                        last,
                        f"{text(last)} on line {line(last)} stands between backward() and {text(node)}",
                        "move it before backward()",
                    )
                    last = None


def _begins_with_steps(program: Program, block: list[ast.stmt]) -> bool:
    """Return True for what is done under a condition after a backward, and is nothing but resets and steps."""
    around = program.parent(block[0])
    loop = next(iter(program.loops(around)), None) if isinstance(around, ast.If) else None
    if loop is None or any(_is_backward(node) for statement in block for node in ast.walk(statement)):
        return False
    before = [one for one in map(_backward_line, ast.walk(loop)) if one]
    plain = all(
        isinstance(statement, ast.Expr) and method(statement.value) in ("zero_grad", "step") for statement in block
    )
    closed = any(isinstance(one, ast.Expr) and method(one.value) == "step" and one.value.args for one in block)  # type: ignore[attr-defined]
    return plain and not closed and any(one < line(block[0]) for one in before)


def _backward_line(node: ast.AST) -> int:
    return line(node) if _is_backward(node) else 0


def _same_owner(program: Program, reset: ast.AST, step: ast.AST) -> bool:
    """Return True if what a step uses is what was reset: of its own optimizer, or of the program's only one."""
    one, other = (getattr(getattr(node, "func", None), "value", None) for node in (reset, step))
    if one is None or other is None:
        return False
    optimizers = [call for call in program.calls() if is_optimizer(program, call)]
    return text(one) == text(other) or (len(optimizers) == 1 and not _made(program, one).startswith("torch.optim."))


def _blocks(program: Program) -> Iterator[list[ast.stmt]]:
    for node in program.nodes:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def nothing_moves(program: Program) -> Iterator[Mistake]:
    """Find methods that are named and not called, and trainings without a backward or a step."""
    for node in program.nodes:
        named = node.value if isinstance(node, ast.Expr) else None
        if isinstance(named, ast.Attribute) and named.attr in ("step", "backward", "zero_grad"):
            kind = "gradients-not-reset" if named.attr == "zero_grad" else "no-step"
            yield program.mistake(
                kind,
                named,
                f"{text(named)} is named and not called",
                f"write {text(named)}()",
            )
    optimizers = [call for call in program.calls() if is_optimizer(program, call)]
    backwards = [node for node in program.nodes if _is_backward(node)]
    elsewhere = _is_meta(program) or program.mentions(
        "pytorch_lightning", "lightning", "transformers", "accelerate", "ignite"
    )
    if not optimizers or elsewhere or program.path.endswith("_utils.py"):
        return
    if any(_is_part_of_other(program, node) for node in (*backwards, *optimizers)):
        return
    steps = [node for node in program.nodes if isinstance(node, ast.Attribute) and node.attr == "step"]
    moves = any(_is_step_name(program, node) for node in steps) or any(map(_moves_by_hand, program.nodes))
    if backwards and not moves and _is_trained_here(program):
        yield program.mistake(
            "no-step",
            backwards[0],
            f"{text(backwards[0])} on line {line(backwards[0])} computes gradients, and no step() uses them",
            "call optimizer.step() after backward()",
        )
    if steps and not backwards and _is_trained_here(program) and not _passes_on(program, optimizers):
        step = next((node for node in steps if _is_step_name(program, node)), None)
        if step is not None:
            yield program.mistake(
                "no-step",
                step,
                f"{text(step)}() on line {line(step)} steps, and nothing computes gradients: there is no backward()",
                "call loss.backward() before it",
            )


def _is_part_of_other(program: Program, node: ast.AST) -> bool:
    """Return True inside a class whose base is of another file, and may do the rest."""
    owner = program.class_of(node)
    bases = [] if owner is None else [program.name(base) for base in owner.bases]
    return any(base not in program.classes and base not in ("object", "torch.nn.Module") for base in bases)


def _is_step_name(program: Program, node: ast.Attribute) -> bool:
    """Return True for the `step` of what may be an optimizer: of no schedule, no environment, no class of the file."""
    made = _made(program, node.value)
    owner = program.classes.get(made)
    is_own = owner is not None and any(isinstance(one, Function) and one.name == "step" for one in owner.body)
    is_other = made.startswith("torch.optim.lr_scheduler.") or re.search(
        r"sched|env", _last_name(node.value), re.IGNORECASE
    )
    return not is_own and not is_other


def _passes_on(program: Program, optimizers: Iterable[ast.Call]) -> bool:
    """Return True if an optimizer is handed to code that is not in this file."""
    names = {
        target.id
        for call in optimizers
        if isinstance(parent := program.parent(call), ast.Assign)
        for target in parent.targets
        if isinstance(target, ast.Name)
    }
    for call in program.calls():
        given = [one for one in (*call.args, *(one.value for one in call.keywords)) if isinstance(one, ast.Name)]
        called = program.called(call)
        if (
            any(one.id in names for one in given)
            and not called.startswith("torch.")
            and called not in program.functions
        ):
            return True
    return False


def _is_trained_here(program: Program) -> bool:
    """Return True if a loss is computed in a loop of this file."""
    return any(program.loops(call) or program.function(call) for _, call, _ in loss_calls(program))


# --- schedules


def scheduler_per_batch(program: Program) -> Iterator[Mistake]:
    """Find a schedule that counts epochs and is stepped beside the optimizer, once a batch."""
    for call in program.calls():
        if method(call) != "step" or not isinstance(call.func, ast.Attribute):
            continue
        made = _schedule(program, call.func.value)
        if made is None or not _counts_epochs(program, made):
            continue
        loops = [one for one in program.loops(call) if not _goes_through(one, call.func.value)]
        own = loops[0] if loops else None
        if own is None or not _is_batch_loop(program, own):
            continue
        around = _branches(program, call, own)
        if any(
            _is_step(program, node) and _step_loop(program, node) is own and _branches(program, node, own) == around
            for node in program.calls(own)
        ):
            yield program.mistake(
                "scheduler-stepped-per-batch",
                call,
                f"{text(call)} is in the loop over batches (line {line(own)}), and {text(made)} counts epochs",
                "step it after that loop, once an epoch",
            )


def _goes_through(loop: Loop, element: ast.expr) -> bool:
    """Return True for `for schedule in schedules`."""
    return isinstance(loop, ast.For) and isinstance(element, ast.Name) and text(loop.target) == element.id


def _schedule(program: Program, owner: ast.expr) -> ast.Call | None:
    """Return how a schedule was made; of several, if all count epochs alike, the first."""
    made = program.origins(owner)
    first = made[0]
    known = all(program.called(one).startswith("torch.optim.lr_scheduler.") for one in made)
    alike = known and len({ast.dump(one) for one in made}) == 1
    return first if alike and isinstance(first, ast.Call) else None


def _counts_epochs(program: Program, made: ast.Call) -> bool:
    """Return True for a schedule whose numbers can only be meant as epochs."""
    kind = program.called(made).rpartition(".")[2]
    if kind == "StepLR":
        size = program.number(argument(made, 1, "step_size"))
        return size is not None and size <= _LONG
    if kind == "ExponentialLR":
        gamma = program.number(argument(made, 1, "gamma"))
        return gamma is not None and gamma < 0.999
    if kind == "MultiStepLR":
        milestones = argument(made, 1, "milestones")
        ends = [program.number(one) for one in getattr(milestones, "elts", [])]
        return bool(ends) and all(end is not None and end <= _LONG for end in ends)
    if kind == "CosineAnnealingLR":
        given = argument(made, 1, "T_max")
        if given is None or isinstance(given, ast.BinOp):
            return False
        named = "epoch" in text(given).lower()
        n = program.number(given)
        return named or (n is not None and n <= _LONG)
    if kind == "ReduceLROnPlateau":
        patience = program.number(argument(made, 3, "patience") or ast.Constant(10))
        return patience is not None and patience <= _LONG / 10
    return False


def _is_batch_loop(program: Program, loop: Loop) -> bool:
    """Return True for a loop over batches: it is inside another, or goes through what is called so."""
    if isinstance(loop, ast.For | ast.AsyncFor) and _BATCHES.search(ast.unparse(loop.iter)):
        return True
    return len(program.loops(loop)) > 0


def _step_loop(program: Program, node: ast.AST) -> Loop | None:
    return next(iter(program.loops(node)), None)


def _branches(program: Program, node: ast.AST, loop: Loop) -> list[ast.If]:
    """Return what decides whether a statement of a loop is run."""
    found: list[ast.If] = []
    for one in program.ancestors(node):
        if one is loop:
            break
        if isinstance(one, ast.If):
            found.append(one)
    return found


# --- modes


_MODAL = re.compile(
    r"^torch\.nn\.(Dropout\w*|AlphaDropout|(Lazy|Sync)?BatchNorm\w*|TransformerEncoder\w*|TransformerDecoder\w*|Transformer)$"
)


def _mode_matters(program: Program) -> str:
    """Return the layer that behaves otherwise in evaluation; empty if there is none."""
    for call in program.calls():
        name = program.called(call)
        if _MODAL.match(name):
            return name.rpartition(".")[2]
        if name.startswith("torchvision.models.") and name.count(".") == 2 and name.rpartition(".")[2][:1].islower():
            return name.rpartition(".")[2]
    return ""


def _sets_mode(node: ast.AST, *, training: bool) -> bool:
    called = method(node)
    given = constant(argument(node, 0, "mode")) if isinstance(node, ast.Call) else None
    if called == "train":
        return given is None and not (isinstance(node, ast.Call) and node.args) if training else given is False
    return called == "eval" and not training and isinstance(node, ast.Call) and not node.args


def never_trains_again(program: Program) -> Iterator[Mistake]:
    """Find an epoch loop that puts the network into evaluation mode, and does not put it back."""
    layer = _mode_matters(program)
    if not layer:
        return
    for loop in (node for node in program.nodes if isinstance(node, Loop)):
        if program.loops(loop) and any(map(_is_backward, program.reached(program.loops(loop)[0]))):
            continue  # the outermost with steps in it is the loop of epochs
        inside = list(program.reached(loop))
        evals = [node for node in inside if _sets_mode(node, training=False)]
        trains = [node for node in inside if method(node) == "train"]
        backward = [node for node in inside if _is_backward(node)]
        if not evals or trains or not backward:
            continue
        if not any(_is_looped_backward(program, node, loop) for node in backward):
            continue
        yield program.mistake(
            "trains-in-evaluation-mode",
            evals[0],
            (
                f"{text(evals[0])} (line {line(evals[0])}) is called in each turn of the loop of line "
                f"{line(loop)}, and train()"
                f" in none: from the second on, {layer} is in evaluation mode while the network trains"
            ),
            "call model.train() at the beginning of each epoch",
        )


def _is_looped_backward(program: Program, node: ast.AST, loop: Loop) -> bool:
    """Return True if a backward is in the loop itself, or in a function, which is called from there."""
    return loop in program.loops(node) or program.function(node) is not program.function(loop)


def never_evaluates(program: Program) -> Iterator[Mistake]:
    """Find rows that are measured without gradients, in a program that never leaves training mode."""
    layer = _mode_matters(program)
    if not layer or any(_sets_mode(node, training=False) for node in program.nodes):
        return
    if program.mentions("pytorch_lightning", "lightning", "transformers", "ignite", "skorch", "fastai"):
        return
    if not any(map(_is_backward, program.nodes)):
        return
    for node in program.nodes:
        block: ast.AST | None = (
            node
            if isinstance(node, ast.With) and any(_is_no_grad(program, one.context_expr) for one in node.items)
            else None
        )
        if isinstance(node, ast.FunctionDef) and any(_is_no_grad(program, one) for one in node.decorator_list):
            block = node
        if block is None:
            continue
        inside = list(ast.walk(block))
        is_measured = any(call in inside for _, call, _ in loss_calls(program)) or any(
            method(one) in ("argmax", "topk") or program.called(one) in ("torch.max", "torch.argmax") for one in inside
        )
        if is_measured and not any(_is_backward(one) for one in inside):
            yield program.mistake(
                "evaluates-in-training-mode",
                block,
                (
                    f"what is measured from line {line(block)} on, without gradients, is measured in training "
                    "mode: eval() "
                    f"is called nowhere, and {layer} behaves otherwise there"
                ),
                "call model.eval() before it, and model.train() before training goes on",
            )
            return


def dropout_without_mode(program: Program) -> Iterator[Mistake]:
    """Find a dropout of `torch.nn.functional` in a module that takes no note of the mode: it stays on after eval()."""
    if not any(_sets_mode(node, training=False) for node in program.nodes):
        return
    for call in program.calls():
        library, _, name = program.called(call).rpartition(".")
        owner = program.class_of(call)
        is_ours = library == "torch.nn.functional" and "dropout" in name and owner is not None
        if is_ours and argument(call, 2, "training") is None and not any(one.arg is None for one in call.keywords):
            yield program.mistake(
                "evaluates-in-training-mode",
                call,
                f"{text(call)} on line {line(call)} is on after eval() too: nothing tells it the mode",
                "write training=self.training in it, or make it a layer, nn.Dropout",
            )


def _is_no_grad(program: Program, node: ast.expr) -> bool:
    name = program.called(node) or program.name(node)
    return name in ("torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad") and keyword(node, "mode") is None
