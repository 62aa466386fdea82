import argparse

common = argparse.ArgumentParser(add_help=False)
common.add_argument("--lr", type=float, default=3e-4)
common.add_argument("--seed", type=int, default=1)
common.add_argument("--device", default="cpu")


def main(argv=None):
    p = argparse.ArgumentParser(prog="nlp")
    sub = p.add_subparsers(dest="cmd", required=True)
    pre = sub.add_parser("pretrain", parents=[common])
    pre.add_argument("--mask-prob", type=float, default=0.15)
    ft = sub.add_parser("finetune", parents=[common])
    ft.add_argument("--max-epochs", type=int, default=5)
    ft.add_argument("--freeze-layers", type=int, default=0)
    ft.add_argument("--head-dropout", type=float, default=0.3)
    ft.add_argument("--warmup-ratio", type=float, default=0.06)
    ft.add_argument("--per-device-batch", type=int, default=16)
    ft.add_argument("--checkpoint", default="bert-base")
    a = p.parse_args(argv)
    raise SystemExit(4)


main()
