# ruff: noqa: E501  logs stand here as they were printed
"""What programs print, in many habits, with the metric that is to be chosen and its value in each epoch."""

from dataclasses import dataclass

BAR = "\u2501" * 20
FULL, HALF = "\u2588" * 10, "\u2588" * 5 + " " * 5


@dataclass(frozen=True)
class Habit:
    """What a program prints: a text, or pairs of a stream and a text."""

    text: str
    metric: str
    values: tuple
    direction: str = "maximize"


def lines(*texts):
    return "\n".join(texts) + "\n"


def keras3(rows):
    text = ""
    for e, (acc, loss, val_acc, val_loss) in enumerate(rows, start=1):
        text += f"Epoch {e}/{len(rows)}\n"
        for n in (1, 3, 4):
            text += (
                f"\r\x1b[1m{n}/4\x1b[0m \x1b[32m{BAR}\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m 2{n}6ms/step - accuracy: {acc / n:.4f} - loss: {loss * 2:.4f}"
                + "\b" * 70
            )
        text += f"\r\x1b[1m4/4\x1b[0m \x1b[32m{BAR}\x1b[0m \x1b[1m1s\x1b[0m 270ms/step - accuracy: {acc} - loss: {loss} - val_accuracy: {val_acc} - val_loss: {val_loss}\n"
    return text


def tqdm_bar(title, n, of, postfix, end=""):
    share = 100 * n // of
    return f"\r{title}{share:3d}%|{FULL if n == of else HALF}| {n}/{of} [00:0{n % 10}<00:03, 31.22it/s{postfix}]{end}"


def _lightning():
    text = lines(
        "GPU available: False, used: False",
        "  | Name  | Type   | Params | Mode ",
        "----------",
        "0 | layer | Linear | 62     | train",
        "62        Trainable params",
        "0.000     Total estimated model params size (MB)",
    )
    text += "\rSanity Checking DataLoader 0: 100%|" + FULL + "| 2/2 [00:00<00:00, 31.22it/s]"
    stale = ""
    for e, (loss, acc) in enumerate([(0.9, 0.5), (0.7, 0.6), (0.5, 0.75)]):
        text += tqdm_bar(f"Epoch {e}: ", 0, 4, f", v_num=0, train_loss=2.0{stale}")
        text += tqdm_bar(f"Epoch {e}: ", 2, 4, f", v_num=0, train_loss={loss + 0.9}{stale}")
        text += tqdm_bar(f"Epoch {e}: ", 4, 4, f", v_num=0, train_loss={loss + 0.3}{stale}")
        text += "\rValidation DataLoader 0:  50%|" + HALF + "| 1/2 [00:00<00:00, 31.22it/s]"
        stale = f", val_loss={loss}, val_acc={acc}"
        text += tqdm_bar(f"Epoch {e}: ", 4, 4, f", v_num=0, train_loss={loss + 0.3}{stale}", "\n" if e == 2 else "")
    return text + "`Trainer.fit` stopped: `max_epochs=3` reached.\n"


