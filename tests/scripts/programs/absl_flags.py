from absl import app, flags
FLAGS = flags.FLAGS
flags.DEFINE_float("learning_rate", 0.1, "The learning rate for the momentum optimizer.", lower_bound=0.0)
flags.DEFINE_float("momentum", 0.9, "The decay rate used for the momentum optimizer.", lower_bound=0.0)
flags.DEFINE_integer("batch_size", 128, "Batch size.")
flags.DEFINE_integer("num_epochs", 10, "Number of training epochs.")
flags.DEFINE_integer("latents", 20, "Number of latent variables.")
flags.DEFINE_string("model_dir", "/tmp/x", "dir")
flags.DEFINE_integer("train_steps_per_eval", 100, "how often")
def main(argv):
    for e in range(FLAGS.num_epochs): print(f"eval epoch: {e}, loss: {1/(e+1)}")
if __name__ == "__main__":
    app.run(main)
