import argparse


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default="/mnt/data", type=str)
    parser.add_argument("--epochs", default=100, type=int)
    parser.add_argument("--start_epoch", default=0, type=int, metavar="N")
    parser.add_argument("--lr", "--learning-rate", default=0.001, type=float, metavar="LR")
    parser.add_argument("--drop", "--dropout", default=0, type=float, metavar="Dropout", help="Dropout ratio")
    parser.add_argument("--schedule", type=int, default=20, help="Set epochs to decrease learning rate.")
    parser.add_argument("--gamma", type=float, default=0.8, help="LR is multiplied by gamma on schedule.")
    parser.add_argument("--momentum", default=0.9, type=float)
    parser.add_argument("--weight_decay", "--wd", default=5e-4, type=float)
    parser.add_argument("-c", "--checkpoint", default="pruned/", type=str)
    return parser.parse_args()


args = parse()
for epoch in range(3):
    print(f"epoch {epoch} val_acc {1 - 2**-epoch}")
