from argparse import ArgumentParser


class LitModel:
    @staticmethod
    def add_model_specific_args(parent_parser):
        parser = parent_parser.add_argument_group("LitModel")
        parser.add_argument("--lr", type=float, default=0.001)
        parser.add_argument("--hidden_dim", type=int, default=128)
        parser.add_argument("--dropout", type=float, default=0.2)
        return parent_parser


def cli_main():
    parser = ArgumentParser()
    parser.add_argument("--batch_size", default=32, type=int)
    parser.add_argument("--data_dir", default="./", type=str)
    parser.add_argument("--num_workers", default=2, type=int)
    parser.add_argument("--max_epochs", default=10, type=int)
    parser.add_argument("--gradient_clip_val", default=0.5, type=float)
    parser.add_argument("--accumulate_grad_batches", default=1, type=int)
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", default="auto")
    parser.add_argument("--precision", default="32-true")
    parser.add_argument("--fast_dev_run", action="store_true")
    parser.add_argument("--default_root_dir", default=None)
    parser.add_argument("--limit_train_batches", default=1.0, type=float)
    parser.add_argument("--log_every_n_steps", default=50, type=int)
    parser.add_argument("--check_val_every_n_epoch", default=1, type=int)
    parser = LitModel.add_model_specific_args(parser)
    args = parser.parse_args()
    for epoch in range(args.max_epochs):
        print(f"Epoch {epoch}: 100% 1/1 [00:00<00:00, v_num=0, val_loss={1 / (epoch + 1):.3f}]")


if __name__ == "__main__":
    cli_main()
