from absl import app, flags
FLAGS = flags.FLAGS
_LR = flags.DEFINE_float("lr", 0.05, "Learning rate.", lower_bound=0.0)
_OPT = flags.DEFINE_enum("optimizer", "momentum", ["sgd", "momentum", "adam"], "Which optimizer.")
flags.DEFINE_integer("train_batch_size", 256, "Batch size for training.")
flags.DEFINE_integer("eval_batch_size", 256, "Batch size for evaluation.")
flags.DEFINE_float("l2_reg", 5e-4, "L2 regularisation.")
flags.DEFINE_float("keep_prob", 0.8, "Probability to keep a unit.")
flags.DEFINE_integer("num_train_epochs", 10, "Epochs.")
flags.DEFINE_bool("nesterov", False, "Nesterov momentum.")
flags.DEFINE_string("model_dir", "/tmp/m", "Where to write.")
flags.DEFINE_integer("random_seed", 1, "Seed.")
def main(argv):
    for e in range(FLAGS.num_train_epochs):
        print(f"epoch: {e} eval_accuracy: {0.1 * e}")
if __name__ == "__main__":
    app.run(main)
