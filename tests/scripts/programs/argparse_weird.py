import argparse
def float_or_none(s):
    return None if s.lower() == "none" else float(s)
def str2bool(v):
    return v.lower() in ("yes", "true", "1")
def get_args(argv=None):
    p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter, allow_abbrev=False)
    opt = p.add_argument_group("optimisation")
    opt.add_argument("-lr", "--base-lr", dest="base_lr", type=float_or_none, default="3e-4", help="base LR")
    opt.add_argument("--wd", metavar="W", default=0.05, type=float)
    opt.add_argument("--betas", nargs=2, type=float, default=[0.9, 0.999])
    opt.add_argument("--opt", type=str.lower, default="adamw", choices=("sgd", "adamw", "lion"))
    opt.add_argument("-b", "--bs", type=lambda s: int(s), default=32, help="images per batch")
    p.add_argument("--use-mixup", type=str2bool, nargs="?", const=True, default=False)
    p.add_argument("--label_smoothing", "--ls", type=float, default=0.1)
    p.add_argument("--drop-path", type=float, default=0.1)
    p.add_argument("--ema", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--hidden-sizes", type=int, nargs="+", default=[256, 128])
    p.add_argument("--n-epoch", "-e", type=int, default=12, dest="E")
    p.add_argument("--img-size", type=int, default=32)
    p.add_argument("--print-every", type=int, default=50)
    p.add_argument("--gpu", type=int, default=0)
    p.add_argument("--out", default="runs/x")
    return p.parse_args(argv)
def main():
    a = get_args()
    for e in range(a.E):
        print(f"epoch {e}: val_acc={0.5 + e * a.base_lr:.4f}")
if __name__ == "__main__":
    main()
