"""The settings of a script, sorted: parameters, the length, the seed, what is left out; and the words that set them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tunewell.scripts.conditions import conditioned
from tunewell.scripts.found import FoundParameters, Layout
from tunewell.scripts.habits import is_length, is_seed, proposed
from tunewell.scripts.lacks import lacks_of
from tunewell.scripts.libraries.setting import HOLE, Setting, Source
from tunewell.scripts.ranges import Facts, plain_name
from tunewell.scripts.resuming import resume_of
from tunewell.space.params import Param
from tunewell.space.space import Space
from tunewell.space.values import Params

_GIVEN = "is given in the command"
_RESERVED = frozenset(
    {"seed", "trial", "resume", "trial_folder", "checkpoint", "checkpoint_folder", "epochs_done", "next_epoch"}
)
_RATES = ("lr", "learning_rate")
_BASE_RATE = re.compile(r"(b|base_?|init(ial)?_?)(lr|learning_?rate)")
_BETAS = ("beta1", "beta2")
REPLACED = -1
"""The place of what is no word of the script: a constant, or an entry of a file, which a launcher replaces."""


@dataclass(slots=True)
class Draft:
    """The settings so far, sorted."""

    params: dict[str, tuple[Setting, Param]] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    length: Setting | None = None
    seed: Setting | None = None

    @property
    def is_empty(self) -> bool:
        """Nothing is to be tuned."""
        return not self.params


def drafted(settings: Sequence[Setting], facts: Facts, *, anyway: bool = False) -> Draft:
    """Sort the settings into parameters, the length, the seed, and what is left out."""
    draft = Draft()
    chosen = {setting.name: setting.default for setting in settings}
    for setting in settings:
        if setting.only and setting.only[0] not in draft.params and chosen[setting.only[0]] not in setting.only[1]:
            continue  # what another option of a choice would bring, which is not tuned
        if is_length(setting) and setting.words and draft.length is None and not _is_list(setting):
            draft.length = setting
        elif is_seed(setting) and setting.kind in ("int", "number") and not setting.given and draft.seed is None:
            draft.seed = setting
            draft.left_out.append((setting.name, "is a seed; each trial has its own"))
        elif setting.given:
            draft.left_out.append((setting.name, _GIVEN))
        else:
            _add(draft, setting, facts, anyway=anyway)
    _leave_to_base_rate(draft)
    return draft


def _leave_to_base_rate(draft: Draft) -> None:
    """Leave a rate that is not given to the one that it is then computed from: MAE's `--lr` to its `--blr`."""
    bases = [name for name, (one, _) in draft.params.items() if _BASE_RATE.fullmatch(name) and one.default is not None]
    for name in [name for name in draft.params if name in _RATES and draft.params[name][0].default is None]:
        if bases:
            del draft.params[name]
            draft.left_out.append((name, f"is computed from {bases[0]} where it is not given"))


def _add(draft: Draft, setting: Setting, facts: Facts, *, anyway: bool) -> None:
    if not setting.words and not setting.on and not setting.off:
        draft.left_out.append((setting.name, "has its place in the command, and no flag"))
        return
    if _is_list(setting) and sum(word.count(HOLE) for word in setting.words) != len(setting.default):
        draft.left_out.append((setting.name, "is a list in one word"))
        return
    for name, one in _elements(setting):
        param = proposed(one, facts, anyway=anyway)
        if isinstance(param, str):
            draft.left_out.append((setting.name, param))
            return
        draft.params[name] = (setting, param)


def _is_list(setting: Setting) -> bool:
    return isinstance(setting.default, list)


def _elements(setting: Setting) -> list[tuple[str, Setting]]:
    """Return the setting, or one for each value of a list."""
    if not _is_list(setting):
        return [(setting.name, setting)]
    values = list(setting.default)
    if plain_name(setting.name) in ("betas", "adam_betas", "opt_betas", "beta") and len(values) == 2:
        before, dot, _ = setting.name.rpartition(".")
        names = [f"{before}{dot}{beta}" for beta in _BETAS]
    else:
        names = [f"{setting.name}_{place}" for place in range(1, len(values) + 1)]
    kind = setting.kind
    return [
        (name, replace(setting, name=name if name.endswith(_BETAS) else setting.name, default=value, kind=kind))
        for name, value in zip(names, values, strict=True)
    ]


