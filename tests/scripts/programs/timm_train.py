import argparse
import json

config_parser = parser = argparse.ArgumentParser(description="Training Config", add_help=False)
parser.add_argument(
    "-c", "--config", default="", type=str, metavar="FILE", help="JSON config file specifying default arguments"
)
parser = argparse.ArgumentParser(description="PyTorch Image Models Training")
group = parser.add_argument_group("Dataset parameters")
group.add_argument("--data-dir", metavar="DIR", help="path to dataset (root dir)")
group = parser.add_argument_group("Model parameters")
group.add_argument(
    "--model", default="resnet50", type=str, metavar="MODEL", help='Name of model to train (default: "resnet50")'
)
group.add_argument("--pretrained", action="store_true", default=False)
group.add_argument("--resume", default="", type=str, metavar="PATH")
group.add_argument("--num-classes", type=int, default=None, metavar="N")
group.add_argument("--img-size", type=int, default=None, metavar="N")
group.add_argument("-b", "--batch-size", type=int, default=128, metavar="N")
group.add_argument("-vb", "--validation-batch-size", type=int, default=None, metavar="N")
group = parser.add_argument_group("Optimizer parameters")
group.add_argument("--opt", default="sgd", type=str, choices=["sgd", "adamw", "lamb"], metavar="OPTIMIZER")
group.add_argument("--momentum", type=float, default=0.9, metavar="M")
group.add_argument("--weight-decay", type=float, default=2e-5)
group.add_argument("--clip-grad", type=float, default=None, metavar="NORM")
group.add_argument("--layer-decay", type=float, default=None)
group.add_argument("--sched", type=str, default="cosine", choices=["cosine", "step", "plateau"])
group.add_argument("--lr", type=float, default=0.1, metavar="LR")
group.add_argument("--warmup-lr", type=float, default=1e-5, metavar="LR")
group.add_argument("--min-lr", type=float, default=1e-6, metavar="LR")
group.add_argument("--epochs", type=int, default=300, metavar="N")
group.add_argument("--warmup-epochs", type=int, default=5, metavar="N")
group.add_argument("--decay-epochs", type=float, default=90, metavar="N")
group.add_argument("--decay-rate", "--dr", type=float, default=0.1, metavar="RATE")
group.add_argument("--hflip", type=float, default=0.5)
group.add_argument("--color-jitter", type=float, default=0.4, metavar="PCT")
group.add_argument("--reprob", type=float, default=0.0, metavar="PCT")
group.add_argument("--mixup", type=float, default=0.0)
group.add_argument("--cutmix", type=float, default=0.0)
group.add_argument("--smoothing", type=float, default=0.1)
group.add_argument("--drop", type=float, default=0.0, metavar="PCT")
group.add_argument("--drop-path", type=float, default=None, metavar="PCT")
group.add_argument("--model-ema", action="store_true", default=False)
group.add_argument("--model-ema-decay", type=float, default=0.9998)
group.add_argument("--seed", type=int, default=42, metavar="S")
group.add_argument("--log-interval", type=int, default=50, metavar="N")
group.add_argument("-j", "--workers", type=int, default=4, metavar="N")
group.add_argument("--amp", action="store_true", default=False)
group.add_argument("--output", default="", type=str, metavar="PATH")


def _parse_args():
    args_config, remaining = config_parser.parse_known_args()
    if args_config.config:
        with open(args_config.config, "r") as f:
            parser.set_defaults(**json.load(f))
    return parser.parse_args(remaining)


def main():
    args = _parse_args()
    for epoch in range(args.epochs):
        print(f"Test: [{epoch}] Acc@1: {epoch:.3f}")


if __name__ == "__main__":
    main()
