import argparse


def get_args():
    p = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    p.add_argument("--env-id", type=str, default="Hopper-v4", help="the id of the gym environment")
    p.add_argument("--total-timesteps", type=int, default=1000000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--gamma", type=float, default=0.99, help="the discount factor gamma")
    p.add_argument("--tau", type=float, default=0.005, help="target smoothing coefficient (default: 0.005)")
    p.add_argument("--batch-size", type=int, default=256)
    p.add_argument("--buffer-size", type=int, default=int(1e6), help="the replay memory buffer size")
    p.add_argument("--learning-starts", type=int, default=5000, help="timestep to start learning")
    p.add_argument("--policy-lr", type=float, default=3e-4)
    p.add_argument("--q-lr", type=float, default=1e-3)
    p.add_argument("--policy-frequency", type=int, default=2, help="the frequency of training policy (delayed)")
    p.add_argument("--target-network-frequency", type=int, default=1)
    p.add_argument("--alpha", type=float, default=0.2, help="Entropy regularization coefficient.")
    p.add_argument("--autotune", action=argparse.BooleanOptionalAction, default=True)
    p.add_argument("--hidden-dim", type=int, default=256)
    p.add_argument("--start-e", type=float, default=1.0, help="the starting epsilon for exploration")
    p.add_argument("--end-e", type=float, default=0.05)
    p.add_argument("--exploration-fraction", type=float, default=0.5)
    p.add_argument("--noise-std", type=float, default=0.1, help="exploration noise")
    p.add_argument("--num-eval-episodes", type=int, default=10)
    p.add_argument("--render", action="store_true")
    p.add_argument("--save-every", type=int, default=10000)
    p.add_argument("--cuda", action=argparse.BooleanOptionalAction, default=True)
    return p.parse_args()


if __name__ == "__main__":
    args = get_args()
    for step in range(3):
        print(f"global_step={step}, episodic_return={step}")
