# ruff: noqa: E501, ISC004  logs stand here as they were printed
"""Records from the logs that people have: what a training printed, in the habits of many libraries and of their own."""

import math

import pytest

import tunewell as tw
from tunewell.diagnosis.readers import read_text

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
