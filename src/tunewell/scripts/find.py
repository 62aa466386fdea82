"""The hyperparameters of a script that has never heard of tunewell, and the command that sets them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewell.errors import ScriptError
from tunewell.scripts import config_file, constants
from tunewell.scripts.draft import REPLACED, Draft, drafted, is_address, length_of, param_names, result_of
from tunewell.scripts.found import FoundParameters, Layout
from tunewell.scripts.invocation import Invocation, invocation
from tunewell.scripts.libraries import LIBRARIES
from tunewell.scripts.libraries.setting import HOLE, Setting, Source
from tunewell.scripts.looking import look
from tunewell.scripts.ranges import Facts, plain_name
from tunewell.scripts.source import compared, source_of
from tunewell.space.space import Space

_GIVEN = "is given in the command"
_SETTINGS_MODULES = frozenset(
    [
        "config",
        "configs",
        "defaults",
        "cfg",
        "conf",
        "settings",
        "params",
        "parameters",
        "hparams",
        "hyperparams",
        "hyperparameters",
        "constants",
    ]
)
_RESERVED = frozenset({"seed", "trial"})
_BETAS = ("beta1", "beta2")
_CONFIG = re.compile(r"(^|_)(config|cfg|conf|ya?ml|json|settings|h?params|hyp)")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_OF_DATA_OR_ALL = re.compile(
    r"(^|_)(mean|std|means|stds|class_weights?|seeds?|shape)$|^(layers?|layer_(sizes|dims)|sizes|dims|arch\w*|topology|net_arch)$"
)
"""Lists that are the data's, or of all layers, with those of the data first and last."""
_LISTED = re.compile(rf"{_NUMBER.pattern}(\s*,\s*{_NUMBER.pattern}){{1,7}}")
_IMPORTS = re.compile(r"^[ \t]*import[ \t]+([\w.]+(?:[ \t]+as[ \t]+\w+)?[ \t]*,[\w., \t]+)", re.MULTILINE)
_FLAG_WORD = re.compile(r"--?[A-Za-z][\w.\-]*")


def find_parameters(command: Sequence[str], *, static: bool = False) -> FoundParameters:
    """Return the hyperparameters of a program, found without an edit of it.

    A Python script is run by its own interpreter up to where it reads its command line, and stopped there; one that
    reads none is not run at all, and its constants are taken from its source.

    Args:
        command: the program and its arguments; what these set stays as it is.
        static: run nothing of it; its source is read.

    Raises:
        ScriptError: nothing is found, or the script cannot be looked at.
    """
    at = invocation(command)
    if at is None:
        return _of_words(command)
    file = at.file
    if at.how == "file" and file is None:
        raise ScriptError(f"there is no file {at.target!r}; give the path of the script")
    if file is not None and file.suffix == ".ipynb":
        raise ScriptError(f"{at.shown} is a notebook; make a script of it: jupyter nbconvert --to script {at.shown}")
    source = source_of(file) if file is not None else Source([])
    settings, how = _flags(at, source, static=static)
    settings = [_listed(_as_given(one, at.arguments)) for one in settings]
    facts = _facts(settings, source)
    draft = drafted(settings, facts)
    layout = Layout(at.command(()), at.arguments)
    if (named := _config_of(at.arguments, settings)) is not None:
        return _with_config(named, draft, layout, source, settings, how)
    if (fixed := _config_in_source(at, source)) is not None:
        word, path = fixed
        before = Layout((*_as_constants(at), f"{word}={HOLE}", "--", at.target), at.arguments)
        try:
            return _with_config((at.arguments, path), draft, before, source, settings, how)
        except ScriptError:
            pass  # a file of something else
    if draft.is_empty and file is not None and at.how in ("file", "module"):
        return _of_constants(at, file, source, draft, how)
    if draft.is_empty:
        raise _nothing(at.shown, how, draft)
    _check_required(at.shown, settings, draft)
    return result_of(draft, layout, source, settings, how)


