"""Handwritten digits in Hugging Face's Trainer, ready to be tuned; two lines are tunewell's.

python examples/transformers_digits.py                          trains once, with the defaults
tunewell tune examples/transformers_digits.py --budget 10       tunes it
"""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import tunewell as tw
from tunewell.adapters.transformers import follow  # tunewell
from tunewell.demo.digits import part

EPOCHS = 4
metric = "eval_loss"
space = tw.Space(
    learning_rate=tw.learning_rate(optimizer="adam"), hidden=tw.Choice([8, 16, 32], ordered=True, default=16)
)


def pixels(name: str, n: int) -> list[dict[str, Any]]:
    """Return images as sequences of their rows' darkest places, and the digits."""
    x, y = (np.asarray(one)[:n] for one in part(name, 0))
    words = x.reshape(-1, 8, 8).argmax(axis=2)
    return [{"input_ids": torch.tensor(one), "labels": int(digit)} for one, digit in zip(words, y, strict=True)]


def train(run: tw.Run) -> Trainer:
    """Train a small BERT with the run's setting."""
    torch.manual_seed(run.seed)
    hidden = run.params.hidden
    sizes = {"hidden_size": hidden, "intermediate_size": hidden, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = BertForSequenceClassification(BertConfig(vocab_size=8, max_position_embeddings=8, num_labels=10, **sizes))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            learning_rate=run.params.learning_rate,
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=64,
            per_device_eval_batch_size=128,
            seed=run.seed % 2**31,
            eval_strategy="epoch",
            logging_strategy="epoch",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = Trainer(model, arguments, train_dataset=pixels("train", 256), eval_dataset=pixels("validation", 128))
        follow(trainer, run)  # tunewell
        trainer.train()
    return trainer


if __name__ == "__main__":
    train(tw.current_run(**space.defaults()))