def param_names(names: Sequence[str]) -> Mapping[str, str]:
    """Return what each setting is called as a parameter: the last part of its name, where no other has the same."""
    last = {name: _identifier(name.rpartition(".")[2]) for name in names}
    known = list(last.values())
    found: dict[str, str] = {}
    for name, short in last.items():
        wish = unique = short if known.count(short) == 1 else _identifier(name.replace(".", "_"))
        while unique in found.values():
            unique = f"{wish}_{1 + list(found.values()).count(unique) + len(found)}"
        found[name] = unique
    return found


def _identifier(name: str) -> str:
    text = plain_name(name) or "p"
    if text[0].isdigit() or keyword.iskeyword(text):
        text = f"{text}_" if keyword.iskeyword(text) else f"p_{text}"
    return f"{text}_" if text in _RESERVED or hasattr(Params, text) else text


def _words_of(setting: Setting, names: Sequence[str], *, at_times: bool) -> tuple[str, ...]:
    """Return the words that set it, with `{name}` where a value goes; `at_times`: some trials have none."""
    if setting.on or setting.off:
        return (f"{{{names[0]}:{' '.join(setting.on)}|{' '.join(setting.off)}}}",)
    waiting = [f"{name}?" if at_times else name for name in names]
    words = []
    for word in _one_word(setting) if at_times else setting.words:
        while HOLE in word and waiting:
            word = word.replace(HOLE, f"{{{waiting.pop(0)}}}", 1)  # noqa: PLW2901
        words.append(word)
    return tuple(words)


def _one_word(setting: Setting) -> tuple[str, ...]:
    """Return what sets it as a word that can be left out as a whole; none if it takes several."""
    if len(setting.words) == 1:
        return setting.words
    joins = len(setting.words) == 2 and setting.words[0].startswith("--")
    return ("=".join(setting.words),) if joins else ()


def result_of(
    draft: Draft,
    layout: Layout,
    source: Source,
    settings: Sequence[Setting],
    how: str,
    *,
    to_confirm: bool = False,
) -> FoundParameters:
    """Return what was found by flags, or by addresses where the layout has a launcher."""
    names = param_names(list(draft.params))
    params = {names[name]: param for name, (_, param) in draft.params.items()}
    with_conditions = conditioned(params, source.text)
    params |= {
        names[name]: with_conditions[names[name]]
        for name, (setting, _) in draft.params.items()
        if setting.on or setting.off or _one_word(setting)
    }
    for name, (setting, param) in draft.params.items():
        if setting.only and setting.only[0] in draft.params:
            params[names[name]] = replace(param, when={names[setting.only[0]]: list(setting.only[1])})
    added: list[tuple[int | None, tuple[str, ...]]] = []
    replaced_words: list[str] = []
    done: set[int] = set()
    for setting, _ in draft.params.values():
        if id(setting) in done:
            continue
        done.add(id(setting))
        its = [names[other] for other, (one, _) in draft.params.items() if one is setting]
        if is_address(setting):
            replaced_words += _words_of(setting, its, at_times=params[its[0]].when is not None)
        else:
            added.append((setting.at, _words_of(setting, its, at_times=params[its[0]].when is not None)))
    if draft.seed is not None:
        words = tuple(word.replace(HOLE, "{seed}") for word in draft.seed.words)
        if is_address(draft.seed):
            replaced_words.append(words[0])
        else:
            added.append((draft.seed.at, words))
    resume = None if to_confirm else resume_of(settings)
    if resume is not None and resume.words:
        added.append((None, resume.words))
    epochs, length = length_of(draft.length)
    space = Space(params)
    return FoundParameters(
        space=space,
        layout=replace(layout, added=tuple(added), replaced=tuple(replaced_words)),
        epochs=epochs,
        length=length,
        left_out=tuple(draft.left_out),
        lacks=() if to_confirm else lacks_of(source, settings),
        resume=resume,
        how=how,
        to_confirm=to_confirm,
    )


def is_address(setting: Setting) -> bool:
    """Return True for a constant, or an entry of a file, which a launcher replaces."""
    return setting.at == REPLACED


def length_of(setting: Setting | None) -> tuple[int | None, tuple[int | None, tuple[str, ...]] | str | None]:
    """Return the epochs of a training, and what sets them."""
    if setting is None:
        return None, None
    value = setting.default
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value >= 1 and value == int(value)
    epochs = int(value) if whole else None
    if setting.given:
        return epochs, None
    if is_address(setting):
        return epochs, setting.words[0].removesuffix("=" + HOLE)
    return epochs, (setting.at, setting.words)
