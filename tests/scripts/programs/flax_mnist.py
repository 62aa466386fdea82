from absl import app, flags, logging

FLAGS = flags.FLAGS
flags.DEFINE_float("learning_rate", default=0.1, help=("The learning rate for the momentum optimizer."))
flags.DEFINE_float("momentum", default=0.9, help=("The decay rate used for the momentum optimizer."))
flags.DEFINE_integer("batch_size", default=128, help=("Batch size for training."))
flags.DEFINE_integer("num_epochs", default=10, help=("Number of training epochs."))
flags.DEFINE_string("workdir", default="/tmp/mnist", help="Directory to store model data.")


def main(argv):
    for epoch in range(FLAGS.num_epochs):
        print(f"epoch: {epoch}, test_loss: {1 / (epoch + 1)}")


if __name__ == "__main__":
    app.run(main)
