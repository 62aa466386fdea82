import argparse
from dataclasses import dataclass

HIDDEN = 128
p = argparse.ArgumentParser()
p.add_argument("--epochs", "-e", type=int, default=12)
p.add_argument("--lr", type=float, default=1e-3, help="initial learning rate")
p.add_argument("--lr-schedule", choices=["cosine", "step", "constant"], default="cosine")
p.add_argument("--temperature", type=float, default=4.0, help="distillation temperature")
p.add_argument("--alpha", type=float, default=0.5, help="weight of the soft loss")
p.add_argument("--teacher", default="resnet50")
p.add_argument("--resume", default="")
p.add_argument("--no-augment", dest="augment", action="store_false")
p.add_argument("--eval-every", type=int, default=1)
p.add_argument("--ema-decay", type=float, default=0.999)
a = p.parse_args()
raise SystemExit(3)
