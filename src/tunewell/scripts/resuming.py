"""A script's own way to go on from what it has saved: the flags for it, and the words that fill them in each trial.

The placeholders are those of `tunewell.training.own_checkpoints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from tunewell.scripts.libraries.setting import HOLE, Setting
from tunewell.scripts.ranges import plain_name


@dataclass(frozen=True, slots=True)
class Resume:
    """A script's own way to go on from what it has saved."""

    flag: str
    """The setting that names what it goes on from, or says that it does."""
    folder: str | None = None
    """The setting that names where it saves."""
    words: tuple[str, ...] = ()
    """What is added to the command, so that trials go on by it; none where they cannot."""
    is_below_given: bool = False
    """True if the folders are made below the one that the command names, since it has to name one."""


_RESUMES = tuple(
    """
    resume resume_from resume_from_checkpoint resume_path resume_checkpoint ckpt_path restore load_checkpoint
    checkpoint from_checkpoint continue_from auto_resume load_ckpt init_from restore_from start_from
    continue_training load resume_training
    """.split()  # noqa: SIM905  a list of that length is not read
)
_FOLDERS = tuple(
    """
    checkpoint_dir ckpt_dir checkpoint_path checkpoints save_dir output_dir out_dir save_path outdir output
    model_dir workdir work_dir default_root_dir save run_dir exp_dir log_dir logdir
    """.split()  # noqa: SIM905  a list of that length is not read
)
_STARTS = ("start_epoch", "initial_epoch", "begin_epoch", "epoch_start", "from_epoch")
_OF_FOLDERS = ("folder", "directory", " dir")


def resume_of(settings: Sequence[Setting]) -> Resume | None:
    """Return the script's own way to go on; None if it has none."""
    names = {plain_name(one.name): one for one in settings}
    start = next((names[name] for name in _STARTS if name in names), None)
    flags = [names[name] for name in _RESUMES if name in names]
    if not flags and start is None:
        return None
    folder = next((names[name] for name in _FOLDERS if name in names and names[name] not in flags), None)
    switch = next((one for one in flags if one.on), None)
    path = next((one for one in flags if one.words and not one.on and _takes_path(one)), None)
    used = [one for one in (switch, path) if one is not None][: 2 if switch is flags[0] else 1] if flags else []
    first = used[0] if used else flags[0] if flags else start
    assert first is not None
    if (
        folder is None
        or _is_taken(folder)
        or any(one.given for one in flags)
        or not (used or start)
        or not folder.words
    ):
        return Resume(_flag(first), None if folder is None else _flag(folder))
    words = [*_joined(folder, _place(folder)), *(word for one in used for word in _words(one))]
    if start is not None and not start.given and start.kind in ("int", "number"):
        words += _joined(start, "{next_epoch?}" if start.default == 1 else "{epochs_done?}")
    is_whole = len(words) == 1 + len(used) + (start is not None)
    return Resume(_flag(first), _flag(folder), tuple(words) if is_whole else (), is_below_given=folder.given)


def _is_taken(folder: Setting) -> bool:
    """Return True for a folder that the user has given, unless one has to be: then trials save below it."""
    is_known = isinstance(folder.default, str) and bool(folder.default)
    return folder.given and not (folder.required and is_known)


def _takes_path(setting: Setting) -> bool:
    return setting.kind in ("str", "other") and not setting.choices


def _is_folder(setting: Setting) -> bool:
    """Return True for a flag that takes the folder, and finds the checkpoint in it by itself."""
    name, text = plain_name(setting.name), f" {setting.help.lower()}"
    return name.endswith(("_dir", "_folder")) or (any(word in text for word in _OF_FOLDERS) and "file" not in text)


def _words(setting: Setting) -> list[str]:
    if setting.on:
        return [f"{{resume:{' '.join(setting.on)}|}}"]
    return _joined(setting, "{checkpoint_folder?}" if _is_folder(setting) else "{checkpoint?}")


def _place(setting: Setting) -> str:
    """Return where a trial saves: in a folder of its own, below the one where the script does."""
    default = setting.default if isinstance(setting.default, str) and setting.default else "checkpoints"
    path = PurePath(default)
    is_file = bool(path.suffix) and not default.endswith("/")
    return str(path.parent / "{trial_folder}" / path.name if is_file else path / "{trial_folder}")


def _joined(setting: Setting, value: str) -> list[str]:
    """Return the one word that sets it, which can be left out as a whole; none if it takes several."""
    words = setting.words
    if len(words) == 1:
        return [words[0].replace(HOLE, value)]
    return [f"{words[0]}={value}"] if len(words) == 2 and words[0].startswith("--") and words[1] == HOLE else []


def _flag(setting: Setting) -> str:
    words: Sequence[str] = (*setting.words, *setting.on, *setting.off)
    return words[0].partition("=")[0] if words else setting.name