KNOWN = {
    "keras 3": Habit(
        keras3([(0.5, 0.9, 0.55, 0.8), (0.6, 0.7, 0.65, 0.6), (0.7, 0.5, 0.6, 0.65)]), "val_accuracy", (0.55, 0.65, 0.6)
    ),
    "keras 3, no validation": Habit(
        "".join(
            f"Epoch {e}/3\n"
            + "".join(
                f"\r\x1b[1m{n}/4\x1b[0m {BAR} 1s 20ms/step - accuracy: {a / 2} - loss: 1.0" + "\b" * 60 for n in (1, 4)
            )
            + f"\r\x1b[1m4/4\x1b[0m {BAR} 1s 20ms/step - accuracy: {a} - loss: {1 - a}\n"
            for e, a in enumerate((0.5, 0.6, 0.7), start=1)
        ),
        "accuracy",
        (0.5, 0.6, 0.7),
    ),
    "keras 2, verbose 2": Habit(
        lines(
            *(
                f"Epoch {e}/3\n63/63 - 1s - loss: {1 / e:.4f} - accuracy: 0.5 - val_loss: {2 / e:.4f} - val_accuracy: 0.{4 + e}000 - 1s/epoch - 16ms/step"
                for e in (1, 2, 3)
            )
        ),
        "val_accuracy",
        (0.5, 0.6, 0.7),
    ),
    "bars apart, percent": Habit(
        lines(
            "Using device: cpu",
            "Epoch 1/3 | val loss: 0.91, val acc: 61.2%",
            "Epoch 2/3 | val loss: 0.71, val acc: 71.2%",
            "Epoch 3/3 | val loss: 0.31, val acc: 91.2%",
            "Done in 3.1s",
        ),
        "val_acc",
        (0.612, 0.712, 0.912),
    ),
    "percent without its sign": Habit(
        lines(
            *(
                f"Epoch: {e} | Train Loss: {1 / e:.3f} | Train Acc: {50 + e}.0 | Val Loss: 0.9 | Val Acc: {60 + e}.5"
                for e in (1, 2, 3)
            )
        ),
        "val_acc",
        (0.615, 0.625, 0.635),
    ),
    "header and two lines": Habit(
        lines(
            *(
                f"Epoch {e}/2\n----------\ntrain Loss: {1 / (e + 1):.4f} Acc: 0.5\nval Loss: {2 / (e + 1):.4f} Acc: 0.{6 + e}000\n"
                for e in (0, 1, 2)
            ),
            "Training complete in 0m 7s",
            "Best val Acc: 0.800000",
        ),
        "val_acc",
        (0.6, 0.7, 0.8),
    ),
    "MNIST example": Habit(
        lines(
            *(
                f"Train Epoch: {e} [0/60000 (0%)]\tLoss: 2.300000\nTrain Epoch: {e} [640/60000 (1%)]\tLoss: 1.{e}00000\n\nTest set: Average loss: 0.{9 - e}000, Accuracy: {9500 + 100 * e}/10000 ({95 + e}%)\n"
                for e in (1, 2, 3)
            )
        ),
        "test_accuracy",
        (0.96, 0.97, 0.98),
    ),
    "tqdm with epochs in its title": Habit(
        "".join(
            tqdm_bar(f"Epoch {e}: ", 0, 8, "")
            + tqdm_bar(f"Epoch {e}: ", 4, 8, ", loss=1.5, acc=0.3")
            + tqdm_bar(f"Epoch {e}: ", 8, 8, f", loss={1 / e:.2f}, acc=0.{4 + e}")
            + tqdm_bar(f"Epoch {e}: ", 8, 8, f", loss={1 / e:.2f}, acc=0.{4 + e}", "\n")
            for e in (1, 2, 3)
        ),
        "acc",
        (0.5, 0.6, 0.7),
    ),
    "tqdm over epochs": Habit(
        tqdm_bar("", 0, 3, "")
        + "".join(
            tqdm_bar("", e - 1, 3, f", loss={1 / e:.2f}, val_acc=0.{4 + e}")
            + tqdm_bar("", e, 3, f", loss={1 / e:.2f}, val_acc=0.{4 + e}", "\n" if e == 3 else "")
            for e in (1, 2, 3)
        ),
        "val_acc",
        (0.5, 0.6, 0.7),
    ),
    "lightning's bar": Habit(_lightning(), "val_acc", (0.5, 0.6, 0.75)),
    "hugging face": Habit(
        lines(
            *(
                f"{{'loss': 0.{9 - e}9, 'grad_norm': 1.5, 'learning_rate': 2e-05, 'epoch': {e - 0.5}}}\n{{'loss': 0.{9 - e}5, 'grad_norm': 1.5, 'learning_rate': 1e-05, 'epoch': {e}.0}}\n"
                f"{{'eval_loss': 0.{8 - e}, 'eval_accuracy': 0.{6 + e}1, 'eval_runtime': 1.5, 'eval_samples_per_second': 600.0, 'epoch': {e}.0}}"
                for e in (1, 2, 3)
            ),
            "{'train_runtime': 45.1, 'train_samples_per_second': 100.0, 'train_loss': 0.7, 'epoch': 3.0}",
        ),
        "eval_accuracy",
        (0.71, 0.81, 0.91),
    ),
    "logging": Habit(
        lines(
            *(
                f"2026-01-01 12:00:0{e},123 INFO epoch={e} train_loss=0.{9 - e} val_f1=0.{5 + e} lr=0.001"
                for e in (1, 2, 3)
            )
        ),
        "val_f1",
        (0.6, 0.7, 0.8),
    ),
    "bits per byte": Habit(
        lines(
            *(
                f"step {s:05d} | val_bpb: {1.2 - s / 1000:.4f}\nstep {s + 50:05d} | train loss: 3.2 | lr 0.1 | dt: 330ms"
                for s in (100, 200, 300)
            )
        ),
        "val_bpb",
        (1.1, 1.0, 0.9),
        "minimize",
    ),
    "fastai": Habit(
        lines(
            "epoch     train_loss  valid_loss  accuracy  time    ",
            "0         0.903333    0.803333    0.600000  00:12     ",
            "1         0.703333    0.603333    0.700000  00:12     ",
            "2         0.503333    0.403333    0.800000  00:12     ",
        ),
        "accuracy",
        (0.6, 0.7, 0.8),
    ),
    "xgboost": Habit(
        lines(*(f"[{r}]\ttrain-auc:0.9{r}\tvalid-auc:0.8{r}" for r in range(4))), "valid-auc", (0.80, 0.81, 0.82, 0.83)
    ),
    "lightgbm": Habit(
        lines(
            "[LightGBM] [Info] Number of positive: 100, number of negative: 100",
            "Training until validation scores don't improve for 10 rounds",
            *(f"[{r}]\ttraining's binary_logloss: 0.5{r}\tvalid_1's binary_logloss: 0.6{r}" for r in (1, 2, 3)),
        ),
        "valid_1_binary_logloss",
        (0.61, 0.62, 0.63),
        "minimize",
    ),
    "nanoGPT": Habit(
        lines(
            *(
                f"step {s}: train loss {4 - s / 1000:.4f}, val loss {4.1 - s / 1000:.4f}\niter {s}: loss 4.1, time 23.1ms, mfu 2.1%\niter {s + 10}: loss 4.0, time 22.1ms, mfu 2.1%"
                for s in (0, 250, 500)
            )
        ),
        "val_loss",
        (4.1, 3.85, 3.6),
        "minimize",
    ),
    "steps between": Habit(
        lines(
            *(
                "\n".join(
                    [
                        *(f"Epoch [{e}/3], Step [{s}/300], Loss: {2 - e / 10 - s / 1000:.4f}" for s in (100, 200, 300)),
                        f"Validation Accuracy: {70 + e}.5 %",
                    ]
                )
                for e in (1, 2, 3)
            )
        ),
        "validation_accuracy",
        (0.715, 0.725, 0.735),
    ),
    "JSON lines": Habit(
        lines(
            '{"model": "mlp", "batch": 32}',
            *(f'{{"epoch": {e}, "train_loss": {1 / e}, "val_loss": {2 / e}}}' for e in (1, 2, 4)),
        ),
        "val_loss",
        (2.0, 1.0, 0.5),
        "minimize",
    ),
    "tutorial of pytorch": Habit(
        lines(
            *(f"[{e}, {s:5d}] loss: {2 - e / 10 - s / 100000:.3f}" for e in (1, 2, 3) for s in (2000, 4000)),
            "Finished Training",
            "Accuracy of the network on the 10000 test images: 54 %",
        ),
        "test_accuracy",
        (0.54,),
    ),
    "ImageNet example": Habit(
        lines(
            *(
                f"Epoch: [{e}][ 10/5005]\tTime  0.5 ( 0.6)\tData  0.0 ( 0.1)\tLoss 6.9e+00 (7.{e}e+00)\tAcc@1  3.0 (  {e + 1}.5)\tAcc@5 5.0 (6.0)\nTest: [ 0/196]\tTime 0.1 (0.1)\tLoss 5.9e+00 (6.0e+00)\tAcc@1  8.0 (  8.0)\n"
                f" *   Acc@1 {10 * (e + 1)}.5 Acc@5 80.1"
                for e in (0, 1, 2)
            )
        ),
        "test_acc@1",
        (0.105, 0.205, 0.305),
    ),
    "the epoch is named when it is over": Habit(
        lines(*(f"train_loss 0.{9 - e}\nval_loss 0.{8 - e}\nEpoch {e} finished in 12.1s" for e in (1, 2, 3))),
        "val_loss",
        (0.7, 0.6, 0.5),
        "minimize",
    ),
    "validation every second epoch": Habit(
        lines(
            *(
                f"Epoch {e}: train_loss={1 / e:.3f}" + (f"\n  -> val_acc={0.5 + e / 20:.2f}" if e % 2 == 0 else "")
                for e in range(1, 7)
            )
        ),
        "val_acc",
        (0.6, 0.7, 0.8),
    ),
}


