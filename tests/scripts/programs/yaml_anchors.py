import argparse
import yaml
p = argparse.ArgumentParser()
p.add_argument("-c", "--config", default="anchors.yaml")
a = p.parse_args()
cfg = yaml.safe_load(open(a.config))
t = cfg["train"]
assert t["optimizer"] in ("adam", "sgd")
for e in range(t["epochs"]):
    print(f"epoch {e} val_loss {t['lr'] / (e + 1):.6f}")
