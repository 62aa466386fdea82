"""What a mistyped name probably meant."""

import pytest

from tunewell.near_names import did_you_mean, nearest

WATCHED = ["train_loss", "train_accuracy", "test_accuracy", "val_loss", "val_accuracy", *(f"m{i}" for i in range(23))]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("hiden", ["hidden", "layers"], "hidden"),
        ("acc", WATCHED, "val_accuracy"),
        ("loss", WATCHED, "val_loss"),
        ("Val_Loss", WATCHED, "val_loss"),
        ("val-loss", WATCHED, "val_loss"),
        ("acuracy", WATCHED, "val_accuracy"),
        ("hiden", ["layers", "hidden_units"], "hidden_units"),
        ("lr", ["layers", "learning_rate"], "learning_rate"),
        ("zebra", WATCHED, None),
        ("x", [], None),
    ],
)
def test_the_nearest_name_is_the_one_that_was_meant(name, known, meant):
    assert nearest(name, known) == meant


def test_a_long_list_is_shortened():
    assert did_you_mean("zebra", WATCHED).endswith("m6, 16 more")
    assert did_you_mean("acc", WATCHED) == "did you mean 'val_accuracy'?"
    assert did_you_mean("zebra", []) == "there are none"
