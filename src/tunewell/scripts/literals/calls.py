"""Numbers inside calls: `Adam(params, lr=1e-3)`, `Dropout(0.5)`, `model.fit(x, y, epochs=10)`, `range(10)`.

An address is the call and its argument, `Adam.lr`; of the second such call `Adam.2.lr`. What a call's arguments are to
be called is known of the libraries' own; of the script's own functions and classes their parameters say so.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from . import widths
from .literal import Constant, called, dotted, value_of

_OPTIMIZERS = (
    r"(Sparse)?Adam(W|ax|Max)?|[NR]Adam|SGD|A?SGD|RMSprop|Adagrad|Adadelta|Adafactor|Lion|LAMB|Lamb|LARS|Ftrl|Rprop|Muon"
    r"|adamw?|sgd|noisy_sgd|rmsprop|adagrad|lion|lamb|nadamw?|radam|adabelief|adafactor"
)
_BATCHED = r"DataLoader|fit|fit_generator|\w*_from_directory|\w*Loader|\w*DataModule|\w*Dataset"


class _Kind(NamedTuple):
    """Calls of some names, and what their arguments are called."""

    calls: str
    places: tuple[str, ...] = ()
    """The arguments by place; "" for one that is no number of interest."""
    names: tuple[str, ...] = ()
    """Other arguments that are given by name; `parameter:name` where the field calls it otherwise."""
    any_name: bool = False
    """All others as well, as far as their names are known to be hyperparameters."""
    tied: bool = False
    """Those of one value are changed together."""


_KINDS: Sequence[_Kind] = (
    _Kind(
        _OPTIMIZERS,
        ("", "lr"),
        (
            *("learning_rate", "momentum", "weight_decay", "beta_1", "beta_2", "b1", "b2", "rho", "betas", "nesterov"),
            *("amsgrad", "centered", "clipnorm:max_norm", "global_clipnorm:max_norm", "clipvalue:clip_value"),
        ),
    ),
    _Kind(
        r"(Alpha|FeatureAlpha|Gaussian|Spatial)?[Dd]ropout([123][dD])?|DropPath|StochasticDepth",
        ("dropout",),
        ("p:dropout", "rate:dropout", "drop_prob:dropout"),
        tied=True,
    ),
    _Kind("DataLoader", ("", "batch_size"), tied=True),
    _Kind("batch|padded_batch", ("batch_size",), tied=True),
    _Kind(_BATCHED, (), ("batch_size", "epochs", "num_epochs", "max_epochs", "n_epochs"), tied=True),
    _Kind("clip_grad_norm_?", ("", "max_norm"), tied=True),
    _Kind("clip_grad_value_?", ("", "clip_value"), ("clip_value",), tied=True),
    _Kind("clip_by_global_norm", ("max_norm",), tied=True),
    _Kind("[lL]1", ("l1",), ("l:l1",), tied=True),
    _Kind("[lL]2", ("l2",), ("l:l2",), tied=True),
    _Kind("l1_l2|L1L2", ("l1", "l2"), tied=True),
    _Kind("StepLR", ("", "step_size", "gamma")),
    _Kind("MultiStepLR|ExponentialLR", (), ("gamma",)),
    _Kind("ReduceLROnPlateau", (), ("factor", "patience:lr_patience")),
    _Kind("OneCycleLR", ("", "max_lr"), ("pct_start",)),
    _Kind("CosineAnnealingLR|CosineAnnealingWarmRestarts", (), ("eta_min", "T_0")),
    _Kind(
        "ExponentialDecay|exponential_decay", ("initial_learning_rate", "decay_steps", "decay_rate"), ("init_value:lr",)
    ),
    _Kind("CosineDecay|PolynomialDecay", ("initial_learning_rate",)),
    _Kind(r"get_\w*schedule\w*", (), ("num_warmup_steps",)),
    _Kind(r"\w*CrossEntropy\w*|\w*Crossentropy|cross_entropy", (), ("label_smoothing",), tied=True),
    _Kind("LSTM|GRU|RNN|TransformerEncoder|TransformerDecoder", (), ("num_layers", "dropout", "recurrent_dropout")),
    _Kind(r"Transformer\w*Layer|MultiheadAttention|MultiHeadAttention", (), ("dropout",), tied=True),
    _Kind(
        r"\w+(Classifier|Regressor|Arguments|CV)|SVC|SVR|LinearSVC|LinearSVR|NuSVC|Ridge|Lasso|ElasticNet"
        r"|LogisticRegression|LoraConfig|SFTConfig|DPOConfig|\w*Trainer",
        any_name=True,
    ),
)
_ANYWHERE = ("batch_size", "lr", "learning_rate", "weight_decay", "dropout", "hidden_size", "hidden_dim", "num_layers")
"""Arguments that mean the same whatever is called: `make_data(batch_size=64)` of a module that is not read."""
_SHOWN = re.compile(
    r"(?i)print\w*|log\w*|\w*_?log|info|debug|init|update|save\w*|format|add_hparams|replace"
    r"|dict|\w*namespace|\w*dict|create|Munch"
)
"""Calls that are given the values in use, and do not use them, or only keep them."""
_LENGTHS = ("epochs", "num_epochs", "n_epochs", "max_epochs", "num_train_epochs", "nb_epoch")
_SETTINGS = ("config", "hparams", "hyperparameters", "hyperparams", "params", "hparam_dict")
"""Arguments that are a dictionary of settings, as of `wandb.init(config={...})`."""
_OF_EVALUATION = re.compile(r"(^|_|\b)(test|val|valid|validation|eval|evaluate|dev|infer\w*|predict\w*)", re.IGNORECASE)
_LOOP = re.compile(r"(?i)(i_?)?ep(och)?s?(_?(i|idx|n|num|no))?|epoch_\w+|e")
_SPLIT = re.compile(r"early_?stopping", re.IGNORECASE)


class _Number(NamedTuple):
    """A number in a call."""

    call: str
    argument: str
    name: str
    value: Any
    nodes: tuple[ast.expr, ...]
    tied: bool = False
    offset: int = 0


def constants(tree: ast.Module) -> dict[str, Constant]:
    """Return the numbers in calls by address."""
    numbers = sorted(_tied(_numbers(tree)), key=lambda one: (one.nodes[0].lineno, one.nodes[0].col_offset))
    of_name: dict[str, list[_Number]] = {}
    for one in numbers:
        of_name.setdefault(one.name, []).append(one)
    found: dict[str, Constant] = {}
    for one in numbers:
        address = f"{one.call}.{one.argument}"
        count = 1
        while address in found:
            count += 1
            address = f"{one.call}.{count}.{one.argument}"
        same = of_name[one.name]
        is_alone = len(same) == 1 or one.name in _LENGTHS
        name = one.name if is_alone else f"{one.name}_{same.index(one) + 1}"
        found[address] = Constant(one.value, one.nodes, one.nodes[0].lineno, name, one.offset)
    return found


def _tied(numbers: Iterator[_Number]) -> list[_Number]:
    """Return the numbers, of those that go together one with the places of all."""
    found: list[_Number] = []
    for one in numbers:
        other = next(
            (
                place
                for place, its in enumerate(found)
                if one.tied and its.tied and its.name == one.name and its.value == one.value
            ),
            None,
        )
        if other is None:
            found.append(one)
        else:
            found[other] = found[other]._replace(nodes=(*found[other].nodes, *one.nodes))
    return found


def _numbers(tree: ast.Module) -> Iterator[_Number]:
    own = _Own(tree)
    some_shuffle = any(_shuffles(node) for node in ast.walk(tree))
    for node, where in _walk(tree, ()):
        if isinstance(node, ast.Call):
            if some_shuffle and called(node) == "DataLoader" and not _shuffles(node, or_samples=True):
                continue  # of what is evaluated on, where that of the training is shuffled
            yield from _of_call(node, where, own)
        elif isinstance(node, ast.For):
            yield from _of_loop(node)
    yield from own.defaults()
    for width in widths.widths(tree):
        yield _Number(width.call, width.argument, width.name, width.value, width.nodes)


def _walk(node: ast.AST, where: tuple[str, ...]) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """Yield each node with the names of what it stands in: functions, classes, and what it is assigned to."""
    for child in ast.iter_child_nodes(node):
        inside = where
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            inside = (*where, f"class {child.name}" if isinstance(child, ast.ClassDef) else child.name)
        elif isinstance(child, ast.Assign):
            inside = (*where, *(name for target in child.targets for name in _targets(target)))
        yield child, inside
        yield from _walk(child, inside)


def _shuffles(node: ast.AST, *, or_samples: bool = False) -> bool:
    """Return True for a loader that shuffles, or that may: by a sampler, or by a value that is not written there."""
    if not isinstance(node, ast.Call) or called(node) != "DataLoader":
        return False
    given = {one.arg: value_of(one.value) for one in node.keywords}
    may = {None, "sampler", "batch_sampler"} & given.keys() or ("shuffle" in given and given["shuffle"] is not False)
    return given.get("shuffle") is True or (or_samples and bool(may))


def _targets(target: ast.expr) -> list[str]:
    """Return the names that are assigned to, those that are tested on first: of several the last one counts."""
    if isinstance(target, (ast.Tuple, ast.List)):
        names = [name for one in target.elts for name in _targets(one)]
        return sorted(names, key=lambda name: _OF_EVALUATION.match(name) is None)
    return [dotted(target).rpartition(".")[2]]


def _of_call(call: ast.Call, where: Sequence[str], own: _Own) -> Iterator[_Number]:
    name = called(call)
    if not name or _SPLIT.search(name) or _is_of_evaluation(call, name, where):
        return
    for argument in call.keywords:
        if argument.arg in _SETTINGS:
            for key, value in _entries(argument.value):
                yield from _literal(name, f"{argument.arg}.{key}", key, value)
    if name in own.signatures:
        yield from own.of_call(call, where)
        return
    seen = set()
    kinds = [kind for kind in _KINDS if re.fullmatch(kind.calls, name)]
    if not kinds and not _SHOWN.fullmatch(name):
        kinds = [_Kind(name, (), _ANYWHERE, tied=True)]
    for kind in kinds:
        for argument_name, field, value in _arguments(call, kind):
            if id(value) not in seen:
                seen.add(id(value))
                yield from _literal(name, argument_name, field, value, tied=kind.tied)


def _is_of_evaluation(call: ast.Call, name: str, where: Sequence[str]) -> bool:
    """Return True for a call that tests, or that makes what is tested on."""
    if name in ("predict", "evaluate", "score", "predict_proba") or (where and _OF_EVALUATION.match(where[-1])):
        return True
    of_data = re.fullmatch(r"\w*Loader|batch|padded_batch|\w*_from_directory|\w*Dataset", name)
    about = [*call.args[:1], *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
    return bool(of_data) and any(_OF_EVALUATION.search(ast.unparse(one)) for one in about)


def _arguments(call: ast.Call, kind: _Kind) -> Iterator[tuple[str, str, ast.expr]]:
    """Yield the arguments of a call that a kind knows: as the call names each, as the field does, and its value."""
    places: Sequence[str] = kind.places
    numbers_first = bool(call.args) and value_of(call.args[0]) is not None
    if places[:1] == ("",) and numbers_first:
        places = places[1:]  # of Keras and optax, which are given no parameters first
    elif places[:1] != ("",) and call.args and not numbers_first:
        places = ("", *places)  # of a function that is given the values first
    for name, value in zip(places, call.args):
        if name:
            yield name, "learning_rate" if name == "lr" and numbers_first else name, value
    names = dict(_named(one) for one in (*filter(None, kind.places), *kind.names))
    for argument in call.keywords:
        if argument.arg in names:
            yield argument.arg, names[argument.arg], argument.value
        elif argument.arg and kind.any_name:
            yield argument.arg, argument.arg, argument.value


def _named(text: str) -> tuple[str, str]:
    parameter, _, name = text.partition(":")
    return parameter, name or parameter


def _literal(call: str, argument: str, name: str, value: ast.expr, *, tied: bool = False) -> Iterator[_Number]:
    """Yield the number, or each of a tuple of them."""
    if isinstance(value, (ast.Tuple, ast.List)):
        values = [value_of(one) for one in value.elts]
        if values and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in values):
            is_betas = name == "betas" and len(values) == 2
            for place, (one, node) in enumerate(zip(values, value.elts), 1):
                yield _Number(call, f"{argument}.{place}", f"beta{place}" if is_betas else name, one, (node,))
        return
    number = value_of(value)
    if number is not None and not isinstance(number, str):
        yield _Number(call, argument, name, number, (value,), tied)


def _entries(value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(value, ast.Dict):
        for key, one in zip(value.keys, value.values):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, one
    elif isinstance(value, ast.Call) and called(value) == "dict":
        for argument in value.keywords:
            if argument.arg:
                yield argument.arg, argument.value


def _of_loop(loop: ast.For) -> Iterator[_Number]:
    """Yield the length of `for epoch in range(10)`, also inside of `tqdm(...)`."""
    call: ast.expr | None = loop.iter
    while isinstance(call, ast.Call) and called(call) != "range" and call.args:
        call = call.args[0]
    if not (isinstance(call, ast.Call) and called(call) == "range" and len(call.args) in (1, 2)):
        return
    target = loop.target.elts[0] if isinstance(loop.target, ast.Tuple) else loop.target
    if not (isinstance(target, ast.Name) and _LOOP.fullmatch(target.id)):
        return
    start = value_of(call.args[0]) if len(call.args) == 2 else 0
    stop = value_of(call.args[-1])
    if isinstance(stop, int) and isinstance(start, int) and stop > start:
        yield _Number("range", "epochs", "epochs", stop - start, (call.args[-1],), tied=True, offset=start)


class _Own:
    """The functions and classes of the script: what their calls give them, and what they have by default."""

    def __init__(self, tree: ast.Module) -> None:
        self.signatures: dict[str, ast.arguments] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name != "__init__" and not node.decorator_list:
                self.signatures[node.name] = node.args
            elif isinstance(node, ast.ClassDef):
                init = next((one for one in node.body if getattr(one, "name", "") == "__init__"), None)
                if isinstance(init, ast.FunctionDef):
                    self.signatures[node.name] = init.args
                    self.classes[node.name] = node
        self.calls: dict[str, list[ast.Call]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) in self.signatures:
                self.calls.setdefault(called(node), []).append(node)

    def of_call(self, call: ast.Call, where: Sequence[str]) -> Iterator[_Number]:
        """Yield the numbers that a call gives by the names of its parameters.

        Of what is called several times, or by a class, the numbers may have to agree with others.
        """
        name = called(call)
        if len(self.calls[name]) > 1 or any(one.startswith("class ") for one in where):
            return
        for parameter, value in self._given(call, self.signatures[name]):
            yield from _literal(name, parameter, parameter, value)

    def _given(self, call: ast.Call, arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        is_method = names[:1] == ["self"]
        yield from zip(names[1:] if is_method else names, call.args)
        yield from ((one.arg, one.value) for one in call.keywords if one.arg)

    def defaults(self) -> Iterator[_Number]:
        """Yield the defaults of what is called once, as far as that call does not give other values."""
        for name, calls in self.calls.items():
            if len(calls) != 1 or _OF_EVALUATION.match(name) or any(one.arg is None for one in calls[0].keywords):
                continue
            arguments = self.signatures[name]
            given = {parameter for parameter, _ in self._given(calls[0], arguments)}
            of_place = [*arguments.posonlyargs, *arguments.args]
            n_without = len(of_place) - len(arguments.defaults)
            pairs: list[tuple[ast.arg, ast.expr | None]] = [
                *zip(of_place[n_without:], arguments.defaults),
                *zip(arguments.kwonlyargs, arguments.kw_defaults),
            ]
            for parameter, default in pairs:
                if default is not None and parameter.arg not in given:
                    yield from _literal(name, parameter.arg, parameter.arg, default)