OTHERS = {
    "checkpoints between": Habit(
        lines(
            *(
                f"Epoch {e}/3\n63/63 {BAR} 1s 9ms/step - auc: 0.5 - loss: 0.9 - val_auc: 0.{5 + e} - val_loss: 0.{9 - e}\n\nEpoch {e}: val_auc improved from 0.1 to 0.{5 + e}, saving model to best.keras"
                for e in (1, 2, 3)
            )
        ),
        "val_auc",
        (0.6, 0.7, 0.8),
    ),
    "mmengine": Habit(
        lines(
            *(
                f"2026/01/01 12:00:00 - mmengine - INFO - Epoch(train)  [{e}][{s}/100]  lr: 1.0000e-02  eta: 0:10:00  time: 0.2  data_time: 0.01  loss: {2 - e / 10}\n"
                + (
                    f"2026/01/01 12:00:09 - mmengine - INFO - Epoch(val) [{e}][25/25]    coco/bbox_mAP: 0.3{e}10  coco/bbox_mAP_50: 0.5{e}00  data_time: 0.02  time: 0.1"
                    if s == 100
                    else ""
                )
                for e in (1, 2, 3)
                for s in (50, 100)
            )
        ),
        "val_coco/bbox_map",
        (0.311, 0.321, 0.331),
    ),
    "timm": Habit(
        lines(
            *(
                f"Train: {e} [   0/1251 (  0%)]  Loss: 6.95 (6.95)  Time: 2.1s,   60.1/s  LR: 1.000e-05  Data: 1.0 (1.0)\nTest: [   0/48]  Time: 1.0 (1.0)  Loss:  5.1 (5.10)  Acc@1:  10.0 ( 11.{e})  Acc@5: 30.0 (31.0)\n"
                f"Test: [  48/48]  Time: 0.1 (0.1)  Loss:  5.0 (5.0{e})  Acc@1:  20.0 ( 2{e}.5)  Acc@5: 40.0 ( 41.0)"
                for e in (0, 1, 2)
            )
        ),
        "test_acc@1",
        (0.205, 0.215, 0.225),
    ),
    "fairseq": Habit(
        lines(
            *(
                f"2026-01-01 12:00:00 | INFO | train_inner | epoch 00{e}:    100 / 391 loss=9.{e}, nll_loss=8.1, ppl=300.1, wps=1000, lr=0.0001\n"
                f"2026-01-01 12:00:09 | INFO | valid | epoch 00{e} | valid on 'valid' subset | loss {8 - e / 10} | nll_loss {7 - e / 10} | ppl {150 - e}.5 | wps 5000 | num_updates {391 * e}\n"
                f"2026-01-01 12:00:10 | INFO | train | epoch 00{e} | loss 8.9 | nll_loss 8.2 | ppl 290.1 | wps 999 | train_wall 40"
                for e in (1, 2, 3)
            )
        ),
        "valid_ppl",
        (149.5, 148.5, 147.5),
        "minimize",
    ),
    "flax": Habit(
        lines(
            *(
                f"I0101 12:00:00.000000 140 train.py:146] train epoch: {e}, loss: 0.{9 - e}, accuracy: 9{e}.20\nI0101 12:00:01.000000 140 train.py:150] eval epoch: {e}, loss: 0.{8 - e}, accuracy: 9{e + 1}.40"
                for e in (1, 2, 3)
            )
        ),
        "eval_accuracy",
        (0.924, 0.934, 0.944),
    ),
    "dive into deep learning": Habit(
        lines(
            *(
                f"epoch {e}, loss {1 / e:.4f}, train acc 0.8{e}0, test acc 0.7{e}5, 2310.1 examples/sec on cpu"
                for e in (1, 2, 3)
            )
        ),
        "test_acc",
        (0.715, 0.725, 0.735),
    ),
    "quickstart of pytorch": Habit(
        lines(
            *(
                f"Epoch {e}\n-------------------------------\nloss: 2.30{e}  [   64/60000]\nloss: 2.20{e}  [ 6464/60000]\nTest Error: \n Accuracy: 4{e}.0%, Avg loss: 2.1{9 - e}0000 \n"
                for e in (1, 2, 3)
            ),
            "Done!",
        ),
        "test_accuracy",
        (0.41, 0.42, 0.43),
    ),
    "loguru": Habit(
        lines(
            *(
                f"2026-01-01 12:00:00.123 | INFO     | __main__:train:42 - Epoch {e} done. Train loss: 0.9, Dev F1: 7{e}.2"
                for e in (1, 2, 3)
            )
        ),
        "dev_f1",
        (0.712, 0.722, 0.732),
    ),
    "table of hugging face": Habit(
        lines(
            "Epoch\tTraining Loss\tValidation Loss\tAccuracy\tF1",
            *(f"{e}\t{'No log' if e == 1 else '0.5'}\t0.6{9 - e}\t0.8{e}\t0.7{e}" for e in (1, 2, 3)),
        ),
        "accuracy",
        (0.81, 0.82, 0.83),
    ),
    "multi-layer perceptron of scikit-learn": Habit(
        lines(
            *(f"Iteration {e}, loss = 0.{9 - e}9\nValidation score: 0.{5 + e}0" for e in (1, 2, 3)),
            "Training loss did not improve more than tol=0.000100 for 10 consecutive epochs. Stopping.",
        ),
        "validation_score",
        (0.6, 0.7, 0.8),
    ),
    "nested dicts": Habit(
        lines(
            *(
                f"{{'epoch': {e}, 'train': {{'loss': 0.{9 - e}}}, 'val': {{'loss': 0.{8 - e}, 'auc': 0.{6 + e}}}}}"
                for e in (1, 2, 3)
            )
        ),
        "val/auc",
        (0.7, 0.8, 0.9),
    ),
    "table of rich": Habit(
        lines(
            "┏━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━━━━┳━━━━━━━━━┓",
            "┃ Epoch ┃ Train Loss ┃ Val Loss ┃ Val Acc ┃",
            "┡━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━━━━╇━━━━━━━━━┩",
            *(f"│ {e}     │ 0.9{e}       │ 0.8{9 - e}     │ 6{e}.0%   │" for e in (1, 2, 3)),
            "└───────┴────────────┴──────────┴─────────┘",
        ),
        "val_acc",
        (0.61, 0.62, 0.63),
    ),
    "double bars": Habit(
        lines(
            *(
                f"[Epoch {e}] train: loss=0.{9 - e} acc=0.8 || valid: loss=0.{8 - e} acc=0.{6 + e} || 12.1s"
                for e in (1, 2, 3)
            )
        ),
        "valid_acc",
        (0.7, 0.8, 0.9),
    ),
    "short names": Habit(
        lines(*(f"Ep 0{e}/20 — tr_loss 0.9{e} — va_loss 0.8{9 - e} — va_acc 0.6{e}" for e in (1, 2, 3))),
        "va_acc",
        (0.61, 0.62, 0.63),
    ),
    "stable baselines": Habit(
        lines(
            *(
                f"---------------------------------\n| rollout/           |          |\n|    ep_len_mean     | 21.{e}     |\n|    ep_rew_mean     | {21 + e}.2     |\n| time/              |          |\n|    fps             | 1034     |\n|    iterations      | {e}        |\n|    total_timesteps | {2048 * e}     |\n---------------------------------"
                for e in (1, 2, 3)
            )
        ),
        "ep_rew_mean",
        (22.2, 23.2, 24.2),
    ),
    "two networks": Habit(
        lines(*(f"Epoch {e}: D loss 0.5{e}, G loss 0.9{e}, FID: 4{9 - e}.2" for e in (1, 2, 3))),
        "fid",
        (48.2, 47.2, 46.2),
        "minimize",
    ),
    "tensors": Habit(
        lines(
            *(
                f"epoch {e}: train_loss tensor(0.9{e}, grad_fn=<NllLossBackward0>) val_loss tensor(0.8{9 - e}, device='cuda:0')"
                for e in (1, 2, 3)
            )
        ),
        "val_loss",
        (0.88, 0.87, 0.86),
        "minimize",
    ),
    "dicts of accelerate": Habit(
        lines(*(f"epoch {e}: {{'accuracy': 0.7{e}, 'f1': 0.8{e}}}" for e in (0, 1, 2))), "accuracy", (0.70, 0.71, 0.72)
    ),
    "after the header, with an arrow": Habit(
        lines(
            *(
                f"### Epoch {e} ###\n  batch 10/20 loss=1.{e}\n  batch 20/20 loss=0.{e}\n==> Validation: MSE=0.5{9 - e}, R2=0.8{e}"
                for e in (1, 2, 3)
            )
        ),
        "validation_r2",
        (0.81, 0.82, 0.83),
    ),
    "segmentation": Habit(
        lines(
            *(f"Epoch {e}/3 [train] loss 0.9\nEpoch {e}/3 [val] loss 0.8 mIoU: 0.5{e} | Dice 0.6{e}" for e in (1, 2, 3))
        ),
        "val_miou",
        (0.51, 0.52, 0.53),
    ),
    "goes on from a checkpoint": Habit(
        lines(
            "Resuming from checkpoint epoch_5.pt",
            *(f"Epoch {e}/8 train_loss: 0.5 val_loss: 0.4{9 - e} lr: 1e-4" for e in (6, 7, 8)),
        ),
        "val_loss",
        (0.43, 0.42, 0.41),
        "minimize",
    ),
    "old keras with a bar": Habit(
        lines(
            *(
                f"Epoch {e}/3\n\r  32/1000 [..............................] - ETA: 9s - loss: 2.3 - acc: 0.1"
                + "\b" * 70
                + "\r 992/1000 [============================>.] - ETA: 0s - loss: 1.3 - acc: 0.3"
                + "\b" * 70
                + f"\r1000/1000 [==============================] - 2s 2ms/sample - loss: 1.2 - acc: 0.4 - val_loss: 1.1 - val_acc: 0.4{e}"
                for e in (1, 2, 3)
            )
        ),
        "val_acc",
        (0.41, 0.42, 0.43),
    ),
    "bars of training and of validation": Habit(
        "".join(
            tqdm_bar("Train: ", 4, 8, ", loss=1.5")
            + tqdm_bar("Train: ", 8, 8, f", loss={1 / e:.2f}", "\n")
            + tqdm_bar("Valid: ", 1, 2, ", loss=1.4, acc=0.2")
            + tqdm_bar("Valid: ", 2, 2, f", loss={2 / e:.2f}, acc=0.{4 + e}", "\n")
            for e in (1, 2, 3)
        ),
        "valid_acc",
        (0.5, 0.6, 0.7),
    ),
}


