"""The direction in which a metric is better, as far as its name says so."""

from __future__ import annotations

import re

from tunewell.errors import SettingError

_UP = {
    "accuracy",
    "acc",
    "auc",
    "auroc",
    "f1",
    "precision",
    "recall",
    "r2",
    "score",
    "iou",
    "dice",
    "bleu",
    "map",
    "reward",
}
_DOWN = {"loss", "error", "err", "mse", "rmse", "mae", "perplexity", "ppl", "nll", "wer", "cer", "bpc", "brier"}


def direction_of(metric: str, direction: str | None = None) -> str:
    """Return `minimize` or `maximize`: as given, else as the metric's name tells.

    Raises:
        SettingError: the direction is neither, or the name does not tell.
    """
    if not metric:
        raise SettingError("the metric needs a name: the one it has in your reports, such as val_accuracy")
    if direction is not None:
        if direction not in ("minimize", "maximize"):
            raise SettingError(f"direction must be 'minimize' or 'maximize', got {direction!r}")
        return direction
    # valLoss is val and loss, but mAP is one word
    parted = re.sub(r"([a-z])([A-Z])", r"\1_\2", metric)
    words = set(re.split(r"[^a-z0-9]+", f"{metric} {parted}".lower()))
    up, down = bool(words & _UP), bool(words & _DOWN)
    if up == down:
        raise SettingError(
            f"whether {metric!r} is better high or low cannot be told from its name; "
            f"say direction='maximize' or 'minimize' (--direction on the command line)"
        )
    return "maximize" if up else "minimize"
