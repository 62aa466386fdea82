import argparse
def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument('--model-dir', default='/opt/ml/model')
    parser.add_argument('--learning-rate', '-lr', type=float, default=1e-3)
    parser.add_argument('--batch-size', '-bs', type=int, default=128)
    parser.add_argument('--epochs', '-e', type=int, default=12)
    parser.add_argument('--filters', type=int, nargs=1, default=32)
    parser.add_argument('--dense-units', type=int, default=128)
    parser.add_argument('--l2', type=float, default=0.0)
    parser.add_argument('--optimizer', type=str.lower, default='adam', choices=['adam', 'rmsprop', 'sgd'])
    parser.add_argument('--augment', type=lambda x: x.lower() == 'true', default=False)
    parser.add_argument('--data-format', default='channels_last', choices=['channels_last', 'channels_first'])
    parser.add_argument('--version', type=int, default=1)
    parser.add_argument('--train-steps', type=int, default=1000)
    parser.add_argument('--verbose', type=int, default=2)
    return parser.parse_known_args()
if __name__ == '__main__':
    args, _ = parse()
    for epoch in range(args.epochs):
        print(f'Epoch {epoch + 1}/{args.epochs} - 1s - loss: 0.1 - val_accuracy: {epoch / 12:.4f}')