def _flags(at: Invocation, source: Source, *, static: bool) -> tuple[list[Setting], str]:
    """Return the settings that the script reads from its command line, and what they were found by."""
    text = source.text + "".join(f"\nimport {name}" for name in _imported_beside(source.text))
    used = [library for library in LIBRARIES if any(word in text for word in library.WORDS)]
    if static:
        if at.file is None:
            raise ScriptError(f"the source of {at.shown} is not found here; leave out --static, and it is run")
        read = [one for library in used for one in library.read(source, at.arguments)]
        return list({one.name: one for one in read}.values()), f"the source of {at.shown}"
    if not used and at.how != "entry":
        return [], f"the source of {at.shown}"
    found = look(at)
    if found is None:
        return [], f"the source of {at.shown}, which reads no command line"
    return [Setting.from_json(one) for one in found["settings"]], found["how"]


def _imported_beside(text: str) -> list[str]:
    """Return what stands behind a comma where several modules are imported on one line."""
    return [name.split()[0] for line in _IMPORTS.findall(text) for name in line.split(",")[1:] if name.strip()]


def _as_given(setting: Setting, arguments: Sequence[str]) -> Setting:
    """Return a setting with the number that the user gives it in the command, if it is one."""
    option = setting.words[0].partition("=")[0] if setting.given and setting.words else ""
    for place, word in enumerate(arguments):
        head, equals, value = word.partition("=")
        text = value if equals else arguments[place + 1] if place + 1 < len(arguments) else ""
        if option and head == option and _NUMBER.fullmatch(text):
            return replace(setting, default=_number(text))
    return setting


def _listed(setting: Setting) -> Setting:
    """Return a setting whose default is numbers in one text, `64,32`, as a list whose values go into one word."""
    if not isinstance(setting.default, str) or not _LISTED.fullmatch(setting.default) or not setting.words:
        return setting
    values = [_number(one.strip()) for one in setting.default.split(",")]
    values = values if all(isinstance(one, int) for one in values) else [float(one) for one in values]
    *before, last = setting.words
    words = (*before, last.replace(HOLE, _holes(values), 1))
    return replace(setting, default=values, kind=_kind(values), words=words)


def _is_list_of_data(name: str, value: Any) -> bool:
    return isinstance(value, list) and _OF_DATA_OR_ALL.search(plain_name(name)) is not None


def _holes(value: Any) -> str:
    """Return what stands for a value, or for those of a list, in one word."""
    return ",".join([HOLE] * len(value)) if isinstance(value, list) else HOLE


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)


def _facts(settings: Sequence[Setting], source: Source) -> Facts:
    names = frozenset(plain_name(one.name) for one in settings)
    text = source.text
    chosen = [
        str(one.default).lower() for one in settings if "optim" in one.name.lower() and isinstance(one.default, str)
    ]
    return Facts(
        optimizer=_optimizer(chosen, text),
        compared=lambda name: compared(source, name),
        has_heads=any(re.search(r"(^|_)n?(_?heads?)$|(^|_)n_?head", name) for name in names),
        is_reinforcement=bool(re.search(r"\bgym(nasium)?\b|\brollout|\breplay_?buffer|\bgae\b", text, re.IGNORECASE)),
        is_step_long=any(
            re.search(r"total_?(time)?steps|max_?steps|(n|num|total)_?updates|epochs|iterations|max_frames", name)
            for name in names
        ),
    )


def _optimizer(chosen: Sequence[str], text: str) -> str:
    """Return the optimizer, as far as it is one whose usual rates are known."""
    known = ("adamw", "nadam", "adam", "rmsprop", "adagrad", "sgd")
    for name in chosen:
        if (match := next((one for one in known if one in name), None)) is not None:
            return match
    calls = re.findall(
        r"\b(AdamW|NAdam|RAdam|Adam|RMSprop|Adagrad|SGD|adamw|adam|sgd|rmsprop|TrainingArguments|Lion)\s*\(", text
    )
    found = [
        {"trainingarguments": "adamw", "radam": "adam", "lion": "adamw"}.get(one.lower(), one.lower()) for one in calls
    ]
    return found[0] if found else "sgd"


