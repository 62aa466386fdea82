import argparse


def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data_dir", type=str, default="data/tinyshakespeare")
    parser.add_argument("--save_dir", type=str, default="save", help="directory to store checkpointed models")
    parser.add_argument("--save_every", type=int, default=1000, help="Save frequency.")
    parser.add_argument("--init_from", type=str, default=None, help="continue training from saved model at this path")
    parser.add_argument("--model", type=str, default="lstm", help="lstm, rnn, gru, or nas")
    parser.add_argument("--rnn_size", type=int, default=128, help="size of RNN hidden state")
    parser.add_argument("--num_layers", type=int, default=2, help="number of layers in the RNN")
    parser.add_argument("--seq_length", type=int, default=50, help="RNN sequence length.")
    parser.add_argument("--batch_size", type=int, default=50)
    parser.add_argument("--num_epochs", type=int, default=50, help="number of epochs.")
    parser.add_argument("--grad_clip", type=float, default=5.0, help="clip gradients at this value")
    parser.add_argument("--learning_rate", type=float, default=0.002, help="learning rate")
    parser.add_argument("--decay_rate", type=float, default=0.97, help="decay rate for rmsprop")
    parser.add_argument("--output_keep_prob", dest="keep_prob", type=float, default=1.0)
    args = parser.parse_args()
    for e in range(args.num_epochs):
        print("epoch %d val_loss = %.3f" % (e, 1 / (e + 1)))


if __name__ == "__main__":
    main()
