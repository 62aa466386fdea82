import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--dataset", type=str, default="Cora")
parser.add_argument("--hidden_channels", type=int, default=16)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--use_gdc", action="store_true", help="Use GDC")
parser.add_argument("--wandb", action="store_true", help="Track experiment")
args = parser.parse_args()
for epoch in range(1, args.epochs + 1):
    print(f"Epoch: {epoch:03d}, Loss: {1 / epoch:.4f}, Train: .8, Val: {1 - 1 / epoch:.4f}")
