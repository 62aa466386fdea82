"""The framework of a training is known by what only it prints, and by what a script imports."""

import pytest

from tunewell.diagnosis.readers import read_text
from tunewell.diagnosis.readers.framework import of_log, of_names, of_source

LOGS = {
    "keras": [
        "63/63 ━━━━━━━━━━━━━━━━━━━━ 1s 4ms/step - accuracy: 0.91 - loss: 0.31 - val_loss: 0.35",
        "391/391 [==============================] - 12s 31ms/step - loss: 0.31 - val_loss: 0.4",
        "63/63 - 1s - loss: 0.31 - accuracy: 0.9 - val_loss: 0.35",
        "120/391 [=====>......] - ETA: 10s - loss: 0.4",
    ],
    "huggingface": [
        "{'loss': 0.69, 'grad_norm': 1.2, 'learning_rate': 4e-05, 'epoch': 0.5}",
        "{'eval_loss': 0.6, 'eval_runtime': 1.2, 'epoch': 1.0}",
    ],
    "lightning": ["Epoch 3: 100%|██████| 391/391 [00:12<00:00, 31.2it/s, v_num=3, train_loss=0.31, val_loss=0.4]"],
    "fastai": ["epoch     train_loss  valid_loss  accuracy  time"],
    "boosting": ["[10]\ttrain-logloss:0.31\tval-logloss:0.4", "[3]\tvalidation_0-rmse:1.2"],
    "": [
        "Epoch 3/10 | train loss: 0.31, val acc: 91.2%",
        "epoch 3 loss 0.42 acc 0.71",
        "[3, 200] loss: 1.2",
        "Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.29",
        "Epoch 3: 100%|██████| 391/391 [00:12<00:00, 31.2it/s, train_loss=0.31, val_loss=0.4]",
        "100%|██████| 391/391 [05:12<00:00,  1.2s/step, loss=0.3]",
        "{'loss': 0.69, 'epoch': 0.5}",
    ],
}


@pytest.mark.parametrize(("framework", "line"), [(name, line) for name, lines in LOGS.items() for line in lines])
def test_a_log_is_of_the_framework_that_prints_such_lines(framework, line):
    assert of_log(f"before\n{line}\nafter") == framework


@pytest.mark.parametrize(
    ("columns", "framework"),
    [
        ("epoch,accuracy,loss,val_accuracy,val_loss", "keras"),
        ("epoch,accuracy,learning_rate,loss,val_accuracy,val_loss", "keras"),
        ("epoch,train_loss,train_acc,val_loss,val_acc", ""),
        ("epoch,loss,val_loss", ""),
        ("epoch,loss,accuracy,val_loss,val_accuracy", ""),
    ],
)
def test_the_table_of_keras_has_its_names_sorted(columns, framework):
    assert of_names(columns.split(",")) == framework


@pytest.mark.parametrize(
    ("source", "framework"),
    [
        ("import torch\nfrom torch import nn", "pytorch"),
        ("import lightning as L\nimport torch", "lightning"),
        ("from transformers import AutoModel\nimport torch", "pytorch"),
        ("from transformers import Trainer\nimport torch", "huggingface"),
        ("from tensorflow import keras", "keras"),
        ("import keras\nimport torch", ""),
        ("import jax.numpy as jnp", "jax"),
        ("from tunewell import nn", "tunewell"),
        ("import numpy as np\nimport tunewell as tw", ""),
        ("import xgboost as xgb", "boosting"),
        ("this is no Python", ""),
    ],
)
def test_a_script_is_of_the_framework_that_it_imports(source, framework):
    assert of_source(source) == framework


def test_a_record_that_is_read_has_it_unless_it_says_so_itself():
    log = "".join(f"Epoch {e}/3\n63/63 ━━━━━━━ 1s 4ms/step - loss: {1 / e} - val_loss: {1 / e}\n" for e in (1, 2, 3))
    assert read_text(log)["config"] == {"framework": "keras"}
    own = '{"config": {"framework": "jax"}, "epochs": [{"train_loss": 1.0, "note": "v_num=1"}]}'
    assert read_text(own)["config"]["framework"] == "jax"
    assert "config" not in read_text("epoch 1 loss 0.5\nepoch 2 loss 0.4\n")
