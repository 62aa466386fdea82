import configparser
import sys
c = configparser.ConfigParser()
c.read(sys.argv[1] if len(sys.argv) > 1 else "settings.ini")
lr = c.getfloat("training", "learning_rate")
for e in range(c.getint("training", "epochs")):
    print(f"epoch {e} val_accuracy {0.2 + lr * e}")
