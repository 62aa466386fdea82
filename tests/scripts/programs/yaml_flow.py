import argparse, yaml

p = argparse.ArgumentParser()
p.add_argument("--config", required=True)
p.add_argument("--gpus", default="0")
a = p.parse_args()
cfg = yaml.safe_load(open(a.config))
raise SystemExit(3)