def _check_required(script: str, settings: Sequence[Setting], draft: Draft) -> None:
    """Check that the command has what the script needs, besides what trials give it."""
    tuned = {setting.name for setting, _ in draft.params.values()}
    missing = [
        one.words[0] if one.words else one.name.upper()
        for one in settings
        if one.required and not one.given and one.name not in tuned and one is not draft.seed
    ]
    if missing:
        some = ", ".join(missing)
        raise ScriptError(f"{script} needs {some}; add {'it' if len(missing) == 1 else 'them'} to the command")


def _nothing(script: str, how: str, draft: Draft, source: Source | None = None) -> ScriptError:
    seen = f"; it has {', '.join(name for name, _ in draft.left_out[:8])}" if draft.left_out else ""
    why = "" if source is None else _why_nothing(source)
    return ScriptError(
        f"no hyperparameter is found in {script} ({how}){seen}{why}; say what may be tuned: "
        "--space FILE.toml, with {name} in the command where a value goes"
    )


def _why_nothing(source: Source) -> str:
    """Return what is seen of the source that is not read, or cannot be."""
    if any(gin in source.text for gin in ("import gin", "from gin")):
        return "; the bindings of gin are not read, flags or constants would be"
    if any(sacred in source.text for sacred in ("import sacred", "from sacred")):
        return "; a config of Sacred is not read, but it takes what stands behind with: python train.py with lr={lr}"
    for file, call in source.calls("input"):
        if isinstance(call.func, ast.Name):
            place = f"{file}:{call.lineno}"
            return f"; it asks for input at {place}, which no trial can give, let that be a constant or a flag"
    return ""


# Constants.


def _of_constants(at: Invocation, file: Path, source: Source, flags: Draft, how: str) -> FoundParameters:
    """Return what the constants of a script let be tuned."""
    try:
        tree = ast.parse(file.read_bytes(), file.name)
    except (SyntaxError, ValueError) as error:
        raise ScriptError(f"{file} is no Python that can be read: {error}; mend it, or give --space") from error
    places: dict[str, str] = {}
    settings = []
    for module, its_file, its_tree in [("", str(file), tree), *_modules_beside(file, source)]:
        for address, one in constants.constants(its_tree).items():
            if module and not one.name and module.rpartition(".")[2].lower() not in _SETTINGS_MODULES:
                continue
            whole = f"{module}{constants.OF_MODULE}{address}" if module else address
            short = whole.replace(constants.OF_MODULE, ".")
            name = one.name if one.name and one.name not in places else short
            is_given = _is_assigned(address, at.arguments) or (one.needs_no_argument and bool(at.arguments))
            kind = _kind(one.value)
            if _is_list_of_data(short, one.value):
                continue
            words = (f"{whole}={_holes(one.value)}",)
            settings.append(_listed(Setting(name, one.value, kind, words=words, at=REPLACED, given=is_given)))
            places[name] = f"{its_file}:{one.line}"
    facts = _facts(settings, source)
    draft = drafted(settings, facts)
    draft.left_out = [*flags.left_out, *((name, why) for name, why in draft.left_out if not why.startswith("is text"))]
    if flags.length is not None and (draft.length is None or flags.length.default is not None):
        draft.length = flags.length
    draft.seed = flags.seed or draft.seed
    if draft.is_empty:
        raise _nothing(at.shown, how, draft, source)
    if at.how == "module":
        raise ScriptError(f"{at.shown} has its hyperparameters in constants, which need its file: give python {file}")
    first = places[next(iter(draft.params.values()))[0].name]
    layout = Layout((at.target,), at.arguments, launcher=_as_constants(at))
    return result_of(draft, layout, source, settings, f"constants at {first}")


