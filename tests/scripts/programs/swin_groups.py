import argparse


def get_args():
    p = argparse.ArgumentParser("swin")
    d = p.add_argument_group("data")
    d.add_argument("--data-path", type=str, default="x")
    d.add_argument("--img-size", type=int, default=224)
    d.add_argument("--num-workers", default=8, type=int)
    o = p.add_argument_group("optim")
    o.add_argument("--opt", default="adamw", choices=["adamw", "sgd", "lamb"])
    o.add_argument("--base-lr", type=float, default=5e-4)
    o.add_argument("--warmup-epochs", type=int, default=20)
    o.add_argument("--weight-decay", type=float, default=0.05)
    o.add_argument("--layer-decay", type=float, default=0.75)
    o.add_argument("--clip-grad", type=float, default=5.0)
    r = p.add_argument_group("reg")
    r.add_argument("--drop-path-rate", type=float, default=0.1)
    r.add_argument("--label-smoothing", type=float, default=0.1)
    r.add_argument("--mixup", type=float, default=0.8)
    r.add_argument("--cutmix", type=float, default=1.0)
    r.add_argument("--random-erase", type=float, default=0.25, dest="reprob")
    p.add_argument("--epochs", type=int, default=300)
    p.add_argument("--local_rank", type=int, default=0)
    p.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--tag", default="default")
    p.add_argument("--print-freq", type=int, default=10)
    return p.parse_args()


if __name__ == "__main__":
    a = get_args()
    print("never")
    raise SystemExit(3)
