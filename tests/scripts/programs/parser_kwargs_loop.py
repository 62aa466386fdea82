import argparse
HP = dict(lr=(float, 1e-3), wd=(float, 1e-4), hidden=(int, 128), epochs=(int, 6), workers=(int, 2))
p = argparse.ArgumentParser()
for k, (t, d) in HP.items():
    p.add_argument(f"--{k}", type=t, default=d)
a = p.parse_args()
for e in range(a.epochs): print(f"epoch {e} val_auc {0.5+e/20}")