def _as_constants(at: Invocation) -> tuple[str, ...]:
    """Return the words that run a script with other constants."""
    runs_itself = at.python[:-1] == at.before
    return (*(at.python if runs_itself else at.before), *_runs(at, "constants"))


def _modules_beside(script: Path, source: Source) -> list[tuple[str, str, ast.Module]]:
    """Return name, file and tree of the modules beside a script and below, as far as it imports them."""
    found = []
    folder = script.parent.resolve()
    for file, tree in source.trees:
        path = Path(file).resolve()
        if path.is_relative_to(folder) and path != script.resolve() and path.name != "__init__.py":
            found.append((".".join(path.relative_to(folder).with_suffix("").parts), file, tree))
    return found


def _is_assigned(address: str, arguments: Sequence[str]) -> bool:
    """Return True if an argument sets an entry: `optim.lr=0.1`, or `optim.lr 0.1`, that of `defaults.optim.lr`."""
    words = [word.partition("=") for word in arguments if not word.startswith("-")]
    names = [name for name, equals, _ in words if equals or "." in name]
    return any(f".{address}".endswith(f".{name}") for name in names)


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "float" if any(isinstance(one, float) for one in value) else "int"
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int) else "float" if isinstance(value, float) else "str"


def _runs(at: Invocation, launcher: str) -> tuple[str, ...]:
    """Return the words that start a launcher by the script's interpreter: as a module, where that has tunewell."""
    import shutil  # noqa: PLC0415

    is_ours = len(at.python) == 1 and Path(shutil.which(at.python[0]) or "").resolve() == Path(sys.executable).resolve()
    if is_ours and Path(shutil.which(at.python[0]) or "").parent == Path(sys.executable).parent:
        return ("-m", f"tunewell.scripts.{launcher}")
    return (str(Path(__file__).with_name(f"{launcher}.py")),)


# A settings file that the command names, or the source.


def _config_of(arguments: Sequence[str], settings: Sequence[Setting]) -> tuple[tuple[str, ...], Path] | None:
    """Return the arguments with a hole in the place of a settings file, and the file; also one that is a default."""
    for place, word in enumerate(arguments):
        head, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        if _is_config(value):
            return (*arguments[:place], f"{head}{equals}{HOLE}", *arguments[place + 1 :]), Path(value)
    for one in settings:
        names_it = isinstance(one.default, str) and one.words and not one.given and _CONFIG.search(plain_name(one.name))
        if names_it and _is_config(one.default):
            return (*arguments, *one.words), Path(one.default)
    return None


