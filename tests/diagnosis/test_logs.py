# ruff: noqa: E501, ISC004  logs stand here as they were printed
"""Records from the logs that people have: what a training printed, in the habits of many libraries and of their own."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewell as tw
from tunewell.diagnosis import examine
from tunewell.diagnosis.readers import decoded, read_file, read_text
from tunewell.errors import RecordError
from tunewell.logs.names import meaning

BAR = "\u2501" * 20


def lines(*texts):
    return "\n".join(texts) + "\n"


def rows(record, *curves):
    return [tuple(row.get(curve) for curve in curves) for row in record["epochs"]]


LOSS, ACC = ("train_loss", "val_loss"), ("train_accuracy", "val_accuracy")
HABITS = {
    "keras 3": (
        lines(
            "Epoch 1/2",
            f"\r\x1b[1m 1/63\x1b[0m \x1b[32m{BAR}\x1b[0m \x1b[1m12s\x1b[0m 203ms/step - accuracy: 0.1 - loss: 2.4"
            f"\r\x1b[1m63/63\x1b[0m \x1b[32m{BAR}\x1b[0m \x1b[1m1s\x1b[0m 4ms/step - accuracy: 0.5 - loss: 1.2"
            f" - val_accuracy: 0.55 - val_loss: 1.1",
            "Epoch 2/2",
            f"\r\x1b[1m63/63\x1b[0m \x1b[32m{BAR}\x1b[0m 0s 4ms/step - accuracy: 0.71 - loss: 0.91"
            f"\r\x1b[1m63/63\x1b[0m \x1b[32m{BAR}\x1b[0m 0s 4ms/step - accuracy: 0.7 - loss: 0.9 - val_accuracy: 0.65"
            " - val_loss: 0.95 - learning_rate: 0.0010",
        ),
        (*LOSS, *ACC),
        [(1.2, 1.1, 0.5, 0.55), (0.9, 0.95, 0.7, 0.65)],
    ),
    "keras 3, every update on a line of its own": (
        lines(
            "Epoch 1/2",
            f" 1/63 {BAR} 12s 203ms/step - accuracy: 0.1000 - loss: 2.4000",
            f"63/63 {BAR} 1s 4ms/step - accuracy: 0.5 - loss: 1.2 - val_accuracy: 0.55 - val_loss: 1.1",
            "",
            "Epoch 2: val_loss improved from 1.10000 to 0.95000, saving model to best.keras",
            "Epoch 2/2",
            f"63/63 {BAR} 1s 4ms/step - accuracy: 0.7 - loss: 0.9 - val_accuracy: 0.65 - val_loss: 0.95",
            "Epoch 2: early stopping",
            "Restoring model weights from the end of the best epoch: 2.",
        ),
        (*LOSS, *ACC),
        [(1.2, 1.1, 0.5, 0.55), (0.9, 0.95, 0.7, 0.65)],
    ),
    "keras 2": (
        lines(
            "Train on 40199 samples, validate on 19801 samples",
            "Epoch 1/2",
            "  128/40199 [..............................] - ETA: 1:04 - loss: 2.3 - acc: 0.09\x08\x08\x08",
            "40199/40199 [==============================] - 4s 87us/step - loss: 1.5 - acc: 0.4 - val_loss: 1.6 - val_acc: 0.3",
            "Epoch 2/2",
            "40199/40199 [==============================] - 3s 76us/step - loss: 1.0 - acc: 0.6 - val_loss: 1.4 - val_acc: 0.5",
        ),
        (*LOSS, *ACC),
        [(1.5, 1.6, 0.4, 0.3), (1.0, 1.4, 0.6, 0.5)],
    ),
    "keras without the lines of epochs": (
        lines(
            f"63/63 {BAR} 1s 4ms/step - accuracy: 0.5 - loss: 1.2 - val_accuracy: 0.55 - val_loss: 1.1",
            f"63/63 {BAR} 1s 4ms/step - accuracy: 0.7 - loss: 0.9 - val_accuracy: 0.65 - val_loss: 0.95",
        ),
        (*LOSS, *ACC),
        [(1.2, 1.1, 0.5, 0.55), (0.9, 0.95, 0.7, 0.65)],
    ),
    "a training of one epoch in a loop": (
        lines(
            *(
                f"Epoch 1/1\n100/100 [==============================] - 1s 9ms/step - loss: {loss} - acc: 0.5"
                for loss in (1.0, 0.8, 0.7)
            )
        ),
        ("train_loss",),
        [(1.0,), (0.8,), (0.7,)],
    ),
    "keras, verbose=2": (
        lines(
            "Epoch 1/2",
            "63/63 - 1s - 4ms/step - accuracy: 0.5 - loss: 1.2 - val_loss: 1.1",
            "Epoch 2/2",
            "63/63 - 0s - 4ms/step - accuracy: 0.7 - loss: 0.9 - val_loss: 0.9",
        ),
        (*LOSS, "train_accuracy"),
        [(1.2, 1.1, 0.5), (0.9, 0.9, 0.7)],
    ),
    "bars apart": (
        "Epoch 1/10 | train loss: 1.31, val acc: 61.2%\nEpoch 2/10 | train loss: 1.11, val acc: 71.5 %\n",
        ("train_loss", "val_accuracy"),
        [(1.31, 0.612), (1.11, 0.715)],
    ),
    "equals signs": ("epoch: 1, loss=0.9\nepoch: 2, loss=0.42\n", ("train_loss",), [(0.9,), (0.42,)]),
    "bare words": (
        "epoch 1 loss 0.9 acc 0.5\nepoch 2 loss 0.42 acc 0.71\n",
        ("train_loss", "train_accuracy"),
        [(0.9, 0.5), (0.42, 0.71)],
    ),
    "square brackets": (
        "Epoch [1/10], Loss: 0.9, Val Loss: 0.8\nEpoch [2/10], Loss: 0.7, Val Loss: 0.75\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "epochs from 0": ("Epoch 0: loss 0.9\nEpoch 1: loss 0.8\n", ("epoch", "train_loss"), [(1, 0.9), (2, 0.8)]),
    "steps of the PyTorch tutorial": (
        "[1,  2000] loss: 2.2\n[1,  4000] loss: 1.8\n[2,  2000] loss: 1.5\n[2,  4000] loss: 1.3\n[3,  2000] loss: 1.0\n",
        ("train_loss",),
        [(2.0,), (1.4,), (1.0,)],
    ),
    "the MNIST example of PyTorch": (
        lines(
            *(
                f"Train Epoch: {e} [0/60000 (0%)]\tLoss: {3 / e:.6f}\nTrain Epoch: {e} [640/60000 (1%)]\tLoss: {1 / e:.6f}\n"
                f"\nTest set: Average loss: {0.1 / e:.4f}, Accuracy: {9800 + e}/10000 (98%)\n"
                for e in (1, 2)
            )
        ),
        (*LOSS, "val_accuracy"),
        [(2.0, 0.1, 0.9801), (1.0, 0.05, 0.9802)],
    ),
    "two lines an epoch": (
        lines(
            "Epoch 0/24",
            "----------",
            "train Loss: 0.6 Acc: 0.7",
            "val Loss: 0.5 Acc: 0.8",
            "",
            "Epoch 1/24",
            "----------",
            "train Loss: 0.4 Acc: 0.8",
            "val Loss: 0.3 Acc: 0.9",
            "",
            "Training complete in 1m 7s",
            "Best val Acc: 0.900000",
        ),
        (*LOSS, *ACC),
        [(0.6, 0.5, 0.7, 0.8), (0.4, 0.3, 0.8, 0.9)],
    ),
    "two lines an epoch, and no epochs": (
        lines("train loss: 0.9", "val loss: 0.8", "train loss: 0.7", "val loss: 0.75"),
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "splits before the colon": (
        "Epoch 1 Train: loss 0.9 acc 0.5 | Val: loss 0.8 acc 0.6\nEpoch 2 Train: loss 0.7 acc 0.6 | Val: loss 0.7 acc 0.7\n",
        (*LOSS, *ACC),
        [(0.9, 0.8, 0.5, 0.6), (0.7, 0.7, 0.6, 0.7)],
    ),
    "tqdm": (
        lines(
            "Epoch 1:   0%|          | 0/391 [00:00<?, ?it/s]\r"
            "Epoch 1:  50%|\u2588\u2588\u2588\u2588\u2588     | 196/391 [00:06<00:06, 31.2it/s, loss=1.2, acc=0.4]\r"
            "Epoch 1: 100%|\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588| 391/391 [00:12<00:00, 31.2it/s, loss=0.9, acc=0.5]",
            "Epoch 2: 100%|\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588| 391/391 [00:12<00:00, 31.2it/s, loss=0.7, acc=0.6]",
        ),
        ("train_loss", "train_accuracy"),
        [(0.9, 0.5), (0.7, 0.6)],
    ),
    "logging": (
        lines(
            "2024-03-01 12:00:00,123 INFO train.py:33 - Epoch 1: train_loss=0.9 val_loss=0.8",
            "2024-03-01 12:01:00,456 INFO train.py:33 - Epoch 2: train_loss=0.7 val_loss=0.75",
        ),
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "logging with names of loggers": (
        "INFO:trainer:epoch 1 loss 0.9\nINFO:trainer:epoch 2 loss 0.8\n",
        ("train_loss",),
        [(0.9,), (0.8,)],
    ),
    "stamps in brackets": (
        "[2024-03-01 12:00:00] [INFO] epoch 1/2 loss 0.9\n[2024-03-01 12:00:09] [INFO] epoch 2/2 loss 0.8\n",
        ("train_loss",),
        [(0.9,), (0.8,)],
    ),
    "the ImageNet example of PyTorch": (
        lines(
            *(
                f"Epoch: [{e}][ 10/5005]\tTime  0.5 ( 0.6)\tData  0.0 ( 0.1)\tLoss 6.9e+00 (7.{e}e+00)\tAcc@1  3.0 (  {e + 1}.5)\t"
                f"Acc@5 5.0 (6.0)\nTest: [ 0/196]\tTime 0.1 (0.1)\tLoss 5.9e+00 (6.0e+00)\tAcc@1  8.0 (  8.0)\n"
                f" *   Acc@1 {10 * (e + 1)}.5 Acc@5 80.1"
                for e in (0, 1)
            )
        ),
        (*LOSS, *ACC),
        [(7.0, 6.0, 0.015, 0.105), (7.1, 6.0, 0.025, 0.205)],
    ),
    "printed dicts of hugging face": (
        lines(
            "{'loss': 0.69, 'grad_norm': 1.5, 'learning_rate': 4e-05, 'epoch': 0.5}",
            "{'loss': 0.61, 'grad_norm': 1.5, 'learning_rate': 3e-05, 'epoch': 1.0}",
            "{'eval_loss': 0.6, 'eval_accuracy': 0.7, 'eval_runtime': 1.2, 'epoch': 1.0}",
            "{'loss': 0.5, 'grad_norm': 1.5, 'learning_rate': 2e-05, 'epoch': 2.0}",
            "{'eval_loss': 0.55, 'eval_accuracy': 0.75, 'eval_runtime': 1.2, 'epoch': 2.0}",
            "{'train_runtime': 12.0, 'train_samples_per_second': 8.0, 'train_loss': 0.6, 'epoch': 2.0}",
        ),
        (*LOSS, "val_accuracy"),
        [(0.65, 0.6, 0.7), (0.5, 0.55, 0.75)],
    ),
    "printed dicts with their numbers as text": (
        "{'loss': '0.69', 'epoch': '1'}\n{'loss': '0.5', 'epoch': '2'}\n",
        ("train_loss",),
        [(0.69,), (0.5,)],
    ),
    "the table of hugging face in a notebook": (
        "Epoch\tTraining Loss\tValidation Loss\tAccuracy\n1\tNo log\t0.6814\t0.635\n2\t0.7268\t0.7061\t0.365\n",
        (*LOSS, *ACC),
        [(None, 0.6814, None, 0.635), (0.7268, 0.7061, None, 0.365)],
    ),
    "that table with spaces": (
        "Epoch Training Loss Validation Loss Accuracy\n1 No log 0.6814 0.635\n2 0.7268 0.7061 0.365\n",
        (*LOSS, "val_accuracy"),
        [(None, 0.6814, 0.635), (0.7268, 0.7061, 0.365)],
    ),
    "fastai": (
        lines(
            "epoch     train_loss  valid_loss  accuracy  time    ",
            "0         0.9         0.8         0.6       00:12     ",
            "1         0.7         0.7         0.7       00:11     ",
        ),
        (*LOSS, *ACC),
        [(0.9, 0.8, None, 0.6), (0.7, 0.7, None, 0.7)],
    ),
    "fastai with an error rate": (
        "epoch  train_loss  valid_loss  error_rate  time\n0  0.9  0.8  0.4  00:12\n1  0.7  0.7  0.25  00:11\n",
        (*LOSS, "val_accuracy"),
        [(0.9, 0.8, 0.6), (0.7, 0.7, 0.75)],
    ),
    "markdown": (
        "| epoch | train loss | val acc |\n|---|---:|---|\n| 1 | 0.9 | 61% |\n| 2 | 0.7 | 65% |\n",
        ("train_loss", "val_accuracy"),
        [(0.9, 0.61), (0.7, 0.65)],
    ),
    "a table below other lines": (
        "Using device cuda\nTotal params: 1,234\nepoch  train_loss  val_loss\n1  0.9  0.8\n2  0.7  0.75\nfinished\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "lightning": (
        lines(
            "Epoch 0: 100%|\u2588\u2588\u2588| 391/391 [00:12<00:00, 31.2it/s, v_num=0, train_loss=0.9, val_loss=0.8]",
            "Epoch 1: 100%|\u2588\u2588\u2588| 391/391 [00:12<00:00, 31.2it/s, v_num=0, train_loss=0.7, val_loss=0.75]",
        ),
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "yolo": (
        lines(
            "                  epoch,         train/box_loss,         train/cls_loss,   metrics/mAP50(B),           val/box_loss,"
            "           val/cls_loss,                 lr/pg0",
            "                      1,                    1.5,                    2.5,            0.1,                    1.0,"
            "                    2.0,                  0.001",
            "                      2,                    1.0,                    2.0,            0.3,                    1.0,"
            "                    1.0,                  0.001",
        ),
        (*LOSS, "val_map"),
        [(4.0, 3.0, 0.1), (3.0, 2.0, 0.3)],
    ),
    "boosted trees": (
        "[0]\ttrain-logloss:0.9\tval-logloss:0.8\n[1]\ttrain-logloss:0.7\tval-logloss:0.75\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "lightgbm": (
        "[1]\ttraining's binary_logloss: 0.9\tvalid_1's binary_logloss: 0.8\n"
        "[2]\ttraining's binary_logloss: 0.7\tvalid_1's binary_logloss: 0.75\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "json lines with splits inside": (
        '{"epoch": 1, "train": {"loss": 0.9}, "val": {"loss": 0.8}}\n'
        '{"epoch": 2, "train": {"loss": 0.7}, "val": {"loss": 0.75}}\n',
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "json lines of steps, with gaps": (
        '{"step": 10, "loss": 0.9, "val_loss": null}\n{"step": 20, "loss": 0.7, "val_loss": 0.8}\n'
        '{"step": 30, "loss": 0.5, "val_loss": null}\n{"step": 40, "loss": 0.3, "val_loss": 0.6}\n',
        LOSS,
        [(0.8, 0.8), (0.4, 0.6)],
    ),
    "tensors": (
        "Epoch 1 loss tensor(0.9, device='cuda:0', grad_fn=<NllLossBackward0>) acc tensor(0.5)\n"
        "Epoch 2 loss tensor(0.7, device='cuda:0', grad_fn=<NllLossBackward0>) acc tensor(0.6)\n",
        ("train_loss", "train_accuracy"),
        [(0.9, 0.5), (0.7, 0.6)],
    ),
    "numbers of numpy": (
        "{'epoch': 1, 'loss': np.float64(0.9)}\n{'epoch': 2, 'loss': np.float32(0.7)}\n",
        ("train_loss",),
        [(0.9,), (0.7,)],
    ),
    "scikit-learn": (
        "Iteration 1, loss = 0.9\nIteration 2, loss = 0.7\nIteration 3, loss = 0.6\n",
        ("train_loss",),
        [(0.9,), (0.7,), (0.6,)],
    ),
    "both splits of one number": (
        "Epoch 1 | train/val loss: 0.9/0.8\nEpoch 2 | train/val loss: 0.7/0.75\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "a test split alone": (
        "Epoch 1 loss 0.9 test acc 0.5\nEpoch 2 loss 0.7 test acc 0.6\n",
        ("train_loss", "val_accuracy"),
        [(0.9, 0.5), (0.7, 0.6)],
    ),
    "numbers that are not finite": (
        "Epoch 1: loss=2.3\nEpoch 2: loss=nan\nEpoch 3: loss=inf\n",
        ("train_loss",),
        [(2.3,), (pytest.approx(math.nan, nan_ok=True),), (math.inf,)],
    ),
    "gaps": ("Epoch 1: loss 0.9\nEpoch 2: loss 0.8\nEpoch 5: loss 0.5\n", ("epoch",), [(1,), (2,), (5,)]),
    "an epoch that was resumed": (
        "Epoch 1 loss 0.9\nEpoch 2 loss 0.8\nEpoch 3 loss 5\nEpoch 2 loss 0.7\nEpoch 3 loss 0.6\n",
        ("train_loss",),
        [(0.9,), (0.7,), (0.6,)],
    ),
    "separators of all kinds": (
        "Epoch: 01 | Epoch Time: 0m 12s\n\tTrain Loss: 0.9 | Train PPL: 2.460\n\t Val. Loss: 0.8 |  Val. PPL: 2.226\n"
        "Epoch: 02 | Epoch Time: 0m 12s\n\tTrain Loss: 0.7 | Train PPL: 2.014\n\t Val. Loss: 0.75 |  Val. PPL: 2.117\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "arrows and emphasis": (
        "==> Epoch 1 ==> train loss -> 0.9 **val loss** -> 0.8\n==> Epoch 2 ==> train loss -> 0.7 **val loss** -> 0.75\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "the quickstart of PyTorch": (
        lines(
            *(
                f"Epoch {e}\n-------------------------------\nloss: {3 / e:.6f}  [   64/60000]\nloss: {1 / e:.6f}  [ 6464/60000]\n"
                f"Test Error: \n Accuracy: {70 + e}.0%, Avg loss: {0.8 / e:>8f} \n"
                for e in (1, 2)
            )
        ),
        (*LOSS, "val_accuracy"),
        [(2.0, 0.8, 0.71), (1.0, 0.4, 0.72)],
    ),
    "the best so far beside what is": (
        "Epoch 1 loss 0.9 val acc 0.5 (best 0.5), saved to best.pt\nEpoch 2 loss 0.7 val acc 0.4 (best 0.5)\n",
        ("train_loss", "val_accuracy"),
        [(0.9, 0.5), (0.7, 0.4)],
    ),
    "the first five are no accuracy": (
        "Epoch 1 loss 0.9 top-1 acc 50.0 top-5 acc 80.0\nEpoch 2 loss 0.7 top-1 acc 60.0 top-5 acc 90.0\n",
        ("train_loss", "train_accuracy"),
        [(0.9, 0.5), (0.7, 0.6)],
    ),
    "an index without a name": (",epoch,loss,val_loss\n0,1,0.9,0.8\n1,2,0.7,0.75\n", LOSS, [(0.9, 0.8), (0.7, 0.75)]),
    "loguru": (
        "2024-01-01 12:00:00.123 | INFO     | __main__:train:42 - epoch 1 val loss 0.9\n"
        "2024-01-01 12:00:09.123 | INFO     | __main__:train:42 - epoch 2 val loss 0.8\n",
        LOSS,
        [(None, 0.9), (None, 0.8)],
    ),
    "skorch, in colors": (
        "  epoch    train_loss    valid_acc    valid_loss     dur\n-------  ------------  -----------  ------------  ------\n"
        "      1        \x1b[36m0.9\x1b[0m       \x1b[32m0.5\x1b[0m        \x1b[35m0.8\x1b[0m  0.1\n"
        "      2        0.7       0.6        0.75  0.1\n",
        (*LOSS, "val_accuracy"),
        [(0.9, 0.8, 0.5), (0.7, 0.75, 0.6)],
    ),
    "rich": (
        "┏━━━━━━━┳━━━━━━┓\n┃ epoch ┃ loss ┃\n┡━━━━━━━╇━━━━━━┩\n│ 1     │ 0.9  │\n│ 2     │ 0.7  │\n└───────┴──────┘\n",
        ("train_loss",),
        [(0.9,), (0.7,)],
    ),
    "openmmlab": (
        "2024-01-01 10:00:00,000 - mmcls - INFO - Epoch [1][100/500]\tlr: 1.0e-01, eta: 1:00:00, time: 0.3, loss: 0.9, top1_acc: 0.2\n"
        "2024-01-01 10:00:00,000 - mmcls - INFO - Epoch(val) [1][10]\taccuracy_top-1: 35.0, accuracy_top-5: 80.0\n"
        "2024-01-01 10:00:00,000 - mmcls - INFO - Epoch [2][100/500]\tlr: 1.0e-01, eta: 1:00:00, loss: 0.7, top1_acc: 0.3\n"
        "2024-01-01 10:00:00,000 - mmcls - INFO - Epoch(val) [2][10]\taccuracy_top-1: 45.0, accuracy_top-5: 85.0\n",
        ("train_loss", *ACC),
        [(0.9, 0.2, 0.35), (0.7, 0.3, 0.45)],
    ),
    "ignite": (
        lines(
            *(
                f"{split} Results - Epoch: {e}  Avg accuracy: {acc} Avg loss: {loss}"
                for e, split, acc, loss in (
                    *((1, "Training", 0.5, 0.9), (1, "Validation", 0.6, 0.8)),
                    *((2, "Training", 0.6, 0.7), (2, "Validation", 0.7, 0.75)),
                )
            )
        ),
        (*LOSS, *ACC),
        [(0.9, 0.8, 0.5, 0.6), (0.7, 0.75, 0.6, 0.7)],
    ),
    "splits in brackets": (
        "Epoch 1 | loss (train): 0.9 | loss (val): 0.8\nEpoch 2 | loss (train): 0.7 | loss (val): 0.75\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "sentences": (
        "Finished epoch 1, training loss is 0.9 and validation loss is 0.8\n"
        "Finished epoch 2, training loss is 0.7 and validation loss is 0.75\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "decimal commas": ("Epoch 1: loss 0,9\nEpoch 2: loss 0,75\n", ("train_loss",), [(0.9,), (0.75,)]),
    "the history of keras, printed": (
        "{'loss': [0.9, 0.7], 'val_loss': [0.8, 0.75]}\n",
        LOSS,
        [(0.9, 0.8), (0.7, 0.75)],
    ),
    "a line for each metric": (
        lines(
            *(
                f"Epoch: {e}\nTraining loss: {loss}\nTraining accuracy: {acc}\nValidation loss: {loss}"
                for e, loss, acc in ((1, 0.9, 50.0), (2, 0.7, 60.0))
            )
        ),
        (*LOSS, "train_accuracy"),
        [(0.9, 0.9, 0.5), (0.7, 0.7, 0.6)],
    ),
    "steps that are evaluated": (
        lines(
            *(
                f"step {s}: train loss {loss}, val loss {loss}\niter {s}: loss {loss}, time 100.00ms, mfu 3.0%\n"
                f"iter {s + 10}: loss {loss}, time 100.00ms, mfu 3.0%"
                for s, loss in ((0, 0.9), (250, 0.8), (500, 0.7))
            )
        ),
        LOSS,
        [(0.9, 0.9), (0.8, 0.8), (0.7, 0.7)],
    ),
    "exponents": ("epoch 1 loss 9.0e-01\nepoch 2 loss 7E-1\n", ("train_loss",), [(0.9,), (0.7,)]),
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_log_is_read_in_the_habit_that_it_is_written_in(habit):
    text, curves, expected = HABITS[habit]
    record = read_text(text)
    found = rows(record, *curves)
    assert len(found) == len(expected)
    for row, wanted in zip(found, expected, strict=True):
        assert row == pytest.approx(wanted, nan_ok=True) if None not in wanted else row == wanted
    assert tw.diagnose(record)


# what a name means


@pytest.mark.parametrize(
    ("name", "quantity", "split"),
    [
        ("Acc@1", "accuracy", ""),
        ("val_f1_score", "f1", "val"),
        ("F1 macro", "f1", ""),
        ("valid mIoU", "iou", "val"),
        ("metrics/mAP50-95(B)", "map", ""),
        ("test_error", "error", "test"),
        ("roc_auc", "auc", ""),
        ("R²", "r2", ""),
        ("val_root_mean_squared_error", "rmse", "val"),
        ("mean_absolute_error", "mae", ""),
        ("Train PPL", "perplexity", "train"),
        ("mse_loss", "loss", ""),
        ("dice loss", "loss", ""),
        ("LRAP", "lrap", ""),
        ("precision", "precision", ""),
    ],
)
def test_a_metric_is_taken_for_what_it_is(name, quantity, split):
    known = meaning(name)
    assert (known.quantity, known.split) == (quantity, split)


@pytest.mark.parametrize("name", ["Prec@5", "top5 acc", "loss_D", "loss_ratio", "acc_gap", "grad norm", "time"])
def test_what_is_no_accuracy_is_not_taken_for_one(name):
    assert meaning(name) is None


@pytest.mark.parametrize(
    ("header", "task"),
    [
        ("epoch,loss,val_loss", "classification"),
        ("epoch,loss,val_accuracy", "classification"),
        ("epoch,mse_loss,val_mse_loss", "regression"),
        ("epoch,loss,val_mae", "regression"),
        ("epoch,rmse,val_rmse", "regression"),
        ("epoch,loss,val_r2", "regression"),
        ("epoch,train_ppl,val_ppl", "other"),
        ("epoch,loss,val_dice", "other"),
        ("epoch,loss,val_f1", "classification"),
    ],
)
def test_the_task_is_that_of_the_metrics(header, task):
    run = examine(read_text(f"{header}\n1,2.0,0.4\n2,1.5,0.5\n3,1.2,0.55\n")).run
    assert run.task == task
    assert not run.estimated or header in ("epoch,loss,val_loss", "epoch,loss,val_accuracy")


def test_the_logarithm_of_a_perplexity_and_an_error_in_numbers_are_losses():
    assert rows(read_text("epoch,train_ppl\n1,20.0\n"), "train_loss") == [(pytest.approx(math.log(20)),)]
    assert rows(read_text("epoch,rmse,val_rmse\n1,3,4\n"), *LOSS) == [(3, 4)]
    with pytest.raises(RecordError, match="has 'train auc', 'val auc', and no loss or accuracy"):
        read_text("epoch 1 train auc: 0.9 val auc: 0.8\n")


def test_names_without_a_split_are_training_where_validation_has_its_own():
    assert rows(read_text("epoch,loss,val_loss,acc,val_acc\n1,1,2,0.5,0.4\n"), *ACC) == [(0.5, 0.4)]
    assert rows(read_text("epoch,train_loss,val_loss,acc\n1,1,2,0.5\n"), *ACC) == [(None, 0.5)]
    assert rows(read_text("epoch,train_loss,train_acc,acc\n1,1,0.5,0.4\n"), *ACC) == [(0.5, 0.4)]


def test_percentages_are_seen_column_by_column():
    text = "Epoch 1 train acc 0.62 val acc 58.1\nEpoch 2 train acc 0.71 val acc 60.2\n"
    assert rows(read_text(text), *ACC) == [(0.62, pytest.approx(0.581)), (0.71, pytest.approx(0.602))]


# which rows


TWO_RUNS = "".join(f"Epoch {e}/3 loss {r / e:.4f}\n" for r in (1, 2) for e in (1, 2, 3))


def test_of_several_runs_the_last_is_read_or_the_one_of_a_number():
    assert rows(read_text(TWO_RUNS), "train_loss")[0] == (2.0,)
    assert read_text(TWO_RUNS)["source"]["runs"] == 2
    assert rows(read_text(TWO_RUNS, run=1), "train_loss")[0] == (1.0,)
    with pytest.raises(RecordError, match="has 2 runs, and no run 3"):
        read_text(TWO_RUNS, run=3)


def test_the_metrics_of_a_whole_record_are_recognized():
    epochs = [{"epoch": 1, "train_loss": 1.0, "valid F1": 0.1}]
    assert examine(read_text(json.dumps({"n_classes": 3, "epochs": epochs}))).run.scores["val_f1"] == [0.1]


def test_a_whole_record_is_one_run():
    record = json.dumps({"n_classes": 3, "epochs": [{"epoch": 1, "train_loss": 1.0}]})
    assert read_text(record, run=1)["n_classes"] == 3
    with pytest.raises(RecordError, match="has 1 run, and no run 2"):
        read_text(record, run=2)


def test_a_csv_file_that_was_appended_to_has_several_runs():
    run = "epoch,loss\n0,{0}\n1,{0}\n"
    assert rows(read_text(run.format(2) + run.format(1)), "train_loss") == [(1,), (1,)]
    assert read_text("epoch,loss\n0,3\n1,3\n0,1\n1,1\n")["source"]["runs"] == 2


def test_a_run_that_was_cut_off_in_its_first_epoch_is_apart_from_the_next():
    record = read_text("Epoch 1/2\nloss: 9\nEpoch 1/2\nloss: 2\nEpoch 2/2\nloss: 1\n")
    assert record["source"]["runs"] == 2
    assert rows(record, "train_loss") == [(2.0,), (1.0,)]


def test_steps_within_one_epoch_stand_for_epochs_and_it_says_so():
    record = read_text("".join(f"Train Epoch: 1 [{64 * i}/6000]\tLoss: {2 - i / 100}\n" for i in range(90)))
    assert 10 <= len(record["epochs"]) <= 90
    assert record["source"]["parts"] == "parts of the steps of one epoch"
    steps = read_text("".join(f"step {100 * i} | loss {2 - i / 1000} | lr 3e-4\n" for i in range(1, 900)))
    assert len(steps["epochs"]) == 40
    assert steps["source"]["parts"] == "parts of the steps"


def test_columns_of_printed_lines_can_be_renamed():
    text = "Epoch 1 cost: 2.0 score: 0.4 loss: 7\nEpoch 2 cost: 1.5 score: 0.5 loss: 7\n"
    columns = {"train_loss": "cost", "val_accuracy": "score"}
    assert rows(read_text(text, columns), "train_loss", "val_accuracy") == [(2.0, 0.4), (1.5, 0.5)]
    with pytest.raises(RecordError, match="there is no column 'price'"):
        read_text(text, {"train_loss": "price"})


def test_a_shell_of_windows_writes_logs_in_utf_16():
    content = "Epoch 1 loss 0.9\r\nEpoch 2 loss 0.7\r\n".encode("utf-16")
    assert rows(read_text(decoded("log.txt", content)), "train_loss") == [(0.9,), (0.7,)]


def test_a_byte_that_is_no_text_does_not_hide_the_rest(tmp_path):
    (tmp_path / "log.txt").write_bytes(b"Epoch 1 \xe2\x96 loss 0.9\nEpoch 2 \xff loss 0.7\n")
    assert rows(read_file(tmp_path / "log.txt"), "train_loss") == [(0.9,), (0.7,)]
    (tmp_path / "model.pt").write_bytes(b"PK\x03\x04\x00\x00loss 0.9")
    with pytest.raises(RecordError, match=r"model.pt is no text"):
        read_file(tmp_path / "model.pt")


def test_the_state_of_hugging_faces_trainer():
    history = [
        {"epoch": 1.0, "loss": 0.72, "learning_rate": 0.006, "step": 63},
        {"epoch": 1.0, "eval_accuracy": 0.63, "eval_loss": 0.68, "eval_runtime": 1.1, "step": 63},
        {"epoch": 2.0, "loss": 0.7, "learning_rate": 0.003, "step": 126},
        {"epoch": 2.0, "eval_accuracy": 0.64, "eval_loss": 0.66, "eval_runtime": 1.1, "step": 126},
    ]
    record = read_text(json.dumps({"epoch": 2.0, "global_step": 126, "log_history": history}))
    assert rows(record, *LOSS, "val_accuracy", "lr") == [(0.72, 0.68, 0.63, 0.006), (0.7, 0.66, 0.64, 0.003)]


def test_a_text_of_something_else_is_refused_with_its_first_line():
    with pytest.raises(RecordError, match=r"begins with 'Dear diary,', where .* understood are lines such as") as error:
        read_text("\n  Dear diary,\nit was 3 o'clock.\n")
    assert "\n" not in str(error.value)


# any numbers in any habit

NUMBERS = st.floats(1e-4, 1e4).map(lambda value: float(f"{value:.4g}"))
SHARES = st.floats(0, 1).map(lambda value: round(value, 4))
FORMS = [
    "Epoch {e}/{n} - loss: {a} - accuracy: {c} - val_loss: {b} - val_accuracy: {d}",
    "epoch {e} train loss {a} train acc {c} val loss {b} val acc {d}",
    "Epoch [{e}/{n}], Train Loss: {a}, Train Acc: {c}, Val Loss: {b}, Val Acc: {d}",
    "epoch={e} train_loss={a} train_acc={c} val_loss={b} val_acc={d}",
    "{{'epoch': {e}, 'train_loss': {a}, 'train_acc': {c}, 'val_loss': {b}, 'val_acc': {d}}}",
    "2024-03-01 12:00:0{k},001 - INFO - Epoch {e} | Train: loss {a} acc {c} | Val: loss {b} acc {d}",
    "Epoch {e}\ntrain Loss: {a} Acc: {c}\nval Loss: {b} Acc: {d}\n",
    "[{e}/{n}][train] loss: {a}; acc: {c} [val] loss: {b}; acc: {d} (12.3s, 4.5 it/s)",
]
FORMS_OF_TABLES = [
    ("epoch,loss,accuracy,val_loss,val_accuracy", "{e},{a},{c},{b},{d}"),
    ("epoch\ttrain_loss\ttrain_acc\tval_loss\tval_acc", "{e}\t{a}\t{c}\t{b}\t{d}"),
    ("| Epoch | Train Loss | Train Acc | Val Loss | Val Acc |", "| {e} | {a} | {c} | {b} | {d} |"),
    ("epoch  train_loss  train_acc  val_loss  val_acc", "{e}  {a}  {c}  {b}  {d}"),
]


@given(
    form=st.sampled_from([*(("", form) for form in FORMS), *FORMS_OF_TABLES]),
    values=st.lists(st.tuples(NUMBERS, NUMBERS, SHARES, SHARES), min_size=2, max_size=9),
)
def test_what_is_written_in_a_habit_is_read_again(form, values):
    header, line = form
    printed = [
        line.format(e=e, k=e, n=len(values), a=a, b=b, c=c, d=d) for e, (a, b, c, d) in enumerate(values, start=1)
    ]
    record = read_text(lines(*([header] if header else []), *printed))
    assert rows(record, *LOSS, *ACC) == [pytest.approx(row) for row in values]


PIECES = [*"epoch loss acc val train 0.5 1/3 nan 12 % : = | [ ] ( { } , step".split(), "\n", "\r", "\t"]  # noqa: SIM905


@given(st.text(max_size=400) | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_any_text_is_read_or_refused_in_a_line(text):
    try:
        record, refused = read_text(text), ""
    except RecordError as error:
        record, refused = {"epochs": [{}]}, str(error)
    assert record["epochs"]
    assert len(refused.splitlines()) <= 1
