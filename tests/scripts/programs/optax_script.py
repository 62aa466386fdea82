import argparse


def main():
    parser = argparse.ArgumentParser("JAX MLP")
    parser.add_argument("--learning_rate", type=float, default=3e-3)
    parser.add_argument("--warmup_steps", type=int, default=100)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch_size", type=int, default=100)
    parser.add_argument("--hidden_sizes", type=int, nargs="*", default=[128, 128])
    parser.add_argument("--weight_decay", type=float, default=1e-4)
    parser.add_argument("--ema", type=float, default=0.999, help="decay of the parameters' average")
    parser.add_argument("--data_seed", type=int, default=0)
    parser.add_argument("--num_train", type=int, default=1000)
    parser.add_argument("--log_every", type=int, default=100)
    parser.add_argument("--eval_every", type=int, default=500)
    parser.add_argument("--checkpoint_dir", type=str, default=None)
    args = parser.parse_args()
    for step in range(0, args.steps, args.eval_every):
        print({"step": step, "eval_loss": 1 / (1 + step)})


if __name__ == "__main__":
    main()
