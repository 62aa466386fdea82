import sys
import argparse
ap = argparse.ArgumentParser(prog="tabular", description="A small regression.")
ap.add_argument("csv", help="the table")
ap.add_argument("--step-size", type=float, default=0.05, help="of gradient descent")
ap.add_argument("--n-hidden", type=int, default=20)
ap.add_argument("--ridge", type=float, default=1e-3, help="L2 penalty of the weights")
ap.add_argument("--noise", type=float, default=0.0, help="added to the inputs while training")
ap.add_argument("--nepochs", type=int, default=200)
ap.add_argument("--test-fraction", type=float, default=0.25)
ap.add_argument("--outfile", type=argparse.FileType("w"), default=sys.stdout)
ap.add_argument("--show", action="store_true", help="plot at the end")
opts = ap.parse_args()
for epoch in range(opts.nepochs):
    print(f"{epoch}\t{1 / (1 + epoch):.4f}")
