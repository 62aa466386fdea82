from absl import app, flags
from ml_collections import config_dict, config_flags
def get_config():
    c = config_dict.ConfigDict()
    c.learning_rate = 1e-3
    c.batch_size = 128
    c.num_epochs = 4
    c.model = config_dict.ConfigDict()
    c.model.hidden = 64
    c.model.dropout_rate = 0.1
    c.seed = 42
    return c
_CONFIG = config_flags.DEFINE_config_dict("config", get_config())
def main(_):
    c = _CONFIG.value
    for e in range(c.num_epochs):
        print(f"epoch={e}, val_loss={1.0 / (e + 1)}")
if __name__ == "__main__":
    app.run(main)
