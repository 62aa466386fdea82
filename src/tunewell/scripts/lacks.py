"""The things that a script lacks to be tuned well: a seed, a checkpoint, a validation metric; and what adds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tunewell.scripts.habits import is_seed
from tunewell.scripts.libraries.setting import Setting, Source
from tunewell.scripts.resuming import resume_of


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a script does not have."""

    what: str
    mend: tuple[str, ...]
    """The lines that add it."""


_SEEDED = re.compile(
    r"manual_seed|random\.seed\(|seed_everything|PRNGKey|random\.key\(|set_random_seed|set_seed|default_rng\(\s*\w|RandomState\(\s*\w"
)
_SAVES = re.compile(
    r"torch\.save|save_checkpoint|ModelCheckpoint|BackupAndRestore|save_weights|save_model|\.save\(|save_pretrained|orbax|"
    r"pickle\.dump|joblib\.dump|np\.savez?|savez|save_state|enable_checkpointing|TrainingArguments|Trainer\("
)
_VALIDATES = re.compile(r"\b\w*(val|valid|validation|test|eval|dev|holdout)\w*\b", re.IGNORECASE)


def lacks_of(source: Source, settings: Sequence[Setting]) -> tuple[Lack, ...]:
    """Return what the script lacks, judged by its source; nothing where that is not known."""
    text = source.text
    if not text:
        return ()
    lacks = []
    if not any(is_seed(one) for one in settings):
        where = "as it is" if _SEEDED.search(text) else "so that no training can be repeated"
        lacks.append(Lack(f"no seed to be given from outside, {where}", _seed_lines(text)))
    if resume_of(settings) is None:
        what = "it saves, but cannot be told to go on" if _SAVES.search(text) else "it saves nothing to go on from"
        lacks.append(Lack(f"no checkpoint: {what}; a trial that was ended is trained anew", _checkpoint_lines(text)))
    if not _VALIDATES.search(text):
        lacks.append(
            Lack(
                "no validation: nothing is measured on data that it does not train on",
                ("n = len(x) // 5", "x_val, y_val, x, y = x[:n], y[:n], x[n:], y[n:]", 'print({"val_loss": ...})'),
            )
        )
    return tuple(lacks)


def _seed_lines(text: str) -> tuple[str, ...]:
    seeds = 'seed = int(os.environ.get("TUNEWELL_SEED", 0))'
    if "import torch" in text or "from torch" in text:
        return ("import os", seeds, "torch.manual_seed(seed)")
    if "keras" in text or "tensorflow" in text:
        return ("import os", seeds, "keras.utils.set_random_seed(seed)")
    if "import jax" in text:
        return ("import os", seeds, "key = jax.random.key(seed)")
    return ("import os", seeds, "rng = np.random.default_rng(seed)")


def _checkpoint_lines(text: str) -> tuple[str, ...]:
    if "lightning" in text:
        return ('trainer.fit(model, ckpt_path="last")',)
    if "import torch" in text or "from torch" in text:
        return (
            'if os.path.exists("last.pt"): model.load_state_dict(torch.load("last.pt"))',
            'torch.save(model.state_dict(), "last.pt")  # after each epoch',
        )
    if "keras" in text:
        return ('model.fit(..., callbacks=[keras.callbacks.BackupAndRestore("backup")])',)
    return ()