def _config_in_source(at: Invocation, source: Source) -> tuple[str, Path] | None:
    """Return the address of the one settings file that a script names in its source, and the file."""
    if at.file is None or at.how != "file":
        return None
    modules = {file: f"{name}{constants.OF_MODULE}" for name, file, _ in _modules_beside(at.file, source)}
    found: dict[str, Path] = {}
    for file, tree in source.trees:
        written = {id(node) for call in ast.walk(tree) if _writes(call) for node in ast.walk(call)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in written:
                continue
            path = next((its for its in (Path(node.value), at.file.parent / node.value) if _is_config(str(its))), None)
            if path is not None and (file == str(at.file) or file in modules):
                found[f'{modules.get(file, "")}"{node.value}"'] = path
    return next(iter(found.items())) if len(found) == 1 else None


def _writes(node: ast.AST) -> bool:
    """Return True for a call that opens a file to write it."""
    values = [*node.args, *(one.value for one in node.keywords)] if isinstance(node, ast.Call) else []
    return any(isinstance(one, ast.Constant) and one.value in ("w", "wt", "a", "x", "w+") for one in values)


def _is_config(value: str) -> bool:
    path = Path(value)
    return path.suffix in config_file.SUFFIXES and path.is_file() and path.name != "tunewell.toml"


def _with_config(
    named: tuple[tuple[str, ...], Path],
    flags: Draft,
    layout: Layout,
    source: Source,
    settings: Sequence[Setting],
    how: str,
) -> FoundParameters:
    """Return what the entries of a settings file let be tuned, besides the flags that it has no entry for."""
    arguments, path = named
    try:
        data = config_file.entries(path)
    except (OSError, ValueError) as error:
        raise ScriptError(f"{path} cannot be read: {error}; mend it, or give --space") from error
    found = [
        _listed(Setting(address, value, _kind(value), words=(f"{address}={_holes(value)}",), at=REPLACED))
        for address, value in data.items()
        if value is not None and not _is_list_of_data(address, value)
    ]
    given = {plain_name(one.name) for one in settings if one.given}
    found = [replace(one, given=plain_name(one.name) in given) for one in found]
    draft = drafted(found, _facts([*settings, *found], source))
    theirs = {plain_name(name) for name in draft.params}
    defaults = {plain_name(one.name): one.default for one in found}
    for name, (setting, param) in flags.params.items():
        plain = plain_name(name)
        if plain not in theirs:
            draft.params[name] = (setting, param)
        elif setting.default is not None and setting.default == defaults.get(plain):
            # the script has read the file into its flags' defaults, so a flag comes after the file
            draft.params = {other: its for other, its in draft.params.items() if plain_name(other) != plain}
            draft.params[name] = (setting, param)
    draft.length = flags.length if flags.length is not None and draft.length is None else draft.length
    draft.seed = flags.seed or draft.seed
    draft.left_out = [*flags.left_out, *draft.left_out]
    if draft.is_empty:
        raise _nothing(str(path), how, draft)
    _check_required(layout.before[-1], settings, draft)
    if not any(is_address(setting) for setting, _ in draft.params.values()):
        return result_of(draft, layout, source, settings, how)
    launcher = (sys.executable, "-m", "tunewell.scripts.config_file", str(path))
    changed = replace(layout, arguments=arguments, launcher=launcher)
    also = f", {how}" if settings else ""
    return result_of(draft, changed, source, [*settings, *found], f"{path}{also}")


# Programs in other languages.


def _of_words(command: Sequence[str]) -> FoundParameters:
    """Return what the numbers that follow a flag let be tuned; they are to be confirmed."""
    settings: list[Setting] = []
    words = list(command)
    place = 1
    while place < len(words):
        word = words[place]
        flag, equals, value = word.partition("=")
        if equals and _FLAG_WORD.fullmatch(flag) and _NUMBER.fullmatch(value):
            settings.append(_numbered(flag, value, place, f"{flag}={HOLE}"))
        elif _FLAG_WORD.fullmatch(word) and place + 1 < len(words) and _NUMBER.fullmatch(words[place + 1]):
            place += 1
            settings.append(_numbered(word, words[place], place, HOLE))
        place += 1
    draft = drafted(settings, Facts(), anyway=True)
    if draft.is_empty:
        raise ScriptError(
            f"{words[0]} is no Python, so that it cannot be looked into, and no number follows a flag in its command; "
            f"say what may be tuned: --space FILE.toml, and {words[0]} --step {{step}}"
        )
    names = param_names(list(draft.params))
    for name, (setting, _) in draft.params.items():
        assert setting.at is not None
        words[setting.at] = setting.words[0].replace(HOLE, f"{{{names[name]}}}")
    epochs, _ = length_of(draft.length)
    if draft.seed is not None:
        assert draft.seed.at is not None
        words[draft.seed.at] = draft.seed.words[0].replace(HOLE, "{seed}")
    return FoundParameters(
        space=Space({names[name]: param for name, (_, param) in draft.params.items()}),
        layout=Layout(tuple(words)),
        epochs=epochs,
        length=None,
        left_out=tuple(draft.left_out),
        lacks=(),
        resume=None,
        how="numbers that follow a flag",
        to_confirm=True,
    )


def _numbered(flag: str, text: str, place: int, word: str) -> Setting:
    value = _number(text)
    return Setting(flag.lstrip("-"), value, "int" if isinstance(value, int) else "float", words=(word,), at=place)