LATER = {
    "equal signs in brackets": Habit(
        lines(*(f"[{e}/3] (train) loss=0.9{e} acc=0.5 (val) loss=0.8{9 - e} acc=0.6{e} [12.3s]" for e in (1, 2, 3))),
        "val_acc",
        (0.61, 0.62, 0.63),
    ),
    "a paragraph an epoch": Habit(
        lines(
            *(
                f"Epoch {e}\n  Training loss:       0.9{e}\n  Validation loss:     0.8{9 - e}\n  Validation accuracy: 0.6{e}\n  Learning rate:       0.001\n"
                for e in (1, 2, 3)
            )
        ),
        "validation_accuracy",
        (0.61, 0.62, 0.63),
    ),
    "emoji and arrows": Habit(
        lines(
            "🚀 Training started",
            *(f"⏱ Epoch {e:>3} → train_loss: 0.9{e} ▸ val_loss: 0.8{9 - e} ▸ val_auroc: 0.7{e} ✅" for e in (1, 2, 3)),
        ),
        "val_auroc",
        (0.71, 0.72, 0.73),
    ),
    "structlog": Habit(
        lines(
            *(
                f"2026-01-01T12:00:0{e}.123456Z [info     ] epoch finished              [trainer] epoch={e} train_loss=0.9{e} val_loss=0.8{9 - e} val_iou=0.5{e}"
                for e in (1, 2, 3)
            )
        ),
        "val_iou",
        (0.51, 0.52, 0.53),
    ),
    "regression": Habit(
        lines(
            *(
                f"Epoch {e}/3: train RMSE = 3.{9 - e}1, valid RMSE = 4.{9 - e}2, valid MAE = 2.{9 - e}"
                for e in (1, 2, 3)
            )
        ),
        "valid_rmse",
        (4.82, 4.72, 4.62),
        "minimize",
    ),
    "speech": Habit(
        lines(
            *(f"epoch {e} | dev WER 2{9 - e}.5% | dev CER 1{9 - e}.1% | train ctc_loss 1.{9 - e}" for e in (1, 2, 3))
        ),
        "dev_wer",
        (0.285, 0.275, 0.265),
        "minimize",
    ),
    "translation": Habit(
        lines(
            *(
                f"Epoch: 0{e} | Time: 0m 3{e}s\n\tTrain Loss: 4.{9 - e} | Train PPL: 90.1\n\t Val. Loss: 3.{9 - e} |  Val. PPL: 4{9 - e}.5"
                for e in (1, 2, 3)
            )
        ),
        "val_ppl",
        (48.5, 47.5, 46.5),
        "minimize",
    ),
    "bars of tqdm, then a line": Habit(
        "".join(
            tqdm_bar("", 4, 8, "")
            + tqdm_bar("", 8, 8, "", "\n")
            + f"Epoch {e}: train loss 0.{9 - e}, dev acc 0.{5 + e}\n"
            for e in (1, 2, 3)
        ),
        "dev_acc",
        (0.6, 0.7, 0.8),
    ),
    "names apart from numbers": Habit(
        lines(*(f"Epoch {e:2d}  loss  0.9{e}  val_loss  0.8{9 - e}  val_f1  0.7{e}  lr 1.0e-03" for e in (1, 2, 3))),
        "val_f1",
        (0.71, 0.72, 0.73),
    ),
    "evaluations by steps": Habit(
        lines(
            *(
                f"{{'loss': 2.{9 - s}, 'grad_norm': 1.0, 'learning_rate': 1e-05, 'epoch': 0.{s}}}\n{{'eval_loss': 1.{9 - s}, 'eval_f1': 0.{5 + s}, 'eval_runtime': 3.1, 'epoch': 0.{s}}}"
                for s in (1, 2, 3)
            )
        ),
        "eval_f1",
        (0.6, 0.7, 0.8),
    ),
    "jax": Habit(
        lines(
            *(
                f"INFO:absl:epoch:  {e}, train_loss: 0.1{9 - e}, train_accuracy: 9{e}.50, test_loss: 0.2{9 - e}, test_accuracy: 8{e}.50"
                for e in (1, 2, 3)
            )
        ),
        "test_accuracy",
        (0.815, 0.825, 0.835),
    ),
    "a line of stars": Habit(
        lines(
            *(
                f"***** Epoch {e} *****\nTrain - loss 0.9{e} - acc 0.5\nEval  - loss 0.8{9 - e} - acc 0.6{e} - macro F1 0.5{e}\nSaved best model (acc 0.6{e})"
                for e in (1, 2, 3)
            )
        ),
        "eval_acc",
        (0.61, 0.62, 0.63),
    ),
    "columns": Habit(
        lines(
            "  ep |  trn loss |  val loss | val acc | time",
            "-----+-----------+-----------+---------+------",
            *(f"   {e} |    0.9{e}00 |    0.8{9 - e}00 |  6{e}.25% | 1.2s" for e in (1, 2, 3)),
        ),
        "val_acc",
        (0.6125, 0.6225, 0.6325),
    ),
    "the epoch within the name": Habit(
        lines(
            *(f"Training loss after epoch {e}: 0.9{e}\nValidation loss after epoch {e}: 0.8{9 - e}" for e in (1, 2, 3))
        ),
        "validation_loss",
        (0.88, 0.87, 0.86),
        "minimize",
    ),
    "a sentence": Habit(
        lines(*(f"Epoch {e}: accuracy on validation set is 0.6{e}" for e in (1, 2, 3))),
        "accuracy_on_validation_set",
        (0.61, 0.62, 0.63),
    ),
    "paths of names": Habit(
        lines(
            *(
                f"[step={s}/1000]\n    train/CrossEntropyLoss=2.{9 - s // 100}\n    throughput/total_tokens=100\n    eval/c4/CrossEntropyLoss=2.{8 - s // 100}"
                for s in (100, 200, 300)
            )
        ),
        "eval/c4/CrossEntropyLoss",
        (2.7, 2.6, 2.5),
        "minimize",
    ),
    "series": Habit(
        lines(
            *(
                f"Epoch: {e} cost time: 3.2\nEpoch: {e}, Steps: 100 | Train Loss: 0.9 Vali Loss: 0.8{9 - e} Test Loss: 0.7{9 - e}\nUpdating learning rate to 0.0001"
                for e in (1, 2, 3)
            )
        ),
        "vali_loss",
        (0.88, 0.87, 0.86),
        "minimize",
    ),
}
